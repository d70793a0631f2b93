/* SPDX-License-Identifier: MIT */
/*
 * Tasks: functions that run as if each had its own thread, on one OS thread.
 *
 *     static int app(void *unused)
 *     {
 *         struct cede_task *t = cede_spawn(work, "argument");
 *         int result;
 *         return cede_join(t, &result);
 *     }
 *     int main(void) { return cede_run(app, NULL); }
 *
 * A task runs until it waits: in a call of cede (or, with libcede-posix, of libc) that would block, the task parks and
 * the thread goes on with another. Between two waits nothing else runs, so plain code between them is atomic with
 * respect to the other tasks. A task that has started never changes its OS thread.
 */
#ifndef CEDE_TASK_H
#define CEDE_TASK_H

#include <stddef.h>
#include <stdint.h>

#include <cede/base.h>

CEDE_BEGIN_DECLS

/*
 * A task, by handle. The handle is not an address: it may be kept, compared and passed to any call at any time, also
 * after the task has ended and been joined; the call then fails with ESRCH. Handles are not reused.
 */
struct cede_task;

/*
 * A task's function. Returns >= 0, or a negative value with errno set when it failed; both reach cede_join(), and with
 * cede_fail() a message does as well: cede/error.h.
 */
typedef int cede_task_fn(void *arg);

/* How a task is to be made. Members that are 0 or NULL mean the default; more members may be added at the end. */
struct cede_task_attr {
    const char *name;    /* shown in dumps; must stay valid until the task is joined; default: "task" */
    size_t stack_size;   /* usable bytes, rounded up to whole pages; from CEDE_STACK_MIN to CEDE_STACK_MAX;
                            default: the runtime's (CEDE_STACK_DEFAULT) */
    int detached;        /* nonzero: nobody will join it; its handle is good for cede_cancel() only */
    int depth_first;     /* nonzero: it starts as soon as its maker waits, before all others: see cede_spawn() */
};

/* Bounds of a task's stack. The default leaves room for getaddrinfo, OpenSSL and printf; untouched pages cost
 * no memory. Each stack has a guard below it, and running into it is reported (stack overflow): one page (4 KiB) below
 * a stack of up to 64 KiB, else a quarter of its size and at most 64 KiB. Code with frames bigger than the guard must
 * be compiled with -fstack-clash-protection, or it may step over it unseen. Guards are made by madvise(2) where it can,
 * at no cost in mappings; CEDE_GUARD=protect in the environment has them made by mprotect(2), as elsewhere. */
#define CEDE_STACK_MIN     ((size_t)16 << 10)
#define CEDE_STACK_DEFAULT ((size_t)256 << 10)
#define CEDE_STACK_MAX     ((size_t)1 << 30)

/* How a runtime is to be made. Members that are 0 or NULL mean the default; more members may be added at the end. */
struct cede_run_attr {
    const char *name;    /* the first task's name; default "main" */
    size_t stack_size;   /* the first task's stack, and the default for every task without one of its own */
    const char *poller;  /* how the thread waits for descriptors, "epoll", "io_uring" or "auto": see
                            cede_runtime_poller(); default: as the environment variable CEDE_POLLER says, else
                            "epoll" */
    const char *files;   /* how calls about files keep from blocking the thread, "ring" or "pool": see cede/file.h;
                            default: as the environment variable CEDE_FILE says, else "ring" where it can be had */
    int64_t spin_ns;     /* for how long at most the thread looks for events again and again before it sleeps, up to
                            CEDE_MILLISECOND; negative: never; default: as the environment variable CEDE_SPIN says, in
                            microseconds, else never. See cede_run() */
};

/*
 * Makes a runtime on the calling OS thread, runs fn(arg) as its first task, and returns when every task has ended.
 * When fn returns, the tasks that are left (also detached ones) are cancelled and awaited.
 * cede_run_attr() is the same with options; attr may be NULL.
 *
 * Returns what fn returned; where that is negative, errno is what fn left there, with its message (cede_error()). -1
 * with errno also when fn never ran:
 *   EINVAL  fn is NULL; stack_size is out of bounds; poller, CEDE_POLLER, files or CEDE_FILE is not one of its names;
 *           spin_ns, or CEDE_SPIN, is out of bounds
 *   EBUSY   this thread already runs a runtime (the call came from inside a task)
 *   ENOMEM, EMFILE, ENFILE  no memory or no descriptor for the runtime
 *
 * A thread that has nothing to run sleeps until an event comes; to be woken takes it some tens of microseconds. Where
 * answers come sooner, as between two machines of one rack, spin_ns (50 microseconds are a good start) spares it that:
 * one connection that waits for each answer gets two to three times as many. The price is a CPU that is busy while it
 * waits: spin_ns at most in each wait. It is paid only while recent waits were short, so at most three times spin_ns in
 * vain until some short ones follow; waits that are short but spun for in vain, as where who answers runs on this CPU,
 * cost it once in a thousand in the end. Not where there is only one CPU. When another thread is given the CPU that the
 * spin has, it stops for twenty times as long as that one's turn took, a second at most: a thread that wants the CPU
 * all the time loses a twentieth of it at most. Dumps name it.
 *
 * Does not park: it blocks the thread, which runs the tasks. Threads: any; several OS threads may each run a runtime of
 * their own. Models: asyncio.run.
 */
