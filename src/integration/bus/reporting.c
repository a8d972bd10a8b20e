#include "integration/bus/reporting.h"

#include "observe/metric_table.h"
#include "platform/clock.h"
#include "services/insights/report.h"

bool reporting_wants(enum event_type type) {
    return type == EVENT_PAYMENT_COMPLETED || type == EVENT_PAYMENT_REJECTED;
}

int reporting_apply(struct work *work, const struct event *event) {
    if (!reporting_wants(event->type)) return 0;
    struct report_row row = { .day = clock_day(event->time_ms),
                              .type = event->payment_type,
                              .status = event->status,
                              .currency = event->amount.currency.code,
                              .amount_minor = event->amount.minor };
    return report_count(work, &row);
}

int reporting_measure(void *metrics, const struct event *events, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct event *event = &events[i];
        char currency[4];
        if (!reporting_wants(event->type)) continue;
        struct str type = str_from_c(payment_type_name(event->payment_type));
        struct metric_labels labels = { .at = { type, str_from_c(payment_metric_status(event->status, event->reason)),
                                                currency_text(event->amount.currency, currency) } };
        metrics_add(metrics, METRIC_PAYMENTS, labels, 1);
        int64_t took_ms =
            event->time_ms - id_time_ms(event->payment_id.bytes); /* a payment's id holds the time of its acceptance */
        metrics_observe(metrics, METRIC_PAYMENT_DURATION, (struct metric_labels){ .at = { type } }, took_ms * 1000);
    }
    return 0;
}
