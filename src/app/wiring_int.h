/* wiring_int.h - the bank's parts, shared by wiring.c (start and stop) and wiring_*.c (one theme each). Private. */
#ifndef GIRO_APP_WIRING_INT_H
#define GIRO_APP_WIRING_INT_H

#include "app/bank_store.h"
#include "app/wiring.h"

#include "app/admin.h"
#include "app/certificate_watch.h"
#include "app/node.h"
#include "app/roles.h"
#include "app/signing_key_files.h"
#include "auth/auth.h"
#include "gateway/operations.h"
#include "integration/acl/core_dispatch.h"
#include "integration/acl/message_sink.h"
#include "integration/bus/relay.h"
#include "integration/command/expired_delete.h"
#include "integration/checkpoint_job.h"
#include "integration/hold_expiry.h"
#include "integration/integration.h"
#include "integration/command/idempotency_sweep.h"
#include "integration/saga/payment_saga.h"
#include "integration/schedule_jobs.h"
#include "integration/schedule_rules.h"

#include <pthread.h>

enum {
    BANK_TEXT_BYTES_MAX = 32 * 1024 * 1024,
    BANK_WARM_READERS = 6, /* so many read the store before a new process's first answer, or for it */
};

struct bank {
    const struct bank_config *config;
    struct arena texts; /* documents, as long as the bank lives */
    struct log log;
    int log_fd, end_fd, asked_fd;
    _Atomic int asker;            /* the connection of whoever asked for a hand-over; -1: nobody */
    struct bank_inherit *inherit; /* while starting */
    int64_t released_ms,
        opened_ms;  /* on the monotonic clock, for the log: the other process let go; the store is open */
    unsigned roles; /* enum role */
    struct metrics *metrics;
    struct bank_store store;
    struct integration integration;
    struct node_identity *node_identity; /* these three NULL in a bank of one node */
    struct forwarder *forwarder;
    struct node_server *node_server;
    struct node *node;
    struct message hold_message; /* what went wrong when the lease was taken */
    struct saga_def *payment_saga;
    struct fraud_policy fraud;
    struct aml_list *aml;
    struct ledger_fees fees;
    struct hold_expiry *hold_expiry;
    struct core_host *core_host;
    struct core_dispatch *dispatch;
    struct jobs *jobs;
    struct expired_walk expired; /* the jobs' */
    struct schedule_jobs schedule_jobs;
    struct schedule_rules schedule;
    struct key_sweeper key_sweeper;    /* of the job of that name */
    struct checkpoint_job checkpoints; /* of the job of that name */
    struct key *audit_key;             /* private, of the checkpoints */
    struct message_sink *sink;
    struct relay_consumer consumers[3];
    pthread_mutex_t relay_lock;
    struct relay *relay; /* the engine's thread wakes it, under relay_lock: once NULL, nobody is inside */
    struct relay *relay_owned;
    struct trust_slot *trust;
    struct client_keys *client_keys;
    char jwks_ca_path[BANK_PATH_BYTES_MAX];
    struct certificate_watch *certificate_watch;
    struct revocation *revocation; /* NULL: off */
    struct signing_keys *signing_keys;
    struct external_issuer issuers[EXTERNAL_ISSUERS_MAX]; /* config->issuers, with their keys */
    size_t issuer_count;
    struct client_keys *issuer_keys;         /* of those by URL; NULL: there are none */
    struct external_lookup *external_lookup; /* of those that are asked; NULL: there are none */
    char issuer_ca_path[BANK_PATH_BYTES_MAX];
    char signing_key_path[SIGNING_KEY_PATH_BYTES_MAX + 1];
    struct rate_tier tiers[BANK_TIERS_MAX];
    struct rate_shared *rate_shared; /* NULL: this node counts rates alone */
    struct auth *auth;
    char gateway_socket[BANK_PATH_BYTES_MAX];
    struct gateway *gateway;
    struct operations *operations;
    struct admin *admin;
    struct reader operations_reader; /* of the operations port's thread */
    struct arena operations_arena;
    _Atomic bool holds;     /* engine, dispatch, relay and jobs are open: never false again until bank_stop */
    _Atomic bool answering; /* the gateway listens */
    _Atomic bool stopping;
    bool gives;          /* stops because another process takes over */
    _Atomic int end_why; /* enum bank_end */
};

/* Logs the fault; for every part that has no log of its own. ctx: the bank. */
void bank_on_fault(void *ctx, const char *operation, int code);

void bank_end(struct bank *bank, enum bank_end why); /* the process must end by itself; any thread */
/* Why this node can decide nothing now, in a word that lives for ever; NULL when it can. */
const char *bank_node_trouble(struct bank *bank);

/* The parts, in the order in which they open. 0, or <0 with the sentence in message; what was opened stays for
 * bank_stop. */
/* The file at path as long as the bank lives. */
int bank_read_text(struct bank *bank, struct str path, struct str *ret_text, struct message *message);
int bank_fill_integration(struct bank *bank);
int bank_open_policies(struct bank *bank, struct message *message); /* and the calendars */
int bank_open_saga(struct bank *bank, struct message *message); /* compiles it, refuses one that is not proven safe */
int bank_open_keys(struct bank *bank, struct message *message);
int bank_prepare_core(struct bank *bank, struct message *message); /* its records' layouts */
/* The store, which becomes bank->integration's. Touches no other part, so that it may open beside them. */
int bank_open_store(struct bank *bank, struct store **ret_store, struct message *message);
int bank_open_identity(struct bank *bank, struct message *message); /* for the links; nothing in a bank of one node */
int bank_open_node(struct bank *bank, struct message *message);     /* takes the lease, or follows its holder */
/* What opens with the lease, on the node's thread after a take-over. */
int bank_open_engine(struct bank *bank, struct message *message);
int bank_open_core(struct bank *bank);
int bank_open_bus(struct bank *bank);
int bank_open_jobs(struct bank *bank);
/* wiring_audit.c: the key of the checkpoints, made at the first start; a checkpoint soon; the last one at the end. */
int bank_open_audit_key(struct bank *bank, struct message *message);
bool bank_checkpoint(void *ctx);
void bank_end_checkpoints(struct bank *bank);
void bank_set_relay(struct bank *bank, struct relay *relay); /* whom the engine's thread wakes; NULL: nobody */
int bank_open_operations(struct bank *bank, struct message *message);
int bank_open_admin(struct bank *bank, struct message *message);
int bank_open_auth(struct bank *bank, struct message *message);
int bank_open_cache(struct bank *bank, struct message *message);
int bank_prepare_gateway(struct bank *bank, struct message *message);
int bank_open_gateway(struct bank *bank, struct message *message); /* callers may come */

#endif
