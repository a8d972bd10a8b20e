/* The core banking host as a process: its conversation, its faults, its command line, and its death. */
#include "platform/child.h"
#include "simulators/core/record.h"
#include "simulators/core/service.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "platform/net.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 30000, ANSWER_BYTES = sizeof(struct answer_record) };

static char folder[64], books[96], control[96];

static int set_up(void **state) {
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/core_test.XXXXXX");
    if (!mkdtemp(folder)) return -1;
    (void)snprintf(books, sizeof books, "%s/books", folder);
    (void)snprintf(control, sizeof control, "%s/control", folder);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    return dir_remove(folder, NULL);
}

static int64_t patience(void) {
    return clock_mono_ms() + PATIENCE_MS;
}

struct peer {
    struct child child;
    uint16_t port;
};

static bool start(struct peer *core, unsigned port, const char *more) {
    char arguments[512], line[CHILD_LINE_BYTES_MAX];
    (void)snprintf(arguments, sizeof arguments, "--books %s --control %s --port %u %s", books, control, port, more);
    if (child_start("giro-sim-core", arguments, false, &core->child)) return false;
    const char *where = child_read_line(&core->child, patience(), line) == 0 ? strstr(line, " port ") : NULL;
    if (where) core->port = (uint16_t)strtol(where + 6, NULL, 10);
    return where != NULL;
}

static int stop(struct peer *core, int signal) {
    return child_wait(&core->child, signal);
}

static char *list(void) {
    enum { LIST_BYTES_MAX = 16 * 1024 * 1024 };
    static char *text;
    char arguments[256];
    if (!text) text = malloc(LIST_BYTES_MAX);
    assert_non_null(text);
    (void)snprintf(arguments, sizeof arguments, "--books %s --list", books);
    assert_int_equal(child_run("giro-sim-core", arguments, text, LIST_BYTES_MAX), 0);
    return text;
}

static void forget_books(void) {
    assert_int_equal(unlink(books), 0);
}

static int dial(const struct peer *core) {
    int fd = -1;
    assert_int_equal(net_connect_tcp("127.0.0.1", core->port, patience(), &fd), 0);
    return fd;
}

static void put(int fd, const char *text) {
    assert_int_equal(net_send_all(fd, text, strlen(text), patience()), 0);
}

/* Everything the core says until it closes. */
static size_t hear_all(int fd, char *bytes, size_t bytes_max) {
    size_t len = 0, got = 1;
    while (got && len < bytes_max) {
        int r = net_receive_some(fd, bytes + len, bytes_max - len, patience(), &got);
        if (r == -ECONNRESET) break; /* closed while our surplus bytes were unread */
        assert_int_equal(r, 0);
        len += got;
    }
    return len;
}

static const char *txn_text(const char *reference) {
    static char text[RECORD_BYTES_MAX + 1];
    (void)snprintf(text, sizeof text, "TXN%20s%20s%012dGBP20231114221320%35s", "20202011111111", "30303022222222", 100,
                   reference);
    return text;
}

static const char *ask_text(const char *tag, const char *reference) {
    static char text[sizeof(struct reference_record) + 1];
    (void)snprintf(text, sizeof text, "%s%35s", tag, reference);
    return text;
}

/* Sends a record on a new connection and compares the answer's code. */
static void expect_code(const struct peer *core, const char *record, const char *code) {
    char answer[ANSWER_BYTES];
    int fd = dial(core);
    put(fd, record);
    assert_int_equal(net_receive_exact(fd, answer, sizeof answer, patience()), 0);
    assert_memory_equal(answer, code, 2);
    net_close(fd);
}

static void command(const char *line, const char *want) {
    char text[256];
    size_t len = 0, got = 1;
    int fd;
    assert_int_equal(net_connect_unix(control, patience(), &fd), 0);
    put(fd, line);
    while (got && (len == 0 || text[len - 1] != '\n')) {
        assert_int_equal(net_receive_some(fd, text + len, sizeof text - 1 - len, patience(), &got), 0);
        len += got;
    }
    text[len] = 0;
    assert_string_equal(text, want);
    net_close(fd);
}

