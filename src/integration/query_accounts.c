/* query_accounts.c - what a consent to reads of accounts lets be seen: transactions in order, and who holds an account.
 */
#include "integration/query_int.h"

#include "services/customers/customer.h"
#include "services/identity/client.h"
#include "services/ledger/ledger_statement.h"

struct entry_view query_entry_view_of(const struct ledger_statement_row *row) {
    struct entry_view entry = {
        .number = row->number,
        .transaction = row->transaction,
        .sequence = row->sequence,
        .credit = row->side == LEDGER_CREDIT,
        .balance_after_minor = row->balance_after_minor,
        .amount = { .minor = row->amount_minor, .currency = { .code = (uint32_t)row->currency } },
        .booked_ms = row->booked_ms,
        .value_day = row->value_day,
    };
    memcpy(entry.payment_id.bytes, row->payment_id, 16);
    return entry;
}

/* ---- transactions ---- */

enum { WALK_FULL = 1 };

static int walk_add(void *ctx, const struct ledger_statement_row *row) {
    struct transaction_walk *walk = ctx;
    walk->looked_at = row->sequence;
    if (row->side == LEDGER_CREDIT ? !walk->credits : !walk->debits) return 0;
    walk->entries[walk->count++] = query_entry_view_of(row);
    return walk->count == walk->limit ? WALK_FULL : 0;
}

/* The sequences [first, last] that the walk may look at; last < first: none. */
static int walk_range(const struct ledger_statement *statement, const struct transaction_walk *walk, int64_t *ret_first,
                      int64_t *ret_last) {
    int64_t first = 1, behind = statement->entries + 1;
    int r = 0;
    if (walk->from_ms > INT64_MIN) r = ledger_statement_find_ms(statement, walk->from_ms, &first);
    if (!r && walk->to_ms < INT64_MAX) r = ledger_statement_find_ms(statement, walk->to_ms + 1, &behind);
    if (r) return err_trace(r);
    int64_t last = behind - 1;
    if (walk->beyond && walk->newer && walk->beyond >= first) first = walk->beyond + 1;
    if (walk->beyond && !walk->newer && walk->beyond <= last) last = walk->beyond - 1;
    *ret_first = first;
    *ret_last = last;
    return 0;
}

int query_transactions(struct query *query, struct transaction_walk *walk, struct arena *arena) {
    struct ledger_statement statement;
    int64_t first, last;
    check(walk->limit >= 1 && (!walk->beyond || walk->beyond > 0) && walk->beyond < INT64_MAX);
    walk->count = 0;
    walk->looked_at = 0;
    walk->more = false;
    int r = ledger_statement_open(&query->reader, walk->account_number, arena, &statement);
    if (r == LEDGER_STATEMENT_E_ACCOUNT) return QUERY_E_ABSENT;
    if (!r) r = walk_range(&statement, walk, &first, &last);
    if (r) return err_trace(r);
    if (last < first) return 0;
    struct ledger_statement_range range = {
        .first = first, .last = last, .descending = !walk->newer, .limit = TRANSACTION_LOOKS_MAX
    };
    r = ledger_statement_walk(&statement, &range, walk_add, walk);
    if (r < 0) return err_trace(r);
    walk->more = walk->looked_at && (walk->newer ? walk->looked_at < last : walk->looked_at > first);
    return 0;
}

/* ---- parties ---- */

int query_party(struct query *query, const struct customer_id *customer_id, const struct client_id *client_id,
                struct arena *arena, struct party_view *ret_party) {
    struct customer_row customer = { 0 };
    struct client_row client = { 0 };
    const void *found;
    memcpy(customer.customer_id, customer_id->bytes, 16);
    memcpy(client.client_id, client_id->bytes, 16);
    bool is_client = id_is_zero(customer_id->bytes);
    int r = is_client ? query_row(query, &client_table, 0, &client, arena, &found)
                      : query_row(query, &customer_table, 0, &customer, arena, &found);
    if (r) return r;
    *ret_party = (struct party_view){ .is_client = is_client };
    memcpy(ret_party->party_id, is_client ? client_id->bytes : customer_id->bytes, 16);
    ret_party->name =
        is_client ? ((const struct client_row *)found)->display_name : ((const struct customer_row *)found)->name;
    return 0;
}
