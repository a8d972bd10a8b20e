/* The edge's configuration against the real nginx, in front of a small backend on a Unix socket: attack lists T3 and T4
 * of the gateway's specification, the certificate, the envelopes, the limits. Started twice when root: as root with
 * workers of www-data, and as www-data throughout. */
#include "app/edge_config.h"

#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "platform/clock.h"

enum {
    TEXT_BYTES_MAX = 256 * 1024,
    WAIT_MS = 20000,
    ARGUMENTS_MAX = 24,
    SMALL_BODY_BYTES_MAX = 1000,
    CONNECTIONS_OPEN_MAX = 64,
};

static const struct edge_route routes[] = {
    { "/v1/", EDGE_PROBLEM, EDGE_BODY_BYTES_DEFAULT },
    { "/v1/small", EDGE_PROBLEM, SMALL_BODY_BYTES_MAX },
    { "/open-banking/", EDGE_OB4, EDGE_BODY_BYTES_DEFAULT },
    { "/open-banking/v3.1/", EDGE_OB3, EDGE_BODY_BYTES_DEFAULT },
    { "/token", EDGE_OAUTH, EDGE_BODY_BYTES_DEFAULT },
};

static struct edge_config config;
static char base[64], paths[9][128];
static pid_t nginx_pid;
static bool is_unprivileged; /* nginx itself runs as www-data */

/* ---- the backend: remembers the last request, answers 200 ---- */

static struct {
    pthread_t thread;
    pthread_mutex_t lock;
    int listener;
    int open[CONNECTIONS_OPEN_MAX]; /* descriptors, 0 = free; stopping shuts them all */
    int requests;
    char text[TEXT_BYTES_MAX]; /* header block and body of the last request */
} backend = { .lock = PTHREAD_MUTEX_INITIALIZER };

static size_t content_length(const char *head) {
    const char *at = strcasestr(head, "\r\nContent-Length: ");
    return at ? strtoul(at + 18, NULL, 10) : 0;
}

static void backend_note(int from, int to) {
    pthread_mutex_lock(&backend.lock);
    size_t i = 0;
    while (i < CONNECTIONS_OPEN_MAX && backend.open[i] != from) i++;
    check(i < CONNECTIONS_OPEN_MAX);
    backend.open[i] = to;
    pthread_mutex_unlock(&backend.lock);
}

/* Serves one connection until the edge closes it. "/v1/close" is answered by closing. */
static void *backend_connection(void *argument) {
    int fd = (int)(intptr_t)argument;
    char *text = calloc(1, TEXT_BYTES_MAX);
    size_t len = 0;
    for (;;) {
        ssize_t got = read(fd, text + len, TEXT_BYTES_MAX - 1 - len);
        if (got <= 0) break;
        len += (size_t)got;
        text[len] = 0;
        const char *end = strstr(text, "\r\n\r\n");
        if (!end || len < (size_t)(end - text) + 4 + content_length(text)) continue;
        pthread_mutex_lock(&backend.lock);
        memcpy(backend.text, text, len + 1);
        backend.requests++;
        pthread_mutex_unlock(&backend.lock);
        if (strstr(text, " /v1/close")) break;
        (void)!write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 43); /* a lost answer shows in the test */
        len = 0;
    }
    free(text);
    backend_note(fd, 0);
    close(fd);
    return NULL;
}

static void *backend_run(void *argument) {
    (void)argument;
    for (;;) {
        int fd = accept4(backend.listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) return NULL;
        pthread_t thread;
        backend_note(0, fd);
        if (pthread_create(&thread, NULL, backend_connection, (void *)(intptr_t)fd) == 0) pthread_detach(thread);
    }
}

static void backend_start(void) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", config.daemon_socket);
    backend.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(backend.listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(chmod(config.daemon_socket, 0666), 0);
    assert_int_equal(listen(backend.listener, 64), 0);
    assert_int_equal(pthread_create(&backend.thread, NULL, backend_run, NULL), 0);
}

static void backend_stop(void) {
    shutdown(backend.listener, SHUT_RDWR);
    pthread_join(backend.thread, NULL);
    pthread_mutex_lock(&backend.lock);
    for (size_t i = 0; i < CONNECTIONS_OPEN_MAX; i++)
        if (backend.open[i]) shutdown(backend.open[i], SHUT_RDWR);
    pthread_mutex_unlock(&backend.lock);
    close(backend.listener);
    unlink(config.daemon_socket);
}

static int backend_requests(void) {
    pthread_mutex_lock(&backend.lock);
    int requests = backend.requests;
    pthread_mutex_unlock(&backend.lock);
    return requests;
}

