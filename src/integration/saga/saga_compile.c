#include "integration/saga/saga_int.h"

#include <stdarg.h>

/* The compiler: Amazon States Language text -> struct saga_def.
 *
 * (P1) States are compiled in passes. Each pass finds slots that earlier states may read as a whole (InputPath "$"), so
 *      it is repeated until no slot is new; the body of the pass before is dropped. At most SAGA_SLOTS_MAX + 1 passes.
 * (P2) Nothing of the JSON tree stays in the definition. */

enum { ARENA_BLOCK_BYTES = 4096, ARENA_BYTES_MAX = 4 * 1024 * 1024, HASH_VERSION = 1 };

const char *shown(struct str text, char memory[SHOWN_BYTES]) {
    struct str cut = text_cut(text, SHOWN_BYTES - 1);
    for (size_t i = 0; i < cut.len; i++)
        memory[i] = (unsigned char)cut.at[i] < 0x20 || cut.at[i] == 0x7f ? '?' : cut.at[i];
    memory[cut.len] = 0;
    return memory;
}

int compile_refuse(const struct compiler *compiler, const char *field, const char *format, ...) {
    char text[320], show[SHOWN_BYTES];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); /* cut is fine */
    va_end(args);
    if (compiler->state.len && field)
        message_set(compiler->message, "state %s: %s: %s", shown(compiler->state, show), field, text);
    else if (compiler->state.len) message_set(compiler->message, "state %s: %s", shown(compiler->state, show), text);
    else if (field) message_set(compiler->message, "%s: %s", field, text);
    else message_set(compiler->message, "%s", text);
    return SAGA_E_DEFINITION;
}

int compile_members(const struct compiler *compiler, const char *place, const struct json *object,
                    const char *const *names) {
    void *iterator = NULL;
    struct str member;
    const struct json *value;
    char show[SHOWN_BYTES];
    if (json_type(object) != JSON_OBJECT_TYPE) return compile_refuse(compiler, place, "must be an object");
    while (json_next(object, &iterator, &member, &value)) {
        size_t i = 0;
        while (names[i] && !str_equal_c(member, names[i])) i++;
        if (names[i]) continue;
        if (str_equal_c(member, "Assign")) return compile_refuse(compiler, place, "Assign is not supported yet");
        return compile_refuse(compiler, place, "unknown field \"%s\"", shown(member, show)); /* A74 */
    }
    return 0;
}

int compile_integer(const struct compiler *compiler, const char *field, const struct json *json, int64_t bounds[2],
                    int64_t *ret_value) {
    if (!json) return 0;
    int64_t value = json_integer(json, bounds[0]);
    if (json_type(json) != JSON_INTEGER_TYPE || value < bounds[0] || value > bounds[1])
        return compile_refuse(compiler, field, "must be a whole number from %lld to %lld", (long long)bounds[0],
                              (long long)bounds[1]);
    *ret_value = value;
    return 0;
}

int compile_next(const struct compiler *compiler, const char *field, const struct json *name, uint16_t *ret_index) {
    char show[SHOWN_BYTES];
    if (!json_is_string(name)) return compile_refuse(compiler, field, "must be the name of a state");
    for (uint16_t i = 0; i < compiler->def->node_count; i++) {
        if (!str_equal(json_string(name), compiler->def->nodes[i].name)) continue;
        *ret_index = i;
        return 0;
    }
    return compile_refuse(compiler, field, "there is no state \"%s\"", shown(json_string(name), show)); /* A5 */
}

