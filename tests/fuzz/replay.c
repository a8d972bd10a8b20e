/* replay FILE|FOLDER ... - runs a fuzz door over kept inputs without a fuzzer: corpora and past crashes stay tests
 * under gcc too. */
#include "platform/base.h"

#include <dirent.h>
#include <sys/stat.h>

enum { REPLAY_BYTES_MAX = 8 * 1024 * 1024, REPLAY_PATH_BYTES_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int replay_file(const char *path) {
    static uint8_t bytes[REPLAY_BYTES_MAX];
    FILE *file = fopen(path, "rb");
    if (!file) return -errno;
    size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);                      /* read-only */
    uint8_t *copy = malloc(size ? size : 1); /* exact size, so that the sanitizer sees a read past the end */
    if (!copy) return -ENOMEM;
    if (size) memcpy(copy, bytes, size);
    (void)LLVMFuzzerTestOneInput(copy, size); /* always 0 by libFuzzer's contract */
    free(copy);
    return 0;
}

static int replay(const char *path) {
    struct stat info;
    if (stat(path, &info) < 0) return -errno;
    if (!S_ISDIR(info.st_mode)) return replay_file(path);
    DIR *folder = opendir(path);
    if (!folder) return -errno;
    int r = 0;
    for (struct dirent *entry; !r && (entry = readdir(folder));) {
        char child[REPLAY_PATH_BYTES_MAX];
        if (entry->d_name[0] == '.') continue;
        if (snprintf(child, sizeof child, "%s/%s", path, entry->d_name) >= (int)sizeof child) r = -ENAMETOOLONG;
        else r = replay(child);
    }
    (void)closedir(folder); /* read-only */
    return r;
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        int r = replay(argv[i]);
        if (r) {
            fprintf(stderr, "replay: %s: %s\n", argv[i], strerror(-r));
            return 1;
        }
    }
    return 0;
}
