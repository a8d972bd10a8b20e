/* browser_session_fuzz.c - any bytes as a Cookie header and a form's token: a cookie that is taken stands there under
 * its name, once, and in our form; put last behind anything without it, it is found; and only its own token is right.
 */
#include "auth/browser_session.h"

#include "platform/encoding.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define OURS "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

static void taken_check(struct str cookies, const char *name, struct str cookie) {
    char memory[64];
    struct buffer value;
    size_t at;
    buffer_init(&value, memory, sizeof memory);
    check(base64url_decode(cookie, &value) == 0 && value.len == AUTH_SECRET_BYTES);
    check(str_find(cookies, str_from_c(name), &at) && str_find(cookies, cookie, &at));
}

static void kind_try(enum browser_cookie kind, const char *name, struct str text) {
    static char memory[8192];
    struct buffer out;
    struct str cookie, again;
    size_t at;
    bool taken = browser_session_read(kind, text, &cookie);
    if (taken) taken_check(text, name, cookie);
    buffer_init(&out, memory, sizeof memory);
    buffer_printf(&out, STR_FMT "; %s=" OURS, STR_ARG(text), name);
    if (taken) check(!browser_session_read(kind, buffer_str(&out), &again)); /* twice */
    else if (!str_find(text, str_from_c(name), &at))
        check(browser_session_read(kind, buffer_str(&out), &again) && str_equal_c(again, OURS));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct str text = str_from_bytes(bytes, size);
    char token[FORM_TOKEN_TEXT_BYTES];
    if (size > 4096 || memchr(size ? bytes : (const uint8_t *)"", 0, size)) return 0;
    kind_try(COOKIE_CONSENT, "__Host-giro-session", text);
    kind_try(COOKIE_CUSTOMER, "__Host-giro-customer", text);
    struct str right = form_token_of(STR(OURS), token);
    check(form_token_is_right(STR(OURS), right));
    check(!form_token_is_right(STR(OURS), text) || str_equal(text, right));
    return 0;
}
