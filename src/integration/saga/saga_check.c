#include "integration/saga/saga_check_int.h"

/* The walk. Breadth first, so that the path that is printed is a shortest one. Rules C1 to C6 stand in saga_check.h. */

static bool history_equal(const struct history *a, const struct history *b) {
    return a->done_count == b->done_count && a->unknown == b->unknown && a->pivot_passed == b->pivot_passed &&
           memcmp(a->done, b->done, a->done_count * sizeof a->done[0]) == 0;
}

/* The saga goes on in state next with this history; spot tells from where and by which error. */
static void go(struct checker *checker, const struct spot *spot, uint16_t next, const struct history *history) {
    for (int32_t i = checker->first_of[next]; i >= 0; i = checker->visits[i].next_same)
        if (history_equal(&checker->visits[i].history, history)) return;
    if (checker->visit_count == SAGA_CHECK_VISITS_MAX) {
        checker->too_many = true;
        return;
    }
    int32_t index = checker->visit_count++;
    checker->visits[index] = (struct visit){ .state = next,
                                             .history = *history,
                                             .parent = spot->visit,
                                             .came_by = spot->error,
                                             .next_same = checker->first_of[next] };
    checker->first_of[next] = index;
}

static const char *name_of(const struct checker *checker, uint16_t state, char show[SHOWN_BYTES]) {
    return shown(checker->def->nodes[state].name, show);
}

/* Is something lost when the saga ends now? Reports it (C1, C3). why stands before, e.g. "nothing catches X, and ". */
static bool report_loss(const struct checker *checker, const struct spot *spot, const struct history *history,
                        const char *why) {
    char show[SHOWN_BYTES];
    if (history->unknown != NO_STATE) {
        report_path(checker, SAGA_FINDING_UNKNOWN, spot, "%sthe saga ends although nobody knows whether %s was done",
                    why, name_of(checker, history->unknown, show));
        return true;
    }
    if (history->pivot_passed || history->done_count == 0) return false;
    uint16_t last = history->done[history->done_count - 1];
    report_path(checker, SAGA_FINDING_NOT_UNDONE, spot, "%swhat %s did (%s) is never undone by %s", why,
                name_of(checker, last, show), checker->def->nodes[last].task->name,
                checker->def->nodes[last].task->undone_by);
    return true;
}

/* C4: an error that ends the saga. */
static void end_uncaught(const struct checker *checker, const struct spot *spot, const struct history *history) {
    char show[SHOWN_BYTES], why[SHOWN_BYTES + 32];
    (void)snprintf(why, sizeof why, "nothing catches %s, and ", shown(spot->error, show));
    if (!report_loss(checker, spot, history, why))
        report_path(checker, SAGA_FINDING_UNCAUGHT, spot, "nothing catches %s", shown(spot->error, show));
}

/* A path of the definition may lead to nothing: an error only if something is at stake. */
static void end_by_data(const struct checker *checker, const struct spot *spot, const struct history *history) {
    char show[SHOWN_BYTES], why[SHOWN_BYTES + 48];
    (void)snprintf(why, sizeof why, "its data may be missing (%s), and ", shown(spot->error, show));
    if (history->pivot_passed)
        report_path(checker, SAGA_FINDING_UNCAUGHT, spot, "%snothing catches that after the pivot", why);
    else if (!report_loss(checker, spot, history, why))
        report_path(checker, SAGA_FINDING_DATA, spot, "its data may be missing");
}

/* ---- tasks */
static int find_done(const struct checker *checker, const struct history *history, const struct saga_task *undoer) {
    for (int i = history->done_count - 1; i >= 0; i--) {
        const struct saga_task *task = checker->def->nodes[history->done[i]].task;
        if (strcmp(task->undone_by, undoer->name) == 0) return i;
    }
    return -1;
}

