#include "gateway/refusal_tally.h"

#include "observe/json_text.h"
#include "platform/clock.h"

#include <pthread.h>
#include <stdatomic.h>

struct counted_address {
    char text[REFUSAL_ADDRESS_BYTES_MAX];
    uint8_t len;
    uint32_t count;
};
struct refusal_tally {
    pthread_mutex_t lock;
    _Atomic int64_t until_ms; /* when the minute being counted ends; INT64_MAX: nothing is counted */
    int64_t minute_ms;
    struct counted_address addresses[REFUSAL_ADDRESSES_MAX];
    size_t address_count;
    uint64_t all, others, kept;
};

struct refusal_tally *refusal_tally_new(void) {
    struct refusal_tally *tally = calloc(1, sizeof *tally);
    if (!tally) return NULL;
    check(pthread_mutex_init(&tally->lock, NULL) == 0);
    atomic_store(&tally->until_ms, INT64_MAX);
    return tally;
}

struct refusal_tally *refusal_tally_free(struct refusal_tally *tally) {
    if (!tally) return NULL;
    pthread_mutex_destroy(&tally->lock);
    free(tally);
    return NULL;
}

/* The address's line, a new one while there is room; NULL beyond. */
static struct counted_address *line_of(struct refusal_tally *tally, struct str address) {
    for (size_t i = 0; i < tally->address_count; i++) {
        struct counted_address *line = &tally->addresses[i];
        if (line->len == address.len && memcmp(line->text, address.at, address.len) == 0) return line;
    }
    if (tally->address_count == REFUSAL_ADDRESSES_MAX) return NULL;
    struct counted_address *line = &tally->addresses[tally->address_count++];
    *line = (struct counted_address){ .len = (uint8_t)address.len };
    memcpy(line->text, address.at, address.len);
    return line;
}

bool refusal_tally_count(struct refusal_tally *tally, int64_t now_ms, struct str address) {
    if (address.len == 0) address = STR("unknown");
    if (address.len > REFUSAL_ADDRESS_BYTES_MAX) address.len = REFUSAL_ADDRESS_BYTES_MAX;
    pthread_mutex_lock(&tally->lock);
    if (tally->all == 0) {
        tally->minute_ms = now_ms - now_ms % REFUSAL_MINUTE_MS;
        atomic_store(&tally->until_ms, tally->minute_ms + REFUSAL_MINUTE_MS);
    }
    struct counted_address *line = line_of(tally, address);
    tally->all++;
    if (line) line->count++;
    else tally->others++;
    bool kept = line && line->count <= REFUSAL_KEPT_EACH && tally->kept < REFUSAL_KEPT_MAX;
    tally->kept += kept;
    pthread_mutex_unlock(&tally->lock);
    return kept;
}

static void put_number(struct buffer *out, const char *name, uint64_t value) {
    json_text_name(out, name);
    buffer_append_u64(out, value);
}

static void write_record(const struct refusal_tally *tally, struct buffer *out) {
    char time[CLOCK_TEXT_BYTES];
    buffer_append_c(out, "{\"event\":\"refusals_before_client\"");
    json_text_name(out, "time");
    json_text_append(out, clock_format_rfc3339(tally->minute_ms, time));
    put_number(out, "count", tally->all);
    put_number(out, "other_addresses", tally->others);
    json_text_name(out, "addresses");
    buffer_append_char(out, '[');
    for (size_t i = 0; i < tally->address_count; i++) {
        buffer_append_c(out, i ? ",{" : "{");
        json_text_name(out, "address");
        json_text_append(out, str_from_bytes(tally->addresses[i].text, tally->addresses[i].len));
        put_number(out, "count", tally->addresses[i].count);
        buffer_append_char(out, '}');
    }
    buffer_append_c(out, "]}");
}

void refusal_tally_take(struct refusal_tally *tally, int64_t now_ms, struct buffer *out) {
    if (now_ms < atomic_load(&tally->until_ms) && now_ms != INT64_MAX) return;
    pthread_mutex_lock(&tally->lock);
    if (tally->all && now_ms >= atomic_load(&tally->until_ms)) {
        write_record(tally, out);
        tally->all = tally->others = tally->kept = 0;
        tally->address_count = 0;
        atomic_store(&tally->until_ms, INT64_MAX);
    }
    pthread_mutex_unlock(&tally->lock);
}
