#include "app/admin_int.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "platform/clock.h"
#include "platform/net.h"
#include "platform/secret.h"

enum { ANSWER_BYTES_MAX = 16 * 1024 };

struct admin {
    struct admin_options options;
    struct admin_audit *audit;
    char path[NET_UNIX_PATH_BYTES_MAX + 1];
    int listen_fd, stop_fd;
    pthread_t threads[ADMIN_THREADS];
    size_t thread_count;
};

/* One connection with the line being read. */
struct line_reader {
    int fd;
    size_t len, used; /* bytes of text, of which the last line took used */
    char text[ADMIN_LINE_BYTES_MAX];
};

/* Waits until fd can be read: 0; -ETIMEDOUT; -ECANCELED when the admin stops. */
static int wait_input(const struct admin *admin, int fd, int timeout_ms) {
    struct pollfd fds[2] = { { .fd = fd, .events = POLLIN }, { .fd = admin->stop_fd, .events = POLLIN } };
    int ready = poll(fds, 2, timeout_ms);
    if (ready < 0 && errno != EINTR) return err_origin(-errno);
    if (fds[1].revents) return -ECANCELED;
    if (ready == 0) return -ETIMEDOUT;
    return 0;
}

static bool may_speak(int fd) {
    uid_t user;
    return net_peer_user(fd, &user) == 0 && (user == geteuid() || user == 0);
}

/* The next line without its end. -EMSGSIZE; -ENODATA at the end; faults of waiting. */
static int next_line(const struct admin *admin, struct line_reader *reader, struct str *ret_line) {
    secret_wipe(reader->text, reader->used);
    memmove(reader->text, reader->text + reader->used, reader->len - reader->used);
    reader->len -= reader->used;
    reader->used = 0;
    for (;;) {
        const char *end = memchr(reader->text, '\n', reader->len);
        if (end) {
            *ret_line = str_from_bytes(reader->text, (size_t)(end - reader->text));
            reader->used = ret_line->len + 1;
            return 0;
        }
        size_t got;
        if (reader->len == sizeof reader->text) return -EMSGSIZE;
        int r = wait_input(admin, reader->fd, ADMIN_IDLE_MS);
        if (!r)
            r = net_receive_some(reader->fd, reader->text + reader->len, sizeof reader->text - reader->len,
                                 clock_mono_ms(), &got);
        if (r == -ETIMEDOUT && wait_input(admin, reader->fd, 0) == 0) continue; /* woken for nothing */
        if (r) return r;
        if (got == 0) return -ENODATA;
        reader->len += got;
    }
}

/* What no command's commit records: the breaker, a hand-over, what was refused before (gateway/66). Looks are not. */
static void note_line(const struct admin_request *request, const char *error) {
    char memory[AUDIT_RECORD_BYTES_MAX];
    struct buffer json;
    struct str name = arena_dup(request->arena, json_get_string(request->json, "command"));
    struct audit_record record = { .time_ms = clock_now_ms(),
                                   .method = "ADMIN",
                                   .route = name.at ? name.at : "",
                                   .outcome = error ? error : "accepted" };
    if (str_equal(name, STR("health")) || str_equal(name, STR("audit_checkpoint"))) return;
    if (request->json) record.request = admin_audit_request(request->audit, request->line, request->arena);
    buffer_init(&json, memory, sizeof memory);
    audit_encode(&record, &json);
    if (!json.overflow) command_note(request->options->integration, buffer_str(&json));
}

