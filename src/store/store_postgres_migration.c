/* store_postgres_migration.c - roles, the store's own tables, and numbered migrations.
 *
 * (M1) A migration is applied in one transaction together with its row in store.migration: a failed or interrupted one
 *      leaves nothing. (M2) What was applied never changes: name and SHA-256 are compared at every open. (M3) A
 * database with more migrations than the folder was written by a newer program and is refused untouched. (M4) Of
 * several nodes that open one database at once, one applies and the others wait (an advisory lock). giro_owner is only
 * needed while something is new: in production the user of the daemon may be a member of giro_engine and giro_read
 * alone, and a migration is run beforehand by another user. */
#include "store/store_postgres_int.h"

#include "platform/digest.h"
#include "store/store_migration.h"

enum { MIGRATION_LOCK = 0x6769726f }; /* "giro" */

static const char own_tables[] =
    "CREATE SCHEMA \"store\";\n"
    "CREATE TABLE \"store\".\"migration\" (number bigint PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL,"
    " applied_at timestamptz NOT NULL DEFAULT now());\n"
    "CREATE TABLE \"store\".\"key\" (one boolean PRIMARY KEY CHECK (one), check_value text NOT NULL);\n"
    "CREATE TABLE \"store\".\"lease\" (one boolean PRIMARY KEY CHECK (one), epoch bigint NOT NULL, node text NOT NULL,"
    " address text NOT NULL, instance bytea NOT NULL, renewed_at timestamptz NOT NULL, released boolean NOT NULL,"
    " backend integer NOT NULL) WITH (fillfactor = 20);\n"
    "INSERT INTO \"store\".\"lease\" VALUES (true, 0, '', '', '', clock_timestamp(), true, 0);\n"
    "CREATE FUNCTION \"store\".\"append_only\"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " RAISE EXCEPTION '%.% is append-only', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'GA001'; END $$;\n"
    /* a batch whose UPDATE or DELETE missed a row does not commit */
    "CREATE FUNCTION \"store\".\"expect\"(met bigint, wanted bigint) RETURNS void LANGUAGE plpgsql AS $$ BEGIN"
    " IF met <> wanted THEN RAISE EXCEPTION 'a row is not there' USING ERRCODE = 'GR001'; END IF; END $$;\n"
    /* a batch under a lease that is not ours any more does not commit; the row stays locked until it has */
    "CREATE FUNCTION \"store\".\"lease_hold\"(held_epoch bigint, holder bytea) RETURNS void LANGUAGE plpgsql AS $$"
    " BEGIN UPDATE \"store\".\"lease\" SET renewed_at = clock_timestamp()"
    " WHERE one AND epoch = held_epoch AND instance = holder AND NOT released;"
    " IF NOT FOUND THEN RAISE EXCEPTION 'the lease is not held' USING ERRCODE = 'GL001'; END IF; END $$;\n"
    "GRANT USAGE ON SCHEMA \"store\" TO giro_engine, giro_read;\n"
    "GRANT SELECT ON \"store\".\"migration\", \"store\".\"key\", \"store\".\"lease\" TO giro_engine, giro_read;\n"
    "GRANT INSERT ON \"store\".\"key\" TO giro_engine;\n"
    "GRANT UPDATE ON \"store\".\"lease\" TO giro_engine;\n";

static const char roles_found[] =
    "SELECT count(*) FROM pg_roles WHERE rolname IN ('giro_owner', 'giro_engine', 'giro_read')";
#define ROLE_MAKE(name)                                                                                                \
    "DO $$ BEGIN CREATE ROLE " name " NOLOGIN;"                                                                        \
    " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
static const char *const roles_make[] = {
    ROLE_MAKE("giro_owner"),
    ROLE_MAKE("giro_engine"),
    ROLE_MAKE("giro_read"),
    "GRANT giro_owner, giro_engine, giro_read TO CURRENT_USER",
};

