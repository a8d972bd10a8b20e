#include "platform/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[64];
static struct arena arena;

static const char *in_folder(const char *name) {
    static char paths[4][FILE_PATH_BYTES_MAX];
    static size_t turn;
    char *path = paths[turn++ % ARRAY_COUNT(paths)];
    (void)snprintf(path, FILE_PATH_BYTES_MAX, "%s/%s", folder, name);
    return path;
}

static int set_up(void **state) {
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/file_test.XXXXXX");
    return mkdtemp(folder) && arena_init(&arena, 4096, 1 << 20) == 0 ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    arena_release(&arena);
    return dir_remove(folder, NULL);
}

static void what_is_written_is_read(void **state) {
    (void)state;
    struct str bytes = { 0 };
    struct stat status;
    const char *path = in_folder("file");
    assert_int_equal(file_write_atomic(path, STR("first"), 0600, NULL), 0);
    assert_int_equal(file_write_atomic(path, STR("a\0b"), 0640, NULL), 0);
    assert_int_equal(file_read_all(path, 3, &arena, &bytes, NULL), 0);
    assert_true(str_equal(bytes, STR("a\0b")));
    assert_int_equal(bytes.at[bytes.len], 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    assert_int_equal(file_write_unflushed(path, STR("other"), 0604, NULL), 0);
    assert_int_equal(file_read_all(path, 5, &arena, &bytes, NULL), 0);
    assert_true(str_equal(bytes, STR("other")));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0604);
    assert_int_equal(file_write_atomic(path, STR(""), 0600, NULL), 0);
    assert_int_equal(file_read_all(path, 0, &arena, &bytes, NULL), 0);
    assert_int_equal(bytes.len, 0);
    assert_true(file_exists(path));
    assert_false(file_exists(in_folder("other")));
}

static void refused_reads_say_why(void **state) {
    (void)state;
    static const struct { const char *name; int want; const char *says; } cases[] = {
        { "absent", -ENOENT, "create it or correct the path" },
        { "", -EISDIR, "name a file" },
        { "fifo", -EINVAL, "not a regular file" },
        { "big", -EFBIG, "larger than allowed" },
        { "big/below", -ENOTDIR, "not a folder" },
    };
    assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
    assert_int_equal(file_write_atomic(in_folder("big"), STR("12345"), 0600, NULL), 0);
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct message message = { "" };
        struct str bytes = { .len = 77 };
        assert_int_equal(file_read_all(in_folder(cases[i].name), 4, &arena, &bytes, &message), cases[i].want);
        assert_non_null(strstr(message.text, cases[i].says));
        assert_non_null(strstr(message.text, folder));
        assert_int_equal(bytes.len, 77);
    }
    struct arena small;
    struct str bytes;
    assert_int_equal(arena_init(&small, 16, 16), 0);
    assert_int_equal(file_write_atomic(in_folder("big"), STR("0123456789abcdef"), 0600, NULL), 0);
    assert_int_equal(file_read_all(in_folder("big"), 100, &small, &bytes, NULL), -ENOMEM);
    arena_release(&small);
}

static int entries_that_start_with(const char *prefix) {
    int count = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += str_starts(str_from_c(entry->d_name), str_from_c(prefix));
    assert_int_equal(closedir(dir), 0);
    return count;
}

