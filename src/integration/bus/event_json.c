#include "integration/bus/event_json.h"

#include "platform/clock.h"
#include "wire/json.h"

enum { EVENT_JSON_BYTES_MAX = 4096, EVENT_JSON_DEPTH_MAX = 4 };

/* What the subject's path begins with; NULL = no subject. */
static const char *subject_of(enum event_type type) {
    const char *service = event_type_service(type);
    if (!strcmp(service, "fraud") || !strcmp(service, "aml")) return "payments";
    if (!strcmp(service, "ledger")) return "accounts";
    return service;
}

/* Written straight into the buffer: a payment has five events, and every text here is a word or number of ours that
 * needs no escape. */
static inline void put_word(struct buffer *out, struct str before, struct str word) {
    char *at = buffer_room(out, before.len + word.len + 1);
    if (at) {
        memcpy(at, before.at, before.len);
        memcpy(at + before.len, word.at, word.len);
        at += before.len + word.len;
        *at++ = '"';
        buffer_wrote(out, at);
        return;
    }
    buffer_append_str(out, before);
    buffer_append_str(out, word);
    buffer_append_char(out, '"');
}

static inline void put_id(struct buffer *out, struct str before, const uint8_t id[16]) {
    char *at = buffer_room(out, before.len + ID_TEXT_BYTES);
    if (at) {
        memcpy(at, before.at, before.len);
        at += before.len;
        at += id_format(id, at).len;
        *at++ = '"'; /* over the final NUL */
        buffer_wrote(out, at);
        return;
    }
    char text[ID_TEXT_BYTES];
    buffer_append_str(out, before);
    buffer_append_str(out, id_format(id, text));
    buffer_append_char(out, '"');
}

static const struct {
    const char *name;
    struct str before; /* the member up to its value, behind another one */
    size_t offset;
} id_members[] = {
    { "payment_id", STR_INIT(",\"payment_id\":\""), offsetof(struct event, payment_id) },
    { "account_id", STR_INIT(",\"account_id\":\""), offsetof(struct event, account_id) },
    { "customer_id", STR_INIT(",\"customer_id\":\""), offsetof(struct event, customer_id) },
    { "client_id", STR_INIT(",\"client_id\":\""), offsetof(struct event, client_id) },
    { "consent_id", STR_INIT(",\"consent_id\":\""), offsetof(struct event, consent_id) },
    { "notification_id", STR_INIT(",\"notification_id\":\""), offsetof(struct event, notification_id) },
};

static void put_data(struct buffer *out, const struct event *event) {
    char currency[4];
    size_t begin = out->len;
    for (size_t i = 0; i < ARRAY_COUNT(id_members); i++) {
        const uint8_t *id = (const uint8_t *)event + id_members[i].offset;
        if (!id_is_zero(id)) put_id(out, id_members[i].before, id);
    }
    if (event->amount.currency.code) {
        buffer_append_c(out, ",\"amount_minor\":");
        buffer_append_i64(out, event->amount.minor);
        put_word(out, STR(",\"currency\":\""), currency_text(event->amount.currency, currency));
    }
    if (!strcmp(event_type_service(event->type), "payments")) {
        put_word(out, STR(",\"payment_type\":\""), str_from_c(payment_type_name(event->payment_type)));
        put_word(out, STR(",\"status\":\""), str_from_c(payment_status_name(event->status)));
    }
    if (event->reason != PAYMENT_REASON_NONE)
        put_word(out, STR(",\"reason\":\""), str_from_c(payment_reason_name(event->reason)));
    if (out->len > begin && !out->overflow) out->at[begin] = '{'; /* the first comma */
    else buffer_append_char(out, '{');
    buffer_append_char(out, '}');
}

void event_json_write(struct buffer *out, const struct event *event) {
    const char *service = event_type_service(event->type);
    char text[CLOCK_TEXT_BYTES];
    buffer_append_c(out, "{\"specversion\":\"1.0\"");
    if (!id_is_zero(event->id.bytes)) put_id(out, STR(",\"id\":\""), event->id.bytes);
    put_word(out, STR(",\"source\":\"banking."), str_from_c(service));
    put_word(out, STR(",\"type\":\""), str_from_c(event_type_name(event->type)));
    put_word(out, STR(",\"time\":\""), clock_format_rfc3339(event->time_ms, text));
    buffer_append_c(out, ",\"subject\":\"");
    buffer_append_c(out, subject_of(event->type));
    put_id(out, STR("/"), event->subject);
    buffer_append_c(out, ",\"dataversion\":\"2.0\",\"datacontenttype\":\"application/json\",\"data\":");
    put_data(out, event);
    buffer_append_char(out, '}');
}

static bool find_name(struct str name, const char *(*name_of)(int code), int count, int *ret_code) {
    for (int i = 0; i < count; i++) {
        if (!str_equal_c(name, name_of(i))) continue;
        *ret_code = i;
        return true;
    }
    return false;
}

static const char *type_name(int code) {
    return event_type_name((enum event_type)code);
}
static const char *payment_type_name_at(int code) {
    return payment_type_name((enum payment_type)code);
}
static const char *status_name(int code) {
    return payment_status_name((enum payment_status)code);
}
static const char *reason_name(int code) {
    return payment_reason_name((enum payment_reason)code);
}

/* ---- reading: what event_json_write made is walked once, without a tree (tenths of a microsecond where the parser
 * takes ten); whatever looks otherwise goes through the parser, which judges it ---- */

static bool take(struct str *text, struct str literal) {
    if (!str_starts(*text, literal)) return false;
    *text = str_slice(*text, literal.len, text->len);
    return true;
}

