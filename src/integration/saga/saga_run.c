#include "integration/saga/saga_run.h"

#include "integration/saga/saga_int.h"

/* The interpreter. Invariants S1 to S5 stand in saga_run.h; the file is the only one that changes status and current.
 */

struct run {
    const struct saga_def *def;
    struct saga_state *state;
    const struct saga_env *env;
};

const char *saga_status_name(enum saga_status status) {
    static const char *const names[SAGA_STATUS_COUNT] = {
        [SAGA_NEW] = "new",         [SAGA_RUNNING] = "running",   [SAGA_TASK_OPEN] = "task_open",
        [SAGA_WAITING] = "waiting", [SAGA_RETRYING] = "retrying", [SAGA_SUCCEEDED] = "succeeded",
        [SAGA_FAILED] = "failed",
    };
    check(status < SAGA_STATUS_COUNT);
    return names[status];
}

const char *saga_note_name(enum saga_note_kind kind) {
    static const char *const names[SAGA_NOTE_KIND_COUNT] = {
        [SAGA_NOTE_STARTED] = "started",
        [SAGA_NOTE_STATE_ENTERED] = "state_entered",
        [SAGA_NOTE_STATE_LEFT] = "state_left",
        [SAGA_NOTE_TASK_STARTED] = "task_started",
        [SAGA_NOTE_TASK_SUCCEEDED] = "task_succeeded",
        [SAGA_NOTE_TASK_FAILED] = "task_failed",
        [SAGA_NOTE_RETRY] = "retry",
        [SAGA_NOTE_CAUGHT] = "caught",
        [SAGA_NOTE_SUCCEEDED] = "succeeded",
        [SAGA_NOTE_FAILED] = "failed",
    };
    check(kind < SAGA_NOTE_KIND_COUNT);
    return names[kind];
}

static const struct saga_node *node_of(const struct run *run) {
    check(run->state->current < run->def->node_count);
    return &run->def->nodes[run->state->current];
}

static void note(const struct run *run, enum saga_note_kind kind) {
    if (!run->env->note) return;
    const struct saga_node *node = node_of(run);
    struct saga_note line = { .kind = kind, .at_ms = run->env->now_ms, .state_name = node->name };
    bool failed = kind == SAGA_NOTE_TASK_FAILED || kind == SAGA_NOTE_RETRY || kind == SAGA_NOTE_CAUGHT ||
                  kind == SAGA_NOTE_FAILED;
    if (node->task) line.task = str_from_c(node->task->name);
    if (failed) line.error = str_from_bytes(run->state->error, run->state->error_bytes);
    if (kind == SAGA_NOTE_RETRY || kind == SAGA_NOTE_TASK_STARTED) line.wake_at_ms = run->state->wake_at_ms;
    run->env->note(run->env->note_ctx, &line);
}

/* ---- moving from state to state */
static void enter(const struct run *run, uint16_t index) {
    struct saga_state *state = run->state;
    state->status = SAGA_RUNNING;
    state->current = index;
    state->entered_at_ms = run->env->now_ms;
    state->wake_at_ms = 0;
    memset(state->attempts, 0, sizeof state->attempts); /* A56: reset on any transition */
    note(run, SAGA_NOTE_STATE_ENTERED);
}

static void finish(const struct run *run, enum saga_status status) {
    run->state->status = status;
    run->state->wake_at_ms = 0;
    note(run, status == SAGA_SUCCEEDED ? SAGA_NOTE_SUCCEEDED : SAGA_NOTE_FAILED);
}

static void leave(const struct run *run, uint16_t next) {
    note(run, SAGA_NOTE_STATE_LEFT);
    if (next == SAGA_NEXT_END) finish(run, SAGA_SUCCEEDED);
    else enter(run, next);
}

static void set_error(const struct run *run, struct str error, struct str cause) {
    struct saga_state *state = run->state;
    error = text_cut(error, SAGA_ERROR_BYTES_MAX);
    cause = text_cut(cause, SAGA_CAUSE_BYTES_MAX);
    state->error_bytes = (uint8_t)error.len;
    state->cause_bytes = (uint16_t)cause.len;
    if (error.len) memmove(state->error, error.at, error.len);
    if (cause.len) memmove(state->cause, cause.at, cause.len);
}

/* ---- errors */
bool errors_match(const struct saga_errors *errors, struct str error) {
    for (uint16_t i = 0; i < errors->count; i++) {
        struct str name = errors->names[i];
        if (str_equal(name, error) || str_equal_c(name, SAGA_ERROR_ALL)) return true;
        if (str_equal_c(name, SAGA_ERROR_TASK_FAILED) && !str_equal_c(error, SAGA_ERROR_TIMEOUT)) return true; /* A55 */
    }
    return false;
}

