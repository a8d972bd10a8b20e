/* What of an Initiation becomes a payment, field by field, and the words of statuses. */
#include "gateway/open_banking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct arena arena;

static int setup(void **state) {
    (void)state;
    return arena_init(&arena, 64 * 1024, 1024 * 1024);
}
static int teardown(void **state) {
    (void)state;
    arena_release(&arena);
    return 0;
}

#define IDS "\"InstructionIdentification\":\"INSTR-1\",\"EndToEndIdentification\":\"E2E-1\","
#define MONEY "\"InstructedAmount\":{\"Amount\":\"10.50\",\"Currency\":\"GBP\"},"
#define UK                                                                                                             \
    "\"CreditorAccount\":{\"SchemeName\":\"UK.OBIE.SortCodeAccountNumber\",\"Identification\":\"20000112345678\","     \
    "\"Name\":\"Bob\"}"
#define AMOUNT(value, currency)                                                                                        \
    "{" IDS "\"InstructedAmount\":{\"Amount\":\"" value "\",\"Currency\":\"" currency "\"}," UK "}"
#define CREDITOR(scheme, id, name)                                                                                     \
    "{" IDS MONEY "\"CreditorAccount\":{\"SchemeName\":\"" scheme "\",\"Identification\":\"" id "\",\"Name\":\"" name  \
    "\"}}"
#define DEBTOR(scheme, id)                                                                                             \
    "{" IDS MONEY "\"DebtorAccount\":{\"SchemeName\":\"" scheme "\",\"Identification\":\"" id "\"}," UK "}"
#define WITH(ids, rest) "{" ids MONEY UK rest "}"
#define UNSTRUCTURED(text) ",\"RemittanceInformation\":{\"Unstructured\":[\"" text "\",\"second\"]}"
#define STRUCTURED(text)                                                                                               \
    ",\"RemittanceInformation\":{\"Structured\":[{\"CreditorReferenceInformation\":{\"Reference\":\"" text "\"}}]}"
#define INITIATION_PATH "Data.Initiation."
#define LETTERS_70 "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij"

static const struct {
    const char *name, *json;
    const char *paths; /* of the faults, joined by blanks; empty: accepted */
} cases[] = {
    { "sort code and account number", WITH(IDS, ""), "" },
    { "IBAN", CREDITOR("UK.OBIE.IBAN", "GB82WEST12345698765432", "Bob"), "" },
    { "IBAN, check digits wrong", CREDITOR("UK.OBIE.IBAN", "GB83WEST12345698765432", "Bob"),
      INITIATION_PATH "CreditorAccount.Identification" },
    { "13 digits", CREDITOR("UK.OBIE.SortCodeAccountNumber", "2000011234567", "Bob"),
      INITIATION_PATH "CreditorAccount.Identification" },
    { "15 digits", CREDITOR("UK.OBIE.SortCodeAccountNumber", "200001123456789", "Bob"),
      INITIATION_PATH "CreditorAccount.Identification" },
    { "a letter among the digits", CREDITOR("UK.OBIE.SortCodeAccountNumber", "2000011234567a", "Bob"),
      INITIATION_PATH "CreditorAccount.Identification" },
    { "another scheme", CREDITOR("UK.OBIE.PAN", "4111111111111111", "Bob"),
      INITIATION_PATH "CreditorAccount.SchemeName" },
    { "scheme without its namespace", CREDITOR("IBAN", "GB82WEST12345698765432", "Bob"),
      INITIATION_PATH "CreditorAccount.SchemeName" },
    { "name of 140", CREDITOR("UK.OBIE.SortCodeAccountNumber", "20000112345678", LETTERS_70 LETTERS_70), "" },
    { "name of 141", CREDITOR("UK.OBIE.SortCodeAccountNumber", "20000112345678", LETTERS_70 LETTERS_70 "x"),
      INITIATION_PATH "CreditorAccount.Name" },
    { "name of blanks", CREDITOR("UK.OBIE.SortCodeAccountNumber", "20000112345678", "  "),
      INITIATION_PATH "CreditorAccount.Name" },
    { "debtor by IBAN", DEBTOR("UK.OBIE.IBAN", "GB82WEST12345698765432"), "" },
    { "debtor by sort code", DEBTOR("UK.OBIE.SortCodeAccountNumber", "20000187654321"), "" },
    { "debtor, other scheme", DEBTOR("UK.OBIE.Paym", "447700900000"), INITIATION_PATH "DebtorAccount.SchemeName" },
    { "debtor, wrong IBAN", DEBTOR("UK.OBIE.IBAN", "GB00"), INITIATION_PATH "DebtorAccount.Identification" },
    { "yen have no decimals", AMOUNT("10", "JPY"), "" },
    { "decimals of yen", AMOUNT("10.00", "JPY"), INITIATION_PATH "InstructedAmount.Amount" },
    { "three decimals of pounds", AMOUNT("10.500", "GBP"), INITIATION_PATH "InstructedAmount.Amount" },
    { "zero", AMOUNT("0.00", "GBP"), INITIATION_PATH "InstructedAmount.Amount" },
    { "negative", AMOUNT("-1.00", "GBP"), INITIATION_PATH "InstructedAmount.Amount" },
    { "exponent", AMOUNT("1e2", "GBP"), INITIATION_PATH "InstructedAmount.Amount" },
    { "leading zero", AMOUNT("010.00", "GBP"), INITIATION_PATH "InstructedAmount.Amount" },
    { "no such currency", AMOUNT("10.00", "XXQ"), INITIATION_PATH "InstructedAmount.Currency" },
    { "blank instruction id", WITH("\"InstructionIdentification\":\" \",\"EndToEndIdentification\":\"E\",", ""),
      INITIATION_PATH "InstructionIdentification" },
    { "line end in end-to-end id",
      WITH("\"InstructionIdentification\":\"I\",\"EndToEndIdentification\":\"a\\nb\",", ""),
      INITIATION_PATH "EndToEndIdentification" },
    { "reference, unstructured", WITH(IDS, UNSTRUCTURED("FRESCO-101")), "" },
    { "reference, structured", WITH(IDS, STRUCTURED("FRESCO-037")), "" },
    { "reference that turns the text round", WITH(IDS, UNSTRUCTURED("\\u202Eabc")),
      INITIATION_PATH "RemittanceInformation.Unstructured[0]" },
    { "structured reference with a line end", WITH(IDS, STRUCTURED("a\\rb")),
      INITIATION_PATH "RemittanceInformation.Structured[0].CreditorReferenceInformation.Reference" },
    { "every fault is listed (uk/E4)",
      "{\"InstructionIdentification\":\"\\t\",\"EndToEndIdentification\":\"E\",\"InstructedAmount\":{\"Amount\":\"0\","
      "\"Currency\":\"GBP\"},\"CreditorAccount\":{\"SchemeName\":\"X\",\"Identification\":\"1\",\"Name\":\"Bob\"}}",
      INITIATION_PATH "InstructionIdentification " INITIATION_PATH "InstructedAmount.Amount " INITIATION_PATH
                      "CreditorAccount.SchemeName" },
};

