/* The message sink: what a message is, and the program as a process. */
#include "simulators/sink/message.h"

#include "platform/child.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "platform/net.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 30000 };
static char folder[64], file[96];

static int set_up(void **state) {
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/sink_test.XXXXXX");
    if (!mkdtemp(folder)) return -1;
    (void)snprintf(file, sizeof file, "%s/messages", folder);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    return dir_remove(folder, NULL);
}

static const struct { const char *line; int want;
} parse_cases[] = {
    { "{\"id\":\"a\",\"to\":\"b\",\"template\":\"c\"}", 0 },
    { " { \"template\" : \"c\" , \"to\" : \"b\" , \"id\" : \"a\" } ", 0 },
    { "{\"id\":\"a\",\"to\":\"b\",\"template\":\"c\",\"more\":{\"x\":[1,-2.5e+3,true,false,null,\"\\u00e9\\n\"]},\"e\":"
      "[],\"o\":{}}",
      0 },
    { "{\"id\":\"a\",\"to\":\"\xc3\xa9\",\"template\":\"c\"}", 0 },
    { "{\"id\":\"a\",\"to\":\"\xc3\",\"template\":\"c\"}", -EINVAL }, /* not UTF-8 */
    { "{\"id\":\"a\",\"to\":\"b\"}", -EINVAL },                       /* a member missing */
    { "{\"id\":\"\",\"to\":\"b\",\"template\":\"c\"}", -EINVAL },
    { "{\"id\":\"a b\",\"to\":\"b\",\"template\":\"c\"}", -EINVAL },
    { "{\"id\":\"a\\n\",\"to\":\"b\",\"template\":\"c\"}", -EINVAL },
    { "{\"id\":1,\"to\":\"b\",\"template\":\"c\"}", -EINVAL },
    { "{\"id\":\"a\",\"id\":\"a\",\"to\":\"b\",\"template\":\"c\"}", -EINVAL },
    { "{\"id\":\"a\",\"to\":\"b\",\"template\":\"c\"}x", -EINVAL },
    { "{\"id\":\"a\",\"to\":\"b\",\"template\":\"c\",}", -EINVAL },
    { "{\"id\":\"a\",\"to\":\"b\",\"template\":\"c\",\"n\":01}", -EINVAL },
    { "{\"id\":\"a\",\"to\":\"b\",\"template\":\"c\",\"n\":1.}", -EINVAL },
    { "{\"id\":\"a\",\"to\":\"b\",\"template\":\"c\",\"n\":tru}", -EINVAL },
    { "{\"id\":\"a\",\"to\":\"b\",\"template\":\"c\",\"n\":\"\\x\"}", -EINVAL },
    { "{\"id\":\"a\",\"to\":\"b\",\"template\":\"c\",\"n\":\"\\u12g4\"}", -EINVAL },
    { "{\"id\":\"a\",\"to\":\"b\",\"template\":\"c\",\"n\":[[[[[[[]]]]]]]}", 0 }, /* depth 8 */
    { "{\"id\":\"a\",\"to\":\"b\",\"template\":\"c\",\"n\":[[[[[[[[]]]]]]]]}", -EINVAL },
    { "{\"id\":\"a\",\"to\":\"b\",\"template\":\"c\"", -EINVAL },
    { "{\"id\":\"a\",\"to\":\"b\",\"template\":\"c", -EINVAL },
    { "[\"id\"]", -EINVAL },
    { "{}", -EINVAL },
    { "", -EINVAL },
};

static void messages_are_read_strictly(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(parse_cases); i++) {
        struct sink_message message;
        int r = sink_message_parse(str_from_c(parse_cases[i].line), &message);
        if (r != parse_cases[i].want) fail_msg("%s gave %d", parse_cases[i].line, r);
        if (r == 0) assert_true(str_equal_c(message.id, "a") && str_equal_c(message.template, "c"));
    }
    /* Every prefix of a good line is no message, and none reads past its end. */
    struct str whole = str_from_c(parse_cases[2].line);
    for (size_t len = 0; len < whole.len; len++) {
        struct sink_message message;
        char *copy = malloc(len ? len : 1);
        assert_non_null(copy);
        memcpy(copy, whole.at, len);
        assert_int_equal(sink_message_parse(str_from_bytes(copy, len), &message), -EINVAL);
        free(copy);
    }
}

static int64_t patience(void) {
    return clock_mono_ms() + PATIENCE_MS;
}

struct peer {
    struct child child;
    uint16_t port;
};

static bool start(struct peer *sink, unsigned port) {
    char arguments[256], line[CHILD_LINE_BYTES_MAX];
    (void)snprintf(arguments, sizeof arguments, "--file %s --port %u", file, port);
    if (child_start("giro-sim-sink", arguments, false, &sink->child)) return false;
    const char *where = child_read_line(&sink->child, patience(), line) == 0 ? strstr(line, " port ") : NULL;
    if (where) sink->port = (uint16_t)strtol(where + 6, NULL, 10);
    return where != NULL;
}

