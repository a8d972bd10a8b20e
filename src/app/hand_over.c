#include "app/hand_over.h"

#include "platform/clock.h"
#include "platform/net_fds.h"

enum { LINE_BYTES_MAX = 256, HAND_OVER_SEND_MS = 1000 };

/* A packet's bytes: since_ms (8), how many descriptors it has (4), how many follow in later packets (4). */

static void put_be(uint8_t *at, uint64_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) at[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
}

static uint64_t get_be(const uint8_t *at, size_t bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) value = value << 8 | at[i];
    return value;
}

static void keep_fd(struct http_gift *gift, int fd) {
    if (gift->listen_fd < 0) gift->listen_fd = fd;
    else if (gift->count < HTTP_GIFT_CONNECTIONS_MAX) gift->fds[gift->count++] = fd;
    else net_close(fd);
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

static int send_all(int fd, const struct http_gift *gift, int64_t since_ms) {
    size_t left = gift->count + 1, at = 0; /* the listener stands before the connections */
    int r = 0;
    while (!r && left) {
        struct net_packet packet = { .count = left < NET_PACKET_FDS_MAX ? left : NET_PACKET_FDS_MAX };
        for (size_t i = 0; i < packet.count; i++, at++) packet.fds[i] = at ? gift->fds[at - 1] : gift->listen_fd;
        left -= packet.count;
        put_be(packet.bytes, (uint64_t)since_ms, 8);
        put_be(packet.bytes + 8, packet.count, 4);
        put_be(packet.bytes + 12, left, 4);
        r = net_send_fds(fd, &packet, clock_mono_ms() + HAND_OVER_SEND_MS);
    }
    return r;
}

int hand_over_give(int fd, const struct http_gift *gift, int64_t since_ms) {
    int r = send_all(fd, gift, since_ms);
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
    int64_t deadline_ms = clock_mono_ms() + HAND_OVER_RELEASE_MS;
    size_t left = 1;
    while (left) {
        struct net_packet packet;
        int r = net_receive_fds(hand_over->fd, &packet, deadline_ms);
        if (r) return err_trace(r);
        for (size_t i = 0; i < packet.count; i++) keep_fd(gift, packet.fds[i]);
        if (packet.count != get_be(packet.bytes + 8, 4)) return err_origin(-EBADMSG);
        left = (size_t)get_be(packet.bytes + 12, 4);
        hand_over->since_ms = (int64_t)get_be(packet.bytes, 8);
    }
    return 0;
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
