#include "domain/personal.h"

#include "domain/plain_text.h"

static_assert(sizeof(struct personal_byte) == 1, "a run of them is read as text by x_reveal");

const char *personal_kind_name(enum personal_kind kind) {
#define X(code, name) [code] = name,
    static const char *const names[PERSONAL_KIND_COUNT] = { PERSONAL_KIND_MAP(X) };
#undef X
    check((unsigned)kind < PERSONAL_KIND_COUNT);
    return names[kind];
}

const char *personal_refusal_text(int refusal) {
    switch ((enum personal_refusal)refusal) {
    case PERSONAL_E_EMPTY: return "must not be empty";
    case PERSONAL_E_LENGTH: return "has the wrong length";
    case PERSONAL_E_CHARACTER: return "holds a character that does not belong there";
    case PERSONAL_E_COUNTRY: return "begins with a country that has no IBAN";
    case PERSONAL_E_CHECKSUM: return "has check digits that do not match";
    case PERSONAL_E_DATE: return "is not a day of the calendar";
    case PERSONAL_E_NONE:
    case PERSONAL_E_COUNT: break;
    }
    return "is not valid";
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}

static bool is_alphanumeric(char c) {
    return is_digit(c) || is_upper(c) || (c >= 'a' && c <= 'z');
}

static bool all_digits(struct str s) {
    for (size_t i = 0; i < s.len; i++)
        if (!is_digit(s.at[i])) return false;
    return true;
}

static struct str reveal(const struct personal_byte *at, size_t len) {
    return (struct str){ .at = (const char *)at, .len = len };
}

/* Copies text without the characters of dropped; LENGTH when more than bytes_max remain, EMPTY when none do. */
static int compact(struct str text, const char *dropped, char *out, size_t bytes_max, size_t *ret_len) {
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] && strchr(dropped, text.at[i])) continue;
        if (len == bytes_max) return PERSONAL_E_LENGTH;
        out[len++] = text.at[i];
    }
    *ret_len = len;
    return len ? 0 : PERSONAL_E_EMPTY;
}

/* ---- card number ---- */

static bool luhn_is_right(struct str digits) {
    unsigned sum = 0;
    for (size_t i = 0; i < digits.len; i++) {
        unsigned digit = (unsigned)(digits.at[digits.len - 1 - i] - '0');
        if (i % 2) digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
        sum += digit;
    }
    return sum % 10 == 0;
}

int pan_parse(struct str text, struct pan *ret_pan) {
    struct pan pan = { 0 };
    char digits[PAN_DIGITS_MAX];
    size_t len;
    int r = compact(text, " -", digits, sizeof digits, &len);
    if (r) return r;
    if (!all_digits(str_from_bytes(digits, len))) return PERSONAL_E_CHARACTER;
    if (len < PAN_DIGITS_MIN) return PERSONAL_E_LENGTH;
    if (!luhn_is_right(str_from_bytes(digits, len))) return PERSONAL_E_CHECKSUM;
    memcpy(pan.at, digits, len);
    pan.len = (uint8_t)len;
    *ret_pan = pan;
    return 0;
}

struct str pan_reveal(const struct pan *pan) {
    return reveal(pan->at, pan->len);
}

/* ---- IBAN ---- */

