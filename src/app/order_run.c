#include "app/order_run.h"

#include <stdatomic.h>

#include "app/terminal.h"
#include "platform/clock.h"

struct sending {
    struct order_run *run;
    size_t send;                /* 0 or 1 */
    atomic_size_t *answered;    /* of all senders */
    struct progress *progress;  /* NULL but for the first sender */
    pthread_t thread;
    int result;
    struct message message;
};

/* --- sending --- */

void order_write_body(const struct order *order, const struct account_id *account_id, struct buffer *out) {
    char id[ID_TEXT_BYTES], amount[MONEY_TEXT_BYTES], text[64], currency[4];
    struct json_writer writer;
    struct iban iban;
    order_creditor_iban(order, &iban);
    json_begin(&writer, out);
    json_object_begin(&writer);
    json_member_str(&writer, "debtor_account_id", id_format(account_id->bytes, id));
    json_name(&writer, "creditor");
    json_object_begin(&writer);
    (void)snprintf(text, sizeof text, "Bank " STR_FMT, STR_ARG(order->bank_to));
    json_member_c(&writer, "name", text);
    json_member_str(&writer, "iban", iban_reveal(&iban)); /* to the bank that pays */
    json_object_end(&writer);
    json_name(&writer, "amount");
    json_object_begin(&writer);
    json_member_str(&writer, "value", money_text(order->amount, amount));
    json_member_str(&writer, "currency", currency_text(order->amount.currency, currency));
    json_object_end(&writer);
    (void)snprintf(text, sizeof text, "order-%llu", (unsigned long long)order->order_id);
    json_member_c(&writer, "reference", text);
    json_object_end(&writer);
}

static void write_order(void *ctx, size_t index, struct bulk_call *call) {
    const struct sending *sending = ctx;
    const struct order_run *run = sending->run;
    const struct order *order = &run->file->orders[index];
    call->is_post = true;
    buffer_append_str(&call->url, sandbox_caller_facts(run->caller)->api);
    buffer_append_c(&call->url, "/v1/payments");
    buffer_printf(&call->key, "order-%llu", (unsigned long long)order->order_id);
    order_write_body(order, &run->accounts[order->account].account_id, &call->body);
}

static enum bulk_verdict on_sent(void *ctx, size_t index, struct payment_answer *answer, int64_t latency_ns) {
    struct sending *sending = ctx;
    (void)latency_ns; /* only bench measures */
    if (answer->kind == PAYMENT_ANSWER_AGAIN) return BULK_AGAIN;
    sending->run->results[index].sends[sending->send] = *answer;
    size_t answered = atomic_fetch_add(sending->answered, 1) + 1;
    if (sending->progress) progress_show(sending->progress, answered);
    return BULK_NEXT;
}

static void *send_main(void *ctx) {
    struct sending *sending = ctx;
    const struct order_run *run = sending->run;
    const struct bulk_sender sender = { .bearer = run->bearer, .http = sandbox_caller_http_options(run->caller),
                                        .connections = ORDER_RUN_CONNECTIONS, .count = run->file->order_count,
                                        .write = write_order, .on_answer = on_sent, .ctx = sending };
    sending->result = bulk_send(&sender, &sending->message);
    return NULL;
}

int order_run_send(struct order_run *run, struct message *message) {
    struct sending sendings[ORDER_RUN_SENDS] = { { .run = run } };
    bool runs[ORDER_RUN_SENDS];
    struct progress progress;
    atomic_size_t answered = 0;
    int r = 0;
    progress_begin(&progress, "Orders, each twice", run->file->order_count * ORDER_RUN_SENDS);
    for (size_t i = 0; i < ORDER_RUN_SENDS; i++) {
        struct sending *sending = &sendings[i];
        sending->run = run;
        sending->send = i;
        sending->answered = &answered;
        sending->progress = i == 0 ? &progress : NULL;
        runs[i] = pthread_create(&sending->thread, NULL, send_main, sending) == 0;
        if (!runs[i]) r = err_origin(-EAGAIN);
    }
    for (size_t i = 0; i < ORDER_RUN_SENDS; i++) {
        if (runs[i]) (void)pthread_join(sendings[i].thread, NULL);
        if (r || !runs[i] || !sendings[i].result) continue;
        r = sendings[i].result;
        *message = sendings[i].message;
    }
    progress_end(&progress);
    return err_trace(r);
}

/* --- waiting for the ends --- */

struct waiting {
    struct order_run *run;
    size_t *orders; /* whose payment is asked for */
    size_t count, answered;
    int64_t end_ms;
    struct progress progress;
};

/* What is known without asking: a final answer, or none that names a payment. */
static bool is_settled(struct order_result *result) {
    for (size_t i = 0; i < ORDER_RUN_SENDS; i++) {
        result->now = result->sends[i];
        if (payment_answer_is_final(&result->now)) return true;
    }
    for (size_t i = 0; i < ORDER_RUN_SENDS; i++)
        if (result->sends[i].kind == PAYMENT_ANSWER_PAYMENT) {
            result->now = result->sends[i];
            return false;
        }
    return true;
}

static void write_question(void *ctx, size_t index, struct bulk_call *call) {
    char id[ID_TEXT_BYTES];
    const struct waiting *waiting = ctx;
    const struct order_result *result = &waiting->run->results[waiting->orders[index]];
    buffer_append_str(&call->url, sandbox_caller_facts(waiting->run->caller)->api);
    buffer_append_c(&call->url, "/v1/payments/");
    buffer_append_str(&call->url, id_format(result->now.payment_id.bytes, id));
}

