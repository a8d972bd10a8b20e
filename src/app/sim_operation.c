/* sim_operation.c - what the clients want, as a table, and the commands that they send for it. */
#include "app/sim.h"

static const char *const far_ibans[] = { "DE89370400440532013000", "GB29NWBK60161331926819",
                                         "FR1420041010050500013M02606", "GB33BUKB20201555555555" };
enum { FAR_TOO_LONG = 2 }; /* for the record of the core; the next one is a fraudster by the rules of sim.c */
enum { PAY_FAR, PAY_ON_US, PAY_LISTED_NAME, PAY_HUGE, PAY_EUR, PAY_NO_ACCOUNT, PAY_KINDS };

static struct money money_of(int64_t minor, const char *code) {
    struct money money = { .minor = minor };
    check(currency_parse(str_from_c(code), &money.currency) == 0);
    return money;
}

static struct hash hash_of(const struct sim_attempt *attempt, const char *what) {
    char text[64];
    int len = snprintf(text, sizeof text, "%s %llu %d", what, (unsigned long long)attempt->sim->seed,
                       attempt->intent->number);
    return sha256(text, (size_t)len);
}

/* ---- payments ---- */

static void pay_plan(struct sim *sim, struct sim_intent *intent) {
    intent->account = (int)sim_draw(sim, SIM_ACCOUNTS);
    uint64_t kind = sim_draw(sim, 100);
    intent->kind = kind < 60   ? PAY_FAR
                   : kind < 85 ? PAY_ON_US
                               : PAY_LISTED_NAME + (int)kind % (PAY_KINDS - PAY_LISTED_NAME);
    intent->creditor = (int)sim_draw(sim, intent->kind == PAY_ON_US ? SIM_ACCOUNTS : ARRAY_COUNT(far_ibans));
    if (intent->kind != PAY_ON_US && intent->creditor >= FAR_TOO_LONG && sim_draw(sim, 4)) intent->creditor = 0;
    intent->amount_minor = 1 + (int64_t)sim_draw(sim, sim_draw(sim, 10) ? 3000 : 90000);
}

static void consent_plan(struct sim *sim, struct sim_intent *intent) {
    pay_plan(sim, intent);
    intent->kind = PAY_FAR;
    intent->creditor = 0;
    intent->account |= 1; /* the customer's */
}

static void order_creditor(const struct sim_attempt *attempt, struct creditor *creditor) {
    const struct sim_intent *intent = attempt->intent;
    const char *name = intent->kind == PAY_LISTED_NAME ? "Ivan PETROV" : "Jane Doe";
    const char *iban = intent->kind == PAY_ON_US ? attempt->sim->accounts[intent->creditor].iban
                                                 : far_ibans[intent->creditor % (int)ARRAY_COUNT(far_ibans)];
    creditor->scheme = CREDITOR_SCHEME_IBAN;
    check(person_name_parse(str_from_c(name), &creditor->name) == 0);
    check(iban_parse(str_from_c(iban), &creditor->iban) == 0);
}

static struct payment_order order_of(const struct sim_attempt *attempt) {
    const struct sim *sim = attempt->sim;
    const struct sim_intent *intent = attempt->intent;
    const struct account_row *account = &sim->accounts[intent->account].row;
    struct payment_order order = { .client_id = sim->client_id };
    char id[32];
    if (!id_is_zero(account->customer_id)) order.customer_id = sim->customer_id;
    if (intent->kind != PAY_NO_ACCOUNT) memcpy(order.debtor_account_id.bytes, account->account_id, 16);
    else memcpy(order.debtor_account_id.bytes, "no such account!", 16);
    int64_t minor = intent->kind == PAY_HUGE ? CORE_AMOUNT_MINOR_MAX + 1 : intent->amount_minor;
    order.amount = money_of(minor + attempt->variant, intent->kind == PAY_EUR ? "EUR" : "GBP");
    order_creditor(attempt, &order.creditor);
    int len = snprintf(id, sizeof id, "k%d.v%d", intent->number, attempt->variant);
    check(end_to_end_id_parse(str_from_bytes(id, (size_t)len), &order.end_to_end_id) == 0);
    return order;
}

