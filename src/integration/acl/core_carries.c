#include "integration/acl/core_carries.h"

enum { IBAN_HEAD_BYTES = 4, UK_NUMBER_DIGITS = 8 };
static_assert(SORT_CODE_DIGITS + UK_NUMBER_DIGITS <= CORE_ACCOUNT_BYTES_MAX, "a UK account always fits");

static bool all_digits(struct str text) {
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < '0' || text.at[i] > '9') return false;
    return true;
}

static bool all_alphanumeric(struct str text) {
    for (size_t i = 0; i < text.len; i++) {
        struct str c = str_slice(text, i, i + 1);
        if (!all_digits(c) && !(c.at[0] >= 'A' && c.at[0] <= 'Z')) return false;
    }
    return true;
}

static void append(struct core_account *account, struct str text) {
    memcpy(account->at + account->len, text.at, text.len);
    account->len = (uint8_t)(account->len + text.len);
}

int core_account_make(struct str iban, struct str sort_code, struct str account_number,
                      struct core_account *ret_account) {
    struct core_account account = { 0 };
    struct str bban = str_slice(iban, IBAN_HEAD_BYTES, iban.len);
    if (sort_code.len) {
        if (sort_code.len != SORT_CODE_DIGITS || account_number.len != UK_NUMBER_DIGITS) return CORE_CARRIES_E_CREDITOR;
        if (!all_digits(sort_code) || !all_digits(account_number)) return CORE_CARRIES_E_CREDITOR;
        append(&account, sort_code);
        append(&account, account_number);
    } else {
        if (bban.len == 0 || bban.len > CORE_ACCOUNT_BYTES_MAX || !all_alphanumeric(bban))
            return CORE_CARRIES_E_CREDITOR;
        append(&account, bban);
    }
    *ret_account = account;
    return 0;
}

struct str core_account_reveal(const struct core_account *account) {
    return str_from_bytes(account->at, account->len);
}

int core_carries(const struct payment_order *order) {
    const struct creditor *creditor = &order->creditor;
    struct core_account account;
    int r = CORE_CARRIES_E_CREDITOR;
    switch (creditor->scheme) {
    case CREDITOR_SCHEME_NONE: break;
    case CREDITOR_SCHEME_IBAN: r = core_account_make(iban_reveal(&creditor->iban), STR(""), STR(""), &account); break;
    case CREDITOR_SCHEME_UK:
        r = core_account_make(STR(""), sort_code_reveal(&creditor->sort_code),
                              account_number_reveal(&creditor->account_number), &account);
        break;
    }
    if (r) return r;
    return order->amount.minor > CORE_AMOUNT_MINOR_MAX ? CORE_CARRIES_E_AMOUNT : 0;
}
