/* SPDX-License-Identifier: MIT */
/*
 * The scheduler; see sched.h. In the order of a task's life: wake, inbox, looking outside, picking the next
 * task, the end, the outermost function of every stack.
 */
#include "sched.h"

#include <cede/time.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "switch.h"

enum {
    BUDGET = 64,           /* switches between two looks at the clock: about 0.4 ns of clock per switch */
    /* While tasks keep running, the poller is looked at this often. Much less, and a busy server asks again in the
     * midst of the events of its last look: a system call for nothing. */
    POLL_INTERVAL_NS = 500 * 1000,
    /* The same while there are requests that the kernel has not seen: seldom enough that many go together, for what a
     * task does between two of them takes a fraction of a microsecond; often enough that who is busy delays others
     * little. */
    SUBMIT_INTERVAL_NS = 20 * 1000,
};

_Thread_local struct cede__worker *cede__worker __attribute__((tls_model("initial-exec"), visibility("hidden")));

int64_t cede_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * CEDE_SECOND + now.tv_nsec;
}

int64_t cede__sched_now(struct cede__worker *worker)
{
    return worker->now_ns = cede_now();
}

/* ---- wake ---- */

void cede__sched_wake(struct cede__waiter *waiter, enum cede__wake reason)
{
    cede__list_remove(&waiter->link);
    /* Of several waiters of one task, the first to be woken counts. */
    if (waiter->task->state == CEDE__TASK_PARKED)
        cede__sched_wake_parked(cede__worker, waiter, reason);
}

/* ---- inbox ---- */

void cede__sched_post(struct cede__worker *worker, struct cede__remote *remote)
{
    struct cede__remote *newest = atomic_load_explicit(&worker->inbox, memory_order_relaxed);

    do {
        remote->next = newest;
        cede__sanitizer_release(&worker->inbox);
    } while (!atomic_compare_exchange_weak(&worker->inbox, &newest, remote));
    /* The worker sets asleep, then looks at the inbox; this is the other way round: one of the two sees the other. */
    if (atomic_load(&worker->asleep) && atomic_exchange(&worker->asleep, false))
        cede__poller_wake(&worker->poller);
}

void cede__sched_drain(struct cede__worker *worker)
{
    struct cede__remote *remote = atomic_exchange(&worker->inbox, NULL), *oldest = NULL, *next;
    uint32_t before = worker->queue.tail;

    cede__sanitizer_acquire(&worker->inbox);
    for (; remote; remote = next) { /* newest first: turn it round */
        next = remote->next;
        remote->next = oldest;
        oldest = remote;
    }
    for (; oldest; oldest = next) {
        next = oldest->next; /* deliver may give the node away */
        oldest->deliver(oldest);
    }
    cede__runqueue_arrived(&worker->queue, before);
}

/* ---- looking outside ---- */

/* An event wakes a task whose stack, as a rule, has left the cache since: what the switch touches of it, and the read
 * that waited, comes while the others are woken. Always inline: see cede__runqueue_prefetch(). */
static inline __attribute__((always_inline)) void prefetch_stack(const struct cede__task *task)
{
    const char *context = task->run.context;

    __builtin_prefetch(context);
    __builtin_prefetch(context + CEDE__RUNQUEUE_LINE_BYTES);
    __builtin_prefetch(context + 2 * CEDE__RUNQUEUE_LINE_BYTES);
    __builtin_prefetch(context + 3 * CEDE__RUNQUEUE_LINE_BYTES);
}

/* Looks for events, and then at the clock. */
static void poll(struct cede__worker *worker, int64_t timeout_ns)
{
    struct cede__list ready = {0}, *link;
    uint32_t before = worker->queue.tail;
    struct cede__waiter *waiter;

    cede__poller_wait(&worker->poller, timeout_ns, &ready);
    worker->polled_ns = cede__sched_now(worker);
    while ((link = cede__list_take(&ready))) {
        waiter = CEDE__CONTAINER(link, struct cede__waiter, link);
        cede__sched_wake(waiter, CEDE__WAKE_EVENT);
        prefetch_stack(waiter->task);
    }
    cede__runqueue_arrived(&worker->queue, before);
}

