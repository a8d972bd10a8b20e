#include "app/payment_answer.h"

#include "platform/encoding.h"
#include "wire/json.h"

static void set_reason(struct payment_answer *answer, struct str reason) {
    size_t len = reason.len < sizeof answer->reason ? reason.len : sizeof answer->reason - 1;
    memcpy(answer->reason, reason.at, len);
    answer->reason[len] = 0;
}

static struct payment_answer refused(struct str reason) {
    struct payment_answer answer = { .kind = PAYMENT_ANSWER_REFUSED };
    set_reason(&answer, reason.len ? reason : STR("unreadable"));
    return answer;
}

static bool find_status(struct str name, enum payment_status *ret_status) {
    for (int i = 0; i < PAYMENT_STATUS_COUNT; i++)
        if (str_equal_c(name, payment_status_name((enum payment_status)i))) {
            *ret_status = (enum payment_status)i;
            return true;
        }
    return false;
}

static struct payment_answer read_payment(const struct http_result *result, const struct json *json) {
    struct payment_answer answer = { .kind = PAYMENT_ANSWER_PAYMENT };
    const struct json *amount = json_get(json, "amount");
    struct str replayed = http_headers_get(result->headers, result->header_count, STR("Idempotent-Replayed"));
    struct currency currency;
    answer.replayed = str_equal_c(replayed, "true");
    set_reason(&answer, json_get_string(json, "reason"));
    bool good = id_parse(json_get_string(json, "payment_id"), answer.payment_id.bytes) == 0 &&
                find_status(json_get_string(json, "status"), &answer.status) &&
                currency_parse(json_get_string(amount, "currency"), &currency) == 0 &&
                money_parse(json_get_string(amount, "value"), currency, &answer.amount) == 0;
    return good ? answer : refused(STR("unreadable"));
}

/* 409 and 504 say "ask again with the same key"; 429 and 503 say when; 502 is the edge without the daemon. */
static bool asks_again(int status) {
    return status == 409 || status == 429 || (status >= 502 && status <= 504);
}

static int64_t wait_of(const struct http_result *result) {
    struct str text = http_headers_get(result->headers, result->header_count, STR("Retry-After"));
    uint64_t seconds;
    if (!text.at || str_to_u64(text, &seconds) || seconds == 0) return PAYMENT_ANSWER_WAIT_MS;
    return seconds * 1000 < PAYMENT_ANSWER_WAIT_MS_MAX ? (int64_t)seconds * 1000 : PAYMENT_ANSWER_WAIT_MS_MAX;
}

static struct payment_answer read_refusal(int refusal) {
    struct payment_answer answer = { .kind = PAYMENT_ANSWER_AGAIN, .wait_ms = PAYMENT_ANSWER_WAIT_MS };
    set_reason(&answer, str_from_c(http_client_refusal_text(refusal)));
    switch ((enum http_client_refusal)refusal) {
    case HTTP_CLIENT_E_TIMEOUT:
    case HTTP_CLIENT_E_BROKEN:
        break;
    case HTTP_CLIENT_E_CONNECT:
    case HTTP_CLIENT_E_TLS:
        answer.kind = PAYMENT_ANSWER_LOST;
        break;
    case HTTP_CLIENT_E_TOO_LARGE:
    case HTTP_CLIENT_E_NONE:
    case HTTP_CLIENT_E_COUNT:
        answer.kind = PAYMENT_ANSWER_REFUSED;
        break;
    }
    return answer;
}

void payment_answer_read(const struct http_load_response *response, struct arena *arena,
                         struct payment_answer *ret_answer) {
    const struct http_result *result = &response->result;
    const struct json *json = NULL;
    if (response->refusal) {
        *ret_answer = read_refusal(response->refusal);
        return;
    }
    if (json_parse_arena(result->body, JSON_BYTES_MAX, JSON_DEPTH_MAX, arena, &json)) json = NULL;
    if (result->status == 200 || result->status == 201) {
        *ret_answer = read_payment(result, json);
        return;
    }
    *ret_answer = refused(json_get_string(json, "code"));
    if (!asks_again(result->status)) return;
    ret_answer->kind = PAYMENT_ANSWER_AGAIN;
    ret_answer->wait_ms = wait_of(result);
}

bool payment_answer_is_final(const struct payment_answer *answer) {
    bool is_end = answer->status == PAYMENT_COMPLETED || answer->status == PAYMENT_REJECTED;
    return answer->kind == PAYMENT_ANSWER_PAYMENT && is_end;
}
