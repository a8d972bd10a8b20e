/* query_identity.c - reads of the authorization server. */
#include "integration/query_int.h"

#include "domain/approval.h"
#include "services/accounts/account.h"
#include "services/consents/account_consent.h"
#include "services/consents/payment_consent.h"
#include "services/customers/customer.h"
#include "services/identity/client.h"
#include "services/identity/quota.h"
#include "services/identity/session.h"
#include "services/identity/token.h"

#define SAME_STAGE(stage) static_assert((int)SESSION_VIEW_##stage == (int)SESSION_##stage, "stages are told by number")
SAME_STAGE(LOGIN);
SAME_STAGE(ACCOUNT);
SAME_STAGE(CONFIRM);
SAME_STAGE(CUSTOMER);
SAME_STAGE(ENDED);

static_assert((int)CLIENT_VIEW_FAPI2 == (int)CLIENT_FAPI2 && (int)CLIENT_VIEW_FAPI2_MS == (int)CLIENT_FAPI2_MS &&
                  (int)CLIENT_VIEW_FAPI1 == (int)CLIENT_FAPI1,
              "profiles are told by number");
static_assert((int)CLIENT_VIEW_MTLS == (int)CLIENT_SENDER_MTLS && (int)CLIENT_VIEW_DPOP == (int)CLIENT_SENDER_DPOP,
              "sender constraints are told by number");
static_assert((int)CLIENT_VIEW_ASSERTION == (int)CLIENT_AUTH_ASSERTION &&
                  (int)CLIENT_VIEW_TLS == (int)CLIENT_AUTH_TLS &&
                  (int)CLIENT_VIEW_SELF_SIGNED == (int)CLIENT_AUTH_SELF_SIGNED,
              "ways to authenticate are told by number");

static int client_view_of(struct query *query, uint8_t index, const struct client_row *probe, struct arena *arena,
                          struct client_view *ret_client) {
    const void *found;
    int r = query_row(query, &client_table, index, probe, arena, &found);
    if (r) return r;
    const struct client_row *row = found;
    if (row->status != CLIENT_ACTIVE) return QUERY_E_ABSENT;
    *ret_client =
        (struct client_view){ .name = row->name,
                              .display_name = row->display_name,
                              .scope = row->scope,
                              .redirect_uris = row->redirect_uris,
                              .jwks = row->jwks,
                              .profile = (int)row->profile,
                              .sender = (int)row->sender,
                              .profile_served = row->profile != CLIENT_FAPI1 || row->sender == CLIENT_SENDER_MTLS,
                              .auto_approve = row->flags & CLIENT_AUTO_APPROVE,
                              .auth = (int)row->auth,
                              .jwks_uri = row->jwks_uri,
                              .tls_subject = row->tls_subject,
                              .roles = row->roles,
                              .metadata = row->metadata,
                              .registration_hash = row->registration_hash,
                              .created_ms = row->created_ms };
    memcpy(ret_client->client_id.bytes, row->client_id, 16);
    return 0;
}

int query_client(struct query *query, struct str name, struct arena *arena, struct client_view *ret_client) {
    struct client_row probe = { .name = name };
    if (name.len > CLIENT_NAME_BYTES_MAX) return QUERY_E_ABSENT;
    return client_view_of(query, CLIENT_INDEX_NAME, &probe, arena, ret_client);
}

int query_client_by_id(struct query *query, const struct client_id *client_id, struct arena *arena,
                       struct client_view *ret_client) {
    struct client_row probe = { 0 };
    memcpy(probe.client_id, client_id->bytes, 16);
    return client_view_of(query, 0, &probe, arena, ret_client);
}

int query_quota(struct query *query, const struct hash *key, int64_t now_ms, struct arena *arena, int64_t *ret_used) {
    struct quota_row probe = { .key = *key };
    const void *found;
    int r = query_row(query, &quota_table, 0, &probe, arena, &found);
    if (r < 0) return err_trace(r);
    *ret_used = quota_used(r == QUERY_E_ABSENT ? NULL : found, now_ms);
    return 0;
}

