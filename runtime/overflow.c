/* SPDX-License-Identifier: MIT */
/* Stack overflow; see overflow.h. */
#include "overflow.h"

#include <pthread.h>
#include <sys/mman.h>

#include "backtrace.h"
#include "dump.h"
#include "handler.h"
#include "run.h"
#include "sys.h"

enum {
    ALTERNATE_BYTES = 64 << 10, /* signal frame (up to 11 KiB with AMX), unwinder, report, a chained handler */
    ENOUGH_BYTES = 32 << 10,    /* somebody else's alternate stack is good enough from here on */
    GUARD_BYTES = 64 << 10,     /* below it: any page size will do */
};

static struct sigaction previous_segv, previous_bus;
static pthread_once_t install_once = PTHREAD_ONCE_INIT;

struct search {
    uintptr_t address;
    struct cede__task *owner; /* of the stack in whose guard the address lies */
};

static void compare_guard(struct cede__task *task, void *arg)
{
    struct search *search = arg;
    const struct cede__stack *stack;
    uintptr_t bottom;

    if (!cede__dump_has_stack(task))
        return;
    stack = task->run.stack;
    bottom = (uintptr_t)stack->bottom;
    if (search->address < bottom && search->address >= bottom - stack->pool->guard)
        search->owner = task;
}

static void report_overflow(struct cede__worker *worker, const struct cede__task *owner, uintptr_t address)
{
    struct cede__backtrace backtrace;
    struct cede__report report;

    cede__backtrace_interrupted(&backtrace);
    cede__report_begin(&report, STDERR_FILENO);
    if (owner == worker->current) {
        cede__report_text(&report, "cede: stack overflow in ");
        cede__dump_name(&report, owner);
        cede__report_text(&report, ": all of its ");
        cede__report_decimal(&report, (int64_t)(owner->run.stack->pool->size / 1024));
        cede__report_text(&report, " KiB are used; give it more with stack_size\n");
    } else {
        cede__report_text(&report, "cede: ");
        if (worker->current && cede__dump_has_stack(worker->current))
            cede__dump_name(&report, worker->current);
        else
            cede__report_text(&report, "the scheduler");
        cede__report_text(&report, " touched ");
        cede__report_hex(&report, address);
        cede__report_text(&report, ", in the guard below the stack of ");
        cede__dump_name(&report, owner);
        cede__report_text(&report, "\n");
    }
    cede__backtrace_print(&backtrace, &report);
    cede__report_end(&report);
}

/* The worker that this thread runs, also while `cede__worker` is hidden from a call into libc (resolve.c). */
static struct cede__worker *own_worker(void)
{
    struct cede__worker *worker = cede__worker;
    int thread_id;

    if (worker)
        return worker;
    thread_id = (int)syscall(SYS_gettid);
    for (worker = cede__run_workers(); worker; worker = worker->next)
        if (atomic_load(&worker->in_use) && worker->thread_id == thread_id)
            break;
    return worker;
}

static void on_fault(int signo, siginfo_t *info, void *context)
{
    const struct sigaction *previous = signo == SIGSEGV ? &previous_segv : &previous_bus;
    struct cede__worker *worker = own_worker();
    struct search search = {.address = (uintptr_t)info->si_addr};
    bool fault = info->si_code > 0; /* else somebody sent the signal */
    int saved = errno;

    if (fault && worker)
        cede__task_each(worker, compare_guard, &search);
    if (search.owner)
        report_overflow(worker, search.owner, search.address);
    else if (cede__handler_pass(previous, signo, info, context))
        return;
    if (!fault && !(previous->sa_flags & SA_SIGINFO) && previous->sa_handler == SIG_IGN)
        return;
    /* A fault happens again as soon as this returns, a signal that was sent must be sent again. */
    sigaction(signo, previous, NULL);
    if (!fault)
        syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), signo);
    errno = saved;
}

static void install(void)
{
    cede__handler_install(SIGSEGV, on_fault, &previous_segv);
    cede__handler_install(SIGBUS, on_fault, &previous_bus);
}

int cede__overflow_enter(struct cede__overflow *overflow)
{
    stack_t ours = {.ss_size = ALTERNATE_BYTES};

    pthread_once(&install_once, install);
    overflow->mapping = NULL;
    sigaltstack(NULL, &overflow->previous);
    if (!(overflow->previous.ss_flags & SS_DISABLE) && overflow->previous.ss_size >= ENOUGH_BYTES)
        return 0;
    overflow->mapping = mmap(NULL, GUARD_BYTES + ALTERNATE_BYTES, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (overflow->mapping == MAP_FAILED || mprotect(overflow->mapping, GUARD_BYTES, PROT_NONE) != 0) {
        if (overflow->mapping != MAP_FAILED)
            munmap(overflow->mapping, GUARD_BYTES + ALTERNATE_BYTES);
        overflow->mapping = NULL;
        errno = ENOMEM;
        return -1;
    }
    ours.ss_sp = overflow->mapping + GUARD_BYTES;
    return sigaltstack(&ours, NULL);
}

void cede__overflow_leave(struct cede__overflow *overflow)
{
    stack_t now;

    if (!overflow->mapping)
        return;
    sigaltstack(NULL, &now);
    if (now.ss_sp == overflow->mapping + GUARD_BYTES) /* else somebody has put in another since */
        sigaltstack(&overflow->previous, NULL);
    munmap(overflow->mapping, GUARD_BYTES + ALTERNATE_BYTES);
}
