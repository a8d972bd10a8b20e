/* replay.c - the driver of a fuzz door where libFuzzer is not at hand (gcc): runs every file named on the command line,
 * and every file in a folder named there (one level), through LLVMFuzzerTestOneInput. Exit code 0 when all ran, 1 when
 * something could not be read, 2 without arguments. A fault of the door itself ends the program by the sanitizer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { INPUT_BYTES_MAX = 4 * 1024 * 1024, PATH_BYTES_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t files_run;

static int run_file(const char *path) {
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(INPUT_BYTES_MAX);
    int failed = 1;
    if (file && bytes) {
        size_t len = fread(bytes, 1, INPUT_BYTES_MAX, file);
        failed = ferror(file) != 0;
        /* An own block of just this size, so that a read past its end is seen. */
        uint8_t *input = failed ? NULL : malloc(len ? len : 1);
        for (size_t i = 0; input && i < len; i++) input[i] = bytes[i];
        if (input) (void)LLVMFuzzerTestOneInput(input, len);
        files_run += input != NULL;
        failed = input == NULL;
        free(input);
    }
    if (failed) fprintf(stderr, "replay: cannot read %s\n", path);
    free(bytes);
    if (file) (void)fclose(file);
    return failed;
}

static int run_folder(const char *path) {
    DIR *folder = opendir(path);
    int failed = 0;
    if (!folder) {
        fprintf(stderr, "replay: cannot read %s\n", path);
        return 1;
    }
    for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        char file[PATH_BYTES_MAX];
        struct stat info;
        int len = snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        if (len < 0 || (size_t)len >= sizeof file || stat(file, &info) || !S_ISREG(info.st_mode)) continue;
        failed |= run_file(file);
    }
    (void)closedir(folder);
    return failed;
}

int main(int argc, char **argv) {
    int failed = 0;
    if (argc < 2) {
        fprintf(stderr, "usage: %s FILE|FOLDER...\n", argv[0]);
        return 2;
    }
    for (int i = 1; i < argc; i++) {
        struct stat info;
        if (argv[i][0] == '-') continue; /* options of libFuzzer, so that both drivers take one command line */
        failed |= stat(argv[i], &info) == 0 && S_ISDIR(info.st_mode) ? run_folder(argv[i]) : run_file(argv[i]);
    }
    printf("%zu inputs replayed\n", files_run);
    return failed;
}
