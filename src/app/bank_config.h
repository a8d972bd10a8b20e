/* bank_config.h - giro.yaml: every key that `giro serve` reads, its bounds and what it means. */
#ifndef GIRO_APP_BANK_CONFIG_H
#define GIRO_APP_BANK_CONFIG_H

#include "app/address_config.h"
#include "app/issuer_config.h"
#include "app/schedule_config.h"
#include "app/trust_config.h"
#include "gateway/gateway.h"
#include "platform/config.h"
#include "platform/revocation.h"
#include "store/store.h"

enum { BANK_TIERS_MAX = GATEWAY_TIERS_MAX, BANK_PATH_BYTES_MAX = 1024 };

enum bank_cache_kind { BANK_CACHE_EMBEDDED, BANK_CACHE_REDIS };
enum bank_store_kind { BANK_STORE_SQLITE, BANK_STORE_POSTGRES };

/* Text lives as long as the config. Paths are taken as they stand: relative ones from the folder in which giro was
 * started. */
struct bank_options {
    bool sandbox;        /* allows what only a sandbox may have */
    struct str log_path; /* empty: standard error */
    int log_level;       /* enum log_level */
    int store_kind;      /* enum bank_store_kind */
    bool store_sealed;
    struct str store_path, store_migrations, store_connection, store_epoch_file;
    struct str secrets_folder;
    struct str roles; /* roles.h */
    struct str node_name, node_address, node_listen, node_certificate, node_key, node_trust;
    struct str bank_name, bank_country, bank_code, bank_sort_code, bank_org_id;
    struct str aml_names, fraud_creditors, fees, payment_saga;
    int64_t fraud_personal_amount, fraud_business_amount, fraud_personal_per_minute;
    struct str core_host, core_layouts;
    int64_t core_port, core_connections, core_deadline_ms, core_breaker_failures, core_breaker_open_ms;
    struct str sink_host;
    int64_t sink_port;
    struct str listen_socket;
    struct config_strings listen_users;
    int64_t listen_workers, listen_io_threads;
    struct str api_documents, api_url;
    int cache_kind; /* enum bank_cache_kind */
    struct str cache_connection;
    int64_t cache_timeout_ms;
    struct str rate_limits_file;
    int64_t unattended_reads_per_day, sca_renewal_days;
    int response_check; /* enum response_check */
    int64_t response_check_every, queue_wait_ms;
    struct str v3_deprecated, v3_sunset; /* days, or empty */
    struct str issuer, signing_key;
    struct str directory_issuer, directory_keys, registration_tier;
    int64_t statement_life_ms;
    bool dpop_nonce, refresh_rotation;
    struct config_strings jwks_hosts, issuer_hosts, resource_servers;
    struct str jwks_ca, issuer_ca;
    int64_t refresh_retry_ms;
    struct config_strings trust_clients;
    int edge_form; /* enum edge_form */
    struct config_strings edge_certificates;
    int revocation_policy; /* enum revocation_policy */
    struct config_strings revocation_lists, revocation_hosts;
    int64_t revocation_refresh_ms;
    int64_t operations_port;
    struct str admin_socket;
    int64_t scheduling_period_ms;
    int scheduled_on_holiday, standing_orders_on_holiday, files_on_holiday; /* enum calendar_rule */
};

struct bank_tier {
    char name[64];
    struct rate_tier tier;
    int line; /* where it began */
    bool has_rate, has_burst, has_daily;
};

struct bank_config {
    struct bank_options options;
    struct bank_tier tiers[BANK_TIERS_MAX];
    size_t tier_count;
    struct schedule_config schedule;
    struct trust_config trust;
    struct issuer_config issuers;
    struct config config;
    struct config_table table;
    int64_t idempotency_keep_ms; /* idempotency.keep; 0: for ever */
    struct address_config addresses;
    struct config rates_file; /* rate_limits_file, for the time of reading */
    struct config_section sections[6];
};

/* Boot values, then the file at path. 0; CONFIG_E_INVALID with everything that is wrong in errors: unknown keys, values
 * out of range, a tier without its three limits, what a production configuration (sandbox: false) must not have, what
 * is missing; -ENOMEM. Release it in any case. */
int bank_config_read(struct bank_config *config, const char *path, struct config_errors *errors);
void bank_config_release(struct bank_config *config);
/* The file with every key commented out at its boot value; the values in force. */
void bank_config_sample(struct buffer *out);
/* One line for the key, or for each below it ("store"): what it means, its choices, its default. How many. */
size_t bank_config_explain(struct str key, struct buffer *out);
void bank_config_print(const struct bank_config *config, struct buffer *out);

#endif
