#include "integration/schedule_jobs.h"

#include "integration/acl/core_dispatch.h"
#include "integration/command/command_group.h"
#include "integration/command/due.h"
#include "integration/schedule_rules.h"
#include "platform/clock.h"

/* One portion of one job. */
struct portion {
    const struct schedule_jobs *jobs;
    struct integration *integration;
    struct reader *reader;
    struct arena *arena;
    int64_t now_ms;
    struct command_group_entry *entries;
    size_t count;
    int fault;      /* of a row that was read: -ENOMEM, -EBADMSG */
    int unreadable; /* -EBADMSG: such a row was passed by, the others do not wait behind it */
};

static int portion_begin(struct portion *portion) {
    portion->now_ms = portion->jobs->now_ms ? portion->jobs->now_ms() : clock_now_ms();
    portion->entries = arena_new_array(portion->arena, struct command_group_entry, SCHEDULE_PASS_MAX);
    return portion->entries ? 0 : err_origin(-ENOMEM);
}

/* The order of a row as a payment of the given type. 0 or <0. */
static int accept_of(const struct portion *portion, const struct payment_terms *terms, enum payment_type type,
                     struct payment_accept *ret_accept) {
    struct core_dispatch *core = portion->integration->core;
    struct payment_accept accept = { .integration = portion->integration,
                                     .core_open = !core || core_dispatch_open(core),
                                     .consent_spent = true,
                                     .type_given = true,
                                     .type = type };
    int r = payment_terms_order(terms, &accept.order);
    if (r) return err_trace(r);
    *ret_accept = accept;
    /* of the copy that stays: an IBAN is borrowed from it */
    ret_accept->creditor_iban =
        payment_accept_creditor_iban(portion->integration, &ret_accept->order.creditor, portion->arena);
    return 0;
}

static void add(struct portion *portion, const struct command_kind *kind, void *input) {
    portion->entries[portion->count++].command = (struct command){ .kind = kind, .input = input };
}

/* Runs what was added; the entries with `refusal` stay, their commands to be run once more. Returns how many were not
 * decided. */
static int run_and_keep(struct portion *portion, bool (*keep)(struct command_group_entry *entry)) {
    int undecided = command_group_run(portion->integration, portion->entries, portion->count);
    size_t kept = 0;
    for (size_t i = 0; i < portion->count; i++) {
        struct command_group_entry *entry = &portion->entries[i];
        if (!entry->taken || entry->command.result != COMMAND_DONE || !keep(entry)) continue;
        portion->entries[kept++].command =
            (struct command){ .kind = entry->command.kind, .input = entry->command.input };
    }
    portion->count = kept;
    return undecided;
}

static bool keep_none(struct command_group_entry *entry) {
    (void)entry;
    return false;
}

/* Makes, then puts off what could not be made. 0 nothing was due, 1 more may be due, <0. */
static int portion_run(struct portion *portion, bool (*put_off)(struct command_group_entry *entry)) {
    bool any = portion->count > 0;
    int undecided = run_and_keep(portion, put_off);
    if (portion->count) undecided += run_and_keep(portion, keep_none);
    if (undecided) return err_origin(-EAGAIN); /* what it was, the engine has told; tried again after a pause */
    if (portion->unreadable) return err_trace(portion->unreadable);
    return any ? 1 : 0;
}

/* Rows of an index (state, due_ms) whose time has come, the longest due first. */
static int read_due(struct portion *portion, const struct store_range *range, int (*each)(void *ctx, const void *row)) {
    int r = read_range(portion->reader, range, portion->arena, each, portion);
    return r < 0 ? err_trace(r) : portion->fault;
}

enum { READ_ENOUGH = 1 };

/* What to do about the fault of one row: go on behind it, or read no more. */
static int pass_by(struct portion *portion) {
    if (portion->fault != -EBADMSG) return READ_ENOUGH;
    portion->unreadable = portion->fault;
    portion->fault = 0;
    return 0;
}

/* ---- scheduled payments ---- */

static int scheduled_each(void *ctx, const void *found) {
    struct portion *portion = ctx;
    const struct scheduled_row *row = found;
    if (row->due_ms > portion->now_ms) return READ_ENOUGH;
    struct scheduled_due *due = arena_new(portion->arena, struct scheduled_due);
    portion->fault = due ? accept_of(portion, &row->terms, PAYMENT_SCHEDULED, &due->accept) : err_origin(-ENOMEM);
    if (portion->fault) return pass_by(portion);
    memcpy(due->scheduled_id, row->scheduled_id, 16);
    add(portion, &scheduled_due_kind, due);
    return 0;
}

