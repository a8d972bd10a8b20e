#include "platform/http_parse.h"

#include "platform/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum { BODY_BYTES_MAX = 1000, TEXT_BYTES_MAX = 64 * 1024 };

#define HOST "Host: a.example\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST
#define POST "POST /p HTTP/1.1\r\n" HOST
#define END "\r\n"
#define LINE(line) "GET / HTTP/1.1\r\n" line HOST END

/* Scan and parse, as the server does. */
static int judge(struct str text, struct http_head *ret_head) {
    struct http_scan scan = { 0 };
    size_t head_bytes = 0;
    int r = http_scan_head(&scan, text, &head_bytes);
    return r ? r : http_parse_head(str_slice(text, 0, head_bytes), BODY_BYTES_MAX, ret_head);
}

#define CASE(label, literal, verdict) { label, STR_INIT(literal), verdict }
static const struct {
    const char *name;
    struct str text;
    int want;
} cases[] = {
    CASE("plain request", GET END, 0),
    /* T3: duplicate and conflicting Content-Length */
    CASE("one Content-Length", POST "Content-Length: 5\r\n" END, 0),
    CASE("two equal Content-Lengths", POST "Content-Length: 5\r\nContent-Length: 5\r\n" END, HTTP_E_CONTENT_LENGTH),
    CASE("two different Content-Lengths", POST "Content-Length: 5\r\ncontent-length: 6\r\n" END,
         HTTP_E_CONTENT_LENGTH),
    CASE("list in Content-Length", POST "Content-Length: 5, 5\r\n" END, HTTP_E_CONTENT_LENGTH),
    CASE("plus in Content-Length", POST "Content-Length: +5\r\n" END, HTTP_E_CONTENT_LENGTH),
    CASE("minus in Content-Length", POST "Content-Length: -5\r\n" END, HTTP_E_CONTENT_LENGTH),
    CASE("leading zero in Content-Length", POST "Content-Length: 05\r\n" END, HTTP_E_CONTENT_LENGTH),
    CASE("Content-Length zero", POST "Content-Length: 0\r\n" END, 0),
    CASE("hexadecimal Content-Length", POST "Content-Length: 0x5\r\n" END, HTTP_E_CONTENT_LENGTH),
    CASE("empty Content-Length", POST "Content-Length:\r\n" END, HTTP_E_CONTENT_LENGTH),
    CASE("blank inside Content-Length", POST "Content-Length: 5 5\r\n" END, HTTP_E_CONTENT_LENGTH),
    CASE("blanks around Content-Length", POST "Content-Length: \t 5 \t\r\n" END, 0),
    CASE("Content-Length at the limit", POST "Content-Length: 1000\r\n" END, 0),
    CASE("Content-Length over the limit", POST "Content-Length: 1001\r\n" END, HTTP_E_BODY_TOO_LARGE),
    CASE("Content-Length over 64 bits", POST "Content-Length: 18446744073709551617\r\n" END, HTTP_E_BODY_TOO_LARGE),
    CASE("over the limit and twice", POST "Content-Length: 1001\r\nContent-Length: 1\r\n" END, HTTP_E_CONTENT_LENGTH),
    /* T3: Transfer-Encoding in any shape */
    CASE("chunked", POST "Transfer-Encoding: chunked\r\n" END, HTTP_E_TRANSFER_ENCODING),
    CASE("identity", POST "Transfer-Encoding: identity\r\n" END, HTTP_E_TRANSFER_ENCODING),
    CASE("empty Transfer-Encoding", POST "Transfer-Encoding:\r\n" END, HTTP_E_TRANSFER_ENCODING),
    CASE("both, length first", POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END,
         HTTP_E_TRANSFER_ENCODING),
    CASE("both, encoding first", POST "transfer-ENCODING: chunked\r\nContent-Length: 5\r\n" END,
         HTTP_E_TRANSFER_ENCODING),
    CASE("blank before its colon", POST "Transfer-Encoding : chunked\r\n" END, HTTP_E_HEADER),
    CASE("hidden behind a fold", POST "X: y\r\n Transfer-Encoding: chunked\r\n" END, HTTP_E_HEADER_FOLDED),
    CASE("vertical tab before its value",
         POST "Transfer-Encoding: \x0b"
              "chunked\r\n" END,
         HTTP_E_HEADER),
    CASE("control character in its name", POST "Transfer-Encoding\x01: chunked\r\n" END, HTTP_E_HEADER),
    CASE("another name that begins so", POST "Transfer-Encodings: chunked\r\n" END, 0),
    /* T3: line ends and control characters */
    CASE("bare LF after the request line", "GET / HTTP/1.1\n" HOST END, HTTP_E_LINE_END),
    CASE("bare LF after a header", "GET / HTTP/1.1\r\nHost: a.example\n\r\n", HTTP_E_LINE_END),
    CASE("bare LF as the last line", GET "\n", HTTP_E_LINE_END),
    CASE("bare CR in a value", GET "X: a\rY: b\r\n" END, HTTP_E_LINE_END),
    CASE("CR CR LF", GET "X: a\r\r\n" END, HTTP_E_LINE_END),
    CASE("CR in the request line", "GET /\rx HTTP/1.1\r\n" HOST END, HTTP_E_TARGET),
    CASE("empty line in front", "\r\n" GET END, HTTP_E_REQUEST_LINE),
    CASE("bare LF in front", "\n" GET END, HTTP_E_LINE_END),
    CASE("NUL in a value", GET "X: a\0b\r\n" END, HTTP_E_HEADER),
    CASE("NUL in a name", GET "X\0Y: a\r\n" END, HTTP_E_HEADER),
    CASE("NUL in the target", "GET /a\0b HTTP/1.1\r\n" HOST END, HTTP_E_TARGET),
    CASE("NUL in the method", "GE\0T / HTTP/1.1\r\n" HOST END, HTTP_E_REQUEST_LINE),
    CASE("DEL in a value", GET "X: a\x7f\r\n" END, HTTP_E_HEADER),
    CASE("escape in a value", GET "X: \x1b[31m\r\n" END, HTTP_E_HEADER),
    CASE("tab in a value", GET "X: a\tb\r\n" END, 0),
    CASE("UTF-8 in a value", GET "X: caf\xc3\xa9\r\n" END, 0),
    /* T3: obs-fold, blanks and colons */
    CASE("folded by a blank", GET "X: a\r\n b\r\n" END, HTTP_E_HEADER_FOLDED),
    CASE("folded by a tab", GET "X: a\r\n\tb\r\n" END, HTTP_E_HEADER_FOLDED),
    CASE("fold as first header", "GET / HTTP/1.1\r\n Host: a.example\r\n" END, HTTP_E_HEADER_FOLDED),
    CASE("blank before the colon", GET "X : a\r\n" END, HTTP_E_HEADER),
    CASE("tab before the colon", GET "X\t: a\r\n" END, HTTP_E_HEADER),
    CASE("no blank after the colon", GET "X:a\r\n" END, 0),
    CASE("no colon", GET "X\r\n" END, HTTP_E_HEADER),
    CASE("no name", GET ": a\r\n" END, HTTP_E_HEADER),
    CASE("blank in a name", GET "X Y: a\r\n" END, HTTP_E_HEADER),
    CASE("8 bit in a name", GET "X\xe9: a\r\n" END, HTTP_E_HEADER),
    CASE("parenthesis in a name", GET "X(Y): a\r\n" END, HTTP_E_HEADER),
    CASE("every token sign in a name", GET "!#$%&'*+-.^_`|~09azAZ: a\r\n" END, 0),
    CASE("empty value", GET "X:\r\n" END, 0),
    /* Request line */
    CASE("lower-case method", "get / HTTP/1.1\r\n" HOST END, HTTP_E_REQUEST_LINE),
    CASE("unknown method is for the routes", "PURGE / HTTP/1.1\r\n" HOST END, 0),
    CASE("method of 17 characters", "AAAAAAAAAAAAAAAAA / HTTP/1.1\r\n" HOST END, HTTP_E_REQUEST_LINE),
    CASE("no method", " / HTTP/1.1\r\n" HOST END, HTTP_E_REQUEST_LINE),
    CASE("blank in front", " GET / HTTP/1.1\r\n" HOST END, HTTP_E_REQUEST_LINE),
    CASE("two blanks", "GET  / HTTP/1.1\r\n" HOST END, HTTP_E_REQUEST_LINE),
    CASE("two blanks before the version", "GET /  HTTP/1.1\r\n" HOST END, HTTP_E_REQUEST_LINE),
    CASE("blank in the target", "GET /a b HTTP/1.1\r\n" HOST END, HTTP_E_REQUEST_LINE),
    CASE("tab as separator", "GET\t/ HTTP/1.1\r\n" HOST END, HTTP_E_REQUEST_LINE),
    CASE("blank after the version", "GET / HTTP/1.1 \r\n" HOST END, HTTP_E_REQUEST_LINE),
    CASE("no version (HTTP/0.9)", "GET /\r\n" HOST END, HTTP_E_REQUEST_LINE),
    CASE("HTTP/1.0", "GET / HTTP/1.0\r\n" HOST END, HTTP_E_VERSION),
    CASE("HTTP/2.0", "GET / HTTP/2.0\r\n" HOST END, HTTP_E_VERSION),
    CASE("HTTP/1.10", "GET / HTTP/1.10\r\n" HOST END, HTTP_E_REQUEST_LINE),
    CASE("lower-case http", "GET / http/1.1\r\n" HOST END, HTTP_E_REQUEST_LINE),
    CASE("preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HTTP_E_VERSION),
    /* Target */
    CASE("path and query", "GET /a/b%20c;x=1?q=%00&r=a?b/c HTTP/1.1\r\n" HOST END, 0),
    CASE("fragment", "GET /a#b HTTP/1.1\r\n" HOST END, HTTP_E_TARGET),
    CASE("8 bit in the path", "GET /caf\xe9 HTTP/1.1\r\n" HOST END, HTTP_E_TARGET),
    CASE("quote in the path", "GET /\" HTTP/1.1\r\n" HOST END, HTTP_E_TARGET),
    CASE("backslash in the path", "GET /a\\b HTTP/1.1\r\n" HOST END, HTTP_E_TARGET),
    CASE("bracket in the query", "GET /a?b[c]=1 HTTP/1.1\r\n" HOST END, HTTP_E_TARGET),
    CASE("cut triple", "GET /a%2 HTTP/1.1\r\n" HOST END, HTTP_E_TARGET),
    CASE("triple without hexadecimals", "GET /a%2g HTTP/1.1\r\n" HOST END, HTTP_E_TARGET),
    CASE("cut triple in the query", "GET /a?b=% HTTP/1.1\r\n" HOST END, HTTP_E_TARGET),
    CASE("NUL triple in the path", "GET /a%00b HTTP/1.1\r\n" HOST END, HTTP_E_TARGET),
    CASE("relative path", "GET a HTTP/1.1\r\n" HOST END, HTTP_E_TARGET),
    CASE("absolute form", "GET http://a.example/x?y=1 HTTP/1.1\r\n" HOST END, 0),
    CASE("absolute form of https", "GET https://a.example HTTP/1.1\r\n" HOST END, 0),
    CASE("absolute form with userinfo", "GET http://user@a.example/ HTTP/1.1\r\n" HOST END, HTTP_E_TARGET),
    CASE("absolute form with password", "GET http://u:p@a.example/ HTTP/1.1\r\n" HOST END, HTTP_E_TARGET),
    CASE("absolute form of another host", "GET http://b.example/ HTTP/1.1\r\n" HOST END, HTTP_E_HOST),
    CASE("absolute form without host", "GET http:///x HTTP/1.1\r\n" HOST END, HTTP_E_TARGET),
    CASE("other scheme", "GET ftp://a.example/ HTTP/1.1\r\n" HOST END, HTTP_E_TARGET),
    CASE("authority form", "CONNECT a.example:443 HTTP/1.1\r\n" HOST END, HTTP_E_TARGET),
    CASE("asterisk with OPTIONS", "OPTIONS * HTTP/1.1\r\n" HOST END, 0),
    CASE("asterisk with GET", "GET * HTTP/1.1\r\n" HOST END, HTTP_E_TARGET),
    /* Host */
    CASE("no Host", "GET / HTTP/1.1\r\nX: y\r\n" END, HTTP_E_HOST),
    CASE("no header at all", "GET / HTTP/1.1\r\n" END, HTTP_E_HOST),
    CASE("two Hosts", GET HOST END, HTTP_E_HOST),
    CASE("empty Host", "GET / HTTP/1.1\r\nHost:\r\n" END, HTTP_E_HOST),
    CASE("Host with port", "GET / HTTP/1.1\r\nHost: localhost:8443\r\n" END, 0),
    CASE("Host with empty port", "GET / HTTP/1.1\r\nHost: localhost:\r\n" END, HTTP_E_HOST),
    CASE("Host with a named port", "GET / HTTP/1.1\r\nHost: localhost:http\r\n" END, HTTP_E_HOST),
    CASE("Host with userinfo", "GET / HTTP/1.1\r\nHost: u@a.example\r\n" END, HTTP_E_HOST),
    CASE("Host with a path", "GET / HTTP/1.1\r\nHost: a.example/x\r\n" END, HTTP_E_HOST),
    CASE("two names in Host", "GET / HTTP/1.1\r\nHost: a.example, b.example\r\n" END, HTTP_E_HOST),
    CASE("IPv6 Host", "GET / HTTP/1.1\r\nHost: [::1]:8443\r\n" END, 0),
    CASE("open bracket in Host", "GET / HTTP/1.1\r\nHost: [::1\r\n" END, HTTP_E_HOST),
    /* What has to be refused so that nobody waits */
    CASE("Expect", POST "Expect: 100-continue\r\nContent-Length: 5\r\n" END, HTTP_E_EXPECT),
    CASE("not yet whole", GET "X: y\r\n", HTTP_E_INCOMPLETE),
    CASE("nothing", "", HTTP_E_INCOMPLETE),
};

/* spec: gateway/c6, gateway/T3 */
static void every_case_gets_its_verdict(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct http_head head;
        int r = judge(cases[i].text, &head);
        if (r != cases[i].want)
            fail_msg("%s: %s instead of %s", cases[i].name, http_refusal_code((enum http_refusal)r),
                     http_refusal_code((enum http_refusal)cases[i].want));
    }
}

