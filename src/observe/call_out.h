/* call_out.h - the audit record of a call to an address that somebody else has chosen: keys of a client or an issuer,
 * an issuer's word on a token, a list of revoked certificates, an OCSP answer (platform/outbound_guard.h).
 *
 * (O1) The URL stands there without user information, query and fragment; of what came only its length and SHA-256: it
 * is public and signed, or keys, and can be compared; of what is confidential only the length. (O2) outcome:
 * "answered", "refused" (a status that is not 2xx), "unknown" (no whole answer), "unsent" (the address is not one to
 * call, or is not known). */
#ifndef GIRO_OBSERVE_CALL_OUT_H
#define GIRO_OBSERVE_CALL_OUT_H

#include "observe/audit.h"
#include "platform/outbound_guard.h"

enum { CALL_OUT_URL_BYTES_MAX = 512, CALL_OUT_RECORD_BYTES_MAX = 8 * 1024 };

/* Appends the record under the id, at most CALL_OUT_RECORD_BYTES_MAX. */
void call_out_write(const struct outbound_report *report, int64_t now_ms, const uint8_t id[ID_BYTES],
                    struct buffer *out);

#endif
