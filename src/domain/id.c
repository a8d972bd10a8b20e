#include "domain/id.h"

#include "platform/encoding.h"

static const size_t id_dashes[] = { 8, 13, 18, 23 }; /* places in the 36 characters of the text form */
static const int64_t ID_MS_MAX = ((int64_t)1 << 48) - 1;
static const uint64_t ID_COUNTER_MAX = ((uint64_t)1 << 42) - 1;

bool id_is_zero(const uint8_t id[ID_BYTES]) {
    static const uint8_t zero[ID_BYTES];
    return memcmp(id, zero, ID_BYTES) == 0;
}

bool id_equal(const uint8_t a[ID_BYTES], const uint8_t b[ID_BYTES]) {
    return memcmp(a, b, ID_BYTES) == 0;
}

struct str id_format_hex(const uint8_t id[ID_BYTES], char text[ID_HEX_BYTES]) {
    *hex_put(text, id, ID_BYTES) = 0;
    return (struct str){ .at = text, .len = ID_HEX_BYTES - 1 };
}

struct str id_format(const uint8_t id[ID_BYTES], char text[ID_TEXT_BYTES]) {
    char hex[ID_HEX_BYTES];
    (void)hex_put(hex, id, ID_BYTES);
    memcpy(text, hex, 8);
    memcpy(text + 9, hex + 8, 4);
    memcpy(text + 14, hex + 12, 4);
    memcpy(text + 19, hex + 16, 4);
    memcpy(text + 24, hex + 20, 12);
    for (size_t i = 0; i < ARRAY_COUNT(id_dashes); i++) text[id_dashes[i]] = '-';
    text[ID_TEXT_BYTES - 1] = 0;
    return (struct str){ .at = text, .len = ID_TEXT_BYTES - 1 };
}

int id_parse(struct str text, uint8_t ret_id[ID_BYTES]) {
    char hex[ID_HEX_BYTES - 1];
    if (text.len != ID_TEXT_BYTES - 1) return -EINVAL;
    for (size_t i = 0; i < ARRAY_COUNT(id_dashes); i++)
        if (text.at[id_dashes[i]] != '-') return -EINVAL;
    memcpy(hex, text.at, 8); /* another dash is no digit */
    memcpy(hex + 8, text.at + 9, 4);
    memcpy(hex + 12, text.at + 14, 4);
    memcpy(hex + 16, text.at + 19, 4);
    memcpy(hex + 20, text.at + 24, 12);
    return id_parse_hex(str_from_bytes(hex, sizeof hex), ret_id);
}

int id_parse_hex(struct str text, uint8_t ret_id[ID_BYTES]) {
    uint8_t id[ID_BYTES];
    if (text.len != ID_HEX_BYTES - 1 || hex_decode(text, id, sizeof id)) return -EINVAL;
    memcpy(ret_id, id, sizeof id);
    return 0;
}

void id_sequence_next(struct id_sequence *sequence, int64_t now_ms, uint8_t ret_id[ID_BYTES]) {
    check(now_ms <= ID_MS_MAX);
    if (now_ms > sequence->ms) {
        sequence->ms = now_ms;
        sequence->counter = 0;
    } else if (sequence->counter == ID_COUNTER_MAX) {
        check(sequence->ms < ID_MS_MAX);
        sequence->ms++;
        sequence->counter = 0;
    } else {
        sequence->counter++;
    }
    uint64_t high = (uint64_t)sequence->ms << 16 | 0x7000 | sequence->counter >> 30;
    uint64_t low = (uint64_t)2 << 62 | (sequence->counter & 0x3fffffff) << 32 | sequence->salt;
    for (size_t i = 0; i < 8; i++) {
        ret_id[i] = (uint8_t)(high >> (56 - 8 * i));
        ret_id[8 + i] = (uint8_t)(low >> (56 - 8 * i));
    }
}

int64_t id_time_ms(const uint8_t id[ID_BYTES]) {
    uint64_t ms = 0;
    for (size_t i = 0; i < 6; i++) ms = ms << 8 | id[i];
    return (int64_t)ms;
}
