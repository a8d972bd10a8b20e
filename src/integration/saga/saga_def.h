/* saga_def.h - a saga definition, compiled once from Amazon States Language and then immutable.
 *
 * Dialect `spec`, strict: an unknown field is an error, and so is what is not built yet (Parallel, Map, JSONata,
 * intrinsic functions, variables, the context object, heartbeats, arrays): the message says "not supported yet" and
 * names the state.
 *
 * Data. The JSON document that flows through a machine is a fixed set of slots, one for each scalar that some state
 * reads or writes, named by its reference path without "$." ("payment.on_us"). A slot holds null, a boolean, an int64
 * or a string of at most SAGA_STRING_BYTES_MAX bytes. Objects exist through their leaves, so an empty object is the
 * same as an absent one. Values that no state mentions are not kept, and
 * a state that puts an object into itself needs more slots than there are: refused.
 *
 * Retried for ever: MaxAttempts 99999999, the greatest that the language allows, means "without end" here. That is how
 * a definition says that a compensation must get through; such a Retry wants a MaxDelaySeconds.
 *
 * Thread safety: none needed, nothing changes after compilation. */
#ifndef GIRO_INTEGRATION_SAGA_SAGA_DEF_H
#define GIRO_INTEGRATION_SAGA_SAGA_DEF_H

#include "integration/saga/saga_task.h"
#include "platform/digest.h"

enum {
    SAGA_DEF_BYTES_MAX = 256 * 1024, /* of the text */
    SAGA_STATES_MAX = 128,
    SAGA_NAME_CHARS_MAX = 80, /* A2, in Unicode characters */
    SAGA_SLOTS_MAX = 28, /* so that the largest state fits into its row (saga_table.h); sets of slots are uint64_t */
    SAGA_PATH_BYTES_MAX = 256,
    SAGA_RETRIERS_MAX = 8, /* per state */
    SAGA_CATCHERS_MAX = 16,
    SAGA_ERRORS_MAX = 16, /* names in one ErrorEquals */
    SAGA_RULES_MAX = 64,  /* rules of a Choice; tests in one And or Or */
    SAGA_TEST_DEPTH_MAX = 8,
    SAGA_ENTRIES_MAX = 64, /* leaves of one Parameters, ResultSelector or Result */
    SAGA_SECONDS_MAX = 99999999,
    SAGA_DELAY_SECONDS_MAX = 31622400, /* MaxDelaySeconds */
    SAGA_ATTEMPTS_FOREVER = 99999999,
    SAGA_TIMEOUT_SECONDS_DEFAULT =
        60 /* of a Task that leaves the program and names none: the specification's figure; AWS: none */
};

struct saga_def;

/* text and registry: checked here (A1 to A64 as far as they concern the supported types). 0 with a definition of the
 * caller's; SAGA_E_DEFINITION or SAGA_E_REGISTRY with one sentence naming state and field in message (may be NULL);
 * -ENOMEM. registry is borrowed for the life of the definition; text is not kept. */
int saga_def_compile(struct str text, const struct saga_registry *registry, struct saga_def **ret_def,
                     struct message *message);
struct saga_def *saga_def_free(struct saga_def *def); /* takes NULL, returns NULL */

/* Of the text without its blanks and of what the registry made of it: two definitions with one hash run each other's
 * states. */
const struct hash *saga_def_hash(const struct saga_def *def);
struct str saga_def_comment(const struct saga_def *def);
size_t saga_def_state_count(const struct saga_def *def);
struct str saga_def_state_name(const struct saga_def *def, size_t state);              /* state < count (check) */
const struct saga_task *saga_def_state_task(const struct saga_def *def, size_t state); /* NULL unless a Task */
size_t saga_def_slot_count(const struct saga_def *def);
struct str saga_def_slot_name(const struct saga_def *def, size_t slot); /* slot < count (check) */
int saga_def_slot_find(const struct saga_def *def, struct str name);    /* -1 when no state mentions it */

#endif
