/* SPDX-License-Identifier: MIT */
/*
 * Cancellation, clean-up handlers and pthread_exit of threads that are tasks; see thread.h.
 *
 * pthread_cancel() cancels the task, so that the wait it is in fails; the call that waited then ends the thread. (A
 * task stays cancelled. So while the thread may not be cancelled, and once it is ending, a shield keeps its waits.)
 *
 * The end is as libc's: _Unwind_ForcedUnwind() goes through the frames from the innermost on. It runs what the
 * compilers made of clean-ups (destructors in C++, __attribute__((cleanup)) in C with -fexceptions, both of which
 * pthread_cleanup_push() uses there); to a frame that has a handler of the other sort, by setjmp, it jumps, and goes on
 * when that calls __pthread_unwind_next().
 */
#include "thread.h"

#ifdef CEDE__POSIX_THREADS

#include <cede/defer.h>
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

/* ---- whether, and when ---- */

static bool is_pending(const struct cede__posix_thread *self)
{
    return self->cancelled && !self->uncancellable && !self->exiting;
}

bool cede__posix_cancel_pending(void)
{
    struct cede__posix_thread *self = cede__posix_thread_own();

    return self && is_pending(self);
}

void cede__posix_test_cancel(void)
{
    struct cede__posix_thread *self = cede__posix_thread_own();

    if (self && is_pending(self))
        cede__posix_thread_exit(self, PTHREAD_CANCELED);
}

/* Under the gate: the cancellation reaches the task. */
static void interrupt(struct cede__posix_thread *thread)
{
    thread->interrupted = true;
    cede_cancel(thread->task);
}

static void shield(struct cede__posix_thread *self)
{
    if (!self->interrupted || self->shielded)
        return;
    self->shielded = true;
    cede_scope_shield(&self->shield);
}

static void unshield(struct cede__posix_thread *self)
{
    if (!self->shielded)
        return;
    self->shielded = false;
    cede_scope_leave(&self->shield);
}

void cede__posix_thread_uncancel(struct cede__posix_thread *self)
{
    cede__posix_thread_enter(self->id);
    self->exiting = true;
    cede__posix_thread_leave();
    shield(self);
}

int cede__posix_pthread_cancel(pthread_t id);
CEDE__POSIX_EXPORT_ONLY(pthread_cancel, pthread_cancel);
int cede__posix_pthread_cancel(pthread_t id)
{
    struct cede__posix_thread *thread;
    bool at_once;

    if (!cede__posix_thread_is(id))
        return CEDE__POSIX_PLAIN(pthread_cancel)(id);
    thread = cede__posix_thread_enter(id);
    if (!thread)
        return ESRCH;
    if (!thread->exiting) {
        thread->cancelled = true;
        if (!thread->uncancellable)
            interrupt(thread);
    }
    at_once = is_pending(thread) && thread->asynchronous && thread == cede__posix_thread_own();
    cede__posix_thread_leave();
    if (at_once)
        cede__posix_test_cancel();
    return 0;
}

int cede__posix_pthread_setcancelstate(int state, int *old);
CEDE__POSIX_EXPORT_ONLY(pthread_setcancelstate, pthread_setcancelstate);
int cede__posix_pthread_setcancelstate(int state, int *old)
{
    struct cede__posix_thread *self = cede__posix_thread_own();

    if (!self)
        return CEDE__POSIX_PLAIN(pthread_setcancelstate)(state, old);
    if (state != PTHREAD_CANCEL_ENABLE && state != PTHREAD_CANCEL_DISABLE)
        return EINVAL;
    if (old)
        *old = self->uncancellable ? PTHREAD_CANCEL_DISABLE : PTHREAD_CANCEL_ENABLE;
    cede__posix_thread_enter(self->id);
    self->uncancellable = state == PTHREAD_CANCEL_DISABLE;
    if (is_pending(self) && !self->interrupted)
        interrupt(self);
    cede__posix_thread_leave();
    if (self->uncancellable)
        shield(self);
    else if (!self->exiting)
        unshield(self);
    if (self->asynchronous)
        cede__posix_test_cancel();
    return 0;
}

