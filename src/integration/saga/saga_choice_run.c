#include "integration/saga/saga_int.h"

#include "platform/clock.h"

/* Evaluating the tests of a Choice. */

int timestamp_parse(struct str text, int64_t *ret_ms) {
    return clock_parse_rfc3339(text, ret_ms); /* pure; A48: upper-case T and Z, offsets are instants */
}

/* A47: by UTF-16 code unit. That is the order of the bytes of UTF-8, but for U+E000 to U+FFFF (first byte EE, EF),
 * which come after the characters of four bytes (first byte F0 and up). */
static int compare_texts(struct str a, struct str b) {
    size_t len = a.len < b.len ? a.len : b.len, i = 0;
    while (i < len && a.at[i] == b.at[i]) i++;
    if (i == len) return a.len < b.len ? -1 : a.len > b.len;
    unsigned char left = (unsigned char)a.at[i], right = (unsigned char)b.at[i];
    if ((left >= 0xf0) != (right >= 0xf0) && left >= 0xee && right >= 0xee) return left >= 0xf0 ? -1 : 1;
    return left < right ? -1 : 1;
}

bool pattern_valid(struct str pattern) {
    for (size_t i = 0; i < pattern.len; i++) {
        if (pattern.at[i] != '\\') continue;
        i++;
        if (i == pattern.len || (pattern.at[i] != '*' && pattern.at[i] != '\\')) return false;
    }
    return true;
}

/* One literal character of the pattern at *at (escapes undone) against c. */
static bool literal_matches(struct str pattern, size_t *at, char c) {
    if (*at >= pattern.len) return false;
    size_t next = *at + (pattern.at[*at] == '\\');
    if (next >= pattern.len || pattern.at[next] != c) return false;
    *at = next + 1;
    return true;
}

bool pattern_matches(struct str pattern, struct str text) {
    size_t p = 0, t = 0, star = SIZE_MAX, star_text = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.at[p] == '*') {
            star = ++p;
            star_text = t;
        } else if (literal_matches(pattern, &p, text.at[t])) {
            t++;
        } else if (star != SIZE_MAX) { /* the last star takes one more */
            p = star;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.at[p] == '*') p++;
    return p == pattern.len;
}

static bool relation_holds(enum saga_relation relation, int order) {
    switch (relation) {
    case SAGA_EQUALS: return order == 0;
    case SAGA_LESS: return order < 0;
    case SAGA_GREATER: return order > 0;
    case SAGA_LESS_EQUALS: return order <= 0;
    case SAGA_GREATER_EQUALS: return order >= 0;
    case SAGA_MATCHES:
    case SAGA_AND:
    case SAGA_OR:
    case SAGA_NOT:
    case SAGA_IS_NULL:
    case SAGA_IS_PRESENT:
    case SAGA_IS_NUMERIC:
    case SAGA_IS_STRING:
    case SAGA_IS_BOOLEAN:
    case SAGA_IS_TIMESTAMP: break;
    }
    check(false); /* a relation of order */
    return false;
}

static int compare_numbers(int64_t a, int64_t b) {
    return a < b ? -1 : a > b;
}

/* A constant with a fraction against a whole number, as binary64 (A49). */
static bool fraction_holds(const struct saga_test *test, int64_t number) {
    double value = (double)number;
    return relation_holds(test->relation, value < test->fraction ? -1 : value > test->fraction);
}

/* A44: a wrong type is false. */
static bool data_holds(const struct saga_test *test, const struct saga_value *left, const struct saga_value *right) {
    int64_t a, b;
    switch (test->family) {
    case SAGA_FAMILY_STRING:
        if (left->type != SAGA_STRING || right->type != SAGA_STRING) return false;
        if (test->relation == SAGA_MATCHES) return pattern_matches(right->text, left->text);
        return relation_holds(test->relation, compare_texts(left->text, right->text));
    case SAGA_FAMILY_NUMERIC:
        if (left->type != SAGA_I64) return false;
        if (test->by_fraction) return fraction_holds(test, left->number);
        return right->type == SAGA_I64 && relation_holds(test->relation, compare_numbers(left->number, right->number));
    case SAGA_FAMILY_BOOLEAN:
        return left->type == SAGA_BOOL && right->type == SAGA_BOOL && left->number == right->number;
    case SAGA_FAMILY_TIMESTAMP:
        if (left->type != SAGA_STRING || timestamp_parse(left->text, &a)) return false;
        b = right->number;
        if (test->by_path && (right->type != SAGA_STRING || timestamp_parse(right->text, &b))) return false;
        return relation_holds(test->relation, compare_numbers(a, b));
    case SAGA_FAMILY_LOGIC:
    case SAGA_FAMILY_IS: break;
    }
    check(false); /* a data test */
    return false;
}

