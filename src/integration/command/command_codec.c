#include "integration/command/command_codec.h"

#include "integration/command/command_run.h"

static const struct command_form *const forms[] = {
    &payment_accept_form,
    &consent_create_form,
    &account_open_form,
    &account_fund_form,
    &client_register_form,
    &customer_register_form,
    &assertion_spend_form,
    &token_issue_form,
    &pushed_store_form,
    &code_exchange_form,
    &token_revoke_form,
    &authorize_open_form,
    &authorize_login_form,
    &customer_login_form,
    &customer_logout_form,
    &customer_withdraw_form,
    &authorize_account_form,
    &authorize_confirm_form,
    &authorize_reject_form,
    &authorize_at_once_form,
    &core_result_form,
    &saga_wake_form,
    &schedule_create_form,
    &schedule_cancel_form,
    &standing_create_form,
    &standing_cancel_form,
    &file_create_form,
    &ledger_post_form,
    &ledger_reverse_form,
    &payment_refund_form,
    &account_change_form,
    &hold_change_form,
    &close_day_form,
    &seal_day_form,
    &statement_rebuild_form,
    &account_consent_create_form,
    &account_consent_change_form,
    &client_change_form,
    &client_settle_form,
    &quota_form,
    &client_limits_form,
    &token_refresh_form,
};

const struct command_form *const *command_forms(size_t *ret_count) {
    *ret_count = ARRAY_COUNT(forms);
    return forms;
}

static const struct command_form *form_of(const struct command_kind *kind) {
    for (size_t i = 0; i < ARRAY_COUNT(forms); i++)
        if (forms[i]->kind == kind) return forms[i];
    return NULL;
}

static void put_number(struct sha256 *sha, uint64_t number) {
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(number >> (56 - 8 * i));
    sha256_update(sha, bytes, sizeof bytes);
}

static void put_description(struct sha256 *sha, const struct command_field *fields, size_t count) {
    put_number(sha, count);
    for (size_t i = 0; i < count; i++) {
        put_number(sha, fields[i].type);
        put_number(sha, fields[i].max);
        if (fields[i].list) put_description(sha, fields[i].list->fields, fields[i].list->field_count);
    }
}

struct hash command_codec_version(void) {
    struct sha256 sha;
    check(sha256_init(&sha) == 0);
    sha256_begin(&sha);
    put_number(&sha, COMMAND_CODEC_VERSION);
    for (size_t i = 0; i < ARRAY_COUNT(forms); i++) {
        const char *name = forms[i]->kind->name;
        sha256_update(&sha, name, strlen(name) + 1);
        put_number(&sha, (uint64_t)forms[i]->refusal_count);
        put_description(&sha, forms[i]->fields, forms[i]->field_count);
    }
    struct hash hash = sha256_end(&sha);
    sha256_release(&sha);
    return hash;
}

/* ---- writing ---- */

static void put_text(struct buffer *out, struct str text) {
    buffer_append_be(out, text.len, 4);
    buffer_append_str(out, text);
}

static void put_money(struct buffer *out, const struct money *money) {
    buffer_append_be(out, (uint64_t)money->minor, 8);
    buffer_append_be(out, money->currency.code, 4);
}

static bool put_field(struct buffer *out, const struct command_field *field, const void *input);

/* False when there are more than fit, or one is over its own limit. */
static bool put_list(struct buffer *out, const struct command_field *field, const void *input) {
    const struct command_list *list = field->list;
    const char *at = (const char *)input + field->offset;
    size_t count;
    memcpy(&count, (const char *)input + list->count_offset, sizeof count);
    if (count > field->max) return false;
    buffer_append_be(out, count, 4);
    for (size_t i = 0; i < count; i++, at += list->element_bytes)
        for (size_t f = 0; f < list->field_count; f++)
            if (!put_field(out, &list->fields[f], at)) return false;
    return true;
}

