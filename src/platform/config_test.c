#include "platform/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

struct options {
    int64_t timeout_ms, body_bytes_max, wait_ms, low;
    bool strict;
    struct str name, password;
    struct config_strings origins;
    int store;
};
static struct options options;

static const struct config_row gateway_rows[] = {
    { "gateway.timeout_ms", CONFIG_INT, offsetof(struct options, timeout_ms), .min = 50, .max = 60000, .boot = "5000",
      .help = "Deadline of a request." },
    { "gateway.limits.body_bytes_max", CONFIG_INT, offsetof(struct options, body_bytes_max), .min = 1024,
      .max = 1 << 20, .boot = "65536", .help = "Largest body." },
    { "gateway.strict", CONFIG_BOOL, offsetof(struct options, strict), .boot = "true", .help = "Refuse what is odd." },
    { "gateway.limits.wait", CONFIG_DURATION, offsetof(struct options, wait_ms), .min = 1, .max = 3600000, .boot = "2m",
      .help = "How long to wait." },
    { "gateway.origins", CONFIG_STRINGS, offsetof(struct options, origins), .min = 1, .max = 3, .boot = "a b",
      .help = "Who may ask." },
};
static const struct config_row store_rows[] = {
    { "store.kind", CONFIG_CHOICE, offsetof(struct options, store), .boot = "sqlite", .help = "Where.",
      .choices = "sqlite|postgres|memory" },
    { "store.name", CONFIG_STRING, offsetof(struct options, name), .min = 1, .max = 16, .boot = "", .help = "Name." },
    { "store.password", CONFIG_STRING, offsetof(struct options, password), .max = 64, .boot = "", .help = "Password.",
      .secret = true },
    { "store.low", CONFIG_INT, offsetof(struct options, low), .min = INT64_MIN, .max = INT64_MAX, .boot = "-1",
      .help = "Any number." },
};
static const struct config_table tables[] = {
    { gateway_rows, ARRAY_COUNT(gateway_rows), &options },
    { store_rows, ARRAY_COUNT(store_rows), &options },
};

/* rate_limits.{tier}.{requests_per_second,burst,daily_limit} */
enum { TIERS_MAX = 4 };
static struct tiers {
    struct {
        struct str name;
        int64_t per_second, burst, daily;
        int line;
    } at[TIERS_MAX];
    size_t count;
} tiers;

static size_t tier_find(struct str name, int line, struct arena *arena) {
    size_t i = 0;
    while (i < tiers.count && !str_equal(tiers.at[i].name, name)) i++;
    check(i < TIERS_MAX);
    if (i < tiers.count) return i;
    tiers.at[i].name = arena_dup(arena, name);
    tiers.at[i].line = line;
    tiers.count++;
    return i;
}

static void tiers_set(void *ctx, const struct config_value *value, struct arena *arena, struct config_errors *errors) {
    check(ctx == &tiers);
    if (value->key_count != 2 || value->listed) {
        config_error(errors, value->line, "rate_limits needs a tier and a limit");
        return;
    }
    size_t i = tier_find(value->keys[0], value->line, arena);
    struct str name = value->keys[1];
    int64_t *limit = str_equal(name, STR("requests_per_second")) ? &tiers.at[i].per_second
                     : str_equal(name, STR("burst")) ? &tiers.at[i].burst
                     : str_equal(name, STR("daily_limit")) ? &tiers.at[i].daily : NULL;
    if (!limit) config_error(errors, value->line, "unknown limit");
    else if (value->null && limit == &tiers.at[i].daily) *limit = -1; /* none */
    else if (!config_value_i64(value, 1, 1000000000, limit))
        config_error(errors, value->line, "limit is not a number from 1");
}

static void tiers_end(void *ctx, struct config_errors *errors) {
    check(ctx == &tiers);
    for (size_t i = 0; i < tiers.count; i++)
        if (!tiers.at[i].burst) config_error(errors, tiers.at[i].line, "a tier has no burst");
}

static void tiers_print(void *ctx, struct buffer *out) {
    check(ctx == &tiers);
    for (size_t i = 0; i < tiers.count; i++)
        buffer_printf(out, "  " STR_FMT ":\n    burst: %lld\n", STR_ARG(tiers.at[i].name),
                      (long long)tiers.at[i].burst);
}

