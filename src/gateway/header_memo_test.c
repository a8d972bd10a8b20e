/* header_memo_test.c - the memo gives the header's own hash, whatever came before. */
#include "gateway/header_memo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void expect_own_hash(struct header_memo *memo, struct str header) {
    struct hash want = sha256_str(header), got = header_memo_hash(memo, header);
    assert_true(hash_equal(&want, &got));
}

static void every_header_has_its_own_hash(void **state) {
    static char text[HEADER_MEMO_BYTES_MAX + 1];
    static const size_t lengths[] = {
        0, 1, 28, 29, 2600, HEADER_MEMO_BYTES_MAX - 1, HEADER_MEMO_BYTES_MAX, HEADER_MEMO_BYTES_MAX + 1
    };
    struct header_memo *memo = header_memo_new();
    (void)state;
    assert_non_null(memo);
    memset(text, 'a', sizeof text);
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < ARRAY_COUNT(lengths); i++) expect_own_hash(memo, str_from_bytes(text, lengths[i]));
    struct str header = str_from_bytes(text, 2600);
    for (size_t at = 0; at < header.len; at++) { /* each byte counts, also those that choose no place */
        text[at] = 'b';
        expect_own_hash(memo, header);
        expect_own_hash(memo, header);
        text[at] = 'a';
        expect_own_hash(memo, header);
    }
    memo = header_memo_free(memo);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_header_has_its_own_hash) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
