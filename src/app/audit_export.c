#include "app/audit_export.h"

#include "app/journal_view.h"
#include "platform/encoding.h"
#include "platform/file.h"

#include <fcntl.h>
#include <unistd.h>

enum { EXPORT_PAGE_RECORDS = 16, EXPORT_CHECKPOINTS_FIRST = 64, EXPORT_KEY_ARENA_BYTES = 64 * 1024 };

/* ---- files ---- */

FILE *audit_file_create(const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file) fprintf(stderr, "giro: %s cannot be written: %s\n", path, strerror(errno));
    if (!file && fd >= 0) (void)close(fd);
    return file;
}

int audit_file_close(FILE *file, const char *path, int r) {
    if (!r && (fflush(file) || fsync(fileno(file)))) r = err_origin(-EIO);
    if (fclose(file) && !r) r = err_origin(-EIO);
    if (r < 0) (void)unlink(path);
    return err_trace(r);
}

struct key *audit_key_read(const char *path) {
    struct arena arena = { 0 };
    struct message message = { .text = "" };
    struct key *key = NULL;
    struct str pem;
    int r = arena_init(&arena, EXPORT_KEY_ARENA_BYTES, 2 * EXPORT_KEY_ARENA_BYTES);
    if (!r) r = file_read_all(path, KEY_PEM_BYTES_MAX, &arena, &pem, &message);
    if (!r) r = key_load_pem(pem, &key);
    if (r) fprintf(stderr, "giro: %s\n", message.text[0] ? message.text : "there is no public key in that file");
    arena_release(&arena);
    return key;
}

bool line_takes(struct str *line, const char *literal) {
    struct str wanted = str_from_c(literal);
    if (!str_starts(*line, wanted)) return false;
    *line = str_slice(*line, wanted.len, line->len);
    return true;
}

bool line_takes_number(struct str *line, int64_t *ret_number) {
    size_t len = 0;
    uint64_t number;
    while (len < line->len && line->at[len] >= '0' && line->at[len] <= '9') len++;
    if (len == 0 || len > 19 || (len > 1 && line->at[0] == '0')) return false;
    if (str_to_u64(str_slice(*line, 0, len), &number) || number > INT64_MAX) return false;
    *ret_number = (int64_t)number;
    *line = str_slice(*line, len, line->len);
    return true;
}

bool line_takes_hex(struct str *line, void *bytes, size_t len) {
    if (line->len < 2 * len) return false;
    for (size_t i = 0; i < 2 * len; i++)
        if (line->at[i] >= 'A' && line->at[i] <= 'F') return false;
    if (hex_decode(str_slice(*line, 0, 2 * len), bytes, len)) return false;
    *line = str_slice(*line, 2 * len, line->len);
    return true;
}

/* ---- writing ---- */

struct known_checkpoint {
    int64_t first_seq, seq;
    char frame[AUDIT_CHECKPOINT_BYTES_MAX];
    size_t frame_len;
};
struct export {
    struct store_view *view;
    FILE *file;
    struct arena arena; /* of one checkpoint */
    int64_t from, to;   /* what was asked, then what is written */
    bool found;
    struct known_checkpoint last; /* the one that ends the export */
    struct buffer line;
    int64_t records;
};

/* The first record of the checkpoint that covers from, and the checkpoint that covers to, or the newest. */
static void note_checkpoint(struct export *export, const struct audit_checkpoint *checkpoint, struct str frame) {
    if (checkpoint->seq < export->from || (export->found && export->last.seq >= export->to)) return;
    if (!export->found) export->from = checkpoint->first_seq;
    export->found = true;
    export->last = (struct known_checkpoint){ .first_seq = checkpoint->first_seq, .seq = checkpoint->seq };
    memcpy(export->last.frame, frame.at, frame.len);
    export->last.frame_len = frame.len;
}

static int look_for_checkpoint(struct journal_walk *walk, const struct journal_row *record, struct str json) {
    struct export *export = walk->ctx;
    struct audit_checkpoint checkpoint;
    (void)record;
    if (!audit_checkpoint_is(json)) return 0;
    arena_reset(&export->arena);
    int r = audit_checkpoint_parse(json, &export->arena, &checkpoint);
    if (r == 0) note_checkpoint(export, &checkpoint, json);
    return r < 0 ? err_trace(r) : 0;
}

