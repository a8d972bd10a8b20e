#include "platform/http_client.h"

#include "platform/http_client_int.h"

#include <pthread.h>

struct http_client {
    CURL *easy;
    struct curl_slist *pin; /* borrowed by easy */
    struct http_receive receive;
    char error[CURL_ERROR_SIZE];
};

const char *http_client_refusal_text(int refusal) {
    static const char *const texts[] = {
        [HTTP_CLIENT_E_NONE] = "none",
#define X(code, name) [code] = name,
        HTTP_CLIENT_E_MAP(X)
#undef X
    };
    check(refusal >= 0 && refusal < HTTP_CLIENT_E_COUNT);
    return texts[refusal];
}

struct http_client_options http_client_options_default(void) {
    return (struct http_client_options){ .connect_ms = 5000, .total_ms = 30000, .response_bytes_max = 4 * 1024 * 1024 };
}

static CURLcode global_result;

static void global_init(void) {
    global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

int http_curl_global(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    check(pthread_once(&once, global_init) == 0);
    return global_result == CURLE_OK ? 0 : err_origin(-ENOMEM);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx) {
    struct http_receive *receive = ctx;
    buffer_append(&receive->body, bytes, size * count);
    if (receive->body.overflow) receive->too_large = true;
    return receive->too_large ? 0 : size * count;
}

bool http_receive_header(struct http_receive *receive, struct str line) {
    struct str name;
    while (line.len && (line.at[line.len - 1] == '\n' || line.at[line.len - 1] == '\r')) line.len--;
    if (str_starts(line, STR("HTTP/"))) receive->header_count = 0; /* an interim answer (1xx) went before */
    if (!memchr(line.at, ':', line.len) || str_starts(line, STR("HTTP/"))) return true;
    struct str kept = receive->header_count < HTTP_HEADERS_MAX ? arena_dup(receive->arena, line) : (struct str){ 0 };
    if (!kept.at) {
        receive->too_large = true;
        return false;
    }
    (void)str_cut(&kept, ':', &name); /* there is one, see above */
    receive->headers[receive->header_count++] = (struct http_header){ .name = name, .value = str_trim(kept) };
    return true;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *ctx) {
    return http_receive_header(ctx, str_from_bytes(bytes, size * count)) ? size * count : 0;
}

int http_curl_setup(CURL *easy, const struct http_client_options *options, struct http_receive *receive, char *error) {
    check(options->connect_ms > 0 && options->total_ms > 0 && options->response_bytes_max > 0);
    check(!options->cert_file == !options->key_file);
    bool good = curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_ms) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)options->total_ms) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_WRITEDATA, receive) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK;
    good = good && curl_easy_setopt(easy, CURLOPT_HEADERDATA, receive) == CURLE_OK;
    good = good &&
           (!options->unix_path || curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, options->unix_path) == CURLE_OK);
    good = good && (!options->ca_file || curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file) == CURLE_OK);
    good = good && (!options->ca_file || curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK);
    good = good && (!options->cert_file || curl_easy_setopt(easy, CURLOPT_SSLCERT, options->cert_file) == CURLE_OK);
    good = good && (!options->key_file || curl_easy_setopt(easy, CURLOPT_SSLKEY, options->key_file) == CURLE_OK);
    good = good && (!options->user_agent || curl_easy_setopt(easy, CURLOPT_USERAGENT, options->user_agent) == CURLE_OK);
    return good ? 0 : err_origin(-EINVAL);
}

/* Appends to a list; frees it when there is no memory. */
static int headers_add(struct curl_slist **headers, const char *line) {
    struct curl_slist *longer = line ? curl_slist_append(*headers, line) : NULL;
    if (!longer) return err_origin(-ENOMEM);
    *headers = longer;
    return 0;
}

