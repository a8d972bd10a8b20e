#include "integration/saga/saga_check_int.h"

/* What can be said without walking paths: single states, and who can reach whom. */

static bool is_end(const struct saga_node *node) {
    if (node->type == SAGA_SUCCEED || node->type == SAGA_FAIL) return true;
    return node->type != SAGA_CHOICE && node->next == SAGA_NEXT_END;
}

/* The states that node leads to, into to (room for all rules, catchers and two more); returns how many. */
enum { EDGES_MAX = SAGA_RULES_MAX + SAGA_CATCHERS_MAX + 2 };
static size_t edges_of(const struct saga_node *node, uint16_t to[EDGES_MAX]) {
    size_t count = 0;
    for (uint16_t i = 0; i < node->rule_count; i++) to[count++] = node->rules[i].next;
    for (uint16_t i = 0; i < node->catcher_count; i++) to[count++] = node->catchers[i].next;
    if (node->type == SAGA_CHOICE) {
        if (node->fallback != SAGA_NEXT_END) to[count++] = node->fallback;
    } else if (!is_end(node)) {
        to[count++] = node->next;
    }
    return count;
}

/* Marks what can be reached from the start. */
static void mark_reached(const struct saga_def *def, bool reached[SAGA_STATES_MAX]) {
    uint16_t stack[SAGA_STATES_MAX], to[EDGES_MAX];
    size_t depth = 0;
    reached[def->start] = true;
    stack[depth++] = def->start;
    while (depth) {
        size_t count = edges_of(&def->nodes[stack[--depth]], to);
        for (size_t i = 0; i < count; i++) {
            if (reached[to[i]]) continue;
            reached[to[i]] = true; /* each state is pushed once, so the stack suffices */
            stack[depth++] = to[i];
        }
    }
}

static bool leads_to_end(const struct saga_def *def, uint16_t state, const bool ends[SAGA_STATES_MAX]) {
    uint16_t to[EDGES_MAX];
    size_t count = edges_of(&def->nodes[state], to);
    for (size_t i = 0; i < count; i++)
        if (ends[to[i]]) return true;
    return is_end(&def->nodes[state]);
}

/* Marks the states from which an end can be reached, until nothing is new. */
static void mark_ending(const struct saga_def *def, bool ends[SAGA_STATES_MAX]) {
    bool changed = true;
    while (changed) {
        changed = false;
        for (uint16_t i = 0; i < def->node_count; i++) {
            if (ends[i] || !leads_to_end(def, i, ends)) continue;
            ends[i] = changed = true;
        }
    }
}

void check_graph(const struct checker *checker) {
    bool reached[SAGA_STATES_MAX] = { false }, ends[SAGA_STATES_MAX] = { false };
    mark_reached(checker->def, reached);
    mark_ending(checker->def, ends);
    for (uint16_t i = 0; i < checker->def->node_count; i++) {
        if (!reached[i]) report_state(checker, SAGA_FINDING_UNREACHABLE, i, "no path leads to this state"); /* A10 */
        else if (!ends[i])
            report_state(checker, SAGA_FINDING_NO_END, i, "from here no path leads to an end of the saga");
    }
}

/* ---- single states */
bool may_time_out(const struct saga_node *node) {
    if (node->task->has_enquiry) return false;
    return node->task->kind != SAGA_INLINE || node->names_timeout;
}

static void check_task(const struct checker *checker, uint16_t state) {
    const struct saga_node *node = &checker->def->nodes[state];
    const struct saga_task *task = node->task;
    if (!node->names_timeout && (task->needs_time_limit || task->kind != SAGA_INLINE))
        report_state(checker, SAGA_FINDING_NO_TIME_LIMIT, state, "the task %s has no TimeoutSeconds", task->name);
    if (!task->undone_by && !task->nothing_to_undo && !task->pivot &&
        !saga_registry_undoes(checker->def->registry, task))
        report_state(checker, SAGA_FINDING_NO_COMPENSATION, state, "nothing undoes the task %s, and it is no pivot",
                     task->name);
}

static bool can_be_raised(const struct saga_node *node, struct str error) {
    if (str_starts(error, STR("States."))) return true;
    return saga_task_find_error(node->task, error) != NULL;
}

static void check_errors(const struct checker *checker, uint16_t state, const struct saga_errors *errors) {
    const struct saga_node *node = &checker->def->nodes[state];
    char show[SHOWN_BYTES];
    for (uint16_t i = 0; i < errors->count; i++)
        if (!can_be_raised(node, errors->names[i]))
            report_state(checker, SAGA_FINDING_NEVER_RAISED, state, "the task %s never raises %s", node->task->name,
                         shown(errors->names[i], show));
}

static bool compares_fraction(const struct saga_test *test) {
    for (uint16_t i = 0; i < test->child_count; i++)
        if (compares_fraction(&test->children[i])) return true;
    return test->by_fraction && test->relation == SAGA_EQUALS;
}

void check_states(const struct checker *checker) {
    for (uint16_t i = 0; i < checker->def->node_count; i++) {
        const struct saga_node *node = &checker->def->nodes[i];
        if (node->task) check_task(checker, i);
        for (uint16_t k = 0; k < node->retrier_count; k++) check_errors(checker, i, &node->retriers[k].errors);
        for (uint16_t k = 0; k < node->catcher_count; k++) check_errors(checker, i, &node->catchers[k].errors);
        for (uint16_t k = 0; k < node->rule_count; k++)
            if (compares_fraction(&node->rules[k].test)) /* A49 */
                report_state(checker, SAGA_FINDING_FRACTION, i,
                             "NumericEquals with a fraction: data are whole numbers");
    }
}
