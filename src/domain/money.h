/* money.h - amounts: int64 minor units with their ISO 4217 currency. No floating point anywhere.
 *
 * (M1) two currencies never meet in one operation (check). (M2) overflow is a result. (M3) decimals come from text with
 * the currency's exponent: JPY 0, GBP/EUR/CZK/USD... 2, BHD/KWD... 3 decimals. */
#ifndef GIRO_DOMAIN_MONEY_H
#define GIRO_DOMAIN_MONEY_H

#include "platform/buffer.h"

/* A currency is its three letters packed big-endian into the low 24 bits ('G'<<16|'B'<<8|'P'); 0 = none. Fits an I64
 * column. */
struct currency {
    uint32_t code;
};
struct money {
    int64_t minor;
    struct currency currency;
};

#define MONEY_E_MAP(X)                                                                                                 \
    X(MONEY_E_SYNTAX, "syntax") X(MONEY_E_DECIMALS, "too_many_decimals") X(MONEY_E_RANGE, "overflow")                  \
    X(MONEY_E_NOT_POSITIVE, "not_positive") X(MONEY_E_CURRENCY, "unknown_currency")
#define X(code, name) code,
enum money_refusal { MONEY_E_NONE = 0, MONEY_E_MAP(X) MONEY_E_COUNT };
#undef X
const char *money_refusal_text(int refusal); /* a sentence for people: "amount must be greater than zero" */

/* Exactly three upper-case letters naming an ISO 4217 currency with minor units; 0 or MONEY_E_CURRENCY. */
int currency_parse(struct str text, struct currency *ret_currency);
bool currency_equal(struct currency a, struct currency b);
struct str currency_text(struct currency currency, char text[4]);
int currency_exponent(struct currency currency); /* 0..4; check: a known currency */
bool currency_is_known(struct currency currency);

/* A positive amount as a caller writes it: digits, optionally '.' and 1..exponent digits. Refused: sign, blanks,
 * exponent form (1e2), leading zeros ("01", but "0.50" is fine), a bare '.', more decimals than the currency has (also
 * zeros), zero, over INT64_MAX minor. A minus before a well-formed amount is MONEY_E_NOT_POSITIVE, any other sign
 * MONEY_E_SYNTAX. When several apply: currency, syntax, not positive (minus), decimals, range, not positive (zero). 0
 * or MONEY_E_*. */
int money_parse(struct str text, struct currency currency, struct money *ret_money);
/* "19.99", "-0.05", "100" for JPY. */
enum { MONEY_TEXT_BYTES = 32 };
struct str money_text(struct money money, char text[MONEY_TEXT_BYTES]);
int money_add(struct money a, struct money b, struct money *ret_sum);        /* 0 or -ERANGE */
int money_sub(struct money a, struct money b, struct money *ret_difference); /* 0 or -ERANGE */

#endif
