#include "integration/forwarder.h"

#include "integration/bank_test_world.h"
#include "integration/command/command_run.h"
#include "integration/forwarder_int.h"
#include "platform/clock.h"
#include "platform/net.h"
#include "platform/node_test_identity.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum { TEST_CALLERS = 64, TEST_WAIT_MS = 10000 };

/* Two nodes: one with a bank's engine, one that only asks. */
struct nodes {
    struct bank bank; /* the holder's */
    struct node_identity *identity;
    struct node_server *server;
    struct forwarder *holder, *asker;
    struct integration asking;
    struct arena arena;
    char address[64];
};

static void nodes_open(struct nodes *nodes, const char *hello) {
    struct message message = { { 0 } };
    *nodes = (struct nodes){ .asking = { .sandbox = true } };
    bank_open(&nodes->bank, &store_memory_ops, NULL);
    assert_int_equal(engine_start(nodes->bank.world.engine), 0);
    nodes->identity = node_test_identity(hello);
    struct forwarder_options options = { .integration = &nodes->bank.integration,
                                         .identity = nodes->identity,
                                         .connections = 1 };
    assert_int_equal(forwarder_new(&options, &nodes->holder), 0);
    forwarder_to_engine(nodes->holder, nodes->bank.world.engine);
    struct node_server_options server = {
        .identity = nodes->identity, .connections_max = 16, .serve = forwarder_serve, .ctx = nodes->holder
    };
    if (node_server_start(&server, &nodes->server, &message)) fail_msg("%s", message.text);
    options.integration = &nodes->asking;
    options.connections = 2;
    assert_int_equal(forwarder_new(&options, &nodes->asker), 0);
    nodes->asking.door = forwarder_door(nodes->asker);
    (void)snprintf(nodes->address, sizeof nodes->address, "127.0.0.1:%u", (unsigned)node_server_port(nodes->server));
    forwarder_to_node(nodes->asker, nodes->address);
    assert_int_equal(arena_init(&nodes->arena, 64 * 1024, 16 * 1024 * 1024), 0);
}

static void nodes_shut(struct nodes *nodes) {
    nodes->asker = forwarder_free(nodes->asker);
    nodes->server = node_server_stop(nodes->server);
    nodes->holder = forwarder_free(nodes->holder);
    nodes->identity = node_identity_free(nodes->identity);
    arena_release(&nodes->arena);
    engine_stop(nodes->bank.world.engine);
    bank_shut(&nodes->bank);
}

/* An account of a client that is not there: refused by name, so that the answer must come from the decision. */
static struct account_open_input no_holder(void) {
    return (struct account_open_input){ .client_name = STR("nobody"), .name = STR("x"), .currency = bank_gbp() };
}

static struct command_call call_in(struct nodes *nodes) {
    return (struct command_call){ .arena = &nodes->arena };
}

static void register_customer(struct nodes *nodes, const char *login, struct command_call *call) {
    struct customer_register_input input = { .login = str_from_c(login),
                                             .name = STR("Jane Doe"),
                                             .password = STR("correct horse battery"),
                                             .totp_secret = STR("0123456789abcdef0123") };
    assert_int_equal(command_customer_register(&nodes->asking, call, &input), 0);
}

