/* cmd_audit.c - giro audit verify | search [--interaction-id ID] | export. */
#include "app/journal_view.h"

#include "engine/chain.h"
#include "services/ledger/ledger.h"

static int audit_verify(int argc, char **argv) {
    static const struct table *const chained[] = { &ledger_entry_table, &ledger_transaction_table };
    struct store_view view = { 0 };
    bool open;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view) };
    struct options options = { .usage = "audit verify [--var DIR] [--json]",
                               .help = "Recomputes the journal's chain; exit code 4 when it is broken.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    struct chain_result chain;
    int code = store_view_begin(&view, &options, argc, argv, &open);
    if (!open) return code;
    int r = chain_verify(&view.reader, chained, ARRAY_COUNT(chained), &chain);
    if (!r) {
        store_view_row_begin(&view);
        store_view_number(&view, "records", 10, chain.records);
        store_view_word(&view, "chain", 18, chain_break_name(chain.reason));
        store_view_number(&view, "audit_records", 13, chain.audits);
        store_view_number(&view, "events", 10, chain.events);
        if (chain.broken) store_view_number(&view, "first_bad_seq", 13, chain.first_bad_seq);
        store_view_row_end(&view);
        code = chain.broken ? EXIT_PROOF_FAILED : EXIT_DONE;
    }
    return store_view_end(&view, r, code);
}

struct search {
    const char *interaction_id; /* NULL: all */
    uint64_t left;
    struct arena arena; /* of one frame's tree */
};

/* 1: it is what is looked for; 0: not; <0. */
static int matches(struct search *search, struct str json) {
    const struct json *tree;
    if (!search->interaction_id) return 1;
    arena_reset(&search->arena);
    int r = json_parse_arena(json, JOURNAL_FRAME_BYTES_MAX, JSON_DEPTH_MAX, &search->arena, &tree);
    if (r) return r < 0 ? err_trace(r) : 0;
    return str_equal_nocase(json_get_string(tree, "interaction_id"), str_from_c(search->interaction_id));
}

static int print_match(struct journal_walk *walk, const struct journal_row *record, struct str json) {
    struct search *search = walk->ctx;
    int r = matches(search, json);
    if (r <= 0) return err_trace(r);
    journal_print_frame(walk->view, record, "record", json);
    return --search->left == 0;
}

static int search_run(struct store_view *view, struct search *search) {
    struct journal_walk walk = { .view = view, .type = JOURNAL_AUDIT, .each = print_match, .ctx = search };
    struct journal_place place = { .epoch = 0 };
    int r = arena_init(&search->arena, STORE_VIEW_ARENA_BYTES, STORE_VIEW_ARENA_BYTES_MAX);
    store_view_list_begin(view);
    if (!r) r = journal_walk_run(&walk, &place);
    store_view_list_end(view);
    arena_release(&search->arena);
    return err_trace(r);
}

static int audit_search(int argc, char **argv) {
    struct store_view view = { 0 };
    struct search search = { 0 };
    bool open;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view),
                                       STORE_VIEW_LIMIT_OPTION(&view),
                                       { "interaction-id", "ID", &search.interaction_id, NULL,
                                         "only the calls with this x-fapi-interaction-id" } };
    struct options options = { .usage = "audit search [--interaction-id ID] [--limit N] [--var DIR] [--json]",
                               .help = "Who did what, oldest first.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    int code = store_view_begin(&view, &options, argc, argv, &open);
    if (!open) return code;
    search.left = view.limit;
    return store_view_end(&view, search_run(&view, &search), code);
}

static int audit_export(int argc, char **argv) {
    struct store_view view = { 0 };
    struct search search = { .left = UINT64_MAX };
    bool open;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view) };
    struct options options = { .usage = "audit export [--var DIR] [--json]",
                               .help = "Every audit record, oldest first.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    int code = store_view_begin(&view, &options, argc, argv, &open);
    if (!open) return code;
    return store_view_end(&view, search_run(&view, &search), code);
}

int cmd_audit(int argc, char **argv) {
    static const struct subcommand rows[] = {
        { "verify", "recompute the journal's chain", audit_verify },
        { "search", "audit records, of one call with --interaction-id", audit_search },
        { "export", "every audit record", audit_export },
    };
    static const struct subcommand_table table = { .title = "giro audit", .rows = rows, .count = ARRAY_COUNT(rows) };
    return subcommand_run(&table, argc, argv);
}