/* ---- other programs ---- */

static pid_t spawn(const char *const *arguments, int input, int output, bool unprivileged) {
    pid_t parent = getpid(), pid = fork();
    assert_true(pid >= 0);
    if (pid) return pid;
    const struct passwd *user = unprivileged ? getpwnam("www-data") : NULL;
    if (input >= 0) dup2(input, 0);
    if (output >= 0) dup2(output, 1);
    if (input >= 0) dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), 2); /* openssl's chatter; nginx keeps its voice */
    if (user && (setgid(user->pw_gid) || setuid(user->pw_uid))) _exit(126);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(126);
    execvp(arguments[0], (char *const *)(uintptr_t)arguments);
    _exit(127);
}

static void run_openssl(const char *first, ...) {
    const char *arguments[ARGUMENTS_MAX] = { "openssl", first };
    int status = 0, quiet = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_true(quiet >= 0);
    va_list args;
    va_start(args, first);
    for (size_t i = 2; i < ARGUMENTS_MAX - 1 && (arguments[i] = va_arg(args, const char *)); i++) {
    }
    va_end(args);
    pid_t pid = spawn(arguments, quiet, quiet, false);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(quiet);
    assert_int_equal(status, 0);
}

/* Sends bytes over TLS through `openssl s_client` and reads until the edge closes the connection, or until the backend
 * has met `requests` requests (-1: do not look). The answer is in text. False when neither came in time. */
struct exchange {
    uint16_t port;
    const char *cert, *key, *alpn;
    int until_requests;
};

static bool exchange(const struct exchange *how, struct str bytes, char text[TEXT_BYTES_MAX]) {
    char connect[32];
    int to[2], from[2];
    size_t sent = 0, len = 0;
    bool done = false;
    (void)snprintf(connect, sizeof connect, "127.0.0.1:%u", how->port);
    const char *arguments[ARGUMENTS_MAX] = { "openssl", "s_client", "-quiet", "-verify_quiet", "-connect", connect };
    size_t count = 6;
    if (how->cert) {
        const char *const more[] = { "-cert", how->cert, "-key", how->key };
        for (size_t i = 0; i < ARRAY_COUNT(more); i++) arguments[count++] = more[i];
    }
    if (how->alpn) {
        arguments[count++] = "-alpn";
        arguments[count++] = how->alpn;
    }
    assert_int_equal(pipe2(to, O_CLOEXEC), 0);
    assert_int_equal(pipe2(from, O_CLOEXEC | O_NONBLOCK), 0);
    pid_t pid = spawn(arguments, to[0], from[1], false);
    close(to[0]);
    close(from[1]);
    assert_int_equal(fcntl(to[1], F_SETFL, O_NONBLOCK), 0);
    for (int64_t deadline = clock_mono_ms() + WAIT_MS; !done && clock_mono_ms() < deadline;) {
        struct pollfd fds[] = { { .fd = from[0], .events = POLLIN },
                                { .fd = sent < bytes.len ? to[1] : -1, .events = POLLOUT } };
        (void)poll(fds, 2, 50);
        ssize_t wrote = sent < bytes.len ? write(to[1], bytes.at + sent, bytes.len - sent) : 0;
        if (wrote > 0) sent += (size_t)wrote;
        ssize_t got = len < TEXT_BYTES_MAX - 1 ? read(from[0], text + len, TEXT_BYTES_MAX - 1 - len) : 0;
        if (got > 0) len += (size_t)got;
        done = got == 0 || (how->until_requests >= 0 && backend_requests() >= how->until_requests);
    }
    text[len] = 0;
    close(to[1]);
    close(from[0]);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return done;
}

static char answer[TEXT_BYTES_MAX];

/* One request on the mTLS port with the client's certificate; the connection must end by the edge closing it. */
static const char *ask(const char *request) {
    struct exchange how = { .port = config.mtls_port, .cert = paths[2], .key = paths[3], .until_requests = -1 };
    signal(SIGPIPE, SIG_IGN);
    if (!exchange(&how, str_from_c(request), answer)) fail_msg("no end of: %s got %s", request, answer);
    return answer;
}

static int status_of(const char *text) {
    return strncmp(text, "HTTP/1.1 ", 9) == 0 ? (int)strtol(text + 9, NULL, 10) : 0;
}

static void expect_text(const char *text, const char *want) {
    if (strstr(text, want)) return;
    print_error("expected \"%s\" in:\n%s\n", want, text);
    fail();
}

static void expect_no_text(const char *text, const char *unwanted) {
    if (!strcasestr(text, unwanted)) return;
    print_error("\"%s\" has no place in:\n%s\n", unwanted, text);
    fail();
}

