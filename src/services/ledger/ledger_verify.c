#include "services/ledger/ledger_verify.h"

#include "services/ledger/ledger_verify_int.h"

#define X(code, name) [code] = name,
static const char *const finding_names[LEDGER_FINDING_KIND_COUNT] = { LEDGER_FINDING_MAP(X) };
#undef X

const char *ledger_finding_name(enum ledger_finding_kind kind) {
    check(kind < LEDGER_FINDING_KIND_COUNT);
    return finding_names[kind];
}

bool ledger_verify_is_clean(const struct ledger_verify_result *result) {
    return result->finding_count == 0 && result->difference_minor == 0 && result->chain.broken == 0;
}

void ledger_verify_find(struct verify *verify, struct ledger_finding finding) {
    if (verify->result.finding_count < LEDGER_FINDINGS_MAX)
        verify->result.findings[verify->result.finding_count] = finding;
    verify->result.finding_count++;
}

/* ---- entries and their transactions ---- */

/* Adds an entry to its account and compares the balance it left (V2). */
static int entry_add(struct verify *verify, const struct ledger_entry_row *entry) {
    struct account_sum *account;
    int r = account_sums_take(&verify->sums, entry->account, entry->currency, &account);
    if (r) return err_trace(r);
    int64_t change, due;
    bool over = checked_mul(entry->amount_minor, entry->side == LEDGER_CREDIT ? 1 : -1, &change) ||
                checked_add(account->after_minor, change, &due);
    if (over) ledger_verify_find(verify, (struct ledger_finding){ LEDGER_FINDING_RANGE, entry->number, 0, 0 });
    else if (due != entry->balance_after_minor)
        ledger_verify_find(
            verify, (struct ledger_finding){ LEDGER_FINDING_BALANCE, entry->number, due, entry->balance_after_minor });
    if (entry->sequence != account->entry_count + 1)
        ledger_verify_find(verify, (struct ledger_finding){ LEDGER_FINDING_SEQUENCE, entry->number,
                                                            account->entry_count + 1, entry->sequence });
    account->after_minor = entry->balance_after_minor;
    account->entry_count =
        entry->sequence; /* as it stands there: one gap is told once; the row's count is compared with it too */
    if (over) return 0;
    wide_add(&account->sum, change);
    struct wide *sum = currency_sums_entries(&verify->currencies, entry->currency);
    if (!sum) return err_origin(-E2BIG);
    wide_add(sum, change);
    return 0;
}

/* The debits and credits of one transaction, currency by currency. */
struct tally {
    int64_t entries;
    size_t currency_count;
    struct {
        int64_t currency;
        struct wide debits, credits;
    } rows[LEDGER_LEGS_MAX];
};

static void tally_add(struct tally *tally, const struct ledger_entry_row *entry) {
    size_t at = 0;
    while (at < tally->currency_count && tally->rows[at].currency != entry->currency) at++;
    tally->entries++;
    if (at == LEDGER_LEGS_MAX) return; /* more entries than a transaction can have: told by their count */
    if (at == tally->currency_count) {
        tally->rows[at].currency = entry->currency;
        tally->currency_count++;
    }
    wide_add(entry->side == LEDGER_CREDIT ? &tally->rows[at].credits : &tally->rows[at].debits, entry->amount_minor);
}

static int entry_judge(struct verify *verify, const struct ledger_transaction_row *transaction,
                       const struct ledger_entry_row *entry, struct tally *tally) {
    if (entry->amount_minor <= 0)
        ledger_verify_find(
            verify, (struct ledger_finding){ LEDGER_FINDING_ENTRY_AMOUNT, entry->number, 0, entry->amount_minor });
    if (entry->side != LEDGER_DEBIT && entry->side != LEDGER_CREDIT)
        ledger_verify_find(verify, (struct ledger_finding){ LEDGER_FINDING_ENTRY_SIDE, entry->number, 0, entry->side });
    if (entry->booked_ms != transaction->booked_ms || entry->batch_seq != transaction->batch_seq ||
        !id_equal(entry->payment_id, transaction->payment_id))
        ledger_verify_find(
            verify, (struct ledger_finding){ LEDGER_FINDING_ENTRY_FIELDS, entry->number, 0, transaction->number });
    if (tally->entries == 0 && entry->number != transaction->first_entry)
        ledger_verify_find(verify, (struct ledger_finding){ LEDGER_FINDING_FIRST_ENTRY, transaction->number,
                                                            transaction->first_entry, entry->number });
    tally_add(tally, entry);
    return ledger_verify_entry_links(verify, transaction, entry);
}

