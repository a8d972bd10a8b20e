#include "wire/json_schema_int.h"

#include <math.h>

static size_t count_characters(struct str text) {
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) count += ((unsigned char)text.at[i] & 0xc0) != 0x80;
    return count;
}

static bool check_bounds(struct schema_run *run, struct schema_bounds bounds, size_t count, const char *what) {
    if (count < bounds.min)
        return schema_refuse(run, SCHEMA_ERROR_INVALID, "must have at least %zu %s", bounds.min, what);
    if (count > bounds.max)
        return schema_refuse(run, SCHEMA_ERROR_INVALID, "must have at most %zu %s", bounds.max, what);
    return true;
}

static enum schema_match match(struct schema_run *run, const struct schema_pattern *pattern, struct str text) {
    enum schema_match verdict = schema_pattern_match(&run->matcher, pattern, text);
    if (verdict == SCHEMA_MATCH_LIMIT) (void)schema_exhaust(run, "is too complex for its pattern");
    return verdict;
}

static bool check_pattern(struct schema_run *run, const struct schema_pattern *pattern, struct str text) {
    if (!schema_spend(run, text.len / 64)) return false;
    return match(run, pattern, text) == SCHEMA_MATCH_YES ||
           schema_refuse(run, SCHEMA_ERROR_INVALID, "does not have the required pattern");
}

bool schema_check_string(struct schema_run *run, const struct schema *schema, struct str text) {
    bool valid = check_bounds(run, schema->length, count_characters(text), "characters");
    /* A text that is too long is not shown to the pattern: the length is what protects it. */
    if (valid && schema->pattern) valid = check_pattern(run, schema->pattern, text);
    if (schema_goes_on(run, valid) && !json_format_fits(schema->format, text)) {
        bool date = schema->format == JSON_FORMAT_DATE || schema->format == JSON_FORMAT_DATE_TIME;
        valid = schema_refuse(run, date ? SCHEMA_ERROR_DATE : SCHEMA_ERROR_INVALID, "must be %s",
                              json_format_text(schema->format));
    }
    return valid;
}

/* limit as text in a message */
static bool refuse_limit(struct schema_run *run, const char *must, const struct json *limit) {
    char memory[JSON_NUMBER_BYTES_MAX * 2];
    struct buffer text;
    buffer_init(&text, memory, sizeof memory);
    json_write(&text, limit);
    return schema_refuse(run, SCHEMA_ERROR_INVALID, "must be %s " STR_FMT, must, STR_ARG(buffer_str(&text)));
}

/* Whole numbers exactly; others within one part in 10^9 of the quotient, since 0.0075 / 0.0001 is not 75 in binary. */
static bool is_multiple(const struct json *value, const struct json *divisor) {
    if (json_type(value) == JSON_INTEGER_TYPE && json_type(divisor) == JSON_INTEGER_TYPE) {
        int64_t by = json_integer(divisor, 1);
        return by == 1 || json_integer(value, 0) % by == 0;
    }
    double quotient = json_real(value) / json_real(divisor);
    return isfinite(quotient) && fabs(quotient - round(quotient)) <= 1e-9;
}

bool schema_check_number(struct schema_run *run, const struct schema *schema, const struct json *value) {
    bool valid = true;
    if (schema->minimum && json_number_compare(value, schema->minimum) < 0)
        valid = refuse_limit(run, "at least", schema->minimum);
    if (schema->maximum && json_number_compare(value, schema->maximum) > 0)
        valid = refuse_limit(run, "at most", schema->maximum);
    if (schema->above && json_number_compare(value, schema->above) <= 0)
        valid = refuse_limit(run, "more than", schema->above);
    if (schema->below && json_number_compare(value, schema->below) >= 0)
        valid = refuse_limit(run, "less than", schema->below);
    if (schema->multiple_of && !is_multiple(value, schema->multiple_of))
        valid = refuse_limit(run, "a multiple of", schema->multiple_of);
    return valid;
}

static bool run_item(struct schema_run *run, const struct schema *schema, const struct json *array, size_t index) {
    schema_enter(run, (struct schema_step){ .index = index });
    bool valid = schema_run(run, schema, json_at(array, index));
    schema_leave(run);
    return valid;
}

static bool check_contains(struct schema_run *run, const struct schema *schema, const struct json *array) {
    size_t fitting = 0;
    struct schema_bounds bounds = schema->contains_count;
    for (size_t i = 0; i < json_count(array) && !run->refused; i++)
        fitting += schema_run_quiet(run, schema->contains, json_at(array, i));
    if (fitting < bounds.min)
        return schema_refuse(run, SCHEMA_ERROR_INVALID, "must hold at least %zu items of the required form",
                             bounds.min);
    return fitting <= bounds.max ||
           schema_refuse(run, SCHEMA_ERROR_INVALID, "must hold at most %zu items of the required form", bounds.max);
}

struct hashed_item {
    uint64_t hash;
    const struct json *item;
};

static int by_hash(const void *a, const void *b) {
    uint64_t left = ((const struct hashed_item *)a)->hash, right = ((const struct hashed_item *)b)->hash;
    return left < right ? -1 : left > right;
}

/* Equal hashes stand side by side; only those are compared, and each comparison costs, so that made-up collisions end
 * soon. */
