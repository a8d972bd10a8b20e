/* scope.h - lists of words separated by single spaces: scopes (RFC 6749 section 3.3) and registered redirect URIs. */
#ifndef GIRO_AUTH_SCOPE_H
#define GIRO_AUTH_SCOPE_H

#include "platform/arena.h"

enum { SCOPE_BYTES_MAX = 512 };

bool word_list_has(struct str list, struct str word); /* exactly, by byte; false for the empty word */
/* Every word of scope is one of allowed; false for an empty scope, doubled or outer spaces, or one over
 * SCOPE_BYTES_MAX. */
bool scope_within(struct str scope, struct str allowed);
/* allowed without word, in the arena; .at == NULL when that is full. */
struct str scope_without(struct str allowed, struct str word, struct arena *arena);

#endif
