/* sandbox.h - where the sandbox bank of `giro run` keeps its things: one folder, var/, and the project beside the
 * program.
 *
 * (V1) Everything that the sandbox makes lies under var, but for sockets whose path there would be over
 * SANDBOX_SOCKET_BYTES_MAX bytes: these lie in a folder of this user alone, /tmp/giro-HASH (of var's path), and var/run
 * holds links to them. (V2) var and all in it belong to one user, who is never root: started as root, the program
 * becomes the owner of var (www-data when var is new) before it writes anything else. (V3) Files that hold a secret
 * have mode 0600. */
#ifndef GIRO_APP_SANDBOX_H
#define GIRO_APP_SANDBOX_H

#include <sys/types.h>

#include "app/bank_config.h"
#include "platform/str.h"

enum {
    SANDBOX_PATH_BYTES_MAX = 512,
    SANDBOX_VAR_BYTES_MAX = 380,
    SANDBOX_SOCKET_BYTES_MAX = 100,
    SANDBOX_PORT_BASE_DEFAULT = 8443,
    SANDBOX_PORT_BASE_MIN = 1024,
    SANDBOX_PORT_BASE_MAX = 65530,
};

struct passwd;

struct sandbox {
    char var[SANDBOX_VAR_BYTES_MAX];      /* absolute */
    char project[SANDBOX_VAR_BYTES_MAX];  /* absolute: holds api/, sagas/, policy/, db/ */
    char programs[SANDBOX_VAR_BYTES_MAX]; /* absolute: holds giro and the simulators */
    char sockets[SANDBOX_PATH_BYTES_MAX]; /* var/run, or the short folder */
    uint16_t port_base, core_port, sink_port;
    uint16_t node_port, canary_port; /* on PostgreSQL: node to node; operations of the canary */
    enum bank_store_kind store;      /* what var holds, or shall hold */
    enum bank_cache_kind cache;      /* asked for at this start; embedded otherwise */
    /* Load balancers before its edge, addresses or blocks between blanks; empty: none. With them the edge takes nothing
     * but what comes through them: giro demo and giro bench do not. */
    char proxy_peers[SANDBOX_PATH_BYTES_MAX];
    const char *response_check; /* gateway.response_check: "off", "log" or "fail" */
    bool store_named;           /* by --store; else what var holds already decides */
};

#define SANDBOX_E_MAP(X)                                                                                               \
    X(SANDBOX_E_DENIED, "not permitted")                                                                               \
    X(SANDBOX_E_BUSY, "taken") X(SANDBOX_E_ABSENT, "not there") X(SANDBOX_E_INVALID, "not usable")
#define X(code, name) code,
enum sandbox_refusal { SANDBOX_E_NONE = 0, SANDBOX_E_MAP(X) SANDBOX_E_COUNT };
#undef X

/* Names the places; makes nothing. var: --var or NULL (then GIRO_VAR, then "var"). Ports are zero. 0; SANDBOX_E_INVALID
 * (too long, its parent does not exist). */
int sandbox_init(struct sandbox *sandbox, const char *var, struct message *message) MUST_USE;
/* sockets from var; after var has moved. */
void sandbox_place_sockets(struct sandbox *sandbox);
/* var/RELATIVE, project/RELATIVE into path. */
void sandbox_path(const struct sandbox *sandbox, const char *relative, char path[SANDBOX_PATH_BYTES_MAX]);
void sandbox_project_path(const struct sandbox *sandbox, const char *relative, char path[SANDBOX_PATH_BYTES_MAX]);
/* The Unix socket NAME ("admin.sock"), never over SANDBOX_SOCKET_BYTES_MAX bytes. */
void sandbox_socket(const struct sandbox *sandbox, const char *name, char path[SANDBOX_PATH_BYTES_MAX]);
/* The exit code and one sentence on stderr for a refusal or a fault of the sandbox's functions. */
int sandbox_complain(int result, const struct message *message);

/* --- sandbox_user.c --- */
/* Makes var and its folders, as root first becomes their owner for good. 0; SANDBOX_E_DENIED (var belongs to another
 * user, or its owner cannot reach it or the project); -errno. */
int sandbox_claim(struct sandbox *sandbox, struct message *message) MUST_USE;
/* As root: becomes the owner of var for good, and makes nothing. What lies in var is his word, not root's. 0 (also when
 * there is nothing to become); SANDBOX_E_DENIED. */
int sandbox_become_owner(const struct sandbox *sandbox, struct message *message) MUST_USE;
/* Removes everything in var but the lock of the running start. 0 or -errno. */
int sandbox_clear(const struct sandbox *sandbox, struct message *message) MUST_USE;

