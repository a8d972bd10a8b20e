/* store_sqlite_connection.c - one SQLite connection with its prepared statements, of one thread at a time. */
#include "store/store_sqlite_int.h"

bool sqlite_is_damage(int code) {
    return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

int sqlite_fault(int code) {
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EBADMSG;
    default:
        return -EIO;
    }
}

static int open_sentence(struct sqlite_connection *connection, const char *path, int code, struct message *message) {
    if (sqlite_is_damage(code))
        message_set(message, "the store %s is damaged (%s): restore it from a backup", path, sqlite3_errstr(code));
    else if ((code & 0xff) == SQLITE_CANTOPEN)
        message_set(message, "the store %s cannot be opened (%s): check that it exists and that its folder is writable",
                    path, strerror(sqlite3_system_errno(connection->db)));
    else if ((code & 0xff) == SQLITE_READONLY)
        message_set(message, "the store %s is not writable: check the permissions of the file and of its folder", path);
    else message_set(message, "the store %s cannot be opened: %s", path, sqlite3_errmsg(connection->db));
    return err_origin(sqlite_fault(code));
}

/* The journal mode that the file really has afterwards is what counts. */
static int journal_mode(sqlite3 *db, enum sqlite_access access, bool *ret_wal) {
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, access == ACCESS_WRITER ? "PRAGMA journal_mode = WAL" : "PRAGMA journal_mode", -1,
                                  &statement, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        const char *mode = (const char *)sqlite3_column_text(statement, 0);
        *ret_wal = mode && strcmp(mode, "wal") == 0;
        code = SQLITE_OK;
    }
    (void)sqlite3_finalize(statement); /* the code of the step stands */
    return code;
}

static int set_pragmas(sqlite3 *db, enum sqlite_access access) {
    char text[512];
    struct buffer sql;
    buffer_init(&sql, text, sizeof text);
    buffer_append_c(&sql, "PRAGMA mmap_size = 0; PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY;"
                          "PRAGMA wal_autocheckpoint = 0; PRAGMA trusted_schema = OFF; PRAGMA synchronous = FULL;");
    buffer_printf(&sql, "PRAGMA cache_size = -%d;",
                  access == ACCESS_WRITER ? (int)STORE_WRITER_CACHE_KIB : (int)STORE_READER_CACHE_KIB);
    if (access == ACCESS_WRITER) buffer_printf(&sql, "PRAGMA journal_size_limit = %d;", (int)STORE_WAL_HARD_BYTES);
    else buffer_append_c(&sql, "PRAGMA query_only = ON;");
    buffer_append_char(&sql, 0);
    check(!sql.overflow);
    int code = sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    return code == SQLITE_OK ? sqlite3_exec(db, text, NULL, NULL, NULL) : code;
}

int sqlite_connection_open(struct sqlite_connection *connection, const char *path, enum sqlite_access access,
                           const struct seal_ring *ring, struct message *message) {
    *connection = (struct sqlite_connection){ 0 };
    if (sqlite3_libversion_number() < STORE_SQLITE_VERSION_MIN) {
        message_set(message, "SQLite %s is too old: 3.37 or newer is needed", sqlite3_libversion());
        return err_origin(-ENOTSUP);
    }
    int flags = access == ACCESS_WRITER ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    int code = sqlite3_open_v2(path, &connection->db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                               sqlite_seal_vfs(ring));
    if (!connection->db) return err_origin(-ENOMEM);
    if (code == SQLITE_OK) {
        int r = sqlite_seal_judge(connection->db, ring, path, message);
        if (r) {
            sqlite_connection_release(connection);
            return err_trace(r);
        }
    }
    bool wal = false;
    if (code == SQLITE_OK) code = sqlite3_busy_timeout(connection->db, STORE_BUSY_MS);
    if (code == SQLITE_OK) code = journal_mode(connection->db, access, &wal);
    if (code == SQLITE_OK) code = set_pragmas(connection->db, access);
    if (code != SQLITE_OK) {
        int r = open_sentence(connection, path, code, message);
        sqlite_connection_release(connection);
        return r;
    }
    if (!wal) {
        message_set(message, "the store %s is not in write-ahead mode: its file system must allow shared memory", path);
        sqlite_connection_release(connection);
        return err_origin(-ENOTSUP);
    }
    return 0;
}

static int prepare(sqlite3 *db, struct buffer *sql, sqlite3_stmt **ret_statement) {
    check(!sql->overflow);
    int code = sqlite3_prepare_v3(db, sql->at, (int)sql->len, SQLITE_PREPARE_PERSISTENT, ret_statement, NULL);
    buffer_reset(sql);
    return code;
}

static int prepare_c(sqlite3 *db, const char *text, sqlite3_stmt **ret_statement) {
    return sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, ret_statement, NULL);
}

/* The writer's, so that the first command need not wait. A reader prepares what it uses: a process has dozens of them.
 */
