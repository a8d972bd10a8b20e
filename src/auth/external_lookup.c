#include "auth/external_lookup.h"

#include "domain/call.h"
#include "platform/clock.h"
#include "platform/pool.h"
#include "platform/secret.h"

#include <pthread.h>

enum {
    WAYS = 4, /* places of one answer */
    SETS = EXTERNAL_ANSWERS_MAX / WAYS,
    CALLERS = 64, /* buckets of callers, by their id */
    ARENA_BYTES_MAX = 256 * 1024,
};

/* All under the lock. */
struct place {
    struct hash key; /* of issuer and token */
    bool used, running;
    int64_t until_ms; /* monotonic: the verdict is good before it */
    struct external_verdict verdict;
    struct external_wait *waits; /* for the question under way */
};
/* All under the lock. */
struct issuer_state {
    bool failing;
    int64_t retry_ms; /* monotonic: not before then */
    size_t running;   /* questions queued or under way */
};
struct external_lookup {
    struct external_lookup_options options;
    struct pool *pool;
    pthread_mutex_t lock;
    bool closing;
    size_t waiting, waiting_by_caller[CALLERS];
    struct issuer_state issuers[EXTERNAL_ISSUERS_MAX];
    struct place places[SETS][WAYS];
};
/* One question, with what it needs of its own: nothing else is read without the lock. */
struct question {
    struct external_lookup *lookup;
    struct place *place; /* stays while it runs */
    size_t issuer;
    int64_t queued_ms;
    char interaction_id[CALL_INTERACTION_BYTES_MAX + 1]; /* of the first who waits */
    size_t token_bytes;
    char token[EXTERNAL_TOKEN_BYTES_MAX];
};

static void lock(struct external_lookup *lookup) {
    check(pthread_mutex_lock(&lookup->lock) == 0);
}

static void unlock(struct external_lookup *lookup) {
    check(pthread_mutex_unlock(&lookup->lock) == 0);
}

/* ---- verdicts ---- */

static void verdict_point(struct external_verdict *verdict) {
    verdict->claims.client_name.at = verdict->client_name;
    verdict->claims.scope.at = verdict->scope;
}

static void verdict_copy(struct external_verdict *to, const struct external_verdict *from) {
    *to = *from;
    verdict_point(to);
}

static void verdict_keep(struct external_verdict *verdict, const struct external_claims *claims) {
    verdict->claims = *claims;
    memcpy(verdict->client_name, claims->client_name.at, claims->client_name.len);
    if (claims->scope.len) memcpy(verdict->scope, claims->scope.at, claims->scope.len);
    verdict_point(verdict);
}

/* ---- the question ---- */

static int ask_over_network(const struct question *question, struct str token, struct buffer *out,
                            struct message *message) {
    const struct external_lookup *lookup = question->lookup;
    struct outbound_guard guard = lookup->options.guard;
    struct external_call call = { .issuer = &lookup->options.issuers[question->issuer],
                                  .guard = &guard,
                                  .ca_file = lookup->options.ca_file,
                                  .now_ms = lookup->options.now_ms() };
    guard.operation = "introspection";
    guard.confidential = true;
    guard.interaction_id = str_from_c(question->interaction_id);
    return external_call_ask(&call, token, out, message);
}

/* 0, EXTERNAL_E_*, <0; with a sentence when there is no answer that says anything. */
static int ask(const struct question *question, struct external_verdict *verdict, struct message *message) {
    const struct external_lookup *lookup = question->lookup;
    const struct external_issuer *issuer = &lookup->options.issuers[question->issuer];
    struct str token = str_from_bytes(question->token, question->token_bytes);
    struct external_claims claims;
    struct arena arena = { 0 };
    struct buffer answer;
    buffer_init_heap(&answer, EXTERNAL_ANSWER_BYTES_MAX);
    int r = lookup->options.ask ? lookup->options.ask(lookup->options.ctx, issuer, token, &answer, message)
                                : ask_over_network(question, token, &answer, message);
    if (r > 0) r = EXTERNAL_E_UNKNOWN;
    if (!r) r = arena_init(&arena, 16 * 1024, ARENA_BYTES_MAX);
    if (!r) r = external_answer_judge(buffer_str(&answer), issuer, lookup->options.now_ms(), &arena, &claims);
    if (!r) verdict_keep(verdict, &claims);
    arena_release(&arena);
    buffer_release(&answer);
    if (r < 0) message_set(message, "%s", strerrordesc_np(-r));
    if (r == EXTERNAL_E_UNKNOWN && !message->text[0]) message_set(message, "not an answer of RFC 7662");
    return r < 0 ? EXTERNAL_E_UNKNOWN : r;
}

