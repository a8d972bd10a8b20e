/* store_sqlite_seal_keys_test.c - the keys of a sealed store: a wrong one, none, many, new ones, other processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/store_test_tables.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "store/store_sqlite_seal_int.h"

enum { KEYS_MADE = 20, COPY_BYTES_MAX = 1 << 20 };
static uint8_t other_key_bytes[STORE_KEY_BYTES] = "another key, also of 32 bytes..";
static const struct secret_bytes other_key = { .at = other_key_bytes, .len = STORE_KEY_BYTES };

static void companion(const struct world *world, const char *suffix, char path[TEST_PATH_BYTES * 3]) {
    (void)snprintf(path, TEST_PATH_BYTES * 3, "%s%s", world->path, suffix);
}

/* The bytes of a file; -1 when it is absent. */
static ssize_t file_bytes(const struct world *world, const char *suffix, uint8_t bytes[COPY_BYTES_MAX]) {
    char path[TEST_PATH_BYTES * 3];
    companion(world, suffix, path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t len = read(fd, bytes, COPY_BYTES_MAX);
    (void)close(fd);
    assert_true(len >= 0 && len < COPY_BYTES_MAX);
    return len;
}

/* Runs in a process of its own, which SQLite's locks ask for; what is left is as after a kill -9. */
static void in_child(struct world *world, void (*run)(struct world *world)) {
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        run(world);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void write_rows(struct world *world) {
    world_open(world);
    check(commit_items(world, 0, 99) == 0);
    world->store = store_close(world->store);
    world_open(world);
    check(commit_items(world, 100, 199) == 0); /* these stay in the log */
}

static void rows_are_there(struct world *world) {
    world_open(world);
    for (int64_t n = 0; n < 200; n++) assert_true(store_has_item(world, n));
    world->store = store_close(world->store);
}

/* Opening with these options is refused with that sentence, for writing and for reading, and no file changes. */
static void open_is_refused(struct world *world, const char *fragment) {
    static const char *const suffixes[] = { "", "-wal", "-keys" };
    static uint8_t before[3][COPY_BYTES_MAX], after[COPY_BYTES_MAX];
    struct message message = { { 0 } };
    struct store_reader *reader;
    ssize_t lens[3];
    for (int i = 0; i < 3; i++) lens[i] = file_bytes(world, suffixes[i], before[i]);
    assert_true(store_open(&world->options, &world->store, &message) < 0);
    if (!strstr(message.text, fragment)) fail_msg("'%s' does not say '%s'", message.text, fragment);
    assert_null(strchr(message.text, '\n'));
    message.text[0] = 0;
    assert_true(store_reader_open_only(&world->options, &reader, &message) < 0);
    if (!strstr(message.text, fragment)) fail_msg("'%s' does not say '%s'", message.text, fragment);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(file_bytes(world, suffixes[i], after), lens[i]);
        if (lens[i] > 0) assert_memory_equal(before[i], after, (size_t)lens[i]);
    }
}

static void wrong_key_is_one_sentence(void **state) {
    (void)state;
    struct world world;
    test_sealed = true;
    world_make(&world, &store_sqlite_ops, "/tmp");
    in_child(&world, write_rows);
    world.options.key = &other_key;
    open_is_refused(&world, "the store's key does not open");
    world.options.key = &test_key;
    rows_are_there(&world);
    world_drop(&world);
}

static void stock_and_sealed_are_told_apart(void **state) {
    (void)state;
    struct world world;
    test_sealed = true;
    world_make(&world, &store_sqlite_ops, "/tmp");
    in_child(&world, write_rows);
    world.options.key = NULL;
    open_is_refused(&world, "is sealed: set store.sealed to true");
    world.options.key = &test_key;
    rows_are_there(&world);
    world_drop(&world);
    test_sealed = false;
    world_make(&world, &store_sqlite_ops, "/tmp");
    in_child(&world, write_rows);
    world.options.key = &test_key;
    open_is_refused(&world, "is not sealed: set store.sealed to false");
    world.options.key = NULL;
    rows_are_there(&world);
    world_drop(&world);
}

static void missing_or_old_keys_lose_nothing(void **state) {
    (void)state;
    struct world world;
    char keys[TEST_PATH_BYTES * 3], aside[TEST_PATH_BYTES * 3], old[TEST_PATH_BYTES * 3];
    static uint8_t bytes[COPY_BYTES_MAX];
    test_sealed = true;
    world_make(&world, &store_sqlite_ops, "/tmp");
    companion(&world, "-keys", keys);
    companion(&world, "-aside", aside);
    companion(&world, "-old", old);
    world_open(&world);
    assert_int_equal(commit_items(&world, 0, 99), 0);
    world.store = store_close(world.store);
    ssize_t len = file_bytes(&world, "-keys", bytes); /* of the first opening */
    assert_true(len > 0);
    int fd = open(old, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && write(fd, bytes, (size_t)len) == len && close(fd) == 0);
    world_open(&world);
    assert_int_equal(commit_items(&world, 100, 199), 0);
    world.store = store_close(world.store);
    assert_int_equal(rename(keys, aside), 0);
    open_is_refused(&world, "giro.db-keys is missing");
    assert_int_equal(rename(old, keys), 0);
    struct message message = { { 0 } };
    int r = store_open(&world.options, &world.store, &message);
    if (r == 0) r = store_has_item(&world, 199) ? 0 : -1;
    assert_true(r < 0);
    assert_non_null(strstr(message.text, "is older than the store"));
    assert_int_equal(rename(aside, keys), 0);
    rows_are_there(&world);
    world_drop(&world);
}

static void rewrapped_keys(void **state) {
    (void)state;
    struct world world;
    struct message message = { { 0 } };
    test_sealed = true;
    world_make(&world, &store_sqlite_ops, "/tmp");
    in_child(&world, write_rows);
    assert_int_equal(store_seal_rewrap(world.path, &other_key, &test_key, &message), -EACCES);
    assert_non_null(strstr(message.text, "the store's key does not open"));
    assert_int_equal(store_seal_rewrap(world.path, &test_key, &other_key, &message), 0);
    open_is_refused(&world, "the store's key does not open");
    world.options.key = &other_key;
    rows_are_there(&world);
    world_open(&world);
    int status;
    pid_t pid = fork();
    if (pid == 0) _exit(store_seal_rewrap(world.path, &other_key, &test_key, &message) == -EBUSY ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(commit_items(&world, 300, 301), 0);
    world_drop(&world);
    assert_true(store_seal_rewrap("/nonexistent/giro.db", &test_key, &other_key, &message) < 0);
}

/* A reader's process, opened before the writer made its newest keys, reads what is sealed with them. */
static void reader_meets_a_later_epoch(void **state) {
    (void)state;
    struct world world;
    struct store_reader *reader;
    struct message message;
    int down[2], up[2], status;
    char byte = 0;
    test_sealed = true;
    world_make(&world, &store_sqlite_ops, "/tmp");
    world_open(&world);
    assert_int_equal(commit_items(&world, 0, 9), 0);
    world.store = store_close(world.store);
    assert_int_equal(pipe(down), 0);
    assert_int_equal(pipe(up), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct arena arena;
        check(arena_init(&arena, 1 << 20, 1 << 24) == 0);
        check(store_reader_open_only(&world.options, &reader, &message) == 0);
        check(reader_has_item(reader, &arena, 5) && !reader_has_item(reader, &arena, 15));
        check(write(up[1], "x", 1) == 1 && read(down[0], &byte, 1) == 1);
        for (int64_t n = 0; n < 30; n++) check(reader_has_item(reader, &arena, n));
        _exit(0);
    }
    assert_int_equal(read(up[0], &byte, 1), 1);
    for (int64_t n = 10; n < 30; n += 10) { /* two openings, two more epochs */
        world_open(&world);
        assert_int_equal(commit_items(&world, n, n + 9), 0);
        world.store = store_close(world.store);
    }
    assert_int_equal(write(down[1], "x", 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    for (int i = 0; i < 2; i++) (void)close(up[i]), (void)close(down[i]);
    world_drop(&world);
}

static void make_keys(const struct world *world, int count) {
    static const uint8_t page[SEAL_PAGE_BYTES];
    uint8_t sealed[SEAL_PAGE_BYTES];
    struct seal_cipher cipher = { 0 };
    struct seal_ring *ring;
    struct seal_place place = seal_place_database(2, NULL);
    check(sqlite_seal_open(world->path, &test_key, &ring, NULL) == 0);
    atomic_store(&ring->ticket, 1);
    ring->key_pages_max = 1; /* a key for every page */
    for (int i = 0; i < count; i++) check(seal_page(ring, &cipher, &place, page, sealed) == 0);
    seal_cipher_release(&cipher);
    (void)sqlite_seal_close(ring);
}

static void make_twenty(struct world *world) {
    make_keys(world, KEYS_MADE);
}

/* Two processes make keys at once: none is lost, and each has an epoch of its own. */
static void k2_two_openers_keep_all_keys(void **state) {
    (void)state;
    struct world world;
    struct seal_ring *ring;
    int status;
    test_sealed = true;
    world_make(&world, &store_sqlite_ops, "/tmp");
    pid_t pid = fork();
    if (pid == 0) {
        make_twenty(&world);
        _exit(0);
    }
    make_twenty(&world);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(sqlite_seal_open(world.path, &test_key, &ring, NULL), 0);
    assert_int_equal(atomic_load(&ring->count), 2 * KEYS_MADE);
    for (uint32_t i = 0; i < 2 * KEYS_MADE; i++) assert_int_equal(ring->epochs[i], i + 1);
    (void)sqlite_seal_close(ring);
    world_drop(&world);
}

/* Every seventh page another key; then one that cannot be made: that write fails, the rest goes on. */
static void v2_a_key_ends_after_its_pages(void **state) {
    (void)state;
    struct world world;
    struct seal_ring *ring;
    sqlite3 *db;
    sqlite3_stmt *count;
    char keys[TEST_PATH_BYTES * 3];
    static const char insert[] = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
                                 " INSERT INTO t SELECT zeroblob(1000) FROM n";
    test_sealed = true;
    world_make(&world, &store_sqlite_ops, "/tmp");
    companion(&world, "-keys", keys);
    world_open(&world);
    world.store = store_close(world.store);
    assert_int_equal(sqlite_seal_open(world.path, &test_key, &ring, NULL), 0);
    ring->key_pages_max = 7;
    assert_int_equal(sqlite3_open_v2(world.path, &db, SQLITE_OPEN_READWRITE, ring->name), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA temp_store = MEMORY; CREATE TABLE t (a BLOB)", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, insert, NULL, NULL, NULL), SQLITE_OK);
    uint32_t made = atomic_load(&ring->count);
    assert_true(made > 7);
    static uint8_t bytes[COPY_BYTES_MAX];
    ssize_t len = file_bytes(&world, "-keys", bytes);
    assert_int_equal(truncate(keys, len - 1), 0);
    assert_int_equal(sqlite3_exec(db, insert, NULL, NULL, NULL), SQLITE_IOERR);
    assert_int_equal(sqlite3_exec(db, insert, NULL, NULL, NULL), SQLITE_IOERR);
    assert_int_equal(atomic_load(&ring->count), made);
    file_write(keys, "");
    int fd = open(keys, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0 && write(fd, bytes, (size_t)len) == len && close(fd) == 0);
    assert_int_equal(sqlite3_exec(db, insert, NULL, NULL, NULL), SQLITE_OK);
    assert_true(atomic_load(&ring->count) > made);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    (void)sqlite_seal_close(ring);
    assert_int_equal(sqlite_seal_open(world.path, &test_key, &ring, NULL), 0);
    assert_int_equal(sqlite3_open_v2(world.path, &db, SQLITE_OPEN_READWRITE, ring->name), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM t WHERE a = zeroblob(1000)", -1, &count, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(count), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(count, 0), 400);
    assert_int_equal(sqlite3_finalize(count), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    (void)sqlite_seal_close(ring);
    world_drop(&world);
}

static void v2_a_forked_child_cannot_seal(void **state) {
    (void)state;
    static const uint8_t page[SEAL_PAGE_BYTES];
    uint8_t sealed[SEAL_PAGE_BYTES];
    struct world world;
    struct seal_ring *ring;
    struct seal_cipher cipher = { 0 };
    struct seal_place place = seal_place_database(2, NULL);
    int status;
    world_make(&world, &store_sqlite_ops, "/tmp");
    assert_int_equal(sqlite_seal_open(world.path, &test_key, &ring, NULL), 0);
    assert_int_equal(seal_page(ring, &cipher, &place, page, sealed), 0);
    pid_t pid = fork();
    if (pid == 0) _exit(seal_page(ring, &cipher, &place, page, sealed) == -EPERM ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(seal_page(ring, &cipher, &place, page, sealed), 0);
    seal_cipher_release(&cipher);
    (void)sqlite_seal_close(ring);
    world_drop(&world);
}

/* Nothing but the database and its log gets a file; a page without its reserved bytes is not written. */
static void v1_no_other_file(void **state) {
    (void)state;
    struct world world;
    struct seal_ring *ring;
    sqlite3 *db;
    test_sealed = true;
    world_make(&world, &store_sqlite_ops, "/tmp");
    world_open(&world);
    world.store = store_close(world.store);
    assert_int_equal(sqlite_seal_open(world.path, &test_key, &ring, NULL), 0);
    assert_int_equal(sqlite3_open_v2(world.path, &db, SQLITE_OPEN_READWRITE, ring->name), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA temp_store = FILE; CREATE TEMP TABLE t (a); INSERT INTO t VALUES (1)",
                                  NULL, NULL, NULL),
                     SQLITE_OK); /* still in its cache */
    assert_int_equal(sqlite3_exec(db,
                                  "PRAGMA temp.cache_size = 1; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT"
                                  " i + 1 FROM n WHERE i < 100) INSERT INTO t SELECT zeroblob(5000) FROM n",
                                  NULL, NULL, NULL),
                     SQLITE_CANTOPEN);
    assert_int_equal(sqlite3_exec(db, "PRAGMA journal_mode = DELETE; CREATE TABLE u (a)", NULL, NULL, NULL),
                     SQLITE_CANTOPEN);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    char bare[TEST_PATH_BYTES * 3];
    companion(&world, "-bare", bare);
    assert_int_equal(sqlite3_open_v2(bare, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, ring->name), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "PRAGMA journal_mode = OFF; CREATE TABLE t (a);"
                                  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99)"
                                  " INSERT INTO t SELECT zeroblob(300) FROM n",
                                  NULL, NULL, NULL),
                     SQLITE_IOERR);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    (void)sqlite_seal_close(ring);
    world_drop(&world);
}

static void hold_a_reader(struct world *world, int ready, int release) {
    struct store_reader *reader;
    struct message message;
    struct arena arena;
    char byte;
    check(arena_init(&arena, 1 << 20, 1 << 24) == 0);
    check(store_reader_open_only(&world->options, &reader, &message) == 0);
    check(reader_has_item(reader, &arena, 5));
    check(write(ready, "x", 1) == 1 && read(release, &byte, 1) == 1);
    for (int64_t n = 0; n < 200; n++) check(reader_has_item(reader, &arena, n));
}

/* Nearly full: with a reader elsewhere nothing is dropped, alone one key is left, and every row is there. */
static void sealed_anew_when_the_keys_are_many(void **state) {
    (void)state;
    struct world world;
    struct seal_ring *ring;
    int up[2], down[2], status;
    char byte;
    test_sealed = true;
    world_make(&world, &store_sqlite_ops, "/tmp");
    in_child(&world, write_rows);
    make_keys(&world, SEAL_KEYS_RENEW);
    assert_int_equal(pipe(up), 0);
    assert_int_equal(pipe(down), 0);
    pid_t pid = fork();
    if (pid == 0) {
        hold_a_reader(&world, up[1], down[0]);
        _exit(0);
    }
    assert_int_equal(read(up[0], &byte, 1), 1);
    rows_are_there(&world);
    assert_int_equal(sqlite_seal_open(world.path, &test_key, &ring, NULL), 0);
    assert_true(atomic_load(&ring->count) >= SEAL_KEYS_RENEW);
    (void)sqlite_seal_close(ring);
    assert_int_equal(write(down[1], "x", 1), 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    rows_are_there(&world);
    assert_int_equal(sqlite_seal_open(world.path, &test_key, &ring, NULL), 0);
    assert_true(atomic_load(&ring->count) <= 2);
    assert_true(ring->epochs[0] > SEAL_KEYS_RENEW);
    (void)sqlite_seal_close(ring);
    for (int i = 0; i < 2; i++) (void)close(up[i]), (void)close(down[i]);
    world_open(&world);
    assert_int_equal(commit_items(&world, 200, 299), 0);
    world_drop(&world);
}

/* A sealed page proves itself at its own place only: SQLite's checksums, which would find most of these too, are not
 * asked here. */
static void v4_a_page_is_bound_to_its_place(void **state) {
    (void)state;
    static uint8_t page[SEAL_PAGE_BYTES], sealed[SEAL_PAGE_BYTES], opened[SEAL_PAGE_BYTES];
    struct world world;
    struct seal_ring *ring;
    struct seal_cipher cipher = { 0 };
    uint8_t header[FRAME_SEALED_BYTES] = { 0, 0, 0, 7 };
    world_make(&world, &store_sqlite_ops, "/tmp");
    assert_int_equal(sqlite_seal_open(world.path, &test_key, &ring, NULL), 0);
    memset(page, 'p', SEAL_TEXT_BYTES);
    struct seal_place here = seal_place_log(32, header);
    assert_int_equal(seal_page(ring, &cipher, &here, page, sealed), 0);
    assert_int_equal(seal_page_open(ring, &cipher, &here, sealed, opened), SEAL_SOUND);
    assert_memory_equal(page, opened, SEAL_TEXT_BYTES);
    for (size_t i = 0; i < sizeof header; i++) { /* page number, commit mark, salts */
        header[i] ^= 1;
        struct seal_place other = seal_place_log(32, header);
        assert_int_equal(seal_page_open(ring, &cipher, &other, sealed, opened), SEAL_DAMAGED);
        header[i] ^= 1;
    }
    struct seal_place later = seal_place_log(32 + 24 + SEAL_PAGE_BYTES, header),
                      database = seal_place_database(7, NULL);
    assert_int_equal(seal_page_open(ring, &cipher, &later, sealed, opened), SEAL_DAMAGED);
    assert_int_equal(seal_page_open(ring, &cipher, &database, sealed, opened), SEAL_DAMAGED);
    seal_cipher_release(&cipher);
    (void)sqlite_seal_close(ring);
    world_drop(&world);
}

/* The same page sealed many times at one place: no two nonces, and so no two sealed forms, are the same. */
static void v2_no_two_nonces_of_a_key(void **state) {
    (void)state;
    enum { PAGES = 500, NONCE_AT = SEAL_TEXT_BYTES + 4, NONCE_BYTES = 12 };
    static uint8_t page[SEAL_PAGE_BYTES], sealed[SEAL_PAGE_BYTES], nonces[PAGES][NONCE_BYTES];
    struct world world;
    struct seal_ring *ring;
    struct seal_cipher cipher = { 0 };
    world_make(&world, &store_sqlite_ops, "/tmp");
    assert_int_equal(sqlite_seal_open(world.path, &test_key, &ring, NULL), 0);
    struct seal_place place = seal_place_database(2, NULL);
    for (int i = 0; i < PAGES; i++) {
        assert_int_equal(seal_page(ring, &cipher, &place, page, sealed), 0);
        memcpy(nonces[i], sealed + NONCE_AT, NONCE_BYTES);
        for (int j = 0; j < i; j++) assert_memory_not_equal(nonces[i], nonces[j], NONCE_BYTES);
    }
    seal_cipher_release(&cipher);
    (void)sqlite_seal_close(ring);
    world_drop(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_key_is_one_sentence),
        cmocka_unit_test(stock_and_sealed_are_told_apart),
        cmocka_unit_test(missing_or_old_keys_lose_nothing),
        cmocka_unit_test(rewrapped_keys),
        cmocka_unit_test(reader_meets_a_later_epoch),
        cmocka_unit_test(k2_two_openers_keep_all_keys),
        cmocka_unit_test(v4_a_page_is_bound_to_its_place),
        cmocka_unit_test(v2_no_two_nonces_of_a_key),
        cmocka_unit_test(v2_a_key_ends_after_its_pages),
        cmocka_unit_test(v2_a_forked_child_cannot_seal),
        cmocka_unit_test(v1_no_other_file),
        cmocka_unit_test(sealed_anew_when_the_keys_are_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
