/* jwt.h - the claims of a verified token judged (RFC 7519 section 4.1): client assertions (FAPI C1 to C8, G8, G13),
 * request objects, and others by their own rules. A pure function: time is an input, and a used jti is the caller's to
 * remember. */
#ifndef GIRO_WIRE_JWT_H
#define GIRO_WIRE_JWT_H

#include "wire/json.h"

enum {
    JWT_LEEWAY_MS = 60 * 1000, /* iat and nbf may be that far ahead, not more (G13: +8 s is good, +61 s is not) */
    JWT_ASSERTION_AHEAD_MS = 300 * 1000, /* exp of a client assertion, from now (C4) */
    JWT_JTI_BYTES_MAX = 255,
};

#define JWT_E_MAP(X)                                                                                                   \
    X(JWT_E_CLAIMS, "claims are not an object")                                                                        \
    X(JWT_E_ISSUER_MISSING, "iss missing")                                                                             \
    X(JWT_E_ISSUER, "iss wrong")                                                                                       \
    X(JWT_E_SUBJECT_MISSING, "sub missing")                                                                            \
    X(JWT_E_SUBJECT, "sub wrong")                                                                                      \
    X(JWT_E_AUDIENCE_MISSING, "aud missing")                                                                           \
    X(JWT_E_AUDIENCE_LIST, "aud must be one string")                                                                   \
    X(JWT_E_AUDIENCE, "aud wrong")                                                                                     \
    X(JWT_E_EXP_MISSING, "exp missing")                                                                                \
    X(JWT_E_EXP, "exp is not a time")                                                                                  \
    X(JWT_E_EXPIRED, "expired")                                                                                        \
    X(JWT_E_EXP_AHEAD, "exp too far ahead")                                                                            \
    X(JWT_E_IAT_MISSING, "iat missing")                                                                                \
    X(JWT_E_IAT, "iat is not a time")                                                                                  \
    X(JWT_E_IAT_AHEAD, "iat in the future")                                                                            \
    X(JWT_E_NBF_MISSING, "nbf missing")                                                                                \
    X(JWT_E_NBF, "nbf is not a time")                                                                                  \
    X(JWT_E_NBF_AHEAD, "not yet valid")                                                                                \
    X(JWT_E_NBF_OLD, "nbf too old")                                                                                    \
    X(JWT_E_LIFE, "valid for too long")                                                                                \
    X(JWT_E_JTI_MISSING, "jti missing")                                                                                \
    X(JWT_E_JTI, "jti is not a string of 1 to 255 bytes")
#define X(code, name) code,
enum jwt_refusal { JWT_E_NONE = 0, JWT_E_MAP(X) JWT_E_COUNT };
#undef X
const char *jwt_refusal_text(int refusal);

struct jwt_rules {
    struct str issuer;              /* iss must equal it; required */
    bool issuer_optional;           /* iss may be absent */
    struct str subject;             /* sub must equal it; empty = not looked at */
    const struct str *audiences;    /* aud must be, or hold, one of these */
    size_t audience_count;          /* at least 1 (check) */
    bool audience_string_only;      /* an array is refused, even of one (G8) */
    bool audience_optional;         /* aud may be absent */
    int64_t now_ms;
    int64_t leeway_ms;              /* usually JWT_LEEWAY_MS; for iat and nbf, never for exp */
    int64_t exp_ahead_max_ms;       /* from now; 0 = no limit */
    int64_t nbf_age_max_ms;         /* nbf at most that old; 0 = no limit (M1: 60 min) */
    int64_t exp_after_nbf_max_ms;   /* 0 = no limit (M1: 60 min); needs nbf_required */
    bool jti_required, iat_required, nbf_required; /* what is there is judged in any case; exp is always required */
};
/* Of a token that passed; text borrowed from the claims; 0 or empty = not there. */
struct jwt_facts {
    struct str issuer, subject, jti;
    int64_t issued_ms, not_before_ms, expires_ms;
};
/* Times are NumericDate from 1970 to 9999, fractions allowed. The order of judgement is the order of JWT_E_MAP. 0 or
 * JWT_E_*. */
int jwt_check(const struct json *claims, const struct jwt_rules *rules, struct jwt_facts *ret_facts) MUST_USE;

#endif
