#include "app/certificate_watch.h"

#include "platform/clock.h"
#include "platform/file.h"
#include "platform/file_stamp.h"
#include "platform/revocation.h"

#include <pthread.h>

#define DAY_MS (INT64_C(24) * 3600 * 1000)
enum { WATCH_PATHS_MAX = TRUST_LIST_PATHS_MAX + TRUST_DIRECTORIES_MAX * TRUST_DIRECTORY_PATHS_MAX };

struct certificate_watch {
    struct certificate_watch_options options;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended; /* on the monotonic clock */
    bool ending;
    const char *trust_paths[WATCH_PATHS_MAX];
    size_t trust_count;
    struct hash trust_stamp; /* zero at first, so that what changed since the start is read too */
    const char *list_paths[CONFIG_LIST_MAX];
    size_t list_count;
    struct hash list_stamp;
    int64_t facts_ms, warned_ms; /* monotonic; 0: never */
};

/* ---- trust lists ---- */

static void collect_paths(struct certificate_watch *watch) {
    const struct bank_config *config = watch->options.config;
    const struct config_strings *clients = &config->options.trust_clients;
    for (size_t i = 0; i < clients->count; i++) watch->trust_paths[watch->trust_count++] = clients->at[i].at;
    for (size_t i = 0; i < config->trust.count; i++)
        for (size_t k = 0; k < config->trust.directories[i].count; k++)
            watch->trust_paths[watch->trust_count++] = config->trust.directories[i].paths[k];
    for (size_t i = 0; i < config->options.revocation_lists.count; i++)
        watch->list_paths[watch->list_count++] = config->options.revocation_lists.at[i].at;
}

static void reload_trust(struct certificate_watch *watch) {
    const struct bank_config *config = watch->options.config;
    struct trust_set *set;
    struct message message = { { 0 } };
    int r = trust_config_load(&config->trust, &config->options.trust_clients, &set, &message);
    if (r) {
        log_event(watch->options.log, LOG_LEVEL_ERROR, "trust_not_reloaded", log_str("reason", message.text),
                  log_str("hint", "the lists read before stay in force: put a good file there"));
        return;
    }
    log_event(watch->options.log, LOG_LEVEL_INFO, "trust_reloaded",
              log_i64("certificates", (int64_t)trust_set_certificates(set)));
    trust_slot_put_set_take(watch->options.trust, set);
    watch->list_stamp = (struct hash){ { 0 } }; /* a list may be of a new CA */
    watch->facts_ms = watch->warned_ms = 0;
}

static void look_at_trust(struct certificate_watch *watch) {
    struct hash stamp;
    if (file_stamp(watch->trust_paths, watch->trust_count, &stamp)) return; /* no memory now: the next look */
    if (hash_equal(&stamp, &watch->trust_stamp)) return;
    watch->trust_stamp = stamp;
    reload_trust(watch);
}

/* ---- lists of revoked certificates ---- */

static void look_at_lists(struct certificate_watch *watch) {
    struct message message = { { 0 } };
    struct hash stamp;
    if (!watch->options.revocation || file_stamp(watch->list_paths, watch->list_count, &stamp)) return;
    if (hash_equal(&stamp, &watch->list_stamp)) return;
    watch->list_stamp = stamp;
    struct trust_set *set = trust_slot_get(watch->options.trust);
    int r = set ? revocation_load(watch->options.revocation, watch->list_paths, watch->list_count, set, &message) : 0;
    (void)trust_set_free(set);
    if (r)
        log_event(watch->options.log, LOG_LEVEL_ERROR, "revocation_lists_not_reloaded", log_str("reason", message.text),
                  log_str("hint", "the lists read before stay in force: put a good file there"));
    else if (watch->list_count) log_note(watch->options.log, LOG_LEVEL_INFO, "revocation_lists_reloaded");
}

/* ---- when what ends ---- */

static void warn_end(struct certificate_watch *watch, const char *kind, struct str name, int64_t left_ms) {
    log_event(watch->options.log, left_ms <= 0 ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN,
              left_ms <= 0 ? "certificate_expired" : "certificate_expires", log_str("kind", kind),
              log_str("name", name), log_i64("days", left_ms / DAY_MS),
              log_str("hint", "put the renewed certificate in its place; nothing need be started again"));
}

/* The CA of each list that ends first. */
struct ends {
    const char *names[TRUST_LISTS_MAX];
    int64_t at_ms[TRUST_LISTS_MAX];
    size_t count;
    struct certificate_watch *watch;
    bool warn;
    int64_t now_ms;
};

static void note_ca(void *ctx, const struct trust_ca *ca) {
    struct ends *ends = ctx;
    size_t i = 0;
    while (i < ends->count && strcmp(ends->names[i], ca->list) != 0) i++;
    if (i == ends->count) {
        ends->names[ends->count++] = ca->list;
        ends->at_ms[i] = ca->not_after_ms;
    }
    if (ca->not_after_ms < ends->at_ms[i]) ends->at_ms[i] = ca->not_after_ms;
    int64_t left_ms = ca->not_after_ms - ends->now_ms;
    if (ends->warn && left_ms < CERTIFICATE_WARN_DAYS * DAY_MS)
        warn_end(ends->watch, "trust", ca->common_name, left_ms);
}

