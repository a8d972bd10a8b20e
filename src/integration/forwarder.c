#include "integration/forwarder_int.h"

#include "integration/command/command_codec.h"
#include "platform/clock.h"
#include "platform/net.h"
#include "platform/queue.h"

#include <pthread.h>
#include <stdatomic.h>

struct target {
    char host[NET_HOST_BYTES_MAX + 1]; /* "": nobody */
    uint16_t port;
    uint64_t generation; /* one more at each change */
};

struct worker {
    struct forwarder *forwarder;
    struct node_link *link;
    uint64_t generation; /* of the target that link leads to */
    struct buffer request, answer;
    pthread_t thread;
    bool runs;
};

struct forwarder {
    struct forwarder_options options;
    struct command_door door;
    struct queue queue;
    pthread_mutex_t lock; /* guards what follows */
    struct engine *engine;
    struct target target;
    struct buffer notes, notes_taken; /* notes_taken: the first worker's */
    size_t notes_count, notes_taken_count, waiting;
    int trouble;
    bool stopping;
    pthread_cond_t changed; /* engine, target or stopping */
    int64_t gone_ms;        /* since when nobody has been reached; 0: the last request was answered */
    atomic_int_least64_t reached_ms;
    atomic_uint_least64_t forwarded, unknown, notes_dropped;
    struct worker workers[FORWARD_CONNECTIONS_MAX];
};

/* ---- taking ---- */

struct engine *forwarder_engine(struct forwarder *forwarder) {
    pthread_mutex_lock(&forwarder->lock);
    struct engine *engine = forwarder->engine;
    pthread_mutex_unlock(&forwarder->lock);
    return engine;
}

struct integration *forwarder_integration(struct forwarder *forwarder) {
    return forwarder->options.integration;
}

/* Until when who cannot be reached is waited for (F5), under the lock. */
static int64_t patience_ends_ms(const struct forwarder *forwarder) {
    return forwarder->gone_ms ? forwarder->gone_ms + FORWARD_WAIT_MS : INT64_MAX;
}

static int forwarder_submit(void *ctx, struct command *command) {
    struct forwarder *forwarder = ctx;
    pthread_mutex_lock(&forwarder->lock);
    struct engine *engine = forwarder->engine;
    bool nobody = !forwarder->target.host[0] && clock_mono_ms() >= patience_ends_ms(forwarder);
    nobody |= forwarder->stopping;
    pthread_mutex_unlock(&forwarder->lock);
    if (engine) return engine_submit(engine, command);
    if (nobody) return ENGINE_E_FULL;
    return queue_try_put(&forwarder->queue, command) ? ENGINE_E_FULL : 0;
}

static void forwarder_note(void *ctx, struct str audit_json) {
    struct forwarder *forwarder = ctx;
    pthread_mutex_lock(&forwarder->lock);
    struct engine *engine = forwarder->engine;
    struct buffer *notes = &forwarder->notes;
    bool fits = notes->len + audit_json.len + 4 <= notes->bytes_max;
    if (!engine && fits) {
        buffer_append_be(notes, audit_json.len, 4);
        buffer_append_str(notes, audit_json);
        forwarder->notes_count++;
    }
    pthread_mutex_unlock(&forwarder->lock);
    if (engine) engine_note(engine, audit_json);
    else if (!fits) atomic_fetch_add(&forwarder->notes_dropped, 1);
}

/* ---- answering ---- */

static void reply(struct forwarder *forwarder, struct command *command, enum command_result result) {
    command->result = result;
    command->refusal = 0;
    command->answer = (struct str){ 0 };
    if (result == COMMAND_UNKNOWN) atomic_fetch_add(&forwarder->unknown, 1);
    command->on_reply(command);
}

static void reply_all(struct forwarder *forwarder, struct command **commands, size_t count,
                      enum command_result result) {
    for (size_t i = 0; i < count; i++) reply(forwarder, commands[i], result);
}

/* ---- one request ---- */

