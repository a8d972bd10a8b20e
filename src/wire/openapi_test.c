#include "wire/openapi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define HEAD "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"t\",\"version\":\"1\"},"
#define ANSWER "\"responses\":{\"200\":{\"description\":\"ok\"}}"

static const char document[] =
    HEAD "\"paths\":{\"/v1/"
         "payments\":{\"post\":{\"operationId\":\"payment_create\",\"x-body-bytes-max\":2048,\"requestBody\":{"
         "\"required\":true,"
         "\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/Payment\"}}}},\"responses\":{"
         "\"201\":{\"description\":\"made\",\"content\":{\"application/json; "
         "charset=utf-8\":{\"schema\":{\"required\":[\"payment_id\"]}},"
         "\"application/jose+jwe\":{}}},\"default\":{\"$ref\":\"#/components/responses/"
         "Problem\"},\"204\":{\"description\":\"none\"}}}},"
         "\"/v1/payments/{payment_id}\":{\"parameters\":[],\"get\":{" ANSWER "},\"put\":{\"requestBody\":{\"$ref\":"
         "\"#/components/requestBodies/Any\"}," ANSWER "}}},"
         "\"components\":{\"schemas\":{\"Payment\":{\"type\":\"object\",\"required\":[\"amount\"],\"properties\":{"
         "\"amount\":{\"$ref\":"
         "\"#/components/schemas/"
         "Amount\"}}},\"Amount\":{\"type\":\"string\"}},\"requestBodies\":{\"Any\":{\"content\":{\"text/plain\":{}}}},"
         "\"responses\":{\"Problem\":{\"description\":\"p\",\"content\":{\"application/"
         "problem+json\":{\"schema\":{\"type\":\"object\"}}}}}}}";

static int verdict(const struct schema *schema, const char *text) {
    struct arena arena;
    struct json *value;
    struct schema_errors errors;
    assert_int_equal(arena_init(&arena, 4096, 65536), 0);
    assert_int_equal(json_parse(str_from_c(text), 1024, 8, &value, NULL), 0);
    int r = schema_check(schema, value, SCHEMA_PATH_JSON, &arena, &errors);
    (void)json_free(value);
    arena_release(&arena);
    return r;
}

static void test_load(void **state) {
    (void)state;
    struct openapi *doc;
    struct message message = { "" };
    if (openapi_load(str_from_c(document), &doc, &message)) fail_msg("%s", message.text);
    const struct openapi_operation *post = openapi_operation(doc, STR("POST"), STR("/v1/payments")), *at;
    assert_non_null(post);
    assert_true(str_equal_c(post->id, "payment_create"));
    assert_true(post->body_required);
    assert_int_equal(post->body_bytes_max, 2048);
    assert_int_equal(post->body.count, 1);
    assert_int_equal(verdict(post->body.items[0].schema, "{\"amount\":\"1\"}"), 0);
    assert_int_equal(verdict(post->body.items[0].schema, "{\"amount\":1}"), SCHEMA_E_INVALID);
    assert_int_equal(post->response_count, 3);
    const struct openapi_response *made = openapi_response(post, 201);
    assert_int_equal(made->status, 201);
    assert_int_equal(verdict(openapi_content(made->contents, STR("Application/JSON"))->schema, "{}"), SCHEMA_E_INVALID);
    assert_int_equal(
        verdict(openapi_content(made->contents, STR("application/json;charset=UTF-8"))->schema, "{\"payment_id\":1}"),
        0);
    assert_null(openapi_content(made->contents, STR("application/jose+jwe"))->schema);
    assert_null(openapi_content(made->contents, STR("text/html")));
    assert_int_equal(openapi_response(post, 422)->status, OPENAPI_STATUS_DEFAULT);
    assert_int_equal(openapi_response(post, 204)->contents.count, 0);
    assert_null(openapi_operation(doc, STR("PUT"), STR("/v1/payments")));
    assert_null(openapi_operation(doc, STR("post"), STR("/v1/payments")));
    const struct openapi_operation *get = openapi_operation(doc, STR("GET"), STR("/v1/payments/{payment_id}"));
    assert_int_equal(get->body.count, 0);
    assert_int_equal(get->body_bytes_max, 0);
    assert_null(openapi_response(get, 404));
    const struct openapi_operation *put = openapi_operation(doc, STR("PUT"), STR("/v1/payments/{payment_id}"));
    assert_false(put->body_required);
    assert_int_equal(put->body_bytes_max, OPENAPI_BODY_BYTES_DEFAULT);
    assert_true(openapi_operation_at(doc, 2, &at));
    assert_false(openapi_operation_at(doc, 3, &at));
    assert_null(openapi_free(doc));
    assert_null(openapi_free(NULL));
}

