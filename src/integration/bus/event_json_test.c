/* event_json_test.c - every type of event there and back; what is no event of ours is refused. */
#include "integration/bus/event_json.h"

#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { JSON_BYTES = 4096 };

static void id_fill(uint8_t id[16], int seed) {
    for (int i = 0; i < 16; i++) id[i] = (uint8_t)(seed * 16 + i);
}

/* An event of a type with every field that its service carries (domain/event.h). */
static struct event event_of(enum event_type type) {
    const char *service = event_type_service(type);
    bool pays = !strcmp(service, "payments"), checks = !strcmp(service, "fraud") || !strcmp(service, "aml");
    bool consents = !strcmp(service, "consents"), notifies = !strcmp(service, "notifications");
    struct event event = { .type = type, .time_ms = INT64_C(1790000000123) };
    id_fill(event.id.bytes, 1);
    id_fill(event.subject, 2);
    if (pays || checks || notifies) id_fill(event.payment_id.bytes, 3);
    if (!consents && !notifies) id_fill(event.account_id.bytes, 4);
    if (!notifies) id_fill(event.customer_id.bytes, 5);
    if (pays || checks || consents) id_fill(event.client_id.bytes, 6);
    if (consents) id_fill(event.consent_id.bytes, 7);
    if (notifies) id_fill(event.notification_id.bytes, 8);
    if (!consents && !notifies) {
        event.amount.minor = -1234567890123;
        assert_int_equal(currency_parse(STR("CZK"), &event.amount.currency), 0);
    }
    if (pays) event.payment_type = PAYMENT_INTERNATIONAL;
    if (pays) event.status = type == EVENT_PAYMENT_REJECTED ? PAYMENT_REJECTED : PAYMENT_COMPLETED;
    if (type == EVENT_PAYMENT_REJECTED) event.reason = PAYMENT_REASON_CORE_FAILED;
    return event;
}

static struct str written(const struct event *event, char memory[JSON_BYTES]) {
    struct buffer out;
    buffer_init(&out, memory, JSON_BYTES);
    event_json_write(&out, event);
    assert_false(out.overflow);
    return buffer_str(&out);
}

/* With a blank it is not what event_json_write makes: the parser reads it, and must find the same. */
static void reads_the_same_otherwise_laid_out(const struct event *event, struct arena *arena) {
    char memory[JSON_BYTES], again[JSON_BYTES], both[2][JSON_BYTES];
    struct event walked, parsed;
    struct str text = written(event, memory);
    (void)snprintf(again, sizeof again, "{ " STR_FMT, STR_ARG(str_slice(text, 1, text.len)));
    assert_int_equal(event_json_read(text, arena, &walked), 0);
    assert_int_equal(event_json_read(str_from_c(again), arena, &parsed), 0);
    struct str a = written(&walked, both[0]), b = written(&parsed, both[1]);
    assert_true(str_equal(a, b));
}

static void every_type_comes_back_as_it_went(void **state) {
    struct arena arena;
    (void)state;
    assert_int_equal(arena_init(&arena, 16 * 1024, 1 << 20), 0);
    for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
        char memory[JSON_BYTES];
        struct event event = event_of((enum event_type)type), back;
        struct str json = written(&event, memory);
        if (event_json_read(json, &arena, &back)) fail_msg("%s", event_type_name(event.type));
        assert_int_equal(back.type, event.type);
        assert_int_equal(back.time_ms, event.time_ms);
        assert_memory_equal(back.id.bytes, event.id.bytes, 16);
        assert_memory_equal(back.payment_id.bytes, event.payment_id.bytes, 16);
        assert_memory_equal(back.account_id.bytes, event.account_id.bytes, 16);
        assert_memory_equal(back.customer_id.bytes, event.customer_id.bytes, 16);
        assert_memory_equal(back.client_id.bytes, event.client_id.bytes, 16);
        assert_memory_equal(back.consent_id.bytes, event.consent_id.bytes, 16);
        assert_memory_equal(back.notification_id.bytes, event.notification_id.bytes, 16);
        assert_int_equal(back.amount.minor, event.amount.minor);
        assert_int_equal(back.amount.currency.code, event.amount.currency.code);
        assert_int_equal(back.payment_type, event.payment_type);
        assert_int_equal(back.status, event.status);
        assert_int_equal(back.reason, event.reason);
        reads_the_same_otherwise_laid_out(&event, &arena);
        arena_reset(&arena);
    }
    arena_release(&arena);
}

static const struct {
    enum event_type type;
    const char *source, *subject;
} envelopes[] = {
    { EVENT_PAYMENT_COMPLETED, "banking.payments", "payments/" },
    { EVENT_FRAUD_FLAGGED, "banking.fraud", "payments/" },
    { EVENT_AML_CLEARED, "banking.aml", "payments/" },
    { EVENT_ACCOUNT_OPENED, "banking.accounts", "accounts/" },
    { EVENT_BALANCE_UPDATED, "banking.ledger", "accounts/" },
    { EVENT_CONSENT_AUTHORISED, "banking.consents", "consents/" },
    { EVENT_NOTIFICATION_SENT, "banking.notifications", "notifications/" },
};

