#include "integration/breaker.h"

#include "platform/str.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A trace is words, run from left to right at time 0:
 *   +N       N ms pass
 *   ?X >X    an enquiry (?) or another call (>) asks; its permit gets the name X; must be admitted
 *   ?! >!    must be refused
 *   Xd Xf Xr Xc   permit X reports done, failed, refused by the business, cancelled
 *   #C #O #H      the state must be closed, open, half-open
 *   =o =c =n      the operator forces open, closed, or releases
 *   ~N       a call that is no enquiry is told to come back in N ms
 * The breaker has failures_max 3, open_ms 100, half_open_permits 2, enquiry_first_ms 10. */
static const struct {
    const char *name, *trace;
} traces[] = {
    { "closed admits both", "#C ?a >b ad bd #C" },
    { "three failures in a row open", ">a af >b bf #C >c cf #O >! ?!" },
    { "a success breaks the row", ">a af >b bf >c cd >d df >e ef #C >f ff #O" },
    { "a refusal does not break the row", ">a af >b bf >c cr >d df #O" },
    { "refusals never open", ">a ar >b br >c cr >d dr >e er #C" },
    { "cancelled never opens", ">a ac >b bc >c cc >d dc #C" },
    { "failures of concurrent calls count", ">a >b >c af bf cf #O" },
    { "a late failure does not count", ">a >b >c >d af bf cf #O +100 #H ?e df ed #H ?f fd #C" },
    { "a late success does not count", ">a >b >c >d af bf cf +100 ?e dd #H ed #H" },
    { "open for open_ms, not less", ">a af >b bf >c cf +99 #O ?! +1 #H" },
    { "retry-after counts down", ">a af >b bf >c cf ~100 +60 ~40 +39 ~1 +1 ~10 +5 ~5 +5 ~0" },
    { "the first permit is an enquiry's", ">a af >b bf >c cf +100 >! ?d >e >! ?! dd >! ed #C" },
    { "without enquiries anyone, later", ">a af >b bf >c cf +100 >! +9 >! +1 >d dd >e ed #C" },
    { "half-open permits are counted", ">a af >b bf >c cf +100 ?d ?e ?! >! dd ?! ed #C" },
    { "a failure in half-open opens again", ">a af >b bf >c cf +100 ?d ?e df #O ed #O +99 #O +1 #H" },
    { "a refusal gives its permit back", ">a af >b bf >c cf +100 ?d dr ?e ?f ?! ed fd #C" },
    { "a cancel gives its permit back", ">a af >b bf >c cf +100 ?d ?e dc ?g ?! ed gd #C" },
    { "lost permits are renewed in time", ">a af >b bf >c cf +100 ?d ?e ?! +99 ?! ~1 +1 #H ?g ?h gd hd #C" },
    { "a result of the renewed one is late", ">a af >b bf >c cf +100 ?d ?e +100 df #H ?g gd #H ?h hd #C" },
    { "forced open refuses all", "=o #O ?! >! +100000 #O ?! =n #C >a" },
    { "forced closed admits and counts none", "=c >a af >b bf >c cf >d df #C =n #C >e ef #C" },
    { "forcing closes an open one", ">a af >b bf >c cf #O =c #C >d =n #C" },
    { "a permit from before the force", ">a >b af =c bf =n bf >c cf >d df #C >e ef #O" },
    { "released, the row starts anew", ">a af >b bf =o =n #C >c cf >d df #C >e ef #O" },
};

static const struct breaker_options small = {
    .failures_max = 3, .half_open_permits = 2, .open_ms = 100, .enquiry_first_ms = 10
};

struct run {
    struct breaker breaker;
    int64_t now_ms;
    struct breaker_permit permits[128]; /* by name */
};

static bool ask(struct run *run, enum breaker_call call, char name) {
    struct breaker_permit unused, *permit = name == '!' ? &unused : &run->permits[(int)name];
    bool admits = breaker_admits(&run->breaker, call, run->now_ms);
    int r = breaker_ask(&run->breaker, call, run->now_ms, permit);
    return admits == (r == 0) && r == (name == '!' ? (int)BREAKER_E_OPEN : 0);
}

