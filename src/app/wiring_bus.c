/* wiring_bus.c - what carries work out of the program: calls to the core, events to their consumers. */
#include "app/wiring_int.h"

#include "integration/bus/reporting.h"

enum { BANK_REPORT_GATHER_MS = 500 }; /* its effects cost a commit */

void bank_set_relay(struct bank *bank, struct relay *relay) {
    pthread_mutex_lock(&bank->relay_lock);
    bank->relay = relay;
    pthread_mutex_unlock(&bank->relay_lock);
}

int bank_prepare_core(struct bank *bank, struct message *message) {
    const struct bank_options *options = &bank->config->options;
    char host[256], layouts[BANK_PATH_BYTES_MAX];
    if (str_to_c(options->core_host, host, sizeof host) || str_to_c(options->core_layouts, layouts, sizeof layouts))
        return err_origin(-ENAMETOOLONG);
    struct core_host_options core = { .host = host,
                                      .port = (uint16_t)options->core_port,
                                      .layouts_folder = layouts,
                                      .connections_max = (int)options->core_connections,
                                      .deadline_ms = (int)options->core_deadline_ms };
    return err_trace(core_host_new(&core, &bank->core_host, message));
}

int bank_open_core(struct bank *bank) {
    const struct bank_options *options = &bank->config->options;
    struct core_dispatch_options dispatch = { .core = bank->core_host,
                                              .integration = &bank->integration,
                                              .threads = (size_t)options->core_connections,
                                              .breaker = breaker_core_banking,
                                              .on_fault = bank_on_fault,
                                              .ctx = bank };
    dispatch.breaker.failures_max = (int)options->core_breaker_failures;
    dispatch.breaker.open_ms = options->core_breaker_open_ms;
    if (dispatch.breaker.enquiry_first_ms > dispatch.breaker.open_ms / 2)
        dispatch.breaker.enquiry_first_ms = dispatch.breaker.open_ms / 2;
    int r = core_dispatch_new(&dispatch, &bank->dispatch);
    if (r) return err_trace(r);
    bank->integration.core = bank->dispatch;
    return err_trace(core_dispatch_start(bank->dispatch)); /* now that on_followup sees it */
}

int bank_open_bus(struct bank *bank) {
    const struct bank_options *options = &bank->config->options;
    char host[256];
    if (str_to_c(options->sink_host, host, sizeof host)) return err_origin(-ENAMETOOLONG);
    int r = message_sink_new(host, (uint16_t)options->sink_port, &bank->sink);
    if (r) return err_trace(r);
    bank->consumers[0] = (struct relay_consumer){
        .name = "notifications", .wants = message_sink_wants, .deliver = message_sink_deliver, .ctx = bank->sink
    };
    bank->consumers[1] = (struct relay_consumer){
        .name = "reporting", .wants = reporting_wants, .apply = reporting_apply, .gather_ms = BANK_REPORT_GATHER_MS
    };
    bank->consumers[2] = (struct relay_consumer){ .name = "metrics",
                                                  .wants = reporting_wants,
                                                  .deliver = reporting_measure,
                                                  .ctx = bank->metrics,
                                                  .ephemeral = true };
    r = relay_start(&bank->integration, bank->consumers, ARRAY_COUNT(bank->consumers), &bank->relay_owned);
    bank_set_relay(bank, bank->relay_owned);
    return err_trace(r);
}
