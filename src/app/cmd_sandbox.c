#include "app/subcommand.h"

#include "app/account_view.h"
#include "app/admin_client.h"
#include "app/sandbox_customers.h"
#include "app/sandbox_software.h"
#include "domain/id.h"
#include "domain/money.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "platform/net.h"
#include "platform/secret.h"
#include "wire/json.h"

enum { CONTROL_MS = 3000, CONTROL_BYTES_MAX = 256, FUND_ARENA_BYTES = 128 * 1024, FUND_BYTES_MAX = 1024 };

static const char var_help[] = "the sandbox's folder (GIRO_VAR, then var)";

/* ---- customers ---- */

static void print_people(const struct sandbox_customers *customers) {
    for (size_t i = 0; i < SANDBOX_CUSTOMERS; i++) {
        const struct sandbox_customer *customer = &customers->at[i];
        printf("%-4s password %s  one-time-code secret %s\n", customer->login, customer->password,
               customer->totp_secret);
        for (size_t j = 0; j < SANDBOX_CUSTOMER_ACCOUNTS; j++)
            printf("     %s  %s %s  %s  %s\n", customer->accounts[j].iban, customer->accounts[j].sort_code,
                   customer->accounts[j].account_number, customer->accounts[j].account_id, customer->accounts[j].name);
    }
}

static int customers_print(const char *var, bool json) {
    struct sandbox sandbox;
    struct sandbox_customers customers;
    struct message message = { .text = "" };
    char path[SANDBOX_PATH_BYTES_MAX], text[SANDBOX_CUSTOMERS_BYTES_MAX];
    int r = sandbox_init(&sandbox, var, &message);
    if (!r) r = sandbox_read_state(&sandbox, &message);
    if (r) return sandbox_complain(r, &message);
    sandbox_path(&sandbox, "customers.json", path);
    if (!file_exists(path)) {
        fprintf(stderr, "giro: %s is missing\n", path);
        return EXIT_ABSENT;
    }
    r = sandbox_customers_open(&sandbox, &customers, &message);
    if (r) return sandbox_complain(r, &message);
    if (json) {
        struct buffer out;
        buffer_init(&out, text, sizeof text);
        sandbox_customers_put(&out, &customers);
        (void)fwrite(out.at, 1, out.len, stdout); /* main looks at the stream */
        secret_wipe(text, sizeof text);
    } else {
        print_people(&customers);
    }
    sandbox_customers_release(&customers);
    return EXIT_DONE;
}

