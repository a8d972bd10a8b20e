#include "observe/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

/* A log that writes into a pipe, at a time that the test sets. */
static struct log log_;
static int read_fd;
static int64_t test_ms;
static char written[64 * 1024 + 1];

static int64_t test_now_ms(void) {
    return 1795319100123;
}

static int64_t test_mono_ms(void) {
    return test_ms;
}

static int setup(void **state) {
    (void)state;
    int fds[2];
    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC)) return -1;
    read_fd = fds[0];
    test_ms = 1000;
    log_init(&log_, fds[1], LOG_LEVEL_DEBUG);
    log_.now_ms = test_now_ms;
    log_.mono_ms = test_mono_ms;
    return 0;
}

static int teardown(void **state) {
    (void)state;
    log_release(&log_);
    (void)close(log_.fd); /* closed by a test already, or not */
    return close(read_fd);
}

static const char *take_written(void) {
    ssize_t len = read(read_fd, written, sizeof written - 1);
    written[len > 0 ? len : 0] = 0;
    return written;
}

static size_t count_of(const char *text, const char *needle) {
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, needle)); at += strlen(needle)) count++;
    return count;
}

#define HEAD "{\"time\":\"2026-11-22T03:45:00.123Z\",\"level\":\"info\",\"event\":\"e\""

static void fields_are_written_by_type(void **state) {
    (void)state;
    struct iban iban;
    assert_int_equal(iban_parse(STR("GB82WEST12345698765432"), &iban), 0);
    const uint8_t id[16] = { 0x01, 0x90 }, none[16] = { 0 };
    const struct pii_hash hash = { .version = 3, .hash = { { 0xab } } };
    char word[] = "word";
    log_event(&log_, LOG_LEVEL_INFO, "e", log_str("a", STR("text")), log_str("b", "literal"), log_str("c", word),
              log_i64("d", INT64_MIN), log_bool("e", true), log_bool("f", false), log_id("g", id), log_id("h", none),
              log_masked("i", mask_iban(&iban)), log_hash("j", hash), log_correlation("k", STR("x-1")),
              log_text_c("l", NULL));
    assert_string_equal(take_written(),
        HEAD ",\"a\":\"text\",\"b\":\"literal\",\"c\":\"word\",\"d\":-9223372036854775808,\"e\":true,\"f\":false,"
        "\"g\":\"01900000-0000-0000-0000-000000000000\",\"h\":null,\"i\":\"GB82**************5432\","
        "\"j\":\"h3:ab000000000000000000000000000000\",\"k\":\"x-1\",\"l\":\"\"}\n");
    log_note(&log_, LOG_LEVEL_INFO, "e");
    assert_string_equal(take_written(), HEAD "}\n");
}

/* L2 */
static const struct {
    const char *name;
    struct str text;
    const char *want;
} escape_cases[] = {
    { "plain", STR_INIT("Zo\xc3\xab \xf0\x9f\x8e\x82"), "Zo\xc3\xab \xf0\x9f\x8e\x82" },
    { "a second line", STR_INIT("a\r\n{\"level\":\"error\"}"), "a\\u000d\\u000a{\\\"level\\\":\\\"error\\\"}" },
    { "quote and backslash", STR_INIT("\"\\"), "\\\"\\\\" },
    { "ansi escape", STR_INIT("\x1b[2J"), "\\u001b[2J" },
    { "nul", STR_INIT("a\0b"), "a\\u0000b" },
    { "delete", STR_INIT("\x7f"), "\\u007f" },
    { "C1 CSI", STR_INIT("\xc2\x9b" "2J"), "\\u009b2J" },
    { "raw C1 byte", STR_INIT("\x9b" "2J"), "\\ufffd2J" },
    { "line separator", STR_INIT("\xe2\x80\xa8"), "\\u2028" },
    { "right-to-left override", STR_INIT("\xe2\x80\xae"), "\\u202e" },
    { "isolate", STR_INIT("\xe2\x81\xa9"), "\\u2069" },
    { "not UTF-8", STR_INIT("\xff\xc3"), "\\ufffd\\ufffd" },
    { "cut sequence", STR_INIT("\xf0\x9f\x8e"), "\\ufffd\\ufffd\\ufffd" },
};

