/* http_receive_fuzz.c - any bytes as the head of an answer to a call of ours, line by line as libcurl gives it: what is
 * kept is what stood there, within the limits. */
#include "platform/http_client_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static bool is_within(struct str part, struct str whole) {
    size_t at;
    return part.len == 0 || str_find(whole, part, &at);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static struct http_receive receive;
    static struct arena arena;
    struct str text = str_from_bytes(bytes, size), line;
    if (!arena.block_bytes) check(arena_init(&arena, 16 * 1024, 64 * 1024) == 0);
    arena_reset(&arena);
    receive.arena = &arena;
    receive.header_count = 0;
    receive.too_large = false;
    for (bool more = true; more && !receive.too_large;) {
        size_t before = receive.header_count;
        more = str_cut(&text, '\n', &line);
        bool good = http_receive_header(&receive, line);
        check(good != receive.too_large && receive.header_count <= HTTP_HEADERS_MAX);
        if (str_starts(line, STR("HTTP/"))) check(receive.header_count == 0);
        else check(receive.header_count == before || receive.header_count == before + 1);
        if (receive.header_count <= before) continue;
        const struct http_header *header = &receive.headers[receive.header_count - 1];
        check(is_within(header->name, line) && is_within(header->value, line));
        check(!memchr(line.at, ':', header->name.len ? header->name.len : 0));
        check(header->value.len == 0 || (header->value.at[0] != ' ' && header->value.at[header->value.len - 1] != ' '));
    }
    return 0;
}
