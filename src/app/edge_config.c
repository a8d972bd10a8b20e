#include "app/edge_config.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "platform/cidr.h"

enum {
    WORKERS_MAX = 64,
    CONNECTIONS_MIN = 64,
    CONNECTIONS_MAX = 65536,
    DEADLINE_MS_MAX = 120000,
    DEADLINE_MARGIN_MS = 5000, /* the edge waits this much longer than the daemon's own deadline */
    RATE_MAX = 100000,
    PORT_MIN = 1,
};

/* Set by edge_config_write, used by the pid's owner; the five paths that nginx would otherwise put under /var/lib. */
static const char *const temporary_folders[] = { "client_body", "proxy", "fastcgi", "uwsgi", "scgi" };

/* Names are those of the contract and design; prefixes of the decoded path, the longest that fits decides. */
static const struct edge_route routes_default[] = {
    { "/v1/", EDGE_PROBLEM, EDGE_BODY_BYTES_DEFAULT },
    { "/open-banking/", EDGE_OB4, EDGE_BODY_BYTES_DEFAULT },
    { "/open-banking/v3.1/", EDGE_OB3, EDGE_BODY_BYTES_DEFAULT },
    { "/token", EDGE_OAUTH, EDGE_BODY_BYTES_DEFAULT },
    { "/par", EDGE_OAUTH, EDGE_BODY_BYTES_DEFAULT },
    { "/introspect", EDGE_OAUTH, EDGE_BODY_BYTES_DEFAULT },
    { "/revoke", EDGE_OAUTH, EDGE_BODY_BYTES_DEFAULT },
    { "/register", EDGE_OAUTH, EDGE_BODY_BYTES_DEFAULT },
    { "/jwks", EDGE_OAUTH, EDGE_BODY_BYTES_DEFAULT },
    { "/.well-known/", EDGE_PROBLEM, EDGE_BODY_BYTES_DEFAULT },
};

void edge_config_init(struct edge_config *config) {
    *config = (struct edge_config){
        .address = "127.0.0.1",
        .mtls_port = 8443,
        .browser_port = 8444,
        .workers = 1,
        .connections = 4096,
        .daemon_deadline_ms = 15000,
        .browser_requests_per_second = 50,
        .browser_burst = 100,
        .browser_connections = 64,
        .mtls_requests = 512,
        .firewall_module = EDGE_FIREWALL_MODULE,
        .firewall_rules = EDGE_FIREWALL_RULES,
        .routes = routes_default,
        .route_count = ARRAY_COUNT(routes_default),
    };
}

/* ---- what may stand in the files: nothing that nginx would interpret ---- */

static bool only_chars(const char *text, const char *extra) {
    for (const char *at = text; *at; at++) {
        bool is_plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9');
        if (!is_plain && !strchr(extra, *at) && (unsigned char)*at < 0x80) return false;
    }
    return true;
}

static int refuse_field(struct message *message, const char *field, const char *why) {
    message_set(message, "edge: %s: %s", field, why);
    return EDGE_E_INVALID;
}

static int check_path(const char *field, const char *path, size_t bytes_max, struct message *message) {
    if (!path || path[0] != '/') return refuse_field(message, field, "an absolute path is needed");
    if (strlen(path) > bytes_max) return refuse_field(message, field, "the path is too long");
    if (!only_chars(path, "/._-+@=,~ "))
        return refuse_field(message, field, "the path holds a character that nginx reads");
    return 0;
}

static int check_range(const char *field, uint32_t value, uint32_t min, uint32_t max, struct message *message) {
    char why[64];
    if (value >= min && value <= max) return 0;
    (void)snprintf(why, sizeof why, "%u is outside %u to %u", value, min, max);
    return refuse_field(message, field, why);
}