static void read_case(const char *text, struct schema_errors *errors, struct initiation *ret_initiation) {
    const struct json *json;
    arena_reset(&arena);
    errors->count = 0;
    errors->more = false;
    assert_int_equal(json_parse_arena(str_from_c(text), JSON_BYTES_MAX, JSON_DEPTH_MAX, &arena, &json), 0);
    initiation_read(json, errors, ret_initiation);
}

static void initiation_is_judged_as_the_table_says(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct schema_errors errors;
        struct initiation initiation;
        char memory[1024];
        struct buffer paths;
        buffer_init(&paths, memory, sizeof memory);
        read_case(cases[i].json, &errors, &initiation);
        for (size_t k = 0; k < errors.count; k++) {
            if (k) buffer_append_char(&paths, ' ');
            buffer_append_str(&paths, errors.items[k].path);
        }
        if (!str_equal_c(buffer_str(&paths), cases[i].paths))
            fail_msg("%s: \"" STR_FMT "\"", cases[i].name, STR_ARG(buffer_str(&paths)));
    }
}

static void initiation_becomes_an_order(void **state) {
    (void)state;
    struct schema_errors errors;
    struct initiation initiation;
    read_case(DEBTOR("UK.OBIE.IBAN", "GB82 WEST 1234 5698 7654 32"), &errors, &initiation);
    assert_int_equal(errors.count, 0);
    assert_int_equal(initiation.amount.minor, 1050);
    assert_true(str_equal(sort_code_reveal(&initiation.creditor.sort_code), STR("200001")));
    assert_true(str_equal(account_number_reveal(&initiation.creditor.account_number), STR("12345678")));
    assert_true(str_equal(end_to_end_id_str(&initiation.instruction_id), STR("INSTR-1")));
    assert_true(str_equal(end_to_end_id_str(&initiation.end_to_end_id), STR("E2E-1")));
    assert_true(personal_is_none(&initiation.reference));
    assert_true(str_equal(account_identification(&initiation.creditor, &arena), STR("20000112345678")));
    assert_true(str_equal(account_identification(&initiation.debtor, &arena), STR("GB82WEST12345698765432")));
    assert_true(str_equal(account_scheme_name(initiation.debtor.scheme), STR("UK.OBIE.IBAN")));
    read_case(WITH(IDS, UNSTRUCTURED("FRESCO-101")), &errors, &initiation);
    assert_true(str_equal(payment_reference_reveal(&initiation.reference), STR("FRESCO-101")));
    assert_int_equal(initiation.debtor.scheme, CREDITOR_SCHEME_NONE);
    assert_int_equal(account_identification(&initiation.debtor, &arena).len, 0);
    read_case(WITH(IDS, STRUCTURED("FRESCO-037")), &errors, &initiation);
    assert_true(str_equal(payment_reference_reveal(&initiation.reference), STR("FRESCO-037")));
}

