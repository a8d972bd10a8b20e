#include "app/admin_int.h"

#include "integration/acl/core_dispatch.h"
#include "integration/command/statement_copy.h"
#include "platform/clock.h"
#include "platform/encoding.h"
#include "platform/psd2_statement.h"
#include "platform/secret.h"
#include "platform/totp.h"
#include "services/accounts/account.h"
#include "services/customers/customer.h"
#include "services/identity/client.h"

static const char fault_name[] = "fault";

static struct str text_of(const struct admin_request *request, const char *name) {
    return json_get_string(request->json, name);
}

/* What an answer that is no plain acceptance is called; NULL: accepted, or refused by the command (answer.refusal). */
static const char *failure_of(const struct command_answer *answer) {
    switch (answer->result) {
    case ANSWER_DONE:
    case ANSWER_REPLAYED:
        return NULL;
    case ANSWER_UNAVAILABLE:
        return "unavailable";
    case ANSWER_UNKNOWN:
        return "unknown";
    case ANSWER_KEY_REUSED:
        return "idempotency_key_reused";
    case ANSWER_TOO_COMPLEX:
    case ANSWER_FAULT:
    case ANSWER_RESULT_COUNT:
        break;
    }
    return fault_name;
}

/* The result of a command function with its answer. */
const char *admin_outcome(int r, const struct command_answer *answer, int *ret_fault) {
    if (r == COMMAND_E_FULL) return "unavailable";
    if (r < 0) *ret_fault = r;
    return r ? fault_name : failure_of(answer);
}

void admin_call_init(const struct admin_request *request, struct admin_audited *audited,
                     struct command_call *ret_call) {
    struct command_call call = { .arena = request->arena, .audit = &audited->audit };
    audited->audit = (struct command_audit){
        .record = { .time_ms = clock_now_ms(), .method = "ADMIN", .route = audited->operation },
        .began_ns = clock_mono_ns(),
    };
    if (request->audit)
        audited->audit.record.request = admin_audit_request(request->audit, request->line, request->arena);
    if (request->recorded) *request->recorded = true;
    call.key = text_of(request, "key");
    call.idempotent = call.key.len > 0;
    call.method = STR("ADMIN");
    call.route_template = str_from_c(audited->operation);
    call.fingerprint = sha256_str(request->line);
    *ret_call = call;
}

/* Without a key: what is there already is found by its name, and a line may hold a password. */
static void call_init(const struct admin_request *request, struct admin_audited *audited,
                      struct command_call *ret_call) {
    admin_call_init(request, audited, ret_call);
    ret_call->idempotent = false;
}

static void put_id(struct json_writer *out, const char *name, const uint8_t id[ID_BYTES]) {
    char text[ID_TEXT_BYTES];
    json_member_str(out, name, id_format(id, text));
}

/* The row under a unique index, as committed. 0 with *ret_row NULL when there is none. */
static int find_row(const struct admin_request *request, const struct table *table, uint8_t index, const void *probe,
                    const void **ret_row) {
    struct reader reader;
    int r = reader_open(request->options->integration->store, &reader);
    if (r) return err_trace(r);
    r = read_row(&reader, table, index, probe, request->arena, ret_row);
    reader_close(&reader);
    return err_trace(r);
}

struct registered {
    const char *id_name;
    const struct table *table; /* its rows begin with their id */
    uint8_t index;
    const void *probe;
};

/* Answers with the id of what the command made, or of what was there. */
static const char *put_registered(const struct admin_request *request, const struct command_answer *answer,
                                  const struct registered *what, struct json_writer *out, int *ret_fault) {
    const void *row = NULL;
    if (answer->refusal) *ret_fault = find_row(request, what->table, what->index, what->probe, &row);
    if (answer->refusal && (*ret_fault || !row)) return *ret_fault ? fault_name : answer->refusal_name;
    put_id(out, what->id_name, answer->refusal ? row : answer->resource_id);
    json_member_bool(out, "created", answer->refusal == 0);
    return NULL;
}

