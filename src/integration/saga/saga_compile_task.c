#include "integration/saga/saga_int.h"

static const char *const reserved_errors[] = {
    SAGA_ERROR_ALL,
    SAGA_ERROR_TIMEOUT,
    SAGA_ERROR_TASK_FAILED,
    SAGA_ERROR_PARAMETER,
    SAGA_ERROR_RESULT_PATH,
    SAGA_ERROR_NO_CHOICE,
    SAGA_ERROR_RUNTIME,
    "States.HeartbeatTimeout",
    "States.Permissions",
    "States.BranchFailed",
    "States.IntrinsicFailure",
    "States.ExceedToleratedFailureThreshold",
    "States.ItemReaderFailed",
    "States.ResultWriterFailed",
    "States.DataLimitExceeded",
    "States.QueryEvaluationError",
    "States.Http.Socket",
};

static bool is_reserved(struct str name) {
    for (size_t i = 0; i < ARRAY_COUNT(reserved_errors); i++)
        if (str_equal_c(name, reserved_errors[i])) return true;
    return false;
}

static int compile_error(const struct compiler *compiler, const char *place, const struct json *json,
                         struct str *ret_name) {
    char show[SHOWN_BYTES];
    struct str name = json_string(json);
    if (!json_is_string(json) || name.len == 0)
        return compile_refuse(compiler, place, "ErrorEquals must list names of errors");
    if (name.len > SAGA_ERROR_BYTES_MAX)
        return compile_refuse(compiler, place, "ErrorEquals has a name of more than %d bytes", SAGA_ERROR_BYTES_MAX);
    if (str_starts(name, STR("States.")) && !is_reserved(name)) /* A63 */
        return compile_refuse(compiler, place, "ErrorEquals names \"%s\", which no state can raise", shown(name, show));
    *ret_name = arena_dup(&compiler->def->body, name);
    return ret_name->at ? 0 : err_origin(-ENOMEM);
}

int compile_errors(const struct compiler *compiler, const char *place, const struct json *list,
                   struct saga_errors *ret_errors) {
    size_t count = json_count(list);
    if (json_type(list) != JSON_ARRAY_TYPE || count == 0)
        return compile_refuse(compiler, place, "ErrorEquals must be a list with one name at least");
    if (count > SAGA_ERRORS_MAX)
        return compile_refuse(compiler, place, "ErrorEquals has more than %d names", SAGA_ERRORS_MAX);
    struct str *names = compile_array(compiler, struct str, count);
    if (!names) return err_origin(-ENOMEM);
    for (size_t i = 0; i < count; i++) {
        int r = compile_error(compiler, place, json_at(list, i), &names[i]);
        if (r) return r;
        if (count > 1 && str_equal_c(names[i], SAGA_ERROR_ALL)) /* A59 */
            return compile_refuse(compiler, place, "States.ALL must stand alone in ErrorEquals");
    }
    *ret_errors = (struct saga_errors){ .names = names, .count = (uint16_t)count };
    return 0;
}

static bool catches_all(const struct saga_errors *errors) {
    return errors->count == 1 && str_equal_c(errors->names[0], SAGA_ERROR_ALL);
}

static int compile_rate(const struct compiler *compiler, const char *place, const struct json *json,
                        int64_t *ret_milli) {
    if (!json) return 0;
    if (json_type(json) != JSON_INTEGER_TYPE && json_type(json) != JSON_REAL_TYPE)
        return compile_refuse(compiler, place, "BackoffRate must be a number");
    double rate = json_real(json);
    if (!(rate >= 1.0 && rate <= 1000.0)) return compile_refuse(compiler, place, "BackoffRate must be 1.0 to 1000");
    *ret_milli = (int64_t)(rate * 1000.0 + 0.5);
    return 0;
}

static int compile_jitter(const struct compiler *compiler, const char *place, const struct json *json,
                          bool *ret_jitter) {
    if (!json) return 0;
    *ret_jitter = str_equal_c(json_string(json), "FULL");
    if (*ret_jitter || str_equal_c(json_string(json), "NONE")) return 0;
    return compile_refuse(compiler, place, "JitterStrategy must be FULL or NONE");
}

static int compile_retrier(const struct compiler *compiler, const char *place, const struct json *json,
                           struct saga_retrier *ret_retrier) {
    static const char *const members[] = { "ErrorEquals",     "IntervalSeconds", "BackoffRate", "MaxAttempts",
                                           "MaxDelaySeconds", "JitterStrategy",  "Comment",     NULL };
    struct saga_retrier retrier = { .interval_s = 1, .rate_milli = 2000 };
    int64_t attempts = 3; /* A57 */
    char field[64];
    int r = compile_members(compiler, place, json, members);
    if (r == 0) r = compile_errors(compiler, place, json_get(json, "ErrorEquals"), &retrier.errors);
    if (r) return r;
    (void)snprintf(field, sizeof field, "%s.IntervalSeconds", place);
    r = compile_integer(compiler, field, json_get(json, "IntervalSeconds"), (int64_t[]){ 1, SAGA_SECONDS_MAX },
                        &retrier.interval_s);
    (void)snprintf(field, sizeof field, "%s.MaxAttempts", place);
    if (r == 0)
        r = compile_integer(compiler, field, json_get(json, "MaxAttempts"), (int64_t[]){ 0, SAGA_ATTEMPTS_FOREVER },
                            &attempts);
    (void)snprintf(field, sizeof field, "%s.MaxDelaySeconds", place);
    if (r == 0)
        r = compile_integer(compiler, field, json_get(json, "MaxDelaySeconds"),
                            (int64_t[]){ 1, SAGA_DELAY_SECONDS_MAX }, &retrier.max_delay_s);
    if (r == 0) r = compile_rate(compiler, place, json_get(json, "BackoffRate"), &retrier.rate_milli);
    if (r == 0) r = compile_jitter(compiler, place, json_get(json, "JitterStrategy"), &retrier.jitter);
    if (r) return r;
    if (retrier.max_delay_s && retrier.max_delay_s <= retrier.interval_s)
        return compile_refuse(compiler, field, "must be greater than IntervalSeconds");
    retrier.attempts_max = (uint32_t)attempts;
    *ret_retrier = retrier;
    return 0;
}

