#include "integration/command/command_codec.h"

/* What is decoded must encode again to the very bytes that were taken (but for the time that passed meanwhile). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { FUZZ_BYTES = 64 * 1024, FUZZ_BYTES_MAX = 2 * 1024 * 1024 };
    struct integration integration = { .sandbox = true };
    struct command_arrived *arrived;
    struct arena arena;
    struct buffer out;
    struct str bytes = str_from_bytes(data, size), answer = bytes;
    struct command command = { .kind = payment_accept_form.kind };
    check(arena_init(&arena, FUZZ_BYTES, FUZZ_BYTES_MAX) == 0);
    buffer_init_heap(&out, COMMAND_ENCODED_BYTES_MAX);
    if (command_decode(&bytes, &integration, &arena, &arrived) == 0) {
        arrived->command.audit = NULL; /* its duration goes on */
        check(command_encode(&out, &arrived->command) == 0);
        check(out.len <= size - bytes.len);
    }
    (void)command_decode_answer(&answer, &command);
    buffer_release(&out);
    arena_release(&arena);
    return 0;
}
