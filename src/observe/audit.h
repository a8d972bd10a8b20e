/* audit.h - who did what, when, with what outcome: the record that goes into the journal with the commit it belongs to.
 *
 * (A1) Only the fields of struct audit_record are written, each by its type: ids as UUID text, hashes as hex, words
 *      only when they look like words of ours (letters, digits, "_-./{}:"), else "unnamed". There is no field for
 *      personal data.
 * (A2) The interaction id comes from outside: it is written only if it has the form of a UUID. The user agent comes
 * from outside too: its first AUDIT_AGENT_BYTES_MAX bytes, escaped so that nothing in it ends a line or moves a cursor
 * (json_text.h). (A3) Bodies come masked (wire/json_mask.h), as JSON of at most AUDIT_BODY_BYTES_MAX bytes; one that
 * was longer says "cut". */
#ifndef GIRO_OBSERVE_AUDIT_H
#define GIRO_OBSERVE_AUDIT_H

#include "domain/id.h"
#include "platform/digest.h"

enum {
    AUDIT_RECORD_BYTES_MAX = 24 * 1024,
    AUDIT_WORD_BYTES_MAX = 160,
    AUDIT_AGENT_BYTES_MAX = 256,  /* of x-customer-user-agent (uk/H5), before escaping */
    AUDIT_ADDRESS_BYTES_MAX = 64, /* of an address as mask_address gives it */
    AUDIT_BODY_BYTES_MAX = 8 * 1024,
    AUDIT_WHY_BYTES_MAX = 3 * 1024,
};
static_assert(2 * AUDIT_BODY_BYTES_MAX + AUDIT_WHY_BYTES_MAX + 6 * AUDIT_AGENT_BYTES_MAX + 6 * AUDIT_WORD_BYTES_MAX +
                      AUDIT_ADDRESS_BYTES_MAX + 1024 <=
                  AUDIT_RECORD_BYTES_MAX,
              "a record has room for all its parts");

/* A masked document. */
struct audit_body {
    struct str json; /* empty: left out */
    bool cut;
};

struct audit_record {
    int64_t time_ms;
    uint8_t id[16]; /* the record's own; zero: left out, as below */
    /* NULL: a call; "answer": more about the record with the same id; "call_out": a call of ours to a system outside */
    const char *event;
    struct str interaction_id;  /* 36 characters; else left out */
    struct client_id client_id; /* zero: left out, as below */
    struct customer_id customer_id;
    const char *method; /* "POST" */
    const char *route;  /* the template: "/v1/payments/{payment_id}" */
    /* Of a call out, in place of method and route; NULL: left out. The outside system, without anything secret:
     * "core_banking", "keys.example.com:443"; what was asked of it: "transfer", "jwks". */
    const char *peer, *operation;
    int status;          /* HTTP status of the answer; 0: left out (nothing was answered over HTTP) */
    const char *outcome; /* "accepted", or the name of the refusal */
    int64_t duration_us;
    uint8_t resource_id[16];
    struct hash certificate_sha256; /* of the caller's certificate in DER */
    const char *check, *rule;       /* of a refusal: who refused, and by which rule; NULL: left out */
    struct str why;                 /* of a refusal: JSON, what the caller was told; empty: left out */
    struct str user_agent;          /* as it came; empty: left out */
    struct str customer_address;    /* masked; empty: left out */
    struct audit_body request, response;
};

/* Appends one JSON object, at most AUDIT_RECORD_BYTES_MAX, no line end. NULL words count as "unnamed". Whether it fit
 * is out->overflow. */
void audit_encode(const struct audit_record *record, struct buffer *out);

#endif
