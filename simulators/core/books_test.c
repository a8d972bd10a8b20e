#include "simulators/core/books.h"

#include "platform/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const int64_t now_ms = 1700000000000;
static char folder[64], path[96];

static int set_up(void **state) {
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/books_test.XXXXXX");
    if (!mkdtemp(folder)) return -1;
    (void)snprintf(path, sizeof path, "%s/books", folder);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    return dir_remove(folder, NULL);
}

static struct books *open_books(void) {
    struct message message = { "" };
    struct books *books = NULL;
    int r = books_open(path, &books, &message);
    if (r) print_error("%s\n", message.text);
    assert_int_equal(r, 0);
    return books;
}

static struct txn_record txn(const char *creditor, const char *minor, const char *reference) {
    struct txn_record record;
    char text[sizeof record + 1];
    (void)snprintf(text, sizeof text, "TXN%20s%20s%012llu%s%s%35s", "20202011111111", creditor,
                   strtoull(minor, NULL, 10), "GBP", "20231114221320", reference);
    memcpy(&record, text, sizeof record);
    return record;
}

static struct reference_record of(const char *tag, const char *reference) {
    struct reference_record record;
    char text[sizeof record + 1];
    (void)snprintf(text, sizeof text, "%s%35s", tag, reference);
    memcpy(&record, text, sizeof record);
    return record;
}

/* Performs "T creditor amount reference", "E reference" or "R reference". */
static struct answer_record act(struct books *books, const char *step) {
    struct answer_record answer;
    char words[4][40] = { "" };
    struct str rest = str_from_c(step), word;
    int r;
    for (size_t i = 0; rest.len; i++) {
        (void)str_cut(&rest, ' ', &word);
        assert_int_equal(str_to_c(word, words[i], sizeof words[i]), 0);
    }
    if (step[0] == 'T') {
        struct txn_record record = txn(words[1], words[2], words[3]);
        assert_true(txn_record_is_sound(&record));
        r = books_book(books, &record, now_ms, &answer);
    } else if (step[0] == 'E') {
        struct reference_record record = of("ENQ", words[1]);
        r = books_enquire(books, &record, now_ms, &answer);
    } else {
        struct reference_record record = of("REV", words[1]);
        r = books_reverse(books, &record, now_ms, &answer);
    }
    assert_int_equal(r, 0);
    assert_int_equal(books_flush(books), 0);
    return answer;
}

static const struct { const char *name; struct { const char *step, *code; } steps[6];
} cases[] = {
    { "a booking keeps its answer", { { "T 9 100 a", "00" }, { "T 9 100 a", "00" }, { "E a", "00" } } },
    { "other bytes are refused",
      { { "T 9 100 a", "00" }, { "T 9 101 a", "47" }, { "T 8 100 a", "47" }, { "E a", "00" } } },
    { "unseen and enquired is barred",
      { { "E a", "44" }, { "T 9 100 a", "46" }, { "E a", "44" }, { "T 9 100 a", "46" } } },
    { "unseen and reversed is barred", { { "R a", "45" }, { "T 9 100 a", "46" }, { "R a", "45" }, { "E a", "44" } } },
    { "a booking reversed once",
      { { "T 9 100 a", "00" }, { "R a", "00" }, { "R a", "00" }, { "E a", "48" }, { "T 9 100 a", "48" } } },
    { "creditor refused",
      { { "T 90000000 100 a", "14" },
        { "T 90000000 100 a", "14" },
        { "E a", "14" },
        { "R a", "45" },
        { "E a", "14" } } },
    { "six zeros are no refusal", { { "T 9000000 100 a", "00" } } },
    { "zero is refused", { { "T 9 0 a", "13" }, { "E a", "13" }, { "T 9 0 b", "13" } } },
    { "largest amount", { { "T 9 999999999999 a", "00" }, { "E a", "00" } } },
    { "debtor is creditor", { { "T 20202011111111 5 a", "00" }, { "R a", "00" } } },
    { "references are apart",
      { { "T 9 1 a", "00" }, { "E b", "44" }, { "T 9 1 c", "00" }, { "E a", "00" }, { "T 9 1 b", "46" } } },
};

