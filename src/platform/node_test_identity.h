/* node_test_identity.h - a node of a test: a certificate of its own that is its own trust list. Included by *_test.c
 * only. */
#ifndef GIRO_PLATFORM_NODE_TEST_IDENTITY_H
#define GIRO_PLATFORM_NODE_TEST_IDENTITY_H

#include "platform/clock.h"
#include "platform/node_link.h"
#include "platform/x509.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

static inline void node_test_write(const char *path, struct str text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text.at, 1, text.len, file), text.len);
    assert_int_equal(fclose(file), 0);
}

/* The same certificate for all of a process's nodes, so that they trust one another. */
static inline const struct authority *node_test_authority(void) {
    static struct authority *authority;
    struct certificate_request request = { .use = CERTIFICATE_FOR_SERVER,
                                           .common_name = STR("node"),
                                           .not_before_ms = clock_now_ms() - 60000,
                                           .not_after_ms = clock_now_ms() + INT64_C(86400000) };
    if (!authority) assert_int_equal(authority_create(KEY_TYPE_EC_P256, &request, &authority), 0);
    return authority;
}

static inline struct node_identity *node_test_identity(const char *hello) {
    char folder[] = "/tmp/giro-node-XXXXXX", certificate[64], key[64], memory[CERTIFICATE_PEM_BYTES_MAX];
    const struct authority *authority = node_test_authority();
    struct node_identity *identity;
    struct secret_bytes secret;
    struct buffer pem;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(certificate, sizeof certificate, "%s/node.pem", folder);
    (void)snprintf(key, sizeof key, "%s/node.key", folder);
    buffer_init(&pem, memory, sizeof memory);
    assert_int_equal(certificate_write_pem(authority_certificate(authority), &pem), 0);
    node_test_write(certificate, buffer_str(&pem));
    assert_int_equal(key_write_pem(authority_key(authority), &secret), 0);
    node_test_write(key, secret_str(&secret));
    secret_release(&secret);
    struct node_identity_options options = {
        .certificate = certificate, .key = key, .trust = certificate, .hello = str_from_c(hello)
    };
    assert_int_equal(node_identity_new(&options, &identity, NULL), 0);
    assert_int_equal(unlink(certificate), 0);
    assert_int_equal(unlink(key), 0);
    assert_int_equal(rmdir(folder), 0);
    return identity;
}

#endif
