#include "domain/money.h"

/* ISO 4217 list one, currencies and funds that have minor units, as of 1 January 2026 (BGN, ANG, HRK, ZWL and SLL are
 * gone; XAU, XDR and their like have no minor unit and are not money here). Sorted: money_test proves it. */
static const struct currency_row {
    char text[4];
    uint8_t exponent;
} currency_rows[] = {
    { "AED", 2 }, { "AFN", 2 }, { "ALL", 2 }, { "AMD", 2 }, { "AOA", 2 }, { "ARS", 2 }, { "AUD", 2 },
    { "AWG", 2 }, { "AZN", 2 }, { "BAM", 2 }, { "BBD", 2 }, { "BDT", 2 }, { "BHD", 3 }, { "BIF", 0 },
    { "BMD", 2 }, { "BND", 2 }, { "BOB", 2 }, { "BOV", 2 }, { "BRL", 2 }, { "BSD", 2 }, { "BTN", 2 },
    { "BWP", 2 }, { "BYN", 2 }, { "BZD", 2 }, { "CAD", 2 }, { "CDF", 2 }, { "CHE", 2 }, { "CHF", 2 },
    { "CHW", 2 }, { "CLF", 4 }, { "CLP", 0 }, { "CNY", 2 }, { "COP", 2 }, { "COU", 2 }, { "CRC", 2 },
    { "CUP", 2 }, { "CVE", 2 }, { "CZK", 2 }, { "DJF", 0 }, { "DKK", 2 }, { "DOP", 2 }, { "DZD", 2 },
    { "EGP", 2 }, { "ERN", 2 }, { "ETB", 2 }, { "EUR", 2 }, { "FJD", 2 }, { "FKP", 2 }, { "GBP", 2 },
    { "GEL", 2 }, { "GHS", 2 }, { "GIP", 2 }, { "GMD", 2 }, { "GNF", 0 }, { "GTQ", 2 }, { "GYD", 2 },
    { "HKD", 2 }, { "HNL", 2 }, { "HTG", 2 }, { "HUF", 2 }, { "IDR", 2 }, { "ILS", 2 }, { "INR", 2 },
    { "IQD", 3 }, { "IRR", 2 }, { "ISK", 0 }, { "JMD", 2 }, { "JOD", 3 }, { "JPY", 0 }, { "KES", 2 },
    { "KGS", 2 }, { "KHR", 2 }, { "KMF", 0 }, { "KPW", 2 }, { "KRW", 0 }, { "KWD", 3 }, { "KYD", 2 },
    { "KZT", 2 }, { "LAK", 2 }, { "LBP", 2 }, { "LKR", 2 }, { "LRD", 2 }, { "LSL", 2 }, { "LYD", 3 },
    { "MAD", 2 }, { "MDL", 2 }, { "MGA", 2 }, { "MKD", 2 }, { "MMK", 2 }, { "MNT", 2 }, { "MOP", 2 },
    { "MRU", 2 }, { "MUR", 2 }, { "MVR", 2 }, { "MWK", 2 }, { "MXN", 2 }, { "MXV", 2 }, { "MYR", 2 },
    { "MZN", 2 }, { "NAD", 2 }, { "NGN", 2 }, { "NIO", 2 }, { "NOK", 2 }, { "NPR", 2 }, { "NZD", 2 },
    { "OMR", 3 }, { "PAB", 2 }, { "PEN", 2 }, { "PGK", 2 }, { "PHP", 2 }, { "PKR", 2 }, { "PLN", 2 },
    { "PYG", 0 }, { "QAR", 2 }, { "RON", 2 }, { "RSD", 2 }, { "RUB", 2 }, { "RWF", 0 }, { "SAR", 2 },
    { "SBD", 2 }, { "SCR", 2 }, { "SDG", 2 }, { "SEK", 2 }, { "SGD", 2 }, { "SHP", 2 }, { "SLE", 2 },
    { "SOS", 2 }, { "SRD", 2 }, { "SSP", 2 }, { "STN", 2 }, { "SVC", 2 }, { "SYP", 2 }, { "SZL", 2 },
    { "THB", 2 }, { "TJS", 2 }, { "TMT", 2 }, { "TND", 3 }, { "TOP", 2 }, { "TRY", 2 }, { "TTD", 2 },
    { "TWD", 2 }, { "TZS", 2 }, { "UAH", 2 }, { "UGX", 0 }, { "USD", 2 }, { "USN", 2 }, { "UYI", 0 },
    { "UYU", 2 }, { "UYW", 4 }, { "UZS", 2 }, { "VED", 2 }, { "VES", 2 }, { "VND", 0 }, { "VUV", 0 },
    { "WST", 2 }, { "XAD", 2 }, { "XAF", 0 }, { "XCD", 2 }, { "XCG", 2 }, { "XOF", 0 }, { "XPF", 0 },
    { "YER", 2 }, { "ZAR", 2 }, { "ZMW", 2 }, { "ZWG", 2 },
};

static uint32_t currency_pack(const char text[3]) {
    return (uint32_t)(unsigned char)text[0] << 16 | (uint32_t)(unsigned char)text[1] << 8 | (unsigned char)text[2];
}

