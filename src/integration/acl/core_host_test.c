/* The client against the real core banking host, build/giro-sim-core, in every one of its modes; and against a peer
 * that the test plays itself, for what that host never does. */
#include "integration/acl/core_host.h"

#include "platform/child.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "platform/net.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 30000, QUICK_MS = 300 };
static const char *const layouts = "src/integration/acl/layouts";

struct host {
    struct child child;
    uint16_t port;
};
static char folder[64];
static struct host host;

static int64_t patience(void) {
    return clock_mono_ms() + PATIENCE_MS;
}

/* Starts the host that lies beside this program on the books of this test. */
static void host_start(unsigned port) {
    char arguments[512], line[CHILD_LINE_BYTES_MAX];
    (void)snprintf(arguments, sizeof arguments, "--books %s/books --control %s/control --port %u", folder, folder,
                   port);
    assert_int_equal(child_start("giro-sim-core", arguments, false, &host.child), 0);
    assert_int_equal(child_read_line(&host.child, patience(), line), 0);
    assert_non_null(strstr(line, " port "));
    host.port = (uint16_t)strtol(strstr(line, " port ") + 6, NULL, 10);
}

static void host_stop(int signal) {
    assert_int_equal(child_wait(&host.child, signal), signal == SIGKILL ? 128 + SIGKILL : 0);
}

static void host_mode(const char *mode) {
    char path[96], line[64], answer[3];
    int fd;
    (void)snprintf(path, sizeof path, "%s/control", folder);
    (void)snprintf(line, sizeof line, "mode %s\n", mode);
    assert_int_equal(net_connect_unix(path, patience(), &fd), 0);
    assert_int_equal(net_send_all(fd, line, strlen(line), patience()), 0);
    assert_int_equal(net_receive_exact(fd, answer, 3, patience()), 0);
    assert_memory_equal(answer, "ok\n", 3);
    net_close(fd);
}

static int set_up(void **state) {
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/core_host_test.XXXXXX");
    if (!mkdtemp(folder)) return -1;
    host_start(0);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    host_stop(SIGTERM);
    return dir_remove(folder, NULL);
}

static struct core_host *core_new(uint16_t port, int connections_max, int deadline_ms) {
    struct message message = { "" };
    struct core_host *core = NULL;
    struct core_host_options options = { .host = "127.0.0.1", .port = port, .layouts_folder = layouts,
                                         .connections_max = connections_max, .deadline_ms = deadline_ms };
    if (core_host_new(&options, &core, &message)) fail_msg("%s", message.text);
    return core;
}

static struct payment_id id_of(uint32_t number) {
    struct payment_id id = { { 0x01, 0x92 } };
    memcpy(id.bytes + 12, &number, sizeof number);
    return id;
}

static struct core_transfer transfer_of(uint32_t number, const char *creditor_number) {
    struct core_transfer transfer = { .payment_id = id_of(number), .recorded_ms = 1700000000000 };
    assert_int_equal(core_account_make(STR(""), STR("202020"), STR("11111111"), &transfer.debtor), 0);
    assert_int_equal(core_account_make(STR(""), STR("303030"), str_from_c(creditor_number), &transfer.creditor), 0);
    assert_int_equal(currency_parse(STR("GBP"), &transfer.amount.currency), 0);
    transfer.amount.minor = 1999;
    return transfer;
}

static struct core_answer execute(struct core_host *core, uint32_t number) {
    struct core_transfer transfer = transfer_of(number, "22222222");
    struct core_answer answer;
    assert_int_equal(core_host_execute(core, &transfer, &answer), 0);
    return answer;
}

static struct core_answer enquire(struct core_host *core, uint32_t number) {
    struct payment_id id = id_of(number);
    struct core_answer answer;
    assert_int_equal(core_host_enquire(core, &id, &answer), 0);
    return answer;
}

static struct core_answer reverse(struct core_host *core, uint32_t number) {
    struct payment_id id = id_of(number);
    struct core_answer answer;
    assert_int_equal(core_host_reverse(core, &id, &answer), 0);
    return answer;
}

