/* store_postgres_test.c - what a broken connection, another writer or a failing server make of a commit. */
#include "store/store_postgres_test_world.h"

#include "store/store_postgres_test_proxy.h"

/* ---- Lease ---- */

struct pair {
    struct world world;
    struct store *second;
    struct store_options options; /* of the second */
    char epoch_file[TEST_PATH_BYTES * 2 + 8];
};

static void pair_open(struct pair *pair) {
    struct message message = { { 0 } };
    world_begin_open(&pair->world);
    (void)snprintf(pair->epoch_file, sizeof pair->epoch_file, "%s.two", pair->world.epoch_file);
    pair->options = pair->world.options;
    pair->options.node = "two";
    pair->options.node_address = "two.example:8443";
    pair->options.epoch_file = pair->epoch_file;
    assert_int_equal(store_open(&pair->options, &pair->second, &message), 0);
}

static void pair_drop(struct pair *pair) {
    pair->second = store_close(pair->second);
    world_drop(&pair->world);
}

static void e1_lease_is_held_released_taken(void **state) {
    (void)state;
    struct pair pair;
    struct store_lease lease;
    pair_open(&pair);
    assert_int_equal(store_epoch(pair.world.store), 1);
    assert_int_equal(store_lease_take(pair.second, &lease), STORE_E_HELD);
    assert_true(lease.epoch == 1 && !lease.ours && lease.alive);
    assert_string_equal(lease.node, "one");
    assert_string_equal(lease.address, "one.example:8443");
    assert_int_equal(store_lease_take(pair.world.store, &lease), 0); /* it is ours already */
    assert_true(lease.epoch == 1 && lease.ours);
    assert_int_equal(store_lease_renew(pair.world.store), 0);
    store_lease_release(pair.world.store);
    assert_int_equal(store_epoch(pair.world.store), 0);
    assert_int_equal(commit_posting(pair.world.store, 1), STORE_E_FENCED);
    assert_int_equal(store_lease_look(pair.second, &lease), 0);
    assert_true(!lease.alive && !lease.ours);
    assert_int_equal(store_lease_take(pair.second, &lease), 0);
    assert_true(lease.epoch == 2 && lease.ours);
    assert_int_equal(commit_posting(pair.second, 1), 0);
    pair_drop(&pair);
}

/* spec: ledger/49 */
static void e2_expired_lease_changes_hands_and_fences(void **state) {
    (void)state;
    struct pair pair;
    struct store_lease lease;
    pair_open(&pair);
    assert_int_equal(commit_posting(pair.world.store, 1), 0);
    lease_expire();
    assert_int_equal(commit_posting(pair.world.store, 2), 0); /* late, but nobody took it: renewed by the commit */
    assert_int_equal(store_lease_take(pair.second, &lease), STORE_E_HELD);
    lease_expire();
    assert_int_equal(store_lease_take(pair.second, &lease), 0);
    assert_int_equal(lease.epoch, 2);
    assert_int_equal(commit_posting(pair.world.store, 3), STORE_E_FENCED);
    assert_int_equal(commit_posting(pair.world.store, 1), STORE_E_FENCED); /* not "undone", though 1 is there */
    assert_int_equal(store_lease_renew(pair.world.store), STORE_E_FENCED);
    assert_int_equal(count_of("SELECT count(*) FROM test.posting"), 2);
    assert_int_equal(commit_posting(pair.second, 3), 0);
    pair_drop(&pair);
}

/* Fenced inside the pipeline, not by the check before it: the connection of the old holder stays. */
/* spec: ledger/49 */
static void e2_commit_itself_is_fenced(void **state) {
    (void)state;
    struct world world;
    world_begin_open(&world);
    test_server_sql(&server, "UPDATE store.lease SET epoch = 2, instance = '\\x00'", NULL, 0);
    assert_int_equal(commit_posting(world.store, 1), STORE_E_FENCED);
    assert_int_equal(count_of("SELECT count(*) FROM test.posting"), 0);
    world_drop(&world);
    world_begin_open(&world);
    assert_int_equal(commit_posting(world.store, 1), 0);
    test_server_sql(&server, "UPDATE store.lease SET epoch = 2, instance = '\\x00'", NULL, 0);
    assert_int_equal(commit_posting(world.store, 1), STORE_E_FENCED); /* a duplicate too: fenced comes first */
    world_drop(&world);
}

