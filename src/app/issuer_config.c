#include "app/issuer_config.h"

#include "platform/file.h"
#include "platform/key.h"
#include "platform/secret.h"

enum {
    ISSUER,
    AUDIENCE,
    CLIENT_CLAIM,
    JWKS_FILE,
    JWKS_URI,
    ENDPOINT,
    CLIENT_ID,
    CERTIFICATE,
    KEY,
    SIGNING_KEY,
    SIGNING_KID,
    CUSTOMER_CLAIM,
    CONSENT_CLAIM,
    SCOPE_CLAIM
};
enum { NEEDED = CLIENT_CLAIM + 1 }; /* those before it must be given, or have a boot value */
static const struct {
    const char *name;
    struct str boot;
    const char *help;
} keys[ISSUER_TEXTS] = {
    [ISSUER] = { "issuer", STR_INIT(""), "who it is: iss must be it, exactly" },
    [AUDIENCE] = { "audience", STR_INIT(""), "what aud must be or hold" },
    [CLIENT_CLAIM] = { "client_claim", STR_INIT("client_id"), "the claim with the client as it is registered here" },
    [JWKS_FILE] = { "jwks_file", STR_INIT(""), "file with the keys of its JWTs" },
    [JWKS_URI] = { "jwks_uri", STR_INIT(""), "where those keys are (https); hosts: auth.issuer_hosts, auth.issuer_ca" },
    [ENDPOINT] = { "introspection_endpoint", STR_INIT(""), "where it is asked about its tokens (https, RFC 7662)" },
    [CLIENT_ID] = { "introspection_client_id", STR_INIT(""), "our client_id there" },
    [CERTIFICATE] = { "introspection_certificate", STR_INIT(""), "PEM file of our certificate for calls there" },
    [KEY] = { "introspection_key", STR_INIT(""), "PEM file of that certificate's key" },
    [SIGNING_KEY] = { "introspection_signing_key", STR_INIT(""),
                      "PEM file, mode 0600, of the key of our assertions there (private_key_jwt); empty: none is "
                      "sent" },
    [SIGNING_KID] = { "introspection_signing_kid", STR_INIT(""), "the kid of that key there" },
    [CUSTOMER_CLAIM] = { "customer_claim", STR_INIT("customer_id"), "the claim with our id of the customer" },
    [CONSENT_CLAIM] = { "consent_claim", STR_INIT("openbanking_intent_id"), "the claim with our id of the consent" },
    [SCOPE_CLAIM] = { "scope_claim", STR_INIT("scope"), "the claim with the scopes" },
};

static const char sample[] =
    "# issuers:   # whose access tokens are taken in place of ours\n"
    "#   partner:   # JWTs (RFC 9068, PS256 or ES256)\n"
    "#     issuer: \"https://login.partner.example\"   # iss, exactly\n"
    "#     jwks_uri: \"https://login.partner.example/jwks\"   # its public keys; or jwks_file\n"
    "#     audience: \"https://localhost:8443\"          # what aud must be or hold\n"
    "#     client_claim: client_id                    # the client as it is registered here\n"
    "#     customer_claim: customer_id                # our id of the customer\n"
    "#     consent_claim: openbanking_intent_id\n"
    "#     scope_claim: scope\n"
    "#   group:   # tokens that only their issuer can judge (RFC 7662)\n"
    "#     issuer: \"https://login.group.example\"\n"
    "#     introspection_endpoint: \"https://api.group.example/introspect\"\n"
    "#     introspection_client_id: giro\n"
    "#     introspection_certificate: group.pem       # of the connection; with introspection_key\n"
    "#     introspection_key: group.key\n"
    "#     introspection_signing_key: group-signing.key   # of our assertions, with introspection_signing_kid\n"
    "#     audience: \"https://localhost:8443\"\n";

static struct issuer_entry *entry_of(struct issuer_config *config, const struct config_value *value,
                                     struct arena *arena, struct config_errors *errors) {
    for (size_t i = 0; i < config->count; i++)
        if (str_equal(config->entries[i].name, value->keys[0])) return &config->entries[i];
    if (config->count == EXTERNAL_ISSUERS_MAX) {
        config_error(errors, value->line, "issuers: more than %d", EXTERNAL_ISSUERS_MAX);
        return NULL;
    }
    struct issuer_entry *entry = &config->entries[config->count++];
    *entry = (struct issuer_entry){ .name = arena_dup(arena, value->keys[0]), .line = value->line };
    for (size_t i = 0; i < ISSUER_TEXTS; i++) entry->texts[i] = keys[i].boot;
    return entry;
}

