/* store_memory.c - the store in memory, for simulation and tests: the meaning of the others, and failures on order.
 *
 * (Y1) A version is the roots of all indexes and never changes. A commit builds the next version beside it and then
 *      shows it whole, or gives it up whole. A reader holds the version that it began with; nobody waits for anybody.
 * (Y2) With a path, what is durable stays in this process under that name when the store is closed, as on a disk, until
 *      store_memory_forget. A commit whose outcome is unknown is not shown; whether the next open finds it is the
 *      fault's choice.
 * (Y3) Stores opened under one name with options.node are the nodes of one database: they share what is shown, and the
 *      lease says which of them writes. Closing one without releasing the lease is its sudden death.
 * (Y4) The same calls give the same trees: nothing here is random. */
#include <pthread.h>

#include "platform/clock.h"
#include "store/store_memory_int.h"

struct memory_version {
    atomic_uint references;
    size_t table_count;
    const struct memory_node *roots[]; /* table position * TABLE_INDEXES_MAX + index */
};

struct memory_disk {
    struct memory_disk *next; /* of the named ones, under disks_mutex */
    char *name;               /* NULL: ends with its store */
    unsigned opens;           /* under disks_mutex, as the next */
    bool shared;              /* open for several nodes */
    pthread_mutex_t mutex;    /* guards the two versions and the lease */
    struct store_lease lease; /* of several nodes: ours and alive are made at each look */
    const struct memory_store *holder; /* NULL: none, or one that is closed */
    int64_t renewed_ms;                /* monotonic */
    struct memory_version *shown, *durable;
    uint64_t puts; /* writer only: numbers the nodes for their priorities */
};
static pthread_mutex_t disks_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct memory_disk *disks;

struct memory_store {
    struct store base;
    struct memory_disk *disk;
    const char *node, *node_address; /* node NULL: alone */
    int64_t epoch;                   /* of the lease that was taken */
    enum store_fault fault;
    uint32_t fault_after, fault_count;
    void (*on_flush)(void *ctx);
    void *on_flush_ctx;
};
struct memory_reader {
    struct store_reader base;
    struct memory_disk *disk;
    struct memory_version *version; /* between begin and end */
};

static struct memory_store *of_store(struct store *store) {
    return (struct memory_store *)store;
}

static struct memory_reader *of_reader(struct store_reader *reader) {
    return (struct memory_reader *)reader;
}

static struct memory_version *version_new(size_t table_count) {
    size_t roots = table_count * TABLE_INDEXES_MAX;
    struct memory_version *version = calloc(1, sizeof *version + roots * sizeof version->roots[0]);
    if (!version) return NULL;
    atomic_init(&version->references, 1);
    version->table_count = table_count;
    return version;
}

static struct memory_version *version_hold(struct memory_version *version) {
    atomic_fetch_add(&version->references, 1);
    return version;
}

static void version_release(struct memory_version *version) {
    if (!version || atomic_fetch_sub(&version->references, 1) != 1) return;
    for (size_t i = 0; i < version->table_count * TABLE_INDEXES_MAX; i++) memory_tree_release(version->roots[i]);
    free(version);
}

static struct memory_version *version_copy(const struct memory_version *version) {
    struct memory_version *copy = version_new(version->table_count);
    for (size_t i = 0; copy && i < copy->table_count * TABLE_INDEXES_MAX; i++)
        copy->roots[i] = memory_tree_hold(version->roots[i]);
    return copy;
}

static void disk_free(struct memory_disk *disk) {
    version_release(disk->shown);
    version_release(disk->durable);
    pthread_mutex_destroy(&disk->mutex);
    free(disk->name);
    free(disk);
}

static struct memory_disk *disk_new(const char *name, size_t table_count) {
    struct memory_disk *disk = calloc(1, sizeof *disk);
    if (!disk) return NULL;
    check(pthread_mutex_init(&disk->mutex, NULL) == 0);
    disk->durable = version_new(table_count);
    disk->name = name ? strdup(name) : NULL;
    if (disk->durable && (disk->name || !name)) return disk;
    disk_free(disk);
    return NULL;
}

