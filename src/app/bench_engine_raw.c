#include "app/bench_engine.h"

#include <pthread.h>

#include "platform/clock.h"

enum { RECORD_BLOCK_BYTES = 1024 * 1024 };

int bench_store_open(const struct store_options *options, struct store **ret_store, struct message *message) {
    struct store_lease lease;
    int r = store_open(options, ret_store, message);
    if (r) return err_trace(r);
    r = store_lease_take(*ret_store, &lease);
    if (r > 0) message_set(message, "another node holds the database's lease: it is not a database of your own");
    return r > 0 ? err_origin(-EBUSY) : err_trace(r);
}

static bool record_copy(struct raw_record *record, const struct store_change *changes, size_t count) {
    if (record->count == BENCH_ENGINE_ROUND_COMMITS_MAX) return false;
    struct store_change *copies = arena_new_array(&record->arena, struct store_change, count);
    if (!copies) return false;
    for (size_t i = 0; i < count; i++) {
        copies[i] = changes[i];
        copies[i].row = table_copy_row(changes[i].table, changes[i].row, &record->arena);
        if (!copies[i].row) return false;
    }
    record->commits[record->count++] = (struct raw_commit){ .changes = copies, .count = count };
    return true;
}

static pthread_mutex_t recording = PTHREAD_MUTEX_INITIALIZER;

void raw_record_await(void) {
    pthread_mutex_lock(&recording);
    pthread_mutex_unlock(&recording);
}

static void record_commit(void *ctx, const struct store_change *changes, size_t count) {
    struct raw_record *record = ctx;
    pthread_mutex_lock(&recording);
    int64_t from_ns = clock_mono_ns(), from_us = clock_cpu_us();
    if (!record_copy(record, changes, count)) record->failed = true;
    record->last_ns = clock_mono_ns() - from_ns;
    record->wall_ns += record->last_ns;
    record->cpu_us += clock_cpu_us() - from_us;
    pthread_mutex_unlock(&recording);
}

int raw_record_open(struct raw_record *record, struct store *store) {
    int r = arena_init(&record->arena, RECORD_BLOCK_BYTES, BENCH_ENGINE_RECORD_BYTES_MAX);
    if (r) return err_trace(r);
    store_watch(store, record_commit, record);
    return 0;
}

void raw_record_forget(struct raw_record *record) {
    arena_reset(&record->arena);
    record->count = 0;
    record->wall_ns = record->cpu_us = 0;
}

void raw_record_release(struct raw_record *record) {
    arena_release(&record->arena);
}

int raw_replay(const struct raw_record *record, struct store *store) {
    if (record->failed) return err_origin(-ENOMEM);
    for (size_t i = 0; i < record->count; i++) {
        int r = store_commit(store, record->commits[i].changes, record->commits[i].count);
        if (r) return r > 0 ? err_origin(-EIO) : err_trace(r);
    }
    return 0;
}