/* What else has come from outside by now: posts, reports, and timers, by the clock as it was last read. */
static void take_in(struct cede__worker *worker)
{
    uint32_t before;

    worker->budget = BUDGET;
    if (worker->meant_again) {
        worker->meant_again = false;
        if (!atomic_exchange(&worker->meant_posted, true))
            cede__sched_post(worker, &worker->meant_post);
    }
    if (atomic_load_explicit(&worker->inbox, memory_order_relaxed))
        cede__sched_drain(worker);
    if (atomic_load_explicit(&worker->dump_requested, memory_order_relaxed)
        && atomic_exchange(&worker->dump_requested, false))
        cede__sched_report(worker);
    before = worker->queue.tail;
    cede__timers_advance(&worker->timers, worker->now_ns);
    cede__runqueue_arrived(&worker->queue, before);
}

void cede__sched_look(struct cede__worker *worker)
{
    cede__sched_now(worker);
    take_in(worker);
    if (worker->external
        && worker->now_ns - worker->polled_ns
               >= (cede__poller_queued(&worker->poller) ? SUBMIT_INTERVAL_NS : POLL_INTERVAL_NS))
        poll(worker, 0);
}

/* Looks for events without sleeping, for a short while. */
static enum cede__spun spin(struct cede__worker *worker, int64_t timeout_ns)
{
    struct cede__spin *how = &worker->spin;
    int64_t last_ns = worker->now_ns, end_ns, gap_ns;
    bool came;

    end_ns = last_ns + (timeout_ns < how->limit_ns ? timeout_ns : how->limit_ns);
    for (;;) {
        poll(worker, 0);
        came = !cede__runqueue_empty(&worker->queue) || atomic_load_explicit(&worker->inbox, memory_order_relaxed)
               || atomic_load_explicit(&worker->dump_requested, memory_order_relaxed);
        gap_ns = worker->now_ns - last_ns;
        /* Also where something came: while another thread had its turn it had time to. */
        if (gap_ns > CEDE__SPIN_LATE_NS
            && cede__spin_disturbed(how, gap_ns, cede__spin_switches(), worker->now_ns))
            return CEDE__SPUN_NOT;
        if (came)
            return CEDE__SPUN_WELL;
        last_ns = worker->now_ns;
        if (last_ns >= end_ns)
            return timeout_ns <= how->limit_ns ? CEDE__SPUN_WELL : CEDE__SPUN_VAIN;
        cede__relax();
    }
}

/* Nothing can run: waits for something from outside, until something can. Runs on the stack of the task that has just
 * parked or ended. */
static __attribute__((noinline)) void wait_outside(struct cede__worker *worker)
{
    int64_t next_ns, timeout_ns, begin_ns = INT64_MAX;
    enum cede__spun spun = CEDE__SPUN_NOT;

    /* Else nobody asks for the time before the sleep is over. */
    if (worker->timers.count || worker->spin.limit_ns
        || atomic_load_explicit(&worker->inbox, memory_order_relaxed))
        cede__sched_now(worker);
    for (;;) {
        take_in(worker);
        if (!cede__runqueue_empty(&worker->queue)) {
            if (worker->spin.limit_ns && begin_ns != INT64_MAX)
                cede__spin_waited(&worker->spin, worker->now_ns - begin_ns, spun);
            return;
        }
        if (begin_ns == INT64_MAX)
            begin_ns = worker->now_ns;
        next_ns = cede__timers_next(&worker->timers);
        if (next_ns == INT64_MAX && !worker->external && !worker->jobs
            && !((worker->shared || worker->reachable) && cede__sched_other_threads())) {
            cede__sched_deadlock(worker);
            continue;
        }
        timeout_ns = next_ns == INT64_MAX ? INT64_MAX : next_ns > worker->now_ns ? next_ns - worker->now_ns : 0;
        if (spun == CEDE__SPUN_NOT && __builtin_expect(cede__spin_pays(&worker->spin, worker->now_ns), 0)) {
            spun = spin(worker, timeout_ns);
            continue; /* timeout_ns is over in part */
        }
        /* An exchange where a sequentially consistent store would do: qemu 7.2 lets such a store on aarch64 pass the
         * load that follows, and a wake is lost. */
        atomic_exchange(&worker->asleep, true);
        if (atomic_load(&worker->inbox) || atomic_load(&worker->dump_requested))
            timeout_ns = 0;
        poll(worker, timeout_ns);
        atomic_store_explicit(&worker->asleep, false, memory_order_relaxed);
    }
}

/* ---- the next task ---- */

/* The first frame of every stack, which is its argument. The current task is NEW. */
static void *stack_main(void *stack);

static inline size_t stack_size(const struct cede__task *task)
{
    return task->start.stack_units * CEDE__TASK_STACK_UNIT;
}

