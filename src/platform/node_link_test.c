#include "platform/node_link.h"

#include "platform/clock.h"
#include "platform/file.h"
#include "platform/net.h"
#include "platform/x509.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

#include <cmocka.h>

#define DAY_MS INT64_C(86400000)
enum { ANSWER_BYTES_MAX = NODE_FRAME_BYTES_MAX, PATH_MAX_BYTES = 256 };

static char folder[] = "/tmp/giro-node-link-XXXXXX";
static const char *const names[] = { "ours", "other" }; /* two authorities, a node of each */

static const char *path_of(const char *name, const char *end, char path[PATH_MAX_BYTES]) {
    (void)snprintf(path, PATH_MAX_BYTES, "%s/%s.%s", folder, name, end);
    return path;
}

static void write_text(const char *name, const char *end, struct str text) {
    char path[PATH_MAX_BYTES];
    FILE *file = fopen(path_of(name, end, path), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.at, 1, text.len, file), text.len);
    assert_int_equal(fclose(file), 0);
}

static void write_pair(const char *name, const struct authority *authority, const struct certificate_request *request) {
    char memory[CERTIFICATE_PEM_BYTES_MAX];
    struct key *key;
    struct certificate *certificate;
    struct secret_bytes secret;
    struct buffer pem;
    assert_int_equal(key_generate(KEY_TYPE_EC_P256, &key), 0);
    assert_int_equal(authority_issue(authority, request, key, &certificate), 0);
    buffer_init(&pem, memory, sizeof memory);
    assert_int_equal(key_write_pem(key, &secret), 0);
    write_text(name, "key", secret_str(&secret));
    secret_release(&secret);
    assert_int_equal(certificate_write_pem(certificate, &pem), 0);
    write_text(name, "pem", buffer_str(&pem));
    key_free(key);
    certificate_free(certificate);
}

static int set_up(void **state) {
    (void)state;
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        char memory[CERTIFICATE_PEM_BYTES_MAX], node[PATH_MAX_BYTES];
        struct authority *authority;
        struct certificate_request request = { .use = CERTIFICATE_FOR_SERVER,
                                               .common_name = str_from_c(names[i]),
                                               .not_before_ms = clock_now_ms() - DAY_MS,
                                               .not_after_ms = clock_now_ms() + DAY_MS };
        struct buffer pem;
        assert_int_equal(authority_create(KEY_TYPE_EC_P256, &request, &authority), 0);
        buffer_init(&pem, memory, sizeof memory);
        assert_int_equal(certificate_write_pem(authority_certificate(authority), &pem), 0);
        write_text(names[i], "trust", buffer_str(&pem));
        (void)snprintf(node, sizeof node, "%s-node", names[i]);
        write_pair(node, authority, &request);
        request.not_after_ms = clock_now_ms() - 1000;
        (void)snprintf(node, sizeof node, "%s-old", names[i]);
        write_pair(node, authority, &request);
        authority_free(authority);
    }
    return 0;
}

static int tear_down(void **state) {
    static const char *const ends[] = { "-node.pem", "-node.key", "-old.pem", "-old.key", ".trust" };
    char path[PATH_MAX_BYTES];
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++)
        for (size_t e = 0; e < ARRAY_COUNT(ends); e++) {
            (void)snprintf(path, sizeof path, "%s/%s%s", folder, names[i], ends[e]);
            assert_int_equal(unlink(path), 0);
        }
    return rmdir(folder);
}

static struct node_identity *identity_of(const char *node, const char *trust, const char *hello) {
    char certificate[PATH_MAX_BYTES], key[PATH_MAX_BYTES], list[PATH_MAX_BYTES];
    struct node_identity *identity;
    struct message message = { { 0 } };
    struct node_identity_options options = { .certificate = path_of(node, "pem", certificate),
                                             .key = path_of(node, "key", key),
                                             .trust = strchr(trust, '.') ? list : path_of(trust, "trust", list),
                                             .hello = str_from_c(hello) };
    if (strchr(trust, '.')) (void)snprintf(list, sizeof list, "%s/%s", folder, trust);
    if (node_identity_new(&options, &identity, &message)) fail_msg("%s", message.text);
    return identity;
}

struct server {
    struct node_identity *identity;
    struct node_server *server;
    atomic_int served;
    atomic_bool hold; /* keeps a request until it is false */
};

