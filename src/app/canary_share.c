#include "app/canary_share.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROOM_BYTES = 32 };

bool canary_weight_parse(const char *text, uint32_t *ret_weight) {
    uint64_t weight;
    if (strlen(text) > 3 || str_to_u64(str_from_c(text), &weight) || weight > CANARY_WEIGHT_MAX) return false;
    *ret_weight = (uint32_t)weight;
    return true;
}

static int make_folder(const char *folder, uint32_t weight) {
    char path[CANARY_SHARE_BYTES_MAX + 2 * ROOM_BYTES];
    if (mkdir(folder, 0755) < 0 && errno != EEXIST) return err_origin(-errno);
    for (uint32_t bucket = 0; bucket < weight; bucket++) {
        (void)snprintf(path, sizeof path, "%s/%02u", folder, bucket);
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
        if (fd < 0) return err_origin(-errno);
        (void)close(fd); /* nothing was written */
    }
    return 0;
}

int canary_share_set(const char *path, uint32_t weight) {
    char folder[CANARY_SHARE_BYTES_MAX + ROOM_BYTES], fresh[CANARY_SHARE_BYTES_MAX + ROOM_BYTES];
    check(weight <= CANARY_WEIGHT_MAX);
    if (strlen(path) > CANARY_SHARE_BYTES_MAX) return err_origin(-ENAMETOOLONG);
    if (weight == 0) return unlink(path) == 0 || errno == ENOENT ? 0 : err_origin(-errno); /* (C2) */
    (void)snprintf(folder, sizeof folder, "%s-%u", path, weight);
    (void)snprintf(fresh, sizeof fresh, "%s.fresh", path);
    int r = make_folder(folder, weight);
    if (r) return err_trace(r);
    if (unlink(fresh) < 0 && errno != ENOENT) return err_origin(-errno);
    if (symlink(folder, fresh) < 0 || rename(fresh, path) < 0) return err_origin(-errno); /* (C1) */
    return 0;
}
