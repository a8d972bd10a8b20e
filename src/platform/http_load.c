#include "platform/http_load.h"

#include "platform/clock.h"
#include "platform/http_client_int.h"

#include <sys/epoll.h>
#include <unistd.h>

enum { LOAD_ARENA_BLOCK_BYTES = 16 * 1024, LOAD_ARENA_BYTES_MAX = 256 * 1024, LOAD_EVENTS_MAX = 64 };

struct load_slot {
    CURL *easy;
    struct curl_slist *headers;
    struct arena arena; /* of one call and its answer's headers */
    struct http_receive receive;
    int64_t started_ns, wake_ms; /* wake_ms: 0 = not waiting */
    char error[CURL_ERROR_SIZE];
    bool is_done, runs;
};

struct load {
    const struct http_load_options *options;
    CURLM *multi;
    int epoll_fd;
    int64_t timer_ms; /* when libcurl wants to be called; -1: not */
    struct load_slot *slots;
    size_t done, waiting;
    bool failed; /* epoll refused a socket */
};

static int on_timer(CURLM *multi, long timeout_ms, void *ctx) {
    struct load *load = ctx;
    (void)multi;
    load->timer_ms = timeout_ms < 0 ? -1 : clock_mono_ms() + timeout_ms;
    return 0;
}

/* socket_ctx is NULL until this socket is in the epoll, then load itself. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx) {
    struct load *load = ctx;
    struct epoll_event event = { .data.fd = fd };
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        /* It may be closed already, which removes it as well. */
        (void)epoll_ctl(load->epoll_fd, EPOLL_CTL_DEL, fd, &event);
        return 0;
    }
    if (what & CURL_POLL_IN) event.events |= EPOLLIN;
    if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
    if (epoll_ctl(load->epoll_fd, socket_ctx ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event)) load->failed = true;
    if (!socket_ctx)
        (void)curl_multi_assign(load->multi, fd, load); /* fails only for a socket that libcurl does not know */
    return 0;
}

