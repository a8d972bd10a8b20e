/* query_int.h - the inside of struct query. Private to integration. */
#ifndef GIRO_INTEGRATION_QUERY_INT_H
#define GIRO_INTEGRATION_QUERY_INT_H

#include "integration/integration.h"

struct query {
    struct integration *integration;
    struct reader reader;
};

/* The row of a primary (index 0) or unique key, in the arena. 0, QUERY_E_ABSENT, <0.
 * tidy: parameters because a read names its table, its index and its key. */
int query_row(struct query *query, const struct table *table, uint8_t index, const void *probe, struct arena *arena,
              const void **ret_row);

struct ledger_statement_row;
struct entry_view query_entry_view_of(const struct ledger_statement_row *row);

#endif
