/* consent_alive.h - whether the consent behind a grant still stands, in the commit that uses it. Private to command/.
 */
#ifndef GIRO_INTEGRATION_COMMAND_CONSENT_ALIVE_H
#define GIRO_INTEGRATION_COMMAND_CONSENT_ALIVE_H

#include "engine/decision.h"

struct consent_claim {
    const uint8_t *consent_id, *client_id, *customer_id; /* 16 bytes each */
    int64_t granted_ms;                                  /* when the customer agreed to what is used now */
};
/* True: the consent is authorised, by this customer for this client, and has not been authorised anew since (uk/B7). A
 * payment's consent that was consumed is over (uk/P4). 0, VIEW_NEED. */
int consent_alive(struct work *work, const struct consent_claim *claim, bool *ret_alive);

#endif
