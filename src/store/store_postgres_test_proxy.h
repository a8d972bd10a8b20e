/* store_postgres_test_proxy.h - stands between store and server on a Unix socket, and cuts a connection after a number
 * of bytes. Included by *_test.c only. */
#ifndef GIRO_STORE_STORE_POSTGRES_TEST_PROXY_H
#define GIRO_STORE_STORE_POSTGRES_TEST_PROXY_H

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "store/store_postgres_test_server.h"

enum { TEST_PROXY_PAIRS = 8 };

struct test_proxy {
    char connection[TEST_PATH_BYTES * 2], path[TEST_PATH_BYTES];
    struct sockaddr_un target;
    int listener;
    pthread_t thread;
    atomic_bool stop;
    pthread_mutex_t mutex; /* of what follows */
    bool armed, cut;
    int direction;                  /* 0: towards the server, 1: from it */
    long left;                      /* bytes that may still pass */
    int pairs[TEST_PROXY_PAIRS][2]; /* store, server; -1: free */
};

static inline void test_proxy_accept(struct test_proxy *proxy) {
    int store = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
    int behind = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), at = 0;
    check(store >= 0 && behind >= 0);
    check(connect(behind, (const struct sockaddr *)&proxy->target, sizeof proxy->target) == 0);
    while (at < TEST_PROXY_PAIRS && proxy->pairs[at][0] >= 0) at++;
    check(at < TEST_PROXY_PAIRS);
    proxy->pairs[at][0] = store, proxy->pairs[at][1] = behind;
}

static inline void test_proxy_close(int pair[2]) {
    for (int i = 0; i < 2; i++) {
        (void)close(pair[i]);
        pair[i] = -1;
    }
}

/* Passes on what may pass; under the mutex. */
static inline void test_proxy_pass(struct test_proxy *proxy, int pair[2], int from) {
    char bytes[16 * 1024];
    ssize_t got = recv(pair[from], bytes, sizeof bytes, 0);
    bool counted = proxy->armed && proxy->direction == from;
    if (got > 0 && counted && got >= proxy->left) {
        got = proxy->left;
        proxy->cut = true;
    }
    bool sent = got <= 0 || send(pair[1 - from], bytes, (size_t)got, MSG_NOSIGNAL) == got;
    if (counted && got > 0) proxy->left -= got;
    if (got <= 0 || !sent || proxy->cut) test_proxy_close(pair);
}

static inline void *test_proxy_main(void *ctx) {
    struct test_proxy *proxy = ctx;
    while (!atomic_load(&proxy->stop)) {
        struct pollfd polls[1 + 2 * TEST_PROXY_PAIRS] = { { .fd = proxy->listener, .events = POLLIN } };
        for (int i = 0; i < 2 * TEST_PROXY_PAIRS; i++)
            polls[1 + i] = (struct pollfd){ .fd = proxy->pairs[i / 2][i % 2], .events = POLLIN };
        if (poll(polls, ARRAY_COUNT(polls), 20) <= 0) continue;
        check(pthread_mutex_lock(&proxy->mutex) == 0);
        for (int i = 0; i < 2 * TEST_PROXY_PAIRS; i++)
            if (polls[1 + i].revents && proxy->pairs[i / 2][i % 2] >= 0)
                test_proxy_pass(proxy, proxy->pairs[i / 2], i % 2);
        if (polls[0].revents) test_proxy_accept(proxy);
        check(pthread_mutex_unlock(&proxy->mutex) == 0);
    }
    return NULL;
}

static inline void test_proxy_start(struct test_proxy *proxy, const struct test_server *of, const char *folder) {
    memset(proxy, 0, sizeof *proxy);
    for (int i = 0; i < TEST_PROXY_PAIRS; i++) proxy->pairs[i][0] = proxy->pairs[i][1] = -1;
    struct sockaddr_un own = { .sun_family = AF_UNIX };
    (void)snprintf(proxy->path, sizeof proxy->path, "%.100s/.s.PGSQL.5432", folder);
    (void)snprintf(own.sun_path, sizeof own.sun_path, "%.100s", proxy->path);
    proxy->target.sun_family = AF_UNIX;
    (void)snprintf(proxy->target.sun_path, sizeof proxy->target.sun_path, "%.80s/.s.PGSQL.5432", of->folder);
    (void)snprintf(proxy->connection, sizeof proxy->connection, "host=%s user=giro dbname=postgres", folder);
    proxy->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(proxy->listener >= 0 && bind(proxy->listener, (const struct sockaddr *)&own, sizeof own) == 0);
    check(listen(proxy->listener, 8) == 0);
    check(pthread_mutex_init(&proxy->mutex, NULL) == 0);
    check(pthread_create(&proxy->thread, NULL, test_proxy_main, proxy) == 0);
}

static inline void test_proxy_stop(struct test_proxy *proxy) {
    atomic_store(&proxy->stop, true);
    check(pthread_join(proxy->thread, NULL) == 0);
    for (int i = 0; i < TEST_PROXY_PAIRS; i++)
        if (proxy->pairs[i][0] >= 0) test_proxy_close(proxy->pairs[i]);
    (void)close(proxy->listener);
    check(pthread_mutex_destroy(&proxy->mutex) == 0);
}

/* The connection that carries the n-th byte from now on is closed when that byte has passed (n = 0: instead of the
 * first). */
static inline void test_proxy_cut_after(struct test_proxy *proxy, int direction, long n) {
    check(pthread_mutex_lock(&proxy->mutex) == 0);
    proxy->armed = true, proxy->cut = false, proxy->direction = direction, proxy->left = n;
    check(pthread_mutex_unlock(&proxy->mutex) == 0);
}

/* Everything passes again; says whether a connection was cut, and how many bytes were left. */
static inline bool test_proxy_restore(struct test_proxy *proxy, long *ret_left) {
    check(pthread_mutex_lock(&proxy->mutex) == 0);
    bool cut = proxy->cut;
    *ret_left = proxy->left;
    proxy->armed = proxy->cut = false;
    check(pthread_mutex_unlock(&proxy->mutex) == 0);
    return cut;
}

#endif
