#include "gateway/open_banking.h"

#include "platform/clock.h"

#define INITIATION "Data.Initiation"

/* ---- reading ---- */

static void fault_at(struct schema_errors *errors, const char *path, const char *message) {
    schema_errors_add(errors, path, message);
}

static void read_amount(const struct json *amount, struct schema_errors *errors, struct money *ret_amount) {
    struct currency currency;
    int r = currency_parse(json_get_string(amount, "Currency"), &currency);
    if (r) {
        fault_at(errors, INITIATION ".InstructedAmount.Currency", money_refusal_text(r));
        return;
    }
    r = money_parse(json_get_string(amount, "Amount"), currency, ret_amount);
    if (r) fault_at(errors, INITIATION ".InstructedAmount.Amount", money_refusal_text(r));
}

enum { UK_IDENTIFICATION_DIGITS = 14 };

/* Fills the parts of account that its scheme has; false: the identification is none of that scheme. */
static bool read_identification(struct str text, struct creditor *account) {
    switch (account->scheme) {
    case CREDITOR_SCHEME_NONE:
        return false;
    case CREDITOR_SCHEME_IBAN:
        return iban_parse(text, &account->iban) == 0;
    case CREDITOR_SCHEME_UK:
        break;
    }
    return text.len == UK_IDENTIFICATION_DIGITS &&
           sort_code_parse(str_slice(text, 0, SORT_CODE_DIGITS), &account->sort_code) == 0 &&
           account_number_parse(str_slice(text, SORT_CODE_DIGITS, text.len), ACCOUNT_SCHEME_UK,
                                &account->account_number) == 0;
}

struct account_paths {
    const char *scheme, *identification;
};

static void read_account(const struct json *json, const struct account_paths *paths, struct schema_errors *errors,
                         struct creditor *account) {
    struct str scheme = json_get_string(json, "SchemeName");
    if (str_equal(scheme, account_scheme_name(CREDITOR_SCHEME_IBAN))) account->scheme = CREDITOR_SCHEME_IBAN;
    if (str_equal(scheme, account_scheme_name(CREDITOR_SCHEME_UK))) account->scheme = CREDITOR_SCHEME_UK;
    if (account->scheme == CREDITOR_SCHEME_NONE)
        fault_at(errors, paths->scheme, "must be UK.OBIE.SortCodeAccountNumber or UK.OBIE.IBAN");
    else if (!read_identification(json_get_string(json, "Identification"), account))
        fault_at(errors, paths->identification,
                 account->scheme == CREDITOR_SCHEME_IBAN
                     ? "must be a valid IBAN"
                     : "must be a sort code of 6 digits and an account number of 8");
}

static void read_creditor(const struct json *json, struct schema_errors *errors, struct creditor *creditor) {
    static const struct account_paths paths = { INITIATION ".CreditorAccount.SchemeName",
                                                INITIATION ".CreditorAccount.Identification" };
    if (person_name_parse(json_get_string(json, "Name"), &creditor->name))
        fault_at(errors, INITIATION ".CreditorAccount.Name", payment_order_refusal_text(PAYMENT_ORDER_E_CREDITOR_NAME));
    read_account(json, &paths, errors, creditor);
}

static void read_debtor(const struct json *json, struct schema_errors *errors, struct creditor *debtor) {
    static const struct account_paths paths = { INITIATION ".DebtorAccount.SchemeName",
                                                INITIATION ".DebtorAccount.Identification" };
    if (json) read_account(json, &paths, errors, debtor);
}

static void read_id(struct str text, const char *path, struct schema_errors *errors, struct end_to_end_id *ret_id) {
    if (end_to_end_id_parse(text, ret_id))
        fault_at(errors, path, "must be at most 35 bytes without control characters, and not blank");
}