/* C2, C3: may this compensation run here? Tells what is wrong and returns false. */
static bool compensation_fits(const struct checker *checker, int32_t visit, const struct history *history) {
    const struct saga_task *task = checker->def->nodes[checker->visits[visit].state].task;
    struct spot spot = { .visit = visit };
    char show[SHOWN_BYTES];
    int at = find_done(checker, history, task);
    if (history->unknown != NO_STATE)
        report_path(checker, SAGA_FINDING_UNKNOWN, &spot, "%s would run although %s may have been done", task->name,
                    name_of(checker, history->unknown, show));
    else if (history->pivot_passed)
        report_path(checker, SAGA_FINDING_AFTER_PIVOT, &spot, "%s would run although the pivot was passed", task->name);
    else if (at < 0)
        report_path(checker, SAGA_FINDING_NOT_DONE, &spot, "%s would run although there is nothing for it to undo",
                    task->name);
    else if (at != history->done_count - 1)
        report_path(checker, SAGA_FINDING_ORDER, &spot, "%s would run before what %s did later is undone", task->name,
                    name_of(checker, history->done[history->done_count - 1], show));
    else return true;
    return false;
}

/* The history after the task was done. False when the path is wrong already and need not be followed. */
static bool after_success(const struct checker *checker, int32_t visit, struct history *history) {
    uint16_t state = checker->visits[visit].state;
    const struct saga_task *task = checker->def->nodes[state].task;
    struct spot spot = { .visit = visit };
    if (history->unknown != NO_STATE && checker->def->nodes[history->unknown].task == task) history->unknown = NO_STATE;
    if (saga_registry_undoes(checker->def->registry, task)) history->done_count--; /* compensation_fits has looked */
    if (task->pivot) {
        history->pivot_passed = true;
        history->done_count = 0;
        return true;
    }
    if (!task->undone_by || history->pivot_passed) return true;
    for (uint16_t i = 0; i < history->done_count; i++) {
        if (checker->def->nodes[history->done[i]].task != task) continue;
        report_path(checker, SAGA_FINDING_REPEATED, &spot, "%s would be done again before it was undone", task->name);
        return false;
    }
    if (history->done_count == SAGA_EFFECTS_MAX) {
        report_path(checker, SAGA_FINDING_TOO_COMPLEX, &spot, "more than %d tasks would wait to be undone",
                    SAGA_EFFECTS_MAX);
        return false;
    }
    history->done[history->done_count++] = state;
    return true;
}

static bool retried_for_ever(const struct saga_node *node, struct str error) {
    size_t index;
    const struct saga_retrier *retrier = node_retrier(node, error, &index);
    return retrier && retrier->attempts_max == SAGA_ATTEMPTS_FOREVER;
}

struct outcome {
    struct str error;
    bool unknown;   /* the task may have been done */
    bool after;     /* the task was done; its data flow failed */
    bool data_only; /* raised by a path of the definition, not by the task */
};

static void follow_error(struct checker *checker, int32_t visit, const struct outcome *outcome) {
    uint16_t state = checker->visits[visit].state;
    const struct saga_node *node = &checker->def->nodes[state];
    struct history history = checker->visits[visit].history;
    struct spot spot = { .visit = visit, .error = outcome->error };
    if (!outcome->after && retried_for_ever(node, outcome->error)) return;
    if (outcome->after && !after_success(checker, visit, &history)) return;
    if (outcome->unknown) history.unknown = state;
    bool settles = !outcome->unknown && !outcome->after && history.unknown != NO_STATE && !outcome->data_only;
    if (settles && checker->def->nodes[history.unknown].task == node->task) history.unknown = NO_STATE;
    const struct saga_catcher *catcher = node_catcher(node, outcome->error);
    if (!catcher && outcome->data_only) end_by_data(checker, &spot, &history);
    else if (!catcher) end_uncaught(checker, &spot, &history);
    if (!catcher) return;
    if (catcher->writes && catcher->write.blockers) end_by_data(checker, &spot, &history);
    go(checker, &spot, catcher->next, &history);
}

