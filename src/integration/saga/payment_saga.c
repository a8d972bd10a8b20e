#include "integration/saga/payment_saga_int.h"

#include "wire/json.h"

enum {
    HISTORY_BYTES_MAX = 4096,
    PAYMENT_STATE_BYTES_MAX = 1024, /* the payment saga has few slots */
    ENQUIRE_FIRST_MS = 200,         /* after an unknown outcome; doubles up to ENQUIRE_MS_MAX */
    ENQUIRE_MS_MAX = 30000,
};

static const struct column columns[] = {
    COLUMN(struct saga_row, saga_id, ID),        COLUMN_PERSONAL(struct saga_row, state, BLOB, SAGA_STATE_BYTES_MAX),
    COLUMN(struct saga_row, record_ms, I64),     COLUMN(struct saga_row, enquiries, I64),
    COLUMN(struct saga_row, interaction_id, ID),
};
static const struct table_index indexes[] = { { .name = "", .columns = { 0 }, .column_count = 1, .unique = true } };
const struct table saga_table = {
    .service = "integration",
    .name = "saga",
    .row_bytes = sizeof(struct saga_row),
    .columns = columns,
    .column_count = ARRAY_COUNT(columns),
    .indexes = indexes,
    .index_count = ARRAY_COUNT(indexes),
};

void payment_saga_want(struct work *work, const uint8_t payment_id[16]) {
    struct saga_row probe = { 0 };
    memcpy(probe.saga_id, payment_id, 16);
    work_want(work, &saga_table, 0, &probe);
}

/* The steps of one command become one line of history. */
struct history {
    struct buffer json;
    struct json_writer writer;
    char bytes[HISTORY_BYTES_MAX];
};

static void history_begin(struct history *history, const uint8_t saga_id[16], int64_t now_ms) {
    char id[ID_TEXT_BYTES];
    buffer_init(&history->json, history->bytes, sizeof history->bytes);
    json_begin(&history->writer, &history->json);
    json_object_begin(&history->writer);
    json_member_str(&history->writer, "saga_id", id_format(saga_id, id));
    json_member_i64(&history->writer, "at_ms", now_ms);
    json_name(&history->writer, "steps");
    json_array_begin(&history->writer);
}

static bool note_is_kept(enum saga_note_kind kind) {
    switch (kind) {
    case SAGA_NOTE_STARTED:
    case SAGA_NOTE_STATE_LEFT:
    case SAGA_NOTE_TASK_SUCCEEDED:
        return false; /* follow from the states entered */
    case SAGA_NOTE_STATE_ENTERED:
    case SAGA_NOTE_TASK_STARTED:
    case SAGA_NOTE_TASK_FAILED:
    case SAGA_NOTE_RETRY:
    case SAGA_NOTE_CAUGHT:
    case SAGA_NOTE_SUCCEEDED:
    case SAGA_NOTE_FAILED:
        return true;
    case SAGA_NOTE_KIND_COUNT:
        break;
    }
    return false;
}

static void history_note(void *ctx, const struct saga_note *note) {
    struct history *history = ctx;
    if (!note_is_kept(note->kind)) return;
    json_object_begin(&history->writer);
    json_member_c(&history->writer, "step", saga_note_name(note->kind));
    if (note->state_name.len) json_member_str(&history->writer, "state", note->state_name);
    if (note->error.len) json_member_str(&history->writer, "error", note->error);
    json_object_end(&history->writer);
}

static int history_end(struct work *work, struct history *history) {
    json_array_end(&history->writer);
    json_object_end(&history->writer);
    if (history->json.overflow) return err_origin(-EMSGSIZE);
    return err_trace(work_history(work, buffer_str(&history->json)));
}

static enum payment_reason reason_of(const struct saga_def *def, const struct saga_state *state) {
    static const struct {
        const char *error;
        enum payment_reason reason;
    } reasons[] = {
        { "FraudDetected", PAYMENT_REASON_FRAUD },
        { "AmlFlagged", PAYMENT_REASON_SANCTIONS },
        { "InsufficientFunds", PAYMENT_REASON_INSUFFICIENT_FUNDS },
        { "AccountBlocked", PAYMENT_REASON_ACCOUNT_BLOCKED },
        { "CoreRefused", PAYMENT_REASON_CORE_REFUSED },
        { "CoreFailed", PAYMENT_REASON_CORE_FAILED },
        { "CheckUnavailable", PAYMENT_REASON_CHECK_UNAVAILABLE },
        { "Deadline", PAYMENT_REASON_DEADLINE },
    };
    struct saga_value error = saga_get(def, state, STR("failure.Error"));
    if (error.type != SAGA_STRING) return PAYMENT_REASON_CHECK_UNAVAILABLE; /* fail closed */
    for (size_t i = 0; i < ARRAY_COUNT(reasons); i++)
        if (str_equal_c(error.text, reasons[i].error)) return reasons[i].reason;
    return PAYMENT_REASON_CHECK_UNAVAILABLE; /* States.Timeout of a check: fail closed */
}

