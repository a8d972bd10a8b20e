/* account_opener.h - opens and funds many accounts for a sandbox client through the operator's socket.
 *
 * (N1) What is there already is found by its IBAN and used; running again opens nothing twice. (N2) A new account is
 * funded in the commit that opens it; one that was there is topped up to what is needed when it has less. */
#ifndef GIRO_APP_ACCOUNT_OPENER_H
#define GIRO_APP_ACCOUNT_OPENER_H

#include "app/sandbox_caller.h"
#include "domain/id.h"
#include "domain/money.h"
#include "domain/personal.h"

enum {
    ACCOUNT_OPENER_THREADS = 3, /* one less than the daemon serves: others get a word in */
    ACCOUNT_OPENER_ACCOUNTS_MAX = 200000,
};

struct account_wish {
    struct iban iban;
    char sort_code[SORT_CODE_DIGITS + 1], account_number[9]; /* both empty: none */
    int64_t fund_minor;           /* of a new account, > 0 */
    int64_t need_minor;           /* what it must have at least */
    struct account_id account_id; /* result */
    bool created;                 /* result */
};

struct account_opener {
    const struct sandbox *sandbox;
    struct sandbox_caller *caller; /* the holder; its token needs the scope accounts */
    const char *scope;             /* of that token */
    const char *holder, *name;     /* client; name of the accounts */
    struct currency currency;
    bool business;
    const char *title;             /* of the progress bar */
    struct account_wish *wishes;
    size_t count;                  /* [1, ACCOUNT_OPENER_ACCOUNTS_MAX] */
};

/* Fills in the results. 0; SANDBOX_CALLER_E_UNREACHABLE (no daemon), _REFUSED, _UNKNOWN with message; or a fault. */
int account_opener_run(const struct account_opener *opener, struct message *message) MUST_USE;

/* The request lines (admin.h), without a line end. */
void account_opener_write_open(const struct account_opener *opener, const struct account_wish *wish, struct buffer *out);
void account_opener_write_fund(const struct account_opener *opener, const struct account_wish *wish, int64_t minor,
                               struct buffer *out);

#endif
