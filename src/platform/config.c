#include "platform/config.h"

#include "platform/config_int.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

enum { CONFIG_SEEN_SLOTS = 2 * CONFIG_KEYS_MAX, SHOWN_NAME_BYTES = 160, PATH_BYTES_MAX = 1024 };
static const char PATH_SEPARATOR = '\x1f'; /* between the keys of a path, because a key may hold a dot */

/* One reading. path is the keys from the top to where we are, keys the same as views into it. */
struct reading {
    struct config *config;
    struct config_errors *errors;
    yaml_parser_t parser;
    char path[PATH_BYTES_MAX];
    size_t path_bytes;
    struct str keys[CONFIG_DEPTH_MAX + 1];
    size_t depth;
    struct str seen[CONFIG_SEEN_SLOTS]; /* open-addressed set of paths, in the arena */
    size_t seen_count;
    int r;                              /* < 0: fault, stop; > 0: an error that makes the rest unreadable, stop */
};

void config_error(struct config_errors *errors, int line, const char *format, ...) {
    if (errors->count == CONFIG_ERRORS_MAX) {
        errors->more++;
        return;
    }
    struct message *message = &errors->messages[errors->count++];
    int used = line > 0 ? snprintf(message->text, sizeof message->text, "%s:%d: ", errors->file, line)
                        : snprintf(message->text, sizeof message->text, "%s: ", errors->file);
    if (used < 0 || (size_t)used >= sizeof message->text) return; /* the file's name alone fills it */
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message->text + used, sizeof message->text - (size_t)used, format, args); /* cut is fine */
    va_end(args);
}

/* ---- names ---- */

/* The dotted name of where we are, fit to be shown: bytes that are not printable ASCII become '?'. */
static struct str path_show(const struct reading *reading, char shown[SHOWN_NAME_BYTES]) {
    size_t len = 0;
    for (size_t i = 0; i < reading->depth; i++) {
        if (i && len < SHOWN_NAME_BYTES) shown[len++] = '.';
        for (size_t at = 0; at < reading->keys[i].len && len < SHOWN_NAME_BYTES; at++) {
            char c = reading->keys[i].at[at];
            shown[len++] = c >= ' ' && c <= '~' && c != '"' ? c : '?';
        }
    }
    return str_from_bytes(shown, len);
}

static bool name_is(const struct reading *reading, struct str name, bool *ret_prefix) {
    struct str part;
    size_t depth = 0;
    bool more = true;
    for (; more && depth < reading->depth; depth++) {
        more = str_cut(&name, '.', &part);
        if (!str_equal(part, reading->keys[depth])) return false;
    }
    *ret_prefix = more;
    return depth == reading->depth && !more;
}

struct row_found {
    const struct config_row *row;
    void *options;
    size_t number; /* of all rows */
    bool prefix;   /* where we are is a map that holds rows */
};

static struct row_found row_find(const struct reading *reading) {
    struct row_found found = { 0 };
    size_t number = 0;
    for (size_t t = 0; t < reading->config->table_count; number += reading->config->tables[t++].row_count) {
        const struct config_table *table = &reading->config->tables[t];
        for (size_t i = 0; i < table->row_count; i++) {
            bool prefix = false;
            if (name_is(reading, str_from_c(table->rows[i].name), &prefix))
                return (struct row_found){
                    .row = &table->rows[i], .options = table->options, .number = number + i
                };
            found.prefix |= prefix;
        }
    }
    return found;
}

int config_line(const struct config *config, const char *name) {
    size_t number = 0;
    for (size_t t = 0; t < config->table_count; t++)
        for (size_t i = 0; i < config->tables[t].row_count; i++, number++)
            if (strcmp(config->tables[t].rows[i].name, name) == 0) return config->lines[number];
    check(false);
    return 0;
}

static const struct config_section *section_find(const struct reading *reading) {
    for (size_t i = 0; reading->depth && i < reading->config->section_count; i++)
        if (str_equal_c(reading->keys[0], reading->config->sections[i].name)) return &reading->config->sections[i];
    return NULL;
}

