/* giro-sim-core - a core banking host for the sandbox and the tests: TCP, fixed-width records, books of its own. See
 * README.md. */
#include "simulators/common/loop.h"
#include "simulators/common/options.h"
#include "simulators/core/service.h"
#include "platform/net.h"

static const char *const program = "giro-sim-core";
static const char *const usage =
    "usage: giro-sim-core --books FILE [--host ADDRESS] [--port N] [--port-file FILE] [--control PATH] [--mode MODE] "
    "[--seed N]\n"
    "       giro-sim-core --books FILE --list [--json]\n"
    "\n"
    "  --books FILE      the books: made when absent, read back at start, flushed before every answer\n"
    "  --host ADDRESS    where to listen (127.0.0.1)\n"
    "  --port N          0, the default, takes a free one\n"
    "  --port-file FILE  gets the port once everything answers\n"
    "  --control PATH    a Unix socket (mode 0600) that takes the lines \"mode MODE\" and \"seed N\"\n"
    "  --mode MODE       ok slow silent twice fail-before fail-after fail-random (ok)\n"
    "  --seed N          for fail-random (0)\n"
    "  --list            prints every booking and balance from FILE and ends; --json as one document\n";

struct arguments {
    const char *books, *host, *port, *port_file, *control, *mode, *seed;
    bool list, json, help;
    uint16_t port_number;
    uint64_t seed_number;
};

static bool read_arguments(int argc, char **argv, struct arguments *arguments) {
    const struct option_row rows[] = {
        { "--books", &arguments->books, NULL },         { "--host", &arguments->host, NULL },
        { "--port", &arguments->port, NULL },           { "--port-file", &arguments->port_file, NULL },
        { "--control", &arguments->control, NULL },     { "--mode", &arguments->mode, NULL },
        { "--seed", &arguments->seed, NULL },           { "--list", NULL, &arguments->list },
        { "--json", NULL, &arguments->json },           { "--help", NULL, &arguments->help },
    };
    if (!options_read(program, rows, ARRAY_COUNT(rows), argc, argv)) return false;
    if (arguments->help) return true;
    if (!options_port(program, arguments->port, &arguments->port_number)) return false;
    if (!arguments->books) {
        fprintf(stderr, "%s: --books is missing\n", program);
        return false;
    }
    if (str_to_u64(str_from_c(arguments->seed), &arguments->seed_number) != 0) {
        fprintf(stderr, "%s: --seed must be a number, not %s\n", program, arguments->seed);
        return false;
    }
    if (arguments->json && !arguments->list) {
        fprintf(stderr, "%s: --json goes with --list\n", program);
        return false;
    }
    return true;
}

static enum exit_code fail(int fault, const struct message *message) {
    fprintf(stderr, "%s: %s\n", program, message->text);
    return options_exit(fault);
}

static enum exit_code list(const char *path, bool json) {
    struct message message = { "not enough memory to read the books" };
    struct books *books = NULL;
    int r = books_read(path, &books, &message);
    if (r) return fail(r, &message);
    books_list(books, stdout, json);
    (void)books_free(books);
    return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_DONE : EXIT_FAILED;
}

/* Opens both doors; the port file comes last: whoever reads it finds everything there. */
static int open_doors(struct loop *loop, const struct service *service, const struct arguments *arguments,
                      struct message *message) {
    int fd;
    uint16_t port;
    int r = net_listen_tcp(arguments->host, arguments->port_number, &fd, &port, message);
    if (!r) r = loop_listen_take(loop, fd, &service->records);
    if (!r && arguments->control) {
        r = net_listen_unix(arguments->control, 0600, &fd, message);
        if (!r) r = loop_listen_take(loop, fd, &service->control);
    }
    if (!r) r = options_write_port(arguments->port_file, port, message);
    if (r) return err_trace(r);
    printf("%s: listening on %s port %u\n", program, arguments->host, (unsigned)port);
    (void)fflush(stdout); /* nobody may be reading; the port file says it too */
    return 0;
}

static enum exit_code serve(struct books *books, const struct arguments *arguments) {
    struct message message = { "the system refuses what the program needs to start" };
    struct service service;
    struct loop loop;
    service_init(&service, books);
    service_set_seed(&service, arguments->seed_number);
    if (!service_set_mode(&service, str_from_c(arguments->mode))) {
        fprintf(stderr, "%s: no such mode: %s\n", program, arguments->mode);
        return EXIT_USAGE;
    }
    int r = loop_init(&loop, service_flush, &service);
    if (!r) r = open_doors(&loop, &service, arguments, &message);
    enum exit_code code = r ? fail(r, &message) : EXIT_DONE;
    if (!r && (r = loop_run(&loop)) != 0) {
        message_set(&message, "the books cannot be written (%s): stopped; what was answered is safe",
                    strerrordesc_np(-r));
        (void)fail(r, &message);
        code = EXIT_FAILED;
    }
    loop_release(&loop);
    return code;
}

int main(int argc, char **argv) {
    struct arguments arguments = { .host = "127.0.0.1", .port = "0", .mode = "ok", .seed = "0" };
    struct message message = { "not enough memory to read the books" };
    struct books *books = NULL;
    if (!read_arguments(argc, argv, &arguments)) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (arguments.help) {
        fputs(usage, stdout);
        return EXIT_DONE;
    }
    if (arguments.list) return (int)list(arguments.books, arguments.json);
    int r = books_open(arguments.books, &books, &message);
    if (r) {
        enum exit_code code = fail(r, &message);
        return r == BOOKS_E_LOCKED ? EXIT_CONFLICT : (int)code;
    }
    enum exit_code code = serve(books, &arguments);
    (void)books_free(books);
    return (int)code;
}
