/* issuer_config.h - the part of giro.yaml that names authorization servers whose access tokens are taken in place of
 * ours: by their keys (jwks_file or jwks_uri), or by asking them (introspection_endpoint); exactly one of the three.
 *
 *     issuers:
 *       partner:
 *         issuer: "https://login.partner.example"
 *         jwks_uri: "https://login.partner.example/jwks"
 *         audience: "https://localhost:8443"
 */
#ifndef GIRO_APP_ISSUER_CONFIG_H
#define GIRO_APP_ISSUER_CONFIG_H

#include "auth/external_token.h"
#include "platform/config.h"

enum { ISSUER_TEXTS = 14 };
struct issuer_entry {
    struct str name;
    struct str texts[ISSUER_TEXTS]; /* by enum in issuer_config.c */
    int line;
};
struct issuer_config {
    struct issuer_entry entries[EXTERNAL_ISSUERS_MAX];
    size_t count;
};
/* The section "issuers"; config is filled when the file has been read. */
struct config_section issuer_config_section(struct issuer_config *config);
/* Appends a line for "issuers", or for "issuers.KEY" or "issuers.NAME.KEY". How many. */
size_t issuer_config_explain(struct str key, struct buffer *out);
/* Reads the files of keys into ret_issuers[EXTERNAL_ISSUERS_MAX]; issuer_config_close frees their keys. Sets by URL
 * have no cache yet (client_key_source). arena: while issuers are used. 0 or <0 with a sentence. */
int issuer_config_open(const struct issuer_config *config, struct arena *arena, struct external_issuer *ret_issuers,
                       struct message *message);
void issuer_config_close(struct external_issuer *issuers, size_t count);

#endif
