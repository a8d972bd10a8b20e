#include "integration/command/command_codec.h"

#include "domain/payment_order.h"
#include "integration/command/core_result.h"
#include "integration/command/payment_accept.h"
#include "platform/file.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { TEST_BYTES_MAX = 1024 * 1024 };

static void fill(const struct command_field *fields, size_t count, char *input, struct arena *arena);

static void fill_list(const struct command_field *field, char *input, struct arena *arena) {
    const struct command_list *list = field->list;
    memcpy(input + list->count_offset, &field->max, sizeof field->max);
    for (size_t i = 0; i < field->max; i++)
        fill(list->fields, list->field_count, input + field->offset + i * list->element_bytes, arena);
}

/* Fills each field with something of its own. */
static void fill(const struct command_field *fields, size_t count, char *input, struct arena *arena) {
    enum { SEED = 40 };
    for (size_t i = 0; i < count; i++) {
        const struct command_field *field = &fields[i];
        char *at = input + field->offset;
        unsigned value = SEED + (unsigned)i;
        int64_t number = (int64_t)(value * 7919);
        int choice = (int)(value % (field->max ? field->max : 1));
        size_t len = field->max > 3 ? 1 + value % (field->max < 60 ? field->max - 1 : 60) : 0;
        struct money money = { .minor = number + 1 };
        struct str text = { .at = arena_alloc(arena, len + 1), .len = len };
        memset((char *)(uintptr_t)text.at, 'a' + (int)(value % 26), len);
        assert_int_equal(currency_parse(STR("GBP"), &money.currency), 0);
        switch (field->type) {
        case FIELD_I64:
            memcpy(at, &number, sizeof number);
            break;
        case FIELD_CHOICE:
            memcpy(at, &choice, sizeof choice);
            break;
        case FIELD_BOOL:
            *(bool *)at = value & 1;
            break;
        case FIELD_CURRENCY:
            memcpy(at, &money.currency, sizeof money.currency);
            break;
        case FIELD_MONEY:
        case FIELD_AMOUNT:
            memcpy(at, &money, sizeof money);
            break;
        case FIELD_ID:
            memset(at, (int)(value & 0xff), 16);
            break;
        case FIELD_HASH:
            memset(at, (int)(value & 0xff), sizeof(struct hash));
            break;
        case FIELD_TEXT:
            memcpy(at, &text, sizeof text);
            break;
        case FIELD_COUNTED:
            memcpy(at, text.at, len);
            at[field->max] = (char)len;
            break;
        case FIELD_CHARS:
            memcpy(at, text.at, len);
            break;
        case FIELD_LIST:
            fill_list(field, input, arena);
            break;
        }
    }
}

static bool fields_equal(const struct command_form *form, const char *a, const char *b) {
    struct buffer out[2];
    char *memory[2] = { malloc(TEST_BYTES_MAX), malloc(TEST_BYTES_MAX) };
    for (int i = 0; i < 2; i++) {
        struct command command = { .kind = form->kind, .input = (void *)(uintptr_t)(i ? b : a) };
        buffer_init(&out[i], memory[i], TEST_BYTES_MAX);
        assert_int_equal(command_encode(&out[i], &command), 0);
    }
    bool equal = str_equal(buffer_str(&out[0]), buffer_str(&out[1]));
    free(memory[0]);
    free(memory[1]);
    return equal;
}

static int status_of(const void *owner, int refusal) {
    return *(const int *)owner + refusal;
}

/* A payment that payment_order_check accepts, over what fill made of it. */
static void make_payment(void *input) {
    struct payment_accept *accept = input; /* the first member of them all */
    accept->order.creditor.scheme = CREDITOR_SCHEME_IBAN;
    accept->order.creditor.sort_code = (struct sort_code){ .len = 0 };
    accept->order.creditor.account_number = (struct account_number){ .len = 0 };
    assert_int_equal(iban_parse(STR("GB82WEST12345698765432"), &accept->order.creditor.iban), 0);
}

/* A file whose text is what is said of it. */
static void make_file(void *input) {
    struct {
        const struct integration *integration;
        struct payment_file_input input;
    } *create = input; /* as payment_file.c has it */
    create->input.text = STR("creditor_name,iban,sort_code,account_number,amount,currency,reference,end_to_end_id\n"
                             "Jane Doe,,200000,55779911,19.99,GBP,invoice 7,\n");
    create->input.item_count = 1;
    create->input.control_sum.minor = 1999;
    assert_int_equal(currency_parse(STR("GBP"), &create->input.control_sum.currency), 0);
}

