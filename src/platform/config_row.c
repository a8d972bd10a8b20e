#include "platform/config_int.h"

/* ---- text to values ---- */

bool config_value_i64(const struct config_value *value, int64_t min, int64_t max, int64_t *ret_number) {
    struct str digits = value->text;
    uint64_t magnitude;
    int64_t number;
    bool negative = str_starts(digits, STR("-"));
    if (!value->plain) return false;
    if (negative) digits = str_slice(digits, 1, digits.len);
    if (str_to_u64(digits, &magnitude)) return false;
    if (negative ? checked_sub((int64_t)0, magnitude, &number) : checked_add((int64_t)0, magnitude, &number))
        return false;
    if (number < min || number > max) return false;
    *ret_number = number;
    return true;
}

bool config_value_bool(const struct config_value *value, bool *ret_fact) {
    bool fact = str_equal(value->text, STR("true"));
    if (!value->plain || (!fact && !str_equal(value->text, STR("false")))) return false;
    *ret_fact = fact;
    return true;
}

static const struct duration_unit {
    const char *name;
    int64_t ms;
} duration_units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };

bool config_value_duration(const struct config_value *value, int64_t min_ms, int64_t max_ms, int64_t *ret_ms) {
    size_t digits = 0;
    int64_t ms = 0;
    while (digits < value->text.len && value->text.at[digits] >= '0' && value->text.at[digits] <= '9') digits++;
    struct config_value number = { .text = str_slice(value->text, 0, digits), .plain = value->plain };
    struct str unit = str_slice(value->text, digits, value->text.len);
    if (!config_value_i64(&number, 0, INT64_MAX, &ms)) return false;
    for (size_t i = 0; i < ARRAY_COUNT(duration_units); i++) {
        if (!str_equal_c(unit, duration_units[i].name)) continue;
        if (checked_mul(ms, duration_units[i].ms, &ms) || ms < min_ms || ms > max_ms) return false;
        *ret_ms = ms;
        return true;
    }
    return false;
}

/* Index of text among "a|b|c", -1 when it is none. */
static int choice_index(const char *choices, struct str text) {
    struct str rest = str_from_c(choices), choice;
    for (int index = 0; rest.len; index++) {
        (void)str_cut(&rest, '|', &choice); /* the last one has no bar behind it */
        if (str_equal(choice, text)) return index;
    }
    return -1;
}

static size_t string_bytes_max(const struct config_row *row) {
    return row->kind == CONFIG_STRING && row->max ? (size_t)row->max : (size_t)CONFIG_STRING_BYTES_MAX;
}

static bool string_is_allowed(const struct config_row *row, const struct config_value *value) {
    bool long_enough = row->kind == CONFIG_STRINGS || value->text.len >= (size_t)row->min;
    return !value->null && long_enough && value->text.len <= string_bytes_max(row) && str_is_utf8(value->text) &&
           !(value->text.len && memchr(value->text.at, 0, value->text.len));
}

static bool string_set(const struct config_row *row, struct str *field, const struct config_value *value,
                       struct arena *arena, bool *ret_no_memory) {
    if (!string_is_allowed(row, value)) return false;
    struct str copy = arena_dup(arena, value->text);
    *ret_no_memory = copy.at == NULL;
    if (copy.at) *field = copy;
    return true;
}

bool config_row_set(const struct config_row *row, void *options, const struct config_value *value, struct arena *arena,
                    bool *ret_no_memory) {
    void *field = (char *)options + row->offset;
    int choice;
    switch (row->kind) {
    case CONFIG_INT: return config_value_i64(value, row->min, row->max, field);
    case CONFIG_BOOL: return config_value_bool(value, field);
    case CONFIG_STRING: return string_set(row, field, value, arena, ret_no_memory);
    case CONFIG_STRINGS: return false; /* elements come by config_row_append */
    case CONFIG_DURATION: return config_value_duration(value, row->min, row->max, field);
    case CONFIG_CHOICE:
        choice = choice_index(row->choices, value->text);
        if (choice < 0) return false;
        *(int *)field = choice;
        return true;
    }
    return false;
}

static size_t list_max(const struct config_row *row) {
    return row->max ? (size_t)row->max : (size_t)CONFIG_LIST_MAX;
}

bool config_row_append(const struct config_row *row, void *options, const struct config_value *value,
                       struct arena *arena, bool *ret_no_memory) {
    struct config_strings *list = (struct config_strings *)(void *)((char *)options + row->offset);
    struct str element;
    if (list->count == list_max(row)) return false;
    if (!list->at) list->at = arena_new_array(arena, struct str, list_max(row));
    *ret_no_memory = list->at == NULL;
    if (!list->at) return true;
    if (!string_set(row, &element, value, arena, ret_no_memory)) return false;
    if (!*ret_no_memory) list->at[list->count++] = element;
    return true;
}

