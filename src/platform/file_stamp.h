/* file_stamp.h - whether files have changed: a digest over names, sizes, inodes and times of change, without their
 * content. A file written in place or put in place by a rename has another stamp; one that is not there has one too. */
#ifndef GIRO_PLATFORM_FILE_STAMP_H
#define GIRO_PLATFORM_FILE_STAMP_H

#include "platform/digest.h"

enum { FILE_STAMP_ENTRIES_MAX = 4096 }; /* of one folder; more are not told apart */

/* paths: files, or folders of which every entry counts (one level). 0 or -ENOMEM. */
int file_stamp(const char *const *paths, size_t count, struct hash *ret_stamp) MUST_USE;

#endif
