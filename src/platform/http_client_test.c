#include "platform/http_client.h"

#include "platform/clock.h"
#include "platform/http_server.h"
#include "platform/queue.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* A server on TCP that tells what it was sent, a client, an arena; files of certificates for the TLS tests. */
struct bench {
    struct http_server *server;
    struct http_client_options options;
    struct http_client *client;
    struct arena arena;
    struct message message;
    struct queue held;
    char folder[64], url[128], unix_path[96];
};

static void on_request(void *ctx, struct http_request *request) {
    struct bench *bench = ctx;
    if (str_equal(request->path, STR("/hold"))) {
        check(queue_try_put(&bench->held, request) == 0);
        return;
    }
    struct str text = arena_printf(
        &request->arena, STR_FMT " " STR_FMT " type=" STR_FMT " x=" STR_FMT " body=" STR_FMT,
        STR_ARG(request->method), STR_ARG(request->path), STR_ARG(http_header(request, STR("Content-Type"))),
        STR_ARG(http_header(request, STR("X-One"))), STR_ARG(request->body));
    check(http_header_count(request, STR("Expect")) == 0);
    struct http_header headers[] = { { STR("X-Two"), STR("2") }, { STR("Location"), STR("/elsewhere") } };
    http_reply(request, &(struct http_response){ .status = str_equal(request->path, STR("/moved")) ? 302 : 200,
                                                 .headers = headers, .header_count = 2, .body = text });
}

static int server_start(struct bench *bench, const char *unix_path) {
    struct http_server_options options = http_server_options_default();
    options.unix_path = unix_path;
    options.allowed_uids[0] = getuid();
    options.allowed_uid_count = unix_path ? 1 : 0;
    options.on_request = on_request;
    options.ctx = bench;
    return http_server_start(&options, &bench->server, &bench->message);
}

static int set_up(void **state) {
    struct bench *bench = calloc(1, sizeof *bench);
    if (!bench) return -1;
    (void)snprintf(bench->folder, sizeof bench->folder, "/tmp/giro-client-XXXXXX");
    if (!mkdtemp(bench->folder)) return -1;
    (void)snprintf(bench->unix_path, sizeof bench->unix_path, "%s/s", bench->folder);
    bench->options = http_client_options_default();
    *state = bench;
    return arena_init(&bench->arena, 4096, 1024 * 1024) || queue_init(&bench->held, 10);
}

static int tear_down(void **state) {
    struct bench *bench = *state;
    void *item;
    (void)http_client_free(bench->client);
    while (queue_take(&bench->held, 0, &item) == 0) http_reply(item, &(struct http_response){ .status = 204 });
    (void)http_server_free(bench->server);
    arena_release(&bench->arena);
    queue_release(&bench->held);
    (void)rmdir(bench->folder);
    free(bench);
    return 0;
}

static void begin(struct bench *bench) {
    if (server_start(bench, NULL)) fail_msg("%s", bench->message.text);
    (void)snprintf(bench->url, sizeof bench->url, "http://127.0.0.1:%u", http_server_port(bench->server));
    assert_int_equal(http_client_new(&bench->options, &bench->client), 0);
}

static int run(struct bench *bench, struct http_call call, const char *path, struct http_result *ret_result) {
    call.url = arena_printf(&bench->arena, "%s%s", bench->url, path);
    return http_client_run(bench->client, &call, &bench->arena, ret_result, &bench->message);
}

