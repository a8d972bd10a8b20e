#include "services/ledger/ledger.h"

#include "engine/engine.h"

#include "platform/clock.h"

enum { POSTING_ENTRIES = 2 };

#define X(code, name) [code] = name,
static const char *const refusal_names[LEDGER_E_COUNT] = { LEDGER_E_MAP(X) };
#undef X

const char *ledger_refusal_name(int refusal) {
    check(refusal > 0 && refusal < LEDGER_E_COUNT);
    return refusal_names[refusal];
}

int64_t ledger_internal_number(enum ledger_account_kind kind, struct currency currency) {
    check(kind != LEDGER_CUSTOMER && kind < LEDGER_ACCOUNT_KIND_COUNT);
    return -((int64_t)currency.code * 16 + (int64_t)kind);
}

void ledger_want_account(struct work *work, int64_t number) {
    struct ledger_account_row probe = { .number = number };
    work_want(work, &ledger_account_table, 0, &probe);
}

void ledger_want_hold(struct work *work, const uint8_t hold_id[16]) {
    struct ledger_hold_row probe = { 0 };
    memcpy(probe.hold_id, hold_id, 16);
    work_want(work, &ledger_hold_table, 0, &probe);
}

int ledger_open_account(struct work *work, struct currency currency, int64_t overdraft_minor, int64_t *ret_number) {
    struct view view = view_of(work, "ledger");
    check(overdraft_minor >= 0);
    struct ledger_account_row row = { .number = view_next_number(&view, COUNTER_ACCOUNT),
                                      .kind = LEDGER_CUSTOMER,
                                      .currency = currency.code,
                                      .overdraft_minor = overdraft_minor,
                                      .opened_ms = view_now_ms(&view) };
    int r = view_insert(&view, &ledger_account_table, &row);
    if (r) return err_trace(r);
    *ret_number = row.number;
    return 0;
}

/* The account's row. The bank's own accounts are opened when first met. 0, LEDGER_E_ACCOUNT, VIEW_NEED, <0. */
static int account_take(const struct view *view, int64_t number, struct currency currency,
                        struct ledger_account_row *ret_row) {
    struct ledger_account_row probe = { .number = number };
    const void *found;
    int r = view_get(view, &ledger_account_table, &probe, &found);
    if (r) return r;
    if (!found && number >= 0) return LEDGER_E_ACCOUNT;
    if (!found) {
        probe = (struct ledger_account_row){
            .number = number, .kind = -number % 16, .currency = currency.code, .opened_ms = view_now_ms(view)
        };
        r = view_insert(view, &ledger_account_table, &probe);
        if (r) return err_trace(r);
        found = &probe;
    }
    const struct ledger_account_row *row = found;
    if (row->currency != currency.code) return LEDGER_E_CURRENCY;
    *ret_row = *row;
    return 0;
}

/* posted - held + overdraft. 0 or LEDGER_E_OVERFLOW. */
static int account_available(const struct ledger_account_row *account, int64_t *ret_minor) {
    int64_t minor;
    if (checked_sub(account->posted_minor, account->held_minor, &minor) ||
        checked_add(minor, account->overdraft_minor, &minor))
        return LEDGER_E_OVERFLOW;
    *ret_minor = minor;
    return 0;
}

static int funds_check(const struct ledger_account_row *account, int64_t amount_minor) {
    int64_t available_minor;
    if (account->kind != LEDGER_CUSTOMER) return 0; /* the bank's own accounts may go either way */
    int r = account_available(account, &available_minor);
    if (r) return r;
    return available_minor < amount_minor ? LEDGER_E_FUNDS : 0;
}

static int hold_take(const struct view *view, const uint8_t hold_id[16], const struct ledger_hold_row **ret_row) {
    struct ledger_hold_row probe = { 0 };
    const void *found;
    memcpy(probe.hold_id, hold_id, 16);
    int r = view_get(view, &ledger_hold_table, &probe, &found);
    if (r) return r;
    *ret_row = found;
    return 0;
}

int ledger_hold(struct work *work, int64_t number, const uint8_t hold_id[16], struct money amount) {
    struct view view = view_of(work, "ledger");
    struct ledger_account_row account;
    check(amount.minor > 0);
    int r = account_take(&view, number, amount.currency, &account);
    if (r) return r;
    r = funds_check(&account, amount.minor);
    if (r) return r;
    if (checked_add(account.held_minor, amount.minor, &account.held_minor)) return LEDGER_E_OVERFLOW;
    struct ledger_hold_row hold = { .account = number,
                                    .currency = amount.currency.code,
                                    .amount_minor = amount.minor,
                                    .state = LEDGER_HOLD_ACTIVE,
                                    .created_ms = view_now_ms(&view) };
    memcpy(hold.hold_id, hold_id, 16);
    r = view_insert(&view, &ledger_hold_table, &hold);
    if (!r) r = view_update(&view, &ledger_account_table, &account);
    return err_trace(r);
}

