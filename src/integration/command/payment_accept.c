/* payment_accept.c - a payment order becomes a payment: judged, checked, reserved and started in one commit.
 *
 * Order inside the decision: replay and key reuse (the engine), state (account, consent), decide (creditor, checks,
 * hold). */
#include "integration/command/payment_accept.h"

#include "integration/acl/core_carries.h"
#include "integration/acl/core_dispatch.h"
#include "integration/command/command_codec.h"
#include "integration/payment_document.h"
#include "integration/saga/payment_saga.h"
#include "services/consents/payment_consent.h"
#include "services/ledger/ledger.h"

#define X(code, name) [code] = name,
static const char *const refusal_names[PAYMENT_ACCEPT_E_COUNT] = { PAYMENT_ACCEPT_E_MAP(X) };
#undef X

const char *payment_accept_refusal_name(int refusal) {
    check(refusal > 0 && refusal < PAYMENT_ACCEPT_E_COUNT);
    return refusal_names[refusal];
}

static bool payment_accept_refusal_is_stored(int refusal) {
    return refusal != PAYMENT_ACCEPT_E_BREAKER; /* 503: nothing stored */
}

static bool spends_consent(const struct payment_accept *input) {
    return !input->consent_spent && !id_is_zero(input->order.consent_id.bytes);
}

void payment_accept_want(struct work *work, const struct payment_accept *input) {
    if (spends_consent(input)) payment_consent_want(work, input->order.consent_id.bytes);
    else account_want(work, input->order.debtor_account_id.bytes);
    if (input->creditor_iban.len) account_want_iban(work, input->creditor_iban);
}

static void payment_accept_needs(struct work *work, const struct command *command) {
    payment_accept_want(work, command->input);
}

/* The debtor account, if it is the caller's to pay from. */
static int judge_debtor(struct work *work, const struct payment_accept *input, const struct account_row **ret_account) {
    const struct payment_order *order = &input->order;
    const struct payment_consent_row *consent = NULL;
    const struct account_row *account;
    const uint8_t *account_id = order->debtor_account_id.bytes;
    int r = 0;
    if (spends_consent(input)) {
        r = payment_consent_get(work, order->consent_id.bytes, &consent);
        if (r) return r;
        if (!consent || !id_equal(consent->client_id, order->client_id.bytes)) return PAYMENT_ACCEPT_E_CONSENT;
        if (consent->status != CONSENT_AUTH) return PAYMENT_ACCEPT_E_CONSENT_STATUS;
        if (consent->amount_minor != order->amount.minor || consent->currency != order->amount.currency.code)
            return PAYMENT_ACCEPT_E_CONSENT_MISMATCH;
        account_id = consent->account_id;
    }
    r = account_get(work, account_id, &account);
    if (r) return r;
    if (!account) return PAYMENT_ACCEPT_E_ACCOUNT;
    bool customers = !id_is_zero(order->customer_id.bytes);
    bool own = customers ? id_equal(account->customer_id, order->customer_id.bytes)
                         : id_equal(account->client_id, order->client_id.bytes);
    if (!own || (consent && !id_equal(consent->customer_id, order->customer_id.bytes))) return PAYMENT_ACCEPT_E_ACCOUNT;
    if (account->currency != order->amount.currency.code) return PAYMENT_ACCEPT_E_CURRENCY;
    *ret_account = account;
    return 0;
}

/* Where the money goes: *ret_number is the creditor's ledger number when it is ours, 0 when the core must carry it. */
static int judge_creditor(struct work *work, const struct payment_accept *input, const struct account_row *debtor,
                          int64_t *ret_number) {
    const struct account_row *creditor = NULL;
    int r = input->creditor_iban.len ? account_get_iban(work, input->creditor_iban, &creditor) : 0;
    if (r) return r;
    if (creditor) {
        if (creditor->number == debtor->number || creditor->status == ACCOUNT_CLOSED) return PAYMENT_ACCEPT_E_CREDITOR;
        if (creditor->currency != debtor->currency) return PAYMENT_ACCEPT_E_CURRENCY;
        *ret_number = creditor->number;
        return 0;
    }
    struct core_account named; /* the core's record names the debtor too; what it cannot write would never leave */
    r = core_carries(&input->order);
    if (!r) r = core_account_make(debtor->iban, debtor->sort_code, debtor->account_number, &named);
    if (r) return r == CORE_CARRIES_E_AMOUNT ? PAYMENT_ACCEPT_E_AMOUNT : PAYMENT_ACCEPT_E_CREDITOR;
    if (!input->core_open) return PAYMENT_ACCEPT_E_BREAKER;
    *ret_number = 0;
    return 0;
}

