/* store_migration.h - private to src/store: the folder of numbered migrations, the same for every adapter that has one.
 *
 * Files NNNN_name.sql count from 0001 without a gap; the adapter applies them and remembers name and SHA-256. */
#ifndef GIRO_STORE_STORE_MIGRATION_H
#define GIRO_STORE_STORE_MIGRATION_H

#include "platform/buffer.h"

enum { MIGRATIONS_MAX = 9999, MIGRATION_BYTES_MAX = 1024 * 1024, MIGRATION_NAME_BYTES = 128 };

struct migration {
    char name[MIGRATION_NAME_BYTES];
};
struct migrations {
    const char *folder;
    struct migration *files; /* by number - 1 */
    size_t count;            /* highest number found */
};
/* folder is borrowed. 0 or -errno with a sentence. */
int migrations_list(struct migrations *migrations, const char *folder, struct message *message);
void migrations_release(struct migrations *migrations); /* takes a zeroed one */
/* The text of migration number (from 1) with a NUL behind it (counted in text->len). 0 or -errno with a sentence. */
int migration_read(const struct migrations *migrations, size_t number, struct buffer *text, struct message *message);
size_t migration_line(const char *text, const char *place); /* 1-based line of the place in text */
/* The sentence for a store whose migration number is beyond the folder's, or another than its file. */
int migration_is_newer(const struct migrations *migrations, int64_t number, struct message *message);
int migration_is_changed(const struct migrations *migrations, size_t number, struct message *message);

#endif