struct encoded {
    struct arena arena;
    struct buffer bytes;
    void *input;
    struct command command;
    struct command_audit audit;
    int status_base;
};

static void encoded_make(struct encoded *encoded, const struct command_form *form, bool full) {
    assert_int_equal(arena_init(&encoded->arena, TEST_BYTES_MAX, 8 * TEST_BYTES_MAX), 0);
    buffer_init(&encoded->bytes, arena_alloc(&encoded->arena, TEST_BYTES_MAX), TEST_BYTES_MAX);
    encoded->input = arena_alloc(&encoded->arena, form->input_bytes);
    fill(form->fields, form->field_count, encoded->input, &encoded->arena);
    if (form == &payment_accept_form || form == &schedule_create_form || form == &standing_create_form)
        make_payment(encoded->input);
    if (form == &file_create_form) make_file(encoded->input);
    encoded->command = (struct command){ .kind = form->kind, .input = encoded->input };
    encoded->status_base = 400;
    encoded->audit = (struct command_audit){ .record = { .time_ms = 1700000000000,
                                                         .interaction_id = STR("6f3d5b3e-7a53-4b5e-9d0e-0c2a4a0b1c2d"),
                                                         .client_id = { { 1 } },
                                                         .customer_id = { { 2 } },
                                                         .method = "POST",
                                                         .route = "/v1/payments",
                                                         .certificate_sha256 = { { 3 } } },
                                             .status_of = status_of,
                                             .owner = &encoded->status_base };
    command_audit_began(&encoded->audit, 5000);
    if (full) {
        encoded->command.audit = &encoded->audit;
        encoded->command.idempotency =
            (struct idempotency){ .present = true, .key = { 9 }, .fingerprint = { { 8 } }, .keep_ms = 86400000 };
    }
    assert_int_equal(command_encode(&encoded->bytes, &encoded->command), 0);
}

/* k1: what comes back is what was sent, for every kind. */
static void every_form_comes_back(void **state) {
    size_t count;
    const struct command_form *const *forms = command_forms(&count);
    struct integration integration = { .sandbox = true };
    (void)state;
    for (size_t i = 0; i < 2 * count; i++) {
        const struct command_form *form = forms[i / 2];
        struct encoded sent;
        struct command_arrived *arrived;
        encoded_make(&sent, form, i & 1);
        struct str bytes = buffer_str(&sent.bytes);
        int r = command_decode(&bytes, &integration, &sent.arena, &arrived);
        if (r) fail_msg("%s: %d", form->kind->name, r);
        assert_int_equal(bytes.len, 0);
        assert_ptr_equal(arrived->command.kind, form->kind);
        if (!fields_equal(form, sent.input, arrived->command.input)) fail_msg("%s differs", form->kind->name);
        assert_int_equal(arrived->command.idempotency.present, i & 1);
        if (i & 1) {
            assert_memory_equal(arrived->command.idempotency.key, sent.command.idempotency.key, 16);
            assert_true(hash_equal(&arrived->command.idempotency.fingerprint, &sent.command.idempotency.fingerprint));
            assert_int_equal(arrived->command.idempotency.keep_ms, 86400000);
        }
        arena_release(&sent.arena);
    }
}

/* k1: the audit record that the holder writes is the one that the asking node would have written. */
static void audit_is_the_same(void **state) {
    static const struct command_answer answers[] = {
        { .result = ANSWER_DONE, .refusal_name = "", .resource_id = { 7 } },
        { .result = ANSWER_REPLAYED, .refusal_name = "" },
        { .result = ANSWER_KEY_REUSED, .refusal_name = "" },
        { .result = ANSWER_DONE, .refusal = PAYMENT_ACCEPT_E_CREDITOR, .refusal_name = "creditor_not_reachable" },
        { .result = ANSWER_FAULT, .refusal_name = "" },
    };
    struct integration integration = { .sandbox = true };
    struct encoded sent;
    struct command_arrived *arrived;
    (void)state;
    encoded_make(&sent, &payment_accept_form, true);
    struct str bytes = buffer_str(&sent.bytes);
    assert_int_equal(command_decode(&bytes, &integration, &sent.arena, &arrived), 0);
    for (size_t i = 0; i < ARRAY_COUNT(answers); i++) {
        char text[2][AUDIT_RECORD_BYTES_MAX];
        struct buffer out[2];
        for (int side = 0; side < 2; side++) {
            struct command_audit *audit = side ? &arrived->audit : &sent.audit;
            buffer_init(&out[side], text[side], sizeof text[side]);
            command_audit_began(audit, 5000);
            command_audit_write(&out[side], audit, &answers[i]);
            char *duration = memmem(text[side], out[side].len, "\"duration_us\":", 14);
            assert_non_null(duration); /* the clock goes on between the two */
            for (duration += 14; *duration != ',' && *duration != '}'; duration++) *duration = '0';
        }
        if (!str_equal(buffer_str(&out[0]), buffer_str(&out[1])))
            fail_msg("%zu: %.*s / %.*s", i, (int)out[0].len, text[0], (int)out[1].len, text[1]);
    }
    arena_release(&sent.arena);
}

