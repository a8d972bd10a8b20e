#include "integration/acl/core_transfer.h"

int core_transfer_make(const struct payment_row *payment, const struct account_row *debtor, int64_t recorded_ms,
                       struct core_transfer *ret_transfer) {
    struct core_transfer transfer = { .amount = { .minor = payment->amount_minor,
                                                  .currency = { .code = (uint32_t)payment->currency } },
                                      .recorded_ms = recorded_ms };
    memcpy(transfer.payment_id.bytes, payment->payment_id, 16);
    int r = core_account_make(debtor->iban, debtor->sort_code, debtor->account_number, &transfer.debtor);
    if (!r)
        r = core_account_make(payment->creditor_iban, payment->creditor_sort_code, payment->creditor_account_number,
                              &transfer.creditor);
    if (!r) *ret_transfer = transfer;
    return r;
}
