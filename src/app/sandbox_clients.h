/* sandbox_clients.h - the sample clients of the sandbox: var/clients/NAME/ with keys, certificates and client.json.
 *
 * Organisation and software ids are derived from the name, so that they are the same in every sandbox. */
#ifndef GIRO_APP_SANDBOX_CLIENTS_H
#define GIRO_APP_SANDBOX_CLIENTS_H

#include "app/sandbox_pki.h"
#include "platform/buffer.h"
#include "wire/json.h"

enum {
    SANDBOX_ORG_ID_BYTES = 18,
    SANDBOX_SOFTWARE_ID_BYTES = 22,
    SANDBOX_KID_BYTES = 43, /* base64url of SHA-256 */
    SANDBOX_JWKS_BYTES_MAX = 2048,
    SANDBOX_CLIENT_ACCOUNTS_MAX = 8,
    SANDBOX_ID_TEXT_BYTES = 37,
};

struct sandbox_client {
    const char *name, *display_name, *profile, *sender, *tier, *scope;
    bool auto_approve;
    size_t accounts;    /* GBP accounts of its own */
    int64_t fund_minor; /* in each of them at the start */
};
extern const struct sandbox_client sandbox_clients[];
extern const size_t sandbox_client_count;
const struct sandbox_client *sandbox_client_find(const char *name); /* NULL when there is none */

struct sandbox_identity {
    char org_id[SANDBOX_ORG_ID_BYTES + 1], software_id[SANDBOX_SOFTWARE_ID_BYTES + 1], kid[SANDBOX_KID_BYTES + 1];
    char jwks[SANDBOX_JWKS_BYTES_MAX];
};
/* The client's folder, keys and certificates; makes what is missing. Results as sandbox_pki_key. */
int sandbox_client_make(const struct sandbox *sandbox, const struct sandbox_client *client,
                        const struct authority *authority, struct sandbox_identity *ret_identity,
                        struct message *message) MUST_USE;
/* The same in the folder `folder` of var ("clients" above), for software that is not registered yet.
 * tidy: parameters because a folder joins those of sandbox_client_make. */
int sandbox_software_make(const struct sandbox *sandbox, const char *folder, const struct sandbox_client *client,
                          const struct authority *authority, struct sandbox_identity *ret_identity,
                          struct message *message) MUST_USE;
/* The members that client.json and the registration share: redirect_uris as an array, and the rest. */
void sandbox_client_put(struct json_writer *writer, const struct sandbox_client *client,
                        const struct sandbox_identity *identity);
/* client.json; account_ids is left out when the client has no account of its own. 0 or -errno. */
int sandbox_client_write(const struct sandbox *sandbox, const struct sandbox_client *client,
                         const struct sandbox_identity *identity,
                         char account_ids[SANDBOX_CLIENT_ACCOUNTS_MAX][SANDBOX_ID_TEXT_BYTES]) MUST_USE;

#endif
