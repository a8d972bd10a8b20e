/* ob_accounts_world.h - the bank of ob_test_world.h with what reads of accounts need: mia has two accounts, sam one,
 * and consents are given without a page. Included by *_test.c only. */
#ifndef GIRO_APP_OB_ACCOUNTS_WORLD_H
#define GIRO_APP_OB_ACCOUNTS_WORLD_H

#include "app/ob_test_world.h"
#include "services/accounts/account.h"
#include "services/consents/account_consent.h"
#include "services/ledger/ledger.h"

#define V4 "/open-banking/v4.0/aisp"
#define V3 "/open-banking/v3.1/aisp"
#define CONSENTS "/account-access-consents"
#define PERMISSIONS(list) "{\"Data\":{\"Permissions\":[" list "]},\"Risk\":{}}"
#define BASIC "\"ReadAccountsBasic\""
#define DETAIL "\"ReadAccountsDetail\""
#define BALANCES "\"ReadBalances\""
#define ROWS "\"ReadTransactionsBasic\""
#define ROWS_DETAIL "\"ReadTransactionsDetail\""
#define CREDITS "\"ReadTransactionsCredits\""
#define DEBITS "\"ReadTransactionsDebits\""
#define EVERYTHING                                                                                                     \
    DETAIL "," BALANCES "," ROWS_DETAIL "," CREDITS "," DEBITS ",\"ReadParty\",\"ReadPartyPSU\",\"ReadPAN\""

static struct world world;
static struct account_id second_account, sams_account; /* world.account_id is mia's first */
static struct str accounts_client_token;               /* of acme */

#define ACME (&world.clients[0])
#define BETA (&world.clients[1])

static int accounts_setup(void **state) {
    struct command_call call = { .arena = &world.arena };
    struct account_open_input input = { .customer_login = STR("mia"),
                                        .name = STR("Savings account"),
                                        .sort_code = STR("200000"),
                                        .account_number = STR("00000044"),
                                        .overdraft_minor = 5000 };
    struct iban iban;
    (void)state;
    if (world_open(&world)) return -1;
    call.arena = &world.arena;
    assert_int_equal(currency_parse(STR("GBP"), &input.currency), 0);
    assert_int_equal(iban_make(STR("GB"), STR("GIRO20000000000044"), &iban), 0);
    input.iban = iban_reveal(&iban);
    assert_int_equal(command_account_open(&world.integration, &call, &input), 0);
    assert_true(call.answer.result == ANSWER_DONE && call.answer.refusal == 0);
    memcpy(second_account.bytes, call.answer.resource_id, 16);
    sams_account = world_open_account(&world, "sam", STR("00000043"), 7700);
    accounts_client_token = world_token(&world, ACME, "accounts", NULL);
    return 0;
}
static int accounts_teardown(void **state) {
    (void)state;
    return world_close(&world);
}

/* ---- calls ---- */

/* The customer is there: reads without it are counted, and few a day (uk/H4). */
static inline struct world_answer ask(const char *base, const char *method, const char *path, struct str token) {
    struct world_call call = {
        .client = ACME,
        .method = method,
        .base = base,
        .path = path,
        .more = { { .name = STR("x-fapi-customer-ip-address"), .value = STR("104.25.212.99") } },
        .token = token,
        .unsigned_answer = true,
    };
    return world_send(&world, &call);
}
static inline struct world_answer get(const char *path, struct str token) {
    return ask(V4, "GET", path, token);
}
static inline struct world_answer post_consent(const char *base, const char *body) {
    struct world_call call = { .client = ACME,
                               .method = "POST",
                               .base = base,
                               .path = CONSENTS,
                               .token = accounts_client_token,
                               .signature = STR("-"),
                               .unsigned_answer = true,
                               .body = str_from_c(body) };
    return world_send(&world, &call);
}
static inline struct str data(const struct world_answer *answer, const char *name) {
    return json_get_string(json_get(answer->json, "Data"), name);
}
static inline struct str text_of(const uint8_t id[16]) {
    char text[ID_TEXT_BYTES];
    return arena_dup(&world.arena, id_format(id, text));
}
static inline const char *path_of(const char *collection, struct str id, const char *rest) {
    return arena_printf(&world.arena, "%s" STR_FMT "%s", collection, STR_ARG(id), rest).at;
}
static inline const char *account_path(const struct account_id *id, const char *rest) {
    return path_of("/accounts/", text_of(id->bytes), rest);
}
static inline const char *consent_path(const struct consent_id *id) {
    return path_of(CONSENTS "/", text_of(id->bytes), "");
}

