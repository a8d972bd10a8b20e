/* client_register.c - a client with its keys; a customer with his hashed password. */
#include "integration/command/client_register.h"

#include "integration/command/command_run.h"

#include "integration/command/command_codec.h"
#include "domain/plain_text.h"
#include "platform/password.h"
#include "platform/secret.h"
#include "platform/tls_subject.h"
#include "platform/totp.h"
#include "services/customers/customer.h"
#include "services/identity/client.h"
#include "services/identity/token.h"
#include "wire/jwks.h"

#define X(code, name) [code] = name,
static const char *const client_refusal_names[CLIENT_REGISTER_E_COUNT] = { CLIENT_REGISTER_E_MAP(X) };
static const char *const customer_refusal_names[CUSTOMER_REGISTER_E_COUNT] = { CUSTOMER_REGISTER_E_MAP(X) };
#undef X

const char *client_register_refusal_name(int refusal) {
    check(refusal > 0 && refusal < CLIENT_REGISTER_E_COUNT);
    return client_refusal_names[refusal];
}

static const char *customer_register_refusal_name(int refusal) {
    check(refusal > 0 && refusal < CUSTOMER_REGISTER_E_COUNT);
    return customer_refusal_names[refusal];
}

/* Answers what no row is needed for. */
int client_refuse_at_once(struct command_call *call, int refusal, const char *name) {
    call->answer = (struct command_answer){ .result = ANSWER_DONE, .refusal = refusal, .refusal_name = name };
    if (call->on_done) call->on_done(call->owner);
    return 0;
}

static bool name_fits(struct str name, size_t bytes_max) {
    if (name.len == 0 || name.len > bytes_max) return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'), digit = c >= '0' && c <= '9';
        if (!letter && !digit && c != '-' && c != '.' && c != '_') return false;
    }
    return true;
}

static bool each_word(struct str list, bool (*fits)(struct str word)) {
    struct str word;
    bool more = true;
    while (more) {
        more = str_cut(&list, ' ', &word);
        if (!fits(word)) return false;
    }
    return true;
}

/* RFC 6749 section 3.3: scope-token. */
static bool scope_word_fits(struct str word) {
    for (size_t i = 0; i < word.len; i++)
        if (word.at[i] <= ' ' || word.at[i] > '~' || word.at[i] == '"' || word.at[i] == '\\') return false;
    return word.len > 0;
}

static int keys_fit(struct str text) {
    struct jwks *jwks;
    int r = text.len > CLIENT_JWKS_BYTES_MAX ? JWKS_E_SIZE : jwks_parse(text, &jwks, NULL);
    if (r < 0) return err_trace(r);
    if (r) return CLIENT_REGISTER_E_KEYS;
    size_t count = jwks_count(jwks);
    jwks_free(jwks);
    return count ? 0 : CLIENT_REGISTER_E_KEYS;
}

/* A method that there is; a subject with the one that has it, and only there. */
static bool method_fits(const struct client_register_input *input) {
    if (input->auth < 0 || input->auth >= CLIENT_AUTH_COUNT || input->tls_subject.len > CLIENT_SUBJECT_BYTES_MAX)
        return false;
    return input->auth == CLIENT_AUTH_TLS ? tls_subject_fits(input->tls_subject) : input->tls_subject.len == 0;
}

/* In place of keys by value (RFC 7591 section 2: not both). */
static bool keys_uri_fits(const struct client_register_input *input) {
    return input->jwks.len == 0 && input->jwks_uri.len <= CLIENT_URL_BYTES_MAX &&
           client_redirect_uri_fits(input->jwks_uri);
}