/* Under disks_mutex. */
static struct memory_disk **disk_find(const char *name) {
    struct memory_disk **at = &disks;
    while (*at && strcmp((*at)->name, name) != 0) at = &(*at)->next;
    return at;
}

static int disk_open(const char *name, size_t table_count, bool shared, struct memory_disk **ret_disk,
                     struct message *message) {
    pthread_mutex_lock(&disks_mutex);
    struct memory_disk **at = name ? disk_find(name) : NULL;
    struct memory_disk *disk = at && *at ? *at : disk_new(name, table_count);
    int r = 0;
    if (!disk) {
        r = err_origin(-ENOMEM);
    } else if (disk->opens && !(shared && disk->shared)) {
        message_set(message, "the store %s is in use: close it first", name);
        r = err_origin(-EBUSY);
    } else {
        check(disk->durable->table_count == table_count);
        if (at) *at = disk;
        disk->shared = shared;
        if (disk->opens++ == 0) disk->shown = version_hold(disk->durable);
        *ret_disk = disk;
    }
    pthread_mutex_unlock(&disks_mutex);
    return r;
}

static void disk_close(struct memory_disk *disk, const struct memory_store *store) {
    pthread_mutex_lock(&disks_mutex);
    bool last = --disk->opens == 0;
    pthread_mutex_lock(&disk->mutex);
    if (disk->holder == store) disk->holder = NULL;
    if (last) {
        version_release(disk->shown);
        disk->shown = NULL;
    }
    pthread_mutex_unlock(&disk->mutex);
    if (last && !disk->name) disk_free(disk);
    pthread_mutex_unlock(&disks_mutex);
}

void store_memory_forget(const char *path) {
    pthread_mutex_lock(&disks_mutex);
    struct memory_disk **at = disk_find(path), *disk = *at;
    if (disk) {
        check(!disk->opens);
        *at = disk->next;
        disk_free(disk);
    }
    pthread_mutex_unlock(&disks_mutex);
}

static int memory_open(const struct store_options *options, struct store **ret_store, struct message *message) {
    struct memory_store *store = calloc(1, sizeof *store);
    if (!store) return err_origin(-ENOMEM);
    store->base.ops = &store_memory_ops;
    store->base.culprit = -1;
    store_catalog_init(&store->base.catalog, options);
    bool shared = options->path && options->node;
    if (shared) {
        store->node = options->node;
        store->node_address = options->node_address ? options->node_address : "";
    }
    int r = disk_open(options->path, options->table_count, shared, &store->disk, message);
    if (r) free(store);
    else *ret_store = &store->base;
    return err_trace(r);
}

static void memory_close(struct store *base) {
    disk_close(of_store(base)->disk, of_store(base));
    free(base);
}

static const struct memory_node *root_of(const struct memory_version *version, const struct store_catalog *catalog,
                                         struct row_order order) {
    return version->roots[store_catalog_find(catalog, order.table) * TABLE_INDEXES_MAX + order.index];
}

static int probe_all(const struct memory_version *version, const struct store_catalog *catalog,
                     struct store_probe *probes,
                     size_t count, struct arena *arena) {
    for (size_t i = 0; i < count; i++) {
        const struct row_order order = { probes[i].table, probes[i].index };
        const struct memory_row *row = memory_tree_find(&order, root_of(version, catalog, order), probes[i].row);
        probes[i].ret_row = row ? table_copy_row(order.table, row->at, arena) : NULL;
        if (row && !probes[i].ret_row) return err_origin(-ENOMEM);
    }
    return 0;
}

static struct memory_version *newest(struct memory_disk *disk) {
    pthread_mutex_lock(&disk->mutex);
    struct memory_version *version = version_hold(disk->shown ? disk->shown : disk->durable);
    pthread_mutex_unlock(&disk->mutex);
    return version;
}

