/* saga_table.h - unfinished sagas: one row each, gone when the saga ends (its history stays in the journal). */
#ifndef GIRO_INTEGRATION_SAGA_SAGA_TABLE_H
#define GIRO_INTEGRATION_SAGA_SAGA_TABLE_H

#include "platform/table.h"

enum { SAGA_STATE_BYTES_MAX = 8 * 1024 };

struct saga_row {
    uint8_t saga_id[16];        /* = the payment's id */
    struct str state;           /* saga_state_write() */
    int64_t record_ms;          /* time in the core's record, taken once: every retry sends the same bytes */
    int64_t enquiries;          /* how often the outcome was asked for in vain */
    uint8_t interaction_id[16]; /* of the call that ordered the payment; zero: it has none */
};
extern const struct table saga_table;

#endif