int compile_retry(const struct compiler *compiler, const struct json *list, struct saga_node *node) {
    size_t count = json_count(list);
    char place[48];
    if (!list) return 0;
    if (json_type(list) != JSON_ARRAY_TYPE) return compile_refuse(compiler, "Retry", "must be a list");
    if (count > SAGA_RETRIERS_MAX)
        return compile_refuse(compiler, "Retry", "has more than %d entries", SAGA_RETRIERS_MAX);
    struct saga_retrier *retriers = compile_array(compiler, struct saga_retrier, count);
    if (!retriers) return err_origin(-ENOMEM);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(place, sizeof place, "Retry[%zu]", i);
        int r = compile_retrier(compiler, place, json_at(list, i), &retriers[i]);
        if (r) return r;
        if (i + 1 < count && catches_all(&retriers[i].errors)) /* A59 */
            return compile_refuse(compiler, place, "States.ALL must stand in the last entry");
    }
    node->retriers = retriers;
    node->retrier_count = (uint16_t)count;
    return 0;
}

static int compile_catcher(const struct compiler *compiler, const char *place, const struct json *json,
                           struct saga_catcher *ret_catcher) {
    static const char *const members[] = { "ErrorEquals", "ResultPath", "Next", "Comment", NULL };
    struct view view = { .count = 2,
                         .at = { { .name = STR("Error"), .from = { .kind = SAGA_SOURCE_RESULT, .index = 0 } },
                                 { .name = STR("Cause"), .from = { .kind = SAGA_SOURCE_RESULT, .index = 1 } } } };
    struct saga_catcher catcher = { 0 };
    struct str target = STR("");
    char field[64];
    int r = compile_members(compiler, place, json, members);
    if (r == 0) r = compile_errors(compiler, place, json_get(json, "ErrorEquals"), &catcher.errors);
    (void)snprintf(field, sizeof field, "%s.Next", place);
    if (r == 0) r = compile_next(compiler, field, json_get(json, "Next"), &catcher.next);
    if (r == 0) r = compile_document_path(compiler, json, "ResultPath", &target); /* A60 */
    if (r == 0 && target.at) r = compile_write(compiler, place, &view, target, &catcher.write);
    catcher.writes = target.at != NULL;
    if (r == 0) *ret_catcher = catcher;
    return r;
}

int compile_catch(const struct compiler *compiler, const struct json *list, struct saga_node *node) {
    size_t count = json_count(list);
    char place[48];
    if (!list) return 0;
    if (json_type(list) != JSON_ARRAY_TYPE) return compile_refuse(compiler, "Catch", "must be a list");
    if (count > SAGA_CATCHERS_MAX)
        return compile_refuse(compiler, "Catch", "has more than %d entries", SAGA_CATCHERS_MAX);
    struct saga_catcher *catchers = compile_array(compiler, struct saga_catcher, count);
    if (!catchers) return err_origin(-ENOMEM);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(place, sizeof place, "Catch[%zu]", i);
        int r = compile_catcher(compiler, place, json_at(list, i), &catchers[i]);
        if (r) return r;
        if (i + 1 < count && catches_all(&catchers[i].errors)) /* A59 */
            return compile_refuse(compiler, place, "States.ALL must stand in the last entry");
    }
    node->catchers = catchers;
    node->catcher_count = (uint16_t)count;
    return 0;
}

/* The task must be known before compile_data: its inputs and results are part of the data flow. */
int compile_task(const struct compiler *compiler, const struct json *json, struct saga_node *node) {
    const struct json *resource = json_get(json, "Resource");
    const struct json *timeout = json_get(json, "TimeoutSeconds");
    char show[SHOWN_BYTES];
    int64_t timeout_s = 0;
    if (!json_is_string(resource)) return compile_refuse(compiler, "Resource", "must be the name of a task");
    node->task = saga_registry_resolve(compiler->def->registry, json_string(resource));
    if (!node->task)
        return compile_refuse(compiler, "Resource", "\"%s\" is no task and no ARN that is mapped to one",
                              shown(json_string(resource), show));
    if (!timeout && node->task->kind != SAGA_INLINE) timeout_s = SAGA_TIMEOUT_SECONDS_DEFAULT;
    int r = compile_integer(compiler, "TimeoutSeconds", timeout, (int64_t[]){ 1, SAGA_SECONDS_MAX }, &timeout_s);
    if (r) return r;
    node->timeout_ms = timeout_s * 1000;
    node->names_timeout = timeout != NULL;
    r = compile_retry(compiler, json_get(json, "Retry"), node);
    return r ? r : compile_catch(compiler, json_get(json, "Catch"), node);
}
