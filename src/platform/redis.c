#include "platform/redis.h"

#include <pthread.h>
#include <stdatomic.h>

#include "platform/clock.h"
#include "platform/net.h"
#include "platform/redis_int.h"

enum { SHA_BYTES = 41, NUMBER_BYTES = 24 };

struct redis {
    struct redis_options options;
    char address[REDIS_ADDRESS_BYTES_MAX]; /* the path, or the host */
    uint16_t port;                         /* 0: a Unix socket */
    char sha[SHA_BYTES];                   /* of the script; set before up is first true, and the same ever after */
    atomic_bool up;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* up became false, or ending */
    pthread_t watcher;
    bool ending;
    redisContext **idle;
    size_t idle_count, open_count;
};

/* ---- addresses ---- */

static bool address_split(struct str address, char place[REDIS_ADDRESS_BYTES_MAX], uint16_t *ret_port) {
    static const struct str unix_prefix = STR_INIT("unix:");
    struct str host;
    uint64_t port = 0;
    if (str_starts(address, unix_prefix)) {
        struct str path = str_slice(address, unix_prefix.len, address.len);
        *ret_port = 0;
        return path.len && path.at[0] == '/' && path.len <= NET_UNIX_PATH_BYTES_MAX &&
               str_to_c(path, place, REDIS_ADDRESS_BYTES_MAX) == 0;
    }
    size_t colon = address.len;
    while (colon && address.at[colon - 1] != ':') colon--;
    if (colon < 2 || str_to_u64(str_slice(address, colon, address.len), &port) || port == 0 || port > UINT16_MAX)
        return false;
    host = str_slice(address, 0, colon - 1);
    *ret_port = (uint16_t)port;
    return host.len <= NET_HOST_BYTES_MAX && str_to_c(host, place, REDIS_ADDRESS_BYTES_MAX) == 0;
}

bool redis_address_fits(struct str address) {
    char place[REDIS_ADDRESS_BYTES_MAX];
    uint16_t port;
    return address_split(address, place, &port);
}

/* ---- connections ---- */

static redisContext *connection_free(redisContext *connection) {
    if (connection) redisFree(connection);
    return NULL;
}

static redisContext *connection_new(const struct redis *redis) {
    struct timeval timeout = { .tv_sec = redis->options.timeout_ms / 1000,
                               .tv_usec = redis->options.timeout_ms % 1000 * 1000 };
    redisContext *connection = redis->port ? redisConnectWithTimeout(redis->address, redis->port, timeout)
                                           : redisConnectUnixWithTimeout(redis->address, timeout);
    if (!connection || connection->err || redisSetTimeout(connection, timeout) != REDIS_OK)
        return connection_free(connection);
    return connection;
}

/* Its state is not known any more; and the server is taken for gone. */
static void connection_drop(struct redis *redis, redisContext *connection) {
    connection = connection_free(connection);
    check(pthread_mutex_lock(&redis->lock) == 0);
    redis->open_count--;
    atomic_store(&redis->up, false);
    check(pthread_cond_signal(&redis->changed) == 0);
    check(pthread_mutex_unlock(&redis->lock) == 0);
}

/* One of those that wait, or a new one; NULL when there is none. */
static redisContext *connection_take(struct redis *redis) {
    redisContext *connection = NULL;
    check(pthread_mutex_lock(&redis->lock) == 0);
    bool room = redis->idle_count == 0 && redis->open_count < redis->options.connections_max;
    if (redis->idle_count) connection = redis->idle[--redis->idle_count];
    else if (room) redis->open_count++;
    check(pthread_mutex_unlock(&redis->lock) == 0);
    if (connection || !room) return connection;
    connection = connection_new(redis);
    if (!connection) connection_drop(redis, NULL);
    return connection;
}

static void connection_put(struct redis *redis, redisContext *connection) {
    check(pthread_mutex_lock(&redis->lock) == 0);
    redis->idle[redis->idle_count++] = connection; /* open_count bounds it */
    check(pthread_mutex_unlock(&redis->lock) == 0);
}

static void connections_close(struct redis *redis) {
    check(pthread_mutex_lock(&redis->lock) == 0);
    while (redis->idle_count) {
        redis->open_count--;
        (void)connection_free(redis->idle[--redis->idle_count]);
    }
    check(pthread_mutex_unlock(&redis->lock) == 0);
}

/* ---- the watcher ---- */

/* Whether the server answers and knows the script. */
static bool probe(struct redis *redis) {
    redisContext *connection = connection_take(redis);
    if (!connection) return false;
    redisReply *reply = redisCommand(connection, "SCRIPT LOAD %s", redis->options.script);
    bool good = reply && reply->type == REDIS_REPLY_STRING && reply->len == SHA_BYTES - 1;
    if (good && !redis->sha[0]) memcpy(redis->sha, reply->str, SHA_BYTES - 1);
    freeReplyObject(reply);
    if (good) connection_put(redis, connection);
    else connection_drop(redis, connection);
    return good;
}

/* Sleeps until it is time to look again; true when it shall end. */
static bool rest(struct redis *redis, bool was_up) {
    struct timespec until = clock_mono_after(was_up ? REDIS_PROBE_MS : REDIS_RETRY_MS);
    int r = 0;
    check(pthread_mutex_lock(&redis->lock) == 0);
    while (!redis->ending && r == 0 && atomic_load(&redis->up) == was_up)
        r = pthread_cond_timedwait(&redis->changed, &redis->lock, &until);
    bool ending = redis->ending;
    check(pthread_mutex_unlock(&redis->lock) == 0);
    return ending;
}