static void the_envelope_is_that_of_cloudevents(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(envelopes); i++) {
        char memory[JSON_BYTES];
        struct event event = event_of(envelopes[i].type);
        struct json *json;
        assert_int_equal(json_parse(written(&event, memory), JSON_BYTES, 8, &json, NULL), 0);
        assert_true(str_equal_c(json_get_string(json, "specversion"), "1.0"));
        assert_true(str_equal_c(json_get_string(json, "dataversion"), "2.0"));
        assert_true(str_equal_c(json_get_string(json, "source"), envelopes[i].source));
        assert_true(str_equal_c(json_get_string(json, "type"), event_type_name(event.type)));
        assert_true(str_starts(json_get_string(json, "subject"), str_from_c(envelopes[i].subject)));
        assert_int_equal(json_type(json_get(json, "data")), JSON_OBJECT_TYPE);
        json_free(json);
    }
}

static void the_text_is_this(void **state) {
    char memory[JSON_BYTES];
    struct event event = event_of(EVENT_PAYMENT_COMPLETED), bare = { .type = EVENT_CONSENT_REVOKED };
    (void)state;
    struct str text = written(&event, memory);
    static const char want[] =
        "{\"specversion\":\"1.0\",\"id\":\"10111213-1415-1617-1819-1a1b1c1d1e1f\",\"source\":\"banking.payments\","
        "\"type\":\"PaymentCompleted\",\"time\":\"2026-09-21T14:13:20.123Z\","
        "\"subject\":\"payments/20212223-2425-2627-2829-2a2b2c2d2e2f\",\"dataversion\":\"2.0\","
        "\"datacontenttype\":\"application/json\",\"data\":{\"payment_id\":\"30313233-3435-3637-3839-3a3b3c3d3e3f\","
        "\"account_id\":\"40414243-4445-4647-4849-4a4b4c4d4e4f\",\"customer_id\":\"50515253-5455-5657-5859-"
        "5a5b5c5d5e5f\","
        "\"client_id\":\"60616263-6465-6667-6869-6a6b6c6d6e6f\",\"amount_minor\":-1234567890123,\"currency\":\"CZK\","
        "\"payment_type\":\"international\",\"status\":\"completed\"}}";
    if (!str_equal_c(text, want)) fail_msg(STR_FMT, STR_ARG(text));
    text = written(&bare, memory);
    assert_true(str_ends(text, STR(",\"datacontenttype\":\"application/json\",\"data\":{}}")));
}

#define HEAD                                                                                                           \
    "{\"specversion\":\"1.0\",\"id\":\"01020304-0506-0708-090a-0b0c0d0e0f10\",\"time\":\"2026-11-22T03:45:00.123Z\","
static const struct {
    const char *name, *json;
    int want;
} texts[] = {
    { "the least that is one", HEAD "\"type\":\"PaymentInitiated\",\"data\":{}}", 0 },
    { "a type of a newer program", HEAD "\"type\":\"PaymentPainted\",\"data\":{}}", EVENT_JSON_E_FORMAT },
    { "no type", HEAD "\"data\":{}}", EVENT_JSON_E_FORMAT },
    { "an id that is none",
      "{\"id\":\"x\",\"time\":\"2026-11-22T03:45:00Z\",\"type\":\"PaymentInitiated\",\"data\":{}}",
      EVENT_JSON_E_FORMAT },
    { "no time", "{\"id\":\"01020304-0506-0708-090a-0b0c0d0e0f10\",\"type\":\"PaymentInitiated\",\"data\":{}}",
      EVENT_JSON_E_FORMAT },
    { "a known reason", HEAD "\"type\":\"PaymentRejected\",\"data\":{\"reason\":\"fraud\"}}", 0 },
    { "an unknown reason", HEAD "\"type\":\"PaymentRejected\",\"data\":{\"reason\":\"mood\"}}", EVENT_JSON_E_FORMAT },
    { "an unknown status", HEAD "\"type\":\"PaymentRejected\",\"data\":{\"status\":\"lost\"}}", EVENT_JSON_E_FORMAT },
    { "an unknown payment type", HEAD "\"type\":\"PaymentRejected\",\"data\":{\"payment_type\":\"gift\"}}",
      EVENT_JSON_E_FORMAT },
    { "an unknown currency", HEAD "\"type\":\"PaymentRejected\",\"data\":{\"currency\":\"QQQ\"}}",
      EVENT_JSON_E_FORMAT },
    { "a payment's id that is none", HEAD "\"type\":\"PaymentRejected\",\"data\":{\"payment_id\":\"7\"}}",
      EVENT_JSON_E_FORMAT },
    { "cut off", HEAD "\"type\":\"PaymentInitiated\",\"data\":{", EVENT_JSON_E_FORMAT },
    { "nothing", "", EVENT_JSON_E_FORMAT },
    { "an array", "[]", EVENT_JSON_E_FORMAT },
    { "nested deeper than ours", HEAD "\"type\":\"PaymentInitiated\",\"data\":{\"a\":{\"b\":{\"c\":{\"d\":{}}}}}}",
      EVENT_JSON_E_FORMAT },
};

static void what_is_not_ours_is_refused(void **state) {
    struct arena arena;
    struct event event;
    (void)state;
    assert_int_equal(arena_init(&arena, 16 * 1024, 1 << 20), 0);
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        int r = event_json_read(str_from_c(texts[i].json), &arena, &event);
        if (r != texts[i].want) fail_msg("%s: %d", texts[i].name, r);
    }
    arena_release(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_comes_back_as_it_went),
        cmocka_unit_test(the_envelope_is_that_of_cloudevents),
        cmocka_unit_test(the_text_is_this),
        cmocka_unit_test(what_is_not_ours_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
