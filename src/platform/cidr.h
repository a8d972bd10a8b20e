/* cidr.h - addresses and blocks of addresses (CIDR, RFC 4632; RFC 4291 section 2.3), and sets of blocks.
 *
 * (C1) IPv4 and the IPv4-mapped form of IPv6 (::ffff:192.0.2.1) are one address: both are kept as 16 bytes, mapped.
 * (C2) A block's address has no bit set behind its prefix ("10.0.0.1/8" is refused: one of the two is a slip).
 * (C3) A set answers in at most 128 steps, whatever it holds; it is immutable once built, so any thread may ask.
 * Tests: cidr_test.c, c1..c3. */
#ifndef GIRO_PLATFORM_CIDR_H
#define GIRO_PLATFORM_CIDR_H

#include "platform/str.h"

enum { CIDR_BITS = 128, CIDR_TEXT_BYTES_MAX = 64, CIDR_SET_BLOCKS_MAX = 4096 };

struct address {
    uint8_t bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
};
struct cidr {
    struct address address;
    uint8_t bits; /* [0, 128]; of IPv4: 96 more than is written */
};

/* One IPv4 or IPv6 address: dotted decimal without leading zeros, or the forms of RFC 4291 section 2.2 without a zone
 * or brackets. 0 or -EINVAL (no err path). */
int address_parse(struct str text, struct address *ret_address);
bool address_equal(const struct address *a, const struct address *b);
/* "192.0.2.0/24", "2001:db8::/32"; without a prefix: that one address. A mapped block ("::ffff:0:0/96" and longer) is
 * the IPv4 block. 0 or -EINVAL (no err path). */
int cidr_parse(struct str text, struct cidr *ret_cidr);
/* As cidr_parse reads it; IPv4 as IPv4. */
struct str cidr_format(const struct cidr *cidr, char text[CIDR_TEXT_BYTES_MAX]);
bool cidr_contains(const struct cidr *cidr, const struct address *address);
/* A list of blocks between single blanks. True when one of them holds the address; what is no block holds nothing. */
bool cidr_list_contains(struct str list, const struct address *address);

/* Many blocks: a binary trie. */
struct cidr_set;
/* 0 or -ENOMEM. */
int cidr_set_new(struct cidr_set **ret_set);
struct cidr_set *cidr_set_free(struct cidr_set *set); /* takes NULL, returns NULL */
/* 0, -E2BIG (more than CIDR_SET_BLOCKS_MAX), -ENOMEM. */
int cidr_set_add(struct cidr_set *set, const struct cidr *cidr);
bool cidr_set_contains(const struct cidr_set *set, const struct address *address);

#endif
