/* trust_config.h - the section trust_directories of giro.yaml: which trust list the certificates of a client must come
 * from, by the directory that it is registered with.
 *
 *   trust_directories:
 *     obie: [/etc/giro/trust/obie]                       files or folders of CA certificates in PEM
 *     eidas: [/etc/giro/trust/qtsp.pem, /etc/giro/trust/obwac.pem]
 *
 * A client without a directory may show a certificate of any list, trust.clients among them. */
#ifndef GIRO_APP_TRUST_CONFIG_H
#define GIRO_APP_TRUST_CONFIG_H

#include "platform/config.h"
#include "platform/trust_set.h"

enum { TRUST_DIRECTORIES_MAX = TRUST_LISTS_MAX - 1, TRUST_DIRECTORY_PATHS_MAX = 16 };

struct trust_directory {
    char name[TRUST_LIST_NAME_BYTES_MAX + 1];
    const char *paths[TRUST_DIRECTORY_PATHS_MAX]; /* as long as the configuration */
    size_t count;
};

struct trust_config {
    struct trust_directory directories[TRUST_DIRECTORIES_MAX];
    size_t count;
};

/* The section, its values in config (borrowed). */
struct config_section trust_config_section(struct trust_config *config);
/* trust.clients and the directories as one set. 0; <0 with the sentence in message (-EINVAL: a list is not usable). */
int trust_config_load(const struct trust_config *config, const struct config_strings *clients,
                      struct trust_set **ret_set, struct message *message) MUST_USE;

#endif
