/* notice.h - which events a customer is told about, and with which words. Pure. */
#ifndef GIRO_SERVICES_NOTIFICATIONS_NOTICE_H
#define GIRO_SERVICES_NOTIFICATIONS_NOTICE_H

#include "domain/event.h"

/* The template of the message for an event: "payment_completed", "payment_rejected"; NULL when nobody is told. */
const char *notice_template(enum event_type type);
/* Who is told, as the sender knows them: "customer:<id>", or "client:<id>" when a client paid from its own account. */
enum { NOTICE_TO_BYTES = 64 };
struct str notice_to(const struct event *event, char text[NOTICE_TO_BYTES]);

#endif
