/* query_tokens.c - reads of what was issued: access tokens, refresh tokens, and the consents behind them. */
#include "integration/query_int.h"

#include "services/consents/account_consent.h"
#include "services/consents/payment_consent.h"
#include "services/identity/grant.h"

static int grant_read(struct query *query, const uint8_t grant_id[16], struct arena *arena,
                      const struct grant_row **ret_grant) {
    struct grant_row probe = { 0 };
    const void *found;
    memcpy(probe.grant_id, grant_id, 16);
    int r = query_row(query, &grant_table, 0, &probe, arena, &found);
    if (!r) *ret_grant = found;
    return r;
}

/* A token whose grant is revoked is revoked; one whose grant is gone never was good for longer (services/identity). */
static int add_grant(struct query *query, const struct token_row *row, struct arena *arena, struct token_view *token) {
    const struct grant_row *grant;
    if (id_is_zero(row->grant_id)) return 0;
    int r = grant_read(query, row->grant_id, arena, &grant);
    if (r < 0) return err_trace(r);
    if (r || grant->revoked_ms) {
        if (!token->revoked_ms) token->revoked_ms = r ? row->issued_ms : grant->revoked_ms;
        return 0;
    }
    token->granted_ms = grant->granted_ms;
    token->details = grant->details;
    return 0;
}

int query_token(struct query *query, const struct hash *token_hash, struct arena *arena, struct token_view *ret_token) {
    struct token_row probe = { .token_hash = *token_hash };
    const void *found;
    int r = query_row(query, &token_table, 0, &probe, arena, &found);
    if (r) return r;
    const struct token_row *row = found;
    struct token_view token = { .scope = row->scope,
                                .certificate_hash = row->certificate_hash,
                                .key_thumbprint = row->key_thumbprint,
                                .issued_ms = row->issued_ms,
                                .expires_ms = row->expires_ms,
                                .revoked_ms = row->revoked_ms };
    memcpy(token.client_id.bytes, row->client_id, 16);
    memcpy(token.customer_id.bytes, row->customer_id, 16);
    memcpy(token.consent_id.bytes, row->consent_id, 16);
    r = add_grant(query, row, arena, &token);
    if (r) return err_trace(r);
    *ret_token = token;
    return 0;
}

int query_refresh(struct query *query, const struct hash *refresh_hash, struct arena *arena,
                  struct refresh_view *ret_refresh) {
    struct refresh_row probe = { .refresh_hash = *refresh_hash };
    const void *found;
    const struct grant_row *grant;
    int r = query_row(query, &refresh_table, 0, &probe, arena, &found);
    if (r) return r;
    const struct refresh_row *row = found;
    r = grant_read(query, row->grant_id, arena, &grant);
    if (r) return r;
    *ret_refresh =
        (struct refresh_view){ .scope = grant->scope,
                               .details = grant->details,
                               .acr = grant->acr,
                               .auth_ms = grant->auth_ms,
                               .granted_ms = grant->granted_ms,
                               .issued_ms = row->issued_ms,
                               .grant_expires_ms = grant->expires_ms,
                               .expires_ms = row->expires_ms < grant->expires_ms ? row->expires_ms : grant->expires_ms,
                               .revoked = grant->revoked_ms != 0 };
    memcpy(ret_refresh->client_id.bytes, row->client_id, 16);
    memcpy(ret_refresh->customer_id.bytes, grant->customer_id, 16);
    memcpy(ret_refresh->consent_id.bytes, grant->consent_id, 16);
    return 0;
}

/* ---- consents of either kind ---- */

static int payment_consent_read(struct query *query, const struct consent_id *consent_id, struct arena *arena,
                                struct grant_consent_view *ret_consent) {
    struct payment_consent_row probe = { 0 };
    const void *found;
    memcpy(probe.consent_id, consent_id->bytes, 16);
    int r = query_row(query, &payment_consent_table, 0, &probe, arena, &found);
    if (r) return r;
    const struct payment_consent_row *row = found;
    bool authorised = row->status == CONSENT_AUTH;
    *ret_consent = (struct grant_consent_view){ .authorised = authorised || row->status == CONSENT_COND,
                                                .refreshable = authorised,
                                                .amount = { .minor = row->amount_minor,
                                                            .currency = { .code = (uint32_t)row->currency } } };
    memcpy(ret_consent->client_id.bytes, row->client_id, 16);
    memcpy(ret_consent->customer_id.bytes, row->customer_id, 16);
    return 0;
}

int query_grant_consent(struct query *query, const struct consent_id *consent_id, int64_t now_ms, struct arena *arena,
                        struct grant_consent_view *ret_consent) {
    struct account_consent_row probe = { 0 };
    const void *found;
    memcpy(probe.consent_id, consent_id->bytes, 16);
    int r = query_row(query, &account_consent_table, 0, &probe, arena, &found);
    if (r == QUERY_E_ABSENT) return payment_consent_read(query, consent_id, arena, ret_consent);
    if (r) return r;
    const struct account_consent_row *row = found;
    bool authorised = account_consent_status_at(row, now_ms) == ACCOUNT_CONSENT_AUTH;
    *ret_consent = (struct grant_consent_view){ .accounts = true,
                                                .authorised = authorised,
                                                .refreshable = authorised,
                                                .since_ms = row->status_ms,
                                                .expires_ms = row->expires_ms };
    memcpy(ret_consent->client_id.bytes, row->client_id, 16);
    memcpy(ret_consent->customer_id.bytes, row->customer_id, 16);
    return 0;
}
