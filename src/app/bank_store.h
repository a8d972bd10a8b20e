/* bank_store.h - the store that a configuration names: what the daemon and the command line open.
 *
 * (B1) one place decides which adapter, which file or database and which key: the daemon and whoever reads beside it
 * never differ. (B2) a key is a file of mode 0600 in secrets.folder; a sandbox makes it at its first start, a bank's
 * operator does it before. */
#ifndef GIRO_APP_BANK_STORE_H
#define GIRO_APP_BANK_STORE_H

#include "app/bank_config.h"

enum { BANK_CONNECTION_BYTES_MAX = 2048 };

struct bank_store {
    struct store_options options; /* its texts and its key lie here: not movable once opened */
    struct secret_bytes key;
    char path[BANK_PATH_BYTES_MAX], migrations[BANK_PATH_BYTES_MAX], epoch_file[BANK_PATH_BYTES_MAX];
    char connection[BANK_CONNECTION_BYTES_MAX], node[STORE_NODE_BYTES_MAX + 1], address[STORE_ADDRESS_BYTES_MAX + 1];
};

/* Fills options.ops, paths, tables and key from the configuration. path_instead: another file than store.path (sqlite),
 * or NULL. may_make_key: a missing key file is made (the daemon of a sandbox). 0, or a fault with a sentence in
 * message. Release it in any case, after the store was closed. */
int bank_store_init(struct bank_store *store, const struct bank_options *options, const char *path_instead,
                    bool may_make_key, struct message *message) MUST_USE;
void bank_store_release(struct bank_store *store);

#endif
