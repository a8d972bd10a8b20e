/* store_view.h - a subcommand that reads: the store beside the daemon, read-only, and its answer as a table or as JSON.
 *
 * (V1) One JSON document on stdout, or lines for people; nothing else goes there. (V2) Personal data passes through
 * observe/mask on its way out, also where one row was asked for by its id. (V3) All rows of one answer are of one
 * committed state. */
#ifndef GIRO_APP_STORE_VIEW_H
#define GIRO_APP_STORE_VIEW_H

#include "app/bank_store.h"
#include "app/exit_code.h"
#include "app/options.h"
#include "app/subcommand.h"
#include "domain/id.h"
#include "domain/money.h"
#include "engine/read.h"
#include "observe/mask.h"
#include "wire/json.h"

enum {
    STORE_VIEW_ROW_BYTES_MAX = 256 * 1024, /* one row of an answer as JSON; journal frames are at most 64 KiB */
    STORE_VIEW_ARENA_BYTES = 64 * 1024,
    STORE_VIEW_ARENA_BYTES_MAX = 256 * 1024 * 1024,
    STORE_VIEW_LIMIT_DEFAULT = 50,
};

struct store_view {
    /* what was asked */
    const char *var, *store, *limit_text;
    bool json;
    uint64_t limit; /* 1..STORE_RANGE_ROWS_MAX */
    /* where it is read; the snapshot is open */
    struct bank_config config;
    bool config_read;
    struct bank_store bank;
    struct reader reader;
    struct arena arena;
    /* where it is written */
    struct buffer out;
    struct json_writer writer;
    uint64_t rows;
    bool heading_done, written;
    struct buffer heading, line; /* for people */
};

/* The rows of an options table that every such subcommand has: --var, --store, --json, --limit. */
#define STORE_VIEW_OPTIONS(view)                                                                                       \
    { "var", "DIR", &(view)->var, NULL, "the sandbox's folder (default $GIRO_VAR or var)" },                           \
        { "store", "FILE", &(view)->store, NULL, "another file than the bank's own, under the same key" }, {           \
        "json", NULL, NULL, &(view)->json, "one JSON document"                                                         \
    }
#define STORE_VIEW_LIMIT_OPTION(view)                                                                                  \
    { "limit", "N", &(view)->limit_text, NULL, "at most N rows, 1 to 1000 (default 50)" }

/* Parses, opens the store and its snapshot. EXIT_DONE: go on, and end with store_view_end. Else what to exit with
 * (*ret_open false): EXIT_DENIED for another user's store, EXIT_UNAVAILABLE for none. */
int store_view_begin(struct store_view *view, struct options *options, int argc, char **argv, bool *ret_open);
/* Closes what is open and gives the exit code: code, or EXIT_FAILED with a sentence on stderr when r < 0. */
int store_view_end(struct store_view *view, int r, int code);

/* A list: list_begin, then for each row row_begin, the fields in the same order, row_end; list_end. For people a field
 * is a column of width characters under its name (width 0: in JSON only). One object instead of a list: row_begin and
 * row_end alone. */
void store_view_list_begin(struct store_view *view);
void store_view_list_end(struct store_view *view);
/* A whole list: every row of table in the order of its primary key (as engine/row_stream.h walks it), each printed by
 * print, which reads with view->arena: it is empty for each row. 0 or <0. */
int store_view_table(struct store_view *view, const struct table *table, int (*print)(void *ctx, const void *row),
                     void *ctx);
void store_view_row_begin(struct store_view *view);
void store_view_row_end(struct store_view *view);
void store_view_text(struct store_view *view, const char *name, int width, struct str value);
void store_view_word(struct store_view *view, const char *name, int width, const char *value);
void store_view_number(struct store_view *view, const char *name, int width, int64_t value);
void store_view_bool(struct store_view *view, const char *name, int width, bool value); /* "yes" or "no" */
void store_view_id(struct store_view *view, const char *name, int width,
                   const uint8_t id[16]); /* zero: left out in JSON, "-" */
void store_view_time(struct store_view *view, const char *name, int width, int64_t ms); /* 0: as above */
void store_view_currency(struct store_view *view, const char *name, int width, int64_t code);
/* Shows value as far as its kind may be shown; empty: as a zero id. */
void store_view_masked(struct store_view *view, const char *name, int width, enum personal_kind kind, struct str value);

/* The word as an id: 0; else EXIT_USAGE with a sentence. */
int store_view_read_id(const char *word, uint8_t ret_id[16]);
int store_view_absent(const char *what); /* EXIT_ABSENT with a sentence */

#endif