static void the_parts_are_those_sent(void **state) {
    (void)state;
    struct http_head head;
    assert_int_equal(
        judge(STR("POST /a%20b/c?d=e?f HTTP/1.1\r\nhost: h:1\r\nX-One:  a b \r\nx-one: c\r\nContent-Length: 12\r\n"
                  "Connection: keep-alive , Close\r\n\r\n"),
              &head),
        0);
    assert_true(str_equal(head.method, STR("POST")));
    assert_true(str_equal(head.path, STR("/a%20b/c")));
    assert_true(str_equal(head.query, STR("d=e?f")));
    assert_int_equal(head.header_count, 5);
    assert_int_equal(head.content_length, 12);
    assert_true(head.close);
    assert_true(str_equal(http_headers_get(head.headers, head.header_count, STR("X-ONE")), STR("a b")));
    assert_int_equal(http_headers_count(head.headers, head.header_count, STR("X-One")), 2);
    assert_null(http_headers_get(head.headers, head.header_count, STR("X-Two")).at);
    assert_int_equal(
        judge(STR("GET http://a.example?q HTTP/1.1\r\nHost: A.Example\r\nConnection: closed\r\n\r\n"), &head), 0);
    assert_true(str_equal(head.path, STR("/")) && str_equal(head.query, STR("q")) && !head.close);
}