struct migrator {
    struct postgres_connection *connection;
    struct migrations list;
    struct message *message;
    size_t applied;
    bool changed; /* the store's own tables, or a migration, were new */
};

static int fault_of(const struct postgres_connection *connection) {
    return connection->failure.kind == POSTGRES_ERROR ? -EPROTO : -ENOTCONN;
}

static int refused(struct migrator *migrator, const char *what) {
    const struct postgres_failure *failure = &migrator->connection->failure;
    message_set(migrator->message, "%s: %s", what, failure->text[0] ? failure->text : "the connection was lost");
    return err_origin(fault_of(migrator->connection));
}

static int ask_number(struct migrator *migrator, const char *sql, const char *const *texts, int64_t *ret_value) {
    PGresult *result = NULL;
    if (postgres_ask(migrator->connection, sql, texts, &result))
        return refused(migrator, "the database cannot be read");
    *ret_value = PQntuples(result) ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;
    PQclear(result);
    return 0;
}

static int no_roles(struct migrator *migrator) {
    const PGconn *conn = migrator->connection->conn;
    message_set(migrator->message,
                "the roles giro_owner, giro_engine and giro_read are missing and user %.63s may not make them: as an"
                " administrator run: CREATE ROLE giro_owner; CREATE ROLE giro_engine; CREATE ROLE giro_read;"
                " GRANT giro_owner, giro_engine, giro_read TO %.63s; GRANT CREATE ON DATABASE %.63s TO giro_owner",
                conn ? PQuser(conn) : "", conn ? PQuser(conn) : "", conn ? PQdb(conn) : "");
    return err_origin(-EPERM);
}

static int roles_ensure(struct migrator *migrator) {
    int64_t found = 0;
    int r = ask_number(migrator, roles_found, NULL, &found);
    if (r || found == 3) return err_trace(r);
    for (size_t i = 0; i < ARRAY_COUNT(roles_make); i++) {
        if (postgres_tell(migrator->connection, roles_make[i], POSTGRES_ANSWER_MS) == 0) continue;
        return migrator->connection->failure.kind == POSTGRES_ERROR ? no_roles(migrator)
                                                                    : refused(migrator, "the database went away");
    }
    return 0;
}

/* Acts as giro_owner, who may make schemas in this database if that can be had. */
static int become_owner(struct migrator *migrator) {
    static const char grant[] =
        "DO $$ BEGIN IF NOT has_database_privilege('giro_owner', current_database(), 'CREATE') THEN"
        " EXECUTE format('GRANT CREATE ON DATABASE %I TO giro_owner', current_database()); END IF; END $$";
    if (postgres_tell(migrator->connection, grant, POSTGRES_ANSWER_MS) ||
        postgres_role_set(migrator->connection, "giro_owner"))
        return refused(migrator, "the database has migrations to apply, and its user may not act as giro_owner");
    return 0;
}

static int own_tables_ensure(struct migrator *migrator) {
    int64_t found = 0;
    int r = ask_number(migrator, "SELECT count(*) FROM pg_namespace WHERE nspname = 'store'", NULL, &found);
    if (r || found) return err_trace(r);
    migrator->changed = true;
    r = become_owner(migrator);
    if (r == 0 && postgres_tell(migrator->connection, own_tables, POSTGRES_MIGRATION_MS))
        r = refused(migrator, "the store's own tables cannot be made");
    if (r == 0 && postgres_role_set(migrator->connection, NULL)) r = refused(migrator, "the database went away");
    return err_trace(r);
}

/* ---- A file's statements ---- */

