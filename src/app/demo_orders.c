#include "app/demo.h"

#include "app/exit_code.h"
#include "app/options.h"
#include "app/order_run.h"
#include "app/terminal.h"
#include "platform/clock.h"
#include "platform/file.h"

#define ORDERS_CLIENT "bench-client"
#define ORDERS_SCOPE "accounts payments"

enum { ORDERS_REPORT_BYTES_MAX = 4 * 1024, ORDERS_FUND_FACTOR = 2 };

struct demo_orders {
    struct sandbox sandbox;
    struct arena arena;
    struct order_file file;
    struct account_wish *wishes;
    struct sandbox_caller *caller;
    struct bearer bearer;
    struct order_run run;
    struct order_counts counts;
    struct message message;
    int64_t send_ms, wait_ms; /* durations */
};

/* --- reading and opening --- */

static int read_file(struct demo_orders *demo, const char *path) {
    struct str text;
    struct message why = { .text = "" };
    int r = file_read_all(path, ORDER_FILE_BYTES_MAX, &demo->arena, &text, &why);
    if (!r) r = order_file_parse(text, &demo->arena, &demo->file, &why);
    if (!r) return EXIT_DONE;
    fprintf(stderr, "giro demo orders: %s%s%s\n", r > 0 ? path : "", r > 0 ? ": " : "",
            why.text[0] ? why.text : strerror(r < 0 ? -r : EINVAL));
    return r == -ENOENT ? EXIT_ABSENT : EXIT_FAILED;
}

static int make_wishes(struct demo_orders *demo) {
    demo->wishes = arena_new_array(&demo->arena, struct account_wish, demo->file.account_count);
    if (!demo->wishes) return err_origin(-ENOMEM);
    for (size_t i = 0; i < demo->file.account_count; i++) {
        const struct order_account *account = &demo->file.accounts[i];
        struct account_wish *wish = &demo->wishes[i];
        order_debtor_iban(account->account_id, &wish->iban);
        wish->need_minor = account->total_minor;
        if (checked_mul(account->total_minor, ORDERS_FUND_FACTOR, &wish->fund_minor)) return err_origin(-ERANGE);
    }
    return 0;
}

static int open_accounts(struct demo_orders *demo) {
    int r = make_wishes(demo);
    if (r) return err_trace(r);
    const struct account_opener opener = { .sandbox = &demo->sandbox, .caller = demo->caller, .scope = ORDERS_SCOPE,
                                           .holder = ORDERS_CLIENT, .name = "Order account",
                                           .currency = demo->file.total.currency, .title = "Accounts",
                                           .wishes = demo->wishes, .count = demo->file.account_count };
    return err_trace(account_opener_run(&opener, &demo->message));
}

/* --- running and reporting --- */

static int run_orders(struct demo_orders *demo) {
    struct str token;
    int r = sandbox_caller_open(&demo->sandbox, ORDERS_CLIENT, &demo->caller, &demo->message);
    if (!r) r = sandbox_caller_token(demo->caller, ORDERS_SCOPE, &token, &demo->message); /* is anybody there? */
    if (!r) r = open_accounts(demo);
    if (r) return err_trace(r);
    demo->bearer = (struct bearer){ .lock = PTHREAD_MUTEX_INITIALIZER, .caller = demo->caller, .scope = ORDERS_SCOPE };
    demo->run = (struct order_run){ .caller = demo->caller, .file = &demo->file, .accounts = demo->wishes,
                                    .bearer = &demo->bearer,
                                    .results = calloc(demo->file.order_count, sizeof *demo->run.results) };
    if (!demo->run.results) return err_origin(-ENOMEM);
    int64_t from_ms = clock_mono_ms();
    r = order_run_send(&demo->run, &demo->message);
    demo->send_ms = clock_mono_ms() - from_ms;
    if (!r) r = order_run_wait(&demo->run, &demo->message);
    demo->wait_ms = clock_mono_ms() - from_ms - demo->send_ms;
    order_counts_of(demo->run.results, demo->file.order_count, &demo->counts);
    return err_trace(r);
}