/* False when the value is over its own limit. */
static bool put_field(struct buffer *out, const struct command_field *field, const void *input) {
    const char *at = (const char *)input + field->offset;
    struct str text;
    int choice;
    switch (field->type) {
    case FIELD_I64:
        buffer_append_be(out, *(const uint64_t *)(const void *)at, 8);
        return true;
    case FIELD_CHOICE:
        memcpy(&choice, at, sizeof choice);
        buffer_append_be(out, (uint64_t)(uint32_t)choice, 4);
        return choice >= 0 && (size_t)choice < field->max;
    case FIELD_BOOL:
        buffer_append_char(out, *(const bool *)at ? 1 : 0);
        return true;
    case FIELD_CURRENCY:
        buffer_append_be(out, ((const struct currency *)(const void *)at)->code, 4);
        return true;
    case FIELD_MONEY:
    case FIELD_AMOUNT:
        put_money(out, (const struct money *)(const void *)at);
        return true;
    case FIELD_ID:
        buffer_append(out, at, 16);
        return true;
    case FIELD_HASH:
        buffer_append(out, at, sizeof(struct hash));
        return true;
    case FIELD_TEXT:
        memcpy(&text, at, sizeof text);
        put_text(out, text);
        return text.len <= field->max;
    case FIELD_COUNTED:
        text = str_from_bytes(at, (uint8_t)at[field->max]);
        put_text(out, text);
        return text.len <= field->max;
    case FIELD_CHARS:
        text = str_from_bytes(at, strnlen(at, field->max));
        put_text(out, text);
        return text.len < field->max;
    case FIELD_LIST:
        return put_list(out, field, input);
    }
    return false;
}

static struct str short_text(struct str text, size_t bytes_max) {
    return text.len > bytes_max ? str_slice(text, 0, bytes_max) : text;
}

static void put_audit(struct buffer *out, const struct command_audit *audit, const struct command_form *form) {
    const struct audit_record *record = &audit->record;
    buffer_append_be(out, (uint64_t)record->time_ms, 8);
    buffer_append_be(out, (uint64_t)command_audit_elapsed_us(audit), 8);
    put_text(out, record->interaction_id);
    buffer_append(out, record->client_id.bytes, 16);
    buffer_append(out, record->customer_id.bytes, 16);
    put_text(out, str_from_c(record->method));
    put_text(out, str_from_c(record->route));
    buffer_append(out, &record->certificate_sha256, sizeof record->certificate_sha256);
    buffer_append(out, record->id, sizeof record->id);
    put_text(out, short_text(record->user_agent, AUDIT_AGENT_BYTES_MAX));
    put_text(out, short_text(record->customer_address, AUDIT_ADDRESS_BYTES_MAX));
    put_text(out, record->request.json);
    buffer_append_char(out, record->request.cut ? 1 : 0);
    for (int refusal = 1; refusal < form->refusal_count; refusal++)
        buffer_append_be(out, (uint64_t)(unsigned)command_audit_status(audit, refusal), 2);
}

enum { FLAG_IDEMPOTENT = 1, FLAG_INTERNAL = 2, FLAG_AUDIT = 4 };

int command_encode(struct buffer *out, const struct command *command) {
    const struct command_form *form = form_of(command->kind);
    size_t begin = out->len;
    bool fits = true;
    if (!form) return COMMAND_CODEC_E_KIND;
    int flags = (command->idempotency.present ? FLAG_IDEMPOTENT : 0) | (command->internal ? FLAG_INTERNAL : 0) |
                (command->audit ? FLAG_AUDIT : 0);
    put_text(out, str_from_c(form->kind->name));
    buffer_append_char(out, (char)flags);
    if (command->idempotency.present) {
        buffer_append(out, command->idempotency.key, 16);
        buffer_append(out, &command->idempotency.fingerprint, sizeof(struct hash));
        buffer_append_be(out, (uint64_t)command->idempotency.keep_ms, 8);
    }
    if (command->audit) put_audit(out, command->audit, form);
    for (size_t i = 0; i < form->field_count; i++) fits = put_field(out, &form->fields[i], command->input) && fits;
    if (fits && !out->overflow && out->len - begin <= COMMAND_ENCODED_BYTES_MAX) return 0;
    out->len = begin;
    out->overflow = false;
    return COMMAND_CODEC_E_SIZE;
}