int client_input_fits(const struct client_register_input *input) {
    if (input->profile < 0 || input->profile >= CLIENT_PROFILE_COUNT) return CLIENT_REGISTER_E_PROFILE;
    if (input->sender < 0 || input->sender >= CLIENT_SENDER_COUNT) return CLIENT_REGISTER_E_PROFILE;
    if (!name_fits(input->name, CLIENT_NAME_BYTES_MAX) || !name_fits(input->software_id, CLIENT_NAME_BYTES_MAX))
        return CLIENT_REGISTER_E_NAME;
    if (!plain_text(input->display_name) || plain_text_is_blank(input->display_name)) return CLIENT_REGISTER_E_NAME;
    if (input->scope.len > TOKEN_SCOPE_BYTES_MAX || !each_word(input->scope, scope_word_fits))
        return CLIENT_REGISTER_E_SCOPE;
    if (input->redirect_uris.len > CLIENT_URIS_BYTES_MAX) return CLIENT_REGISTER_E_REDIRECT_URI;
    if (input->redirect_uris.len && !each_word(input->redirect_uris, client_redirect_uri_fits))
        return CLIENT_REGISTER_E_REDIRECT_URI; /* none at all: a client that never sends customers here */
    if (!method_fits(input)) return CLIENT_REGISTER_E_METHOD;
    if (input->jwks_uri.len) return keys_uri_fits(input) ? 0 : CLIENT_REGISTER_E_KEYS;
    if (input->auth == CLIENT_AUTH_TLS && input->jwks.len == 0) return 0; /* it signs nothing */
    return keys_fit(input->jwks);
}

static int client_register_decide(struct work *work, struct command *command) {
    const struct client_register_input *input = command->input;
    struct client_row row = { .name = input->name,
                              .display_name = input->display_name,
                              .profile = input->profile,
                              .sender = input->sender,
                              .flags =
                                  (input->auto_approve ? CLIENT_AUTO_APPROVE : 0) | (input->signs ? CLIENT_SIGNS : 0),
                              .tier = input->tier,
                              .org_id = input->org_id,
                              .software_id = input->software_id,
                              .scope = input->scope,
                              .redirect_uris = input->redirect_uris,
                              .jwks = input->jwks,
                              .auth = input->auth,
                              .jwks_uri = input->jwks_uri,
                              .tls_subject = input->tls_subject,
                              .directory = input->directory,
                              .roles = input->roles,
                              .addresses = input->addresses,
                              .requests_per_second = input->requests_per_second,
                              .burst = input->burst,
                              .daily_limit = input->daily_limit,
                              .metadata = input->metadata,
                              .registration_hash = input->registration_hash };
    int r = client_register(work, &row);
    if (r == CLIENT_E_EXISTS) return CLIENT_REGISTER_E_EXISTS;
    if (r) return r == VIEW_NEED ? r : err_fold(r);
    memcpy(command->resource_id, row.client_id, 16);
    return 0;
}

static const struct command_kind client_register_kind = { .name = "client_register",
                                                          .decide = client_register_decide,
                                                          .refusal_name = client_register_refusal_name };

static const struct command_field client_register_fields[] = {
    FIELD_MAX(struct client_register_input, name, TEXT, CLIENT_NAME_BYTES_MAX),
    FIELD_MAX(struct client_register_input, display_name, TEXT, 1024),
    FIELD_MAX(struct client_register_input, profile, CHOICE, CLIENT_PROFILE_COUNT),
    FIELD_MAX(struct client_register_input, sender, CHOICE, CLIENT_SENDER_COUNT),
    FIELD_MAX(struct client_register_input, tier, TEXT, 1024),
    FIELD_MAX(struct client_register_input, org_id, TEXT, 1024),
    FIELD_MAX(struct client_register_input, software_id, TEXT, CLIENT_NAME_BYTES_MAX),
    FIELD_MAX(struct client_register_input, scope, TEXT, TOKEN_SCOPE_BYTES_MAX),
    FIELD_MAX(struct client_register_input, redirect_uris, TEXT, CLIENT_URIS_BYTES_MAX),
    FIELD_MAX(struct client_register_input, jwks, TEXT, CLIENT_JWKS_BYTES_MAX),
    FIELD(struct client_register_input, auto_approve, BOOL),
    FIELD(struct client_register_input, signs, BOOL),
    FIELD_MAX(struct client_register_input, auth, CHOICE, CLIENT_AUTH_COUNT),
    FIELD_MAX(struct client_register_input, jwks_uri, TEXT, CLIENT_URL_BYTES_MAX),
    FIELD_MAX(struct client_register_input, tls_subject, TEXT, CLIENT_SUBJECT_BYTES_MAX),
    FIELD_MAX(struct client_register_input, directory, TEXT, CLIENT_NAME_BYTES_MAX),
    FIELD_MAX(struct client_register_input, roles, TEXT, CLIENT_ROLES_BYTES_MAX),
    FIELD_MAX(struct client_register_input, addresses, TEXT, CLIENT_ADDRESSES_BYTES_MAX),
    FIELD(struct client_register_input, requests_per_second, I64),
    FIELD(struct client_register_input, burst, I64),
    FIELD(struct client_register_input, daily_limit, I64),
    FIELD_MAX(struct client_register_input, metadata, TEXT, CLIENT_METADATA_BYTES_MAX),
    FIELD(struct client_register_input, registration_hash, HASH),
};
const struct command_form client_register_form = { .kind = &client_register_kind,
                                                   .input_bytes = sizeof(struct client_register_input),
                                                   .fields = client_register_fields,
                                                   .field_count = ARRAY_COUNT(client_register_fields),
                                                   .refusal_count = CLIENT_REGISTER_E_COUNT };

