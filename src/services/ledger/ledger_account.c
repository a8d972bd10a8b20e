#include "services/ledger/ledger_int.h"

enum { KIND_BITS = 16, CURRENCY_BITS = 1 << 24 };
static_assert((int)LEDGER_ACCOUNT_KIND_COUNT <= (int)KIND_BITS,
              "a kind fits into the number of the bank's own accounts");

#define X(code, name) [code] = name,
static const char *const refusal_names[LEDGER_E_COUNT] = { LEDGER_E_MAP(X) };
#undef X

const char *ledger_refusal_name(int refusal) {
    check(refusal > 0 && refusal < LEDGER_E_COUNT);
    return refusal_names[refusal];
}

int64_t ledger_own_number(enum ledger_account_kind kind, struct currency currency, uint32_t part) {
    check(kind != LEDGER_CUSTOMER && kind < LEDGER_ACCOUNT_KIND_COUNT && part <= LEDGER_PARTS_MAX);
    return -(((int64_t)part * CURRENCY_BITS + (int64_t)currency.code) * KIND_BITS + (int64_t)kind);
}

int64_t ledger_internal_number(enum ledger_account_kind kind, struct currency currency) {
    return ledger_own_number(kind, currency, 0);
}

bool ledger_number_is_of(int64_t number, enum ledger_account_kind kind) {
    return number < 0 && number != INT64_MIN && -number % KIND_BITS == (int64_t)kind;
}

void ledger_want_account(struct work *work, int64_t number) {
    struct ledger_account_row probe = { .number = number };
    work_want(work, &ledger_account_table, 0, &probe);
    ledger_want_books(work); /* who touches an account will ask for the day too */
}

/* ---- reading and writing ---- */

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

/* Whether a number below zero names an account of the bank's own: its kind and its currency are in it. */
static bool number_is_own(int64_t number, struct currency currency) {
    if (number >= 0 || number == INT64_MIN) return false;
    int64_t kind = -number % KIND_BITS, rest = -number / KIND_BITS;
    return kind != LEDGER_CUSTOMER && kind < LEDGER_ACCOUNT_KIND_COUNT && rest % CURRENCY_BITS == currency.code &&
           rest / CURRENCY_BITS <= LEDGER_PARTS_MAX;
}

int ledger_account_take(const struct view *view, int64_t number, struct currency currency,
                        struct ledger_touched *ret_touched) {
    struct ledger_account_row probe = { .number = number };
    const void *found;
    int r = view_get(view, &ledger_account_table, &probe, &found);
    if (r) return r;
    if (!found && number >= 0) return LEDGER_E_ACCOUNT;
    if (!found && !number_is_own(number, currency)) return LEDGER_E_CURRENCY;
    if (found) ret_touched->was = *(const struct ledger_account_row *)found;
    else
        ret_touched->was = (struct ledger_account_row){
            .number = number, .kind = -number % KIND_BITS, .currency = currency.code, .opened_ms = view_now_ms(view)
        };
    if (ret_touched->was.currency != currency.code) return LEDGER_E_CURRENCY;
    ret_touched->row = ret_touched->was;
    ret_touched->is_new = !found;
    return 0;
}

int ledger_account_get(const struct view *view, int64_t number, struct ledger_account_row *ret_row) {
    struct ledger_account_row probe = { .number = number };
    const void *found;
    int r = view_get(view, &ledger_account_table, &probe, &found);
    if (r) return r;
    if (!found) return LEDGER_E_ACCOUNT;
    *ret_row = *(const struct ledger_account_row *)found;
    return 0;
}

int ledger_account_write(const struct view *view, const struct ledger_touched *touched) {
    return err_trace(touched->is_new ? view_insert(view, &ledger_account_table, &touched->row)
                                     : view_update(view, &ledger_account_table, &touched->row));
}

/* ---- limits ---- */

static const struct ledger_chart_row *chart_of(const struct ledger_account_row *account) {
    return ledger_chart((enum ledger_account_kind)account->kind);
}

/* The balance in the account's normal sense. 0 or LEDGER_E_OVERFLOW. */
static int normal_balance(const struct ledger_account_row *account, int64_t *ret_minor) {
    if (chart_of(account)->normal == LEDGER_CREDIT) *ret_minor = account->posted_minor;
    else if (checked_sub(0, account->posted_minor, ret_minor)) return LEDGER_E_OVERFLOW;
    return 0;
}

int ledger_room_below(const struct ledger_account_row *account, bool *ret_limited, int64_t *ret_minor) {
    int64_t minor, floor_minor = account->state & LEDGER_HAS_FLOOR ? account->floor_minor : 0;
    *ret_limited = account->kind == LEDGER_CUSTOMER || account->state & LEDGER_HAS_FLOOR;
    if (!*ret_limited) return 0;
    int r = normal_balance(account, &minor);
    if (r) return r;
    if (checked_sub(minor, account->held_minor, &minor) || checked_add(minor, account->overdraft_minor, &minor) ||
        checked_sub(minor, floor_minor, &minor))
        return LEDGER_E_OVERFLOW;
    *ret_minor = minor;
    return 0;
}

int ledger_limits_judge(const struct ledger_account_row *was, const struct ledger_account_row *row) {
    int64_t before, after, room, down;
    bool limited;
    int r = normal_balance(was, &before);
    if (!r) r = normal_balance(row, &after);
    if (r) return r;
    if (after > before && row->state & LEDGER_HAS_CEILING && after > row->ceiling_minor) return LEDGER_E_CEILING;
    if (after >= before) return 0;
    struct ledger_account_row free = *was; /* a capture has given its part of the hold back */
    free.held_minor = row->held_minor;
    r = ledger_room_below(&free, &limited, &room);
    if (r || !limited) return r;
    if (checked_sub(before, after, &down)) return LEDGER_E_OVERFLOW;
    return room < down ? LEDGER_E_FUNDS : 0;
}

