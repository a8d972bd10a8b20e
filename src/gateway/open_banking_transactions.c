/* open_banking_transactions.c - transactions of one account or of all that were chosen, newest first, in pages.
 *
 * (T1) what is told was booked inside the consent's window and, where the query names one, inside that too, and goes in
 * a direction that the consent covers. (T2) a page begins behind or before a place - an account and a sequence in it -
 * that never moves: what is booked while a client turns pages shifts none of them. (T3) Prev and Next stand there only
 * when such pages exist (uk/S8); only after TRANSACTION_LOOKS_MAX rows that the permissions hide in one account may a
 * page be shorter than TRANSACTIONS_PAGE with more behind it. */
#include "gateway/open_banking_accounts.h"

#include "gateway/query_time.h"
#include "wire/form.h"

enum { TRANSACTIONS_PAGE = 100, PLACE_TEXT_BYTES = ID_TEXT_BYTES + 24, FILTER_BYTES_MAX = 512 };
#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)

struct row {
    size_t account; /* in the accounts of the request */
    struct entry_view entry;
};

struct place {
    size_t account;
    int64_t sequence; /* 0: before the account's newest (older: behind its oldest) entry */
};

struct listing {
    struct exchange *exchange;
    struct account_view *accounts;
    size_t account_count;
    int64_t from_ms, to_ms;
    struct str from_text, to_text; /* of the query, as they came */
    bool has_after, has_before;
    struct place at; /* of after or before */
};

/* Rows that follow each other. */
struct stretch {
    struct row rows[TRANSACTIONS_PAGE];
    size_t count;
    bool cut; /* the looks were used up: there may be more beyond cut_at */
    struct place cut_at;
};

/* ---- the query ---- */

static bool account_index(const struct listing *listing, struct str text, size_t *ret_index) {
    uint8_t id[ID_BYTES];
    if (id_parse(text, id)) return false;
    for (size_t i = 0; i < listing->account_count; i++)
        if (id_equal(listing->accounts[i].account_id.bytes, id)) {
            *ret_index = i;
            return true;
        }
    return false;
}

/* "ACCOUNT.SEQUENCE". */
static bool place_parse(const struct listing *listing, struct str text, struct place *ret_place) {
    struct str account;
    uint64_t sequence;
    if (!str_cut(&text, '.', &account) || !account_index(listing, account, &ret_place->account)) return false;
    if (str_to_u64(text, &sequence) || sequence == 0 || sequence > INT64_MAX / 2) return false;
    ret_place->sequence = (int64_t)sequence;
    return true;
}

static void read_time(const struct form *form, const char *name, const char *path, struct schema_errors *errors,
                      struct str *ret_text, int64_t *ret_ms) {
    if (!form_get(form, name, ret_text) || query_time_parse(*ret_text, ret_ms) == 0) return;
    schema_errors_add(errors, path, "must be an ISO 8601 date-time");
    errors->items[errors->count - 1].kind = SCHEMA_ERROR_DATE;
}

/* The window of the consent and the query, and the place. What else the query holds is not ours. */
static void read_query(struct listing *listing, struct schema_errors *errors) {
    const struct account_consent_view *consent = listing->exchange->account_consent;
    struct form form = { .count = 0 };
    struct str name, text;
    int64_t from_ms = INT64_MIN, to_ms = INT64_MAX;
    if (form_parse(listing->exchange->request->query, listing->exchange->arena, &form) ||
        form_find_duplicate(&form, &name)) {
        schema_errors_add(errors, "query", "must be well-formed and name nothing twice");
        return;
    }
    read_time(&form, "fromBookingDateTime", "fromBookingDateTime", errors, &listing->from_text, &from_ms);
    read_time(&form, "toBookingDateTime", "toBookingDateTime", errors, &listing->to_text, &to_ms);
    listing->from_ms = from_ms > consent->from_ms ? from_ms : consent->from_ms;
    listing->to_ms = to_ms < consent->to_ms ? to_ms : consent->to_ms;
    listing->has_after = form_get(&form, "after", &text);
    bool good = !listing->has_after || place_parse(listing, text, &listing->at);
    listing->has_before = form_get(&form, "before", &text);
    good = good && (!listing->has_before || place_parse(listing, text, &listing->at));
    if (!good || (listing->has_after && listing->has_before))
        schema_errors_add(errors, "query", "after and before stand as in the Links, at most one of them");
}

