#include "platform/x509.h"

#include "platform/x509_int.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRUST_AUTH_LEVEL = 2 }; /* OpenSSL's level 2: 112 bits, so RSA >= 2048 and no SHA-1 in the chain */

struct trust {
    X509_STORE *store;
    atomic_uint references;
    size_t count;
    struct hash version;
};

/* What is known while a list is being read. */
struct trust_load {
    struct trust *trust;
    struct sha256 sha;
    struct message *message;
    size_t files;
};

static int trust_refuse(struct trust_load *load, const char *path, const char *reason) {
    ERR_clear_error();
    message_set(load->message, "trust list %s: %s", path, reason);
    return TRUST_E_FILE;
}

static int trust_add_certificate(struct trust_load *load, const char *path, struct str der) {
    if (load->trust->count == TRUST_CERTIFICATES_MAX) return trust_refuse(load, path, "too many certificates");
    X509 *x509 = certificate_decode(der);
    if (!x509) return trust_refuse(load, path, "a block is not a certificate");
    int r = 0;
    if (X509_check_ca(x509) != 1)
        r = trust_refuse(load, path, "a certificate is not a CA's (basicConstraints CA:TRUE)");
    else if (X509_STORE_add_cert(load->trust->store, x509) != 1) r = err_origin(-ENOMEM);
    X509_free(x509); /* the store has a reference of its own */
    if (r) return r;
    load->trust->count++;
    sha256_update(&load->sha, der.at, der.len);
    return 0;
}

static int trust_add_text(struct trust_load *load, const char *path, struct str text) {
    uint8_t memory[CERTIFICATE_BYTES_MAX];
    struct buffer der;
    struct str before; /* bundles carry comments between their blocks */
    buffer_init(&der, memory, sizeof memory);
    for (size_t count = 0;; count++) {
        int found = certificate_pem_next(&text, &der, &before);
        if (found == CERTIFICATE_PEM_BAD) return trust_refuse(load, path, "a PEM block is damaged or too large");
        if (found == CERTIFICATE_PEM_NONE) return count ? 0 : trust_refuse(load, path, "no certificate in it");
        int r = trust_add_certificate(load, path, buffer_str(&der));
        if (r) return r < 0 ? err_trace(r) : r;
    }
}

static int read_whole(int fd, struct buffer *out) {
    char piece[16 * 1024];
    for (;;) {
        ssize_t got = read(fd, piece, sizeof piece);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -errno;
        if (got == 0) return out->overflow ? -EFBIG : 0;
        buffer_append(out, piece, (size_t)got);
        if (out->overflow) return -EFBIG;
    }
}

static int trust_add_file(struct trust_load *load, const char *path) {
    if (load->files++ == TRUST_FILES_MAX) return trust_refuse(load, path, "too many files");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return trust_refuse(load, path, strerrordesc_np(errno));
    struct buffer text;
    buffer_init_heap(&text, TRUST_FILE_BYTES_MAX);
    int r = read_whole(fd, &text);
    (void)close(fd); /* only read from */
    if (r) r = trust_refuse(load, path, strerrordesc_np(-r));
    else r = trust_add_text(load, path, buffer_str(&text));
    buffer_release(&text);
    return r < 0 ? err_trace(r) : r;
}

static int is_pem_name(const struct dirent *entry) {
    struct str name = str_from_c(entry->d_name);
    return name.at[0] != '.' && (str_ends(name, STR(".pem")) || str_ends(name, STR(".crt")));
}

static int trust_add_directory(struct trust_load *load, const char *path) {
    struct dirent **entries = NULL;
    int count =
        scandir(path, &entries, is_pem_name, alphasort); /* sorted, so that the version does not depend on the disk */
    if (count < 0) return trust_refuse(load, path, strerrordesc_np(errno));
    int r = 0;
    for (int i = 0; i < count; i++) {
        char file[PATH_MAX];
        int len = snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        if (r == 0 && (len < 0 || (size_t)len >= sizeof file)) r = trust_refuse(load, path, "path too long");
        else if (r == 0) r = trust_add_file(load, file);
        free(entries[i]);
    }
    free(entries);
    return r < 0 ? err_trace(r) : r;
}

static int trust_add_path(struct trust_load *load, const char *path) {
    struct stat stat_of;
    if (stat(path, &stat_of)) return trust_refuse(load, path, strerrordesc_np(errno));
    int r = S_ISDIR(stat_of.st_mode) ? trust_add_directory(load, path) : trust_add_file(load, path);
    return r < 0 ? err_trace(r) : r;
}

static int trust_new(struct trust **ret_trust) {
    struct trust *trust = calloc(1, sizeof *trust);
    if (!trust) return err_origin(-ENOMEM);
    atomic_init(&trust->references, 1);
    trust->store = X509_STORE_new();
    if (!trust->store) {
        free(trust);
        return err_origin(-ENOMEM);
    }
    *ret_trust = trust;
    return 0;
}

