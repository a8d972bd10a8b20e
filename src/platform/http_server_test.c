#include "platform/http_server.h"

#include "platform/clock.h"
#include "platform/pool.h"
#include "platform/queue.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { TEXT_BYTES_MAX = 8 * 1024 * 1024, LARGE_BYTES = 3 * 1024 * 1024, CLIENT_WAIT_S = 20 };

/* One server on a Unix socket in a folder of its own, with a pool that answers some of its requests. */
struct bench {
    char folder[64], path[96];
    struct http_server_options options;
    struct http_server *server;
    struct pool *pool;
    struct queue held;
    atomic_int errors, rests;
};

static char large[LARGE_BYTES];

static void answer(struct http_request *request, int status, struct str body) {
    struct str id = http_header(request, STR("X-Id"));
    struct http_header headers[] = { { STR("Content-Type"), STR("text/plain") },
                                     { STR("X-Id"), id.at ? id : STR("none") } };
    http_reply(request,
               &(struct http_response){ .status = status, .headers = headers, .header_count = 2, .body = body });
}

static void answer_from_pool(void *worker_ctx, void *job_ctx) {
    struct http_request *request = job_ctx;
    (void)worker_ctx;
    struct str copy = arena_dup(&request->arena, request->body);
    answer(request, 200, copy);
}

static void on_request(void *ctx, struct http_request *request) {
    struct bench *bench = ctx;
    check(request->arena.bytes_used == 0 && request->user == NULL &&
          request->peer.uid == (bench->options.unix_path ? getuid() : (uid_t)-1));
    if (str_equal(request->path, STR("/pool"))) {
        if (pool_submit(bench->pool, answer_from_pool, request)) answer(request, 503, STR("full"));
    } else if (str_equal(request->path, STR("/hold"))) {
        check(queue_try_put(&bench->held, request) == 0);
    } else if (str_equal(request->path, STR("/large"))) {
        answer(request, 200, str_from_bytes(large, sizeof large));
    } else if (str_equal(request->path, STR("/none"))) {
        answer(request, 204, STR("not sent"));
    } else if (str_equal(request->path, STR("/same"))) {
        answer(request, 304, STR("not sent"));
    } else if (str_equal(request->path, STR("/split"))) {
        struct http_header header = { STR("X-Id"), STR("a\r\nSet-Cookie: b") };
        http_reply(request, &(struct http_response){ .status = 200, .headers = &header, .header_count = 1 });
    } else {
        answer(request, 200, request->body);
    }
}

static void on_error(void *ctx, struct http_error *error) {
    struct bench *bench = ctx;
    atomic_fetch_add(&bench->errors, 1);
    buffer_printf(error->body, "{\"status\":%d,\"code\":\"%s\"}", error->status, error->code);
    error->media_type = "application/problem+json";
    error->header_name = "X-Id";
    (void)snprintf(error->header_value, sizeof error->header_value, "%zu", error->received.len);
}

static int bench_set_up(void **state) {
    struct bench *bench = calloc(1, sizeof *bench);
    if (!bench) return -1;
    (void)snprintf(bench->folder, sizeof bench->folder, "/tmp/giro-http-XXXXXX");
    if (!mkdtemp(bench->folder)) return -1;
    (void)snprintf(bench->path, sizeof bench->path, "%s/api.sock", bench->folder);
    bench->options = http_server_options_default();
    bench->options.unix_path = bench->path;
    bench->options.allowed_uids[0] = getuid();
    bench->options.allowed_uid_count = 1;
    bench->options.io_threads = 2;
    bench->options.on_request = on_request;
    bench->options.on_error = on_error;
    bench->options.ctx = bench;
    *state = bench;
    struct pool_options pool = { .name = "answer", .threads = 4, .queue_max = 1000 };
    return queue_init(&bench->held, 100) || pool_start(&pool, &bench->pool) ? -1 : 0;
}

