#include "app/sandbox_clients.h"

#include "platform/clock.h"
#include "platform/encoding.h"
#include "platform/file.h"
#include "wire/jwks.h"

enum { CLIENT_JSON_BYTES_MAX = 8 * 1024 };

#define TPP_SCOPE "openid payments accounts fundsconfirmations"
#define APP_SCOPE "openid payments accounts customers cards"
#define PARTNER_SCOPE "payments accounts customers cards"
#define TPP "open_banking_tpp"

const struct sandbox_client sandbox_clients[] = {
    { "acme-tpp", "Acme Payments", "fapi2", "mtls", TPP, TPP_SCOPE, true, 0, 0 },
    { "beta-tpp", "Beta Pay", "fapi1", "mtls", TPP, TPP_SCOPE, true, 0, 0 },
    { "gamma-tpp", "Gamma Money", "fapi2", "mtls", TPP, TPP_SCOPE, true, 0, 0 },
    { "ms-tpp", "Signed Payments", "fapi2-ms", "mtls", TPP, TPP_SCOPE, true, 0, 0 },
    { "ms2-tpp", "Signed Payments Two", "fapi2-ms", "mtls", TPP, TPP_SCOPE, true, 0, 0 },
    { "dpop-tpp", "Proof Payments", "fapi2", "dpop", TPP, TPP_SCOPE, true, 0, 0 },
    { "beta2-tpp", "Beta Pay Two", "fapi1", "mtls", TPP, TPP_SCOPE, true, 0, 0 },
    { "mobile-app", "Giro Mobile", "fapi2", "mtls", "internal_mobile_app", APP_SCOPE, false, 0, 0 },
    { "embed-partner", "Embed Partner", "fapi2", "mtls", "partner_embedded_finance", PARTNER_SCOPE, false, 2,
      100000000 },
    { "bench-client", "Bench Client", "fapi2", "mtls", "sandbox_unlimited", PARTNER_SCOPE, false, 8, 1000000000000 },
};
const size_t sandbox_client_count = ARRAY_COUNT(sandbox_clients);

const struct sandbox_client *sandbox_client_find(const char *name) {
    for (size_t i = 0; i < sandbox_client_count; i++)
        if (strcmp(sandbox_clients[i].name, name) == 0) return &sandbox_clients[i];
    return NULL;
}

/* len characters of the alphabet from the hash of the name. */
static void derive(const char *name, const char *alphabet, char *text, size_t len) {
    struct hash hash = sha256_str(str_from_c(name));
    size_t letters = strlen(alphabet);
    check(len <= sizeof hash.bytes);
    for (size_t i = 0; i < len; i++) text[i] = alphabet[hash.bytes[i] % letters];
    text[len] = 0;
}

static void derive_ids(const struct sandbox_client *client, struct sandbox_identity *identity) {
    static const char prefix[] = "0015800001";
    memcpy(identity->org_id, prefix, sizeof prefix - 1);
    derive(client->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", identity->org_id + sizeof prefix - 1,
           SANDBOX_ORG_ID_BYTES - (sizeof prefix - 1));
    derive(client->name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", identity->software_id,
           SANDBOX_SOFTWARE_ID_BYTES);
}

static int describe_key(struct key *key, struct sandbox_identity *identity) {
    struct hash thumbprint;
    struct buffer out;
    int r = jwk_thumbprint(key, &thumbprint);
    if (r) return err_trace(r);
    buffer_init(&out, identity->kid, sizeof identity->kid);
    base64url_encode(&out, thumbprint.bytes, sizeof thumbprint.bytes);
    check(out.len == SANDBOX_KID_BYTES);
    identity->kid[out.len] = 0;
    struct jwk jwk = { .kid = buffer_str(&out), .key = key };
    buffer_init(&out, identity->jwks, sizeof identity->jwks - 1);
    r = jwks_write(&out, &jwk, 1);
    if (r || out.overflow) return r ? err_trace(r) : err_origin(-E2BIG);
    identity->jwks[out.len] = 0;
    return 0;
}

/* A client in the making: who it is and who vouches for it. */
struct making {
    const struct sandbox *sandbox;
    const struct sandbox_client *client;
    const struct authority *authority;
    const char *folder; /* of var */
    struct sandbox_identity identity;
};

