/* openapi.h - an OpenAPI 3.1 document, loaded once: for each method and path template the compiled schemas of the
 * request's body and of the responses. Immutable after loading, so any number of threads may use it.
 *
 * Read are: openapi, paths, methods, operationId, requestBody, responses, content, and references inside the document.
 * What describes rather than decides (info, tags, summary, parameters, security, headers, links ...) is passed over by
 * a list; a word that is on neither list is a fault, with its place named. Of ours: "x-body-bytes-max" of an operation.
 * Examples of bodies take no memory once it is loaded.
 */
#ifndef GIRO_WIRE_OPENAPI_H
#define GIRO_WIRE_OPENAPI_H

#include "wire/json_schema.h"

#define OPENAPI_E_MAP(X) X(OPENAPI_E_DOCUMENT, "the OpenAPI document is at fault")
#define X(code, name) code,
enum openapi_refusal { OPENAPI_E_NONE = 0, OPENAPI_E_MAP(X) OPENAPI_E_COUNT };
#undef X

enum {
    OPENAPI_BODY_BYTES_DEFAULT = 64 * 1024, /* where x-body-bytes-max is absent; at most JSON_BYTES_MAX */
    OPENAPI_OPERATIONS_MAX = 512,
    OPENAPI_CONTENTS_MAX = 8,   /* media types of one body */
    OPENAPI_RESPONSES_MAX = 32, /* of one operation */
    OPENAPI_STATUS_DEFAULT = 0, /* the response "default" */
};

/* One media type of a body. schema is NULL when the document gives none (any body of that type). */
struct openapi_content {
    struct str media_type; /* as written: "application/json", "application/json; charset=utf-8" */
    const struct schema *schema;
};
struct openapi_contents {
    const struct openapi_content *items; /* in the order of the document */
    size_t count;
};
struct openapi_response {
    int status; /* 100..599, or OPENAPI_STATUS_DEFAULT */
    struct openapi_contents contents;
};
struct openapi_operation {
    struct str method;            /* upper case */
    struct str path;              /* the template, "/v1/payments/{payment_id}" */
    struct str id;                /* operationId, or empty */
    struct openapi_contents body; /* empty: the operation takes none */
    bool body_required;
    size_t body_bytes_max; /* 0 when it takes none */
    const struct openapi_response *responses;
    size_t response_count;
};

struct openapi;
/* text: the document as JSON, at most JSON_BYTES_MAX; borrowed only during the call. 0, OPENAPI_E_DOCUMENT (message,
 * which may be NULL, is one sentence with the place), or -ENOMEM. */
int openapi_load(struct str text, struct openapi **ret_doc, struct message *message);
struct openapi *openapi_free(struct openapi *doc); /* returns NULL, takes NULL */

/* NULL when the document has no such method ("POST") on that template. Everything found is borrowed from doc. */
const struct openapi_operation *openapi_operation(const struct openapi *doc, struct str method,
                                                  struct str path_template);
/* For the list of routes: false past the end. */
bool openapi_operation_at(const struct openapi *doc, size_t index, const struct openapi_operation **ret_operation);
/* The response of that status, else the default one, else NULL. */
const struct openapi_response *openapi_response(const struct openapi_operation *operation, int status);
/* The content whose media type is media_type without its parameters (case ignored); NULL when there is none. */
const struct openapi_content *openapi_content(struct openapi_contents contents, struct str media_type);

#endif
