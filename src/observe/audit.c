#include "observe/audit.h"

#include "observe/json_text.h"
#include "platform/clock.h"
#include "platform/encoding.h"

static bool is_word_character(char c) {
    bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return alphanumeric || (c && strchr("_-./{}:", c));
}

static void put_word(struct buffer *out, const char *name, const char *text) {
    struct str word = str_from_c(text);
    bool ours = word.len > 0 && word.len <= AUDIT_WORD_BYTES_MAX;
    for (size_t i = 0; ours && i < word.len; i++) ours = is_word_character(word.at[i]);
    json_text_name(out, name);
    json_text_append(out, ours ? word : STR("unnamed"));
}

static void put_id(struct buffer *out, const char *name, const uint8_t id[ID_BYTES]) {
    char text[ID_TEXT_BYTES];
    if (id_is_zero(id)) return;
    json_text_name(out, name);
    json_text_append(out, id_format(id, text));
}

static void put_i64(struct buffer *out, const char *name, int64_t value) {
    json_text_name(out, name);
    buffer_append_i64(out, value);
}

static void put_hash(struct buffer *out, const char *name, const struct hash *hash) {
    static const struct hash none;
    if (memcmp(hash, &none, sizeof none) == 0) return;
    json_text_name(out, name);
    buffer_append_char(out, '"');
    hex_encode(out, hash->bytes, sizeof hash->bytes);
    buffer_append_char(out, '"');
}

void audit_encode(const struct audit_record *record, struct buffer *out) {
    char time[CLOCK_TEXT_BYTES];
    uint8_t interaction_id[ID_BYTES];
    buffer_append_char(out, '{');
    json_text_name(out, "time");
    json_text_append(out, clock_format_rfc3339(record->time_ms, time));
    if (id_parse(record->interaction_id, interaction_id) == 0) {
        json_text_name(out, "interaction_id");
        json_text_append(out, record->interaction_id); /* as the caller spelt it */
    }
    put_id(out, "client_id", record->client_id.bytes);
    put_id(out, "customer_id", record->customer_id.bytes);
    put_word(out, "method", record->method);
    put_word(out, "route", record->route);
    if (record->status) put_i64(out, "status", record->status);
    put_word(out, "outcome", record->outcome);
    put_i64(out, "duration_us", record->duration_us);
    put_id(out, "resource_id", record->resource_id);
    put_hash(out, "certificate_sha256", &record->certificate_sha256);
    buffer_append_char(out, '}');
}
