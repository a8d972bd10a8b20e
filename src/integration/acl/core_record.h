/* core_record.h - the core's records as bytes, by the layouts in layouts/{txn,enq,rev,answer}.json. Pure once
 * loaded. */
#ifndef GIRO_INTEGRATION_ACL_CORE_RECORD_H
#define GIRO_INTEGRATION_ACL_CORE_RECORD_H

#include "integration/acl/core_transfer.h"
#include "platform/buffer.h"

enum {
    CORE_RECORD_BYTES_MAX = 1024,
    CORE_LAYOUT_BYTES_MAX = 64 * 1024,
    CORE_REFERENCE_BYTES_MAX = 18,
    CORE_TIMESTAMP_BYTES = 14
};

struct fixed_width;
struct core_records {
    struct fixed_width *txn, *enq, *rev, *answer;
};

struct core_record_answer {
    char code[3];                                        /* "00" */
    char core_reference[CORE_REFERENCE_BYTES_MAX + 1];   /* without blanks; "" = none */
    char timestamp[CORE_TIMESTAMP_BYTES + 1];            /* YYYYMMDDhhmmss UTC, of the core's clock */
};

/* Reads the four layouts from folder and proves that core_carries() promises what they can hold. 0, or a fault with a
 * message: -ENOENT and the like, -EINVAL (a layout is at fault, or has other limits). */
int core_records_load(struct core_records *records, const char *folder, struct message *message);
void core_records_release(struct core_records *records); /* works on a zeroed struct */

/* Append one record. 0, or -EINVAL: the transfer is not one that core_carries() let pass. */
int core_record_txn(const struct core_records *records, const struct core_transfer *transfer, struct buffer *out);
int core_record_enq(const struct core_records *records, const struct payment_id *payment_id, struct buffer *out);
int core_record_rev(const struct core_records *records, const struct payment_id *payment_id, struct buffer *out);
size_t core_record_answer_bytes(const struct core_records *records); /* at most CORE_RECORD_BYTES_MAX */
/* 0 or -EBADMSG: malformed. "00" without a core reference is malformed too. */
int core_record_answer(const struct core_records *records, struct str bytes, struct core_record_answer *ret_answer);

#endif