static_assert(offsetof(struct client_row, client_id) == 0 && offsetof(struct customer_row, customer_id) == 0 &&
                  offsetof(struct account_row, account_id) == 0,
              "put_registered reads the id at the row's begin");

static bool find_profile(struct str name, int *ret_profile) {
    for (int i = 0; i < CLIENT_PROFILE_COUNT; i++)
        if (str_equal_c(name, client_profile_name((enum client_profile)i))) {
            *ret_profile = i;
            return true;
        }
    return false;
}

static bool find_sender(struct str name, int *ret_sender) {
    for (int i = 0; i < CLIENT_SENDER_COUNT; i++)
        if (str_equal_c(name, client_sender_name((enum client_sender)i))) {
            *ret_sender = i;
            return true;
        }
    return false;
}

/* private_key_jwt unless it says another method. */
static bool find_auth(const struct admin_request *request, int *ret_auth) {
    struct str name = text_of(request, "auth");
    if (name.len == 0) return true;
    for (int i = 0; i < CLIENT_AUTH_COUNT; i++)
        if (str_equal_c(name, client_auth_name((enum client_auth)i))) {
            *ret_auth = i;
            return true;
        }
    return false;
}

/* A string that holds a blank would become two. */
static bool are_words(const struct json *array) {
    for (size_t i = 0; i < json_count(array); i++) {
        struct str word = json_string(json_at(array, i));
        if (word.len && memchr(word.at, ' ', word.len)) return false;
    }
    return true;
}

/* The strings of an array with one blank between them. */
static struct str join_strings(const struct json *array, struct arena *arena) {
    struct buffer out;
    size_t bytes = CLIENT_URIS_BYTES_MAX;
    char *text = arena_alloc(arena, bytes);
    if (!text) return (struct str){ 0 };
    buffer_init(&out, text, bytes);
    for (size_t i = 0; i < json_count(array); i++) {
        if (i) buffer_append_char(&out, ' ');
        buffer_append_str(&out, json_string(json_at(array, i)));
    }
    return out.overflow ? (struct str){ 0 } : buffer_str(&out);
}

static const char *register_client(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    struct admin_audited audited = { .operation = "client_register" };
    struct command_call call;
    struct client_register_input input = {
        .name = text_of(request, "name"),
        .display_name = text_of(request, "display_name"),
        .tier = text_of(request, "tier"),
        .org_id = text_of(request, "org_id"),
        .software_id = text_of(request, "software_id"),
        .scope = text_of(request, "scope"),
        .redirect_uris = join_strings(json_get(request->json, "redirect_uris"), request->arena),
        .auto_approve = json_get_bool(request->json, "auto_approve", false),
        .directory = text_of(request, "directory"),
        .jwks_uri = text_of(request, "jwks_uri"),
        .tls_subject = text_of(request, "tls_subject"),
        .roles = text_of(request, "roles"),
    };
    unsigned roles;
    struct buffer jwks;
    char *memory = arena_alloc(request->arena, CLIENT_JWKS_BYTES_MAX);
    if (!memory || !input.redirect_uris.at) return "too_large";
    buffer_init(&jwks, memory, CLIENT_JWKS_BYTES_MAX);
    if (json_get(request->json, "jwks")) json_write(&jwks, json_get(request->json, "jwks"));
    if (jwks.overflow) return "too_large";
    input.jwks = buffer_str(&jwks);
    if (!find_profile(text_of(request, "profile"), &input.profile) ||
        !find_sender(text_of(request, "sender"), &input.sender) || !find_auth(request, &input.auth))
        return "invalid_request";
    if (!psp_roles_parse(input.roles, &roles) || !are_words(json_get(request->json, "redirect_uris")))
        return "invalid_request";
    if (input.auto_approve && !request->options->integration->sandbox) return "sandbox_only";
    call_init(request, &audited, &call);
    const char *error =
        admin_outcome(command_client_register(request->options->integration, &call, &input), &call.answer, ret_fault);
    if (error) return error;
    if (call.answer.refusal && call.answer.refusal != CLIENT_REGISTER_E_EXISTS) return call.answer.refusal_name;
    struct client_row probe = { .name = input.name };
    struct registered what = { "client_id", &client_table, CLIENT_INDEX_NAME, &probe };
    return put_registered(request, &call.answer, &what, out, ret_fault);
}

