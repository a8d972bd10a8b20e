#include "platform/outbound_guard.h"

#include "platform/clock.h"

#include "platform/buffer.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netdb.h>
#include <netinet/in.h>

const char *outbound_refusal_text(int refusal) {
    static const char *const texts[] = { [OUTBOUND_E_NONE] = "none",
#define X(code, name) [code] = name,
                                         OUTBOUND_E_MAP(X)
#undef X
    };
    check(refusal >= 0 && refusal < OUTBOUND_E_COUNT);
    return texts[refusal];
}

/* ---- addresses ---- */

/* What IANA's registry of special purposes says is not globally reachable (RFC 6890), multicast and class E. */
static const struct {
    uint32_t prefix;
    unsigned bits;
} internal4[] = {
    { 0x00000000, 8 },  { 0x0a000000, 8 },  { 0x64400000, 10 }, { 0x7f000000, 8 },  { 0xa9fe0000, 16 },
    { 0xac100000, 12 }, { 0xc0000000, 24 }, { 0xc0000200, 24 }, { 0xc0586300, 24 }, { 0xc0a80000, 16 },
    { 0xc6120000, 15 }, { 0xc6336400, 24 }, { 0xcb007100, 24 }, { 0xe0000000, 4 },  { 0xf0000000, 4 },
};

static bool is_public4(uint32_t address) {
    for (size_t i = 0; i < ARRAY_COUNT(internal4); i++)
        if ((address ^ internal4[i].prefix) >> (32 - internal4[i].bits) == 0) return false;
    return true;
}

static uint32_t be32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Of 2000::/3 alone, which is all that is given out, without what only carries IPv4 or is set aside. The mapped, the
 * compatible and the NAT64 form (::ffff:0:0/96, ::/96, 64:ff9b::/96) lie outside of it: they are refused with whatever
 * they hold, since nobody publishes lists or keys under such an address. */
static bool is_public6(const uint8_t bytes[16]) {
    if ((bytes[0] & 0xe0) != 0x20) return false;
    uint32_t first = be32(bytes);
    if (first >> 16 == 0x2002)
        return is_public4((uint32_t)bytes[2] << 24 | (uint32_t)bytes[3] << 16 | (uint32_t)bytes[4] << 8 |
                          bytes[5]);                 /* 6to4 */
    if (first == 0x20010db8) return false;           /* documentation */
    if (first >> 9 == 0x20010000 >> 9) return false; /* 2001::/23: protocols, Teredo among them */
    return first >> 12 != 0x3fff0;                   /* 3fff::/20: documentation */
}

bool outbound_address_is_public(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        return is_public4(ntohl(in.sin_addr.s_addr));
    }
    if (address->sa_family != AF_INET6) return false;
    struct sockaddr_in6 in6;
    memcpy(&in6, address, sizeof in6);
    return is_public6(in6.sin6_addr.s6_addr);
}

/* ---- URLs ---- */

struct outbound_parts {
    char host[OUTBOUND_HOST_BYTES_MAX + 1]; /* without brackets */
    char port[6];
    bool https;
};

static bool part_get(CURLU *parsed, CURLUPart part, char *text, size_t bytes_max) {
    char *value = NULL;
    bool good = curl_url_get(parsed, part, &value, part == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0) == CURLUE_OK;
    good = good && strlen(value) < bytes_max;
    if (good) memcpy(text, value, strlen(value) + 1);
    curl_free(value);
    return good;
}

static bool has_part(CURLU *parsed, CURLUPart part) {
    char *value = NULL;
    bool has = curl_url_get(parsed, part, &value, 0) == CURLUE_OK;
    curl_free(value);
    return has;
}

/* Brackets off an IPv6 address; no zone, and nothing but what host names and addresses are made of. */
static bool host_clean(char *host) {
    size_t len = strlen(host);
    if (host[0] == '[' && len > 2) {
        memmove(host, host + 1, len - 2);
        host[len - 2] = 0;
    }
    return host[0] &&
           strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:_") == strlen(host);
}

static bool parts_read(CURLU *parsed, const char *url, struct outbound_parts *parts) {
    char scheme[8];
    if (curl_url_set(parsed, CURLUPART_URL, url, 0) != CURLUE_OK) return false;
    if (has_part(parsed, CURLUPART_USER) || has_part(parsed, CURLUPART_PASSWORD)) return false;
    if (!part_get(parsed, CURLUPART_SCHEME, scheme, sizeof scheme) ||
        !part_get(parsed, CURLUPART_HOST, parts->host, sizeof parts->host) ||
        !part_get(parsed, CURLUPART_PORT, parts->port, sizeof parts->port))
        return false;
    parts->https = strcmp(scheme, "https") == 0;
    return (parts->https || strcmp(scheme, "http") == 0) && host_clean(parts->host) && strcmp(parts->port, "0") != 0;
}

/* 0, OUTBOUND_E_URL, -ENOMEM. */
static int url_split(struct str url, struct outbound_parts *parts) {
    char text[OUTBOUND_URL_BYTES_MAX + 1];
    if (url.len == 0 || url.len > OUTBOUND_URL_BYTES_MAX || str_to_c(url, text, sizeof text)) return OUTBOUND_E_URL;
    for (size_t i = 0; i < url.len; i++)
        if (url.at[i] <= ' ' || url.at[i] >= 0x7f || url.at[i] == '\\') return OUTBOUND_E_URL;
    CURLU *parsed = curl_url();
    if (!parsed) return err_origin(-ENOMEM);
    bool good = parts_read(parsed, text, parts);
    curl_url_cleanup(parsed);
    return good ? 0 : OUTBOUND_E_URL;
}

