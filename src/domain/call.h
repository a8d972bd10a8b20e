/* call.h - who calls: the client, token and consent of one request, as the checks have proven them. Filled by the
 * pipeline in order; a field is only read behind the check that sets it. All text is borrowed from the request's arena.
 */
#ifndef GIRO_DOMAIN_CALL_H
#define GIRO_DOMAIN_CALL_H

#include "domain/id.h"
#include "platform/digest.h"

enum { CALL_INTERACTION_BYTES_MAX = 64 };
enum call_listener { CALL_MTLS, CALL_BROWSER };

struct call {
    struct str interaction_id; /* the caller's x-fapi-interaction-id, else a fresh UUID */
    enum call_listener listener;
    struct str remote_address;
    int64_t received_ms;

    bool has_certificate;         /* check_certificate: its chain is verified, or it is registered with the client */
    bool certificate_trusted;     /* its chain is verified */
    struct hash certificate_hash; /* x5t#S256 */
    bool certificate_has_roles;   /* an eIDAS certificate with a PSD2 statement (ETSI TS 119 495) */
    unsigned certificate_roles;   /* with it: enum psp_role of platform/psd2_statement.h */
    bool has_client;              /* the client whose certificate it is, or that authenticated by assertion */
    struct client_id client_id;
    struct str client_name; /* OAuth client_id */
    struct str org_id, software_id, tier;
    int profile, sender; /* enum client_profile, client_sender */
    bool auto_approve;
    bool must_sign;                                  /* its requests to resources (RFC 9421) */
    struct str roles, addresses, directory;          /* of the client, as registered; empty: not limited */
    int64_t requests_per_second, burst, daily_limit; /* in place of its tier's; 0: the tier's */

    bool has_token;                 /* check_token */
    struct customer_id customer_id; /* zero: client credentials */
    struct consent_id consent_id;   /* zero: none */
    struct str scope;
    int64_t granted_ms;    /* when the customer agreed to what the token is for; 0: client credentials */
    bool has_proof_key;    /* the token is bound to a key (DPoP, RFC 9449) instead of a certificate */
    struct hash proof_key; /* its thumbprint (jkt) */
};

bool call_has_scope(const struct call *call, struct str scope);
/* Whether the caller's payment service roles allow this one scope (uk/D3): accounts wants PSP_AI, payments PSP_PI,
 * fundsconfirmations PSP_IC, others nothing. Both the roles in the certificate, when it has a PSD2 statement, and those
 * that the client is registered with, when there are any, must allow it; without either nothing is limited. */
bool call_role_allows(const struct call *call, struct str scope);
/* scope without the words that the roles do not allow, in the arena; .at == NULL when that is full. */
struct arena;
struct str call_roles_limit(const struct call *call, struct str scope, struct arena *arena) MUST_USE;

#endif
