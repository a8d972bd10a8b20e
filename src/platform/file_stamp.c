#include "platform/file_stamp.h"

#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>

static void stamp_file(struct sha256 *sha, const char *path) {
    struct stat info;
    int64_t facts[6] = { -1 };
    if (stat(path, &info) == 0) {
        facts[0] = (int64_t)info.st_ino;
        facts[1] = (int64_t)info.st_size;
        facts[2] = (int64_t)info.st_mtim.tv_sec;
        facts[3] = (int64_t)info.st_mtim.tv_nsec;
        facts[4] = (int64_t)info.st_ctim.tv_sec;
        facts[5] = (int64_t)info.st_ctim.tv_nsec;
    }
    sha256_update(sha, path, strlen(path) + 1);
    sha256_update(sha, facts, sizeof facts);
}

static void stamp_folder(struct sha256 *sha, const char *path, struct dirent **entries, int count) {
    char file[PATH_MAX];
    for (int i = 0; i < count && i < FILE_STAMP_ENTRIES_MAX; i++) {
        int len = snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && len > 0 && (size_t)len < sizeof file) stamp_file(sha, file);
    }
}

int file_stamp(const char *const *paths, size_t count, struct hash *ret_stamp) {
    struct sha256 sha;
    int r = sha256_init(&sha);
    if (r) return err_trace(r);
    sha256_begin(&sha);
    for (size_t i = 0; i < count; i++) {
        struct dirent **entries = NULL;
        int entry_count = scandir(paths[i], &entries, NULL, alphasort); /* < 0: no folder */
        stamp_file(&sha, paths[i]);
        stamp_folder(&sha, paths[i], entries, entry_count);
        for (int k = 0; k < entry_count; k++) free(entries[k]);
        free(entries);
    }
    *ret_stamp = sha256_end(&sha);
    sha256_release(&sha);
    return 0;
}
