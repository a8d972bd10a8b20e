#include "integration/acl/core_record.h"

#include "platform/clock.h"
#include "platform/file.h"
#include "wire/fixed_width.h"

static_assert((int)CORE_RECORD_BYTES_MAX >= (int)FIXED_WIDTH_RECORD_BYTES_MAX, "any record fits");
static_assert((int)CORE_LAYOUT_BYTES_MAX <= (int)FIXED_WIDTH_LAYOUT_BYTES_MAX, "what is read may be loaded");

static int load_one(const char *folder, const char *name, struct fixed_width **ret_layout, struct message *message) {
    char path[FILE_PATH_BYTES_MAX];
    struct message why = { "" };
    struct arena arena;
    struct str text;
    int len = snprintf(path, sizeof path, "%s/%s.json", folder, name);
    if (len < 0 || (size_t)len >= sizeof path) return err_origin(-ENAMETOOLONG);
    int r = arena_init(&arena, 4096, CORE_LAYOUT_BYTES_MAX + 64);
    if (r) return err_trace(r);
    r = file_read_all(path, CORE_LAYOUT_BYTES_MAX, &arena, &text, message);
    if (!r) {
        r = fixed_width_load(text, ret_layout, &why);
        if (r > 0) {
            message_set(message, "%.300s: %.150s; correct the layout", path, why.text);
            r = err_origin(-EINVAL);
        }
    }
    arena_release(&arena);
    return err_trace(r);
}

static bool fits(const struct fixed_width *layout, const char *field, const char *text) {
    return fixed_width_fits(layout, (struct fixed_width_value){ str_from_c(field), str_from_c(text) }) == 0;
}

/* Whether the layouts hold exactly what core_carries.h says. */
static bool limits_agree(const struct core_records *records) {
    static const char account[] = "ABCDEFGHIJ12345678901", digits[] = "9999999999999";
    static_assert(sizeof account - 1 == CORE_ACCOUNT_BYTES_MAX + 1, "one too many");
    static_assert(sizeof digits - 1 == CORE_AMOUNT_DIGITS_MAX + 1, "one too many");
    static const char *const parties[] = { "debtor", "creditor" };
    for (size_t i = 0; i < ARRAY_COUNT(parties); i++)
        if (!fits(records->txn, parties[i], account + 1) || fits(records->txn, parties[i], account)) return false;
    return fits(records->txn, "amount", digits + 1) && !fits(records->txn, "amount", digits);
}

int core_records_load(struct core_records *records, const char *folder, struct message *message) {
    *records = (struct core_records){ 0 };
    int r = load_one(folder, "txn", &records->txn, message);
    if (!r) r = load_one(folder, "enq", &records->enq, message);
    if (!r) r = load_one(folder, "rev", &records->rev, message);
    if (!r) r = load_one(folder, "answer", &records->answer, message);
    if (!r && !limits_agree(records)) {
        message_set(message, "%.300s/txn.json: debtor and creditor must hold %d characters, amount %d digits", folder,
                    CORE_ACCOUNT_BYTES_MAX, CORE_AMOUNT_DIGITS_MAX);
        r = err_origin(-EINVAL);
    }
    if (r) core_records_release(records);
    return err_trace(r);
}

void core_records_release(struct core_records *records) {
    records->txn = fixed_width_free(records->txn);
    records->enq = fixed_width_free(records->enq);
    records->rev = fixed_width_free(records->rev);
    records->answer = fixed_width_free(records->answer);
}

static int encode(const struct fixed_width *layout, const struct fixed_width_value *values, size_t count,
                  struct buffer *out) {
    int r = fixed_width_encode(layout, values, count, out, NULL);
    return r > 0 || out->overflow ? err_origin(-EINVAL) : err_trace(r);
}

int core_record_txn(const struct core_records *records, const struct core_transfer *transfer, struct buffer *out) {
    char reference[ID_HEX_BYTES], timestamp[CLOCK_TEXT_BYTES], currency[4], amount[24];
    struct buffer amount_text;
    if (transfer->amount.minor <= 0 || transfer->recorded_ms < 0) return err_origin(-EINVAL);
    buffer_init(&amount_text, amount, sizeof amount);
    buffer_append_i64(&amount_text, transfer->amount.minor);
    const struct fixed_width_value values[] = {
        { STR("debtor"), core_account_reveal(&transfer->debtor) },
        { STR("creditor"), core_account_reveal(&transfer->creditor) },
        { STR("amount"), buffer_str(&amount_text) },
        { STR("currency"), currency_text(transfer->amount.currency, currency) },
        { STR("timestamp"), clock_format_compact(transfer->recorded_ms, timestamp) },
        { STR("reference"), id_format_hex(transfer->payment_id.bytes, reference) },
    };
    return err_trace(encode(records->txn, values, ARRAY_COUNT(values), out));
}

static int encode_reference(const struct fixed_width *layout, const struct payment_id *payment_id, struct buffer *out) {
    char reference[ID_HEX_BYTES];
    const struct fixed_width_value value = { STR("reference"), id_format_hex(payment_id->bytes, reference) };
    return err_trace(encode(layout, &value, 1, out));
}

int core_record_enq(const struct core_records *records, const struct payment_id *payment_id, struct buffer *out) {
    return err_trace(encode_reference(records->enq, payment_id, out));
}

int core_record_rev(const struct core_records *records, const struct payment_id *payment_id, struct buffer *out) {
    return err_trace(encode_reference(records->rev, payment_id, out));
}

size_t core_record_answer_bytes(const struct core_records *records) {
    return fixed_width_bytes(records->answer);
}

int core_record_answer(const struct core_records *records, struct str bytes, struct core_record_answer *ret_answer) {
    struct core_record_answer answer;
    struct fixed_width_values values;
    if (fixed_width_decode(records->answer, bytes, &values, NULL)) return err_origin(-EBADMSG);
    if (str_to_c(fixed_width_get(&values, "code"), answer.code, sizeof answer.code) ||
        str_to_c(fixed_width_get(&values, "core_reference"), answer.core_reference, sizeof answer.core_reference) ||
        str_to_c(fixed_width_get(&values, "timestamp"), answer.timestamp, sizeof answer.timestamp))
        return err_origin(-EBADMSG);
    if (str_equal_c(STR("00"), answer.code) && answer.core_reference[0] == 0) return err_origin(-EBADMSG);
    *ret_answer = answer;
    return 0;
}
