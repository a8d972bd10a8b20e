/* proof_memory.h - the proofs of a key (DPoP) that came lately, so that a stolen one is not good a second time at this
 * node (RFC 9449 section 11.1, FAPI 103, R7).
 *
 * Here and not in the store: a row would cost every read a commit. What that leaves open is small: a proof is good for
 * one method, one address and one token, for DPOP_AGE_MAX_MS, over a connection with the client's certificate; a second
 * node would take it once more, and what must not happen twice has an idempotency key. (P1) What is remembered is
 * refused until its time is over. (P2) Memory is fixed at birth; in a full set the proof that ends first makes room,
 * so a flood makes others forgotten early, never the memory grow. Any thread. */
#ifndef GIRO_GATEWAY_PROOF_MEMORY_H
#define GIRO_GATEWAY_PROOF_MEMORY_H

#include "platform/str.h"

enum { PROOF_MEMORY_MAX = 1024 * 1024 };

struct proof_memory;
/* proofs_max: [128, PROOF_MEMORY_MAX]. 0 or -ENOMEM. */
int proof_memory_new(size_t proofs_max, struct proof_memory **ret_memory);
struct proof_memory *proof_memory_free(struct proof_memory *memory); /* takes NULL, returns NULL */
/* True: not seen before, and remembered until expires_ms. key: dpop_facts.jti_key. */
bool proof_memory_spend(struct proof_memory *memory, const uint8_t key[16], int64_t expires_ms, int64_t now_ms);

#endif
