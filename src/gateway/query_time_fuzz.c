/* Any text is either a time in range or refused. */
#include "gateway/query_time.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int64_t ms;
    if (query_time_parse(str_from_bytes((const char *)data, size), &ms) == 0)
        check(ms >= 0 && ms < INT64_C(84006) * 24 * 3600 * 1000);
    return 0;
}
