#include "wire/jwks.h"

#include "platform/digest.h"
#include "platform/encoding.h"

enum {
    JWKS_TEXT_BYTES_MAX = JWKS_KEYS_MAX * (JWK_KID_BYTES_MAX + 33),
    JWKS_TEXT_BLOCK_BYTES = 1024,
    JWK_TEXT_BYTES_MAX = 2048
};

struct jwks {
    struct arena arena; /* holds the kids */
    size_t count;
    struct jwk keys[JWKS_KEYS_MAX];
};

/* Any of these and the key is no public key. */
static const char *const private_members[] = { "d", "p", "q", "dp", "dq", "qi", "oth", "k" };

static int jwks_refuse(int refusal, size_t index, struct message *message, const char *why) {
    message_set(message, "key %zu of the set: %s", index + 1, why);
    return refusal;
}

/* The decoded bytes of a base64url member in memory; false when it is absent, not a string, not strict or too long. */
static bool number_read(const struct json *jwk, const char *name, struct buffer *number) {
    const struct json *member = json_get(jwk, name);
    return json_is_string(member) && base64url_decode(json_string(member), number) == 0 && !number->overflow;
}

static int rsa_read(const struct json *jwk, struct key **ret_key) {
    uint8_t n_memory[KEY_RSA_BYTES_MAX], e_memory[KEY_RSA_EXPONENT_BYTES_MAX];
    struct buffer n, e;
    buffer_init(&n, n_memory, sizeof n_memory);
    buffer_init(&e, e_memory, sizeof e_memory);
    if (!number_read(jwk, "n", &n) || !number_read(jwk, "e", &e)) return KEY_E_SYNTAX;
    return key_load_rsa(buffer_str(&n), buffer_str(&e), ret_key);
}

static int ec_read(const struct json *jwk, struct key **ret_key) {
    uint8_t x_memory[KEY_P256_BYTES], y_memory[KEY_P256_BYTES];
    struct buffer x, y;
    buffer_init(&x, x_memory, sizeof x_memory);
    buffer_init(&y, y_memory, sizeof y_memory);
    if (!number_read(jwk, "x", &x) || !number_read(jwk, "y", &y)) return KEY_E_SYNTAX;
    return key_load_ec_p256(buffer_str(&x), buffer_str(&y), ret_key);
}

static int okp_read(const struct json *jwk, struct key **ret_key) {
    uint8_t memory[KEY_ED25519_BYTES];
    struct buffer x;
    buffer_init(&x, memory, sizeof memory);
    return number_read(jwk, "x", &x) ? key_load_ed25519(buffer_str(&x), ret_key) : KEY_E_SYNTAX;
}

static int key_read(const struct json *jwk, enum key_alg alg, struct key **ret_key) {
    switch (alg) {
    case KEY_ALG_PS256: return rsa_read(jwk, ret_key);
    case KEY_ALG_ES256: return ec_read(jwk, ret_key);
    case KEY_ALG_EDDSA: return okp_read(jwk, ret_key);
    case KEY_ALG_NONE: break;
    }
    return KEY_E_KIND;
}

/* "verify" among key_ops; no key_ops says nothing. */
static bool operations_allow(const struct json *jwk) {
    const struct json *operations = json_get(jwk, "key_ops");
    if (!operations) return true;
    for (size_t i = 0; i < json_count(operations); i++)
        if (str_equal_c(json_string(json_at(operations, i)), "verify")) return true;
    return false;
}

/* Which algorithm this key may verify by all it says of itself; KEY_ALG_NONE: it is not for us. */
static enum key_alg jwk_algorithm(const struct json *jwk) {
    struct str kty = json_get_string(jwk, "kty");
    enum key_alg alg = KEY_ALG_NONE;
    if (str_equal(kty, STR("RSA"))) alg = KEY_ALG_PS256;
    else if (str_equal(kty, STR("EC")) && str_equal_c(json_get_string(jwk, "crv"), "P-256")) alg = KEY_ALG_ES256;
    else if (str_equal(kty, STR("OKP")) && str_equal_c(json_get_string(jwk, "crv"), "Ed25519")) alg = KEY_ALG_EDDSA;
    if (json_get(jwk, "use") && !str_equal_c(json_get_string(jwk, "use"), "sig")) return KEY_ALG_NONE;
    if (json_get(jwk, "alg") && key_alg_parse(json_get_string(jwk, "alg")) != alg) return KEY_ALG_NONE;
    return operations_allow(jwk) ? alg : KEY_ALG_NONE;
}

