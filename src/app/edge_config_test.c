/* The text of the edge's configuration; edge_nginx_test.c runs it. */
#include "app/edge_config.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Both refused and accepted, field by field. */
static void fields_are_checked(void **state) {
    static const struct {
        const char *directory, *socket, *user, *address;
        uint32_t workers;
        int want;
    } cases[] = {
        { "/var/x", "/run/d.sock", NULL, "127.0.0.1", 1, 0 },
        { "/var/x y", "/run/d.sock", "www-data", "[::1]", 64, 0 },
        { "var/x", "/run/d.sock", NULL, "127.0.0.1", 1, EDGE_E_INVALID },
        { "/var/x\"; daemon on", "/run/d.sock", NULL, "127.0.0.1", 1, EDGE_E_INVALID },
        { "/var/$host", "/run/d.sock", NULL, "127.0.0.1", 1, EDGE_E_INVALID },
        { "/var/x\n", "/run/d.sock", NULL, "127.0.0.1", 1, EDGE_E_INVALID },
        { "/var/x",
          "/run/12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678",
          NULL, "127.0.0.1", 1, EDGE_E_INVALID },
        { "/var/x", "/run/d.sock", "a;b", "127.0.0.1", 1, EDGE_E_INVALID },
        { "/var/x", "/run/d.sock", NULL, "127.0.0.1;", 1, EDGE_E_INVALID },
        { "/var/x", "/run/d.sock", NULL, "", 1, EDGE_E_INVALID },
        { "/var/x", "/run/d.sock", NULL, "127.0.0.1", 0, EDGE_E_INVALID },
        { "/var/x", "/run/d.sock", NULL, "127.0.0.1", 65, EDGE_E_INVALID },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct edge_config tried;
        struct message message = { 0 };
        struct buffer out;
        edge_config_init(&tried);
        tried.directory = cases[i].directory;
        tried.daemon_socket = cases[i].socket;
        tried.user = cases[i].user;
        tried.address = cases[i].address;
        tried.workers = cases[i].workers;
        tried.log_prefix = tried.pid_file = tried.server_cert = tried.server_key = "/x";
        buffer_init_heap(&out, EDGE_FILE_BYTES_MAX);
        assert_int_equal(edge_config_main(&tried, &out, &message), cases[i].want);
        assert_true((message.text[0] != 0) == (cases[i].want != 0));
        buffer_release(&out);
    }
}

/* A lint of the text: every location that proxies includes headers.conf, and no header is set anywhere else. */
/* spec: gateway/c2 */
static void every_proxy_includes_the_headers(void **state) {
    struct buffer out;
    struct message message = { 0 };
    size_t includes = 0, proxies = 0;
    (void)state;
    struct edge_config tried;
    edge_config_init(&tried);
    tried.directory = tried.log_prefix = tried.pid_file = tried.daemon_socket = tried.server_cert = tried.server_key =
        "/x";
    buffer_init_heap(&out, EDGE_FILE_BYTES_MAX);
    assert_int_equal(edge_config_main(&tried, &out, &message), 0);
    buffer_append_char(&out, 0);
    for (const char *at = out.at; (at = strstr(at, "/headers.conf\";\n            proxy_pass ")); at++) includes++;
    for (const char *at = out.at; (at = strstr(at, "proxy_pass ")); at++) proxies++;
    assert_true(proxies > 10);
    assert_int_equal(includes, proxies);
    assert_null(strstr(out.at, "proxy_set_header"));
    buffer_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_checked),
        cmocka_unit_test(every_proxy_includes_the_headers),
    };
    return cmocka_run_group_tests_name("edge_config", tests, NULL, NULL);
}