static int check_numbers(const struct edge_config *config, struct message *message) {
    const struct {
        const char *field;
        uint32_t value, min, max;
    } rows[] = {
        { "mtls_port", config->mtls_port, PORT_MIN, UINT16_MAX },
        { "browser_port", config->browser_port, PORT_MIN, UINT16_MAX },
        { "workers", config->workers, 1, WORKERS_MAX },
        { "connections", config->connections, CONNECTIONS_MIN, CONNECTIONS_MAX },
        { "daemon_deadline_ms", config->daemon_deadline_ms, 1, DEADLINE_MS_MAX },
        { "browser_requests_per_second", config->browser_requests_per_second, 1, RATE_MAX },
        { "browser_burst", config->browser_burst, 1, RATE_MAX },
        { "browser_connections", config->browser_connections, 1, RATE_MAX },
        { "mtls_requests", config->mtls_requests, 1, RATE_MAX },
        { "route_count", (uint32_t)config->route_count, 0, EDGE_ROUTES_MAX },
    };
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        int r = check_range(rows[i].field, rows[i].value, rows[i].min, rows[i].max, message);
        if (r) return r;
    }
    if (config->mtls_port == config->browser_port) return refuse_field(message, "browser_port", "is the mTLS port too");
    for (size_t i = 0; i < config->route_count; i++) {
        const struct edge_route *route = &config->routes[i];
        if (route->prefix[0] != '/' || !only_chars(route->prefix, "/._-") ||
            strlen(route->prefix) > EDGE_PATH_BYTES_MAX)
            return refuse_field(message, "route", "a prefix begins with '/' and holds letters, digits and /._-");
        int r = check_range(route->prefix, route->body_bytes_max, 1, EDGE_BODY_BYTES_MAX, message);
        if (r) return r;
    }
    return 0;
}

static int check_peers(const struct edge_config *config, struct message *message) {
    struct cidr cidr;
    int r = check_range("proxy_peer_count", (uint32_t)config->proxy_peer_count, 0, EDGE_PEERS_MAX, message);
    for (size_t i = 0; !r && i < config->proxy_peer_count; i++)
        if (cidr_parse(str_from_c(config->proxy_peers[i]), &cidr))
            r = refuse_field(message, "proxy_peers", "want IPv4 or IPv6 addresses or blocks");
    return r;
}

static int check_config(const struct edge_config *config, struct message *message) {
    const struct {
        const char *field, *path;
        size_t bytes_max;
    } paths[] = {
        { "directory", config->directory, EDGE_PATH_BYTES_MAX },
        { "log_prefix", config->log_prefix, EDGE_PATH_BYTES_MAX },
        { "pid_file", config->pid_file, EDGE_PATH_BYTES_MAX },
        { "daemon_socket", config->daemon_socket, EDGE_SOCKET_BYTES_MAX },
        { "canary_socket", config->canary_share ? config->canary_socket : "/", EDGE_SOCKET_BYTES_MAX },
        { "canary_share", config->canary_socket ? config->canary_share : "/", EDGE_PATH_BYTES_MAX },
        { "server_cert", config->server_cert, EDGE_PATH_BYTES_MAX },
        { "server_key", config->server_key, EDGE_PATH_BYTES_MAX },
        { "static_root", config->static_root ? config->static_root : "/", EDGE_PATH_BYTES_MAX },
        { "firewall_module", config->firewall_module ? config->firewall_module : "/", EDGE_PATH_BYTES_MAX },
        { "firewall_rules", config->firewall_module ? config->firewall_rules : "/", EDGE_PATH_BYTES_MAX },
    };
    for (size_t i = 0; i < ARRAY_COUNT(paths); i++) {
        int r = check_path(paths[i].field, paths[i].path, paths[i].bytes_max, message);
        if (r) return r;
    }
    if (config->user && (!config->user[0] || !only_chars(config->user, "_-")))
        return refuse_field(message, "user", "no name of a user");
    if (!config->address || !config->address[0] || !only_chars(config->address, ".:[]"))
        return refuse_field(message, "address", "an IPv4 address or [IPv6] is needed");
    int r = check_peers(config, message);
    return r ? r : check_numbers(config, message);
}

/* ---- nginx.conf ---- */