static int pay_send(struct sim *sim, struct sim_attempt *attempt) {
    struct payment_order order = order_of(attempt);
    attempt->call.route_template = STR("/v1/payments");
    return command_payment_accept(&sim->integration, &attempt->call, &order);
}

/* ---- a consent: created, pushed, said yes to, paid ---- */

enum { CONSENT_CREATE, CONSENT_PUSH, CONSENT_YES, CONSENT_PAY, CONSENT_STAGES };

static struct assertion_spend assertion_of(const struct sim_attempt *attempt) {
    struct str jti = arena_printf((struct arena *)&attempt->arena, "jti-%d", attempt->intent->number);
    return (struct assertion_spend){ .client_id = attempt->sim->client_id,
                                     .jti = jti,
                                     .expires_ms = sim_wall_ms() + 60000 };
}

static int consent_create_send(struct sim *sim, struct sim_attempt *attempt) {
    struct consent_create_input input = { .version = 4,
                                          .initiation = STR("{}"),
                                          .risk = STR("{}"),
                                          .document = STR("{}"),
                                          .amount = money_of(attempt->intent->amount_minor, "GBP"),
                                          .creditor_name = STR("Jane Doe"),
                                          .creditor_scheme = STR("UK.OBIE.IBAN"),
                                          .creditor_identification = str_from_c(far_ibans[0]) };
    attempt->call.route_template = STR("/open-banking/v4.0/pisp/domestic-payment-consents");
    return command_consent_create(&sim->integration, &attempt->call, &input);
}

static int consent_yes_send(struct sim *sim, struct sim_attempt *attempt) {
    struct authorize_at_once_input input = { .request_hash = hash_of(attempt, "request"),
                                             .client_id = sim->client_id,
                                             .customer_id = sim->customer_id,
                                             .terms = { .code_hash = hash_of(attempt, "code"),
                                                        .scope = STR("payments"),
                                                        .redirect_uri = STR("https://localhost/back"),
                                                        .code_challenge = STR("challenge") } };
    input.accounts = str_from_bytes((const char *)sim->accounts[attempt->intent->account].row.account_id, 16);
    return command_authorize_at_once(&sim->integration, &attempt->call, &input);
}

static int consent_send(struct sim *sim, struct sim_attempt *attempt) {
    const uint8_t *consent_id = attempt->intent->told[CONSENT_CREATE].id;
    if (attempt->stage == CONSENT_CREATE) return consent_create_send(sim, attempt);
    if (attempt->stage == CONSENT_YES) return consent_yes_send(sim, attempt);
    if (attempt->stage == CONSENT_PUSH) {
        struct pushed_store_input input = { .assertion = assertion_of(attempt),
                                            .request_hash = hash_of(attempt, "request"),
                                            .params = STR("{}") };
        memcpy(input.consent_id.bytes, consent_id, 16);
        return command_pushed_store(&sim->integration, &attempt->call, &input);
    }
    struct payment_order order = order_of(attempt);
    memcpy(order.consent_id.bytes, consent_id, 16);
    attempt->call.route_template = STR("/open-banking/v4.0/pisp/domestic-payments");
    return command_payment_accept(&sim->integration, &attempt->call, &order);
}

/* A request whose first answer was lost is refused the second time: what it wanted is there. The payment tells. */
static int consent_next(struct sim *sim, struct sim_intent *intent, const struct sim_attempt *attempt) {
    int refusal = attempt->call.answer.refusal, stage = attempt->stage;
    if (stage == CONSENT_PUSH && refusal && intent->tries[stage] == 1)
        sim_fail(sim, "k%d: a fresh assertion was refused", intent->number);
    return stage == CONSENT_PAY || (refusal && stage == CONSENT_CREATE) ? -1 : stage + 1;
}

/* ---- a second payment under a consent that may be spent ---- */

