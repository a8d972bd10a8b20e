/* json_schema.h - JSON Schema 2020-12, as OpenAPI 3.1 uses it: compiled once, then checked by any number of threads.
 *
 * Compiled are: type, enum, const, properties, required, additionalProperties, patternProperties, propertyNames,
 * minProperties, maxProperties, dependentRequired, dependentSchemas, items, prefixItems, contains, minContains,
 * maxContains, minItems, maxItems, uniqueItems, minLength, maxLength, pattern, format, minimum, maximum,
 * exclusiveMinimum, exclusiveMaximum, multipleOf, allOf, anyOf, oneOf, not, if, then, else, $ref (inside the document),
 * $defs. Annotations are passed over by a list; any other keyword is a fault of the document, with its place named: a
 * rule that would not be enforced must not look as if it were. Of the required tests of JSON Schema 2020-12 all pass
 * but for what no contract of ours uses, which is refused when it is compiled (json_schema_suite_test.c names each
 * group): $anchor, $dynamicRef and $dynamicAnchor, $vocabulary, an $id below the top, references out of the document,
 * unevaluatedItems and unevaluatedProperties, an enum of nothing, Unicode properties by their long names in patterns.
 *
 * (S1) a compiled schema is never changed; it borrows from the document, which must outlive the set.
 * (S2) a check is bounded: SCHEMA_DEPTH_MAX schemas inside each other, SCHEMA_STEPS_MAX steps in all, a pattern by its
 * own limits. A value that passes a bound is refused, also where a refusal inside would be turned round (not). (S3) no
 * text of an error holds anything of the value but names of its members. */
#ifndef GIRO_WIRE_JSON_SCHEMA_H
#define GIRO_WIRE_JSON_SCHEMA_H

#include "wire/json.h"

struct schema;     /* one compiled schema, borrowed from its set */
struct schema_set; /* the compiled schemas of one document */

#define SCHEMA_E_MAP(X)                                                                                                \
    X(SCHEMA_E_INVALID, "does not fit the schema")                                                                     \
    X(SCHEMA_E_DOCUMENT, "the schema is at fault")                                                                     \
    X(SCHEMA_E_SIZE, "too large to check")
#define X(code, name) code,
enum schema_refusal { SCHEMA_E_NONE = 0, SCHEMA_E_MAP(X) SCHEMA_E_COUNT };
#undef X
const char *schema_refusal_text(int refusal);

enum {
    SCHEMA_ERRORS_MAX = 32,
    SCHEMA_DEPTH_MAX = 192,
    SCHEMA_STEPS_MAX = 1000000,
    SCHEMA_PATH_BYTES_MAX = 512,
    SCHEMA_NAME_BYTES_MAX = 64, /* a member's name in a path is cut here */
    SCHEMA_SET_BYTES_MAX = 64 * 1024 * 1024,
    SCHEMA_PATTERN_MATCHES_MAX = 100000, /* PCRE2 match limit */
    SCHEMA_PATTERN_DEPTH_MAX = 1000,     /* PCRE2 depth limit */
    SCHEMA_PATTERN_HEAP_KIB_MAX = 256,   /* PCRE2 heap limit */
};

/* A set for the schemas of document (borrowed). 0 or -ENOMEM. */
int schema_set_new(const struct json *document, struct schema_set **ret_set);
struct schema_set *schema_set_free(struct schema_set *set); /* returns NULL, takes NULL */

/* Compiles the schema at reference ("#", "#/components/schemas/Payment") and all it refers to. 0, SCHEMA_E_DOCUMENT
 * (message, which may be NULL, says place and fault), or -ENOMEM. Not for two threads at once on one set. */
int schema_compile(struct schema_set *set, struct str reference, const struct schema **ret_schema,
                   struct message *message);
/* The same for a value inside the document; place is how messages call it ("#/paths/~1v1~1payments/post/..."), copied.
 */
int schema_compile_value(struct schema_set *set, const struct json *value, struct str place,
                         const struct schema **ret_schema, struct message *message);

/* How paths are written. JSON: "$.amount.value", "$.list[0]", "$['odd name']", "$" for the value itself. DOTTED (Open
 * Banking): "Data.Initiation.InstructedAmount.Currency", "Data.Permissions[0]", "" for the value itself. */
enum schema_path_style { SCHEMA_PATH_JSON, SCHEMA_PATH_DOTTED };

/* What kind of error it is, for interfaces that tell them apart. path of MISSING is that of the member that is not
 * there. */
enum schema_error_kind { SCHEMA_ERROR_INVALID, SCHEMA_ERROR_MISSING, SCHEMA_ERROR_UNEXPECTED, SCHEMA_ERROR_DATE };

struct schema_error {
    enum schema_error_kind kind;
    struct str path, message; /* in the arena of the check */
};
struct schema_errors {
    struct schema_error items[SCHEMA_ERRORS_MAX];
    size_t count;
    bool more; /* there were more than SCHEMA_ERRORS_MAX */
};

/* Checks value and lists all errors. errors is filled in every case, and empty when the value fits. Needs up to 512 KiB
 * of arena where patterns are involved, usually 24 KiB. 0, SCHEMA_E_INVALID, SCHEMA_E_SIZE (the arena is full), or
 * -ENOMEM. */
int schema_check(const struct schema *schema, const struct json *value, enum schema_path_style style,
                 struct arena *arena, struct schema_errors *errors);

#endif
