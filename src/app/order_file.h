/* order_file.h - files of payment orders in the Berka format (PKDD'99): one order a line.
 *
 *   "order_id";"account_id";"bank_to";"account_to";"amount";"k_symbol"
 *   29401;1;"YZ";"87144583";2452.00;"SIPO"
 *
 * The first line names the columns, these six in this order. Lines end in LF or CR LF, the last one may do without.
 * Fields are separated by semicolons; text stands in double quotes and holds none; numbers are bare digits without
 * leading zeros; an amount has a decimal point and is in CZK. Pure: bytes in, orders out.
 *
 * (F1) An order id comes once: it is the order's idempotency key. (F2) Orders stay in the order of the file; banks and
 * accounts are sorted, and each order says which of them it names. */
#ifndef GIRO_APP_ORDER_FILE_H
#define GIRO_APP_ORDER_FILE_H

#include "domain/money.h"
#include "domain/personal.h"
#include "platform/arena.h"

enum {
    ORDER_FILE_BYTES_MAX = 16 * 1024 * 1024,
    ORDER_FILE_ORDERS_MAX = 200000,
    ORDER_FILE_BANKS_MAX = 1000,      /* bank codes 9000 to 9999 */
    ORDER_FILE_ARENA_BYTES_MAX = 64 * 1024 * 1024, /* enough for any file within the limits */
    ORDER_TEXT_BYTES_MAX = 32,        /* bank_to, k_symbol */
    ORDER_DIGITS_MAX = 10,            /* order_id, account_id, account_to: what a Czech account number holds */
    ORDER_BANK_CODE_FIRST = 9000,     /* of the creditors' banks */
    ORDER_BANK_CODE_OWN = 8888,       /* of the debtors' accounts */
};

struct order {
    uint64_t order_id;
    struct str bank_to, account_to; /* borrowed from the text; account_to: 1 to 10 digits */
    struct money amount;            /* CZK, > 0 */
    size_t account;                 /* index into accounts */
    size_t bank;                    /* index into banks */
};
struct order_account {
    uint64_t account_id;
    int64_t total_minor; /* of its orders */
};
struct order_file {
    struct order *orders;
    struct order_account *accounts; /* by account_id */
    struct str *banks;              /* by byte */
    size_t order_count, account_count, bank_count;
    struct money total;
};

#define ORDER_FILE_E_MAP(X) X(ORDER_FILE_E_INVALID, "not a file of orders")
#define X(code, name) code,
enum order_file_refusal { ORDER_FILE_E_NONE = 0, ORDER_FILE_E_MAP(X) ORDER_FILE_E_COUNT };
#undef X

/* text must outlive the file, whose lists lie in arena. 0; ORDER_FILE_E_INVALID with line and column named in message
 * (may be NULL), also over a limit; -ENOMEM when the arena is full. */
int order_file_parse(struct str text, struct arena *arena, struct order_file *ret_file, struct message *message)
    MUST_USE;

/* CZ, bank 8888, prefix 000000, the account id in ten digits. */
void order_debtor_iban(uint64_t account_id, struct iban *ret_iban);
/* CZ, bank 9000 + the index of the bank, prefix 000000, account_to in ten digits. */
void order_creditor_iban(const struct order *order, struct iban *ret_iban);

#endif
