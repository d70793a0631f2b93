/* SPDX-License-Identifier: MIT */
/*
 * Who blocks a worker's thread; see audit.h.
 *
 * A thread of its own samples what each worker counts anyway: a worker that neither sleeps in its poller nor has moved
 * any of its counters for the time of the threshold is held up by its current task. A signal has that thread take its
 * own backtrace, in the midst of the call; the watching thread prints it. So the scheduler has no instruction for all
 * this.
 */
#include "audit.h"

#include <cede/time.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "backtrace.h"
#include "dump.h"
#include "duration.h"
#include "environment.h"
#include "run.h"
#include "sanitizer.h"
#include "symbol.h"
#include "sys.h"

enum {
    DEFAULT_MS = 10,
    SAMPLES = 4,          /* in the time of the threshold */
    PATIENCE_MS = 100,    /* for a thread that does not get to its signal handler */
    WATCHED = 256,        /* workers; later ones are not */
    STACK_BYTES = 256 << 10,
};

/* What stays the same while a worker's task neither ends, waits, yields nor completes calls of ours. */
struct counters {
    uint32_t tail, ends;
    int32_t budget;
    int64_t now_ns;
    const struct cede__task *current;
};

struct watch {
    struct counters last;
    int64_t since_ns;  /* when it was first seen so */
    bool reported;
    bool running;      /* on a CPU, when it was reported */
};

/* What the signal handler brings. One at a time: the watching thread asks and waits. */
static struct {
    atomic_int state; /* of the following */
    struct cede__backtrace backtrace;
    char name[64];    /* as cede__dump_name() has it */
    struct cede__report report;
} answer;

enum { IDLE, ASKED, ANSWERED };

static int64_t threshold_ns;

static int signo(void)
{
    return SIGRTMAX - 1;
}

/* ---- on the worker's thread ---- */

static void on_signal(int number, siginfo_t *info, void *context)
{
    int saved = errno, expected = ASKED;
    struct cede__worker *worker = cede__worker;

    (void)number, (void)info, (void)context;
    if (worker && worker->current && atomic_load(&answer.state) == ASKED) {
        cede__backtrace_interrupted(&answer.backtrace);
        strncpy(answer.name, worker->current->name, sizeof answer.name - 1);
        atomic_compare_exchange_strong(&answer.state, &expected, ANSWERED);
    }
    errno = saved;
}

/* ---- on the watching thread ---- */

static void rest(int64_t ns)
{
    struct timespec time = cede__duration_timespec(ns);

    syscall(SYS_nanosleep, &time, NULL);
}

/* Another thread writes them, and a torn or old value does no harm. */
static CEDE__NO_TSAN struct counters look(const struct cede__worker *worker)
{
    return (struct counters){worker->queue.tail, worker->ends, worker->budget, worker->now_ns, worker->current};
}

static bool same(const struct counters *a, const struct counters *b)
{
    return a->tail == b->tail && a->ends == b->ends && a->budget == b->budget && a->now_ns == b->now_ns
           && a->current == b->current;
}

/* Whether the thread is on a CPU, or about to be; proc(5): the letter after the name in parentheses. */
static bool is_running(int thread_id)
{
    char path[64], text[512], *end;
    ssize_t count = 0;
    int fd;

    snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread_id);
    fd = cede__sys_open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd >= 0) {
        count = cede__sys_read(fd, text, sizeof text - 1);
        cede__sys_close(fd);
    }
    text[count > 0 ? count : 0] = '\0';
    end = strrchr(text, ')');
    return end && end[1] == ' ' && end[2] == 'R';
}

/* Has the thread take its backtrace. False: it did not in time. */
static bool ask(int thread_id)
{
    int waited_ms, expected = ASKED;

    memset(answer.name, 0, sizeof answer.name);
    atomic_store(&answer.state, ASKED);
    syscall(SYS_tgkill, getpid(), thread_id, signo());
    for (waited_ms = 0; waited_ms < PATIENCE_MS && atomic_load(&answer.state) == ASKED; waited_ms++)
        rest(CEDE_MILLISECOND);
    return !atomic_compare_exchange_strong(&answer.state, &expected, IDLE);
}