/* k1: bytes that are short by any number, or that have one bit changed, are refused or are another command that encodes
 * to those bytes; nothing else happens. */
static void broken_bytes(void **state) {
    size_t count;
    const struct command_form *const *forms = command_forms(&count);
    struct integration integration = { .sandbox = true };
    (void)state;
    for (size_t i = 0; i < count; i++) {
        struct encoded sent;
        struct arena arena;
        struct command_arrived *arrived;
        encoded_make(&sent, forms[i], true);
        assert_int_equal(arena_init(&arena, TEST_BYTES_MAX, TEST_BYTES_MAX), 0);
        for (size_t len = 0; len < sent.bytes.len; len++) {
            char *copy = malloc(len ? len : 1); /* so that the sanitizer sees the end */
            memcpy(copy, sent.bytes.at, len);
            struct str bytes = str_from_bytes(copy, len);
            arena_reset(&arena);
            assert_int_equal(command_decode(&bytes, &integration, &arena, &arrived), COMMAND_CODEC_E_BYTES);
            free(copy);
        }
        for (size_t bit = 0; bit < sent.bytes.len * 8; bit++) {
            sent.bytes.at[bit / 8] ^= (char)(1 << bit % 8);
            struct str bytes = buffer_str(&sent.bytes);
            arena_reset(&arena);
            int r = command_decode(&bytes, &integration, &arena, &arrived);
            assert_true(r >= 0);
            sent.bytes.at[bit / 8] ^= (char)(1 << bit % 8);
        }
        arena_release(&arena);
        arena_release(&sent.arena);
    }
}

static const struct {
    const char *name;
    size_t offset; /* from the end of the encoding */
    uint8_t byte;
    int want;
} endings[] = {
    { "a verdict of ours", 9, CORE_VERDICT_UNKNOWN, 0 },
    { "a verdict that is none", 9, CORE_VERDICT_UNKNOWN + 1, COMMAND_CODEC_E_BYTES },
    { "a reference that is longer than there are bytes", 5, 1, COMMAND_CODEC_E_BYTES },
    { "a record that is longer than there are bytes", 1, 1, COMMAND_CODEC_E_BYTES },
};

static void choices_are_bounded(void **state) {
    struct integration integration = { 0 };
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(endings); i++) {
        struct core_result input = { .verdict = CORE_VERDICT_BOOKED };
        struct command command = { .kind = &core_result_kind, .input = &input, .internal = true };
        struct command_arrived *arrived;
        struct arena arena;
        struct buffer out;
        char memory[256];
        assert_int_equal(arena_init(&arena, 4096, TEST_BYTES_MAX), 0);
        buffer_init(&out, memory, sizeof memory);
        assert_int_equal(command_encode(&out, &command), 0);
        out.at[out.len - endings[i].offset] = (char)endings[i].byte;
        struct str bytes = buffer_str(&out);
        if (command_decode(&bytes, &integration, &arena, &arrived) != endings[i].want) fail_msg("%s", endings[i].name);
        if (!endings[i].want) assert_true(arrived->command.internal);
        arena_release(&arena);
    }
}

/* k3: what only the holder knows. */
static void holder_fills_in(void **state) {
    struct integration sender = { .sandbox = true }, holder = { .sandbox = true };
    struct saga_wake input = { .integration = &sender, .payment_id = { 5 } };
    struct command command = { .kind = &saga_wake_kind, .input = &input };
    struct command_arrived *arrived;
    struct arena arena;
    struct buffer out;
    char memory[256];
    (void)state;
    assert_int_equal(arena_init(&arena, 4096, TEST_BYTES_MAX), 0);
    buffer_init(&out, memory, sizeof memory);
    assert_int_equal(command_encode(&out, &command), 0);
    struct str bytes = buffer_str(&out);
    assert_int_equal(command_decode(&bytes, &holder, &arena, &arrived), 0);
    const struct saga_wake *wake = arrived->command.input;
    assert_ptr_equal(wake->integration, &holder);
    assert_int_equal(wake->payment_id[0], 5);
    arena_release(&arena);
}

