#include "app/bulk_sender.h"

#include "platform/clock.h"

enum { BULK_ARENA_BYTES = 64 * 1024, BULK_ARENA_BYTES_MAX = 1024 * 1024, BULK_HEADERS = 4 };

struct bulk_slot {
    bool has_index;
    size_t index;
    unsigned again;     /* times that the index was asked again */
    int64_t not_before_ms;
    struct bulk_call call;
    char url[BULK_URL_BYTES_MAX], body[BULK_BODY_BYTES_MAX], key[BULK_KEY_BYTES_MAX];
    char bearer[SANDBOX_CALLER_TOKEN_BYTES_MAX + 8];
    struct http_header headers[BULK_HEADERS];
};

struct bulk_run {
    const struct bulk_sender *sender;
    struct message *message;
    struct bulk_slot *slots;
    struct arena arena;
    size_t next;
    bool stopped;
    int result;
};

static int put_bearer(struct bearer *bearer, struct bulk_slot *slot, struct str *ret_value, struct message *message) {
    struct str token;
    (void)pthread_mutex_lock(&bearer->lock);
    int r = sandbox_caller_token(bearer->caller, bearer->scope, &token, message);
    int len = r ? 0 : snprintf(slot->bearer, sizeof slot->bearer, "Bearer " STR_FMT, STR_ARG(token));
    (void)pthread_mutex_unlock(&bearer->lock);
    if (!r) *ret_value = str_from_bytes(slot->bearer, (size_t)len);
    return err_trace(r);
}

static void take_index(struct bulk_run *run, struct bulk_slot *slot) {
    slot->index = run->next++;
    slot->has_index = true;
    slot->again = 0;
    slot->not_before_ms = 0;
    buffer_init(&slot->call.url, slot->url, sizeof slot->url);
    buffer_init(&slot->call.body, slot->body, sizeof slot->body);
    buffer_init(&slot->call.key, slot->key, sizeof slot->key);
    run->sender->write(run->sender->ctx, slot->index, &slot->call);
    check(!slot->call.url.overflow && !slot->call.body.overflow && !slot->call.key.overflow);
}

static enum http_load_next bulk_end(struct bulk_run *run, int result) {
    run->stopped = true;
    if (!run->result) run->result = result;
    return HTTP_LOAD_DONE;
}

static enum http_load_next next_request(void *ctx, size_t index, struct http_call *ret_call, int64_t *ret_wait_ms) {
    struct bulk_run *run = ctx;
    struct bulk_slot *slot = &run->slots[index];
    struct str bearer;
    if (run->stopped || (!slot->has_index && run->next >= run->sender->count)) return HTTP_LOAD_DONE;
    if (!slot->has_index) take_index(run, slot);
    int64_t wait_ms = slot->not_before_ms - clock_mono_ms();
    if (wait_ms > 0) {
        *ret_wait_ms = wait_ms;
        return HTTP_LOAD_WAIT;
    }
    int r = put_bearer(run->sender->bearer, slot, &bearer, run->message);
    if (r) return bulk_end(run, r);
    slot->headers[0] = (struct http_header){ STR("Authorization"), bearer };
    slot->headers[1] = (struct http_header){ STR("Accept"), STR("application/json") };
    slot->headers[2] = (struct http_header){ STR("Content-Type"), STR("application/json") };
    slot->headers[3] = (struct http_header){ STR("Idempotency-Key"), buffer_str(&slot->call.key) };
    bool posts = slot->call.is_post;
    *ret_call = (struct http_call){ .method = posts ? STR("POST") : STR("GET"), .url = buffer_str(&slot->call.url),
                                    .headers = slot->headers, .header_count = posts ? BULK_HEADERS : 2,
                                    .body = buffer_str(&slot->call.body), .idempotent = true };
    return HTTP_LOAD_SEND;
}

static void ask_again(struct bulk_run *run, struct bulk_slot *slot, const struct payment_answer *answer) {
    slot->not_before_ms = clock_mono_ms() + answer->wait_ms;
    if (++slot->again <= BULK_AGAIN_MAX) return;
    message_set(run->message, "a call was asked %d times without an answer that counts (%s)", BULK_AGAIN_MAX,
                answer->reason);
    (void)bulk_end(run, SANDBOX_CALLER_E_UNKNOWN);
}

static void on_response(void *ctx, size_t index, const struct http_load_response *response) {
    struct bulk_run *run = ctx;
    struct bulk_slot *slot = &run->slots[index];
    struct payment_answer answer;
    arena_reset(&run->arena);
    payment_answer_read(response, &run->arena, &answer);
    if (answer.kind == PAYMENT_ANSWER_LOST) {
        message_set(run->message, "the bank does not answer any more (%s): is ./run running?", answer.reason);
        (void)bulk_end(run, SANDBOX_CALLER_E_UNREACHABLE);
        return;
    }
    switch (run->sender->on_answer(run->sender->ctx, slot->index, &answer, response->latency_ns)) {
    case BULK_NEXT:
        slot->has_index = false;
        break;
    case BULK_AGAIN:
        ask_again(run, slot, &answer);
        break;
    case BULK_STOP:
        run->stopped = true;
        break;
    }
}

int bulk_send(const struct bulk_sender *sender, struct message *message) {
    struct bulk_run run = { .sender = sender, .message = message };
    const struct http_load_options options = { .client = sender->http, .connections = sender->connections,
                                               .next_request = next_request, .on_response = on_response, .ctx = &run };
    check(sender->connections > 0 && sender->connections <= BULK_CONNECTIONS_MAX);
    run.slots = calloc(sender->connections, sizeof *run.slots);
    int r = run.slots ? arena_init(&run.arena, BULK_ARENA_BYTES, BULK_ARENA_BYTES_MAX) : err_origin(-ENOMEM);
    if (!r) r = http_load_run(&options);
    if (!r) r = run.result;
    arena_release(&run.arena);
    free(run.slots);
    return err_trace(r);
}
