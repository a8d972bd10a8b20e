#include "app/supervisor.h"

#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "platform/clock.h"

enum { WAIT_MS = 15000, TEXT_BYTES_MAX = 4096 };

static char directory[64];
static struct supervisor supervisor;

static int set_up(void **state) {
    (void)state;
    (void)snprintf(directory, sizeof directory, "/tmp/giro-supervisor-XXXXXX");
    if (!mkdtemp(directory)) return -1;
    return supervisor_init(&supervisor, directory, directory);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk) {
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

static int tear_down(void **state) {
    (void)state;
    supervisor_release(&supervisor);
    return nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void read_text(const char *name, char text[TEXT_BYTES_MAX]) {
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "r");
    text[0] = 0;
    if (!file) return;
    text[fread(text, 1, TEXT_BYTES_MAX - 1, file)] = 0;
    (void)fclose(file); /* read-only */
}

static void expect_file(const char *name, const char *want) {
    char text[TEXT_BYTES_MAX];
    read_text(name, text);
    assert_string_equal(text, want);
}

/* Steps until the child is ready with a process other than `other`. */
static pid_t wait_ready(size_t slot, pid_t other) {
    for (int64_t deadline_ms = clock_mono_ms() + WAIT_MS; clock_mono_ms() < deadline_ms;) {
        assert_int_equal(supervisor_step(&supervisor, 100), 0);
        const struct supervisor_slot *now = &supervisor.slots[slot];
        if (now->state == SUPERVISOR_READY && now->pid != other) return now->pid;
    }
    fail_msg("not ready in time");
    return 0;
}

static const char *const sleep_argv[] = { "/bin/sleep", "1000", NULL };

/* (S1), (S3) */
static void starts_in_order_and_stops_in_reverse(void **state) {
    static const char *const first_argv[] = { "/bin/sh", "-c",
                                              "trap 'kill $!; echo end one >>$ORDER; exit 0' TERM; "
                                              "echo begin one >>$ORDER; sleep 1000 & echo >&3; wait",
                                              NULL };
    static const char *const second_argv[] = { "/bin/sh", "-c",
                                               "trap 'kill $!; echo end two >>$ORDER; exit 0' QUIT; "
                                               "echo begin two >>$ORDER; sleep 1000 & echo >&3; wait",
                                               NULL };
    char order[128];
    const char *const environment[] = { order, "PATH=/usr/bin:/bin", NULL };
    const struct supervisor_child first = {
        .name = "one", .argv = first_argv, .environment = environment, .ready = SUPERVISOR_READY_BY_FD
    };
    const struct supervisor_child second = { .name = "two",
                                             .argv = second_argv,
                                             .environment = environment,
                                             .ready = SUPERVISOR_READY_BY_FD,
                                             .stop_signal = SIGQUIT };
    (void)state;
    (void)signal(SIGQUIT, SIG_IGN); /* as in a shell's background job; the children must not inherit it */
    (void)snprintf(order, sizeof order, "ORDER=%s/order", directory);
    assert_int_equal(supervisor_add(&supervisor, &first), 0);
    assert_int_equal(supervisor_add(&supervisor, &second), 0);
    assert_int_equal(supervisor_start(&supervisor, NULL), 0);
    expect_file("order", "begin one\nbegin two\n");
    assert_int_equal(supervisor_read_pid(directory, "one"), supervisor.slots[0].pid);
    assert_int_equal(supervisor_read_pid(directory, "two"), supervisor.slots[1].pid);
    assert_true(supervisor.slots[0].pid != supervisor.slots[1].pid);
    supervisor_stop(&supervisor);
    expect_file("order", "begin one\nbegin two\nend two\nend one\n");
    assert_int_equal(supervisor_read_pid(directory, "one"), 0);
    assert_int_equal(supervisor_read_pid(directory, "two"), 0);
    supervisor_release(&supervisor); /* the children are described on this stack */
}

static void output_goes_to_the_log(void **state) {
    static const char *const argv[] = { "/bin/sh", "-c", "echo out; echo err >&2; echo $VALUE; exec sleep 1000", NULL };
    static const char *const environment[] = { "VALUE=given", "PATH=/usr/bin:/bin", NULL };
    static const struct supervisor_child child = { .name = "talk", .argv = argv, .environment = environment };
    char text[TEXT_BYTES_MAX];
    (void)state;
    assert_int_equal(supervisor_add(&supervisor, &child), 0);
    assert_int_equal(supervisor_start(&supervisor, NULL), 0);
    for (int64_t deadline_ms = clock_mono_ms() + WAIT_MS; clock_mono_ms() < deadline_ms;) {
        read_text("talk.log", text);
        if (strstr(text, "given")) break;
        (void)poll(NULL, 0, 5);
    }
    expect_file("talk.log", "out\nerr\ngiven\n");
}

/* (S4) */
static void a_dead_child_is_started_again(void **state) {
    static const struct supervisor_child child = { .name = "sleeper", .argv = sleep_argv };
    (void)state;
    assert_int_equal(supervisor_add(&supervisor, &child), 0);
    assert_int_equal(supervisor_start(&supervisor, NULL), 0);
    pid_t pid = supervisor.slots[0].pid;
    for (int i = 0; i < 4; i++) { /* more often than a start may fail: it was ready once */
        int64_t begin_ms = clock_mono_ms();
        assert_int_equal(kill(pid, SIGKILL), 0);
        pid = wait_ready(0, pid);
        assert_true(clock_mono_ms() - begin_ms >= supervisor_backoff_ms((uint32_t)i + 1));
        assert_int_equal(supervisor_read_pid(directory, "sleeper"), pid);
    }
}

static void backoff_doubles_to_its_limit(void **state) {
    static const uint32_t want_ms[] = { 100, 200, 400, 800, 1600, 3200, 5000, 5000 };
    (void)state;
    for (uint32_t i = 0; i < ARRAY_COUNT(want_ms); i++) assert_int_equal(supervisor_backoff_ms(i + 1), want_ms[i]);
    assert_int_equal(supervisor_backoff_ms(UINT32_MAX), SUPERVISOR_BACKOFF_MS_MAX);
}

static void three_deaths_at_start_fail_with_the_last_line(void **state) {
    static const char *const argv[] = { "/bin/sh", "-c",
                                        "echo first line; printf 'the port is \\033[1mtaken\\n'; exit 1", NULL };
    static const struct supervisor_child sleeper = { .name = "sleeper", .argv = sleep_argv };
    static const struct supervisor_child child = { .name = "broken", .argv = argv, .ready = SUPERVISOR_READY_BY_FD };
    struct message message = { 0 };
    (void)state;
    assert_int_equal(supervisor_add(&supervisor, &sleeper), 0);
    assert_int_equal(supervisor_add(&supervisor, &child), 0);
    assert_int_equal(supervisor_start(&supervisor, &message), SUPERVISOR_E_START);
    assert_string_equal(message.text, "broken ended 3 times at its start; its last words: the port is ?[1mtaken");
    expect_file("broken.log", "first line\nthe port is \033[1mtaken\nfirst line\nthe port is \033[1mtaken\nfirst line\n"
                              "the port is \033[1mtaken\n");
    assert_int_equal(supervisor_read_pid(directory, "sleeper"), 0); /* no partial start */
}

static void a_missing_program_is_named(void **state) {
    static const char *const argv[] = { "/no/such/program", NULL };
    static const struct supervisor_child child = { .name = "missing", .argv = argv, .ready = SUPERVISOR_READY_BY_FD };
    struct message message = { 0 };
    (void)state;
    assert_int_equal(supervisor_add(&supervisor, &child), 0);
    assert_int_equal(supervisor_start(&supervisor, &message), SUPERVISOR_E_START);
    assert_non_null(strstr(message.text, "cannot start /no/such/program: No such file or directory"));
}

static bool file_exists(void *context) {
    return access(context, F_OK) == 0;
}

static void a_probe_decides(void **state) {
    char mark[128], command[256];
    const char *argv[] = { "/bin/sh", "-c", command, NULL };
    const struct supervisor_child child = {
        .name = "probed", .argv = argv, .ready = SUPERVISOR_READY_BY_PROBE, .probe = file_exists, .context = mark
    };
    (void)state;
    (void)snprintf(mark, sizeof mark, "%s/mark", directory);
    (void)snprintf(command, sizeof command, "sleep 0.2; : >%s; exec sleep 1000", mark);
    assert_int_equal(supervisor_add(&supervisor, &child), 0);
    assert_false(file_exists(mark));
    assert_int_equal(supervisor_start(&supervisor, NULL), 0);
    assert_true(file_exists(mark));
    supervisor_release(&supervisor); /* the child is described on this stack */
}

/* (S2): neither a child that ignores SIGTERM nor what it started outlives its time. */
static void stubborn_children_are_killed_in_time(void **state) {
    static const char *const argv[] = { "/bin/sh", "-c",
                                        "trap '' TERM; sleep 1000 & echo $!; echo >&3; while :; do sleep 1000; done",
                                        NULL };
    static const struct supervisor_child children[] = {
        { .name = "stubborn-1", .argv = argv, .ready = SUPERVISOR_READY_BY_FD },
        { .name = "stubborn-2", .argv = argv, .ready = SUPERVISOR_READY_BY_FD },
        { .name = "stubborn-3", .argv = argv, .ready = SUPERVISOR_READY_BY_FD },
    };
    char text[TEXT_BYTES_MAX];
    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    for (size_t i = 0; i < ARRAY_COUNT(children); i++) assert_int_equal(supervisor_add(&supervisor, &children[i]), 0);
    assert_int_equal(supervisor_start(&supervisor, NULL), 0);
    read_text("stubborn-1.log", text);
    pid_t grandchild = (pid_t)strtol(text, NULL, 10);
    assert_true(grandchild > 1 && kill(grandchild, 0) == 0);
    int64_t begin_ms = clock_mono_ms();
    supervisor_stop(&supervisor);
    assert_true(clock_mono_ms() - begin_ms < 5000);
    /* The grandchildren became ours; the supervisor may have reaped one that died early. None may be left alive. */
    for (int64_t deadline_ms = clock_mono_ms() + WAIT_MS; kill(grandchild, 0) == 0 && clock_mono_ms() < deadline_ms;)
        (void)waitpid(-1, NULL, WNOHANG);
    assert_int_equal(kill(grandchild, 0), -1);
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    } /* the other two grandchildren */
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

static void a_stop_signal_ends_the_run(void **state) {
    static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
    static const struct supervisor_child child = { .name = "sleeper", .argv = sleep_argv };
    (void)state;
    assert_int_equal(supervisor_add(&supervisor, &child), 0);
    for (size_t i = 0; i < ARRAY_COUNT(signals); i++) {
        assert_int_equal(supervisor_start(&supervisor, NULL), 0);
        assert_int_equal(kill(getpid(), signals[i]), 0);
        assert_int_equal(supervisor_run(&supervisor), 0);
        assert_int_equal(supervisor.slots[0].state, SUPERVISOR_ABSENT);
        assert_int_equal(supervisor_read_pid(directory, "sleeper"), 0);
    }
}

static void a_signal_during_the_start_stops_it(void **state) {
    static const struct supervisor_child child = { .name = "never",
                                                   .argv = sleep_argv,
                                                   .ready = SUPERVISOR_READY_BY_FD };
    (void)state;
    assert_int_equal(supervisor_add(&supervisor, &child), 0);
    assert_int_equal(kill(getpid(), SIGTERM), 0);
    assert_int_equal(supervisor_start(&supervisor, NULL), SUPERVISOR_E_SIGNAL);
    assert_int_equal(supervisor_read_pid(directory, "never"), 0);
}

/* (S2): a supervisor that is killed takes its children along. */
static void children_die_with_the_supervisor(void **state) {
    static const struct supervisor_child child = { .name = "orphan", .argv = sleep_argv };
    int status = 0, ready[2];
    char byte;
    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct supervisor doomed;
        if (supervisor_init(&doomed, directory, directory) || supervisor_add(&doomed, &child)) _exit(1);
        if (supervisor_start(&doomed, NULL) || write(ready[1], "x", 1) != 1) _exit(1);
        for (;;) (void)pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    pid_t orphan = supervisor_read_pid(directory, "orphan");
    assert_true(orphan > 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(waitpid(orphan, &status, 0), orphan);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    close(ready[0]);
    close(ready[1]);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

/* ---- another in its place (S5) ---- */

static struct { int taken, failed; } told;

static void hear(void *ctx, const struct supervisor_child *child, bool is_taken) {
    (void)ctx, (void)child;
    if (is_taken) told.taken++;
    else told.failed++;
}

static const char *const ready_argv[] = { "/bin/sh", "-c", "printf r >&3; exec sleep 1000", NULL };
static const struct supervisor_child ready_child = { .name = "one",
                                                     .argv = ready_argv,
                                                     .ready = SUPERVISOR_READY_BY_FD };

static void step_until(const int *count) {
    for (int64_t deadline_ms = clock_mono_ms() + WAIT_MS; !*count && clock_mono_ms() < deadline_ms;)
        assert_int_equal(supervisor_step(&supervisor, 100), 0);
    assert_int_equal(*count, 1);
}

/* The old one ends by itself when the new one is there: `end` is made by the new one. */
static void a_child_is_replaced_when_the_next_one_is_ready(void **state) {
    char until[256];
    (void)state;
    memset(&told, 0, sizeof told);
    (void)snprintf(until, sizeof until, "printf r >&3; while [ ! -e %s/end ]; do sleep 0.01; done", directory);
    const char *const until_argv[] = { "/bin/sh", "-c", until, NULL };
    const struct supervisor_child first = { .name = "one", .argv = until_argv, .ready = SUPERVISOR_READY_BY_FD };
    char make[256];
    (void)snprintf(make, sizeof make, "touch %s/end; printf r >&3; exec sleep 1000", directory);
    const char *const make_argv[] = { "/bin/sh", "-c", make, NULL };
    const struct supervisor_child second = { .name = "one", .argv = make_argv, .ready = SUPERVISOR_READY_BY_FD };
    struct message message;
    supervisor.owner = (struct supervisor_owner){ .on_replaced = hear };
    assert_int_equal(supervisor_add(&supervisor, &first), 0);
    assert_int_equal(supervisor_start(&supervisor, &message), 0);
    pid_t old = supervisor.slots[0].pid;
    assert_int_equal(supervisor_replace(&supervisor, &second), 0);
    assert_int_equal(supervisor_replace(&supervisor, &second), -EBUSY);
    step_until(&told.taken);
    assert_int_not_equal(supervisor.slots[0].pid, old);
    assert_int_equal(supervisor_read_pid(directory, "one"), supervisor.slots[0].pid);
    while (supervisor.slots[0].leaving_pid) assert_int_equal(supervisor_step(&supervisor, 100), 0);
    assert_int_equal(supervisor.slots[0].state, SUPERVISOR_READY);
    assert_int_equal(supervisor.slots[0].deaths, 0);
}

static void a_next_one_that_fails_leaves_the_old_one(void **state) {
    static const char *const false_argv[] = { "/bin/false", NULL };
    static const struct supervisor_child bad = { .name = "one", .argv = false_argv, .ready = SUPERVISOR_READY_BY_FD };
    static const struct supervisor_child stranger = { .name = "other",
                                                      .argv = false_argv,
                                                      .ready = SUPERVISOR_READY_BY_FD };
    struct message message;
    (void)state;
    memset(&told, 0, sizeof told);
    supervisor.owner = (struct supervisor_owner){ .on_replaced = hear };
    assert_int_equal(supervisor_add(&supervisor, &ready_child), 0);
    assert_int_equal(supervisor_start(&supervisor, &message), 0);
    pid_t old = supervisor.slots[0].pid;
    assert_int_equal(supervisor_replace(&supervisor, &stranger), -ENOENT);
    assert_int_equal(supervisor_replace(&supervisor, &bad), 0);
    step_until(&told.failed);
    assert_int_equal(supervisor.slots[0].pid, old);
    assert_int_equal(supervisor_replace(&supervisor, &ready_child), 0); /* and one that is well */
    step_until(&told.taken);
}

/* The old one gave everything away and ended; then the new one died: the old program is started again. */
static void both_gone_starts_the_old_program(void **state) {
    char die[256], wait[256];
    struct message message;
    (void)state;
    memset(&told, 0, sizeof told);
    (void)snprintf(wait, sizeof wait, "printf r >&3; while [ ! -e %s/end ]; do sleep 0.01; done", directory);
    (void)snprintf(die, sizeof die, "touch %s/end; while kill -0 $PPID && [ ! -e %s/die ]; do sleep 0.01; done; exit 1",
                   directory, directory);
    const char *const wait_argv[] = { "/bin/sh", "-c", wait, NULL };
    const char *const die_argv[] = { "/bin/sh", "-c", die, NULL };
    const struct supervisor_child first = { .name = "one", .argv = wait_argv, .ready = SUPERVISOR_READY_BY_FD };
    const struct supervisor_child second = { .name = "one", .argv = die_argv, .ready = SUPERVISOR_READY_BY_FD };
    supervisor.owner = (struct supervisor_owner){ .on_replaced = hear };
    assert_int_equal(supervisor_add(&supervisor, &first), 0);
    assert_int_equal(supervisor_start(&supervisor, &message), 0);
    pid_t old = supervisor.slots[0].pid;
    assert_int_equal(supervisor_replace(&supervisor, &second), 0);
    for (int64_t deadline_ms = clock_mono_ms() + WAIT_MS; supervisor.slots[0].pid && clock_mono_ms() < deadline_ms;)
        assert_int_equal(supervisor_step(&supervisor, 100), 0);
    assert_int_equal(supervisor.slots[0].pid, 0);
    assert_int_equal(supervisor.slots[0].state, SUPERVISOR_READY); /* its successor is on the way */
    char path[128];
    (void)snprintf(path, sizeof path, "%s/die", directory);
    int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0 && close(fd) == 0);
    step_until(&told.failed);
    (void)snprintf(path, sizeof path, "%s/end", directory);
    assert_int_equal(unlink(path), 0);
    pid_t again = wait_ready(0, old);
    assert_int_not_equal(again, 0);
}

/* ---- a guest (S6) ---- */

static struct {
    int ready, ended, asked;
    char line[SUPERVISOR_LINE_BYTES_MAX];
} guest_told;

static void hear_ready(void *ctx) {
    (void)ctx;
    guest_told.ready++;
}

static void hear_end(void *ctx, bool was_asked, const char *last_line) {
    (void)ctx;
    guest_told.ended++;
    guest_told.asked += was_asked;
    (void)snprintf(guest_told.line, sizeof guest_told.line, "%s", last_line);
}

static void begin_guest(const struct supervisor_child *child) {
    memset(&guest_told, 0, sizeof guest_told);
    supervisor.owner = (struct supervisor_owner){ .on_guest_ready = hear_ready, .on_guest_ended = hear_end };
    assert_int_equal(supervisor_guest_start(&supervisor, child), 0);
    assert_int_equal(supervisor_guest_start(&supervisor, child), -EBUSY);
    assert_int_equal(supervisor_read_pid(directory, "guest"), supervisor.guest.pid);
}

static const char *const guest_argv[] = { "/bin/sh", "-c", "echo bye; printf r >&3; exec sleep 1000", NULL };
static const struct supervisor_child guest_child = { .name = "guest",
                                                     .argv = guest_argv,
                                                     .ready = SUPERVISOR_READY_BY_FD };

static void a_guest_ends_when_asked(void **state) {
    (void)state;
    for (uint32_t after_ms = 0; after_ms <= 50; after_ms += 50) {
        begin_guest(&guest_child);
        step_until(&guest_told.ready);
        int64_t began_ms = clock_mono_ms();
        supervisor_guest_end(&supervisor, after_ms);
        assert_int_equal(supervisor_guest_start(&supervisor, &guest_child), -EBUSY); /* it is on its way out */
        step_until(&guest_told.ended);
        assert_int_equal(guest_told.asked, 1);
        assert_true(clock_mono_ms() - began_ms >= after_ms);
        assert_int_equal(supervisor_read_pid(directory, "guest"), 0);
    }
    supervisor_guest_end(&supervisor, 0); /* there is none */
}

static void a_guest_that_dies_is_told_and_not_started_again(void **state) {
    static const char *const false_argv[] = { "/bin/sh", "-c", "echo no such thing; exit 1", NULL };
    static const struct supervisor_child bad = { .name = "guest", .argv = false_argv, .ready = SUPERVISOR_READY_BY_FD };
    (void)state;
    begin_guest(&guest_child);
    step_until(&guest_told.ready);
    assert_int_equal(kill(supervisor.guest.pid, SIGKILL), 0);
    step_until(&guest_told.ended);
    assert_int_equal(guest_told.asked, 0);
    assert_string_equal(guest_told.line, "bye");
    assert_null(supervisor.guest.child);
    begin_guest(&bad);
    step_until(&guest_told.ended);
    assert_int_equal(guest_told.ready, 0);
    assert_string_equal(guest_told.line, "no such thing");
}

static void a_guest_ends_with_the_others(void **state) {
    struct message message;
    (void)state;
    assert_int_equal(supervisor_add(&supervisor, &ready_child), 0);
    assert_int_equal(supervisor_start(&supervisor, &message), 0);
    begin_guest(&guest_child);
    pid_t pid = supervisor.guest.pid;
    supervisor_stop(&supervisor);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(guest_told.ended, 0); /* nobody need be told */
    assert_null(supervisor.guest.child);
}

static void names_and_pid_files_are_checked(void **state) {
    static const struct {
        const char *text;
        bool is_pid;
    } files[] = { { "", false },  { "12x\n", false }, { "0\n", false }, { "-1\n", false }, { "99999999999\n", false },
                  { "1", false }, { "1\n", true } };
    static const char *const bad_names[] = { "", "a/b", "../a", "a b", "123456789012345678901234567890123" };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(bad_names); i++) {
        const struct supervisor_child child = { .name = bad_names[i], .argv = sleep_argv };
        assert_int_equal(supervisor_add(&supervisor, &child), -EINVAL);
    }
    for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/any.pid", directory);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(files[i].text, file) >= 0);
        assert_int_equal(fclose(file), 0);
        assert_int_equal(supervisor_read_pid(directory, "any") == 1, files[i].is_pid);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(starts_in_order_and_stops_in_reverse),
        CASE(output_goes_to_the_log),
        CASE(a_dead_child_is_started_again),
        CASE(backoff_doubles_to_its_limit),
        CASE(three_deaths_at_start_fail_with_the_last_line),
        CASE(a_missing_program_is_named),
        CASE(a_probe_decides),
        CASE(stubborn_children_are_killed_in_time),
        CASE(a_stop_signal_ends_the_run),
        CASE(a_signal_during_the_start_stops_it),
        CASE(children_die_with_the_supervisor),
        CASE(a_child_is_replaced_when_the_next_one_is_ready),
        CASE(a_next_one_that_fails_leaves_the_old_one),
        CASE(both_gone_starts_the_old_program),
        CASE(a_guest_ends_when_asked),
        CASE(a_guest_that_dies_is_told_and_not_started_again),
        CASE(a_guest_ends_with_the_others),
        CASE(names_and_pid_files_are_checked),
    };
    return cmocka_run_group_tests_name("supervisor", tests, NULL, NULL);
}
