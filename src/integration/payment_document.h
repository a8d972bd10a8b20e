/* payment_document.h - the JSON of a payment as /v1 shows it; one writer for the stored answer and for reads. */
#ifndef GIRO_INTEGRATION_PAYMENT_DOCUMENT_H
#define GIRO_INTEGRATION_PAYMENT_DOCUMENT_H

#include "integration/query.h"
#include "services/payments/payment.h"

enum { PAYMENT_DOCUMENT_BYTES_MAX = 4096 };

void payment_document_write(struct buffer *out, const struct payment_row *payment);
/* The row as a plain value; text borrowed from the row. */
struct payment_view payment_view_of(const struct payment_row *payment);

#endif
