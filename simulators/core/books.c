#include "simulators/core/books.h"

#include "simulators/common/keyed_table.h"
#include "simulators/common/record_log.h"
#include "platform/clock.h"

enum state { STATE_NEW, STATE_BOOKED, STATE_REFUSED, STATE_BARRED, STATE_REVERSED };

struct booking {
    char reference[35];
    enum state state;
    struct txn_record txn;
    char code[2], timestamp[14], reversal_timestamp[14];
    uint64_t sequence, reversal_sequence;
    uint32_t times_booked, times_reversed;
};
struct balance {
    char account[20], currency[3];
    int64_t minor;
};

/* One line of the file. ENQ and REV stand in txn as tag and reference between blanks. */
struct line {
    char code[2], timestamp[14];
    struct txn_record txn;
};
static_assert(sizeof(struct line) == 123, "disk format");
static_assert(offsetof(struct booking, reference) == 0 && offsetof(struct balance, account) == 0, "keys come first");
static_assert(offsetof(struct balance, currency) == 20, "the key of a balance is account and currency");

struct books {
    bool writing;
    struct record_log log;
    struct keyed_table bookings, balances;
};

static const char *const format = "giro-sim-core books 1";

static bool code_is(const char code[2], const char *want) {
    return memcmp(code, want, 2) == 0;
}

static struct balance *balance_of(struct books *books, const char account[20], const char currency[3]) {
    char key[23];
    memcpy(key, account, 20);
    memcpy(key + 20, currency, 3);
    return keyed_table_add(&books->balances, key);
}

/* Moves the amount; backwards for a reversal. False, and nothing moved, on overflow or without room. */
static bool move_amount(struct books *books, const struct txn_record *txn, bool backwards) {
    int64_t minor = txn_record_amount(txn), less, more;
    const char *from = backwards ? txn->creditor : txn->debtor, *to = backwards ? txn->debtor : txn->creditor;
    if (!balance_of(books, from, txn->currency) || !balance_of(books, to, txn->currency)) return false;
    struct balance *payer = balance_of(books, from, txn->currency);
    if (memcmp(from, to, 20) == 0) return true;
    struct balance *payee = balance_of(books, to, txn->currency);
    if (checked_sub(payer->minor, minor, &less) || checked_add(payee->minor, minor, &more)) return false;
    payer->minor = less;
    payee->minor = more;
    return true;
}

static int apply_txn(struct books *books, struct booking *booking, const struct line *line, uint64_t sequence) {
    if (booking->state == STATE_NEW) {
        memcpy(booking->code, line->code, sizeof booking->code);
        memcpy(booking->timestamp, line->timestamp, sizeof booking->timestamp);
        booking->txn = line->txn;
        booking->sequence = sequence;
        booking->state = code_is(line->code, "00") ? STATE_BOOKED : STATE_REFUSED;
    }
    if (!code_is(line->code, "00")) return 0;
    booking->times_booked++; /* counted, not believed: a file that books twice must say so in the list */
    return move_amount(books, &line->txn, false) ? 0 : err_origin(-EBADMSG);
}

static int apply_reversal(struct books *books, struct booking *booking, const struct line *line, uint64_t sequence) {
    if (!code_is(line->code, "00")) {
        if (booking->state == STATE_NEW) booking->state = STATE_BARRED;
        return 0;
    }
    if (booking->state != STATE_BOOKED) return err_origin(-EBADMSG);
    booking->state = STATE_REVERSED;
    booking->reversal_sequence = sequence;
    memcpy(booking->reversal_timestamp, line->timestamp, sizeof booking->reversal_timestamp);
    booking->times_reversed++;
    return move_amount(books, &booking->txn, true) ? 0 : err_origin(-EBADMSG);
}

/* The only function that changes the books in memory. */
static int apply(void *ctx, uint64_t sequence, struct str payload) {
    struct books *books = ctx;
    struct line line;
    enum record_kind kind;
    size_t bytes;
    if (payload.len != sizeof line) return err_origin(-EBADMSG);
    memcpy(&line, payload.at, sizeof line);
    if (record_begin(str_from_bytes(line.txn.tag, 3), &kind, &bytes)) return err_origin(-EBADMSG);
    if (kind == RECORD_TXN && !txn_record_is_sound(&line.txn)) return err_origin(-EBADMSG);
    struct booking *booking = keyed_table_add(&books->bookings, line.txn.reference);
    if (!booking) return err_origin(-ENOMEM);
    switch (kind) {
    case RECORD_TXN: return apply_txn(books, booking, &line, sequence);
    case RECORD_REV: return apply_reversal(books, booking, &line, sequence);
    case RECORD_ENQ:
        if (booking->state == STATE_NEW) booking->state = STATE_BARRED;
        return 0;
    }
    return err_origin(-EBADMSG);
}

