/* jose_cjose.c - libcjose's part of the differential of tokens. Lines on stdin, one answer a line on stdout:
 *   verify: ALG JWK TOKEN  ->  accept PAYLOAD-IN-HEX, or refuse STEP
 *   sign:   ALG PRIVATE-JWK PAYLOAD  ->  the token
 * libcjose takes the algorithm from the token's header; that it is the registered one its callers compare themselves,
 * and so does this program. It has no EdDSA. Some malformed tokens end the process by an assertion of libcjose's, which
 * counts as a refusal: what has a part of a length that base64url never has is judged in a process of its own. */
#include "jose_differential/lines.h"

#include <cjose/cjose.h>
#include <sys/wait.h>
#include <unistd.h>

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

/* Before its padding a part is as long as no bytes' base64url is. */
static bool has_odd_length(struct str token) {
    struct str part;
    for (bool more = true; more;) {
        more = str_cut(&token, '.', &part);
        const char *padding = memchr(part.at, '=', part.len);
        size_t len = padding ? (size_t)(padding - part.at) : part.len;
        if (len % 4 == 1) return true;
    }
    return false;
}

static void verify_apart(const struct line *line) {
    int status = 0;
    (void)fflush(stdout); /* what is still held would be written twice */
    pid_t child = fork();
    check(child >= 0);
    if (child == 0) {
        verify(line);
        (void)fflush(stdout);
        _exit(0);
    }
    check(waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status)) refuse("assertion");
    else check(WEXITSTATUS(status) == 0);
}

static void sign(const struct line *line) {
    cjose_err fault = { 0 };
    cjose_jwk_t *key = key_of(line->fields[1]);
    cjose_header_t *header = cjose_header_new(&fault);
    const char *token = NULL;
    check(key && header && cjose_header_set(header, CJOSE_HDR_ALG, line->fields[0].at, &fault));
    check(cjose_header_set(header, CJOSE_HDR_KID, cjose_jwk_get_kid(key, &fault), &fault));
    cjose_jws_t *jws = cjose_jws_sign(key, header, (const uint8_t *)line->fields[2].at, line->fields[2].len, &fault);
    check(jws && cjose_jws_export(jws, &token, &fault));
    puts(token);
    cjose_jws_release(jws);
    cjose_header_release(header);
    cjose_jwk_release(key);
}

int main(int argc, char **argv) {
    struct line line;
    bool signs = argc == 2 && strcmp(argv[1], "sign") == 0;
    while (line_next(&line)) {
        if (signs) sign(&line);
        else if (has_odd_length(line.fields[2])) verify_apart(&line);
        else verify(&line);
    }
    return 0;
}