/* A head of just bytes bytes: a request line, Host, and a filler. */
static struct str head_of(size_t bytes, char *text) {
    struct buffer buffer;
    buffer_init(&buffer, text, TEXT_BYTES_MAX);
    buffer_append_c(&buffer, GET "X: ");
    while (buffer.len < bytes - 4) buffer_append_char(&buffer, 'x');
    buffer_append_c(&buffer, "\r\n\r\n");
    return buffer_str(&buffer);
}

/* spec: gateway/51 */
static void sizes_have_limits(void **state) {
    (void)state;
    static char text[TEXT_BYTES_MAX];
    struct http_head head;
    struct buffer many;
    assert_int_equal(judge(head_of(HTTP_HEADER_BYTES_MAX, text), &head), 0);
    assert_int_equal(judge(head_of(HTTP_HEADER_BYTES_MAX + 1, text), &head), HTTP_E_HEADERS_TOO_LARGE);
    memset(text, 'x', sizeof text);
    assert_int_equal(judge(str_from_bytes(text, HTTP_HEADER_BYTES_MAX - 1), &head), HTTP_E_INCOMPLETE);
    assert_int_equal(judge(str_from_bytes(text, HTTP_HEADER_BYTES_MAX), &head), HTTP_E_HEADERS_TOO_LARGE);
    for (size_t count = HTTP_HEADERS_MAX; count <= HTTP_HEADERS_MAX + 1; count++) {
        buffer_init(&many, text, sizeof text);
        buffer_append_c(&many, GET);
        for (size_t i = 1; i < count; i++) buffer_append_c(&many, "X: y\r\n");
        buffer_append_c(&many, END);
        assert_int_equal(judge(buffer_str(&many), &head), count > HTTP_HEADERS_MAX ? HTTP_E_HEADERS_TOO_MANY : 0);
    }
}