/* Every case twice: in one life, and with the books closed and read back before each step (C1, C2, C3). */
static void codes_are_as_documented(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(cases) * 2; i++) {
        bool reopen = i % 2;
        struct books *books = open_books();
        struct answer_record first = { 0 };
        for (size_t j = 0; j < ARRAY_COUNT(cases[0].steps) && cases[i / 2].steps[j].step; j++) {
            const char *step = cases[i / 2].steps[j].step, *code = cases[i / 2].steps[j].code;
            if (reopen) books = (books_free(books), open_books());
            struct answer_record answer = act(books, step);
            if (memcmp(answer.code, code, 2) != 0) fail_msg("%s: %s gave %.2s", cases[i / 2].name, step, answer.code);
            if (j == 0) first = answer;
            else if (step[0] == 'T' && strcmp(step, cases[i / 2].steps[0].step) == 0 && code[0] != '4')
                assert_memory_equal(&answer, &first, sizeof answer);
        }
        books = books_free(books);
        assert_int_equal(unlink(path), 0);
    }
}

static char *listed(bool json) {
    static char text[8192];
    struct books *books;
    assert_int_equal(books_read(path, &books, NULL), 0);
    FILE *out = fmemopen(text, sizeof text, "w");
    assert_non_null(out);
    books_list(books, out, json);
    assert_int_equal(fclose(out), 0);
    books = books_free(books);
    return text;
}

static void list_shows_bookings_and_balances(void **state) {
    (void)state;
    struct books *books = open_books();
    struct answer_record answer = act(books, "T 9 100 a");
    assert_memory_equal(answer.core_reference, "GC0000000000000001", 18);
    assert_memory_equal(answer.timestamp, "20231114221320", 14);
    answer = act(books, "E a");
    assert_memory_equal(answer.core_reference, "GC0000000000000001", 18);
    (void)act(books, "T 8 50 b");
    (void)act(books, "T 90000000 7 refused");
    answer = act(books, "E barred");
    assert_memory_equal(answer.core_reference, "                  ", 18);
    (void)act(books, "R b");
    books = books_free(books);
    assert_string_equal(listed(false), "booking a 20202011111111 9 100 GBP 1 0\n"
                                       "booking b 20202011111111 8 50 GBP 1 1\n"
                                       "balance 20202011111111 GBP -100\nbalance 9 GBP 100\nbalance 8 GBP 0\n"
                                       "refused 1\nbarred 1\n");
    assert_non_null(strstr(listed(true),
                           "{\"bookings\":[\n{\"reference\":\"a\",\"debtor\":\"20202011111111\",\"creditor\":\"9\","
                           "\"amount_minor\":100,\"currency\":\"GBP\",\"timestamp\":\"20231114221320\","
                           "\"core_reference\":\"GC0000000000000001\",\"times_booked\":1,\"times_reversed\":0},"));
    assert_int_equal(unlink(path), 0);
}

static off_t file_bytes(void) {
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_size;
}

static void cut(off_t bytes) {
    assert_int_equal(truncate(path, bytes), 0);
}

static void spoil(long at, char c) {
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_equal(fputc(c, file), c);
    assert_int_equal(fclose(file), 0);
}

/* (R2) at every length that a dying process can leave: what was whole is there, the unfinished line is gone for
 * good. */
static void torn_last_line_is_dropped(void **state) {
    (void)state;
    struct books *books = open_books();
    off_t sizes[3] = { file_bytes() };
    (void)act(books, "T 9 100 a");
    sizes[1] = file_bytes();
    (void)act(books, "T 9 100 b");
    sizes[2] = file_bytes();
    books = books_free(books);
    for (off_t bytes = sizes[2] - 1; bytes >= 0; bytes--) {
        cut(bytes);
        off_t whole = bytes >= sizes[1] ? sizes[1] : sizes[0];
        books = open_books();
        assert_int_equal(file_bytes(), whole);
        books = books_free(books);
        cut(bytes < whole ? bytes : whole);
    }
    books = open_books();
    assert_memory_equal(act(books, "T 9 100 b").code, "00", 2);
    assert_memory_equal(act(books, "E a").code, "44", 2);
    books = books_free(books);
    assert_int_equal(unlink(path), 0);
}

