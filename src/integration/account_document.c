#include "integration/account_document.h"

#include "wire/json.h"

static const char *status_name(int64_t status) {
    switch ((enum account_status)status) {
    case ACCOUNT_OPEN:
        return "open";
    case ACCOUNT_BLOCKED:
        return "blocked";
    case ACCOUNT_CLOSED:
        return "closed";
    }
    return "blocked"; /* what nobody knows is not used */
}

struct account_view account_view_of_row(const struct account_row *account) {
    struct account_view view = { .number = account->number,
                                 .name = account->name,
                                 .iban = account->iban,
                                 .sort_code = account->sort_code,
                                 .account_number = account->account_number,
                                 .currency = { .code = (uint32_t)account->currency },
                                 .status = (int)account->status,
                                 .product = (int)account->product,
                                 .status_name = status_name(account->status),
                                 .product_name = account->product == ACCOUNT_BUSINESS ? "business" : "personal" };
    memcpy(view.account_id.bytes, account->account_id, 16);
    memcpy(view.customer_id.bytes, account->customer_id, 16);
    memcpy(view.client_id.bytes, account->client_id, 16);
    return view;
}

void query_account_members(struct json_writer *writer, const struct account_view *account) {
    char id[ID_TEXT_BYTES], currency[4];
    json_member_str(writer, "account_id", id_format(account->account_id.bytes, id));
    json_member_str(writer, "name", account->name);
    json_member_str(writer, "iban", account->iban);
    if (account->sort_code.len) json_member_str(writer, "sort_code", account->sort_code);
    if (account->account_number.len) json_member_str(writer, "account_number", account->account_number);
    json_member_str(writer, "currency", currency_text(account->currency, currency));
    json_member_c(writer, "product", account->product_name);
    json_member_c(writer, "status", account->status_name);
}

void account_document_write(struct buffer *out, const struct account_row *account) {
    struct account_view view = account_view_of_row(account);
    struct json_writer writer;
    json_begin(&writer, out);
    json_object_begin(&writer);
    query_account_members(&writer, &view);
    json_object_end(&writer);
}
