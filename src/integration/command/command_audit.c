/* command_audit.c - the audit record of a command: who asked stands beforehand, the rest comes with the answer, on
 * whichever node decides. */
#include "integration/command.h"

#include "observe/mask.h"
#include "platform/clock.h"

int64_t command_audit_elapsed_us(const struct command_audit *audit) {
    int64_t us = (clock_mono_ns() - audit->began_ns) / 1000;
    if (us < 0) return 0;
    return us < COMMAND_AUDIT_ELAPSED_US_MAX ? us : COMMAND_AUDIT_ELAPSED_US_MAX;
}

void command_audit_began(struct command_audit *audit, int64_t elapsed_us) {
    audit->began_ns = clock_mono_ns() - elapsed_us * 1000;
}

int command_audit_status(const struct command_audit *audit, int refusal) {
    if (audit->statuses) return refusal < audit->status_count ? audit->statuses[refusal] : 0;
    return audit->status_of ? audit->status_of(audit->owner, refusal) : 0;
}

/* What a mask shows is stars, ASCII letters and digits: nothing to escape. */
static void show_masked(struct buffer *out, enum personal_kind kind, struct str text) {
    struct masked masked = mask_text(kind, text);
    buffer_append_char(out, '"');
    for (const char *at = masked.text; *at; at++)
        if (*at != '"' && *at != '\\') buffer_append_char(out, *at);
    buffer_append_char(out, '"');
}

bool command_audit_mask(struct buffer *out, const struct json_mask *mask, struct str text, bool fits,
                        struct arena *arena) {
    struct json_mask_options options = {
        .bytes_max = AUDIT_BODY_BYTES_MAX, .fits = fits, .arena = arena, .show = show_masked
    };
    return json_mask_write(mask, text, &options, out);
}

/* The answer of an accepted command is this program's own document: it fits. */
static void mask_answer(struct buffer *out, const struct command_audit *audit, const struct command_answer *answer,
                        struct audit_body *ret_body) {
    if (!audit->answer_mask || answer->refusal || answer->body.len == 0) return;
    ret_body->cut = !command_audit_mask(out, audit->answer_mask, answer->body, true, NULL);
    if (!out->overflow) ret_body->json = buffer_str(out);
}

void command_audit_write(struct buffer *out, const struct command_audit *audit, const struct command_answer *answer) {
    char memory[AUDIT_BODY_BYTES_MAX];
    struct buffer body;
    struct audit_record record = audit->record;
    bool decided = answer->result == ANSWER_DONE || answer->result == ANSWER_REPLAYED;
    record.status = 0;
    record.outcome = "undecided";
    record.duration_us = command_audit_elapsed_us(audit);
    memcpy(record.resource_id, answer->resource_id, sizeof record.resource_id);
    if (decided && answer->refusal == 0) record.outcome = answer->result == ANSWER_REPLAYED ? "replayed" : "accepted";
    if (decided && answer->refusal > 0) {
        record.outcome = answer->refusal_name;
        record.status = command_audit_status(audit, answer->refusal);
        record.check = "decision";
    }
    if (answer->result == ANSWER_KEY_REUSED) {
        record.outcome = "idempotency_key_reused";
        record.check = "idempotency";
    }
    buffer_init(&body, memory, sizeof memory);
    if (decided) mask_answer(&body, audit, answer, &record.response);
    audit_encode(&record, out);
}
