/* store_sqlite_seal_test.c - a sealed store whose files are damaged, exchanged, cut and searched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/store_test_tables.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "platform/random.h"
#include "store/store_sqlite_seal_int.h"

enum { COMMITS = 8, COMMIT_ROWS = 20, ROWS = COMMITS * COMMIT_ROWS, FILE_BYTES_MAX = 4 << 20, FLIPS = 400 };
enum { FILES = 3 };
static const char *const suffixes[FILES] = { "", "-wal", "-keys" };
static const char marker_text[] = "clear-text-marker";

struct image { /* one file as it was */
    uint8_t *at;
    size_t len;
};

static void companion(const struct world *world, const char *suffix, char path[TEST_PATH_BYTES * 3]) {
    (void)snprintf(path, TEST_PATH_BYTES * 3, "%s%s", world->path, suffix);
}

static struct image image_take(const char *path) {
    struct image image = { .at = malloc(FILE_BYTES_MAX) };
    assert_non_null(image.at);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return image;
    ssize_t got = read(fd, image.at, FILE_BYTES_MAX);
    assert_true(got >= 0 && got < FILE_BYTES_MAX);
    image.len = (size_t)got;
    (void)close(fd);
    return image;
}

static void image_put(const struct image *image, const char *path) {
    (void)unlink(path);
    if (image->len == 0) return;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, image->at, image->len), image->len);
    assert_int_equal(close(fd), 0);
}

static void take_all(const struct world *world, struct image images[FILES]) {
    char path[TEST_PATH_BYTES * 3];
    for (int i = 0; i < FILES; i++) {
        companion(world, suffixes[i], path);
        images[i] = image_take(path);
    }
}

static void put_all(const struct world *world, const struct image images[FILES]) {
    char path[TEST_PATH_BYTES * 3];
    for (int i = 0; i < FILES; i++) {
        companion(world, suffixes[i], path);
        image_put(&images[i], path);
    }
    companion(world, "-shm", path);
    (void)unlink(path);
}

static void free_all(struct image images[FILES]) {
    for (int i = 0; i < FILES; i++) free(images[i].at);
}

/* A sealed store of ROWS rows in COMMITS commits. in_log: as a kill leaves it, every row in the log; else closed. */
static void make_store(struct world *world, bool in_log, struct image images[FILES]) {
    test_sealed = true;
    world_make(world, &store_sqlite_ops, "/tmp");
    int pipe_fds[2], status;
    char byte;
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        world_open(world);
        if (in_log) { /* the tables go to the database, the rows stay in the log */
            world->store = store_close(world->store);
            world_open(world);
        }
        for (int64_t n = 0; n < ROWS; n += COMMIT_ROWS) check(commit_items(world, n, n + COMMIT_ROWS - 1) == 0);
        if (!in_log) world->store = store_close(world->store);
        check(write(pipe_fds[1], "x", 1) == 1);
        for (;;) pause();
    }
    assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
    take_all(world, images);
    assert_true((images[1].len > 0) == in_log);
}

/* Rows from 0 that are there and right; -1: an error said so. Anything else fails the test. */
static int64_t rows_found(struct world *world, const char *what) {
    struct message message = { { 0 } };
    int64_t rows = 0, r = store_open(&world->options, &world->store, &message);
    if (r < 0) {
        if (!message.text[0] || strchr(message.text, '\n')) fail_msg("%s: no sentence: '%s'", what, message.text);
        return -1;
    }
    bool ended = false;
    for (int64_t n = 0; n < ROWS + COMMIT_ROWS && r == 0; n++) {
        struct item wanted = item_make(&world->arena, n);
        struct store_probe probes[] = { { .table = &item_table, .index = ITEM_BY_ID, .row = &wanted },
                                        { .table = &item_table, .index = ITEM_BY_NUMBER, .row = &wanted } };
        r = store_load(world->store, probes, 2, &world->arena);
        if (r) break;
        for (int i = 0; i < 2; i++)
            if (probes[i].ret_row && !table_rows_equal(&item_table, probes[i].ret_row, &wanted))
                fail_msg("%s: row %d is wrong", what, (int)n);
        bool there = probes[0].ret_row != NULL;
        if (there != (probes[1].ret_row != NULL) || (there && ended))
            fail_msg("%s: row %d is half there", what, (int)n);
        ended = ended || !there;
        rows += there;
    }
    world->store = store_close(world->store);
    arena_reset(&world->arena);
    return r ? -1 : rows;
}

