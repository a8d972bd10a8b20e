#include "gateway/problem.h"

#include "platform/random.h"

struct str interaction_id_new(char text[INTERACTION_ID_TEXT_BYTES]) {
    uint8_t id[ID_BYTES];
    random_bytes(id, sizeof id);
    id[6] = (uint8_t)((id[6] & 0x0f) | 0x40);
    id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
    return id_format(id, text);
}

/* ---- RFC 9457 ---- */

static void write_errors(struct json_writer *writer, const struct schema_errors *errors) {
    json_name(writer, "errors");
    json_array_begin(writer);
    for (size_t i = 0; i < errors->count; i++) {
        json_object_begin(writer);
        json_member_str(writer, "path", errors->items[i].path);
        json_member_str(writer, "message", errors->items[i].message);
        json_object_end(writer);
    }
    json_array_end(writer);
}

static const char *write_problem(const struct problem *problem, struct buffer *out) {
    const struct refusal *refusal = problem->refusal;
    struct json_writer writer;
    char instance[64];
    (void)snprintf(instance, sizeof instance, "urn:uuid:" STR_FMT, STR_ARG(problem->interaction_id));
    json_begin(&writer, out);
    json_object_begin(&writer);
    json_member_c(&writer, "type", "about:blank");
    json_member_c(&writer, "title", refusal->title);
    json_member_i64(&writer, "status", refusal->status);
    json_member_c(&writer, "detail", refusal->detail);
    if (refusal->hint) json_member_c(&writer, "hint", refusal->hint);
    json_member_c(&writer, "instance", instance);
    json_member_c(&writer, "code", refusal->code);
    json_member_str(&writer, "interaction_id", problem->interaction_id);
    if (problem->errors && problem->errors->count) write_errors(&writer, problem->errors);
    json_object_end(&writer);
    return "application/problem+json";
}

/* ---- Open Banking: OBErrorResponse1 ---- */

const char *problem_v3_code(const char *code) {
    static const char *const names[] = {
        "UnexpectedError",
        "Field.Expected",
        "Field.Invalid",
        "Field.InvalidDate",
        "Field.Missing",
        "Field.Unexpected",
        "Header.Invalid",
        "Header.Missing",
        "Resource.ConsentMismatch",
        "Resource.InvalidConsentStatus",
        "Resource.InvalidFormat",
        "Resource.NotFound",
        "Rules.AfterCutOffDateTime",
        "Rules.DuplicateReference",
        "Rules.FailsControlParameters",
        "Signature.Invalid",
        "Signature.InvalidClaim",
        "Signature.MissingClaim",
        "Signature.Malformed",
        "Signature.Missing",
        "Signature.Unexpected",
        "Unsupported.AccountIdentifier",
        "Unsupported.AccountSecondaryIdentifier",
        "Unsupported.Currency",
        "Unsupported.EventType",
        "Unsupported.Frequency",
        "Unsupported.LocalInstrument",
        "Unsupported.Scheme",
        "Reauthenticate",
        "Rules.ResourceAlreadyExists",
    };
    uint64_t number;
    check(code[0] == 'U' && strlen(code) == 4);
    bool known = str_to_u64(str_from_c(code + 1), &number) == 0 && number < ARRAY_COUNT(names);
    return known ? names[number] : names[0];
}

/* Of an invalid request each error has the code of its kind; any other refusal's code is that of all its errors. */
static const char *ob_code_of(const struct refusal *refusal, const struct schema_error *error) {
    if (refusal != &refusal_invalid_request) return refusal->ob_code;
    switch (error->kind) {
    case SCHEMA_ERROR_INVALID:
        return "U002";
    case SCHEMA_ERROR_DATE:
        return "U003";
    case SCHEMA_ERROR_MISSING:
        return "U004";
    case SCHEMA_ERROR_UNEXPECTED:
        return "U005";
    }
    return "U002";
}

struct ob_error {
    enum open_banking_version version;
    const char *code;
    struct str message, path;
};

static void write_ob_error(struct json_writer *writer, const struct ob_error *error) {
    char v3[64];
    struct str message = error->message, path = error->path;
    (void)snprintf(v3, sizeof v3, "UK.OBIE.%s", problem_v3_code(error->code));
    json_object_begin(writer);
    json_member_c(writer, "ErrorCode", error->version == OPEN_BANKING_V3 ? v3 : error->code);
    json_member_str(writer, "Message", message);
    if (path.len) json_member_str(writer, "Path", path);
    json_object_end(writer);
}