static void again_plan(struct sim *sim, struct sim_intent *intent) {
    consent_plan(sim, intent);
    intent->other = 0;
    for (size_t i = 0; i + 1 < sim->intent_count; i++) {
        const struct sim_intent *before = &sim->intents[i];
        if (before->op->stages != CONSENT_STAGES || !before->told[CONSENT_CREATE].known) continue;
        intent->other = before->number;
        intent->account = before->account;
        intent->amount_minor = before->amount_minor;
    }
}

static int again_send(struct sim *sim, struct sim_attempt *attempt) {
    struct payment_order order = order_of(attempt);
    const struct sim_intent *other = attempt->intent->other ? &sim->intents[attempt->intent->other - 1] : NULL;
    if (other) memcpy(order.consent_id.bytes, other->told[CONSENT_CREATE].id, 16);
    attempt->call.route_template = STR("/open-banking/v4.0/pisp/domestic-payments");
    return command_payment_accept(&sim->integration, &attempt->call, &order);
}

/* ---- tokens, accounts, money ---- */

static void simple_plan(struct sim *sim, struct sim_intent *intent) {
    intent->account = (int)sim_draw(sim, SIM_ACCOUNTS);
    intent->amount_minor = 1000000 + intent->number * 10; /* its own: it names the booking */
}

static int token_send(struct sim *sim, struct sim_attempt *attempt) {
    struct token_issue_input input = { .assertion = assertion_of(attempt),
                                       .token_hash = hash_of(attempt, "token"),
                                       .certificate_hash = hash_of(attempt, "certificate"),
                                       .scope = STR("payments") };
    return command_token_issue(&sim->integration, &attempt->call, &input);
}

static int open_send(struct sim *sim, struct sim_attempt *attempt) {
    struct account_open_input input = { .client_name = STR("sim-client"),
                                        .currency = money_of(1, "GBP").currency,
                                        .overdraft_minor = attempt->variant };
    input.name = arena_printf(&attempt->arena, "k%d", attempt->intent->number);
    attempt->call.route_template = STR("/v1/accounts");
    return command_account_open(&sim->integration, &attempt->call, &input);
}

static int fund_send(struct sim *sim, struct sim_attempt *attempt) {
    struct account_fund_input input = { .amount = money_of(attempt->intent->amount_minor + attempt->variant, "GBP") };
    input.accounts = str_from_bytes((const char *)sim->accounts[attempt->intent->account].row.account_id, 16);
    attempt->call.route_template = STR("/sim/funds");
    return command_account_fund(&sim->integration, &attempt->call, &input);
}

/* What clients do, and how often. A new operation is a row here; what must be true of it in the end goes into
 * sim_check.c. Every stage whose command has an idempotency key is marked; the others are once by their own means. */
const struct sim_op sim_ops[] = {
    { .name = "pay", .weight = 70, .stages = 1, .plan = pay_plan, .send = pay_send, .keyed = { true } },
    { .name = "consent",
      .weight = 15,
      .stages = CONSENT_STAGES,
      .plan = consent_plan,
      .send = consent_send,
      .next = consent_next,
      .keyed = { [CONSENT_CREATE] = true, [CONSENT_PAY] = true },
      .key_ends = { [CONSENT_CREATE] = true, [CONSENT_PAY] = true },
      .payment_stage = CONSENT_PAY },
    { .name = "pay again",
      .weight = 4,
      .stages = 1,
      .plan = again_plan,
      .send = again_send,
      .keyed = { true },
      .key_ends = { true } },
    { .name = "token", .weight = 4, .stages = 1, .plan = simple_plan, .send = token_send, .payment_stage = -1 },
    { .name = "open",
      .weight = 4,
      .stages = 1,
      .plan = simple_plan,
      .send = open_send,
      .keyed = { true },
      .payment_stage = -1 },
    { .name = "fund",
      .weight = 7,
      .stages = 1,
      .plan = simple_plan,
      .send = fund_send,
      .keyed = { true },
      .payment_stage = -1 },
};
const size_t sim_op_count = ARRAY_COUNT(sim_ops);
