/* gateway_signature_test.c - HTTP message signatures (RFC 9421, FAPI M4) at the gateway: who must sign, what is refused
 * where, and that answers are signed. What exactly a good signature is, is http_signature_test.c's. */
#include "app/gateway_world.h"

#include "wire/jwks.h"
#include "wire/structured_field.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define LIST "GET /v1/accounts"
#define URL "https://localhost:8443"

static struct arena arena;
static struct key *key; /* acme's */

static struct str keys_text(void) {
    char memory[1024];
    struct buffer out;
    struct jwk jwk = { .kid = STR("k1"), .key = key };
    buffer_init(&out, memory, sizeof memory);
    assert_int_equal(jwks_write(&out, &jwk, 1), 0);
    return arena_dup(&arena, buffer_str(&out));
}

/* acme as it is, with keys and another profile. */
static void register_anew(struct world *world, int profile, bool signs) {
    struct command_call call = { .arena = &arena };
    struct client_change_input input = { .client_id = { { 1 } },
                                         .client = { .name = STR("acme"),
                                                     .software_id = STR("acme-software"),
                                                     .display_name = STR("Acme"),
                                                     .profile = profile,
                                                     .scope = STR("payments accounts"),
                                                     .jwks = keys_text(),
                                                     .signs = signs } };
    assert_int_equal(command_client_change(&world->integration, &call, &input), 0);
    assert_true(call.answer.result == ANSWER_DONE && call.answer.refusal == 0);
}

static void operator_wants(struct world *world, int signing) {
    struct command_call call = { .arena = &arena };
    struct client_limits_input input = {
        .name = STR("acme"), .requests_per_second = -1, .burst = -1, .daily_limit = -1, .signing = signing
    };
    assert_int_equal(command_client_limits(&world->integration, &call, &input), 0);
    assert_true(call.answer.result == ANSWER_DONE && call.answer.refusal == 0);
}

static int open_world(void **state) {
    assert_int_equal(arena_init(&arena, 64 * 1024, 16 * 1024 * 1024), 0);
    assert_int_equal(key_generate(KEY_TYPE_ED25519, &key), 0);
    *state = world_open();
    return 0;
}

static int close_world(void **state) {
    world_close(*state);
    (void)key_free(key);
    arena_release(&arena);
    return 0;
}

/* ---- the client ---- */

/* The last request's, as the answer must name them. */
static struct str last_parameters, last_signature;

/* Each call has its own, so that its audit record can be found. */
static char interaction[ID_TEXT_BYTES];

static const char *next_interaction(void) {
    static int number;
    (void)snprintf(interaction, sizeof interaction, "93bac548-d2de-4546-b106-%012d", ++number);
    return interaction;
}

static struct str base64_of(const void *bytes, size_t len) {
    char memory[1024];
    struct buffer out;
    buffer_init(&out, memory, sizeof memory);
    base64_encode(&out, bytes, len);
    return arena_dup(&arena, buffer_str(&out));
}

static struct str digest_of(struct str text) {
    struct hash hash = sha256_str(text);
    struct str base64 = base64_of(hash.bytes, sizeof hash.bytes);
    return arena_printf(&arena, "sha-256=:" STR_FMT ":", STR_ARG(base64));
}

