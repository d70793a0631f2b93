/* SPDX-License-Identifier: MIT */
/*
 * Channels: elements of one size that tasks hand to one another, in the order in which they were sent.
 *
 *     struct cede_chan *jobs = cede_chan_open(sizeof(struct job), 16);
 *     ...
 *     struct job job;
 *     while (cede_chan_recv(jobs, &job) > 0)     (until the channel is closed, as read(2) until the end of the file)
 *         work(&job);
 *
 * A channel of capacity 0 is unbuffered: a send lasts until a receiver has taken the element. Otherwise up to
 * `capacity` elements lie in the channel, and a send lasts until there is a place. Elements are copied. Senders, and
 * receivers, that wait are served in the order in which they came.
 *
 * An element is never lost: whoever received one keeps it, and whoever sent one has succeeded, even if the task is
 * cancelled or its deadline passes before it runs again. A wait that fails has sent or received nothing.
 *
 * Threads: a channel connects the tasks of one runtime, and therefore of one OS thread. It contains no locks and no
 * atomic operations; another thread must not use it at the same time. (To reach a runtime from another thread:
 * cede_wake().) Outside a task a channel may be made, filled, emptied and freed while no runtime uses it.
 *
 * Models: Go's channels and select.
 */
#ifndef CEDE_CHAN_H
#define CEDE_CHAN_H

#include <stddef.h>
#include <stdint.h>

#include <cede/base.h>

CEDE_BEGIN_DECLS

struct cede_chan;

/*
 * Makes a channel for elements of element_size bytes (0: signals without a content) with room for `capacity` of them.
 * All its memory is allocated now.
 *
 * Returns the channel, or NULL with errno ENOMEM. Does not park. Models: make(chan T, capacity).
 */
CEDE_API struct cede_chan *cede_chan_open(size_t element_size, size_t capacity);

/*
 * Frees the channel, with the elements that are in it. It need not be closed.
 *
 * Returns 0 (also for NULL, as free(3)), or -1 with errno EBUSY: tasks wait for the channel. Does not park.
 */
CEDE_API int cede_chan_free(struct cede_chan *chan);

/*
 * Sends a copy of the element; parks until it has been received or, with a capacity, until there is room for it.
 *
 * Returns 0, or -1 with errno, and nothing was sent
 *   EPIPE      the channel is closed, or was closed while the element waited
 *   EINVAL     chan is NULL; element is NULL though elements have a size
 *   EPERM      it would have to wait, and the caller is not a task; or tasks of another runtime wait for the channel
 *   ECANCELED  the task was cancelled, and would have to wait
 *   ETIMEDOUT  a cede_timeout scope around the call ended
 *   EDEADLK    nothing could ever end the wait
 * Where it need not wait it may still let other tasks run first, so that busy tasks cannot starve the rest.
 * Models: chan <- element.
 */
CEDE_API int cede_chan_send(struct cede_chan *chan, const void *element);

/*
 * Receives the oldest element into *element (NULL: it is dropped); parks until there is one.
 *
 * Returns 1; 0 if the channel is closed and everything that was sent has been received; or -1 with errno, and nothing
 * was received
 *   EINVAL                                  chan is NULL
 *   EPERM, ECANCELED, ETIMEDOUT, EDEADLK    as cede_chan_send()
 * What it returns for an element, a close and an error is what read(2) does. Where it need not wait it may still let
 * other tasks run, as cede_chan_send(). Models: element, ok := <-chan.
 */
CEDE_API int cede_chan_recv(struct cede_chan *chan, void *element);

/*
 * The same, at once or not at all: they neither park nor let other tasks run; a loop of them must call cede_yield().
 *
 * Return as cede_chan_send() and cede_chan_recv(); -1 with errno
 *   EAGAIN  no receiver waits and there is no room; no sender waits and there is no element
 *   EPIPE   cede_chan_try_send(): the channel is closed
 *   EINVAL  as cede_chan_send()
 *   EPERM   tasks of another runtime wait for the channel
 * Models: select with a default.
 */
CEDE_API int cede_chan_try_send(struct cede_chan *chan, const void *element);
CEDE_API int cede_chan_try_recv(struct cede_chan *chan, void *element);

/*
 * Nothing can be sent any more: receivers get what is in the channel, and then 0. Those that wait now get it at once,
 * senders that wait fail with EPIPE.
 *
 * Returns 0, or -1 with errno
 *   EPIPE   it is closed already
 *   EINVAL  chan is NULL
 *   EPERM   tasks of another runtime wait for the channel
 * Does not park. Models: close.
 */
CEDE_API int cede_chan_close(struct cede_chan *chan);

/* How many elements lie in the channel; how many can; whether it was closed (1 or 0). For NULL: 0. Do not park. Models:
 * len, cap. */
CEDE_API size_t cede_chan_length(const struct cede_chan *chan);
CEDE_API size_t cede_chan_capacity(const struct cede_chan *chan);
CEDE_API int cede_chan_closed(const struct cede_chan *chan);

/* ---- select ---- */

enum cede_chan_op { CEDE_CHAN_SEND, CEDE_CHAN_RECV };

/* One of the things that a select waits for. Only cede_chan_select() writes `result`. */
struct cede_chan_case {
    struct cede_chan *chan;  /* NULL: never ready */
    const void *from;        /* SEND: the element */
    void *into;              /* RECV: where the element goes; NULL: it is dropped */
    enum cede_chan_op op;
    int result;              /* of the case that was chosen: what cede_chan_send() or cede_chan_recv() returns */
};

