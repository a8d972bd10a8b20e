#include "app/sandbox_software.h"

#include "app/sandbox_clients.h"
#include "platform/clock.h"
#include "platform/encoding.h"
#include "platform/file.h"
#include "wire/jose.h"

enum { DOCUMENT_BYTES_MAX = 8 * 1024, KID_BYTES = SANDBOX_KID_BYTES + 1 };

/* ---- the directory ---- */

static int directory_key(const struct sandbox *sandbox, struct key **ret_key, char kid[KID_BYTES],
                         struct message *message) {
    struct hash thumbprint;
    struct buffer out;
    int r = sandbox_pki_key(sandbox, "pki/directory.key", KEY_TYPE_RSA, ret_key, message);
    if (r) return r;
    r = jwk_thumbprint(*ret_key, &thumbprint);
    if (r) {
        *ret_key = key_free(*ret_key);
        return err_fold(r);
    }
    buffer_init(&out, kid, KID_BYTES - 1);
    base64url_encode(&out, thumbprint.bytes, sizeof thumbprint.bytes);
    kid[out.len] = 0;
    return 0;
}

int sandbox_directory_open(const struct sandbox *sandbox, struct message *message) {
    char kid[KID_BYTES], text[SANDBOX_JWKS_BYTES_MAX], path[SANDBOX_PATH_BYTES_MAX];
    struct key *key = NULL;
    struct buffer out;
    int r = directory_key(sandbox, &key, kid, message);
    if (r) return r;
    struct jwk jwk = { .kid = str_from_c(kid), .key = key };
    buffer_init(&out, text, sizeof text);
    r = jwks_write(&out, &jwk, 1);
    if (!r && out.overflow) r = err_origin(-E2BIG);
    sandbox_path(sandbox, "pki/directory.jwks", path);
    if (!r) r = file_write_atomic(path, buffer_str(&out), 0644, message);
    key = key_free(key);
    return r ? err_trace(err_fold(r)) : 0;
}

/* ---- software ---- */

static bool name_fits(const char *name) {
    size_t len = strlen(name);
    if (len == 0 || len > SANDBOX_SOFTWARE_NAME_BYTES_MAX) return false;
    for (size_t i = 0; i < len; i++)
        if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') || (name[i] == '-' && i)))
            return false;
    return true;
}

static bool put_roles(struct json_writer *writer, struct str roles) {
    struct str role;
    bool more = true, good = true;
    json_name(writer, "software_roles");
    json_array_begin(writer);
    while (more && good) {
        more = str_cut(&roles, ',', &role);
        good = str_equal_c(role, "AISP") || str_equal_c(role, "PISP") || str_equal_c(role, "CBPII");
        json_put_str(writer, role);
    }
    json_array_end(writer);
    return good;
}

static void put_redirect_uris(struct json_writer *writer, const char *name, const char *uri) {
    json_name(writer, name);
    json_array_begin(writer);
    json_put_str(writer, str_from_c(uri));
    json_array_end(writer);
}

/* The claims of the statement; false: a role that does not exist. */
static bool put_claims(struct buffer *out, const struct sandbox_software *software,
                       const struct sandbox_identity *identity) {
    struct json_writer writer;
    json_begin(&writer, out);
    json_object_begin(&writer);
    json_member_c(&writer, "iss", SANDBOX_DIRECTORY_ISSUER);
    json_member_i64(&writer, "iat", clock_now_ms() / 1000);
    json_member_c(&writer, "software_id", identity->software_id);
    json_member_c(&writer, "org_id", identity->org_id);
    json_member_c(&writer, "software_client_name", software->name);
    put_redirect_uris(&writer, "software_redirect_uris", software->redirect_uri);
    bool good = put_roles(&writer, str_from_c(software->roles));
    json_member_raw(&writer, "software_jwks", str_from_c(identity->jwks));
    json_object_end(&writer);
    return good;
}

