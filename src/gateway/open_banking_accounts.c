/* open_banking_accounts.c - the routes of account information; accounts, balances and parties. */
#include "gateway/open_banking_accounts.h"

#include "gateway/conditional.h"
#include "gateway/gateway.h"
#include "integration/query.h"

/* ---- shared ---- */

bool accounts_answer_begin(struct exchange *exchange, struct accounts_answer *answer) {
    char *memory = arena_alloc(exchange->arena, ACCOUNTS_DOCUMENT_BYTES_MAX);
    if (!memory) {
        (void)exchange_fault(exchange, exchange->route->path, err_origin(-ENOMEM)); /* answered */
        return false;
    }
    buffer_init(&answer->body, memory, ACCOUNTS_DOCUMENT_BYTES_MAX);
    json_begin(&answer->writer, &answer->body);
    json_object_begin(&answer->writer);
    json_name(&answer->writer, "Data");
    json_object_begin(&answer->writer);
    return true;
}

static void member_link(struct exchange *exchange, struct json_writer *writer, const char *name, struct str query) {
    char memory[ACCOUNTS_LINK_BYTES_MAX];
    struct str path = exchange->request->path;
    struct buffer link;
    if (path.len > 1 && path.at[path.len - 1] == '/') path.len--;
    buffer_init(&link, memory, sizeof memory);
    buffer_append_str(&link, gateway_options(exchange->gateway)->api_url);
    buffer_append_str(&link, path);
    if (query.len) buffer_append_char(&link, '?');
    buffer_append_str(&link, query);
    if (link.overflow) writer->out->overflow = true;
    json_member_str(writer, name, buffer_str(&link));
}

int accounts_answer_end(struct exchange *exchange, struct accounts_answer *answer, const struct accounts_links *links,
                        bool cacheable) {
    struct json_writer *writer = &answer->writer;
    json_object_end(writer);
    json_name(writer, "Links");
    json_object_begin(writer);
    member_link(exchange, writer, "Self", links->self);
    if (links->first.at) member_link(exchange, writer, "First", links->first);
    if (links->prev.at) member_link(exchange, writer, "Prev", links->prev);
    if (links->next.at) member_link(exchange, writer, "Next", links->next);
    json_object_end(writer);
    json_member_raw(writer, "Meta", STR("{}"));
    json_object_end(writer);
    if (answer->body.overflow) return exchange_fault(exchange, exchange->route->path, err_origin(-EMSGSIZE));
    exchange_header(exchange, STR("Vary"), STR("Authorization"));
    if (cacheable)
        return exchange_answer_conditional(exchange, "private, no-cache", "application/json",
                                           buffer_str(&answer->body));
    exchange_header(exchange, STR("Cache-Control"), STR("no-store"));
    return exchange_answer_json(exchange, 200, buffer_str(&answer->body));
}

bool accounts_permit(const struct exchange *exchange, int64_t permissions) {
    return exchange->account_consent->permissions & permissions;
}

int accounts_chosen(struct exchange *exchange, struct account_view **ret_accounts, size_t *ret_count) {
    const struct account_consent_view *consent = exchange->account_consent;
    struct account_view *accounts = arena_new_array(exchange->arena, struct account_view, consent->account_count + 1);
    struct account_id wanted;
    bool one = exchange->params[0].at && id_parse(exchange->params[0], wanted.bytes) == 0;
    size_t count = 0;
    if (!accounts) return err_origin(-ENOMEM);
    for (size_t i = 0; i < consent->account_count; i++) {
        if (one && !id_equal(consent->accounts[i].bytes, wanted.bytes)) continue;
        int r = query_account(exchange->query, &consent->accounts[i], exchange->arena, &accounts[count]);
        if (r < 0) return err_trace(r);
        if (r == 0 && id_equal(accounts[count].customer_id.bytes, consent->customer_id.bytes)) count++;
    }
    *ret_accounts = accounts;
    *ret_count = count;
    return 0;
}

