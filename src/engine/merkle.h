/* merkle.h - the hash tree of RFC 9162, section 2.1: a root over many records, and short proofs that one is among them.
 *
 * leaf = SHA-256(0x00 || bytes), node = SHA-256(0x01 || left || right); a tree of n > 1 leaves is split at the largest
 * power of two below n; the root of no leaves is SHA-256 of nothing. Tests: merkle_test.c. */
#ifndef GIRO_ENGINE_MERKLE_H
#define GIRO_ENGINE_MERKLE_H

#include "platform/digest.h"

enum { MERKLE_LEVELS_MAX = 40 };

/* A tree that grows leaf by leaf and keeps one hash a level. */
struct merkle {
    struct hash nodes[MERKLE_LEVELS_MAX]; /* of the levels whose bit is set in count */
    uint64_t count;
};
struct hash merkle_leaf(struct str bytes);
void merkle_init(struct merkle *tree);
void merkle_add(struct merkle *tree, const struct hash *leaf);
struct hash merkle_root(const struct merkle *tree);

/* The path of leaves[index] to the root of all count leaves, from the leaf up; returns its length. check: index <
 * count, count < 2^MERKLE_LEVELS_MAX. */
size_t merkle_path(const struct hash *leaves, uint64_t count, uint64_t index, struct hash path[MERKLE_LEVELS_MAX]);
/* RFC 9162, section 2.1.3.2.
 * tidy: parameters because a proof is a leaf, its place and a path to a root. */
bool merkle_path_proves(const struct hash *leaf, uint64_t index, uint64_t count, const struct hash *path,
                        size_t path_len, const struct hash *root);

#endif
