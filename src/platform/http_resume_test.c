/* http_resume_test.c - a request that is given back comes to on_resume on the thread that read it; also when its client
 * has left, and after the threads have ended. */
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

enum { WAIT_MS = 30000, CLIENTS = 20, ROUNDS = 50 };

struct world {
    char folder[32], path[64];
    struct http_server *server;
    atomic_bool hold; /* who was asked keeps the request until it is false */
    atomic_int read, resumed, strange;
    pthread_t readers[HTTP_IO_THREADS_MAX]; /* by io_thread, once one was seen */
    atomic_bool seen[HTTP_IO_THREADS_MAX];
    bool late;
};

struct asked {
    struct world *world;
    struct http_request *request;
};

static void *give_back(void *ctx) {
    struct asked asked = *(struct asked *)ctx;
    free(ctx);
    while (atomic_load(&asked.world->hold)) (void)poll(NULL, 0, 1);
    http_resume(asked.request);
    return NULL;
}

static void on_request(void *ctx, struct http_request *request) {
    struct world *world = ctx;
    pthread_t thread;
    struct asked *asked = malloc(sizeof *asked);
    *asked = (struct asked){ world, request };
    request->user = world;
    world->readers[request->io_thread] = pthread_self();
    atomic_store(&world->seen[request->io_thread], true);
    atomic_fetch_add(&world->read, 1);
    check(pthread_create(&thread, NULL, give_back, asked) == 0 && pthread_detach(thread) == 0);
}

static void on_resume(void *ctx, struct http_request *request) {
    struct world *world = ctx;
    bool reader = atomic_load(&world->seen[request->io_thread]) &&
                  pthread_equal(world->readers[request->io_thread], pthread_self());
    if (reader == world->late || request->user != world) atomic_fetch_add(&world->strange, 1);
    struct http_response response = { .status = 200, .body = STR("resumed") };
    http_reply(request, &response);
    atomic_fetch_add(&world->resumed, 1);
}

static void world_open(struct world *world) {
    struct http_server_options options = http_server_options_default();
    struct message message = { { 0 } };
    *world = (struct world){ .folder = "/tmp/giro-resume-XXXXXX" };
    assert_non_null(mkdtemp(world->folder));
    (void)snprintf(world->path, sizeof world->path, "%s/api.sock", world->folder);
    options.unix_path = world->path;
    options.allowed_uids[0] = getuid();
    options.allowed_uid_count = 1;
    options.io_threads = 2;
    options.on_request = on_request;
    options.on_resume = on_resume;
    options.ctx = world;
    if (http_server_start(&options, &world->server, &message)) fail_msg("%s", message.text);
}

static void world_drop(struct world *world) {
    assert_int_equal(atomic_load(&world->strange), 0);
    world->server = http_server_free(world->server);
    (void)unlink(world->path);
    assert_int_equal(rmdir(world->folder), 0);
}

static int client_open(const struct world *world) {
    int fd;
    assert_int_equal(net_connect_unix(world->path, clock_mono_ms() + WAIT_MS, &fd), 0);
    return fd;
}

static void ask(int fd) {
    static const char text[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_int_equal(net_send_all(fd, text, sizeof text - 1, clock_mono_ms() + WAIT_MS), 0);
}

static void hears(int fd) {
    char text[1024];
    size_t len = 0, got, at;
    do {
        assert_int_equal(net_receive_some(fd, text + len, sizeof text - len, clock_mono_ms() + WAIT_MS, &got), 0);
        assert_true(got > 0);
        len += got;
    } while (!str_find(str_from_bytes(text, len), STR("resumed"), &at));
}

static void wait_for(const atomic_int *count, int wanted) {
    int64_t until_ms = clock_mono_ms() + WAIT_MS;
    while (atomic_load(count) != wanted && clock_mono_ms() < until_ms) (void)poll(NULL, 0, 1);
    assert_int_equal(atomic_load(count), wanted);
}

static void it_comes_back_to_its_thread(void **state) {
    struct world world;
    int clients[CLIENTS];
    (void)state;
    world_open(&world);
    for (size_t i = 0; i < CLIENTS; i++) clients[i] = client_open(&world);
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < CLIENTS; i++) ask(clients[i]);
        for (size_t i = 0; i < CLIENTS; i++) hears(clients[i]);
    }
    assert_int_equal(atomic_load(&world.resumed), CLIENTS * ROUNDS);
    for (size_t i = 0; i < CLIENTS; i++) net_close(clients[i]);
    world_drop(&world);
}

static void its_client_has_left(void **state) {
    struct world world;
    (void)state;
    world_open(&world);
    atomic_store(&world.hold, true);
    int fd = client_open(&world);
    ask(fd);
    wait_for(&world.read, 1);
    net_close(fd);
    atomic_store(&world.hold, false);
    wait_for(&world.resumed, 1);
    fd = client_open(&world); /* and others are served */
    ask(fd);
    hears(fd);
    net_close(fd);
    world_drop(&world);
}

static void its_thread_has_ended(void **state) {
    struct world world;
    int clients[CLIENTS];
    (void)state;
    world_open(&world);
    atomic_store(&world.hold, true);
    for (size_t i = 0; i < CLIENTS; i++) ask(clients[i] = client_open(&world));
    wait_for(&world.read, CLIENTS);
    http_server_drain(world.server, 0);
    world.late = true;
    atomic_store(&world.hold, false);
    int64_t until_ms = clock_mono_ms() + WAIT_MS; /* who gives back does so when it gets to it */
    while (atomic_load(&world.resumed) < CLIENTS && clock_mono_ms() < until_ms) http_server_resume_late(world.server);
    assert_int_equal(atomic_load(&world.resumed), CLIENTS);
    for (size_t i = 0; i < CLIENTS; i++) net_close(clients[i]);
    world_drop(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_comes_back_to_its_thread),
        cmocka_unit_test(its_client_has_left),
        cmocka_unit_test(its_thread_has_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
