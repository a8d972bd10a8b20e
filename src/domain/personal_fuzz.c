/* personal_fuzz.c - any bytes as any kind of personal data: what is accepted is accepted again, unchanged. */
#include "domain/personal.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define ROUND_TRIP(type, text)                                                                                         \
    do {                                                                                                               \
        struct type value, again;                                                                                      \
        if (type##_parse(text, &value)) break;                                                                         \
        check(value.len > 0 && value.len <= sizeof value.at);                                                          \
        check(type##_parse(type##_reveal(&value), &again) == 0);                                                       \
        check(str_equal(type##_reveal(&value), type##_reveal(&again)));                                                \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct str text = str_from_bytes(bytes, size);
    ROUND_TRIP(pan, text);
    ROUND_TRIP(iban, text);
    ROUND_TRIP(sort_code, text);
    ROUND_TRIP(person_name, text);
    ROUND_TRIP(birth_date, text);
    ROUND_TRIP(national_id, text);
    ROUND_TRIP(email, text);
    ROUND_TRIP(phone, text);
    ROUND_TRIP(postal_address, text);
    ROUND_TRIP(payment_reference, text);
    struct account_number number;
    if (account_number_parse(text, ACCOUNT_SCHEME_UK, &number) == 0) check(number.len == 8);
    if (account_number_parse(text, ACCOUNT_SCHEME_GENERAL, &number) == 0) check(number.len > 0);
    struct iban iban;
    if (size > 2 && iban_make(str_slice(text, 0, 2), str_slice(text, 2, size), &iban) == 0) {
        struct iban again;
        check(iban_parse(iban_reveal(&iban), &again) == 0);
    }
    return 0;
}
