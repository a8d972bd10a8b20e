/* The PSD2 statement of eIDAS certificates: what is read, and what is refused beside it. */
#include "platform/psd2_statement.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "platform/buffer.h"

enum { BYTES_MAX = 2048 };

/* ---- writing DER ---- */

static void put(struct buffer *out, unsigned char tag, struct str content) {
    buffer_append_char(out, (char)tag);
    if (content.len >= 0x80) buffer_append_char(out, (char)(content.len < 0x100 ? 0x81 : 0x82));
    if (content.len >= 0x100) buffer_append_char(out, (char)(content.len >> 8));
    buffer_append_char(out, (char)content.len);
    buffer_append_str(out, content);
}

struct role {
    unsigned char number;
    struct str name;
};

static void put_role(struct buffer *out, const struct role *role) {
    char memory[BYTES_MAX], oid[] = { 4, 0, (char)0x81, (char)0x98, 0x27, 1, (char)role->number };
    struct buffer body;
    buffer_init(&body, memory, sizeof memory);
    put(&body, 0x06, str_from_bytes(oid, sizeof oid));
    put(&body, 0x0c, role->name);
    put(out, 0x30, buffer_str(&body));
}

/* What the statement holds; times: how often it stands there. */
struct sample {
    struct role roles[3];
    size_t count, times;
    struct str nca_name, nca_id;
};

static struct str write_sample(const struct sample *sample, char memory[BYTES_MAX]) {
    static const char oid_statement[] = { 4, 0, (char)0x81, (char)0x98, 0x27, 2 },
                      oid_compliance[] = { 4, 0, (char)0x8e, 0x46, 1, 1 };
    char parts[4][BYTES_MAX];
    struct buffer roles, info, entry, all, out;
    buffer_init(&roles, parts[0], BYTES_MAX);
    buffer_init(&info, parts[1], BYTES_MAX);
    buffer_init(&entry, parts[2], BYTES_MAX);
    buffer_init(&all, parts[3], BYTES_MAX);
    buffer_init(&out, memory, BYTES_MAX);
    for (size_t i = 0; i < sample->count; i++) put_role(&roles, &sample->roles[i]);
    put(&info, 0x30, buffer_str(&roles));
    put(&info, 0x0c, sample->nca_name);
    put(&info, 0x0c, sample->nca_id);
    put(&entry, 0x06, str_from_bytes(oid_compliance, sizeof oid_compliance));
    put(&all, 0x30, buffer_str(&entry));
    for (size_t i = 0; i < sample->times; i++) {
        buffer_reset(&entry);
        put(&entry, 0x06, str_from_bytes(oid_statement, sizeof oid_statement));
        put(&entry, 0x30, buffer_str(&info));
        put(&all, 0x30, buffer_str(&entry));
    }
    put(&out, 0x30, buffer_str(&all));
    return buffer_str(&out);
}

#define FCA STR_INIT("Financial Conduct Authority"), STR_INIT("GB-FCA")