static void read_reference(const struct json *remittance, struct schema_errors *errors,
                           struct payment_reference *ret_reference) {
    const struct json *lines = json_get(remittance, "Unstructured"); /* v3.1: one text, and a Reference beside it */
    const struct json *unstructured = json_is_string(lines) ? lines : json_at(lines, 0);
    const struct json *structured = json_at(json_get(remittance, "Structured"), 0);
    const char *path = json_is_string(lines) ? INITIATION ".RemittanceInformation.Unstructured"
                                             : INITIATION ".RemittanceInformation.Unstructured[0]";
    struct str text = json_string(unstructured);
    if (!unstructured && json_get(remittance, "Reference")) {
        path = INITIATION ".RemittanceInformation.Reference";
        text = json_get_string(remittance, "Reference");
    } else if (!unstructured) {
        path = INITIATION ".RemittanceInformation.Structured[0].CreditorReferenceInformation.Reference";
        text = json_get_string(json_get(structured, "CreditorReferenceInformation"), "Reference");
    }
    if (text.len && payment_reference_parse(text, ret_reference))
        fault_at(errors, path, payment_order_refusal_text(PAYMENT_ORDER_E_REFERENCE));
}

void initiation_read(const struct json *initiation, struct schema_errors *errors, struct initiation *ret_initiation) {
    *ret_initiation = (struct initiation){ 0 };
    read_id(json_get_string(initiation, "InstructionIdentification"), INITIATION ".InstructionIdentification", errors,
            &ret_initiation->instruction_id);
    read_id(json_get_string(initiation, "EndToEndIdentification"), INITIATION ".EndToEndIdentification", errors,
            &ret_initiation->end_to_end_id);
    read_amount(json_get(initiation, "InstructedAmount"), errors, &ret_initiation->amount);
    read_debtor(json_get(initiation, "DebtorAccount"), errors, &ret_initiation->debtor);
    read_creditor(json_get(initiation, "CreditorAccount"), errors, &ret_initiation->creditor);
    read_reference(json_get(initiation, "RemittanceInformation"), errors, &ret_initiation->reference);
}

struct str account_scheme_name(enum creditor_scheme scheme) {
    switch (scheme) {
    case CREDITOR_SCHEME_IBAN:
        return STR("UK.OBIE.IBAN");
    case CREDITOR_SCHEME_UK:
        return STR("UK.OBIE.SortCodeAccountNumber");
    case CREDITOR_SCHEME_NONE:
        break;
    }
    return STR("");
}

struct str account_identification(const struct creditor *account, struct arena *arena) {
    struct str sort_code = sort_code_reveal(&account->sort_code),
               number = account_number_reveal(&account->account_number);
    switch (account->scheme) {
    case CREDITOR_SCHEME_IBAN:
        return arena_dup(arena, iban_reveal(&account->iban));
    case CREDITOR_SCHEME_UK:
        return arena_printf(arena, STR_FMT STR_FMT, STR_ARG(sort_code), STR_ARG(number));
    case CREDITOR_SCHEME_NONE:
        break;
    }
    return STR("");
}

/* ---- writing ---- */

struct status_reason {
    const char *code, *text; /* ISO 20022 ExternalStatusReason1Code; NULL: none */
};

static struct status_reason reason_of(enum payment_reason reason) {
    switch (reason) {
    case PAYMENT_REASON_INSUFFICIENT_FUNDS:
        return (struct status_reason){ "AM04", "The available balance is too low." };
    case PAYMENT_REASON_FRAUD:
        return (struct status_reason){ "FR01", "The payment was stopped by the fraud rules." };
    case PAYMENT_REASON_SANCTIONS:
        return (struct status_reason){ "RR04", "The payment was stopped for regulatory reasons." };
    case PAYMENT_REASON_ACCOUNT_BLOCKED:
        return (struct status_reason){ "AC06", "The account is blocked." };
    case PAYMENT_REASON_CORE_REFUSED:
        return (struct status_reason){ "MS03", "The payment was refused in execution." };
    case PAYMENT_REASON_CHECK_UNAVAILABLE:
        return (struct status_reason){ "MS03", "A check of the payment could not be made." };
    case PAYMENT_REASON_DEADLINE:
        return (struct status_reason){ "AB06", "The payment was not ready in time." };
    case PAYMENT_REASON_CORE_FAILED:
        return (struct status_reason){ "ED05", "The payment could not be executed." };
    case PAYMENT_REASON_NOT_ACCEPTED:
        return (struct status_reason){ "MS03", "The payment could not be made when it fell due." };
    case PAYMENT_REASON_NONE:
    case PAYMENT_REASON_COUNT:
        break;
    }
    return (struct status_reason){ 0 };
}