static void e3_same_name_is_another_holder(void **state) {
    (void)state;
    struct world world;
    struct store *again = NULL;
    struct store_lease lease;
    struct message message;
    world_begin_open(&world);
    assert_int_equal(store_open(&world.options, &again, &message), 0);
    assert_int_equal(store_lease_take(again, &lease), STORE_E_HELD);
    assert_int_equal(commit_posting(again, 1), STORE_E_FENCED);
    lease_expire();
    assert_int_equal(store_lease_take(again, &lease), 0);
    assert_int_equal(commit_posting(world.store, 1), STORE_E_FENCED);
    assert_int_equal(commit_posting(again, 1), 0);
    again = store_close(again);
    world_drop(&world);
}

/* The holder's process is gone, as the server knows: its node need not wait for the lease to run out; another must. */
static void e3_the_same_node_follows_a_dead_one_at_once(void **state) {
    (void)state;
    struct world world;
    struct store *again = NULL, *other = NULL;
    struct store_lease lease;
    struct message message;
    world_begin_open(&world);
    struct store_options elsewhere = world.options;
    elsewhere.node = "another";
    assert_int_equal(commit_posting(world.store, 1), 0);
    assert_int_equal(store_open(&world.options, &again, &message), 0);
    assert_int_equal(store_open(&elsewhere, &other, &message), 0);
    assert_int_equal(store_lease_take(again, &lease), STORE_E_HELD);
    test_server_sql(&server, "SELECT pg_terminate_backend(backend, 5000) FROM store.lease", NULL, 0);
    assert_int_equal(store_lease_take(other, &lease), STORE_E_HELD);
    assert_int_equal(store_lease_take(again, &lease), 0);
    assert_int_equal(lease.epoch, 2);
    assert_int_equal(commit_posting(again, 2), 0);
    (void)commit_posting(world.store, 3);                             /* away: its connection was cut */
    assert_int_equal(commit_posting(world.store, 3), STORE_E_FENCED); /* it lived after all */
    other = store_close(other);
    again = store_close(again);
    world_drop(&world);
}

/* A holder whose connection was cut while it lives keeps the lease with its new connection, against its own name too.
 */
static void e7_a_cut_holder_connects_again(void **state) {
    (void)state;
    struct world world;
    struct store *again = NULL;
    struct store_lease lease;
    struct message message;
    world_begin_open(&world);
    test_server_sql(&server, "SELECT pg_terminate_backend(backend, 5000) FROM store.lease", NULL, 0);
    (void)commit_posting(world.store, 1); /* away: nothing of it is there */
    assert_int_equal(store_lease_renew(world.store), 0);
    assert_int_equal(store_open(&world.options, &again, &message), 0);
    assert_int_equal(store_lease_take(again, &lease), STORE_E_HELD);
    assert_int_equal(commit_posting(world.store, 2), 0);
    assert_int_equal(store_epoch(world.store), 1);
    again = store_close(again);
    world_drop(&world);
}

static void e4_an_older_database_is_refused(void **state) {
    (void)state;
    struct world world;
    struct store_lease lease;
    world_begin_open(&world);
    store_lease_release(world.store);
    assert_int_equal(store_lease_take(world.store, &lease), 0);
    assert_int_equal(lease.epoch, 2);
    test_server_sql(&server, "UPDATE store.lease SET epoch = 1", NULL, 0);
    assert_int_equal(commit_posting(world.store, 1), STORE_E_FENCED);
    assert_int_equal(store_lease_take(world.store, &lease), STORE_E_FENCED);
    world.store = store_close(world.store);
    open_refused(&world.options, -ESTALE, "old copy");
    test_server_sql(&server, "UPDATE store.lease SET epoch = 2, released = true", NULL, 0);
    world_open(&world);
    assert_int_equal(store_epoch(world.store), 3);
    world.store = store_close(world.store);
    file_write(world.epoch_file, "three\n");
    open_refused(&world.options, -EBADMSG, "no number");
    world_drop(&world);
}

/* ---- Connections that break ---- */

static void reconnects_before_a_commit(void **state) {
    (void)state;
    static const char kill_all[] = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                                   " WHERE application_name LIKE 'giro %'";
    struct world world;
    struct store_reader *reader;
    world_begin_open(&world);
    assert_int_equal(store_reader_open(world.store, &reader), 0);
    assert_int_equal(commit_items(&world, 1, 1), 0);
    assert_int_equal(store_reader_begin(reader), 0);
    test_server_sql(&server, kill_all, NULL, 0);
    assert_int_equal(commit_items(&world, 2, 2), 0); /* a new connection, the same lease */
    struct item item = item_make(&world.arena, 1);
    struct store_probe probe = { .table = &item_table, .row = &item };
    assert_int_equal(store_read(reader, &probe, 1, &world.arena), -ENOTCONN); /* its snapshot is gone */
    store_reader_end(reader);
    assert_true(reader_has_item(reader, &world.arena, 2));
    test_server_sql(&server, kill_all, NULL, 0);
    assert_true(store_has_item(&world, 2));
    assert_int_equal(store_reader_begin(reader), 0);
    assert_true(reader_has_item(reader, &world.arena, 1));
    store_reader_end(reader);
    (void)store_reader_close(reader);
    world_drop(&world);
}

