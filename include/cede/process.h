/* SPDX-License-Identifier: MIT */
/*
 * Child processes, with pipes to them, that end with the task that waits for them.
 *
 *     struct cede_process_attr attr = {.out = CEDE_PROCESS_PIPE};
 *     struct cede_process process;
 *     int status;
 *
 *     if (cede_process_spawn(&process, (char *[]){"ls", "-l", NULL}, &attr) != 0)
 *         return -1;
 *     cede_defer(cede_process_close, &process);
 *     ... cede_read(process.out, ...) ...
 *     if (cede_process_wait(&process, &status) == 0 && WIFEXITED(status))
 *         ...
 *
 * A process is waited for by a pidfd, which the poller watches as any descriptor: SIGCHLD is not used, and who uses it
 * is not disturbed. Where there is none (before Linux 5.3, under qemu-user, with no descriptor left) a waiting task
 * looks every 1 to 32 ms instead, and reports show it in "process (polled)". CEDE_PIDFD=off in the environment forces
 * this. Whoever else waits for any child (waitpid(-1, ...)), or ignores SIGCHLD, takes the status away: ECHILD.
 *
 * A process belongs to the thread that spawned it: all calls come from it. In a child of fork(2) they fail with ECHILD.
 *
 * fork(2) itself may be called by a task too. The child then has that task alone, which counts as its first: when its
 * function returns, cede_run() returns in the child. Its scopes and groups go on; the other tasks are forgotten without
 * running again, with what they hold (handles give ESRCH; groups do not wait for them; tasks that had ended can still
 * be joined). As with threads, nothing should be used in the child that the forgotten ones use as well: they may have
 * been in the midst of it. The runtimes of other threads do not exist in the child. Between vfork(2) and exec a child
 * may close and duplicate descriptors; the parent's waits are not disturbed.
 */
#ifndef CEDE_PROCESS_H
#define CEDE_PROCESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <cede/base.h>

struct rusage;

CEDE_BEGIN_DECLS

/* What a process shall have as its standard input, output or error: one of these, or a descriptor above 0, which stays
 * the caller's. */
#define CEDE_PROCESS_INHERIT 0    /* that of the caller */
#define CEDE_PROCESS_PIPE    (-1) /* a pipe, whose other end is in struct cede_process */
#define CEDE_PROCESS_NULL    (-2) /* /dev/null */
#define CEDE_PROCESS_MERGE   (-3) /* `err` only: where its output goes */

/* How a process is to be started and ended. Members that are 0 or NULL mean the default; more may be added. */
struct cede_process_attr {
    const char *path;       /* what to execute; default: argv[0]; searched in PATH if it has no slash */
    char *const *env;       /* its environment; default: the caller's */
    const char *cwd;        /* its working directory; default: the caller's */
    int in, out, err;       /* CEDE_PROCESS_INHERIT ... */
    int group;              /* nonzero: it leads a process group of its own, and signals go to all of that group */
    int stop_signal;        /* with what it is asked to end when nobody wants it any more; default: SIGKILL */
    int64_t grace_ns;       /* how long after another stop_signal SIGKILL follows; default: one second */
};

/* A process that was spawned. Descriptors are close-on-exec pipe ends, -1 where there is none; who closes one (with
 * cede_close()) sets it to -1. The members after `status` are private. */
struct cede_process {
    pid_t pid;              /* 0: none */
    int in, out, err;       /* to write to its standard input, to read from its output and error */
    int status;             /* as of waitpid(2), once it has been waited for */
    int cede__pidfd;        /* -1: none */
    int cede__stop_signal;
    int cede__group;
    int cede__state;
    int64_t cede__grace_ns;
};

/*
 * Starts a process with the arguments argv, whose last is NULL; attr may be NULL. It inherits what posix_spawn(3) lets
 * inherit: descriptors that are not close-on-exec, the signal mask, ignored signals. Handlers of pthread_atfork(3) do
 * not run.
 *
 * Returns 0, or -1 with errno and process->pid 0
 *   EINVAL           argv is NULL or empty; attr->in, out, err, stop_signal or grace_ns mean nothing
 *   EBADF            attr->in, out or err is not open
 *   ENOENT, EACCES, ENOEXEC, E2BIG ...  it cannot be executed, or cwd cannot be entered: as execve(2), chdir(2)
 *   EMFILE, ENFILE   no descriptor for a pipe
 *   ENOMEM, EAGAIN   no memory, or too many processes
 * Does not park, but blocks the thread until the new program runs. Outside a task: the same.
 * Models: posix_spawnp(3), subprocess.Popen, os/exec.
 */
CEDE_API int cede_process_spawn(struct cede_process *process, char *const argv[], const struct cede_process_attr *attr);