void open_banking_member_id(struct json_writer *writer, const char *name, const uint8_t id[ID_BYTES]) {
    char text[ID_TEXT_BYTES];
    json_member_str(writer, name, id_format(id, text));
}

void open_banking_member_time(struct json_writer *writer, const char *name, int64_t ms) {
    char text[CLOCK_TEXT_BYTES];
    json_member_str(writer, name, clock_format_rfc3339(ms, text));
}

/* A list, also when it is empty (uk/S7). v3.1 has none. */
static void write_reasons(struct json_writer *writer, enum open_banking_version version, struct status_reason reason) {
    if (version == OPEN_BANKING_V3) return;
    json_name(writer, "StatusReason");
    json_array_begin(writer);
    if (reason.code) {
        json_object_begin(writer);
        json_member_c(writer, "StatusReasonCode", reason.code);
        json_member_c(writer, "StatusReasonDescription", reason.text);
        json_object_end(writer);
    }
    json_array_end(writer);
}

static void document_begin(struct json_writer *writer, const struct open_banking_writer *to) {
    json_begin(writer, to->out);
    json_object_begin(writer);
    json_name(writer, "Data");
    json_object_begin(writer);
}

/* Behind Data: Links with an absolute Self (api_url, collection, id, rest), Meta, the end. */
static void document_end(struct json_writer *writer, const struct open_banking_writer *to, const char *collection,
                         const uint8_t id[ID_BYTES], const char *rest) {
    char text[ID_TEXT_BYTES], self[1024];
    struct buffer link;
    buffer_init(&link, self, sizeof self);
    buffer_append_str(&link, to->api_url);
    buffer_append_c(&link, open_banking_path(to->version));
    buffer_append_c(&link, "/pisp");
    buffer_append_c(&link, collection);
    buffer_append_str(&link, id_format(id, text));
    buffer_append_c(&link, rest);
    check(!link.overflow); /* the address of the API is configuration */
    json_name(writer, "Links");
    json_object_begin(writer);
    json_member_str(writer, "Self", buffer_str(&link));
    json_object_end(writer);
    json_name(writer, "Meta");
    json_object_begin(writer);
    json_object_end(writer);
    json_object_end(writer);
}

/* What else the client said of the consent, as it said it. 0 or -ENOMEM. */
static int write_rest(struct json_writer *writer, struct str document, const char *const *names, struct arena *arena) {
    const struct json *rest;
    int r = json_parse_arena(document, CONSENT_PART_BYTES_MAX, JSON_DEPTH_MAX, arena, &rest);
    if (r) return err_fold(r);
    for (; *names; names++) {
        const struct json *value = json_get(rest, *names);
        if (!value) continue;
        json_name(writer, *names);
        json_put_value(writer, value);
    }
    return 0;
}

static void write_no_charges(struct json_writer *writer) {
    json_name(writer, "Charges");
    json_array_begin(writer);
    json_array_end(writer);
}

int consent_document_write(const struct open_banking_writer *to, const struct payment_consent_view *consent) {
    static const char *const rest[] = { "ReadRefundAccount", "Authorisation", "SCASupportData", NULL };
    struct json_writer writer;
    document_begin(&writer, to);
    open_banking_member_id(&writer, "ConsentId", consent->consent_id.bytes);
    open_banking_member_time(&writer, "CreationDateTime", consent->created_ms);
    json_member_c(&writer, "Status", open_banking_consent_status(to->version, consent->status_name));
    write_reasons(&writer, to->version, (struct status_reason){ consent->reason_code, consent->reason_text });
    open_banking_member_time(&writer, "StatusUpdateDateTime", consent->status_ms);
    write_no_charges(&writer);
    json_member_raw(&writer, "Initiation", consent->initiation);
    int r = write_rest(&writer, consent->document, rest, to->arena);
    if (r) return err_trace(r);
    json_object_end(&writer);
    json_member_raw(&writer, "Risk", consent->risk);
    document_end(&writer, to, "/domestic-payment-consents/", consent->consent_id.bytes, "");
    return 0;
}