int query_pushed(struct query *query, const struct hash *request_hash, struct arena *arena,
                 struct pushed_view *ret_pushed) {
    struct pushed_row probe = { .request_hash = *request_hash };
    const void *found;
    int r = query_row(query, &pushed_table, 0, &probe, arena, &found);
    if (r) return r;
    const struct pushed_row *row = found;
    *ret_pushed = (struct pushed_view){ .params = row->params, .expires_ms = row->expires_ms, .used_ms = row->used_ms };
    memcpy(ret_pushed->client_id.bytes, row->client_id, 16);
    memcpy(ret_pushed->consent_id.bytes, row->consent_id, 16);
    return 0;
}

int query_code(struct query *query, const struct hash *code_hash, struct arena *arena, struct code_view *ret_code) {
    struct code_row probe = { .code_hash = *code_hash };
    const void *found;
    int r = query_row(query, &code_table, 0, &probe, arena, &found);
    if (r) return r;
    const struct code_row *row = found;
    *ret_code = (struct code_view){
        .scope = row->scope, .nonce = row->nonce, .acr = row->acr, .auth_ms = row->auth_ms, .details = row->details
    };
    memcpy(ret_code->client_id.bytes, row->client_id, 16);
    memcpy(ret_code->customer_id.bytes, row->customer_id, 16);
    memcpy(ret_code->consent_id.bytes, row->consent_id, 16);
    return 0;
}

int query_session(struct query *query, const struct hash *session_hash, struct arena *arena,
                  struct session_view *ret_session) {
    struct session_row probe = { .session_hash = *session_hash };
    const void *found;
    int r = query_row(query, &session_table, 0, &probe, arena, &found);
    if (r) return r;
    const struct session_row *row = found;
    *ret_session = (struct session_view){ .request_hash = row->request_hash,
                                          .accounts = row->accounts,
                                          .stage = (enum session_view_stage)row->stage,
                                          .expires_ms = row->expires_ms };
    memcpy(ret_session->client_id.bytes, row->client_id, 16);
    memcpy(ret_session->customer_id.bytes, row->customer_id, 16);
    return 0;
}

static int customer_secrets(struct query *query, uint8_t index, const struct customer_row *probe, struct arena *arena,
                            struct customer_secrets *ret_customer) {
    const void *found;
    int r = query_row(query, &customer_table, index, probe, arena, &found);
    if (r) return r;
    const struct customer_row *row = found;
    *ret_customer = (struct customer_secrets){ .password = row->password, .totp_secret = row->totp_secret };
    memcpy(ret_customer->customer_id.bytes, row->customer_id, 16);
    return 0;
}

int query_customer_by_login(struct query *query, struct str login, struct arena *arena,
                            struct customer_secrets *ret_customer) {
    struct customer_row probe = { .login = login };
    if (login.len > CUSTOMER_LOGIN_BYTES_MAX) return QUERY_E_ABSENT;
    return customer_secrets(query, CUSTOMER_INDEX_LOGIN, &probe, arena, ret_customer);
}

int query_customer(struct query *query, const struct customer_id *customer_id, struct arena *arena,
                   struct customer_secrets *ret_customer) {
    struct customer_row probe = { 0 };
    memcpy(probe.customer_id, customer_id->bytes, 16);
    return customer_secrets(query, 0, &probe, arena, ret_customer);
}

static int reads_page(struct query *query, const struct consent_id *consent_id, struct arena *arena,
                      struct consent_page_view *ret_consent) {
    struct account_consent_row probe = { 0 };
    const void *found;
    memcpy(probe.consent_id, consent_id->bytes, 16);
    int r = query_row(query, &account_consent_table, 0, &probe, arena, &found);
    if (r) return r;
    const struct account_consent_row *row = found;
    *ret_consent =
        (struct consent_page_view){ .kind = CONSENT_PAGE_READS,
                                    .open = row->status == ACCOUNT_CONSENT_AWAU ||
                                            row->status == ACCOUNT_CONSENT_AUTH || row->status == ACCOUNT_CONSENT_CANC,
                                    .expires_ms = row->expires_ms,
                                    .asked_until_ms = row->status == ACCOUNT_CONSENT_AWAU ? row->asked_until_ms : 0,
                                    .document = row->document };
    memcpy(ret_consent->client_id.bytes, row->client_id, 16);
    memcpy(ret_consent->customer_id.bytes, row->customer_id, 16);
    return 0;
}

