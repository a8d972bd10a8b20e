/* account_open.c - opens an account at the ledger and in the books of accounts, funded in the same commit if asked. */
#include "integration/command/command_run.h"

#include "integration/command/command_codec.h"
#include "integration/account_document.h"
#include "services/accounts/account.h"
#include "services/customers/customer.h"
#include "services/identity/client.h"
#include "services/ledger/ledger.h"

struct account_opening {
    const struct integration *integration;
    struct account_open_input input;
};

#define X(code, name) [code] = name,
static const char *const open_refusal_names[ACCOUNT_OPEN_E_COUNT] = { ACCOUNT_OPEN_E_MAP(X) };
#undef X

static const char *account_open_refusal_name(int refusal) {
    check(refusal > 0 && refusal < ACCOUNT_OPEN_E_COUNT);
    return open_refusal_names[refusal];
}

/* Fills the holder of row by login or client name. 0, ACCOUNT_OPEN_E_HOLDER, VIEW_NEED. */
static int judge_holder(struct work *work, const struct account_open_input *input, struct account_row *row) {
    const void *found;
    int r;
    if (input->customer_login.len) {
        struct view view = view_of(work, "customers");
        struct customer_row probe = { .login = input->customer_login };
        r = view_find(&view, &customer_table, CUSTOMER_INDEX_LOGIN, &probe, &found);
        if (r) return r;
        if (!found) return ACCOUNT_OPEN_E_HOLDER;
        memcpy(row->customer_id, ((const struct customer_row *)found)->customer_id, 16);
        return 0;
    }
    struct view view = view_of(work, "identity");
    struct client_row probe = { .name = input->client_name };
    r = view_find(&view, &client_table, CLIENT_INDEX_NAME, &probe, &found);
    if (r) return r;
    if (!found) return ACCOUNT_OPEN_E_HOLDER;
    memcpy(row->client_id, ((const struct client_row *)found)->client_id, 16);
    return 0;
}

static int fund(struct work *work, int64_t number, struct money amount) {
    struct ledger_posting posting = { .debit_account = ledger_internal_number(LEDGER_FUNDING, amount.currency),
                                      .credit_account = number,
                                      .amount = amount,
                                      .kind = LEDGER_FUND };
    return ledger_post(work, &posting);
}

/* IBAN, sort code and account number of a UK account of this bank. 0, ACCOUNT_OPEN_E_INPUT, <0. */
static int give_numbers(struct work *work, const struct integration *integration, struct account_row *row) {
    struct view view = view_of(work, "accounts");
    struct arena *arena = view_arena(&view);
    struct str sort_code = str_from_c(integration->sort_code);
    struct iban iban;
    row->account_number = arena_printf(arena, "%08lld", (long long)(row->number % 100000000));
    row->sort_code = arena_dup(arena, sort_code);
    struct str bban = arena_printf(arena, "%s" STR_FMT STR_FMT, integration->bank_code, STR_ARG(sort_code),
                                   STR_ARG(row->account_number));
    if (!row->account_number.at || !row->sort_code.at || !bban.at) return err_origin(-ENOMEM);
    if (sort_code.len == 0 || iban_make(STR("GB"), bban, &iban)) return ACCOUNT_OPEN_E_INPUT;
    row->iban = arena_dup(arena, iban_reveal(&iban));
    return row->iban.at ? 0 : err_origin(-ENOMEM);
}

static int write_answer(struct work *work, struct command *command, const struct account_row *row) {
    struct view view = view_of(work, "accounts");
    struct buffer body;
    char *memory = arena_alloc(view_arena(&view), ACCOUNT_DOCUMENT_BYTES_MAX);
    if (!memory) return err_origin(-ENOMEM);
    buffer_init(&body, memory, ACCOUNT_DOCUMENT_BYTES_MAX);
    account_document_write(&body, row);
    if (body.overflow) return err_origin(-EMSGSIZE);
    command->answer = buffer_str(&body);
    memcpy(command->resource_id, row->account_id, 16);
    return 0;
}

