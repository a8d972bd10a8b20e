/* operator_call.h - a subcommand that changes something: asks the daemon through the operator's socket and prints what
 * it answers. */
#ifndef GIRO_APP_OPERATOR_CALL_H
#define GIRO_APP_OPERATOR_CALL_H

#include "app/options.h"
#include "platform/buffer.h"
#include "wire/json.h"

enum { OPERATOR_REQUEST_BYTES_MAX = 16 * 1024 };
struct operator_call {
    const char *var, *key; /* key: NULL without one */
    bool json;
    struct buffer request;
    struct json_writer writer;
    char bytes[OPERATOR_REQUEST_BYTES_MAX];
};
/* The rows of an options table that every such subcommand has. */
#define OPERATOR_CALL_OPTIONS(call)                                                                                    \
    { "var", "DIR", &(call)->var, NULL, "the sandbox's folder (default $GIRO_VAR or var)" },                           \
        { "key", "KEY", &(call)->key, NULL, "idempotency key: the same order again is not a second one" }, {           \
        "json", NULL, NULL, &(call)->json, "one JSON document"                                                         \
    }

/* {"command": name, ...: the caller writes its members into call->writer. */
void operator_call_begin(struct operator_call *call, const char *name);
/* ...}: sends it. Prints the answer's "id" and "result" (as they are, or for people); the exit code. */
int operator_call_end(struct operator_call *call);

#endif
