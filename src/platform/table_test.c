/* table_test.c - the canonical bytes that the journal hashes: one row's, byte by byte, and the two ways to them. */
#include "platform/table.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "platform/encoding.h"

enum { TEXT_BYTES_MAX = 20000, OUT_BYTES_MAX = 64 * 1024 };

struct sample_row {
    int64_t number;
    uint8_t id[16];
    uint8_t hash[32];
    struct str text, blob;
};
static const struct column sample_columns[] = {
    COLUMN(struct sample_row, number, I64),
    COLUMN(struct sample_row, id, ID),
    COLUMN(struct sample_row, hash, HASH),
    COLUMN_VAR(struct sample_row, text, TEXT, TEXT_BYTES_MAX),
    COLUMN_VAR(struct sample_row, blob, BLOB, TEXT_BYTES_MAX),
};
static const struct table sample_table = {
    .service = "s",
    .name = "ab",
    .row_bytes = sizeof(struct sample_row),
    .columns = sample_columns,
    .column_count = ARRAY_COUNT(sample_columns),
};

static void put(void *ctx, const void *bytes, size_t len) {
    buffer_append(ctx, bytes, len);
}

static char text[TEXT_BYTES_MAX], pieces_bytes[OUT_BYTES_MAX], whole_bytes[OUT_BYTES_MAX];

static struct str pieces_of(const struct sample_row *row) {
    struct buffer out;
    buffer_init(&out, pieces_bytes, sizeof pieces_bytes);
    table_canonical(&sample_table, row, put, &out);
    return buffer_str(&out);
}

static struct str whole_of(const struct sample_row *row) {
    size_t room = table_canonical_room(&sample_table, row);
    assert_true(room <= sizeof whole_bytes);
    const uint8_t *end = table_canonical_write(&sample_table, row, (uint8_t *)whole_bytes);
    size_t len = (size_t)(end - (const uint8_t *)whole_bytes);
    assert_true(len <= room);
    return str_from_bytes(whole_bytes, len);
}

static void canonical_bytes_are_what_the_header_says(void **state) {
    static const char want[] = "7300616200"         /* "s" and "ab", with their NUL */
                               "000102030405060708" /* type and number */
                               "01101112131415161718191a1b1c1d1e1f"
                               "02202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
                               "030000000178"
                               "0400000000";
    struct sample_row row = { .number = 0x0102030405060708, .text = STR("x") };
    char hex[256];
    struct buffer out;
    (void)state;
    for (size_t i = 0; i < 16; i++) row.id[i] = (uint8_t)(0x10 + i);
    for (size_t i = 0; i < 32; i++) row.hash[i] = (uint8_t)(0x20 + i);
    struct str whole = whole_of(&row);
    buffer_init(&out, hex, sizeof hex);
    hex_encode(&out, whole.at, whole.len);
    assert_int_equal(out.len, sizeof want - 1);
    assert_memory_equal(hex, want, sizeof want - 1);
}

static void both_ways_give_the_same_bytes(void **state) {
    static const size_t lens[] = { 0, 1, 7, 511, 512, 513, 16384, TEXT_BYTES_MAX };
    (void)state;
    memset(text, 't', sizeof text);
    for (size_t i = 0; i < ARRAY_COUNT(lens); i++)
        for (size_t j = 0; j < ARRAY_COUNT(lens); j++) {
            struct sample_row row = { .number = -1,
                                      .text = { .at = text, .len = lens[i] },
                                      .blob = { .at = text, .len = lens[j] } };
            assert_true(str_equal(pieces_of(&row), whole_of(&row)));
        }
}

static void hexadecimal_of_every_length(void **state) {
    uint8_t bytes[40], again[40];
    char want[81], got[80];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 37 + 9);
    for (size_t i = 0; i < sizeof bytes; i++) (void)snprintf(want + 2 * i, 3, "%02x", bytes[i]);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        assert_ptr_equal(hex_put(got, bytes, len), got + 2 * len);
        assert_memory_equal(got, want, 2 * len);
        assert_int_equal(hex_decode(str_from_bytes(got, 2 * len), again, len), 0);
        assert_memory_equal(again, bytes, len);
    }
    for (int c = 0; c < 256; c++) { /* both places of a byte */
        bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        const char pair[2] = { '0', (char)c }, other[2] = { (char)c, '0' };
        assert_int_equal(hex_decode(str_from_bytes(pair, 2), again, 1), digit ? 0 : -EINVAL);
        assert_int_equal(hex_decode(str_from_bytes(other, 2), again, 1), digit ? 0 : -EINVAL);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_bytes_are_what_the_header_says),
        cmocka_unit_test(both_ways_give_the_same_bytes),
        cmocka_unit_test(hexadecimal_of_every_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
