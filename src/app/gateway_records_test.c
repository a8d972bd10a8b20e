/* gateway_records_test.c - what the gateway leaves behind: log, metrics, audit records; and that it holds under load.
 */
#include "app/gateway_world.h"

#include "observe/audit.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

static int open_world(void **state) {
    *state = world_open();
    return 0;
}
static int close_world(void **state) {
    world_close(*state);
    return 0;
}

/* Nothing personal and no secret in the log; every request has its line. */
static void the_log_tells_no_secrets(void **state) {
    static char text[1024 * 1024];
    struct world *world = *state;
    (void)world_ask(world, &(struct ask){ .line = "POST /v1/payments",
                                          .body = payment_body(world, "1.23", world->other_iban),
                                          .more = "x-fapi-interaction-id: " INTERACTION "\r\n" });
    struct str log = world_log(world, text, sizeof text);
    assert_true(contains(log, "\"interaction_id\":\"" INTERACTION "\""));
    assert_true(contains(log, "\"route\":\"/v1/payments\""));
    assert_true(contains(log, "\"client\":\"acme\""));
    assert_false(contains(log, world->other_iban));
    assert_false(contains(log, "Ada Example"));
    assert_false(contains(log, "good"));
    assert_false(contains(log, "BEGIN"));
    assert_false(contains(log, "\"fault\""));
}

static void metrics_count(void **state) {
    static char page[1024 * 1024];
    struct world *world = *state;
    struct buffer out;
    (void)world_ask(world, &(struct ask){ .line = "GET /v1/accounts" });
    (void)world_ask(world, &(struct ask){ .line = "GET /nowhere" });
    buffer_init(&out, page, sizeof page);
    assert_int_equal(metrics_write(world->metrics, METRIC_FORMAT_TEXT, &out), 0);
    assert_true(contains(buffer_str(&out), "banking_api_duration_seconds_count{api=\"v1\",route=\"/v1/accounts\"}"));
    assert_true(contains(buffer_str(&out), "giro_http_requests_total{route=\"/v1/accounts\",status=\"200\"}"));
    assert_true(contains(buffer_str(&out), "giro_http_requests_total{route=\"unmatched\",status=\"404\"}"));
}

/* ---- audit ---- */

#define AUDITED_PAYMENT "11111111-1111-4111-8111-111111111111"
#define AUDITED_READ "22222222-2222-4222-8222-222222222222"
#define AUDITED_REFUSAL "33333333-3333-4333-8333-333333333333"
#define NOT_AUDITED "44444444-4444-4444-8444-444444444444"

/* A payment's record is in its own commit: it is there as soon as the answer is. */
/* spec: gateway/64 */
static void a_payment_is_audited_in_its_commit(void **state) {
    struct world *world = *state;
    char text[AUDIT_RECORD_BYTES_MAX];
    struct ask ask = { .line = "POST /v1/payments",
                       .body = payment_body(world, "1.50", world->other_iban),
                       .more = "x-fapi-interaction-id: " AUDITED_PAYMENT "\r\n" };
    assert_int_equal(world_ask(world, &ask).status, 201);
    struct str record = world_audit(world, AUDITED_PAYMENT, text, sizeof text);
    assert_true(contains(record, "\"method\":\"POST\",\"route\":\"/v1/payments\",\"outcome\":\"accepted\""));
    assert_true(contains(record, "\"client_id\":\"01000000-"));
    assert_true(contains(record, "\"resource_id\":\""));
    assert_true(contains(record, "\"certificate_sha256\":\""));
    assert_false(contains(record, world->other_iban));
}

/* Reads and refusals of a known client follow with the next commit; so do the first refusals of an address that nobody
 * known calls from. */