/* Whether it is still to be asked: it waited too long, or the issuer failed meanwhile (Q4, Q5). */
static bool is_due(struct external_lookup *lookup, const struct question *question) {
    int64_t now_ms = lookup->options.mono_ms();
    lock(lookup);
    bool due = !lookup->closing && now_ms - question->queued_ms < EXTERNAL_QUEUE_MS &&
               now_ms >= lookup->issuers[question->issuer].retry_ms;
    unlock(lookup);
    return due;
}

static void note_issuer(struct issuer_state *issuer, bool asked, bool answered, int64_t now_ms) {
    issuer->running--;
    if (!asked) return;
    issuer->failing = !answered;
    issuer->retry_ms = answered ? 0 : now_ms + EXTERNAL_RETRY_MS;
}

/* The verdict to all who wait; who they are, to be called without the lock. */
static struct external_wait *hand_out(struct external_lookup *lookup, struct place *place,
                                      const struct external_verdict *verdict) {
    struct external_wait *waits = place->waits;
    for (struct external_wait *wait = waits; wait; wait = wait->next) {
        verdict_copy(&wait->verdict, verdict);
        lookup->waiting--;
        lookup->waiting_by_caller[wait->caller.bytes[15] % CALLERS]--;
    }
    place->waits = NULL;
    return waits;
}

static void run_question(void *worker_ctx, void *job_ctx) {
    struct question *question = job_ctx;
    struct external_lookup *lookup = question->lookup;
    struct external_verdict verdict = { .result = EXTERNAL_E_UNKNOWN };
    struct message message = { { 0 } };
    (void)worker_ctx;
    int64_t asked_ms = lookup->options.mono_ms();
    bool asked = is_due(lookup, question);
    if (asked) verdict.result = ask(question, &verdict, &message);
    bool answered = verdict.result != EXTERNAL_E_UNKNOWN;
    if (asked && !answered && lookup->options.on_failure)
        lookup->options.on_failure(lookup->options.ctx, lookup->options.issuers[question->issuer].issuer, message.text);
    lock(lookup);
    struct place *place = question->place;
    verdict_copy(&place->verdict, &verdict);
    place->running = false;
    place->used = answered;
    place->until_ms = asked_ms + (verdict.result ? EXTERNAL_REFUSED_LIFE_MS : EXTERNAL_LIFE_MS);
    note_issuer(&lookup->issuers[question->issuer], asked, answered, lookup->options.mono_ms());
    struct external_wait *waits = hand_out(lookup, place, &verdict);
    unlock(lookup);
    secret_wipe(question, sizeof *question);
    free(question);
    while (waits) {
        struct external_wait *wait = waits;
        waits = wait->next; /* it is gone once it was called */
        wait->on_done(wait->ctx);
    }
}

/* ---- under the lock ---- */

static struct hash key_of(size_t issuer, struct str token) {
    struct hash parts[2] = { sha256(&issuer, sizeof issuer), sha256_str(token) };
    return sha256(parts, sizeof parts);
}

/* The token's, or one for it; NULL: those it may have are all being asked about. */
static struct place *place_of(struct external_lookup *lookup, const struct hash *key) {
    struct place *set = lookup->places[((size_t)key->bytes[0] << 8 | key->bytes[1]) % SETS], *oldest = NULL;
    for (size_t i = 0; i < WAYS; i++) {
        if ((set[i].used || set[i].running) && hash_equal(&set[i].key, key)) return &set[i];
        if (set[i].running) continue;
        if (!oldest || (oldest->used && (!set[i].used || set[i].until_ms < oldest->until_ms))) oldest = &set[i];
    }
    if (!oldest) return NULL;
    *oldest = (struct place){ .key = *key };
    return oldest;
}

