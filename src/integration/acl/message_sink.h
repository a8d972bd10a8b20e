/* message_sink.h - hands messages to the sender of SMS and mail: one JSON line a message over TCP, answered `ok ID`
 * once it is flushed there. A message's id is its event's, so that one sent twice is kept once. One thread at a time.
 */
#ifndef GIRO_INTEGRATION_ACL_MESSAGE_SINK_H
#define GIRO_INTEGRATION_ACL_MESSAGE_SINK_H

#include "domain/event.h"

enum { MESSAGE_SINK_DEADLINE_MS = 5000, MESSAGE_SINK_BATCH_BYTES_MAX = 256 * 1024 };

struct message_sink;
/* host is copied. Connects when first used. 0 or -ENOMEM. */
int message_sink_new(const char *host, uint16_t port, struct message_sink **ret_sink);
struct message_sink *message_sink_free(struct message_sink *sink); /* returns NULL, takes NULL */
/* relay_consumer.wants: events that have a message. */
bool message_sink_wants(enum event_type type);
/* Sends the messages of those events that have one, in one go, and waits for all answers. Its signature is
 * relay_consumer.deliver's. 0: all are kept there. <0: perhaps some are; send all again. */
int message_sink_deliver(void *sink, const struct event *events, size_t count);

#endif