static void damage_is_refused(void **state) {
    (void)state;
    struct message message = { "" };
    struct books *books = open_books();
    off_t begin = file_bytes();
    (void)act(books, "T 9 100 a");
    (void)act(books, "T 9 100 b");
    off_t end = file_bytes();
    books = books_free(books);
    char *bytes = malloc((size_t)end);
    FILE *file = fopen(path, "rb");
    assert_true(bytes && file && fread(bytes, 1, (size_t)end, file) == (size_t)end);
    assert_int_equal(fclose(file), 0);
    for (off_t at = 0; at < end - 1;
         at += 7) { /* the last byte is a line end: without it the line is torn, not damaged */
        spoil(at, bytes[at] == '1' ? '2' : '1');
        assert_int_equal(books_open(path, &books, &message), -EBADMSG);
        assert_int_equal(books_read(path, &books, &message), -EBADMSG);
        assert_int_equal(file_bytes(), end);
        spoil(at, bytes[at]);
    }
    assert_non_null(strstr(message.text, "damaged"));
    /* A line that is missing in the middle is damage too, though every line left is sound. */
    size_t line = (size_t)(end - begin) / 2;
    assert_int_equal(file_write_atomic(path, STR(""), 0600, NULL), 0);
    file = fopen(path, "wb");
    assert_true(file && fwrite(bytes, 1, (size_t)begin, file) == (size_t)begin);
    assert_true(fwrite(bytes + begin + line, 1, line, file) == line);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(books_open(path, &books, NULL), -EBADMSG);
    assert_int_equal(file_write_atomic(path, STR("something else"), 0600, NULL), 0);
    assert_int_equal(books_open(path, &books, NULL), -EBADMSG);
    assert_int_equal(file_bytes(), 14); /* not ours: not cut */
    free(bytes);
    assert_int_equal(unlink(path), 0);
}

static void one_core_writes(void **state) {
    (void)state;
    struct message message = { "" };
    struct books *first = open_books(), *second = NULL;
    assert_int_equal(books_open(path, &second, &message), BOOKS_E_LOCKED);
    assert_null(second);
    assert_int_equal(books_read(path, &second, &message), 0); /* looking is free */
    second = books_free(second);
    first = books_free(first);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(books_read(path, &second, &message), -ENOENT);
}

static void many_references_stay_apart(void **state) {
    (void)state;
    struct books *books = open_books();
    struct answer_record answer;
    char reference[36];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3000; i++) {
            (void)snprintf(reference, sizeof reference, "r%d", i);
            struct txn_record record = txn("9", "1", reference);
            assert_int_equal(books_book(books, &record, now_ms, &answer), 0);
            assert_memory_equal(answer.code, "00", 2);
            (void)snprintf(reference, sizeof reference, "GC%016d", i + 1);
            assert_memory_equal(answer.core_reference, reference, 18);
        }
        assert_int_equal(books_flush(books), 0);
        books = (books_free(books), open_books());
    }
    books = books_free(books);
    struct books *seen;
    assert_int_equal(books_read(path, &seen, NULL), 0);
    FILE *out = tmpfile();
    assert_non_null(out);
    books_list(seen, out, false);
    rewind(out);
    int bookings = 0;
    char line[256];
    while (fgets(line, sizeof line, out)) {
        bookings += strstr(line, "booking ") == line && strstr(line, " GBP 1 0\n") != NULL;
        if (strstr(line, "balance 9 ") == line) assert_string_equal(line, "balance 9 GBP 3000\n");
    }
    assert_int_equal(bookings, 3000);
    assert_int_equal(fclose(out), 0);
    seen = books_free(seen);
    assert_int_equal(unlink(path), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_are_as_documented),
        cmocka_unit_test(list_shows_bookings_and_balances),
        cmocka_unit_test(torn_last_line_is_dropped),
        cmocka_unit_test(damage_is_refused),
        cmocka_unit_test(one_core_writes),
        cmocka_unit_test(many_references_stay_apart),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
