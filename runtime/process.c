/* SPDX-License-Identifier: MIT */
/* Child processes; see cede/process.h. Started by posix_spawn(3), waited for by a pidfd. */
#include <cede/process.h>
#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include <cede/io.h>
#include <cede/scope.h>
#include <cede/time.h>

#include "call.h"
#include "descriptor.h"
#include "duration.h"
#include "environment.h"
#include "process.h"
#include "sys.h"
#include "wait.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434 /* the same for every CPU */
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

enum {
    BY_PIDFD = 3,                                 /* P_PIDFD of waitid(2) */
    FIRST_POLL_NS = CEDE_MILLISECOND,
    LAST_POLL_NS = 32 * CEDE_MILLISECOND,
};

/* ---- start ---- */

/* The two ends of each stream; -1: none. What the process gets is above 2, so that no number is in the way of
 * another. */
struct ends {
    int child[CEDE__PROCESS_STREAMS], parent[CEDE__PROCESS_STREAMS];
};

static int open_pipe(struct ends *ends, int stream)
{
    int fds[2];

    if (cede__sys_pipe2(fds, O_CLOEXEC) != 0)
        return -1;
    ends->parent[stream] = fds[stream == CEDE__PROCESS_IN];
    cede__descriptor_made(ends->parent[stream], CEDE__FD_NOWAIT);
    ends->child[stream] = cede__sys_move_up(fds[stream != CEDE__PROCESS_IN]);
    return ends->child[stream] < 0 ? -1 : 0;
}

/* 0, or -1 with errno. */
static int open_stream(struct ends *ends, int stream, int wanted)
{
    if (wanted == CEDE_PROCESS_INHERIT || (wanted == CEDE_PROCESS_MERGE && stream == CEDE__PROCESS_ERR))
        return 0;
    if (wanted == CEDE_PROCESS_PIPE)
        return open_pipe(ends, stream);
    if (wanted == CEDE_PROCESS_NULL)
        ends->child[stream] = cede__sys_move_up(cede__sys_open("/dev/null", O_RDWR | O_CLOEXEC, 0));
    else if (wanted > 0)
        ends->child[stream] = cede__sys_fcntl(wanted, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    else
        errno = EINVAL;
    return ends->child[stream] < 0 ? -1 : 0;
}

static void close_ends(struct ends *ends, bool failed)
{
    int i, saved = errno;

    for (i = 0; i < CEDE__PROCESS_STREAMS; i++) {
        if (ends->child[i] >= 0)
            cede__sys_close(ends->child[i]);
        if (failed && ends->parent[i] >= 0)
            cede_close(ends->parent[i]);
    }
    errno = saved;
}

static int open_ends(struct ends *ends, const struct cede_process_attr *attr)
{
    const int wanted[CEDE__PROCESS_STREAMS] = {attr->in, attr->out, attr->err};
    int i;

    *ends = (struct ends){{-1, -1, -1}, {-1, -1, -1}};
    for (i = 0; i < CEDE__PROCESS_STREAMS; i++)
        if (open_stream(ends, i, wanted[i]) != 0) {
            close_ends(ends, true);
            return -1;
        }
    return 0;
}

/* An error number. */
static int prepare(posix_spawn_file_actions_t *actions, posix_spawnattr_t *how, const struct ends *ends,
                   const struct cede_process_attr *attr)
{
    int i, error = 0;

    for (i = 0; i < CEDE__PROCESS_STREAMS && !error; i++)
        if (ends->child[i] >= 0)
            error = posix_spawn_file_actions_adddup2(actions, ends->child[i], i);
    if (!error && attr->err == CEDE_PROCESS_MERGE)
        error = posix_spawn_file_actions_adddup2(actions, STDOUT_FILENO, STDERR_FILENO);
    if (!error && attr->cwd)
        error = posix_spawn_file_actions_addchdir_np(actions, attr->cwd);
    if (!error && attr->group)
        error = posix_spawnattr_setflags(how, POSIX_SPAWN_SETPGROUP); /* of its own number: that is the default */
    return error;
}

/* The process, or -1 with errno. */
static pid_t start(char *const argv[], const struct ends *ends, const struct cede_process_attr *attr)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t how;
    pid_t pid = -1;
    int error;

    error = posix_spawn_file_actions_init(&actions);
    if (error)
        goto no_actions;
    error = posix_spawnattr_init(&how);
    if (error)
        goto no_attributes;
    error = prepare(&actions, &how, ends, attr);
    if (!error)
        error = posix_spawnp(&pid, attr->path ? attr->path : argv[0], &actions, &how, argv,
                             attr->env ? attr->env : environ);
    posix_spawnattr_destroy(&how);
no_attributes:
    posix_spawn_file_actions_destroy(&actions);
no_actions:
    if (!error)
        return pid;
    errno = error;
    return -1;
}