static bool has_effect(const struct saga_task *task) {
    return task->pivot || task->undone_by != NULL;
}

/* C3: a catcher that takes whatever comes on an external pivot. */
static void follow_wildcard(struct checker *checker, int32_t visit) {
    static const char *const wildcards[] = { SAGA_ERROR_TIMEOUT, SAGA_ERROR_ALL, SAGA_ERROR_TASK_FAILED };
    const struct saga_node *node = &checker->def->nodes[checker->visits[visit].state];
    for (uint16_t i = 0; i < node->catcher_count; i++) {
        const struct saga_catcher *catcher = &node->catchers[i];
        for (size_t k = 0; k < ARRAY_COUNT(wildcards); k++) {
            struct spot spot = { .visit = visit, .error = str_from_c(wildcards[k]) };
            struct history history = checker->visits[visit].history;
            bool named = false;
            for (uint16_t n = 0; n < catcher->errors.count; n++)
                named = named || str_equal(catcher->errors.names[n], spot.error);
            history.unknown = checker->visits[visit].state;
            if (named) go(checker, &spot, catcher->next, &history);
        }
    }
}

static void follow_data_failures(struct checker *checker, int32_t visit) {
    const struct saga_node *node = &checker->def->nodes[checker->visits[visit].state];
    static const struct str runtime = STR_INIT(SAGA_ERROR_RUNTIME), parameter = STR_INIT(SAGA_ERROR_PARAMETER),
                            result_path = STR_INIT(SAGA_ERROR_RESULT_PATH);
    const struct {
        bool possible, after;
        struct str error;
    } failures[] = {
        { node->input_needs.count > 0, false, runtime },    { node->parameter_needs.count > 0, false, parameter },
        { node->selector_need_count > 0, true, parameter }, { node->writes && node->write.blockers, true, result_path },
        { node->output_needs.count > 0, true, runtime },
    };
    for (size_t i = 0; i < ARRAY_COUNT(failures); i++) {
        struct outcome outcome = { .error = failures[i].error, .after = failures[i].after, .data_only = true };
        if (failures[i].possible) follow_error(checker, visit, &outcome);
    }
}

static void visit_next(struct checker *checker, int32_t visit, uint16_t next, const struct history *history) {
    struct spot spot = { .visit = visit };
    if (next != SAGA_NEXT_END) go(checker, &spot, next, history);
    else (void)report_loss(checker, &spot, history, "");
}

static void visit_task(struct checker *checker, int32_t visit) {
    const struct saga_node *node = &checker->def->nodes[checker->visits[visit].state];
    const struct saga_task *task = node->task;
    struct history history = checker->visits[visit].history;
    bool external_effect = task->kind == SAGA_EXTERNAL && has_effect(task);
    if (saga_registry_undoes(checker->def->registry, task) && !compensation_fits(checker, visit, &history)) return;
    for (const struct saga_task_error *error = task->errors; error && error->name; error++) {
        struct outcome outcome = { .error = str_from_c(error->name), .unknown = error->unknown && has_effect(task) };
        follow_error(checker, visit, &outcome);
    }
    if (may_time_out(node)) {
        struct outcome outcome = { .error = STR(SAGA_ERROR_TIMEOUT), .unknown = external_effect };
        follow_error(checker, visit, &outcome);
    }
    if (external_effect && task->pivot && task->has_enquiry) follow_wildcard(checker, visit);
    follow_data_failures(checker, visit);
    if (after_success(checker, visit, &history)) visit_next(checker, visit, node->next, &history);
}

