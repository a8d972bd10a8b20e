#include "app/serve.h"

#include "app/exit_code.h"
#include "app/hand_over.h"
#include "app/options.h"
#include "app/wiring.h"
#include "platform/clock.h"
#include "platform/net.h"
#include "platform/secret.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { SERVE_READY_FD = 3, SERVE_ANSWERS_MS = 500, BACK_PAUSE_MS = 50 };
enum { FOLLOW_MS_MAX = 15000 /* longer than a lease lives */, FOLLOW_LOOK_MS = 20 };

struct serving {
    const struct bank_config *config;
    bool is_awaited, take_over;
};

struct taking {
    struct hand_over hand_over;
    struct bank_inherit inherit;
};

static int read_config(struct bank_config *config, const char *path) {
    struct config_errors *errors = calloc(1, sizeof *errors);
    int r = errors ? bank_config_read(config, path, errors) : -ENOMEM;
    for (size_t i = 0; errors && i < errors->count; i++) fprintf(stderr, "giro: %s\n", errors->messages[i].text);
    if (errors && errors->more) fprintf(stderr, "giro: and %zu more\n", errors->more);
    free(errors);
    return r;
}

/* Signals are read from a descriptor; every thread inherits the mask. */
static int open_signals(int *ret_fd) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || sigprocmask(SIG_BLOCK, &set, NULL)) return err_origin(-errno);
    *ret_fd = signalfd(-1, &set, SFD_CLOEXEC);
    return *ret_fd < 0 ? err_origin(-errno) : 0;
}

/* Looked at before anything is opened: later the number may be one of ours. */
static bool somebody_waits(void) {
    return fcntl(SERVE_READY_FD, F_GETFD) >= 0 && fcntl(SERVE_READY_FD, F_SETFD, FD_CLOEXEC) == 0;
}

static void say_ready(void) {
    (void)!write(SERVE_READY_FD, "r", 1); /* whoever waited may have gone */
    close(SERVE_READY_FD);
}

/* A node that follows is ready when it reaches the one that leads. 0; -ECANCELED: it shall end; -ETIMEDOUT. */
static int wait_leader(int signal_fd, struct bank *bank) {
    struct pollfd fds[2] = { { .fd = signal_fd, .events = POLLIN }, { .fd = bank_end_fd(bank), .events = POLLIN } };
    int64_t until_ms = clock_mono_ms() + FOLLOW_MS_MAX;
    for (const char *why; (why = bank_follow_trouble(bank));) {
        if (poll(fds, 2, FOLLOW_LOOK_MS) > 0) return -ECANCELED;
        if (clock_mono_ms() < until_ms) continue;
        fprintf(stderr, "giro: this node cannot give commands to the one that leads: %s\n", why);
        return -ETIMEDOUT;
    }
    return 0;
}

enum why { WHY_SIGNAL, WHY_END, WHY_ASKED };

static enum why wait_for_end(int signal_fd, const struct bank *bank) {
    struct pollfd fds[3] = { { .fd = signal_fd, .events = POLLIN },
                             { .fd = bank_end_fd(bank), .events = POLLIN },
                             { .fd = bank_asked_fd(bank), .events = POLLIN } };
    while (poll(fds, 3, -1) < 0 && errno == EINTR) continue;
    if (fds[1].revents) return WHY_END;
    return fds[0].revents ? WHY_SIGNAL : WHY_ASKED;
}

/* ---- another process takes over ---- */

/* The new process is ending and may still hold the store's lock: tried until that is free. */
static int take_back(const struct bank_config *config, struct bank_inherit *inherit, struct bank **ret_bank,
                     struct message *message) {
    int64_t until_ms = clock_mono_ms() + HAND_OVER_BACK_MS;
    int r;
    do {
        r = bank_start(config, inherit, ret_bank, message);
        if (!r) return 0;
        (void)poll(NULL, 0, BACK_PAUSE_MS);
    } while (inherit->gift->listen_fd >= 0 && clock_mono_ms() < until_ms);
    return r;
}

/* True: *bank goes on, with the store it has or has again; false: the process ends with *ret_code. */
static bool give(const struct bank_config *config, struct bank **bank, int *ret_code) {
    struct http_gift *gift = malloc(sizeof *gift);
    struct message message;
    int asker = bank_asked(*bank);
    struct bank_inherit inherit = { .gift = gift };
    if (!gift || asker < 0) {
        free(gift);
        net_close(asker);
        return true;
    }
    *bank = bank_give(*bank, gift, &inherit.since_ms);
    int r = hand_over_give(asker, gift, inherit.since_ms);
    net_close(asker);
    *ret_code = EXIT_DONE;
    if (r) {
        fprintf(stderr, "giro: the new process did not take over; this one goes on\n");
        r = take_back(config, &inherit, bank, &message);
        if (r) {
            fprintf(stderr, "giro: %s\n", message.text);
            *ret_code = EXIT_FAILED;
        }
    }
    http_gift_close(gift);
    free(gift);
    return *bank != NULL;
}

