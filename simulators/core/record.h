/* record.h - the fixed-width records of the core banking host, as they stand on the wire (design.md section 7). ASCII
 * throughout.
 *
 * What is longer than its field cannot be said: there is no truncation. Text stands right-justified behind blanks. */
#ifndef GIRO_SIMULATORS_CORE_RECORD_H
#define GIRO_SIMULATORS_CORE_RECORD_H

#include "platform/str.h"

struct txn_record {
    char tag[3]; /* TXN */
    char debtor[20], creditor[20];
    char amount[12]; /* minor units, zero-filled */
    char currency[3];
    char timestamp[14]; /* YYYYMMDDhhmmss UTC */
    char reference[35];
};
struct reference_record {
    char tag[3]; /* ENQ or REV */
    char reference[35];
};
struct answer_record {
    char code[2];
    char core_reference[18]; /* blank unless something is or was booked */
    char timestamp[14];
};
static_assert(sizeof(struct txn_record) == 107 && sizeof(struct reference_record) == 38, "wire format");
static_assert(sizeof(struct answer_record) == 34, "wire format");

enum record_kind { RECORD_TXN, RECORD_ENQ, RECORD_REV };
enum { RECORD_BYTES_MAX = sizeof(struct txn_record) };

/* What the first bytes of a request say. 0: a known tag, *ret_kind and the record's length. -EAGAIN: too few bytes to
 * tell. -EBADMSG: no record begins like this. */
int record_begin(struct str bytes, enum record_kind *ret_kind, size_t *ret_bytes);
/* Whether every field is well-formed: accounts and reference [A-Za-z0-9-] right-justified, not empty; amount and
 * timestamp digits; currency upper-case letters. What is not is no record: the connection closes, nothing is
 * booked. */
bool txn_record_is_sound(const struct txn_record *txn);
bool reference_record_is_sound(const struct reference_record *record);
int64_t txn_record_amount(const struct txn_record *txn); /* minor units; the record is sound */
struct str field_text(const char *field, size_t bytes);  /* without the blanks in front */

#endif
