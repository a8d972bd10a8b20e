#include "integration/saga/saga_int.h"

/* Choice rules (A41 to A50), compiled to a tree of tests that reads slots only. */

static const struct operator{
    const char *name; /* without Path */
    enum saga_family family;
    enum saga_relation relation;
    bool has_path;
}
operators[] = {
    { "And", SAGA_FAMILY_LOGIC, SAGA_AND, false },
    { "Or", SAGA_FAMILY_LOGIC, SAGA_OR, false },
    { "Not", SAGA_FAMILY_LOGIC, SAGA_NOT, false },
    { "StringEquals", SAGA_FAMILY_STRING, SAGA_EQUALS, true },
    { "StringLessThan", SAGA_FAMILY_STRING, SAGA_LESS, true },
    { "StringGreaterThan", SAGA_FAMILY_STRING, SAGA_GREATER, true },
    { "StringLessThanEquals", SAGA_FAMILY_STRING, SAGA_LESS_EQUALS, true },
    { "StringGreaterThanEquals", SAGA_FAMILY_STRING, SAGA_GREATER_EQUALS, true },
    { "StringMatches", SAGA_FAMILY_STRING, SAGA_MATCHES, false },
    { "NumericEquals", SAGA_FAMILY_NUMERIC, SAGA_EQUALS, true },
    { "NumericLessThan", SAGA_FAMILY_NUMERIC, SAGA_LESS, true },
    { "NumericGreaterThan", SAGA_FAMILY_NUMERIC, SAGA_GREATER, true },
    { "NumericLessThanEquals", SAGA_FAMILY_NUMERIC, SAGA_LESS_EQUALS, true },
    { "NumericGreaterThanEquals", SAGA_FAMILY_NUMERIC, SAGA_GREATER_EQUALS, true },
    { "BooleanEquals", SAGA_FAMILY_BOOLEAN, SAGA_EQUALS, true },
    { "TimestampEquals", SAGA_FAMILY_TIMESTAMP, SAGA_EQUALS, true },
    { "TimestampLessThan", SAGA_FAMILY_TIMESTAMP, SAGA_LESS, true },
    { "TimestampGreaterThan", SAGA_FAMILY_TIMESTAMP, SAGA_GREATER, true },
    { "TimestampLessThanEquals", SAGA_FAMILY_TIMESTAMP, SAGA_LESS_EQUALS, true },
    { "TimestampGreaterThanEquals", SAGA_FAMILY_TIMESTAMP, SAGA_GREATER_EQUALS, true },
    { "IsNull", SAGA_FAMILY_IS, SAGA_IS_NULL, false },
    { "IsPresent", SAGA_FAMILY_IS, SAGA_IS_PRESENT, false },
    { "IsNumeric", SAGA_FAMILY_IS, SAGA_IS_NUMERIC, false },
    { "IsString", SAGA_FAMILY_IS, SAGA_IS_STRING, false },
    { "IsBoolean", SAGA_FAMILY_IS, SAGA_IS_BOOLEAN, false },
    { "IsTimestamp", SAGA_FAMILY_IS, SAGA_IS_TIMESTAMP, false },
};

struct place {
    struct str input;
    const char *name; /* "Choices[0]" */
    int depth;
};

static const struct operator* find_operator(struct str member, bool *ret_by_path) {
    for (size_t i = 0; i < ARRAY_COUNT(operators); i++) {
        *ret_by_path = false;
        if (str_equal_c(member, operators[i].name)) return &operators[i];
        *ret_by_path = true;
        if (operators[i].has_path && str_ends(member, STR("Path")) &&
            str_equal_c(str_slice(member, 0, member.len - 4), operators[i].name))
            return &operators[i];
    }
    return NULL;
}

/* A43: one operator, and nothing besides it but Variable, Comment and (at the top) Next. */
static int pick_operator(const struct compiler *compiler, const struct json *json, const struct place *place,
                         struct saga_test *test, const struct json **ret_operand) {
    void *iterator = NULL;
    struct str member;
    const struct json *value, *operand = NULL;
    char show[SHOWN_BYTES];
    while (json_next(json, &iterator, &member, &value)) {
        bool by_path;
        const struct operator* operator= find_operator(member, &by_path);
        if (operator&& operand) return compile_refuse(compiler, place->name, "has more than one operator");
        if (operator) {
            operand = value;
            test->family = operator->family;
            test->relation = operator->relation;
            test->by_path = by_path;
            continue;
        }
        if (str_equal_c(member, "Variable") || str_equal_c(member, "Comment")) continue;
        if (str_equal_c(member, "Next") && place->depth == 0) continue;
        if (str_equal_c(member, "Next"))
            return compile_refuse(compiler, place->name, "a nested rule must not have Next"); /* A42 */
        if (str_equal_c(member, "Assign") || str_equal_c(member, "Condition") || str_equal_c(member, "Output"))
            return compile_refuse(compiler, place->name, "%s is not supported yet", shown(member, show));
        return compile_refuse(compiler, place->name, "unknown field \"%s\"", shown(member, show));
    }
    if (!operand) return compile_refuse(compiler, place->name, "has no operator");
    *ret_operand = operand;
    return 0;
}

static int wrong_operand(const struct compiler *compiler, const struct place *place, const char *wanted) {
    return compile_refuse(compiler, place->name, "its operator needs %s", wanted);
}

