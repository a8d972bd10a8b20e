/* wiring_node.c - this node among those of the bank: links to the others, and what opens with the writer's lease. */
#include "app/wiring_int.h"

#include "integration/command/command_codec.h"
#include "platform/net.h"

enum { BANK_NODE_SERVER_CONNECTIONS = NODE_CONNECTIONS_MAX };

static int read_path(struct str path, const char *key, char text[BANK_PATH_BYTES_MAX], struct message *message) {
    if (path.len && str_to_c(path, text, BANK_PATH_BYTES_MAX) == 0) return 0;
    message_set(message, "%s is %s: a bank of several nodes wants node.certificate, node.key and node.trust", key,
                path.len ? "too long" : "empty");
    return err_origin(-EINVAL);
}

int bank_open_identity(struct bank *bank, struct message *message) {
    const struct bank_options *options = &bank->config->options;
    if (!options->node_certificate.len && !options->node_listen.len) return 0;
    char certificate[BANK_PATH_BYTES_MAX], key[BANK_PATH_BYTES_MAX], trust[BANK_PATH_BYTES_MAX];
    struct hash version = command_codec_version();
    struct node_identity_options identity = {
        .certificate = certificate, .key = key, .trust = trust, .hello = str_from_bytes(&version, sizeof version)
    };
    int r = read_path(options->node_certificate, "node.certificate", certificate, message);
    if (!r) r = read_path(options->node_key, "node.key", key, message);
    if (!r) r = read_path(options->node_trust, "node.trust", trust, message);
    if (!r) r = node_identity_new(&identity, &bank->node_identity, message);
    return r > 0 ? err_origin(-EINVAL) : err_trace(r);
}

/* host:port of node.listen. */
static int open_server(struct bank *bank, struct message *message) {
    char listen[NET_HOST_BYTES_MAX + 8], *colon;
    uint64_t port;
    if (str_to_c(bank->config->options.node_listen, listen, sizeof listen)) return err_origin(-ENAMETOOLONG);
    colon = strrchr(listen, ':');
    if (!colon || str_to_u64(str_from_c(colon + 1), &port) || port > UINT16_MAX) {
        message_set(message, "node.listen: want host:port, for instance 10.0.0.1:8446");
        return err_origin(-EINVAL);
    }
    *colon = '\0';
    struct node_server_options server = { .identity = bank->node_identity,
                                          .host = listen,
                                          .port = (uint16_t)port,
                                          .connections_max = BANK_NODE_SERVER_CONNECTIONS,
                                          .serve = forwarder_serve,
                                          .ctx = bank->forwarder };
    return err_trace(node_server_start(&server, &bank->node_server, message));
}

static int open_links(struct bank *bank, struct message *message) {
    struct forwarder_options forwarder = { .integration = &bank->integration,
                                           .identity = bank->node_identity,
                                           .connections = FORWARD_CONNECTIONS };
    int r = forwarder_new(&forwarder, &bank->forwarder);
    if (r) return err_trace(r);
    bank->integration.door = forwarder_door(bank->forwarder);
    return (bank->roles & ROLE_ENGINE) && bank->config->options.node_listen.len ? err_trace(open_server(bank, message))
                                                                                : 0;
}

/* The lease is ours: what only its holder has. On the node's thread after a take-over. */
static int hold(void *ctx) {
    struct bank *bank = ctx;
    struct message *message = &bank->hold_message;
    int r = bank_open_engine(bank, message);
    if (!r) r = engine_start(bank->integration.engine);
    if (!r) r = bank_open_core(bank);
    if (!r) r = bank_open_bus(bank);
    if (!r) r = bank_open_jobs(bank);
    if (r) return err_trace(r);
    bank->holds = true; /* now others may look at these parts */
    if (bank->forwarder) forwarder_to_engine(bank->forwarder, bank->integration.engine);
    log_event(&bank->log, LOG_LEVEL_INFO, "lease_taken", log_i64("epoch", store_epoch(bank->integration.store)));
    return 0;
}

static void on_end(void *ctx, const char *why, int code) {
    struct bank *bank = ctx;
    bank_on_fault(bank, bank->hold_message.text[0] ? bank->hold_message.text : why, code);
    bank_end(bank, BANK_END_CANNOT_LEAD);
}

static void on_follow(void *ctx, const struct store_lease *lease) {
    struct bank *bank = ctx;
    log_event(&bank->log, LOG_LEVEL_INFO, "lease_followed", log_i64("epoch", lease->epoch),
              log_str("node", lease->node));
}

int bank_open_node(struct bank *bank, struct message *message) {
    int r = bank->node_identity ? open_links(bank, message) : 0;
    if (r) return err_trace(r);
    struct node_options node = { .store = bank->integration.store,
                                 .forwarder = bank->forwarder,
                                 .may_hold = (bank->roles & ROLE_ENGINE) != 0,
                                 .hold = hold,
                                 .on_end = on_end,
                                 .on_follow = on_follow,
                                 .ctx = bank };
    r = node_start(&node, &bank->node, message);
    if (r && bank->hold_message.text[0]) *message = bank->hold_message;
    return err_trace(r);
}

const char *bank_node_trouble(struct bank *bank) {
    struct engine_state engine;
    if (!bank->holds) return bank_follow_trouble(bank);
    engine_state(bank->integration.engine, &engine);
    return engine.writable ? NULL : "store_full";
}

const char *bank_follow_trouble(struct bank *bank) {
    struct forwarder_state forward;
    if (bank->holds) return NULL;
    forwarder_state(bank->forwarder, &forward); /* who does not hold has one */
    if (forward.trouble == NODE_LINK_E_HELLO) return "holder_of_another_version";
    return forward.reached ? NULL : "no_holder";
}
