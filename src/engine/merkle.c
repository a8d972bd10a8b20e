#include "engine/merkle.h"

struct hash merkle_leaf(struct str bytes) {
    struct sha256 sha;
    check(sha256_init(&sha) == 0);
    sha256_begin(&sha);
    sha256_update(&sha, "\0", 1);
    sha256_update(&sha, bytes.at, bytes.len);
    struct hash hash = sha256_end(&sha);
    sha256_release(&sha);
    return hash;
}

static struct hash node(const struct hash *left, const struct hash *right) {
    uint8_t bytes[1 + 2 * sizeof(struct hash)] = { 1 };
    memcpy(bytes + 1, left, sizeof *left);
    memcpy(bytes + 1 + sizeof *left, right, sizeof *right);
    return sha256(bytes, sizeof bytes);
}

void merkle_init(struct merkle *tree) {
    tree->count = 0;
}

void merkle_add(struct merkle *tree, const struct hash *leaf) {
    struct hash hash = *leaf;
    int level = 0;
    for (; tree->count >> level & 1; level++) hash = node(&tree->nodes[level], &hash);
    check(level < MERKLE_LEVELS_MAX);
    tree->nodes[level] = hash;
    tree->count++;
}

struct hash merkle_root(const struct merkle *tree) {
    struct hash root = sha256("", 0);
    bool begun = false;
    for (int level = 0; level < MERKLE_LEVELS_MAX; level++) {
        if (!(tree->count >> level & 1)) continue;
        root = begun ? node(&tree->nodes[level], &root) : tree->nodes[level];
        begun = true;
    }
    return root;
}

static struct hash root_of(const struct hash *leaves, uint64_t count) {
    struct merkle tree;
    merkle_init(&tree);
    for (uint64_t i = 0; i < count; i++) merkle_add(&tree, &leaves[i]);
    return merkle_root(&tree);
}

size_t merkle_path(const struct hash *leaves, uint64_t count, uint64_t index, struct hash path[MERKLE_LEVELS_MAX]) {
    struct hash down[MERKLE_LEVELS_MAX];
    size_t len = 0;
    check(index < count && count >> (MERKLE_LEVELS_MAX - 1) == 0);
    while (count > 1) {
        uint64_t half = 1;
        while (half * 2 < count) half *= 2;
        bool right = index >= half;
        down[len++] = right ? root_of(leaves, half) : root_of(leaves + half, count - half);
        leaves += right ? half : 0;
        index -= right ? half : 0;
        count = right ? count - half : half;
    }
    for (size_t i = 0; i < len; i++) path[i] = down[len - 1 - i];
    return len;
}

/* tidy: parameters because a proof is a leaf, its place and a path to a root. */
bool merkle_path_proves(const struct hash *leaf, uint64_t index, uint64_t count, const struct hash *path,
                        size_t path_len, const struct hash *root) {
    struct hash hash = *leaf;
    if (index >= count) return false;
    uint64_t last = count - 1;
    for (size_t i = 0; i < path_len; i++) {
        if (last == 0) return false;
        if ((index & 1) || index == last) {
            hash = node(&path[i], &hash);
            while (!(index & 1) && index) index >>= 1, last >>= 1;
        } else {
            hash = node(&hash, &path[i]);
        }
        index >>= 1;
        last >>= 1;
    }
    return last == 0 && hash_equal(&hash, root);
}
