#include "app/serve.h"

#include "app/exit_code.h"
#include "app/options.h"
#include "app/wiring.h"
#include "platform/secret.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { SERVE_READY_FD = 3, SERVE_ANSWERS_MS = 500 };

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

/* 0: asked to end. 1: the bank must end by itself. */
static int wait_for_end(int signal_fd, int end_fd) {
    struct pollfd fds[2] = { { .fd = signal_fd, .events = POLLIN }, { .fd = end_fd, .events = POLLIN } };
    while (poll(fds, 2, -1) < 0 && errno == EINTR) continue;
    return fds[1].revents ? 1 : 0;
}

static int serve(const struct bank_config *config, bool is_awaited) {
    struct bank *bank;
    struct message message;
    int signal_fd;
    int r = secrets_no_core();
    if (!r) r = open_signals(&signal_fd);
    if (r) return EXIT_FAILED;
    r = bank_start(config, &bank, &message);
    if (r) {
        fprintf(stderr, "giro: %s\n", message.text);
        return r == -EADDRINUSE || r == -EBUSY || r == -EWOULDBLOCK ? EXIT_UNAVAILABLE : EXIT_FAILED;
    }
    if (is_awaited) say_ready();
    if (wait_for_end(signal_fd, bank_end_fd(bank))) {
        /* An unknown commit: those who asked were told so; nothing of this process may touch the store again. */
        struct timespec answers = { .tv_nsec = SERVE_ANSWERS_MS * 1000000L };
        nanosleep(&answers, NULL);
        fprintf(stderr, "giro: a commit's outcome is not known; ending, so that the next start looks\n");
        _exit(EXIT_FAILED);
    }
    bank_stop(bank);
    close(signal_fd);
    return EXIT_DONE;
}

int serve_main(int argc, char **argv) {
    struct bank_config config;
    bool is_awaited = somebody_waits();
    const char *path = NULL, *roles = NULL;
    const struct option_row rows[] = {
        { "config", "FILE", &path, NULL, "giro.yaml; see check-config" },
        { "roles", "LIST", &roles, NULL, "of gateway,auth,engine,relay,jobs; instead of the configuration's" },
    };
    struct options options = { .usage = "serve --config FILE [--roles LIST]",
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
    int code = r ? EXIT_FAILED : serve(&config, is_awaited);
    bank_config_release(&config);
    return code;
}
