/* cmd_audit.c - giro audit verify | search | export | proof | checkpoint. */
#include "app/admin_ask.h"
#include "app/audit_export.h"
#include "app/journal_view.h"

#include "engine/chain.h"
#include "platform/clock.h"
#include "platform/file.h"
#include "services/ledger/ledger.h"

enum { AUDIT_PAGE_RECORDS = 64, AUDIT_PROOF_ARENA_BYTES = 512 * 1024 };

/* ---- verify ---- */

struct verify {
    struct store_view view;
    const char *export_path, *proof_path, *key_path, *at_least;
};

static int trail_record(void *ctx, const struct journal_row *record) {
    return err_trace(audit_trail_record(ctx, record));
}

static int trail_walk(struct store_view *view, struct key *key, struct audit_trail_result *ret_result) {
    struct journal_place place = { .epoch = 0 };
    struct journal_page page = { .place = &place, .limit = AUDIT_PAGE_RECORDS, .each = trail_record };
    struct audit_trail *trail;
    int r = audit_trail_new(key, &trail);
    if (r) return err_trace(r);
    page.ctx = trail;
    do r = journal_page_read(view, &page);
    while (r == 0 && page.records);
    audit_trail_result(trail, ret_result);
    (void)audit_trail_free(trail);
    return err_trace(r);
}

/* The key that was given, else the bank's own, if it is there. */
static int key_find(const struct verify *verify, struct key **ret_key) {
    char path[BANK_PATH_BYTES_MAX];
    struct str folder = verify->view.config.options.secrets_folder;
    *ret_key = NULL;
    if (verify->key_path) {
        *ret_key = audit_key_read(verify->key_path);
        return *ret_key ? 0 : err_origin(-EINVAL);
    }
    (void)snprintf(path, sizeof path, STR_FMT "/audit-signing.pem", STR_ARG(folder));
    if (file_exists(path)) *ret_key = audit_key_read(path);
    return 0;
}

static int verify_store(struct verify *verify) {
    static const struct table *const chained[] = { &ledger_entry_table, &ledger_transaction_table };
    struct store_view *view = &verify->view;
    struct audit_trail_result trail = { .reason = AUDIT_TRAIL_OK };
    struct chain_result chain;
    struct key *key = NULL;
    int code = EXIT_DONE;
    int r = key_find(verify, &key);
    if (!r) r = chain_verify(&view->reader, chained, ARRAY_COUNT(chained), &chain);
    if (!r && !chain.broken) r = trail_walk(view, key, &trail);
    (void)key_free(key);
    if (!r) {
        bool bad = trail.reason != AUDIT_TRAIL_OK;
        store_view_row_begin(view);
        store_view_number(view, "records", 10, chain.records);
        store_view_word(view, "chain", 27, bad ? audit_trail_fault_name(trail.reason) : chain_break_name(chain.reason));
        store_view_number(view, "audit_records", 13, chain.audits);
        store_view_number(view, "events", 10, chain.events);
        store_view_number(view, "checkpoints", 11, trail.checkpoints);
        store_view_number(view, "proven_seq", 10, trail.proven_seq);
        if (chain.broken || bad)
            store_view_number(view, "first_bad_seq", 13, chain.broken ? chain.first_bad_seq : trail.bad_seq);
        store_view_row_end(view);
        code = chain.broken || bad ? EXIT_PROOF_FAILED : EXIT_DONE;
    }
    return store_view_end(view, r, code);
}

static void print_trail(const struct audit_trail_result *result, const char *chain, bool json) {
    char time[CLOCK_TEXT_BYTES];
    struct str until = clock_format_rfc3339(result->proven_ms, time);
    if (json)
        printf("{\"records\":%lld,\"chain\":\"%s\",\"audit_records\":%lld,\"checkpoints\":%lld,\"first_seq\":%lld,"
               "\"last_seq\":%lld,\"proven_seq\":%lld,\"proven_at\":\"" STR_FMT "\"}\n",
               (long long)result->records, chain, (long long)result->audits, (long long)result->checkpoints,
               (long long)result->first_seq, (long long)result->last_seq, (long long)result->proven_seq,
               STR_ARG(until));
    else
        printf("%lld records, %lld checkpoints, up to seq %lld of " STR_FMT ": %s\n", (long long)result->records,
               (long long)result->checkpoints, (long long)result->proven_seq, STR_ARG(until), chain);
}

