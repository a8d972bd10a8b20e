#include "gateway/http_signature.h"

#include "platform/encoding.h"

enum { DIGEST_TEXT_BYTES = 96, NUMBER_BYTES = 24 };

static const struct str input_name = STR_INIT("signature-input"), signature_name = STR_INIT("signature");
static const struct str digest_name = STR_INIT("content-digest");

#define X(code, name, text) [code] = name,
static const char *const refusal_names[HTTP_SIGNATURE_E_COUNT] = { HTTP_SIGNATURE_E_MAP(X) };
#undef X
#define X(code, name, text) [code] = text,
static const char *const refusal_texts[HTTP_SIGNATURE_E_COUNT] = { HTTP_SIGNATURE_E_MAP(X) };
#undef X

const char *http_signature_refusal_name(int refusal) {
    check(refusal > 0 && refusal < HTTP_SIGNATURE_E_COUNT);
    return refusal_names[refusal];
}

const char *http_signature_refusal_text(int refusal) {
    check(refusal > 0 && refusal < HTTP_SIGNATURE_E_COUNT);
    return refusal_texts[refusal];
}

static size_t count_of(const struct http_signature_request *request, struct str name) {
    return http_headers_count(request->headers, request->header_count, name);
}

static struct str header_of(const struct http_signature_request *request, struct str name) {
    return str_trim(http_headers_get(request->headers, request->header_count, name));
}

bool http_signature_is_there(const struct http_signature_request *request) {
    return count_of(request, input_name) || count_of(request, signature_name);
}

/* ---- the signature base (RFC 9421 sections 2.2 and 2.5) ---- */