/* One is broken when it is taken, and there are more readers than spares; one is still spare at the end. */
static void readers_take_spare_connections(void **state) {
    (void)state;
    static const char spares[] = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'giro one'";
    static const char kill_one[] = "SELECT pg_terminate_backend(max(pid), 5000) FROM pg_stat_activity"
                                   " WHERE application_name = 'giro one' AND query LIKE 'SET ROLE giro_read%'";
    struct world world;
    struct store_reader *readers[3];
    world_begin_open(&world);
    assert_int_equal(commit_items(&world, 1, 1), 0);
    for (int round = 0; round < 2; round++) {
        size_t count = round ? 1 : ARRAY_COUNT(readers);
        store_warm(world.store, 2);
        while (count_of(spares) < 3) continue; /* with the writer's */
        if (round == 0) test_server_sql(&server, kill_one, NULL, 0);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(store_reader_open(world.store, &readers[i]), 0);
            assert_true(reader_has_item(readers[i], &world.arena, 1));
        }
        assert_int_equal(count_of(spares), round ? 3 : 4);
        for (size_t i = 0; i < count; i++) (void)store_reader_close(readers[i]);
        world.store = store_close(world.store);
        while (count_of(spares)) continue; /* the server notices */
        world_open(&world);
    }
    world_drop(&world);
}

/* Another session locks a table; when the commit waits for it, its connection is ended. */
static void *killer_main(void *ctx) {
    static const char ends[] = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                               " WHERE application_name = 'giro one' AND wait_event_type = 'Lock'";
    char ended[32] = "0";
    (void)ctx;
    while (strcmp(ended, "0") == 0) test_server_sql(&server, ends, ended, sizeof ended);
    return NULL;
}

/* spec: ledger/57 */
static void t3_killed_within_a_commit(void **state) {
    (void)state;
    struct world world;
    pthread_t killer;
    world_begin_open(&world);
    PGconn *other = PQconnectdb(server.connection);
    PQclear(PQexec(other, "BEGIN; LOCK TABLE test.posting IN EXCLUSIVE MODE"));
    assert_int_equal(PQtransactionStatus(other), PQTRANS_INTRANS);
    assert_int_equal(pthread_create(&killer, NULL, killer_main, NULL), 0);
    assert_int_equal(commit_posting(world.store, 1), STORE_E_AWAY);
    assert_int_equal(pthread_join(killer, NULL), 0);
    PQfinish(other);
    assert_int_equal(count_of("SELECT count(*) FROM test.posting"), 0);
    assert_int_equal(commit_posting(world.store, 1), 0);
    world_drop(&world);
}

static void server_stopped_and_started(void **state) {
    (void)state;
    static const int signals[] = { SIGINT, SIGQUIT };
    struct world world;
    struct store_lease lease;
    world_begin_open(&world);
    for (size_t i = 0; i < ARRAY_COUNT(signals); i++) {
        int64_t n = (int64_t)i;
        struct item item = item_make(&world.arena, n);
        struct store_probe probe = { .table = &item_table, .row = &item };
        assert_int_equal(commit_items(&world, n, n), 0);
        test_server_stop(&server, signals[i]);
        assert_int_equal(commit_items(&world, 100 + n, 100 + n), STORE_E_AWAY);
        assert_int_equal(store_load(world.store, &probe, 1, &world.arena), STORE_E_AWAY);
        assert_int_equal(store_lease_renew(world.store), STORE_E_AWAY);
        assert_int_equal(store_lease_look(world.store, &lease), STORE_E_AWAY);
        test_server_start(&server);
        assert_false(store_has_item(&world, 100 + n));
        assert_true(store_has_item(&world, n));
        assert_int_equal(commit_items(&world, 200 + n, 200 + n), 0);
        assert_int_equal(store_epoch(world.store), 1);
    }
    world_drop(&world);
}