/* SWIFT IBAN registry: country and length of the whole IBAN. */
static const struct iban_country_row {
    char country[3];
    uint8_t bytes;
} iban_countries[] = {
    { "AD", 24 }, { "AE", 23 }, { "AL", 28 }, { "AT", 20 }, { "AZ", 28 }, { "BA", 20 }, { "BE", 16 }, { "BG", 22 },
    { "BH", 22 }, { "BI", 27 }, { "BR", 29 }, { "BY", 28 }, { "CH", 21 }, { "CR", 22 }, { "CY", 28 }, { "CZ", 24 },
    { "DE", 22 }, { "DJ", 27 }, { "DK", 18 }, { "DO", 28 }, { "EE", 20 }, { "EG", 29 }, { "ES", 24 }, { "FI", 18 },
    { "FK", 18 }, { "FO", 18 }, { "FR", 27 }, { "GB", 22 }, { "GE", 22 }, { "GI", 23 }, { "GL", 18 }, { "GR", 27 },
    { "GT", 28 }, { "HN", 28 }, { "HR", 21 }, { "HU", 28 }, { "IE", 22 }, { "IL", 23 }, { "IQ", 23 }, { "IS", 26 },
    { "IT", 27 }, { "JO", 30 }, { "KW", 30 }, { "KZ", 20 }, { "LB", 28 }, { "LC", 32 }, { "LI", 21 }, { "LT", 20 },
    { "LU", 20 }, { "LV", 21 }, { "LY", 25 }, { "MC", 27 }, { "MD", 24 }, { "ME", 22 }, { "MK", 19 }, { "MN", 20 },
    { "MR", 27 }, { "MT", 31 }, { "MU", 30 }, { "NI", 28 }, { "NL", 18 }, { "NO", 15 }, { "OM", 23 }, { "PK", 24 },
    { "PL", 28 }, { "PS", 29 }, { "PT", 25 }, { "QA", 29 }, { "RO", 24 }, { "RS", 22 }, { "RU", 33 }, { "SA", 24 },
    { "SC", 31 }, { "SD", 18 }, { "SE", 24 }, { "SI", 19 }, { "SK", 24 }, { "SM", 27 }, { "SO", 23 }, { "ST", 25 },
    { "SV", 28 }, { "TL", 23 }, { "TN", 24 }, { "TR", 26 }, { "UA", 29 }, { "VA", 22 }, { "VG", 24 }, { "XK", 20 },
    { "YE", 30 },
};

/* Length of an IBAN of this country, 0 when there is none. */
static size_t iban_country_bytes(struct str country) {
    if (country.len != 2) return 0;
    for (size_t i = 0; i < ARRAY_COUNT(iban_countries); i++)
        if (memcmp(country.at, iban_countries[i].country, 2) == 0) return iban_countries[i].bytes;
    return 0;
}

/* Remainder of the number that digits and letters (A = 10 .. Z = 35) spell, continued from an earlier remainder. */
static unsigned mod97(unsigned remainder, struct str s) {
    for (size_t i = 0; i < s.len; i++) {
        unsigned value = (unsigned)(is_digit(s.at[i]) ? s.at[i] - '0' : s.at[i] - 'A' + 10);
        remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
    }
    return remainder;
}

static bool all_upper_or_digits(struct str s) {
    for (size_t i = 0; i < s.len; i++)
        if (!is_digit(s.at[i]) && !is_upper(s.at[i])) return false;
    return true;
}

int iban_check_digits(struct str country, struct str bban, int *ret_digits) {
    size_t bytes = iban_country_bytes(country);
    if (!bytes) return PERSONAL_E_COUNTRY;
    if (bban.len + 4 != bytes) return PERSONAL_E_LENGTH;
    if (!all_upper_or_digits(bban)) return PERSONAL_E_CHARACTER;
    *ret_digits = 98 - (int)mod97(mod97(mod97(0, bban), country), STR("00"));
    return 0;
}

int iban_parse(struct str text, struct iban *ret_iban) {
    struct iban iban = { 0 };
    char bytes[IBAN_BYTES_MAX];
    size_t len;
    int r = compact(text, " ", bytes, sizeof bytes, &len);
    if (r) return r;
    struct str all = str_from_bytes(bytes, len);
    if (!all_upper_or_digits(all)) return PERSONAL_E_CHARACTER;
    if (len < 5) return PERSONAL_E_LENGTH;
    if (!all_digits(str_slice(all, 2, 4))) return PERSONAL_E_CHARACTER;
    int digits, written = (bytes[2] - '0') * 10 + (bytes[3] - '0');
    r = iban_check_digits(str_slice(all, 0, 2), str_slice(all, 4, len), &digits);
    if (r) return r;
    if (digits != written) return PERSONAL_E_CHECKSUM; /* 00, 01 and 99 can never be computed */
    memcpy(iban.at, bytes, len);
    iban.len = (uint8_t)len;
    *ret_iban = iban;
    return 0;
}

int iban_make(struct str country, struct str bban, struct iban *ret_iban) {
    int digits;
    int r = iban_check_digits(country, bban, &digits);
    if (r) return r;
    const char text[2] = { (char)('0' + digits / 10), (char)('0' + digits % 10) };
    struct iban iban = { .len = (uint8_t)(bban.len + 4) };
    memcpy(iban.at, country.at, 2);
    memcpy(iban.at + 2, text, 2);
    memcpy(iban.at + 4, bban.at, bban.len);
    *ret_iban = iban;
    return 0;
}

