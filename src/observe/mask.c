#include "observe/mask.h"

static const char MASK_SHORT_NUMBER[] = "****", MASK_WHOLE[] = "***", MASK_DATE[] = "****-**-**";
static_assert((int)IBAN_BYTES_MAX < (int)MASK_BYTES_MAX && (int)ACCOUNT_NUMBER_BYTES_MAX < (int)MASK_BYTES_MAX &&
                  (int)PAN_DIGITS_MAX < (int)MASK_BYTES_MAX,
              "a mask is as long as what it hides");

static struct masked masked_constant(const char *text) {
    struct masked masked = { 0 };
    check(str_to_c(str_from_c(text), masked.text, sizeof masked.text) == 0);
    return masked;
}

/* Stars, but for the first head and the last tail characters. */
static struct masked masked_middle(struct str text, size_t head, size_t tail) {
    struct masked masked = { 0 };
    check(text.len < sizeof masked.text && head + tail <= text.len);
    for (size_t i = 0; i < text.len; i++) masked.text[i] = i < head || i >= text.len - tail ? text.at[i] : '*';
    return masked;
}

static struct masked masked_pan(struct str digits) {
    return digits.len <= 4 ? masked_constant(MASK_SHORT_NUMBER) : masked_middle(digits, 0, 4);
}

static struct masked masked_account_number(struct str text) {
    return text.len <= 4 ? masked_constant(MASK_SHORT_NUMBER) : masked_middle(text, 0, 2);
}

static struct masked masked_national_id(struct str text) {
    struct masked masked = masked_constant(MASK_WHOLE);
    if (text.len > 6) memcpy(masked.text + strlen(MASK_WHOLE), text.at + text.len - 3, 3);
    return masked;
}

struct masked mask_pan(const struct pan *pan) {
    return masked_pan(pan_reveal(pan));
}

struct masked mask_iban(const struct iban *iban) {
    if (personal_is_none(iban)) return masked_constant(MASK_SHORT_NUMBER);
    return masked_middle(iban_reveal(iban), 4, 4);
}

struct masked mask_account_number(const struct account_number *number) {
    return masked_account_number(account_number_reveal(number));
}

struct masked mask_sort_code(const struct sort_code *code) {
    (void)code; /* nothing of it is shown; the same for those below */
    return masked_constant(MASK_WHOLE);
}

struct masked mask_person_name(const struct person_name *name) {
    (void)name;
    return masked_constant(MASK_WHOLE);
}

struct masked mask_birth_date(const struct birth_date *date) {
    (void)date;
    return masked_constant(MASK_DATE);
}

struct masked mask_national_id(const struct national_id *id) {
    return masked_national_id(national_id_reveal(id));
}

struct masked mask_email(const struct email *email) {
    (void)email;
    return masked_constant(MASK_WHOLE);
}

struct masked mask_phone(const struct phone *phone) {
    (void)phone;
    return masked_constant(MASK_WHOLE);
}

struct masked mask_postal_address(const struct postal_address *address) {
    (void)address;
    return masked_constant(MASK_WHOLE);
}

struct masked mask_payment_reference(const struct payment_reference *reference) {
    (void)reference;
    return masked_constant(MASK_WHOLE);
}

/* text without dropped characters in memory; false when it is too long or holds what is not printable ASCII. */
static bool compact(struct str text, const char *dropped, char memory[MASK_BYTES_MAX], struct str *ret_text) {
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] && strchr(dropped, text.at[i])) continue;
        if (text.at[i] <= ' ' || text.at[i] > '~' || len == MASK_BYTES_MAX - 1) return false;
        memory[len++] = text.at[i];
    }
    *ret_text = str_from_bytes(memory, len);
    return true;
}

static struct masked mask_pan_text(struct str text) {
    char memory[MASK_BYTES_MAX];
    if (!compact(text, " -", memory, &text) || text.len > PAN_DIGITS_MAX) return masked_constant(MASK_SHORT_NUMBER);
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < '0' || text.at[i] > '9') return masked_constant(MASK_SHORT_NUMBER);
    return masked_pan(text);
}

static struct masked mask_account_text(struct str text) {
    char memory[MASK_BYTES_MAX];
    if (!compact(text, " ", memory, &text) || text.len > ACCOUNT_NUMBER_BYTES_MAX)
        return masked_constant(MASK_SHORT_NUMBER);
    return masked_account_number(text);
}

static struct masked mask_national_text(struct str text) {
    char memory[MASK_BYTES_MAX];
    if (!compact(text, " ", memory, &text) || text.len > NATIONAL_ID_BYTES_MAX) return masked_constant(MASK_WHOLE);
    return masked_national_id(text);
}

struct masked mask_text(enum personal_kind kind, struct str text) {
    struct iban iban;
    switch (kind) {
    case PERSONAL_PAN:
        return mask_pan_text(text);
    case PERSONAL_IBAN:
        return iban_parse(text, &iban) == 0 ? mask_iban(&iban) : mask_account_text(text);
    case PERSONAL_ACCOUNT_NUMBER:
        return mask_account_text(text);
    case PERSONAL_NATIONAL_ID:
        return mask_national_text(text);
    case PERSONAL_BIRTH_DATE:
        return masked_constant(MASK_DATE);
    case PERSONAL_SORT_CODE:
    case PERSONAL_NAME:
    case PERSONAL_EMAIL:
    case PERSONAL_PHONE:
    case PERSONAL_ADDRESS:
    case PERSONAL_REFERENCE:
    case PERSONAL_KIND_COUNT:
        break;
    }
    return masked_constant(MASK_WHOLE);
}

/* ---- network addresses ---- */

static bool holds_only(struct str text, const char *characters) {
    for (size_t i = 0; i < text.len; i++)
        if (!text.at[i] || !strchr(characters, text.at[i])) return false;
    return text.len > 0;
}

/* How many bytes stand before the nth separator, counted from 1; text.len when there are fewer. */
static size_t before_separator(struct str text, char separator, int nth) {
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] == separator && --nth == 0) return i;
    return text.len;
}

struct masked mask_address(struct str address) {
    struct masked masked = { 0 };
    bool four = address.len <= 15 && holds_only(address, "0123456789.") &&
                before_separator(address, '.', 3) < address.len && before_separator(address, '.', 4) == address.len;
    bool six = address.len <= 45 && holds_only(address, "0123456789abcdefABCDEF:.") &&
               before_separator(address, ':', 2) < address.len;
    if (!four && !six) return masked_constant(MASK_WHOLE);
    size_t head = four ? before_separator(address, '.', 3) : before_separator(address, ':', 3);
    for (size_t i = 0; six && i + 1 < head; i++)
        if (address.at[i] == ':' && address.at[i + 1] == ':') head = i; /* zeros begin here */
    if (head > 14) return masked_constant(MASK_WHOLE);                  /* three groups of four */
    (void)snprintf(masked.text, sizeof masked.text, STR_FMT "%s", (int)head, address.at, four ? ".0/24" : "::/48");
    return masked;
}
