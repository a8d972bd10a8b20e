#include "auth/signing_keys.h"

#include "platform/encoding.h"
#include "wire/jose.h"

#include <pthread.h>
#include <stdatomic.h>

struct signing_set {
    atomic_uint references;
    size_t count;
    struct jwk published[SIGNING_PLACE_COUNT]; /* the current one first; the others as they are there */
    enum signing_place places[SIGNING_PLACE_COUNT];
    char kids[SIGNING_PLACE_COUNT][SIGNING_KID_BYTES + 1];
    char jwks[SIGNING_JWKS_BYTES_MAX];
    size_t jwks_bytes;
};

struct signing_keys {
    pthread_mutex_t lock; /* guards the pointer; never held over a signature */
    struct signing_set *set;
};

const char *signing_place_name(enum signing_place place) {
    static const char *const names[SIGNING_PLACE_COUNT] = {
        [SIGNING_CURRENT] = "current", [SIGNING_NEXT] = "next", [SIGNING_PREVIOUS] = "previous"
    };
    check(place < SIGNING_PLACE_COUNT);
    return names[place];
}

/* ---- a set ---- */

void signing_set_release(struct signing_set *set) {
    if (!set) return;
    unsigned before = atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel);
    check(before > 0);
    if (before > 1) return;
    for (size_t i = 0; i < set->count; i++) key_free(set->published[i].key);
    free(set);
}

static bool is_there(const struct signing_set *set, const struct key *key) {
    for (size_t i = 0; i < set->count; i++)
        if (key_equal_public(set->published[i].key, key)) return true;
    return false;
}

static int set_add(struct signing_set *set, struct key *key, enum signing_place place) {
    struct hash thumbprint;
    struct buffer kid;
    if (key_algorithm(key) != KEY_ALG_PS256 || !key_is_private(key)) return err_origin(-EINVAL);
    if (is_there(set, key)) return 0; /* (S1) */
    int r = jwk_thumbprint(key, &thumbprint);
    if (r) return err_fold(r);
    buffer_init(&kid, set->kids[set->count], SIGNING_KID_BYTES);
    base64url_encode(&kid, thumbprint.bytes, sizeof thumbprint.bytes);
    check(!kid.overflow);
    set->places[set->count] = place;
    set->published[set->count++] = (struct jwk){ .kid = buffer_str(&kid), .key = key_share(key) };
    return 0;
}

static int set_new(const struct signing_key_set *given, struct signing_set **ret_set) {
    struct signing_set *set = calloc(1, sizeof *set);
    struct buffer jwks;
    if (!set) return err_origin(-ENOMEM);
    atomic_init(&set->references, 1);
    int r = given->keys[SIGNING_CURRENT] ? 0 : err_origin(-EINVAL);
    for (int place = 0; !r && place < SIGNING_PLACE_COUNT; place++)
        if (given->keys[place]) r = set_add(set, given->keys[place], (enum signing_place)place);
    buffer_init(&jwks, set->jwks, sizeof set->jwks);
    if (!r) r = jwks_write(&jwks, set->published, set->count);
    if (!r && jwks.overflow) r = err_origin(-EMSGSIZE);
    set->jwks_bytes = jwks.len;
    if (!r) *ret_set = set;
    else signing_set_release(set);
    return err_trace(r);
}

const struct jwk *signing_set_current(const struct signing_set *set) {
    return &set->published[0];
}

const struct jwk *signing_set_at(const struct signing_set *set, enum signing_place place) {
    for (size_t i = 0; i < set->count; i++)
        if (set->places[i] == place) return &set->published[i];
    return NULL;
}

struct str signing_set_jwks(const struct signing_set *set) {
    return str_from_bytes(set->jwks, set->jwks_bytes);
}

/* ---- the place where it hangs ---- */

int signing_keys_new(const struct signing_key_set *set, struct signing_keys **ret_keys) {
    struct signing_keys *keys = calloc(1, sizeof *keys);
    if (!keys) return err_origin(-ENOMEM);
    int r = set_new(set, &keys->set);
    if (r) {
        free(keys);
        return err_trace(r);
    }
    check(pthread_mutex_init(&keys->lock, NULL) == 0);
    *ret_keys = keys;
    return 0;
}

int signing_keys_put(struct signing_keys *keys, const struct signing_key_set *set) {
    struct signing_set *fresh = NULL, *old;
    int r = set_new(set, &fresh);
    if (r) return err_trace(r);
    check(pthread_mutex_lock(&keys->lock) == 0);
    old = keys->set;
    keys->set = fresh;
    check(pthread_mutex_unlock(&keys->lock) == 0);
    signing_set_release(old);
    return 0;
}

struct signing_keys *signing_keys_free(struct signing_keys *keys) {
    if (!keys) return NULL;
    signing_set_release(keys->set);
    (void)pthread_mutex_destroy(&keys->lock); /* nobody uses it any more */
    free(keys);
    return NULL;
}

struct signing_set *signing_set_take(struct signing_keys *keys) {
    check(pthread_mutex_lock(&keys->lock) == 0);
    struct signing_set *set = keys->set;
    unsigned before = atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
    check(pthread_mutex_unlock(&keys->lock) == 0);
    check(before > 0 && before < UINT32_MAX);
    return set;
}

int signing_keys_sign(struct signing_keys *keys, struct str typ, struct str payload, struct buffer *out) {
    struct signing_set *set = signing_set_take(keys);
    const struct jwk *current = signing_set_current(set);
    struct jws_header header = { .kid = current->kid, .typ = typ };
    int r = jws_sign(current->key, &header, payload, out);
    signing_set_release(set);
    return err_fold(r);
}
