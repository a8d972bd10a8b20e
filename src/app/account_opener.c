#include "app/account_opener.h"

#include <pthread.h>
#include <stdatomic.h>

#include "app/admin_client.h"
#include "app/terminal.h"

enum { LINE_BYTES_MAX = 1024, OPENER_ARENA_BYTES = 128 * 1024, OPENER_ARENA_BYTES_MAX = 1024 * 1024 };

struct opening {
    const struct account_opener *opener;
    struct progress progress;   /* of thread 0 */
    atomic_size_t next, done;
    atomic_bool failed;
};
struct opening_thread {
    struct opening *opening;
    pthread_t thread;
    bool is_first, runs;
    int result;
    struct message message;
};

void account_opener_write_open(const struct account_opener *opener, const struct account_wish *wish, struct buffer *out) {
    char currency[4];
    struct json_writer writer;
    json_begin(&writer, out);
    json_object_begin(&writer);
    json_member_c(&writer, "command", "account_open");
    json_member_c(&writer, "client_name", opener->holder);
    json_member_c(&writer, "name", opener->name);
    json_member_str(&writer, "iban", iban_reveal(&wish->iban)); /* to the bank that keeps the account */
    if (wish->sort_code[0]) {
        json_member_c(&writer, "sort_code", wish->sort_code);
        json_member_c(&writer, "account_number", wish->account_number);
    }
    json_member_str(&writer, "currency", currency_text(opener->currency, currency));
    json_member_i64(&writer, "fund_minor", wish->fund_minor);
    json_member_bool(&writer, "business", opener->business);
    json_object_end(&writer);
}

void account_opener_write_fund(const struct account_opener *opener, const struct account_wish *wish, int64_t minor,
                               struct buffer *out) {
    char id[ID_TEXT_BYTES], currency[4], amount[MONEY_TEXT_BYTES];
    struct json_writer writer;
    json_begin(&writer, out);
    json_object_begin(&writer);
    json_member_c(&writer, "command", "account_fund");
    json_member_str(&writer, "account_id", id_format(wish->account_id.bytes, id));
    json_member_str(&writer, "amount", money_text((struct money){ .minor = minor, .currency = opener->currency }, amount));
    json_member_str(&writer, "currency", currency_text(opener->currency, currency));
    json_object_end(&writer);
}

/* A refusal of the operator's socket in words of the caller. */
static int translate(int r, struct message *message) {
    if (r == ADMIN_CLIENT_E_UNREACHABLE) {
        struct message why = *message;
        message_set(message, "%s: is ./run running?", why.text);
        return SANDBOX_CALLER_E_UNREACHABLE;
    }
    if (r != ADMIN_CLIENT_E_REFUSED) return err_trace(r);
    struct message why = *message;
    message_set(message, "the daemon refused to open or fund an account: %s", why.text);
    return SANDBOX_CALLER_E_REFUSED;
}

static int open_one(struct admin_client *client, const struct account_opener *opener, struct account_wish *wish,
                    struct arena *arena, struct message *message) {
    char line_memory[LINE_BYTES_MAX];
    struct buffer line;
    const struct json *answer;
    arena_reset(arena);
    buffer_init(&line, line_memory, sizeof line_memory);
    account_opener_write_open(opener, wish, &line);
    if (line.overflow) return err_origin(-EMSGSIZE);
    int r = admin_client_call(client, buffer_str(&line), arena, &answer, message);
    if (r) return translate(r, message);
    wish->created = json_get_bool(answer, "created", false);
    return id_parse(json_get_string(answer, "account_id"), wish->account_id.bytes) ? err_origin(-EBADMSG) : 0;
}

static int open_some(struct opening_thread *self, struct admin_client *client, struct arena *arena) {
    struct opening *opening = self->opening;
    const struct account_opener *opener = opening->opener;
    int r = 0;
    while (!r && !atomic_load(&opening->failed)) {
        size_t i = atomic_fetch_add(&opening->next, 1);
        if (i >= opener->count) break;
        r = open_one(client, opener, &opener->wishes[i], arena, &self->message);
        size_t done = atomic_fetch_add(&opening->done, 1) + 1;
        if (self->is_first) progress_show(&opening->progress, done);
    }
    return err_trace(r);
}

static void *thread_main(void *ctx) {
    struct opening_thread *self = ctx;
    struct admin_client client = { .fd = -1 };
    struct arena arena = { 0 };
    char path[SANDBOX_PATH_BYTES_MAX];
    sandbox_socket(self->opening->opener->sandbox, "admin.sock", path);
    self->result = arena_init(&arena, OPENER_ARENA_BYTES, OPENER_ARENA_BYTES_MAX);
    if (!self->result) {
        int r = admin_client_open(&client, path, &self->message);
        self->result = r ? translate(r, &self->message) : open_some(self, &client, &arena);
    }
    if (self->result) atomic_store(&self->opening->failed, true);
    admin_client_close(&client);
    arena_release(&arena);
    return NULL;
}

