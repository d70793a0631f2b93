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
 * In thread.c: from pthread_create to the end. thread_table.c: all of them. thread_attr.c: what can be asked about one.
 * cancel.c: cancellation, clean-up and the unwinding. key.c: thread-specific values. mask.h, pending.h, suspend.h:
 * signals. exception.c: C++ exceptions.
 */
#ifndef CEDE_POSIX_THREAD_H
#define CEDE_POSIX_THREAD_H

#include "lock.h"

#ifdef CEDE__POSIX_THREADS

#include <unwind.h>

#include <cede/scope.h>

enum { CEDE__POSIX_NAME_BYTES = 16 /* as the kernel has it */ };

struct cede__posix_value; /* see key.c */

/* In a table that never shrinks (thread_table.c), so an old ID finds no thread, and a name that reports show stays.
 * Guarded by the table's gate where it says so; all else is the thread's own. */
struct cede__posix_thread {
    _Atomic pthread_t id;
    struct cede_task *task;
    void *(*start)(void *arg);     /* or NULL, and ... */
    int (*start_c11)(void *arg);
    void *arg;
    void *result;
    atomic_bool ended;        /* the result is there */
    bool started;
    bool detached, joined;    /* gate; joined: somebody waits for its end, or has */
    struct cede__posix_thread *joins; /* gate; whom it waits for; NULL: nobody */
    atomic_uint holders;      /* gate; the task, and the program until it has joined or detached it */
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
    /* mask.c; all masks are as the kernel's: 1 << (signo - 1) */
    _Atomic uint64_t mask;    /* guard of mask.h, written by its own task */
    /* pending.c, suspend.c */
    _Atomic uint64_t pending; /* guard of mask.h; what was sent to it alone while it blocked it */
    _Atomic uint64_t awaited; /* what it is in sigtimedwait(2) for */
    atomic_bool awaiting;     /* a handler is to end the call it is in, even if it has yet to park there */
    atomic_uint handled;      /* handlers that were its own, so far; goes round */
    atomic_uchar reached;     /* what has become of a signal that somebody sends */
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

/* The gate alone. */
void cede__posix_thread_enter_any(void);

/* The same without a gate, for signal handlers and those that send signals: what is atomic may be looked at. */
struct cede__posix_thread *cede__posix_thread_find(pthread_t id);

/* All of them by turn, main first; NULL: there are no more. */
struct cede__posix_thread *cede__posix_thread_at(unsigned index);

/* Whether it is one, and has not ended. */
bool cede__posix_thread_is_alive(const struct cede__posix_thread *thread);

/* ---- the table, for thread.c ---- */

extern struct cede__posix_thread cede__posix_thread_main; /* in no chunk: it has an ID of libc's */

/* All zero but for its ID, and held by two; NULL: no memory. */
struct cede__posix_thread *cede__posix_thread_make(void);

/* With the gate entered: one holder less. */
void cede__posix_thread_drop(struct cede__posix_thread *thread);

/* With the gate entered: it has ended, or never began. Returns whether it was the last. */
bool cede__posix_thread_gone(void);

/* With the gate entered, in a child of fork(2): all others are gone. The survivor may be NULL. */
void cede__posix_thread_forked(const struct cede__posix_thread *survivor);

/* From now on pthread_create() makes tasks; the caller is main's task. base: as in the structure. */
void cede__posix_threads_start(uintptr_t base, uintptr_t stack_top, size_t stack_size);

/* Libc's ID of the OS thread that runs them, which is main's. */
pthread_t cede__posix_main_id(void);

/* pthread_getattr_np(). */
int cede__posix_thread_getattr(pthread_t id, pthread_attr_t *attr);

int cede__posix_prctl(int option, ...);

/* pthread_clockjoin_np(); until may be NULL. */
int cede__posix_thread_join(pthread_t id, void **result, clockid_t clock, const struct timespec *until);

/* pthread_tryjoin_np(). */
int cede__posix_thread_tryjoin(pthread_t id, void **result);

/* Whether pthread_cancel(3) was called and the caller is to act on it. */
bool cede__posix_cancel_pending(void);

/* pthread_exit(): unwinds, then ends the thread. */
__attribute__((noreturn)) void cede__posix_thread_exit(struct cede__posix_thread *self, void *result);

/* futex(2), where it waits or wakes; else *ours is false. plain: libc's syscall(). */
typedef long cede__posix_syscall_fn(long number, ...);
long cede__posix_futex(cede__posix_syscall_fn *plain, const long *argument, bool *ours);

/* In a child of fork(2): nobody else waits. */
void cede__posix_futex_forked(void);

/* ---- what a thread's beginning and end consist of ---- */

/* Its last: no frame of the program is left. Of main it does not return. */
void cede__posix_thread_finish(struct cede__posix_thread *self);

/* From here on nothing cancels it, nor does a cancellation that came end its waits. */
void cede__posix_thread_uncancel(struct cede__posix_thread *self);

/* Calls the destructors of its values. */
void cede__posix_thread_destroy_values(struct cede__posix_thread *self);

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
