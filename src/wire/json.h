/* json.h - JSON (RFC 8259), read strictly and written fast.
 *
 * Reading is jansson behind a scan; refused, before any tree is given out, are: text over bytes_max, nesting over
 * depth_max, duplicate members, invalid UTF-8, numbers over 64-bit integers or with more than 32 characters, bytes
 * after the value, and the NUL character (\u0000) in names and strings, since no contract carries it and no TEXT column
 * holds it. A tree is immutable and belongs to whoever parsed it: json_free. Strings and values got from it are
 * borrowed (_get, _at). */
#ifndef GIRO_WIRE_JSON_H
#define GIRO_WIRE_JSON_H

#include "platform/arena.h"
#include "platform/buffer.h"

struct json; /* one value, opaque */
enum json_type {
    JSON_OBJECT_TYPE,
    JSON_ARRAY_TYPE,
    JSON_STRING_TYPE,
    JSON_INTEGER_TYPE,
    JSON_REAL_TYPE,
    JSON_BOOL_TYPE,
    JSON_NULL_TYPE
};

#define JSON_E_MAP(X)                                                                                                  \
    X(JSON_E_SYNTAX, "not valid JSON")                                                                                 \
    X(JSON_E_DEPTH, "nested too deeply")                                                                               \
    X(JSON_E_DUPLICATE, "duplicate member")                                                                            \
    X(JSON_E_UTF8, "not valid UTF-8")                                                                                  \
    X(JSON_E_SIZE, "too large")
#define X(code, name) code,
enum json_refusal { JSON_E_NONE = 0, JSON_E_MAP(X) JSON_E_COUNT };
#undef X
const char *json_refusal_text(int refusal);

enum { JSON_DEPTH_MAX = 32, JSON_BYTES_MAX = 4 * 1024 * 1024 };
enum { JSON_DEPTH_DOCUMENT_MAX = 64, JSON_NUMBER_BYTES_MAX = 32 };

/* jansson exports functions of these four names, and a program's own definition would be called from inside the library
 * in their stead. So ours carry another name in the object files; in C they are called as they stand here. */
#define JSON_OWN_SYMBOL(name) __asm__("giro_" #name)

/* depth_max up to JSON_DEPTH_MAX (OpenAPI documents may pass JSON_DEPTH_DOCUMENT_MAX). 0, JSON_E_*, or -ENOMEM. message
 * (may be NULL) says line and column, never content. */
int json_parse(struct str text, size_t bytes_max, int depth_max, struct json **ret_json, struct message *message);
struct json *json_free(struct json *json); /* returns NULL, takes NULL */
/* Frees with the arena. 0, JSON_E_*, or -ENOMEM (also when the arena is full). */
int json_parse_arena(struct str text, size_t bytes_max, int depth_max, struct arena *arena,
                     const struct json **ret_json);

enum json_type json_type(const struct json *json);                        /* NULL counts as JSON_NULL_TYPE */
const struct json *json_get(const struct json *object, const char *name); /* NULL when absent or not an object */
const struct json *json_get_str(const struct json *object, struct str name);
/* dotted: "Data.Initiation.InstructedAmount"; NULL when absent. */
const struct json *json_path(const struct json *json, const char *dotted);
size_t json_count(const struct json *json);                         /* members or elements; else 0 */
const struct json *json_at(const struct json *array, size_t index); /* NULL out of range */
/* Walks members in the order of the text: *iterator starts NULL. False at the end. */
bool json_next(const struct json *object, void **iterator, struct str *ret_name, const struct json **ret_value);
bool json_is_string(const struct json *json);
struct str json_string(const struct json *json) JSON_OWN_SYMBOL(json_string); /* empty when not a string */
struct str json_get_string(const struct json *object, const char *name);      /* empty when absent or not a string */
bool json_bool(const struct json *json, bool fallback);                       /* fallback when not a boolean */
bool json_get_bool(const struct json *object, const char *name, bool fallback);
/* fallback when not an integer (1.0 is a real, not an integer). */
int64_t json_integer(const struct json *json, int64_t fallback) JSON_OWN_SYMBOL(json_integer);
int64_t json_get_integer(const struct json *object, const char *name, int64_t fallback);
double json_real(const struct json *json) JSON_OWN_SYMBOL(json_real); /* integers too; never for money */
/* By value, member order ignored, 1 == 1.0. */
bool json_equal(const struct json *a, const struct json *b) JSON_OWN_SYMBOL(json_equal);
bool json_is_number(const struct json *json); /* integer or real */
/* Two numbers, exactly: <0, 0, >0; check: both are numbers. */
int json_number_compare(const struct json *a, const struct json *b);
const char *json_type_text(enum json_type type); /* "object", "array", "string", "integer", ... */
uint64_t json_hash(const struct json *json);     /* equal values, equal hashes; not keyed */
struct json *json_new_string(struct str value);  /* UTF-8 without NUL; NULL without memory; json_free */
/* What a reference inside the document names: "#" (all), "#/a/0/b" (RFC 6901 section 6: percent-encoding, then ~0 and
 * ~1). NULL when there is no such place, the text is malformed or longer than JSON_POINTER_BYTES_MAX. */
enum { JSON_POINTER_BYTES_MAX = 1024 };
const struct json *json_reference(const struct json *document, struct str reference);
/* Takes a member out of an object and frees it, for whoever has parsed the tree and keeps it: nothing borrowed from
 * that member may still be in use, nor a walk over that object. Nothing happens when it is absent. */
void json_drop(const struct json *object, const char *name);
/* Canonical enough to compare and store: compact, members in the order read. */
void json_write(struct buffer *out, const struct json *json);

/* Writing: commas and escapes are the writer's business, nesting is checked by check() (at most JSON_DEPTH_DOCUMENT_MAX
 * levels). Nothing is allocated but what out needs. Bytes that are not UTF-8 are written as U+FFFD, so that what is
 * written can always be read. Whether it fitted is asked of out once, at the end. */
struct json_writer {
    struct buffer *out;
    uint64_t has_items; /* bit per level */
    int depth;
    bool after_name;
};
void json_begin(struct json_writer *writer, struct buffer *out);
void json_object_begin(struct json_writer *writer);
void json_object_end(struct json_writer *writer);
void json_array_begin(struct json_writer *writer);
void json_array_end(struct json_writer *writer);
void json_put_name(struct json_writer *writer, struct str name);
static inline void json_name(struct json_writer *writer, const char *name) {
    json_put_name(writer, str_from_c(name));
}
void json_put_str(struct json_writer *writer, struct str value);
void json_put_i64(struct json_writer *writer, int64_t value);
void json_put_bool(struct json_writer *writer, bool value);
void json_put_null(struct json_writer *writer);
void json_put_raw(struct json_writer *writer, struct str json_text); /* trusted JSON text, copied as it is */
void json_put_value(struct json_writer *writer, const struct json *value);
/* name and value in one call, inside an object */
static inline void json_member_str(struct json_writer *writer, const char *name, struct str value) {
    json_name(writer, name);
    json_put_str(writer, value);
}
static inline void json_member_c(struct json_writer *writer, const char *name, const char *value) {
    json_member_str(writer, name, str_from_c(value));
}
static inline void json_member_i64(struct json_writer *writer, const char *name, int64_t value) {
    json_name(writer, name);
    json_put_i64(writer, value);
}
static inline void json_member_bool(struct json_writer *writer, const char *name, bool value) {
    json_name(writer, name);
    json_put_bool(writer, value);
}
static inline void json_member_raw(struct json_writer *writer, const char *name, struct str json_text) {
    json_name(writer, name);
    json_put_raw(writer, json_text);
}

#endif
