/* token.c - the rows of tokens, codes, pushed requests and used jti, and what may become of them. */
#include "services/identity/token.h"

#include "engine/engine.h"
#include "services/identity/grant.h"

static const struct table_index by_first_column[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true }
};

#define TABLE(row_type, table_name, table_columns)                                                                     \
    {                                                                                                                  \
        .service = "identity", .name = table_name, .row_bytes = sizeof(row_type), .columns = table_columns,            \
        .column_count = ARRAY_COUNT(table_columns), .indexes = by_first_column,                                        \
        .index_count = ARRAY_COUNT(by_first_column)                                                                    \
    }

static const struct column token_columns[] = {
    COLUMN(struct token_row, token_hash, HASH),
    COLUMN(struct token_row, client_id, ID),
    COLUMN(struct token_row, customer_id, ID),
    COLUMN(struct token_row, consent_id, ID),
    COLUMN_VAR(struct token_row, scope, TEXT, TOKEN_SCOPE_BYTES_MAX),
    COLUMN(struct token_row, certificate_hash, HASH),
    COLUMN(struct token_row, issued_ms, I64),
    COLUMN(struct token_row, expires_ms, I64),
    COLUMN(struct token_row, revoked_ms, I64),
    COLUMN(struct token_row, key_thumbprint, HASH),
    COLUMN(struct token_row, grant_id, ID),
};
const struct table token_table = TABLE(struct token_row, "token", token_columns);

static const struct column jti_columns[] = {
    COLUMN(struct jti_row, key, ID),
    COLUMN(struct jti_row, expires_ms, I64),
};
const struct table jti_table = TABLE(struct jti_row, "jti", jti_columns);

static const struct column pushed_columns[] = {
    COLUMN(struct pushed_row, request_hash, HASH),
    COLUMN(struct pushed_row, client_id, ID),
    COLUMN(struct pushed_row, consent_id, ID),
    COLUMN_PERSONAL(struct pushed_row, params, TEXT, PUSHED_PARAMS_BYTES_MAX),
    COLUMN(struct pushed_row, created_ms, I64),
    COLUMN(struct pushed_row, expires_ms, I64),
    COLUMN(struct pushed_row, used_ms, I64),
};
const struct table pushed_table = TABLE(struct pushed_row, "pushed", pushed_columns);

static const struct column code_columns[] = {
    COLUMN(struct code_row, code_hash, HASH),
    COLUMN(struct code_row, client_id, ID),
    COLUMN(struct code_row, customer_id, ID),
    COLUMN(struct code_row, consent_id, ID),
    COLUMN_VAR(struct code_row, scope, TEXT, TOKEN_SCOPE_BYTES_MAX),
    COLUMN_VAR(struct code_row, redirect_uri, TEXT, 2048),
    COLUMN_VAR(struct code_row, code_challenge, TEXT, 128),
    COLUMN_VAR(struct code_row, nonce, TEXT, TOKEN_NONCE_BYTES_MAX),
    COLUMN_VAR(struct code_row, acr, TEXT, 128),
    COLUMN(struct code_row, auth_ms, I64),
    COLUMN(struct code_row, issued_ms, I64),
    COLUMN(struct code_row, expires_ms, I64),
    COLUMN(struct code_row, used_ms, I64),
    COLUMN(struct code_row, grant_id, ID),
    COLUMN(struct code_row, key_thumbprint, HASH),
    COLUMN_VAR(struct code_row, details, TEXT, TOKEN_DETAILS_BYTES_MAX),
};
const struct table code_table = TABLE(struct code_row, "code", code_columns);

/* ---- jti ---- */

void jti_key(const uint8_t client_id[16], struct str jti, uint8_t ret_key[16]) {
    struct hash inner = sha256_str(jti); /* hashed first: a fixed length behind the client */
    uint8_t both[16 + sizeof inner.bytes];
    memcpy(both, client_id, 16);
    memcpy(both + 16, inner.bytes, sizeof inner.bytes);
    struct hash outer = sha256(both, sizeof both);
    memcpy(ret_key, outer.bytes, 16);
}

void jti_want(struct work *work, const struct jti_row *jti) {
    work_want(work, &jti_table, 0, jti);
}

int jti_spend(struct work *work, const struct jti_row *jti) {
    struct view view = view_of(work, "identity");
    const void *found;
    int r = view_get(&view, &jti_table, jti, &found);
    if (r) return r;
    return found ? TOKEN_E_JTI_USED : err_trace(view_insert(&view, &jti_table, jti));
}

/* ---- tokens ---- */

int token_issue(struct work *work, struct token_row *token, int64_t life_ms) {
    struct view view = view_of(work, "identity");
    token->issued_ms = view_now_ms(&view);
    token->expires_ms = token->issued_ms + life_ms;
    return err_trace(view_insert(&view, &token_table, token));
}