static bool report(struct run *run, char name, char result) {
    static const enum breaker_result results[128] = {
        ['d'] = BREAKER_DONE, ['f'] = BREAKER_FAILED, ['r'] = BREAKER_REFUSED, ['c'] = BREAKER_CANCELLED
    };
    breaker_report(&run->breaker, run->permits[(int)name], results[(int)result], run->now_ms);
    return true;
}

static bool step(struct run *run, const char *word) {
    static const enum breaker_state states[128] = {
        ['C'] = BREAKER_CLOSED, ['O'] = BREAKER_OPEN, ['H'] = BREAKER_HALF_OPEN
    };
    static const enum breaker_force forces[128] = { ['o'] = BREAKER_FORCE_OPEN, ['c'] = BREAKER_FORCE_CLOSED };
    switch (word[0]) {
    case '+':
        run->now_ms += strtol(word + 1, NULL, 10);
        return true;
    case '~':
        return breaker_retry_after_ms(&run->breaker, BREAKER_CALL_OTHER, run->now_ms) == strtol(word + 1, NULL, 10);
    case '#':
        return breaker_state_at(&run->breaker, run->now_ms) == states[(int)word[1]];
    case '=':
        breaker_force(&run->breaker, forces[(int)word[1]], run->now_ms);
        return true;
    case '?':
        return ask(run, BREAKER_CALL_ENQUIRY, word[1]);
    case '>':
        return ask(run, BREAKER_CALL_OTHER, word[1]);
    default:
        return report(run, word[0], word[1]);
    }
}

/* spec: gateway/52 */
static void traces_are_followed(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(traces); i++) {
        struct run run = { 0 };
        struct str rest = str_from_c(traces[i].trace), word;
        breaker_init(&run.breaker, &small, 0);
        while (rest.len) {
            char text[16];
            (void)str_cut(&rest, ' ', &word);
            assert_int_equal(str_to_c(word, text, sizeof text), 0);
            if (!step(&run, text)) fail_msg("%s: at %s before \"" STR_FMT "\"", traces[i].name, text, STR_ARG(rest));
        }
    }
}

/* --- Every reachable state of a small breaker (K3, K4). */

enum { OPEN_MS = 3, HELD_MAX = 3, NODES_MAX = 20000 };
static const struct breaker_options tiny = {
    .failures_max = 2, .half_open_permits = 2, .open_ms = OPEN_MS, .enquiry_first_ms = 1
};

struct node {
    struct breaker breaker; /* since_ms is 0 and generation 1: only what matters to the future is left */
    int64_t age_ms;         /* in this generation, OPEN_MS standing for "as long or longer" */
    int held;               /* permits of this generation that somebody holds */
};
static struct node nodes[NODES_MAX];
static size_t node_count;

/* Field by field: an assignment may leave anything in the padding. */
static bool breakers_equal(const struct breaker *a, const struct breaker *b) {
    return a->state == b->state && a->force == b->force && a->generation == b->generation &&
           a->since_ms == b->since_ms && a->failures == b->failures && a->under_way == b->under_way &&
           a->successes == b->successes && a->enquiry_went == b->enquiry_went;
}

static void visit(struct node node, uint64_t generation_before) {
    if (node.breaker.generation != generation_before) node.held = 0; /* they are of the past now */
    node.age_ms -= node.breaker.since_ms;
    node.breaker.since_ms = 0;
    node.breaker.generation = 1;
    if (node.age_ms > OPEN_MS) node.age_ms = OPEN_MS;
    if (node.held > HELD_MAX) return;
    for (size_t i = 0; i < node_count; i++) {
        const struct breaker *a = &nodes[i].breaker, *b = &node.breaker;
        if (a->state == b->state && a->failures == b->failures && a->under_way == b->under_way &&
            a->successes == b->successes && a->enquiry_went == b->enquiry_went && nodes[i].age_ms == node.age_ms &&
            nodes[i].held == node.held)
            return;
    }
    assert_true(node_count < NODES_MAX);
    nodes[node_count++] = node;
}

