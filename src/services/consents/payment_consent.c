#include "services/consents/payment_consent.h"

#include "domain/approval.h"
#include "engine/engine.h"

#define X(code, name) [code] = name,
static const char *const status_names[CONSENT_STATUS_COUNT] = { CONSENT_STATUS_MAP(X) };
#undef X

static const struct column columns[] = {
    COLUMN(struct payment_consent_row, consent_id, ID),
    COLUMN(struct payment_consent_row, client_id, ID),
    COLUMN(struct payment_consent_row, customer_id, ID),
    COLUMN(struct payment_consent_row, account_id, ID),
    COLUMN(struct payment_consent_row, payment_id, ID),
    COLUMN(struct payment_consent_row, status, I64),
    COLUMN_PERSONAL(struct payment_consent_row, initiation, TEXT, CONSENT_DOCUMENT_BYTES_MAX),
    COLUMN_PERSONAL(struct payment_consent_row, risk, TEXT, CONSENT_DOCUMENT_BYTES_MAX),
    COLUMN_PERSONAL(struct payment_consent_row, document, TEXT, CONSENT_DOCUMENT_BYTES_MAX),
    COLUMN(struct payment_consent_row, currency, I64),
    COLUMN(struct payment_consent_row, amount_minor, I64),
    COLUMN_PERSONAL(struct payment_consent_row, creditor_name, TEXT, 350),
    COLUMN_VAR(struct payment_consent_row, creditor_scheme, TEXT, 64),
    COLUMN_PERSONAL(struct payment_consent_row, creditor_identification, TEXT, 256),
    COLUMN_VAR(struct payment_consent_row, debtor_scheme, TEXT, 64),
    COLUMN_PERSONAL(struct payment_consent_row, debtor_identification, TEXT, 256),
    COLUMN(struct payment_consent_row, created_ms, I64),
    COLUMN(struct payment_consent_row, status_ms, I64),
    COLUMN(struct payment_consent_row, asked_until_ms, I64),
    COLUMN(struct payment_consent_row, approval_hash, HASH),
    COLUMN(struct payment_consent_row, version, I64),
};
static const struct table_index indexes[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true },
    { .name = "customer", .columns = { 2, 0 }, .column_count = 2 },
    { .name = "client", .columns = { 1, 0 }, .column_count = 2 },
};
const struct table payment_consent_table = {
    .service = "consents",
    .name = "payment_consent",
    .row_bytes = sizeof(struct payment_consent_row),
    .columns = columns,
    .column_count = ARRAY_COUNT(columns),
    .indexes = indexes,
    .index_count = ARRAY_COUNT(indexes),
};

static const bool consent_edge[CONSENT_STATUS_COUNT][CONSENT_STATUS_COUNT] = {
    [CONSENT_AWAU] = { [CONSENT_AUTH] = true, [CONSENT_RJCT] = true }, /* payment_consent_authorise,
                                                                          payment_consent_reject */
    [CONSENT_AUTH] = { [CONSENT_COND] = true },                        /* payment_consent_consume */
};

const char *consent_status_name(enum consent_status status) {
    check(status < CONSENT_STATUS_COUNT);
    return status_names[status];
}

enum consent_status payment_consent_status_at(const struct payment_consent_row *consent, int64_t now_ms) {
    bool left = consent->asked_until_ms && now_ms >= consent->asked_until_ms;
    if (consent->status == CONSENT_AWAU && left) return CONSENT_RJCT;
    return (enum consent_status)consent->status;
}

struct hash payment_consent_approval(const struct payment_consent_row *consent, const uint8_t account_id[16]) {
    struct approval approval = { .consent_id = consent->consent_id,
                                 .accounts = str_from_bytes((const char *)account_id, 16),
                                 .amount_minor = consent->amount_minor,
                                 .currency = consent->currency,
                                 .payee_name = consent->creditor_name,
                                 .payee_scheme = consent->creditor_scheme,
                                 .payee_identification = consent->creditor_identification,
                                 .document = consent->initiation };
    return approval_hash(&approval);
}

static struct payment_consent_row probe_id(const uint8_t consent_id[16]) {
    struct payment_consent_row probe = { 0 };
    memcpy(probe.consent_id, consent_id, 16);
    return probe;
}

void payment_consent_want(struct work *work, const uint8_t consent_id[16]) {
    struct payment_consent_row probe = probe_id(consent_id);
    work_want(work, &payment_consent_table, 0, &probe);
}