static enum payment_type type_of(const struct payment_order *order, const struct account_row *debtor,
                                 int64_t creditor_number) {
    if (creditor_number) return PAYMENT_ON_US;
    struct str country =
        order->creditor.scheme == CREDITOR_SCHEME_IBAN ? iban_country(&order->creditor.iban) : STR("GB");
    return str_equal(country, str_slice(debtor->iban, 0, 2)) ? PAYMENT_DOMESTIC : PAYMENT_INTERNATIONAL;
}

static struct payment_row payment_of(const struct payment_accept *input, const struct account_row *debtor,
                                     int64_t creditor_number) {
    const struct payment_order *order = &input->order;
    struct payment_row payment = {
        .debtor_number = debtor->number,
        .creditor_number = creditor_number,
        .creditor_name = person_name_reveal(&order->creditor.name),
        .creditor_iban = iban_reveal(&order->creditor.iban),
        .creditor_sort_code = sort_code_reveal(&order->creditor.sort_code),
        .creditor_account_number = account_number_reveal(&order->creditor.account_number),
        .currency = order->amount.currency.code,
        .amount_minor = order->amount.minor,
        .reference = payment_reference_reveal(&order->reference),
        .end_to_end_id = end_to_end_id_str(&order->end_to_end_id),
        .instruction_id = end_to_end_id_str(&order->instruction_id),
        .type = input->type_given ? input->type : type_of(order, debtor, creditor_number),
    };
    memcpy(payment.client_id, order->client_id.bytes, 16);
    memcpy(payment.customer_id, order->customer_id.bytes, 16);
    memcpy(payment.consent_id, order->consent_id.bytes, 16);
    memcpy(payment.debtor_account_id, debtor->account_id, 16);
    return payment;
}

/* What the caller is told: the payment as it stands at the end of this decision. */
static int answer(struct work *work, struct command *command, const uint8_t payment_id[16]) {
    struct view view = view_of(work, "payments");
    const struct payment_row *payment;
    struct buffer body;
    int r = payment_get(work, payment_id, &payment);
    if (r) return r;
    char memory[PAYMENT_DOCUMENT_BYTES_MAX];
    buffer_init(&body, memory, sizeof memory);
    payment_document_write(&body, payment);
    if (body.overflow) return err_origin(-EMSGSIZE);
    command->answer = arena_dup(view_arena(&view), buffer_str(&body)); /* what is used, not what could be */
    if (!command->answer.at) return err_origin(-ENOMEM);
    memcpy(command->resource_id, payment_id, 16);
    return 0;
}

int payment_accept_judge(struct work *work, const struct payment_accept *input, const struct account_row **ret_debtor,
                         int64_t *ret_creditor_number) {
    int r = judge_debtor(work, input, ret_debtor);
    return r ? r : judge_creditor(work, input, *ret_debtor, ret_creditor_number);
}

/* What the core will be told, in the decision's arena. 0 or <0. */
static int order_of(struct work *work, const struct payment_accept *input, const struct account_row *debtor,
                    const struct payment_row *payment, const struct core_order **ret_order) {
    struct view view = view_of(work, "payments");
    struct core_order *order = arena_new(view_arena(&view), struct core_order);
    if (!order) return err_origin(-ENOMEM);
    memcpy(order->interaction_id, input->interaction_id, 16);
    int r = payment->creditor_number ? 0 : core_transfer_make(payment, debtor, view_now_ms(&view), &order->transfer);
    if (!r) *ret_order = order;
    return err_fold(r); /* it was judged */
}