static int verify_export(const struct verify *verify, struct key *key) {
    struct audit_trail_result result = { .reason = AUDIT_TRAIL_OK };
    bool malformed = false;
    uint64_t at_least = 0;
    if (!options_number("at-least", verify->at_least, 1, INT64_MAX, &at_least)) return EXIT_USAGE;
    int r = audit_export_verify(verify->export_path, key, &result, &malformed);
    if (r < 0) return EXIT_FAILED;
    const char *chain = result.reason != AUDIT_TRAIL_OK         ? audit_trail_fault_name(result.reason)
                        : malformed                             ? "malformed_export"
                        : result.proven_seq < (int64_t)at_least ? "too_short"
                                                                : "ok";
    print_trail(&result, chain, verify->view.json);
    return strcmp(chain, "ok") == 0 ? EXIT_DONE : EXIT_PROOF_FAILED;
}

static int verify_proof(const struct verify *verify, const struct key *key) {
    struct arena arena = { 0 };
    struct str record = { 0 };
    bool holds = false;
    if (arena_init(&arena, AUDIT_PROOF_ARENA_BYTES, 2 * AUDIT_PROOF_ARENA_BYTES)) return EXIT_FAILED;
    int r = audit_proof_verify(verify->proof_path, key, &arena, &record, &holds);
    if (r == 0 && verify->view.json) printf("{\"proof\":\"%s\"}\n", holds ? "ok" : "broken");
    else if (r == 0 && holds) printf("the record stood in the journal:\n" STR_FMT "\n", STR_ARG(record));
    else if (r == 0) printf("the proof does not hold\n");
    arena_release(&arena);
    return r ? EXIT_FAILED : holds ? EXIT_DONE : EXIT_PROOF_FAILED;
}

static int verify_file(const struct verify *verify) {
    if (!verify->key_path || (verify->export_path && verify->proof_path)) {
        fprintf(stderr, "giro audit verify: one of --export and --proof, and --key with the bank's public key\n");
        return EXIT_USAGE;
    }
    struct key *key = audit_key_read(verify->key_path);
    if (!key) return EXIT_FAILED;
    int code = verify->export_path ? verify_export(verify, key) : verify_proof(verify, key);
    (void)key_free(key);
    return code;
}

static int audit_verify(int argc, char **argv) {
    struct verify verify = { .export_path = NULL };
    bool open;
    const struct option_row rows[] = {
        STORE_VIEW_OPTIONS(&verify.view),
        { "export", "FILE", &verify.export_path, NULL, "an export in place of the store; needs --key alone" },
        { "proof", "FILE", &verify.proof_path, NULL, "the proof of one record; needs --key alone" },
        { "key", "FILE", &verify.key_path, NULL, "the bank's public key in PEM (default its own copy)" },
        { "at-least", "SEQ", &verify.at_least, NULL, "an export that is proven up to there, or further" },
    };
    struct options options = { .usage = "audit verify [--export FILE | --proof FILE] [--key FILE] [--var DIR] [--json]",
                               .help = "Recomputes the journal's chain and its checkpoints; exit code 4 when they are "
                                       "broken.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    struct options probe = options; /* a file needs no store */
    int r = options_read(&probe, argc, argv, NULL);
    if (r == 0 && (verify.export_path || verify.proof_path)) return verify_file(&verify);
    int code = store_view_begin(&verify.view, &options, argc, argv, &open);
    return open ? verify_store(&verify) : code;
}

/* ---- search ---- */

struct search {
    const char *interaction_id, *id, *client_id; /* NULL: any */
    uint64_t left;
    struct arena arena; /* of one frame's tree */
};

static bool is_wanted(const struct json *tree, const char *name, const char *wanted) {
    return !wanted || str_equal_nocase(json_get_string(tree, name), str_from_c(wanted));
}

/* 1: it is what is looked for; 0: not; <0. */
static int matches(struct search *search, struct str json) {
    const struct json *tree;
    if (!search->interaction_id && !search->id && !search->client_id) return 1;
    arena_reset(&search->arena);
    int r = json_parse_arena(json, JOURNAL_FRAME_BYTES_MAX, JSON_DEPTH_MAX, &search->arena, &tree);
    if (r) return r < 0 ? err_trace(r) : 0;
    return is_wanted(tree, "interaction_id", search->interaction_id) && is_wanted(tree, "id", search->id) &&
           is_wanted(tree, "client_id", search->client_id);
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
    const struct option_row rows[] = {
        STORE_VIEW_OPTIONS(&view),
        STORE_VIEW_LIMIT_OPTION(&view),
        { "interaction-id", "ID", &search.interaction_id, NULL, "only the calls with this x-fapi-interaction-id" },
        { "id", "ID", &search.id, NULL, "only the record with this id: the Id of an Open Banking error" },
        { "client-id", "ID", &search.client_id, NULL, "only the calls of this client: its id, not its name" },
    };
    struct options options = {
        .usage = "audit search [--interaction-id ID] [--id ID] [--client-id ID] [--limit N] [--var DIR] [--json]",
        .help = "Who did what, oldest first: both bodies masked, and why a call was refused.",
        .rows = rows,
        .row_count = ARRAY_COUNT(rows)
    };
    int code = store_view_begin(&view, &options, argc, argv, &open);
    if (!open) return code;
    search.left = view.limit;
    return store_view_end(&view, search_run(&view, &search), code);
}

/* ---- export, proof ---- */

static int no_checkpoint(struct store_view *view) {
    int code = store_view_end(view, 0, EXIT_UNAVAILABLE);
    fprintf(stderr, "giro: no checkpoint covers it yet; ask for one with giro audit checkpoint\n");
    return code;
}

static int export_to(struct store_view *view, const char *path, const char *from_text, const char *to_text) {
    uint64_t from = 1, to = INT64_MAX;
    int64_t records = 0;
    if (!options_number("from", from_text, 1, INT64_MAX, &from) || !options_number("to", to_text, 1, INT64_MAX, &to))
        return store_view_end(view, 0, EXIT_USAGE);
    int r = audit_export_write(view, path, (int64_t)from, (int64_t)to, &records);
    if (r == 1) return no_checkpoint(view);
    if (!r) {
        store_view_row_begin(view);
        store_view_number(view, "records", 10, records);
        store_view_row_end(view);
    }
    return store_view_end(view, r, EXIT_DONE);
}

static int audit_export(int argc, char **argv) {
    struct store_view view = { 0 };
    struct search search = { .left = UINT64_MAX };
    const char *from = NULL, *to = NULL;
    bool open;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view),
                                       { "from", "SEQ", &from, NULL, "from this record of the journal" },
                                       { "to", "SEQ", &to, NULL, "up to this one (default the last that is signed)" } };
    struct options options = { .usage = "audit export [--from SEQ] [--to SEQ] [--var DIR] [--json] [FILE]",
                               .help = "Into a new FILE: the journal with its proof, for giro audit verify --export. "
                                       "Without: every audit record.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_max = 1 };
    int code = store_view_begin(&view, &options, argc, argv, &open);
    if (!open) return code;
    if (options.word_count) return export_to(&view, options.words[0], from, to);
    return store_view_end(&view, search_run(&view, &search), code);
}