static int cmd_sandbox_customers(int argc, char **argv) {
    const char *var = NULL;
    bool json = false;
    const struct option_row rows[] = { { "var", "DIR", &var, NULL, var_help },
                                       { "json", NULL, NULL, &json, "one JSON document" } };
    struct options options = { .usage = "sandbox customers [--json]",
                               .help = "Prints the sample customers with password, one-time-code secret and accounts.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    int r = options_parse(&options, argc, argv);
    return r ? options_exit(r) : customers_print(var, json);
}

/* ---- fund ---- */

static int fund_call(const struct sandbox *sandbox, struct str request, struct message *message) {
    char path[SANDBOX_PATH_BYTES_MAX];
    struct admin_client client;
    struct arena arena = { 0 };
    const struct json *answer;
    sandbox_socket(sandbox, "admin.sock", path);
    int r = admin_client_open(&client, path, message);
    if (r) return EXIT_UNAVAILABLE;
    r = arena_init(&arena, FUND_ARENA_BYTES, 2 * FUND_ARENA_BYTES);
    if (!r) r = admin_client_call(&client, request, &arena, &answer, message);
    admin_client_close(&client);
    arena_release(&arena);
    if (r == ADMIN_CLIENT_E_UNREACHABLE) return EXIT_UNAVAILABLE;
    return r ? EXIT_FAILED : EXIT_DONE;
}

/* account: its texts are not used. */
static int fund(const char *var, const struct account_row *account, const char *amount, bool json) {
    struct sandbox sandbox;
    struct money money;
    struct message message = { .text = "" };
    char id[ID_TEXT_BYTES], currency[4], text[FUND_BYTES_MAX];
    int r = sandbox_init(&sandbox, var, &message);
    if (r) return sandbox_complain(r, &message);
    struct currency unit = { .code = (uint32_t)account->currency };
    r = money_parse(str_from_c(amount), unit, &money);
    if (r) {
        fprintf(stderr, "giro: %s: %s\n", amount, money_refusal_text(r));
        return EXIT_USAGE;
    }
    struct str code = currency_text(unit, currency);
    id_format(account->account_id, id);
    int len =
        snprintf(text, sizeof text,
                 "{\"command\":\"account_fund\",\"account_id\":\"%s\",\"amount\":\"%s\",\"currency\":\"" STR_FMT "\"}",
                 id, amount, STR_ARG(code));
    check(len > 0 && len < (int)sizeof text); /* an amount that was read has few digits */
    int exit_code = fund_call(&sandbox, str_from_bytes(text, (size_t)len), &message);
    if (exit_code) fprintf(stderr, "giro: %s\n", message.text);
    if (!exit_code && json)
        printf("{\"account_id\":\"%s\",\"amount\":\"%s\",\"currency\":\"" STR_FMT "\"}\n", id, amount, STR_ARG(code));
    if (!exit_code && !json) printf("%s got %s " STR_FMT "\n", id, amount, STR_ARG(code));
    return exit_code;
}

static int cmd_sandbox_fund(int argc, char **argv) {
    struct store_view view = { 0 };
    bool open;
    const struct option_row rows[] = { { "var", "DIR", &view.var, NULL, var_help },
                                       { "json", NULL, NULL, &view.json, "one JSON document" } };
    struct options options = { .usage = "sandbox fund ACCOUNT AMOUNT [--json]",
                               .help = "Gives an account (its id or IBAN) an amount in its own currency.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 2,
                               .words_max = 2 };
    const struct account_row *found = NULL;
    struct account_row account = { 0 };
    int code = store_view_begin(&view, &options, argc, argv, &open);
    if (!open) return code;
    int r = account_find(&view, options.words[0], &found);
    if (!r && !found) code = store_view_absent("account");
    if (!r && found) account = *found;
    code = store_view_end(&view, r, code);
    return code ? code : fund(view.var, &account, options.words[1], view.json);
}

/* ---- core ---- */

static int control_core(const char *path, const char *mode, struct message *message) {
    char text[CONTROL_BYTES_MAX];
    int fd;
    size_t got = 0;
    int64_t deadline_ms = clock_mono_ms() + CONTROL_MS;
    int r = net_connect_unix(path, deadline_ms, &fd);
    if (r) {
        message_set(message, "the core banking simulator does not answer on %s: %s", path, strerror(-r));
        return EXIT_UNAVAILABLE;
    }
    int len = snprintf(text, sizeof text, "mode %s\n", mode);
    r = net_send_all(fd, text, (size_t)len, deadline_ms);
    if (!r) r = net_receive_some(fd, text, sizeof text - 1, deadline_ms, &got);
    net_close(fd);
    if (r) {
        message_set(message, "the core banking simulator broke off: %s", strerror(-r));
        return EXIT_UNAVAILABLE;
    }
    struct str answer = str_from_bytes(text, got);
    if (str_equal(answer, STR("ok\n"))) return EXIT_DONE;
    if (answer.len && answer.at[answer.len - 1] == '\n') answer.len--;
    message_set(message, STR_FMT, STR_ARG(answer));
    return EXIT_FAILED;
}

static int set_core_mode(const char *var, const char *mode, bool json) {
    static const char *const modes[] = { "ok", "slow", "silent", "twice", "fail-before", "fail-after", "fail-random" };
    struct sandbox sandbox;
    struct message message = { .text = "" };
    char path[SANDBOX_PATH_BYTES_MAX];
    size_t i = 0;
    while (i < ARRAY_COUNT(modes) && strcmp(modes[i], mode) != 0) i++;
    if (i == ARRAY_COUNT(modes)) {
        fprintf(stderr, "giro: no such mode: %s (ok, slow, silent, twice, fail-before, fail-after, fail-random)\n",
                mode);
        return EXIT_USAGE;
    }
    int r = sandbox_init(&sandbox, var, &message);
    if (r) return sandbox_complain(r, &message);
    sandbox_socket(&sandbox, "core.sock", path);
    int exit_code = control_core(path, mode, &message);
    if (exit_code) fprintf(stderr, "giro: %s\n", message.text);
    if (!exit_code && json) printf("{\"mode\":\"%s\"}\n", mode);
    if (!exit_code && !json) printf("core banking: %s\n", mode);
    return exit_code;
}

static int cmd_sandbox_core(int argc, char **argv) {
    const char *var = NULL;
    bool json = false;
    const struct option_row rows[] = { { "var", "DIR", &var, NULL, var_help },
                                       { "json", NULL, NULL, &json, "one JSON document" } };
    struct options options = { .usage = "sandbox core ok|slow|silent|twice|fail-before|fail-after|fail-random [--json]",
                               .help = "Sets how the core banking simulator behaves from now on.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 1,
                               .words_max = 1 };
    int r = options_parse(&options, argc, argv);
    return r ? options_exit(r) : set_core_mode(var, options.words[0], json);
}

/* ---- scenarios ---- */

static const struct {
    const char *name, *how, *outcome;
} scenarios[] = {
    { "completed", "pay 10.00 GBP to any UK sort code and account number", "completed" },
    { "on-us", "pay another sample customer's IBAN", "completed at once, without the core" },
    { "insufficient-funds", "pay 1,000.00 GBP as zoe", "rejected, insufficient_funds" },
    { "fraud", "pay GB33BUKB20201555555555", "rejected, fraud" },
    { "sanctions", "pay creditor name BANCO NACIONAL DE CUBA", "rejected, sanctions" },
    { "core-refuses", "pay an account number that ends in 0000000", "rejected, core_refused" },
    { "answer-lost", "giro sandbox core fail-after, then pay", "unknown, then completed by enquiry" },
    { "core-breaks", "giro sandbox core fail-before, then pay", "rejected, the hold is released" },
    { "customer-declines", "login_hint=decline in the pushed request", "access_denied" },
};

static int cmd_sandbox_scenarios(int argc, char **argv) {
    bool json = false;
    const struct option_row rows[] = { { "json", NULL, NULL, &json, "one JSON document" } };
    struct options options = { .usage = "sandbox scenarios [--json]",
                               .help = "Lists what to do for each outcome.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    if (json) printf("[");
    for (size_t i = 0; i < ARRAY_COUNT(scenarios); i++) {
        if (json)
            printf("%s{\"name\":\"%s\",\"how\":\"%s\",\"outcome\":\"%s\"}", i ? "," : "", scenarios[i].name,
                   scenarios[i].how, scenarios[i].outcome);
        else printf("%-19s %-52s %s\n", scenarios[i].name, scenarios[i].how, scenarios[i].outcome);
    }
    if (json) printf("]\n");
    return EXIT_DONE;
}

/* ---- software ---- */

static int cmd_sandbox_software(int argc, char **argv) {
    const char *var = NULL, *roles = "AISP,PISP,CBPII", *uri = "https://localhost:9999/callback";
    const struct option_row rows[] = { { "var", "DIR", &var, NULL, var_help },
                                       { "roles", "LIST", &roles, NULL, "of AISP, PISP, CBPII (default: all)" },
                                       { "redirect-uri", "URI", &uri, NULL, "where customers come back to" } };
    struct options options = { .usage = "sandbox software NAME [--roles LIST] [--redirect-uri URI] [--var DIR]",
                               .help =
                                   "Makes var/software/NAME: keys, certificates and a fresh software statement, for\n"
                                   "software that registers itself at POST /register.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 1,
                               .words_max = 1 };
    struct message message = { .text = "" };
    struct sandbox sandbox;
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    r = sandbox_init(&sandbox, var, &message);
    if (!r) r = sandbox_read_state(&sandbox, &message);
    if (r) return sandbox_complain(r, &message);
    struct sandbox_software software = { .name = options.words[0], .roles = roles, .redirect_uri = uri };
    r = sandbox_software_issue(&sandbox, &software, &message);
    if (r) return sandbox_complain(r, &message);
    printf("%s/software/%s\n", sandbox.var, options.words[0]);
    return EXIT_DONE;
}

int cmd_sandbox(int argc, char **argv) {
    static const struct subcommand rows[] = {
        { "customers", "the sample customers with their secrets", cmd_sandbox_customers },
        { "scenarios", "what to do for each outcome", cmd_sandbox_scenarios },
        { "fund", "gives an account money", cmd_sandbox_fund },
        { "software", "software that may register itself", cmd_sandbox_software },
        { "core", "how the core banking simulator behaves", cmd_sandbox_core },
    };
    static const struct subcommand_table table = { .title = "giro sandbox", .rows = rows, .count = ARRAY_COUNT(rows) };
    return subcommand_run(&table, argc, argv);
}
