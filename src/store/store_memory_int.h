/* store_memory_int.h - private to the memory adapter: an immutable ordered tree of rows (a treap), shared between
 * versions.
 *
 * A change copies the path from the root and shares the rest, so an older root still shows the older state. Nodes and
 * rows are counted; a version is given up by releasing its root. Readers only read; counts are atomic because versions
 * of several threads share nodes. */
#ifndef GIRO_STORE_STORE_MEMORY_INT_H
#define GIRO_STORE_STORE_MEMORY_INT_H

#include "store/store_int.h"

struct memory_row {
    atomic_uint references;
    const struct table *table;
    void *at; /* row struct; its TEXT and BLOB bytes lie behind it in the same block */
};
struct memory_node {
    atomic_uint references;
    uint32_t priority;
    struct memory_row *row;
    const struct memory_node *left, *right;
};

struct memory_row *memory_row_new(const struct table *table, const void *row); /* NULL without memory */
void memory_row_release(struct memory_row *row);

/* Which order a tree is in: an index, ties in primary key order. */
struct row_order {
    const struct table *table;
    uint8_t index;
};
/* Order of the first n columns of the index only. <0, 0, >0 */
int memory_compare_columns(const struct row_order *order, const void *a, const void *b, uint8_t from, uint8_t to);
int memory_compare(const struct row_order *order, const void *a, const void *b); /* all columns, then the primary key */

const struct memory_node *memory_tree_hold(const struct memory_node *root); /* one more owner; takes NULL */
void memory_tree_release(const struct memory_node *root);
/* Both give a new root (owned by the caller) and leave the old one untouched. -ENOMEM leaves *ret_root alone. The row
 * put must not be there yet, the row taken out must be. */
int memory_tree_put(const struct row_order *order, const struct memory_node *root, struct memory_row *row,
                    uint32_t priority,
                    const struct memory_node **ret_root);
int memory_tree_take(const struct row_order *order, const struct memory_node *root, const void *row,
                     const struct memory_node **ret_root);
/* The row whose columns of the index (a unique one) equal row's, or NULL. Borrowed from the version. */
const struct memory_row *memory_tree_find(const struct row_order *order, const struct memory_node *root,
                                          const void *row);

#endif
