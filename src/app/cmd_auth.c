/* cmd_auth.c - giro auth keys list | rotate | reload: the keys by which the running bank signs (docs/authorization.md).
 */
#include "app/subcommand.h"

#include "app/admin_ask.h"
#include "app/exit_code.h"
#include "app/options.h"
#include "wire/json.h"

static void print_people(const struct json *answer) {
    const struct json *keys = json_get(answer, "keys"), *rotated = json_get(answer, "rotated");
    if (rotated && !json_bool(rotated, true))
        printf("there was no next key: one is published now; rotate again once clients had time to see it\n");
    for (size_t i = 0; i < json_count(keys); i++)
        printf("%-9.*s %.*s\n", STR_ARG(json_get_string(json_at(keys, i), "state")),
               STR_ARG(json_get_string(json_at(keys, i), "kid")));
}

static void print_json(const struct json *answer) {
    enum { ANSWER_BYTES_MAX = 4096 };
    char memory[ANSWER_BYTES_MAX];
    struct buffer out;
    struct json_writer writer;
    const struct json *rotated = json_get(answer, "rotated");
    buffer_init(&out, memory, sizeof memory);
    json_begin(&writer, &out);
    json_object_begin(&writer);
    if (rotated) json_member_bool(&writer, "rotated", json_bool(rotated, false));
    json_name(&writer, "keys");
    json_put_value(&writer, json_get(answer, "keys"));
    json_object_end(&writer);
    printf(STR_FMT "\n", STR_ARG(buffer_str(&out)));
}

static int run(const char *action, int argc, char **argv) {
    const char *var = NULL;
    bool json = false;
    struct arena arena = { 0 };
    const struct json *answer = NULL;
    const struct option_row rows[] = {
        { "var", "DIR", &var, NULL, "the sandbox's folder (default $GIRO_VAR or var)" },
        { "json", NULL, NULL, &json, "one JSON document" },
    };
    struct options options = { .usage = "auth keys list|rotate|reload [--var DIR] [--json]",
                               .help = "The keys by which the bank signs: the current one, the next, the previous.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    if (arena_init(&arena, ADMIN_ASK_ARENA_BYTES, 2 * ADMIN_ASK_ARENA_BYTES)) return EXIT_FAILED;
    struct str request = arena_printf(&arena, "{\"command\":\"auth_keys\",\"action\":\"%s\"}", action);
    int code = request.at ? admin_ask(var, request, &arena, &answer) : EXIT_FAILED;
    if (!code && json) print_json(answer);
    else if (!code) print_people(answer);
    arena_release(&arena);
    return code;
}

static int keys_list(int argc, char **argv) {
    return run("list", argc, argv);
}

static int keys_rotate(int argc, char **argv) {
    return run("rotate", argc, argv);
}

static int keys_reload(int argc, char **argv) {
    return run("reload", argc, argv);
}

static int auth_keys(int argc, char **argv) {
    static const struct subcommand rows[] = {
        { "list", "the keys that are published, and which one signs", keys_list },
        { "rotate", "the next key signs from now on, the current one stays published", keys_rotate },
        { "reload", "takes the files as they are: after a rotation on another node", keys_reload },
    };
    static const struct subcommand_table table = { .title = "giro auth keys",
                                                   .rows = rows,
                                                   .count = ARRAY_COUNT(rows) };
    return subcommand_run(&table, argc, argv);
}

int cmd_auth(int argc, char **argv) {
    static const struct subcommand rows[] = { { "keys", "the keys by which the bank signs", auth_keys } };
    static const struct subcommand_table table = { .title = "giro auth", .rows = rows, .count = ARRAY_COUNT(rows) };
    return subcommand_run(&table, argc, argv);
}
