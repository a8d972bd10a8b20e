#include "services/aml/aml.h"

struct aml_words {
    size_t count;
    struct str word[AML_WORDS_MAX];
    char bytes[AML_WORDS_MAX * AML_WORD_BYTES_MAX];
};
struct aml_name {
    int64_t id;
    uint64_t mask; /* bit per word hash: a cheap "cannot match" */
    uint32_t first, count;
};
struct aml_list {
    struct arena arena;
    struct aml_name *names;
    struct str *words;
    size_t name_count, word_count, name_capacity, word_capacity;
};

/* ASCII of a Latin letter with an accent (U+00C0..U+017F, folded roughly as passports do), 0 = separates. */
static char fold_latin(unsigned code) {
    static const char latin1[] = "AAAAAAACEEEEIIIIDNOOOOO OUUUUYTSAAAAAAACEEEEIIIIDNOOOOO OUUUUYTY";
    static const char extended[] = "AAAAAACCCCCCCCDDDDEEEEEEEEEEGGGGGGGGHHHHIIIIIIIIIIIIJJKKKLLLLLLLLLLNNNNN"
                                   "NNNNOOOOOOOORRRRRRSSSSSSSSTTTTTTUUUUUUUUUUUUWWYYYZZZZZZS";
    if (code >= 0xc0 && code <= 0xff) return latin1[code - 0xc0] == ' ' ? 0 : latin1[code - 0xc0];
    if (code >= 0x100 && code < 0x100 + sizeof extended - 1) return extended[code - 0x100];
    return 0;
}

/* The next character of *s folded, 0 = separator; advances. Bytes beyond two-byte UTF-8 are kept as they are (other
 * scripts). */
static char fold_next(struct str *s, char *ret_raw) {
    unsigned char c = (unsigned char)s->at[0];
    *ret_raw = 0;
    if (c >= 0xc3 && c <= 0xc5 && s->len > 1) {
        unsigned code = (c & 0x1fu) << 6 | ((unsigned char)s->at[1] & 0x3fu);
        *s = str_slice(*s, 2, s->len);
        return fold_latin(code);
    }
    *s = str_slice(*s, 1, s->len);
    if (c >= 'a' && c <= 'z') return (char)(c - 32);
    if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return (char)c;
    if (c >= 0x80) *ret_raw = (char)c;
    return 0;
}

/* Without the combining marks it begins with (U+0300..U+036F): an accent written as a character of its own is still
 * only an accent. */
static struct str skip_marks(struct str s) {
    while (s.len > 1) {
        unsigned char first = (unsigned char)s.at[0], second = (unsigned char)s.at[1];
        if (!(first == 0xcc && second >= 0x80) && !(first == 0xcd && second >= 0x80 && second <= 0xaf)) break;
        s = str_slice(s, 2, s.len);
    }
    return s;
}

static void words_of(struct str name, struct aml_words *ret_words) {
    size_t used = 0, start = 0;
    bool joining;
    ret_words->count = 0;
    name = skip_marks(name);
    while (name.len) {
        char raw, c = fold_next(&name, &raw);
        name = skip_marks(name);
        if (!c) c = raw;
        joining = c != 0 && used < sizeof ret_words->bytes;
        if (joining) ret_words->bytes[used++] = c;
        if ((!joining || !name.len) && used > start && ret_words->count < AML_WORDS_MAX) {
            ret_words->word[ret_words->count++] = str_from_bytes(ret_words->bytes + start, used - start);
            start = used;
        }
    }
}

static uint64_t word_bit(struct str word) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < word.len; i++) hash = (hash ^ (unsigned char)word.at[i]) * 16777619u;
    return UINT64_C(1) << ((hash ^ hash >> 16) & 63);
}

static uint64_t words_mask(const struct str *words, size_t count) {
    uint64_t mask = 0;
    for (size_t i = 0; i < count; i++) mask |= word_bit(words[i]);
    return mask;
}

static bool has_word(const struct aml_words *words, struct str word) {
    for (size_t i = 0; i < words->count; i++)
        if (str_equal(words->word[i], word)) return true;
    return false;
}

static bool name_hits(const struct aml_list *list, const struct aml_name *name, const struct aml_words *words) {
    if (name->count == 1 && words->count != 1) return false;
    for (uint32_t i = 0; i < name->count; i++)
        if (!has_word(words, list->words[name->first + i])) return false;
    return name->count > 0;
}

