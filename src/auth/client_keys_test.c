/* client_keys_test.c - keys by URL: how often they are fetched, how long they are good, who waits (client_keys.h). */
#include "auth/client_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

static const char URL[] = "https://keys.example/jwks";
static int64_t start_ms = 1000000; /* of the monotonic clock */
static _Atomic int64_t now_ms;
static atomic_int fetches, failures;
static _Atomic bool gone;
static char documents[2][1024];
static atomic_int document;

static int64_t mono(void) {
    return now_ms;
}

static int fetch(void *ctx, const char *url, struct buffer *out, struct message *message) {
    assert_null(ctx);
    atomic_fetch_add(&fetches, 1);
    if (gone) {
        message_set(message, "gone");
        return 1;
    }
    if (strstr(url, "/bad")) buffer_append_c(out, "{\"keys\":7}");
    else buffer_append_c(out, documents[document]);
    return 0;
}

static void on_failure(void *ctx, const char *url, const char *reason) {
    (void)ctx;
    assert_non_null(strstr(url, "keys.example"));
    assert_true(reason[0] != 0);
    atomic_fetch_add(&failures, 1);
}

static int write_documents(void **state) {
    static const struct str kids[] = { STR_INIT("first"), STR_INIT("second") };
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct jwk jwk = { .kid = kids[i] };
        struct buffer out;
        assert_int_equal(key_generate(KEY_TYPE_EC_P256, &jwk.key), 0);
        buffer_init(&out, documents[i], sizeof documents[i] - 1);
        assert_int_equal(jwks_write(&out, &jwk, 1), 0);
        key_free(jwk.key);
    }
    return 0;
}

static int open_keys(void **state) {
    struct client_keys *keys;
    struct client_keys_options options = {
        .waiters_max = 2, .on_failure = on_failure, .fetch = fetch, .mono_ms = mono
    };
    now_ms = start_ms;
    fetches = failures = document = 0;
    gone = false;
    assert_int_equal(client_keys_open(&options, &keys), 0);
    *state = keys;
    return 0;
}

static int close_keys(void **state) {
    assert_null(client_keys_close(*state));
    return 0;
}

static struct client_key_source source_of(struct client_keys *keys, const char *url) {
    return (struct client_key_source){ .jwks_uri = str_from_c(url), .cache = keys };
}

/* What a request gets now, which is given back at once: the kid of the set, or NULL. */
static const char *kid_now(struct client_keys *keys, const char *looks_for) {
    struct client_key_source source = source_of(keys, URL);
    struct client_key_set *set, *newer;
    if (client_keys_take(&source, NULL, &set)) return NULL;
    if (looks_for && !jwks_has_kid(client_key_set_keys(set), str_from_c(looks_for)) &&
        client_keys_take(&source, set, &newer) == 0) {
        client_key_set_release(set);
        set = newer;
    }
    const char *kid = jwks_has_kid(client_key_set_keys(set), STR("first")) ? "first" : "second";
    client_key_set_release(set);
    return kid;
}

static void wait_for_fetches(int count) {
    for (int64_t i = 0; fetches < count; i++) assert_true(i < 2000000000);
}

/* spec: fapi/K5 */
static void a_set_is_kept_for_its_life(void **state) {
    struct client_keys *keys = *state;
    for (int i = 0; i < 3; i++) assert_string_equal(kid_now(keys, NULL), "first");
    assert_int_equal(fetches, 1);
    now_ms = start_ms + CLIENT_KEYS_LIFE_MS - CLIENT_KEYS_AHEAD_MS - 1;
    assert_string_equal(kid_now(keys, NULL), "first");
    assert_int_equal(fetches, 1);
    document = 1;
    now_ms = start_ms + CLIENT_KEYS_LIFE_MS;
    assert_string_equal(kid_now(keys, NULL), "second"); /* it was waited for */
    assert_int_equal(fetches, 2);
}

static void it_is_fetched_ahead_without_waiting(void **state) {
    struct client_keys *keys = *state;
    assert_string_equal(kid_now(keys, NULL), "first");
    now_ms = start_ms + CLIENT_KEYS_LIFE_MS - 1;
    assert_non_null(kid_now(keys, NULL));
    wait_for_fetches(2);
}

