#include "simulators/core/service.h"

#include "platform/clock.h"

#define X(mode, name) [mode] = STR_INIT(name),
static const struct str mode_names[] = { SERVICE_MODES(X) };
#undef X
static_assert(ARRAY_COUNT(mode_names) == SERVICE_MODE_COUNT, "a name for every mode");
static_assert(SERVICE_FAIL_RANDOM == SERVICE_MODE_COUNT - 1, "it chooses among those before it");

bool service_set_mode(struct service *service, struct str name) {
    for (size_t i = 0; i < SERVICE_MODE_COUNT; i++) {
        if (!str_equal(name, mode_names[i])) continue;
        service->mode = (enum service_mode)i;
        return true;
    }
    return false;
}

void service_set_seed(struct service *service, uint64_t seed) {
    service->random = seed;
}

/* SplitMix64 (Steele, Lea, Flood 2014): any seed gives a full sequence. */
static uint64_t next_random(struct service *service) {
    uint64_t z = service->random += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static enum service_mode choose_mode(struct service *service) {
    if (service->mode != SERVICE_FAIL_RANDOM) return service->mode;
    return (enum service_mode)(next_random(service) % SERVICE_FAIL_RANDOM);
}

int service_flush(void *ctx) {
    struct service *service = ctx;
    return service->fault ? err_trace(service->fault) : err_trace(books_flush(service->books));
}

static int book(struct service *service, enum record_kind kind, const char *bytes, struct answer_record *answer) {
    struct txn_record txn;
    struct reference_record reference;
    int64_t now_ms = clock_now_ms();
    switch (kind) {
    case RECORD_TXN: memcpy(&txn, bytes, sizeof txn); return books_book(service->books, &txn, now_ms, answer);
    case RECORD_ENQ:
        memcpy(&reference, bytes, sizeof reference);
        return books_enquire(service->books, &reference, now_ms, answer);
    case RECORD_REV:
        memcpy(&reference, bytes, sizeof reference);
        return books_reverse(service->books, &reference, now_ms, answer);
    }
    return err_origin(-EINVAL);
}

static bool is_sound(enum record_kind kind, const char *bytes) {
    struct txn_record txn;
    struct reference_record reference;
    if (kind == RECORD_TXN) {
        memcpy(&txn, bytes, sizeof txn);
        return txn_record_is_sound(&txn);
    }
    memcpy(&reference, bytes, sizeof reference);
    return reference_record_is_sound(&reference);
}

static void serve_record(struct service *service, enum record_kind kind, struct loop_connection *connection) {
    struct answer_record answer;
    enum service_mode mode = kind == RECORD_ENQ ? SERVICE_OK : choose_mode(service);
    connection->busy = true;
    if (mode == SERVICE_SILENT) return; /* busy until the caller goes */
    if (mode == SERVICE_FAIL_BEFORE) {
        loop_close(connection);
        return;
    }
    int r = book(service, kind, connection->in, &answer);
    if (r) {
        service->fault = r;
        return;
    }
    if (mode == SERVICE_FAIL_AFTER) {
        loop_close(connection);
        return;
    }
    int64_t at_ms = mode == SERVICE_SLOW ? clock_mono_ms() + SERVICE_SLOW_MS : 0;
    for (int i = 0; i < (mode == SERVICE_TWICE ? 2 : 1); i++)
        check(loop_answer(connection, str_from_bytes(&answer, sizeof answer), at_ms));
}

static void records_on_bytes(void *ctx, struct loop_connection *connection) {
    struct service *service = ctx;
    enum record_kind kind;
    size_t need;
    int r = record_begin(str_from_bytes(connection->in, connection->in_len), &kind, &need);
    if (connection->busy || r == -EBADMSG || (r == 0 && connection->in_len > need)) {
        loop_close(connection);
        return;
    }
    if (r == -EAGAIN || connection->in_len < need || service->fault) return; /* the rest is to come */
    if (is_sound(kind, connection->in)) serve_record(service, kind, connection);
    else loop_close(connection);
    loop_consume(connection, need);
}

/* NULL, or what is wrong with the line. */
static const char *obey(struct service *service, struct str line) {
    struct str verb;
    uint64_t seed;
    (void)str_cut(&line, ' ', &verb); /* without a blank the argument is empty, and refused as such */
    if (str_equal_c(verb, "mode"))
        return service_set_mode(service, line)
                   ? NULL
                   : "no such mode: ok slow silent twice fail-before fail-after fail-random";
    if (!str_equal_c(verb, "seed")) return "no such command: mode NAME, seed N";
    if (str_to_u64(line, &seed) != 0) return "the seed must be a number from 0 to 18446744073709551615";
    service_set_seed(service, seed);
    return NULL;
}

static void control_on_bytes(void *ctx, struct loop_connection *connection) {
    char text[160];
    const char *end;
    while (!connection->closing && (end = memchr(connection->in, '\n', connection->in_len)) != NULL) {
        size_t len = (size_t)(end - connection->in);
        const char *wrong = obey(ctx, str_from_bytes(connection->in, len));
        int used = wrong ? snprintf(text, sizeof text, "error %s\n", wrong) : snprintf(text, sizeof text, "ok\n");
        bool room = loop_answer(connection, str_from_bytes(text, (size_t)used), 0);
        connection->closing = wrong || !room;
        loop_consume(connection, len + 1);
    }
    if (connection->in_len > CONTROL_LINE_BYTES_MAX) loop_close(connection);
}

void service_init(struct service *service, struct books *books) {
    *service = (struct service){ .books = books };
    service->records = (struct loop_protocol){ .ctx = service, .on_bytes = records_on_bytes };
    service->control = (struct loop_protocol){ .ctx = service, .on_bytes = control_on_bytes };
}
