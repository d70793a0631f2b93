/* SPDX-License-Identifier: MIT */
/* Threads that are tasks, from pthread_create and thrd_create to their end; see thread.h. */
#include "thread.h"

#ifdef CEDE__POSIX_THREADS

#include <cede/defer.h>
#include <cede/local.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>
#include <unistd.h>

#include "mask.h"
#include "pending.h"

static void let_go(void *thread);

/* Of the task's life, and of those of the tasks that it makes. */
static const struct cede_local current = CEDE_LOCAL_INIT(let_go);

struct cede__posix_thread *cede__posix_thread_self(void)
{
    return cede_lot_able() ? cede_local_get(&current) : NULL;
}

/* ---- the end ---- */

/* No code of it runs any more: whoever waits for it may go on. The last one takes the process with it. */
static void end(struct cede__posix_thread *thread)
{
    bool last;

    cede__posix_mask_remove(thread);
    cede__posix_thread_enter_any();
    atomic_store(&thread->ended, true); /* from here on it is sent no signals */
    cede__posix_pending_drop(thread);
    if (thread->detached)
        cede__posix_thread_drop(thread);
    last = cede__posix_thread_gone();
    cede__posix_thread_leave();
    cede__posix_wake(&thread->ended, UINT32_MAX);
    if (last)
        exit(0);
}

/* The task is no more. It may never have run, if there was no memory for its stack. */
static void let_go(void *arg)
{
    struct cede__posix_thread *thread = arg;

    free(thread->values);
    thread->values = NULL;
    thread->value_count = 0;
    if (!thread->started && thread->task) {
        thread->result = PTHREAD_CANCELED;
        end(thread);
    }
    cede__posix_thread_enter_any();
    cede__posix_thread_drop(thread);
    cede__posix_thread_leave();
}

/* Main has ended, and others have not: the last of them calls exit(3). */
static __attribute__((noreturn)) void wait_for_others(void)
{
    struct cede_lot_waiter waiter;

    for (;;) {
        cede_lot_enter(&waiter, &cede__posix_thread_main, "pthread_exit", 0);
        cede_lot_park(&waiter, INT64_MAX);
    }
}

void cede__posix_thread_finish(struct cede__posix_thread *self)
{
    cede__posix_thread_destroy_values(self);
    end(self);
    if (cede__posix_thread_is_main(self))
        wait_for_others();
}

/* ---- the beginning ---- */

static int thread_main(void *arg)
{
    struct cede__posix_thread *self = arg;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

    self->started = true;
    self->base = (uintptr_t)__builtin_frame_address(0);
    self->stack_top = (self->base + page - 1) / page * page;
    self->result = self->start ? self->start(self->arg) : (void *)(intptr_t)self->start_c11(self->arg);
    cede__posix_thread_uncancel(self);
    cede__posix_thread_finish(self);
    return 0;
}

/* What cede's own calls need comes on top of what a plain thread would. */
static size_t stack_size(size_t wanted)
{
    if (wanted < CEDE_STACK_DEFAULT)
        return CEDE_STACK_DEFAULT;
    return wanted < CEDE_STACK_MAX ? wanted : CEDE_STACK_MAX;
}

static void read_attr(struct cede__posix_thread *thread, const pthread_attr_t *attr)
{
    pthread_attr_t standard;
    sigset_t mask;
    size_t size = 0;
    int state;

    if (attr) {
        pthread_attr_getstacksize(attr, &size);
        thread->detached = pthread_attr_getdetachstate(attr, &state) == 0 && state == PTHREAD_CREATE_DETACHED;
        if (pthread_attr_getsigmask_np(attr, &mask) == 0)
            atomic_store(&thread->mask, cede__posix_mask_of(&mask));
    } else if (pthread_getattr_default_np(&standard) == 0) {
        pthread_attr_getstacksize(&standard, &size);
        pthread_attr_destroy(&standard);
    }
    thread->stack_size = stack_size(size);
}

