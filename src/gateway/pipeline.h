/* pipeline.h - one request through the checks to its handler and out again. Private to the gateway. */
#ifndef GIRO_GATEWAY_PIPELINE_H
#define GIRO_GATEWAY_PIPELINE_H

#include "gateway/exchange.h"

/* On an IO thread: the same as pipeline_run, as far as nothing has to wait. False: the exchange is a worker's now to go
 * on with. */
bool pipeline_try(struct query *query, struct exchange *exchange) MUST_USE;
/* On a pool worker: checks in order, then the handler; the first that answers ends it. Unless it waits, the exchange is
 * gone then. */
void pipeline_run(struct query *query, struct exchange *exchange);
/* The command of a waiting exchange was answered; from the engine's thread: gives it back to the thread that read it
 * (ROUTE_QUICK, and nothing to sign) as long as that does not end, or to the pool. */
void pipeline_resume(struct exchange *exchange);
/* On that thread: the route's finish, and the answer. */
void pipeline_finish(struct exchange *exchange);
/* A check that waited has what it waited for; from any thread: a worker goes on with the same check. */
void pipeline_check_again(struct exchange *exchange);
/* On a pool worker: the exchange waited for its key (key_wait.h); it has it now, or its time is over. */
void pipeline_go_on(void *worker_ctx, void *exchange);
void pipeline_too_late(void *worker_ctx, void *exchange);
/* The same when there are no workers any more: 503. */
void pipeline_stopped(struct exchange *exchange);
/* Sends the answer: signatures, common headers, metrics, log, audit note. The exchange is gone. */
void pipeline_answer(struct exchange *exchange);

#endif
