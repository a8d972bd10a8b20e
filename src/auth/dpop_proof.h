/* dpop_proof.h - a sender proves that it has a key: DPoP (RFC 9449 section 4.3, FAPI R7, 83 to 110), for the endpoints
 * of the authorization server and for resources alike. A pure function: time is an input, and that a jti is new is the
 * caller's to remember: at the authorization server a row in the commit that the proof takes part in
 * (assertion_spend.proof_jti), at resources a memory of the node (gateway/proof_memory.h). */
#ifndef GIRO_AUTH_DPOP_PROOF_H
#define GIRO_AUTH_DPOP_PROOF_H

#include "platform/arena.h"
#include "platform/digest.h"

enum {
    DPOP_AGE_MAX_MS = 120 * 1000,  /* iat at most that old ... */
    DPOP_AHEAD_MAX_MS = 60 * 1000, /* ... and that far ahead, unless a fresh nonce says when it was made (102) */
    DPOP_JTI_BYTES_MAX = 128,
    DPOP_PROOF_BYTES_MAX = 4 * 1024,
};

enum dpop_refusal {
    DPOP_E_NONE,
    DPOP_E_PROOF, /* "invalid_dpop_proof" */
    DPOP_E_NONCE, /* "use_dpop_nonce": good, but without a fresh nonce where one is asked for */
};

struct dpop_rules {
    struct str method, url;       /* of the request; htm and htu must be these (url as target_uri_normal) */
    struct str access_token;      /* at a resource: ath must be its hash; empty: not looked at */
    const struct hash *nonce_key; /* NULL: no nonce is asked for */
    int64_t now_ms;
};
struct dpop_facts {
    struct hash thumbprint; /* of the key (jkt) */
    uint8_t jti_key[16];    /* key and jti together */
    int64_t expires_ms;     /* the proof is refused for its age from then on */
};
/* 0, DPOP_E_* with *ret_text (may be NULL) naming the rule, or <0. 64 KiB of the arena are enough. */
int dpop_proof_judge(struct str proof, const struct dpop_rules *rules, struct arena *arena,
                     struct dpop_facts *ret_facts, const char **ret_text) MUST_USE;

/* The nonce key of an authorization server; NULL when its setting asks for no nonce. */
struct auth;
const struct hash *auth_dpop_nonce_key(const struct auth *auth);

#endif
