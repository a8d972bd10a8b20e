/* gateway_gates_test.c - what holds for every route: envelopes, caches, the answers' own contract; keys that are in
 * use, and a queue that grows old. */
#include "app/gateway_world.h"

#include "gateway/key_wait.h"
#include "gateway/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

#define LIST "GET /v1/accounts"
#define PAY "POST /v1/payments"

static const enum world_certificate none = WORLD_CERTIFICATES;

static int open_world(void **state) {
    *state = world_open();
    return 0;
}
static int close_world(void **state) {
    world_close(*state);
    return 0;
}

/* ---- requests that are under way together ---- */

/* Sends and does not wait; the descriptor. */
static int begin(struct world *world, const char *key, const char *body) {
    static char memory[32 * 1024];
    struct buffer out;
    int fd;
    buffer_init(&out, memory, sizeof memory);
    buffer_printf(&out, "%s HTTP/1.1\r\nHost: localhost\r\nX-OB-Listener: mtls\r\n", PAY);
    world_put_header(&out, "X-OB-Client-Cert", world->certificates[WORLD_ACME], NULL);
    buffer_printf(&out, "Authorization: Bearer good\r\nIdempotency-Key: %s\r\n", key);
    buffer_printf(&out, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
    check(!out.overflow);
    int64_t deadline_ms = clock_mono_ms() + WORLD_WAIT_MS;
    check(net_connect_unix(world->socket_path, deadline_ms, &fd) == 0);
    check(net_send_all(fd, out.at, out.len, deadline_ms) == 0);
    return fd;
}

/* Whether an answer begins within wait_ms; its status in *ret_status. */
static bool answered(struct world *world, int fd, int64_t wait_ms, int *ret_status) {
    size_t got = 0;
    if (net_receive_some(fd, world->answer, sizeof world->answer - 1, clock_mono_ms() + wait_ms, &got) || got < 12)
        return false;
    world->answer[got] = 0;
    *ret_status = (world->answer[9] - '0') * 100 + (world->answer[10] - '0') * 10 + (world->answer[11] - '0');
    return true;
}

/* The engine decides nothing while one of these is decided. */
static atomic_bool engine_held, engine_may_go;

static int hold_decide(struct work *work, struct command *command) {
    (void)work;
    (void)command;
    atomic_store(&engine_held, true);
    while (!atomic_load(&engine_may_go)) (void)usleep(1000);
    return 0;
}
static void hold_reply(struct command *command) {
    (void)command;
}
static void hold_engine(struct world *world) {
    assert_int_equal(world_ask(world, &(struct ask){ .line = LIST }).status, 200); /* the client's day is reserved */
    static const struct command_kind kind = { .name = "test_hold", .decide = hold_decide };
    static struct command command;
    command = (struct command){ .kind = &kind, .on_reply = hold_reply };
    atomic_store(&engine_held, false);
    atomic_store(&engine_may_go, false);
    assert_int_equal(engine_submit(world->engine, &command), 0);
    while (!atomic_load(&engine_held)) (void)usleep(1000);
}

/* So many wait for the engine, which is held. */
static void await_queued(struct world *world, size_t count) {
    struct engine_state state;
    int64_t until_ms = clock_mono_ms() + WORLD_WAIT_MS;
    do engine_state(world->engine, &state);
    while (state.queued < count && clock_mono_ms() < until_ms && usleep(1000) == 0);
    assert_true(state.queued >= count);
}

/* spec: gateway/57, ledger/48 */
static void a_key_in_use_waits_then_409(void **state) {
    struct world *world = *state;
    char body[512];
    int status = 0;
    world->options.key_wait_ms = 300;
    restart_gateway(world);
    (void)snprintf(body, sizeof body, "%s", payment_body(world, "1.00", world->other_iban));
    hold_engine(world);
    int first = begin(world, "gate-1", body);
    await_queued(world, 1); /* the first is at the engine: the second meets its key in use */
    int second = begin(world, "gate-1", body);
    assert_true(answered(world, second, WORLD_WAIT_MS, &status)); /* its deadline ends before the first one's work */
    assert_int_equal(status, 409);
    assert_true(contains(str_from_c(world->answer), "\"code\":\"idempotency_in_progress\""));
    net_close(second);
    atomic_store(&engine_may_go, true);
    assert_true(answered(world, first, WORLD_WAIT_MS, &status));
    assert_int_equal(status, 201);
    net_close(first);
    struct world_answer again = world_ask(world, &(struct ask){ .line = PAY, .key = "gate-1", .body = body });
    assert_int_equal(again.status, 201); /* the 409 was not stored */
    assert_true(str_equal(world_header(&again, "Idempotent-Replayed"), STR("true")));
}

/* Its accepted twin: within the deadline the duplicates get the stored answer, and money moves once. */
/* spec: gateway/57, ledger/48 */
static void a_key_in_use_waits_for_the_stored_answer(void **state) {
    enum { DUPLICATES = 8 };
    struct world *world = *state;
    char body[512];
    int fds[DUPLICATES], status = 0, replayed = 0;
    world->options.key_wait_ms = KEY_WAIT_MS;
    restart_gateway(world);
    (void)snprintf(body, sizeof body, "%s", payment_body(world, "2.00", world->other_iban));
    hold_engine(world);
    for (size_t i = 0; i < DUPLICATES; i++) fds[i] = begin(world, "gate-2", body);
    int other = begin(world, "gate-3", "{}"); /* another key waits for nobody */
    assert_true(answered(world, other, WORLD_WAIT_MS, &status));
    assert_int_equal(status, 400);
    net_close(other);
    while (gateway_requests(world->gateway) < DUPLICATES) (void)usleep(1000);
    atomic_store(&engine_may_go, true);
    for (size_t i = 0; i < DUPLICATES; i++) {
        assert_true(answered(world, fds[i], WORLD_WAIT_MS, &status));
        assert_int_equal(status, 201);
        replayed += contains(str_from_c(world->answer), "Idempotent-Replayed: true");
        net_close(fds[i]);
    }
    assert_int_equal(replayed, DUPLICATES - 1);
}

/* The end of the gateway finds requests that wait: each is answered, none is left. */
/* spec: gateway/72 */
static void who_waits_is_answered_at_the_end(void **state) {
    struct world *world = *state;
    char body[512];
    struct message message = { { 0 } };
    int status = 0;
    (void)snprintf(body, sizeof body, "%s", payment_body(world, "3.00", world->other_iban));
    hold_engine(world);
    int first = begin(world, "gate-4", body);
    await_queued(world, 1);
    int second = begin(world, "gate-4", body);
    while (gateway_requests(world->gateway) < 2) (void)usleep(1000);
    gateway_drain(world->gateway, 50); /* its time is over before theirs */
    atomic_store(&engine_may_go, true);
    while (gateway_requests(world->gateway) > 0) (void)usleep(1000);
    if (answered(world, first, 1000, &status)) assert_int_equal(status, 201);
    if (answered(world, second, 1000, &status)) assert_int_equal(status, 201);
    net_close(first);
    net_close(second);
    world->gateway = gateway_free(world->gateway);
    if (gateway_start(&world->options, &world->gateway, &message)) fail_msg("%s", message.text);
    struct world_answer again = world_ask(world, &(struct ask){ .line = PAY, .key = "gate-4", .body = body });
    assert_int_equal(again.status, 201);
    assert_true(str_equal(world_header(&again, "Idempotent-Replayed"), STR("true")));
}

/* ---- shedding ---- */

static atomic_bool handlers_held;
static int (*signature_check)(struct exchange *exchange);

/* A slow handler: every signed request stays with its worker. */
static int held_signature_check(struct exchange *exchange) {
    while (atomic_load(&handlers_held)) (void)usleep(1000);
    return signature_check(exchange);
}

#define CONSENT "/open-banking/v4.0/pisp/domestic-payment-consents/x"

static int begin_read(struct world *world, const char *line) {
    static char memory[32 * 1024];
    struct buffer out;
    int fd;
    buffer_init(&out, memory, sizeof memory);
    buffer_printf(&out, "%s HTTP/1.1\r\nHost: localhost\r\nX-OB-Listener: mtls\r\n", line);
    world_put_header(&out, "X-OB-Client-Cert", world->certificates[WORLD_ACME], NULL);
    buffer_append_c(&out, "Authorization: Bearer good\r\n\r\n");
    int64_t deadline_ms = clock_mono_ms() + WORLD_WAIT_MS;
    check(net_connect_unix(world->socket_path, deadline_ms, &fd) == 0);
    check(net_send_all(fd, out.at, out.len, deadline_ms) == 0);
    return fd;
}

static int begin_signed(struct world *world) {
    return begin_read(world, "GET " CONSENT);
}

static int64_t counted(struct world *world, const char *start) {
    struct buffer page;
    size_t at;
    uint64_t value = 0;
    struct str line;
    buffer_init_heap(&page, METRIC_PAGE_BYTES_MAX);
    assert_int_equal(metrics_write(world->metrics, METRIC_FORMAT_TEXT, &page), 0);
    if (str_find(buffer_str(&page), str_from_c(start), &at)) {
        struct str rest = str_slice(buffer_str(&page), at + strlen(start), page.len);
        (void)str_cut(&rest, '\n', &line);
        assert_int_equal(str_to_u64(str_trim(line), &value), 0);
    }
    buffer_release(&page);
    return (int64_t)value;
}

/* spec: gateway/48 */
static void an_old_queue_sheds_new_requests(void **state) {
    enum { WORKERS = 2 };
    struct world *world = *state;
    int status = 0;
    world->options.workers = WORKERS;
    world->options.queue_wait_ms_max = 200;
    signature_check = world->options.message_signature_check;
    world->options.message_signature_check = held_signature_check;
    restart_gateway(world);
    atomic_store(&handlers_held, true);
    int held[WORKERS], waiting;
    for (size_t i = 0; i < WORKERS; i++) held[i] = begin_signed(world);
    waiting = begin_signed(world); /* no worker is left: it waits in the queue and is not shed */
    while (gateway_requests(world->gateway) < WORKERS + 1) (void)usleep(1000);
    int64_t until_ms = clock_mono_ms() + 400;
    while (clock_mono_ms() < until_ms) (void)usleep(1000);
    struct world_answer answer = world_ask(world, &(struct ask){ .line = LIST });
    assert_int_equal(answer.status, 503);
    assert_true(world_header(&answer, "Retry-After").len > 0);
    assert_true(contains(answer.body, "\"code\":\"unavailable\""));
    assert_int_equal(counted(world, "\ngiro_shed_requests_total "), 1);
    atomic_store(&handlers_held, false);
    for (size_t i = 0; i < WORKERS; i++) {
        assert_true(answered(world, held[i], WORLD_WAIT_MS, &status));
        assert_int_not_equal(status, 503);
        net_close(held[i]);
    }
    assert_true(answered(world, waiting, WORLD_WAIT_MS, &status)); /* what was taken goes on to its end */
    assert_int_not_equal(status, 503);
    net_close(waiting);
    assert_int_equal(world_ask(world, &(struct ask){ .line = LIST }).status, 200);
    world->options.message_signature_check = signature_check;
    world->options.workers = 4;
    world->options.queue_wait_ms_max = GATEWAY_QUEUE_WAIT_MS;
    restart_gateway(world);
}

/* ---- reads that need no worker ---- */

static const char *balances_line(const struct world *world) {
    static char line[128];
    char id[ID_TEXT_BYTES];
    (void)snprintf(line, sizeof line, "GET /v1/accounts/%s/balances", id_format(world->account.bytes, id).at);
    return line;
}

/* With every worker held: what reads a few rows is answered where it was read, refusals too; what reads a list waits,
 * and where the store is far so does the other. */
static void quick_reads_need_no_worker(void **state) {
    enum { WORKERS = 2 };
    struct world *world = *state;
    int status = 0;
    world->options.workers = WORKERS;
    signature_check = world->options.message_signature_check;
    world->options.message_signature_check = held_signature_check;
    for (int near = 0; near < 2; near++) {
        world->options.store_is_near = near;
        restart_gateway(world);
        assert_int_equal(world_ask(world, &(struct ask){ .line = balances_line(world) }).status, 200);
        atomic_store(&handlers_held, true);
        int held[WORKERS];
        for (size_t i = 0; i < WORKERS; i++) held[i] = begin_signed(world);
        while (gateway_requests(world->gateway) < WORKERS) (void)usleep(1000);
        if (near) {
            assert_int_equal(world_ask(world, &(struct ask){ .line = balances_line(world) }).status, 200);
            struct ask bad = { .line = balances_line(world), .authorization = "Bearer bad" };
            assert_int_equal(world_ask(world, &bad).status, 401);
            assert_int_equal(world_ask(world, &(struct ask){ .line = "GET /v1/nothing" }).status, 404);
        }
        int waiting = begin_read(world, near ? LIST : balances_line(world));
        assert_false(answered(world, waiting, 300, &status));
        atomic_store(&handlers_held, false);
        assert_true(answered(world, waiting, WORLD_WAIT_MS, &status));
        assert_int_equal(status, 200);
        net_close(waiting);
        for (size_t i = 0; i < WORKERS; i++) {
            assert_true(answered(world, held[i], WORLD_WAIT_MS, &status));
            net_close(held[i]);
        }
    }
    world->options.message_signature_check = signature_check;
    world->options.workers = 4;
    restart_gateway(world);
}

/* ---- the answers' own contract ---- */

/* spec: gateway/54 */
static void answers_are_held_to_the_document(void **state) {
    static const char wanted[] = "\"required\": [\n          \"accounts\"";
    static const struct {
        enum response_check check;
        int status;
        int64_t mismatches;
    } rows[] = { { RESPONSE_CHECK_OFF, 200, 0 }, { RESPONSE_CHECK_LOG, 200, 1 }, { RESPONSE_CHECK_FAIL, 500, 2 } };
    struct world *world = *state;
    static char log[4 * 1024 * 1024];
    size_t at;
    assert_true(str_find(world->options.openapi_v1, str_from_c(wanted), &at));
    assert_int_equal(world_ask(world, &(struct ask){ .line = LIST }).status, 200); /* the true document */
    world->openapi[at + strlen(wanted) - 2] = 'z';                                 /* now it promises "accountz" */
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        world->options.response_check = rows[i].check;
        restart_gateway(world);
        assert_int_equal(world_ask(world, &(struct ask){ .line = LIST }).status, rows[i].status);
        assert_int_equal(counted(world, "\ngiro_response_mismatch_total{route=\"/v1/accounts\"} "), rows[i].mismatches);
    }
    struct str text = world_log(world, log, sizeof log);
    assert_true(contains(text, "\"response_mismatch\""));
    assert_true(contains(text, "accountz"));
    assert_false(contains(text, world->iban)); /* a place and a rule, no value */
    world->options.response_check = RESPONSE_CHECK_LOG;
    world->options.response_check_every = 3;
    restart_gateway(world);
    for (int i = 0; i < 6; i++) assert_int_equal(world_ask(world, &(struct ask){ .line = LIST }).status, 200);
    assert_int_equal(counted(world, "\ngiro_response_mismatch_total{route=\"/v1/accounts\"} "), 4); /* one in three */
    world->openapi[at + strlen(wanted) - 2] = 's';
    world->options.response_check = RESPONSE_CHECK_FAIL;
    world->options.response_check_every = 1;
    restart_gateway(world);
}

