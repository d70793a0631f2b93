/* SPDX-License-Identifier: MIT */
/*
 * Reports on tasks; see cede/dump.h.
 *
 * A report is made in two steps, since the stack that asks for it may be nearly full: the backtrace of the asking code
 * is taken there, all the rest is done on the OS thread's own stack (on top of its suspended context).
 */
#include "dump.h"

#include <cede/dump.h>
#include <cede/time.h>
#include <pthread.h>
#include <string.h>

#include "../arch/arch.h"
#include "backtrace.h"
#include "environment.h"
#include "error.h"
#include "gen.h"
#include "handler.h"
#include "run.h"
#include "scope.h"
#include "sys.h"

/* Numbers up to here are descriptors, larger subjects of a wait are addresses. */
enum { MOST_FDS = 1 << 20 };

struct dump {
    struct cede__report report;
    struct cede__worker *worker;
    struct cede__backtrace here; /* of the code that asked; `sp` always says where it runs */
    enum { ON_REQUEST, IN_HANDLER, DEADLOCK } occasion;
    int64_t now_ns;
    int count[CEDE__TASK_DONE + 1], tasks;
};

static const struct {
    enum cede__task_state state;
    const char *name;
} states[] = {
    {CEDE__TASK_RUNNING, "running"}, {CEDE__TASK_READY, "ready"},   {CEDE__TASK_PARKED, "parked"},
    {CEDE__TASK_NEW, "not started"}, {CEDE__TASK_DONE, "ended"},
};

static struct sigaction previous[_NSIG];
static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t start_once = PTHREAD_ONCE_INIT;

/* ---- one task ---- */

static void put_number(struct cede__report *report, const struct cede__task *task)
{
    uint64_t handle = atomic_load_explicit(&task->handle, memory_order_relaxed);
    uint64_t serial = handle >> CEDE__TASK_INDEX_BITS;

    cede__report_text(report, "task ");
    cede__report_decimal(report, (int64_t)(handle & (((uint64_t)1 << CEDE__TASK_INDEX_BITS) - 1)));
    if (serial > 1) {
        cede__report_text(report, ".");
        cede__report_decimal(report, (int64_t)serial);
    }
}

void cede__dump_name(struct cede__report *report, const struct cede__task *task)
{
    put_number(report, task);
    /* A name must be valid until the task ends, and no longer. */
    if (task->state == CEDE__TASK_DONE)
        return;
    cede__report_text(report, " ");
    cede__report_quoted(report, task->name);
}

static bool lies_within(uintptr_t address, const void *start, size_t bytes)
{
    return address - (uintptr_t)start < bytes;
}

static void put_wait(struct dump *dump, const struct cede__task *task)
{
    const struct cede__waiter *waiter = task->run.waiter;
    struct cede__report *report = &dump->report;

    cede__report_text(report, "parked ");
    cede__report_duration(report, dump->now_ns - waiter->since_ns);
    cede__report_text(report, " in ");
    cede__report_text(report, waiter->what);
    if (waiter->subject == -1 || lies_within((uintptr_t)waiter->subject, task, sizeof *task))
        return;
    cede__report_text(report, " ");
    if (strcmp(waiter->what, "join") == 0) {
        cede__dump_name(report, (const struct cede__task *)waiter->subject);
    } else if (waiter->subject >= 0 && waiter->subject < MOST_FDS) {
        cede__report_text(report, "fd ");
        cede__report_decimal(report, waiter->subject);
    } else {
        cede__report_hex(report, (uintptr_t)waiter->subject);
    }
}

/* What holds for a task that has started: interrupts, deadline, stack. */
static void put_details(struct dump *dump, const struct cede__task *task)
{
    struct cede__report *report = &dump->report;
    int64_t deadline_ns = cede__scope_deadline(task);

    if (task->cancelled)
        cede__report_text(report, ", cancelled");
    if (deadline_ns <= dump->now_ns) {
        cede__report_text(report, ", deadline passed");
    } else if (deadline_ns != INT64_MAX) {
        cede__report_text(report, ", deadline in ");
        cede__report_duration(report, deadline_ns - dump->now_ns);
    }
    cede__report_text(report, ", stack ");
    cede__report_decimal(report, (int64_t)(cede__stack_high_water(task->run.stack) / 1024));
    cede__report_text(report, " of ");
    cede__report_decimal(report, (int64_t)(task->run.stack->pool->size / 1024));
    cede__report_text(report, " KiB\n");
}

static void put_suspended(struct cede__report *report, const struct cede__stack *stack, void *context)
{
    struct cede__backtrace backtrace;

    if ((const char *)context - stack->bottom >= CEDE__BACKTRACE_ROOM) {
        cede__backtrace_suspended(&backtrace, context);
        cede__backtrace_print(&backtrace, report);
    } else {
        cede__backtrace_print_frame(report, 0, (uintptr_t)cede__frame_pc(context) - 1);
        cede__report_text(report, "    (too little stack is left for more)\n");
    }
}

