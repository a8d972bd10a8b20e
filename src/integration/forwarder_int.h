/* forwarder_int.h - the frames between forwarder.c (asks) and forwarder_serve.c (answers). Private to these.
 *
 * A request is its kind (1 byte), then: COMMANDS: count (2), each command's length (4) and bytes (command_codec.h);
 * NOTES: each record's length (4) and text; PING: nothing. The answer is the kind, or NOBODY (no engine here, nothing
 * was taken), then for COMMANDS an answer each, in order (command_codec.h). */
#ifndef GIRO_INTEGRATION_FORWARDER_INT_H
#define GIRO_INTEGRATION_FORWARDER_INT_H

#include "integration/forwarder.h"

enum forward_frame { FORWARD_NOBODY, FORWARD_COMMANDS, FORWARD_NOTES, FORWARD_PING, FORWARD_FRAME_COUNT };
enum { FORWARD_ANSWER_LEAST_BYTES = 25 }; /* an answer without a body */

/* The engine, or NULL while it is another node's. */
struct engine *forwarder_engine(struct forwarder *forwarder);
struct integration *forwarder_integration(struct forwarder *forwarder);

#endif