static void describe_duration(struct buffer *out, int64_t ms) {
    size_t unit = ARRAY_COUNT(duration_units) - 1;
    while (unit && (ms == 0 || ms % duration_units[unit].ms)) unit--;
    buffer_printf(out, "%lld%s", (long long)(ms / duration_units[unit].ms), duration_units[unit].name);
}

void config_row_describe(const struct config_row *row, struct buffer *out) {
    switch (row->kind) {
    case CONFIG_INT:
        buffer_printf(out, "a whole number from %lld to %lld", (long long)row->min, (long long)row->max);
        break;
    case CONFIG_BOOL: buffer_append_c(out, "true or false"); break;
    case CONFIG_STRING:
        buffer_printf(out, "text of %lld to %zu bytes", (long long)row->min, string_bytes_max(row));
        break;
    case CONFIG_STRINGS: buffer_printf(out, "a list of %lld to %zu texts", (long long)row->min, list_max(row)); break;
    case CONFIG_DURATION:
        buffer_append_c(out, "a time like 250ms, 5s, 2m, 1h or 7d from ");
        describe_duration(out, row->min);
        buffer_append_c(out, " to ");
        describe_duration(out, row->max);
        break;
    case CONFIG_CHOICE: buffer_printf(out, "one of %s", row->choices); break;
    }
}

/* ---- boot ---- */

static bool name_is_good(const char *name) {
    struct str rest = str_from_c(name), part;
    bool more = rest.len > 0 && rest.len < CONFIG_NAME_BYTES_MAX;
    if (!more) return false;
    for (size_t depth = 1; more; depth++) {
        more = str_cut(&rest, '.', &part);
        if (part.len == 0 || depth > CONFIG_DEPTH_MAX) return false;
        for (size_t i = 0; i < part.len; i++)
            if (!((part.at[i] >= 'a' && part.at[i] <= 'z') || (part.at[i] >= '0' && part.at[i] <= '9') ||
                  part.at[i] == '_'))
                return false;
    }
    return true;
}

static int boot_list(const struct config_row *row, void *options, struct arena *arena) {
    struct str rest = str_from_c(row->boot), element;
    bool no_memory = false;
    while (rest.len) {
        (void)str_cut(&rest, ' ', &element); /* the last one has no blank behind it */
        check(config_row_append(row, options, &(struct config_value){ .text = element }, arena, &no_memory));
        if (no_memory) return err_origin(-ENOMEM);
    }
    return 0;
}

static int boot_row(const struct config_row *row, void *options, struct arena *arena) {
    bool no_memory = false;
    const struct config_value boot = { .text = str_from_c(row->boot), .plain = true };
    check(name_is_good(row->name) && row->help && row->boot && row->min <= row->max + (row->max == 0));
    check(!row->secret || row->kind == CONFIG_STRING);
    check((row->kind == CONFIG_CHOICE) == (row->choices != NULL));
    check(row->kind != CONFIG_STRINGS || list_max(row) <= CONFIG_LIST_MAX);
    if (row->kind == CONFIG_STRINGS) return boot_list(row, options, arena);
    if (row->kind == CONFIG_STRING && boot.text.len == 0) return 0; /* "not set" may be below min */
    check(config_row_set(row, options, &boot, arena, &no_memory));
    return no_memory ? err_origin(-ENOMEM) : 0;
}

int config_init(struct config *config) {
    enum { CONFIG_ARENA_BYTES_MAX = 8 * 1024 * 1024 };
    size_t rows = 0;
    memset(config->lines, 0, sizeof config->lines);
    int r = arena_init(&config->arena, 16 * 1024, CONFIG_ARENA_BYTES_MAX);
    if (r) return err_trace(r);
    for (size_t t = 0; t < config->table_count; t++) {
        const struct config_table *table = &config->tables[t];
        for (size_t i = 0; r == 0 && i < table->row_count; i++) {
            check(++rows <= CONFIG_ROWS_MAX);
            if (table->rows[i].kind == CONFIG_STRINGS)
                *(struct config_strings *)(void *)((char *)table->options + table->rows[i].offset) =
                    (struct config_strings){ 0 };
            if (table->rows[i].kind == CONFIG_STRING)
                *(struct str *)(void *)((char *)table->options + table->rows[i].offset) = STR("");
            r = boot_row(&table->rows[i], table->options, &config->arena);
        }
    }
    if (r) arena_release(&config->arena);
    return err_trace(r);
}

void config_release(struct config *config) {
    for (size_t t = 0; t < config->table_count; t++)
        for (size_t i = 0; i < config->tables[t].row_count; i++) {
            const struct config_row *row = &config->tables[t].rows[i];
            struct str *field = (struct str *)(void *)((char *)config->tables[t].options + row->offset);
            if (!row->secret || row->kind != CONFIG_STRING || field->len == 0) continue;
            explicit_bzero((char *)(uintptr_t)field->at, field->len); /* the bytes are in our arena */
            *field = STR("");
        }
    arena_release(&config->arena);
}