static void put_backtrace(struct dump *dump, const struct cede__task *task)
{
    const struct cede__stack *stack = task->run.stack;
    void *context;

    /* The code that asks runs on this stack, whatever the state: what is saved of the context is out of date. (Not so
     * where an unwinder could not get through a signal frame: hence `current`.) */
    if (task == dump->worker->current
        || lies_within(dump->here.sp, stack->bottom, (size_t)((const char *)stack - stack->bottom))) {
        cede__backtrace_print(&dump->here, &dump->report);
        if (dump->here.count == 0)
            cede__report_text(&dump->report, "    (too little stack is left for a backtrace)\n");
    } else {
        put_suspended(&dump->report, stack, task->run.context);
    }
    /* The signal may have come half way between a generator and its consumer. */
    if (dump->occasion == IN_HANDLER)
        return;
    while (stack->gen) {
        stack = cede__gen_caller(stack, &context);
        cede__report_text(&dump->report, "    a generator, consumed by\n");
        put_suspended(&dump->report, stack, context);
    }
}

static void put_task(struct cede__task *task, void *arg)
{
    struct dump *dump = arg;
    struct cede__report *report = &dump->report;

    cede__dump_name(report, task);
    cede__report_text(report, " ");
    switch ((enum cede__task_state)task->state) {
    case CEDE__TASK_FREE:
        break;
    case CEDE__TASK_NEW:
        cede__report_text(report, task->cancelled ? "has not started, cancelled\n" : "has not started\n");
        break;
    case CEDE__TASK_DONE:
        cede__report_text(report, "has ended with ");
        cede__report_decimal(report, task->done.result);
        if (task->done.result < 0) {
            cede__report_text(report, ", errno ");
            cede__report_decimal(report, task->done.error);
            if (task->done.message) {
                cede__report_text(report, " ");
                cede__report_quoted(report, task->done.message->text);
            }
        }
        cede__report_text(report, ", and has not been joined\n");
        break;
    case CEDE__TASK_PARKED:
    case CEDE__TASK_READY:
    case CEDE__TASK_RUNNING:
        if (task->state == CEDE__TASK_PARKED)
            put_wait(dump, task);
        else
            cede__report_text(report, task->state == CEDE__TASK_READY ? "ready" : "running");
        put_details(dump, task);
        put_backtrace(dump, task);
        break;
    }
}

/* ---- all of them ---- */

static void count(struct cede__task *task, void *arg)
{
    struct dump *dump = arg;

    dump->count[task->state]++;
    dump->tasks++;
}

static void put_header(struct dump *dump)
{
    struct cede__report *report = &dump->report;
    const char *separator = " (";
    unsigned i;

    if (dump->occasion == DEADLOCK) {
        cede__report_text(report, "cede: deadlock: all ");
        cede__report_decimal(report, dump->count[CEDE__TASK_PARKED]);
        cede__report_text(report, " tasks wait, and nothing can end any of the waits\n");
    } else if (dump->occasion == IN_HANDLER) {
        cede__report_text(report,
                          "cede: no scheduling point since the last signal: this is written from inside the signal\n"
                          "cede: handler, and what it says of a task that is just changing its state may be wrong\n");
    }
    cede__report_text(report, "cede: pid ");
    cede__report_decimal(report, getpid());
    cede__report_text(report, ", thread ");
    cede__report_decimal(report, dump->worker->thread_id);
    cede__report_text(report, ": ");
    cede__report_decimal(report, dump->tasks);
    cede__report_text(report, dump->tasks == 1 ? " task" : " tasks");
    for (i = 0; i < sizeof states / sizeof *states; i++) {
        if (dump->count[states[i].state] == 0)
            continue;
        cede__report_text(report, separator);
        cede__report_decimal(report, dump->count[states[i].state]);
        cede__report_text(report, " ");
        cede__report_text(report, states[i].name);
        separator = ", ";
    }
    cede__report_text(report, dump->tasks ? "), poller " : ", poller ");
    cede__report_text(report, dump->worker->poller.backend->name);
    if (strcmp(dump->worker->poller.why, "by default") != 0) {
        cede__report_text(report, " (");
        cede__report_text(report, dump->worker->poller.why);
        cede__report_text(report, ")");
    }
    cede__report_text(report, ", guards by ");
    cede__report_text(report, cede__stack_guard_kind());
    if (dump->worker->spin.limit_ns) {
        cede__report_text(report, ", spin ");
        cede__report_decimal(report, dump->worker->spin.limit_ns / CEDE_MICROSECOND);
        cede__report_text(report, " us");
    }
    cede__report_text(report, "\n");
}

