/* hand_over.h - a new process takes the store and the edge's socket from the one that runs, over the admin socket.
 *
 *   new                                   old
 *   reads, compiles, proves everything
 *   {"command":"hand_over"}  ------->     stops reading, answers what is under way, closes the store
 *                            <-------     released: the listener, the idle connections, when it stopped
 *   opens the store and all else
 *   taken                    ------->
 *                            <-------     go, and exits 0
 *   answers what has waited
 *
 * (V1) Callers' connections wait meanwhile in the listener's queue and in their sockets: none is closed and no byte of
 * them is lost, so no request fails. (V2) Until it says go the old process keeps the descriptors; when the new one
 * ends, says nothing for HAND_OVER_TAKE_MS, or speaks nonsense, it opens the store again and goes on. (V3) The new
 * process answers nobody before it has heard go. Both hold the store's lock in turn, never together. */
#ifndef GIRO_APP_HAND_OVER_H
#define GIRO_APP_HAND_OVER_H

#include "platform/http_server.h"

enum {
    HAND_OVER_RELEASE_MS = 15000, /* the new one waits so long for released */
    HAND_OVER_TAKE_MS = 5000,     /* the old one for taken */
    HAND_OVER_GO_MS = 2000,       /* the new one for go */
    HAND_OVER_BACK_MS = 10000,    /* the old one tries to open the store again */
};

struct hand_over {
    const char *admin_path;
    int fd; /* of the new process: the connection; -1 */
    int64_t since_ms;
};

/* The new process. ask: 0 with the gift; its listen_fd is -1 when no process was there to ask. <0 with message. */
int hand_over_ask(struct hand_over *hand_over, struct http_gift *ret_gift, struct message *message);
int hand_over_taken(struct hand_over *hand_over, struct message *message); /* 0: go; <0 with message: end */
void hand_over_close(struct hand_over *hand_over);

/* The old process, after the store is closed: 0: the other one has it all; <0: take it back. fd stays the caller's. */
int hand_over_give(int fd, const struct http_gift *gift, int64_t since_ms);

#endif
