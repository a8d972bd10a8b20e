/* bench_engine_bank.c - a bank of its own: the real engine, commands, saga and rules; the core's answers are made up in
 * memory, at once. */
#include "app/bench_engine.h"

#include "gateway/gateway.h"
#include "integration/acl/core_call_record.h"
#include "integration/bus/event_json.h"
#include "integration/command/command_run.h"
#include "observe/audit.h"
#include "observe/metric_table.h"
#include "platform/clock.h"
#include "platform/encoding.h"
#include "platform/file.h"
#include "services/accounts/account.h"
#include "services/ledger/ledger.h"

#define BENCH_FUND_MINOR INT64_C(1000000000000)

enum {
    BANK_TEXT_BYTES_MAX = 32 * 1024 * 1024,
    BANK_CALLS_BYTES_MAX = 64 * 1024 * 1024,
    BANK_AMOUNT_MINOR = 100,
    BANK_NAMES = 16,
};

struct bench_account {
    struct account_row row; /* its texts point into the two below */
    char iban[ACCOUNT_IBAN_BYTES_MAX + 1], account_number[16];
};

struct bench_bank {
    struct bench_bank_options options;
    struct raw_record *record;
    struct latencies *commits;
    struct integration integration;
    struct metrics *metrics;
    struct fraud_policy fraud;
    struct aml_list *aml;
    struct saga_def *saga;
    struct arena texts, calls[2]; /* calls: of every other batch, two may be under way */
    struct bench_account accounts[BENCH_ENGINE_ACCOUNTS];
    uint64_t random, paid, batches;
    uint8_t sent[ENGINE_BATCH_MAX][16]; /* payments that the core must answer */
    size_t sent_count;
    uint64_t answered, refused;
};

static struct currency pounds(void) {
    struct currency currency;
    check(currency_parse(STR("GBP"), &currency) == 0);
    return currency;
}

