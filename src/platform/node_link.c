#include "platform/node_link.h"

#include "platform/clock.h"
#include "platform/net.h"
#include "platform/node_link_int.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

enum { LINGER_MS = 500 };

#define X(code, name) [code] = name,
static const char *const refusal_texts[NODE_LINK_E_COUNT] = { NODE_LINK_E_MAP(X) };
#undef X

const char *node_link_refusal_text(int refusal) {
    check(refusal > 0 && refusal < NODE_LINK_E_COUNT);
    return refusal_texts[refusal];
}

/* ---- who we are ---- */

static int set_up(SSL_CTX *context, const struct node_identity_options *options, struct message *message) {
    const char *wrong = NULL;
    X509_VERIFY_PARAM *rules = SSL_CTX_get0_param(context);
    /* A node both asks and answers, so its certificate's purpose says nothing; the list may hold the certificates
     * themselves. */
    bool ruled = SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
                 SSL_CTX_set_num_tickets(context, 0) == 1 &&
                 X509_VERIFY_PARAM_set_purpose(rules, X509_PURPOSE_ANY) == 1 &&
                 X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_PARTIAL_CHAIN) == 1;
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    if (!ruled) return err_origin(-ENOMEM);
    if (SSL_CTX_use_certificate_chain_file(context, options->certificate) != 1) wrong = options->certificate;
    else if (SSL_CTX_use_PrivateKey_file(context, options->key, SSL_FILETYPE_PEM) != 1) wrong = options->key;
    else if (SSL_CTX_check_private_key(context) != 1) wrong = options->key;
    else if (SSL_CTX_load_verify_locations(context, options->trust, NULL) != 1) wrong = options->trust;
    ERR_clear_error();
    if (!wrong) return 0;
    message_set(message, "%s cannot be used between nodes: want certificate, its key and the trust list as PEM files",
                wrong);
    return NODE_LINK_E_FILE;
}

int node_identity_new(const struct node_identity_options *options, struct node_identity **ret_identity,
                      struct message *message) {
    struct node_identity *identity = calloc(1, sizeof *identity);
    check(options->hello.len > 0 && options->hello.len <= NODE_HELLO_BYTES_MAX);
    if (!identity) return err_origin(-ENOMEM);
    memcpy(identity->hello, options->hello.at, options->hello.len);
    identity->hello_len = options->hello.len;
    identity->client = SSL_CTX_new(TLS_client_method());
    identity->server = SSL_CTX_new(TLS_server_method());
    int r = identity->client && identity->server ? 0 : err_origin(-ENOMEM);
    if (!r) r = set_up(identity->client, options, message);
    if (!r) r = set_up(identity->server, options, message);
    if (r) {
        node_identity_free(identity);
        return err_trace(r);
    }
    *ret_identity = identity;
    return 0;
}

struct node_identity *node_identity_free(struct node_identity *identity) {
    if (!identity) return NULL;
    SSL_CTX_free(identity->client);
    SSL_CTX_free(identity->server);
    free(identity);
    return NULL;
}

/* ---- one connection ---- */

static int wait_for(const struct node_link *link, short events, int64_t deadline_ms) {
    for (;;) {
        int64_t left_ms = deadline_ms - clock_mono_ms();
        struct pollfd waiting = { .fd = link->fd, .events = events };
        int ready = poll(&waiting, 1, left_ms <= 0 ? 0 : left_ms > INT_MAX ? INT_MAX : (int)left_ms);
        if (ready > 0) return 0;
        if (ready < 0 && errno != EINTR) return err_origin(-errno);
        if (ready == 0 && clock_mono_ms() >= deadline_ms) return err_origin(-ETIMEDOUT);
    }
}

/* After a TLS call that did not succeed: 0 = try again, NODE_LINK_E_PEER, <0. */
static int go_on(const struct node_link *link, int result, int64_t deadline_ms) {
    int cause = SSL_get_error(link->ssl, result), r;
    unsigned long detail = ERR_peek_error();
    if (cause == SSL_ERROR_WANT_READ) return err_trace(wait_for(link, POLLIN, deadline_ms));
    if (cause == SSL_ERROR_WANT_WRITE) return err_trace(wait_for(link, POLLOUT, deadline_ms));
    ERR_clear_error();
    if (cause == SSL_ERROR_ZERO_RETURN) return err_origin(-ENODATA);
    if (cause == SSL_ERROR_SYSCALL) return err_origin(errno ? -errno : -ENODATA);
    if (ERR_GET_REASON(detail) == SSL_R_UNEXPECTED_EOF_WHILE_READING) return err_origin(-ENODATA);
    r = ERR_GET_LIB(detail) == ERR_LIB_SSL ? NODE_LINK_E_PEER : err_origin(-EPROTO);
    return r;
}

static int shake(struct node_link *link, enum node_side side, int64_t deadline_ms) {
    int r = 0, result;
    do {
        ERR_clear_error();
        errno = 0;
        result = side == NODE_CLIENT ? SSL_connect(link->ssl) : SSL_accept(link->ssl);
        if (result != 1) r = go_on(link, result, deadline_ms);
    } while (result != 1 && r == 0);
    return r;
}