void funds_document_write(const struct open_banking_writer *to, const struct payment_consent_view *consent,
                          bool available, int64_t now_ms) {
    struct json_writer writer;
    document_begin(&writer, to);
    json_name(&writer, "FundsAvailableResult");
    json_object_begin(&writer);
    open_banking_member_time(&writer, "FundsAvailableDateTime", now_ms);
    json_member_bool(&writer, "FundsAvailable", available);
    json_object_end(&writer);
    json_object_end(&writer);
    document_end(&writer, to, "/domestic-payment-consents/", consent->consent_id.bytes, "/funds-confirmation");
}

/* The account to send money back to: the debtor's own. */
static void write_refund(struct json_writer *writer, const struct account_view *account) {
    bool uk = account->sort_code.len != 0;
    char digits[SORT_CODE_DIGITS + ACCOUNT_NUMBER_BYTES_MAX];
    struct buffer identification;
    buffer_init(&identification, digits, sizeof digits);
    buffer_append_str(&identification, uk ? account->sort_code : account->iban);
    if (uk) buffer_append_str(&identification, account->account_number);
    json_name(writer, "Refund");
    json_object_begin(writer);
    json_name(writer, "Account");
    json_object_begin(writer);
    json_member_str(writer, "SchemeName", account_scheme_name(uk ? CREDITOR_SCHEME_UK : CREDITOR_SCHEME_IBAN));
    json_member_str(writer, "Identification", buffer_str(&identification));
    json_member_str(writer, "Name", account->name);
    json_object_end(writer);
    json_object_end(writer);
}

int domestic_payment_document_write(const struct open_banking_writer *to, const struct domestic_payment *domestic) {
    const struct payment_view *payment = domestic->payment;
    bool received = domestic->first && payment->status != PAYMENT_REJECTED;
    struct json_writer writer;
    document_begin(&writer, to);
    open_banking_member_id(&writer, "DomesticPaymentId", payment->payment_id.bytes);
    open_banking_member_id(&writer, "ConsentId", payment->consent_id.bytes);
    open_banking_member_time(&writer, "CreationDateTime", payment->created_ms);
    json_member_c(&writer, "Status",
                  received ? open_banking_payment_received(to->version)
                           : open_banking_payment_status(to->version, payment->status));
    open_banking_member_time(&writer, "StatusUpdateDateTime", received ? payment->created_ms : payment->status_ms);
    write_reasons(&writer, to->version, reason_of(payment->reason));
    if (domestic->refund) write_refund(&writer, domestic->refund);
    write_no_charges(&writer);
    json_member_raw(&writer, "Initiation", domestic->consent->initiation);
    json_object_end(&writer);
    document_end(&writer, to, "/domestic-payments/", payment->payment_id.bytes, "");
    return 0;
}

void payment_details_document_write(const struct open_banking_writer *to, const struct payment_view *payment) {
    struct status_reason reason = reason_of(payment->reason);
    struct json_writer writer;
    document_begin(&writer, to);
    json_name(&writer, "PaymentStatus");
    json_array_begin(&writer);
    for (size_t i = 0; i < payment->timeline_count; i++) {
        const char *status = open_banking_payment_status(to->version, payment->timeline[i].status);
        json_object_begin(&writer);
        open_banking_member_id(&writer, "PaymentTransactionId", payment->payment_id.bytes);
        json_member_c(&writer, "Status", status);
        open_banking_member_time(&writer, "StatusUpdateDateTime", payment->timeline[i].at_ms);
        if (payment->timeline[i].status == PAYMENT_REJECTED && reason.code) {
            json_name(&writer, "StatusDetail");
            json_object_begin(&writer);
            json_member_c(&writer, "Status", status);
            json_member_c(&writer, "StatusReason",
                          to->version == OPEN_BANKING_V3 ? "ProprietaryRejection" : reason.code);
            json_member_c(&writer, "StatusReasonDescription", reason.text);
            json_object_end(&writer);
        }
        json_object_end(&writer);
    }
    json_array_end(&writer);
    json_object_end(&writer);
    document_end(&writer, to, "/domestic-payments/", payment->payment_id.bytes, "/payment-details");
}