static void calls_arrive_as_they_were_made(void **state) {
    struct bench *bench = *state;
    const struct http_header headers[] = { { STR("X-One"), STR("1") }, { STR("Content-Type"), STR("text/x") } };
    static const struct {
        struct http_call call;
        const char *want;
    } cases[] = {
        { { .method = STR_INIT("GET") }, "GET /a type= x= body=" },
        { { .method = STR_INIT("POST"), .body = STR_INIT("hello") }, "POST /a type= x= body=hello" },
        { { .method = STR_INIT("POST"), .body = STR_INIT("hello"), .header_count = 2, .idempotent = true },
          "POST /a type=text/x x=1 body=hello" },
        { { .method = STR_INIT("POST") }, "POST /a type= x= body=" },
        { { .method = STR_INIT("PUT"), .body = STR_INIT("b") }, "PUT /a type= x= body=b" },
        { { .method = STR_INIT("DELETE"), .header_count = 1 }, "DELETE /a type= x=1 body=" },
        { { .method = STR_INIT("GET") }, "GET /a type= x= body=" },
    };
    begin(bench);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct http_call call = cases[i].call;
        struct http_result result;
        call.headers = headers;
        assert_int_equal(run(bench, call, "/a", &result), 0);
        assert_int_equal(result.status, 200);
        assert_string_equal(result.body.at, cases[i].want); /* arena_dup ends it with NUL */
        assert_true(str_equal(http_headers_get(result.headers, result.header_count, STR("x-two")), STR("2")));
    }
    struct http_result result;
    assert_int_equal(run(bench, (struct http_call){ .method = STR("HEAD") }, "/a", &result), 0);
    assert_int_equal(result.body.len, 0);
}

static void kept_connections_are_used_where_that_is_safe(void **state) { /* C3 */
    struct bench *bench = *state;
    struct http_server_stats stats;
    struct http_result result;
    begin(bench);
    struct http_call get = { .method = STR("GET") }, post = { .method = STR("POST"), .body = STR("x") };
    for (int i = 0; i < 3; i++) assert_int_equal(run(bench, get, "/", &result), 0);
    post.idempotent = true;
    assert_int_equal(run(bench, post, "/", &result), 0);
    http_server_stats(bench->server, &stats);
    assert_int_equal(stats.accepted, 1);
    post.idempotent = false;
    assert_int_equal(run(bench, post, "/", &result), 0);
    assert_int_equal(run(bench, post, "/", &result), 0);
    http_server_stats(bench->server, &stats);
    assert_int_equal(stats.accepted, 3);
}

static void redirects_are_answers(void **state) { /* C1 */
    struct bench *bench = *state;
    struct http_result result;
    begin(bench);
    assert_int_equal(run(bench, (struct http_call){ .method = STR("GET") }, "/moved", &result), 0);
    assert_int_equal(result.status, 302);
    assert_true(str_equal(http_headers_get(result.headers, result.header_count, STR("Location")), STR("/elsewhere")));
}

static void what_is_malformed_is_not_sent(void **state) {
    struct bench *bench = *state;
    struct http_result result;
    struct http_header bad_value = { STR("X-One"), STR("a\r\nX: b") }, bad_name = { STR("X One"), STR("a") };
    struct http_call call = { .method = STR("GET"), .header_count = 1, .headers = &bad_value };
    begin(bench);
    assert_int_equal(run(bench, call, "/", &result), -EINVAL);
    call.headers = &bad_name;
    assert_int_equal(run(bench, call, "/", &result), -EINVAL);
    call.header_count = 0;
    assert_int_equal(run(bench, call, "/a b", &result), -EINVAL);
    call.method = STR("GET / HTTP/1.1\r\nX:");
    assert_int_equal(run(bench, call, "/", &result), -EINVAL);
    call.method = STR("GET");
    call.url = STR("file:///etc/passwd");
    assert_int_equal(http_client_run(bench->client, &call, &bench->arena, &result, NULL), -EINVAL);
}

