#include "wire/structured_field.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* (F1) What is read is written as a text that reads as itself, and the text of each member alone does too. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct structured_dictionary dictionary, again;
    struct arena arena;
    struct buffer first, second;
    check(arena_init(&arena, 64 * 1024, 256 * 1024) == 0);
    buffer_init_heap(&first, 4 * STRUCTURED_FIELD_BYTES_MAX);
    buffer_init_heap(&second, 4 * STRUCTURED_FIELD_BYTES_MAX);
    if (structured_dictionary_parse(str_from_bytes(data, size), &arena, &dictionary) == 0) {
        structured_dictionary_write(&first, &dictionary);
        check(!first.overflow);
        if (first.len <= STRUCTURED_FIELD_BYTES_MAX) { /* ", " may be longer than "," */
            check(structured_dictionary_parse(buffer_str(&first), &arena, &again) == 0);
            check(again.count == dictionary.count);
            structured_dictionary_write(&second, &again);
            check(str_equal(buffer_str(&first), buffer_str(&second)));
        }
        for (size_t i = 0; i < dictionary.count; i++)
            check(structured_member_find(&dictionary, dictionary.members[i].key) == &dictionary.members[i]);
    }
    buffer_release(&first);
    buffer_release(&second);
    arena_release(&arena);
    return 0;
}
