#include "app/schedule_config.h"

#include "platform/file.h"

enum { DAY_MS = 86400000, HOUR_MS = 3600000 };

static const char sample[] =
    "# business_days:\n"
    "#   GBP:\n"
    "#     calendar: policy/calendar/GB.csv   # holidays, dated; giro refuses what lies beyond\n"
    "#     opens: 6h      # after midnight: when a day's payments are made\n"
    "#     retry: 14h     # those without funds once more, before they are rejected\n"
    "#     cut_off: 22h   # orders for the day until then; cancelling until then the day before\n";

static struct schedule_rail_config rail_default(const char *currency, const char *calendar) {
    struct schedule_rail_config rail = {
        .calendar = str_from_c(calendar), .opens_ms = 6 * HOUR_MS, .retry_ms = 14 * HOUR_MS, .cut_off_ms = 22 * HOUR_MS
    };
    check(currency_parse(str_from_c(currency), &rail.currency) == 0);
    return rail;
}

static struct schedule_rail_config *rail_of(struct schedule_config *config, const struct config_value *value,
                                            struct config_errors *errors) {
    struct currency currency;
    if (currency_parse(value->keys[0], &currency)) {
        config_error(errors, value->line, "business_days: want a currency of three letters");
        return NULL;
    }
    for (size_t i = 0; i < config->rail_count; i++)
        if (currency_equal(config->rails[i].currency, currency)) return &config->rails[i];
    if (config->rail_count == SCHEDULE_RAILS_MAX) {
        config_error(errors, value->line, "business_days: more than %d currencies", SCHEDULE_RAILS_MAX);
        return NULL;
    }
    struct schedule_rail_config *rail = &config->rails[config->rail_count++];
    *rail = rail_default("GBP", "");
    rail->currency = currency;
    rail->line = value->line;
    return rail;
}

static void set(void *ctx, const struct config_value *value, struct arena *arena, struct config_errors *errors) {
    if (value->key_count != 2 || value->listed) {
        config_error(errors, value->line, "want business_days.CURRENCY.{calendar, opens, retry, cut_off}");
        return;
    }
    struct schedule_rail_config *rail = rail_of(ctx, value, errors);
    if (!rail) return;
    struct str key = value->keys[1];
    if (str_equal(key, STR("calendar"))) {
        rail->calendar = arena_dup(arena, value->text);
        if (!rail->calendar.at) config_error(errors, value->line, "too much text");
        return;
    }
    int64_t *hour = str_equal(key, STR("opens"))     ? &rail->opens_ms
                    : str_equal(key, STR("retry"))   ? &rail->retry_ms
                    : str_equal(key, STR("cut_off")) ? &rail->cut_off_ms
                                                     : NULL;
    if (!hour)
        config_error(errors, value->line, "unknown key \"business_days." STR_FMT "." STR_FMT "\"",
                     STR_ARG(value->keys[0]), STR_ARG(key));
    else if (!config_value_duration(value, 0, DAY_MS - 1, hour))
        config_error(errors, value->line, "want a time after midnight, as 30m or 14h");
}

static void end(void *ctx, struct config_errors *errors) {
    struct schedule_config *config = ctx;
    if (config->rail_count == 0) {
        config->rails[config->rail_count++] = rail_default("GBP", "policy/calendar/GB.csv");
        config->rails[config->rail_count++] = rail_default("EUR", "policy/calendar/EUR.csv");
    }
    for (size_t i = 0; i < config->rail_count; i++)
        if (config->rails[i].calendar.len == 0)
            config_error(errors, config->rails[i].line, "business_days: a currency wants a calendar");
}

static void print(void *ctx, struct buffer *out) {
    const struct schedule_config *config = ctx;
    for (size_t i = 0; i < config->rail_count; i++) {
        const struct schedule_rail_config *rail = &config->rails[i];
        char currency[4];
        struct str name = currency_text(rail->currency, currency);
        buffer_printf(out, "  " STR_FMT ":\n    calendar: \"" STR_FMT "\"\n", STR_ARG(name), STR_ARG(rail->calendar));
        buffer_printf(out, "    opens: %lldms\n    retry: %lldms\n    cut_off: %lldms\n", (long long)rail->opens_ms,
                      (long long)rail->retry_ms, (long long)rail->cut_off_ms);
    }
}

struct config_section schedule_config_section(struct schedule_config *config) {
    return (struct config_section){
        .name = "business_days", .set = set, .end = end, .print = print, .sample = sample, .ctx = config
    };
}

int schedule_config_open(const struct schedule_config *config, struct arena *arena, struct schedule_rules *ret_rules,
                         struct message *message) {
    ret_rules->rail_count = 0;
    for (size_t i = 0; i < config->rail_count; i++) {
        const struct schedule_rail_config *from = &config->rails[i];
        struct schedule_rail *rail = &ret_rules->rails[i];
        char path[CALENDAR_PATH_BYTES_MAX];
        struct str text;
        if (str_to_c(from->calendar, path, sizeof path)) {
            message_set(message, "a calendar's path in the configuration is too long");
            return err_origin(-ENAMETOOLONG);
        }
        int r = file_read_all(path, CALENDAR_FILE_BYTES_MAX, arena, &text, message);
        if (r) return err_trace(r);
        *rail = (struct schedule_rail){ .currency = from->currency,
                                        .opens_ms = from->opens_ms,
                                        .retry_ms = from->retry_ms,
                                        .cut_off_ms = from->cut_off_ms };
        if (calendar_read(text, path, &rail->calendar, message)) return err_origin(-EINVAL);
        ret_rules->rail_count++;
    }
    return 0;
}
