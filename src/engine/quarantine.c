#include "engine/quarantine.h"

#include "platform/file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum { KEY_BYTES = 16, FILE_MODE = 0600 };

static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

struct entry {
    uint8_t key[KEY_BYTES];
    uint32_t aborts;
};

struct quarantine {
    int fd;                /* appends */
    struct entry *entries; /* QUARANTINE_KEYS_MAX, by key */
    size_t count;
    struct sigaction former[ARRAY_COUNT(signals)];
    size_t listening; /* of signals */
    struct {
        _Atomic size_t bytes;
        uint8_t records[QUARANTINE_BATCH_MAX * QUARANTINE_RECORD_BYTES];
    } batches[QUARANTINE_BATCHES];
    _Alignas(16) uint8_t stacks[2][QUARANTINE_STACK_BYTES]; /* of the thread that decides, and of the second */
};
enum { RUNS_NONE = QUARANTINE_BATCHES };

/* What the handler sees. */
static struct quarantine *listener;
static _Thread_local size_t runs = RUNS_NONE; /* the batch that this thread runs */

/* ---- the marker: records ---- */

static void record_write(uint8_t record[QUARANTINE_RECORD_BYTES], const uint8_t key[KEY_BYTES], uint32_t aborts) {
    memcpy(record, key, KEY_BYTES);
    for (size_t i = 0; i < 4; i++) record[KEY_BYTES + i] = (uint8_t)(aborts >> (24 - 8 * i));
}

/* Where key stands in the entries, or would. */
static size_t place(const struct quarantine *quarantine, const uint8_t key[KEY_BYTES]) {
    size_t low = 0, high = quarantine->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (memcmp(quarantine->entries[middle].key, key, KEY_BYTES) < 0) low = middle + 1;
        else high = middle;
    }
    return low;
}

static struct entry *find(const struct quarantine *quarantine, const uint8_t key[KEY_BYTES]) {
    size_t at = place(quarantine, key);
    bool there = at < quarantine->count && memcmp(quarantine->entries[at].key, key, KEY_BYTES) == 0;
    return there ? &quarantine->entries[at] : NULL;
}

static void take_record(struct quarantine *quarantine, const uint8_t record[QUARANTINE_RECORD_BYTES]) {
    uint32_t aborts = 0;
    for (size_t i = 0; i < 4; i++) aborts = aborts << 8 | record[KEY_BYTES + i];
    struct entry *entry = find(quarantine, record);
    if (!entry && aborts && quarantine->count < QUARANTINE_KEYS_MAX) {
        size_t at = place(quarantine, record);
        entry = &quarantine->entries[at];
        memmove(entry + 1, entry, (quarantine->count++ - at) * sizeof *entry);
        memcpy(entry->key, record, KEY_BYTES);
        entry->aborts = 0;
    }
    if (!entry) return;
    if (!aborts) entry->aborts = 0;
    else entry->aborts = entry->aborts < UINT32_MAX - aborts ? entry->aborts + aborts : UINT32_MAX;
}

static int read_marker(struct quarantine *quarantine, const char *path, struct message *message) {
    struct arena arena;
    struct str bytes = { 0 };
    if (!file_exists(path)) return 0;
    int r = arena_init(&arena, 4096, 2 * (size_t)QUARANTINE_FILE_BYTES_MAX);
    if (!r) r = file_read_all(path, QUARANTINE_FILE_BYTES_MAX, &arena, &bytes, message);
    if (r == -EFBIG) {
        message_set(message, "%s is too long to be the engine's crash marker: look at it, then remove it", path);
        r = err_origin(-EBADMSG);
    }
    for (size_t at = 0; !r && at + QUARANTINE_RECORD_BYTES <= bytes.len; at += QUARANTINE_RECORD_BYTES)
        take_record(quarantine, (const uint8_t *)bytes.at + at);
    arena_release(&arena);
    return err_trace(r);
}

/* What still counts, and nothing else. */
static int rewrite_marker(struct quarantine *quarantine, const char *path, struct message *message) {
    struct buffer out;
    uint8_t record[QUARANTINE_RECORD_BYTES];
    size_t kept = 0;
    buffer_init_heap(&out, QUARANTINE_FILE_BYTES_MAX);
    for (size_t i = 0; i < quarantine->count; i++) {
        if (!quarantine->entries[i].aborts) continue;
        quarantine->entries[kept++] = quarantine->entries[i];
        record_write(record, quarantine->entries[kept - 1].key, quarantine->entries[kept - 1].aborts);
        buffer_append(&out, record, sizeof record);
    }
    quarantine->count = kept;
    int r = out.overflow ? err_origin(-ENOMEM) : file_write_atomic(path, buffer_str(&out), FILE_MODE, message);
    buffer_release(&out);
    return err_trace(r);
}

/* ---- signals ---- */

static void on_signal(int number) {
    struct quarantine *quarantine = listener;
    size_t batch = runs, bytes = quarantine && batch != RUNS_NONE ? atomic_load(&quarantine->batches[batch].bytes) : 0;
    runs = RUNS_NONE;
    if (bytes && write(quarantine->fd, quarantine->batches[batch].records, bytes) > 0) (void)fdatasync(quarantine->fd);
    for (size_t i = 0; quarantine && i < ARRAY_COUNT(signals); i++)
        if (signals[i] == number) (void)sigaction(number, &quarantine->former[i], NULL);
    (void)raise(number); /* held back until this returns, then it takes its former course */
}