/* Behind the quoted run that begins at at: '...', "...", $tag$...$tag$, or a comment; NULL when none begins there. */
static const char *skip_quoted(const char *at) {
    if (at[0] == '-' && at[1] == '-') return at + strcspn(at, "\n");
    if (at[0] == '/' && at[1] == '*') {
        const char *end = strstr(at + 2, "*/");
        return end ? end + 2 : at + strlen(at);
    }
    if (at[0] == '\'' || at[0] == '"') {
        const char *end = strchr(at + 1, at[0]); /* a doubled quote is the end of one run and the begin of the next */
        return end ? end + 1 : at + strlen(at);
    }
    if (at[0] != '$') return NULL;
    size_t tag = 1 + strspn(at + 1, "abcdefghijklmnopqrstuvwxyz_");
    if (at[tag] != '$') return NULL;
    for (const char *end = at + tag + 1; *end; end++)
        if (strncmp(end, at, tag + 1) == 0) return end + tag + 1;
    return at + strlen(at);
}

static const char *skip_blanks(const char *at) {
    for (;;) {
        at += strspn(at, " \t\r\n;");
        if (!(at[0] == '-' && at[1] == '-') && !(at[0] == '/' && at[1] == '*')) return at;
        at = skip_quoted(at);
    }
}

/* The semicolon, or the end of the text, behind the statement that begins at at. */
static const char *statement_end(const char *at) {
    while (*at && *at != ';') {
        const char *behind = skip_quoted(at);
        at = behind ? behind : at + 1;
    }
    return at;
}

/* A migration that ended its own transaction would break (M1). */
static bool is_forbidden(const char *at) {
    static const char *const words[] = { "begin",     "start",   "commit",  "end", "rollback", "abort",
                                         "savepoint", "release", "prepare", "set", "reset",    "discard" };
    size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    for (size_t i = 0; i < ARRAY_COUNT(words); i++)
        if (str_equal_nocase(str_from_bytes(at, len), str_from_c(words[i]))) return true;
    return false;
}

static int run_text(struct migrator *migrator, size_t number, const char *text) {
    const char *at = text, *end;
    for (; *(at = skip_blanks(at)); at = end) {
        end = statement_end(at);
        size_t len = (size_t)(end - at);
        char *sql = strndup(at, len);
        if (!sql) return err_origin(-ENOMEM);
        bool forbidden = is_forbidden(at),
             failed = forbidden || postgres_tell(migrator->connection, sql, POSTGRES_MIGRATION_MS);
        free(sql);
        if (!failed) continue;
        const struct postgres_failure *failure = &migrator->connection->failure;
        size_t place = forbidden || !failure->position || failure->position > len ? 0 : failure->position - 1;
        message_set(migrator->message, "migration %s/%s, line %zu: %s", migrator->list.folder,
                    migrator->list.files[number - 1].name, migration_line(text, at + place),
                    forbidden          ? "a migration is one transaction: it may not begin, end or set anything"
                    : failure->text[0] ? failure->text
                                       : "the connection was lost");
        return err_origin(forbidden || failure->kind == POSTGRES_ERROR ? -EINVAL : -ENOTCONN);
    }
    return 0;
}

static struct hash text_hash(const struct buffer *text) {
    return sha256(text->at, text->len - 1);
}

static void hash_hex(const struct hash *hash, char hex[65]) {
    for (size_t i = 0; i < sizeof hash->bytes; i++) (void)snprintf(hex + 2 * i, 3, "%02x", hash->bytes[i]);
}

static int apply(struct migrator *migrator, size_t number, const struct buffer *text) {
    char hex[65], digits[24];
    struct hash hash = text_hash(text);
    hash_hex(&hash, hex);
    (void)snprintf(digits, sizeof digits, "%zu", number);
    const char *const values[] = { digits, migrator->list.files[number - 1].name, hex, NULL };
    PGresult *result = NULL;
    if (postgres_tell(migrator->connection, "BEGIN", POSTGRES_ANSWER_MS))
        return refused(migrator, "a migration cannot begin");
    int r = run_text(migrator, number, text->at);
    if (r == 0 && postgres_ask(migrator->connection,
                               "INSERT INTO \"store\".\"migration\" (number, name, sha256) VALUES ($1::bigint, $2, $3)",
                               values, &result))
        r = refused(migrator, "the migration cannot be recorded");
    PQclear(result);
    if (r == 0 && postgres_tell(migrator->connection, "COMMIT", POSTGRES_ANSWER_MS))
        r = refused(migrator, "a migration cannot be committed");
    if (r) postgres_roll_back(migrator->connection);
    return r;
}

