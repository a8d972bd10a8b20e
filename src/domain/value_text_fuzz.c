/* value_text_fuzz.c - any bytes as each of the small values that callers write: what is taken is written again as the
 * same value, and that text is taken as the same value too. */
/* spec: ledger/56 */
#include "domain/approval.h"
#include "domain/civil_date.h"
#include "domain/frequency.h"
#include "domain/id.h"
#include "domain/money.h"
#include "domain/payment_order.h"
#include "domain/plain_text.h"
#include "domain/time_zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void id_try(struct str text) {
    uint8_t id[ID_BYTES], again[ID_BYTES];
    char written[ID_TEXT_BYTES], hex[ID_HEX_BYTES];
    bool good = id_parse(text, id) == 0;
    if (good) check(str_equal_nocase(id_format(id, written), text));
    if (good) check(id_parse_hex(id_format_hex(id, hex), again) == 0 && id_equal(id, again));
    if (id_parse_hex(text, id) == 0) check(id_parse(id_format(id, written), again) == 0 && id_equal(id, again));
}

/* The first three bytes are the currency. */
static void money_try(struct str text) {
    struct currency currency;
    struct money money, again;
    char code[4], written[MONEY_TEXT_BYTES];
    if (text.len < 3 || currency_parse(str_slice(text, 0, 3), &currency)) return;
    check(str_equal(currency_text(currency, code), str_slice(text, 0, 3)) && currency_is_known(currency));
    if (money_parse(str_slice(text, 3, text.len), currency, &money)) return;
    check(money.minor > 0 && currency_equal(money.currency, currency));
    check(money_parse(money_text(money, written), currency, &again) == 0 && again.minor == money.minor);
}

static void date_try(struct str text) {
    char written[CIVIL_TEXT_BYTES];
    int64_t day;
    if (civil_parse(text, &day)) return;
    check(day >= 0 && day <= CIVIL_DAY_MAX && civil_day(civil_date_of(day)) == day);
    check(str_equal(civil_format(day, written), text));
}

/* A series goes forward, and its days are days. The calendar is not asked: it counts business days alone. */
static void frequency_try(struct str text) {
    struct frequency frequency;
    int64_t day = 0, next;
    if (frequency_parse(text, &frequency)) return;
    check(text.len <= FREQUENCY_TEXT_BYTES_MAX && frequency.kind < FREQUENCY_KIND_COUNT);
    check(frequency.interval > 0 || frequency.kind == FREQUENCY_QUARTER_DAYS);
    if (frequency.kind == FREQUENCY_WORKING_DAYS || frequency.kind == FREQUENCY_WORKING_DAY_IN_MONTH) return;
    for (size_t i = 0; i < 40; i++) {
        int r = frequency_next(&frequency, NULL, 20000, 20000 + day, &next);
        if (r == FREQUENCY_E_END) return;
        check(r == 0 && next > 20000 + day && next <= CIVIL_DAY_MAX);
        day = next - 20000;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct str text = str_from_bytes(bytes, size);
    struct hash hash;
    char written[APPROVAL_TEXT_BYTES];
    struct end_to_end_id end_to_end;
    enum time_zone zone;
    id_try(text);
    money_try(text);
    date_try(text);
    frequency_try(text);
    if (approval_parse(text, &hash) == 0) check(str_equal(approval_text(&hash, written), text));
    if (end_to_end_id_parse(text, &end_to_end) == 0)
        check(str_equal(end_to_end_id_str(&end_to_end), text) && plain_text(text) && size <= 35 && size > 0);
    if (time_zone_parse(text, &zone) == 0) check(str_equal_c(text, time_zone_name(zone)));
    if (plain_text(text)) check(str_is_utf8(text) && !memchr(bytes ? bytes : (const uint8_t *)"", '\n', size));
    return 0;
}
