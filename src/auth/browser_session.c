#include "auth/browser_session.h"

#include "platform/encoding.h"

static bool cookie_fits(struct str value) {
    char memory[AUTH_SECRET_BYTES];
    struct buffer bytes;
    buffer_init(&bytes, memory, sizeof memory);
    bool fits = value.len == AUTH_SECRET_TEXT_BYTES - 1 && base64url_decode(value, &bytes) == 0;
    secret_wipe(memory, sizeof memory);
    return fits;
}

static const char *name_of(enum browser_cookie kind) {
    return kind == COOKIE_CONSENT ? "__Host-giro-session" : "__Host-giro-customer";
}

static const char *site_of(enum browser_cookie kind) {
    return kind == COOKIE_CONSENT ? "Lax" : "Strict";
}

bool browser_session_read(enum browser_cookie kind, struct str cookies, struct str *ret_cookie) {
    struct str piece, name, found = { 0 };
    bool more = true;
    while (more) {
        more = str_cut(&cookies, ';', &piece);
        piece = str_trim(piece);
        if (!str_cut(&piece, '=', &name) || !str_equal_c(name, name_of(kind))) continue;
        if (found.at) return false;
        found = piece;
    }
    if (!found.at || !cookie_fits(found)) return false;
    *ret_cookie = found;
    return true;
}

int browser_session_set(struct auth_request *request, enum browser_cookie kind, struct str cookie) {
    struct str value = arena_printf(request->arena, "%s=" STR_FMT "; Path=/; Secure; HttpOnly; SameSite=%s",
                                    name_of(kind), STR_ARG(cookie), site_of(kind));
    if (!value.at) return err_origin(-ENOMEM);
    answer_header(request, "Set-Cookie", value);
    return err_trace(wipe_later(request->arena, value));
}

void browser_session_clear(struct auth_request *request, enum browser_cookie kind) {
    answer_header(request, "Set-Cookie",
                  kind == COOKIE_CONSENT
                      ? STR("__Host-giro-session=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
                      : STR("__Host-giro-customer=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"));
}

struct str form_token_of(struct str cookie, char text[FORM_TOKEN_TEXT_BYTES]) {
    struct hash hash = hmac_sha256(cookie, STR("giro consent form"));
    struct buffer out;
    buffer_init(&out, text, FORM_TOKEN_TEXT_BYTES);
    base64url_encode(&out, hash.bytes, sizeof hash.bytes);
    return buffer_str(&out);
}

bool form_token_is_right(struct str cookie, struct str token) {
    char text[FORM_TOKEN_TEXT_BYTES];
    struct str want = form_token_of(cookie, text);
    return token.len == want.len && bytes_equal_constant_time(token.at, want.at, want.len);
}
