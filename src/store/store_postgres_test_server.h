/* store_postgres_test_server.h - a private PostgreSQL for the tests of this folder: made with initdb in a folder of its
 * own, on a Unix socket only, flushing as a real one does, ended by its pid. As root it runs as the user postgres, or
 * nobody, since PostgreSQL refuses root. Included by *_test.c only. */
#ifndef GIRO_STORE_STORE_POSTGRES_TEST_SERVER_H
#define GIRO_STORE_STORE_POSTGRES_TEST_SERVER_H

#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "store/store_schema_postgres.h"
#include "store/store_test_tables.h"

#include "platform/clock.h"

#define TEST_SERVER_PROGRAMS "/usr/lib/postgresql/15/bin"

struct test_server {
    char folder[TEST_PATH_BYTES], data[TEST_PATH_BYTES * 2], log[TEST_PATH_BYTES * 2];
    char connection[TEST_PATH_BYTES * 2]; /* as the superuser giro */
    uid_t uid;
    gid_t gid;
    pid_t pid; /* 0: not running */
    bool made;
};

static const uint8_t test_key_bytes[STORE_KEY_BYTES] = "a key of thirty-two bytes, fixed";
static const struct secret_bytes test_key = { .at = (uint8_t *)(uintptr_t)test_key_bytes, .len = STORE_KEY_BYTES };

/* In the child: never returns. */
_Noreturn static inline void test_server_exec(const struct test_server *server, const char *const *words) {
    int log = open(server->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0) _exit(126);
    if (getuid() == 0 && (setgroups(0, NULL) || setresgid(server->gid, server->gid, server->gid) ||
                          setresuid(server->uid, server->uid, server->uid)))
        _exit(126);
    (void)prctl(PR_SET_PDEATHSIG, SIGQUIT); /* never outlives its test */
    if (chdir("/")) _exit(126);
    (void)unsetenv("ASAN_OPTIONS");
    (void)execv(words[0], (char *const *)(uintptr_t)words);
    _exit(127);
}

static inline pid_t test_server_spawn(const struct test_server *server, const char *const *words) {
    pid_t pid = fork();
    check(pid >= 0);
    if (pid == 0) test_server_exec(server, words);
    return pid;
}

static inline void test_server_show_log(const struct test_server *server) {
    char line[512];
    FILE *log = fopen(server->log, "re");
    while (log && fgets(line, sizeof line, log)) (void)fputs(line, stderr);
    if (log) (void)fclose(log);
}

static inline void test_server_await(struct test_server *server) {
    int64_t deadline_ms = clock_mono_ms() + 60000;
    while (PQping(server->connection) != PQPING_OK) {
        bool waits = waitpid(server->pid, NULL, WNOHANG) == 0 && clock_mono_ms() < deadline_ms;
        if (!waits) test_server_show_log(server);
        check(waits); /* else PostgreSQL did not start */
        const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
        (void)nanosleep(&pause, NULL); /* between two questions */
    }
}

static inline void test_server_start(struct test_server *server) {
    const char *const words[] = { TEST_SERVER_PROGRAMS "/postgres",
                                  "-D",
                                  server->data,
                                  "-k",
                                  server->folder,
                                  "-c",
                                  "listen_addresses=",
                                  "-c",
                                  "shared_buffers=32MB",
                                  "-c",
                                  "log_min_messages=warning",
                                  "-c",
                                  "log_statement=none",
                                  NULL };
    check(server->pid == 0);
    server->pid = test_server_spawn(server, words);
    test_server_await(server);
}

/* SIGINT: ends the sessions, then the server; SIGQUIT: at once, as in a crash. */
static inline void test_server_stop(struct test_server *server, int signal) {
    if (!server->pid) return;
    check(kill(server->pid, signal) == 0);
    check(waitpid(server->pid, NULL, 0) == server->pid);
    server->pid = 0;
}

static inline void test_server_user(struct test_server *server) {
    server->uid = getuid(), server->gid = getgid();
    if (server->uid != 0) return;
    const struct passwd *user = getpwnam("postgres");
    if (!user) user = getpwnam("nobody");
    check(user && user->pw_uid != 0);
    server->uid = user->pw_uid, server->gid = user->pw_gid;
    check(chown(server->folder, server->uid, server->gid) == 0);
}

