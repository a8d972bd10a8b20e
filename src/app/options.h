/* options.h - the words behind a subcommand: --name value (or --name=value), --flag, and plain words, by a table.
 *
 * (O1) What the table does not name is refused with one sentence on stderr. (O2) An option is given at most once; a
 * value is the next word, whatever it begins with. (O3) After "--" every word is plain. Texts are borrowed from argv.
 */
#ifndef GIRO_APP_OPTIONS_H
#define GIRO_APP_OPTIONS_H

#include "platform/str.h"

enum { OPTIONS_ROWS_MAX = 24, OPTIONS_WORDS_MAX = 8 };

struct option_row {
    const char *name;      /* "port-base", without the dashes */
    const char *value;     /* what stands for the value in the help: "N"; NULL: a flag */
    const char **ret_text; /* of a value; left as it is when not given */
    bool *ret_flag;        /* of a flag */
    const char *help;
};

struct options {
    const char *usage; /* "run [--var DIR]", behind "giro "; begins with the subcommand's words in small letters */
    const char *help;  /* one line */
    const struct option_row *rows;
    size_t row_count;
    size_t words_min, words_max; /* plain words */
    const char *words[OPTIONS_WORDS_MAX];
    size_t word_count;
};

#define OPTIONS_E_MAP(X) X(OPTIONS_E_HELP, "help was asked for") X(OPTIONS_E_USAGE, "not understood")
#define X(code, name) code,
enum options_refusal { OPTIONS_E_NONE = 0, OPTIONS_E_MAP(X) OPTIONS_E_COUNT };
#undef X

/* argv[0] is the subcommand. 0; OPTIONS_E_HELP after the help was printed on stdout; OPTIONS_E_USAGE after a sentence
 * on stderr. */
int options_parse(struct options *options, int argc, char **argv) MUST_USE;
/* The same, silent: the sentence goes into message (may be NULL), the help is not printed. */
int options_read(struct options *options, int argc, char **argv, struct message *message) MUST_USE;
/* "ledger statement" of the usage "ledger statement [--limit N] ACCOUNT". */
struct str options_name(const struct options *options);
/* The exit code that a refusal of the two becomes. */
int options_exit(int refusal);
/* A whole number in min..max; false, with a sentence on stderr that names the option, when text is none. NULL leaves
 * *ret_number as it is. */
bool options_number(const char *name, const char *text, uint64_t min, uint64_t max, uint64_t *ret_number);

#endif