struct str iban_reveal(const struct iban *iban) {
    return reveal(iban->at, iban->len);
}

struct str iban_country(const struct iban *iban) {
    return str_slice(iban_reveal(iban), 0, 2);
}

struct str iban_bban(const struct iban *iban) {
    return str_slice(iban_reveal(iban), 4, iban->len);
}

/* ---- account number and sort code ---- */

/* Letters, digits and the marks that national account numbers and identity numbers are written with. */
static bool all_account_characters(struct str s) {
    for (size_t i = 0; i < s.len; i++)
        if (!is_alphanumeric(s.at[i]) && s.at[i] != '-' && s.at[i] != '/' && s.at[i] != '.') return false;
    return true;
}

int account_number_parse(struct str text, enum account_scheme scheme, struct account_number *ret_number) {
    struct account_number number = { 0 };
    char bytes[ACCOUNT_NUMBER_BYTES_MAX];
    size_t len;
    bool uk = scheme == ACCOUNT_SCHEME_UK;
    int r = compact(text, uk ? "" : " ", bytes, sizeof bytes, &len);
    if (r) return r;
    if (uk && len != 8) return PERSONAL_E_LENGTH;
    struct str all = str_from_bytes(bytes, len);
    if (uk ? !all_digits(all) : !all_account_characters(all)) return PERSONAL_E_CHARACTER;
    memcpy(number.at, bytes, len);
    number.len = (uint8_t)len;
    *ret_number = number;
    return 0;
}

struct str account_number_reveal(const struct account_number *number) {
    return reveal(number->at, number->len);
}

int sort_code_parse(struct str text, struct sort_code *ret_code) {
    struct sort_code code = { .len = SORT_CODE_DIGITS };
    bool dashed = text.len == 8;
    if (text.len == 0) return PERSONAL_E_EMPTY;
    if (!dashed && text.len != SORT_CODE_DIGITS) return PERSONAL_E_LENGTH;
    size_t to = 0;
    for (size_t from = 0; from < text.len; from++) {
        bool dash = dashed && (from == 2 || from == 5);
        if (dash ? text.at[from] != '-' : !is_digit(text.at[from])) return PERSONAL_E_CHARACTER;
        if (!dash) code.at[to++].value = (uint8_t)text.at[from];
    }
    *ret_code = code;
    return 0;
}

struct str sort_code_reveal(const struct sort_code *code) {
    return reveal(code->at, code->len);
}

/* ---- texts ---- */

static int text_refusal(struct str text, size_t bytes_max) {
    if (text.len > bytes_max) return PERSONAL_E_LENGTH;
    if (plain_text_is_blank(text)) return PERSONAL_E_EMPTY;
    return plain_text(text) ? 0 : PERSONAL_E_CHARACTER;
}

int person_name_parse(struct str text, struct person_name *ret_name) {
    struct person_name name = { 0 };
    int r = text_refusal(text, sizeof name.at);
    if (r) return r;
    memcpy(name.at, text.at, text.len);
    name.len = (uint8_t)text.len;
    *ret_name = name;
    return 0;
}

struct str person_name_reveal(const struct person_name *name) {
    return reveal(name->at, name->len);
}

int postal_address_parse(struct str text, struct postal_address *ret_address) {
    struct postal_address address = { 0 };
    int r = text_refusal(text, sizeof address.at);
    if (r) return r;
    memcpy(address.at, text.at, text.len);
    address.len = (uint16_t)text.len;
    *ret_address = address;
    return 0;
}

struct str postal_address_reveal(const struct postal_address *address) {
    return reveal(address->at, address->len);
}

int payment_reference_parse(struct str text, struct payment_reference *ret_reference) {
    struct payment_reference reference = { 0 };
    int r = text_refusal(text, sizeof reference.at);
    if (r) return r;
    memcpy(reference.at, text.at, text.len);
    reference.len = (uint8_t)text.len;
    *ret_reference = reference;
    return 0;
}

struct str payment_reference_reveal(const struct payment_reference *reference) {
    return reveal(reference->at, reference->len);
}

/* ---- birth date, national id, e-mail, phone ---- */

static int number_of(struct str digits) {
    int number = 0;
    for (size_t i = 0; i < digits.len; i++) number = number * 10 + (digits.at[i] - '0');
    return number;
}

