/* cmd_breaker.c - `giro breaker list|open|close`: what stands before the downstreams, looked at and forced through the
 * operator's socket. `close` also ends a forced opening: the breaker judges for itself again. */
#include "app/subcommand.h"

#include "app/admin_client.h"
#include "app/exit_code.h"
#include "app/options.h"
#include "app/sandbox.h"

enum { BREAKER_ARENA_BYTES = 256 * 1024 };

static const char *const connector = "core"; /* the one downstream with a breaker */

static int ask(const struct sandbox *sandbox, struct str request, struct arena *arena, const struct json **ret_answer) {
    char path[SANDBOX_PATH_BYTES_MAX];
    struct admin_client client;
    struct message message = { .text = "" };
    sandbox_socket(sandbox, "admin.sock", path);
    int r = admin_client_open(&client, path, &message);
    if (!r) {
        r = admin_client_call(&client, request, arena, ret_answer, &message);
        admin_client_close(&client);
    }
    if (r) fprintf(stderr, "giro: %s\n", message.text[0] ? message.text : "the daemon gave no answer");
    return r == 0 ? EXIT_DONE : r == ADMIN_CLIENT_E_UNREACHABLE ? EXIT_UNAVAILABLE : EXIT_FAILED;
}

static void print(const struct json *answer, bool json) {
    struct str state = json_get_string(answer, "state"), force = json_get_string(answer, "force");
    long long waiting = (long long)json_get_integer(answer, "waiting", 0);
    long long under_way = (long long)json_get_integer(answer, "under_way", 0);
    if (json)
        printf("[{\"connector\":\"%s\",\"state\":\"" STR_FMT "\",\"force\":\"" STR_FMT
               "\",\"waiting\":%lld,\"under_way\":%lld}]\n",
               connector, STR_ARG(state), STR_ARG(force), waiting, under_way);
    else
        printf("%-10s %-10s force %-8s %lld waiting, %lld under way\n", connector, state.at, force.at, waiting,
               under_way);
}

static int run(const char *var, struct str request, bool json) {
    struct sandbox sandbox;
    struct message message = { .text = "" };
    struct arena arena = { 0 };
    const struct json *answer = NULL;
    int r = sandbox_init(&sandbox, var, &message);
    if (r) return sandbox_complain(r, &message);
    if (arena_init(&arena, BREAKER_ARENA_BYTES, 2 * BREAKER_ARENA_BYTES)) return EXIT_FAILED;
    int code = ask(&sandbox, request, &arena, &answer);
    if (!code) print(answer, json);
    arena_release(&arena);
    return code;
}

int cmd_breaker(int argc, char **argv) {
    const char *var = NULL;
    bool json = false;
    const struct option_row rows[] = {
        { "var", "DIR", &var, NULL, "the sandbox's folder (default $GIRO_VAR or var)" },
        { "json", NULL, NULL, &json, "one JSON document" },
    };
    struct options options = { .usage = "breaker list|open|close [--var DIR] [--json]",
                               .help = "The circuit breaker before the core banking host.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 1,
                               .words_max = 2 };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    if (options.word_count == 2 && strcmp(options.words[1], connector)) {
        fprintf(stderr, "giro: there is no connector %s; there is %s\n", options.words[1], connector);
        return EXIT_ABSENT;
    }
    if (!strcmp(options.words[0], "list")) return run(var, STR("{\"command\":\"breaker\"}"), json);
    if (!strcmp(options.words[0], "open")) return run(var, STR("{\"command\":\"breaker\",\"force\":\"open\"}"), json);
    if (!strcmp(options.words[0], "close")) return run(var, STR("{\"command\":\"breaker\",\"force\":\"none\"}"), json);
    fprintf(stderr, "giro breaker: want list, open or close, not %s\n", options.words[0]);
    return EXIT_USAGE;
}
