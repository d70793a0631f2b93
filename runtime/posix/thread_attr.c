/* SPDX-License-Identifier: MIT */
/*
 * What can be asked about, and set of, a thread that is a task: its name, stack, scheduling, CPUs and clock; see
 * thread.h. The last three are those of the OS thread that runs all of them, and are not changed for one.
 */
#include "thread.h"

#ifdef CEDE__POSIX_THREADS

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>

/* 0, with the gate entered and the thread in a variable of the caller's; else the caller fails with ESRCH. */
#define ENTER(thread, id)                              \
    do {                                               \
        (thread) = cede__posix_thread_enter(id);       \
        if (!(thread))                                 \
            return ESRCH;                              \
    } while (0)

/* Whether the ID is that of a thread of ours which is not main: libc does not know it. */
static bool is_unknown_to_libc(pthread_t id)
{
    return cede__posix_threads && id & 1;
}

int cede__posix_pthread_setname_np(pthread_t id, const char *name);
CEDE__POSIX_EXPORT_ONLY(pthread_setname_np, pthread_setname_np);
int cede__posix_pthread_setname_np(pthread_t id, const char *name)
{
    struct cede__posix_thread *thread;
    size_t length;

    if (!cede__posix_thread_is(id))
        return CEDE__POSIX_PLAIN(pthread_setname_np)(id, name);
    length = strlen(name);
    if (length >= CEDE__POSIX_NAME_BYTES)
        return ERANGE;
    ENTER(thread, id);
    memcpy(thread->name, name, length + 1);
    cede__posix_thread_leave();
    return is_unknown_to_libc(id) ? 0 : CEDE__POSIX_PLAIN(pthread_setname_np)(id, name);
}

int cede__posix_pthread_getname_np(pthread_t id, char *name, size_t size);
CEDE__POSIX_EXPORT_ONLY(pthread_getname_np, pthread_getname_np);
int cede__posix_pthread_getname_np(pthread_t id, char *name, size_t size)
{
    struct cede__posix_thread *thread;

    if (!is_unknown_to_libc(id))
        return CEDE__POSIX_PLAIN(pthread_getname_np)(id, name, size);
    if (size < CEDE__POSIX_NAME_BYTES)
        return ERANGE;
    ENTER(thread, id);
    memcpy(name, thread->name, CEDE__POSIX_NAME_BYTES);
    cede__posix_thread_leave();
    return 0;
}

/* As the kernel: what is too long is cut off. */
int cede__posix_prctl(int option, ...);
CEDE__POSIX_EXPORT_ONLY(prctl, prctl);
int cede__posix_prctl(int option, ...)
{
    struct cede__posix_thread *self = cede__posix_threads ? cede__posix_thread_self() : NULL;
    unsigned long argument[4];
    va_list arguments;
    int i;

    va_start(arguments, option);
    for (i = 0; i < 4; i++)
        argument[i] = va_arg(arguments, unsigned long);
    va_end(arguments);
    if (self && option == PR_SET_NAME) {
        memset(self->name, 0, sizeof self->name);
        memcpy(self->name, (const char *)argument[0], strnlen((const char *)argument[0], sizeof self->name - 1));
    }
    if (self && !cede__posix_thread_is_main(self)) {
        if (option == PR_SET_NAME)
            return 0;
        if (option == PR_GET_NAME) {
            memcpy((char *)argument[0], self->name, sizeof self->name);
            return 0;
        }
    }
    return CEDE__POSIX_PLAIN(prctl)(option, argument[0], argument[1], argument[2], argument[3]);
}

int cede__posix_thread_getattr(pthread_t id, pthread_attr_t *attr)
{
    struct cede__posix_thread *thread;
    uintptr_t bottom;
    size_t size;
    int error = pthread_attr_init(attr);
    bool detached;

    if (error)
        return error;
    ENTER(thread, id);
    size = thread->stack_size;
    bottom = thread->stack_top - size;
    detached = thread->detached;
    cede__posix_thread_leave();
    pthread_attr_setdetachstate(attr, detached ? PTHREAD_CREATE_DETACHED : PTHREAD_CREATE_JOINABLE);
    return pthread_attr_setstack(attr, (void *)bottom, size);
}

int cede__posix_pthread_getaffinity_np(pthread_t id, size_t size, cpu_set_t *set);
CEDE__POSIX_EXPORT_ONLY(pthread_getaffinity_np, pthread_getaffinity_np);
int cede__posix_pthread_getaffinity_np(pthread_t id, size_t size, cpu_set_t *set)
{
    return CEDE__POSIX_PLAIN(pthread_getaffinity_np)(is_unknown_to_libc(id) ? cede__posix_main_id() : id, size, set);
}

int cede__posix_pthread_setaffinity_np(pthread_t id, size_t size, const cpu_set_t *set);
CEDE__POSIX_EXPORT_ONLY(pthread_setaffinity_np, pthread_setaffinity_np);
int cede__posix_pthread_setaffinity_np(pthread_t id, size_t size, const cpu_set_t *set)
{
    return is_unknown_to_libc(id) ? 0 : CEDE__POSIX_PLAIN(pthread_setaffinity_np)(id, size, set);
}

int cede__posix_pthread_getschedparam(pthread_t id, int *policy, struct sched_param *param);
CEDE__POSIX_EXPORT_ONLY(pthread_getschedparam, pthread_getschedparam);
int cede__posix_pthread_getschedparam(pthread_t id, int *policy, struct sched_param *param)
{
    return CEDE__POSIX_PLAIN(pthread_getschedparam)(is_unknown_to_libc(id) ? cede__posix_main_id() : id, policy, param);
}

int cede__posix_pthread_setschedparam(pthread_t id, int policy, const struct sched_param *param);
CEDE__POSIX_EXPORT_ONLY(pthread_setschedparam, pthread_setschedparam);
int cede__posix_pthread_setschedparam(pthread_t id, int policy, const struct sched_param *param)
{
    return is_unknown_to_libc(id) ? 0 : CEDE__POSIX_PLAIN(pthread_setschedparam)(id, policy, param);
}

int cede__posix_pthread_setschedprio(pthread_t id, int priority);
CEDE__POSIX_EXPORT_ONLY(pthread_setschedprio, pthread_setschedprio);
int cede__posix_pthread_setschedprio(pthread_t id, int priority)
{
    return is_unknown_to_libc(id) ? 0 : CEDE__POSIX_PLAIN(pthread_setschedprio)(id, priority);
}

int cede__posix_pthread_getcpuclockid(pthread_t id, clockid_t *clock);
CEDE__POSIX_EXPORT_ONLY(pthread_getcpuclockid, pthread_getcpuclockid);
int cede__posix_pthread_getcpuclockid(pthread_t id, clockid_t *clock)
{
    return CEDE__POSIX_PLAIN(pthread_getcpuclockid)(is_unknown_to_libc(id) ? cede__posix_main_id() : id, clock);
}

#endif
