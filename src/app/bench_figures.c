/* bench_figures.c - what the measurements share: the CPU of the sandbox's processes, and how figures are printed. */
#include "app/bench.h"

#include "app/process_cpu.h"
#include "app/sandbox_caller.h"

static int read_one(struct sandbox *sandbox, const char *file, int64_t *ret_us, struct message *message) {
    bool with_children = strcmp(file, "run/nginx.pid") == 0; /* its workers */
    char path[SANDBOX_PATH_BYTES_MAX];
    int64_t pid = 0;
    sandbox_path(sandbox, file, path);
    int r = process_pid_read(path, &pid);
    if (!r) r = process_cpu_us(pid, with_children, ret_us);
    if (!r) return 0;
    message_set(message, "cannot read the CPU time of the process in %s (%s): is ./run running?", path, strerror(-r));
    return SANDBOX_CALLER_E_UNREACHABLE;
}

int bench_cpu_read(struct sandbox *sandbox, struct bench_cpu *ret_cpu, struct message *message) {
    struct bench_cpu cpu = { 0 };
    int r = read_one(sandbox, "run/nginx.pid", &cpu.edge_us, message);
    if (!r) r = read_one(sandbox, "run/giro.pid", &cpu.giro_us, message);
    if (!r) *ret_cpu = cpu;
    return err_trace(r);
}

const char *bench_decimal(uint64_t value, uint64_t unit, char text[32]) {
    uint64_t hundredths = unit ? value * 100 / unit : 0;
    (void)snprintf(text, 32, "%llu.%02llu", (unsigned long long)(hundredths / 100),
                   (unsigned long long)(hundredths % 100));
    return text;
}

void bench_figures_print(const struct bench_figure *figures, size_t count, bool json) {
    if (json) printf("{");
    for (size_t i = 0; i < count; i++) {
        if (json) printf("%s\"%s\":%s", i ? "," : "", figures[i].name, figures[i].value);
        else printf("%12s %s\n", figures[i].value, figures[i].text);
    }
    if (json) printf("}\n");
}
