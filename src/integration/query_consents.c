/* query_consents.c - consents as layer 1 sees them. */
#include "integration/query_int.h"

#include "platform/clock.h"
#include "services/consents/account_consent.h"
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
                                                  .status_ms = left ? row->asked_until_ms : row->status_ms,
                                                  .version = row->version };
    memcpy(ret_consent->consent_id.bytes, row->consent_id, 16);
    memcpy(ret_consent->client_id.bytes, row->client_id, 16);
    memcpy(ret_consent->customer_id.bytes, row->customer_id, 16);
    memcpy(ret_consent->account_id.bytes, row->account_id, 16);
    memcpy(ret_consent->payment_id.bytes, row->payment_id, 16);
    give_reason(ret_consent, left);
    return 0;
}

/* ---- account consents ---- */

#define SAME_STATUS(status)                                                                                            \
    static_assert((int)ACCOUNT_ACCESS_##status == (int)ACCOUNT_CONSENT_##status, "statuses are told by number")
SAME_STATUS(AWAU);
SAME_STATUS(AUTH);
SAME_STATUS(RJCT);
SAME_STATUS(CANC);
SAME_STATUS(EXPD);
SAME_STATUS(DELETED);

/* 0, QUERY_E_ABSENT, <0. */
static int account_consent_row_of(struct query *query, const struct consent_id *consent_id, struct arena *arena,
                                  const struct account_consent_row **ret_row) {
    struct account_consent_row probe = { 0 };
    const void *found;
    memcpy(probe.consent_id, consent_id->bytes, 16);
    int r = query_row(query, &account_consent_table, 0, &probe, arena, &found);
    if (!r) *ret_row = found;
    return r;
}

/* When it came to be so: what is judged by the clock, at the moment that the clock said. */
static int64_t since_ms(const struct account_consent_row *row, enum account_consent_status status) {
    if (status == (enum account_consent_status)row->status) return row->status_ms;
    if (status == ACCOUNT_CONSENT_CANC) return row->status_ms + row->renewal_ms;
    return status == ACCOUNT_CONSENT_RJCT ? row->asked_until_ms : row->expires_ms;
}

int query_account_consent(struct query *query, const struct consent_id *consent_id, int64_t now_ms, struct arena *arena,
                          struct account_consent_view *ret_consent) {
    const struct account_consent_row *row;
    int r = account_consent_row_of(query, consent_id, arena, &row);
    if (r) return r;
    enum account_consent_status status = account_consent_status_at(row, now_ms);
    size_t count = row->accounts.len / sizeof(struct account_id);
    struct account_id *accounts = arena_new_array(arena, struct account_id, count + 1);
    if (!accounts) return err_origin(-ENOMEM);
    if (count) memcpy(accounts, row->accounts.at, count * sizeof *accounts);
    *ret_consent = (struct account_consent_view){
        .status = (enum account_consent_state)status,
        .status_name = account_consent_status_name(status),
        .permissions = row->permissions,
        .expires_ms = row->expires_ms,
        .from_ms = row->from_ms,
        .to_ms = row->to_ms,
        .accounts = accounts,
        .account_count = count,
        .document = row->document,
        .created_ms = row->created_ms,
        .status_ms = since_ms(row, status),
        .wants_authentication = account_consent_wants_authentication(row, now_ms),
    };
    memcpy(ret_consent->consent_id.bytes, row->consent_id, 16);
    memcpy(ret_consent->client_id.bytes, row->client_id, 16);
    memcpy(ret_consent->customer_id.bytes, row->customer_id, 16);
    return 0;
}

/* ---- of either kind ---- */

int query_consent(struct query *query, const struct consent_id *consent_id, struct arena *arena,
                  struct consent_view *ret_consent) {
    struct payment_consent_row probe = { 0 };
    const struct account_consent_row *account;
    const void *found;
    memcpy(probe.consent_id, consent_id->bytes, 16);
    int r = query_row(query, &payment_consent_table, 0, &probe, arena, &found);
    if (r == 0) {
        const struct payment_consent_row *payment = found;
        ret_consent->kind = CONSENT_TO_PAYMENT;
        memcpy(ret_consent->client_id.bytes, payment->client_id, 16);
        memcpy(ret_consent->customer_id.bytes, payment->customer_id, 16);
        return 0;
    }
    if (r == QUERY_E_ABSENT) r = account_consent_row_of(query, consent_id, arena, &account);
    if (r) return r;
    ret_consent->kind = CONSENT_TO_ACCOUNTS;
    memcpy(ret_consent->client_id.bytes, account->client_id, 16);
    memcpy(ret_consent->customer_id.bytes, account->customer_id, 16);
    return 0;
}
