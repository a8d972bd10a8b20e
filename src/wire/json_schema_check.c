#include "wire/json_schema_int.h"

#include <stdarg.h>

enum { NESTED_TEXT_BYTES = 200 };

bool schema_spend(struct schema_run *run, size_t steps) {
    if (run->refused) return false;
    if (steps > run->steps_left) return schema_exhaust(run, "is too complex to be checked");
    run->steps_left -= steps;
    return true;
}

void schema_enter(struct schema_run *run, struct schema_step step) {
    check(run->path_count < ARRAY_COUNT(run->path)); /* no value is nested deeper, see json_parse */
    run->path[run->path_count++] = step;
}

void schema_leave(struct schema_run *run) {
    check(run->path_count > 0);
    run->path_count--;
}

/* A name that needs no quotes in a JSON path. */
static bool is_plain_name(struct str name) {
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || (c != '-' && (c < '0' || c > '9')))) return false;
    }
    return name.len > 0;
}

static void put_name(struct buffer *out, struct str name, enum schema_path_style style) {
    struct str shown = str_slice(name, 0, SCHEMA_NAME_BYTES_MAX);
    while (shown.len && !str_is_utf8(shown)) shown.len--; /* not in the middle of a character */
    const char *more = shown.len < name.len ? "\xe2\x80\xa6" : "";
    if (style == SCHEMA_PATH_DOTTED || is_plain_name(shown)) {
        if (out->len) buffer_append_char(out, '.');
        buffer_append_str(out, shown);
        buffer_append_c(out, more);
        return;
    }
    buffer_append_c(out, "['");
    for (size_t i = 0; i < shown.len; i++) {
        if (shown.at[i] == '\'' || shown.at[i] == '\\') buffer_append_char(out, '\\');
        buffer_append_char(out, shown.at[i]);
    }
    buffer_append_c(out, more);
    buffer_append_c(out, "']");
}

static struct str path_text(struct schema_run *run) {
    char memory[SCHEMA_PATH_BYTES_MAX];
    struct buffer out;
    buffer_init(&out, memory, sizeof memory);
    if (run->style == SCHEMA_PATH_JSON) buffer_append_char(&out, '$');
    for (size_t i = 0; i < run->path_count && !out.overflow; i++) {
        if (run->path[i].name.at) put_name(&out, run->path[i].name, run->style);
        else buffer_printf(&out, "[%zu]", run->path[i].index);
    }
    struct str text = buffer_str(&out); /* a path over the limit ends where it was full */
    while (text.len && !str_is_utf8(text)) text.len--;
    return arena_dup(run->arena, text);
}

static void add_error(struct schema_run *run, enum schema_error_kind kind, const char *text) {
    struct schema_errors *errors = run->errors;
    if (errors->count == SCHEMA_ERRORS_MAX) {
        errors->more = true;
        return;
    }
    struct schema_error error = { .kind = kind,
                                  .path = path_text(run),
                                  .message = arena_dup(run->arena, str_from_c(text)) };
    if (error.path.at && error.message.at) errors->items[errors->count++] = error;
    else run->arena_full = true;
}

bool schema_refuse(struct schema_run *run, enum schema_error_kind kind, const char *format, ...) {
    char text[MESSAGE_BYTES_MAX];
    if (run->quiet || run->refused) return false;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    add_error(run, kind, text);
    return false;
}

bool schema_exhaust(struct schema_run *run, const char *why) {
    if (!run->refused) add_error(run, SCHEMA_ERROR_INVALID, why);
    run->refused = true;
    return false;
}

static bool type_fits(unsigned types, const struct json *value) {
    enum json_type type = json_type(value);
    if (types == 0 || (types & 1u << type)) return true;
    if (type != JSON_REAL_TYPE || !(types & 1u << JSON_INTEGER_TYPE)) return false;
    double real = json_real(value); /* 1.0 is an integer; so is everything from 2^53 on */
    return real >= 9007199254740992.0 || real <= -9007199254740992.0 || (double)(int64_t)real == real;
}

