#include "simulators/common/options.h"

#include "platform/file.h"

static const struct option_row *find_row(const struct option_row *rows, size_t row_count, struct str name) {
    for (size_t i = 0; i < row_count; i++)
        if (str_equal_c(name, rows[i].name)) return &rows[i];
    return NULL;
}

bool options_read(const char *program, const struct option_row *rows, size_t row_count, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        struct str rest = str_from_c(argv[i]), name;
        bool joined = str_cut(&rest, '=', &name);
        const struct option_row *row = find_row(rows, row_count, name);
        if (!row) {
            fprintf(stderr, "%s: no such option: %s\n", program, argv[i]);
            return false;
        }
        if (row->flag && !joined) {
            *row->flag = true;
            continue;
        }
        if (row->flag || (!joined && i + 1 == argc)) {
            fprintf(stderr, "%s: %s takes %s value\n", program, row->name, row->flag ? "no" : "a");
            return false;
        }
        *row->text = joined ? rest.at : argv[++i]; /* rest ends where argv[i] ends, so it has its NUL */
    }
    return true;
}

bool options_port(const char *program, const char *text, uint16_t *ret_port) {
    uint64_t port;
    if (str_to_u64(str_from_c(text), &port) != 0 || port > UINT16_MAX) {
        fprintf(stderr, "%s: --port must be a number from 0 to 65535, not %s\n", program, text);
        return false;
    }
    *ret_port = (uint16_t)port;
    return true;
}

int options_write_port(const char *port_file, uint16_t port, struct message *message) {
    char text[8];
    if (!port_file) return 0;
    int len = snprintf(text, sizeof text, "%u\n", (unsigned)port);
    return err_trace(file_write_atomic(port_file, str_from_bytes(text, (size_t)len), 0644, message));
}

enum exit_code options_exit(int fault) {
    switch (-fault) {
    case ENOENT: return EXIT_NOT_FOUND;
    case EACCES: case EPERM: case EROFS: return EXIT_DENIED;
    case EADDRINUSE: case EADDRNOTAVAIL: case EEXIST: return EXIT_UNAVAILABLE;
    default: return EXIT_FAILED;
    }
}
