#include "app/admin_int.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "services/identity/client.h"

/* What the operator's door says before any command runs, so that no bank is needed. */
#define ACCOUNT "\"account_id\":\"00000000-0000-7000-8000-000000000001\""
#define CLIENT                                                                                                         \
    "{\"command\":\"client_register\",\"name\":\"tpp\",\"display_name\":\"Tpp\",\"profile\":\"fapi2\","                \
    "\"sender\":\"mtls\",\"jwks\":{\"keys\":[]}"

static const struct {
    const char *name, *line;
    bool sandbox;
    const char *error;
} cases[] = {
    { "money out of nothing", "{\"command\":\"account_fund\"," ACCOUNT ",\"currency\":\"GBP\",\"amount\":\"1.00\"}",
      false, "sandbox_only" },
    { "in a sandbox the request is read", "{\"command\":\"account_fund\"," ACCOUNT ",\"currency\":\"GBP\"}", true,
      "invalid_request" },
    { "an account with money in it", "{\"command\":\"account_open\",\"currency\":\"GBP\",\"fund_minor\":1}", false,
      "sandbox_only" },
    { "in a sandbox the amount is read", "{\"command\":\"account_open\",\"currency\":\"GBP\",\"fund_minor\":-1}", true,
      "invalid_request" },
    { "a client that asks nobody", CLIENT ",\"auto_approve\":true}", false, "sandbox_only" },
    { "a blank would make two redirect URIs of one",
      CLIENT ",\"auto_approve\":true,\"redirect_uris\":[\"https://tpp.example/a https://tpp.example/b\"]}", false,
      "invalid_request" },
    { "two of them are read",
      CLIENT ",\"auto_approve\":true,\"redirect_uris\":[\"https://tpp.example/a\",\"https://tpp.example/b\"]}", false,
      "sandbox_only" },
    { "a command that is none", "{\"command\":\"nothing\"}", true, "unknown_command" },
};

/* The error's name, "done" without one. */
static const char *ask(bool sandbox, struct str line) {
    struct integration integration = { .sandbox = sandbox };
    struct admin_options options = { .integration = &integration };
    struct arena arena = { 0 };
    struct admin_request request = { .options = &options, .arena = &arena };
    struct json_writer writer;
    struct buffer out;
    char text[256];
    int fault = 0;
    buffer_init(&out, text, sizeof text);
    json_begin(&writer, &out);
    assert_int_equal(arena_init(&arena, ADMIN_ARENA_BYTES, ADMIN_ARENA_BYTES_MAX), 0);
    assert_int_equal(json_parse_arena(line, ADMIN_LINE_BYTES_MAX, JSON_DEPTH_MAX, &arena, &request.json), 0);
    const char *error = admin_handle(&request, &writer, &fault);
    assert_int_equal(fault, 0);
    arena_release(&arena);
    return error ? error : "done";
}

static void what_only_a_sandbox_may_have(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        const char *error = ask(cases[i].sandbox, str_from_c(cases[i].line));
        if (strcmp(error, cases[i].error) != 0) fail_msg("%s: %s", cases[i].name, error);
    }
}

/* Over their limit they must not become none at all. */
static void redirect_uris_over_their_limit(void **state) {
    static char text[8 * 1024];
    struct buffer line;
    (void)state;
    buffer_init(&line, text, sizeof text);
    buffer_append_c(&line, CLIENT ",\"redirect_uris\":[\"https://");
    for (int i = 0; i < CLIENT_URIS_BYTES_MAX; i++) buffer_append_char(&line, 'a');
    buffer_append_c(&line, "\"]}");
    assert_string_equal(ask(true, buffer_str(&line)), "too_large");
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_only_a_sandbox_may_have),
                                        cmocka_unit_test(redirect_uris_over_their_limit) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