static int row_save(const struct payment_saga_run *run, const struct saga_state *state, const struct saga_row *old,
                    int64_t enquiries) {
    struct view view = view_of(run->work, "integration");
    const struct saga_def *def = run->integration->payment_saga;
    struct buffer bytes;
    char memory[PAYMENT_STATE_BYTES_MAX]; /* the row is copied when it is written */
    buffer_init(&bytes, memory, sizeof memory);
    saga_state_write(def, state, &bytes);
    if (bytes.overflow) return err_origin(-EMSGSIZE);
    struct saga_row row = { .state = buffer_str(&bytes),
                            .record_ms = old ? old->record_ms : view_now_ms(&view),
                            .enquiries = enquiries };
    memcpy(row.saga_id, run->payment->payment_id, 16);
    memcpy(row.interaction_id, old ? old->interaction_id : run->order->interaction_id, 16);
    return err_trace(old ? view_update(&view, &saga_table, &row) : view_insert(&view, &saga_table, &row));
}

static int row_drop(const struct payment_saga_run *run, const struct saga_row *old) {
    struct view view = view_of(run->work, "integration");
    return old ? err_trace(view_delete(&view, &saga_table, old)) : 0;
}

static int follow(const struct payment_saga_run *run, enum followup_kind kind, int64_t due_ms) {
    struct followup followup = { .kind = kind, .due_ms = due_ms };
    memcpy(followup.id, run->payment->payment_id, 16);
    if (kind == FOLLOWUP_CORE_EXECUTE && run->order && !run->payment->creditor_number) followup.carried = run->order;
    return err_trace(work_followup(run->work, &followup));
}

static int finish(const struct payment_saga_run *run, const struct saga_row *old, const struct payment_change *change) {
    int r = payment_move(run->work, run->payment->payment_id, change);
    if (r == VIEW_NEED) return r;
    return r ? err_fold(r) : row_drop(run, old);
}

/* Advances as far as the engine may and puts what follows into the commit. */
static int go_on(const struct payment_saga_run *run, struct saga_state *state, const struct saga_row *old,
                 struct str core_reference, const struct saga_env *env) {
    const struct saga_def *def = run->integration->payment_saga;
    struct saga_step step;
    struct payment_change change = { .status = PAYMENT_COMPLETED, .core_reference = core_reference };
    int r = saga_advance(def, state, env, &step);
    if (r) return r;
    switch (step.kind) {
    case SAGA_STEP_SUCCEEDED:
        return finish(run, old, &change);
    case SAGA_STEP_FAILED:
        change = (struct payment_change){ .status = PAYMENT_REJECTED, .reason = reason_of(def, state) };
        return finish(run, old, &change);
    case SAGA_STEP_STARTS_TASK:
    case SAGA_STEP_AWAITS_TASK:
        r = row_save(run, state, old, 0);
        return r ? r : follow(run, FOLLOWUP_CORE_EXECUTE, 0);
    case SAGA_STEP_WAITS:
        r = row_save(run, state, old, 0);
        return r ? r : follow(run, FOLLOWUP_SAGA_WAKE, step.wake_at_ms);
    case SAGA_STEP_CONTINUES:
        r = row_save(run, state, old, 0);
        return r ? r : follow(run, FOLLOWUP_SAGA_CONTINUE, 0);
    case SAGA_STEP_KIND_COUNT:
        break;
    }
    return err_origin(-EPROTO);
}

static struct saga_env env_of(const struct payment_saga_run *run, struct history *history, int64_t now_ms) {
    return (struct saga_env){ .now_ms = now_ms, .ctx = (void *)run, .note = history_note, .note_ctx = history };
}

int payment_saga_start(struct work *work, const struct integration *integration, const struct payment_row *payment,
                       const struct core_order *order) {
    struct view view = view_of(work, "integration");
    struct payment_saga_run run = { .work = work, .integration = integration, .payment = payment, .order = order };
    const struct saga_def *def = integration->payment_saga;
    struct saga_state state;
    struct history history;
    int64_t now_ms = view_now_ms(&view);
    struct saga_value on_us = saga_bool(payment->creditor_number != 0);
    saga_start(def, &state, now_ms);
    int r = saga_put(def, &state, STR("payment.on_us"), &on_us);
    if (r) return err_fold(r);
    history_begin(&history, payment->payment_id, now_ms);
    struct saga_env env = env_of(&run, &history, now_ms);
    r = go_on(&run, &state, NULL, (struct str){ 0 }, &env);
    return r ? r : history_end(work, &history);
}

