/* clock_fuzz.c - any bytes as a moment: what is taken is written again as the same moment, the date of HTTP as the very
 * same text (it has one form), and what is written is always read. */
#include "platform/clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void number_try(int64_t ms) {
    char text[CLOCK_TEXT_BYTES];
    int64_t again;
    check(clock_parse_rfc3339(clock_format_rfc3339(ms, text), &again) == 0 && again == ms);
    check(clock_parse_http(clock_format_http(ms, text), &again) == 0 && again == ms - ms % 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct str text = str_from_bytes(bytes, size);
    char written[CLOCK_TEXT_BYTES];
    int64_t ms;
    if (clock_parse_http(text, &ms) == 0) {
        check(ms >= 0 && ms <= CLOCK_MS_MAX && ms % 1000 == 0);
        check(str_equal(clock_format_http(ms, written), text));
    }
    if (clock_parse_rfc3339(text, &ms) == 0) number_try(ms);
    if (size == sizeof ms) {
        memcpy(&ms, bytes, sizeof ms);
        number_try((int64_t)((uint64_t)ms % (uint64_t)(CLOCK_MS_MAX + 1)));
    }
    return 0;
}