static void answer_line(const struct admin *admin, const struct line_reader *reader, struct str line,
                        struct arena *arena, struct buffer *out) {
    char members[ANSWER_BYTES_MAX];
    struct buffer body;
    struct json_writer writer;
    bool recorded = false;
    struct admin_request request = { .options = &admin->options,
                                     .line = line,
                                     .arena = arena,
                                     .fd = reader->fd,
                                     .audit = admin->audit,
                                     .recorded = &recorded };
    const char *error = NULL;
    int fault = 0;
    buffer_init(&body, members, sizeof members);
    json_begin(&writer, &body);
    json_object_begin(&writer);
    json_member_bool(&writer, "ok", true);
    int r = json_parse_arena(line, ADMIN_LINE_BYTES_MAX, JSON_DEPTH_MAX, arena, &request.json);
    error = r ? "invalid_request" : admin_handle(&request, &writer, &fault);
    if (fault) log_fault(admin->options.log, "admin", fault, STR(""));
    if (!recorded) note_line(&request, error);
    if (!error) {
        json_object_end(&writer);
        error = body.overflow ? "too_large" : NULL;
    }
    if (error) buffer_printf(out, "{\"ok\":false,\"error\":\"%s\"}", error);
    else buffer_append_str(out, buffer_str(&body));
    buffer_append_char(out, '\n');
}

static void serve_connection(const struct admin *admin, int fd, struct line_reader *reader, struct arena *arena) {
    static const char too_large[] = "{\"ok\":false,\"error\":\"too_large\"}\n";
    char text[ANSWER_BYTES_MAX];
    struct buffer out;
    struct str line;
    int r;
    reader->fd = fd;
    while ((r = next_line(admin, reader, &line)) == 0) {
        arena_reset(arena);
        buffer_init(&out, text, sizeof text);
        answer_line(admin, reader, line, arena, &out);
        if (net_send_all(fd, out.at, out.len, clock_mono_ms() + ADMIN_SEND_MS)) break;
    }
    if (r == -EMSGSIZE) (void)net_send_all(fd, too_large, sizeof too_large - 1, clock_mono_ms() + ADMIN_SEND_MS);
    secret_wipe(reader->text, sizeof reader->text);
    reader->len = reader->used = 0;
}

static void *admin_thread(void *ctx) {
    const struct admin *admin = ctx;
    struct line_reader *reader = calloc(1, sizeof *reader);
    struct arena arena = { 0 };
    if (!reader || arena_init(&arena, ADMIN_ARENA_BYTES, ADMIN_ARENA_BYTES_MAX)) {
        log_fault(admin->options.log, "admin", -ENOMEM, STR(""));
        free(reader);
        return NULL;
    }
    while (wait_input(admin, admin->listen_fd, -1) != -ECANCELED) {
        int fd;
        if (net_accept(admin->listen_fd, clock_mono_ms(), &fd)) continue; /* another thread was faster */
        if (may_speak(fd)) serve_connection(admin, fd, reader, &arena);
        net_close(fd);
    }
    arena_release(&arena);
    free(reader);
    return NULL;
}

int admin_start(const struct admin_options *options, struct admin **ret_admin, struct message *message) {
    struct admin *admin = calloc(1, sizeof *admin);
    if (!admin) return err_origin(-ENOMEM);
    admin->options = *options;
    admin->listen_fd = -1;
    admin->stop_fd = eventfd(0, EFD_CLOEXEC);
    int r =
        admin->stop_fd < 0 ? err_origin(-errno) : str_to_c(str_from_c(options->path), admin->path, sizeof admin->path);
    if (!r) r = admin_audit_new(&admin->audit);
    if (!r) r = net_listen_unix(admin->path, 0600, &admin->listen_fd, message);
    while (!r && admin->thread_count < ADMIN_THREADS) {
        r = -pthread_create(&admin->threads[admin->thread_count], NULL, admin_thread, admin);
        if (!r) admin->thread_count++;
    }
    if (!r) *ret_admin = admin;
    if (r) admin = admin_stop(admin);
    return err_trace(r);
}

struct admin *admin_stop(struct admin *admin) {
    uint64_t one = 1;
    if (!admin) return NULL;
    if (admin->stop_fd >= 0 && write(admin->stop_fd, &one, sizeof one) < 0) check(errno == EAGAIN); /* it is set then */
    for (size_t i = 0; i < admin->thread_count; i++) (void)pthread_join(admin->threads[i], NULL);
    if (admin->listen_fd >= 0) {
        (void)unlink(admin->path); /* a file that stays is replaced at the next start */
        net_close(admin->listen_fd);
    }
    if (admin->stop_fd >= 0) (void)close(admin->stop_fd);
    (void)admin_audit_free(admin->audit);
    free(admin);
    return NULL;
}
