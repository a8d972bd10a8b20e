#include "app/cmd_ledger_change.h"

#include "app/exit_code.h"
#include "app/operator_call.h"

enum { LEG_PARTS = 4 };

/* A member of the text, when it was given. */
static void member_given(struct operator_call *call, const char *name, const char *text) {
    if (text) json_member_c(&call->writer, name, text);
}

/* A whole number when it was given; false with a sentence when it is none. */
static bool number_given(struct operator_call *call, const char *name, const char *text) {
    uint64_t digits;
    if (!text) return true;
    bool negative = text[0] == '-';
    if (str_to_u64(str_from_c(text + negative), &digits) || digits > INT64_MAX) {
        fprintf(stderr, "giro: %s wants a whole number of minor units, not %s\n", name, text);
        return false;
    }
    json_member_i64(&call->writer, name, negative ? -(int64_t)digits : (int64_t)digits);
    return true;
}

/* "debit,fees/GBP,1.00,GBP" */
static bool leg_put(struct operator_call *call, const char *word) {
    static const char *const names[LEG_PARTS] = { "side", "account", "amount", "currency" };
    struct str rest = str_from_c(word), part;
    json_object_begin(&call->writer);
    for (int i = 0; i < LEG_PARTS; i++) {
        bool cut = str_cut(&rest, ',', &part);
        if (cut != (i < LEG_PARTS - 1)) {
            fprintf(stderr, "giro: a leg is SIDE,ACCOUNT,AMOUNT,CURRENCY, as debit,fees/GBP,1.00,GBP, not %s\n", word);
            return false;
        }
        json_member_str(&call->writer, names[i], cut ? part : rest);
    }
    json_object_end(&call->writer);
    return true;
}

int cmd_ledger_post(int argc, char **argv) {
    struct operator_call call = { .var = NULL };
    const char *booking_day = NULL, *value_day = NULL;
    bool mirror = false;
    const struct option_row rows[] = {
        OPERATOR_CALL_OPTIONS(&call),
        { "booking-day", "DAY", &booking_day, NULL, "an open day, 2026-11-22 (default: the business date)" },
        { "value-day", "DAY", &value_day, NULL, "from when on it counts (default: the booking day)" },
        { "mirror", NULL, NULL, &mirror, "it is what a correspondent's statement shows" },
    };
    struct options options = { .usage = "ledger post LEG LEG... [--booking-day DAY] [--value-day DAY] [--mirror]",
                               .help = "Posts up to 8 legs at once: SIDE,ACCOUNT,AMOUNT,CURRENCY. An account is its "
                                       "number, its id, or one of the bank's own: fees/GBP, nostro/GBP/3.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 2,
                               .words_max = OPTIONS_WORDS_MAX };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    operator_call_begin(&call, "ledger_post");
    member_given(&call, "booking_day", booking_day);
    member_given(&call, "value_day", value_day);
    json_member_bool(&call.writer, "mirror", mirror);
    json_name(&call.writer, "legs");
    json_array_begin(&call.writer);
    for (size_t i = 0; i < options.word_count; i++)
        if (!leg_put(&call, options.words[i])) return EXIT_USAGE;
    json_array_end(&call.writer);
    return operator_call_end(&call);
}

int cmd_ledger_reverse(int argc, char **argv) {
    struct operator_call call = { .var = NULL };
    const char *amount = NULL;
    const struct option_row rows[] = {
        OPERATOR_CALL_OPTIONS(&call),
        { "amount-minor", "N", &amount, NULL, "so much of its first two legs (default: all that is left of all)" },
    };
    struct options options = { .usage = "ledger reverse TRANSACTION [--amount-minor N]",
                               .help = "Takes a transaction back, by its number, with a linked one.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 1,
                               .words_max = 1 };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    operator_call_begin(&call, "ledger_reverse");
    if (!number_given(&call, "transaction", options.words[0]) || !number_given(&call, "amount_minor", amount))
        return EXIT_USAGE;
    return operator_call_end(&call);
}

/* The words of each action behind it, by the names of their members. */
static const struct {
    const char *action;
    const char *words[LEG_PARTS];
    size_t count;
} hold_actions[] = {
    { "reserve", { "account", "amount", "currency" }, 3 },
    { "capture", { "hold_id", "contra", "amount", "currency" }, 4 },
    { "release", { "hold_id" }, 1 },
    { "increase", { "hold_id", "amount", "currency" }, 3 },
    { "extend", { "hold_id" }, 1 },
};

