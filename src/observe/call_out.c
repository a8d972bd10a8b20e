#include "observe/call_out.h"

#include "observe/json_text.h"
#include "platform/encoding.h"

enum { REQUEST_BYTES_MAX = 6 * CALL_OUT_URL_BYTES_MAX + 16, RESPONSE_BYTES_MAX = 128, WHY_BYTES_MAX = 3072 };
static_assert((int)REQUEST_BYTES_MAX <= (int)AUDIT_BODY_BYTES_MAX && (int)WHY_BYTES_MAX <= (int)AUDIT_WHY_BYTES_MAX,
              "each fits into its part of a record");

static const char *outcome_word(const struct outbound_report *report) {
    if (report->refusal == OUTBOUND_E_FAILED) return "unknown";
    if (report->refusal) return "unsent";
    return report->status >= 200 && report->status < 300 ? "answered" : "refused";
}

/* (O1) In two pieces: "https://" and what follows the user information. */
static void write_url(struct buffer *out, struct str url, bool *ret_cut) {
    char memory[CALL_OUT_URL_BYTES_MAX];
    struct buffer shown;
    size_t at = 0, end = 0, slash;
    buffer_init(&shown, memory, sizeof memory);
    if (str_find(url, STR("://"), &at)) at += 3;
    buffer_append_str(&shown, str_slice(url, 0, at < 16 ? at : 0));
    url = str_slice(url, at, url.len);
    while (end < url.len && url.at[end] != '?' && url.at[end] != '#') end++;
    url = str_slice(url, 0, end);
    for (slash = 0; slash < url.len && url.at[slash] != '/'; slash++)
        if (url.at[slash] == '@') {
            url = str_slice(url, slash + 1, url.len);
            slash = 0;
        }
    *ret_cut = url.len > sizeof memory - shown.len;
    buffer_append_str(&shown, *ret_cut ? str_slice(url, 0, sizeof memory - shown.len) : url);
    buffer_append_c(out, "{\"url\":");
    json_text_append(out, buffer_str(&shown));
    buffer_append_char(out, '}');
}

static void write_answer(struct buffer *out, const struct outbound_report *report) {
    struct hash hash = sha256_str(report->body);
    buffer_append_c(out, "{\"bytes\":");
    buffer_append_i64(out, (int64_t)report->body.len);
    if (!report->confidential) {
        buffer_append_c(out, ",\"sha256\":\"");
        hex_encode(out, hash.bytes, sizeof hash.bytes);
        buffer_append_char(out, '"');
    }
    buffer_append_char(out, '}');
}

static void write_why(struct buffer *out, const char *why) {
    buffer_append_c(out, "{\"detail\":");
    json_text_append(out, str_from_c(why));
    buffer_append_char(out, '}');
}

void call_out_write(const struct outbound_report *report, int64_t now_ms, const uint8_t id[ID_BYTES],
                    struct buffer *out) {
    char request_bytes[REQUEST_BYTES_MAX], response_bytes[RESPONSE_BYTES_MAX], why_bytes[WHY_BYTES_MAX];
    struct buffer request, response, why;
    struct audit_record record = { .time_ms = now_ms,
                                   .event = "call_out",
                                   .interaction_id = report->interaction_id,
                                   .peer = report->peer,
                                   .operation = report->operation,
                                   .status = report->status,
                                   .outcome = outcome_word(report),
                                   .duration_us = report->duration_us };
    memcpy(record.id, id, sizeof record.id);
    buffer_init(&request, request_bytes, sizeof request_bytes);
    buffer_init(&response, response_bytes, sizeof response_bytes);
    buffer_init(&why, why_bytes, sizeof why_bytes);
    write_url(&request, report->url, &record.request.cut);
    check(!request.overflow);
    record.request.json = buffer_str(&request);
    if (!report->refusal) write_answer(&response, report);
    record.response.json = buffer_str(&response);
    if (report->why[0]) write_why(&why, report->why);
    if (!why.overflow) record.why = buffer_str(&why);
    audit_encode(&record, out);
}