int cede__posix_pthread_setcanceltype(int type, int *old);
CEDE__POSIX_EXPORT_ONLY(pthread_setcanceltype, pthread_setcanceltype);
int cede__posix_pthread_setcanceltype(int type, int *old)
{
    struct cede__posix_thread *self = cede__posix_thread_own();

    if (!self)
        return CEDE__POSIX_PLAIN(pthread_setcanceltype)(type, old);
    if (type != PTHREAD_CANCEL_DEFERRED && type != PTHREAD_CANCEL_ASYNCHRONOUS)
        return EINVAL;
    if (old)
        *old = self->asynchronous ? PTHREAD_CANCEL_ASYNCHRONOUS : PTHREAD_CANCEL_DEFERRED;
    self->asynchronous = type == PTHREAD_CANCEL_ASYNCHRONOUS;
    if (self->asynchronous)
        cede__posix_test_cancel();
    return 0;
}

void cede__posix_pthread_testcancel(void);
CEDE__POSIX_EXPORT_ONLY(pthread_testcancel, pthread_testcancel);
void cede__posix_pthread_testcancel(void)
{
    if (cede__posix_thread_own())
        cede__posix_test_cancel();
    else
        CEDE__POSIX_PLAIN(pthread_testcancel)();
}

/* ---- handlers that lie on the stack ---- */

/* Libc's use of the four words that the macro leaves it. */
enum { PREVIOUS, TYPE = 2 };

void cede__posix_register_cancel(__pthread_unwind_buf_t *buffer);
CEDE__POSIX_EXPORT_ONLY(__pthread_register_cancel, register_cancel);
void cede__posix_register_cancel(__pthread_unwind_buf_t *buffer)
{
    struct cede__posix_thread *self = cede__posix_thread_own();

    if (!self) {
        ((__typeof__(&cede__posix_register_cancel))cede__posix_plain(&cede__posix_name___pthread_register_cancel))(
            buffer);
        return;
    }
    buffer->__pad[PREVIOUS] = self->cleanups;
    self->cleanups = buffer;
}

void cede__posix_unregister_cancel(__pthread_unwind_buf_t *buffer);
CEDE__POSIX_EXPORT_ONLY(__pthread_unregister_cancel, unregister_cancel);
void cede__posix_unregister_cancel(__pthread_unwind_buf_t *buffer)
{
    struct cede__posix_thread *self = cede__posix_thread_own();

    if (self)
        self->cleanups = buffer->__pad[PREVIOUS];
    else
        ((__typeof__(&cede__posix_unregister_cancel))cede__posix_plain(
            &cede__posix_name___pthread_unregister_cancel))(buffer);
}

void cede__posix_register_cancel_defer(__pthread_unwind_buf_t *buffer);
CEDE__POSIX_EXPORT_ONLY(__pthread_register_cancel_defer, register_cancel_defer);
void cede__posix_register_cancel_defer(__pthread_unwind_buf_t *buffer)
{
    struct cede__posix_thread *self = cede__posix_thread_own();

    if (!self) {
        ((__typeof__(&cede__posix_register_cancel_defer))cede__posix_plain(
            &cede__posix_name___pthread_register_cancel_defer))(buffer);
        return;
    }
    buffer->__pad[TYPE] = (void *)(uintptr_t)self->asynchronous;
    self->asynchronous = false;
    cede__posix_register_cancel(buffer);
}

void cede__posix_unregister_cancel_restore(__pthread_unwind_buf_t *buffer);
CEDE__POSIX_EXPORT_ONLY(__pthread_unregister_cancel_restore, unregister_cancel_restore);
void cede__posix_unregister_cancel_restore(__pthread_unwind_buf_t *buffer)
{
    struct cede__posix_thread *self = cede__posix_thread_own();

    if (!self) {
        ((__typeof__(&cede__posix_unregister_cancel_restore))cede__posix_plain(
            &cede__posix_name___pthread_unregister_cancel_restore))(buffer);
        return;
    }
    cede__posix_unregister_cancel(buffer);
    cede__posix_pthread_setcanceltype(
        buffer->__pad[TYPE] ? PTHREAD_CANCEL_ASYNCHRONOUS : PTHREAD_CANCEL_DEFERRED, NULL);
}

