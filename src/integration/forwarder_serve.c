/* forwarder_serve.c - the node that holds the lease answers the others: one request at a time on a connection's thread,
 * its commands side by side in the engine's queue. */
#include "integration/forwarder_int.h"

#include "integration/command/command_codec.h"

#include <pthread.h>

enum { SERVE_ARENA_BYTES = 64 * 1024, SERVE_ARENA_BYTES_MAX = 32 * 1024 * 1024 };

struct batch {
    pthread_mutex_t lock;
    pthread_cond_t done;
    size_t waiting;
    struct arena *arena; /* under lock once the first command is submitted */
};

/* On the engine's thread. */
static void serve_on_reply(struct command *command) {
    struct batch *batch = command->owner;
    pthread_mutex_lock(&batch->lock);
    if (command->answer.len) command->answer = arena_dup(batch->arena, command->answer);
    if (!command->answer.at && command->answer.len) {
        command->answer = (struct str){ 0 };
        command->result = COMMAND_UNKNOWN; /* decided, but the answer cannot be carried: ask again */
    }
    if (--batch->waiting == 0) pthread_cond_signal(&batch->done);
    pthread_mutex_unlock(&batch->lock);
}

/* A command that is not one of ours: nothing of it was taken. */
static int take_one(struct forwarder *forwarder, struct str bytes, struct arena *arena, struct command **ret_command) {
    struct command_arrived *arrived;
    int r = command_decode(&bytes, forwarder_integration(forwarder), arena, &arrived);
    if (r < 0) return err_trace(r);
    if (r || bytes.len) {
        struct command *none = arena_new(arena, struct command);
        if (!none) return err_origin(-ENOMEM);
        none->result = COMMAND_FAULT;
        *ret_command = none;
        return 0;
    }
    *ret_command = &arrived->command;
    return 0;
}

static bool take_length(struct str *rest, size_t bytes, size_t *ret_length) {
    size_t length = 0;
    if (rest->len < bytes) return false;
    for (size_t i = 0; i < bytes; i++) length = length << 8 | (uint8_t)rest->at[i];
    *rest = str_slice(*rest, bytes, rest->len);
    *ret_length = length;
    return true;
}

/* All of the request's commands, before the first is submitted. */
static bool take_all(struct forwarder *forwarder, struct str rest, struct arena *arena, struct command **commands,
                     size_t *ret_count) {
    size_t count, len;
    if (!take_length(&rest, 2, &count) || count == 0 || count > FORWARD_COMMANDS_MAX) return false;
    for (size_t i = 0; i < count; i++) {
        if (!take_length(&rest, 4, &len) || len > rest.len) return false;
        if (take_one(forwarder, str_slice(rest, 0, len), arena, &commands[i])) return false;
        rest = str_slice(rest, len, rest.len);
    }
    *ret_count = count;
    return rest.len == 0;
}

static void decide_all(struct engine *engine, struct batch *batch, struct command **commands, size_t count) {
    batch->waiting = 1; /* this thread's own, until all are submitted */
    for (size_t i = 0; i < count; i++) {
        struct command *command = commands[i];
        if (!command->kind) continue;
        command->owner = batch;
        command->on_reply = serve_on_reply;
        pthread_mutex_lock(&batch->lock);
        batch->waiting++;
        pthread_mutex_unlock(&batch->lock);
        if (engine_submit(engine, command) == 0) continue;
        pthread_mutex_lock(&batch->lock);
        batch->waiting--;
        pthread_mutex_unlock(&batch->lock);
        command->result = COMMAND_UNAVAILABLE;
    }
    pthread_mutex_lock(&batch->lock);
    batch->waiting--;
    while (batch->waiting) pthread_cond_wait(&batch->done, &batch->lock);
    pthread_mutex_unlock(&batch->lock);
}

static void put_answers(struct buffer *answer, struct command **commands, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t reserved = (count - i) * FORWARD_ANSWER_LEAST_BYTES;
        if (answer->len + reserved + commands[i]->answer.len > NODE_FRAME_BYTES_MAX) {
            commands[i]->answer = (struct str){ 0 };
            commands[i]->result = COMMAND_UNKNOWN; /* decided, but there is no room to say what */
            commands[i]->refusal = 0;
        }
        check(command_encode_answer(answer, commands[i]) == 0);
    }
}

static bool serve_commands(struct forwarder *forwarder, struct engine *engine, struct str rest, struct buffer *answer) {
    struct command *commands[FORWARD_COMMANDS_MAX];
    struct arena arena;
    size_t count;
    if (arena_init(&arena, SERVE_ARENA_BYTES, SERVE_ARENA_BYTES_MAX)) return false;
    struct batch batch = { .arena = &arena };
    bool taken = take_all(forwarder, rest, &arena, commands, &count);
    if (taken) {
        check(pthread_mutex_init(&batch.lock, NULL) == 0 && pthread_cond_init(&batch.done, NULL) == 0);
        decide_all(engine, &batch, commands, count);
        put_answers(answer, commands, count);
        pthread_cond_destroy(&batch.done);
        pthread_mutex_destroy(&batch.lock);
    }
    arena_release(&arena);
    return taken;
}

static bool serve_notes(struct engine *engine, struct str rest) {
    size_t len;
    while (rest.len) {
        if (!take_length(&rest, 4, &len) || len > rest.len) return false;
        engine_note(engine, str_slice(rest, 0, len));
        rest = str_slice(rest, len, rest.len);
    }
    return true;
}

bool forwarder_serve(void *ctx, struct str request, struct buffer *answer) {
    struct forwarder *forwarder = ctx;
    size_t kind;
    if (!take_length(&request, 1, &kind)) return false;
    struct engine *engine = forwarder_engine(forwarder);
    buffer_append_char(answer, (char)(engine ? kind : FORWARD_NOBODY));
    if (!engine) return true; /* F3 */
    if (kind == FORWARD_COMMANDS) return serve_commands(forwarder, engine, request, answer);
    if (kind == FORWARD_NOTES) return serve_notes(engine, request);
    return kind == FORWARD_PING && request.len == 0;
}