static int open_pidfd(pid_t pid)
{
    int saved = errno, fd;

    if (cede__environment_has("CEDE_PIDFD", "off"))
        return -1;
    fd = cede__descriptor_private((int)syscall(SYS_pidfd_open, pid, 0), CEDE__FD_NOWAIT);
    errno = saved;
    return fd;
}

int cede_process_spawn(struct cede_process *process, char *const argv[], const struct cede_process_attr *attr)
{
    static const struct cede_process_attr defaults;
    struct ends ends;
    pid_t pid;

    *process = (struct cede_process){.in = -1, .out = -1, .err = -1, .cede__pidfd = -1};
    if (!attr)
        attr = &defaults;
    if (!argv || !argv[0] || attr->grace_ns < 0 || attr->stop_signal < 0 || attr->stop_signal >= _NSIG) {
        errno = EINVAL;
        return -1;
    }
    if (open_ends(&ends, attr) != 0)
        return -1;
    pid = start(argv, &ends, attr);
    close_ends(&ends, pid < 0);
    if (pid < 0)
        return -1;
    *process = (struct cede_process){
        .pid = pid,
        .in = ends.parent[CEDE__PROCESS_IN],
        .out = ends.parent[CEDE__PROCESS_OUT],
        .err = ends.parent[CEDE__PROCESS_ERR],
        .cede__pidfd = open_pidfd(pid),
        .cede__state = CEDE__PROCESS_RUNNING,
        .cede__group = attr->group,
        .cede__stop_signal = attr->stop_signal ? attr->stop_signal : SIGKILL,
        .cede__grace_ns = attr->grace_ns ? attr->grace_ns : CEDE_SECOND};
    return 0;
}

/* ---- the end ---- */

static int status_of(const siginfo_t *info)
{
    switch (info->si_code) {
    case CLD_EXITED:
        return (info->si_status & 0xff) << 8;
    case CLD_DUMPED:
        return info->si_status | WCOREFLAG;
    default:
        return info->si_status;
    }
}

/* Other tasks that wait for it wake, and look at the state. */
static void ended(struct cede_process *process, enum cede__process_state state)
{
    process->cede__state = state;
    if (process->cede__pidfd >= 0)
        cede__descriptor_private_close(process->cede__pidfd);
    process->cede__pidfd = -1;
}

/* Takes the status if it has ended; flags: WNOHANG or 0. 1: it has ended; 0: it runs; -1 with errno EINTR or ECHILD. */
static int reap(struct cede_process *process, int flags)
{
    bool pidfd = process->cede__pidfd >= 0;
    siginfo_t info = {0};

    if (process->cede__state == CEDE__PROCESS_REAPED)
        return 1;
    if (process->cede__state != CEDE__PROCESS_RUNNING) {
        errno = ECHILD;
        return -1;
    }
    if (syscall(SYS_waitid, pidfd ? BY_PIDFD : P_PID, pidfd ? process->cede__pidfd : process->pid, &info,
                WEXITED | flags, NULL) != 0) {
        if (errno != EINTR) {
            ended(process, CEDE__PROCESS_LOST);
            errno = ECHILD;
        }
        return -1;
    }
    if (info.si_pid == 0)
        return 0;
    process->status = status_of(&info);
    ended(process, CEDE__PROCESS_REAPED);
    return 1;
}