const struct saga_retrier *node_retrier(const struct saga_node *node, struct str error, size_t *ret_index) {
    for (size_t i = 0; i < node->retrier_count; i++) {
        if (!errors_match(&node->retriers[i].errors, error)) continue;
        *ret_index = i; /* A55: the first that matches, exhausted or not */
        return &node->retriers[i];
    }
    return NULL;
}

const struct saga_catcher *node_catcher(const struct saga_node *node, struct str error) {
    for (size_t i = 0; i < node->catcher_count; i++)
        if (errors_match(&node->catchers[i].errors, error)) return &node->catchers[i];
    return NULL;
}

/* A57, A58: before retry number `retry` (from 1). */
static int64_t retry_delay_ms(const struct saga_retrier *retrier, uint32_t retry, uint64_t random) {
    int64_t limit_ms = (retrier->max_delay_s ? retrier->max_delay_s : SAGA_SECONDS_MAX) * 1000;
    int64_t delay_ms = retrier->interval_s * 1000;
    for (uint32_t i = 1; i < retry && retrier->rate_milli > 1000 && delay_ms < limit_ms; i++)
        delay_ms = delay_ms * retrier->rate_milli / 1000;
    if (delay_ms > limit_ms) delay_ms = limit_ms;
    return retrier->jitter ? (int64_t)(random % ((uint64_t)delay_ms + 1)) : delay_ms;
}

static bool retry(const struct run *run, const struct saga_node *node, struct str error) {
    size_t index;
    const struct saga_retrier *retrier = node_retrier(node, error, &index);
    if (!retrier) return false;
    uint32_t *used = &run->state->attempts[index];
    if (retrier->attempts_max != SAGA_ATTEMPTS_FOREVER && *used >= retrier->attempts_max) return false;
    if (*used < UINT32_MAX) (*used)++;
    run->state->status = SAGA_RETRYING;
    run->state->wake_at_ms = run->env->now_ms + retry_delay_ms(retrier, *used, run->env->random);
    note(run, SAGA_NOTE_RETRY);
    return true;
}

struct failure {
    struct str error, cause;
    bool work_done; /* S4: caught, never retried */
};

/* A60: Retry before Catch; nothing that helps: the saga fails with this error. */
static void raise_failure(const struct run *run, const struct failure *failure) {
    const struct saga_node *node = node_of(run);
    struct saga_value texts[2];
    set_error(run, failure->error, failure->cause);
    if (node->task) note(run, SAGA_NOTE_TASK_FAILED);
    if (!failure->work_done && retry(run, node, failure->error)) return;
    const struct saga_catcher *catcher = node_catcher(node, failure->error);
    if (!catcher) {
        finish(run, SAGA_FAILED);
        return;
    }
    note(run, SAGA_NOTE_CAUGHT);
    texts[0] = saga_string(str_from_bytes(run->state->error, run->state->error_bytes));
    texts[1] = saga_string(str_from_bytes(run->state->cause, run->state->cause_bytes));
    if (catcher->writes && !write_apply(run->state, &catcher->write, texts)) {
        set_error(run, STR(SAGA_ERROR_RESULT_PATH), STR("the place of a Catch's ResultPath lies inside a scalar"));
        finish(run, SAGA_FAILED);
        return;
    }
    leave(run, catcher->next);
}

static void fail(const struct run *run, const char *error, const char *cause, bool work_done) {
    struct failure failure = { .error = str_from_c(error), .cause = str_from_c(cause), .work_done = work_done };
    raise_failure(run, &failure);
}

/* ---- the end of a state's work: ResultSelector, ResultPath, OutputPath, Next */
static void complete(const struct run *run, const struct saga_value *results) {
    const struct saga_node *node = node_of(run);
    for (uint16_t i = 0; i < node->selector_need_count; i++) {
        bool given = false;
        for (uint32_t mask = node->selector_needs[i], k = 0; mask; mask >>= 1, k++)
            given = given || ((mask & 1) && results[k].type != SAGA_ABSENT);
        if (!given) {
            fail(run, SAGA_ERROR_PARAMETER, "ResultSelector reads what the task did not give", true);
            return;
        }
    }
    if (node->writes && !write_apply(run->state, &node->write, results))
        fail(run, SAGA_ERROR_RESULT_PATH, "the place of ResultPath lies inside a scalar", true); /* A17 */
    else if (!needs_met(run->state, &node->output_needs))
        fail(run, SAGA_ERROR_RUNTIME, "nothing is there under OutputPath", true);
    else {
        if (node->outputs) check(write_apply(run->state, &node->output, NULL));
        leave(run, node->next);
    }
}