/* suspend, resume or remove a client by its OAuth client_id. */
static const char *settle_client(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    static const char *const fates[] = { "active", "suspended", "removed" };
    struct admin_audited audited = { .operation = "client_settle" };
    struct str fate = text_of(request, "fate");
    struct command_call call;
    struct client_settle_input input = { .fate = -1 };
    struct client_row probe = { .name = text_of(request, "name") };
    const void *row = NULL;
    for (size_t i = 0; i < ARRAY_COUNT(fates); i++)
        if (str_equal_c(fate, fates[i])) input.fate = (int)i;
    if (input.fate < 0 || probe.name.len > CLIENT_NAME_BYTES_MAX) return "invalid_request";
    *ret_fault = find_row(request, &client_table, CLIENT_INDEX_NAME, &probe, &row);
    if (*ret_fault) return fault_name;
    if (!row) return "client_absent";
    memcpy(input.client_id.bytes, ((const struct client_row *)row)->client_id, 16);
    call_init(request, &audited, &call);
    const char *error =
        admin_outcome(command_client_settle(request->options->integration, &call, &input), &call.answer, ret_fault);
    if (error) return error;
    if (call.answer.refusal) return call.answer.refusal_name;
    json_member_str(out, "id", probe.name);
    json_name(out, "result");
    json_object_begin(out);
    json_member_str(out, "status", fate);
    json_object_end(out);
    return NULL;
}

/* "required" or "optional", or not there. */
static bool find_signing(struct str text, int *ret_signing) {
    *ret_signing = text.len == 0                      ? CLIENT_SIGNING_LEFT
                   : str_equal(text, STR("required")) ? CLIENT_SIGNING_REQUIRED
                                                      : CLIENT_SIGNING_OPTIONAL;
    return *ret_signing != CLIENT_SIGNING_OPTIONAL || str_equal(text, STR("optional"));
}

/* What an operator changes of a client while it runs; members that are not there stay as they are. */
static const char *client_limits(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    struct admin_audited audited = { .operation = "client_limits" };
    struct command_call call;
    struct client_limits_input input = {
        .name = text_of(request, "client_id"),
        .requests_per_second = json_get_integer(request->json, "requests_per_second", -1),
        .burst = json_get_integer(request->json, "burst", -1),
        .daily_limit = json_get_integer(request->json, "daily_limit", -1),
        .set_addresses = json_get(request->json, "addresses") != NULL,
        .addresses = text_of(request, "addresses"),
    };
    if (!find_signing(text_of(request, "http_signatures"), &input.signing)) return "invalid_request";
    admin_call_init(request, &audited, &call);
    const char *error =
        admin_outcome(command_client_limits(request->options->integration, &call, &input), &call.answer, ret_fault);
    if (error) return error;
    if (call.answer.refusal) return call.answer.refusal_name;
    json_member_str(out, "id", input.name);
    json_name(out, "result");
    json_object_begin(out);
    json_member_bool(out, "changed", true);
    json_object_end(out);
    return NULL;
}

