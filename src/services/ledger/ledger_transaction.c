/* ledger_transaction.c - an order of n debits and m credits becomes one transaction: judged whole, written whole. */
#include "services/ledger/ledger_int.h"

#include "platform/clock.h"

/* One order while it is judged: its accounts, each once, and what each leg leaves behind. */
struct drafted {
    struct ledger_touched accounts[LEDGER_LEGS_MAX];
    size_t account_count;
    size_t at[LEDGER_LEGS_MAX]; /* the account of each leg */
    int64_t after_minor[LEDGER_LEGS_MAX];
    int64_t booking_day;
};

/* ---- what needs no account ---- */

static int legs_judge(const struct ledger_order *order) {
    if (order->leg_count < 2 || order->leg_count > LEDGER_LEGS_MAX) return LEDGER_E_LEGS;
    for (size_t i = 0; i < order->leg_count; i++) {
        if (order->legs[i].side != LEDGER_DEBIT && order->legs[i].side != LEDGER_CREDIT) return LEDGER_E_LEGS;
        if (order->legs[i].amount.minor <= 0) return LEDGER_E_AMOUNT; /* L2 */
    }
    return 0;
}

static int sum_of(const struct ledger_order *order, struct currency currency, enum ledger_side side, int64_t *ret_sum) {
    int64_t sum = 0;
    for (size_t i = 0; i < order->leg_count; i++) {
        if (order->legs[i].side != side || !currency_equal(order->legs[i].amount.currency, currency)) continue;
        if (checked_add(sum, order->legs[i].amount.minor, &sum)) return LEDGER_E_OVERFLOW;
    }
    *ret_sum = sum;
    return 0;
}

static bool currency_met(const struct ledger_order *order, size_t before) {
    for (size_t i = 0; i < before; i++)
        if (currency_equal(order->legs[i].amount.currency, order->legs[before].amount.currency)) return true;
    return false;
}

/* L1: each currency for itself. */
static int balance_judge(const struct ledger_order *order) {
    for (size_t i = 0; i < order->leg_count; i++) {
        int64_t debits, credits;
        if (currency_met(order, i)) continue;
        int r = sum_of(order, order->legs[i].amount.currency, LEDGER_DEBIT, &debits);
        if (!r) r = sum_of(order, order->legs[i].amount.currency, LEDGER_CREDIT, &credits);
        if (r) return r;
        if (debits != credits) return LEDGER_E_UNBALANCED;
    }
    return 0;
}

/* ---- what the accounts say ---- */

/* One load for all of them, not one each. */
static void want_accounts(struct work *work, const struct ledger_order *order) {
    for (size_t i = 0; i < order->leg_count; i++) ledger_want_account(work, order->legs[i].account);
}

static int accounts_take(const struct view *view, const struct ledger_order *order, struct drafted *drafted) {
    drafted->account_count = 0;
    for (size_t i = 0; i < order->leg_count; i++) {
        const struct ledger_leg *leg = &order->legs[i];
        size_t at = 0;
        while (at < drafted->account_count && drafted->accounts[at].row.number != leg->account) at++;
        drafted->at[i] = at;
        if (at < drafted->account_count && drafted->accounts[at].row.currency != leg->amount.currency.code)
            return LEDGER_E_CURRENCY;
        if (at < drafted->account_count) continue;
        int r = ledger_account_take(view, leg->account, leg->amount.currency, &drafted->accounts[at]);
        if (r == VIEW_NEED) want_accounts(view->work, order);
        if (r) return r;
        drafted->account_count++;
    }
    return 0;
}