/* One of the two functions is NULL. */
static int create(struct cede__posix_thread *creator, pthread_t *id, const pthread_attr_t *attr,
                  void *(*start)(void *), thrd_start_t start_c11, void *arg)
{
    struct cede__posix_thread *thread = cede__posix_thread_make();
    struct cede_task_attr how = {.detached = 1};
    struct cede_local_scope scope;
    int saved = errno;

    if (!thread)
        return EAGAIN;
    thread->start = start;
    thread->start_c11 = start_c11;
    thread->arg = arg;
    atomic_store(&thread->mask, atomic_load(&creator->mask));
    memcpy(thread->name, creator->name, sizeof thread->name);
    read_attr(thread, attr);
    how.name = thread->name;
    how.stack_size = thread->stack_size;
    cede__posix_mask_add(thread);
    if (cede_local_enter(&scope, &current, thread) == 0) { /* the child begins with it, and nobody else has it */
        *id = thread->id; /* first: the new thread may look */
        cede_shield /* deadlines of the creator are its own */
            thread->task = cede_spawn_attr(&how, thread_main, thread);
        cede_local_leave(&scope);
    } else {
        let_go(thread);
    }
    if (thread->task) {
        errno = saved;
        return 0;
    }
    cede__posix_mask_remove(thread);
    cede__posix_thread_enter_any();
    cede__posix_thread_gone();
    cede__posix_thread_drop(thread);
    cede__posix_thread_leave();
    errno = saved;
    return EAGAIN;
}

int cede__posix_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*start)(void *), void *arg);
CEDE__POSIX_EXPORT_ONLY(pthread_create, pthread_create);
int cede__posix_pthread_create(pthread_t *id, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
    struct cede__posix_thread *creator = cede__posix_threads ? cede__posix_thread_self() : NULL;

    if (!creator || cede__posix_in_cede(__builtin_return_address(0)))
        return CEDE__POSIX_PLAIN(pthread_create)(id, attr, start, arg);
    return create(creator, id, attr, start, NULL, arg);
}

int cede__posix_thrd_create(thrd_t *id, thrd_start_t start, void *arg);
CEDE__POSIX_EXPORT_ONLY(thrd_create, thrd_create);
int cede__posix_thrd_create(thrd_t *id, thrd_start_t start, void *arg)
{
    struct cede__posix_thread *creator = cede__posix_threads ? cede__posix_thread_self() : NULL;

    if (!creator)
        return CEDE__POSIX_PLAIN(thrd_create)(id, start, arg);
    return create(creator, id, NULL, NULL, start, arg) == 0 ? thrd_success : thrd_nomem;
}

/* ---- who it is ---- */

/* libc declares it a function without effects, which a call through a pointer is not. */
pthread_t cede__posix_pthread_self(void);
CEDE__POSIX_EXPORT_ONLY(pthread_self, pthread_self);
CEDE__POSIX_EXPORT_ONLY(thrd_current, pthread_self);
pthread_t cede__posix_pthread_self(void)
{
    struct cede__posix_thread *self = cede__posix_threads ? cede__posix_thread_self() : NULL;

    return self ? self->id : CEDE__POSIX_PLAIN(pthread_self)();
}

pthread_t cede__posix_thread_of_libc(void)
{
    __typeof__(&cede__posix_pthread_self) plain = CEDE__POSIX_PLAIN(pthread_self);

    /* There is none behind us if libcede-posix is linked last: then the name is libc's. */
    return plain ? plain() : pthread_self();
}

/* ---- waiting for its end, or not ---- */

static int is_over(void *arg)
{
    return atomic_load((atomic_bool *)arg) ? 0 : EBUSY;
}

static int wait_for_end(struct cede__posix_thread *thread, clockid_t clock, const struct timespec *until, bool ends)
{
    struct cede__posix_lock_wait wait = {.what = "pthread_join",
                                         .address = &thread->ended,
                                         .try = is_over,
                                         .object = &thread->ended,
                                         .until = until,
                                         .clock = clock,
                                         .ends = ends};
    int error = is_over(&thread->ended);

    return error == EBUSY ? cede__posix_lock_wait(&wait) : error;
}

