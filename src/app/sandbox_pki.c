#include "app/sandbox_pki.h"

#include "platform/file.h"

#define DAY_MS (24 * 3600 * INT64_C(1000))

static int refuse_file(const char *path, const char *why, struct message *message) {
    message_set(message, "%s: %s; remove it, or start with --fresh", path, why);
    return SANDBOX_E_INVALID;
}

static int key_load_file(const char *path, struct key **ret_key, struct message *message) {
    struct secret_bytes pem = { 0 };
    int r = secret_load_text(path, KEY_PEM_BYTES_MAX, &pem, message);
    if (r == SECRET_E_MODE || r == SECRET_E_OWNER || r == SECRET_E_ACCESS) return SANDBOX_E_DENIED;
    if (r) return r < 0 ? err_trace(r) : SANDBOX_E_INVALID;
    r = key_load_pem(secret_str(&pem), ret_key);
    secret_release(&pem);
    if (r > 0) return refuse_file(path, key_refusal_text(r), message);
    return err_trace(r);
}

static int key_make_file(const char *path, enum key_type type, struct key **ret_key, struct message *message) {
    struct secret_bytes pem = { 0 };
    struct key *key = NULL;
    int r = key_generate(type, &key);
    if (!r) r = key_write_pem(key, &pem);
    if (!r) r = secret_write_file(path, secret_str(&pem), message);
    secret_release(&pem);
    if (!r) *ret_key = key;
    if (r) key = key_free(key);
    return r > 0 ? SANDBOX_E_INVALID : err_trace(r);
}

int sandbox_pki_key(const struct sandbox *sandbox, const char *relative, enum key_type type, struct key **ret_key,
                    struct message *message) {
    char path[SANDBOX_PATH_BYTES_MAX];
    sandbox_path(sandbox, relative, path);
    return file_exists(path) ? key_load_file(path, ret_key, message) : key_make_file(path, type, ret_key, message);
}

/* The certificate in path; *ret NULL when there is none. */
static int certificate_load(const char *path, struct certificate **ret_certificate, struct message *message) {
    struct arena arena = { 0 };
    struct str pem;
    *ret_certificate = NULL;
    if (!file_exists(path)) return 0;
    int r = arena_init(&arena, CERTIFICATE_PEM_BYTES_MAX, 2 * CERTIFICATE_PEM_BYTES_MAX);
    if (!r) r = file_read_all(path, CERTIFICATE_PEM_BYTES_MAX, &arena, &pem, message);
    if (!r) r = certificate_parse_pem(pem, ret_certificate);
    arena_release(&arena);
    return r > 0 ? refuse_file(path, "not a certificate", message) : err_trace(r);
}

static int certificate_store(const char *path, const struct certificate *certificate, struct message *message) {
    char text[CERTIFICATE_PEM_BYTES_MAX];
    struct buffer out;
    buffer_init(&out, text, sizeof text);
    int r = certificate_write_pem(certificate, &out);
    return r ? err_trace(r) : err_trace(file_write_atomic(path, buffer_str(&out), 0644, message));
}

static bool is_good(const struct certificate *certificate, const struct key *key, int64_t now_ms) {
    return certificate && key_equal_public(certificate->key, key) && certificate->not_before_ms <= now_ms &&
           certificate->not_after_ms > now_ms + SANDBOX_RENEW_DAYS * DAY_MS;
}

int sandbox_pki_certificate(const struct sandbox *sandbox, const struct authority *authority, int64_t now_ms,
                            struct sandbox_certificate *wanted, struct message *message) {
    char path[SANDBOX_PATH_BYTES_MAX];
    struct certificate *certificate = NULL;
    sandbox_path(sandbox, wanted->relative, path);
    int r = certificate_load(path, &certificate, message);
    if (r) return r;
    bool good = is_good(certificate, wanted->key, now_ms);
    certificate = certificate_free(certificate);
    if (good) return 0;
    wanted->request.not_before_ms = now_ms - DAY_MS; /* clocks of other machines */
    wanted->request.not_after_ms = now_ms + SANDBOX_CERTIFICATE_DAYS * DAY_MS;
    r = authority_issue(authority, &wanted->request, wanted->key, &certificate);
    if (!r) r = certificate_store(path, certificate, message);
    certificate = certificate_free(certificate);
    return r > 0 ? err_fold(r) : err_trace(r);
}

