/* jose_giro.c - Giro's own part of the differential of tokens. Lines on stdin, one answer a line on stdout:
 *   verify: ALG JWK TOKEN  ->  accept PAYLOAD-IN-HEX, or refuse RULE
 *   sign:   KEY-IN-PEM KID PAYLOAD  ->  the token */
#include "jose_differential/lines.h"

#include "wire/jose.h"

enum { MEMORY_BYTES = 256 * 1024 };

#define X(code, name) [code] = #code,
static const char *const key_rules[] = { JWKS_E_MAP(X) };
static const char *const rules[] = { JOSE_E_MAP(X) };
#undef X

static void refuse(const char *rule) {
    printf("refuse\t%s\n", rule);
}

/* As every door does it: the set of the client's keys, the algorithm that is registered, then the token. */
static void verify(const struct line *line, struct arena *arena) {
    static char memory[LINE_BYTES_MAX];
    struct buffer set;
    struct jwks *keys = NULL;
    struct jws jws;
    buffer_init(&set, memory, sizeof memory);
    buffer_printf(&set, "{\"keys\":[" STR_FMT "]}", STR_ARG(line->fields[1]));
    check(!set.overflow);
    int r = jwks_parse(buffer_str(&set), &keys, NULL);
    check(r >= 0);
    if (r) {
        refuse(key_rules[r]);
        return;
    }
    enum key_alg alg = key_alg_parse(line->fields[0]);
    r = jws_parse(line->fields[2], arena, &jws);
    if (r == 0) r = alg == KEY_ALG_NONE ? JOSE_E_ALG : jws_verify_set(&jws, keys, alg);
    check(r >= 0);
    if (r) refuse(rules[r]);
    else line_accept(jws.payload);
    jwks_free(keys);
}

static void sign(const struct line *line) {
    static char memory[JOSE_TOKEN_BYTES_MAX];
    struct buffer token;
    struct key *key = NULL;
    struct jws_header header = { .kid = line->fields[1] };
    buffer_init(&token, memory, sizeof memory);
    check(key_load_pem(line->fields[0], &key) == 0);
    check(jws_sign(key, &header, line->fields[2], &token) == 0);
    printf(STR_FMT "\n", STR_ARG(buffer_str(&token)));
    key_free(key);
}

int main(int argc, char **argv) {
    struct line line;
    struct arena arena;
    bool signs = argc == 2 && strcmp(argv[1], "sign") == 0;
    check(arena_init(&arena, MEMORY_BYTES, MEMORY_BYTES) == 0);
    while (line_next(&line)) {
        arena_reset(&arena);
        if (signs) sign(&line);
        else verify(&line, &arena);
    }
    arena_release(&arena);
    return 0;
}