/* Marks who waits for whom. 0, or an error number. */
static int begin_join(struct cede__posix_thread *self, struct cede__posix_thread *thread)
{
    if (thread == self || (self && thread->joins == self))
        return EDEADLK;
    if (thread->detached || thread->joined)
        return EINVAL;
    thread->joined = true;
    if (self)
        self->joins = thread;
    return 0;
}

static void end_join(struct cede__posix_thread *self, struct cede__posix_thread *thread, void **result, int error)
{
    if (self)
        self->joins = NULL;
    if (error) {
        thread->joined = false;
        return;
    }
    if (result)
        *result = thread->result;
    cede__posix_thread_drop(thread);
}

int cede__posix_thread_join(pthread_t id, void **result, clockid_t clock, const struct timespec *until)
{
    struct cede__posix_thread *self = cede__posix_thread_self(), *thread;
    int error;

    cede__posix_test_cancel();
    thread = cede__posix_thread_enter(id);
    if (!thread)
        return ESRCH;
    error = begin_join(self, thread);
    cede__posix_thread_leave();
    if (error)
        return error;
    error = wait_for_end(thread, clock, until, true);
    if (!until && (error == ECANCELED || error == ETIMEDOUT) && !cede__posix_cancel_pending())
        error = wait_for_end(thread, clock, until, false); /* cancelled, but not as a thread: nobody expects an error */
    cede__posix_thread_enter_any();
    end_join(self, thread, result, error);
    cede__posix_thread_leave();
    if (error)
        cede__posix_test_cancel();
    return error == ECANCELED ? ETIMEDOUT : error;
}

int cede__posix_thread_tryjoin(pthread_t id, void **result)
{
    struct cede__posix_thread *self = cede__posix_thread_self(), *thread = cede__posix_thread_enter(id);
    int error;

    if (!thread)
        return ESRCH;
    error = begin_join(self, thread);
    if (!error) {
        error = is_over(&thread->ended);
        end_join(self, thread, result, error);
    }
    cede__posix_thread_leave();
    if (error == EBUSY)
        cede_yield(); /* who asks again and again must not keep it from running */
    return error;
}

int cede__posix_pthread_detach(pthread_t id);
CEDE__POSIX_EXPORT_ONLY(pthread_detach, pthread_detach);
int cede__posix_pthread_detach(pthread_t id)
{
    struct cede__posix_thread *thread;
    int error = 0;

    if (!cede__posix_thread_is(id))
        return CEDE__POSIX_PLAIN(pthread_detach)(id);
    thread = cede__posix_thread_enter(id);
    if (!thread)
        return ESRCH;
    if (thread->detached || thread->joined) {
        error = EINVAL;
    } else {
        thread->detached = true;
        if (atomic_load(&thread->ended))
            cede__posix_thread_drop(thread);
    }
    cede__posix_thread_leave();
    return error;
}

int cede__posix_thrd_detach(thrd_t id);
CEDE__POSIX_EXPORT_ONLY(thrd_detach, thrd_detach);
int cede__posix_thrd_detach(thrd_t id)
{
    return cede__posix_pthread_detach(id) == 0 ? thrd_success : thrd_error;
}

/* ---- fork ---- */

/* The calling thread is the only one. */
static void after_fork_in_child(void)
{
    struct cede__posix_thread *self = cede__posix_thread_self();

    cede__posix_thread_forked(self);
    cede__posix_thread_leave();
    cede__posix_futex_forked();
    cede__posix_pending_forked(self);
    cede__posix_mask_forked(self);
}

/* ---- main ---- */

void cede__posix_threads_start(uintptr_t base, uintptr_t stack_top, size_t stack_size)
{
    struct cede__posix_thread *self = &cede__posix_thread_main;

    self->id = CEDE__POSIX_PLAIN(pthread_self)();
    self->task = cede_self();
    self->started = true;
    self->base = base;
    self->stack_top = stack_top;
    self->stack_size = stack_size;
    pthread_getname_np(self->id, self->name, sizeof self->name);
    cede__posix_mask_begin(self);
    if (cede_local_set(&current, self) != 0
        || pthread_atfork(cede__posix_thread_enter_any, cede__posix_thread_leave, after_fork_in_child) != 0)
        return; /* no memory: threads stay threads */
    cede__posix_threads = true;
}

#endif
