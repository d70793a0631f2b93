/* SPDX-License-Identifier: MIT */
/*
 * Signals as events; see cede/signal.h.
 *
 * The handler runs at any moment, on any thread: it puts the signal on a lock-free stack and posts to every runtime,
 * whose worker then gives what is there to those of its tasks that wait. Who comes to wait looks there first.
 */
#include <cede/signal.h>
#include <errno.h>
#include <pthread.h>

#include <cede/task.h>

#include "handler.h"
#include "mask.h"
#include "run.h"
#include "signal.h"
#include "sys.h"
#include "wait.h"

enum { STANDARD_SIGNALS = 32, REALTIME_KEPT = 256 };

/* A signal that has been caught. One for each standard signal, and a pool. */
struct caught {
    struct caught *older;   /* on the handler's stack */
    struct cede__list link; /* in `kept` */
    siginfo_t info;
    atomic_bool used;       /* from when a handler takes it until its signal has been given to somebody */
};

/* One call of cede_signal_wait(), on its task's stack. */
struct wait {
    struct cede__waiter waiter; /* in its worker's list */
    const sigset_t *set;
    siginfo_t info;             /* set by who ends the wait with EVENT */
};

static struct caught standard[STANDARD_SIGNALS], realtime[REALTIME_KEPT];
static _Atomic(struct caught *) newest; /* what the handlers have caught */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the following; handlers never take it */
static struct cede__list kept;                           /* caught signals, in order */
static struct {
    unsigned waits, watches;
    struct sigaction previous; /* while one of them is not 0 */
} signals[_NSIG];

/* ---- the handler ---- */

static struct caught *claim(int signo)
{
    unsigned i;

    if (signo < STANDARD_SIGNALS)
        return atomic_exchange(&standard[signo].used, true) ? NULL : &standard[signo];
    for (i = 0; i < REALTIME_KEPT; i++)
        if (!atomic_load_explicit(&realtime[i].used, memory_order_relaxed) && !atomic_exchange(&realtime[i].used, true))
            return &realtime[i];
    return NULL;
}

static void deliver(struct cede__remote *remote);

static void on_signal(int signo, siginfo_t *info, void *context)
{
    struct caught *caught = claim(signo);
    struct cede__worker *worker;
    int saved = errno;

    (void)context;
    if (!caught)
        return;
    caught->info = *info;
    caught->older = atomic_load(&newest);
    while (!atomic_compare_exchange_weak(&newest, &caught->older, caught))
        ;
    for (worker = cede__run_workers(); worker; worker = worker->next) {
        if (!atomic_load(&worker->in_use) || atomic_exchange(&worker->signal_posted, true))
            continue;
        worker->signal_post.deliver = deliver;
        cede__sched_post(worker, &worker->signal_post);
    }
    errno = saved;
}

/* ---- from the handler to the waits; all with the lock held ---- */

static void collect(void)
{
    struct caught *caught = atomic_exchange(&newest, NULL), *oldest = NULL, *next;

    for (; caught; caught = next) {
        next = caught->older;
        caught->older = oldest;
        oldest = caught;
    }
    for (; oldest; oldest = next) {
        next = oldest->older; /* a handler may take it as soon as it is free again */
        cede__list_append(&kept, &oldest->link);
    }
}

static void give_back(struct caught *caught)
{
    cede__list_remove(&caught->link);
    atomic_store(&caught->used, false);
}

/* The oldest kept signal of the set goes to *info. Returns whether there is one. */
static bool take(const sigset_t *set, siginfo_t *info)
{
    struct cede__list *link;
    struct caught *caught;

    for (link = kept.next; link && link != &kept; link = link->next) {
        caught = CEDE__CONTAINER(link, struct caught, link);
        if (sigismember(set, caught->info.si_signo) != 1)
            continue;
        *info = caught->info;
        give_back(caught);
        return true;
    }
    return false;
}