static bool has_twins(struct schema_run *run, const struct hashed_item *items, size_t count) {
    enum { COMPARE_STEPS = 100 };
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count && items[k].hash == items[i].hash; k++) {
            if (!schema_spend(run, COMPARE_STEPS)) return false;
            if (json_equal(items[i].item, items[k].item)) return true;
        }
    return false;
}

static bool check_unique(struct schema_run *run, const struct json *array) {
    size_t count = json_count(array);
    if (count < 2) return true;
    if (!schema_spend(run, count)) return false;
    struct hashed_item *items = arena_new_array(run->arena, struct hashed_item, count);
    if (!items) {
        run->arena_full = true;
        return false;
    }
    for (size_t i = 0; i < count; i++)
        items[i] = (struct hashed_item){ json_hash(json_at(array, i)), json_at(array, i) };
    qsort(items, count, sizeof *items, by_hash);
    return !has_twins(run, items, count) ||
           schema_refuse(run, SCHEMA_ERROR_INVALID, "must not hold the same item twice");
}

bool schema_check_array(struct schema_run *run, const struct schema *schema, const struct json *value) {
    size_t count = json_count(value), prefix = schema->prefix.count < count ? schema->prefix.count : count;
    bool valid = check_bounds(run, schema->item_count, count, "items");
    for (size_t i = 0; i < prefix && schema_goes_on(run, valid); i++)
        valid &= run_item(run, schema->prefix.items[i], value, i);
    for (size_t i = prefix; i < count && schema->items && schema_goes_on(run, valid); i++)
        valid &= run_item(run, schema->items, value, i);
    if (schema_goes_on(run, valid) && schema->contains) valid &= check_contains(run, schema, value);
    if (schema_goes_on(run, valid) && schema->unique) valid &= check_unique(run, value);
    return valid;
}

static const struct schema *member_find(struct schema_members members, struct str name) {
    size_t low = 0, high = members.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_compare(members.items[middle].name, name);
        if (order == 0) return members.items[middle].schema;
        if (order < 0) low = middle + 1;
        else high = middle;
    }
    return NULL;
}

static bool check_name(struct schema_run *run, const struct schema *names, struct str name) {
    struct json *value = json_new_string(name);
    if (!value) {
        run->fault = err_origin(-ENOMEM);
        return false;
    }
    bool valid = schema_run_quiet(run, names, value);
    (void)json_free(value);
    return valid || schema_refuse(run, SCHEMA_ERROR_UNEXPECTED, "has a name that is not allowed");
}

/* One member, at whose path the run stands. */
static bool check_member(struct schema_run *run, const struct schema *schema, struct str name,
                         const struct json *value) {
    const struct schema *own = member_find(schema->members, name);
    bool valid = !own || schema_run(run, own, value);
    bool described = own != NULL;
    for (size_t i = 0; i < schema->patterned.count && schema_goes_on(run, valid); i++) {
        if (match(run, schema->patterned.items[i].pattern, name) != SCHEMA_MATCH_YES) continue;
        described = true;
        valid &= schema_run(run, schema->patterned.items[i].schema, value);
    }
    if (!described && schema->additional && schema_goes_on(run, valid))
        valid &= schema_run(run, schema->additional, value);
    if (schema->names && schema_goes_on(run, valid)) valid &= check_name(run, schema->names, name);
    return valid;
}

static bool check_required(struct schema_run *run, struct schema_names names, const struct json *object) {
    bool valid = true;
    for (size_t i = 0; i < names.count && schema_goes_on(run, valid); i++) {
        if (json_get_str(object, names.items[i])) continue;
        schema_enter(run, (struct schema_step){ .name = names.items[i] });
        valid = schema_refuse(run, SCHEMA_ERROR_MISSING, "is required");
        schema_leave(run);
    }
    return valid;
}

static bool check_dependents(struct schema_run *run, const struct schema *schema, const struct json *object) {
    bool valid = true;
    for (size_t i = 0; i < schema->dependents.count && schema_goes_on(run, valid); i++)
        if (json_get_str(object, schema->dependents.items[i].name))
            valid &= check_required(run, schema->dependents.items[i].required, object);
    for (size_t i = 0; i < schema->dependent_schemas.count && schema_goes_on(run, valid); i++)
        if (json_get_str(object, schema->dependent_schemas.items[i].name))
            valid &= schema_run(run, schema->dependent_schemas.items[i].schema, object);
    return valid;
}

bool schema_check_object(struct schema_run *run, const struct schema *schema, const struct json *value) {
    void *iterator = NULL;
    struct str name;
    const struct json *member;
    bool valid = check_bounds(run, schema->member_count, json_count(value), "members");
    bool look = schema->members.count || schema->patterned.count || schema->additional || schema->names;
    while (look && schema_goes_on(run, valid) && json_next(value, &iterator, &name, &member)) {
        if (!schema_spend(run, 1)) return false;
        schema_enter(run, (struct schema_step){ .name = name });
        valid &= check_member(run, schema, name, member);
        schema_leave(run);
    }
    if (schema_goes_on(run, valid)) valid &= check_required(run, schema->required, value);
    if (schema_goes_on(run, valid)) valid &= check_dependents(run, schema, value);
    return valid;
}