/* NAME.key and NAME.pem in the client's folder. */
static int make_pair(const struct making *making, const char *name, enum key_type type, struct key **ret_key,
                     struct message *message) {
    char key_file[128], certificate_file[128];
    const struct sandbox_client *client = making->client;
    struct key *key = NULL;
    (void)snprintf(key_file, sizeof key_file, "%s/%s/%s.key", making->folder, client->name, name);
    (void)snprintf(certificate_file, sizeof certificate_file, "%s/%s/%s.pem", making->folder, client->name, name);
    int r = sandbox_pki_key(making->sandbox, key_file, type, &key, message);
    if (r) return r;
    struct sandbox_certificate wanted = {
        .relative = certificate_file,
        .key = key,
        .request = { .use = CERTIFICATE_FOR_CLIENT,
                     .organization = str_from_c(client->display_name),
                     .organization_id = str_from_c(making->identity.org_id),
                     .unit = str_from_c(making->identity.software_id),
                     .common_name = str_from_c(client->name) },
    };
    r = sandbox_pki_certificate(making->sandbox, making->authority, clock_now_ms(), &wanted, message);
    if (!r) *ret_key = key;
    if (r) key = key_free(key);
    return r;
}

/* tidy: parameters because a folder joins those of sandbox_client_make. */
int sandbox_software_make(const struct sandbox *sandbox, const char *folder, const struct sandbox_client *client,
                          const struct authority *authority, struct sandbox_identity *ret_identity,
                          struct message *message) {
    struct making making = { .sandbox = sandbox, .client = client, .authority = authority, .folder = folder };
    char relative[128], path[SANDBOX_PATH_BYTES_MAX];
    struct key *transport = NULL, *signing = NULL;
    (void)snprintf(relative, sizeof relative, "%s/%s", folder, client->name);
    sandbox_path(sandbox, relative, path);
    int r = dir_make(path, 0755, message);
    if (r) return err_trace(r);
    derive_ids(client, &making.identity);
    r = make_pair(&making, "transport", KEY_TYPE_EC_P256, &transport, message);
    if (!r) r = make_pair(&making, "signing", KEY_TYPE_RSA, &signing, message);
    if (!r) r = describe_key(signing, &making.identity);
    if (!r) *ret_identity = making.identity;
    transport = key_free(transport);
    signing = key_free(signing);
    return r < 0 ? err_trace(r) : r;
}

int sandbox_client_make(const struct sandbox *sandbox, const struct sandbox_client *client,
                        const struct authority *authority, struct sandbox_identity *ret_identity,
                        struct message *message) {
    return sandbox_software_make(sandbox, "clients", client, authority, ret_identity, message);
}

void sandbox_client_put(struct json_writer *writer, const struct sandbox_client *client,
                        const struct sandbox_identity *identity) {
    char uri[128];
    json_member_c(writer, "profile", client->profile);
    json_member_c(writer, "sender", client->sender);
    json_member_c(writer, "tier", client->tier);
    json_member_c(writer, "org_id", identity->org_id);
    json_member_c(writer, "software_id", identity->software_id);
    json_member_c(writer, "scope", client->scope);
    json_name(writer, "redirect_uris");
    json_array_begin(writer);
    (void)snprintf(uri, sizeof uri, "https://%s.example/callback", client->name);
    json_put_str(writer, str_from_c(uri));
    json_put_str(writer, STR("https://localhost:9999/callback"));
    json_array_end(writer);
}

int sandbox_client_write(const struct sandbox *sandbox, const struct sandbox_client *client,
                         const struct sandbox_identity *identity,
                         char account_ids[SANDBOX_CLIENT_ACCOUNTS_MAX][SANDBOX_ID_TEXT_BYTES]) {
    char text[CLIENT_JSON_BYTES_MAX], relative[128], path[SANDBOX_PATH_BYTES_MAX], url[64];
    struct buffer out;
    struct json_writer writer;
    buffer_init(&out, text, sizeof text);
    json_begin(&writer, &out);
    json_object_begin(&writer);
    json_member_c(&writer, "client_id", client->name);
    sandbox_client_put(&writer, client, identity);
    json_member_c(&writer, "kid", identity->kid);
    (void)snprintf(url, sizeof url, "https://localhost:%u", sandbox->port_base + 1);
    json_member_c(&writer, "issuer", url);
    (void)snprintf(url, sizeof url, "https://localhost:%u/token", sandbox->port_base);
    json_member_c(&writer, "token_endpoint", url);
    if (client->accounts) {
        json_name(&writer, "account_ids");
        json_array_begin(&writer);
        for (size_t i = 0; i < client->accounts; i++) json_put_str(&writer, str_from_c(account_ids[i]));
        json_array_end(&writer);
    }
    json_object_end(&writer);
    buffer_append_char(&out, '\n');
    if (out.overflow) return err_origin(-E2BIG);
    (void)snprintf(relative, sizeof relative, "clients/%s/client.json", client->name);
    sandbox_path(sandbox, relative, path);
    return err_trace(file_write_atomic(path, buffer_str(&out), 0644, NULL));
}