static const struct config_section sections[] = {
    { .name = "rate_limits",
      .set = tiers_set,
      .end = tiers_end,
      .print = tiers_print,
      .sample = "# rate_limits:\n#   a_tier:\n#     burst: 100\n",
      .ctx = &tiers },
};

static struct config config;
static struct config_errors errors;

static void config_fresh(void) {
    config_release(&config);
    memset(&options, 0xa5, sizeof options); /* boot values must set every field */
    tiers = (struct tiers){ 0 };
    config = (struct config){
        .tables = tables, .table_count = ARRAY_COUNT(tables), .sections = sections, .section_count = 1
    };
    assert_int_equal(config_init(&config), 0);
}

static int read_text(const char *text) {
    config_fresh();
    return config_read(&config, "giro.yaml", str_from_c(text), &errors);
}

static int teardown(void **state) {
    (void)state;
    config_release(&config);
    return 0;
}

static void boot_values_hold_without_a_file(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) {
        static const char *const texts[] = { "", "# nothing\n", "gateway:\nstore: ~\nrate_limits:\n" };
        assert_int_equal(read_text(texts[i]), 0);
        assert_int_equal(options.timeout_ms, 5000);
        assert_int_equal(options.body_bytes_max, 65536);
        assert_int_equal(options.wait_ms, 120000);
        assert_int_equal(options.low, -1);
        assert_true(options.strict);
        assert_int_equal(options.store, 0);
        assert_int_equal(options.name.len + options.password.len, 0);
        assert_int_equal(options.origins.count, 2);
        assert_true(str_equal(options.origins.at[1], STR("b")));
    }
}

static void file_takes_the_place_of_boot_values(void **state) {
    (void)state;
    assert_int_equal(
        read_text(
            "gateway:\n  timeout_ms: 50 # least\n  limits: {body_bytes_max: 1048576, wait: 90s}\n  strict: false\n"
            "  origins: [x, 'y z']\n"
            "store:\n  kind: memory\n  name: \"Zo\xc3\xab: 1\"\n  password: s3cret\n  low: -9223372036854775808\n"),
        0);
    assert_int_equal(options.timeout_ms, 50);
    assert_int_equal(options.body_bytes_max, 1048576);
    assert_int_equal(options.wait_ms, 90000);
    assert_false(options.strict);
    assert_int_equal(options.origins.count, 2);
    assert_true(str_equal(options.origins.at[1], STR("y z")));
    assert_int_equal(options.store, 2);
    assert_true(str_equal(options.name, STR("Zo\xc3\xab: 1")));
    assert_true(str_equal(options.password, STR("s3cret")));
    assert_true(options.low == INT64_MIN);
}