static int bench_tear_down(void **state) {
    struct bench *bench = *state;
    pool_stop(bench->pool);
    bench->server = http_server_free(bench->server);
    bench->pool = pool_free(bench->pool);
    queue_release(&bench->held);
    int r = access(bench->path, F_OK) == 0 ? -1 : 0; /* the server removed its socket */
    (void)rmdir(bench->folder);
    free(bench);
    return r;
}

static void start(struct bench *bench) {
    struct message message = { { 0 } };
    int r = http_server_start(&bench->options, &bench->server, &message);
    if (r) fail_msg("%s", message.text);
}

static int connect_client(const struct bench *bench) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct timeval wait = { .tv_sec = CLIENT_WAIT_S };
    assert_int_equal(str_to_c(str_from_c(bench->path), address.sun_path, sizeof address.sun_path), 0);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait), 0);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) return fd;
    (void)close(fd);
    return -1;
}

static void send_all(int fd, struct str bytes) {
    while (bytes.len) {
        ssize_t n = send(fd, bytes.at, bytes.len, MSG_NOSIGNAL);
        if (n <= 0) return; /* the server has closed: what it answered is what counts */
        bytes = str_slice(bytes, (size_t)n, bytes.len);
    }
}

struct answer {
    char *text; /* of TEXT_BYTES_MAX */
    size_t len, head_len;
    int status; /* 0: closed without an answer */
    bool says_close;
    struct str body;
};

static size_t answer_length(const struct answer *answer) {
    struct str head = str_from_bytes(answer->text, answer->head_len), rest;
    size_t at;
    uint64_t length = 0;
    if (!str_find(head, STR("\r\nContent-Length: "), &at)) return 0;
    rest = str_slice(head, at + 18, head.len);
    assert_true(str_find(rest, STR("\r\n"), &at));
    assert_int_equal(str_to_u64(str_slice(rest, 0, at), &length), 0);
    return (size_t)length;
}

/* Reads one answer; has_body false after HEAD. Bytes beyond it are a fault. */
static struct answer read_answer_to(int fd, bool has_body, char *text) {
    struct answer got = { .text = text };
    size_t at, total = SIZE_MAX;
    while (got.len < total) {
        ssize_t n = recv(fd, got.text + got.len, TEXT_BYTES_MAX - got.len, 0);
        if (n == 0 && got.len == 0) return got;
        if (n < 0 && errno == ECONNRESET && got.len == 0) return got;
        if (n <= 0) fail_msg("the answer ended after %zu bytes: %s", got.len, n ? strerrordesc_np(errno) : "closed");
        got.len += (size_t)n;
        if (!got.head_len && str_find(str_from_bytes(got.text, got.len), STR("\r\n\r\n"), &at)) {
            got.head_len = at + 4;
            total = got.head_len + (has_body ? answer_length(&got) : 0);
        }
    }
    assert_int_equal(got.len, total);
    assert_memory_equal(got.text, "HTTP/1.1 ", 9);
    for (int i = 9; i < 12; i++) got.status = got.status * 10 + (got.text[i] - '0');
    struct str head = str_from_bytes(got.text, got.head_len);
    got.says_close = str_find(head, STR("\r\nConnection: close\r\n"), &at);
    assert_true(str_find(head, STR("\r\nDate: "), &at));
    got.body = str_from_bytes(got.text + got.head_len, got.len - got.head_len);
    return got;
}

static struct answer read_answer(int fd) {
    static char text[TEXT_BYTES_MAX];
    return read_answer_to(fd, true, text);
}

