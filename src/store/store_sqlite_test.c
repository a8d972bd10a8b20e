/* store_sqlite_test.c - the embedded store among other processes, after kill -9, and with files that are not as they
 * should be. */
/* spec: ledger/78 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/store_test_tables.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "store/store_sqlite_int.h"

enum { BATCH_ROWS = 3, KILL_ROUNDS = 12 };

/* A second process and two pipes: it says how far it is, and goes on when told. */
struct child {
    pid_t pid;
    int said, told;
};

static struct child child_start(struct world *world, void (*run)(struct world *world, int say, int hear)) {
    int up[2], down[2];
    assert_int_equal(pipe(up), 0);
    assert_int_equal(pipe(down), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)close(up[0]);
        (void)close(down[1]);
        run(world, up[1], down[0]);
        _exit(0);
    }
    (void)close(up[1]);
    (void)close(down[0]);
    return (struct child){ pid, up[0], down[1] };
}

static bool child_says(const struct child *child, int64_t *ret_value) {
    return read(child->said, ret_value, sizeof *ret_value) == sizeof *ret_value;
}

static void say(int fd, int64_t value) {
    check(write(fd, &value, sizeof value) == sizeof value);
}

static void hear(int fd) {
    char byte;
    if (read(fd, &byte, 1) != 1) _exit(0); /* the test ended */
}

static void tell(const struct child *child) {
    assert_int_equal(write(child->told, "x", 1), 1);
}

static void child_kill(const struct child *child) {
    int status;
    assert_int_equal(kill(child->pid, SIGKILL), 0);
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    (void)close(child->said);
    (void)close(child->told);
}

static void copy_file(const char *from, const char *to) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        execlp("cp", "cp", "--", from, to, (char *)NULL);
        _exit(127);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void with_suffix(const struct world *world, const char *suffix, char path[TEST_PATH_BYTES * 3]) {
    (void)snprintf(path, TEST_PATH_BYTES * 3, "%s%s", world->path, suffix);
}

static bool exists(const struct world *world, const char *suffix) {
    char path[TEST_PATH_BYTES * 3];
    with_suffix(world, suffix, path);
    return access(path, F_OK) == 0;
}

static void write_at(const char *path, off_t at, const char *bytes, size_t len) {
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, at), len);
    assert_int_equal(close(fd), 0);
}

static void open_is_refused(struct world *world, const char *fragment) {
    struct message message = { { 0 } };
    int r = store_open(&world->options, &world->store, &message);
    if (r >= 0) fail_msg("opened, though: %s", fragment);
    assert_null(world->store);
    if (!strstr(message.text, fragment)) fail_msg("'%s' does not say '%s'", message.text, fragment);
    assert_null(strchr(message.text, '\n'));
}

static void run_ten_and_one(struct world *world, int say_fd, int hear_fd) {
    world_open(world);
    check(commit_items(world, 1, 10) == 0);
    say(say_fd, 10);
    hear(hear_fd);
    check(commit_items(world, 11, 11) == 0);
    say(say_fd, 11);
    hear(hear_fd);
}

/* spec: ledger/49 */
static void q4_second_process_is_refused(void **state) {
    (void)state;
    struct world world;
    int64_t said;
    char sentence[64];
    world_make(&world, &store_sqlite_ops, "/tmp");
    struct child child = child_start(&world, run_ten_and_one);
    assert_true(child_says(&child, &said));
    (void)snprintf(sentence, sizeof sentence, "is in use by process %d:", (int)child.pid);
    open_is_refused(&world, sentence);
    child_kill(&child);
    world_open(&world); /* the lock died with its process */
    assert_true(store_has_item(&world, 10));
    world_drop(&world);
}

static void s2_reader_beside_a_writing_process(void **state) {
    (void)state;
    struct world world;
    struct store_reader *reader;
    struct message message;
    int64_t said;
    world_make(&world, &store_sqlite_ops, "/tmp");
    struct child child = child_start(&world, run_ten_and_one);
    assert_true(child_says(&child, &said));
    assert_int_equal(store_reader_open_only(&world.options, &reader, &message), 0);
    assert_int_equal(store_reader_begin(reader), 0);
    assert_true(reader_has_item(reader, &world.arena, 10));
    tell(&child);
    assert_true(child_says(&child, &said) && said == 11);
    assert_false(reader_has_item(reader, &world.arena, 11));
    store_reader_end(reader);
    assert_true(reader_has_item(reader, &world.arena, 11));
    (void)store_reader_close(reader);
    child_kill(&child);
    world_drop(&world);
}

