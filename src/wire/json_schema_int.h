/* json_schema_int.h - the compiled tree, and what the files of json_schema share. */
#ifndef GIRO_WIRE_JSON_SCHEMA_INT_H
#define GIRO_WIRE_JSON_SCHEMA_INT_H

#include "domain/personal.h"
#include "wire/json_format.h"
#include "wire/json_schema.h"
#include "wire/json_schema_pattern.h"

struct schema_bounds {
    size_t min, max; /* max SIZE_MAX: none */
};
struct schema_list {
    const struct schema **items;
    size_t count;
};
struct schema_names {
    struct str *items;
    size_t count;
};
struct schema_member {
    struct str name;
    const struct schema *schema;
};
struct schema_members {
    struct schema_member *items; /* sorted by name */
    size_t count;
};
struct schema_patterned {
    const struct schema_pattern *pattern;
    const struct schema *schema;
};
struct schema_patterns {
    struct schema_patterned *items;
    size_t count;
};
struct schema_dependent {
    struct str name;
    struct schema_names required;
};
struct schema_dependents {
    struct schema_dependent *items;
    size_t count;
};

/* "x-giro-mask": what may be written down of a text (json_mask.h), the strictest last. */
enum schema_mask_rule { SCHEMA_MASK_NONE, SCHEMA_MASK_SHOWN, SCHEMA_MASK_HIDDEN, SCHEMA_MASK_PERSONAL };
struct schema_mask {
    enum schema_mask_rule rule;
    enum personal_kind kind; /* of PERSONAL */
};

/* One schema. Pointers are NULL and counts 0 where the keyword is absent. */
struct schema {
    bool never;     /* the schema false */
    unsigned types; /* a bit per enum json_type; 0: any; "number" is the bits of integer and real */
    const struct json *constant, *choices;
    const struct json *minimum, *maximum, *above, *below, *multiple_of;
    struct schema_bounds length, item_count, member_count, contains_count;
    const struct schema_pattern *pattern;
    enum json_format format;
    struct schema_list prefix;
    const struct schema *items, *contains;
    bool unique;
    struct schema_members members;
    struct schema_patterns patterned;
    const struct schema *additional, *names;
    struct schema_names required;
    struct schema_dependents dependents;
    struct schema_members dependent_schemas;
    const struct schema *reference;
    struct schema_list all_of, any_of, one_of;
    const struct schema *not_of, *if_of, *then_of, *else_of;
    struct schema_members definitions;
    struct schema_mask mask;
};

/* One step into a value or a document: a member's name, or an index (name.at NULL). */
struct schema_step {
    struct str name;
    size_t index;
};

/* --- compiling: json_schema_compile.c walks, json_schema_keyword.c knows the keywords --- */
struct schema_compiler {
    struct schema_set *set;
    struct arena *arena; /* of the set */
    struct message *message;
    struct str place; /* where the schema being compiled begins */
    struct schema_step steps[JSON_DEPTH_DOCUMENT_MAX];
    size_t depth;
};

/* Fills node from an object schema. */
int schema_compile_keywords(struct schema_compiler *compiler, struct schema *node, const struct json *value);
/* The node of value, one step below the present place. */
int schema_compile_below(struct schema_compiler *compiler, struct schema_step step, const struct json *value,
                         const struct schema **ret_schema);
/* The node that a reference names; compiled later if it is new. */
int schema_compile_reference(struct schema_compiler *compiler, struct str reference, const struct schema **ret_schema);
/* Writes "at PLACE: ..." into the message; returns SCHEMA_E_DOCUMENT. */
int schema_fault(struct schema_compiler *compiler, const char *format, ...) PRINTF_LIKE(2, 3);

/* --- checking: json_schema_check.c walks, json_schema_value.c checks one value --- */
struct schema_run {
    struct arena *arena;
    struct schema_errors *errors;
    enum schema_path_style style;
    struct schema_matcher matcher;
    struct schema_step path[JSON_DEPTH_DOCUMENT_MAX + 2];
    size_t path_count, steps_left;
    int depth, quiet; /* quiet > 0: only the verdict is wanted, the first error ends it */
    bool refused;     /* a bound was passed (S2) */
    bool arena_full;
    int fault;
};

bool schema_run(struct schema_run *run, const struct schema *schema, const struct json *value);
bool schema_run_quiet(struct schema_run *run, const struct schema *schema, const struct json *value);
/* Notes an error at the present path (not in quiet) and returns false. */
bool schema_refuse(struct schema_run *run, enum schema_error_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);
/* Notes that a bound was passed, in quiet too; returns false. */
bool schema_exhaust(struct schema_run *run, const char *why);
/* Takes steps from the budget; false when it is spent. */
bool schema_spend(struct schema_run *run, size_t steps);
void schema_enter(struct schema_run *run, struct schema_step step);
void schema_leave(struct schema_run *run);
/* false when the rest need not be looked at any more */
static inline bool schema_goes_on(const struct schema_run *run, bool valid) {
    return (valid || run->quiet == 0) && !run->refused;
}

bool schema_check_string(struct schema_run *run, const struct schema *schema, struct str text);
bool schema_check_number(struct schema_run *run, const struct schema *schema, const struct json *value);
bool schema_check_array(struct schema_run *run, const struct schema *schema, const struct json *value);
bool schema_check_object(struct schema_run *run, const struct schema *schema, const struct json *value);

#endif