/* ---- every route ---- */

static const char *listener_of(const struct route *route) {
    return route->flags & ROUTE_MTLS ? "mtls" : "browser";
}

/* "GET /v1/accounts/x" of a template. */
static void line_of(const char *method, const char *template, char line[256]) {
    size_t len = (size_t)snprintf(line, 256, "%s ", method);
    bool skip = false;
    for (const char *at = template; *at && len < 255; at++) {
        if (*at == '{') line[len++] = 'x';
        if (*at == '{') skip = true;
        if (!skip) line[len++] = *at;
        if (*at == '}') skip = false;
    }
    line[len] = 0;
}

/* The envelope of the route's family, and nothing of another one's. */
static void expect_envelope(const struct route *route, const struct world_answer *answer, const char *what) {
    struct str type = world_header(answer, "Content-Type");
    bool good = false;
    switch (route->family) {
    case FAMILY_V1:
        good = str_equal(type, STR("application/problem+json")) && contains(answer->body, "\"code\":\"") &&
               contains(answer->body, "\"interaction_id\":\"");
        break;
    case FAMILY_OPEN_BANKING:
        good = answer->body.len == 0 ||
               (str_starts(type, STR("application/json")) && contains(answer->body, "\"Errors\":[{\"ErrorCode\":\""));
        break;
    case FAMILY_OAUTH:
        good = str_starts(type, STR("application/json")) && contains(answer->body, "{\"error\":\"");
        break;
    case FAMILY_PAGES:
        good = str_starts(type, STR("text/html")) && contains(answer->body, "<h1");
        break;
    case FAMILY_FAMILY_COUNT:
        break;
    }
    if (!good)
        fail_msg("%s %s: %s: %d " STR_FMT, route->method, route->path, what, answer->status, STR_ARG(answer->body));
    if (!str_equal(world_header(answer, "Cache-Control"), STR("no-store")))
        fail_msg("%s %s: %s: a refusal may be kept", route->method, route->path, what);
    if (world_header(answer, "x-fapi-interaction-id").len != ID_TEXT_BYTES - 1)
        fail_msg("%s %s: %s: no interaction id", route->method, route->path, what);
}

