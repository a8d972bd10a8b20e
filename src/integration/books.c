#include "integration/books.h"

#include "engine/row_stream.h"
#include "services/payments/payment.h"

enum { ID_SLOTS_FIRST = 4096 };
enum { BOOKS_ARENA_BYTES = 64 * 1024 };

#define X(code, name) [code] = name,
static const char *const finding_names[BOOKS_FINDING_KIND_COUNT] = { BOOKS_FINDING_MAP(X) };
#undef X

const char *books_finding_name(enum books_finding_kind kind) {
    check(kind < BOOKS_FINDING_KIND_COUNT);
    return finding_names[kind];
}

bool books_is_clean(const struct books_result *result) {
    return result->finding_count == 0 && result->statement.finding_count == 0 &&
           ledger_verify_is_clean(&result->ledger);
}

/* The payments that were booked, by id; zero is an empty slot. */
struct id_set {
    uint8_t (*slots)[16];
    size_t slot_count, count;
};

static uint8_t *id_slot(const struct id_set *set, const uint8_t id[16]) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (int i = 0; i < 16; i++) hash = (hash ^ id[i]) * UINT64_C(1099511628211);
    size_t at = (size_t)(hash >> 16) & (set->slot_count - 1);
    while (!id_is_zero(set->slots[at]) && !id_equal(set->slots[at], id)) at = (at + 1) & (set->slot_count - 1);
    return set->slots[at];
}

static bool id_set_has(const struct id_set *set, const uint8_t id[16]) {
    return set->count && !id_is_zero(id_slot(set, id));
}

static int id_set_add(struct id_set *set, const uint8_t id[16]) {
    if ((set->count + 1) * 2 > set->slot_count) {
        struct id_set larger = { .slot_count = set->slot_count ? set->slot_count * 2 : ID_SLOTS_FIRST,
                                 .count = set->count };
        if (set->count >= BOOKS_PAYMENTS_MAX) return err_origin(-E2BIG);
        larger.slots = calloc(larger.slot_count, sizeof larger.slots[0]);
        if (!larger.slots) return err_origin(-ENOMEM);
        for (size_t i = 0; i < set->slot_count; i++)
            if (!id_is_zero(set->slots[i])) memcpy(id_slot(&larger, set->slots[i]), set->slots[i], 16);
        free(set->slots);
        *set = larger;
    }
    memcpy(id_slot(set, id), id, 16);
    set->count++;
    return 0;
}

struct books {
    struct reader *reader;
    struct row_stream rows;
    struct arena arena; /* of one look-up */
    struct id_set booked;
    struct books_result *result;
};

static void find(struct books *books, enum books_finding_kind kind, const uint8_t payment_id[16]) {
    struct books_result *result = books->result;
    if (result->finding_count < BOOKS_FINDINGS_MAX) {
        result->findings[result->finding_count].kind = kind;
        memcpy(result->findings[result->finding_count].payment_id, payment_id, 16);
    }
    result->finding_count++;
}

static int payment_look_up(struct books *books, const uint8_t payment_id[16], const struct payment_row **ret_payment) {
    struct payment_row probe = { 0 };
    const void *row;
    memcpy(probe.payment_id, payment_id, 16);
    arena_reset(&books->arena);
    int r = read_row(books->reader, &payment_table, 0, &probe, &books->arena, &row);
    if (!r) *ret_payment = row;
    return err_trace(r);
}

static int walk(struct books *books, const struct table *table, int (*each)(struct books *books, const void *row)) {
    const void *row = NULL;
    int r = row_stream_open(&books->rows, books->reader, table);
    while (!r && (r = row_stream_next(&books->rows, &row)) == 0 && row) r = each(books, row);
    row_stream_release(&books->rows);
    return err_trace(r);
}

/* What was given back names a completed payment; how much of it there may be, the ledger's proof says. */
static int refund_judge(struct books *books, const struct ledger_transaction_row *transaction) {
    const struct payment_row *payment;
    int r = payment_look_up(books, transaction->payment_id, &payment);
    if (r) return err_trace(r);
    if (!payment) find(books, BOOKS_FINDING_PAYMENT_ABSENT, transaction->payment_id);
    else if (payment->status != PAYMENT_COMPLETED) find(books, BOOKS_FINDING_NOT_COMPLETED, payment->payment_id);
    return 0;
}

