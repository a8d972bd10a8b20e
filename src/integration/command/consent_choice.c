#include "integration/command/consent_choice.h"

#include "engine/engine.h"
#include "integration/command.h"
#include "integration/query.h"
#include "services/accounts/account.h"
#include "services/consents/account_consent.h"
#include "services/consents/payment_consent.h"

static_assert((int)AUTHORIZE_ACCOUNTS_MAX <= (int)ACCOUNT_CONSENT_ACCOUNTS_MAX, "what is chosen can be kept");

enum { ACCOUNT_ID_BYTES = 16 };

/* One of the two is there, or neither. */
struct consent_found {
    const struct payment_consent_row *payment;
    const struct account_consent_row *reads;
};

static int consent_find(struct work *work, const uint8_t consent_id[16], struct consent_found *ret_found) {
    int r = payment_consent_get(work, consent_id, &ret_found->payment);
    int second = account_consent_get(work, consent_id, &ret_found->reads);
    return r ? r : second;
}

static const uint8_t *account_at(struct str accounts, size_t index) {
    return (const uint8_t *)accounts.at + index * ACCOUNT_ID_BYTES;
}

static size_t account_count(struct str accounts) {
    return accounts.len / ACCOUNT_ID_BYTES;
}

static bool is_chosen_before(struct str accounts, size_t index) {
    for (size_t i = 0; i < index; i++)
        if (id_equal(account_at(accounts, i), account_at(accounts, index))) return true;
    return false;
}

/* All are asked for before the first is judged, so that they come with one load. */
static int load_accounts(struct work *work, struct str accounts) {
    const struct account_row *account;
    int need = 0;
    for (size_t i = 0; i < account_count(accounts); i++) {
        int r = account_get(work, account_at(accounts, i), &account);
        if (r < 0) return err_trace(r);
        if (r) need = r;
    }
    return need;
}

/* The customer's own, open, each once. */
static int judge_accounts(struct work *work, const uint8_t customer_id[16], struct str accounts) {
    const struct account_row *account;
    for (size_t i = 0; i < account_count(accounts); i++) {
        int r = account_get(work, account_at(accounts, i), &account);
        if (r) return r;
        if (!account || !id_equal(account->customer_id, customer_id) || account->status != ACCOUNT_OPEN ||
            is_chosen_before(accounts, i))
            return AUTHORIZE_E_ACCOUNT;
    }
    return 0;
}

/* The one account of a payment; it was judged to be there. */
static int judge_payment(struct work *work, const struct payment_consent_row *consent, struct str accounts) {
    const struct account_row *account;
    struct view now = view_of(work, "consents");
    if (payment_consent_status_at(consent, view_now_ms(&now)) != CONSENT_AWAU) return AUTHORIZE_E_CONSENT;
    if (account_count(accounts) != 1) return AUTHORIZE_E_ACCOUNT;
    int r = account_get(work, account_at(accounts, 0), &account);
    if (r) return r;
    struct account_view view = { .iban = account->iban,
                                 .sort_code = account->sort_code,
                                 .account_number = account->account_number };
    if (account->currency != consent->currency) return AUTHORIZE_E_ACCOUNT;
    bool named = consent->debtor_identification.len == 0 ||
                 account_view_is_named(&view, consent->debtor_scheme, consent->debtor_identification);
    return named ? 0 : AUTHORIZE_E_ACCOUNT;
}

static int judge_reads(struct work *work, const struct account_consent_row *consent, const uint8_t customer_id[16]) {
    struct view view = view_of(work, "consents");
    enum account_consent_status status = account_consent_status_at(consent, view_now_ms(&view));
    bool over = consent->expires_ms && view_now_ms(&view) >= consent->expires_ms;
    bool anew = status == ACCOUNT_CONSENT_AUTH || status == ACCOUNT_CONSENT_CANC;
    if (over || (status != ACCOUNT_CONSENT_AWAU && !anew)) return AUTHORIZE_E_CONSENT;
    return anew && !id_equal(consent->customer_id, customer_id) ? AUTHORIZE_E_CONSENT : 0;
}

static int judge(struct work *work, const struct consent_found *found, const uint8_t customer_id[16],
                 struct str accounts) {
    if (!found->payment && !found->reads) return AUTHORIZE_E_CONSENT;
    if (id_is_zero(customer_id) || accounts.len == 0 || accounts.len % ACCOUNT_ID_BYTES ||
        account_count(accounts) > AUTHORIZE_ACCOUNTS_MAX)
        return AUTHORIZE_E_ACCOUNT;
    int r = judge_accounts(work, customer_id, accounts);
    if (r) return r;
    return found->payment ? judge_payment(work, found->payment, accounts)
                          : judge_reads(work, found->reads, customer_id);
}

int consent_choice_judge(struct work *work, const uint8_t consent_id[16], const uint8_t customer_id[16],
                         struct str accounts) {
    struct consent_found found = { 0 };
    int r = consent_find(work, consent_id, &found);
    int second = accounts.len > AUTHORIZE_ACCOUNTS_MAX * ACCOUNT_ID_BYTES ? 0 : load_accounts(work, accounts);
    if (r || second) return r ? r : second;
    return judge(work, &found, customer_id, accounts);
}

int consent_choice_ask(struct work *work, const uint8_t consent_id[16], int64_t until_ms) {
    struct consent_found found = { 0 };
    int r = consent_find(work, consent_id, &found);
    if (r) return r;
    if (!found.payment && !found.reads) return AUTHORIZE_E_CONSENT;
    r = found.payment ? payment_consent_ask(work, consent_id, until_ms)
                      : account_consent_ask(work, consent_id, until_ms);
    return r > 0 && r != VIEW_NEED ? AUTHORIZE_E_CONSENT : r;
}

int consent_choice_approval(struct work *work, const uint8_t consent_id[16], struct str accounts,
                            struct hash *ret_hash) {
    struct consent_found found = { 0 };
    int r = consent_find(work, consent_id, &found);
    if (r) return r;
    if (!found.payment && !found.reads) return AUTHORIZE_E_CONSENT;
    if (account_count(accounts) == 0) return AUTHORIZE_E_ACCOUNT;
    *ret_hash = found.payment ? payment_consent_approval(found.payment, account_at(accounts, 0))
                              : account_consent_approval(found.reads, accounts);
    return 0;
}

int consent_choice_authorise(struct work *work, const uint8_t consent_id[16], const uint8_t customer_id[16],
                             struct str accounts) {
    struct consent_found found = { 0 };
    int r = consent_choice_judge(work, consent_id, customer_id, accounts);
    if (!r) r = consent_find(work, consent_id, &found);
    if (r) return r;
    r = found.payment ? payment_consent_authorise(work, consent_id, customer_id, account_at(accounts, 0))
                      : account_consent_authorise(work, consent_id, customer_id, accounts);
    if (r > 0 && r != VIEW_NEED) return AUTHORIZE_E_CONSENT;
    return r;
}

int consent_choice_reject(struct work *work, const uint8_t consent_id[16]) {
    struct consent_found found = { 0 };
    int r = consent_find(work, consent_id, &found);
    if (r) return r;
    if (found.payment) r = payment_consent_reject(work, consent_id);
    else if (found.reads) r = account_consent_reject(work, consent_id);
    return r > 0 && r != VIEW_NEED ? 0 : r;
}