static void nothing_from_outside_breaks_the_line(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(escape_cases); i++) {
        char want[512];
        log_event(&log_, LOG_LEVEL_INFO, "e", log_str("a", escape_cases[i].text));
        (void)snprintf(want, sizeof want, HEAD ",\"a\":\"%s\"}\n", escape_cases[i].want);
        if (strcmp(take_written(), want) != 0) fail_msg("%s: %s", escape_cases[i].name, written);
    }
}

/* L1 */
static void lines_are_bounded(void **state) {
    (void)state;
    static char many[LOG_VALUE_BYTES_MAX * 4];
    memset(many, '\x1b', sizeof many); /* every byte becomes six */
    const struct str longest = { many, sizeof many }, fits = { many, LOG_VALUE_BYTES_MAX };
    log_event(&log_, LOG_LEVEL_INFO, "e", log_str("a", longest));
    assert_int_equal(count_of(take_written(), "\\u001b"), LOG_VALUE_BYTES_MAX);
    assert_int_equal(count_of(written, ",\"cut\":true}\n"), 1);
    log_event(&log_, LOG_LEVEL_INFO, "e", log_str("a", fits));
    assert_int_equal(count_of(take_written(), "cut"), 0);
    log_event(&log_, LOG_LEVEL_INFO, "e", log_str("a", longest), log_str("b", longest), log_i64("c", 7));
    take_written();
    assert_true(strlen(written) <= LOG_LINE_BYTES_MAX);
    assert_int_equal(count_of(written, "\"b\""), 0); /* did not fit, c behind it did */
    assert_int_equal(count_of(written, ",\"c\":7,\"cut\":true}\n"), 1);
    memset(many, 'x', sizeof many);
    struct log_field fields[LOG_FIELDS_MAX]; /* full to the last byte, and then the tail */
    for (size_t i = 0; i < LOG_FIELDS_MAX; i++) {
        size_t len = i < 7 ? sizeof many : (size_t)LOG_VALUE_BYTES_MAX >> (i - 6);
        fields[i] = log_text_str("n", (struct str){ many, len });
    }
    for (int i = 0; i <= LOG_IDENTICAL_MAX; i++) log_write(&log_, LOG_LEVEL_INFO, "full", fields, LOG_FIELDS_MAX);
    test_ms += LOG_WINDOW_MS;
    take_written();
    log_write(&log_, LOG_LEVEL_INFO, "full", fields, LOG_FIELDS_MAX);
    assert_in_range(strlen(take_written()), LOG_LINE_BYTES_MAX - 64, LOG_LINE_BYTES_MAX);
    assert_int_equal(count_of(written, ",\"suppressed\":1,\"cut\":true}\n"), 1);
    memset(many, '\x1b', sizeof many);
    for (size_t i = 0; i < LOG_FIELDS_MAX; i++) fields[i] = log_text_str("n", (struct str){ many, 60 + i });
    log_write(&log_, LOG_LEVEL_INFO, "e", fields, LOG_FIELDS_MAX);
    assert_true(strlen(take_written()) <= LOG_LINE_BYTES_MAX);
    assert_int_equal(count_of(written, "\n"), 1);
    assert_int_equal(written[strlen(written) - 1], '\n');
}