static void write_process(const struct edge_config *config, struct buffer *out) {
    buffer_append_c(out, "# Written by giro at every start; changes are lost.\n"
                         "daemon off;\n"
                         "worker_shutdown_timeout 60s;\n"
                         "pcre_jit on;\n");
    if (config->firewall_module) buffer_printf(out, "load_module \"%s\";\n", config->firewall_module);
    if (config->user) buffer_printf(out, "user %s;\n", config->user);
    buffer_printf(out, "worker_processes %u;\nworker_rlimit_nofile %u;\n", config->workers,
                  2 * config->connections + 64);
    buffer_printf(out, "pid \"%s\";\nerror_log \"%serror.log\" notice;\n", config->pid_file, config->log_prefix);
    buffer_printf(out, "events {\n    worker_connections %u;\n}\n", config->connections);
}

/* The error log of http stays at "alert": from "crit" down nginx writes the request line, query and all, into it (G3).
 */
static void write_logs(const struct edge_config *config, struct buffer *out) {
    buffer_printf(out, "    error_log \"%serror.log\" alert;\n", config->log_prefix);
    buffer_append_c(
        out,
        "    log_format edge escape=json '{\"time\":\"$time_iso8601\",\"listener\":\"$edge_listener\",'\n"
        "        '\"request_id\":\"$request_id\",\"interaction_id\":\"$edge_interaction_id\",'\n"
        "        '\"client_address\":\"$remote_addr\",\"method\":\"$request_method\",\"path\":\"$edge_path\",'\n"
        "        '\"status\":$status,\"bytes_in\":$request_length,\"bytes_out\":$bytes_sent,'\n"
        "        '\"seconds\":$request_time,\"daemon\":\"$upstream_addr\",\"daemon_status\":\"$upstream_status\",'\n"
        "        '\"daemon_seconds\":\"$upstream_response_time\",\"tls\":\"$ssl_protocol\",'\n"
        "        '\"cipher\":\"$ssl_cipher\",\"body_on_disk\":$edge_body_on_disk}';\n");
    buffer_printf(out, "    access_log \"%saccess.log\" edge;\n", config->log_prefix);
}

static void write_limits(const struct edge_config *config, struct buffer *out) {
    for (size_t i = 0; i < ARRAY_COUNT(temporary_folders); i++)
        buffer_printf(out, "    %s_temp_path \"%s/%s\";\n", temporary_folders[i], config->directory,
                      temporary_folders[i]);
    buffer_append_c(out, "    server_tokens off;\n"
                         "    ignore_invalid_headers on;\n"
                         "    underscores_in_headers off;\n"
                         "    client_header_buffer_size 4k;\n"
                         "    large_client_header_buffers 2 16k;\n"
                         "    client_header_timeout 10s;\n"
                         "    client_body_timeout 15s;\n"
                         "    send_timeout 15s;\n"
                         "    keepalive_timeout 65s;\n"
                         "    keepalive_requests 1000;\n"
                         "    reset_timedout_connection on;\n"
                         "    http2_max_concurrent_streams 64;\n"
                         "    gzip off;\n"
                         "    etag off;\n"
                         "    default_type application/octet-stream;\n"
                         "    map_hash_bucket_size 128;\n"
                         "    proxy_headers_hash_max_size 2048;\n"
                         "    proxy_headers_hash_bucket_size 128;\n");
    buffer_printf(out, "    limit_req_zone $binary_remote_addr zone=browser_rate:4m rate=%ur/s;\n",
                  config->browser_requests_per_second);
    buffer_append_c(out, "    limit_conn_zone $binary_remote_addr zone=browser_connections:4m;\n"
                         "    limit_conn_zone $binary_remote_addr zone=mtls_requests:4m;\n"
                         "    limit_req_status 429;\n"
                         "    limit_conn_status 429;\n");
}

