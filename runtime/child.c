/* SPDX-License-Identifier: MIT */
/* wait and its relatives, and system; see cede/process.h. */
#include <cede/process.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cede/io.h>
#include <cede/scope.h>

#include "call.h"
#include "descriptor.h"
#include "retry.h"
#include "sys.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434 /* the same for every CPU */
#endif

enum { BY_PIDFD = 3 }; /* P_PIDFD of waitid(2) */

/* ---- waiting ---- */

/* What tells that there may be something to collect: the end of one child its pidfd, anything else nobody. */
struct news {
    int pidfd; /* -1: there is none */
    bool own;
    struct cede__retry retry;
};

static struct news news_of(pid_t pid, bool its_end_only)
{
    struct news news = {.pidfd = -1};
    int saved = errno;

    if (pid > 0 && its_end_only) {
        news.pidfd = cede__descriptor_private((int)syscall(SYS_pidfd_open, pid, 0), CEDE__FD_NOWAIT);
        news.own = news.pidfd >= 0;
    }
    errno = saved;
    return news;
}

static int await(struct news *news)
{
    struct cede__call call;

    /* Ended, but not collected yet: its status comes in a moment. */
    if (news->pidfd < 0 || cede__call_ready(news->pidfd, POLLIN))
        return cede__retry_wait(&news->retry, "wait", INT64_MAX);
    if (cede__call_begin(&call, news->pidfd, CEDE__READS, "wait") != 0)
        return -1;
    return (int)cede__call_end(&call, cede__call_wait(&call));
}

static void forget(struct news *news)
{
    if (news->own)
        cede__descriptor_private_close(news->pidfd);
}

pid_t cede_wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
    struct news news;
    long result;

    result = syscall(SYS_wait4, pid, status, cede__in_task() ? options | WNOHANG : options, usage);
    if (result != 0 || options & WNOHANG || !cede__in_task())
        return (pid_t)result;
    news = news_of(pid, !(options & (WUNTRACED | WCONTINUED)));
    do
        result = await(&news) != 0 ? -1 : syscall(SYS_wait4, pid, status, options | WNOHANG, usage);
    while (result == 0);
    forget(&news);
    return (pid_t)result;
}

pid_t cede_waitpid(pid_t pid, int *status, int options)
{
    return cede_wait4(pid, status, options, NULL);
}

int cede_waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    siginfo_t own, *found = info ? info : &own;
    struct news news;
    int result;

    if (!cede__in_task() || options & WNOHANG)
        return (int)syscall(SYS_waitid, type, id, info, options, NULL);
    found->si_pid = 0;
    result = (int)syscall(SYS_waitid, type, id, found, options | WNOHANG, NULL);
    if (result != 0 || found->si_pid != 0)
        return result;
    news = news_of(type == P_PID ? (pid_t)id : 0, !(options & (WSTOPPED | WCONTINUED)));
    if ((int)type == BY_PIDFD && !(options & (WSTOPPED | WCONTINUED)))
        news.pidfd = (int)id;
    do
        result = await(&news) != 0 ? -1 : (int)syscall(SYS_waitid, type, id, found, options | WNOHANG, NULL);
    while (result == 0 && found->si_pid == 0);
    forget(&news);
    return result;
}

/* ---- system ---- */

/* Ctrl-C is the command's while any runs. */
static struct {
    pthread_mutex_t lock;
    unsigned running;
    struct sigaction interrupt, quit; /* as they were before the first */
} shells = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void ignore_interrupts(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};

    pthread_mutex_lock(&shells.lock);
    if (shells.running++ == 0) {
        sigaction(SIGINT, &ignore, &shells.interrupt);
        sigaction(SIGQUIT, &ignore, &shells.quit);
    }
    pthread_mutex_unlock(&shells.lock);
}

static void heed_interrupts(void)
{
    pthread_mutex_lock(&shells.lock);
    if (--shells.running == 0) {
        sigaction(SIGINT, &shells.interrupt, NULL);
        sigaction(SIGQUIT, &shells.quit, NULL);
    }
    pthread_mutex_unlock(&shells.lock);
}

/* The shell, with the actions for signals that the caller had. 0, or an error number. */
static int start_shell(pid_t *pid, const char *command)
{
    char *argv[] = {"sh", "-c", (char *)command, NULL};
    posix_spawnattr_t how;
    sigset_t by_default;
    int error = posix_spawnattr_init(&how);

    if (error)
        return error;
    sigemptyset(&by_default);
    if (shells.interrupt.sa_handler != SIG_IGN)
        sigaddset(&by_default, SIGINT);
    if (shells.quit.sa_handler != SIG_IGN)
        sigaddset(&by_default, SIGQUIT);
    posix_spawnattr_setsigdefault(&how, &by_default);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGDEF);
    error = posix_spawn(pid, "/bin/sh", NULL, &how, argv, environ);
    posix_spawnattr_destroy(&how);
    return error;
}

int cede_system(const char *command)
{
    int status = -1, error;
    pid_t pid;

    if (!cede__in_task())
        return system(command);
    if (!command)
        return cede_system("exit 0") == 0;
    if (cede_check() != 0)
        return -1;
    ignore_interrupts();
    error = start_shell(&pid, command);
    if (error) {
        status = 127 << 8; /* as if the shell had said so */
    } else if (cede_waitpid(pid, &status, 0) != pid) {
        error = errno;
        status = -1;
        if (error != ECHILD) {
            kill(pid, SIGKILL);
            cede_shield
                cede_waitpid(pid, NULL, 0);
        }
    }
    heed_interrupts();
    if (error)
        errno = error;
    return status;
}
