#include "app/subcommand.h"

#include "app/bank_config.h"
#include "app/exit_code.h"
#include "app/options.h"

enum { PRINT_BYTES_MAX = 256 * 1024 };

static void print_config(const struct bank_config *config) {
    struct buffer out;
    buffer_init_heap(&out, PRINT_BYTES_MAX);
    bank_config_print(config, &out);
    if (out.len) (void)fwrite(out.at, 1, out.len, stdout); /* main looks at the stream */
    buffer_release(&out);
}

static int check_file(const char *path) {
    struct bank_config *config = calloc(1, sizeof *config);
    struct config_errors *errors = calloc(1, sizeof *errors);
    int code = EXIT_FAILED;
    if (config && errors) {
        int r = bank_config_read(config, path, errors);
        for (size_t i = 0; i < errors->count; i++) fprintf(stderr, "%s\n", errors->messages[i].text);
        if (errors->more) fprintf(stderr, "and %zu more\n", errors->more);
        if (r == 0) print_config(config);
        code = r ? EXIT_FAILED : EXIT_DONE;
        bank_config_release(config);
    }
    free(config);
    free(errors);
    return code;
}

static int explain(const char *key) {
    struct buffer out;
    buffer_init_heap(&out, PRINT_BYTES_MAX);
    size_t found = bank_config_explain(str_from_c(key), &out);
    if (out.len) (void)fwrite(out.at, 1, out.len, stdout); /* main looks at the stream */
    buffer_release(&out);
    if (!found) fprintf(stderr, "giro: there is no key %s\n", key);
    return found ? EXIT_DONE : EXIT_ABSENT;
}

int cmd_check_config(int argc, char **argv) {
    const char *key = NULL;
    const struct option_row rows[] = { { "explain", "KEY", &key, NULL, "say what a key means, or all below one" } };
    struct options options = {
        .usage = "check-config FILE | --explain KEY",
        .help = "Prints the values in force (secrets as ***), or every error with its file and line.",
        .rows = rows,
        .row_count = ARRAY_COUNT(rows),
        .words_min = 0,
        .words_max = 1
    };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    if ((options.word_count == 1) == (key != NULL)) {
        fprintf(stderr, "giro: check-config: want a file, or --explain KEY\n");
        return EXIT_USAGE;
    }
    return key ? explain(key) : check_file(options.words[0]);
}
