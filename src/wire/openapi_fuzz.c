#include "wire/openapi.h"

/* Any text is either a document whose operations can be walked, or refused with a sentence. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct openapi *doc;
    const struct openapi_operation *operation;
    struct message message = { "" };
    if (openapi_load(str_from_bytes(data, size), &doc, &message)) {
        check(message.text[0] != 0);
        return 0;
    }
    for (size_t i = 0; openapi_operation_at(doc, i, &operation); i++) {
        check(openapi_operation(doc, operation->method, operation->path) == operation);
        check(operation->response_count > 0);
        (void)openapi_response(operation, 200);
    }
    (void)openapi_free(doc);
    return 0;
}
