/* auth_refresh_test.c - grants of consents to reads of accounts, over a real engine: what a refresh token is good for
 * and what ends it. The codes and consents stand in the store as the consent pages write them. */
#include "app/auth_test_world.h"

#include "integration/command/command_run.h"
#include "services/consents/account_consent.h"
#include "services/identity/grant.h"

#define VERIFIER "abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define EXPIRES "http://openbanking.org.uk/refresh_token_expires_at"

static const uint8_t customer_id[16] = { 7 };
static const uint8_t two_accounts[32] = { [0] = 1, [16] = 2 };

/* ---- what happens to a consent, as its own commands do it ---- */

enum happening { AUTHORISED, CANCELLED, DELETED, ACCOUNT_REMOVED };
struct happened {
    enum happening happening;
    struct consent_id consent_id;
};

static int happen(struct work *work, struct command *command) {
    const struct happened *happened = command->input;
    const uint8_t *id = happened->consent_id.bytes;
    switch (happened->happening) {
    case AUTHORISED:
        return account_consent_authorise(work, id, customer_id, str_from_bytes(two_accounts, sizeof two_accounts));
    case CANCELLED:
        return account_consent_cancel(work, id);
    case DELETED:
        return account_consent_delete(work, id);
    case ACCOUNT_REMOVED:
        return account_consent_remove_account(work, id, two_accounts);
    }
    return -EINVAL;
}
static const struct command_kind happen_kind = { .name = "happen", .decide = happen };

static void let_happen(struct world *world, enum happening happening, const struct consent_id *consent) {
    struct happened happened = { .happening = happening, .consent_id = *consent };
    assert_int_equal(command_run_program(&world->integration, &happen_kind, &happened), 0);
}

static void insert(struct world *world, const struct table *table, const void *row) {
    struct store_change change = { .table = table, .kind = STORE_INSERT, .row = row };
    assert_int_equal(store_commit(world->store, &change, 1), 0); /* the engine is idle */
}

static struct consent_id consent_new(struct world *world, int64_t expires_ms) {
    struct account_consent_row row = { .status = ACCOUNT_CONSENT_AWAU,
                                       .expires_ms = expires_ms,
                                       .document = STR("{}"),
                                       .created_ms = world_clock(),
                                       .status_ms = world_clock() };
    struct consent_id id;
    random_bytes(id.bytes, sizeof id.bytes);
    memcpy(row.consent_id, id.bytes, 16);
    memcpy(row.client_id, world->acme.client_id.bytes, 16);
    insert(world, &account_consent_table, &row);
    let_happen(world, AUTHORISED, &id);
    return id;
}

static enum account_consent_status status_of(struct world *world, const struct consent_id *id) {
    struct account_consent_row probe = { 0 };
    memcpy(probe.consent_id, id->bytes, 16);
    struct store_probe want = { .table = &account_consent_table, .row = &probe };
    assert_int_equal(store_load(world->store, &want, 1, &world->arena), 0);
    return account_consent_status_at(want.ret_row, world_clock());
}

/* ---- codes and tokens ---- */

static struct str code_new(struct world *world, const struct consent_id *consent) {
    struct str code = arena_printf(&world->arena, "code-%d", ++world->jti);
    struct hash hash = sha256_str(STR(VERIFIER));
    char *memory = arena_alloc(&world->arena, 64);
    struct buffer challenge;
    buffer_init(&challenge, memory, 64);
    base64url_encode(&challenge, hash.bytes, sizeof hash.bytes);
    struct code_row row = { .code_hash = sha256_str(code),
                            .scope = STR("openid accounts"),
                            .redirect_uri = STR(REDIRECT_URI),
                            .code_challenge = buffer_str(&challenge),
                            .nonce = STR("n-1"),
                            .acr = STR("urn:openbanking:psd2:sca"),
                            .auth_ms = world_clock(),
                            .issued_ms = world_clock(),
                            .expires_ms = world_clock() + CODE_LIFE_MS };
    memcpy(row.client_id, world->acme.client_id.bytes, 16);
    memcpy(row.customer_id, customer_id, 16);
    memcpy(row.consent_id, consent->bytes, 16);
    insert(world, &code_table, &row);
    return code;
}

static struct auth_answer exchange(struct world *world, struct str code) {
    return post(world, &world->acme, auth_token,
                form_of(world, "grant_type", "authorization_code", "code", code.at, "redirect_uri", REDIRECT_URI,
                        "code_verifier", VERIFIER, NULL));
}

