/* bank_test_world.h - a small bank for tests: real engine, real saga definition, real rules, one decision at a time; no
 * core: the test plays it. Included by *_test.c only. */
#ifndef GIRO_INTEGRATION_BANK_TEST_WORLD_H
#define GIRO_INTEGRATION_BANK_TEST_WORLD_H

#include "engine/engine_test_world.h"
#include "integration/bus/event_json.h"
#include "integration/command/core_result.h"
#include "integration/saga/payment_saga.h"
#include "platform/file.h"
#include "services/accounts/account.h"
#include "services/ledger/ledger.h"

#define BANK_FRAUDSTER "GB29NWBK60161331926819"
enum { BANK_SAGA_BYTES_MAX = 64 * 1024 };

struct bank {
    struct test_world world;
    struct integration integration;
    struct fraud_policy *fraud;
    struct aml_list *aml;
    struct saga_def *saga;
    int accounts_made;
};

struct bank_account {
    struct bank *bank;
    int64_t overdraft_minor, fund_minor;
    bool business;
    char iban[24];
    struct account_row row; /* its texts point into iban */
};

static inline struct currency bank_gbp(void) {
    struct currency currency;
    assert_int_equal(currency_parse(STR("GBP"), &currency), 0);
    return currency;
}

static inline void bank_read_rules(struct bank *bank) {
    struct arena arena;
    struct str text;
    struct message message = { { 0 } };
    bank->fraud = calloc(1, sizeof *bank->fraud);
    assert_non_null(bank->fraud);
    fraud_policy_init(bank->fraud);
    assert_int_equal(fraud_policy_read_creditors(bank->fraud, STR(BANK_FRAUDSTER "\n"), &message), 0);
    assert_int_equal(aml_list_read(STR("1,\"Ivan PETROV\"\n"), &bank->aml, &message), 0);
    assert_int_equal(arena_init(&arena, BANK_SAGA_BYTES_MAX, 2 * BANK_SAGA_BYTES_MAX), 0);
    assert_int_equal(file_read_all("sagas/payment.asl.json", BANK_SAGA_BYTES_MAX, &arena, &text, &message), 0);
    if (saga_def_compile(text, &payment_saga_registry, &bank->saga, &message)) fail_msg("%s", message.text);
    arena_release(&arena);
}

/* ops: with path (a name for the memory store, a file for SQLite). */
static inline void bank_open(struct bank *bank, const struct store_ops *ops, const char *path) {
    size_t count;
    const struct table *const *tables = integration_tables(&count);
    *bank = (struct bank){ 0 };
    bank_read_rules(bank);
    bank->world.encode_event = event_json_write;
    bank->world.options = (struct store_options){
        .ops = ops, .path = path, .migrations = "db/sqlite", .tables = tables, .table_count = count
    };
    test_open(&bank->world);
    bank->integration = (struct integration){ .store = bank->world.store,
                                              .engine = bank->world.engine,
                                              .payment_saga = bank->saga,
                                              .fraud = bank->fraud,
                                              .aml = bank->aml,
                                              .country = "GB",
                                              .bank_code = "GIRO",
                                              .sandbox = true };
}

static inline void bank_restart(struct bank *bank) {
    test_restart(&bank->world);
    bank->integration.store = bank->world.store;
    bank->integration.engine = bank->world.engine;
}

static inline void bank_shut(struct bank *bank) {
    test_shut(&bank->world);
    bank->saga = saga_def_free(bank->saga);
    bank->aml = aml_list_free(bank->aml);
    free(bank->fraud);
}

static inline int bank_account_decide(struct work *work, void *input) {
    struct bank_account *account = input;
    int r = ledger_open_account(work, bank_gbp(), account->overdraft_minor, &account->row.number);
    if (!r) r = account_open(work, &account->row);
    if (r || !account->fund_minor) return r;
    struct ledger_posting posting = { .debit_account = ledger_internal_number(LEDGER_FUNDING, bank_gbp()),
                                      .credit_account = account->row.number,
                                      .amount = { account->fund_minor, bank_gbp() },
                                      .kind = LEDGER_FUND };
    return ledger_post(work, &posting);
}

/* account: overdraft, fund and business set by the caller. */
static inline void bank_account_open(struct bank *bank, struct bank_account *account) {
    account->bank = bank;
    (void)snprintf(account->iban, sizeof account->iban, "GB00GIRO%014d", ++bank->accounts_made);
    account->row = (struct account_row){ .iban = str_from_c(account->iban),
                                         .name = STR("test"),
                                         .currency = bank_gbp().code,
                                         .product = account->business ? ACCOUNT_BUSINESS : ACCOUNT_PERSONAL };
    assert_int_equal(test_decide(&bank->world, bank_account_decide, account), 0);
}

