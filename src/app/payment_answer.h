/* payment_answer.h - what an answer of /v1/payments says, for programs that send many. Pure. */
#ifndef GIRO_APP_PAYMENT_ANSWER_H
#define GIRO_APP_PAYMENT_ANSWER_H

#include "domain/id.h"
#include "domain/money.h"
#include "domain/payment_status.h"
#include "platform/http_load.h"

enum {
    PAYMENT_ANSWER_WORD_BYTES_MAX = 32,
    PAYMENT_ANSWER_WAIT_MS = 100,      /* before asking again, where the answer names no time */
    PAYMENT_ANSWER_WAIT_MS_MAX = 5000, /* whatever the answer names */
};

enum payment_answer_kind {
    PAYMENT_ANSWER_NONE,    /* not asked, or not answered */
    PAYMENT_ANSWER_PAYMENT, /* a payment as it is, or was when it was accepted */
    PAYMENT_ANSWER_AGAIN,   /* nobody knows, or not now: ask again with the same key */
    PAYMENT_ANSWER_REFUSED, /* no payment; reason says why */
    PAYMENT_ANSWER_LOST,    /* nothing answers any more */
};

struct payment_answer {
    enum payment_answer_kind kind;
    char reason[PAYMENT_ANSWER_WORD_BYTES_MAX]; /* of a rejected payment, or the error's code; else empty */
    int64_t wait_ms;                            /* AGAIN: after how long */
    /* of PAYMENT */
    bool replayed;                              /* Idempotent-Replayed: true */
    struct payment_id payment_id;
    enum payment_status status;
    struct money amount;
};

/* Reads the answer to a POST (201) or a GET (200). arena is for scratch. Never fails: what cannot be read is REFUSED
 * with reason "unreadable". */
void payment_answer_read(const struct http_load_response *response, struct arena *arena, struct payment_answer *ret_answer);
bool payment_answer_is_final(const struct payment_answer *answer);

#endif
