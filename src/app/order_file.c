#include "app/order_file.h"

enum { COLUMN_COUNT = 6, BBAN_BYTES = 20 };

enum column { COLUMN_ORDER_ID, COLUMN_ACCOUNT_ID, COLUMN_BANK_TO, COLUMN_ACCOUNT_TO, COLUMN_AMOUNT, COLUMN_K_SYMBOL };
static const char *const column_names[COLUMN_COUNT] = { "order_id",   "account_id", "bank_to",
                                                        "account_to", "amount",     "k_symbol" };

struct parser {
    struct arena *arena;
    struct message *message;
    size_t line; /* counts from 1 */
};

/* While lists are made: the values an order refers to, before they have an index. */
struct order_names {
    uint64_t account_id;
    struct order *order;
    size_t line;
};

static int refuse(const struct parser *parser, enum column column, const char *what) {
    message_set(parser->message, "line %zu, column %d (%s): %s", parser->line, (int)column + 1, column_names[column],
                what);
    return ORDER_FILE_E_INVALID;
}

static int refuse_line(const struct parser *parser, const char *what) {
    message_set(parser->message, "line %zu: %s", parser->line, what);
    return ORDER_FILE_E_INVALID;
}

/* --- one field --- */

static bool is_digits(struct str text) {
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < '0' || text.at[i] > '9') return false;
    return text.len > 0;
}

static int read_number(const struct parser *parser, enum column column, struct str field, uint64_t *ret_number) {
    if (field.len > ORDER_DIGITS_MAX || str_to_u64(field, ret_number) || *ret_number == 0)
        return refuse(parser, column, "must be a whole number above 0 with at most 10 digits");
    return 0;
}

static int read_text(const struct parser *parser, enum column column, struct str field, struct str *ret_text) {
    if (field.len < 2 || field.at[0] != '"' || field.at[field.len - 1] != '"')
        return refuse(parser, column, "must stand in double quotes");
    struct str text = str_slice(field, 1, field.len - 1);
    if (text.len > ORDER_TEXT_BYTES_MAX) return refuse(parser, column, "is longer than 32 bytes");
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < ' ' || text.at[i] > '~' || text.at[i] == '"')
            return refuse(parser, column, "holds a character that may not stand there");
    *ret_text = text;
    return 0;
}

static int read_bank(const struct parser *parser, struct str field, struct str *ret_bank) {
    int r = read_text(parser, COLUMN_BANK_TO, field, ret_bank);
    if (r) return r;
    for (size_t i = 0; i < ret_bank->len; i++)
        if (ret_bank->at[i] < 'A' || ret_bank->at[i] > 'Z')
            return refuse(parser, COLUMN_BANK_TO, "must be capital letters");
    return ret_bank->len ? 0 : refuse(parser, COLUMN_BANK_TO, "is empty");
}

static int read_account_to(const struct parser *parser, struct str field, struct str *ret_account) {
    int r = read_text(parser, COLUMN_ACCOUNT_TO, field, ret_account);
    if (r) return r;
    if (!is_digits(*ret_account) || ret_account->len > ORDER_DIGITS_MAX)
        return refuse(parser, COLUMN_ACCOUNT_TO, "must be 1 to 10 digits");
    return 0;
}

static int read_amount(const struct parser *parser, struct str field, struct money *ret_amount) {
    struct currency currency;
    if (currency_parse(STR("CZK"), &currency)) return err_origin(-EPROTO);
    int r = money_parse(field, currency, ret_amount);
    return r > 0 ? refuse(parser, COLUMN_AMOUNT, money_refusal_text(r)) : r;
}

/* --- one line --- */

/* Cuts at every semicolon outside quotes. */
static int split_line(const struct parser *parser, struct str line, struct str fields[COLUMN_COUNT]) {
    size_t count = 0, from = 0;
    bool quoted = false;
    for (size_t i = 0; i <= line.len; i++) {
        if (i < line.len && line.at[i] == '"') quoted = !quoted;
        if (i < line.len && (quoted || line.at[i] != ';')) continue;
        if (count == COLUMN_COUNT) return refuse_line(parser, "more than 6 columns");
        fields[count++] = str_slice(line, from, i);
        from = i + 1;
    }
    if (quoted) return refuse(parser, (enum column)(count - 1), "a quote is not closed");
    return count < COLUMN_COUNT ? refuse(parser, (enum column)count, "is missing") : 0;
}