/* The headers of a signature over line ("GET /v1/accounts") and body, made age_s ago. */
static const char *signed_headers(const char *line, const char *body, int age_s) {
    const char *target = strchr(line, ' ') + 1;
    struct str digest = digest_of(str_from_c(body));
    struct key_signature signature;
    last_parameters = arena_printf(&arena,
                                   "(\"@method\" \"@target-uri\" \"authorization\" \"content-digest\");created=%lld;"
                                   "keyid=\"k1\";tag=\"fapi-2-request\"",
                                   (long long)(world_now_ms() / 1000 - age_s));
    struct str base = arena_printf(&arena,
                                   "\"@method\": %.*s\n\"@target-uri\": " URL "%s\n\"authorization\": Bearer good\n"
                                   "\"content-digest\": " STR_FMT "\n\"@signature-params\": " STR_FMT,
                                   (int)(target - line - 1), line, target, STR_ARG(digest), STR_ARG(last_parameters));
    assert_int_equal(key_sign(key, KEY_ALG_EDDSA, base, &signature), 0);
    last_signature = base64_of(signature.bytes, signature.len);
    struct str headers =
        arena_printf(&arena,
                     "Content-Digest: " STR_FMT "\r\nSignature-Input: s=" STR_FMT "\r\nSignature: s=:" STR_FMT
                     ":\r\nx-fapi-interaction-id: %s\r\n",
                     STR_ARG(digest), STR_ARG(last_parameters), STR_ARG(last_signature), next_interaction());
    return headers.at;
}

static struct world_answer ask_signed(struct world *world, const char *line, int age_s) {
    struct ask ask = { .line = line, .more = signed_headers(line, "", age_s) };
    return world_ask(world, &ask);
}

static struct world_answer ask_plain(struct world *world, const char *line) {
    struct str more = arena_printf(&arena, "x-fapi-interaction-id: %s\r\n", next_interaction());
    struct ask ask = { .line = line, .more = more.at };
    return world_ask(world, &ask);
}

/* The answer's signature, by the bank's key and over what the client knows; linked: it names the request's. */
static void check_signed(struct world *world, const struct world_answer *answer, const char *line, bool linked) {
    const char *target = strchr(line, ' ') + 1;
    const char *kid_text = "keyid=\"";
    struct str input = world_header(answer, "Signature-Input"), signature = world_header(answer, "Signature");
    struct structured_dictionary dictionary;
    struct str digest = digest_of(answer->body), link = STR("");
    struct signing_set *set = signing_set_take(world->signing_keys);
    struct str kid = arena_printf(&arena, "%s" STR_FMT "\"", kid_text, STR_ARG(signing_set_current(set)->kid));
    size_t at;
    signing_set_release(set);
    assert_true(str_starts(input, STR("sig1=(")) && str_find(input, kid, &at));
    assert_true(str_equal(world_header(answer, "Content-Digest"), digest));
    if (linked)
        link = arena_printf(&arena,
                            "\"authorization\";req: Bearer good\n\"content-digest\";req: " STR_FMT
                            "\n\"signature-input\";req;key=\"s\": " STR_FMT "\n\"signature\";req;key=\"s\": :" STR_FMT
                            ":\n",
                            STR_ARG(digest_of(STR(""))), STR_ARG(last_parameters), STR_ARG(last_signature));
    struct str base = arena_printf(&arena,
                                   "\"@status\": %d\n\"content-digest\": " STR_FMT "\n\"@method\";req: %.*s\n"
                                   "\"@target-uri\";req: " URL "%s\n" STR_FMT "\"@signature-params\": " STR_FMT,
                                   answer->status, STR_ARG(digest), (int)(target - line - 1), line, target,
                                   STR_ARG(link), STR_ARG(str_slice(input, strlen("sig1="), input.len)));
    assert_int_equal(structured_dictionary_parse(signature, &arena, &dictionary), 0);
    assert_int_equal(key_verify(world->signing_key, KEY_ALG_PS256, base, dictionary.members[0].items[0].value.text), 0);
}

static void check_unsigned(const struct world_answer *answer) {
    assert_int_equal(world_header(answer, "Signature").len + world_header(answer, "Signature-Input").len, 0);
    assert_int_equal(world_header(answer, "Content-Digest").len, 0);
}

