#include "observe/audit.h"

#include "observe/json_text.h"
#include "platform/clock.h"
#include "platform/encoding.h"

static bool is_word_character(char c) {
    static const bool special[128] = {
        ['_'] = true, ['-'] = true, ['.'] = true, ['/'] = true, ['{'] = true, ['}'] = true, [':'] = true
    };
    bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return alphanumeric || ((unsigned char)c < sizeof special && special[(unsigned char)c]);
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

static void put_body(struct buffer *out, const char *name, const char *cut_name, const struct audit_body *body) {
    check(body->json.len <= AUDIT_BODY_BYTES_MAX);
    if (!body->json.len) return;
    json_text_name(out, name);
    buffer_append_str(out, body->json);
    if (!body->cut) return;
    json_text_name(out, cut_name);
    buffer_append_c(out, "true");
}

static void put_text(struct buffer *out, const char *name, struct str text, size_t bytes_max) {
    if (!text.len) return;
    json_text_name(out, name);
    json_text_append(out, text.len > bytes_max ? str_slice(text, 0, bytes_max) : text);
}

static void put_bodies(struct buffer *out, const struct audit_record *record) {
    put_text(out, "user_agent", record->user_agent, AUDIT_AGENT_BYTES_MAX);
    put_text(out, "customer_address", record->customer_address, AUDIT_ADDRESS_BYTES_MAX);
    if (record->check) put_word(out, "check", record->check);
    if (record->rule) put_word(out, "rule", record->rule);
    if (record->why.len && record->why.len <= AUDIT_WHY_BYTES_MAX) {
        json_text_name(out, "why");
        buffer_append_str(out, record->why);
    }
    put_body(out, "request", "request_cut", &record->request);
    put_body(out, "response", "response_cut", &record->response);
}

static void put_what(struct buffer *out, const struct audit_record *record) {
    if (record->peer) {
        put_word(out, "peer", record->peer);
        put_word(out, "operation", record->operation);
        return;
    }
    put_word(out, "method", record->method);
    put_word(out, "route", record->route);
}

void audit_encode(const struct audit_record *record, struct buffer *out) {
    char time[CLOCK_TEXT_BYTES];
    uint8_t interaction_id[ID_BYTES];
    buffer_append_char(out, '{');
    put_id(out, "id", record->id);
    if (record->event) put_word(out, "event", record->event);
    json_text_name(out, "time");
    json_text_append(out, clock_format_rfc3339(record->time_ms, time));
    if (id_parse(record->interaction_id, interaction_id) == 0) {
        json_text_name(out, "interaction_id");
        json_text_append(out, record->interaction_id); /* as the caller spelt it */
    }
    put_id(out, "client_id", record->client_id.bytes);
    put_id(out, "customer_id", record->customer_id.bytes);
    put_what(out, record);
    if (record->status) put_i64(out, "status", record->status);
    put_word(out, "outcome", record->outcome);
    put_i64(out, "duration_us", record->duration_us);
    put_id(out, "resource_id", record->resource_id);
    put_hash(out, "certificate_sha256", &record->certificate_sha256);
    put_bodies(out, record);
    buffer_append_char(out, '}');
}