static int prepare_table(struct sqlite_connection *connection, size_t at, struct buffer *sql) {
    const struct table *table = connection->catalog->tables[at];
    struct sqlite_statements *statements = &connection->tables[at];
    int code = SQLITE_OK;
    for (uint8_t i = 0; i < table->index_count && code == SQLITE_OK; i++) {
        if (!table->indexes[i].unique) continue;
        sqlite_sql_select(table, i, sql);
        code = prepare(connection->db, sql, &statements->select[i]);
    }
    if (code != SQLITE_OK) return code;
    sqlite_sql_insert(table, sql);
    code = prepare(connection->db, sql, &statements->insert);
    if (code != SQLITE_OK || table->append_only) return code;
    sqlite_sql_update(table, sql);
    code = prepare(connection->db, sql, &statements->update);
    if (code != SQLITE_OK) return code;
    sqlite_sql_erase(table, sql);
    return prepare(connection->db, sql, &statements->erase);
}

int sqlite_connection_prepare(struct sqlite_connection *connection, const struct store_catalog *catalog,
                              enum sqlite_access access, struct message *message) {
    char text[STORE_STATEMENT_BYTES_MAX];
    struct buffer sql;
    buffer_init(&sql, text, sizeof text);
    connection->catalog = catalog;
    connection->tables = calloc(catalog->count + 1, sizeof *connection->tables);
    if (!connection->tables) return err_origin(-ENOMEM);
    int code = prepare_c(connection->db, "BEGIN", &connection->begin);
    if (code == SQLITE_OK) code = prepare_c(connection->db, "BEGIN IMMEDIATE", &connection->begin_immediate);
    if (code == SQLITE_OK) code = prepare_c(connection->db, "COMMIT", &connection->commit);
    if (code == SQLITE_OK) code = prepare_c(connection->db, "ROLLBACK", &connection->rollback);
    if (code == SQLITE_OK) code = prepare_c(connection->db, "SELECT 1 FROM sqlite_schema LIMIT 1", &connection->pin);
    for (size_t i = 0; i < catalog->count && access == ACCESS_WRITER && code == SQLITE_OK; i++)
        code = prepare_table(connection, i, &sql);
    if (code == SQLITE_OK) return 0;
    message_set(message, "the store's statements cannot be prepared: %s", sqlite3_errmsg(connection->db));
    return err_origin(sqlite_fault(code));
}

void sqlite_connection_release(struct sqlite_connection *connection) {
    for (size_t i = 0; connection->tables && i < connection->catalog->count; i++) {
        struct sqlite_statements *statements = &connection->tables[i];
        for (size_t j = 0; j < TABLE_INDEXES_MAX; j++) (void)sqlite3_finalize(statements->select[j]);
        for (size_t j = 0; j < STORE_SHAPES; j++) (void)sqlite3_finalize(statements->ranges[j]);
        (void)sqlite3_finalize(statements->insert);
        (void)sqlite3_finalize(statements->update);
        (void)sqlite3_finalize(statements->erase);
    }
    free(connection->tables);
    sqlite3_stmt *const own[] = { connection->begin, connection->begin_immediate, connection->commit,
                                  connection->rollback, connection->pin };
    /* repeats the last step's code only */
    for (size_t i = 0; i < ARRAY_COUNT(own); i++) (void)sqlite3_finalize(own[i]);
    check(sqlite3_close(connection->db) == SQLITE_OK); /* only a statement left behind could refuse it */
    *connection = (struct sqlite_connection){ 0 };
}

int sqlite_run(sqlite3_stmt *statement) {
    int code = sqlite3_step(statement);
    int reset = sqlite3_reset(statement);
    return code == SQLITE_DONE || code == SQLITE_ROW ? reset : code;
}

void sqlite_bind_column(sqlite3_stmt *statement, int parameter, const struct column *column, const void *row) {
    struct str text;
    int code = SQLITE_OK;
    switch (column->type) {
    case COLUMN_I64:
        code = sqlite3_bind_int64(statement, parameter, column_i64(column, row));
        break;
    case COLUMN_ID:
        code = sqlite3_bind_blob(statement, parameter, column_bytes(column, row), 16, SQLITE_STATIC);
        break;
    case COLUMN_HASH:
        code = sqlite3_bind_blob(statement, parameter, column_bytes(column, row), 32, SQLITE_STATIC);
        break;
    case COLUMN_TEXT:
        text = column_str(column, row);
        code = sqlite3_bind_text64(statement, parameter, text.len ? text.at : "", text.len, SQLITE_STATIC, SQLITE_UTF8);
        break;
    case COLUMN_BLOB: /* no address would bind NULL */
        text = column_str(column, row);
        code = sqlite3_bind_blob64(statement, parameter, text.len ? text.at : "", text.len, SQLITE_STATIC);
        break;
    }
    check(code == SQLITE_OK); /* static binding allocates nothing: only a wrong parameter number can fail */
}

