#include "integration/bus/relay_int.h"

bool relay_slot_is_behind(const struct relay_slot *slot, const struct relay_place *place) {
    return slot->seq > place->seq + 1 || (slot->seq == place->seq + 1 && slot->index >= place->event);
}

bool relay_place_is_before(const struct relay_place *a, const struct relay_place *b) {
    return a->seq < b->seq || (a->seq == b->seq && a->event < b->event);
}

/* The epoch of the record before is not known, and the scan does not ask for it in the middle of a record: it asks for
 * the record itself, whose epoch this is. */
struct relay_place relay_place_after(const struct relay_slot *slot) {
    return (struct relay_place){ .epoch = slot->epoch, .seq = slot->seq - 1, .event = slot->index + 1 };
}

void relay_ring_init(struct relay_ring *ring, const struct relay_place *head) {
    ring->first = ring->next = 0;
    ring->tail = ring->head = *head;
}

static struct relay_slot *slot_at(const struct relay_ring *ring, uint64_t number) {
    return (struct relay_slot *)&ring->slots[number % RELAY_RING_EVENTS];
}

void relay_ring_put(struct relay_ring *ring, const struct relay_slot *slots, size_t count,
                    const struct relay_place *place) {
    for (size_t i = 0; i < count; i++) {
        if (ring->next - ring->first == RELAY_RING_EVENTS)
            ring->tail = relay_place_after(slot_at(ring, ring->first++)); /* B4 */
        *slot_at(ring, ring->next++) = slots[i];
    }
    ring->head = *place;
}

bool relay_ring_covers(const struct relay_ring *ring, const struct relay_place *place) {
    return !relay_place_is_before(place, &ring->tail);
}

/* The number of the first slot behind place: their order is the journal's. */
static uint64_t first_behind(const struct relay_ring *ring, const struct relay_place *place) {
    uint64_t low = ring->first, high = ring->next;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (relay_slot_is_behind(slot_at(ring, middle), place)) high = middle;
        else low = middle + 1;
    }
    return low;
}

size_t relay_ring_take(const struct relay_ring *ring, uint32_t consumer, struct relay_place *place,
                       struct event events[RELAY_EVENTS_MAX]) {
    check(relay_ring_covers(ring, place));
    size_t count = 0;
    uint64_t at = first_behind(ring, place);
    while (at < ring->next && count < RELAY_EVENTS_MAX) {
        const struct relay_slot *slot = slot_at(ring, at++);
        if (!(slot->wanted & consumer)) continue;
        events[count++] = slot->event;
        if (count == RELAY_EVENTS_MAX) *place = relay_place_after(slot);
    }
    if (count < RELAY_EVENTS_MAX && relay_place_is_before(place, &ring->head)) *place = ring->head;
    return count;
}

int64_t relay_ring_oldest_ms(const struct relay_ring *ring, uint32_t consumer, const struct relay_place *place) {
    for (uint64_t at = first_behind(ring, place); at < ring->next; at++)
        if (slot_at(ring, at)->wanted & consumer) return slot_at(ring, at)->event.time_ms;
    return 0;
}
