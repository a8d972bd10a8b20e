#include "wire/json_schema_pattern.h"

#include "wire/json_schema.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

static pcre2_code *code_of(const struct schema_pattern *pattern) {
    return (pcre2_code *)pattern;
}

static void free_code(void *code) {
    pcre2_code_free(code);
}

int schema_pattern_compile(struct arena *arena, struct str text, const struct schema_pattern **ret_pattern,
                           size_t *ret_offset) {
    const uint32_t options =
        PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX | PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C;
    int error;
    PCRE2_SIZE offset;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)(text.len ? text.at : ""), text.len, options, &error, &offset, NULL);
    if (!code) {
        *ret_offset = offset;
        return 1;
    }
    int r = arena_defer(arena, free_code, code);
    if (r) {
        pcre2_code_free(code);
        return err_trace(r);
    }
    *ret_pattern = (const struct schema_pattern *)code;
    return 0;
}

static void *arena_malloc(size_t bytes, void *arena) {
    return arena_alloc(arena, bytes);
}

static void arena_forget(void *at, void *arena) {
    (void)at; /* the arena frees all at once; what PCRE2 takes is bounded by its heap limit */
    (void)arena;
}

static bool matcher_ready(struct schema_matcher *matcher) {
    if (matcher->match_data) return true;
    pcre2_general_context *general = pcre2_general_context_create(arena_malloc, arena_forget, matcher->arena);
    if (!general) return false;
    pcre2_match_context *context = pcre2_match_context_create(general);
    pcre2_match_data *data = pcre2_match_data_create(1, general);
    if (!context || !data) return false;
    (void)pcre2_set_match_limit(context, SCHEMA_PATTERN_MATCHES_MAX);
    (void)pcre2_set_depth_limit(context, SCHEMA_PATTERN_DEPTH_MAX);
    (void)pcre2_set_heap_limit(context, SCHEMA_PATTERN_HEAP_KIB_MAX);
    matcher->match_context = context;
    matcher->match_data = data;
    return true;
}

enum schema_match schema_pattern_match(struct schema_matcher *matcher, const struct schema_pattern *pattern,
                                       struct str subject) {
    if (!matcher_ready(matcher)) return SCHEMA_MATCH_LIMIT;
    int r = pcre2_match(code_of(pattern), (PCRE2_SPTR)(subject.len ? subject.at : ""), subject.len, 0,
                        PCRE2_NO_UTF_CHECK, matcher->match_data, matcher->match_context);
    if (r >= 0) return SCHEMA_MATCH_YES;
    return r == PCRE2_ERROR_NOMATCH ? SCHEMA_MATCH_NO : SCHEMA_MATCH_LIMIT;
}