int payment_accept_make(struct work *work, const struct payment_accept *input, uint8_t ret_payment_id[16]) {
    const struct account_row *debtor;
    int64_t creditor_number;
    int r = payment_accept_judge(work, input, &debtor, &creditor_number);
    if (r) return r;
    ledger_want_account(work, debtor->number); /* one load for all that the checks will ask for */
    if (debtor->product == ACCOUNT_PERSONAL) fraud_want(work, debtor->number);
    if (creditor_number) ledger_want_account(work, creditor_number);
    struct payment_row payment = payment_of(input, debtor, creditor_number);
    struct ledger_fee_subject fee = { .type = (enum payment_type)payment.type,
                                      .business = debtor->product == ACCOUNT_BUSINESS,
                                      .amount = input->order.amount };
    r = ledger_fee(input->integration->fees, &fee, &payment.fee_minor);
    if (!r) r = payment_create(work, &payment);
    if (!r && spends_consent(input)) r = payment_consent_consume(work, payment.consent_id, payment.payment_id);
    if (r) return r == VIEW_NEED ? r : err_fold(r);
    const struct core_order *order;
    r = order_of(work, input, debtor, &payment, &order);
    if (!r) r = payment_saga_start(work, input->integration, &payment, order);
    if (!r) memcpy(ret_payment_id, payment.payment_id, 16);
    return r;
}

static int payment_accept_decide(struct work *work, struct command *command) {
    uint8_t payment_id[16];
    int r = payment_accept_make(work, command->input, payment_id);
    return r ? r : answer(work, command, payment_id);
}

static const struct command_kind payment_accept_kind = {
    .name = "payment_accept",
    .needs = payment_accept_needs,
    .decide = payment_accept_decide,
    .refusal_name = payment_accept_refusal_name,
    .refusal_is_stored = payment_accept_refusal_is_stored,
};

bool payment_accept_order_arrived(const struct payment_order *order) {
    const struct creditor *creditor = &order->creditor;
    switch (creditor->scheme) {
    case CREDITOR_SCHEME_IBAN:
        return creditor->iban.len > 4;
    case CREDITOR_SCHEME_UK:
        return creditor->sort_code.len == SORT_CODE_DIGITS && creditor->account_number.len > 0;
    case CREDITOR_SCHEME_NONE:
        break;
    }
    return false;
}

/* The breaker is asked on the node that has it. */
static bool payment_accept_arrive(struct integration *integration, struct arena *arena, void *input) {
    struct payment_accept *accept = input;
    (void)arena;
    accept->integration = integration;
    accept->core_open = !integration->core || core_dispatch_open(integration->core);
    return payment_accept_order_arrived(&accept->order);
}

static const struct command_field payment_accept_fields[] = {
    PAYMENT_ORDER_FIELDS(struct payment_accept, order),
    FIELD_MAX(struct payment_accept, creditor_iban, TEXT, IBAN_BYTES_MAX),
    FIELD(struct payment_accept, interaction_id, ID),
};
const struct command_form payment_accept_form = { .kind = &payment_accept_kind,
                                                  .input_bytes = sizeof(struct payment_accept),
                                                  .fields = payment_accept_fields,
                                                  .field_count = ARRAY_COUNT(payment_accept_fields),
                                                  .refusal_count = PAYMENT_ACCEPT_E_COUNT,
                                                  .arrive = payment_accept_arrive };

struct str payment_accept_creditor_iban(const struct integration *integration, const struct creditor *creditor,
                                        struct arena *arena) {
    char memory[IBAN_BYTES_MAX]; /* what does not fit is no IBAN */
    struct buffer bban;
    struct iban iban;
    if (creditor->scheme == CREDITOR_SCHEME_IBAN) return iban_reveal(&creditor->iban);
    buffer_init(&bban, memory, sizeof memory);
    buffer_append_c(&bban, integration->bank_code);
    buffer_append_str(&bban, sort_code_reveal(&creditor->sort_code));
    buffer_append_str(&bban, account_number_reveal(&creditor->account_number));
    if (bban.overflow || iban_make(STR("GB"), buffer_str(&bban), &iban)) return (struct str){ 0 };
    return arena_dup(arena, iban_reveal(&iban));
}

int64_t command_payment_retry_ms(struct integration *integration) {
    return integration->core ? core_dispatch_retry_after_ms(integration->core) : COMMAND_RETRY_ELSEWHERE_MS;
}

int command_payment_accept(struct integration *integration, struct command_call *call,
                           const struct payment_order *order) {
    struct payment_accept *input = arena_new(call->arena, struct payment_accept);
    if (!input) return err_origin(-ENOMEM);
    *input = (struct payment_accept){ .integration = integration,
                                      .order = *order,
                                      .core_open = !integration->core || core_dispatch_open(integration->core) };
    if (call->call) (void)id_parse(call->call->interaction_id, input->interaction_id); /* the edge proved its form */
    input->creditor_iban = payment_accept_creditor_iban(integration, &input->order.creditor, call->arena);
    return command_run(integration, call, &payment_accept_kind, input);
}
