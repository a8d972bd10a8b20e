/* query_customer.c - what a customer has allowed, for the bank's own page. */
#include "integration/query_int.h"

#include "services/consents/account_consent.h"
#include "services/consents/payment_consent.h"
#include "services/customers/customer.h"
#include "services/identity/client.h"
#include "services/payments/payment.h"

static_assert((int)CUSTOMER_CONSENTS_MAX < (int)STORE_RANGE_ROWS_MAX, "one range, and one row more");

/* Rows of one table, newest first; one more than is shown tells that there are more. */
struct newest {
    const void *rows[CUSTOMER_CONSENTS_MAX + 1];
    size_t count;
};

static int newest_add(void *ctx, const void *row) {
    struct newest *newest = ctx;
    newest->rows[newest->count++] = row;
    return 0;
}

static int newest_read(struct query *query, const struct table *table, const void *probe, struct arena *arena,
                       struct newest *newest) {
    check(table->columns[table->indexes[1].columns[1]].offset == 0); /* the consent's id comes first in both rows */
    struct store_range range = { .table = table,
                                 .index = 1, /* (customer_id, consent_id) of both tables; ids grow with time */
                                 .row = probe,
                                 .equal_columns = 1,
                                 .bounded = !id_is_zero(probe),
                                 .descending = true,
                                 .limit = CUSTOMER_CONSENTS_MAX + 1 };
    newest->count = 0;
    return err_trace(read_range(&query->reader, &range, arena, newest_add, newest));
}

static_assert((int)ACCOUNT_CONSENT_INDEX_CUSTOMER == 1 && (int)PAYMENT_CONSENT_INDEX_CUSTOMER == 1, "newest_read");

/* The name of a client, suspended or not; a client that is gone has none. */
static int client_name(struct query *query, const uint8_t client_id[16], struct arena *arena, struct str *ret_name) {
    struct client_row probe = { 0 };
    const void *found;
    memcpy(probe.client_id, client_id, 16);
    int r = query_row(query, &client_table, 0, &probe, arena, &found);
    if (r == QUERY_E_ABSENT) return 0;
    if (r) return err_trace(r);
    *ret_name = ((const struct client_row *)found)->display_name;
    return 0;
}

static int view_reads(struct query *query, const struct account_consent_row *row, int64_t now_ms, struct arena *arena,
                      struct customer_consent_view *view) {
    enum account_consent_status status = account_consent_status_at(row, now_ms);
    *view =
        (struct customer_consent_view){ .kind = CONSENT_PAGE_READS,
                                        .status = account_consent_status_name(status),
                                        .active = status == ACCOUNT_CONSENT_AUTH,
                                        .status_ms = status == ACCOUNT_CONSENT_EXPD ? row->expires_ms : row->status_ms,
                                        .expires_ms = row->expires_ms,
                                        .accounts = row->accounts,
                                        .document = row->document };
    memcpy(view->consent_id.bytes, row->consent_id, 16);
    return err_trace(client_name(query, row->client_id, arena, &view->client));
}

static int view_payment(struct query *query, const struct payment_consent_row *row, struct arena *arena,
                        struct customer_consent_view *view) {
    struct payment_row probe = { 0 };
    const void *found;
    *view = (struct customer_consent_view){ .kind = CONSENT_PAGE_PAYMENT,
                                            .status = consent_status_name((enum consent_status)row->status),
                                            .active = row->status == CONSENT_AUTH,
                                            .status_ms = row->status_ms,
                                            .accounts = str_from_bytes((const char *)row->account_id, 16),
                                            .payee = row->creditor_name,
                                            .amount = { .minor = row->amount_minor,
                                                        .currency = { .code = (uint32_t)row->currency } } };
    memcpy(view->consent_id.bytes, row->consent_id, 16);
    memcpy(probe.payment_id, row->payment_id, 16);
    int r = id_is_zero(row->payment_id) ? QUERY_E_ABSENT : query_row(query, &payment_table, 0, &probe, arena, &found);
    if (r < 0) return err_trace(r);
    view->paid = r == 0;
    if (view->paid) view->payment_status = (enum payment_status)((const struct payment_row *)found)->status;
    return err_trace(client_name(query, row->client_id, arena, &view->client));
}

static int all_reads(struct query *query, const struct newest *newest, int64_t now_ms, struct arena *arena,
                     struct customer_consents *consents) {
    consents->more_reads = newest->count > CUSTOMER_CONSENTS_MAX;
    consents->read_count = consents->more_reads ? CUSTOMER_CONSENTS_MAX : newest->count;
    consents->reads = arena_new_array(arena, struct customer_consent_view, consents->read_count);
    if (!consents->reads) return err_origin(-ENOMEM);
    for (size_t i = 0; i < consents->read_count; i++) {
        int r = view_reads(query, newest->rows[i], now_ms, arena, &consents->reads[i]);
        if (r) return err_trace(r);
    }
    return 0;
}

static int all_payments(struct query *query, const struct newest *newest, struct arena *arena,
                        struct customer_consents *consents) {
    consents->more_payments = newest->count > CUSTOMER_CONSENTS_MAX;
    consents->payment_count = consents->more_payments ? CUSTOMER_CONSENTS_MAX : newest->count;
    consents->payments = arena_new_array(arena, struct customer_consent_view, consents->payment_count);
    if (!consents->payments) return err_origin(-ENOMEM);
    for (size_t i = 0; i < consents->payment_count; i++) {
        int r = view_payment(query, newest->rows[i], arena, &consents->payments[i]);
        if (r) return err_trace(r);
    }
    return 0;
}

int query_customer_consents(struct query *query, const struct customer_id *customer_id, int64_t now_ms,
                            struct arena *arena, struct customer_consents *consents) {
    struct account_consent_row reads_probe = { 0 };
    struct payment_consent_row payment_probe = { 0 };
    struct customer_row customer_probe = { 0 };
    struct newest *newest = arena_new(arena, struct newest);
    const void *customer;
    if (!newest) return err_origin(-ENOMEM);
    memcpy(reads_probe.customer_id, customer_id->bytes, 16);
    memcpy(payment_probe.customer_id, customer_id->bytes, 16);
    memcpy(reads_probe.consent_id, consents->before_reads.bytes, 16);
    memcpy(payment_probe.consent_id, consents->before_payments.bytes, 16);
    memcpy(customer_probe.customer_id, customer_id->bytes, 16);
    int r = query_row(query, &customer_table, 0, &customer_probe, arena, &customer);
    if (r) return r;
    consents->name = ((const struct customer_row *)customer)->name;
    r = newest_read(query, &account_consent_table, &reads_probe, arena, newest);
    if (!r) r = all_reads(query, newest, now_ms, arena, consents);
    if (!r) r = newest_read(query, &payment_consent_table, &payment_probe, arena, newest);
    if (!r) r = all_payments(query, newest, arena, consents);
    return err_trace(r);
}
