#include "observe/traceparent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN "00f067aa0ba902b7"

static const struct {
    const char *name, *text;
    int want;
    const char *passed_on; /* what we would send */
} cases[] = {
    { "sampled", "00-" TRACE "-" SPAN "-01", 0, "00-" TRACE "-" SPAN "-01" },
    { "not sampled", "00-" TRACE "-" SPAN "-00", 0, "00-" TRACE "-" SPAN "-00" },
    { "random flag is kept", "00-" TRACE "-" SPAN "-03", 0, "00-" TRACE "-" SPAN "-03" },
    { "unknown flags are dropped", "00-" TRACE "-" SPAN "-fd", 0, "00-" TRACE "-" SPAN "-01" },
    { "blanks around", " \t00-" TRACE "-" SPAN "-01\t ", 0, "00-" TRACE "-" SPAN "-01" },
    { "higher version", "cc-" TRACE "-" SPAN "-01", 0, "00-" TRACE "-" SPAN "-01" },
    { "higher version, longer with a dash", "cc-" TRACE "-" SPAN "-01-what-the-future-brings", 0,
      "00-" TRACE "-" SPAN "-01" },
    { "higher version, a dash alone", "01-" TRACE "-" SPAN "-01-", 0, "00-" TRACE "-" SPAN "-01" },
    { "higher version, longer without", "cc-" TRACE "-" SPAN "-01.what", TRACEPARENT_E_LENGTH, "" },
    { "version 00 is never longer", "00-" TRACE "-" SPAN "-01-what", TRACEPARENT_E_LENGTH, "" },
    { "version ff", "ff-" TRACE "-" SPAN "-01", TRACEPARENT_E_VERSION, "" },
    { "version FF", "FF-" TRACE "-" SPAN "-01", TRACEPARENT_E_SYNTAX, "" },
    { "version not hex", "0x-" TRACE "-" SPAN "-01", TRACEPARENT_E_SYNTAX, "" },
    { "version one digit", "0-" TRACE "-" SPAN "-01", TRACEPARENT_E_LENGTH, "" },
    { "upper-case trace id", "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN "-01", TRACEPARENT_E_SYNTAX, "" },
    { "upper-case span id", "00-" TRACE "-00F067AA0BA902B7-01", TRACEPARENT_E_SYNTAX, "" },
    { "upper-case flags", "00-" TRACE "-" SPAN "-0A", TRACEPARENT_E_SYNTAX, "" },
    { "zero trace id", "00-00000000000000000000000000000000-" SPAN "-01", TRACEPARENT_E_ZERO, "" },
    { "zero span id", "00-" TRACE "-0000000000000000-01", TRACEPARENT_E_ZERO, "" },
    { "trace id not hex", "00-4bf92f3577b34da6a3ce929d0e0e473.-" SPAN "-01", TRACEPARENT_E_SYNTAX, "" },
    { "dash moved", "00-" TRACE "0-0f067aa0ba902b7-01", TRACEPARENT_E_SYNTAX, "" },
    { "underscores", "00_" TRACE "_" SPAN "_01", TRACEPARENT_E_SYNTAX, "" },
    { "flags missing", "00-" TRACE "-" SPAN, TRACEPARENT_E_LENGTH, "" },
    { "flags one digit", "00-" TRACE "-" SPAN "-1", TRACEPARENT_E_LENGTH, "" },
    { "empty", "", TRACEPARENT_E_LENGTH, "" },
};

static void traceparent_is_read_as_the_table_says(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct traceparent traceparent;
        char text[TRACEPARENT_TEXT_BYTES];
        int r = traceparent_parse(str_from_c(cases[i].text), &traceparent);
        if (r != cases[i].want) fail_msg("%s: %d", cases[i].name, r);
        if (r == 0 && !str_equal_c(traceparent_format(&traceparent, text), cases[i].passed_on))
            fail_msg("%s", cases[i].name);
    }
}

#define MEMBERS_8 "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,"
#define MEMBERS_32 MEMBERS_8 MEMBERS_8 MEMBERS_8 "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8"