/* ---- walking ---- */

/* What of one account fits behind what the stretch has. 0 or <0. */
static int walk_account(struct listing *listing, const struct place *from, bool newer, size_t limit,
                        struct stretch *stretch) {
    struct exchange *exchange = listing->exchange;
    struct entry_view *entries = arena_new_array(exchange->arena, struct entry_view, limit - stretch->count);
    struct transaction_walk walk = { .account_number = listing->accounts[from->account].number,
                                     .from_ms = listing->from_ms,
                                     .to_ms = listing->to_ms,
                                     .credits = accounts_permit(exchange, PERMISSION_TRANSACTIONS_CREDITS),
                                     .debits = accounts_permit(exchange, PERMISSION_TRANSACTIONS_DEBITS),
                                     .newer = newer,
                                     .beyond = from->sequence,
                                     .limit = (uint32_t)(limit - stretch->count),
                                     .entries = entries };
    if (!entries) return err_origin(-ENOMEM);
    int r = query_transactions(exchange->query, &walk, exchange->arena);
    if (r) return err_fold(r);
    for (size_t i = 0; i < walk.count; i++)
        stretch->rows[stretch->count++] = (struct row){ .account = from->account, .entry = entries[i] };
    stretch->cut = walk.more && stretch->count < limit;
    stretch->cut_at = (struct place){ .account = from->account, .sequence = walk.looked_at };
    return 0;
}

/* Up to limit rows beyond a place, in that order: older ones, then the next accounts'; or newer ones, then those of the
 * accounts before. 0 or <0. */
static int walk(struct listing *listing, struct place from, bool newer, size_t limit, struct stretch *stretch) {
    size_t accounts = newer ? from.account + 1 : listing->account_count - from.account;
    stretch->count = 0;
    stretch->cut = false;
    if (!listing->account_count) return 0;
    for (size_t i = 0; i < accounts && stretch->count < limit && !stretch->cut; i++) {
        struct place place = { .account = newer ? from.account - i : from.account + i,
                               .sequence = i ? 0 : from.sequence };
        int r = walk_account(listing, &place, newer, limit, stretch);
        if (r) return err_trace(r);
    }
    return 0;
}

static struct place place_of(const struct row *row) {
    return (struct place){ .account = row->account, .sequence = row->entry.sequence };
}

/* Whether there is, or may be, a row beyond the place. 0 or <0. */
static int look(struct listing *listing, struct place from, bool newer, bool *ret_any) {
    struct stretch *stretch = arena_new(listing->exchange->arena, struct stretch);
    if (!stretch) return err_origin(-ENOMEM);
    int r = walk(listing, from, newer, 1, stretch);
    if (!r) *ret_any = stretch->count || stretch->cut;
    return err_trace(r);
}

static void reverse(struct stretch *stretch) {
    for (size_t i = 0; i < stretch->count / 2; i++) {
        struct row row = stretch->rows[i];
        stretch->rows[i] = stretch->rows[stretch->count - 1 - i];
        stretch->rows[stretch->count - 1 - i] = row;
    }
}

/* One page and what is around it. */
struct page {
    struct stretch stretch; /* newest first */
    bool has_prev, has_next;
    struct place prev, next; /* before the one, behind the other */
};

