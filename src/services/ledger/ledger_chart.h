/* ledger_chart.h - the chart of accounts: what each kind of account is, which side it grows on, and what is lawful for
 * it. The table in docs/ledger.md is this one; ledger_order_test.c compares them.
 *
 * (K1) a kind whose sides are one-sided takes the other side in a reversal or refund only. (K2) an overdraft, a hold, a
 * floor or ceiling, a freeze is refused for a kind that knows none. */
#ifndef GIRO_SERVICES_LEDGER_LEDGER_CHART_H
#define GIRO_SERVICES_LEDGER_LEDGER_CHART_H

#include "services/ledger/ledger.h"

enum ledger_class { LEDGER_ASSET, LEDGER_LIABILITY, LEDGER_EQUITY, LEDGER_INCOME, LEDGER_EXPENSE, LEDGER_CLASS_COUNT };
enum ledger_sides { LEDGER_BOTH_SIDES, LEDGER_DEBITS_ONLY, LEDGER_CREDITS_ONLY };

struct ledger_chart_row {
    const char *name; /* "nostro" */
    enum ledger_class class;
    enum ledger_side normal; /* the side on which it grows: debit for assets and expenses, else credit */
    enum ledger_sides sides; /* lawful in an order that is no reversal */
    bool overdraft, limits, holds, freezes;
    const char *purpose; /* for people */
};
/* check: a kind of the enum. */
const struct ledger_chart_row *ledger_chart(enum ledger_account_kind kind);
const char *ledger_class_name(enum ledger_class class); /* "asset" */
const char *ledger_side_name(int64_t side);             /* "debit", "credit"; "?" for none */
/* "customer" -> LEDGER_CUSTOMER; false: none. */
bool ledger_kind_find(struct str name, enum ledger_account_kind *ret_kind);

#endif
