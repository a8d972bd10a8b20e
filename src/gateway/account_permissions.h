/* account_permissions.h - what a customer may allow a client to read of accounts (UK Open Banking, OBReadConsent1): the
 * published permissions as bits, in the order of their names. Stored in consents: never renumbered. Pure. */
#ifndef GIRO_GATEWAY_ACCOUNT_PERMISSIONS_H
#define GIRO_GATEWAY_ACCOUNT_PERMISSIONS_H

#include "wire/json.h"
#include "wire/json_schema.h"

#define ACCOUNT_PERMISSION_MAP(X)                                                                                      \
    X(ACCOUNTS_BASIC, "ReadAccountsBasic")                                                                             \
    X(ACCOUNTS_DETAIL, "ReadAccountsDetail")                                                                           \
    X(BALANCES, "ReadBalances")                                                                                        \
    X(BENEFICIARIES_BASIC, "ReadBeneficiariesBasic")                                                                   \
    X(BENEFICIARIES_DETAIL, "ReadBeneficiariesDetail")                                                                 \
    X(DIRECT_DEBITS, "ReadDirectDebits")                                                                               \
    X(OFFERS, "ReadOffers")                                                                                            \
    X(PAN, "ReadPAN")                                                                                                  \
    X(PARTY, "ReadParty")                                                                                              \
    X(PARTY_PSU, "ReadPartyPSU")                                                                                       \
    X(PRODUCTS, "ReadProducts")                                                                                        \
    X(SCHEDULED_PAYMENTS_BASIC, "ReadScheduledPaymentsBasic")                                                          \
    X(SCHEDULED_PAYMENTS_DETAIL, "ReadScheduledPaymentsDetail")                                                        \
    X(STANDING_ORDERS_BASIC, "ReadStandingOrdersBasic")                                                                \
    X(STANDING_ORDERS_DETAIL, "ReadStandingOrdersDetail")                                                              \
    X(STATEMENTS_BASIC, "ReadStatementsBasic")                                                                         \
    X(STATEMENTS_DETAIL, "ReadStatementsDetail")                                                                       \
    X(TRANSACTIONS_BASIC, "ReadTransactionsBasic")                                                                     \
    X(TRANSACTIONS_CREDITS, "ReadTransactionsCredits")                                                                 \
    X(TRANSACTIONS_DEBITS, "ReadTransactionsDebits") X(TRANSACTIONS_DETAIL, "ReadTransactionsDetail")
#define X(code, name) ACCOUNT_PERMISSION_BIT_##code,
enum account_permission_bit { ACCOUNT_PERMISSION_MAP(X) ACCOUNT_PERMISSION_COUNT };
#undef X
#define X(code, name) PERMISSION_##code = 1 << ACCOUNT_PERMISSION_BIT_##code,
enum account_permission { ACCOUNT_PERMISSION_MAP(X) PERMISSIONS_NONE = 0 };
#undef X
enum {
    PERMISSIONS_ACCOUNTS = PERMISSION_ACCOUNTS_BASIC | PERMISSION_ACCOUNTS_DETAIL,
    PERMISSIONS_TRANSACTIONS = PERMISSION_TRANSACTIONS_BASIC | PERMISSION_TRANSACTIONS_DETAIL,
    PERMISSIONS_DIRECTIONS = PERMISSION_TRANSACTIONS_CREDITS | PERMISSION_TRANSACTIONS_DEBITS,
};

const char *account_permission_name(enum account_permission_bit bit); /* "ReadAccountsBasic" */
/* Reads Data.Permissions. Added to errors is what may not be asked for (uk/rule8, Q8): none at all, an unknown code,
 * neither ReadAccountsBasic nor ReadAccountsDetail, transactions without a direction and the reverse. */
void account_permissions_read(const struct json *list, struct schema_errors *errors, int64_t *ret_permissions);

#endif
