/* ledger_verify_links.c - what hangs between the rows: captures and their holds (V7), reversals and their originals
 * (V8), bookings and closed days (V9). */
#include "services/ledger/ledger_verify_int.h"

static bool row_stream_reopen(struct verify *verify, const struct table *table, int *ret_code) {
    row_stream_release(&verify->others);
    verify->others = (struct row_stream){ 0 };
    *ret_code = row_stream_open(&verify->others, verify->reader, table);
    return *ret_code == 0;
}

/* ---- holds ---- */

static int holds_remember(struct verify *verify) {
    const void *row;
    int r;
    if (!row_stream_reopen(verify, &ledger_hold_table, &r)) return err_trace(r);
    while ((r = row_stream_next(&verify->others, &row)) == 0 && row) {
        const struct ledger_hold_row *hold = row;
        struct id_sum *sum;
        if (id_is_zero(hold->hold_id)) continue;
        r = id_sums_take(&verify->captured, hold->hold_id, &sum);
        if (r) return err_trace(r);
        sum->account_side = (int64_t)((uint64_t)hold->account * 2 + (uint64_t)hold->side);
        sum->left_minor = hold->captured_minor;
    }
    return err_trace(r);
}

int ledger_verify_entry_links(struct verify *verify, const struct ledger_transaction_row *transaction,
                              const struct ledger_entry_row *entry) {
    if (transaction->reverses) {
        verify->reversing_entries++;
        return 0;
    }
    struct id_sum *hold = id_is_zero(entry->payment_id) ? NULL : id_sums_find(&verify->captured, entry->payment_id);
    if (!hold || hold->account_side != (int64_t)((uint64_t)entry->account * 2 + (uint64_t)entry->side)) return 0;
    if (checked_sub(hold->left_minor, entry->amount_minor, &hold->left_minor))
        ledger_verify_find(verify, (struct ledger_finding){ LEDGER_FINDING_RANGE, entry->number, 0, 0 });
    return 0;
}

static void hold_judge(struct verify *verify, const struct ledger_hold_row *hold, const struct account_sum *account) {
    bool known_state = hold->state >= LEDGER_HOLD_ACTIVE && hold->state < LEDGER_HOLD_STATE_COUNT;
    bool known_side = hold->side == LEDGER_DEBIT || hold->side == LEDGER_CREDIT;
    bool in_range = hold->captured_minor >= 0 && hold->captured_minor <= hold->amount_minor;
    if (hold->amount_minor <= 0 || !known_state || !known_side || !in_range || hold->currency != account->currency)
        ledger_verify_find(verify,
                           (struct ledger_finding){ LEDGER_FINDING_HOLD, hold->account, 0, hold->amount_minor });
    const struct id_sum *captured = id_sums_find(&verify->captured, hold->hold_id);
    if (captured && captured->left_minor)
        ledger_verify_find(verify, (struct ledger_finding){ LEDGER_FINDING_CAPTURED, hold->account,
                                                            hold->captured_minor, captured->left_minor });
}

static int holds_verify(struct verify *verify) {
    const void *row;
    int r;
    while ((r = row_stream_next(&verify->holds, &row)) == 0 && row) {
        const struct ledger_hold_row *hold = row;
        struct account_sum *account;
        r = account_sums_take(&verify->sums, hold->account, hold->currency, &account);
        if (r) return err_trace(r);
        hold_judge(verify, hold, account);
        if (hold->state != LEDGER_HOLD_ACTIVE) continue;
        wide_add(hold->side == LEDGER_CREDIT ? &account->incoming : &account->held,
                 hold->amount_minor - hold->captured_minor);
        verify->result.holds_active++;
    }
    return err_trace(r);
}

/* ---- reversals ---- */

static int row_find(struct verify *verify, const struct table *table, const void *probe, const void **ret_row) {
    return err_trace(read_row(verify->reader, table, 0, probe, &verify->arena, ret_row));
}

/* Whether the entry lies on the other side of the one that it takes back. */
static bool link_is_right(const struct ledger_reversal_row *link, const struct ledger_entry_row *entry,
                          const struct ledger_entry_row *original, const struct ledger_transaction_row *transaction) {
    if (!entry || !original || !transaction) return false;
    return entry->transaction == link->transaction && original->transaction == link->original &&
           transaction->reverses == link->original && entry->account == original->account &&
           entry->currency == original->currency && entry->side != original->side;
}

static int link_judge(struct verify *verify, const struct ledger_reversal_row *link) {
    struct ledger_entry_row entry_probe = { .number = link->entry },
                            original_probe = { .number = link->original_entry };
    struct ledger_transaction_row transaction_probe = { .number = link->transaction };
    const void *entry, *original, *transaction;
    struct account_sum *sum;
    arena_reset(&verify->arena);
    int r = row_find(verify, &ledger_entry_table, &entry_probe, &entry);
    if (!r) r = row_find(verify, &ledger_entry_table, &original_probe, &original);
    if (!r) r = row_find(verify, &ledger_transaction_table, &transaction_probe, &transaction);
    if (r) return err_trace(r);
    if (!link_is_right(link, entry, original, transaction)) {
        ledger_verify_find(verify, (struct ledger_finding){ LEDGER_FINDING_REVERSAL, link->entry, link->original_entry,
                                                            link->transaction });
        return 0;
    }
    r = account_sums_take(&verify->reversed, link->original_entry, 0, &sum);
    if (r) return err_trace(r);
    wide_add(&sum->sum, ((const struct ledger_entry_row *)entry)->amount_minor);
    sum->after_minor = ((const struct ledger_entry_row *)original)->amount_minor;
    verify->result.reversals++;
    return 0;
}