/* spec: gateway/3 */
static void statements_are_read_exactly(void **state) {
    static const struct {
        struct sample sample;
        int want;
        unsigned roles;
    } cases[] = {
        { { { { 3, STR_INIT("PSP_AI") } }, 1, 1, FCA }, 0, PSP_AI },
        { { { { 2, STR_INIT("PSP_PI") }, { 3, STR_INIT("PSP_AI") } }, 2, 1, FCA }, 0, PSP_AI | PSP_PI },
        { { { { 1, STR_INIT("PSP_AS") }, { 4, STR_INIT("PSP_IC") } }, 2, 1, FCA }, 0, PSP_AS | PSP_IC },
        { { { { 0, STR_INIT("PSP_UNSPECIFIED") } }, 1, 1, FCA }, 0, 0 },
        { { { { 0, { 0 } } }, 0, 1, FCA }, 0, 0 },
        { { { { 3, STR_INIT("PSP_PI") } }, 1, 1, FCA }, PSD2_E_ROLE, 0 },
        { { { { 5, STR_INIT("PSP_XX") } }, 1, 1, FCA }, PSD2_E_ROLE, 0 },
        { { { { 3, STR_INIT("PSP_AI") }, { 3, STR_INIT("PSP_AI") } }, 2, 1, FCA }, PSD2_E_ROLE, 0 },
        { { { { 3, STR_INIT("PSP_AI\0") } }, 1, 1, FCA }, PSD2_E_SYNTAX, 0 },
        { { { { 3, STR_INIT("PSP_A\xc4\xb1") } }, 1, 1, FCA }, PSD2_E_ROLE, 0 },   /* dotless i */
        { { { { 3, STR_INIT("PSP_A\xc0\x89") } }, 1, 1, FCA }, PSD2_E_SYNTAX, 0 }, /* overlong */
        { { { { 3, STR_INIT("PSP_AI") } }, 1, 2, FCA }, PSD2_E_TWICE, 0 },
        { { { { 3, STR_INIT("PSP_AI") } }, 1, 1, STR_INIT("FCA"), STR_INIT("GB-FCA\0") }, PSD2_E_NAME, 0 },
        { { { { 3, STR_INIT("PSP_AI") } }, 1, 1, STR_INIT("FCA"), STR_INIT("GBFCA") }, PSD2_E_NAME, 0 },
        { { { { 3, STR_INIT("PSP_AI") } }, 1, 1, STR_INIT("FCA"), STR_INIT("GB-F") }, PSD2_E_NAME, 0 },
        { { { { 3, STR_INIT("PSP_AI") } }, 1, 1, STR_INIT("FCA"), STR_INIT("gb-FCA") }, PSD2_E_NAME, 0 },
        { { { { 3, STR_INIT("PSP_AI") } }, 1, 1, STR_INIT("F\nA"), STR_INIT("GB-FCA") }, PSD2_E_NAME, 0 },
        { { { { 3, STR_INIT("PSP_AI") } }, 1, 1, STR_INIT(""), STR_INIT("GB-FCA") }, PSD2_E_NAME, 0 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char memory[BYTES_MAX];
        struct psd2_statement statement = { 0 };
        int r = psd2_statement_parse(write_sample(&cases[i].sample, memory), &statement);
        if (r != cases[i].want) fail_msg("case %zu: %d", i, r);
        if (r == 0) assert_true(statement.present && str_equal_c(statement.nca_id, "GB-FCA"));
        assert_int_equal(statement.roles, cases[i].roles);
    }
}

/* Only other statements: none; every cut and every longer form of a good one is refused. */
/* spec: gateway/T14 */
static void only_der_is_read(void **state) {
    static const struct sample sample = { { { 3, STR_INIT("PSP_AI") } }, 1, 1, FCA };
    static const struct sample none = { .times = 0 };
    char memory[BYTES_MAX], longer[BYTES_MAX];
    struct psd2_statement statement = { 0 };
    (void)state;
    assert_int_equal(psd2_statement_parse(write_sample(&none, memory), &statement), 0);
    assert_false(statement.present);
    struct str good = write_sample(&sample, memory);
    assert_int_equal(psd2_statement_parse(good, &statement), 0);
    assert_true(statement.present);
    for (size_t len = 0; len < good.len; len++)
        assert_int_equal(psd2_statement_parse(str_slice(good, 0, len), &statement), PSD2_E_SYNTAX);
    memcpy(longer, good.at, good.len);
    longer[good.len] = 0;
    assert_int_equal(psd2_statement_parse(str_from_bytes(longer, good.len + 1), &statement), PSD2_E_SYNTAX);
    assert_true(good.len < 0x80); /* so that its length can be written longer than need be */
    longer[1] = (char)0x81;
    longer[2] = (char)(good.len - 2);
    memcpy(longer + 3, good.at + 2, good.len - 2);
    assert_int_equal(psd2_statement_parse(str_from_bytes(longer, good.len + 1), &statement), PSD2_E_SYNTAX);
}

static void organizations_belong_to_their_authority(void **state) {
    static const struct {
        const char *organization, *nca;
        bool want;
    } cases[] = {
        { "PSDGB-FCA-123456", "GB-FCA", true },
        { "PSDGB-FCA-", "GB-FCA", false },
        { "PSDGB-FCAX-1", "GB-FCA", false },
        { "PSDDE-BAFIN-1", "GB-FCA", false },
        { "LEIXG-5493001KJTIIGC8Y1R12", "GB-FCA", true },
        { "PSD", "GB-FCA", false },
    };
    static const struct {
        const char *list;
        bool good;
        unsigned roles;
    } lists[] = {
        { "", true, 0 },
        { "PSP_AI", true, PSP_AI },
        { "PSP_AI PSP_PI PSP_IC PSP_AS", true, PSP_AI | PSP_PI | PSP_IC | PSP_AS },
        { "AISP", false, 0 },
        { "PSP_AI  PSP_PI", false, 0 },
        { "psp_ai", false, 0 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
        assert_int_equal(psd2_organization_fits(str_from_c(cases[i].organization), str_from_c(cases[i].nca)),
                         cases[i].want);
    for (size_t i = 0; i < ARRAY_COUNT(lists); i++) {
        unsigned roles = 0;
        assert_int_equal(psp_roles_parse(str_from_c(lists[i].list), &roles), lists[i].good);
        assert_int_equal(roles, lists[i].roles);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements_are_read_exactly),
        cmocka_unit_test(only_der_is_read),
        cmocka_unit_test(organizations_belong_to_their_authority),
    };
    return cmocka_run_group_tests_name("psd2_statement", tests, NULL, NULL);
}