/* ---- the types of states */
static bool input_ready(const struct run *run, const struct saga_node *node) {
    if (!needs_met(run->state, &node->input_needs)) {
        fail(run, SAGA_ERROR_RUNTIME, "nothing is there under InputPath", false);
        return false;
    }
    if (needs_met(run->state, &node->parameter_needs)) return true;
    fail(run, SAGA_ERROR_PARAMETER, "a path of Parameters is not there", false); /* A22 */
    return false;
}

static void read_inputs(const struct run *run, struct saga_value *ret_inputs) {
    const struct saga_node *node = node_of(run);
    for (size_t i = 0; i < saga_names_count(node->task->inputs); i++) {
        const struct saga_source *source = &node->inputs[i];
        ret_inputs[i] = source->kind == SAGA_SOURCE_CONSTANT
                            ? *source->constant
                            : slot_value(run->state, source->kind == SAGA_SOURCE_SLOT ? source->index : -1);
    }
}

static uint32_t attempt_number(const struct saga_state *state) {
    uint64_t sum = 1;
    for (size_t i = 0; i < SAGA_RETRIERS_MAX; i++) sum += state->attempts[i];
    return sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
}

static void open_task(const struct run *run, const struct saga_node *node) {
    run->state->status = SAGA_TASK_OPEN;
    run->state->wake_at_ms = run->env->now_ms + node->timeout_ms; /* A62: one attempt */
    note(run, SAGA_NOTE_TASK_STARTED);
}

/* What the run function left in io. */
static int take_answer(const struct run *run, struct saga_io *io) {
    const struct saga_node *node = node_of(run);
    if (io->deferred) {
        open_task(run, node);
        return 0;
    }
    if (io->failed) {
        if (!saga_task_find_error(node->task, io->error)) return err_origin(-EPROTO); /* T2 */
        struct failure failure = { .error = io->error, .cause = io->cause };
        raise_failure(run, &failure);
        return 0;
    }
    for (size_t i = 0; i < SAGA_TASK_FIELDS_MAX; i++)
        if (!(io->given & (UINT32_C(1) << i))) io->results[i].type = SAGA_ABSENT;
    note(run, SAGA_NOTE_TASK_SUCCEEDED);
    complete(run, io->results);
    return 0;
}

static int run_task(const struct run *run, const struct saga_node *node) {
    struct saga_value inputs[SAGA_TASK_FIELDS_MAX];
    struct saga_io io; /* large: only what is read before it is written gets a value */
    if (!input_ready(run, node)) return 0;
    if (!node->task->run) {
        open_task(run, node);
        return 0;
    }
    read_inputs(run, inputs);
    io.task = node->task;
    io.state_name = node->name;
    io.now_ms = run->env->now_ms;
    io.started_at_ms = run->state->started_at_ms;
    io.attempt = attempt_number(run->state);
    io.inputs = inputs;
    io.failed = io.deferred = false;
    io.given = 0;
    int r = node->task->run(run->env->ctx, &io);
    if (r) return r < 0 ? err_trace(r) : r;
    return take_answer(run, &io);
}

static void run_choice(const struct run *run, const struct saga_node *node) {
    uint16_t next = node->fallback;
    for (uint16_t i = 0; i < node->rule_count; i++) {
        enum test_verdict verdict = test_evaluate(&node->rules[i].test, run->state);
        if (verdict == TEST_FALSE) continue;
        if (verdict == TEST_ERROR) {
            fail(run, SAGA_ERROR_RUNTIME, "a variable of a rule is not there", false); /* A45 */
            return;
        }
        next = node->rules[i].next; /* A41 */
        break;
    }
    if (next == SAGA_NEXT_END) fail(run, SAGA_ERROR_NO_CHOICE, "no rule holds and there is no Default", false);
    else if (!needs_met(run->state, &node->output_needs))
        fail(run, SAGA_ERROR_RUNTIME, "nothing is there under InputPath or OutputPath", false);
    else {
        if (node->outputs) check(write_apply(run->state, &node->output, NULL)); /* A50 */
        leave(run, next);
    }
}

