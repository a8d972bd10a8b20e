#include "wire/openapi.h"

enum { BLOCK_BYTES = 16 * 1024, ARENA_BYTES_MAX = 16 * 1024 * 1024, PLACE_BYTES_MAX = 1024 };

struct openapi {
    struct arena arena;
    struct json *document;
    struct schema_set *set;
    struct openapi_operation operations[OPENAPI_OPERATIONS_MAX];
    size_t operation_count;
};

/* The place being read, as a JSON pointer; grows and shrinks with the walk. */
struct loader {
    struct openapi *doc;
    struct message *message;
    char memory[PLACE_BYTES_MAX];
    struct buffer place;
};

static int fault(struct loader *loader, const char *why) {
    message_set(loader->message, "at " STR_FMT ": %s", STR_ARG(buffer_str(&loader->place)), why);
    return OPENAPI_E_DOCUMENT;
}

/* Steps down to name; returns where to go back to. */
static size_t place_enter(struct loader *loader, struct str name) {
    size_t before = loader->place.len;
    buffer_append_char(&loader->place, '/');
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '~') buffer_append_c(&loader->place, "~0");
        else if (name.at[i] == '/') buffer_append_c(&loader->place, "~1");
        else buffer_append_char(&loader->place, name.at[i]);
    }
    return before;
}

static void place_leave(struct loader *loader, size_t before) {
    loader->place.len = before;
    loader->place.overflow = false;
}

/* Every member must be among words (ended by NULL) or begin with "x-". */
static int check_words(struct loader *loader, const struct json *object, const char *const *words) {
    void *iterator = NULL;
    struct str name;
    const struct json *value;
    if (json_type(object) != JSON_OBJECT_TYPE) return fault(loader, "this must be an object");
    while (json_next(object, &iterator, &name, &value)) {
        bool known = str_starts(name, STR("x-"));
        for (size_t i = 0; !known && words[i]; i++) known = str_equal_c(name, words[i]);
        if (known) continue;
        (void)place_enter(loader, name);
        return fault(loader, "this word is not known here");
    }
    return 0;
}

/* Follows "$ref" (once: a reference to a reference is a fault), and moves the place to where it leads. */
static int follow(struct loader *loader, const struct json *json, const struct json **ret_json) {
    const struct json *reference = json_get(json, "$ref");
    *ret_json = json;
    if (!reference) return 0;
    struct str text = json_string(reference);
    const struct json *target = json_is_string(reference) ? json_reference(loader->doc->document, text) : NULL;
    if (!target) return fault(loader, "the reference leads nowhere in this document");
    if (json_get(target, "$ref")) return fault(loader, "a reference to a reference is not supported");
    loader->place.len = 0;
    buffer_append_str(&loader->place, text);
    *ret_json = target;
    return 0;
}

static int load_media_type(struct loader *loader, const struct json *media_type, const struct schema **ret_schema) {
    static const char *const words[] = { "schema", "example", "examples", "encoding", NULL };
    int r = check_words(loader, media_type, words);
    if (r) return r;
    json_drop(media_type, "example"); /* for readers of the text: nothing here would ever look at it */
    json_drop(media_type, "examples");
    const struct json *schema = json_get(media_type, "schema");
    if (!schema) return 0;
    size_t before = place_enter(loader, STR("schema"));
    r = schema_compile_value(loader->doc->set, schema, buffer_str(&loader->place), ret_schema, loader->message);
    place_leave(loader, before);
    return r > 0 ? OPENAPI_E_DOCUMENT : err_trace(r);
}

