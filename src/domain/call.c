#include "domain/call.h"

bool call_has_scope(const struct call *call, struct str scope) {
    struct str rest = call->scope, word;
    bool more = rest.len > 0;
    while (more) {
        more = str_cut(&rest, ' ', &word);
        if (word.len && str_equal(word, scope)) return true;
    }
    return false;
}
