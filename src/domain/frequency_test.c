#include "domain/frequency.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "domain/civil_date.h"
#include "platform/file.h"

static struct calendar gb;

static int load(void **state) {
    struct arena arena;
    struct str text;
    struct message message = { { 0 } };
    (void)state;
    assert_int_equal(arena_init(&arena, CALENDAR_FILE_BYTES_MAX, 2 * CALENDAR_FILE_BYTES_MAX), 0);
    assert_int_equal(file_read_all("policy/calendar/GB.csv", CALENDAR_FILE_BYTES_MAX, &arena, &text, &message), 0);
    assert_int_equal(calendar_read(text, "policy/calendar/GB.csv", &gb, &message), 0);
    arena_release(&arena);
    return 0;
}

static int64_t day_of(struct str text) {
    int64_t day;
    if (civil_parse(text, &day)) fail_msg("no day: " STR_FMT, STR_ARG(text));
    return day;
}

/* want: the days of the series from its anchor on, blanks between; "!" where the calendar ends. */
static const struct {
    const char *frequency, *anchor, *want;
} series[] = {
    { "EvryDay", "2024-02-28", "2024-02-28 2024-02-29 2024-03-01 2024-03-02" },
    { "DAIL", "2026-03-28", "2026-03-28 2026-03-29 2026-03-30" },
    { "EvryWorkgDay", "2026-04-02", "2026-04-02 2026-04-07 2026-04-08" },
    { "WODL", "2026-12-24", "2026-12-24 2026-12-29 2026-12-30 2026-12-31 2027-01-04" },
    { "WODL", "2028-12-28", "2028-12-28 2028-12-29 !" },
    { "IntrvlDay:10", "2026-02-20", "2026-02-20 2026-03-02 2026-03-12" },
    { "IntrvlDay:31", "2026-01-31", "2026-01-31 2026-03-03 2026-04-03" },
    { "WEEK", "2026-11-25", "2026-11-25 2026-12-02 2026-12-09" },
    { "WEEK:00", "2026-11-25", "2026-11-25 2026-12-02" },
    { "WEEK:01", "2026-11-25", "2026-11-30 2026-12-07" },
    { "WEEK:07", "2026-03-22", "2026-03-22 2026-03-29 2026-04-05" },
    { "IntrvlWkDay:01:03", "2026-11-25", "2026-11-25 2026-12-02" },
    { "IntrvlWkDay:02:05", "2026-11-25", "2026-11-27 2026-12-11 2026-12-25" },
    { "FRTN", "2026-12-18", "2026-12-18 2027-01-01 2027-01-15" },
    { "FOWK", "2026-12-18", "2026-12-18 2027-01-15 2027-02-12" },
    { "WkInMnthDay:01:01", "2026-11-03", "2026-12-07 2027-01-04 2027-02-01" },
    { "WkInMnthDay:03:05", "2026-11-20", "2026-11-20 2026-12-18 2027-01-15" },
    { "WkInMnthDay:05:01", "2026-11-01", "2026-11-30 2026-12-28 2027-01-25" },
    { "MNTH", "2024-01-31", "2024-01-31 2024-02-29 2024-03-31 2024-04-30 2024-05-31" },
    { "MNTH", "2025-01-31", "2025-01-31 2025-02-28 2025-03-31" },
    { "MNTH", "2025-01-29", "2025-01-29 2025-02-28 2025-03-29" },
    { "MNTH:15", "2026-11-20", "2026-12-15 2027-01-15" },
    { "MNTH:15", "2026-11-10", "2026-11-15 2026-12-15" },
    { "MNTH:31", "2026-11-10", "2026-11-30 2026-12-31 2027-01-31 2027-02-28" },
    { "IntrvlMnthDay:01:-01", "2024-01-01", "2024-01-31 2024-02-29 2024-03-31 2024-04-30" },
    { "IntrvlMnthDay:01:-05", "2026-02-01", "2026-02-24 2026-03-27" },
    { "IntrvlMnthDay:02:30", "2026-12-30", "2026-12-30 2027-02-28 2027-04-30" },
    { "IntrvlMnthDay:24:29", "2024-02-29", "2024-02-29 2026-02-28 2028-02-29" },
    { "TWMH", "2026-12-31", "2026-12-31 2027-02-28 2027-04-30" },
    { "QURT", "2026-11-30", "2026-11-30 2027-02-28 2027-05-30 2027-08-30" },
    { "FOMH", "2026-10-31", "2026-10-31 2027-02-28 2027-06-30" },
    { "FIMH", "2026-10-31", "2026-10-31 2027-03-31 2027-08-31" },
    { "MIAN", "2026-08-31", "2026-08-31 2027-02-28 2027-08-31" },
    { "YEAR", "2024-02-29", "2024-02-29 2025-02-28 2026-02-28 2027-02-28 2028-02-29" },
    { "QtrDay:ENGLISH", "2026-06-25", "2026-09-29 2026-12-25 2027-03-25 2027-06-24" },
    { "QtrDay:SCOTTISH", "2026-11-12", "2027-02-02 2027-05-15 2027-08-01 2027-11-11" },
    { "QtrDay:RECEIVED", "2026-12-20", "2026-12-20 2027-03-20 2027-06-19 2027-09-24" },
    { "WorkgDayInMnth:01", "2026-12-02", "2027-01-04 2027-02-01 2027-03-01 2027-04-01" },
    { "WorkgDayInMnth:02", "2026-12-01", "2026-12-02 2027-01-05" },
    { "WorkgDayInMnth:-01", "2026-12-01", "2026-12-31 2027-01-29 2027-02-26 2027-03-31" },
    { "WorkgDayInMnth:23", "2026-11-01", "2026-11-30 2026-12-31 2027-01-29" },
    { "WorkgDayInMnth:01", "2028-12-02", "!" },
};

