/* http_give_test.c - a listener and its connections go from one server to another (H5). */
#include "platform/http_server.h"

#include "platform/clock.h"
#include "platform/net.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

#include <cmocka.h>

enum { TEST_WAIT_MS = 10000, TEST_CLIENTS = 70 };

struct server {
    const char *name;
    struct http_server *server;
    atomic_bool hold; /* keeps /slow until it is false */
    atomic_int held;
};

struct world {
    char folder[32], path[64];
    struct server a, b;
};

struct late {
    struct server *server;
    struct http_request *request;
};

static void answer(struct server *server, struct http_request *request) {
    struct http_response response = { .status = 200, .body = str_from_c(server->name) };
    http_reply(request, &response);
}

static void *answer_late(void *ctx) {
    struct late late = *(struct late *)ctx;
    free(ctx);
    while (atomic_load(&late.server->hold)) (void)poll(NULL, 0, 1);
    answer(late.server, late.request);
    return NULL;
}

static void on_request(void *ctx, struct http_request *request) {
    struct server *server = ctx;
    pthread_t thread;
    if (!str_equal_c(request->path, "/slow")) {
        answer(server, request);
        return;
    }
    struct late *late = malloc(sizeof *late);
    *late = (struct late){ server, request };
    atomic_fetch_add(&server->held, 1);
    check(pthread_create(&thread, NULL, answer_late, late) == 0 && pthread_detach(thread) == 0);
}

static void server_open(struct world *world, struct server *server, struct http_gift *gift) {
    struct http_server_options options = http_server_options_default();
    struct message message = { { 0 } };
    options.unix_path = world->path;
    options.allowed_uids[0] = getuid();
    options.allowed_uid_count = 1;
    options.io_threads = 2;
    options.on_request = on_request;
    options.ctx = server;
    options.gift = gift;
    if (http_server_start(&options, &server->server, &message)) fail_msg("%s", message.text);
}

static void world_open(struct world *world) {
    *world = (struct world){ .folder = "/tmp/giro-give-XXXXXX", .a = { .name = "A" }, .b = { .name = "B" } };
    assert_non_null(mkdtemp(world->folder));
    (void)snprintf(world->path, sizeof world->path, "%s/api.sock", world->folder);
    server_open(world, &world->a, NULL);
}

static void world_drop(struct world *world) {
    world->a.server = http_server_free(world->a.server);
    world->b.server = http_server_free(world->b.server);
    (void)unlink(world->path);
    assert_int_equal(rmdir(world->folder), 0);
}

static int client_open(struct world *world) {
    int fd;
    assert_int_equal(net_connect_unix(world->path, clock_mono_ms() + TEST_WAIT_MS, &fd), 0);
    return fd;
}

static void ask(int fd, const char *path) {
    char text[128];
    int len = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    assert_int_equal(net_send_all(fd, text, (size_t)len, clock_mono_ms() + TEST_WAIT_MS), 0);
}

/* The answer's body is the server's name. */
static void hears(int fd, const char *name) {
    char text[1024];
    size_t len = 0, got;
    struct str answered = { 0 };
    size_t at;
    do {
        assert_int_equal(net_receive_some(fd, text + len, sizeof text - len, clock_mono_ms() + TEST_WAIT_MS, &got), 0);
        assert_true(got > 0);
        len += got;
        answered = str_from_bytes(text, len);
    } while (!str_find(answered, STR("\r\n\r\n"), &at) || len < at + 5);
    if (!str_equal_c(str_slice(answered, at + 4, len), name)) fail_msg("want %s: %.*s", name, (int)len, text);
    assert_false(str_find(answered, STR("Connection: close"), &at));
}

static void nothing_is_lost(void **state) {
    struct world world;
    static struct http_gift gift;
    int clients[TEST_CLIENTS];
    (void)state;
    world_open(&world);
    for (size_t i = 0; i < TEST_CLIENTS; i++) {
        clients[i] = client_open(&world);
        ask(clients[i], "/");
        hears(clients[i], "A");
    }
    http_server_give(world.a.server, TEST_WAIT_MS, &gift);
    assert_true(gift.listen_fd >= 0);
    assert_int_equal(gift.count, TEST_CLIENTS);
    for (size_t i = 0; i < TEST_CLIENTS; i += 2) ask(clients[i], "/"); /* nobody is there to read it */
    int fresh = client_open(&world);                                   /* nor to take this one */
    ask(fresh, "/");
    world.a.server = http_server_free(world.a.server);
    server_open(&world, &world.b, &gift);
    assert_int_equal(gift.listen_fd, -1);
    for (size_t i = 0; i < TEST_CLIENTS; i += 2) hears(clients[i], "B");
    hears(fresh, "B");
    for (size_t i = 0; i < TEST_CLIENTS; i++) {
        ask(clients[i], "/");
        hears(clients[i], "B");
        net_close(clients[i]);
    }
    net_close(fresh);
    world_drop(&world);
}

static void *release_main(void *ctx) {
    struct server *server = ctx;
    (void)poll(NULL, 0, 50); /* the give is waiting by now, or begins after the answer: both must be right */
    atomic_store(&server->hold, false);
    return NULL;
}

/* What is under way is answered by whoever took it, and its connection goes over afterwards. */
static void what_runs_ends_first(void **state) {
    struct world world;
    static struct http_gift gift;
    pthread_t thread;
    (void)state;
    world_open(&world);
    atomic_store(&world.a.hold, true);
    int fd = client_open(&world);
    ask(fd, "/slow");
    while (!atomic_load(&world.a.held)) (void)poll(NULL, 0, 1);
    assert_int_equal(pthread_create(&thread, NULL, release_main, &world.a), 0);
    http_server_give(world.a.server, TEST_WAIT_MS, &gift);
    pthread_join(thread, NULL);
    assert_int_equal(gift.count, 1);
    hears(fd, "A");
    server_open(&world, &world.b, &gift);
    ask(fd, "/");
    hears(fd, "B");
    net_close(fd);
    world_drop(&world);
}

/* Nobody came for it: the same process opens a server on it again. */
static void taken_back(void **state) {
    struct world world;
    static struct http_gift gift;
    (void)state;
    world_open(&world);
    int fd = client_open(&world);
    ask(fd, "/");
    hears(fd, "A");
    http_server_give(world.a.server, TEST_WAIT_MS, &gift);
    ask(fd, "/");
    world.a.server = http_server_free(world.a.server);
    assert_int_equal(access(world.path, F_OK), 0); /* the path stays */
    server_open(&world, &world.a, &gift);
    hears(fd, "A");
    net_close(fd);
    world.a.server = http_server_free(world.a.server);
    assert_int_equal(access(world.path, F_OK), -1); /* the last one removes it */
    world_drop(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(nothing_is_lost), cmocka_unit_test(what_runs_ends_first),
                                        cmocka_unit_test(taken_back) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