/* f1: decided on the other node; accepted, refused, replayed, with their bodies. */
static void decided_elsewhere(void **state) {
    struct nodes nodes;
    struct forwarder_state seen;
    (void)state;
    nodes_open(&nodes, "v1");
    struct command_call first = call_in(&nodes), again = first, open = first, refused = first;
    register_customer(&nodes, "jane", &first);
    assert_int_equal(first.answer.result, ANSWER_DONE);
    assert_int_equal(first.answer.refusal, 0);
    assert_false(id_is_zero(first.answer.resource_id));
    register_customer(&nodes, "jane", &again);
    assert_int_equal(again.answer.refusal, CUSTOMER_REGISTER_E_EXISTS);
    assert_string_equal(again.answer.refusal_name, "customer_exists");
    struct account_open_input input = { .customer_login = STR("jane"),
                                        .name = STR("current"),
                                        .iban = STR("GB33BUKB20201555555555"),
                                        .currency = bank_gbp() };
    open.idempotent = true;
    open.route_template = STR("/v1/accounts");
    open.method = STR("POST");
    open.key = STR("key-1");
    assert_int_equal(command_account_open(&nodes.asking, &open, &input), 0);
    assert_int_equal(open.answer.result, ANSWER_DONE);
    size_t at;
    assert_true(str_find(open.answer.body, STR("GB33BUKB20201555555555"), &at));
    struct command_call replay = { .arena = &nodes.arena,
                                   .idempotent = true,
                                   .route_template = open.route_template,
                                   .method = open.method,
                                   .key = open.key };
    assert_int_equal(command_account_open(&nodes.asking, &replay, &input), 0);
    assert_int_equal(replay.answer.result, ANSWER_REPLAYED);
    assert_memory_equal(replay.answer.resource_id, open.answer.resource_id, 16);
    assert_true(str_equal(replay.answer.body, open.answer.body));
    input = no_holder();
    assert_int_equal(command_account_open(&nodes.asking, &refused, &input), 0);
    assert_string_equal(refused.answer.refusal_name, "holder_not_found");
    forwarder_state(nodes.asker, &seen);
    assert_true(seen.reached);
    assert_int_equal(seen.unknown, 0);
    assert_int_equal(seen.forwarded, 5);
    nodes_shut(&nodes);
}

struct caller {
    struct nodes *nodes;
    struct arena arena;
    struct command_call call;
    pthread_t thread;
    int number;
};

static void *caller_main(void *ctx) {
    struct caller *caller = ctx;
    char iban[24];
    (void)snprintf(iban, sizeof iban, "GB00GIRO%014d", caller->number);
    struct account_open_input input = {
        .customer_login = STR("jane"), .name = STR("current"), .iban = str_from_c(iban), .currency = bank_gbp()
    };
    caller->call.arena = &caller->arena;
    check(command_account_open(&caller->nodes->asking, &caller->call, &input) == 0);
    check(str_find(caller->call.answer.body, str_from_c(iban), &(size_t){ 0 })); /* its own answer, no other's */
    return NULL;
}

static void many_at_once(void **state) {
    struct nodes nodes;
    static struct caller callers[TEST_CALLERS];
    (void)state;
    nodes_open(&nodes, "v1");
    struct command_call call = call_in(&nodes);
    register_customer(&nodes, "jane", &call);
    for (int i = 0; i < TEST_CALLERS; i++) {
        callers[i] = (struct caller){ .nodes = &nodes, .number = i };
        assert_int_equal(arena_init(&callers[i].arena, 4096, 1024 * 1024), 0);
        assert_int_equal(pthread_create(&callers[i].thread, NULL, caller_main, &callers[i]), 0);
    }
    for (int i = 0; i < TEST_CALLERS; i++) {
        pthread_join(callers[i].thread, NULL);
        assert_int_equal(callers[i].call.answer.result, ANSWER_DONE);
        arena_release(&callers[i].arena);
    }
    nodes_shut(&nodes);
}

/* One call on a thread of its own, while the nodes change. */
struct asking {
    struct nodes *nodes;
    struct arena arena;
    struct command_call call;
    pthread_t thread;
    int r;
};

static void *asking_main(void *ctx) {
    struct asking *asking = ctx;
    struct account_open_input input = no_holder();
    asking->r = command_account_open(&asking->nodes->asking, &asking->call, &input);
    return NULL;
}

static void ask(struct nodes *nodes, struct asking *asking) {
    *asking = (struct asking){ .nodes = nodes };
    assert_int_equal(arena_init(&asking->arena, 4096, 1024 * 1024), 0);
    asking->call.arena = &asking->arena;
    assert_int_equal(pthread_create(&asking->thread, NULL, asking_main, asking), 0);
}