/* As many of the commands as fit into one request; what no request can carry is answered here. Returns how many of the
 * list are done with: those in sent, and those answered. */
static size_t put_commands(struct worker *worker, struct command **commands, size_t count, struct command **sent,
                           size_t *ret_sent) {
    struct buffer *out = &worker->request;
    size_t at = 0, taken = 0;
    buffer_reset(out);
    buffer_append_char(out, FORWARD_COMMANDS);
    buffer_append_be(out, 0, 2);
    for (; at < count; at++) {
        if (out->len + 4 + COMMAND_ENCODED_BYTES_MAX > out->bytes_max && taken) break;
        size_t begin = out->len;
        buffer_append_be(out, 0, 4);
        if (out->overflow || command_encode(out, commands[at])) {
            out->len = begin;
            out->overflow = false;
            reply(worker->forwarder, commands[at], COMMAND_FAULT); /* has no form, or is over its limits */
            continue;
        }
        struct buffer length;
        buffer_init(&length, out->at + begin, 4);
        buffer_append_be(&length, out->len - begin - 4, 4);
        sent[taken++] = commands[at];
    }
    out->at[1] = (char)(taken >> 8);
    out->at[2] = (char)(taken & 0xff);
    *ret_sent = taken;
    return at;
}

/* A link to the target of now; 0, NODE_LINK_E_*, <0. */
static int connect_to_target(struct worker *worker) {
    struct forwarder *forwarder = worker->forwarder;
    pthread_mutex_lock(&forwarder->lock);
    struct target target = forwarder->target;
    pthread_mutex_unlock(&forwarder->lock);
    if (worker->link && (worker->generation != target.generation || !node_link_is_good(worker->link)))
        worker->link = node_link_close(worker->link);
    if (worker->link) return 0;
    if (!target.host[0]) return err_origin(-EHOSTUNREACH);
    worker->generation = target.generation;
    return node_link_open(forwarder->options.identity, target.host, target.port, &worker->link);
}

/* What stands in worker->request. *ret_sent: it may have been served. 0: worker->answer begins with its kind. */
static int call(struct worker *worker, bool *ret_sent) {
    struct forwarder *forwarder = worker->forwarder;
    *ret_sent = false;
    buffer_reset(&worker->answer);
    int r = connect_to_target(worker);
    if (!r)
        r = node_link_call(worker->link, buffer_str(&worker->request), clock_mono_ms() + FORWARD_DEADLINE_MS,
                           &worker->answer, ret_sent);
    bool good = !r && worker->answer.len &&
                (worker->answer.at[0] == worker->request.at[0] || worker->answer.at[0] == FORWARD_NOBODY);
    bool reached = good && worker->answer.at[0] != FORWARD_NOBODY;
    if (!good && worker->link) worker->link = node_link_close(worker->link); /* L2 of node_link.h */
    if (reached) atomic_store(&forwarder->reached_ms, clock_mono_ms());
    pthread_mutex_lock(&forwarder->lock);
    forwarder->trouble = r;
    if (reached) forwarder->gone_ms = 0;
    else if (!forwarder->gone_ms) forwarder->gone_ms = clock_mono_ms();
    pthread_mutex_unlock(&forwarder->lock);
    return good ? 0 : r ? r : err_origin(-EBADMSG);
}

/* After a request of count commands that was not taken. Whether it may be made again: to the engine, which has come
 * here (*ret_engine), or to whoever leads then. At once when that has changed. */
static bool wait_for_holder(struct forwarder *forwarder, size_t count, struct engine **ret_engine) {
    struct timespec until = clock_mono_after(FORWARD_AGAIN_MS);
    pthread_mutex_lock(&forwarder->lock);
    uint64_t generation = forwarder->target.generation;
    int r = clock_mono_ms() < patience_ends_ms(forwarder) ? 0 : ETIMEDOUT;
    forwarder->waiting += count;
    while (!r && !forwarder->engine && !forwarder->stopping && forwarder->target.generation == generation)
        r = pthread_cond_timedwait(&forwarder->changed, &forwarder->lock, &until);
    forwarder->waiting -= count;
    bool again = !forwarder->stopping && clock_mono_ms() < patience_ends_ms(forwarder);
    *ret_engine = forwarder->engine;
    pthread_mutex_unlock(&forwarder->lock);
    return again || *ret_engine;
}