/* spec: gateway/58, gateway/65 */
static void every_refusal_wears_its_familys_envelope(void **state) {
    static const struct {
        const char *what, *method, *more, *authorization, *type, *body;
        bool stranger;
        int status; /* 0: whatever it is, an error */
    } kinds[] = {
        { "another method", "PATCH", NULL, NULL, NULL, NULL, false, 405 },
        { "an interaction id that is none", NULL, "x-fapi-interaction-id: 1\r\n", NULL, NULL, NULL, false, 400 },
        { "a header of the edge", NULL, "X-OB-Listener: mtls\r\n", NULL, NULL, NULL, false, 400 },
        { "nobody", NULL, NULL, "", NULL, NULL, true, 0 },
        { "a token of nobody", NULL, NULL, "Bearer wrong", NULL, NULL, false, 0 },
        { "a body of another type", NULL, NULL, NULL, "text/plain", "x", false, 0 },
    };
    struct world *world = *state;
    for (size_t i = 0; i < route_count(); i++) {
        const struct route *route = route_at(i);
        for (size_t k = 0; k < ARRAY_COUNT(kinds); k++) {
            char line[256];
            line_of(kinds[k].method ? kinds[k].method : route->method, route->path, line);
            struct ask ask = { .line = line,
                               .listener = listener_of(route),
                               .certificate = kinds[k].stranger ? &none : NULL,
                               .authorization = kinds[k].authorization,
                               .type = kinds[k].type,
                               .more = kinds[k].more,
                               .body = kinds[k].body };
            struct world_answer answer = world_ask(world, &ask);
            if (kinds[k].status && answer.status != kinds[k].status)
                fail_msg("%s: %s: %d " STR_FMT, line, kinds[k].what, answer.status, STR_ARG(answer.body));
            if (answer.status >= 400) expect_envelope(route, &answer, kinds[k].what);
        }
    }
}

