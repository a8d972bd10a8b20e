/* personal.h - personal data as types of their own, of fixed size and without heap.
 *
 * (P1) A value that a parse function gave is valid; an all-zero struct means "none" (personal_is_none). (P2) The
 * characters are struct personal_byte, not char: neither "%s" nor any function that takes text accepts them, so the
 * log, metric, trace and error functions refuse them at compile time (src/observe/personal_refused.sh proves it). (P3)
 * The one way to the text is x_reveal(), which borrows from the struct: to be called where the data is sealed, sent to
 * a downstream or shown to its owner, and by observe/mask and observe/pii_hash. Everything that may be shown to others
 * comes from mask_x() and pii_hash().
 *
 * Parse functions write only on success and return 0 or PERSONAL_E_*, never a fault; they never keep the text. */
#ifndef GIRO_DOMAIN_PERSONAL_H
#define GIRO_DOMAIN_PERSONAL_H

#include "platform/str.h"

/* What a text is; the names appear in keyed hashes and must not change. */
#define PERSONAL_KIND_MAP(X)                                                                                           \
    X(PERSONAL_PAN, "pan") X(PERSONAL_IBAN, "iban") X(PERSONAL_ACCOUNT_NUMBER, "account_number")                       \
    X(PERSONAL_SORT_CODE, "sort_code") X(PERSONAL_NAME, "name") X(PERSONAL_BIRTH_DATE, "birth_date")                   \
    X(PERSONAL_NATIONAL_ID, "national_id") X(PERSONAL_EMAIL, "email") X(PERSONAL_PHONE, "phone")                       \
    X(PERSONAL_ADDRESS, "address") X(PERSONAL_REFERENCE, "reference")
#define X(code, name) code,
enum personal_kind { PERSONAL_KIND_MAP(X) PERSONAL_KIND_COUNT };
#undef X
const char *personal_kind_name(enum personal_kind kind);

#define PERSONAL_E_MAP(X)                                                                                              \
    X(PERSONAL_E_EMPTY, "empty") X(PERSONAL_E_LENGTH, "wrong_length") X(PERSONAL_E_CHARACTER, "wrong_character")       \
    X(PERSONAL_E_COUNTRY, "unknown_country") X(PERSONAL_E_CHECKSUM, "wrong_check_digits")                              \
    X(PERSONAL_E_DATE, "no_such_day")
#define X(code, name) code,
enum personal_refusal { PERSONAL_E_NONE = 0, PERSONAL_E_MAP(X) PERSONAL_E_COUNT };
#undef X
const char *personal_refusal_text(int refusal); /* "check digits do not match"; never quotes the value */

enum {
    PAN_DIGITS_MIN = 12, PAN_DIGITS_MAX = 19, IBAN_BYTES_MAX = 34, ACCOUNT_NUMBER_BYTES_MAX = 34, SORT_CODE_DIGITS = 6,
    PERSON_NAME_BYTES_MAX = 140, NATIONAL_ID_BYTES_MAX = 35, EMAIL_BYTES_MAX = 254, PHONE_DIGITS_MIN = 7,
    PHONE_DIGITS_MAX = 15, POSTAL_ADDRESS_BYTES_MAX = 350, PAYMENT_REFERENCE_BYTES_MAX = 140, BIRTH_DATE_TEXT_BYTES = 11
};

struct personal_byte {
    uint8_t value;
};
struct pan {
    struct personal_byte at[PAN_DIGITS_MAX];
    uint8_t len;
};
struct iban {
    struct personal_byte at[IBAN_BYTES_MAX];
    uint8_t len;
};
struct account_number {
    struct personal_byte at[ACCOUNT_NUMBER_BYTES_MAX];
    uint8_t len;
};
struct sort_code {
    struct personal_byte at[SORT_CODE_DIGITS];
    uint8_t len;
};
struct person_name {
    struct personal_byte at[PERSON_NAME_BYTES_MAX];
    uint8_t len;
};
struct birth_date {
    struct personal_byte at[BIRTH_DATE_TEXT_BYTES - 1];
    uint8_t len;
};
struct national_id {
    struct personal_byte at[NATIONAL_ID_BYTES_MAX];
    uint8_t len;
};
struct email {
    struct personal_byte at[EMAIL_BYTES_MAX];
    uint8_t len;
};
struct phone {
    struct personal_byte at[PHONE_DIGITS_MAX + 1];
    uint8_t len;
};
struct postal_address {
    struct personal_byte at[POSTAL_ADDRESS_BYTES_MAX];
    uint16_t len;
};
struct payment_reference { /* free text of a payment: people write names into it */
    struct personal_byte at[PAYMENT_REFERENCE_BYTES_MAX];
    uint8_t len;
};