/* Commits batches of three rows in two tables without end, saying the last number of each that was acknowledged. */
static void run_batches(struct world *world, int say_fd, int hear_fd) {
    (void)hear_fd;
    world_open(world);
    int64_t first = 0;
    while (store_has_item(world, first)) first += BATCH_ROWS; /* goes on where the one before was killed */
    for (int64_t n = first;; n += BATCH_ROWS) {
        struct item items[BATCH_ROWS];
        struct posting postings[BATCH_ROWS];
        struct store_change changes[2 * BATCH_ROWS];
        for (int i = 0; i < BATCH_ROWS; i++) {
            items[i] = item_make(&world->arena, n + i);
            postings[i] = (struct posting){ .number = n + i, .amount = n };
            changes[2 * i] = (struct store_change){ &item_table, STORE_INSERT, &items[i] };
            changes[2 * i + 1] = (struct store_change){ &posting_table, STORE_INSERT, &postings[i] };
        }
        check(store_commit(world->store, changes, 2 * BATCH_ROWS) == 0);
        say(say_fd, n + BATCH_ROWS - 1);
        arena_reset(&world->arena);
    }
}

static bool has_posting(struct world *world, int64_t n) {
    struct posting posting = { .number = n };
    struct store_probe probe = { .table = &posting_table, .index = 0, .row = &posting };
    assert_int_equal(store_load(world->store, &probe, 1, &world->arena), 0);
    return probe.ret_row != NULL;
}

/* Everything up to the last acknowledged number is there, at most one more batch, and that one whole. */
static void check_after_kill(struct world *world, int64_t acknowledged) {
    world_open(world);
    for (int64_t n = 0; n <= acknowledged; n++) {
        if (!store_has_item(world, n) || !has_posting(world, n))
            fail_msg("row %lld of %lld lost", (long long)n, (long long)acknowledged);
        arena_reset(&world->arena);
    }
    bool more = store_has_item(world, acknowledged + 1);
    for (int64_t n = acknowledged + 1; n <= acknowledged + BATCH_ROWS; n++)
        assert_true(store_has_item(world, n) == more && has_posting(world, n) == more);
    assert_false(store_has_item(world, acknowledged + BATCH_ROWS + 1));
    world->store = store_close(world->store);
}

/* spec: ledger/57 */
static void s1_kill_loses_nothing_acknowledged(void **state) {
    (void)state;
    struct world world;
    int64_t acknowledged = -1, said;
    world_make(&world, &store_sqlite_ops, "/tmp");
    for (int round = 0; round < KILL_ROUNDS; round++) {
        struct child child = child_start(&world, run_batches);
        for (int i = 0; i < 10 + round * 37; i++) {
            assert_true(child_says(&child, &said));
            acknowledged = said;
        }
        assert_int_equal(kill(child.pid, SIGKILL), 0);
        while (child_says(&child, &said)) acknowledged = said; /* said before it died */
        child_kill(&child);
        check_after_kill(&world, acknowledged);
    }
    world_drop(&world);
}

static void run_fifty(struct world *world, int say_fd, int hear_fd) {
    world_open(world);
    for (int64_t n = 1; n <= 50; n++) check(commit_items(world, n, n) == 0);
    say(say_fd, 50);
    hear(hear_fd);
}

/* A folder whose log holds 50 commits of one row each; then the log is cut or spoilt. */
static int64_t rows_after_tearing(const struct world *made, off_t cut, off_t spoil_at) {
    static char noise[4096];
    struct world world;
    char from[TEST_PATH_BYTES * 3], to[TEST_PATH_BYTES * 3];
    memset(noise, 0x5a, sizeof noise);
    world_make(&world, &store_sqlite_ops, "/tmp");
    copy_file(made->path, world.path);
    if (test_sealed) {
        with_suffix(made, "-keys", from);
        with_suffix(&world, "-keys", to);
        copy_file(from, to);
    }
    with_suffix(made, "-wal", from);
    with_suffix(&world, "-wal", to);
    copy_file(from, to);
    if (cut >= 0) assert_int_equal(truncate(to, cut), 0);
    if (spoil_at >= 0) write_at(to, spoil_at, noise, sizeof noise);
    world_open(&world);
    int64_t rows = 0;
    while (store_has_item(&world, rows + 1)) rows++;
    for (int64_t n = rows + 1; n <= 51; n++) assert_false(store_has_item(&world, n));
    assert_int_equal(commit_items(&world, 51, 52), 0);
    world_drop(&world);
    return rows;
}

