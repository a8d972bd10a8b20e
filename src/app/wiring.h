/* wiring.h - the composition root: opens and starts every part of the bank in order, fills in the tables of functions
 * by which knowledge travels upward, and ends them in reverse.
 *
 * (O1) nothing answers before everything is open; whatever cannot be opened ends the start with one sentence. (O2) at
 * the end the edge's requests are answered first, then the core's calls, then the engine's last batch; what is left
 * waits in the store. */
#ifndef GIRO_APP_WIRING_H
#define GIRO_APP_WIRING_H

#include "app/bank_config.h"
#include "platform/http_server.h"

struct bank;

enum { BANK_DRAIN_MS = 3000 };

/* Where the edge's socket comes from when another process had it; see hand_over.h. */
struct bank_inherit {
    /* Everything is read and compiled: now the store and the socket are wanted. gift->listen_fd < 0: nobody had them.
     * 0, or <0 with message. NULL: gift is filled already. */
    int (*receive)(void *ctx, struct http_gift *gift, struct message *message);
    /* Everything but the socket is open: may callers come? 0, or <0 with message. NULL: yes. */
    int (*confirm)(void *ctx, struct message *message);
    void *ctx;
    struct http_gift *gift;
    int64_t since_ms; /* monotonic: nobody has answered since then; 0 = not known. receive may set it */
};
/* config is borrowed for the bank's life, inherit (may be NULL) until this returns. 0, or <0 with the sentence in
 * message; then nothing is left, but the gift is the caller's unless its listen_fd is -1. */
int bank_start(const struct bank_config *config, struct bank_inherit *inherit, struct bank **ret_bank,
               struct message *message);
/* Why this node, which follows another one, cannot give it commands now, in a word that lives for ever; NULL when it
 * can, or leads itself. */
const char *bank_follow_trouble(struct bank *bank);
/* Becomes readable when another process asks for the store and the socket; bank_asked then gives the connection on
 * which it waits, the caller's to close, and the bank must be given. */
int bank_asked_fd(const struct bank *bank);
int bank_asked(struct bank *bank);
/* Answers what is under way and stops: store closed, socket and idle connections in *ret_gift, in *ret_since_ms the
 * monotonic time since which callers wait. */
struct bank *bank_give(struct bank *bank, struct http_gift *ret_gift, int64_t *ret_since_ms);
/* Becomes readable when the bank must end by itself: the process exits with failure then. */
int bank_end_fd(const struct bank *bank);
enum bank_end {
    BANK_END_CANNOT_LEAD, /* the lease was taken in vain, or the database is an old copy: the log says which */
    BANK_END_UNKNOWN,     /* a commit's outcome is not known */
    BANK_END_FENCED,      /* another node took the lease */
};
enum bank_end bank_end_why(const struct bank *bank); /* once the descriptor is readable */
struct bank *bank_stop(struct bank *bank);           /* drains, closes; returns NULL, takes NULL */

#endif
