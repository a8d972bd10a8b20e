/* config_fuzz.c - any bytes as a configuration file: never a crash, errors within their limits, and what was accepted
 * prints as a file that is accepted again. */
#include "platform/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct options {
    int64_t number, wait_ms;
    bool fact;
    struct str text;
    struct config_strings list;
    int choice;
};
static struct options options;
static const struct config_row rows[] = {
    { "a.number", CONFIG_INT, offsetof(struct options, number), .min = -5, .max = 500, .boot = "5", .help = "n" },
    { "a.b.wait", CONFIG_DURATION, offsetof(struct options, wait_ms), .min = 1, .max = INT64_MAX, .boot = "1s",
      .help = "d" },
    { "a.fact", CONFIG_BOOL, offsetof(struct options, fact), .boot = "false", .help = "b" },
    { "a.b.text", CONFIG_STRING, offsetof(struct options, text), .max = 100, .boot = "", .help = "s" },
    { "list", CONFIG_STRINGS, offsetof(struct options, list), .boot = "", .help = "l" },
    { "choice", CONFIG_CHOICE, offsetof(struct options, choice), .boot = "one", .help = "c", .choices = "one|two" },
};

static void section_set(void *ctx, const struct config_value *value, struct arena *arena,
                        struct config_errors *errors) {
    int64_t number;
    (void)ctx;
    check(value->line > 0);
    for (size_t i = 0; i < value->key_count; i++) check(arena_dup(arena, value->keys[i]).at != NULL);
    if (!value->null && !config_value_i64(value, 0, 10, &number)) config_error(errors, value->line, "no");
}

static int read_once(struct str text, struct config *config, struct config_errors *errors) {
    static const struct config_table table = { rows, ARRAY_COUNT(rows), &options };
    static const struct config_section section = { .name = "free", .set = section_set };
    *config = (struct config){ .tables = &table, .table_count = 1, .sections = &section, .section_count = 1 };
    check(config_init(config) == 0);
    int r = config_read(config, "f", text, errors);
    check(r >= 0 && (r == 0) == (errors->count == 0) && errors->count <= CONFIG_ERRORS_MAX);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static struct config_errors errors;
    struct config config;
    struct buffer out;
    buffer_init_heap(&out, 1024 * 1024);
    int r = read_once(str_from_bytes(bytes, size), &config, &errors);
    if (r == 0) {
        config_print(&config, &out);
        check(!out.overflow);
        config_release(&config);
        check(read_once(buffer_str(&out), &config, &errors) == 0);
    }
    config_release(&config);
    buffer_release(&out);
    return 0;
}
