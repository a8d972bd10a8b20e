#include "gateway/challenge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
    bool by_key;
    const char *error, *scope, *want;
} cases[] = {
    { false, "invalid_token", NULL, "Bearer realm=\"giro\", error=\"invalid_token\"" },
    { true, "invalid_token", NULL, "DPoP realm=\"giro\", algs=\"PS256 ES256\", error=\"invalid_token\"" },
    { false, "insufficient_scope", "accounts",
      "Bearer realm=\"giro\", error=\"insufficient_scope\", scope=\"accounts\"" },
    { true, "insufficient_scope", "accounts",
      "DPoP realm=\"giro\", algs=\"PS256 ES256\", error=\"insufficient_scope\", scope=\"accounts\"" },
};

static void is_told(const struct exchange *exchange, const char *want) {
    assert_int_equal(exchange->header_count, 1);
    assert_true(str_equal_c(exchange->headers[0].name, "WWW-Authenticate"));
    if (!str_equal_c(exchange->headers[0].value, want)) fail_msg(STR_FMT, STR_ARG(exchange->headers[0].value));
}

/* RFC 9449 section 7.1; a refusal for roles and one of a consent are challenge_again(). */
/* spec: gateway/23 */
static void a_challenge_is_in_the_scheme_of_the_call(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct arena arena;
        struct exchange *exchange = calloc(1, sizeof *exchange);
        assert_non_null(exchange);
        assert_int_equal(arena_init(&arena, 4096, 64 * 1024), 0);
        exchange->arena = &arena;
        challenge_add(exchange, cases[i].by_key, cases[i].error, cases[i].scope);
        is_told(exchange, cases[i].want);
        exchange->call.has_proof_key = cases[i].by_key;
        exchange->header_count = 0;
        challenge_again(exchange, cases[i].error, cases[i].scope);
        is_told(exchange, cases[i].want);
        arena_release(&arena);
        free(exchange);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_challenge_is_in_the_scheme_of_the_call) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
