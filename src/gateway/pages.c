/* pages.c - the browser's side of the authorization server: authorize and the consent pages. */
#include "gateway/oauth.h"

#include "gateway/route.h"

static int handle_authorize(struct exchange *exchange) {
    return oauth_run(exchange, auth_authorize);
}

static int handle_login(struct exchange *exchange) {
    return oauth_run(exchange, auth_page_login);
}

static int handle_code(struct exchange *exchange) {
    return oauth_run(exchange, auth_page_code);
}

static int handle_account(struct exchange *exchange) {
    return oauth_run(exchange, auth_page_account);
}

static int handle_confirm(struct exchange *exchange) {
    return oauth_run(exchange, auth_page_confirm);
}

static int handle_reject(struct exchange *exchange) {
    return oauth_run(exchange, auth_page_reject);
}

static int handle_style(struct exchange *exchange) {
    exchange_header(exchange, STR("Cache-Control"), STR("public, max-age=300"));
    exchange_header(exchange, STR("X-Content-Type-Options"), STR("nosniff"));
    return exchange_answer(exchange, 200, "text/css; charset=utf-8", auth_style());
}

#define PAGE_FORM(step, run)                                                                                           \
    {                                                                                                                  \
        .method = "POST", .path = "/authorize/" step, .family = FAMILY_PAGES, .flags = ROUTE_BROWSER | ROUTE_FORM,     \
        .handle = (run), .finish = oauth_finish                                                                        \
    }

const struct route page_routes[] = {
    { .method = "GET",
      .path = "/authorize",
      .family = FAMILY_PAGES,
      .flags = ROUTE_BROWSER,
      .handle = handle_authorize,
      .finish = oauth_finish },
    PAGE_FORM("login", handle_login),
    PAGE_FORM("code", handle_code),
    PAGE_FORM("account", handle_account),
    PAGE_FORM("confirm", handle_confirm),
    PAGE_FORM("reject", handle_reject),
    { .method = "GET", .path = "/style.css", .family = FAMILY_PAGES, .flags = ROUTE_BROWSER, .handle = handle_style },
};
const size_t page_route_count = ARRAY_COUNT(page_routes);