void accounts_member_amount(struct json_writer *writer, struct money amount) {
    char value[MONEY_TEXT_BYTES], letters[4];
    struct str text = money_text(amount, value);
    if (str_starts(text, STR("-"))) text = str_slice(text, 1, text.len);
    json_name(writer, "Amount");
    json_object_begin(writer);
    json_member_str(writer, "Amount", text);
    json_member_str(writer, "Currency", currency_text(amount.currency, letters));
    json_object_end(writer);
}

static void put_scheme(struct json_writer *writer, const char *scheme, struct str identification, struct str name) {
    json_object_begin(writer);
    json_member_c(writer, "SchemeName", scheme);
    json_member_str(writer, "Identification", identification);
    if (name.len) json_member_str(writer, "Name", name);
    json_object_end(writer);
}

void accounts_put_identification(struct json_writer *writer, const struct account_name *account) {
    char digits[64];
    struct buffer both;
    buffer_init(&both, digits, sizeof digits);
    buffer_append_str(&both, account->sort_code);
    buffer_append_str(&both, account->account_number);
    if (account->sort_code.len) put_scheme(writer, "UK.OBIE.SortCodeAccountNumber", buffer_str(&both), account->name);
    else put_scheme(writer, "UK.OBIE.IBAN", account->iban, account->name);
}

static struct accounts_links no_links(void) {
    return (struct accounts_links){ .self = STR("") };
}

/* ---- accounts ---- */

/* "open" and its like as both versions say it. */
static const char *account_status(const struct account_view *account) {
    if (strcmp(account->status_name, "open") == 0) return "Enabled";
    return strcmp(account->status_name, "closed") == 0 ? "Deleted" : "Disabled";
}

/* By sort code and account number, and by IBAN. */
static void write_identifications(struct json_writer *writer, const struct account_view *account) {
    struct account_name uk = { .sort_code = account->sort_code,
                               .account_number = account->account_number,
                               .name = account->name };
    struct account_name iban = { .iban = account->iban, .name = account->name };
    json_name(writer, "Account");
    json_array_begin(writer);
    if (account->sort_code.len) accounts_put_identification(writer, &uk);
    if (account->iban.len) accounts_put_identification(writer, &iban);
    json_array_end(writer);
}

static void write_account(struct exchange *exchange, struct json_writer *writer, const struct account_view *account) {
    bool v3 = exchange->route->version == OPEN_BANKING_V3, business = strcmp(account->product_name, "business") == 0;
    char letters[4];
    json_object_begin(writer);
    open_banking_member_id(writer, "AccountId", account->account_id.bytes);
    json_member_c(writer, "Status", account_status(account));
    json_member_str(writer, "Currency", currency_text(account->currency, letters));
    json_member_c(writer, v3 ? "AccountType" : "AccountCategory", business ? "Business" : "Personal");
    json_member_c(writer, v3 ? "AccountSubType" : "AccountTypeCode", v3 ? "CurrentAccount" : "CACC");
    if (accounts_permit(exchange, PERMISSION_ACCOUNTS_DETAIL)) {
        write_identifications(writer, account);
        if (!v3) json_member_raw(writer, "StatementFrequencyAndFormat", STR("[]"));
    }
    json_object_end(writer);
}

static int accounts_get_handle(struct exchange *exchange) {
    struct accounts_answer answer;
    struct accounts_links links = no_links();
    struct account_view *accounts;
    size_t count;
    int r = accounts_chosen(exchange, &accounts, &count);
    if (r) return exchange_fault(exchange, "accounts_chosen", r);
    if (!accounts_answer_begin(exchange, &answer)) return EXCHANGE_ANSWERED;
    json_name(&answer.writer, "Account");
    json_array_begin(&answer.writer);
    for (size_t i = 0; i < count; i++) write_account(exchange, &answer.writer, &accounts[i]);
    json_array_end(&answer.writer);
    return accounts_answer_end(exchange, &answer, &links, true);
}