/* An amount that a decision may refuse travels; one that no command function lets through does not. */
static void amounts(void **state) {
    static const struct {
        const char *name;
        int64_t minor;
        const char *currency;
        int hold, refund;
    } cases[] = {
        { "an amount", 1, "GBP", 0, 0 },
        { "none, of no currency", 0, "", 0, COMMAND_CODEC_E_BYTES },
        { "nothing", 0, "GBP", 0, COMMAND_CODEC_E_BYTES },
        { "less than nothing", -1, "GBP", 0, COMMAND_CODEC_E_BYTES },
    };
    struct integration integration = { 0 };
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_COUNT(cases); i++) {
        const struct command_form *form = i & 1 ? &payment_refund_form : &hold_change_form;
        struct ledger_hold_input hold = { .amount.minor = cases[i / 2].minor };
        struct payment_refund_input refund;
        struct command_arrived *arrived;
        struct arena arena;
        struct buffer out;
        char memory[256];
        if (cases[i / 2].currency[0])
            assert_int_equal(currency_parse(str_from_c(cases[i / 2].currency), &hold.amount.currency), 0);
        refund = (struct payment_refund_input){ .amount = hold.amount };
        struct command command = { .kind = form->kind, .input = i & 1 ? (void *)&refund : (void *)&hold };
        assert_int_equal(arena_init(&arena, 4096, TEST_BYTES_MAX), 0);
        buffer_init(&out, memory, sizeof memory);
        assert_int_equal(command_encode(&out, &command), 0);
        struct str bytes = buffer_str(&out);
        int r = command_decode(&bytes, &integration, &arena, &arrived);
        if (r != (i & 1 ? cases[i / 2].refund : cases[i / 2].hold)) fail_msg("%s: %d", cases[i / 2].name, r);
        if (!r) assert_true(fields_equal(form, command.input, arrived->command.input));
        arena_release(&arena);
    }
}

/* One more than the list has places for. */
static void lists_are_bounded(void **state) {
    struct integration integration = { 0 };
    struct encoded sent;
    struct command_arrived *arrived;
    struct str bytes;
    size_t at;
    (void)state;
    encoded_make(&sent, &ledger_post_form, false);
    static const char count[] = { 0, 0, 0, LEDGER_POST_LEGS_MAX };
    assert_true(str_find(buffer_str(&sent.bytes), str_from_bytes(count, sizeof count), &at));
    bytes = buffer_str(&sent.bytes);
    assert_int_equal(command_decode(&bytes, &integration, &sent.arena, &arrived), 0);
    sent.bytes.at[at + 3]++;
    bytes = buffer_str(&sent.bytes);
    assert_int_equal(command_decode(&bytes, &integration, &sent.arena, &arrived), COMMAND_CODEC_E_BYTES);
    struct ledger_post_input *input = sent.input;
    input->leg_count++;
    buffer_reset(&sent.bytes);
    assert_int_equal(command_encode(&sent.bytes, &sent.command), COMMAND_CODEC_E_SIZE);
    arena_release(&sent.arena);
}

static void sizes(void **state) {
    struct str text;
    static char memory[TEST_BYTES_MAX], part[CONSENT_PART_BYTES_MAX + 1];
    struct buffer out;
    (void)state;
    for (int over = 0; over < 2; over++) {
        struct encoded encoded;
        encoded_make(&encoded, &consent_create_form, true);
        memset(part, 'x', sizeof part);
        text = str_from_bytes(part, sizeof part - 1 + (size_t)over);
        memcpy((char *)encoded.input + consent_create_form.fields[1].offset, &text, sizeof text);
        buffer_init(&out, memory, sizeof memory);
        buffer_append_c(&out, "before");
        assert_int_equal(command_encode(&out, &encoded.command), over ? COMMAND_CODEC_E_SIZE : 0);
        if (over) assert_int_equal(out.len, 6);
        buffer_init(&out, memory, 100); /* no room */
        assert_int_equal(command_encode(&out, &encoded.command), COMMAND_CODEC_E_SIZE);
        assert_false(out.overflow);
        arena_release(&encoded.arena);
    }
}

