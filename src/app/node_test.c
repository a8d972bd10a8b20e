#include "app/node.h"

#include "engine/journal.h"
#include "integration/bank_test_world.h"
#include "platform/clock.h"
#include "platform/node_test_identity.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>

#define STORE_NAME "node_test"
enum { TEST_WAIT_MS = 10000 };

/* One node of two or three, all in this process. */
struct member {
    const char *name;
    bool may_hold, hold_fails;
    char address[64];
    struct node_identity *identity;
    struct forwarder *forwarder;
    struct node_server *server;
    struct store_options options;
    struct store *store;
    struct engine *engine;
    struct integration integration;
    struct node *node;
    atomic_int held, ended, followed;
};

static void on_followup(void *ctx, const struct followup *followup) {
    (void)ctx, (void)followup;
}

static int hold(void *ctx) {
    struct member *member = ctx;
    struct engine_options options = {
        .store = member->store, .encode_event = event_json_write, .on_followup = on_followup, .ctx = member
    };
    atomic_fetch_add(&member->held, 1);
    if (member->hold_fails) return err_origin(-EIO);
    int r = engine_open(&options, &member->engine, NULL);
    if (!r) r = engine_start(member->engine);
    if (!r) forwarder_to_engine(member->forwarder, member->engine);
    return r;
}

static void on_end(void *ctx, const char *why, int code) {
    struct member *member = ctx;
    assert_non_null(why);
    assert_true(code < 0);
    atomic_fetch_add(&member->ended, 1);
}

static void on_follow(void *ctx, const struct store_lease *lease) {
    struct member *member = ctx;
    if (lease->alive) atomic_fetch_add(&member->followed, 1);
}

static void member_open(struct member *member, const char *name) {
    member->name = name;
    member->identity = node_test_identity("v1");
    member->integration = (struct integration){ .sandbox = true, .country = "GB", .bank_code = "GIRO" };
    struct forwarder_options forwarder = { .integration = &member->integration,
                                           .identity = member->identity,
                                           .connections = 2 };
    assert_int_equal(forwarder_new(&forwarder, &member->forwarder), 0);
    member->integration.door = forwarder_door(member->forwarder);
    struct node_server_options server = {
        .identity = member->identity, .connections_max = 8, .serve = forwarder_serve, .ctx = member->forwarder
    };
    assert_int_equal(node_server_start(&server, &member->server, NULL), 0);
    (void)snprintf(member->address, sizeof member->address, "127.0.0.1:%u", (unsigned)node_server_port(member->server));
    member->options = (struct store_options){
        .ops = &store_memory_ops, .path = STORE_NAME, .node = member->name, .node_address = member->address
    };
    member->options.tables = integration_tables(&member->options.table_count);
    assert_int_equal(store_open(&member->options, &member->store, NULL), 0);
    member->integration.store = member->store;
    struct node_options node = { .store = member->store,
                                 .forwarder = member->forwarder,
                                 .may_hold = member->may_hold,
                                 .hold = hold,
                                 .on_end = on_end,
                                 .on_follow = on_follow,
                                 .ctx = member };
    int r = node_start(&node, &member->node, NULL);
    assert_int_equal(r, member->hold_fails ? -EIO : 0);
}

/* released: the orderly end; otherwise the lease stays as a kill leaves it. */
static void member_close(struct member *member, bool released) {
    member->node = node_stop(member->node);
    member->server = node_server_stop(member->server);
    if (member->engine) engine_stop(member->engine);
    if (released) store_lease_release(member->store);
    member->forwarder = forwarder_free(member->forwarder);
    member->engine = engine_close(member->engine);
    member->store = store_close(member->store);
    member->identity = node_identity_free(member->identity);
}

static void wait_for(const char *what, bool (*is)(struct member *member), struct member *member) {
    int64_t until_ms = clock_mono_ms() + TEST_WAIT_MS;
    while (!is(member)) {
        if (clock_mono_ms() >= until_ms) fail_msg("%s: %s", member->name, what);
        (void)poll(NULL, 0, 10);
    }
}

static bool is_holding(struct member *member) {
    return node_holds(member->node);
}

static bool is_reaching(struct member *member) {
    struct forwarder_state state;
    forwarder_state(member->forwarder, &state);
    return state.reached;
}

static bool is_lost(struct member *member) {
    return !is_reaching(member);
}

static bool has_ended(struct member *member) {
    return atomic_load(&member->ended) > 0;
}

/* Registers a customer under a key; the answer is copied out. */
static struct command_answer ask(struct member *member, const char *login, const char *key) {
    struct arena arena;
    assert_int_equal(arena_init(&arena, 64 * 1024, 1024 * 1024), 0);
    struct customer_register_input input = { .login = str_from_c(login),
                                             .name = STR("Jane Doe"),
                                             .password = STR("correct horse battery"),
                                             .totp_secret = STR("0123456789abcdef0123") };
    struct command_call call = { .arena = &arena,
                                 .idempotent = true,
                                 .route_template = STR("/v1/customers"),
                                 .method = STR("POST"),
                                 .key = str_from_c(key) };
    int r = command_customer_register(&member->integration, &call, &input);
    struct command_answer answer = call.answer;
    if (r) answer.result = ANSWER_UNAVAILABLE;
    answer.body = (struct str){ 0 };
    arena_release(&arena);
    return answer;
}

