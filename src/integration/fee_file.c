#include "integration/fee_file.h"

#include "wire/json.h"

static bool type_find(struct str name, enum payment_type *ret_type) {
    for (int type = 0; type < PAYMENT_TYPE_COUNT; type++) {
        if (!str_equal_c(name, payment_type_name((enum payment_type)type))) continue;
        *ret_type = (enum payment_type)type;
        return true;
    }
    return false;
}

static bool product_read(const struct json *json, enum ledger_fee_product *ret_product) {
    struct str name = json_string(json);
    *ret_product = str_equal_c(name, "business") ? LEDGER_FEE_BUSINESS : LEDGER_FEE_PERSONAL;
    if (!json) *ret_product = LEDGER_FEE_ANY;
    return !json || str_equal_c(name, "business") || str_equal_c(name, "personal");
}

static bool amount_read(const struct json *json, struct currency currency, int64_t *ret_minor) {
    struct money money = { .minor = 0 };
    if (json && money_parse(json_string(json), currency, &money)) return false;
    *ret_minor = money.minor;
    return true;
}

/* What is wrong with the row, or NULL. */
static const char *row_read(const struct json *json, struct ledger_fee_row *row) {
    void *iterator = NULL;
    struct str name;
    const struct json *value;
    static const char *const known[] = { "payment_type", "product", "currency", "fixed", "per_mille", "min", "max" };
    while (json_next(json, &iterator, &name, &value)) {
        size_t i = 0;
        while (i < ARRAY_COUNT(known) && !str_equal_c(name, known[i])) i++;
        if (i == ARRAY_COUNT(known)) return "it has a member that is none of a fee's";
    }
    if (!type_find(json_get_string(json, "payment_type"), &row->type)) return "payment_type is none";
    if (!product_read(json_get(json, "product"), &row->product)) return "product is neither personal nor business";
    if (currency_parse(json_get_string(json, "currency"), &row->currency)) return "currency is none";
    if (!amount_read(json_get(json, "fixed"), row->currency, &row->fixed_minor) ||
        !amount_read(json_get(json, "min"), row->currency, &row->min_minor) ||
        !amount_read(json_get(json, "max"), row->currency, &row->max_minor))
        return "fixed, min and max want a decimal in quotes that is greater than zero";
    row->per_mille = json_get(json, "per_mille") ? json_get_integer(json, "per_mille", -1) : 0;
    if (row->per_mille < 0 || row->per_mille > LEDGER_FEE_PER_MILLE_MAX) return "per_mille wants 0 to 1000";
    if (row->max_minor && row->min_minor > row->max_minor) return "min is above max";
    return NULL;
}

static int rows_read(const struct json *json, struct ledger_fees *fees, struct message *message) {
    const struct json *rows = json_get(json, "fees");
    if (json_type(rows) != JSON_ARRAY_TYPE || json_count(rows) > LEDGER_FEES_MAX) {
        message_set(message, "the fee schedule wants {\"fees\": [...]} with at most %d rows", LEDGER_FEES_MAX);
        return err_origin(-EINVAL);
    }
    for (size_t i = 0; i < json_count(rows); i++) {
        const char *wrong = row_read(json_at(rows, i), &fees->rows[i]);
        if (wrong) {
            message_set(message, "the fee schedule's row %zu: %s", i + 1, wrong);
            return err_origin(-EINVAL);
        }
        fees->count++;
    }
    return 0;
}

int fee_file_read(struct str text, struct ledger_fees *ret_fees, struct message *message) {
    struct ledger_fees *fees = calloc(1, sizeof *fees);
    struct json *json = NULL;
    if (!fees) return err_origin(-ENOMEM);
    int r = text.len ? json_parse(text, FEE_FILE_BYTES_MAX, JSON_DEPTH_MAX, &json, message) : 0;
    if (r > 0) r = err_origin(-EINVAL);
    if (!r && json) r = rows_read(json, fees, message);
    if (!r) *ret_fees = *fees;
    json_free(json);
    free(fees);
    return err_trace(r);
}
