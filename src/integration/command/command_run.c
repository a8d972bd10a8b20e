#include "integration/command/command_run.h"

#include <pthread.h>

/* One queued command of a caller; lives in the call's arena. */
struct run {
    struct command command;
    struct command_call *call;
    bool waits, answered; /* without on_done: the caller sleeps on these */
    pthread_mutex_t lock;
    pthread_cond_t done;
};

static enum answer_result answer_result_of(enum command_result result) {
    switch (result) {
    case COMMAND_DONE:
        return ANSWER_DONE;
    case COMMAND_REPLAYED:
        return ANSWER_REPLAYED;
    case COMMAND_KEY_REUSED:
        return ANSWER_KEY_REUSED;
    case COMMAND_UNAVAILABLE:
        return ANSWER_UNAVAILABLE;
    case COMMAND_UNKNOWN:
        return ANSWER_UNKNOWN;
    case COMMAND_TOO_COMPLEX:
        return ANSWER_TOO_COMPLEX;
    case COMMAND_FAULT:
        return ANSWER_FAULT;
    case COMMAND_RESULT_COUNT:
        break;
    }
    return ANSWER_FAULT;
}

struct command_answer command_answer_of(const struct command *command) {
    struct command_answer answer = { .result = answer_result_of(command->result),
                                     .refusal = command->refusal,
                                     .refusal_name = "",
                                     .body = command->answer };
    if (command->refusal > 0 && command->kind->refusal_name)
        answer.refusal_name = command->kind->refusal_name(command->refusal);
    memcpy(answer.resource_id, command->resource_id, sizeof answer.resource_id);
    return answer;
}

static_assert((int)ENGINE_AUDIT_BYTES_MAX >= (int)AUDIT_RECORD_BYTES_MAX, "the engine takes the longest record");

static void run_write_audit(struct buffer *out, const struct command *command) {
    struct command_answer answer = command_answer_of(command);
    command_audit_write(out, command->audit, &answer);
}

/* Whether the commit holds the record: of what was decided, replayed, or refused for its key. */
static bool is_audited(const struct command *command) {
    return command->audit && (command->result == COMMAND_DONE || command->result == COMMAND_REPLAYED ||
                              command->result == COMMAND_KEY_REUSED);
}

static void run_on_reply(struct command *command) {
    struct run *run = command->owner;
    struct command_call *call = run->call;
    call->answer = command_answer_of(command);
    call->audited = is_audited(command);
    if (command->answer.len) {
        call->answer.body = arena_dup(call->arena, command->answer);
        if (!call->answer.body.at)
            call->answer.result = ANSWER_UNKNOWN; /* decided, but the answer cannot be carried: ask again */
    }
    if (!run->waits) {
        call->on_done(call->owner);
        return;
    }
    pthread_mutex_lock(&run->lock);
    run->answered = true;
    pthread_cond_signal(&run->done);
    pthread_mutex_unlock(&run->lock);
}

static void run_wait(struct run *run) {
    pthread_mutex_lock(&run->lock);
    while (!run->answered) pthread_cond_wait(&run->done, &run->lock);
    pthread_mutex_unlock(&run->lock);
}

int integration_submit(struct integration *integration, struct command *command) {
    if (integration->door) return integration->door->submit(integration->door->ctx, command);
    return engine_submit(integration->engine, command);
}

int command_run(struct integration *integration, struct command_call *call, const struct command_kind *kind,
                void *input) {
    struct run *run = arena_new(call->arena, struct run);
    if (!run) return err_origin(-ENOMEM);
    run->call = call;
    bool waits = call->on_done == NULL;
    run->waits = waits;
    run->command = (struct command){ .kind = kind, .input = input, .on_reply = run_on_reply, .owner = run };
    call->audited = false;
    if (call->audit) {
        run->command.audit = call->audit;
        run->command.write_audit = run_write_audit;
    }
    if (call->idempotent) {
        struct str client = call->call ? call->call->client_name : STR("operator");
        run->command.idempotency.present = true;
        run->command.idempotency.fingerprint = call->fingerprint;
        run->command.idempotency.keep_ms = call->keep_ms;
        idempotency_key(client, call->method, call->route_template, call->key, run->command.idempotency.key);
    }
    if (waits) check(pthread_mutex_init(&run->lock, NULL) == 0 && pthread_cond_init(&run->done, NULL) == 0);
    int r = integration_submit(integration, &run->command) ? COMMAND_E_FULL : 0;
    if (!waits) return r; /* once taken, run and call may already be answered and gone */
    if (!r) run_wait(run);
    pthread_cond_destroy(&run->done);
    pthread_mutex_destroy(&run->lock);
    return r;
}

void command_note(struct integration *integration, struct str audit_json) {
    if (integration->door) integration->door->note(integration->door->ctx, audit_json);
    else engine_note(integration->engine, audit_json);
}

/* ---- commands of the program itself ---- */

struct program_run {
    struct command command;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool answered;
};

static void program_on_reply(struct command *command) {
    struct program_run *run = command->owner;
    pthread_mutex_lock(&run->lock);
    run->answered = true;
    pthread_cond_signal(&run->done);
    pthread_mutex_unlock(&run->lock);
}

int command_run_program(struct integration *integration, const struct command_kind *kind, void *input) {
    struct program_run run = { .answered = false };
    run.command =
        (struct command){ .kind = kind, .input = input, .internal = true, .on_reply = program_on_reply, .owner = &run };
    check(pthread_mutex_init(&run.lock, NULL) == 0 && pthread_cond_init(&run.done, NULL) == 0);
    int r = integration_submit(integration, &run.command) ? err_origin(-EAGAIN) : 0;
    if (!r) {
        pthread_mutex_lock(&run.lock);
        while (!run.answered) pthread_cond_wait(&run.done, &run.lock);
        pthread_mutex_unlock(&run.lock);
        r = run.command.result == COMMAND_DONE ? run.command.refusal : err_origin(-EIO);
    }
    pthread_cond_destroy(&run.done);
    pthread_mutex_destroy(&run.lock);
    return r;
}

struct internal_run {
    struct command command;
    void (*on_done)(void *ctx, const void *input, const struct command *command);
    void *ctx;
    _Alignas(16) unsigned char input[];
};

static void internal_on_reply(struct command *command) {
    struct internal_run *run = command->owner;
    if (run->on_done) run->on_done(run->ctx, run->input, command);
    free(run);
}

/* tidy: parameters because on_done needs its ctx, and input its size. */
int command_run_internal(struct integration *integration, const struct command_kind *kind, const void *input,
                         size_t bytes, void (*on_done)(void *ctx, const void *input, const struct command *command),
                         void *ctx) {
    struct internal_run *run = malloc(sizeof *run + bytes);
    if (!run) return err_origin(-ENOMEM);
    *run = (struct internal_run){ .on_done = on_done, .ctx = ctx };
    memcpy(run->input, input, bytes);
    run->command = (struct command){
        .kind = kind, .input = run->input, .internal = true, .on_reply = internal_on_reply, .owner = run
    };
    if (integration_submit(integration, &run->command) == 0) return 0;
    free(run);
    return COMMAND_E_FULL;
}