static void reads_and_refusals_are_noted(void **state) {
    struct world *world = *state;
    static const enum world_certificate none = WORLD_CERTIFICATES;
    char text[AUDIT_RECORD_BYTES_MAX];
    struct str record = { 0 };
    (void)world_ask(world, &(struct ask){ .line = "GET /v1/accounts",
                                          .certificate = &none,
                                          .more = "x-fapi-interaction-id: " NOT_AUDITED "\r\n" });
    (void)world_ask(world,
                    &(struct ask){ .line = "GET /v1/accounts", .more = "x-fapi-interaction-id: " AUDITED_READ "\r\n" });
    (void)world_ask(world, &(struct ask){ .line = "GET /v1/accounts",
                                          .authorization = "Bearer bad",
                                          .more = "x-fapi-interaction-id: " AUDITED_REFUSAL "\r\n" });
    for (int64_t until_ms = clock_mono_ms() + WORLD_WAIT_MS; record.len == 0 && clock_mono_ms() < until_ms;)
        record = world_audit(world, AUDITED_REFUSAL, text, sizeof text);
    assert_true(contains(record, "\"status\":401,\"outcome\":\"invalid_token\""));
    record = world_audit(world, AUDITED_READ, text, sizeof text);
    assert_true(contains(record, "\"status\":200,\"outcome\":\"accepted\""));
    record = world_audit(world, NOT_AUDITED, text, sizeof text);
    assert_true(contains(record, "\"outcome\":\"client_certificate_required\""));
    assert_true(contains(record, "\"check\":\"check_certificate\""));
    assert_false(contains(record, "client_id"));
}

/* ---- no heap on the way of a read ---- */

/* Of the sanitizers' runtime; absent in a build without them. */
extern int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *at, size_t bytes),
                                                     void (*on_free)(const volatile void *at)) __attribute__((weak));
static atomic_bool counting;
static atomic_size_t allocations;

enum { HASHES_EACH = 2 }; /* of the token, of the content for its ETag */

/* The gateway's own threads: the engine and its store may allocate. */
static bool is_gateway_thread(void) {
    char name[16] = "";
    if (pthread_getname_np(pthread_self(), name, sizeof name)) return false;
    return strncmp(name, "gateway-", 8) == 0 || strncmp(name, "api-", 4) == 0;
}
static void on_malloc(const volatile void *at, size_t bytes) {
    (void)at;
    (void)bytes;
    if (atomic_load(&counting) && is_gateway_thread()) atomic_fetch_add(&allocations, 1);
}
static void on_free(const volatile void *at) {
    (void)at;
}

static void reads_do_not_allocate(void **state) {
    struct world *world = *state;
    const char *line = account_line(&world->account, "");
    if (!__sanitizer_install_malloc_and_free_hooks) skip();
    assert_true(__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) > 0);
    world->options.response_check = RESPONSE_CHECK_OFF; /* as a bank runs; a look has an arena of its own */
    restart_gateway(world);
    size_t round = 0;
    do { /* until every worker is warm */
        atomic_store(&allocations, 0);
        atomic_store(&counting, true);
        for (int i = 0; i < 100; i++) assert_int_equal(world_ask(world, &(struct ask){ .line = line }).status, 200);
        atomic_store(&counting, false);
    } while (atomic_load(&allocations) > 100 * HASHES_EACH && ++round < 20);
    assert_true(round < 20); /* what is left is OpenSSL's own, one a hash; none is ours */
    world->options.response_check = RESPONSE_CHECK_FAIL;
    restart_gateway(world);
}

/* ---- many at once ---- */

enum { THREADS = 8, PAYMENTS_EACH = 10 };
struct load {
    struct world *world;
    int thread, completed;
};