/* Number of single-character edits between two names (Levenshtein), both shorter than CONFIG_NAME_BYTES_MAX. */
static size_t edit_distance(struct str a, struct str b) {
    size_t row[CONFIG_NAME_BYTES_MAX + 1];
    for (size_t j = 0; j <= b.len; j++) row[j] = j;
    for (size_t i = 0; i < a.len; i++) {
        size_t corner = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b.len; j++) {
            size_t change = corner + (a.at[i] != b.at[j]);
            size_t other = (row[j] < row[j + 1] ? row[j] : row[j + 1]) + 1;
            corner = row[j + 1];
            row[j + 1] = change < other ? change : other;
        }
    }
    return row[b.len];
}

static const char *name_near(const struct reading *reading, struct str name) {
    const char *nearest = NULL;
    size_t least = 3; /* at most two slips */
    for (size_t t = 0; name.len < CONFIG_NAME_BYTES_MAX && t < reading->config->table_count; t++) {
        const struct config_table *table = &reading->config->tables[t];
        for (size_t i = 0; i < table->row_count; i++) {
            size_t distance = edit_distance(name, str_from_c(table->rows[i].name));
            if (distance >= least) continue;
            least = distance;
            nearest = table->rows[i].name;
        }
    }
    return nearest;
}

static void unknown_key(struct reading *reading, int line) {
    char shown[SHOWN_NAME_BYTES];
    struct str name = path_show(reading, shown);
    const char *near = reading->errors->count < CONFIG_ERRORS_MAX ? name_near(reading, name) : NULL;
    if (near && str_equal_c(name, near))
        config_error(reading->errors, line, "write \"%s\" as maps, one in the other", near);
    else if (near)
        config_error(reading->errors, line, "unknown key \"" STR_FMT "\", did you mean \"%s\"?", STR_ARG(name), near);
    else config_error(reading->errors, line, "unknown key \"" STR_FMT "\"", STR_ARG(name));
}

static void wrong_value(struct reading *reading, const struct config_row *row, int line) {
    char shown[SHOWN_NAME_BYTES], memory[MESSAGE_BYTES_MAX];
    struct buffer wanted;
    buffer_init(&wanted, memory, sizeof memory);
    config_row_describe(row, &wanted);
    config_error(reading->errors, line, "\"" STR_FMT "\" must be " STR_FMT, STR_ARG(path_show(reading, shown)),
                 STR_ARG(buffer_str(&wanted)));
}

static void wrong_shape(struct reading *reading, const char *must, int line) {
    char shown[SHOWN_NAME_BYTES];
    config_error(reading->errors, line, "\"" STR_FMT "\" %s", STR_ARG(path_show(reading, shown)), must);
}

/* ---- the walk ---- */

static void stop(struct reading *reading, int r) {
    if (reading->r == 0) reading->r = r;
}

static int event_line(const yaml_event_t *event) {
    return (int)event->start_mark.line + 1;
}

/* The next event; false when the text cannot be read on. The caller deletes it. */
static bool next_event(struct reading *reading, yaml_event_t *event) {
    if (reading->r) return false;
    if (yaml_parser_parse(&reading->parser, event)) return true;
    const yaml_parser_t *parser = &reading->parser;
    if (parser->error == YAML_MEMORY_ERROR) {
        stop(reading, err_origin(-ENOMEM));
        return false;
    }
    /* a reader error (bad UTF-8) has an offset and no mark */
    int line = parser->error == YAML_READER_ERROR ? 0 : (int)parser->problem_mark.line + 1;
    config_error(reading->errors, line, "not valid YAML: %s", parser->problem ? parser->problem : "unreadable");
    stop(reading, CONFIG_E_INVALID);
    return false;
}

static struct str scalar_text(const yaml_event_t *event) {
    return str_from_bytes(event->data.scalar.value, event->data.scalar.length);
}

static struct config_value value_of(const struct reading *reading, const yaml_event_t *event, bool listed) {
    struct config_value value = { .text = scalar_text(event), .listed = listed, .line = event_line(event) };
    value.plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    value.null =
        value.plain && (value.text.len == 0 || str_equal(value.text, STR("~")) || str_equal(value.text, STR("null")));
    value.keys = reading->keys + 1;
    value.key_count = reading->depth - 1;
    return value;
}

