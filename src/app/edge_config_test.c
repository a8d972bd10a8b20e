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

/* ---- deploy/nginx: what a bank's own nginx reads, the same text for other places ---- */

static const char deploy_head[] =
    "# The edge of a production bank: the mTLS API on 8443, the browser pages on 8444. docs/certificates.md tells\n"
    "# what to put where. edge_config.c makes the text (GIRO_WRITE_DEPLOY=1 build-test/edge_config_test) and a\n"
    "# test compares it: change it there, or make a copy your own.\n";

static struct str read_deploy(const char *name, char *memory, size_t bytes_max) {
    char path[64];
    (void)snprintf(path, sizeof path, "deploy/nginx/%s", name);
    FILE *file = fopen(path, "r");
    size_t len = file ? fread(memory, 1, bytes_max, file) : 0;
    if (file) (void)fclose(file); /* only read from */
    return str_from_bytes(memory, len);
}

static void same_as_deployed(const char *name, struct str text) {
    static char memory[EDGE_FILE_BYTES_MAX];
    char path[64];
    (void)snprintf(path, sizeof path, "deploy/nginx/%s", name);
    if (getenv("GIRO_WRITE_DEPLOY")) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(text.at, 1, text.len, file), text.len);
        assert_int_equal(fclose(file), 0);
    }
    if (!str_equal(read_deploy(name, memory, sizeof memory), text)) fail_msg("deploy/nginx/%s is another text", name);
}

static void the_deployed_files_are_these(void **state) {
    struct edge_config config;
    struct message message = { 0 };
    struct buffer out, whole;
    struct str line;
    (void)state;
    edge_config_init(&config);
    config.directory = "/var/lib/giro/nginx";
    config.log_prefix = "/var/log/giro/nginx-";
    config.pid_file = "/run/giro/nginx.pid";
    config.daemon_socket = "/run/giro/giro.sock";
    config.server_cert = "/etc/giro/edge/server.pem";
    config.server_key = "/etc/giro/edge/server.key";
    config.user = "www-data";
    config.address = "0.0.0.0";
    config.workers = 2;
    buffer_init_heap(&out, EDGE_FILE_BYTES_MAX);
    buffer_init_heap(&whole, EDGE_FILE_BYTES_MAX);
    assert_int_equal(edge_config_main(&config, &out, &message), 0);
    struct str rest = buffer_str(&out);
    assert_true(str_cut(&rest, '\n', &line)); /* "written at every start" */
    buffer_append_c(&whole, deploy_head);
    buffer_append_str(&whole, rest);
    same_as_deployed("nginx.conf", buffer_str(&whole));
    buffer_reset(&out);
    edge_config_headers(&out);
    same_as_deployed("headers.conf", buffer_str(&out));
    buffer_reset(&out);
    edge_config_errors(&out);
    same_as_deployed("errors.conf", buffer_str(&out));
    buffer_reset(&out);
    edge_config_firewall(config.firewall_rules, &out);
    same_as_deployed("firewall.conf", buffer_str(&out));
    buffer_release(&out);
    buffer_release(&whole);
}

static bool has(const struct buffer *out, const char *what) {
    size_t at;
    return str_find(buffer_str(out), str_from_c(what), &at);
}

/* spec: gateway/50 */
static void load_balancers_are_named(void **state) {
    static const struct {
        const char *peer;
        int want;
    } cases[] = {
        { "192.0.2.0/24", 0 },
        { "2001:db8::1", 0 },
        { "192.0.2.1/24", EDGE_E_INVALID },
        { "all; daemon on", EDGE_E_INVALID },
        { "", EDGE_E_INVALID },
        { NULL, 0 }, /* none: no PROXY protocol */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct edge_config tried;
        struct message message = { 0 };
        struct buffer out;
        edge_config_init(&tried);
        tried.directory = tried.log_prefix = tried.pid_file = tried.daemon_socket = "/x";
        tried.server_cert = tried.server_key = "/x";
        tried.proxy_peers = &cases[i].peer;
        tried.proxy_peer_count = cases[i].peer ? 1 : 0;
        buffer_init_heap(&out, EDGE_FILE_BYTES_MAX);
        assert_int_equal(edge_config_main(&tried, &out, &message), cases[i].want);
        bool on = cases[i].peer && cases[i].want == 0;
        assert_true(has(&out, "http2 proxy_protocol backlog") == on && has(&out, "set_real_ip_from ") == on);
        assert_true(has(&out, "if ($edge_is_peer = 0)") == on);
        buffer_release(&out);
    }
}

/* (G8) */
/* spec: gateway/70 */
static void a_canary_is_chosen_by_certificate(void **state) {
    static const struct {
        const char *socket, *share;
        int want;
    } cases[] = {
        { NULL, NULL, 0 },
        { "/run/c.sock", "/var/x/canary", 0 },
        { "/run/c.sock", NULL, EDGE_E_INVALID },
        { NULL, "/var/x/canary", EDGE_E_INVALID },
        { "c.sock", "/var/x/canary", EDGE_E_INVALID },
        { "/run/c.sock", "/var/$uri", EDGE_E_INVALID },
        { "/run/c.sock", "/var/x\"; return 200", EDGE_E_INVALID },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct edge_config tried;
        struct message message = { 0 };
        struct buffer out;
        edge_config_init(&tried);
        tried.directory = tried.log_prefix = tried.pid_file = tried.server_cert = tried.server_key = "/x";
        tried.daemon_socket = "/run/live.sock";
        tried.canary_socket = cases[i].socket;
        tried.canary_share = cases[i].share;
        buffer_init_heap(&out, EDGE_FILE_BYTES_MAX);
        assert_int_equal(edge_config_main(&tried, &out, &message), cases[i].want);
        bool on = cases[i].socket && cases[i].want == 0;
        assert_true(has(&out, "server \"unix:/run/c.sock\" max_fails=0;\n"
                              "        server \"unix:/run/live.sock\" max_fails=0 backup;") == on);
        assert_true(has(&out, "split_clients $ssl_client_fingerprint $edge_split {\n        1% 00;\n") == on);
        assert_true(has(&out, "        1% 98;\n        * 99;\n    }") == on);
        assert_true(has(&out, "\"\" none;\n        default $edge_split;") == on); /* no certificate: no bucket */
        assert_true(has(&out, "if (-e \"/var/x/canary/$edge_bucket\") {\n            set $edge_daemon canary;") == on);
        assert_true(has(&out, "proxy_pass http://$edge_daemon;") == on);
        if (cases[i].want == 0) {
            assert_true(has(&out, "proxy_next_upstream error;") == on && has(&out, "proxy_next_upstream off;") != on);
            assert_true(has(&out, "proxy_pass http://daemon;") != on);
        }
        assert_false(has(&out, "non_idempotent"));
        buffer_release(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_checked),
        cmocka_unit_test(load_balancers_are_named),
        cmocka_unit_test(every_proxy_includes_the_headers),
        cmocka_unit_test(a_canary_is_chosen_by_certificate),
        cmocka_unit_test(the_deployed_files_are_these),
    };
    return cmocka_run_group_tests_name("edge_config", tests, NULL, NULL);
}