static void visit_choice(struct checker *checker, int32_t visit) {
    const struct saga_node *node = &checker->def->nodes[checker->visits[visit].state];
    const struct history history = checker->visits[visit].history;
    struct spot missing = { .visit = visit, .error = STR(SAGA_ERROR_RUNTIME) };
    struct spot none = { .visit = visit, .error = STR(SAGA_ERROR_NO_CHOICE) };
    bool fails = node->output_needs.count > 0;
    for (uint16_t i = 0; i < node->rule_count; i++) {
        fails = fails || test_may_fail(&node->rules[i].test);
        visit_next(checker, visit, node->rules[i].next, &history);
    }
    if (fails) end_by_data(checker, &missing, &history);
    if (node->fallback == SAGA_NEXT_END) end_uncaught(checker, &none, &history);
    else visit_next(checker, visit, node->fallback, &history);
}

static void visit_fail(const struct checker *checker, int32_t visit) {
    const struct history *history = &checker->visits[visit].history;
    struct spot spot = { .visit = visit };
    if (report_loss(checker, &spot, history, "")) return;
    if (history->pivot_passed)
        report_path(checker, SAGA_FINDING_FAIL_AFTER_PIVOT, &spot,
                    "the saga is called failed although the pivot was passed");
}

/* A8: the time limit of the whole saga strikes wherever time passes. */
static void check_saga_timeout(const struct checker *checker, int32_t visit) {
    const struct saga_node *node = &checker->def->nodes[checker->visits[visit].state];
    const struct history *history = &checker->visits[visit].history;
    struct spot spot = { .visit = visit, .error = STR(SAGA_ERROR_TIMEOUT) };
    if (!checker->def->timeout_ms || node->type == SAGA_SUCCEED || node->type == SAGA_FAIL) return;
    if (history->pivot_passed)
        report_path(checker, SAGA_FINDING_UNCAUGHT, &spot, "TimeoutSeconds of the saga may end it after the pivot");
    else (void)report_loss(checker, &spot, history, "TimeoutSeconds of the saga may end it here, and ");
}

static void visit(struct checker *checker, int32_t index) {
    const struct saga_node *node = &checker->def->nodes[checker->visits[index].state];
    check_saga_timeout(checker, index);
    switch (node->type) {
    case SAGA_TASK: visit_task(checker, index); break;
    case SAGA_CHOICE: visit_choice(checker, index); break;
    case SAGA_PASS:
    case SAGA_WAIT: {
        const struct history history = checker->visits[index].history;
        struct spot missing = { .visit = index, .error = STR(SAGA_ERROR_RUNTIME) };
        if (node->type == SAGA_PASS) follow_data_failures(checker, index);
        if (node->type == SAGA_WAIT && (node->wait_by_path || node->output_needs.count > 0))
            end_by_data(checker, &missing, &history);
        visit_next(checker, index, node->next, &history);
        break;
    }
    case SAGA_SUCCEED: visit_next(checker, index, SAGA_NEXT_END, &checker->visits[index].history); break;
    case SAGA_FAIL: visit_fail(checker, index); break;
    case SAGA_STATE_TYPE_COUNT: check(false); /* a type of state */
    }
}

static void walk(struct checker *checker) {
    const struct history nothing = { .unknown = NO_STATE };
    struct spot outside = { .visit = -1 };
    go(checker, &outside, checker->def->start, &nothing);
    for (int32_t i = 0; i < checker->visit_count; i++) visit(checker, i);
    if (checker->too_many)
        report_state(checker, SAGA_FINDING_TOO_COMPLEX, checker->def->start,
                     "the saga has more than %d paths to look at", SAGA_CHECK_VISITS_MAX);
}

int saga_check(const struct saga_def *def, struct saga_report *ret_report) {
    struct checker checker = { .def = def, .report = ret_report };
    checker.visits = calloc(SAGA_CHECK_VISITS_MAX, sizeof *checker.visits);
    if (!checker.visits) return err_origin(-ENOMEM);
    for (size_t i = 0; i < SAGA_STATES_MAX; i++) checker.first_of[i] = -1;
    ret_report->error_count = ret_report->warning_count = ret_report->count = 0;
    check_graph(&checker);
    check_states(&checker);
    walk(&checker);
    free(checker.visits);
    return ret_report->error_count ? SAGA_E_UNSAFE : 0;
}