static void limits_and_deadlines(void **state) {
    struct bench *bench = *state;
    struct http_result result;
    char body[600];
    memset(body, 'b', sizeof body);
    bench->options.response_bytes_max = 600;
    bench->options.total_ms = 150;
    begin(bench);
    struct http_call call = { .method = STR("POST"), .body = str_from_bytes(body, 500) };
    assert_int_equal(run(bench, call, "/", &result), 0);
    call.body.len = 600;
    assert_int_equal(run(bench, call, "/", &result), HTTP_CLIENT_E_TOO_LARGE);
    assert_string_equal(bench->message.text, "the answer is larger than allowed");
    assert_int_equal(run(bench, (struct http_call){ .method = STR("GET") }, "/hold", &result), HTTP_CLIENT_E_TIMEOUT);
    assert_int_equal(run(bench, (struct http_call){ .method = STR("GET") }, "/", &result),
                     0); /* the client goes on working */
}

static void nobody_there(void **state) {
    struct bench *bench = *state;
    struct http_result result;
    begin(bench);
    http_server_drain(bench->server, 0);
    assert_int_equal(run(bench, (struct http_call){ .method = STR("GET") }, "/", &result), HTTP_CLIENT_E_CONNECT);
    assert_true(strlen(bench->message.text) > 0);
}

static void over_a_unix_socket(void **state) {
    struct bench *bench = *state;
    struct http_result result;
    struct http_call call = { .method = STR("GET"), .url = STR("http://giro/path") };
    if (server_start(bench, bench->unix_path)) fail_msg("%s", bench->message.text);
    bench->options.unix_path = bench->unix_path;
    assert_int_equal(http_client_new(&bench->options, &bench->client), 0);
    assert_int_equal(http_client_run(bench->client, &call, &bench->arena, &result, NULL), 0);
    assert_string_equal(result.body.at, "GET /path type= x= body=");
}

/* --- TLS: a server that asks for a client certificate and tells its name --- */

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
    char cert_file[128], key_file[128];
};

static void extension_add(X509 *certificate, X509 *issuer, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* issuer NULL: an authority, signed by itself. */
static struct identity identity_make(const struct bench *bench, const char *name, const struct identity *issuer) {
    struct identity made = { .key = EVP_EC_gen("P-256"), .certificate = X509_new() };
    X509_NAME *subject = X509_get_subject_name(made.certificate);
    assert_int_equal(X509_set_version(made.certificate, 2), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), issuer ? 2 : 1), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(made.certificate), -60));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(made.certificate), 3600));
    assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0),
                     1);
    X509 *signer = issuer ? issuer->certificate : made.certificate;
    assert_int_equal(X509_set_issuer_name(made.certificate, X509_get_subject_name(signer)), 1);
    assert_int_equal(X509_set_pubkey(made.certificate, made.key), 1);
    extension_add(made.certificate, signer, NID_basic_constraints, issuer ? "CA:FALSE" : "critical,CA:TRUE");
    extension_add(made.certificate, signer, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
    assert_true(X509_sign(made.certificate, issuer ? issuer->key : made.key, EVP_sha256()) > 0);
    (void)snprintf(made.cert_file, sizeof made.cert_file, "%s/%s.pem", bench->folder, name);
    (void)snprintf(made.key_file, sizeof made.key_file, "%s/%s.key", bench->folder, name);
    FILE *cert = fopen(made.cert_file, "w"), *key = fopen(made.key_file, "w");
    assert_true(cert && key && PEM_write_X509(cert, made.certificate) == 1);
    assert_int_equal(PEM_write_PrivateKey(key, made.key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(fclose(cert) | fclose(key), 0);
    return made;
}

static void identity_release(struct identity *identity) {
    (void)unlink(identity->cert_file);
    (void)unlink(identity->key_file);
    EVP_PKEY_free(identity->key);
    X509_free(identity->certificate);
}

struct tls_server {
    SSL_CTX *context;
    int fd;
    uint16_t port;
    pthread_t thread;
};

static void tls_serve(SSL *ssl) {
    char request[4096], answer[256], name[64] = "";
    if (SSL_accept(ssl) != 1 || SSL_read(ssl, request, sizeof request) <= 0) return;
    X509 *peer = SSL_get1_peer_certificate(ssl);
    if (peer) (void)X509_NAME_get_text_by_NID(X509_get_subject_name(peer), NID_commonName, name, sizeof name);
    X509_free(peer);
    int len = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                       strlen(name), name);
    check(SSL_write(ssl, answer, len) == len);
    (void)SSL_shutdown(ssl);
}

/* Serves one connection after the other until the listening socket is shut down. */
static void *tls_work(void *arg) {
    struct tls_server *server = arg;
    for (int fd = accept(server->fd, NULL, NULL); fd >= 0; fd = accept(server->fd, NULL, NULL)) {
        SSL *ssl = SSL_new(server->context);
        check(ssl && SSL_set_fd(ssl, fd) == 1);
        tls_serve(ssl);
        SSL_free(ssl);
        (void)close(fd);
    }
    return NULL;
}

static void tls_start(struct tls_server *server, const struct identity *authority, const struct identity *own) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t bytes = sizeof address;
    server->context = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate(server->context, own->certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(server->context, own->key), 1);
    assert_int_equal(SSL_CTX_load_verify_locations(server->context, authority->cert_file, NULL), 1);
    SSL_CTX_set_verify(server->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(server->fd, 8), 0);
    assert_int_equal(getsockname(server->fd, (struct sockaddr *)&address, &bytes), 0);
    server->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&server->thread, NULL, tls_work, server), 0);
}

