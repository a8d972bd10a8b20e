#include "engine/merkle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct hash leaf_of(uint64_t i) {
    return merkle_leaf(str_from_bytes(&i, sizeof i));
}

/* RFC 9162, section 2.1.1, word by word. */
static struct hash root_by_definition(const struct hash *leaves, uint64_t count) {
    uint8_t bytes[65] = { 1 };
    if (count == 0) return sha256("", 0);
    if (count == 1) return leaves[0];
    uint64_t half = 1;
    while (half * 2 < count) half *= 2;
    struct hash left = root_by_definition(leaves, half), right = root_by_definition(leaves + half, count - half);
    memcpy(bytes + 1, &left, 32);
    memcpy(bytes + 33, &right, 32);
    return sha256(bytes, sizeof bytes);
}

static void test_roots_and_paths(void **state) {
    struct hash leaves[70], path[MERKLE_LEVELS_MAX];
    struct merkle tree;
    (void)state;
    merkle_init(&tree);
    for (uint64_t count = 0; count < ARRAY_COUNT(leaves); count++) {
        struct hash root = merkle_root(&tree), want = root_by_definition(leaves, count);
        assert_true(hash_equal(&root, &want));
        for (uint64_t i = 0; i < count; i++) {
            size_t len = merkle_path(leaves, count, i, path);
            assert_true(merkle_path_proves(&leaves[i], i, count, path, len, &root));
            assert_false(merkle_path_proves(&leaves[i], i + 1, count, path, len, &root));
            assert_false(merkle_path_proves(&leaves[(i + 1) % 70], i, count, path, len, &want) && count > 1);
            if (len) assert_false(merkle_path_proves(&leaves[i], i, count, path, len - 1, &root));
            if (len) path[len - 1].bytes[7] ^= 1;
            if (len) assert_false(merkle_path_proves(&leaves[i], i, count, path, len, &root));
        }
        leaves[count] = leaf_of(count);
        merkle_add(&tree, &leaves[count]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_roots_and_paths) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