static void put_end(struct certificate_watch *watch, const char *kind, struct str name, int64_t left_ms) {
    metrics_set(watch->options.metrics, METRIC_CERTIFICATE_EXPIRES,
                (struct metric_labels){ { str_from_c(kind), name } }, left_ms / 1000);
}

static struct str base_name(struct str path) {
    struct str head, rest = path;
    while (str_cut(&rest, '/', &head)) path = rest;
    return path;
}

/* 0 with the end of the first certificate in the file. */
static int read_end(struct str path, int64_t *ret_ms, struct message *message) {
    struct arena arena = { 0 };
    struct str pem;
    struct certificate *certificate = NULL;
    int r = arena_init(&arena, CERTIFICATE_PEM_BYTES_MAX, TRUST_FILE_BYTES_MAX);
    if (r == 0) r = file_read_all(path.at, TRUST_FILE_BYTES_MAX / 2, &arena, &pem, message);
    if (r == 0) r = certificate_parse_pem_first(pem, &certificate);
    if (r > 0) message_set(message, "%s: does not begin with a certificate in PEM", path.at);
    if (r == 0) *ret_ms = certificate->not_after_ms;
    (void)certificate_free(certificate);
    arena_release(&arena);
    return r;
}

static void look_at_edge(struct certificate_watch *watch, bool warn, int64_t now_ms) {
    const struct config_strings *files = &watch->options.config->options.edge_certificates;
    for (size_t i = 0; i < files->count; i++) {
        struct message message = { { 0 } };
        int64_t end_ms;
        int r = read_end(files->at[i], &end_ms, &message);
        if (r && warn)
            log_event(watch->options.log, LOG_LEVEL_ERROR, "edge_certificate_not_read",
                      log_str("reason", message.text));
        if (r) continue;
        put_end(watch, "edge", base_name(files->at[i]), end_ms - now_ms);
        if (warn && end_ms - now_ms < CERTIFICATE_WARN_DAYS * DAY_MS)
            warn_end(watch, "edge", base_name(files->at[i]), end_ms - now_ms);
    }
}

static void look_at_ends(struct certificate_watch *watch) {
    int64_t mono_ms = clock_mono_ms();
    if (watch->facts_ms && mono_ms - watch->facts_ms < CERTIFICATE_FACTS_MS) return;
    struct ends ends = { .watch = watch,
                         .warn = !watch->warned_ms || mono_ms - watch->warned_ms >= DAY_MS,
                         .now_ms = clock_now_ms() };
    struct trust_set *set = trust_slot_get(watch->options.trust);
    if (set) trust_set_each(set, note_ca, &ends);
    for (size_t i = 0; i < ends.count; i++)
        put_end(watch, "trust", ends.names[i][0] ? str_from_c(ends.names[i]) : STR("clients"),
                ends.at_ms[i] - ends.now_ms);
    (void)trust_set_free(set); /* after the names, which are its own */
    look_at_edge(watch, ends.warn, ends.now_ms);
    watch->facts_ms = mono_ms;
    if (ends.warn) watch->warned_ms = mono_ms;
}

/* ---- the thread ---- */

/* False when it is to end. */
static bool pause_look(struct certificate_watch *watch) {
    int64_t until_ms = clock_mono_ms() + CERTIFICATE_WATCH_MS;
    struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };
    check(pthread_mutex_lock(&watch->lock) == 0);
    int r = 0;
    while (!watch->ending && r == 0) r = pthread_cond_timedwait(&watch->ended, &watch->lock, &until);
    bool goes_on = !watch->ending;
    check(pthread_mutex_unlock(&watch->lock) == 0);
    return goes_on;
}

static void *watch_run(void *ctx) {
    struct certificate_watch *watch = ctx;
    do {
        look_at_trust(watch);
        look_at_lists(watch);
        look_at_ends(watch);
    } while (pause_look(watch));
    return NULL;
}

static void init_lock(struct certificate_watch *watch) {
    pthread_condattr_t attributes;
    check(pthread_mutex_init(&watch->lock, NULL) == 0);
    check(pthread_condattr_init(&attributes) == 0 && pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    check(pthread_cond_init(&watch->ended, &attributes) == 0);
    check(pthread_condattr_destroy(&attributes) == 0);
}

int certificate_watch_start(const struct certificate_watch_options *options, struct certificate_watch **ret_watch) {
    struct certificate_watch *watch = calloc(1, sizeof *watch);
    if (!watch) return err_origin(-ENOMEM);
    watch->options = *options;
    collect_paths(watch);
    init_lock(watch);
    if (pthread_create(&watch->thread, NULL, watch_run, watch)) {
        check(pthread_cond_destroy(&watch->ended) == 0 && pthread_mutex_destroy(&watch->lock) == 0);
        free(watch);
        return err_origin(-EAGAIN);
    }
    *ret_watch = watch;
    return 0;
}

struct certificate_watch *certificate_watch_stop(struct certificate_watch *watch) {
    if (!watch) return NULL;
    check(pthread_mutex_lock(&watch->lock) == 0);
    watch->ending = true;
    check(pthread_cond_signal(&watch->ended) == 0);
    check(pthread_mutex_unlock(&watch->lock) == 0);
    check(pthread_join(watch->thread, NULL) == 0);
    check(pthread_cond_destroy(&watch->ended) == 0 && pthread_mutex_destroy(&watch->lock) == 0);
    free(watch);
    return NULL;
}
