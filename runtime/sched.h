/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: one worker per OS thread that runs a runtime.
 *
 * There is no scheduler stack. A task that parks picks the next one from the run queue and switches straight to it;
 * with nothing to run it waits on the poller itself, on its own stack. A task that ends takes the next unstarted task
 * onto its own stack.
 *
 * Everything here is per worker. The only things that other threads touch are `inbox`, `asleep` and `dump_requested`.
 */
#ifndef CEDE_RUNTIME_SCHED_H
#define CEDE_RUNTIME_SCHED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "context.h"
#include "poller.h"
#include "runqueue.h"
#include "spin.h"
#include "stack.h"
#include "task.h"
#include "timer.h"

/* How a wait ended. Never confused with errno: cede__wait_errno() translates. */
enum cede__wake {
    CEDE__WAKE_EVENT,    /* what was waited for has happened */
    CEDE__WAKE_DEADLINE, /* the deadline given to this wait passed */
    CEDE__WAKE_TIMEOUT,  /* a scope's deadline passed */
    CEDE__WAKE_INVALID,  /* a scope was given a negative duration */
    CEDE__WAKE_CANCEL,   /* the task was cancelled */
    CEDE__WAKE_CLOSED,   /* the descriptor was closed */
    CEDE__WAKE_SIGNAL,   /* a signal handler has run */
    CEDE__WAKE_DEADLOCK, /* nothing could ever end the wait */
};

/* Which signal handlers end a wait. */
enum cede__interruptible {
    CEDE__INTERRUPTIBLE_NEVER,
    CEDE__INTERRUPTIBLE_UNLESS_RESTARTED, /* those installed without SA_RESTART */
    CEDE__INTERRUPTIBLE,                  /* all */
};

struct cede__waiter {
    struct cede__list link;  /* in the list of what is waited for, or in none */
    struct cede__task *task; /* who waits; set by cede__wait(), or by whoever links several waiters */
    const char *what;        /* for reports: "read", "sleep", "join" ... */
    intptr_t subject;        /* for reports: a descriptor, the address of an object; -1: none */
    int64_t since_ns;        /* for reports: the worker's clock when the wait began; set by cede__wait() */
    uint8_t reason;          /* enum cede__wake, once it has ended */
    bool external;           /* the event may come from outside the runtime: such a wait is never a deadlock */
    bool stubborn;           /* it is waited for in any case: to end the wait is of no use */
    bool shared;             /* another thread of the process may bring it: while there is one, no deadlock either */
    uint8_t interruptible;   /* enum cede__interruptible */
};

enum { CEDE__MEANT = 16, CEDE__MEANT_BITS = 2 }; /* see interrupt.c */

struct cede__worker {
    struct cede__task *current; /* who runs */
    struct cede__runqueue queue;
    int32_t budget;             /* switches (and completed calls) until the poller and the clock are looked at */
    uint32_t live;              /* tasks that have not ended, without `thread` */
    uint32_t ends;              /* of tasks, so far; goes round */
    uint32_t external;          /* of these, parked in a wait that the outside can end */
    uint32_t shared;            /* ... that any other thread of the process could end, if it has one */
    int64_t now_ns;             /* the clock when it was last read: for reports and for the poll interval */
    int64_t polled_ns;          /* when the poller was last looked at */
    struct cede__stacks stacks;
    size_t stack_size;          /* default */
    struct cede__control control; /* floating-point control words that every task starts with: those of the thread */
    _Atomic(struct cede__remote *) inbox; /* newest first */
    atomic_bool asleep;         /* it waits in the poller, or is about to: who puts something in must wake it */
    atomic_bool dump_requested;
    bool file_pool;             /* calls about files go to helper threads, not to the ring; see file.h */
    uint32_t jobs;              /* handed to helper threads and not delivered yet */
    uint32_t choices;           /* made so far by cede_chan_select(): its sequence of random numbers */
    struct cede__task *free_tasks;
    struct cede__args_block *free_args; /* see spawn.c */
    struct cede__error *errors;         /* see error.h: all that were made in this run ... */
    struct cede__error *free_errors;    /* ... and those of them that are free */
    struct cede__task *root;    /* the first task */
    bool ending;                /* it has ended, all others have been cancelled */
    bool reachable;             /* cede_runtime() was called: any other thread of the process may bring tasks */
    struct cede__task thread;   /* stands for the OS thread itself: the context of cede_run() */
    struct cede__stack thread_stack;      /* its stack, as far as the sanitizers care */
    struct cede__poller poller;
    struct cede__timers timers;
    struct cede__spin spin;
    struct cede__worker *next;  /* in the list of all workers, which only grows: see run.c */
    atomic_bool in_use;         /* some thread runs it; changed under the lock of that list only */
    struct cede__list signal_waiters; /* tasks in cede_signal_wait(), the longest first; see signal.c */
    struct cede__remote signal_post;  /* in the inbox, or about to be, while signal_posted is set */
    atomic_bool signal_posted;
    struct cede__remote handled_post; /* the same for handled != 0; see interrupt.c */
    atomic_uint handled;              /* what handlers have run: 1 << enum cede__interruptible of the waits they end */
    _Atomic(struct cede__task *) handled_beside; /* the task that was running then; NULL: none */
    _Atomic uint64_t meant[CEDE__MEANT]; /* calls to be ended: handle << CEDE__MEANT_BITS | CEDE_SIGNAL_*; 0: none.
                                          * The first is cede_signal_jumped()'s */
    struct cede__remote meant_post; /* in the inbox, or about to be, while meant_posted is set */
    atomic_bool meant_posted;
    bool meant_again;           /* to be posted again at the next look: something is meant for a later wait */
    _Atomic(struct cede_task *) shutdown_task; /* what cede_shutdown_on_signal() cancels; NULL: nothing */
    atomic_int thread_id;       /* of the OS thread that runs it, as the kernel counts: for reports and tgkill(2) */
};

