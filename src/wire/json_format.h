/* json_format.h - the values of the keyword "format" that are enforced. Others are notes to the reader and pass. */
#ifndef GIRO_WIRE_JSON_FORMAT_H
#define GIRO_WIRE_JSON_FORMAT_H

#include "platform/str.h"

enum json_format {
    JSON_FORMAT_NONE, /* absent or not enforced */
    JSON_FORMAT_UUID,
    JSON_FORMAT_DATE_TIME,
    JSON_FORMAT_DATE,
    JSON_FORMAT_IPV4,
    JSON_FORMAT_IPV6,
    JSON_FORMAT_URI,
};

enum json_format json_format_from(struct str name);    /* JSON_FORMAT_NONE when not enforced */
const char *json_format_text(enum json_format format); /* "a UUID", "a date (YYYY-MM-DD)", ... for messages */
bool json_format_fits(enum json_format format, struct str text);

/* RFC 9562: 8-4-4-4-12 hexadecimal digits, either case. */
bool json_format_is_uuid(struct str text);
/* RFC 3339 section 5.6 with capital T and Z, years 0000 to 9999, no leap second: what clock_parse_rfc3339 reads, and
 * earlier years. */
bool json_format_is_date_time(struct str text);
bool json_format_is_date(struct str text); /* RFC 3339 full-date, a day that exists */
bool json_format_is_ipv4(struct str text); /* four decimal numbers, no leading zeros */
bool json_format_is_ipv6(struct str text); /* RFC 4291 section 2.2, with "::" and an IPv4 tail; no zone */
/* RFC 3986 with a scheme: only the characters it allows, "%" with two digits, a literal address in brackets, a numeric
 * port. */
bool json_format_is_uri(struct str text);

#endif
