/* core_call_record.h - what the journal keeps of a call to the core banking host: an audit record ("event":"call_out",
 * observe/audit.h) with both records of the core's, each field masked by its type. Pure.
 *
 * (R1) An account stands there as its mask; amount, currency, times, codes and the two references (the payment's id and
 * the core's own) as they are. (R2) outcome: "answered", "refused" (the core's no, for good), "unknown" (nobody knows;
 * why says what went wrong), "unsent" (no byte left). (R3) The record's id is made of the call: the same call has the
 * same record. */
#ifndef GIRO_INTEGRATION_ACL_CORE_CALL_RECORD_H
#define GIRO_INTEGRATION_ACL_CORE_CALL_RECORD_H

#include "engine/decision.h"
#include "integration/acl/core_host.h"

enum { CORE_CALL_RECORD_BYTES_MAX = 1024 };
#define CORE_CALL_PEER "core_banking" /* as its breaker is called */

struct core_call_facts {
    enum followup_kind kind; /* FOLLOWUP_CORE_EXECUTE or FOLLOWUP_CORE_ENQUIRE */
    const struct core_transfer *transfer;
    const uint8_t *interaction_id; /* zero: none */
    int64_t time_ms;               /* of the answer, wall clock */
    int64_t began_us, ended_us;    /* monotonic */
    uint64_t left_out;             /* calls before that have no record, see core_dispatch.h X5 */
};
/* Appends the record, at most CORE_CALL_RECORD_BYTES_MAX - 1 bytes. */
void core_call_record_write(const struct core_call_facts *facts, const struct core_answer *answer, struct buffer *out);

#endif