static void read_answers(struct worker *worker, struct command **commands, size_t count) {
    struct str rest = buffer_str(&worker->answer);
    bool bad = false;
    rest = str_slice(rest, 1, rest.len);
    for (size_t i = 0; i < count; i++) {
        bad = bad || command_decode_answer(&rest, commands[i]);
        if (bad) reply(worker->forwarder, commands[i], COMMAND_UNKNOWN);
        else commands[i]->on_reply(commands[i]);
    }
}

/* The engine came here while they waited. */
static void decide_here(struct forwarder *forwarder, struct engine *engine, struct command **commands, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (engine_submit(engine, commands[i])) reply(forwarder, commands[i], COMMAND_UNAVAILABLE);
}

/* The request that stands in worker->request, with these commands in it: sent once (F2), when there is somebody (F5).
 */
static void forward_one(struct worker *worker, struct command **sent, size_t count) {
    struct forwarder *forwarder = worker->forwarder;
    struct engine *engine = NULL;
    bool left;
    for (;;) {
        int r = call(worker, &left);
        bool taken = !r && worker->answer.at[0] != FORWARD_NOBODY;
        if (taken) {
            atomic_fetch_add(&forwarder->forwarded, count);
            read_answers(worker, sent, count);
            return;
        }
        if (r && left) {
            reply_all(forwarder, sent, count, COMMAND_UNKNOWN);
            return;
        }
        if (r > 0 || !wait_for_holder(forwarder, count, &engine))
            break; /* another version, or no node of ours: for good */
        if (engine) {
            decide_here(forwarder, engine, sent, count);
            return;
        }
    }
    reply_all(forwarder, sent, count, COMMAND_UNAVAILABLE);
}

static void forward(struct worker *worker, struct command **commands, size_t count) {
    struct command *sent[FORWARD_COMMANDS_MAX];
    size_t taken;
    for (size_t at = 0; at < count;) {
        at += put_commands(worker, commands + at, count - at, sent, &taken);
        if (taken) forward_one(worker, sent, taken);
    }
}

/* ---- notes and pings: the first worker's ---- */

/* What was not sent waits for the next time; what may have been read is not sent again. */
static void send_notes(struct worker *worker) {
    struct forwarder *forwarder = worker->forwarder;
    struct buffer *taken = &forwarder->notes_taken;
    bool left = false;
    pthread_mutex_lock(&forwarder->lock);
    if (!taken->len && forwarder->notes.len) {
        struct buffer empty = *taken;
        *taken = forwarder->notes;
        forwarder->notes = empty;
        forwarder->notes_taken_count = forwarder->notes_count;
        forwarder->notes_count = 0;
    }
    pthread_mutex_unlock(&forwarder->lock);
    if (!taken->len) return;
    buffer_reset(&worker->request);
    buffer_append_char(&worker->request, FORWARD_NOTES);
    buffer_append_str(&worker->request, buffer_str(taken));
    int r = worker->request.overflow ? err_origin(-EMSGSIZE) : call(worker, &left);
    if (r && !left && !worker->request.overflow) return;
    if (r) atomic_fetch_add(&forwarder->notes_dropped, forwarder->notes_taken_count);
    if (r || worker->answer.at[0] == FORWARD_NOTES) buffer_reset(taken);
}

