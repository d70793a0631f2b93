/* SPDX-License-Identifier: MIT */
/*
 * Runtimes, as other threads see them: how a plain OS thread, a task of another runtime, or a signal handler has a task
 * run there.
 *
 *     static struct cede_runtime *server;          (server = cede_runtime(); in one of its tasks)
 *
 *     struct cede_future answer = {0};             (then, in another thread)
 *     intptr_t status;
 *     if (cede_spawn_on(server, lookup, "name", &answer) == 0 && cede_future_wait(&answer, &status) == 0)
 *         ...
 */
#ifndef CEDE_RUNTIME_H
#define CEDE_RUNTIME_H

#include <cede/base.h>
#include <cede/future.h>
#include <cede/task.h>

CEDE_BEGIN_DECLS

/*
 * A runtime, by handle. Like a task's, the handle is not an address: it may be kept and used at any time, also after
 * the runtime has ended. Handles are not reused.
 */
struct cede_runtime;

/*
 * The runtime of the calling task; NULL outside a task. Does not park. From the first call on, a wait in this runtime
 * no longer counts as a deadlock while the program has other threads: any of them may bring a task that ends it.
 * Models: asyncio.get_running_loop.
 */
CEDE_API struct cede_runtime *cede_runtime(void);

/*
 * How the calling task's runtime waits for descriptors: "epoll" or "io_uring"; "plain" outside a task. Static. Does not
 * park.
 *
 * "io_uring" (Linux 6.1) is chosen by the member `poller` of struct cede_run_attr or the environment variable
 * CEDE_POLLER; where the kernel has none, or forbids it (as the default seccomp profile of containers does), it is
 * "epoll" all the same, and this tells. What tasks send and receive then goes to the kernel as requests, those of all
 * tasks in one system call, which also waits: far fewer system calls under load, at the price of one thing: what a task
 * sends leaves with the next look at the poller, not at once. The table in bench/README.md has both.
 *
 * "auto" chooses by measurement: once in a process, when its first such runtime begins, it receives and sends a few
 * messages in both ways, which takes 0.3 milliseconds, and keeps to epoll unless io_uring takes at least 5 %
 * less. Not the default: where the network's own cost is added the two are equal within a few percent, and epoll sends
 * at once.
 */
CEDE_API const char *cede_runtime_poller(void);

/*
 * Why it is that one: "by default"; "as asked"; "no io_uring: errno 1", with the kernel's answer, where io_uring was
 * asked for or "auto"; "measured: io_uring takes 112 % of epoll's time"; "could not be measured". "no runtime" outside
 * a task. Valid until the runtime ends. Does not park. Dumps tell it too, unless it is the default (cede/dump.h).
 */
CEDE_API const char *cede_runtime_poller_why(void);

/*
 * Makes a detached task on that runtime, to run fn(arg) there. It inherits neither deadlines nor task-local values.
 * What fn returns (or gives to cede_exit) is the value of *future, unless future is NULL; if it is negative and errno
 * is set, the future fails with that errno instead. The future must be pending; it, and what arg points to, must stay
 * until it has its outcome, which only the task should bring. It always gets one: the task may end without having run,
 * the future then fails with ECANCELED (the runtime ended first; a task that has begun is cancelled then, like all
 * others), with ENOMEM (no memory for the task or its stack) or with EAGAIN (2^24 tasks exist already). To cancel the
 * task, let it hand out cede_self().
 *
 * Returns 0, or -1 with errno, and the future is not touched
 *   ESRCH   the runtime has ended, or the handle is NULL or was never one
 *   EINVAL  fn is NULL
 *   ENOMEM  no memory
 * Does not park. Any OS thread may call it, also the runtime's own, and a signal handler, whatever it has interrupted.
 * Models: asyncio.run_coroutine_threadsafe, loop.call_soon_threadsafe.
 */
CEDE_API int cede_spawn_on(struct cede_runtime *runtime, cede_task_fn *fn, void *arg, struct cede_future *future);

CEDE_END_DECLS

#endif
