#include "domain/calendar.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "domain/civil_date.h"
#include "platform/file.h"

static struct calendar gb, eur;

static void load(const char *path, struct calendar *ret_calendar) {
    struct arena arena;
    struct str text;
    struct message message = { { 0 } };
    assert_int_equal(arena_init(&arena, CALENDAR_FILE_BYTES_MAX, 2 * CALENDAR_FILE_BYTES_MAX), 0);
    assert_int_equal(file_read_all(path, CALENDAR_FILE_BYTES_MAX, &arena, &text, &message), 0);
    if (calendar_read(text, path, ret_calendar, &message)) fail_msg("%s", message.text);
    arena_release(&arena);
}
static int load_both(void **state) {
    (void)state;
    load("policy/calendar/GB.csv", &gb);
    load("policy/calendar/EUR.csv", &eur);
    return 0;
}

static int64_t day_of(const char *text) {
    int64_t day;
    if (civil_parse(str_from_c(text), &day)) fail_msg("%s is no day", text);
    return day;
}

static void civil_days(void **state) {
    static const struct {
        const char *text;
        int64_t day;
        int weekday;
    } cases[] = { { "1970-01-01", 0, 4 },
                  { "1970-03-01", 59, 7 },
                  { "2000-02-29", 11016, 2 },
                  { "2024-02-29", 19782, 4 },
                  { "2026-11-22", 20779, 7 },
                  { "2100-03-01", 47541, 1 },
                  { "2199-12-31", CIVIL_DAY_MAX, 2 } };
    static const char *const none[] = { "1969-12-31", "2200-01-01", "2023-02-29", "2100-02-29", "2024-13-01",
                                        "2024-00-10", "2024-04-31", "2024-4-1",   "2024-04-1x", "" };
    char text[CIVIL_TEXT_BYTES];
    int64_t day;
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_int_equal(day_of(cases[i].text), cases[i].day);
        assert_true(str_equal_c(civil_format(cases[i].day, text), cases[i].text));
        assert_int_equal(civil_weekday(cases[i].day), cases[i].weekday);
    }
    for (size_t i = 0; i < ARRAY_COUNT(none); i++)
        if (civil_parse(str_from_c(none[i]), &day) == 0) fail_msg("%s is a day", none[i]);
    for (day = 0; day <= CIVIL_DAY_MAX; day++) assert_int_equal(civil_day(civil_date_of(day)), day);
}

