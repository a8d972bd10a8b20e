#include "app/admin_ask.h"

#include "app/admin_client.h"
#include "app/exit_code.h"
#include "app/sandbox.h"

/* The exit code of an error; the sentence is its name. */
static int exit_of(const char *error) {
    static const struct {
        const char *name;
        int code;
    } codes[] = {
        { "not_found", EXIT_ABSENT },         { "account_not_found", EXIT_ABSENT },
        { "not_pending", EXIT_CONFLICT },     { "too_late", EXIT_CONFLICT },
        { "consent_not_found", EXIT_ABSENT }, { "consent_status", EXIT_CONFLICT },
        { "unavailable", EXIT_UNAVAILABLE },  { "idempotency_key_reused", EXIT_CONFLICT },
    };
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++)
        if (!strcmp(error, codes[i].name)) return codes[i].code;
    return EXIT_FAILED;
}

int admin_ask(const char *var, struct str request, struct arena *arena, const struct json **ret_answer) {
    struct sandbox sandbox;
    struct admin_client client;
    struct message message = { .text = "" };
    char path[SANDBOX_PATH_BYTES_MAX];
    int r = sandbox_init(&sandbox, var, &message);
    if (r) return sandbox_complain(r, &message);
    sandbox_socket(&sandbox, "admin.sock", path);
    r = admin_client_open(&client, path, &message);
    if (!r) {
        r = admin_client_call(&client, request, arena, ret_answer, &message);
        admin_client_close(&client);
    }
    if (r) fprintf(stderr, "giro: %s\n", message.text[0] ? message.text : "the daemon gave no answer");
    if (r == ADMIN_CLIENT_E_UNREACHABLE) return EXIT_UNAVAILABLE;
    return r == ADMIN_CLIENT_E_REFUSED ? exit_of(message.text) : r ? EXIT_FAILED : EXIT_DONE;
}

int admin_ask_id(const char *var, struct str request, const char *name, bool json) {
    struct arena arena = { 0 };
    const struct json *answer;
    if (arena_init(&arena, ADMIN_ASK_ARENA_BYTES, 2 * ADMIN_ASK_ARENA_BYTES)) return EXIT_FAILED;
    int code = admin_ask(var, request, &arena, &answer);
    if (!code) {
        struct str id = json_get_string(answer, name);
        bool replayed = json_get_bool(answer, "replayed", false);
        if (json) printf("{\"%s\":\"" STR_FMT "\",\"replayed\":%s}\n", name, STR_ARG(id), replayed ? "true" : "false");
        else printf(STR_FMT "%s\n", STR_ARG(id), replayed ? " (as before)" : "");
    }
    arena_release(&arena);
    return code;
}
