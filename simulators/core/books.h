/* books.h - the books of the core banking host: what was booked, what was refused, what is barred; balances.
 *
 * (C1) A decision is a line in the file first and a change in memory second, by the same function that replays the
 *      file. No decision may be answered before books_flush() returned 0.
 * (C2) A reference is decided once: booked, refused or barred. What was booked or refused keeps its first answer.
 * (C3) Barred (code 44 or 45 was given for an unseen reference) is for ever: nothing is ever booked under it.
 * (C4) A booking moves its amount from debtor to creditor, a reversal moves it back: balances of a currency sum to
 *      zero.
 *
 * Codes: 00 done. 13 the amount is zero. 14 the creditor cannot be credited (its number ends in 0000000: a case for
 * tests). 44 never seen, now barred. 45 nothing to reverse; unseen before: now barred. 46 barred, not booked. 47
 * this reference was used with other bytes (nothing done; enquire). 48 was booked and has been reversed. 96 the
 * books are full or a balance would overflow. */
#ifndef GIRO_SIMULATORS_CORE_BOOKS_H
#define GIRO_SIMULATORS_CORE_BOOKS_H

#include "simulators/core/record.h"

enum { BOOKS_REFERENCES_MAX = 8 * 1000 * 1000, BOOKS_ACCOUNTS_MAX = 1000 * 1000 };

struct books;

/* Opens (or makes) the file and reads it back. 0; BOOKS_E_LOCKED: another core has it; -EBADMSG: damaged; other
 * faults. */
enum books_refusal { BOOKS_E_NONE = 0, BOOKS_E_LOCKED };
int books_open(const char *path, struct books **ret_books, struct message *message);
/* Reads only: for listing, also while a core runs. -ENOENT when there is no such file. */
int books_read(const char *path, struct books **ret_books, struct message *message);
struct books *books_free(struct books *books);

/* The three requests, with sound records; now_ms is the core's wall clock. 0 or a fault, after which the books must be
 * freed. */
int books_book(struct books *books, const struct txn_record *txn, int64_t now_ms, struct answer_record *ret_answer);
int books_enquire(struct books *books, const struct reference_record *enquiry, int64_t now_ms,
                  struct answer_record *ret_answer);
int books_reverse(struct books *books, const struct reference_record *reversal, int64_t now_ms,
                  struct answer_record *ret_answer);
int books_flush(struct books *books);

/* Everything that is booked and every balance, as one JSON document or as lines of words (docs in README.md). */
void books_list(const struct books *books, FILE *out, bool json);

#endif
