/* decision.h - what a service and a command see of the engine: views on rows, ids, time, events.
 *
 * A decision is a pure function: rows, time and ids in, verdict out. It does no I/O, reads no clock, draws no random
 * number. (D1) what a refused decision wrote is dropped; what an accepted one wrote is in the batch's single commit.
 * (D2) a view reaches its own service's tables only (check).
 * (D3) VIEW_NEED is returned upward unchanged and at once: the engine loads the row and runs the command again from its
 * first line. (D4) there are no range reads: a decision names its rows by primary or unique key.
 * (D5) a decision that runs again draws new ids and numbers: a row under one of them is inserted, never looked up (the
 * look-up would ask for another row each time, and never end). */
#ifndef GIRO_ENGINE_DECISION_H
#define GIRO_ENGINE_DECISION_H

#include "domain/event.h"
#include "domain/id.h"
#include "platform/table.h"

struct work;

/* Not a refusal: "run me again when the row is there". */
enum { VIEW_NEED = 1 << 20 };

struct view {
    struct work *work;
    const char *service;
};
struct view view_of(struct work *work, const char *service);

/* The row with the primary key in probe (a row struct with its key columns filled): *ret_row is borrowed and stays as
 * it is until this command writes the row again; NULL when there is none. 0 or VIEW_NEED. */
int view_get(const struct view *view, const struct table *table, const void *probe, const void **ret_row) MUST_USE;
/* The same by a unique index (1..). */
int view_find(const struct view *view, const struct table *table, uint8_t index, const void *probe,
              const void **ret_row) MUST_USE;
/* A row that is not there yet (its key is fresh, or view_get gave NULL). row is copied. 0, or
 * -EMSGSIZE/-EILSEQ/-ENOMEM. */
int view_insert(const struct view *view, const struct table *table, const void *row) MUST_USE;
/* Replaces a row that view_get or view_find gave; unique columns unchanged (check). row is copied. 0 or as view_insert.
 */
int view_update(const struct view *view, const struct table *table, const void *row) MUST_USE;
int view_delete(const struct view *view, const struct table *table, const void *row) MUST_USE;

int64_t view_now_ms(const struct view *view);                  /* one time for the whole batch, never backwards */
void view_new_id(const struct view *view, uint8_t ret_id[16]); /* UUIDv7, in order */
int64_t view_batch_seq(const struct view *view);               /* seq of the journal record this batch becomes */
/* Numbers from 1 upwards without repetition (gaps are possible), one sequence a kind. */
enum counter {
    COUNTER_ACCOUNT,
    COUNTER_TRANSACTION,
    COUNTER_ENTRY,
    COUNTER_ANSWER,
    COUNTER_SWEPT_DAY, /* the engine's own, no sequence: the last day whose idempotency keys are gone */
    COUNTER_LONG_KEYS, /* the engine's own: enum long_keys (idempotency.h) */
    COUNTER_HEAD,      /* the engine's own: the beginning of the newest record's hash */
    COUNTER_COUNT
};
int64_t view_next_number(const struct view *view, enum counter counter);
struct arena *view_arena(const struct view *view); /* lives until the batch has been answered */

/* Into the journal with this commit; id and time are filled in. 0 or -ENOMEM. */
int view_event(const struct view *view, const struct event *event) MUST_USE;
/* One line of saga history, JSON text (trusted). */
int work_history(struct work *work, struct str json) MUST_USE;

/* Work that must leave the program, told to the driver only after the commit that decided it. */
enum followup_kind {
    FOLLOWUP_CORE_EXECUTE,
    FOLLOWUP_CORE_ENQUIRE,
    FOLLOWUP_SAGA_CONTINUE,
    FOLLOWUP_SAGA_WAKE,
    FOLLOWUP_HOLD_EXPIRY, /* id: of the hold; due_ms: when it ends */
    FOLLOWUP_KIND_COUNT
};
struct followup {
    enum followup_kind kind;
    uint8_t id[16]; /* of the saga (= the payment's) */
    int64_t due_ms; /* wall clock; 0 = at once */
    /* What whoever follows would otherwise have to read again, as the kind has it; NULL: nothing. In the decision's
     * arena: to be copied in on_followup. */
    const void *carried;
};
int work_followup(struct work *work, const struct followup *followup) MUST_USE;

#endif
