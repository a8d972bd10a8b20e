/* The examples in our OpenAPI documents, which tools/openapi_examples takes from a running bank: each operation has one
 * of its body, of each success and of a refusal, and all of them fit their schemas. Beside it what else the documents
 * say of an operation that the table of routes decides. */
#include "gateway/account_permissions.h"
#include "gateway/route.h"
#include "platform/file.h"
#include "wire/openapi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { DOCUMENT_COUNT = 3, OPERATIONS_MIN = 44, EXAMPLES_MIN = 100, BROKEN_MIN = 95, DEPTH_MAX = 24 };

static const char *const paths[DOCUMENT_COUNT] = { "api/giro-v1.openapi.json", "api/open-banking-v3.1.openapi.json",
                                                   "api/open-banking-v4.0.openapi.json" };
static struct arena arena;
static struct openapi *loaded[DOCUMENT_COUNT]; /* as the gateway has it: without its examples */
static struct json *written[DOCUMENT_COUNT];   /* as it stands in the file */

static int setup(void **state) {
    (void)state;
    if (arena_init(&arena, 64 * 1024, 64 * 1024 * 1024)) return -1;
    for (size_t i = 0; i < DOCUMENT_COUNT; i++) {
        struct str text;
        if (file_read_all(paths[i], JSON_BYTES_MAX, &arena, &text, NULL)) return -1;
        if (openapi_load(text, &loaded[i], NULL)) return -1;
        if (json_parse(text, JSON_BYTES_MAX, JSON_DEPTH_DOCUMENT_MAX, &written[i], NULL)) return -1;
    }
    return 0;
}

static int teardown(void **state) {
    (void)state;
    for (size_t i = 0; i < DOCUMENT_COUNT; i++) {
        openapi_free(loaded[i]);
        json_free(written[i]);
    }
    arena_release(&arena);
    return 0;
}

/* One document as it is walked. */
struct walk {
    const struct json *document;
    const struct openapi_operation *operation;
    size_t examples, broken;
};

static const struct json *resolved(const struct walk *walk, const struct json *json) {
    for (size_t i = 0; i < DEPTH_MAX && json_get(json, "$ref"); i++)
        json = json_reference(walk->document, json_get_string(json, "$ref"));
    return json;
}

static const struct json *operation_json(const struct walk *walk) {
    static const char *const methods[][2] = { { "GET", "get" }, { "POST", "post" }, { "DELETE", "delete" } };
    const struct json *item = json_get_str(json_get(walk->document, "paths"), walk->operation->path);
    for (size_t i = 0; i < ARRAY_COUNT(methods); i++)
        if (str_equal_c(walk->operation->method, methods[i][0])) return json_get(item, methods[i][1]);
    fail_msg("method " STR_FMT, STR_ARG(walk->operation->method));
    return NULL;
}

static int verdict(const struct schema *schema, const struct json *value, struct schema_errors *errors) {
    return schema_check(schema, value, SCHEMA_PATH_JSON, &arena, errors);
}

static void must_fit(struct walk *walk, const struct schema *schema, const struct json *value) {
    struct schema_errors errors;
    walk->examples++;
    if (verdict(schema, value, &errors) == 0) return;
    fail_msg(STR_FMT " " STR_FMT ": an example does not fit: " STR_FMT " " STR_FMT, STR_ARG(walk->operation->method),
             STR_ARG(walk->operation->path), STR_ARG(errors.items[0].path), STR_ARG(errors.items[0].message));
}

/* A copy without a member that the schema requires fails. */
static void broken_must_fail(struct walk *walk, const struct openapi_content *content, const struct json *schema,
                             const struct json *value) {
    char memory[64 * 1024], name[64];
    struct buffer text;
    struct json *copy;
    struct schema_errors errors;
    const struct json *required = json_get(resolved(walk, schema), "required");
    if (!json_count(required)) return;
    assert_int_equal(str_to_c(json_string(json_at(required, 0)), name, sizeof name), 0);
    buffer_init(&text, memory, sizeof memory);
    json_write(&text, value);
    assert_int_equal(json_parse(buffer_str(&text), sizeof memory, JSON_DEPTH_MAX, &copy, NULL), 0);
    assert_int_equal(verdict(content->schema, copy, &errors), 0);
    json_drop(copy, name);
    assert_int_equal(verdict(content->schema, copy, &errors), SCHEMA_E_INVALID);
    json_free(copy);
    walk->broken++;
}