int64_t aml_screen(const struct aml_list *list, struct str name) {
    struct aml_words words;
    words_of(name, &words);
    uint64_t mask = words_mask(words.word, words.count);
    for (size_t i = 0; i < list->name_count; i++)
        if (!(list->names[i].mask & ~mask) && name_hits(list, &list->names[i], &words)) return list->names[i].id;
    return 0;
}

static bool grow(void **array, size_t *capacity, size_t need, size_t bytes) {
    if (need <= *capacity) return true;
    size_t larger = *capacity ? *capacity * 2 : 256;
    while (larger < need) larger *= 2;
    void *at = realloc(*array, larger * bytes);
    if (!at) return false;
    *array = at;
    *capacity = larger;
    return true;
}

static int list_add(struct aml_list *list, int64_t id, struct str text) {
    struct aml_words words;
    words_of(text, &words);
    if (words.count == 0) return -EINVAL;
    if (list->name_count == AML_NAMES_MAX) return -E2BIG;
    if (!grow((void **)&list->names, &list->name_capacity, list->name_count + 1, sizeof *list->names) ||
        !grow((void **)&list->words, &list->word_capacity, list->word_count + words.count, sizeof *list->words))
        return -ENOMEM;
    list->names[list->name_count++] = (struct aml_name){ .id = id,
                                                         .mask = words_mask(words.word, words.count),
                                                         .first = (uint32_t)list->word_count,
                                                         .count = (uint32_t)words.count };
    for (size_t i = 0; i < words.count; i++) {
        struct str copy = arena_dup(&list->arena, words.word[i]);
        if (!copy.at) return -ENOMEM;
        list->words[list->word_count++] = copy;
    }
    return 0;
}

static int read_line(struct aml_list *list, struct str line) {
    struct str id_text, name;
    uint64_t id;
    if (!str_cut(&line, ',', &id_text) || str_to_u64(id_text, &id) || id == 0 || id > INT64_MAX) return -EINVAL;
    if (line.len && line.at[0] == '"') {
        line = str_slice(line, 1, line.len);
        if (!str_cut(&line, '"', &name)) return -EINVAL;
    } else {
        (void)str_cut(&line, ',', &name); /* the last column may be the name */
    }
    return list_add(list, (int64_t)id, name);
}

int aml_list_read(struct str text, struct aml_list **ret_list, struct message *message) {
    struct aml_list *list = calloc(1, sizeof *list);
    if (!list || arena_init(&list->arena, 64 * 1024, 2 * (size_t)AML_LIST_BYTES_MAX)) {
        free(list);
        return err_origin(-ENOMEM);
    }
    size_t line_number = 0;
    struct str line;
    bool more = text.len > 0;
    while (more) {
        more = str_cut(&text, '\n', &line);
        line = str_trim(line);
        if (line.len && line.at[line.len - 1] == '\r') line.len--;
        line_number++;
        if (line.len == 0 || line.at[0] == '#') continue;
        int r = read_line(list, line);
        if (!r) continue;
        message_set(message, "line %zu: want id,\"NAME\" with an id above 0 and at most %d names", line_number,
                    AML_NAMES_MAX);
        aml_list_free(list);
        return err_origin(r);
    }
    *ret_list = list;
    return 0;
}

struct aml_list *aml_list_free(struct aml_list *list) {
    if (!list) return NULL;
    arena_release(&list->arena);
    free(list->names);
    free(list->words);
    free(list);
    return NULL;
}

size_t aml_list_count(const struct aml_list *list) {
    return list->name_count;
}

int aml_check(struct work *work, const struct aml_list *list, const struct aml_subject *subject, int64_t *ret_hit) {
    struct view view = view_of(work, "aml");
    int64_t hit = aml_screen(list, subject->creditor_name);
    struct event event = { .type = hit ? EVENT_AML_FLAGGED : EVENT_AML_CLEARED,
                           .payment_id = subject->payment_id,
                           .account_id = subject->account_id,
                           .amount = subject->amount,
                           .reason = hit ? PAYMENT_REASON_SANCTIONS : PAYMENT_REASON_NONE };
    memcpy(event.subject, subject->payment_id.bytes, 16);
    int r = view_event(&view, &event);
    if (r) return err_trace(r);
    *ret_hit = hit;
    return 0;
}
