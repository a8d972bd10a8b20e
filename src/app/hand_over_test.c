#include "app/hand_over.h"

#include "platform/clock.h"
#include "platform/net.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { TEST_WAIT_MS = 10000, TEST_CONNECTIONS = 200 };

/* The process that runs: answers the question, gives, and says what came of it. */
struct old {
    char folder[32], path[64];
    int listen_fd;
    bool refuses, dies;
    struct http_gift gift;
    int given;
    pthread_t thread;
};

static void *old_main(void *ctx) {
    struct old *old = ctx;
    static const char question[] = "{\"command\":\"hand_over\"}\n";
    char text[sizeof question];
    const char *reply = old->refuses ? "{\"ok\":false,\"error\":\"not_now\"}\n" : "{\"ok\":true}\n";
    int fd;
    check(net_accept(old->listen_fd, clock_mono_ms() + TEST_WAIT_MS, &fd) == 0);
    check(net_receive_exact(fd, text, sizeof question - 1, clock_mono_ms() + TEST_WAIT_MS) == 0);
    check(memcmp(text, question, sizeof question - 1) == 0);
    check(net_send_all(fd, reply, strlen(reply), clock_mono_ms() + TEST_WAIT_MS) == 0);
    if (!old->refuses && !old->dies) old->given = hand_over_give(fd, &old->gift, 4711);
    net_close(fd);
    return NULL;
}

static void old_open(struct old *old) {
    (void)snprintf(old->folder, sizeof old->folder, "/tmp/giro-hand-XXXXXX");
    assert_non_null(mkdtemp(old->folder));
    (void)snprintf(old->path, sizeof old->path, "%s/admin.sock", old->folder);
    assert_int_equal(net_listen_unix(old->path, 0600, &old->listen_fd, NULL), 0);
    old->given = 1;
    old->gift.listen_fd = dup(STDIN_FILENO);
    for (size_t i = 0; i < TEST_CONNECTIONS; i++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0); /* each another file, so that their order can be seen */
        old->gift.fds[old->gift.count++] = ends[0];
        assert_int_equal(close(ends[1]), 0);
    }
    assert_int_equal(pthread_create(&old->thread, NULL, old_main, old), 0);
}

static void old_close(struct old *old) {
    http_gift_close(&old->gift);
    net_close(old->listen_fd);
    assert_int_equal(unlink(old->path), 0);
    assert_int_equal(rmdir(old->folder), 0);
}

static ino_t inode_of(int fd) {
    struct stat info;
    assert_int_equal(fstat(fd, &info), 0);
    return info.st_ino;
}

static void all_arrive(void **state) {
    static struct old old;
    static struct http_gift gift;
    struct message message = { { 0 } };
    (void)state;
    old = (struct old){ .listen_fd = -1 };
    old_open(&old);
    struct hand_over new = { .admin_path = old.path, .fd = -1 };
    assert_int_equal(hand_over_ask(&new, &gift, &message), 0);
    assert_int_equal(new.since_ms, 4711);
    assert_int_equal(gift.count, TEST_CONNECTIONS);
    assert_int_equal(inode_of(gift.listen_fd), inode_of(STDIN_FILENO));
    for (size_t i = 0; i < TEST_CONNECTIONS; i++) assert_int_equal(inode_of(gift.fds[i]), inode_of(old.gift.fds[i]));
    assert_int_equal(hand_over_taken(&new, &message), 0);
    pthread_join(old.thread, NULL);
    assert_int_equal(old.given, 0);
    hand_over_close(&new);
    http_gift_close(&gift);
    old_close(&old);
}

/* V2: who got it all and ends has not taken it. */
static void the_new_one_ends(void **state) {
    static struct old old;
    static struct http_gift gift;
    (void)state;
    old = (struct old){ .listen_fd = -1 };
    old_open(&old);
    struct hand_over new = { .admin_path = old.path, .fd = -1 };
    assert_int_equal(hand_over_ask(&new, &gift, NULL), 0);
    hand_over_close(&new);
    pthread_join(old.thread, NULL);
    assert_true(old.given < 0);
    http_gift_close(&gift);
    old_close(&old);
}

/* V3: without go the new one must end. */
static void the_old_one_ends(void **state) {
    static struct old old;
    static struct http_gift gift;
    struct message message;
    (void)state;
    for (int refuses = 0; refuses < 2; refuses++) {
        message = (struct message){ { 0 } };
        old = (struct old){ .listen_fd = -1, .refuses = refuses, .dies = !refuses };
        old_open(&old);
        struct hand_over new = { .admin_path = old.path, .fd = -1 };
        assert_true(hand_over_ask(&new, &gift, &message) < 0);
        assert_true(message.text[0]);
        assert_int_equal(gift.listen_fd, -1);
        pthread_join(old.thread, NULL);
        hand_over_close(&new);
        old_close(&old);
    }
}

static void nobody_runs(void **state) {
    static struct http_gift gift;
    struct message message = { { 0 } };
    struct hand_over new = { .admin_path = "/tmp/giro-no-such-folder/admin.sock", .fd = -1 };
    (void)state;
    assert_int_equal(hand_over_ask(&new, &gift, &message), 0);
    assert_int_equal(gift.listen_fd, -1);
    assert_int_equal(hand_over_taken(&new, &message), 0);
    hand_over_close(&new);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(all_arrive), cmocka_unit_test(the_new_one_ends),
                                        cmocka_unit_test(the_old_one_ends), cmocka_unit_test(nobody_runs) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