/* The request backwards; none to "close". */
static bool serve(void *ctx, struct str request, struct buffer *answer) {
    struct server *server = ctx;
    atomic_fetch_add(&server->served, 1);
    while (atomic_load(&server->hold)) (void)poll(NULL, 0, 1);
    if (str_equal_c(request, "close")) return false;
    for (size_t i = request.len; i > 0; i--) buffer_append_char(answer, request.at[i - 1]);
    return true;
}

static void server_open(struct server *server, const char *node, const char *trust, size_t connections_max) {
    struct message message = { { 0 } };
    *server = (struct server){ .identity = identity_of(node, trust, "v1") };
    struct node_server_options options = {
        .identity = server->identity, .connections_max = connections_max, .serve = serve, .ctx = server
    };
    if (node_server_start(&options, &server->server, &message)) fail_msg("%s", message.text);
}

static void server_close(struct server *server) {
    server->server = node_server_stop(server->server);
    server->identity = node_identity_free(server->identity);
}

static int ask(struct node_link *link, struct str request, int64_t wait_ms, struct buffer *answer, bool *ret_sent) {
    return node_link_call(link, request, clock_mono_ms() + wait_ms, answer, ret_sent);
}

/* L1: who may speak with whom. */
static const struct {
    const char *name, *server_node, *server_trust, *client_node, *client_trust, *client_hello;
    int want;
} peers[] = {
    { "nodes of one bank", "ours-node", "ours", "ours-node", "ours", "v1", 0 },
    { "a list of the certificate itself", "ours-node", "ours", "ours-node", "ours-node.pem", "v1", 0 },
    { "the server is a stranger", "other-node", "ours", "ours-node", "ours", "v1", NODE_LINK_E_PEER },
    { "the client is a stranger", "ours-node", "ours", "other-node", "ours", "v1", NODE_LINK_E_PEER },
    { "the server has expired", "ours-old", "ours", "ours-node", "ours", "v1", NODE_LINK_E_PEER },
    { "the client has expired", "ours-node", "ours", "ours-old", "ours", "v1", NODE_LINK_E_PEER },
    { "another version", "ours-node", "ours", "ours-node", "ours", "v2", NODE_LINK_E_HELLO },
    { "a version that begins alike", "ours-node", "ours", "ours-node", "ours", "v1x", NODE_LINK_E_HELLO },
};

static void who_may_speak(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(peers); i++) {
        struct server server;
        struct node_link *link = NULL;
        server_open(&server, peers[i].server_node, peers[i].server_trust, 2);
        struct node_identity *identity =
            identity_of(peers[i].client_node, peers[i].client_trust, peers[i].client_hello);
        int r = node_link_open(identity, "127.0.0.1", node_server_port(server.server), &link);
        if (r != peers[i].want) fail_msg("%s: %d", peers[i].name, r);
        node_link_close(link);
        node_identity_free(identity);
        server_close(&server);
        assert_int_equal(server.served, 0);
    }
}

static void frames_of_any_size(void **state) {
    static const size_t sizes[] = { 0, 1, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, NODE_FRAME_BYTES_MAX };
    struct server server;
    struct node_link *link;
    struct buffer answer;
    char *request = malloc(NODE_FRAME_BYTES_MAX);
    bool sent;
    (void)state;
    buffer_init_heap(&answer, ANSWER_BYTES_MAX);
    server_open(&server, "ours-node", "ours", 2);
    assert_int_equal(node_link_open(server.identity, "127.0.0.1", node_server_port(server.server), &link), 0);
    for (size_t i = 0; i < NODE_FRAME_BYTES_MAX; i++) request[i] = (char)(i * 31 % 251);
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        buffer_reset(&answer);
        assert_int_equal(ask(link, str_from_bytes(request, sizes[i]), 10000, &answer, &sent), 0);
        assert_int_equal(answer.len, sizes[i]);
        for (size_t at = 0; at < sizes[i]; at += 997) assert_int_equal(answer.at[sizes[i] - 1 - at], request[at]);
    }
    node_link_close(link);
    server_close(&server);
    buffer_release(&answer);
    free(request);
}

