/* order_run.h - a file of orders sent through the HTTPS API, each twice with the same key, and what became of them.
 *
 * (R1) The two sends of an order are made by two senders with connections of their own, in the same order, so that the
 *      second of a key often overlaps with the first. (R2) What is counted comes from the bank's answers alone. */
#ifndef GIRO_APP_ORDER_RUN_H
#define GIRO_APP_ORDER_RUN_H

#include "app/account_opener.h"
#include "app/bulk_sender.h"
#include "app/order_file.h"

enum {
    ORDER_RUN_SENDS = 2,
    ORDER_RUN_CONNECTIONS = 16,          /* of each sender */
    ORDER_RUN_REASONS_MAX = 16,
    ORDER_RUN_FINAL_MS_MAX = 300 * 1000, /* how long the last payment may take to reach its end */
    ORDER_RUN_POLL_MS = 250,             /* between two questions about one payment */
};

struct order_result {
    struct payment_answer sends[ORDER_RUN_SENDS];
    struct payment_answer now; /* the last answer about it */
};
struct order_counts {
    uint64_t orders, sent, completed, rejected, open, duplicates;
    uint64_t replayed, unmarked;                  /* answers marked Idempotent-Replayed; more than one unmarked of a key */
    struct money total;                           /* of the completed payments; currency 0 when there is none */
    bool mixed_currency;                          /* then total counts the first currency alone */
    struct {
        char text[PAYMENT_ANSWER_WORD_BYTES_MAX];
        uint64_t count;
    } reasons[ORDER_RUN_REASONS_MAX];             /* of what is not completed, and of sends without a payment */
    size_t reason_count;
};

struct order_run {
    struct sandbox_caller *caller;
    const struct order_file *file;
    const struct account_wish *accounts; /* as file->accounts */
    struct bearer *bearer;
    struct order_result *results;        /* file->order_count, zeroed */
};

/* Sends everything twice, then asks until all is final. 0; SANDBOX_CALLER_E_*; or a fault. */
int order_run_send(struct order_run *run, struct message *message) MUST_USE;
int order_run_wait(struct order_run *run, struct message *message) MUST_USE;

/* Pure: what the results say. An order's duplicates are the distinct payment ids of its answers, less one. */
void order_counts_of(const struct order_result *results, size_t count, struct order_counts *ret_counts);
/* Everything sent, completed, once, and every replay marked as one. */
bool order_counts_are_good(const struct order_counts *counts);
/* {"orders":N,"sent":2N,"completed":N,"duplicates":0,"total_minor":N,"currency":"CZK",...} */
void order_counts_write(const struct order_counts *counts, struct buffer *out);
/* The JSON body of an order; account_id: of its debtor. */
void order_write_body(const struct order *order, const struct account_id *account_id, struct buffer *out);

#endif
