/* sim_check.c - what must be true of the books, of the core's book and of every answer when all is quiet. */
#include "app/sim.h"

#include "engine/row_stream.h"
#include "integration/books.h"
#include "integration/bus/event_json.h"
#include "services/consents/payment_consent.h"
#include "services/identity/token.h"
#include "services/ledger/ledger.h"
#include "wire/json.h"

enum { CHECK_ARENA_BYTES = 64 * 1024, CHECK_ARENA_BYTES_MAX = 64 * 1024 * 1024, CHECK_ID_BYTES = 16 };

/* What was found of one intent. */
struct found {
    int payments, variant, bookings, accounts;
    uint8_t payment_id[16], consent_id[16];
    int initiated, completed, rejected; /* events */
    int answered, refused, calls_out;   /* audit records of calls to the core, see X5 of core_dispatch.h */
    enum payment_status status;
};

struct check_run {
    struct sim *sim;
    struct reader reader;
    struct arena arena;
    struct found found[SIM_INTENTS_MAX];
    int64_t completed_far;
    uint8_t last_id[16]; /* of the record before */
};

static void each_row(struct check_run *run, const struct table *table,
                     void (*each)(struct check_run *run, const void *row)) {
    struct row_stream stream;
    const void *row = NULL;
    int r = row_stream_open(&stream, &run->reader, table);
    while (!r && !(r = row_stream_next(&stream, &row)) && row && !run->sim->failed) each(run, row);
    if (r) sim_fail(run->sim, "table %s cannot be read: %d", table->name, r);
    row_stream_release(&stream);
}

/* ---- payments, against what was told, the core's book and the events ---- */

static struct found *found_by_payment(struct check_run *run, const uint8_t payment_id[16]) {
    for (size_t i = 0; i < run->sim->intent_count; i++)
        if (run->found[i].payments && id_equal(run->found[i].payment_id, payment_id)) return &run->found[i];
    return NULL;
}

static bool core_agrees(struct check_run *run, const struct payment_row *payment) {
    const struct sim_core_entry *entry = sim_core_find(run->sim, payment->payment_id);
    if (payment->status == PAYMENT_COMPLETED && !payment->creditor_number) {
        run->completed_far++;
        return entry && entry->state == SIM_CORE_BOOKED && entry->transfer.amount.minor == payment->amount_minor &&
               str_equal_c(payment->core_reference, entry->reference);
    }
    if (payment->reason == PAYMENT_REASON_CORE_REFUSED) return entry && entry->state == SIM_CORE_REFUSED;
    if (payment->reason == PAYMENT_REASON_CORE_FAILED) return entry && entry->state == SIM_CORE_BARRED;
    return !entry;
}

/* "k12.v1": number and variant of the intent; false when it is not so. */
static bool read_name(const struct sim *sim, struct str name, size_t *ret_number, int *ret_variant) {
    uint64_t number, variant;
    struct str head;
    if (!str_cut(&name, '.', &head) || !str_starts(head, STR("k")) || !str_starts(name, STR("v"))) return false;
    if (str_to_u64(str_slice(head, 1, head.len), &number) || str_to_u64(str_slice(name, 1, name.len), &variant))
        return false;
    *ret_number = (size_t)number;
    *ret_variant = (int)variant;
    return number >= 1 && number <= sim->intent_count && variant < SIM_VARIANTS;
}