static void answers_mean_what_they_say(void **state) {
    (void)state;
    struct core_host *core = core_new(host.port, 4, PATIENCE_MS);
    struct core_answer first = execute(core, 1), answer = execute(core, 1);
    assert_int_equal(first.outcome, CORE_BOOKED);
    assert_int_equal(strlen(first.record.core_reference), 18);
    assert_memory_equal(&answer, &first, sizeof first); /* the first answer again */
    answer = enquire(core, 1);
    assert_int_equal(answer.outcome, CORE_BOOKED);
    assert_string_equal(answer.record.core_reference, first.record.core_reference);
    assert_int_equal(enquire(core, 2).outcome, CORE_NEVER_SEEN);
    assert_int_equal(execute(core, 2).outcome, CORE_BARRED);
    assert_int_equal(reverse(core, 1).outcome, CORE_BOOKED);
    answer = enquire(core, 1);
    assert_int_equal(answer.outcome, CORE_REFUSED); /* reversed: nothing of it stands */
    assert_string_equal(answer.record.code, "48");
    assert_int_equal(reverse(core, 3).outcome, CORE_NOTHING_TO_REVERSE);
    assert_int_equal(execute(core, 3).outcome, CORE_BARRED);
    struct core_transfer refused = transfer_of(4, "20000000");
    assert_int_equal(core_host_execute(core, &refused, &answer), 0);
    assert_int_equal(answer.outcome, CORE_REFUSED);
    assert_string_equal(answer.record.code, "14");
    assert_int_equal(core_host_judge(&answer), BREAKER_REFUSED);
    assert_int_equal(enquire(core, 4).outcome, CORE_REFUSED);
    struct core_transfer changed = transfer_of(5, "22222222");
    assert_int_equal(execute(core, 5).outcome, CORE_BOOKED);
    changed.amount.minor++;
    assert_int_equal(core_host_execute(core, &changed, &answer), 0);
    assert_int_equal(answer.outcome, CORE_UNKNOWN); /* refused would be wrong: something is booked */
    assert_string_equal(answer.record.code, "47");
    assert_int_equal(enquire(core, 5).outcome, CORE_BOOKED);
    core = core_host_free(core);
}

/* The outcome of the TXN in each mode, and the truth that an enquiry finds. */
static const struct {
    const char *mode;
    enum core_outcome outcome;
    int fault;
    enum core_outcome truth;
} mode_cases[] = {
    { "ok", CORE_BOOKED, 0, CORE_BOOKED },
    { "slow", CORE_UNKNOWN, -ETIMEDOUT, CORE_BOOKED },
    { "silent", CORE_UNKNOWN, -ETIMEDOUT, CORE_NEVER_SEEN },
    { "twice", CORE_UNKNOWN, -EBADMSG, CORE_BOOKED },
    { "fail-before", CORE_UNKNOWN, -ENODATA, CORE_NEVER_SEEN },
    { "fail-after", CORE_UNKNOWN, -ENODATA, CORE_BOOKED },
};

static void every_mode_ends_in_the_truth(void **state) {
    (void)state;
    struct core_host *core = core_new(host.port, 2, QUICK_MS);
    for (uint32_t i = 0; i < ARRAY_COUNT(mode_cases); i++) {
        uint32_t number = 100 + 2 * i;
        host_mode("ok");
        assert_int_equal(execute(core, number).outcome, CORE_BOOKED); /* leaves an idle connection to be taken */
        host_mode(mode_cases[i].mode);
        struct core_answer answer = execute(core, number + 1);
        if (answer.outcome != mode_cases[i].outcome || answer.fault != mode_cases[i].fault)
            fail_msg("%s: outcome %d fault %d", mode_cases[i].mode, answer.outcome, answer.fault);
        assert_int_equal(answer.sent, answer.outcome == CORE_UNKNOWN);
        assert_int_equal(core_host_judge(&answer), answer.outcome == CORE_UNKNOWN ? BREAKER_FAILED : BREAKER_DONE);
        assert_int_equal(enquire(core, number + 1).outcome, mode_cases[i].truth);
        host_mode("ok");
        assert_int_equal(execute(core, number + 1).outcome,
                         mode_cases[i].truth == CORE_BOOKED ? CORE_BOOKED : CORE_BARRED);
    }
    core = core_host_free(core);
}