/* What may be kept, and by whom: of routes with credentials nothing by a shared cache. */
/* spec: gateway/60 */
static void nothing_personal_is_kept_by_a_shared_cache(void **state) {
    static const char *const everybodys[] = { "/v1/openapi.json" };
    struct world *world = *state;
    size_t looked_at = 0;
    for (size_t i = 0; i < route_count(); i++) {
        const struct route *route = route_at(i);
        bool is_everybodys = false;
        for (size_t k = 0; k < ARRAY_COUNT(everybodys); k++) is_everybodys |= strcmp(route->path, everybodys[k]) == 0;
        char line[256];
        line_of(route->method, route->path, line);
        struct world_answer answer = world_ask(world, &(struct ask){ .line = line, .listener = listener_of(route) });
        struct str said = world_header(&answer, "Cache-Control");
        looked_at += answer.status == 200;
        if (str_starts(said, STR("public")) != is_everybodys) fail_msg("%s: " STR_FMT, line, STR_ARG(said));
        if (!is_everybodys && !str_equal(said, STR("no-store")) && !str_starts(said, STR("private")))
            fail_msg("%s: " STR_FMT, line, STR_ARG(said));
        if (str_starts(said, STR("private")) && !contains(world_header(&answer, "Vary"), "Authorization"))
            fail_msg("%s: no Vary", line);
    }
    assert_true(looked_at >= 2);
}