static int write_statement(const struct sandbox *sandbox, const struct sandbox_software *software,
                           const struct sandbox_identity *identity, struct message *message) {
    char claims[DOCUMENT_BYTES_MAX], token[JOSE_TOKEN_BYTES_MAX], kid[KID_BYTES], relative[128];
    char path[SANDBOX_PATH_BYTES_MAX];
    struct key *key = NULL;
    struct buffer payload, out;
    buffer_init(&payload, claims, sizeof claims);
    buffer_init(&out, token, sizeof token);
    if (!put_claims(&payload, software, identity)) {
        message_set(message, "roles are AISP, PISP and CBPII, separated by commas");
        return SANDBOX_E_INVALID;
    }
    int r = directory_key(sandbox, &key, kid, message);
    if (r) return r;
    struct jws_header header = { .kid = str_from_c(kid), .typ = STR("JWT") };
    r = payload.overflow ? err_origin(-E2BIG) : jws_sign(key, &header, buffer_str(&payload), &out);
    key = key_free(key);
    (void)snprintf(relative, sizeof relative, "software/%s/statement.jwt", software->name);
    sandbox_path(sandbox, relative, path);
    return r ? err_trace(err_fold(r)) : err_trace(file_write_atomic(path, buffer_str(&out), 0644, message));
}

static int write_document(const struct sandbox *sandbox, const struct sandbox_software *software,
                          const struct sandbox_identity *identity, struct message *message) {
    char text[DOCUMENT_BYTES_MAX], url[96], relative[128], path[SANDBOX_PATH_BYTES_MAX];
    struct json_writer writer;
    struct buffer out;
    buffer_init(&out, text, sizeof text);
    json_begin(&writer, &out);
    json_object_begin(&writer);
    json_member_c(&writer, "software_id", identity->software_id);
    json_member_c(&writer, "org_id", identity->org_id);
    json_member_c(&writer, "kid", identity->kid);
    put_redirect_uris(&writer, "redirect_uris", software->redirect_uri);
    (void)snprintf(url, sizeof url, "https://localhost:%u/register", sandbox->port_base);
    json_member_c(&writer, "registration_endpoint", url);
    (void)snprintf(url, sizeof url, "https://localhost:%u", sandbox->port_base + 1);
    json_member_c(&writer, "issuer", url);
    json_object_end(&writer);
    buffer_append_char(&out, '\n');
    if (out.overflow) return err_origin(-E2BIG);
    (void)snprintf(relative, sizeof relative, "software/%s/software.json", software->name);
    sandbox_path(sandbox, relative, path);
    return err_trace(file_write_atomic(path, buffer_str(&out), 0644, message));
}

int sandbox_software_issue(const struct sandbox *sandbox, const struct sandbox_software *software,
                           struct message *message) {
    struct sandbox_client client = { .name = software->name, .display_name = software->name };
    struct sandbox_identity identity;
    struct authority *authority = NULL;
    char path[SANDBOX_PATH_BYTES_MAX];
    if (!name_fits(software->name)) {
        message_set(message, "a name is made of small letters, digits and '-', at most %d",
                    SANDBOX_SOFTWARE_NAME_BYTES_MAX);
        return SANDBOX_E_INVALID;
    }
    if (sandbox_client_find(software->name)) {
        message_set(message, "%s is a client of the sandbox already", software->name);
        return SANDBOX_E_INVALID;
    }
    sandbox_path(sandbox, "software", path);
    int r = dir_make(path, 0755, message);
    if (r) return err_trace(r);
    r = sandbox_pki_open(sandbox, clock_now_ms(), &authority, message);
    if (r) return r;
    r = sandbox_software_make(sandbox, "software", &client, authority, &identity, message);
    authority = authority_free(authority);
    if (!r) r = write_statement(sandbox, software, &identity, message);
    return r ? r : write_document(sandbox, software, &identity, message);
}
