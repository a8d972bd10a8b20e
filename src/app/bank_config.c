#include "app/bank_config.h"

#include "platform/redis.h"

#define ROW(key, config_kind, field, ...)                                                                              \
    { .name = (key), .kind = (config_kind), .offset = offsetof(struct bank_options, field), __VA_ARGS__ }

static const struct config_row rows[] = {
    ROW("sandbox", CONFIG_BOOL, sandbox, .boot = "false",
        .help = "allow what only a sandbox may have: unlimited clients, automatic consent"),
    ROW("log.path", CONFIG_STRING, log_path, .boot = "", .help = "file of JSON lines; empty: standard error"),
    ROW("log.level", CONFIG_CHOICE, log_level, .boot = "info", .choices = "debug|info|warn|error",
        .help = "least level that is written"),
    ROW("store.kind", CONFIG_CHOICE, store_kind, .boot = "sqlite", .choices = "sqlite|postgres",
        .help = "where the bank's rows live: a file of its own, or a PostgreSQL database"),
    ROW("store.path", CONFIG_STRING, store_path, .boot = "giro.db",
        .help = "sqlite: the store's file; its folder must exist"),
    ROW("store.sealed", CONFIG_BOOL, store_sealed, .boot = "true",
        .help = "sqlite: encrypt the file with the key \"store\"; false: leave that to the disk"),
    ROW("store.connection", CONFIG_STRING, store_connection, .boot = "",
        .help = "postgres: connection string without a password (that is the passfile's: passfile=FILE)"),
    ROW("store.epoch_file", CONFIG_STRING, store_epoch_file, .boot = "giro.epoch",
        .help = "postgres: file that remembers the highest epoch seen, so that an old copy is refused"),
    ROW("store.migrations", CONFIG_STRING, store_migrations, .boot = "",
        .help = "folder of numbered migrations; empty: db/sqlite or db/postgres"),
    ROW("secrets.folder", CONFIG_STRING, secrets_folder, .boot = "secrets",
        .help = "folder of key files (mode 0600), outside the store's"),
    ROW("node.name", CONFIG_STRING, node_name, .max = STORE_NODE_BYTES_MAX, .boot = "node-1",
        .help = "this node among those of one database"),
    ROW("node.address", CONFIG_STRING, node_address, .max = STORE_ADDRESS_BYTES_MAX, .boot = "",
        .help = "host:port where the others forward commands to; empty: a bank of one node"),
    ROW("node.listen", CONFIG_STRING, node_listen, .max = STORE_ADDRESS_BYTES_MAX, .boot = "",
        .help = "host:port on which this node takes the commands of the others"),
    ROW("node.certificate", CONFIG_STRING, node_certificate, .boot = "",
        .help = "PEM of this node's certificate, for links to the others; empty: a bank of one node"),
    ROW("node.key", CONFIG_STRING, node_key, .boot = "", .help = "PEM of its key, mode 0600"),
    ROW("node.trust", CONFIG_STRING, node_trust, .boot = "",
        .help = "PEM of the nodes' certificates, or of what issues them and nothing else"),
    ROW("roles", CONFIG_STRING, roles, .max = 64, .boot = "",
        .help = "what this process runs, of gateway,auth,engine,relay,jobs; empty: all"),
    ROW("bank.name", CONFIG_STRING, bank_name, .max = 64, .boot = "Giro Bank",
        .help = "name of the bank, on the pages that its customers see"),
    ROW("bank.country", CONFIG_STRING, bank_country, .max = 2, .boot = "GB",
        .help = "country of the bank, two letters"),
    ROW("bank.code", CONFIG_STRING, bank_code, .max = 4, .boot = "GIRO",
        .help = "bank code in the IBANs of its UK accounts"),
    ROW("bank.sort_code", CONFIG_STRING, bank_sort_code, .max = 6, .boot = "040075",
        .help = "sort code of the UK accounts that clients open, six digits"),
    ROW("bank.org_id", CONFIG_STRING, bank_org_id, .max = 18, .boot = "0015800001ZGIROAAA",
        .help = "organisation id in its message signatures"),
    ROW("policy.aml_names", CONFIG_STRING, aml_names, .boot = "policy/aml/names.csv",
        .help = "names that screening refuses"),
    ROW("policy.fraud_creditors", CONFIG_STRING, fraud_creditors, .boot = "policy/fraud/creditors.txt",
        .help = "creditor accounts known for fraud"),
    ROW("policy.fees", CONFIG_STRING, fees, .boot = "policy/fees.json", .help = "what payments cost: the fee schedule"),
    ROW("fraud.personal_amount", CONFIG_INT, fraud_personal_amount, .min = 1, .max = 1000000000, .boot = "25000",
        .help = "largest single payment of a personal account, in pounds or their worth"),
    ROW("fraud.business_amount", CONFIG_INT, fraud_business_amount, .min = 1, .max = 1000000000, .boot = "1000000",
        .help = "the same for a business account"),
    ROW("fraud.personal_per_minute", CONFIG_INT, fraud_personal_per_minute, .min = 1, .max = 100000, .boot = "30",
        .help = "payments of one personal account in a minute"),
    ROW("saga.payment", CONFIG_STRING, payment_saga, .boot = "sagas/payment.asl.json",
        .help = "definition of the payment saga"),
    ROW("core.host", CONFIG_STRING, core_host, .boot = "127.0.0.1", .help = "core banking host"),
    ROW("core.port", CONFIG_INT, core_port, .min = 1, .max = 65535, .boot = "9100", .help = "its port"),
    ROW("core.connections", CONFIG_INT, core_connections, .min = 1, .max = 64, .boot = "16",
        .help = "connections to it"),
    ROW("core.deadline", CONFIG_DURATION, core_deadline_ms, .min = 50, .max = 60000, .boot = "2s",
        .help = "for one answer; then the outcome is unknown"),
    ROW("core.breaker_failures", CONFIG_INT, core_breaker_failures, .min = 1, .max = 1000, .boot = "3",
        .help = "failures in a row that open its breaker"),
    ROW("core.breaker_open", CONFIG_DURATION, core_breaker_open_ms, .min = 100, .max = 3600000, .boot = "60s",
        .help = "how long it stays open"),
    ROW("core.layouts", CONFIG_STRING, core_layouts, .boot = "src/integration/acl/layouts",
        .help = "folder of its record layouts"),
    ROW("sink.host", CONFIG_STRING, sink_host, .boot = "127.0.0.1", .help = "sender of messages to customers"),
    ROW("sink.port", CONFIG_INT, sink_port, .min = 1, .max = 65535, .boot = "9200", .help = "its port"),
    ROW("listen.socket", CONFIG_STRING, listen_socket, .max = 100, .boot = "api.sock",
        .help = "Unix socket on which the edge reaches the daemon"),
    ROW("listen.users", CONFIG_STRINGS, listen_users, .max = HTTP_UIDS_MAX, .boot = "",
        .help = "user ids that may connect to it (the edge's); empty: this user's"),
    ROW("listen.workers", CONFIG_INT, listen_workers, .min = 1, .max = GATEWAY_WORKERS_MAX, .boot = "16",
        .help = "threads that judge and answer requests"),
    ROW("listen.io_threads", CONFIG_INT, listen_io_threads, .min = 1, .max = HTTP_IO_THREADS_MAX, .boot = "1",
        .help = "threads that read and write connections"),
    ROW("api.documents", CONFIG_STRING, api_documents, .boot = "api", .help = "folder of the OpenAPI documents"),
    ROW("api.url", CONFIG_STRING, api_url, .boot = "https://localhost:8443",
        .help = "how callers name the mTLS listener"),
    ROW("cache.kind", CONFIG_CHOICE, cache_kind, .boot = "embedded", .choices = "embedded|redis",
        .help = "what nodes share of rate limits: nothing (each counts alone), or buckets in Redis"),
    ROW("cache.connection", CONFIG_STRING, cache_connection, .boot = "", .help = "redis: unix:/path or host:port"),
    ROW("cache.timeout", CONFIG_DURATION, cache_timeout_ms, .min = 1, .max = REDIS_TIMEOUT_MS_MAX, .boot = "50ms",
        .help = "redis: how long one answer may take; then this node counts alone"),
    ROW("rate_limits_file", CONFIG_STRING, rate_limits_file, .boot = "",
        .help = "a YAML file with rate_limits, in place of that section here"),
    ROW("open_banking.unattended_reads_per_day", CONFIG_INT, unattended_reads_per_day, .min = 0, .max = 1000000,
        .boot = "4", .help = "reads of one account resource without the customer, a consent and UTC day; 0: any"),
    ROW("open_banking.sca_renewal_days", CONFIG_INT, sca_renewal_days, .min = 0, .max = 3650, .boot = "0",
        .help = "days after which a customer must authenticate anew for reads of accounts (EU: 180); 0: never (UK)"),
    ROW("api.v3_deprecated", CONFIG_STRING, v3_deprecated, .max = 10, .boot = "",
        .help = "day since which v3.1 is deprecated, said on its answers; empty: it is not"),
    ROW("api.v3_sunset", CONFIG_STRING, v3_sunset, .max = 10, .boot = "",
        .help = "day on which v3.1 ends: said before, and from then on it answers 503; empty: none"),
    ROW("gateway.response_check", CONFIG_CHOICE, response_check, .boot = "off", .choices = RESPONSE_CHECK_CHOICES,
        .help = "answers that their OpenAPI document does not know: passed over, logged and counted, or failed too"),
    ROW("gateway.response_check_every", CONFIG_INT, response_check_every, .min = 1, .max = 1000000, .boot = "1",
        .help = "one answer in so many is looked at"),
    ROW("gateway.queue_wait", CONFIG_DURATION, queue_wait_ms, .min = 10, .max = 60000, .boot = "1s",
        .help = "new requests are answered 503 while one has waited so long for a worker"),
    ROW("auth.issuer", CONFIG_STRING, issuer, .boot = "https://localhost:8444",
        .help = "the issuer, on the browser listener"),
    ROW("auth.signing_key", CONFIG_STRING, signing_key, .boot = "signing.key",
        .help = "PEM of the bank's RSA key, mode 0600"),
    ROW("registration.directory_issuer", CONFIG_STRING, directory_issuer, .boot = "",
        .help = "iss of the software statements that count"),
    ROW("registration.directory_keys", CONFIG_STRING, directory_keys, .boot = "",
        .help = "file with the directory's JWK Set; empty: clients cannot register themselves"),
    ROW("registration.statement_life", CONFIG_DURATION, statement_life_ms, .min = 60000, .max = 86400000, .boot = "30m",
        .help = "how old a software statement may be"),
    ROW("registration.tier", CONFIG_STRING, registration_tier, .boot = "open_banking_tpp",
        .help = "tier of clients that registered themselves"),
    ROW("auth.dpop_nonce", CONFIG_BOOL, dpop_nonce, .boot = "false",
        .help = "proofs of a key (DPoP) need a nonce of the bank"),
    ROW("auth.jwks_hosts", CONFIG_STRINGS, jwks_hosts, .boot = "",
        .help = "hosts of clients' keys (jwks_uri) that may have internal addresses, as the URLs write them"),
    ROW("auth.jwks_ca", CONFIG_STRING, jwks_ca, .boot = "",
        .help = "file of CA certificates for the hosts of clients' keys; empty: the system's"),
    ROW("auth.issuer_hosts", CONFIG_STRINGS, issuer_hosts, .boot = "",
        .help = "hosts of other issuers (issuers: jwks_uri, introspection_endpoint) that may have internal addresses"),
    ROW("auth.issuer_ca", CONFIG_STRING, issuer_ca, .boot = "",
        .help = "file of CA certificates for the hosts of other issuers; empty: the system's"),
    ROW("auth.resource_servers", CONFIG_STRINGS, resource_servers, .boot = "",
        .help = "clients that may ask about access tokens of other clients (introspection): resource servers"),
    ROW("auth.refresh_rotation", CONFIG_BOOL, refresh_rotation, .boot = "false",
        .help = "a refresh token is replaced when it is used; else it stays"),
    ROW("auth.refresh_retry", CONFIG_DURATION, refresh_retry_ms, .min = 1000, .max = 3600000, .boot = "60s",
        .help = "with rotation: how long the refresh token that was replaced is good still"),
    ROW("trust.clients", CONFIG_STRINGS, trust_clients, .boot = "",
        .help = "files or folders of CA certificates for clients; of a directory: trust_directories"),
    ROW("edge.form", CONFIG_CHOICE, edge_form, .boot = "nginx", .choices = EDGE_FORM_CHOICES,
        .help = "how the edge hands over client certificates; headers of another form are refused"),
    ROW("edge.certificates", CONFIG_STRINGS, edge_certificates, .boot = "",
        .help = "PEM files of the edge's own certificates, whose end is to be watched"),
    ROW("revocation.policy", CONFIG_CHOICE, revocation_policy, .boot = "soft", .choices = REVOCATION_POLICY_CHOICES,
        .help =
            "a client certificate of which neither a CRL nor OCSP can be had: accepted, refused; off: none is asked"),
    ROW("revocation.lists", CONFIG_STRINGS, revocation_lists, .boot = "",
        .help = "files or folders of CRLs (PEM, DER); those the certificates name are fetched as well"),
    ROW("revocation.hosts", CONFIG_STRINGS, revocation_hosts, .boot = "",
        .help = "hosts of CRLs and OCSP that may have internal addresses, as certificates write them"),
    ROW("revocation.refresh", CONFIG_DURATION, revocation_refresh_ms, .min = 1000, .max = 86400000, .boot = "10m",
        .help = "how often CRLs and OCSP answers are fetched again, besides when they end"),
    ROW("operations.port", CONFIG_INT, operations_port, .min = 0, .max = 65535, .boot = "8445",
        .help = "health and metrics on loopback; 0: any free port"),
    ROW("admin.socket", CONFIG_STRING, admin_socket, .max = 100, .boot = "admin.sock",
        .help = "the operator's socket, mode 0600"),
    ROW("scheduling.period", CONFIG_DURATION, scheduling_period_ms, .min = 100, .max = 3600000, .boot = "1s",
        .help = "how often the bank looks for payments that fell due"),
    ROW("scheduling.scheduled_on_holiday", CONFIG_CHOICE, scheduled_on_holiday, .boot = "following",
        .choices = SCHEDULE_CONFIG_CHOICES, .help = "a scheduled payment of a day that is no business day"),
    ROW("scheduling.standing_orders_on_holiday", CONFIG_CHOICE, standing_orders_on_holiday, .boot = "following",
        .choices = SCHEDULE_CONFIG_CHOICES, .help = "the same for standing orders"),
    ROW("scheduling.files_on_holiday", CONFIG_CHOICE, files_on_holiday, .boot = "following",
        .choices = SCHEDULE_CONFIG_CHOICES, .help = "the same for files of payments"),
};