static const struct {
    enum payment_status status;
    enum payment_reason reason;
    bool first;
    const char *want, *reason_code;
    bool at_creation; /* StatusUpdateDateTime is CreationDateTime */
} status_cases[] = {
    { PAYMENT_PENDING, PAYMENT_REASON_NONE, true, "RCVD", "", true },
    { PAYMENT_PENDING, PAYMENT_REASON_NONE, false, "PDNG", "", false },
    { PAYMENT_UNKNOWN, PAYMENT_REASON_NONE, true, "RCVD", "", true },
    { PAYMENT_UNKNOWN, PAYMENT_REASON_NONE, false, "PDNG", "", false }, /* never a final one */
    { PAYMENT_COMPLETED, PAYMENT_REASON_NONE, true, "RCVD", "", true },
    { PAYMENT_COMPLETED, PAYMENT_REASON_NONE, false, "ACSC", "", false },
    { PAYMENT_REJECTED, PAYMENT_REASON_INSUFFICIENT_FUNDS, true, "RJCT", "AM04", false },
    { PAYMENT_REJECTED, PAYMENT_REASON_FRAUD, false, "RJCT", "FR01", false },
    { PAYMENT_REJECTED, PAYMENT_REASON_SANCTIONS, false, "RJCT", "RR04", false },
    { PAYMENT_REJECTED, PAYMENT_REASON_ACCOUNT_BLOCKED, false, "RJCT", "AC06", false },
    { PAYMENT_REJECTED, PAYMENT_REASON_CORE_REFUSED, false, "RJCT", "MS03", false },
    { PAYMENT_REJECTED, PAYMENT_REASON_CHECK_UNAVAILABLE, false, "RJCT", "MS03", false },
    { PAYMENT_REJECTED, PAYMENT_REASON_DEADLINE, false, "RJCT", "AB06", false },
    { PAYMENT_REJECTED, PAYMENT_REASON_CORE_FAILED, false, "RJCT", "ED05", false },
};

static void p8_statuses_are_those_of_the_table(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(status_cases); i++) {
        static char memory[OPEN_BANKING_DOCUMENT_BYTES_MAX];
        struct buffer body;
        struct payment_view payment = {
            .status = status_cases[i].status, .reason = status_cases[i].reason, .created_ms = 1000, .status_ms = 2000
        };
        struct payment_consent_view consent = { .initiation = STR("{}"), .document = STR("{}"), .version = 4 };
        struct domestic_payment domestic = { .payment = &payment, .consent = &consent, .first = status_cases[i].first };
        struct open_banking_writer writer = { .out = &body, .arena = &arena, .api_url = STR("https://bank.example") };
        const struct json *json;
        arena_reset(&arena);
        buffer_init(&body, memory, sizeof memory);
        assert_int_equal(domestic_payment_document_write(&writer, &domestic), 0);
        assert_int_equal(json_parse_arena(buffer_str(&body), JSON_BYTES_MAX, JSON_DEPTH_MAX, &arena, &json), 0);
        const struct json *data = json_get(json, "Data"), *reason = json_at(json_get(data, "StatusReason"), 0);
        assert_true(str_equal_c(json_get_string(data, "Status"), status_cases[i].want));
        assert_true(str_equal_c(json_get_string(reason, "StatusReasonCode"), status_cases[i].reason_code));
        assert_int_equal(json_type(json_get(data, "StatusReason")), JSON_ARRAY_TYPE);
        assert_true(str_equal(json_get_string(data, "CreationDateTime"), STR("1970-01-01T00:00:01.000Z")));
        assert_true(str_equal(json_get_string(data, "StatusUpdateDateTime"),
                              json_get_string(data, "CreationDateTime")) == status_cases[i].at_creation);
        assert_true(str_equal(
            json_string(json_path(json, "Links.Self")),
            STR("https://bank.example/open-banking/v4.0/pisp/domestic-payments/00000000-0000-0000-0000-000000000000")));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(initiation_is_judged_as_the_table_says),
        cmocka_unit_test(initiation_becomes_an_order),
        cmocka_unit_test(p8_statuses_are_those_of_the_table),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
