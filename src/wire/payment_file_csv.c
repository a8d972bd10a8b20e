#include "wire/payment_file_csv.h"

enum { NAME, IBAN, SORT_CODE, ACCOUNT_NUMBER, AMOUNT, CURRENCY, REFERENCE, END_TO_END, FIELDS };

static const char *const headings[FIELDS] = { "creditor_name", "iban",     "sort_code", "account_number",
                                              "amount",        "currency", "reference", "end_to_end_id" };

struct reading {
    int line;
    struct message *message;
    struct payment_file_content content;
    char unquoted[PAYMENT_FILE_CSV_LINE_BYTES_MAX]; /* the fields of one line that stood in quotes */
    size_t unquoted_len;
};

static int refuse(const struct reading *reading, const char *what) {
    message_set(reading->message, "line %d: %s", reading->line, what);
    return PAYMENT_FILE_CSV_E_FORMAT;
}

static int refuse_field(const struct reading *reading, int field, const char *what) {
    message_set(reading->message, "line %d, %s: %s", reading->line, headings[field], what);
    return PAYMENT_FILE_CSV_E_FORMAT;
}

/* What stands behind the opening quote of *rest up to the closing one; false without one. */
static bool take_quoted(struct reading *reading, struct str *rest, struct str *ret_field) {
    char *out = reading->unquoted + reading->unquoted_len;
    size_t len = 0;
    for (size_t i = 1; i < rest->len; i++) {
        if (rest->at[i] == '"' && !(i + 1 < rest->len && rest->at[i + 1] == '"')) {
            *ret_field = str_from_bytes(out, len);
            *rest = str_slice(*rest, i + 1, rest->len);
            reading->unquoted_len += len; /* never more than the line has */
            return true;
        }
        i += rest->at[i] == '"';
        out[len++] = rest->at[i];
    }
    return false;
}

/* The next field of *rest; *ret_more: a comma followed it. */
static int take_field(struct reading *reading, struct str *rest, struct str *ret_field, bool *ret_more) {
    if (rest->len && rest->at[0] == '"') {
        if (!take_quoted(reading, rest, ret_field)) return refuse(reading, "a quote that is not closed");
        if (rest->len && rest->at[0] != ',') return refuse(reading, "something behind a closing quote");
        *ret_more = rest->len > 0;
        *rest = str_slice(*rest, 1, rest->len);
        return 0;
    }
    *ret_more = str_cut(rest, ',', ret_field);
    size_t at;
    return str_find(*ret_field, STR("\""), &at) ? refuse(reading, "a quote inside a field") : 0;
}

static int split(struct reading *reading, struct str line, struct str fields[FIELDS]) {
    bool more = true;
    reading->unquoted_len = 0;
    for (int i = 0; i < FIELDS; i++) {
        if (!more) return refuse(reading, "too few fields");
        int r = take_field(reading, &line, &fields[i], &more);
        if (r) return r;
    }
    return more ? refuse(reading, "too many fields") : 0;
}

static int read_creditor(const struct reading *reading, const struct str fields[FIELDS], struct creditor *creditor) {
    bool iban = fields[IBAN].len > 0, uk = fields[SORT_CODE].len || fields[ACCOUNT_NUMBER].len;
    int r = person_name_parse(fields[NAME], &creditor->name);
    if (r) return refuse_field(reading, NAME, personal_refusal_text(r));
    if (iban == uk) return refuse(reading, "want an iban, or a sort_code and an account_number");
    creditor->scheme = iban ? CREDITOR_SCHEME_IBAN : CREDITOR_SCHEME_UK;
    if (iban) {
        r = iban_parse(fields[IBAN], &creditor->iban);
        return r ? refuse_field(reading, IBAN, personal_refusal_text(r)) : 0;
    }
    r = sort_code_parse(fields[SORT_CODE], &creditor->sort_code);
    if (r) return refuse_field(reading, SORT_CODE, personal_refusal_text(r));
    r = account_number_parse(fields[ACCOUNT_NUMBER], ACCOUNT_SCHEME_UK, &creditor->account_number);
    return r ? refuse_field(reading, ACCOUNT_NUMBER, personal_refusal_text(r)) : 0;
}

