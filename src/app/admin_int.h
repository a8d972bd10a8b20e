/* admin_int.h - between the socket and the commands of the operator. Private to admin*.c. */
#ifndef GIRO_APP_ADMIN_INT_H
#define GIRO_APP_ADMIN_INT_H

#include "app/admin.h"
#include "wire/json.h"

enum { ADMIN_ARENA_BYTES = 64 * 1024, ADMIN_ARENA_BYTES_MAX = 1024 * 1024 };

struct admin_request {
    const struct admin_options *options;
    const struct json *json;
    struct arena *arena;
};
/* Writes the members behind "ok":true and returns NULL, or writes nothing and returns the error's name. *ret_fault is
 * set with "fault". */
const char *admin_handle(const struct admin_request *request, struct json_writer *out, int *ret_fault);

#endif