/* L2, L3: what may have been served, and what was not. */
static void sent_or_not(void **state) {
    struct server server;
    struct node_link *link;
    char memory[64];
    struct buffer answer;
    bool sent;
    (void)state;
    server_open(&server, "ours-node", "ours", 2);
    uint16_t port = node_server_port(server.server);
    buffer_init(&answer, memory, sizeof memory);
    assert_int_equal(node_link_open(server.identity, "127.0.0.1", port, &link), 0);
    assert_true(ask(link, STR("close"), 5000, &answer, &sent) < 0); /* it was served, and no answer came */
    assert_true(sent);
    assert_false(node_link_is_good(link));
    assert_true(ask(link, STR("abc"), 5000, &answer, &sent) < 0);
    assert_false(sent);
    node_link_close(link);
    assert_int_equal(server.served, 1);
    atomic_store(&server.hold, true);
    assert_int_equal(node_link_open(server.identity, "127.0.0.1", port, &link), 0);
    assert_int_equal(ask(link, STR("abc"), 50, &answer, &sent), -ETIMEDOUT);
    assert_true(sent);
    node_link_close(link);
    atomic_store(&server.hold, false);
    assert_int_equal(node_link_open(server.identity, "127.0.0.1", port, &link), 0);
    node_server_stop(server.server);
    server.server = NULL;
    assert_true(ask(link, STR("abc"), 5000, &answer, &sent) < 0);
    assert_false(sent);
    node_link_close(link);
    assert_int_equal(node_link_open(server.identity, "127.0.0.1", port, &link), -ECONNREFUSED);
    server_close(&server);
}

static void *stop_main(void *ctx) {
    struct server *server = ctx;
    server->server = node_server_stop(server->server);
    return NULL;
}

/* What is being served at the stop is answered. */
static void *release_main(void *ctx) {
    struct server *server = ctx;
    while (!atomic_load(&server->served)) (void)poll(NULL, 0, 1);
    pthread_t stopper;
    check(pthread_create(&stopper, NULL, stop_main, server) == 0);
    atomic_store(&server->hold, false);
    pthread_join(stopper, NULL);
    return NULL;
}

static void stop_answers_what_is_under_way(void **state) {
    struct server server;
    struct node_link *link;
    char memory[64];
    struct buffer answer;
    pthread_t thread;
    bool sent;
    (void)state;
    server_open(&server, "ours-node", "ours", 2);
    buffer_init(&answer, memory, sizeof memory);
    atomic_store(&server.hold, true);
    assert_int_equal(node_link_open(server.identity, "127.0.0.1", node_server_port(server.server), &link), 0);
    assert_int_equal(pthread_create(&thread, NULL, release_main, &server), 0);
    assert_int_equal(ask(link, STR("abc"), 5000, &answer, &sent), 0);
    assert_true(str_equal_c(buffer_str(&answer), "cba"));
    pthread_join(thread, NULL);
    node_link_close(link);
    server_close(&server);
}

/* L4 */
static void connections_are_bounded(void **state) {
    struct server server;
    struct node_link *links[2], *over;
    (void)state;
    server_open(&server, "ours-node", "ours", ARRAY_COUNT(links));
    uint16_t port = node_server_port(server.server);
    for (size_t i = 0; i < ARRAY_COUNT(links); i++)
        assert_int_equal(node_link_open(server.identity, "127.0.0.1", port, &links[i]), 0);
    assert_true(node_link_open(server.identity, "127.0.0.1", port, &over) != 0);
    node_link_close(links[0]);
    int r;
    int64_t until_ms = clock_mono_ms() + 5000;
    do r = node_link_open(server.identity, "127.0.0.1", port, &over); /* once its thread has seen the end */
    while (r && clock_mono_ms() < until_ms);
    assert_int_equal(r, 0);
    node_link_close(over);
    node_link_close(links[1]);
    server_close(&server);
}

/* Somebody who connects and says nothing does not keep the server from ending or the client from its time. */
static void silence(void **state) {
    struct node_identity *identity = identity_of("ours-node", "ours", "v1");
    struct node_link *link;
    int listen_fd;
    uint16_t port;
    (void)state;
    assert_int_equal(net_listen_tcp(NULL, 0, &listen_fd, &port, NULL), 0);
    int64_t began_ms = clock_mono_ms();
    assert_int_equal(node_link_open(identity, "127.0.0.1", port, &link), -ETIMEDOUT);
    assert_true(clock_mono_ms() - began_ms < 4 * NODE_CONNECT_MS);
    net_close(listen_fd);
    node_identity_free(identity);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_may_speak),
        cmocka_unit_test(frames_of_any_size),
        cmocka_unit_test(sent_or_not),
        cmocka_unit_test(stop_answers_what_is_under_way),
        cmocka_unit_test(connections_are_bounded),
        cmocka_unit_test(silence),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
