/* tree.h - walks the tree in order of names and applies every rule to every file.
 *
 * Read are all files under src/, simulators/, tools/ and tests/, the scripts run, test and .ci/run, the documents at
 * the root and under docs/. Left out: corpora and data (tests/.../corpus/, tests/.../data/), node_modules, and
 * tests/tidy itself, whose trees are wrong on purpose. */
#ifndef GIRO_TOOLS_TIDY_TREE_H
#define GIRO_TOOLS_TIDY_TREE_H

#include "tools/tidy/rules.h"

enum { TREE_FILES_MAX = 20000 };

/* root: the folder that holds src/. Fills report; *ret_files = files read. 0 or -errno. */
int tree_check(const char *root, struct report *report, size_t *ret_files);

#endif