/* How many examples the media types of a body or an answer have; they must all fit. */
static size_t walk_contents(struct walk *walk, struct openapi_contents contents, const struct json *holder) {
    size_t before = walk->examples;
    const struct json *media_types = json_get(resolved(walk, holder), "content");
    assert_int_equal(json_count(media_types), contents.count);
    for (size_t i = 0; i < contents.count; i++) {
        const struct openapi_content *content = &contents.items[i];
        const struct json *media_type = json_get_str(media_types, content->media_type), *named;
        const struct json *single = json_get(media_type, "example");
        void *iterator = NULL;
        struct str name;
        if (single) must_fit(walk, content->schema, single);
        if (single) broken_must_fail(walk, content, json_get(media_type, "schema"), single);
        while (json_next(json_get(media_type, "examples"), &iterator, &name, &named)) {
            must_fit(walk, content->schema, json_get(named, "value"));
            broken_must_fail(walk, content, json_get(media_type, "schema"), json_get(named, "value"));
        }
    }
    return walk->examples - before;
}

static void walk_operation(struct walk *walk) {
    const struct openapi_operation *operation = walk->operation;
    const struct json *json = operation_json(walk);
    size_t refusals = 0;
    if (operation->body.count && !walk_contents(walk, operation->body, json_get(json, "requestBody")))
        fail_msg(STR_FMT ": its body has no example", STR_ARG(operation->path));
    for (size_t i = 0; i < operation->response_count; i++) {
        const struct openapi_response *response = &operation->responses[i];
        char status[16] = "default";
        if (response->status) (void)snprintf(status, sizeof status, "%d", response->status);
        size_t count = walk_contents(walk, response->contents, json_get(json_get(json, "responses"), status));
        bool success = response->status / 100 == 2;
        if (success && response->contents.count && !count)
            fail_msg(STR_FMT " %s has no example", STR_ARG(operation->path), status);
        if (!success) refusals += count;
    }
    if (!refusals)
        fail_msg(STR_FMT " " STR_FMT " has no example of a refusal", STR_ARG(operation->method),
                 STR_ARG(operation->path));
}

/* spec: gateway/79 */
static void each_operation_has_examples_that_fit(void **state) {
    size_t operations = 0, examples = 0, broken = 0;
    (void)state;
    for (size_t i = 0; i < DOCUMENT_COUNT; i++) {
        struct walk walk = { .document = written[i] };
        for (size_t k = 0; openapi_operation_at(loaded[i], k, &walk.operation); k++, operations++)
            walk_operation(&walk);
        examples += walk.examples;
        broken += walk.broken;
    }
    assert_true(operations >= OPERATIONS_MIN);
    assert_true(examples >= EXAMPLES_MIN);
    assert_true(broken >= BROKEN_MIN);
}

/* The scope that the operation names in its token; empty: it asks for none. */
static struct str scope_of(const struct json *operation) {
    static const char *const schemes[] = { "token", "clientToken", "customerToken" };
    const struct json *security = json_at(json_get(operation, "security"), 0);
    for (size_t i = 0; i < ARRAY_COUNT(schemes); i++) {
        const struct json *scopes = json_get(security, schemes[i]);
        if (scopes) assert_int_equal(json_count(scopes), 1);
        if (scopes) return json_string(json_at(scopes, 0));
    }
    return STR("");
}

static const struct json *described(const struct route *route) {
    for (size_t i = 0; i < DOCUMENT_COUNT; i++) {
        struct walk walk = { .document = written[i] };
        walk.operation = openapi_operation(loaded[i], str_from_c(route->method), str_from_c(route->path));
        if (walk.operation) return operation_json(&walk);
    }
    return NULL;
}

/* And "x-permissions": the consent must hold one of them. */
static void scopes_and_permissions_are_those_of_the_routes(void **state) {
    size_t reads = 0;
    (void)state;
    for (size_t i = 0; i < route_count(); i++) {
        const struct route *route = route_at(i);
        const struct json *json = described(route), *list = json_get(json, "x-permissions");
        size_t count = 0;
        if (!json) continue;
        assert_true(str_equal_c(scope_of(json), route->scope ? route->scope : ""));
        for (int bit = 0; bit < ACCOUNT_PERMISSION_COUNT; bit++) {
            if (!(route->permissions & ((int64_t)1 << bit))) continue;
            struct str name = json_string(json_at(list, count++));
            assert_true(str_equal_c(name, account_permission_name((enum account_permission_bit)bit)));
        }
        assert_int_equal(json_count(list), count);
        reads += count != 0;
    }
    assert_int_equal(reads, 18);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_operation_has_examples_that_fit),
        cmocka_unit_test(scopes_and_permissions_are_those_of_the_routes),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
