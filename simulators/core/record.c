#include "simulators/core/record.h"

static const struct {
    struct str tag;
    size_t bytes;
} records[] = {
    [RECORD_TXN] = { STR_INIT("TXN"), sizeof(struct txn_record) },
    [RECORD_ENQ] = { STR_INIT("ENQ"), sizeof(struct reference_record) },
    [RECORD_REV] = { STR_INIT("REV"), sizeof(struct reference_record) },
};

int record_begin(struct str bytes, enum record_kind *ret_kind, size_t *ret_bytes) {
    bool possible = false;
    for (size_t i = 0; i < ARRAY_COUNT(records); i++) {
        struct str tag = records[i].tag;
        if (str_starts(bytes, tag)) {
            *ret_kind = (enum record_kind)i;
            *ret_bytes = records[i].bytes;
            return 0;
        }
        possible = possible || str_starts(tag, bytes);
    }
    return possible ? -EAGAIN : -EBADMSG;
}

struct str field_text(const char *field, size_t bytes) {
    struct str text = str_from_bytes(field, bytes);
    while (text.len && text.at[0] == ' ') text = str_slice(text, 1, text.len);
    return text;
}

static bool all_between(const char *field, size_t bytes, char low, char high) {
    for (size_t i = 0; i < bytes; i++)
        if (field[i] < low || field[i] > high) return false;
    return true;
}

static bool is_name(const char *field, size_t bytes) {
    struct str text = field_text(field, bytes);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-')) return false;
    }
    return text.len > 0;
}

bool txn_record_is_sound(const struct txn_record *txn) {
    return is_name(txn->debtor, sizeof txn->debtor) && is_name(txn->creditor, sizeof txn->creditor) &&
           is_name(txn->reference, sizeof txn->reference) && all_between(txn->amount, sizeof txn->amount, '0', '9') &&
           all_between(txn->currency, sizeof txn->currency, 'A', 'Z') &&
           all_between(txn->timestamp, sizeof txn->timestamp, '0', '9');
}

bool reference_record_is_sound(const struct reference_record *record) {
    return is_name(record->reference, sizeof record->reference);
}

int64_t txn_record_amount(const struct txn_record *txn) {
    int64_t minor = 0;
    for (size_t i = 0; i < sizeof txn->amount; i++) minor = minor * 10 + (txn->amount[i] - '0');
    return minor;
}