static void random_faults_end_in_the_truth(void **state) {
    (void)state;
    struct core_host *core = core_new(host.port, 2, 100);
    int booked = 0, unknown = 0;
    host_mode("fail-random");
    for (uint32_t number = 1000; number < 1040; number++) {
        struct core_answer answer = execute(core, number), truth = enquire(core, number);
        unknown += answer.outcome == CORE_UNKNOWN;
        booked += truth.outcome == CORE_BOOKED;
        assert_true(truth.outcome == CORE_BOOKED || truth.outcome == CORE_NEVER_SEEN);
        if (answer.outcome != CORE_UNKNOWN) assert_int_equal(answer.outcome, truth.outcome);
    }
    host_mode("ok");
    assert_true(booked > 0 && booked < 40 && unknown > 0 && unknown < 40);
    core = core_host_free(core);
}

static void nothing_is_sent_to_nobody(void **state) {
    (void)state;
    int listen_fd;
    uint16_t port;
    assert_int_equal(net_listen_tcp(NULL, 0, &listen_fd, &port, NULL), 0);
    net_close(listen_fd);
    struct core_host *core = core_new(port, 1, PATIENCE_MS);
    struct core_answer answer = execute(core, 1);
    assert_int_equal(answer.outcome, CORE_UNKNOWN);
    assert_int_equal(answer.fault, -ECONNREFUSED);
    assert_false(answer.sent);
    core = core_host_free(core);
}

static void restarted_host_is_found_again(void **state) {
    (void)state;
    struct core_host *core = core_new(host.port, 4, PATIENCE_MS);
    assert_int_equal(execute(core, 2000).outcome, CORE_BOOKED);
    host_stop(SIGKILL);
    struct core_answer answer = execute(core, 2001);
    assert_int_equal(answer.outcome, CORE_UNKNOWN);
    assert_false(answer.sent); /* the dead idle connection was seen before anything was sent */
    host_start(host.port);
    assert_int_equal(execute(core, 2001).outcome, CORE_BOOKED);
    assert_int_equal(execute(core, 2000).outcome, CORE_BOOKED);
    core = core_host_free(core);
}

static void what_does_not_fit_is_not_sent(void **state) {
    (void)state;
    struct core_host *core = core_new(host.port, 1, PATIENCE_MS);
    struct core_answer answer = { .fault = 77 };
    struct core_transfer transfer = transfer_of(3000, "22222222");
    static const int64_t amounts[] = { 0, -1, CORE_AMOUNT_MINOR_MAX + 1, INT64_MAX };
    for (size_t i = 0; i < ARRAY_COUNT(amounts); i++) {
        transfer.amount.minor = amounts[i];
        assert_int_equal(core_host_execute(core, &transfer, &answer), -EINVAL);
    }
    transfer.amount.minor = CORE_AMOUNT_MINOR_MAX;
    transfer.creditor.len = 0;
    assert_int_equal(core_host_execute(core, &transfer, &answer), -EINVAL);
    assert_int_equal(answer.fault, 77);
    assert_int_equal(enquire(core, 3000).outcome, CORE_NEVER_SEEN);
    core = core_host_free(core);
}

/* --- A host played by the test: a script of what it sends to each record that comes. */

struct player {
    int listen_fd;
    const char *const *answers; /* one a record; "" closes the connection; NULL ends */
    int connections;
};

static void *player_run(void *argument) {
    struct player *player = argument;
    int fd = -1;
    char record[107];
    for (size_t i = 0; player->answers[i]; i++) {
        size_t got = 0;
        if (fd >= 0 && (net_receive_some(fd, record, sizeof record, patience(), &got) != 0 || got == 0)) {
            net_close(fd);
            fd = -1;
        }
        if (fd < 0) {
            check(net_accept(player->listen_fd, patience(), &fd) == 0);
            player->connections++;
            check(net_receive_some(fd, record, sizeof record, patience(), &got) == 0);
        }
        (void)net_send_all(fd, player->answers[i], strlen(player->answers[i]),
                           patience()); /* the client may have gone */
        if (player->answers[i][0]) continue;
        net_close(fd);
        fd = -1;
    }
    net_close(fd);
    return NULL;
}

#define A1 "00GC000000000000000120231114221320"
#define A2 "00GC000000000000000220231114221320"

