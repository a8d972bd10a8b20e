#include "app/sandbox.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/bank_config.h"
#include "app/sandbox_clients.h"
#include "app/sandbox_customers.h"
#include "domain/personal.h"
#include "platform/clock.h"
#include "platform/file.h"

static char folder[64];
static struct sandbox sandbox;

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk) {
    (void)info; /* nftw's signature */
    (void)kind;
    (void)walk;
    return remove(path);
}

/* A var of this process's user; sandbox_claim would leave root for good. */
static int make_var(void **state) {
    static const char *const parts[] = { "", "pki", "clients", "run", "nginx", "log" };
    struct message message;
    char path[SANDBOX_PATH_BYTES_MAX];
    (void)state; /* cmocka's signature */
    (void)snprintf(folder, sizeof folder, "/tmp/giro-sandbox-XXXXXX");
    if (!mkdtemp(folder)) return -1;
    (void)snprintf(path, sizeof path, "%s/var", folder);
    if (sandbox_init(&sandbox, path, &message)) return -1;
    sandbox.port_base = 20443;
    sandbox.core_port = 20500;
    sandbox.sink_port = 20501;
    for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
        sandbox_path(&sandbox, parts[i], path);
        if (dir_make(path, 0755, NULL)) return -1;
    }
    return 0;
}

