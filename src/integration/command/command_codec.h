/* command_codec.h - a command as bytes: from a node that has no engine to the one that has, and its answer back.
 *
 * (K1) What is decoded is what was encoded; every byte is used, and what does not fit its description is refused: both
 * sides run the same descriptions, which the nodes compare before the first command (command_codec_version). (K2) Every
 * kind that may be forwarded has a form in the table of command_codec.c; a test compares it with the sources. (K3) What
 * only the holder knows (its own parts, its breaker) never travels: `arrive` fills it in there. Tests:
 * command_codec_test.c, k1..k3. */
#ifndef GIRO_INTEGRATION_COMMAND_COMMAND_CODEC_H
#define GIRO_INTEGRATION_COMMAND_COMMAND_CODEC_H

#include "integration/integration.h"

enum {
    COMMAND_CODEC_VERSION = 2, /* grows when the meaning of the bytes changes and the forms do not show it */
    COMMAND_ENCODED_BYTES_MAX = 832 * 1024, /* one command: the largest is a file of payments */
    COMMAND_NOTE_BYTES_MAX = 16 * 1024,     /* a text that the decision judges: longer than any it accepts */
    COMMAND_REFUSALS_MAX = 32,              /* codes of one kind, none included */
};

enum command_field_type {
    FIELD_I64,      /* int64_t */
    FIELD_CHOICE,   /* int or enum in [0, max) */
    FIELD_BOOL,     /* bool */
    FIELD_CURRENCY, /* struct currency: one that is known */
    FIELD_MONEY,    /* struct money: of a known currency, more than zero */
    FIELD_AMOUNT,   /* struct money: of a known currency or of none; the decision judges it */
    FIELD_ID,       /* 16 bytes */
    FIELD_HASH,     /* struct hash */
    FIELD_TEXT,     /* struct str of at most max bytes */
    FIELD_COUNTED,  /* bytes at[max] with uint8_t len behind them: the personal types and their like */
    FIELD_CHARS,    /* char[max] that ends with a NUL */
    FIELD_LIST,     /* at most max elements of an array, a size_t says how many */
};
struct command_field {
    enum command_field_type type;
    size_t offset, max;
    const struct command_list *list; /* FIELD_LIST */
};
struct command_list {
    size_t element_bytes, count_offset; /* the count's place is the owner's */
    const struct command_field *fields; /* of an element; no lists */
    size_t field_count;
};
#define FIELD(owner, member, kind)                                                                                     \
    { .type = FIELD_##kind, .offset = offsetof(owner, member) }
#define FIELD_MAX(owner, member, kind, most)                                                                           \
    { .type = FIELD_##kind, .offset = offsetof(owner, member), .max = (most) }
#define FIELD_SHORT(owner, member)                                                                                     \
    { .type = FIELD_COUNTED, .offset = offsetof(owner, member), .max = sizeof(((owner *)NULL)->member) - 1 }
#define FIELD_ELEMENTS(owner, member, most, description)                                                               \
    { .type = FIELD_LIST, .offset = offsetof(owner, member), .max = (most), .list = &(description) }

/* The input of one kind, a static table beside it. */
struct command_form {
    const struct command_kind *kind;
    size_t input_bytes;
    const struct command_field *fields;
    size_t field_count;
    int refusal_count; /* the kind's codes are 1..refusal_count - 1; 0 = none */
    /* On the holder: fills in what only it knows, in the arena; false when the input cannot be one that a command
     * function made. */
    bool (*arrive)(struct integration *integration, struct arena *arena, void *input);
};

#define COMMAND_CODEC_E_MAP(X)                                                                                         \
    X(COMMAND_CODEC_E_KIND, "a kind that is not forwarded")                                                            \
    X(COMMAND_CODEC_E_SIZE, "too large") X(COMMAND_CODEC_E_BYTES, "malformed")
#define X(code, name) code,
enum command_codec_refusal { COMMAND_CODEC_E_NONE = 0, COMMAND_CODEC_E_MAP(X) COMMAND_CODEC_E_COUNT };
#undef X

/* What both sides must have in common. */
struct hash command_codec_version(void);

/* Appends command->kind, input, idempotency and audit. 0; COMMAND_CODEC_E_KIND; COMMAND_CODEC_E_SIZE, also when out has
 * no room (out as it was). */
int command_encode(struct buffer *out, const struct command *command);

/* A command that came over the wire; all of it lives in the arena. */
struct command_arrived {
    struct command command; /* on_reply and owner are the caller's to set */
    struct command_audit audit;
    uint16_t statuses[COMMAND_REFUSALS_MAX];
};
/* Takes one command from the front of *bytes. 0; COMMAND_CODEC_E_KIND, _BYTES (*bytes is of no more use); -ENOMEM. */
int command_decode(struct str *bytes, struct integration *integration, struct arena *arena,
                   struct command_arrived **ret_arrived);

/* Result, refusal, resource_id and answer of a decided command. 0 or COMMAND_CODEC_E_SIZE (out as it was). */
int command_encode_answer(struct buffer *out, const struct command *command);
/* Into command->result, refusal, resource_id, answer (borrowed from bytes). 0 or COMMAND_CODEC_E_BYTES: the command is
 * left as it is. */
int command_decode_answer(struct str *bytes, struct command *command);

/* The forms, for tests. */
const struct command_form *const *command_forms(size_t *ret_count);

extern const struct command_form account_consent_create_form, account_consent_change_form, payment_accept_form,
    consent_create_form, account_open_form, account_fund_form, client_register_form, customer_register_form,
    assertion_spend_form, token_issue_form, pushed_store_form, code_exchange_form, token_revoke_form,
    authorize_open_form, authorize_login_form, customer_login_form, customer_logout_form, customer_withdraw_form,
    authorize_account_form, authorize_confirm_form, authorize_reject_form, authorize_at_once_form, core_result_form,
    saga_wake_form, schedule_create_form, schedule_cancel_form, standing_create_form, standing_cancel_form,
    file_create_form, ledger_post_form, ledger_reverse_form, payment_refund_form, account_change_form, hold_change_form,
    close_day_form, seal_day_form, statement_rebuild_form, client_change_form, client_settle_form, quota_form,
    client_limits_form, token_refresh_form;

#endif