static int read_column(sqlite3_stmt *statement, int at, const struct column *column, void *row, struct arena *arena) {
    char *to = (char *)row + column->offset;
    if (column->type == COLUMN_I64) {
        int64_t value = sqlite3_column_int64(statement, at);
        memcpy(to, &value, sizeof value);
        return 0;
    }
    const void *bytes = sqlite3_column_blob(statement, at);
    size_t len = (size_t)sqlite3_column_bytes(statement, at);
    if (column->type == COLUMN_ID || column->type == COLUMN_HASH) {
        if (!bytes || len != (column->type == COLUMN_ID ? 16u : 32u)) return err_origin(-EBADMSG);
        memcpy(to, bytes, len);
        return 0;
    }
    struct str text = arena_dup(arena, str_from_bytes(bytes, bytes ? len : 0));
    if (!text.at) return err_origin(-ENOMEM);
    memcpy(to, &text, sizeof text);
    return 0;
}

static int read_row(sqlite3_stmt *statement, const struct table *table, struct arena *arena, void **ret_row) {
    void *row = arena_alloc(arena, table->row_bytes);
    if (!row) return err_origin(-ENOMEM);
    for (int i = 0; i < table->column_count; i++) {
        int r = read_column(statement, i, &table->columns[i], row, arena);
        if (r) return err_trace(r);
    }
    *ret_row = row;
    return 0;
}

/* The statement that finds a row by the index. 0 or <0. */
static int find_select(struct sqlite_connection *connection, const struct store_probe *probe,
                       sqlite3_stmt **ret_statement) {
    size_t at = store_catalog_find(connection->catalog, probe->table);
    sqlite3_stmt **slot = &connection->tables[at].select[probe->index];
    if (!*slot) {
        char text[STORE_STATEMENT_BYTES_MAX];
        struct buffer sql;
        buffer_init(&sql, text, sizeof text);
        sqlite_sql_select(probe->table, probe->index, &sql);
        int code = prepare(connection->db, &sql, slot);
        if (code != SQLITE_OK) return err_origin(sqlite_fault(code));
    }
    *ret_statement = *slot;
    return 0;
}

static int load_one(struct sqlite_connection *connection, struct store_probe *probe, struct arena *arena) {
    const struct table *table = probe->table;
    const struct table_index *index = &table->indexes[probe->index];
    sqlite3_stmt *statement;
    int r = find_select(connection, probe, &statement);
    if (r) return err_trace(r);
    for (uint8_t i = 0; i < index->column_count; i++)
        sqlite_bind_column(statement, i + 1, &table->columns[index->columns[i]], probe->row);
    void *row = NULL;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) r = read_row(statement, table, arena, &row);
    else if (code != SQLITE_DONE) r = err_origin(sqlite_fault(code));
    (void)sqlite3_reset(statement); /* repeats the step's code */
    if (r == 0) probe->ret_row = row;
    return r;
}

int sqlite_load(struct sqlite_connection *connection, struct store_probe *probes, size_t count, struct arena *arena,
                bool inside) {
    int code = inside ? SQLITE_OK : sqlite_run(connection->begin);
    if (code != SQLITE_OK) return err_origin(sqlite_fault(code));
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++) r = load_one(connection, &probes[i], arena);
    /* nothing was written */
    if (!inside && !sqlite3_get_autocommit(connection->db)) (void)sqlite_run(connection->rollback);
    return r;
}

static int shape_statement(struct sqlite_connection *connection, const struct store_range *range,
                           sqlite3_stmt **ret_statement) {
    struct sqlite_shape shape = { range->index, range->equal_columns, range->bounded, range->descending };
    size_t at = ((size_t)shape.index * (TABLE_KEY_COLUMNS_MAX + 1) + shape.equal_columns) * 4;
    at += (shape.bounded ? 2u : 0u) + (shape.descending ? 1u : 0u);
    sqlite3_stmt **slot = &connection->tables[store_catalog_find(connection->catalog, range->table)].ranges[at];
    if (!*slot) {
        char text[STORE_STATEMENT_BYTES_MAX];
        struct buffer sql;
        buffer_init(&sql, text, sizeof text);
        sqlite_sql_range(range->table, shape, &sql);
        int code = prepare(connection->db, &sql, slot);
        if (code != SQLITE_OK) return err_origin(sqlite_fault(code));
    }
    *ret_statement = *slot;
    return 0;
}

int sqlite_walk(struct sqlite_connection *connection, const struct store_range *range, struct arena *arena,
                int (*each)(void *ctx, const void *row), void *ctx) {
    sqlite3_stmt *statement;
    int r = shape_statement(connection, range, &statement);
    if (r) return err_trace(r);
    const struct table_index *index = &range->table->indexes[range->index];
    int columns = range->equal_columns + (range->bounded ? 1 : 0);
    for (int i = 0; i < columns; i++)
        sqlite_bind_column(statement, i + 1, &range->table->columns[index->columns[i]], range->row);
    check(sqlite3_bind_int64(statement, columns + 1, range->limit) == SQLITE_OK);
    int code = SQLITE_ROW;
    while (r == 0 && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        void *row;
        r = read_row(statement, range->table, arena, &row);
        if (r == 0) r = each(ctx, row);
    }
    if (r == 0 && code != SQLITE_DONE) r = err_origin(sqlite_fault(code));
    (void)sqlite3_reset(statement); /* repeats the step's code */
    return r;
}
