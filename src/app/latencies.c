#include "app/latencies.h"

enum { LATENCIES_CAPACITY_FIRST = 64 * 1024 };

void latencies_init(struct latencies *latencies) {
    *latencies = (struct latencies){ .us = NULL };
}

void latencies_release(struct latencies *latencies) {
    free(latencies->us);
    latencies_init(latencies);
}

static bool has_room(struct latencies *latencies) {
    if (latencies->count < latencies->capacity) return true;
    size_t capacity = latencies->capacity ? latencies->capacity * 2 : LATENCIES_CAPACITY_FIRST;
    if (capacity > LATENCIES_COUNT_MAX) capacity = LATENCIES_COUNT_MAX;
    if (latencies->count == capacity) return false;
    uint32_t *us = realloc(latencies->us, capacity * sizeof *us);
    if (!us) return false;
    latencies->us = us;
    latencies->capacity = capacity;
    return true;
}

void latencies_add(struct latencies *latencies, int64_t ns) {
    int64_t us = ns < 0 ? 0 : ns / 1000;
    if (!has_room(latencies)) {
        latencies->dropped++;
        return;
    }
    latencies->us[latencies->count++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
    latencies->sorted = false;
}

static int compare_us(const void *a, const void *b) {
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

uint32_t latencies_at(struct latencies *latencies, unsigned permille) {
    check(permille >= 1 && permille <= 1000);
    if (latencies->count == 0) return 0;
    if (!latencies->sorted) qsort(latencies->us, latencies->count, sizeof *latencies->us, compare_us);
    latencies->sorted = true;
    uint64_t rank = ((uint64_t)latencies->count * permille + 999) / 1000; /* counts from 1 */
    return latencies->us[rank - 1];
}