static void check_refused(struct world *world, const struct world_answer *answer, const char *code, const char *rule) {
    static char text[16 * 1024];
    struct str wanted = arena_printf(&arena, "\"code\":\"%s\"", code);
    assert_int_equal(answer->status, 401);
    assert_true(contains(answer->body, wanted.at));
    assert_true(contains(world_header(answer, "WWW-Authenticate"), "Bearer"));
    assert_true(contains(world_header(answer, "Accept-Signature"), "tag=\"fapi-2-request\""));
    wanted = arena_printf(&arena, "\"rule\":\"%s\"", rule);
    struct str record = { 0 }; /* it comes with the next commit */
    for (int64_t until_ms = clock_mono_ms() + WORLD_WAIT_MS; record.len == 0 && clock_mono_ms() < until_ms;)
        record = world_audit(world, interaction, text, sizeof text);
    assert_true(contains(record, wanted.at));
    assert_true(contains(record, "\"check\":\"check_http_signature\""));
}

/* ---- tests ---- */

/* spec: fapi/M4 */
static void who_is_not_of_the_profile_is_not_asked(void **state) {
    struct world *world = *state;
    struct ask rubbish = { .line = LIST, .more = "Signature-Input: rubbish\r\nSignature: rubbish\r\n" };
    register_anew(world, CLIENT_FAPI2, false);
    struct world_answer answer = world_ask(world, &rubbish);
    assert_int_equal(answer.status, 200);
    check_unsigned(&answer);
    register_anew(world, CLIENT_FAPI2_MS, false);
    answer = world_ask(world, &rubbish);
    assert_int_equal(answer.status, 401);
}

/* spec: fapi/M4 */
static void who_may_sign_is_judged_when_it_does(void **state) {
    struct world *world = *state;
    register_anew(world, CLIENT_FAPI2_MS, false);
    struct world_answer answer = ask_plain(world, LIST);
    assert_int_equal(answer.status, 200);
    check_unsigned(&answer);
    answer = ask_signed(world, LIST, 0);
    assert_int_equal(answer.status, 200);
    check_signed(world, &answer, LIST, true);
    answer = ask_signed(world, LIST, 61);
    check_refused(world, &answer, "http_signature_invalid", "signature_time");
    check_signed(world, &answer, LIST, false);
}

/* spec: fapi/M4 */
static void who_must_sign_does(void **state) {
    struct world *world = *state;
    register_anew(world, CLIENT_FAPI2_MS, true);
    struct world_answer answer = ask_plain(world, LIST);
    check_refused(world, &answer, "http_signature_required", "signature_missing");
    check_signed(world, &answer, LIST, false);
    answer = ask_signed(world, LIST, 0);
    assert_int_equal(answer.status, 200);
    check_signed(world, &answer, LIST, true);
    operator_wants(world, CLIENT_SIGNING_OPTIONAL); /* takes only his own word back */
    assert_int_equal(ask_plain(world, LIST).status, 401);
    register_anew(world, CLIENT_FAPI2_MS, false);
    assert_int_equal(ask_plain(world, LIST).status, 200);
    operator_wants(world, CLIENT_SIGNING_REQUIRED);
    register_anew(world, CLIENT_FAPI2, false); /* not taken back by the client, nor by another profile */
    assert_int_equal(ask_plain(world, LIST).status, 401);
    assert_int_equal(ask_signed(world, LIST, 0).status, 200);
    operator_wants(world, CLIENT_SIGNING_LEFT);
    assert_int_equal(ask_plain(world, LIST).status, 401);
    operator_wants(world, CLIENT_SIGNING_OPTIONAL);
    assert_int_equal(ask_plain(world, LIST).status, 200);
}