static int payment_page(struct query *query, const struct consent_id *consent_id, struct arena *arena,
                        struct consent_page_view *ret_consent) {
    struct payment_consent_row probe = { 0 };
    const void *found;
    memcpy(probe.consent_id, consent_id->bytes, 16);
    int r = query_row(query, &payment_consent_table, 0, &probe, arena, &found);
    if (r) return r;
    const struct payment_consent_row *row = found;
    *ret_consent = (struct consent_page_view){ .kind = CONSENT_PAGE_PAYMENT,
                                               .open = row->status == CONSENT_AWAU,
                                               .asked_until_ms = row->asked_until_ms,
                                               .amount = { .minor = row->amount_minor,
                                                           .currency = { .code = (uint32_t)row->currency } },
                                               .creditor_name = row->creditor_name,
                                               .creditor_scheme = row->creditor_scheme,
                                               .creditor_identification = row->creditor_identification,
                                               .debtor_scheme = row->debtor_scheme,
                                               .debtor_identification = row->debtor_identification,
                                               .initiation = row->initiation };
    memcpy(ret_consent->client_id.bytes, row->client_id, 16);
    return 0;
}

int query_consent_page(struct query *query, const struct consent_id *consent_id, struct arena *arena,
                       struct consent_page_view *ret_consent) {
    int r = payment_page(query, consent_id, arena, ret_consent);
    return r == QUERY_E_ABSENT ? reads_page(query, consent_id, arena, ret_consent) : r;
}

bool consent_page_is_grantable(const struct consent_page_view *consent, int64_t now_ms) {
    if (consent->asked_until_ms && now_ms >= consent->asked_until_ms) return false;
    return consent->open && (consent->expires_ms == 0 || now_ms < consent->expires_ms);
}

struct hash consent_page_approval(const struct consent_page_view *consent, const struct consent_id *consent_id,
                                  struct str accounts) {
    bool payment = consent->kind == CONSENT_PAGE_PAYMENT;
    struct approval approval = { .consent_id = consent_id->bytes,
                                 .accounts = accounts,
                                 .amount_minor = consent->amount.minor,
                                 .currency = consent->amount.currency.code,
                                 .payee_name = consent->creditor_name,
                                 .payee_scheme = consent->creditor_scheme,
                                 .payee_identification = consent->creditor_identification,
                                 .document = payment ? consent->initiation : consent->document,
                                 .expires_ms = consent->expires_ms };
    return approval_hash(&approval);
}

bool consent_page_admits(const struct consent_page_view *consent, const struct account_view *account) {
    if (account->status != ACCOUNT_OPEN) return false;
    if (consent->kind == CONSENT_PAGE_READS) return true;
    if (!currency_equal(account->currency, consent->amount.currency)) return false;
    return consent->debtor_identification.len == 0 ||
           account_view_is_named(account, consent->debtor_scheme, consent->debtor_identification);
}

bool account_view_is_named(const struct account_view *account, struct str scheme, struct str identification) {
    if (str_equal(scheme, STR("UK.OBIE.IBAN"))) return str_equal(account->iban, identification);
    if (!str_equal(scheme, STR("UK.OBIE.SortCodeAccountNumber"))) return false;
    size_t split = account->sort_code.len;
    return split && identification.len == split + account->account_number.len &&
           str_equal(str_slice(identification, 0, split), account->sort_code) &&
           str_equal(str_slice(identification, split, identification.len), account->account_number);
}
