/* ledger_note.h - free words on accounts and transactions: a side table, written only where there are words.
 *
 * (N1) at most LEDGER_NOTES_MAX keys, 1..LEDGER_NOTE_KEY_BYTES_MAX bytes of a-z 0-9 _ each once; values of UTF-8, at
 * most LEDGER_NOTE_VALUE_BYTES_MAX bytes. (N2) the words of a transaction are written once, those of an account are
 * replaced whole. They may name people: a personal column, never in logs. Tests: ledger_order_test.c. */
#ifndef GIRO_SERVICES_LEDGER_LEDGER_NOTE_H
#define GIRO_SERVICES_LEDGER_LEDGER_NOTE_H

#include "engine/decision.h"

enum {
    LEDGER_NOTES_MAX = 16,
    LEDGER_NOTE_KEY_BYTES_MAX = 64,
    LEDGER_NOTE_VALUE_BYTES_MAX = 256,
    LEDGER_NOTE_BYTES_MAX = LEDGER_NOTES_MAX * (LEDGER_NOTE_KEY_BYTES_MAX + LEDGER_NOTE_VALUE_BYTES_MAX + 3),
};
enum ledger_note_subject { LEDGER_NOTE_ACCOUNT, LEDGER_NOTE_TRANSACTION };

struct ledger_note_row {
    int64_t subject; /* enum ledger_note_subject */
    int64_t number;  /* of the account or transaction */
    struct str text; /* one note behind the other: ledger_note_next */
};
extern const struct table ledger_note_table;

struct ledger_note {
    struct str key, value;
};
enum ledger_note_refusal { LEDGER_NOTE_E_NONE, LEDGER_NOTE_E_INPUT };
void ledger_want_note(struct work *work, enum ledger_note_subject subject, int64_t number);
/* Writes the notes of an account or transaction; count 0 takes an account's away. 0; LEDGER_NOTE_E_INPUT: N1;
 * a transaction's number must be fresh (a second writing fails the commit); VIEW_NEED, <0. */
int ledger_note_write(struct work *work, enum ledger_note_subject subject, int64_t number,
                      const struct ledger_note *notes, size_t count);
/* Takes the next note off *text; false at the end. Borrowed. */
bool ledger_note_next(struct str *text, struct ledger_note *ret_note);

#endif
