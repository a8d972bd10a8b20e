#include "integration/acl/core_call_record.h"

#include "platform/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define HEAD                                                                                                           \
    "\"time\":\"2026-11-22T03:45:00.123Z\",\"interaction_id\":\"07000000-0000-0000-0000-000000000000\","               \
    "\"peer\":\"core_banking\",\"operation\":"
#define PAYMENT "\"duration_us\":812,\"resource_id\":\"09000000-0000-0000-0000-000000000000\""
#define TRANSFER                                                                                                       \
    ",\"request\":{\"record\":\"TXN\",\"debtor\":\"************78\",\"creditor\":\"****************00\","              \
    "\"amount\":1999,\"currency\":\"GBP\",\"timestamp\":\"20261122034500\","                                           \
    "\"reference\":\"09000000000000000000000000000000\"}"
#define ENQUIRY ",\"request\":{\"record\":\"ENQ\",\"reference\":\"09000000000000000000000000000000\"}"

static const struct {
    enum followup_kind kind;
    struct core_answer answer;
    uint64_t left_out;
    const char *want; /* behind id and event */
} cases[] = {
    { FOLLOWUP_CORE_EXECUTE,
      { CORE_BOOKED, { "00", "CORE1234", "20261122034501" }, false, 0 },
      0,
      HEAD "\"transfer\",\"outcome\":\"answered\"," PAYMENT TRANSFER
           ",\"response\":{\"code\":\"00\",\"core_reference\":\"CORE1234\",\"timestamp\":\"20261122034501\"}}" },
    { FOLLOWUP_CORE_EXECUTE,
      { CORE_REFUSED, { "51", "", "20261122034501" }, false, 0 },
      0,
      HEAD "\"transfer\",\"outcome\":\"refused\"," PAYMENT TRANSFER
           ",\"response\":{\"code\":\"51\",\"timestamp\":\"20261122034501\"}}" },
    { FOLLOWUP_CORE_EXECUTE,
      { CORE_BARRED, { "46", "", "20261122034501" }, false, 0 },
      0,
      HEAD "\"transfer\",\"outcome\":\"refused\"," PAYMENT TRANSFER
           ",\"response\":{\"code\":\"46\",\"timestamp\":\"20261122034501\"}}" },
    { FOLLOWUP_CORE_EXECUTE,
      { CORE_UNKNOWN, { "", "", "" }, true, -ETIMEDOUT },
      0,
      HEAD "\"transfer\",\"outcome\":\"unknown\"," PAYMENT ",\"why\":{\"detail\":\"Connection timed out\"}" TRANSFER
           "}" },
    { FOLLOWUP_CORE_EXECUTE,
      { CORE_UNKNOWN, { "", "", "" }, false, -ECONNREFUSED },
      7,
      HEAD "\"transfer\",\"outcome\":\"unsent\"," PAYMENT
           ",\"why\":{\"detail\":\"Connection refused\",\"left_out\":7}" TRANSFER "}" },
    { FOLLOWUP_CORE_ENQUIRE,
      { CORE_NEVER_SEEN, { "44", "", "20261122034501" }, false, 0 },
      0,
      HEAD "\"enquiry\",\"outcome\":\"answered\"," PAYMENT ENQUIRY
           ",\"response\":{\"code\":\"44\",\"timestamp\":\"20261122034501\"}}" },
};

static const uint8_t interaction_id[16] = { 7 };

static void facts_make(enum followup_kind kind, struct core_transfer *transfer, struct core_call_facts *ret_facts) {
    *transfer = (struct core_transfer){ .payment_id = { { 9 } }, .recorded_ms = 1795319100123 };
    transfer->amount.minor = 1999;
    assert_int_equal(currency_parse(STR("GBP"), &transfer->amount.currency), 0);
    assert_int_equal(core_account_make((struct str){ 0 }, STR("200000"), STR("12345678"), &transfer->debtor), 0);
    assert_int_equal(
        core_account_make(STR("DE89370400440532013000"), (struct str){ 0 }, (struct str){ 0 }, &transfer->creditor), 0);
    *ret_facts = (struct core_call_facts){ .kind = kind,
                                           .transfer = transfer,
                                           .interaction_id = interaction_id,
                                           .time_ms = 1795319100123,
                                           .began_us = 1000,
                                           .ended_us = 1812 };
}

static struct str record_of(const struct core_call_facts *facts, const struct core_answer *answer, char *memory) {
    struct buffer out;
    buffer_init(&out, memory, CORE_CALL_RECORD_BYTES_MAX - 1);
    core_call_record_write(facts, answer, &out);
    assert_false(out.overflow);
    return buffer_str(&out);
}

/* spec: gateway/62 */
static void a_call_is_written_with_its_fields_masked(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char memory[CORE_CALL_RECORD_BYTES_MAX];
        struct core_transfer transfer;
        struct core_call_facts facts;
        struct str rest;
        size_t at;
        facts_make(cases[i].kind, &transfer, &facts);
        facts.left_out = cases[i].left_out;
        struct str json = record_of(&facts, &cases[i].answer, memory);
        assert_true(str_find(json, STR("\"event\":\"call_out\","), &at));
        rest = str_slice(json, at + strlen("\"event\":\"call_out\","), json.len);
        if (!str_equal_c(rest, cases[i].want)) fail_msg("%zu: " STR_FMT, i, STR_ARG(json));
    }
}

/* The id is the call's: another payment, another time, another question is another record. */
static void each_call_has_an_id_of_its_own(void **state) {
    char memory[3][CORE_CALL_RECORD_BYTES_MAX];
    struct core_transfer transfer;
    struct core_call_facts facts;
    struct str ids[3];
    (void)state;
    facts_make(FOLLOWUP_CORE_EXECUTE, &transfer, &facts);
    ids[0] = str_slice(record_of(&facts, &cases[0].answer, memory[0]), 0, 44);
    ids[1] = str_slice(record_of(&facts, &cases[0].answer, memory[1]), 0, 44);
    facts.began_us++;
    ids[2] = str_slice(record_of(&facts, &cases[0].answer, memory[2]), 0, 44);
    assert_true(str_equal(ids[0], ids[1]));
    assert_false(str_equal(ids[0], ids[2]));
    assert_true(str_starts(ids[0], STR("{\"id\":\"")));
    assert_int_equal(ids[0].at[21], '8');
}

/* All that a core may say, each character of it escaped. */
static void the_longest_record_fits(void **state) {
    char memory[CORE_CALL_RECORD_BYTES_MAX];
    struct core_transfer transfer;
    struct core_call_facts facts;
    struct core_answer answer = { .outcome = CORE_UNKNOWN, .sent = true, .fault = -EPROTO };
    (void)state;
    facts_make(FOLLOWUP_CORE_EXECUTE, &transfer, &facts);
    facts.left_out = INT64_MAX;
    facts.ended_us = INT64_MAX;
    transfer.amount.minor = CORE_AMOUNT_MINOR_MAX;
    memset(answer.record.code, 1, sizeof answer.record.code - 1);
    memset(answer.record.core_reference, 1, sizeof answer.record.core_reference - 1);
    memset(answer.record.timestamp, 1, sizeof answer.record.timestamp - 1);
    struct str json = record_of(&facts, &answer, memory);
    size_t at;
    assert_true(str_find(json, STR("\"response\":{\"code\":\"\\u0001"), &at));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_written_with_its_fields_masked),
        cmocka_unit_test(each_call_has_an_id_of_its_own),
        cmocka_unit_test(the_longest_record_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
