/* consent_step.h - what one step of a customer over the consent pages works on. Private to authorize.c and
 * consent_step*.c. */
#ifndef GIRO_AUTH_CONSENT_STEP_H
#define GIRO_AUTH_CONSENT_STEP_H

#include "auth/auth_int.h"
#include "auth/pushed_request.h"

struct consent_step {
    struct str cookie;        /* in clear, of this browser */
    struct hash session_hash; /* of the cookie */
    struct session_view session;
    struct client_view client;
    struct pushed_view pushed;
    struct pushed_terms terms;
    struct authorize_by_value by_value; /* what to store first when the request was not pushed */
    struct consent_page_view consent;
    struct str code;    /* that will go back, once confirmed */
    struct form form;   /* of a POST */
    const char *notice; /* for the next page */
};

/* Everything behind the session of step->session_hash that serves step->session.request_hash: client, request, consent.
 * 0, QUERY_E_ABSENT, <0. */
int consent_step_load(struct auth_request *request, struct consent_step *step) MUST_USE;
/* The page of the stage at which the session is. */
int consent_step_show(struct auth_request *request, struct consent_step *step);
int consent_step_over(struct auth_request *request); /* the page that says so */
/* A fresh code in step->code, and the terms for the command. 0 or <0. */
int consent_step_terms(struct auth_request *request, struct consent_step *step, struct code_terms *ret_terms) MUST_USE;
/* Their ids as a command takes them, in the arena: all of them for reads, the first for a payment. 0 or -ENOMEM.
 * tidy: parameters because a list is a pointer and a count. */
int consent_step_choice(struct auth_request *request, const struct consent_step *step,
                        const struct account_view *accounts, size_t count, struct str *ret_ids) MUST_USE;
/* The accounts of the customer that may be chosen for the consent, in the arena. 0 or <0. */
int consent_step_accounts(struct auth_request *request, const struct consent_page_view *consent,
                          const struct customer_id *customer_id, struct account_view **ret_accounts,
                          size_t *ret_count) MUST_USE;

#endif
