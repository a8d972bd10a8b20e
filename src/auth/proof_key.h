/* proof_key.h - PKCE (RFC 7636), S256 alone. */
#ifndef GIRO_AUTH_PROOF_KEY_H
#define GIRO_AUTH_PROOF_KEY_H

#include "platform/str.h"

enum { PROOF_KEY_CHALLENGE_BYTES = 43, PROOF_KEY_VERIFIER_BYTES_MIN = 43, PROOF_KEY_VERIFIER_BYTES_MAX = 128 };

bool proof_key_challenge_fits(struct str challenge); /* the base64url of 32 bytes */
/* The challenge of verifier with its NUL; false when the verifier is not 43 to 128 unreserved characters (section 4.1).
 */
bool proof_key_challenge_of(struct str verifier, char ret_challenge[PROOF_KEY_CHALLENGE_BYTES + 1]);

#endif
