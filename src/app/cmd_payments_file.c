/* cmd_payments_file.c - giro payments bulk FILE | files list | show: a file goes to the daemon whole, with what it must
 * hold; its items' results are read from the store. */
#include "app/cmd_payments.h"

#include "app/admin.h"
#include "app/admin_ask.h"
#include "app/store_view.h"
#include "domain/civil_date.h"
#include "platform/encoding.h"
#include "platform/file.h"
#include "services/payments/payment_file.h"
#include "wire/payment_file_csv.h"

enum { FILE_ARENA_BYTES = 1024 * 1024, FILE_ARENA_BYTES_MAX = 32 * 1024 * 1024 };

struct bulk_words {
    const char *var, *from, *on, *reference, *key;
    bool json;
};

/* The request for the file's bytes. Without a key the file's own hash is one: the same file twice is one file. */
static void put_request(struct buffer *out, const struct bulk_words *words, struct str text,
                        const struct payment_file_content *content) {
    char hash[64], sum[MONEY_TEXT_BYTES];
    struct hash bytes = sha256_str(text);
    struct buffer encoded;
    struct json_writer writer;
    buffer_init(&encoded, hash, sizeof hash);
    base64_encode(&encoded, bytes.bytes, sizeof bytes.bytes);
    json_begin(&writer, out);
    json_object_begin(&writer);
    json_member_c(&writer, "command", "payment_file");
    json_member_c(&writer, "account", words->from);
    if (words->on) json_member_c(&writer, "on", words->on);
    if (words->reference) json_member_c(&writer, "reference", words->reference);
    json_member_str(&writer, "key", words->key ? str_from_c(words->key) : buffer_str(&encoded));
    json_member_str(&writer, "hash", buffer_str(&encoded));
    json_member_i64(&writer, "items", (int64_t)content->count);
    json_member_str(&writer, "sum", money_text(content->sum, sum));
    json_member_str(&writer, "file", text);
    json_object_end(&writer);
}

static int bulk(const struct bulk_words *words, const char *path, struct arena *arena) {
    struct payment_file_content content;
    struct message message = { .text = "" };
    struct str text;
    struct buffer request;
    int r = file_read_all(path, PAYMENT_FILE_CSV_BYTES_MAX, arena, &text, &message);
    if (!r) r = payment_file_csv_read(text, arena, &content, &message);
    if (r) {
        fprintf(stderr, "giro: %s: %s\n", path, message.text);
        return r == -ENOENT ? EXIT_ABSENT : EXIT_FAILED;
    }
    buffer_init_heap(&request, ADMIN_LINE_BYTES_MAX - 1);
    put_request(&request, words, text, &content);
    int code = EXIT_FAILED;
    if (request.overflow) fprintf(stderr, "giro: %s is too large to be sent\n", path);
    else code = admin_ask_id(words->var, buffer_str(&request), "file_id", words->json);
    buffer_release(&request);
    return code;
}

int payments_bulk(int argc, char **argv) {
    struct bulk_words words = { 0 };
    const struct option_row rows[] = {
        { "from", "ACCOUNT", &words.from, NULL, "the account that pays: its id or IBAN" },
        { "on", "DATE", &words.on, NULL, "its day, as 2026-12-24; today without it" },
        { "reference", "TEXT", &words.reference, NULL, "your own name of the file" },
        { "key", "KEY", &words.key, NULL,
          "idempotency key; without it the file's hash: the same file is not taken twice" },
        { "var", "DIR", &words.var, NULL, "the sandbox's folder (default $GIRO_VAR or var)" },
        { "json", NULL, NULL, &words.json, "one JSON document" },
    };
    struct options options = {
        .usage = "payments bulk FILE --from ACCOUNT [--on DATE] [--reference TEXT] [--key KEY] [--json]",
        .help =
            "Orders the payments of a CSV file (creditor_name,iban,sort_code,account_number,amount,currency,reference,"
            "end_to_end_id); see payments files show for what became of each.",
        .rows = rows,
        .row_count = ARRAY_COUNT(rows),
        .words_min = 1,
        .words_max = 1
    };
    struct arena arena = { 0 };
    int64_t day;
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    if (!words.from || (words.on && civil_parse(str_from_c(words.on), &day))) {
        fprintf(stderr, "giro payments bulk: want --from, and --on as 2026-12-24\n");
        return EXIT_USAGE;
    }
    if (arena_init(&arena, FILE_ARENA_BYTES, FILE_ARENA_BYTES_MAX)) return EXIT_FAILED;
    int code = bulk(&words, options.words[0], &arena);
    arena_release(&arena);
    return code;
}

/* ---- looks ---- */