/* ---- rate_limits: {tier: {requests_per_second, burst, daily_limit}} ---- */

static struct bank_tier *tier_of(struct bank_config *config, const struct config_value *value,
                                 struct config_errors *errors) {
    for (size_t i = 0; i < config->tier_count; i++)
        if (str_equal_c(value->keys[0], config->tiers[i].name)) return &config->tiers[i];
    if (config->tier_count == BANK_TIERS_MAX) {
        config_error(errors, value->line, "more than %d tiers", BANK_TIERS_MAX);
        return NULL;
    }
    struct bank_tier *tier = &config->tiers[config->tier_count];
    if (str_to_c(value->keys[0], tier->name, sizeof tier->name)) {
        config_error(errors, value->line, "a tier's name has at most %zu characters", sizeof tier->name - 1);
        return NULL;
    }
    tier->tier = (struct rate_tier){ .name = tier->name };
    tier->line = value->line;
    config->tier_count++;
    return tier;
}

static void tier_set(void *ctx, const struct config_value *value, struct arena *arena, struct config_errors *errors) {
    (void)arena; /* names are kept in the tiers themselves */
    struct bank_tier *tier = value->key_count == 2 && !value->listed ? tier_of(ctx, value, errors) : NULL;
    int64_t number = 0;
    if (value->key_count != 2 || value->listed)
        config_error(errors, value->line, "want rate_limits.TIER.{requests_per_second, burst, daily_limit}");
    if (!tier) return;
    bool rate = str_equal_c(value->keys[1], "requests_per_second"), burst = str_equal_c(value->keys[1], "burst");
    if (!rate && !burst && !str_equal_c(value->keys[1], "daily_limit")) {
        config_error(errors, value->line, "unknown key \"rate_limits." STR_FMT "." STR_FMT "\"",
                     STR_ARG(value->keys[0]), STR_ARG(value->keys[1]));
        return;
    }
    int64_t max = rate ? RATE_PER_SECOND_MAX : burst ? RATE_BURST_MAX : INT64_MAX;
    if (!value->null && !config_value_i64(value, 1, max, &number)) {
        config_error(errors, value->line, "want a whole number from 1 to %lld, or null for no limit", (long long)max);
        return;
    }
    if (rate) tier->tier.requests_per_second = (uint32_t)number;
    else if (burst) tier->tier.burst = (uint32_t)number;
    else tier->tier.daily_limit = (uint64_t)number;
    tier->has_rate |= rate;
    tier->has_burst |= burst;
    tier->has_daily |= !rate && !burst;
}