/* v3.1 says at the top what v4.0 leaves to the errors: "400 BadRequest" and a sentence. */
static void write_v3_head(struct json_writer *writer, const struct refusal *refusal) {
    char memory[41];
    struct buffer code;
    buffer_init(&code, memory, sizeof memory - 1);
    buffer_printf(&code, "%d ", refusal->status);
    for (const char *at = refusal->title; *at; at++)
        if (*at != ' ') buffer_append_char(&code, *at);
    json_member_str(writer, "Code", buffer_str(&code));
    json_member_c(writer, "Message", refusal->detail);
}

static const char *write_open_banking(const struct problem *problem, struct buffer *out) {
    const struct schema_errors *errors = problem->errors;
    struct json_writer writer;
    if (!problem->refusal->ob_code) return NULL;
    json_begin(&writer, out);
    json_object_begin(&writer);
    if (problem->version == OPEN_BANKING_V3) write_v3_head(&writer, problem->refusal);
    json_member_str(&writer, "Id", problem->interaction_id);
    json_name(&writer, "Errors");
    json_array_begin(&writer);
    for (size_t i = 0; errors && i < errors->count; i++) {
        struct ob_error error = { .version = problem->version,
                                  .code = ob_code_of(problem->refusal, &errors->items[i]),
                                  .message = errors->items[i].message,
                                  .path = errors->items[i].path };
        write_ob_error(&writer, &error);
    }
    if (!errors || errors->count == 0) {
        struct ob_error error = { .version = problem->version,
                                  .code = problem->refusal->ob_code,
                                  .message = str_from_c(problem->refusal->detail) };
        write_ob_error(&writer, &error);
    }
    json_array_end(&writer);
    json_object_end(&writer);
    return "application/json; charset=utf-8";
}

/* ---- RFC 6749, section 5.2 ---- */

static const char *write_oauth(const struct problem *problem, struct buffer *out) {
    const struct refusal *refusal = problem->refusal;
    struct json_writer writer;
    json_begin(&writer, out);
    json_object_begin(&writer);
    json_member_c(&writer, "error", refusal->oauth_code ? refusal->oauth_code : refusal->code);
    json_member_c(&writer, "error_description", refusal->detail);
    json_object_end(&writer);
    return "application/json";
}

/* Texts are the program's own and hold no markup. */
static const char *write_page(const struct problem *problem, struct buffer *out) {
    const struct refusal *refusal = problem->refusal;
    buffer_printf(
        out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>%s</title></head><body><main><h1>%s</h1>"
        "<p>%s</p><p>Reference: " STR_FMT "</p></main></body></html>",
        refusal->title, refusal->title, refusal->detail, STR_ARG(problem->interaction_id));
    return "text/html; charset=utf-8";
}

const char *problem_write(enum route_family family, const struct problem *problem, struct buffer *out) {
    switch (family) {
    case FAMILY_V1:
        return write_problem(problem, out);
    case FAMILY_OPEN_BANKING:
        return write_open_banking(problem, out);
    case FAMILY_OAUTH:
        return write_oauth(problem, out);
    case FAMILY_PAGES:
        return write_page(problem, out);
    case FAMILY_FAMILY_COUNT:
        break;
    }
    check(false);
    return NULL;
}

/* ---- what the HTTP server refuses itself ---- */

/* "POST /v1/payments HTTP/1.1": the second word of the first line, as far as it came; empty when there is none. */
static struct str path_of(struct str received) {
    struct str method, target, path;
    if (received.len > 1024) received.len = 1024;
    if (!str_cut(&received, ' ', &method)) return (struct str){ 0 };
    (void)str_cut(&received, ' ', &target);
    (void)str_cut(&target, '?', &path);
    return path;
}

static struct refusal refusal_of_status(int status) {
    switch (status) {
    case 408:
        return refusal_timeout;
    case 413:
        return refusal_too_large;
    case 431:
        return refusal_headers_too_large;
    case 500:
        return refusal_internal;
    case 503:
        return refusal_unavailable;
    }
    struct refusal refusal = refusal_invalid_request;
    refusal.status = status;
    if (status == 417) refusal.title = "Expectation Failed";
    if (status == 505) refusal.title = "HTTP Version Not Supported";
    refusal.detail = "The request is not well-formed HTTP as this server takes it.";
    return refusal;
}

void problem_on_http_error(void *ctx, struct http_error *error) {
    char text[INTERACTION_ID_TEXT_BYTES];
    struct refusal refusal = refusal_of_status(error->status);
    struct str path = path_of(error->received);
    struct problem problem = { .refusal = &refusal,
                               .interaction_id = interaction_id_new(text),
                               .version = route_version_of_path(path) };
    (void)ctx;
    error->media_type = problem_write(route_family_of_path(CALL_MTLS, path), &problem, error->body);
    error->header_name = "x-fapi-interaction-id";
    (void)snprintf(error->header_value, sizeof error->header_value, "%s", text);
}