int cmd_ledger_hold(int argc, char **argv) {
    struct operator_call call = { .var = NULL };
    const char *expires = NULL;
    bool final = false;
    const struct option_row rows[] = {
        OPERATOR_CALL_OPTIONS(&call),
        { "expires", "TIME", &expires, NULL, "when it ends, 2026-11-22T12:00:00Z (default: never)" },
        { "final", NULL, NULL, &final, "what a capture leaves goes back" },
    };
    struct options options = { .usage = "ledger hold reserve ACCOUNT AMOUNT CURRENCY | capture HOLD CONTRA AMOUNT "
                                        "CURRENCY | release HOLD | increase HOLD AMOUNT CURRENCY | extend HOLD",
                               .help = "Reserves of an account, and books or gives back what was reserved.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 2,
                               .words_max = LEG_PARTS + 1 };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    size_t at = 0;
    while (at < ARRAY_COUNT(hold_actions) && strcmp(hold_actions[at].action, options.words[0]) != 0) at++;
    if (at == ARRAY_COUNT(hold_actions) || options.word_count != hold_actions[at].count + 1) {
        fprintf(stderr, "giro: giro %s\n", options.usage);
        return EXIT_USAGE;
    }
    operator_call_begin(&call, "ledger_hold");
    json_member_c(&call.writer, "action", hold_actions[at].action);
    for (size_t i = 0; i < hold_actions[at].count; i++)
        json_member_c(&call.writer, hold_actions[at].words[i], options.words[i + 1]);
    member_given(&call, "expires_at", expires);
    json_member_bool(&call.writer, "final", final);
    return operator_call_end(&call);
}

int cmd_ledger_close_day(int argc, char **argv) {
    struct operator_call call = { .var = NULL };
    const struct option_row rows[] = { OPERATOR_CALL_OPTIONS(&call) };
    struct options options = { .usage = "ledger close-day [DAY]",
                               .help = "Closes a day (2026-11-22; default: the business date) and all before it, and "
                                       "seals what stands at its end.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_max = 1 };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    operator_call_begin(&call, "ledger_close_day");
    if (options.word_count) json_member_c(&call.writer, "day", options.words[0]);
    return operator_call_end(&call);
}

/* ---- accounts ---- */

static void account_begin(struct operator_call *call, const char *action, const char *account) {
    operator_call_begin(call, "ledger_account");
    json_member_c(&call->writer, "action", action);
    json_member_c(&call->writer, "account", account);
}

int cmd_account_limits(int argc, char **argv) {
    struct operator_call call = { .var = NULL };
    const char *overdraft = NULL, *floor = NULL, *ceiling = NULL;
    const struct option_row rows[] = {
        OPERATOR_CALL_OPTIONS(&call),
        { "overdraft-minor", "N", &overdraft, NULL, "the overdraft; alone" },
        { "floor-minor", "N", &floor, NULL, "the least it must have" },
        { "ceiling-minor", "N", &ceiling, NULL, "the most it may have" },
    };
    struct options options = { .usage = "accounts limits ACCOUNT [--overdraft-minor N | --floor-minor N "
                                        "--ceiling-minor N]",
                               .help = "Sets the overdraft, or floor and ceiling (those not given are taken away).",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 1,
                               .words_max = 1 };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    if (overdraft && (floor || ceiling)) {
        fprintf(stderr, "giro: an overdraft is set alone\n");
        return EXIT_USAGE;
    }
    account_begin(&call, overdraft ? "overdraft" : "limits", options.words[0]);
    if (!number_given(&call, "amount_minor", overdraft) || !number_given(&call, "floor_minor", floor) ||
        !number_given(&call, "ceiling_minor", ceiling))
        return EXIT_USAGE;
    return operator_call_end(&call);
}

int cmd_account_freeze(int argc, char **argv) {
    struct operator_call call = { .var = NULL };
    bool debits = false, credits = false, thaw = false;
    const struct option_row rows[] = {
        OPERATOR_CALL_OPTIONS(&call),
        { "debits", NULL, NULL, &debits, "debits only (default: both sides)" },
        { "credits", NULL, NULL, &credits, "credits only" },
        { "thaw", NULL, NULL, &thaw, "neither side any more" },
    };
    struct options options = { .usage = "accounts freeze ACCOUNT [--debits | --credits | --thaw]",
                               .help = "A frozen side takes nothing new; holds that stand are honoured.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 1,
                               .words_max = 1 };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    if (debits + credits + thaw > 1) {
        fprintf(stderr, "giro: want one of --debits, --credits and --thaw\n");
        return EXIT_USAGE;
    }
    account_begin(&call, "freeze", options.words[0]);
    json_member_bool(&call.writer, "debits", !thaw && !credits);
    json_member_bool(&call.writer, "credits", !thaw && !debits);
    return operator_call_end(&call);
}

int cmd_account_close(int argc, char **argv) {
    struct operator_call call = { .var = NULL };
    const struct option_row rows[] = { OPERATOR_CALL_OPTIONS(&call) };
    struct options options = { .usage = "accounts close ACCOUNT",
                               .help = "For good; its balance must be zero and nothing held.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 1,
                               .words_max = 1 };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    account_begin(&call, "close", options.words[0]);
    return operator_call_end(&call);
}

int cmd_payment_refund(int argc, char **argv) {
    struct operator_call call = { .var = NULL };
    const struct option_row rows[] = { OPERATOR_CALL_OPTIONS(&call) };
    struct options options = { .usage = "payments refund PAYMENT AMOUNT CURRENCY",
                               .help = "Gives (a part of) a completed payment back to its debtor.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows),
                               .words_min = 3,
                               .words_max = 3 };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    operator_call_begin(&call, "payment_refund");
    json_member_c(&call.writer, "payment_id", options.words[0]);
    json_member_c(&call.writer, "amount", options.words[1]);
    json_member_c(&call.writer, "currency", options.words[2]);
    return operator_call_end(&call);
}
