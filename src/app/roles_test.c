#include "app/roles.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *name, *text;
    bool several_nodes, linked;
    int want;
    unsigned roles;
} cases[] = {
    { "all by default", "", false, false, 0, ROLES_ALL },
    { "all by name", "gateway,auth,engine,relay,jobs", false, false, 0, ROLES_ALL },
    { "blanks between them", " engine , relay,jobs", false, false, 0, ROLE_ENGINE | ROLE_RELAY | ROLE_JOBS },
    { "the money apart", "engine,relay,jobs", true, true, 0, ROLE_ENGINE | ROLE_RELAY | ROLE_JOBS },
    { "the internet apart", "gateway,auth", true, true, 0, ROLE_GATEWAY | ROLE_AUTH },
    { "an API without pages", "gateway", true, true, 0, ROLE_GATEWAY },
    { "no such role", "gateway,bus", true, true, -EINVAL, 0 },
    { "an empty name", "gateway,", true, true, -EINVAL, 0 },
    { "R1: relay apart", "relay", true, true, -EINVAL, 0 },
    { "R1: jobs apart", "gateway,jobs", true, true, -EINVAL, 0 },
    { "R1: the engine without them", "engine", true, true, -EINVAL, 0 },
    { "R2: auth apart", "auth", true, true, -EINVAL, 0 },
    { "R3: a file without a writer", "gateway,auth", false, true, -EINVAL, 0 },
    { "commands that cannot leave", "gateway,auth", true, false, -EINVAL, 0 },
};

static void combinations(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct roles_context context = { .several_nodes = cases[i].several_nodes, .linked = cases[i].linked };
        struct message message = { { 0 } };
        unsigned roles = 0;
        int r = roles_parse(str_from_c(cases[i].text), &context, &roles, &message);
        if (r != cases[i].want || roles != cases[i].roles) fail_msg("%s: %d %u", cases[i].name, r, roles);
        assert_int_equal(message.text[0] != '\0', r != 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(combinations) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
