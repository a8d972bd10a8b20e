#include "integration/schedule_rules.h"

#include "domain/civil_date.h"

const struct schedule_rail *schedule_rules_rail(const struct schedule_rules *rules, int64_t currency) {
    for (size_t i = 0; rules && i < rules->rail_count; i++)
        if (rules->rails[i].currency.code == currency) return &rules->rails[i];
    return NULL;
}

int schedule_rail_due(const struct schedule_rail *rail, enum calendar_rule rule, int64_t day,
                      struct schedule_due *ret_due) {
    int64_t moved;
    if (calendar_adjust(&rail->calendar, rule, day, &moved)) return SCHEDULE_RULE_E_CALENDAR;
    *ret_due =
        (struct schedule_due){ .day = moved, .ms = time_zone_moment(rail->calendar.zone, moved, rail->opens_ms) };
    return 0;
}

int schedule_rail_order(const struct schedule_rail *rail, enum calendar_rule rule, int64_t day, int64_t now_ms,
                        struct schedule_due *ret_due) {
    struct schedule_due due;
    int64_t today = time_zone_day(rail->calendar.zone, now_ms);
    if (day < today) return SCHEDULE_RULE_E_DATE;
    int r = schedule_rail_due(rail, rule, day, &due);
    if (r) return r;
    if (due.day < today) return SCHEDULE_RULE_E_DATE; /* moved back from a holiday */
    if (due.day == today && now_ms >= time_zone_moment(rail->calendar.zone, today, rail->cut_off_ms))
        return SCHEDULE_RULE_E_CUT_OFF;
    *ret_due = due;
    return 0;
}

int schedule_rail_cancel_until(const struct schedule_rail *rail, int64_t due_day, int64_t *ret_ms) {
    int64_t before;
    if (calendar_preceding(&rail->calendar, due_day - 1, &before)) return SCHEDULE_RULE_E_CALENDAR;
    *ret_ms = time_zone_moment(rail->calendar.zone, before, rail->cut_off_ms);
    return 0;
}

int64_t schedule_rail_retry(const struct schedule_rail *rail, int64_t now_ms) {
    int64_t again = time_zone_moment(rail->calendar.zone, time_zone_day(rail->calendar.zone, now_ms), rail->retry_ms);
    return again > now_ms ? again : 0;
}