static int remove_var(void **state) {
    (void)state; /* cmocka's signature */
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static unsigned mode_of(const char *relative) {
    char path[SANDBOX_PATH_BYTES_MAX];
    struct stat info;
    sandbox_path(&sandbox, relative, path);
    assert_int_equal(stat(path, &info), 0);
    return info.st_mode & 0777;
}

static void names_of_var(void **state) {
    (void)state; /* cmocka's signature */
    static char deep[200], too_long[600];
    struct sandbox named;
    struct message message = { .text = "" };
    char socket[SANDBOX_PATH_BYTES_MAX], other[SANDBOX_PATH_BYTES_MAX];
    assert_int_equal(sandbox_init(&named, "/nonexistent/folder/var", &message), SANDBOX_E_INVALID);
    assert_non_null(strstr(message.text, "does not exist"));
    memset(too_long, 'x', sizeof too_long - 1);
    memcpy(too_long, "/tmp/", 5);
    assert_int_equal(sandbox_init(&named, too_long, &message), SANDBOX_E_INVALID);
    assert_int_equal(sandbox_init(&named, "", &message), SANDBOX_E_INVALID);
    assert_int_equal(sandbox_init(&named, "/tmp/v", &message), 0);
    sandbox_socket(&named, "admin.sock", socket);
    assert_string_equal(socket, "/tmp/v/run/admin.sock");
    memset(deep, 'd', sizeof deep - 1);
    memcpy(deep, "/tmp/", 5);
    assert_int_equal(sandbox_init(&named, deep, &message), 0);
    sandbox_socket(&named, "admin.sock", socket);
    assert_true(strlen(socket) <= SANDBOX_SOCKET_BYTES_MAX);
    deep[100] = 'e'; /* another var, another folder */
    assert_int_equal(sandbox_init(&named, deep, &message), 0);
    sandbox_socket(&named, "admin.sock", other);
    assert_string_not_equal(socket, other);
}

static void ports_are_remembered(void **state) {
    (void)state; /* cmocka's signature */
    struct sandbox again = sandbox;
    struct message message = { .text = "" };
    again.port_base = again.core_port = again.sink_port = 0;
    assert_int_equal(sandbox_read_state(&again, &message), SANDBOX_E_ABSENT);
    assert_non_null(strstr(message.text, "there is no sandbox"));
    assert_int_equal(sandbox_write_state(&sandbox, &message), 0);
    assert_int_equal(sandbox_read_state(&again, &message), 0);
    assert_int_equal(again.port_base, 20443);
    assert_int_equal(again.core_port, 20500);
    assert_int_equal(again.sink_port, 20501);
}

/* What sandbox_config.c writes is what bank_config.c reads. */
static void the_configuration_is_accepted(void **state) {
    (void)state; /* cmocka's signature */
    struct message message = { .text = "" };
    char path[SANDBOX_PATH_BYTES_MAX];
    struct bank_config *config = calloc(1, sizeof *config);
    struct config_errors *errors = calloc(1, sizeof *errors);
    assert_true(config && errors);
    if (sandbox_write_config(&sandbox, &message)) fail_msg("%s", message.text);
    sandbox_path(&sandbox, "giro.yaml", path);
    if (bank_config_read(config, path, errors)) fail_msg("%s", errors->messages[0].text);
    assert_true(config->options.sandbox);
    assert_int_equal(config->options.operations_port, 20445);
    assert_int_equal(config->options.core_port, 20500);
    assert_true(str_equal_c(config->options.issuer, "https://localhost:20444"));
    assert_true(str_equal_c(config->options.api_url, "https://localhost:20443"));
    assert_int_equal(config->tier_count, 4);
    assert_int_equal(mode_of("giro.yaml"), 0600);
    bank_config_release(config);
    free(config);
    free(errors);
}

static void customers_keep_their_secrets(void **state) {
    (void)state; /* cmocka's signature */
    struct sandbox_customers first, second;
    struct message message = { .text = "" };
    struct iban iban;
    char path[SANDBOX_PATH_BYTES_MAX];
    assert_int_equal(sandbox_customers_open(&sandbox, &first, &message), 0);
    assert_int_equal(mode_of("customers.json"), 0600);
    (void)snprintf(first.at[2].customer_id, sizeof first.at[2].customer_id, "0190a1b2-0000-7000-8000-000000000001");
    assert_int_equal(sandbox_customers_write(&sandbox, &first, &message), 0);
    assert_int_equal(sandbox_customers_open(&sandbox, &second, &message), 0);
    for (size_t i = 0; i < SANDBOX_CUSTOMERS; i++) {
        assert_string_equal(first.at[i].password, second.at[i].password);
        assert_string_equal(first.at[i].totp_secret, second.at[i].totp_secret);
        assert_string_equal(first.at[i].customer_id, second.at[i].customer_id);
        assert_int_equal(strlen(first.at[i].totp_secret), 32);
        if (i) assert_string_not_equal(first.at[i].password, first.at[0].password);
        for (size_t j = 0; j < SANDBOX_CUSTOMER_ACCOUNTS; j++)
            assert_int_equal(iban_parse(str_from_c(first.at[i].accounts[j].iban), &iban), 0);
    }
    sandbox_path(&sandbox, "customers.json", path);
    assert_int_equal(file_write_atomic(path, STR("[]"), 0600, &message), 0);
    assert_int_equal(sandbox_customers_open(&sandbox, &second, &message), SANDBOX_E_INVALID);
    assert_non_null(strstr(message.text, "is damaged"));
}

static void clients_keep_their_keys(void **state) {
    (void)state; /* cmocka's signature */
    struct sandbox_identity first, second;
    struct authority *authority = NULL;
    struct message message = { .text = "" };
    const struct sandbox_client *acme = sandbox_client_find("acme-tpp"), *beta = sandbox_client_find("beta-tpp");
    assert_null(sandbox_client_find("nobody"));
    if (sandbox_pki_open(&sandbox, clock_now_ms(), &authority, &message)) fail_msg("%s", message.text);
    assert_int_equal(mode_of("pki/ca.key"), 0600);
    assert_int_equal(mode_of("pki/server.key"), 0600);
    assert_int_equal(mode_of("pki/bank-signing.key"), 0600);
    assert_int_equal(sandbox_client_make(&sandbox, acme, authority, &first, &message), 0);
    assert_int_equal(strlen(first.org_id), SANDBOX_ORG_ID_BYTES);
    assert_int_equal(strlen(first.software_id), SANDBOX_SOFTWARE_ID_BYTES);
    assert_int_equal(mode_of("clients/acme-tpp/transport.key"), 0600);
    assert_int_equal(mode_of("clients/acme-tpp/signing.key"), 0600);
    authority = authority_free(authority);
    assert_int_equal(sandbox_pki_open(&sandbox, clock_now_ms(), &authority, &message), 0); /* the second start */
    assert_int_equal(sandbox_client_make(&sandbox, acme, authority, &second, &message), 0);
    assert_memory_equal(&first.kid, &second.kid, sizeof first.kid);
    assert_string_equal(first.jwks, second.jwks);
    assert_int_equal(sandbox_client_make(&sandbox, beta, authority, &second, &message), 0);
    assert_string_not_equal(first.software_id, second.software_id);
    assert_string_not_equal(first.org_id, second.org_id);
    assert_string_not_equal(first.kid, second.kid);
    authority = authority_free(authority);
}

static void a_key_that_others_may_read_is_refused(void **state) {
    (void)state; /* cmocka's signature */
    struct authority *authority = NULL;
    struct message message = { .text = "" };
    char path[SANDBOX_PATH_BYTES_MAX];
    if (sandbox_pki_open(&sandbox, clock_now_ms(), &authority, &message)) fail_msg("%s", message.text);
    authority = authority_free(authority);
    sandbox_path(&sandbox, "pki/ca.key", path);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(sandbox_pki_open(&sandbox, clock_now_ms(), &authority, &message), SANDBOX_E_DENIED);
    assert_non_null(strstr(message.text, "0644"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_var),
        cmocka_unit_test_setup_teardown(ports_are_remembered, make_var, remove_var),
        cmocka_unit_test_setup_teardown(the_configuration_is_accepted, make_var, remove_var),
        cmocka_unit_test_setup_teardown(customers_keep_their_secrets, make_var, remove_var),
        cmocka_unit_test_setup_teardown(clients_keep_their_keys, make_var, remove_var),
        cmocka_unit_test_setup_teardown(a_key_that_others_may_read_is_refused, make_var, remove_var),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
