/* service.h - the message sink: what an SMS or mail gateway is to the bank.
 *
 * A line of JSON per message (message.h); "ok ID" once it is on disk.
 * (S1) A message is acknowledged only after its line is flushed.
 * (S2) An id is stored once: a repeated one is acknowledged again and changes nothing.
 * (S3) A line that is no message gets "error SENTENCE" and its connection closes; what came before it on the
 *      connection stays. */
#ifndef GIRO_SIMULATORS_SINK_SERVICE_H
#define GIRO_SIMULATORS_SINK_SERVICE_H

#include "simulators/common/keyed_table.h"
#include "simulators/common/loop.h"
#include "simulators/common/record_log.h"

enum { SINK_MESSAGES_MAX = 4 * 1000 * 1000 };

struct sink {
    struct record_log log;
    struct keyed_table ids;
    int fault; /* of the file; the next flush returns it and ends the program */
    struct loop_protocol protocol;
};

/* Opens (or makes) the file and reads it back. 0; SINK_E_LOCKED: another sink has it; -EBADMSG: damaged; other
 * faults. */
enum sink_refusal { SINK_E_NONE = 0, SINK_E_LOCKED };
int sink_open(struct sink *sink, const char *path, struct message *message);
void sink_release(struct sink *sink);
int sink_flush(void *ctx); /* ctx is the sink; for loop_init */
/* Prints every message of the file, a line each or as {"messages":[...]}. Reads only. */
int sink_list(const char *path, FILE *out, bool json, struct message *message);

#endif
