/* Any bytes as the claims of a request object that its client has signed: either refused with a sentence, or parameters
 * of this client; and those judged by its profile, which gives terms that can be stored and loaded again, or a refusal.
 */
#include "auth/request_object.h"

#include "auth/client_assertion.h"
#include "auth/profile.h"
#include "auth/pushed_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct key *key;
static char jwks[512];

static void setup(void) {
    struct buffer out;
    buffer_init(&out, jwks, sizeof jwks - 1);
    check(key_generate(KEY_TYPE_ED25519, &key) == 0);
    struct jwk jwk = { .kid = STR("o"), .key = key };
    check(jwks_write(&out, &jwk, 1) == 0 && !out.overflow);
}

static void judge(const struct request_object *object, const struct client_view *client, struct arena *arena) {
    struct pushed_source source = { .form = &object->parameters, .client = client };
    struct pushed_terms terms, again;
    struct pushed_refusal refusal;
    char memory[16 * 1024];
    struct buffer out;
    if (!pushed_terms_read(&source, arena, &terms, &refusal)) {
        check(refusal.description &&
              (!refusal.redirects || str_equal_c(refusal.to.redirect_uri, "https://a.example/b")));
        return;
    }
    check(str_equal_c(terms.redirect_uri, "https://a.example/b") && str_equal_c(terms.client, "a"));
    check(terms.state.len <= PUSHED_STATE_BYTES_MAX && terms.nonce.len <= PUSHED_NONCE_BYTES_MAX);
    buffer_init(&out, memory, sizeof memory);
    check(pushed_terms_write(&terms, &out) == 0);
    check(pushed_terms_load(buffer_str(&out), arena, &again) == 0);
    check(str_equal(again.state, terms.state) && again.response_form == terms.response_form);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static char token[JOSE_TOKEN_BYTES_MAX];
    struct jws_header header = { .kid = STR("o") };
    struct arena arena;
    struct buffer out;
    const char *why = NULL;
    if (!key) setup();
    struct client_view client = { .name = STR("a"),
                                  .scope = STR("openid payments accounts"),
                                  .redirect_uris = STR("https://a.example/b"),
                                  .jwks = str_from_c(jwks),
                                  .profile = CLIENT_VIEW_FAPI2_MS,
                                  .profile_served = true };
    struct request_object_rules rules = { .client = &client, .issuer = STR("https://i"), .now_ms = 1700000000000 };
    buffer_init(&out, token, sizeof token);
    if (jws_sign(key, &header, str_from_bytes(bytes, size), &out)) return 0; /* too large for a token */
    if (arena_init(&arena, 64 * 1024, 1024 * 1024)) return 0;
    struct request_object *object = arena_new(&arena, struct request_object);
    int r = object ? request_object_read(buffer_str(&out), &rules, &arena, object, &why) : -ENOMEM;
    check(r <= 0 || (r == REQUEST_OBJECT_E_INVALID && why && object->is_signed));
    if (r == 0) judge(object, &client, &arena);
    arena_release(&arena);
    return 0;
}
