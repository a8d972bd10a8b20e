#include "wire/json.h"

#include <float.h>

/* jansson.h and json.h use some names for different things; inside this file jansson's carry other names. Functions of
 * jansson that we call are not among them. */
#define json_type jansson_type
#define json_string jansson_string
#define json_integer jansson_integer
#define json_real jansson_real
#define json_equal jansson_equal
#include <jansson.h>
#undef json_type
#undef json_string
#undef json_integer
#undef json_real
#undef json_equal
#undef json_is_string
#undef json_is_number

#define X(code, text) [code] = text,
static const char *const refusal_texts[JSON_E_COUNT] = { JSON_E_MAP(X) };
#undef X

const char *json_refusal_text(int refusal) {
    check(refusal > JSON_E_NONE && refusal < JSON_E_COUNT);
    return refusal_texts[refusal];
}

static json_t *tree(const struct json *json) {
    return (json_t *)json;
}

/* The scan before the tree: what would cost much, or what jansson would let pass. Grammar is jansson's business. */
struct scan {
    struct str text;
    size_t at;
    int depth, depth_max;
};

/* Steps over a string whose opening quote is at scan->at; an unclosed one ends at the end of the text. */
static void scan_string(struct scan *scan) {
    for (scan->at++; scan->at < scan->text.len && scan->text.at[scan->at] != '"'; scan->at++)
        if (scan->text.at[scan->at] == '\\') scan->at++;
    scan->at++;
}

static int scan_number(struct scan *scan) {
    size_t from = scan->at;
    while (scan->at < scan->text.len && scan->text.at[scan->at] && strchr("0123456789+-.eE", scan->text.at[scan->at]))
        scan->at++;
    if (scan->at - from <= JSON_NUMBER_BYTES_MAX) return 0;
    scan->at = from;
    return JSON_E_SIZE;
}

static int scan_text(struct scan *scan) {
    while (scan->at < scan->text.len) {
        char c = scan->text.at[scan->at];
        if (c == '"') {
            scan_string(scan);
        } else if (c == '-' || (c >= '0' && c <= '9')) {
            int r = scan_number(scan);
            if (r) return r;
        } else {
            if ((c == '{' || c == '[') && ++scan->depth > scan->depth_max) return JSON_E_DEPTH;
            if (c == '}' || c == ']') scan->depth--;
            scan->at++;
        }
    }
    return 0;
}

static void say_place(struct message *message, int refusal, struct str text, size_t offset) {
    unsigned line = 1, column = 1;
    for (size_t i = 0; i < offset && i < text.len; i++) {
        column = text.at[i] == '\n' ? 1 : column + 1;
        line += text.at[i] == '\n';
    }
    message_set(message, "%s at line %u, column %u", json_refusal_text(refusal), line, column);
}

static int refusal_of(const json_error_t *error) {
    enum json_error_code code = json_error_code(error);
    if (code == json_error_out_of_memory) return err_origin(-ENOMEM);
    if (code == json_error_duplicate_key) return JSON_E_DUPLICATE;
    if (code == json_error_numeric_overflow) return JSON_E_SIZE;
    return JSON_E_SYNTAX; /* UTF-8 and depth are settled before jansson is asked */
}