static const struct {
    const char *text, *want; /* all messages, one a line; empty: accepted */
} cases[] = {
    /* unknown keys (C1) */
    { "gatway:\n  timeout_ms: 5000\n",
      "giro.yaml:2: unknown key \"gatway.timeout_ms\", did you mean \"gateway.timeout_ms\"?\n" },
    { "gateway:\n  timeout_ms: 5000\n", "" },
    { "gateway:\n  timeout: 5000\n", "giro.yaml:2: unknown key \"gateway.timeout\"\n" },
    { "gateway.timeout_ms: 5000\n", "giro.yaml:1: write \"gateway.timeout_ms\" as maps, one in the other\n" },
    { "other: {}\n", "giro.yaml:1: unknown key \"other\"\n" },
    { "other: {a: {b: 1, c: []}}\n",
      "giro.yaml:1: unknown key \"other.a.b\"\ngiro.yaml:1: unknown key \"other.a.c\"\n" },
    { "other:\n- a: 1\n", "giro.yaml:2: unknown key \"other\"\n" },
    { "other:\n", "giro.yaml:1: unknown key \"other\"\n" },
    { "\"a\\e[2J\\nb\": 1\n", "giro.yaml:1: unknown key \"a?[2J?b\"\n" },
    { "<<: {a: 1}\n", "giro.yaml:1: unknown key \"<<.a\"\n" },
    /* types and ranges */
    { "gateway: {timeout_ms: 49}", "giro.yaml:1: \"gateway.timeout_ms\" must be a whole number from 50 to 60000\n" },
    { "gateway: {timeout_ms: 50}", "" },
    { "gateway: {timeout_ms: 60000}", "" },
    { "gateway: {timeout_ms: 60001}", "giro.yaml:1: \"gateway.timeout_ms\" must be a whole number from 50 to 60000\n" },
    { "gateway: {timeout_ms: 5e3}", "giro.yaml:1: \"gateway.timeout_ms\" must be a whole number from 50 to 60000\n" },
    { "gateway: {timeout_ms: 0x100}", "giro.yaml:1: \"gateway.timeout_ms\" must be a whole number from 50 to 60000\n" },
    { "gateway: {timeout_ms: 0777}", "giro.yaml:1: \"gateway.timeout_ms\" must be a whole number from 50 to 60000\n" },
    { "gateway: {timeout_ms: 5_000}", "giro.yaml:1: \"gateway.timeout_ms\" must be a whole number from 50 to 60000\n" },
    { "gateway: {timeout_ms: '5000'}",
      "giro.yaml:1: \"gateway.timeout_ms\" must be a whole number from 50 to 60000\n" },
    { "gateway: {timeout_ms: }", "giro.yaml:1: \"gateway.timeout_ms\" must be a whole number from 50 to 60000\n" },
    { "gateway: {timeout_ms: [5000]}",
      "giro.yaml:1: \"gateway.timeout_ms\" must be a whole number from 50 to 60000\n" },
    { "gateway: {timeout_ms: {a: 1}}",
      "giro.yaml:1: \"gateway.timeout_ms\" must be a whole number from 50 to 60000\n" },
    { "store: {low: 9223372036854775807}", "" },
    { "store: {low: 9223372036854775808}",
      "giro.yaml:1: \"store.low\" must be a whole number from -9223372036854775808 to 9223372036854775807\n" },
    { "gateway: {strict: yes}", "giro.yaml:1: \"gateway.strict\" must be true or false\n" },
    { "gateway: {strict: 'true'}", "giro.yaml:1: \"gateway.strict\" must be true or false\n" },
    { "gateway: {limits: {wait: 250ms}}", "" },
    { "gateway: {limits: {wait: 1h}}", "" },
    { "gateway: {limits: {wait: 2h}}",
      "giro.yaml:1: \"gateway.limits.wait\" must be a time like 250ms, 5s, 2m, 1h or 7d from 1ms to 1h\n" },
    { "gateway: {limits: {wait: 0s}}",
      "giro.yaml:1: \"gateway.limits.wait\" must be a time like 250ms, 5s, 2m, 1h or 7d from 1ms to 1h\n" },
    { "gateway: {limits: {wait: 5}}",
      "giro.yaml:1: \"gateway.limits.wait\" must be a time like 250ms, 5s, 2m, 1h or 7d from 1ms to 1h\n" },
    { "gateway: {limits: {wait: 9223372036854775807d}}",
      "giro.yaml:1: \"gateway.limits.wait\" must be a time like 250ms, 5s, 2m, 1h or 7d from 1ms to 1h\n" },
    { "store: {kind: Postgres}", "giro.yaml:1: \"store.kind\" must be one of sqlite|postgres|memory\n" },
    { "store: {kind: sqlite|postgres}", "giro.yaml:1: \"store.kind\" must be one of sqlite|postgres|memory\n" },
    { "store: {name: 1234567890123456}", "" },
    { "store: {name: 12345678901234567}", "giro.yaml:1: \"store.name\" must be text of 1 to 16 bytes\n" },
    { "store: {name: ''}", "giro.yaml:1: \"store.name\" must be text of 1 to 16 bytes\n" },
    { "store: {name: null}", "giro.yaml:1: \"store.name\" must be text of 1 to 16 bytes\n" },
    { "store: {name: 'null'}", "" },
    { "store: {name: \"a\\0b\"}", "giro.yaml:1: \"store.name\" must be text of 1 to 16 bytes\n" },
    { "store: {name: [a]}", "giro.yaml:1: \"store.name\" must be text of 1 to 16 bytes\n" },
    { "gateway: {origins: [a, b, c]}", "" },
    { "gateway: {origins: []}", "giro.yaml:1: \"gateway.origins\" must be a list of 1 to 3 texts\n" },
    { "gateway: {origins: [a, b, c, d]}", "giro.yaml:1: \"gateway.origins\" must be a list of 1 to 3 texts\n" },
    { "gateway: {origins: a}", "giro.yaml:1: \"gateway.origins\" must be a list of 1 to 3 texts\n" },
    { "gateway: {origins: [[a], b]}", "giro.yaml:1: \"gateway.origins\" must be a list of values\n" },
    { "gateway: 5", "giro.yaml:1: \"gateway\" must be a map\n" },
    { "gateway: [5]", "giro.yaml:1: \"gateway\" must be a map\n" },
    /* duplicates, marks, shape (C4) */
    { "gateway:\n  strict: true\n  strict: true\n", "giro.yaml:3: duplicate key \"gateway.strict\"\n" },
    { "gateway: {strict: true}\ngateway: {timeout_ms: 1}\n", "giro.yaml:2: duplicate key \"gateway\"\n" },
    { "gateway: &a\n  strict: true\n", "giro.yaml:1: anchors are not allowed\n" },
    { "gateway:\n  strict: &a true\nstore:\n  name: *a\n",
      "giro.yaml:2: anchors are not allowed\ngiro.yaml:4: aliases are not allowed\n" },
    { "gateway: {strict: !!bool true}\n", "giro.yaml:1: tags are not allowed\n" },
    { "gateway:\n\tstrict: true\n", "giro.yaml:2: tab in the indentation, use blanks\n" },
    { "gateway:\n  strict: true\t# a tab behind is fine\n", "" },
    { "a: {b: {c: {d: {e: {f: {g: {h: 1}}}}}}}", "giro.yaml:1: unknown key \"a.b.c.d.e.f.g.h\"\n" },
    { "a: {b: {c: {d: {e: {f: {g: {h: {i: 1}}}}}}}}", "giro.yaml:1: nested deeper than 8 maps\n" },
    { "gateway: {strict: true}\n---\nstore: {low: 1}\n", "giro.yaml:2: only one document is allowed\n" },
    { "- a\n", "giro.yaml:1: the file must be a map of keys\n" },
    { "word\n", "giro.yaml:1: the file must be a map of keys\n" },
    { "[a]: 1\n", "giro.yaml:1: a key must be a word\n" },
    { "gateway: {strict: true\n", "giro.yaml:2: not valid YAML: did not find expected ',' or '}'\n" },
    { "gateway: \"\xff\"\n", "giro.yaml: not valid YAML: invalid leading UTF-8 octet\n" },
    /* sections */
    { "rate_limits:\n  a:\n    burst: 1\n    daily_limit: null\n", "" },
    { "rate_limits:\n  a:\n    burst: 1\n    brust: 2\n", "giro.yaml:4: unknown limit\n" },
    { "rate_limits:\n  a:\n    burst: null\n",
      "giro.yaml:3: limit is not a number from 1\ngiro.yaml:3: a tier has no burst\n" },
    { "rate_limits:\n  a:\n    daily_limit: 5\n", "giro.yaml:3: a tier has no burst\n" },
    { "rate_limits:\n  a: 5\n", "giro.yaml:2: rate_limits needs a tier and a limit\n" },
    { "rate_limits:\n  a: [5, 6]\n",
      "giro.yaml:2: rate_limits needs a tier and a limit\ngiro.yaml:2: rate_limits needs a tier and a limit\n" },
    { "rate_limits:\n  a: {}\n", "giro.yaml:2: \"rate_limits.a\" must not be empty\n" },
    { "rate_limits:\n  a:\n    burst: 1\n    burst: 1\n", "giro.yaml:4: duplicate key \"rate_limits.a.burst\"\n" },
    /* several at once (C2) */
    { "gateway:\n  strict: maybe\n  wrong: 1\nstore:\n  kind: x\n",
      "giro.yaml:2: \"gateway.strict\" must be true or false\ngiro.yaml:3: unknown key \"gateway.wrong\"\n"
      "giro.yaml:5: \"store.kind\" must be one of sqlite|postgres|memory\n" },
};