static void round_trip_and_no_clear_text(void **state) {
    (void)state;
    struct world world;
    static char body[BODY_BYTES_MAX];
    test_sealed = true;
    world_make(&world, &store_sqlite_ops, "/tmp");
    for (size_t i = 0; i + sizeof marker_text <= sizeof body; i += sizeof marker_text - 1)
        memcpy(body + i, marker_text, sizeof marker_text - 1);
    for (int round = 0; round < 2; round++) { /* with its log, and closed */
        world_open(&world);
        for (int64_t n = 0; n < 50; n++) {
            struct item item = item_make(&world.arena, round * 50 + n);
            item.body = str_from_bytes(body, sizeof body);
            assert_int_equal(commit_one(world.store, STORE_INSERT, &item_table, &item), 0);
        }
        if (round) world.store = store_close(world.store);
        DIR *folder = opendir(world.folder);
        assert_non_null(folder);
        int searched = 0;
        for (struct dirent *entry; (entry = readdir(folder));) {
            static const char *const texts[] = { marker_text, "CREATE TABLE", "item_by_number", "SQLite format" };
            char path[TEST_PATH_BYTES * 4];
            if (entry->d_type != DT_REG) continue;                             /* the migrations */
            if (round == 0 && strcmp(entry->d_name, "giro.db") == 0) continue; /* closing it drops SQLite's locks */
            (void)snprintf(path, sizeof path, "%s/%s", world.folder, entry->d_name);
            struct image image = image_take(path);
            for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
                if (memmem(image.at, image.len, texts[i], strlen(texts[i])))
                    fail_msg("'%s' stands in %s", texts[i], entry->d_name);
            free(image.at);
            searched++;
        }
        (void)closedir(folder);
        assert_true(searched >= 3);
        world.store = store_close(world.store);
    }
    world_open(&world);
    for (int64_t n = 0; n < 100; n++) {
        struct item item = item_make(&world.arena, n);
        item.body = str_from_bytes(body, sizeof body);
        struct store_probe probe = { .table = &item_table, .index = ITEM_BY_ID, .row = &item };
        assert_int_equal(store_load(world.store, &probe, 1, &world.arena), 0);
        assert_true(probe.ret_row && table_rows_equal(&item_table, probe.ret_row, &item));
    }
    world_drop(&world);
}

/* Flips one byte of one of the files, many times over. In the log a flip ends it there, so a prefix may remain. */
static void flips(bool in_log, int which) {
    struct world world;
    struct image images[FILES];
    char what[64];
    int errors = 0, shorter = 0;
    make_store(&world, in_log, images);
    assert_int_equal(rows_found(&world, "untouched"), ROWS);
    for (int i = 0; i < FLIPS; i++) {
        uint32_t at;
        uint8_t bit;
        random_bytes(&at, sizeof at);
        random_bytes(&bit, 1);
        at %= (uint32_t)images[which].len;
        if (i < 100) at = (uint32_t)i; /* every byte of the header */
        uint8_t *byte = images[which].at + at;
        (void)snprintf(what, sizeof what, "giro.db%s, byte %u, bit %d", suffixes[which], at, bit & 7);
        *byte ^= (uint8_t)(1 << (bit & 7));
        put_all(&world, images);
        *byte ^= (uint8_t)(1 << (bit & 7));
        int64_t rows = rows_found(&world, what);
        errors += rows < 0;
        shorter += rows >= 0 && rows < ROWS;
        bool allowed = rows < 0 || rows == ROWS || (in_log && rows % COMMIT_ROWS == 0);
        if (!allowed) fail_msg("%s: %d rows", what, (int)rows);
    }
    print_message("giro.db%s: %d flips, %d errors, %d shorter\n", suffixes[which], FLIPS, errors, shorter);
    assert_true(in_log ? shorter > 0 : errors > 0 && shorter == 0);
    put_all(&world, images);
    assert_int_equal(rows_found(&world, "restored"), ROWS);
    free_all(images);
    world_drop(&world);
}

static void v4_flipped_bytes_of_the_database(void **state) {
    (void)state;
    flips(false, 0);
}
static void v4_flipped_bytes_of_the_log(void **state) {
    (void)state;
    flips(true, 1);
}
static void v4_flipped_bytes_of_the_keys(void **state) {
    (void)state;
    flips(false, 2);
}

