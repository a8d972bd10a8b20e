#include "observe/log.h"

#include "domain/id.h"
#include "observe/json_text.h"
#include "platform/clock.h"
#include "platform/random.h"

#include <unistd.h>

enum { LOG_TAIL_BYTES = 64, FAULT_PATH_BYTES = 1024 }; /* room for ,"suppressed":N,"cut":true}\n */
static_assert(LOG_VALUE_BYTES_MAX * 6 + 512 < LOG_LINE_BYTES_MAX, "one text fits a line even if every byte is escaped");

struct log_field log_text_str(const char *name, struct str value) {
    return (struct log_field){ .name = name, .kind = LOG_KIND_TEXT, .value.text = value };
}

struct log_field log_text_c(const char *name, const char *value) {
    return log_text_str(name, str_from_c(value));
}

struct log_field log_i64(const char *name, int64_t value) {
    return (struct log_field){ .name = name, .kind = LOG_KIND_NUMBER, .value.number = value };
}

struct log_field log_bool(const char *name, bool value) {
    return (struct log_field){ .name = name, .kind = LOG_KIND_BOOL, .value.fact = value };
}

struct log_field log_id(const char *name, const uint8_t id[16]) {
    struct log_field field = { .name = name, .kind = LOG_KIND_ID };
    memcpy(field.value.id, id, sizeof field.value.id);
    return field;
}

struct log_field log_masked(const char *name, struct masked value) {
    return (struct log_field){ .name = name, .kind = LOG_KIND_MASKED, .value.masked = value };
}

struct log_field log_hash(const char *name, struct pii_hash value) {
    return (struct log_field){ .name = name, .kind = LOG_KIND_HASH, .value.hash = value };
}

struct log_field log_correlation(const char *name, struct str value) {
    return (struct log_field){ .name = name, .kind = LOG_KIND_CORRELATION, .value.text = value };
}

void log_init(struct log *log, int fd, enum log_level level_min) {
    memset(log, 0, sizeof *log);
    log->fd = fd;
    log->level_min = level_min;
    log->now_ms = clock_now_ms;
    log->mono_ms = clock_mono_ms;
    random_bytes(&log->seed, sizeof log->seed);
    check(pthread_mutex_init(&log->lock, NULL) == 0);
}

void log_release(struct log *log) {
    log_flush(log);
    check(pthread_mutex_destroy(&log->lock) == 0);
}

uint64_t log_lost(struct log *log) {
    return log ? log->lost : 0;
}

/* ---- one line ---- */

static const char *level_name(enum log_level level) {
    switch (level) {
    case LOG_LEVEL_DEBUG: return "debug";
    case LOG_LEVEL_INFO: return "info";
    case LOG_LEVEL_WARN: return "warn";
    case LOG_LEVEL_ERROR: return "error";
    }
    return "error";
}

static void append_id(struct buffer *out, const uint8_t id[16]) {
    char text[ID_TEXT_BYTES];
    if (id_is_zero(id)) buffer_append_c(out, "null");
    else json_text_append(out, id_format(id, text));
}

static void append_value(struct buffer *out, const struct log_field *field) {
    char text[PII_HASH_TEXT_BYTES];
    switch (field->kind) {
    case LOG_KIND_TEXT:
    case LOG_KIND_CORRELATION: json_text_append(out, str_slice(field->value.text, 0, LOG_VALUE_BYTES_MAX)); break;
    case LOG_KIND_NUMBER: buffer_append_i64(out, field->value.number); break;
    case LOG_KIND_BOOL: buffer_append_c(out, field->value.fact ? "true" : "false"); break;
    case LOG_KIND_ID: append_id(out, field->value.id); break;
    case LOG_KIND_MASKED: json_text_append(out, str_from_c(field->value.masked.text)); break;
    case LOG_KIND_HASH: json_text_append(out, pii_hash_text(&field->value.hash, text)); break;
    }
}

/* Appends one field whole or not at all; true when it or a part of it is missing. */
static bool append_field(struct buffer *line, const struct log_field *field) {
    size_t before = line->len;
    json_text_name(line, field->name);
    append_value(line, field);
    if (line->overflow) {
        line->len = before;
        line->overflow = false;
        return true;
    }
    bool text = field->kind == LOG_KIND_TEXT || field->kind == LOG_KIND_CORRELATION;
    return text && field->value.text.len > LOG_VALUE_BYTES_MAX;
}

static void write_line(struct log *log, struct str line) {
    ssize_t written;
    do written = write(log->fd, line.at, line.len);
    while (written < 0 && errno == EINTR);
    if (written != (ssize_t)line.len) log->lost++; /* a rest would only be half a line */
}

struct log_line {
    enum log_level level;
    const char *event;
    const struct log_field *fields;
    size_t count;
    uint32_t suppressed;
};

static void write_event(struct log *log, const struct log_line *event) {
    char memory[LOG_LINE_BYTES_MAX], time[CLOCK_TEXT_BYTES];
    struct buffer line;
    bool cut = false;
    buffer_init(&line, memory, LOG_LINE_BYTES_MAX - LOG_TAIL_BYTES);
    buffer_append_char(&line, '{');
    cut |= append_field(&line,
                        &(struct log_field){ .name = "time", .value.text = clock_format_rfc3339(log->now_ms(), time) });
    cut |=
        append_field(&line, &(struct log_field){ .name = "level", .value.text = str_from_c(level_name(event->level)) });
    cut |= append_field(&line, &(struct log_field){ .name = "event", .value.text = str_from_c(event->event) });
    for (size_t i = 0; i < event->count; i++) cut |= append_field(&line, &event->fields[i]);
    line.capacity = line.bytes_max = LOG_LINE_BYTES_MAX; /* now the tail may be used */
    if (event->suppressed) (void)append_field(&line, &(struct log_field){ .name = "suppressed", .kind = LOG_KIND_NUMBER,
                                                                          .value.number = event->suppressed });
    if (cut) buffer_append_c(&line, ",\"cut\":true");
    buffer_append_c(&line, "}\n");
    check(!line.overflow);
    write_line(log, buffer_str(&line));
}