/* What waited when the engine came here. */
static void notes_here(struct forwarder *forwarder, struct engine *engine) {
    struct buffer *const both[] = { &forwarder->notes_taken, &forwarder->notes };
    pthread_mutex_lock(&forwarder->lock);
    for (size_t i = 0; i < ARRAY_COUNT(both); i++) {
        struct str rest = buffer_str(both[i]);
        while (rest.len) { /* ours, so well formed */
            size_t len = 0;
            for (size_t at = 0; at < 4; at++) len = len << 8 | (uint8_t)rest.at[at];
            engine_note(engine, str_slice(rest, 4, 4 + len));
            rest = str_slice(rest, 4 + len, rest.len);
        }
        buffer_reset(both[i]);
    }
    forwarder->notes_count = 0;
    pthread_mutex_unlock(&forwarder->lock);
}

static void ping(struct worker *worker) {
    bool left;
    if (clock_mono_ms() - atomic_load(&worker->forwarder->reached_ms) < FORWARD_PING_MS) return;
    buffer_reset(&worker->request);
    buffer_append_char(&worker->request, FORWARD_PING);
    (void)call(worker, &left); /* reached_ms and trouble are what it is for */
}

static bool somebody(struct forwarder *forwarder) {
    pthread_mutex_lock(&forwarder->lock);
    bool yes = !forwarder->engine && forwarder->target.host[0];
    pthread_mutex_unlock(&forwarder->lock);
    return yes;
}

static void *worker_main(void *ctx) {
    struct worker *worker = ctx;
    struct forwarder *forwarder = worker->forwarder;
    bool first = worker == &forwarder->workers[0];
    void *items[FORWARD_COMMANDS_MAX];
    struct command *commands[FORWARD_COMMANDS_MAX];
    for (;;) {
        struct queue_batch batch = { .items = items, .items_max = FORWARD_COMMANDS_MAX };
        int r = queue_take_batch(&forwarder->queue, first ? FORWARD_NOTES_MS : QUEUE_WAIT_FOR_EVER, &batch);
        if (r == QUEUE_E_CLOSED) return NULL;
        struct engine *engine = forwarder_engine(forwarder);
        for (size_t i = 0; !r && i < batch.count; i++) commands[i] = items[i];
        if (!r && engine) decide_here(forwarder, engine, commands, batch.count);
        else if (!r) forward(worker, commands, batch.count);
        if (first && engine) notes_here(forwarder, engine);
        if (!first || !somebody(forwarder)) continue;
        send_notes(worker);
        ping(worker);
    }
}

/* ---- start and stop ---- */

static int worker_start(struct forwarder *forwarder, struct worker *worker) {
    worker->forwarder = forwarder;
    buffer_init_heap(&worker->request, NODE_FRAME_BYTES_MAX);
    buffer_init_heap(&worker->answer, NODE_FRAME_BYTES_MAX);
    int r = pthread_create(&worker->thread, NULL, worker_main, worker);
    worker->runs = r == 0;
    return r ? err_origin(-r) : 0;
}

