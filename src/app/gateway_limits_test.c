/* gateway_limits_test.c - addresses, limits of a client's own, a day that outlives the gateway, unattended reads. */
#include "app/gateway_world.h"

#include "gateway/checks.h"
#include "gateway/route.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define LIST "GET /v1/accounts"
static const enum world_certificate beta = WORLD_BETA;

static int open_world(void **state) {
    *state = world_open();
    return 0;
}

static int close_world(void **state) {
    world_close(*state);
    return 0;
}

static int set_limits(struct world *world, const struct client_limits_input *input) {
    struct arena arena;
    check(arena_init(&arena, 4096, 64 * 1024) == 0);
    struct command_call call = { .arena = &arena };
    assert_int_equal(command_client_limits(&world->integration, &call, input), 0);
    assert_int_equal(call.answer.result, ANSWER_DONE);
    int refusal = call.answer.refusal;
    arena_release(&arena);
    return refusal;
}

static void allow(struct world *world, const char *client, const char *addresses) {
    struct client_limits_input input = { .name = str_from_c(client),
                                         .requests_per_second = -1,
                                         .burst = -1,
                                         .daily_limit = -1,
                                         .set_addresses = true,
                                         .addresses = str_from_c(addresses) };
    assert_int_equal(set_limits(world, &input), 0);
}

static struct world_answer ask_from(struct world *world, const char *line, const char *address) {
    static char more[128];
    (void)snprintf(more, sizeof more, "X-OB-Client-Address: %s\r\n", address);
    return world_ask(world, &(struct ask){ .line = line, .more = address[0] ? more : NULL });
}

/* ---- addresses ---- */

