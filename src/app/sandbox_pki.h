/* sandbox_pki.h - the development CA under var/pki, and what it vouches for: the edge's certificate, the clients'.
 *
 * Keys and certificates that are there and good for another SANDBOX_RENEW_DAYS stay as they are; a certificate is
 * renewed for the key it had. Private keys are files of mode 0600. */
#ifndef GIRO_APP_SANDBOX_PKI_H
#define GIRO_APP_SANDBOX_PKI_H

#include "app/sandbox.h"
#include "platform/x509.h"

enum { SANDBOX_CA_DAYS = 3650, SANDBOX_CERTIFICATE_DAYS = 397, SANDBOX_RENEW_DAYS = 7 };

/* var/pki/ca.pem and ca.key, server.pem and server.key (localhost, 127.0.0.1, ::1), bank-signing.key. On PostgreSQL
 * also what links between nodes trust, node-ca.pem and node-ca.key, and node.pem and node.key. The caller frees the
 * authority. 0; SANDBOX_E_INVALID (a file there that is no key, no certificate, or readable by others); -errno. */
int sandbox_pki_open(const struct sandbox *sandbox, int64_t now_ms, struct authority **ret_authority,
                     struct message *message) MUST_USE;
/* The private key in var/RELATIVE, made when it is missing. The same results. */
int sandbox_pki_key(const struct sandbox *sandbox, const char *relative, enum key_type type, struct key **ret_key,
                    struct message *message) MUST_USE;
struct sandbox_certificate {
    const char *relative; /* below var */
    const struct key *key;
    struct certificate_request request; /* its times are filled in here */
};
int sandbox_pki_certificate(const struct sandbox *sandbox, const struct authority *authority, int64_t now_ms,
                            struct sandbox_certificate *wanted, struct message *message) MUST_USE;

#endif
