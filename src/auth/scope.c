#include "auth/scope.h"

#include "platform/buffer.h"

bool word_list_has(struct str list, struct str word) {
    struct str piece;
    bool more = word.len > 0;
    while (more) {
        more = str_cut(&list, ' ', &piece);
        if (str_equal(piece, word)) return true;
    }
    return false;
}

bool scope_within(struct str scope, struct str allowed) {
    struct str word;
    bool more = true;
    if (scope.len > SCOPE_BYTES_MAX) return false;
    while (more) {
        more = str_cut(&scope, ' ', &word);
        if (!word_list_has(allowed, word)) return false;
    }
    return true;
}

struct str scope_without(struct str allowed, struct str word, struct arena *arena) {
    char *text = arena_alloc(arena, allowed.len + 1);
    struct buffer out;
    struct str piece;
    bool more = true;
    if (!text) return (struct str){ 0 };
    buffer_init(&out, text, allowed.len + 1);
    while (more) {
        more = str_cut(&allowed, ' ', &piece);
        if (piece.len == 0 || str_equal(piece, word)) continue;
        if (out.len) buffer_append_char(&out, ' ');
        buffer_append_str(&out, piece);
    }
    return buffer_str(&out);
}