static void check_payment(struct check_run *run, const void *row) {
    const struct payment_row *payment = row;
    struct sim *sim = run->sim;
    char id[CHECK_ID_BYTES];
    struct payment_step steps[PAYMENT_TIMELINE_MAX];
    size_t number;
    int variant;
    (void)sim_id(payment->payment_id, id);
    if (!read_name(sim, payment->end_to_end_id, &number, &variant)) {
        sim_fail(sim, "payment %s is nobody's", id);
        return;
    }
    const struct sim_intent *intent = &sim->intents[number - 1];
    struct found *found = &run->found[number - 1];
    found->payments++;
    found->variant = variant;
    found->status = (enum payment_status)payment->status;
    memcpy(found->payment_id, payment->payment_id, 16);
    memcpy(found->consent_id, payment->consent_id, 16);
    if (payment->amount_minor != intent->amount_minor + variant) sim_fail(sim, "k%zu: another amount", number);
    if (payment->status != PAYMENT_COMPLETED && payment->status != PAYMENT_REJECTED)
        sim_fail(sim, "k%zu: payment %s never ended", number, id);
    if (!core_agrees(run, payment))
        sim_fail(sim, "k%zu: payment %s is %s %s, which the core's book denies", number, id,
                 payment_status_name((enum payment_status)payment->status),
                 payment_reason_name((enum payment_reason)payment->reason));
    for (size_t i = payment_timeline(payment->timeline, steps); i-- > 0;)
        sim->counts[SIM_WAS_UNKNOWN] += steps[i].status == PAYMENT_UNKNOWN;
    sim->counts[payment->status == PAYMENT_COMPLETED ? SIM_COMPLETED : SIM_REJECTED]++;
}

static void check_event(struct check_run *run, struct str json) {
    struct event event;
    arena_reset(&run->arena);
    if (event_json_read(json, &run->arena, &event)) {
        sim_fail(run->sim, "an event cannot be read");
        return;
    }
    bool initiated = event.type == EVENT_PAYMENT_INITIATED, completed = event.type == EVENT_PAYMENT_COMPLETED,
         rejected = event.type == EVENT_PAYMENT_REJECTED;
    if (!initiated && !completed && !rejected) return;
    struct found *found = found_by_payment(run, event.payment_id.bytes);
    if (!found) {
        sim_fail(run->sim, "an event of a payment that is not there");
        return;
    }
    found->initiated += initiated;
    found->completed += completed;
    found->rejected += rejected;
}

/* What the journal keeps of a call to the core. */
static void check_call_out(struct check_run *run, struct str text) {
    const struct json *tree;
    uint8_t payment_id[16];
    arena_reset(&run->arena);
    if (json_parse_arena(text, JOURNAL_FRAME_BYTES_MAX, JSON_DEPTH_MAX, &run->arena, &tree)) {
        sim_fail(run->sim, "an audit record cannot be read");
        return;
    }
    struct str outcome = json_get_string(tree, "outcome");
    if (!str_equal_c(json_get_string(tree, "event"), "call_out")) return;
    struct found *found =
        id_parse(json_get_string(tree, "resource_id"), payment_id) ? NULL : found_by_payment(run, payment_id);
    if (!found) {
        sim_fail(run->sim, "a call to the core for a payment that is not there");
        return;
    }
    found->calls_out++;
    found->answered += str_equal_c(outcome, "answered");
    found->refused += str_equal_c(outcome, "refused");
}

static void check_record(struct check_run *run, const void *row) {
    const struct journal_row *record = row;
    struct str body = record->body, json;
    enum journal_frame type;
    bool good = true;
    while (journal_frame_next(&body, &type, &json, &good))
        if (type == JOURNAL_EVENT) check_event(run, json);
        else if (type == JOURNAL_AUDIT) check_call_out(run, json);
    if (!good) sim_fail(run->sim, "record %lld is malformed", (long long)record->seq);
    if (memcmp(record->last_id, run->last_id, 16) < 0)
        sim_fail(run->sim, "record %lld handed out an id below one before", (long long)record->seq);
    memcpy(run->last_id, record->last_id, 16);
    sha256_update(&run->sim->digest, record->hash.bytes, sizeof record->hash.bytes);
}

/* ---- entries, accounts, consents ---- */

static void check_entry(struct check_run *run, const void *row) {
    const struct ledger_entry_row *entry = row;
    struct sim *sim = run->sim;
    for (size_t i = 0; i < sim->seen_count; i++) {
        const struct sim_seen *seen = &sim->seen[i];
        if (seen->account == entry->account && seen->entry_count == entry->sequence &&
            seen->posted_minor != entry->balance_after_minor)
            sim_fail(sim, "account %lld had shown a balance that it never had", (long long)seen->account);
    }
    if (entry->side != LEDGER_CREDIT || !id_is_zero(entry->payment_id)) return;
    for (size_t i = 0; i < sim->intent_count; i++) {
        const struct sim_intent *intent = &sim->intents[i];
        bool funds = !strcmp(intent->op->name, "fund") &&
                     (entry->amount_minor == intent->amount_minor || entry->amount_minor == intent->amount_minor + 1);
        if (!funds || entry->account < 0) continue;
        run->found[i].bookings++;
        run->found[i].variant = (int)(entry->amount_minor - intent->amount_minor);
    }
}