/* The saga's row and payment, read for a step. 0, PAYMENT_SAGA_E_ABSENT, VIEW_NEED, <0. */
static int resume(struct payment_saga_run *run, const uint8_t payment_id[16], struct saga_state *ret_state,
                  const struct saga_row **ret_row) {
    struct view view = view_of(run->work, "integration");
    struct saga_row probe = { 0 };
    const void *found;
    memcpy(probe.saga_id, payment_id, 16);
    int r = view_get(&view, &saga_table, &probe, &found);
    if (!r) r = payment_get(run->work, payment_id, &run->payment);
    if (r) return r;
    if (!found || !run->payment) return PAYMENT_SAGA_E_ABSENT;
    const struct saga_row *row = found;
    r = saga_state_read(run->integration->payment_saga, row->state, ret_state);
    if (r) return err_fold(r);
    *ret_row = row;
    return 0;
}

/* Nobody knows: the payment says so, the hold stays, the outcome is asked for again (G2). */
static int stay_unknown(const struct payment_saga_run *run, const struct saga_state *state,
                        const struct saga_row *row) {
    struct view view = view_of(run->work, "integration");
    struct payment_change change = { .status = PAYMENT_UNKNOWN };
    int64_t shift = row->enquiries < 8 ? row->enquiries : 8;
    int64_t delay_ms = row->enquiries == 0 ? 0 : ENQUIRE_FIRST_MS << (shift - 1);
    if (delay_ms > ENQUIRE_MS_MAX) delay_ms = ENQUIRE_MS_MAX;
    int r = run->payment->status == PAYMENT_UNKNOWN ? 0 : payment_move(run->work, run->payment->payment_id, &change);
    if (r) return r == VIEW_NEED ? r : err_fold(r);
    r = row_save(run, state, row, row->enquiries + 1);
    return r ? r : follow(run, FOLLOWUP_CORE_ENQUIRE, delay_ms ? view_now_ms(&view) + delay_ms : 0);
}

static int tell(const struct payment_saga_run *run, struct saga_state *state, const struct saga_env *env,
                enum core_verdict verdict) {
    const struct saga_def *def = run->integration->payment_saga;
    int r = verdict == CORE_VERDICT_BOOKED ? payment_task_settle(run) : 0;
    if (r) return r;
    r = verdict == CORE_VERDICT_BOOKED    ? saga_task_succeeded(def, state, env, NULL, 0)
        : verdict == CORE_VERDICT_REFUSED ? saga_task_failed(def, state, env, STR("CoreRefused"), (struct str){ 0 })
                                          : saga_task_failed(def, state, env, STR("CoreFailed"), (struct str){ 0 });
    return err_fold(r);
}

int payment_saga_core(struct work *work, const struct integration *integration, const uint8_t payment_id[16],
                      enum core_verdict verdict, struct str core_reference) {
    struct view view = view_of(work, "integration");
    struct payment_saga_run run = { .work = work, .integration = integration };
    struct saga_state state;
    struct history history;
    const struct saga_row *row;
    int64_t now_ms = view_now_ms(&view);
    int r = resume(&run, payment_id, &state, &row);
    if (r) return r;
    if (state.status != SAGA_TASK_OPEN) return PAYMENT_SAGA_E_ABSENT; /* an answer that comes twice */
    if (verdict == CORE_VERDICT_UNKNOWN) return stay_unknown(&run, &state, row);
    history_begin(&history, payment_id, now_ms);
    struct saga_env env = env_of(&run, &history, now_ms);
    r = tell(&run, &state, &env, verdict);
    if (!r) r = go_on(&run, &state, row, core_reference, &env);
    return r ? r : history_end(work, &history);
}

int payment_saga_wake(struct work *work, const struct integration *integration, const uint8_t payment_id[16]) {
    struct view view = view_of(work, "integration");
    struct payment_saga_run run = { .work = work, .integration = integration };
    struct saga_state state;
    struct history history;
    const struct saga_row *row;
    int64_t now_ms = view_now_ms(&view);
    int r = resume(&run, payment_id, &state, &row);
    if (r) return r;
    if (state.status == SAGA_TASK_OPEN) return PAYMENT_SAGA_E_ABSENT;
    history_begin(&history, payment_id, now_ms);
    struct saga_env env = env_of(&run, &history, now_ms);
    r = go_on(&run, &state, row, (struct str){ 0 }, &env);
    return r ? r : history_end(work, &history);
}
