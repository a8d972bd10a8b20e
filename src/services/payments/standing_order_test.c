/* standing_order_test.c - the dates and parts of whole plans: first, recurring, final, number of payments. */
#include "services/payments/standing_order.h"

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

static int64_t day_of(const char *text) {
    int64_t day = 0;
    if (text && civil_parse(str_from_c(text), &day)) fail_msg("no day: %s", text);
    return day;
}

static struct standing_plan plan_of(const char *frequency, const char *first, const char *recurring, const char *final,
                                    int64_t payments_max) {
    struct standing_plan plan = { .first_day = day_of(first),
                                  .recurring_day = day_of(recurring),
                                  .final_day = day_of(final),
                                  .payments_max = payments_max };
    assert_int_equal(frequency_parse(str_from_c(frequency), &plan.frequency), 0);
    return plan;
}

/* spec: ledger/29 */
static void plans(void **state) {
    /* want: "F 2026-01-31 R 2026-02-28 L 2026-03-31 ." - the dot: it has ended; "!": the calendar has; else it goes on
     */
    static const struct {
        const char *name, *frequency, *first, *recurring, *final;
        int64_t payments_max;
        const char *want;
    } cases[] = {
        { "no end", "MNTH", "2026-01-31", NULL, NULL, 0, "F 2026-01-31 R 2026-02-28 R 2026-03-31 R 2026-04-30" },
        { "three payments", "MNTH", "2026-01-31", NULL, NULL, 3, "F 2026-01-31 R 2026-02-28 L 2026-03-31 ." },
        { "one payment", "MNTH", "2026-01-31", NULL, NULL, 1, "F 2026-01-31 ." },
        { "a final date on a date", "WEEK", "2026-11-25", NULL, "2026-12-09", 0,
          "F 2026-11-25 R 2026-12-02 L 2026-12-09 ." },
        { "a final date between two", "WEEK", "2026-11-25", NULL, "2026-12-07", 0,
          "F 2026-11-25 R 2026-12-02 L 2026-12-07 ." },
        { "a final date before the second", "MNTH", "2026-11-25", NULL, "2026-12-01", 0,
          "F 2026-11-25 L 2026-12-01 ." },
        { "first and final are one", "MNTH", "2026-11-25", NULL, "2026-11-25", 0, "F 2026-11-25 ." },
        { "another first recurring date", "MNTH", "2026-11-25", "2027-01-31", NULL, 0,
          "F 2026-11-25 R 2027-01-31 R 2027-02-28 R 2027-03-31" },
        { "the same, with an end", "MNTH", "2026-11-25", "2027-01-31", "2027-03-10", 0,
          "F 2026-11-25 R 2027-01-31 R 2027-02-28 L 2027-03-10 ." },
        { "a day of the month behind the first", "MNTH:15", "2026-11-10", NULL, NULL, 3,
          "F 2026-11-10 R 2026-11-15 L 2026-12-15 ." },
        { "over the change of clocks", "WEEK:07", "2026-03-22", NULL, NULL, 3,
          "F 2026-03-22 R 2026-03-29 L 2026-04-05 ." },
        { "29 February", "YEAR", "2024-02-29", NULL, NULL, 5,
          "F 2024-02-29 R 2025-02-28 R 2026-02-28 R 2027-02-28 L 2028-02-29 ." },
        { "business days over Easter", "EvryWorkgDay", "2026-04-02", NULL, NULL, 3,
          "F 2026-04-02 R 2026-04-07 L 2026-04-08 ." },
        { "where the calendar ends", "EvryWorkgDay", "2028-12-29", NULL, NULL, 0, "F 2028-12-29 !" },
        { "ended needs no calendar", "EvryWorkgDay", "2028-12-29", NULL, NULL, 1, "F 2028-12-29 ." },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct standing_plan plan =
            plan_of(cases[i].frequency, cases[i].first, cases[i].recurring, cases[i].final, cases[i].payments_max);
        struct buffer out;
        char text[256], day[CIVIL_TEXT_BYTES];
        int64_t last_day = 0;
        assert_int_equal(standing_plan_check(&plan), 0);
        buffer_init(&out, text, sizeof text - 1);
        for (int64_t sequence = 1; out.len + 1 < strlen(cases[i].want); sequence++) {
            struct standing_date date;
            int r = standing_plan_date(&plan, &gb, sequence, last_day, &date);
            if (out.len) buffer_append_char(&out, ' ');
            if (r) buffer_append_c(&out, r == STANDING_PLAN_E_ENDED ? "." : "!");
            if (r) break;
            buffer_append_char(&out, "FRL"[date.part]);
            buffer_append_char(&out, ' ');
            buffer_append_str(&out, civil_format(date.day, day));
            last_day = date.day;
        }
        text[out.len] = 0;
        if (strcmp(text, cases[i].want) != 0) fail_msg("%s: %s", cases[i].name, text);
    }
}

static void plans_that_contradict_themselves(void **state) {
    static const struct {
        const char *name, *first, *recurring, *final;
        int64_t payments_max;
        int want;
    } cases[] = {
        { "plain", "2026-11-25", NULL, NULL, 0, 0 },
        { "no first day", NULL, NULL, NULL, 0, STANDING_PLAN_E_DATES },
        { "recurring on the first", "2026-11-25", "2026-11-25", NULL, 0, STANDING_PLAN_E_DATES },
        { "recurring behind it", "2026-11-25", "2026-11-26", NULL, 0, 0 },
        { "final before the first", "2026-11-25", NULL, "2026-11-24", 0, STANDING_PLAN_E_DATES },
        { "final before the recurring", "2026-11-25", "2026-12-25", "2026-12-24", 0, STANDING_PLAN_E_DATES },
        { "final on the recurring", "2026-11-25", "2026-12-25", "2026-12-25", 0, 0 },
        { "a number and a final day", "2026-11-25", NULL, "2026-12-24", 2, STANDING_PLAN_E_DATES },
        { "a negative number", "2026-11-25", NULL, NULL, -1, STANDING_PLAN_E_DATES },
        { "too many", "2026-11-25", NULL, NULL, STANDING_PAYMENTS_MAX + 1, STANDING_PLAN_E_DATES },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct standing_plan plan =
            plan_of("MNTH", cases[i].first, cases[i].recurring, cases[i].final, cases[i].payments_max);
        if (standing_plan_check(&plan) != cases[i].want) fail_msg("%s", cases[i].name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans),
        cmocka_unit_test(plans_that_contradict_themselves),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}