static struct auth_answer refresh(struct world *world, struct str token) {
    return post(
        world, &world->acme, auth_token,
        form_of(world, "grant_type", "refresh_token", "refresh_token", arena_dup(&world->arena, token).at, NULL));
}

static void assert_granted(const struct auth_answer *answer) {
    if (answer->status != 200) fail_msg("%d " STR_FMT, answer->status, STR_ARG(answer->content));
    assert_str(header_of(answer, "Cache-Control"), "no-store");
}

static void assert_over(struct world *world, struct auth_answer answer) {
    assert_int_equal(answer.status, 400);
    assert_str(member(world, answer.content, "error"), "invalid_grant");
}

static bool is_active(struct world *world, struct str token) {
    const struct json *document;
    struct auth_answer answer =
        post(world, &world->acme, auth_introspect, form_of(world, "token", arena_dup(&world->arena, token).at, NULL));
    assert_int_equal(answer.status, 200);
    assert_int_equal(json_parse_arena(answer.content, 64 * 1024, 8, &world->arena, &document), 0);
    return json_get_bool(document, "active", false);
}

static const struct json *id_token_of(struct world *world, const struct auth_answer *answer) {
    struct jws jws;
    const struct json *claims;
    assert_int_equal(jws_parse(member(world, answer->content, "id_token"), &world->arena, &jws), 0);
    assert_int_equal(jws_verify(&jws, world->bank_key, KEY_ALG_NONE), 0);
    assert_int_equal(jws_claims(&jws, &world->arena, &claims), 0);
    return claims;
}

static void pass(int64_t ms) {
    atomic_fetch_add(&world_now_ms, ms);
}

/* ---- the tests ---- */

/* spec: uk/B5, fapi/78, fapi/80, uk/B6 */
static void a_refresh_token_lasts_as_long_as_its_consent(void **state) {
    struct world *world = *state;
    struct consent_id for_ever = consent_new(world, 0);
    struct auth_answer first = exchange(world, code_new(world, &for_ever));
    assert_granted(&first);
    struct str token = member(world, first.content, "refresh_token");
    assert_null(json_get(id_token_of(world, &first), EXPIRES));
    pass(INT64_C(400) * 24 * 3600 * 1000); /* it never ends by itself */
    struct auth_answer later = refresh(world, token);
    assert_granted(&later);
    assert_str(member(world, later.content, "scope"), "openid accounts");
    const struct json *claims = id_token_of(world, &later);
    assert_null(json_get(claims, EXPIRES));
    assert_null(json_get(claims, "nonce"));
    assert_true(str_equal(json_get_string(claims, "sub"), json_get_string(id_token_of(world, &first), "sub")));
    int64_t expires_ms = world_clock() + 3600 * 1000;
    struct consent_id bounded = consent_new(world, expires_ms);
    first = exchange(world, code_new(world, &bounded));
    assert_granted(&first);
    token = member(world, first.content, "refresh_token");
    assert_int_equal(json_get_integer(id_token_of(world, &first), EXPIRES, 0), expires_ms / 1000);
    pass(3600 * 1000 - 1);
    later = refresh(world, token);
    assert_granted(&later);
    assert_true(is_active(world, token));
    pass(1);
    assert_over(world, refresh(world, token));
    assert_false(is_active(world, token));
    assert_false(is_active(world, member(world, later.content, "access_token"))); /* with it, its tokens */
    assert_int_equal(status_of(world, &bounded), ACCOUNT_CONSENT_EXPD);
}

/* spec: uk/Q11 */
static void the_end_of_a_token_changes_no_consent(void **state) {
    struct world *world = *state;
    struct consent_id consent = consent_new(world, 0);
    struct auth_answer first = exchange(world, code_new(world, &consent));
    pass(TOKEN_LIFE_MS);
    assert_false(is_active(world, member(world, first.content, "access_token")));
    assert_int_equal(status_of(world, &consent), ACCOUNT_CONSENT_AUTH);
    struct auth_answer later = refresh(world, member(world, first.content, "refresh_token"));
    assert_granted(&later);
    assert_true(is_active(world, member(world, later.content, "access_token")));
}