static void tiers_end(void *ctx, struct config_errors *errors) {
    const struct bank_config *config = ctx;
    for (size_t i = 0; i < config->tier_count; i++) {
        const struct bank_tier *tier = &config->tiers[i];
        if (!tier->has_rate || !tier->has_burst || !tier->has_daily)
            config_error(errors, tier->line,
                         "tier \"%s\" wants requests_per_second, burst and daily_limit (null for none)", tier->name);
        else if (tier->tier.requests_per_second && !tier->tier.burst)
            config_error(errors, tier->line, "tier \"%s\" has a rate and no burst", tier->name);
        if (!config->options.sandbox && !strcmp(tier->name, "sandbox_unlimited"))
            config_error(errors, tier->line, "tier \"sandbox_unlimited\" is for a sandbox only (sandbox: true)");
    }
    bool elsewhere = config->options.rate_limits_file.len > 0 && !config->rates_file.section_count;
    if (elsewhere && config->tier_count)
        config_error(errors, 0, "rate_limits stands here and in rate_limits_file: want one of them");
    if (!elsewhere && config->tier_count == 0) config_error(errors, 0, "rate_limits names no tier");
}

static void print_limit(struct buffer *out, const char *name, uint64_t limit) {
    if (limit) buffer_printf(out, "    %s: %llu\n", name, (unsigned long long)limit);
    else buffer_printf(out, "    %s: null\n", name);
}