static int reversed_judge(struct verify *verify, const struct ledger_reversed_row *reversed) {
    struct account_sum *sum;
    int r = account_sums_take(&verify->reversed, reversed->entry, 0, &sum);
    if (r) return err_trace(r);
    int64_t taken = wide_distance(&sum->sum);
    sum->has_row = true;
    if (taken != reversed->reversed_minor)
        ledger_verify_find(verify, (struct ledger_finding){ LEDGER_FINDING_REVERSED_SUM, reversed->entry, taken,
                                                            reversed->reversed_minor });
    return 0;
}

static int reversals_verify(struct verify *verify) {
    const void *row;
    int64_t links = 0;
    int r;
    if (!row_stream_reopen(verify, &ledger_reversal_table, &r)) return err_trace(r);
    while ((r = row_stream_next(&verify->others, &row)) == 0 && row) {
        links++;
        r = link_judge(verify, row);
        if (r) return err_trace(r);
    }
    if (r) return err_trace(r);
    if (links != verify->reversing_entries)
        ledger_verify_find(verify,
                           (struct ledger_finding){ LEDGER_FINDING_REVERSAL, 0, verify->reversing_entries, links });
    if (!row_stream_reopen(verify, &ledger_reversed_table, &r)) return err_trace(r);
    while ((r = row_stream_next(&verify->others, &row)) == 0 && row) {
        r = reversed_judge(verify, row);
        if (r) return err_trace(r);
    }
    for (size_t i = 0; !r && i < verify->reversed.slot_count; i++) {
        const struct account_sum *sum = &verify->reversed.slots[i];
        if (!sum->used) continue;
        int64_t taken = wide_distance(&sum->sum);
        if (taken > sum->after_minor)
            ledger_verify_find(
                verify, (struct ledger_finding){ LEDGER_FINDING_REVERSED, sum->number, sum->after_minor, taken });
        if (!sum->has_row)
            ledger_verify_find(verify, (struct ledger_finding){ LEDGER_FINDING_REVERSED_SUM, sum->number, taken, 0 });
    }
    return err_trace(r);
}

/* ---- periods ---- */

static int periods_read(struct verify *verify) {
    const void *row;
    int r;
    if (!row_stream_reopen(verify, &ledger_period_table, &r)) return err_trace(r);
    while ((r = row_stream_next(&verify->others, &row)) == 0 && row) {
        if (verify->period_count == LEDGER_VERIFY_PERIODS_MAX) return err_origin(-E2BIG);
        verify->periods[verify->period_count++] = *(const struct ledger_period_row *)row;
    }
    verify->result.periods = (int64_t)verify->period_count;
    return err_trace(r);
}

/* The first closing that covers the day; NULL: the day is open. */
static const struct ledger_period_row *period_of(const struct verify *verify, int64_t day) {
    size_t low = 0, high = verify->period_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (verify->periods[middle].day < day) low = middle + 1;
        else high = middle;
    }
    return low < verify->period_count ? &verify->periods[low] : NULL;
}

void ledger_verify_day(struct verify *verify, const struct ledger_transaction_row *transaction) {
    const struct ledger_period_row *period = period_of(verify, transaction->booking_day);
    if (period && transaction->booked_ms > period->closed_ms)
        ledger_verify_find(verify, (struct ledger_finding){ LEDGER_FINDING_PERIOD, transaction->number, period->day,
                                                            transaction->booking_day });
}

static int digest_verify(struct verify *verify) {
    struct ledger_closing closing;
    size_t at = verify->period_count;
    while (at > 0 && !verify->periods[at - 1].sealed_ms) at--;
    if (at == 0) return 0;
    const struct ledger_period_row *period = &verify->periods[at - 1];
    int r = ledger_closing_read(verify->reader, period->day, &closing);
    if (r) return err_trace(r);
    if (!hash_equal(&closing.digest, &period->digest) || closing.accounts != period->accounts ||
        closing.transactions != period->transactions)
        ledger_verify_find(verify, (struct ledger_finding){ LEDGER_FINDING_DIGEST, period->day, 0, 0 });
    return 0;
}

int ledger_verify_links_begin(struct verify *verify) {
    int r = holds_remember(verify);
    return r ? err_trace(r) : err_trace(periods_read(verify));
}

int ledger_verify_links_end(struct verify *verify) {
    int r = holds_verify(verify);
    if (!r) r = reversals_verify(verify);
    return r ? err_trace(r) : err_trace(digest_verify(verify));
}