/* What the order takes out of its hold. 0, LEDGER_E_HOLD, LEDGER_E_OVERFLOW. */
static int hold_lower(const struct ledger_order *order, const struct ledger_terms *terms, struct drafted *drafted) {
    struct ledger_hold_row *hold = terms->hold;
    int64_t taken = 0;
    size_t at = drafted->account_count;
    for (size_t i = 0; i < order->leg_count; i++) {
        const struct ledger_leg *leg = &order->legs[i];
        if (leg->account != hold->account || leg->side != (enum ledger_side)hold->side) continue;
        if (checked_add(taken, leg->amount.minor, &taken)) return LEDGER_E_OVERFLOW;
        at = drafted->at[i];
    }
    int64_t left = ledger_hold_left(hold);
    if (taken == 0 || taken > left) return LEDGER_E_HOLD; /* L9 */
    ledger_hold_lower(&drafted->accounts[at].row, hold, terms->final ? left : taken);
    hold->captured_minor += taken;
    return 0;
}

static bool honours_hold(const struct ledger_leg *leg, const struct ledger_terms *terms) {
    return terms->hold && leg->account == terms->hold->account && leg->side == (enum ledger_side)terms->hold->side;
}

/* Moves the balances of the copies; L3. */
static int legs_apply(const struct ledger_order *order, const struct ledger_terms *terms, struct drafted *drafted) {
    for (size_t i = 0; i < order->leg_count; i++) {
        const struct ledger_leg *leg = &order->legs[i];
        struct ledger_account_row *account = &drafted->accounts[drafted->at[i]].row;
        enum ledger_sides sides = ledger_chart((enum ledger_account_kind)account->kind)->sides;
        bool wrong_side = (sides == LEDGER_DEBITS_ONLY && leg->side == LEDGER_CREDIT) ||
                          (sides == LEDGER_CREDITS_ONLY && leg->side == LEDGER_DEBIT);
        if (wrong_side && !terms->reverses) return LEDGER_E_SIDE;
        int r = honours_hold(leg, terms) ? 0 : ledger_state_judge(account, leg->side); /* L7 */
        if (r) return r;
        bool over = leg->side == LEDGER_CREDIT
                        ? checked_add(account->posted_minor, leg->amount.minor, &account->posted_minor)
                        : checked_sub(account->posted_minor, leg->amount.minor, &account->posted_minor);
        if (over) return LEDGER_E_OVERFLOW;
        drafted->after_minor[i] = account->posted_minor;
    }
    for (size_t i = 0; i < drafted->account_count; i++) { /* L5 */
        int r = ledger_limits_judge(&drafted->accounts[i].was, &drafted->accounts[i].row);
        if (r) return r;
    }
    return 0;
}

static int draft(const struct view *view, const struct ledger_order *order, const struct ledger_terms *terms,
                 struct drafted *drafted) {
    int r = legs_judge(order);
    if (!r) r = balance_judge(order);
    if (!r) r = accounts_take(view, order, drafted);
    if (!r) r = ledger_booking_day(view, order->booking_day, &drafted->booking_day);
    if (!r && terms->hold) r = hold_lower(order, terms, drafted);
    return r ? r : legs_apply(order, terms, drafted);
}

/* ---- writing ---- */

static int entries_write(const struct view *view, const struct ledger_order *order, struct drafted *drafted,
                         struct ledger_transaction_row *transaction) {
    int64_t value_day = order->value_day ? order->value_day : transaction->booking_day;
    for (size_t i = 0; i < order->leg_count; i++) {
        const struct ledger_leg *leg = &order->legs[i];
        struct ledger_account_row *account = &drafted->accounts[drafted->at[i]].row;
        struct ledger_entry_row entry = { .number = view_next_number(view, COUNTER_ENTRY),
                                          .transaction = transaction->number,
                                          .account = leg->account,
                                          .sequence = ++account->entry_count,
                                          .side = leg->side,
                                          .currency = leg->amount.currency.code,
                                          .amount_minor = leg->amount.minor,
                                          .balance_after_minor = drafted->after_minor[i],
                                          .booked_ms = transaction->booked_ms,
                                          .value_day = leg->value_day ? leg->value_day : value_day,
                                          .batch_seq = transaction->batch_seq };
        memcpy(entry.payment_id, transaction->payment_id, 16);
        if (i == 0) transaction->first_entry = entry.number;
        int r = view_insert(view, &ledger_entry_table, &entry);
        if (r) return err_trace(r);
    }
    return 0;
}