/* spec: uk/Q10, fapi/V17, fapi/117 */
static void what_ends_the_consent_ends_the_grant(void **state) {
    struct world *world = *state;
    static const enum happening ends[] = { CANCELLED, DELETED };
    for (size_t i = 0; i < ARRAY_COUNT(ends); i++) {
        struct consent_id consent = consent_new(world, 0);
        struct auth_answer first = exchange(world, code_new(world, &consent));
        struct str token = member(world, first.content, "refresh_token"),
                   access = member(world, first.content, "access_token"), unused = code_new(world, &consent);
        assert_true(is_active(world, access));
        let_happen(world, ends[i], &consent);
        assert_over(world, refresh(world, token));
        assert_over(world, exchange(world, unused));
        assert_false(is_active(world, access));
        assert_false(is_active(world, token));
    }
    struct consent_id consent = consent_new(world, 0); /* an account less is no end (uk/Q9) */
    struct auth_answer first = exchange(world, code_new(world, &consent));
    pass(1000);
    let_happen(world, ACCOUNT_REMOVED, &consent);
    first = refresh(world, member(world, first.content, "refresh_token"));
    assert_granted(&first);
    assert_true(is_active(world, member(world, first.content, "access_token")));
}

/* spec: uk/B7, uk/X6 */
static void a_consent_that_is_given_anew_begins_anew(void **state) {
    struct world *world = *state;
    struct consent_id consent = consent_new(world, 0);
    struct auth_answer first = exchange(world, code_new(world, &consent));
    struct str token = member(world, first.content, "refresh_token"),
               access = member(world, first.content, "access_token"), unused = code_new(world, &consent);
    pass(1000);
    let_happen(world, CANCELLED, &consent);
    let_happen(world, AUTHORISED, &consent);
    assert_over(world, refresh(world, token));
    assert_over(world, exchange(world, unused));
    assert_false(is_active(world, access));
    struct auth_answer second = exchange(world, code_new(world, &consent));
    assert_granted(&second);
    pass(1000);
    let_happen(world, AUTHORISED, &consent); /* also while it stood */
    assert_over(world, refresh(world, member(world, second.content, "refresh_token")));
    second = exchange(world, code_new(world, &consent));
    second = refresh(world, member(world, second.content, "refresh_token"));
    assert_granted(&second);
}

/* spec: fapi/A9, fapi/69 */
static void what_is_revoked_stays_so_after_a_restart(void **state) {
    struct world *world = *state;
    struct consent_id consent = consent_new(world, 0);
    struct str code = code_new(world, &consent);
    struct auth_answer first = exchange(world, code);
    struct str token = member(world, first.content, "refresh_token");
    struct auth_answer later = refresh(world, token);
    assert_granted(&later);
    world_restart(world);
    later = refresh(world, token);
    assert_granted(&later);
    assert_over(world, exchange(world, code)); /* used twice */
    world_restart(world);
    assert_over(world, refresh(world, token));
    assert_false(is_active(world, member(world, first.content, "access_token")));
    assert_false(is_active(world, member(world, later.content, "access_token")));
}

/* spec: fapi/G9, fapi/79, gateway/33 */
static void a_replaced_refresh_token_serves_a_retry(void **state) {
    struct world *world = *state;
    struct message message = { 0 };
    struct auth_options auth = { .integration = &world->integration,
                                 .issuer = STR(ISSUER),
                                 .api_url = STR("https://localhost:8443"),
                                 .signing_keys = world->signing_keys,
                                 .refresh_rotation = true,
                                 .refresh_retry_ms = 60 * 1000,
                                 .now_ms = world_clock };
    world->auth = auth_close(world->auth);
    assert_int_equal(auth_open(&auth, &world->auth, &message), 0);
    struct consent_id consent = consent_new(world, 0);
    struct auth_answer first = exchange(world, code_new(world, &consent));
    struct str one = member(world, first.content, "refresh_token");
    first = refresh(world, one);
    struct str two = member(world, first.content, "refresh_token");
    assert_false(str_equal(one, two));
    pass(59 * 1000);
    struct auth_answer retry = refresh(world, one);
    assert_granted(&retry);
    assert_true(is_active(world, one));
    pass(1000); /* the retry gave it no more time */
    assert_over(world, refresh(world, one));
    assert_false(is_active(world, one));
    first = refresh(world, two);
    assert_granted(&first);
    first = refresh(world, member(world, retry.content, "refresh_token"));
    assert_granted(&first);
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_refresh_token_lasts_as_long_as_its_consent), WORLD_TEST(the_end_of_a_token_changes_no_consent),
        WORLD_TEST(what_ends_the_consent_ends_the_grant),         WORLD_TEST(a_consent_that_is_given_anew_begins_anew),
        WORLD_TEST(what_is_revoked_stays_so_after_a_restart),     WORLD_TEST(a_replaced_refresh_token_serves_a_retry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