static int64_t epoch_of_head(struct member *member) {
    struct store_lease lease;
    assert_int_equal(store_lease_look(member->store, &lease), 0);
    return lease.epoch;
}

/* n1, n2: the holder dies; the other goes on where it was. */
/* spec: gateway/74 */
static void the_holder_dies(void **state) {
    struct member a = { .may_hold = true }, b = { .may_hold = true };
    (void)state;
    member_open(&a, "a");
    assert_true(node_holds(a.node)); /* at once */
    member_open(&b, "b");
    assert_false(node_holds(b.node));
    wait_for("reaches the holder", is_reaching, &b);
    struct command_answer first = ask(&b, "jane", "key-1"), second = ask(&a, "john", "key-2");
    assert_int_equal(first.result, ANSWER_DONE);
    assert_int_equal(second.result, ANSWER_DONE);
    member_close(&a, false);
    wait_for("sees that the holder is gone", is_lost, &b);
    assert_false(node_holds(b.node)); /* the lease is still good */
    store_memory_lease_expire(STORE_NAME);
    wait_for("takes over", is_holding, &b);
    assert_int_equal(epoch_of_head(&b), 2);
    struct command_answer replay = ask(&b, "jane", "key-1");
    assert_int_equal(replay.result, ANSWER_REPLAYED);
    assert_memory_equal(replay.resource_id, first.resource_id, 16);
    replay = ask(&b, "john", "key-2");
    assert_int_equal(replay.result, ANSWER_REPLAYED);
    assert_memory_equal(replay.resource_id, second.resource_id, 16);
    assert_int_equal(ask(&b, "jim", "key-3").result, ANSWER_DONE);
    member_open(&a, "a"); /* started again: it follows */
    assert_false(node_holds(a.node));
    wait_for("reaches the new holder", is_reaching, &a);
    assert_int_equal(ask(&a, "jim", "key-3").result, ANSWER_REPLAYED);
    assert_int_equal(ask(&a, "joe", "key-4").result, ANSWER_DONE);
    member_close(&a, true);
    member_close(&b, true);
    store_memory_forget(STORE_NAME);
}

/* n2, n4: an orderly end is followed at once, though the lease would have lived on. */
static void the_holder_leaves(void **state) {
    struct member a = { .may_hold = true }, b = { .may_hold = true };
    (void)state;
    member_open(&a, "a");
    member_open(&b, "b");
    member_close(&a, true);
    int64_t began_ms = clock_mono_ms();
    wait_for("takes over", is_holding, &b);
    assert_true(clock_mono_ms() - began_ms < STORE_LEASE_LIFE_MS - NODE_LOOK_MS);
    assert_int_equal(ask(&b, "jane", "key-1").result, ANSWER_DONE);
    member_close(&b, true);
    store_memory_forget(STORE_NAME);
}

/* n3 */
static void who_may_not_hold(void **state) {
    struct member front = { .may_hold = false }, a = { .may_hold = true };
    (void)state;
    member_open(&front, "front");
    assert_false(node_holds(front.node));
    assert_int_equal(ask(&front, "jane", "key-1").result, ANSWER_UNAVAILABLE);
    (void)poll(NULL, 0, 3 * NODE_LOOK_MS);
    assert_int_equal(front.held, 0);
    member_open(&a, "a");
    assert_true(node_holds(a.node));
    wait_for("reaches the holder", is_reaching, &front);
    assert_true(front.followed > 0);
    assert_int_equal(ask(&front, "jane", "key-1").result, ANSWER_DONE);
    member_close(&a, true);
    wait_for("sees that there is none", is_lost, &front);
    assert_int_equal(front.held, 0);
    member_close(&front, true);
    store_memory_forget(STORE_NAME);
}

/* n1: without its engine a node must not go on. */
static void hold_that_fails(void **state) {
    struct member a = { .may_hold = true }, b = { .may_hold = true, .hold_fails = false };
    (void)state;
    member_open(&a, "a");
    member_open(&b, "b");
    b.hold_fails = true;
    member_close(&a, true);
    wait_for("must end", has_ended, &b);
    (void)poll(NULL, 0, 2 * NODE_LOOK_MS);
    assert_int_equal(b.ended, 1);
    assert_int_equal(b.held, 1);
    member_close(&b, true);
    struct member c = { .may_hold = true, .hold_fails = true }; /* at the start it is the start that fails */
    member_open(&c, "c");
    assert_null(c.node);
    member_close(&c, true);
    store_memory_forget(STORE_NAME);
}

/* One node without links, on a database that another leads. */
static void nobody_to_follow(void **state) {
    struct member a = { .may_hold = true };
    struct store_options options;
    struct store *store;
    struct node *node;
    struct message message = { { 0 } };
    (void)state;
    member_open(&a, "a");
    options = a.options;
    options.node = "alone";
    assert_int_equal(store_open(&options, &store, NULL), 0);
    struct node_options alone = { .store = store, .may_hold = true, .hold = hold, .on_end = on_end, .ctx = &a };
    assert_int_equal(node_start(&alone, &node, &message), -EBUSY);
    assert_non_null(strstr(message.text, "another node (a)"));
    store_close(store);
    member_close(&a, true);
    store_memory_forget(STORE_NAME);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_holder_dies), cmocka_unit_test(the_holder_leaves), cmocka_unit_test(who_may_not_hold),
        cmocka_unit_test(hold_that_fails), cmocka_unit_test(nobody_to_follow),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
