/* query_consents.c - consents as layer 1 sees them. */
#include "integration/query_int.h"

#include "platform/clock.h"
#include "services/consents/payment_consent.h"

static enum payment_consent_state state_of(enum consent_status status) {
    switch (status) {
    case CONSENT_AWAU:
        return PAYMENT_CONSENT_AWAU;
    case CONSENT_AUTH:
        return PAYMENT_CONSENT_AUTH;
    case CONSENT_COND:
        return PAYMENT_CONSENT_COND;
    case CONSENT_RJCT:
        return PAYMENT_CONSENT_RJCT;
    case CONSENT_STATUS_COUNT:
        break;
    }
    check(false);
    return PAYMENT_CONSENT_RJCT;
}

/* U036 is the standard's word for "the customer has not decided" (uk/Q5); CUST is ISO 20022's for "at the customer's
 * wish". */
static void give_reason(struct payment_consent_view *consent, bool left) {
    if (consent->status == PAYMENT_CONSENT_AWAU) {
        consent->reason_code = "U036";
        consent->reason_text = "The customer has not authorised the consent yet.";
    }
    if (consent->status == PAYMENT_CONSENT_RJCT) {
        consent->reason_code = "CUST";
        consent->reason_text = left ? "The customer did not answer in time." : "The customer did not agree.";
    }
}

int query_payment_consent(struct query *query, const struct consent_id *consent_id, struct arena *arena,
                          struct payment_consent_view *ret_consent) {
    struct payment_consent_row probe = { 0 };
    const void *found;
    memcpy(probe.consent_id, consent_id->bytes, 16);
    int r = read_row(&query->reader, &payment_consent_table, 0, &probe, arena, &found);
    if (r) return err_trace(r);
    if (!found) return QUERY_E_ABSENT;
    const struct payment_consent_row *row = found;
    enum consent_status status = payment_consent_status_at(row, clock_now_ms()); /* uk/Q4: who did not answer said no */
    bool left = status != (enum consent_status)row->status;
    *ret_consent = (struct payment_consent_view){ .status = state_of(status),
                                                  .status_name = consent_status_name(status),
                                                  .initiation = row->initiation,
                                                  .risk = row->risk,
                                                  .document = row->document,
                                                  .amount = { .minor = row->amount_minor,
                                                              .currency = { .code = (uint32_t)row->currency } },
                                                  .creditor_name = row->creditor_name,
                                                  .creditor_scheme = row->creditor_scheme,
                                                  .creditor_identification = row->creditor_identification,
                                                  .debtor_scheme = row->debtor_scheme,
                                                  .debtor_identification = row->debtor_identification,
                                                  .created_ms = row->created_ms,
                                                  .status_ms = left ? row->asked_until_ms : row->status_ms };
    memcpy(ret_consent->consent_id.bytes, row->consent_id, 16);
    memcpy(ret_consent->client_id.bytes, row->client_id, 16);
    memcpy(ret_consent->customer_id.bytes, row->customer_id, 16);
    memcpy(ret_consent->account_id.bytes, row->account_id, 16);
    memcpy(ret_consent->payment_id.bytes, row->payment_id, 16);
    give_reason(ret_consent, left);
    return 0;
}
