/* event_json.h - a typed event as a CloudEvents 1.0 envelope (structured mode), as it stands in the journal. */
#ifndef GIRO_INTEGRATION_BUS_EVENT_JSON_H
#define GIRO_INTEGRATION_BUS_EVENT_JSON_H

#include "domain/event.h"
#include "platform/arena.h"

/* The engine's encode_event. source "banking.<service>", type the event's name, dataversion "2.0", subject
 * "payments/<id>" and the like; the payload stands under data and cannot overwrite the envelope. No personal data. */
void event_json_write(struct buffer *out, const struct event *event);
/* Back again: type, id, time and the fields that the type carries. 0, or EVENT_JSON_E_FORMAT for anything
 * event_json_write did not make. */
enum event_json_refusal { EVENT_JSON_E_NONE, EVENT_JSON_E_FORMAT };
/* The type alone, without reading the rest: what a consumer's rule looks at. */
int event_json_type(struct str json, enum event_type *ret_type);
int event_json_read(struct str json, struct arena *arena, struct event *ret_event);

#endif