/* Anchors, aliases and tags are told once and their value is read as if they were not there. */
static void refuse_marks(struct reading *reading, const yaml_event_t *event) {
    bool scalar = event->type == YAML_SCALAR_EVENT, list = event->type == YAML_SEQUENCE_START_EVENT;
    const yaml_char_t *anchor = scalar ? event->data.scalar.anchor
                                : list ? event->data.sequence_start.anchor : event->data.mapping_start.anchor;
    const yaml_char_t *tag = scalar ? event->data.scalar.tag
                             : list ? event->data.sequence_start.tag
                                    : event->data.mapping_start.tag;
    if (anchor) config_error(reading->errors, event_line(event), "anchors are not allowed");
    if (tag) config_error(reading->errors, event_line(event), "tags are not allowed");
}

static void handle_value(struct reading *reading, const yaml_event_t *event, bool listed) {
    struct row_found found = row_find(reading);
    const struct config_section *section = section_find(reading);
    struct config_value value = value_of(reading, event, listed);
    bool no_memory = false;
    if (section && reading->depth == 1 && value.null) return; /* an empty section */
    if (section) {
        section->set(section->ctx, &value, &reading->config->arena, reading->errors);
    } else if (found.row) {
        bool list = found.row->kind == CONFIG_STRINGS && listed;
        bool good =
            list ? config_row_append(found.row, found.options, &value, &reading->config->arena, &no_memory)
                 : !listed && config_row_set(found.row, found.options, &value, &reading->config->arena, &no_memory);
        if (!good) wrong_value(reading, found.row, value.line);
        reading->config->lines[found.number] = value.line;
    } else if (!found.prefix) {
        unknown_key(reading, value.line);
    } else if (!value.null) {
        wrong_shape(reading, "must be a map", value.line); /* nothing below it is an empty map */
    }
    if (no_memory) stop(reading, err_origin(-ENOMEM));
}

static void handle_node(struct reading *reading, yaml_event_t *event);

/* Reads over what is inside a list or map that was refused. */
static void skip_inside(struct reading *reading) {
    yaml_event_t event;
    for (size_t open = 1; open && next_event(reading, &event);) {
        bool begins = event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_MAPPING_START_EVENT;
        bool ends = event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT;
        open = open + begins - ends;
        yaml_event_delete(&event);
    }
}

/* One element of a list; false when it was the list's end. */
static bool handle_element(struct reading *reading, yaml_event_t *event) {
    switch (event->type) {
    case YAML_SEQUENCE_END_EVENT: return false;
    case YAML_SCALAR_EVENT:
        refuse_marks(reading, event);
        handle_value(reading, event, true);
        return true;
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        wrong_shape(reading, "must be a list of values", event_line(event));
        skip_inside(reading);
        return true;
    case YAML_ALIAS_EVENT: config_error(reading->errors, event_line(event), "aliases are not allowed"); return true;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    case YAML_MAPPING_END_EVENT: break;
    }
    check(false); /* libyaml gives none of these inside a list */
    return false;
}

static void handle_list(struct reading *reading, const yaml_event_t *start) {
    struct row_found found = row_find(reading);
    yaml_event_t event;
    if (!section_find(reading) && !(found.row && found.row->kind == CONFIG_STRINGS)) {
        if (found.row) wrong_value(reading, found.row, event_line(start));
        else if (found.prefix) wrong_shape(reading, "must be a map", event_line(start));
        else unknown_key(reading, event_line(start));
        skip_inside(reading);
        return;
    }
    struct config_strings *list =
        found.row ? (struct config_strings *)(void *)((char *)found.options + found.row->offset) : NULL;
    if (list) list->count = 0; /* the file's list takes the place of the boot value */
    for (bool more = true; more && next_event(reading, &event);) {
        more = handle_element(reading, &event);
        yaml_event_delete(&event);
    }
    if (list && reading->r == 0 && list->count < (size_t)found.row->min)
        wrong_value(reading, found.row, event_line(start));
}

/* Remembers the path where we are; false when it was there before. */
static bool path_is_new(struct reading *reading) {
    struct str path = str_from_bytes(reading->path, reading->path_bytes);
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a; a file is its owner's, nobody gains by collisions */
    for (size_t i = 0; i < path.len; i++) hash = (hash ^ (unsigned char)path.at[i]) * 0x100000001b3;
    size_t at = (size_t)(hash ^ hash >> 32) % CONFIG_SEEN_SLOTS;
    for (; reading->seen[at].at; at = (at + 1) % CONFIG_SEEN_SLOTS)
        if (str_equal(reading->seen[at], path)) return false;
    reading->seen[at] = arena_dup(&reading->config->arena, path);
    if (!reading->seen[at].at) stop(reading, err_origin(-ENOMEM));
    reading->seen_count++;
    return true;
}