static int books_start(const char *path, bool writing, struct books **ret_books, struct message *message) {
    struct books *books = calloc(1, sizeof *books);
    if (!books) return err_origin(-ENOMEM);
    struct record_log_reader reader = { .format = format, .take = apply, .ctx = books };
    keyed_table_init(&books->bookings, sizeof((struct booking *)0)->reference, sizeof(struct booking),
                     BOOKS_REFERENCES_MAX);
    keyed_table_init(&books->balances, 23, sizeof(struct balance), BOOKS_ACCOUNTS_MAX);
    books->writing = writing;
    int r = writing ? record_log_open(&books->log, path, &reader, message) : record_log_read(path, &reader, message);
    if (r) {
        (void)books_free(books);
        return r < 0 ? err_trace(r) : (int)BOOKS_E_LOCKED;
    }
    *ret_books = books;
    return 0;
}

int books_open(const char *path, struct books **ret_books, struct message *message) {
    return books_start(path, true, ret_books, message);
}

int books_read(const char *path, struct books **ret_books, struct message *message) {
    return books_start(path, false, ret_books, message);
}

struct books *books_free(struct books *books) {
    if (!books) return NULL;
    if (books->writing) record_log_release(&books->log);
    keyed_table_release(&books->bookings);
    keyed_table_release(&books->balances);
    free(books);
    return NULL;
}

int books_flush(struct books *books) {
    return err_trace(record_log_flush(&books->log));
}

static void stamp(char field[14], int64_t now_ms) {
    char text[CLOCK_TEXT_BYTES];
    struct str compact = clock_format_compact(now_ms, text);
    check(compact.len == 14);
    memcpy(field, compact.at, 14);
}

static void put_core_reference(char field[18], uint64_t sequence) {
    char text[24];
    (void)snprintf(text, sizeof text, "GC%016llu", (unsigned long long)sequence);
    memcpy(field, text, 18);
}

static void answer_plain(const char *code, int64_t now_ms, struct answer_record *answer) {
    memset(answer, ' ', sizeof *answer);
    memcpy(answer->code, code, 2);
    stamp(answer->timestamp, now_ms);
}

/* The answer that this reference's TXN was given first. */
static void answer_first(const struct booking *booking, struct answer_record *answer) {
    memset(answer, ' ', sizeof *answer);
    memcpy(answer->code, booking->state == STATE_REVERSED ? "48" : booking->code, 2);
    memcpy(answer->timestamp, booking->timestamp, sizeof answer->timestamp);
    if (booking->times_booked) put_core_reference(answer->core_reference, booking->sequence);
}

/* Writes a line and applies it. */
static int decide(struct books *books, const struct line *line) {
    uint64_t sequence;
    struct str payload = str_from_bytes(line, sizeof *line);
    check(books->writing);
    int r = record_log_append(&books->log, payload, &sequence);
    return r ? err_trace(r) : err_trace(apply(books, sequence, payload));
}

static int decide_reference(struct books *books, const char *code, const struct reference_record *record,
                            int64_t now_ms) {
    struct line line;
    memset(&line, ' ', sizeof line);
    memcpy(line.code, code, 2);
    stamp(line.timestamp, now_ms);
    memcpy(line.txn.tag, record->tag, sizeof line.txn.tag);
    memcpy(line.txn.reference, record->reference, sizeof line.txn.reference);
    return decide(books, &line);
}

static bool would_overflow(struct books *books, const struct txn_record *txn) {
    if (!move_amount(books, txn, false)) return true;
    check(move_amount(books, txn, true)); /* and back: apply() does it for good */
    return false;
}

static const char *txn_verdict(struct books *books, const struct txn_record *txn) {
    struct str creditor = str_from_bytes(txn->creditor, sizeof txn->creditor);
    if (txn_record_amount(txn) == 0) return "13";
    if (str_ends(creditor, STR("0000000"))) return "14";
    return would_overflow(books, txn) ? "96" : "00";
}

int books_book(struct books *books, const struct txn_record *txn, int64_t now_ms, struct answer_record *ret_answer) {
    struct booking *booking = keyed_table_find(&books->bookings, txn->reference);
    if (booking) {
        if (booking->state == STATE_BARRED) answer_plain("46", now_ms, ret_answer);
        else if (memcmp(&booking->txn, txn, sizeof *txn) != 0) answer_plain("47", now_ms, ret_answer);
        else answer_first(booking, ret_answer);
        return 0;
    }
    if (books->bookings.count == books->bookings.count_max) {
        answer_plain("96", now_ms, ret_answer);
        return 0;
    }
    struct line line = { .txn = *txn };
    memcpy(line.code, txn_verdict(books, txn), sizeof line.code);
    stamp(line.timestamp, now_ms);
    int r = decide(books, &line);
    if (r) return err_trace(r);
    answer_first(keyed_table_find(&books->bookings, txn->reference), ret_answer);
    return 0;
}