int command_encode_answer(struct buffer *out, const struct command *command) {
    size_t begin = out->len;
    buffer_append_be(out, (uint64_t)command->result, 1);
    buffer_append_be(out, (uint64_t)(unsigned)command->refusal, 4);
    buffer_append(out, command->resource_id, 16);
    put_text(out, command->answer);
    if (!out->overflow && command->answer.len <= ENGINE_ANSWER_BYTES_MAX) return 0;
    out->len = begin;
    out->overflow = false;
    return COMMAND_CODEC_E_SIZE;
}

/* ---- reading: bad sticks, so that it is looked at once ---- */

struct cursor {
    struct str rest;
    bool bad;
};

static const char *take(struct cursor *cursor, size_t len) {
    static const char nothing[64];
    cursor->bad |= cursor->rest.len < len;
    if (cursor->bad) return nothing; /* nobody asks for more without looking at bad */
    const char *at = cursor->rest.at;
    cursor->rest = str_slice(cursor->rest, len, cursor->rest.len);
    return at;
}

static uint64_t take_number(struct cursor *cursor, size_t bytes) {
    const char *at = take(cursor, bytes);
    uint64_t number = 0;
    for (size_t i = 0; i < bytes; i++) number = number << 8 | (uint8_t)at[i];
    return number;
}

static struct str take_text(struct cursor *cursor, size_t bytes_max) {
    size_t len = (size_t)take_number(cursor, 4);
    if (cursor->bad || len > bytes_max || len > cursor->rest.len) {
        cursor->bad = true;
        return (struct str){ 0 };
    }
    return str_from_bytes(take(cursor, len), len);
}

static void take_currency(struct cursor *cursor, struct currency *ret_currency) {
    *ret_currency = (struct currency){ .code = (uint32_t)take_number(cursor, 4) };
    if (!cursor->bad && !currency_is_known(*ret_currency)) cursor->bad = true;
}

/* With a NUL behind it, for words that are C strings. */
static int take_copy(struct cursor *cursor, size_t bytes_max, struct arena *arena, struct str *ret_text) {
    *ret_text = arena_dup(arena, take_text(cursor, bytes_max));
    return ret_text->at ? 0 : err_origin(-ENOMEM);
}

static void take_money(struct cursor *cursor, enum command_field_type type, struct money *ret_money) {
    ret_money->minor = (int64_t)take_number(cursor, 8);
    cursor->bad |= type == FIELD_MONEY && ret_money->minor <= 0;
    if (type == FIELD_MONEY || (cursor->rest.len >= 4 && memcmp(cursor->rest.at, "\0\0\0", 4) != 0))
        take_currency(cursor, &ret_money->currency);
    else ret_money->currency = (struct currency){ .code = (uint32_t)take_number(cursor, 4) };
}

static int take_into(struct cursor *cursor, const struct command_field *field, struct arena *arena, void *input);

static int take_list(struct cursor *cursor, const struct command_field *field, struct arena *arena, void *input) {
    const struct command_list *list = field->list;
    char *at = (char *)input + field->offset;
    size_t count = (size_t)take_number(cursor, 4);
    int r = 0;
    cursor->bad |= count > field->max;
    if (cursor->bad) return 0;
    memcpy((char *)input + list->count_offset, &count, sizeof count);
    for (size_t i = 0; i < count; i++, at += list->element_bytes)
        for (size_t f = 0; f < list->field_count && !r && !cursor->bad; f++)
            r = take_into(cursor, &list->fields[f], arena, at);
    return r;
}

