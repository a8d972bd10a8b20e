/* route_test.c - the table of routes and the headers that choose among media types. */
#include "gateway/route.h"

#include "gateway/conditional.h"
#include "gateway/media_range.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ID "0192f7a1-4c5b-7d10-8a3e-5b6c7d8e9f00"
#define LONG_64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* want: the template found; "" = not found; "allow: ..." = wrong method. */
static const struct {
    enum call_listener listener;
    const char *method, *path, *want, *param;
} rows[] = {
    { CALL_MTLS, "POST", "/v1/payments", "/v1/payments", "" },
    { CALL_MTLS, "POST", "/v1/payments/", "/v1/payments", "" },
    { CALL_MTLS, "POST", "/v1/payments//", "", "" },
    { CALL_MTLS, "POST", "//v1/payments", "", "" },
    { CALL_MTLS, "POST", "/v1//payments", "", "" },
    { CALL_MTLS, "POST", "/V1/payments", "", "" },
    { CALL_MTLS, "POST", "/v1/payment%73", "/v1/payments", "" },
    { CALL_MTLS, "POST", "/v1%2Fpayments", "", "" },
    { CALL_MTLS, "POST", "/v1/../v1/payments", "", "" },
    { CALL_MTLS, "GET", "/v1/payments/" ID, "/v1/payments/{payment_id}", ID },
    { CALL_MTLS, "HEAD", "/v1/payments/" ID, "/v1/payments/{payment_id}", ID },
    { CALL_MTLS, "GET", "/v1/payments/" ID "/", "/v1/payments/{payment_id}", ID },
    { CALL_MTLS, "GET", "/v1/payments/" ID "/x", "", "" },
    { CALL_MTLS, "GET", "/v1/payments/a%20b", "/v1/payments/{payment_id}", "a b" },
    { CALL_MTLS, "GET", "/v1/payments/a%2Fb", "", "" },
    { CALL_MTLS, "GET", "/v1/payments/a%0Ab", "", "" },
    { CALL_MTLS, "GET", "/v1/payments/a%00b", "", "" },
    { CALL_MTLS, "GET", "/v1/payments/a%2", "", "" },
    { CALL_MTLS, "GET", "/v1/payments/a%zz", "", "" },
    { CALL_MTLS, "GET", "/v1/payments/%ff", "", "" },
    { CALL_MTLS, "GET", "/v1/payments/\xff", "", "" },
    { CALL_MTLS, "GET", "/v1/payments/a\\b", "", "" },
    { CALL_MTLS, "GET", "/v1/payments/a\nb", "", "" },
    { CALL_MTLS, "GET", "/v1/payments/\xc3\xa9", "/v1/payments/{payment_id}", "\xc3\xa9" },
    { CALL_MTLS, "GET", "/v1/payments/%C3%A9", "/v1/payments/{payment_id}", "\xc3\xa9" },
    { CALL_MTLS, "GET", "/v1/payments/" LONG_64 LONG_64 LONG_64 LONG_64, "/v1/payments/{payment_id}",
      LONG_64 LONG_64 LONG_64 LONG_64 },
    { CALL_MTLS, "GET", "/v1/payments/" LONG_64 LONG_64 LONG_64 LONG_64 "a", "", "" },
    { CALL_MTLS, "GET", "/v1/payments", "allow: POST", "" },
    { CALL_MTLS, "DELETE", "/v1/payments/" ID, "allow: GET, HEAD", "" },
    { CALL_MTLS, "PUT", "/v1/accounts", "allow: GET, HEAD, POST", "" },
    { CALL_MTLS, "get", "/v1/accounts", "allow: GET, HEAD, POST", "" },
    { CALL_MTLS, "GET", "/v1/accounts/" ID "/balances", "/v1/accounts/{account_id}/balances", ID },
    { CALL_MTLS, "GET", "/v1/accounts/" ID "/transactions/", "/v1/accounts/{account_id}/transactions", ID },
    { CALL_MTLS, "GET", "/v1/accounts/" ID "/foobar", "", "" },
    { CALL_MTLS, "GET", "/", "", "" },
    { CALL_MTLS, "OPTIONS", "*", "", "" },
    { CALL_MTLS, "GET", "/v1/openapi.json", "/v1/openapi.json", "" },
    { CALL_BROWSER, "GET", "/v1/openapi.json", "/v1/openapi.json", "" },
    { CALL_BROWSER, "POST", "/v1/payments", "", "" }, /* the other listener's */
};

static void finds(void **state) {
    struct arena arena;
    (void)state;
    assert_int_equal(arena_init(&arena, 4096, 65536), 0);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct route_match match = { 0 };
        struct str want = str_from_c(rows[i].want);
        arena_reset(&arena);
        enum route_verdict verdict =
            route_find(rows[i].listener, str_from_c(rows[i].method), str_from_c(rows[i].path), &arena, &match);
        enum route_verdict wanted = want.len == 0       ? ROUTE_NOT_FOUND
                                    : want.at[0] == '/' ? ROUTE_FOUND
                                                        : ROUTE_WRONG_METHOD;
        if (verdict != wanted) fail_msg("%s %s: %d", rows[i].method, rows[i].path, (int)verdict);
        if (verdict == ROUTE_FOUND) {
            assert_string_equal(match.route->path, rows[i].want);
            assert_true(str_equal_c(match.params[0], rows[i].param));
            assert_ptr_equal(route_at(route_index(match.route)), match.route);
        }
        if (verdict == ROUTE_WRONG_METHOD) assert_true(str_equal_c(match.allow, rows[i].want + strlen("allow: ")));
    }
    arena_release(&arena);
}

