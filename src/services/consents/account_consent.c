#include "services/consents/account_consent.h"

#include "domain/approval.h"
#include "engine/engine.h"

#define X(code, name) [code] = name,
static const char *const status_names[ACCOUNT_CONSENT_STATUS_COUNT] = { ACCOUNT_CONSENT_STATUS_MAP(X) };
#undef X

static const struct column columns[] = {
    COLUMN(struct account_consent_row, consent_id, ID),
    COLUMN(struct account_consent_row, client_id, ID),
    COLUMN(struct account_consent_row, customer_id, ID),
    COLUMN(struct account_consent_row, status, I64),
    COLUMN(struct account_consent_row, permissions, I64),
    COLUMN(struct account_consent_row, expires_ms, I64),
    COLUMN(struct account_consent_row, from_ms, I64),
    COLUMN(struct account_consent_row, to_ms, I64),
    COLUMN_VAR(struct account_consent_row, accounts, BLOB, ACCOUNT_CONSENT_ACCOUNTS_MAX * 16),
    COLUMN_VAR(struct account_consent_row, document, TEXT, ACCOUNT_CONSENT_DOCUMENT_BYTES_MAX),
    COLUMN(struct account_consent_row, created_ms, I64),
    COLUMN(struct account_consent_row, status_ms, I64),
    COLUMN(struct account_consent_row, asked_until_ms, I64),
    COLUMN(struct account_consent_row, approval_hash, HASH),
    COLUMN(struct account_consent_row, renewal_ms, I64),
    COLUMN(struct account_consent_row, demanded, I64),
};
static const struct table_index indexes[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true },
    { .name = "customer", .columns = { 2, 0 }, .column_count = 2 },
    { .name = "client", .columns = { 1, 0 }, .column_count = 2 },
};
const struct table account_consent_table = {
    .service = "consents",
    .name = "account_consent",
    .row_bytes = sizeof(struct account_consent_row),
    .columns = columns,
    .column_count = ARRAY_COUNT(columns),
    .indexes = indexes,
    .index_count = ARRAY_COUNT(indexes),
};

/* [from][to]: the functions named in the header. */
static const bool consent_edge[ACCOUNT_CONSENT_STATUS_COUNT][ACCOUNT_CONSENT_STATUS_COUNT] = {
    [ACCOUNT_CONSENT_AWAU] = { [ACCOUNT_CONSENT_AUTH] = true,
                               [ACCOUNT_CONSENT_RJCT] = true,
                               [ACCOUNT_CONSENT_DELETED] = true },
    [ACCOUNT_CONSENT_AUTH] = { [ACCOUNT_CONSENT_AUTH] = true,
                               [ACCOUNT_CONSENT_CANC] = true,
                               [ACCOUNT_CONSENT_DELETED] = true },
    [ACCOUNT_CONSENT_RJCT] = { [ACCOUNT_CONSENT_DELETED] = true },
    [ACCOUNT_CONSENT_CANC] = { [ACCOUNT_CONSENT_AUTH] = true, [ACCOUNT_CONSENT_DELETED] = true },
    [ACCOUNT_CONSENT_EXPD] = { [ACCOUNT_CONSENT_DELETED] = true },
};

const char *account_consent_status_name(enum account_consent_status status) {
    check(status < ACCOUNT_CONSENT_STATUS_COUNT);
    return status_names[status];
}

enum account_consent_status account_consent_status_at(const struct account_consent_row *consent, int64_t now_ms) {
    bool over = consent->expires_ms && now_ms >= consent->expires_ms;
    if (consent->status == ACCOUNT_CONSENT_AUTH && over) return ACCOUNT_CONSENT_EXPD;
    bool old = consent->renewal_ms && now_ms - consent->status_ms >= consent->renewal_ms;
    if (consent->status == ACCOUNT_CONSENT_AUTH && old) return ACCOUNT_CONSENT_CANC;
    bool left = consent->asked_until_ms && now_ms >= consent->asked_until_ms;
    if (consent->status == ACCOUNT_CONSENT_AWAU && left) return ACCOUNT_CONSENT_RJCT;
    return (enum account_consent_status)consent->status;
}

