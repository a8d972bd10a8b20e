#include "app/issuer_config.h"

#include "platform/file.h"

enum { ISSUER, JWKS_FILE, AUDIENCE, CLIENT_CLAIM, CUSTOMER_CLAIM, CONSENT_CLAIM, SCOPE_CLAIM };
static const struct {
    const char *name;
    struct str boot; /* empty: must be given */
} keys[ISSUER_TEXTS] = {
    [ISSUER] = { .name = "issuer" },
    [JWKS_FILE] = { .name = "jwks_file" },
    [AUDIENCE] = { .name = "audience" },
    [CLIENT_CLAIM] = { .name = "client_claim", .boot = STR_INIT("client_id") },
    [CUSTOMER_CLAIM] = { .name = "customer_claim", .boot = STR_INIT("customer_id") },
    [CONSENT_CLAIM] = { .name = "consent_claim", .boot = STR_INIT("openbanking_intent_id") },
    [SCOPE_CLAIM] = { .name = "scope_claim", .boot = STR_INIT("scope") },
};

static const char sample[] =
    "# issuers:   # whose access tokens are taken in place of ours (RFC 9068, PS256 or ES256)\n"
    "#   partner:\n"
    "#     issuer: \"https://login.partner.example\"   # iss, exactly\n"
    "#     jwks_file: partner.jwks.json               # its public keys\n"
    "#     audience: \"https://localhost:8443\"          # what aud must be or hold\n"
    "#     client_claim: client_id                    # the client as it is registered here\n"
    "#     customer_claim: customer_id                # our id of the customer\n"
    "#     consent_claim: openbanking_intent_id\n"
    "#     scope_claim: scope\n";

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
        config_error(errors, value->line, "want issuers.NAME.{issuer, jwks_file, audience, ...}");
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

static void end(void *ctx, struct config_errors *errors) {
    const struct issuer_config *config = ctx;
    for (size_t i = 0; i < config->count; i++)
        for (size_t k = 0; k < ISSUER_TEXTS; k++)
            if (config->entries[i].texts[k].len == 0 && k <= CLIENT_CLAIM)
                config_error(errors, config->entries[i].line, "an issuer wants %s", keys[k].name);
}

static void print(void *ctx, struct buffer *out) {
    const struct issuer_config *config = ctx;
    for (size_t i = 0; i < config->count; i++) {
        buffer_printf(out, "  " STR_FMT ":\n", STR_ARG(config->entries[i].name));
        for (size_t k = 0; k < ISSUER_TEXTS; k++)
            buffer_printf(out, "    %s: \"" STR_FMT "\"\n", keys[k].name, STR_ARG(config->entries[i].texts[k]));
    }
}

struct config_section issuer_config_section(struct issuer_config *config) {
    return (struct config_section){
        .name = "issuers", .set = set, .end = end, .print = print, .sample = sample, .ctx = config
    };
}

static int open_one(const struct issuer_entry *entry, struct arena *arena, struct external_issuer *ret_issuer,
                    struct message *message) {
    char path[4096];
    struct str text;
    struct jwks *jwks;
    if (str_to_c(entry->texts[JWKS_FILE], path, sizeof path)) {
        message_set(message, "an issuer's jwks_file has too long a path");
        return err_origin(-ENAMETOOLONG);
    }
    int r = file_read_all(path, JWKS_BYTES_MAX, arena, &text, message);
    if (r) return err_trace(r);
    r = jwks_parse(text, &jwks, message);
    if (r) return r > 0 ? err_origin(-EINVAL) : err_trace(r);
    *ret_issuer = (struct external_issuer){ .issuer = entry->texts[ISSUER],
                                            .audience = entry->texts[AUDIENCE],
                                            .keys = jwks,
                                            .client_claim = entry->texts[CLIENT_CLAIM],
                                            .customer_claim = entry->texts[CUSTOMER_CLAIM],
                                            .consent_claim = entry->texts[CONSENT_CLAIM],
                                            .scope_claim = entry->texts[SCOPE_CLAIM] };
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
    for (size_t i = 0; i < count; i++) issuers[i].keys = jwks_free(issuers[i].keys);
}
