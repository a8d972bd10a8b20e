/* store_postgres_connection.c - one libpq connection of one thread at a time.
 *
 * (C1) Whatever was sent is answered, or the connection is given up: no answer of one pipeline is taken for another's.
 * (C2) Nothing waits for ever: a server that is silent for POSTGRES_ANSWER_MS is taken for lost.
 * (C3) Values go only as binary parameters, and the server is asked not to write them to its log. */
#include "store/store_postgres_int.h"

#include <poll.h>

#include "platform/clock.h"

/* What a session sets, in one round trip. A setting that asks for rights which the user has not stays as the server's
 * owner set it. Weaker levels of synchronous_commit lose what was acknowledged; remote_apply is stronger and stays. */
#define SET_IF_ALLOWED(name, value)                                                                                    \
    "BEGIN PERFORM set_config('" name "', '" value "', false);"                                                        \
    " EXCEPTION WHEN insufficient_privilege OR undefined_object THEN NULL; END;"
static const char settings[] =
    "SET client_min_messages = 'warning'; SET statement_timeout = 10000; SET lock_timeout = 4000;"
    "SET idle_in_transaction_session_timeout = 0; SET jit = off; SET plan_cache_mode = force_generic_plan;"
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off;"
    "SET bytea_output = 'hex'; SET log_parameter_max_length_on_error = 0; SET tcp_keepalives_idle = 2;"
    "SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3; SET tcp_user_timeout = 5000;"
    "SET client_connection_check_interval = 2000; SET search_path = 'pg_catalog';"
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply');"
    "DO $do$ BEGIN " SET_IF_ALLOWED("log_min_error_statement", "panic") SET_IF_ALLOWED("log_error_verbosity", "terse")
        SET_IF_ALLOWED("log_statement", "none") SET_IF_ALLOWED("log_min_duration_statement", "-1")
            SET_IF_ALLOWED("log_duration", "off") SET_IF_ALLOWED("log_parameter_max_length", "0") "END $do$";
static_assert(POSTGRES_STATEMENT_MS == 10000 && POSTGRES_LOCK_MS == 4000, "as in the settings");

static void on_notice(void *ctx, const PGresult *result) {
    struct postgres_connection *connection = ctx;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity && strcmp(severity, "WARNING") == 0) connection->warned = true;
    /* said to an idle connection: the server's farewell */
    if (severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0)) connection->ending = true;
}

void postgres_disconnect(struct postgres_connection *connection) {
    PQfinish(connection->conn); /* takes NULL */
    connection->conn = NULL;
    connection->ending = false;
    connection->expected_count = 0;
    if (connection->prepared) memset(connection->prepared, 0, connection->catalog->count * POSTGRES_SLOTS + 1);
}

void postgres_release(struct postgres_connection *connection) {
    postgres_disconnect(connection);
    if (connection->bytes.at) secret_wipe(connection->bytes.at, connection->bytes.len);
    buffer_release(&connection->bytes);
    buffer_release(&connection->text);
    free(connection->prepared);
    free(connection->expected);
    *connection = (struct postgres_connection){ 0 };
}

static void note_lost(struct postgres_connection *connection, size_t at) {
    if (connection->failure.kind == POSTGRES_FINE)
        connection->failure = (struct postgres_failure){ .kind = POSTGRES_LOST, .at = at };
}

static void copy_text(char *to, size_t bytes, const char *from) {
    size_t len = from ? strnlen(from, bytes - 1) : 0;
    if (len) memcpy(to, from, len);
    to[len] = 0;
}

