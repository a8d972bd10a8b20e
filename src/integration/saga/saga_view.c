#include "integration/saga/saga_int.h"

/* The document at some point of a state, as a list of its leaves and where each comes from. Views live on the stack of
 * the compiler; what remains of them are moves between slots. */

static int template_add(const struct compiler *compiler, const char *field, const struct template_entry *entry,
                        struct template *template) {
    struct str rest;
    char show[SHOWN_BYTES];
    for (size_t i = 0; i < template->count; i++)
        if (path_is_under(entry->name, template->at[i].name, &rest) ||
            path_is_under(template->at[i].name, entry->name, &rest))
            return compile_refuse(compiler, field, "names \"%s\" twice", shown(entry->name, show)); /* A20 */
    if (template->count == SAGA_ENTRIES_MAX)
        return compile_refuse(compiler, field, "has more than %d values", SAGA_ENTRIES_MAX);
    template->at[template->count++] = *entry;
    return 0;
}

static int constant(const struct compiler *compiler, const char *field, const struct json *json,
                    const struct saga_value **ret_value) {
    struct saga_value value = saga_null();
    switch (json_type(json)) {
    case JSON_NULL_TYPE: break;
    case JSON_BOOL_TYPE: value = saga_bool(json_bool(json, false)); break;
    case JSON_INTEGER_TYPE: value = saga_i64(json_integer(json, 0)); break;
    case JSON_STRING_TYPE: value = saga_string(json_string(json)); break;
    case JSON_REAL_TYPE:
        return compile_refuse(compiler, field, "holds a number with a fraction, which is not supported yet");
    case JSON_ARRAY_TYPE:
    case JSON_OBJECT_TYPE: return compile_refuse(compiler, field, "holds an array, which is not supported yet");
    }
    if (!saga_value_valid(&value))
        return compile_refuse(compiler, field, "holds a text of more than %d bytes", SAGA_STRING_BYTES_MAX);
    struct saga_value *kept = arena_new(&compiler->def->body, struct saga_value);
    if (!kept) return err_origin(-ENOMEM);
    *kept = value;
    if (value.type == SAGA_STRING) kept->text = arena_dup(&compiler->def->body, value.text);
    if (value.type == SAGA_STRING && !kept->text.at) return err_origin(-ENOMEM);
    *ret_value = kept;
    return 0;
}

struct flatten {
    const char *field;
    bool paths;
    struct template *template;
};

static int flatten(const struct compiler *compiler, const struct flatten *how, struct str name,
                   const struct json *json);

/* One member of an object: "x.$" is a path with the name x (A19, A21), any other its own value. */
static int flatten_member(const struct compiler *compiler, const struct flatten *how, struct str above,
                          struct str member, const struct json *json) {
    struct template_entry entry = { .is_path = how->paths && str_ends(member, STR(".$")) };
    struct str segment = str_slice(member, 0, member.len - (entry.is_path ? 2 : 0));
    int r = path_escape(compiler, segment, &entry.name);
    if (r == 0) r = path_join(compiler, above, entry.name, &entry.name);
    if (r) return r;
    if (!entry.is_path) return flatten(compiler, how, entry.name, json);
    if (!json_is_string(json)) return compile_refuse(compiler, how->field, "has a member with .$ that is not a text");
    r = compile_path(compiler, how->field, json_string(json), &entry.path);
    return r ? r : template_add(compiler, how->field, &entry, how->template);
}

/* Recursion ends at the nesting that json_parse allows. */
static int flatten(const struct compiler *compiler, const struct flatten *how, struct str name,
                   const struct json *json) {
    if (json_type(json) != JSON_OBJECT_TYPE) {
        struct template_entry entry = { .name = name };
        int r = constant(compiler, how->field, json, &entry.constant);
        return r ? r : template_add(compiler, how->field, &entry, how->template);
    }
    void *iterator = NULL;
    struct str member;
    const struct json *value;
    while (json_next(json, &iterator, &member, &value)) {
        int r = flatten_member(compiler, how, name, member, value);
        if (r) return r;
    }
    return 0;
}

