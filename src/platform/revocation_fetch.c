/* revocation_fetch.c - the thread that fetches lists and OCSP answers, one after the other. */
#include "platform/revocation_int.h"

#include "platform/clock.h"

enum { IDLE_WAIT_MS = 500, SOON_MS = 1000 };

/* One call to make, with references of its own, so that the lock need not be held. */
struct errand {
    bool is_list;
    size_t number; /* of fetched */
    struct trust_link link;
    char url[REVOCATION_URL_BYTES_MAX];
    X509 *x509, *issuer_x509; /* x509: OCSP only */
};

static void errand_begin(struct errand *errand, const char *url, X509 *x509, X509 *issuer) {
    (void)snprintf(errand->url, sizeof errand->url, "%s", url);
    errand->x509 = x509;
    errand->issuer_x509 = issuer;
    if (x509) check(X509_up_ref(x509) == 1);
    check(X509_up_ref(issuer) == 1);
}

static bool next_list(struct revocation *revocation, int64_t now_ms, struct errand *errand) {
    for (size_t i = 0; i < revocation->fetched_count; i++) {
        struct revocation_fetched *fetched = &revocation->fetched[i];
        if (fetched->due_ms > now_ms) continue;
        *errand = (struct errand){ .is_list = true, .number = i };
        errand_begin(errand, fetched->url, NULL, fetched->issuer_x509);
        return true;
    }
    return false;
}

static bool next_answer(struct revocation *revocation, int64_t now_ms, struct errand *errand) {
    for (size_t i = 0; i < REVOCATION_WATCHED_MAX; i++) {
        struct revocation_watched *watched = &revocation->watched[i];
        if (!watched->x509 || !watched->ocsp[0] || watched->ocsp_due_ms > now_ms) continue;
        if (now_ms - watched->seen_ms > REVOCATION_IDLE_MS) continue;
        *errand = (struct errand){ .is_list = false, .link = watched->link };
        errand_begin(errand, watched->ocsp, watched->x509, watched->issuer_x509);
        return true;
    }
    return false;
}

/* When to ask again: after refresh_ms, sooner when it ends before; a second at least. */
static int64_t due_after(const struct revocation *revocation, int64_t next_ms) {
    int64_t left_ms = next_ms - clock_now_ms(), wait_ms = revocation->options.refresh_ms;
    if (left_ms < wait_ms) wait_ms = left_ms;
    return clock_mono_ms() + (wait_ms < SOON_MS ? SOON_MS : wait_ms);
}

static int64_t due_after_failure(const struct revocation *revocation) {
    int64_t wait_ms = revocation->options.refresh_ms;
    return clock_mono_ms() + (wait_ms < REVOCATION_RETRY_MS ? wait_ms : REVOCATION_RETRY_MS);
}

/* ---- the calls ---- */

static int call_out(struct revocation *revocation, const struct errand *errand, struct arena *arena,
                    struct http_result *ret_result, struct message *message) {
    static const struct http_header type = { .name = STR_INIT("Content-Type"),
                                             .value = STR_INIT("application/ocsp-request") };
    struct http_client_options limits = http_client_options_default();
    struct http_call call = { .method = STR("GET"), .url = str_from_c(errand->url) };
    char memory[1024];
    struct buffer body;
    limits.connect_ms = REVOCATION_CONNECT_MS;
    limits.total_ms = REVOCATION_CALL_MS;
    limits.response_bytes_max = errand->is_list ? REVOCATION_CRL_BYTES_MAX : REVOCATION_OCSP_BYTES_MAX;
    buffer_init(&body, memory, sizeof memory);
    if (!errand->is_list) {
        int r = revocation_ocsp_request(errand->x509, errand->issuer_x509, &body);
        if (r) return err_trace(r);
        call.method = STR("POST");
        call.headers = &type;
        call.header_count = 1;
        call.body = buffer_str(&body);
    }
    struct outbound_guard guard = revocation->options.guard;
    guard.operation = errand->is_list ? "crl" : "ocsp";
    int r = outbound_guard_run(&guard, &limits, &call, arena, ret_result, message);
    if (r == 0 && ret_result->status != 200) {
        message_set(message, "answered with status %d", ret_result->status);
        return OUTBOUND_E_FAILED;
    }
    return r < 0 ? err_trace(r) : r;
}