static int compile_text(const struct compiler *compiler, const struct place *place, const struct json *operand,
                        struct saga_test *test) {
    struct str text = json_string(operand);
    if (!json_is_string(operand) || text.len > SAGA_STRING_BYTES_MAX)
        return wrong_operand(compiler, place, "a text of at most 256 bytes");
    if (test->relation == SAGA_MATCHES && !pattern_valid(text)) /* A46 */
        return wrong_operand(compiler, place, "a pattern in which \\ stands before * or \\ only");
    test->value = saga_string(arena_dup(&compiler->def->body, text));
    return test->value.text.at ? 0 : err_origin(-ENOMEM);
}

static int compile_operand(const struct compiler *compiler, const struct place *place, const struct json *operand,
                           struct saga_test *test) {
    switch (test->family) {
    case SAGA_FAMILY_STRING: return compile_text(compiler, place, operand, test);
    case SAGA_FAMILY_NUMERIC:
        test->by_fraction = json_type(operand) == JSON_REAL_TYPE;
        test->fraction = json_real(operand);
        test->value = saga_i64(json_integer(operand, 0));
        return test->by_fraction || json_type(operand) == JSON_INTEGER_TYPE
                   ? 0
                   : wrong_operand(compiler, place, "a number");
    case SAGA_FAMILY_BOOLEAN:
    case SAGA_FAMILY_IS:
        test->value = saga_bool(json_bool(operand, false));
        return json_type(operand) == JSON_BOOL_TYPE ? 0 : wrong_operand(compiler, place, "true or false");
    case SAGA_FAMILY_TIMESTAMP:
        test->value = saga_i64(0);
        if (json_is_string(operand) && timestamp_parse(json_string(operand), &test->value.number) == 0) return 0;
        return wrong_operand(compiler, place, "a time of RFC 3339");
    case SAGA_FAMILY_LOGIC: break;
    }
    return 0;
}

static int compile_test(const struct compiler *compiler, const struct json *json, const struct place *place,
                        struct saga_test *test);

/* A42: a list for And and Or, exactly one rule for Not. */
static int compile_children(const struct compiler *compiler, const struct json *operand, const struct place *place,
                            struct saga_test *test) {
    bool single = test->relation == SAGA_NOT;
    struct place inner = { .input = place->input, .name = place->name, .depth = place->depth + 1 };
    size_t count = single ? 1 : json_count(operand);
    if (place->depth == SAGA_TEST_DEPTH_MAX)
        return compile_refuse(compiler, place->name, "is nested deeper than %d", SAGA_TEST_DEPTH_MAX);
    if (!single && json_type(operand) != JSON_ARRAY_TYPE) return wrong_operand(compiler, place, "a list of rules");
    if (count == 0 || count > SAGA_RULES_MAX) return wrong_operand(compiler, place, "1 to 64 rules");
    struct saga_test *children = compile_array(compiler, struct saga_test, count);
    if (!children) return err_origin(-ENOMEM);
    for (size_t i = 0; i < count; i++) {
        int r = compile_test(compiler, single ? operand : json_at(operand, i), &inner, &children[i]);
        if (r) return r;
    }
    test->children = children;
    test->child_count = (uint16_t)count;
    return 0;
}

static int compile_test(const struct compiler *compiler, const struct json *json, const struct place *place,
                        struct saga_test *test) {
    const struct json *operand, *variable = json_get(json, "Variable");
    if (json_type(json) != JSON_OBJECT_TYPE) return compile_refuse(compiler, place->name, "a rule must be an object");
    int r = pick_operator(compiler, json, place, test, &operand);
    if (r) return r;
    if (test->family == SAGA_FAMILY_LOGIC) {
        if (variable) return compile_refuse(compiler, place->name, "Variable must not stand beside And, Or, Not");
        return compile_children(compiler, operand, place, test);
    }
    if (!variable) return compile_refuse(compiler, place->name, "has no Variable");
    r = compile_read(compiler, place->name, place->input, variable, &test->variable);
    if (r) return r;
    if (test->by_path) return compile_read(compiler, place->name, place->input, operand, &test->other);
    return compile_operand(compiler, place, operand, test);
}

int compile_choice(const struct compiler *compiler, const struct json *json, struct saga_node *node) {
    const struct json *choices = json_get(json, "Choices"), *fallback = json_get(json, "Default");
    size_t count = json_count(choices);
    char name[48];
    struct place place = { .name = name };
    int r = compile_document_path(compiler, json, "InputPath", &place.input);
    if (r) return r;
    if (json_type(choices) != JSON_ARRAY_TYPE || count == 0 || count > SAGA_RULES_MAX)
        return compile_refuse(compiler, "Choices", "must be a list of 1 to %d rules", SAGA_RULES_MAX);
    struct saga_rule *rules = compile_array(compiler, struct saga_rule, count);
    if (!rules) return err_origin(-ENOMEM);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(name, sizeof name, "Choices[%zu]", i);
        r = compile_test(compiler, json_at(choices, i), &place, &rules[i].test);
        if (r) return r;
        (void)snprintf(name, sizeof name, "Choices[%zu].Next", i);
        r = compile_next(compiler, name, json_get(json_at(choices, i), "Next"), &rules[i].next);
        if (r) return r;
    }
    node->rules = rules;
    node->rule_count = (uint16_t)count;
    node->fallback = SAGA_NEXT_END;
    return fallback ? compile_next(compiler, "Default", fallback, &node->fallback) : 0;
}
