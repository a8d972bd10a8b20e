/* Scopes and payment service roles of a call. */
#include "domain/call.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "platform/arena.h"
#include "platform/psd2_statement.h"

/* spec: uk/D3, gateway/3 */
static void roles_limit_scopes(void **state) {
    static const struct {
        bool has_roles;
        unsigned roles;
        const char *registered, *want; /* what is left of all scopes */
    } cases[] = {
        { false, 0, "", "openid payments accounts fundsconfirmations customers" },
        { true, PSP_AI, "", "openid accounts customers" },
        { true, PSP_PI | PSP_IC, "", "openid payments fundsconfirmations customers" },
        { true, 0, "", "openid customers" },
        { true, PSP_AS, "", "openid customers" },
        { false, 0, "PSP_PI", "openid payments customers" },
        { false, 0, "PSP_PI PSP_AI", "openid payments accounts customers" },
        { true, PSP_AI, "PSP_PI PSP_AI", "openid accounts customers" },
        { true, PSP_AI, "PSP_PI", "openid customers" },
        { false, 0, "AISP", "openid customers" },
    };
    struct arena arena;
    (void)state;
    assert_int_equal(arena_init(&arena, 4096, 65536), 0);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct call call = { .certificate_has_roles = cases[i].has_roles,
                             .certificate_roles = cases[i].roles,
                             .roles = str_from_c(cases[i].registered) };
        struct str left = call_roles_limit(&call, STR("openid payments accounts fundsconfirmations customers"), &arena);
        if (!str_equal_c(left, cases[i].want)) fail_msg("case %zu: " STR_FMT, i, STR_ARG(left));
    }
    arena_release(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(roles_limit_scopes) };
    return cmocka_run_group_tests_name("call", tests, NULL, NULL);
}
