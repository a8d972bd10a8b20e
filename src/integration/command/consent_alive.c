#include "integration/command/consent_alive.h"

#include "services/consents/account_consent.h"
#include "services/consents/payment_consent.h"

int consent_alive(struct work *work, const struct consent_claim *claim, bool *ret_alive) {
    struct view view = view_of(work, "consents");
    const struct account_consent_row *account;
    const struct payment_consent_row *payment;
    int r = account_consent_get(work, claim->consent_id, &account);
    int second = payment_consent_get(work, claim->consent_id, &payment);
    if (r || second) return r ? r : second;
    if (account)
        *ret_alive = account_consent_status_at(account, view_now_ms(&view)) == ACCOUNT_CONSENT_AUTH &&
                     account->status_ms <= claim->granted_ms && id_equal(account->client_id, claim->client_id) &&
                     id_equal(account->customer_id, claim->customer_id);
    else
        *ret_alive = payment && payment->status == CONSENT_AUTH && id_equal(payment->client_id, claim->client_id) &&
                     id_equal(payment->customer_id, claim->customer_id);
    return 0;
}
