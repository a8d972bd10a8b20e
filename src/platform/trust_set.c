#include "platform/trust_set.h"

#include "platform/x509_int.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>

struct trust_list {
    char name[TRUST_LIST_NAME_BYTES_MAX + 1];
    struct trust *trust;
};

struct trust_set {
    struct trust_list lists[TRUST_LISTS_MAX];
    size_t count;
    atomic_uint references;
    struct hash version;
};

struct trust_slot {
    pthread_mutex_t lock;
    struct trust_set *set;
};

/* ---- the set ---- */

static int set_version(struct trust_set *set) {
    struct sha256 sha;
    int r = sha256_init(&sha);
    if (r) return err_trace(r);
    sha256_begin(&sha);
    for (size_t i = 0; i < set->count; i++) {
        const struct trust_list *list = &set->lists[i];
        sha256_update(&sha, list->name, sizeof list->name);
        sha256_update(&sha, trust_version(list->trust)->bytes, sizeof set->version.bytes);
    }
    set->version = sha256_end(&sha);
    sha256_release(&sha);
    return 0;
}

static int set_new(struct trust_set **ret_set) {
    struct trust_set *set = calloc(1, sizeof *set);
    if (!set) return err_origin(-ENOMEM);
    atomic_init(&set->references, 1);
    *ret_set = set;
    return 0;
}

/* The list's name in front of what is wrong with it. */
static int list_load(struct trust_list *list, const struct trust_source *source, struct message *message) {
    struct message why = { { 0 } };
    check(strlen(source->name) <= TRUST_LIST_NAME_BYTES_MAX && source->count <= TRUST_LIST_PATHS_MAX);
    (void)snprintf(list->name, sizeof list->name, "%s", source->name);
    int r = trust_load(source->paths, source->count, &list->trust, &why);
    if (r > 0)
        message_set(message, "%.300s%s%s (want files or folders of CA certificates in PEM)", why.text,
                    list->name[0] ? ", of the directory " : "", list->name);
    return r < 0 ? err_trace(r) : r;
}

int trust_set_load(const struct trust_source *sources, size_t count, struct trust_set **ret_set,
                   struct message *message) {
    struct trust_set *set;
    check(count <= TRUST_LISTS_MAX);
    int r = set_new(&set);
    if (r) return err_trace(r);
    for (size_t i = 0; r == 0 && i < count; i++) {
        r = list_load(&set->lists[i], &sources[i], message);
        if (r == 0) set->count++;
    }
    if (r == 0) r = set_version(set);
    if (r == 0) *ret_set = set;
    else (void)trust_set_free(set);
    return r < 0 ? err_trace(r) : r;
}

struct trust_set *trust_set_share(struct trust_set *set) {
    unsigned before = atomic_fetch_add_explicit(&set->references, 1, memory_order_relaxed);
    check(before > 0 && before < UINT32_MAX);
    return set;
}

struct trust_set *trust_set_free(struct trust_set *set) {
    if (!set) return NULL;
    unsigned before = atomic_fetch_sub_explicit(&set->references, 1, memory_order_acq_rel);
    check(before > 0);
    if (before > 1) return NULL;
    for (size_t i = 0; i < set->count; i++) (void)trust_free(set->lists[i].trust);
    free(set);
    return NULL;
}

const struct hash *trust_set_version(const struct trust_set *set) {
    return &set->version;
}

size_t trust_set_certificates(const struct trust_set *set) {
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++) count += trust_count(set->lists[i].trust);
    return count;
}

uint32_t trust_set_bit(const struct trust_set *set, struct str name) {
    for (size_t i = 0; i < set->count; i++)
        if (str_equal_c(name, set->lists[i].name)) return UINT32_C(1) << i;
    return 0;
}

/* ---- a verdict ---- */

struct judging {
    struct trust_verdict verdict;
    const struct trust_visit *visit;
    uint32_t bit;
};

/* SHA-256 over the issuer's name and public key. False without memory. */
bool trust_issuer_hash(const X509 *issuer, struct hash *ret_hash) {
    unsigned char *name = NULL;
    struct sha256 sha;
    const ASN1_BIT_STRING *key = X509_get0_pubkey_bitstr(issuer);
    int len = i2d_X509_NAME(X509_get_subject_name(issuer), &name);
    if (len <= 0 || !key) return false;
    bool good = sha256_init(&sha) == 0;
    if (good) {
        sha256_begin(&sha);
        sha256_update(&sha, name, (size_t)len);
        sha256_update(&sha, ASN1_STRING_get0_data(key), (size_t)ASN1_STRING_length(key));
        *ret_hash = sha256_end(&sha);
        sha256_release(&sha);
    }
    OPENSSL_free(name);
    return good;
}

bool trust_link_of(const X509 *x509, const X509 *issuer, struct trust_link *ret_link) {
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x509);
    int len = ASN1_STRING_length(serial);
    *ret_link = (struct trust_link){ .serial_len = (uint8_t)len };
    if (len < 0 || len > TRUST_SERIAL_BYTES_MAX || !trust_issuer_hash(issuer, &ret_link->issuer)) return false;
    memcpy(ret_link->serial, ASN1_STRING_get0_data(serial), (size_t)len);
    return true;
}