static void check_account(struct check_run *run, const void *row) {
    const struct account_row *account = row;
    char text[32];
    for (size_t i = 0; i < run->sim->intent_count; i++) {
        (void)snprintf(text, sizeof text, "k%d", run->sim->intents[i].number);
        run->found[i].accounts += str_equal_c(account->name, text);
    }
}

/* A consent makes one payment at most, and says which. */
static void check_consent(struct check_run *run, const void *row) {
    const struct payment_consent_row *consent = row;
    int payments = 0;
    for (size_t i = 0; i < run->sim->intent_count; i++) {
        if (!run->found[i].payments || !id_equal(run->found[i].consent_id, consent->consent_id)) continue;
        payments++;
        if (!id_equal(run->found[i].payment_id, consent->payment_id))
            sim_fail(run->sim, "k%d: paid under a consent that names another payment", (int)i + 1);
    }
    if (payments != (consent->status == CONSENT_COND))
        sim_fail(run->sim, "a consent that is %s made %d payments",
                 consent_status_name((enum consent_status)consent->status), payments);
}

static void check_saga(struct check_run *run, const void *row) {
    char id[CHECK_ID_BYTES];
    sim_fail(run->sim, "saga %s is stuck", sim_id(((const struct saga_row *)row)->saga_id, id));
}

/* ---- intents: one effect per key, and every answer true ---- */

static void check_paid(struct check_run *run, const struct sim_intent *intent, const struct found *found) {
    const struct sim_told *told = &intent->told[intent->op->payment_stage];
    int want = told->known && told->refusal == 0;
    if (told->forgotten && found->payments <= 1) return; /* its answers were of two days */
    if (found->payments != want) sim_fail(run->sim, "k%d: %d payments, want %d", intent->number, found->payments, want);
    if (!want || run->sim->failed) return;
    if (!id_equal(told->id, found->payment_id) || told->variant != found->variant)
        sim_fail(run->sim, "k%d: the payment is not the one that was answered", intent->number);
    bool final = told->status == PAYMENT_COMPLETED || told->status == PAYMENT_REJECTED;
    bool seen = intent->seen == PAYMENT_COMPLETED || intent->seen == PAYMENT_REJECTED;
    if ((final && told->status != found->status) || (seen && intent->seen != found->status))
        sim_fail(run->sim, "k%d: was told an end that is not its end", intent->number);
    bool completed = found->status == PAYMENT_COMPLETED;
    if (found->initiated != 1 || found->completed != completed || found->rejected != !completed)
        sim_fail(run->sim, "k%d: events initiated %d, completed %d, rejected %d", intent->number, found->initiated,
                 found->completed, found->rejected);
}

/* An end that the core decided stands beside the record of the call that told it. */
static void check_called(struct check_run *run, const struct sim_intent *intent, const struct found *found) {
    const struct sim_core_entry *entry = found->payments ? sim_core_find(run->sim, found->payment_id) : NULL;
    if (!entry) return;
    bool told = entry->state == SIM_CORE_REFUSED ? found->refused > 0 : found->answered + found->refused > 0;
    if (!told)
        sim_fail(run->sim, "k%d: %d records of calls to the core, none of its answer", intent->number,
                 found->calls_out);
}

static void check_token(struct check_run *run, const struct sim_intent *intent) {
    char text[64];
    int len = snprintf(text, sizeof text, "token %llu %d", (unsigned long long)run->sim->seed, intent->number);
    struct token_row probe = { .token_hash = sha256(text, (size_t)len) };
    const void *row = NULL;
    arena_reset(&run->arena);
    int r = read_row(&run->reader, &token_table, 0, &probe, &run->arena, &row);
    if (r || !row) sim_fail(run->sim, "k%d: its token is not there", intent->number);
}