struct script {
    const char *name, *answers[4];
    struct {
        char request; /* x: execute, e: enquire, r: reverse */
        enum core_outcome outcome;
        int fault;
    } want[4];
    int connections;
};
static const struct script scripts[] = {
    { "one connection serves many", { A1, A2, NULL }, { { 'x', CORE_BOOKED, 0 }, { 'x', CORE_BOOKED, 0 } }, 1 },
    { "an answer in halves is not enough", { "00GC0000000000", NULL }, { { 'x', CORE_UNKNOWN, -ENODATA } }, 1 },
    { "a letter in the code",
      { "0xGC000000000000000120231114221320", A2, NULL },
      { { 'x', CORE_UNKNOWN, -EBADMSG }, { 'x', CORE_BOOKED, 0 } },
      2 },
    { "a day that does not exist",
      { "00GC000000000000000120230231221320", NULL },
      { { 'x', CORE_UNKNOWN, -EBADMSG } },
      1 },
    { "done without a reference",
      { "00                  20231114221320", NULL },
      { { 'x', CORE_UNKNOWN, -EBADMSG } },
      1 },
    { "a surplus byte", { A1 "x", A2, NULL }, { { 'x', CORE_UNKNOWN, -EBADMSG }, { 'x', CORE_BOOKED, 0 } }, 2 },
    { "the answer before once more",
      { A1, A1, A2, NULL },
      { { 'x', CORE_BOOKED, 0 }, { 'x', CORE_UNKNOWN, -EBADMSG }, { 'x', CORE_BOOKED, 0 } },
      2 },
    { "never seen has no place after TXN",
      { "44                  20231114221320", NULL },
      { { 'x', CORE_UNKNOWN, -EPROTO } },
      1 },
    { "barred has no place after ENQ",
      { "46                  20231114221320", NULL },
      { { 'e', CORE_UNKNOWN, -EPROTO } },
      1 },
    { "a refused reversal is for people",
      { "96                  20231114221320", NULL },
      { { 'r', CORE_UNKNOWN, -EPROTO } },
      1 },
    { "an enquiry takes no old connection", { A1, A2, NULL }, { { 'x', CORE_BOOKED, 0 }, { 'e', CORE_BOOKED, 0 } }, 2 },
    { "after a refusal a new connection",
      { "14                  20231114221320", A2, NULL },
      { { 'x', CORE_REFUSED, 0 }, { 'x', CORE_BOOKED, 0 } },
      2 },
};

static void strange_answers_are_unknown(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(scripts); i++) {
        struct player player = { .answers = scripts[i].answers };
        pthread_t thread;
        uint16_t port;
        assert_int_equal(net_listen_tcp(NULL, 0, &player.listen_fd, &port, NULL), 0);
        assert_int_equal(pthread_create(&thread, NULL, player_run, &player), 0);
        struct core_host *core = core_new(port, 2, PATIENCE_MS);
        for (uint32_t j = 0; scripts[i].want[j].request; j++) {
            char request = scripts[i].want[j].request;
            struct core_answer answer = request == 'x'   ? execute(core, j)
                                        : request == 'e' ? enquire(core, j)
                                                         : reverse(core, j);
            if (answer.outcome != scripts[i].want[j].outcome || answer.fault != scripts[i].want[j].fault)
                fail_msg("%s, request %u: outcome %d fault %d", scripts[i].name, j, answer.outcome, answer.fault);
        }
        core = core_host_free(core);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(player.connections, scripts[i].connections);
        net_close(player.listen_fd);
    }
}

/* --- A host that is this very test, request by request, while a thread waits for the answer. */

struct job {
    struct core_host *core;
    uint32_t number;
    pthread_t thread;
    struct core_answer answer;
};

static void *job_run(void *argument) {
    struct job *job = argument;
    job->answer = execute(job->core, job->number);
    return NULL;
}

static void job_start(struct job *job) {
    assert_int_equal(pthread_create(&job->thread, NULL, job_run, job), 0);
}

static void hear_txn(int fd) {
    char record[107];
    assert_int_equal(net_receive_exact(fd, record, sizeof record, patience()), 0);
    assert_memory_equal(record, "TXN      20202011111111      30303022222222000000001999GBP20231114221320   0192", 79);
}

static void say(int fd, const char *text) {
    assert_int_equal(net_send_all(fd, text, strlen(text), patience()), 0);
}

