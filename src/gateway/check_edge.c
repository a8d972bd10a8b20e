#include "gateway/checks.h"

#include "gateway/gateway_int.h"

static const struct str name_listener = STR_INIT("X-OB-Listener"), name_address = STR_INIT("X-OB-Client-Address");
static const struct str name_certificates[EDGE_FORM_COUNT] = {
#define X(code, name, header) [code] = STR_INIT(header),
    EDGE_FORM_MAP(X)
#undef X
};

/* Names that only an edge may write, and the forms in which it does. */
#define IN(form) (1u << (form))
#define IN_ALL (IN(EDGE_FORM_COUNT) - 1)
static const struct {
    struct str name;
    unsigned forms;
} internal_names[] = {
    { STR_INIT("X-OB-Listener"), IN_ALL },
    { STR_INIT("X-OB-Client-Address"), IN_ALL },
    { STR_INIT("X-OB-Client-Verify"), IN_ALL },
    { STR_INIT("X-OB-Client-Cert"), IN(EDGE_FORM_NGINX) },
    { STR_INIT("Client-Cert"), IN(EDGE_FORM_RFC9440) },
    { STR_INIT("Client-Cert-Chain"), IN(EDGE_FORM_RFC9440) },
    { STR_INIT("X-Forwarded-Client-Cert"), IN(EDGE_FORM_XFCC) },
    { STR_INIT("X-Amzn-Mtls-Clientcert"), IN(EDGE_FORM_AWS) },
    { STR_INIT("X-Amzn-Mtls-Clientcert-Leaf"), IN(EDGE_FORM_AWS_VERIFY) },
    { STR_INIT("X-Amzn-Mtls-Clientcert-Serial-Number"), IN(EDGE_FORM_AWS_VERIFY) },
    { STR_INIT("X-Amzn-Mtls-Clientcert-Issuer"), IN(EDGE_FORM_AWS_VERIFY) },
    { STR_INIT("X-Amzn-Mtls-Clientcert-Subject"), IN(EDGE_FORM_AWS_VERIFY) },
    { STR_INIT("X-Amzn-Mtls-Clientcert-Validity"), IN(EDGE_FORM_AWS_VERIFY) },
    { STR_INIT("X-ARR-ClientCert"), IN(EDGE_FORM_AZURE) },
};

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The same name but for letter case, and for '_' in place of '-': what some programs take for the same header. */
static bool is_alike(struct str name, struct str internal) {
    if (name.len != internal.len) return false;
    for (size_t i = 0; i < name.len; i++)
        if (lower(name.at[i] == '_' ? '-' : name.at[i]) != lower(internal.at[i])) return false;
    return true;
}

/* As the edge writes it: nginx as configured, the others so or all in lower case (as HTTP/2 does). */
static bool is_spelt_well(enum edge_form form, struct str name, struct str internal) {
    if (str_equal(name, internal)) return true;
    if (form == EDGE_FORM_NGINX) return false;
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] != lower(internal.at[i])) return false;
    return true;
}

/* The internal name that a header's is alike, or ARRAY_COUNT(internal_names). */
static size_t internal_of(struct str name) {
    size_t k = 0;
    while (k < ARRAY_COUNT(internal_names) && !is_alike(name, internal_names[k].name)) k++;
    return k;
}

/* A header that nobody but an edge of this form may have written is fine when that edge spells it so, and once. */
static bool headers_are_the_edges(const struct exchange *exchange, enum edge_form form) {
    const struct http_request *request = exchange->request;
    bool seen[ARRAY_COUNT(internal_names)] = { false };
    for (size_t i = 0; i < request->header_count; i++) {
        struct str name = request->headers[i].name;
        size_t k = internal_of(name);
        if (k == ARRAY_COUNT(internal_names)) continue;
        if (!(internal_names[k].forms & IN(form)) || !is_spelt_well(form, name, internal_names[k].name)) return false;
        if (seen[k]) return false;
        seen[k] = true;
    }
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
