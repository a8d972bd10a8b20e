#include "app/subcommand.h"

#include "app/exit_code.h"
#include "app/options.h"
#include "app/snapshot.h"
#include "platform/clock.h"
#include "domain/id.h"
#include "services/identity/client.h"
#include "wire/json.h"

enum { CLIENT_TEXT_BYTES_MAX = 64 * 1024 };

struct listing {
    bool json, whole; /* whole: with keys and addresses */
    size_t count;
};

static const char *status_name(int64_t status) {
    return status == CLIENT_ACTIVE ? "active" : "suspended";
}

static void put_client(struct json_writer *writer, const struct client_row *row, bool whole) {
    char id[ID_TEXT_BYTES], time[CLOCK_TEXT_BYTES];
    json_object_begin(writer);
    json_member_str(writer, "client_id", row->name);
    json_member_str(writer, "id", id_format(row->client_id, id));
    json_member_str(writer, "name", row->display_name);
    json_member_c(writer, "profile", client_profile_name((enum client_profile)row->profile));
    json_member_c(writer, "sender", client_sender_name((enum client_sender)row->sender));
    json_member_str(writer, "tier", row->tier);
    json_member_c(writer, "status", status_name(row->status));
    json_member_str(writer, "org_id", row->org_id);
    json_member_str(writer, "software_id", row->software_id);
    json_member_str(writer, "scope", row->scope);
    json_member_str(writer, "created_at", clock_format_rfc3339(row->created_ms, time));
    if (whole) {
        json_member_bool(writer, "sandbox_auto_approve", row->flags & CLIENT_AUTO_APPROVE);
        json_member_str(writer, "redirect_uris", row->redirect_uris);
        json_member_raw(writer, "jwks", row->jwks);
    }
    json_object_end(writer);
}

static int print_client(void *ctx, const void *at) {
    struct listing *listing = ctx;
    const struct client_row *row = at;
    char text[CLIENT_TEXT_BYTES_MAX];
    struct buffer out;
    struct json_writer writer;
    buffer_init(&out, text, sizeof text);
    if (listing->json) {
        json_begin(&writer, &out);
        put_client(&writer, row, listing->whole);
        if (listing->count) printf(",");
    } else {
        buffer_printf(&out, "%-16.*s %-9s %-5s %-25.*s %-9s %.*s\n", STR_ARG(row->name),
                      client_profile_name((enum client_profile)row->profile),
                      client_sender_name((enum client_sender)row->sender), STR_ARG(row->tier), status_name(row->status),
                      STR_ARG(row->scope));
    }
    if (out.overflow) return err_origin(-E2BIG);
    (void)fwrite(out.at, 1, out.len, stdout); /* main looks at the stream */
    listing->count++;
    return 0;
}

static int list(struct snapshot *snapshot, bool json) {
    struct listing listing = { .json = json };
    struct store_range range = { .table = &client_table, .index = CLIENT_INDEX_NAME, .limit = STORE_RANGE_ROWS_MAX };
    if (json) printf("[");
    int r = store_range(snapshot->reader, &range, &snapshot->arena, print_client, &listing);
    if (json) printf("]\n");
    return r ? EXIT_FAILED : EXIT_DONE;
}

static int show(struct snapshot *snapshot, const char *name, bool json) {
    struct listing listing = { .json = json, .whole = true };
    struct client_row wanted = { .name = str_from_c(name) };
    struct store_probe probe = { .table = &client_table, .index = CLIENT_INDEX_NAME, .row = &wanted };
    int r = store_read(snapshot->reader, &probe, 1, &snapshot->arena);
    if (r) return EXIT_FAILED;
    if (!probe.ret_row) {
        fprintf(stderr, "giro: there is no client %s\n", name);
        return EXIT_ABSENT;
    }
    r = print_client(&listing, probe.ret_row);
    if (json) printf("\n");
    return r ? EXIT_FAILED : EXIT_DONE;
}

static int read_clients(const char *var, const char *name, bool json) {
    struct sandbox sandbox;
    struct snapshot snapshot = { .reader = NULL };
    struct message message = { .text = "" };
    int r = sandbox_init(&sandbox, var, &message);
    if (!r) r = snapshot_open(&snapshot, &sandbox, &message);
    int code = r ? sandbox_complain(r, &message) : name ? show(&snapshot, name, json) : list(&snapshot, json);
    snapshot_release(&snapshot);
    return code;
}

static int cmd_clients_word(int argc, char **argv, struct options *options) {
    const char *var = NULL;
    bool json = false;
    const struct option_row rows[] = { { "var", "DIR", &var, NULL, "the sandbox's folder (GIRO_VAR, then var)" },
                                       { "json", NULL, NULL, &json, "one JSON document" } };
    options->rows = rows;
    options->row_count = ARRAY_COUNT(rows);
    int r = options_parse(options, argc, argv);
    return r ? options_exit(r) : read_clients(var, options->words_max ? options->words[0] : NULL, json);
}

static int cmd_clients_list(int argc, char **argv) {
    struct options options = { .usage = "clients list [--json]", .help = "Lists the registered clients." };
    return cmd_clients_word(argc, argv, &options);
}

static int cmd_clients_show(int argc, char **argv) {
    struct options options = { .usage = "clients show CLIENT_ID [--json]",
                               .help = "Shows one client with its keys.",
                               .words_min = 1,
                               .words_max = 1 };
    return cmd_clients_word(argc, argv, &options);
}

int cmd_clients(int argc, char **argv) {
    static const struct subcommand rows[] = {
        { "list", "the registered clients", cmd_clients_list },
        { "show", "one client with its keys", cmd_clients_show },
    };
    static const struct subcommand_table table = { .title = "giro clients", .rows = rows, .count = ARRAY_COUNT(rows) };
    return subcommand_run(&table, argc, argv);
}
