#include "gateway/checks.h"

#include "gateway/gateway_int.h"

static const struct str name_listener = STR_INIT("X-OB-Listener"), name_address = STR_INIT("X-OB-Client-Address");
static const struct str name_certificates[EDGE_FORM_COUNT] = {
    [EDGE_FORM_NGINX] = STR_INIT("X-OB-Client-Cert"), [EDGE_FORM_CLIENT_CERT] = STR_INIT("Client-Cert")
};

/* Names that only an edge may write, in any form. */
static const struct str internal_names[] = {
    STR_INIT("X-OB-Listener"),      STR_INIT("X-OB-Client-Address"), STR_INIT("X-OB-Client-Cert"),
    STR_INIT("X-OB-Client-Verify"), STR_INIT("Client-Cert"),         STR_INIT("Client-Cert-Chain"),
};

/* The same letters with '_' for '-': what some programs take for the same header. */
static bool is_disguise(struct str name, struct str internal) {
    bool underscore = false;
    if (name.len != internal.len) return false;
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '_' && internal.at[i] == '-') {
            underscore = true;
            continue;
        }
        if (!str_equal_nocase(str_slice(name, i, i + 1), str_slice(internal, i, i + 1))) return false;
    }
    return underscore;
}

static bool is_foreign(enum edge_form form, struct str name) {
    for (size_t i = 0; i < EDGE_FORM_COUNT; i++)
        if (i != form && str_equal_nocase(name, name_certificates[i])) return true;
    return str_equal_nocase(name, STR("Client-Cert-Chain")); /* intermediates come from the trust list */
}

static bool headers_are_the_edges(const struct exchange *exchange, enum edge_form form) {
    const struct http_request *request = exchange->request;
    for (size_t i = 0; i < request->header_count; i++) {
        struct str name = request->headers[i].name;
        if (is_foreign(form, name)) return false;
        for (size_t k = 0; k < ARRAY_COUNT(internal_names); k++)
            if (is_disguise(name, internal_names[k])) return false;
    }
    for (size_t k = 0; k < ARRAY_COUNT(internal_names); k++)
        if (http_header_count(request, internal_names[k]) > 1) return false;
    return true;
}

static bool listener_parse(struct str text, enum call_listener *ret_listener) {
    bool mtls = str_equal(text, STR("mtls"));
    if (!mtls && !str_equal(text, STR("browser"))) return false;
    *ret_listener = mtls ? CALL_MTLS : CALL_BROWSER;
    return true;
}

int check_edge(struct exchange *exchange) {
    enum edge_form form = exchange->gateway->options.edge_form;
    struct call *call = &exchange->call;
    bool ours = headers_are_the_edges(exchange, form) &&
                listener_parse(http_header(exchange->request, name_listener), &call->listener);
    if (!ours)
        return exchange_refuse_field(exchange, &refusal_invalid_header, "header",
                                     "a header that only the edge may write");
    call->remote_address = http_header(exchange->request, name_address);
    if (call->listener == CALL_MTLS)
        exchange->edge_certificate = http_header(exchange->request, name_certificates[form]);
    return EXCHANGE_GOES_ON;
}
