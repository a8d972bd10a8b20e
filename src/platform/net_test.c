#include "platform/net.h"

#include "platform/clock.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 10000, BIG_BYTES = 4 * 1024 * 1024 };

struct pair {
    int near_fd, far_fd;
};

static int64_t soon(int64_t ms) {
    return clock_mono_ms() + ms;
}

static struct pair pair_open(void) {
    struct pair pair;
    int listen_fd;
    uint16_t port;
    assert_int_equal(net_listen_tcp("127.0.0.1", 0, &listen_fd, &port, NULL), 0);
    assert_true(port > 0);
    assert_int_equal(net_connect_tcp("127.0.0.1", port, soon(PATIENCE_MS), &pair.near_fd), 0);
    assert_int_equal(net_accept(listen_fd, soon(PATIENCE_MS), &pair.far_fd), 0);
    net_close(listen_fd);
    return pair;
}

static void pair_close(struct pair pair) {
    net_close(pair.near_fd);
    net_close(pair.far_fd);
}

static void bytes_arrive_whole(void **state) {
    (void)state;
    struct pair pair = pair_open();
    char text[8];
    size_t len;
    assert_int_equal(net_send_all(pair.near_fd, "abcdef", 6, soon(PATIENCE_MS)), 0);
    assert_int_equal(net_receive_exact(pair.far_fd, text, 4, soon(PATIENCE_MS)), 0);
    assert_memory_equal(text, "abcd", 4);
    assert_int_equal(net_receive_some(pair.far_fd, text, sizeof text, soon(PATIENCE_MS), &len), 0);
    assert_int_equal(len, 2);
    assert_memory_equal(text, "ef", 2);
    pair_close(pair);
}

static void deadline_ends_every_wait(void **state) {
    (void)state;
    struct pair pair = pair_open();
    char text[8], *big = calloc(1, BIG_BYTES);
    size_t len;
    assert_non_null(big);
    int64_t begin_ms = clock_mono_ms();
    assert_int_equal(net_receive_some(pair.near_fd, text, sizeof text, soon(-1), &len), -ETIMEDOUT);
    assert_int_equal(net_receive_exact(pair.near_fd, text, 2, soon(30)), -ETIMEDOUT);
    /* Nobody reads at the far end: the buffers fill and the rest cannot leave. */
    int r = 0;
    for (int i = 0; i < 16 && !r; i++) r = net_send_all(pair.near_fd, big, BIG_BYTES, soon(20));
    assert_int_equal(r, -ETIMEDOUT);
    assert_true(clock_mono_ms() - begin_ms >= 50);
    assert_true(clock_mono_ms() - begin_ms < PATIENCE_MS);
    free(big);
    pair_close(pair);
}

static void closed_peer_is_told(void **state) {
    (void)state;
    struct pair pair = pair_open();
    char text[8];
    size_t len = 9;
    assert_false(net_has_input(pair.near_fd));
    assert_int_equal(net_send_all(pair.far_fd, "abc", 3, soon(PATIENCE_MS)), 0);
    net_close(pair.far_fd);
    assert_int_equal(net_receive_exact(pair.near_fd, text, 4, soon(PATIENCE_MS)), -ENODATA);
    assert_int_equal(net_receive_some(pair.near_fd, text, sizeof text, soon(PATIENCE_MS), &len), 0);
    assert_int_equal(len, 0);
    assert_true(net_has_input(pair.near_fd));
    int r = 0; /* the first send may still be taken; SIGPIPE would end this test */
    for (int i = 0; i < 100 && !r; i++) r = net_send_all(pair.near_fd, "x", 1, soon(PATIENCE_MS));
    assert_true(r == -EPIPE || r == -ECONNRESET);
    net_close(pair.near_fd);
}

static void idle_input_is_seen(void **state) {
    (void)state;
    struct pair pair = pair_open();
    char c;
    assert_false(net_has_input(pair.near_fd));
    assert_int_equal(net_send_all(pair.far_fd, "x", 1, soon(PATIENCE_MS)), 0);
    assert_int_equal(net_receive_exact(pair.near_fd, &c, 1, soon(PATIENCE_MS)), 0);
    assert_false(net_has_input(pair.near_fd));
    pair_close(pair);
}

