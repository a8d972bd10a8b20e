#include "platform/revocation_int.h"

#include "platform/clock.h"
#include "platform/file.h"

#include <dirent.h>
#include <sys/stat.h>

void revocation_lock(struct revocation *revocation) {
    check(pthread_mutex_lock(&revocation->lock) == 0);
}

void revocation_unlock(struct revocation *revocation) {
    check(pthread_mutex_unlock(&revocation->lock) == 0);
}

void revocation_wait(struct revocation *revocation, pthread_cond_t *condition, int64_t until_ms) {
    struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };
    (void)pthread_cond_timedwait(condition, &revocation->lock, &until); /* the caller looks again whatever it says */
}

/* ---- what is watched ---- */

static struct revocation_watched *set_of(struct revocation *revocation, const struct trust_link *link) {
    size_t number = 0;
    for (size_t i = 0; i < link->serial_len; i++) number = number * 31 + link->serial[i];
    number += (size_t)link->issuer.bytes[0] << 8 | link->issuer.bytes[1];
    return &revocation->watched[number % (REVOCATION_WATCHED_MAX / REVOCATION_WAYS) * REVOCATION_WAYS];
}

static struct revocation_watched *find(struct revocation *revocation, const struct trust_link *link) {
    struct revocation_watched *set = set_of(revocation, link);
    for (size_t i = 0; i < REVOCATION_WAYS; i++)
        if (set[i].x509 && trust_link_equal(&set[i].link, link)) return &set[i];
    return NULL;
}

static struct revocation_watched *make_room(struct revocation *revocation, const struct trust_link *link) {
    struct revocation_watched *set = set_of(revocation, link), *place = &set[0];
    for (size_t i = 0; i < REVOCATION_WAYS; i++) {
        if (!set[i].x509) return &set[i];
        if (set[i].seen_ms < place->seen_ms) place = &set[i];
    }
    X509_free(place->x509);
    X509_free(place->issuer_x509);
    *place = (struct revocation_watched){ .x509 = NULL };
    return place;
}

/* The number of the list at url of this issuer; made when there is none. False when there is no room. */
static bool want_list(struct revocation *revocation, const char *url, const struct trust_link *link, X509 *issuer,
                      size_t *ret_number) {
    size_t i = 0;
    for (; i < revocation->fetched_count; i++)
        if (hash_equal(&revocation->fetched[i].issuer, &link->issuer) && strcmp(revocation->fetched[i].url, url) == 0)
            break;
    if (i == REVOCATION_LISTS_MAX) return false;
    if (i == revocation->fetched_count) {
        struct revocation_fetched *fetched = &revocation->fetched[revocation->fetched_count++];
        *fetched = (struct revocation_fetched){ .issuer = link->issuer, .issuer_x509 = issuer };
        check(X509_up_ref(issuer) == 1);
        (void)snprintf(fetched->url, sizeof fetched->url, "%s", url);
    }
    *ret_number = i;
    return true;
}

void revocation_watch(void *ctx, const struct trust_link *link, const void *x509, const void *issuer_x509) {
    struct revocation *revocation = ctx;
    struct revocation_places places;
    X509 *subject = X509_dup(x509), *issuer = X509_dup(issuer_x509);
    revocation_places_read(x509, &places);
    revocation_lock(revocation);
    struct revocation_watched *watched = subject && issuer ? find(revocation, link) : NULL;
    if (subject && issuer && !watched) {
        watched = make_room(revocation, link);
        *watched = (struct revocation_watched){ .link = *link, .x509 = subject, .issuer_x509 = issuer };
        for (size_t i = 0; i < places.crl_count; i++)
            if (want_list(revocation, places.crl[i], link, issuer, &watched->lists[watched->list_count]))
                watched->list_count++;
        memcpy(watched->ocsp, places.ocsp, sizeof watched->ocsp);
        subject = issuer = NULL; /* it has them */
        check(pthread_cond_signal(&revocation->work) == 0);
    }
    if (watched) watched->seen_ms = clock_mono_ms();
    revocation_unlock(revocation);
    X509_free(subject);
    X509_free(issuer);
}