/* However the bytes are cut, the verdict is the same, and what follows the head does not matter to it. */
static void cutting_changes_nothing(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        struct http_scan at_once = { 0 };
        size_t head_bytes = 0;
        int want = http_scan_head(&at_once, cases[i].text, &head_bytes);
        for (size_t cut = 0; cut <= cases[i].text.len; cut++) {
            struct http_scan scan = { 0 };
            size_t bytes = 0;
            int r = http_scan_head(&scan, str_slice(cases[i].text, 0, cut), &bytes);
            if (r == HTTP_E_INCOMPLETE) r = http_scan_head(&scan, cases[i].text, &bytes);
            assert_int_equal(r, want);
            assert_int_equal(bytes, head_bytes);
        }
    }
}

static void names_and_values_for_writers(void **state) {
    (void)state;
    assert_true(http_is_header_name(STR("Content-Type")));
    assert_false(http_is_header_name(STR("")) || http_is_header_name(STR("A:")) || http_is_header_name(STR("A B")));
    assert_true(http_is_header_value(STR("")) && http_is_header_value(STR("a b\tc")));
    assert_false(http_is_header_value(STR("a\r\nb")) || http_is_header_value(STR("a\0b")) ||
                 http_is_header_value(STR(" a")));
    for (int c = 0; c < 256; c++) { /* at every place of a word and of what is left behind the last one */
        for (size_t at = 0; at < 20; at++) {
            char text[] = "abcdefghijklmnopqrst";
            text[at] = (char)c;
            bool edge = at == 0 || at == 19;
            bool want = c == '\t' || c == ' ' ? !edge : c > ' ' && c != 0x7f;
            assert_int_equal(http_is_header_value(str_from_bytes(text, 20)), want);
        }
    }
    for (int refusal = HTTP_E_NONE; refusal < HTTP_E_COUNT; refusal++)
        assert_true(http_refusal_status((enum http_refusal)refusal) >= 200);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_gets_its_verdict), cmocka_unit_test(the_parts_are_those_sent),
        cmocka_unit_test(sizes_have_limits),           cmocka_unit_test(cutting_changes_nothing),
        cmocka_unit_test(names_and_values_for_writers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