int payment_consent_get(struct work *work, const uint8_t consent_id[16], const struct payment_consent_row **ret_row) {
    struct view view = view_of(work, "consents");
    struct payment_consent_row probe = probe_id(consent_id);
    const void *found;
    int r = view_get(&view, &payment_consent_table, &probe, &found);
    if (!r) *ret_row = found;
    return r;
}

int payment_consent_create(struct work *work, struct payment_consent_row *consent) {
    struct view view = view_of(work, "consents");
    view_new_id(&view, consent->consent_id);
    consent->status = CONSENT_AWAU;
    consent->created_ms = consent->status_ms = view_now_ms(&view);
    return err_trace(view_insert(&view, &payment_consent_table, consent));
}

/* The consent as it would be in status, if the edge exists. 0, PAYMENT_CONSENT_E_*, VIEW_NEED. */
static int step(struct work *work, const uint8_t consent_id[16], enum consent_status status,
                struct payment_consent_row *ret_consent) {
    struct view view = view_of(work, "consents");
    const struct payment_consent_row *old;
    int r = payment_consent_get(work, consent_id, &old);
    if (r) return r;
    if (!old) return PAYMENT_CONSENT_E_ABSENT;
    if (!consent_edge[payment_consent_status_at(old, view_now_ms(&view))][status]) return PAYMENT_CONSENT_E_STATUS;
    *ret_consent = *old;
    ret_consent->status = status;
    ret_consent->status_ms = view_now_ms(&view);
    return 0;
}

static int write_and_emit(struct work *work, const struct payment_consent_row *consent, enum event_type type) {
    struct view view = view_of(work, "consents");
    struct event event = { .type = type };
    memcpy(event.subject, consent->consent_id, 16);
    memcpy(event.consent_id.bytes, consent->consent_id, 16);
    memcpy(event.client_id.bytes, consent->client_id, 16);
    memcpy(event.customer_id.bytes, consent->customer_id, 16);
    int r = view_update(&view, &payment_consent_table, consent);
    return r ? err_trace(r) : view_event(&view, &event);
}

int payment_consent_ask(struct work *work, const uint8_t consent_id[16], int64_t until_ms) {
    struct view view = view_of(work, "consents");
    struct payment_consent_row consent;
    const struct payment_consent_row *old;
    int r = payment_consent_get(work, consent_id, &old);
    if (r) return r;
    if (!old) return PAYMENT_CONSENT_E_ABSENT;
    if (payment_consent_status_at(old, view_now_ms(&view)) != CONSENT_AWAU) return PAYMENT_CONSENT_E_STATUS;
    consent = *old;
    if (until_ms > consent.asked_until_ms) consent.asked_until_ms = until_ms;
    return err_trace(view_update(&view, &payment_consent_table, &consent));
}

int payment_consent_authorise(struct work *work, const uint8_t consent_id[16], const uint8_t customer_id[16],
                              const uint8_t account_id[16]) {
    struct payment_consent_row consent;
    int r = step(work, consent_id, CONSENT_AUTH, &consent);
    if (r) return r;
    memcpy(consent.customer_id, customer_id, 16);
    memcpy(consent.account_id, account_id, 16);
    consent.approval_hash = payment_consent_approval(&consent, account_id);
    return write_and_emit(work, &consent, EVENT_CONSENT_AUTHORISED);
}

int payment_consent_reject(struct work *work, const uint8_t consent_id[16]) {
    struct payment_consent_row consent;
    int r = step(work, consent_id, CONSENT_RJCT, &consent);
    return r ? r : write_and_emit(work, &consent, EVENT_CONSENT_REJECTED);
}

int payment_consent_consume(struct work *work, const uint8_t consent_id[16], const uint8_t payment_id[16]) {
    struct view view = view_of(work, "consents");
    struct payment_consent_row consent;
    int r = step(work, consent_id, CONSENT_COND, &consent);
    if (r) return r;
    struct hash approved = payment_consent_approval(&consent, consent.account_id);
    if (!hash_equal(&approved, &consent.approval_hash)) return PAYMENT_CONSENT_E_STATUS; /* (C4) */
    memcpy(consent.payment_id, payment_id, 16);
    return err_trace(view_update(&view, &payment_consent_table, &consent));
}
