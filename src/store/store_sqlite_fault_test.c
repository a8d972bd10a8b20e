/* store_sqlite_fault_test.c - every write and every flush of a commit fails once, and for good; then the books are
 * checked.
 *
 * A VFS in front of the stock one counts the calls and fails the n-th. After each failure the files are copied as a
 * kill would leave them, opened, and compared with what the commit said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/store_test_tables.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "store/store_sqlite_int.h"

enum { BASE_ROWS = 10, STOCK_ROWS = 40, SEALED_ROWS = 2000, CALLS_MAX = 2000, SPILL_ROWS = 60000 };
static int64_t fault_rows = STOCK_ROWS; /* of the batch that fails; a sealed log joins its writes, so more of them */
enum fault_call { FAULT_WRITE, FAULT_SYNC, FAULT_SHARED_MEMORY };

/* One fault: the n-th call of a kind gives code, once or from then on. */
static struct {
    atomic_bool armed, fired;
    enum fault_call call;
    int code;
    bool sticky, whole; /* whole: a write that is reported as failed gets there all the same, else half of it */
    atomic_int left;
} fault;

static bool fault_due(enum fault_call call) {
    if (!atomic_load(&fault.armed) || fault.call != call) return false;
    int left = atomic_fetch_sub(&fault.left, 1);
    if (left > 1 || (left < 1 && !fault.sticky)) return false;
    atomic_store(&fault.fired, true);
    return true;
}

/* What was written to the log since it was last flushed, and how often it was. */
static atomic_int log_unflushed, log_flushes;

struct shim_file {
    sqlite3_file base;
    sqlite3_file *real;
    bool log;
};

static sqlite3_file *real_of(sqlite3_file *file) {
    return ((struct shim_file *)file)->real;
}

static int shim_close(sqlite3_file *file) { return real_of(file)->pMethods->xClose(real_of(file)); }
static int shim_read(sqlite3_file *file, void *at, int len, sqlite3_int64 from) {
    return real_of(file)->pMethods->xRead(real_of(file), at, len, from);
}
static bool is_log(sqlite3_file *file) {
    return ((struct shim_file *)file)->log;
}
static int shim_write(sqlite3_file *file, const void *at, int len, sqlite3_int64 to) {
    if (is_log(file)) atomic_fetch_add(&log_unflushed, 1);
    if (!fault_due(FAULT_WRITE)) return real_of(file)->pMethods->xWrite(real_of(file), at, len, to);
    (void)real_of(file)->pMethods->xWrite(real_of(file), at, fault.whole ? len : len / 2, to);
    return fault.code;
}
static int shim_truncate(sqlite3_file *file,
                         sqlite3_int64 len) { return real_of(file)->pMethods->xTruncate(real_of(file), len); }
static int shim_sync(sqlite3_file *file, int flags) {
    if (fault_due(FAULT_SYNC)) return fault.code;
    int unflushed = atomic_load(&log_unflushed);
    int code = real_of(file)->pMethods->xSync(real_of(file), flags);
    if (is_log(file) && code == SQLITE_OK) {
        atomic_fetch_sub(&log_unflushed, unflushed);
        atomic_fetch_add(&log_flushes, 1);
    }
    return code;
}
static int shim_size(sqlite3_file *file,
                     sqlite3_int64 *ret_len) { return real_of(file)->pMethods->xFileSize(real_of(file), ret_len); }
static int shim_lock(sqlite3_file *file, int lock) { return real_of(file)->pMethods->xLock(real_of(file), lock); }
static int shim_unlock(sqlite3_file *file, int lock) { return real_of(file)->pMethods->xUnlock(real_of(file), lock); }
static int shim_reserved(sqlite3_file *file, int *ret_lock) {
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), ret_lock);
}
static int shim_control(sqlite3_file *file, int op,
                        void *arg) { return real_of(file)->pMethods->xFileControl(real_of(file), op, arg); }
static int shim_sector(sqlite3_file *file) { return real_of(file)->pMethods->xSectorSize(real_of(file)); }
static int shim_device(sqlite3_file *file) { return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file)); }
static int shim_map(sqlite3_file *file, int page, int len, int extend, void volatile **ret_at) {
    if (fault_due(FAULT_SHARED_MEMORY)) return fault.code;
    return real_of(file)->pMethods->xShmMap(real_of(file), page, len, extend, ret_at);
}
static int shim_shm_lock(sqlite3_file *file, int from, int count, int flags) {
    return real_of(file)->pMethods->xShmLock(real_of(file), from, count, flags);
}
static void shim_barrier(sqlite3_file *file) { real_of(file)->pMethods->xShmBarrier(real_of(file)); }
static int shim_unmap(sqlite3_file *file, int erase) { return real_of(file)->pMethods->xShmUnmap(real_of(file),
                                                                                                 erase); }