/* A case to send, or to receive: (channel, pointer to the element). For an array or an assignment, in C; in C++ set the
 * members. */
#define cede_case_send(chan, ...) ((struct cede_chan_case){(chan), (__VA_ARGS__), NULL, CEDE_CHAN_SEND, 0})
#define cede_case_recv(chan, ...) ((struct cede_chan_case){(chan), NULL, (__VA_ARGS__), CEDE_CHAN_RECV, 0})

/*
 * Does exactly one of the cases: one that can be done at once, any of them with the same probability; else parks until
 * one can be, at most for timeout_ns (CEDE_FOREVER: without end; 0: does not wait).
 *
 *     struct cede_chan_case cases[] = {cede_case_recv(jobs, &job), cede_case_send(log, &line)};
 *     switch (cede_chan_select(cases, 2, CEDE_SECOND)) {
 *     case 0: if (cases[0].result > 0) ...           (0: `jobs` is closed)
 *     case 1: ...
 *     default: perror("select");
 *     }
 *
 * A closed channel is ready: to receive with cases[i].result 0, to send with cases[i].result -1 and EPIPE in errno.
 *
 * Returns the index of the case, or -1 with errno, and none was done
 *   EAGAIN     timeout_ns is 0, and no case is ready
 *   ETIMEDOUT  timeout_ns have passed, or a cede_timeout scope around the call ended
 *   EINVAL     timeout_ns is negative; cases is NULL though count is not 0, or count is above INT_MAX; a case has no
 *              element to send, or another `op`
 *   ENOMEM     there are more than 16 cases, it has to wait, and there is no memory
 *   EPERM, ECANCELED, EDEADLK  as cede_chan_send()
 * With no case that can ever be ready it sleeps. The choice is pseudo-random (outside a task: the first case), and
 * the same whenever the program does the same. With timeout_ns 0 it does not let other tasks run.
 *
 * Models: Go's select; timeout_ns stands for its time.After and default cases.
 */
CEDE_API int cede_chan_select(struct cede_chan_case *cases, size_t count, int64_t timeout_ns);

/* ---- channels of a type ---- */

/*
 * cede_chan_of(type) is the type of a channel whose elements have that type: what takes or gives an element of another
 * does not compile. Each use of it is a type of its own: a typedef makes it one to be passed on. It is the size of a
 * pointer, and is copied like one. The member `chan` is the channel, for every call above that takes no element.
 *
 *     typedef cede_chan_of(struct job) job_chan;
 *
 *     static int worker(job_chan *jobs)
 *     {
 *         cede_chan_each (job, *jobs)
 *             work(&job);
 *         return cede_check();
 *     }
 *
 *     job_chan jobs;
 *     if (cede_chan_make(jobs, 16) != 0) ...
 *     cede_chan_put(jobs, &(struct job){.number = 7});
 *     cede_chan_close(jobs.chan);
 *
 * For C, as is all below.
 */
#define cede_chan_of(type)                                                      \
    union {                                                                     \
        struct cede_chan *chan;                                                 \
        __typeof__(type) *cede__element; /* never set; only its type matters */ \
    }

/* cede_chan_open() with the type's size. 0, or -1 with errno ENOMEM. */
#define cede_chan_make(channel, capacity) \
    (((channel).chan = cede_chan_open(sizeof *(channel).cede__element, (capacity))) ? 0 : -1)

/*
 * cede_chan_send(), cede_chan_recv() and so on, (channel, pointer), whose pointers must be to elements of the channel's
 * type. (The pointer may contain commas: compound literals do.)
 */
#define cede_chan_put(channel, ...)     cede_chan_send((channel).chan, CEDE__CHAN_FROM(channel, (__VA_ARGS__)))
#define cede_chan_get(channel, ...)     cede_chan_recv((channel).chan, CEDE__CHAN_INTO(channel, (__VA_ARGS__)))
#define cede_chan_try_put(channel, ...) cede_chan_try_send((channel).chan, CEDE__CHAN_FROM(channel, (__VA_ARGS__)))
#define cede_chan_try_get(channel, ...) cede_chan_try_recv((channel).chan, CEDE__CHAN_INTO(channel, (__VA_ARGS__)))
#define cede_case_put(channel, ...)     cede_case_send((channel).chan, CEDE__CHAN_FROM(channel, (__VA_ARGS__)))
#define cede_case_get(channel, ...)     cede_case_recv((channel).chan, CEDE__CHAN_INTO(channel, (__VA_ARGS__)))

/*
 * cede_chan_each (variable, channel) statement: receives into a new variable of the channel's type, and runs the
 * statement, until the channel is closed or a wait fails; cede_check() tells the two apart if the task was cancelled or
 * its time is up. break and continue work as in every loop.
 */
#define cede_chan_each(variable, channel) \
    for (__typeof__(*(channel).cede__element) variable; cede_chan_recv((channel).chan, &variable) > 0;)

/* The pointer itself, if it has the right type. */
#define CEDE__CHAN_INTO(channel, pointer) _Generic(pointer, __typeof__(*(channel).cede__element) *: pointer)
#define CEDE__CHAN_FROM(channel, pointer)                              \
    _Generic(pointer, __typeof__(*(channel).cede__element) *: pointer, \
             const __typeof__(*(channel).cede__element) *: pointer)

CEDE_END_DECLS

#endif
