/* edge_config.h - the configuration of the edge, Debian's stock nginx, as text from a struct.
 *
 * Four files are written: nginx.conf, headers.conf (every header that goes to the daemon; included by every location
 * that proxies, so that no location can forget one), errors.conf (the answers that nginx makes itself, in the
 * envelope of the route) and firewall.conf (the rules of the browser pages). Modules used: http_ssl, http_v2,
 * http_proxy, upstream keepalive, limit_req, limit_conn, map, rewrite: all are built into Debian 12's package "nginx"
 * (1.22); nginx-light adds nothing that is needed. ModSecurity is a module of its own, with its rules in a package of
 * their own.
 *
 * (G1) A header that the daemon trusts is set by the edge on every route, to "" where it has nothing to say; what a
 * caller sends under such a name, in any letter case, with underscores, or listed in Connection, never passes. (G2) A
 * request body within its limit and an answer of any size never touch the disk. (The buffer is twice the limit, for the
 * framing of chunks; a body cut into chunks of a few bytes could pass it, and the log says so: "body_on_disk".) (G3)
 * Logs hold the path without the query, and no header of the caller but a well-formed interaction id. (G4) No request
 * is sent twice to the daemon. A 502 or 504 after anything but GET or HEAD says outcome_unknown. (With a canary, a
 * request whose connection fails goes once more, to the live version: when it was not sent, or its method is
 * idempotent, RFC 9110 section 9.2.2. A POST or PATCH that was sent never is.) (G5) The mTLS listener neither issues
 * nor takes TLS sessions: each connection shows its certificate itself. (G6) A PROXY protocol header is believed from
 * the named peers alone, and no header of HTTP ever is. (G7) What goes to a page (whatever the browser port serves that
 * no route names) passes the firewall first; what goes to a route of the API never meets it. The firewall writes
 * nothing of a request anywhere.
 *
 * What stock nginx does otherwise than gateway.md T3 wishes: it reads a bare LF as the end of a header line (RFC 9112
 * section 2.2 allows that) and sends CRLF on, so it cannot smuggle; and it closes a connection whose header or body
 * comes too slowly without a 408. A header named X-OB-... that edge_config_headers does not list passes: the daemon
 * must trust no other name of that kind. */
#ifndef GIRO_APP_EDGE_CONFIG_H
#define GIRO_APP_EDGE_CONFIG_H

#include "platform/buffer.h"

enum {
    EDGE_PATH_BYTES_MAX = 512,
    EDGE_SOCKET_BYTES_MAX = 100, /* sun_path holds 108 */
    EDGE_ROUTES_MAX = 64,
    EDGE_PEERS_MAX = 32,
    EDGE_CANARY_BUCKETS = 100,
    EDGE_FILE_BYTES_MAX = 512 * 1024,
    EDGE_BODY_BYTES_DEFAULT = 64 * 1024,
    EDGE_BODY_BYTES_MAX = 4 * 1024 * 1024,
    EDGE_HEADER_BYTES_MAX = 16 * 1024, /* one caller's header block; the daemon counts exactly and answers 431 */
};

/* The form of an error that the edge makes itself. */
#define EDGE_ENVELOPE_MAP(X)                                                                                           \
    X(EDGE_PROBLEM, "problem") /* RFC 9457, /v1 and everything unnamed on the mTLS port */                             \
    X(EDGE_OB4, "ob4")         /* OBErrorResponse1 of v4.0 */                                                          \
    X(EDGE_OB3, "ob3")         /* OBErrorResponse1 of v3.1 */                                                          \
    X(EDGE_OAUTH, "oauth")     /* RFC 6749 section 5.2 */                                                              \
    X(EDGE_PAGE, "page")       /* a small HTML page */
#define X(code, name) code,
enum edge_envelope { EDGE_ENVELOPE_MAP(X) EDGE_ENVELOPE_COUNT };
#undef X

