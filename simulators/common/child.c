#include "common/child.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COMMAND_BYTES_MAX = 2048 };

/* "exec FOLDER-OF-THIS-TEST/program arguments" */
static FILE *open_program(const char *program, const char *arguments, const char *tail) {
    char self[512], command[COMMAND_BYTES_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    check(len > 0);
    self[len] = 0;
    char *slash = strrchr(self, '/');
    check(slash);
    *slash = 0;
    int used = snprintf(command, sizeof command, "exec '%s/%s' %s%s", self, program, arguments, tail);
    check(used > 0 && (size_t)used < sizeof command);
    return popen(command, "re");
}

static int exit_code(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool child_start(struct child *child, const char *program, const char *arguments) {
    char line[256];
    unsigned port = 0;
    long pid = 0;
    FILE *out = open_program(program, arguments, "");
    if (!out) return false;
    const char *where = fgets(line, sizeof line, out) ? strstr(line, " port ") : NULL;
    if (!where || sscanf(where, " port %u pid %ld", &port, &pid) != 2) {
        (void)pclose(out);
        return false;
    }
    *child = (struct child){ .out = out, .pid = (pid_t)pid, .port = (uint16_t)port };
    return true;
}

int child_stop(struct child *child, int signal) {
    check(kill(child->pid, signal) == 0);
    return exit_code(pclose(child->out));
}

int child_run(const char *program, const char *arguments, char *text, size_t text_bytes) {
    FILE *out = open_program(program, arguments, " 2>&1");
    check(out);
    size_t used = fread(text, 1, text_bytes - 1, out);
    text[used] = 0;
    while (fgetc(out) != EOF) continue;
    return exit_code(pclose(out));
}