int token_revoke(struct work *work, const struct hash *token_hash, const uint8_t client_id[16]) {
    struct view view = view_of(work, "identity");
    struct token_row probe = { .token_hash = *token_hash };
    const void *found;
    int r = view_get(&view, &token_table, &probe, &found);
    if (r) return r;
    if (!found) return TOKEN_E_ABSENT;
    struct token_row token = *(const struct token_row *)found;
    if (!id_equal(token.client_id, client_id)) return TOKEN_E_CLIENT;
    if (token.revoked_ms) return 0;
    token.revoked_ms = view_now_ms(&view);
    return err_trace(view_update(&view, &token_table, &token));
}

/* ---- pushed requests ---- */

int pushed_store(struct work *work, struct pushed_row *pushed, int64_t life_ms) {
    struct view view = view_of(work, "identity");
    pushed->created_ms = view_now_ms(&view);
    pushed->expires_ms = pushed->created_ms + life_ms;
    return err_trace(view_insert(&view, &pushed_table, pushed));
}

void pushed_want(struct work *work, const struct hash *request_hash) {
    struct pushed_row probe = { .request_hash = *request_hash };
    work_want(work, &pushed_table, 0, &probe);
}

int pushed_judge(struct work *work, const struct hash *request_hash, const uint8_t client_id[16],
                 const struct pushed_row **ret_pushed) {
    struct view view = view_of(work, "identity");
    struct pushed_row probe = { .request_hash = *request_hash };
    const void *found;
    int r = view_get(&view, &pushed_table, &probe, &found);
    if (r) return r;
    const struct pushed_row *pushed = found;
    if (!pushed) return TOKEN_E_ABSENT;
    if (!id_equal(pushed->client_id, client_id)) return TOKEN_E_CLIENT;
    if (pushed->used_ms) return TOKEN_E_USED;
    *ret_pushed = pushed;
    return 0;
}

int pushed_consume(struct work *work, const struct hash *request_hash, const uint8_t client_id[16]) {
    struct view view = view_of(work, "identity");
    const struct pushed_row *pushed;
    int r = pushed_judge(work, request_hash, client_id, &pushed);
    if (r) return r;
    struct pushed_row used = *pushed;
    used.used_ms = view_now_ms(&view);
    return err_trace(view_update(&view, &pushed_table, &used));
}

/* ---- codes ---- */

int code_issue(struct work *work, struct code_row *code, int64_t life_ms) {
    struct view view = view_of(work, "identity");
    code->issued_ms = view_now_ms(&view);
    code->expires_ms = code->issued_ms + life_ms;
    return err_trace(view_insert(&view, &code_table, code));
}

void code_want(struct work *work, const struct hash *code_hash) {
    struct code_row probe = { .code_hash = *code_hash };
    work_want(work, &code_table, 0, &probe);
}

/* Another client learns nothing and breaks nothing; the right client with a used code loses the token. */
static int code_judge(const struct code_row *code, const struct code_claim *claim, int64_t now_ms) {
    if (!code) return TOKEN_E_ABSENT;
    if (!id_equal(code->client_id, claim->client_id)) return TOKEN_E_CLIENT;
    if (code->used_ms) return TOKEN_E_USED;
    if (now_ms >= code->expires_ms) return TOKEN_E_EXPIRED;
    if (!str_equal(code->redirect_uri, claim->redirect_uri)) return TOKEN_E_REDIRECT;
    if (code->code_challenge.len != claim->code_challenge.len ||
        !bytes_equal_constant_time(code->code_challenge.at, claim->code_challenge.at, claim->code_challenge.len))
        return TOKEN_E_CHALLENGE;
    static const struct hash none;
    bool bound = !hash_equal(&code->key_thumbprint, &none);
    return bound && !hash_equal(&code->key_thumbprint, &claim->key_thumbprint) ? TOKEN_E_KEY : 0;
}

int code_exchange(struct work *work, const struct code_claim *claim, struct code_row *ret_code) {
    struct view view = view_of(work, "identity");
    struct code_row probe = { .code_hash = claim->code_hash };
    const void *found;
    int r = view_get(&view, &code_table, &probe, &found);
    if (r) return r;
    const struct code_row *code = found;
    int verdict = code_judge(code, claim, view_now_ms(&view));
    if (verdict == TOKEN_E_USED) {
        r = grant_revoke(work, code->grant_id);
        return r && r != TOKEN_E_ABSENT ? r : verdict;
    }
    if (verdict) return verdict;
    struct code_row used = *code;
    used.used_ms = view_now_ms(&view);
    view_new_id(&view, used.grant_id);
    *ret_code = used;
    return err_trace(view_update(&view, &code_table, &used));
}