/* The same for client 1, under an IBAN that is one: what comes in by a command that clients use. */
static inline void bank_client_account_open(struct bank *bank, struct bank_account *account) {
    struct iban iban;
    char bban[19];
    account->bank = bank;
    (void)snprintf(bban, sizeof bban, "GIRO%014d", ++bank->accounts_made);
    assert_int_equal(iban_make(STR("GB"), str_from_c(bban), &iban), 0);
    assert_int_equal(str_to_c(iban_reveal(&iban), account->iban, sizeof account->iban), 0);
    account->row = (struct account_row){ .iban = str_from_c(account->iban),
                                         .client_id = { 1 },
                                         .name = STR("test"),
                                         .currency = bank_gbp().code,
                                         .product = account->business ? ACCOUNT_BUSINESS : ACCOUNT_PERSONAL };
    assert_int_equal(test_decide(&bank->world, bank_account_decide, account), 0);
}

struct bank_payment {
    struct bank *bank;
    const struct bank_account *debtor, *creditor; /* creditor NULL: at another bank */
    const char *creditor_name, *creditor_iban;    /* NULL: an ordinary one */
    int64_t amount_minor;
    uint8_t interaction_id[16]; /* zero: of no call */
    uint8_t id[16];
    int runs; /* how often the decision was run */
};

static inline int bank_payment_decide(struct work *work, void *input) {
    struct bank_payment *payment = input;
    struct payment_row row = {
        .debtor_number = payment->debtor->row.number,
        .creditor_number = payment->creditor ? payment->creditor->row.number : 0,
        .creditor_name = str_from_c(payment->creditor_name ? payment->creditor_name : "Jane Doe"),
        .creditor_iban = str_from_c(payment->creditor_iban ? payment->creditor_iban : "DE89370400440532013000"),
        .currency = bank_gbp().code,
        .amount_minor = payment->amount_minor,
        .type = payment->creditor ? PAYMENT_ON_US : PAYMENT_DOMESTIC
    };
    memcpy(row.debtor_account_id, payment->debtor->row.account_id, 16);
    payment->runs++;
    account_want(work, row.debtor_account_id); /* as the commands do: one load for what is known */
    ledger_want_account(work, row.debtor_number);
    fraud_want(work, row.debtor_number);
    int r = payment_create(work, &row);
    struct view view = view_of(work, "payments");
    struct core_order *order = arena_new(view_arena(&view), struct core_order);
    assert_non_null(order);
    memcpy(order->interaction_id, payment->interaction_id, 16);
    if (!r && !payment->creditor)
        r = core_transfer_make(&row, &payment->debtor->row, view_now_ms(&view), &order->transfer);
    if (!r) r = payment_saga_start(work, &payment->bank->integration, &row, order);
    memcpy(payment->id, row.payment_id, 16);
    return r;
}

/* Accepts the payment; what its saga asks for stands in world.followups. */
static inline void bank_pay(struct bank *bank, struct bank_payment *payment) {
    payment->bank = bank;
    bank->world.followup_count = 0;
    assert_int_equal(test_decide(&bank->world, bank_payment_decide, payment), 0);
}

/* The core's answer, as the command that carries it: 0 or PAYMENT_SAGA_E_ABSENT. */
static inline int bank_core_says(struct bank *bank, const struct bank_payment *payment, enum core_verdict verdict) {
    struct core_result input = {
        .integration = &bank->integration, .verdict = verdict, .core_reference = "CORE123", .core_reference_len = 7
    };
    memcpy(input.payment_id, payment->id, 16);
    bank->world.followup_count = 0;
    return test_command(&bank->world, &core_result_kind, &input);
}
static inline int bank_wake(struct bank *bank, const struct bank_payment *payment) {
    struct saga_wake input = { .integration = &bank->integration };
    memcpy(input.payment_id, payment->id, 16);
    bank->world.followup_count = 0;
    return test_command(&bank->world, &saga_wake_kind, &input);
}

static inline struct payment_row bank_payment_row(struct bank *bank, const struct bank_payment *payment) {
    struct payment_row row = { 0 }, probe = { 0 };
    memcpy(probe.payment_id, payment->id, 16);
    assert_true(test_row(&bank->world, &payment_table, &probe, &row));
    return row;
}
/* -1: there is none. */
static inline int64_t bank_hold_state(struct bank *bank, const struct bank_payment *payment) {
    struct ledger_hold_row row, probe = { 0 };
    memcpy(probe.hold_id, payment->id, 16);
    return test_row(&bank->world, &ledger_hold_table, &probe, &row) ? row.state : -1;
}
static inline bool bank_saga_is_open(struct bank *bank, const struct bank_payment *payment) {
    struct saga_row row, probe = { 0 };
    memcpy(probe.saga_id, payment->id, 16);
    return test_row(&bank->world, &saga_table, &probe, &row);
}
static inline struct ledger_account_row bank_ledger_row(struct bank *bank, int64_t number) {
    struct ledger_account_row row = { 0 }, probe = { .number = number };
    return test_row(&bank->world, &ledger_account_table, &probe, &row) ? row : (struct ledger_account_row){ 0 };
}

#endif
