/* jose_int.h - what compact and detached signatures share. */
#ifndef GIRO_WIRE_JOSE_INT_H
#define GIRO_WIRE_JOSE_INT_H

#include "wire/jose.h"

/* Strict base64url into the arena. 0, JOSE_E_SYNTAX, or -ENOMEM. */
int jose_decode(struct str text, struct arena *arena, struct str *ret_bytes) MUST_USE;
/* The header's JSON object. 0, JOSE_E_SYNTAX (base64url), JOSE_E_SIZE, JOSE_E_HEADER, or -ENOMEM. */
int jose_header_decode(struct str text, struct arena *arena, const struct json **ret_header) MUST_USE;
/* Signs signing_input and appends "." and the signature in base64url to out. 0, JOSE_E_KEY, or a fault. */
int jose_signature_append(const struct key *key, struct str signing_input, struct buffer *out) MUST_USE;

#endif
