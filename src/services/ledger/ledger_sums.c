#include "services/ledger/ledger_sums.h"

enum { ACCOUNT_SLOTS_FIRST = 1024 };

void wide_add(struct wide *sum, int64_t value) {
    uint64_t low = sum->low + (uint64_t)value;
    sum->high += (value < 0 ? -1 : 0) + (low < sum->low ? 1 : 0);
    sum->low = low;
}

int64_t wide_distance(const struct wide *sum) {
    uint64_t low = sum->low;
    int64_t high = sum->high;
    if (high < 0) { /* negate */
        low = ~low + 1;
        high = (int64_t)(~(uint64_t)high + (low == 0 ? 1 : 0));
    }
    return high == 0 && low <= INT64_MAX ? (int64_t)low : INT64_MAX;
}

int64_t distance_add(int64_t a, int64_t b) {
    int64_t sum;
    return checked_add(a, b, &sum) ? INT64_MAX : sum;
}

void account_sums_release(struct account_sums *sums) {
    free(sums->slots);
    *sums = (struct account_sums){ 0 };
}

static struct account_sum *slot_of(struct account_sums *sums, int64_t number) {
    size_t at = (size_t)((uint64_t)number * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (sums->slot_count - 1);
    while (sums->slots[at].used && sums->slots[at].number != number) at = (at + 1) & (sums->slot_count - 1);
    return &sums->slots[at];
}

static int sums_grow(struct account_sums *sums) {
    struct account_sums larger = { .slot_count = sums->slot_count ? sums->slot_count * 2 : ACCOUNT_SLOTS_FIRST,
                                   .count = sums->count };
    if (sums->count >= LEDGER_VERIFY_ACCOUNTS_MAX) return err_origin(-E2BIG);
    larger.slots = calloc(larger.slot_count, sizeof *larger.slots);
    if (!larger.slots) return err_origin(-ENOMEM);
    for (size_t i = 0; i < sums->slot_count; i++)
        if (sums->slots[i].used) *slot_of(&larger, sums->slots[i].number) = sums->slots[i];
    free(sums->slots);
    *sums = larger;
    return 0;
}

int account_sums_take(struct account_sums *sums, int64_t number, int64_t currency, struct account_sum **ret_sum) {
    if ((sums->count + 1) * 2 > sums->slot_count) {
        int r = sums_grow(sums);
        if (r) return err_trace(r);
    }
    struct account_sum *slot = slot_of(sums, number);
    if (!slot->used) {
        *slot = (struct account_sum){ .number = number, .currency = currency, .used = true };
        sums->count++;
    }
    *ret_sum = slot;
    return 0;
}

static size_t currency_at(struct currency_sums *sums, int64_t currency) {
    size_t at = 0;
    while (at < sums->count && sums->rows[at].currency != currency) at++;
    if (at == sums->count && at < LEDGER_VERIFY_CURRENCIES_MAX) sums->rows[sums->count++].currency = currency;
    return at;
}

struct wide *currency_sums_entries(struct currency_sums *sums, int64_t currency) {
    size_t at = currency_at(sums, currency);
    return at < sums->count ? &sums->rows[at].entries : NULL;
}

struct wide *currency_sums_posted(struct currency_sums *sums, int64_t currency) {
    size_t at = currency_at(sums, currency);
    return at < sums->count ? &sums->rows[at].posted : NULL;
}

/* ---- by id ---- */

void id_sums_release(struct id_sums *sums) {
    free(sums->slots);
    *sums = (struct id_sums){ 0 };
}

static struct id_sum *id_slot_of(const struct id_sums *sums, const uint8_t id[16]) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (int i = 0; i < 16; i++) hash = (hash ^ id[i]) * UINT64_C(1099511628211);
    size_t at = (size_t)(hash >> 16) & (sums->slot_count - 1);
    while (!id_is_zero(sums->slots[at].id) && !id_equal(sums->slots[at].id, id)) at = (at + 1) & (sums->slot_count - 1);
    return &sums->slots[at];
}

static int id_sums_grow(struct id_sums *sums) {
    struct id_sums larger = { .slot_count = sums->slot_count ? sums->slot_count * 2 : ACCOUNT_SLOTS_FIRST,
                              .count = sums->count };
    if (sums->count >= LEDGER_VERIFY_HOLDS_MAX) return err_origin(-E2BIG);
    larger.slots = calloc(larger.slot_count, sizeof *larger.slots);
    if (!larger.slots) return err_origin(-ENOMEM);
    for (size_t i = 0; i < sums->slot_count; i++)
        if (!id_is_zero(sums->slots[i].id)) *id_slot_of(&larger, sums->slots[i].id) = sums->slots[i];
    free(sums->slots);
    *sums = larger;
    return 0;
}

int id_sums_take(struct id_sums *sums, const uint8_t id[16], struct id_sum **ret_sum) {
    if ((sums->count + 1) * 2 > sums->slot_count) {
        int r = id_sums_grow(sums);
        if (r) return err_trace(r);
    }
    struct id_sum *slot = id_slot_of(sums, id);
    if (id_is_zero(slot->id)) {
        memcpy(slot->id, id, 16);
        sums->count++;
    }
    *ret_sum = slot;
    return 0;
}

struct id_sum *id_sums_find(const struct id_sums *sums, const uint8_t id[16]) {
    if (!sums->count) return NULL;
    struct id_sum *slot = id_slot_of(sums, id);
    return id_is_zero(slot->id) ? NULL : slot;
}