static const char *register_customer(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    uint8_t secret[TOTP_SECRET_BYTES_MAX];
    struct admin_audited audited = { .operation = "customer_register" };
    struct command_call call;
    struct buffer raw;
    buffer_init(&raw, secret, sizeof secret);
    if (base32_decode(text_of(request, "totp_secret"), &raw) || raw.overflow) return "invalid_request";
    struct customer_register_input input = { .login = text_of(request, "login"),
                                             .name = text_of(request, "name"),
                                             .password = text_of(request, "password"),
                                             .totp_secret = buffer_str(&raw) };
    struct customer_row probe = { .login = input.login };
    struct registered what = { "customer_id", &customer_table, CUSTOMER_INDEX_LOGIN, &probe };
    const void *row = NULL;
    call_init(request, &audited, &call);
    int r =
        find_row(request, &customer_table, CUSTOMER_INDEX_LOGIN, &probe, &row); /* before a password hash is spent */
    const char *error = NULL;
    if (r) {
        *ret_fault = r;
        error = fault_name;
    } else if (row) {
        call.answer = (struct command_answer){ .result = ANSWER_DONE,
                                               .refusal = CUSTOMER_REGISTER_E_EXISTS,
                                               .refusal_name = "customer_exists" };
    } else {
        r = command_customer_register(request->options->integration, &call, &input);
        error = admin_outcome(r, &call.answer, ret_fault);
    }
    secret_wipe(secret, sizeof secret);
    if (error) return error;
    if (call.answer.refusal && call.answer.refusal != CUSTOMER_REGISTER_E_EXISTS) return call.answer.refusal_name;
    return put_registered(request, &call.answer, &what, out, ret_fault);
}

static const char *open_account(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    struct admin_audited audited = { .operation = "account_open" };
    struct command_call call;
    struct account_open_input input = {
        .customer_login = text_of(request, "customer_login"),
        .client_name = text_of(request, "client_name"),
        .name = text_of(request, "name"),
        .iban = text_of(request, "iban"),
        .sort_code = text_of(request, "sort_code"),
        .account_number = text_of(request, "account_number"),
        .overdraft_minor = json_get_integer(request->json, "overdraft_minor", 0),
        .fund_minor = json_get_integer(request->json, "fund_minor", 0),
        .business = json_get_bool(request->json, "business", false),
    };
    if (currency_parse(text_of(request, "currency"), &input.currency) || input.overdraft_minor < 0 ||
        input.fund_minor < 0)
        return "invalid_request";
    if (input.fund_minor && !request->options->integration->sandbox) return "sandbox_only";
    call_init(request, &audited, &call);
    const char *error =
        admin_outcome(command_account_open(request->options->integration, &call, &input), &call.answer, ret_fault);
    if (error) return error;
    if (call.answer.refusal && call.answer.refusal != ACCOUNT_OPEN_E_EXISTS) return call.answer.refusal_name;
    struct account_row probe = { .iban = input.iban };
    struct registered what = { "account_id", &account_table, ACCOUNT_INDEX_IBAN, &probe };
    return put_registered(request, &call.answer, &what, out, ret_fault);
}

static const char *fund_account(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    struct admin_audited audited = { .operation = "account_fund" };
    struct command_call call;
    struct account_fund_input input;
    struct currency currency;
    if (!request->options->integration->sandbox) return "sandbox_only"; /* money that nobody paid in */
    if (id_parse(text_of(request, "account_id"), input.account_id.bytes) ||
        currency_parse(text_of(request, "currency"), &currency) ||
        money_parse(text_of(request, "amount"), currency, &input.amount))
        return "invalid_request";
    call_init(request, &audited, &call);
    const char *error =
        admin_outcome(command_account_fund(request->options->integration, &call, &input), &call.answer, ret_fault);
    if (error) return error;
    if (call.answer.refusal == ACCOUNT_FUND_E_ACCOUNT) return "account_not_found";
    if (call.answer.refusal == ACCOUNT_FUND_E_CURRENCY) return "currency_mismatch";
    if (call.answer.refusal) return "refused";
    put_id(out, "account_id", input.account_id.bytes);
    return NULL;
}

static const char *state_name(enum breaker_state state) {
    switch (state) {
    case BREAKER_CLOSED:
        return "closed";
    case BREAKER_OPEN:
        return "open";
    case BREAKER_HALF_OPEN:
        return "half_open";
    }
    return "";
}

static const char *const force_names[] = {
    [BREAKER_FORCE_NONE] = "none", [BREAKER_FORCE_OPEN] = "open", [BREAKER_FORCE_CLOSED] = "closed"
};

