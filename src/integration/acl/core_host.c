#include "integration/acl/core_host.h"

#include "platform/clock.h"
#include "platform/net.h"

#include <pthread.h>

enum request { REQUEST_EXECUTE, REQUEST_ENQUIRE, REQUEST_REVERSE };

struct question {
    enum request request;
    const struct payment_id *payment_id;
    struct str record;
    int64_t deadline_ms; /* monotonic */
};

struct connection {
    int fd; /* -1: none */
    struct payment_id last_id; /* of the last answer on it, and the core's reference in it */
    char last_reference[CORE_REFERENCE_BYTES_MAX + 1];
};

struct core_host {
    struct core_records records; /* immutable after core_host_new */
    char host[NET_HOST_BYTES_MAX + 1];
    uint16_t port;
    int connections_max, deadline_ms;
    pthread_mutex_t mutex;       /* guards what follows */
    pthread_cond_t released;
    int in_use, idle_count;      /* together at most connections_max */
    struct connection idle[CORE_CONNECTIONS_MAX];
};

static bool options_are_good(const struct core_host_options *options) {
    return strlen(options->host) <= NET_HOST_BYTES_MAX && options->port > 0 && options->connections_max >= 1 &&
           options->connections_max <= CORE_CONNECTIONS_MAX && options->deadline_ms >= 1 &&
           options->deadline_ms <= CORE_DEADLINE_MS_MAX;
}