static int open_all(const struct account_opener *opener, struct message *message) {
    struct opening opening = { .opener = opener };
    struct opening_thread threads[ACCOUNT_OPENER_THREADS] = { { 0 } };
    int r = 0;
    progress_begin(&opening.progress, opener->title, opener->count);
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++) {
        threads[i].opening = &opening;
        threads[i].is_first = i == 0;
        threads[i].runs = pthread_create(&threads[i].thread, NULL, thread_main, &threads[i]) == 0;
    }
    for (size_t i = 0; i < ARRAY_COUNT(threads); i++) {
        if (threads[i].runs) (void)pthread_join(threads[i].thread, NULL);
        if (!threads[i].runs && !r) r = err_origin(-EAGAIN);
        if (!threads[i].result || r) continue;
        r = threads[i].result;
        if (message) *message = threads[i].message;
    }
    progress_end(&opening.progress);
    return err_trace(r);
}

/* --- accounts that were there --- */

static int read_available(const struct account_opener *opener, const struct account_wish *wish, struct arena *arena,
                          int64_t *ret_minor, struct message *message) {
    char id[ID_TEXT_BYTES];
    struct str token, value;
    const struct json *json;
    struct http_result result;
    struct money money = { 0 };
    int r = sandbox_caller_token(opener->caller, opener->scope, &token, message);
    if (r) return err_trace(r);
    const struct http_header headers[] = {
        { STR("Authorization"), arena_printf(arena, "Bearer " STR_FMT, STR_ARG(token)) },
        { STR("Accept"), STR("application/json") } };
    const struct http_call call = {
        .method = STR("GET"), .headers = headers, .header_count = ARRAY_COUNT(headers),
        .url = arena_printf(arena, STR_FMT "/v1/accounts/" STR_FMT "/balances",
                            STR_ARG(sandbox_caller_facts(opener->caller)->api),
                            STR_ARG(id_format(wish->account_id.bytes, id))) };
    if (!call.url.at || !headers[0].value.at) return err_origin(-ENOMEM);
    r = sandbox_caller_call(opener->caller, SANDBOX_AS_CLIENT, &call, arena, &result, message);
    if (!r) r = sandbox_caller_expect(&result, 200, "GET /v1/accounts/.../balances", arena, &json, message);
    if (r) return err_trace(r);
    value = json_string(json_path(json, "available.value"));
    if (money_parse(value, opener->currency, &money)) money.minor = 0; /* "0.00" and what is below are no amounts */
    *ret_minor = money.minor;
    return 0;
}

static int top_up_one(const struct account_opener *opener, const struct account_wish *wish, struct admin_client *client,
                      struct arena *arena, struct message *message) {
    char line_memory[LINE_BYTES_MAX];
    struct buffer line;
    const struct json *answer;
    int64_t available = 0;
    arena_reset(arena);
    int r = read_available(opener, wish, arena, &available, message);
    if (r || available >= wish->need_minor) return err_trace(r);
    buffer_init(&line, line_memory, sizeof line_memory);
    account_opener_write_fund(opener, wish, wish->need_minor - available, &line);
    if (line.overflow) return err_origin(-EMSGSIZE);
    r = admin_client_call(client, buffer_str(&line), arena, &answer, message);
    return translate(r, message);
}

static int top_up(const struct account_opener *opener, struct message *message) {
    char path[SANDBOX_PATH_BYTES_MAX];
    struct admin_client client = { .fd = -1 };
    struct progress progress;
    struct arena arena;
    int r = arena_init(&arena, OPENER_ARENA_BYTES, OPENER_ARENA_BYTES_MAX);
    if (r) return err_trace(r);
    sandbox_socket(opener->sandbox, "admin.sock", path);
    progress_begin(&progress, "Balances", opener->count);
    for (size_t i = 0; i < opener->count && !r; i++) {
        progress_show(&progress, i);
        if (opener->wishes[i].created) continue;
        /* the daemon closes a connection that says nothing for long, so each top-up is told on a fresh one if need be */
        r = client.fd < 0 ? admin_client_open(&client, path, message) : 0;
        r = r ? translate(r, message) : top_up_one(opener, &opener->wishes[i], &client, &arena, message);
        if (i % 256 == 255) admin_client_close(&client);
    }
    progress_end(&progress);
    admin_client_close(&client);
    arena_release(&arena);
    return err_trace(r);
}

int account_opener_run(const struct account_opener *opener, struct message *message) {
    check(opener->count > 0 && opener->count <= ACCOUNT_OPENER_ACCOUNTS_MAX);
    int r = open_all(opener, message);
    return r ? err_trace(r) : top_up(opener, message);
}
