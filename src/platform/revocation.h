/* revocation.h - whether certificates are revoked: lists from files, lists and OCSP answers fetched from where the
 * certificates say, kept until they are out of date, renewed in the background.
 *
 * (V1) A certificate that a verified list or answer names is refused from the next check on, also when the list is out
 * of date by now. (V2) "Not revoked" is believed of a list or answer only while it is good (thisUpdate, nextUpdate).
 * (V3) When neither can be had the policy decides: require refuses, soft accepts. (V4) Calls go out on one thread of
 * its own, by the rules of outbound_guard.h; a check waits for the first of them at most REVOCATION_WAIT_MS, and at
 * most REVOCATION_WAITERS_MAX checks wait at a time. (V5) Memory is bounded: REVOCATION_WATCHED_MAX certificates, the
 * ones longest unused make room and are watched anew at their next request; REVOCATION_LISTS_MAX lists.
 *
 * What is checked are the links of a verdict (trust_set.h): the certificate and the CAs between it and its anchor. */
#ifndef GIRO_PLATFORM_REVOCATION_H
#define GIRO_PLATFORM_REVOCATION_H

#include "platform/outbound_guard.h"
#include "platform/revocation_list.h"

enum revocation_policy { REVOCATION_SOFT, REVOCATION_REQUIRE, REVOCATION_OFF };
#define REVOCATION_POLICY_CHOICES "soft|require|off" /* in the same order */

enum {
    REVOCATION_WATCHED_MAX = 4096,
    REVOCATION_LISTS_MAX = 128, /* fetched ones */
    REVOCATION_FILES_MAX = 128, /* lists in files */
    REVOCATION_WAIT_MS = 700,
    REVOCATION_WAITERS_MAX = 8,
    REVOCATION_CONNECT_MS = 2000, /* of one call */
    REVOCATION_CALL_MS = 10000,
    REVOCATION_RETRY_MS = 30000,  /* after a failure, or refresh_ms when that is shorter */
    REVOCATION_IDLE_MS = 3600000, /* a certificate not seen for so long is not asked about */
};

struct revocation_options {
    enum revocation_policy policy; /* not OFF: then there is nothing to open */
    struct outbound_guard guard;   /* its hosts are borrowed */
    int64_t refresh_ms;            /* lists and answers are fetched again so often, or when they end */
    /* One fetch failed: where and why, without anything personal; on the thread of the calls. */
    void (*on_failure)(void *ctx, const char *url, const char *reason);
    void *ctx;
};

struct revocation;
int revocation_open(const struct revocation_options *options, struct revocation **ret_revocation) MUST_USE;
struct revocation *revocation_close(struct revocation *revocation); /* takes NULL, returns NULL */

/* Reads the lists in files and folders (*.crl, *.pem, *.der), each signed by a CA of the set, and puts them in place of
 * those read before. 0; REVOCATION_E_* with path and reason in message, then those before stay; -ENOMEM. */
int revocation_load(struct revocation *revocation, const char *const *paths, size_t count, const struct trust_set *set,
                    struct message *message) MUST_USE;

/* From now on the link's state is kept: for a struct trust_visit whose ctx is the revocation. */
void revocation_watch(void *ctx, const struct trust_link *link, const void *x509, const void *issuer_x509);

enum revocation_state {
    REVOCATION_GOOD, /* or not known, with the policy soft */
    REVOCATION_REVOKED,
    REVOCATION_UNKNOWN,   /* and the policy is require */
    REVOCATION_UNWATCHED, /* revocation_watch first */
};
enum revocation_state revocation_check(struct revocation *revocation, const struct trust_link *links,
                                       size_t count) MUST_USE;

#endif