static inline void test_server_make(struct test_server *server) {
    *server = (struct test_server){ .made = true };
    (void)snprintf(server->folder, sizeof server->folder, "/tmp/giro-pg-XXXXXX");
    check(mkdtemp(server->folder));
    (void)snprintf(server->data, sizeof server->data, "%s/data", server->folder);
    (void)snprintf(server->log, sizeof server->log, "%s/log", server->folder);
    (void)snprintf(server->connection, sizeof server->connection, "host=%s user=giro dbname=postgres", server->folder);
    test_server_user(server);
    const char *const words[] = { TEST_SERVER_PROGRAMS "/initdb",
                                  "-D",
                                  server->data,
                                  "-U",
                                  "giro",
                                  "-A",
                                  "trust",
                                  "-E",
                                  "UTF8",
                                  "--locale=C.UTF-8",
                                  "--no-sync",
                                  "--no-instructions",
                                  NULL };
    int status = 0;
    pid_t pid = test_server_spawn(server, words);
    check(waitpid(pid, &status, 0) == pid);
    if (status) test_server_show_log(server); /* PostgreSQL 15 is missing, or refuses */
    check(status == 0);
    test_server_start(server);
}

static inline void test_server_drop(struct test_server *server) {
    if (!server->made) return;
    test_server_stop(server, SIGINT);
    check(nftw(server->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
    server->made = false;
}

/* One statement, or several, as the superuser. The first value of the last result is copied to value, when wanted. */
static inline void test_server_sql(const struct test_server *server, const char *sql, char *value, size_t bytes) {
    PGconn *conn = PQconnectdb(server->connection);
    check(conn && PQstatus(conn) == CONNECTION_OK);
    (void)PQclear(PQexec(conn, "SET client_min_messages = error"));
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fprintf(stderr, "%s: %s\n", sql, PQerrorMessage(conn));
    check(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK);
    if (value) (void)snprintf(value, bytes, "%s", PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    PQfinish(conn);
}

/* Reads its configuration again; until name has that value. */
static inline void test_server_reload(const struct test_server *server, const char *name, const char *value) {
    char sql[128], found[32] = "";
    (void)snprintf(sql, sizeof sql, "SHOW %s", name);
    check(kill(server->pid, SIGHUP) == 0);
    while (strcmp(found, value) != 0) test_server_sql(server, sql, found, sizeof found);
}

/* The database is as new: no schema of any service. */
static inline void test_server_empty(const struct test_server *server) {
    test_server_sql(server,
                    "DO $$ DECLARE s text; BEGIN FOR s IN SELECT nspname FROM pg_namespace"
                    " WHERE nspname NOT LIKE 'pg\\_%' AND nspname NOT IN ('public', 'information_schema')"
                    " LOOP EXECUTE format('DROP SCHEMA %I CASCADE', s); END LOOP; END $$",
                    NULL, 0);
}

static inline void test_server_schema(const struct world *world, const struct table *const *tables, size_t count) {
    struct buffer sql;
    buffer_init_heap(&sql, STORE_SCHEMA_SQL_BYTES_MAX);
    store_schema_postgres_sql(tables, count, &sql);
    buffer_append_char(&sql, 0);
    check(!sql.overflow);
    migration_write(world, "0001_tables.sql", sql.at);
    buffer_release(&sql);
}

/* Behind world_make: the world's store is to be this server's, empty. */
static inline void test_server_world(const struct test_server *server, struct world *world) {
    (void)snprintf(world->epoch_file, sizeof world->epoch_file, "%s/epoch", world->folder);
    test_server_empty(server);
    test_server_schema(world, test_tables, ARRAY_COUNT(test_tables));
    world->options.connection = server->connection;
    world->options.key = &test_key;
    world->options.node = "one";
    world->options.node_address = "one.example:8443";
    world->options.epoch_file = world->epoch_file;
}

#endif
