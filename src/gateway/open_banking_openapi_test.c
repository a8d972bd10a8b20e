/* Our Open Banking documents beside the published ones: what we take and give is held to the same constraints. Requests
 * must have the same members, so that nothing lawful is refused; answers may leave optional ones out. Skipped where the
 * published document is not there. */
#include "platform/file.h"
#include "wire/openapi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { DEPTH_MAX = 24 };

static struct arena arena;
static struct json *ours, *theirs; /* the two that are compared now */
enum { OUR_COUNT = 2, THEIR_COUNT = 4 };
static struct json *our_documents[OUR_COUNT], *their_documents[THEIR_COUNT];
static const char *const our_paths[OUR_COUNT] = { "api/open-banking-v4.0.openapi.json",
                                                  "api/open-banking-v3.1.openapi.json" };
/* Of each of ours two. */
static const char *const their_paths[THEIR_COUNT] = { "v4.0/payment-initiation-openapi.json",
                                                      "v4.0/account-info-openapi.json",
                                                      "v3.1.11/payment-initiation-openapi.json",
                                                      "v3.1.11/account-info-openapi.json" };
static const char *const prefixes[THEIR_COUNT] = { "/open-banking/v4.0/pisp", "/open-banking/v4.0/aisp",
                                                   "/open-banking/v3.1/pisp", "/open-banking/v3.1/aisp" };

static struct json *load(const char *path) {
    struct str text;
    struct json *json;
    if (file_read_all(path, JSON_BYTES_MAX, &arena, &text, NULL)) return NULL;
    assert_int_equal(json_parse(text, JSON_BYTES_MAX, JSON_DEPTH_DOCUMENT_MAX, &json, NULL), 0);
    return json;
}

static int setup(void **state) {
    char path[1024];
    const char *shared = getenv("GIRO_SHARED");
    (void)state;
    if (arena_init(&arena, 64 * 1024, 64 * 1024 * 1024)) return -1;
    for (size_t i = 0; i < OUR_COUNT; i++) {
        our_documents[i] = load(our_paths[i]);
        if (!our_documents[i]) return -1;
    }
    for (size_t i = 0; i < THEIR_COUNT; i++) {
        (void)snprintf(path, sizeof path, "%s/data/obie/%s", shared ? shared : "../shared", their_paths[i]);
        their_documents[i] = load(path);
    }
    return 0;
}

static int teardown(void **state) {
    (void)state;
    for (size_t i = 0; i < OUR_COUNT; i++) json_free(our_documents[i]);
    for (size_t i = 0; i < THEIR_COUNT; i++) json_free(their_documents[i]);
    arena_release(&arena);
    return 0;
}

static const struct json *resolved(const struct json *document, const struct json *schema) {
    for (size_t i = 0; i < DEPTH_MAX && json_get(schema, "$ref"); i++)
        schema = json_reference(document, json_get_string(schema, "$ref"));
    return schema;
}

struct comparison {
    bool whole;     /* requests: the same members */
    const char *at; /* for the message */
    int depth;
    size_t seen;
};

static void compare(struct comparison *comparison, const struct json *our, const struct json *their);

static void compare_members(struct comparison *comparison, const struct json *our, const struct json *their) {
    void *iterator = NULL;
    struct str name;
    const struct json *member;
    while (json_next(json_get(our, "properties"), &iterator, &name, &member)) {
        const struct json *other = json_get_str(json_get(their, "properties"), name);
        if (!other) fail_msg("%s: " STR_FMT " is only ours", comparison->at, STR_ARG(name));
        struct comparison below = { .whole = comparison->whole,
                                    .at = arena_dup(&arena, name).at,
                                    .depth = comparison->depth + 1 };
        compare(&below, member, other);
        comparison->seen += below.seen;
    }
    for (iterator = NULL; comparison->whole && json_next(json_get(their, "properties"), &iterator, &name, &member);)
        if (!json_get_str(json_get(our, "properties"), name))
            fail_msg("%s: " STR_FMT " is missing", comparison->at, STR_ARG(name));
}

static bool lists_are_equal(const struct json *a, const struct json *b) { /* as sets */
    if (json_count(a) != json_count(b)) return false;
    for (size_t i = 0; i < json_count(a); i++) {
        bool found = false;
        for (size_t k = 0; k < json_count(b); k++) found = found || json_equal(json_at(a, i), json_at(b, k));
        if (!found) return false;
    }
    return true;
}