/* ---- sample and print ---- */

struct row_at {
    const struct config_row *row;
    const void *options;
    bool done;
};
struct printer {
    struct buffer *out;
    bool sample;
    struct row_at rows[CONFIG_ROWS_MAX];
    size_t count;
};

static void write_quoted(struct buffer *out, struct str text) {
    buffer_append_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if (c == '"' || c == '\\') buffer_printf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f) buffer_printf(out, "\\x%02x", c);
        else buffer_append_char(out, (char)c);
    }
    buffer_append_char(out, '"');
}

static void write_list(struct buffer *out, const struct config_strings *list) {
    buffer_append_char(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        if (i) buffer_append_c(out, ", ");
        write_quoted(out, list->at[i]);
    }
    buffer_append_char(out, ']');
}

static void write_choice(struct buffer *out, const char *choices, int index) {
    struct str rest = str_from_c(choices), choice = STR("");
    for (int i = 0; i <= index; i++) (void)str_cut(&rest, '|', &choice); /* index is one of them */
    buffer_append_str(out, choice);
}

static void write_value(struct buffer *out, const struct config_row *row, const void *options) {
    const void *field = (const char *)options + row->offset;
    switch (row->kind) {
    case CONFIG_INT: buffer_append_i64(out, *(const int64_t *)field); break;
    case CONFIG_BOOL: buffer_append_c(out, *(const bool *)field ? "true" : "false"); break;
    case CONFIG_STRING: write_quoted(out, *(const struct str *)field); break;
    case CONFIG_STRINGS: write_list(out, field); break;
    case CONFIG_DURATION: describe_duration(out, *(const int64_t *)field); break;
    case CONFIG_CHOICE: write_choice(out, row->choices, *(const int *)field); break;
    }
}

static void write_indent(struct printer *printer, size_t depth) {
    for (size_t i = 0; i < depth; i++) buffer_append_c(printer->out, "  ");
}

static void write_row(struct printer *printer, const struct row_at *at, struct str name, size_t depth) {
    if (printer->sample) {
        write_indent(printer, depth);
        buffer_printf(printer->out, "# %s (", at->row->help);
        config_row_describe(at->row, printer->out);
        buffer_append_c(printer->out, ")\n");
    }
    write_indent(printer, depth);
    buffer_printf(printer->out, "%s" STR_FMT ": ", printer->sample ? "# " : "", STR_ARG(name));
    if (at->row->secret) buffer_append_c(printer->out, "\"***\"");
    else write_value(printer->out, at->row, at->options);
    buffer_append_char(printer->out, '\n');
}

/* Writes all rows below prefix, in the order of the tables; a map is written where its first row stands. */
static void write_map(struct printer *printer, struct str prefix, size_t depth) {
    for (size_t i = 0; i < printer->count; i++) {
        struct str name = str_from_c(printer->rows[i].row->name), rest, head;
        if (printer->rows[i].done || !str_starts(name, prefix)) continue;
        rest = str_slice(name, prefix.len, name.len);
        if (!str_cut(&rest, '.', &head)) {
            printer->rows[i].done = true;
            write_row(printer, &printer->rows[i], head, depth);
            continue;
        }
        if (depth == 0 && printer->out->len) buffer_append_char(printer->out, '\n');
        write_indent(printer, depth);
        buffer_printf(printer->out, STR_FMT ":\n", STR_ARG(head));
        check(depth < CONFIG_DEPTH_MAX);
        write_map(printer, str_slice(name, 0, prefix.len + head.len + 1), depth + 1); /* as deep as a name has parts */
    }
}

static void write_all(const struct config *config, struct buffer *out, bool sample) {
    struct printer printer = { .out = out, .sample = sample };
    for (size_t t = 0; t < config->table_count; t++)
        for (size_t i = 0; i < config->tables[t].row_count; i++)
            printer.rows[printer.count++] =
                (struct row_at){ .row = &config->tables[t].rows[i], .options = config->tables[t].options };
    write_map(&printer, STR(""), 0);
    for (size_t i = 0; i < config->section_count; i++) {
        const struct config_section *section = &config->sections[i];
        if (sample ? !section->sample : !section->print) continue;
        buffer_append_c(out, "\n");
        if (!sample) buffer_printf(out, "%s:\n", section->name);
        if (sample) buffer_append_c(out, section->sample);
        else section->print(section->ctx, out);
    }
}

void config_sample(const struct config *config, struct buffer *out) {
    write_all(config, out, true);
}

void config_print(const struct config *config, struct buffer *out) {
    write_all(config, out, false);
}
