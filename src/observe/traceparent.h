/* traceparent.h - the place of a request in a trace (W3C Trace Context).
 *
 * What a caller sends is believed only as a number: a malformed traceparent is never an error for the caller, the trace
 * just starts anew. Ids are bytes; their text is 32 and 16 lower-case hex digits. */
#ifndef GIRO_OBSERVE_TRACEPARENT_H
#define GIRO_OBSERVE_TRACEPARENT_H

#include "platform/buffer.h"

enum {
    TRACEPARENT_BYTES = 55,
    TRACEPARENT_TEXT_BYTES = TRACEPARENT_BYTES + 1,
    TRACESTATE_MEMBERS_MAX = 32,
    TRACESTATE_BYTES_MAX = 1024, /* all headers together; more drops the tracestate */
    TRACE_SAMPLED = 0x01,
    TRACE_RANDOM = 0x02,         /* the trace id is random (Level 2): kept */
};

struct traceparent {
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint8_t flags; /* TRACE_SAMPLED | TRACE_RANDOM; others are dropped */
};

#define TRACEPARENT_E_MAP(X)                                                                                           \
    X(TRACEPARENT_E_SYNTAX, "syntax") X(TRACEPARENT_E_VERSION, "version") X(TRACEPARENT_E_LENGTH, "length")            \
    X(TRACEPARENT_E_ZERO, "zero_id")
#define X(code, name) code,
enum traceparent_refusal { TRACEPARENT_E_NONE = 0, TRACEPARENT_E_MAP(X) TRACEPARENT_E_COUNT };
#undef X

/* One header value, blanks and tabs around it ignored: "00-<32 hex>-<16 hex>-<2 hex>" in lower case. Version ff is
 * refused; a higher version may be longer if a dash follows its flags. 0 or TRACEPARENT_E_*. */
int traceparent_parse(struct str text, struct traceparent *ret_traceparent);
/* Version 00. */
struct str traceparent_format(const struct traceparent *traceparent, char text[TRACEPARENT_TEXT_BYTES]);
/* A new trace with random ids, sampled or not. */
struct traceparent traceparent_start(bool sampled);
/* The same trace with a span id of its own, for a request that we send. */
struct traceparent traceparent_child(const struct traceparent *parent);

/* One or more tracestate header values (RFC 9110 joins them by comma): members key=value, at most 32, empty ones legal
 * and dropped, blanks around them ignored. Appends the members joined by "," to out; true when at least one is there.
 * False and nothing appended when there is none, one is malformed, or there are too many or too many bytes. */
bool tracestate_join(const struct str *values, size_t count, struct buffer *out);

/* What a request continues: the one traceparent header if it is valid, else a new trace (also when it came twice); the
 * tracestate only together with a valid traceparent. tracestate may be left empty. True when continued. */
struct trace_headers {
    const struct str *traceparents;
    size_t traceparent_count;
    const struct str *tracestates;
    size_t tracestate_count;
};
bool traceparent_accept(const struct trace_headers *headers, struct traceparent *ret_traceparent,
                        struct buffer *tracestate);

#endif
