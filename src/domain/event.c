#include "domain/event.h"

#define X(code, name, service) [code] = name,
static const char *const type_names[EVENT_TYPE_COUNT] = { EVENT_MAP(X) };
#undef X
#define X(code, name, service) [code] = service,
static const char *const services[EVENT_TYPE_COUNT] = { EVENT_MAP(X) };
#undef X

const char *event_type_name(enum event_type type) {
    check(type < EVENT_TYPE_COUNT);
    return type_names[type];
}

const char *event_type_service(enum event_type type) {
    check(type < EVENT_TYPE_COUNT);
    return services[type];
}
