/* json_schema_pattern.h - regular expressions with bounds (PCRE2 in UTF mode, without JIT so that every limit counts).
 *
 * The dialect is near to ECMA-262, as JSON Schema wants it: '$' is the very end, \uXXXX is a character, \d and \w are
 * ASCII. */
#ifndef GIRO_WIRE_JSON_SCHEMA_PATTERN_H
#define GIRO_WIRE_JSON_SCHEMA_PATTERN_H

#include "platform/arena.h"

struct schema_pattern; /* immutable, shared by threads */

/* Compiles text; freed with arena. 0, 1 (not a pattern; *ret_offset says where), or -ENOMEM. */
int schema_pattern_compile(struct arena *arena, struct str text, const struct schema_pattern **ret_pattern,
                           size_t *ret_offset);

/* What one thread needs to match; made at first use, in its arena. */
struct schema_matcher {
    struct arena *arena;
    void *match_context, *match_data;
};
enum schema_match { SCHEMA_MATCH_NO, SCHEMA_MATCH_YES, SCHEMA_MATCH_LIMIT };
/* subject must be UTF-8. LIMIT: a limit of json_schema.h was passed, or the arena is full. */
enum schema_match schema_pattern_match(struct schema_matcher *matcher, const struct schema_pattern *pattern,
                                       struct str subject);

#endif
