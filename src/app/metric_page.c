#include "app/metric_page.h"

/* Whether label stands whole among labels, "a=\"1\",b=\"2\"". The labels of our own pages hold no escaped quotes. */
static bool has_label(struct str labels, struct str label) {
    struct str one;
    while (labels.len) {
        (void)str_cut(&labels, ',', &one); /* the last label has no comma behind it */
        if (str_equal(one, label)) return true;
    }
    return label.len == 0;
}

/* The line's value; false when it is of another family or lacks the label. */
static bool matches(struct str line, struct str family, struct str label, struct str *ret_value) {
    struct str labels = STR("");
    if (!str_starts(line, family)) return false;
    line = str_slice(line, family.len, line.len);
    if (line.len && line.at[0] == '{') {
        line = str_slice(line, 1, line.len);
        if (!str_cut(&line, '}', &labels)) return false;
    }
    if (!line.len || line.at[0] != ' ' || !has_label(labels, label)) return false;
    *ret_value = str_trim(line);
    return true;
}

bool metric_page_sum(struct str page, struct str family, struct str label, uint64_t *ret_sum) {
    struct str line, value;
    uint64_t sum = 0, number;
    while (page.len) {
        (void)str_cut(&page, '\n', &line); /* the last line may lack its end */
        if (!matches(line, family, label, &value)) continue;
        if (str_to_u64(value, &number) || checked_add(sum, number, &sum)) return false;
    }
    *ret_sum = sum;
    return true;
}
