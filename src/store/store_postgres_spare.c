/* store_postgres_spare.c - connections as giro_read, made before a reader wants one: a process that takes over opens
 * them while the one before still answers.
 *
 * (W1) A spare has the session's settings and role and nothing prepared; who takes it owns it. (W2) One that broke
 * while it waited is found so by who takes it, like any other that was idle. */
#include "store/store_postgres_int.h"

static bool is_wanted(struct postgres_spares *spares) {
    pthread_mutex_lock(&spares->lock);
    bool wanted = !spares->ends && spares->wanted > 0;
    if (wanted) spares->wanted--;
    pthread_mutex_unlock(&spares->lock);
    return wanted;
}

static void *spares_main(void *ctx) {
    struct postgres_store *store = ctx;
    struct postgres_spares *spares = &store->spares;
    struct postgres_connection connection = { .conn = NULL };
    const struct postgres_access access = { .connection = store->options.connection,
                                            .node = store->options.node,
                                            .role = "giro_read" };
    while (is_wanted(spares)) {
        if (postgres_connect(&connection, &store->base.catalog, &access, NULL)) break; /* a reader will say why */
        pthread_mutex_lock(&spares->lock);
        spares->conns[spares->count++] = postgres_detach(&connection);
        pthread_mutex_unlock(&spares->lock);
    }
    postgres_release(&connection);
    return NULL;
}

void postgres_warm(struct store *base, size_t readers) {
    struct postgres_spares *spares = &((struct postgres_store *)base)->spares;
    check(!spares->runs && readers <= STORE_WARM_MAX);
    spares->wanted = readers;
    spares->runs = pthread_create(&spares->thread, NULL, spares_main, base) == 0; /* else readers make their own */
    if (spares->runs) (void)pthread_setname_np(spares->thread, "store-warm");     /* for people only */
}

PGconn *postgres_spare_take(struct store *base) {
    struct postgres_spares *spares = &((struct postgres_store *)base)->spares;
    pthread_mutex_lock(&spares->lock);
    PGconn *conn = spares->count ? spares->conns[--spares->count] : NULL;
    if (!conn && spares->wanted) spares->wanted--; /* who comes makes his own in its place */
    pthread_mutex_unlock(&spares->lock);
    return conn;
}

void postgres_spares_release(struct postgres_spares *spares) {
    pthread_mutex_lock(&spares->lock);
    spares->ends = true;
    pthread_mutex_unlock(&spares->lock);
    if (spares->runs) pthread_join(spares->thread, NULL);
    while (spares->count) PQfinish(spares->conns[--spares->count]);
    pthread_mutex_destroy(&spares->lock);
}
