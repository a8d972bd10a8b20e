/* revocation_int.h - the inside of struct revocation, for revocation.c and revocation_fetch.c. */
#ifndef GIRO_PLATFORM_REVOCATION_INT_H
#define GIRO_PLATFORM_REVOCATION_INT_H

#include "platform/revocation.h"
#include "platform/x509_int.h"

#include <pthread.h>

/* A list at a URL, wanted by certificates of one issuer. */
struct revocation_fetched {
    char url[REVOCATION_URL_BYTES_MAX];
    struct hash issuer;
    X509 *issuer_x509;
    bool tried;
    int64_t due_ms; /* monotonic */
    struct revocation_list list;
};

struct revocation_watched {
    struct trust_link link;
    X509 *x509, *issuer_x509;                      /* x509 NULL: free */
    int64_t seen_ms;                               /* monotonic */
    size_t lists[REVOCATION_URLS_MAX], list_count; /* of fetched */
    char ocsp[REVOCATION_URL_BYTES_MAX];
    bool ocsp_tried;
    int64_t ocsp_due_ms; /* monotonic */
    struct revocation_answer answer;
};

enum { REVOCATION_WAYS = 4 };

/* All below the lock; the calls go out without it. */
struct revocation {
    struct revocation_options options;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work, done; /* for the thread; for who waits. On the monotonic clock */
    bool ending;
    size_t waiters;
    struct revocation_watched *watched; /* sets of REVOCATION_WAYS */
    struct revocation_fetched *fetched;
    size_t fetched_count;
    struct revocation_list *files;
    size_t file_count;
};

void revocation_lock(struct revocation *revocation);
void revocation_unlock(struct revocation *revocation);
/* Waits on condition at most until the monotonic moment; the lock is held. */
void revocation_wait(struct revocation *revocation, pthread_cond_t *condition, int64_t until_ms);
void *revocation_run(void *revocation); /* the thread of the calls */

#endif