/* ---- which field belongs to which type (A4, A11) */
enum {
    ON_TASK = 1 << SAGA_TASK,
    ON_CHOICE = 1 << SAGA_CHOICE,
    ON_PASS = 1 << SAGA_PASS,
    ON_WAIT = 1 << SAGA_WAIT,
    ON_SUCCEED = 1 << SAGA_SUCCEED,
    ON_FAIL = 1 << SAGA_FAIL,
    ON_ALL = (1 << SAGA_STATE_TYPE_COUNT) - 1
};
static const struct {
    const char *name;
    unsigned types;
    bool later; /* part of the language, not supported yet */
} fields[] = {
    { "Type", ON_ALL, false },
    { "Comment", ON_ALL, false },
    { "QueryLanguage", ON_ALL, false },
    { "InputPath", ON_ALL & ~ON_FAIL, false },
    { "OutputPath", ON_ALL & ~ON_FAIL, false },
    { "Next", ON_TASK | ON_PASS | ON_WAIT, false },
    { "End", ON_TASK | ON_PASS | ON_WAIT, false },
    { "ResultPath", ON_TASK | ON_PASS, false },
    { "Parameters", ON_TASK | ON_PASS, false },
    { "Result", ON_PASS, false },
    { "ResultSelector", ON_TASK, false },
    { "Retry", ON_TASK, false },
    { "Catch", ON_TASK, false },
    { "Resource", ON_TASK, false },
    { "TimeoutSeconds", ON_TASK, false },
    { "TimeoutSecondsPath", ON_TASK, true },
    { "HeartbeatSeconds", ON_TASK, true },
    { "HeartbeatSecondsPath", ON_TASK, true },
    { "Credentials", ON_TASK, true },
    { "Choices", ON_CHOICE, false },
    { "Default", ON_CHOICE, false },
    { "Seconds", ON_WAIT, false },
    { "SecondsPath", ON_WAIT, false },
    { "Timestamp", ON_WAIT, false },
    { "TimestampPath", ON_WAIT, false },
    { "Error", ON_FAIL, false },
    { "ErrorPath", ON_FAIL, false },
    { "Cause", ON_FAIL, false },
    { "CausePath", ON_FAIL, false },
    { "Assign", ON_ALL & ~(ON_SUCCEED | ON_FAIL), true },
    { "Arguments", ON_TASK, true },
    { "Output", ON_ALL & ~ON_FAIL, true },
};

static int check_field(const struct compiler *compiler, enum saga_state_type type, struct str name) {
    char show[SHOWN_BYTES];
    for (size_t i = 0; i < ARRAY_COUNT(fields); i++) {
        if (!str_equal_c(name, fields[i].name)) continue;
        if (!(fields[i].types & (1U << type)))
            return compile_refuse(compiler, fields[i].name, "does not belong into a state of this type");
        if (fields[i].later) return compile_refuse(compiler, fields[i].name, "not supported yet");
        return 0;
    }
    return compile_refuse(compiler, NULL, "unknown field \"%s\"", shown(name, show)); /* A74 */
}

static int check_language(const struct compiler *compiler, const struct json *object) {
    const struct json *language = json_get(object, "QueryLanguage");
    if (!language || str_equal_c(json_string(language), "JSONPath")) return 0;
    if (str_equal_c(json_string(language), "JSONata"))
        return compile_refuse(compiler, "QueryLanguage", "JSONata is not supported yet");
    return compile_refuse(compiler, "QueryLanguage", "must be JSONPath");
}

static int read_type(const struct compiler *compiler, const struct json *json, enum saga_state_type *ret_type) {
    static const char *const names[SAGA_STATE_TYPE_COUNT] = {
        [SAGA_TASK] = "Task", [SAGA_CHOICE] = "Choice",   [SAGA_PASS] = "Pass",
        [SAGA_WAIT] = "Wait", [SAGA_SUCCEED] = "Succeed", [SAGA_FAIL] = "Fail",
    };
    struct str type = json_get_string(json, "Type");
    for (int i = 0; i < SAGA_STATE_TYPE_COUNT; i++) {
        if (!str_equal_c(type, names[i])) continue;
        *ret_type = (enum saga_state_type)i;
        return 0;
    }
    if (str_equal_c(type, "Parallel")) return compile_refuse(compiler, "Type", "Parallel is not supported yet");
    if (str_equal_c(type, "Map")) return compile_refuse(compiler, "Type", "Map is not supported yet");
    return compile_refuse(compiler, "Type", "must be Task, Choice, Pass, Wait, Succeed or Fail"); /* A3 */
}

