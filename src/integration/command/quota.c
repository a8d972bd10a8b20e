/* quota.c - reserves a part of a day's quota, or gives back what was not used of one. */
#include "integration/command/command_run.h"

#include "integration/command/command_codec.h"
#include "services/identity/quota.h"

static_assert((int)COMMAND_QUOTA_BLOCK_MAX == (int)QUOTA_BLOCK_MAX, "one limit, told on both sides");

struct hash command_quota_key(enum command_quota_kind kind, const uint8_t id[16], struct str resource) {
    struct sha256 sha;
    uint8_t first = (uint8_t)kind;
    check(sha256_init(&sha) == 0);
    sha256_begin(&sha);
    sha256_update(&sha, &first, 1);
    sha256_update(&sha, id, 16);
    sha256_update(&sha, resource.at, resource.len);
    struct hash hash = sha256_end(&sha);
    sha256_release(&sha);
    return hash;
}

static void quota_needs(struct work *work, const struct command *command) {
    quota_want(work, &((const struct command_quota_input *)command->input)->key);
}

/* The answer: three numbers, since it may come from another node. */
static int put_answer(struct work *work, struct command *command, const struct quota_grant *grant) {
    struct view view = view_of(work, "identity");
    struct str text = arena_printf(view_arena(&view), "%lld %lld %lld", (long long)grant->count, (long long)grant->used,
                                   (long long)grant->end_ms);
    command->answer = text;
    return text.at ? 0 : err_origin(-ENOMEM);
}

static int quota_decide(struct work *work, struct command *command) {
    const struct command_quota_input *input = command->input;
    struct quota_ask ask = { .key = input->key, .limit = input->limit, .want_max = input->want_max };
    struct quota_grant grant = { 0 };
    if (!input->want_max) return quota_return(work, &input->key, input->give_back, input->end_ms);
    if (ask.limit < 1 || ask.want_max < 0 || ask.want_max > QUOTA_BLOCK_MAX) return err_origin(-EINVAL);
    int r = quota_reserve(work, &ask, &grant);
    return r ? r : put_answer(work, command, &grant);
}

static const struct command_kind quota_kind = { .name = "quota", .needs = quota_needs, .decide = quota_decide };

static const struct command_field quota_fields[] = {
    FIELD(struct command_quota_input, key, HASH),     FIELD(struct command_quota_input, limit, I64),
    FIELD(struct command_quota_input, want_max, I64), FIELD(struct command_quota_input, give_back, I64),
    FIELD(struct command_quota_input, end_ms, I64),
};
const struct command_form quota_form = { .kind = &quota_kind,
                                         .input_bytes = sizeof(struct command_quota_input),
                                         .fields = quota_fields,
                                         .field_count = ARRAY_COUNT(quota_fields),
                                         .refusal_count = 0 };

static bool number_cut(struct str *text, int64_t *ret_number) {
    struct str word;
    uint64_t number;
    (void)str_cut(text, ' ', &word); /* behind the last one stands nothing */
    if (str_to_u64(word, &number) || number > INT64_MAX) return false;
    *ret_number = (int64_t)number;
    return true;
}

static struct command_quota_grant grant_of(bool decided, struct str answer) {
    struct command_quota_grant grant = { 0 };
    grant.decided = decided && number_cut(&answer, &grant.count) && number_cut(&answer, &grant.used) &&
                    number_cut(&answer, &grant.end_ms);
    return grant;
}

/* ---- nobody waits ---- */

struct reservation {
    struct command_quota_input input; /* first: it is the command's */
    void (*on_done)(void *ctx, const struct command_quota_input *input, const struct command_quota_grant *grant);
    void *ctx;
};

static void reservation_on_done(void *ctx, const void *input, const struct command *command) {
    const struct reservation *reservation = input;
    struct command_quota_grant grant =
        grant_of(command->result == COMMAND_DONE && command->refusal == 0, command->answer);
    (void)ctx; /* the reservation's own */
    if (reservation->on_done) reservation->on_done(reservation->ctx, &reservation->input, &grant);
}

int command_quota_reserve(struct integration *integration, const struct command_quota_input *input,
                          void (*on_done)(void *ctx, const struct command_quota_input *input,
                                          const struct command_quota_grant *grant),
                          void *ctx) {
    struct reservation reservation = { .input = *input, .on_done = on_done, .ctx = ctx };
    return command_run_internal(integration, &quota_kind, &reservation, sizeof reservation, reservation_on_done, NULL);
}

/* ---- the caller waits ---- */

int command_quota_take(struct integration *integration, struct command_call *call,
                       const struct command_quota_input *input, struct command_quota_grant *ret_grant) {
    struct command_quota_input *copy = arena_new(call->arena, struct command_quota_input);
    if (!copy) return err_origin(-ENOMEM);
    *copy = *input;
    int r = command_run(integration, call, &quota_kind, copy);
    if (r < 0) return err_trace(r);
    *ret_grant = grant_of(r == 0 && call->answer.result == ANSWER_DONE && call->answer.refusal == 0, call->answer.body);
    return 0;
}