static void print_fields(struct store_view *view, const struct payment_file_row *file) {
    bool known = file->state >= 0 && file->state < PAYMENT_FILE_STATE_COUNT;
    char day[CIVIL_TEXT_BYTES], hash[65];
    struct buffer hex;
    buffer_init(&hex, hash, sizeof hash);
    hex_encode(&hex, file->file_hash.bytes, sizeof file->file_hash.bytes);
    store_view_id(view, "file_id", 36, file->file_id);
    store_view_word(view, "state", 9, known ? payment_file_state_name((enum payment_file_state)file->state) : "?");
    store_view_text(view, "due_day", 10, civil_format(file->due_day, day));
    store_view_number(view, "items", 6, file->item_count);
    store_view_number(view, "accepted", 8, file->accepted);
    store_view_number(view, "rejected", 8, file->rejected);
    store_view_number(view, "control_sum_minor", 17, file->control_sum_minor);
    store_view_number(view, "accepted_minor", 14, file->accepted_minor);
    store_view_currency(view, "currency", 3, file->currency);
    store_view_id(view, "debtor_account_id", 36, file->debtor_account_id);
    store_view_text(view, "sha256", 0, buffer_str(&hex));
    store_view_time(view, "created_at", 0, file->created_ms);
    store_view_time(view, "ended_at", 0, file->ended_ms);
}

static int print_file(void *ctx, const void *row) {
    struct store_view *view = ctx;
    store_view_row_begin(view);
    print_fields(view, row);
    store_view_row_end(view);
    return 0;
}

static int print_result(void *ctx, const void *found) {
    struct store_view *view = ctx;
    const struct payment_file_result_row *result = found;
    char id[ID_TEXT_BYTES];
    struct json_writer *writer = &view->writer;
    json_object_begin(writer);
    json_member_i64(writer, "number", result->number);
    json_member_c(writer, "result", result->reason.len ? "rejected" : "accepted");
    if (result->reason.len) json_member_str(writer, "reason", result->reason);
    if (!id_is_zero(result->payment_id)) json_member_str(writer, "payment_id", id_format(result->payment_id, id));
    json_object_end(writer);
    return 0;
}

static int files_list(int argc, char **argv) {
    struct store_view view = { 0 };
    bool open;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view), STORE_VIEW_LIMIT_OPTION(&view) };
    struct options options = { .usage = "payments files list [--limit N] [--var DIR] [--json]",
                               .help = "The newest files of payments.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    int code = store_view_begin(&view, &options, argc, argv, &open);
    if (!open) return code;
    struct store_range range = { .table = &payment_file_table, .descending = true, .limit = (uint32_t)view.limit };
    store_view_list_begin(&view);
    int r = read_range(&view.reader, &range, &view.arena, print_file, &view);
    store_view_list_end(&view);
    return store_view_end(&view, r, code);
}

/* The results of a file behind number `after`, in the order of its items. 0 or <0. */
static int print_results(struct store_view *view, const struct payment_file_row *file, uint64_t after) {
    struct payment_file_result_row probe = { .number = (int64_t)after };
    struct store_range range = { .table = &payment_file_result_table,
                                 .row = &probe,
                                 .equal_columns = 1,
                                 .bounded = true,
                                 .limit = (uint32_t)view->limit };
    memcpy(probe.file_id, file->file_id, 16);
    return err_trace(read_range(&view->reader, &range, &view->arena, print_result, view));
}

static int files_show(int argc, char **argv) {
    struct store_view view = { 0 };
    bool open;
    const char *after_text = NULL;
    uint64_t after = 0;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view),
                                       { "limit", "N", &view.limit_text, NULL, "results, 1 to 1000 (default 1000)" },
                                       { "after", "N", &after_text, NULL, "results behind item N" } };
    struct options options = { .usage = "payments files show ID [--after N] [--limit N] [--var DIR] [--json]",
                               .help = "One file of payments; with --json the results of its items.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 1,
                               .words_max = 1 };
    struct payment_file_row probe = { .state = 0 };
    const void *found = NULL;
    int code = store_view_begin(&view, &options, argc, argv, &open), r = 0;
    if (!open) return code;
    if (!view.limit_text) view.limit = STORE_RANGE_ROWS_MAX;
    code = options_number("after", after_text, 0, PAYMENT_FILE_ITEMS_MAX, &after)
               ? store_view_read_id(options.words[0], probe.file_id)
               : EXIT_USAGE;
    if (!code) r = read_row(&view.reader, &payment_file_table, 0, &probe, &view.arena, &found);
    if (!r && !code && !found) code = store_view_absent("file");
    if (!r && found) {
        store_view_row_begin(&view);
        print_fields(&view, found);
        json_name(&view.writer, "results");
        json_array_begin(&view.writer);
        r = print_results(&view, found, after);
        json_array_end(&view.writer);
        store_view_row_end(&view);
    }
    return store_view_end(&view, r, code);
}

int payments_files(int argc, char **argv) {
    static const struct subcommand rows[] = {
        { "list", "the newest", files_list },
        { "show", "one of them, with --json the result of each item", files_show },
    };
    static const struct subcommand_table table = { .title = "giro payments files",
                                                   .rows = rows,
                                                   .count = ARRAY_COUNT(rows) };
    return subcommand_run(&table, argc, argv);
}