static void answers_come_back(void **state) {
    struct command command = { .kind = payment_accept_form.kind,
                               .result = COMMAND_DONE,
                               .refusal = PAYMENT_ACCEPT_E_CREDITOR,
                               .resource_id = { 4 },
                               .answer = STR("{\"payment_id\":\"x\"}") };
    struct command back = { .kind = payment_accept_form.kind, .result = COMMAND_UNKNOWN };
    char memory[256];
    struct buffer out;
    (void)state;
    buffer_init(&out, memory, sizeof memory);
    assert_int_equal(command_encode_answer(&out, &command), 0);
    for (size_t len = 0; len < out.len; len++) {
        struct str bytes = str_from_bytes(out.at, len);
        assert_int_equal(command_decode_answer(&bytes, &back), COMMAND_CODEC_E_BYTES);
        assert_int_equal(back.result, COMMAND_UNKNOWN);
    }
    struct str bytes = buffer_str(&out);
    assert_int_equal(command_decode_answer(&bytes, &back), 0);
    assert_int_equal(bytes.len, 0);
    assert_int_equal(back.result, COMMAND_DONE);
    assert_int_equal(back.refusal, PAYMENT_ACCEPT_E_CREDITOR);
    assert_int_equal(back.resource_id[0], 4);
    assert_true(str_equal(back.answer, command.answer));
    memory[4] = PAYMENT_ACCEPT_E_COUNT; /* a refusal that the kind does not have */
    bytes = buffer_str(&out);
    assert_int_equal(command_decode_answer(&bytes, &back), COMMAND_CODEC_E_BYTES);
}

/* k2: the sources' command kinds and the table. */
static const char *const here_only[] = {
    /* of jobs, which run where the engine is */
    "scheduled_due", "standing_order_due", "file_item_due", "expired_delete", "statement_copy", "statement_drop",
};

static bool has_form(struct str name) {
    size_t count;
    const struct command_form *const *forms = command_forms(&count);
    for (size_t i = 0; i < count; i++)
        if (str_equal_c(name, forms[i]->kind->name)) return true;
    for (size_t i = 0; i < ARRAY_COUNT(here_only); i++)
        if (str_equal_c(name, here_only[i])) return true;
    return false;
}

static void look_at_file(const char *path) {
    static const char before[] = "const struct command_kind ";
    struct arena arena;
    struct str text, rest, name;
    size_t at;
    assert_int_equal(arena_init(&arena, 4096, TEST_BYTES_MAX), 0);
    assert_int_equal(file_read_all(path, TEST_BYTES_MAX / 2, &arena, &text, NULL), 0);
    for (rest = text; str_find(rest, str_from_c(before), &at);) {
        rest = str_slice(rest, at + sizeof before - 1, rest.len);
        struct str line = rest;
        (void)str_cut(&line, '=', &name); /* all of it when there is none */
        name = str_trim(name);
        if (!str_ends(name, STR("_kind")) || !str_find(rest, STR(".name = \""), &at)) continue;
        rest = str_slice(rest, at + sizeof ".name = \"" - 1, rest.len);
        (void)str_cut(&rest, '"', &name);
        if (!has_form(name)) fail_msg("%s: %.*s has no form in command_codec.c", path, (int)name.len, name.at);
    }
    arena_release(&arena);
}

static void every_kind_has_a_form(void **state) {
    DIR *folder = opendir("src/integration/command");
    struct dirent *entry;
    char path[512];
    (void)state;
    assert_non_null(folder);
    while ((entry = readdir(folder))) {
        if (!str_ends(str_from_c(entry->d_name), STR(".c")) || str_ends(str_from_c(entry->d_name), STR("_test.c")))
            continue;
        (void)snprintf(path, sizeof path, "src/integration/command/%s", entry->d_name);
        look_at_file(path);
    }
    closedir(folder);
}

static void refusals_fit(void **state) {
    size_t count;
    const struct command_form *const *forms = command_forms(&count);
    (void)state;
    for (size_t i = 0; i < count; i++) assert_true(forms[i]->refusal_count <= COMMAND_REFUSALS_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_comes_back), cmocka_unit_test(audit_is_the_same),
        cmocka_unit_test(broken_bytes),          cmocka_unit_test(choices_are_bounded),
        cmocka_unit_test(holder_fills_in),       cmocka_unit_test(sizes),
        cmocka_unit_test(answers_come_back),     cmocka_unit_test(every_kind_has_a_form),
        cmocka_unit_test(refusals_fit),          cmocka_unit_test(amounts),
        cmocka_unit_test(lists_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
