#include "app/bank_store.h"

#include "integration/integration.h"
#include "platform/file.h"
#include "platform/secret_provider.h"

static const char key_name[] = "store"; /* in secrets.folder */

static int too_long(const char *key, struct message *message) {
    message_set(message, "%s in the configuration is too long", key);
    return err_origin(-ENAMETOOLONG);
}

static int copy_texts(struct bank_store *store, const struct bank_options *options, struct message *message) {
    bool postgres = options->store_kind == BANK_STORE_POSTGRES;
    struct str migrations = options->store_migrations;
    if (!migrations.len) migrations = postgres ? STR("db/postgres") : STR("db/sqlite");
    if (str_to_c(options->store_path, store->path, sizeof store->path)) return too_long("store.path", message);
    if (str_to_c(migrations, store->migrations, sizeof store->migrations)) return too_long("store.migrations", message);
    if (str_to_c(options->store_epoch_file, store->epoch_file, sizeof store->epoch_file))
        return too_long("store.epoch_file", message);
    if (str_to_c(options->store_connection, store->connection, sizeof store->connection))
        return too_long("store.connection", message);
    check(str_to_c(options->node_name, store->node, sizeof store->node) == 0);
    check(str_to_c(options->node_address, store->address, sizeof store->address) == 0); /* bounded by the table */
    if (postgres && !store->connection[0]) {
        message_set(message, "store.kind is postgres and store.connection is empty: name the database, for instance "
                             "\"host=db.bank.internal dbname=giro user=giro sslmode=verify-full\"");
        return err_origin(-EINVAL);
    }
    if (postgres && strstr(store->connection, "password=")) {
        message_set(message, "store.connection holds a password: put it into a file and name that with passfile=FILE");
        return err_origin(-EINVAL);
    }
    return 0;
}

static int load_key(struct bank_store *store, const struct bank_options *options, bool may_make,
                    struct message *message) {
    char folder[BANK_PATH_BYTES_MAX];
    struct secret_provider *provider;
    if (str_to_c(options->secrets_folder, folder, sizeof folder)) return too_long("secrets.folder", message);
    int r = secret_provider_files(folder, may_make, &provider);
    if (r) return err_trace(r);
    r = secret_provider_get(provider, key_name, STORE_KEY_BYTES, &store->key, message);
    (void)secret_provider_close(provider); /* always NULL */
    if (r == SECRET_E_MISSING)
        message_set(message,
                    "there is no key at %s/%s: make one (head -c %d /dev/urandom, mode 0600) before the first start, "
                    "and keep a copy of it in a safe place: without it the store cannot be read",
                    folder, key_name, STORE_KEY_BYTES);
    if (r) return r > 0 ? err_origin(-EACCES) : err_trace(r);
    store->options.key = &store->key;
    return 0;
}

int bank_store_init(struct bank_store *store, const struct bank_options *options, const char *path_instead,
                    bool may_make_key, struct message *message) {
    bool postgres = options->store_kind == BANK_STORE_POSTGRES;
    *store = (struct bank_store){ .options = { .ops = postgres ? &store_postgres_ops : &store_sqlite_ops } };
    int r = copy_texts(store, options, message);
    if (r) return err_trace(r);
    if (path_instead && (postgres || strlen(path_instead) >= sizeof store->path)) {
        message_set(message, postgres ? "the bank's store is a database, so no file can be read in its place"
                                      : "the path of the store is too long");
        return err_origin(-EINVAL);
    }
    if (path_instead) memcpy(store->path, path_instead, strlen(path_instead) + 1);
    store->options.path = store->path;
    store->options.migrations = store->migrations;
    store->options.connection = store->connection;
    store->options.epoch_file = store->epoch_file;
    store->options.node = store->node;
    store->options.node_address = store->address;
    store->options.tables = integration_tables(&store->options.table_count);
    if (!postgres && !options->store_sealed) return 0;
    bool may_make =
        may_make_key && (postgres || !file_exists(store->path)); /* a new key opens no store that is there */
    return err_trace(load_key(store, options, may_make, message));
}

void bank_store_release(struct bank_store *store) {
    secret_release(&store->key);
}