/* splitmix64: the same payments for the same seed. */
static uint64_t next_random(struct bench_bank *bank) {
    uint64_t z = bank->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* ---- what the engine tells ---- */

/* Recording is no part of either side's time (N3): while a commit is being recorded, no decision goes on beside it. */
static void encode_event(struct buffer *out, const struct event *event) {
    raw_record_await();
    event_json_write(out, event);
}

static void on_followup(void *ctx, const struct followup *followup) {
    struct bench_bank *bank = ctx;
    if (followup->kind != FOLLOWUP_CORE_EXECUTE || bank->sent_count == ENGINE_BATCH_MAX) return;
    memcpy(bank->sent[bank->sent_count++], followup->id, 16);
}

static void on_committed(void *ctx, int64_t seq, uint32_t commands, int64_t commit_ns) {
    struct bench_bank *bank = ctx;
    (void)seq, (void)commands;
    latencies_add(bank->commits, commit_ns - bank->record->last_ns);
}

static void on_fault(void *ctx, const char *command, int code) {
    (void)ctx, (void)command, (void)code; /* the command's answer tells */
}

static void on_unknown(void *ctx) {
    (void)ctx; /* as above */
}

/* ---- accounts ---- */

static int account_decide(struct work *work, struct command *command) {
    struct bench_account *account = command->input;
    int r = ledger_open_account(work, pounds(), 0, &account->row.number);
    if (!r) r = account_open(work, &account->row);
    if (r) return r;
    struct ledger_posting posting = { .debit_account = ledger_internal_number(LEDGER_FUNDING, pounds()),
                                      .credit_account = account->row.number,
                                      .amount = { BENCH_FUND_MINOR, pounds() },
                                      .kind = LEDGER_FUND };
    return ledger_post(work, &posting);
}

static const struct command_kind account_kind = { .name = "bench_account", .decide = account_decide };

static void on_account(struct command *command) {
    struct bench_bank *bank = command->owner;
    bank->answered++;
    bank->refused += command->result != COMMAND_DONE || command->refusal;
}

static void account_make(struct bench_bank *bank, size_t at) {
    struct bench_account *account = &bank->accounts[at];
    struct iban iban;
    char bban[32];
    (void)snprintf(account->account_number, sizeof account->account_number, "%08zu", 70000000 + at);
    (void)snprintf(bban, sizeof bban, "GIRO040401%s", account->account_number);
    check(iban_make(STR("GB"), str_from_c(bban), &iban) == 0);
    check(str_to_c(iban_reveal(&iban), account->iban, sizeof account->iban) == 0);
    account->row = (struct account_row){ .client_id = { 1 },
                                         .iban = str_from_c(account->iban),
                                         .sort_code = STR("040401"),
                                         .account_number = str_from_c(account->account_number),
                                         .name = STR("Bench account"),
                                         .currency = pounds().code,
                                         .product = ACCOUNT_BUSINESS };
}

static int open_accounts(struct bench_bank *bank) {
    static struct command commands[BENCH_ENGINE_ACCOUNTS];
    for (size_t i = 0; i < BENCH_ENGINE_ACCOUNTS; i++) {
        account_make(bank, i);
        commands[i] = (struct command){
            .kind = &account_kind, .input = &bank->accounts[i], .on_reply = on_account, .owner = bank
        };
        if (engine_submit(bank->integration.engine, &commands[i])) return err_origin(-EBUSY);
    }
    while (bank->answered < BENCH_ENGINE_ACCOUNTS) engine_step(bank->integration.engine);
    return bank->refused ? err_origin(-EIO) : 0;
}

/* ---- payments ---- */

static struct command_audit audit_of_call(void) {
    struct command_audit audit = { .record = { .time_ms = clock_now_ms(),
                                               .interaction_id = STR("01940000-0000-7000-8000-000000000000"),
                                               .client_id = { { 1 } },
                                               .method = "POST",
                                               .route = "/v1/payments",
                                               .certificate_sha256 = { { 1 } } } };
    command_audit_began(&audit, 0);
    return audit;
}

struct bench_call {
    struct command_call call;
    struct command_audit audit;
    struct bench_bank *bank;
};

static void on_paid(void *owner) {
    struct bench_call *call = owner;
    const struct command_answer *answer = &call->call.answer;
    call->bank->answered++;
    call->bank->refused += answer->result != ANSWER_DONE || answer->refusal;
}

static int order_make(struct bench_bank *bank, struct payment_order *order) {
    static const char *const first[BANK_NAMES] = { "Jane", "Omar", "Li",    "Anna", "Piotr", "Chloe", "Sanjay", "Eve",
                                                   "Tom",  "Rosa", "Abdul", "Mary", "Igor",  "Nia",   "Hugo",   "Kim" };
    static const char *const last[BANK_NAMES] = { "Doe",   "Khan",  "Wang",   "Smith", "Nowak",  "Martin",
                                                  "Patel", "Adams", "Taylor", "Lopez", "Rahman", "Jones",
                                                  "Novak", "Owusu", "Meyer",  "Lee" };
    char name_bytes[64], number_bytes[16];
    struct buffer name, number;
    uint64_t draw = next_random(bank);
    const struct bench_account *debtor = &bank->accounts[bank->options.hot ? 0 : draw % BENCH_ENGINE_ACCOUNTS];
    *order = (struct payment_order){ .client_id = { { 1 } },
                                     .amount = { BANK_AMOUNT_MINOR + (int64_t)(draw >> 32 & 0xfff), pounds() },
                                     .creditor = { .scheme = CREDITOR_SCHEME_UK } };
    memcpy(order->debtor_account_id.bytes, debtor->row.account_id, 16);
    buffer_init(&name, name_bytes, sizeof name_bytes);
    buffer_append_c(&name, first[draw >> 16 & 15]);
    buffer_append_char(&name, ' ');
    buffer_append_c(&name, last[draw >> 20 & 15]);
    buffer_init(&number, number_bytes, sizeof number_bytes);
    buffer_append_u64(&number, 20000000 + (draw >> 40 & 0xfffff)); /* eight digits */
    if (person_name_parse(buffer_str(&name), &order->creditor.name) ||
        sort_code_parse(STR("204060"), &order->creditor.sort_code) ||
        account_number_parse(buffer_str(&number), ACCOUNT_SCHEME_UK, &order->creditor.account_number) ||
        payment_reference_parse(STR("bench"), &order->reference))
        return err_origin(-EINVAL);
    return 0;
}

/* A random part and a number, as clients send; .at == NULL: no memory. */
static struct str key_make(struct bench_bank *bank, struct arena *arena) {
    char memory[48];
    struct buffer key;
    uint64_t random = next_random(bank);
    buffer_init(&key, memory, sizeof memory);
    hex_encode(&key, &random, sizeof random);
    buffer_append_char(&key, '-');
    buffer_append_u64(&key, bank->paid++);
    return arena_dup(arena, buffer_str(&key));
}

static int payment_submit(struct bench_bank *bank) {
    struct arena *calls = &bank->calls[bank->batches % 2];
    struct bench_call *call = arena_new(calls, struct bench_call);
    struct payment_order order;
    static const struct call caller = { .client_name = STR_INIT("bench-client"),
                                        .client_id = { { 1 } },
                                        .interaction_id = STR_INIT("01940000-0000-7000-8000-000000000000") };
    if (!call) return err_origin(-ENOMEM);
    int r = order_make(bank, &order);
    if (r) return err_trace(r);
    call->bank = bank;
    call->audit = audit_of_call();
    call->call = (struct command_call){ .call = &caller,
                                        .arena = calls,
                                        .idempotent = true,
                                        .keep_ms = IDEMPOTENCY_V1_KEEP_MS,
                                        .route_template = STR("/v1/payments"),
                                        .method = STR("POST"),
                                        .fingerprint = { { 1 } },
                                        .audit = &call->audit,
                                        .on_done = on_paid,
                                        .owner = call };
    call->call.key = key_make(bank, calls);
    if (!call->call.key.at) return err_origin(-ENOMEM);
    memcpy(call->call.fingerprint.bytes, order.debtor_account_id.bytes, 16);
    r = command_payment_accept(&bank->integration, &call->call, &order);
    return r > 0 ? err_origin(-EBUSY) : err_trace(r);
}

static void on_result(void *ctx, const void *input, const struct command *command) {
    struct bench_bank *bank = ctx;
    (void)input;
    bank->answered++;
    bank->refused += command->result != COMMAND_DONE || command->refusal;
}

/* The audit record of the call that brought the answer, as the core's driver makes it. */
static void write_call_record(struct bench_bank *bank, struct core_result *result) {
    struct core_transfer transfer = { .amount = { BANK_AMOUNT_MINOR, pounds() }, .recorded_ms = clock_now_ms() };
    struct core_answer answer = { .outcome = CORE_BOOKED, .record = { .code = "00", .timestamp = "20260101000000" } };
    const uint8_t interaction_id[16] = { 1 };
    struct core_call_facts facts = { .kind = FOLLOWUP_CORE_EXECUTE,
                                     .transfer = &transfer,
                                     .interaction_id = interaction_id,
                                     .time_ms = engine_time_ms(bank->integration.engine),
                                     .began_us = clock_mono_ns() / 1000 - 300,
                                     .ended_us = clock_mono_ns() / 1000 };
    struct buffer out;
    memcpy(transfer.payment_id.bytes, result->payment_id, 16);
    memcpy(answer.record.core_reference, result->core_reference, result->core_reference_len);
    check(core_account_make((struct str){ 0 }, STR("204060"), STR("20000000"), &transfer.debtor) == 0);
    transfer.creditor = transfer.debtor;
    buffer_init(&out, result->call_record, sizeof result->call_record - 1);
    core_call_record_write(&facts, &answer, &out);
}

static int result_submit(struct bench_bank *bank, const uint8_t payment_id[16]) {
    struct core_result result = { .integration = &bank->integration, .verdict = CORE_VERDICT_BOOKED };
    static_assert((int)CORE_RESULT_REFERENCE_BYTES_MAX == 2 + 16, "two letters and a number in hexadecimal");
    uint64_t random = next_random(bank);
    memcpy(result.payment_id, payment_id, 16);
    memcpy(result.core_reference, "CB", 2);
    (void)hex_put(result.core_reference + 2, &random, sizeof random);
    result.core_reference_len = CORE_RESULT_REFERENCE_BYTES_MAX;
    write_call_record(bank, &result);
    int r = command_run_internal(&bank->integration, &core_result_kind, &result, sizeof result, on_result, bank);
    return r > 0 ? err_origin(-EBUSY) : err_trace(r);
}

/* The core's answers to what is known to be committed, as a batch of their own: decided while the payments before them
 * are written. */
static int answer_sent(struct bench_bank *bank) {
    size_t sent = bank->sent_count;
    int r = 0;
    bank->sent_count = 0; /* the next are told while these are decided */
    for (size_t i = 0; !r && i < sent; i++) r = result_submit(bank, bank->sent[i]);
    if (!r && sent) engine_advance(bank->integration.engine);
    return err_trace(r);
}

static int pay_batch(struct bench_bank *bank, size_t count) {
    int r = 0;
    arena_reset(&bank->calls[++bank->batches % 2]);
    for (size_t i = 0; !r && i < count; i++) r = payment_submit(bank);
    if (!r) engine_advance(bank->integration.engine);
    return r ? err_trace(r) : err_trace(answer_sent(bank));
}

int bench_bank_pay(struct bench_bank *bank, uint64_t count, struct message *message) {
    uint64_t left = count;
    int r = 0;
    bank->answered = bank->refused = 0;
    while (!r && left) {
        size_t batch = left < bank->options.batch ? (size_t)left : (size_t)bank->options.batch;
        r = pay_batch(bank, batch);
        left -= batch;
    }
    engine_settle(bank->integration.engine);
    if (!r) r = answer_sent(bank);
    engine_settle(bank->integration.engine);
    if (!r && (bank->answered != 2 * count || bank->sent_count || bank->refused)) r = err_origin(-EPROTO);
    if (r)
        message_set(message, "%llu payments and as many answers of the core: %llu ended, %llu refused",
                    (unsigned long long)count, (unsigned long long)bank->answered, (unsigned long long)bank->refused);
    return err_trace(r);
}

/* ---- open and close ---- */

static int read_rules(struct bench_bank *bank, struct message *message) {
    struct str text;
    fraud_policy_init(&bank->fraud);
    int r = file_read_all("policy/fraud/creditors.txt", BANK_TEXT_BYTES_MAX, &bank->texts, &text, message);
    if (!r) r = fraud_policy_read_creditors(&bank->fraud, text, message);
    if (!r) r = file_read_all("policy/aml/names.csv", BANK_TEXT_BYTES_MAX, &bank->texts, &text, message);
    if (!r) r = aml_list_read(text, &bank->aml, message);
    if (!r) r = file_read_all("sagas/payment.asl.json", BANK_TEXT_BYTES_MAX, &bank->texts, &text, message);
    if (!r) r = saga_def_compile(text, &payment_saga_registry, &bank->saga, message);
    return r ? err_fold(r) : 0;
}

static int open_engine(struct bench_bank *bank, struct message *message) {
    int r = bench_store_open(&bank->options.store, &bank->integration.store, message);
    if (!r) r = raw_record_open(bank->record, bank->integration.store);
    if (r) return err_trace(r);
    struct engine_options options = { .store = bank->integration.store,
                                      .encode_event = encode_event,
                                      .on_followup = on_followup,
                                      .on_committed = on_committed,
                                      .on_fault = on_fault,
                                      .on_unknown = on_unknown,
                                      .ctx = bank };
    return err_trace(engine_open(&options, &bank->integration.engine, message));
}

int bench_bank_open(const struct bench_bank_options *options, struct raw_record *record, struct latencies *commits,
                    struct bench_bank **ret_bank, struct message *message) {
    struct bench_bank *bank = calloc(1, sizeof *bank);
    if (!bank) return err_origin(-ENOMEM);
    bank->options = *options;
    bank->record = record;
    bank->commits = commits;
    bank->random = options->seed;
    bank->integration = (struct integration){ .country = "GB", .bank_code = "GIRO", .sandbox = true };
    int r = arena_init(&bank->texts, 64 * 1024, 2 * BANK_TEXT_BYTES_MAX);
    for (size_t i = 0; !r && i < ARRAY_COUNT(bank->calls); i++)
        r = arena_init(&bank->calls[i], BANK_CALLS_BYTES_MAX / 8, BANK_CALLS_BYTES_MAX);
    if (!r) r = metrics_new(metric_families, METRIC_FAMILY_COUNT, &bank->metrics);
    if (!r) r = read_rules(bank, message);
    bank->integration.payment_saga = bank->saga;
    bank->integration.fraud = &bank->fraud;
    bank->integration.aml = bank->aml;
    bank->integration.metrics = bank->metrics;
    if (!r) r = open_engine(bank, message);
    if (!r) r = open_accounts(bank);
    if (r) bench_bank_close(bank);
    else *ret_bank = bank;
    return err_trace(r);
}

struct bench_bank *bench_bank_close(struct bench_bank *bank) {
    if (!bank) return NULL;
    engine_close(bank->integration.engine);
    store_close(bank->integration.store);
    saga_def_free(bank->saga);
    aml_list_free(bank->aml);
    metrics_free(bank->metrics);
    arena_release(&bank->texts);
    for (size_t i = 0; i < ARRAY_COUNT(bank->calls); i++) arena_release(&bank->calls[i]);
    free(bank);
    return NULL;
}
