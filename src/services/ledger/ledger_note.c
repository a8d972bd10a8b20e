#include "services/ledger/ledger_note.h"

#include "engine/engine.h"

/* A note is: bytes of the key (1), key, bytes of the value (2, big-endian), value. */
enum { NOTE_LENGTHS_BYTES = 3 };

static bool key_fits(struct str key) {
    if (key.len < 1 || key.len > LEDGER_NOTE_KEY_BYTES_MAX) return false;
    for (size_t i = 0; i < key.len; i++) {
        char c = key.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
    }
    return true;
}

static bool notes_fit(const struct ledger_note *notes, size_t count) {
    if (count > LEDGER_NOTES_MAX) return false;
    for (size_t i = 0; i < count; i++) {
        if (!key_fits(notes[i].key) || notes[i].value.len > LEDGER_NOTE_VALUE_BYTES_MAX) return false;
        for (size_t j = 0; j < i; j++)
            if (str_equal(notes[i].key, notes[j].key)) return false;
    }
    return true;
}

void ledger_want_note(struct work *work, enum ledger_note_subject subject, int64_t number) {
    struct ledger_note_row probe = { .subject = subject, .number = number };
    work_want(work, &ledger_note_table, 0, &probe);
}

static struct str notes_join(const struct view *view, const struct ledger_note *notes, size_t count) {
    struct buffer out;
    char *memory = arena_alloc(view_arena(view), LEDGER_NOTE_BYTES_MAX);
    if (!memory) return (struct str){ 0 };
    buffer_init(&out, memory, LEDGER_NOTE_BYTES_MAX);
    for (size_t i = 0; i < count; i++) {
        buffer_append_char(&out, (char)notes[i].key.len);
        buffer_append_str(&out, notes[i].key);
        buffer_append_char(&out, (char)(notes[i].value.len >> 8));
        buffer_append_char(&out, (char)(notes[i].value.len & 0xff));
        buffer_append_str(&out, notes[i].value);
    }
    return buffer_str(&out);
}

int ledger_note_write(struct work *work, enum ledger_note_subject subject, int64_t number,
                      const struct ledger_note *notes, size_t count) {
    struct view view = view_of(work, "ledger");
    struct ledger_note_row row = { .subject = subject, .number = number };
    const void *found = NULL;
    if (!notes_fit(notes, count)) return LEDGER_NOTE_E_INPUT;
    if (subject == LEDGER_NOTE_ACCOUNT) {
        int r = view_get(&view, &ledger_note_table, &row, &found);
        if (r) return r;
    }
    if (!count) return found ? err_trace(view_delete(&view, &ledger_note_table, &row)) : 0;
    row.text = notes_join(&view, notes, count);
    if (!row.text.at) return err_origin(-ENOMEM);
    /* A transaction's number is fresh: not looked up, and a second writing fails the commit (N2). */
    return err_trace(found ? view_update(&view, &ledger_note_table, &row)
                           : view_insert(&view, &ledger_note_table, &row));
}

bool ledger_note_next(struct str *text, struct ledger_note *ret_note) {
    const uint8_t *at = (const uint8_t *)text->at;
    if (text->len < NOTE_LENGTHS_BYTES) return false;
    size_t key = at[0];
    if (text->len < NOTE_LENGTHS_BYTES + key) return false;
    size_t value = (size_t)at[1 + key] << 8 | at[2 + key];
    if (text->len < NOTE_LENGTHS_BYTES + key + value) return false;
    ret_note->key = str_slice(*text, 1, 1 + key);
    ret_note->value = str_slice(*text, NOTE_LENGTHS_BYTES + key, NOTE_LENGTHS_BYTES + key + value);
    *text = str_slice(*text, NOTE_LENGTHS_BYTES + key + value, text->len);
    return true;
}