/* A4: exactly one of Next and End:true. */
static int compile_transition(const struct compiler *compiler, const struct json *json, struct saga_node *node) {
    const struct json *next = json_get(json, "Next"), *end = json_get(json, "End");
    if (next && end) return compile_refuse(compiler, "Next", "must not stand beside End");
    if (next) return compile_next(compiler, "Next", next, &node->next);
    if (!end) return compile_refuse(compiler, "Next", "is missing, and so is End");
    if (!json_bool(end, false)) return compile_refuse(compiler, "End", "must be true");
    node->next = SAGA_NEXT_END;
    return 0;
}

/* ---- Wait (A51 to A54) */
static int compile_wait(const struct compiler *compiler, const struct json *json, struct saga_node *node) {
    static const char *const names[] = { "Seconds", "Timestamp", "SecondsPath", "TimestampPath" };
    const char *field = NULL;
    struct str input;
    for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
        if (!json_get(json, names[i])) continue;
        if (field) return compile_refuse(compiler, names[i], "must not stand beside %s", field);
        field = names[i];
    }
    if (!field)
        return compile_refuse(compiler, "Seconds", "one of Seconds, Timestamp, SecondsPath, TimestampPath is needed");
    const struct json *value = json_get(json, field);
    node->wait_is_timestamp = field[0] == 'T';
    node->wait_by_path = str_ends(str_from_c(field), STR("Path"));
    if (node->wait_by_path) {
        int r = compile_document_path(compiler, json, "InputPath", &input);
        return r ? r : compile_read(compiler, field, input, value, &node->wait_path);
    }
    if (!node->wait_is_timestamp)
        return compile_integer(compiler, field, value, (int64_t[]){ 0, SAGA_SECONDS_MAX }, &node->wait_number);
    if (!json_is_string(value) || timestamp_parse(json_string(value), &node->wait_number))
        return compile_refuse(compiler, field, "must be a time of RFC 3339 such as 2026-11-22T03:45:00Z, from 1970 on");
    return 0;
}

/* ---- Fail (A71) */
struct fail_text {
    const char *field, *path_field;
    size_t bytes_max;
};

static int compile_fail_text(const struct compiler *compiler, const struct json *json, const struct fail_text *how,
                             struct str *ret_text, struct saga_path *ret_path) {
    const struct json *text = json_get(json, how->field), *path = json_get(json, how->path_field);
    if (text && path) return compile_refuse(compiler, how->field, "must not stand beside %s", how->path_field);
    if (path) return compile_read(compiler, how->path_field, STR(""), path, ret_path);
    if (!text) return 0;
    if (!json_is_string(text) || json_string(text).len > how->bytes_max)
        return compile_refuse(compiler, how->field, "must be a text of at most %zu bytes", how->bytes_max);
    *ret_text = arena_dup(&compiler->def->body, json_string(text));
    return ret_text->at ? 0 : err_origin(-ENOMEM);
}

static int compile_fail(const struct compiler *compiler, const struct json *json, struct saga_node *node) {
    static const struct fail_text error = { "Error", "ErrorPath", SAGA_ERROR_BYTES_MAX };
    static const struct fail_text cause = { "Cause", "CausePath", SAGA_CAUSE_BYTES_MAX };
    node->error = node->cause = STR("");
    int r = compile_fail_text(compiler, json, &error, &node->error, &node->error_path);
    if (r == 0) r = compile_fail_text(compiler, json, &cause, &node->cause, &node->cause_path);
    if (r) return r;
    if (str_starts(node->error, STR("States."))) /* A63 */
        return compile_refuse(compiler, "Error", "must not begin with States., which is reserved");
    node->error_by_path = json_get(json, "ErrorPath") != NULL;
    node->cause_by_path = json_get(json, "CausePath") != NULL;
    return 0;
}

/* ---- states */
static int compile_fields(const struct compiler *compiler, const struct json *json, enum saga_state_type type) {
    void *iterator = NULL;
    struct str member;
    const struct json *value;
    while (json_next(json, &iterator, &member, &value)) {
        int r = check_field(compiler, type, member);
        if (r) return r;
    }
    const struct json *comment = json_get(json, "Comment");
    return comment && !json_is_string(comment) ? compile_refuse(compiler, "Comment", "must be a text") : 0;
}