static int read_amount(struct reading *reading, const struct str fields[FIELDS], struct money *ret_amount) {
    struct payment_file_content *content = &reading->content;
    struct currency currency;
    if (currency_parse(fields[CURRENCY], &currency)) return refuse_field(reading, CURRENCY, "no known currency");
    int r = money_parse(fields[AMOUNT], currency, ret_amount);
    if (r) return refuse_field(reading, AMOUNT, money_refusal_text(r));
    if (content->count == 0) content->sum.currency = currency;
    if (!currency_equal(content->sum.currency, currency))
        return refuse_field(reading, CURRENCY, "another currency than in the line before");
    if (checked_add(content->sum.minor, ret_amount->minor, &content->sum.minor))
        return refuse_field(reading, AMOUNT, "the sum of the file is too large");
    return 0;
}

static int read_item(struct reading *reading, struct str line) {
    struct str fields[FIELDS];
    struct payment_order order = { .client_id = { { 0 } } };
    int r = split(reading, line, fields);
    if (!r) r = read_creditor(reading, fields, &order.creditor);
    if (!r) r = read_amount(reading, fields, &order.amount);
    if (r) return r;
    if (fields[REFERENCE].len && payment_reference_parse(fields[REFERENCE], &order.reference))
        return refuse_field(reading, REFERENCE, "want at most 140 bytes of plain text");
    if (fields[END_TO_END].len && end_to_end_id_parse(fields[END_TO_END], &order.end_to_end_id))
        return refuse_field(reading, END_TO_END, "want at most 35 bytes of plain text");
    reading->content.orders[reading->content.count++] = order;
    return 0;
}

static int read_headings(struct reading *reading, struct str line) {
    struct str fields[FIELDS];
    int r = split(reading, line, fields);
    if (r) return r;
    for (int i = 0; i < FIELDS; i++)
        if (!str_equal_c(fields[i], headings[i])) return refuse(reading, "want the headings of a file of payments");
    return 0;
}

static int read_lines(struct reading *reading, struct str text) {
    struct str line;
    while (text.len) {
        reading->line++;
        (void)str_cut(&text, '\n', &line); /* the last line may lack its end */
        if (line.len && line.at[line.len - 1] == '\r') line.len--;
        if (line.len > PAYMENT_FILE_CSV_LINE_BYTES_MAX) return refuse(reading, "the line is too long");
        if (reading->content.count == PAYMENT_FILE_CSV_ITEMS_MAX) return refuse(reading, "too many payments");
        int r = reading->line == 1 ? read_headings(reading, line) : read_item(reading, line);
        if (r) return r;
    }
    return reading->content.count ? 0 : refuse(reading, "no payment in the file");
}

int payment_file_csv_read(struct str text, struct arena *arena, struct payment_file_content *ret_content,
                          struct message *message) {
    struct reading *reading = arena_new(arena, struct reading);
    size_t lines = 1;
    for (size_t i = 0; i < text.len; i++) lines += text.at[i] == '\n';
    if (!reading) return err_origin(-ENOMEM);
    reading->message = message;
    if (text.len > PAYMENT_FILE_CSV_BYTES_MAX) return refuse(reading, "the file is too large");
    if (lines > PAYMENT_FILE_CSV_ITEMS_MAX) lines = PAYMENT_FILE_CSV_ITEMS_MAX;
    reading->content.orders = arena_new_array(arena, struct payment_order, lines);
    if (!reading->content.orders) return err_origin(-ENOMEM);
    int r = read_lines(reading, text);
    if (!r) *ret_content = reading->content;
    return r;
}