static void tally_judge(struct verify *verify, const struct ledger_transaction_row *transaction,
                        const struct tally *tally) {
    int64_t amount = 0;
    if (tally->entries != transaction->entry_count)
        ledger_verify_find(verify, (struct ledger_finding){ LEDGER_FINDING_ENTRIES, transaction->number,
                                                            transaction->entry_count, tally->entries });
    for (size_t i = 0; i < tally->currency_count; i++) { /* each currency for itself: L1 */
        int64_t debits = wide_distance(&tally->rows[i].debits), credits = wide_distance(&tally->rows[i].credits);
        if (debits != credits)
            ledger_verify_find(
                verify, (struct ledger_finding){ LEDGER_FINDING_UNBALANCED, transaction->number, debits, credits });
        if (tally->rows[i].currency == transaction->currency) amount = debits;
    }
    if (amount != transaction->amount_minor)
        ledger_verify_find(verify, (struct ledger_finding){ LEDGER_FINDING_AMOUNT, transaction->number,
                                                            transaction->amount_minor, amount });
}

/* Takes the entries up to and with those of transaction; NULL: those that are left, which belong to none. */
static int entries_take(struct verify *verify, const struct ledger_transaction_row *transaction, struct tally *tally) {
    const void *row;
    int r;
    while ((r = row_stream_peek(&verify->entries, &row)) == 0 && row) {
        const struct ledger_entry_row *entry = row;
        if (transaction && entry->transaction > transaction->number) break;
        r = 0;
        if (transaction && entry->transaction == transaction->number)
            r = entry_judge(verify, transaction, entry, tally);
        else
            ledger_verify_find(verify,
                               (struct ledger_finding){ LEDGER_FINDING_ORPHAN, entry->number, 0, entry->transaction });
        verify->result.entries++;
        if (!r) r = entry_add(verify, entry);
        if (!r) r = row_stream_next(&verify->entries, &row);
        if (r) return err_trace(r);
    }
    return err_trace(r);
}

static int transactions_verify(struct verify *verify) {
    const void *row;
    int r;
    while ((r = row_stream_next(&verify->transactions, &row)) == 0 && row) {
        const struct ledger_transaction_row *transaction = row;
        struct tally tally = { 0 };
        r = entries_take(verify, transaction, &tally);
        if (r) return err_trace(r);
        tally_judge(verify, transaction, &tally);
        ledger_verify_day(verify, transaction);
        verify->result.transactions++;
    }
    if (!r) r = entries_take(verify, NULL, NULL);
    return err_trace(r);
}

/* ---- accounts ---- */

static int64_t wide_clamp(const struct wide *sum) {
    int64_t distance = wide_distance(sum);
    return sum->high < 0 ? -distance : distance;
}

static bool wide_is(const struct wide *sum, int64_t value) {
    return sum->low == (uint64_t)value && sum->high == (value < 0 ? -1 : 0);
}

/* V6; posted and held are compared with their entries and holds already. */
static void limits_judge(struct verify *verify, const struct ledger_account_row *row) {
    int64_t room = 0, normal;
    bool limited = false, known = row->kind >= 0 && row->kind < LEDGER_ACCOUNT_KIND_COUNT;
    int r = known ? ledger_room_below(row, &limited, &room) : LEDGER_E_LIMIT;
    bool rich = r == LEDGER_E_OVERFLOW && row->posted_minor > 0; /* more room than can be told */
    if (!rich && (r || (limited && room < 0)))
        ledger_verify_find(
            verify, (struct ledger_finding){ LEDGER_FINDING_LIMIT, row->number, row->floor_minor, row->posted_minor });
    normal = known && ledger_chart((enum ledger_account_kind)row->kind)->normal == LEDGER_CREDIT
                 ? row->posted_minor
                 : -(row->posted_minor + (row->posted_minor == INT64_MIN));
    if (row->state & LEDGER_HAS_CEILING && normal > row->ceiling_minor)
        ledger_verify_find(verify,
                           (struct ledger_finding){ LEDGER_FINDING_LIMIT, row->number, row->ceiling_minor, normal });
    if (row->state & LEDGER_CLOSED && (row->posted_minor || row->held_minor || row->incoming_minor))
        ledger_verify_find(verify,
                           (struct ledger_finding){ LEDGER_FINDING_NOT_EMPTY, row->number, 0, row->posted_minor });
}

