/* client_keys.h - the keys of clients, registered by value or by URL (jwks_uri, software_jwks_endpoint).
 *
 * (K1) A set by URL is fetched by threads of its own under the rules of outbound_guard.h: https with the server's name
 * verified, no redirect, no internal address, 64 KiB, CLIENT_KEYS_CALL_MS. Whoever needs a set that is not there waits
 * for it at most CLIENT_KEYS_WAIT_MS, the resolver's time included; of the threads that take requests at most
 * waiters_max do so at a time, the others are told CLIENT_KEYS_E_BUSY. The engine and threads of I/O never call here.
 * (K2) One fetch of a URL at a time, however many wait for it. After one that failed the next comes
 * CLIENT_KEYS_RETRY_MS later at the earliest. (K3) A set is good for CLIENT_KEYS_LIFE_MS; in the last
 * CLIENT_KEYS_AHEAD_MS of them it is fetched anew without anybody waiting. While the host cannot be had it goes on
 * until CLIENT_KEYS_STALE_MS after it was fetched. (K4) A token that names a key which is not there has the set fetched
 * anew, once in CLIENT_KEYS_COOL_MS (FAPI C7). (K5) CLIENT_KEYS_URLS_MAX sets are kept; the one unused for longest
 * goes. */
#ifndef GIRO_AUTH_CLIENT_KEYS_H
#define GIRO_AUTH_CLIENT_KEYS_H

#include "platform/outbound_guard.h"
#include "wire/jwks.h"

enum {
    CLIENT_KEYS_URLS_MAX = 1024,
    CLIENT_KEYS_LIFE_MS = 5 * 60 * 1000,
    CLIENT_KEYS_AHEAD_MS = 60 * 1000,
    CLIENT_KEYS_STALE_MS = 60 * 60 * 1000,
    CLIENT_KEYS_COOL_MS = 60 * 1000,
    CLIENT_KEYS_RETRY_MS = 10 * 1000,
    CLIENT_KEYS_CONNECT_MS = 2000,
    CLIENT_KEYS_CALL_MS = 3000,
    CLIENT_KEYS_WAIT_MS = 3500,
    CLIENT_KEYS_FETCHERS = 4,
};

struct client_keys;
struct client_keys_options {
    struct outbound_guard guard; /* its hosts are borrowed */
    const char *ca_file;         /* PEM, of the servers; NULL: the system's */
    size_t waiters_max;          /* >= 1 */
    /* May be NULL. From the fetching threads; reason names the host at most. */
    void (*on_failure)(void *ctx, const char *url, const char *reason);
    void *ctx;
    /* For tests; NULL: over the network, the monotonic clock. fetch appends the document: 0, >0 with a sentence, <0. */
    int (*fetch)(void *ctx, const char *url, struct buffer *out, struct message *message);
    int64_t (*mono_ms)(void);
};
/* 0, -ENOMEM, -EAGAIN. */
int client_keys_open(const struct client_keys_options *options, struct client_keys **ret_keys) MUST_USE;
/* Nobody may be inside client_keys_take. Takes NULL, returns NULL. Waits for the calls under way. */
struct client_keys *client_keys_close(struct client_keys *keys);

/* A set in use; shared by threads, never changes. */
struct client_key_set;
struct client_key_source {
    struct client_key_set *set; /* read once by whoever keeps it; or else */
    struct str jwks;            /* by value; or else */
    struct str jwks_uri;        /* by URL */
    struct client_keys *cache;  /* NULL: those by URL are not to be had */
    struct str interaction_id;  /* of the call that needs them, for the record of a fetch; empty: none */
};
/* Reads a document of keys. 0 with *ret_set, to be released; CLIENT_KEYS_E_ABSENT with a sentence; <0. */
int client_key_set_parse(struct str text, struct client_key_set **ret_set, struct message *message) MUST_USE;
const struct jwks *client_key_set_keys(const struct client_key_set *set);
struct client_key_set *client_key_set_release(struct client_key_set *set); /* takes NULL, returns NULL */

enum client_keys_refusal {
    CLIENT_KEYS_E_NONE = 0,
    CLIENT_KEYS_E_ABSENT, /* no set, or none that can be used or had */
    CLIENT_KEYS_E_BUSY,   /* too many wait for theirs */
};
/* poor (may be NULL): a set of this source that lacked the key that was looked for: a newer one is fetched by (K4);
 * when there is none yet the same comes back. 0 with *ret_set, to be released; CLIENT_KEYS_E_*; <0. */
int client_keys_take(const struct client_key_source *source, const struct client_key_set *poor,
                     struct client_key_set **ret_set) MUST_USE;

#endif