/* Waits for the answer: what was returned, and the call's result. */
static enum answer_result answered(struct asking *asking, int want) {
    pthread_join(asking->thread, NULL);
    arena_release(&asking->arena);
    assert_int_equal(asking->r, want);
    return asking->call.answer.result;
}

/* f2, f5: not sent is UNAVAILABLE, or not taken at all: after a wait, and from then on at once. */
static void nobody_there(void **state) {
    struct nodes nodes;
    struct account_open_input input = no_holder();
    struct asking waits;
    (void)state;
    nodes_open(&nodes, "v1");
    struct command_call call = call_in(&nodes), none = call, gone = call, follower = call;
    int64_t began_ms = clock_mono_ms();
    forwarder_to_node(nodes.asker, "127.0.0.1:1");
    ask(&nodes, &waits);
    assert_int_equal(answered(&waits, 0), ANSWER_UNAVAILABLE);
    assert_true(clock_mono_ms() - began_ms >= FORWARD_WAIT_MS);
    assert_int_equal(command_account_open(&nodes.asking, &gone, &input), 0);
    assert_int_equal(gone.answer.result, ANSWER_UNAVAILABLE);
    forwarder_to_node(nodes.asker, "");
    assert_int_equal(command_account_open(&nodes.asking, &none, &input), COMMAND_E_FULL);
    assert_true(clock_mono_ms() - began_ms < 2 * FORWARD_WAIT_MS); /* these two did not wait */
    forwarder_to_node(nodes.holder, "");                           /* f3: it is no holder any more */
    forwarder_to_node(nodes.asker, nodes.address);
    assert_int_equal(command_account_open(&nodes.asking, &follower, &input), 0);
    assert_int_equal(follower.answer.result, ANSWER_UNAVAILABLE);
    forwarder_to_engine(nodes.holder, nodes.bank.world.engine);
    assert_int_equal(command_account_open(&nodes.asking, &call, &input), 0);
    assert_int_equal(call.answer.result, ANSWER_DONE);
    nodes_shut(&nodes);
}

static size_t waiting(struct nodes *nodes) {
    struct forwarder_state seen;
    forwarder_state(nodes->asker, &seen);
    return seen.waiting;
}

/* f5: whoever comes while a command waits decides it, once. */
static void waits_for_a_holder(void **state) {
    static const struct {
        const char *name, *address; /* of nobody */
        bool holder_comes_here;
    } cases[] = {
        { "nobody leads", "", false },
        { "it cannot be reached", "127.0.0.1:1", false },
        { "the lease comes here", "127.0.0.1:1", true },
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct nodes nodes;
        struct asking waits;
        struct forwarder_state seen;
        nodes_open(&nodes, "v1");
        forwarder_to_node(nodes.asker, cases[i].address);
        ask(&nodes, &waits);
        int64_t until_ms = clock_mono_ms() + TEST_WAIT_MS;
        while (!waiting(&nodes) && clock_mono_ms() < until_ms) (void)poll(NULL, 0, 1);
        if (cases[i].holder_comes_here) forwarder_to_engine(nodes.asker, nodes.bank.world.engine);
        else forwarder_to_node(nodes.asker, nodes.address);
        if (answered(&waits, 0) != ANSWER_DONE) fail_msg("%s", cases[i].name);
        assert_string_equal(waits.call.answer.refusal_name, "holder_not_found");
        forwarder_state(nodes.asker, &seen);
        assert_int_equal(seen.forwarded, cases[i].holder_comes_here ? 0 : 1);
        nodes_shut(&nodes);
    }
}

/* f2: a holder that takes the request and dies. */
static bool serve_and_die(void *ctx, struct str request, struct buffer *answer) {
    (void)answer;
    if (request.at[0] == FORWARD_COMMANDS) atomic_fetch_add((atomic_int *)ctx, 1);
    return false;
}

