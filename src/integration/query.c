#include "integration/query_int.h"

#include "integration/account_document.h"
#include "integration/payment_document.h"
#include "services/accounts/account.h"
#include "services/identity/client.h"
#include "services/identity/token.h"
#include "services/ledger/ledger_statement.h"

int query_open(struct integration *integration, struct query **ret_query) {
    struct query *query = calloc(1, sizeof *query);
    if (!query) return err_origin(-ENOMEM);
    query->integration = integration;
    int r = reader_open(integration->store, &query->reader);
    if (r) {
        free(query);
        return err_trace(r);
    }
    *ret_query = query;
    return 0;
}

struct query *query_close(struct query *query) {
    if (!query) return NULL;
    reader_close(&query->reader);
    free(query);
    return NULL;
}

int query_keep(struct query *query) {
    return err_trace(reader_keep(&query->reader));
}

void query_rest(struct query *query) {
    reader_rest(&query->reader);
}

int query_begin(struct query *query) {
    return err_trace(read_begin(&query->reader));
}

void query_end(struct query *query) {
    read_end(&query->reader);
}

/* tidy: parameters because a read names its table, its index and its key. */
int query_row(struct query *query, const struct table *table, uint8_t index, const void *probe, struct arena *arena,
              const void **ret_row) {
    int r = read_row(&query->reader, table, index, probe, arena, ret_row);
    if (r) return err_trace(r);
    return *ret_row ? 0 : QUERY_E_ABSENT;
}

int query_payment(struct query *query, const struct payment_id *payment_id, struct arena *arena,
                  struct payment_view *ret_payment) {
    struct payment_row probe = { 0 };
    const void *row;
    memcpy(probe.payment_id, payment_id->bytes, 16);
    int r = query_row(query, &payment_table, 0, &probe, arena, &row);
    if (r) return r;
    *ret_payment = payment_view_of(row);
    return 0;
}

static int account_view_of(struct query *query, const struct account_row *account, struct arena *arena,
                           struct account_view *ret_view) {
    struct ledger_account_row probe = { .number = account->number };
    const void *found;
    int r = query_row(query, &ledger_account_table, 0, &probe, arena, &found);
    if (r) return err_fold(r);
    const struct ledger_account_row *ledger = found;
    *ret_view = account_view_of_row(account);
    ret_view->posted_minor = ledger->posted_minor;
    ret_view->held_minor = ledger->held_minor;
    ret_view->overdraft_minor = ledger->overdraft_minor;
    struct ledger_balances balances = ledger_balances_of(ledger);
    ret_view->incoming_minor = balances.incoming_minor;
    ret_view->available_minor = balances.available_minor;
    ret_view->expected_minor = balances.expected_minor;
    ret_view->entry_count = ledger->entry_count;
    return 0;
}

int query_account(struct query *query, const struct account_id *account_id, struct arena *arena,
                  struct account_view *ret_account) {
    struct account_row probe = { 0 };
    const void *row;
    memcpy(probe.account_id, account_id->bytes, 16);
    int r = query_row(query, &account_table, 0, &probe, arena, &row);
    return r ? r : account_view_of(query, row, arena, ret_account);
}

int query_account_by_iban(struct query *query, struct str iban, struct arena *arena, struct account_view *ret_account) {
    struct account_row probe = { .iban = iban };
    const void *row;
    int r = query_row(query, &account_table, ACCOUNT_INDEX_IBAN, &probe, arena, &row);
    return r ? r : account_view_of(query, row, arena, ret_account);
}

struct row_list {
    const void **rows;
    size_t count;
};

static int row_list_add(void *ctx, const void *row) {
    struct row_list *list = ctx;
    list->rows[list->count++] = row;
    return 0;
}

/* The rows of a range, at most range->limit. */
static int rows_of(struct query *query, const struct store_range *range, struct arena *arena,
                   struct row_list *ret_list) {
    struct row_list list = { .rows = arena_new_array(arena, const void *, range->limit) };
    if (!list.rows) return err_origin(-ENOMEM);
    int r = read_range(&query->reader, range, arena, row_list_add, &list);
    if (r) return err_trace(r);
    *ret_list = list;
    return 0;
}

