/* registration_fuzz.c - any bytes as a request of dynamic registration and as the statement that comes with it. The
 * first line holds the claims of the statement, which the directory has signed; the rest is the request's. What is
 * accepted is within what the statement allows. */
#include "auth/registration_terms.h"

#include "auth/scope.h"
#include "wire/jose.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct key *key;
static char directory[1024];
static struct arena arena;

static void setup(void) {
    struct buffer out;
    buffer_init(&out, directory, sizeof directory - 1);
    check(key_generate(KEY_TYPE_EC_P256, &key) == 0 && arena_init(&arena, 256 * 1024, 2 * 1024 * 1024) == 0);
    struct jwk jwk = { .kid = STR("d"), .key = key };
    check(jwks_write(&out, &jwk, 1) == 0 && !out.overflow);
}

/* The words of list, each of them an element of allowed. */
static size_t words_within(struct str list, const struct json *allowed) {
    struct str word;
    size_t count = 0;
    for (bool more = list.len > 0; more; count++) {
        bool known = false;
        more = str_cut(&list, ' ', &word);
        for (size_t i = 0; i < json_count(allowed); i++) known |= str_equal(json_string(json_at(allowed, i)), word);
        check(known);
    }
    return count;
}

static void terms_check(const struct json *claims, const struct software_statement *statement,
                        const struct registration_terms *terms) {
    const struct json *asked = json_get(claims, "redirect_uris"), *again;
    size_t count = words_within(terms->redirect_uris, statement->redirect_uris);
    check(count == json_count(asked ? asked : statement->redirect_uris));
    check(word_list_has(terms->scope, STR("accounts")) <= word_list_has(str_from_c(statement->roles), STR("PSP_AI")));
    check(word_list_has(terms->scope, STR("payments")) <= word_list_has(str_from_c(statement->roles), STR("PSP_PI")));
    check(terms->jwks.len == 0 || terms->jwks_uri.len == 0);
    check(json_parse_arena(terms->metadata, 64 * 1024, JSON_DEPTH_MAX, &arena, &again) == 0);
    check(json_type(again) == JSON_OBJECT_TYPE);
}

static void request_try(struct str text, const struct software_statement *statement) {
    struct registration_terms terms;
    struct registration_refusal refusal = { .description = NULL };
    const struct json *claims;
    if (json_parse_arena(text, JOSE_TOKEN_BYTES_MAX, JOSE_DEPTH_MAX, &arena, &claims)) return;
    if (json_type(claims) != JSON_OBJECT_TYPE) return;
    bool taken = registration_terms_read(claims, statement, &arena, &terms, &refusal);
    check(taken || (refusal.description && refusal.error < OAUTH_ERROR_COUNT));
    if (taken) terms_check(claims, statement, &terms);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static char token[JOSE_TOKEN_BYTES_MAX];
    struct str rest = str_from_bytes(bytes, size), claims;
    struct jws_header header = { .kid = STR("d") };
    struct software_statement statement;
    struct buffer out;
    if (!key) setup();
    arena_reset(&arena);
    (void)str_cut(&rest, '\n', &claims);
    struct software_rules rules = { .directory_keys = str_from_c(directory),
                                    .directory_issuer = STR("Directory"),
                                    .life_ms = 3600 * 1000,
                                    .now_ms = INT64_C(1800000000000) };
    buffer_init(&out, token, sizeof token);
    if (jws_sign(key, &header, claims, &out)) return 0;
    int r = software_statement_read(buffer_str(&out), &rules, &arena, &statement);
    check(r >= 0 && r < SOFTWARE_STATEMENT_E_COUNT);
    if (r) return 0;
    check(statement.software_id.len && statement.org_id.len && statement.client_name.len && statement.roles[0]);
    check((statement.keys == NULL) != (statement.keys_uri.len == 0));
    request_try(rest, &statement);
    return 0;
}
