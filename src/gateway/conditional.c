#include "gateway/conditional.h"

#include "platform/encoding.h"

enum { ETAG_BYTES = 16, ETAG_TEXT_BYTES = 2 * ETAG_BYTES + 2 };

bool etag_matches(struct str if_none_match, struct str etag) {
    struct str item;
    bool more = true;
    if (str_equal(str_trim(if_none_match), STR("*"))) return true;
    while (more) {
        more = str_cut(&if_none_match, ',', &item);
        item = str_trim(item);
        if (str_starts(item, STR("W/"))) item = str_slice(item, 2, item.len);
        if (item.len && str_equal(item, etag)) return true;
    }
    return false;
}

static struct str etag_of(struct arena *arena, struct str content) {
    char memory[ETAG_TEXT_BYTES];
    struct buffer text;
    struct hash hash = sha256_str(content);
    buffer_init(&text, memory, sizeof memory);
    buffer_append_char(&text, '"');
    hex_encode(&text, hash.bytes, ETAG_BYTES);
    buffer_append_char(&text, '"');
    return arena_dup(arena, buffer_str(&text));
}

int exchange_answer_conditional(struct exchange *exchange, const char *cache_control, const char *media_type,
                                struct str content) {
    const struct http_request *request = exchange->request;
    struct str etag = etag_of(exchange->arena, content);
    if (!etag.at) return exchange_fault(exchange, "etag", err_origin(-ENOMEM));
    exchange_header(exchange, STR("ETag"), etag);
    exchange_header(exchange, STR("Cache-Control"), str_from_c(cache_control));
    for (size_t i = 0; i < request->header_count; i++) {
        if (!str_equal_nocase(request->headers[i].name, STR("If-None-Match"))) continue;
        if (etag_matches(request->headers[i].value, etag))
            return exchange_answer(exchange, 304, NULL, (struct str){ 0 });
    }
    return exchange_answer(exchange, 200, media_type, content);
}