static void put_hex(struct buffer *out, const char *name, const void *bytes, size_t len) {
    buffer_printf(out, ",\"%s\":\"", name);
    hex_encode(out, bytes, len);
    buffer_append_char(out, '"');
}

static void write_record(struct buffer *out, const struct journal_row *record) {
    buffer_printf(out, "{\"epoch\":%lld,\"seq\":%lld,\"at_ms\":%lld", (long long)record->epoch, (long long)record->seq,
                  (long long)record->at_ms);
    put_hex(out, "last_id", record->last_id, sizeof record->last_id);
    put_hex(out, "prev_hash", &record->prev_hash, sizeof record->prev_hash);
    put_hex(out, "entries_hash", &record->entries_hash, sizeof record->entries_hash);
    put_hex(out, "rows_hash", &record->rows_hash, sizeof record->rows_hash);
    put_hex(out, "hash", &record->hash, sizeof record->hash);
    buffer_append_c(out, ",\"body\":\"");
    base64_encode(out, record->body.at, record->body.len);
    buffer_append_c(out, "\"}\n");
}

static int export_record(void *ctx, const struct journal_row *record) {
    struct export *export = ctx;
    if (record->seq < export->from) return 0;
    if (record->seq > export->to) return 1;
    buffer_reset(&export->line);
    write_record(&export->line, record);
    if (export->line.overflow) return err_origin(-ENOMEM);
    export->records++;
    return fwrite(export->line.at, 1, export->line.len, export->file) == export->line.len ? 0 : err_origin(-EIO);
}

static int export_file(struct export *export) {
    struct journal_place place = { .epoch = 0 };
    struct journal_page page = { .place = &place, .limit = EXPORT_PAGE_RECORDS, .each = export_record, .ctx = export };
    int r;
    export->to = export->last.seq;
    fprintf(export->file, "{\"giro_audit_export\":1,\"first_seq\":%lld,\"last_seq\":%lld}\n", (long long)export->from,
            (long long)export->to);
    do r = journal_page_read(export->view, &page);
    while (r == 0 && page.records);
    if (r < 0) return err_trace(r);
    (void)fwrite(export->last.frame, 1, export->last.frame_len, export->file);
    return fputc('\n', export->file) == EOF || ferror(export->file) ? err_origin(-EIO) : 0;
}

int audit_export_write(struct store_view *view, const char *path, int64_t from, int64_t to, int64_t *ret_records) {
    struct export export = { .view = view, .from = from, .to = to };
    struct journal_walk walk = { .view = view, .type = JOURNAL_AUDIT, .each = look_for_checkpoint, .ctx = &export };
    struct journal_place place = { .epoch = 0 };
    int r = arena_init(&export.arena, EXPORT_KEY_ARENA_BYTES, 4 * EXPORT_KEY_ARENA_BYTES);
    if (!r) r = journal_walk_run(&walk, &place);
    arena_release(&export.arena);
    if (r || !export.found) return r ? err_trace(r) : 1;
    export.file = audit_file_create(path);
    if (!export.file) return err_origin(-EACCES);
    buffer_init_heap(&export.line, AUDIT_LINE_BYTES_MAX);
    r = audit_file_close(export.file, path, export_file(&export));
    buffer_release(&export.line);
    if (!r) *ret_records = export.records;
    return err_trace(r);
}

/* ---- reading ---- */

struct import {
    struct audit_trail *trail;
    FILE *file;
    char *text; /* getline's */
    size_t capacity;
    struct buffer body, again;
    bool malformed;
};

/* The next line without its end. False at the end of the file, or when the line is none. */
static bool next_line(struct import *import, struct str *ret_line) {
    ssize_t len = getline(&import->text, &import->capacity, import->file);
    if (len < 0) return false;
    import->malformed |= len == 0 || len > AUDIT_LINE_BYTES_MAX || import->text[len - 1] != '\n';
    if (import->malformed) return false;
    *ret_line = str_from_bytes(import->text, (size_t)len - 1);
    return true;
}

