/* token.c - the rows of tokens, codes, pushed requests, sessions and used jti. */
#include "services/identity/token.h"

static const struct table_index by_first_column[] = { { .name = "", .columns = { 0 }, .column_count = 1, .unique = true } };

#define TABLE(row_type, table_name, table_columns)                                                                     \
    { .service = "identity", .name = table_name, .row_bytes = sizeof(row_type), .columns = table_columns,               \
      .column_count = ARRAY_COUNT(table_columns), .indexes = by_first_column, .index_count = ARRAY_COUNT(by_first_column) }

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
    COLUMN_VAR(struct pushed_row, params, TEXT, PUSHED_PARAMS_BYTES_MAX),
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
    COLUMN(struct code_row, token_hash, HASH),
};
const struct table code_table = TABLE(struct code_row, "code", code_columns);

static const struct column session_columns[] = {
    COLUMN(struct session_row, session_hash, HASH),
    COLUMN(struct session_row, request_hash, HASH),
    COLUMN(struct session_row, customer_id, ID),
    COLUMN(struct session_row, stage, I64),
    COLUMN(struct session_row, failed_count, I64),
    COLUMN(struct session_row, created_ms, I64),
    COLUMN(struct session_row, expires_ms, I64),
};
const struct table session_table = TABLE(struct session_row, "session", session_columns);