static void write_daemon(const struct edge_config *config, struct buffer *out) {
    uint32_t seconds = (config->daemon_deadline_ms + DEADLINE_MARGIN_MS + 999) / 1000;
    buffer_printf(out,
                  "    upstream daemon {\n"
                  "        server \"unix:%s\" max_fails=0;\n"
                  "        keepalive 64;\n"
                  "        keepalive_requests 100000;\n"
                  "        keepalive_timeout 60s;\n"
                  "    }\n",
                  config->daemon_socket);
    buffer_printf(out, "    proxy_read_timeout %us;\n", seconds);
    buffer_append_c(out, "    proxy_http_version 1.1;\n"
                         "    proxy_connect_timeout 2s;\n"
                         "    proxy_send_timeout 10s;\n");
    buffer_printf(out, "    proxy_next_upstream %s;\n", config->canary_socket ? "error" : "off");
    buffer_append_c(out, "    proxy_request_buffering on;\n"
                         "    proxy_buffering on;\n"
                         "    proxy_buffer_size 16k;\n"
                         "    proxy_buffers 16 16k;\n"
                         "    proxy_busy_buffers_size 32k;\n"
                         "    proxy_max_temp_file_size 0;\n"
                         "    proxy_redirect off;\n"
                         "    proxy_ignore_headers X-Accel-Redirect X-Accel-Limit-Rate X-Accel-Buffering"
                         " X-Accel-Charset X-Accel-Expires;\n");
}

/* (G8) No connection to the canary is kept: each request looks anew who listens there. Should nobody do, the live
 * version answers. */
static void write_canary(const struct edge_config *config, struct buffer *out) {
    if (!config->canary_socket) return;
    buffer_printf(out,
                  "    upstream canary {\n"
                  "        server \"unix:%s\" max_fails=0;\n"
                  "        server \"unix:%s\" max_fails=0 backup;\n"
                  "    }\n"
                  "    split_clients $ssl_client_fingerprint $edge_split {\n",
                  config->canary_socket, config->daemon_socket);
    for (unsigned bucket = 0; bucket < EDGE_CANARY_BUCKETS - 1; bucket++)
        buffer_printf(out, "        1%% %02u;\n", bucket);
    buffer_printf(out,
                  "        * %02u;\n"
                  "    }\n"
                  "    map $ssl_client_fingerprint $edge_bucket {\n"
                  "        \"\" none;\n"
                  "        default $edge_split;\n"
                  "    }\n",
                  EDGE_CANARY_BUCKETS - 1);
}

/* Which of the two a request of this server meets. */
static void write_choice(const struct edge_config *config, bool has_canary, struct buffer *out) {
    if (!config->canary_socket) return;
    buffer_append_c(out, "        set $edge_daemon daemon;\n");
    if (!has_canary) return;
    buffer_printf(out,
                  "        if (-e \"%s/$edge_bucket\") {\n"
                  "            set $edge_daemon canary;\n"
                  "        }\n",
                  config->canary_share);
}

static const char *envelope_name(enum edge_envelope envelope) {
#define X(code, name) [code] = name,
    static const char *const names[] = { EDGE_ENVELOPE_MAP(X) };
#undef X
    return names[envelope];
}

static int longer_prefix_first(const void *a, const void *b) {
    const struct edge_route *const *left = a, *const *right = b;
    size_t left_len = strlen((*left)->prefix), right_len = strlen((*right)->prefix);
    return left_len < right_len ? 1 : left_len > right_len ? -1 : strcmp((*left)->prefix, (*right)->prefix);
}

/* The envelope of a path. Regular expressions of a map are tried in order, so the longest prefix comes first. */
static void write_envelope_map(const struct edge_config *config, const char *variable, enum edge_envelope other,
                               struct buffer *out) {
    const struct edge_route *sorted[EDGE_ROUTES_MAX];
    for (size_t i = 0; i < config->route_count; i++) sorted[i] = &config->routes[i];
    qsort(sorted, config->route_count, sizeof sorted[0], longer_prefix_first);
    buffer_printf(out, "    map $uri $%s {\n        default %s;\n", variable, envelope_name(other));
    for (size_t i = 0; i < config->route_count; i++) {
        buffer_append_c(out, "        \"~^");
        for (const char *at = sorted[i]->prefix; *at; at++) {
            if (*at == '.') buffer_append_char(out, '\\');
            buffer_append_char(out, *at);
        }
        buffer_printf(out, "\" %s;\n", envelope_name(sorted[i]->envelope));
    }
    buffer_append_c(out, "    }\n");
}