static int days_of_month(int year, int month) {
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

int birth_date_parse(struct str text, struct birth_date *ret_date) {
    struct birth_date date = { 0 };
    struct str year = str_slice(text, 0, 4), month = str_slice(text, 5, 7), day = str_slice(text, 8, 10);
    if (text.len == 0) return PERSONAL_E_EMPTY;
    if (text.len != sizeof date.at) return PERSONAL_E_LENGTH;
    if (text.at[4] != '-' || text.at[7] != '-') return PERSONAL_E_CHARACTER;
    if (!all_digits(year) || !all_digits(month) || !all_digits(day)) return PERSONAL_E_CHARACTER;
    if (number_of(year) < 1850 || number_of(year) > 2199 || number_of(month) < 1 || number_of(month) > 12)
        return PERSONAL_E_DATE;
    if (number_of(day) < 1 || number_of(day) > days_of_month(number_of(year), number_of(month))) return PERSONAL_E_DATE;
    memcpy(date.at, text.at, text.len);
    date.len = (uint8_t)text.len;
    *ret_date = date;
    return 0;
}

struct str birth_date_reveal(const struct birth_date *date) {
    return reveal(date->at, date->len);
}

int national_id_parse(struct str text, struct national_id *ret_id) {
    struct national_id id = { 0 };
    char bytes[NATIONAL_ID_BYTES_MAX];
    size_t len;
    int r = compact(text, " ", bytes, sizeof bytes, &len);
    if (r) return r;
    if (!all_account_characters(str_from_bytes(bytes, len))) return PERSONAL_E_CHARACTER;
    memcpy(id.at, bytes, len);
    id.len = (uint8_t)len;
    *ret_id = id;
    return 0;
}

struct str national_id_reveal(const struct national_id *id) {
    return reveal(id->at, id->len);
}

/* One or more runs joined by single dots; a run holds letters, digits and marks. */
static bool is_dotted(struct str s, const char *marks, size_t run_bytes_max) {
    size_t run = 0;
    for (size_t i = 0; i < s.len; i++) {
        bool dot = s.at[i] == '.';
        if (dot ? run == 0 : !is_alphanumeric(s.at[i]) && (!s.at[i] || !strchr(marks, s.at[i]))) return false;
        run = dot ? 0 : run + 1;
        if (run > run_bytes_max) return false;
    }
    return run > 0;
}

int email_parse(struct str text, struct email *ret_email) {
    struct email email = { 0 };
    struct str domain = text, local;
    size_t dot;
    if (text.len == 0) return PERSONAL_E_EMPTY;
    if (text.len > sizeof email.at) return PERSONAL_E_LENGTH;
    if (!str_cut(&domain, '@', &local)) return PERSONAL_E_CHARACTER;
    if (local.len > 64) return PERSONAL_E_LENGTH;
    if (!is_dotted(local, "!#$%&'*+-/=?^_`{|}~", 64)) return PERSONAL_E_CHARACTER;
    if (!is_dotted(domain, "-", 63) || !str_find(domain, STR("."), &dot)) return PERSONAL_E_CHARACTER;
    for (size_t i = 0; i < text.len; i++)
        email.at[i].value = (uint8_t)(i > local.len && is_upper(text.at[i]) ? text.at[i] + 32 : text.at[i]);
    email.len = (uint8_t)text.len;
    *ret_email = email;
    return 0;
}

struct str email_reveal(const struct email *email) {
    return reveal(email->at, email->len);
}

int phone_parse(struct str text, struct phone *ret_phone) {
    struct phone phone = { 0 };
    char bytes[PHONE_DIGITS_MAX + 1];
    size_t len;
    int r = compact(text, " -", bytes, sizeof bytes, &len);
    if (r) return r;
    if (bytes[0] != '+' || !all_digits(str_from_bytes(bytes + 1, len - 1))) return PERSONAL_E_CHARACTER;
    if (len < PHONE_DIGITS_MIN + 1) return PERSONAL_E_LENGTH;
    if (bytes[1] == '0') return PERSONAL_E_CHARACTER;
    memcpy(phone.at, bytes, len);
    phone.len = (uint8_t)len;
    *ret_phone = phone;
    return 0;
}

struct str phone_reveal(const struct phone *phone) {
    return reveal(phone->at, phone->len);
}