int ledger_state_judge(const struct ledger_account_row *account, enum ledger_side side) {
    int64_t frozen = side == LEDGER_DEBIT ? LEDGER_FROZEN_DEBITS : LEDGER_FROZEN_CREDITS;
    return account->state & (frozen | LEDGER_CLOSED) ? LEDGER_E_BLOCKED : 0;
}

/* ---- balances ---- */

static int64_t stay_in_range(int64_t a, int64_t b) {
    int64_t sum;
    if (!checked_add(a, b, &sum)) return sum;
    return b > 0 ? INT64_MAX : INT64_MIN;
}

struct ledger_balances ledger_balances_of(const struct ledger_account_row *account) {
    struct ledger_balances balances = { .currency = { .code = (uint32_t)account->currency },
                                        .booked_minor = account->posted_minor,
                                        .held_minor = account->held_minor,
                                        .incoming_minor = account->incoming_minor,
                                        .overdraft_minor = account->overdraft_minor };
    int64_t floor_minor = account->state & LEDGER_HAS_FLOOR ? account->floor_minor : 0;
    int64_t left = stay_in_range(account->posted_minor, -account->held_minor);
    balances.expected_minor = stay_in_range(left, account->incoming_minor);
    balances.available_minor = stay_in_range(left, account->overdraft_minor);
    if (chart_of(account)->normal == LEDGER_CREDIT && floor_minor != INT64_MIN)
        balances.available_minor = stay_in_range(balances.available_minor, -floor_minor);
    return balances;
}

int ledger_balances(struct work *work, int64_t number, struct ledger_balances *ret_balances) {
    struct view view = view_of(work, "ledger");
    struct ledger_account_row account;
    int r = ledger_account_get(&view, number, &account);
    if (!r) *ret_balances = ledger_balances_of(&account);
    return r;
}

/* ---- what an operator changes ---- */

/* An account that is not closed. */
static int open_account_get(const struct view *view, int64_t number, struct ledger_account_row *ret_row) {
    int r = ledger_account_get(view, number, ret_row);
    if (r) return r;
    return ret_row->state & LEDGER_CLOSED ? LEDGER_E_BLOCKED : 0;
}

int ledger_set_overdraft(struct work *work, int64_t number, int64_t overdraft_minor) {
    struct view view = view_of(work, "ledger");
    struct ledger_account_row account;
    int64_t room;
    bool limited;
    int r = open_account_get(&view, number, &account);
    if (r) return r;
    if (overdraft_minor < 0 || !chart_of(&account)->overdraft || account.state & LEDGER_HAS_FLOOR)
        return LEDGER_E_LIMIT;
    account.overdraft_minor = overdraft_minor;
    r = ledger_room_below(&account, &limited, &room);
    if (r) return r;
    if (room < 0) return LEDGER_E_FUNDS; /* more of it is used */
    return err_trace(view_update(&view, &ledger_account_table, &account));
}

int ledger_set_limits(struct work *work, int64_t number, const struct ledger_limits *limits) {
    struct view view = view_of(work, "ledger");
    struct ledger_account_row account;
    int64_t room = 0, balance;
    bool limited;
    int r = open_account_get(&view, number, &account);
    if (r) return r;
    if ((limits->has_floor || limits->has_ceiling) && !chart_of(&account)->limits) return LEDGER_E_LIMIT;
    if (limits->has_floor && account.overdraft_minor) return LEDGER_E_LIMIT;
    if (limits->has_floor && limits->has_ceiling && limits->floor_minor > limits->ceiling_minor) return LEDGER_E_LIMIT;
    account.state &= ~(int64_t)(LEDGER_HAS_FLOOR | LEDGER_HAS_CEILING);
    if (limits->has_floor) account.state |= LEDGER_HAS_FLOOR;
    if (limits->has_ceiling) account.state |= LEDGER_HAS_CEILING;
    account.floor_minor = limits->has_floor ? limits->floor_minor : 0;
    account.ceiling_minor = limits->has_ceiling ? limits->ceiling_minor : 0;
    r = ledger_room_below(&account, &limited, &room);
    if (!r) r = normal_balance(&account, &balance);
    if (r) return r;
    if ((limited && room < 0) || (limits->has_ceiling && balance > limits->ceiling_minor)) return LEDGER_E_LIMIT;
    return err_trace(view_update(&view, &ledger_account_table, &account));
}

int ledger_freeze(struct work *work, int64_t number, int64_t frozen) {
    const int64_t both = LEDGER_FROZEN_DEBITS | LEDGER_FROZEN_CREDITS;
    struct view view = view_of(work, "ledger");
    struct ledger_account_row account;
    check((frozen & ~both) == 0);
    int r = open_account_get(&view, number, &account);
    if (r) return r;
    if (!chart_of(&account)->freezes) return LEDGER_E_LIMIT;
    account.state = (account.state & ~both) | frozen;
    return err_trace(view_update(&view, &ledger_account_table, &account));
}

int ledger_close_account(struct work *work, int64_t number) {
    struct view view = view_of(work, "ledger");
    struct ledger_account_row account;
    int r = open_account_get(&view, number, &account);
    if (r) return r;
    if (!chart_of(&account)->freezes) return LEDGER_E_LIMIT;
    if (account.posted_minor || account.held_minor || account.incoming_minor) return LEDGER_E_NOT_EMPTY;
    account.state |= LEDGER_CLOSED;
    return err_trace(view_update(&view, &ledger_account_table, &account));
}