/* Who comes next. */
struct next {
    struct cede__task *task;
    struct cede__stack *stack; /* to run it on if it is NEW; else anything */
};

static inline bool picked(struct next next)
{
    return __builtin_expect(next.task && (next.task->state != CEDE__TASK_NEW || next.stack), 1);
}

/* The next task that can run, if that is plain. If the caller no longer needs its own stack and says so (`spare`, else
 * NULL), a NEW task gets that one, if it is just as wanted. Else, if picked() says no, what comes next is for
 * pick_otherwise(). Inline, and without a call: what a task costs is what it costs to begin and to end it. */
static inline __attribute__((always_inline)) struct next pick(struct cede__worker *worker, struct cede__stack *spare)
{
    struct next next = {cede__runqueue_pop_ready(&worker->queue), NULL};

    if (next.task || cede__runqueue_empty(&worker->queue) || cede__runqueue_has_nested(&worker->queue)
        || !(next.task = cede__runqueue_pop_new(&worker->queue)))
        return next;
    next.stack = spare && stack_size(next.task) == spare->pool->size
                     ? spare : cede__stack_at_hand(&worker->stacks, stack_size(next.task));
    return next;
}

/* The same in any case: starts depth first, makes a stack, waits until something can run. `task`: NULL, or NEW and
 * taken from the queue. */
static inline __attribute__((always_inline)) struct next pick_anyhow(struct cede__worker *worker,
                                                                     struct cede__stack *spare,
                                                                     struct cede__task *task)
{
    struct cede__stack *stack;
    int error;

    for (;; task = NULL) {
        if (!task) {
            if (cede__runqueue_empty(&worker->queue))
                wait_outside(worker);
            task = cede__runqueue_pop_ready(&worker->queue);
            if (task)
                return (struct next){task, NULL};
            if (cede__runqueue_empty(&worker->queue) || !(task = cede__runqueue_pop_new(&worker->queue)))
                continue;
        }
        if (spare && stack_size(task) == spare->pool->size)
            return (struct next){task, spare};
        stack = cede__stack_get(&worker->stacks, stack_size(task));
        if (stack)
            return (struct next){task, stack};
        error = errno;
        cede__sched_unstarted(worker, &task->start);
        cede__sched_end(worker, task, -1, error);
    }
}

static __attribute__((noinline)) struct next pick_otherwise(struct cede__worker *worker, struct cede__stack *spare,
                                                            struct cede__task *task)
{
    return pick_anyhow(worker, spare, task);
}

/* From the current task `self` to the one that was picked. */
static inline __attribute__((always_inline)) void go(struct cede__worker *worker, struct cede__task *self,
                                                     struct next next)
{
    if (next.task->state == CEDE__TASK_NEW) {
        worker->current = next.task;
        cede__context_start(&self->run.context, &self->run.stack->sanitizer, &next.stack->sanitizer,
                            cede__stack_top(next.stack), stack_main, next.stack);
    } else if (next.task == self) { /* it is its turn again */
        self->state = CEDE__TASK_RUNNING;
    } else {
        cede__switch_to(worker, self, next.task);
    }
}

static __attribute__((noinline)) void switch_otherwise(struct cede__worker *worker, struct cede__task *self,
                                                       struct cede__task *next)
{
    go(worker, self, pick_anyhow(worker, NULL, next));
}

void cede__sched_switch(struct cede__worker *worker, struct cede__task *self)
{
    struct next next = pick(worker, NULL);

    if (picked(next))
        go(worker, self, next);
    else /* called last: so nothing has to be kept, and no register saved */
        switch_otherwise(worker, self, next.task);
}

void cede__sched_park(struct cede__worker *worker, struct cede__waiter *waiter)
{
    cede__switch_park(worker, worker->current, waiter);
}

void cede__sched_yield(struct cede__worker *worker)
{
    cede__switch_yield(worker);
}

void cede__sched_tick(struct cede__worker *worker)
{
    if (cede__sched_spent(worker))
        cede__sched_yield(worker);
}

/* ---- the end of a task ---- */

/* Whoever waits for the end of a task hears of it. */
static inline __attribute__((always_inline)) void tell(struct cede__worker *worker, struct cede__task *task)
{
    /* The joiner first: if the owner takes a failure for a reason to cancel it, it still has what it waited for. */
    if (task->joiner && task->joiner->task->state == CEDE__TASK_PARKED) /* else its wait has been ended already */
        cede__sched_wake_parked(worker, task->joiner, CEDE__WAKE_EVENT);
    if (task->owner)
        task->owner->child_done(task->owner, task);
}