/* A standby is promoted in the primary's place: all that the lease's row says is the same. */
static void e6_a_promotion_ends_the_lease(void **state) {
    (void)state;
    struct world world;
    struct store_lease lease;
    char path[TEST_PATH_BYTES * 3], recovery[8] = "t";
    world_begin_open(&world);
    assert_int_equal(commit_posting(world.store, 1), 0);
    test_server_stop(&server, SIGINT);
    (void)snprintf(path, sizeof path, "%s/standby.signal", server.data);
    file_write(path, "");
    test_server_start(&server);
    test_server_sql(&server, "SELECT pg_promote()", NULL, 0);
    while (recovery[0] != 'f') test_server_sql(&server, "SELECT pg_is_in_recovery()", recovery, sizeof recovery);
    assert_int_equal(commit_posting(world.store, 2), STORE_E_FENCED);
    assert_int_equal(count_of("SELECT count(*) FROM test.posting"), 1);
    world.store = store_close(world.store);
    lease_expire();
    world_open(&world); /* reads what is there, and takes it */
    assert_int_equal(store_lease_look(world.store, &lease), 0);
    assert_int_equal(lease.epoch, 2);
    assert_int_equal(commit_posting(world.store, 2), 0);
    world_drop(&world);
}

/* One batch of two tables under number, whose connection is cut after n bytes. The outcome must be what the database
 * has: both rows, or none. */
struct cutting {
    struct test_proxy proxy;
    struct world world;
    struct counter counter;
    int64_t number;
    int direction;   /* 0: the bytes to the server, 1: those from it */
    int outcomes[3]; /* done, away, unknown */
};

static bool cut_once(struct cutting *cutting, long n, long *ret_left) {
    struct posting posting = { .number = ++cutting->number };
    const struct store_change changes[] = { { &posting_table, STORE_INSERT, &posting },
                                            { &counter_table, STORE_UPDATE, &cutting->counter } };
    cutting->counter.total = cutting->number;
    assert_int_equal(store_lease_renew(cutting->world.store), 0); /* connected */
    test_proxy_cut_after(&cutting->proxy, cutting->direction, n);
    int r = store_commit(cutting->world.store, changes, 2);
    bool cut = test_proxy_restore(&cutting->proxy, ret_left);
    while (cut && count_of("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'giro one'"))
        (void)sched_yield(); /* the server is done with what it got */
    char sql[192];
    (void)snprintf(sql, sizeof sql,
                   "SELECT (SELECT count(*) FROM test.posting WHERE number = %lld) * 10"
                   " + (SELECT count(*) FROM test.counter WHERE total = %lld)",
                   (long long)cutting->number, (long long)cutting->number);
    int64_t there = count_of(sql);
    assert_true(there == 0 || there == 11);
    if (r >= 0 && (there == 11) != (r == 0)) fail_msg("cut after %ld bytes: %d, but %d", n, r, (int)there);
    if (r > 0) assert_int_equal(r, STORE_E_AWAY);
    cutting->outcomes[r == 0 ? 0 : r > 0 ? 1 : 2]++;
    if (r < 0) {
        cutting->world.store = store_close(cutting->world.store); /* the process would end */
        test_server_sql(&server, "UPDATE store.lease SET released = true", NULL, 0);
        world_open(&cutting->world);
    }
    return cut;
}

/* Every byte of the last ones, COMMIT and its answer, and every stride-th before (GIRO_CUT_ALL: every one). */
static void cut_everywhere(struct cutting *cutting, int direction, long last, long stride) {
    long left = 0, total = 100000;
    cutting->direction = direction;
    memset(cutting->outcomes, 0, sizeof cutting->outcomes);
    (void)cut_once(cutting, 0, &left); /* so that the next one prepares its statements again, like all */
    assert_false(cut_once(cutting, total, &left));
    total -= left;
    (void)cut_once(cutting, 0, &left);
    if (getenv("GIRO_CUT_ALL")) stride = 1;
    for (long n = 1; n <= total; n += n < total - last ? (stride < total - last - n ? stride : total - last - n) : 1)
        assert_true(cut_once(cutting, n, &left));
    print_message("%ld bytes %s the server: %d done, %d away, %d unknown\n", total, direction ? "from" : "to",
                  cutting->outcomes[0], cutting->outcomes[1], cutting->outcomes[2]);
}

enum { LARGE_ROWS = 2000 };

static int commit_large(struct world *world) {
    static char body[BODY_BYTES_MAX];
    struct item *items = arena_new_array(&world->arena, struct item, LARGE_ROWS);
    struct store_change *changes = arena_new_array(&world->arena, struct store_change, LARGE_ROWS);
    for (int i = 0; i < LARGE_ROWS; i++) {
        items[i] = item_make(&world->arena, i);
        items[i].body = str_from_bytes(body, sizeof body);
        changes[i] = (struct store_change){ &item_table, STORE_INSERT, &items[i] };
    }
    return store_commit(world->store, changes, LARGE_ROWS);
}

