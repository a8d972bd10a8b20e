/* call_audit.h - what the journal keeps of a call: who, what, both bodies masked, and why it was refused.
 *
 * (C1) Each call has a record id: its interaction id when that is the program's own, else a fresh UUID; an Open Banking
 * error carries it as its Id (uk/E3). (C2) What changes something is recorded with the command's commit, with what was
 * asked and what was decided; an answer whose body is made later follows as "event":"answer" under the same id. (C3)
 * Everything else of a known client goes into the next commit, at most 100 ms later. (C4) Refusals before a client is
 * known are counted (refusal_tally.h). (C5) Nothing of a body is written but by its contract (audit_masks.h). */
#ifndef GIRO_GATEWAY_CALL_AUDIT_H
#define GIRO_GATEWAY_CALL_AUDIT_H

#include "gateway/exchange.h"

struct problem;

/* Draws the record id; call.interaction_id is set. fresh: that is the program's own. */
void call_audit_name(struct exchange *exchange, bool fresh);
/* Notes what the caller is told with a refusal. */
void call_audit_refusal(struct exchange *exchange, const struct refusal *refusal, const struct schema_errors *errors);
/* Everything that is known of the call now, the request's body included. */
void call_audit_record(struct exchange *exchange, struct audit_record *ret_record);
/* The call is answered: what C2 to C4 ask for. */
void call_audit_note(struct exchange *exchange);
/* Tells what was counted; at the end of the gateway with now_ms INT64_MAX. */
void call_audit_flush(struct gateway *gateway, int64_t now_ms);

#endif
