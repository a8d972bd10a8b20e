/* cmd_saga.c - giro saga check FILE | list | show ID | stuck. */
#include "app/journal_view.h"

#include "integration/saga/payment_saga.h"
#include "integration/saga/saga_check.h"
#include "platform/clock.h"
#include "platform/file.h"

enum { STUCK_MS = 60 * 1000, STUCK_ENQUIRIES = 3 };
#define SAGA_DEFINITION_DEFAULT "sagas/payment.asl.json"

/* 0 with a definition; -ENOENT; >0 what saga_def_compile says; <0. */
static int definition_read(const char *path, struct saga_def **ret_def, struct message *message) {
    struct arena arena;
    struct str text;
    int r = arena_init(&arena, SAGA_DEF_BYTES_MAX, 2 * SAGA_DEF_BYTES_MAX);
    if (r) return err_trace(r);
    r = file_read_all(path, SAGA_DEF_BYTES_MAX, &arena, &text, message);
    if (!r) r = saga_def_compile(text, &payment_saga_registry, ret_def, message);
    arena_release(&arena);
    return r;
}

/* ---- check ---- */

static void report_json(const struct saga_report *report) {
    struct buffer out;
    struct json_writer writer;
    buffer_init_heap(&out, (SAGA_FINDINGS_MAX + 1) * 6 * SAGA_FINDING_BYTES_MAX);
    json_begin(&writer, &out);
    json_object_begin(&writer);
    json_member_bool(&writer, "safe", report->error_count == 0);
    json_member_i64(&writer, "errors", (int64_t)report->error_count);
    json_member_i64(&writer, "warnings", (int64_t)report->warning_count);
    json_name(&writer, "findings");
    json_array_begin(&writer);
    for (size_t i = 0; i < report->count; i++) {
        json_object_begin(&writer);
        json_member_bool(&writer, "warning", report->findings[i].warning);
        json_member_c(&writer, "text", report->findings[i].text);
        json_object_end(&writer);
    }
    json_array_end(&writer);
    json_object_end(&writer);
    printf("%.*s\n", (int)out.len, out.at);
    buffer_release(&out);
}

static void report_lines(const struct saga_report *report) {
    for (size_t i = 0; i < report->count; i++)
        printf("%s%s\n", report->findings[i].warning ? "warning: " : "", report->findings[i].text);
    printf("%zu errors, %zu warnings: %s\n", report->error_count, report->warning_count,
           report->error_count ? "NOT SAFE" : "what is done is undone, or the pivot has been passed");
}

static int saga_check_run(int argc, char **argv) {
    bool json = false;
    const struct option_row rows[] = { { "json", NULL, NULL, &json, "one JSON document" } };
    struct options options = { .usage = "saga check FILE [--json]",
                               .help =
                                   "Proves a definition safe, or prints the paths on which it is not (exit code 4).",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 1,
                               .words_max = 1 };
    struct message message = { .text = "" };
    struct saga_def *def;
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    r = definition_read(options.words[0], &def, &message);
    if (r) {
        fprintf(stderr, "giro: %s\n", message.text);
        return r == -ENOENT ? EXIT_ABSENT : r > 0 ? EXIT_PROOF_FAILED : EXIT_FAILED;
    }
    struct saga_report *report = calloc(1, sizeof *report);
    r = report ? saga_check(def, report) : -ENOMEM;
    if (r >= 0) (json ? report_json : report_lines)(report);
    else fprintf(stderr, "giro: out of memory\n");
    free(report);
    saga_def_free(def);
    return r < 0 ? EXIT_FAILED : r > 0 ? EXIT_PROOF_FAILED : EXIT_DONE;
}

/* ---- unfinished sagas ---- */

struct sagas {
    struct store_view view;
    const char *definition;
    struct saga_def *def; /* NULL: states are shown without their names */
    int64_t now_ms;
    bool only_stuck;
};

static bool is_stuck(const struct sagas *sagas, const struct saga_row *row, const struct saga_state *state) {
    if (row->enquiries >= STUCK_ENQUIRIES) return true;
    return sagas->now_ms - (state ? state->entered_at_ms : row->record_ms) > STUCK_MS;
}

static void print_saga(struct sagas *sagas, const struct saga_row *row, const struct payment_row *payment) {
    struct saga_state state;
    struct store_view *view = &sagas->view;
    bool known = sagas->def && saga_state_read(sagas->def, row->state, &state) == 0;
    bool stuck = is_stuck(sagas, row, known ? &state : NULL);
    if (sagas->only_stuck && !stuck) return;
    store_view_row_begin(view);
    store_view_id(view, "saga_id", 36, row->saga_id);
    store_view_text(view, "state", 16, known ? saga_def_state_name(sagas->def, state.current) : STR("?"));
    store_view_word(view, "state_status", 12, known ? saga_status_name(state.status) : "?");
    store_view_word(view, "payment_status", 14,
                    payment && payment->status >= 0 && payment->status < PAYMENT_STATUS_COUNT
                        ? payment_status_name((enum payment_status)payment->status)
                        : "?");
    store_view_number(view, "enquiries", 9, row->enquiries);
    store_view_time(view, "started_at", 24, row->record_ms);
    if (known) store_view_time(view, "entered_at", 24, state.entered_at_ms);
    store_view_word(view, "stuck", 5, stuck ? "yes" : "no");
    store_view_row_end(view);
}