/* Nothing of a request with a bad signature is done, and no answer goes out unsigned whatever it says. */
/* spec: fapi/M4 */
static void what_was_signed_is_what_is_done(void **state) {
    struct world *world = *state;
    register_anew(world, CLIENT_FAPI2_MS, true);
    const char *body = payment_body(world, "1.00", world->other_iban), *line = "POST /v1/payments";
    struct str same = arena_dup(&arena, str_from_c(body));
    const char *headers = signed_headers(line, same.at, 0);
    struct ask ask = { .line = line, .more = headers, .key = "signed-1", .body = same.at };
    struct ask changed = { .line = line, .more = headers, .key = "signed-1" };
    changed.body = payment_body(world, "2.00", world->other_iban);
    struct world_answer answer = world_ask(world, &changed);
    check_refused(world, &answer, "http_signature_invalid", "content_digest");
    answer = world_ask(world, &ask);
    assert_int_equal(answer.status, 201); /* the key is not spent */
    assert_true(world_header(&answer, "Signature").len > 0);
    answer = world_ask(world, &ask);
    assert_int_equal(answer.status, 201);
    assert_true(contains(answer.head, "Idempotent-Replayed: true") && world_header(&answer, "Signature").len > 0);
    struct str missing = arena_printf(&arena, "GET /v1/payments/%s", INTERACTION);
    answer = ask_signed(world, missing.at, 0);
    assert_int_equal(answer.status, 404);
    check_signed(world, &answer, missing.at, true);
    struct str query = arena_dup(&arena, STR("GET /v1/accounts?limit=x%31"));
    answer = ask_signed(world, query.at, 0);
    check_signed(world, &answer, query.at, true);
}

/* spec: fapi/M4 */
static void answers_without_content_are_signed_too(void **state) {
    struct world *world = *state;
    register_anew(world, CLIENT_FAPI2_MS, true);
    char bytes[16 * 1024];
    struct buffer out;
    buffer_init(&out, bytes, sizeof bytes);
    buffer_printf(&out, "HEAD /v1/accounts HTTP/1.1\r\nHost: localhost\r\nX-OB-Listener: mtls\r\n");
    world_put_header(&out, "X-OB-Client-Cert", world->certificates[WORLD_ACME], NULL);
    buffer_printf(&out, "Authorization: Bearer good\r\nConnection: close\r\n%s\r\n",
                  signed_headers("HEAD /v1/accounts", "", 0));
    assert_false(out.overflow);
    int64_t deadline_ms = clock_mono_ms() + WORLD_WAIT_MS;
    size_t len = 0, got = 1;
    int fd;
    assert_int_equal(net_connect_unix(world->socket_path, deadline_ms, &fd), 0);
    assert_int_equal(net_send_all(fd, out.at, out.len, deadline_ms), 0);
    while (got) {
        assert_int_equal(net_receive_some(fd, world->answer + len, sizeof world->answer - len, deadline_ms, &got), 0);
        len += got;
    }
    net_close(fd);
    struct world_answer answer = { .status = 200, .head = str_from_bytes(world->answer, len - 2), .body = STR("") };
    assert_true(str_starts(answer.head, STR("HTTP/1.1 200")));
    check_signed(world, &answer, "HEAD /v1/accounts", true);
}

/* The profile of Open Banking's payments signs bodies; both kinds of signature stand beside each other. */
/* spec: fapi/M4 */
static void open_banking_is_told_in_its_own_envelope(void **state) {
    struct world *world = *state;
    const char *line = "GET /open-banking/v4.0/aisp/accounts";
    register_anew(world, CLIENT_FAPI2_MS, true);
    struct ask ask = { .line = line, .authorization = "Bearer consent" };
    struct world_answer answer = world_ask(world, &ask);
    assert_int_equal(answer.status, 401);
    assert_true(contains(answer.body, "\"ErrorCode\":\"U019\""));
    check_signed(world, &answer, line, false);
    struct ask pisp = { .line = "GET /open-banking/v4.0/pisp/domestic-payments/x", .authorization = "Bearer good" };
    answer = world_ask(world, &pisp);
    assert_int_equal(answer.status, 401);
    assert_true(world_header(&answer, "x-jws-signature").len > 0);
    check_signed(world, &answer, pisp.line, false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_not_of_the_profile_is_not_asked),
        cmocka_unit_test(who_may_sign_is_judged_when_it_does),
        cmocka_unit_test(who_must_sign_does),
        cmocka_unit_test(what_was_signed_is_what_is_done),
        cmocka_unit_test(answers_without_content_are_signed_too),
        cmocka_unit_test(open_banking_is_told_in_its_own_envelope),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
