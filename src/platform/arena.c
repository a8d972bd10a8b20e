#include "platform/arena.h"

#include <stdarg.h>

enum { ARENA_ALIGN = 16 };

struct arena_block {
    struct arena_block *next;
    size_t bytes, used;
    _Alignas(ARENA_ALIGN) unsigned char at[];
};
struct arena_cleanup {
    struct arena_cleanup *next;
    void (*run)(void *ctx);
    void *ctx;
};

static struct arena_block *block_new(size_t bytes) {
    struct arena_block *block = malloc(sizeof *block + bytes);
    if (block) *block = (struct arena_block){ .bytes = bytes };
    return block;
}

int arena_init(struct arena *arena, size_t block_bytes, size_t bytes_max) {
    check(block_bytes > 0 && bytes_max > 0);
    *arena = (struct arena){ .block_bytes = block_bytes, .bytes_max = bytes_max };
    arena->first = arena->last = block_new(block_bytes);
    return arena->first ? 0 : err_origin(-ENOMEM);
}

static void run_cleanups(struct arena *arena) {
    for (struct arena_cleanup *cleanup = arena->cleanups; cleanup; cleanup = cleanup->next) cleanup->run(cleanup->ctx);
    arena->cleanups = NULL;
}

static void free_blocks(struct arena_block *block) {
    while (block) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void arena_release(struct arena *arena) {
    run_cleanups(arena);
    free_blocks(arena->first);
    *arena = (struct arena){ 0 };
}

void arena_reset(struct arena *arena) {
    run_cleanups(arena);
    if (!arena->first) return;
    free_blocks(arena->first->next);
    arena->first->next = NULL;
    arena->first->used = 0;
    arena->last = arena->first;
    arena->bytes_used = 0;
}

void *arena_alloc_unset(struct arena *arena, size_t bytes) {
    size_t need;
    if (checked_add(bytes, (size_t)(ARENA_ALIGN - 1), &need)) return NULL;
    need &= ~(size_t)(ARENA_ALIGN - 1);
    if (need == 0) need = ARENA_ALIGN;
    if (need > arena->bytes_max - arena->bytes_used) return NULL;
    if (need > arena->last->bytes - arena->last->used) {
        struct arena_block *block = block_new(need > arena->block_bytes ? need : arena->block_bytes);
        if (!block) return NULL;
        arena->last->next = block;
        arena->last = block;
    }
    void *at = arena->last->at + arena->last->used;
    arena->last->used += need;
    arena->bytes_used += need;
    return at;
}

void *arena_alloc(struct arena *arena, size_t bytes) {
    void *at = arena_alloc_unset(arena, bytes);
    if (at) memset(at, 0, bytes);
    return at;
}

void *arena_alloc_array(struct arena *arena, size_t bytes, size_t count) {
    size_t total;
    if (checked_mul(bytes, count, &total)) return NULL;
    return arena_alloc(arena, total);
}

struct str arena_dup(struct arena *arena, struct str s) {
    char *at = arena_alloc_unset(arena, s.len + 1);
    if (!at) return (struct str){ 0 };
    if (s.len) memcpy(at, s.at, s.len);
    at[s.len] = 0;
    return (struct str){ .at = at, .len = s.len };
}

struct str arena_printf(struct arena *arena, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    char *at = len < 0 ? NULL : arena_alloc(arena, (size_t)len + 1);
    if (at) (void)vsnprintf(at, (size_t)len + 1, format, again);
    va_end(again);
    va_end(args);
    return (struct str){ .at = at, .len = at ? (size_t)len : 0 };
}

int arena_defer(struct arena *arena, void (*run)(void *ctx), void *ctx) {
    struct arena_cleanup *cleanup = arena_new(arena, struct arena_cleanup);
    if (!cleanup) return err_origin(-ENOMEM);
    *cleanup = (struct arena_cleanup){ .next = arena->cleanups, .run = run, .ctx = ctx };
    arena->cleanups = cleanup;
    return 0;
}