int compile_template(const struct compiler *compiler, const char *field, const struct json *json, bool paths,
                     struct template *ret_template) {
    struct flatten how = { .field = field, .paths = paths, .template = ret_template };
    ret_template->count = 0;
    if (paths && json_type(json) == JSON_ARRAY_TYPE)
        return compile_refuse(compiler, field, "holds an array, which is not supported yet");
    if (paths && json_type(json) != JSON_OBJECT_TYPE) return compile_refuse(compiler, field, "must be an object");
    return flatten(compiler, &how, STR(""), json);
}

void view_slots(const struct saga_def *def, struct view *ret_view) {
    static_assert((int)SAGA_SLOTS_MAX <= (int)VIEW_ENTRIES_MAX, "all slots fit into a view");
    ret_view->count = def->slot_count;
    for (size_t i = 0; i < def->slot_count; i++)
        ret_view->at[i] = (struct view_entry){ .name = def->slot_names[i],
                                               .from = { .kind = SAGA_SOURCE_SLOT, .index = (uint8_t)i } };
}

static int view_add(const struct compiler *compiler, struct view *view, struct str name, struct saga_source from) {
    if (view->count == VIEW_ENTRIES_MAX)
        return compile_refuse(compiler, NULL, "handles more than %d values at once", VIEW_ENTRIES_MAX);
    view->at[view->count++] = (struct view_entry){ .name = name, .from = from };
    return 0;
}

int view_select(const struct compiler *compiler, const struct view *view, struct str path, struct view *ret_view) {
    struct str rest;
    ret_view->count = 0;
    for (size_t i = 0; path.at && i < view->count; i++) {
        int r = path_is_under(view->at[i].name, path, &rest) ? view_add(compiler, ret_view, rest, view->at[i].from) : 0;
        if (r) return r;
    }
    return 0;
}

/* What is under entry->path of view, placed under entry->name. */
static int fill_path(const struct compiler *compiler, const struct view *view, const struct template_entry *entry,
                     struct view *ret_view) {
    struct str rest, name;
    for (size_t i = 0; i < view->count; i++) {
        if (!path_is_under(view->at[i].name, entry->path, &rest)) continue;
        int r = path_join(compiler, entry->name, rest, &name);
        if (r == 0) r = view_add(compiler, ret_view, name, view->at[i].from);
        if (r) return r;
    }
    return 0;
}

int view_fill(const struct compiler *compiler, const struct view *view, const struct template *template,
              struct view *ret_view) {
    ret_view->count = 0;
    for (size_t i = 0; i < template->count; i++) {
        const struct template_entry *entry = &template->at[i];
        struct saga_source from = { .kind = SAGA_SOURCE_CONSTANT, .constant = entry->constant };
        int r = entry->is_path ? fill_path(compiler, view, entry, ret_view)
                               : view_add(compiler, ret_view, entry->name, from);
        if (r) return r;
    }
    return 0;
}

int compile_write(const struct compiler *compiler, const char *field, const struct view *view, struct str target,
                  struct saga_write *ret_write) {
    struct saga_move *moves = compile_array(compiler, struct saga_move, view->count);
    struct saga_write write = { .moves = moves, .move_count = (uint16_t)view->count };
    if (!moves) return err_origin(-ENOMEM);
    for (size_t i = 0; i < view->count; i++) {
        struct str name;
        int r = path_join(compiler, target, view->at[i].name, &name);
        if (r == 0) r = compile_slot(compiler, field, name, &moves[i].to);
        if (r) return r;
        moves[i].from = view->at[i].from;
    }
    write.clear = slots_under(compiler->def, target);
    write.blockers = slots_above(compiler->def, target);
    *ret_write = write;
    return 0;
}