static void tls_stop(struct tls_server *server) {
    (void)shutdown(server->fd, SHUT_RDWR);
    assert_int_equal(pthread_join(server->thread, NULL), 0);
    (void)close(server->fd);
    SSL_CTX_free(server->context);
}

static int run_tls(struct bench *bench, const struct tls_server *server, const struct http_client_options *options,
                   struct http_result *ret_result) {
    struct http_call call = { .method = STR("GET"),
                              .url = arena_printf(&bench->arena, "https://localhost:%u/", server->port) };
    assert_int_equal(http_client_new(options, &bench->client), 0);
    int r = http_client_run(bench->client, &call, &bench->arena, ret_result, &bench->message);
    bench->client = http_client_free(bench->client);
    return r;
}

static void both_sides_of_tls_are_verified(void **state) { /* C2 */
    struct bench *bench = *state;
    struct http_result result;
    struct tls_server server;
    struct identity authority = identity_make(bench, "authority", NULL), other = identity_make(bench, "other", NULL);
    struct identity host = identity_make(bench, "host", &authority),
                    client = identity_make(bench, "client", &authority);
    tls_start(&server, &authority, &host);
    struct http_client_options options = http_client_options_default();
    options.ca_file = authority.cert_file;
    options.cert_file = client.cert_file;
    options.key_file = client.key_file;
    assert_int_equal(run_tls(bench, &server, &options, &result), 0);
    assert_string_equal(result.body.at, "client");
    options.ca_file = other.cert_file;
    assert_int_equal(run_tls(bench, &server, &options, &result), HTTP_CLIENT_E_TLS);
    options.ca_file = authority.cert_file;
    options.cert_file = "/tmp/giro-no-such-file.pem";
    assert_int_equal(run_tls(bench, &server, &options, &result), HTTP_CLIENT_E_TLS);
    options.cert_file = options.key_file = NULL;
    /* With TLS 1.3 the server refuses after our side of the handshake: before or after the request went out. */
    int r = run_tls(bench, &server, &options, &result);
    assert_true(r == HTTP_CLIENT_E_BROKEN || r == HTTP_CLIENT_E_CONNECT);
    tls_stop(&server);
    identity_release(&authority);
    identity_release(&other);
    identity_release(&host);
    identity_release(&client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(calls_arrive_as_they_were_made), TEST(kept_connections_are_used_where_that_is_safe),
        TEST(redirects_are_answers),          TEST(what_is_malformed_is_not_sent),
        TEST(limits_and_deadlines),           TEST(nobody_there),
        TEST(over_a_unix_socket),             TEST(both_sides_of_tls_are_verified),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
