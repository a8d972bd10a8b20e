#include "domain/call.h"

#include "platform/arena.h"
#include "platform/buffer.h"
#include "platform/psd2_statement.h"

bool call_has_scope(const struct call *call, struct str scope) {
    struct str rest = call->scope, word;
    bool more = rest.len > 0;
    while (more) {
        more = str_cut(&rest, ' ', &word);
        if (word.len && str_equal(word, scope)) return true;
    }
    return false;
}

static unsigned role_for(struct str scope) {
    if (str_equal_c(scope, "accounts")) return PSP_AI;
    if (str_equal_c(scope, "payments")) return PSP_PI;
    return str_equal_c(scope, "fundsconfirmations") ? PSP_IC : 0;
}

bool call_role_allows(const struct call *call, struct str scope) {
    unsigned role = role_for(scope), registered = 0;
    if (!role) return true;
    if (call->certificate_has_roles && !(call->certificate_roles & role)) return false;
    if (call->roles.len == 0) return true;
    return psp_roles_parse(call->roles, &registered) && (registered & role); /* what cannot be read allows nothing */
}

struct str call_roles_limit(const struct call *call, struct str scope, struct arena *arena) {
    char *text = arena_alloc(arena, scope.len + 1);
    struct buffer out;
    struct str word;
    bool more = true;
    if (!text) return (struct str){ 0 };
    buffer_init(&out, text, scope.len + 1);
    while (more) {
        more = str_cut(&scope, ' ', &word);
        if (word.len == 0 || !call_role_allows(call, word)) continue;
        if (out.len) buffer_append_char(&out, ' ');
        buffer_append_str(&out, word);
    }
    return buffer_str(&out);
}
