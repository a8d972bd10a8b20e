/* cidr_test.c - c1 to c3: addresses, blocks, and the trie against the plain comparison. */
#include "platform/cidr.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void addresses(void **state) {
    static const struct {
        const char *text;
        int want;
    } rows[] = {
        { "192.0.2.1", 0 },
        { "0.0.0.0", 0 },
        { "255.255.255.255", 0 },
        { "::", 0 },
        { "::1", 0 },
        { "2001:db8::1", 0 },
        { "2001:DB8::1", 0 },
        { "::ffff:192.0.2.1", 0 },
        { "", -EINVAL },
        { "192.0.2", -EINVAL },
        { "192.0.2.256", -EINVAL },
        { "192.0.2.01", -EINVAL },
        { "192.0.2.1 ", -EINVAL },
        { " 192.0.2.1", -EINVAL },
        { "0x7f.0.0.1", -EINVAL },
        { "2001:db8:::1", -EINVAL },
        { "fe80::1%eth0", -EINVAL },
        { "[::1]", -EINVAL },
        { "192.0.2.1:80", -EINVAL },
        { "unix:", -EINVAL },
        { "localhost", -EINVAL },
        { "1111111111111111111111111111111111111111111111111111111111111111", -EINVAL },
    };
    struct address address;
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (address_parse(str_from_c(rows[i].text), &address) != rows[i].want) fail_msg("\"%s\"", rows[i].text);
    assert_int_equal(address_parse(str_from_bytes("1.2.3.4\0", 8), &address), -EINVAL);
}

static bool holds(const char *block, const char *text) {
    struct address address;
    struct cidr cidr;
    struct cidr_set *set;
    assert_int_equal(cidr_parse(str_from_c(block), &cidr), 0);
    assert_int_equal(address_parse(str_from_c(text), &address), 0);
    assert_int_equal(cidr_set_new(&set), 0);
    assert_int_equal(cidr_set_add(set, &cidr), 0);
    bool inside = cidr_contains(&cidr, &address);
    assert_int_equal(cidr_set_contains(set, &address), inside); /* c3 */
    assert_int_equal(cidr_list_contains(str_from_c(block), &address), inside);
    set = cidr_set_free(set);
    char written[CIDR_TEXT_BYTES_MAX];
    struct cidr again;
    assert_int_equal(cidr_parse(cidr_format(&cidr, written), &again), 0);
    assert_true(again.bits == cidr.bits && address_equal(&again.address, &cidr.address));
    return inside;
}