static int take_into(struct cursor *cursor, const struct command_field *field, struct arena *arena, void *input) {
    char *at = (char *)input + field->offset;
    struct str text = { 0 };
    int64_t number;
    int choice, r = 0;
    switch (field->type) {
    case FIELD_I64:
        number = (int64_t)take_number(cursor, 8);
        memcpy(at, &number, sizeof number);
        break;
    case FIELD_CHOICE:
        choice = (int)take_number(cursor, 4);
        cursor->bad |= choice < 0 || (size_t)choice >= field->max;
        memcpy(at, &choice, sizeof choice);
        break;
    case FIELD_BOOL:
        number = (int64_t)take_number(cursor, 1);
        cursor->bad |= number > 1;
        *(bool *)at = number == 1;
        break;
    case FIELD_CURRENCY:
        take_currency(cursor, (struct currency *)(void *)at);
        break;
    case FIELD_MONEY:
    case FIELD_AMOUNT:
        take_money(cursor, field->type, (struct money *)(void *)at);
        break;
    case FIELD_ID:
        memcpy(at, take(cursor, 16), 16);
        break;
    case FIELD_HASH:
        memcpy(at, take(cursor, sizeof(struct hash)), sizeof(struct hash));
        break;
    case FIELD_TEXT:
        r = take_copy(cursor, field->max, arena, &text);
        memcpy(at, &text, sizeof text);
        break;
    case FIELD_COUNTED:
        text = take_text(cursor, field->max);
        if (text.len) memcpy(at, text.at, text.len);
        at[field->max] = (char)(uint8_t)text.len;
        break;
    case FIELD_CHARS:
        text = take_text(cursor, field->max - 1); /* the input is zeroed: a NUL follows */
        cursor->bad |= text.len && memchr(text.at, 0, text.len) != NULL;
        if (text.len) memcpy(at, text.at, text.len);
        break;
    case FIELD_LIST:
        r = take_list(cursor, field, arena, input);
        break;
    }
    return r;
}

static int take_audit_bodies(struct cursor *cursor, struct arena *arena, struct audit_record *record) {
    memcpy(record->id, take(cursor, sizeof record->id), sizeof record->id);
    int r = take_copy(cursor, AUDIT_AGENT_BYTES_MAX, arena, &record->user_agent);
    if (!r) r = take_copy(cursor, AUDIT_ADDRESS_BYTES_MAX, arena, &record->customer_address);
    if (!r) r = take_copy(cursor, AUDIT_BODY_BYTES_MAX, arena, &record->request.json);
    uint64_t cut = take_number(cursor, 1);
    cursor->bad |= cut > 1;
    record->request.cut = cut == 1;
    return r;
}

static int take_audit(struct cursor *cursor, const struct command_form *form, struct arena *arena,
                      struct command_arrived *arrived) {
    struct audit_record *record = &arrived->audit.record;
    struct str method, route;
    record->time_ms = (int64_t)take_number(cursor, 8);
    int64_t elapsed_us = (int64_t)take_number(cursor, 8);
    cursor->bad |= record->time_ms < 0 || record->time_ms > COMMAND_AUDIT_TIME_MS_MAX;
    cursor->bad |= elapsed_us < 0 || elapsed_us > COMMAND_AUDIT_ELAPSED_US_MAX;
    int r = take_copy(cursor, CALL_INTERACTION_BYTES_MAX, arena, &record->interaction_id);
    memcpy(record->client_id.bytes, take(cursor, 16), 16);
    memcpy(record->customer_id.bytes, take(cursor, 16), 16);
    if (!r) r = take_copy(cursor, AUDIT_WORD_BYTES_MAX, arena, &method);
    if (!r) r = take_copy(cursor, AUDIT_WORD_BYTES_MAX, arena, &route);
    if (r) return r;
    record->method = method.at;
    record->route = route.at;
    memcpy(&record->certificate_sha256, take(cursor, sizeof(struct hash)), sizeof(struct hash));
    r = take_audit_bodies(cursor, arena, record);
    if (r) return r;
    for (int refusal = 1; refusal < form->refusal_count; refusal++)
        arrived->statuses[refusal] = (uint16_t)take_number(cursor, 2);
    arrived->audit.statuses = arrived->statuses;
    arrived->audit.status_count = form->refusal_count;
    if (!cursor->bad) command_audit_began(&arrived->audit, elapsed_us);
    return 0;
}