static void check_intent(struct check_run *run, const struct sim_intent *intent) {
    const struct found *found = &run->found[intent->number - 1];
    const struct sim_told *told = &intent->told[0];
    int want = told->known && told->refusal == 0;
    if (intent->op->payment_stage >= 0) {
        check_paid(run, intent, found);
        check_called(run, intent, found);
    } else if (!strcmp(intent->op->name, "token")) check_token(run, intent);
    else if (!strcmp(intent->op->name, "fund") ? found->bookings != want : found->accounts != want)
        sim_fail(run->sim, "k%d: %s happened %d and %d times, want %d", intent->number, intent->op->name,
                 found->bookings, found->accounts, want);
}

static void check_books(struct check_run *run) {
    struct books_result *books = calloc(1, sizeof *books);
    check(books);
    int r = books_verify(&run->reader, books);
    if (r) sim_fail(run->sim, "the books cannot be verified: %d", r);
    else if (books->ledger.chain.broken)
        sim_fail(run->sim, "the chain breaks at %lld: %s", (long long)books->ledger.chain.first_bad_seq,
                 chain_break_name(books->ledger.chain.reason));
    else if (books->ledger.finding_count)
        sim_fail(run->sim, "the ledger: %s of %lld", ledger_finding_name(books->ledger.findings[0].kind),
                 (long long)books->ledger.findings[0].number);
    else if (books->finding_count) sim_fail(run->sim, "the books: %s", books_finding_name(books->findings[0].kind));
    else if (!books_is_clean(books)) sim_fail(run->sim, "the books are not clean");
    free(books);
}

static void check_core(struct check_run *run) {
    int64_t booked = 0;
    for (size_t i = 0; i < run->sim->core.entry_count; i++)
        booked += run->sim->core.entries[i].state == SIM_CORE_BOOKED;
    if (booked != run->completed_far)
        sim_fail(run->sim, "the core booked %lld payments, the ledger %lld", (long long)booked,
                 (long long)run->completed_far);
}

static void check_all(struct check_run *run) {
    each_row(run, &saga_table, check_saga);
    if (!run->sim->failed) check_books(run);
    each_row(run, &payment_table, check_payment);
    each_row(run, &engine_journal_table, check_record);
    each_row(run, &ledger_entry_table, check_entry);
    each_row(run, &account_table, check_account);
    each_row(run, &payment_consent_table, check_consent);
    for (size_t i = 0; i < run->sim->intent_count && !run->sim->failed; i++) check_intent(run, &run->sim->intents[i]);
    if (!run->sim->failed) check_core(run);
}

void sim_verify(struct sim *sim) {
    struct check_run *run = calloc(1, sizeof *run);
    check(run && arena_init(&run->arena, CHECK_ARENA_BYTES, CHECK_ARENA_BYTES_MAX) == 0);
    run->sim = sim;
    sim->counts[SIM_COMPLETED] = sim->counts[SIM_REJECTED] = sim->counts[SIM_WAS_UNKNOWN] = 0;
    if (reader_open(sim->store, &run->reader)) {
        sim_fail(sim, "no reader");
    } else {
        check_all(run);
        reader_close(&run->reader);
    }
    arena_release(&run->arena);
    free(run);
}

static int count_row(void *ctx, const void *row) {
    (void)row;
    ++*(int *)ctx;
    return 0;
}

bool sim_sagas_are_quiet(struct sim *sim) {
    struct reader reader;
    struct arena arena;
    struct store_range range = { .table = &saga_table, .limit = 1 };
    int count = 0;
    check(arena_init(&arena, CHECK_ARENA_BYTES, CHECK_ARENA_BYTES_MAX) == 0);
    check(reader_open(sim->store, &reader) == 0);
    check(read_range(&reader, &range, &arena, count_row, &count) == 0);
    reader_close(&reader);
    arena_release(&arena);
    return count == 0;
}
