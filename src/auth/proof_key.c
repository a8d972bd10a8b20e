#include "auth/proof_key.h"

#include "platform/digest.h"
#include "platform/encoding.h"

bool proof_key_challenge_fits(struct str challenge) {
    char memory[32];
    struct buffer bytes;
    buffer_init(&bytes, memory, sizeof memory);
    return challenge.len == PROOF_KEY_CHALLENGE_BYTES && base64url_decode(challenge, &bytes) == 0 && bytes.len == 32;
}

static bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

bool proof_key_challenge_of(struct str verifier, char ret_challenge[PROOF_KEY_CHALLENGE_BYTES + 1]) {
    struct buffer text;
    if (verifier.len < PROOF_KEY_VERIFIER_BYTES_MIN || verifier.len > PROOF_KEY_VERIFIER_BYTES_MAX) return false;
    for (size_t i = 0; i < verifier.len; i++)
        if (!is_unreserved(verifier.at[i])) return false;
    struct hash hash = sha256_str(verifier);
    buffer_init(&text, ret_challenge, PROOF_KEY_CHALLENGE_BYTES);
    base64url_encode(&text, hash.bytes, sizeof hash.bytes);
    ret_challenge[PROOF_KEY_CHALLENGE_BYTES] = 0;
    return !text.overflow;
}