int json_parse(struct str text, size_t bytes_max, int depth_max, struct json **ret_json, struct message *message) {
    check(depth_max >= 1 && depth_max <= JSON_DEPTH_DOCUMENT_MAX);
    if (text.len > bytes_max) {
        message_set(message, "%s: more than %zu bytes", json_refusal_text(JSON_E_SIZE), bytes_max);
        return JSON_E_SIZE;
    }
    if (!str_is_utf8(text)) {
        message_set(message, "%s", json_refusal_text(JSON_E_UTF8));
        return JSON_E_UTF8;
    }
    struct scan scan = { .text = text, .depth_max = depth_max };
    int r = scan_text(&scan);
    if (r) {
        say_place(message, r, text, scan.at);
        return r;
    }
    json_error_t error;
    json_t *json = json_loadb(text.len ? text.at : "", text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (!json) {
        r = refusal_of(&error);
        if (r > 0) say_place(message, r, text, error.position > 0 ? (size_t)error.position - 1 : 0);
        return r;
    }
    *ret_json = (struct json *)json;
    return 0;
}

struct json *json_free(struct json *json) {
    json_decref(tree(json));
    return NULL;
}

void json_drop(const struct json *object, const char *name) {
    (void)json_object_del(tree(object), name); /* -1: absent */
}

static void free_deferred(void *json) {
    (void)json_free(json);
}

int json_parse_arena(struct str text, size_t bytes_max, int depth_max, struct arena *arena,
                     const struct json **ret_json) {
    struct json *json;
    int r = json_parse(text, bytes_max, depth_max, &json, NULL);
    if (r) return err_trace(r);
    r = arena_defer(arena, free_deferred, json);
    if (r) {
        (void)json_free(json);
        return err_trace(r);
    }
    *ret_json = json;
    return 0;
}

enum json_type json_type(const struct json *json) {
    if (!json) return JSON_NULL_TYPE;
    switch (json_typeof(tree(json))) {
    case JSON_OBJECT: return JSON_OBJECT_TYPE;
    case JSON_ARRAY: return JSON_ARRAY_TYPE;
    case JSON_STRING: return JSON_STRING_TYPE;
    case JSON_INTEGER: return JSON_INTEGER_TYPE;
    case JSON_REAL: return JSON_REAL_TYPE;
    case JSON_TRUE:
    case JSON_FALSE: return JSON_BOOL_TYPE;
    case JSON_NULL: break;
    }
    return JSON_NULL_TYPE;
}

const char *json_type_text(enum json_type type) {
    switch (type) {
    case JSON_OBJECT_TYPE: return "object";
    case JSON_ARRAY_TYPE: return "array";
    case JSON_STRING_TYPE: return "string";
    case JSON_INTEGER_TYPE: return "integer";
    case JSON_REAL_TYPE: return "number";
    case JSON_BOOL_TYPE: return "boolean";
    case JSON_NULL_TYPE: break;
    }
    return "null";
}

const struct json *json_get(const struct json *object, const char *name) {
    return (const struct json *)json_object_get(tree(object), name);
}

const struct json *json_get_str(const struct json *object, struct str name) {
    return (const struct json *)json_object_getn(tree(object), name.len ? name.at : "", name.len);
}

const struct json *json_path(const struct json *json, const char *dotted) {
    struct str rest = str_from_c(dotted), name;
    bool more = true;
    while (more && json) {
        more = str_cut(&rest, '.', &name);
        json = json_get_str(json, name);
    }
    return json;
}

size_t json_count(const struct json *json) {
    return json_type(json) == JSON_ARRAY_TYPE ? json_array_size(tree(json)) : json_object_size(tree(json));
}

const struct json *json_at(const struct json *array, size_t index) {
    return (const struct json *)json_array_get(tree(array), index);
}

bool json_next(const struct json *object, void **iterator, struct str *ret_name, const struct json **ret_value) {
    *iterator = *iterator ? json_object_iter_next(tree(object), *iterator) : json_object_iter(tree(object));
    if (!*iterator) return false;
    *ret_name = str_from_bytes(json_object_iter_key(*iterator), json_object_iter_key_len(*iterator));
    *ret_value = (const struct json *)json_object_iter_value(*iterator);
    return true;
}

bool json_is_string(const struct json *json) {
    return json_type(json) == JSON_STRING_TYPE;
}

bool json_is_number(const struct json *json) {
    enum json_type type = json_type(json);
    return type == JSON_INTEGER_TYPE || type == JSON_REAL_TYPE;
}

struct str json_string(const struct json *json) {
    if (!json_is_string(json)) return STR("");
    return str_from_bytes(json_string_value(tree(json)), json_string_length(tree(json)));
}

struct str json_get_string(const struct json *object, const char *name) {
    return json_string(json_get(object, name));
}

bool json_bool(const struct json *json, bool fallback) {
    return json_type(json) == JSON_BOOL_TYPE ? json_is_true(tree(json)) : fallback;
}

bool json_get_bool(const struct json *object, const char *name, bool fallback) {
    return json_bool(json_get(object, name), fallback);
}

int64_t json_integer(const struct json *json, int64_t fallback) {
    return json_type(json) == JSON_INTEGER_TYPE ? json_integer_value(tree(json)) : fallback;
}

int64_t json_get_integer(const struct json *object, const char *name, int64_t fallback) {
    return json_integer(json_get(object, name), fallback);
}

double json_real(const struct json *json) {
    return json_number_value(tree(json));
}

int json_number_compare(const struct json *a, const struct json *b) {
    check(json_is_number(a) && json_is_number(b));
    if (json_type(a) == JSON_INTEGER_TYPE && json_type(b) == JSON_INTEGER_TYPE) {
        int64_t left = json_integer(a, 0), right = json_integer(b, 0);
        return left < right ? -1 : left > right;
    }
    static_assert(LDBL_MANT_DIG >= 64, "a long double holds every int64 and every double exactly");
    long double left = json_type(a) == JSON_INTEGER_TYPE ? (long double)json_integer(a, 0) : (long double)json_real(a);
    long double right = json_type(b) == JSON_INTEGER_TYPE ? (long double)json_integer(b, 0) : (long double)json_real(b);
    return left < right ? -1 : left > right;
}

static bool arrays_equal(const struct json *a, const struct json *b) {
    if (json_count(a) != json_count(b)) return false;
    for (size_t i = 0; i < json_count(a); i++)
        if (!json_equal(json_at(a, i), json_at(b, i))) return false;
    return true;
}

static bool objects_equal(const struct json *a, const struct json *b) {
    void *iterator = NULL;
    struct str name;
    const struct json *value;
    if (json_count(a) != json_count(b)) return false;
    while (json_next(a, &iterator, &name, &value)) {
        const struct json *other = json_get_str(b, name);
        if (!other || !json_equal(value, other)) return false;
    }
    return true;
}

/* Recursion ends at JSON_DEPTH_DOCUMENT_MAX: no deeper tree exists. */
bool json_equal(const struct json *a, const struct json *b) {
    if (json_is_number(a) && json_is_number(b)) return json_number_compare(a, b) == 0;
    enum json_type type = json_type(a);
    if (type != json_type(b)) return false;
    switch (type) {
    case JSON_OBJECT_TYPE: return objects_equal(a, b);
    case JSON_ARRAY_TYPE: return arrays_equal(a, b);
    case JSON_STRING_TYPE: return str_equal(json_string(a), json_string(b));
    case JSON_BOOL_TYPE: return json_is_true(tree(a)) == json_is_true(tree(b));
    case JSON_INTEGER_TYPE:
    case JSON_REAL_TYPE:
    case JSON_NULL_TYPE: break;
    }
    return true;
}

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len) {
    const unsigned char *at = bytes;
    for (size_t i = 0; i < len; i++) hash = (hash ^ at[i]) * UINT64_C(0x100000001b3); /* FNV-1a */
    return hash;
}