/* The library that made the call: that of the newest frame outside libc and us. */
static void put_place(struct cede__report *report)
{
    struct cede__symbol symbol, first;
    unsigned i;

    for (i = 0; i < answer.backtrace.count && i < CEDE__BACKTRACE_FIRST; i++) {
        cede__symbol_find(answer.backtrace.first[i], &symbol);
        if (i == 0)
            first = symbol;
        if (symbol.module && strncmp(symbol.module, "libc.", 5) != 0 && strncmp(symbol.module, "libcede", 7) != 0)
            break;
        symbol.module = NULL;
    }
    if (i > 0 && answer.backtrace.count > 0 && first.name[0]) {
        cede__report_text(report, " in ");
        cede__report_text(report, first.name);
    }
    if (i < answer.backtrace.count && symbol.module) {
        cede__report_text(report, ", called by ");
        cede__report_text(report, symbol.module);
    }
}

static void put_task(struct cede__report *report, const struct cede__worker *worker)
{
    cede__report_text(report, "cede: audit: ");
    cede__report_quoted(report, answer.name[0] ? answer.name : "a task");
    cede__report_text(report, " of thread ");
    cede__report_decimal(report, worker->thread_id);
}

static void report_begin(struct watch *watch, const struct cede__worker *worker, int64_t now_ns)
{
    struct cede__report *report = &answer.report;
    bool answered;

    watch->reported = true;
    watch->running = is_running(worker->thread_id);
    answered = ask(worker->thread_id);
    cede__report_begin(report, STDERR_FILENO);
    put_task(report, worker);
    cede__report_text(report, watch->running ? " has been running without a wait for "
                                             : " has been blocking it for ");
    cede__report_duration(report, now_ns - watch->since_ns);
    if (answered) {
        put_place(report);
        cede__report_text(report, "\n");
        cede__backtrace_print(&answer.backtrace, report);
    } else {
        cede__report_text(report, " and does not answer\n");
    }
    cede__report_end(report);
}

static void report_end(const struct watch *watch, const struct cede__worker *worker, int64_t now_ns)
{
    struct cede__report *report = &answer.report;

    cede__report_begin(report, STDERR_FILENO);
    cede__report_text(report, "cede: audit: thread ");
    cede__report_decimal(report, worker->thread_id);
    cede__report_text(report, watch->running ? " goes on: the task ran for " : " goes on: it was blocked for ");
    cede__report_duration(report, now_ns - watch->since_ns);
    cede__report_text(report, " in all\n");
    cede__report_end(report);
}

static void sample(struct watch *watch, struct cede__worker *worker)
{
    struct counters now = look(worker);
    int64_t now_ns = cede_now();
    bool busy = atomic_load(&worker->in_use) && !atomic_load(&worker->asleep) && now.current
                && now.current != &worker->thread;

    if (!busy || !same(&now, &watch->last)) {
        if (watch->reported)
            report_end(watch, worker, now_ns);
        watch->last = now;
        watch->since_ns = now_ns;
        watch->reported = false;
    } else if (!watch->reported && now_ns - watch->since_ns >= threshold_ns) {
        report_begin(watch, worker, now_ns);
    }
}

static void *watch_all(void *unused)
{
    static struct watch watches[WATCHED];
    struct cede__worker *worker;
    unsigned count, i;

    (void)unused;
    for (;;) {
        rest(threshold_ns / SAMPLES);
        count = 0;
        for (worker = cede__run_workers(); worker; worker = worker->next)
            count++;
        /* The list grows at its head: the oldest is number 0 for ever. */
        for (worker = cede__run_workers(), i = count; worker && i > 0; worker = worker->next)
            if (--i < WATCHED)
                sample(&watches[i], worker);
    }
    return NULL;
}

/* ---- start ---- */

static void start_thread(void)
{
    sigset_t all, saved;
    pthread_attr_t attr;
    pthread_t thread;

    if (pthread_attr_init(&attr) != 0)
        return;
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &saved);
    pthread_create(&thread, &attr, watch_all, NULL);
    pthread_sigmask(SIG_SETMASK, &saved, NULL);
    pthread_attr_destroy(&attr);
}

static void start(void)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    long threshold_ms = DEFAULT_MS;

    if (!cede__environment_has("CEDE_AUDIT", "1"))
        return;
    cede__environment_number("CEDE_AUDIT_MS", &threshold_ms);
    threshold_ns = threshold_ms * CEDE_MILLISECOND;
    sigfillset(&action.sa_mask);
    if (sigaction(signo(), &action, NULL) == 0)
        start_thread();
}

void cede__audit_start(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, start);
}