static void write_maps(const struct edge_config *config, struct buffer *out) {
    buffer_append_c(
        /* What the log shows ($uri is another one once an error was answered): words, versions and ids. What else a
         * caller writes into a path (an account number, a token) is not shown. */
        out, "    map $request_uri $edge_path {\n"
             "        \"~^(?<path>(/([a-z_-]+|v[0-9](\\.[0-9])?|openapi\\.json|\\.[a-z-]+|"
             "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?)+)(\\?|$)\" $path;\n"
             "        default other;\n"
             "    }\n"
             "    map $request_body_file $edge_body_on_disk {\n"
             "        \"\" false;\n"
             "        default true;\n"
             "    }\n"
             "    map $request_id $edge_uuid {\n"
             "        \"~^(?<a>.{8})(?<b>.{4}).(?<c>.{3}).(?<d>.{3})(?<e>.{12})$\" $a-$b-4$c-8$d-$e;\n"
             "        default 00000000-0000-4000-8000-000000000000;\n"
             "    }\n"
             "    map $http_x_fapi_interaction_id $edge_interaction_id {\n"
             "        \"~^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$\" $http_x_fapi_interaction_id;\n"
             "        default $edge_uuid;\n"
             "    }\n"
             "    map $request_method $edge_outcome {\n"
             "        GET \"\";\n"
             "        HEAD \"\";\n"
             "        default /unknown;\n"
             "    }\n"
             "    map $upstream_http_content_security_policy $edge_content_policy {\n"
             "        \"\" \"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src"
             " 'self'; base-uri 'none'; frame-ancestors 'none'\";\n"
             "        default \"\";\n"
             "    }\n"
             "    map $upstream_http_cache_control $edge_cache_control {\n"
             "        \"\" no-store;\n"
             "        default \"\";\n"
             "    }\n");
    write_envelope_map(config, "edge_envelope_mtls", EDGE_PROBLEM, out);
    write_envelope_map(config, "edge_envelope_browser", EDGE_PAGE, out);
}

/* A prefix that ends in '/' is written for the path without it too: nginx would redirect that one by itself (301, its
 * own page). */
static void write_location(const struct edge_config *config, const char *prefix, uint32_t body_bytes_max,
                           bool has_firewall, struct buffer *out) {
    size_t len = strlen(prefix);
    bool is_folder = len > 1 && prefix[len - 1] == '/';
    for (size_t cut = 0; cut <= (is_folder ? 1u : 0u); cut++) {
        buffer_printf(out,
                      "        location %s %.*s {\n"
                      "            client_max_body_size %u;\n"
                      "            client_body_buffer_size %u;\n",
                      cut ? "=" : "^~", (int)(len - cut), prefix, body_bytes_max, 2 * body_bytes_max + 4096);
        if (has_firewall)
            buffer_printf(out,
                          "            modsecurity on;\n"
                          "            modsecurity_rules_file \"%s/firewall.conf\";\n",
                          config->directory);
        buffer_printf(out,
                      "            include \"%s/headers.conf\";\n"
                      "            proxy_pass http://%s;\n"
                      "        }\n",
                      config->directory, config->canary_socket ? "$edge_daemon" : "daemon");
    }
}

void edge_config_security(struct buffer *out, const char *indent, const char *cache_control) {
    static const char *const headers[] = {
        "Strict-Transport-Security \"max-age=63072000; includeSubDomains\"",
        "X-Content-Type-Options nosniff",
        "X-Frame-Options DENY",
        "Referrer-Policy no-referrer",
        "Permissions-Policy \"camera=(), geolocation=(), microphone=(), payment=()\"",
        "Cross-Origin-Opener-Policy same-origin",
        "Cross-Origin-Resource-Policy same-origin",
        "Content-Security-Policy $edge_content_policy",
    };
    for (size_t i = 0; i < ARRAY_COUNT(headers); i++)
        buffer_printf(out, "%sadd_header %s always;\n", indent, headers[i]);
    buffer_printf(out, "%sadd_header Cache-Control %s always;\n", indent, cache_control);
}