/* spec: gateway/50 */
static void addresses_of_a_client(void **state) {
    static const struct {
        const char *allowed, *address;
        int want;
    } rows[] = {
        { "", "203.0.113.1", 200 },
        { "", "", 200 },
        { "192.0.2.0/24", "192.0.2.1", 200 },
        { "192.0.2.0/24", "192.0.3.1", 403 },
        { "192.0.2.0/24", "::ffff:192.0.2.1", 200 },
        { "192.0.2.0/24 2001:db8::/32", "2001:db8::7", 200 },
        { "192.0.2.0/24 2001:db8::/32", "2001:db9::7", 403 },
        { "192.0.2.0/24", "unix:", 403 },
        { "192.0.2.0/24", "", 403 },
        { "192.0.2.0/24", "192.0.2.1, 10.0.0.1", 403 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        allow(*state, "acme", rows[i].allowed);
        struct world_answer answer = ask_from(*state, LIST, rows[i].address);
        if (answer.status != rows[i].want) fail_msg("%s from %s: %d", rows[i].allowed, rows[i].address, answer.status);
        if (answer.status == 403) assert_true(contains(answer.body, "\"code\":\"address_not_allowed\""));
        if (answer.status == 403) assert_int_equal(world_header(&answer, "RateLimit").len, 0); /* before the rate */
    }
    struct world_answer answer = ask_from(*state, "GET /open-banking/v4.0/pisp/domestic-payments/x", "203.0.113.1");
    assert_int_equal(answer.status, 403);
    assert_true(contains(answer.body, "\"ErrorCode\":\"U000\"")); /* in the envelope of the route */
    allow(*state, "acme", "");
}

static void set_judges_its_input(void **state) {
    static const struct {
        struct client_limits_input input;
        int want;
    } rows[] = {
        { { .name = STR_INIT("nobody") }, CLIENT_LIMITS_E_ABSENT },
        { { .name = STR_INIT("acme"), .addresses = STR_INIT("192.0.2.1/24") }, CLIENT_LIMITS_E_INPUT },
        { { .name = STR_INIT("acme"), .addresses = STR_INIT("10.0.0.0/8  10.1.0.0/16") }, CLIENT_LIMITS_E_INPUT },
        { { .name = STR_INIT("acme"), .requests_per_second = 1000001 }, CLIENT_LIMITS_E_INPUT },
        { { .name = STR_INIT("acme"), .burst = -2 }, CLIENT_LIMITS_E_INPUT },
        { { .name = STR_INIT("acme") }, 0 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) assert_int_equal(set_limits(*state, &rows[i].input), rows[i].want);
}

static const struct cidr_set *set_of(const char *block) {
    struct cidr_set *set;
    struct cidr cidr;
    assert_int_equal(cidr_parse(str_from_c(block), &cidr), 0);
    assert_int_equal(cidr_set_new(&set), 0);
    assert_int_equal(cidr_set_add(set, &cidr), 0);
    return set;
}

/* spec: gateway/50 */
static void addresses_of_routes(void **state) {
    struct world *world = *state;
    struct gateway_addresses addresses[] = {
        { .prefix = STR_INIT("/v1"), .blocks = set_of("192.0.2.0/24") },
        { .prefix = STR_INIT("/v1/accounts/"), .blocks = set_of("2001:db8::/32") },
    };
    static const struct {
        const char *line, *address;
        int want;
    } rows[] = {
        { "GET /v1/payments/00000000-0000-7000-8000-000000000001", "192.0.2.1", 404 },
        { "GET /v1/payments/00000000-0000-7000-8000-000000000001", "2001:db8::1", 403 },
        { LIST, "2001:db8::1", 200 }, /* the longest prefix decides */
        { LIST, "192.0.2.1", 403 },
        { "GET /v1/%61ccounts", "192.0.2.1", 403 }, /* the route decides, however its path is written */
        { "GET /v1/accounts/", "192.0.2.1", 403 },
        { "GET /open-banking/v4.0/pisp/domestic-payments/x", "198.51.100.1", 401 }, /* not named: open */
    };
    world->options.addresses = addresses;
    world->options.address_count = ARRAY_COUNT(addresses);
    restart_gateway(world);
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int status = ask_from(world, rows[i].line, rows[i].address).status;
        bool passes = rows[i].want != 403;
        if (passes == (status == 403) || (rows[i].want == 200 && status != 200))
            fail_msg("%s from %s: %d", rows[i].line, rows[i].address, status);
    }
    struct gateway *gateway;
    struct message message = { { 0 } };
    addresses[1].prefix = STR("/v1/account"); /* covers no whole word */
    assert_true(gateway_start(&world->options, &gateway, &message) < 0);
    assert_true(contains(str_from_c(message.text), "/v1/account"));
    world->options.address_count = 0;
    restart_gateway(world);
    for (size_t i = 0; i < ARRAY_COUNT(addresses); i++)
        (void)cidr_set_free((struct cidr_set *)(uintptr_t)addresses[i].blocks);
}

/* ---- limits ---- */

static struct world_answer ask_beta(struct world *world) {
    return world_ask(world, &(struct ask){ .line = LIST, .certificate = &beta, .authorization = "Bearer beta" });
}

/* spec: gateway/45, gateway/47 */
static void a_day_outlives_the_gateway(void **state) {
    struct client_limits_input input = {
        .name = STR("beta"), .requests_per_second = 1000, .burst = 1000, .daily_limit = 5
    };
    struct world *world = *state;
    char want[96];
    assert_int_equal(set_limits(world, &input), 0); /* in force with the next request */
    for (int i = 4; i >= 0; i--) {
        struct world_answer answer = ask_beta(world);
        assert_int_equal(answer.status, 200);
        assert_true(
            str_equal(world_header(&answer, "RateLimit-Policy"), STR("\"burst\";q=1000;w=1, \"daily\";q=5;w=86400")));
        (void)snprintf(want, sizeof want, "\"daily\";r=%d;t=", i);
        assert_true(contains(world_header(&answer, "RateLimit"), want));
        if (i == 3) restart_gateway(world); /* in order: nothing is lost */
    }
    for (int i = 0; i < 2; i++) {
        struct world_answer answer = ask_beta(world);
        uint64_t seconds;
        assert_int_equal(answer.status, 429);
        assert_true(contains(answer.body, "\"code\":\"daily_limit\""));
        assert_int_equal(str_to_u64(world_header(&answer, "Retry-After"), &seconds), 0);
        assert_in_range(seconds, 1, 86400);
        restart_gateway(world);
    }
    input.daily_limit = 6;
    assert_int_equal(set_limits(world, &input), 0);
    assert_int_equal(ask_beta(world).status, 200);
    assert_int_equal(ask_beta(world).status, 429);
}

/* spec: gateway/44, gateway/47, uk/H9 */
static void a_client_has_limits_of_its_own(void **state) {
    struct client_limits_input input = { .name = STR("acme"), .requests_per_second = 1, .burst = 2 };
    struct world *world = *state;
    int passed = 0;
    assert_int_equal(set_limits(world, &input), 0);
    struct world_answer answer = { .status = 0 };
    for (int i = 0; i < 6; i++) passed += (answer = world_ask(world, &(struct ask){ .line = LIST })).status == 200;
    assert_in_range(passed, 2, 4); /* a slow machine adds a token */
    while (answer.status != 429) answer = world_ask(world, &(struct ask){ .line = LIST });
    assert_true(contains(answer.body, "\"code\":\"rate_limited\""));
    assert_true(str_equal(world_header(&answer, "Retry-After"), STR("1")));
    answer = world_ask(world, &(struct ask){ .line = "GET /open-banking/v4.0/pisp/domestic-payments/x" });
    if (answer.status == 429) assert_true(contains(answer.body, "\"ErrorCode\":\"U000\""));
    input.requests_per_second = input.burst = 0; /* its tier's again */
    assert_int_equal(set_limits(world, &input), 0);
    struct timespec pause = { .tv_nsec = 1000000 };
    (void)nanosleep(&pause, NULL); /* at 100,000 a second a token is there */
    assert_int_equal(world_ask(world, &(struct ask){ .line = LIST }).status, 200);
}

/* ---- unattended reads: a route of the test's own, since what it reads is of no matter here ---- */

static int never_handled(struct exchange *exchange) {
    (void)exchange;
    return EXCHANGE_ANSWERED;
}

static const struct route account_read = { .method = "GET",
                                           .path = "/open-banking/v4.0/aisp/accounts/{AccountId}",
                                           .family = FAMILY_OPEN_BANKING,
                                           .flags = ROUTE_MTLS | ROUTE_ACCOUNT_READ,
                                           .handle = never_handled };

struct read {
    const char *id;              /* path parameter */
    uint8_t consent;             /* 0: none */
    const char *address, *again; /* x-fapi-customer-ip-address, NULL: not sent; a second one */
    const struct route *route;   /* NULL: account_read */
};

/* 0: goes on; else the status. */
static int read_once(struct world *world, const struct read *read, int64_t *ret_retry_s) {
    struct arena arena;
    struct query *query;
    struct http_request *request;
    uint64_t seconds = 0;
    check(arena_init(&arena, 64 * 1024, 1024 * 1024) == 0 && query_open(&world->integration, &query) == 0);
    request = arena_new(&arena, struct http_request);
    check(request && query_begin(query) == 0);
    struct exchange exchange = { .gateway = world->gateway, .request = request, .arena = &arena, .query = query };
    exchange.route = read->route ? read->route : &account_read;
    exchange.call = (struct call){ .received_ms = clock_now_ms(), .has_client = true, .client_id = { { 1 } } };
    exchange.call.consent_id.bytes[0] = read->consent;
    exchange.params[0] = str_from_c(read->id);
    const struct http_header headers[] = {
        { STR("X-Fapi-Customer-Ip-Address"), str_from_c(read->address) },
        { STR("x-fapi-customer-ip-address"), str_from_c(read->again) },
    };
    request->headers = headers;
    request->header_count = read->again ? 2 : read->address ? 1 : 0;
    int next = check_unattended(&exchange);
    for (size_t i = 0; i < exchange.header_count; i++)
        if (str_equal(exchange.headers[i].name, STR("Retry-After")))
            assert_int_equal(str_to_u64(exchange.headers[i].value, &seconds), 0);
    *ret_retry_s = (int64_t)seconds;
    int status = next == EXCHANGE_GOES_ON ? 0 : exchange.status;
    if (status) assert_true(contains(exchange.content, "\"ErrorCode\""));
    query_end(query);
    (void)query_close(query);
    arena_release(&arena);
    return status;
}

/* spec: uk/H4, uk/H9, gateway/49 */
static void unattended_reads_are_four_a_day(void **state) {
    static const struct read read = { .id = "7f", .consent = 31 };
    static const struct read others[] = {
        { .id = "Ab1", .consent = 31 },                        /* another resource */
        { .id = "7f", .consent = 32 },                         /* another consent */
        { .id = "7f", .consent = 31, .address = "10.1.1.10" }, /* the customer is there */
        { .id = "7f", .consent = 31, .address = "2001:db8::1" },
        { .id = "7f" }, /* no consent: nobody's data */
    };
    struct world *world = *state;
    int64_t retry_s;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(read_once(world, &read, &retry_s), 0);
        if (i == 1) restart_gateway(world); /* survives it */
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(read_once(world, &read, &retry_s), 429);
        assert_in_range(retry_s, 1, 86400);
        restart_gateway(world);
    }
    for (size_t i = 0; i < ARRAY_COUNT(others); i++)
        for (int k = 0; k < (others[i].address || !others[i].consent ? 9 : 4); k++)
            assert_int_equal(read_once(world, &others[i], &retry_s), 0);
    assert_int_equal(read_once(world, &others[0], &retry_s), 429);
    assert_int_equal(read_once(world, &(struct read){ .id = "7F", .consent = 31 }, &retry_s), 429); /* the same id */
    assert_int_equal(read_once(world, &read, &retry_s), 429);
}

