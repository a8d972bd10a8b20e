/* net_fds.h - descriptors that go with a few bytes over a Unix stream (SCM_RIGHTS): both processes have them then. */
#ifndef GIRO_PLATFORM_NET_FDS_H
#define GIRO_PLATFORM_NET_FDS_H

#include "platform/net.h"

enum { NET_PACKET_BYTES = 16, NET_PACKET_FDS_MAX = 64 };

struct net_packet {
    uint8_t bytes[NET_PACKET_BYTES]; /* the caller's */
    size_t count;                    /* 1..NET_PACKET_FDS_MAX */
    int fds[NET_PACKET_FDS_MAX];
};
/* 0, -ETIMEDOUT, -EPIPE ...; the descriptors stay the caller's too. */
int net_send_fds(int fd, const struct net_packet *packet, int64_t deadline_ms);
/* One packet; its descriptors are close-on-exec and the caller's. 0; -ENODATA: the peer has closed; -EBADMSG: no packet
 * (nothing is left open); -ETIMEDOUT ... */
int net_receive_fds(int fd, struct net_packet *ret_packet, int64_t deadline_ms);

#endif