static const char *all_messages(void) {
    static char text[CONFIG_ERRORS_MAX * MESSAGE_BYTES_MAX];
    size_t len = 0;
    text[0] = 0;
    for (size_t i = 0; i < errors.count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s\n", errors.messages[i].text);
    return text;
}

static void file_is_accepted_or_told_why(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        int r = read_text(cases[i].text);
        if (strcmp(all_messages(), cases[i].want) != 0)
            fail_msg("%s\ngives %s\nnot   %s", cases[i].text, all_messages(), cases[i].want);
        assert_int_equal(r, cases[i].want[0] ? CONFIG_E_INVALID : 0);
    }
}

static void errors_are_counted_beyond_the_limit(void **state) {
    (void)state;
    char text[4096] = "";
    size_t len = 0;
    for (int i = 0; i < CONFIG_ERRORS_MAX + 7; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "k%d: 1\n", i);
    assert_int_equal(read_text(text), CONFIG_E_INVALID);
    assert_int_equal(errors.count, CONFIG_ERRORS_MAX);
    assert_int_equal(errors.more, 7);
}

static void sizes_have_limits(void **state) {
    (void)state;
    static char text[CONFIG_FILE_BYTES_MAX + 2];
    memset(text, '#', CONFIG_FILE_BYTES_MAX);
    assert_int_equal(read_text(text), 0);
    text[CONFIG_FILE_BYTES_MAX] = '#';
    assert_int_equal(read_text(text), CONFIG_E_INVALID);
    assert_string_equal(all_messages(), "giro.yaml: larger than 262144 bytes\n");
    size_t len = (size_t)snprintf(text, sizeof text, "rate_limits:\n  a:\n    burst: 1\nb:\n");
    for (int i = 0; i < CONFIG_KEYS_MAX; i++) len += (size_t)snprintf(text + len, sizeof text - len, " k%d: 1\n", i);
    assert_int_equal(read_text(text), CONFIG_E_INVALID);
    assert_int_equal(errors.count + errors.more, CONFIG_KEYS_MAX - 4 + 1); /* stopped there, and said so */
    memset(text, 'k', 200);
    memcpy(text + 200, ": 1\n", 5);
    assert_int_equal(read_text(text), CONFIG_E_INVALID);
    assert_string_equal(all_messages(), "giro.yaml:1: a key is longer than 128 bytes\n");
    memset(text, '[', 100000);
    text[100000] = 0;
    assert_int_equal(read_text(text), CONFIG_E_INVALID);
}

