/* store_int.h - private to src/store: what an adapter is, and what the adapters share. */
#ifndef GIRO_STORE_STORE_INT_H
#define GIRO_STORE_STORE_INT_H

#include <stdatomic.h>

#include "store/store.h"
#include "store/store_kept.h"

enum { STORE_TABLES_MAX = 128, STORE_CATALOG_SLOTS = 256, STORE_EPOCH_EMBEDDED = 1 };
static_assert(STORE_TABLES_MAX * 2 <= STORE_CATALOG_SLOTS, "the hash of descriptors stays half empty");
static_assert(STORE_TABLES_MAX < 255, "a slot holds position + 1 in one byte");

/* The descriptors of a store, found by address. tables is borrowed from the options and outlives the store. */
struct store_catalog {
    const struct table *const *tables;
    size_t count;
    uint8_t slots[STORE_CATALOG_SLOTS]; /* position + 1, 0 = free */
};
/* check()s that every descriptor is sound: lower-case words as names, positions in range, index 0 the unique key. */
void store_catalog_init(struct store_catalog *catalog, const struct store_options *options);
/* Position of a descriptor in catalog->tables; a table that was not in the options is a programmer's error. */
size_t store_catalog_find(const struct store_catalog *catalog, const struct table *table);

/* An adapter's own struct begins with one of these. */
struct store {
    const struct store_ops *ops;
    struct store_catalog catalog;
    long culprit;
    /* a commit's outcome is unknown: nothing more is written until the store is opened anew */
    bool unknown;
    void (*watch)(void *ctx, const struct store_change *changes, size_t count); /* NULL: nobody measures */
    void *watch_ctx;
    struct store_changes *changes; /* NULL: readers of this adapter keep nothing */
    _Atomic unsigned readers;      /* open readers, so that closing before them is caught */
};
struct store_reader {
    const struct store_ops *ops;
    struct store_catalog catalog;
    struct store *store;     /* NULL: reads the store of another process */
    struct store_kept *kept; /* NULL: nothing is kept */
    bool inside;             /* between begin and end */
    bool walking;            /* inside store_range's each */
};

/* store.c has checked the arguments: at least one change, every table known, rows within their limits, append-only
 * kept. */
struct store_ops {
    const char *name;
    int (*open)(const struct store_options *options, struct store **ret_store, struct message *message);
    void (*close)(struct store *store);
    int (*load)(struct store *store, struct store_probe *probes, size_t count, struct arena *arena);
    int (*commit)(struct store *store, const struct store_change *changes, size_t count); /* sets store->culprit */
    /* All five NULL in an embedded adapter: the file's lock is the lease. */
    int (*lease_take)(struct store *store, struct store_lease *ret_lease);
    int (*lease_look)(struct store *store, struct store_lease *ret_lease);
    int (*lease_renew)(struct store *store);
    void (*lease_release)(struct store *store);
    int64_t (*epoch)(const struct store *store);
    void (*warm)(struct store *store, size_t readers); /* NULL: a reader costs next to nothing */
    int (*reader_open)(struct store *store, struct store_reader **ret_reader);
    int (*reader_open_only)(const struct store_options *options, struct store_reader **ret_reader,
                            struct message *message);
    void (*reader_close)(struct store_reader *reader);
    int (*reader_begin)(struct store_reader *reader);
    void (*reader_end)(struct store_reader *reader);
    int (*read)(struct store_reader *reader, struct store_probe *probes, size_t count, struct arena *arena);
    int (*range)(struct store_reader *reader, const struct store_range *range, struct arena *arena,
                 int (*each)(void *ctx, const void *row), void *ctx);
};

/* Columns that a unique index names, the primary key too: they never change in a written row. Bit = position. */
uint64_t store_fixed_columns(const struct table *table);
static_assert(TABLE_COLUMNS_MAX <= 64, "a set of columns is one word");

/* The first row of a group that does not balance (struct table_balance), -1: all do. */
long store_unbalanced(const struct store_change *changes, size_t count);

#endif