/* A CA made now; everything that it vouches for is made anew after it. */
struct ca_files {
    const char *key, *certificate;
    struct str name;
};
static int ca_create(const struct ca_files *files, int64_t now_ms, struct authority **ret_authority,
                     struct message *message) {
    struct authority *authority = NULL;
    struct secret_bytes pem = { 0 };
    struct certificate_request request = { .organization = STR("Giro sandbox"),
                                           .common_name = files->name,
                                           .not_before_ms = now_ms - DAY_MS,
                                           .not_after_ms = now_ms + SANDBOX_CA_DAYS * DAY_MS };
    int r = authority_create(KEY_TYPE_EC_P256, &request, &authority);
    if (!r) r = certificate_store(files->certificate, authority_certificate(authority), message);
    if (!r) r = key_write_pem(authority_key(authority), &pem);
    if (!r) r = secret_write_file(files->key, secret_str(&pem), message); /* last: it says that the CA is whole */
    secret_release(&pem);
    if (!r) *ret_authority = authority;
    if (r) authority = authority_free(authority);
    return r > 0 ? err_fold(r) : err_trace(r);
}

static int ca_open(const struct sandbox *sandbox, const struct ca_files *files, int64_t now_ms,
                   struct authority **ret_authority, struct message *message) {
    char key_path[SANDBOX_PATH_BYTES_MAX], pem_path[SANDBOX_PATH_BYTES_MAX];
    struct certificate *certificate = NULL;
    struct key *key = NULL;
    sandbox_path(sandbox, files->key, key_path);
    sandbox_path(sandbox, files->certificate, pem_path);
    if (!file_exists(key_path)) {
        const struct ca_files paths = { key_path, pem_path, files->name };
        return ca_create(&paths, now_ms, ret_authority, message);
    }
    int r = key_load_file(key_path, &key, message);
    if (!r) r = certificate_load(pem_path, &certificate, message);
    if (!r && !certificate) r = refuse_file(pem_path, "missing beside its key", message);
    if (!r && authority_open(key, certificate, ret_authority))
        r = refuse_file(pem_path, "does not belong to the key beside it", message);
    key = key_free(key);
    certificate = certificate_free(certificate);
    return r;
}

static int server_certificate(const struct sandbox *sandbox, const struct authority *authority, int64_t now_ms,
                              struct message *message) {
    static const struct str dns[] = { STR_INIT("localhost") }, ip[] = { STR_INIT("127.0.0.1"), STR_INIT("::1") };
    struct key *key = NULL;
    int r = sandbox_pki_key(sandbox, "pki/server.key", KEY_TYPE_EC_P256, &key, message);
    if (r) return r;
    struct sandbox_certificate wanted = {
        .relative = "pki/server.pem",
        .key = key,
        .request = { .use = CERTIFICATE_FOR_SERVER,
                     .organization = STR("Giro sandbox"),
                     .common_name = STR("localhost"),
                     .dns_names = dns,
                     .dns_count = ARRAY_COUNT(dns),
                     .ip_addresses = ip,
                     .ip_count = ARRAY_COUNT(ip) },
    };
    r = sandbox_pki_certificate(sandbox, authority, now_ms, &wanted, message);
    key = key_free(key);
    return r;
}

/* Links between nodes trust this certificate and nothing else: no client's, not even the CA's own. */
static int node_certificate(const struct sandbox *sandbox, int64_t now_ms, struct message *message) {
    struct ca_files files = { "pki/node-ca.key", "pki/node-ca.pem", STR("Giro nodes") };
    struct authority *authority = NULL;
    struct key *key = NULL;
    int r = ca_open(sandbox, &files, now_ms, &authority, message);
    if (!r) r = sandbox_pki_key(sandbox, "pki/node.key", KEY_TYPE_EC_P256, &key, message);
    struct sandbox_certificate wanted = {
        .relative = "pki/node.pem",
        .key = key,
        .request = { .use = CERTIFICATE_FOR_CLIENT, /* a node both asks and answers: nobody looks at it */
                     .organization = STR("Giro sandbox"),
                     .common_name = STR("giro node") },
    };
    if (!r) r = sandbox_pki_certificate(sandbox, authority, now_ms, &wanted, message);
    key = key_free(key);
    authority = authority_free(authority);
    return r;
}

int sandbox_pki_open(const struct sandbox *sandbox, int64_t now_ms, struct authority **ret_authority,
                     struct message *message) {
    struct authority *authority = NULL;
    struct key *key = NULL;
    struct ca_files files = { "pki/ca.key", "pki/ca.pem", STR("Giro development CA") };
    int r = ca_open(sandbox, &files, now_ms, &authority, message);
    if (r) return r;
    r = server_certificate(sandbox, authority, now_ms, message);
    if (!r && sandbox->store == BANK_STORE_POSTGRES) r = node_certificate(sandbox, now_ms, message);
    if (!r) r = sandbox_pki_key(sandbox, "pki/bank-signing.key", KEY_TYPE_RSA, &key, message);
    key = key_free(key);
    if (!r) r = sandbox_pki_key(sandbox, "pki/bank-signing.key.next", KEY_TYPE_RSA, &key, message);
    key = key_free(key);
    if (!r) *ret_authority = authority;
    if (r) authority = authority_free(authority);
    return r;
}
