#include "app/subcommand.h"

#include <unistd.h>

#include "app/exit_code.h"
#include "app/options.h"
#include "app/sandbox_run.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "platform/net.h"
#include "wire/json.h"

enum { DOCTOR_BYTES_MAX = 16 * 1024 };

/* Findings, a line each or elements of one array. */
struct doctor {
    bool json, sick;
    struct buffer out;
    struct json_writer writer;
};

static void tell(struct doctor *doctor, bool good, const char *what, const char *detail) {
    doctor->sick |= !good;
    if (!doctor->json) {
        buffer_printf(&doctor->out, "%-5s %s: %s\n", good ? "ok" : "BAD", what, detail);
        return;
    }
    json_object_begin(&doctor->writer);
    json_member_bool(&doctor->writer, "ok", good);
    json_member_c(&doctor->writer, "check", what);
    json_member_c(&doctor->writer, "detail", detail);
    json_object_end(&doctor->writer);
}

static void look_at_programs(struct doctor *doctor, const struct sandbox *sandbox) {
    static const char *const own[] = { "giro", "giro-sim-core", "giro-sim-sink" };
    char path[SANDBOX_PATH_BYTES_MAX];
    bool nginx = access("/usr/sbin/nginx", X_OK) == 0;
    tell(doctor, nginx, "nginx", nginx ? "/usr/sbin/nginx" : "missing: apt-get install nginx, or ./run");
    for (size_t i = 0; i < ARRAY_COUNT(own); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", sandbox->programs, own[i]);
        bool there = access(path, X_OK) == 0;
        tell(doctor, there, own[i], there ? path : "missing beside this program: build again");
    }
}

static void look_at_project(struct doctor *doctor, const struct sandbox *sandbox) {
    static const char *const files[] = { "api", "db/sqlite", "sagas/payment.asl.json", "policy/aml/names.csv",
                                         "src/integration/acl/layouts" };
    char path[SANDBOX_PATH_BYTES_MAX];
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        sandbox_project_path(sandbox, files[i], path);
        bool there = access(path, R_OK) == 0;
        tell(doctor, there, files[i], there ? "readable" : "missing or not readable in the project's folder");
    }
}

static void look_at_ports(struct doctor *doctor, const struct sandbox *sandbox, bool runs) {
    for (uint16_t i = 0; i < 3; i++) {
        char name[24];
        int fd;
        uint16_t port = (uint16_t)(sandbox->port_base + i), got;
        struct message message = { .text = "" };
        bool is_free = net_listen_tcp("127.0.0.1", port, &fd, &got, &message) == 0;
        if (is_free) net_close(fd);
        (void)snprintf(name, sizeof name, "port %u", port);
        bool good = is_free != runs;
        tell(doctor, good, name,
             good   ? (runs ? "the sandbox's" : "free")
             : runs ? "nobody listens there"
                    : "taken by another program");
    }
}

static void look_at_certificate(struct doctor *doctor, const struct sandbox *sandbox, const char *relative) {
    char path[SANDBOX_PATH_BYTES_MAX], detail[64], time[CLOCK_TEXT_BYTES];
    struct arena arena = { 0 };
    struct certificate *certificate = NULL;
    struct str pem;
    sandbox_path(sandbox, relative, path);
    int r = arena_init(&arena, CERTIFICATE_PEM_BYTES_MAX, 2 * CERTIFICATE_PEM_BYTES_MAX);
    if (!r) r = file_read_all(path, CERTIFICATE_PEM_BYTES_MAX, &arena, &pem, NULL);
    if (!r) r = certificate_parse_pem(pem, &certificate);
    bool good = r == 0 && certificate->not_after_ms > clock_now_ms();
    if (r == 0) {
        struct str until = clock_format_rfc3339(certificate->not_after_ms, time);
        (void)snprintf(detail, sizeof detail, "%s " STR_FMT, good ? "good until" : "expired", STR_ARG(until));
    }
    tell(doctor, good, relative, r ? "not a certificate that can be read" : detail);
    certificate = certificate_free(certificate);
    arena_release(&arena);
}

static void look_at_var(struct doctor *doctor, struct sandbox *sandbox) {
    uint16_t asked = sandbox->port_base;
    bool there = sandbox_read_state(sandbox, NULL) == 0;
    bool runs = there && sandbox_run_pid(sandbox) != 0;
    if (!runs && asked) sandbox->port_base = asked;
    if (!sandbox->port_base) sandbox->port_base = SANDBOX_PORT_BASE_DEFAULT;
    tell(doctor, true, "var", !there ? "no sandbox yet" : runs ? "a sandbox that runs" : "a sandbox that does not run");
    look_at_ports(doctor, sandbox, runs);
    if (!there) return;
    look_at_certificate(doctor, sandbox, "pki/ca.pem");
    look_at_certificate(doctor, sandbox, "pki/server.pem");
    for (size_t i = 0; i < sandbox_client_count; i++) {
        char relative[128];
        (void)snprintf(relative, sizeof relative, "clients/%s/transport.pem", sandbox_clients[i].name);
        look_at_certificate(doctor, sandbox, relative);
    }
}

static int examine(const char *var, uint16_t port_base, bool json) {
    struct sandbox sandbox;
    struct message message = { .text = "" };
    struct doctor doctor = { .json = json };
    int r = sandbox_init(&sandbox, var, &message);
    if (r) return sandbox_complain(r, &message);
    sandbox.port_base = port_base;
    buffer_init_heap(&doctor.out, DOCTOR_BYTES_MAX);
    json_begin(&doctor.writer, &doctor.out);
    if (json) json_array_begin(&doctor.writer);
    look_at_programs(&doctor, &sandbox);
    look_at_project(&doctor, &sandbox);
    look_at_var(&doctor, &sandbox);
    if (json) json_array_end(&doctor.writer);
    if (json) buffer_append_char(&doctor.out, '\n');
    (void)fwrite(doctor.out.at, 1, doctor.out.len, stdout); /* main looks at the stream */
    buffer_release(&doctor.out);
    return doctor.sick ? EXIT_FAILED : EXIT_DONE;
}

int cmd_doctor(int argc, char **argv) {
    const char *var = NULL, *base = NULL;
    bool json = false;
    uint64_t port_base = 0;
    const struct option_row rows[] = { { "var", "DIR", &var, NULL, "the sandbox's folder (GIRO_VAR, then var)" },
                                       { "port-base", "N", &base, NULL,
                                         "the ports to look at (those of var, else 8443)" },
                                       { "json", NULL, NULL, &json, "one JSON document" } };
    struct options options = { .usage = "doctor [OPTIONS]",
                               .help = "Looks at programs, files, ports and certificates; exit 1 when one is bad.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    if (!options_number("port-base", base, SANDBOX_PORT_BASE_MIN, SANDBOX_PORT_BASE_MAX, &port_base)) return EXIT_USAGE;
    return examine(var, (uint16_t)port_base, json);
}