static bool is_allowed_host(const struct outbound_guard *guard, const char *host) {
    for (size_t i = 0; i < guard->host_count; i++)
        if (str_equal_nocase(guard->hosts[i], str_from_c(host))) return true;
    return false;
}

/* Adds one address to the pin; an IPv6 one in brackets. False when it does not fit. */
static bool pin_add(struct buffer *pin, const struct sockaddr *address, bool first) {
    char text[INET6_ADDRSTRLEN];
    bool is_v6 = address->sa_family == AF_INET6;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    memcpy(&in, address, sizeof in);
    if (is_v6) memcpy(&in6, address, sizeof in6);
    const void *bytes = is_v6 ? (const void *)&in6.sin6_addr : (const void *)&in.sin_addr;
    if (!inet_ntop(address->sa_family, bytes, text, sizeof text)) return false;
    buffer_printf(pin, is_v6 ? "%s[%s]" : "%s%s", first ? "" : ",", text);
    return !pin->overflow;
}

static int pin_write(const struct addrinfo *list, const struct outbound_parts *parts, bool may_be_internal,
                     struct outbound_target *target) {
    struct buffer pin;
    size_t count = 0;
    buffer_init(&pin, target->pin, sizeof target->pin - 1);
    buffer_printf(&pin, "%s:%s:", parts->host, parts->port);
    for (const struct addrinfo *entry = list; entry && count < OUTBOUND_ADDRESSES_MAX; entry = entry->ai_next) {
        if (entry->ai_family != AF_INET && entry->ai_family != AF_INET6) continue;
        if (!may_be_internal && !outbound_address_is_public(entry->ai_addr)) return OUTBOUND_E_INTERNAL;
        if (!pin_add(&pin, entry->ai_addr, count == 0)) return OUTBOUND_E_URL;
        count++;
    }
    target->pin[strchr(parts->host, ':') ? 0 : pin.len] = 0; /* libcurl looks nothing up for an IPv6 address */
    return count ? 0 : OUTBOUND_E_UNKNOWN;
}

int outbound_guard_resolve(const struct outbound_guard *guard, struct str url, struct outbound_target *ret_target) {
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *list = NULL;
    struct outbound_parts parts;
    struct outbound_target target = { { 0 } };
    int r = url_split(url, &parts);
    if (r) return r < 0 ? err_trace(r) : r;
    if (!parts.https && !guard->http) return OUTBOUND_E_SCHEME;
    r = getaddrinfo(parts.host, parts.port, &hints, &list);
    if (r == EAI_MEMORY) return err_origin(-ENOMEM);
    if (r) return OUTBOUND_E_UNKNOWN;
    r = pin_write(list, &parts, is_allowed_host(guard, parts.host), &target);
    freeaddrinfo(list);
    if (r == 0) *ret_target = target;
    return r;
}

/* tidy: parameters because it is http_client_run with two more. */
static int run_call(const struct outbound_guard *guard, struct http_client_options *options,
                    const struct http_call *call, struct arena *arena, struct http_result *result,
                    struct message *message) {
    struct http_client *client = NULL;
    struct outbound_target target;
    int r = outbound_guard_resolve(guard, call->url, &target);
    if (r > 0) message_set(message, "%s", outbound_refusal_text(r));
    if (r) return r < 0 ? err_trace(r) : r;
    options->pin = target.pin[0] ? target.pin : NULL;
    r = http_client_new(options, &client);
    if (r) return err_trace(r);
    r = http_client_run(client, call, arena, result, message);
    client = http_client_free(client);
    return r > 0 ? OUTBOUND_E_FAILED : err_trace(r);
}

static void tell(const struct outbound_guard *guard, struct outbound_report *report) {
    char peer[OUTBOUND_PEER_BYTES_MAX] = "";
    struct outbound_parts parts;
    if (!guard->on_call) return;
    if (url_split(report->url, &parts) == 0) (void)snprintf(peer, sizeof peer, "%s:%s", parts.host, parts.port);
    report->operation = guard->operation;
    report->interaction_id = guard->interaction_id;
    report->confidential = guard->confidential;
    report->peer = peer;
    guard->on_call(guard->ctx, report);
}

/* tidy: parameters because it is http_client_run with two more. */
int outbound_guard_run(const struct outbound_guard *guard, const struct http_client_options *limits,
                       const struct http_call *call, struct arena *arena, struct http_result *ret_result,
                       struct message *message) {
    struct http_client_options options = *limits;
    struct http_result result = { .status = 0 };
    struct message why = { { 0 } };
    int64_t began_ns = clock_mono_ns();
    int r = run_call(guard, &options, call, arena, &result, &why);
    struct outbound_report report = { .url = call->url,
                                      .duration_us = (clock_mono_ns() - began_ns) / 1000,
                                      .refusal = r,
                                      .status = r ? 0 : result.status,
                                      .why = why.text };
    if (!r) report.body = result.body;
    tell(guard, &report);
    if (r > 0) message_set(message, "%s", why.text);
    if (!r) *ret_result = result;
    return r < 0 ? err_trace(r) : r;
}
