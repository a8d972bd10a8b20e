#include "services/fraud/fraud.h"

#include "engine/engine.h"

enum { MS_PER_MINUTE = 60000 };

#define X(code, name) [code] = name,
static const char *const rule_names[FRAUD_RULE_COUNT] = { FRAUD_RULE_MAP(X) };
#undef X

static const struct column columns[] = {
    COLUMN(struct fraud_counter_row, account, I64),
    COLUMN(struct fraud_counter_row, minute, I64),
    COLUMN(struct fraud_counter_row, count, I64),
};
static const struct table_index indexes[] = { { .name = "", .columns = { 0 }, .column_count = 1, .unique = true } };
/* One row an account: the newest minute replaces the one before. */
const struct table fraud_counter_table = {
    .service = "fraud",
    .name = "counter",
    .row_bytes = sizeof(struct fraud_counter_row),
    .columns = columns,
    .column_count = ARRAY_COUNT(columns),
    .indexes = indexes,
    .index_count = ARRAY_COUNT(indexes),
};

const char *fraud_rule_name(enum fraud_rule rule) {
    check(rule < FRAUD_RULE_COUNT);
    return rule_names[rule];
}

void fraud_policy_init(struct fraud_policy *policy) {
    *policy = (struct fraud_policy){ .personal_amount_units = 25000,
                                     .business_amount_units = 1000000,
                                     .personal_per_minute = 30 };
}

static int creditor_order(const void *a, const void *b) {
    return strcmp(a, b);
}

int fraud_policy_read_creditors(struct fraud_policy *policy, struct str text, struct message *message) {
    size_t line_number = 0;
    struct str line;
    bool more = text.len > 0;
    policy->creditor_count = 0;
    while (more) {
        more = str_cut(&text, '\n', &line);
        line = str_trim(line);
        line_number++;
        if (line.len == 0 || line.at[0] == '#') continue;
        if (policy->creditor_count == FRAUD_CREDITORS_MAX ||
            str_to_c(line, policy->creditors[policy->creditor_count], FRAUD_CREDITOR_BYTES_MAX)) {
            message_set(message, "line %zu: at most %d creditors of at most %d characters", line_number,
                        FRAUD_CREDITORS_MAX, FRAUD_CREDITOR_BYTES_MAX - 1);
            return err_origin(-EINVAL);
        }
        policy->creditor_count++;
    }
    qsort(policy->creditors, policy->creditor_count, sizeof policy->creditors[0], creditor_order);
    return 0;
}

static bool creditor_listed(const struct fraud_policy *policy, struct str creditor) {
    char key[FRAUD_CREDITOR_BYTES_MAX];
    if (str_to_c(creditor, key, sizeof key)) return false; /* longer than any listed one */
    return bsearch(key, policy->creditors, policy->creditor_count, sizeof policy->creditors[0], creditor_order) != NULL;
}

/* How many units of the currency make about one pound: the limits are meant in pounds. */
static int64_t currency_factor(struct currency currency) {
    static const struct {
        char code[4];
        int64_t factor;
    } factors[] = {
        { "CZK", 30 }, { "HUF", 450 }, { "JPY", 190 }, { "SEK", 13 },
        { "NOK", 13 }, { "DKK", 9 },   { "PLN", 5 },   { "INR", 105 },
    };
    char text[4];
    struct str code = currency_text(currency, text);
    for (size_t i = 0; i < ARRAY_COUNT(factors); i++)
        if (str_equal_c(code, factors[i].code)) return factors[i].factor;
    return 1;
}

static bool amount_over(const struct fraud_policy *policy, const struct fraud_subject *subject) {
    int64_t limit = subject->business ? policy->business_amount_units : policy->personal_amount_units;
    bool over = checked_mul(limit, currency_factor(subject->amount.currency), &limit);
    for (int i = currency_exponent(subject->amount.currency); i > 0 && !over; i--)
        over = checked_mul(limit, (int64_t)10, &limit);
    return !over && subject->amount.minor > limit; /* a limit beyond int64 limits nothing */
}

void fraud_want(struct work *work, int64_t account_number) {
    struct fraud_counter_row probe = { .account = account_number };
    work_want(work, &fraud_counter_table, 0, &probe);
}

/* Counts the payment in its minute. 0, VIEW_NEED, <0. */
static int count_payment(const struct view *view, int64_t account_number, int64_t *ret_count) {
    struct fraud_counter_row row = { .account = account_number };
    const void *found;
    int64_t minute = view_now_ms(view) / MS_PER_MINUTE;
    int r = view_get(view, &fraud_counter_table, &row, &found);
    if (r) return r;
    if (found) row = *(const struct fraud_counter_row *)found;
    row.count = found && row.minute == minute ? row.count + 1 : 1;
    row.minute = minute;
    r = found ? view_update(view, &fraud_counter_table, &row) : view_insert(view, &fraud_counter_table, &row);
    if (r) return err_trace(r);
    *ret_count = row.count;
    return 0;
}

int fraud_check(struct work *work, const struct fraud_policy *policy, const struct fraud_subject *subject,
                enum fraud_rule *ret_rule) {
    struct view view = view_of(work, "fraud");
    enum fraud_rule rule = FRAUD_CLEAR;
    int64_t count = 0;
    int r = subject->business ? 0 : count_payment(&view, subject->account_number, &count);
    if (r) return r;
    if (creditor_listed(policy, subject->creditor)) rule = FRAUD_CREDITOR;
    else if (amount_over(policy, subject)) rule = FRAUD_AMOUNT;
    else if (count > policy->personal_per_minute) rule = FRAUD_VELOCITY;
    struct event event = { .type = rule == FRAUD_CLEAR ? EVENT_FRAUD_CLEARED : EVENT_FRAUD_FLAGGED,
                           .payment_id = subject->payment_id,
                           .account_id = subject->account_id,
                           .amount = subject->amount,
                           .reason = rule == FRAUD_CLEAR ? PAYMENT_REASON_NONE : PAYMENT_REASON_FRAUD };
    memcpy(event.subject, subject->payment_id.bytes, 16);
    r = view_event(&view, &event);
    if (r) return err_trace(r);
    *ret_rule = rule;
    return 0;
}