static int account_open_decide(struct work *work, struct command *command) {
    const struct account_opening *opening = command->input;
    const struct account_open_input *input = &opening->input;
    struct account_row row = { .iban = input->iban,
                               .sort_code = input->sort_code,
                               .account_number = input->account_number,
                               .name = input->name,
                               .currency = input->currency.code,
                               .status = ACCOUNT_OPEN,
                               .product = input->business ? ACCOUNT_BUSINESS : ACCOUNT_PERSONAL };
    const struct account_row *taken = NULL;
    int r = judge_holder(work, input, &row);
    if (!r && input->iban.len) r = account_get_iban(work, input->iban, &taken);
    if (r) return r;
    if (taken) return ACCOUNT_OPEN_E_EXISTS;
    if (input->fund_minor) ledger_want_account(work, ledger_internal_number(LEDGER_FUNDING, input->currency));
    r = ledger_open_account(work, input->currency, input->overdraft_minor, &row.number);
    if (r) return r == VIEW_NEED ? r : err_fold(r);
    /* Not looked up: the number is drawn anew each time the decision runs, so the row would never be at hand. An IBAN
     * that the operator gave away by hand fails the commit of this one command. */
    if (input->iban.len == 0) r = give_numbers(work, opening->integration, &row);
    if (r) return r;
    r = account_open(work, &row);
    if (!r && input->fund_minor)
        r = fund(work, row.number, (struct money){ .minor = input->fund_minor, .currency = input->currency });
    if (r) return r == VIEW_NEED ? r : err_fold(r);
    return write_answer(work, command, &row);
}

static const struct command_kind account_open_kind = { .name = "account_open",
                                                       .decide = account_open_decide,
                                                       .refusal_name = account_open_refusal_name };

static bool account_open_arrive(struct integration *integration, struct arena *arena, void *input) {
    (void)arena;
    struct account_opening *opening = input;
    opening->integration = integration;
    return opening->input.fund_minor >= 0 && opening->input.overdraft_minor >= 0;
}

static const struct command_field account_open_fields[] = {
    FIELD_MAX(struct account_opening, input.customer_login, TEXT, CUSTOMER_LOGIN_BYTES_MAX),
    FIELD_MAX(struct account_opening, input.client_name, TEXT, CLIENT_NAME_BYTES_MAX),
    FIELD_MAX(struct account_opening, input.name, TEXT, ACCOUNT_NAME_BYTES_MAX),
    FIELD_MAX(struct account_opening, input.iban, TEXT, ACCOUNT_IBAN_BYTES_MAX),
    FIELD_MAX(struct account_opening, input.sort_code, TEXT, ACCOUNT_IBAN_BYTES_MAX),
    FIELD_MAX(struct account_opening, input.account_number, TEXT, ACCOUNT_IBAN_BYTES_MAX),
    FIELD(struct account_opening, input.currency, CURRENCY),
    FIELD(struct account_opening, input.overdraft_minor, I64),
    FIELD(struct account_opening, input.fund_minor, I64),
    FIELD(struct account_opening, input.business, BOOL),
};
const struct command_form account_open_form = { .kind = &account_open_kind,
                                                .input_bytes = sizeof(struct account_opening),
                                                .fields = account_open_fields,
                                                .field_count = ARRAY_COUNT(account_open_fields),
                                                .refusal_count = ACCOUNT_OPEN_E_COUNT,
                                                .arrive = account_open_arrive };

int command_account_open(struct integration *integration, struct command_call *call,
                         const struct account_open_input *input) {
    struct account_opening *opening = arena_new(call->arena, struct account_opening);
    if (!opening) return err_origin(-ENOMEM);
    check(input->fund_minor >= 0 && input->overdraft_minor >= 0);
    *opening = (struct account_opening){ .integration = integration, .input = *input };
    return command_run(integration, call, &account_open_kind, opening);
}

static const char *account_fund_refusal_name(int refusal) {
    return refusal == ACCOUNT_FUND_E_ACCOUNT ? "account_not_found" : "currency_mismatch";
}

static int account_fund_decide(struct work *work, struct command *command) {
    const struct account_fund_input *input = command->input;
    const struct account_row *account;
    int r = account_get(work, input->account_id.bytes, &account);
    if (r) return r;
    if (!account) return ACCOUNT_FUND_E_ACCOUNT;
    if (account->currency != input->amount.currency.code) return ACCOUNT_FUND_E_CURRENCY;
    r = fund(work, account->number, input->amount);
    return r == VIEW_NEED ? r : err_fold(r);
}

static const struct command_kind account_fund_kind = { .name = "account_fund",
                                                       .decide = account_fund_decide,
                                                       .refusal_name = account_fund_refusal_name };

static const struct command_field account_fund_fields[] = {
    FIELD(struct account_fund_input, account_id, ID),
    FIELD(struct account_fund_input, amount, MONEY),
};
const struct command_form account_fund_form = { .kind = &account_fund_kind,
                                                .input_bytes = sizeof(struct account_fund_input),
                                                .fields = account_fund_fields,
                                                .field_count = ARRAY_COUNT(account_fund_fields),
                                                .refusal_count = ACCOUNT_FUND_E_CURRENCY + 1 };

int command_account_fund(struct integration *integration, struct command_call *call,
                         const struct account_fund_input *input) {
    struct account_fund_input *copy = arena_new(call->arena, struct account_fund_input);
    if (!copy) return err_origin(-ENOMEM);
    check(input->amount.minor > 0);
    *copy = *input;
    return command_run(integration, call, &account_fund_kind, copy);
}
