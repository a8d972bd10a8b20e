/* traceparent_fuzz.c - any bytes as traceparent and tracestate: what is accepted is accepted again as we pass it on. */
#include "observe/traceparent.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct str text = str_from_bytes(bytes, size), head, rest = text;
    struct traceparent traceparent, again;
    char formatted[TRACEPARENT_TEXT_BYTES], memory[TRACESTATE_BYTES_MAX], second[TRACESTATE_BYTES_MAX];
    if (traceparent_parse(text, &traceparent) == 0) {
        check(traceparent_parse(traceparent_format(&traceparent, formatted), &again) == 0);
        check(memcmp(traceparent.trace_id, again.trace_id, sizeof again.trace_id) == 0 &&
              traceparent.flags == again.flags);
    }
    (void)str_cut(&rest, '\n', &head); /* two headers when there is a line end */
    const struct str values[] = { head, rest };
    struct buffer joined, rejoined;
    buffer_init(&joined, memory, sizeof memory);
    buffer_init(&rejoined, second, sizeof second);
    if (!tracestate_join(values, 2, &joined)) {
        check(joined.len == 0);
        return 0;
    }
    const struct str one = buffer_str(&joined);
    check(tracestate_join(&one, 1, &rejoined));
    check(str_equal(one, buffer_str(&rejoined)));
    return 0;
}
