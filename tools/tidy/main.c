/* tidy [ROOT] - reads the sources like code and fails on what the design forbids. Exit codes: 0 tidy, 1 faults, 2
 * trouble. */
#include "tools/tidy/tree.h"

int main(int argc, char **argv) {
    struct buffer out;
    size_t files = 0;
    const char *root = argc > 1 ? argv[1] : ".";
    if (argc > 2) {
        fprintf(stderr, "usage: tidy [ROOT]\n");
        return 2;
    }
    buffer_init_heap(&out, REPORT_BYTES_MAX);
    struct report report = { .out = &out };
    int r = tree_check(root, &report, &files);
    if (r) {
        fprintf(stderr, "tidy: cannot read %s: %s\n", root, strerror(-r));
        buffer_release(&out);
        return 2;
    }
    fwrite(buffer_str(&out).at, 1, buffer_str(&out).len, stdout);
    printf("tidy: %zu files, %zu faults, %zu warnings, %zu excuses\n", files, report.faults, report.warnings,
           report.excuses);
    buffer_release(&out);
    return report.faults ? 1 : 0;
}
