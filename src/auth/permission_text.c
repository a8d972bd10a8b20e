#include "auth/permission_text.h"

#include "auth/html.h"
#include "wire/json.h"

enum { CLUSTER_WORDS_MAX = 7 };

/* One permission and what it lets be seen; unless: not said when that one, which holds more, is there too. */
struct permission_word {
    const char *permission, *text, *unless;
};
static const struct {
    const char *title;
    struct permission_word words[CLUSTER_WORDS_MAX];
} clusters[] = {
    { "Your account details",
      { { "ReadAccountsDetail", "Names, types and currencies of the accounts, account numbers and sort codes", NULL },
        { "ReadAccountsBasic", "Names, types and currencies of the accounts", "ReadAccountsDetail" },
        { "ReadPAN", "Full card numbers", NULL } } },
    { "Your balances", { { "ReadBalances", "How much money is in the accounts", NULL } } },
    { "Your payments in and out",
      { { "ReadTransactionsCredits", "Payments into the accounts", NULL },
        { "ReadTransactionsDebits", "Payments out of the accounts", NULL },
        { "ReadTransactionsDetail", "Whom each payment was to or from, and its reference", NULL },
        { "ReadTransactionsBasic", "Date and amount of each payment", "ReadTransactionsDetail" } } },
    { "Your statements",
      { { "ReadStatementsDetail", "Your statements, with every payment in them", NULL },
        { "ReadStatementsBasic", "Your statements, without the single payments", "ReadStatementsDetail" } } },
    { "Your regular payments",
      { { "ReadDirectDebits", "Your direct debits", NULL },
        { "ReadStandingOrdersDetail", "Your standing orders and whom they are to", NULL },
        { "ReadStandingOrdersBasic", "Your standing orders", "ReadStandingOrdersDetail" },
        { "ReadScheduledPaymentsDetail", "Payments planned for a later day and whom they are to", NULL },
        { "ReadScheduledPaymentsBasic", "Payments planned for a later day", "ReadScheduledPaymentsDetail" },
        { "ReadBeneficiariesDetail", "People and companies you have saved, with their account numbers", NULL },
        { "ReadBeneficiariesBasic", "People and companies you have saved", "ReadBeneficiariesDetail" } } },
    { "Account features and offers",
      { { "ReadProducts", "Fees, interest and benefits of the accounts", NULL },
        { "ReadOffers", "Offers that the bank makes you", NULL } } },
    { "Who you are",
      { { "ReadPartyPSU", "Your name", NULL }, { "ReadParty", "The names of the holders of the accounts", NULL } } },
};

static bool has(const struct json *permissions, const char *permission) {
    for (size_t i = 0; i < json_count(permissions); i++)
        if (str_equal_c(json_string(json_at(permissions, i)), permission)) return true;
    return false;
}

static bool is_said(const struct json *permissions, const struct permission_word *word) {
    return word->permission && has(permissions, word->permission) && !(word->unless && has(permissions, word->unless));
}

static void heading(struct buffer *out, const char *title, int level) {
    buffer_printf(out, "<h%d>%s</h%d>\n<ul>\n", level, title, level);
}

static void write_cluster(struct buffer *out, size_t cluster, const struct json *permissions, int level) {
    bool begun = false;
    for (size_t i = 0; i < CLUSTER_WORDS_MAX; i++) {
        const struct permission_word *word = &clusters[cluster].words[i];
        if (!is_said(permissions, word)) continue;
        if (!begun) heading(out, clusters[cluster].title, level);
        begun = true;
        buffer_printf(out, "<li>%s</li>\n", word->text);
    }
    if (begun) buffer_append_c(out, "</ul>\n");
}

static bool is_known(struct str permission) {
    for (size_t i = 0; i < ARRAY_COUNT(clusters); i++)
        for (size_t k = 0; k < CLUSTER_WORDS_MAX && clusters[i].words[k].permission; k++)
            if (str_equal_c(permission, clusters[i].words[k].permission)) return true;
    return false;
}

static void write_unknown(struct buffer *out, const struct json *permissions, int level) {
    bool begun = false;
    for (size_t i = 0; i < json_count(permissions); i++) {
        struct str permission = json_string(json_at(permissions, i));
        if (is_known(permission)) continue;
        if (!begun) heading(out, "Also", level);
        begun = true;
        buffer_append_c(out, "<li>");
        html_foreign(out, permission);
        buffer_append_c(out, "</li>\n");
    }
    if (begun) buffer_append_c(out, "</ul>\n");
}

/* The day of a date-time as its text has it; empty when it is none. */
static struct str day_of(const struct json *data, const char *name) {
    struct str text = json_get_string(data, name);
    int64_t day;
    return text.len >= 10 && civil_parse(str_slice(text, 0, 10), &day) == 0 ? str_slice(text, 0, 10)
                                                                            : (struct str){ 0 };
}

static void put_day(struct buffer *out, const char *before, struct str text) {
    int64_t day;
    if (civil_parse(text, &day)) return;
    buffer_append_c(out, before);
    html_day(out, day);
}

static void write_days(struct buffer *out, const struct json *data, const struct json *permissions) {
    struct str from = day_of(data, "TransactionFromDateTime"), to = day_of(data, "TransactionToDateTime");
    if (!has(permissions, "ReadTransactionsCredits") && !has(permissions, "ReadTransactionsDebits")) return;
    if (from.len == 0 && to.len == 0) return;
    buffer_append_c(out, "<p>Payments");
    put_day(out, " from ", from);
    put_day(out, " up to ", to);
    buffer_append_c(out, " only.</p>\n");
}

int permission_text_write(struct buffer *out, struct str document, int heading_level, struct arena *arena) {
    const struct json *data;
    check(heading_level >= 2 && heading_level <= 4);
    int r = json_parse_arena(document, document.len, JSON_DEPTH_MAX, arena, &data);
    if (r) return err_fold(r);
    const struct json *permissions = json_get(data, "Permissions");
    for (size_t i = 0; i < ARRAY_COUNT(clusters); i++) write_cluster(out, i, permissions, heading_level);
    write_unknown(out, permissions, heading_level);
    write_days(out, data, permissions);
    return 0;
}