static enum bulk_verdict on_status(void *ctx, size_t index, struct payment_answer *answer, int64_t latency_ns) {
    struct waiting *waiting = ctx;
    (void)latency_ns; /* only bench measures */
    bool in_time = clock_mono_ms() < waiting->end_ms;
    if (answer->kind == PAYMENT_ANSWER_PAYMENT && !payment_answer_is_final(answer) && in_time) {
        answer->wait_ms = ORDER_RUN_POLL_MS;
        return BULK_AGAIN;
    }
    if (answer->kind == PAYMENT_ANSWER_AGAIN && in_time) return BULK_AGAIN;
    waiting->run->results[waiting->orders[index]].now = *answer;
    progress_show(&waiting->progress, ++waiting->answered);
    return BULK_NEXT;
}

int order_run_wait(struct order_run *run, struct message *message) {
    size_t count = run->file->order_count;
    struct waiting waiting = { .run = run, .orders = calloc(count, sizeof *waiting.orders),
                               .end_ms = clock_mono_ms() + ORDER_RUN_FINAL_MS_MAX };
    if (!waiting.orders) return err_origin(-ENOMEM);
    for (size_t i = 0; i < count; i++)
        if (!is_settled(&run->results[i])) waiting.orders[waiting.count++] = i;
    int r = 0;
    if (waiting.count) {
        const struct bulk_sender sender = { .bearer = run->bearer, .http = sandbox_caller_http_options(run->caller),
                                            .connections = ORDER_RUN_CONNECTIONS, .count = waiting.count,
                                            .write = write_question, .on_answer = on_status, .ctx = &waiting };
        progress_begin(&waiting.progress, "Final", waiting.count);
        r = bulk_send(&sender, message);
        progress_end(&waiting.progress);
    }
    free(waiting.orders);
    return err_trace(r);
}

/* --- counting --- */

static void count_reason(struct order_counts *counts, const char *reason) {
    const char *text = *reason ? reason : "no reason given";
    size_t i = 0;
    while (i < counts->reason_count && strcmp(counts->reasons[i].text, text) != 0) i++;
    if (i == ORDER_RUN_REASONS_MAX) i--; /* what comes beyond is counted with the last */
    if (i == counts->reason_count) (void)snprintf(counts->reasons[counts->reason_count++].text,
                                                  sizeof counts->reasons[0].text, "%s", text);
    counts->reasons[i].count++;
}

static void count_sends(struct order_counts *counts, const struct order_result *result) {
    const struct payment_answer *first = NULL;
    unsigned unmarked = 0;
    for (size_t i = 0; i < ORDER_RUN_SENDS; i++) {
        const struct payment_answer *send = &result->sends[i];
        if (send->kind != PAYMENT_ANSWER_PAYMENT) {
            count_reason(counts, send->kind == PAYMENT_ANSWER_NONE ? "no answer" : send->reason);
            continue;
        }
        counts->sent++;
        counts->replayed += send->replayed;
        unmarked += !send->replayed;
        if (first && !id_equal(first->payment_id.bytes, send->payment_id.bytes)) counts->duplicates++;
        first = send;
    }
    if (unmarked > 1) counts->unmarked += unmarked - 1;
}

static void count_end(struct order_counts *counts, const struct payment_answer *now) {
    if (now->kind != PAYMENT_ANSWER_PAYMENT) {
        counts->open++;
        return;
    }
    switch (now->status) {
    case PAYMENT_COMPLETED:
        counts->completed++;
        if (!counts->total.currency.code) counts->total.currency = now->amount.currency;
        if (!currency_equal(counts->total.currency, now->amount.currency) ||
            money_add(counts->total, now->amount, &counts->total))
            counts->mixed_currency = true;
        return;
    case PAYMENT_REJECTED:
        counts->rejected++;
        count_reason(counts, now->reason);
        return;
    case PAYMENT_PENDING:
    case PAYMENT_UNKNOWN:
    case PAYMENT_STATUS_COUNT:
        break;
    }
    counts->open++;
    count_reason(counts, payment_status_name(now->status));
}

void order_counts_of(const struct order_result *results, size_t count, struct order_counts *ret_counts) {
    *ret_counts = (struct order_counts){ .orders = count };
    for (size_t i = 0; i < count; i++) {
        count_sends(ret_counts, &results[i]);
        count_end(ret_counts, &results[i].now);
    }
}

bool order_counts_are_good(const struct order_counts *counts) {
    bool all = counts->sent == counts->orders * ORDER_RUN_SENDS && counts->completed == counts->orders;
    return all && counts->duplicates == 0 && counts->unmarked == 0 && !counts->mixed_currency;
}

void order_counts_write(const struct order_counts *counts, struct buffer *out) {
    char currency[4] = "";
    struct json_writer writer;
    json_begin(&writer, out);
    json_object_begin(&writer);
    json_member_i64(&writer, "orders", (int64_t)counts->orders);
    json_member_i64(&writer, "sent", (int64_t)counts->sent);
    json_member_i64(&writer, "completed", (int64_t)counts->completed);
    json_member_i64(&writer, "duplicates", (int64_t)counts->duplicates);
    json_member_i64(&writer, "total_minor", counts->total.minor);
    if (counts->total.currency.code) (void)currency_text(counts->total.currency, currency);
    json_member_c(&writer, "currency", currency);
    json_member_i64(&writer, "rejected", (int64_t)counts->rejected);
    json_member_i64(&writer, "open", (int64_t)counts->open);
    json_member_i64(&writer, "replayed", (int64_t)counts->replayed);
    json_member_i64(&writer, "replays_unmarked", (int64_t)counts->unmarked);
    json_name(&writer, "reasons");
    json_object_begin(&writer);
    for (size_t i = 0; i < counts->reason_count; i++)
        json_member_i64(&writer, counts->reasons[i].text, (int64_t)counts->reasons[i].count);
    json_object_end(&writer);
    json_object_end(&writer);
}
