/* SPDX-License-Identifier: MIT */
/*
 * Threads that are tasks: what `cede run --threads` makes of pthread_create(3). See tools/cede/README.md for what such
 * a program may expect.
 *
 * A thread is a task of main's runtime, with what POSIX says that a thread has of its own: an ID, values of keys,
 * clean-up handlers, a cancellation state, a signal mask, a name. Main is one as well, under the ID and with the keys
 * of the OS thread that runs all of them. A task that the program makes by cede_spawn() belongs to the thread that made
 * it.
 *
 * Who is no such task stays what it is: the runtime's helpers, threads that libc makes inside itself or that were made
 * before main, and all that these make. IDs tell both kinds apart: libc's are addresses, ours are odd.
 *
 * In thread.c: from pthread_create to the end. thread_attr.c: what can be asked about one. cancel.c: cancellation,
 * clean-up and the unwinding. key.c: thread-specific values. mask.c: signals. exception.c: C++ exceptions.
 */
#ifndef CEDE_POSIX_THREAD_H
#define CEDE_POSIX_THREAD_H

#include "lock.h"

#ifdef CEDE__POSIX_THREADS

#include <unwind.h>

#include <cede/scope.h>

enum { CEDE__POSIX_NAME_BYTES = 16 /* as the kernel has it */ };

struct cede__posix_value; /* see key.c */

/* In a table that never shrinks (thread.c), so an old ID finds no thread, and a name that reports show stays. Guarded
 * by the table's gate where it says so; all else is the thread's own. */
struct cede__posix_thread {
    pthread_t id;
    struct cede_task *task;
    void *(*start)(void *arg);     /* or NULL, and ... */
    int (*start_c11)(void *arg);
    void *arg;
    void *result;
    atomic_bool ended;        /* the result is there */
    bool started;
    bool detached, joined;    /* gate; joined: somebody waits for its end, or has */
    struct cede__posix_thread *joins; /* gate; whom it waits for; NULL: nobody */
    unsigned holders;         /* gate; the task, and the program until it has joined or detached it */
    uintptr_t base;           /* its first frame: all frames of the program are below */
    uintptr_t stack_top;      /* the end of its stack, or little less */
    size_t stack_size;
    char name[CEDE__POSIX_NAME_BYTES];
    struct cede__posix_thread *next_free;
    /* cancel.c */
    bool cancelled;           /* gate; pthread_cancel(3) was called ... */
    bool interrupted;         /* gate; ... and has reached the task: its waits fail */
    bool uncancellable;       /* gate; PTHREAD_CANCEL_DISABLE */
    bool exiting;             /* gate; its handlers and destructors run */
    bool asynchronous;
    bool shielded;            /* within `shield` */
    struct cede_scope shield;
    __pthread_unwind_buf_t *cleanups; /* innermost first */
    struct _Unwind_Exception exception;
    /* key.c */
    struct cede__posix_value *values;
    unsigned value_count;
    /* mask.c */
    uint64_t mask, pending;   /* as the kernel: 1 << (signo - 1) */
    /* exception.c */
    void *caught[2];
};

/* The calling thread; NULL: none of ours. */
struct cede__posix_thread *cede__posix_thread_self(void);

/* The same if the caller is the thread's own task, not another one that it has made. */
static inline struct cede__posix_thread *cede__posix_thread_own(void)
{
    struct cede__posix_thread *self = cede__posix_threads ? cede__posix_thread_self() : NULL;

    return self && self->task == cede_self() ? self : NULL;
}

/* The OS thread's ID, by which libc knows the owners of its own locks. */
pthread_t cede__posix_thread_of_libc(void);

static inline bool cede__posix_thread_is_main(const struct cede__posix_thread *thread)
{
    return !(thread->id & 1);
}

/* Whether the ID is, or was, of one of ours. */
bool cede__posix_thread_is(pthread_t id);

/* The thread, with the gate entered; NULL (and no gate entered): there is none. */
struct cede__posix_thread *cede__posix_thread_enter(pthread_t id);
void cede__posix_thread_leave(void);

/* From now on pthread_create() makes tasks; the caller is main's task. base: as in the structure. */
void cede__posix_threads_start(uintptr_t base, uintptr_t stack_top, size_t stack_size);

/* Libc's ID of the OS thread that runs them, which is main's. */
pthread_t cede__posix_main_id(void);

/* pthread_getattr_np(). */
int cede__posix_thread_getattr(pthread_t id, pthread_attr_t *attr);

/* pthread_clockjoin_np(); until may be NULL. */
int cede__posix_thread_join(pthread_t id, void **result, clockid_t clock, const struct timespec *until);

/* pthread_tryjoin_np(). */
int cede__posix_thread_tryjoin(pthread_t id, void **result);

/* Whether pthread_cancel(3) was called and the caller is to act on it. */
bool cede__posix_cancel_pending(void);

/* pthread_exit(): unwinds, then ends the thread. */
__attribute__((noreturn)) void cede__posix_thread_exit(struct cede__posix_thread *self, void *result);

/* A signal that is on its way to one thread; see mask.c. Its handler says so, and ends nobody else's call. */
enum cede__posix_directed {
    CEDE__POSIX_DIRECTED_NOT,
    CEDE__POSIX_DIRECTED,
    CEDE__POSIX_DIRECTED_HANDLED,  /* by a handler without SA_RESTART */
    CEDE__POSIX_DIRECTED_RESTARTS, /* with it */
};

extern _Thread_local _Atomic(enum cede__posix_directed) cede__posix_directed
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* futex(2), where it waits or wakes; else *ours is false. plain: libc's syscall(). */
typedef long cede__posix_syscall_fn(long number, ...);
long cede__posix_futex(cede__posix_syscall_fn *plain, const long *argument, bool *ours);

/* ---- what a thread's beginning and end consist of ---- */

/* Its last: no frame of the program is left. Of main it does not return. */
void cede__posix_thread_finish(struct cede__posix_thread *self);

/* From here on nothing cancels it, nor does a cancellation that came end its waits. */
void cede__posix_thread_uncancel(struct cede__posix_thread *self);

/* Calls the destructors of its values. */
void cede__posix_thread_destroy_values(struct cede__posix_thread *self);

/* A mask is counted, or not any more. */
void cede__posix_mask_begin(struct cede__posix_thread *main);
void cede__posix_mask_add(const struct cede__posix_thread *thread);
void cede__posix_mask_remove(const struct cede__posix_thread *thread);
void cede__posix_mask_forked(const struct cede__posix_thread *survivor);

#elif defined CEDE__POSIX_LOCKS /* a static program, which has none */

#include <errno.h>

static inline bool cede__posix_thread_is(pthread_t id)
{
    (void)id;
    return false;
}

static inline int cede__posix_thread_join(pthread_t id, void **result, clockid_t clock, const struct timespec *until)
{
    (void)id, (void)result, (void)clock, (void)until;
    return ESRCH;
}

static inline int cede__posix_thread_tryjoin(pthread_t id, void **result)
{
    (void)id, (void)result;
    return ESRCH;
}

#endif

#endif
