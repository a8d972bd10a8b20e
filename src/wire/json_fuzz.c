#include "wire/json.h"

/* What is read and written again must read as an equal value, and writing that once more must give the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { INPUT_BYTES_MAX = 64 * 1024, OUTPUT_BYTES_MAX = 8 * INPUT_BYTES_MAX };
    struct json *json, *again;
    struct message message;
    if (json_parse(str_from_bytes(data, size), INPUT_BYTES_MAX, JSON_DEPTH_MAX, &json, &message)) return 0;
    struct buffer first, second;
    buffer_init_heap(&first, OUTPUT_BYTES_MAX);
    buffer_init_heap(&second, OUTPUT_BYTES_MAX);
    json_write(&first, json);
    check(!first.overflow);
    check(json_parse(buffer_str(&first), OUTPUT_BYTES_MAX, JSON_DEPTH_MAX, &again, &message) == 0);
    check(json_equal(json, again));
    json_write(&second, again);
    check(str_equal(buffer_str(&first), buffer_str(&second)));
    buffer_release(&first);
    buffer_release(&second);
    (void)json_free(again);
    (void)json_free(json);
    return 0;
}