static void write_dump(void *arg)
{
    struct dump *dump = arg;

    cede__task_each(dump->worker, count, dump);
    put_header(dump);
    cede__task_each(dump->worker, put_task, dump);
}

static void prepare(struct dump *dump, struct cede__worker *worker, int fd, int occasion)
{
    cede__report_begin(&dump->report, fd);
    dump->worker = worker;
    dump->here.count = 0;
    dump->occasion = occasion;
    dump->now_ns = cede_now();
    memset(dump->count, 0, sizeof dump->count);
    dump->tasks = 0;
}

/* A report from where no task is half way between two states. Returns the number of tasks, or -1 with errno. */
static int dump_tasks(struct cede__worker *worker, int fd, int occasion)
{
    const struct cede__task *self = worker->current;
    struct dump dump;

    prepare(&dump, worker, fd, occasion);
    dump.here.sp = (uintptr_t)__builtin_frame_address(0);
    if (!self || self == &worker->thread || dump.here.sp - (uintptr_t)self->run.stack->bottom >= CEDE__BACKTRACE_ROOM)
        cede__backtrace_here(&dump.here);
    if (self == &worker->thread)
        write_dump(&dump);
    else
        cede__inspect(worker->thread.run.context, write_dump, &dump);
    return cede__report_end(&dump.report) == 0 ? dump.tasks : -1;
}

int cede_dump(int fd)
{
    if (!cede__worker) {
        errno = EPERM;
        return -1;
    }
    return dump_tasks(cede__worker, fd, ON_REQUEST);
}

void cede__sched_report(struct cede__worker *worker)
{
    int saved = errno;

    dump_tasks(worker, STDERR_FILENO, ON_REQUEST);
    errno = saved;
}

/* ---- by a signal ---- */

static void dump_now(struct cede__worker *worker)
{
    struct dump dump;

    prepare(&dump, worker, STDERR_FILENO, IN_HANDLER);
    cede__backtrace_interrupted(&dump.here);
    write_dump(&dump);
    cede__report_end(&dump.report);
}

static void request_dumps(bool forwarded, int signo)
{
    struct cede__worker *worker, *own = cede__worker;

    for (worker = cede__run_workers(); worker; worker = worker->next) {
        if (!atomic_load(&worker->in_use))
            continue;
        if (!atomic_exchange(&worker->dump_requested, true)) {
            if (worker == own)
                worker->budget = 0; /* look at the next scheduling point, not some dozens later */
            else if (atomic_load(&worker->asleep) && atomic_exchange(&worker->asleep, false))
                cede__poller_wake(&worker->poller);
        } else if (worker == own) {
            atomic_store(&worker->dump_requested, false);
            dump_now(worker);
        } else if (!forwarded) {
            syscall(SYS_tgkill, getpid(), worker->thread_id, signo);
        }
    }
}

static void on_signal(int signo, siginfo_t *info, void *context)
{
    int saved = errno;
    /* From a handler that found another thread's request still pending (or from raise(3), which does no harm). */
    bool forwarded = info->si_code == SI_TKILL && info->si_pid == getpid();
    struct cede__worker *own = cede__worker;

    if (forwarded && own && atomic_exchange(&own->dump_requested, false))
        dump_now(own);
    else
        request_dumps(forwarded, signo);
    cede__handler_pass(&previous[signo], signo, info, context);
    errno = saved;
}

int cede_dump_on_signal(int signo)
{
    int result;

    /* After these a program cannot just go on. */
    if (signo <= 0 || signo >= _NSIG || signo == SIGSEGV || signo == SIGBUS || signo == SIGILL || signo == SIGFPE) {
        errno = EINVAL;
        return -1;
    }
    pthread_mutex_lock(&install_lock);
    result = cede__handler_install(signo, on_signal, &previous[signo]);
    pthread_mutex_unlock(&install_lock);
    return result;
}

/* ---- deadlock ---- */

static void end_wait(struct cede__task *task, void *unused)
{
    (void)unused;
    if (task->state == CEDE__TASK_PARKED)
        cede__sched_wake(task->run.waiter, CEDE__WAKE_DEADLOCK);
}

void cede__sched_deadlock(struct cede__worker *worker)
{
    int saved = errno;

    dump_tasks(worker, STDERR_FILENO, DEADLOCK);
    if (worker->root->state == CEDE__TASK_PARKED && !worker->root->run.waiter->stubborn)
        end_wait(worker->root, NULL);
    else
        cede__task_each(worker, end_wait, NULL);
    errno = saved;
}

/* ---- start ---- */

static void start(void)
{
    struct cede__backtrace backtrace;

    /* The first one lets the unwinder set itself up, which may allocate and lock. */
    cede__backtrace_here(&backtrace);
    if (cede__environment_has("CEDE_DEBUG", "dump"))
        cede_dump_on_signal(SIGQUIT);
}

void cede__dump_start(void)
{
    pthread_once(&start_once, start);
}