/*
 * Parks until the process has ended. *status (unless NULL) and process->status are as of waitpid(2). It may be waited
 * for again, and by several tasks at once; all get the same answer. Pipes stay open.
 *
 * Returns 0, or -1 with errno
 *   ECHILD     nothing was spawned, or somebody else has taken the status
 *   ECANCELED  the caller was cancelled: the process has been stopped, as by cede_process_close(), and process->status
 *              is set
 *   ETIMEDOUT  a deadline passed: the process runs on, and may be waited for again, killed or closed
 *   ENOMEM, ENOSPC  the pidfd cannot be watched
 *   EINTR      outside a task: a signal handler ran
 * Outside a task: blocks. Models: waitpid(2), Process.wait.
 */
CEDE_API int cede_process_wait(struct cede_process *process, int *status);

/*
 * Sends a signal to the process, or to its group if it leads one. It still has to be waited for.
 *
 * Returns 0, or -1 with errno
 *   ESRCH   nothing was spawned, or it has been waited for
 *   EINVAL  no such signal
 *   EPERM   it runs as somebody else
 * Does not park. Models: kill(2), Process.send_signal; but the signal never hits a later process of the same number.
 */
CEDE_API int cede_process_kill(struct cede_process *process, int signo);

/*
 * The end of every process: closes the pipes that are left, and stops it if it has not been waited for: sends
 * stop_signal and, if that is not SIGKILL, waits for the grace period and sends SIGKILL; then waits for it, so that no
 * zombie is left. The structure then means no process, and closing it again does nothing. errno is preserved.
 *
 * May park, also in a task that was cancelled, and for longer than the grace period only if the kernel keeps a killed
 * process back (in a system call that cannot be interrupted). Outside a task: blocks. Model: Popen.__exit__, but firm.
 */
CEDE_API void cede_process_close(struct cede_process *process);

/* What is given to a process and taken from it. */
struct cede_process_exchange {
    const void *input;      /* for its standard input */
    size_t input_size;
    size_t limit;           /* of output_size and of error_size, each; default: CEDE_PROCESS_LIMIT */
    /* The rest is set by cede_process_communicate(). What is not a pipe is NULL and 0. */
    char *output;           /* what it wrote, from malloc(3), the caller's to free; a '\0' follows */
    size_t output_size;
    char *error;
    size_t error_size;
    int status;             /* as of waitpid(2) */
};

#define CEDE_PROCESS_LIMIT ((size_t)16 << 20)

/*
 * Writes the input to the process and, at the same time, reads what it writes, until it has closed its output and its
 * error; then waits for it. Closes the pipes. A process that does not read all of its input is no failure; SIGPIPE is
 * not raised.
 *
 * Returns 0, or -1 with errno, nothing to free, and the process stopped as by cede_process_close()
 *   EINVAL                input_size is not 0, but its input is not a pipe
 *   EMSGSIZE              it wrote more than the limit
 *   ENOMEM                no memory for what it wrote
 *   ECHILD                nothing was spawned (and nothing is stopped), or somebody else has taken the status
 *   ECANCELED, ETIMEDOUT  as every wait
 * Other processes that have inherited the pipes keep it waiting. Outside a task: blocks.
 * Models: Popen.communicate, subprocess.run.
 */
CEDE_API int cede_process_communicate(struct cede_process *process, struct cede_process_exchange *exchange);

/*
 * waitpid(2), wait4(2), waitid(2): the same signatures and return values. In a task, waiting parks: for the end of one
 * child (pid > 0, P_PID, P_PIDFD) by its pidfd; for any of several, and for stops, it looks again after 1 ms, then less
 * often, down to every 16 ms.
 *
 * Return what these return; -1 with errno
 *   ECANCELED, ETIMEDOUT  as every wait; no status has been taken
 *   ECHILD  there is no such child, or somebody else has taken its status
 *   EINVAL  the options mean nothing
 * Outside a task: the plain calls.
 */
CEDE_API pid_t cede_waitpid(pid_t pid, int *status, int options);
CEDE_API pid_t cede_wait4(pid_t pid, int *status, int options, struct rusage *usage);
#ifdef WEXITED /* not in strict ISO C */
CEDE_API int cede_waitid(idtype_t type, id_t id, siginfo_t *info, int options);
#endif

/*
 * system(3). In a task it parks until the command has ended; SIGCHLD is not blocked meanwhile, since other tasks run on
 * the thread.
 *
 * Returns what it returns; -1 with errno
 *   ECANCELED, ETIMEDOUT  as every wait: the shell has been killed, but not what it had started, as with
 *                         pthread_cancel(3)
 *   ECHILD  somebody else has taken its status
 * Outside a task: the plain call. Models: system(3), asyncio.create_subprocess_shell.
 */
CEDE_API int cede_system(const char *command);

CEDE_END_DECLS

#endif