static int print_saga_row(void *ctx, const void *at) {
    struct sagas *sagas = ctx;
    const struct saga_row *row = at;
    struct payment_row probe = { 0 };
    const void *payment;
    memcpy(probe.payment_id, row->saga_id, 16);
    int r = read_row(&sagas->view.reader, &payment_table, 0, &probe, &sagas->view.arena, &payment);
    if (!r) print_saga(sagas, row, payment);
    return err_trace(r);
}

static void definition_take(struct sagas *sagas) {
    const char *path = sagas->definition ? sagas->definition : SAGA_DEFINITION_DEFAULT;
    struct message message = { .text = "" };
    if (definition_read(path, &sagas->def, &message) == 0) return;
    sagas->def = NULL;
    fprintf(stderr, "giro: states are shown without names: %s\n", message.text);
}

static int sagas_print(struct sagas *sagas, struct options *options, int argc, char **argv) {
    bool open;
    int code = store_view_begin(&sagas->view, options, argc, argv, &open);
    if (!open) return code;
    sagas->now_ms = clock_now_ms();
    definition_take(sagas);
    int r = store_view_table(&sagas->view, &saga_table, print_saga_row, sagas);
    saga_def_free(sagas->def);
    return store_view_end(&sagas->view, r, code);
}

#define SAGA_DEFINITION_OPTION(sagas)                                                                                  \
    {                                                                                                                  \
        "definition", "FILE", &(sagas)->definition, NULL,                                                              \
            "the definition they run (default " SAGA_DEFINITION_DEFAULT ")"                                            \
    }

static int saga_list(int argc, char **argv) {
    struct sagas sagas = { 0 };
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&sagas.view), SAGA_DEFINITION_OPTION(&sagas) };
    struct options options = { .usage = "saga list [--var DIR] [--json]",
                               .help = "The sagas that have not ended.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    return sagas_print(&sagas, &options, argc, argv);
}

static int saga_stuck(int argc, char **argv) {
    struct sagas sagas = { .only_stuck = true };
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&sagas.view), SAGA_DEFINITION_OPTION(&sagas) };
    struct options options = {
        .usage = "saga stuck [--var DIR] [--json]",
        .help = "The sagas that stand in one state for over a minute, or asked the core three times in vain.",
        .rows = rows,
        .row_count = ARRAY_COUNT(rows)
    };
    return sagas_print(&sagas, &options, argc, argv);
}

/* ---- one saga: its history ---- */

static int print_history(struct journal_walk *walk, const struct journal_row *record, struct str json) {
    const char *wanted = walk->ctx; /* "saga_id":"..." as history lines write it */
    size_t at;
    if (str_find(json, str_from_c(wanted), &at)) journal_print_frame(walk->view, record, "history", json);
    return 0;
}

static int saga_show(int argc, char **argv) {
    struct store_view view = { 0 };
    bool open;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view) };
    struct options options = { .usage = "saga show ID [--var DIR] [--json]",
                               .help = "What one saga did, from the journal.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 1,
                               .words_max = 1 };
    uint8_t id[16];
    char text[ID_TEXT_BYTES], wanted[64];
    int code = store_view_begin(&view, &options, argc, argv, &open), r = 0;
    if (!open) return code;
    code = store_view_read_id(options.words[0], id);
    if (code) return store_view_end(&view, 0, code);
    (void)snprintf(wanted, sizeof wanted, "\"saga_id\":\"" STR_FMT "\"", STR_ARG(id_format(id, text)));
    struct journal_walk walk = { .view = &view, .type = JOURNAL_HISTORY, .each = print_history, .ctx = wanted };
    store_view_list_begin(&view);
    struct journal_place place = { .epoch = 0 };
    r = journal_walk_run(&walk, &place);
    store_view_list_end(&view);
    if (!r && view.rows == 0) code = store_view_absent("saga");
    return store_view_end(&view, r, code);
}

int cmd_saga(int argc, char **argv) {
    static const struct subcommand rows[] = {
        { "check", "prove a definition safe", saga_check_run },
        { "list", "the sagas that have not ended", saga_list },
        { "show", "what one saga did", saga_show },
        { "stuck", "the sagas that do not get on", saga_stuck },
    };
    static const struct subcommand_table table = { .title = "giro saga", .rows = rows, .count = ARRAY_COUNT(rows) };
    return subcommand_run(&table, argc, argv);
}
