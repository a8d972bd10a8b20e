/* store_balance.c - the second look at what balances: whatever the decision said, no adapter writes debits without
 * their credits. */
#include "store/store_int.h"

enum { BALANCE_KINDS_MAX = 32 };

/* Debits and credits of one group, kind by kind. */
struct weighing {
    size_t kind_count;
    struct {
        int64_t kind;
        int64_t credits, debits;
    } kinds[BALANCE_KINDS_MAX];
};

static bool weigh(struct weighing *weighing, const struct table *table, const void *row) {
    const struct table_balance *balance = table->balance;
    int64_t kind = column_i64(&table->columns[balance->group[1]], row);
    int64_t side = column_i64(&table->columns[balance->side], row);
    int64_t amount = column_i64(&table->columns[balance->amount], row);
    size_t at = 0;
    while (at < weighing->kind_count && weighing->kinds[at].kind != kind) at++;
    if (at == BALANCE_KINDS_MAX || amount <= 0 || side < 0 || side > 1) return false;
    if (at == weighing->kind_count) {
        weighing->kinds[at].kind = kind;
        weighing->kinds[at].credits = weighing->kinds[at].debits = 0;
        weighing->kind_count++;
    }
    int64_t *sum = side ? &weighing->kinds[at].credits : &weighing->kinds[at].debits;
    if (amount > INT64_MAX - *sum) return false; /* a sum that came round again would balance */
    *sum += amount;
    return true;
}

static bool is_even(const struct weighing *weighing) {
    for (size_t i = 0; i < weighing->kind_count; i++)
        if (weighing->kinds[i].credits != weighing->kinds[i].debits) return false;
    return true;
}

static int64_t group_of(const struct store_change *change) {
    return column_i64(&change->table->columns[change->table->balance->group[0]], change->row);
}

long store_unbalanced(const struct store_change *changes, size_t count) {
    struct weighing weighing;
    size_t i = 0;
    while (i < count) {
        const struct table *table = changes[i].table;
        if (!table->balance) {
            i++;
            continue;
        }
        size_t first = i;
        int64_t group = group_of(&changes[i]);
        weighing.kind_count = 0;
        for (; i < count && changes[i].table == table && group_of(&changes[i]) == group; i++)
            if (!weigh(&weighing, table, changes[i].row)) return (long)i;
        if (!is_even(&weighing)) return (long)first;
    }
    return -1;
}