static void note_failure(struct postgres_connection *connection, size_t at, const PGresult *result) {
    struct postgres_failure *failure = &connection->failure;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *place = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    if (failure->kind != POSTGRES_FINE) return;
    *failure = (struct postgres_failure){ .kind = POSTGRES_LOST, .at = at };
    if (!state || !severity) return; /* libpq's own words: the connection is gone */
    failure->kind = strcmp(severity, "ERROR") == 0 ? POSTGRES_ERROR : POSTGRES_FATAL;
    copy_text(failure->state, sizeof failure->state, state);
    copy_text(failure->text, sizeof failure->text, PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
    failure->position = place ? strtoul(place, NULL, 10) : 0;
}

/* Until the next result can be taken without waiting, or, wanted being false, until all has left. */
static bool await(struct postgres_connection *connection, bool result_wanted) {
    for (;;) {
        int pending = PQflush(connection->conn);
        /* a failed write still lets the server's last words be read */
        if (result_wanted ? !PQisBusy(connection->conn) : pending <= 0) return result_wanted || pending == 0;
        int64_t left_ms = connection->deadline_ms - clock_mono_ms();
        struct pollfd poller = { .fd = PQsocket(connection->conn), .events = POLLIN };
        if (pending > 0) poller.events |= POLLOUT;
        if (poller.fd < 0 || left_ms <= 0) return false;
        int ready = poll(&poller, 1, (int)left_ms);
        if (ready < 0 && errno != EINTR) return false;
        if (ready > 0 && poller.revents & ~POLLOUT && !PQconsumeInput(connection->conn) && !result_wanted) return false;
    }
}

bool postgres_is_alive(struct postgres_connection *connection) {
    if (!connection->conn) return false;
    struct pollfd poller = { .fd = PQsocket(connection->conn), .events = POLLIN };
    bool alive = PQstatus(connection->conn) == CONNECTION_OK && poller.fd >= 0;
    while (alive && poll(&poller, 1, 0) > 0) { /* notices; the server's farewell and the end behind it */
        alive = PQconsumeInput(connection->conn) == 1;
        (void)PQisBusy(connection->conn); /* reads what came */
        alive = alive && PQstatus(connection->conn) == CONNECTION_OK && !connection->ending;
    }
    if (!alive) postgres_disconnect(connection);
    return alive;
}

/* The last result of one simple or extended statement. */
static int last_result(struct postgres_connection *connection, PGresult **ret_result) {
    PGresult *last = NULL;
    for (;;) {
        if (!await(connection, true)) break;
        PGresult *result = PQgetResult(connection->conn);
        if (!result) break;
        ExecStatusType status = PQresultStatus(result);
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) note_failure(connection, 0, result);
        PQclear(last);
        last = result;
    }
    if (PQisBusy(connection->conn) || !last) note_lost(connection, 0);
    if (connection->failure.kind == POSTGRES_FINE) {
        *ret_result = last;
        return 0;
    }
    PQclear(last);
    if (connection->failure.kind != POSTGRES_ERROR) postgres_disconnect(connection);
    return POSTGRES_E_FAILED;
}

static int run(struct postgres_connection *connection, const char *sql, const char *const *texts, int64_t time_ms,
               PGresult **ret_result) {
    connection->failure = (struct postgres_failure){ 0 };
    connection->deadline_ms = clock_mono_ms() + time_ms;
    if (!connection->conn) {
        note_lost(connection, 0);
        return POSTGRES_E_FAILED;
    }
    int count = 0;
    while (texts && texts[count]) count++;
    int sent = texts ? PQsendQueryParams(connection->conn, sql, count, NULL, texts, NULL, NULL, 0)
                     : PQsendQuery(connection->conn, sql);
    if (sent) return last_result(connection, ret_result);
    note_lost(connection, 0);
    postgres_disconnect(connection);
    return POSTGRES_E_FAILED;
}

int postgres_ask(struct postgres_connection *connection, const char *sql, const char *const *texts,
                 PGresult **ret_result) {
    return run(connection, sql, texts, POSTGRES_ANSWER_MS, ret_result);
}

int postgres_tell(struct postgres_connection *connection, const char *sql, int64_t time_ms) {
    PGresult *result = NULL;
    int r = run(connection, sql, NULL, time_ms, &result);
    if (r == 0) PQclear(result);
    return r;
}

int postgres_role_set(struct postgres_connection *connection, const char *role) {
    char sql[64];
    (void)snprintf(sql, sizeof sql, role ? "SET ROLE %s" : "RESET ROLE", role); /* our own short names */
    return postgres_tell(connection, sql, POSTGRES_ANSWER_MS);
}

int postgres_act_as(struct postgres_connection *connection, const char *role, struct message *message) {
    if (postgres_role_set(connection, role) == 0) return 0;
    message_set(message, "the database's user may not act as %s: as an administrator run: GRANT %s TO its name", role,
                role);
    int r = err_origin(connection->failure.kind == POSTGRES_ERROR ? -EPERM : -ENOTCONN);
    postgres_disconnect(connection);
    return r;
}

/* libpq's sentence on one line. */
static void connect_sentence(const PGconn *conn, struct message *message) {
    char text[MESSAGE_BYTES_MAX - 64];
    copy_text(text, sizeof text, PQerrorMessage(conn));
    for (char *at = text; *at; at++)
        if (*at == '\n') *at = ' ';
    message_set(message, "the database cannot be reached: %s", text);
}