static const sqlite3_io_methods shim_methods = {
    .iVersion = 2, .xClose = shim_close, .xRead = shim_read, .xWrite = shim_write, .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_size, .xLock = shim_lock, .xUnlock = shim_unlock, .xCheckReservedLock = shim_reserved,
    .xFileControl = shim_control, .xSectorSize = shim_sector, .xDeviceCharacteristics = shim_device,
    .xShmMap = shim_map,
    .xShmLock = shim_shm_lock, .xShmBarrier = shim_barrier, .xShmUnmap = shim_unmap,
};
static sqlite3_vfs shim_vfs, *real_vfs;

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags) {
    struct shim_file *shim = (struct shim_file *)file;
    (void)vfs;
    shim->base.pMethods = NULL;
    shim->real = (sqlite3_file *)(shim + 1);
    shim->log = flags & SQLITE_OPEN_WAL;
    int code = real_vfs->xOpen(real_vfs, name, shim->real, flags, ret_flags);
    if (code == SQLITE_OK) shim->base.pMethods = &shim_methods;
    return code;
}

static void shim_install(void) {
    real_vfs = sqlite3_vfs_find(NULL);
    assert_non_null(real_vfs);
    shim_vfs = *real_vfs;
    shim_vfs.zName = "faults";
    shim_vfs.szOsFile = (int)sizeof(struct shim_file) + real_vfs->szOsFile;
    shim_vfs.xOpen = shim_open;
    assert_int_equal(sqlite3_vfs_register(&shim_vfs, 1), SQLITE_OK);
}

static void fault_arm(enum fault_call call, int code, bool sticky, int n) {
    fault.call = call, fault.code = code, fault.sticky = sticky;
    atomic_store(&fault.left, n);
    atomic_store(&fault.fired, false);
    atomic_store(&fault.armed, true);
}