/* ---- the lease of several nodes ---- */

/* With the mutex held. */
static bool lease_is_ours(const struct memory_store *store) {
    return !store->node || (store->disk->holder == store && store->disk->lease.epoch == store->epoch);
}

static bool lease_is_alive(const struct memory_disk *disk) {
    return clock_mono_ms() - disk->renewed_ms < STORE_LEASE_LIFE_MS;
}

static void lease_tell(const struct memory_store *store, struct store_lease *ret_lease) {
    *ret_lease = store->disk->lease;
    ret_lease->ours = store->disk->holder == store;
    ret_lease->alive = ret_lease->epoch && lease_is_alive(store->disk);
}

static int memory_lease_take(struct store *base, struct store_lease *ret_lease) {
    struct memory_store *store = of_store(base);
    struct memory_disk *disk = store->disk;
    int r = 0;
    if (!store->node) {
        *ret_lease = (struct store_lease){ .epoch = STORE_EPOCH_EMBEDDED, .ours = true, .alive = true };
        return 0;
    }
    pthread_mutex_lock(&disk->mutex);
    if (disk->holder != store && disk->lease.epoch && lease_is_alive(disk)) {
        r = STORE_E_HELD;
    } else if (disk->holder != store) {
        disk->lease = (struct store_lease){ .epoch = disk->lease.epoch + 1 };
        (void)snprintf(disk->lease.node, sizeof disk->lease.node, "%s", store->node);
        (void)snprintf(disk->lease.address, sizeof disk->lease.address, "%s", store->node_address);
        disk->holder = store;
        store->epoch = disk->lease.epoch;
        version_release(disk->shown); /* what the last holder did not know to be there */
        disk->shown = version_hold(disk->durable);
    }
    if (!r) disk->renewed_ms = clock_mono_ms();
    lease_tell(store, ret_lease);
    pthread_mutex_unlock(&disk->mutex);
    return r;
}

static int memory_lease_look(struct store *base, struct store_lease *ret_lease) {
    struct memory_store *store = of_store(base);
    if (!store->node) return memory_lease_take(base, ret_lease);
    pthread_mutex_lock(&store->disk->mutex);
    lease_tell(store, ret_lease);
    pthread_mutex_unlock(&store->disk->mutex);
    return 0;
}

static int memory_lease_renew(struct store *base) {
    struct memory_store *store = of_store(base);
    pthread_mutex_lock(&store->disk->mutex);
    bool ours = lease_is_ours(store);
    if (ours) store->disk->renewed_ms = clock_mono_ms();
    pthread_mutex_unlock(&store->disk->mutex);
    return ours ? 0 : STORE_E_FENCED;
}

static void lease_end(struct memory_disk *disk) {
    disk->renewed_ms = clock_mono_ms() - STORE_LEASE_LIFE_MS;
}

static void memory_lease_release(struct store *base) {
    struct memory_store *store = of_store(base);
    pthread_mutex_lock(&store->disk->mutex);
    if (store->node && lease_is_ours(store)) {
        lease_end(store->disk);
        store->disk->holder = NULL;
    }
    pthread_mutex_unlock(&store->disk->mutex);
    store->epoch = 0;
}

static int64_t memory_epoch(const struct store *base) {
    const struct memory_store *store = (const struct memory_store *)base;
    return store->node ? store->epoch : STORE_EPOCH_EMBEDDED;
}

void store_memory_lease_expire(const char *path) {
    pthread_mutex_lock(&disks_mutex);
    struct memory_disk *disk = *disk_find(path);
    check(disk);
    pthread_mutex_lock(&disk->mutex);
    lease_end(disk);
    pthread_mutex_unlock(&disk->mutex);
    pthread_mutex_unlock(&disks_mutex);
}