static int account_compare(struct verify *verify, const struct ledger_account_row *row) {
    struct account_sum *account;
    int r = account_sums_take(&verify->sums, row->number, row->currency, &account);
    if (r) return err_trace(r);
    account->has_row = true;
    if (account->currency != row->currency)
        ledger_verify_find(
            verify, (struct ledger_finding){ LEDGER_FINDING_CURRENCY, row->number, account->currency, row->currency });
    if (!wide_is(&account->sum, row->posted_minor)) {
        struct wide off = account->sum;
        wide_add(&off, -(row->posted_minor + (row->posted_minor == INT64_MIN)));
        verify->result.difference_minor = distance_add(verify->result.difference_minor, wide_distance(&off));
        ledger_verify_find(verify, (struct ledger_finding){ LEDGER_FINDING_POSTED, row->number,
                                                            wide_clamp(&account->sum), row->posted_minor });
    }
    if (account->entry_count != row->entry_count)
        ledger_verify_find(verify, (struct ledger_finding){ LEDGER_FINDING_COUNT, row->number, account->entry_count,
                                                            row->entry_count });
    if (!wide_is(&account->held, row->held_minor))
        ledger_verify_find(verify, (struct ledger_finding){ LEDGER_FINDING_HELD, row->number,
                                                            wide_clamp(&account->held), row->held_minor });
    if (!wide_is(&account->incoming, row->incoming_minor))
        ledger_verify_find(verify, (struct ledger_finding){ LEDGER_FINDING_INCOMING, row->number,
                                                            wide_clamp(&account->incoming), row->incoming_minor });
    limits_judge(verify, row);
    struct wide *posted = currency_sums_posted(&verify->currencies, row->currency);
    if (!posted) return err_origin(-E2BIG);
    wide_add(posted, row->posted_minor);
    verify->result.balances_checked++;
    return 0;
}

static int accounts_verify(struct verify *verify) {
    const void *row;
    int r;
    while ((r = row_stream_next(&verify->accounts, &row)) == 0 && row) {
        r = account_compare(verify, row);
        if (r) return err_trace(r);
        verify->result.accounts++;
    }
    if (r) return err_trace(r);
    for (size_t i = 0; i < verify->sums.slot_count; i++) {
        const struct account_sum *account = &verify->sums.slots[i];
        if (account->used && !account->has_row)
            ledger_verify_find(
                verify, (struct ledger_finding){ LEDGER_FINDING_ACCOUNT, account->number, 0, account->entry_count });
    }
    return 0;
}

static void currencies_verify(struct verify *verify) {
    for (size_t i = 0; i < verify->currencies.count; i++) {
        int64_t off = wide_distance(&verify->currencies.rows[i].entries);
        const struct wide *posted = &verify->currencies.rows[i].posted;
        verify->result.difference_minor = distance_add(verify->result.difference_minor, off);
        if (!wide_is(posted, 0))
            ledger_verify_find(verify, (struct ledger_finding){ LEDGER_FINDING_SUM, verify->currencies.rows[i].currency,
                                                                0, wide_clamp(posted) });
    }
}

static int verify_open(struct verify *verify, struct reader *reader) {
    int r = row_stream_open(&verify->transactions, reader, &ledger_transaction_table);
    if (!r) r = row_stream_open(&verify->entries, reader, &ledger_entry_table);
    if (!r) r = row_stream_open(&verify->holds, reader, &ledger_hold_table);
    if (!r) r = row_stream_open(&verify->accounts, reader, &ledger_account_table);
    verify->reader = reader;
    if (!r) r = arena_init(&verify->arena, VERIFY_ARENA_BYTES, VERIFY_ARENA_BYTES_MAX);
    return err_trace(r);
}

static void verify_release(struct verify *verify) {
    row_stream_release(&verify->transactions);
    row_stream_release(&verify->entries);
    row_stream_release(&verify->holds);
    row_stream_release(&verify->accounts);
    row_stream_release(&verify->others);
    arena_release(&verify->arena);
    account_sums_release(&verify->sums);
    account_sums_release(&verify->reversed);
    id_sums_release(&verify->captured);
    free(verify);
}

int ledger_verify(struct reader *reader, struct ledger_verify_result *ret_result) {
    static const struct table *const chained[] = { &ledger_transaction_table, &ledger_entry_table };
    struct verify *verify = calloc(1, sizeof *verify);
    if (!verify) return err_origin(-ENOMEM);
    int r = verify_open(verify, reader);
    if (!r) r = ledger_verify_links_begin(verify);
    if (!r) r = transactions_verify(verify);
    if (!r) r = ledger_verify_links_end(verify);
    if (!r) r = accounts_verify(verify);
    if (!r) currencies_verify(verify);
    if (r == -EBADMSG) { /* what cannot be read is wrong too */
        ledger_verify_find(verify, (struct ledger_finding){ .kind = LEDGER_FINDING_DAMAGED });
        r = 0;
    }
    if (!r) r = chain_verify(reader, chained, ARRAY_COUNT(chained), &verify->result.chain);
    if (!r) *ret_result = verify->result;
    verify_release(verify);
    return err_trace(r);
}