/* This thread's worker; NULL when the thread runs no runtime. */
extern _Thread_local struct cede__worker *cede__worker __attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Whether the caller runs in a task: else every call is a plain blocking one. */
static inline bool cede__in_task(void)
{
    return __builtin_expect(cede__worker != NULL, 1);
}

/* glibc's, since 2.32: not 0 as long as the process has never had a second thread. */
extern char __libc_single_threaded __attribute__((weak));

/* Whether the process has, or once had, other threads than the calling one. A libc that does not tell may have some. */
static inline bool cede__sched_other_threads(void)
{
    return !&__libc_single_threaded || !__libc_single_threaded;
}

/* Counts a switch, or a call that could have waited but did not: whether it is time to look outside. */
static inline bool cede__sched_spent(struct cede__worker *worker)
{
    return __builtin_expect(--worker->budget < 0, 0);
}

/* Room for one more task in the run queue. 0, or -1 with errno ENOMEM. */
static inline int cede__sched_reserve(struct cede__worker *worker)
{
    return cede__runqueue_reserve(&worker->queue, worker->live + 2); /* those there are, and the OS thread itself */
}

/* Whether there is room already, and a descriptor. */
static inline bool cede__sched_has_room(const struct cede__worker *worker)
{
    return cede__runqueue_has_room(&worker->queue, worker->live + 2) && worker->free_tasks;
}

/* Suspends the current task until cede__sched_wake(waiter, ...); waiter->reason then says why. */
void cede__sched_park(struct cede__worker *worker, struct cede__waiter *waiter);

/* Ends a wait, if it has not ended: the task goes to the run queue with this reason. Takes the link out of its list. */
void cede__sched_wake(struct cede__waiter *waiter, enum cede__wake reason);

/* The same for a waiter whose task is known to be parked, and which the caller has taken out of its list. `worker` is
 * the calling thread's, and so the task's: by way of the task it is known two loads later, and the switch that follows,
 * which pops what is pushed here, waits for them. */
static inline void cede__sched_wake_parked(struct cede__worker *worker, struct cede__waiter *waiter,
                                           enum cede__wake reason)
{
    struct cede__task *task = waiter->task;

    task->run.waiter->reason = reason; /* of several waiters of one task (poll, select), this is the one it looks at */
    task->state = CEDE__TASK_READY;
    cede__runqueue_push(&worker->queue, task);
}

/* The task has ended with this result: tells its joiner or owner, and frees it if nobody else will. */
void cede__sched_end(struct cede__worker *worker, struct cede__task *task, int result, int error);

/* The same for the current task, from any depth of its stack, which is given up as it is; its scopes must be closed. */
__attribute__((noreturn)) void cede__sched_exit(struct cede__worker *worker, int result, int error);

/* Lets the others run; the current task goes to the end of the run queue. */
void cede__sched_yield(struct cede__worker *worker);

/* To be called where a task did something that could have waited but did not: after some dozens of such calls in a row
 * the others get their turn, so that a task whose data always arrives in time cannot starve them. */
void cede__sched_tick(struct cede__worker *worker);

/* Hands `remote` to the worker. Any thread, any signal handler; allocates nothing. */
void cede__sched_post(struct cede__worker *worker, struct cede__remote *remote);

/* Delivers what has been posted. */
void cede__sched_drain(struct cede__worker *worker);

/* The clock, read now. */
int64_t cede__sched_now(struct cede__worker *worker);

/*
 * What the layers above must define.
 *
 * cede__sched_body: runs the task that has just become the current one, and is NEW still, on the stack that the caller
 * runs on; returns its result, with errno. Until it says that the task is RUNNING, nothing may be delivered to it.
 * cede__sched_unstarted: there was no memory for a task's stack, so it will never run: frees what start holds.
 * cede__sched_failed: a task that has run is about to end with a failure: the message to go with it, or NULL.
 * cede__sched_forget: a task that has task-local values is about to end: lets go of them.
 * cede__sched_deadlock: every task waits, and nothing can end any of the waits: says so and ends at least one.
 * cede__sched_report: a dump was requested.
 */
int cede__sched_body(struct cede__worker *worker, struct cede__task *task, struct cede__stack *stack);
void cede__sched_unstarted(struct cede__worker *worker, const struct cede__task_start *start);
struct cede__error *cede__sched_failed(struct cede__task *task, int error);
void cede__sched_forget(struct cede__task *task);
void cede__sched_deadlock(struct cede__worker *worker);
void cede__sched_report(struct cede__worker *worker);

#endif