static const struct command_form *take_form(struct cursor *cursor) {
    struct str name = take_text(cursor, AUDIT_WORD_BYTES_MAX);
    for (size_t i = 0; i < ARRAY_COUNT(forms) && !cursor->bad; i++)
        if (str_equal_c(name, forms[i]->kind->name)) return forms[i];
    return NULL;
}

static void arrived_write_audit(struct buffer *out, const struct command *command) {
    struct command_answer answer = command_answer_of(command);
    command_audit_write(out, command->audit, &answer);
}

static int take_command(struct cursor *cursor, const struct command_form *form, struct arena *arena,
                        struct command_arrived *arrived) {
    struct command *command = &arrived->command;
    uint8_t flags = (uint8_t)take_number(cursor, 1);
    int r = 0;
    cursor->bad |= (flags & ~(FLAG_IDEMPOTENT | FLAG_INTERNAL | FLAG_AUDIT)) != 0;
    command->kind = form->kind;
    command->internal = (flags & FLAG_INTERNAL) != 0;
    command->idempotency.present = (flags & FLAG_IDEMPOTENT) != 0;
    if (command->idempotency.present) {
        memcpy(command->idempotency.key, take(cursor, 16), 16);
        memcpy(&command->idempotency.fingerprint, take(cursor, sizeof(struct hash)), sizeof(struct hash));
        command->idempotency.keep_ms = (int64_t)take_number(cursor, 8);
        cursor->bad |= command->idempotency.keep_ms < 0;
    }
    if (flags & FLAG_AUDIT) {
        r = take_audit(cursor, form, arena, arrived);
        command->audit = &arrived->audit;
        command->write_audit = arrived_write_audit;
    }
    for (size_t i = 0; i < form->field_count && !r && !cursor->bad; i++)
        r = take_into(cursor, &form->fields[i], arena, command->input);
    return r;
}

int command_decode(struct str *bytes, struct integration *integration, struct arena *arena,
                   struct command_arrived **ret_arrived) {
    struct cursor cursor = { .rest = *bytes };
    const struct command_form *form = take_form(&cursor);
    if (!form) return cursor.bad ? COMMAND_CODEC_E_BYTES : COMMAND_CODEC_E_KIND;
    struct command_arrived *arrived = arena_new(arena, struct command_arrived);
    if (arrived) arrived->command.input = arena_alloc(arena, form->input_bytes);
    if (!arrived || !arrived->command.input) return err_origin(-ENOMEM);
    int r = take_command(&cursor, form, arena, arrived);
    if (r) return r;
    if (cursor.bad || (form->arrive && !form->arrive(integration, arena, arrived->command.input)))
        return COMMAND_CODEC_E_BYTES;
    const struct audit_record *record = &arrived->audit.record;
    if (arrived->command.audit && integration && integration->answer_mask)
        arrived->audit.answer_mask = integration->answer_mask(integration->answer_mask_ctx, str_from_c(record->method),
                                                              str_from_c(record->route));
    *bytes = cursor.rest;
    *ret_arrived = arrived;
    return 0;
}

int command_decode_answer(struct str *bytes, struct command *command) {
    struct cursor cursor = { .rest = *bytes };
    const struct command_form *form = form_of(command->kind);
    uint64_t result = take_number(&cursor, 1);
    int refusal = (int)take_number(&cursor, 4);
    const char *resource_id = take(&cursor, 16);
    struct str answer = take_text(&cursor, ENGINE_ANSWER_BYTES_MAX);
    if (cursor.bad || result >= COMMAND_RESULT_COUNT || !form || refusal < 0 ||
        (refusal && refusal >= form->refusal_count))
        return COMMAND_CODEC_E_BYTES;
    command->result = (enum command_result)result;
    command->refusal = refusal;
    memcpy(command->resource_id, resource_id, 16);
    command->answer = answer;
    *bytes = cursor.rest;
    return 0;
}