static int open_conn(struct postgres_connection *connection, const struct postgres_access *access,
                     struct message *message) {
    char name[STORE_NODE_BYTES_MAX + 8];
    (void)snprintf(name, sizeof name, "giro %s", access->node ? access->node : ""); /* fits, or is cut */
    /* what stands before dbname, the connection string, is its owner's to change */
    const char *const words[] = { "connect_timeout",  "keepalives",       "keepalives_idle", "keepalives_interval",
                                  "keepalives_count", "tcp_user_timeout", "gssencmode",      "target_session_attrs",
                                  "dbname",           "application_name", "client_encoding", NULL };
    const char *const values[] = { "3",  "1",    "2", "1", "3", "5000", "disable", "read-write", access->connection,
                                   name, "UTF8", NULL };
    static_assert(POSTGRES_CONNECT_SECONDS == 3, "as in the values");
    connection->conn = PQconnectdbParams(words, values, 1);
    if (!connection->conn) return err_origin(-ENOMEM);
    if (PQstatus(connection->conn) != CONNECTION_OK || PQsetnonblocking(connection->conn, 1) != 0) {
        connect_sentence(connection->conn, message);
        return err_origin(-ENOTCONN);
    }
    (void)PQsetNoticeReceiver(connection->conn, on_notice, connection);
    if (PQserverVersion(connection->conn) >= POSTGRES_VERSION_MIN) return 0;
    message_set(message, "the database is PostgreSQL %d: 15 or newer is needed",
                PQserverVersion(connection->conn) / 10000);
    return err_origin(-ENOTSUP);
}

static int make_room(struct postgres_connection *connection, const struct store_catalog *catalog) {
    check(!connection->conn);
    connection->catalog = catalog;
    if (connection->prepared) return 0;
    connection->prepared = calloc(catalog->count * POSTGRES_SLOTS + 1, sizeof(bool));
    if (!connection->prepared) return err_origin(-ENOMEM);
    buffer_init_heap(&connection->bytes, POSTGRES_PARAMETER_BYTES_MAX);
    buffer_init_heap(&connection->text, POSTGRES_STATEMENT_BYTES_MAX);
    return 0;
}

PGconn *postgres_detach(struct postgres_connection *connection) {
    PGconn *conn = connection->conn;
    connection->conn = NULL;
    return conn;
}

int postgres_attach(struct postgres_connection *connection, const struct store_catalog *catalog, PGconn *conn) {
    int r = make_room(connection, catalog);
    if (r) {
        PQfinish(conn);
        return err_trace(r);
    }
    connection->conn = conn;
    (void)PQsetNoticeReceiver(conn, on_notice, connection);
    return 0;
}

int postgres_connect(struct postgres_connection *connection, const struct store_catalog *catalog,
                     const struct postgres_access *access, struct message *message) {
    int r = make_room(connection, catalog);
    if (r == 0) r = open_conn(connection, access, message);
    if (r == 0 && postgres_tell(connection, settings, POSTGRES_ANSWER_MS)) {
        message_set(message, "the database refuses a setting of the session: %s", connection->failure.text);
        r = err_origin(connection->failure.kind == POSTGRES_ERROR ? -EACCES : -ENOTCONN);
    }
    if (r) postgres_disconnect(connection);
    return r == 0 && access->role ? err_trace(postgres_act_as(connection, access->role, message)) : r;
}

/* ---- Pipeline ---- */

static int pipeline_broken(struct postgres_connection *connection, size_t tag) {
    note_lost(connection, tag);
    postgres_disconnect(connection);
    return POSTGRES_E_FAILED;
}

int postgres_pipeline_begin(struct postgres_connection *connection) {
    connection->failure = (struct postgres_failure){ 0 };
    connection->warned = false;
    connection->expected_count = 0;
    connection->deadline_ms = clock_mono_ms() + POSTGRES_ANSWER_MS;
    if (!connection->conn || PQenterPipelineMode(connection->conn) != 1) return pipeline_broken(connection, 0);
    return 0;
}

static bool expect(struct postgres_connection *connection, struct postgres_expected expected) {
    if (connection->expected_count == connection->expected_max) {
        size_t wanted = connection->expected_max ? connection->expected_max * 2 : 64;
        struct postgres_expected *grown = realloc(connection->expected, wanted * sizeof *grown);
        if (!grown) return false;
        connection->expected = grown;
        connection->expected_max = wanted;
    }
    connection->expected[connection->expected_count++] = expected;
    return true;
}

int postgres_pipeline_text(struct postgres_connection *connection, size_t tag, const char *sql) {
    if (PQsendQueryParams(connection->conn, sql, 0, NULL, NULL, NULL, NULL, 1) != 1 ||
        !expect(connection, (struct postgres_expected){ .tag = tag }))
        return pipeline_broken(connection, tag);
    return 0;
}

