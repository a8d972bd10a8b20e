/* certificate_cache.h - what was found out about a client certificate, so that its chain is judged once and not at each
 * request.
 *
 * (V1) An entry is found only under the same header bytes (SHA-256) and the same trust lists (their version), and only
 * between the certificate's notBefore and the first notAfter of its chain. (V2) Only good certificates are kept. (V3)
 * Memory is fixed at birth; the entry that was longest unused of its set makes room. Any thread. */
#ifndef GIRO_GATEWAY_CERTIFICATE_CACHE_H
#define GIRO_GATEWAY_CERTIFICATE_CACHE_H

#include "platform/trust_set.h"

/* As long as in the register of clients; a certificate with longer ones is nobody's. */
enum { CERTIFICATE_IDENTITY_BYTES_MAX = 64, CERTIFICATE_CACHE_MAX = 65536 };

struct certificate_identity {
    struct hash sha256;                  /* x5t#S256 */
    int64_t not_before_ms, not_after_ms; /* not_after_ms: of the chain's certificate that ends first */
    char org_id[CERTIFICATE_IDENTITY_BYTES_MAX], software_id[CERTIFICATE_IDENTITY_BYTES_MAX];
    uint8_t org_id_len, software_id_len;
    bool has_roles;                           /* the certificate has a PSD2 statement */
    unsigned roles;                           /* enum psp_role */
    uint32_t lists;                           /* of the trust lists that it chains to (struct trust_verdict) */
    struct trust_link links[TRUST_CHAIN_MAX]; /* what a list of revoked certificates would name */
    size_t link_count;
};

struct certificate_cache;
/* certificates_max: [64, CERTIFICATE_CACHE_MAX]. 0 or -ENOMEM. */
int certificate_cache_new(size_t certificates_max, struct certificate_cache **ret_cache);
struct certificate_cache *certificate_cache_free(struct certificate_cache *cache);
bool certificate_cache_find(struct certificate_cache *cache, const struct hash *header, const struct hash *trust,
                            int64_t now_ms, struct certificate_identity *ret_identity);
void certificate_cache_put(struct certificate_cache *cache, const struct hash *header, const struct hash *trust,
                           const struct certificate_identity *identity);

#endif