static int compile_state(const struct compiler *compiler, const struct json *json, struct saga_node *node) {
    if (json_type(json) != JSON_OBJECT_TYPE) return compile_refuse(compiler, NULL, "must be an object");
    int r = check_language(compiler, json);
    if (r == 0) r = read_type(compiler, json, &node->type);
    if (r == 0) r = compile_fields(compiler, json, node->type);
    if (r) return r;
    switch (node->type) {
    case SAGA_TASK: r = compile_task(compiler, json, node); break;
    case SAGA_CHOICE: r = compile_choice(compiler, json, node); break;
    case SAGA_WAIT: r = compile_wait(compiler, json, node); break;
    case SAGA_FAIL: return compile_fail(compiler, json, node);
    case SAGA_PASS:
    case SAGA_SUCCEED:
    case SAGA_STATE_TYPE_COUNT: break;
    }
    if (r == 0 && node->type != SAGA_CHOICE && node->type != SAGA_SUCCEED) r = compile_transition(compiler, json, node);
    return r ? r : compile_data(compiler, json, node);
}

static size_t count_chars(struct str text) {
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) count += ((unsigned char)text.at[i] & 0xc0) != 0x80;
    return count;
}

static int check_name(const struct compiler *compiler, struct str name) {
    char show[SHOWN_BYTES];
    if (name.len == 0 || count_chars(name) > SAGA_NAME_CHARS_MAX) /* A2 */
        return compile_refuse(compiler, "States", "the name \"%s\" must have 1 to %d characters", shown(name, show),
                              SAGA_NAME_CHARS_MAX);
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.at[i] < 0x20)
            return compile_refuse(compiler, "States", "the name \"%s\" holds a control character", shown(name, show));
    return 0;
}

/* Names first, so that Next can be resolved in any direction. */
static int collect_names(struct compiler *compiler, const struct json *states) {
    struct saga_def *def = compiler->def;
    void *iterator = NULL;
    struct str name;
    const struct json *value;
    size_t count = json_count(states);
    if (json_type(states) != JSON_OBJECT_TYPE || count == 0) /* A1 */
        return compile_refuse(compiler, "States", "must be an object with one state at least");
    if (count > SAGA_STATES_MAX) return compile_refuse(compiler, "States", "has more than %d states", SAGA_STATES_MAX);
    def->nodes = arena_new_array(&def->names, struct saga_node, count);
    if (!def->nodes) return err_origin(-ENOMEM);
    while (json_next(states, &iterator, &name, &value)) {
        int r = check_name(compiler, name);
        if (r) return r;
        struct saga_node *node = &def->nodes[def->node_count++];
        node->name = arena_dup(&def->names, name);
        if (!node->name.at) return err_origin(-ENOMEM);
    }
    return 0;
}

static int compile_pass(struct compiler *compiler, const struct json *states) {
    arena_reset(&compiler->def->body);
    for (uint16_t i = 0; i < compiler->def->node_count; i++) {
        struct saga_node *node = &compiler->def->nodes[i];
        *node = (struct saga_node){ .name = node->name };
        compiler->state = node->name;
        int r = compile_state(compiler, json_get_str(states, node->name), node);
        if (r) return r;
    }
    compiler->state = STR("");
    return 0;
}

static int compile_states(struct compiler *compiler, const struct json *states) {
    size_t before;
    do { /* P1 */
        before = compiler->def->slot_count;
        int r = compile_pass(compiler, states);
        if (r) return r;
    } while (compiler->def->slot_count != before);
    return 0;
}

