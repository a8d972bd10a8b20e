/* service.h - the conversation of the core banking host: records in, answers out, faults on command.
 *
 * (V1) One request is in flight on a connection. Bytes beyond a record, bytes while one is under way, an unknown
 *      tag, an unsound field: the connection closes and nothing is booked. A record may arrive in pieces; one that
 *      is not whole after LOOP_UNFINISHED_MS closes its connection and books nothing.
 * (V2) Enquiries are answered at once in every mode; the faults strike TXN and REV.
 *
 * Modes: ok; slow (books, answers after SERVICE_SLOW_MS); silent (neither books nor answers); twice (answers twice);
 * fail-before (closes, books nothing); fail-after (books, closes without an answer); fail-random (one of the six for
 * each request, by seed).
 *
 * Control socket, a line each: "mode NAME" or "seed N" -> "ok", or "error SENTENCE" and the connection closes. */
#ifndef GIRO_SIMULATORS_CORE_SERVICE_H
#define GIRO_SIMULATORS_CORE_SERVICE_H

#include "simulators/common/loop.h"
#include "simulators/core/books.h"

enum { SERVICE_SLOW_MS = 3000, CONTROL_LINE_BYTES_MAX = 64 };

#define SERVICE_MODES(X)                                                                                               \
    X(SERVICE_OK, "ok") X(SERVICE_SLOW, "slow") X(SERVICE_SILENT, "silent") X(SERVICE_TWICE, "twice")                  \
    X(SERVICE_FAIL_BEFORE, "fail-before") X(SERVICE_FAIL_AFTER, "fail-after") X(SERVICE_FAIL_RANDOM, "fail-random")
#define X(mode, name) mode,
enum service_mode { SERVICE_MODES(X) SERVICE_MODE_COUNT };
#undef X

struct service {
    struct books *books; /* borrowed */
    enum service_mode mode;
    uint64_t random; /* state of the generator behind fail-random */
    int fault;       /* of the books; the next flush returns it and ends the program */
    struct loop_protocol records, control;
};

void service_init(struct service *service, struct books *books);
bool service_set_mode(struct service *service, struct str name); /* false: no such mode */
void service_set_seed(struct service *service, uint64_t seed);
int service_flush(void *ctx); /* ctx is the service; for loop_init */

#endif
