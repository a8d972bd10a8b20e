/* assertion_spend.h - what every command that a client's assertion buys has in common: the jti is spent in its commit,
 * so it is used once also after a restart (FAPI C5), and with it the jti of a DPoP proof beside it. Private to
 * command/.
 */
#ifndef GIRO_INTEGRATION_COMMAND_ASSERTION_SPEND_H
#define GIRO_INTEGRATION_COMMAND_ASSERTION_SPEND_H

#include "integration/command/command_codec.h"

void assertion_want(struct work *work, const struct assertion_spend *assertion);
/* 0, COMMAND_E_JTI_REPLAYED, COMMAND_E_PROOF_REPLAYED, VIEW_NEED, <0: as a decision returns it. */
int assertion_spend(struct work *work, const struct assertion_spend *assertion);
const char *assertion_refusal_name(int refusal); /* of those two */

/* The fields of an input that begins with its assertion. */
#define ASSERTION_FIELDS(owner)                                                                                        \
    FIELD(owner, assertion.client_id, ID), FIELD_MAX(owner, assertion.jti, TEXT, COMMAND_JTI_BYTES_MAX),               \
        FIELD(owner, assertion.expires_ms, I64), FIELD(owner, assertion.proof_jti, ID),                                \
        FIELD(owner, assertion.proof_expires_ms, I64)

#endif
