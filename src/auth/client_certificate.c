#include "auth/client_certificate.h"

#include "auth/auth_int.h"
#include "auth/client_assertion.h"
#include "platform/tls_subject.h"

const char *client_certificate_text(int refusal) {
    switch ((enum client_certificate_refusal)refusal) {
    case CLIENT_CERTIFICATE_E_NONE:
        break;
    case CLIENT_CERTIFICATE_E_OTHER:
        return "the certificate is not one that the client is registered with";
    case CLIENT_CERTIFICATE_E_TIME:
        return "the certificate is not valid now";
    case CLIENT_CERTIFICATE_E_KEYS:
        return "the client has no usable keys";
    case CLIENT_CERTIFICATE_E_BUSY:
        return "the keys of the client cannot be had now";
    }
    return "none";
}

static bool set_has(const struct client_key_set *set, const struct key *key) {
    const struct jwks *keys = client_key_set_keys(set);
    for (size_t i = 0; i < jwks_count(keys); i++)
        if (key_equal_public(jwks_at(keys, i)->key, key)) return true;
    return false;
}

int client_certificate_registered(const struct certificate *certificate, const struct client_key_source *source,
                                  int64_t now_ms) {
    struct client_key_set *set, *newer;
    if (now_ms < certificate->not_before_ms || now_ms >= certificate->not_after_ms) return CLIENT_CERTIFICATE_E_TIME;
    int r = client_keys_take(source, NULL, &set);
    if (r)
        return r < 0 ? err_trace(r) : r == CLIENT_KEYS_E_BUSY ? CLIENT_CERTIFICATE_E_BUSY : CLIENT_CERTIFICATE_E_KEYS;
    bool found = set_has(set, certificate->key);
    if (!found && source->jwks_uri.len && client_keys_take(source, set, &newer) == 0) {
        found = set_has(newer, certificate->key);
        (void)client_key_set_release(newer);
    }
    (void)client_key_set_release(set);
    return found ? 0 : CLIENT_CERTIFICATE_E_OTHER;
}

int client_certificate_judge(const struct auth_request *request, const struct client_view *client) {
    struct client_key_source source = client_key_source_of(request, client);
    struct certificate *certificate;
    check(client->auth == CLIENT_VIEW_TLS || client->auth == CLIENT_VIEW_SELF_SIGNED);
    int r = edge_certificate_parse(request->edge_form, request->edge_certificate, &certificate);
    if (r) return r < 0 ? err_trace(r) : CLIENT_CERTIFICATE_E_OTHER;
    if (client->auth == CLIENT_VIEW_SELF_SIGNED)
        r = client_certificate_registered(certificate, &source, request->auth->options.now_ms());
    else
        r = request->call->certificate_trusted && tls_subject_matches(client->tls_subject, certificate)
                ? 0
                : CLIENT_CERTIFICATE_E_OTHER;
    (void)certificate_free(certificate);
    return r;
}