static void f1_f2_the_days_of_a_series(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(series); i++) {
        struct frequency frequency;
        struct str rest = str_from_c(series[i].want), word;
        int64_t anchor = day_of(str_from_c(series[i].anchor)), last = anchor - 1;
        assert_int_equal(frequency_parse(str_from_c(series[i].frequency), &frequency), 0);
        for (int n = 0; rest.len; n++) {
            char text[CIVIL_TEXT_BYTES] = "";
            int64_t day = 0;
            (void)str_cut(&rest, ' ', &word);
            int r = frequency_next(&frequency, &gb, anchor, last, &day);
            if (!r) (void)civil_format(day, text);
            bool good = str_equal(word, STR("!")) ? r == FREQUENCY_E_CALENDAR : !r && day == day_of(word);
            if (!good) fail_msg("%s from %s, day %d: %d %.10s", series[i].frequency, series[i].anchor, n, r, text);
            last = day;
        }
    }
}

/* Wherever in its life a series is looked at, it has the same days. */
static void f1_counted_from_the_anchor(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(series); i++) {
        struct frequency frequency;
        int64_t anchor = day_of(str_from_c(series[i].anchor)), day, behind;
        assert_int_equal(frequency_parse(str_from_c(series[i].frequency), &frequency), 0);
        for (int64_t after = anchor - 1; after < anchor + 400; after++) {
            if (frequency_next(&frequency, &gb, anchor, after, &day)) break;
            assert_true(day > after);
            if (day == after + 1) continue;
            assert_int_equal(frequency_next(&frequency, &gb, anchor, after + 1, &behind), 0);
            assert_int_equal(behind, day);
        }
    }
}

static void words_that_name_no_days(void **state) {
    static const char *const none[] = { "",
                                        "NotKnown",
                                        "ADHO",
                                        "INDA",
                                        "ALMH",
                                        "NONE",
                                        "DAIL:01",
                                        "WEEK:08",
                                        "WEEK:",
                                        "MNTH:32",
                                        "MNTH:1",
                                        "MNTH:-1",
                                        "IntrvlDay:01",
                                        "IntrvlDay",
                                        "IntrvlDay:32",
                                        "evryday",
                                        "IntrvlWkDay:10:1",
                                        "QtrDay:",
                                        "QtrDay:X",
                                        "IntrvlWkDay:01:08",
                                        "YEAR:01",
                                        "IntrvlMnthDay:07:01",
                                        "IntrvlMnthDay:01:00",
                                        "IntrvlMnthDay:01:-06",
                                        "WkInMnthDay:06:01",
                                        "WorkgDayInMnth:24",
                                        "WorkgDayInMnth:00",
                                        "EvryDay " };
    struct frequency frequency;
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(none); i++)
        if (frequency_parse(str_from_c(none[i]), &frequency) != FREQUENCY_E_TEXT) fail_msg("\"%s\"", none[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f1_f2_the_days_of_a_series),
        cmocka_unit_test(f1_counted_from_the_anchor),
        cmocka_unit_test(words_that_name_no_days),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}
