#include "services/notifications/notice.h"

const char *notice_template(enum event_type type) {
    if (type == EVENT_PAYMENT_COMPLETED) return "payment_completed";
    if (type == EVENT_PAYMENT_REJECTED) return "payment_rejected";
    return NULL;
}

struct str notice_to(const struct event *event, char text[NOTICE_TO_BYTES]) {
    char id[ID_TEXT_BYTES];
    bool customer = !id_is_zero(event->customer_id.bytes);
    struct str who = id_format(customer ? event->customer_id.bytes : event->client_id.bytes, id);
    int len = snprintf(text, NOTICE_TO_BYTES, "%s:" STR_FMT, customer ? "customer" : "client", STR_ARG(who));
    check(len > 0 && len < NOTICE_TO_BYTES);
    return str_from_bytes(text, (size_t)len);
}
