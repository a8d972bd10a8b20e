#include "wire/fixed_width.h"

/* The first line is a layout, the rest a record of it. What decodes must encode to the very same bytes (F1, F2). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_record(const struct fixed_width *layout, struct str record) {
    struct fixed_width_values values;
    struct message message;
    char memory[FIXED_WIDTH_RECORD_BYTES_MAX];
    struct buffer out;
    buffer_init(&out, memory, sizeof memory);
    if (fixed_width_decode(layout, record, &values, &message)) return;
    check(fixed_width_encode(layout, values.items, values.count, &out, &message) == 0);
    check(str_equal(buffer_str(&out), record));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str record = str_from_bytes(data, size), text;
    struct fixed_width *layout;
    struct message message;
    (void)str_cut(&record, '\n', &text);
    if (fixed_width_load(text, &layout, &message)) return 0;
    check_record(layout, record);
    (void)fixed_width_free(layout);
    return 0;
}