/* 0 and the time, or -EINVAL (A52, A54). */
static int wait_until(const struct run *run, const struct saga_node *node, int64_t *ret_ms) {
    int64_t number = node->wait_number;
    struct saga_value value = slot_value(run->state, node->wait_path.slot);
    if (node->wait_by_path && node->wait_is_timestamp) {
        if (value.type != SAGA_STRING || timestamp_parse(value.text, &number)) return -EINVAL;
    } else if (node->wait_by_path) {
        if (value.type != SAGA_I64 || value.number < 0 || value.number > SAGA_SECONDS_MAX) return -EINVAL;
        number = value.number;
    }
    *ret_ms = node->wait_is_timestamp ? number : run->state->entered_at_ms + number * 1000;
    return 0;
}

static void run_wait(const struct run *run, const struct saga_node *node) {
    int64_t until_ms;
    if (wait_until(run, node, &until_ms)) {
        fail(run, SAGA_ERROR_RUNTIME, "the time to wait is not there or is no time", false);
        return;
    }
    if (until_ms <= run->env->now_ms) { /* A53 */
        complete(run, NULL);
        return;
    }
    run->state->status = SAGA_WAITING;
    run->state->wake_at_ms = until_ms;
}

static bool read_text(const struct run *run, const struct saga_path *path, struct str *ret_text) {
    struct saga_value value = slot_value(run->state, path->slot);
    if (value.type != SAGA_STRING) return false;
    *ret_text = value.text;
    return true;
}

static void run_fail(const struct run *run, const struct saga_node *node) {
    struct str error = node->error, cause = node->cause;
    if ((node->error_by_path && !read_text(run, &node->error_path, &error)) ||
        (node->cause_by_path && !read_text(run, &node->cause_path, &cause))) { /* A71: texts only */
        error = STR(SAGA_ERROR_RUNTIME);
        cause = STR("ErrorPath or CausePath gives no text");
    }
    set_error(run, error, cause);
    finish(run, SAGA_FAILED);
}

static void run_succeed(const struct run *run, const struct saga_node *node) {
    if (!needs_met(run->state, &node->output_needs)) {
        fail(run, SAGA_ERROR_RUNTIME, "nothing is there under InputPath or OutputPath", false);
        return;
    }
    if (node->outputs) check(write_apply(run->state, &node->output, NULL));
    finish(run, SAGA_SUCCEEDED);
}

static int run_node(const struct run *run) {
    const struct saga_node *node = node_of(run);
    switch (node->type) {
    case SAGA_TASK: return run_task(run, node);
    case SAGA_CHOICE: run_choice(run, node); break;
    case SAGA_PASS:
        if (input_ready(run, node)) complete(run, NULL);
        break;
    case SAGA_WAIT: run_wait(run, node); break;
    case SAGA_SUCCEED: run_succeed(run, node); break;
    case SAGA_FAIL: run_fail(run, node); break;
    case SAGA_STATE_TYPE_COUNT: check(false); /* a type of state */
    }
    return 0;
}

/* ---- the driver's side */
static bool has_ended(const struct saga_state *state) {
    return state->status == SAGA_SUCCEEDED || state->status == SAGA_FAILED;
}

/* A8, S3 */
static bool is_overdue(const struct run *run) {
    const struct saga_state *state = run->state;
    if (!run->def->timeout_ms || has_ended(state)) return false;
    if (state->status == SAGA_TASK_OPEN && node_of(run)->task->has_enquiry) return false;
    return run->env->now_ms - state->started_at_ms >= run->def->timeout_ms;
}

static void wake(const struct run *run) {
    struct saga_state *state = run->state;
    bool woken = state->wake_at_ms <= run->env->now_ms;
    if (state->status == SAGA_NEW) {
        note(run, SAGA_NOTE_STARTED);
        enter(run, run->def->start);
    } else if (state->status == SAGA_WAITING && woken) {
        complete(run, NULL);
    } else if (state->status == SAGA_RETRYING && woken) {
        state->status = SAGA_RUNNING;
        state->wake_at_ms = 0;
    }
}

static int advance(const struct run *run, bool *ret_started) {
    bool was_open = run->state->status == SAGA_TASK_OPEN;
    wake(run);
    if (is_overdue(run)) {
        set_error(run, STR(SAGA_ERROR_TIMEOUT), STR("the time of the whole saga is up"));
        finish(run, SAGA_FAILED);
    }
    for (int i = 0; i < SAGA_INLINE_STEPS_MAX && run->state->status == SAGA_RUNNING; i++) {
        int r = run_node(run);
        if (r) return r;
    }
    *ret_started = !was_open;
    return 0;
}

