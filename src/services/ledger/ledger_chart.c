#include "services/ledger/ledger_chart.h"

static const struct ledger_chart_row chart[LEDGER_ACCOUNT_KIND_COUNT] = {
    [LEDGER_CUSTOMER] = { "customer", LEDGER_LIABILITY, LEDGER_CREDIT, LEDGER_BOTH_SIDES, true, true, true, true,
                          "what the bank owes a customer" },
    [LEDGER_SETTLEMENT] = { "settlement", LEDGER_LIABILITY, LEDGER_CREDIT, LEDGER_BOTH_SIDES, false, false, false,
                            false, "payments sent, until a correspondent's statement shows them" },
    [LEDGER_SUSPENSE] = { "suspense", LEDGER_LIABILITY, LEDGER_CREDIT, LEDGER_BOTH_SIDES, false, false, false, false,
                          "what cannot be matched yet, until somebody has looked" },
    [LEDGER_FUNDING] = { "funding", LEDGER_ASSET, LEDGER_DEBIT, LEDGER_BOTH_SIDES, false, false, false, false,
                         "where money of new accounts comes from" },
    [LEDGER_NOSTRO] = { "nostro", LEDGER_ASSET, LEDGER_DEBIT, LEDGER_BOTH_SIDES, false, true, false, true,
                        "our account at a correspondent: the mirror of its books" },
    [LEDGER_VOSTRO] = { "vostro", LEDGER_LIABILITY, LEDGER_CREDIT, LEDGER_BOTH_SIDES, false, true, true, true,
                        "a correspondent's account with us" },
    [LEDGER_FEES] = { "fees", LEDGER_INCOME, LEDGER_CREDIT, LEDGER_CREDITS_ONLY, false, false, false, false,
                      "fees earned" },
    [LEDGER_INTEREST_EARNED] = { "interest_earned", LEDGER_INCOME, LEDGER_CREDIT, LEDGER_CREDITS_ONLY, false, false,
                                 false, false, "interest earned on overdrafts" },
    [LEDGER_INTEREST_PAID] = { "interest_paid", LEDGER_EXPENSE, LEDGER_DEBIT, LEDGER_DEBITS_ONLY, false, false, false,
                               false, "interest paid to customers" },
    [LEDGER_WRITE_OFF] = { "write_off", LEDGER_EXPENSE, LEDGER_DEBIT, LEDGER_DEBITS_ONLY, false, false, false, false,
                           "what is given up" },
    [LEDGER_CAPITAL] = { "capital", LEDGER_EQUITY, LEDGER_CREDIT, LEDGER_BOTH_SIDES, false, false, false, false,
                         "the owners' money" },
    [LEDGER_POSITION] = { "position", LEDGER_ASSET, LEDGER_DEBIT, LEDGER_BOTH_SIDES, false, false, false, false,
                          "foreign exchange: what was bought and sold in a currency" },
};

static const char *const transaction_names[LEDGER_TRANSACTION_KIND_COUNT] = {
    [LEDGER_PAYMENT] = "payment",   [LEDGER_TRANSFER] = "transfer", [LEDGER_FUND] = "fund",
    [LEDGER_REVERSAL] = "reversal", [LEDGER_REFUND] = "refund",     [LEDGER_ADJUSTMENT] = "adjustment",
    [LEDGER_MIRROR] = "mirror",
};
static const char *const hold_names[LEDGER_HOLD_STATE_COUNT] = {
    [LEDGER_HOLD_ACTIVE] = "active",
    [LEDGER_HOLD_CONSUMED] = "consumed",
    [LEDGER_HOLD_RELEASED] = "released",
    [LEDGER_HOLD_EXPIRED] = "expired",
};

const struct ledger_chart_row *ledger_chart(enum ledger_account_kind kind) {
    check(kind < LEDGER_ACCOUNT_KIND_COUNT);
    return &chart[kind];
}

const char *ledger_class_name(enum ledger_class class) {
    static const char *const names[LEDGER_CLASS_COUNT] = { [LEDGER_ASSET] = "asset",
                                                           [LEDGER_LIABILITY] = "liability",
                                                           [LEDGER_EQUITY] = "equity",
                                                           [LEDGER_INCOME] = "income",
                                                           [LEDGER_EXPENSE] = "expense" };
    check(class < LEDGER_CLASS_COUNT);
    return names[class];
}

const char *ledger_side_name(int64_t side) {
    return side == LEDGER_DEBIT ? "debit" : side == LEDGER_CREDIT ? "credit" : "?";
}

const char *ledger_account_kind_name(int64_t kind) {
    return kind >= 0 && kind < LEDGER_ACCOUNT_KIND_COUNT ? chart[kind].name : "?";
}

const char *ledger_transaction_kind_name(int64_t kind) {
    return kind >= 0 && kind < LEDGER_TRANSACTION_KIND_COUNT ? transaction_names[kind] : "?";
}

const char *ledger_hold_state_name(int64_t state) {
    return state >= 0 && state < LEDGER_HOLD_STATE_COUNT ? hold_names[state] : "?";
}

bool ledger_kind_find(struct str name, enum ledger_account_kind *ret_kind) {
    for (int kind = 0; kind < LEDGER_ACCOUNT_KIND_COUNT; kind++) {
        if (!str_equal_c(name, chart[kind].name)) continue;
        *ret_kind = (enum ledger_account_kind)kind;
        return true;
    }
    return false;
}
