/* oauth.h - how the routes of the authorization server hand an exchange to auth and take its answer. Private to oauth.c
 * and pages.c. */
#ifndef GIRO_GATEWAY_OAUTH_H
#define GIRO_GATEWAY_OAUTH_H

#include "auth/auth.h"
#include "gateway/exchange.h"

/* Runs one of auth's entry functions on the exchange; EXCHANGE_ANSWERED or EXCHANGE_WAITS (then the route's finish is
 * oauth_finish). */
int oauth_run(struct exchange *exchange, int (*entry)(struct auth_request *request));
int oauth_finish(struct exchange *exchange);

#endif