static int multi_init(struct load *load) {
    load->timer_ms = -1;
    load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (load->epoll_fd < 0) return err_origin(-errno);
    load->multi = curl_multi_init();
    if (!load->multi) return err_origin(-ENOMEM);
    long connections = (long)load->options->connections;
    bool good = curl_multi_setopt(load->multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK;
    good = good && curl_multi_setopt(load->multi, CURLMOPT_SOCKETDATA, load) == CURLM_OK;
    good = good && curl_multi_setopt(load->multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK;
    good = good && curl_multi_setopt(load->multi, CURLMOPT_TIMERDATA, load) == CURLM_OK;
    good = good && curl_multi_setopt(load->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING) == CURLM_OK;
    good = good && curl_multi_setopt(load->multi, CURLMOPT_MAXCONNECTS, connections) == CURLM_OK;
    return good ? 0 : err_origin(-ENOMEM);
}

static int slot_init(struct load *load, struct load_slot *slot) {
    int r = arena_init(&slot->arena, LOAD_ARENA_BLOCK_BYTES, LOAD_ARENA_BYTES_MAX);
    if (r) return err_trace(r);
    buffer_init_heap(&slot->receive.body, load->options->client.response_bytes_max);
    slot->easy = curl_easy_init();
    if (!slot->easy) return err_origin(-ENOMEM);
    if (curl_easy_setopt(slot->easy, CURLOPT_PRIVATE, slot) != CURLE_OK) return err_origin(-ENOMEM);
    return err_trace(http_curl_setup(slot->easy, &load->options->client, &slot->receive, slot->error));
}

static int load_init(struct load *load) {
    int r = http_curl_global();
    if (r == 0) r = multi_init(load);
    if (r) return err_trace(r);
    load->slots = calloc(load->options->connections, sizeof *load->slots);
    if (!load->slots) return err_origin(-ENOMEM);
    for (size_t i = 0; r == 0 && i < load->options->connections; i++) r = slot_init(load, &load->slots[i]);
    return err_trace(r);
}

static void load_release(struct load *load) {
    for (size_t i = 0; load->slots && i < load->options->connections; i++) {
        struct load_slot *slot = &load->slots[i];
        if (slot->runs) (void)curl_multi_remove_handle(load->multi, slot->easy); /* the run ends, whatever it answers */
        if (slot->easy) curl_easy_cleanup(slot->easy);
        http_curl_headers_free(slot->headers);
        buffer_release(&slot->receive.body);
        arena_release(&slot->arena);
    }
    free(load->slots);
    if (load->multi) (void)curl_multi_cleanup(load->multi); /* every handle has been removed above */
    if (load->epoll_fd >= 0) (void)close(load->epoll_fd);   /* holds nothing */
}

/* Asks a free slot for its next call and sets it going. */
static int slot_next(struct load *load, struct load_slot *slot) {
    struct http_call call = { 0 };
    int64_t wait_ms = 1;
    enum http_load_next next =
        load->options->next_request(load->options->ctx, (size_t)(slot - load->slots), &call, &wait_ms);
    switch (next) {
    case HTTP_LOAD_DONE:
        slot->is_done = true;
        load->done++;
        return 0;
    case HTTP_LOAD_WAIT:
        check(wait_ms >= 1 && wait_ms <= 60000);
        slot->wake_ms = clock_mono_ms() + wait_ms;
        load->waiting++;
        return 0;
    case HTTP_LOAD_SEND: break;
    }
    arena_reset(&slot->arena);
    http_receive_begin(&slot->receive, &slot->arena);
    int r = http_curl_prepare(slot->easy, &call, &slot->arena, &slot->headers);
    if (r) return err_trace(r);
    slot->started_ns = clock_mono_ns();
    slot->runs = curl_multi_add_handle(load->multi, slot->easy) == CURLM_OK;
    return slot->runs ? 0 : err_origin(-ENOMEM);
}

static int slot_end(struct load *load, struct load_slot *slot, CURLcode code) {
    struct http_load_response response = { .latency_ns = clock_mono_ns() - slot->started_ns };
    long status = 0;
    int r = http_curl_judge(slot->easy, code, &slot->receive);
    check(curl_easy_getinfo(slot->easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK);
    check(curl_multi_remove_handle(load->multi, slot->easy) == CURLM_OK);
    slot->runs = false;
    if (r < 0) return err_trace(r);
    response.refusal = r;
    if (r == 0)
        response.result = (struct http_result){ .status = (int)status,
                                                .headers = slot->receive.headers,
                                                .header_count = slot->receive.header_count,
                                                .body = buffer_str(&slot->receive.body) };
    load->options->on_response(load->options->ctx, (size_t)(slot - load->slots), &response);
    (void)curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, NULL); /* cannot fail: it only forgets */
    http_curl_headers_free(slot->headers);
    slot->headers = NULL;
    return 0;
}

static int take_ended(struct load *load) {
    int left;
    for (CURLMsg *message = curl_multi_info_read(load->multi, &left); message;
         message = curl_multi_info_read(load->multi, &left)) {
        char *slot = NULL;
        if (message->msg != CURLMSG_DONE) continue;
        CURLcode code = message->data.result; /* read before the handle is removed, which ends the message */
        check(curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot) == CURLE_OK);
        int r = slot_end(load, (struct load_slot *)(void *)slot, code);
        if (r == 0) r = slot_next(load, (struct load_slot *)(void *)slot);
        if (r) return err_trace(r);
    }
    return 0;
}

static int wake_slots(struct load *load) {
    int64_t now_ms = load->waiting ? clock_mono_ms() : 0;
    for (size_t i = 0; load->waiting && i < load->options->connections; i++) {
        struct load_slot *slot = &load->slots[i];
        if (slot->wake_ms == 0 || slot->wake_ms > now_ms) continue;
        slot->wake_ms = 0;
        load->waiting--;
        int r = slot_next(load, slot);
        if (r) return err_trace(r);
    }
    return 0;
}

static int sleep_ms(const struct load *load) {
    int64_t until_ms = load->timer_ms;
    for (size_t i = 0; load->waiting && i < load->options->connections; i++) {
        int64_t wake_ms = load->slots[i].wake_ms;
        if (wake_ms && (until_ms < 0 || wake_ms < until_ms)) until_ms = wake_ms;
    }
    if (until_ms < 0) return -1;
    int64_t ms = until_ms - clock_mono_ms();
    return ms <= 0 ? 0 : ms > 60000 ? 60000 : (int)ms;
}

static int act(struct load *load, curl_socket_t fd, int what) {
    int running;
    CURLMcode code = curl_multi_socket_action(load->multi, fd, what, &running);
    bool good = code == CURLM_OK || code == CURLM_BAD_SOCKET; /* bad: it was closed in this very round */
    return good ? 0 : err_origin(-ENOMEM);
}

static int act_on_events(struct load *load) {
    struct epoll_event events[LOAD_EVENTS_MAX];
    int n = epoll_wait(load->epoll_fd, events, LOAD_EVENTS_MAX, sleep_ms(load)), r = 0;
    check(n >= 0 || errno == EINTR);
    for (int i = 0; r == 0 && i < n; i++) {
        int what = (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? CURL_CSELECT_IN : 0) |
                   (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0);
        r = act(load, events[i].data.fd, what);
    }
    if (r == 0 && load->timer_ms >= 0 && load->timer_ms <= clock_mono_ms()) {
        load->timer_ms = -1;
        r = act(load, CURL_SOCKET_TIMEOUT, 0);
    }
    return r ? err_trace(r) : load->failed ? err_origin(-EIO) : 0;
}

int http_load_run(const struct http_load_options *options) {
    check(options->connections >= 1 && options->connections <= HTTP_LOAD_CONNECTIONS_MAX);
    struct load load = { .options = options, .epoll_fd = -1 };
    int r = load_init(&load);
    for (size_t i = 0; r == 0 && i < options->connections; i++) r = slot_next(&load, &load.slots[i]);
    while (r == 0 && load.done < options->connections) {
        r = act_on_events(&load);
        if (r == 0) r = take_ended(&load);
        if (r == 0) r = wake_slots(&load);
    }
    load_release(&load);
    return err_trace(r);
}