/* Host and port as RFC 9421 section 2.2.3 wants them: in lower case, without the port that https means. */
static void put_authority(const struct http_signature_request *request, struct buffer *out) {
    const struct str scheme = STR("https://"), port = STR(":443");
    struct str authority = str_slice(request->origin, scheme.len, request->origin.len);
    if (str_ends(authority, port)) authority.len -= port.len;
    for (size_t i = 0; i < authority.len; i++) {
        char c = authority.at[i];
        buffer_append_char(out, c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
    }
}

static void put_query(const struct http_signature_request *request, struct buffer *out) {
    if (request->query.len) buffer_printf(out, "?" STR_FMT, STR_ARG(request->query));
}

static void put_target(const struct http_signature_request *request, struct buffer *out) {
    buffer_append_str(out, request->path);
    put_query(request, out);
}

/* False: not one of these. */
static bool put_derived(const struct http_signature_request *request, struct str name, struct buffer *out) {
    if (str_equal(name, STR("@method"))) {
        buffer_append_str(out, request->method);
    } else if (str_equal(name, STR("@target-uri"))) {
        buffer_append_str(out, request->origin);
        put_target(request, out);
    } else if (str_equal(name, STR("@authority"))) {
        put_authority(request, out);
    } else if (str_equal(name, STR("@scheme"))) {
        buffer_append_c(out, "https");
    } else if (str_equal(name, STR("@request-target"))) {
        put_target(request, out);
    } else if (str_equal(name, STR("@path"))) {
        buffer_append_str(out, request->path);
    } else if (str_equal(name, STR("@query"))) {
        buffer_append_char(out, '?');
        buffer_append_str(out, request->query);
    } else {
        return false;
    }
    return true;
}

static bool is_lower_case(struct str name) {
    for (size_t i = 0; i < name.len; i++)
        if (name.at[i] >= 'A' && name.at[i] <= 'Z') return false;
    return true;
}

/* The value of a component of the request. False: it has none, or not exactly one. */
static bool put_component(const struct http_signature_request *request, struct str name, struct buffer *out) {
    if (str_starts(name, STR("@"))) return put_derived(request, name, out);
    if (!is_lower_case(name) || count_of(request, name) != 1) return false;
    buffer_append_str(out, header_of(request, name));
    return true;
}

/* More than the base, and the lines of Signature-Input, can be: each component is there once. */
static size_t base_bytes_max(const struct http_signature_request *request) {
    size_t bytes = 4 * (request->origin.len + request->path.len + request->query.len);
    for (size_t i = 0; i < request->header_count; i++) bytes += request->headers[i].value.len;
    return bytes + 6 * HTTP_SIGNATURE_INPUT_BYTES_MAX + STRUCTURED_FIELD_BYTES_MAX;
}

/* 0 or -ENOMEM. */
static int buffer_new(struct arena *arena, size_t bytes, struct buffer *ret_buffer) {
    char *memory = arena_alloc_unset(arena, bytes);
    if (!memory) return err_origin(-ENOMEM);
    buffer_init(ret_buffer, memory, bytes);
    return 0;
}

bool http_signature_base(const struct http_signature_request *request, const struct structured_member *input,
                         struct buffer *out) {
    for (size_t i = 0; i < input->item_count; i++) {
        structured_item_write(out, &input->items[i]);
        buffer_append_c(out, ": ");
        if (!put_component(request, input->items[i].value.text, out)) return false;
        buffer_append_char(out, '\n');
    }
    buffer_append_c(out, "\"@signature-params\": ");
    structured_member_write(out, input);
    return !out->overflow;
}

/* ---- requests ---- */

static bool covers(const struct structured_member *input, struct str name) {
    for (size_t i = 0; i < input->item_count; i++)
        if (str_equal(input->items[i].value.text, name)) return true;
    return false;
}

/* (S1) */
static int read_headers(const struct http_signature_request *request, struct arena *arena,
                        struct http_signature_link *link) {
    struct structured_dictionary inputs, signatures;
    struct str input = header_of(request, input_name), signature = header_of(request, signature_name);
    if (!http_signature_is_there(request)) return HTTP_SIGNATURE_E_MISSING;
    if (count_of(request, input_name) != 1 || count_of(request, signature_name) != 1) return HTTP_SIGNATURE_E_MALFORMED;
    if (input.len > HTTP_SIGNATURE_INPUT_BYTES_MAX) return HTTP_SIGNATURE_E_MALFORMED;
    int r = structured_dictionary_parse(input, arena, &inputs);
    if (r == 0) r = structured_dictionary_parse(signature, arena, &signatures);
    if (r) return r < 0 ? err_trace(r) : HTTP_SIGNATURE_E_MALFORMED;
    if (inputs.count > 1 || signatures.count > 1) return HTTP_SIGNATURE_E_SEVERAL;
    link->input = &inputs.members[0];
    link->signature = &signatures.members[0];
    if (!link->input->is_list || link->signature->is_list) return HTTP_SIGNATURE_E_MALFORMED;
    const struct structured_item *item = &link->signature->items[0];
    bool bytes = item->value.type == STRUCTURED_BYTES && item->parameters.count == 0;
    return bytes && str_equal(link->input->key, link->signature->key) ? 0 : HTTP_SIGNATURE_E_MALFORMED;
}

/* The parameter, when it is there and of that type. */
static const struct structured_value *parameter(const struct structured_member *input, const char *key,
                                                enum structured_type type) {
    const struct structured_value *value = structured_parameter_find(&input->parameters, key);
    return value && value->type == type ? value : NULL;
}

/* (S3), but for the key. */
static int judge_parameters(const struct structured_member *input, int64_t now_ms) {
    const struct structured_value *tag = parameter(input, "tag", STRUCTURED_STRING);
    const struct structured_value *created = parameter(input, "created", STRUCTURED_INTEGER);
    const struct structured_value *expires = parameter(input, "expires", STRUCTURED_INTEGER);
    int64_t now_s = now_ms / 1000;
    if (!tag || !str_equal(tag->text, STR("fapi-2-request"))) return HTTP_SIGNATURE_E_TAG;
    if (!created || now_s - created->integer > HTTP_SIGNATURE_AGE_MAX_S) return HTTP_SIGNATURE_E_TIME;
    if (created->integer - now_s > HTTP_SIGNATURE_AHEAD_MAX_S) return HTTP_SIGNATURE_E_TIME;
    if (structured_parameter_find(&input->parameters, "expires") && (!expires || expires->integer <= now_s))
        return HTTP_SIGNATURE_E_TIME;
    return 0;
}

/* (S2), but for what is not there. */
static int judge_components(const struct http_signature_request *request, const struct structured_member *input) {
    for (size_t i = 0; i < input->item_count; i++) {
        const struct structured_item *item = &input->items[i];
        if (item->value.type != STRUCTURED_STRING || item->parameters.count) return HTTP_SIGNATURE_E_COMPONENT;
        for (size_t k = 0; k < i; k++)
            if (str_equal(input->items[k].value.text, item->value.text)) return HTTP_SIGNATURE_E_COMPONENT;
    }
    bool all =
        covers(input, STR("@method")) && covers(input, STR("@target-uri")) && covers(input, STR("authorization"));
    if (request->body.len) all = all && covers(input, digest_name);
    if (count_of(request, STR("dpop"))) all = all && covers(input, STR("dpop"));
    return all ? 0 : HTTP_SIGNATURE_E_COVER;
}

/* One algorithm of Content-Digest: what the body's would be, in memory; .at == NULL when it is not one of ours. */
static struct str digest_of(struct str body, struct str algorithm, struct hash512 *memory) {
    if (str_equal(algorithm, STR("sha-512"))) {
        *memory = sha512_str(body);
        return str_from_bytes(memory->bytes, sizeof memory->bytes);
    }
    if (!str_equal(algorithm, STR("sha-256"))) return (struct str){ 0 };
    struct hash hash = sha256_str(body);
    memcpy(memory->bytes, hash.bytes, sizeof hash.bytes);
    return str_from_bytes(memory->bytes, sizeof hash.bytes);
}

/* (S5), when it is covered. */
static int judge_digest(const struct http_signature_request *request, const struct structured_member *input,
                        struct arena *arena) {
    struct structured_dictionary digests;
    size_t good = 0;
    if (!covers(input, digest_name)) return 0;
    int r = structured_dictionary_parse(header_of(request, digest_name), arena, &digests);
    if (r) return r < 0 ? err_trace(r) : HTTP_SIGNATURE_E_DIGEST;
    for (size_t i = 0; i < digests.count; i++) {
        const struct structured_member *member = &digests.members[i];
        struct hash512 memory;
        struct str want = digest_of(request->body, member->key, &memory);
        if (!want.at) continue;
        if (member->is_list || member->items[0].value.type != STRUCTURED_BYTES ||
            !str_equal(member->items[0].value.text, want))
            return HTTP_SIGNATURE_E_DIGEST;
        good++;
    }
    return good ? 0 : HTTP_SIGNATURE_E_DIGEST;
}

/* (S4) Whether the parameter alg, when it is there, is the key's algorithm. */
static bool alg_fits(const struct structured_member *input, enum key_alg alg) {
    const struct structured_value *named = parameter(input, "alg", STRUCTURED_STRING);
    if (!structured_parameter_find(&input->parameters, "alg")) return true;
    if (!named) return false;
    return (alg == KEY_ALG_ES256 && str_equal(named->text, STR("ecdsa-p256-sha256"))) ||
           (alg == KEY_ALG_EDDSA && str_equal(named->text, STR("ed25519")));
}

/* By each key of that kid: an algorithm has at most one (jwks.h, J2). */
static int judge_signature(const struct http_signature_link *link, struct str base, const struct jwks *keys) {
    static const enum key_alg algorithms[] = { KEY_ALG_PS256, KEY_ALG_ES256, KEY_ALG_EDDSA };
    const struct structured_value *kid = parameter(link->input, "keyid", STRUCTURED_STRING);
    int verdict = HTTP_SIGNATURE_E_KEY;
    if (!kid || kid->text.len == 0) return verdict;
    for (size_t i = 0; i < ARRAY_COUNT(algorithms); i++) {
        const struct jwk *jwk = jwks_find(keys, kid->text, algorithms[i]);
        if (!jwk) continue;
        if (!alg_fits(link->input, algorithms[i])) {
            if (verdict == HTTP_SIGNATURE_E_KEY) verdict = HTTP_SIGNATURE_E_ALG;
            continue;
        }
        int r = key_verify(jwk->key, algorithms[i], base, link->signature->items[0].value.text);
        if (r <= 0) return err_trace(r);
        verdict = HTTP_SIGNATURE_E_INVALID;
    }
    return verdict;
}

int http_signature_verify(const struct http_signature_request *request, const struct jwks *keys, int64_t now_ms,
                          struct arena *arena, struct http_signature_link *ret_link) {
    struct http_signature_link link;
    struct buffer base;
    int r = read_headers(request, arena, &link);
    if (r == 0) r = judge_parameters(link.input, now_ms);
    if (r == 0) r = judge_components(request, link.input);
    if (r == 0) r = buffer_new(arena, base_bytes_max(request), &base);
    if (r == 0 && !http_signature_base(request, link.input, &base)) r = HTTP_SIGNATURE_E_COMPONENT;
    if (r == 0) r = judge_digest(request, link.input, arena);
    if (r == 0) r = judge_signature(&link, buffer_str(&base), keys);
    if (r == 0) *ret_link = link;
    return r < 0 ? err_trace(r) : r;
}

/* ---- answers ---- */

/* What is being signed: each component goes into the base and into the list of Signature-Input. */
struct making {
    const struct http_signature_answer *answer;
    struct buffer base, input;
};

static void component(struct making *making, const char *identifier, struct str value) {
    if (making->input.at[making->input.len - 1] != '(') buffer_append_char(&making->input, ' ');
    buffer_append_c(&making->input, identifier);
    buffer_append_c(&making->base, identifier);
    buffer_append_c(&making->base, ": ");
    buffer_append_str(&making->base, value);
    buffer_append_char(&making->base, '\n');
}

static void put_number(struct making *making, const char *identifier, int number) {
    char memory[NUMBER_BYTES];
    struct buffer text;
    buffer_init(&text, memory, sizeof memory);
    buffer_append_i64(&text, number);
    component(making, identifier, buffer_str(&text));
}

/* A component of the request. */
static void put_of_request(struct making *making, struct str name) {
    static const struct structured_parameter req = { .key = STR_INIT("req"),
                                                     .value = { .type = STRUCTURED_BOOLEAN, .integer = 1 } };
    struct structured_item item = { .value = { .type = STRUCTURED_STRING, .text = name },
                                    .parameters = { .items = &req, .count = 1 } };
    buffer_append_char(&making->input, ' ');
    structured_item_write(&making->input, &item);
    structured_item_write(&making->base, &item);
    buffer_append_c(&making->base, ": ");
    check(put_component(making->answer->request, name, &making->base)); /* it was there when the request was judged */
    buffer_append_char(&making->base, '\n');
}

/* A member of the request's Signature-Input or Signature: "signature";req;key="sig1". */
static int put_member(struct making *making, struct str name, const struct structured_member *member,
                      struct arena *arena) {
    struct buffer value;
    struct str identifier =
        arena_printf(arena, "\"" STR_FMT "\";req;key=\"" STR_FMT "\"", STR_ARG(name), STR_ARG(member->key));
    int r = identifier.at ? buffer_new(arena, STRUCTURED_FIELD_BYTES_MAX, &value) : err_origin(-ENOMEM);
    if (r) return err_trace(r);
    structured_member_write(&value, member);
    if (value.overflow) return err_origin(-EMSGSIZE);
    component(making, identifier.at, buffer_str(&value)); /* arena_printf ends with a NUL */
    return 0;
}

/* (S6) */
static int put_link(struct making *making, struct arena *arena) {
    const struct http_signature_link *link = making->answer->link;
    if (!link) {
        put_of_request(making, STR("@method"));
        put_of_request(making, STR("@target-uri"));
        return 0;
    }
    for (size_t i = 0; i < link->input->item_count; i++) put_of_request(making, link->input->items[i].value.text);
    int r = put_member(making, input_name, link->input, arena);
    return r ? err_trace(r) : err_trace(put_member(making, signature_name, link->signature, arena));
}

static struct str content_digest_of(struct str content, struct arena *arena) {
    char memory[DIGEST_TEXT_BYTES];
    struct buffer text;
    struct hash hash = sha256_str(content);
    buffer_init(&text, memory, sizeof memory);
    buffer_append_c(&text, "sha-256=:");
    base64_encode(&text, hash.bytes, sizeof hash.bytes);
    buffer_append_char(&text, ':');
    check(!text.overflow);
    return arena_dup(arena, buffer_str(&text));
}

static int sign(const struct making *making, const struct jwk *key, struct arena *arena,
                struct http_signature_headers *headers) {
    struct key_signature signature;
    struct buffer text;
    int r = key_sign(key->key, key_algorithm(key->key), buffer_str(&making->base), &signature);
    if (r) return err_fold(r);
    r = buffer_new(arena, 2 * KEY_SIGNATURE_BYTES_MAX, &text);
    if (r) return err_trace(r);
    buffer_append_c(&text, "sig1=:");
    base64_encode(&text, signature.bytes, signature.len);
    buffer_append_char(&text, ':');
    check(!text.overflow);
    headers->signature = buffer_str(&text);
    headers->signature_input = arena_printf(arena, "sig1=" STR_FMT, STR_ARG(buffer_str(&making->input)));
    return headers->signature_input.at ? 0 : err_origin(-ENOMEM);
}

int http_signature_make(const struct http_signature_answer *answer, const struct jwk *key, struct arena *arena,
                        struct http_signature_headers *ret_headers) {
    struct http_signature_headers headers = { .content_digest = content_digest_of(answer->content, arena) };
    struct making making = { .answer = answer };
    int r = headers.content_digest.at ? 0 : err_origin(-ENOMEM);
    if (!r) r = buffer_new(arena, base_bytes_max(answer->request) + STRUCTURED_FIELD_BYTES_MAX, &making.base);
    if (!r) r = buffer_new(arena, STRUCTURED_FIELD_BYTES_MAX, &making.input);
    if (r) return err_trace(r);
    buffer_append_char(&making.input, '(');
    put_number(&making, "\"@status\"", answer->status);
    component(&making, "\"content-digest\"", headers.content_digest);
    r = put_link(&making, arena);
    if (r) return err_trace(r);
    buffer_printf(&making.input, ");created=%lld;keyid=\"" STR_FMT "\";tag=\"fapi-2-response\"",
                  (long long)(answer->now_ms / 1000), STR_ARG(key->kid));
    buffer_append_c(&making.base, "\"@signature-params\": ");
    buffer_append_str(&making.base, buffer_str(&making.input));
    if (making.base.overflow || making.input.overflow) return err_origin(-EMSGSIZE);
    r = sign(&making, key, arena, &headers);
    if (r) return err_trace(r);
    *ret_headers = headers;
    return 0;
}
