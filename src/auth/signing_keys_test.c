/* signing_keys_test.c - keys that sign, will sign and did sign, and their change under those who use them. */
#include "auth/signing_keys.h"

#include "wire/jose.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <pthread.h>

static struct key *keys[4];

static int setup(void **state) {
    (void)state;
    int r = 0;
    for (size_t i = 0; !r && i < ARRAY_COUNT(keys); i++) r = key_generate(KEY_TYPE_RSA, &keys[i]);
    return r;
}

static int teardown(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(keys); i++) keys[i] = key_free(keys[i]);
    return 0;
}

static struct signing_key_set set_of(struct key *current, struct key *next, struct key *previous) {
    return (struct signing_key_set){
        .keys = { [SIGNING_CURRENT] = current, [SIGNING_NEXT] = next, [SIGNING_PREVIOUS] = previous }
    };
}

static struct str sign(struct signing_keys *signing, struct arena *arena) {
    char *memory = arena_alloc(arena, 4096);
    struct buffer out;
    buffer_init(&out, memory, 4096);
    assert_int_equal(signing_keys_sign(signing, STR("JWT"), STR("{}"), &out), 0);
    return buffer_str(&out);
}

/* By the keys that are published now, as a client would: 0 or JOSE_E_*. */
static int verify(struct signing_keys *signing, struct str token, struct arena *arena) {
    struct signing_set *set = signing_set_take(signing);
    struct jwks *published;
    struct jws jws;
    assert_int_equal(jwks_parse(signing_set_jwks(set), &published, NULL), 0); /* refuses private members */
    signing_set_release(set);
    assert_int_equal(jws_parse(token, arena, &jws), 0);
    assert_true(str_equal_c(jws.typ, "JWT") && jws.kid.len == SIGNING_KID_BYTES);
    int r = jws_verify_set(&jws, published, KEY_ALG_PS256);
    jwks_free(published);
    return r;
}

/* spec: fapi/9, fapi/K5 */
static void what_was_signed_before_a_change_verifies_after_it(void **state) {
    (void)state;
    struct arena arena;
    struct signing_keys *signing;
    struct signing_key_set first = set_of(keys[0], keys[1], NULL), second = set_of(keys[1], keys[2], keys[0]),
                           third = set_of(keys[2], keys[3], keys[1]);
    assert_int_equal(arena_init(&arena, 4096, 1 << 20), 0);
    assert_int_equal(signing_keys_new(&first, &signing), 0);
    struct str old = sign(signing, &arena);
    assert_int_equal(verify(signing, old, &arena), 0);
    struct signing_set *held = signing_set_take(signing);
    assert_int_equal(signing_keys_put(signing, &second), 0);
    struct str fresh = sign(signing, &arena);
    assert_int_equal(verify(signing, old, &arena), 0);
    assert_int_equal(verify(signing, fresh, &arena), 0);
    assert_true(key_equal_public(signing_set_current(held)->key, keys[0])); /* (S2) */
    assert_true(key_equal_public(signing_set_at(held, SIGNING_NEXT)->key, keys[1]));
    assert_null(signing_set_at(held, SIGNING_PREVIOUS));
    signing_set_release(held);
    assert_int_equal(signing_keys_put(signing, &third), 0);
    assert_int_equal(verify(signing, fresh, &arena), 0);
    assert_int_equal(verify(signing, old, &arena), JOSE_E_KEY); /* two changes later it is gone */
    signing_keys_free(signing);
    arena_release(&arena);
}

static void keys_that_do_not_fit_change_nothing(void **state) {
    (void)state;
    struct signing_keys *signing = NULL;
    struct key *curve, *public;
    struct key_parts parts;
    assert_int_equal(key_generate(KEY_TYPE_EC_P256, &curve), 0);
    assert_int_equal(key_public_parts(keys[0], &parts), 0);
    assert_int_equal(
        key_load_rsa(str_from_bytes(parts.n, parts.n_bytes), str_from_bytes(parts.e, parts.e_bytes), &public), 0);
    struct signing_key_set good = set_of(keys[0], keys[0], keys[1]);
    const struct signing_key_set bad[] = { set_of(NULL, keys[0], NULL), set_of(curve, NULL, NULL),
                                           set_of(public, NULL, NULL), set_of(keys[0], curve, NULL) };
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) assert_int_equal(signing_keys_new(&bad[i], &signing), -EINVAL);
    assert_int_equal(signing_keys_new(&good, &signing), 0);
    for (size_t i = 0; i < ARRAY_COUNT(bad); i++) assert_int_equal(signing_keys_put(signing, &bad[i]), -EINVAL);
    struct signing_set *set = signing_set_take(signing);
    assert_true(key_equal_public(signing_set_current(set)->key, keys[0]));
    assert_null(signing_set_at(set, SIGNING_NEXT)); /* (S1) the same key counts once */
    assert_true(key_equal_public(signing_set_at(set, SIGNING_PREVIOUS)->key, keys[1]));
    signing_set_release(set);
    signing_keys_free(signing);
    key_free(curve);
    key_free(public);
}

enum { ROUNDS = 20 };

static void *sign_many(void *context) {
    struct arena arena;
    check(arena_init(&arena, 64 * 1024, 1 << 20) == 0);
    for (int i = 0; i < ROUNDS; i++) {
        arena_reset(&arena);
        (void)sign(context, &arena);
    }
    arena_release(&arena);
    return NULL;
}

static void threads_sign_while_keys_change(void **state) {
    (void)state;
    struct signing_keys *signing;
    pthread_t threads[2];
    struct signing_key_set sets[2] = { set_of(keys[0], keys[1], NULL), set_of(keys[1], NULL, keys[0]) };
    assert_int_equal(signing_keys_new(&sets[0], &signing), 0);
    for (size_t i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, sign_many, signing), 0);
    for (size_t i = 0; i < 200; i++) assert_int_equal(signing_keys_put(signing, &sets[i % 2]), 0);
    for (size_t i = 0; i < 2; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    signing_keys_free(signing);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_signed_before_a_change_verifies_after_it),
        cmocka_unit_test(keys_that_do_not_fit_change_nothing),
        cmocka_unit_test(threads_sign_while_keys_change),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
