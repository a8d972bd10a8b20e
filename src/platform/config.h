/* config.h - the configuration file (YAML 1.1 by libyaml, of which only maps, lists and scalars are used): each module
 * names its keys in a table of rows, and what no table names is an error.
 *
 *   gateway:
 *     timeout_ms: 5000        is the row "gateway.timeout_ms"
 *
 * (C1) Every key of the file is a row, a part of one, or below a section; any other is an error with file and line:
 *      giro.yaml:12: unknown key "gatway.timeout_ms", did you mean "gateway.timeout_ms"?
 * (C2) Reading goes on after an error, so that up to CONFIG_ERRORS_MAX are told at once. When there was an error the
 *      options are not to be used. (C3) Errors name keys, never values; rows marked secret are never printed.
 * (C4) Refused: duplicate keys, tabs in indentation, anchors, aliases, tags, several documents, values of the wrong
 *      type or out of range, nesting over CONFIG_DEPTH_MAX, files over CONFIG_FILE_BYTES_MAX, more than CONFIG_KEYS_MAX
 *      keys.
 * To add a key: a field in the module's options struct, a row in its table. */
#ifndef GIRO_PLATFORM_CONFIG_H
#define GIRO_PLATFORM_CONFIG_H

#include "platform/arena.h"
#include "platform/buffer.h"

enum {
    CONFIG_FILE_BYTES_MAX = 256 * 1024,
    CONFIG_DEPTH_MAX = 8,
    CONFIG_KEYS_MAX = 4096,
    CONFIG_ERRORS_MAX = 20,
    CONFIG_LIST_MAX = 64,
    CONFIG_ROWS_MAX = 256,        /* of all tables */
    CONFIG_STRING_BYTES_MAX = 4096,
    CONFIG_NAME_BYTES_MAX = 128,  /* of a dotted name */
};

/* The type of the field:  INT int64_t   BOOL bool   STRING struct str   STRINGS struct config_strings
 * DURATION int64_t in milliseconds, written 250ms, 5s, 2m, 1h, 7d   CHOICE int, the index in choices. */
enum config_kind { CONFIG_INT, CONFIG_BOOL, CONFIG_STRING, CONFIG_STRINGS, CONFIG_DURATION, CONFIG_CHOICE };
struct config_strings {
    struct str *at;
    size_t count;
};

struct config_row {
    const char *name;     /* "gateway.timeout_ms": lower case, digits, '_' and dots */
    enum config_kind kind;
    size_t offset;        /* in the options struct */
    int64_t min, max;     /* INT: value; DURATION: ms; STRING: bytes, STRINGS: count (max 0: the kind's own limit) */
    const char *boot;     /* value without a file, written as in one; STRINGS: separated by blanks */
    const char *help;     /* one line for people, for the sample */
    const char *choices;  /* CHOICE: "sqlite|postgres" */
    bool secret;          /* STRING only: printed as "***", wiped at release */
};

struct config_table {
    const struct config_row *rows;
    size_t row_count;
    void *options;        /* the struct that the offsets are in; outlives the config */
};

/* A value of a section: keys are the map keys below the section, outermost first. */
struct config_value {
    const struct str *keys;
    size_t key_count;
    struct str text;
    bool plain;           /* not quoted */
    bool null;            /* plain null, ~ or nothing */
    bool listed;          /* an element of a list that stands under keys */
    int line;
};
struct config_errors;
/* A map whose keys are data ("rate_limits.{tier}.burst"). set is called for each scalar in the order of the file; it
 * adds errors with config_error (text is borrowed until it returns: copy into the arena what you keep). */
struct config_section {
    const char *name;     /* a single top-level key */
    void (*set)(void *ctx, const struct config_value *value, struct arena *arena, struct config_errors *errors);
    void (*end)(void *ctx, struct config_errors *errors); /* after the file: looks for what is missing; may be NULL */
    void (*print)(void *ctx, struct buffer *out);         /* its effective values as YAML, indented by 2; may be NULL */
    const char *sample;   /* its part of the sample, commented, lines ending in \n; may be NULL */
    void *ctx;
};

struct config_errors {
    const char *file;     /* as it is printed */
    size_t count;         /* of messages */
    size_t more;          /* errors beyond CONFIG_ERRORS_MAX */
    struct message messages[CONFIG_ERRORS_MAX];
};
/* Adds "FILE:LINE: ..."; line 0 leaves the line out. Never pass values. */
void config_error(struct config_errors *errors, int line, const char *format, ...) PRINTF_LIKE(3, 4);

struct config {
    const struct config_table *tables;
    size_t table_count;
    const struct config_section *sections;
    size_t section_count;
    struct arena arena;   /* strings and lists of the options live here, until config_release */
    int lines[CONFIG_ROWS_MAX]; /* of the rows of all tables, one table after another: see config_line */
};
#define CONFIG_E_MAP(X) X(CONFIG_E_INVALID, "invalid_configuration")
#define X(code, name) code,
enum config_refusal { CONFIG_E_NONE = 0, CONFIG_E_MAP(X) CONFIG_E_COUNT };
#undef X

/* Sets config->arena and every option to its boot value. The other fields are set by the caller before. check: the
 * tables are well formed (names, kinds, boot values in range). 0 or -ENOMEM. */
int config_init(struct config *config);
void config_release(struct config *config); /* secrets are wiped first; the options' strings are gone */
/* Reads the text of a file. 0, CONFIG_E_INVALID (errors says why, at least one), or -ENOMEM. Once per config_init. */
int config_read(struct config *config, const char *file, struct str text, struct config_errors *errors);
/* The same with the file at path; one that cannot be read is CONFIG_E_INVALID with "giro.yaml: cannot be read: ...". */
int config_read_file(struct config *config, const char *path, struct config_errors *errors);

/* The line on which the file sets the row of that name, for errors about it; 0: it does not. check: there is one. */
int config_line(const struct config *config, const char *name);

/* A file with every key, its meaning and its bounds, all commented out at their boot values. */
void config_sample(const struct config *config, struct buffer *out);
/* The values in force, as a file that can be read again, except secrets ("***"). */
void config_print(const struct config *config, struct buffer *out);

/* For sections. A whole number, plain, no sign but '-', no leading zeros; true/false, plain; 250ms 5s 2m 1h 7d, plain.
 * False when it is not one, or not within min..max. */
bool config_value_i64(const struct config_value *value, int64_t min, int64_t max, int64_t *ret_number);
bool config_value_bool(const struct config_value *value, bool *ret_fact);
bool config_value_duration(const struct config_value *value, int64_t min_ms, int64_t max_ms, int64_t *ret_ms);

#endif