static int compare_applied(struct migrator *migrator, struct buffer *text) {
    PGresult *rows = NULL;
    if (postgres_ask(migrator->connection, "SELECT number, name, sha256 FROM \"store\".\"migration\" ORDER BY number",
                     NULL, &rows))
        return refused(migrator, "the store's migrations cannot be read");
    int r = 0, count = PQntuples(rows);
    for (int i = 0; i < count && r == 0; i++) {
        char hex[65];
        int64_t number = strtoll(PQgetvalue(rows, i, 0), NULL, 10);
        if (number != i + 1 || (size_t)number > migrator->list.count) {
            r = migration_is_newer(&migrator->list, number, migrator->message);
            continue;
        }
        r = migration_read(&migrator->list, (size_t)number, text, migrator->message);
        if (r) continue;
        struct hash hash = text_hash(text);
        hash_hex(&hash, hex);
        if (strcmp(hex, PQgetvalue(rows, i, 2)) != 0 ||
            strcmp(migrator->list.files[number - 1].name, PQgetvalue(rows, i, 1)) != 0)
            r = migration_is_changed(&migrator->list, (size_t)number, migrator->message);
    }
    PQclear(rows);
    migrator->applied = (size_t)count;
    return r;
}

static int apply_new(struct migrator *migrator, struct buffer *text) {
    if (migrator->applied >= migrator->list.count) return 0;
    migrator->changed = true;
    int r = become_owner(migrator);
    for (size_t number = migrator->applied + 1; number <= migrator->list.count && r == 0; number++) {
        r = migration_read(&migrator->list, number, text, migrator->message);
        if (r == 0) r = apply(migrator, number, text);
    }
    return err_trace(r);
}

static int migrate_locked(struct migrator *migrator, struct buffer *text) {
    int r = own_tables_ensure(migrator);
    if (r == 0) r = compare_applied(migrator, text);
    if (r == 0) r = apply_new(migrator, text);
    return err_trace(r);
}

int postgres_migrate(struct postgres_connection *connection, const char *folder, bool *ret_applied,
                     struct message *message) {
    struct migrator migrator = { .connection = connection, .message = message };
    struct buffer text;
    char lock[96];
    (void)snprintf(lock, sizeof lock, "SELECT pg_advisory_lock(%d)", MIGRATION_LOCK);
    buffer_init_heap(&text, MIGRATION_BYTES_MAX);
    int r = migrations_list(&migrator.list, folder, message);
    if (r == 0) r = roles_ensure(&migrator);
    if (r == 0 && (postgres_tell(connection, "SET statement_timeout = 0; SET lock_timeout = 0", POSTGRES_ANSWER_MS) ||
                   postgres_tell(connection, lock, POSTGRES_MIGRATION_MS)))
        r = refused(&migrator, "the migrations cannot begin");
    if (r == 0) r = migrate_locked(&migrator, &text);
    buffer_release(&text);
    migrations_release(&migrator.list);
    if (r == 0) *ret_applied = migrator.changed;
    return r;
}

int postgres_migrate_end(struct postgres_connection *connection, struct message *message) {
    struct migrator migrator = { .connection = connection, .message = message };
    char sql[160];
    (void)snprintf(sql, sizeof sql, "SELECT pg_advisory_unlock(%d); SET statement_timeout = %d; SET lock_timeout = %d",
                   MIGRATION_LOCK, POSTGRES_STATEMENT_MS, POSTGRES_LOCK_MS);
    return postgres_tell(connection, sql, POSTGRES_ANSWER_MS) ? refused(&migrator, "the migrations cannot end") : 0;
}