/* Card number: 12..19 digits, blanks and dashes removed, Luhn digit right (ISO/IEC 7812). EMPTY, LENGTH, CHARACTER,
 * CHECKSUM. */
int pan_parse(struct str text, struct pan *ret_pan);
struct str pan_reveal(const struct pan *pan);

/* IBAN (ISO 13616): blanks removed, upper case only, the length of its country (SWIFT registry), check digits 02..98
 * right by mod 97. EMPTY, LENGTH, CHARACTER, COUNTRY, CHECKSUM. */
int iban_parse(struct str text, struct iban *ret_iban);
struct str iban_reveal(const struct iban *iban);
struct str iban_country(const struct iban *iban); /* two letters; not personal */
struct str iban_bban(const struct iban *iban);    /* what follows the check digits; personal, borrowed */
/* The check digits (2..98) for a country of the registry and a BBAN of its length. COUNTRY, LENGTH, CHARACTER. */
int iban_check_digits(struct str country, struct str bban, int *ret_digits);
/* The IBAN made of them, same refusals. */
int iban_make(struct str country, struct str bban, struct iban *ret_iban);

/* GENERAL: 1..34 letters, digits, '-', '/' and '.', blanks removed. UK: exactly 8 digits, nothing removed.
 * EMPTY, LENGTH, CHARACTER. */
enum account_scheme { ACCOUNT_SCHEME_GENERAL, ACCOUNT_SCHEME_UK };
int account_number_parse(struct str text, enum account_scheme scheme, struct account_number *ret_number);
struct str account_number_reveal(const struct account_number *number);

/* "12-34-56" or "123456". EMPTY, LENGTH, CHARACTER. reveal gives the six digits. */
int sort_code_parse(struct str text, struct sort_code *ret_code);
struct str sort_code_reveal(const struct sort_code *code);

/* 1..140 bytes of plain text (plain_text.h), not all blank. EMPTY, LENGTH, CHARACTER. */
int person_name_parse(struct str text, struct person_name *ret_name);
struct str person_name_reveal(const struct person_name *name);

/* "YYYY-MM-DD", a day of the calendar, 1850..2199. EMPTY, LENGTH, CHARACTER, DATE. */
int birth_date_parse(struct str text, struct birth_date *ret_date);
struct str birth_date_reveal(const struct birth_date *date);

/* 1..35 letters, digits, '-', '/' and '.', blanks removed. EMPTY, LENGTH, CHARACTER. */
int national_id_parse(struct str text, struct national_id *ret_id);
struct str national_id_reveal(const struct national_id *id);

/* dot-atom@domain of at least two labels (RFC 5321 without quotes and literals), up to 254 bytes; the domain is kept in
 * lower case. EMPTY, LENGTH, CHARACTER. */
int email_parse(struct str text, struct email *ret_email);
struct str email_reveal(const struct email *email);

/* '+' and 7..15 digits, the first not 0 (ITU-T E.164); blanks and dashes removed. EMPTY, LENGTH, CHARACTER. */
int phone_parse(struct str text, struct phone *ret_phone);
struct str phone_reveal(const struct phone *phone);

/* 1..350 bytes of plain text on one line. EMPTY, LENGTH, CHARACTER. */
int postal_address_parse(struct str text, struct postal_address *ret_address);
struct str postal_address_reveal(const struct postal_address *address);

/* 1..140 bytes of plain text. EMPTY, LENGTH, CHARACTER. */
int payment_reference_parse(struct str text, struct payment_reference *ret_reference);
struct str payment_reference_reveal(const struct payment_reference *reference);

/* True when the value of any of the types above was never set. */
#define personal_is_none(value) ((value)->len == 0)

#endif
