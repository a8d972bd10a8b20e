#include "platform/net_fds.h"

#include "platform/clock.h"

#include <limits.h>
#include <poll.h>
#include <sys/socket.h>

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(NET_PACKET_FDS_MAX * sizeof(int))];
};

static int wait_for(int fd, short events, int64_t deadline_ms) {
    for (;;) {
        int64_t left_ms = deadline_ms - clock_mono_ms();
        struct pollfd waiting = { .fd = fd, .events = events };
        int ready = poll(&waiting, 1, left_ms <= 0 ? 0 : left_ms > INT_MAX ? INT_MAX : (int)left_ms);
        if (ready > 0) return 0;
        if (ready < 0 && errno != EINTR) return err_origin(-errno);
        if (ready == 0 && clock_mono_ms() >= deadline_ms) return err_origin(-ETIMEDOUT);
    }
}

int net_send_fds(int fd, const struct net_packet *packet, int64_t deadline_ms) {
    union control control = { .bytes = { 0 } };
    size_t fds_bytes = packet->count * sizeof packet->fds[0];
    struct iovec bytes = { .iov_base = (void *)(uintptr_t)packet->bytes, .iov_len = sizeof packet->bytes };
    struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1 };
    check(packet->count > 0 && packet->count <= NET_PACKET_FDS_MAX);
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(fds_bytes);
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(fds_bytes);
    memcpy(CMSG_DATA(head), packet->fds, fds_bytes);
    int r = wait_for(fd, POLLOUT, deadline_ms);
    if (r) return err_trace(r);
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    return sent == (ssize_t)sizeof packet->bytes ? 0 : err_origin(sent < 0 ? -errno : -EIO);
}

static void take_fds(struct msghdr *message, struct net_packet *packet) {
    for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
        size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof packet->fds[0];
        check(packet->count + count <= NET_PACKET_FDS_MAX); /* the control buffer has no more room */
        memcpy(packet->fds + packet->count, CMSG_DATA(head), count * sizeof packet->fds[0]);
        packet->count += count;
    }
}

int net_receive_fds(int fd, struct net_packet *ret_packet, int64_t deadline_ms) {
    union control control;
    struct net_packet packet = { .count = 0 };
    struct iovec bytes = { .iov_base = packet.bytes, .iov_len = sizeof packet.bytes };
    struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1 };
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    int r = wait_for(fd, POLLIN, deadline_ms);
    if (r) return err_trace(r);
    ssize_t got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    if (got < 0) return err_origin(-errno);
    take_fds(&message, &packet);
    if (got == (ssize_t)sizeof packet.bytes && packet.count && !(message.msg_flags & MSG_CTRUNC)) {
        *ret_packet = packet;
        return 0;
    }
    for (size_t i = 0; i < packet.count; i++) net_close(packet.fds[i]);
    return err_origin(got == 0 ? -ENODATA : -EBADMSG);
}
