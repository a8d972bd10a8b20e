#include "auth/consent_step.h"

#include "auth/authorization_response.h"
#include "auth/browser_session.h"
#include "auth/consent_page.h"
#include "auth/sender.h"
#include "wire/json.h"

enum { ACCOUNT_ID_BYTES = sizeof(struct account_id) };
static_assert((int)PAGE_ACCOUNTS_MAX <= (int)AUTHORIZE_ACCOUNTS_MAX, "all that a page shows may be chosen");

int consent_step_over(struct auth_request *request) {
    request->answer.outcome = "session_over";
    return page_message(
        request, 400, "This page has ended",
        "Your session is over or was opened in another window. Go back to where you came from and start again.");
}

int consent_step_load(struct auth_request *request, struct consent_step *step) {
    int r = query_client_by_id(request->query, &step->session.client_id, request->arena, &step->client);
    if (!r) r = query_pushed(request->query, &step->session.request_hash, request->arena, &step->pushed);
    if (!r) r = pushed_terms_load(step->pushed.params, request->arena, &step->terms);
    if (!r) r = query_consent_page(request->query, &step->pushed.consent_id, request->arena, &step->consent);
    return r < 0 ? err_trace(r) : r;
}

int consent_step_terms(struct auth_request *request, struct consent_step *step, struct code_terms *ret_terms) {
    int r = secret_text_make(request->arena, &step->code);
    if (r) return err_trace(r);
    *ret_terms = (struct code_terms){ .code_hash = sha256_str(step->code),
                                      .scope = step->terms.scope,
                                      .redirect_uri = step->terms.redirect_uri,
                                      .code_challenge = step->terms.code_challenge,
                                      .nonce = step->terms.nonce,
                                      .acr = step->terms.acr,
                                      .details = step->terms.details };
    if (step->terms.dpop_jkt.len && !sender_thumbprint_parse(step->terms.dpop_jkt, &ret_terms->key_thumbprint))
        return err_origin(-EBADMSG);
    return 0;
}

int consent_step_accounts(struct auth_request *request, const struct consent_page_view *consent,
                          const struct customer_id *customer_id, struct account_view **ret_accounts,
                          size_t *ret_count) {
    struct call call = { .customer_id = *customer_id };
    struct account_page page = { .limit = PAGE_ACCOUNTS_MAX };
    size_t kept = 0;
    check(!id_is_zero(customer_id->bytes)); /* zero would mean a client's accounts */
    int r = query_accounts(request->query, &call, &page, request->arena);
    if (r) return err_fold(r);
    for (size_t i = 0; i < page.count; i++)
        if (consent_page_admits(consent, &page.accounts[i])) page.accounts[kept++] = page.accounts[i];
    *ret_accounts = page.accounts;
    *ret_count = kept;
    return 0;
}

/* The reference that the payee will see, as either version of the standard carries it. */
static struct str reference_of(struct str initiation, struct arena *arena) {
    const struct json *json, *unstructured, *structured;
    if (json_parse_arena(initiation, initiation.len, JSON_DEPTH_MAX, arena, &json)) return (struct str){ 0 };
    const struct json *remittance = json_get(json, "RemittanceInformation");
    struct str reference = json_get_string(remittance, "Reference");
    structured = json_at(json_get(remittance, "Structured"), 0);
    if (reference.len == 0) reference = json_string(json_path(structured, "CreditorReferenceInformation.Reference"));
    unstructured = json_get(remittance, "Unstructured");
    if (reference.len == 0)
        reference = json_is_string(unstructured) ? json_string(unstructured) : json_string(json_at(unstructured, 0));
    return reference;
}

int consent_step_choice(struct auth_request *request, const struct consent_step *step,
                        const struct account_view *accounts, size_t count, struct str *ret_ids) {
    size_t chosen = step->consent.kind == CONSENT_PAGE_PAYMENT ? 1 : count;
    check(count);
    uint8_t *ids = arena_alloc(request->arena, chosen * ACCOUNT_ID_BYTES);
    if (!ids) return err_origin(-ENOMEM);
    for (size_t i = 0; i < chosen; i++) memcpy(ids + i * ACCOUNT_ID_BYTES, accounts[i].account_id.bytes, 16);
    *ret_ids = str_from_bytes((const char *)ids, chosen * ACCOUNT_ID_BYTES);
    return 0;
}

/* The accounts that the session has chosen, in their order. 0, QUERY_E_ABSENT, <0. */
static int load_chosen(struct auth_request *request, const struct consent_step *step, struct page_facts *facts) {
    size_t count = step->session.accounts.len / ACCOUNT_ID_BYTES;
    struct account_view *chosen = arena_new_array(request->arena, struct account_view, count);
    if (!chosen) return err_origin(-ENOMEM);
    for (size_t i = 0; i < count; i++) {
        struct account_id id;
        memcpy(id.bytes, step->session.accounts.at + i * ACCOUNT_ID_BYTES, sizeof id.bytes);
        int r = query_account(request->query, &id, request->arena, &chosen[i]);
        if (r) return r < 0 ? err_trace(r) : r;
    }
    facts->accounts = chosen;
    facts->account_count = count;
    return 0;
}

static int show_confirm(struct auth_request *request, const struct consent_step *step, struct page_facts *facts) {
    int r = load_chosen(request, step, facts);
    if (r) return r < 0 ? err_trace(r) : consent_step_over(request);
    facts->approval = consent_page_approval(&step->consent, &step->pushed.consent_id, step->session.accounts);
    return page_confirm(request, facts);
}

static int show_account(struct auth_request *request, const struct consent_step *step, struct page_facts *facts) {
    struct account_view *accounts;
    int r =
        consent_step_accounts(request, &step->consent, &step->session.customer_id, &accounts, &facts->account_count);
    if (r) return err_trace(r);
    facts->accounts = accounts;
    facts->chosen = step->session.accounts;
    return page_account(request, facts);
}

int consent_step_show(struct auth_request *request, struct consent_step *step) {
    char csrf[FORM_TOKEN_TEXT_BYTES];
    struct page_facts facts = { .consent = &step->consent,
                                .client = step->client.display_name,
                                .reference = reference_of(step->consent.initiation, request->arena),
                                .login_hint = step->terms.login_hint,
                                .redirect_origin = uri_origin(step->terms.redirect_uri),
                                .csrf = form_token_of(step->cookie, csrf),
                                .notice = step->notice };
    switch (step->session.stage) {
    case SESSION_VIEW_LOGIN:
        return page_login(request, &facts);
    case SESSION_VIEW_ACCOUNT:
        return show_account(request, step, &facts);
    case SESSION_VIEW_CONFIRM:
        return show_confirm(request, step, &facts);
    case SESSION_VIEW_CUSTOMER:
    case SESSION_VIEW_ENDED:
        break;
    }
    return consent_step_over(request);
}
