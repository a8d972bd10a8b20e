/* certificate_watch.h - a thread of the daemon that looks at the files of trust: CA lists, lists of revoked
 * certificates, the edge's own certificates.
 *
 * (W1) A changed file is in force within CERTIFICATE_WATCH_MS and the time to read it; no request waits for that.
 * (W2) Files that cannot be used leave what was read before in force; the log says which and what to change, once for
 * each change. (W3) giro_certificate_expires_seconds{kind,name} is kept up to date: kind "trust", name that of the
 * list: the CA certificate that ends first; kind "edge", name that of the file. What ends within CERTIFICATE_WARN_DAYS
 * is told in the log, once a day. */
#ifndef GIRO_APP_CERTIFICATE_WATCH_H
#define GIRO_APP_CERTIFICATE_WATCH_H

#include "app/bank_config.h"
#include "observe/log.h"
#include "observe/metric_table.h"
#include "platform/trust_set.h"

enum { CERTIFICATE_WATCH_MS = 200, CERTIFICATE_WARN_DAYS = 30, CERTIFICATE_FACTS_MS = 5000 };

struct revocation;

struct certificate_watch_options {
    const struct bank_config *config; /* borrowed, as all below */
    struct trust_slot *trust;         /* holds what was loaded at the start */
    struct revocation *revocation;    /* NULL: nothing to load */
    struct log *log;
    struct metrics *metrics;
};

struct certificate_watch;
int certificate_watch_start(const struct certificate_watch_options *options,
                            struct certificate_watch **ret_watch) MUST_USE;        /* 0, -ENOMEM, -EAGAIN */
struct certificate_watch *certificate_watch_stop(struct certificate_watch *watch); /* takes NULL, returns NULL */

#endif