/* What holds for every route, whoever adds one. */
static void every_route_is_sound(void **state) {
    (void)state;
    for (size_t i = 0; i < route_count(); i++) {
        const struct route *route = route_at(i);
        bool post = strcmp(route->method, "POST") == 0;
        assert_non_null(route->handle);
        assert_true(route->flags & (ROUTE_MTLS | ROUTE_BROWSER));
        assert_true(!(route->flags & ROUTE_TOKEN) || (route->flags & ROUTE_MTLS));
        assert_true(!(route->flags & ROUTE_TOKEN) || route->scope);
        assert_false((route->flags & ROUTE_BODY) && (route->flags & ROUTE_FORM));
        assert_true(!(route->flags & ROUTE_MONEY) || route->finish);
        assert_true(route->family != FAMILY_V1 || !post || route->idempotency == IDEMPOTENCY_V1);
        for (size_t k = 0; k < i; k++)
            assert_false(strcmp(route->method, route_at(k)->method) == 0 &&
                         strcmp(route->path, route_at(k)->path) == 0);
    }
}

/* Every write of /v1 and every one that makes or moves money wants the client's key. What the Open Banking standard
 * gives none are its consents to reads (uk/I1). */
/* spec: ledger/43 */
static void every_write_has_a_key(void **state) {
    size_t keyed = 0;
    (void)state;
    for (size_t i = 0; i < route_count(); i++) {
        const struct route *route = route_at(i);
        bool reads = strcmp(route->method, "GET") == 0 || strcmp(route->method, "HEAD") == 0;
        bool read_consent = strstr(route->path, "/account-access-consents") != NULL;
        bool wants = !reads && !read_consent &&
                     (route->family == FAMILY_V1 || route->family == FAMILY_OPEN_BANKING || route->flags & ROUTE_MONEY);
        enum route_idempotency want = !wants                                 ? IDEMPOTENCY_NONE
                                      : route->family == FAMILY_OPEN_BANKING ? IDEMPOTENCY_OPEN_BANKING
                                                                             : IDEMPOTENCY_V1;
        if (route->idempotency != want) fail_msg("%s %s: %d", route->method, route->path, (int)route->idempotency);
        keyed += wants;
    }
    assert_int_equal(keyed, 6); /* payments, accounts; payment consents and payments in each version of the standard */
}

static void families(void **state) {
    static const struct {
        enum call_listener listener;
        const char *path;
        enum route_family want;
    } paths[] = {
        { CALL_MTLS, "/v1/x", FAMILY_V1 },
        { CALL_MTLS, "/v1x", FAMILY_V1 },
        { CALL_BROWSER, "/v1x", FAMILY_PAGES },
        { CALL_MTLS, "/open-banking/v4.0/pisp/x", FAMILY_OPEN_BANKING },
        { CALL_MTLS, "/token", FAMILY_OAUTH },
        { CALL_MTLS, "/tokens", FAMILY_V1 },
        { CALL_BROWSER, "/authorize", FAMILY_PAGES },
        { CALL_BROWSER, "/", FAMILY_PAGES },
        { CALL_MTLS, "", FAMILY_V1 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++)
        assert_int_equal(route_family_of_path(paths[i].listener, str_from_c(paths[i].path)), paths[i].want);
}

static void accepts(void **state) {
    static const struct {
        const char *accept;
        bool want;
    } values[] = {
        { "", true },
        { "*/*", true },
        { "application/*", true },
        { "application/json", true },
        { "Application/JSON", true },
        { "application/json; charset=utf-8", true },
        { "text/html, application/json;q=0.1", true },
        { "text/html, */*;q=0.8", true },
        { "text/html", false },
        { "application/xml", false },
        { "application/jsonx", false },
        { "application/json;q=0", false },
        { "application/json;q=0.000", false },
        { "application/json;q=0.001", true },
        { "application/json;q=0, */*", false }, /* the closest range decides */
        { "*/*;q=0, application/json", true },
        { "*/json", false },
        { "json", false },
        { ",", false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(values); i++)
        if (media_range_accepts(str_from_c(values[i].accept), STR("application"), STR("json")) != values[i].want)
            fail_msg("Accept: %s", values[i].accept);
}

static void media_types(void **state) {
    static const struct {
        const char *type;
        bool want;
    } values[] = {
        { "application/json", true },
        { "application/JSON", true },
        { "application/json;charset=UTF-8", true },
        { "application/json; charset=\"utf-8\"", true },
        { "application/json; charset=latin1", false },
        { "application/json; charset=utf-8; x=y", false },
        { "application/json;", false },
        { "application/json, application/json", false },
        { "text/json", false },
        { "", false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(values); i++)
        if (media_type_is(str_from_c(values[i].type), STR("application/json")) != values[i].want)
            fail_msg("Content-Type: %s", values[i].type);
}

static void etags(void **state) {
    static const struct {
        const char *header;
        bool want;
    } values[] = {
        { "\"a\"", true },    { "W/\"a\"", true }, { "\"b\", \"a\"", true }, { "\"b\",W/\"a\" , \"c\"", true },
        { "*", true },        { "\"b\"", false },  { "a", false },           { "", false },
        { "w/\"a\"", false }, { "\"a\"b", false },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(values); i++)
        if (etag_matches(str_from_c(values[i].header), STR("\"a\"")) != values[i].want)
            fail_msg("If-None-Match: %s", values[i].header);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds),
        cmocka_unit_test(every_route_is_sound),
        cmocka_unit_test(every_write_has_a_key),
        cmocka_unit_test(families),
        cmocka_unit_test(accepts),
        cmocka_unit_test(media_types),
        cmocka_unit_test(etags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
