/* SPDX-License-Identifier: MIT */
/*
 * Queues: work that tasks leave for one another, in one of three orders; and a way to wait until all of it is done.
 *
 *     static int worker(void *queue)
 *     {
 *         struct job job;
 *
 *         while (cede_queue_get(queue, &job) > 0) {      (until the queue is shut down)
 *             work(&job);
 *             cede_queue_task_done(queue);
 *         }
 *         return cede_check();
 *     }
 *     ...
 *     cede_queue_put(queue, &(struct job){.number = 7});
 *     cede_queue_join(queue);                            (everything that was put has been worked off)
 *     cede_queue_shutdown(queue, 0);                     (the workers end)
 *
 * Elements have one size, and are copied. Tasks that wait to put, and to get, are served in the order in which they
 * came. Whoever got an element keeps it, and whoever put one has succeeded, even if the task is cancelled or its
 * deadline passes before it runs again; a wait that fails has put or got nothing.
 *
 * Threads: as with a channel, those who use a queue are tasks of one runtime: no other OS thread may use it at the same
 * time.
 *
 * Models: asyncio.Queue, LifoQueue, PriorityQueue. (To wait for several sources at once, use channels: cede/chan.h.)
 */
#ifndef CEDE_QUEUE_H
#define CEDE_QUEUE_H

#include <stddef.h>

#include <cede/base.h>

CEDE_BEGIN_DECLS

struct cede_queue;

/* < 0, 0 or > 0 as a comes before, is as good as, or comes after b; as for qsort(3). Must not wait. */
typedef int cede_queue_compare_fn(const void *a, const void *b);

/*
 * Makes a queue for at most `limit` elements (0: as many as memory holds) of element_size bytes, from which one gets
 *   cede_queue_open()           the oldest
 *   cede_queue_open_lifo()      the newest
 *   cede_queue_open_priority()  the one that `compare` puts first; of several such, any
 * It begins with little memory, and grows.
 *
 * Returns the queue, or NULL with errno
 *   EINVAL  cede_queue_open_priority(): compare is NULL
 *   ENOMEM  no memory
 * Does not park.
 */
CEDE_API struct cede_queue *cede_queue_open(size_t element_size, size_t limit);
CEDE_API struct cede_queue *cede_queue_open_lifo(size_t element_size, size_t limit);
CEDE_API struct cede_queue *cede_queue_open_priority(size_t element_size, size_t limit,
                                                     cede_queue_compare_fn *compare);

/*
 * Frees the queue, with the elements that are in it.
 *
 * Returns 0 (also for NULL, as free(3)), or -1 with errno EBUSY: tasks wait to put, to get or to join. Does not park.
 */
CEDE_API int cede_queue_free(struct cede_queue *queue);

/*
 * Puts a copy of the element into the queue; parks while it is full.
 *
 * Returns 0, or -1 with errno, and nothing was put
 *   EPIPE      the queue is shut down, or was while the element waited
 *   EINVAL     queue is NULL; element is NULL though elements have a size
 *   ENOMEM     no memory for the queue to grow
 *   EPERM      it would have to wait, and the caller is not a task; or tasks of another runtime wait for the queue
 *   ECANCELED  the task was cancelled, and would have to wait
 *   ETIMEDOUT  a cede_timeout scope around the call ended
 *   EDEADLK    nothing could ever end the wait
 * Where it need not wait it may still let other tasks run first, so that busy tasks cannot starve the rest.
 */
CEDE_API int cede_queue_put(struct cede_queue *queue, const void *element);

/*
 * Gets the next element into *element (NULL: it is dropped); parks until there is one.
 *
 * Returns 1; 0 if the queue is shut down and empty; or -1 with errno, and nothing was got
 *   EINVAL                                  queue is NULL
 *   EPERM, ECANCELED, ETIMEDOUT, EDEADLK    as cede_queue_put()
 * Where it need not wait it may still let other tasks run, as cede_queue_put().
 */
CEDE_API int cede_queue_get(struct cede_queue *queue, void *element);

/*
 * The same, at once or not at all: they neither park nor let other tasks run.
 *
 * Return as cede_queue_put() and cede_queue_get(); -1 with errno
 *   EAGAIN  the queue is full; it is empty
 *   EPIPE   cede_queue_try_put(): the queue is shut down
 *   EINVAL  as cede_queue_put()
 *   ENOMEM  cede_queue_try_put(): no memory for the queue to grow
 *   EPERM   tasks of another runtime wait for the queue
 * Models: put_nowait, get_nowait.
 */
CEDE_API int cede_queue_try_put(struct cede_queue *queue, const void *element);
CEDE_API int cede_queue_try_get(struct cede_queue *queue, void *element);

/*
 * Says that what was once put, and then got, is done. When as many were done as were put, cede_queue_join() returns.
 *
 * Returns 0, or -1 with errno
 *   EINVAL  queue is NULL; everything that was put is done already
 *   EPERM   tasks of another runtime wait for the queue
 * Does not park.
 */
CEDE_API int cede_queue_task_done(struct cede_queue *queue);

/*
 * Parks until everything that was put is done; at once if it is.
 *
 * Returns 0, or -1 with errno
 *   EINVAL                           queue is NULL
 *   EPERM                            it would have to wait, and the caller is not a task
 *   ECANCELED, ETIMEDOUT, EDEADLK    as cede_queue_put()
 */
CEDE_API int cede_queue_join(struct cede_queue *queue);

/*
 * Nothing can be put any more: who waits to put fails with EPIPE, who gets receives what is left, and then 0. With
 * `immediate` nonzero nothing is left: the elements are dropped, and count as done. May be called again, to do that
 * later.
 *
 * Returns 0, or -1 with errno
 *   EINVAL  queue is NULL
 *   EPERM   tasks of another runtime wait for the queue
 * Does not park. Models: Queue.shutdown.
 */
CEDE_API int cede_queue_shutdown(struct cede_queue *queue, int immediate);

/* How many elements are in the queue; for NULL: 0. Does not park. Models: qsize. */
CEDE_API size_t cede_queue_length(const struct cede_queue *queue);

CEDE_END_DECLS

#endif
