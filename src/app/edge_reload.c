#include "app/edge_reload.h"

#include "platform/file.h"
#include "platform/file_stamp.h"
#include "platform/secret.h"
#include "platform/x509.h"

#include <signal.h>

static int stamp_of(const struct edge_reload *reload, struct hash *ret_stamp) {
    const char *paths[] = { reload->certificate, reload->key };
    return err_trace(file_stamp(paths, ARRAY_COUNT(paths), ret_stamp));
}

int edge_reload_init(struct edge_reload *reload, const char *certificate, const char *key) {
    *reload = (struct edge_reload){ .certificate = certificate, .key = key };
    return err_trace(stamp_of(reload, &reload->stamp));
}

static int read_certificate(const char *path, struct certificate **ret_certificate, struct message *message) {
    struct arena arena = { 0 };
    struct str pem;
    int r = arena_init(&arena, CERTIFICATE_PEM_BYTES_MAX, 2 * TRUST_FILE_BYTES_MAX);
    if (r == 0) r = file_read_all(path, TRUST_FILE_BYTES_MAX, &arena, &pem, message);
    if (r == 0) r = certificate_parse_pem_first(pem, ret_certificate);
    if (r > 0) message_set(message, "%s does not begin with a certificate in PEM", path);
    arena_release(&arena);
    return r;
}

static int read_key(const char *path, struct key **ret_key, struct message *message) {
    struct secret_bytes pem = { 0 };
    int r = secret_load_text(path, KEY_PEM_BYTES_MAX, &pem, message);
    if (r) return r;
    r = key_load_pem(secret_str(&pem), ret_key);
    secret_release(&pem);
    if (r > 0) message_set(message, "%s: %s", path, key_refusal_text(r));
    return r;
}

/* Whether nginx could go on with the pair. */
static bool pair_fits(const struct edge_reload *reload, struct message *message) {
    struct certificate *certificate = NULL;
    struct key *key = NULL;
    int r = read_certificate(reload->certificate, &certificate, message);
    if (r == 0) r = read_key(reload->key, &key, message);
    bool fits = r == 0 && key_equal_public(certificate->key, key);
    if (r == 0 && !fits)
        message_set(message, "%s is not the certificate of the key %s: replace both, the key first",
                    reload->certificate, reload->key);
    (void)certificate_free(certificate);
    key = key_free(key);
    return fits;
}

bool edge_reload_look(struct edge_reload *reload, pid_t nginx) {
    struct hash stamp;
    struct message message = { { 0 } };
    if (stamp_of(reload, &stamp) || hash_equal(&stamp, &reload->stamp)) return false;
    reload->stamp = stamp;
    if (!pair_fits(reload, &message)) {
        fprintf(stderr, "giro: the edge keeps its certificate: %s\n", message.text);
        return false;
    }
    if (nginx == 0 || kill(nginx, SIGHUP) < 0) return false; /* it reads the files when it starts again */
    fprintf(stderr, "giro: the edge reads its renewed certificate\n");
    return true;
}