CEDE_API int cede_run(cede_task_fn *fn, void *arg);
CEDE_API int cede_run_attr(const struct cede_run_attr *attr, cede_task_fn *fn, void *arg);

/*
 * Makes a task that will run fn(arg) on the caller's runtime. It goes to the end of the run queue: the caller goes on
 * first, and tasks start in the order in which they were spawned. But a crowd that has still to start does not delay
 * what is late already: a task whose time or event has come, or that was woken, waits for the start of some dozens
 * only. Until it first runs it costs a descriptor of 128 bytes and no stack. It inherits the nearest deadline of the
 * caller (cede_timeout). Every task must be joined once or detached; what is left when the first task returns is
 * cancelled and awaited. cede_spawn_attr() is the same with options; attr may be NULL.
 *
 * Returns the task, or NULL with errno
 *   EINVAL  fn is NULL; attr->stack_size is out of bounds
 *   EPERM   the caller is not a task
 *   ENOMEM  no memory for the descriptor
 *   EAGAIN  2^24 tasks exist already
 * With attr->depth_first the task goes to the front of the queue: it starts as soon as the caller waits or yields,
 * before all that can run already, and of several the one spawned last. When it ends, whoever that wakes (who joins it,
 * or waits for its group) goes on before those that have still to start. So a tree of tasks is walked depth first: of a
 * million, each of which waits for its ten children, there are some hundreds at a time, with some dozens of stacks. In
 * the order of spawning nearly all of them would be there at once, and pages touched for the first time are most of
 * what such a task costs. Nobody starves: after some dozens of such starts all others that can run get their turn, and
 * after some thousands the one that has waited longest to start is next. As Go does with the goroutine made last.
 *
 * If there is no memory for its stack when the task should first run, fn is not called, and the task ends with the
 * result -1 and that errno (ENOMEM; the report on standard error names the sysctl if vm.max_map_count is the cause).
 *
 * Does not park. Models: asyncio.create_task, pthread_create(3).
 */
CEDE_API struct cede_task *cede_spawn(cede_task_fn *fn, void *arg);
CEDE_API struct cede_task *cede_spawn_attr(const struct cede_task_attr *attr, cede_task_fn *fn, void *arg);

/*
 * cede_go(fn, .member = value, ...) spawns a task with named arguments. The arguments are a structure of the
 * function's own name; they are copied now, and the task gets a copy on its own stack:
 *
 *     struct fetch { const char *url; size_t *bytes; };
 *     static int fetch(struct fetch *a);
 *     ...
 *     struct cede_task *t = cede_go(fetch, .url = "http://127.0.0.1/", .bytes = &n);
 *
 * Members that are not named are zero. The task's name is the function's. The result and errno are those of
 * cede_spawn(), and EINVAL if the arguments take more than half of the task's stack. A function of another type does
 * not compile, nor do arguments that need an alignment over 16. For C (C++ lacks the compound literal).
 */
#define cede_go(fn, ...)                                                                                     \
    cede__task_go(#fn, (cede_task_fn *)_Generic(&(fn), int (*)(struct fn *): (fn)), &(struct fn){__VA_ARGS__}, \
                  CEDE__ARGS_SIZE(struct fn), NULL)

/* What cede_go() expands to: as cede_spawn_attr(attr, fn, copy of args_size bytes at args). */
CEDE_API struct cede_task *cede__task_go(const char *name, cede_task_fn *fn, const void *args, size_t args_size,
                                         const struct cede_task_attr *attr);

