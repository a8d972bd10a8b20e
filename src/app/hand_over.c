#include "app/hand_over.h"

#include "platform/clock.h"
#include "platform/net.h"

#include <poll.h>
#include <sys/socket.h>

enum { FDS_PER_MESSAGE = 64, LINE_BYTES_MAX = 256, PIECE_BYTES = 16, HAND_OVER_SEND_MS = 1000 };

/* One piece of what is released, with its descriptors beside it. */
struct piece {
    uint8_t bytes[PIECE_BYTES]; /* since_ms (8), how many descriptors (4), how many follow in later pieces (4) */
};

static void put_be(uint8_t *at, uint64_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) at[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

static uint64_t get_be(const uint8_t *at, size_t bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) value = value << 8 | at[i];
    return value;
}

static int wait_for(int fd, short events, int64_t deadline_ms) {
    for (;;) {
        int64_t left_ms = deadline_ms - clock_mono_ms();
        struct pollfd waiting = { .fd = fd, .events = events };
        int ready = poll(&waiting, 1, left_ms > 0 ? (int)left_ms : 0);
        if (ready > 0) return 0;
        if (ready < 0 && errno != EINTR) return err_origin(-errno);
        if (ready == 0 && clock_mono_ms() >= deadline_ms) return err_origin(-ETIMEDOUT);
    }
}

/* ---- descriptors over a Unix socket ---- */

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(FDS_PER_MESSAGE * sizeof(int))];
};

static int send_piece(int fd, const struct piece *piece, const int *fds, size_t count) {
    union control control = { { 0 } };
    struct iovec bytes = { .iov_base = (void *)(uintptr_t)piece->bytes, .iov_len = PIECE_BYTES };
    struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1 };
    message.msg_control = control.bytes;
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(head), fds, count * sizeof(int));
    int r = wait_for(fd, POLLOUT, clock_mono_ms() + HAND_OVER_SEND_MS);
    if (r) return err_trace(r);
    ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    return sent == PIECE_BYTES ? 0 : err_origin(sent < 0 ? -errno : -EIO);
}

static void keep_fd(struct http_gift *gift, int fd) {
    if (gift->listen_fd < 0) gift->listen_fd = fd;
    else if (gift->count < HTTP_GIFT_CONNECTIONS_MAX) gift->fds[gift->count++] = fd;
    else net_close(fd);
}

static size_t keep_fds(struct msghdr *message, struct http_gift *gift) {
    size_t count = 0;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
        size_t more = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < more; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(head) + i * sizeof fd, sizeof fd);
            keep_fd(gift, fd);
        }
        count += more;
    }
    return count;
}

static int receive_piece(int fd, int64_t deadline_ms, struct piece *ret_piece, struct http_gift *gift) {
    union control control;
    struct iovec bytes = { .iov_base = ret_piece->bytes, .iov_len = PIECE_BYTES };
    struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1 };
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    int r = wait_for(fd, POLLIN, deadline_ms);
    if (r) return err_trace(r);
    ssize_t got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    if (got < 0) return err_origin(-errno);
    size_t count = keep_fds(&message, gift);
    if (got == 0) return err_origin(-ENODATA);
    if (got != PIECE_BYTES || (message.msg_flags & MSG_CTRUNC) || count != get_be(ret_piece->bytes + 8, 4))
        return err_origin(-EBADMSG);
    return 0;
}

/* ---- words ---- */

static int hear(int fd, const char *word, int64_t wait_ms) {
    char text[LINE_BYTES_MAX];
    size_t len = strlen(word);
    check(len <= sizeof text);
    int r = net_receive_exact(fd, text, len, clock_mono_ms() + wait_ms);
    if (r) return err_trace(r);
    return memcmp(text, word, len) == 0 ? 0 : err_origin(-EBADMSG);
}

static int say(int fd, const char *word) {
    return err_trace(net_send_all(fd, word, strlen(word), clock_mono_ms() + HAND_OVER_SEND_MS));
}

/* ---- the old process ---- */

int hand_over_give(int fd, const struct http_gift *gift, int64_t since_ms) {
    int fds[FDS_PER_MESSAGE];
    size_t at = 0, left = gift->count + 1;
    int r = 0;
    fds[0] = gift->listen_fd;
    for (size_t first = 1; !r && left; first = 0) { /* the listener stands before the connections */
        size_t count = left < FDS_PER_MESSAGE ? left : FDS_PER_MESSAGE;
        struct piece piece;
        for (size_t i = first; i < count; i++) fds[i] = gift->fds[at++];
        left -= count;
        put_be(piece.bytes, (uint64_t)since_ms, 8);
        put_be(piece.bytes + 8, count, 4);
        put_be(piece.bytes + 12, left, 4);
        r = send_piece(fd, &piece, fds, count);
    }
    if (!r) r = hear(fd, "taken\n", HAND_OVER_TAKE_MS);
    return r ? err_trace(r) : err_trace(say(fd, "go\n"));
}

/* ---- the new process ---- */

static int ask(int fd, struct message *message) {
    static const char yes[] = "{\"ok\":true}\n";
    char text[LINE_BYTES_MAX] = { 0 };
    int r = say(fd, "{\"command\":\"hand_over\"}\n");
    if (!r) r = net_receive_exact(fd, text, sizeof yes - 1, clock_mono_ms() + HAND_OVER_SEND_MS);
    if (!r && memcmp(text, yes, sizeof yes - 1) == 0) return 0;
    message_set(message, "the process that runs does not hand over: it may be starting or ending, or another one asks");
    return r ? err_trace(r) : err_origin(-EBUSY);
}

static int receive_all(struct hand_over *hand_over, struct http_gift *gift) {
    struct piece piece;
    int64_t deadline_ms = clock_mono_ms() + HAND_OVER_RELEASE_MS;
    int r;
    do r = receive_piece(hand_over->fd, deadline_ms, &piece, gift);
    while (!r && get_be(piece.bytes + 12, 4) > 0);
    if (!r) hand_over->since_ms = (int64_t)get_be(piece.bytes, 8);
    return r;
}

int hand_over_ask(struct hand_over *hand_over, struct http_gift *ret_gift, struct message *message) {
    *ret_gift = (struct http_gift){ .listen_fd = -1 };
    int r = net_connect_unix(hand_over->admin_path, clock_mono_ms() + HAND_OVER_SEND_MS, &hand_over->fd);
    if (r) hand_over->fd = -1;
    if (r == -ENOENT || r == -ECONNREFUSED) return 0; /* nobody runs: a start like any other */
    if (r) message_set(message, "cannot ask at %s: %s", hand_over->admin_path, strerrordesc_np(-r));
    if (!r) r = ask(hand_over->fd, message);
    if (r) return err_trace(r);
    r = receive_all(hand_over, ret_gift);
    if (!r && ret_gift->listen_fd >= 0) return 0;
    message_set(message, "the process that ran did not release its store");
    http_gift_close(ret_gift);
    return r ? err_trace(r) : err_origin(-EBADMSG);
}

int hand_over_taken(struct hand_over *hand_over, struct message *message) {
    if (hand_over->fd < 0) return 0;
    int r = say(hand_over->fd, "taken\n");
    if (!r) r = hear(hand_over->fd, "go\n", HAND_OVER_GO_MS);
    if (r) message_set(message, "the process that ran takes its store back: this one was too slow");
    return err_trace(r);
}

void hand_over_close(struct hand_over *hand_over) {
    net_close(hand_over->fd);
    hand_over->fd = -1;
}
