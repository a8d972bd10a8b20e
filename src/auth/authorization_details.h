/* authorization_details.h - what a client asks for in the words of RFC 9396, in place of the claims parameter or beside
 * it, and what of it was granted.
 *
 * A JSON array of one object; of two types, which scope must go with:
 *   {"type":"payment_initiation", "openbanking_intent_id":ID, "instructedAmount":{"currency":C,"amount":A}}   payments
 *   {"type":"account_information", "openbanking_intent_id":ID}                                                accounts
 * openbanking_intent_id names the consent and is required; instructedAmount is optional and must be the consent's. No
 * other member is known, and what is not known is refused (section 5): so what is granted is exactly what was asked
 * for, never more (FAPI G14). */
#ifndef GIRO_AUTH_AUTHORIZATION_DETAILS_H
#define GIRO_AUTH_AUTHORIZATION_DETAILS_H

#include "integration/query.h"

enum { AUTHORIZATION_DETAILS_BYTES_MAX = 1024 }; /* as the column */

struct authorization_details {
    struct str json; /* as it will be granted, a JSON array in the arena; empty: none were asked for */
    struct consent_id consent_id;
    bool accounts;               /* account_information */
    struct str amount, currency; /* instructedAmount; empty: not said */
};
/* Judges the parameter by itself and by the scope beside it. True and *ret_details; else false and *ret_wrong, fixed
 * text. Parsed in the arena; false also when that is full. */
bool authorization_details_read(struct str text, struct str scope, struct arena *arena,
                                struct authorization_details *ret_details, const char **ret_wrong);
/* What is wrong with granted details (authorization_details.json) for this consent; NULL: nothing. */
const char *authorization_details_judge(struct str json, const struct grant_consent_view *consent, struct arena *arena);
/* Whether text, a later request's parameter, asks for what was granted and nothing else. */
bool authorization_details_equal(struct str text, struct str granted, struct arena *arena);

#endif