static void tiers_print(void *ctx, struct buffer *out) {
    const struct bank_config *config = ctx;
    if (config->options.rate_limits_file.len) return; /* they stand there */
    for (size_t i = 0; i < config->tier_count; i++) {
        const struct rate_tier *tier = &config->tiers[i].tier;
        buffer_printf(out, "  %s:\n", tier->name);
        print_limit(out, "requests_per_second", tier->requests_per_second);
        print_limit(out, "burst", tier->burst);
        print_limit(out, "daily_limit", tier->daily_limit);
    }
}

static const char tiers_sample[] = "# rate_limits:\n"
                                   "#   open_banking_tpp:\n"
                                   "#     requests_per_second: 50\n"
                                   "#     burst: 100\n"
                                   "#     daily_limit: 500000   # null: none\n";

/* ---- idempotency: {keep} ---- */

enum { KEEP_DAYS_MIN = 1, KEEP_DAYS_MAX = 36500 };

static void idempotency_set(void *ctx, const struct config_value *value, struct arena *arena,
                            struct config_errors *errors) {
    struct bank_config *config = ctx;
    (void)arena; /* nothing of it is text */
    if (value->key_count != 1 || value->listed || !str_equal_c(value->keys[0], "keep"))
        config_error(errors, value->line, "want idempotency.keep");
    else if (value->plain && str_equal_c(value->text, "forever")) config->idempotency_keep_ms = 0;
    else if (!config_value_duration(value, KEEP_DAYS_MIN * GATEWAY_DAY_MS, KEEP_DAYS_MAX * GATEWAY_DAY_MS,
                                    &config->idempotency_keep_ms))
        config_error(errors, value->line, "idempotency.keep: want 1d to 36500d, or forever");
}