/* L4 */
static void identical_lines_are_limited(void **state) {
    (void)state;
    for (int i = 0; i < 50; i++) {
        char id[8];
        (void)snprintf(id, sizeof id, "%d", i);
        log_event(&log_, LOG_LEVEL_WARN, "core_slow", log_str("connector", "core"),
                  log_correlation("interaction_id", str_from_c(id)));
    }
    assert_int_equal(count_of(take_written(), "core_slow"), LOG_IDENTICAL_MAX);
    for (int i = 0; i < 50; i++) log_event(&log_, LOG_LEVEL_WARN, "core_slow", log_i64("n", i)); /* not identical */
    assert_int_equal(count_of(take_written(), "core_slow"), 50);
    test_ms += LOG_WINDOW_MS;
    log_event(&log_, LOG_LEVEL_WARN, "core_slow", log_str("connector", "core"),
              log_correlation("interaction_id", STR("z")));
    assert_int_equal(count_of(take_written(), "\"suppressed\":40}"), 1);
    log_event(&log_, LOG_LEVEL_WARN, "core_slow", log_str("connector", "core"),
              log_correlation("interaction_id", STR("z")));
    assert_int_equal(count_of(take_written(), "suppressed"), 0);
}

static void suppressed_lines_are_told_without_a_next_one(void **state) {
    (void)state;
    for (int i = 0; i < LOG_IDENTICAL_MAX + 3; i++) log_note(&log_, LOG_LEVEL_INFO, "again");
    take_written();
    log_flush(&log_);
    assert_int_equal(
        count_of(take_written(), "\"event\":\"log_suppressed\",\"suppressed_event\":\"again\",\"count\":3}"), 1);
    log_flush(&log_);
    assert_string_equal(take_written(), "");
    for (int i = 0; i < LOG_IDENTICAL_MAX + 2; i++) log_note(&log_, LOG_LEVEL_INFO, "again");
    for (int i = 0; i < LOG_SLOTS; i++) {
        test_ms++;
        log_event(&log_, LOG_LEVEL_INFO, "other", log_i64("n", i));
    }
    assert_int_equal(count_of(take_written(), "\"suppressed_event\":\"again\""), 1); /* lost its slot, was told */
}

static void level_and_null_log_write_nothing(void **state) {
    (void)state;
    log_.level_min = LOG_LEVEL_WARN;
    log_note(&log_, LOG_LEVEL_INFO, "quiet");
    assert_string_equal(take_written(), "");
    log_note(&log_, LOG_LEVEL_ERROR, "loud");
    assert_int_equal(count_of(take_written(), "\"level\":\"error\",\"event\":\"loud\""), 1);
    log_note(NULL, LOG_LEVEL_ERROR, "nowhere");
    log_fault(NULL, "nothing", -EIO, STR(""));
    log_flush(NULL);
    assert_int_equal(log_lost(NULL), 0);
}

static int fail_deeply(void) {
    return err_origin(-ENOSPC);
}

static void fault_is_written_with_its_path(void **state) {
    (void)state;
    int r = err_trace(fail_deeply());
    log_fault(&log_, "payment_accept", r, STR("0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b"));
    take_written();
    assert_int_equal(
        count_of(written,
                 "\"level\":\"error\",\"event\":\"fault\",\"operation\":\"payment_accept\",\"code\":\"ENOSPC\""),
        1);
    assert_int_equal(count_of(written, "log_test.c:"), 2);
    assert_int_equal(count_of(written, "\"interaction_id\":\"0190a1b2-"), 1);
}

/* L5 */
static void failed_writes_are_counted(void **state) {
    (void)state;
    int fd = log_.fd;
    log_.fd = -1;
    log_note(&log_, LOG_LEVEL_INFO, "lost");
    log_.fd = fd;
    assert_int_equal(log_lost(&log_), 1);
}

#define IN_LOG(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
int main(void) {
    const struct CMUnitTest tests[] = {
        IN_LOG(fields_are_written_by_type),       IN_LOG(nothing_from_outside_breaks_the_line),
        IN_LOG(lines_are_bounded),                IN_LOG(identical_lines_are_limited),
        IN_LOG(level_and_null_log_write_nothing), IN_LOG(suppressed_lines_are_told_without_a_next_one),
        IN_LOG(fault_is_written_with_its_path),   IN_LOG(failed_writes_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
