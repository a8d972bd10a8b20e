/* account_statement.c - the entries of one account: the newest, or those of some days with opening and closing balance.
 */
#include "app/account_view.h"

#include "domain/civil_date.h"
#include "platform/clock.h"

enum { DAY_MS = 24 * 60 * 60 * 1000 };

/* A day (its first instant, or with `behind` the first of the day after it) or an RFC 3339 instant. */
static bool read_instant(const char *option, const char *text, bool behind, int64_t *ret_ms) {
    char day[40];
    int64_t ms;
    if (!text) return true;
    int len = snprintf(day, sizeof day, "%sT00:00:00Z", text);
    if (strlen(text) == strlen("2026-11-22") && clock_parse_rfc3339(str_from_bytes(day, (size_t)len), &ms) == 0) {
        *ret_ms = ms + (behind ? DAY_MS : 0);
        return true;
    }
    if (clock_parse_rfc3339(str_from_c(text), ret_ms) == 0) return true;
    fprintf(stderr, "giro: --%s wants a day (2026-11-22, UTC) or an instant (2026-11-22T03:45:00Z), not %.40s\n",
            option, text);
    return false;
}

bool statement_dates_read(struct statement_dates *dates) {
    dates->from_ms = 0;
    dates->to_ms = INT64_MAX;
    if (!read_instant("from", dates->from, false, &dates->from_ms)) return false;
    if (!read_instant("to", dates->to, true, &dates->to_ms)) return false;
    if (dates->from_ms <= dates->to_ms) return true;
    fprintf(stderr, "giro: --from is later than --to\n");
    return false;
}

static int print_entry(void *ctx, const struct ledger_statement_row *entry) {
    struct store_view *view = ctx;
    char day[CIVIL_TEXT_BYTES];
    store_view_row_begin(view);
    store_view_number(view, "number", 8, entry->number);
    store_view_number(view, "sequence", 8, entry->sequence);
    store_view_time(view, "booked_at", 24, entry->booked_ms);
    store_view_text(view, "value_date", 10, civil_format(entry->value_day, day));
    store_view_word(view, "side", 6, entry->side == LEDGER_CREDIT ? "credit" : "debit");
    store_view_number(view, "amount_minor", 14, entry->amount_minor);
    store_view_number(view, "balance_after_minor", 14, entry->balance_after_minor);
    store_view_currency(view, "currency", 3, entry->currency);
    store_view_number(view, "transaction", 8, entry->transaction);
    store_view_id(view, "payment_id", 36, entry->payment_id);
    store_view_row_end(view);
    return 0;
}

static int print_newest(struct store_view *view, const struct ledger_statement *statement) {
    struct ledger_statement_range range = {
        .first = 1, .last = statement->entries, .descending = true, .limit = (int64_t)view->limit
    };
    store_view_list_begin(view);
    int r = ledger_statement_walk(statement, &range, print_entry, view);
    store_view_list_end(view);
    return err_trace(r);
}

static void print_head(struct store_view *view, const struct ledger_statement *statement,
                       const struct ledger_statement_period *period) {
    struct json_writer *writer = &view->writer;
    char text[CLOCK_TEXT_BYTES], currency[4];
    json_object_begin(writer);
    json_member_i64(writer, "account", statement->account);
    json_member_str(writer, "currency",
                    currency_text((struct currency){ .code = (uint32_t)statement->currency }, currency));
    if (period->from_ms > 0) json_member_str(writer, "from", clock_format_rfc3339(period->from_ms, text));
    if (period->to_ms != INT64_MAX) json_member_str(writer, "to", clock_format_rfc3339(period->to_ms, text));
    json_member_i64(writer, "opening_balance_minor", period->opening_minor);
    json_member_i64(writer, "closing_balance_minor", period->closing_minor);
    json_member_i64(writer, "entry_count", period->last - period->first + 1);
    json_name(writer, "entries");
    if (!view->json) printf("opening balance  %lld\n", (long long)period->opening_minor);
}

/* Oldest first, and all of them: a statement is whole. */
static int print_period(struct store_view *view, const struct ledger_statement *statement,
                        const struct statement_dates *dates) {
    struct ledger_statement_period period = { .from_ms = dates->from_ms, .to_ms = dates->to_ms };
    int r = ledger_statement_period(statement, &period);
    if (r) return err_trace(r);
    struct ledger_statement_range range = { .first = period.first, .last = period.last, .limit = INT64_MAX };
    print_head(view, statement, &period);
    store_view_list_begin(view);
    r = period.last < period.first ? 0 : ledger_statement_walk(statement, &range, print_entry, view);
    store_view_list_end(view);
    json_object_end(&view->writer);
    if (!view->json) printf("closing balance  %lld\n", (long long)period.closing_minor);
    return err_trace(r);
}

int account_statement(struct store_view *view, int64_t number, const struct statement_dates *dates, int *ret_code) {
    struct ledger_statement statement;
    int r = ledger_statement_open(&view->reader, number, &view->arena, &statement);
    if (r < 0) return err_trace(r);
    if (r == LEDGER_STATEMENT_E_ACCOUNT) {
        *ret_code = store_view_absent("account");
        return 0;
    }
    bool dated = dates->from || dates->to;
    return err_trace(dated ? print_period(view, &statement, dates) : print_newest(view, &statement));
}