static bool put_off_mode(int refusal, enum due_mode *mode) {
    *mode = refusal == DUE_E_FUNDS ? DUE_PUT_OFF_FUNDS : DUE_PUT_OFF_CORE;
    return refusal == DUE_E_FUNDS || refusal == DUE_E_CORE;
}

static bool scheduled_put_off_one(struct command_group_entry *entry) {
    return put_off_mode(entry->command.refusal, &((struct scheduled_due *)entry->command.input)->mode);
}

static int run_scheduled(void *ctx, struct integration *integration, struct reader *reader, struct arena *arena) {
    struct portion portion = { .jobs = ctx, .integration = integration, .reader = reader, .arena = arena };
    struct scheduled_row probe = { .state = SCHEDULED_PENDING };
    struct store_range range = { .table = &scheduled_table,
                                 .index = SCHEDULED_INDEX_DUE,
                                 .row = &probe,
                                 .equal_columns = 1,
                                 .limit = SCHEDULE_PASS_MAX };
    int r = portion_begin(&portion);
    if (!r) r = read_due(&portion, &range, scheduled_each);
    return r ? err_trace(r) : portion_run(&portion, scheduled_put_off_one);
}

/* ---- standing orders ---- */

static int standing_order_each(void *ctx, const void *found) {
    struct portion *portion = ctx;
    const struct standing_order_row *row = found;
    if (row->due_ms > portion->now_ms) return READ_ENOUGH;
    struct standing_order_due *due = arena_new(portion->arena, struct standing_order_due);
    portion->fault = due ? accept_of(portion, &row->terms, PAYMENT_STANDING_ORDER, &due->accept) : err_origin(-ENOMEM);
    if (portion->fault) return pass_by(portion);
    memcpy(due->standing_order_id, row->standing_order_id, 16);
    due->sequence = row->sequence + 1;
    due->accept.order.amount.minor = standing_order_amount(row);
    add(portion, &standing_order_due_kind, due);
    return 0;
}

static bool standing_order_put_off_one(struct command_group_entry *entry) {
    return put_off_mode(entry->command.refusal, &((struct standing_order_due *)entry->command.input)->mode);
}

static void tell_calendars(const struct portion *portion, struct standing_order_due *const *dues, size_t count) {
    struct message message;
    for (size_t i = 0; i < count; i++) {
        if (!dues[i]->calendar_exceeded || !portion->jobs->on_notice) continue;
        const struct schedule_rail *rail =
            schedule_rules_rail(portion->integration->schedule, dues[i]->accept.order.amount.currency.code);
        if (!rail) message_set(&message, "a standing order is in a currency without a calendar");
        else calendar_complain(&rail->calendar, &message);
        portion->jobs->on_notice(portion->jobs->ctx, message.text);
        return; /* once a portion */
    }
}

static int run_standing_orders(void *ctx, struct integration *integration, struct reader *reader, struct arena *arena) {
    struct portion portion = { .jobs = ctx, .integration = integration, .reader = reader, .arena = arena };
    struct standing_order_row probe = { .state = STANDING_ORDER_ACTIVE };
    struct store_range range = { .table = &standing_order_table,
                                 .index = STANDING_ORDER_INDEX_DUE,
                                 .row = &probe,
                                 .equal_columns = 1,
                                 .limit = SCHEDULE_PASS_MAX };
    int r = portion_begin(&portion);
    if (!r) r = read_due(&portion, &range, standing_order_each);
    if (r) return err_trace(r);
    size_t count = portion.count;
    struct standing_order_due **dues = arena_new_array(arena, struct standing_order_due *, count);
    if (!dues) return err_origin(-ENOMEM);
    for (size_t i = 0; i < count; i++) dues[i] = portion.entries[i].command.input;
    r = portion_run(&portion, standing_order_put_off_one);
    tell_calendars(&portion, dues, count);
    return r;
}

/* ---- files: the one that is due longest, its next items ---- */

static int file_each(void *ctx, const void *found) {
    struct payment_file_row *file = ctx;
    *file = *(const struct payment_file_row *)found;
    return READ_ENOUGH;
}

/* The part of a file that a portion deals with: the items (from, from + SCHEDULE_PASS_MAX]. */
struct window {
    struct portion *portion;
    int64_t from, through; /* through: every item up to it has a result */
    bool has_result[SCHEDULE_PASS_MAX];
};