struct fault_case {
    const char *text, *message;
};

#define PATH(operation) HEAD "\"paths\":{\"/a\":{\"post\":{" operation "}}}}"
#define SCHEMA_PATH_FAULT "at #/paths/~1a/post/requestBody/content/application~1json/schema"

static const struct fault_case fault_cases[] = {
    { "[", "not valid JSON at line 1, column 1" },
    { "[]", "at #: this must be an object" },
    { "{\"openapi\":\"3.0.0\",\"paths\":{}}", "at #: \"openapi\" must be 3.1.x" },
    { "{\"openapi\":\"3.1.0\"}", "at #: \"paths\" must be an object" },
    { HEAD "\"pahts\":{}}", "at #/pahts: this word is not known here" },
    { HEAD "\"paths\":{\"a\":{}}}", "at #/paths/a: a path begins with \"/\"" },
    { HEAD "\"paths\":{\"/a\":{\"pots\":{}}}}", "at #/paths/~1a/pots: this word is not known here" },
    { PATH("\"x\":1," ANSWER), "at #/paths/~1a/post/x: this word is not known here" },
    { PATH(""), "at #/paths/~1a/post: an operation needs \"responses\"" },
    { PATH("\"responses\":{}"), "at #/paths/~1a/post/responses: \"responses\" must be an object of 1 to 32 responses" },
    { PATH("\"responses\":{\"2XX\":{}}"),
      "at #/paths/~1a/post/responses/2XX: a status is a number from 100 to 599 or \"default\"" },
    { PATH("\"responses\":{\"600\":{}}"),
      "at #/paths/~1a/post/responses/600: a status is a number from 100 to 599 or \"default\"" },
    { PATH("\"responses\":{\"200\":{}}"), "at #/paths/~1a/post/responses/200: a response needs a \"description\"" },
    { PATH("\"requestBody\":{}," ANSWER), "at #/paths/~1a/post/requestBody: a request body needs \"content\"" },
    { PATH("\"requestBody\":{\"$ref\":\"#/none\"}," ANSWER),
      "at #/paths/~1a/post/requestBody: the reference leads nowhere in this document" },
    { PATH("\"requestBody\":{\"content\":{}}," ANSWER),
      "at #/paths/~1a/post/requestBody/content: this must be an object of 1 to 8 media types" },
    { PATH("\"requestBody\":{\"content\":{\"application/json\":{\"schema\":{\"typ\":\"x\"}}}}," ANSWER),
      SCHEMA_PATH_FAULT ": the keyword \"typ\" is not supported" },
    { PATH("\"x-body-bytes-max\":0," ANSWER),
      "at #/paths/~1a/post: \"x-body-bytes-max\" must be a number from 1 to 4194304" },
    { PATH("\"x-body-bytes-max\":4194305," ANSWER),
      "at #/paths/~1a/post: \"x-body-bytes-max\" must be a number from 1 to 4194304" },
    { HEAD "\"paths\":{\"/a\":{\"get\":{\"operationId\":\"o\"," ANSWER "},\"post\":{\"operationId\":\"o\"," ANSWER
           "}}}}",
      "at #/paths/~1a/post: this \"operationId\" is taken" },
    { HEAD "\"paths\":{},\"components\":{\"schemas\":{\"A\":{\"minLenght\":1}}}}",
      "at #/components/schemas/A: the keyword \"minLenght\" is not supported" },
    { HEAD "\"paths\":{\"/a\":{\"get\":{\"responses\":{\"200\":{\"$ref\":\"#/components/responses/"
           "R\"}}}}},\"components\":{\"responses\":"
           "{\"R\":{\"description\":\"d\",\"contents\":{}}}}}",
      "at #/components/responses/R/contents: this word is not known here" },
    { HEAD "\"paths\":{\"/a\":{\"get\":{\"responses\":{\"200\":{\"$ref\":\"#/components/responses/"
           "R\"}}}}},\"components\":{\"responses\":"
           "{\"R\":{\"$ref\":\"#/components/responses/R\"}}}}",
      "at #/paths/~1a/get/responses/200: a reference to a reference is not supported" },
};

static void test_faults(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(fault_cases); i++) {
        struct openapi *doc = NULL;
        struct message message = { "" };
        assert_int_equal(openapi_load(str_from_c(fault_cases[i].text), &doc, &message), OPENAPI_E_DOCUMENT);
        assert_string_equal(message.text, fault_cases[i].message);
        assert_null(doc);
        assert_int_equal(openapi_load(str_from_c(fault_cases[i].text), &doc, NULL), OPENAPI_E_DOCUMENT);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_load), cmocka_unit_test(test_faults) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
