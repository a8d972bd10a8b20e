/* Trust lists by directory: which of them a certificate chains to, what its links are, and the swap. */
#include "platform/trust_set.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "platform/clock.h"

static struct authority *ours, *theirs, *nobodys;
static struct certificate *of_ours, *of_theirs, *of_nobody;
static char folder[32] = "/tmp/giro-trust-XXXXXX", ours_path[64], theirs_path[64];

static struct authority *make_authority(const char *name, char path[64]) {
    struct certificate_request request = { .organization = STR("Test"),
                                           .common_name = str_from_c(name),
                                           .not_before_ms = clock_now_ms() - 1000,
                                           .not_after_ms = clock_now_ms() + 1000000 };
    struct authority *authority;
    char memory[CERTIFICATE_PEM_BYTES_MAX];
    struct buffer pem;
    assert_int_equal(authority_create(KEY_TYPE_EC_P256, &request, &authority), 0);
    if (!path) return authority;
    buffer_init(&pem, memory, sizeof memory);
    assert_int_equal(certificate_write_pem(authority_certificate(authority), &pem), 0);
    (void)snprintf(path, 64, "%s/%s.pem", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(pem.at, 1, pem.len, file), pem.len);
    assert_int_equal(fclose(file), 0);
    return authority;
}

static struct certificate *issue(const struct authority *authority) {
    struct certificate_request request = { .use = CERTIFICATE_FOR_CLIENT,
                                           .organization_id = STR("PSDGB-FCA-1"),
                                           .unit = STR("software"),
                                           .not_before_ms = clock_now_ms() - 1000,
                                           .not_after_ms = clock_now_ms() + 2000000 };
    struct certificate *certificate;
    struct key *key;
    assert_int_equal(key_generate(KEY_TYPE_EC_P256, &key), 0);
    assert_int_equal(authority_issue(authority, &request, key, &certificate), 0);
    key = key_free(key);
    return certificate;
}

static int setup(void **state) {
    (void)state;
    assert_non_null(mkdtemp(folder));
    ours = make_authority("ours", ours_path);
    theirs = make_authority("theirs", theirs_path);
    nobodys = make_authority("nobodys", NULL);
    of_ours = issue(ours);
    of_theirs = issue(theirs);
    of_nobody = issue(nobodys);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    of_ours = certificate_free(of_ours);
    of_theirs = certificate_free(of_theirs);
    of_nobody = certificate_free(of_nobody);
    ours = authority_free(ours);
    theirs = authority_free(theirs);
    nobodys = authority_free(nobodys);
    assert_int_equal(unlink(ours_path) | unlink(theirs_path), 0);
    return rmdir(folder);
}

static struct trust_set *load(const struct trust_source *sources, size_t count) {
    struct trust_set *set = NULL;
    struct message message = { { 0 } };
    if (trust_set_load(sources, count, &set, &message)) fail_msg("%s", message.text);
    return set;
}

/* spec: gateway/2 */
static void lists_are_told_apart(void **state) {
    struct trust_source sources[] = { { .name = "", .paths = { ours_path }, .count = 1 },
                                      { .name = "obie", .paths = { theirs_path }, .count = 1 },
                                      { .name = "both", .paths = { ours_path, theirs_path }, .count = 2 } };
    struct trust_set *set = load(sources, 3);
    struct trust_verdict verdict;
    (void)state;
    uint32_t any = trust_set_bit(set, STR("")), obie = trust_set_bit(set, STR("obie")),
             both = trust_set_bit(set, STR("both"));
    assert_true(any && obie && both);
    assert_int_equal(trust_set_bit(set, STR("obi")), 0);
    assert_int_equal(trust_set_bit(set, STR("obie\0x")), 0);
    assert_int_equal(trust_set_certificates(set), 4);
    assert_int_equal(trust_set_verify(set, of_ours, clock_now_ms(), NULL, &verdict), 0);
    assert_int_equal(verdict.lists, any | both);
    assert_int_equal(verdict.link_count, 1); /* by two lists, the same */
    assert_int_equal(verdict.until_ms / 1000, authority_certificate(ours)->not_after_ms / 1000);
    struct trust_link link = verdict.links[0];
    assert_int_equal(trust_set_verify(set, of_theirs, clock_now_ms(), NULL, &verdict), 0);
    assert_int_equal(verdict.lists, obie | both);
    assert_false(trust_link_equal(&link, &verdict.links[0]));
    assert_int_equal(trust_set_verify(set, of_nobody, clock_now_ms(), NULL, &verdict), TRUST_E_ISSUER);
    assert_int_equal(trust_set_verify(set, of_ours, clock_now_ms() + 3000000, NULL, &verdict), TRUST_E_EXPIRED);
    set = trust_set_free(set);
}

static void a_set_that_cannot_be_used_is_refused(void **state) {
    static const struct trust_source sources[] = { { .name = "gone", .paths = { "/no/such.pem" }, .count = 1 } };
    struct trust_set *set;
    struct message message;
    (void)state;
    assert_int_equal(trust_set_load(sources, 1, &set, &message), TRUST_E_FILE);
    assert_non_null(strstr(message.text, "/no/such.pem"));
    assert_non_null(strstr(message.text, "of the directory gone"));
}

static void sets_are_swapped_under_their_readers(void **state) {
    struct trust_source one = { .name = "", .paths = { ours_path }, .count = 1 },
                        two = { .name = "", .paths = { theirs_path }, .count = 1 };
    struct trust_slot *slot = trust_slot_new();
    struct trust_verdict verdict;
    (void)state;
    assert_non_null(slot);
    assert_null(trust_slot_get(slot));
    trust_slot_put_set_take(slot, load(&one, 1));
    struct trust_set *held = trust_slot_get(slot);
    trust_slot_put_set_take(slot, load(&two, 1));
    assert_int_equal(trust_set_verify(held, of_ours, clock_now_ms(), NULL, &verdict), 0);
    struct trust_set *next = trust_slot_get(slot);
    assert_false(hash_equal(trust_set_version(held), trust_set_version(next)));
    assert_int_equal(trust_set_verify(next, of_ours, clock_now_ms(), NULL, &verdict), TRUST_E_ISSUER);
    held = trust_set_free(held);
    next = trust_set_free(next);
    slot = trust_slot_free(slot);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_told_apart),
        cmocka_unit_test(a_set_that_cannot_be_used_is_refused),
        cmocka_unit_test(sets_are_swapped_under_their_readers),
    };
    return cmocka_run_group_tests_name("trust_set", tests, setup, teardown);
}
