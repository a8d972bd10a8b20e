/* redis_test_server.h - a private Redis server for tests, on a Unix socket in a folder of its own, ended by its pid.
 * Included by *_test.c only. */
#ifndef GIRO_PLATFORM_REDIS_TEST_SERVER_H
#define GIRO_PLATFORM_REDIS_TEST_SERVER_H

#include "platform/clock.h"
#include "platform/redis.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define REDIS_TEST_PROGRAM "/usr/bin/redis-server"
enum { REDIS_TEST_WAIT_MS = 20000 };

struct redis_server {
    char folder[64], socket[96], address[112];
    pid_t pid;
};

static inline void redis_server_start(struct redis_server *server) {
    const char *words[] = { REDIS_TEST_PROGRAM, "--port", "0",     "--unixsocket", server->socket, "--save",  "",
                            "--appendonly",     "no",     "--dir", server->folder, "--loglevel",   "warning", NULL };
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid) return;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (dup2(null, 1) < 0 || dup2(null, 2) < 0) _exit(126);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* never outlives its test */
    (void)unsetenv("ASAN_OPTIONS");
    (void)execv(words[0], (char *const *)(uintptr_t)words);
    _exit(127);
}

static inline void redis_server_make(struct redis_server *server) {
    (void)signal(SIGPIPE, SIG_IGN); /* as the program has it */
    (void)snprintf(server->folder, sizeof server->folder, "/tmp/giro-test-XXXXXX");
    assert_non_null(mkdtemp(server->folder));
    (void)snprintf(server->socket, sizeof server->socket, "%s/redis.sock", server->folder);
    (void)snprintf(server->address, sizeof server->address, "unix:%s", server->socket);
    redis_server_start(server);
}

static inline void redis_server_kill(struct redis_server *server) {
    if (!server->pid) return;
    (void)kill(server->pid, SIGKILL);
    (void)kill(server->pid, SIGCONT);
    assert_int_equal(waitpid(server->pid, NULL, 0), server->pid);
    server->pid = 0;
}

static inline void redis_server_remove(struct redis_server *server) {
    redis_server_kill(server);
    (void)unlink(server->socket);
    assert_int_equal(rmdir(server->folder), 0);
}

#endif