int query_accounts(struct query *query, const struct call *call, struct account_page *page, struct arena *arena) {
    struct account_row probe = { 0 };
    struct row_list list;
    bool customers = !id_is_zero(call->customer_id.bytes);
    memcpy(probe.customer_id, call->customer_id.bytes, 16);
    memcpy(probe.client_id, call->client_id.bytes, 16);
    memcpy(probe.account_id, page->after.bytes, 16);
    struct store_range range = { .table = &account_table,
                                 .index = customers ? ACCOUNT_INDEX_CUSTOMER : ACCOUNT_INDEX_CLIENT,
                                 .row = &probe,
                                 .equal_columns = 1,
                                 .bounded = !id_is_zero(page->after.bytes),
                                 .limit = page->limit };
    int r = rows_of(query, &range, arena, &list);
    if (r) return err_trace(r);
    struct account_view *accounts = arena_new_array(arena, struct account_view, list.count);
    if (!accounts) return err_origin(-ENOMEM);
    for (size_t i = 0; i < list.count; i++) {
        r = account_view_of(query, list.rows[i], arena, &accounts[i]);
        if (r) return err_trace(r);
    }
    page->accounts = accounts;
    page->count = list.count;
    return 0;
}

static int entry_add(void *ctx, const struct ledger_statement_row *row) {
    struct entry_page *page = ctx;
    struct entry_view *entry = &page->entries[page->count++];
    *entry = query_entry_view_of(row);
    return 0;
}

int query_entries(struct query *query, int64_t account_number, struct entry_page *page, struct arena *arena) {
    struct ledger_statement statement;
    struct entry_page found = *page;
    int64_t behind;
    check(page->limit >= 1 && page->limit <= STORE_RANGE_ROWS_MAX);
    int r = ledger_statement_open(&query->reader, account_number, arena, &statement);
    if (r == LEDGER_STATEMENT_E_ACCOUNT) return QUERY_E_ABSENT;
    behind = r ? 0 : statement.entries + 1;
    if (!r && page->before) r = ledger_statement_find_number(&statement, page->before, &behind);
    struct ledger_statement_range range = { .first = 1, .last = behind - 1, .descending = true, .limit = page->limit };
    found.count = 0;
    found.entries = r ? NULL : arena_new_array(arena, struct entry_view, page->limit);
    if (!r && !found.entries) r = err_origin(-ENOMEM);
    if (!r) r = ledger_statement_walk(&statement, &range, entry_add, &found);
    if (r) return err_trace(r);
    page->entries = found.entries;
    page->count = found.count;
    return 0;
}

static int fill_client(const struct client_row *client, struct call *call) {
    if (client->status != CLIENT_ACTIVE) return QUERY_E_ABSENT;
    call->has_client = true;
    memcpy(call->client_id.bytes, client->client_id, 16);
    call->client_name = client->name;
    call->org_id = client->org_id;
    call->software_id = client->software_id;
    call->tier = client->tier;
    call->profile = (int)client->profile;
    call->sender = (int)client->sender;
    call->auto_approve = client->flags & CLIENT_AUTO_APPROVE;
    call->must_sign = client->flags & (CLIENT_SIGNS | CLIENT_MUST_SIGN);
    call->roles = client->roles;
    call->addresses = client->addresses;
    call->directory = client->directory;
    call->requests_per_second = client->requests_per_second;
    call->burst = client->burst;
    call->daily_limit = client->daily_limit;
    return 0;
}

int query_client_by_software(struct query *query, struct str software_id, struct arena *arena, struct call *call) {
    struct client_row probe = { .software_id = software_id };
    const void *row;
    int r = query_row(query, &client_table, CLIENT_INDEX_SOFTWARE, &probe, arena, &row);
    return r ? r : fill_client(row, call);
}

int query_client_by_name(struct query *query, struct str name, struct arena *arena, struct call *call) {
    struct client_row probe = { .name = name };
    const void *row;
    int r = query_row(query, &client_table, CLIENT_INDEX_NAME, &probe, arena, &row);
    return r ? r : fill_client(row, call);
}

int query_client_keys(struct query *query, const struct client_id *client_id, struct arena *arena, struct str *ret_jwks,
                      struct str *ret_jwks_uri) {
    struct client_row probe = { 0 };
    const void *row;
    memcpy(probe.client_id, client_id->bytes, 16);
    int r = query_row(query, &client_table, 0, &probe, arena, &row);
    if (r) return r;
    *ret_jwks = ((const struct client_row *)row)->jwks;
    *ret_jwks_uri = ((const struct client_row *)row)->jwks_uri;
    return 0;
}