/* The same for a task that was spawned with attributes. Who waits for one that is walked depth first goes on at once:
 * in a tree, what can be finished goes before what has still to begin. */
static __attribute__((noinline)) void tell_otherwise(struct cede__worker *worker, struct cede__task *task)
{
    uint32_t before = worker->queue.tail;

    tell(worker, task);
    if (task->depth_first)
        cede__runqueue_to_front(&worker->queue, before);
    if (task->detached)
        cede__task_free(task);
}

/* What every end takes. Inline where tasks end by returning. */
static inline __attribute__((always_inline)) void end(struct cede__worker *worker, struct cede__task *task, int result,
                                                      int error)
{
    task->done.result = result;
    task->done.error = error;
    atomic_signal_fence(memory_order_release); /* a dump from a signal handler must not see half of it */
    task->state = CEDE__TASK_DONE;
    task->done.turn = worker->ends++;
    worker->live--;
    /* cede_run() waits for the first task to end, as its joiner, and then for all of them. */
    if (__builtin_expect(worker->live == 0 && worker->thread.state == CEDE__TASK_PARKED, 0))
        cede__sched_wake(worker->thread.run.waiter, CEDE__WAKE_EVENT);
    if (__builtin_expect(task->depth_first || task->detached, 0))
        tell_otherwise(worker, task);
    else
        tell(worker, task);
}

void cede__sched_end(struct cede__worker *worker, struct cede__task *task, int result, int error)
{
    if (task->locals)
        cede__sched_forget(task);
    if (result < 0)
        task->done.message = task->state == CEDE__TASK_RUNNING ? cede__sched_failed(task, error) : NULL;
    end(worker, task, result, error);
}

/* ---- the life of a stack ---- */

/* Gives up `stack`, on which the caller runs and no task does any more, for that of the task that comes next. */
static __attribute__((noreturn)) void abandon(struct cede__worker *worker, struct cede__stack *stack, struct next next)
{
    worker->current = next.task;
    cede__stack_put(stack); /* nobody takes it before the switch below */
    if (next.task->state == CEDE__TASK_NEW)
        cede__context_leave_start(&stack->sanitizer, &next.stack->sanitizer, cede__stack_top(next.stack), stack_main,
                                  next.stack);
    next.task->state = CEDE__TASK_RUNNING;
    cede__context_leave(&stack->sanitizer, next.task->run.context, &next.task->run.stack->sanitizer);
}

/* Runs the current task, then every unstarted one that comes next in the queue and wants a stack like this one, which
 * is hot: it can have it, without a switch. Returns the next task, which has a context. */
static struct cede__task *run_tasks(struct cede__stack *stack)
{
    struct cede__worker *worker;
    struct cede__task *task;
    struct next next;
    int result;

    cede__sanitizer_arrive(&stack->sanitizer);
    for (;;) {
        worker = cede__worker; /* each time, or what derives from it is kept in registers that have to be saved first */
        cede__control_set(&worker->control);
        errno = 0;
        result = cede__sched_body(worker, worker->current, stack);
        task = worker->current;
        cede__task_restore_name(task);
        if (__builtin_expect(result >= 0 && !task->locals, 1))
            end(worker, task, result, 0);
        else
            cede__sched_end(worker, task, result, result < 0 ? errno : 0);
        worker->current = NULL;
        if (cede__sched_spent(worker))
            cede__sched_look(worker);
        next = pick(worker, stack);
        if (!picked(next))
            next = pick_otherwise(worker, stack, next.task);
        if (next.task->state == CEDE__TASK_NEW && next.stack != stack)
            abandon(worker, stack, next);
        worker->current = next.task;
        if (next.task->state != CEDE__TASK_NEW)
            return next.task;
    }
}

static CEDE__CONTEXT_ENTRY void *stack_main(void *arg)
{
    struct cede__stack *stack = arg;
    struct cede__task *next = run_tasks(stack);

    next->state = CEDE__TASK_RUNNING;
    cede__stack_put(stack); /* nobody takes it before this function has returned to cede__entry() */
    return cede__context_end(&stack->sanitizer, next->run.context, &next->run.stack->sanitizer);
}

void cede__sched_exit(struct cede__worker *worker, int result, int error)
{
    struct cede__task *self = worker->current;
    struct cede__stack *stack = self->run.stack;

    cede__sched_end(worker, self, result, error);
    worker->current = NULL;
    abandon(worker, stack, pick_otherwise(worker, NULL, NULL));
}