/* Goes one key down. False (told, and where we are unchanged) when there is no room. */
static bool path_push(struct reading *reading, struct str key, int line) {
    if (reading->depth == CONFIG_DEPTH_MAX || reading->seen_count == CONFIG_KEYS_MAX) {
        bool deep = reading->depth == CONFIG_DEPTH_MAX;
        config_error(reading->errors, line, deep ? "nested deeper than %d maps" : "more than %d keys",
                     deep ? CONFIG_DEPTH_MAX : CONFIG_KEYS_MAX);
        stop(reading, CONFIG_E_INVALID);
        return false;
    }
    if (key.len + 1 > PATH_BYTES_MAX - reading->path_bytes || key.len > CONFIG_NAME_BYTES_MAX) {
        config_error(reading->errors, line, "a key is longer than %d bytes", CONFIG_NAME_BYTES_MAX);
        stop(reading, CONFIG_E_INVALID);
        return false;
    }
    char *at = reading->path + reading->path_bytes;
    memcpy(at, key.at, key.len);
    at[key.len] = PATH_SEPARATOR;
    reading->keys[reading->depth++] = str_from_bytes(at, key.len);
    reading->path_bytes += key.len + 1;
    return true;
}

static void path_pop(struct reading *reading) {
    reading->depth--;
    reading->path_bytes -= reading->keys[reading->depth].len + 1;
}

/* One key and its value; the key's event is the caller's. */
static void handle_pair(struct reading *reading, yaml_event_t *key) {
    yaml_event_t value;
    char shown[SHOWN_NAME_BYTES];
    int line = event_line(key);
    if (key->type != YAML_SCALAR_EVENT) {
        config_error(reading->errors, line, "a key must be a word");
        stop(reading, CONFIG_E_INVALID);
        return;
    }
    refuse_marks(reading, key);
    if (!path_push(reading, scalar_text(key), line)) return;
    bool fresh = path_is_new(reading);
    if (!fresh)
        config_error(reading->errors, line, "duplicate key \"" STR_FMT "\"", STR_ARG(path_show(reading, shown)));
    if (next_event(reading, &value)) {
        bool nested = value.type == YAML_MAPPING_START_EVENT || value.type == YAML_SEQUENCE_START_EVENT;
        if (fresh) handle_node(reading, &value);
        else if (nested) skip_inside(reading);
        yaml_event_delete(&value);
    }
    path_pop(reading);
}

/* Recursion is bounded by CONFIG_DEPTH_MAX: path_push refuses to go deeper. */
static void handle_map(struct reading *reading, const yaml_event_t *start) {
    struct row_found found = row_find(reading);
    size_t pairs = 0;
    yaml_event_t event;
    if (found.row) {
        wrong_value(reading, found.row, event_line(start));
        skip_inside(reading);
        return;
    }
    while (next_event(reading, &event)) {
        bool end = event.type == YAML_MAPPING_END_EVENT;
        if (!end) handle_pair(reading, &event);
        yaml_event_delete(&event);
        pairs++;
        if (end) break;
    }
    if (reading->r || pairs != 1 || found.prefix || reading->depth == 0) return;
    /* empty: no value below it can tell what is wrong */
    if (!section_find(reading)) unknown_key(reading, event_line(start));
    else if (reading->depth > 1) wrong_shape(reading, "must not be empty", event_line(start));
}

static void handle_node(struct reading *reading, yaml_event_t *event) {
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        refuse_marks(reading, event);
        handle_value(reading, event, false);
        return;
    case YAML_SEQUENCE_START_EVENT:
        refuse_marks(reading, event);
        handle_list(reading, event);
        return;
    case YAML_MAPPING_START_EVENT:
        refuse_marks(reading, event);
        handle_map(reading, event);
        return;
    case YAML_ALIAS_EVENT: config_error(reading->errors, event_line(event), "aliases are not allowed"); return;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: break;
    }
    check(false); /* libyaml gives none of these for a value */
}

