/* jose_cjose.c - libcjose's part of the differential of tokens. Lines on stdin, one answer a line on stdout:
 *   verify: ALG JWK TOKEN  ->  accept PAYLOAD-IN-HEX, or refuse STEP
 *   sign:   ALG PRIVATE-JWK PAYLOAD  ->  the token
 * libcjose takes the algorithm from the token's header; that it is the registered one its callers compare themselves,
 * and so does this program. It has no EdDSA. Some malformed tokens end it by an assertion of its own, which counts as a
 * refusal: the program comes back from the signal, and what libcjose held then is lost. */
#include "lines.h"

#include <cjose/cjose.h>
#include <setjmp.h>
#include <signal.h>

static sigjmp_buf before_abort;

static void come_back(int number) {
    (void)number;
    siglongjmp(before_abort, 1);
}

static void refuse(const char *step) {
    printf("refuse\t%s\n", step);
}

static cjose_jwk_t *key_of(struct str json) {
    cjose_err fault = { 0 };
    return cjose_jwk_import(json.at, json.len, &fault);
}

static void token_judge(cjose_jws_t *jws, const cjose_jwk_t *key, struct str alg) {
    cjose_err fault = { 0 };
    const char *said = cjose_header_get(cjose_jws_get_protected(jws), CJOSE_HDR_ALG, &fault);
    uint8_t *payload = NULL;
    size_t len = 0;
    if (!said || !str_equal_c(alg, said)) refuse("alg");
    else if (!cjose_jws_verify(jws, key, &fault)) refuse("verify");
    else if (!cjose_jws_get_plaintext(jws, &payload, &len, &fault)) refuse("plaintext");
    else line_accept(str_from_bytes(payload, len));
}

static void verify(const struct line *line) {
    cjose_err fault = { 0 };
    cjose_jwk_t *key = key_of(line->fields[1]);
    cjose_jws_t *jws = key ? cjose_jws_import(line->fields[2].at, line->fields[2].len, &fault) : NULL;
    if (!key) refuse("key");
    else if (!jws) refuse("import");
    else token_judge(jws, key, line->fields[0]);
    cjose_jws_release(jws);
    cjose_jwk_release(key);
}

static void sign(const struct line *line) {
    cjose_err fault = { 0 };
    cjose_jwk_t *key = key_of(line->fields[1]);
    cjose_header_t *header = cjose_header_new(&fault);
    const char *token = NULL;
    check(key && header && cjose_header_set(header, CJOSE_HDR_ALG, line->fields[0].at, &fault));
    check(cjose_header_set(header, CJOSE_HDR_KID, cjose_jwk_get_kid(key, &fault), &fault));
    cjose_jws_t *jws =
        cjose_jws_sign(key, header, (const uint8_t *)line->fields[2].at, line->fields[2].len, &fault);
    check(jws && cjose_jws_export(jws, &token, &fault));
    puts(token);
    cjose_jws_release(jws);
    cjose_header_release(header);
    cjose_jwk_release(key);
}

int main(int argc, char **argv) {
    struct line line;
    bool signs = argc == 2 && strcmp(argv[1], "sign") == 0;
    struct sigaction action = { .sa_handler = come_back };
    check(sigaction(SIGABRT, &action, NULL) == 0);
    while (line_next(&line)) {
        if (sigsetjmp(before_abort, 1)) refuse("assertion");
        else if (signs) sign(&line);
        else verify(&line);
    }
    return 0;
}
