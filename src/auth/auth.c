#include "auth/auth_int.h"

#include "auth/guess_limit.h"
#include "platform/clock.h"
#include "platform/encoding.h"
#include "platform/random.h"
#include "platform/secret.h"

enum { AUTH_ARENA_BYTES_MAX = 256 * 1024 };

static bool url_fits(struct str url) {
    if (!str_starts(url, STR("https://")) || url.len > AUTH_URL_BYTES_MAX || str_ends(url, STR("/"))) return false;
    for (size_t i = 0; i < url.len; i++)
        if (url.at[i] <= ' ' || url.at[i] > '~' || url.at[i] == '"' || url.at[i] == '\\' || url.at[i] == '?' ||
            url.at[i] == '#')
            return false;
    return true;
}

/* Only who has the signing key can make it, and whoever has it makes the same. */
static int make_nonce_key(struct auth *auth) {
    struct secret_bytes pem;
    struct signing_set *set = signing_set_take(auth->options.signing_keys);
    int r = key_write_pem(signing_set_current(set)->key, &pem);
    signing_set_release(set);
    if (r) return err_fold(r);
    auth->dpop_nonce_key = hmac_sha256(secret_str(&pem), STR("giro dpop nonce"));
    secret_release(&pem);
    return 0;
}

static int auth_fill(struct auth *auth, const struct auth_options *options) {
    auth->issuer = arena_dup(&auth->arena, options->issuer);
    auth->api_url = arena_dup(&auth->arena, options->api_url);
    auth->bank_name = arena_dup(&auth->arena, options->bank_name.len ? options->bank_name : STR("Giro Bank"));
    if (!auth->bank_name.at) return err_origin(-ENOMEM);
    auth->options.directory_issuer = arena_dup(&auth->arena, options->directory_issuer);
    auth->options.directory_keys = arena_dup(&auth->arena, options->directory_keys);
    auth->options.registration_tier = arena_dup(&auth->arena, options->registration_tier);
    auth->token_url = arena_printf(&auth->arena, STR_FMT "/token", STR_ARG(options->api_url));
    auth->pushed_url = arena_printf(&auth->arena, STR_FMT "/par", STR_ARG(options->api_url));
    if (!auth->issuer.at || !auth->api_url.at || !auth->options.directory_issuer.at ||
        !auth->options.directory_keys.at || !auth->options.registration_tier.at || !auth->token_url.at ||
        !auth->pushed_url.at)
        return err_origin(-ENOMEM);
    uint8_t key[AUTH_SECRET_BYTES];
    random_bytes(key, sizeof key);
    int r = guess_limit_new(str_from_bytes((const char *)key, sizeof key), options->guesses_max, &auth->guesses);
    secret_wipe(key, sizeof key);
    if (!r) r = style_build(auth);
    if (!r) r = make_nonce_key(auth);
    return r ? err_trace(r) : err_trace(metadata_build(auth));
}

int auth_open(const struct auth_options *options, struct auth **ret_auth, struct message *message) {
    if (!url_fits(options->issuer) || !url_fits(options->api_url)) {
        message_set(message, "the issuer and the API's address must be https URLs without a slash at the end");
        return err_origin(-EINVAL);
    }
    struct auth *auth = calloc(1, sizeof *auth);
    if (!auth) return err_origin(-ENOMEM);
    auth->options = *options;
    if (!auth->options.now_ms) auth->options.now_ms = clock_now_ms;
    int r = arena_init(&auth->arena, 16 * 1024, AUTH_ARENA_BYTES_MAX);
    if (!r) r = auth_fill(auth, options);
    if (r) {
        auth_close(auth);
        return err_trace(r);
    }
    *ret_auth = auth;
    return 0;
}

struct auth *auth_close(struct auth *auth) {
    if (!auth) return NULL;
    guess_limit_free(auth->guesses);
    secret_wipe(&auth->dpop_nonce_key, sizeof auth->dpop_nonce_key);
    arena_release(&auth->arena);
    free(auth);
    return NULL;
}

struct str auth_metadata(const struct auth *auth) {
    return auth->metadata;
}

struct str auth_jwks(const struct auth *auth, struct arena *arena) {
    struct signing_set *set = signing_set_take(auth->options.signing_keys);
    struct str text = arena_dup(arena, signing_set_jwks(set));
    signing_set_release(set);
    return text;
}

/* ---- secrets in the request's arena ---- */

struct wiped {
    char *at;
    size_t len;
};

static void wipe_run(void *ctx) {
    struct wiped *wiped = ctx;
    secret_wipe(wiped->at, wiped->len);
}

int wipe_later(struct arena *arena, struct str secret) {
    if (secret.len == 0) return 0;
    struct wiped *wiped = arena_new(arena, struct wiped);
    if (!wiped) return err_origin(-ENOMEM);
    memcpy(&wiped->at, &secret.at, sizeof wiped->at); /* the arena's bytes, only borrowed as const */
    wiped->len = secret.len;
    return err_trace(arena_defer(arena, wipe_run, wiped));
}

int secret_text_make(struct arena *arena, struct str *ret_text) {
    uint8_t bytes[AUTH_SECRET_BYTES];
    char *text = arena_alloc(arena, AUTH_SECRET_TEXT_BYTES);
    struct buffer out;
    if (!text) return err_origin(-ENOMEM);
    buffer_init(&out, text, AUTH_SECRET_TEXT_BYTES);
    random_bytes(bytes, sizeof bytes);
    base64url_encode(&out, bytes, sizeof bytes);
    secret_wipe(bytes, sizeof bytes);
    int r = wipe_later(arena, buffer_str(&out));
    if (r) return err_trace(r);
    *ret_text = buffer_str(&out);
    return 0;
}

int secret_form_parse(struct str text, struct arena *arena, struct form *ret_form) {
    int r = form_parse(text, arena, ret_form);
    for (size_t i = 0; !r && i < ret_form->count; i++) r = wipe_later(arena, ret_form->fields[i].value);
    return r;
}

/* ---- answers ---- */

void answer_header(struct auth_request *request, const char *name, struct str value) {
    check(request->answer.header_count < AUTH_HEADERS_MAX);
    request->answer.headers[request->answer.header_count++] = (struct auth_header){ .name = name, .value = value };
}

int request_sent(struct auth_request *request, bool waits, int r) {
    if (r < 0) return err_trace(r);
    if (r) return AUTH_BUSY;
    if (waits) return AUTH_WAITS;
    query_end(request->query); /* what follows sees what the command did */
    r = query_begin(request->query);
    return r ? err_trace(r) : auth_finish(request);
}

int auth_finish(struct auth_request *request) {
    switch (request->command->answer.result) {
    case ANSWER_DONE:
    case ANSWER_REPLAYED:
        return request->finish(request);
    case ANSWER_UNAVAILABLE:
    case ANSWER_TOO_COMPLEX:
    case ANSWER_KEY_REUSED:
    case ANSWER_UNKNOWN:
        return AUTH_BUSY;
    case ANSWER_FAULT:
    case ANSWER_RESULT_COUNT:
        break;
    }
    return err_origin(-EIO);
}
