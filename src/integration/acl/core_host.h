/* core_host.h - the client of the core banking host (design.md section 7): one function a request, and an answer
 * that is true.
 *
 * (H1) At most one request is in flight on a connection.
 * (H2) After a deadline, a surplus byte, a malformed answer or any fault the connection is closed and the outcome is
 *      CORE_UNKNOWN: never failed, never done. Only an enquiry tells.
 * (H3) An idle connection on which anything has arrived (a late or second answer, the peer's close) is closed before
 *      use.
 * (H4) Nothing is sent twice by this module: a request that fails is reported, the caller decides.
 * (H5) At most connections_max connections; who finds all in use waits, within its own deadline, unsent.
 * (H6) An answer does not name its request, so a second answer that comes late could pass for the next one's.
 *      Therefore only an execution takes an idle connection; one is kept only after code 00; and a core reference
 *      that the answer before it on the connection gave to another payment makes the outcome CORE_UNKNOWN.
 * Thread-safe. The circuit breaker is the caller's: core_host_judge() says what to report to it. */
#ifndef GIRO_INTEGRATION_ACL_CORE_HOST_H
#define GIRO_INTEGRATION_ACL_CORE_HOST_H

#include "integration/acl/core_record.h"
#include "integration/breaker.h"

enum {
    CORE_CONNECTIONS_MAX = 256,
    CORE_CONNECTIONS_DEFAULT = 16,
    CORE_DEADLINE_MS_DEFAULT = 2000,
    CORE_DEADLINE_MS_MAX = 60000
};

struct core_host;
struct core_host_options {
    const char *host;           /* a numeric address, or a name (net_connect_tcp); copied */
    uint16_t port;
    const char *layouts_folder; /* holds txn.json, enq.json, rev.json, answer.json */
    int connections_max;        /* 1..CORE_CONNECTIONS_MAX */
    int deadline_ms; /* 1..CORE_DEADLINE_MS_MAX: of one request, connecting and waiting for a connection included */
};
/* Connects to nobody yet. 0, or a fault of core_records_load with its message; -EINVAL: an option out of range. */
int core_host_new(const struct core_host_options *options, struct core_host **ret_core, struct message *message);
struct core_host *core_host_free(struct core_host *core); /* no request may be under way; takes NULL, returns NULL */

enum core_outcome {
    CORE_BOOKED,             /* 00: booked, as often as it is asked. To a reversal: reversed */
    CORE_REFUSED,            /* any other code to a TXN or an enquiry: nothing of it is booked and never will be */
    CORE_NEVER_SEEN,         /* 44, to an enquiry only; binding: a later TXN gets 46 */
    CORE_NOTHING_TO_REVERSE, /* 45, to a reversal only; binding likewise */
    CORE_BARRED,             /* 46, to a TXN only: not booked, because an enquiry or a reversal came first */
    CORE_UNKNOWN, /* nobody knows: enquire. Also 47 (the reference was used with other bytes) and a code that has no
                     place here */
};
struct core_answer {
    enum core_outcome outcome;
    struct core_record_answer record; /* all empty when no well-formed answer came */
    bool sent;                        /* CORE_UNKNOWN: whether any byte may have reached the core by this call */
    int fault; /* CORE_UNKNOWN: the reason (-ETIMEDOUT, -ECONNREFUSED, -EBADMSG ...), for the log; else 0 */
};

/* Each blocks for at most the deadline. 0 with an answer; -EINVAL: the transfer is not one the core carries, nothing
 * was sent. */
int core_host_execute(struct core_host *core, const struct core_transfer *transfer, struct core_answer *ret_answer);
int core_host_enquire(struct core_host *core, const struct payment_id *payment_id, struct core_answer *ret_answer);
int core_host_reverse(struct core_host *core, const struct payment_id *payment_id, struct core_answer *ret_answer);

/* What the breaker is to hear: FAILED when the core did not answer as it should; REFUSED for the business's no; else
 * DONE. */
enum breaker_result core_host_judge(const struct core_answer *answer);

#endif
