/* store_sqlite_page_cache.c - SQLite's own page cache, without a walk over all of it at every other commit.
 *
 * While SQLite splits a page of a tree it may exchange the numbers of two pages, and parks one of them for that moment
 * under the number of the page that is never used (the one of the pending byte, 262,145 at 4 KiB). The cache keeps the
 * highest number it has ever seen, and a commit drops what lies behind the database's end: from then on that is a walk
 * over every slot between the end and the parked number, 64 Ki slots with the writer's 256 MiB, a twelfth of the CPU
 * of a payment. So this layer keeps the highest number that is really there, and passes a truncation on when there
 * can be something to drop.
 *
 * (P1) Each page in a cache has a number of at most top, or is the one parked.
 * (P2) A truncation that lies behind top, with no page parked, drops nothing. */
#include "store/store_sqlite_int.h"

#include <stdlib.h>

struct page_cache {
    sqlite3_pcache *below;
    unsigned top;    /* 0: no page yet */
    unsigned parked; /* 0: none */
};

static sqlite3_pcache_methods2 below; /* what SQLite would use; set once, before its first use */

static struct page_cache *of_cache(sqlite3_pcache *cache) {
    return (struct page_cache *)cache;
}

static int start(void *argument) {
    (void)argument;
    return below.xInit(below.pArg);
}

static void end(void *argument) {
    (void)argument;
    if (below.xShutdown) below.xShutdown(below.pArg);
}

static sqlite3_pcache *create(int page_bytes, int extra_bytes, int purgeable) {
    struct page_cache *cache = malloc(sizeof *cache);
    if (!cache) return NULL;
    *cache = (struct page_cache){ .below = below.xCreate(page_bytes, extra_bytes, purgeable) };
    if (cache->below) return (sqlite3_pcache *)cache;
    free(cache);
    return NULL;
}

static void destroy(sqlite3_pcache *cache) {
    below.xDestroy(of_cache(cache)->below);
    free(cache);
}

static void set_size(sqlite3_pcache *cache, int pages) {
    below.xCachesize(of_cache(cache)->below, pages);
}

static int count(sqlite3_pcache *cache) {
    return below.xPagecount(of_cache(cache)->below);
}

static sqlite3_pcache_page *fetch(sqlite3_pcache *cache, unsigned number, int may_create) {
    struct page_cache *of = of_cache(cache);
    if (may_create && number > of->top) of->top = number; /* without, SQLite asks for the parked number as well */
    return below.xFetch(of->below, number, may_create);
}

static void unpin(sqlite3_pcache *cache, sqlite3_pcache_page *page, int discard) {
    below.xUnpin(of_cache(cache)->below, page, discard);
}

static void rekey(sqlite3_pcache *cache, sqlite3_pcache_page *page, unsigned before, unsigned after) {
    struct page_cache *of = of_cache(cache);
    if (before == of->parked) of->parked = 0;
    if (after > of->top) {
        if (of->parked) of->top = after;
        else of->parked = after;
    }
    below.xRekey(of->below, page, before, after);
}

static void truncate_at(sqlite3_pcache *cache, unsigned limit) {
    struct page_cache *of = of_cache(cache);
    if (limit > of->top && !of->parked) return;
    below.xTruncate(of->below, limit);
    of->parked = 0;
    of->top = limit ? limit - 1 : 0;
}

static void shrink(sqlite3_pcache *cache) {
    below.xShrink(of_cache(cache)->below);
}

void sqlite_page_cache_install(void) {
    if (below.iVersion) return; /* is there already */
    if (sqlite3_config(SQLITE_CONFIG_GETPCACHE2, &below) != SQLITE_OK) return;
    static sqlite3_pcache_methods2 methods = {
        .iVersion = 1,
        .xInit = start,
        .xShutdown = end,
        .xCreate = create,
        .xCachesize = set_size,
        .xPagecount = count,
        .xFetch = fetch,
        .xUnpin = unpin,
        .xRekey = rekey,
        .xTruncate = truncate_at,
        .xDestroy = destroy,
        .xShrink = shrink,
    };
    (void)sqlite3_config(SQLITE_CONFIG_PCACHE2, &methods); /* refused: SQLite's own goes on as it is */
}