static void copy_files(const struct world *from, const struct world *to) {
    pid_t pid = fork(); /* opening the files here would drop SQLite's locks on them */
    assert_true(pid >= 0);
    if (pid == 0) {
        char log[TEST_PATH_BYTES * 3], marker[TEST_PATH_BYTES * 3], lock[TEST_PATH_BYTES * 3];
        char keys[TEST_PATH_BYTES * 3];
        const char *more[3] = { NULL };
        size_t count = 0;
        (void)snprintf(log, sizeof log, "%s-wal", from->path);
        (void)snprintf(marker, sizeof marker, "%s.unknown", from->path);
        (void)snprintf(lock, sizeof lock, "%s.lock", from->path);
        (void)snprintf(keys, sizeof keys, "%s-keys", from->path);
        if (access(marker, F_OK) == 0) more[count++] = marker;
        if (test_sealed) more[count++] = keys;
        execlp("cp", "cp", "-t", to->folder, from->path, log, lock, more[0], more[1], (char *)NULL);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* How many of the faulted batch are there; the rows before it must be. */
static int64_t count_rows(struct world *world) {
    int64_t rows = 0;
    for (int64_t n = 0; n < BASE_ROWS; n++) assert_true(store_has_item(world, n));
    for (int64_t n = BASE_ROWS; n < BASE_ROWS + fault_rows; n++) rows += store_has_item(world, n);
    return rows;
}

/* What a kill right now would leave: opened in another folder, with the faults off. */
static int64_t count_rows_after_kill(const struct world *world) {
    struct world copy;
    world_make(&copy, &store_sqlite_ops, "/tmp");
    copy_files(world, &copy);
    world_open(&copy);
    int64_t rows = count_rows(&copy);
    assert_int_equal(commit_items(&copy, 90000, 90010), 0);
    world_drop(&copy);
    return rows;
}

enum { SEEN_DONE = 1, SEEN_UNDONE = 1 << STORE_E_UNDONE, SEEN_FULL = 1 << STORE_E_FULL, SEEN_UNKNOWN = 1 << 8 };

static const struct {
    const char *name;
    enum fault_call call;
    int code;
    bool sticky, whole;
    unsigned may; /* what the commits may say, all calls taken together: each of them, and nothing else */
} fault_kinds[] = {
    { "write fails once",        FAULT_WRITE,         SQLITE_IOERR_WRITE,   false, false, SEEN_DONE | SEEN_UNDONE },
    { "writes fail for good",    FAULT_WRITE,         SQLITE_IOERR_WRITE,   true,  false, SEEN_DONE | SEEN_UNKNOWN },
    { "whole write fails once",  FAULT_WRITE,         SQLITE_IOERR_WRITE,   false, true,  SEEN_DONE | SEEN_UNDONE },
    { "whole writes fail",       FAULT_WRITE,         SQLITE_IOERR_WRITE,   true,  true,  SEEN_DONE | SEEN_UNKNOWN },
    { "no space once",           FAULT_WRITE,         SQLITE_FULL,          false, false, SEEN_DONE | SEEN_FULL },
    { "no space for good",       FAULT_WRITE,         SQLITE_FULL,          true,  false, SEEN_DONE | SEEN_FULL },
    { "flush fails once",        FAULT_SYNC,          SQLITE_IOERR_FSYNC,   false, false, SEEN_DONE | SEEN_UNKNOWN },
    { "flushes fail for good",   FAULT_SYNC,          SQLITE_IOERR_FSYNC,   true,  false, SEEN_DONE | SEEN_UNKNOWN },
};

/* One round: a small store, the n-th call fails in a commit. False when the commit made fewer calls. */
static bool fault_round(size_t kind, int n, unsigned *seen) {
    const char *name = fault_kinds[kind].name;
    struct world world;
    char marker[TEST_PATH_BYTES * 3];
    world_make(&world, &store_sqlite_ops, "/tmp");
    world_open(&world);
    (void)snprintf(marker, sizeof marker, "%s.unknown", world.path);
    assert_int_equal(commit_items(&world, 0, BASE_ROWS - 1), 0);
    fault.whole = fault_kinds[kind].whole;
    fault_arm(fault_kinds[kind].call, fault_kinds[kind].code, fault_kinds[kind].sticky, n);
    int r = commit_items(&world, BASE_ROWS, BASE_ROWS + fault_rows - 1);
    atomic_store(&fault.armed, false);
    bool fired = atomic_load(&fault.fired);
    int64_t left = count_rows_after_kill(&world);
    if (r >= 0 && left != (r ? 0 : fault_rows)) fail_msg("%s, call %d: said %d, %d rows are there", name, n, r,
                                                         (int)left);
    if (left != 0 && left != fault_rows) fail_msg("%s, call %d: half a batch, %d rows", name, n, (int)left);
    assert_int_equal(access(marker, F_OK) == 0, r < 0);
    if (!fired) assert_int_equal(r, 0);
    if (r > 0) { /* the store goes on */
        assert_int_equal(count_rows(&world), 0);
        assert_int_equal(commit_items(&world, BASE_ROWS, BASE_ROWS + fault_rows - 1), 0);
        assert_int_equal(count_rows_after_kill(&world), fault_rows);
    }
    if (r < 0) { /* this one must not; the next start finds out */
        assert_int_equal(commit_items(&world, 9000, 9000), -EIO);
        world.store = store_close(world.store);
        world_open(&world);
        left = count_rows(&world);
        assert_true(left == 0 || left == fault_rows);
        assert_true(access(marker, F_OK) != 0);
        assert_int_equal(commit_items(&world, 9000, 9000), 0);
    }
    *seen |= r < 0 ? 1u << 8 : 1u << r;
    world_drop(&world);
    return fired;
}

/* spec: ledger/58 */
static void q3_every_call_of_a_commit_fails(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(fault_kinds); i++) {
        unsigned seen = 0;
        int n = 1;
        while (fault_round(i, n, &seen))
            assert_true(++n < CALLS_MAX);
        print_message("%s: %d calls\n", fault_kinds[i].name, n - 1);
        assert_true(n > 1);
        if (seen != fault_kinds[i].may) fail_msg("%s: said %x, not %x", fault_kinds[i].name, seen, fault_kinds[i].may);
    }
}

/* Q1: a commit that is done has flushed all that it wrote, as the store is opened by default. */
/* spec: ledger/50 */
static void q1_no_commit_is_done_before_its_flush(void **state) {
    enum { COMMITS = 40 };
    struct world world;
    (void)state;
    world_make(&world, &store_sqlite_ops, "/tmp");
    world_open(&world);
    atomic_store(&log_unflushed, 0); /* of the stores before it, which failed */
    for (int64_t n = 0; n < COMMITS; n++) {
        int flushes = atomic_load(&log_flushes);
        assert_int_equal(commit_items(&world, n * 100, n * 100 + n), 0);
        assert_int_equal(atomic_load(&log_unflushed), 0);
        assert_true(atomic_load(&log_flushes) > flushes);
    }
    world_drop(&world);
}

/* A batch larger than the cache writes to the log before COMMIT (Q2). */
/* spec: ledger/58 */
static void q2_failing_write_before_commit(void **state) {
    (void)state;
    static char body[BODY_BYTES_MAX];
    static const int codes[][2] = { { SQLITE_IOERR_WRITE, STORE_E_UNDONE }, { SQLITE_FULL, STORE_E_FULL } };
    struct world world;
    world_make(&world, &store_sqlite_ops, "/tmp");
    world_open(&world);
    assert_int_equal(commit_items(&world, 0, BASE_ROWS - 1), 0);
    struct item *items = arena_new_array(&world.arena, struct item, SPILL_ROWS);
    struct store_change *changes = arena_new_array(&world.arena, struct store_change, SPILL_ROWS);
    assert_true(items && changes);
    for (int64_t i = 0; i < SPILL_ROWS; i++) {
        items[i] = item_make(&world.arena, BASE_ROWS + i);
        items[i].body = str_from_bytes(body, sizeof body);
        changes[i] = (struct store_change){ &item_table, STORE_INSERT, &items[i] };
    }
    for (size_t i = 0; i < ARRAY_COUNT(codes); i++) {
        fault_arm(FAULT_WRITE, codes[i][0], true, 5);
        int r = store_commit(world.store, changes, SPILL_ROWS);
        atomic_store(&fault.armed, false);
        assert_true(atomic_load(&fault.fired));
        assert_int_equal(r, codes[i][1]);
        assert_int_equal(count_rows(&world), 0);
        assert_int_equal(count_rows_after_kill(&world), 0);
    }
    assert_int_equal(commit_items(&world, BASE_ROWS, BASE_ROWS + fault_rows - 1), 0);
    assert_int_equal(count_rows_after_kill(&world), fault_rows);
    world_drop(&world);
}

/* The log's shared index cannot grow behind the flush: the rows may be there, so nobody may say that they are not. */
static void q3_shared_memory_fails(void **state) {
    (void)state;
    struct world world;
    world_make(&world, &store_sqlite_ops, "/tmp");
    world_open(&world);
    int64_t n = 0;
    int r = 0;
    struct store_reader *reader; /* holds the log, so that it grows past one page of its index */
    assert_int_equal(commit_items(&world, n, n + 99), 0);
    assert_int_equal(store_reader_open(world.store, &reader), 0);
    assert_int_equal(store_reader_begin(reader), 0);
    fault_arm(FAULT_SHARED_MEMORY, SQLITE_IOERR_SHMSIZE, true, 1);
    while (r == 0 && n < SPILL_ROWS) {
        n += 100;
        r = commit_items(&world, n, n + 99);
        arena_reset(&world.arena);
    }
    atomic_store(&fault.armed, false);
    assert_int_equal(r, -EIO);
    (void)store_reader_close(reader);
    world.store = store_close(world.store);
    world_open(&world);
    for (int64_t i = 0; i < n; i += 50) assert_true(store_has_item(&world, i));
    bool there = store_has_item(&world, n);
    for (int64_t i = n; i < n + 100; i++) assert_int_equal(store_has_item(&world, i), there);
    world_drop(&world);
}

/* A real full disk: everything acknowledged stays, the refused batch is not there, and it works again when there is
 * space. */
/* spec: ledger/58 */
static void full_disk(void **state) {
    (void)state;
    char mount_point[] = "/tmp/giro-full-XXXXXX", filler[TEST_PATH_BYTES];
    struct world world;
    assert_non_null(mkdtemp(mount_point));
    if (geteuid() != 0 || mount("none", mount_point, "tmpfs", MS_NOSUID | MS_NODEV, "size=3m")) {
        assert_int_equal(rmdir(mount_point), 0);
        skip();
    }
    world_make(&world, &store_sqlite_ops, mount_point);
    (void)snprintf(filler, sizeof filler, "%s/filler", mount_point);
    int fd = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && posix_fallocate(fd, 0, 1 << 20) == 0 && close(fd) == 0);
    world_open(&world);
    int64_t n = 0;
    int r;
    while ((r = commit_items(&world, n, n + 19)) == 0 && n < SPILL_ROWS) n += 20;
    assert_int_equal(r, STORE_E_FULL);
    assert_true(n > 0);
    assert_int_equal(commit_items(&world, n, n + 19), STORE_E_FULL);
    for (int64_t i = 0; i < n + 20; i++) assert_int_equal(store_has_item(&world, i), i < n);
    assert_int_equal(unlink(filler), 0);
    assert_int_equal(commit_items(&world, n, n + 19), 0);
    world.store = store_close(world.store);
    world_open(&world);
    for (int64_t i = 0; i < n + 20; i++) assert_true(store_has_item(&world, i));
    world_drop(&world);
    assert_int_equal(umount(mount_point), 0);
    assert_int_equal(rmdir(mount_point), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(q1_no_commit_is_done_before_its_flush),
        cmocka_unit_test(full_disk),
        cmocka_unit_test(q3_every_call_of_a_commit_fails),
        cmocka_unit_test(q2_failing_write_before_commit),
        cmocka_unit_test(q3_shared_memory_fails),
    };
    (void)sqlite3_initialize();
    shim_install();
    int failed = cmocka_run_group_tests_name("stock", tests, NULL, NULL);
    test_sealed = true;
    fault_rows = SEALED_ROWS;
    return failed + cmocka_run_group_tests_name("sealed", tests, NULL, NULL);
}
