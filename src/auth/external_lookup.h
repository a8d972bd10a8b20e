/* external_lookup.h - asks other authorization servers about their tokens (RFC 7662) and keeps what they said for a
 * short time.
 *
 * (Q1) Questions are asked by EXTERNAL_ASKERS threads of their own. Whoever asks does not wait on his thread: he is
 * called back, and holds nothing meanwhile. (Q2) One question about a token at a time, however many wait for its
 * answer; at most EXTERNAL_WAITERS_MAX wait, and of them EXTERNAL_WAITERS_OF_ONE for one caller, so that a caller with
 * tokens that he made up keeps nobody else out. (Q3) "Active" is good for EXTERNAL_LIFE_MS from the moment of the
 * question, "not active" for EXTERNAL_REFUSED_LIFE_MS; the caller judges exp each time. (Q4) What could not be asked is
 * EXTERNAL_E_UNKNOWN and is not kept. An issuer that failed is asked again EXTERNAL_RETRY_MS later at the earliest, by
 * one question at a time until one is answered; meanwhile every other is unknown at once. (Q5) A question that found no
 * thread for EXTERNAL_QUEUE_MS is not asked any more. (Q6) Tokens are kept hashed, and in clear only while they are
 * asked about. EXTERNAL_ANSWERS_MAX answers are kept; of those that share a place the one that ends first goes. */
#ifndef GIRO_AUTH_EXTERNAL_LOOKUP_H
#define GIRO_AUTH_EXTERNAL_LOOKUP_H

#include "auth/external_call.h"

enum {
    EXTERNAL_ASKERS = 4,
    EXTERNAL_WAITERS_MAX = 256,
    EXTERNAL_WAITERS_OF_ONE = 64,
    EXTERNAL_LIFE_MS = 5000,
    EXTERNAL_REFUSED_LIFE_MS = 5000,
    EXTERNAL_RETRY_MS = 1000,
    EXTERNAL_QUEUE_MS = 3000,
    EXTERNAL_ANSWERS_MAX = 2048,
};

struct external_lookup;
struct external_lookup_options {
    const struct external_issuer *issuers; /* borrowed, as what they point to */
    size_t issuer_count;                   /* [1, EXTERNAL_ISSUERS_MAX] */
    struct outbound_guard guard;           /* its hosts are borrowed */
    const char *ca_file;                   /* PEM, of the servers; NULL: the system's; borrowed */
    /* May be NULL. From the asking threads; reason names the host at most. */
    void (*on_failure)(void *ctx, struct str issuer, const char *reason);
    void *ctx;
    /* For tests; NULL: external_call_ask, the clocks. */
    int (*ask)(void *ctx, const struct external_issuer *issuer, struct str token, struct buffer *out,
               struct message *message);
    int64_t (*mono_ms)(void);
    int64_t (*now_ms)(void);
};
/* 0, -ENOMEM, -EAGAIN. */
int external_lookup_open(const struct external_lookup_options *options, struct external_lookup **ret_lookup) MUST_USE;
/* Whoever waits is called back, and nobody waits from here on. Harmless twice; takes NULL. */
void external_lookup_stop(struct external_lookup *lookup);
/* Stops first. Nobody may be inside external_lookup_ask. Takes NULL, returns NULL. */
struct external_lookup *external_lookup_close(struct external_lookup *lookup);

struct external_verdict {
    int result;                    /* 0, EXTERNAL_E_TOKEN, EXTERNAL_E_UNKNOWN */
    struct external_claims claims; /* with 0; its texts lie here: */
    char client_name[EXTERNAL_NAME_BYTES_MAX], scope[EXTERNAL_SCOPE_BYTES_MAX];
};
/* The caller's, until it was called back. */
struct external_wait {
    struct client_id caller;
    struct str interaction_id;  /* of the call that needs the answer, for the record of the question; empty: none */
    void (*on_done)(void *ctx); /* verdict is there; on another thread, perhaps before external_lookup_ask returns */
    void *ctx;
    struct external_verdict verdict;
    struct external_wait *next; /* the lookup's own */
};
/* About a token of at most EXTERNAL_TOKEN_BYTES_MAX, to the issuer of that index, which has an endpoint (check). True:
 * wait->verdict is there and nobody is called; false: on_done is, or was already. */
bool external_lookup_ask(struct external_lookup *lookup, size_t issuer, struct str token, struct external_wait *wait);

#endif
