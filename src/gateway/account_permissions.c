#include "gateway/account_permissions.h"

#include "gateway/exchange.h"

static_assert(ACCOUNT_PERMISSION_COUNT == 21, "the published codes");

#define PATH "Data.Permissions"

const char *account_permission_name(enum account_permission_bit bit) {
#define X(code, name) [ACCOUNT_PERMISSION_BIT_##code] = name,
    static const char *const names[ACCOUNT_PERMISSION_COUNT] = { ACCOUNT_PERMISSION_MAP(X) };
#undef X
    check(bit < ACCOUNT_PERMISSION_COUNT);
    return names[bit];
}

/* 0 when there is no such code. */
static int64_t permission_of(struct str name) {
    for (int bit = 0; bit < ACCOUNT_PERMISSION_COUNT; bit++)
        if (str_equal_c(name, account_permission_name((enum account_permission_bit)bit))) return INT64_C(1) << bit;
    return 0;
}

void account_permissions_read(const struct json *list, struct schema_errors *errors, int64_t *ret_permissions) {
    int64_t permissions = 0;
    bool unknown = false;
    for (size_t i = 0; i < json_count(list); i++) {
        int64_t permission = permission_of(json_string(json_at(list, i)));
        unknown = unknown || !permission;
        permissions |= permission;
    }
    if (unknown) schema_errors_add(errors, PATH, "holds a code that is not supported");
    if (!(permissions & PERMISSIONS_ACCOUNTS))
        schema_errors_add(errors, PATH, "must hold ReadAccountsBasic or ReadAccountsDetail");
    bool transactions = permissions & PERMISSIONS_TRANSACTIONS, directions = permissions & PERMISSIONS_DIRECTIONS;
    if (transactions && !directions)
        schema_errors_add(errors, PATH,
                          "must hold ReadTransactionsCredits or ReadTransactionsDebits with transactions");
    if (directions && !transactions)
        schema_errors_add(errors, PATH,
                          "must hold ReadTransactionsBasic or ReadTransactionsDetail with credits or debits");
    *ret_permissions = permissions;
}