/* `"name":"word"` or `"name":number`, and the comma behind it; false: not in that form. */
static bool take_member(struct str *text, struct str *ret_name, struct str *ret_value) {
    if (!take(text, STR("\"")) || !str_cut(text, '"', ret_name) || !take(text, STR(":"))) return false;
    if (take(text, STR("\""))) {
        if (!str_cut(text, '"', ret_value) || memchr(ret_value->at, '\\', ret_value->len)) return false;
    } else {
        size_t len = 0;
        while (len < text->len && (text->at[len] == '-' || (text->at[len] >= '0' && text->at[len] <= '9'))) len++;
        *ret_value = str_slice(*text, 0, len);
        *text = str_slice(*text, len, text->len);
        if (!len) return false;
    }
    (void)take(text, STR(","));
    return true;
}

static bool read_minor(struct str text, int64_t *ret_minor) {
    bool negative = take(&text, STR("-"));
    uint64_t value;
    if (str_to_u64(text, &value) || value > INT64_MAX) return false;
    *ret_minor = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

static bool set_code(struct event *event, struct str name, struct str word) {
    int code;
    if (str_equal_c(name, "payment_type")) {
        if (!find_name(word, payment_type_name_at, PAYMENT_TYPE_COUNT, &code)) return false;
        event->payment_type = (enum payment_type)code;
    } else if (str_equal_c(name, "status")) {
        if (!find_name(word, status_name, PAYMENT_STATUS_COUNT, &code)) return false;
        event->status = (enum payment_status)code;
    } else if (str_equal_c(name, "reason")) {
        if (!find_name(word, reason_name, PAYMENT_REASON_COUNT, &code)) return false;
        event->reason = (enum payment_reason)code;
    }
    return true; /* a member that this program does not know is of a newer one */
}

static bool set_data(struct event *event, struct str name, struct str value) {
    for (size_t i = 0; i < ARRAY_COUNT(id_members); i++)
        if (str_equal_c(name, id_members[i].name)) {
            uint8_t id[16];
            if (id_parse(value, id)) return false;
            memcpy((char *)event + id_members[i].offset, id, sizeof id);
            return true;
        }
    if (str_equal_c(name, "amount_minor")) return read_minor(value, &event->amount.minor);
    if (str_equal_c(name, "currency")) return currency_parse(value, &event->amount.currency) == 0;
    return set_code(event, name, value);
}

/* What the envelope must have, as bits. */
enum { HAS_ID = 1, HAS_TYPE = 2, HAS_TIME = 4, HAS_ALL = 7 };

static bool set_envelope(struct event *event, struct str name, struct str value, unsigned *has) {
    int code;
    if (str_equal_c(name, "id")) {
        *has |= HAS_ID;
        return id_parse(value, event->id.bytes) == 0;
    }
    if (str_equal_c(name, "type")) {
        *has |= HAS_TYPE;
        if (!find_name(value, type_name, EVENT_TYPE_COUNT, &code)) return false;
        event->type = (enum event_type)code;
        return true;
    }
    if (str_equal_c(name, "time")) {
        *has |= HAS_TIME;
        return clock_parse_rfc3339(value, &event->time_ms) == 0;
    }
    return true;
}

static bool walk(struct str text, struct event *ret_event) {
    struct event event = { 0 };
    struct str name, value;
    unsigned has = 0;
    if (!take(&text, STR("{"))) return false;
    while (!take(&text, STR("\"data\":{")))
        if (!take_member(&text, &name, &value) || !set_envelope(&event, name, value, &has)) return false;
    while (!take(&text, STR("}")))
        if (!take_member(&text, &name, &value) || !set_data(&event, name, value)) return false;
    if (!take(&text, STR("}")) || text.len || has != HAS_ALL) return false;
    *ret_event = event;
    return true;
}

static bool parse_data(const struct json *data, struct event *event) {
    struct str name;
    const struct json *value;
    void *iterator = NULL;
    if (!data) return false;
    event->amount.minor = json_get_integer(data, "amount_minor", 0);
    while (json_next(data, &iterator, &name, &value))
        if (json_is_string(value) && !set_data(event, name, json_string(value))) return false;
    return true;
}

int event_json_read(struct str json, struct arena *arena, struct event *ret_event) {
    const struct json *envelope;
    struct event event = { 0 };
    int code;
    if (walk(json, ret_event)) return 0;
    int r = json_parse_arena(json, EVENT_JSON_BYTES_MAX, EVENT_JSON_DEPTH_MAX, arena, &envelope);
    if (r) return r < 0 ? err_trace(r) : EVENT_JSON_E_FORMAT;
    if (!find_name(json_get_string(envelope, "type"), type_name, EVENT_TYPE_COUNT, &code)) return EVENT_JSON_E_FORMAT;
    event.type = (enum event_type)code;
    if (id_parse(json_get_string(envelope, "id"), event.id.bytes) ||
        clock_parse_rfc3339(json_get_string(envelope, "time"), &event.time_ms) ||
        !parse_data(json_get(envelope, "data"), &event))
        return EVENT_JSON_E_FORMAT;
    *ret_event = event;
    return 0;
}

int event_json_type(struct str json, enum event_type *ret_type) {
    static const struct str label = STR_INIT("\"type\":\"");
    size_t at;
    struct str name;
    int code;
    /* Before it stand only specversion, id and source, none of which can hold the label. */
    if (!str_find(json, label, &at)) return EVENT_JSON_E_FORMAT;
    struct str rest = str_slice(json, at + label.len, json.len);
    if (!str_cut(&rest, '"', &name) || !find_name(name, type_name, EVENT_TYPE_COUNT, &code)) return EVENT_JSON_E_FORMAT;
    *ret_type = (enum event_type)code;
    return 0;
}