static void v4_exchanged_pages(void **state) {
    (void)state;
    struct world world;
    struct image images[FILES];
    make_store(&world, false, images);
    size_t pages = images[0].len / SEAL_PAGE_BYTES;
    for (size_t a = 0; a < pages; a++) {
        uint8_t held[SEAL_PAGE_BYTES], *first = images[0].at + a * SEAL_PAGE_BYTES;
        uint8_t *second = images[0].at + (a + 1) % pages * SEAL_PAGE_BYTES;
        memcpy(held, first, sizeof held);
        memcpy(first, second, sizeof held); /* once copied over, once exchanged */
        put_all(&world, images);
        int64_t rows = rows_found(&world, "copied page");
        assert_true(rows < 0 || rows == ROWS); /* a page that none of these reads needs */
        memcpy(second, held, sizeof held);
        put_all(&world, images);
        rows = rows_found(&world, "exchanged pages");
        assert_true(rows < 0 || rows == ROWS);
        memcpy(second, first, sizeof held);
        memcpy(first, held, sizeof held);
    }
    memset(images[0].at + 2 * SEAL_PAGE_BYTES, 0, SEAL_PAGE_BYTES);
    put_all(&world, images);
    assert_int_equal(rows_found(&world, "zeroed page"), -1);
    free_all(images);
    world_drop(&world);
}

static uint32_t be32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* A frame's page played again in another frame, an earlier commit mark, a frame of the log put into the database. */
static void v4_frames_do_not_play_elsewhere(void **state) {
    (void)state;
    struct world world;
    struct image images[FILES];
    make_store(&world, true, images);
    size_t frames = (images[1].len - LOG_HEADER_BYTES) / FRAME_BYTES;
    struct image log = { .at = malloc(FILE_BYTES_MAX), .len = images[1].len };
    assert_non_null(log.at);
    struct image changed[FILES] = { images[0], log, images[2] };
    for (size_t i = 1; i < frames; i++) {
        memcpy(log.at, images[1].at, log.len);
        uint8_t *frame = log.at + LOG_HEADER_BYTES + i * FRAME_BYTES;
        memcpy(frame, frame - FRAME_BYTES, FRAME_BYTES);
        put_all(&world, changed);
        int64_t rows = rows_found(&world, "frame played again");
        assert_true(rows < ROWS && rows % COMMIT_ROWS == 0);
        memcpy(frame, images[1].at + LOG_HEADER_BYTES + i * FRAME_BYTES, FRAME_BYTES);
        frame[7] ^= 1; /* the commit mark */
        put_all(&world, changed);
        rows = rows_found(&world, "another commit mark");
        assert_true(rows < ROWS && rows % COMMIT_ROWS == 0);
    }
    uint8_t *last = images[1].at + LOG_HEADER_BYTES + (frames - 1) * FRAME_BYTES;
    size_t page = be32(last);
    changed[1].len = 0;
    memcpy(images[0].at + (page - 1) * SEAL_PAGE_BYTES, last + FRAME_HEADER_BYTES, SEAL_PAGE_BYTES);
    if (images[0].len < page * SEAL_PAGE_BYTES) changed[0].len = page * SEAL_PAGE_BYTES;
    put_all(&world, changed);
    assert_true(rows_found(&world, "frame in the database") <= 0);
    free(log.at);
    free_all(images);
    world_drop(&world);
}

/* The log cut at every 512 bytes: what was committed whole before the cut is there, and nothing else. */
static void torn_log_gives_whole_commits(void **state) {
    (void)state;
    struct world world;
    struct image images[FILES];
    make_store(&world, true, images);
    size_t whole = images[1].len;
    for (size_t cut = 0; cut <= whole; cut += 512) {
        int64_t commits = 0;
        for (size_t at = LOG_HEADER_BYTES; at + FRAME_BYTES <= cut; at += FRAME_BYTES)
            commits += be32(images[1].at + at + 4) != 0;
        images[1].len = cut;
        put_all(&world, images);
        int64_t rows = rows_found(&world, "cut log");
        if (rows != commits * COMMIT_ROWS)
            fail_msg("cut at %zu: %d rows, not %d", cut, (int)rows, (int)commits * COMMIT_ROWS);
    }
    free_all(images);
    world_drop(&world);
}