static int memory_load(struct store *base, struct store_probe *probes, size_t count, struct arena *arena) {
    struct memory_store *store = of_store(base);
    bool gone = store->fault == STORE_FAULT_AWAY || store->fault == STORE_FAULT_FENCED;
    if (gone && store->fault_after == 0 && store->fault_count) {
        store->fault_count--;
        return store->fault == STORE_FAULT_AWAY ? STORE_E_AWAY : STORE_E_FENCED;
    }
    struct memory_version *version = newest(of_store(base)->disk);
    int r = probe_all(version, &base->catalog, probes, count, arena);
    version_release(version);
    return r;
}

/* SplitMix64's finisher: numbers in order become priorities without one. */
static uint32_t priority(uint64_t number) {
    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9u;
    number = (number ^ number >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)(number >> 32);
}

static int replace_root(struct memory_version *version, size_t at, int r, const struct memory_node *root) {
    if (r) return r;
    memory_tree_release(version->roots[at]);
    version->roots[at] = root;
    return 0;
}

static int change_indexes(struct memory_store *store, struct memory_version *version, const struct table *table,
                          const struct memory_row *old, struct memory_row *fresh) {
    size_t first = store_catalog_find(&store->base.catalog, table) * TABLE_INDEXES_MAX;
    int r = 0;
    for (uint8_t i = 0; i < table->index_count && r == 0; i++) {
        const struct row_order order = { table, i };
        const struct memory_node *root = NULL;
        if (old) {
            r = memory_tree_take(&order, version->roots[first + i], old->at, &root);
            r = replace_root(version, first + i, r, root);
        }
        if (r || !fresh) continue;
        r = memory_tree_put(&order, version->roots[first + i], fresh,
                            priority(++store->disk->puts * 0x9e3779b97f4a7c15u), &root);
        r = replace_root(version, first + i, r, root);
    }
    return r;
}

static bool same_columns(const struct table *table, uint64_t columns, const void *a, const void *b) {
    for (uint8_t i = 0; i < table->column_count; i++) {
        struct column column = table->columns[i];
        const struct table one = { .columns = &column, .column_count = 1 };
        if ((columns >> i & 1) && !table_rows_equal(&one, a, b)) return false;
    }
    return true;
}

/* May this change be made to this version? *ret_old: the row it replaces or deletes. */
static bool is_allowed(struct memory_store *store, const struct memory_version *version,
                       const struct store_change *change,
                       const struct memory_row **ret_old) {
    const struct table *table = change->table;
    const struct row_order key = { table, 0 };
    *ret_old = NULL;
    if (change->kind != STORE_INSERT) {
        *ret_old = memory_tree_find(&key, root_of(version, &store->base.catalog, key), change->row);
        if (!*ret_old) return false;
        if (change->kind == STORE_DELETE) return true;
        return same_columns(table, store_fixed_columns(table), (*ret_old)->at, change->row);
    }
    for (uint8_t i = 0; i < table->index_count; i++) {
        const struct row_order order = { table, i };
        if (!table->indexes[i].unique) continue;
        if (memory_tree_find(&order, root_of(version, &store->base.catalog, order), change->row)) return false;
    }
    return true;
}

static int apply_one(struct memory_store *store, struct memory_version *version, const struct store_change *change) {
    const struct memory_row *found;
    if (!is_allowed(store, version, change, &found)) return STORE_E_UNDONE;
    struct memory_row *fresh = change->kind == STORE_DELETE ? NULL : memory_row_new(change->table, change->row);
    if (change->kind != STORE_DELETE && !fresh) return err_origin(-ENOMEM);
    struct memory_row *old = (struct memory_row *)found;
    if (old) atomic_fetch_add(&old->references, 1); /* the first tree may hold the last count of it */
    int r = change_indexes(store, version, change->table, old, fresh);
    memory_row_release(old);
    memory_row_release(fresh); /* the trees hold it now */
    return r;
}

static int apply(struct memory_store *store, struct memory_version *version, const struct store_change *changes,
                 size_t count) {
    for (size_t i = 0; i < count; i++) {
        int r = apply_one(store, version, &changes[i]);
        if (r > 0) store->base.culprit = (long)i;
        if (r) return STORE_E_UNDONE; /* without memory: nobody's fault, and nothing of it is there */
    }
    return 0;
}