/* The top of the only document: a map, or nothing. */
static void handle_top(struct reading *reading, yaml_event_t *event) {
    bool empty = event->type == YAML_SCALAR_EVENT && scalar_text(event).len == 0 &&
                 event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (event->type == YAML_MAPPING_START_EVENT) {
        handle_node(reading, event);
    } else if (!empty) {
        config_error(reading->errors, event_line(event), "the file must be a map of keys");
        stop(reading, CONFIG_E_INVALID);
    }
}

static void read_stream(struct reading *reading) {
    yaml_event_t event;
    size_t documents = 0;
    for (bool more = true; more && next_event(reading, &event);) {
        more = event.type != YAML_STREAM_END_EVENT;
        if (event.type == YAML_DOCUMENT_START_EVENT && ++documents > 1) {
            config_error(reading->errors, event_line(&event), "only one document is allowed");
            stop(reading, CONFIG_E_INVALID);
        }
        bool around = !more || event.type == YAML_STREAM_START_EVENT || event.type == YAML_DOCUMENT_START_EVENT ||
                      event.type == YAML_DOCUMENT_END_EVENT;
        if (!around) handle_top(reading, &event);
        yaml_event_delete(&event);
    }
}

/* libyaml lets some tabs pass and words the others badly. */
static void refuse_tabs(struct reading *reading, struct str text) {
    for (int line = 1; text.len; line++) {
        struct str head;
        (void)str_cut(&text, '\n', &head); /* the last line may lack its end */
        size_t at = 0;
        while (at < head.len && head.at[at] == ' ') at++;
        if (at == head.len || head.at[at] != '\t') continue;
        config_error(reading->errors, line, "tab in the indentation, use blanks");
        stop(reading, CONFIG_E_INVALID);
    }
}

static int read_text(struct reading *reading, struct str text) {
    refuse_tabs(reading, text);
    if (reading->r) return reading->r;
    if (!yaml_parser_initialize(&reading->parser)) return err_origin(-ENOMEM);
    yaml_parser_set_input_string(&reading->parser, (const unsigned char *)text.at, text.len);
    yaml_parser_set_encoding(&reading->parser, YAML_UTF8_ENCODING);
    read_stream(reading);
    yaml_parser_delete(&reading->parser);
    for (size_t i = 0; reading->r == 0 && i < reading->config->section_count; i++)
        if (reading->config->sections[i].end)
            reading->config->sections[i].end(reading->config->sections[i].ctx, reading->errors);
    return reading->r;
}

int config_read(struct config *config, const char *file, struct str text, struct config_errors *errors) {
    *errors = (struct config_errors){ .file = file };
    if (text.len > CONFIG_FILE_BYTES_MAX) {
        config_error(errors, 0, "larger than %d bytes", CONFIG_FILE_BYTES_MAX);
        return CONFIG_E_INVALID;
    }
    struct reading *reading = calloc(1, sizeof *reading); /* at boot; too large for a stack */
    if (!reading) return err_origin(-ENOMEM);
    reading->config = config;
    reading->errors = errors;
    int r = read_text(reading, text);
    free(reading);
    if (r < 0) return err_trace(r);
    return errors->count ? CONFIG_E_INVALID : 0;
}

/* Reads at most bytes_max; -1 with errno set on failure. */
static ssize_t read_all(int fd, char *bytes, size_t bytes_max) {
    size_t len = 0;
    while (len < bytes_max) {
        ssize_t got = read(fd, bytes + len, bytes_max - len);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        len += (size_t)got;
    }
    return (ssize_t)len;
}

int config_read_file(struct config *config, const char *path, struct config_errors *errors) {
    *errors = (struct config_errors){ .file = path };
    char *bytes = malloc(CONFIG_FILE_BYTES_MAX + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r = CONFIG_E_INVALID;
    ssize_t len = fd < 0 || !bytes ? -1 : read_all(fd, bytes, CONFIG_FILE_BYTES_MAX + 1);
    if (!bytes) r = err_origin(-ENOMEM);
    else if (len < 0) config_error(errors, 0, "cannot be read: %s", strerror(errno));
    else r = config_read(config, path, str_from_bytes(bytes, (size_t)len), errors);
    if (bytes) explicit_bzero(bytes, CONFIG_FILE_BYTES_MAX + 1); /* it may hold secrets */
    free(bytes);
    if (fd >= 0) (void)close(fd); /* only read from */
    return r;
}