static void deliver(struct cede__remote *remote)
{
    struct cede__worker *worker = CEDE__CONTAINER(remote, struct cede__worker, signal_post);
    struct cede__list *link, *next;
    struct wait *wait;

    atomic_store(&worker->signal_posted, false);
    pthread_mutex_lock(&lock);
    collect();
    for (link = worker->signal_waiters.next; link && link != &worker->signal_waiters; link = next) {
        next = link->next;
        wait = CEDE__CONTAINER(link, struct wait, waiter.link);
        if (take(wait->set, &wait->info))
            cede__sched_wake(&wait->waiter, CEDE__WAKE_EVENT);
    }
    pthread_mutex_unlock(&lock);
}

/* ---- catching signals, and no longer ---- */

static bool sensible(int signo)
{
    return signo > 0 && signo < _NSIG && signo != SIGKILL && signo != SIGSTOP && signo != SIGSEGV && signo != SIGBUS
           && signo != SIGILL && signo != SIGFPE;
}

/* 0, or -1 with errno EINVAL. */
static int check(const sigset_t *set)
{
    bool any = false;
    int signo;

    for (signo = 1; set && signo < _NSIG; signo++) {
        if (sigismember(set, signo) != 1)
            continue;
        any = true;
        if (!sensible(signo)) {
            any = false;
            break;
        }
    }
    if (any)
        return 0;
    errno = EINVAL;
    return -1;
}

static unsigned *counter(int signo, bool watch)
{
    return watch ? &signals[signo].watches : &signals[signo].waits;
}

/* Catches the signals of the set, once more. */
static void begin(const sigset_t *set, bool watch)
{
    int signo;

    pthread_mutex_lock(&lock);
    for (signo = 1; signo < _NSIG; signo++) {
        if (sigismember(set, signo) != 1)
            continue;
        if (signals[signo].waits + signals[signo].watches == 0)
            cede__handler_install(signo, on_signal, &signals[signo].previous);
        ++*counter(signo, watch);
    }
    pthread_mutex_unlock(&lock);
    cede__mask_let_through(set);
}

/* Nobody waits for the signal any more. Unless somebody has put in another handler since, puts back what was there. */
static void release(int signo)
{
    struct sigaction now;

    if (sigaction(signo, NULL, &now) == 0 && now.sa_flags & SA_SIGINFO && now.sa_sigaction == on_signal)
        sigaction(signo, &signals[signo].previous, NULL);
}

/* The opposite of begin(). */
static void end(const sigset_t *set, bool watch)
{
    sigset_t left, again;
    siginfo_t info;
    int signo;

    sigemptyset(&left);
    sigemptyset(&again);
    cede__mask_let_through_end(set); /* first: what was there before may be to end the process */
    pthread_mutex_lock(&lock);
    for (signo = 1; signo < _NSIG; signo++) {
        if (sigismember(set, signo) != 1)
            continue;
        --*counter(signo, watch);
        if (signals[signo].waits + signals[signo].watches == 0) {
            release(signo);
            sigaddset(&left, signo);
        }
    }
    collect();
    while (take(&left, &info))
        sigaddset(&again, info.si_signo);
    pthread_mutex_unlock(&lock);
    for (signo = 1; signo < _NSIG; signo++)
        if (sigismember(&again, signo) == 1)
            kill(getpid(), signo);
}

/* ---- the public calls ---- */

static int wait_for(struct wait *wait)
{
    struct cede__worker *worker = cede__worker;
    enum cede__wake reason;
    bool taken;

    pthread_mutex_lock(&lock);
    collect();
    taken = take(wait->set, &wait->info);
    pthread_mutex_unlock(&lock);
    if (taken)
        return 0;
    /* What is caught from here on has been posted, and is delivered once this task is parked. */
    cede__list_append(&worker->signal_waiters, &wait->waiter.link);
    reason = cede__wait(&wait->waiter, INT64_MAX);
    return cede__wait_errno(reason);
}

