#include "platform/totp.h"

#include "platform/digest.h"
#include "platform/secret.h"

#include <liboath/oath.h>
#include <pthread.h>

static pthread_once_t oath_once = PTHREAD_ONCE_INIT;

static void oath_setup(void) {
    check(oath_init() == OATH_OK);
}

static bool totp_secret_fits(struct str secret) {
    return secret.len >= TOTP_SECRET_BYTES_MIN && secret.len <= TOTP_SECRET_BYTES_MAX;
}

static int totp_code(struct str secret, int64_t step, char code[TOTP_DIGITS + 1]) {
    check(pthread_once(&oath_once, oath_setup) == 0);
    int result = oath_hotp_generate(secret.at, secret.len, (uint64_t)step, TOTP_DIGITS, false,
                                    OATH_HOTP_DYNAMIC_TRUNCATION, code);
    return result == OATH_OK ? 0 : err_origin(-EIO);
}

int totp_generate(struct str secret, int64_t now_ms, char code[TOTP_DIGITS + 1]) {
    check(now_ms >= 0);
    if (!totp_secret_fits(secret)) return TOTP_E_SECRET;
    return err_trace(totp_code(secret, now_ms / TOTP_STEP_MS, code));
}

int totp_verify(struct str secret, struct str code, int64_t now_ms, int64_t *ret_step) {
    check(now_ms >= 0);
    if (!totp_secret_fits(secret)) return TOTP_E_SECRET;
    if (code.len != TOTP_DIGITS) return TOTP_E_SYNTAX;
    for (size_t i = 0; i < code.len; i++)
        if (code.at[i] < '0' || code.at[i] > '9') return TOTP_E_SYNTAX;
    int64_t now_step = now_ms / TOTP_STEP_MS, matched = -1;
    char candidate[TOTP_DIGITS + 1] = { 0 };
    for (int64_t step = now_step - TOTP_WINDOW_STEPS; step <= now_step + TOTP_WINDOW_STEPS; step++) {
        if (step < 0) continue;
        int r = totp_code(secret, step, candidate);
        if (r) return err_trace(r);
        if (bytes_equal_constant_time(candidate, code.at, TOTP_DIGITS)) matched = step;
    }
    secret_wipe(candidate, sizeof candidate);
    if (matched < 0) return TOTP_E_WRONG;
    *ret_step = matched;
    return 0;
}
