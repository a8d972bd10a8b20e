/* books.h - the whole proof: the ledger and its chain (services/ledger/ledger_verify.h), and payments against holds and
 * postings.
 *
 * (O1) a completed payment has a consumed hold and exactly one transaction, of its amount and currency and on its
 * account; a rejected one has none and no active hold; a pending one has no transaction; an unknown one has its hold,
 * active (G2). (O2) every transaction and every hold that names a payment names one that exists. Findings name the
 * payment's id and a word of ours, no personal data. Tests: integration/books_test.c. */
#ifndef GIRO_INTEGRATION_BOOKS_H
#define GIRO_INTEGRATION_BOOKS_H

#include "domain/id.h"
#include "services/ledger/ledger_statement.h"
#include "services/ledger/ledger_verify.h"

enum {
    BOOKS_FINDINGS_MAX = 64,               /* kept; more are counted */
    BOOKS_PAYMENTS_MAX = 64 * 1024 * 1024, /* booked payments remembered by id, 16 bytes each; above: -E2BIG */
};

#define BOOKS_FINDING_MAP(X)                                                                                           \
    X(BOOKS_FINDING_PAYMENT_ABSENT, "transaction_without_payment")                                                     \
    X(BOOKS_FINDING_TWICE, "payment_booked_twice")                                                                     \
    X(BOOKS_FINDING_NOT_COMPLETED, "booked_but_not_completed") X(BOOKS_FINDING_DIFFERS, "booking_differs")             \
        X(BOOKS_FINDING_NOT_BOOKED, "completed_but_not_booked") X(BOOKS_FINDING_HOLD_LEFT, "hold_left")                \
            X(BOOKS_FINDING_HOLD_GONE, "hold_gone") X(BOOKS_FINDING_HOLD_ALONE, "hold_without_payment")                \
                X(BOOKS_FINDING_STATUS, "status_invalid") X(BOOKS_FINDING_DAMAGED, "unreadable")
#define X(code, name) code,
enum books_finding_kind { BOOKS_FINDING_MAP(X) BOOKS_FINDING_KIND_COUNT };
#undef X
const char *books_finding_name(enum books_finding_kind kind);

struct books_finding {
    enum books_finding_kind kind;
    uint8_t payment_id[16];
};
struct books_result {
    struct ledger_verify_result ledger;
    struct ledger_statement_check statement; /* the read copy of the entries */
    int64_t payments, completed, rejected, pending, unknown;
    int64_t finding_count; /* of payments only */
    struct books_finding findings[BOOKS_FINDINGS_MAX];
};

/* Takes a snapshot of its own: not between read_begin and read_end. ret_result is large: not for a thread's stack. 0
 * whatever was found; <0 as ledger_verify. */
int books_verify(struct reader *reader, struct books_result *ret_result);
bool books_is_clean(const struct books_result *result);

#endif