int cede_signal_wait(const sigset_t *set, siginfo_t *info)
{
    struct wait wait = {.waiter = {.what = "signal", .subject = -1, .external = true}, .set = set};
    int result, error;

    if (set && !cede__in_task())
        return sigwaitinfo(set, info);
    if (check(set) != 0)
        return -1;
    error = errno;
    begin(set, false);
    result = wait_for(&wait);
    if (result != 0)
        error = errno;
    end(set, false);
    errno = error;
    if (result != 0)
        return -1;
    if (info)
        *info = wait.info;
    return wait.info.si_signo;
}

int cede_signal_watch(const sigset_t *set)
{
    if (check(set) != 0)
        return -1;
    if (!cede__in_task()) {
        errno = EPERM;
        return -1;
    }
    begin(set, true);
    return 0;
}

int cede_signal_unwatch(const sigset_t *set)
{
    bool watched = true;
    int signo;

    if (check(set) != 0)
        return -1;
    if (!cede__in_task()) {
        errno = EPERM;
        return -1;
    }
    pthread_mutex_lock(&lock);
    for (signo = 1; signo < _NSIG; signo++)
        watched &= sigismember(set, signo) != 1 || (signals[signo].watches > 0 && cede__mask_lets_through(signo));
    pthread_mutex_unlock(&lock);
    if (!watched) {
        errno = EINVAL;
        return -1;
    }
    end(set, true);
    return 0;
}

/* ---- shutdown ---- */

static struct sigaction before_shutdown[_NSIG];
static atomic_bool shutting_down;

/* Returns whether there was any. */
static bool cancel_first_tasks(void)
{
    struct cede__worker *worker;
    struct cede_task *task;
    bool any = false;

    for (worker = cede__run_workers(); worker; worker = worker->next) {
        task = atomic_load(&worker->shutdown_task);
        if (atomic_load(&worker->in_use) && task && cede_cancel(task) == 0)
            any = true;
    }
    return any;
}

static void on_shutdown(int signo, siginfo_t *info, void *context)
{
    static const struct sigaction by_default; /* SIG_DFL */
    bool again = atomic_exchange(&shutting_down, true);
    int saved = errno;

    (void)info, (void)context;
    if (again || !cancel_first_tasks()) {
        sigaction(signo, again ? &by_default : &before_shutdown[signo], NULL);
        atomic_store(&shutting_down, false);
        syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), signo); /* takes effect when this returns */
    }
    errno = saved;
}

int cede_shutdown_on_signal(int signo)
{
    int result;

    if (!sensible(signo)) {
        errno = EINVAL;
        return -1;
    }
    if (!cede__in_task()) {
        errno = EPERM;
        return -1;
    }
    atomic_store(&cede__worker->shutdown_task, cede__task_handle(cede__worker->root));
    atomic_store(&shutting_down, false); /* an earlier runtime may have been told to end */
    pthread_mutex_lock(&lock);
    result = cede__handler_install(signo, on_shutdown, &before_shutdown[signo]);
    pthread_mutex_unlock(&lock);
    return result;
}

/* ---- fork ---- */

void cede__signal_lock(void)
{
    pthread_mutex_lock(&lock);
}

void cede__signal_unlock(void)
{
    pthread_mutex_unlock(&lock);
}

void cede__signal_forked(struct cede__worker *own)
{
    struct cede__list *link;
    int signo;

    collect();
    while ((link = cede__list_take(&kept)))
        atomic_store(&CEDE__CONTAINER(link, struct caught, link)->used, false);
    cede__mask_forked();
    while (own && (link = cede__list_take(&own->signal_waiters)))
        cede__mask_let_through_end(CEDE__CONTAINER(link, struct wait, waiter.link)->set);
    for (signo = 1; signo < _NSIG; signo++) {
        if (signals[signo].waits > 0 && signals[signo].watches == 0)
            release(signo);
        signals[signo].waits = 0;
    }
}
