#include "platform/http_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { BODY_BYTES_MAX = 4096 };

static bool is_inside(struct str part, struct str whole) {
    return part.len == 0 || (part.at >= whole.at && part.at + part.len <= whole.at + whole.len);
}

static void check_head(const struct http_head *head, struct str text) {
    check(head->method.len >= 1 && head->method.len <= HTTP_METHOD_BYTES_MAX && is_inside(head->method, text));
    check(head->path.len >= 1 && (head->path.at[0] == '/' || head->path.at[0] == '*') && is_inside(head->query, text));
    check(head->header_count >= 1 && head->header_count <= HTTP_HEADERS_MAX && head->content_length <= BODY_BYTES_MAX);
    for (size_t i = 0; i < head->header_count; i++) {
        check(http_is_header_name(head->headers[i].name) && is_inside(head->headers[i].name, text));
        check(http_is_header_value(head->headers[i].value) && is_inside(head->headers[i].value, text));
    }
    check(http_headers_count(head->headers, head->header_count, STR("host")) == 1);
    check(http_headers_count(head->headers, head->header_count, STR("content-length")) <= 1);
    check(http_headers_count(head->headers, head->header_count, STR("transfer-encoding")) == 0);
    check(memchr(text.at, 0, text.len) == NULL);
}

/* Bytes that come one by one must get the verdict of bytes that come at once. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct str text = str_from_bytes(bytes, size);
    struct http_scan at_once = { 0 }, slowly = { 0 };
    size_t head_bytes = 0, slow_bytes = 0;
    int slow = HTTP_E_INCOMPLETE;
    for (size_t i = 1; i <= size && slow == HTTP_E_INCOMPLETE; i++)
        slow = http_scan_head(&slowly, str_slice(text, 0, i), &slow_bytes);
    int r = http_scan_head(&at_once, text, &head_bytes);
    check(r == slow && head_bytes == slow_bytes);
    if (r) return 0;
    check(head_bytes <= HTTP_HEADER_BYTES_MAX);
    struct http_head head;
    struct str head_text = str_slice(text, 0, head_bytes);
    if (http_parse_head(head_text, BODY_BYTES_MAX, &head) == 0) check_head(&head, head_text);
    return 0;
}
