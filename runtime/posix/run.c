/* SPDX-License-Identifier: MIT */
/*
 * The part of `cede run` inside the program: main as the first task. tools/cede/run.c is the other half, and leaves in
 * the environment
 *     LD_PRELOAD  libcede-posix, libcede, then what the user had there
 *     CEDE_RUN    a list of words: main; threads (pthread_create makes tasks: thread.h); children
 * Without `children` both are taken out before main: programs that this one starts run as ever.
 */
#include <cede/task.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../environment.h"
#include "thread.h"

#ifndef CEDE_POSIX_STATIC /* there is no preloading into a static program */

enum { FAILED = 125 }; /* as env(1) */

/* What a main thread has by default, address space only. */
#define MOST_STACK ((size_t)8 << 20)

typedef int main_fn(int argc, char **argv, char **envp);

static struct {
    main_fn *fn;
    int argc;
    char **argv;
    uintptr_t stack_top; /* of the first task, or little less */
    size_t stack_size;
    bool threads;        /* are tasks */
} program;

/* What the user had in LD_PRELOAD, or NULL. */
static char *users_preload(char *list)
{
    int ours;

    for (ours = 0; list && ours < 2; ours++) {
        list = strchr(list, ':');
        list += list != NULL;
    }
    return list;
}

/* In place, and by hand: some programs (bash) have a setenv() of their own, which is of no use before their main. */
static void restore_environment(void)
{
    static const char preload[] = "LD_PRELOAD=", run[] = "CEDE_RUN=";
    char **from, **to, *rest;

    for (from = to = environ; *from; from++) {
        if (strncmp(*from, run, sizeof run - 1) == 0)
            continue;
        if (strncmp(*from, preload, sizeof preload - 1) == 0) {
            rest = users_preload(*from + sizeof preload - 1);
            if (!rest)
                continue;
            memmove(*from + sizeof preload - 1, rest, strlen(rest) + 1);
        }
        *to++ = *from;
    }
    *to = NULL;
}

/* As large as the main thread's would be. */
static size_t stack_size(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return MOST_STACK;
    if (limit.rlim_cur < CEDE_STACK_DEFAULT)
        return CEDE_STACK_DEFAULT;
    return limit.rlim_cur < CEDE_STACK_MAX ? limit.rlim_cur : CEDE_STACK_MAX;
}

/* Returning from main ends the process, whatever other tasks do, as with threads. */
static int first_task(void *unused)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), base = (uintptr_t)__builtin_frame_address(0);

    (void)unused;
    program.stack_top = (base + page - 1) / page * page;
#ifdef CEDE__POSIX_THREADS
    if (program.threads)
        cede__posix_threads_start(base, program.stack_top, program.stack_size);
#endif
    exit(program.fn(program.argc, program.argv, environ));
}

static int main_as_task(int argc, char **argv, char **envp)
{
    const struct cede_run_attr attr = {.name = "main", .stack_size = program.stack_size = stack_size()};

    (void)envp;
    program.argc = argc;
    program.argv = argv;
    cede_run_attr(&attr, first_task, NULL);
    fprintf(stderr, "cede run: %s: no runtime: %s\n", argv[0], strerror(errno));
    return FAILED;
}

/* Where main's stack is: some programs compare the addresses of their variables with it. */
int cede__posix_pthread_getattr_np(pthread_t thread, pthread_attr_t *attr);
CEDE__POSIX_EXPORT_ONLY(pthread_getattr_np, pthread_getattr_np);
int cede__posix_pthread_getattr_np(pthread_t thread, pthread_attr_t *attr)
{
    __typeof__(&cede__posix_pthread_getattr_np) plain =
        (__typeof__(plain))cede__posix_plain(&cede__posix_name_pthread_getattr_np);
    uintptr_t here = (uintptr_t)__builtin_frame_address(0), bottom = program.stack_top - program.stack_size;
    int error;

#ifdef CEDE__POSIX_THREADS
    if (cede__posix_thread_is(thread))
        return cede__posix_thread_getattr(thread, attr);
#endif
    error = plain ? plain(thread, attr) : ENOSYS;
    if (error || !program.stack_top || here < bottom || here >= program.stack_top
        || !pthread_equal(thread, pthread_self()))
        return error;
    return pthread_attr_setstack(attr, (void *)bottom, program.stack_size);
}

/* Every dynamically linked program calls it first. `init`, `fini` and the rest are libc's affair. */
int cede__posix_start(main_fn *fn, int argc, char **argv, void *init, void *fini, void *linker_fini, void *stack_end);
CEDE__POSIX_EXPORT_ONLY(__libc_start_main, start);
int cede__posix_start(main_fn *fn, int argc, char **argv, void *init, void *fini, void *linker_fini, void *stack_end)
{
    __typeof__(&cede__posix_start) plain =
        (__typeof__(plain))cede__posix_plain(&cede__posix_name___libc_start_main);

    if (cede__environment_has("CEDE_RUN", "main")) {
        program.fn = fn;
        program.threads = cede__environment_has("CEDE_RUN", "threads");
        if (!cede__environment_has("CEDE_RUN", "children"))
            restore_environment();
        fn = main_as_task;
    }
    return plain(fn, argc, argv, init, fini, linker_fini, stack_end);
}

#endif