static void sample_names_every_key(void **state) {
    (void)state;
    char memory[8192], open_memory[8192];
    struct buffer out, open;
    config_fresh();
    buffer_init(&out, memory, sizeof memory - 1);
    config_sample(&config, &out);
    memory[out.len] = 0;
    assert_string_equal(memory,
        "gateway:\n"
        "  # Deadline of a request. (a whole number from 50 to 60000)\n  # timeout_ms: 5000\n"
        "  limits:\n"
        "    # Largest body. (a whole number from 1024 to 1048576)\n    # body_bytes_max: 65536\n"
        "    # How long to wait. (a time like 250ms, 5s, 2m, 1h or 7d from 1ms to 1h)\n    # wait: 2m\n"
        "  # Refuse what is odd. (true or false)\n  # strict: true\n"
        "  # Who may ask. (a list of 1 to 3 texts)\n  # origins: [\"a\", \"b\"]\n"
        "\nstore:\n"
        "  # Where. (one of sqlite|postgres|memory)\n  # kind: sqlite\n"
        "  # Name. (text of 1 to 16 bytes)\n  # name: \"\"\n"
        "  # Password. (text of 0 to 64 bytes)\n  # password: \"***\"\n"
        "  # Any number. (a whole number from -9223372036854775808 to 9223372036854775807)\n  # low: -1\n"
        "\n# rate_limits:\n#   a_tier:\n#     burst: 100\n");
    assert_int_equal(read_text(memory), 0);
    buffer_init(&open, open_memory, sizeof open_memory - 1); /* uncommented, all keys are known too */
    for (size_t i = 0; i < out.len; i++) {
        bool key = memory[i] == '#' && memory[i + 1] == ' ' && memory[i + 2] >= 'a' && memory[i + 2] <= 'z';
        if (key) i++;
        else buffer_append_char(&open, memory[i]);
    }
    open_memory[open.len] = 0;
    assert_int_equal(read_text(open_memory), CONFIG_E_INVALID);
    assert_string_equal(strchr(strchr(all_messages(), ':') + 1, ':'),
                        ": \"store.name\" must be text of 1 to 16 bytes\n");
}

