/* payment_file_csv_fuzz.c - any bytes as a file of payments: read or refused, and what was read is in order. */
#include "wire/payment_file_csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct arena arena;
    struct payment_file_content content;
    struct message message;
    if (arena_init(&arena, 64 * 1024, 16 * 1024 * 1024)) return 0;
    if (payment_file_csv_read(str_from_bytes(bytes, size), &arena, &content, &message) == 0) {
        struct money sum = { .currency = content.sum.currency };
        check(content.count >= 1 && content.count <= PAYMENT_FILE_CSV_ITEMS_MAX);
        for (size_t i = 0; i < content.count; i++) {
            const struct payment_order *order = &content.orders[i];
            check(order->amount.minor > 0 && !personal_is_none(&order->creditor.name));
            check(money_add(sum, order->amount, &sum) == 0);
        }
        check(sum.minor == content.sum.minor);
    }
    arena_release(&arena);
    return 0;
}
