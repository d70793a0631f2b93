/* SPDX-License-Identifier: MIT */
/*
 * What other programs inherit from threads that are tasks (thread.h): the signal mask of posix_spawn, the exec family
 * and popen is that of the calling thread, while the OS thread's is common to all of them.
 */
#include "mask.h"

#ifdef CEDE__POSIX_THREADS

#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* ---- posix_spawn ---- */

typedef int spawn_fn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                     const posix_spawnattr_t *attr, char *const argv[], char *const envp[]);

static int spawn(spawn_fn *plain, pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
    struct cede__posix_thread *self = cede__posix_mask_self();
    posix_spawnattr_t own;
    short flags = 0;
    sigset_t mask;

    if (attr)
        posix_spawnattr_getflags(attr, &flags);
    if (!self || flags & POSIX_SPAWN_SETSIGMASK)
        return plain(pid, path, actions, attr, argv, envp);
    if (attr)
        own = *attr; /* which owns nothing */
    else
        posix_spawnattr_init(&own);
    sigemptyset(&mask);
    cede__posix_mask_to(atomic_load(&self->mask), &mask);
    posix_spawnattr_setsigmask(&own, &mask);
    posix_spawnattr_setflags(&own, flags | POSIX_SPAWN_SETSIGMASK);
    return plain(pid, path, actions, &own, argv, envp);
}

spawn_fn cede__posix_posix_spawn, cede__posix_posix_spawnp;
CEDE__POSIX_EXPORT_ONLY(posix_spawn, posix_spawn);
CEDE__POSIX_EXPORT_ONLY(posix_spawnp, posix_spawnp);

int cede__posix_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                            const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
    return spawn(CEDE__POSIX_PLAIN(posix_spawn), pid, path, actions, attr, argv, envp);
}

int cede__posix_posix_spawnp(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                             const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
    return spawn(CEDE__POSIX_PLAIN(posix_spawnp), pid, path, actions, attr, argv, envp);
}

/* ---- exec ---- */

/* It returns only if it has failed: then all is as before. In a child of vfork(2) nothing is to be undone. */
#define EXEC(name, ...)                                                                                         \
    do {                                                                                                        \
        uint64_t os = cede__posix_mask_bequeath();                                                              \
        int result = CEDE__POSIX_PLAIN(name)(__VA_ARGS__);                                                      \
                                                                                                                \
        if (cede__posix_mask_self())                                                                            \
            cede__posix_mask_restore(os);                                                                       \
        return result;                                                                                          \
    } while (0)

int cede__posix_execve(const char *path, char *const argv[], char *const envp[]);
CEDE__POSIX_EXPORT_ONLY(execve, execve);
int cede__posix_execve(const char *path, char *const argv[], char *const envp[])
{
    EXEC(execve, path, argv, envp);
}

int cede__posix_execv(const char *path, char *const argv[]);
CEDE__POSIX_EXPORT_ONLY(execv, execv);
int cede__posix_execv(const char *path, char *const argv[])
{
    EXEC(execv, path, argv);
}

int cede__posix_execvp(const char *file, char *const argv[]);
CEDE__POSIX_EXPORT_ONLY(execvp, execvp);
int cede__posix_execvp(const char *file, char *const argv[])
{
    EXEC(execvp, file, argv);
}

int cede__posix_execvpe(const char *file, char *const argv[], char *const envp[]);
CEDE__POSIX_EXPORT_ONLY(execvpe, execvpe);
int cede__posix_execvpe(const char *file, char *const argv[], char *const envp[])
{
    EXEC(execvpe, file, argv, envp);
}

int cede__posix_fexecve(int fd, char *const argv[], char *const envp[]);
CEDE__POSIX_EXPORT_ONLY(fexecve, fexecve);
int cede__posix_fexecve(int fd, char *const argv[], char *const envp[])
{
    EXEC(fexecve, fd, argv, envp);
}

/* ---- with the arguments one by one ---- */

/* How many there are, the NULL at their end counted. */
static size_t count(const char *first, va_list arguments)
{
    size_t count = 1;
    va_list copy;

    va_copy(copy, arguments);
    for (; first; count++)
        first = va_arg(copy, const char *);
    va_end(copy);
    return count;
}

static void collect(char **argv, const char *first, va_list arguments)
{
    for (*argv = (char *)first; *argv++;)
        *argv = va_arg(arguments, char *);
}

/* envp: whether it follows the arguments. On the stack, for a child of vfork(2) has no memory of its own. */
#define EXEC_LIST(call, path, envp)                                                                             \
    do {                                                                                                        \
        va_list arguments;                                                                                      \
                                                                                                                \
        va_start(arguments, first);                                                                             \
        {                                                                                                       \
            char **argv = __builtin_alloca(count(first, arguments) * sizeof *argv);                             \
                                                                                                                \
            collect(argv, first, arguments);                                                                    \
            call(path, argv, (envp) ? va_arg(arguments, char **) : environ);                                    \
        }                                                                                                       \
        va_end(arguments);                                                                                      \
        return -1;                                                                                              \
    } while (0)

int cede__posix_execl(const char *path, const char *first, ...);
CEDE__POSIX_EXPORT_ONLY(execl, execl);
int cede__posix_execl(const char *path, const char *first, ...)
{
    EXEC_LIST(cede__posix_execve, path, false);
}

int cede__posix_execle(const char *path, const char *first, ...);
CEDE__POSIX_EXPORT_ONLY(execle, execle);
int cede__posix_execle(const char *path, const char *first, ...)
{
    EXEC_LIST(cede__posix_execve, path, true);
}

int cede__posix_execlp(const char *file, const char *first, ...);
CEDE__POSIX_EXPORT_ONLY(execlp, execlp);
int cede__posix_execlp(const char *file, const char *first, ...)
{
    EXEC_LIST(cede__posix_execvpe, file, false);
}

/* ---- popen ---- */

FILE *cede__posix_popen(const char *command, const char *mode);
CEDE__POSIX_EXPORT_ONLY(popen, popen);
FILE *cede__posix_popen(const char *command, const char *mode)
{
    struct cede__posix_thread *self = cede__posix_mask_self();
    struct cede__posix_handler held; /* as if a handler ran: it may wait in there, and others run */
    FILE *stream;

    if (!self)
        return CEDE__POSIX_PLAIN(popen)(command, mode);
    cede__posix_mask_hold(&held, atomic_load(&self->mask));
    stream = CEDE__POSIX_PLAIN(popen)(command, mode);
    cede__posix_handler_left(&held);
    return stream;
}

#endif