/* ---- a check ---- */

static bool is_good_now(int64_t this_ms, int64_t next_ms, int64_t now_ms) {
    return now_ms + REVOCATION_SKEW_MS >= this_ms && now_ms < next_ms;
}

/* Whether the list speaks of the certificate: it is of its issuer, and of all or of a point that it names. */
static bool speaks_of(const struct revocation *revocation, const struct revocation_list *list,
                      const struct revocation_watched *watched) {
    if (!hash_equal(&list->issuer, &watched->link.issuer)) return false;
    if (!list->point[0]) return true;
    for (size_t i = 0; i < watched->list_count; i++)
        if (strcmp(revocation->fetched[watched->lists[i]].url, list->point) == 0) return true;
    return false;
}

static enum revocation_state state_by_list(const struct revocation *revocation, const struct revocation_list *list,
                                           const struct revocation_watched *watched, int64_t now_ms) {
    if (revocation_list_names(list, &watched->link)) return REVOCATION_REVOKED;
    bool says_good = speaks_of(revocation, list, watched) && is_good_now(list->this_ms, list->next_ms, now_ms);
    return says_good ? REVOCATION_GOOD : REVOCATION_UNKNOWN;
}

/* Revoked by anything; else good by anything; else not known. */
static enum revocation_state state_of(const struct revocation *revocation, const struct revocation_watched *watched,
                                      int64_t now_ms) {
    enum revocation_state state = REVOCATION_UNKNOWN;
    for (size_t i = 0; i < revocation->file_count + watched->list_count; i++) {
        const struct revocation_list *list =
            i < revocation->file_count ? &revocation->files[i]
                                       : &revocation->fetched[watched->lists[i - revocation->file_count]].list;
        enum revocation_state one = state_by_list(revocation, list, watched, now_ms);
        if (one == REVOCATION_REVOKED) return one;
        if (one == REVOCATION_GOOD) state = one;
    }
    if (watched->answer.revoked) return REVOCATION_REVOKED;
    bool answered = watched->answer.known && is_good_now(watched->answer.this_ms, watched->answer.next_ms, now_ms);
    return answered ? REVOCATION_GOOD : state;
}

/* A first call about it is still under way. */
static bool is_pending(const struct revocation *revocation, const struct revocation_watched *watched) {
    for (size_t i = 0; i < watched->list_count; i++)
        if (!revocation->fetched[watched->lists[i]].tried) return true;
    return watched->ocsp[0] && !watched->ocsp_tried;
}

/* The worst of the links; *ret_pending: a wait may help. */
static enum revocation_state state_of_all(struct revocation *revocation, const struct trust_link *links, size_t count,
                                          bool *ret_pending) {
    enum revocation_state worst = REVOCATION_GOOD;
    int64_t now_ms = clock_now_ms(), mono_ms = clock_mono_ms();
    *ret_pending = false;
    for (size_t i = 0; i < count; i++) {
        struct revocation_watched *watched = find(revocation, &links[i]);
        if (!watched) return REVOCATION_UNWATCHED;
        watched->seen_ms = mono_ms;
        enum revocation_state state = state_of(revocation, watched, now_ms);
        if (state == REVOCATION_REVOKED) return state;
        if (state == REVOCATION_UNKNOWN) {
            worst = state;
            *ret_pending = *ret_pending || is_pending(revocation, watched);
        }
    }
    return worst;
}