/* A log in use is not recovered: a frame that was damaged meanwhile is an error, whoever reads it. */
static void v4_damage_in_a_log_in_use(void **state) {
    (void)state;
    struct world world;
    struct store_reader *reader;
    char path[TEST_PATH_BYTES * 3];
    uint8_t bytes[SEAL_PAGE_BYTES];
    test_sealed = true;
    world_make(&world, &store_sqlite_ops, "/tmp");
    world_open(&world);
    assert_int_equal(commit_items(&world, 0, 9), 0);
    companion(&world, "-wal", path);
    int fd = open(path, O_RDWR | O_CLOEXEC); /* the log may be opened beside SQLite: it is not locked */
    assert_true(fd >= 0);
    off_t end = lseek(fd, 0, SEEK_END);
    assert_int_equal(store_reader_open(world.store, &reader), 0);
    for (off_t at = LOG_HEADER_BYTES + FRAME_HEADER_BYTES + 100; at < end; at += FRAME_BYTES) {
        assert_int_equal(pread(fd, bytes, 1, at), 1);
        bytes[0] ^= 1;
        assert_int_equal(pwrite(fd, bytes, 1, at), 1);
    }
    assert_int_equal(close(fd), 0);
    struct item wanted = item_make(&world.arena, 5);
    struct store_probe probe = { .table = &item_table, .index = ITEM_BY_ID, .row = &wanted };
    assert_int_equal(store_read(reader, &probe, 1, &world.arena), -EBADMSG);
    (void)store_reader_close(reader);
    world_drop(&world);
}

static int compare_nonces(const void *a, const void *b) {
    return memcmp(a, b, 16);
}

/* Every page of database and log has an epoch and nonce of its own, over several openings. */
static void v2_no_nonce_twice(void **state) {
    (void)state;
    struct world world;
    struct image images[FILES];
    char path[TEST_PATH_BYTES * 3];
    make_store(&world, true, images);
    put_all(&world, images);
    for (int i = 0; i < 3; i++) {
        world_open(&world);
        assert_int_equal(commit_items(&world, 1000 + 100 * i, 1099 + 100 * i), 0);
        if (i < 2) world.store = store_close(world.store);
    }
    companion(&world, "-wal", path);
    struct image log = image_take(path); /* the log may be opened beside SQLite; the database after the close */
    world.store = store_close(world.store);
    struct image database = image_take(world.path);
    size_t log_pages = (log.len - LOG_HEADER_BYTES) / FRAME_BYTES,
           old_pages = (images[1].len - LOG_HEADER_BYTES) / FRAME_BYTES;
    size_t pages = database.len / SEAL_PAGE_BYTES, count = 0;
    uint8_t(*nonces)[16] = calloc(log_pages + old_pages + pages, 16);
    assert_true(nonces && log_pages > 10 && pages > 10);
    for (size_t i = 0; i < pages; i++) memcpy(nonces[count++], database.at + i * SEAL_PAGE_BYTES + SEAL_TEXT_BYTES, 16);
    for (size_t i = 0; i < log_pages + old_pages; i++) {
        const uint8_t *from = i < log_pages ? log.at + i * FRAME_BYTES : images[1].at + (i - log_pages) * FRAME_BYTES;
        memcpy(nonces[count++], from + LOG_HEADER_BYTES + FRAME_HEADER_BYTES + SEAL_TEXT_BYTES, 16);
    }
    qsort(nonces, count, 16, compare_nonces);
    for (size_t i = 1; i < count; i++) assert_memory_not_equal(nonces[i - 1], nonces[i], 16);
    free(nonces);
    free(log.at);
    free(database.at);
    free_all(images);
    world_drop(&world);
}

/* Cut while a log is there, whose commit mark says how large the database is: SQLite then takes what it does not find
 * for zeros, and an overflow page of zeros is data. */
