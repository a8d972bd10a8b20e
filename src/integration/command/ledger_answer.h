/* ledger_answer.h - what the operator's commands on the ledger answer with. Private to integration. */
#ifndef GIRO_INTEGRATION_COMMAND_LEDGER_ANSWER_H
#define GIRO_INTEGRATION_COMMAND_LEDGER_ANSWER_H

#include "integration/command/command_codec.h"
#include "integration/command/command_run.h"
#include "services/ledger/ledger.h"
#include "services/ledger/ledger_note.h"

enum {
    LEDGER_ANSWER_BYTES_MAX = 16 * 1024,
    LEDGER_NOTE_REFUSAL = LEDGER_E_COUNT,
    LEDGER_REFUSAL_COUNT,
    LEDGER_COMMAND_ROWS_MAX = 256
};

/* The ledger's name of a refusal, or "invalid_note" for LEDGER_NOTE_REFUSAL. */
const char *ledger_answer_refusal_name(int refusal);
/* struct ledger_post_note, for the lists of a command_form (command_codec.h). */
extern const struct command_field ledger_note_fields[2];
/* The receipt as command->answer. 0 or <0. */
int ledger_answer_receipt(struct work *work, struct command *command, const struct ledger_receipt *receipt);
/* The balances of one account as command->answer. 0, VIEW_NEED or <0. */
int ledger_answer_account(struct work *work, struct command *command, int64_t number);
/* Writes notes in the ledger's words. 0, LEDGER_NOTE_REFUSAL, VIEW_NEED, <0. */
int ledger_answer_notes(struct work *work, enum ledger_note_subject subject, int64_t number,
                        const struct ledger_post_note *notes, size_t count);

#endif