/* What came of it; reads outside the lock. */
struct outcome {
    int result; /* 0, a refusal, or a fault */
    struct revocation_list list;
    struct revocation_answer answer;
};

static bool is_out_of_date(const struct errand *errand, const struct outcome *outcome) {
    int64_t next_ms = errand->is_list ? outcome->list.next_ms : outcome->answer.next_ms;
    return clock_now_ms() >= next_ms;
}

static void run_errand(struct revocation *revocation, const struct errand *errand, struct outcome *outcome) {
    struct arena arena = { 0 };
    struct http_result result;
    struct message message = { { 0 } };
    int r = arena_init(&arena, 64 * 1024, REVOCATION_CRL_BYTES_MAX + 1024 * 1024);
    if (r == 0) r = call_out(revocation, errand, &arena, &result, &message);
    if (r == 0) {
        r = errand->is_list ? revocation_list_read(result.body, errand->issuer_x509, &outcome->list)
                            : revocation_ocsp_read(result.body, errand->x509, errand->issuer_x509, &outcome->answer);
        if (r > 0) message_set(&message, "%s", revocation_refusal_text(r));
        if (r == 0 && is_out_of_date(errand, outcome)) message_set(&message, "out of date");
    }
    arena_release(&arena);
    if (r < 0) message_set(&message, "%s", strerrordesc_np(-r));
    outcome->result = r;
    if (message.text[0]) revocation->options.on_failure(revocation->options.ctx, errand->url, message.text);
}

/* A list older than the one that is there changes nothing (a replay). */
static void keep_list(struct revocation *revocation, const struct errand *errand, struct outcome *outcome) {
    struct revocation_fetched *fetched = &revocation->fetched[errand->number];
    fetched->tried = true;
    fetched->due_ms = due_after_failure(revocation);
    if (outcome->result || outcome->list.this_ms < fetched->list.this_ms) return;
    struct revocation_list before = fetched->list;
    fetched->list = outcome->list;
    outcome->list = before;
    fetched->due_ms = due_after(revocation, fetched->list.next_ms);
}

static void keep_answer(struct revocation *revocation, const struct errand *errand, const struct outcome *outcome) {
    for (size_t i = 0; i < REVOCATION_WATCHED_MAX; i++) {
        struct revocation_watched *watched = &revocation->watched[i];
        if (!watched->x509 || !trust_link_equal(&watched->link, &errand->link)) continue;
        watched->ocsp_tried = true;
        watched->ocsp_due_ms = due_after_failure(revocation);
        if (outcome->result || outcome->answer.this_ms < watched->answer.this_ms) continue;
        watched->answer = outcome->answer;
        watched->ocsp_due_ms = due_after(revocation, outcome->answer.next_ms);
    }
}

static void do_errand(struct revocation *revocation, struct errand *errand) {
    struct outcome outcome = { .result = 0 };
    revocation_unlock(revocation);
    run_errand(revocation, errand, &outcome);
    revocation_lock(revocation);
    if (errand->is_list) keep_list(revocation, errand, &outcome);
    else keep_answer(revocation, errand, &outcome);
    check(pthread_cond_broadcast(&revocation->done) == 0);
    X509_free(errand->x509);
    X509_free(errand->issuer_x509);
    revocation_list_release(&outcome.list);
}

void *revocation_run(void *ctx) {
    struct revocation *revocation = ctx;
    struct errand errand;
    revocation_lock(revocation);
    while (!revocation->ending) {
        int64_t now_ms = clock_mono_ms();
        if (next_list(revocation, now_ms, &errand) || next_answer(revocation, now_ms, &errand))
            do_errand(revocation, &errand);
        else revocation_wait(revocation, &revocation->work, now_ms + IDLE_WAIT_MS);
    }
    revocation_unlock(revocation);
    return NULL;
}
