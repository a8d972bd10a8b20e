/* totp.h - time-based one-time codes (RFC 6238): HMAC-SHA-1, 6 digits, steps of 30 s, on liboath.
 *
 * A code is good for its step and the one before and after (clocks drift). Verification names the step that matched;
 * the caller keeps the last one used for each customer and refuses a step that is not greater, so no code works twice
 * (RFC 6238 5.2). */
#ifndef GIRO_PLATFORM_TOTP_H
#define GIRO_PLATFORM_TOTP_H

#include "platform/str.h"

enum {
    TOTP_STEP_MS = 30 * 1000,
    TOTP_DIGITS = 6,
    TOTP_WINDOW_STEPS = 1,
    TOTP_SECRET_BYTES = 20,
    TOTP_SECRET_BYTES_MIN = 16,
    TOTP_SECRET_BYTES_MAX = 64
};

#define TOTP_E_MAP(X)                                                                                                  \
    X(TOTP_E_SYNTAX, "not six digits")                                                                                 \
    X(TOTP_E_WRONG, "wrong code")                                                                                      \
    X(TOTP_E_SECRET, "secret too short or too long")
#define X(code, name) code,
enum totp_refusal { TOTP_E_NONE = 0, TOTP_E_MAP(X) TOTP_E_COUNT };
#undef X

/* The code at now_ms (>= 0, check) with its NUL. secret: raw bytes, not base32. 0, TOTP_E_SECRET, or a fault. */
int totp_generate(struct str secret, int64_t now_ms, char code[TOTP_DIGITS + 1]) MUST_USE;
/* 0 with the step (ms since 1970 / 30,000) that the code belongs to; the newest when two agree. TOTP_E_SYNTAX, _WRONG,
 * _SECRET, or a fault. Every candidate is compared in constant time and all are compared. */
int totp_verify(struct str secret, struct str code, int64_t now_ms, int64_t *ret_step) MUST_USE;

#endif