static int transaction_write(const struct view *view, const struct ledger_order *order, struct drafted *drafted,
                             struct ledger_transaction_row *transaction) {
    struct currency currency = order->legs[0].amount.currency;
    int64_t debits;
    int r = sum_of(order, currency, LEDGER_DEBIT, &debits);
    check(r == 0); /* balance_judge has added it up */
    *transaction = (struct ledger_transaction_row){ .number = view_next_number(view, COUNTER_TRANSACTION),
                                                    .kind = order->kind,
                                                    .currency = currency.code,
                                                    .amount_minor = debits,
                                                    .entry_count = (int64_t)order->leg_count,
                                                    .booked_ms = view_now_ms(view),
                                                    .booking_day = drafted->booking_day,
                                                    .batch_seq = view_batch_seq(view) };
    memcpy(transaction->payment_id, order->payment_id, 16);
    view_new_id(view, transaction->transaction_id);
    r = entries_write(view, order, drafted, transaction);
    for (size_t i = 0; !r && i < drafted->account_count; i++) r = ledger_account_write(view, &drafted->accounts[i]);
    return err_trace(r);
}

static int hold_write(const struct view *view, const struct ledger_terms *terms, int64_t transaction) {
    struct ledger_hold_row *hold = terms->hold;
    hold->transaction = transaction;
    if (ledger_hold_left(hold) == 0) return ledger_hold_end(view, hold, LEDGER_HOLD_CONSUMED);
    if (terms->final) return ledger_hold_end(view, hold, LEDGER_HOLD_RELEASED);
    return err_trace(view_update(view, &ledger_hold_table, hold));
}

static void receipt_fill(const struct ledger_transaction_row *transaction, const struct drafted *drafted,
                         struct ledger_receipt *receipt) {
    receipt->transaction = transaction->number;
    memcpy(receipt->transaction_id, transaction->transaction_id, 16);
    receipt->first_entry = transaction->first_entry;
    receipt->entry_count = transaction->entry_count;
    receipt->booked_ms = transaction->booked_ms;
    receipt->booking_day = transaction->booking_day;
    receipt->account_count = drafted->account_count;
    for (size_t i = 0; i < drafted->account_count; i++) {
        receipt->accounts[i] = drafted->accounts[i].row.number;
        receipt->balances[i] = ledger_balances_of(&drafted->accounts[i].row);
    }
}

int ledger_order_write(const struct view *view, const struct ledger_order *order, const struct ledger_terms *terms,
                       struct ledger_receipt *ret_receipt) {
    static const struct ledger_terms plain;
    struct ledger_transaction_row transaction;
    struct drafted drafted;
    if (!terms) terms = &plain;
    int r = draft(view, order, terms, &drafted);
    if (r) return r;
    r = transaction_write(view, order, &drafted, &transaction);
    transaction.reverses = terms->reverses;
    if (!r) r = view_insert(view, &ledger_transaction_table, &transaction);
    if (!r && terms->hold) r = hold_write(view, terms, transaction.number);
    if (r) return r == VIEW_NEED ? r : err_trace(r);
    if (ret_receipt) receipt_fill(&transaction, &drafted, ret_receipt);
    return 0;
}

int ledger_transact(struct work *work, const struct ledger_order *order, struct ledger_receipt *ret_receipt) {
    struct view view = view_of(work, "ledger");
    return ledger_order_write(&view, order, NULL, ret_receipt);
}

int ledger_post(struct work *work, const struct ledger_posting *posting) {
    const struct ledger_leg legs[2] = { { posting->debit_account, LEDGER_DEBIT, posting->amount, 0 },
                                        { posting->credit_account, LEDGER_CREDIT, posting->amount, 0 } };
    struct ledger_order order = { .kind = posting->kind, .legs = legs, .leg_count = 2 };
    memcpy(order.payment_id, posting->payment_id, 16);
    return ledger_transact(work, &order, NULL);
}