static void broken_records_close_and_book_nothing(void **state) {
    (void)state;
    char surplus[RECORD_BYTES_MAX + 2], two[2 * RECORD_BYTES_MAX + 1], half[60], answer[64];
    (void)snprintf(surplus, sizeof surplus, "%sX", txn_text("a"));
    (void)snprintf(two, sizeof two, "%s%s", txn_text("a"), surplus);
    (void)snprintf(half, sizeof half, "%s", txn_text("a"));
    const char *const cases[] = {
        surplus, /* a byte too many */
        two,     /* a second record before the first answer */
        half,    /* never completed: closed after LOOP_UNFINISHED_MS */
        "XYZ",
        "Q",
        "TXE",
        "TXN      20202011111111      30303022222222-00000000100GBP20231114221320                                  a",
        "TXN      20202011111111      30303022222222        0100GBP20231114221320                                  a",
        "TXN      20202011111111      30303022222222000000000100gbp20231114221320                                  a",
        "TXN      20202011111111      30303022222222000000000100GBP2023111422132X                                  a",
        "TXN      20202011111111      30303022222222000000000100GBP20231114221320                                   ",
        "TXN                          30303022222222000000000100GBP20231114221320                                  a",
        "TXN      20202011111111      303030 2222222000000000100GBP20231114221320                                  a",
        "TXN      20202011111111      30303022222222000000000100GBP20231114221320                                a b",
        "TXN      20202011111111      3030302222222\n000000000100GBP20231114221320                                  a",
        "TXN20202011111111      30303022222222      000000000100GBP20231114221320a                                  ",
        "ENQ                                  \"",
        "ENQ                                   ",
        "REV                                 a ",
    };
    struct peer core;
    assert_true(start(&core, 0, ""));
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int fd = dial(&core);
        put(fd, cases[i]);
        assert_int_equal(hear_all(fd, answer, sizeof answer), 0);
        net_close(fd);
    }
    assert_int_equal(stop(&core, SIGTERM), 0);
    assert_string_equal(list(), "refused 0\nbarred 0\n");
    forget_books();
}

static void pieces_are_put_together(void **state) {
    (void)state;
    struct peer core;
    char answer[ANSWER_BYTES], record[RECORD_BYTES_MAX + 1];
    assert_true(start(&core, 0, ""));
    int fd = dial(&core);
    (void)snprintf(record, sizeof record, "%s", txn_text("a"));
    for (size_t at = 0; at < RECORD_BYTES_MAX; at++)
        assert_int_equal(net_send_all(fd, record + at, 1, patience()), 0);
    assert_int_equal(net_receive_exact(fd, answer, sizeof answer, patience()), 0);
    assert_memory_equal(answer, "00", 2);
    put(fd, ask_text("ENQ", "a")); /* the connection goes on */
    assert_int_equal(net_receive_exact(fd, answer, sizeof answer, patience()), 0);
    assert_memory_equal(answer, "00", 2);
    put(fd, "ENQ"); /* the peer goes in the middle of a record */
    net_close(fd);
    expect_code(&core, ask_text("REV", "a"), "00");
    assert_int_equal(stop(&core, SIGINT), 0);
    forget_books();
}

/* What a TXN hears in each mode, and whether it was booked. */
static const struct { const char *mode; size_t bytes; bool closes, booked; } mode_cases[] = {
    { "mode ok\n", ANSWER_BYTES, false, true },
    { "mode twice\n", 2 * ANSWER_BYTES, false, true },
    { "mode silent\n", 0, false, false },
    { "mode fail-before\n", 0, true, false },
    { "mode fail-after\n", 0, true, true },
};