/* Backwards from a place; fewer than a page is the first page. 0 or <0. */
static int read_before(struct listing *listing, struct page *page) {
    int r = walk(listing, listing->at, true, TRANSACTIONS_PAGE, &page->stretch);
    if (r) return err_trace(r);
    bool first = page->stretch.count < TRANSACTIONS_PAGE && !page->stretch.cut;
    if (first) return err_trace(walk(listing, (struct place){ 0 }, false, TRANSACTIONS_PAGE, &page->stretch));
    page->has_prev = page->stretch.cut;
    page->prev = page->stretch.cut_at;
    page->stretch.cut = false; /* at its newer end */
    reverse(&page->stretch);
    return 0;
}

static int read_page(struct listing *listing, struct page *page) {
    struct stretch *stretch = &page->stretch;
    int r = listing->has_before ? read_before(listing, page)
                                : walk(listing, listing->has_after ? listing->at : (struct place){ 0 }, false,
                                       TRANSACTIONS_PAGE, stretch);
    if (r) return err_trace(r);
    page->has_next = stretch->cut;
    page->next = stretch->cut_at;
    if (!page->has_next && stretch->count) {
        page->next = place_of(&stretch->rows[stretch->count - 1]);
        r = look(listing, page->next, false, &page->has_next);
    }
    if (!r && !page->has_prev && stretch->count) {
        page->prev = place_of(&stretch->rows[0]);
        r = look(listing, page->prev, true, &page->has_prev);
    }
    return err_trace(r);
}

/* ---- the links ---- */

/* The filters as they came, and a place; .at NULL: the arena is full. */
static struct str query_of(const struct listing *listing, const char *name, const struct place *place) {
    char memory[FILTER_BYTES_MAX], id[ID_TEXT_BYTES], text[PLACE_TEXT_BYTES];
    struct buffer query;
    buffer_init(&query, memory, sizeof memory);
    if (listing->from_text.len) form_put(&query, STR("fromBookingDateTime"), listing->from_text);
    if (listing->to_text.len) form_put(&query, STR("toBookingDateTime"), listing->to_text);
    if (name) {
        (void)snprintf(text, sizeof text, "%s.%lld",
                       id_format(listing->accounts[place->account].account_id.bytes, id).at,
                       (long long)place->sequence);
        form_put_c(&query, name, text);
    }
    check(!query.overflow); /* filters are at most QUERY_TIME_BYTES_MAX */
    return arena_dup(listing->exchange->arena, buffer_str(&query));
}

static struct accounts_links links_of(const struct listing *listing, const struct page *page) {
    const char *self = listing->has_after ? "after" : listing->has_before ? "before" : NULL;
    struct accounts_links links = { .self = query_of(listing, self, &listing->at),
                                    .first = query_of(listing, NULL, NULL) };
    if (page->has_prev) links.prev = query_of(listing, "before", &page->prev);
    if (page->has_next) links.next = query_of(listing, "after", &page->next);
    return links;
}

/* ---- one transaction ---- */

/* The text of the payment and who is on its other side: the creditor of a debit, the debtor of a credit. 0 or <0. */
static int write_payment(struct exchange *exchange, struct json_writer *writer, const struct entry_view *entry) {
    struct payment_view payment;
    struct account_view debtor;
    struct account_name name;
    if (id_is_zero(entry->payment_id.bytes)) return 0;
    int r = query_payment(exchange->query, &entry->payment_id, exchange->arena, &payment);
    if (r) return r == QUERY_E_ABSENT ? 0 : err_trace(r); /* another kind of hold */
    if (payment.reference.len) json_member_str(writer, "TransactionInformation", payment.reference);
    name = (struct account_name){ .sort_code = payment.creditor_sort_code,
                                  .account_number = payment.creditor_account_number,
                                  .iban = payment.creditor_iban,
                                  .name = payment.creditor_name };
    if (entry->credit) {
        r = query_account(exchange->query, &payment.debtor_account_id, exchange->arena, &debtor);
        if (r) return r == QUERY_E_ABSENT ? 0 : err_trace(r);
        name = (struct account_name){ .sort_code = debtor.sort_code,
                                      .account_number = debtor.account_number,
                                      .iban = debtor.iban };
    }
    if (!name.sort_code.len && !name.iban.len) return 0;
    json_name(writer, entry->credit ? "DebtorAccount" : "CreditorAccount");
    accounts_put_identification(writer, &name);
    return 0;
}