static inline void assert_refused(const struct world_answer *answer, int status, const char *code, const char *path) {
    if (answer->status == status && strcmp(answer->error, code) == 0 && strcmp(answer->error_path, path) == 0) return;
    fail_msg("%d %s \"%s\" instead of %d %s \"%s\"", answer->status, answer->error, answer->error_path, status, code,
             path);
}
static inline void assert_status(const struct world_answer *answer, int status) {
    if (answer->status != status)
        fail_msg("%d %s %s instead of %d", answer->status, answer->error, answer->error_path, status);
}

/* ---- consents ---- */

struct agreement {
    struct consent_id id;
    struct str token; /* of mia and this consent */
};
static const struct account_id *choice; /* the accounts of the next authorisation */
static size_t choice_count;

static inline int authorise_accounts_decide(struct work *work, struct command *command) {
    const struct world_input *input = command->input;
    return account_consent_authorise(work, input->consent_id.bytes, input->customer_id.bytes,
                                     str_from_bytes((const char *)choice, choice_count * sizeof *choice));
}
static inline int reject_accounts_decide(struct work *work, struct command *command) {
    return account_consent_reject(work, ((const struct world_input *)command->input)->consent_id.bytes);
}

static inline struct consent_id made(const struct world_answer *answer) {
    struct consent_id id;
    assert_status(answer, 201);
    assert_int_equal(id_parse(data(answer, "ConsentId"), id.bytes), 0);
    return id;
}
static inline void authorise(const struct consent_id *id, const struct account_id *accounts, size_t count) {
    struct world_input input = { .consent_id = *id, .customer_id = world.customer_id };
    choice = accounts;
    choice_count = count;
    world_run(&world, authorise_accounts_decide, &input);
}
/* A consent of acme to both of mia's accounts, or to the first alone. */
static inline struct agreement agree(const char *base, const char *body, size_t count) {
    const struct account_id both[] = { world.account_id, second_account };
    struct world_answer answer = post_consent(base, body);
    struct agreement agreement = { .id = made(&answer) };
    authorise(&agreement.id, both, count);
    agreement.token = world_token(&world, ACME, "openid accounts", &agreement.id);
    return agreement;
}
static inline void change_consent(const struct consent_id *id, enum account_consent_change change) {
    struct account_consent_change_input input = { .change = change, .consent_id = *id, .account_id = second_account };
    struct command_call call = { .arena = &world.arena };
    assert_int_equal(command_account_consent_change(&world.integration, &call, &input), 0);
    assert_true(call.answer.result == ANSWER_DONE && call.answer.refusal == 0);
}

/* ---- money ---- */

struct movement {
    const struct account_id *account;
    int64_t minor; /* > 0: in from sam's account, < 0: out to it */
};
static inline int move_decide(struct work *work, struct command *command) {
    const struct movement *movement = command->input;
    const struct account_row *mine, *sams;
    struct ledger_posting posting = { .kind = LEDGER_TRANSFER };
    int r = account_get(work, movement->account->bytes, &mine), second = account_get(work, sams_account.bytes, &sams);
    if (r || second) return r ? r : second;
    posting.amount.minor = movement->minor < 0 ? -movement->minor : movement->minor;
    posting.amount.currency.code = (uint32_t)mine->currency;
    posting.debit_account = movement->minor < 0 ? mine->number : sams->number;
    posting.credit_account = movement->minor < 0 ? sams->number : mine->number;
    return ledger_post(work, &posting);
}
/* Books it in a millisecond of its own; when it was. */
static inline int64_t move_money(const struct account_id *account, int64_t minor) {
    struct movement movement = { .account = account, .minor = minor };
    struct command_kind kind = { .name = "test", .decide = move_decide };
    struct command_call call = { .arena = &world.arena };
    int64_t before = clock_now_ms(), after;
    while (clock_now_ms() == before) continue;
    assert_int_equal(command_run(&world.integration, &call, &kind, &movement), 0);
    assert_true(call.answer.result == ANSWER_DONE && call.answer.refusal == 0);
    for (after = clock_now_ms(); clock_now_ms() == after;) continue;
    return after;
}

#endif