static int write_all(struct node_link *link, const char *at, size_t len, int64_t deadline_ms) {
    while (len) {
        ERR_clear_error();
        errno = 0;
        int result = SSL_write(link->ssl, at, len > INT_MAX ? INT_MAX : (int)len);
        if (result > 0) {
            at += result;
            len -= (size_t)result;
            continue;
        }
        int r = go_on(link, result, deadline_ms);
        if (r) return r;
    }
    return 0;
}

static int read_all(struct node_link *link, char *at, size_t len, int64_t deadline_ms) {
    while (len) {
        ERR_clear_error();
        errno = 0;
        int result = SSL_read(link->ssl, at, len > INT_MAX ? INT_MAX : (int)len);
        if (result > 0) {
            at += result;
            len -= (size_t)result;
            continue;
        }
        int r = go_on(link, result, deadline_ms);
        if (r) return r;
    }
    return 0;
}

int node_link_write_frame(struct node_link *link, struct str bytes, int64_t deadline_ms) {
    char head[4];
    struct buffer length;
    check(bytes.len <= NODE_FRAME_BYTES_MAX);
    buffer_init(&length, head, sizeof head);
    buffer_append_be(&length, bytes.len, sizeof head);
    int r = write_all(link, head, sizeof head, deadline_ms);
    return r ? r : write_all(link, bytes.at, bytes.len, deadline_ms);
}

int node_link_read_frame(struct node_link *link, struct buffer *out, int64_t deadline_ms) {
    uint8_t head[4];
    char piece[16 * 1024];
    int r = read_all(link, (char *)head, sizeof head, deadline_ms);
    if (r) return r;
    size_t len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    if (len > NODE_FRAME_BYTES_MAX) return err_origin(-EMSGSIZE);
    while (len) {
        size_t part = len < sizeof piece ? len : sizeof piece;
        r = read_all(link, piece, part, deadline_ms);
        if (r) return r;
        buffer_append(out, piece, part);
        if (out->overflow) return err_origin(-EMSGSIZE);
        len -= part;
    }
    return 0;
}

/* Both say it; whoever hears another closes. */
static int greet(struct node_link *link, int64_t deadline_ms) {
    char memory[NODE_HELLO_BYTES_MAX];
    struct buffer heard;
    struct str ours = str_from_bytes(link->identity->hello, link->identity->hello_len);
    buffer_init(&heard, memory, sizeof memory);
    int r = node_link_write_frame(link, ours, deadline_ms);
    if (!r) r = node_link_read_frame(link, &heard, deadline_ms);
    if (r) return r == -EMSGSIZE ? NODE_LINK_E_HELLO : r;
    return str_equal(buffer_str(&heard), ours) ? 0 : NODE_LINK_E_HELLO;
}

/* A close with unread bytes resets the connection, and the other side would never read why. */
static void linger(int fd) {
    char rest[512];
    size_t len = 1;
    int64_t deadline_ms = clock_mono_ms() + LINGER_MS;
    if (shutdown(fd, SHUT_WR)) return;
    while (len && net_receive_some(fd, rest, sizeof rest, deadline_ms, &len) == 0) continue;
}

int node_link_begin_take(struct node_identity *identity, int fd, enum node_side side, int64_t deadline_ms,
                         struct node_link **ret_link) {
    struct node_link *link = calloc(1, sizeof *link);
    if (!link) {
        net_close(fd);
        return err_origin(-ENOMEM);
    }
    *link = (struct node_link){ .identity = identity, .fd = fd };
    link->ssl = SSL_new(side == NODE_CLIENT ? identity->client : identity->server);
    int r = link->ssl && SSL_set_fd(link->ssl, fd) == 1 ? 0 : err_origin(-ENOMEM);
    if (!r) r = shake(link, side, deadline_ms);
    if (!r) r = greet(link, deadline_ms);
    if (r) {
        if (side == NODE_SERVER && r > 0) linger(fd);
        node_link_close(link);
        return err_trace(r);
    }
    *ret_link = link;
    return 0;
}

int node_link_open(struct node_identity *identity, const char *host, uint16_t port, struct node_link **ret_link) {
    int64_t deadline_ms = clock_mono_ms() + NODE_CONNECT_MS;
    int fd;
    int r = net_connect_tcp(host, port, deadline_ms, &fd);
    return r ? err_trace(r) : node_link_begin_take(identity, fd, NODE_CLIENT, deadline_ms, ret_link);
}

bool node_link_is_good(const struct node_link *link) {
    return !link->broken && !SSL_has_pending(link->ssl) && !net_has_input(link->fd);
}

int node_link_call(struct node_link *link, struct str request, int64_t deadline_ms, struct buffer *answer,
                   bool *ret_sent) {
    *ret_sent = false;
    if (!node_link_is_good(link)) return err_origin(-ECONNRESET);
    *ret_sent = true;
    int r = node_link_write_frame(link, request, deadline_ms);
    if (!r) r = node_link_read_frame(link, answer, deadline_ms);
    link->broken = r != 0;
    return err_fold(r); /* a TLS alert here is a fault of the connection, not a refusal */
}

struct node_link *node_link_close(struct node_link *link) {
    if (!link) return NULL;
    if (link->ssl && SSL_is_init_finished(link->ssl))
        (void)SSL_shutdown(link->ssl); /* one try; the close says it too */
    SSL_free(link->ssl);
    net_close(link->fd);
    ERR_clear_error();
    free(link);
    return NULL;
}
