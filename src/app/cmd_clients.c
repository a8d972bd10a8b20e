/* cmd_clients.c - giro clients list | show | suspend | resume CLIENT_ID | signatures CLIENT_ID required|optional. */
#include "app/operator_call.h"
#include "app/store_view.h"

#include "services/identity/client.h"

static void print_members(struct store_view *view, const struct client_row *client) {
    store_view_text(view, "client_id", 14, client->name);
    store_view_id(view, "id", 0, client->client_id);
    store_view_text(view, "name", 0, client->display_name);
    store_view_word(view, "profile", 8, client_profile_name((enum client_profile)client->profile));
    store_view_word(view, "sender", 6, client_sender_name((enum client_sender)client->sender));
    store_view_text(view, "tier", 25, client->tier);
    store_view_word(view, "status", 9, client->status == CLIENT_ACTIVE ? "active" : "suspended");
    store_view_text(view, "org_id", 0, client->org_id);
    store_view_text(view, "software_id", 0, client->software_id);
    store_view_text(view, "scope", 30, client->scope);
    store_view_time(view, "created_at", 0, client->created_ms);
}

static int print_client(void *ctx, const void *row) {
    struct store_view *view = ctx;
    store_view_row_begin(view);
    print_members(view, row);
    store_view_row_end(view);
    return 0;
}

static int clients_list(int argc, char **argv) {
    struct store_view view = { 0 };
    bool open;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view) };
    struct options options = { .usage = "clients list [--var DIR] [--json]",
                               .help = "Every registered client.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    int code = store_view_begin(&view, &options, argc, argv, &open);
    return open ? store_view_end(&view, store_view_table(&view, &client_table, print_client, &view), code) : code;
}

/* Whether its requests to resources must be signed: as it is registered, or as the operator wants it. */
static const char *http_signatures_of(const struct client_row *client) {
    return client->flags & (CLIENT_SIGNS | CLIENT_MUST_SIGN) ? "required" : "optional";
}

static void print_whole(struct store_view *view, const struct client_row *client) {
    store_view_row_begin(view);
    print_members(view, client);
    store_view_bool(view, "sandbox_auto_approve", 0, client->flags & CLIENT_AUTO_APPROVE);
    store_view_word(view, "http_signatures", 0, http_signatures_of(client));
    store_view_number(view, "requests_per_second", 0, client->requests_per_second); /* 0: its tier's */
    store_view_number(view, "burst", 0, client->burst);
    store_view_number(view, "daily_limit", 0, client->daily_limit);
    store_view_text(view, "addresses", 0, client->addresses);
    store_view_text(view, "redirect_uris", 0, client->redirect_uris);
    store_view_word(view, "token_endpoint_auth_method", 0, client_auth_name((enum client_auth)client->auth));
    store_view_text(view, "tls_subject", 0, client->tls_subject);
    store_view_text(view, "jwks_uri", 0, client->jwks_uri);
    if (client->jwks.len) json_member_raw(&view->writer, "jwks", client->jwks);
    store_view_row_end(view);
}

static int clients_show(int argc, char **argv) {
    struct store_view view = { 0 };
    bool open;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view) };
    struct options options = { .usage = "clients show CLIENT_ID [--var DIR] [--json]",
                               .help = "One client; with --json also its keys and addresses.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 1,
                               .words_max = 1 };
    const void *row = NULL;
    int code = store_view_begin(&view, &options, argc, argv, &open);
    if (!open) return code;
    struct client_row probe = { .name = str_from_c(options.words[0]) };
    int r = read_row(&view.reader, &client_table, CLIENT_INDEX_NAME, &probe, &view.arena, &row);
    if (!r && !row) code = store_view_absent("client");
    if (!r && row) print_whole(&view, row);
    return store_view_end(&view, r, code);
}

static int settle(int argc, char **argv, const char *usage, const char *help, const char *fate) {
    struct operator_call call = { 0 };
    const struct option_row rows[] = { OPERATOR_CALL_OPTIONS(&call) };
    struct options options = {
        .usage = usage, .help = help, .rows = rows, .row_count = ARRAY_COUNT(rows), .words_min = 1, .words_max = 1
    };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    operator_call_begin(&call, "client_settle");
    json_member_c(&call.writer, "name", options.words[0]);
    json_member_c(&call.writer, "fate", fate);
    return operator_call_end(&call);
}

static int clients_suspend(int argc, char **argv) {
    return settle(argc, argv, "clients suspend CLIENT_ID [--var DIR] [--json]",
                  "From the next request on the client is nobody: its tokens and its certificate open nothing.",
                  "suspended");
}

static int clients_resume(int argc, char **argv) {
    return settle(argc, argv, "clients resume CLIENT_ID [--var DIR] [--json]", "A suspended client goes on.", "active");
}

static int clients_signatures(int argc, char **argv) {
    struct operator_call call = { 0 };
    const struct option_row rows[] = { OPERATOR_CALL_OPTIONS(&call) };
    struct options options = { .usage = "clients signatures CLIENT_ID required|optional [--var DIR] [--json]",
                               .help = "Whether the client's requests to resources must be signed (RFC 9421). optional "
                                       "takes required back; what the client was registered with stands.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 2,
                               .words_max = 2 };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    operator_call_begin(&call, "client_limits");
    json_member_c(&call.writer, "client_id", options.words[0]);
    json_member_c(&call.writer, "http_signatures", options.words[1][0] ? options.words[1] : "none");
    return operator_call_end(&call);
}

int cmd_clients(int argc, char **argv) {
    static const struct subcommand rows[] = {
        { "list", "every registered client", clients_list },
        { "show", "one client with its keys", clients_show },
        { "suspend", "takes a client's access away at once", clients_suspend },
        { "resume", "gives it back", clients_resume },
        { "signatures", "whether its requests must be signed", clients_signatures },
    };
    static const struct subcommand_table table = { .title = "giro clients", .rows = rows, .count = ARRAY_COUNT(rows) };
    return subcommand_run(&table, argc, argv);
}