/* (H3) */
static void idle_surplus_closes_before_use(void **state) {
    (void)state;
    int listen_fd, first_fd, second_fd;
    uint16_t port;
    assert_int_equal(net_listen_tcp(NULL, 0, &listen_fd, &port, NULL), 0);
    struct core_host *core = core_new(port, 1, PATIENCE_MS);
    struct job first = { .core = core, .number = 1 }, second = { .core = core, .number = 2 };
    job_start(&first);
    assert_int_equal(net_accept(listen_fd, patience(), &first_fd), 0);
    hear_txn(first_fd);
    say(first_fd, A1);
    assert_int_equal(pthread_join(first.thread, NULL), 0);
    assert_int_equal(first.answer.outcome, CORE_BOOKED);
    say(first_fd, A1); /* late, and once too often */
    job_start(&second);
    assert_int_equal(net_accept(listen_fd, patience(), &second_fd), 0);
    hear_txn(second_fd);
    say(second_fd, A2);
    assert_int_equal(pthread_join(second.thread, NULL), 0);
    assert_int_equal(second.answer.outcome, CORE_BOOKED);
    assert_string_equal(second.answer.record.core_reference, "GC0000000000000002");
    net_close(first_fd);
    net_close(second_fd);
    core = core_host_free(core);
    net_close(listen_fd);
}

/* (H1, H5) */
static void one_request_at_a_time_on_a_connection(void **state) {
    (void)state;
    int listen_fd, fd, other_fd;
    uint16_t port;
    char record[107];
    assert_int_equal(net_listen_tcp(NULL, 0, &listen_fd, &port, NULL), 0);
    struct core_host *core = core_new(port, 1, PATIENCE_MS);
    struct job first = { .core = core, .number = 1 }, second = { .core = core, .number = 2 };
    job_start(&first);
    assert_int_equal(net_accept(listen_fd, patience(), &fd), 0);
    hear_txn(fd);
    job_start(&second);
    assert_int_equal(net_receive_exact(fd, record, 1, clock_mono_ms() + 50), -ETIMEDOUT); /* it waits */
    assert_int_equal(net_accept(listen_fd, 0, &other_fd), -ETIMEDOUT);
    say(fd, A1);
    hear_txn(fd);
    say(fd, A2);
    assert_int_equal(pthread_join(first.thread, NULL), 0);
    assert_int_equal(pthread_join(second.thread, NULL), 0);
    assert_int_equal(first.answer.outcome, CORE_BOOKED);
    assert_int_equal(second.answer.outcome, CORE_BOOKED);
    assert_string_equal(second.answer.record.core_reference, "GC0000000000000002");
    core = core_host_free(core);
    net_close(fd);
    net_close(listen_fd);
}

/* --- Many callers, and the host killed under them. */

enum { CALLERS = 8, KILLS = 5, ANSWERS_BETWEEN = 150, PAYMENTS_MAX = 5000 };
struct caller {
    struct core_host *core;
    uint32_t first, count;
    enum core_outcome fate[PAYMENTS_MAX];
};
static atomic_bool callers_stop;
static atomic_int answered;

static void *caller_run(void *argument) {
    struct caller *caller = argument;
    while (!atomic_load(&callers_stop) && caller->count < PAYMENTS_MAX) {
        uint32_t number = caller->first + caller->count;
        struct core_answer answer = execute(caller->core, number);
        for (int64_t end_ms = patience(); answer.outcome == CORE_UNKNOWN && clock_mono_ms() < end_ms; (void)usleep(500))
            answer = enquire(caller->core, number);
        atomic_fetch_add(&answered, 1);
        caller->fate[caller->count++] = answer.outcome;
    }
    return NULL;
}