static void v4_database_cut_beside_its_log(void **state) {
    static const char make[] = "PRAGMA temp_store = MEMORY; CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT);"
                               "INSERT INTO t VALUES (1, replace(hex(zeroblob(50000)), '00', 'xy'));"
                               "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA user_version = 7";
    static const char ask[] = "SELECT count(*) FROM t WHERE b = replace(hex(zeroblob(50000)), '00', 'xy')";
    (void)state;
    struct world world;
    struct seal_ring *ring;
    sqlite3 *db;
    sqlite3_stmt *wrong;
    char shared[TEST_PATH_BYTES * 3];
    test_sealed = true;
    world_make(&world, &store_sqlite_ops, "/tmp");
    world_open(&world);
    world.store = store_close(world.store);
    assert_int_equal(sqlite_seal_open(world.path, &test_key, &ring, NULL), 0);
    for (int cut = 0; cut < 3; cut++) { /* pages */
        struct stat status;
        assert_int_equal(sqlite3_open_v2(world.path, &db, SQLITE_OPEN_READWRITE, ring->name), SQLITE_OK);
        assert_int_equal(sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL), SQLITE_OK);
        if (cut == 0) assert_int_equal(sqlite3_exec(db, make, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        companion(&world, "-shm", shared);
        (void)unlink(shared); /* so that the log is recovered */
        assert_int_equal(stat(world.path, &status), 0);
        if (cut) assert_int_equal(truncate(world.path, status.st_size - SEAL_PAGE_BYTES), 0);
        assert_int_equal(sqlite3_open_v2(world.path, &db, SQLITE_OPEN_READWRITE, ring->name), SQLITE_OK);
        assert_int_equal(sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, ask, -1, &wrong, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(wrong) & 0xff, cut ? SQLITE_CORRUPT : SQLITE_ROW);
        if (!cut) assert_int_equal(sqlite3_column_int(wrong, 0), 1);
        (void)sqlite3_finalize(wrong); /* repeats the step's code */
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
    }
    (void)sqlite_seal_close(ring);
    world_drop(&world);
}

/* Bigger than the cache: pages are written to the log, read back, written again into their frames and summed up anew.
 */
static void pages_that_change_again_in_one_commit(void **state) {
    (void)state;
    struct world world;
    struct seal_ring *ring;
    sqlite3 *db;
    sqlite3_stmt *sum;
    test_sealed = true;
    world_make(&world, &store_sqlite_ops, "/tmp");
    world_open(&world);
    world.store = store_close(world.store);
    assert_int_equal(sqlite_seal_open(world.path, &test_key, &ring, NULL), 0);
    for (int round = 0; round < 2; round++) { /* the second one reads what the first left in the log */
        assert_int_equal(sqlite3_open_v2(world.path, &db, SQLITE_OPEN_READWRITE, ring->name), SQLITE_OK);
        assert_int_equal(sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL), SQLITE_OK);
        if (round == 0)
            assert_int_equal(
                sqlite3_exec(db,
                             "PRAGMA cache_size = 10; PRAGMA temp_store = MEMORY; BEGIN; CREATE TABLE t (a INTEGER "
                             "PRIMARY KEY, b BLOB);"
                             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
                             " INSERT INTO t SELECT i, zeroblob(200) FROM n; UPDATE t SET b = zeroblob(201);"
                             "UPDATE t SET b = zeroblob(202) WHERE a % 7 = 0; COMMIT;",
                             NULL, NULL, NULL),
                SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(db, "SELECT sum(length(b)) FROM t", -1, &sum, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(sum), SQLITE_ROW);
        assert_int_equal(sqlite3_column_int(sum, 0), 2000 * 201 + 2000 / 7);
        assert_int_equal(sqlite3_finalize(sum), SQLITE_OK);
        char shared[TEST_PATH_BYTES * 3];
        companion(&world, "-shm", shared);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
        (void)unlink(shared); /* so that the log is recovered */
    }
    (void)sqlite_seal_close(ring);
    world_drop(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip_and_no_clear_text),
        cmocka_unit_test(v4_flipped_bytes_of_the_database),
        cmocka_unit_test(v4_flipped_bytes_of_the_log),
        cmocka_unit_test(v4_flipped_bytes_of_the_keys),
        cmocka_unit_test(v4_exchanged_pages),
        cmocka_unit_test(v4_frames_do_not_play_elsewhere),
        cmocka_unit_test(torn_log_gives_whole_commits),
        cmocka_unit_test(v4_damage_in_a_log_in_use),
        cmocka_unit_test(v4_database_cut_beside_its_log),
        cmocka_unit_test(v2_no_nonce_twice),
        cmocka_unit_test(pages_that_change_again_in_one_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