static void write_server_tls(const struct edge_config *config, struct buffer *out) {
    buffer_printf(out, "        ssl_certificate \"%s\";\n        ssl_certificate_key \"%s\";\n", config->server_cert,
                  config->server_key);
    buffer_append_c(out, "        ssl_protocols TLSv1.2 TLSv1.3;\n"
                         "        ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
                         ":ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256;\n"
                         "        ssl_prefer_server_ciphers on;\n"
                         "        ssl_ecdh_curve X25519:prime256v1:secp384r1;\n"
                         "        ssl_session_tickets off;\n");
}

/* What stands before every request: the peer's own address decides, which $realip_remote_addr keeps. */
static void write_peers(const struct edge_config *config, struct buffer *out) {
    char text[CIDR_TEXT_BYTES_MAX];
    struct cidr cidr;
    if (config->proxy_peer_count == 0) return;
    buffer_append_c(out, "    real_ip_header proxy_protocol;\n");
    for (size_t i = 0; i < config->proxy_peer_count; i++) {
        check(cidr_parse(str_from_c(config->proxy_peers[i]), &cidr) == 0); /* check_peers */
        buffer_printf(out, "    set_real_ip_from " STR_FMT ";\n", STR_ARG(cidr_format(&cidr, text)));
    }
    buffer_append_c(out, "    geo $realip_remote_addr $edge_is_peer {\n        default 0;\n");
    for (size_t i = 0; i < config->proxy_peer_count; i++) {
        check(cidr_parse(str_from_c(config->proxy_peers[i]), &cidr) == 0);
        buffer_printf(out, "        " STR_FMT " 1;\n", STR_ARG(cidr_format(&cidr, text)));
    }
    buffer_append_c(out, "    }\n");
}

static void write_listen(const struct edge_config *config, uint16_t port, struct buffer *out) {
    buffer_printf(out, "        listen %s:%u ssl http2%s backlog=1024;\n        server_name _;\n", config->address,
                  port, config->proxy_peer_count ? " proxy_protocol" : "");
    if (config->proxy_peer_count)
        buffer_append_c(out, "        if ($edge_is_peer = 0) {\n            return 444;\n        }\n");
}

static void write_server_body(const struct edge_config *config, const char *listener, bool has_firewall,
                              struct buffer *out) {
    static const int statuses[] = { 400, 403, 404, 405, 408, 411, 413, 414, 429, 500, 503, 505 };
    buffer_printf(out, "        set $edge_listener %s;\n", listener);
    edge_config_security(out, "        ", "$edge_cache_control");
    for (size_t i = 0; i < ARRAY_COUNT(statuses); i++)
        buffer_printf(out, "        error_page %d /.edge-error/%d/$edge_envelope_%s;\n", statuses[i], statuses[i],
                      listener);
    buffer_printf(out, "        error_page 494 =431 /.edge-error/431/$edge_envelope_%s;\n", listener);
    buffer_printf(out, "        error_page 495 496 =401 /.edge-error/401/$edge_envelope_%s;\n", listener);
    buffer_printf(out, "        error_page 497 501 =400 /.edge-error/400/$edge_envelope_%s;\n", listener);
    buffer_printf(out, "        error_page 502 /.edge-error/502/$edge_envelope_%s$edge_outcome;\n", listener);
    buffer_printf(out, "        error_page 504 /.edge-error/504/$edge_envelope_%s$edge_outcome;\n", listener);
    buffer_printf(out, "        include \"%s/errors.conf\";\n", config->directory);
    for (size_t i = 0; i < config->route_count; i++)
        write_location(config, config->routes[i].prefix, config->routes[i].body_bytes_max, false, out);
    write_location(config, "/", EDGE_BODY_BYTES_DEFAULT, has_firewall, out);
}