static int jwk_judge(const struct json *jwk, size_t index, struct message *message) {
    if (json_type(jwk) != JSON_OBJECT_TYPE || !json_is_string(json_get(jwk, "kty")))
        return jwks_refuse(JWKS_E_SYNTAX, index, message, "no kty");
    for (size_t i = 0; i < ARRAY_COUNT(private_members); i++)
        if (json_get(jwk, private_members[i]))
            return jwks_refuse(JWKS_E_PRIVATE, index, message, "private or symmetric: publish public keys only");
    if (json_get(jwk, "x5u") || json_get(jwk, "jku"))
        return jwks_refuse(JWKS_E_REMOTE, index, message, "x5u and jku are not followed");
    const struct json *kid = json_get(jwk, "kid");
    if (kid && (!json_is_string(kid) || json_string(kid).len == 0 || json_string(kid).len > JWK_KID_BYTES_MAX))
        return jwks_refuse(JWKS_E_SYNTAX, index, message, "kid must be a string of 1 to 255 bytes");
    return 0;
}

static int jwks_add(struct jwks *jwks, const struct json *jwk, size_t index, struct message *message) {
    int r = jwk_judge(jwk, index, message);
    if (r) return r;
    enum key_alg alg = jwk_algorithm(jwk);
    struct str kid = json_get_string(jwk, "kid");
    if (alg == KEY_ALG_NONE) return 0; /* (J1): left out */
    if (kid.len && jwks_find(jwks, kid, alg))
        return jwks_refuse(JWKS_E_DUPLICATE, index, message, "its kid and algorithm are another key's");
    struct key *key = NULL;
    r = key_read(jwk, alg, &key);
    if (r > 0) return jwks_refuse(JWKS_E_KEY, index, message, key_refusal_text(r));
    if (r < 0) return err_trace(r);
    kid = arena_dup(&jwks->arena, kid);
    if (!kid.at) {
        key_free(key);
        return err_origin(-ENOMEM);
    }
    jwks->keys[jwks->count++] = (struct jwk){ .kid = kid, .key = key };
    return 0;
}

int jwks_read(const struct json *json, struct jwks **ret_jwks, struct message *message) {
    const struct json *keys = json_get(json, "keys");
    if (json_type(keys) != JSON_ARRAY_TYPE) {
        message_set(message, "a set of keys is an object with an array named keys");
        return JWKS_E_SYNTAX;
    }
    if (json_count(keys) > JWKS_KEYS_MAX) {
        message_set(message, "a set has at most %d keys", JWKS_KEYS_MAX);
        return JWKS_E_SIZE;
    }
    struct jwks *jwks = calloc(1, sizeof *jwks);
    if (!jwks) return err_origin(-ENOMEM);
    int r = arena_init(&jwks->arena, JWKS_TEXT_BLOCK_BYTES, JWKS_TEXT_BYTES_MAX);
    for (size_t i = 0; r == 0 && i < json_count(keys); i++) r = jwks_add(jwks, json_at(keys, i), i, message);
    if (r == 0) *ret_jwks = jwks;
    else jwks_free(jwks);
    return r < 0 ? err_trace(r) : r;
}

int jwk_read(const struct json *json, struct key **ret_key, struct message *message) {
    struct jwks *jwks = calloc(1, sizeof *jwks);
    if (!jwks) return err_origin(-ENOMEM);
    int r = arena_init(&jwks->arena, JWKS_TEXT_BLOCK_BYTES, JWKS_TEXT_BYTES_MAX);
    if (r == 0) r = jwks_add(jwks, json, 0, message);
    if (r == 0 && jwks->count == 0) r = jwks_refuse(JWKS_E_KEY, 0, message, "it cannot verify a signature here");
    if (r == 0) *ret_key = key_share(jwks->keys[0].key);
    jwks_free(jwks);
    return r < 0 ? err_trace(r) : r;
}

