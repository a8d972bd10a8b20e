/* cmd_limits.c - giro limits list: the tiers of the bank's configuration, as they are in force after its next start.
 * giro limits set: what one client may do in place of its tier, from its next request on. */
#include "app/subcommand.h"

#include <unistd.h>

#include "app/bank_config.h"
#include "app/exit_code.h"
#include "app/operator_call.h"
#include "app/options.h"
#include "app/sandbox.h"
#include "platform/file.h"
#include "wire/json.h"

enum { LIMITS_BYTES_MAX = 256 * BANK_TIERS_MAX };

static void print_limit(const char *text, uint64_t limit) {
    if (limit) printf("  %*llu", (int)strlen(text), (unsigned long long)limit);
    else printf("  %*s", (int)strlen(text), "none");
}

static void print_lines(const struct bank_config *config) {
    printf("%-26s  requests_per_second   burst  daily_limit\n", "tier");
    for (size_t i = 0; i < config->tier_count; i++) {
        const struct rate_tier *tier = &config->tiers[i].tier;
        printf("%-26s", tier->name);
        print_limit("requests_per_second", tier->requests_per_second);
        print_limit(" burst", tier->burst);
        print_limit("daily_limit", tier->daily_limit);
        printf("\n");
    }
}

static void put_limit(struct json_writer *writer, const char *name, uint64_t limit) {
    if (limit) {
        json_member_i64(writer, name, (int64_t)limit);
        return;
    }
    json_name(writer, name);
    json_put_null(writer);
}

static void print_json(const struct bank_config *config) {
    struct buffer out;
    struct json_writer writer;
    buffer_init_heap(&out, LIMITS_BYTES_MAX);
    json_begin(&writer, &out);
    json_array_begin(&writer);
    for (size_t i = 0; i < config->tier_count; i++) {
        const struct rate_tier *tier = &config->tiers[i].tier;
        json_object_begin(&writer);
        json_member_c(&writer, "tier", tier->name);
        put_limit(&writer, "requests_per_second", tier->requests_per_second);
        put_limit(&writer, "burst", tier->burst);
        put_limit(&writer, "daily_limit", tier->daily_limit);
        json_object_end(&writer);
    }
    json_array_end(&writer);
    check(!out.overflow); /* a tier's name and three numbers are below 256 bytes */
    printf("%.*s\n", (int)out.len, out.at);
    buffer_release(&out);
}

static int list(const char *path, bool json) {
    if (access(path, R_OK) < 0 && errno == EACCES) {
        fprintf(stderr, "giro: %s belongs to another user\n", path);
        return EXIT_DENIED;
    }
    if (!file_exists(path)) {
        fprintf(stderr, "giro: there is no file %s\n", path);
        return EXIT_ABSENT;
    }
    struct bank_config *config = calloc(1, sizeof *config);
    struct config_errors *errors = calloc(1, sizeof *errors);
    int r = config && errors ? bank_config_read(config, path, errors) : -ENOMEM;
    for (size_t i = 0; errors && i < errors->count; i++) fprintf(stderr, "%s\n", errors->messages[i].text);
    if (!r && json) print_json(config);
    if (!r && !json) print_lines(config);
    if (config && errors) bank_config_release(config);
    free(config);
    free(errors);
    return r ? EXIT_FAILED : EXIT_DONE;
}

static int limits_list(int argc, char **argv) {
    const char *var = NULL, *file = NULL;
    bool json = false;
    struct sandbox sandbox;
    struct message message = { .text = "" };
    char path[SANDBOX_PATH_BYTES_MAX];
    const struct option_row rows[] = {
        { "var", "DIR", &var, NULL, "the sandbox's folder (default $GIRO_VAR or var)" },
        { "config", "FILE", &file, NULL, "another configuration than DIR/giro.yaml" },
        { "json", NULL, NULL, &json, "one JSON document" },
    };
    struct options options = { .usage = "limits list [--var DIR | --config FILE] [--json]",
                               .help = "The tiers of clients and what each may do.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    if (file) return list(file, json);
    r = sandbox_init(&sandbox, var, &message);
    if (r) return sandbox_complain(r, &message);
    sandbox_path(&sandbox, "giro.yaml", path);
    if (file_exists(path)) return list(path, json);
    fprintf(stderr, "giro: there is no sandbox in %s: start one with ./run, or name its folder with --var\n",
            sandbox.var);
    return EXIT_UNAVAILABLE;
}

/* One number of the request: "tier" is 0, what the tier says. */
static bool put_number(struct operator_call *call, const char *member, const char *option, const char *text) {
    uint64_t number = 0;
    if (!text) return true;
    if (strcmp(text, "tier") != 0 && (str_to_u64(str_from_c(text), &number) || number == 0 || number > INT64_MAX)) {
        fprintf(stderr, "giro: --%s %s: want a whole number from 1, or tier\n", option, text);
        return false;
    }
    json_member_i64(&call->writer, member, (int64_t)number);
    return true;
}

static int limits_set(int argc, char **argv) {
    struct operator_call call = { 0 };
    const char *rate = NULL, *burst = NULL, *daily = NULL, *addresses = NULL;
    const struct option_row rows[] = {
        { "rate", "N", &rate, NULL, "requests a second, or tier" },
        { "burst", "N", &burst, NULL, "requests at once, or tier" },
        { "daily", "N", &daily, NULL, "requests a day (UTC), or tier" },
        { "addresses", "LIST", &addresses, NULL, "addresses and blocks it may call from, between blanks; or any" },
        OPERATOR_CALL_OPTIONS(&call),
    };
    struct options options = {
        .usage = "limits set CLIENT_ID [--rate N] [--burst N] [--daily N] [--addresses LIST] [--key KEY] [--var DIR] "
                 "[--json]",
        .help = "What one client may do in place of its tier; holds from its next request on.",
        .rows = rows,
        .row_count = ARRAY_COUNT(rows),
        .words_min = 1,
        .words_max = 1
    };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    operator_call_begin(&call, "client_limits");
    json_member_c(&call.writer, "client_id", options.words[0]);
    bool good = put_number(&call, "requests_per_second", "rate", rate) && put_number(&call, "burst", "burst", burst) &&
                put_number(&call, "daily_limit", "daily", daily);
    if (!good) return EXIT_USAGE;
    if (addresses) json_member_c(&call.writer, "addresses", strcmp(addresses, "any") == 0 ? "" : addresses);
    return operator_call_end(&call);
}

int cmd_limits(int argc, char **argv) {
    static const struct subcommand rows[] = {
        { "list", "the tiers of clients and what each may do", limits_list },
        { "set", "what one client may do in place of its tier", limits_set },
    };
    static const struct subcommand_table table = { .title = "giro limits", .rows = rows, .count = ARRAY_COUNT(rows) };
    return subcommand_run(&table, argc, argv);
}