struct edge_route {
    const char *prefix; /* "/v1/": letters, digits and /._- only; a prefix of the decoded path */
    enum edge_envelope envelope;
    uint32_t body_bytes_max; /* 413 above it; 1 to EDGE_BODY_BYTES_MAX */
};

struct edge_config {
    const char *directory;     /* absolute; gets the three files and the temporary folders: var/nginx */
    const char *log_prefix;    /* absolute: var/log/nginx-; files access.log and error.log */
    const char *pid_file;      /* absolute: var/run/nginx.pid */
    const char *daemon_socket; /* absolute, at most EDGE_SOCKET_BYTES_MAX bytes */
    /* A second version of the daemon beside it, absolute, both or neither; NULL: there never is one. */
    const char *canary_socket, *canary_share;
    const char *firewall_module; /* ModSecurity's module for nginx, absolute; NULL: the pages have no firewall */
    const char *firewall_rules;  /* the folder of the Core Rule Set's REQUEST-*.conf, absolute */
    const char *static_root;     /* files served at /static/ on both ports, or NULL */
    const char *server_cert;     /* PEM, chain included */
    const char *server_key;
    const char *user;    /* as root: workers run as this user, who must reach daemon_socket; NULL when not root */
    const char *address; /* what both servers listen on: "127.0.0.1", "0.0.0.0" or "[::]" */
    /* Load balancers before the edge, as addresses or blocks (cidr.h). With at least one, both ports take connections
     * that begin with a PROXY protocol header (v1 or v2) and nothing else, the caller's address is the header's, and
     * who is not among them is hung up on. */
    const char *const *proxy_peers;
    size_t proxy_peer_count; /* at most EDGE_PEERS_MAX */
    uint16_t mtls_port, browser_port;
    uint32_t workers;            /* 1 to 64 */
    uint32_t connections;        /* of one worker; 64 to 65536 */
    uint32_t daemon_deadline_ms; /* the daemon's own; the edge waits longer */
    uint32_t browser_requests_per_second, browser_burst, browser_connections; /* of one address, browser port only */
    uint32_t mtls_requests; /* at once, of one address on the mTLS port: what it can hold in the edge's memory by never
                             * reading its answers; one more is answered 429 */
    const struct edge_route *routes; /* route_count rows; a path that none covers gets the default of its port */
    size_t route_count;
};

/* Where Debian puts them: packages libnginx-mod-http-modsecurity and modsecurity-crs. */
#define EDGE_FIREWALL_MODULE "/usr/lib/nginx/modules/ngx_http_modsecurity_module.so"
#define EDGE_FIREWALL_RULES "/usr/share/modsecurity-crs/rules"

/* Everything that has a sensible value for the sandbox: address 127.0.0.1, one worker, limits, the firewall, the routes
 * of the contract. */
void edge_config_init(struct edge_config *config);

/* Refusal of everything below; message names the field. */
enum edge_refusal { EDGE_E_NONE = 0, EDGE_E_INVALID };

/* The four texts. 0; EDGE_E_INVALID (a path with a character that nginx would interpret, a number out of range);
 * -E2BIG when a buffer is too small. */
int edge_config_main(const struct edge_config *config, struct buffer *out, struct message *message);
void edge_config_headers(struct buffer *out);
void edge_config_errors(struct buffer *out);                      /* edge_errors.c */
void edge_config_firewall(const char *rules, struct buffer *out); /* edge_firewall.c */
/* The headers that every answer of the edge wears, as add_header lines; cache_control is a value or variable of nginx.
 */
void edge_config_security(struct buffer *out, const char *indent, const char *cache_control);

/* Makes directory and the five temporary folders (0700; as root they belong to user), and writes the files (0640), each
 * to a temporary name first. 0, EDGE_E_INVALID, or -errno. message (may be NULL) says what is wrong. */
int edge_config_write(const struct edge_config *config, struct message *message);

#endif
