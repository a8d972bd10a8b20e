/* json_mask.h - what may be written down of a JSON document, by the contract that describes it: made once from a
 * compiled schema, then used by any number of threads.
 *
 * (M1) Deny by default. A member that the schema does not name is left out; members come from "properties", also behind
 * $ref, allOf, anyOf, oneOf, then, else and dependentSchemas, in lists through "items". (M2) Numbers and booleans that
 * the schema types as such stand as they are. (M3) A text is written only when the schema says what it is: by
 * "x-giro-mask" (a word of PERSONAL_KIND_MAP: masked by that kind; "shown": as it is; "hidden": never), or without
 * it by enum, const, or the formats uuid and date-time, unless these stand behind anyOf, oneOf, then or else. Anything
 * else is "***". Where several schemas speak of one place the strictest wins: a kind, then hidden, then shown. (M4) Of
 * a document that was not found to fit its schema, a text is shown only if it alone fits. (M5) What is written is
 * well-formed JSON of at most bytes_max bytes whatever came in; what has no room is left out, and the answer says so.
 *
 * Tests: json_mask_test.c, m1..m5; door: json_mask_fuzz.c. */
#ifndef GIRO_WIRE_JSON_MASK_H
#define GIRO_WIRE_JSON_MASK_H

#include "domain/personal.h"
#include "wire/json_schema.h"

enum {
    JSON_MASK_TEXT_BYTES_MAX = 256, /* of one shown text as it stands; longer: hidden, and the document counts as cut */
    JSON_MASK_NODES_MAX = 4096,     /* of one schema; what lies beyond is not named */
    JSON_MASK_SCHEMAS_MAX = 32,     /* that speak of one place; with more it is not named */
    JSON_MASK_BYTES_MIN = 64,       /* smallest bytes_max */
    JSON_MASK_PERSONAL_BYTES_MAX = 64, /* of one masked text, with its quotes */
};

struct json_mask;

/* schema: of a set that lives as long as the mask; arena: where the mask lives. 0 or -ENOMEM. */
int json_mask_new(const struct schema *schema, struct arena *arena, const struct json_mask **ret_mask);

struct json_mask_options {
    size_t bytes_max;    /* of what is written, at least JSON_MASK_BYTES_MIN */
    bool fits;           /* the document was checked against the schema */
    struct arena *arena; /* (M4) of the checks, needed without fits; NULL: no text is shown then */
    /* Appends what may be shown of a personal text as a JSON string, at most JSON_MASK_PERSONAL_BYTES_MAX. */
    void (*show)(struct buffer *out, enum personal_kind kind, struct str text);
};
/* Appends the masked document, "null" when text is not JSON. True: all of it was written that may be. */
bool json_mask_write(const struct json_mask *mask, struct str text, const struct json_mask_options *options,
                     struct buffer *out);

#endif