static int load_contents(struct loader *loader, const struct json *content, struct openapi_contents *ret_contents) {
    void *iterator = NULL;
    struct str name;
    const struct json *value;
    struct openapi_content *items = NULL;
    size_t count = 0;
    if (!content) return 0;
    size_t outer = place_enter(loader, STR("content"));
    if (json_type(content) != JSON_OBJECT_TYPE || json_count(content) == 0 ||
        json_count(content) > OPENAPI_CONTENTS_MAX)
        return fault(loader, "this must be an object of 1 to 8 media types");
    items = arena_new_array(&loader->doc->arena, struct openapi_content, json_count(content));
    if (!items) return err_origin(-ENOMEM);
    while (json_next(content, &iterator, &name, &value)) {
        size_t before = place_enter(loader, name);
        items[count].media_type = name;
        int r = load_media_type(loader, value, &items[count++].schema);
        if (r) return r;
        place_leave(loader, before);
    }
    place_leave(loader, outer);
    *ret_contents = (struct openapi_contents){ items, count };
    return 0;
}
static_assert(OPENAPI_CONTENTS_MAX == 8, "the sentence above says so");

static int load_body(struct loader *loader, const struct json *value, struct openapi_operation *operation) {
    static const char *const words[] = { "description", "content", "required", NULL };
    const struct json *body;
    int r = follow(loader, value, &body);
    if (r == 0) r = check_words(loader, body, words);
    if (r) return r;
    if (!json_get(body, "content")) return fault(loader, "a request body needs \"content\"");
    operation->body_required = json_get_bool(body, "required", false);
    return load_contents(loader, json_get(body, "content"), &operation->body);
}

static int load_body_limit(struct loader *loader, const struct json *value, struct openapi_operation *operation) {
    const struct json *limit = json_get(value, "x-body-bytes-max");
    int64_t bytes = limit ? json_integer(limit, 0) : OPENAPI_BODY_BYTES_DEFAULT;
    if (bytes < 1 || bytes > JSON_BYTES_MAX)
        return fault(loader, "\"x-body-bytes-max\" must be a number from 1 to 4194304");
    operation->body_bytes_max = operation->body.count ? (size_t)bytes : 0;
    return 0;
}
static_assert(JSON_BYTES_MAX == 4194304, "the sentence above says so");

/* "200", or "default" as 0; -1 when neither. */
static int status_from(struct str text) {
    uint64_t status;
    if (str_equal_c(text, "default")) return OPENAPI_STATUS_DEFAULT;
    return str_to_u64(text, &status) == 0 && status >= 100 && status <= 599 ? (int)status : -1;
}

static int load_response(struct loader *loader, const struct json *value, struct openapi_response *response) {
    static const char *const words[] = { "description", "headers", "content", "links", NULL };
    const struct json *json;
    int r = follow(loader, value, &json);
    if (r == 0) r = check_words(loader, json, words);
    if (r) return r;
    if (!json_is_string(json_get(json, "description"))) return fault(loader, "a response needs a \"description\"");
    return load_contents(loader, json_get(json, "content"), &response->contents);
}

static int load_responses(struct loader *loader, const struct json *value, struct openapi_operation *operation) {
    void *iterator = NULL;
    struct str name;
    const struct json *inner;
    if (json_type(value) != JSON_OBJECT_TYPE || json_count(value) == 0 || json_count(value) > OPENAPI_RESPONSES_MAX)
        return fault(loader, "\"responses\" must be an object of 1 to 32 responses");
    struct openapi_response *responses =
        arena_new_array(&loader->doc->arena, struct openapi_response, json_count(value));
    if (!responses) return err_origin(-ENOMEM);
    operation->responses = responses;
    while (json_next(value, &iterator, &name, &inner)) {
        struct openapi_response *response = &responses[operation->response_count];
        char outer[PLACE_BYTES_MAX];
        size_t before = place_enter(loader, name);
        size_t len = loader->place.len;
        memcpy(outer, loader->memory, len); /* a reference moves the place away */
        response->status = status_from(name);
        if (response->status < 0) return fault(loader, "a status is a number from 100 to 599 or \"default\"");
        int r = load_response(loader, inner, response);
        if (r) return r;
        memcpy(loader->memory, outer, len);
        place_leave(loader, before);
        operation->response_count++;
    }
    return 0;
}
static_assert(OPENAPI_RESPONSES_MAX == 32, "the sentence above says so");

