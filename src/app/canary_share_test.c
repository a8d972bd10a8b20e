/* The canary's share: its bounds, and what the edge finds. */
#include "app/canary_share.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64], path[128];

static int set_up(void **state) {
    (void)state;
    (void)snprintf(directory, sizeof directory, "/tmp/giro-share-XXXXXX");
    if (!mkdtemp(directory)) return -1;
    (void)snprintf(path, sizeof path, "%s/canary", directory);
    return 0;
}

static int remove_entry(const char *name, const struct stat *info, int type, struct FTW *walk) {
    (void)info;
    (void)type;
    (void)walk;
    return remove(name);
}

static int tear_down(void **state) {
    (void)state;
    return nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

/* spec: gateway/70 */
static void a_weight_has_bounds(void **state) {
    static const struct {
        const char *text;
        bool good;
        uint32_t weight;
    } cases[] = {
        { "0", true, 0 },     { "1", true, 1 },           { "50", true, 50 }, { "100", true, 100 }, { "007", false, 0 },
        { "101", false, 0 },  { "-1", false, 0 },         { "", false, 0 },   { "ten", false, 0 },  { "5%", false, 0 },
        { "1.5", false, 0 },  { " 5", false, 0 },         { "+5", false, 0 }, { "1e1", false, 0 },  { "0x1", false, 0 },
        { "1000", false, 0 }, { "4294967296", false, 0 },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        uint32_t weight = 4711;
        if (canary_weight_parse(cases[i].text, &weight) != cases[i].good) fail_msg("\"%s\"", cases[i].text);
        assert_int_equal(weight, cases[i].good ? cases[i].weight : 4711);
    }
}

/* Whether the edge finds the bucket. */
static bool is_shared(unsigned bucket) {
    char name[192];
    (void)snprintf(name, sizeof name, "%s/%02u", path, bucket);
    return access(name, F_OK) == 0;
}

/* spec: gateway/70 */
static void the_edge_finds_the_share(void **state) {
    static const uint32_t weights[] = { 0, 1, 50, 100, 7, 50, 0, 0 };
    (void)state;
    assert_false(is_shared(0)); /* before the first */
    for (size_t i = 0; i < ARRAY_COUNT(weights); i++) {
        assert_int_equal(canary_share_set(path, weights[i]), 0);
        for (unsigned bucket = 0; bucket < CANARY_WEIGHT_MAX; bucket++)
            if (is_shared(bucket) != (bucket < weights[i])) fail_msg("weight %u, bucket %u", weights[i], bucket);
    }
}

static void a_share_that_cannot_be_set_stays(void **state) {
    char nowhere[192], fresh[192];
    (void)state;
    (void)snprintf(nowhere, sizeof nowhere, "%s/no/canary", directory);
    assert_int_equal(canary_share_set(nowhere, 5), -ENOENT);
    assert_int_equal(canary_share_set(path, 5), 0);
    (void)snprintf(fresh, sizeof fresh, "%s.fresh", path);
    assert_int_equal(mkdir(fresh, 0755), 0); /* in the way of the link */
    assert_true(canary_share_set(path, 50) < 0);
    assert_true(is_shared(4) && !is_shared(5));
    assert_int_equal(rmdir(fresh), 0);
    assert_int_equal(canary_share_set(path, 50), 0);
    assert_true(is_shared(49) && !is_shared(50));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_weight_has_bounds),
        cmocka_unit_test_setup_teardown(the_edge_finds_the_share, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_share_that_cannot_be_set_stays, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("canary_share", tests, NULL, NULL);
}