static void print_reads_back_and_hides_secrets(void **state) {
    (void)state;
    char first[4096], second[4096];
    struct buffer out;
    assert_int_equal(
        read_text("store: {password: hunter2, name: \"a\\\"\\\\\\n\\e\", kind: postgres}\n"
                  "gateway: {origins: [\"x, y\", '#'], limits: {wait: 1500ms}}\nrate_limits: {t: {burst: 7}}\n"),
        0);
    buffer_init(&out, first, sizeof first - 1);
    config_print(&config, &out);
    first[out.len] = 0;
    assert_null(strstr(first, "hunter2"));
    assert_non_null(strstr(first, "  password: \"***\"\n"));
    assert_non_null(strstr(first, "    wait: 1500ms\n"));
    assert_non_null(strstr(first, "\nrate_limits:\n  t:\n    burst: 7\n"));
    if (read_text(first)) fail_msg("%s", all_messages());
    assert_true(str_equal(options.name, STR("a\"\\\n\x1b")));
    assert_true(str_equal(options.origins.at[0], STR("x, y")));
    assert_int_equal(options.store, 1);
    buffer_init(&out, second, sizeof second - 1);
    config_print(&config, &out);
    second[out.len] = 0;
    assert_string_equal(first, second);
}

static void errors_never_quote_values(void **state) {
    (void)state;
    assert_int_equal(read_text("store: {password: [hunter2], kind: hunter2, name: hunter2hunter2hunter2}\ngateway: "
                               "{timeout_ms: hunter2}\n"),
                     CONFIG_E_INVALID);
    assert_int_equal(errors.count, 4);
    assert_null(strstr(all_messages(), "hunter2"));
}

static void unreadable_file_is_told(void **state) {
    (void)state;
    config_fresh();
    assert_int_equal(config_read_file(&config, "/nonexistent/giro.yaml", &errors), CONFIG_E_INVALID);
    assert_string_equal(all_messages(), "/nonexistent/giro.yaml: cannot be read: No such file or directory\n");
    assert_int_equal(config_read_file(&config, "/", &errors), CONFIG_E_INVALID);
    assert_string_equal(all_messages(), "/: cannot be read: Is a directory\n");
    char path[] = "/tmp/config_test_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, "gateway: {timeout_ms: 51}\n", 26) == 26);
    assert_int_equal(config_read_file(&config, path, &errors), 0);
    assert_int_equal(options.timeout_ms, 51);
    assert_int_equal(close(fd) | unlink(path), 0);
}

/* The file that banks have: loads unchanged, a null daily limit is none. GIRO_SHARED names the folder of the test data.
 */
static void rate_limits_load_unchanged(void **state) {
    (void)state;
    char path[4096];
    const char *shared = getenv("GIRO_SHARED");
    (void)snprintf(path, sizeof path, "%s/data/mission/rate_limits.yaml", shared ? shared : "../shared");
    if (access(path, R_OK) != 0) skip();
    config_fresh();
    if (config_read_file(&config, path, &errors)) fail_msg("%s", all_messages());
    assert_int_equal(tiers.count, 3);
    assert_true(str_equal(tiers.at[0].name, STR("open_banking_tpp")));
    assert_int_equal(tiers.at[0].per_second, 50);
    assert_int_equal(tiers.at[0].burst, 100);
    assert_int_equal(tiers.at[0].daily, 500000);
    assert_int_equal(tiers.at[1].daily, -1);
    assert_int_equal(tiers.at[2].daily, 1000000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boot_values_hold_without_a_file),     cmocka_unit_test(file_takes_the_place_of_boot_values),
        cmocka_unit_test(file_is_accepted_or_told_why),        cmocka_unit_test(errors_are_counted_beyond_the_limit),
        cmocka_unit_test(sizes_have_limits),                   cmocka_unit_test(sample_names_every_key),
        cmocka_unit_test(print_reads_back_and_hides_secrets),  cmocka_unit_test(errors_never_quote_values),
        cmocka_unit_test(unreadable_file_is_told),             cmocka_unit_test(rate_limits_load_unchanged),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
