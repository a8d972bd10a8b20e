#include "platform/cidr.h"

#include <arpa/inet.h>

enum { MAPPED_BITS = 96 };
static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

int address_parse(struct str text, struct address *ret_address) {
    char copy[CIDR_TEXT_BYTES_MAX];
    struct in_addr four;
    struct address address;
    if (text.len == 0 || str_to_c(text, copy, sizeof copy)) return -EINVAL;
    if (inet_pton(AF_INET, copy, &four) == 1) {
        memcpy(address.bytes, mapped, sizeof mapped);
        memcpy(address.bytes + sizeof mapped, &four, sizeof four);
    } else if (inet_pton(AF_INET6, copy, address.bytes) != 1) {
        return -EINVAL;
    }
    *ret_address = address;
    return 0;
}

bool address_equal(const struct address *a, const struct address *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static bool bit_of(const struct address *address, unsigned bit) {
    return address->bytes[bit / 8] >> (7 - bit % 8) & 1;
}

static bool is_four(struct str text) {
    return text.len && !memchr(text.at, ':', text.len);
}

int cidr_parse(struct str text, struct cidr *ret_cidr) {
    struct str prefix = text, address;
    struct cidr cidr;
    uint64_t bits = 0;
    bool has_bits = str_cut(&prefix, '/', &address);
    unsigned offset = is_four(address) ? MAPPED_BITS : 0;
    if (address_parse(address, &cidr.address)) return -EINVAL;
    if (has_bits && (str_to_u64(prefix, &bits) || bits > CIDR_BITS - offset)) return -EINVAL;
    cidr.bits = has_bits ? (uint8_t)(bits + offset) : CIDR_BITS;
    for (unsigned bit = cidr.bits; bit < CIDR_BITS; bit++)
        if (bit_of(&cidr.address, bit)) return -EINVAL; /* (C2) */
    *ret_cidr = cidr;
    return 0;
}

struct str cidr_format(const struct cidr *cidr, char text[CIDR_TEXT_BYTES_MAX]) {
    bool four = cidr->bits >= MAPPED_BITS && memcmp(cidr->address.bytes, mapped, sizeof mapped) == 0;
    const uint8_t *bytes = cidr->address.bytes + (four ? sizeof mapped : 0);
    check(inet_ntop(four ? AF_INET : AF_INET6, bytes, text, CIDR_TEXT_BYTES_MAX) != NULL);
    size_t len = strlen(text);
    int more = snprintf(text + len, CIDR_TEXT_BYTES_MAX - len, "/%u", cidr->bits - (four ? MAPPED_BITS : 0u));
    return str_from_bytes(text, len + (size_t)more); /* 45 + 4 characters at most */
}

bool cidr_contains(const struct cidr *cidr, const struct address *address) {
    unsigned whole = cidr->bits / 8, rest = cidr->bits % 8;
    if (memcmp(cidr->address.bytes, address->bytes, whole) != 0) return false;
    return rest == 0 || (cidr->address.bytes[whole] ^ address->bytes[whole]) >> (8 - rest) == 0;
}

bool cidr_list_contains(struct str list, const struct address *address) {
    struct cidr cidr;
    struct str word;
    bool more = list.len > 0;
    while (more) {
        more = str_cut(&list, ' ', &word);
        if (cidr_parse(word, &cidr) == 0 && cidr_contains(&cidr, address)) return true;
    }
    return false;
}

/* ---- sets ---- */

/* Nodes by number: 0 is the root, and as a child means "none". */
struct node {
    uint32_t child[2];
    bool ends; /* a block ends here: all below is inside */
};
struct cidr_set {
    struct node *nodes;
    size_t count, capacity, blocks;
};

int cidr_set_new(struct cidr_set **ret_set) {
    struct cidr_set *set = calloc(1, sizeof *set);
    if (!set) return err_origin(-ENOMEM);
    set->capacity = 2 * CIDR_BITS;
    set->nodes = calloc(set->capacity, sizeof *set->nodes);
    if (!set->nodes) {
        free(set);
        return err_origin(-ENOMEM);
    }
    set->count = 1;
    *ret_set = set;
    return 0;
}

struct cidr_set *cidr_set_free(struct cidr_set *set) {
    if (set) free(set->nodes);
    free(set);
    return NULL;
}

/* Room for one more block. */
static int reserve(struct cidr_set *set) {
    if (set->count + CIDR_BITS <= set->capacity) return 0;
    struct node *grown = realloc(set->nodes, 2 * set->capacity * sizeof *grown);
    if (!grown) return err_origin(-ENOMEM);
    memset(grown + set->capacity, 0, set->capacity * sizeof *grown);
    set->nodes = grown;
    set->capacity *= 2;
    return 0;
}

int cidr_set_add(struct cidr_set *set, const struct cidr *cidr) {
    uint32_t at = 0;
    if (set->blocks == CIDR_SET_BLOCKS_MAX) return err_origin(-E2BIG);
    int r = reserve(set);
    if (r) return err_trace(r);
    for (unsigned bit = 0; bit < cidr->bits && !set->nodes[at].ends; bit++) {
        uint32_t *child = &set->nodes[at].child[bit_of(&cidr->address, bit)];
        if (*child == 0) *child = (uint32_t)set->count++;
        at = *child;
    }
    set->nodes[at].ends = true;
    set->blocks++;
    return 0;
}

bool cidr_set_contains(const struct cidr_set *set, const struct address *address) {
    uint32_t at = 0;
    for (unsigned bit = 0; bit < CIDR_BITS && !set->nodes[at].ends; bit++) {
        at = set->nodes[at].child[bit_of(address, bit)];
        if (at == 0) return false;
    }
    return set->nodes[at].ends;
}
