#include "services/ledger/ledger_period.h"

#include "engine/row_stream.h"
#include "platform/clock.h"
#include "services/ledger/ledger_int.h"
#include "services/ledger/ledger_sums.h"

enum { BOOKS = 1 };

void ledger_want_books(struct work *work) {
    struct ledger_books_row probe = { .books = BOOKS };
    work_want(work, &ledger_books_table, 0, &probe);
}

/* The last closed day, 0 when there is none; *ret_found tells whether the row is there. 0 or VIEW_NEED. */
static int closed_day(const struct view *view, int64_t *ret_day, bool *ret_found) {
    struct ledger_books_row probe = { .books = BOOKS };
    const void *found;
    int r = view_get(view, &ledger_books_table, &probe, &found);
    if (r) return r;
    *ret_day = found ? ((const struct ledger_books_row *)found)->closed_day : 0;
    *ret_found = found != NULL;
    return 0;
}

static int64_t business_day(const struct view *view, int64_t closed) {
    int64_t today = clock_day(view_now_ms(view));
    return today > closed ? today : closed + 1;
}

int ledger_business_day(struct work *work, int64_t *ret_day) {
    struct view view = view_of(work, "ledger");
    int64_t closed;
    bool found;
    int r = closed_day(&view, &closed, &found);
    if (!r) *ret_day = business_day(&view, closed);
    return r;
}

int ledger_booking_day(const struct view *view, int64_t given, int64_t *ret_day) {
    int64_t closed;
    bool found;
    int r = closed_day(view, &closed, &found);
    if (r) return r;
    int64_t today = business_day(view, closed);
    if (given && (given <= closed || given > today)) return LEDGER_E_PERIOD; /* P1 */
    *ret_day = given ? given : today;
    return 0;
}

int ledger_close_day(struct work *work, int64_t day) {
    struct view view = view_of(work, "ledger");
    struct ledger_books_row books = { .books = BOOKS, .closed_day = day };
    struct ledger_period_row period = { .day = day, .closed_ms = view_now_ms(&view) };
    int64_t closed;
    bool found;
    int r = closed_day(&view, &closed, &found);
    if (r) return r;
    if (day <= closed || day > clock_day(view_now_ms(&view))) return LEDGER_E_PERIOD;
    r = found ? view_update(&view, &ledger_books_table, &books) : view_insert(&view, &ledger_books_table, &books);
    if (!r) r = view_insert(&view, &ledger_period_table, &period);
    return err_trace(r);
}

int ledger_seal_day(struct work *work, const struct ledger_closing *closing) {
    struct view view = view_of(work, "ledger");
    struct ledger_period_row probe = { .day = closing->day };
    const void *found;
    int r = view_get(&view, &ledger_period_table, &probe, &found);
    if (r) return r;
    if (!found || ((const struct ledger_period_row *)found)->sealed_ms) return LEDGER_E_PERIOD;
    if (closing->difference_minor) return LEDGER_E_UNBALANCED; /* P2 */
    struct ledger_period_row period = *(const struct ledger_period_row *)found;
    period.sealed_ms = view_now_ms(&view);
    period.accounts = closing->accounts;
    period.transactions = closing->transactions;
    period.digest = closing->digest;
    return err_trace(view_update(&view, &ledger_period_table, &period));
}

/* ---- what stands at the end of a day ---- */

struct closing_sums {
    struct row_stream transactions, entries;
    struct account_sums accounts;
    struct currency_sums currencies;
};

static int entry_sum(struct closing_sums *sums, const struct ledger_entry_row *entry) {
    struct account_sum *account;
    int64_t change;
    int r = account_sums_take(&sums->accounts, entry->account, entry->currency, &account);
    if (r) return err_trace(r);
    struct wide *currency = currency_sums_entries(&sums->currencies, entry->currency);
    if (!currency) return err_origin(-E2BIG);
    if (checked_mul(entry->amount_minor, entry->side == LEDGER_CREDIT ? 1 : -1, &change)) return err_origin(-ERANGE);
    wide_add(&account->sum, change);
    wide_add(currency, change);
    return 0;
}

/* Adds up the entries of the transactions booked up to the day. */
static int closing_add(struct closing_sums *sums, struct ledger_closing *closing) {
    const void *row, *entry_row;
    int r;
    while ((r = row_stream_next(&sums->transactions, &row)) == 0 && row) {
        const struct ledger_transaction_row *transaction = row;
        bool counts = transaction->booking_day <= closing->day;
        closing->transactions += counts;
        while ((r = row_stream_peek(&sums->entries, &entry_row)) == 0 && entry_row) {
            if (((const struct ledger_entry_row *)entry_row)->transaction > transaction->number) break;
            r = counts ? entry_sum(sums, entry_row) : 0;
            if (!r) r = row_stream_next(&sums->entries, &entry_row);
            if (r) return err_trace(r);
        }
        if (r) return err_trace(r);
    }
    return err_trace(r);
}

static int number_compare(const void *a, const void *b) {
    int64_t left = ((const struct account_sum *)a)->number, right = ((const struct account_sum *)b)->number;
    return (left > right) - (left < right);
}

static void put_number(struct sha256 *sha, uint64_t number) {
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(number >> (56 - 8 * i));
    sha256_update(sha, bytes, sizeof bytes);
}

/* Sorts the sums where they stand: they are of no more use as a table. */
static int closing_digest(struct account_sums *accounts, struct hash *ret_digest) {
    struct sha256 sha;
    size_t count = 0;
    for (size_t i = 0; i < accounts->slot_count; i++)
        if (accounts->slots[i].used) accounts->slots[count++] = accounts->slots[i];
    if (count) qsort(accounts->slots, count, sizeof accounts->slots[0], number_compare);
    int r = sha256_init(&sha);
    if (r) return err_trace(r);
    sha256_begin(&sha);
    for (size_t i = 0; i < count; i++) {
        put_number(&sha, (uint64_t)accounts->slots[i].number);
        put_number(&sha, (uint64_t)accounts->slots[i].currency);
        put_number(&sha, accounts->slots[i].sum.low); /* a balance fits into 64 bits: L3 */
    }
    *ret_digest = sha256_end(&sha);
    sha256_release(&sha);
    return 0;
}

int ledger_closing_read(struct reader *reader, int64_t day, struct ledger_closing *ret_closing) {
    struct closing_sums *sums = calloc(1, sizeof *sums);
    struct ledger_closing closing = { .day = day };
    if (!sums) return err_origin(-ENOMEM);
    int r = row_stream_open(&sums->transactions, reader, &ledger_transaction_table);
    if (!r) r = row_stream_open(&sums->entries, reader, &ledger_entry_table);
    if (!r) r = closing_add(sums, &closing);
    closing.accounts = (int64_t)sums->accounts.count;
    for (size_t i = 0; i < sums->currencies.count; i++)
        closing.difference_minor =
            distance_add(closing.difference_minor, wide_distance(&sums->currencies.rows[i].entries));
    if (!r) r = closing_digest(&sums->accounts, &closing.digest);
    if (!r) *ret_closing = closing;
    row_stream_release(&sums->transactions);
    row_stream_release(&sums->entries);
    account_sums_release(&sums->accounts);
    free(sums);
    return err_trace(r);
}