static void idempotency_print(void *ctx, struct buffer *out) {
    const struct bank_config *config = ctx;
    if (config->idempotency_keep_ms) buffer_printf(out, "  keep: %lldms\n", (long long)config->idempotency_keep_ms);
    else buffer_append_c(out, "  keep: forever\n");
}

static const char idempotency_sample[] =
    "# idempotency:\n"
    "#   keep: 396d   # how long an answer of /v1 stands under its key: 1d to 36500d, or forever\n";

static void bank_config_init(struct bank_config *config) {
    *config = (struct bank_config){ 0 };
    config->table = (struct config_table){ .rows = rows, .row_count = ARRAY_COUNT(rows), .options = &config->options };
    config->idempotency_keep_ms = IDEMPOTENCY_V1_KEEP_MS;
    config->sections[0] = (struct config_section){ .name = "rate_limits",
                                                   .set = tier_set,
                                                   .end = tiers_end,
                                                   .print = tiers_print,
                                                   .sample = tiers_sample,
                                                   .ctx = config };
    config->sections[1] = (struct config_section){ .name = "idempotency",
                                                   .set = idempotency_set,
                                                   .print = idempotency_print,
                                                   .sample = idempotency_sample,
                                                   .ctx = config };
    config->sections[2] = schedule_config_section(&config->schedule);
    config->sections[3] = trust_config_section(&config->trust);
    config->sections[4] = address_config_section(&config->addresses);
    config->sections[5] = issuer_config_section(&config->issuers);
    config->config = (struct config){ .tables = &config->table,
                                      .table_count = 1,
                                      .sections = config->sections,
                                      .section_count = ARRAY_COUNT(config->sections) };
}