static void sent_and_lost(void **state) {
    struct nodes nodes;
    struct account_open_input input = no_holder();
    struct forwarder_state seen;
    atomic_int served = 0;
    char address[64];
    (void)state;
    nodes_open(&nodes, "v1");
    struct node_server *dying;
    struct node_server_options options = {
        .identity = nodes.identity, .connections_max = 4, .serve = serve_and_die, .ctx = &served
    };
    assert_int_equal(node_server_start(&options, &dying, NULL), 0);
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)node_server_port(dying));
    forwarder_to_node(nodes.asker, address);
    struct command_call call = call_in(&nodes);
    assert_int_equal(command_account_open(&nodes.asking, &call, &input), 0);
    assert_int_equal(call.answer.result, ANSWER_UNKNOWN);
    assert_int_equal(served, 1); /* and not sent again */
    forwarder_state(nodes.asker, &seen);
    assert_int_equal(seen.unknown, 1);
    node_server_stop(dying);
    nodes_shut(&nodes);
}

/* Two programs that differ say so, and nothing is taken. */
static void another_version(void **state) {
    struct nodes nodes;
    struct account_open_input input = no_holder();
    struct forwarder *other;
    struct forwarder_state seen;
    (void)state;
    nodes_open(&nodes, "v1");
    struct node_identity *identity = node_test_identity("v2");
    struct integration asking = { .sandbox = true };
    struct forwarder_options options = { .integration = &asking, .identity = identity, .connections = 1 };
    assert_int_equal(forwarder_new(&options, &other), 0);
    asking.door = forwarder_door(other);
    forwarder_to_node(other, nodes.address);
    struct command_call call = call_in(&nodes);
    assert_int_equal(command_account_open(&asking, &call, &input), 0);
    assert_int_equal(call.answer.result, ANSWER_UNAVAILABLE);
    forwarder_state(other, &seen);
    assert_false(seen.reached);
    assert_int_equal(seen.trouble, NODE_LINK_E_HELLO);
    forwarder_free(other);
    node_identity_free(identity);
    nodes_shut(&nodes);
}

struct seeking {
    struct str text;
    int found;
};

static int seek_in(void *ctx, const void *row) {
    struct seeking *seeking = ctx;
    const struct journal_row *record = row;
    size_t at;
    struct str rest = record->body;
    for (; str_find(rest, seeking->text, &at); seeking->found++)
        rest = str_slice(rest, at + seeking->text.len, rest.len);
    return 0;
}

static int found_in_journal(struct nodes *nodes, struct str text) {
    struct seeking seeking = { .text = text };
    struct store_reader *reader;
    struct store_range range = { .table = &engine_journal_table, .limit = STORE_RANGE_ROWS_MAX };
    struct arena arena;
    assert_int_equal(arena_init(&arena, 64 * 1024, 64 * 1024 * 1024), 0);
    assert_int_equal(store_reader_open(nodes->bank.world.store, &reader), 0);
    assert_int_equal(store_range(reader, &range, &arena, seek_in, &seeking), 0);
    store_reader_close(reader);
    arena_release(&arena);
    return seeking.found;
}

static bool comes_true(struct nodes *nodes, struct str text) {
    int64_t until_ms = clock_mono_ms() + TEST_WAIT_MS;
    while (clock_mono_ms() < until_ms) {
        if (found_in_journal(nodes, text)) return true;
        (void)poll(NULL, 0, 20);
    }
    return false;
}