static void compare(struct comparison *comparison, const struct json *our, const struct json *their) {
    static const char *const words[] = { "type",     "minLength", "maxLength",     "pattern",
                                         "minItems", "maxItems",  "minProperties", "additionalProperties" };
    our = resolved(ours, our);
    their = resolved(theirs, their);
    assert_non_null(our);
    assert_non_null(their);
    assert_true(comparison->depth < DEPTH_MAX);
    comparison->seen++;
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        const struct json *a = json_get(our, words[i]), *b = json_get(their, words[i]);
        if (!a != !b || (a && !json_equal(a, b))) fail_msg("%s: %s is not the published one", comparison->at, words[i]);
    }
    if (!lists_are_equal(json_get(our, "enum"), json_get(their, "enum"))) fail_msg("%s: enum", comparison->at);
    if (!lists_are_equal(json_get(our, "required"), json_get(their, "required")))
        fail_msg("%s: required", comparison->at);
    if (str_equal(json_get_string(their, "format"), STR("date-time")))
        assert_true(str_equal(json_get_string(our, "format"), STR("date-time")));
    compare_members(comparison, our, their);
    if (!json_get(our, "items")) return;
    struct comparison below = { .whole = comparison->whole, .at = comparison->at, .depth = comparison->depth + 1 };
    compare(&below, json_get(our, "items"), json_get(their, "items"));
    comparison->seen += below.seen;
}

#define ACCOUNTS(document)                                                                                             \
    { document, "AccountAccessConsentRequest", "OBReadConsent1", true, 7 },                                            \
        { document, "AccountAccessConsentResponse", "OBReadConsentResponse1", false, 10 },                             \
        { document, "AccountsResponse", "OBReadAccount6", false, 12 },                                                 \
        { document, "BalancesResponse", "OBReadBalance1", false, 14 },                                                 \
        { document, "TransactionsResponse", "OBReadTransaction6", false, 25 },                                         \
        { document, "PartyResponse", "OBReadParty2", false, 6 },                                                       \
        { document, "PartiesResponse", "OBReadParty3", false, 7 }, {                                                   \
        document, "ErrorResponse", "OBErrorResponse1", false, 7                                                        \
    }
#define PAYMENTS(document, most)                                                                                       \
    { document, "DomesticPaymentConsentRequest", "OBWriteDomesticConsent4", true, most },                              \
        { document, "DomesticPaymentRequest", "OBWriteDomestic2", true, most },                                        \
        { document, "DomesticPaymentConsentResponse", "OBWriteDomesticConsentResponse5", false, most },                \
        { document, "DomesticPaymentResponse", "OBWriteDomesticResponse5", false, most * 2 / 3 },                      \
        { document, "FundsConfirmationResponse", "OBWriteFundsConfirmationResponse1", false, 6 }, {                    \
        document, "PaymentDetailsResponse", "OBWritePaymentDetailsResponse1", false, 10                                \
    }

static const struct {
    size_t document; /* of theirs */
    const char *our, *their;
    bool whole;
    size_t seen_min;
} pairs[] = {
    PAYMENTS(0, 150), { 0, "ErrorResponse", "OBErrorResponse1", false, 7 }, ACCOUNTS(1), PAYMENTS(2, 50), ACCOUNTS(3),
};

static bool both(size_t document) {
    ours = our_documents[document / 2];
    theirs = their_documents[document];
    return theirs;
}

static void constraints_are_the_published_ones(void **state) {
    (void)state;
    if (!both(0)) skip();
    for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
        struct comparison comparison = { .whole = pairs[i].whole, .at = pairs[i].our };
        assert_true(both(pairs[i].document));
        const struct json *our = json_get(json_path(ours, "components.schemas"), pairs[i].our);
        compare(&comparison, our, json_get(json_path(theirs, "components.schemas"), pairs[i].their));
        if (comparison.seen < pairs[i].seen_min)
            fail_msg("%s: only %zu schemas compared", pairs[i].our, comparison.seen);
    }
}

static void paths_are_published_ones(void **state) {
    static const char *const methods[] = { "get", "post", "delete" };
    static const size_t counts[THEIR_COUNT] = { 6, 11, 6, 11 };
    (void)state;
    for (size_t i = 0; i < THEIR_COUNT; i++) {
        struct str prefix = str_from_c(prefixes[i]), path;
        void *iterator = NULL;
        const struct json *item;
        size_t count = 0, foreign = 0;
        if (!both(i)) skip();
        while (json_next(json_get(ours, "paths"), &iterator, &path, &item)) {
            if (!str_starts(path, prefix)) {
                foreign++;
                continue;
            }
            const struct json *other = json_get_str(json_get(theirs, "paths"), str_slice(path, prefix.len, path.len));
            assert_non_null(other);
            for (size_t k = 0; k < ARRAY_COUNT(methods); k++)
                assert_true(!json_get(item, methods[k]) || json_get(other, methods[k]));
            count++;
        }
        assert_int_equal(count, counts[i]);
        assert_int_equal(foreign, counts[i ^ 1]);
    }
}

static void documents_load(void **state) {
    (void)state;
    for (size_t i = 0; i < OUR_COUNT; i++) {
        struct str text;
        struct openapi *document;
        struct message message = { { 0 } };
        assert_int_equal(file_read_all(our_paths[i], JSON_BYTES_MAX, &arena, &text, NULL), 0);
        if (openapi_load(text, &document, &message)) fail_msg("%s: %s", our_paths[i], message.text);
        openapi_free(document);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_load),
        cmocka_unit_test(constraints_are_the_published_ones),
        cmocka_unit_test(paths_are_published_ones),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
