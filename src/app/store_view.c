#include "app/store_view.h"

#include <unistd.h>

#include "app/sandbox.h"
#include "engine/row_stream.h"
#include "integration/integration.h"
#include "platform/clock.h"
#include "platform/file.h"

enum { LINE_BYTES_MAX = 128 * 1024 };

/* The bank's own configuration, where there is one: what the daemon opens is what is read here. */
static int config_take(struct store_view *view, const struct sandbox *sandbox, struct message *message) {
    char path[SANDBOX_PATH_BYTES_MAX];
    struct config_errors *errors = calloc(1, sizeof *errors);
    if (!errors) return err_origin(-ENOMEM);
    sandbox_path(sandbox, "giro.yaml", path);
    int r = access(path, R_OK) < 0 ? -errno : 0;
    if (r == -EACCES) message_set(message, "%s belongs to another user", path);
    if (!r) {
        view->config_read = true;
        r = bank_config_read(&view->config, path, errors);
        if (r > 0) message_set(message, "%s", errors->messages[0].text);
        if (r > 0) r = err_origin(-EINVAL);
    }
    free(errors);
    return r;
}

/* An embedded store without a configuration beside it: as it lies there. */
static int plain_take(struct store_view *view, const char *path) {
    if (str_to_c(str_from_c(path), view->bank.path, sizeof view->bank.path)) return err_origin(-ENAMETOOLONG);
    view->bank.options = (struct store_options){ .ops = &store_sqlite_ops, .path = view->bank.path };
    view->bank.options.tables = integration_tables(&view->bank.options.table_count);
    return 0;
}

static int store_take(struct store_view *view, struct message *message) {
    struct sandbox sandbox;
    char path[SANDBOX_PATH_BYTES_MAX];
    int r = sandbox_init(&sandbox, view->var, message);
    if (r) return err_fold(r);
    sandbox_path(&sandbox, "store/giro.db", path);
    r = config_take(view, &sandbox, message);
    if (r == 0) return err_trace(bank_store_init(&view->bank, &view->config.options, view->store, false, message));
    if (r != -ENOENT && r != -ENOTDIR) return err_trace(r);
    return err_trace(plain_take(view, view->store ? view->store : path));
}

static int reader_take(struct store_view *view, struct message *message) {
    int r = store_take(view, message);
    if (r) return err_trace(r);
    const char *path = view->bank.path;
    if (view->bank.options.ops == &store_sqlite_ops) {
        if (access(path, R_OK) < 0 && errno == EACCES) {
            message_set(message, "%s belongs to another user", path);
            return err_origin(-EACCES);
        }
        if (!file_exists(path)) {
            message_set(message, "there is no store at %s: start one with ./run, or name its folder with --var", path);
            return err_origin(-ENOENT);
        }
    }
    return err_trace(reader_open_only(&view->bank.options, &view->reader, message));
}

static void store_give(struct store_view *view) {
    if (view->reader.store) reader_close(&view->reader);
    bank_store_release(&view->bank);
    if (view->config_read) bank_config_release(&view->config);
}

/* A store that is not as its descriptors say, or whose bytes are damaged, has failed its proof. */
static int open_exit(int r) {
    if (r == -EACCES) return EXIT_DENIED;
    return r == -EPROTO || r == -EBADMSG ? EXIT_PROOF_FAILED : EXIT_UNAVAILABLE;
}

int store_view_begin(struct store_view *view, struct options *options, int argc, char **argv, bool *ret_open) {
    struct message message = { .text = "" };
    *ret_open = false;
    view->limit = STORE_VIEW_LIMIT_DEFAULT;
    int r = options_parse(options, argc, argv);
    if (r) return options_exit(r);
    if (!options_number("limit", view->limit_text, 1, STORE_RANGE_ROWS_MAX, &view->limit)) return EXIT_USAGE;
    r = arena_init(&view->arena, STORE_VIEW_ARENA_BYTES, STORE_VIEW_ARENA_BYTES_MAX);
    if (!r) r = reader_take(view, &message);
    if (!r) r = read_begin(&view->reader);
    if (r) {
        fprintf(stderr, "giro: %s\n", message.text[0] ? message.text : "the store cannot be read");
        store_give(view);
        arena_release(&view->arena);
        return open_exit(r);
    }
    buffer_init_heap(&view->out, STORE_VIEW_ROW_BYTES_MAX);
    buffer_init_heap(&view->heading, LINE_BYTES_MAX);
    buffer_init_heap(&view->line, LINE_BYTES_MAX);
    json_begin(&view->writer, &view->out);
    *ret_open = true;
    return EXIT_DONE;
}

/* What is ready goes to stdout, so that an answer of any length needs the memory of one row. */
static void flush(struct store_view *view) {
    if (view->json && view->out.len) (void)fwrite(view->out.at, 1, view->out.len, stdout); /* main looks at ferror */
    view->written = view->written || view->out.len;
    view->out.len = 0;
}