static bool prepare(struct postgres_connection *connection, size_t tag, size_t slot, const char *name) {
    Oid types[POSTGRES_PARAMETERS_MAX];
    buffer_reset(&connection->text);
    int count = postgres_sql(connection->catalog, slot, &connection->text, types);
    buffer_append_char(&connection->text, 0);
    check(!connection->text.overflow);
    return PQsendPrepare(connection->conn, name, connection->text.at, count, types) == 1 &&
           expect(connection, (struct postgres_expected){ .tag = tag, .slot = slot, .preparing = true });
}

int postgres_pipeline_send(struct postgres_connection *connection, size_t tag, size_t slot,
                           const struct postgres_parameters *parameters) {
    const char *values[POSTGRES_PARAMETERS_MAX];
    int lengths[POSTGRES_PARAMETERS_MAX], formats[POSTGRES_PARAMETERS_MAX];
    char name[32];
    (void)snprintf(name, sizeof name, "s%zu", slot); /* fits */
    for (int i = 0; i < parameters->count; i++) {
        values[i] = connection->bytes.at + parameters->at[i];
        lengths[i] = (int)(parameters->at[i + 1] - parameters->at[i]);
        formats[i] = 1;
    }
    bool sent = connection->prepared[slot] || prepare(connection, tag, slot, name);
    connection->prepared[slot] = true; /* taken back when the server says otherwise */
    sent = sent && PQsendQueryPrepared(connection->conn, name, parameters->count, values, lengths, formats, 1) == 1 &&
           expect(connection, (struct postgres_expected){ .tag = tag, .slot = slot });
    return sent ? 0 : pipeline_broken(connection, tag);
}

int postgres_pipeline_lease(struct postgres_connection *connection, size_t tag,
                            const struct postgres_parameters *parameters) {
    return postgres_pipeline_send(connection, tag, postgres_slot_lease(connection->catalog), parameters);
}

int postgres_pipeline_flush(struct postgres_connection *connection) {
    return await(connection, false) ? 0 : pipeline_broken(connection, 0);
}

/* One statement's result and the NULL behind it. False: no answer will come any more. */
static bool take_result(struct postgres_connection *connection, const struct postgres_expected *expected,
                        PGresult **ret_result) {
    PGresult *result = await(connection, true) ? PQgetResult(connection->conn) : NULL;
    ExecStatusType status = result ? PQresultStatus(result) : PGRES_FATAL_ERROR;
    bool fine = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (!result) note_lost(connection, expected->tag);
    else if (!fine && status != PGRES_PIPELINE_ABORTED) note_failure(connection, expected->tag, result);
    if (!fine && expected->preparing) connection->prepared[expected->slot] = false;
    if (!fine || expected->preparing) {
        PQclear(result);
        result = NULL;
    }
    enum postgres_failure_kind kind = connection->failure.kind;
    bool goes_on = kind == POSTGRES_FINE || kind == POSTGRES_ERROR;
    if (goes_on && (!await(connection, true) || PQgetResult(connection->conn))) {
        note_lost(connection, expected->tag); /* more than one result: not what was asked for */
        goes_on = false;
    }
    *ret_result = result;
    return goes_on;
}

static bool pipeline_end(struct postgres_connection *connection) {
    PGresult *result = await(connection, true) ? PQgetResult(connection->conn) : NULL;
    bool synced = result && PQresultStatus(result) == PGRES_PIPELINE_SYNC;
    PQclear(result);
    return synced && PQexitPipelineMode(connection->conn) == 1;
}

int postgres_pipeline_collect(struct postgres_connection *connection,
                              int (*each)(void *ctx, size_t tag, const PGresult *result), void *ctx) {
    if (PQpipelineSync(connection->conn) != 1) return pipeline_broken(connection, 0);
    int r = 0;
    bool goes_on = true;
    for (size_t i = 0; i < connection->expected_count && goes_on; i++) {
        PGresult *result = NULL;
        goes_on = take_result(connection, &connection->expected[i], &result);
        if (result && r == 0 && each && connection->failure.kind == POSTGRES_FINE)
            r = each(ctx, connection->expected[i].tag, result);
        PQclear(result);
    }
    if (!goes_on || !pipeline_end(connection)) {
        note_lost(connection,
                  connection->expected_count ? connection->expected[connection->expected_count - 1].tag : 0);
        postgres_disconnect(connection);
    }
    if (r) return r;
    return connection->failure.kind == POSTGRES_FINE ? 0 : POSTGRES_E_FAILED;
}

void postgres_roll_back(struct postgres_connection *connection) {
    if (!connection->conn || PQtransactionStatus(connection->conn) == PQTRANS_IDLE) return;
    struct postgres_failure failure = connection->failure;
    if (postgres_tell(connection, "ROLLBACK", POSTGRES_ANSWER_MS)) postgres_disconnect(connection);
    connection->failure = failure;
}