/* ---- the way out ---- */

static __attribute__((noreturn)) void leave(struct cede__posix_thread *self)
{
    cede__posix_thread_finish(self);
    cede_exit(0);
}

/* To a handler, which is not to be called again. Its buffer is a jmp_buf without the room for a signal mask. */
static __attribute__((noreturn)) void jump(struct cede__posix_thread *self, __pthread_unwind_buf_t *buffer)
{
    jmp_buf place;

    self->cleanups = buffer->__pad[PREVIOUS];
    memset(place, 0, sizeof place);
    memcpy(place, buffer->__cancel_jmp_buf, sizeof buffer->__cancel_jmp_buf);
    longjmp(place, 1);
}

/* A frame is the one that holds an object if it is the first to end above it. */
static _Unwind_Reason_Code look_at_frame(int version, _Unwind_Action actions, _Unwind_Exception_Class class,
                                         struct _Unwind_Exception *exception, struct _Unwind_Context *context,
                                         void *arg)
{
    struct cede__posix_thread *self = arg;
    __pthread_unwind_buf_t *buffer = self->cleanups;
    uintptr_t frame_end = _Unwind_GetCFA(context);
    bool last = actions & _UA_END_OF_STACK || frame_end > self->base;

    (void)version, (void)class, (void)exception;
    if (buffer && (last || frame_end > (uintptr_t)buffer))
        jump(self, buffer);
    if (last)
        leave(self);
    return _URC_NO_REASON;
}

/* C++: caught by catch (...) and not thrown on. */
static void swallowed(_Unwind_Reason_Code reason, struct _Unwind_Exception *exception)
{
    (void)reason, (void)exception;
    fputs("FATAL: exception not rethrown\n", stderr); /* as libc */
    abort();
}

static __attribute__((noreturn)) void unwind(struct cede__posix_thread *self)
{
    self->exception = (struct _Unwind_Exception){.exception_cleanup = swallowed};
    _Unwind_ForcedUnwind(&self->exception, look_at_frame, self);
    /* There are frames that nobody can unwind; what is known is done all the same. */
    if (self->cleanups)
        jump(self, self->cleanups);
    leave(self);
}

void cede__posix_thread_exit(struct cede__posix_thread *self, void *result)
{
    self->result = result;
    cede__posix_thread_uncancel(self);
    unwind(self);
}

void cede__posix_unwind_next(__pthread_unwind_buf_t *buffer);
CEDE__POSIX_EXPORT_ONLY(__pthread_unwind_next, unwind_next);
void cede__posix_unwind_next(__pthread_unwind_buf_t *buffer)
{
    struct cede__posix_thread *self = cede__posix_thread_own();

    if (self)
        unwind(self);
    ((__typeof__(&cede__posix_unwind_next))cede__posix_plain(&cede__posix_name___pthread_unwind_next))(buffer);
}

void cede__posix_pthread_exit(void *result);
CEDE__POSIX_EXPORT_ONLY(pthread_exit, pthread_exit);
void cede__posix_pthread_exit(void *result)
{
    struct cede__posix_thread *self = cede__posix_thread_own();

    if (self)
        cede__posix_thread_exit(self, result);
    CEDE__POSIX_PLAIN(pthread_exit)(result);
    __builtin_unreachable();
}

void cede__posix_thrd_exit(int result);
CEDE__POSIX_EXPORT_ONLY(thrd_exit, thrd_exit);
void cede__posix_thrd_exit(int result)
{
    cede__posix_pthread_exit((void *)(intptr_t)result);
}

#endif