int store_view_end(struct store_view *view, int r, int code) {
    char path[512];
    flush(view);
    if (view->json && view->written) printf("\n");
    bool too_long = view->out.overflow;
    read_end(&view->reader);
    store_give(view);
    arena_release(&view->arena);
    buffer_release(&view->out);
    buffer_release(&view->heading);
    buffer_release(&view->line);
    if (r >= 0 && !too_long) return code;
    err_path(too_long ? -EMSGSIZE : r, path, sizeof path);
    fprintf(stderr, "giro: the store could not be read to its end: %s\n", path);
    return r == -EBADMSG ? EXIT_PROOF_FAILED : EXIT_FAILED;
}

void store_view_list_begin(struct store_view *view) {
    json_array_begin(&view->writer);
}

void store_view_list_end(struct store_view *view) {
    json_array_end(&view->writer);
    flush(view);
    if (!view->json && view->rows == 0) fprintf(stderr, "nothing\n");
}

int store_view_table(struct store_view *view, const struct table *table, int (*print)(void *ctx, const void *row),
                     void *ctx) {
    struct row_stream *stream = calloc(1, sizeof *stream);
    const void *row = NULL;
    int r = stream ? row_stream_open(stream, &view->reader, table) : err_origin(-ENOMEM);
    store_view_list_begin(view);
    while (!r && (r = row_stream_next(stream, &row)) == 0 && row) {
        arena_reset(&view->arena);
        r = print(ctx, row);
    }
    store_view_list_end(view);
    if (stream) row_stream_release(stream);
    free(stream);
    return err_trace(r);
}

void store_view_row_begin(struct store_view *view) {
    json_object_begin(&view->writer);
    view->line.len = 0;
}

static void print_line(const struct buffer *line) {
    size_t len = line->len;
    while (len && line->at[len - 1] == ' ') len--;
    printf("%.*s\n", (int)len, len ? line->at : "");
}

void store_view_row_end(struct store_view *view) {
    json_object_end(&view->writer);
    if (!view->json) {
        if (!view->heading_done) print_line(&view->heading);
        print_line(&view->line);
    }
    view->heading_done = true;
    view->rows++;
    flush(view);
}

static void column(struct store_view *view, const char *name, int width, struct str value) {
    if (width == 0) return;
    int wide = width > (int)strlen(name) ? width : (int)strlen(name);
    if (!view->heading_done) buffer_printf(&view->heading, "%-*s  ", wide, name);
    buffer_printf(&view->line, "%-*.*s  ", wide, (int)value.len, value.len ? value.at : "");
}

void store_view_text(struct store_view *view, const char *name, int width, struct str value) {
    json_member_str(&view->writer, name, value);
    column(view, name, width, value);
}

void store_view_word(struct store_view *view, const char *name, int width, const char *value) {
    store_view_text(view, name, width, str_from_c(value));
}

void store_view_number(struct store_view *view, const char *name, int width, int64_t value) {
    char text[24];
    json_member_i64(&view->writer, name, value);
    if (!width) return;
    int len = snprintf(text, sizeof text, "%*lld", width, (long long)value);
    column(view, name, width, str_from_bytes(text, (size_t)(len < (int)sizeof text ? len : (int)sizeof text - 1)));
}

void store_view_bool(struct store_view *view, const char *name, int width, bool value) {
    json_member_bool(&view->writer, name, value);
    column(view, name, width, value ? STR("yes") : STR("no"));
}

void store_view_id(struct store_view *view, const char *name, int width, const uint8_t id[16]) {
    char text[ID_TEXT_BYTES];
    if (id_is_zero(id)) column(view, name, width, STR("-"));
    else store_view_text(view, name, width, id_format(id, text));
}

void store_view_time(struct store_view *view, const char *name, int width, int64_t ms) {
    char text[CLOCK_TEXT_BYTES];
    if (ms <= 0) column(view, name, width, STR("-"));
    else store_view_text(view, name, width, clock_format_rfc3339(ms, text));
}

void store_view_currency(struct store_view *view, const char *name, int width, int64_t code) {
    char text[4];
    struct currency currency = { .code = (uint32_t)code };
    store_view_text(view, name, width, currency_is_known(currency) ? currency_text(currency, text) : STR("???"));
}

void store_view_masked(struct store_view *view, const char *name, int width, enum personal_kind kind,
                       struct str value) {
    struct masked masked = mask_text(kind, value);
    if (value.len == 0) column(view, name, width, STR("-"));
    else store_view_text(view, name, width, str_from_c(masked.text));
}

int store_view_read_id(const char *word, uint8_t ret_id[16]) {
    if (id_parse(str_from_c(word), ret_id) == 0) return EXIT_DONE;
    fprintf(stderr, "giro: not an id (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx): %.64s\n", word);
    return EXIT_USAGE;
}

int store_view_absent(const char *what) {
    fprintf(stderr, "giro: there is no such %s\n", what);
    return EXIT_ABSENT;
}