static bool is_closed(int fd) {
    char byte;
    ssize_t n = recv(fd, &byte, 1, 0);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

#define HOST "Host: giro\r\n"

static void one_request_after_the_other(void **state) {
    struct bench *bench = *state;
    start(bench);
    int fd = connect_client(bench);
    for (int i = 0; i < 3; i++) {
        send_all(fd, STR("POST /echo HTTP/1.1\r\n" HOST "X-Id: 7\r\nContent-Length: 5\r\n\r\nhello"));
        struct answer got = read_answer(fd);
        size_t at;
        assert_int_equal(got.status, 200);
        assert_true(str_equal(got.body, STR("hello")) && !got.says_close);
        assert_true(str_find(str_from_bytes(got.text, got.head_len), STR("\r\nX-Id: 7\r\n"), &at));
        send_all(fd, STR("GET /pool HTTP/1.1\r\n" HOST "\r\n"));
        got = read_answer(fd);
        assert_int_equal(got.status, 200);
        assert_int_equal(got.body.len, 0);
    }
    send_all(fd, STR("GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"));
    assert_true(read_answer(fd).says_close);
    assert_true(is_closed(fd));
    (void)close(fd);
    struct stat info;
    assert_int_equal(stat(bench->path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0660);
}

static void bodies_that_are_not_sent(void **state) {
    struct bench *bench = *state;
    static char text[TEXT_BYTES_MAX];
    size_t at;
    start(bench);
    int fd = connect_client(bench);
    send_all(fd, STR("HEAD /large HTTP/1.1\r\n" HOST "\r\n"));
    struct answer got = read_answer_to(fd, false, text);
    assert_int_equal(answer_length(&got), LARGE_BYTES);
    send_all(fd, STR("GET /none HTTP/1.1\r\n" HOST "\r\n"));
    got = read_answer(fd);
    assert_int_equal(got.status, 204);
    assert_false(str_find(str_from_bytes(got.text, got.len), STR("Content-Length"), &at));
    send_all(fd, STR("GET /same HTTP/1.1\r\n" HOST "\r\n"));
    got = read_answer(fd);
    assert_int_equal(got.status, 304);
    assert_false(str_find(str_from_bytes(got.text, got.len), STR("not sent"), &at));
    (void)close(fd);
}

static void a_request_may_be_cut_anywhere(void **state) {
    struct bench *bench = *state;
    struct str text = STR("POST /pool?x=%20 HTTP/1.1\r\n" HOST "X-Id: 1\r\nContent-Length: 10\r\n\r\n0123456789");
    start(bench);
    int fd = connect_client(bench);
    for (size_t cut = 1; cut < text.len; cut++) {
        send_all(fd, str_slice(text, 0, cut));
        sched_yield();
        send_all(fd, str_slice(text, cut, text.len));
        struct answer got = read_answer(fd);
        assert_int_equal(got.status, 200);
        assert_true(str_equal(got.body, STR("0123456789")));
    }
    for (size_t i = 0; i < text.len; i++) send_all(fd, str_slice(text, i, i + 1));
    assert_int_equal(read_answer(fd).status, 200);
    (void)close(fd);
}

#define REFUSED(label, text, status, code)                                                                             \
    { label, STR_INIT(text), status, code }
static const struct {
    const char *name;
    struct str text;
    int status;
    const char *code;
} refusals[] = {
    REFUSED("accepted twin", "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", 200, NULL),
    REFUSED("two Content-Lengths", "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400,
            "invalid_content_length"),
    REFUSED("chunked", "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
            "transfer_encoding"),
    REFUSED("both", "POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx", 400,
            "transfer_encoding"),
    REFUSED("bare LF", "GET / HTTP/1.1\n", 400, "invalid_line_end"),
    REFUSED("fold", "GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n", 400, "folded_header"),
    REFUSED("NUL", "GET / HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n", 400, "invalid_header"),
    REFUSED("blank before the colon", "GET / HTTP/1.1\r\n" HOST "X : a\r\n\r\n", 400, "invalid_header"),
    REFUSED("pipelined", "GET /hold HTTP/1.1\r\n" HOST "\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 400, "pipelined_request"),
    REFUSED("body too long", "POST /hold HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nxy", 400, "pipelined_request"),
    REFUSED("body without length", "POST /hold HTTP/1.1\r\n" HOST "\r\nxy", 400, "pipelined_request"),
    REFUSED("too large", "POST / HTTP/1.1\r\n" HOST "Content-Length: 262145\r\n\r\nx", 413, "body_too_large"),
    REFUSED("other version", "GET / HTTP/1.0\r\n" HOST "\r\n", 505, "version_not_supported"),
    REFUSED("response splitting", "GET /split HTTP/1.1\r\n" HOST "\r\n", 500, "internal"),
};

static void a_refusal_closes_the_connection(void **state) { /* H2, T3 */
    struct bench *bench = *state;
    start(bench);
    for (size_t i = 0; i < ARRAY_COUNT(refusals); i++) {
        char want[128];
        int fd = connect_client(bench);
        send_all(fd, refusals[i].text);
        struct answer got = read_answer(fd);
        if (got.status != refusals[i].status) fail_msg("%s: %d", refusals[i].name, got.status);
        if (refusals[i].code) {
            (void)snprintf(want, sizeof want, "{\"status\":%d,\"code\":\"%s\"}", got.status, refusals[i].code);
            assert_true(str_equal_c(got.body, want));
            assert_true(got.says_close);
            assert_true(is_closed(fd));
        }
        (void)close(fd);
    }
    assert_int_equal(queue_count(&bench->held), 0); /* no refused request was handed out */
}

static void limits_of_size(void **state) {
    struct bench *bench = *state;
    static char text[512 * 1024];
    struct buffer buffer;
    bench->options.body_bytes_max = 300000;
    bench->options.on_error = NULL;
    start(bench);
    for (int more = 0; more <= 1; more++) {
        int fd = connect_client(bench);
        buffer_init(&buffer, text, sizeof text);
        buffer_printf(&buffer, "POST /pool HTTP/1.1\r\n" HOST "Content-Length: %d\r\n\r\n", 300000 + more);
        for (int i = 0; i < 300000 + more; i++) buffer_append_char(&buffer, 'b');
        send_all(fd, buffer_str(&buffer));
        struct answer got = read_answer(fd);
        assert_int_equal(got.status, more ? 413 : 200);
        if (more) assert_true(str_equal(got.body, STR("body_too_large\n"))); /* the plain text without on_error */
        else assert_int_equal(got.body.len, 300000);
        (void)close(fd);
        fd = connect_client(bench);
        buffer_init(&buffer, text, sizeof text);
        buffer_append_c(&buffer, "GET / HTTP/1.1\r\n" HOST "X: ");
        while (buffer.len < (size_t)HTTP_HEADER_BYTES_MAX - 4 + (size_t)more) buffer_append_char(&buffer, 'h');
        buffer_append_c(&buffer, "\r\n\r\n");
        send_all(fd, buffer_str(&buffer));
        assert_int_equal(read_answer(fd).status, more ? 431 : 200);
        (void)close(fd);
    }
}

static void slow_senders_are_told_so(void **state) {
    struct bench *bench = *state;
    static const struct str slow[] = { STR_INIT("G"), STR_INIT("GET / HTTP/1.1\r\n" HOST),
                                       STR_INIT("POST / HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nx") };
    bench->options.header_ms = bench->options.body_ms = 60;
    bench->options.idle_ms = 90;
    start(bench);
    for (size_t i = 0; i < ARRAY_COUNT(slow); i++) {
        int fd = connect_client(bench);
        int64_t from_ms = clock_mono_ms();
        send_all(fd, slow[i]);
        struct answer got = read_answer(fd);
        assert_int_equal(got.status, 408);
        assert_true(got.says_close && clock_mono_ms() - from_ms >= 59);
        assert_true(is_closed(fd));
        (void)close(fd);
    }
    int fd = connect_client(bench); /* without a request there is nobody to tell */
    send_all(fd, STR("GET / HTTP/1.1\r\n" HOST "\r\n"));
    assert_int_equal(read_answer(fd).status, 200);
    assert_int_equal(read_answer(fd).status, 0);
    (void)close(fd);
}

static void a_drop_at_a_time_does_not_move_the_deadline(void **state) {
    struct bench *bench = *state;
    bench->options.header_ms = 80;
    start(bench);
    int fd = connect_client(bench);
    int64_t from_ms = clock_mono_ms();
    char byte;
    send_all(fd, STR("GET / HTTP/1.1\r\n" HOST "X: "));
    while (recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && clock_mono_ms() - from_ms < 10000) {
        send_all(fd, STR("x"));
        (void)usleep(5000); /* a slow sender is what is tested */
    }
    assert_true(clock_mono_ms() - from_ms < 9000);
    assert_int_equal(read_answer(fd).status, 408);
    (void)close(fd);
}

enum { CLIENTS = 100, REQUESTS_PER_CLIENT = 20 };

static void *client_run(void *arg) {
    int fd = *(int *)arg;
    char text[256];
    char *answer_text = malloc(TEXT_BYTES_MAX);
    check(answer_text != NULL);
    for (int i = 0; i < REQUESTS_PER_CLIENT; i++) {
        int len = snprintf(text, sizeof text, "POST /%s HTTP/1.1\r\n" HOST "Content-Length: 9\r\n\r\n%04d-%04d",
                           i % 3 ? "pool" : "echo", fd, i);
        send_all(fd, str_from_bytes(text, (size_t)len));
        struct answer got = read_answer_to(fd, true, answer_text);
        check(got.status == 200 && got.body.len == 9 && memcmp(got.body.at, text + len - 9, 9) == 0);
    }
    free(answer_text);
    return NULL;
}

static void a_hundred_clients_at_once(void **state) {
    struct bench *bench = *state;
    pthread_t threads[CLIENTS];
    int fds[CLIENTS];
    struct http_server_stats stats;
    start(bench);
    for (int i = 0; i < CLIENTS; i++) fds[i] = connect_client(bench);
    for (int i = 0; i < CLIENTS; i++) assert_int_equal(pthread_create(&threads[i], NULL, client_run, &fds[i]), 0);
    for (int i = 0; i < CLIENTS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    http_server_stats(bench->server, &stats);
    assert_int_equal(stats.requests, CLIENTS * REQUESTS_PER_CLIENT);
    assert_int_equal(stats.connections, CLIENTS);
    for (int i = 0; i < CLIENTS; i++) (void)close(fds[i]);
}

static struct http_request *take_held(struct bench *bench) {
    void *item = NULL;
    assert_int_equal(queue_take(&bench->held, CLIENT_WAIT_S * 1000, &item), 0);
    return item;
}

static void wait_for(const struct bench *bench, bool (*is_so)(const struct http_server_stats *stats)) {
    struct http_server_stats stats;
    int64_t until_ms = clock_mono_ms() + CLIENT_WAIT_S * 1000;
    do {
        http_server_stats(bench->server, &stats);
        sched_yield();
    } while (!is_so(&stats) && clock_mono_ms() < until_ms);
    assert_true(is_so(&stats));
}

static bool none_open(const struct http_server_stats *stats) {
    return stats->connections == 0;
}

static bool one_dropped(const struct http_server_stats *stats) {
    return stats->replies_dropped == 1;
}

static bool two_open(const struct http_server_stats *stats) {
    return stats->connections == 2;
}

static void a_client_that_left_harms_nobody(void **state) { /* H1 */
    struct bench *bench = *state;
    start(bench);
    int fd = connect_client(bench);
    send_all(fd, STR("POST /hold HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\ngone"));
    struct http_request *request = take_held(bench);
    (void)close(fd);
    for (int i = 0; i < 50; i++) { /* others come and go meanwhile; none gets this connection's memory */
        fd = connect_client(bench);
        send_all(fd, STR("POST /pool HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nhere"));
        assert_int_equal(read_answer(fd).status, 200);
        (void)close(fd);
    }
    assert_true(str_equal(request->body, STR("gone")));
    answer(request, 200, request->body);
    wait_for(bench, one_dropped);
    wait_for(bench, none_open);
}

static void a_client_that_stopped_sending_is_answered(void **state) {
    struct bench *bench = *state;
    start(bench);
    int fd = connect_client(bench);
    send_all(fd, STR("GET /hold HTTP/1.1\r\n" HOST "\r\n"));
    struct http_request *request = take_held(bench);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    answer(request, 200, STR("still"));
    assert_true(str_equal(read_answer(fd).body, STR("still")));
    assert_true(is_closed(fd));
    (void)close(fd);
}

static void bytes_while_handling_are_never_read(void **state) { /* H2, with the order forced by one IO thread */
    struct bench *bench = *state;
    bench->options.io_threads = 1;
    start(bench);
    int fd = connect_client(bench), other = connect_client(bench);
    send_all(fd, STR("GET /hold HTTP/1.1\r\n" HOST "\r\n"));
    struct http_request *request = take_held(bench);
    send_all(fd, STR("GET /pool HTTP/1.1\r\n" HOST "\r\n"));
    for (int i = 0; i < 2;
         i++) { /* the second answer proves that a whole round of the loop lies behind the early bytes */
        send_all(other, STR("GET /pool HTTP/1.1\r\n" HOST "\r\n"));
        assert_int_equal(read_answer(other).status, 200);
    }
    answer(request, 200, STR("first"));
    struct answer got = read_answer(fd);
    assert_true(str_equal(got.body, STR("first")) && got.says_close);
    assert_true(is_closed(fd));
    (void)close(fd);
    (void)close(other);
}

static void large_answers_go_out_in_pieces(void **state) {
    struct bench *bench = *state;
    memset(large, 'l', sizeof large);
    start(bench);
    int fd = connect_client(bench);
    for (int i = 0; i < 3; i++) {
        send_all(fd, STR("GET /large HTTP/1.1\r\n" HOST "\r\n"));
        struct answer got = read_answer(fd);
        assert_int_equal(got.body.len, sizeof large);
        assert_memory_equal(got.body.at, large, sizeof large);
    }
    (void)close(fd);
}

static void answers_have_a_limit(void **state) {
    struct bench *bench = *state;
    bench->options.response_bytes_max = LARGE_BYTES;
    start(bench);
    int fd = connect_client(bench);
    send_all(fd, STR("GET /large HTTP/1.1\r\n" HOST "\r\n"));
    assert_int_equal(read_answer(fd).status, 500);
    (void)close(fd);
}

static void who_does_not_read_is_cut_off(void **state) {
    struct bench *bench = *state;
    bench->options.write_ms = 60;
    start(bench);
    int fd = connect_client(bench);
    send_all(fd, STR("GET /large HTTP/1.1\r\n" HOST "\r\n"));
    wait_for(bench, one_dropped);
    wait_for(bench, none_open);
    (void)close(fd);
}

static void one_connection_too_many(void **state) { /* H3 */
    struct bench *bench = *state;
    bench->options.connections_max = 2;
    start(bench);
    int a = connect_client(bench), b = connect_client(bench);
    wait_for(bench, two_open);
    int c = connect_client(bench);
    struct answer got = read_answer(c);
    assert_int_equal(got.status, 503);
    assert_true(is_closed(c));
    (void)close(c);
    send_all(a, STR("GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"));
    assert_int_equal(read_answer(a).status, 200);
    assert_true(is_closed(a));
    (void)close(a);
    send_all(b, STR("GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"));
    assert_int_equal(read_answer(b).status, 200);
    (void)close(b);
    wait_for(bench, none_open);
    a = connect_client(bench);
    send_all(a, STR("GET / HTTP/1.1\r\n" HOST "\r\n"));
    assert_int_equal(read_answer(a).status, 200);
    (void)close(a);
}

/* spec: gateway/c5 */
static void strangers_are_not_served(void **state) {
    struct bench *bench = *state;
    struct http_server_stats stats;
    bench->options.allowed_uids[0] = getuid() + 1;
    start(bench);
    int fd = connect_client(bench);
    send_all(fd, STR("GET / HTTP/1.1\r\n" HOST "\r\n"));
    assert_int_equal(read_answer(fd).status, 0);
    (void)close(fd);
    http_server_stats(bench->server, &stats);
    assert_int_equal(stats.refused_peer, 1);
    assert_int_equal(stats.requests, 0);
}

struct drainer {
    struct http_server *server;
    int64_t deadline_ms;
};

static void *drain_run(void *arg) {
    struct drainer *drainer = arg;
    http_server_drain(drainer->server, drainer->deadline_ms);
    return NULL;
}

/* Waits until the listener is gone: connecting is refused. */
static void wait_unlistened(const struct bench *bench) {
    int64_t until_ms = clock_mono_ms() + CLIENT_WAIT_S * 1000;
    int fd = connect_client(bench);
    while (fd >= 0 && clock_mono_ms() < until_ms) {
        (void)close(fd);
        fd = connect_client(bench);
    }
    assert_true(fd < 0);
}

/* spec: gateway/72 */
static void draining_answers_what_runs_and_says_close(void **state) { /* H4 */
    struct bench *bench = *state;
    struct drainer drainer = { .deadline_ms = CLIENT_WAIT_S * 1000 };
    pthread_t thread;
    start(bench);
    drainer.server = bench->server;
    int running = connect_client(bench), idle = connect_client(bench);
    send_all(idle, STR("GET / HTTP/1.1\r\n" HOST "\r\n"));
    assert_false(read_answer(idle).says_close);
    send_all(running, STR("GET /hold HTTP/1.1\r\n" HOST "\r\n"));
    struct http_request *request = take_held(bench);
    int64_t from_ms = clock_mono_ms();
    assert_int_equal(pthread_create(&thread, NULL, drain_run, &drainer), 0);
    wait_unlistened(bench);
    send_all(idle, STR("GET /pool HTTP/1.1\r\n" HOST "\r\n")); /* the edge was just sending on it */
    struct answer got = read_answer(idle);
    assert_int_equal(got.status, 200);
    assert_true(got.says_close && is_closed(idle));
    answer(request, 200, STR("done"));
    got = read_answer(running);
    assert_true(str_equal(got.body, STR("done")) && got.says_close && is_closed(running));
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(clock_mono_ms() - from_ms < CLIENT_WAIT_S * 1000);
    (void)close(idle);
    (void)close(running);
}

/* spec: gateway/72 */
static void draining_ends_at_its_deadline(void **state) { /* H1, H4 */
    struct bench *bench = *state;
    start(bench);
    int idle = connect_client(bench), running = connect_client(bench);
    send_all(running, STR("GET /hold HTTP/1.1\r\n" HOST "\r\n"));
    struct http_request *request = take_held(bench);
    http_server_drain(bench->server, 50);
    assert_true(is_closed(idle) && is_closed(running));
    answer(request, 200, STR("too late")); /* goes nowhere, touches nothing that is gone */
    (void)close(idle);
    (void)close(running);
}

static void paths_that_cannot_be_used(void **state) {
    struct bench *bench = *state;
    struct message message = { { 0 } };
    struct http_server *second = NULL;
    char long_path[160];
    start(bench);
    assert_int_equal(http_server_start(&bench->options, &second, &message), -EADDRINUSE);
    assert_non_null(strstr(message.text, "already listens"));
    memset(long_path, 'p', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = 0;
    bench->options.unix_path = long_path;
    assert_int_equal(http_server_start(&bench->options, &second, &message), -ENAMETOOLONG);
    bench->options.unix_path = "/tmp";
    assert_int_equal(http_server_start(&bench->options, &second, &message), -EEXIST);
    bench->options.unix_path = "/tmp/giro-no-such-folder/x.sock";
    assert_int_equal(http_server_start(&bench->options, &second, &message), -ENOENT);
    assert_null(second);
}

static void a_dead_servers_path_is_taken_over(void **state) {
    struct bench *bench = *state;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    assert_int_equal(str_to_c(str_from_c(bench->path), address.sun_path, sizeof address.sun_path), 0);
    int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(dead, (const struct sockaddr *)&address, sizeof address), 0);
    (void)close(dead); /* leaves the file behind, as a killed process does */
    start(bench);
    int fd = connect_client(bench);
    send_all(fd, STR("GET / HTTP/1.1\r\n" HOST "\r\n"));
    assert_int_equal(read_answer(fd).status, 200);
    (void)close(fd);
}

static void a_path_taken_by_a_successor_is_left_alone(void **state) {
    struct bench *bench = *state;
    struct bench next = *bench;
    char next_path[128];
    struct message message;
    (void)snprintf(next_path, sizeof next_path, "%s.v2", bench->path);
    start(bench);
    next.options.unix_path = next_path;
    assert_int_equal(http_server_start(&next.options, &next.server, &message), 0);
    assert_int_equal(rename(next_path, bench->path), 0);
    http_server_drain(bench->server, 0);
    int fd = connect_client(bench);
    send_all(fd, STR("GET / HTTP/1.1\r\n" HOST "\r\n"));
    assert_int_equal(read_answer(fd).status, 200);
    (void)close(fd);
    (void)http_server_free(next.server);
    assert_int_equal(unlink(bench->path), 0); /* a renamed socket is its starter's to remove */
}

static void tcp_on_loopback(void **state) {
    struct bench *bench = *state;
    bench->options.unix_path = NULL;
    start(bench);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(http_server_port(bench->server)),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    send_all(fd, STR("GET /pool HTTP/1.1\r\n" HOST "\r\n"));
    assert_int_equal(read_answer(fd).status, 200);
    send_all(fd, STR("POST / HTTP/1.1\r\n" HOST "Content-Length: 999999\r\n\r\nxxxxx"));
    assert_int_equal(read_answer(fd).status, 413); /* arrives although bytes lie unread */
    struct http_server *second = NULL;
    struct message message;
    bench->options.tcp_port = http_server_port(bench->server);
    assert_int_equal(http_server_start(&bench->options, &second, &message), -EADDRINUSE);
    (void)close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)
static void on_rest(void *ctx, size_t io_thread) {
    struct bench *bench = ctx;
    check(io_thread == 0);
    atomic_fetch_add(&bench->rests, 1);
}

static void a_thread_rests_after_requests_and_only_then(void **state) {
    struct bench *bench = *state;
    bench->options.io_threads = 1;
    bench->options.on_rest = on_rest;
    start(bench);
    int fd = connect_client(bench);
    (void)usleep(3 * HTTP_REST_MS * 1000);
    assert_int_equal(atomic_load(&bench->rests), 0); /* nothing was asked yet */
    for (int round = 1; round <= 2; round++) {
        send_all(fd, STR("GET /echo HTTP/1.1\r\n" HOST "\r\n"));
        assert_int_equal(read_answer(fd).status, 200);
        for (int64_t until_ms = clock_mono_ms() + CLIENT_WAIT_S * 1000; atomic_load(&bench->rests) < round;) {
            assert_true(clock_mono_ms() < until_ms);
            (void)usleep(1000);
        }
    }
    (void)usleep(3 * HTTP_REST_MS * 1000);
    assert_int_equal(atomic_load(&bench->rests), 2); /* once after each */
    for (int64_t until_ms = clock_mono_ms() + CLIENT_WAIT_S * 1000; atomic_load(&bench->rests) < 4;) {
        send_all(fd, STR("GET /echo HTTP/1.1\r\n" HOST "\r\n")); /* however busy it is */
        assert_int_equal(read_answer(fd).status, 200);
        assert_true(clock_mono_ms() < until_ms);
    }
    (void)close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(one_request_after_the_other),
        TEST(bodies_that_are_not_sent),
        TEST(a_request_may_be_cut_anywhere),
        TEST(a_refusal_closes_the_connection),
        TEST(limits_of_size),
        TEST(slow_senders_are_told_so),
        TEST(a_drop_at_a_time_does_not_move_the_deadline),
        TEST(a_hundred_clients_at_once),
        TEST(a_client_that_left_harms_nobody),
        TEST(a_client_that_stopped_sending_is_answered),
        TEST(bytes_while_handling_are_never_read),
        TEST(large_answers_go_out_in_pieces),
        TEST(answers_have_a_limit),
        TEST(who_does_not_read_is_cut_off),
        TEST(one_connection_too_many),
        TEST(strangers_are_not_served),
        TEST(draining_answers_what_runs_and_says_close),
        TEST(draining_ends_at_its_deadline),
        TEST(paths_that_cannot_be_used),
        TEST(a_dead_servers_path_is_taken_over),
        TEST(a_path_taken_by_a_successor_is_left_alone),
        TEST(tcp_on_loopback),
        TEST(a_thread_rests_after_requests_and_only_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
