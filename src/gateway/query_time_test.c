/* uk/S9: the spellings of a date-time in a query, each refusal beside what is accepted. */
#include "gateway/query_time.h"

#include "platform/clock.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *text, *want; /* want "": refused */
} rows[] = {
    { "2016-01-01", "2016-01-01T00:00:00.000Z" },
    { "20160101", "2016-01-01T00:00:00.000Z" },
    { "2016-01-01T10:40:12", "2016-01-01T10:40:12.000Z" },
    { "2016-01-01 10:40:12", "2016-01-01T10:40:12.000Z" },
    { "2016-01-01T10:40", "2016-01-01T10:40:00.000Z" },
    { "2016-01-01T10:40:12Z", "2016-01-01T10:40:12.000Z" },
    { "2016-01-01T10:40:12.567+01:00", "2016-01-01T10:40:12.567Z" }, /* the zone is ignored */
    { "20160101T104012.567+01", "2016-01-01T10:40:12.567Z" },
    { "20160101T104012.567 01", "2016-01-01T10:40:12.567Z" }, /* a '+' that the query turned into a blank */
    { "20160101T104012,5-0530", "2016-01-01T10:40:12.500Z" },
    { "20160101T1040Z", "2016-01-01T10:40:00.000Z" },
    { "2016-01-01T10:40:12.123456789Z", "2016-01-01T10:40:12.123Z" },
    { "2016-02-29", "2016-02-29T00:00:00.000Z" },
    { "2015-02-29", "" },
    { "2016-13-01", "" },
    { "2016-1-1", "" },
    { "2016-0101", "" },
    { "1969-12-31", "" },
    { "2200-01-01", "" },
    { "2016-01-01T", "" },
    { "2016-01-01T24:00:00", "" },
    { "2016-01-01T10:60:00", "" },
    { "2016-01-01T10:40:12.", "" },
    { "2016-01-01T10:40:12.1234567890", "" },
    { "2016-01-01T10:40:12+1", "" },
    { "2016-01-01T10:40:12+01:", "" },
    { "2016-01-01T10:40:12Zx", "" },
    { "2016-01-01Z", "" },
    { "yesterday", "" },
    { "", "" },
};

/* spec: uk/S9 */
static void spellings(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        char text[CLOCK_TEXT_BYTES];
        int64_t ms = 0;
        int r = query_time_parse(str_from_c(rows[i].text), &ms);
        if (r != (rows[i].want[0] ? 0 : -EINVAL)) fail_msg("%s: %d", rows[i].text, r);
        if (!r && !str_equal_c(clock_format_rfc3339(ms, text), rows[i].want)) fail_msg("%s: %s", rows[i].text, text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(spellings) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