/* libcurl writes an empty value as "Name;" and takes "Name:" as the wish to leave its own header out. */
static int header_add(struct curl_slist **headers, const struct http_header *header, struct arena *arena) {
    if (!http_is_header_name(header->name) || !http_is_header_value(header->value)) return err_origin(-EINVAL);
    struct str line = header->value.len
                          ? arena_printf(arena, STR_FMT ": " STR_FMT, STR_ARG(header->name), STR_ARG(header->value))
                          : arena_printf(arena, STR_FMT ";", STR_ARG(header->name));
    return err_trace(headers_add(headers, line.at));
}

static int headers_make(const struct http_call *call, struct arena *arena, struct curl_slist **ret_headers) {
    struct curl_slist *headers = NULL;
    int r = call->header_count <= HTTP_CALL_HEADERS_MAX ? 0 : err_origin(-EINVAL);
    for (size_t i = 0; r == 0 && i < call->header_count; i++) r = header_add(&headers, &call->headers[i], arena);
    if (r == 0) r = headers_add(&headers, "Expect:"); /* a wait for 100 Continue only costs time */
    bool has_type = http_headers_count(call->headers, call->header_count, STR("Content-Type")) > 0;
    if (r == 0 && !has_type) r = headers_add(&headers, "Content-Type:");
    if (r) {
        http_curl_headers_free(headers);
        return err_trace(r);
    }
    *ret_headers = headers;
    return 0;
}

void http_curl_headers_free(struct curl_slist *headers) {
    for (struct curl_slist *item = headers; item; item = item->next) explicit_bzero(item->data, strlen(item->data));
    curl_slist_free_all(headers);
}

static bool is_printable(struct str s) {
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.at[i] <= ' ' || s.at[i] == 0x7f) return false;
    return s.len > 0;
}

static bool method_set(CURL *easy, const struct http_call *call, const char *method) {
    bool has_body = call->body.len > 0 || str_equal_c(call->method, "POST") || str_equal_c(call->method, "PUT") ||
                    str_equal_c(call->method, "PATCH");
    bool good = curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK; /* forgets what the last call was */
    if (str_equal_c(call->method, "HEAD"))
        return good && curl_easy_setopt(easy, CURLOPT_NOBODY, 1L) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL) == CURLE_OK;
    if (has_body)
        good = good && curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body.at ? call->body.at : "") == CURLE_OK;
    return good && curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method) == CURLE_OK;
}

int http_curl_prepare(CURL *easy, const struct http_call *call, struct arena *arena, struct curl_slist **ret_headers) {
    if (!is_printable(call->url) || call->url.len > HTTP_URL_BYTES_MAX || !is_printable(call->method) ||
        call->method.len > HTTP_METHOD_BYTES_MAX)
        return err_origin(-EINVAL);
    struct str url = arena_dup(arena, call->url), method = arena_dup(arena, call->method);
    if (!url.at || !method.at) return err_origin(-ENOMEM);
    struct curl_slist *headers = NULL;
    int r = headers_make(call, arena, &headers);
    if (r) return err_trace(r);
    bool keeps = call->idempotent || str_equal_c(call->method, "GET") || str_equal_c(call->method, "HEAD");
    bool good = method_set(easy, call, method.at) && curl_easy_setopt(easy, CURLOPT_URL, url.at) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, keeps ? 0L : 1L) == CURLE_OK; /* (C3) */
    if (!good) {
        http_curl_headers_free(headers);
        return err_origin(-ENOMEM);
    }
    *ret_headers = headers;
    return 0;
}

void http_receive_begin(struct http_receive *receive, struct arena *arena) {
    if (receive->body.len) explicit_bzero(receive->body.at, receive->body.len);
    buffer_reset(&receive->body);
    receive->arena = arena;
    receive->header_count = 0;
    receive->too_large = false;
}

/* What matters is whether any of the request may have left. Libcurl sets PRETRANSFER when it has begun to send well,
 * and counts what it wrote. */
static bool was_sent(CURL *easy) {
    curl_off_t before_sending_us = 0;
    long sent_bytes = 0;
    check(curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &before_sending_us) == CURLE_OK);
    check(curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent_bytes) == CURLE_OK);
    return before_sending_us > 0 || sent_bytes > 0;
}

