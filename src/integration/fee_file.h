/* fee_file.h - the fee schedule as people write it: policy/fees.json.
 *
 *   {"fees": [{"payment_type": "international", "product": "business", "currency": "GBP",
 *              "fixed": "0.30", "per_mille": 2, "min": "0.50", "max": "25.00"}]}
 *
 * payment_type and currency are needed; product is personal, business or absent (both); amounts are decimals in quotes,
 * absent: none. The first row that fits a payment decides (services/ledger/ledger_fee.h). Tests: fee_file_test.c. */
#ifndef GIRO_INTEGRATION_FEE_FILE_H
#define GIRO_INTEGRATION_FEE_FILE_H

#include "services/ledger/ledger_fee.h"

enum { FEE_FILE_BYTES_MAX = 256 * 1024 };
/* An empty text is an empty schedule. 0; -EINVAL with a sentence in message that names the row; -ENOMEM. */
int fee_file_read(struct str text, struct ledger_fees *ret_fees, struct message *message);

#endif