static void describe_step(const struct run *run, bool started, struct saga_step *ret_step) {
    const struct saga_state *state = run->state;
    ret_step->state_name = node_of(run)->name;
    ret_step->task = NULL;
    ret_step->wake_at_ms = state->wake_at_ms;
    ret_step->attempt = 0;
    ret_step->error = ret_step->cause = STR("");
    switch (state->status) {
    case SAGA_TASK_OPEN:
        ret_step->kind = started ? SAGA_STEP_STARTS_TASK : SAGA_STEP_AWAITS_TASK;
        ret_step->task = node_of(run)->task;
        ret_step->attempt = attempt_number(state);
        read_inputs(run, ret_step->inputs);
        break;
    case SAGA_NEW:
    case SAGA_RUNNING: ret_step->kind = SAGA_STEP_CONTINUES; break;
    case SAGA_WAITING:
    case SAGA_RETRYING: ret_step->kind = SAGA_STEP_WAITS; break;
    case SAGA_SUCCEEDED: ret_step->kind = SAGA_STEP_SUCCEEDED; break;
    case SAGA_FAILED:
        ret_step->kind = SAGA_STEP_FAILED;
        ret_step->error = str_from_bytes(state->error, state->error_bytes);
        ret_step->cause = str_from_bytes(state->cause, state->cause_bytes);
        break;
    case SAGA_STATUS_COUNT: check(false); /* a status */
    }
}

void saga_start(const struct saga_def *def, struct saga_state *ret_state, int64_t now_ms) {
    memset(ret_state, 0, offsetof(struct saga_state, slots));
    ret_state->def_hash = def->hash;
    ret_state->current = def->start;
    ret_state->started_at_ms = ret_state->entered_at_ms = now_ms;
    for (size_t i = 0; i < def->slot_count; i++)
        slot_set(&ret_state->slots[i], &(struct saga_value){ .type = SAGA_ABSENT });
}

int saga_advance(const struct saga_def *def, struct saga_state *state, const struct saga_env *env,
                 struct saga_step *ret_step) {
    struct run run = { .def = def, .state = state, .env = env };
    struct saga_state before;
    bool started;
    check(hash_equal(&def->hash, &state->def_hash)); /* S5 */
    saga_state_copy(def, &before, state);
    int r = advance(&run, &started);
    if (r) {
        saga_state_copy(def, state, &before); /* S1 */
        return r;
    }
    describe_step(&run, started, ret_step);
    return 0;
}

/* The open task, or NULL. */
static const struct saga_node *open_node(const struct run *run) {
    check(hash_equal(&run->def->hash, &run->state->def_hash)); /* S5 */
    return run->state->status == SAGA_TASK_OPEN ? node_of(run) : NULL;
}

int saga_task_succeeded(const struct saga_def *def, struct saga_state *state, const struct saga_env *env,
                        const struct saga_value *values, size_t count) {
    struct run run = { .def = def, .state = state, .env = env };
    struct saga_value results[SAGA_TASK_FIELDS_MAX] = { { .type = SAGA_ABSENT } };
    const struct saga_node *node = open_node(&run);
    if (!node) return SAGA_E_NOT_OPEN;
    if (count > saga_names_count(node->task->results)) return SAGA_E_VALUE;
    for (size_t i = 0; i < count; i++) {
        if (!saga_value_valid(&values[i])) return SAGA_E_VALUE;
        results[i] = values[i];
    }
    note(&run, SAGA_NOTE_TASK_SUCCEEDED);
    complete(&run, results);
    return 0;
}

int saga_task_failed(const struct saga_def *def, struct saga_state *state, const struct saga_env *env, struct str error,
                     struct str cause) {
    struct run run = { .def = def, .state = state, .env = env };
    const struct saga_node *node = open_node(&run);
    struct failure failure = { .error = error, .cause = cause };
    if (!node) return SAGA_E_NOT_OPEN;
    if (!saga_task_find_error(node->task, error)) return SAGA_E_ERROR_NAME; /* T2 */
    if (!str_is_utf8(cause)) return SAGA_E_VALUE;
    raise_failure(&run, &failure);
    return 0;
}

int saga_timed_out(const struct saga_def *def, struct saga_state *state, const struct saga_env *env) {
    struct run run = { .def = def, .state = state, .env = env };
    const struct saga_node *node = open_node(&run);
    if (!node) return SAGA_E_NOT_OPEN;
    if (node->task->has_enquiry) return SAGA_E_ENQUIRE; /* S3 */
    if (env->now_ms < state->wake_at_ms) return SAGA_E_EARLY;
    fail(&run, SAGA_ERROR_TIMEOUT, "the time of one attempt is up", false);
    return 0;
}
