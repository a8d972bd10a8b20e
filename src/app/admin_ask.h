/* admin_ask.h - a subcommand asks the running daemon for one thing, and ends as the answer says. */
#ifndef GIRO_APP_ADMIN_ASK_H
#define GIRO_APP_ADMIN_ASK_H

#include "platform/arena.h"
#include "wire/json.h"

enum { ADMIN_ASK_ARENA_BYTES = 256 * 1024, ADMIN_ASK_BYTES_MAX = 1024 * 1024 };

/* request: one JSON object as for app/admin.h. *ret_answer lives in arena (at least ADMIN_ASK_ARENA_BYTES). EXIT_DONE,
 * or what to exit with after a sentence on stderr: EXIT_UNAVAILABLE, EXIT_ABSENT (not_found, account_not_found,
 * consent_not_found), EXIT_CONFLICT (not_pending, too_late, consent_status, idempotency_key_reused), EXIT_FAILED. */
int admin_ask(const char *var, struct str request, struct arena *arena, const struct json **ret_answer);
/* The same for a request whose answer is one id: prints {"NAME":"...","replayed":false}, or for people the id. */
int admin_ask_id(const char *var, struct str request, const char *name, bool json);

#endif
