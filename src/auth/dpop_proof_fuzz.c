/* dpop_proof_fuzz.c - what a stranger may put into the header DPoP: every refusal is clean, and what is taken obeys the
 * rules. The first byte chooses the door: the whole proof, or its header and claims as text under a signature of ours.
 */
#include "auth/dpop_proof.h"

#include "auth/dpop_nonce.h"
#include "auth/target_uri.h"
#include "platform/encoding.h"
#include "platform/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct arena arena;
static struct key *key;

/* In its normal form nothing changes any more. */
static void address_try(struct str text) {
    static char memory[2][TARGET_URI_BYTES_MAX * 3];
    struct buffer once, twice;
    buffer_init(&once, memory[0], sizeof memory[0]);
    buffer_init(&twice, memory[1], sizeof memory[1]);
    if (!target_uri_normal(text, &once)) return;
    if (once.len > TARGET_URI_BYTES_MAX) return;
    check(target_uri_normal(buffer_str(&once), &twice) && str_equal(buffer_str(&once), buffer_str(&twice)));
}

/* Header and claims, cut at the first line end. */
static struct str sign(struct str text) {
    char *memory = arena_alloc(&arena, 64 * 1024);
    struct str header;
    struct buffer out;
    struct key_signature signature;
    (void)str_cut(&text, '\n', &header);
    check(memory != NULL);
    buffer_init(&out, memory, 64 * 1024);
    base64url_encode(&out, header.at, header.len);
    buffer_append_char(&out, '.');
    base64url_encode(&out, text.at, text.len);
    check(key_sign(key, KEY_ALG_ES256, buffer_str(&out), &signature) == 0);
    buffer_append_char(&out, '.');
    base64url_encode(&out, signature.bytes, signature.len);
    return buffer_str(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct dpop_rules rules = { .method = STR("POST"), .url = STR("https://localhost/token"), .now_ms = 1700000000000 };
    struct dpop_facts facts;
    if (!key) check(arena_init(&arena, 64 * 1024, 1024 * 1024) == 0 && key_generate(KEY_TYPE_EC_P256, &key) == 0);
    if (size == 0 || size > 16 * 1024) return 0;
    arena_reset(&arena);
    struct str text = str_from_bytes(bytes + 1, size - 1);
    address_try(text);
    const char *wrong = NULL;
    struct str proof = bytes[0] % 2 ? sign(text) : text;
    int r = dpop_proof_judge(proof, &rules, &arena, &facts, &wrong);
    check(r >= 0 && (r == 0 || wrong));
    if (r == 0) check(facts.expires_ms > rules.now_ms - DPOP_AGE_MAX_MS);
    return 0;
}