/* Ends an active hold: the account's held sum goes down, the row keeps its amount. */
static int hold_end(const struct view *view, const uint8_t hold_id[16], enum ledger_hold_state state,
                    struct ledger_hold_row *ret_hold) {
    const struct ledger_hold_row *old;
    struct ledger_account_row account;
    int r = hold_take(view, hold_id, &old);
    if (r) return r;
    if (!old || old->state != LEDGER_HOLD_ACTIVE) return LEDGER_E_HOLD;
    struct ledger_hold_row hold = *old;
    r = account_take(view, hold.account, (struct currency){ .code = (uint32_t)hold.currency }, &account);
    if (r) return r;
    check(account.held_minor >= hold.amount_minor); /* L4 */
    account.held_minor -= hold.amount_minor;
    hold.state = state;
    hold.ended_ms = view_now_ms(view);
    r = view_update(view, &ledger_hold_table, &hold);
    if (!r) r = view_update(view, &ledger_account_table, &account);
    if (r) return err_trace(r);
    *ret_hold = hold;
    return 0;
}

int ledger_release(struct work *work, const uint8_t hold_id[16]) {
    struct view view = view_of(work, "ledger");
    struct ledger_hold_row hold;
    return hold_end(&view, hold_id, LEDGER_HOLD_RELEASED, &hold);
}

/* One side of a posting: moves the balance and writes the entry. */
static int entry_write(const struct view *view, const struct ledger_transaction_row *transaction, int64_t number,
                       enum ledger_side side) {
    struct ledger_account_row account;
    struct currency currency = { .code = (uint32_t)transaction->currency };
    int r = account_take(view, number, currency, &account);
    if (r) return r;
    bool over = side == LEDGER_CREDIT
                    ? checked_add(account.posted_minor, transaction->amount_minor, &account.posted_minor)
                    : checked_sub(account.posted_minor, transaction->amount_minor, &account.posted_minor);
    if (over) return LEDGER_E_OVERFLOW;
    account.entry_count++;
    struct ledger_entry_row entry = { .number = view_next_number(view, COUNTER_ENTRY),
                                      .transaction = transaction->number,
                                      .account = number,
                                      .sequence = account.entry_count,
                                      .side = side,
                                      .currency = transaction->currency,
                                      .amount_minor = transaction->amount_minor,
                                      .balance_after_minor = account.posted_minor,
                                      .booked_ms = transaction->booked_ms,
                                      .batch_seq = transaction->batch_seq };
    memcpy(entry.payment_id, transaction->payment_id, 16);
    r = view_insert(view, &ledger_entry_table, &entry);
    if (!r) r = view_update(view, &ledger_account_table, &account);
    return err_trace(r);
}

static int transaction_write(const struct view *view, const struct ledger_posting *posting) {
    int64_t now_ms = view_now_ms(view);
    struct ledger_account_row account;
    check(posting->amount.minor > 0 && posting->debit_account != posting->credit_account); /* L1, L2 */
    int r = account_take(view, posting->debit_account, posting->amount.currency,
                         &account); /* both there before a number is drawn */
    if (!r) r = account_take(view, posting->credit_account, posting->amount.currency, &account);
    if (r) return r;
    struct ledger_transaction_row transaction = { .number = view_next_number(view, COUNTER_TRANSACTION),
                                                  .kind = posting->kind,
                                                  .currency = posting->amount.currency.code,
                                                  .amount_minor = posting->amount.minor,
                                                  .entry_count = POSTING_ENTRIES,
                                                  .booked_ms = now_ms,
                                                  .value_day = clock_day(now_ms),
                                                  .batch_seq = view_batch_seq(view) };
    memcpy(transaction.payment_id, posting->payment_id, 16);
    view_new_id(view, transaction.transaction_id);
    r = view_insert(view, &ledger_transaction_table, &transaction);
    if (!r) r = entry_write(view, &transaction, posting->debit_account, LEDGER_DEBIT);
    if (!r) r = entry_write(view, &transaction, posting->credit_account, LEDGER_CREDIT);
    return r;
}

int ledger_capture(struct work *work, const uint8_t hold_id[16], const struct ledger_posting *posting) {
    struct view view = view_of(work, "ledger");
    struct ledger_hold_row hold;
    int r = hold_end(&view, hold_id, LEDGER_HOLD_CONSUMED, &hold);
    if (r) return r;
    if (hold.account != posting->debit_account || hold.amount_minor != posting->amount.minor) return LEDGER_E_HOLD;
    return transaction_write(&view, posting);
}

int ledger_post(struct work *work, const struct ledger_posting *posting) {
    struct view view = view_of(work, "ledger");
    struct ledger_account_row account;
    int r = account_take(&view, posting->debit_account, posting->amount.currency, &account);
    if (!r) r = funds_check(&account, posting->amount.minor);
    return r ? r : transaction_write(&view, posting);
}
