/* pages.c - the browser's side of the authorization server: authorize and the consent pages, and the customer's own
 * page. */
#include "gateway/oauth.h"

#include "gateway/conditional.h"
#include "gateway/gateway.h"
#include "gateway/route.h"

static int handle_authorize(struct exchange *exchange) {
    return oauth_run(exchange, auth_authorize);
}

static int handle_login(struct exchange *exchange) {
    return oauth_run(exchange, auth_page_login);
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

static int handle_customer(struct exchange *exchange) {
    return oauth_run(exchange, auth_customer);
}

static int handle_customer_login(struct exchange *exchange) {
    return oauth_run(exchange, auth_customer_login);
}

static int handle_customer_withdraw(struct exchange *exchange) {
    return oauth_run(exchange, auth_customer_withdraw);
}

static int handle_customer_logout(struct exchange *exchange) {
    return oauth_run(exchange, auth_customer_logout);
}

static int handle_style(struct exchange *exchange) {
    const struct auth *auth = gateway_options(exchange->gateway)->auth;
    if (!auth) return exchange_refuse(exchange, &refusal_not_found, NULL);
    exchange_header(exchange, STR("X-Content-Type-Options"), STR("nosniff"));
    return exchange_answer_conditional(exchange, "public, max-age=300", "text/css; charset=utf-8", auth_style(auth));
}

#define PAGE_FORM(place, run)                                                                                          \
    {                                                                                                                  \
        .method = "POST", .path = (place), .family = FAMILY_PAGES, .flags = ROUTE_BROWSER | ROUTE_FORM,                \
        .handle = (run), .finish = oauth_finish                                                                        \
    }

const struct route page_routes[] = {
    { .method = "GET",
      .path = "/authorize",
      .family = FAMILY_PAGES,
      .flags = ROUTE_BROWSER,
      .handle = handle_authorize,
      .finish = oauth_finish },
    PAGE_FORM("/authorize/login", handle_login),
    PAGE_FORM("/authorize/account", handle_account),
    PAGE_FORM("/authorize/confirm", handle_confirm),
    PAGE_FORM("/authorize/reject", handle_reject),
    { .method = "GET",
      .path = "/customer",
      .family = FAMILY_PAGES,
      .flags = ROUTE_BROWSER,
      .handle = handle_customer,
      .finish = oauth_finish },
    PAGE_FORM("/customer/login", handle_customer_login),
    PAGE_FORM("/customer/withdraw", handle_customer_withdraw),
    PAGE_FORM("/customer/logout", handle_customer_logout),
    { .method = "GET", .path = "/style.css", .family = FAMILY_PAGES, .flags = ROUTE_BROWSER, .handle = handle_style },
};
const size_t page_route_count = ARRAY_COUNT(page_routes);