/* The section in a file of its own. */
static int read_rates_file(struct bank_config *config, struct config_errors *errors) {
    char path[BANK_PATH_BYTES_MAX];
    if (str_to_c(config->options.rate_limits_file, path, sizeof path)) {
        config_error(errors, 0, "rate_limits_file: the path is too long");
        return CONFIG_E_INVALID;
    }
    config->rates_file = (struct config){ .sections = config->sections, .section_count = 1 };
    int r = config_init(&config->rates_file);
    if (!r) r = config_read_file(&config->rates_file, path, errors);
    config_release(&config->rates_file);
    return err_trace(r);
}

/* Clients that register themselves get this tier: it must be there before the first one comes. */
static int check_registration(const struct bank_config *config, const char *path, struct config_errors *errors) {
    const struct bank_options *options = &config->options;
    int line = config_line(&config->config, "registration.tier");
    if (options->directory_keys.len == 0) return 0; /* none can */
    for (size_t i = 0; i < config->tier_count; i++)
        if (str_equal_c(options->registration_tier, config->tiers[i].name)) return 0;
    errors->file = path; /* the limits may stand in another */
    config_error(errors, line ? line : config_line(&config->config, "registration.directory_keys"),
                 "registration.tier names no tier of rate_limits: give it one that stands there%s",
                 line ? "" : ", its default does not");
    return CONFIG_E_INVALID;
}

int bank_config_read(struct bank_config *config, const char *path, struct config_errors *errors) {
    bank_config_init(config);
    int r = config_init(&config->config);
    if (!r) r = config_read_file(&config->config, path, errors);
    if (!r && config->options.rate_limits_file.len) r = read_rates_file(config, errors);
    if (!r) r = check_registration(config, path, errors);
    if (!r && config->options.cache_kind == BANK_CACHE_REDIS && !redis_address_fits(config->options.cache_connection)) {
        config_error(errors, 0, "cache.kind is redis: want cache.connection as unix:/path or host:port");
        return CONFIG_E_INVALID;
    }
    return err_trace(r);
}

void bank_config_release(struct bank_config *config) {
    address_config_release(&config->addresses);
    config_release(&config->config);
}

void bank_config_sample(struct buffer *out) {
    struct bank_config config;
    bank_config_init(&config);
    if (config_init(&config.config) == 0) config_sample(&config.config, out);
    bank_config_release(&config);
}

size_t bank_config_explain(struct str key, struct buffer *out) {
    size_t found = 0;
    for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
        struct str name = str_from_c(rows[i].name);
        bool below = name.len > key.len && str_starts(name, key) && name.at[key.len] == '.';
        if (!below && !str_equal(name, key)) continue;
        buffer_printf(out, "%s: %s", rows[i].name, rows[i].help);
        if (rows[i].choices) buffer_printf(out, "; one of %s", rows[i].choices);
        buffer_printf(out, "; default %s\n", rows[i].boot[0] ? rows[i].boot : "none");
        found++;
    }
    found += issuer_config_explain(key, out);
    return found;
}

void bank_config_print(const struct bank_config *config, struct buffer *out) {
    config_print(&config->config, out);
}