/* spec: gateway/60 */
static void what_is_had_already_comes_without_a_body(void **state) {
    static const char *const lines[] = { LIST, "GET /v1/openapi.json", NULL };
    struct world *world = *state;
    for (size_t i = 0; lines[i]; i++) {
        char more[160];
        struct world_answer answer = world_ask(world, &(struct ask){ .line = lines[i] });
        assert_int_equal(answer.status, 200);
        (void)snprintf(more, sizeof more, "If-None-Match: " STR_FMT "\r\n", STR_ARG(world_header(&answer, "ETag")));
        answer = world_ask(world, &(struct ask){ .line = lines[i], .more = more });
        assert_int_equal(answer.status, 304);
        assert_int_equal(answer.body.len, 0);
        assert_true(world_header(&answer, "ETag").len > 0);
        assert_true(world_header(&answer, "Cache-Control").len > 0);
        answer = world_ask(world, &(struct ask){ .line = lines[i], .more = "If-None-Match: \"another\"\r\n" });
        assert_int_equal(answer.status, 200);
    }
}

/* spec: gateway/71 */
static void requests_are_counted_for_each_client(void **state) {
    struct world *world = *state;
    int64_t before =
        counted(world, "\ngiro_requests_total{client=\"acme\",route=\"/v1/accounts\",status_class=\"2xx\"} ");
    assert_int_equal(world_ask(world, &(struct ask){ .line = LIST }).status, 200);
    assert_int_equal(world_ask(world, &(struct ask){ .line = LIST, .certificate = &none }).status, 401);
    for (int i = 0; i < 5; i++) { /* what a caller makes up becomes no label */
        char line[64];
        (void)snprintf(line, sizeof line, "GET /made-up-%d", i);
        assert_int_equal(world_ask(world, &(struct ask){ .line = line }).status, 404);
    }
    assert_int_equal(
        counted(world, "\ngiro_requests_total{client=\"acme\",route=\"/v1/accounts\",status_class=\"2xx\"} "),
        before + 1);
    assert_true(counted(world, "\ngiro_requests_total{client=\"none\",route=\"/v1/accounts\",status_class=\"4xx\"} ") >
                0);
    assert_true(counted(world, "\ngiro_requests_total{client=\"none\",route=\"unmatched\",status_class=\"4xx\"} ") >=
                5);
    assert_true(counted(world, "\nbanking_api_duration_seconds_count{api=\"v1\",route=\"/v1/accounts\"} ") > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_refusal_wears_its_familys_envelope),
        cmocka_unit_test(nothing_personal_is_kept_by_a_shared_cache),
        cmocka_unit_test(what_is_had_already_comes_without_a_body),
        cmocka_unit_test(requests_are_counted_for_each_client),
        cmocka_unit_test(answers_are_held_to_the_document),
        cmocka_unit_test(a_key_in_use_waits_then_409),
        cmocka_unit_test(a_key_in_use_waits_for_the_stored_answer),
        cmocka_unit_test(who_waits_is_answered_at_the_end),
        cmocka_unit_test(an_old_queue_sheds_new_requests),
        cmocka_unit_test(quick_reads_need_no_worker),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
