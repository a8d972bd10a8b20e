#include "gateway/route.h"

#include "platform/encoding.h"

/* One line a group. */
/* clang-format off */
static const struct {
    const struct route *routes;
    const size_t *count;
} groups[] = {
    { payment_routes, &payment_route_count },
    { account_routes, &account_route_count },
    { oauth_routes, &oauth_route_count },
    { open_banking_payment_routes, &open_banking_payment_route_count },
    { open_banking_account_routes, &open_banking_account_route_count },
    { page_routes, &page_route_count },
    { document_routes, &document_route_count },
};
/* clang-format on */

size_t route_count(void) {
    size_t count = 0;
    for (size_t g = 0; g < ARRAY_COUNT(groups); g++) count += *groups[g].count;
    return count;
}

const struct route *route_at(size_t index) {
    for (size_t g = 0; g < ARRAY_COUNT(groups); g++) {
        if (index < *groups[g].count) return &groups[g].routes[index];
        index -= *groups[g].count;
    }
    check(false);
    return NULL;
}

size_t route_index(const struct route *route) {
    size_t before = 0;
    for (size_t g = 0; g < ARRAY_COUNT(groups); g++) {
        if (route >= groups[g].routes && route < groups[g].routes + *groups[g].count)
            return before + (size_t)(route - groups[g].routes);
        before += *groups[g].count;
    }
    check(false);
    return 0;
}

const char *route_family_name(enum route_family family) {
    static const char *const names[FAMILY_FAMILY_COUNT] = {
        [FAMILY_V1] = "v1", [FAMILY_OPEN_BANKING] = "open_banking", [FAMILY_OAUTH] = "oauth", [FAMILY_PAGES] = "pages"
    };
    check(family < FAMILY_FAMILY_COUNT);
    return names[family];
}

static bool path_is_below(struct str path, const char *prefix) {
    struct str whole = str_from_c(prefix);
    return str_starts(path, whole) && (path.len == whole.len || path.at[whole.len] == '/');
}

enum route_family route_family_of_path(enum call_listener listener, struct str path) {
    static const struct {
        const char *prefix;
        enum route_family family;
    } prefixes[] = {
        { "/v1", FAMILY_V1 },
        { "/open-banking", FAMILY_OPEN_BANKING },
        { "/token", FAMILY_OAUTH },
        { "/par", FAMILY_OAUTH },
        { "/introspect", FAMILY_OAUTH },
        { "/revoke", FAMILY_OAUTH },
        { "/register", FAMILY_OAUTH },
        { "/.well-known", FAMILY_OAUTH },
        { "/jwks", FAMILY_OAUTH },
        { "/style.css", FAMILY_PAGES },
        { "/authorize", FAMILY_PAGES },
        { "/customer", FAMILY_PAGES },
    };
    for (size_t i = 0; i < ARRAY_COUNT(prefixes); i++)
        if (path_is_below(path, prefixes[i].prefix)) return prefixes[i].family;
    return listener == CALL_BROWSER ? FAMILY_PAGES : FAMILY_V1;
}

enum open_banking_version route_version_of_path(struct str path) {
    return path_is_below(path, "/open-banking/v3.1") ? OPEN_BANKING_V3 : OPEN_BANKING_V4;
}

static bool segment_is_clean(struct str segment) {
    for (size_t i = 0; i < segment.len; i++) {
        unsigned char c = (unsigned char)segment.at[i];
        if (c < 0x20 || c == 0x7f || c == '/' || c == '\\') return false;
    }
    return str_is_utf8(segment);
}

/* One segment, decoded; borrowed when nothing is escaped. False when it may not be one. */
static bool segment_decode(struct str raw, struct arena *arena, struct str *ret_segment) {
    char memory[ROUTE_PARAM_BYTES_MAX];
    struct buffer decoded;
    if (raw.len == 0) return false;
    if (!memchr(raw.at, '%', raw.len)) {
        *ret_segment = raw;
        return raw.len <= ROUTE_PARAM_BYTES_MAX && segment_is_clean(raw);
    }
    buffer_init(&decoded, memory, sizeof memory);
    if (percent_decode(raw, false, &decoded) || decoded.overflow || !segment_is_clean(buffer_str(&decoded)))
        return false;
    *ret_segment = arena_dup(arena, buffer_str(&decoded));
    return ret_segment->at != NULL;
}

/* Whether path (without its trailing slash) is of the template. params are written also when it is not. */
static bool template_match(struct str template, struct str path, struct arena *arena,
                           struct str params[EXCHANGE_PARAMS_MAX]) {
    size_t count = 0;
    bool more_template = true, more_path = true;
    struct str want, have, segment;
    while (more_template && more_path) {
        more_template = str_cut(&template, '/', &want);
        more_path = str_cut(&path, '/', &have);
        if (want.len == 0 && have.len == 0) continue; /* before the first slash */
        bool is_param = want.len && want.at[0] == '{';
        if (!is_param && str_equal(want, have)) continue;
        if (!segment_decode(have, arena, &segment)) return false;
        if (!is_param && !str_equal(want, segment)) return false;
        if (!is_param) continue;
        check(count < EXCHANGE_PARAMS_MAX);
        params[count++] = segment;
    }
    return more_template == more_path;
}

/* A path without escapes can only be of a template that begins, up to its first parameter, as it does. */
static bool begins_alike(const char *template, struct str path) {
    size_t len = strcspn(template, "{");
    return path.len >= len && memcmp(template, path.at, len) == 0;
}

/* Nor of one that ends otherwise behind its last parameter. */
static bool ends_alike(const char *template, struct str path) {
    const char *behind = strrchr(template, '}');
    return !behind || str_ends(path, str_from_c(behind + 1));
}

static void allow_add(struct buffer *allow, const char *method) {
    if (allow->len) buffer_append_c(allow, ", ");
    buffer_append_c(allow, method);
    if (strcmp(method, "GET") == 0) buffer_append_c(allow, ", HEAD");
}

enum route_verdict route_find(enum call_listener listener, struct str method, struct str path, struct arena *arena,
                              struct route_match *ret_match) {
    char memory[128];
    struct buffer allow;
    unsigned flag = listener == CALL_MTLS ? ROUTE_MTLS : ROUTE_BROWSER;
    struct str wanted = str_equal(method, STR("HEAD")) ? STR("GET") : method;
    if (path.len > 1 && path.at[path.len - 1] == '/') path.len--;
    bool escaped = path.len && memchr(path.at, '%', path.len);
    buffer_init(&allow, memory, sizeof memory);
    for (size_t i = 0; i < route_count(); i++) {
        const char *template = route_at(i)->path;
        if (!escaped && !(begins_alike(template, path) && ends_alike(template, path))) continue;
        struct route_match match = { .route = route_at(i) };
        bool fits = (match.route->flags & flag) && template_match(str_from_c(template), path, arena, match.params);
        if (!fits) continue;
        if (str_equal_c(wanted, match.route->method)) {
            *ret_match = match;
            return ROUTE_FOUND;
        }
        allow_add(&allow, match.route->method);
    }
    if (allow.len == 0) return ROUTE_NOT_FOUND;
    *ret_match = (struct route_match){ .allow = arena_dup(arena, buffer_str(&allow)) };
    return ROUTE_WRONG_METHOD;
}