/* spec: fapi/C7, gateway/T9 */
static void an_unknown_kid_fetches_once_a_minute(void **state) {
    struct client_keys *keys = *state;
    assert_string_equal(kid_now(keys, "first"), "first");
    document = 1;
    assert_string_equal(kid_now(keys, "second"), "second");
    assert_int_equal(fetches, 2);
    for (int i = 0; i < 100; i++) assert_string_equal(kid_now(keys, "nobody"), "second");
    assert_int_equal(fetches, 2);
    now_ms = start_ms + CLIENT_KEYS_COOL_MS - 1;
    assert_non_null(kid_now(keys, "nobody"));
    assert_int_equal(fetches, 2);
    now_ms = start_ms + CLIENT_KEYS_COOL_MS;
    assert_non_null(kid_now(keys, "nobody"));
    assert_int_equal(fetches, 3);
}

static void while_the_host_is_gone_old_keys_do_for_a_time(void **state) {
    struct client_keys *keys = *state;
    assert_string_equal(kid_now(keys, NULL), "first");
    gone = true;
    now_ms = start_ms + CLIENT_KEYS_LIFE_MS;
    for (int i = 0; i < 5; i++) assert_string_equal(kid_now(keys, NULL), "first");
    assert_int_equal(fetches, 2); /* and not again for CLIENT_KEYS_RETRY_MS */
    now_ms = start_ms + CLIENT_KEYS_LIFE_MS + CLIENT_KEYS_RETRY_MS;
    assert_string_equal(kid_now(keys, NULL), "first");
    assert_int_equal(fetches, 3);
    now_ms = start_ms + CLIENT_KEYS_STALE_MS - 1;
    assert_string_equal(kid_now(keys, NULL), "first");
    now_ms = start_ms + CLIENT_KEYS_STALE_MS;
    assert_null(kid_now(keys, NULL));
    gone = false;
    now_ms = start_ms + CLIENT_KEYS_STALE_MS + CLIENT_KEYS_RETRY_MS;
    assert_string_equal(kid_now(keys, NULL), "first");
}

static void what_is_no_set_is_refused_and_told(void **state) {
    struct client_keys *keys = *state;
    struct client_key_source source = source_of(keys, "https://keys.example/bad");
    struct client_key_set *set = NULL;
    assert_int_equal(client_keys_take(&source, NULL, &set), CLIENT_KEYS_E_ABSENT);
    assert_int_equal(client_keys_take(&source, NULL, &set), CLIENT_KEYS_E_ABSENT);
    assert_int_equal(fetches, 1);
    assert_int_equal(failures, 1);
    source.cache = NULL;
    assert_int_equal(client_keys_take(&source, NULL, &set), CLIENT_KEYS_E_ABSENT);
    assert_null(set);
}

static void by_value_nothing_is_fetched(void **state) {
    struct client_key_source source = { .jwks = str_from_c(documents[0]), .cache = *state };
    struct client_key_set *set;
    assert_int_equal(client_keys_take(&source, NULL, &set), 0);
    assert_true(jwks_has_kid(client_key_set_keys(set), STR("first")));
    client_key_set_release(set);
    assert_int_equal(fetches, 0);
}

static void more_urls_than_places(void **state) {
    struct client_keys *keys = *state;
    char url[64];
    for (int i = 0; i < CLIENT_KEYS_URLS_MAX + 10; i++) {
        (void)snprintf(url, sizeof url, "https://keys.example/%d", i);
        struct client_key_source source = source_of(keys, url);
        struct client_key_set *set;
        now_ms = now_ms + 1;
        assert_int_equal(client_keys_take(&source, NULL, &set), 0);
        client_key_set_release(set);
    }
    assert_int_equal(fetches, CLIENT_KEYS_URLS_MAX + 10);
    assert_string_equal(kid_now(keys, NULL), "first");
}

#define KEYS_TEST(name) cmocka_unit_test_setup_teardown(name, open_keys, close_keys)

int main(void) {
    const struct CMUnitTest tests[] = {
        KEYS_TEST(a_set_is_kept_for_its_life),
        KEYS_TEST(it_is_fetched_ahead_without_waiting),
        KEYS_TEST(an_unknown_kid_fetches_once_a_minute),
        KEYS_TEST(while_the_host_is_gone_old_keys_do_for_a_time),
        KEYS_TEST(what_is_no_set_is_refused_and_told),
        KEYS_TEST(by_value_nothing_is_fetched),
        KEYS_TEST(more_urls_than_places),
    };
    return cmocka_run_group_tests(tests, write_documents, NULL);
}
