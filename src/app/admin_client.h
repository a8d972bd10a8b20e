/* admin_client.h - the command line's side of the operator's socket (admin.h). */
#ifndef GIRO_APP_ADMIN_CLIENT_H
#define GIRO_APP_ADMIN_CLIENT_H

#include "platform/arena.h"
#include "platform/buffer.h"
#include "wire/json.h"

enum { ADMIN_CALL_MS_MAX = 30000 };

struct admin_client {
    int fd; /* -1: not connected */
};

#define ADMIN_CLIENT_E_MAP(X)                                                                                          \
    X(ADMIN_CLIENT_E_UNREACHABLE, "no daemon answers") X(ADMIN_CLIENT_E_REFUSED, "refused by the daemon")
#define X(code, name) code,
enum admin_client_refusal { ADMIN_CLIENT_E_NONE = 0, ADMIN_CLIENT_E_MAP(X) ADMIN_CLIENT_E_COUNT };
#undef X

/* 0; ADMIN_CLIENT_E_UNREACHABLE with a sentence. */
int admin_client_open(struct admin_client *client, const char *path, struct message *message) MUST_USE;
void admin_client_close(struct admin_client *client);
/* request: one JSON object without a line end. *ret_answer lives in arena. 0; ADMIN_CLIENT_E_REFUSED (message is the
 * error's name); ADMIN_CLIENT_E_UNREACHABLE (gone, or no answer in ADMIN_CALL_MS_MAX: the client is of no more use,
 * what became of the request is not known); -EBADMSG (not an answer); -ENOMEM. */
int admin_client_call(struct admin_client *client, struct str request, struct arena *arena,
                      const struct json **ret_answer, struct message *message) MUST_USE;

#endif