/* --- sandbox_relocate.c: as root, where the sandbox's user cannot reach what lies under /root or the like --- */
/* Copies what the processes need of the project to /var/lib/giro/project-HASH (root's, readable by all), which becomes
 * sandbox->project; made anew at every start. 0 or -errno. */
int sandbox_copy_project(struct sandbox *sandbox, struct message *message) MUST_USE;
/* Makes /var/lib/giro/var-HASH, puts a link to it in the place of an absent or empty var. 0; SANDBOX_E_DENIED; -errno.
 */
int sandbox_move_var(struct sandbox *sandbox, struct message *message) MUST_USE;

/* --- sandbox_ports.c --- */
/* The store that var holds already, or the one that was asked for. 0; SANDBOX_E_INVALID: another one was asked for. */
int sandbox_choose_store(struct sandbox *sandbox, bool fresh, struct message *message) MUST_USE;
/* Whether the three ports of port_base are free, and picks free ones for the simulators, the nodes and the canary
 * (those of the last start where they still are). 0; SANDBOX_E_BUSY with the port in message; -errno. */
int sandbox_pick_ports(struct sandbox *sandbox, struct message *message) MUST_USE;
/* var/sandbox.json: ports and store of the last start. 0; SANDBOX_E_ABSENT; -errno. */
int sandbox_read_state(struct sandbox *sandbox, struct message *message) MUST_USE;
int sandbox_write_state(const struct sandbox *sandbox, struct message *message) MUST_USE;

/* --- sandbox_postgres.c: a private PostgreSQL server on a Unix socket, its data in var/postgres --- */
/* Debian's program, or NULL when its package is not installed. */
const char *sandbox_postgres_program(void);
/* Makes the cluster (initdb, data checksums) when there is none, and writes its configuration anew: no TCP, peer
 * authentication for this user alone, no row values in its log. 0; SANDBOX_E_ABSENT (not installed), SANDBOX_E_INVALID
 * (initdb failed, its last line in message); -errno. */
int sandbox_postgres_make(const struct sandbox *sandbox, struct message *message) MUST_USE;
/* Parts of it for a server outside a sandbox (bench_postgres.c). user: whom a child of root becomes, NULL: nobody else.
 * initdb: auth is that of its socket. run: any program to its end; failed: the sentence, its last line follows. become:
 * in a child only. is_ready: whether postmaster.pid is that of pid and it takes connections. */
int sandbox_postgres_initdb(const char *folder, const char *auth, const struct passwd *user,
                            struct message *message) MUST_USE;
int sandbox_postgres_run(const char *const *words, const struct passwd *user, const char *failed,
                         struct message *message) MUST_USE;
bool sandbox_postgres_become(const struct passwd *user) MUST_USE;
extern const char sandbox_postgres_createdb[]; /* path of that program */
bool sandbox_postgres_is_ready(const char *pid_file, pid_t pid);
/* Whether the server takes connections; context: the struct sandbox. Never waits. */
bool sandbox_postgres_answers(void *context);
/* The connection string of the sandbox's database. */
void sandbox_postgres_connection(const struct sandbox *sandbox, struct buffer *out);

/* --- sandbox_redis.c: a private Redis server on a Unix socket, without a file --- */
/* Debian's program, or NULL when its package is not installed. */
const char *sandbox_redis_program(void);
/* Writes var/redis/redis.conf anew: no TCP, for this user alone. 0; SANDBOX_E_ABSENT (not installed); -errno. */
int sandbox_redis_make(const struct sandbox *sandbox, struct message *message) MUST_USE;
/* Whether it answers; context: the struct sandbox. Waits a few milliseconds at most. */
bool sandbox_redis_answers(void *context);
/* "unix:PATH", the value of cache.connection. */
void sandbox_redis_connection(const struct sandbox *sandbox, struct buffer *out);

/* --- sandbox_config.c --- */
#define SANDBOX_STATIC_FILE "kib.txt"       /* 1,024 bytes below /static/: what bench reads compares with */
#define SANDBOX_CANARY_NAME "canary"        /* the process */
#define SANDBOX_CANARY_CONFIG "canary.yaml" /* below var; what the canary reads, see sandbox_deploy.h */
#define SANDBOX_CANARY_SHARE "nginx/canary" /* below var; edge_config.canary_share */
/* var/giro.yaml (0600), on PostgreSQL the canary's beside it, and var/nginx/. 0 or -errno. */
int sandbox_write_config(const struct sandbox *sandbox, struct message *message) MUST_USE;

#endif
