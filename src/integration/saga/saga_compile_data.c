#include "integration/saga/saga_int.h"

/* The data flow of a state (A12): InputPath -> Parameters -> work -> ResultSelector -> ResultPath onto the raw input ->
 * OutputPath, all of it turned into moves between slots. */

int compile_document_path(const struct compiler *compiler, const struct json *state, const char *field,
                          struct str *ret_name) {
    const struct json *path = json_get(state, field);
    if (path && json_type(path) == JSON_NULL_TYPE) { /* A14: null is not absent */
        *ret_name = (struct str){ .at = NULL };
        return 0;
    }
    *ret_name = STR("");
    if (!path) return 0;
    if (!json_is_string(path)) return compile_refuse(compiler, field, "must be a path or null");
    return compile_path(compiler, field, json_string(path), ret_name);
}

/* One mask: something has to be there under name. Nothing is asked of the document itself, nor of a place that null
 * empties. */
static int need(const struct compiler *compiler, const char *field, struct str name, struct saga_needs *ret_needs) {
    uint8_t slot;
    if (!name.at || name.len == 0) return 0;
    if (slots_under(compiler->def, name) == 0) {
        int r = compile_slot(compiler, field, name, &slot);
        if (r) return r;
    }
    uint64_t *mask = compile_array(compiler, uint64_t, 1);
    if (!mask) return err_origin(-ENOMEM);
    *mask = slots_under(compiler->def, name);
    *ret_needs = (struct saga_needs){ .masks = mask, .count = 1 };
    return 0;
}

/* A22: every path of Parameters has to be there. */
static int need_parameters(const struct compiler *compiler, struct str input, const struct template *template,
                           struct saga_needs *ret_needs) {
    uint64_t *masks = compile_array(compiler, uint64_t, SAGA_ENTRIES_MAX);
    uint16_t count = 0;
    if (!masks) return err_origin(-ENOMEM);
    for (size_t i = 0; i < template->count; i++) {
        const struct template_entry *entry = &template->at[i];
        struct saga_needs one = { 0 };
        struct str name = entry->path;
        if (!entry->is_path || entry->path.len == 0) continue;
        int r = input.at ? path_join(compiler, input, entry->path, &name) : 0;
        if (r == 0 && input.at) r = need(compiler, "Parameters", name, &one);
        if (r) return r;
        masks[count++] = one.count ? one.masks[0] : 0; /* InputPath null: never there */
    }
    *ret_needs = (struct saga_needs){ .masks = masks, .count = count };
    return 0;
}

/* Where the task's input `name` comes from: straight from the effective input, or through the member of Parameters that
 * is it or holds it. */
static int bind_input(const struct compiler *compiler, struct str input, const struct template *parameters,
                      struct str name, struct saga_source *ret_source) {
    struct str path = name, rest;
    uint8_t slot;
    for (size_t i = 0; parameters && i < parameters->count; i++) {
        const struct template_entry *entry = &parameters->at[i];
        if (!path_is_under(name, entry->name, &rest)) continue;
        if (!entry->is_path) {
            if (rest.len == 0)
                *ret_source = (struct saga_source){ .kind = SAGA_SOURCE_CONSTANT, .constant = entry->constant };
            return 0;
        }
        int r = path_join(compiler, entry->path, rest, &path);
        if (r) return r;
        parameters = NULL;
    }
    if (parameters || !input.at) return 0; /* not given */
    int r = path_join(compiler, input, path, &path);
    if (r == 0) r = compile_slot(compiler, "InputPath", path, &slot);
    if (r == 0) *ret_source = (struct saga_source){ .kind = SAGA_SOURCE_SLOT, .index = slot };
    return r;
}

static int bind_inputs(const struct compiler *compiler, struct str input, const struct template *parameters,
                       struct saga_node *node) {
    const char *const *names = node->task->inputs;
    for (size_t i = 0; names && names[i]; i++) {
        int r = bind_input(compiler, input, parameters, str_from_c(names[i]), &node->inputs[i]);
        if (r) return r;
    }
    return 0;
}

