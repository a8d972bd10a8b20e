/* store_postgres_setup.c - what options and database must be before the store is used. */
#include "store/store_postgres_int.h"

static int wrong(struct message *message, const char *text) {
    message_set(message, "%s", text);
    return err_origin(-EINVAL);
}

/* libpq says what it cannot read by repeating it: a URI whole, or the rest of a password with a blank in it. */
static int connection_unreadable(const char *connection, const char *words, struct message *message) {
    if (strstr(connection, "://") || strcasestr(connection, "pass"))
        return wrong(message, "the database's connection string is not one: want name=value words, or a URI; it is not"
                              " repeated here, as it may hold a password");
    message_set(message, "the database's connection string is not one: %.200s", words ? words : "");
    for (char *at = message ? message->text : NULL; at && *at; at++)
        if (*at == '\n') *at = ' ';
    return err_origin(-EINVAL);
}

/* A secret in a connection string would stand in the configuration, and in the list of processes. */
static int connection_check(const char *connection, struct message *message) {
    char *words = NULL;
    PQconninfoOption *options = PQconninfoParse(connection, &words);
    if (!options) {
        int r = connection_unreadable(connection, words, message);
        PQfreemem(words);
        return r;
    }
    bool secret = false;
    for (const PQconninfoOption *at = options; at->keyword; at++)
        secret = secret || (at->val && at->val[0] &&
                            (strcmp(at->keyword, "password") == 0 || strcmp(at->keyword, "sslpassword") == 0));
    PQconninfoFree(options);
    if (!secret) return 0;
    return wrong(message, "the database's connection string holds a password: put it into a file of mode 0600 and name"
                          " that with passfile=");
}

static void tables_check(const struct store_options *options) {
    for (size_t i = 0; i < options->table_count; i++) {
        const struct table *table = options->tables[i];
        const struct table_index *key = &table->indexes[0];
        check(strcmp(table->service, "store") != 0); /* the adapter's own schema */
        for (uint8_t j = 0; j < key->column_count; j++) check(!table->columns[key->columns[j]].personal);
        for (uint8_t j = 0; j < table->column_count; j++)
            check(!table->columns[j].personal || table->columns[j].bytes_max > 0); /* TEXT or BLOB */
    }
}

int postgres_options_check(const struct store_options *options, struct message *message) {
    tables_check(options);
    size_t node = options->node ? strlen(options->node) : 0;
    size_t address = options->node_address ? strlen(options->node_address) : 0;
    if (!options->connection || !options->connection[0])
        return wrong(message, "the database's connection string is missing");
    if (!options->key || options->key->len != STORE_KEY_BYTES)
        return wrong(message, "the store's key is missing: 32 bytes that seal the personal columns");
    if (node > STORE_NODE_BYTES_MAX || address > STORE_ADDRESS_BYTES_MAX)
        return wrong(message, "the node's name has at most 63 bytes and its address at most 255");
    return err_trace(connection_check(options->connection, message));
}

static int unreadable(struct postgres_connection *connection, struct message *message) {
    const struct postgres_failure *failure = &connection->failure;
    message_set(message, "the database cannot be read: %s",
                failure->text[0] ? failure->text : "the connection was lost");
    return err_origin(failure->kind == POSTGRES_ERROR ? -EACCES : -ENOTCONN);
}

/* A server that acknowledges before it has flushed would lose what was acknowledged. */
int postgres_check_settings(struct postgres_connection *connection, struct message *message) {
    static const char *const names[] = { "fsync", "full_page_writes" };
    PGresult *result = NULL;
    if (postgres_ask(connection,
                     "SELECT current_setting('fsync'), current_setting('full_page_writes'),"
                     " current_setting('synchronous_commit')",
                     NULL, &result))
        return unreadable(connection, message);
    int r = 0;
    for (int i = 0; i < 2 && r == 0; i++) {
        if (strcmp(PQgetvalue(result, 0, i), "on") == 0) continue;
        message_set(message,
                    "the database runs with %s = off and would lose payments in a crash: turn it on and reload",
                    names[i]);
        r = err_origin(-EPERM);
    }
    const char *commit = PQgetvalue(result, 0, 2);
    if (r == 0 && strcmp(commit, "on") != 0 && strcmp(commit, "remote_apply") != 0) {
        message_set(message, "the database keeps synchronous_commit = %.20s: it must be on for this user", commit);
        r = err_origin(-EPERM);
    }
    PQclear(result);
    return r;
}

int postgres_check_key(struct postgres_connection *connection, const struct postgres_seal *seal, bool may_write,
                       struct message *message) {
    char hex[2 * STORE_KEY_BYTES + 1];
    for (size_t i = 0; i < STORE_KEY_BYTES; i++) (void)snprintf(hex + 2 * i, 3, "%02x", seal->check_value[i]);
    const char *const values[] = { hex, NULL };
    PGresult *result = NULL;
    int r = 0;
    if (may_write)
        r = postgres_ask(connection, "INSERT INTO \"store\".\"key\" VALUES (true, $1) ON CONFLICT DO NOTHING", values,
                         &result);
    PQclear(result);
    result = NULL;
    if (r == 0) r = postgres_ask(connection, "SELECT check_value = $1 FROM \"store\".\"key\"", values, &result);
    if (r) return unreadable(connection, message);
    bool same = PQntuples(result) == 1 && strcmp(PQgetvalue(result, 0, 0), "t") == 0;
    PQclear(result);
    if (same) return 0;
    message_set(message, "the store's key is not the one that this database was made with: its personal columns cannot"
                         " be read");
    return err_origin(-EACCES);
}
