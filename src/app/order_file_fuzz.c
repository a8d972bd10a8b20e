/* Any bytes as a file of orders: either refused, or every order refers to what is listed. */
#include "app/order_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct arena arena;
    struct order_file file;
    struct iban iban;
    int64_t total = 0;
    if (arena_init(&arena, 64 * 1024, ORDER_FILE_ARENA_BYTES_MAX)) return 0;
    if (order_file_parse(str_from_bytes(bytes, size), &arena, &file, NULL) == 0) {
        for (size_t i = 0; i < file.order_count; i++) {
            check(file.orders[i].account < file.account_count && file.orders[i].bank < file.bank_count);
            check(str_equal(file.banks[file.orders[i].bank], file.orders[i].bank_to));
            check(file.orders[i].amount.minor > 0);
            order_creditor_iban(&file.orders[i], &iban);
        }
        for (size_t i = 0; i < file.account_count; i++) total += file.accounts[i].total_minor;
        check(total == file.total.minor);
    }
    arena_release(&arena);
    return 0;
}
