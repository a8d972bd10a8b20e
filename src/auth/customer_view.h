/* customer_view.h - the customer's own page: what was allowed to whom, and the buttons to take it back. */
#ifndef GIRO_AUTH_CUSTOMER_VIEW_H
#define GIRO_AUTH_CUSTOMER_VIEW_H

#include "auth/page.h"

enum { CUSTOMER_PAGE_BYTES_MAX = 448 * 1024 };

struct customer_facts {
    const struct customer_consents *consents;
    const struct account_view *accounts; /* of the customer */
    size_t account_count;
    struct str csrf;
    const char *done, *notice; /* NULL, or one sentence of ours */
};
/* Each answers 200. AUTH_ANSWERED or <0. */
int customer_view_login(struct auth_request *request, struct str csrf, const char *notice, const char *done);
int customer_view_show(struct auth_request *request, const struct customer_facts *facts);

#endif
