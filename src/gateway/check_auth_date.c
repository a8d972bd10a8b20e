#include "gateway/checks.h"

#include "gateway/route.h"
#include "platform/clock.h"

int check_auth_date(struct exchange *exchange) {
    const struct str name = STR("x-fapi-auth-date");
    size_t count = http_header_count(exchange->request, name);
    int64_t ms;
    if (exchange->route->family != FAMILY_OPEN_BANKING || count == 0) return EXCHANGE_GOES_ON;
    if (count == 1 && clock_parse_http(http_header(exchange->request, name), &ms) == 0) return EXCHANGE_GOES_ON;
    return exchange_refuse_field(exchange, &refusal_invalid_header, "header.x-fapi-auth-date",
                                 "must be one HTTP-date, as Sun, 22 Nov 2026 03:45:00 GMT");
}