static enum store_fault next_fault(struct memory_store *store) {
    if (store->fault == STORE_FAULT_NONE) return STORE_FAULT_NONE;
    if (store->fault_after > 0) {
        store->fault_after--;
        return STORE_FAULT_NONE;
    }
    if (store->fault_count > 0) {
        store->fault_count--;
        return store->fault;
    }
    return STORE_FAULT_NONE;
}

/* 0 or STORE_E_FENCED. Nobody else replaced anything since the version's origin was read: the lease was ours then, and
 * no other has had it since. */
static int replace(struct memory_store *store, struct memory_version *version, bool shown, bool durable) {
    struct memory_version *old_shown = NULL, *old_durable = NULL;
    struct memory_disk *disk = store->disk;
    pthread_mutex_lock(&disk->mutex);
    bool ours = lease_is_ours(store);
    disk->renewed_ms = ours ? clock_mono_ms() : disk->renewed_ms;
    shown = shown && ours;
    durable = durable && ours;
    if (shown) {
        old_shown = disk->shown;
        disk->shown = version_hold(version);
    }
    if (durable) {
        old_durable = disk->durable;
        disk->durable = version_hold(version);
    }
    pthread_mutex_unlock(&disk->mutex);
    version_release(old_shown);
    version_release(old_durable);
    return ours ? 0 : STORE_E_FENCED;
}

static int memory_commit(struct store *base, const struct store_change *changes, size_t count) {
    struct memory_store *store = of_store(base);
    if (memory_lease_renew(base)) return STORE_E_FENCED;
    struct memory_version *now = newest(store->disk), *version = version_copy(now);
    version_release(now);
    if (!version) return STORE_E_UNDONE;
    int r = apply(store, version, changes, count);
    if (r == 0 && store->on_flush) store->on_flush(store->on_flush_ctx);
    if (r == 0) {
        switch (next_fault(store)) {
        case STORE_FAULT_NONE:
            r = replace(store, version, true, true);
            break;
        case STORE_FAULT_UNDONE:
            r = STORE_E_UNDONE;
            break;
        case STORE_FAULT_FULL:
            r = STORE_E_FULL;
            break;
        case STORE_FAULT_AWAY:
            r = STORE_E_AWAY;
            break;
        case STORE_FAULT_FENCED:
            r = STORE_E_FENCED;
            break;
        case STORE_FAULT_UNKNOWN_KEPT:
            (void)replace(store, version, false, true);
            base->unknown = true;
            break;
        case STORE_FAULT_UNKNOWN_LOST:
            base->unknown = true;
            break;
        }
    }
    version_release(version);
    return base->unknown ? err_origin(-EIO) : r;
}

static int memory_reader_open(struct store *base, struct store_reader **ret_reader) {
    struct memory_reader *reader = calloc(1, sizeof *reader);
    if (!reader) return err_origin(-ENOMEM);
    reader->base = (struct store_reader){ .ops = base->ops, .catalog = base->catalog, .store = base };
    reader->disk = of_store(base)->disk;
    *ret_reader = &reader->base;
    return 0;
}

static int memory_reader_open_only(const struct store_options *options, struct store_reader **ret_reader,
                                   struct message *message) {
    pthread_mutex_lock(&disks_mutex);
    struct memory_disk *disk = options->path ? *disk_find(options->path) : NULL;
    pthread_mutex_unlock(&disks_mutex);
    if (!disk) {
        message_set(message, "there is no store %s in memory", options->path ? options->path : "without a name");
        return err_origin(-ENOENT);
    }
    struct memory_reader *reader = calloc(1, sizeof *reader);
    if (!reader) return err_origin(-ENOMEM);
    reader->base.ops = &store_memory_ops;
    store_catalog_init(&reader->base.catalog, options);
    reader->disk = disk;
    *ret_reader = &reader->base;
    return 0;
}

static void memory_reader_close(struct store_reader *base) {
    free(base);
}