/* Parks until the pidfd tells that it has ended. 0, or -1 with errno: EBADF if another task took the status. */
static int park_on_pidfd(const struct cede_process *process)
{
    struct cede__call call;

    if (cede__call_begin(&call, process->cede__pidfd, CEDE__READS, "process") != 0)
        return -1;
    return (int)cede__call_end(&call, cede__call_wait(&call));
}

static int park_a_while(int64_t duration_ns)
{
    struct cede__waiter waiter = {.what = "process (polled)", .subject = -1};
    enum cede__wake reason;

    if (!cede__in_task())
        return cede_sleep(duration_ns);
    reason = cede__wait(&waiter, cede__sched_now(cede__worker) + duration_ns);
    return reason == CEDE__WAKE_DEADLINE ? 0 : cede__wait_errno(reason);
}

/* Until it has ended, or the time until_ns has come (ETIMEDOUT), or the wait is ended. 0, or -1 with errno. */
static int wait_until(struct cede_process *process, int64_t until_ns)
{
    int64_t poll_ns = FIRST_POLL_NS;
    int reaped, result;

    while ((reaped = reap(process, WNOHANG)) == 0) {
        if (until_ns != INT64_MAX && cede_now() >= until_ns) {
            errno = ETIMEDOUT;
            return -1;
        }
        if (process->cede__pidfd >= 0 && cede__in_task()) {
            result = park_on_pidfd(process);
        } else {
            result = park_a_while(poll_ns);
            poll_ns = poll_ns < LAST_POLL_NS ? 2 * poll_ns : LAST_POLL_NS;
        }
        if (result != 0 && process->cede__state == CEDE__PROCESS_RUNNING)
            return -1;
    }
    return reaped < 0 ? -1 : 0;
}

int cede__process_wait(struct cede_process *process)
{
    if (cede__in_task())
        return wait_until(process, INT64_MAX);
    return reap(process, 0) < 0 ? -1 : 0;
}

static int send_signal(struct cede_process *process, int signo)
{
    if (process->cede__group)
        return kill(-process->pid, signo);
    if (process->cede__pidfd >= 0)
        return (int)syscall(SYS_pidfd_send_signal, process->cede__pidfd, signo, NULL, 0);
    return kill(process->pid, signo);
}

void cede__process_stop(struct cede_process *process)
{
    int saved = errno;
    bool gone = process->cede__state != CEDE__PROCESS_RUNNING;

    cede_shield {
        if (!gone && process->cede__stop_signal != SIGKILL && send_signal(process, process->cede__stop_signal) == 0)
            cede_timeout (process->cede__grace_ns)
                gone = wait_until(process, cede__duration_after(cede_now(), process->cede__grace_ns)) == 0;
        if (!gone) {
            send_signal(process, SIGKILL);
            while (cede__process_wait(process) != 0 && process->cede__state == CEDE__PROCESS_RUNNING)
                ; /* EINTR outside a task; in one, no memory to watch it, for now */
        }
    }
    errno = saved;
}

int cede_process_wait(struct cede_process *process, int *status)
{
    int saved = errno;

    if (cede__process_wait(process) != 0) {
        if (errno == ECANCELED)
            cede__process_stop(process);
        return -1;
    }
    if (status)
        *status = process->status;
    errno = saved;
    return 0;
}

int cede_process_kill(struct cede_process *process, int signo)
{
    if (process->cede__state != CEDE__PROCESS_RUNNING) {
        errno = ESRCH;
        return -1;
    }
    return send_signal(process, signo);
}

void cede__process_close_pipe(int *fd)
{
    if (*fd >= 0)
        cede_close(*fd);
    *fd = -1;
}

void cede_process_close(struct cede_process *process)
{
    int saved = errno;

    if (process->cede__state == CEDE__PROCESS_NONE) /* all zero perhaps: no pipe either */
        return;
    cede__process_close_pipe(&process->in);
    cede__process_close_pipe(&process->out);
    cede__process_close_pipe(&process->err);
    cede__process_stop(process);
    process->cede__state = CEDE__PROCESS_NONE;
    process->pid = 0;
    errno = saved;
}
