/* ledger_hold.c - what is reserved of an account before it is booked, and what is announced for it. */
#include "services/ledger/ledger_int.h"

void ledger_want_hold(struct work *work, const uint8_t hold_id[16]) {
    struct ledger_hold_row probe = { 0 };
    memcpy(probe.hold_id, hold_id, 16);
    work_want(work, &ledger_hold_table, 0, &probe);
    ledger_want_books(work); /* a capture will ask for the day, also where no row says which it is */
}

int64_t ledger_hold_left(const struct ledger_hold_row *hold) {
    return hold->amount_minor - hold->captured_minor;
}

void ledger_hold_lower(struct ledger_account_row *account, const struct ledger_hold_row *hold, int64_t minor) {
    int64_t *sum = hold->side == LEDGER_DEBIT ? &account->held_minor : &account->incoming_minor;
    check(*sum >= minor); /* L4 */
    *sum -= minor;
}

int ledger_hold_get(const struct view *view, const uint8_t hold_id[16], struct ledger_hold_row *ret_hold) {
    struct ledger_hold_row probe = { 0 };
    const void *found;
    memcpy(probe.hold_id, hold_id, 16);
    int r = view_get(view, &ledger_hold_table, &probe, &found);
    if (r) return r;
    const struct ledger_hold_row *hold = found;
    if (!hold || hold->state != LEDGER_HOLD_ACTIVE) return LEDGER_E_HOLD;
    if (hold->expires_ms && hold->expires_ms <= view_now_ms(view)) return LEDGER_E_HOLD; /* L9, before it is swept */
    *ret_hold = *hold;
    return 0;
}

/* ---- expiry ---- */

/* Writes when the hold ends into the table of those that do, and has it watched. old_ms: what stands there. */
static int expiry_write(const struct view *view, const struct ledger_hold_row *hold, int64_t old_ms) {
    struct ledger_hold_expiry_row row = { .expires_ms = old_ms };
    struct followup followup = { .kind = FOLLOWUP_HOLD_EXPIRY, .due_ms = hold->expires_ms };
    const void *found;
    if (!old_ms && !hold->expires_ms) return 0; /* the holds of payments come by here */
    memcpy(row.hold_id, hold->hold_id, 16);
    memcpy(followup.id, hold->hold_id, 16);
    if (!old_ms) {
        row.expires_ms = hold->expires_ms;
        int r = view_insert(view, &ledger_hold_expiry_table, &row);
        return r ? err_trace(r) : err_trace(work_followup(view->work, &followup));
    }
    int r = view_get(view, &ledger_hold_expiry_table, &row, &found);
    if (r) return r;
    if (!found) return err_origin(-ENOENT);
    if (!hold->expires_ms) return err_trace(view_delete(view, &ledger_hold_expiry_table, &row));
    row.expires_ms = hold->expires_ms;
    r = view_update(view, &ledger_hold_expiry_table, &row);
    return r ? err_trace(r) : err_trace(work_followup(view->work, &followup));
}

int ledger_hold_end(const struct view *view, struct ledger_hold_row *hold, enum ledger_hold_state state) {
    struct ledger_hold_row never = *hold;
    never.expires_ms = 0;
    int r = expiry_write(view, &never, hold->expires_ms);
    if (r) return r;
    hold->state = state;
    hold->ended_ms = view_now_ms(view);
    return err_trace(view_update(view, &ledger_hold_table, hold));
}

/* ---- reserving ---- */

/* Takes minor more of the account for the hold, on the copy. */
static int reserve_judge(struct ledger_account_row *account, enum ledger_side side, int64_t minor) {
    int64_t room;
    bool limited;
    int r = ledger_state_judge(account, side);
    if (!r && !ledger_chart((enum ledger_account_kind)account->kind)->holds) r = LEDGER_E_SIDE;
    if (r) return r;
    int64_t *sum = side == LEDGER_DEBIT ? &account->held_minor : &account->incoming_minor;
    if (side == LEDGER_DEBIT) {
        r = ledger_room_below(account, &limited, &room);
        if (r) return r;
        if (limited && room < minor) return LEDGER_E_FUNDS; /* L5 */
    }
    return checked_add(*sum, minor, sum) ? LEDGER_E_OVERFLOW : 0;
}

int ledger_reserve(struct work *work, const struct ledger_reservation *reservation) {
    struct view view = view_of(work, "ledger");
    struct ledger_touched touched;
    if (reservation->amount.minor <= 0) return LEDGER_E_AMOUNT;
    if (reservation->expires_ms && reservation->expires_ms <= view_now_ms(&view)) return LEDGER_E_HOLD;
    int r = ledger_account_take(&view, reservation->account, reservation->amount.currency, &touched);
    if (!r) r = reserve_judge(&touched.row, reservation->side, reservation->amount.minor);
    if (r) return r;
    struct ledger_hold_row hold = { .purpose = reservation->purpose,
                                    .account = reservation->account,
                                    .side = reservation->side,
                                    .currency = reservation->amount.currency.code,
                                    .amount_minor = reservation->amount.minor,
                                    .state = LEDGER_HOLD_ACTIVE,
                                    .created_ms = view_now_ms(&view),
                                    .expires_ms = reservation->expires_ms };
    memcpy(hold.hold_id, reservation->hold_id, 16);
    r = expiry_write(&view, &hold, 0);
    if (!r) r = view_insert(&view, &ledger_hold_table, &hold);
    return r ? err_trace(r) : ledger_account_write(&view, &touched);
}