static void modes_do_what_they_say(void **state) {
    (void)state;
    struct peer core;
    char reference[16], bytes[4 * ANSWER_BYTES];
    struct stat status;
    assert_true(start(&core, 0, ""));
    assert_int_equal(stat(control, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    for (size_t i = 0; i < ARRAY_COUNT(mode_cases); i++) {
        command(mode_cases[i].mode, "ok\n");
        (void)snprintf(reference, sizeof reference, "m%zu", i);
        int fd = dial(&core);
        put(fd, txn_text(reference));
        if (mode_cases[i].bytes) assert_int_equal(net_receive_exact(fd, bytes, mode_cases[i].bytes, patience()), 0);
        if (mode_cases[i].closes) assert_int_equal(hear_all(fd, bytes, sizeof bytes), 0);
        /* Enquiries are answered in every mode; when this one is, the TXN before it has been dealt with. */
        expect_code(&core, ask_text("ENQ", reference), mode_cases[i].booked ? "00" : "44");
        assert_int_equal(net_has_input(fd), mode_cases[i].closes);
        net_close(fd);
    }
    assert_int_equal(stop(&core, SIGTERM), 0);
    forget_books();
}

static void slow_books_at_once_and_answers_late(void **state) {
    (void)state;
    struct peer core;
    char answer[ANSWER_BYTES];
    assert_true(start(&core, 0, "--mode slow"));
    int fd = dial(&core);
    int64_t begin_ms = clock_mono_ms();
    put(fd, txn_text("a"));
    while (clock_mono_ms() < begin_ms + SERVICE_SLOW_MS / 2 && strstr(list(), "booking a") == NULL) continue;
    expect_code(&core, ask_text("ENQ", "a"), "00");
    assert_true(clock_mono_ms() < begin_ms + SERVICE_SLOW_MS);
    assert_int_equal(net_receive_exact(fd, answer, sizeof answer, patience()), 0);
    assert_true(clock_mono_ms() >= begin_ms + SERVICE_SLOW_MS);
    assert_memory_equal(answer, "00", 2);
    put(fd, txn_text("c"));
    put(fd, "x"); /* a surplus byte while a request is under way */
    assert_int_equal(hear_all(fd, answer, sizeof answer), 0);
    net_close(fd);
    assert_int_equal(stop(&core, SIGTERM), 0); /* at once, whatever waits */
    forget_books();
}

/* All that comes on a connection until then; both slow and twice are told from silence only by waiting. */
static size_t hear_until(int fd, int64_t until_ms) {
    char bytes[3 * ANSWER_BYTES];
    size_t len = 0, got = 1;
    int r = 0;
    while (!r && got && len < 2 * ANSWER_BYTES) {
        r = net_receive_some(fd, bytes + len, sizeof bytes - len, until_ms, &got);
        if (!r) len += got;
    }
    assert_true(len % ANSWER_BYTES == 0);
    return len;
}

static void random_faults_follow_the_seed(void **state) {
    (void)state;
    enum { REQUESTS = 40 };
    size_t heard[2][REQUESTS];
    size_t kinds[3] = { 0 };
    for (int life = 0; life < 2; life++) {
        struct peer core;
        char reference[16];
        int fds[REQUESTS];
        assert_true(start(&core, 0, "--seed 1"));
        command("seed 7\nmode fail-random\n", "ok\nok\n");
        for (int i = 0; i < REQUESTS; i++) {
            (void)snprintf(reference, sizeof reference, "r%d", i);
            fds[i] = dial(&core);
            put(fds[i], txn_text(reference));
            expect_code(&core, ask_text("ENQ", "never-seen"), "44"); /* what came before it has been taken up */
        }
        int64_t until_ms = clock_mono_ms() + 2 * SERVICE_SLOW_MS;
        for (int i = 0; i < REQUESTS; i++) {
            heard[life][i] = hear_until(fds[i], until_ms);
            kinds[heard[life][i] / ANSWER_BYTES]++;
            net_close(fds[i]);
        }
        assert_int_equal(stop(&core, SIGTERM), 0);
        forget_books();
    }
    assert_memory_equal(heard[0], heard[1], sizeof heard[0]);
    assert_true(kinds[0] && kinds[1] && kinds[2]);
}

static void control_refuses_what_it_does_not_know(void **state) {
    (void)state;
    struct peer core;
    assert_true(start(&core, 0, ""));
    command("mode quick\n", "error no such mode: ok slow silent twice fail-before fail-after fail-random\n");
    command("mode\n", "error no such mode: ok slow silent twice fail-before fail-after fail-random\n");
    command("seed -1\n", "error the seed must be a number from 0 to 18446744073709551615\n");
    command("stop\n", "error no such command: mode NAME, seed N\n");
    command("seed 18446744073709551615\n", "ok\n");
    expect_code(&core, txn_text("a"), "00");
    assert_int_equal(stop(&core, SIGTERM), 0);
    forget_books();
}

static void command_line_is_strict(void **state) {
    (void)state;
    struct peer core;
    char arguments[512], text[4096], port_text[16];
    static const struct { const char *arguments, *says; int want; } cases[] = {
        { "--colour", "no such option: --colour", 2 },
        { "", "--books is missing", 2 },
        { "--books", "--books takes a value", 2 },
        { "--books=x --port 70000", "--port must be a number", 2 },
        { "--books=x --port http", "--port must be a number", 2 },
        { "--books=x --json", "--json goes with --list", 2 },
        { "--books=x --list=yes", "--list takes no value", 2 },
        { "--books=x --seed -1", "--seed must be a number", 2 },
        { "--books /nonexistent/books --list", "does not exist", 3 },
        { "--books /nonexistent/books", "does not exist", 3 },
        { "--help", "usage: giro-sim-core", 0 },
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int code = child_run("giro-sim-core", cases[i].arguments, text, sizeof text);
        if (code != cases[i].want || !strstr(text, cases[i].says))
            fail_msg("%s: %d %s", cases[i].arguments, code, text);
    }
    (void)snprintf(arguments, sizeof arguments, "--port-file %s/port", folder);
    assert_true(start(&core, 0, arguments));
    (void)snprintf(arguments, sizeof arguments, "%s/port", folder);
    FILE *port_file = fopen(arguments, "r");
    assert_true(port_file && fgets(port_text, sizeof port_text, port_file));
    assert_int_equal(fclose(port_file), 0);
    assert_int_equal(strtol(port_text, NULL, 10), core.port);
    (void)snprintf(arguments, sizeof arguments, "--books %s/other --port %u", folder, (unsigned)core.port);
    assert_int_equal(child_run("giro-sim-core", arguments, text, sizeof text), 7);
    assert_non_null(strstr(text, "another program listens there"));
    (void)snprintf(arguments, sizeof arguments, "--books %s/other --control %s", folder, control);
    assert_int_equal(child_run("giro-sim-core", arguments, text, sizeof text), 7);
    (void)snprintf(arguments, sizeof arguments, "--books %s", books);
    assert_int_equal(child_run("giro-sim-core", arguments, text, sizeof text), 5);
    assert_non_null(strstr(text, "another process holds it"));
    expect_code(&core, txn_text("a"), "00"); /* none of them disturbed it */
    assert_int_equal(stop(&core, SIGTERM), 0);
    forget_books();
}

static void many_connections_are_served(void **state) {
    (void)state;
    enum { CONNECTIONS = 200 };
    struct peer core;
    int fds[CONNECTIONS];
    char reference[16], answer[ANSWER_BYTES];
    assert_true(start(&core, 0, ""));
    for (int i = 0; i < CONNECTIONS; i++) fds[i] = dial(&core);
    for (int i = 0; i < CONNECTIONS; i++) {
        (void)snprintf(reference, sizeof reference, "c%d", i);
        put(fds[i], txn_text(reference));
    }
    for (int i = 0; i < CONNECTIONS; i++) {
        assert_int_equal(net_receive_exact(fds[i], answer, sizeof answer, patience()), 0);
        assert_memory_equal(answer, "00", 2);
        net_close(fds[i]);
    }
    assert_int_equal(stop(&core, SIGTERM), 0);
    assert_non_null(strstr(list(), "balance 30303022222222 GBP 20000\n"));
    forget_books();
}

/* --- The crash test: callers under load, the core killed again and again. */

enum { CALLERS = 8, KILLS = 20, PAYMENTS_MAX = 20000 };
enum fate { FATE_NONE, FATE_BOOKED, FATE_BARRED };

struct caller {
    int number;
    uint16_t port;
    char fate[PAYMENTS_MAX];
    int count; /* payments decided */
};
static atomic_bool callers_stop;
static atomic_long answers;
static atomic_long resolved_by_enquiry;

/* One request on *fd, dialling again when there is none. 0, or a fault: nobody knows. */
static int call_once(const struct caller *caller, int *fd, const char *record, size_t bytes,
                     struct answer_record *answer) {
    int r = *fd >= 0 ? 0 : net_connect_tcp("127.0.0.1", caller->port, patience(), fd);
    if (!r) r = net_send_all(*fd, record, bytes, patience());
    if (!r) r = net_receive_exact(*fd, answer, sizeof *answer, patience());
    if (!r) return 0;
    net_close(*fd);
    *fd = -1;
    return r;
}

/* Asks until the core, which is being restarted, answers. */
static struct answer_record call_until_answered(const struct caller *caller, int *fd, const char *record,
                                                size_t bytes) {
    struct answer_record answer;
    int64_t end_ms = patience();
    while (call_once(caller, fd, record, bytes, &answer) != 0) {
        check(clock_mono_ms() < end_ms);
        (void)usleep(500);
    }
    return answer;
}

static enum fate pay(const struct caller *caller, int *fd, int payment) {
    char record[RECORD_BYTES_MAX + 1], enquiry[40];
    struct answer_record answer;
    (void)snprintf(enquiry, sizeof enquiry, "ENQ%33d-%d", payment, caller->number);
    (void)snprintf(record, sizeof record, "TXN%20d%20d%012dGBP20231114221320%s", 1000 + caller->number, 2000,
                   1 + payment % 97, enquiry + 3);
    if (call_once(caller, fd, record, RECORD_BYTES_MAX, &answer) == 0) {
        check(memcmp(answer.code, "00", 2) == 0);
        atomic_fetch_add(&answers, 1);
        return FATE_BOOKED;
    }
    answer = call_until_answered(caller, fd, enquiry, 38);
    atomic_fetch_add(&resolved_by_enquiry, 1);
    bool booked = memcmp(answer.code, "00", 2) == 0;
    check(booked || memcmp(answer.code, "44", 2) == 0);
    answer = call_until_answered(caller, fd, record, RECORD_BYTES_MAX); /* the truth does not change by asking again */
    check(memcmp(answer.code, booked ? "00" : "46", 2) == 0);
    return booked ? FATE_BOOKED : FATE_BARRED;
}

static void *caller_run(void *argument) {
    struct caller *caller = argument;
    int fd = -1;
    while (!atomic_load(&callers_stop) && caller->count < PAYMENTS_MAX) {
        caller->fate[caller->count] = (char)pay(caller, &fd, caller->count);
        caller->count++;
    }
    net_close(fd);
    return NULL;
}

/* The next word of the line as a number; a minus sign may lead. */
static long number(struct str *line, char separator) {
    struct str word;
    uint64_t value = 0;
    (void)str_cut(line, separator, &word);
    bool negative = str_starts(word, STR("-"));
    assert_int_equal(str_to_u64(str_slice(word, negative, word.len), &value), 0);
    return negative ? -(long)value : (long)value;
}

/* "PAYMENT-CALLER DEBTOR CREDITOR AMOUNT GBP TIMES REVERSED" against what that caller was told; struck off his list. */
static void settle_booking(struct str line, struct caller *callers) {
    struct str currency;
    long payment = number(&line, '-'), caller = number(&line, ' ');
    assert_true(caller >= 0 && caller < CALLERS && payment >= 0 && payment < callers[caller].count);
    assert_int_equal(number(&line, ' '), 1000 + caller);
    assert_int_equal(number(&line, ' '), 2000);
    assert_int_equal(number(&line, ' '), 1 + payment % 97);
    (void)str_cut(&line, ' ', &currency);
    assert_int_equal(number(&line, ' '), 1);
    assert_int_equal(number(&line, ' '), 0);
    assert_int_equal(callers[caller].fate[payment], FATE_BOOKED);
    callers[caller].fate[payment] = FATE_NONE;
}

/* Goes through the books; returns how many bookings they hold. */
static long settle(struct str text, struct caller *callers) {
    long bookings = 0, difference = 0;
    struct str line, word;
    while (text.len) {
        (void)str_cut(&text, '\n', &line);
        (void)str_cut(&line, ' ', &word);
        if (str_equal_c(word, "booking")) {
            settle_booking(line, callers);
            bookings++;
        } else if (str_equal_c(word, "balance")) {
            (void)number(&line, ' ');
            (void)str_cut(&line, ' ', &word); /* the currency */
            difference += number(&line, ' ');
        }
    }
    assert_int_equal(difference, 0);
    return bookings;
}

static void killed_core_keeps_every_answer(void **state) {
    (void)state;
    static struct caller callers[CALLERS];
    pthread_t threads[CALLERS];
    struct peer core;
    long booked = 0, seed = 1;
    assert_true(start(&core, 0, ""));
    for (int i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){ .number = i, .port = core.port };
        assert_int_equal(pthread_create(&threads[i], NULL, caller_run, &callers[i]), 0);
    }
    for (int i = 0; i < KILLS; i++) {
        seed = (seed * 1103515245 + 12345) % 2147483648;
        long goal = atomic_load(&answers) + seed % 300;
        while (atomic_load(&answers) < goal) (void)usleep(50);
        assert_int_equal(stop(&core, SIGKILL), 128 + SIGKILL);
        uint16_t port = core.port;
        assert_true(start(&core, port, ""));
    }
    atomic_store(&callers_stop, true);
    for (int i = 0; i < CALLERS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(stop(&core, SIGKILL), 128 + SIGKILL);
    for (int i = 0; i < CALLERS; i++)
        for (int j = 0; j < callers[i].count; j++) booked += callers[i].fate[j] == FATE_BOOKED;
    assert_int_equal(settle(str_from_c(list()), callers), booked);
    for (int i = 0; i < CALLERS; i++)
        for (int j = 0; j < callers[i].count; j++) assert_int_not_equal(callers[i].fate[j], FATE_BOOKED);
    print_message("%ld booked, %ld of them or of the barred found out by enquiry, %d kills\n", booked,
                  atomic_load(&resolved_by_enquiry), KILLS);
    assert_true(booked > KILLS);
    assert_true(atomic_load(&resolved_by_enquiry) >= KILLS / 2);
    forget_books();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_records_close_and_book_nothing),
        cmocka_unit_test(pieces_are_put_together),
        cmocka_unit_test(modes_do_what_they_say),
        cmocka_unit_test(slow_books_at_once_and_answers_late),
        cmocka_unit_test(random_faults_follow_the_seed),
        cmocka_unit_test(control_refuses_what_it_does_not_know),
        cmocka_unit_test(command_line_is_strict),
        cmocka_unit_test(many_connections_are_served),
        cmocka_unit_test(killed_core_keeps_every_answer),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