static void set(void *ctx, const struct config_value *value, struct arena *arena, struct config_errors *errors) {
    if (value->key_count != 2 || value->listed) {
        config_error(errors, value->line, "want issuers.NAME.{issuer, audience, jwks_uri, ...}");
        return;
    }
    struct issuer_entry *entry = entry_of(ctx, value, arena, errors);
    for (size_t i = 0; entry && i < ISSUER_TEXTS; i++) {
        if (!str_equal_c(value->keys[1], keys[i].name)) continue;
        entry->texts[i] = arena_dup(arena, value->text);
        if (!entry->texts[i].at) config_error(errors, value->line, "too much text");
        return;
    }
    if (entry)
        config_error(errors, value->line, "unknown key \"issuers." STR_FMT "." STR_FMT "\"", STR_ARG(value->keys[0]),
                     STR_ARG(value->keys[1]));
}

static bool has(const struct issuer_entry *entry, int text) {
    return entry->texts[text].len > 0;
}

static void judge_endpoint(const struct issuer_entry *entry, struct config_errors *errors) {
    if (!has(entry, CLIENT_ID))
        config_error(errors, entry->line, "an issuer with introspection_endpoint wants introspection_client_id");
    if (has(entry, CERTIFICATE) != has(entry, KEY))
        config_error(errors, entry->line, "introspection_certificate and introspection_key go together");
    if (!has(entry, CERTIFICATE) && !has(entry, SIGNING_KEY))
        config_error(errors, entry->line,
                     "an issuer with introspection_endpoint wants introspection_certificate with introspection_key, "
                     "introspection_signing_key, or both");
}

static void judge(const struct issuer_entry *entry, struct config_errors *errors) {
    for (int i = 0; i < NEEDED; i++)
        if (!has(entry, i)) config_error(errors, entry->line, "an issuer wants %s", keys[i].name);
    if (has(entry, JWKS_FILE) + has(entry, JWKS_URI) + has(entry, ENDPOINT) != 1)
        config_error(errors, entry->line,
                     "an issuer wants one of jwks_file, jwks_uri and introspection_endpoint, and only one");
    for (int i = JWKS_URI; i <= ENDPOINT; i++)
        if (has(entry, i) && !str_starts(entry->texts[i], STR("https://")))
            config_error(errors, entry->line, "%s must be an https URL", keys[i].name);
    if (has(entry, ENDPOINT)) judge_endpoint(entry, errors);
}

static void end(void *ctx, struct config_errors *errors) {
    const struct issuer_config *config = ctx;
    for (size_t i = 0; i < config->count; i++) judge(&config->entries[i], errors);
}

static void print(void *ctx, struct buffer *out) {
    const struct issuer_config *config = ctx;
    for (size_t i = 0; i < config->count; i++) {
        const struct issuer_entry *entry = &config->entries[i];
        buffer_printf(out, "  " STR_FMT ":\n", STR_ARG(entry->name));
        for (int k = 0; k < ISSUER_TEXTS; k++)
            if (has(entry, k) || keys[k].boot.len)
                buffer_printf(out, "    %s: \"" STR_FMT "\"\n", keys[k].name, STR_ARG(entry->texts[k]));
    }
}

size_t issuer_config_explain(struct str key, struct buffer *out) {
    struct str first, last;
    size_t found = 0;
    bool below = str_cut(&key, '.', &first);
    if (!str_equal_c(first, "issuers")) return 0;
    last = key;
    if (below && str_cut(&key, '.', &first)) last = key; /* the name of the issuer may stand between */
    for (size_t i = 0; i < ISSUER_TEXTS; i++) {
        if (below && !str_equal_c(last, keys[i].name)) continue;
        buffer_printf(out, "issuers.NAME.%s: %s; default " STR_FMT "\n", keys[i].name, keys[i].help,
                      STR_ARG(keys[i].boot.len ? keys[i].boot : STR("none")));
        found++;
    }
    return found;
}

