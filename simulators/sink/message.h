/* message.h - one message to a customer, as the sink takes it: a line of JSON (RFC 8259) with the members id, to and
 * template.
 *
 * The line is checked whole (depth at most MESSAGE_DEPTH_MAX, UTF-8, nothing behind the object); the three members must
 * be there once each, as strings without escapes. Further members may hold anything. Pure; no memory. */
#ifndef GIRO_SIMULATORS_SINK_MESSAGE_H
#define GIRO_SIMULATORS_SINK_MESSAGE_H

#include "platform/str.h"

enum { MESSAGE_LINE_BYTES_MAX = 15 * 1024, MESSAGE_ID_BYTES_MAX = 64, MESSAGE_DEPTH_MAX = 8 };

struct sink_message {
    struct str id; /* 1..64 of [A-Za-z0-9._:-]; borrowed from the line, like the others */
    struct str to, template;
};
/* line without its line end. 0 or -EINVAL. */
int sink_message_parse(struct str line, struct sink_message *ret_message);

#endif