bool trust_link_equal(const struct trust_link *a, const struct trust_link *b) {
    return hash_equal(&a->issuer, &b->issuer) && a->serial_len == b->serial_len &&
           memcmp(a->serial, b->serial, a->serial_len) == 0;
}

static bool add_link(struct judging *judging, const X509 *x509, const X509 *issuer) {
    struct trust_verdict *verdict = &judging->verdict;
    struct trust_link link;
    if (!trust_link_of(x509, issuer, &link)) return false;
    for (size_t i = 0; i < verdict->link_count; i++)
        if (trust_link_equal(&verdict->links[i], &link)) return true; /* by another list */
    if (verdict->link_count == TRUST_CHAIN_MAX) return false;
    verdict->links[verdict->link_count++] = link;
    if (judging->visit) judging->visit->on_link(judging->visit->ctx, &link, x509, issuer);
    return true;
}

static bool accept_chain(void *ctx, const STACK_OF(X509) * chain, int64_t until_ms) {
    struct judging *judging = ctx;
    for (int i = 0; i + 1 < sk_X509_num(chain); i++)
        if (!add_link(judging, sk_X509_value(chain, i), sk_X509_value(chain, i + 1))) return false;
    judging->verdict.lists |= judging->bit;
    if (until_ms < judging->verdict.until_ms) judging->verdict.until_ms = until_ms;
    return true;
}

int trust_set_verify(const struct trust_set *set, const struct certificate *certificate, int64_t now_ms,
                     const struct trust_visit *visit, struct trust_verdict *ret_verdict) {
    struct judging judging = { .verdict = { .until_ms = INT64_MAX }, .visit = visit };
    int first = TRUST_E_ISSUER;
    for (size_t i = 0; i < set->count; i++) {
        struct trust_chain chain = { .accept = accept_chain, .ctx = &judging };
        judging.bit = UINT32_C(1) << i;
        int r = trust_verify_chain(set->lists[i].trust, certificate, now_ms, &chain);
        if (r < 0) return err_trace(r);
        if (r && first == TRUST_E_ISSUER) first = r; /* the list that knows the issuer says more */
    }
    if (!judging.verdict.lists) return first;
    *ret_verdict = judging.verdict;
    return 0;
}

/* ---- what is in the lists ---- */

static struct str common_name(const X509 *x509, char *text, size_t bytes_max) {
    int len = X509_NAME_get_text_by_NID(X509_get_subject_name(x509), NID_commonName, text, (int)bytes_max);
    for (int i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] >= 0x7f) text[i] = '?';
    return str_from_bytes(text, len > 0 ? (size_t)len : 0);
}

void trust_set_each(const struct trust_set *set, void (*visit)(void *ctx, const struct trust_ca *ca), void *ctx) {
    for (size_t i = 0; i < set->count; i++) {
        const STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(trust_store(set->lists[i].trust));
        for (int k = 0; k < sk_X509_OBJECT_num(objects); k++) {
            const X509 *x509 = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, k));
            char name[TRUST_LIST_NAME_BYTES_MAX + 1];
            struct tm end;
            if (!x509 || ASN1_TIME_to_tm(X509_get0_notAfter(x509), &end) != 1) continue;
            struct trust_ca ca = { .list = set->lists[i].name,
                                   .x509 = x509,
                                   .common_name = common_name(x509, name, sizeof name),
                                   .not_after_ms = (int64_t)timegm(&end) * 1000 };
            visit(ctx, &ca);
        }
    }
}

/* ---- the slot ---- */

struct trust_slot *trust_slot_new(void) {
    struct trust_slot *slot = calloc(1, sizeof *slot);
    if (slot) check(pthread_mutex_init(&slot->lock, NULL) == 0);
    return slot;
}

struct trust_slot *trust_slot_free(struct trust_slot *slot) {
    if (!slot) return NULL;
    (void)trust_set_free(slot->set);
    check(pthread_mutex_destroy(&slot->lock) == 0);
    free(slot);
    return NULL;
}

void trust_slot_put_set_take(struct trust_slot *slot, struct trust_set *set) {
    check(pthread_mutex_lock(&slot->lock) == 0);
    struct trust_set *before = slot->set;
    slot->set = set;
    check(pthread_mutex_unlock(&slot->lock) == 0);
    (void)trust_set_free(before); /* readers keep their own references */
}

int trust_slot_put_take(struct trust_slot *slot, struct trust *trust) {
    struct trust_set *set;
    int r = set_new(&set);
    if (r) {
        (void)trust_free(trust);
        return err_trace(r);
    }
    set->lists[0].trust = trust;
    set->count = 1;
    r = set_version(set);
    if (r) {
        (void)trust_set_free(set);
        return err_trace(r);
    }
    trust_slot_put_set_take(slot, set);
    return 0;
}

struct trust_set *trust_slot_get(struct trust_slot *slot) {
    check(pthread_mutex_lock(&slot->lock) == 0);
    struct trust_set *set = slot->set ? trust_set_share(slot->set) : NULL;
    check(pthread_mutex_unlock(&slot->lock) == 0);
    return set;
}