static int compile_top(struct compiler *compiler, const struct json *root) {
    static const char *const members[] = { "Comment",        "StartAt",       "States", "Version",
                                           "TimeoutSeconds", "QueryLanguage", NULL };
    struct saga_def *def = compiler->def;
    const struct json *version = json_get(root, "Version"), *comment = json_get(root, "Comment");
    int64_t timeout_s = 0;
    int r = compile_members(compiler, NULL, root, members);
    if (r == 0) r = check_language(compiler, root);
    if (r) return r;
    if (version && !str_equal_c(json_string(version), "1.0"))
        return compile_refuse(compiler, "Version", "must be \"1.0\""); /* A9 */
    if (comment && !json_is_string(comment)) return compile_refuse(compiler, "Comment", "must be a text");
    r = compile_integer(compiler, "TimeoutSeconds", json_get(root, "TimeoutSeconds"),
                        (int64_t[]){ 1, SAGA_SECONDS_MAX - 1 }, &timeout_s); /* A8 */
    if (r == 0) r = collect_names(compiler, json_get(root, "States"));
    if (r == 0) r = compile_next(compiler, "StartAt", json_get(root, "StartAt"), &def->start);
    if (r == 0) r = compile_states(compiler, json_get(root, "States"));
    if (r) return r;
    def->timeout_ms = timeout_s * 1000;
    def->comment = arena_dup(&def->names, json_string(comment));
    return def->comment.at ? 0 : err_origin(-ENOMEM);
}

/* The text without blanks, the slots, and the tasks: whatever gives a stored state its meaning. */
static int hash_definition(struct saga_def *def, const struct json *root) {
    struct buffer text;
    buffer_init_heap(&text, 8 * SAGA_DEF_BYTES_MAX); /* escapes make text longer, at most sixfold */
    buffer_append_be(&text, HASH_VERSION, 1);
    json_write(&text, root);
    for (size_t i = 0; i < def->slot_count; i++) {
        buffer_append_be(&text, def->slot_names[i].len, 2);
        buffer_append_str(&text, def->slot_names[i]);
    }
    for (uint16_t i = 0; i < def->node_count; i++) {
        const char *name = def->nodes[i].task ? def->nodes[i].task->name : "";
        buffer_append(&text, name, strlen(name) + 1);
    }
    int r = text.overflow ? err_origin(-ENOMEM) : 0;
    if (r == 0) def->hash = sha256_str(buffer_str(&text));
    buffer_release(&text);
    return r;
}

static struct saga_def *def_new(const struct saga_registry *registry) {
    struct saga_def *def = calloc(1, sizeof *def);
    if (!def) return NULL;
    def->registry = registry;
    if (arena_init(&def->names, ARENA_BLOCK_BYTES, ARENA_BYTES_MAX) ||
        arena_init(&def->body, ARENA_BLOCK_BYTES, ARENA_BYTES_MAX))
        return saga_def_free(def);
    return def;
}

int saga_def_compile(struct str text, const struct saga_registry *registry, struct saga_def **ret_def,
                     struct message *message) {
    struct compiler compiler = { .message = message };
    struct json *root;
    int r = saga_registry_check(registry, message);
    if (r) return r;
    r = json_parse(text, SAGA_DEF_BYTES_MAX, JSON_DEPTH_MAX, &root, message);
    if (r) return r < 0 ? err_trace(r) : SAGA_E_DEFINITION;
    compiler.def = def_new(registry);
    r = compiler.def ? compile_top(&compiler, root) : err_origin(-ENOMEM);
    if (r == 0) r = hash_definition(compiler.def, root);
    (void)json_free(root);
    if (r) {
        (void)saga_def_free(compiler.def);
        return r;
    }
    *ret_def = compiler.def;
    return 0;
}

struct saga_def *saga_def_free(struct saga_def *def) {
    if (!def) return NULL;
    arena_release(&def->body);
    arena_release(&def->names);
    free(def);
    return NULL;
}

const struct hash *saga_def_hash(const struct saga_def *def) {
    return &def->hash;
}

struct str saga_def_comment(const struct saga_def *def) {
    return def->comment;
}

size_t saga_def_state_count(const struct saga_def *def) {
    return def->node_count;
}

struct str saga_def_state_name(const struct saga_def *def, size_t state) {
    check(state < def->node_count);
    return def->nodes[state].name;
}

const struct saga_task *saga_def_state_task(const struct saga_def *def, size_t state) {
    check(state < def->node_count);
    return def->nodes[state].task;
}

size_t saga_def_slot_count(const struct saga_def *def) {
    return def->slot_count;
}

struct str saga_def_slot_name(const struct saga_def *def, size_t slot) {
    check(slot < def->slot_count);
    return def->slot_names[slot];
}