int core_host_new(const struct core_host_options *options, struct core_host **ret_core, struct message *message) {
    pthread_condattr_t attributes;
    if (!options_are_good(options)) {
        message_set(message, "core banking: port from 1, connections 1 to %d and deadline 1 to %d ms are possible",
                    CORE_CONNECTIONS_MAX, CORE_DEADLINE_MS_MAX);
        return err_origin(-EINVAL);
    }
    struct core_host *core = calloc(1, sizeof *core);
    if (!core) return err_origin(-ENOMEM);
    int r = core_records_load(&core->records, options->layouts_folder, message);
    if (r) {
        free(core);
        return err_trace(r);
    }
    check(str_to_c(str_from_c(options->host), core->host, sizeof core->host) == 0);
    core->port = options->port;
    core->connections_max = options->connections_max;
    core->deadline_ms = options->deadline_ms;
    check(pthread_mutex_init(&core->mutex, NULL) == 0);
    check(pthread_condattr_init(&attributes) == 0 && pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    check(pthread_cond_init(&core->released, &attributes) == 0);
    (void)pthread_condattr_destroy(&attributes); /* cannot fail for an initialised one */
    *ret_core = core;
    return 0;
}

struct core_host *core_host_free(struct core_host *core) {
    if (!core) return NULL;
    check(core->in_use == 0);
    for (int i = 0; i < core->idle_count; i++) net_close(core->idle[i].fd);
    core_records_release(&core->records);
    check(pthread_cond_destroy(&core->released) == 0 && pthread_mutex_destroy(&core->mutex) == 0);
    free(core);
    return NULL;
}

/* Takes a place in the pool, and an idle connection with it when there is one. 0 or -ETIMEDOUT. */
static int enter_pool(struct core_host *core, int64_t deadline_ms, struct connection *ret_connection) {
    const struct timespec until = { .tv_sec = deadline_ms / 1000, .tv_nsec = deadline_ms % 1000 * 1000000 };
    int r = 0;
    check(pthread_mutex_lock(&core->mutex) == 0);
    while (core->in_use == core->connections_max && !r)
        r = -pthread_cond_timedwait(&core->released, &core->mutex, &until);
    if (core->in_use < core->connections_max) {
        core->in_use++;
        *ret_connection = core->idle_count ? core->idle[--core->idle_count] : (struct connection){ .fd = -1 };
        r = 0;
    }
    check(pthread_mutex_unlock(&core->mutex) == 0);
    return r ? err_origin(r) : 0;
}

/* Gives the place back, and the connection for another request; without a descriptor it is gone. */
static void leave_pool(struct core_host *core, const struct connection *connection) {
    check(pthread_mutex_lock(&core->mutex) == 0);
    core->in_use--;
    if (connection->fd >= 0) core->idle[core->idle_count++] = *connection;
    check(core->in_use + core->idle_count <= core->connections_max);
    check(pthread_cond_signal(&core->released) == 0 && pthread_mutex_unlock(&core->mutex) == 0);
}

static int64_t deadline_of(const struct core_host *core) {
    return clock_mono_ms() + core->deadline_ms;
}

static void hang_up(struct connection *connection) {
    net_close(connection->fd);
    *connection = (struct connection){ .fd = -1 };
}

/* A connection on which nothing waits (H3). Only an execution takes an old one: what finds out the truth starts afresh
 * (H6). */
static int dial(const struct core_host *core, enum request request, int64_t deadline_ms,
                struct connection *connection) {
    if (connection->fd >= 0 && request == REQUEST_EXECUTE && !net_has_input(connection->fd)) return 0;
    hang_up(connection);
    return err_trace(net_connect_tcp(core->host, core->port, deadline_ms, &connection->fd));
}

/* Reads an answer and makes sure that nothing follows it. *ret_open: the peer has not closed behind it. */
static int receive_answer(int fd, size_t need, int64_t deadline_ms, char *bytes, bool *ret_open) {
    char surplus;
    size_t got;
    int r = net_receive_exact(fd, bytes, need, deadline_ms);
    if (r) return err_trace(r);
    *ret_open = !net_has_input(fd);
    if (*ret_open || net_receive_some(fd, &surplus, 1, 0, &got) != 0 || got == 0) return 0; /* the answer was whole */
    return err_origin(-EBADMSG);
}

/* What a code means as the answer to a request; CORE_UNKNOWN for one that has no place there. */
static enum core_outcome outcome_of(enum request request, const char *code) {
    static const struct { const char *code; int request; enum core_outcome outcome; } special[] = {
        { "44", REQUEST_ENQUIRE, CORE_NEVER_SEEN },
        { "45", REQUEST_REVERSE, CORE_NOTHING_TO_REVERSE },
        { "46", REQUEST_EXECUTE, CORE_BARRED },
        { "47", -1, CORE_UNKNOWN }, /* something else happened under this reference; to refuse would be to guess */
    };
    struct str text = str_from_c(code);
    if (str_equal_c(text, "00")) return CORE_BOOKED;
    for (size_t i = 0; i < ARRAY_COUNT(special); i++)
        if (str_equal_c(text, special[i].code))
            return special[i].request == (int)request ? special[i].outcome : CORE_UNKNOWN;
    return request == REQUEST_REVERSE ? CORE_UNKNOWN : CORE_REFUSED;
}

/* Sends the record and takes its answer. 0, or the fault that leaves the outcome unknown; answer->sent as
 * documented. */
static int talk(struct core_host *core, const struct question *question, struct connection *connection,
                struct core_answer *answer) {
    char bytes[CORE_RECORD_BYTES_MAX];
    size_t need = core_record_answer_bytes(&core->records);
    bool open = false;
    int r = dial(core, question->request, question->deadline_ms, connection);
    if (r) return err_trace(r);
    answer->sent = true;
    r = net_send_all(connection->fd, question->record.at, question->record.len, question->deadline_ms);
    if (!r) r = receive_answer(connection->fd, need, question->deadline_ms, bytes, &open);
    if (!r) r = core_record_answer(&core->records, str_from_bytes(bytes, need), &answer->record);
    if (r) return err_trace(r);
    answer->outcome = outcome_of(question->request, answer->record.code);
    if (answer->outcome == CORE_UNKNOWN) return err_origin(-EPROTO);
    bool other = !id_equal(connection->last_id.bytes, question->payment_id->bytes);
    if (other && answer->record.core_reference[0] &&
        strcmp(connection->last_reference, answer->record.core_reference) == 0)
        return err_origin(-EBADMSG); /* the answer before, once more (H6) */
    if (!open || answer->outcome != CORE_BOOKED) hang_up(connection);
    connection->last_id = *question->payment_id;
    memcpy(connection->last_reference, answer->record.core_reference, sizeof connection->last_reference);
    return 0;
}

static struct core_answer ask(struct core_host *core, const struct question *question) {
    struct core_answer answer = { .outcome = CORE_UNKNOWN };
    struct connection connection;
    int r = enter_pool(core, question->deadline_ms, &connection);
    if (!r) {
        r = talk(core, question, &connection, &answer);
        if (r) hang_up(&connection);
        leave_pool(core, &connection);
    }
    if (r) answer.outcome = CORE_UNKNOWN;
    else answer.sent = false;
    answer.fault = r;
    return answer;
}

int core_host_execute(struct core_host *core, const struct core_transfer *transfer, struct core_answer *ret_answer) {
    char memory[CORE_RECORD_BYTES_MAX];
    struct buffer record;
    buffer_init(&record, memory, sizeof memory);
    int r = core_record_txn(&core->records, transfer, &record);
    if (r) return err_trace(r);
    *ret_answer =
        ask(core, &(struct question){ REQUEST_EXECUTE, &transfer->payment_id, buffer_str(&record), deadline_of(core) });
    return 0;
}

int core_host_enquire(struct core_host *core, const struct payment_id *payment_id, struct core_answer *ret_answer) {
    char memory[CORE_RECORD_BYTES_MAX];
    struct buffer record;
    buffer_init(&record, memory, sizeof memory);
    int r = core_record_enq(&core->records, payment_id, &record);
    if (r) return err_trace(r);
    *ret_answer = ask(core, &(struct question){ REQUEST_ENQUIRE, payment_id, buffer_str(&record), deadline_of(core) });
    return 0;
}

int core_host_reverse(struct core_host *core, const struct payment_id *payment_id, struct core_answer *ret_answer) {
    char memory[CORE_RECORD_BYTES_MAX];
    struct buffer record;
    buffer_init(&record, memory, sizeof memory);
    int r = core_record_rev(&core->records, payment_id, &record);
    if (r) return err_trace(r);
    *ret_answer = ask(core, &(struct question){ REQUEST_REVERSE, payment_id, buffer_str(&record), deadline_of(core) });
    return 0;
}

enum breaker_result core_host_judge(const struct core_answer *answer) {
    switch (answer->outcome) {
    case CORE_BOOKED: case CORE_NEVER_SEEN: case CORE_NOTHING_TO_REVERSE: return BREAKER_DONE;
    case CORE_REFUSED: case CORE_BARRED: return BREAKER_REFUSED;
    case CORE_UNKNOWN: return BREAKER_FAILED;
    }
    check(false);
    return BREAKER_FAILED;
}
