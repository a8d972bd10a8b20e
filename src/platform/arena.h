/* arena.h - memory with one lifetime: a request, a saga step, a batch. Grows in blocks up to a hard cap, is reset
 * whole.
 *
 * (A1) arena_alloc never returns memory beyond bytes_max in sum; it returns NULL instead, which the caller turns into a
 *      refusal ("request too large"), never a crash.
 * (A2) arena_reset runs the deferred functions in reverse order and keeps the first block, so a warm arena does not
 * touch the heap. Not thread-safe: an arena belongs to one thread at a time. */
#ifndef GIRO_PLATFORM_ARENA_H
#define GIRO_PLATFORM_ARENA_H

#include "platform/str.h"

struct arena_block;
struct arena_cleanup;
struct arena {
    struct arena_block *first, *last;
    struct arena_cleanup *cleanups;
    size_t block_bytes, bytes_max, bytes_used;
};

/* block_bytes: size of the first block, allocated at once; bytes_max: cap of all memory given out. 0 or -ENOMEM. */
int arena_init(struct arena *arena, size_t block_bytes, size_t bytes_max);
void arena_release(struct arena *arena); /* runs cleanups, frees all; works on a zeroed struct */
void arena_reset(struct arena *arena);
/* Zeroed memory aligned for any type, or NULL at the cap or without memory. bytes may be 0. */
void *arena_alloc(struct arena *arena, size_t bytes) MUST_USE;
void *arena_alloc_unset(struct arena *arena, size_t bytes) MUST_USE; /* not zeroed: the caller writes every byte */
#define arena_new(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define arena_new_array(arena, type, count) ((type *)arena_alloc_array((arena), sizeof(type), (count)))
void *arena_alloc_array(struct arena *arena, size_t bytes, size_t count) MUST_USE;
/* A copy of s with a NUL behind it (not counted); .at == NULL when the arena is full. */
struct str arena_dup(struct arena *arena, struct str s) MUST_USE;
/* printf into the arena; .at == NULL when full. */
struct str arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3) MUST_USE;
/* Calls run(ctx) at reset or release. 0 or -ENOMEM (then nothing is registered). */
int arena_defer(struct arena *arena, void (*run)(void *ctx), void *ctx) MUST_USE;

#endif