static void *pay_many(void *arg) {
    struct load *load = arg;
    struct world *answers = calloc(1, sizeof *answers); /* a buffer of its own */
    check(answers != NULL);
    memcpy(answers->socket_path, load->world->socket_path, sizeof answers->socket_path);
    for (int i = 0; i < PAYMENTS_EACH; i++) {
        char request[12 * 1024], body[512], id[ID_TEXT_BYTES];
        (void)snprintf(body, sizeof body,
                       "{\"debtor_account_id\":\"%s\",\"creditor\":{\"name\":\"A\",\"iban\":\"%s\"},\"amount\":{"
                       "\"value\":\"0.01\","
                       "\"currency\":\"GBP\"}}",
                       id_format(load->world->account.bytes, id).at, load->world->other_iban);
        (void)snprintf(request, sizeof request,
                       "POST /v1/payments HTTP/1.1\r\nHost: x\r\nX-OB-Listener: mtls\r\nX-OB-Client-Cert: %s\r\n"
                       "Authorization: Bearer good\r\nIdempotency-Key: load-%d\r\nContent-Type: application/json\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       load->world->certificates[WORLD_ACME], i, strlen(body), body);
        struct world_answer answer = world_send(answers, str_from_c(request));
        if (answer.status == 201 && contains(answer.body, "\"status\":\"completed\"")) load->completed++;
    }
    free(answers);
    return NULL;
}

/* The same keys from many connections at once: each payment is made once, and all hear of it. */
/* spec: ledger/48 */
static void one_payment_a_key(void **state) {
    struct world *world = *state;
    struct load loads[THREADS];
    pthread_t threads[THREADS];
    struct world_answer answer =
        world_ask(world, &(struct ask){ .line = account_line(&world->other_account, "/transactions?limit=100") });
    size_t before = 0, after = 0;
    for (size_t i = 0; i + 10 < answer.body.len; i++) before += memcmp(answer.body.at + i, "\"entry_id\"", 10) == 0;
    for (int i = 0; i < THREADS; i++) {
        loads[i] = (struct load){ .world = world, .thread = i };
        assert_int_equal(pthread_create(&threads[i], NULL, pay_many, &loads[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(loads[i].completed, PAYMENTS_EACH);
    }
    answer = world_ask(world, &(struct ask){ .line = account_line(&world->other_account, "/transactions?limit=100") });
    for (size_t i = 0; i + 10 < answer.body.len; i++) after += memcmp(answer.body.at + i, "\"entry_id\"", 10) == 0;
    assert_int_equal(after - before, PAYMENTS_EACH);
}

/* The last test: the engine's clock stays ahead. As the gateway is opened without a word of it: 13 months. */
/* spec: ledger/45, ledger/47 */
static void a_key_stands_for_thirteen_months(void **state) {
    enum { DAYS = 396, MINUTE_MS = 60000 };
    const int64_t kept_ms = DAYS * INT64_C(24) * WORLD_HOUR_MS;
    struct world *world = *state;
    struct ask ask = { .line = "POST /v1/accounts", .key = "kept", .body = "{\"name\":\"Kept\",\"currency\":\"GBP\"}" };
    char first[1024];
    struct world_answer answer = world_ask(world, &ask);
    assert_int_equal(answer.status, 201);
    assert_int_equal(world_header(&answer, "Idempotent-Replayed").len, 0);
    assert_int_equal(str_to_c(answer.body, first, sizeof first), 0);
    world_engine_ahead_ms += kept_ms - MINUTE_MS;
    answer = world_ask(world, &ask);
    assert_int_equal(answer.status, 201);
    assert_true(str_equal_c(world_header(&answer, "Idempotent-Replayed"), "true"));
    assert_true(str_equal_c(answer.body, first));
    world_engine_ahead_ms += MINUTE_MS;
    answer = world_ask(world, &ask);
    assert_int_equal(answer.status, 201);
    assert_false(str_equal_c(answer.body, first)); /* another account */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_log_tells_no_secrets),
        cmocka_unit_test(metrics_count),
        cmocka_unit_test(a_payment_is_audited_in_its_commit),
        cmocka_unit_test(reads_and_refusals_are_noted),
        cmocka_unit_test(reads_do_not_allocate),
        cmocka_unit_test(one_payment_a_key),
        cmocka_unit_test(a_key_stands_for_thirteen_months),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
