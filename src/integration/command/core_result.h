/* core_result.h - what the core answered, as a command of the program itself. Private to integration. */
#ifndef GIRO_INTEGRATION_COMMAND_CORE_RESULT_H
#define GIRO_INTEGRATION_COMMAND_CORE_RESULT_H

#include "integration/saga/payment_saga.h"

enum { CORE_RESULT_REFERENCE_BYTES_MAX = 18, CORE_RESULT_RECORD_BYTES_MAX = 1024 };

struct core_result {
    const struct integration *integration;
    uint8_t payment_id[16];
    enum core_verdict verdict;
    char core_reference[CORE_RESULT_REFERENCE_BYTES_MAX];
    uint8_t core_reference_len;
    /* The audit record of the call that gave the answer (acl/core_call_record.h): it goes into the commit that takes
     * the answer, whatever is decided of it. Empty: there was no call. */
    char call_record[CORE_RESULT_RECORD_BYTES_MAX];
};
extern const struct command_kind core_result_kind;

struct saga_wake {
    const struct integration *integration;
    uint8_t payment_id[16];
};
extern const struct command_kind saga_wake_kind;

#endif
