/* audit.h - who did what, when, with what outcome: the record that goes into the journal with the commit it belongs to.
 *
 * (A1) Only the fields of struct audit_record are written, each by its type: ids as UUID text, hashes as hex, words
 *      only when they look like words of ours (letters, digits, "_-./{}:"), else "unnamed". There is no field for
 *      personal data.
 * (A2) The interaction id comes from outside: it is written only if it has the form of a UUID. */
#ifndef GIRO_OBSERVE_AUDIT_H
#define GIRO_OBSERVE_AUDIT_H

#include "domain/id.h"
#include "platform/digest.h"

enum { AUDIT_RECORD_BYTES_MAX = 1024, AUDIT_WORD_BYTES_MAX = 160 };

struct audit_record {
    int64_t time_ms;
    struct str interaction_id;        /* 36 characters; else left out */
    struct client_id client_id;       /* zero: left out, as below */
    struct customer_id customer_id;
    const char *method;               /* "POST" */
    const char *route;                /* the template: "/v1/payments/{payment_id}" */
    int status;                       /* HTTP status of the answer; 0: left out (nothing was answered over HTTP) */
    const char *outcome;              /* "accepted", or the name of the refusal */
    int64_t duration_us;
    uint8_t resource_id[16];
    struct hash certificate_sha256;   /* of the caller's certificate in DER */
};

/* Appends one JSON object, at most AUDIT_RECORD_BYTES_MAX, no line end. NULL words count as "unnamed". Whether it fit
 * is out->overflow. */
void audit_encode(const struct audit_record *record, struct buffer *out);

#endif
