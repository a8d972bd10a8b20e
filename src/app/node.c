#include "app/node.h"

#include "platform/clock.h"

#include <pthread.h>
#include <stdatomic.h>

struct node {
    struct node_options options;
    char holder[STORE_NODE_BYTES_MAX + 1]; /* the node's thread's: whom it follows */
    int64_t epoch;
    atomic_bool holds;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stopping, runs;
    pthread_t thread;
};

static void follow(struct node *node, const struct store_lease *lease) {
    const struct node_options *options = &node->options;
    if (options->forwarder) forwarder_to_node(options->forwarder, lease->alive ? lease->address : "");
    if (lease->epoch == node->epoch && strcmp(lease->node, node->holder) == 0) return;
    node->epoch = lease->epoch;
    (void)snprintf(node->holder, sizeof node->holder, "%s", lease->node);
    if (options->on_follow) options->on_follow(options->ctx, lease);
}

/* Looks, and takes what may be taken. 0 = goes on following, 1 = holds, <0 = the end. */
static int look(struct node *node, const char **ret_why) {
    const struct node_options *options = &node->options;
    struct store_lease lease;
    int r = store_lease_look(options->store, &lease);
    if (r == STORE_E_AWAY) return 0; /* whom it followed may still be reached */
    if (r) return err_fold(r);
    if ((lease.alive && !lease.ours) || !options->may_hold) {
        follow(node, &lease);
        return 0;
    }
    r = store_lease_take(options->store, &lease); /* N1 */
    if (r == STORE_E_HELD) follow(node, &lease);
    if (r == STORE_E_HELD || r == STORE_E_AWAY) return 0;
    if (r == STORE_E_FENCED) *ret_why = "the database is an older copy than this node has seen";
    if (r) return err_fold(r);
    r = options->hold(options->ctx);
    if (r) return err_trace(r);
    atomic_store(&node->holds, true);
    return 1;
}

/* False when the node stops. */
static bool pause_a_while(struct node *node) {
    struct timespec until = clock_mono_after(NODE_LOOK_MS);
    pthread_mutex_lock(&node->lock);
    while (!node->stopping && pthread_cond_timedwait(&node->wake, &node->lock, &until) != ETIMEDOUT) continue;
    bool go_on = !node->stopping;
    pthread_mutex_unlock(&node->lock);
    return go_on;
}

static void *node_main(void *ctx) {
    struct node *node = ctx;
    int r = 0;
    while (r == 0 && pause_a_while(node)) {
        const char *why = "the engine cannot be opened";
        r = look(node, &why);
        if (r < 0) node->options.on_end(node->options.ctx, why, r);
    }
    return NULL;
}

static int node_begin(struct node *node, struct message *message) {
    const char *why = NULL;
    int r = look(node, &why);
    if (r < 0) {
        if (why) message_set(message, "%s", why);
        return err_trace(r);
    }
    if (r == 1) return 0;
    if (!node->options.forwarder) {
        message_set(message, "another node (%s) leads this database: give every node a node.address, node.listen, "
                             "node.certificate, node.key and node.trust of its own", node->holder);
        return err_origin(-EBUSY);
    }
    r = pthread_create(&node->thread, NULL, node_main, node);
    node->runs = r == 0;
    return r ? err_origin(-r) : 0;
}

int node_start(const struct node_options *options, struct node **ret_node, struct message *message) {
    struct node *node = calloc(1, sizeof *node);
    pthread_condattr_t attributes;
    if (!node) return err_origin(-ENOMEM);
    node->options = *options;
    check(pthread_condattr_init(&attributes) == 0 && pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    check(pthread_mutex_init(&node->lock, NULL) == 0 && pthread_cond_init(&node->wake, &attributes) == 0);
    int r = node_begin(node, message);
    if (r) {
        node_stop(node);
        return err_trace(r);
    }
    *ret_node = node;
    return 0;
}

bool node_holds(const struct node *node) {
    return atomic_load(&node->holds);
}

struct node *node_stop(struct node *node) {
    if (!node) return NULL;
    pthread_mutex_lock(&node->lock);
    node->stopping = true;
    pthread_cond_signal(&node->wake);
    pthread_mutex_unlock(&node->lock);
    if (node->runs) pthread_join(node->thread, NULL);
    pthread_cond_destroy(&node->wake);
    pthread_mutex_destroy(&node->lock);
    free(node);
    return NULL;
}
