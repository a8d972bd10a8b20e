/* admin_audit.h - what the journal keeps of an operator's line: the members that are named here, masked by their kind;
 * passwords and secrets never. Private to admin*.c. */
#ifndef GIRO_APP_ADMIN_AUDIT_H
#define GIRO_APP_ADMIN_AUDIT_H

#include "observe/audit.h"
#include "platform/arena.h"

struct admin_audit;                                              /* opaque, immutable */
int admin_audit_new(struct admin_audit **ret_audit);             /* 0 or a fault */
struct admin_audit *admin_audit_free(struct admin_audit *audit); /* returns NULL, takes NULL */
/* The line as it may be written down, in the arena; empty when that is full. */
struct audit_body admin_audit_request(const struct admin_audit *audit, struct str line, struct arena *arena);

#endif