/* ---- set-up ---- */

static uint16_t free_port(void) {
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static bool port_answers(uint16_t port) {
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                   .sin_port = htons(port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool answers = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return answers;
}

static void make_certificate(const char *name, const char *cert, const char *key) {
    char subject[64];
    (void)snprintf(subject, sizeof subject, "/CN=%s", name);
    run_openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                subject, "-out", cert, "-keyout", key, NULL);
}

static void make_expired_certificate(void) {
    char request[128];
    (void)snprintf(request, sizeof request, "%s/expired.csr", base);
    run_openssl("req", "-new", "-key", paths[3], "-subj", "/CN=expired", "-out", request, NULL);
    run_openssl("x509", "-req", "-in", request, "-signkey", paths[3], "-days", "-1", "-out", paths[4], NULL);
}

static void give_to_user(const char *path) {
    const struct passwd *user = getpwnam("www-data");
    assert_non_null(user);
    assert_int_equal(chown(path, user->pw_uid, user->pw_gid), 0);
}

static int start(bool unprivileged) {
    static const char *const names[] = { "server.pem",  "server.key", "client.pem", "client.key", "expired.pem",
                                         "daemon.sock", "nginx",      "nginx-",     "nginx.pid" };
    char conf[192], errors[192];
    struct message message = { 0 };
    is_unprivileged = unprivileged;
    (void)snprintf(base, sizeof base, "/tmp/giro-edge-XXXXXX");
    assert_non_null(mkdtemp(base));
    assert_int_equal(chmod(base, 0755), 0);
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) (void)snprintf(paths[i], sizeof paths[i], "%s/%s", base, names[i]);
    make_certificate("localhost", paths[0], paths[1]);
    make_certificate("client", paths[2], paths[3]);
    make_expired_certificate();
    edge_config_init(&config);
    config.directory = paths[6];
    config.log_prefix = paths[7];
    config.pid_file = paths[8];
    config.daemon_socket = paths[5];
    config.server_cert = paths[0];
    config.server_key = paths[1];
    config.static_root = base;
    config.user = geteuid() == 0 && !unprivileged ? "www-data" : NULL;
    config.mtls_port = free_port();
    config.browser_port = free_port();
    config.browser_requests_per_second = 1;
    config.browser_burst = 5;
    config.routes = routes;
    config.route_count = ARRAY_COUNT(routes);
    assert_string_equal(edge_config_write(&config, &message) ? message.text : "", "");
    if (unprivileged) {
        static const char *const folders[] = { "", "/client_body", "/proxy", "/fastcgi", "/uwsgi", "/scgi" };
        give_to_user(base);
        give_to_user(paths[1]);
        for (size_t i = 0; i < ARRAY_COUNT(folders); i++) {
            (void)snprintf(conf, sizeof conf, "%s%s", paths[6], folders[i]);
            give_to_user(conf);
        }
        for (const char *const *name =
                 (const char *const[]){ "nginx.conf", "headers.conf", "errors.conf", "firewall.conf", NULL };
             *name; name++) {
            (void)snprintf(conf, sizeof conf, "%s/%s", paths[6], *name);
            give_to_user(conf);
        }
    }
    backend_start();
    (void)snprintf(conf, sizeof conf, "%s/nginx.conf", paths[6]);
    (void)snprintf(errors, sizeof errors, "%serror.log", paths[7]);
    nginx_pid = spawn((const char *const[]){ "/usr/sbin/nginx", "-c", conf, "-e", errors, NULL }, -1, -1, unprivileged);
    for (int64_t deadline = clock_mono_ms() + WAIT_MS; !port_answers(config.mtls_port);) {
        assert_true(clock_mono_ms() < deadline);
        assert_int_equal(waitpid(nginx_pid, NULL, WNOHANG), 0);
        (void)poll(NULL, 0, 20);
    }
    return 0;
}

static int start_as_given(void **state) {
    (void)state;
    return start(false);
}