bool account_consent_wants_authentication(const struct account_consent_row *consent, int64_t now_ms) {
    if (account_consent_status_at(consent, now_ms) != ACCOUNT_CONSENT_CANC) return false;
    return consent->status == ACCOUNT_CONSENT_AUTH || consent->demanded;
}

bool account_consent_has_account(const struct account_consent_row *consent, const uint8_t account_id[16]) {
    for (size_t at = 0; at + 16 <= consent->accounts.len; at += 16)
        if (memcmp(consent->accounts.at + at, account_id, 16) == 0) return true;
    return false;
}

static struct account_consent_row probe_id(const uint8_t consent_id[16]) {
    struct account_consent_row probe = { 0 };
    memcpy(probe.consent_id, consent_id, 16);
    return probe;
}

void account_consent_want(struct work *work, const uint8_t consent_id[16]) {
    struct account_consent_row probe = probe_id(consent_id);
    work_want(work, &account_consent_table, 0, &probe);
}

int account_consent_get(struct work *work, const uint8_t consent_id[16], const struct account_consent_row **ret_row) {
    struct view view = view_of(work, "consents");
    struct account_consent_row probe = probe_id(consent_id);
    const void *found;
    int r = view_get(&view, &account_consent_table, &probe, &found);
    if (!r) *ret_row = found;
    return r;
}

int account_consent_create(struct work *work, struct account_consent_row *consent) {
    struct view view = view_of(work, "consents");
    view_new_id(&view, consent->consent_id);
    consent->status = ACCOUNT_CONSENT_AWAU;
    consent->created_ms = consent->status_ms = view_now_ms(&view);
    return err_trace(view_insert(&view, &account_consent_table, consent));
}

/* The consent as it would be in status, if the edge exists. 0, ACCOUNT_CONSENT_E_*, VIEW_NEED. */
static int step(struct work *work, const uint8_t consent_id[16], enum account_consent_status status,
                struct account_consent_row *ret_consent) {
    struct view view = view_of(work, "consents");
    const struct account_consent_row *old;
    int r = account_consent_get(work, consent_id, &old);
    if (r) return r;
    if (!old) return ACCOUNT_CONSENT_E_ABSENT;
    if (!consent_edge[account_consent_status_at(old, view_now_ms(&view))][status]) return ACCOUNT_CONSENT_E_STATUS;
    *ret_consent = *old;
    ret_consent->status = status;
    ret_consent->status_ms = view_now_ms(&view);
    return 0;
}

static int write_and_emit(struct work *work, const struct account_consent_row *consent, enum event_type type) {
    struct view view = view_of(work, "consents");
    struct event event = { .type = type };
    memcpy(event.subject, consent->consent_id, 16);
    memcpy(event.consent_id.bytes, consent->consent_id, 16);
    memcpy(event.client_id.bytes, consent->client_id, 16);
    memcpy(event.customer_id.bytes, consent->customer_id, 16);
    int r = view_update(&view, &account_consent_table, consent);
    return r ? err_trace(r) : view_event(&view, &event);
}

struct hash account_consent_approval(const struct account_consent_row *consent, struct str accounts) {
    struct approval approval = { .consent_id = consent->consent_id,
                                 .accounts = accounts,
                                 .document = consent->document,
                                 .expires_ms = consent->expires_ms };
    return approval_hash(&approval);
}

int account_consent_ask(struct work *work, const uint8_t consent_id[16], int64_t until_ms) {
    struct view view = view_of(work, "consents");
    struct account_consent_row consent;
    const struct account_consent_row *old;
    int r = account_consent_get(work, consent_id, &old);
    if (r) return r;
    if (!old) return ACCOUNT_CONSENT_E_ABSENT;
    enum account_consent_status status = account_consent_status_at(old, view_now_ms(&view));
    if (status == ACCOUNT_CONSENT_AUTH || status == ACCOUNT_CONSENT_CANC) return 0;
    if (status != ACCOUNT_CONSENT_AWAU) return ACCOUNT_CONSENT_E_STATUS;
    consent = *old;
    if (until_ms > consent.asked_until_ms) consent.asked_until_ms = until_ms;
    return err_trace(view_update(&view, &account_consent_table, &consent));
}

