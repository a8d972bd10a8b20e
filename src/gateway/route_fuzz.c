/* route_fuzz.c - any bytes as method and path: what is found is a route of this listener, and its parameters are what
 * the header says they are; a trailing slash and HEAD change nothing. The first byte is the listener, the first line
 * the method. */
#include "gateway/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct arena arena;

static size_t params_of(const struct route *route) {
    size_t count = 0;
    for (const char *at = route->path; *at; at++) count += *at == '{';
    return count;
}

static void found_check(enum call_listener listener, const struct route_match *match) {
    const struct route *route = match->route;
    size_t count = params_of(route);
    check(route == route_at(route_index(route)));
    check(route->flags & (listener == CALL_MTLS ? (unsigned)ROUTE_MTLS : (unsigned)ROUTE_BROWSER));
    for (size_t i = 0; i < EXCHANGE_PARAMS_MAX; i++) {
        struct str param = match->params[i];
        if (i >= count) continue;
        check(param.len > 0 && param.len <= ROUTE_PARAM_BYTES_MAX && str_is_utf8(param));
        for (size_t k = 0; k < param.len; k++)
            check((unsigned char)param.at[k] >= 0x20 && param.at[k] != '/' && param.at[k] != '\\' &&
                  param.at[k] != 0x7f);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct route_match match = { .route = NULL }, again = { .route = NULL };
    if (size < 2 || size > 4096) return 0;
    if (!arena.block_bytes) check(arena_init(&arena, 256 * 1024, 1024 * 1024) == 0);
    arena_reset(&arena);
    enum call_listener listener = bytes[0] & 1 ? CALL_MTLS : CALL_BROWSER;
    struct str path = str_from_bytes(bytes + 1, size - 1), method;
    (void)str_cut(&path, '\n', &method);
    enum route_verdict verdict = route_find(listener, method, path, &arena, &match);
    if (verdict == ROUTE_FOUND) found_check(listener, &match);
    if (verdict == ROUTE_FOUND && str_equal_c(method, "GET"))
        check(route_find(listener, STR("HEAD"), path, &arena, &again) == ROUTE_FOUND && again.route == match.route);
    if (verdict == ROUTE_WRONG_METHOD) check(match.allow.len > 0);
    (void)route_version_of_path(path);
    check(route_family_name(route_family_of_path(listener, path)) != NULL);
    if (path.len == 0 || path.len > 4000 || path.at[path.len - 1] == '/') return 0;
    char *longer = arena_alloc(&arena, path.len + 1);
    check(longer != NULL);
    memcpy(longer, path.at, path.len);
    longer[path.len] = '/';
    check(route_find(listener, method, str_from_bytes(longer, path.len + 1), &arena, &again) == verdict);
    if (verdict == ROUTE_FOUND) check(again.route == match.route);
    return 0;
}