static int write_detail(struct exchange *exchange, struct json_writer *writer, const struct entry_view *entry) {
    struct money after = { .minor = entry->balance_after_minor, .currency = entry->amount.currency };
    int r = write_payment(exchange, writer, entry);
    if (r) return err_trace(r);
    json_name(writer, "Balance");
    json_object_begin(writer);
    json_member_c(writer, "CreditDebitIndicator", after.minor < 0 ? "Debit" : "Credit");
    json_member_c(writer, "Type", exchange->route->version == OPEN_BANKING_V3 ? "InterimBooked" : "ITBD");
    accounts_member_amount(writer, after);
    json_object_end(writer);
    return 0;
}

static int write_transaction(struct listing *listing, struct json_writer *writer, const struct row *row) {
    struct exchange *exchange = listing->exchange;
    const struct entry_view *entry = &row->entry;
    bool v3 = exchange->route->version == OPEN_BANKING_V3;
    char number[24];
    int r = 0;
    (void)snprintf(number, sizeof number, "%lld", (long long)entry->number);
    json_object_begin(writer);
    open_banking_member_id(writer, "AccountId", listing->accounts[row->account].account_id.bytes);
    json_member_c(writer, "TransactionId", number);
    json_member_raw(writer, "StatementReference", STR("[]"));
    json_member_c(writer, "CreditDebitIndicator", entry->credit ? "Credit" : "Debit");
    json_member_c(writer, "Status", v3 ? "Booked" : "BOOK");
    json_member_c(writer, "TransactionMutability", "Immutable");
    open_banking_member_time(writer, "BookingDateTime", entry->booked_ms);
    open_banking_member_time(writer, "ValueDateTime", entry->value_day * DAY_MS);
    accounts_member_amount(writer, entry->amount);
    if (!v3) json_member_raw(writer, "ExtendedProprietaryBankTransactionCodes", STR("[]"));
    if (accounts_permit(exchange, PERMISSION_TRANSACTIONS_DETAIL)) r = write_detail(exchange, writer, entry);
    json_object_end(writer);
    return err_trace(r);
}

/* ---- GET .../transactions ---- */

static int answer_page(struct listing *listing, const struct page *page) {
    struct exchange *exchange = listing->exchange;
    struct accounts_answer answer;
    struct accounts_links links = links_of(listing, page);
    int r = links.self.at && links.first.at ? 0 : err_origin(-ENOMEM);
    if (r) return exchange_fault(exchange, exchange->route->path, r);
    if (!accounts_answer_begin(exchange, &answer)) return EXCHANGE_ANSWERED;
    json_name(&answer.writer, "Transaction");
    json_array_begin(&answer.writer);
    for (size_t i = 0; i < page->stretch.count && !r; i++)
        r = write_transaction(listing, &answer.writer, &page->stretch.rows[i]);
    json_array_end(&answer.writer);
    if (r) return exchange_fault(exchange, exchange->route->path, r);
    return accounts_answer_end(exchange, &answer, &links, true);
}

int transactions_get_handle(struct exchange *exchange) {
    struct listing listing = { .exchange = exchange };
    struct page *page = arena_new(exchange->arena, struct page);
    struct schema_errors errors;
    errors.count = 0;
    errors.more = false;
    if (!page) return exchange_fault(exchange, exchange->route->path, err_origin(-ENOMEM));
    int r = accounts_chosen(exchange, &listing.accounts, &listing.account_count);
    if (r) return exchange_fault(exchange, "accounts_chosen", r);
    read_query(&listing, &errors);
    if (errors.count) return exchange_refuse(exchange, &refusal_invalid_request, &errors);
    r = read_page(&listing, page);
    if (r) return exchange_fault(exchange, "query_transactions", r);
    return answer_page(&listing, page);
}