/* spec: ledger/57 */
static void torn_log_gives_whole_commits(void **state) {
    (void)state;
    struct world world;
    struct stat status;
    int64_t said, rows, last = 0;
    char log[TEST_PATH_BYTES * 3];
    world_make(&world, &store_sqlite_ops, "/tmp");
    struct child child = child_start(&world, run_fifty);
    assert_true(child_says(&child, &said));
    child_kill(&child);
    with_suffix(&world, "-wal", log);
    assert_int_equal(stat(log, &status), 0);
    off_t half = status.st_size / 2;
    for (int i = 0; i <= 10; i++) {
        off_t cut = half + (status.st_size - half) * i / 10 - (i % 3 ? i * 11 : 0);
        rows = rows_after_tearing(&world, cut, -1);
        assert_true(rows >= last && rows > 0);
        last = rows;
    }
    assert_int_equal(rows_after_tearing(&world, -1, -1), 50);
    assert_true(rows_after_tearing(&world, -1, status.st_size - 4096) < 50);
    rows = rows_after_tearing(&world, -1, half);
    assert_true(rows > 0 && rows < 50);
    world_drop(&world);
}

static void marker_makes_the_log_fresh(void **state) {
    (void)state;
    struct world world;
    struct stat before, after;
    struct store_reader *reader;
    struct message message;
    int64_t said;
    char log[TEST_PATH_BYTES * 3], marker[TEST_PATH_BYTES * 3];
    world_make(&world, &store_sqlite_ops, "/tmp");
    struct child child = child_start(&world, run_fifty);
    assert_true(child_says(&child, &said));
    with_suffix(&world, ".unknown", marker);
    with_suffix(&world, "-wal", log);
    assert_int_equal(store_reader_open_only(&world.options, &reader, &message), 0);
    assert_true(reader_has_item(reader, &world.arena, 50));
    file_write(marker, "");
    child_kill(&child);
    pid_t pid = fork(); /* SQLite's locks are the process's: another one must be the one that opens */
    if (pid == 0) {
        struct store *store = NULL;
        int r = store_open(&world.options, &store, &message);
        _exit(r == -EBUSY && strstr(message.text, "another process still reads it") ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    (void)store_reader_close(reader);
    assert_true(store_reader_open_only(&world.options, &reader, &message) < 0);
    assert_non_null(strstr(message.text, "middle of a commit"));
    assert_int_equal(stat(log, &before), 0);
    world_open(&world);
    assert_int_equal(stat(log, &after), 0);
    assert_true(before.st_ino != after.st_ino); /* another file, with the same rows */
    for (int64_t n = 1; n <= 50; n++) assert_true(store_has_item(&world, n));
    assert_false(exists(&world, ".unknown") || exists(&world, "-wal.fresh"));
    world_drop(&world);
}

/* On a full disk the marker file may be impossible; the mark in the lock file does the same. */
static void mark_in_the_lock_file_makes_the_log_fresh(void **state) {
    (void)state;
    struct world world;
    struct stat before, after;
    int64_t said;
    char log[TEST_PATH_BYTES * 3], lock[TEST_PATH_BYTES * 3], marker[TEST_PATH_BYTES * 3];
    world_make(&world, &store_sqlite_ops, "/tmp");
    struct child child = child_start(&world, run_fifty);
    assert_true(child_says(&child, &said));
    child_kill(&child);
    with_suffix(&world, "-wal", log);
    with_suffix(&world, ".lock", lock);
    with_suffix(&world, ".unknown", marker);
    int fd = open(lock, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_false(sqlite_marker_found(world.path, fd));
    assert_int_equal(mkdir(marker, 0700), 0); /* in the marker's place, so that it cannot be made */
    sqlite_marker_leave(world.path, fd);
    assert_int_equal(rmdir(marker), 0);
    assert_true(sqlite_marker_found(world.path, fd));
    assert_int_equal(stat(log, &before), 0);
    world_open(&world);
    assert_int_equal(stat(log, &after), 0);
    assert_true(before.st_ino != after.st_ino);
    assert_true(store_has_item(&world, 50));
    assert_false(sqlite_marker_found(world.path, fd));
    assert_int_equal(close(fd), 0);
    world_drop(&world);
}

/* A volume that was not mounted, a restore that was forgotten: the log is not dropped for a new, empty store. */
static void log_without_its_store_is_kept(void **state) {
    (void)state;
    struct world world;
    struct stat before, after;
    struct message message;
    struct store *store = NULL;
    int64_t said;
    char log[TEST_PATH_BYTES * 3], aside[TEST_PATH_BYTES * 3];
    world_make(&world, &store_sqlite_ops, "/tmp");
    struct child child = child_start(&world, run_fifty);
    assert_true(child_says(&child, &said));
    child_kill(&child);
    with_suffix(&world, "-wal", log);
    with_suffix(&world, ".aside", aside);
    assert_int_equal(stat(log, &before), 0);
    assert_int_equal(rename(world.path, aside), 0);
    for (int empty = 0; empty < 2; empty++) {
        if (empty) file_write(world.path, "");
        assert_int_equal(store_open(&world.options, &store, &message), -ENODATA);
        assert_non_null(strstr(message.text, "is missing or empty and its log"));
        assert_int_equal(stat(log, &after), 0);
        assert_true(after.st_size == before.st_size && after.st_ino == before.st_ino);
    }
    assert_int_equal(rename(aside, world.path), 0);
    world_open(&world);
    assert_true(store_has_item(&world, 50));
    world_drop(&world);
}

static void make_store(struct world *world) {
    world_make(world, &store_sqlite_ops, "/tmp");
    world_open(world);
    for (int64_t n = 0; n < 2000; n += 500) assert_int_equal(commit_items(world, n, n + 499), 0);
    world->store = store_close(world->store);
}

static void damaged_file_is_one_sentence(void **state) {
    (void)state;
    static char noise[200 * 1024];
    struct world world;
    char marker[TEST_PATH_BYTES * 3];
    memset(noise, 'x', sizeof noise);
    make_store(&world);
    write_at(world.path, 0, noise, 100); /* the file's header */
    open_is_refused(&world, "is damaged");
    world_drop(&world);

    make_store(&world);
    write_at(world.path, 100, noise, 3000); /* the schema */
    open_is_refused(&world, "is damaged");
    world_drop(&world);

    make_store(&world);
    write_at(world.path, 40 * 1024, noise, sizeof noise); /* rows: looked at whole when a marker says so */
    with_suffix(&world, ".unknown", marker);
    file_write(marker, "");
    open_is_refused(&world, "is damaged");
    assert_true(exists(&world, ".unknown")); /* not forgotten before it is mended */
    world_drop(&world);
}

static void run_as_nobody(struct world *world, int say_fd, int hear_fd) {
    struct message message = { { 0 } };
    struct store *store = NULL;
    (void)hear_fd;
    if (getuid() == 0) check(setresuid(65534, 65534, 65534) == 0);
    int r = store_open(&world->options, &store, &message);
    say(say_fd, r < 0 && strstr(message.text, "cannot be written: Permission denied") && !strchr(message.text, '\n'));
}

static void read_only_folder_is_one_sentence(void **state) {
    (void)state;
    struct world world;
    int64_t said;
    world_make(&world, &store_sqlite_ops, "/tmp");
    assert_int_equal(chmod(world.folder, 0555), 0);
    struct child child = child_start(&world, run_as_nobody);
    assert_true(child_says(&child, &said) && said);
    child_kill(&child);
    assert_int_equal(chmod(world.folder, 0700), 0);
    world_drop(&world);
}

static void missing_folder_and_long_path(void **state) {
    (void)state;
    struct world world;
    char path[STORE_PATH_BYTES_MAX + 8];
    memset(path, 'p', sizeof path);
    path[sizeof path - 1] = 0;
    world_make(&world, &store_sqlite_ops, "/tmp");
    world.options.path = "/nonexistent/giro.db";
    open_is_refused(&world, "No such file or directory");
    world.options.path = path;
    open_is_refused(&world, "longer than");
    world_drop(&world);
}

/* The database beside the store's own functions. */
static sqlite3 *database_open(const struct world *world, struct seal_ring **ret_ring) {
    sqlite3 *db;
    struct message message;
    *ret_ring = NULL;
    if (test_sealed) assert_int_equal(sqlite_seal_open(world->path, &test_key, ret_ring, &message), 0);
    assert_int_equal(sqlite3_open_v2(world->path, &db, SQLITE_OPEN_READWRITE, sqlite_seal_vfs(*ret_ring)), SQLITE_OK);
    return db;
}

/* spec: ledger/17 */
static void s3_the_database_refuses_too(void **state) {
    (void)state;
    struct world world;
    struct seal_ring *ring;
    make_store(&world);
    sqlite3 *db = database_open(&world, &ring);
    static const struct {
        const char *sql;
        int want;
    } statements[] = {
        { "INSERT INTO test_posting (number, amount, item) VALUES (1, 2, zeroblob(16))", SQLITE_OK },
        { "INSERT INTO test_posting (number, amount, item) VALUES (2, 2, zeroblob(15))", SQLITE_CONSTRAINT },
        { "INSERT INTO test_posting (number, amount, item) VALUES (2, 'two', zeroblob(16))", SQLITE_CONSTRAINT },
        { "INSERT INTO test_posting (number, amount, item) VALUES (2, NULL, zeroblob(16))", SQLITE_CONSTRAINT },
        { "UPDATE test_posting SET amount = 3", SQLITE_CONSTRAINT },
        { "DELETE FROM test_posting", SQLITE_CONSTRAINT },
    };
    for (size_t i = 0; i < ARRAY_COUNT(statements); i++)
        assert_int_equal(sqlite3_exec(db, statements[i].sql, NULL, NULL, NULL), statements[i].want);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    (void)sqlite_seal_close(ring);
    world_drop(&world);
}

/* Every range is read from its index in its order: no sorting, and no walk over the whole index when something is
 * equal. */
static void check_plan(sqlite3 *db, const struct table *table, struct sqlite_shape shape) {
    char text[STORE_STATEMENT_BYTES_MAX];
    struct buffer sql;
    sqlite3_stmt *plan;
    buffer_init(&sql, text, sizeof text);
    buffer_append_c(&sql, "EXPLAIN QUERY PLAN ");
    sqlite_sql_range(table, shape, &sql);
    assert_int_equal(sqlite3_prepare_v2(db, sql.at, (int)sql.len, &plan, NULL), SQLITE_OK);
    while (sqlite3_step(plan) == SQLITE_ROW) {
        const char *line = (const char *)sqlite3_column_text(plan, 3);
        bool whole = shape.equal_columns == 0 && !shape.bounded;
        if (strstr(line, "TEMP B-TREE") || (!whole && strstr(line, "SCAN")))
            fail_msg("%s: %.*s", line, (int)sql.len, sql.at);
    }
    assert_int_equal(sqlite3_finalize(plan), SQLITE_OK);
}

static void ranges_walk_their_index(void **state) {
    (void)state;
    struct world world;
    struct seal_ring *ring;
    make_store(&world);
    sqlite3 *db = database_open(&world, &ring);
    for (size_t i = 0; i < ARRAY_COUNT(test_tables); i++)
        for (uint8_t index = 0; index < test_tables[i]->index_count; index++)
            for (uint8_t equal = 0; equal <= test_tables[i]->indexes[index].column_count; equal++)
                for (int flags = 0; flags < 4; flags++) {
                    struct sqlite_shape shape = { index, equal, flags & 1, flags & 2 };
                    if (!shape.bounded || equal < test_tables[i]->indexes[index].column_count)
                        check_plan(db, test_tables[i], shape);
                }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    (void)sqlite_seal_close(ring);
    world_drop(&world);
}

/* The log is moved into the database beside the commits, and starts over. */
static void c1_c2_log_stays_short(void **state) {
    (void)state;
    struct world world;
    struct stat status;
    char log[TEST_PATH_BYTES * 3];
    world_make(&world, &store_sqlite_ops, "/tmp");
    world_open(&world);
    for (int64_t n = 0; n < 60000; n += 100) {
        assert_int_equal(commit_items(&world, n, n + 99), 0);
        arena_reset(&world.arena);
    }
    with_suffix(&world, "-wal", log);
    assert_int_equal(stat(log, &status), 0);
    /* 30 MiB written */
    assert_true(status.st_size > STORE_WAL_SOFT_BYTES && status.st_size < 4 * STORE_WAL_SOFT_BYTES);
    assert_int_equal(stat(world.path, &status), 0);
    assert_true(status.st_size > 1024 * 1024);
    world_drop(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(q4_second_process_is_refused),
        cmocka_unit_test(s2_reader_beside_a_writing_process),
        cmocka_unit_test(s1_kill_loses_nothing_acknowledged),
        cmocka_unit_test(torn_log_gives_whole_commits),
        cmocka_unit_test(marker_makes_the_log_fresh),
        cmocka_unit_test(mark_in_the_lock_file_makes_the_log_fresh),
        cmocka_unit_test(log_without_its_store_is_kept),
        cmocka_unit_test(damaged_file_is_one_sentence),
        cmocka_unit_test(read_only_folder_is_one_sentence),
        cmocka_unit_test(missing_folder_and_long_path),
        cmocka_unit_test(s3_the_database_refuses_too),
        cmocka_unit_test(ranges_walk_their_index),
        cmocka_unit_test(c1_c2_log_stays_short),
    };
    int failed = cmocka_run_group_tests_name("stock", tests, NULL, NULL);
    test_sealed = true;
    return failed + cmocka_run_group_tests_name("sealed", tests, NULL, NULL);
}
