#include "app/options.h"

#include "app/exit_code.h"

static const struct option_row *row_find(const struct options *options, struct str name) {
    for (size_t i = 0; i < options->row_count; i++)
        if (str_equal_c(name, options->rows[i].name)) return &options->rows[i];
    return NULL;
}

static int refuse(struct message *message, const char *what, const char *word) {
    message_set(message, "%s: %s", what, word);
    return OPTIONS_E_USAGE;
}

/* One word that begins with "--"; next is the word behind it or NULL. */
static int read_option(const struct options *options, bool *given, char *word, char *next, struct message *message) {
    struct str rest = str_from_c(word + 2), name;
    bool has_value = str_cut(&rest, '=', &name);
    const struct option_row *row = row_find(options, name);
    if (!row) return refuse(message, "no such option", word);
    size_t index = (size_t)(row - options->rows);
    if (given[index]) return refuse(message, "an option is given twice", word);
    given[index] = true;
    if (!row->value) {
        if (has_value) return refuse(message, "an option that takes no value has one", word);
        *row->ret_flag = true;
    } else {
        if (!has_value && !next) return refuse(message, "an option needs a value", word);
        *row->ret_text = has_value ? rest.at : next;
    }
    return 0;
}

static bool takes_next(const struct options *options, const char *word) {
    if (strchr(word, '=')) return false;
    const struct option_row *row = row_find(options, str_from_c(word + 2));
    return row && row->value;
}

int options_read(struct options *options, int argc, char **argv, struct message *message) {
    bool given[OPTIONS_ROWS_MAX] = { false }, plain = false;
    check(options->row_count <= OPTIONS_ROWS_MAX && options->words_max <= OPTIONS_WORDS_MAX);
    options->word_count = 0;
    for (int i = 1; i < argc; i++) {
        char *word = argv[i];
        if (!plain && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) return OPTIONS_E_HELP;
        if (!plain && strcmp(word, "--") == 0) {
            plain = true;
        } else if (!plain && word[0] == '-' && word[1] == '-') {
            int r = read_option(options, given, word, i + 1 < argc ? argv[i + 1] : NULL, message);
            if (r) return r;
            if (takes_next(options, word)) i++;
        } else if (!plain && word[0] == '-' && word[1]) {
            return refuse(message, "no such option", word);
        } else {
            if (options->word_count == options->words_max) return refuse(message, "a word too many", word);
            options->words[options->word_count++] = word;
        }
    }
    if (options->word_count >= options->words_min) return 0;
    message_set(message, "a word is missing: giro %s", options->usage);
    return OPTIONS_E_USAGE;
}

static void print_help(const struct options *options) {
    printf("usage: giro %s\n%s\n", options->usage, options->help);
    for (size_t i = 0; i < options->row_count; i++) {
        const struct option_row *row = &options->rows[i];
        char left[64];
        (void)snprintf(left, sizeof left, "--%s%s%s", row->name, row->value ? " " : "", row->value ? row->value : "");
        printf("  %-22s %s\n", left, row->help);
    }
}

struct str options_name(const struct options *options) {
    const char *usage = options->usage;
    size_t len = 0;
    for (const char *word = usage;;) {
        size_t letters = strspn(word, "abcdefghijklmnopqrstuvwxyz-");
        bool is_name = letters && word[0] != '-' && (word[letters] == ' ' || !word[letters]);
        if (is_name) len = (size_t)(word - usage) + letters;
        if (!is_name || !word[letters]) return str_from_bytes(usage, len);
        word += letters + 1;
    }
}

int options_parse(struct options *options, int argc, char **argv) {
    struct message message = { .text = "" };
    int r = options_read(options, argc, argv, &message);
    if (r == OPTIONS_E_HELP) print_help(options);
    struct str name = options_name(options);
    if (r == OPTIONS_E_USAGE)
        fprintf(stderr, "giro " STR_FMT ": %s (see giro " STR_FMT " --help)\n", STR_ARG(name), message.text,
                STR_ARG(name));
    return r;
}

int options_exit(int refusal) {
    return refusal == OPTIONS_E_HELP ? EXIT_DONE : EXIT_USAGE;
}

bool options_number(const char *name, const char *text, uint64_t min, uint64_t max, uint64_t *ret_number) {
    uint64_t number;
    if (!text) return true;
    if (str_to_u64(str_from_c(text), &number) || number < min || number > max) {
        fprintf(stderr, "giro: --%s needs a whole number from %llu to %llu, not \"%s\"\n", name,
                (unsigned long long)min, (unsigned long long)max, text);
        return false;
    }
    *ret_number = number;
    return true;
}