/* What a Task gives: its results by name, rearranged by ResultSelector. */
static int task_result(const struct compiler *compiler, const struct json *json, struct saga_node *node,
                       struct view *ret_view) {
    const struct json *selector = json_get(json, "ResultSelector");
    const char *const *names = node->task->results;
    struct view given = { .count = saga_names_count(names) };
    struct template template;
    struct str rest;
    for (size_t i = 0; i < given.count; i++)
        given.at[i] = (struct view_entry){ .name = str_from_c(names[i]),
                                           .from = { .kind = SAGA_SOURCE_RESULT, .index = (uint8_t)i } };
    if (!selector) {
        *ret_view = given;
        return 0;
    }
    int r = compile_template(compiler, "ResultSelector", selector, true, &template);
    for (size_t i = 0; r == 0 && i < template.count; i++) {
        uint32_t mask = 0;
        if (!template.at[i].is_path || template.at[i].path.len == 0) continue;
        for (size_t k = 0; k < given.count; k++)
            if (path_is_under(given.at[k].name, template.at[i].path, &rest)) mask |= UINT32_C(1) << k;
        if (!mask)
            return compile_refuse(compiler, "ResultSelector", "reads what the task %s never gives", node->task->name);
        node->selector_needs[node->selector_need_count++] = mask;
    }
    return r ? r : view_fill(compiler, &given, &template, ret_view);
}

/* What a Pass gives: Result, or else its input after Parameters (A24). */
static int pass_result(const struct compiler *compiler, const struct json *json, struct str input,
                       const struct template *parameters, struct view *ret_view) {
    const struct json *result = json_get(json, "Result");
    struct template template;
    struct view raw, view;
    if (result) {
        int r = compile_template(compiler, "Result", result, false, &template);
        raw.count = 0;
        return r ? r : view_fill(compiler, &raw, &template, ret_view);
    }
    view_slots(compiler->def, &raw);
    int r = view_select(compiler, &raw, input, &view);
    if (r) return r;
    if (parameters) return view_fill(compiler, &view, parameters, ret_view);
    *ret_view = view;
    return 0;
}

/* OutputPath replaces the document by a part of it. */
static int compile_output(const struct compiler *compiler, struct str path, struct saga_node *node) {
    struct view raw, view;
    if (path.at && path.len == 0) return 0;
    view_slots(compiler->def, &raw);
    int r = need(compiler, "OutputPath", path, &node->output_needs);
    if (r == 0) r = view_select(compiler, &raw, path, &view);
    if (r == 0) r = compile_write(compiler, "OutputPath", &view, STR(""), &node->output);
    node->outputs = r == 0;
    return r;
}

/* A Pass that puts its input back to where it took it from. */
static bool changes_nothing(const struct json *json, const struct saga_node *node, struct str input,
                            struct str target) {
    if (node->task || json_get(json, "Result") || json_get(json, "Parameters")) return false;
    return input.at && str_equal(input, target);
}

/* Task and Pass: the result onto the raw input. */
static int compile_result(const struct compiler *compiler, const struct json *json, struct str input,
                          const struct view *result, struct saga_node *node) {
    struct str target;
    int r = compile_document_path(compiler, json, "ResultPath", &target);
    if (r || !target.at) return r; /* A14: null discards the result */
    if (changes_nothing(json, node, input, target)) return 0;
    r = compile_write(compiler, "ResultPath", result, target, &node->write);
    node->writes = r == 0;
    return r;
}

/* What has to be there is asked last: a place under which values are known by then needs no slot of its own. */
static int compile_work(const struct compiler *compiler, const struct json *json, struct str input,
                        struct saga_node *node) {
    const struct json *parameters = json_get(json, "Parameters");
    struct template template;
    struct view result;
    int r = parameters ? compile_template(compiler, "Parameters", parameters, true, &template) : 0;
    if (r) return r;
    if (node->task) {
        r = bind_inputs(compiler, input, parameters ? &template : NULL, node);
        if (r == 0) r = task_result(compiler, json, node, &result);
    } else {
        r = pass_result(compiler, json, input, parameters ? &template : NULL, &result);
    }
    if (r == 0) r = compile_result(compiler, json, input, &result, node);
    if (r == 0 && parameters) r = need_parameters(compiler, input, &template, &node->parameter_needs);
    return r ? r : need(compiler, "InputPath", input, &node->input_needs);
}

int compile_data(const struct compiler *compiler, const struct json *json, struct saga_node *node) {
    struct str input, output;
    int r = compile_document_path(compiler, json, "InputPath", &input);
    if (r == 0) r = compile_document_path(compiler, json, "OutputPath", &output);
    if (r) return r;
    if (node->type == SAGA_TASK || node->type == SAGA_PASS) {
        r = compile_work(compiler, json, input, node);
        return r ? r : compile_output(compiler, output, node);
    }
    if (!input.at || !output.at) /* no ResultPath: what leaves is the effective input */
        output = (struct str){ .at = NULL };
    else r = path_join(compiler, input, output, &output);
    return r ? r : compile_output(compiler, output, node);
}
