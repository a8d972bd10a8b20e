#include "integration/audit_checkpoint.h"

#include "platform/clock.h"
#include "platform/encoding.h"
#include "wire/json.h"
#include "wire/jwks.h"

static const struct str opening = STR_INIT("{\"event\":\"checkpoint\",");

static void put_number(struct buffer *out, const char *name, int64_t value) {
    buffer_append_c(out, name);
    buffer_append_char(out, ' ');
    buffer_append_i64(out, value);
    buffer_append_char(out, '\n');
}

static void put_hash(struct buffer *out, const char *name, const struct hash *hash) {
    buffer_append_c(out, name);
    buffer_append_char(out, ' ');
    hex_encode(out, hash, sizeof *hash);
    buffer_append_char(out, '\n');
}

void audit_checkpoint_text(const struct audit_checkpoint *checkpoint, struct buffer *out) {
    buffer_append_c(out, "giro audit checkpoint 1\n");
    put_number(out, "first_seq", checkpoint->first_seq);
    put_number(out, "epoch", checkpoint->epoch);
    put_number(out, "seq", checkpoint->seq);
    put_number(out, "time_ms", checkpoint->time_ms);
    put_hash(out, "head", &checkpoint->head);
    put_number(out, "records", checkpoint->records);
    put_hash(out, "root", &checkpoint->root);
    put_hash(out, "previous", &checkpoint->previous);
}

/* The text in memory, which has room for it. */
static struct str text_of(const struct audit_checkpoint *checkpoint, char memory[AUDIT_CHECKPOINT_BYTES_MAX]) {
    struct buffer out;
    buffer_init(&out, memory, AUDIT_CHECKPOINT_BYTES_MAX);
    audit_checkpoint_text(checkpoint, &out);
    check(!out.overflow);
    return buffer_str(&out);
}

struct hash audit_checkpoint_hash(const struct audit_checkpoint *checkpoint) {
    char memory[AUDIT_CHECKPOINT_BYTES_MAX];
    return sha256_str(text_of(checkpoint, memory));
}

int audit_checkpoint_sign(struct audit_checkpoint *checkpoint, const struct key *key) {
    char memory[AUDIT_CHECKPOINT_BYTES_MAX];
    int r = jwk_thumbprint(key, &checkpoint->key);
    if (!r) r = key_sign(key, key_algorithm(key), text_of(checkpoint, memory), &checkpoint->signature);
    return err_fold(r);
}

int audit_checkpoint_verify(const struct audit_checkpoint *checkpoint, const struct key *key) {
    char memory[AUDIT_CHECKPOINT_BYTES_MAX];
    struct hash thumbprint;
    int r = jwk_thumbprint(key, &thumbprint);
    if (r) return err_fold(r);
    if (!hash_equal(&thumbprint, &checkpoint->key)) return KEY_E_SIGNATURE;
    struct str signature = str_from_bytes(checkpoint->signature.bytes, checkpoint->signature.len);
    return key_verify(key, key_algorithm(key), text_of(checkpoint, memory), signature);
}

static void member_hash(struct json_writer *writer, const char *name, const struct hash *hash) {
    char memory[2 * sizeof *hash];
    struct buffer hex;
    buffer_init(&hex, memory, sizeof memory);
    hex_encode(&hex, hash, sizeof *hash);
    json_member_str(writer, name, buffer_str(&hex));
}

static void member_base64url(struct json_writer *writer, const char *name, const void *bytes, size_t len) {
    char memory[KEY_SIGNATURE_BYTES_MAX * 2];
    struct buffer text;
    buffer_init(&text, memory, sizeof memory);
    base64url_encode(&text, bytes, len);
    json_member_str(writer, name, buffer_str(&text));
}

void audit_checkpoint_encode(const struct audit_checkpoint *checkpoint, struct buffer *out) {
    char time[CLOCK_TEXT_BYTES];
    struct json_writer writer;
    json_begin(&writer, out);
    json_object_begin(&writer);
    json_member_c(&writer, "event", "checkpoint");
    json_member_str(&writer, "time", clock_format_rfc3339(checkpoint->time_ms, time));
    json_member_i64(&writer, "first_seq", checkpoint->first_seq);
    json_member_i64(&writer, "epoch", checkpoint->epoch);
    json_member_i64(&writer, "seq", checkpoint->seq);
    json_member_i64(&writer, "time_ms", checkpoint->time_ms);
    member_hash(&writer, "head", &checkpoint->head);
    json_member_i64(&writer, "records", checkpoint->records);
    member_hash(&writer, "root", &checkpoint->root);
    member_hash(&writer, "previous", &checkpoint->previous);
    member_base64url(&writer, "key", &checkpoint->key, sizeof checkpoint->key);
    member_base64url(&writer, "signature", checkpoint->signature.bytes, checkpoint->signature.len);
    json_object_end(&writer);
}

bool audit_checkpoint_is(struct str frame) {
    return str_starts(frame, opening);
}

static bool read_hash(const struct json *json, const char *name, struct hash *ret_hash) {
    return hex_decode(json_get_string(json, name), ret_hash, sizeof *ret_hash) == 0;
}

static bool read_base64url(const struct json *json, const char *name, void *memory, size_t bytes_max, size_t *ret_len) {
    struct buffer bytes;
    buffer_init(&bytes, memory, bytes_max);
    if (base64url_decode(json_get_string(json, name), &bytes) || bytes.overflow) return false;
    *ret_len = bytes.len;
    return true;
}

/* Whether it is encoded to the very bytes that it was read from (P2). */
static bool is_canonical(const struct audit_checkpoint *checkpoint, struct str frame) {
    char memory[AUDIT_CHECKPOINT_BYTES_MAX];
    struct buffer out;
    buffer_init(&out, memory, sizeof memory);
    audit_checkpoint_encode(checkpoint, &out);
    return !out.overflow && str_equal(buffer_str(&out), frame);
}

int audit_checkpoint_parse(struct str frame, struct arena *arena, struct audit_checkpoint *ret_checkpoint) {
    const struct json *json;
    size_t key_len = 0;
    int r = json_parse_arena(frame, AUDIT_CHECKPOINT_BYTES_MAX, JSON_DEPTH_MAX, arena, &json);
    if (r) return r < 0 ? err_trace(r) : 1;
    struct audit_checkpoint checkpoint = { .first_seq = json_get_integer(json, "first_seq", -1),
                                           .epoch = json_get_integer(json, "epoch", -1),
                                           .seq = json_get_integer(json, "seq", -1),
                                           .time_ms = json_get_integer(json, "time_ms", -1),
                                           .records = json_get_integer(json, "records", -1) };
    bool good = checkpoint.first_seq > 0 && checkpoint.seq >= checkpoint.first_seq && checkpoint.time_ms >= 0 &&
                checkpoint.time_ms <= CLOCK_MS_MAX && checkpoint.records >= 0 &&
                read_hash(json, "head", &checkpoint.head) && read_hash(json, "root", &checkpoint.root) &&
                read_hash(json, "previous", &checkpoint.previous) &&
                read_base64url(json, "key", &checkpoint.key, sizeof checkpoint.key, &key_len) &&
                read_base64url(json, "signature", checkpoint.signature.bytes, sizeof checkpoint.signature.bytes,
                               &checkpoint.signature.len);
    if (!good || key_len != sizeof checkpoint.key || !is_canonical(&checkpoint, frame)) return 1;
    *ret_checkpoint = checkpoint;
    return 0;
}