static int result_each(void *ctx, const void *found) {
    struct window *window = ctx;
    int64_t place = ((const struct payment_file_result_row *)found)->number - window->from - 1;
    if (place < SCHEDULE_PASS_MAX) window->has_result[place] = true;
    return 0;
}

static int item_each(void *ctx, const void *found) {
    struct window *window = ctx;
    struct portion *portion = window->portion;
    const struct payment_file_item_row *item = found;
    int64_t place = item->number - window->from - 1;
    if (place >= SCHEDULE_PASS_MAX || window->has_result[place]) return 0;
    struct file_item_due *due = arena_new(portion->arena, struct file_item_due);
    portion->fault = due ? accept_of(portion, &item->terms, PAYMENT_FILE, &due->accept) : err_origin(-ENOMEM);
    if (portion->fault) return READ_ENOUGH;
    due->item = *item;
    due->through = window->through;
    add(portion, &file_item_due_kind, due);
    return 0;
}

/* Which items behind from have results. */
static int window_read(struct window *window, const struct payment_file_row *file) {
    struct portion *portion = window->portion;
    struct payment_file_result_row probe = { .number = window->from };
    struct store_range range = { .table = &payment_file_result_table,
                                 .row = &probe,
                                 .equal_columns = 1,
                                 .bounded = true,
                                 .limit = SCHEDULE_PASS_MAX };
    memcpy(probe.file_id, file->file_id, 16);
    memset(window->has_result, 0, sizeof window->has_result);
    int r = read_range(portion->reader, &range, portion->arena, result_each, window);
    window->through = window->from;
    for (int i = 0; i < SCHEDULE_PASS_MAX && window->has_result[i]; i++) window->through++;
    return r < 0 ? err_trace(r) : 0;
}

/* Adds the items of the first window that lacks a result. */
static int read_window(struct portion *portion, const struct payment_file_row *file) {
    struct window *window = arena_new(portion->arena, struct window);
    struct payment_file_item_row probe = { .number = 0 };
    struct store_range range = { .table = &payment_file_item_table,
                                 .row = &probe,
                                 .equal_columns = 1,
                                 .bounded = true,
                                 .limit = SCHEDULE_PASS_MAX };
    if (!window) return err_origin(-ENOMEM);
    *window = (struct window){ .portion = portion, .through = file->through };
    do { /* ends: a file that is not completed lacks one */
        window->from = window->through;
        int r = window_read(window, file);
        if (r) return err_trace(r);
    } while (window->through - window->from == SCHEDULE_PASS_MAX);
    memcpy(probe.file_id, file->file_id, 16);
    probe.number = window->from;
    int r = read_range(portion->reader, &range, portion->arena, item_each, window);
    return r < 0 ? err_trace(r) : portion->fault;
}

/* 1 something was made, 0 the rest needs the core and that is not reachable, <0. */
static int file_run(struct portion *portion, const struct payment_file_row *file) {
    int r = read_window(portion, file);
    if (r) return err_trace(r);
    size_t away = 0;
    int undecided = command_group_run(portion->integration, portion->entries, portion->count);
    for (size_t i = 0; i < portion->count; i++)
        away += portion->entries[i].taken && portion->entries[i].command.result == COMMAND_DONE &&
                portion->entries[i].command.refusal == DUE_E_CORE;
    if (undecided) return err_origin(-EAGAIN);
    return away < portion->count ? 1 : 0; /* S3 */
}

static int run_files(void *ctx, struct integration *integration, struct reader *reader, struct arena *arena) {
    struct portion portion = { .jobs = ctx, .integration = integration, .reader = reader, .arena = arena };
    struct payment_file_row file = { .item_count = 0 }, probe = { .state = PAYMENT_FILE_ACCEPTED };
    struct store_range range = {
        .table = &payment_file_table, .index = PAYMENT_FILE_INDEX_DUE, .row = &probe, .equal_columns = 1, .limit = 1
    };
    int r = portion_begin(&portion);
    if (!r) r = read_range(reader, &range, arena, file_each, &file);
    if (r < 0) return err_trace(r);
    if (!file.item_count || file.due_ms > portion.now_ms) return 0;
    return file_run(&portion, &file);
}

void schedule_jobs_table(struct schedule_jobs *jobs, int64_t period_ms, struct job ret_jobs[SCHEDULE_JOBS_COUNT]) {
    ret_jobs[0] = (struct job){ "scheduled_payments", period_ms, run_scheduled, jobs };
    ret_jobs[1] = (struct job){ "standing_orders", period_ms, run_standing_orders, jobs };
    ret_jobs[2] = (struct job){ "payment_files", period_ms, run_files, jobs };
}