static void descriptors_close_on_exec(void **state) {
    (void)state;
    struct pair pair = pair_open();
    assert_true(fcntl(pair.near_fd, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(pair.far_fd, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(pair.far_fd, F_GETFL) & O_NONBLOCK);
    pair_close(pair);
}

static void taken_port_is_refused(void **state) {
    (void)state;
    struct message message = { "" };
    int first_fd, fd = -7;
    uint16_t port, other = 7;
    assert_int_equal(net_listen_tcp(NULL, 0, &first_fd, &port, &message), 0);
    assert_int_equal(net_listen_tcp("127.0.0.1", port, &fd, &other, &message), -EADDRINUSE);
    assert_non_null(strstr(message.text, "choose another port"));
    assert_int_equal(fd, -7);
    assert_int_equal(other, 7);
    net_close(first_fd);
    assert_int_equal(net_connect_tcp("127.0.0.1", port, soon(PATIENCE_MS), &fd), -ECONNREFUSED);
    assert_int_equal(fd, -7);
}

static void unknown_hosts_are_refused(void **state) {
    (void)state;
    static const char *const hosts[] = { "256.0.0.1", "no such host", "::1::" };
    struct message message;
    for (size_t i = 0; i < ARRAY_COUNT(hosts); i++) {
        int fd;
        uint16_t port;
        message.text[0] = 0;
        assert_int_equal(net_listen_tcp(hosts[i], 0, &fd, &port, &message), -EINVAL);
        assert_non_null(strstr(message.text, hosts[i]));
        assert_int_equal(net_connect_tcp(hosts[i], 1, soon(PATIENCE_MS), &fd), -EINVAL);
    }
}

static void accept_waits_no_longer_than_told(void **state) {
    (void)state;
    int listen_fd, fd;
    uint16_t port;
    assert_int_equal(net_listen_tcp(NULL, 0, &listen_fd, &port, NULL), 0);
    assert_int_equal(net_accept(listen_fd, soon(10), &fd), -ETIMEDOUT);
    net_close(listen_fd);
}

static void unix_socket_is_private_and_replaced(void **state) {
    (void)state;
    char folder[] = "/tmp/net_test.XXXXXX", path[64], other[200];
    struct message message = { "" };
    struct stat status;
    int listen_fd, near_fd, far_fd, fd;
    char c;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/socket", folder);
    assert_int_equal(net_listen_unix(path, 0600, &listen_fd, &message), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(net_connect_unix(path, soon(PATIENCE_MS), &near_fd), 0);
    assert_int_equal(net_accept(listen_fd, soon(PATIENCE_MS), &far_fd), 0);
    assert_int_equal(net_send_all(near_fd, "u", 1, soon(PATIENCE_MS)), 0);
    assert_int_equal(net_receive_exact(far_fd, &c, 1, soon(PATIENCE_MS)), 0);
    net_close(near_fd);
    net_close(far_fd);
    assert_int_equal(net_listen_unix(path, 0600, &fd, &message), -EADDRINUSE); /* somebody listens */
    net_close(listen_fd);
    assert_int_equal(net_connect_unix(path, soon(PATIENCE_MS), &fd), -ECONNREFUSED);
    assert_int_equal(net_listen_unix(path, 0600, &listen_fd, &message), 0); /* a dead one's file is replaced */
    net_close(listen_fd);
    (void)unlink(path);
    assert_int_equal(close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), 0);
    assert_int_equal(net_listen_unix(path, 0600, &fd, &message), -EEXIST); /* a file that is no socket stays */
    assert_int_equal(unlink(path), 0);
    memset(other, 'x', sizeof other);
    other[sizeof other - 1] = 0;
    assert_int_equal(net_listen_unix(other, 0600, &fd, &message), -ENAMETOOLONG);
    assert_int_equal(net_connect_unix(other, soon(10), &fd), -ENAMETOOLONG);
    assert_int_equal(rmdir(folder), 0);
}

struct drain {
    int fd;
    size_t bytes;
};

static void *drain_run(void *argument) {
    struct drain *drain = argument;
    char part[8192];
    size_t len = 1;
    while (len && net_receive_some(drain->fd, part, sizeof part, soon(PATIENCE_MS), &len) == 0) drain->bytes += len;
    return NULL;
}

static void big_sends_survive_full_buffers(void **state) {
    (void)state;
    struct pair pair = pair_open();
    struct drain drain = { .fd = pair.far_fd };
    pthread_t thread;
    char *big = calloc(1, BIG_BYTES);
    assert_non_null(big);
    assert_int_equal(pthread_create(&thread, NULL, drain_run, &drain), 0);
    assert_int_equal(net_send_all(pair.near_fd, big, BIG_BYTES, soon(PATIENCE_MS)), 0);
    assert_int_equal(shutdown(pair.near_fd, SHUT_WR), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(drain.bytes, BIG_BYTES);
    free(big);
    pair_close(pair);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_arrive_whole),
        cmocka_unit_test(deadline_ends_every_wait),
        cmocka_unit_test(closed_peer_is_told),
        cmocka_unit_test(idle_input_is_seen),
        cmocka_unit_test(descriptors_close_on_exec),
        cmocka_unit_test(taken_port_is_refused),
        cmocka_unit_test(unknown_hosts_are_refused),
        cmocka_unit_test(accept_waits_no_longer_than_told),
        cmocka_unit_test(unix_socket_is_private_and_replaced),
        cmocka_unit_test(big_sends_survive_full_buffers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
