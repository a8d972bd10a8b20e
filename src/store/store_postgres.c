/* store_postgres.c - the store in a PostgreSQL database, shared by several nodes of which one writes.
 *
 * (G1) A commit that returned 0 is flushed by the server (synchronous_commit, fsync and full_page_writes are on, or the
 *      store does not open) and, with synchronous standbys, by them.
 * (G2) Whoever writes holds the lease: every commit checks, locks and renews its row (store_postgres_lease.c).
 * (G3) A lost connection is made anew by the next call; the lease must then still be ours.
 * (G4) Personal columns leave this process sealed (store_postgres_seal.c). */
#include "store/store_postgres_int.h"

#include "platform/random.h"

static struct postgres_store *of_store(struct store *base) {
    return (struct postgres_store *)base;
}

static int writer_connect(struct postgres_store *store, struct message *message) {
    const struct postgres_access access = { .connection = store->options.connection,
                                            .node = store->options.node,
                                            .role = "giro_engine" };
    return err_trace(postgres_connect(&store->writer, &store->base.catalog, &access, message));
}

int postgres_writer_ready(struct postgres_store *store) {
    if (store->base.unknown) return err_origin(-EIO);
    if (postgres_is_alive(&store->writer)) return store->fenced ? STORE_E_FENCED : 0;
    int r = writer_connect(store, NULL);
    if (r == -ENOMEM) return err_trace(r);
    if (r || postgres_check_settings(&store->writer, NULL)) {
        postgres_disconnect(&store->writer);
        return STORE_E_AWAY;
    }
    r = postgres_lease_verify(store);
    return r == 0 && store->fenced ? STORE_E_FENCED : r;
}

/* Migrations and checks, as the user that connects; then the connection is the writer's, acting as giro_engine. */
static int prepare_database(struct postgres_store *store, struct message *message) {
    const struct postgres_access access = { .connection = store->options.connection, .node = store->options.node };
    bool applied = false;
    int r = postgres_connect(&store->writer, &store->base.catalog, &access, message);
    if (r == 0) r = postgres_check_settings(&store->writer, message);
    if (r == 0) r = postgres_migrate(&store->writer, store->options.migrations, &applied, message);
    if (r == 0) r = postgres_check_tables(&store->writer, &store->base.catalog, message);
    if (r == 0 && !applied) {
        r = postgres_migrate_end(&store->writer, message);
        return r ? err_trace(r) : err_trace(postgres_act_as(&store->writer, "giro_engine", message));
    }
    postgres_disconnect(&store->writer);
    return r ? err_trace(r) : err_trace(writer_connect(store, message));
}

static int check_epoch(struct postgres_store *store, struct message *message) {
    struct store_lease lease;
    int r = postgres_lease_verify(store);
    if (r == STORE_E_FENCED) {
        message_set(
            message,
            "the database is an old copy: this node has seen writers of epoch %lld, and the database knows only"
            " earlier ones; what was written since is missing in it. Find the newer database, or remove the file"
            " %s to accept the loss",
            (long long)store->epoch_seen, store->options.epoch_file ? store->options.epoch_file : "");
        return err_origin(-ESTALE);
    }
    if (r == 0) r = postgres_lease_look(&store->base, &lease); /* notes the epoch */
    if (r > 0) message_set(message, "the database went away while it was opened");
    return r > 0 ? err_origin(-ENOTCONN) : err_trace(r);
}

static int open_database(struct postgres_store *store, struct message *message) {
    const struct store_options *options = &store->options;
    int r = postgres_epoch_read(options->epoch_file, &store->epoch_seen, message);
    if (r == 0) r = postgres_seal_init(&store->seal, options->key->at);
    if (r == 0) r = postgres_plan_new(options->table_count, &store->plan);
    if (r == 0) r = prepare_database(store, message);
    if (r == 0) r = postgres_check_key(&store->writer, &store->seal, true, message);
    if (r == 0) r = check_epoch(store, message);
    return err_trace(r);
}

static void postgres_close(struct store *base) {
    struct postgres_store *store = of_store(base);
    postgres_lease_release(base);
    postgres_spares_release(&store->spares);
    postgres_release(&store->writer);
    postgres_seal_release(&store->seal);
    postgres_loading_release(&store->loading);
    store->plan = postgres_plan_free(store->plan);
    free(store);
}

static int postgres_open(const struct store_options *options, struct store **ret_store, struct message *message) {
    check(options->migrations);
    int r = postgres_options_check(options, message);
    if (r) return err_trace(r);
    struct postgres_store *store = calloc(1, sizeof *store);
    if (!store) return err_origin(-ENOMEM);
    store->base.ops = &store_postgres_ops;
    store->base.culprit = -1;
    store->options = *options;
    store_catalog_init(&store->base.catalog, options);
    store->loading.catalog = &store->base.catalog;
    store->loading.seal = &store->seal;
    store->writer.seal = &store->seal;
    random_bytes(store->instance, sizeof store->instance);
    check(pthread_mutex_init(&store->spares.lock, NULL) == 0);
    r = open_database(store, message);
    if (r) postgres_close(&store->base);
    else *ret_store = &store->base;
    return err_trace(r);
}

static int postgres_store_load(struct store *base, struct store_probe *probes, size_t count, struct arena *arena) {
    struct postgres_store *store = of_store(base);
    store->loading.arena = arena;
    for (int attempt = 0;; attempt++) { /* a connection that broke in between: once more on a new one */
        int r = postgres_writer_ready(store);
        if (r == 0) r = postgres_load(&store->writer, &store->loading, probes, count, false);
        else return err_trace(r);
        if (r <= 0) return err_trace(r);
        if (store->writer.failure.kind == POSTGRES_ERROR) return STORE_E_AWAY; /* a time limit, no memory */
        if (attempt > 0) return STORE_E_AWAY;
    }
}

const struct store_ops store_postgres_ops = {
    .name = "postgres",
    .open = postgres_open,
    .close = postgres_close,
    .load = postgres_store_load,
    .commit = postgres_commit,
    .lease_take = postgres_lease_take,
    .lease_look = postgres_lease_look,
    .lease_renew = postgres_lease_renew,
    .lease_release = postgres_lease_release,
    .epoch = postgres_lease_epoch,
    .warm = postgres_warm,
    .reader_open = postgres_reader_open,
    .reader_open_only = postgres_reader_open_only,
    .reader_close = postgres_reader_close,
    .reader_begin = postgres_reader_begin,
    .reader_end = postgres_reader_end,
    .read = postgres_reader_read,
    .range = postgres_reader_range,
};