static const struct currency_row *currency_find(uint32_t code) {
    size_t from = 0, to = ARRAY_COUNT(currency_rows);
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        uint32_t here = currency_pack(currency_rows[middle].text);
        if (here == code) return &currency_rows[middle];
        if (here < code) from = middle + 1;
        else to = middle;
    }
    return NULL;
}

const char *money_refusal_text(int refusal) {
    switch ((enum money_refusal)refusal) {
    case MONEY_E_SYNTAX: return "amount must be digits, optionally a point and decimals, like 19.99";
    case MONEY_E_DECIMALS: return "amount has more decimals than its currency";
    case MONEY_E_RANGE: return "amount is too large";
    case MONEY_E_NOT_POSITIVE: return "amount must be greater than zero";
    case MONEY_E_CURRENCY: return "currency must be an ISO 4217 code in upper case";
    case MONEY_E_NONE:
    case MONEY_E_COUNT: break;
    }
    return "amount is not valid";
}

int currency_parse(struct str text, struct currency *ret_currency) {
    if (text.len != 3) return MONEY_E_CURRENCY;
    uint32_t code = currency_pack(text.at);
    if (!currency_find(code)) return MONEY_E_CURRENCY;
    ret_currency->code = code;
    return 0;
}

bool currency_equal(struct currency a, struct currency b) {
    return a.code == b.code;
}

struct str currency_text(struct currency currency, char text[4]) {
    text[0] = (char)(currency.code >> 16 & 0xff);
    text[1] = (char)(currency.code >> 8 & 0xff);
    text[2] = (char)(currency.code & 0xff);
    text[3] = 0;
    return (struct str){ .at = text, .len = currency.code ? 3 : 0 };
}

int currency_exponent(struct currency currency) {
    const struct currency_row *row = currency_find(currency.code);
    check(row != NULL);
    return row->exponent;
}

bool currency_is_known(struct currency currency) {
    return currency_find(currency.code) != NULL;
}

static size_t digits_at(struct str s, size_t from) {
    size_t at = from;
    while (at < s.len && s.at[at] >= '0' && s.at[at] <= '9') at++;
    return at - from;
}

/* digits, or digits '.' digits, without leading zeros; *ret_decimals = digits behind the point. */
static int amount_shape(struct str text, size_t *ret_decimals) {
    size_t whole = digits_at(text, 0);
    if (whole == 0 || (whole > 1 && text.at[0] == '0')) return MONEY_E_SYNTAX;
    if (whole == text.len) {
        *ret_decimals = 0;
        return 0;
    }
    size_t decimals = digits_at(text, whole + 1);
    if (text.at[whole] != '.' || decimals == 0 || whole + 1 + decimals != text.len) return MONEY_E_SYNTAX;
    *ret_decimals = decimals;
    return 0;
}

int money_parse(struct str text, struct currency currency, struct money *ret_money) {
    if (!currency_is_known(currency)) return MONEY_E_CURRENCY;
    bool negative = text.len > 0 && text.at[0] == '-';
    if (negative) text = str_slice(text, 1, text.len);
    size_t exponent = (size_t)currency_exponent(currency), decimals = 0;
    int r = amount_shape(text, &decimals);
    if (r) return r;
    if (negative) return MONEY_E_NOT_POSITIVE;
    if (decimals > exponent) return MONEY_E_DECIMALS;
    int64_t minor = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '.') continue;
        if (checked_mul(minor, 10, &minor) || checked_add(minor, text.at[i] - '0', &minor)) return MONEY_E_RANGE;
    }
    for (; decimals < exponent; decimals++)
        if (checked_mul(minor, 10, &minor)) return MONEY_E_RANGE;
    if (minor == 0) return MONEY_E_NOT_POSITIVE;
    *ret_money = (struct money){ .minor = minor, .currency = currency };
    return 0;
}

struct str money_text(struct money money, char text[MONEY_TEXT_BYTES]) {
    size_t exponent = (size_t)currency_exponent(money.currency);
    uint64_t minor = money.minor < 0 ? 0 - (uint64_t)money.minor : (uint64_t)money.minor;
    char reversed[MONEY_TEXT_BYTES];
    size_t len = 0;
    for (size_t digits = 0; minor || digits <= exponent; digits++, minor /= 10) {
        if (exponent && digits == exponent) reversed[len++] = '.';
        reversed[len++] = (char)('0' + minor % 10);
    }
    if (money.minor < 0) reversed[len++] = '-';
    check(len < MONEY_TEXT_BYTES);
    for (size_t i = 0; i < len; i++) text[i] = reversed[len - 1 - i];
    text[len] = 0;
    return (struct str){ .at = text, .len = len };
}

int money_add(struct money a, struct money b, struct money *ret_sum) {
    int64_t minor;
    check(currency_equal(a.currency, b.currency));
    if (checked_add(a.minor, b.minor, &minor)) return err_origin(-ERANGE);
    *ret_sum = (struct money){ .minor = minor, .currency = a.currency };
    return 0;
}

int money_sub(struct money a, struct money b, struct money *ret_difference) {
    int64_t minor;
    check(currency_equal(a.currency, b.currency));
    if (checked_sub(a.minor, b.minor, &minor)) return err_origin(-ERANGE);
    *ret_difference = (struct money){ .minor = minor, .currency = a.currency };
    return 0;
}