static void t2_cut_after_every_byte(void **state) {
    (void)state;
    static struct cutting cutting;
    cutting.counter = (struct counter){ .kind = STR("cut") };
    world_begin(&cutting.world);
    test_proxy_start(&cutting.proxy, &server, cutting.world.folder);
    cutting.world.options.connection = cutting.proxy.connection;
    world_open(&cutting.world);
    assert_int_equal(commit_one(cutting.world.store, STORE_INSERT, &counter_table, &cutting.counter), 0);
    cut_everywhere(&cutting, 0, 40, 61);
    assert_true(cutting.outcomes[1] + cutting.outcomes[2] > 40);
    cut_everywhere(&cutting, 1, 15, 41);
    assert_true(cutting.outcomes[2] > 15);
    /* more than the kernel takes: COMMIT has not left when the loss is seen */
    long left;
    assert_int_equal(store_lease_renew(cutting.world.store), 0);
    test_proxy_cut_after(&cutting.proxy, 0, 100000);
    assert_int_equal(commit_large(&cutting.world), STORE_E_AWAY);
    assert_true(test_proxy_restore(&cutting.proxy, &left));
    assert_int_equal(count_of("SELECT count(*) FROM test.item"), 0);
    assert_int_equal(commit_large(&cutting.world), 0);
    assert_int_equal(count_of("SELECT count(*) FROM test.item"), LARGE_ROWS);
    world_drop(&cutting.world);
    test_proxy_stop(&cutting.proxy);
}

/* ---- What the server says of a failed commit ---- */

static const struct {
    const char *name, *raise;
    int want;
} said_cases[] = {
    { "disk full", "RAISE EXCEPTION 'full' USING ERRCODE = '53100'", STORE_E_FULL },
    { "serialization", "RAISE EXCEPTION 'again' USING ERRCODE = '40001'", STORE_E_UNDONE },
    { "deadlock", "RAISE EXCEPTION 'again' USING ERRCODE = '40P01'", STORE_E_UNDONE },
    { "a constraint of the database's owner", "RAISE EXCEPTION 'no' USING ERRCODE = '23514'", STORE_E_UNDONE },
    { "a standby now", "RAISE EXCEPTION 'no' USING ERRCODE = '25006'", STORE_E_AWAY },
    { "a notice is nothing", "RAISE NOTICE 'hm'", 0 },
    { "a warning with COMMIT: a standby may lack it", "RAISE WARNING 'not replicated'", -EIO },
};

static void t3_what_the_server_says_decides(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(said_cases); i++) {
        struct world world;
        char sql[512];
        world_begin_open(&world);
        (void)snprintf(
            sql, sizeof sql,
            "CREATE FUNCTION test.say() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN %s; RETURN NULL; END $$;"
            "CREATE TRIGGER say AFTER INSERT ON test.posting EXECUTE FUNCTION test.say()",
            said_cases[i].raise);
        test_server_sql(&server, sql, NULL, 0);
        int r = commit_posting(world.store, 1);
        if (r != said_cases[i].want) fail_msg("%s: %d", said_cases[i].name, r);
        if (r > 0) assert_int_equal(store_culprit(world.store), -1);
        if (r < 0) assert_int_equal(commit_posting(world.store, 2), -EIO); /* nothing more until it is opened anew */
        test_server_sql(&server, "DROP TRIGGER say ON test.posting", NULL, 0);
        if (r >= 0) assert_int_equal(commit_posting(world.store, 2), 0);
        if (r >= 0) assert_int_equal(count_of("SELECT count(*) FROM test.posting"), r == 0 ? 2 : 1);
        world_drop(&world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(e1_lease_is_held_released_taken),
        cmocka_unit_test(e2_expired_lease_changes_hands_and_fences),
        cmocka_unit_test(e2_commit_itself_is_fenced),
        cmocka_unit_test(e3_same_name_is_another_holder),
        cmocka_unit_test(e3_the_same_node_follows_a_dead_one_at_once),
        cmocka_unit_test(e7_a_cut_holder_connects_again),
        cmocka_unit_test(e4_an_older_database_is_refused),
        cmocka_unit_test(reconnects_before_a_commit),
        cmocka_unit_test(readers_take_spare_connections),
        cmocka_unit_test(t3_killed_within_a_commit),
        cmocka_unit_test(server_stopped_and_started),
        cmocka_unit_test(e6_a_promotion_ends_the_lease),
        cmocka_unit_test(t2_cut_after_every_byte),
        cmocka_unit_test(t3_what_the_server_says_decides),
    };
    test_server_make(&server);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)count_of(NULL); /* gives its connection back */
    test_server_drop(&server);
    return failed;
}