/* Files that belong to nobody: any cache may keep them. */
static void write_static(const struct edge_config *config, struct buffer *out) {
    if (!config->static_root) return;
    buffer_printf(out, "        location ^~ /static/ {\n            alias \"%s/\";\n", config->static_root);
    buffer_append_c(out, "            types {\n                text/css css;\n                text/javascript js;\n"
                         "                image/svg+xml svg;\n                image/png png;\n"
                         "                font/woff2 woff2;\n                text/plain txt;\n            }\n"
                         "            etag on;\n");
    edge_config_security(out, "            ", "\"public, max-age=3600\"");
    buffer_append_c(out, "        }\n");
}

static void write_servers(const struct edge_config *config, struct buffer *out) {
    buffer_append_c(out, "    server {\n");
    write_listen(config, config->mtls_port, out);
    write_server_tls(config, out);
    buffer_append_c(out, "        ssl_session_cache off;\n"
                         "        ssl_conf_command NumTickets 0;\n" /* of TLS 1.3, where "off" still sends them */
                         "        ssl_verify_client optional_no_ca;\n"
                         "        ssl_verify_depth 4;\n");
    buffer_printf(out, "        limit_conn mtls_requests %u;\n", config->mtls_requests);
    write_choice(config, true, out);
    write_server_body(config, "mtls", false, out);
    write_static(config, out);
    buffer_append_c(out, "    }\n    server {\n");
    write_listen(config, config->browser_port, out);
    write_server_tls(config, out);
    buffer_append_c(out, "        ssl_session_cache shared:browser:2m;\n");
    buffer_printf(out,
                  "        limit_req zone=browser_rate burst=%u nodelay;\n        limit_conn browser_connections %u;\n",
                  config->browser_burst, config->browser_connections);
    write_choice(config, false, out);
    write_server_body(config, "browser", config->firewall_module, out);
    write_static(config, out);
    buffer_append_c(out, "    }\n");
}

int edge_config_main(const struct edge_config *config, struct buffer *out, struct message *message) {
    int r = check_config(config, message);
    if (r) return r;
    write_process(config, out);
    buffer_append_c(out, "http {\n");
    write_logs(config, out);
    write_limits(config, out);
    write_daemon(config, out);
    write_canary(config, out);
    write_maps(config, out);
    write_peers(config, out);
    write_servers(config, out);
    buffer_append_c(out, "}\n");
    return out->overflow ? err_origin(-E2BIG) : 0;
}

/* ---- headers.conf ---- */

/* What the edge says. */
static const char *const headers_set[] = {
    "Host $http_host",
    "Connection \"\"",
    "X-Request-Id $request_id",
    "X-OB-Client-Cert $ssl_client_escaped_cert",
    "X-OB-Client-Verify $ssl_client_verify",
    "X-OB-Client-Address $remote_addr",
    "X-OB-Listener $edge_listener",
};
/* What a caller may not say, one line for each kind: certificates and identities in our dress; certificates in the
 * dress of other edges; addresses; other paths and methods; what concerns one connection only. */
static const char *const headers_blanked[] = {
    "Client-Cert Client-Cert-Chain X-OB-Client-Cert-Chain X-OB-Client-Chain X-OB-Client X-OB-Client-Id X-OB-Client-Dn "
    "X-OB-Client-Hash X-OB-Client-Serial X-OB-Customer X-OB-Consent X-OB-Scope X-OB-Tier X-OB-Roles X-OB-Org-Id",
    "X-Forwarded-Client-Cert X-Amzn-Mtls-Clientcert X-Amzn-Mtls-Clientcert-Leaf X-Amzn-Mtls-Clientcert-Subject "
    "X-Amzn-Mtls-Clientcert-Issuer X-Amzn-Mtls-Clientcert-Serial-Number X-Amzn-Mtls-Clientcert-Validity X-Client-Cert "
    "X-Client-Certificate X-Ssl-Cert X-Ssl-Client-Cert X-Ssl-Client-Verify Ssl-Client-Cert X-Arr-Clientcert",
    "Forwarded X-Forwarded-For X-Forwarded-Host X-Forwarded-Port X-Forwarded-Prefix X-Forwarded-Proto X-Real-Ip "
    "True-Client-Ip",
    "X-Original-Url X-Rewrite-Url X-Http-Method X-Http-Method-Override X-Method-Override",
    "Proxy Proxy-Authorization Proxy-Connection Keep-Alive TE Trailer Upgrade Http2-Settings Expect Early-Data",
};
/* What of the daemon's answer the edge says itself, or nobody does. */
static const char *const headers_hidden[] = {
    "Strict-Transport-Security X-Content-Type-Options X-Frame-Options Referrer-Policy Permissions-Policy",
    "Cross-Origin-Opener-Policy Cross-Origin-Resource-Policy Client-Cert Client-Cert-Chain",
};

