/* consent_choice.h - the consent that a pushed request is about, of either kind: whether a customer may say yes to it
 * for the accounts chosen, and what yes and no do. Private to the commands of the consent pages. */
#ifndef GIRO_INTEGRATION_COMMAND_CONSENT_CHOICE_H
#define GIRO_INTEGRATION_COMMAND_CONSENT_CHOICE_H

#include "engine/decision.h"
#include "platform/digest.h"

/* accounts: ids, 16 bytes each. They must be the customer's own, open, each there once: exactly one for a payment, in
 * its currency and the one it names if it names one; 1..AUTHORIZE_ACCOUNTS_MAX for reads. The consent must wait for a
 * customer or, of reads, be one that this customer may give anew (uk/X6). 0, AUTHORIZE_E_CONSENT, _ACCOUNT, VIEW_NEED,
 * <0. */
int consent_choice_judge(struct work *work, const uint8_t consent_id[16], const uint8_t customer_id[16],
                         struct str accounts);
/* A customer is asked now and has until until_ms (uk/Q4). 0, AUTHORIZE_E_CONSENT, VIEW_NEED, <0. */
int consent_choice_ask(struct work *work, const uint8_t consent_id[16], int64_t until_ms);
/* The approval_hash of a yes for these accounts (domain/approval.h). 0, AUTHORIZE_E_CONSENT, _ACCOUNT (there are none),
 * VIEW_NEED, <0. */
int consent_choice_approval(struct work *work, const uint8_t consent_id[16], struct str accounts,
                            struct hash *ret_hash);
/* Judges and authorises. As above. */
int consent_choice_authorise(struct work *work, const uint8_t consent_id[16], const uint8_t customer_id[16],
                             struct str accounts);
/* A consent that nobody waits for any more stays as it is: also one that was to be given anew. 0, VIEW_NEED, <0. */
int consent_choice_reject(struct work *work, const uint8_t consent_id[16]);

#endif