/* A write that fails half way leaves the old file and no rubbish beside it. */
static void failed_write_changes_nothing(void **state) {
    (void)state;
    const char *path = in_folder("kept");
    struct message message = { "" };
    struct str bytes;
    struct rlimit old, tiny;
    static char big[20000];
    assert_int_equal(file_write_atomic(path, STR("old"), 0600, NULL), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    tiny = (struct rlimit){ .rlim_cur = 4096, .rlim_max = old.rlim_max };
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
    int r = file_write_atomic(path, str_from_bytes(big, sizeof big), 0600, &message);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(r, -EFBIG);
    assert_int_equal(file_read_all(path, 100, &arena, &bytes, NULL), 0);
    assert_true(str_equal(bytes, STR("old")));
    assert_int_equal(entries_that_start_with("kept"), 1);
    assert_int_equal(file_write_atomic(in_folder("no/such"), STR("x"), 0600, &message), -ENOENT);
    assert_non_null(strstr(message.text, "cannot write"));
    assert_int_equal(file_write_atomic(folder, STR("x"), 0600, NULL), -EISDIR);
}

static void folders_are_made_with_parents(void **state) {
    (void)state;
    struct stat status;
    struct message message = { "" };
    assert_int_equal(dir_make(in_folder("a/b//c"), 0700, NULL), 0);
    assert_int_equal(dir_make(in_folder("a/b/c/"), 0700, NULL), 0);
    assert_int_equal(stat(in_folder("a/b/c"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_int_equal(dir_make("/", 0700, NULL), 0);
    assert_int_equal(file_write_atomic(in_folder("a/file"), STR("x"), 0600, NULL), 0);
    assert_int_equal(dir_make(in_folder("a/file"), 0700, &message), -ENOTDIR);
    assert_int_equal(dir_make(in_folder("a/file/below"), 0700, &message), -ENOTDIR);
    assert_non_null(strstr(message.text, "cannot make the folder"));
    assert_int_equal(dir_make("", 0700, NULL), -ENOENT);
}

static void folders_are_removed_whole(void **state) {
    (void)state;
    struct message message = { "" };
    assert_int_equal(dir_make(in_folder("gone/a/b"), 0700, NULL), 0);
    assert_int_equal(dir_make(in_folder("stays"), 0700, NULL), 0);
    assert_int_equal(file_write_atomic(in_folder("gone/a/file"), STR("x"), 0400, NULL), 0);
    assert_int_equal(symlink(in_folder("stays"), in_folder("gone/link")), 0);
    assert_int_equal(dir_remove(in_folder("gone"), NULL), 0);
    assert_false(file_exists(in_folder("gone")));
    assert_true(file_exists(in_folder("stays")));
    assert_int_equal(dir_remove(in_folder("gone"), NULL), 0);
    assert_int_equal(file_write_atomic(in_folder("file"), STR("x"), 0600, NULL), 0);
    assert_int_equal(dir_remove(in_folder("file"), &message), -EINVAL);
    assert_non_null(strstr(message.text, "cannot remove the folder"));
    assert_int_equal(dir_remove("/", &message), -EINVAL);
    assert_int_equal(dir_remove("..", &message), -EINVAL);
}

static void lock_is_held_by_one(void **state) {
    (void)state;
    const char *path = in_folder("lock");
    struct message message = { "" };
    int fd = -1, second = -1, status = -1;
    assert_int_equal(file_lock(path, &fd, NULL), 0);
    assert_int_equal(file_lock(path, &second, &message), FILE_E_LOCKED); /* another opening is another holder */
    assert_non_null(strstr(message.text, "another process holds it"));
    assert_int_equal(second, -1);
    assert_int_equal(close(fd), 0);
    pid_t child = fork(); /* a holder that dies loses the lock */
    if (child == 0) _exit(file_lock(path, &fd, NULL) == 0 ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(file_lock(path, &fd, NULL), 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(file_lock(in_folder("none/lock"), &fd, &message), -ENOENT);
}

static void path_too_long_is_refused(void **state) {
    (void)state;
    char path[FILE_PATH_BYTES_MAX + 10];
    memset(path, 'x', sizeof path);
    path[sizeof path - 1] = 0;
    assert_int_equal(file_write_atomic(path, STR("x"), 0600, NULL), -ENAMETOOLONG);
    assert_int_equal(dir_make(path, 0700, NULL), -ENAMETOOLONG);
    assert_int_equal(file_sync_folder(path), -ENAMETOOLONG);
    assert_int_equal(file_sync_folder("relative"), 0);
    assert_int_equal(file_sync_folder("/tmp"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(refused_reads_say_why),
        cmocka_unit_test(failed_write_changes_nothing),
        cmocka_unit_test(folders_are_made_with_parents),
        cmocka_unit_test(folders_are_removed_whole),
        cmocka_unit_test(lock_is_held_by_one),
        cmocka_unit_test(path_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
