/* SPDX-License-Identifier: MIT */
/*
 * Futures: a result that somebody will bring, once, for any number of those who wait for it.
 *
 *     static struct cede_future page;
 *
 *     void on_reply(char *text) { cede_future_set(&page, (intptr_t)text); }     (any thread)
 *     ...
 *     intptr_t text;
 *     if (cede_future_wait(&page, &text) == 0)
 *         puts((char *)text);
 *
 * A future is pending until its outcome is brought: a value (a number, or a pointer as intptr_t), an error (an errno),
 * or its cancellation, which is the error ECANCELED. The first who brings one decides; then it never changes.
 *
 * Tasks of any runtime and plain OS threads may use a future at the same time: a task that has to wait parks, a plain
 * thread blocks. Nothing here may be called in a signal handler.
 *
 * A future is pending when it is all zero (static storage, = {0}), which also makes it ready for another round once
 * nobody uses it. It holds no resources: there is nothing to destroy. Its memory must stay, and must not be moved or
 * zeroed, while somebody waits for it or is in a call on it; a call that brings the outcome has touched it for the last
 * time before any wait for it can return. In a child of fork(2) only futures that no other thread used are of use.
 */
#ifndef CEDE_FUTURE_H
#define CEDE_FUTURE_H

#include <stdint.h>

#include <cede/base.h>

CEDE_BEGIN_DECLS

/* Its members are private. */
struct cede_future {
    void *cede__private[7];
};

/*
 * Bring the outcome: a value; an error; ECANCELED. First the callbacks are called, here and now, in the order in which
 * they were added, then all who wait are woken: each gets the outcome. Cancelling a future does not reach who works on
 * its result: whoever does finds out by cede_future_cancelled(), by EALREADY when it brings its own, or by a callback.
 *
 * Return 0, or -1 with errno
 *   EALREADY  it has an outcome already, and keeps that
 *   EINVAL    cede_future_fail(): error is not positive
 * Do not park. Threads: any. Model: asyncio's set_result, set_exception, cancel.
 */
CEDE_API int cede_future_set(struct cede_future *future, intptr_t value);
CEDE_API int cede_future_fail(struct cede_future *future, int error);
CEDE_API int cede_future_cancel(struct cede_future *future);

/*
 * Waits for the outcome. A value goes to *value (unless value is NULL). If there is an outcome already, the call does
 * not wait, and so tells it even if the task is cancelled or its deadline has passed.
 *
 * Returns 0, or -1 with the errno of the outcome, or that of the wait, which leaves the future as it is:
 *   ECANCELED  the future was cancelled, and cede_future_cancelled() tells so; or else the calling task was
 *   ETIMEDOUT  a cede_timeout scope around the call ended
 *   EDEADLK    nothing can ever end the wait: all tasks of the runtime wait for each other, and the program never had a
 *              second thread; it is also reported on standard error
 * If both come at once, the outcome and a cancellation of the task, the outcome counts. In a plain OS thread only the
 * outcome ends the wait.
 * Parks. Models: await on a Future; but cancelling who waits does not cancel the future.
 */
CEDE_API int cede_future_wait(struct cede_future *future, intptr_t *value);

/*
 * The same, without waiting. Returns 0, or -1 with the errno of the outcome, or with errno EAGAIN: the future is
 * pending. Does not park. Threads: any. Model: asyncio's result, exception.
 */
CEDE_API int cede_future_trywait(struct cede_future *future, intptr_t *value);

/* Whether it has an outcome; whether that is ECANCELED: 1 or 0. Neither parks. */
CEDE_API int cede_future_done(const struct cede_future *future);
CEDE_API int cede_future_cancelled(const struct cede_future *future);

/*
 * What is to be called when the outcome comes. The user sets fn and arg; the rest must be zero. error is 0 if there is
 * a value, else the errno of the outcome (ECANCELED: the future was cancelled) and value is 0. The future may be gone
 * when fn runs, or go while it runs, unless fn's user sees to it.
 */
struct cede_future_callback {
    void (*fn)(void *arg, intptr_t value, int error);
    void *arg;
    void *cede__private[2];
};

/*
 * Lets a callback be called once, with the outcome. That happens in the thread, and on the stack, of whoever brings the
 * outcome, before anybody is woken; in this very call if it has been brought. So fn must be short, must not wait (no
 * call that may park), and needs locks for what other threads use; it may bring the outcome of other futures, cancel
 * and wake tasks. *callback must stay until it has been called or removed; fn may free it, or add it to another future.
 *
 * cede_future_callback_remove() takes it back.
 *
 * Return 0, or -1 with errno
 *   EBUSY   cede_future_callback_add(): it was added to a future already, and is still to be called
 *   ENOENT  cede_future_callback_remove(): it has been called, or is about to be, or was never added
 * Do not park. Threads: any. Model: asyncio's add_done_callback, but at once instead of by the event loop.
 */
CEDE_API int cede_future_callback_add(struct cede_future *future, struct cede_future_callback *callback);
CEDE_API int cede_future_callback_remove(struct cede_future *future, struct cede_future_callback *callback);

CEDE_END_DECLS

#endif