static void ignore_signals(struct quarantine *quarantine) {
    for (; quarantine->listening > 0; quarantine->listening--)
        (void)sigaction(signals[quarantine->listening - 1], &quarantine->former[quarantine->listening - 1], NULL);
    listener = NULL;
}

static int listen_to_signals(struct quarantine *quarantine) {
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };
    (void)sigemptyset(&action.sa_mask);
    listener = quarantine;
    for (; quarantine->listening < ARRAY_COUNT(signals); quarantine->listening++)
        if (sigaction(signals[quarantine->listening], &action, &quarantine->former[quarantine->listening]))
            return err_origin(-errno);
    return 0;
}

/* A stack that ran over leaves none for the handler; a sanitizer may have given this thread one already. */
static void give_stack(uint8_t stack[QUARANTINE_STACK_BYTES]) {
    stack_t now, ours = { .ss_sp = stack, .ss_size = QUARANTINE_STACK_BYTES };
    if (sigaltstack(NULL, &now) == 0 && (now.ss_flags & SS_DISABLE)) (void)sigaltstack(&ours, NULL);
}

static void take_stack(struct quarantine *quarantine) {
    stack_t now, none = { .ss_flags = SS_DISABLE };
    if (sigaltstack(NULL, &now) == 0 && now.ss_sp == quarantine->stacks[0]) (void)sigaltstack(&none, NULL);
}

/* ---- open and close ---- */

static int open_marker(struct quarantine *quarantine, const char *path, struct message *message) {
    int r = read_marker(quarantine, path, message);
    if (!r) r = rewrite_marker(quarantine, path, message);
    if (r) return err_trace(r);
    quarantine->fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (quarantine->fd >= 0) return listen_to_signals(quarantine);
    r = err_origin(-errno);
    message_set(message, "%s cannot be written (%s): change its permissions", path, strerrorname_np(-r));
    return r;
}

int quarantine_open(const char *path, struct quarantine **ret_quarantine, struct message *message) {
    if (listener) {
        message_set(message, "this process has an engine with a crash marker already");
        return err_origin(-EBUSY);
    }
    struct quarantine *quarantine = calloc(1, sizeof *quarantine);
    if (!quarantine) return err_origin(-ENOMEM);
    quarantine->fd = -1;
    quarantine->entries = calloc(QUARANTINE_KEYS_MAX, sizeof *quarantine->entries);
    int r = quarantine->entries ? open_marker(quarantine, path, message) : err_origin(-ENOMEM);
    if (r) quarantine_close(quarantine);
    else *ret_quarantine = quarantine;
    return err_trace(r);
}

struct quarantine *quarantine_close(struct quarantine *quarantine) {
    if (!quarantine) return NULL;
    ignore_signals(quarantine);
    take_stack(quarantine); /* of this thread; the engine's own has ended */
    if (quarantine->fd >= 0) close(quarantine->fd);
    free(quarantine->entries);
    free(quarantine);
    return NULL;
}

/* ---- batches ---- */

static uint32_t aborts_of(const struct quarantine *quarantine, const struct command *command) {
    if (!quarantine || !quarantine->count || !command->idempotency.present) return 0;
    const struct entry *entry = find(quarantine, command->idempotency.key);
    return entry ? entry->aborts : 0;
}

bool quarantine_holds(const struct quarantine *quarantine, const struct command *command) {
    return aborts_of(quarantine, command) >= QUARANTINE_ABORTS;
}

bool quarantine_suspects(const struct quarantine *quarantine, const struct command *command) {
    return aborts_of(quarantine, command) > 0;
}

void quarantine_enter(struct quarantine *quarantine, size_t batch, struct command *const *commands, size_t count) {
    size_t bytes = 0;
    if (!quarantine) return;
    check(batch < QUARANTINE_BATCHES && count <= QUARANTINE_BATCH_MAX);
    atomic_store(&quarantine->batches[batch].bytes, 0);
    for (size_t i = 0; i < count; i++) {
        if (!commands[i]->idempotency.present || quarantine_holds(quarantine, commands[i])) continue;
        record_write(quarantine->batches[batch].records + bytes, commands[i]->idempotency.key, 1);
        bytes += QUARANTINE_RECORD_BYTES;
    }
    atomic_store(&quarantine->batches[batch].bytes, bytes);
    if (runs == RUNS_NONE) give_stack(quarantine->stacks[0]);
    runs = batch;
}

void quarantine_run(struct quarantine *quarantine, size_t batch) {
    if (quarantine) runs = batch;
}

void quarantine_rest(struct quarantine *quarantine) {
    if (quarantine) runs = RUNS_NONE;
}

void quarantine_second(struct quarantine *quarantine) {
    if (quarantine) give_stack(quarantine->stacks[1]);
}

void quarantine_leave(struct quarantine *quarantine, size_t batch, struct command *const *commands, size_t committed) {
    uint8_t record[QUARANTINE_RECORD_BYTES];
    if (!quarantine) return;
    if (runs == batch) runs = RUNS_NONE;
    atomic_store(&quarantine->batches[batch].bytes, 0);
    for (size_t i = 0; quarantine->count && i < committed; i++) {
        uint32_t aborts = aborts_of(quarantine, commands[i]);
        if (!aborts || aborts >= QUARANTINE_ABORTS) continue;
        find(quarantine, commands[i]->idempotency.key)->aborts = 0;
        record_write(record, commands[i]->idempotency.key, 0);
        (void)!write(quarantine->fd, record, sizeof record); /* lost, it is only marked once too often */
    }
}