int command_client_register(struct integration *integration, struct command_call *call,
                            const struct client_register_input *input) {
    int r = client_input_fits(input);
    if (r < 0) return err_trace(r);
    if (r) return client_refuse_at_once(call, r, client_register_refusal_name(r));
    struct client_register_input *copy = arena_new(call->arena, struct client_register_input);
    if (!copy) return err_origin(-ENOMEM);
    *copy = *input;
    return command_run(integration, call, &client_register_kind, copy);
}

struct customer_register {
    struct str login, name, totp_secret;
    char password[PASSWORD_TEXT_BYTES]; /* hashed */
};

static int customer_register_decide(struct work *work, struct command *command) {
    const struct customer_register *input = command->input;
    struct customer_row row = { .login = input->login,
                                .name = input->name,
                                .password = str_from_c(input->password),
                                .totp_secret = input->totp_secret };
    int r = customer_register(work, &row);
    if (r == CUSTOMER_E_EXISTS) return CUSTOMER_REGISTER_E_EXISTS;
    if (r) return r == VIEW_NEED ? r : err_fold(r);
    memcpy(command->resource_id, row.customer_id, 16);
    return 0;
}

static const struct command_kind customer_register_kind = { .name = "customer_register",
                                                            .decide = customer_register_decide,
                                                            .refusal_name = customer_register_refusal_name };

static const struct command_field customer_register_fields[] = {
    FIELD_MAX(struct customer_register, login, TEXT, CUSTOMER_LOGIN_BYTES_MAX),
    FIELD_MAX(struct customer_register, name, TEXT, CUSTOMER_NAME_BYTES_MAX),
    FIELD_MAX(struct customer_register, totp_secret, TEXT, TOTP_SECRET_BYTES_MAX),
    FIELD_MAX(struct customer_register, password, CHARS, PASSWORD_TEXT_BYTES),
};
const struct command_form customer_register_form = { .kind = &customer_register_kind,
                                                     .input_bytes = sizeof(struct customer_register),
                                                     .fields = customer_register_fields,
                                                     .field_count = ARRAY_COUNT(customer_register_fields),
                                                     .refusal_count = CUSTOMER_REGISTER_E_COUNT };

static bool customer_fits(const struct customer_register_input *input) {
    return name_fits(input->login, CUSTOMER_LOGIN_BYTES_MAX) && input->name.len <= CUSTOMER_NAME_BYTES_MAX &&
           plain_text(input->name) && !plain_text_is_blank(input->name) &&
           input->totp_secret.len >= TOTP_SECRET_BYTES_MIN && input->totp_secret.len <= TOTP_SECRET_BYTES_MAX;
}

int command_customer_register(struct integration *integration, struct command_call *call,
                              const struct customer_register_input *input) {
    struct customer_register *copy = arena_new(call->arena, struct customer_register);
    if (!copy) return err_origin(-ENOMEM);
    *copy = (struct customer_register){ .login = input->login, .name = input->name, .totp_secret = input->totp_secret };
    int r = customer_fits(input) ? password_hash(input->password, copy->password) : PASSWORD_E_LENGTH;
    if (r < 0) return err_trace(r);
    if (r)
        return client_refuse_at_once(call, CUSTOMER_REGISTER_E_INPUT,
                                     customer_refusal_names[CUSTOMER_REGISTER_E_INPUT]);
    return command_run(integration, call, &customer_register_kind, copy);
}