int forwarder_new(const struct forwarder_options *options, struct forwarder **ret_forwarder) {
    check(options->connections > 0 && options->connections <= FORWARD_CONNECTIONS_MAX);
    struct forwarder *forwarder = calloc(1, sizeof *forwarder);
    if (!forwarder) return err_origin(-ENOMEM);
    forwarder->options = *options;
    forwarder->door = (struct command_door){ .submit = forwarder_submit, .note = forwarder_note, .ctx = forwarder };
    pthread_condattr_t attributes;
    check(pthread_condattr_init(&attributes) == 0 && pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    check(pthread_mutex_init(&forwarder->lock, NULL) == 0 && pthread_cond_init(&forwarder->changed, &attributes) == 0);
    forwarder->gone_ms = clock_mono_ms();
    buffer_init_heap(&forwarder->notes, NODE_FRAME_BYTES_MAX - 1);
    buffer_init_heap(&forwarder->notes_taken, NODE_FRAME_BYTES_MAX - 1);
    atomic_store(&forwarder->reached_ms, clock_mono_ms() - FORWARD_REACHED_MS);
    int r = queue_init(&forwarder->queue, FORWARD_QUEUE_MAX);
    for (size_t i = 0; i < options->connections && !r; i++) r = worker_start(forwarder, &forwarder->workers[i]);
    if (r) {
        forwarder_free(forwarder);
        return err_trace(r);
    }
    *ret_forwarder = forwarder;
    return 0;
}

void forwarder_stop(struct forwarder *forwarder) {
    pthread_mutex_lock(&forwarder->lock);
    forwarder->stopping = true;
    forwarder->target = (struct target){ .generation = forwarder->target.generation + 1 };
    pthread_cond_broadcast(&forwarder->changed);
    pthread_mutex_unlock(&forwarder->lock);
    if (forwarder->queue.items) queue_close(&forwarder->queue); /* the workers take what waits, then end */
    for (size_t i = 0; i < forwarder->options.connections; i++) {
        struct worker *worker = &forwarder->workers[i];
        if (worker->runs) pthread_join(worker->thread, NULL);
        worker->runs = false;
    }
}

struct forwarder *forwarder_free(struct forwarder *forwarder) {
    if (!forwarder) return NULL;
    forwarder_stop(forwarder);
    for (size_t i = 0; i < forwarder->options.connections; i++) {
        struct worker *worker = &forwarder->workers[i];
        node_link_close(worker->link);
        buffer_release(&worker->request);
        buffer_release(&worker->answer);
    }
    buffer_release(&forwarder->notes);
    buffer_release(&forwarder->notes_taken);
    queue_release(&forwarder->queue);
    pthread_cond_destroy(&forwarder->changed);
    pthread_mutex_destroy(&forwarder->lock);
    free(forwarder);
    return NULL;
}

const struct command_door *forwarder_door(const struct forwarder *forwarder) {
    return &forwarder->door;
}

/* ---- who decides ---- */

static void read_target(const char *address, struct target *target) {
    const char *colon = strrchr(address, ':');
    uint64_t port;
    target->host[0] = '\0';
    if (!colon || str_to_u64(str_from_c(colon + 1), &port) || port == 0 || port > UINT16_MAX) return;
    struct str host = str_from_bytes(address, (size_t)(colon - address));
    if (str_starts(host, STR("[")) && str_ends(host, STR("]"))) host = str_slice(host, 1, host.len - 1);
    if (str_to_c(host, target->host, sizeof target->host)) target->host[0] = '\0';
    target->port = (uint16_t)port;
}

void forwarder_to_node(struct forwarder *forwarder, const char *address) {
    struct target target = { .port = 0 };
    read_target(address, &target);
    pthread_mutex_lock(&forwarder->lock);
    forwarder->engine = NULL;
    if (strcmp(target.host, forwarder->target.host) != 0 || target.port != forwarder->target.port) {
        target.generation = forwarder->target.generation + 1;
        forwarder->target = target;
        if (target.host[0] || !forwarder->gone_ms) forwarder->gone_ms = clock_mono_ms();
        pthread_cond_broadcast(&forwarder->changed);
    }
    pthread_mutex_unlock(&forwarder->lock);
}

void forwarder_to_engine(struct forwarder *forwarder, struct engine *engine) {
    pthread_mutex_lock(&forwarder->lock);
    forwarder->engine = engine;
    forwarder->gone_ms = 0;
    pthread_cond_broadcast(&forwarder->changed);
    pthread_mutex_unlock(&forwarder->lock);
}

void forwarder_state(struct forwarder *forwarder, struct forwarder_state *ret_state) {
    pthread_mutex_lock(&forwarder->lock);
    *ret_state =
        (struct forwarder_state){ .reached = forwarder->engine ||
                                             clock_mono_ms() - atomic_load(&forwarder->reached_ms) < FORWARD_REACHED_MS,
                                  .trouble = forwarder->engine ? 0 : forwarder->trouble,
                                  .waiting = forwarder->waiting,
                                  .forwarded = atomic_load(&forwarder->forwarded),
                                  .unknown = atomic_load(&forwarder->unknown),
                                  .notes_dropped = atomic_load(&forwarder->notes_dropped) };
    pthread_mutex_unlock(&forwarder->lock);
    ret_state->queued = queue_count(&forwarder->queue);
}