static uint64_t hash_object(const struct json *object, uint64_t start) {
    uint64_t sum = start; /* a sum, because the order of members does not count */
    void *iterator = NULL;
    struct str name;
    const struct json *value;
    while (json_next(object, &iterator, &name, &value)) {
        uint64_t inner = json_hash(value);
        sum += hash_bytes(hash_bytes(start, name.at, name.len), &inner, sizeof inner);
    }
    return sum;
}

uint64_t json_hash(const struct json *json) {
    static const uint64_t basis = UINT64_C(0xcbf29ce484222325);
    enum json_type type = json_is_number(json) ? JSON_REAL_TYPE : json_type(json);
    uint64_t hash = (basis ^ (uint64_t)type) * UINT64_C(0x9e3779b97f4a7c15);
    if (type == JSON_OBJECT_TYPE) return hash_object(json, hash);
    if (type == JSON_STRING_TYPE) return hash_bytes(hash, json_string(json).at, json_string(json).len);
    if (type == JSON_BOOL_TYPE) return hash + json_bool(json, false);
    if (type == JSON_REAL_TYPE) {
        double value = json_real(json) + 0.0; /* -0.0 becomes 0.0 */
        return hash_bytes(hash, &value, sizeof value);
    }
    for (size_t i = 0; i < json_count(json); i++) {
        uint64_t inner = json_hash(json_at(json, i));
        hash = hash_bytes(hash, &inner, sizeof inner);
    }
    return hash;
}

struct json *json_new_string(struct str value) {
    return (struct json *)json_stringn_nocheck(value.len ? value.at : "", value.len);
}
