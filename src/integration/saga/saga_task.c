#include "integration/saga/saga_task.h"

const char *saga_refusal_name(int refusal) {
#define X(code, name) [code] = name,
    static const char *const names[SAGA_E_COUNT] = { [SAGA_E_NONE] = "", SAGA_E_MAP(X) };
#undef X
    return refusal > 0 && refusal < SAGA_E_COUNT ? names[refusal] : "";
}

struct saga_value saga_null(void) {
    return (struct saga_value){ .type = SAGA_NULL };
}

struct saga_value saga_bool(bool value) {
    return (struct saga_value){ .type = SAGA_BOOL, .number = value };
}

struct saga_value saga_i64(int64_t value) {
    return (struct saga_value){ .type = SAGA_I64, .number = value };
}

struct saga_value saga_string(struct str value) {
    return (struct saga_value){ .type = SAGA_STRING, .text = value };
}

bool saga_value_valid(const struct saga_value *value) {
    switch (value->type) {
    case SAGA_ABSENT:
    case SAGA_NULL:
    case SAGA_I64: return true;
    case SAGA_BOOL: return value->number == 0 || value->number == 1;
    case SAGA_STRING: return value->text.len <= SAGA_STRING_BYTES_MAX && str_is_utf8(value->text);
    case SAGA_TYPE_COUNT: break;
    }
    return false;
}

size_t saga_names_count(const char *const *names) {
    size_t count = 0;
    while (names && names[count]) count++;
    return count;
}

const struct saga_task *saga_registry_find(const struct saga_registry *registry, struct str name) {
    for (size_t i = 0; i < registry->task_count; i++)
        if (str_equal_c(name, registry->tasks[i].name)) return &registry->tasks[i];
    return NULL;
}

const struct saga_task *saga_registry_resolve(const struct saga_registry *registry, struct str resource) {
    for (size_t i = 0; i < registry->arn_count; i++)
        if (str_equal(resource, registry->arns[i].arn))
            return saga_registry_find(registry, str_from_c(registry->arns[i].task));
    return saga_registry_find(registry, resource);
}

bool saga_registry_undoes(const struct saga_registry *registry, const struct saga_task *task) {
    for (size_t i = 0; i < registry->task_count; i++)
        if (registry->tasks[i].undone_by && strcmp(registry->tasks[i].undone_by, task->name) == 0) return true;
    return false;
}

const struct saga_task_error *saga_task_find_error(const struct saga_task *task, struct str name) {
    for (const struct saga_task_error *error = task->errors; error && error->name; error++)
        if (str_equal_c(name, error->name)) return error;
    return NULL;
}

static int refuse(struct message *message, const char *task, const char *what) {
    message_set(message, "task %s: %s", task, what);
    return SAGA_E_REGISTRY;
}

static int errors_check(const struct saga_task *task, struct message *message) {
    size_t count = 0;
    for (const struct saga_task_error *error = task->errors; error && error->name; error++) {
        struct str name = str_from_c(error->name);
        if (++count > SAGA_TASK_ERRORS_MAX) return refuse(message, task->name, "lists too many errors");
        if (name.len == 0 || name.len > SAGA_ERROR_BYTES_MAX || !str_is_utf8(name))
            return refuse(message, task->name, "has an error name that is empty, too long or not UTF-8");
        if (str_starts(name, STR("States."))) /* A63 */
            return refuse(message, task->name, "lists an error that begins with States., which is reserved");
    }
    return 0;
}

static int task_check(const struct saga_registry *registry, const struct saga_task *task, struct message *message) {
    if (saga_registry_find(registry, str_from_c(task->name)) != task)
        return refuse(message, task->name, "is there twice");
    if (task->kind == SAGA_INLINE && !task->run)
        return refuse(message, task->name, "is inline and has no run function");
    if (task->kind == SAGA_EXTERNAL && task->run)
        return refuse(message, task->name, "is external and has a run function");
    if (task->has_enquiry && task->kind != SAGA_EXTERNAL)
        return refuse(message, task->name, "has an enquiry although it never leaves the program");
    if (task->kind == SAGA_POOLED && !task->nothing_to_undo)
        return refuse(message, task->name, "is pooled, so it must have nothing to undo");
    if (task->undone_by && task->nothing_to_undo)
        return refuse(message, task->name, "names what undoes it although there is nothing to undo");
    if (task->undone_by && !saga_registry_find(registry, str_from_c(task->undone_by)))
        return refuse(message, task->name, "is undone by a task that does not exist");
    if (saga_names_count(task->inputs) > SAGA_TASK_FIELDS_MAX || saga_names_count(task->results) > SAGA_TASK_FIELDS_MAX)
        return refuse(message, task->name, "has too many inputs or results");
    return errors_check(task, message);
}

int saga_registry_check(const struct saga_registry *registry, struct message *message) {
    if (registry->task_count > SAGA_TASKS_MAX || registry->arn_count > SAGA_ARNS_MAX) {
        message_set(message, "more than %d tasks or %d ARNs", SAGA_TASKS_MAX, SAGA_ARNS_MAX);
        return SAGA_E_REGISTRY;
    }
    for (size_t i = 0; i < registry->task_count; i++) {
        int r = task_check(registry, &registry->tasks[i], message);
        if (r) return r;
    }
    for (size_t i = 0; i < registry->arn_count; i++)
        if (!saga_registry_find(registry, str_from_c(registry->arns[i].task)))
            return refuse(message, registry->arns[i].task, "has an ARN but does not exist");
    return 0;
}

int saga_io_put(struct saga_io *io, size_t result, const struct saga_value *value) {
    check(result < saga_names_count(io->task->results));
    if (!saga_value_valid(value)) return SAGA_E_VALUE;
    io->results[result] = *value;
    io->given |= UINT32_C(1) << result;
    if (value->type != SAGA_STRING) return 0;
    if (value->text.len) memcpy(io->texts[result], value->text.at, value->text.len);
    io->results[result].text.at = io->texts[result];
    return 0;
}

void saga_io_fail(struct saga_io *io, const char *error, struct str cause) {
    size_t len = cause.len < SAGA_CAUSE_BYTES_MAX ? cause.len : SAGA_CAUSE_BYTES_MAX;
    while (len < cause.len && len && ((unsigned char)cause.at[len] & 0xc0) == 0x80) len--; /* a whole character */
    if (len) memcpy(io->cause_text, cause.at, len);
    io->failed = true;
    io->error = str_from_c(error);
    io->cause = str_from_bytes(io->cause_text, len);
}

void saga_io_defer(struct saga_io *io) {
    check(io->task->kind == SAGA_POOLED);
    io->deferred = true;
}