enum revocation_state revocation_check(struct revocation *revocation, const struct trust_link *links, size_t count) {
    int64_t until_ms = clock_mono_ms() + REVOCATION_WAIT_MS;
    bool pending;
    revocation_lock(revocation);
    enum revocation_state state = state_of_all(revocation, links, count, &pending);
    if (state == REVOCATION_UNKNOWN && pending && revocation->waiters < REVOCATION_WAITERS_MAX) {
        revocation->waiters++;
        while (state == REVOCATION_UNKNOWN && pending && clock_mono_ms() < until_ms && !revocation->ending) {
            revocation_wait(revocation, &revocation->done, until_ms);
            state = state_of_all(revocation, links, count, &pending);
        }
        revocation->waiters--;
    }
    revocation_unlock(revocation);
    bool soft = revocation->options.policy == REVOCATION_SOFT;
    return state == REVOCATION_UNKNOWN && soft ? REVOCATION_GOOD : state;
}

/* ---- lists in files ---- */

struct file_load {
    const struct trust_set *set;
    struct revocation_list *lists;
    size_t count;
    struct message *message;
    /* of the block at hand */
    struct str der;
    const X509_NAME *issuer;
    int result;
};

static int refuse_path(const struct file_load *load, const char *path, const char *reason, int code) {
    message_set(load->message, "list of revoked certificates %s: %s", path, reason);
    return code;
}

static void try_ca(void *ctx, const struct trust_ca *ca) {
    struct file_load *load = ctx;
    if (load->result == 0 || X509_NAME_cmp(load->issuer, X509_get_subject_name(ca->x509)) != 0) return;
    load->result = revocation_list_read(load->der, ca->x509, &load->lists[load->count]);
}

static int load_block(struct file_load *load, const char *path, struct str der) {
    const unsigned char *at = (const unsigned char *)der.at;
    if (load->count == REVOCATION_FILES_MAX) return refuse_path(load, path, "too many lists", REVOCATION_E_SIZE);
    X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.len);
    if (!crl) return refuse_path(load, path, revocation_refusal_text(REVOCATION_E_SYNTAX), REVOCATION_E_SYNTAX);
    load->der = der;
    load->issuer = X509_CRL_get_issuer(crl);
    load->result = REVOCATION_E_ISSUER;
    trust_set_each(load->set, try_ca, load);
    X509_CRL_free(crl);
    if (load->result == 0) load->count++;
    if (load->result == REVOCATION_E_ISSUER)
        return refuse_path(load, path, "no CA of the trust lists has issued it", load->result);
    if (load->result > 0) return refuse_path(load, path, revocation_refusal_text(load->result), load->result);
    return err_trace(load->result);
}

static int load_text(struct file_load *load, const char *path, struct str text) {
    struct buffer der;
    buffer_init_heap(&der, REVOCATION_CRL_BYTES_MAX);
    int r = 0;
    size_t blocks = 0;
    while (r == 0 && revocation_list_next(&text, &der)) {
        r = load_block(load, path, buffer_str(&der));
        blocks++;
    }
    buffer_release(&der);
    if (r == 0 && blocks == 0)
        return refuse_path(load, path, "holds no list (PEM \"X509 CRL\" or DER)", REVOCATION_E_SYNTAX);
    return r < 0 ? err_trace(r) : r;
}

static int load_file(struct file_load *load, const char *path) {
    struct arena arena = { 0 };
    struct str text;
    int r = arena_init(&arena, 64 * 1024, 3 * (size_t)REVOCATION_CRL_BYTES_MAX);
    if (r == 0) {
        r = file_read_all(path, 2 * (size_t)REVOCATION_CRL_BYTES_MAX, &arena, &text, load->message);
        r = r ? REVOCATION_E_SYNTAX : load_text(load, path, text); /* the message says why */
    }
    arena_release(&arena);
    return r < 0 ? err_trace(r) : r;
}

static int is_list_name(const struct dirent *entry) {
    struct str name = str_from_c(entry->d_name);
    return name.at[0] != '.' &&
           (str_ends(name, STR(".crl")) || str_ends(name, STR(".pem")) || str_ends(name, STR(".der")));
}

static int load_folder(struct file_load *load, const char *path) {
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_list_name, alphasort), r = 0;
    for (int i = 0; i < count; i++) {
        char file[FILE_PATH_BYTES_MAX];
        int len = snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        if (r == 0 && len > 0 && (size_t)len < sizeof file) r = load_file(load, file);
        free(entries[i]);
    }
    free(entries);
    return r < 0 ? err_trace(r) : r;
}