int http_curl_judge(CURL *easy, CURLcode code, const struct http_receive *receive) {
    if (code == CURLE_OK) return receive->too_large ? HTTP_CLIENT_E_TOO_LARGE : 0;
    if (receive->too_large) return HTTP_CLIENT_E_TOO_LARGE;
    if (code == CURLE_OUT_OF_MEMORY) return err_origin(-ENOMEM);
    if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL) return err_origin(-EINVAL);
    if (was_sent(easy)) return code == CURLE_OPERATION_TIMEDOUT ? HTTP_CLIENT_E_TIMEOUT : HTTP_CLIENT_E_BROKEN;
    bool is_tls = code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION ||
                  code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CIPHER || code == CURLE_SSL_CACERT_BADFILE ||
                  code == CURLE_SSL_ISSUER_ERROR;
    return is_tls ? HTTP_CLIENT_E_TLS : HTTP_CLIENT_E_CONNECT;
}

/* The list must live as long as the handle. */
static int pin_set(struct http_client *client, const char *pin) {
    client->pin = curl_slist_append(NULL, pin);
    bool good = client->pin && curl_easy_setopt(client->easy, CURLOPT_RESOLVE, client->pin) == CURLE_OK;
    return good ? 0 : err_origin(-ENOMEM);
}

int http_client_new(const struct http_client_options *options, struct http_client **ret_client) {
    int r = http_curl_global();
    if (r) return err_trace(r);
    struct http_client *client = calloc(1, sizeof *client);
    if (!client) return err_origin(-ENOMEM);
    buffer_init_heap(&client->receive.body, options->response_bytes_max);
    client->easy = curl_easy_init();
    r = client->easy ? http_curl_setup(client->easy, options, &client->receive, client->error) : err_origin(-ENOMEM);
    if (r == 0 && options->pin) r = pin_set(client, options->pin);
    if (r) {
        (void)http_client_free(client);
        return err_trace(r);
    }
    *ret_client = client;
    return 0;
}

struct http_client *http_client_free(struct http_client *client) {
    if (!client) return NULL;
    if (client->easy) curl_easy_cleanup(client->easy);
    curl_slist_free_all(client->pin);
    buffer_release(&client->receive.body);
    free(client);
    return NULL;
}

static int result_take(struct http_client *client, struct arena *arena, struct http_result *ret_result) {
    const struct http_receive *receive = &client->receive;
    long status = 0;
    check(curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK);
    struct http_header *headers = arena_new_array(arena, struct http_header, receive->header_count);
    struct str body = arena_dup(arena, buffer_str(&receive->body));
    if (!headers || !body.at) return HTTP_CLIENT_E_TOO_LARGE;
    if (receive->header_count) memcpy(headers, receive->headers, receive->header_count * sizeof *headers);
    *ret_result = (struct http_result){
        .status = (int)status, .headers = headers, .header_count = receive->header_count, .body = body
    };
    return 0;
}

int http_client_run(struct http_client *client, const struct http_call *call, struct arena *arena,
                    struct http_result *ret_result, struct message *message) {
    struct curl_slist *headers = NULL;
    http_receive_begin(&client->receive, arena);
    client->error[0] = 0;
    int r = http_curl_prepare(client->easy, call, arena, &headers);
    if (r) {
        message_set(message, "the request cannot be sent: %s", strerrordesc_np(-r));
        return err_trace(r);
    }
    CURLcode code = curl_easy_perform(client->easy);
    r = http_curl_judge(client->easy, code, &client->receive);
    if (r == 0) r = result_take(client, arena, ret_result);
    (void)curl_easy_setopt(client->easy, CURLOPT_HTTPHEADER, NULL); /* cannot fail: it only forgets */
    http_curl_headers_free(headers);
    http_receive_begin(&client->receive, NULL); /* wipes the body that was copied */
    if (r == HTTP_CLIENT_E_TOO_LARGE) message_set(message, "the answer is larger than allowed");
    else if (r) message_set(message, "%s", client->error[0] ? client->error : curl_easy_strerror(code));
    return err_trace(r);
}
