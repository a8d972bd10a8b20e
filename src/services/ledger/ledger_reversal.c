#include "services/ledger/ledger_reversal.h"

#include "services/ledger/ledger_int.h"

/* What is taken back: the new legs, and which entries they belong to. */
struct undoing {
    struct ledger_leg legs[LEDGER_LEGS_MAX];
    struct ledger_reversed_row reversed[LEDGER_LEGS_MAX];
    bool reversed_before[LEDGER_LEGS_MAX];
    size_t count;
};

void ledger_want_transaction(struct work *work, int64_t number) {
    struct ledger_transaction_row probe = { .number = number };
    work_want(work, &ledger_transaction_table, 0, &probe);
}

static void want_entries(struct work *work, const struct ledger_transaction_row *original) {
    for (int64_t i = 0; i < original->entry_count; i++) {
        struct ledger_entry_row entry = { .number = original->first_entry + i };
        struct ledger_reversed_row reversed = { .entry = entry.number };
        work_want(work, &ledger_entry_table, 0, &entry);
        work_want(work, &ledger_reversed_table, 0, &reversed);
    }
}

/* Adds the opposite of minor (0: of all that is left) of one entry. 0, LEDGER_E_REVERSAL, VIEW_NEED, <0. */
static int entry_undo(const struct view *view, int64_t number, const int64_t *minor, struct undoing *undoing) {
    struct ledger_entry_row entry_probe = { .number = number };
    struct ledger_reversed_row reversed = { .entry = number };
    const void *found_entry, *found_reversed;
    int r = view_get(view, &ledger_entry_table, &entry_probe, &found_entry);
    if (!r) r = view_get(view, &ledger_reversed_table, &reversed, &found_reversed);
    if (r) return r;
    if (!found_entry) return err_origin(-ENOENT); /* a transaction has its entries */
    const struct ledger_entry_row *entry = found_entry;
    if (found_reversed) reversed = *(const struct ledger_reversed_row *)found_reversed;
    int64_t left = entry->amount_minor - reversed.reversed_minor, wanted = minor ? *minor : left;
    if (wanted < 0 || wanted > left) return LEDGER_E_REVERSAL; /* R1 */
    if (wanted == 0) return 0;
    struct ledger_leg leg = { .account = entry->account,
                              .side = entry->side == LEDGER_DEBIT ? LEDGER_CREDIT : LEDGER_DEBIT,
                              .amount = { .minor = wanted, .currency = { .code = (uint32_t)entry->currency } } };
    reversed.reversed_minor += wanted;
    undoing->legs[undoing->count] = leg;
    undoing->reversed[undoing->count] = reversed;
    undoing->reversed_before[undoing->count] = found_reversed != NULL;
    undoing->count++;
    return 0;
}

static int original_take(const struct view *view, int64_t number, struct ledger_transaction_row *ret_row) {
    struct ledger_transaction_row probe = { .number = number };
    const void *found;
    int r = view_get(view, &ledger_transaction_table, &probe, &found);
    if (r) return r;
    if (!found) return LEDGER_E_TRANSACTION;
    *ret_row = *(const struct ledger_transaction_row *)found;
    return ret_row->reverses ? LEDGER_E_REVERSAL : 0; /* R3 */
}

/* The rows that link the new transaction's entries to the original's. */
static int links_write(const struct view *view, const struct undoing *undoing, const struct ledger_receipt *receipt,
                       int64_t original) {
    for (size_t i = 0; i < undoing->count; i++) {
        const struct ledger_reversed_row *reversed = &undoing->reversed[i];
        struct ledger_reversal_row link = { .entry = receipt->first_entry + (int64_t)i,
                                            .transaction = receipt->transaction,
                                            .original = original,
                                            .original_entry = reversed->entry };
        int r = view_insert(view, &ledger_reversal_table, &link);
        if (!r)
            r = undoing->reversed_before[i] ? view_update(view, &ledger_reversed_table, reversed)
                                            : view_insert(view, &ledger_reversed_table, reversed);
        if (r) return err_trace(r);
    }
    return 0;
}

int ledger_reverse(struct work *work, const struct ledger_reversal *reversal, struct ledger_receipt *ret_receipt) {
    struct view view = view_of(work, "ledger");
    struct ledger_transaction_row original;
    struct ledger_receipt receipt;
    struct undoing undoing = { .count = 0 };
    check(reversal->count <= LEDGER_LEGS_MAX);
    check(reversal->kind == LEDGER_REVERSAL || reversal->kind == LEDGER_REFUND);
    int r = original_take(&view, reversal->transaction, &original);
    if (r) return r;
    if (reversal->count && (int64_t)reversal->count != original.entry_count) return LEDGER_E_LEGS;
    want_entries(work, &original);
    for (int64_t i = 0; i < original.entry_count; i++) {
        const int64_t *minor = reversal->count ? &reversal->amounts_minor[i] : NULL;
        r = entry_undo(&view, original.first_entry + i, minor, &undoing);
        if (r) return r;
    }
    if (!undoing.count) return LEDGER_E_REVERSAL; /* nothing is left of it */
    for (size_t i = 0; i < undoing.count; i++) ledger_want_account(work, undoing.legs[i].account);
    struct ledger_order order = { .kind = reversal->kind, .legs = undoing.legs, .leg_count = undoing.count };
    struct ledger_terms terms = { .reverses = original.number };
    memcpy(order.payment_id, original.payment_id, 16);
    r = ledger_order_write(&view, &order, &terms, &receipt);
    if (!r) r = links_write(&view, &undoing, &receipt, original.number);
    if (r) return r;
    if (ret_receipt) *ret_receipt = receipt;
    return 0;
}

int ledger_captured_into(struct work *work, const uint8_t hold_id[16], int64_t *ret_transaction) {
    struct view view = view_of(work, "ledger");
    struct ledger_hold_row probe = { 0 };
    const void *found;
    memcpy(probe.hold_id, hold_id, 16);
    int r = view_get(&view, &ledger_hold_table, &probe, &found);
    if (r) return r;
    const struct ledger_hold_row *hold = found;
    if (!hold || !hold->transaction) return LEDGER_E_HOLD;
    *ret_transaction = hold->transaction;
    return 0;
}
