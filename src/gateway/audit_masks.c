#include "gateway/audit_masks.h"

#include "observe/audit.h"
#include "wire/form.h"

enum { MASKS_ARENA_BYTES_MAX = 64 * 1024 * 1024, MASKS_KNOWN_MAX = 1024, MASKS_BLOCK_BYTES = 64 * 1024 };

struct response_mask {
    int status; /* OPENAPI_STATUS_DEFAULT: any other */
    const struct json_mask *mask;
};
struct route_masks {
    const struct json_mask *request;
    struct response_mask responses[OPENAPI_RESPONSES_MAX];
    size_t response_count;
};
struct known_mask {
    const struct schema *schema;
    const struct json_mask *mask;
};

struct audit_masks {
    struct arena arena;
    struct route_masks *routes;
    struct known_mask known[MASKS_KNOWN_MAX]; /* many routes share an answer */
    size_t known_count;
    struct json *oauth_document;
    struct schema_set *oauth_set;
    const struct json_mask *oauth, *payment;
};

/* The answers of the OAuth endpoints (RFC 6749 sections 5.1 and 5.2, RFC 7662, RFC 9126), which no OpenAPI document
 * describes. What is not named here is not written. */
static const char oauth_answers[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"token_type\":{\"type\":\"string\",\"x-giro-mask\":\"shown\"},"
    "\"expires_in\":{\"type\":\"integer\"},"
    "\"scope\":{\"type\":\"string\",\"x-giro-mask\":\"shown\"},"
    "\"active\":{\"type\":\"boolean\"},"
    "\"error\":{\"type\":\"string\",\"x-giro-mask\":\"shown\"},"
    "\"error_description\":{\"type\":\"string\",\"x-giro-mask\":\"shown\"},"
    "\"client_id\":{\"type\":\"string\",\"x-giro-mask\":\"shown\"},"
    "\"access_token\":{\"x-giro-mask\":\"hidden\"},\"refresh_token\":{\"x-giro-mask\":\"hidden\"},"
    "\"id_token\":{\"x-giro-mask\":\"hidden\"},\"request_uri\":{\"x-giro-mask\":\"hidden\"},"
    "\"registration_access_token\":{\"x-giro-mask\":\"hidden\"},\"client_secret\":{\"x-giro-mask\":\"hidden\"}}}";

static int mask_of(struct audit_masks *masks, const struct schema *schema, const struct json_mask **ret_mask) {
    for (size_t i = 0; i < masks->known_count; i++) {
        if (masks->known[i].schema != schema) continue;
        *ret_mask = masks->known[i].mask;
        return 0;
    }
    int r = json_mask_new(schema, &masks->arena, ret_mask);
    if (r) return err_trace(r);
    if (masks->known_count < MASKS_KNOWN_MAX)
        masks->known[masks->known_count++] = (struct known_mask){ .schema = schema, .mask = *ret_mask };
    return 0;
}

static bool is_json(struct str media_type) {
    struct str head;
    (void)str_cut(&media_type, ';', &head);
    head = str_trim(head);
    return str_equal_nocase(head, STR("application/json")) || str_ends(head, STR("+json"));
}

/* The mask of the first JSON among contents; NULL when there is none. */
static int mask_of_contents(struct audit_masks *masks, struct openapi_contents contents,
                            const struct json_mask **ret_mask) {
    *ret_mask = NULL;
    for (size_t i = 0; i < contents.count; i++)
        if (contents.items[i].schema && is_json(contents.items[i].media_type))
            return err_trace(mask_of(masks, contents.items[i].schema, ret_mask));
    return 0;
}

static int route_make(struct audit_masks *masks, const struct openapi_operation *operation, struct route_masks *route) {
    int r = mask_of_contents(masks, operation->body, &route->request);
    for (size_t i = 0; !r && i < operation->response_count; i++) {
        struct response_mask *response = &route->responses[route->response_count++];
        response->status = operation->responses[i].status;
        r = mask_of_contents(masks, operation->responses[i].contents, &response->mask);
    }
    return err_trace(r);
}

static int oauth_make(struct audit_masks *masks) {
    const struct schema *schema;
    struct message message;
    int r = json_parse(str_from_c(oauth_answers), sizeof oauth_answers, JSON_DEPTH_MAX, &masks->oauth_document, NULL);
    if (!r) r = schema_set_new(masks->oauth_document, &masks->oauth_set);
    if (!r) r = schema_compile(masks->oauth_set, STR("#"), &schema, &message);
    if (!r) r = json_mask_new(schema, &masks->arena, &masks->oauth);
    return err_fold(r);
}

static const struct json_mask *response_find(const struct route_masks *route, int status) {
    const struct json_mask *fallback = NULL;
    for (size_t i = 0; i < route->response_count; i++) {
        if (route->responses[i].status == status) return route->responses[i].mask;
        if (route->responses[i].status == OPENAPI_STATUS_DEFAULT) fallback = route->responses[i].mask;
    }
    return fallback;
}

static void payment_find(struct audit_masks *masks) {
    for (size_t i = 0; i < route_count(); i++) {
        const struct route *route = route_at(i);
        if (strcmp(route->method, "POST") == 0 && strcmp(route->path, "/v1/payments") == 0)
            masks->payment = response_find(&masks->routes[i], 201);
    }
}

static int masks_make(struct audit_masks *masks, const struct openapi_operation *const *operations) {
    int r = arena_init(&masks->arena, MASKS_BLOCK_BYTES, MASKS_ARENA_BYTES_MAX);
    if (r) return err_trace(r);
    masks->routes = arena_new_array(&masks->arena, struct route_masks, route_count());
    if (!masks->routes) return err_origin(-ENOMEM);
    r = oauth_make(masks);
    for (size_t i = 0; !r && i < route_count(); i++)
        if (operations[i]) r = route_make(masks, operations[i], &masks->routes[i]);
    if (!r) payment_find(masks);
    return err_trace(r);
}

int audit_masks_new(const struct openapi_operation *const *operations, struct audit_masks **ret_masks) {
    struct audit_masks *masks = calloc(1, sizeof *masks);
    if (!masks) return err_origin(-ENOMEM);
    int r = masks_make(masks, operations);
    if (r) (void)audit_masks_free(masks);
    else *ret_masks = masks;
    return err_trace(r);
}

struct audit_masks *audit_masks_free(struct audit_masks *masks) {
    if (!masks) return NULL;
    (void)schema_set_free(masks->oauth_set);
    (void)json_free(masks->oauth_document);
    arena_release(&masks->arena);
    free(masks);
    return NULL;
}

const struct json_mask *audit_masks_request(const struct audit_masks *masks, const struct route *route) {
    return masks->routes[route_index(route)].request;
}

const struct json_mask *audit_masks_response(const struct audit_masks *masks, const struct route *route, int status) {
    const struct json_mask *mask = response_find(&masks->routes[route_index(route)], status);
    return mask || route->family != FAMILY_OAUTH ? mask : masks->oauth;
}

const struct json_mask *audit_masks_decision(const struct audit_masks *masks, const struct route *route) {
    const struct route_masks *row = &masks->routes[route_index(route)];
    if (route->family == FAMILY_OPEN_BANKING) return route->flags & ROUTE_MONEY ? masks->payment : NULL;
    if (route->family != FAMILY_V1) return NULL;
    const struct json_mask *mask = response_find(row, 201);
    return mask ? mask : response_find(row, 200);
}

/* ---- forms ---- */

/* RFC 6749, 7523, 7636, 9126, 7009, 7662, OpenID Connect: what is no secret and names nobody. */
static const char *const form_shown[] = {
    "grant_type",
    "scope",
    "client_id",
    "response_type",
    "response_mode",
    "redirect_uri",
    "code_challenge_method",
    "client_assertion_type",
    "token_type_hint",
    "acr_values",
    "prompt",
    "max_age",
};
/* That they were there. */
static const char *const form_hidden[] = {
    "code",          "code_verifier", "code_challenge", "client_assertion", "client_secret",
    "refresh_token", "token",         "request",        "request_uri",      "state",
    "nonce",         "login_hint",    "id_token_hint",  "claims",           "authorization_details",
};

static void put_field(struct json_writer *writer, const char *name, struct str value, bool shown) {
    bool plain = shown && value.len <= JSON_MASK_TEXT_BYTES_MAX;
    for (size_t i = 0; plain && i < value.len; i++) plain = value.at[i] >= ' ' && value.at[i] <= '~';
    json_member_str(writer, name, plain ? value : STR("***"));
}

static void put_fields(struct json_writer *writer, const struct form *form) {
    struct str value;
    for (size_t i = 0; i < ARRAY_COUNT(form_shown); i++)
        if (form_get(form, form_shown[i], &value)) put_field(writer, form_shown[i], value, true);
    for (size_t i = 0; i < ARRAY_COUNT(form_hidden); i++)
        if (form_get(form, form_hidden[i], &value)) put_field(writer, form_hidden[i], value, false);
}

struct str audit_form(struct str text, struct arena *arena) {
    char memory[AUDIT_BODY_BYTES_MAX];
    struct json_writer writer;
    struct buffer out;
    struct form form;
    if (text.len == 0 || form_parse(text, arena, &form)) return (struct str){ 0 };
    buffer_init(&out, memory, sizeof memory);
    json_begin(&writer, &out);
    json_object_begin(&writer);
    put_fields(&writer, &form);
    json_object_end(&writer);
    return out.overflow ? (struct str){ 0 } : arena_dup(arena, buffer_str(&out));
}
