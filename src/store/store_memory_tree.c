#include "store/store_memory_int.h"

/* Tells whether a change ran out of memory; the half-made tree is then given up whole. */
struct builder {
    const struct row_order *order;
    bool failed;
};

static size_t text_bytes(const struct table *table, const void *row) {
    size_t bytes = 0;
    for (uint8_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        if (column->type == COLUMN_TEXT || column->type == COLUMN_BLOB) bytes += column_str(column, row).len;
    }
    return bytes;
}

struct memory_row *memory_row_new(const struct table *table, const void *row) {
    size_t head = (sizeof(struct memory_row) + 15) & ~(size_t)15;
    struct memory_row *copy = calloc(1, head + table->row_bytes + text_bytes(table, row));
    if (!copy) return NULL;
    atomic_init(&copy->references, 1);
    copy->table = table;
    copy->at = (char *)copy + head;
    memcpy(copy->at, row, table->row_bytes);
    char *bytes = (char *)copy->at + table->row_bytes;
    for (uint8_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        if (column->type != COLUMN_TEXT && column->type != COLUMN_BLOB) continue;
        struct str text = column_str(column, row);
        if (text.len) memcpy(bytes, text.at, text.len);
        text.at = bytes;
        bytes += text.len;
        memcpy((char *)copy->at + column->offset, &text, sizeof text);
    }
    return copy;
}

void memory_row_release(struct memory_row *row) {
    if (row && atomic_fetch_sub(&row->references, 1) == 1) free(row);
}

static int compare_column(const struct column *column, const void *a, const void *b) {
    int64_t left, right;
    switch (column->type) {
    case COLUMN_I64:
        left = column_i64(column, a);
        right = column_i64(column, b);
        return (left > right) - (left < right);
    case COLUMN_ID:
        return memcmp(column_bytes(column, a), column_bytes(column, b), 16);
    case COLUMN_HASH:
        return memcmp(column_bytes(column, a), column_bytes(column, b), 32);
    case COLUMN_TEXT:
    case COLUMN_BLOB:
        return str_compare(column_str(column, a), column_str(column, b));
    }
    return 0;
}

int memory_compare_columns(const struct row_order *order, const void *a, const void *b, uint8_t from, uint8_t to) {
    const struct table_index *index = &order->table->indexes[order->index];
    int difference = 0;
    for (uint8_t i = from; i < to && difference == 0; i++)
        difference = compare_column(&order->table->columns[index->columns[i]], a, b);
    return difference;
}

int memory_compare(const struct row_order *order, const void *a, const void *b) {
    const struct row_order key = { order->table, 0 };
    int difference = memory_compare_columns(order, a, b, 0, order->table->indexes[order->index].column_count);
    return difference ? difference : memory_compare_columns(&key, a, b, 0, order->table->indexes[0].column_count);
}

const struct memory_node *memory_tree_hold(const struct memory_node *root) {
    if (root) atomic_fetch_add(&((struct memory_node *)root)->references, 1);
    return root;
}

/* Recursion is as deep as the tree: about twice the logarithm of its rows. */
void memory_tree_release(const struct memory_node *root) {
    if (!root || atomic_fetch_sub(&((struct memory_node *)root)->references, 1) != 1) return;
    memory_tree_release(root->left);
    memory_tree_release(root->right);
    memory_row_release(root->row);
    free((struct memory_node *)root);
}

/* A node that owns left and right (handed over) and a count of row. Without memory: gives them up, sets failed. */
static const struct memory_node *node_take(struct builder *builder, const struct memory_node *like,
                                           const struct memory_node *left,
                                           const struct memory_node *right) {
    struct memory_node *node = builder->failed ? NULL : malloc(sizeof *node);
    if (!node) {
        builder->failed = true;
        memory_tree_release(left);
        memory_tree_release(right);
        return NULL;
    }
    *node = (struct memory_node){ .priority = like->priority, .row = like->row, .left = left, .right = right };
    atomic_init(&node->references, 1);
    atomic_fetch_add(&node->row->references, 1);
    return node;
}

/* Splits what lies before row from what lies behind it; both results are owned. */
static void split(struct builder *builder, const struct memory_node *root, const void *row,
                  const struct memory_node **ret_left,
                  const struct memory_node **ret_right) {
    *ret_left = *ret_right = NULL;
    if (!root) return;
    const struct memory_node *middle;
    if (memory_compare(builder->order, row, root->row->at) < 0) {
        split(builder, root->left, row, ret_left, &middle);
        *ret_right = node_take(builder, root, middle, memory_tree_hold(root->right));
    } else {
        split(builder, root->right, row, &middle, ret_right);
        *ret_left = node_take(builder, root, memory_tree_hold(root->left), middle);
    }
}

static const struct memory_node *put(struct builder *builder, const struct memory_node *root,
                                     const struct memory_node *fresh) {
    if (!root || fresh->priority > root->priority) {
        const struct memory_node *left, *right;
        split(builder, root, fresh->row->at, &left, &right);
        return node_take(builder, fresh, left, right);
    }
    if (memory_compare(builder->order, fresh->row->at, root->row->at) < 0)
        return node_take(builder, root, put(builder, root->left, fresh), memory_tree_hold(root->right));
    return node_take(builder, root, memory_tree_hold(root->left), put(builder, root->right, fresh));
}

/* One tree of two; everything in left lies before everything in right. Both are borrowed. */
static const struct memory_node *merge(struct builder *builder, const struct memory_node *left,
                                       const struct memory_node *right) {
    if (!left) return memory_tree_hold(right);
    if (!right) return memory_tree_hold(left);
    if (left->priority > right->priority)
        return node_take(builder, left, memory_tree_hold(left->left), merge(builder, left->right, right));
    return node_take(builder, right, merge(builder, left, right->left), memory_tree_hold(right->right));
}

static const struct memory_node *take_out(struct builder *builder, const struct memory_node *root, const void *row) {
    check(root);
    int difference = memory_compare(builder->order, row, root->row->at);
    if (difference == 0) return merge(builder, root->left, root->right);
    if (difference < 0)
        return node_take(builder, root, take_out(builder, root->left, row), memory_tree_hold(root->right));
    return node_take(builder, root, memory_tree_hold(root->left), take_out(builder, root->right, row));
}

static int built(const struct builder *builder, const struct memory_node *root, const struct memory_node **ret_root) {
    if (builder->failed) {
        memory_tree_release(root);
        return err_origin(-ENOMEM);
    }
    *ret_root = root;
    return 0;
}

int memory_tree_put(const struct row_order *order, const struct memory_node *root, struct memory_row *row,
                    uint32_t priority,
                    const struct memory_node **ret_root) {
    struct builder builder = { .order = order };
    const struct memory_node fresh = { .priority = priority, .row = row };
    return built(&builder, put(&builder, root, &fresh), ret_root);
}

int memory_tree_take(const struct row_order *order, const struct memory_node *root, const void *row,
                     const struct memory_node **ret_root) {
    struct builder builder = { .order = order };
    return built(&builder, take_out(&builder, root, row), ret_root);
}

const struct memory_row *memory_tree_find(const struct row_order *order, const struct memory_node *root,
                                          const void *row) {
    uint8_t count = order->table->indexes[order->index].column_count;
    while (root) {
        int difference = memory_compare_columns(order, row, root->row->at, 0, count);
        if (difference == 0) return root->row;
        root = difference < 0 ? root->left : root->right;
    }
    return NULL;
}
