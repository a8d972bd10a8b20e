/* audit_masks.h - how the bodies of each route may be written down, made once from the OpenAPI documents: a route that
 * a document describes needs nothing of its own. Immutable, for all workers. */
#ifndef GIRO_GATEWAY_AUDIT_MASKS_H
#define GIRO_GATEWAY_AUDIT_MASKS_H

#include "gateway/route.h"
#include "wire/json_mask.h"
#include "wire/openapi.h"

struct audit_masks;

/* operations: by route_index, NULL where no document describes the route; they live as long as the masks. 0 or a fault.
 */
int audit_masks_new(const struct openapi_operation *const *operations, struct audit_masks **ret_masks);
struct audit_masks *audit_masks_free(struct audit_masks *masks); /* returns NULL, takes NULL */

/* Of a JSON body of the request; of the answer with that status. NULL: nothing of it is written down. */
const struct json_mask *audit_masks_request(const struct audit_masks *masks, const struct route *route);
const struct json_mask *audit_masks_response(const struct audit_masks *masks, const struct route *route, int status);
/* Of the answer that the route's command gives the moment it is decided: that of its answer 201 or 200 for routes of
 * /v1, the payment's own document for other routes of money (a consent's command gives none). */
const struct json_mask *audit_masks_decision(const struct audit_masks *masks, const struct route *route);

/* What may be written down of a form (application/x-www-form-urlencoded, as OAuth endpoints take it) as a JSON object:
 * fields that the protocol names, of those that hold secrets only that they were there. Others are left out. Empty when
 * the form cannot be read or nothing has room. */
struct str audit_form(struct str form, struct arena *arena);

#endif
