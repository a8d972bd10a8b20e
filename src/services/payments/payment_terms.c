#include "services/payments/payment_terms.h"

struct payment_terms payment_terms_of(const struct payment_order *order) {
    struct payment_terms terms = {
        .creditor_name = person_name_reveal(&order->creditor.name),
        .creditor_iban = iban_reveal(&order->creditor.iban),
        .creditor_sort_code = sort_code_reveal(&order->creditor.sort_code),
        .creditor_account_number = account_number_reveal(&order->creditor.account_number),
        .reference = payment_reference_reveal(&order->reference),
        .end_to_end_id = end_to_end_id_str(&order->end_to_end_id),
        .instruction_id = end_to_end_id_str(&order->instruction_id),
        .currency = order->amount.currency.code,
        .amount_minor = order->amount.minor,
    };
    memcpy(terms.client_id, order->client_id.bytes, 16);
    memcpy(terms.customer_id, order->customer_id.bytes, 16);
    memcpy(terms.consent_id, order->consent_id.bytes, 16);
    memcpy(terms.debtor_account_id, order->debtor_account_id.bytes, 16);
    return terms;
}

static bool read_creditor(const struct payment_terms *terms, struct creditor *creditor) {
    if (person_name_parse(terms->creditor_name, &creditor->name)) return false;
    creditor->scheme = terms->creditor_iban.len ? CREDITOR_SCHEME_IBAN : CREDITOR_SCHEME_UK;
    if (creditor->scheme == CREDITOR_SCHEME_IBAN) return iban_parse(terms->creditor_iban, &creditor->iban) == 0;
    return sort_code_parse(terms->creditor_sort_code, &creditor->sort_code) == 0 &&
           account_number_parse(terms->creditor_account_number, ACCOUNT_SCHEME_UK, &creditor->account_number) == 0;
}

static bool read_end_to_end_id(struct str text, struct end_to_end_id *id) {
    return text.len == 0 || end_to_end_id_parse(text, id) == 0;
}

int payment_terms_order(const struct payment_terms *terms, struct payment_order *ret_order) {
    struct payment_order order = { .amount = { .minor = terms->amount_minor,
                                               .currency = { .code = (uint32_t)terms->currency } } };
    memcpy(order.client_id.bytes, terms->client_id, 16);
    memcpy(order.customer_id.bytes, terms->customer_id, 16);
    memcpy(order.consent_id.bytes, terms->consent_id, 16);
    memcpy(order.debtor_account_id.bytes, terms->debtor_account_id, 16);
    if (!read_creditor(terms, &order.creditor) ||
        (terms->reference.len && payment_reference_parse(terms->reference, &order.reference)) ||
        !read_end_to_end_id(terms->end_to_end_id, &order.end_to_end_id) ||
        !read_end_to_end_id(terms->instruction_id, &order.instruction_id))
        return err_origin(-EBADMSG);
    *ret_order = order;
    return 0;
}