/* ---- identical lines ---- */

static uint64_t mix(uint64_t key, const void *bytes, size_t len) {
    const unsigned char *at = bytes;
    for (size_t i = 0; i < len; i++) key = (key ^ at[i]) * 0x100000001b3; /* FNV-1a, begun at a random seed */
    return (key ^ 0xff) * 0x100000001b3;
}

/* What the value says; never shown, so it need not be written. */
static uint64_t mix_value(uint64_t key, const struct log_field *field) {
    switch (field->kind) {
    case LOG_KIND_TEXT:
    case LOG_KIND_CORRELATION: return mix(key, field->value.text.at, field->value.text.len);
    case LOG_KIND_NUMBER: return mix(key, &field->value.number, sizeof field->value.number);
    case LOG_KIND_BOOL: return mix(key, &field->value.fact, sizeof field->value.fact);
    case LOG_KIND_ID: return mix(key, field->value.id, sizeof field->value.id);
    case LOG_KIND_MASKED: return mix(key, field->value.masked.text, strlen(field->value.masked.text));
    case LOG_KIND_HASH: return mix(key, &field->value.hash, sizeof field->value.hash);
    }
    return key;
}

static uint64_t line_key(uint64_t seed, const struct log_line *line) {
    uint64_t key = mix(seed, &line->level, sizeof line->level);
    key = mix(key, line->event, strlen(line->event));
    for (size_t i = 0; i < line->count; i++) {
        if (line->fields[i].kind == LOG_KIND_CORRELATION) continue;
        key = mix(key, line->fields[i].name, strlen(line->fields[i].name));
        key = mix_value(key, &line->fields[i]);
    }
    return key;
}

/* The slot of key, or the free or oldest one. */
static struct log_slot *slot_find(struct log *log, uint64_t key) {
    struct log_slot *oldest = &log->slots[0];
    for (size_t i = 0; i < LOG_SLOTS; i++) {
        struct log_slot *slot = &log->slots[i];
        if (slot->event && slot->key == key) return slot;
        if (!slot->event) oldest = slot;
        else if (oldest->event && slot->window_ms < oldest->window_ms) oldest = slot;
    }
    return oldest;
}

/* Whether the line may be written. *ret_before = lines like it that were not; *ret_evicted = a watched line that lost
 * its slot with suppressed lines not told yet. */
static bool log_admit(struct log *log, uint64_t key, const char *event, uint32_t *ret_before,
                      struct log_slot *ret_evicted) {
    int64_t now_ms = log->mono_ms();
    bool admitted = true;
    *ret_before = 0;
    *ret_evicted = (struct log_slot){ 0 };
    check(pthread_mutex_lock(&log->lock) == 0);
    struct log_slot *slot = slot_find(log, key);
    if (!slot->event || slot->key != key) {
        *ret_evicted = *slot;
        *slot = (struct log_slot){ .key = key, .event = event, .window_ms = now_ms, .written = 1 };
    } else if (now_ms - slot->window_ms >= LOG_WINDOW_MS) {
        *ret_before = slot->suppressed;
        *slot = (struct log_slot){ .key = key, .event = event, .window_ms = now_ms, .written = 1 };
    } else if (slot->written < LOG_IDENTICAL_MAX) {
        slot->written++;
    } else {
        slot->suppressed++;
        admitted = false;
    }
    check(pthread_mutex_unlock(&log->lock) == 0);
    return admitted;
}

static void tell_suppressed(struct log *log, const struct log_slot *slot) {
    if (!slot->event || !slot->suppressed) return;
    const struct log_field fields[] = { log_str("suppressed_event", slot->event), log_i64("count", slot->suppressed) };
    write_event(log, &(struct log_line){ LOG_LEVEL_WARN, "log_suppressed", fields, ARRAY_COUNT(fields), 0 });
}

void log_flush(struct log *log) {
    if (!log) return;
    for (size_t i = 0; i < LOG_SLOTS; i++) {
        check(pthread_mutex_lock(&log->lock) == 0);
        struct log_slot slot = log->slots[i];
        log->slots[i].suppressed = 0;
        check(pthread_mutex_unlock(&log->lock) == 0);
        tell_suppressed(log, &slot);
    }
}

void log_write(struct log *log, enum log_level level, const char *event, const struct log_field *fields, size_t count) {
    if (!log || level < log->level_min) return;
    check(count <= LOG_FIELDS_MAX);
    struct log_line line = { .level = level, .event = event, .fields = fields, .count = count };
    struct log_slot evicted;
    bool admitted = log_admit(log, line_key(log->seed, &line), event, &line.suppressed, &evicted);
    tell_suppressed(log, &evicted);
    if (admitted) write_event(log, &line);
}

void log_fault(struct log *log, const char *operation, int code, struct str interaction_id) {
    char path[FAULT_PATH_BYTES];
    const char *name = strerrorname_np(code < 0 ? -code : code);
    err_path(code, path, sizeof path);
    log_event(log, LOG_LEVEL_ERROR, "fault", log_str("operation", operation), log_str("code", name ? name : "unknown"),
              log_text_c("path", path), log_correlation("interaction_id", interaction_id));
}