int ledger_hold(struct work *work, int64_t account, const uint8_t hold_id[16], struct money amount) {
    struct ledger_reservation reservation = { .account = account, .side = LEDGER_DEBIT, .amount = amount };
    memcpy(reservation.hold_id, hold_id, 16);
    return ledger_reserve(work, &reservation);
}

int ledger_hold_increase(struct work *work, const uint8_t hold_id[16], struct money amount) {
    struct view view = view_of(work, "ledger");
    struct ledger_hold_row hold;
    struct ledger_touched touched;
    if (amount.minor <= 0) return LEDGER_E_AMOUNT;
    int r = ledger_hold_get(&view, hold_id, &hold);
    if (!r) r = ledger_account_take(&view, hold.account, amount.currency, &touched);
    if (!r) r = reserve_judge(&touched.row, (enum ledger_side)hold.side, amount.minor);
    if (r) return r;
    if (checked_add(hold.amount_minor, amount.minor, &hold.amount_minor)) return LEDGER_E_OVERFLOW;
    r = view_update(&view, &ledger_hold_table, &hold);
    return r ? err_trace(r) : ledger_account_write(&view, &touched);
}

int ledger_hold_extend(struct work *work, const uint8_t hold_id[16], int64_t expires_ms) {
    struct view view = view_of(work, "ledger");
    struct ledger_hold_row hold;
    int r = ledger_hold_get(&view, hold_id, &hold);
    if (r) return r;
    if (expires_ms && expires_ms <= view_now_ms(&view)) return LEDGER_E_HOLD;
    int64_t old_ms = hold.expires_ms;
    hold.expires_ms = expires_ms;
    r = expiry_write(&view, &hold, old_ms);
    return r ? r : err_trace(view_update(&view, &ledger_hold_table, &hold));
}

/* ---- ending ---- */

/* Gives back what is left of an active hold. */
static int hold_give_back(const struct view *view, struct ledger_hold_row *hold, enum ledger_hold_state state) {
    struct ledger_touched touched;
    struct currency currency = { .code = (uint32_t)hold->currency };
    int r = ledger_account_take(view, hold->account, currency, &touched);
    if (r) return r;
    ledger_hold_lower(&touched.row, hold, ledger_hold_left(hold));
    r = ledger_hold_end(view, hold, state);
    return r ? r : ledger_account_write(view, &touched);
}

int ledger_release(struct work *work, const uint8_t hold_id[16]) {
    struct view view = view_of(work, "ledger");
    struct ledger_hold_row hold;
    int r = ledger_hold_get(&view, hold_id, &hold);
    return r ? r : hold_give_back(&view, &hold, LEDGER_HOLD_RELEASED);
}

int ledger_hold_expire(struct work *work, const uint8_t hold_id[16]) {
    struct view view = view_of(work, "ledger");
    struct ledger_hold_row probe = { 0 };
    const void *found;
    memcpy(probe.hold_id, hold_id, 16);
    int r = view_get(&view, &ledger_hold_table, &probe, &found);
    if (r) return r;
    if (!found) return 0; /* the commit that made it was undone after all */
    struct ledger_hold_row hold = *(const struct ledger_hold_row *)found;
    bool over = hold.state == LEDGER_HOLD_ACTIVE && hold.expires_ms && hold.expires_ms <= view_now_ms(&view);
    r = over ? hold_give_back(&view, &hold, LEDGER_HOLD_EXPIRED) : 0;
    return r == VIEW_NEED ? r : err_fold(r);
}

int ledger_capture_order(struct work *work, const struct ledger_capture *capture, const struct ledger_order *order,
                         struct ledger_receipt *ret_receipt) {
    struct view view = view_of(work, "ledger");
    struct ledger_hold_row hold;
    int r = ledger_hold_get(&view, capture->hold_id, &hold);
    if (r) return r;
    struct ledger_terms terms = { .hold = &hold, .final = capture->final };
    struct ledger_order named = *order;
    memcpy(named.payment_id, capture->hold_id, 16);
    return ledger_order_write(&view, &named, &terms, ret_receipt);
}

int ledger_capture(struct work *work, const uint8_t hold_id[16], const struct ledger_posting *posting) {
    struct view view = view_of(work, "ledger");
    struct ledger_hold_row hold;
    int r = ledger_hold_get(&view, hold_id, &hold);
    if (r) return r;
    if (ledger_hold_left(&hold) != posting->amount.minor && hold.account == posting->debit_account &&
        hold.currency == posting->amount.currency.code)
        return LEDGER_E_HOLD;
    const struct ledger_leg legs[2] = { { posting->debit_account, LEDGER_DEBIT, posting->amount, 0 },
                                        { posting->credit_account, LEDGER_CREDIT, posting->amount, 0 } };
    struct ledger_order order = { .kind = posting->kind, .legs = legs, .leg_count = 2 };
    struct ledger_capture capture = { .final = true };
    memcpy(capture.hold_id, hold_id, 16);
    return ledger_capture_order(work, &capture, &order, NULL);
}
