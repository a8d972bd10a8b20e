/* supervisor_guest.c - the process beside the children (S6). */
#include "app/supervisor_int.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/clock.h"

enum { STOP_MS_MAX = 500, STOP_LOOK_MS = 5 };

static void drop_ready_fd(struct supervisor_guest *guest) {
    if (guest->ready_fd >= 0) (void)close(guest->ready_fd); /* a pipe's reading end */
    guest->ready_fd = -1;
}

static void say_stop(struct supervisor_guest *guest) {
    (void)kill(guest->pid, guest->child->stop_signal ? guest->child->stop_signal : SIGTERM); /* not reaped: it exists */
    guest->told = true;
}

void supervisor_guest_end(struct supervisor *supervisor, uint32_t after_ms) {
    struct supervisor_guest *guest = &supervisor->guest;
    if (!guest->child || guest->leaving) return;
    guest->leaving = true;
    drop_ready_fd(guest); /* nobody wants to know any more */
    guest->since_ms = clock_mono_ms() + after_ms;
    if (after_ms == 0) say_stop(guest);
}

int supervisor_guest_start(struct supervisor *supervisor, const struct supervisor_child *child) {
    struct supervisor_guest *guest = &supervisor->guest;
    int log_fd = -1;
    check(child->ready == SUPERVISOR_READY_BY_FD);
    if (guest->child) return -EBUSY;
    int r = supervisor_open_log(supervisor, child->name, &guest->log_from, &log_fd);
    if (!r) r = supervisor_spawn(child, log_fd, &guest->pid, &guest->ready_fd);
    if (log_fd >= 0) (void)close(log_fd); /* the child has its own */
    if (r) return err_trace(r);
    guest->child = child;
    guest->leaving = guest->told = false;
    guest->since_ms = clock_mono_ms();
    r = supervisor_write_pid(supervisor, child->name, guest->pid);
    if (r) supervisor_guest_end(supervisor, 0); /* (S3) */
    return err_trace(r);
}

void supervisor_guest_look(struct supervisor *supervisor) {
    struct supervisor_guest *guest = &supervisor->guest;
    int64_t age_ms = clock_mono_ms() - guest->since_ms;
    char byte;
    if (!guest->child) return;
    if (guest->leaving) {
        if (age_ms >= 0 && !guest->told) say_stop(guest);
        if (age_ms >= SUPERVISOR_LEAVE_MS_MAX) (void)kill(-guest->pid, SIGKILL); /* it does not go by itself */
        return;
    }
    if (guest->ready_fd < 0) return;
    if (read(guest->ready_fd, &byte, 1) == 1) {
        drop_ready_fd(guest);
        if (supervisor->owner.on_guest_ready) supervisor->owner.on_guest_ready(supervisor->owner.ctx);
    } else if (age_ms >= SUPERVISOR_READY_MS_MAX) {
        (void)kill(-guest->pid, SIGKILL); /* its end is noticed like any other */
    }
}

void supervisor_guest_reap(struct supervisor *supervisor) {
    struct supervisor_guest *guest = &supervisor->guest;
    char line[SUPERVISOR_LINE_BYTES_MAX];
    if (!guest->child || waitpid(guest->pid, NULL, WNOHANG) != guest->pid) return;
    (void)kill(-guest->pid, SIGKILL); /* what it left behind in its group */
    supervisor_remove_pid(supervisor, guest->child->name);
    supervisor_last_line(supervisor, guest->child->name, guest->log_from, line);
    drop_ready_fd(guest);
    bool was_asked = guest->leaving;
    *guest = (struct supervisor_guest){ .ready_fd = -1 };
    if (supervisor->owner.on_guest_ended) supervisor->owner.on_guest_ended(supervisor->owner.ctx, was_asked, line);
}

void supervisor_guest_stop(struct supervisor *supervisor) {
    struct supervisor_guest *guest = &supervisor->guest;
    int64_t until_ms = clock_mono_ms() + STOP_MS_MAX;
    if (!guest->child) return;
    supervisor_guest_end(supervisor, 0);
    say_stop(guest);
    pid_t gone = waitpid(guest->pid, NULL, WNOHANG);
    for (; gone == 0 && clock_mono_ms() < until_ms; gone = waitpid(guest->pid, NULL, WNOHANG))
        (void)poll(NULL, 0, STOP_LOOK_MS);
    (void)kill(-guest->pid, SIGKILL);                  /* its group: all of it, or what it left behind */
    if (gone == 0) (void)waitpid(guest->pid, NULL, 0); /* killed: at once */
    supervisor_remove_pid(supervisor, guest->child->name);
    drop_ready_fd(guest);
    *guest = (struct supervisor_guest){ .ready_fd = -1 };
}
