#include "domain/payment_order.h"

#include "domain/plain_text.h"

const char *payment_order_refusal_path(int refusal) {
#define X(code, name) [code] = name,
    static const char *const paths[PAYMENT_ORDER_E_COUNT] = { [PAYMENT_ORDER_E_NONE] = "", PAYMENT_ORDER_E_MAP(X) };
#undef X
    check(refusal >= 0 && refusal < PAYMENT_ORDER_E_COUNT);
    return paths[refusal];
}

const char *payment_order_refusal_text(int refusal) {
    switch ((enum payment_order_refusal)refusal) {
    case PAYMENT_ORDER_E_CLIENT: return "the client is not known";
    case PAYMENT_ORDER_E_DEBTOR: return "the account to pay from is missing";
    case PAYMENT_ORDER_E_CREDITOR_NAME: return "the creditor needs a name of 1 to 140 bytes without control characters";
    case PAYMENT_ORDER_E_CREDITOR_ACCOUNT:
        return "the creditor needs either an IBAN or a sort code with an account number";
    case PAYMENT_ORDER_E_CREDITOR_IBAN: return "the IBAN is not valid";
    case PAYMENT_ORDER_E_CREDITOR_SORT_CODE: return "the sort code must be six digits";
    case PAYMENT_ORDER_E_CREDITOR_ACCOUNT_NUMBER: return "the account number must be eight digits";
    case PAYMENT_ORDER_E_CURRENCY: return money_refusal_text(MONEY_E_CURRENCY);
    case PAYMENT_ORDER_E_AMOUNT: return money_refusal_text(MONEY_E_NOT_POSITIVE);
    case PAYMENT_ORDER_E_REFERENCE: return "the reference must be at most 140 bytes without control characters";
    case PAYMENT_ORDER_E_END_TO_END_ID: return "the end-to-end id must be at most 35 bytes without control characters";
    case PAYMENT_ORDER_E_INSTRUCTION_ID:
        return "the instruction id must be at most 35 bytes without control characters";
    case PAYMENT_ORDER_E_NONE:
    case PAYMENT_ORDER_E_COUNT: break;
    }
    return "the payment order is not valid";
}

/* The parsers are the one definition of what is valid; a value that came through them passes again. The length is
 * looked at first, because a struct that did not come from a parser may claim more bytes than it has. */
static bool name_is_valid(const struct person_name *name) {
    struct person_name again;
    return name->len <= sizeof name->at && person_name_parse(person_name_reveal(name), &again) == 0;
}

static bool iban_is_valid(const struct iban *iban) {
    struct iban again;
    return iban->len <= sizeof iban->at && iban_parse(iban_reveal(iban), &again) == 0 && again.len == iban->len;
}

static bool sort_code_is_valid(const struct sort_code *code) {
    struct sort_code again;
    return code->len == sizeof code->at && sort_code_parse(sort_code_reveal(code), &again) == 0;
}

static bool uk_number_is_valid(const struct account_number *number) {
    struct account_number again;
    return number->len <= sizeof number->at &&
           account_number_parse(account_number_reveal(number), ACCOUNT_SCHEME_UK, &again) == 0;
}

static bool reference_is_valid(const struct payment_reference *reference) {
    struct payment_reference again;
    return reference->len <= sizeof reference->at &&
           payment_reference_parse(payment_reference_reveal(reference), &again) == 0;
}

static bool end_to_end_id_is_valid(const struct end_to_end_id *id) {
    struct end_to_end_id again;
    return id->len <= sizeof id->at && end_to_end_id_parse(end_to_end_id_str(id), &again) == 0;
}

static int creditor_check(const struct creditor *creditor) {
    bool has_uk = !personal_is_none(&creditor->sort_code) || !personal_is_none(&creditor->account_number);
    if (!name_is_valid(&creditor->name)) return PAYMENT_ORDER_E_CREDITOR_NAME;
    switch (creditor->scheme) {
    case CREDITOR_SCHEME_NONE: return PAYMENT_ORDER_E_CREDITOR_ACCOUNT;
    case CREDITOR_SCHEME_IBAN:
        if (has_uk) return PAYMENT_ORDER_E_CREDITOR_ACCOUNT;
        return iban_is_valid(&creditor->iban) ? 0 : PAYMENT_ORDER_E_CREDITOR_IBAN;
    case CREDITOR_SCHEME_UK:
        if (!personal_is_none(&creditor->iban)) return PAYMENT_ORDER_E_CREDITOR_ACCOUNT;
        if (!sort_code_is_valid(&creditor->sort_code)) return PAYMENT_ORDER_E_CREDITOR_SORT_CODE;
        return uk_number_is_valid(&creditor->account_number) ? 0 : PAYMENT_ORDER_E_CREDITOR_ACCOUNT_NUMBER;
    }
    return PAYMENT_ORDER_E_CREDITOR_ACCOUNT;
}

int payment_order_check(const struct payment_order *order) {
    if (id_is_zero(order->client_id.bytes)) return PAYMENT_ORDER_E_CLIENT;
    if (id_is_zero(order->debtor_account_id.bytes)) return PAYMENT_ORDER_E_DEBTOR;
    int r = creditor_check(&order->creditor);
    if (r) return r;
    if (!currency_is_known(order->amount.currency)) return PAYMENT_ORDER_E_CURRENCY;
    if (order->amount.minor <= 0) return PAYMENT_ORDER_E_AMOUNT;
    if (!personal_is_none(&order->reference) && !reference_is_valid(&order->reference))
        return PAYMENT_ORDER_E_REFERENCE;
    if (order->end_to_end_id.len && !end_to_end_id_is_valid(&order->end_to_end_id))
        return PAYMENT_ORDER_E_END_TO_END_ID;
    if (order->instruction_id.len && !end_to_end_id_is_valid(&order->instruction_id))
        return PAYMENT_ORDER_E_INSTRUCTION_ID;
    return 0;
}

int end_to_end_id_parse(struct str text, struct end_to_end_id *ret_id) {
    struct end_to_end_id id = { 0 };
    if (text.len > sizeof id.at || plain_text_is_blank(text) || !plain_text(text)) return PAYMENT_ORDER_E_END_TO_END_ID;
    memcpy(id.at, text.at, text.len);
    id.len = (uint8_t)text.len;
    *ret_id = id;
    return 0;
}

struct str end_to_end_id_str(const struct end_to_end_id *id) {
    return (struct str){ .at = id->at, .len = id->len };
}
