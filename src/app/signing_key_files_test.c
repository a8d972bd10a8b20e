/* signing_key_files_test.c - signing keys in files: loaded, moved on, and whole after a change that stopped half-way.
 */
#include "app/signing_key_files.h"

#include "platform/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
    char folder[64], path[128];
};

static int place_open(void **state) {
    struct place *place = calloc(1, sizeof *place);
    (void)snprintf(place->folder, sizeof place->folder, "/tmp/giro-keys-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    (void)snprintf(place->path, sizeof place->path, "%s/signing.key", place->folder);
    *state = place;
    return 0;
}

static int place_close(void **state) {
    struct place *place = *state;
    assert_int_equal(dir_remove(place->folder, NULL), 0);
    free(place);
    return 0;
}

static void put_key(const char *path, enum key_type type) {
    struct key *key;
    struct secret_bytes pem;
    assert_int_equal(key_generate(type, &key), 0);
    assert_int_equal(key_write_pem(key, &pem), 0);
    assert_int_equal(secret_write_file(path, secret_str(&pem), NULL), 0);
    secret_release(&pem);
    key_free(key);
}

static struct signing_key_set load(const struct place *place) {
    struct signing_key_set set;
    struct message message = { .text = "" };
    if (signing_key_files_load(place->path, &set, &message)) fail_msg("%s", message.text);
    return set;
}

static bool same(const struct key *a, const struct key *b) {
    return a && b && key_equal_public(a, b);
}

static void keys_move_on(void **state) {
    struct place *place = *state;
    struct message message;
    struct stat info;
    char next[160];
    bool moved = true;
    put_key(place->path, KEY_TYPE_RSA);
    struct signing_key_set first = load(place);
    assert_non_null(first.keys[SIGNING_CURRENT]);
    assert_true(!first.keys[SIGNING_NEXT] && !first.keys[SIGNING_PREVIOUS]);
    assert_int_equal(signing_key_files_rotate(place->path, &moved, &message), 0);
    assert_false(moved); /* nobody has seen a next key yet */
    struct signing_key_set ready = load(place);
    assert_true(same(ready.keys[SIGNING_CURRENT], first.keys[SIGNING_CURRENT]) && ready.keys[SIGNING_NEXT]);
    assert_int_equal(signing_key_files_rotate(place->path, &moved, &message), 0);
    assert_true(moved);
    struct signing_key_set after = load(place);
    assert_true(same(after.keys[SIGNING_CURRENT], ready.keys[SIGNING_NEXT]));
    assert_true(same(after.keys[SIGNING_PREVIOUS], first.keys[SIGNING_CURRENT]));
    assert_false(same(after.keys[SIGNING_NEXT], after.keys[SIGNING_CURRENT]));
    (void)snprintf(next, sizeof next, "%s.next", place->path);
    assert_true(stat(next, &info) == 0 && (info.st_mode & 0777) == 0600);
    signing_key_set_release(&first);
    signing_key_set_release(&ready);
    signing_key_set_release(&after);
}

static void a_change_that_stopped_is_gone_on_with(void **state) {
    struct place *place = *state;
    char next[160], previous[160], moving[160];
    bool moved;
    (void)snprintf(next, sizeof next, "%s.next", place->path);
    (void)snprintf(previous, sizeof previous, "%s.previous", place->path);
    (void)snprintf(moving, sizeof moving, "%s.moving", place->path);
    put_key(place->path, KEY_TYPE_RSA);
    put_key(next, KEY_TYPE_RSA);
    struct signing_key_set first = load(place);
    assert_int_equal(link(place->path, moving), 0); /* stopped behind the first step */
    assert_int_equal(link(place->path, previous), 0);
    assert_int_equal(signing_key_files_rotate(place->path, &moved, NULL), 0);
    assert_true(moved);
    struct signing_key_set after = load(place);
    assert_true(same(after.keys[SIGNING_CURRENT], first.keys[SIGNING_NEXT]));
    assert_true(same(after.keys[SIGNING_PREVIOUS], first.keys[SIGNING_CURRENT]));
    assert_int_equal(unlink(next), 0); /* stopped before the last one */
    assert_int_equal(signing_key_files_rotate(place->path, &moved, NULL), 0);
    assert_false(moved);
    struct signing_key_set last = load(place);
    assert_true(same(last.keys[SIGNING_CURRENT], after.keys[SIGNING_CURRENT]) && last.keys[SIGNING_NEXT]);
    signing_key_set_release(&first);
    signing_key_set_release(&after);
    signing_key_set_release(&last);
}

static void files_that_hold_no_such_key(void **state) {
    struct place *place = *state;
    struct signing_key_set set;
    struct message message = { .text = "" };
    char next[160];
    int lock;
    bool moved;
    assert_true(signing_key_files_load(place->path, &set, &message) < 0);
    put_key(place->path, KEY_TYPE_RSA);
    (void)snprintf(next, sizeof next, "%s.next", place->path);
    put_key(next, KEY_TYPE_EC_P256);
    message.text[0] = 0;
    assert_int_equal(signing_key_files_load(place->path, &set, &message), -EINVAL);
    assert_non_null(strstr(message.text, "signing.key.next"));
    (void)snprintf(next, sizeof next, "%s.lock", place->path);
    assert_int_equal(file_lock(next, &lock, NULL), 0);
    assert_int_equal(signing_key_files_rotate(place->path, &moved, NULL), SIGNING_KEY_FILES_E_BUSY);
    close(lock);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_move_on, place_open, place_close),
        cmocka_unit_test_setup_teardown(a_change_that_stopped_is_gone_on_with, place_open, place_close),
        cmocka_unit_test_setup_teardown(files_that_hold_no_such_key, place_open, place_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
