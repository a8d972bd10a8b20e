/* client_register.h - what registering and changing a client share. Private to integration. */
#ifndef GIRO_INTEGRATION_COMMAND_CLIENT_REGISTER_H
#define GIRO_INTEGRATION_COMMAND_CLIENT_REGISTER_H

#include "integration/command.h"

/* What needs no row to be judged. 0, CLIENT_REGISTER_E_*, <0. */
int client_input_fits(const struct client_register_input *input);
const char *client_register_refusal_name(int refusal);
/* Answers the call without the engine. 0. */
int client_refuse_at_once(struct command_call *call, int refusal, const char *name);

#endif