/* The body, which must be the one text that its bytes have. */
static bool take_body(struct import *import, struct str *line, struct str *ret_body) {
    if (line->len < 2 || !str_ends(*line, STR("\"}"))) return false;
    struct str text = str_slice(*line, 0, line->len - 2);
    buffer_reset(&import->body);
    buffer_reset(&import->again);
    if (base64_decode(text, &import->body) || import->body.overflow) return false;
    base64_encode(&import->again, import->body.at, import->body.len);
    *ret_body = buffer_str(&import->body);
    *line = (struct str){ 0 };
    return !import->again.overflow && str_equal(buffer_str(&import->again), text);
}

static bool take_hash(struct str *line, const char *literal, void *bytes, size_t len) {
    return line_takes(line, literal) && line_takes_hex(line, bytes, len);
}

static bool read_record(struct import *import, struct str line, struct journal_row *record) {
    return line_takes(&line, "{\"epoch\":") && line_takes_number(&line, &record->epoch) &&
           line_takes(&line, ",\"seq\":") && line_takes_number(&line, &record->seq) &&
           line_takes(&line, ",\"at_ms\":") && line_takes_number(&line, &record->at_ms) &&
           take_hash(&line, ",\"last_id\":\"", record->last_id, sizeof record->last_id) &&
           take_hash(&line, "\",\"prev_hash\":\"", &record->prev_hash, sizeof record->prev_hash) &&
           take_hash(&line, "\",\"entries_hash\":\"", &record->entries_hash, sizeof record->entries_hash) &&
           take_hash(&line, "\",\"rows_hash\":\"", &record->rows_hash, sizeof record->rows_hash) &&
           take_hash(&line, "\",\"hash\":\"", &record->hash, sizeof record->hash) &&
           line_takes(&line, "\",\"body\":\"") && take_body(import, &line, &record->body);
}

static bool read_header(struct import *import, int64_t *ret_first, int64_t *ret_last) {
    struct str line;
    return next_line(import, &line) && line_takes(&line, "{\"giro_audit_export\":1,\"first_seq\":") &&
           line_takes_number(&line, ret_first) && line_takes(&line, ",\"last_seq\":") &&
           line_takes_number(&line, ret_last) && str_equal(line, STR("}"));
}

/* Header, records first..last, the checkpoint of last, and nothing else. */
static int read_export(struct import *import, struct audit_trail_result *ret_result) {
    int64_t first, last;
    struct str line;
    int r = 0;
    if (!read_header(import, &first, &last) || last < first) import->malformed = true;
    for (int64_t seq = first; !import->malformed && !r && seq <= last; seq++) {
        struct journal_row record = { .seq = 0 };
        import->malformed |= !next_line(import, &line) || !read_record(import, line, &record) || record.seq != seq;
        if (!import->malformed) r = audit_trail_record(import->trail, &record);
    }
    if (import->malformed || r) return err_trace(r);
    import->malformed = !next_line(import, &line) || !audit_checkpoint_is(line);
    if (!import->malformed) r = audit_trail_checkpoint(import->trail, line);
    if (r) return err_trace(r);
    import->malformed |= next_line(import, &line) || !feof(import->file);
    audit_trail_result(import->trail, ret_result);
    if (ret_result->reason == AUDIT_TRAIL_OK) import->malformed |= ret_result->proven_seq != last;
    return 0;
}

int audit_export_verify(const char *path, struct key *key, struct audit_trail_result *ret_result, bool *ret_malformed) {
    struct import import = { .file = fopen(path, "re") };
    if (!import.file) {
        fprintf(stderr, "giro: %s cannot be read: %s\n", path, strerror(errno));
        return err_origin(-errno);
    }
    buffer_init_heap(&import.body, JOURNAL_BODY_BYTES_MAX);
    buffer_init_heap(&import.again, AUDIT_LINE_BYTES_MAX);
    int r = audit_trail_new(key, &import.trail);
    if (!r) r = read_export(&import, ret_result);
    if (!r) audit_trail_result(import.trail, ret_result);
    (void)audit_trail_free(import.trail);
    buffer_release(&import.body);
    buffer_release(&import.again);
    free(import.text);
    (void)fclose(import.file);
    *ret_malformed = import.malformed;
    return err_trace(r);
}
