#include "wire/form.h"

/* What is read and written again must read as the same fields. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct form form, again;
    struct arena arena;
    struct buffer out;
    struct str name;
    check(arena_init(&arena, 4096, 1024 * 1024) == 0);
    buffer_init_heap(&out, 4 * FORM_BYTES_MAX);
    if (form_parse(str_from_bytes(data, size), &arena, &form) == 0) {
        for (size_t i = 0; i < form.count; i++) form_put(&out, form.fields[i].name, form.fields[i].value);
        if (buffer_str(&out).len <= FORM_BYTES_MAX) {
            check(form_parse(buffer_str(&out), &arena, &again) == 0 && again.count == form.count);
            for (size_t i = 0; i < form.count; i++) {
                check(str_equal(form.fields[i].name, again.fields[i].name));
                check(str_equal(form.fields[i].value, again.fields[i].value));
                check(str_is_utf8(form.fields[i].name) && str_is_utf8(form.fields[i].value));
            }
            check(form_find_duplicate(&form, &name) == form_find_duplicate(&again, &name));
        }
    }
    buffer_release(&out);
    arena_release(&arena);
    return 0;
}