static bool is_holds(enum saga_relation relation, const struct saga_value *value) {
    int64_t ms;
    if (relation == SAGA_IS_NULL) return value->type == SAGA_NULL;
    if (relation == SAGA_IS_NUMERIC) return value->type == SAGA_I64;
    if (relation == SAGA_IS_STRING) return value->type == SAGA_STRING;
    if (relation == SAGA_IS_BOOLEAN) return value->type == SAGA_BOOL;
    return value->type == SAGA_STRING && timestamp_parse(value->text, &ms) == 0;
}

static bool path_present(const struct saga_path *path, const struct saga_state *state) {
    return path->whole || slots_present(state, path->under);
}

static enum test_verdict evaluate_data(const struct saga_test *test, const struct saga_state *state) {
    struct saga_value left = slot_value(state, test->variable.slot), right = test->value;
    if (!path_present(&test->variable, state)) return TEST_ERROR; /* A45 */
    if (test->by_path && !path_present(&test->other, state)) return TEST_ERROR;
    if (test->by_path) right = slot_value(state, test->other.slot);
    return data_holds(test, &left, &right) ? TEST_TRUE : TEST_FALSE;
}

static enum test_verdict evaluate_is(const struct saga_test *test, const struct saga_state *state) {
    bool present = path_present(&test->variable, state);
    struct saga_value value = slot_value(state, test->variable.slot);
    if (test->relation != SAGA_IS_PRESENT && !present) return TEST_ERROR;
    bool holds = test->relation == SAGA_IS_PRESENT ? present : is_holds(test->relation, &value);
    return holds == (test->value.number == 1) ? TEST_TRUE : TEST_FALSE;
}

enum test_verdict test_evaluate(const struct saga_test *test, const struct saga_state *state) {
    if (test->family == SAGA_FAMILY_IS) return evaluate_is(test, state);
    if (test->family != SAGA_FAMILY_LOGIC) return evaluate_data(test, state);
    enum test_verdict stop =
        test->relation == SAGA_OR ? TEST_TRUE : TEST_FALSE; /* A42: the first such verdict ends it */
    for (uint16_t i = 0; i < test->child_count; i++) {
        enum test_verdict verdict = test_evaluate(&test->children[i], state);
        if (verdict == TEST_ERROR) return TEST_ERROR;
        if (test->relation == SAGA_NOT) return verdict == TEST_TRUE ? TEST_FALSE : TEST_TRUE;
        if (verdict == stop) return stop;
    }
    return stop == TEST_TRUE ? TEST_FALSE : TEST_TRUE;
}

enum { GUARDS_MAX = 16 };
struct guards {
    struct str names[GUARDS_MAX];
    size_t count;
};

static bool guarded(const struct guards *guards, const struct saga_path *path) {
    for (size_t i = 0; i < guards->count; i++)
        if (str_equal(guards->names[i], path->name)) return true;
    return path->whole;
}

static bool may_fail(const struct saga_test *test, const struct guards *outer) {
    if (test->family != SAGA_FAMILY_LOGIC) {
        if (test->relation == SAGA_IS_PRESENT) return false;
        return !guarded(outer, &test->variable) || (test->by_path && !guarded(outer, &test->other));
    }
    struct guards guards = *outer;
    for (uint16_t i = 0; i < test->child_count; i++) {
        const struct saga_test *child = &test->children[i];
        if (may_fail(child, &guards)) return true;
        bool is_guard = test->relation == SAGA_AND && child->relation == SAGA_IS_PRESENT && child->value.number == 1;
        if (is_guard && guards.count < GUARDS_MAX) guards.names[guards.count++] = child->variable.name;
    }
    return false;
}

bool test_may_fail(const struct saga_test *test) {
    struct guards none = { .count = 0 };
    return may_fail(test, &none);
}