static const struct {
    const char *name, *first, *second;
    bool want;
    const char *joined;
} state_cases[] = {
    { "one member", "rojo=00f067aa0ba902b7", "", true, "rojo=00f067aa0ba902b7" },
    { "two headers", "rojo=1", "congo=2", true, "rojo=1,congo=2" },
    { "blanks around members", " rojo=1 \t,\t congo=2 ", "", true, "rojo=1,congo=2" },
    { "empty members", ",,rojo=1,, ,congo=2,", ",", true, "rojo=1,congo=2" },
    { "tenant key", "0ten-ant@ve_nd*or/=x", "", true, "0ten-ant@ve_nd*or/=x" },
    { "value with blanks inside", "a=b c", "", true, "a=b c" },
    { "32 members", MEMBERS_32, "", true, MEMBERS_32 },
    { "33 members", MEMBERS_32, "i=9", false, "" },
    { "nothing", "", "", false, "" },
    { "only commas", ",,", "", false, "" },
    { "no equals sign", "rojo", "", false, "" },
    { "two equals signs", "rojo=1=2", "", false, "" },
    { "no value", "rojo=", "", false, "" },
    { "no key", "=1", "", false, "" },
    { "upper-case key", "Rojo=1", "", false, "" },
    { "key with a blank", "ro jo=1", "", false, "" },
    { "key begins with an underscore", "_rojo=1", "", false, "" },
    { "control character", "rojo=1\x7f", "", false, "" },
    { "one bad member spoils all", "rojo=1,Bad=2", "", false, "" },
};

static void tracestate_is_joined_or_dropped(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(state_cases); i++) {
        char memory[TRACESTATE_BYTES_MAX];
        struct buffer out;
        struct str values[] = { str_from_c(state_cases[i].first), str_from_c(state_cases[i].second) };
        buffer_init(&out, memory, sizeof memory);
        bool r = tracestate_join(values, 2, &out);
        if (r != state_cases[i].want || !str_equal_c(buffer_str(&out), state_cases[i].joined))
            fail_msg("%s", state_cases[i].name);
    }
}

static void tracestate_has_a_ceiling(void **state) {
    (void)state;
    char value[260] = "k=", memory[2 * TRACESTATE_BYTES_MAX];
    memset(value + 2, 'v', 256);
    struct str values[] = { { value, 258 }, { value, 258 }, { value, 258 }, { value, 258 } };
    struct buffer out;
    buffer_init(&out, memory, sizeof memory);
    assert_true(tracestate_join(values, 3, &out));
    buffer_reset(&out);
    assert_false(tracestate_join(values, 4, &out));
    assert_int_equal(out.len, 0);
    memset(value + 2, 'v', 258);
    values[0].len = 259;
    assert_false(tracestate_join(values, 1, &out));
}

static void request_continues_or_starts_a_trace(void **state) {
    (void)state;
    const struct str good = STR("00-" TRACE "-" SPAN "-01"), bad = STR("00-" TRACE "-" SPAN "-1"),
                     member = STR("rojo=1");
    const struct str twice[] = { good, good };
    const struct {
        const char *name;
        struct trace_headers headers;
        bool continued;
    } accept_cases[] = {
        { "valid", { &good, 1, &member, 1 }, true },
        { "without state", { &good, 1, NULL, 0 }, true },
        { "none", { NULL, 0, &member, 1 }, false },
        { "invalid drops the state", { &bad, 1, &member, 1 }, false },
        { "twice restarts", { twice, 2, &member, 1 }, false },
    };
    for (size_t i = 0; i < ARRAY_COUNT(accept_cases); i++) {
        struct traceparent traceparent;
        char text[TRACEPARENT_TEXT_BYTES], memory[64];
        struct buffer out;
        buffer_init(&out, memory, sizeof memory);
        bool continued = traceparent_accept(&accept_cases[i].headers, &traceparent, &out);
        if (continued != accept_cases[i].continued) fail_msg("%s", accept_cases[i].name);
        assert_int_equal(out.len, continued && accept_cases[i].headers.tracestate_count ? member.len : 0);
        bool same = str_equal(str_slice(traceparent_format(&traceparent, text), 3, 35), STR(TRACE));
        assert_int_equal(same, continued);
        assert_int_equal(traceparent_parse(str_from_c(text), &traceparent), 0);
    }
}

static void child_keeps_the_trace(void **state) {
    (void)state;
    struct traceparent parent = traceparent_start(true), child = traceparent_child(&parent);
    assert_int_equal(parent.flags, TRACE_SAMPLED | TRACE_RANDOM);
    assert_memory_equal(parent.trace_id, child.trace_id, sizeof parent.trace_id);
    assert_memory_not_equal(parent.span_id, child.span_id, sizeof parent.span_id);
    assert_int_equal(parent.flags, child.flags);
    assert_int_equal(traceparent_start(false).flags, TRACE_RANDOM);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traceparent_is_read_as_the_table_says), cmocka_unit_test(tracestate_is_joined_or_dropped),
        cmocka_unit_test(tracestate_has_a_ceiling),              cmocka_unit_test(request_continues_or_starts_a_trace),
        cmocka_unit_test(child_keeps_the_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