int trust_load(const char *const *paths, size_t count, struct trust **ret_trust, struct message *message) {
    struct trust_load load = { .message = message };
    int r = trust_new(&load.trust);
    if (r) return err_trace(r);
    r = sha256_init(&load.sha);
    if (r == 0) sha256_begin(&load.sha);
    for (size_t i = 0; r == 0 && i < count; i++) r = trust_add_path(&load, paths[i]);
    if (r == 0) {
        load.trust->version = sha256_end(&load.sha);
        *ret_trust = load.trust;
    } else {
        trust_free(load.trust);
    }
    sha256_release(&load.sha);
    return r < 0 ? err_trace(r) : r;
}

struct trust *trust_share(struct trust *trust) {
    unsigned before = atomic_fetch_add_explicit(&trust->references, 1, memory_order_relaxed);
    check(before > 0 && before < UINT32_MAX);
    return trust;
}

struct trust *trust_free(struct trust *trust) {
    if (!trust) return NULL;
    unsigned before = atomic_fetch_sub_explicit(&trust->references, 1, memory_order_acq_rel);
    check(before > 0);
    if (before == 1) {
        X509_STORE_free(trust->store);
        free(trust);
    }
    return NULL;
}

size_t trust_count(const struct trust *trust) {
    return trust->count;
}

const struct hash *trust_version(const struct trust *trust) {
    return &trust->version;
}

static int trust_verdict(int error) {
    switch (error) { /* numbers of OpenSSL, not an enum of ours */
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return TRUST_E_EXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return TRUST_E_NOT_YET;
    case X509_V_ERR_INVALID_PURPOSE:
        return TRUST_E_PURPOSE;
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return TRUST_E_SIGNATURE;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
        return TRUST_E_WEAK;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return TRUST_E_ISSUER;
    default:
        return TRUST_E_CHAIN;
    }
}

static bool verification_setup(X509_STORE_CTX *context, int64_t now_ms) {
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_time(param, (time_t)(now_ms / 1000));
    X509_VERIFY_PARAM_set_depth(param, TRUST_DEPTH_MAX);
    X509_VERIFY_PARAM_set_auth_level(param, TRUST_AUTH_LEVEL);
    return X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN) == 1 && /* each listed CA is an anchor */
           X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_CLIENT) == 1;
}

/* The first end among the certificates of a verified chain. 0, or CERTIFICATE_E_TIME of a date nobody can read. */
static int chain_end(const X509_STORE_CTX *context, int64_t *ret_until_ms) {
    const STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(context);
    int64_t until_ms = INT64_MAX;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        struct tm tm;
        if (ASN1_TIME_to_tm(X509_get0_notAfter(sk_X509_value(chain, i)), &tm) != 1) return CERTIFICATE_E_TIME;
        int64_t end_ms = (int64_t)timegm(&tm) * 1000;
        if (end_ms < until_ms) until_ms = end_ms;
    }
    *ret_until_ms = until_ms;
    return 0;
}

X509_STORE *trust_store(const struct trust *trust) {
    return trust->store;
}

int trust_verify_chain(const struct trust *trust, const struct certificate *certificate, int64_t now_ms,
                       const struct trust_chain *chain) {
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    int verdict = -1;
    int64_t until_ms = 0;
    bool ready = context && X509_STORE_CTX_init(context, trust->store, certificate->x509, NULL) == 1 &&
                 verification_setup(context, now_ms);
    if (ready) verdict = X509_verify_cert(context);
    int error = ready ? X509_STORE_CTX_get_error(context) : X509_V_ERR_OUT_OF_MEM;
    bool good = verdict == 1 && error == X509_V_OK;
    bool accepted = good && chain_end(context, &until_ms) == 0 &&
                    chain->accept(chain->ctx, X509_STORE_CTX_get0_chain(context), until_ms);
    X509_STORE_CTX_free(context);
    ERR_clear_error();
    if (good) return accepted ? 0 : TRUST_E_CHAIN;
    if (error == X509_V_ERR_OUT_OF_MEM) return err_origin(-ENOMEM);
    return trust_verdict(error);
}

static bool note_until(void *ctx, const STACK_OF(X509) * chain, int64_t until_ms) {
    (void)chain;
    *(int64_t *)ctx = until_ms;
    return true;
}

int trust_verify_until(const struct trust *trust, const struct certificate *certificate, int64_t now_ms,
                       int64_t *ret_until_ms) {
    struct trust_chain chain = { .accept = note_until, .ctx = ret_until_ms };
    int r = trust_verify_chain(trust, certificate, now_ms, &chain);
    return r < 0 ? err_trace(r) : r;
}

int trust_verify(const struct trust *trust, const struct certificate *certificate, int64_t now_ms) {
    int64_t until_ms;
    int r = trust_verify_until(trust, certificate, now_ms, &until_ms);
    return r < 0 ? err_trace(r) : r;
}