/* (Q4) */
static bool issuer_may_be_asked(const struct issuer_state *issuer, int64_t now_ms) {
    return now_ms >= issuer->retry_ms && !(issuer->failing && issuer->running);
}

/* tidy: parameters because a question is about a token, of an issuer, for one who waits. */
static bool start(struct external_lookup *lookup, struct place *place, size_t issuer, struct str token,
                  const struct external_wait *wait) {
    struct issuer_state *state = &lookup->issuers[issuer];
    int64_t now_ms = lookup->options.mono_ms();
    if (lookup->closing || token.len > EXTERNAL_TOKEN_BYTES_MAX || !issuer_may_be_asked(state, now_ms)) return false;
    struct question *question = malloc(sizeof *question);
    if (!question) return false;
    *question = (struct question){
        .lookup = lookup, .place = place, .issuer = issuer, .queued_ms = now_ms, .token_bytes = token.len
    };
    memcpy(question->token, token.at, token.len);
    if (str_to_c(wait->interaction_id, question->interaction_id, sizeof question->interaction_id))
        question->interaction_id[0] = 0;
    place->running = pool_submit(lookup->pool, run_question, question) == 0;
    if (place->running) state->running++;
    else free(question);
    return place->running;
}

/* (Q2) */
static bool join(struct external_lookup *lookup, struct place *place, struct external_wait *wait) {
    size_t *of_one = &lookup->waiting_by_caller[wait->caller.bytes[15] % CALLERS];
    if (lookup->waiting >= EXTERNAL_WAITERS_MAX || *of_one >= EXTERNAL_WAITERS_OF_ONE) return false;
    lookup->waiting++;
    ++*of_one;
    wait->next = place->waits;
    place->waits = wait;
    return true;
}

bool external_lookup_ask(struct external_lookup *lookup, size_t issuer, struct str token, struct external_wait *wait) {
    check(issuer < lookup->options.issuer_count && lookup->options.issuers[issuer].endpoint.url.len);
    struct hash key = key_of(issuer, token);
    bool waits = false;
    wait->verdict = (struct external_verdict){ .result = EXTERNAL_E_UNKNOWN };
    lock(lookup);
    struct place *place = place_of(lookup, &key);
    if (place && !place->running && place->used && lookup->options.mono_ms() < place->until_ms)
        verdict_copy(&wait->verdict, &place->verdict);
    else if (place) {
        waits = join(lookup, place, wait);
        if (waits && !place->running && !start(lookup, place, issuer, token, wait)) {
            (void)hand_out(lookup, place, &wait->verdict); /* its own verdict: unknown */
            waits = false;
        }
    }
    unlock(lookup);
    return !waits;
}

/* ---- life ---- */

int external_lookup_open(const struct external_lookup_options *options, struct external_lookup **ret_lookup) {
    struct pool_options pool = { .name = "issuers", .threads = EXTERNAL_ASKERS, .queue_max = EXTERNAL_WAITERS_MAX };
    check(options->issuer_count >= 1 && options->issuer_count <= EXTERNAL_ISSUERS_MAX);
    struct external_lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup) return err_origin(-ENOMEM);
    lookup->options = *options;
    if (!lookup->options.mono_ms) lookup->options.mono_ms = clock_mono_ms;
    if (!lookup->options.now_ms) lookup->options.now_ms = clock_now_ms;
    check(pthread_mutex_init(&lookup->lock, NULL) == 0);
    int r = pool_start(&pool, &lookup->pool);
    if (r) {
        (void)external_lookup_close(lookup);
        return err_trace(r);
    }
    *ret_lookup = lookup;
    return 0;
}

void external_lookup_stop(struct external_lookup *lookup) {
    if (!lookup) return;
    lock(lookup);
    lookup->closing = true;
    unlock(lookup);
    if (lookup->pool) pool_stop(lookup->pool);
}

struct external_lookup *external_lookup_close(struct external_lookup *lookup) {
    if (!lookup) return NULL;
    external_lookup_stop(lookup);
    (void)pool_free(lookup->pool);
    check(pthread_mutex_destroy(&lookup->lock) == 0);
    free(lookup);
    return NULL;
}
