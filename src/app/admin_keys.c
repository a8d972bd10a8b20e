/* admin_keys.c - the operator's command on the bank's signing keys: auth_keys. */
#include "app/admin_int.h"

#include "app/signing_key_files.h"
#include "platform/clock.h"

static const char fault_name[] = "fault";

/* The files as they are now, in place of the set in use. */
static int reload(const struct admin_options *options) {
    struct signing_key_set set;
    struct message message = { .text = "" };
    int r = signing_key_files_load(options->signing_key_path, &set, &message);
    if (r) return err_trace(r);
    r = signing_keys_put(options->signing_keys, &set);
    signing_key_set_release(&set);
    return err_trace(r);
}

static void note(const struct admin_request *request, const char *operation) {
    char memory[AUDIT_RECORD_BYTES_MAX];
    struct buffer json;
    struct audit_record record = {
        .time_ms = clock_now_ms(), .method = "ADMIN", .route = operation, .outcome = "accepted"
    };
    buffer_init(&json, memory, sizeof memory);
    audit_encode(&record, &json);
    if (!json.overflow) command_note(request->options->integration, buffer_str(&json));
}

static void put_keys(const struct admin_options *options, struct json_writer *out) {
    struct signing_set *set = signing_set_take(options->signing_keys);
    json_name(out, "keys");
    json_array_begin(out);
    for (int place = 0; place < SIGNING_PLACE_COUNT; place++) {
        const struct jwk *key = signing_set_at(set, (enum signing_place)place);
        if (!key) continue;
        json_object_begin(out);
        json_member_str(out, "kid", key->kid);
        json_member_c(out, "state", signing_place_name((enum signing_place)place));
        json_object_end(out);
    }
    json_array_end(out);
    signing_set_release(set);
}

const char *admin_auth_keys(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    const struct admin_options *options = request->options;
    struct str action = json_get_string(request->json, "action");
    struct message message = { .text = "" };
    bool moved = false;
    int r = 0;
    if (!options->signing_keys) return "unavailable";
    bool rotates = str_equal_c(action, "rotate"), reloads = rotates || str_equal_c(action, "reload");
    if (!reloads && !str_equal_c(action, "list")) return "invalid_request";
    if (rotates) r = signing_key_files_rotate(options->signing_key_path, &moved, &message);
    if (r == SIGNING_KEY_FILES_E_BUSY) return "unavailable";
    if (!r && reloads) r = reload(options);
    if (r) {
        *ret_fault = r;
        return fault_name;
    }
    if (reloads) note(request, rotates ? "signing_keys_rotate" : "signing_keys_reload");
    if (rotates) json_member_bool(out, "rotated", moved);
    put_keys(options, out);
    return NULL;
}