static void killed_host_keeps_every_answer(void **state) {
    (void)state;
    static struct caller callers[CALLERS];
    pthread_t threads[CALLERS];
    int booked = 0, never = 0;
    struct core_host *core = core_new(host.port, 4, PATIENCE_MS);
    for (uint32_t i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){ .core = core, .first = 100000 * (i + 1) };
        assert_int_equal(pthread_create(&threads[i], NULL, caller_run, &callers[i]), 0);
    }
    for (int i = 0; i < KILLS; i++) {
        int goal = atomic_load(&answered) + ANSWERS_BETWEEN;
        while (atomic_load(&answered) < goal) (void)usleep(100);
        host_stop(SIGKILL);
        host_start(host.port);
    }
    atomic_store(&callers_stop, true);
    for (int i = 0; i < CALLERS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < CALLERS; i++) {
        for (uint32_t j = 0; j < callers[i].count; j++) {
            enum core_outcome fate = callers[i].fate[j], again = execute(core, callers[i].first + j).outcome;
            assert_true(fate == CORE_BOOKED || fate == CORE_NEVER_SEEN);
            assert_int_equal(again, fate == CORE_BOOKED ? CORE_BOOKED : CORE_BARRED);
            booked += fate == CORE_BOOKED;
            never += fate == CORE_NEVER_SEEN;
        }
    }
    print_message("%d booked, %d never seen\n", booked, never);
    assert_true(booked >= KILLS * ANSWERS_BETWEEN / 2);
    core = core_host_free(core);
}

/* Puts a layout into the folder of this test, with one piece of it exchanged. */
static void copy_layout(const char *name, const char *piece, const char *instead) {
    char path[128];
    struct arena arena;
    struct str text;
    size_t at = 0;
    assert_int_equal(arena_init(&arena, 4096, 65536), 0);
    (void)snprintf(path, sizeof path, "%s/%s.json", layouts, name);
    assert_int_equal(file_read_all(path, 16384, &arena, &text, NULL), 0);
    assert_true(*piece == 0 || str_find(text, str_from_c(piece), &at));
    struct str changed = arena_printf(&arena, STR_FMT "%s" STR_FMT, STR_ARG(str_slice(text, 0, at)), instead,
                                      STR_ARG(str_slice(text, at + strlen(piece), text.len)));
    (void)snprintf(path, sizeof path, "%s/%s.json", folder, name);
    assert_int_equal(file_write_atomic(path, changed, 0600, NULL), 0);
    arena_release(&arena);
}

static void wrong_options_and_layouts_are_refused(void **state) {
    (void)state;
    struct message message = { "" };
    struct core_host *core = NULL;
    const struct core_host_options good = { .host = "127.0.0.1",
                                            .port = 1,
                                            .layouts_folder = layouts,
                                            .connections_max = 16,
                                            .deadline_ms = CORE_DEADLINE_MS_DEFAULT };
    struct core_host_options options = good;
    assert_int_equal(core_host_new(&options, &core, &message), 0);
    core = core_host_free(core);
    options.connections_max = CORE_CONNECTIONS_MAX + 1;
    assert_int_equal(core_host_new(&options, &core, &message), -EINVAL);
    options = good;
    options.deadline_ms = 0;
    assert_int_equal(core_host_new(&options, &core, &message), -EINVAL);
    options = good;
    options.layouts_folder = folder;
    assert_int_equal(core_host_new(&options, &core, &message), -ENOENT);
    assert_non_null(strstr(message.text, "txn.json"));
    /* A layout with another width than acceptance promises. */
    copy_layout("enq", "", "");
    copy_layout("rev", "", "");
    copy_layout("answer", "", "");
    copy_layout("txn", "\"debtor\", \"width\": 20", "\"debtor\", \"width\": 19");
    assert_int_equal(core_host_new(&options, &core, &message), -EINVAL);
    assert_non_null(strstr(message.text, "must hold 20 characters"));
    copy_layout("txn", "\"record\"", "\"rekord\"");
    assert_int_equal(core_host_new(&options, &core, &message), -EINVAL);
    assert_non_null(strstr(message.text, "correct the layout"));
    assert_null(core);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_mean_what_they_say),
        cmocka_unit_test(every_mode_ends_in_the_truth),
        cmocka_unit_test(random_faults_end_in_the_truth),
        cmocka_unit_test(nothing_is_sent_to_nobody),
        cmocka_unit_test(restarted_host_is_found_again),
        cmocka_unit_test(what_does_not_fit_is_not_sent),
        cmocka_unit_test(strange_answers_are_unknown),
        cmocka_unit_test(idle_surplus_closes_before_use),
        cmocka_unit_test(one_request_at_a_time_on_a_connection),
        cmocka_unit_test(killed_host_keeps_every_answer),
        cmocka_unit_test(wrong_options_and_layouts_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
