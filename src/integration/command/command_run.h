/* command_run.h - from a layer-1 call to an entry of the engine's queue and back. Private to integration. */
#ifndef GIRO_INTEGRATION_COMMAND_COMMAND_RUN_H
#define GIRO_INTEGRATION_COMMAND_COMMAND_RUN_H

#include "integration/integration.h"

/* What the engine decided, in the caller's words; text is borrowed from the command. */
struct command_answer command_answer_of(const struct command *command);

/* input must live as long as the call's arena. Returns as the command functions of integration/command.h do. */
int command_run(struct integration *integration, struct command_call *call, const struct command_kind *kind,
                void *input);
/* A command of the program itself that nobody waits for: copies input (bytes) to the heap, frees both when answered.
 * on_done may be NULL. 0, COMMAND_E_FULL, <0.
 * tidy: parameters because on_done needs its ctx, and input its size. */
int command_run_internal(struct integration *integration, const struct command_kind *kind, const void *input,
                         size_t bytes, void (*on_done)(void *ctx, const void *input, const struct command *command),
                         void *ctx);

/* A command of the program itself that the caller, a background thread, waits for. 0: accepted and flushed; > 0: the
 * refusal of its kind; <0: -EAGAIN (queue full or stopping: nothing was taken) or -EIO (not decided, or not known to
 * be: look at the store again). The engine's thread must run. */
int command_run_program(struct integration *integration, const struct command_kind *kind, void *input) MUST_USE;

#endif