/* "string or null", from the bits. */
static void put_types(struct buffer *out, unsigned types) {
    if (types & 1u << JSON_REAL_TYPE) types &= ~(1u << JSON_INTEGER_TYPE);
    for (unsigned type = JSON_OBJECT_TYPE; type <= JSON_NULL_TYPE; type++) {
        if (!(types & 1u << type)) continue;
        if (out->len) buffer_append_c(out, " or ");
        buffer_append_c(out, json_type_text((enum json_type)type));
    }
}

static bool refuse_type(struct schema_run *run, unsigned types) {
    char memory[NESTED_TEXT_BYTES];
    struct buffer text;
    buffer_init(&text, memory, sizeof memory);
    put_types(&text, types);
    return schema_refuse(run, SCHEMA_ERROR_INVALID, "must be of type " STR_FMT, STR_ARG(buffer_str(&text)));
}

static bool check_choices(struct schema_run *run, const struct json *choices, const struct json *value) {
    char memory[NESTED_TEXT_BYTES];
    struct buffer text;
    for (size_t i = 0; i < json_count(choices); i++)
        if (json_equal(json_at(choices, i), value)) return true;
    buffer_init(&text, memory, sizeof memory);
    for (size_t i = 0; i < json_count(choices); i++) {
        if (i) buffer_append_c(&text, ", ");
        json_write(&text, json_at(choices, i));
    }
    if (text.overflow)
        return schema_refuse(run, SCHEMA_ERROR_INVALID, "must be one of the %zu allowed values", json_count(choices));
    return schema_refuse(run, SCHEMA_ERROR_INVALID, "must be one of: " STR_FMT, STR_ARG(buffer_str(&text)));
}

static bool check_constant(struct schema_run *run, const struct json *constant, const struct json *value) {
    char memory[NESTED_TEXT_BYTES];
    struct buffer text;
    if (json_equal(constant, value)) return true;
    buffer_init(&text, memory, sizeof memory);
    json_write(&text, constant);
    if (text.overflow) return schema_refuse(run, SCHEMA_ERROR_INVALID, "must be the value that the schema names");
    return schema_refuse(run, SCHEMA_ERROR_INVALID, "must be " STR_FMT, STR_ARG(buffer_str(&text)));
}

static bool check_kind(struct schema_run *run, const struct schema *schema, const struct json *value) {
    switch (json_type(value)) {
    case JSON_OBJECT_TYPE: return schema_check_object(run, schema, value);
    case JSON_ARRAY_TYPE: return schema_check_array(run, schema, value);
    case JSON_STRING_TYPE: return schema_check_string(run, schema, json_string(value));
    case JSON_INTEGER_TYPE:
    case JSON_REAL_TYPE: return schema_check_number(run, schema, value);
    case JSON_BOOL_TYPE:
    case JSON_NULL_TYPE: break;
    }
    return true;
}

static bool check_all(struct schema_run *run, struct schema_list list, const struct json *value) {
    bool valid = true;
    for (size_t i = 0; i < list.count && schema_goes_on(run, valid); i++)
        valid &= schema_run(run, list.items[i], value);
    return valid;
}

/* The schema whose errors say more than "none fits": the only one that the value's type could fit. NULL when there are
 * more. */
static const struct schema *only_candidate(struct schema_list list, const struct json *value) {
    const struct schema *candidate = NULL;
    for (size_t i = 0; i < list.count; i++) {
        if (!type_fits(list.items[i]->types, value)) continue;
        if (candidate) return NULL;
        candidate = list.items[i];
    }
    return candidate;
}

/* How many schemas of list fit, counted up to enough. */
static size_t count_fitting(struct schema_run *run, struct schema_list list, const struct json *value, size_t enough) {
    size_t fitting = 0;
    for (size_t i = 0; i < list.count && fitting < enough && !run->refused; i++)
        fitting += schema_run_quiet(run, list.items[i], value);
    return fitting;
}

