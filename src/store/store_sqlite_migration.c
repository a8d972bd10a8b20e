/* store_sqlite_migration.c - numbered migrations of the embedded store.
 *
 * (M1) Files NNNN_name.sql count from 0001 without a gap. Each is applied in one transaction together with its row in
 *      store_migration, so a failed or interrupted one leaves nothing.
 * (M2) What was applied never changes: its name and SHA-256 are compared at every open.
 * (M3) A store with more migrations than the folder was written by a newer program and is refused untouched. */
#include "store/store_sqlite_int.h"

#include "platform/digest.h"
#include "store/store_migration.h"

struct migrator {
    sqlite3 *db;
    struct migrations list;
    struct message *message;
};

static const char create_sql[] =
    "CREATE TABLE IF NOT EXISTS store_migration (number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL,"
    " sha256 BLOB NOT NULL CHECK (length(sha256) = 32)) STRICT";

/* A migration that ended its own transaction, or reached beyond this database, would break (M1).
 * tidy: parameters because SQLite calls it with these six. */
static int authorize(void *ctx, int action, const char *a, const char *b, const char *c, const char *d) {
    (void)ctx, (void)a, (void)b, (void)c, (void)d;
    bool refused = action == SQLITE_TRANSACTION || action == SQLITE_SAVEPOINT || action == SQLITE_ATTACH ||
                   action == SQLITE_DETACH || action == SQLITE_PRAGMA;
    return refused ? SQLITE_DENY : SQLITE_OK;
}

static const char *skip_blanks(const char *at) {
    return at + strspn(at, " \t\r\n");
}

static int run_text(struct migrator *migrator, const char *name, const char *text) {
    int code = SQLITE_OK;
    const char *at = text, *failed = text;
    while (code == SQLITE_OK && *(at = skip_blanks(at))) {
        sqlite3_stmt *statement = NULL;
        failed = at;
        code = sqlite3_prepare_v2(migrator->db, at, -1, &statement, &at);
        if (code != SQLITE_OK && sqlite3_error_offset(migrator->db) > 0) failed += sqlite3_error_offset(migrator->db);
        if (code != SQLITE_OK || !statement) continue; /* only a comment */
        do code = sqlite3_step(statement);
        while (code == SQLITE_ROW);
        (void)sqlite3_finalize(statement); /* repeats the step's code */
        if (code == SQLITE_DONE) code = SQLITE_OK;
    }
    if (code == SQLITE_OK) return 0;
    message_set(migrator->message, "migration %s/%s, line %zu: %s", migrator->list.folder, name,
                migration_line(text, failed),
                sqlite3_errmsg(migrator->db));
    return err_origin(-EINVAL);
}

static int step_fault(struct migrator *migrator, int code, const char *what) {
    message_set(migrator->message, "%s: %s", what, sqlite3_errmsg(migrator->db));
    return err_origin(sqlite_fault(code));
}

static int record(struct migrator *migrator, size_t number, const struct hash *hash) {
    sqlite3_stmt *statement = NULL;
    const char *name = migrator->list.files[number - 1].name;
    int code = sqlite3_prepare_v2(migrator->db, "INSERT INTO store_migration VALUES (?1, ?2, ?3)", -1, &statement,
                                  NULL);
    if (code == SQLITE_OK) code = sqlite3_bind_int64(statement, 1, (sqlite3_int64)number);
    if (code == SQLITE_OK) code = sqlite3_bind_text(statement, 2, name, -1, SQLITE_STATIC);
    if (code == SQLITE_OK) code = sqlite3_bind_blob(statement, 3, hash->bytes, sizeof hash->bytes, SQLITE_STATIC);
    if (code == SQLITE_OK) code = sqlite3_step(statement);
    (void)sqlite3_finalize(statement); /* repeats the step's code */
    return code == SQLITE_DONE ? 0 : step_fault(migrator, code, "the migration cannot be recorded");
}

static int apply(struct migrator *migrator, size_t number, const struct buffer *text) {
    int code = sqlite3_exec(migrator->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (code != SQLITE_OK) return step_fault(migrator, code, "a migration cannot begin");
    (void)sqlite3_set_authorizer(migrator->db, authorize, NULL); /* a setting; cannot fail */
    int r = run_text(migrator, migrator->list.files[number - 1].name, text->at);
    (void)sqlite3_set_authorizer(migrator->db, NULL, NULL);
    struct hash hash = sha256(text->at, text->len - 1);
    if (r == 0) r = record(migrator, number, &hash);
    if (r == 0) {
        code = sqlite3_exec(migrator->db, "COMMIT", NULL, NULL, NULL);
        if (code != SQLITE_OK) r = step_fault(migrator, code, "a migration cannot be committed");
    }
    /* r stands */
    if (!sqlite3_get_autocommit(migrator->db)) (void)sqlite3_exec(migrator->db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

/* Compares the row of an applied migration with its file. */
static int compare(struct migrator *migrator, sqlite3_stmt *row, size_t number, struct buffer *text) {
    const char *name = migrator->list.files[number - 1].name, *applied = (const char *)sqlite3_column_text(row, 1);
    int r = migration_read(&migrator->list, number, text, migrator->message);
    if (r) return err_trace(r);
    struct hash hash = sha256(text->at, text->len - 1);
    const void *recorded = sqlite3_column_blob(row, 2);
    bool same = applied && strcmp(applied, name) == 0 && sqlite3_column_bytes(row, 2) == 32 && recorded &&
                memcmp(recorded, hash.bytes, 32) == 0;
    return same ? 0 : migration_is_changed(&migrator->list, number, migrator->message);
}

static int compare_applied(struct migrator *migrator, struct buffer *text, size_t *ret_applied) {
    sqlite3_stmt *rows = NULL;
    int r = 0, code = sqlite3_prepare_v2(migrator->db,
                                         "SELECT number, name, sha256 FROM store_migration ORDER BY number", -1,
                                         &rows, NULL);
    size_t applied = 0;
    while (code == SQLITE_OK && r == 0 && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        code = SQLITE_OK;
        applied++;
        if (sqlite3_column_int64(rows, 0) != (sqlite3_int64)applied || applied > migrator->list.count) {
            r = migration_is_newer(&migrator->list, sqlite3_column_int64(rows, 0), migrator->message);
            continue;
        }
        r = compare(migrator, rows, applied, text);
    }
    if (r == 0 && code != SQLITE_DONE) r = step_fault(migrator, code, "the store's migrations cannot be read");
    (void)sqlite3_finalize(rows); /* repeats the step's code */
    if (r == 0) *ret_applied = applied;
    return r;
}

static int migrate(struct migrator *migrator, struct buffer *text) {
    int code = sqlite3_exec(migrator->db, create_sql, NULL, NULL, NULL);
    if (code != SQLITE_OK) return step_fault(migrator, code, "the store cannot be written");
    size_t applied = 0;
    int r = compare_applied(migrator, text, &applied);
    for (size_t number = applied + 1; number <= migrator->list.count && r == 0; number++) {
        r = migration_read(&migrator->list, number, text, migrator->message);
        if (r == 0) r = apply(migrator, number, text);
    }
    return r;
}

int sqlite_migrate(sqlite3 *db, const char *folder, struct message *message) {
    struct migrator migrator = { .db = db, .message = message };
    struct buffer text;
    buffer_init_heap(&text, MIGRATION_BYTES_MAX);
    int r = migrations_list(&migrator.list, folder, message);
    if (r == 0) r = migrate(&migrator, &text);
    buffer_release(&text);
    migrations_release(&migrator.list);
    return r;
}