/*
 * Parks until the task has ended, and forgets it. *result (unless result is NULL) is what its function returned; where
 * that is negative, errno is the one the function left, and cede_error() tells its message.
 *
 * Returns 0, or -1 with errno and the task still to be joined
 *   ESRCH      no such task: joined before, or the handle is NULL or was never one
 *   EDEADLK    the task is the caller itself, or waits (through joins) for the caller; or nothing can end the wait
 *   EINVAL     the task is detached, or another task already waits to join it
 *   EPERM      the caller is not a task, or is not a task of the same runtime
 *   ECANCELED  the caller was cancelled; the task was not
 *   ETIMEDOUT  a cede_timeout scope around the call ended
 * A task that has already ended is joined without waiting, even if the caller is cancelled.
 *
 * Models: pthread_join(3), and await, but cancelling the caller does not cancel the task.
 */
CEDE_API int cede_join(struct cede_task *task, int *result);

/*
 * cede_join() of a task that has ended already: at once or not at all.
 *
 * Returns as cede_join(), where instead of waiting it fails with EBUSY. Does not park. Models: pthread_tryjoin_np(3),
 * Task.done, Task.result.
 */
CEDE_API int cede_tryjoin(struct cede_task *task, int *result);

/*
 * cede_join() for when the task stands for a function call: returns what its function returned, with its errno if that
 * is negative. -1 with one of those of cede_join() in errno when the join failed. Models: await.
 */
CEDE_API int cede_await(struct cede_task *task);

/*
 * Nobody will join the task: it is forgotten as soon as it has ended.
 *
 * Returns 0, or -1 with errno
 *   ESRCH   no such task
 *   EINVAL  it is detached already, or another task waits to join it
 *   EPERM   the caller is not a task of the same runtime
 * Does not park. Models: pthread_detach(3).
 */
CEDE_API int cede_detach(struct cede_task *task);

/*
 * Asks the task to end: the wait it is in, and every further one, fails with ECANCELED (inside a cede_shield scope:
 * once the scope has ended). An operation that has completed keeps its result. The task still runs its own clean-up and
 * still has to be joined. One that has not started does start, and fails at its first wait.
 *
 * Returns 0 (also when it was cancelled before, or has ended but was not joined), or -1 with errno
 *   ESRCH  no such task
 * Does not park. Any OS thread may call it, from a signal handler too. Models: Task.cancel, but sticky.
 */
CEDE_API int cede_cancel(struct cede_task *task);

/*
 * Lets the other tasks that can run do so, then goes on. Outside a task: sched_yield(2).
 *
 * Returns 0, or -1 with errno ECANCELED or ETIMEDOUT as a wait would, after having yielded all the same.
 * Models: asyncio.sleep(0), runtime.Gosched, sched_yield(2).
 */
CEDE_API int cede_yield(void);

/*
 * Whether a wait would fail now: 0, or -1 with errno ECANCELED or ETIMEDOUT. For long computations.
 * Does not park and does not yield. Outside a task: 0. Models: Task.cancelling, Context.Err.
 */
CEDE_API int cede_check(void);

/*
 * Parks the task until somebody calls cede_wake() on it; a wake that came since the last cede_park() ends it at once
 * (wakes do not add up). For building blocks of one's own: test the condition in a loop, as with a condition variable.
 *
 * Returns 0, or -1 with errno
 *   EPERM                           the caller is not a task
 *   ECANCELED, ETIMEDOUT            as every wait; a wake that came meanwhile is kept for the next cede_park()
 * Models: LockSupport.park.
 */
CEDE_API int cede_park(void);

/*
 * Ends the task's cede_park(), now or when it comes to it. It does not end other waits.
 *
 * Returns 0 (also when it has ended but was not joined), or -1 with errno
 *   ESRCH  no such task
 * Does not park. Any OS thread may call it, from a signal handler too. Models: LockSupport.unpark,
 * loop.call_soon_threadsafe.
 */
CEDE_API int cede_wake(struct cede_task *task);

/* The calling task; NULL outside a task, which is also where a signal handler runs that comes while no task does. Does
 * not park. Models: asyncio.current_task, pthread_self(3). */
CEDE_API struct cede_task *cede_self(void);

/* The calling task's name; NULL outside a task. Valid until the name is set again or the task ends. Does
 * not park. Models: Task.get_name, pthread_getname_np(3). */
CEDE_API const char *cede_name(void);

/*
 * Names the calling task; the first 31 bytes of name are copied.
 * Returns 0, or -1 with errno EINVAL (name is NULL) or EPERM (not a task). Does not park.
 * Models: pthread_setname_np(3).
 */
CEDE_API int cede_name_set(const char *name);

CEDE_END_DECLS

#endif
