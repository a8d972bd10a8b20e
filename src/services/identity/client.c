#include "services/identity/client.h"

#include "engine/engine.h"

#define X(code, name) [code] = name,
static const char *const profile_names[CLIENT_PROFILE_COUNT] = { CLIENT_PROFILE_MAP(X) };
static const char *const sender_names[CLIENT_SENDER_COUNT] = { CLIENT_SENDER_MAP(X) };
static const char *const auth_names[CLIENT_AUTH_COUNT] = { CLIENT_AUTH_MAP(X) };
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
    COLUMN(struct client_row, auth, I64),
    COLUMN_VAR(struct client_row, jwks_uri, TEXT, CLIENT_URL_BYTES_MAX),
    COLUMN_VAR(struct client_row, tls_subject, TEXT, CLIENT_SUBJECT_BYTES_MAX),
    COLUMN_VAR(struct client_row, directory, TEXT, CLIENT_NAME_BYTES_MAX),
    COLUMN_VAR(struct client_row, roles, TEXT, CLIENT_ROLES_BYTES_MAX),
    COLUMN_VAR(struct client_row, addresses, TEXT, CLIENT_ADDRESSES_BYTES_MAX),
    COLUMN(struct client_row, requests_per_second, I64),
    COLUMN(struct client_row, burst, I64),
    COLUMN(struct client_row, daily_limit, I64),
    COLUMN_VAR(struct client_row, metadata, TEXT, CLIENT_METADATA_BYTES_MAX),
    COLUMN(struct client_row, registration_hash, HASH),
};
static const struct table_index indexes[] = {
    { .name = "", .columns = { 0 }, .column_count = 1, .unique = true },
    { .name = "name", .columns = { 1 }, .column_count = 1, .unique = true },
    { .name = "software", .columns = { 9 }, .column_count = 1, .unique = true },
};
const struct table client_table = {
    .service = "identity",
    .name = "client",
    .row_bytes = sizeof(struct client_row),
    .columns = columns,
    .column_count = ARRAY_COUNT(columns),
    .indexes = indexes,
    .index_count = ARRAY_COUNT(indexes),
};

const char *client_profile_name(enum client_profile profile) {
    check(profile < CLIENT_PROFILE_COUNT);
    return profile_names[profile];
}

const char *client_sender_name(enum client_sender sender) {
    check(sender < CLIENT_SENDER_COUNT);
    return sender_names[sender];
}

const char *client_auth_name(enum client_auth auth) {
    check(auth < CLIENT_AUTH_COUNT);
    return auth_names[auth];
}

int client_register(struct work *work, struct client_row *client) {
    struct view view = view_of(work, "identity");
    const void *by_name, *by_software;
    int r = view_find(&view, &client_table, CLIENT_INDEX_NAME, client, &by_name);
    int second = view_find(&view, &client_table, CLIENT_INDEX_SOFTWARE, client, &by_software);
    if (r || second) return r ? r : second;
    if (by_name || by_software) return CLIENT_E_EXISTS;
    view_new_id(&view, client->client_id);
    client->status = CLIENT_ACTIVE;
    client->created_ms = view_now_ms(&view);
    return err_trace(view_insert(&view, &client_table, client));
}

static struct client_row probe_id(const uint8_t client_id[16]) {
    struct client_row probe = { 0 };
    memcpy(probe.client_id, client_id, 16);
    return probe;
}

void client_want(struct work *work, const uint8_t client_id[16]) {
    struct client_row probe = probe_id(client_id);
    work_want(work, &client_table, 0, &probe);
}

int client_get(struct work *work, const uint8_t client_id[16], const struct client_row **ret_row) {
    struct view view = view_of(work, "identity");
    struct client_row probe = probe_id(client_id);
    const void *found;
    int r = view_get(&view, &client_table, &probe, &found);
    if (!r) *ret_row = found;
    return r;
}

int client_change(struct work *work, const struct client_row *client) {
    struct view view = view_of(work, "identity");
    const struct client_row *old;
    int r = client_get(work, client->client_id, &old);
    if (r) return r;
    if (!old) return CLIENT_E_ABSENT;
    struct client_row row = *client;
    row.name = old->name;
    row.software_id = old->software_id;
    row.created_ms = old->created_ms;
    return err_trace(view_update(&view, &client_table, &row));
}

int client_remove(struct work *work, const uint8_t client_id[16]) {
    struct view view = view_of(work, "identity");
    const struct client_row *old;
    int r = client_get(work, client_id, &old);
    if (r) return r;
    return old ? err_trace(view_delete(&view, &client_table, old)) : CLIENT_E_ABSENT;
}

int client_set_limits(struct work *work, struct str name, const struct client_limits *limits, uint8_t ret_id[16]) {
    struct view view = view_of(work, "identity");
    struct client_row row = { .name = name };
    const void *found;
    int r = view_find(&view, &client_table, CLIENT_INDEX_NAME, &row, &found);
    if (r) return r;
    if (!found) return CLIENT_E_ABSENT;
    row = *(const struct client_row *)found;
    if (limits->requests_per_second >= 0) row.requests_per_second = limits->requests_per_second;
    if (limits->burst >= 0) row.burst = limits->burst;
    if (limits->daily_limit >= 0) row.daily_limit = limits->daily_limit;
    if (limits->signing == CLIENT_SIGNING_REQUIRED) row.flags |= CLIENT_MUST_SIGN;
    if (limits->signing == CLIENT_SIGNING_OPTIONAL) row.flags &= ~(int64_t)CLIENT_MUST_SIGN;
    if (limits->set_addresses) row.addresses = limits->addresses;
    r = view_update(&view, &client_table, &row);
    if (r) return err_trace(r);
    memcpy(ret_id, row.client_id, 16);
    return 0;
}

/* Host and port: what could leave its place in a header (";", ",", "@") never passes. */
static bool authority_fits(struct str authority) {
    if (authority.len == 0 || authority.at[0] == ':') return false;
    for (size_t i = 0; i < authority.len; i++) {
        char c = authority.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'), digit = c >= '0' && c <= '9';
        if (!letter && !digit && !memchr(".-:[]", c, 5)) return false;
    }
    return true;
}

bool client_redirect_uri_fits(struct str uri) {
    static const char refused[] = "#\\\"'<>`{}|^";
    if (uri.len > CLIENT_URI_BYTES_MAX || !str_starts(uri, STR("https://"))) return false;
    for (size_t i = 0; i < uri.len; i++)
        if (uri.at[i] <= ' ' || uri.at[i] > '~' || memchr(refused, uri.at[i], sizeof refused - 1)) return false;
    struct str rest = str_slice(uri, sizeof "https://" - 1, uri.len);
    size_t end = 0;
    while (end < rest.len && rest.at[end] != '/' && rest.at[end] != '?') end++;
    return authority_fits(str_slice(rest, 0, end));
}
