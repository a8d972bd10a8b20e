#include "services/ledger/ledger_fee.h"

static bool fits(const struct ledger_fee_row *row, const struct ledger_fee_subject *subject) {
    enum ledger_fee_product product = subject->business ? LEDGER_FEE_BUSINESS : LEDGER_FEE_PERSONAL;
    return row->type == subject->type && (row->product == LEDGER_FEE_ANY || row->product == product) &&
           currency_equal(row->currency, subject->amount.currency);
}

/* amount * per_mille / 1000, half to even; never more than amount. */
static int64_t share(int64_t amount_minor, int64_t per_mille) {
    int64_t rest = amount_minor % 1000 * per_mille; /* < 1000 * 1000 */
    int64_t whole = amount_minor / 1000 * per_mille + rest / 1000;
    int64_t left = rest % 1000;
    return whole + (left > 500 || (left == 500 && whole % 2 != 0));
}

int ledger_fee(const struct ledger_fees *schedule, const struct ledger_fee_subject *subject, int64_t *ret_fee_minor) {
    check(subject->amount.minor > 0);
    *ret_fee_minor = 0;
    for (size_t i = 0; schedule && i < schedule->count; i++) {
        const struct ledger_fee_row *row = &schedule->rows[i];
        int64_t fee;
        if (!fits(row, subject)) continue;
        if (checked_add(row->fixed_minor, share(subject->amount.minor, row->per_mille), &fee))
            return err_origin(-ERANGE);
        if (fee < row->min_minor) fee = row->min_minor;
        if (row->max_minor && fee > row->max_minor) fee = row->max_minor;
        *ret_fee_minor = fee;
        return 0;
    }
    return 0;
}