int jwks_parse(struct str text, struct jwks **ret_jwks, struct message *message) {
    struct json *json = NULL;
    int r = json_parse(text, JWKS_BYTES_MAX, JWKS_DEPTH_MAX, &json, message);
    if (r > 0) return r == JSON_E_SIZE ? JWKS_E_SIZE : JWKS_E_SYNTAX;
    if (r == 0) r = jwks_read(json, ret_jwks, message);
    json_free(json);
    return r < 0 ? err_trace(r) : r;
}

struct jwks *jwks_free(struct jwks *jwks) {
    if (!jwks) return NULL;
    for (size_t i = 0; i < jwks->count; i++) key_free(jwks->keys[i].key);
    arena_release(&jwks->arena);
    free(jwks);
    return NULL;
}

size_t jwks_count(const struct jwks *jwks) {
    return jwks->count;
}

const struct jwk *jwks_at(const struct jwks *jwks, size_t index) {
    check(index < jwks->count);
    return &jwks->keys[index];
}

bool jwks_has_kid(const struct jwks *jwks, struct str kid) {
    for (size_t i = 0; i < jwks->count; i++)
        if (str_equal(jwks->keys[i].kid, kid)) return true;
    return false;
}

const struct jwk *jwks_find(const struct jwks *jwks, struct str kid, enum key_alg alg) {
    const struct jwk *found = NULL;
    for (size_t i = 0; i < jwks->count; i++) {
        const struct jwk *jwk = &jwks->keys[i];
        if (key_algorithm(jwk->key) != alg || (kid.len && !str_equal(jwk->kid, kid))) continue;
        if (found) return NULL; /* without a kid, two keys fit */
        found = jwk;
    }
    return found;
}

static void number_put(struct json_writer *writer, const char *name, const uint8_t *at, size_t len) {
    char memory[KEY_RSA_BYTES_MAX / 3 * 4 + 8];
    struct buffer text;
    buffer_init(&text, memory, sizeof memory);
    base64url_encode(&text, at, len);
    check(!text.overflow);
    json_member_str(writer, name, buffer_str(&text));
}

/* The required members in the order of RFC 7638 section 3.2 and RFC 8037 section 2: e, kty, n or crv, kty, x, y. */
static void public_members_put(struct json_writer *writer, const struct key_parts *parts) {
    if (parts->type == KEY_TYPE_RSA) {
        number_put(writer, "e", parts->e, parts->e_bytes);
        json_member_c(writer, "kty", "RSA");
        number_put(writer, "n", parts->n, parts->n_bytes);
    } else if (parts->type == KEY_TYPE_ED25519) {
        json_member_c(writer, "crv", "Ed25519");
        json_member_c(writer, "kty", "OKP");
        number_put(writer, "x", parts->x, sizeof parts->x);
    } else {
        json_member_c(writer, "crv", "P-256");
        json_member_c(writer, "kty", "EC");
        number_put(writer, "x", parts->x, sizeof parts->x);
        number_put(writer, "y", parts->y, sizeof parts->y);
    }
}

int jwks_write(struct buffer *out, const struct jwk *keys, size_t count) {
    struct json_writer writer;
    json_begin(&writer, out);
    json_object_begin(&writer);
    json_name(&writer, "keys");
    json_array_begin(&writer);
    for (size_t i = 0; i < count; i++) {
        struct key_parts parts;
        int r = key_public_parts(keys[i].key, &parts);
        if (r) return err_trace(r);
        json_object_begin(&writer);
        public_members_put(&writer, &parts);
        json_member_c(&writer, "use", "sig");
        json_member_c(&writer, "alg", key_alg_name(key_algorithm(keys[i].key)));
        if (keys[i].kid.len) json_member_str(&writer, "kid", keys[i].kid);
        json_object_end(&writer);
    }
    json_array_end(&writer);
    json_object_end(&writer);
    return out->overflow ? err_origin(-ENOMEM) : 0;
}

int jwk_thumbprint(const struct key *key, struct hash *ret_thumbprint) {
    char memory[JWK_TEXT_BYTES_MAX];
    struct buffer text;
    struct json_writer writer;
    struct key_parts parts;
    int r = key_public_parts(key, &parts);
    if (r) return err_trace(r);
    buffer_init(&text, memory, sizeof memory);
    json_begin(&writer, &text);
    json_object_begin(&writer);
    public_members_put(&writer, &parts);
    json_object_end(&writer);
    check(!text.overflow);
    *ret_thumbprint = sha256_str(buffer_str(&text));
    return 0;
}