static int stop(struct peer *sink, int signal) {
    return child_wait(&sink->child, signal);
}

/* Sends bytes on a new connection and compares everything that comes back until as much as want has come, or the
 * end. */
static void talk(const struct peer *sink, struct str bytes, const char *want, bool closes) {
    char text[1024];
    size_t len = 0, got = 1;
    int fd;
    assert_int_equal(net_connect_tcp("127.0.0.1", sink->port, patience(), &fd), 0);
    assert_int_equal(net_send_all(fd, bytes.at, bytes.len, patience()), 0);
    while (got && (closes || len < strlen(want))) {
        int r = net_receive_some(fd, text + len, sizeof text - 1 - len, patience(), &got);
        if (r == -ECONNRESET) break; /* closed while our bytes were unread */
        assert_int_equal(r, 0);
        len += got;
    }
    text[len] = 0;
    assert_string_equal(text, want);
    net_close(fd);
}

static const char *list(const char *more) {
    static char text[65536];
    char arguments[256];
    (void)snprintf(arguments, sizeof arguments, "--file %s --list %s", file, more);
    assert_int_equal(child_run("giro-sim-sink", arguments, text, sizeof text), 0);
    return text;
}

#define ONE "{\"id\":\"n-1\",\"to\":\"x\",\"template\":\"paid\"}"
#define TWO "{\"id\":\"n-2\",\"to\":\"y\",\"template\":\"paid\"}"

static void acknowledged_is_stored_once(void **state) {
    (void)state;
    struct peer sink;
    assert_true(start(&sink, 0));
    talk(&sink, STR(ONE "\n"), "ok n-1\n", false);
    talk(&sink, STR(ONE "\n" TWO "\n" ONE "\n"), "ok n-1\nok n-2\nok n-1\n", false);
    assert_int_equal(stop(&sink, SIGKILL), 128 + SIGKILL);
    assert_string_equal(list(""), ONE "\n" TWO "\n");
    assert_true(start(&sink, sink.port)); /* and it remembers */
    talk(&sink, STR(TWO "\n"), "ok n-2\n", false);
    assert_int_equal(stop(&sink, SIGTERM), 0);
    assert_string_equal(list("--json"), "{\"messages\":[" ONE ",\n" TWO "]}\n");
    assert_int_equal(unlink(file), 0);
}

static void rubbish_is_refused(void **state) {
    (void)state;
    static const char says[] =
        "error not a message: {\"id\":\"...\",\"to\":\"...\",\"template\":\"...\"} in one line is expected\n";
    static char long_line[MESSAGE_LINE_BYTES_MAX + 1];
    struct peer sink;
    assert_true(start(&sink, 0));
    memset(long_line, 'x', sizeof long_line);
    talk(&sink, STR("hello\n" ONE "\n"), says, true);
    talk(&sink, STR("{\"id\":\"a\0\",\"to\":\"b\",\"template\":\"c\"}\n"), says, true);
    talk(&sink, str_from_bytes(long_line, sizeof long_line), "", true); /* no line end in sight */
    talk(&sink, STR("{\"id\":"), "", true);                             /* never finished */
    assert_int_equal(stop(&sink, SIGTERM), 0);
    assert_string_equal(list(""), "");
    assert_string_equal(list("--json"), "{\"messages\":[]}\n");
    assert_int_equal(unlink(file), 0);
}

static void command_line_is_strict(void **state) {
    (void)state;
    struct peer sink;
    char arguments[256], text[4096];
    assert_int_equal(child_run("giro-sim-sink", "--wrong", text, sizeof text), 2);
    assert_int_equal(child_run("giro-sim-sink", "", text, sizeof text), 2);
    assert_non_null(strstr(text, "--file is missing"));
    assert_int_equal(child_run("giro-sim-sink", "--file /nonexistent/x --list", text, sizeof text), 3);
    assert_true(start(&sink, 0));
    (void)snprintf(arguments, sizeof arguments, "--file %s.other --port %u", file, (unsigned)sink.port);
    assert_int_equal(child_run("giro-sim-sink", arguments, text, sizeof text), 7);
    (void)snprintf(arguments, sizeof arguments, "--file %s", file);
    assert_int_equal(child_run("giro-sim-sink", arguments, text, sizeof text), 5);
    assert_int_equal(stop(&sink, SIGTERM), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_read_strictly),
        cmocka_unit_test(acknowledged_is_stored_once),
        cmocka_unit_test(rubbish_is_refused),
        cmocka_unit_test(command_line_is_strict),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
