/* giro-sim-sink - a message sink for the sandbox and the tests: lines of JSON in, "ok ID" out, a file of its own. See
 * README.md. */
#include "simulators/common/loop.h"
#include "simulators/common/options.h"
#include "platform/net.h"
#include "simulators/sink/service.h"

static const char *const program = "giro-sim-sink";
static const char *const usage =
    "usage: giro-sim-sink --file FILE [--host ADDRESS] [--port N] [--port-file FILE]\n"
    "       giro-sim-sink --file FILE --list [--json]\n"
    "\n"
    "  --file FILE       the messages: made when absent, read back at start, flushed before every acknowledgement\n"
    "  --host ADDRESS    where to listen (127.0.0.1)\n"
    "  --port N          0, the default, takes a free one\n"
    "  --port-file FILE  gets the port once everything answers\n"
    "  --list            prints every message from FILE and ends; --json as one document\n";

struct arguments {
    const char *file, *host, *port, *port_file;
    bool list, json, help;
    uint16_t port_number;
};

static bool read_arguments(int argc, char **argv, struct arguments *arguments) {
    const struct option_row rows[] = {
        { "--file", &arguments->file, NULL }, { "--host", &arguments->host, NULL },
        { "--port", &arguments->port, NULL }, { "--port-file", &arguments->port_file, NULL },
        { "--list", NULL, &arguments->list }, { "--json", NULL, &arguments->json },
        { "--help", NULL, &arguments->help },
    };
    if (!options_read(program, rows, ARRAY_COUNT(rows), argc, argv)) return false;
    if (arguments->help) return true;
    if (!options_port(program, arguments->port, &arguments->port_number)) return false;
    if (!arguments->file) fprintf(stderr, "%s: --file is missing\n", program);
    else if (arguments->json && !arguments->list) fprintf(stderr, "%s: --json goes with --list\n", program);
    else return true;
    return false;
}

static enum exit_code fail(int fault, const struct message *message) {
    fprintf(stderr, "%s: %s\n", program, message->text);
    return options_exit(fault);
}

static int open_door(struct loop *loop, const struct sink *sink, const struct arguments *arguments,
                     struct message *message) {
    int fd;
    uint16_t port;
    int r = net_listen_tcp(arguments->host, arguments->port_number, &fd, &port, message);
    if (!r) r = loop_listen_take(loop, fd, &sink->protocol);
    if (!r) r = options_write_port(arguments->port_file, port, message);
    if (r) return err_trace(r);
    printf("%s: listening on %s port %u\n", program, arguments->host, (unsigned)port);
    (void)fflush(stdout); /* nobody may be reading; the port file says it too */
    return 0;
}

static enum exit_code serve(struct sink *sink, const struct arguments *arguments) {
    struct message message = { "the system refuses what the program needs to start" };
    struct loop loop;
    int r = loop_init(&loop, sink_flush, sink);
    if (!r) r = open_door(&loop, sink, arguments, &message);
    enum exit_code code = r ? fail(r, &message) : EXIT_DONE;
    if (!r && (r = loop_run(&loop)) != 0) {
        message_set(&message, "the messages cannot be written (%s): stopped; what was acknowledged is safe",
                    strerrordesc_np(-r));
        (void)fail(r, &message);
        code = EXIT_FAILED;
    }
    loop_release(&loop);
    return code;
}

int main(int argc, char **argv) {
    struct arguments arguments = { .host = "127.0.0.1", .port = "0" };
    struct message message = { "not enough memory to read the messages" };
    struct sink sink;
    if (!read_arguments(argc, argv, &arguments)) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    if (arguments.help) {
        fputs(usage, stdout);
        return EXIT_DONE;
    }
    int r = arguments.list ? sink_list(arguments.file, stdout, arguments.json, &message)
                           : sink_open(&sink, arguments.file, &message);
    enum exit_code code = r == 0 ? EXIT_DONE : r == SINK_E_LOCKED ? EXIT_CONFLICT : options_exit(r);
    if (r) (void)fail(r, &message);
    else if (arguments.list) code = fflush(stdout) == 0 && !ferror(stdout) ? EXIT_DONE : EXIT_FAILED;
    else code = serve(&sink, &arguments);
    if (!arguments.list) sink_release(&sink);
    return (int)code;
}