static void print_text(const struct demo_orders *demo) {
    const struct order_counts *counts = &demo->counts;
    bool colours = terminal_has_colours(stdout), good = order_counts_are_good(counts);
    char total[MONEY_TEXT_BYTES], currency[4] = "";
    printf("%llu orders of %zu accounts, %llu answers (%llu replayed) in %lld.%03lld s, final after %lld.%03lld s more\n",
           (unsigned long long)counts->orders, demo->file.account_count, (unsigned long long)counts->sent,
           (unsigned long long)counts->replayed, (long long)(demo->send_ms / 1000), (long long)(demo->send_ms % 1000),
           (long long)(demo->wait_ms / 1000), (long long)(demo->wait_ms % 1000));
    if (counts->total.currency.code)
        printf("total " STR_FMT " " STR_FMT "\n", STR_ARG(money_text(counts->total, total)),
               STR_ARG(currency_text(counts->total.currency, currency)));
    printf("%s%llu completed, %llu rejected, %llu open, %llu duplicates%s\n",
           terminal_colour(colours, good ? TERMINAL_GREEN : TERMINAL_RED), (unsigned long long)counts->completed,
           (unsigned long long)counts->rejected, (unsigned long long)counts->open,
           (unsigned long long)counts->duplicates, terminal_colour(colours, TERMINAL_PLAIN));
}

static void print_reasons(const struct order_counts *counts) {
    for (size_t i = 0; i < counts->reason_count; i++)
        fprintf(stderr, "giro demo orders: %llu times %s\n", (unsigned long long)counts->reasons[i].count,
                counts->reasons[i].text);
    if (counts->unmarked)
        fprintf(stderr, "giro demo orders: %llu replays without Idempotent-Replayed\n",
                (unsigned long long)counts->unmarked);
    if (counts->mixed_currency) fprintf(stderr, "giro demo orders: the answers' amounts do not add up in one currency\n");
}

static int report(const struct demo_orders *demo, bool json) {
    char memory[ORDERS_REPORT_BYTES_MAX];
    struct buffer out;
    buffer_init(&out, memory, sizeof memory);
    order_counts_write(&demo->counts, &out);
    check(!out.overflow);
    if (json)
        printf(STR_FMT "\n", STR_ARG(buffer_str(&out)));
    else
        print_text(demo);
    print_reasons(&demo->counts);
    return order_counts_are_good(&demo->counts) ? EXIT_DONE : EXIT_FAILED;
}

static int orders(struct demo_orders *demo, const char *var, const char *path, bool json) {
    int r = arena_init(&demo->arena, 1024 * 1024, ORDER_FILE_BYTES_MAX + ORDER_FILE_ARENA_BYTES_MAX);
    if (r) return sandbox_caller_complain("demo orders", r, &demo->message);
    int code = read_file(demo, path);
    if (code) return code;
    r = sandbox_init(&demo->sandbox, var, &demo->message);
    if (r) return sandbox_complain(r, &demo->message);
    r = run_orders(demo);
    code = r ? sandbox_caller_complain("demo orders", r, &demo->message) : EXIT_DONE;
    if (!demo->counts.orders) return code; /* nothing was sent */
    int reported = report(demo, json);
    return code ? code : reported;
}

int demo_orders(int argc, char **argv) {
    const char *var = NULL;
    bool json = false;
    const struct option_row rows[] = { { "var", "DIR", &var, NULL, "folder of the sandbox (GIRO_VAR, var)" },
                                       { "json", NULL, NULL, &json, "one JSON document" } };
    struct options options = { .usage = "demo orders FILE [--var DIR] [--json]", .rows = rows,
                               .row_count = ARRAY_COUNT(rows), .words_min = 1, .words_max = 1,
                               .help = "Sends a file of payment orders (Berka format), each one twice with one key." };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    struct demo_orders *demo = calloc(1, sizeof *demo);
    if (!demo) return sandbox_caller_complain("demo orders", err_origin(-ENOMEM), NULL);
    int code = orders(demo, var, options.words[0], json);
    free(demo->run.results);
    sandbox_caller_close(demo->caller);
    arena_release(&demo->arena);
    free(demo);
    return code;
}