static void write_words(struct buffer *out, const char *directive, const char *words, const char *value) {
    struct str rest = str_from_c(words), word;
    bool more;
    do {
        more = str_cut(&rest, ' ', &word);
        buffer_printf(out, "%s " STR_FMT "%s;\n", directive, STR_ARG(word), value);
    } while (more);
}

void edge_config_headers(struct buffer *out) {
    buffer_append_c(out,
                    "# Every header that the edge sets, blanks or hides. Included by every location that proxies.\n");
    for (size_t i = 0; i < ARRAY_COUNT(headers_set); i++) buffer_printf(out, "proxy_set_header %s;\n", headers_set[i]);
    for (size_t i = 0; i < ARRAY_COUNT(headers_blanked); i++)
        write_words(out, "proxy_set_header", headers_blanked[i], " \"\"");
    for (size_t i = 0; i < ARRAY_COUNT(headers_hidden); i++)
        write_words(out, "proxy_hide_header", headers_hidden[i], "");
}

/* ---- the files ---- */

static int make_folder(const char *path, const char *user, mode_t mode) {
    if (mkdir(path, mode) < 0 && errno != EEXIST) return -errno;
    if (chmod(path, mode) < 0) return -errno;
    if (!user || geteuid() != 0) return 0;
    const struct passwd *entry = getpwnam(user);
    if (!entry) return -ENOENT;
    return chown(path, entry->pw_uid, entry->pw_gid) < 0 ? -errno : 0;
}

static int write_whole(int fd, struct str text) {
    while (text.len) {
        ssize_t done = write(fd, text.at, text.len);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return -errno;
        text = str_slice(text, (size_t)done, text.len);
    }
    return 0;
}

static int write_file(const char *directory, const char *name, struct str text) {
    char path[EDGE_PATH_BYTES_MAX + 32], fresh[EDGE_PATH_BYTES_MAX + 40];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    (void)snprintf(fresh, sizeof fresh, "%s.new", path);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0) return -errno;
    int r = write_whole(fd, text);
    if (close(fd) < 0 && !r) r = -errno;
    if (!r && rename(fresh, path) < 0) r = -errno;
    return r;
}

static int write_files(const struct edge_config *config, struct buffer *out, struct message *message) {
    int r = edge_config_main(config, out, message);
    if (!r) r = write_file(config->directory, "nginx.conf", buffer_str(out));
    buffer_reset(out);
    edge_config_headers(out);
    if (!r) r = write_file(config->directory, "headers.conf", buffer_str(out));
    buffer_reset(out);
    edge_config_errors(out);
    if (!r) r = write_file(config->directory, "errors.conf", buffer_str(out));
    buffer_reset(out);
    if (config->firewall_module) edge_config_firewall(config->firewall_rules, out);
    if (!r) r = write_file(config->directory, "firewall.conf", buffer_str(out));
    return r;
}

int edge_config_write(const struct edge_config *config, struct message *message) {
    char path[EDGE_PATH_BYTES_MAX + 32];
    struct buffer out;
    int r = check_config(config, message);
    if (r) return r;
    r = make_folder(config->directory, config->user, 0750);
    for (size_t i = 0; !r && i < ARRAY_COUNT(temporary_folders); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", config->directory, temporary_folders[i]);
        r = make_folder(path, config->user, 0700);
    }
    buffer_init_heap(&out, EDGE_FILE_BYTES_MAX);
    if (!r) r = write_files(config, &out, message);
    buffer_release(&out);
    if (r < 0) message_set(message, "edge: cannot write under %s: %s", config->directory, strerror(-r));
    return r < 0 ? err_origin(r) : r;
}