static void visit_results(struct node from) {
    for (int result = BREAKER_DONE; result <= (int)BREAKER_CANCELLED; result++) {
        struct node to = from;
        if (from.held) {
            to.held--;
            breaker_report(&to.breaker, (struct breaker_permit){ 1 }, (enum breaker_result)result, to.age_ms);
            visit(to, 1);
        }
        struct node late = from, quiet = from;
        (void)breaker_state_at(&quiet.breaker, quiet.age_ms); /* what time alone does */
        breaker_report(&late.breaker, (struct breaker_permit){ 0 }, (enum breaker_result)result, late.age_ms);
        assert_true(breakers_equal(&late.breaker, &quiet.breaker)); /* (K1) */
    }
}

static void visit_neighbours(struct node from) {
    struct breaker_permit permit;
    struct node to = from;
    to.age_ms++;
    visit(to, 1);
    for (int call = BREAKER_CALL_ENQUIRY; call <= (int)BREAKER_CALL_OTHER; call++) {
        to = from;
        if (breaker_ask(&to.breaker, (enum breaker_call)call, to.age_ms, &permit) == 0) {
            if (to.breaker.generation != 1) to.held = 0;
            to.held++;
            to.age_ms -= to.breaker.since_ms;
            to.breaker.since_ms = 0;
            to.breaker.generation = 1;
        }
        visit(to, to.breaker.generation == 1 ? 1 : 0);
    }
    visit_results(from);
    if (from.held) { /* its holder dies and never reports */
        to = from;
        to.held--;
        visit(to, 1);
    }
}

/* From node on only calls of this kind come, one a millisecond, and all end like this. */
static bool reaches(struct node node, enum breaker_call call, enum breaker_result result, enum breaker_state want) {
    enum { STEPS_MAX = 4 * OPEN_MS + 8 };
    struct breaker_permit permit;
    for (int i = 0; i < STEPS_MAX; i++, node.age_ms++) {
        if (breaker_state_at(&node.breaker, node.age_ms) == want) return true;
        if (breaker_ask(&node.breaker, call, node.age_ms, &permit) == 0)
            breaker_report(&node.breaker, permit, result, node.age_ms);
    }
    return false;
}

static void every_state_has_an_exit(void **state) {
    (void)state;
    struct node first = { 0 };
    size_t seen[3] = { 0 };
    breaker_init(&first.breaker, &tiny, 0);
    node_count = 0;
    visit(first, first.breaker.generation);
    for (size_t i = 0; i < node_count; i++) {
        const struct node node = nodes[i];
        seen[node.breaker.state]++;
        assert_true(node.breaker.successes + node.breaker.under_way <= tiny.half_open_permits);
        assert_true(node.breaker.state == BREAKER_CLOSED || node.held <= node.breaker.under_way);
        assert_true(reaches(node, BREAKER_CALL_ENQUIRY, BREAKER_DONE, BREAKER_CLOSED));
        assert_true(reaches(node, BREAKER_CALL_OTHER, BREAKER_DONE, BREAKER_CLOSED));
        assert_true(reaches(node, BREAKER_CALL_OTHER, BREAKER_FAILED, BREAKER_OPEN));
        visit_neighbours(node);
    }
    print_message("%zu states: %zu closed, %zu open, %zu half-open\n", node_count, seen[BREAKER_CLOSED],
                  seen[BREAKER_OPEN], seen[BREAKER_HALF_OPEN]);
    assert_true(seen[BREAKER_CLOSED] && seen[BREAKER_OPEN] && seen[BREAKER_HALF_OPEN] > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traces_are_followed),
        cmocka_unit_test(every_state_has_an_exit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