/* ---- balances ---- */

struct balance {
    const char *type; /* v4.0 */
    const char *v3_type;
    int64_t minor;
    bool with_overdraft; /* the credit line is part of it */
};

static void write_credit_line(struct json_writer *writer, const struct account_view *account, bool included) {
    json_name(writer, "CreditLine");
    json_array_begin(writer);
    if (account->overdraft_minor) {
        json_object_begin(writer);
        json_member_bool(writer, "Included", included);
        json_member_c(writer, "Type", "Pre-Agreed");
        accounts_member_amount(writer,
                               (struct money){ .minor = account->overdraft_minor, .currency = account->currency });
        json_object_end(writer);
    }
    json_array_end(writer);
}

static void write_balances(struct exchange *exchange, struct json_writer *writer, const struct account_view *account) {
    const struct balance balances[] = {
        { "ITBD", "InterimBooked", account->posted_minor, false },
        { "ITAV", "InterimAvailable", account->available_minor, true },
    };
    for (size_t i = 0; i < ARRAY_COUNT(balances); i++) {
        const struct balance *balance = &balances[i];
        json_object_begin(writer);
        open_banking_member_id(writer, "AccountId", account->account_id.bytes);
        json_member_c(writer, "CreditDebitIndicator", balance->minor < 0 ? "Debit" : "Credit");
        json_member_c(writer, "Type", exchange->route->version == OPEN_BANKING_V3 ? balance->v3_type : balance->type);
        open_banking_member_time(writer, "DateTime", exchange->call.received_ms);
        accounts_member_amount(writer, (struct money){ .minor = balance->minor, .currency = account->currency });
        write_credit_line(writer, account, balance->with_overdraft);
        json_object_end(writer);
    }
}

static int balances_get_handle(struct exchange *exchange) {
    struct accounts_answer answer;
    struct accounts_links links = no_links();
    struct account_view *accounts;
    size_t count;
    int r = accounts_chosen(exchange, &accounts, &count);
    if (r) return exchange_fault(exchange, "accounts_chosen", r);
    if (!accounts_answer_begin(exchange, &answer)) return EXCHANGE_ANSWERED;
    json_name(&answer.writer, "Balance");
    json_array_begin(&answer.writer);
    for (size_t i = 0; i < count; i++) write_balances(exchange, &answer.writer, &accounts[i]);
    json_array_end(&answer.writer);
    return accounts_answer_end(exchange, &answer, &links, false); /* as of now: kept by nobody */
}

/* ---- parties ---- */

static void put_party(struct json_writer *writer, const struct party_view *party) {
    json_object_begin(writer);
    open_banking_member_id(writer, "PartyId", party->party_id);
    json_member_c(writer, "PartyType", "Sole");
    json_member_str(writer, "Name", party->name);
    json_member_raw(writer, "Address", STR("[]"));
    json_object_end(writer);
}

/* The holder of the path's account, or who consented: the same customer, since only own accounts can be chosen. */
static int party_find(struct exchange *exchange, struct party_view *ret_party) {
    static const struct client_id no_client;
    int r =
        query_party(exchange->query, &exchange->account_consent->customer_id, &no_client, exchange->arena, ret_party);
    return r ? exchange_fault(exchange, "query_party", err_fold(r)) : EXCHANGE_GOES_ON;
}

static int answer_party(struct exchange *exchange, bool list) {
    struct accounts_answer answer;
    struct accounts_links links = no_links();
    struct party_view party;
    int next = party_find(exchange, &party);
    if (next != EXCHANGE_GOES_ON) return next;
    if (!accounts_answer_begin(exchange, &answer)) return EXCHANGE_ANSWERED;
    json_name(&answer.writer, "Party");
    if (list) json_array_begin(&answer.writer);
    put_party(&answer.writer, &party);
    if (list) json_array_end(&answer.writer);
    return accounts_answer_end(exchange, &answer, &links, true);
}