/* Calls load for the member name of object, at its own place, and comes back whatever the place became. */
static int load_member(struct loader *loader, const struct json *object, const char *name,
                       int (*load)(struct loader *, const struct json *, struct openapi_operation *),
                       struct openapi_operation *operation) {
    char outer[PLACE_BYTES_MAX];
    const struct json *value = json_get(object, name);
    if (!value) return 0;
    size_t before = loader->place.len;
    memcpy(outer, loader->memory, before);
    (void)place_enter(loader, str_from_c(name));
    int r = load(loader, value, operation);
    if (r) return r;
    memcpy(loader->memory, outer, before);
    place_leave(loader, before);
    return 0;
}

static int load_operation(struct loader *loader, const struct json *value, struct openapi_operation *operation) {
    static const char *const words[] = { "tags",        "summary",    "description", "externalDocs",
                                         "operationId", "parameters", "requestBody", "responses",
                                         "deprecated",  "security",   "servers",     NULL };
    int r = check_words(loader, value, words);
    if (r) return r;
    operation->id = json_get_string(value, "operationId");
    for (size_t i = 0; operation->id.len && i < loader->doc->operation_count; i++)
        if (str_equal(loader->doc->operations[i].id, operation->id))
            return fault(loader, "this \"operationId\" is taken");
    if (!json_get(value, "responses")) return fault(loader, "an operation needs \"responses\"");
    r = load_member(loader, value, "requestBody", load_body, operation);
    if (r == 0) r = load_body_limit(loader, value, operation);
    if (r == 0) r = load_member(loader, value, "responses", load_responses, operation);
    return r;
}

static const struct {
    const char *word;
    struct str method;
} methods[] = {
    { "get", STR_INIT("GET") },       { "put", STR_INIT("PUT") },         { "post", STR_INIT("POST") },
    { "delete", STR_INIT("DELETE") }, { "options", STR_INIT("OPTIONS") }, { "head", STR_INIT("HEAD") },
    { "patch", STR_INIT("PATCH") },   { "trace", STR_INIT("TRACE") },
};

static int load_path(struct loader *loader, struct str path, const struct json *item) {
    static const char *const words[] = { "summary", "description", "servers", "parameters", "get",   "put", "post",
                                         "delete",  "options",     "head",    "patch",      "trace", NULL };
    struct openapi *doc = loader->doc;
    if (!str_starts(path, STR("/"))) return fault(loader, "a path begins with \"/\"");
    int r = check_words(loader, item, words);
    for (size_t i = 0; r == 0 && i < ARRAY_COUNT(methods); i++) {
        if (!json_get(item, methods[i].word)) continue;
        if (doc->operation_count == OPENAPI_OPERATIONS_MAX)
            return fault(loader, "the document has more than 512 operations");
        struct openapi_operation *operation = &doc->operations[doc->operation_count];
        *operation = (struct openapi_operation){ .method = methods[i].method, .path = path };
        r = load_member(loader, item, methods[i].word, load_operation, operation);
        if (r == 0) doc->operation_count++;
    }
    return r;
}
static_assert(OPENAPI_OPERATIONS_MAX == 512, "the sentence above says so");

static int load_paths(struct loader *loader) {
    static const char *const words[] = { "openapi",  "info",       "jsonSchemaDialect", "servers", "paths",
                                         "webhooks", "components", "security",          "tags",    "externalDocs",
                                         NULL };
    const struct json *document = loader->doc->document, *paths = json_get(document, "paths"), *item;
    void *iterator = NULL;
    struct str path;
    int r = check_words(loader, document, words);
    if (r) return r;
    if (!str_starts(json_get_string(document, "openapi"), STR("3.1.")))
        return fault(loader, "\"openapi\" must be 3.1.x");
    if (json_type(paths) != JSON_OBJECT_TYPE) return fault(loader, "\"paths\" must be an object");
    (void)place_enter(loader, STR("paths"));
    while (r == 0 && json_next(paths, &iterator, &path, &item)) {
        size_t before = place_enter(loader, path);
        r = load_path(loader, path, item);
        if (r == 0) place_leave(loader, before);
    }
    return r;
}

