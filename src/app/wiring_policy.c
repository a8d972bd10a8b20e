/* wiring_policy.c - what the bank decides by: fraud limits, names that screening refuses, the payment saga. */
#include "app/wiring_int.h"

#include "integration/fee_file.h"
#include "integration/saga/saga_check.h"
#include "platform/file.h"

int bank_read_text(struct bank *bank, struct str path, struct str *ret_text, struct message *message) {
    char name[BANK_PATH_BYTES_MAX];
    if (str_to_c(path, name, sizeof name)) {
        message_set(message, "a path in the configuration is too long");
        return err_origin(-ENAMETOOLONG);
    }
    return err_trace(file_read_all(name, BANK_TEXT_BYTES_MAX, &bank->texts, ret_text, message));
}

/* The days and hours of payments of a later day. */
static int open_schedule(struct bank *bank, struct message *message) {
    const struct bank_options *options = &bank->config->options;
    bank->schedule.rules[SCHEDULE_PAYMENT] = (enum calendar_rule)options->scheduled_on_holiday;
    bank->schedule.rules[SCHEDULE_STANDING_ORDER] = (enum calendar_rule)options->standing_orders_on_holiday;
    bank->schedule.rules[SCHEDULE_FILE] = (enum calendar_rule)options->files_on_holiday;
    bank->integration.schedule = &bank->schedule;
    return err_trace(schedule_config_open(&bank->config->schedule, &bank->texts, &bank->schedule, message));
}

int bank_open_policies(struct bank *bank, struct message *message) {
    const struct bank_options *options = &bank->config->options;
    struct str text;
    fraud_policy_init(&bank->fraud);
    bank->fraud.personal_amount_units = options->fraud_personal_amount;
    bank->fraud.business_amount_units = options->fraud_business_amount;
    bank->fraud.personal_per_minute = options->fraud_personal_per_minute;
    int r = bank_read_text(bank, options->fraud_creditors, &text, message);
    if (!r) r = fraud_policy_read_creditors(&bank->fraud, text, message);
    if (!r) r = bank_read_text(bank, options->fees, &text, message);
    if (!r) r = fee_file_read(text, &bank->fees, message);
    if (!r) r = bank_read_text(bank, options->aml_names, &text, message);
    if (!r) r = aml_list_read(text, &bank->aml, message);
    if (!r) r = open_schedule(bank, message);
    return err_trace(r);
}

/* Compiles the payment saga and refuses one that is not proven safe. */
int bank_open_saga(struct bank *bank, struct message *message) {
    struct str text;
    struct saga_report *report = malloc(sizeof *report);
    if (!report) return err_origin(-ENOMEM);
    int r = bank_read_text(bank, bank->config->options.payment_saga, &text, message);
    if (!r) r = saga_def_compile(text, &payment_saga_registry, &bank->payment_saga, message);
    if (!r) r = saga_check(bank->payment_saga, report);
    if (r == SAGA_E_UNSAFE)
        message_set(message, "the payment saga is not safe: %s",
                    report->count ? report->findings[0].text : "see giro saga check");
    free(report);
    return r > 0 ? err_origin(-EINVAL) : err_trace(r);
}

int bank_fill_integration(struct bank *bank) {
    const struct bank_options *options = &bank->config->options;
    bank->integration.payment_saga = bank->payment_saga;
    bank->integration.fraud = &bank->fraud;
    bank->integration.aml = bank->aml;
    bank->integration.fees = &bank->fees;
    bank->integration.metrics = bank->metrics;
    bank->integration.sandbox = options->sandbox;
    bank->integration.sca_renewal_ms = options->sca_renewal_days * 86400000;
    if (str_to_c(options->bank_country, bank->integration.country, sizeof bank->integration.country) ||
        str_to_c(options->bank_code, bank->integration.bank_code, sizeof bank->integration.bank_code) ||
        str_to_c(options->bank_sort_code, bank->integration.sort_code, sizeof bank->integration.sort_code))
        return err_origin(-EINVAL);
    return 0;
}