static int transaction_judge(struct books *books, const void *row) {
    const struct ledger_transaction_row *transaction = row;
    const struct payment_row *payment;
    if (id_is_zero(transaction->payment_id) || transaction->kind == LEDGER_ADJUSTMENT) return 0;
    if (transaction->kind == LEDGER_REVERSAL) return 0; /* of any transaction, an adjustment too */
    if (transaction->kind == LEDGER_REFUND) return refund_judge(books, transaction);
    if (id_set_has(&books->booked, transaction->payment_id)) {
        find(books, BOOKS_FINDING_TWICE, transaction->payment_id);
        return 0;
    }
    int r = id_set_add(&books->booked, transaction->payment_id);
    if (!r) r = payment_look_up(books, transaction->payment_id, &payment);
    if (r) return err_trace(r);
    if (!payment) find(books, BOOKS_FINDING_PAYMENT_ABSENT, transaction->payment_id);
    else if (payment->status != PAYMENT_COMPLETED) find(books, BOOKS_FINDING_NOT_COMPLETED, payment->payment_id);
    else if (payment->amount_minor + payment->fee_minor != transaction->amount_minor ||
             payment->currency != transaction->currency)
        find(books, BOOKS_FINDING_DIFFERS, payment->payment_id);
    return 0;
}

static void status_count(struct books *books, const struct payment_row *payment) {
    struct books_result *result = books->result;
    result->payments++;
    result->completed += payment->status == PAYMENT_COMPLETED;
    result->rejected += payment->status == PAYMENT_REJECTED;
    result->pending += payment->status == PAYMENT_PENDING;
    result->unknown += payment->status == PAYMENT_UNKNOWN;
    bool reasoned = payment->reason != PAYMENT_REASON_NONE;
    if (payment->status < 0 || payment->status >= PAYMENT_STATUS_COUNT ||
        reasoned != (payment->status == PAYMENT_REJECTED))
        find(books, BOOKS_FINDING_STATUS, payment->payment_id);
}

static int payment_judge(struct books *books, const void *row) {
    const struct payment_row *payment = row;
    struct ledger_hold_row probe = { 0 };
    const void *found;
    memcpy(probe.hold_id, payment->payment_id, 16);
    arena_reset(&books->arena);
    int r = read_row(books->reader, &ledger_hold_table, 0, &probe, &books->arena, &found);
    if (r) return err_trace(r);
    const struct ledger_hold_row *hold = found;
    bool active = hold && hold->state == LEDGER_HOLD_ACTIVE;
    bool final = payment->status == PAYMENT_COMPLETED || payment->status == PAYMENT_REJECTED;
    status_count(books, payment);
    if (final && active) find(books, BOOKS_FINDING_HOLD_LEFT, payment->payment_id);
    if (payment->status == PAYMENT_UNKNOWN && !active) find(books, BOOKS_FINDING_HOLD_GONE, payment->payment_id);
    if (payment->status != PAYMENT_COMPLETED) return 0;
    if (!id_set_has(&books->booked, payment->payment_id)) find(books, BOOKS_FINDING_NOT_BOOKED, payment->payment_id);
    bool as_ordered = hold && hold->account == payment->debtor_number &&
                      hold->amount_minor == payment->amount_minor + payment->fee_minor &&
                      hold->currency == payment->currency;
    if (!active && (!hold || hold->state != LEDGER_HOLD_CONSUMED))
        find(books, BOOKS_FINDING_HOLD_GONE, payment->payment_id);
    else if (!as_ordered) find(books, BOOKS_FINDING_DIFFERS, payment->payment_id);
    return 0;
}

static int hold_judge(struct books *books, const void *row) {
    const struct ledger_hold_row *hold = row;
    const struct payment_row *payment;
    if (hold->purpose != LEDGER_HOLD_FOR_PAYMENT) return 0;
    int r = payment_look_up(books, hold->hold_id, &payment);
    if (!r && !payment) find(books, BOOKS_FINDING_HOLD_ALONE, hold->hold_id);
    return err_trace(r);
}

static int payments_verify(struct books *books) {
    int r = arena_init(&books->arena, BOOKS_ARENA_BYTES, ROW_STREAM_PAGE_BYTES);
    if (!r) r = walk(books, &ledger_transaction_table, transaction_judge);
    if (!r) r = walk(books, &payment_table, payment_judge);
    if (!r) r = walk(books, &ledger_hold_table, hold_judge);
    if (r == -EBADMSG) {
        static const uint8_t none[16];
        find(books, BOOKS_FINDING_DAMAGED, none);
        r = 0;
    }
    arena_release(&books->arena);
    free(books->booked.slots);
    return err_trace(r);
}

int books_verify(struct reader *reader, struct books_result *ret_result) {
    struct books *books = calloc(1, sizeof *books);
    struct books_result *result = calloc(1, sizeof *result);
    int r = books && result ? read_begin(reader) : err_origin(-ENOMEM);
    if (!r) {
        *books = (struct books){ .reader = reader, .result = result };
        r = ledger_verify(reader, &result->ledger);
        if (!r) r = ledger_statement_verify(reader, &result->statement);
        if (!r) r = payments_verify(books);
        read_end(reader);
    }
    if (!r) *ret_result = *result;
    free(books);
    free(result);
    return err_trace(r);
}