static int read_heading(const struct parser *parser, struct str line) {
    struct str fields[COLUMN_COUNT], name;
    int r = split_line(parser, line, fields);
    for (int i = 0; i < COLUMN_COUNT && !r; i++) {
        r = read_text(parser, (enum column)i, fields[i], &name);
        if (!r && !str_equal_c(name, column_names[i])) r = refuse(parser, (enum column)i, "is named differently");
    }
    return r;
}

static int read_order(const struct parser *parser, struct str line, struct order *order, uint64_t *ret_account_id) {
    struct str fields[COLUMN_COUNT], symbol;
    int r = split_line(parser, line, fields);
    if (!r) r = read_number(parser, COLUMN_ORDER_ID, fields[COLUMN_ORDER_ID], &order->order_id);
    if (!r) r = read_number(parser, COLUMN_ACCOUNT_ID, fields[COLUMN_ACCOUNT_ID], ret_account_id);
    if (!r) r = read_bank(parser, fields[COLUMN_BANK_TO], &order->bank_to);
    if (!r) r = read_account_to(parser, fields[COLUMN_ACCOUNT_TO], &order->account_to);
    if (!r) r = read_amount(parser, fields[COLUMN_AMOUNT], &order->amount);
    if (!r) r = read_text(parser, COLUMN_K_SYMBOL, fields[COLUMN_K_SYMBOL], &symbol);
    return r;
}

/* The next line without its end; false when there is none. */
static bool next_line(struct str *text, struct str *ret_line) {
    if (text->len == 0) return false;
    (void)str_cut(text, '\n', ret_line); /* without a line end the rest is the last line */
    if (ret_line->len && ret_line->at[ret_line->len - 1] == '\r') ret_line->len--;
    return true;
}

/* --- the lists --- */

static int compare_accounts(const void *a, const void *b) {
    const struct order_names *x = a, *y = b;
    return (x->account_id > y->account_id) - (x->account_id < y->account_id);
}

static int compare_banks(const void *a, const void *b) {
    const struct order_names *x = a, *y = b;
    return str_compare(x->order->bank_to, y->order->bank_to);
}

static int compare_ids(const void *a, const void *b) {
    const struct order_names *x = a, *y = b;
    if (x->order->order_id != y->order->order_id) return x->order->order_id > y->order->order_id ? 1 : -1;
    return (x->line > y->line) - (x->line < y->line);
}

static int check_ids(struct parser *parser, struct order_names *names, size_t count) {
    qsort(names, count, sizeof *names, compare_ids);
    for (size_t i = 1; i < count; i++)
        if (names[i].order->order_id == names[i - 1].order->order_id) {
            parser->line = names[i].line;
            return refuse(parser, COLUMN_ORDER_ID, "stands in an earlier line already");
        }
    return 0;
}

static int list_banks(const struct parser *parser, struct order_file *file, struct order_names *names) {
    qsort(names, file->order_count, sizeof *names, compare_banks);
    file->banks = arena_new_array(parser->arena, struct str, ORDER_FILE_BANKS_MAX);
    if (!file->banks) return err_origin(-ENOMEM);
    for (size_t i = 0; i < file->order_count; i++) {
        struct order *order = names[i].order;
        if (!file->bank_count || !str_equal(file->banks[file->bank_count - 1], order->bank_to)) {
            if (file->bank_count == ORDER_FILE_BANKS_MAX) {
                message_set(parser->message, "more than %d banks", ORDER_FILE_BANKS_MAX);
                return ORDER_FILE_E_INVALID;
            }
            file->banks[file->bank_count++] = order->bank_to;
        }
        order->bank = file->bank_count - 1;
    }
    return 0;
}