static void lists_free(struct revocation_list *lists, size_t count) {
    for (size_t i = 0; lists && i < count; i++) revocation_list_release(&lists[i]);
    free(lists);
}

int revocation_load(struct revocation *revocation, const char *const *paths, size_t count, const struct trust_set *set,
                    struct message *message) {
    struct file_load load = { .set = set, .message = message };
    int r = 0;
    load.lists = calloc(REVOCATION_FILES_MAX, sizeof *load.lists);
    if (!load.lists) return err_origin(-ENOMEM);
    for (size_t i = 0; r == 0 && i < count; i++) {
        struct stat info;
        bool is_folder = stat(paths[i], &info) == 0 && S_ISDIR(info.st_mode);
        r = is_folder ? load_folder(&load, paths[i]) : load_file(&load, paths[i]);
    }
    if (r) {
        lists_free(load.lists, load.count);
        return r < 0 ? err_trace(r) : r;
    }
    revocation_lock(revocation);
    struct revocation_list *before = revocation->files;
    size_t before_count = revocation->file_count;
    revocation->files = load.lists;
    revocation->file_count = load.count;
    revocation_unlock(revocation);
    lists_free(before, before_count);
    return 0;
}

/* ---- birth and end ---- */

static void init_locks(struct revocation *revocation) {
    pthread_condattr_t attributes;
    check(pthread_mutex_init(&revocation->lock, NULL) == 0);
    check(pthread_condattr_init(&attributes) == 0 && pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    check(pthread_cond_init(&revocation->work, &attributes) == 0);
    check(pthread_cond_init(&revocation->done, &attributes) == 0);
    check(pthread_condattr_destroy(&attributes) == 0);
}

static void release(struct revocation *revocation) {
    for (size_t i = 0; revocation->watched && i < REVOCATION_WATCHED_MAX; i++) {
        X509_free(revocation->watched[i].x509);
        X509_free(revocation->watched[i].issuer_x509);
    }
    for (size_t i = 0; i < revocation->fetched_count; i++) {
        X509_free(revocation->fetched[i].issuer_x509);
        revocation_list_release(&revocation->fetched[i].list);
    }
    lists_free(revocation->files, revocation->file_count);
    free(revocation->watched);
    free(revocation->fetched);
    check(pthread_cond_destroy(&revocation->work) == 0 && pthread_cond_destroy(&revocation->done) == 0);
    check(pthread_mutex_destroy(&revocation->lock) == 0);
    free(revocation);
}

int revocation_open(const struct revocation_options *options, struct revocation **ret_revocation) {
    check(options->policy != REVOCATION_OFF && options->refresh_ms > 0);
    struct revocation *revocation = calloc(1, sizeof *revocation);
    if (!revocation) return err_origin(-ENOMEM);
    revocation->options = *options;
    init_locks(revocation);
    revocation->watched = calloc(REVOCATION_WATCHED_MAX, sizeof *revocation->watched);
    revocation->fetched = calloc(REVOCATION_LISTS_MAX, sizeof *revocation->fetched);
    int r = revocation->watched && revocation->fetched ? 0 : err_origin(-ENOMEM);
    if (r == 0 && pthread_create(&revocation->thread, NULL, revocation_run, revocation)) r = err_origin(-EAGAIN);
    if (r) release(revocation);
    else *ret_revocation = revocation;
    return err_trace(r);
}

struct revocation *revocation_close(struct revocation *revocation) {
    if (!revocation) return NULL;
    revocation_lock(revocation);
    revocation->ending = true;
    check(pthread_cond_signal(&revocation->work) == 0 && pthread_cond_broadcast(&revocation->done) == 0);
    revocation_unlock(revocation);
    check(pthread_join(revocation->thread, NULL) == 0);
    release(revocation);
    return NULL;
}