static const char *breaker(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    struct core_dispatch *dispatch = request->options->integration->core;
    struct core_dispatch_state state;
    struct str wanted = text_of(request, "force");
    size_t force = 0;
    (void)ret_fault; /* every handler has it */
    while (force < ARRAY_COUNT(force_names) && !str_equal_c(wanted, force_names[force])) force++;
    if (wanted.len && force == ARRAY_COUNT(force_names)) return "invalid_request";
    if (!dispatch) return "not_holder";
    if (wanted.len) {
        core_dispatch_force(dispatch, (enum breaker_force)force);
        log_event(request->options->log, LOG_LEVEL_WARN, "breaker_forced", log_str("force", force_names[force]));
    }
    core_dispatch_state(dispatch, &state);
    json_member_c(out, "name", "core");
    json_member_c(out, "state", state_name(state.breaker));
    json_member_c(out, "force", force_names[state.force]);
    json_member_i64(out, "waiting", (int64_t)state.waiting);
    json_member_i64(out, "under_way", (int64_t)state.under_way);
    return NULL;
}

/* The read copy of the entries is made anew (integration/command/statement_copy.h). */
static const char *statement_rebuild(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    struct admin_audited audited = { .operation = "statement_rebuild" };
    struct command_call call;
    call_init(request, &audited, &call);
    int r = command_statement_rebuild(request->options->integration, &call);
    const char *failure = admin_outcome(r, &call.answer, ret_fault);
    if (!failure) json_member_bool(out, "begun", true);
    return failure;
}

static const char *health(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    struct core_dispatch *dispatch = request->options->integration->core;
    (void)ret_fault; /* every handler has it */
    json_member_bool(out, "sandbox", request->options->integration->sandbox);
    json_member_bool(out, "core_open", !dispatch || core_dispatch_open(dispatch)); /* a follower cannot see it */
    return NULL;
}

/* A checkpoint of the audit trail now (integration/checkpoint_job.h). */
static const char *audit_checkpoint(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    const struct admin_options *options = request->options;
    (void)out, (void)ret_fault; /* every handler has them */
    return options->checkpoint && options->checkpoint(options->ctx) ? NULL : "not_holder";
}

static const char *hand_over(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    const struct admin_options *options = request->options;
    (void)out, (void)ret_fault; /* every handler has them */
    return options->hand_over && options->hand_over(options->ctx, request->fd) ? NULL : "not_now";
}

static const struct {
    const char *name;
    const char *(*run)(const struct admin_request *request, struct json_writer *out, int *ret_fault);
} commands[] = {
    { "client_register", register_client },
    { "client_settle", settle_client },
    { "client_limits", client_limits },
    { "customer_register", register_customer },
    { "account_open", open_account },
    { "account_fund", fund_account },
    { "payment_schedule", admin_schedule },
    { "payment_schedule_cancel", admin_schedule_cancel },
    { "standing_order", admin_standing_order },
    { "standing_order_cancel", admin_standing_order_cancel },
    { "payment_file", admin_payment_file },
    { "breaker", breaker },
    { "consent_revoke", admin_consent_revoke },
    { "consent_authenticate", admin_consent_authenticate },
    { "statement_rebuild", statement_rebuild },
    { "health", health },
    { "ledger_post", admin_ledger_post },
    { "ledger_reverse", admin_ledger_reverse },
    { "ledger_account", admin_ledger_account },
    { "ledger_hold", admin_ledger_hold },
    { "ledger_close_day", admin_ledger_close_day },
    { "payment_refund", admin_payment_refund },
    { "audit_checkpoint", audit_checkpoint },
    { "hand_over", hand_over },
    { "auth_keys", admin_auth_keys },
};

const char *admin_handle(const struct admin_request *request, struct json_writer *out, int *ret_fault) {
    struct str name = text_of(request, "command");
    for (size_t i = 0; i < ARRAY_COUNT(commands); i++)
        if (str_equal_c(name, commands[i].name)) return commands[i].run(request, out, ret_fault);
    return "unknown_command";
}
