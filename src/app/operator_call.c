#include "app/operator_call.h"

#include "app/admin_client.h"
#include "app/exit_code.h"
#include "app/sandbox.h"

enum { CALL_ARENA_BYTES = 256 * 1024 };

void operator_call_begin(struct operator_call *call, const char *name) {
    buffer_init(&call->request, call->bytes, sizeof call->bytes);
    json_begin(&call->writer, &call->request);
    json_object_begin(&call->writer);
    json_member_c(&call->writer, "command", name);
}

static void print_value(const struct json *value) {
    enum { LINE_BYTES_MAX = 4096 };
    static char line[LINE_BYTES_MAX];
    struct buffer out;
    buffer_init(&out, line, sizeof line);
    if (json_is_string(value)) buffer_append_str(&out, json_string(value));
    else json_write(&out, value);
    printf(STR_FMT, STR_ARG(buffer_str(&out)));
}

/* One member a line; an element of an array a line of its own. */
static void print_members(const struct json *object) {
    void *iterator = NULL;
    struct str name;
    const struct json *value;
    while (json_next(object, &iterator, &name, &value)) {
        for (size_t i = 0; json_type(value) == JSON_ARRAY_TYPE && i < json_count(value); i++) {
            print_value(json_at(value, i));
            printf("\n");
        }
        if (json_type(value) == JSON_ARRAY_TYPE) continue;
        printf("%-16.*s", (int)name.len, name.at);
        print_value(value);
        printf("\n");
    }
}

static void print_answer(const struct operator_call *call, const struct json *answer) {
    struct str id = json_get_string(answer, "id");
    if (call->json) {
        printf("{\"id\":\"" STR_FMT "\",\"result\":", STR_ARG(id));
        print_value(json_get(answer, "result"));
        printf("}\n");
        return;
    }
    if (id.len) printf("%-16s" STR_FMT "\n", "id", STR_ARG(id));
    print_members(json_get(answer, "result"));
}

static int ask(struct operator_call *call, const struct sandbox *sandbox, struct arena *arena) {
    char path[SANDBOX_PATH_BYTES_MAX];
    struct admin_client client;
    struct message message = { .text = "" };
    const struct json *answer = NULL;
    sandbox_socket(sandbox, "admin.sock", path);
    int r = admin_client_open(&client, path, &message);
    if (!r) {
        r = admin_client_call(&client, buffer_str(&call->request), arena, &answer, &message);
        admin_client_close(&client);
    }
    if (r) fprintf(stderr, "giro: %s\n", message.text[0] ? message.text : "the daemon gave no answer");
    else print_answer(call, answer);
    return r == 0 ? EXIT_DONE : r == ADMIN_CLIENT_E_UNREACHABLE ? EXIT_UNAVAILABLE : EXIT_FAILED;
}

int operator_call_end(struct operator_call *call) {
    struct sandbox sandbox;
    struct message message = { .text = "" };
    struct arena arena = { 0 };
    if (call->key) json_member_c(&call->writer, "key", call->key);
    json_object_end(&call->writer);
    if (call->request.overflow) {
        fprintf(stderr, "giro: that is more than one command can take\n");
        return EXIT_USAGE;
    }
    int r = sandbox_init(&sandbox, call->var, &message);
    if (r) return sandbox_complain(r, &message);
    if (arena_init(&arena, CALL_ARENA_BYTES, 2 * CALL_ARENA_BYTES)) return EXIT_FAILED;
    int code = ask(call, &sandbox, &arena);
    arena_release(&arena);
    return code;
}