static int list_accounts(const struct parser *parser, struct order_file *file, struct order_names *names) {
    qsort(names, file->order_count, sizeof *names, compare_accounts);
    file->accounts = arena_new_array(parser->arena, struct order_account, file->order_count);
    if (!file->accounts) return err_origin(-ENOMEM);
    for (size_t i = 0; i < file->order_count; i++) {
        struct order *order = names[i].order;
        if (!file->account_count || file->accounts[file->account_count - 1].account_id != names[i].account_id)
            file->accounts[file->account_count++].account_id = names[i].account_id;
        order->account = file->account_count - 1;
        file->accounts[order->account].total_minor += order->amount.minor; /* bounded by the total of all */
    }
    return 0;
}

static int add_up(const struct parser *parser, struct order_file *file) {
    file->total = (struct money){ .currency = file->orders[0].amount.currency };
    for (size_t i = 0; i < file->order_count; i++)
        if (money_add(file->total, file->orders[i].amount, &file->total)) {
            message_set(parser->message, "the orders add up to more than can be counted");
            return ORDER_FILE_E_INVALID;
        }
    return 0;
}

static size_t count_lines(struct str text) {
    struct str line;
    size_t count = 0;
    while (next_line(&text, &line)) count++;
    return count;
}

static int read_orders(struct parser *parser, struct str text, struct order_file *file, struct order_names *names) {
    struct str line;
    int r = 0;
    while (!r && next_line(&text, &line)) {
        struct order *order = &file->orders[file->order_count];
        parser->line++;
        names[file->order_count] = (struct order_names){ .order = order, .line = parser->line };
        r = read_order(parser, line, order, &names[file->order_count].account_id);
        file->order_count += !r;
    }
    return r;
}

int order_file_parse(struct str text, struct arena *arena, struct order_file *ret_file, struct message *message) {
    struct parser parser = { .arena = arena, .message = message, .line = 1 };
    struct order_file file = { .order_count = 0 };
    struct str line;
    if (text.len > ORDER_FILE_BYTES_MAX) return refuse_line(&parser, "the file is larger than 16 MiB");
    if (!next_line(&text, &line)) return refuse_line(&parser, "the file is empty");
    int r = read_heading(&parser, line);
    if (r) return r;
    size_t count = count_lines(text);
    if (count == 0) return refuse_line(&parser, "no order follows");
    if (count > ORDER_FILE_ORDERS_MAX) {
        message_set(message, "more than %d orders", ORDER_FILE_ORDERS_MAX);
        return ORDER_FILE_E_INVALID;
    }
    struct order_names *names = arena_new_array(arena, struct order_names, count);
    file.orders = arena_new_array(arena, struct order, count);
    if (!names || !file.orders) return err_origin(-ENOMEM);
    r = read_orders(&parser, text, &file, names);
    if (!r) r = check_ids(&parser, names, file.order_count);
    if (!r) r = add_up(&parser, &file);
    if (!r) r = list_banks(&parser, &file, names);
    if (!r) r = list_accounts(&parser, &file, names);
    if (r) return err_trace(r);
    *ret_file = file;
    return 0;
}

/* --- account numbers --- */

static void czech_iban(uint64_t bank_code, uint64_t account, struct iban *ret_iban) {
    char bban[BBAN_BYTES + 1];
    check(bank_code <= 9999 && account <= 9999999999u);
    int len = snprintf(bban, sizeof bban, "%04llu000000%010llu", (unsigned long long)bank_code,
                       (unsigned long long)account);
    check(len == BBAN_BYTES);
    check(iban_make(STR("CZ"), str_from_c(bban), ret_iban) == 0); /* digits of the right length always make one */
}

void order_debtor_iban(uint64_t account_id, struct iban *ret_iban) {
    czech_iban(ORDER_BANK_CODE_OWN, account_id, ret_iban);
}

void order_creditor_iban(const struct order *order, struct iban *ret_iban) {
    uint64_t account = 0;
    for (size_t i = 0; i < order->account_to.len; i++) /* leading zeros are part of no number */
        account = account * 10 + (uint64_t)(order->account_to.at[i] - '0');
    czech_iban(ORDER_BANK_CODE_FIRST + order->bank, account, ret_iban);
}
