/* trust_set.h - the trust lists of one configuration: one for every client (trust.clients), and named ones, each of a
 * directory of third parties. A client registered with a directory must show a certificate of that list.
 *
 * Like its lists a set never changes; a new one is put in place of the old by trust_slot_put_set_take while readers
 * finish with what they hold. */
#ifndef GIRO_PLATFORM_TRUST_SET_H
#define GIRO_PLATFORM_TRUST_SET_H

#include "platform/x509.h"

enum { TRUST_LISTS_MAX = 16, TRUST_LIST_NAME_BYTES_MAX = 64, TRUST_LIST_PATHS_MAX = 64, TRUST_CHAIN_MAX = 4 };

struct trust_source {
    const char *name; /* "" for the list of every client */
    const char *paths[TRUST_LIST_PATHS_MAX];
    size_t count;
};

struct trust_set; /* immutable, reference counted, shared by threads */
/* As trust_load, list by list. 0; TRUST_E_FILE with the list, path and reason in message; -ENOMEM. */
int trust_set_load(const struct trust_source *sources, size_t count, struct trust_set **ret_set,
                   struct message *message) MUST_USE;
struct trust_set *trust_set_share(struct trust_set *set);
struct trust_set *trust_set_free(struct trust_set *set); /* one reference less; takes NULL, returns NULL */
const struct hash *trust_set_version(const struct trust_set *set);
size_t trust_set_certificates(const struct trust_set *set); /* of all lists */
/* The bit of a list in a verdict's lists; 0 when there is none of that name. */
uint32_t trust_set_bit(const struct trust_set *set, struct str name);

/* A certificate of a chain, as lists of revoked ones name it: its issuer (SHA-256 over the issuer's name and key) and
 * its serial number. */
enum { TRUST_SERIAL_BYTES_MAX = 20 }; /* RFC 5280 section 4.1.2.2 */
struct trust_link {
    struct hash issuer;
    uint8_t serial[TRUST_SERIAL_BYTES_MAX];
    uint8_t serial_len;
};
bool trust_link_equal(const struct trust_link *a, const struct trust_link *b);

struct trust_verdict {
    uint32_t lists;                           /* bits of the lists that it chains to */
    int64_t until_ms;                         /* it holds until then: the first end in its chains */
    struct trust_link links[TRUST_CHAIN_MAX]; /* the certificate and the CAs above it but for the anchor, each once */
    size_t link_count;
};
/* Judges against every list. 0 when one of them trusts it; else why the first does not: TRUST_E_* but _FILE; -ENOMEM.
 * on_link (may be NULL) is called for each link with the certificate and its issuer, both X509, borrowed. */
struct trust_visit {
    void (*on_link)(void *ctx, const struct trust_link *link, const void *x509, const void *issuer_x509);
    void *ctx;
};
int trust_set_verify(const struct trust_set *set, const struct certificate *certificate, int64_t now_ms,
                     const struct trust_visit *visit, struct trust_verdict *ret_verdict) MUST_USE;

/* Calls visit for every CA certificate of the lists, and how many ms it is good for; the name of its list. */
struct trust_ca {
    const char *list;
    const void *x509;
    struct str common_name; /* of a CA, so not personal; until visit returns */
    int64_t not_after_ms;
};
void trust_set_each(const struct trust_set *set, void (*visit)(void *ctx, const struct trust_ca *ca), void *ctx);

struct trust_slot;                                /* where the current set is kept while it may be swapped */
struct trust_slot *trust_slot_new(void) MUST_USE; /* NULL without memory; empty until put */
struct trust_slot *trust_slot_free(struct trust_slot *slot);
void trust_slot_put_set_take(struct trust_slot *slot, struct trust_set *set);
/* The set that is this one list; 0 or -ENOMEM (the list is freed then). */
int trust_slot_put_take(struct trust_slot *slot, struct trust *trust) MUST_USE;
struct trust_set *trust_slot_get(struct trust_slot *slot); /* a reference of the caller's own, or NULL while empty */

#endif
