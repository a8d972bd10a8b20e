#include "services/identity/client.h"

#define X(code, name) [code] = name,
static const char *const profile_names[CLIENT_PROFILE_COUNT] = { CLIENT_PROFILE_MAP(X) };
static const char *const sender_names[CLIENT_SENDER_COUNT] = { CLIENT_SENDER_MAP(X) };
#undef X

static const struct column columns[] = {
    COLUMN(struct client_row, client_id, ID),
    COLUMN_VAR(struct client_row, name, TEXT, CLIENT_NAME_BYTES_MAX),
    COLUMN_VAR(struct client_row, display_name, TEXT, 140),
    COLUMN(struct client_row, profile, I64),
    COLUMN(struct client_row, sender, I64),
    COLUMN(struct client_row, status, I64),
    COLUMN(struct client_row, flags, I64),
    COLUMN_VAR(struct client_row, tier, TEXT, CLIENT_NAME_BYTES_MAX),
    COLUMN_VAR(struct client_row, org_id, TEXT, CLIENT_NAME_BYTES_MAX),
    COLUMN_VAR(struct client_row, software_id, TEXT, CLIENT_NAME_BYTES_MAX),
    COLUMN_VAR(struct client_row, scope, TEXT, 512),
    COLUMN_VAR(struct client_row, redirect_uris, TEXT, CLIENT_URIS_BYTES_MAX),
    COLUMN_VAR(struct client_row, jwks, TEXT, CLIENT_JWKS_BYTES_MAX),
    COLUMN(struct client_row, created_ms, I64),
};
static const struct table_index indexes[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true },
    { .name = "name", .columns = { 1 }, .column_count = 1, .unique = true },
    { .name = "software", .columns = { 9 }, .column_count = 1, .unique = true },
};
const struct table client_table = {
    .service = "identity", .name = "client", .row_bytes = sizeof(struct client_row), .columns = columns,
    .column_count = ARRAY_COUNT(columns), .indexes = indexes, .index_count = ARRAY_COUNT(indexes),
};

const char *client_profile_name(enum client_profile profile) {
    check(profile < CLIENT_PROFILE_COUNT);
    return profile_names[profile];
}

const char *client_sender_name(enum client_sender sender) {
    check(sender < CLIENT_SENDER_COUNT);
    return sender_names[sender];
}