int account_consent_authorise(struct work *work, const uint8_t consent_id[16], const uint8_t customer_id[16],
                              struct str accounts) {
    struct account_consent_row consent;
    check(accounts.len && accounts.len % 16 == 0 && accounts.len <= ACCOUNT_CONSENT_ACCOUNTS_MAX * 16);
    int r = step(work, consent_id, ACCOUNT_CONSENT_AUTH, &consent);
    if (r) return r;
    if (!id_is_zero(consent.customer_id) && !id_equal(consent.customer_id, customer_id))
        return ACCOUNT_CONSENT_E_STATUS;
    struct view view = view_of(work, "consents");
    if (consent.expires_ms && view_now_ms(&view) >= consent.expires_ms) return ACCOUNT_CONSENT_E_STATUS;
    memcpy(consent.customer_id, customer_id, 16);
    consent.demanded = 0;
    consent.accounts = accounts;
    consent.approval_hash = account_consent_approval(&consent, accounts);
    return write_and_emit(work, &consent, EVENT_CONSENT_AUTHORISED);
}

int account_consent_reject(struct work *work, const uint8_t consent_id[16]) {
    struct account_consent_row consent;
    int r = step(work, consent_id, ACCOUNT_CONSENT_RJCT, &consent);
    return r ? r : write_and_emit(work, &consent, EVENT_CONSENT_REJECTED);
}

int account_consent_cancel(struct work *work, const uint8_t consent_id[16]) {
    struct account_consent_row consent;
    int r = step(work, consent_id, ACCOUNT_CONSENT_CANC, &consent);
    return r ? r : write_and_emit(work, &consent, EVENT_CONSENT_REVOKED);
}

int account_consent_demand_authentication(struct work *work, const uint8_t consent_id[16]) {
    struct account_consent_row consent;
    int r = step(work, consent_id, ACCOUNT_CONSENT_CANC, &consent);
    if (r) return r;
    consent.demanded = 1;
    return write_and_emit(work, &consent, EVENT_CONSENT_REVOKED);
}

int account_consent_delete(struct work *work, const uint8_t consent_id[16]) {
    struct view view = view_of(work, "consents");
    const struct account_consent_row *old;
    struct account_consent_row consent;
    int r = account_consent_get(work, consent_id, &old);
    if (!r) r = step(work, consent_id, ACCOUNT_CONSENT_DELETED, &consent);
    if (r) return r;
    if (old->status == ACCOUNT_CONSENT_AUTH) return write_and_emit(work, &consent, EVENT_CONSENT_REVOKED);
    return err_trace(view_update(&view, &account_consent_table, &consent));
}

/* The accounts without one, in the batch's memory. */
static int without(struct view *view, struct str accounts, const uint8_t account_id[16], struct str *ret_accounts) {
    char *kept = arena_alloc(view_arena(view), accounts.len);
    size_t len = 0;
    if (!kept) return err_origin(-ENOMEM);
    for (size_t at = 0; at + 16 <= accounts.len; at += 16) {
        if (memcmp(accounts.at + at, account_id, 16) == 0) continue;
        memcpy(kept + len, accounts.at + at, 16);
        len += 16;
    }
    *ret_accounts = str_from_bytes(kept, len);
    return 0;
}

int account_consent_remove_account(struct work *work, const uint8_t consent_id[16], const uint8_t account_id[16]) {
    struct view view = view_of(work, "consents");
    struct account_consent_row consent;
    int r = step(work, consent_id, ACCOUNT_CONSENT_AUTH, &consent);
    if (r) return r;
    const struct account_consent_row *old;
    r = account_consent_get(work, consent_id, &old);
    if (r) return r;
    if (old->status != ACCOUNT_CONSENT_AUTH || !account_consent_has_account(old, account_id))
        return ACCOUNT_CONSENT_E_STATUS;
    if (old->accounts.len == 16) return account_consent_cancel(work, consent_id);
    consent.status_ms = old->status_ms; /* (A5): what was given for the others lives on (uk/Q9) */
    r = without(&view, old->accounts, account_id, &consent.accounts);
    return r ? err_trace(r) : err_trace(view_update(&view, &account_consent_table, &consent));
}
