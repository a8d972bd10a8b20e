#include "observe/mask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
    enum personal_kind kind;
    const char *text, *want;
} cases[] = {
    /* the vectors of the contract */
    { PERSONAL_PAN, "4111 1111 1111 1111", "************1111" },
    { PERSONAL_PAN, "1111", "****" },
    { PERSONAL_IBAN, "GB82WEST12345698765432", "GB82**************5432" },
    { PERSONAL_ACCOUNT_NUMBER, "98765432", "******32" },
    { PERSONAL_ACCOUNT_NUMBER, "9876", "****" },
    { PERSONAL_SORT_CODE, "12-34-56", "***" },
    { PERSONAL_BIRTH_DATE, "1990-12-31", "****-**-**" },
    { PERSONAL_NATIONAL_ID, "QQ123456C", "***56C" },
    { PERSONAL_NATIONAL_ID, "Q12345", "***" },
    { PERSONAL_NAME, "Mia", "***" },
    { PERSONAL_EMAIL, "mia@example.com", "***" },
    { PERSONAL_PHONE, "+447700900123", "***" },
    { PERSONAL_ADDRESS, "1 Mill Lane", "***" },
    { PERSONAL_REFERENCE, "Rent for Mia", "***" },
    /* their neighbours */
    { PERSONAL_PAN, "11111", "*1111" },
    { PERSONAL_PAN, "4111-1111-1111-1111", "************1111" },
    { PERSONAL_PAN, "1234567890123456789", "***************6789" },
    { PERSONAL_PAN, "12345678901234567890", "****" },
    { PERSONAL_PAN, "mia 4111111111111111", "****" },
    { PERSONAL_PAN, "4111111111111111\n", "****" },
    { PERSONAL_PAN, "", "****" },
    { PERSONAL_IBAN, "GB82 WEST 1234 5698 7654 32", "GB82**************5432" },
    { PERSONAL_IBAN, "NO9386011117947", "NO93*******7947" },
    { PERSONAL_IBAN, "MT84MALT011000012345MTLCAST001S", "MT84***********************001S" },
    { PERSONAL_IBAN, "GB83WEST12345698765432", "********************32" },
    { PERSONAL_IBAN, "98765432", "******32" },
    { PERSONAL_IBAN, "1234", "****" },
    { PERSONAL_IBAN, "", "****" },
    { PERSONAL_ACCOUNT_NUMBER, "12345", "***45" },
    { PERSONAL_ACCOUNT_NUMBER, "9876 5432", "******32" },
    { PERSONAL_ACCOUNT_NUMBER, "98 76", "****" },
    { PERSONAL_ACCOUNT_NUMBER, "0123456789012345678901234567890123", "********************************23" },
    { PERSONAL_ACCOUNT_NUMBER, "01234567890123456789012345678901234", "****" },
    { PERSONAL_ACCOUNT_NUMBER, "987654\xc3\xa9", "****" },
    { PERSONAL_ACCOUNT_NUMBER, "", "****" },
    { PERSONAL_NATIONAL_ID, "QQ 12 34 56 C", "***56C" },
    { PERSONAL_NATIONAL_ID, "Q123456", "***456" },
    { PERSONAL_NATIONAL_ID, "QQ12345\x1b", "***" },
    { PERSONAL_NATIONAL_ID, "", "***" },
};

static void text_is_masked_by_its_kind(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct masked masked = mask_text(cases[i].kind, str_from_c(cases[i].text));
        if (strcmp(masked.text, cases[i].want) != 0)
            fail_msg("%s \"%s\": %s", personal_kind_name(cases[i].kind), cases[i].text, masked.text);
    }
}

static void types_are_masked_alike(void **state) {
    (void)state;
    struct pan pan;
    struct iban iban;
    struct account_number number;
    struct sort_code sort_code;
    struct person_name name;
    struct birth_date date;
    struct national_id id;
    struct email email;
    struct phone phone;
    struct postal_address address;
    struct payment_reference reference;
    assert_int_equal(pan_parse(STR("4111 1111 1111 1111"), &pan), 0);
    assert_int_equal(iban_parse(STR("GB82WEST12345698765432"), &iban), 0);
    assert_int_equal(account_number_parse(STR("98765432"), ACCOUNT_SCHEME_UK, &number), 0);
    assert_int_equal(sort_code_parse(STR("12-34-56"), &sort_code), 0);
    assert_int_equal(person_name_parse(STR("Mia"), &name), 0);
    assert_int_equal(birth_date_parse(STR("1990-12-31"), &date), 0);
    assert_int_equal(national_id_parse(STR("QQ123456C"), &id), 0);
    assert_int_equal(email_parse(STR("mia@example.com"), &email), 0);
    assert_int_equal(phone_parse(STR("+447700900123"), &phone), 0);
    assert_int_equal(postal_address_parse(STR("1 Mill Lane"), &address), 0);
    assert_int_equal(payment_reference_parse(STR("Rent"), &reference), 0);
    assert_string_equal(mask_pan(&pan).text, "************1111");
    assert_string_equal(mask_iban(&iban).text, "GB82**************5432");
    assert_string_equal(mask_account_number(&number).text, "******32");
    assert_string_equal(mask_sort_code(&sort_code).text, "***");
    assert_string_equal(mask_person_name(&name).text, "***");
    assert_string_equal(mask_birth_date(&date).text, "****-**-**");
    assert_string_equal(mask_national_id(&id).text, "***56C");
    assert_string_equal(mask_email(&email).text, "***");
    assert_string_equal(mask_phone(&phone).text, "***");
    assert_string_equal(mask_postal_address(&address).text, "***");
    assert_string_equal(mask_payment_reference(&reference).text, "***");
}

static void none_shows_stars(void **state) {
    (void)state;
    assert_string_equal(mask_pan(&(struct pan){ 0 }).text, "****");
    assert_string_equal(mask_iban(&(struct iban){ 0 }).text, "****");
    assert_string_equal(mask_account_number(&(struct account_number){ 0 }).text, "****");
    assert_string_equal(mask_national_id(&(struct national_id){ 0 }).text, "***");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_masked_by_its_kind),
        cmocka_unit_test(types_are_masked_alike),
        cmocka_unit_test(none_shows_stars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