/* spec: uk/H4 */
static void a_customers_address_is_one(void **state) {
    static const struct read rows[] = {
        { .id = "a", .consent = 33, .address = "" },
        { .id = "a", .consent = 33, .address = "here" },
        { .id = "a", .consent = 33, .address = "10.1.1.10", .again = "10.1.1.10" },
    };
    int64_t retry_s;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) assert_int_equal(read_once(*state, &rows[i], &retry_s), 400);
    const struct read good = { .id = "a", .consent = 33, .address = " 10.1.1.10 " };
    assert_int_equal(read_once(*state, &good, &retry_s), 0);
}

static void other_routes_count_nothing(void **state) {
    static const struct route other = { .method = "GET", .path = "/x", .family = FAMILY_OPEN_BANKING };
    const struct read read = { .id = "x", .consent = 34, .route = &other }, flagged = { .id = "x", .consent = 34 };
    struct world *world = *state;
    int64_t retry_s;
    for (int i = 0; i < 9; i++) assert_int_equal(read_once(world, &read, &retry_s), 0);
    world->options.unattended_reads_per_day = 0; /* none */
    restart_gateway(world);
    for (int i = 0; i < 9; i++) assert_int_equal(read_once(world, &flagged, &retry_s), 0);
    world->options.unattended_reads_per_day = 1;
    restart_gateway(world);
    assert_int_equal(read_once(world, &flagged, &retry_s), 0);
    assert_int_equal(read_once(world, &flagged, &retry_s), 429);
    world->options.unattended_reads_per_day = GATEWAY_UNATTENDED_READS;
    restart_gateway(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_a_client),
        cmocka_unit_test(set_judges_its_input),
        cmocka_unit_test(addresses_of_routes),
        cmocka_unit_test(a_day_outlives_the_gateway),
        cmocka_unit_test(a_client_has_limits_of_its_own),
        cmocka_unit_test(unattended_reads_are_four_a_day),
        cmocka_unit_test(a_customers_address_is_one),
        cmocka_unit_test(other_routes_count_nothing),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
