/* schedule_config.h - the part of giro.yaml that says on which days and at which hours payments of a later day go out,
 * and the calendars that it names.
 *
 *     business_days:
 *       GBP: { calendar: policy/calendar/GB.csv, opens: 6h, retry: 14h, cut_off: 22h }
 *
 * Hours are counted from midnight of the calendar's zone. Without the section: GBP and EUR with the calendars of the
 * project.
 */
#ifndef GIRO_APP_SCHEDULE_CONFIG_H
#define GIRO_APP_SCHEDULE_CONFIG_H

#include "integration/schedule_rules.h"
#include "platform/config.h"

struct schedule_rail_config {
    struct currency currency;
    struct str calendar;
    int64_t opens_ms, retry_ms, cut_off_ms;
    int line;
};
struct schedule_config {
    struct schedule_rail_config rails[SCHEDULE_RAILS_MAX];
    size_t rail_count;
};

#define SCHEDULE_CONFIG_CHOICES                                                                                        \
    "exact|following|modified_following|preceding" /* enum calendar_rule, for config rows                              \
                                                    */
/* The section "business_days"; config is filled when the file has been read. */
struct config_section schedule_config_section(struct schedule_config *config);
/* Reads the calendars; the rules by kind are the caller's. arena: while it runs. 0 or <0 with a sentence. */
int schedule_config_open(const struct schedule_config *config, struct arena *arena, struct schedule_rules *ret_rules,
                         struct message *message);

#endif
