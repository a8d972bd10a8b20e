#include "app/process_cpu.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

enum { STAT_FIELD_PARENT = 4, STAT_FIELD_USER = 14, STAT_FIELD_CHILDREN_SYSTEM = 17 }; /* as proc(5) counts */

/* /proc gives no size, so file_read_all does not read it. */
static int read_small(const char *path, char *text, size_t bytes_max, struct str *ret_text) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -errno;
    ssize_t len = read(fd, text, bytes_max);
    int r = len < 0 ? -errno : 0;
    (void)close(fd);
    if (!r) *ret_text = str_from_bytes(text, (size_t)len);
    return r;
}

int process_stat_parse(struct str text, struct process_stat *ret_stat) {
    struct process_stat stat = { 0 };
    uint64_t number;
    size_t end = text.len;
    while (end > 0 && text.at[end - 1] != ')') end--; /* the name ends at the last one */
    struct str rest = str_trim(str_slice(text, end, text.len)), field;
    if (end == 0) return -EINVAL;
    for (int i = 3; i <= STAT_FIELD_CHILDREN_SYSTEM; i++) {
        if (rest.len == 0) return -EINVAL;
        (void)str_cut(&rest, ' ', &field); /* the last field has no blank behind it */
        bool is_time = i >= STAT_FIELD_USER;
        if (!is_time && i != STAT_FIELD_PARENT) continue;
        if (str_to_u64(field, &number) || number > INT64_MAX / 8) return -EINVAL;
        if (is_time)
            stat.ticks += number;
        else
            stat.parent = (int64_t)number;
    }
    *ret_stat = stat;
    return 0;
}

static int read_stat(int64_t pid, struct process_stat *ret_stat) {
    char path[64], text[PROCESS_STAT_BYTES_MAX];
    struct str line;
    (void)snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    int r = read_small(path, text, sizeof text, &line);
    return r ? r : process_stat_parse(line, ret_stat);
}

int process_pid_read(const char *path, int64_t *ret_pid) {
    char text[64];
    struct str line;
    uint64_t pid;
    int r = read_small(path, text, sizeof text, &line);
    if (r) return err_origin(r);
    while (line.len && (line.at[line.len - 1] == '\n' || line.at[line.len - 1] == ' ')) line.len--;
    if (str_to_u64(line, &pid) || pid == 0 || pid > PROCESS_PID_MAX) return err_origin(-EINVAL);
    *ret_pid = (int64_t)pid;
    return 0;
}

/* Adds the ticks of every process whose parent is pid. */
static int add_children(int64_t pid, uint64_t *ticks) {
    DIR *folder = opendir("/proc");
    struct dirent *entry;
    struct process_stat stat;
    uint64_t number;
    if (!folder) return err_origin(-errno);
    while ((entry = readdir(folder))) {
        if (str_to_u64(str_from_c(entry->d_name), &number) || number > PROCESS_PID_MAX) continue;
        if (read_stat((int64_t)number, &stat) == 0 && stat.parent == pid) *ticks += stat.ticks;
    }
    (void)closedir(folder);
    return 0;
}

int process_cpu_us(int64_t pid, bool with_children, int64_t *ret_us) {
    struct process_stat stat;
    long ticks_per_second = sysconf(_SC_CLK_TCK);
    int r = read_stat(pid, &stat);
    if (!r && with_children) r = add_children(pid, &stat.ticks);
    if (!r && ticks_per_second <= 0) r = -EINVAL;
    if (r) return err_origin(r);
    *ret_us = (int64_t)(stat.ticks * 1000000u / (uint64_t)ticks_per_second);
    return 0;
}
