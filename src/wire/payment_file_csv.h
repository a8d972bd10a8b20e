/* payment_file_csv.h - a file of payments as a bank's customer writes it: one line of headings, then one payment a
 * line.
 *
 *     creditor_name,iban,sort_code,account_number,amount,currency,reference,end_to_end_id
 *     Jane Doe,,200000,55779911,19.99,GBP,invoice 7,
 *     "Doe, John",DE89370400440532013000,,,100.00,GBP,,E2E-1
 *
 * RFC 4180: fields may stand in double quotes, in which "" is one quote; lines end in LF or CRLF; the last may lack its
 * end. No field spans lines. (V1) Read whole or refused with the line and the field; the values are never quoted in a
 * message (they are personal). (V2) All amounts are in one currency and their sum fits. Tests: payment_file_csv_test.c,
 * v1..v2. */
#ifndef GIRO_WIRE_PAYMENT_FILE_CSV_H
#define GIRO_WIRE_PAYMENT_FILE_CSV_H

#include "domain/payment_order.h"
#include "platform/arena.h"

enum {
    PAYMENT_FILE_CSV_BYTES_MAX = 768 * 1024,
    PAYMENT_FILE_CSV_LINE_BYTES_MAX = 2048,
    PAYMENT_FILE_CSV_ITEMS_MAX = 4000,
};

#define PAYMENT_FILE_CSV_E_MAP(X) X(PAYMENT_FILE_CSV_E_FORMAT, "file_not_understood")
#define X(code, name) code,
enum payment_file_csv_refusal { PAYMENT_FILE_CSV_E_NONE = 0, PAYMENT_FILE_CSV_E_MAP(X) PAYMENT_FILE_CSV_E_COUNT };
#undef X

struct payment_file_content {
    struct payment_order *orders; /* creditor, amount, reference, end_to_end_id; in the arena */
    size_t count;                 /* 1..PAYMENT_FILE_CSV_ITEMS_MAX */
    struct money sum;
};
/* 0; PAYMENT_FILE_CSV_E_FORMAT with a sentence in message (may be NULL); -ENOMEM. */
int payment_file_csv_read(struct str text, struct arena *arena, struct payment_file_content *ret_content,
                          struct message *message);

#endif