static int audit_proof(int argc, char **argv) {
    struct store_view view = { 0 };
    const char *record = NULL;
    uint8_t id[ID_BYTES];
    bool open;
    const struct option_row rows[] = { STORE_VIEW_OPTIONS(&view),
                                       { "record", "ID", &record, NULL, "the record, by its id" } };
    struct options options = { .usage = "audit proof --record ID [--var DIR] [--json] FILE",
                               .help = "Into a new FILE: the proof that one record stands in the journal, for "
                                       "giro audit verify --proof.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 1,
                               .words_max = 1 };
    int code = store_view_begin(&view, &options, argc, argv, &open);
    if (!open) return code;
    code = store_view_read_id(record ? record : "", id);
    if (code) return store_view_end(&view, 0, code);
    int r = audit_proof_write(&view, id, options.words[0]);
    if (r == 1) return store_view_end(&view, 0, store_view_absent("record"));
    if (r == 2) return no_checkpoint(&view);
    if (!r) {
        store_view_row_begin(&view);
        store_view_word(&view, "record", 36, record);
        store_view_row_end(&view);
    }
    return store_view_end(&view, r, EXIT_DONE);
}

/* ---- checkpoint ---- */

static int audit_checkpoint(int argc, char **argv) {
    const char *var = NULL;
    struct arena arena = { 0 };
    const struct json *answer;
    const struct option_row rows[] = { { "var", "DIR", &var, NULL,
                                         "the sandbox's folder (default $GIRO_VAR or var)" } };
    struct options options = { .usage = "audit checkpoint [--var DIR]",
                               .help = "Has the daemon sign what the journal is now; done when that is in the journal.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    if (arena_init(&arena, ADMIN_ASK_ARENA_BYTES, 2 * ADMIN_ASK_ARENA_BYTES)) return EXIT_FAILED;
    int code = admin_ask(var, STR("{\"command\":\"audit_checkpoint\"}"), &arena, &answer);
    arena_release(&arena);
    return code;
}

int cmd_audit(int argc, char **argv) {
    static const struct subcommand rows[] = {
        { "verify", "recompute the journal's chain, or that of an export", audit_verify },
        { "search", "audit records, of one call with --interaction-id", audit_search },
        { "export", "every audit record, or the journal with its proof", audit_export },
        { "proof", "the proof of one record", audit_proof },
        { "checkpoint", "sign what the journal is now", audit_checkpoint },
    };
    static const struct subcommand_table table = { .title = "giro audit", .rows = rows, .count = ARRAY_COUNT(rows) };
    return subcommand_run(&table, argc, argv);
}