/* The records of commands and of reads stand in the holder's journal. */
static void audit_at_the_holder(void **state) {
    struct nodes nodes;
    struct account_open_input input = no_holder();
    struct command_audit audit = { .record = { .method = "POST", .route = "/v1/accounts" } };
    (void)state;
    nodes_open(&nodes, "v1");
    struct command_call call = call_in(&nodes);
    call.audit = &audit;
    assert_int_equal(command_account_open(&nodes.asking, &call, &input), 0);
    assert_true(call.audited);
    assert_int_equal(found_in_journal(&nodes, STR("\"outcome\":\"holder_not_found\"")), 1);
    command_note(&nodes.asking, STR("{\"note\":\"read-1\"}"));
    assert_true(comes_true(&nodes, STR("read-1")));
    forwarder_to_node(nodes.asker, ""); /* waits until there is somebody again */
    command_note(&nodes.asking, STR("{\"note\":\"read-2\"}"));
    forwarder_to_node(nodes.asker, nodes.address);
    assert_true(comes_true(&nodes, STR("read-2")));
    assert_int_equal(found_in_journal(&nodes, STR("read-1")), 1);
    nodes_shut(&nodes);
}

/* f4 */
static void notes_are_bounded(void **state) {
    struct nodes nodes;
    struct forwarder_state seen;
    static char text[64 * 1024];
    (void)state;
    nodes_open(&nodes, "v1");
    forwarder_to_node(nodes.asker, "");
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 70; i++) command_note(&nodes.asking, str_from_bytes(text, sizeof text));
    forwarder_state(nodes.asker, &seen);
    assert_true(seen.notes_dropped >= 6 && seen.notes_dropped < 10);
    nodes_shut(&nodes);
}

/* The engine comes to the node that asked: what it is asked from now on is decided there. */
static void engine_comes_here(void **state) {
    struct nodes nodes;
    struct account_open_input input = no_holder();
    struct forwarder_state seen;
    (void)state;
    nodes_open(&nodes, "v1");
    nodes.server = node_server_stop(nodes.server);
    forwarder_to_engine(nodes.asker, nodes.bank.world.engine);
    struct command_call call = call_in(&nodes);
    assert_int_equal(command_account_open(&nodes.asking, &call, &input), 0);
    assert_string_equal(call.answer.refusal_name, "holder_not_found");
    forwarder_state(nodes.asker, &seen);
    assert_true(seen.reached);
    assert_int_equal(seen.forwarded, 0);
    nodes_shut(&nodes);
}

/* Requests that no forwarder makes. */
static const struct {
    const char *name;
    struct str request;
    bool answered;
} requests[] = {
    { "a ping", STR_INIT("\3"), true },
    { "a ping with more", STR_INIT("\3x"), false },
    { "nothing", STR_INIT(""), false },
    { "no kind", STR_INIT("\11"), false },
    { "no commands", STR_INIT("\1\0\0"), false },
    { "too many commands", STR_INIT("\1\1\1"), false },
    { "a command that is none", STR_INIT("\1\0\1\0\0\0\1x"), true },
    { "a command that is short", STR_INIT("\1\0\1\0\0\0\2x"), false },
    { "bytes behind the commands", STR_INIT("\1\0\1\0\0\0\1xy"), false },
    { "no notes", STR_INIT("\2"), true },
    { "a note that is short", STR_INIT("\2\0\0\0\2x"), false },
};

static void what_is_no_request(void **state) {
    struct nodes nodes;
    (void)state;
    nodes_open(&nodes, "v1");
    for (size_t i = 0; i < ARRAY_COUNT(requests); i++) {
        char memory[256];
        struct buffer answer;
        buffer_init(&answer, memory, sizeof memory);
        if (forwarder_serve(nodes.holder, requests[i].request, &answer) != requests[i].answered)
            fail_msg("%s", requests[i].name);
    }
    nodes_shut(&nodes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decided_elsewhere),   cmocka_unit_test(many_at_once),      cmocka_unit_test(nobody_there),
        cmocka_unit_test(waits_for_a_holder),  cmocka_unit_test(sent_and_lost),     cmocka_unit_test(another_version),
        cmocka_unit_test(audit_at_the_holder), cmocka_unit_test(notes_are_bounded), cmocka_unit_test(engine_comes_here),
        cmocka_unit_test(what_is_no_request),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
