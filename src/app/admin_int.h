/* admin_int.h - between the socket and the commands of the operator. Private to admin*.c. */
#ifndef GIRO_APP_ADMIN_INT_H
#define GIRO_APP_ADMIN_INT_H

#include "app/admin.h"
#include "app/admin_audit.h"
#include "wire/json.h"

enum { ADMIN_ARENA_BYTES = 64 * 1024, ADMIN_ARENA_BYTES_MAX = 16 * 1024 * 1024 };

struct admin_request {
    const struct admin_options *options;
    const struct json *json;
    struct str line; /* as it came: what an idempotency key stands for */
    struct arena *arena;
    int fd;                          /* of the connection */
    const struct admin_audit *audit; /* NULL in tests: lines are not written down */
    bool *recorded;                  /* set once a record goes with a command's commit; NULL as above */
};
/* Writes the members behind "ok":true and returns NULL, or writes nothing and returns the error's name. *ret_fault is
 * set with "fault". */
const char *admin_handle(const struct admin_request *request, struct json_writer *out, int *ret_fault);
/* The result of a command function with its answer: NULL: accepted, or refused by the command (answer.refusal); else
 * the error's name. */
const char *admin_outcome(int r, const struct command_answer *answer, int *ret_fault);

struct admin_audited {
    const char *operation; /* the command's name: the audit record's route, the key's scope */
    struct command_audit audit;
};
/* A call of which a record stands in the journal, with the request's "key", if it has one; the line is what the key
 * stands for. audited must live as long as the call. */
void admin_call_init(const struct admin_request *request, struct admin_audited *audited, struct command_call *ret_call);

/* admin_ledger.c: each as admin_handle. */
const char *admin_ledger_post(const struct admin_request *request, struct json_writer *out, int *ret_fault);
const char *admin_ledger_reverse(const struct admin_request *request, struct json_writer *out, int *ret_fault);
const char *admin_ledger_account(const struct admin_request *request, struct json_writer *out, int *ret_fault);
const char *admin_ledger_hold(const struct admin_request *request, struct json_writer *out, int *ret_fault);
const char *admin_ledger_close_day(const struct admin_request *request, struct json_writer *out, int *ret_fault);
const char *admin_payment_refund(const struct admin_request *request, struct json_writer *out, int *ret_fault);

/* As admin_handle (admin_consent.c). */
const char *admin_consent_revoke(const struct admin_request *request, struct json_writer *out, int *ret_fault);
const char *admin_consent_authenticate(const struct admin_request *request, struct json_writer *out, int *ret_fault);

/* As admin_handle, one command each (admin_schedule.c). */
const char *admin_schedule(const struct admin_request *request, struct json_writer *out, int *ret_fault);
const char *admin_schedule_cancel(const struct admin_request *request, struct json_writer *out, int *ret_fault);
const char *admin_standing_order(const struct admin_request *request, struct json_writer *out, int *ret_fault);
const char *admin_standing_order_cancel(const struct admin_request *request, struct json_writer *out, int *ret_fault);
/* admin_keys.c */
const char *admin_auth_keys(const struct admin_request *request, struct json_writer *out, int *ret_fault);
const char *admin_payment_file(const struct admin_request *request, struct json_writer *out, int *ret_fault);

#endif
