/* payment_file.c - a file of payments is taken whole or refused: bytes, count and sum as the sender said, every line
 * understood, the account the sender's. Its items are judged when it falls due. */
#include "integration/command/schedule_order.h"

#include "integration/command/command_codec.h"
#include "services/payments/payment_file.h"
#include "wire/payment_file_csv.h"

static_assert((int)PAYMENT_FILE_CSV_ITEMS_MAX == (int)PAYMENT_FILE_ITEMS_MAX, "one limit");
static_assert(PAYMENT_FILE_ITEMS_MAX + 1 <= ENGINE_BULK_ROWS_MAX, "a file and its items are one command");

struct file_create {
    const struct integration *integration;
    struct payment_file_input input;
    struct payment_file_content content;
};

static bool every_refusal_is_stored(int refusal) {
    (void)refusal;
    return true;
}

static void file_create_needs(struct work *work, const struct command *command) {
    const struct file_create *create = command->input;
    account_want(work, create->input.terms.debtor_account_id.bytes);
}

static int judge_account(struct work *work, const struct file_create *create) {
    const struct payment_order *terms = &create->input.terms;
    const struct account_row *account;
    int r = account_get(work, terms->debtor_account_id.bytes, &account);
    if (r) return r;
    if (!account) return SCHEDULE_E_ACCOUNT;
    bool own = id_is_zero(terms->customer_id.bytes) ? id_equal(account->client_id, terms->client_id.bytes)
                                                    : id_equal(account->customer_id, terms->customer_id.bytes);
    if (!own) return SCHEDULE_E_ACCOUNT;
    return account->currency == create->content.sum.currency.code ? 0 : SCHEDULE_E_CURRENCY;
}

static int add_items(struct work *work, const struct file_create *create, const struct payment_file_row *file) {
    for (size_t i = 0; i < create->content.count; i++) {
        struct payment_file_item_row item = { .number = (int64_t)i + 1,
                                              .terms = payment_terms_of(&create->content.orders[i]) };
        memcpy(item.file_id, file->file_id, 16);
        memcpy(item.terms.client_id, file->client_id, 16);
        memcpy(item.terms.customer_id, file->customer_id, 16);
        memcpy(item.terms.consent_id, file->consent_id, 16);
        memcpy(item.terms.debtor_account_id, file->debtor_account_id, 16);
        int r = payment_file_item_add(work, &item);
        if (r) return err_trace(r);
    }
    return 0;
}

static int file_create_decide(struct work *work, struct command *command) {
    const struct file_create *create = command->input;
    const struct payment_file_input *input = &create->input;
    const struct schedule_rules *rules = create->integration->schedule;
    const struct schedule_rail *rail = schedule_rules_rail(rules, create->content.sum.currency.code);
    struct view view = view_of(work, "payments");
    struct schedule_due due;
    int r = judge_account(work, create);
    if (r) return r;
    if (!rail) return SCHEDULE_E_RAIL;
    r = schedule_rail_order(rail, rules->rules[SCHEDULE_FILE], input->day, view_now_ms(&view), &due);
    if (r) return schedule_refusal_of_rule(r);
    struct payment_file_row file = { .file_hash = input->hash,
                                     .reference = input->reference,
                                     .currency = create->content.sum.currency.code,
                                     .item_count = (int64_t)create->content.count,
                                     .control_sum_minor = create->content.sum.minor,
                                     .due_day = due.day,
                                     .due_ms = due.ms };
    memcpy(file.client_id, input->terms.client_id.bytes, 16);
    memcpy(file.customer_id, input->terms.customer_id.bytes, 16);
    memcpy(file.consent_id, input->terms.consent_id.bytes, 16);
    memcpy(file.debtor_account_id, input->terms.debtor_account_id.bytes, 16);
    r = payment_file_create(work, &file);
    if (!r) r = add_items(work, create, &file);
    if (!r) memcpy(command->resource_id, file.file_id, 16);
    return err_fold(r);
}

static const struct command_kind file_create_kind = { .name = "payment_file_create",
                                                      .needs = file_create_needs,
                                                      .decide = file_create_decide,
                                                      .refusal_name = schedule_refusal_name,
                                                      .refusal_is_stored = every_refusal_is_stored,
                                                      .rows_max = ENGINE_BULK_ROWS_MAX };

/* What the sender says of the file against what it is. */
static int compare(const struct payment_file_input *input, const struct payment_file_content *content) {
    if (input->item_count != (int64_t)content->count) return SCHEDULE_E_ITEMS;
    if (!currency_equal(input->control_sum.currency, content->sum.currency)) return SCHEDULE_E_CURRENCY;
    return input->control_sum.minor == content->sum.minor ? 0 : SCHEDULE_E_SUM;
}

/* The text travels, and is read again where it is decided. */
static bool file_create_arrive(struct integration *integration, struct arena *arena, void *input) {
    struct file_create *create = input;
    create->integration = integration;
    return payment_file_csv_read(create->input.text, arena, &create->content, NULL) == 0 &&
           compare(&create->input, &create->content) == 0;
}

static const struct command_field file_create_fields[] = {
    PAYMENT_ORDER_WHO_FIELDS(struct file_create, input.terms),
    FIELD_MAX(struct file_create, input.text, TEXT, PAYMENT_FILE_CSV_BYTES_MAX),
    FIELD_MAX(struct file_create, input.reference, TEXT, PAYMENT_FILE_REFERENCE_BYTES_MAX),
    FIELD(struct file_create, input.hash, HASH),
    FIELD(struct file_create, input.item_count, I64),
    FIELD(struct file_create, input.control_sum, MONEY),
    FIELD(struct file_create, input.day, I64),
};
const struct command_form file_create_form = { .kind = &file_create_kind,
                                               .input_bytes = sizeof(struct file_create),
                                               .fields = file_create_fields,
                                               .field_count = ARRAY_COUNT(file_create_fields),
                                               .refusal_count = SCHEDULE_E_COUNT,
                                               .arrive = file_create_arrive };

static int refuse_at_once(struct command_call *call, int refusal) {
    call->answer = (struct command_answer){ .result = ANSWER_DONE,
                                            .refusal = refusal,
                                            .refusal_name = schedule_refusal_name(refusal) };
    if (call->on_done) call->on_done(call->owner);
    return 0;
}

int command_payment_file_create(struct integration *integration, struct command_call *call,
                                const struct payment_file_input *input, struct message *message) {
    struct file_create *create = arena_new(call->arena, struct file_create);
    if (!create) return err_origin(-ENOMEM);
    struct hash found = sha256(input->text.at, input->text.len);
    if (!hash_equal(&found, &input->hash)) return refuse_at_once(call, SCHEDULE_E_HASH);
    *create = (struct file_create){ .integration = integration, .input = *input };
    int r = payment_file_csv_read(input->text, call->arena, &create->content, message);
    if (r < 0) return err_trace(r);
    if (!r && input->reference.len > PAYMENT_FILE_REFERENCE_BYTES_MAX) {
        message_set(message, "the reference is too long");
        r = PAYMENT_FILE_CSV_E_FORMAT;
    }
    if (r) return refuse_at_once(call, SCHEDULE_E_FILE);
    r = compare(input, &create->content);
    return r ? refuse_at_once(call, r) : command_run(integration, call, &file_create_kind, create);
}