static void tell(const struct redis *redis, bool up) {
    if (redis->options.on_state) redis->options.on_state(redis->options.ctx, up);
}

static void *watch(void *ctx) {
    struct redis *redis = ctx;
    bool told = false, told_up = false;
    do {
        bool dropped = told_up && !atomic_load(&redis->up); /* by a caller */
        if (dropped) tell(redis, told_up = false);
        if (dropped) connections_close(redis); /* those to the server that was */
        bool up = probe(redis);
        if (!up) connections_close(redis);
        atomic_store(&redis->up, up);
        if (!told || up != told_up) tell(redis, up);
        told = true;
        told_up = up;
    } while (!rest(redis, told_up));
    return NULL;
}

/* ---- life ---- */

static struct redis *release(struct redis *redis) {
    connections_close(redis);
    check(redis->open_count == 0); /* nobody is inside */
    check(pthread_cond_destroy(&redis->changed) == 0 && pthread_mutex_destroy(&redis->lock) == 0);
    free(redis->idle);
    free(redis);
    return NULL;
}

int redis_open(const struct redis_options *options, struct redis **ret_redis) {
    pthread_condattr_t monotonic;
    check(options->timeout_ms >= 1 && options->timeout_ms <= REDIS_TIMEOUT_MS_MAX && options->script);
    check(options->connections_max >= 1 && options->connections_max <= REDIS_CONNECTIONS_MAX);
    struct redis *redis = calloc(1, sizeof *redis);
    redisContext **idle = calloc(options->connections_max + 1, sizeof *idle);
    if (!redis || !idle) {
        free(redis);
        free(idle);
        return err_origin(-ENOMEM);
    }
    redis->options = *options;
    redis->options.connections_max++; /* the watcher's */
    redis->idle = idle;
    check(address_split(options->address, redis->address, &redis->port));
    check(pthread_condattr_init(&monotonic) == 0 && pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
    check(pthread_mutex_init(&redis->lock, NULL) == 0 && pthread_cond_init(&redis->changed, &monotonic) == 0);
    check(pthread_condattr_destroy(&monotonic) == 0);
    int r = pthread_create(&redis->watcher, NULL, watch, redis);
    if (r) {
        (void)release(redis);
        return err_origin(-r);
    }
    *ret_redis = redis;
    return 0;
}

struct redis *redis_close(struct redis *redis) {
    if (!redis) return NULL;
    check(pthread_mutex_lock(&redis->lock) == 0);
    redis->ending = true;
    check(pthread_cond_signal(&redis->changed) == 0);
    check(pthread_mutex_unlock(&redis->lock) == 0);
    check(pthread_join(redis->watcher, NULL) == 0);
    return release(redis);
}

bool redis_is_up(const struct redis *redis) {
    return atomic_load(&redis->up);
}

/* ---- calls ---- */

static redisReply *send_call(const struct redis *redis, redisContext *connection, const struct redis_call *call,
                             bool by_sha) {
    char numbers[REDIS_ARGUMENTS_MAX][NUMBER_BYTES];
    const char *words[4 + REDIS_ARGUMENTS_MAX] = { by_sha ? "EVALSHA" : "EVAL",
                                                   by_sha ? redis->sha : redis->options.script, "1", call->key.at };
    size_t sizes[4 + REDIS_ARGUMENTS_MAX] = { strlen(words[0]), strlen(words[1]), 1, call->key.len };
    for (size_t i = 0; i < call->argument_count; i++) {
        int len = snprintf(numbers[i], NUMBER_BYTES, "%lld", (long long)call->arguments[i]);
        words[4 + i] = numbers[i];
        sizes[4 + i] = (size_t)len;
    }
    return redisCommandArgv(connection, (int)(4 + call->argument_count), words, sizes);
}

static bool is_unknown_script(const redisReply *reply) {
    return reply && reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "NOSCRIPT", 8) == 0;
}

bool redis_reply_values(const redisReply *reply, size_t count, int64_t *ret_values) {
    if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != count) return false;
    for (size_t i = 0; i < count; i++)
        if (reply->element[i]->type != REDIS_REPLY_INTEGER) return false;
    for (size_t i = 0; i < count; i++) ret_values[i] = reply->element[i]->integer;
    return true;
}

int redis_run(struct redis *redis, const struct redis_call *call, int64_t *ret_values) {
    check(call->key.len <= REDIS_KEY_BYTES_MAX && call->argument_count <= REDIS_ARGUMENTS_MAX &&
          call->value_count <= REDIS_VALUES_MAX);
    if (!atomic_load(&redis->up)) return -EAGAIN;
    redisContext *connection = connection_take(redis);
    if (!connection) return -EAGAIN;
    redisReply *reply = send_call(redis, connection, call, true);
    if (is_unknown_script(reply)) { /* it was started anew and nobody has looked yet */
        freeReplyObject(reply);
        reply = send_call(redis, connection, call, false);
    }
    bool good = redis_reply_values(reply, call->value_count, ret_values);
    freeReplyObject(reply);
    if (good) connection_put(redis, connection);
    else connection_drop(redis, connection);
    return good ? 0 : -EAGAIN;
}