static int start_unprivileged(void **state) {
    (void)state;
    return start(true);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk) {
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

static int stop(void **state) {
    (void)state;
    int status = 0;
    if (nginx_pid <= 0) return -1; /* never began: to signal 0 would hit this program's own group */
    kill(nginx_pid, SIGTERM);
    assert_int_equal(waitpid(nginx_pid, &status, 0), nginx_pid);
    nginx_pid = 0;
    backend_stop();
    assert_int_equal(nftw(base, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
    return status;
}

/* ---- the tests ---- */

/* spec: gateway/c4 */
static void certificate_and_listener_reach_the_daemon(void **state) {
    (void)state;
    const char *text =
        ask("GET /v1/accounts?cursor=a%2Fb HTTP/1.1\r\nHost: localhost:8443\r\nConnection: close\r\n\r\n");
    assert_int_equal(status_of(text), 200);
    expect_text(text, "hello");
    expect_text(backend.text, "GET /v1/accounts?cursor=a%2Fb HTTP/1.1\r\n");
    expect_text(backend.text, "\r\nHost: localhost:8443\r\n");
    expect_text(backend.text, "\r\nX-OB-Client-Cert: -----BEGIN%20CERTIFICATE-----%0A");
    expect_text(backend.text, "\r\nX-OB-Client-Verify: FAILED:self-signed certificate");
    expect_text(backend.text, "\r\nX-OB-Client-Address: 127.0.0.1\r\n");
    expect_text(backend.text, "\r\nX-OB-Listener: mtls\r\n");
    expect_text(backend.text, "\r\nX-Request-Id: ");
}

/* spec: gateway/c1 */
static void browser_port_asks_for_no_certificate(void **state) {
    struct exchange how = { .port = config.browser_port, .cert = paths[2], .key = paths[3], .until_requests = -1 };
    (void)state;
    assert_true(exchange(
        &how, STR("GET /authorize HTTP/1.1\r\nHost: localhost\r\nX-OB-Listener: mtls\r\nConnection: close\r\n\r\n"),
        answer));
    assert_int_equal(status_of(answer), 200);
    expect_text(backend.text, "\r\nX-OB-Listener: browser\r\n");
    expect_no_text(backend.text, "X-OB-Client-Cert:");
    expect_text(answer, "\r\nStrict-Transport-Security: max-age=63072000; includeSubDomains\r\n");
    expect_text(answer, "\r\nX-Content-Type-Options: nosniff\r\n");
    expect_text(answer, "\r\nX-Frame-Options: DENY\r\n");
    expect_text(answer, "\r\nContent-Security-Policy: default-src 'none';");
    expect_text(answer, "\r\nCache-Control: no-store\r\n");
}

/* T4: names in several dresses, on the mTLS port, over HTTP/1.1. "evil" must not arrive under any name the daemon
 * trusts. */
/* spec: gateway/c3, gateway/T4 */
static void spoofed_headers_never_pass(void **state) {
    static const char *const spoofs[] = {
        "Client-Cert: :evil:",
        "client-cert: :evil:",
        "CLIENT-CERT: :evil:",
        "Client_Cert: :evil:",
        "Client-Cert-Chain: :evil:",
        "X-OB-Client-Cert: evil",
        "x-ob-client-cert: evil",
        "X_OB_Client_Cert: evil",
        "X-OB_Client-Cert: evil",
        "X-OB-Client-Verify: evil",
        "X-OB-Listener: evil",
        "x-Ob-LiStEnEr: evil",
        "X-OB-Client-Address: evil",
        "X-OB-Client-Id: evil",
        "X-OB-Scope: evil",
        "X-Forwarded-Client-Cert: evil",
        "X-Amzn-Mtls-Clientcert: evil",
        "X-Amzn-Mtls-Clientcert-Leaf: evil",
        "X-SSL-Client-Cert: evil",
        "X-Forwarded-For: evil",
        "Forwarded: for=evil",
        "X-Real-IP: evil",
        "X-Request-Id: evil",
        "X-Original-URL: /evil",
        "X-HTTP-Method-Override: evil",
        "TE: evil",
        "Upgrade: evil",
        "Proxy-Connection: evil",
        "Proxy: evil",
        "Connection: close, X-OB-Client-Cert, X-OB-Listener, Client-Cert\r\nX-OB-Client-Cert: evil",
        "X-OB-Client-Cert: evil\r\nX-OB-Client-Cert: evil",
        "X-OB-Client-Cert:evil",
    };
    static const char *const targets[] = { "/v1/payments", "/healthz", "/open-banking/v4.0/pisp/x", "/" };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(spoofs); i++) {
        char request[512];
        (void)snprintf(request, sizeof request,
                       "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\nConnection: close\r\nAccept: a/b\r\n\r\n",
                       targets[i % ARRAY_COUNT(targets)], spoofs[i]);
        assert_int_equal(status_of(ask(request)), 200);
        expect_no_text(backend.text, "evil");
        expect_text(backend.text, "\r\nX-OB-Client-Cert: -----BEGIN%20CERTIFICATE-----%0A");
        expect_text(backend.text, "\r\nX-OB-Listener: mtls\r\n");
        expect_text(backend.text, "\r\nAccept: a/b\r\n"); /* what is no concern of the edge passes */
    }
}

/* The same without a certificate: the name must be absent, not left to the caller. */
/* spec: gateway/T4 */
static void spoofed_certificate_without_one(void **state) {
    struct exchange how = { .port = config.mtls_port, .until_requests = -1 };
    (void)state;
    assert_true(exchange(&how,
                         STR("OPTIONS /v1/payments HTTP/1.1\r\nHost: localhost\r\nX-OB-Client-Cert: evil\r\n"
                             "X-OB-Client-Verify: SUCCESS\r\nConnection: close\r\n\r\n"),
                         answer));
    assert_int_equal(status_of(answer), 200);
    expect_no_text(backend.text, "X-OB-Client-Cert");
    expect_text(backend.text, "\r\nX-OB-Client-Verify: NONE\r\n");
}

static void append_field(struct buffer *block, const char *name, const char *value) {
    buffer_append_char(block, 0); /* literal, not indexed, new name (RFC 7541 section 6.2.2); no Huffman */
    buffer_append_char(block, (char)strlen(name));
    buffer_append_c(block, name);
    buffer_append_char(block, (char)strlen(value));
    buffer_append_c(block, value);
}

/* spec: gateway/T4 */
static void spoofed_headers_never_pass_over_http2(void **state) {
    struct exchange how = { .port = config.mtls_port, .cert = paths[2], .key = paths[3], .alpn = "h2" };
    char bytes[2048], fields[1024];
    struct buffer out, block;
    (void)state;
    buffer_init(&out, bytes, sizeof bytes);
    buffer_init(&block, fields, sizeof fields);
    append_field(&block, ":method", "GET");
    append_field(&block, ":scheme", "https");
    append_field(&block, ":path", "/v1/http2");
    append_field(&block, ":authority", "localhost");
    append_field(&block, "x-ob-client-cert", "evil");
    append_field(&block, "x_ob_client_cert", "evil");
    append_field(&block, "client-cert", ":evil:");
    append_field(&block, "x-ob-listener", "evil");
    append_field(&block, "accept", "a/b");
    buffer_append_c(&out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    buffer_append(&out, "\0\0\0\4\0\0\0\0\0", 9); /* SETTINGS */
    buffer_append_be(&out, block.len, 3);
    buffer_append(&out, "\1\5\0\0\0\1", 6); /* HEADERS of stream 1, END_STREAM and END_HEADERS */
    buffer_append_str(&out, buffer_str(&block));
    how.until_requests = backend_requests() + 1;
    assert_true(exchange(&how, buffer_str(&out), answer));
    expect_text(backend.text, "GET /v1/http2 HTTP/1.1\r\n");
    expect_text(backend.text, "\r\nHost: localhost\r\n");
    expect_text(backend.text, "\r\nX-OB-Client-Cert: -----BEGIN%20CERTIFICATE-----%0A");
    expect_text(backend.text, "\r\nX-OB-Listener: mtls\r\n");
    expect_text(backend.text, "\r\naccept: a/b\r\n");
    expect_no_text(backend.text, "evil");
}

/* T3: each is answered 400 (501 becomes 400 too), the connection is closed, and nothing reaches the daemon. */
/* spec: gateway/T3, gateway/9 */
static void smuggling_is_refused(void **state) {
#define POST "POST /v1/payments HTTP/1.1\r\nHost: localhost\r\n"
    static const struct {
        const char *name;
        struct str request;
    } cases[] = {
        { "two lengths", STR_INIT(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!") },
        { "the same length twice", STR_INIT(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello") },
        { "length list", STR_INIT(POST "Content-Length: 5, 5\r\n\r\nhello") },
        { "signed length", STR_INIT(POST "Content-Length: +5\r\n\r\nhello") },
        { "negative length", STR_INIT(POST "Content-Length: -1\r\n\r\n") },
        { "hexadecimal length", STR_INIT(POST "Content-Length: 0x5\r\n\r\nhello") },
        { "length too large", STR_INIT(POST "Content-Length: 99999999999999999999\r\n\r\n") },
        { "length and chunked", STR_INIT(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") },
        { "chunked and length", STR_INIT(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n") },
        { "blank before colon", STR_INIT(POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n") },
        { "blank before colon of a length", STR_INIT(POST "Content-Length : 5\r\n\r\nhello") },
        { "unknown coding", STR_INIT(POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n") },
        { "two codings", STR_INIT(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n") },
        { "obs-fold", STR_INIT(POST "Accept: a\r\n b: c\r\n\r\n") },
        { "obs-fold of a coding", STR_INIT(POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n") },
        { "NUL in a value", STR_INIT(POST "Accept: a\0b\r\n\r\n") },
        { "NUL in a name", STR_INIT(POST "Acc\0ept: a\r\n\r\n") },
        { "control in a name", STR_INIT(POST "Acc\1ept: a\r\n\r\n") },
        { "bare CR in a value", STR_INIT(POST "Accept: a\rb\r\n\r\n") },
        { "two hosts", STR_INIT("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n") },
        { "no host", STR_INIT("GET / HTTP/1.1\r\n\r\n") },
        { "blank in the host", STR_INIT("GET / HTTP/1.1\r\nHost: a b\r\n\r\n") },
        { "chunked in HTTP/1.0", STR_INIT("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") },
        { "blank in the target", STR_INIT("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n") },
        { "NUL in the target", STR_INIT("GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n") },
        { "escaped NUL in the target", STR_INIT("GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n") },
        { "path above the root", STR_INIT("GET /../x HTTP/1.1\r\nHost: a\r\n\r\n") },
        { "no chunk size", STR_INIT(POST "Transfer-Encoding: chunked\r\n\r\nxyz\r\n") },
        { "clear text", STR_INIT("\x16\x03\x01 no HTTP\r\n\r\n") },
    };
#undef POST
    struct exchange how = { .port = config.mtls_port, .cert = paths[2], .key = paths[3], .until_requests = -1 };
    int before = backend_requests();
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        bool closed = exchange(&how, cases[i].request, answer);
        if (!closed || status_of(answer) != 400 || backend_requests() != before)
            print_error("%s: closed %d, daemon met %d, answer %s\n", cases[i].name, closed, backend_requests() - before,
                        answer);
        assert_true(closed);
        assert_int_equal(status_of(answer), 400);
        assert_int_equal(backend_requests(), before);
        expect_text(answer, "\"code\":\"invalid_request\"");
    }
}

/* spec: gateway/T3, gateway/9 */
static void accepted_twins_pass(void **state) {
    (void)state;
    assert_int_equal(
        status_of(ask(
            "POST /v1/payments HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")),
        200);
    expect_text(backend.text, "\r\nContent-Length: 5\r\n");
    expect_text(backend.text, "\r\n\r\nhello");
    assert_int_equal(status_of(ask("POST /v1/payments HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
                                   "Connection: close\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")),
                     200);
    expect_text(backend.text, "\r\nContent-Length: 5\r\n"); /* the daemon meets no chunks */
    expect_no_text(backend.text, "Transfer-Encoding");
    expect_text(backend.text, "\r\n\r\nhello");
    /* A bare LF is read as a line end and written anew as CRLF. */
    assert_int_equal(status_of(ask("GET /v1/lf HTTP/1.1\nHost: localhost\nAccept: a/b\nConnection: close\n\n")), 200);
    expect_text(backend.text, "\r\nAccept: a/b\r\n");
}

static void ask_with_body(const char *target, size_t bytes, int want) {
    struct buffer request;
    struct exchange how = { .port = config.mtls_port, .cert = paths[2], .key = paths[3], .until_requests = -1 };
    buffer_init_heap(&request, 4 * EDGE_BODY_BYTES_DEFAULT);
    buffer_printf(&request, "POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
                  target, bytes);
    for (size_t i = 0; i < bytes; i++) buffer_append_char(&request, 'x');
    assert_true(exchange(&how, buffer_str(&request), answer));
    buffer_release(&request);
    assert_int_equal(status_of(answer), want);
}

/* spec: gateway/51 */
static void body_limit_is_exact(void **state) {
    (void)state;
    ask_with_body("/v1/small", SMALL_BODY_BYTES_MAX, 200);
    ask_with_body("/v1/small", SMALL_BODY_BYTES_MAX + 1, 413);
    expect_text(answer, "Content-Type: application/problem+json");
    expect_text(answer, "\"status\":413");
    expect_text(answer, "\"code\":\"body_too_large\"");
    ask_with_body("/v1/payments", EDGE_BODY_BYTES_DEFAULT, 200);
    ask_with_body("/v1/payments", EDGE_BODY_BYTES_DEFAULT + 1, 413);
    ask_with_body("/open-banking/v4.0/x", EDGE_BODY_BYTES_DEFAULT + 1, 413);
    expect_text(answer, "\"Errors\":[{\"ErrorCode\":\"U010\"");
}

static int ask_with_header(size_t bytes) {
    struct buffer request;
    struct exchange how = { .port = config.mtls_port, .cert = paths[2], .key = paths[3], .until_requests = -1 };
    buffer_init_heap(&request, TEXT_BYTES_MAX);
    buffer_append_c(&request, "GET /v1/large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept: ");
    for (size_t i = 0; i < bytes; i++) buffer_append_char(&request, 'x');
    buffer_append_c(&request, "\r\n\r\n");
    assert_true(exchange(&how, buffer_str(&request), answer));
    buffer_release(&request);
    return status_of(answer);
}

/* spec: gateway/51 */
static void large_headers_pass_up_to_the_limit(void **state) {
    (void)state;
    assert_int_equal(ask_with_header(EDGE_HEADER_BYTES_MAX - 100), 200);
    assert_int_equal(ask_with_header(EDGE_HEADER_BYTES_MAX + 100), 431);
    expect_text(answer, "\"code\":\"headers_too_large\"");
}

/* spec: gateway/c9, gateway/58, uk/E6 */
static void backend_down_wears_the_envelope(void **state) {
    static const struct {
        const char *method, *target, *type, *text;
    } cases[] = {
        { "GET", "/v1/accounts", "application/problem+json",
          "\"status\":502,\"detail\":\"The service does not answer.\"" },
        { "GET", "/v1/accounts", "application/problem+json", "\"code\":\"unavailable\",\"interaction_id\":\"" },
        { "POST", "/v1/payments", "application/problem+json", "\"code\":\"outcome_unknown\",\"interaction_id\":\"" },
        { "POST", "/v1/payments", "application/problem+json", "Ask again with the same key" },
        { "DELETE", "/v1/x", "application/problem+json", "\"code\":\"outcome_unknown\"" },
        { "POST", "/open-banking/v4.0/pisp/domestic-payments", "application/json; charset=utf-8",
          "\"Errors\":[{\"ErrorCode\":\"U000\",\"Message\":\"outcome_unknown: " },
        { "GET", "/open-banking/v4.0/aisp/accounts", "application/json; charset=utf-8", "\"Message\":\"unavailable: " },
        { "POST", "/open-banking/v3.1/pisp/domestic-payments", "application/json; charset=utf-8",
          "\"Code\":\"502 Bad Gateway\",\"Id\":\"" },
        { "POST", "/token", "application/json",
          "{\"error\":\"server_error\",\"error_description\":\"outcome_unknown: " },
        { "GET", "/token", "application/json", "{\"error\":\"temporarily_unavailable\"," },
    };
    (void)state;
    backend_stop();
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        char request[512], type[128];
        (void)snprintf(request, sizeof request,
                       "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n"
                       "X-Fapi-Interaction-Id: c770aef3-6784-41f7-8e0e-ff5f97bddb3a\r\n\r\n",
                       cases[i].method, cases[i].target);
        assert_int_equal(status_of(ask(request)), 502);
        (void)snprintf(type, sizeof type, "\r\nContent-Type: %s\r\n", cases[i].type);
        expect_text(answer, type);
        expect_text(answer, cases[i].text);
        expect_text(answer, "\r\nX-Fapi-Interaction-Id: c770aef3-6784-41f7-8e0e-ff5f97bddb3a\r\n");
        expect_text(answer, "\r\nRetry-After: 1\r\n");
        expect_text(answer, "\r\nCache-Control: no-store\r\n");
        expect_no_text(answer, "nginx/"); /* no version */
    }
    backend_start();
}

/* (G4) A connection that the daemon closes under a request is an unknown outcome, and the request is sent once. */
/* spec: gateway/c8 */
static void a_request_is_sent_once(void **state) {
    (void)state;
    /* Leaves a kept connection, the one case in which nginx might try again. */
    assert_int_equal(status_of(ask("GET /v1/kept HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")), 200);
    int before = backend_requests();
    assert_int_equal(
        status_of(ask("POST /v1/close HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")),
        502);
    expect_text(answer, "\"code\":\"outcome_unknown\"");
    assert_int_equal(backend_requests(), before + 1);
    assert_int_equal(status_of(ask("GET /v1/close HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")), 502);
    expect_text(answer, "\"code\":\"unavailable\"");
    assert_int_equal(backend_requests(), before + 2);
}

static void an_ill_formed_interaction_id_is_not_echoed(void **state) {
    (void)state;
    ask("GET /.edge-error/502/problem HTTP/1.1\r\nHost: localhost\r\nX-Fapi-Interaction-Id: <evil>\r\nConnection: "
        "close\r\n\r\n");
    assert_int_equal(status_of(answer), 404); /* the locations of errors are internal */
    expect_text(answer, "\"code\":\"not_found\"");
    expect_no_text(answer, "evil");
}

static void an_expired_certificate_is_refused(void **state) {
    struct exchange how = { .port = config.mtls_port, .cert = paths[4], .key = paths[3], .until_requests = -1 };
    int before = backend_requests();
    (void)state;
    assert_true(
        exchange(&how, STR("GET /v1/accounts HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), answer));
    assert_int_equal(status_of(answer), 401);
    expect_text(answer, "\"code\":\"client_certificate_required\"");
    assert_int_equal(backend_requests(), before);
}

/* spec: gateway/c7 */
static void browser_pages_are_limited_by_address(void **state) {
    struct exchange how = { .port = config.browser_port, .until_requests = -1 };
    int limited = 0;
    (void)state;
    for (int i = 0; i < 12 && !limited; i++) {
        assert_true(
            exchange(&how, STR("GET /authorize HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"), answer));
        limited = status_of(answer) == 429;
    }
    assert_true(limited);
    expect_text(answer, "\r\nRetry-After: 1\r\n");
    expect_text(answer, "\r\nContent-Type: text/html; charset=utf-8\r\n");
    expect_text(answer, "<h1>Too Many Requests</h1>");
}

static void read_text(const char *suffix, char text[TEXT_BYTES_MAX]) {
    char path[256];
    (void)snprintf(path, sizeof path, "%s%s", paths[7], suffix);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    text[fread(text, 1, TEXT_BYTES_MAX - 1, file)] = 0;
    (void)fclose(file); /* read-only */
}

/* (G2), (G3): runs after the others. */
static void logs_hold_no_query_and_nothing_was_spooled(void **state) {
    (void)state;
    backend_stop();
    ask("GET /v1/secret?code=evil HTTP/1.1\r\nHost: localhost\r\nReferer: https://evil/\r\nConnection: close\r\n\r\n");
    backend_start();
    assert_int_equal(status_of(answer), 502);
    read_text("access.log", answer);
    expect_text(answer, "\"path\":\"/v1/secret\"");
    expect_no_text(answer, "evil");
    expect_no_text(answer, "cursor");
    expect_text(answer, "\"body_on_disk\":false");
    expect_no_text(answer, "\"body_on_disk\":true");
    read_text("error.log", answer);
    expect_no_text(answer, "evil");
    expect_no_text(answer, "[warn]");
    expect_no_text(answer, "[alert]");
}

static void workers_run_as_the_user(void **state) {
    char path[64], line[256];
    struct stat info;
    (void)state;
    const struct passwd *user = getpwnam("www-data");
    if (geteuid() != 0 || !user) skip();
    ask("GET /v1/accounts HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"); /* the worker works */
    (void)snprintf(path, sizeof path, "/proc/%d", (int)nginx_pid);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_uid, is_unprivileged ? user->pw_uid : 0);
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)nginx_pid, (int)nginx_pid);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    (void)fclose(file); /* read-only */
    (void)snprintf(path, sizeof path, "/proc/%ld", strtol(line, NULL, 10));
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_uid, user->pw_uid);
}

#define EDGE_TESTS                                                                                                     \
    cmocka_unit_test(workers_run_as_the_user), cmocka_unit_test(certificate_and_listener_reach_the_daemon),            \
        cmocka_unit_test(browser_port_asks_for_no_certificate), cmocka_unit_test(spoofed_headers_never_pass),          \
        cmocka_unit_test(spoofed_certificate_without_one), cmocka_unit_test(spoofed_headers_never_pass_over_http2),    \
        cmocka_unit_test(smuggling_is_refused), cmocka_unit_test(accepted_twins_pass),                                 \
        cmocka_unit_test(body_limit_is_exact), cmocka_unit_test(large_headers_pass_up_to_the_limit),                   \
        cmocka_unit_test(backend_down_wears_the_envelope), cmocka_unit_test(a_request_is_sent_once),                   \
        cmocka_unit_test(an_ill_formed_interaction_id_is_not_echoed),                                                  \
        cmocka_unit_test(an_expired_certificate_is_refused), cmocka_unit_test(browser_pages_are_limited_by_address),   \
        cmocka_unit_test(logs_hold_no_query_and_nothing_was_spooled)

int main(void) {
    const struct CMUnitTest given[] = { EDGE_TESTS };
    const struct CMUnitTest unprivileged[] = { EDGE_TESTS };
    int failed = cmocka_run_group_tests_name("edge_config as given", given, start_as_given, stop);
    if (geteuid() == 0)
        failed += cmocka_run_group_tests_name("edge_config unprivileged", unprivileged, start_unprivileged, stop);
    return failed;
}