static int receive(void *ctx, struct http_gift *gift, struct message *message) {
    struct taking *taking = ctx;
    int r = hand_over_ask(&taking->hand_over, gift, message);
    taking->inherit.since_ms = taking->hand_over.since_ms;
    return err_trace(r);
}

static int confirm(void *ctx, struct message *message) {
    struct taking *taking = ctx;
    return err_trace(hand_over_taken(&taking->hand_over, message));
}

static int start(const struct serving *serving, struct bank **ret_bank, struct message *message) {
    char admin_path[BANK_PATH_BYTES_MAX];
    struct taking taking = { .hand_over = { .admin_path = admin_path, .fd = -1 } };
    struct http_gift *gift = calloc(1, sizeof *gift);
    taking.inherit = (struct bank_inherit){ .receive = receive, .confirm = confirm, .ctx = &taking, .gift = gift };
    int r = gift ? str_to_c(serving->config->options.admin_socket, admin_path, sizeof admin_path) : -ENOMEM;
    if (gift) gift->listen_fd = -1;
    if (!r) r = bank_start(serving->config, serving->take_over ? &taking.inherit : NULL, ret_bank, message);
    hand_over_close(&taking.hand_over); /* the old process hears of a failure by this */
    if (gift) http_gift_close(gift);
    free(gift);
    return err_trace(r);
}

/* ---- the whole ---- */

/* Nothing of this process may touch the store again; those who asked were told so. */
_Noreturn static void end_at_once(const struct bank *bank) {
    static const char *const sentences[] = {
        [BANK_END_CANNOT_LEAD] = "this node cannot lead the bank; ending: the log says why",
        [BANK_END_UNKNOWN] = "a commit's outcome is not known; ending, so that the next start looks",
        [BANK_END_FENCED] = "another node leads now; ending, so that the next start follows it",
    };
    struct timespec answers = { .tv_nsec = SERVE_ANSWERS_MS * 1000000L };
    nanosleep(&answers, NULL);
    fprintf(stderr, "giro: %s\n", sentences[bank_end_why(bank)]);
    _exit(EXIT_FAILED);
}

static int serve(const struct serving *serving) {
    struct bank *bank = NULL;
    struct message message;
    int signal_fd, code = EXIT_DONE;
    enum why why = WHY_ASKED;
    int r = secrets_no_core();
    if (!r) r = open_signals(&signal_fd);
    if (r) return EXIT_FAILED;
    r = start(serving, &bank, &message);
    if (r) {
        fprintf(stderr, "giro: %s\n", message.text);
        return r == -EADDRINUSE || r == -EBUSY || r == -EWOULDBLOCK ? EXIT_UNAVAILABLE : EXIT_FAILED;
    }
    if (serving->is_awaited) {
        r = wait_leader(signal_fd, bank);
        if (r == 0) say_ready();
        if (r == -ETIMEDOUT) code = EXIT_UNAVAILABLE;
    }
    for (bool goes_on = r != -ETIMEDOUT; goes_on;) {
        why = wait_for_end(signal_fd, bank);
        if (why == WHY_END) end_at_once(bank);
        goes_on = why == WHY_ASKED && give(serving->config, &bank, &code);
    }
    bank_stop(bank);
    close(signal_fd);
    return code;
}

int serve_main(int argc, char **argv) {
    struct bank_config config;
    bool is_awaited = somebody_waits(), take_over = false;
    const char *path = NULL, *roles = NULL;
    const struct option_row rows[] = {
        { "config", "FILE", &path, NULL, "giro.yaml; see check-config" },
        { "roles", "LIST", &roles, NULL, "of gateway,auth,engine,relay,jobs; instead of the configuration's" },
        { "take-over", NULL, NULL, &take_over, "from the process that runs, without a request that fails" },
    };
    struct options options = { .usage = "serve --config FILE [--roles LIST] [--take-over]",
                               .help = "The bank itself, until SIGTERM; `giro run` starts it with all it needs.",
                               .rows = rows,
                               .row_count = ARRAY_COUNT(rows) };
    int r = options_parse(&options, argc, argv);
    if (r) return options_exit(r);
    if (!path) {
        fprintf(stderr, "giro serve: an option is missing: --config FILE\n");
        return EXIT_USAGE;
    }
    r = read_config(&config, path);
    if (roles) config.options.roles = str_from_c(roles);
    struct serving serving = { .config = &config, .is_awaited = is_awaited, .take_over = take_over };
    int code = r ? EXIT_FAILED : serve(&serving);
    bank_config_release(&config);
    return code;
}