struct config_section issuer_config_section(struct issuer_config *config) {
    return (struct config_section){
        .name = "issuers", .set = set, .end = end, .print = print, .sample = sample, .ctx = config
    };
}

/* ---- opening ---- */

static int load_set(struct str file, struct arena *arena, struct client_key_set **ret_set, struct message *message) {
    char path[4096];
    struct str text;
    if (str_to_c(file, path, sizeof path)) {
        message_set(message, "an issuer's jwks_file has too long a path");
        return err_origin(-ENAMETOOLONG);
    }
    int r = file_read_all(path, JWKS_BYTES_MAX, arena, &text, message);
    if (r) return err_trace(r);
    r = client_key_set_parse(text, ret_set, message);
    return r > 0 ? err_origin(-EINVAL) : err_trace(r);
}

static int load_signing_key(const char *path, struct key **ret_key, struct message *message) {
    struct secret_bytes pem;
    struct key *key = NULL;
    int r = secret_load_text(path, KEY_PEM_BYTES_MAX, &pem, message);
    if (r) return r > 0 ? err_origin(-EACCES) : err_trace(r);
    r = key_load_pem(secret_str(&pem), &key);
    secret_release(&pem);
    if (!r && !key_is_private(key)) r = KEY_E_PUBLIC;
    if (r) {
        (void)key_free(key);
        message_set(message, "%s holds no key that can sign, in PEM", path);
        return r > 0 ? err_origin(-EINVAL) : err_trace(r);
    }
    *ret_key = key;
    return 0;
}

static int open_endpoint(const struct issuer_entry *entry, struct arena *arena, struct external_endpoint *endpoint,
                         struct message *message) {
    struct str certificate = arena_dup(arena, entry->texts[CERTIFICATE]), key = arena_dup(arena, entry->texts[KEY]);
    struct str signing_key = arena_dup(arena, entry->texts[SIGNING_KEY]);
    if (!certificate.at || !key.at || !signing_key.at) return err_origin(-ENOMEM);
    *endpoint = (struct external_endpoint){ .url = entry->texts[ENDPOINT],
                                            .client_id = entry->texts[CLIENT_ID],
                                            .certificate = certificate.len ? certificate.at : NULL,
                                            .key = key.len ? key.at : NULL,
                                            .signing_kid = entry->texts[SIGNING_KID] };
    return signing_key.len ? err_trace(load_signing_key(signing_key.at, &endpoint->signing_key, message)) : 0;
}

static int open_one(const struct issuer_entry *entry, struct arena *arena, struct external_issuer *ret_issuer,
                    struct message *message) {
    struct external_issuer issuer = { .issuer = entry->texts[ISSUER],
                                      .audience = entry->texts[AUDIENCE],
                                      .keys = { .jwks_uri = entry->texts[JWKS_URI] },
                                      .client_claim = entry->texts[CLIENT_CLAIM],
                                      .customer_claim = entry->texts[CUSTOMER_CLAIM],
                                      .consent_claim = entry->texts[CONSENT_CLAIM],
                                      .scope_claim = entry->texts[SCOPE_CLAIM] };
    int r = 0;
    if (has(entry, JWKS_FILE)) r = load_set(entry->texts[JWKS_FILE], arena, &issuer.keys.set, message);
    if (!r && has(entry, ENDPOINT)) r = open_endpoint(entry, arena, &issuer.endpoint, message);
    if (r) return err_trace(r); /* only the last step can leave something behind, and it did not */
    *ret_issuer = issuer;
    return 0;
}

int issuer_config_open(const struct issuer_config *config, struct arena *arena, struct external_issuer *ret_issuers,
                       struct message *message) {
    for (size_t i = 0; i < config->count; i++) {
        int r = open_one(&config->entries[i], arena, &ret_issuers[i], message);
        if (!r) continue;
        issuer_config_close(ret_issuers, i);
        return err_trace(r);
    }
    return 0;
}

void issuer_config_close(struct external_issuer *issuers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        issuers[i].keys.set = client_key_set_release(issuers[i].keys.set);
        issuers[i].endpoint.signing_key = key_free(issuers[i].endpoint.signing_key);
    }
}