/* Wall clocks around the two changes of 2026: 29 March and 25 October. */
/* spec: ledger/42 */
static void wall_clocks(void **state) {
    enum { MINUTE = 60000 };
    static const struct {
        const char *name;
        enum time_zone zone;
        const char *day;
        int64_t wall_minute, utc_minute; /* utc_minute: from UTC midnight of day */
    } cases[] = {
        { "winter in London", TIME_ZONE_LONDON, "2026-01-15", 360, 360 },
        { "summer in London", TIME_ZONE_LONDON, "2026-07-15", 360, 300 },
        { "winter in Berlin", TIME_ZONE_BERLIN, "2026-01-15", 360, 300 },
        { "summer in Berlin", TIME_ZONE_BERLIN, "2026-07-15", 360, 240 },
        { "UTC has none", TIME_ZONE_UTC, "2026-07-15", 360, 360 },
        { "before the change forward", TIME_ZONE_LONDON, "2026-03-29", 59, 59 },
        { "an hour that is not there", TIME_ZONE_LONDON, "2026-03-29", 90, 90 },
        { "after the change forward", TIME_ZONE_LONDON, "2026-03-29", 120, 60 },
        { "Berlin changes at the same moment", TIME_ZONE_BERLIN, "2026-03-29", 180, 60 },
        { "before the change back", TIME_ZONE_LONDON, "2026-10-25", 59, -1 },
        { "the first of the two", TIME_ZONE_LONDON, "2026-10-25", 90, 30 },
        { "after the change back", TIME_ZONE_LONDON, "2026-10-25", 120, 120 },
        { "midnight in summer is the day before", TIME_ZONE_LONDON, "2026-06-01", 0, -60 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int64_t day = day_of(cases[i].day), want = day * 86400000 + cases[i].utc_minute * MINUTE;
        int64_t got = time_zone_moment(cases[i].zone, day, cases[i].wall_minute * MINUTE);
        if (got != want) fail_msg("%s: %lld minutes", cases[i].name, (long long)(got - day * 86400000) / MINUTE);
        assert_int_equal(time_zone_day(cases[i].zone, got), day);
    }
}

/* spec: ledger/42 */
static void business_days(void **state) {
    static const struct {
        const char *name;
        const struct calendar *calendar;
        enum calendar_rule rule;
        const char *day, *want; /* NULL: CALENDAR_E_RANGE */
    } cases[] = {
        { "a plain Wednesday", &gb, CALENDAR_FOLLOWING, "2026-11-25", "2026-11-25" },
        { "a Saturday", &gb, CALENDAR_FOLLOWING, "2026-11-21", "2026-11-23" },
        { "a Sunday backwards", &gb, CALENDAR_PRECEDING, "2026-11-22", "2026-11-20" },
        { "Good Friday to Tuesday", &gb, CALENDAR_FOLLOWING, "2026-04-03", "2026-04-07" },
        { "Christmas 2026 with its substitute day", &gb, CALENDAR_FOLLOWING, "2026-12-25", "2026-12-29" },
        { "26 December 2026 in the euro area", &eur, CALENDAR_FOLLOWING, "2026-12-25", "2026-12-28" },
        { "1 May is none in the euro area", &eur, CALENDAR_FOLLOWING, "2026-05-01", "2026-05-04" },
        { "1 May is one in London", &gb, CALENDAR_FOLLOWING, "2026-05-01", "2026-05-01" },
        { "a month's end on a Saturday", &gb, CALENDAR_MODIFIED_FOLLOWING, "2026-10-31", "2026-10-30" },
        { "modified, inside a month", &gb, CALENDAR_MODIFIED_FOLLOWING, "2026-10-24", "2026-10-26" },
        { "exact", &gb, CALENDAR_EXACT, "2026-12-25", "2026-12-25" },
        { "the last day (C1)", &gb, CALENDAR_FOLLOWING, "2028-12-29", "2028-12-29" },
        { "an answer behind the last day (C1)", &gb, CALENDAR_FOLLOWING, "2028-12-30", NULL },
        { "a day behind it (C1)", &gb, CALENDAR_FOLLOWING, "2029-01-02", NULL },
        { "before the first day (C1)", &gb, CALENDAR_PRECEDING, "2024-01-01", NULL },
        { "exact knows no end", &gb, CALENDAR_EXACT, "2031-01-01", "2031-01-01" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char text[CIVIL_TEXT_BYTES] = "";
        int64_t day = 0;
        int r = calendar_adjust(cases[i].calendar, cases[i].rule, day_of(cases[i].day), &day);
        if (!r) (void)civil_format(day, text);
        if (r != (cases[i].want ? 0 : CALENDAR_E_RANGE) || (!r && day != day_of(cases[i].want)))
            fail_msg("%s: %d %.10s", cases[i].name, r, text);
    }
}

/* spec: ledger/42 */
static void c1_the_refusal_names_the_file(void **state) {
    struct message message;
    (void)state;
    calendar_complain(&gb, &message);
    assert_string_equal(message.text,
                        "policy/calendar/GB.csv knows the days from 2024-01-01 to 2028-12-31 only: extend it");
}

#define HEAD "zone,Europe/London\nvalid-from,2024-01-01\nvalid-through,2024-12-31\n"
/* spec: ledger/42 */
static void c2_read_strictly(void **state) {
    static const struct {
        const char *name, *text, *message; /* NULL: read */
    } cases[] = {
        { "plain", HEAD "2024-01-01,New Year's Day\n2024-12-25,Christmas Day\n", NULL },
        { "comments and empty lines", "# a\n\n" HEAD "# b\n2024-01-01,New Year's Day", NULL },
        { "a comma in the name", HEAD "2024-01-01,a, b", NULL },
        { "empty", "", "x:1: want zone, valid-from and valid-through" },
        { "no holiday", HEAD, "x:4: want at least one holiday" },
        { "out of order", HEAD "2024-12-25,b\n2024-01-01,a\n", "x:5: want the days in order, each once" },
        { "twice", HEAD "2024-12-25,b\n2024-12-25,a\n", "x:5: want the days in order, each once" },
        { "outside", HEAD "2025-01-01,a\n", "x:4: the day lies outside valid-from..valid-through" },
        { "no such day", HEAD "2024-02-30,a\n", "x:4: want a date as 2026-11-22" },
        { "no name", HEAD "2024-01-01,\n", "x:4: want the holiday's name behind the date" },
        { "one column", HEAD "2024-01-01\n", "x:4: want two columns" },
        { "settings in another order", "valid-from,2024-01-01\n", "x:1: want zone,NAME first" },
        { "an unknown zone", "zone,Mars/Olympus\n", "x:1: want a time zone that is known" },
        { "ends before it begins", "zone,UTC\nvalid-from,2024-01-02\nvalid-through,2024-01-01\n",
          "x:3: valid-through lies before valid-from" },
        { "carriage returns", "zone,UTC\r\n", "x:1: want a time zone that is known" },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct calendar calendar;
        struct message message = { { 0 } };
        int r = calendar_read(str_from_c(cases[i].text), "x", &calendar, &message);
        if ((r != 0) != (cases[i].message != NULL) || (r && strcmp(message.text, cases[i].message) != 0))
            fail_msg("%s: %d %s", cases[i].name, r, message.text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(civil_days),       cmocka_unit_test(wall_clocks),
        cmocka_unit_test(business_days),    cmocka_unit_test(c1_the_refusal_names_the_file),
        cmocka_unit_test(c2_read_strictly),
    };
    return cmocka_run_group_tests(tests, load_both, NULL);
}