static bool refuse_none(struct schema_run *run, struct schema_list list, const struct json *value) {
    const struct schema *candidate = only_candidate(list, value);
    if (candidate && run->quiet == 0) return schema_run(run, candidate, value);
    return schema_refuse(run, SCHEMA_ERROR_INVALID, "fits none of the %zu allowed forms", list.count);
}

static bool check_any(struct schema_run *run, struct schema_list list, const struct json *value) {
    return list.count == 0 || count_fitting(run, list, value, 1) > 0 || refuse_none(run, list, value);
}

static bool check_one(struct schema_run *run, struct schema_list list, const struct json *value) {
    size_t fitting = list.count ? count_fitting(run, list, value, 2) : 1;
    if (fitting == 0) return refuse_none(run, list, value);
    return fitting == 1 ||
           schema_refuse(run, SCHEMA_ERROR_INVALID, "fits more than one of the %zu allowed forms", list.count);
}

static bool check_condition(struct schema_run *run, const struct schema *schema, const struct json *value) {
    if (!schema->if_of) return true;
    const struct schema *next = schema_run_quiet(run, schema->if_of, value) ? schema->then_of : schema->else_of;
    return !next || schema_run(run, next, value);
}

static bool check_composed(struct schema_run *run, const struct schema *schema, const struct json *value) {
    bool valid = !schema->reference || schema_run(run, schema->reference, value);
    if (schema_goes_on(run, valid)) valid &= check_all(run, schema->all_of, value);
    if (schema_goes_on(run, valid)) valid &= check_any(run, schema->any_of, value);
    if (schema_goes_on(run, valid)) valid &= check_one(run, schema->one_of, value);
    if (schema_goes_on(run, valid) && schema->not_of && schema_run_quiet(run, schema->not_of, value))
        valid = schema_refuse(run, SCHEMA_ERROR_INVALID, "has a form that is not allowed");
    if (schema_goes_on(run, valid)) valid &= check_condition(run, schema, value);
    return valid;
}

static bool check_here(struct schema_run *run, const struct schema *schema, const struct json *value) {
    if (schema->never) return schema_refuse(run, SCHEMA_ERROR_UNEXPECTED, "is not allowed here");
    if (!type_fits(schema->types, value)) return refuse_type(run, schema->types);
    bool valid = !schema->constant || check_constant(run, schema->constant, value);
    if (schema_goes_on(run, valid) && schema->choices) valid &= check_choices(run, schema->choices, value);
    if (schema_goes_on(run, valid)) valid &= check_kind(run, schema, value);
    if (schema_goes_on(run, valid)) valid &= check_composed(run, schema, value);
    return valid && !run->refused;
}

/* Recursion ends at SCHEMA_DEPTH_MAX (S2). */
bool schema_run(struct schema_run *run, const struct schema *schema, const struct json *value) {
    if (!schema_spend(run, 1)) return false;
    if (run->depth == SCHEMA_DEPTH_MAX) return schema_exhaust(run, "is nested too deeply to be checked");
    run->depth++;
    bool valid = check_here(run, schema, value);
    run->depth--;
    return valid;
}

bool schema_run_quiet(struct schema_run *run, const struct schema *schema, const struct json *value) {
    run->quiet++;
    bool valid = schema_run(run, schema, value);
    run->quiet--;
    return valid;
}

int schema_check(const struct schema *schema, const struct json *value, enum schema_path_style style,
                 struct arena *arena, struct schema_errors *errors) {
    struct schema_run run = {
        .arena = arena, .errors = errors, .style = style, .matcher = { .arena = arena }, .steps_left = SCHEMA_STEPS_MAX
    };
    errors->count = 0;
    errors->more = false;
    bool valid = schema_run(&run, schema, value);
    if (run.fault) return err_trace(run.fault);
    if (run.arena_full) return SCHEMA_E_SIZE;
    return valid ? 0 : SCHEMA_E_INVALID;
}