static int party_get_handle(struct exchange *exchange) {
    return answer_party(exchange, false);
}
static int parties_get_handle(struct exchange *exchange) {
    return answer_party(exchange, true);
}

/* ---- the routes ---- */

enum {
    ACCOUNT_CONSENT_FLAGS = ROUTE_MTLS | ROUTE_TOKEN | ROUTE_CLIENT_TOKEN,
    ACCOUNT_READ_FLAGS = ROUTE_MTLS | ROUTE_TOKEN | ROUTE_ACCOUNT_READ,
};

#define ROUTE_OF(its_method, its_path, its_version, ...)                                                               \
    {                                                                                                                  \
        .method = its_method, .path = its_path, .family = FAMILY_OPEN_BANKING, .version = its_version,                 \
        .scope = "accounts", __VA_ARGS__                                                                               \
    }
#define READ_OF(its_path, its_version, its_permissions, its_handle)                                                    \
    ROUTE_OF("GET", its_path, its_version, .flags = ACCOUNT_READ_FLAGS, .permissions = its_permissions,                \
             .handle = its_handle)
/* Of one account. */
#define QUICK_READ_OF(its_path, its_version, its_permissions, its_handle)                                              \
    ROUTE_OF("GET", its_path, its_version, .flags = ACCOUNT_READ_FLAGS | ROUTE_QUICK, .permissions = its_permissions,  \
             .handle = its_handle)
/* The same endpoints in each version. */
#define ACCOUNT_ROUTES(aisp, version)                                                                                  \
    ROUTE_OF("POST", aisp "/account-access-consents", version, .flags = ACCOUNT_CONSENT_FLAGS | ROUTE_BODY,            \
             .handle = account_consent_post_handle, .finish = account_consent_post_finish),                            \
        ROUTE_OF("GET", aisp "/account-access-consents/{ConsentId}", version, .flags = ACCOUNT_CONSENT_FLAGS,          \
                 .handle = account_consent_get_handle),                                                                \
        ROUTE_OF("DELETE", aisp "/account-access-consents/{ConsentId}", version, .flags = ACCOUNT_CONSENT_FLAGS,       \
                 .handle = account_consent_delete_handle, .finish = account_consent_delete_finish),                    \
        READ_OF(aisp "/accounts", version, PERMISSIONS_ACCOUNTS, accounts_get_handle),                                 \
        QUICK_READ_OF(aisp "/accounts/{AccountId}", version, PERMISSIONS_ACCOUNTS, accounts_get_handle),               \
        READ_OF(aisp "/balances", version, PERMISSION_BALANCES, balances_get_handle),                                  \
        QUICK_READ_OF(aisp "/accounts/{AccountId}/balances", version, PERMISSION_BALANCES, balances_get_handle),       \
        READ_OF(aisp "/transactions", version, PERMISSIONS_TRANSACTIONS, transactions_get_handle),                     \
        READ_OF(aisp "/accounts/{AccountId}/transactions", version, PERMISSIONS_TRANSACTIONS,                          \
                transactions_get_handle),                                                                              \
        READ_OF(aisp "/party", version, PERMISSION_PARTY_PSU, party_get_handle),                                       \
        READ_OF(aisp "/accounts/{AccountId}/party", version, PERMISSION_PARTY, party_get_handle),                      \
        READ_OF(aisp "/accounts/{AccountId}/parties", version, PERMISSION_PARTY, parties_get_handle)

const struct route open_banking_account_routes[] = {
    ACCOUNT_ROUTES(OPEN_BANKING_V4_PATH "/aisp", OPEN_BANKING_V4),
    ACCOUNT_ROUTES(OPEN_BANKING_V3_PATH "/aisp", OPEN_BANKING_V3),
};
const size_t open_banking_account_route_count = ARRAY_COUNT(open_banking_account_routes);
