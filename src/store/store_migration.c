#include "store/store_migration.h"

#include <dirent.h>

static bool is_migration_name(const char *name) {
    size_t len = strlen(name);
    return len > 9 && len < MIGRATION_NAME_BYTES && strspn(name, "0123456789") == 4 && name[4] == '_';
}

static int note_file(struct migrations *migrations, const char *name, struct message *message) {
    if (!str_ends(str_from_c(name), STR(".sql"))) return 0;
    unsigned long number = is_migration_name(name) ? strtoul(name, NULL, 10) : 0;
    if (number == 0) {
        message_set(message, "%s/%s is not a migration's name: NNNN_name.sql, counted from 0001", migrations->folder,
                    name);
        return err_origin(-EINVAL);
    }
    struct migration *file = &migrations->files[number - 1];
    if (file->name[0]) {
        message_set(message, "%s has two migrations with number %04lu: %s and %s", migrations->folder, number,
                    file->name, name);
        return err_origin(-EINVAL);
    }
    memcpy(file->name, name, strlen(name) + 1);
    if (number > migrations->count) migrations->count = number;
    return 0;
}

int migrations_list(struct migrations *migrations, const char *folder, struct message *message) {
    *migrations = (struct migrations){ .folder = folder, .files = calloc(MIGRATIONS_MAX, sizeof(struct migration)) };
    if (!migrations->files) return err_origin(-ENOMEM);
    DIR *listing = opendir(folder);
    if (!listing) {
        int r = err_origin(-errno);
        message_set(message, "the folder of migrations %s cannot be read: %s", folder, strerror(-r));
        return r;
    }
    int r = 0;
    for (struct dirent *entry; r == 0 && (entry = readdir(listing));) r = note_file(migrations, entry->d_name, message);
    (void)closedir(listing);
    for (size_t i = 0; i < migrations->count && r == 0; i++) {
        if (migrations->files[i].name[0]) continue;
        message_set(message, "%s has no migration %04zu, but a later one", folder, i + 1);
        r = err_origin(-EINVAL);
    }
    return r;
}

void migrations_release(struct migrations *migrations) {
    free(migrations->files);
    *migrations = (struct migrations){ 0 };
}

int migration_read(const struct migrations *migrations, size_t number, struct buffer *text, struct message *message) {
    char path[2 * 1024 + MIGRATION_NAME_BYTES], bytes[4096];
    (void)snprintf(path, sizeof path, "%s/%s", migrations->folder, migrations->files[number - 1].name);
    FILE *file = fopen(path, "re"); /* a cut path does not open */
    int r = file ? 0 : -errno;
    buffer_reset(text);
    for (size_t len; file && (len = fread(bytes, 1, sizeof bytes, file)) > 0;) buffer_append(text, bytes, len);
    if (file && ferror(file)) r = -EIO;
    if (file) (void)fclose(file); /* read only */
    buffer_append_char(text, 0);
    if (text->overflow) r = -EFBIG;
    else if (r == 0 && strlen(text->at) + 1 != text->len) r = -EILSEQ; /* a NUL would hide what follows */
    if (r) message_set(message, "the migration %s cannot be read: %s", path, strerror(-r));
    return r ? err_origin(r) : 0;
}

size_t migration_line(const char *text, const char *place) {
    size_t line = 1;
    for (; text < place; text++) line += *text == '\n';
    return line;
}

int migration_is_newer(const struct migrations *migrations, int64_t number, struct message *message) {
    message_set(message, "the store has migration %lld, %s ends at %04zu: it was written by a newer program",
                (long long)number, migrations->folder, migrations->count);
    return err_origin(-EPROTO);
}

int migration_is_changed(const struct migrations *migrations, size_t number, struct message *message) {
    message_set(message, "migration %s/%s was changed after it had been applied: put its text back and write a new one",
                migrations->folder, migrations->files[number - 1].name);
    return err_origin(-EPROTO);
}
