/* digest_test.c - comparisons whose time tells nothing. */
#include "platform/digest.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { READ_ALL = 7 };

/* Two pages of the same bytes, the second of which may be taken away. */
static uint8_t *pages_new(size_t page) {
    uint8_t *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pages, MAP_FAILED);
    memset(pages, 'a', 2 * page);
    return pages;
}

static bool compare_ends(const uint8_t *a, const uint8_t *b, size_t len) {
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit none = { 0, 0 };
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)signal(SIGSEGV, SIG_DFL); /* not the test runner's */
        (void)close(STDERR_FILENO);     /* a sanitizer would tell of the fault that is wanted */
        (void)bytes_equal_constant_time(a, b, len);
        _exit(READ_ALL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == READ_ALL;
}

/* The first bytes differ and the last cannot be read: a comparison that looked no further than the difference would
 * come to its end. */
/* spec: gateway/r8 */
static void every_byte_is_compared(void **state) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE), len = page + 16;
    uint8_t *a = pages_new(page), *b = pages_new(page);
    (void)state;
    assert_true(bytes_equal_constant_time(a, b, len));
    for (size_t at = 0; at < len; at += page / 2 - 1) {
        b[at] ^= 1;
        assert_false(bytes_equal_constant_time(a, b, len));
        b[at] ^= 1;
    }
    b[0] = 'b';
    assert_true(compare_ends(a, b, len));
    assert_int_equal(mprotect(b + page, page, PROT_NONE), 0);
    assert_false(compare_ends(a, b, len));
    assert_true(compare_ends(a, b, page)); /* and not one byte more */
    assert_int_equal(munmap(a, 2 * page), 0);
    assert_int_equal(munmap(b, 2 * page), 0);
}

/* spec: gateway/r8 */
static void hashes_are_equal_or_not(void **state) {
    struct hash one = sha256_str(STR("one"));
    (void)state;
    for (size_t i = 0; i < sizeof one.bytes; i++) {
        struct hash other = one;
        assert_true(hash_equal(&one, &other));
        other.bytes[i] ^= 0x80;
        assert_false(hash_equal(&one, &other));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_compared),
        cmocka_unit_test(hashes_are_equal_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