/* The schemas under components that nothing refers to must be sound too. */
static int load_components(struct loader *loader) {
    const struct json *schemas = json_path(loader->doc->document, "components.schemas"), *value;
    void *iterator = NULL;
    struct str name;
    place_leave(loader, 0);
    buffer_append_c(&loader->place, "#/components/schemas");
    while (json_next(schemas, &iterator, &name, &value)) {
        const struct schema *schema;
        size_t before = place_enter(loader, name);
        int r = schema_compile_value(loader->doc->set, value, buffer_str(&loader->place), &schema, loader->message);
        if (r) return r > 0 ? OPENAPI_E_DOCUMENT : err_trace(r);
        place_leave(loader, before);
    }
    return 0;
}

static int load_document(struct openapi *doc, struct str text, struct message *message) {
    struct loader loader = { .doc = doc, .message = message };
    buffer_init(&loader.place, loader.memory, sizeof loader.memory);
    buffer_append_char(&loader.place, '#');
    int r = json_parse(text, JSON_BYTES_MAX, JSON_DEPTH_DOCUMENT_MAX, &doc->document, message);
    if (r) return r > 0 ? OPENAPI_E_DOCUMENT : err_trace(r);
    r = schema_set_new(doc->document, &doc->set);
    if (r) return err_trace(r);
    r = load_paths(&loader);
    return r ? r : load_components(&loader);
}

int openapi_load(struct str text, struct openapi **ret_doc, struct message *message) {
    struct openapi *doc = calloc(1, sizeof *doc);
    if (!doc) return err_origin(-ENOMEM);
    int r = arena_init(&doc->arena, BLOCK_BYTES, ARENA_BYTES_MAX);
    if (r == 0) r = load_document(doc, text, message);
    if (r) {
        (void)openapi_free(doc);
        return err_trace(r);
    }
    *ret_doc = doc;
    return 0;
}

struct openapi *openapi_free(struct openapi *doc) {
    if (!doc) return NULL;
    (void)schema_set_free(doc->set);
    (void)json_free(doc->document);
    arena_release(&doc->arena);
    free(doc);
    return NULL;
}

const struct openapi_operation *openapi_operation(const struct openapi *doc, struct str method,
                                                  struct str path_template) {
    for (size_t i = 0; i < doc->operation_count; i++)
        if (str_equal(doc->operations[i].method, method) && str_equal(doc->operations[i].path, path_template))
            return &doc->operations[i];
    return NULL;
}

bool openapi_operation_at(const struct openapi *doc, size_t index, const struct openapi_operation **ret_operation) {
    if (index >= doc->operation_count) return false;
    *ret_operation = &doc->operations[index];
    return true;
}

const struct openapi_response *openapi_response(const struct openapi_operation *operation, int status) {
    const struct openapi_response *fallback = NULL;
    for (size_t i = 0; i < operation->response_count; i++) {
        if (operation->responses[i].status == status) return &operation->responses[i];
        if (operation->responses[i].status == OPENAPI_STATUS_DEFAULT) fallback = &operation->responses[i];
    }
    return fallback;
}

static struct str without_parameters(struct str media_type) {
    struct str head;
    (void)str_cut(&media_type, ';', &head);
    return str_trim(head);
}

const struct openapi_content *openapi_content(struct openapi_contents contents, struct str media_type) {
    for (size_t i = 0; i < contents.count; i++)
        if (str_equal_nocase(without_parameters(contents.items[i].media_type), without_parameters(media_type)))
            return &contents.items[i];
    return NULL;
}