/* spec: gateway/50 */
static void c1_blocks(void **state) {
    static const struct {
        const char *block, *address;
        bool inside;
    } rows[] = {
        { "192.0.2.0/24", "192.0.2.0", true },
        { "192.0.2.0/24", "192.0.2.255", true },
        { "192.0.2.0/24", "192.0.3.0", false },
        { "192.0.2.0/24", "192.0.1.255", false },
        { "192.0.2.7", "192.0.2.7", true },
        { "192.0.2.7", "192.0.2.6", false },
        { "192.0.2.7/32", "192.0.2.7", true },
        { "192.0.2.128/25", "192.0.2.127", false },
        { "192.0.2.128/25", "192.0.2.128", true },
        { "10.0.0.0/7", "11.255.255.255", true },
        { "10.0.0.0/7", "12.0.0.0", false },
        { "0.0.0.0/0", "203.0.113.9", true },
        { "0.0.0.0/0", "::1", false },
        { "::/0", "2001:db8::1", true },
        { "::/0", "203.0.113.9", true },
        { "2001:db8::/32", "2001:db8:ffff::1", true },
        { "2001:db8::/32", "2001:db9::", false },
        { "2001:db8::1", "2001:db8::1", true },
        { "2001:db8::1/128", "2001:db8::2", false },
        { "2001:db8::/33", "2001:db8:8000::", false },
        /* the mapped form is the address itself, both ways */
        { "192.0.2.0/24", "::ffff:192.0.2.9", true },
        { "::ffff:192.0.2.0/120", "192.0.2.9", true },
        { "::ffff:0:0/96", "192.0.2.9", true },
        { "::ffff:0:0/96", "2001:db8::1", false },
        { "192.0.2.0/24", "::192.0.2.9", false }, /* the old compatible form is another address */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (holds(rows[i].block, rows[i].address) != rows[i].inside)
            fail_msg("%s and %s", rows[i].block, rows[i].address);
}

static void c2_no_blocks(void **state) {
    static const char *const rows[] = { "",
                                        "/",
                                        "/24",
                                        "192.0.2.0/",
                                        "192.0.2.0/33",
                                        "192.0.2.0/-1",
                                        "192.0.2.0/024",
                                        "192.0.2.1/24",
                                        "2001:db8::/129",
                                        "2001:db8::1/32",
                                        "192.0.2.0/24/24",
                                        "192.0.2.0 /24",
                                        "any",
                                        "::ffff:192.0.2.1/96" };
    struct cidr cidr;
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
        if (cidr_parse(str_from_c(rows[i]), &cidr) != -EINVAL) fail_msg("\"%s\"", rows[i]);
}

static uint64_t draw(uint64_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    return *seed ^= *seed << 17;
}

static void c3_the_trie_is_the_plain_comparison(void **state) {
    enum { BLOCKS = 500, ASKED = 20000 };
    static struct cidr blocks[BLOCKS];
    struct cidr_set *set;
    uint64_t seed = 88172645463325252u;
    (void)state;
    assert_int_equal(cidr_set_new(&set), 0);
    for (size_t i = 0; i < BLOCKS; i++) {
        char text[64];
        unsigned bits = 4 + (unsigned)(draw(&seed) % 29);
        uint32_t four = (uint32_t)(draw(&seed) >> 20) & ~(bits == 32 ? 0 : UINT32_MAX >> bits);
        (void)snprintf(text, sizeof text, "%u.%u.%u.%u/%u", four >> 24, four >> 16 & 255, four >> 8 & 255, four & 255,
                       bits);
        assert_int_equal(cidr_parse(str_from_c(text), &blocks[i]), 0);
        assert_int_equal(cidr_set_add(set, &blocks[i]), 0);
    }
    for (size_t i = 0; i < ASKED; i++) {
        struct address address = blocks[draw(&seed) % BLOCKS].address; /* near a block's edge */
        bool inside = false;
        address.bytes[12 + draw(&seed) % 4] ^= (uint8_t)(1 << draw(&seed) % 8);
        for (size_t k = 0; k < BLOCKS && !inside; k++) inside = cidr_contains(&blocks[k], &address);
        assert_int_equal(cidr_set_contains(set, &address), inside);
    }
    set = cidr_set_free(set);
    struct address any;
    assert_int_equal(cidr_set_new(&set), 0);
    assert_int_equal(address_parse(STR("192.0.2.1"), &any), 0);
    assert_false(cidr_set_contains(set, &any)); /* an empty set holds nobody */
    set = cidr_set_free(set);
}

static void lists(void **state) {
    struct address address;
    (void)state;
    assert_int_equal(address_parse(STR("192.0.2.9"), &address), 0);
    assert_true(cidr_list_contains(STR("2001:db8::/32 192.0.2.0/24"), &address));
    assert_true(cidr_list_contains(STR("192.0.2.9"), &address));
    assert_false(cidr_list_contains(STR("2001:db8::/32 198.51.100.0/24"), &address));
    assert_false(cidr_list_contains(STR(""), &address));
    assert_false(cidr_list_contains(STR("any *"), &address));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),    cmocka_unit_test(c1_blocks),
        cmocka_unit_test(c2_no_blocks), cmocka_unit_test(c3_the_trie_is_the_plain_comparison),
        cmocka_unit_test(lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
