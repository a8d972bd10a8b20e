/* node_link_fuzz.c - any bytes as what another node sends behind the handshake: whole frames are read as they are, one
 * that says to be longer than allowed and one that ends early are refused, and nothing is waited for once the other
 * side is gone. What stands in a frame is command_codec_fuzz's. */
#include "platform/node_link_int.h"

#include "platform/clock.h"

#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { INPUT_BYTES_MAX = 16 * 1024, WAIT_MS = 5000 };

struct pair {
    struct node_link reader;
    SSL *writer;
    int fds[2];
};

static SSL_CTX *contexts[2]; /* of the side that connects, of the one that is connected to */
static struct pair pair;

static void setup(void) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x509 = X509_new();
    check(key && x509 && X509_set_pubkey(x509, key) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(x509), 1) == 1);
    check(X509_gmtime_adj(X509_getm_notBefore(x509), -60) && X509_gmtime_adj(X509_getm_notAfter(x509), 86400));
    check(X509_sign(x509, key, EVP_sha256()) > 0);
    contexts[0] = SSL_CTX_new(TLS_client_method());
    contexts[1] = SSL_CTX_new(TLS_server_method());
    check(contexts[0] && contexts[1] && SSL_CTX_set_min_proto_version(contexts[1], TLS1_3_VERSION) == 1);
    check(SSL_CTX_use_certificate(contexts[1], x509) == 1 && SSL_CTX_use_PrivateKey(contexts[1], key) == 1);
    (void)SSL_CTX_set_num_tickets(contexts[1], 0);
    X509_free(x509);
    EVP_PKEY_free(key);
}

/* Both ends in one thread, step by step. */
static void pair_open(void) {
    bool done[2] = { false, false };
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.fds) == 0);
    pair.reader = (struct node_link){ .ssl = SSL_new(contexts[1]), .fd = pair.fds[1] };
    pair.writer = SSL_new(contexts[0]);
    check(pair.reader.ssl && pair.writer);
    check(SSL_set_fd(pair.writer, pair.fds[0]) == 1 && SSL_set_fd(pair.reader.ssl, pair.fds[1]) == 1);
    for (size_t i = 0; i < 16 && !(done[0] && done[1]); i++) {
        done[0] = done[0] || SSL_connect(pair.writer) == 1;
        done[1] = done[1] || SSL_accept(pair.reader.ssl) == 1;
    }
    check(done[0] && done[1]);
    ERR_clear_error();
}

static void writer_close(void) {
    if (!pair.writer) return;
    (void)SSL_shutdown(pair.writer); /* the close of the socket says it too */
    SSL_free(pair.writer);
    pair.writer = NULL;
    (void)close(pair.fds[0]);
}

static void pair_close(void) {
    writer_close();
    SSL_free(pair.reader.ssl);
    pair.reader.ssl = NULL;
    (void)close(pair.fds[1]);
    ERR_clear_error();
}

/* The length of the frame at the front; false when it is not whole. */
static bool frame_is_whole(struct str text, size_t *ret_len) {
    const unsigned char *at = (const unsigned char *)text.at;
    if (text.len < 4) return false;
    *ret_len = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
    return *ret_len <= text.len - 4;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static char memory[INPUT_BYTES_MAX];
    struct str rest = str_from_bytes(bytes, size);
    struct buffer frame;
    size_t len;
    if (size == 0 || size > INPUT_BYTES_MAX) return 0;
    if (!contexts[0]) setup();
    if (!pair.writer) pair_open();
    check(SSL_write(pair.writer, bytes, (int)size) == (int)size);
    while (frame_is_whole(rest, &len)) {
        buffer_init(&frame, memory, sizeof memory);
        check(node_link_read_frame(&pair.reader, &frame, clock_mono_ms() + WAIT_MS) == 0);
        check(str_equal(buffer_str(&frame), str_slice(rest, 4, 4 + len)));
        rest = str_slice(rest, 4 + len, rest.len);
    }
    if (rest.len == 0) return 0; /* the connection is where it was */
    writer_close();
    buffer_init(&frame, memory, sizeof memory);
    int64_t begin_ms = clock_mono_ms();
    int r = node_link_read_frame(&pair.reader, &frame, begin_ms + WAIT_MS);
    check(r < 0 && clock_mono_ms() - begin_ms < WAIT_MS / 2);
    check(rest.len < 4 || (r == -EMSGSIZE) == (len > NODE_FRAME_BYTES_MAX));
    pair_close();
    return 0;
}
