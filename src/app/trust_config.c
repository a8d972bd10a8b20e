#include "app/trust_config.h"

static struct trust_directory *directory_of(struct trust_config *config, const struct config_value *value,
                                            struct config_errors *errors) {
    for (size_t i = 0; i < config->count; i++)
        if (str_equal_c(value->keys[0], config->directories[i].name)) return &config->directories[i];
    if (config->count == TRUST_DIRECTORIES_MAX) {
        config_error(errors, value->line, "more than %d directories", TRUST_DIRECTORIES_MAX);
        return NULL;
    }
    struct trust_directory *directory = &config->directories[config->count];
    if (value->keys[0].len == 0 || str_to_c(value->keys[0], directory->name, sizeof directory->name)) {
        config_error(errors, value->line, "a directory's name has 1 to %d characters", TRUST_LIST_NAME_BYTES_MAX);
        return NULL;
    }
    config->count++;
    return directory;
}

static void directory_set(void *ctx, const struct config_value *value, struct arena *arena,
                          struct config_errors *errors) {
    if (value->key_count != 1 || value->null || value->text.len == 0) {
        config_error(errors, value->line, "want trust_directories.NAME: [files or folders of CA certificates]");
        return;
    }
    struct trust_directory *directory = directory_of(ctx, value, errors);
    if (!directory) return;
    struct str path = arena_dup(arena, value->text);
    if (directory->count == TRUST_DIRECTORY_PATHS_MAX || !path.at) {
        config_error(errors, value->line, "a directory has at most %d files or folders", TRUST_DIRECTORY_PATHS_MAX);
        return;
    }
    directory->paths[directory->count++] = path.at; /* with a NUL behind it */
}

static void directories_print(void *ctx, struct buffer *out) {
    const struct trust_config *config = ctx;
    for (size_t i = 0; i < config->count; i++) {
        buffer_printf(out, "  %s: [", config->directories[i].name);
        for (size_t k = 0; k < config->directories[i].count; k++)
            buffer_printf(out, "%s\"%s\"", k ? ", " : "", config->directories[i].paths[k]);
        buffer_append_c(out, "]\n");
    }
}

static const char directories_sample[] =
    "# trust_directories:   # files or folders of CA certificates, by the directory a client is registered with\n"
    "#   obie: [/etc/giro/trust/obie]\n"
    "#   eidas: [/etc/giro/trust/qtsp.pem]\n";

struct config_section trust_config_section(struct trust_config *config) {
    *config = (struct trust_config){ 0 };
    return (struct config_section){ .name = "trust_directories",
                                    .set = directory_set,
                                    .print = directories_print,
                                    .sample = directories_sample,
                                    .ctx = config };
}

int trust_config_load(const struct trust_config *config, const struct config_strings *clients,
                      struct trust_set **ret_set, struct message *message) {
    struct trust_source *sources = calloc(TRUST_LISTS_MAX, sizeof *sources);
    if (!sources) return err_origin(-ENOMEM);
    check(clients->count <= TRUST_LIST_PATHS_MAX);
    sources[0] = (struct trust_source){ .name = "", .count = clients->count };
    for (size_t i = 0; i < clients->count; i++) sources[0].paths[i] = clients->at[i].at; /* NUL behind each */
    for (size_t i = 0; i < config->count; i++) {
        const struct trust_directory *directory = &config->directories[i];
        sources[i + 1] = (struct trust_source){ .name = directory->name, .count = directory->count };
        memcpy(sources[i + 1].paths, directory->paths, sizeof directory->paths);
    }
    int r = trust_set_load(sources, config->count + 1, ret_set, message);
    free(sources);
    return r > 0 ? err_origin(-EINVAL) : err_trace(r);
}
