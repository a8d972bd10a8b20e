#include "integration/breaker.h"

const struct breaker_options breaker_default = {
    .failures_max = 5, .half_open_permits = 3, .open_ms = 30000, .enquiry_first_ms = 0
};
const struct breaker_options breaker_core_banking = {
    .failures_max = 3, .half_open_permits = 3, .open_ms = 60000, .enquiry_first_ms = 2000
};

/* Begins a generation: everything counted in the one before is forgotten. */
static void enter(struct breaker *breaker, enum breaker_state state, int64_t now_ms) {
    breaker->state = state;
    breaker->generation++;
    breaker->since_ms = now_ms;
    breaker->failures = breaker->under_way = breaker->successes = 0;
    breaker->enquiry_went = false;
}

/* The changes that time alone makes. */
static void advance(struct breaker *breaker, int64_t now_ms) {
    check(now_ms >= breaker->since_ms);
    if (breaker->force != BREAKER_FORCE_NONE || breaker->state == BREAKER_CLOSED) return;
    if (now_ms - breaker->since_ms >= breaker->options.open_ms) enter(breaker, BREAKER_HALF_OPEN, now_ms);
}

void breaker_init(struct breaker *breaker, const struct breaker_options *options, int64_t now_ms) {
    check(options->failures_max >= 1 && options->failures_max <= BREAKER_FAILURES_MAX);
    check(options->half_open_permits >= 1 && options->half_open_permits <= BREAKER_PERMITS_MAX);
    check(options->open_ms >= 1 && options->open_ms <= BREAKER_MS_MAX);
    check(options->enquiry_first_ms >= 0 &&
          options->enquiry_first_ms < options->open_ms); /* else K4 renews before anyone else may go (K3) */
    *breaker = (struct breaker){ .options = *options };
    enter(breaker, BREAKER_CLOSED, now_ms);
}

static bool half_open_admits(const struct breaker *breaker, enum breaker_call call, int64_t now_ms) {
    if (breaker->successes + breaker->under_way >= breaker->options.half_open_permits) return false;
    return call == BREAKER_CALL_ENQUIRY || breaker->enquiry_went ||
           now_ms - breaker->since_ms >= breaker->options.enquiry_first_ms;
}

bool breaker_admits(struct breaker *breaker, enum breaker_call call, int64_t now_ms) {
    advance(breaker, now_ms);
    if (breaker->force != BREAKER_FORCE_NONE) return breaker->force == BREAKER_FORCE_CLOSED;
    switch (breaker->state) {
    case BREAKER_CLOSED:
        return true;
    case BREAKER_OPEN:
        return false;
    case BREAKER_HALF_OPEN:
        return half_open_admits(breaker, call, now_ms);
    }
    check(false);
    return false;
}

int breaker_ask(struct breaker *breaker, enum breaker_call call, int64_t now_ms, struct breaker_permit *ret_permit) {
    if (!breaker_admits(breaker, call, now_ms)) return BREAKER_E_OPEN;
    if (breaker->force == BREAKER_FORCE_NONE && breaker->state == BREAKER_HALF_OPEN) {
        breaker->under_way++;
        breaker->enquiry_went = true;
    }
    *ret_permit = (struct breaker_permit){ .generation = breaker->generation };
    return 0;
}

static void count_closed(struct breaker *breaker, enum breaker_result result, int64_t now_ms) {
    switch (result) {
    case BREAKER_REFUSED:
    case BREAKER_CANCELLED:
        return;
    case BREAKER_DONE:
        breaker->failures = 0;
        return;
    case BREAKER_FAILED:
        if (++breaker->failures >= breaker->options.failures_max) enter(breaker, BREAKER_OPEN, now_ms);
        return;
    }
    check(false);
}

static void count_half_open(struct breaker *breaker, enum breaker_result result, int64_t now_ms) {
    check(breaker->under_way > 0);
    breaker->under_way--;
    switch (result) {
    case BREAKER_REFUSED:
    case BREAKER_CANCELLED:
        return;
    case BREAKER_DONE:
        if (++breaker->successes >= breaker->options.half_open_permits) enter(breaker, BREAKER_CLOSED, now_ms);
        return;
    case BREAKER_FAILED:
        enter(breaker, BREAKER_OPEN, now_ms);
        return;
    }
    check(false);
}

void breaker_report(struct breaker *breaker, struct breaker_permit permit, enum breaker_result result, int64_t now_ms) {
    advance(breaker, now_ms);
    if (permit.generation != breaker->generation || breaker->force != BREAKER_FORCE_NONE) return;
    switch (breaker->state) {
    case BREAKER_CLOSED:
        count_closed(breaker, result, now_ms);
        return;
    case BREAKER_HALF_OPEN:
        count_half_open(breaker, result, now_ms);
        return;
    case BREAKER_OPEN:
        break; /* no permit is given while it is open */
    }
    check(false);
}

int64_t breaker_retry_after_ms(struct breaker *breaker, enum breaker_call call, int64_t now_ms) {
    if (breaker_admits(breaker, call, now_ms)) return 0;
    if (breaker->force == BREAKER_FORCE_OPEN)
        return breaker->options.open_ms; /* nobody knows; as good a guess as any */
    int64_t wait_ms = breaker->options.open_ms;
    bool permits_left = breaker->successes + breaker->under_way < breaker->options.half_open_permits;
    if (breaker->state == BREAKER_HALF_OPEN && permits_left) wait_ms = breaker->options.enquiry_first_ms;
    int64_t left_ms = breaker->since_ms + wait_ms - now_ms;
    return left_ms > 0 ? left_ms : 1;
}

void breaker_force(struct breaker *breaker, enum breaker_force force, int64_t now_ms) {
    advance(breaker, now_ms);
    breaker->force = force;
    enter(breaker, BREAKER_CLOSED, now_ms);
}

enum breaker_state breaker_state_at(struct breaker *breaker, int64_t now_ms) {
    advance(breaker, now_ms);
    switch (breaker->force) {
    case BREAKER_FORCE_OPEN:
        return BREAKER_OPEN;
    case BREAKER_FORCE_CLOSED:
        return BREAKER_CLOSED;
    case BREAKER_FORCE_NONE:
        break;
    }
    return breaker->state;
}
