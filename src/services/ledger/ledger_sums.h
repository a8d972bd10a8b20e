/* ledger_sums.h - what a verification adds up: exact sums, a table of accounts, a table of currencies. Private to the
 * ledger. */
#ifndef GIRO_SERVICES_LEDGER_LEDGER_SUMS_H
#define GIRO_SERVICES_LEDGER_LEDGER_SUMS_H

#include "services/ledger/ledger_verify.h"

/* A sum of any number of int64: 128 bits, two's complement. */
struct wide {
    uint64_t low;
    int64_t high;
};
void wide_add(struct wide *sum, int64_t value);
/* The distance from zero, INT64_MAX when it is larger. */
int64_t wide_distance(const struct wide *sum);
int64_t distance_add(int64_t a, int64_t b); /* both >= 0; stays at INT64_MAX */

struct account_sum {
    int64_t number, currency;
    struct wide sum;     /* of its entries */
    int64_t after_minor; /* balance_after of its last entry */
    int64_t entry_count;
    struct wide held, incoming; /* of its active holds */
    bool used, has_row;
};
struct account_sums {
    struct account_sum *slots; /* open addressing, a power of two */
    size_t slot_count, count;
};
void account_sums_release(struct account_sums *sums);
/* The account's sums, made with zeros when first met (currency: as given then). 0, -ENOMEM, -E2BIG. Borrowed until the
 * next call. */
int account_sums_take(struct account_sums *sums, int64_t number, int64_t currency, struct account_sum **ret_sum);

/* What was captured for each hold, by its id. */
struct id_sum {
    uint8_t id[16];       /* zero: an empty slot */
    int64_t account_side; /* account * 2 + side */
    int64_t left_minor;   /* what its row says was captured, less what the entries show */
};
struct id_sums {
    struct id_sum *slots; /* open addressing, a power of two */
    size_t slot_count, count;
};
void id_sums_release(struct id_sums *sums);
/* As account_sums_take. id: not zero. */
int id_sums_take(struct id_sums *sums, const uint8_t id[16], struct id_sum **ret_sum);
struct id_sum *id_sums_find(const struct id_sums *sums, const uint8_t id[16]); /* NULL: none */

struct currency_sums {
    struct {
        int64_t currency;
        struct wide entries, posted;
    } rows[LEDGER_VERIFY_CURRENCIES_MAX];
    size_t count;
};
/* The row of a currency, made when first met; NULL when there are too many. */
struct wide *currency_sums_entries(struct currency_sums *sums, int64_t currency);
struct wide *currency_sums_posted(struct currency_sums *sums, int64_t currency);

#endif