static int memory_reader_begin(struct store_reader *base) {
    of_reader(base)->version = newest(of_reader(base)->disk);
    return 0;
}

static void memory_reader_end(struct store_reader *base) {
    version_release(of_reader(base)->version);
    of_reader(base)->version = NULL;
}

static struct memory_version *reader_version(struct memory_reader *reader) {
    return reader->version ? version_hold(reader->version) : newest(reader->disk);
}

static int memory_read(struct store_reader *base, struct store_probe *probes, size_t count, struct arena *arena) {
    struct memory_version *version = reader_version(of_reader(base));
    int r = probe_all(version, &base->catalog, probes, count, arena);
    version_release(version);
    return r;
}

struct walk {
    const struct store_range *range;
    struct row_order order;
    struct arena *arena;
    int (*each)(void *ctx, const void *row);
    void *ctx;
    uint32_t left;
};

static int walk_give(struct walk *walk, const struct memory_row *row) {
    void *copy = table_copy_row(walk->order.table, row->at, walk->arena);
    if (!copy) return err_origin(-ENOMEM);
    walk->left--;
    return walk->each(walk->ctx, copy);
}

/* Where a row lies: <0 before the range in walking order, 0 within, >0 behind it. */
static int walk_place(const struct walk *walk, const void *row) {
    const struct store_range *range = walk->range;
    int sign = range->descending ? -1 : 1;
    int place = memory_compare_columns(&walk->order, row, range->row, 0, range->equal_columns) * sign;
    if (place || !range->bounded) return place;
    uint8_t next = range->equal_columns;
    return memory_compare_columns(&walk->order, row, range->row, next, next + 1) * sign > 0 ? 0 : -1;
}

static int walk_tree(struct walk *walk, const struct memory_node *root) {
    if (!root || walk->left == 0) return 0;
    const struct memory_node *before = walk->range->descending ? root->right : root->left;
    const struct memory_node *behind = walk->range->descending ? root->left : root->right;
    int place = walk_place(walk, root->row->at);
    int r = place >= 0 ? walk_tree(walk, before) : 0;
    if (r == 0 && place == 0 && walk->left > 0) r = walk_give(walk, root->row);
    return r == 0 && place <= 0 ? walk_tree(walk, behind) : r;
}

static int memory_range(struct store_reader *base, const struct store_range *range, struct arena *arena,
                        int (*each)(void *ctx, const void *row), void *ctx) {
    struct memory_version *version = reader_version(of_reader(base));
    struct walk walk = { .range = range, .order = { range->table, range->index }, .arena = arena, .each = each,
                         .ctx = ctx,
                         .left = range->limit };
    int r = walk_tree(&walk, root_of(version, &base->catalog, walk.order));
    version_release(version);
    return r;
}

void store_memory_fault(struct store *base, enum store_fault fault, uint32_t after_commits, uint32_t count) {
    check(base->ops == &store_memory_ops);
    struct memory_store *store = of_store(base);
    store->fault = fault;
    store->fault_after = after_commits;
    store->fault_count = count;
}

void store_memory_on_flush(struct store *base, void (*on_flush)(void *ctx), void *ctx) {
    check(base->ops == &store_memory_ops);
    of_store(base)->on_flush = on_flush;
    of_store(base)->on_flush_ctx = ctx;
}

const struct store_ops store_memory_ops = {
    .name = "memory",
    .open = memory_open,
    .close = memory_close,
    .load = memory_load,
    .commit = memory_commit,
    .lease_take = memory_lease_take,
    .lease_look = memory_lease_look,
    .lease_renew = memory_lease_renew,
    .lease_release = memory_lease_release,
    .epoch = memory_epoch,
    .reader_open = memory_reader_open,
    .reader_open_only = memory_reader_open_only,
    .reader_close = memory_reader_close,
    .reader_begin = memory_reader_begin,
    .reader_end = memory_reader_end,
    .read = memory_read,
    .range = memory_range,
};