int books_enquire(struct books *books, const struct reference_record *enquiry, int64_t now_ms,
                  struct answer_record *ret_answer) {
    struct booking *booking = keyed_table_find(&books->bookings, enquiry->reference);
    if (booking && booking->state != STATE_BARRED) {
        answer_first(booking, ret_answer);
        return 0;
    }
    /* Full books need no bar: they refuse every new reference. */
    bool full = books->bookings.count == books->bookings.count_max;
    int r = booking || full ? 0 : decide_reference(books, "44", enquiry, now_ms);
    if (r) return err_trace(r);
    answer_plain("44", now_ms, ret_answer);
    return 0;
}

int books_reverse(struct books *books, const struct reference_record *reversal, int64_t now_ms,
                  struct answer_record *ret_answer) {
    struct booking *booking = keyed_table_find(&books->bookings, reversal->reference);
    bool full = books->bookings.count == books->bookings.count_max;
    int r = 0;
    if (!booking && !full) r = decide_reference(books, "45", reversal, now_ms);
    else if (booking && booking->state == STATE_BOOKED) r = decide_reference(books, "00", reversal, now_ms);
    if (r) return err_trace(r);
    booking = keyed_table_find(&books->bookings, reversal->reference);
    answer_plain("45", now_ms, ret_answer);
    if (booking && booking->state == STATE_REVERSED) {
        memcpy(ret_answer->code, "00", 2);
        memcpy(ret_answer->timestamp, booking->reversal_timestamp, sizeof ret_answer->timestamp);
        put_core_reference(ret_answer->core_reference, booking->reversal_sequence);
    }
    return 0;
}

/* Fields are letters, digits and dashes, so they need no escapes. */
static void list_booking(const struct booking *booking, FILE *out, bool json, bool first) {
    const struct txn_record *txn = &booking->txn;
    struct str reference = field_text(txn->reference, sizeof txn->reference);
    struct str debtor = field_text(txn->debtor, sizeof txn->debtor);
    struct str creditor = field_text(txn->creditor, sizeof txn->creditor);
    long long minor = txn_record_amount(txn);
    if (!json) {
        fprintf(out, "booking " STR_FMT " " STR_FMT " " STR_FMT " %lld %.3s %u %u\n", STR_ARG(reference),
                STR_ARG(debtor), STR_ARG(creditor), minor, txn->currency, booking->times_booked,
                booking->times_reversed);
        return;
    }
    fprintf(out, "%s\n{\"reference\":\"" STR_FMT "\",\"debtor\":\"" STR_FMT "\",\"creditor\":\"" STR_FMT "\",",
            first ? "" : ",", STR_ARG(reference), STR_ARG(debtor), STR_ARG(creditor));
    fprintf(out,
            "\"amount_minor\":%lld,\"currency\":\"%.3s\",\"timestamp\":\"%.14s\",\"core_reference\":\"GC%016llu\",",
            minor, txn->currency, txn->timestamp, (unsigned long long)booking->sequence);
    fprintf(out, "\"times_booked\":%u,\"times_reversed\":%u}", booking->times_booked, booking->times_reversed);
}

static void list_balance(const struct balance *balance, FILE *out, bool json, bool first) {
    struct str account = field_text(balance->account, sizeof balance->account);
    if (json)
        fprintf(out, "%s\n{\"account\":\"" STR_FMT "\",\"currency\":\"%.3s\",\"balance_minor\":%lld}", first ? "" : ",",
                STR_ARG(account), balance->currency, (long long)balance->minor);
    else
        fprintf(out, "balance " STR_FMT " %.3s %lld\n", STR_ARG(account), balance->currency, (long long)balance->minor);
}

void books_list(const struct books *books, FILE *out, bool json) {
    size_t refused = 0, barred = 0;
    bool first = true;
    if (json) fprintf(out, "{\"bookings\":[");
    for (size_t i = 0; i < books->bookings.count; i++) {
        const struct booking *booking = keyed_table_at(&books->bookings, i);
        refused += booking->state == STATE_REFUSED;
        barred += booking->state == STATE_BARRED;
        if (!booking->times_booked) continue;
        list_booking(booking, out, json, first);
        first = false;
    }
    if (json) fprintf(out, "],\"balances\":[");
    for (size_t i = 0; i < books->balances.count; i++)
        list_balance(keyed_table_at(&books->balances, i), out, json, i == 0);
    if (json) fprintf(out, "],\"refused\":%zu,\"barred\":%zu}\n", refused, barred);
    else fprintf(out, "refused %zu\nbarred %zu\n", refused, barred);
}
