/* SPDX-License-Identifier: MIT */
/* Scenes: signals; see run_threads.h. */
#include "run_threads.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/time.h>

/* ---- to the process and to a thread ---- */

static void *blocks_signal(void *unused)
{
    SAY("inherited: %d %d", blocks(SIGUSR1), blocks(SIGUSR2));
    block(SIG_BLOCK, SIGUSR2);
    block(SIG_UNBLOCK, SIGUSR1);
    SAY("changed: %d %d", blocks(SIGUSR1), blocks(SIGUSR2));
    sem_post(&there);
    sem_wait(&go);
    raise(SIGUSR2);
    SAY("raised while blocked: %d", handled);
    block(SIG_UNBLOCK, SIGUSR2);
    SAY("unblocked: %d", handled);
    return unused;
}

static void masks(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    pthread_t id;

    sigaction(SIGUSR2, &action, NULL);
    block(SIG_BLOCK, SIGUSR1);
    start(&id, blocks_signal, NULL);
    sem_wait(&there);
    SAY("main's: %d %d", blocks(SIGUSR1), blocks(SIGUSR2));
    kill(getpid(), SIGUSR2); /* main does not block it */
    while (!handled)
        sched_yield();
    handled = 0;
    sem_post(&go);
    join(id);
}

static void *waits_for_signal(void *unused)
{
    sigset_t set;
    int signo = 0;

    (void)unused;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigwait(&set, &signo);
    return signo == SIGTERM ? "SIGTERM" : "another";
}

static void signal_thread(void)
{
    pthread_t id;

    block(SIG_BLOCK, SIGTERM);
    start(&id, waits_for_signal, NULL);
    pause_ms(2);
    kill(getpid(), SIGTERM);
    SAY("process: %s", join(id));
    start(&id, waits_for_signal, NULL);
    pause_ms(2);
    SAY("kill: %s", error_name(pthread_kill(id, SIGTERM)));
    SAY("thread: %s", join(id));
    start(&id, wait_and_return, NULL);
    SAY("none: %s, wrong: %s", error_name(pthread_kill(id, 0)), error_name(pthread_kill(id, 999)));
    sem_post(&go);
    join(id);
}

static void *reads(void *fd)
{
    char byte;
    int error = read(*(int *)fd, &byte, 1) < 0 ? errno : 0;

    SAY("%s", error_name(error));
    return NULL;
}

static void killed_in_calls(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    pthread_t first, second;
    int fds[2];

    pipe(fds);
    sigaction(SIGUSR2, &action, NULL);
    start(&first, reads, &fds[0]);
    pause_ms(5);
    start(&second, reads, &fds[0]);
    pause_ms(5);
    do { /* it may not have come to its call yet */
        pthread_kill(second, SIGUSR2); /* not the one that has waited longer */
        pause_ms(5);
    } while (pthread_tryjoin_np(second, NULL) == EBUSY);
    SAY("handled: %d", handled > 0);
    SAY("first: %s", error_name(pthread_tryjoin_np(first, NULL)));
    write(fds[1], "x", 1);
    join(first);
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR2, &action, NULL);
    start(&first, reads, &fds[0]);
    pause_ms(5);
    pthread_kill(first, SIGUSR2);
    pause_ms(5);
    write(fds[1], "x", 1);
    join(first);
    SAY("handled: %d", handled > 1);
}

/* A handler may come while nothing runs, after a thread has ended. */
static int handler_pipe[2];

static void on_signal_write(int signo)
{
    (void)signo;
    write(handler_pipe[1], "x", 1);
}

static void handler_writes(void)
{
    char byte = 0;
    pthread_t id;

    pipe(handler_pipe);
    signal(SIGALRM, on_signal_write);
    start(&id, return_at_once, NULL);
    ualarm(20000, 0);
    while (read(handler_pipe[0], &byte, 1) < 0)
        ;
    SAY("%c", byte);
    join(id);
}

/* ---- sent to one thread that blocks it ---- */

/* Each waits for the same signal, and returns the value that came with it. */
static void *waits_for_value(void *unused)
{
    sigset_t set = set_of(SIGRTMIN);
    siginfo_t info;

    (void)unused;
    block(SIG_BLOCK, SIGRTMIN);
    sem_post(&there);
    return sigwaitinfo(&set, &info) == SIGRTMIN && info.si_code == SI_QUEUE && info.si_pid == getpid()
               ? info.si_value.sival_ptr : "another";
}

static void values(void)
{
    char *const texts[] = {"first", "second", "third"};
    pthread_t ids[3];
    int i;

    for (i = 0; i < 3; i++)
        start(&ids[i], waits_for_value, NULL);
    for (i = 0; i < 3; i++)
        sem_wait(&there);
    pause_ms(5);
    for (i = 2; i >= 0; i--)
        SAY("sent: %s", error_name(pthread_sigqueue(ids[i], SIGRTMIN, (union sigval){.sival_ptr = texts[i]})));
    for (i = 0; i < 3; i++)
        SAY("%s", join(ids[i]));
}

static int received[8], count;

static void note_value(int signo, siginfo_t *info, void *unused)
{
    (void)signo, (void)unused;
    received[count++ % 8] = info->si_value.sival_int;
}

static void *gets_values_later(void *unused)
{
    sigset_t set, real_time = set_of(SIGRTMIN + 1);
    siginfo_t info;
    int i;

    block(SIG_BLOCK, SIGRTMIN);
    block(SIG_BLOCK, SIGRTMIN + 1);
    block(SIG_BLOCK, SIGUSR1);
    sem_post(&there);
    sem_wait(&go);
    sigpending(&set);
    SAY("pending: %d %d %d %d", sigismember(&set, SIGRTMIN), sigismember(&set, SIGRTMIN + 1),
        sigismember(&set, SIGUSR1), sigismember(&set, SIGUSR2));
    block(SIG_UNBLOCK, SIGRTMIN);
    SAY("%d: %d %d %d", count, received[0], received[1], received[2]);
    for (i = 0; i < 2; i++)
        SAY("%d", sigtimedwait(&real_time, &info, &(struct timespec){0}) > 0 ? info.si_value.sival_int : -1);
    SAY("%s", sigtimedwait(&real_time, &info, &(struct timespec){.tv_nsec = 1000000}) < 0 ? error_name(errno) : "0");
    handled = 0;
    block(SIG_UNBLOCK, SIGUSR1);
    SAY("kept once: %d", handled);
    sigpending(&set);
    SAY("pending: %d", sigismember(&set, SIGUSR1));
    return unused;
}

static void kept(void)
{
    struct sigaction action = {.sa_sigaction = note_value, .sa_flags = SA_SIGINFO};
    pthread_t id;
    int i;

    sigaction(SIGRTMIN, &action, NULL);
    handle(SIGUSR1, on_signal, 0);
    start(&id, gets_values_later, NULL);
    sem_wait(&there);
    for (i = 1; i <= 3; i++) {
        pthread_sigqueue(id, SIGRTMIN, (union sigval){.sival_int = i});
        if (i < 3)
            pthread_sigqueue(id, SIGRTMIN + 1, (union sigval){.sival_int = 10 * i});
        pthread_kill(id, SIGUSR1);
    }
    sem_post(&go);
    join(id);
}

/* ---- waits with a mask ---- */

static int in_sigsuspend(const sigset_t *mask)
{
    return sigsuspend(mask);
}

static int in_ppoll(const sigset_t *mask)
{
    return ppoll(NULL, 0, NULL, mask);
}

static int in_pselect(const sigset_t *mask)
{
    return pselect(0, NULL, NULL, NULL, NULL, mask);
}

static int in_epoll_pwait(const sigset_t *mask)
{
    static int fd = -1;
    struct epoll_event event;

    if (fd < 0)
        fd = epoll_create1(0);
    return epoll_pwait(fd, &event, 1, -1, mask);
}

static int in_pause(const sigset_t *mask)
{
    sigset_t before;
    int result;

    pthread_sigmask(SIG_SETMASK, mask, &before);
    result = pause();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

static const struct {
    const char *name;
    int (*call)(const sigset_t *mask);
} suspended[] = {
    {"sigsuspend", in_sigsuspend}, {"ppoll", in_ppoll}, {"pselect", in_pselect}, {"epoll_pwait", in_epoll_pwait},
    {"pause", in_pause},
};

enum { SUSPENDED = sizeof suspended / sizeof *suspended };

static atomic_bool over; /* is_suspended()'s wait */

static void *is_suspended(void *which)
{
    sigset_t open = set_of(0);
    int i = (int)(intptr_t)which, result;

    block(SIG_BLOCK, SIGUSR1);
    sem_post(&there);
    sem_wait(&go);
    result = suspended[i].call(&open);
    over = true;
    SAY("%s: %s, blocks again: %d", suspended[i].name, result < 0 ? error_name(errno) : "0", blocks(SIGUSR1));
    return NULL;
}

/* What comes before pause() has begun, it misses: then again. */
static void send_until_over(pthread_t id, bool to_process, bool again)
{
    over = false;
    sem_post(&go);
    do {
        pause_ms(20);
        if (to_process)
            kill(getpid(), SIGUSR1);
        else
            pthread_kill(id, SIGUSR1);
        if (again)
            pause_ms(20);
    } while (again && !over);
    join(id);
}

/* The signal is there before the wait, then it comes in it; to the process it belongs to whom it is open to. */
static void suspends(void)
{
    pthread_t id;
    bool misses;
    intptr_t i;

    handle(SIGUSR1, on_signal, SA_RESTART);
    for (i = 0; i < SUSPENDED; i++) {
        misses = suspended[i].call == in_pause;
        block(SIG_UNBLOCK, SIGUSR1);
        start(&id, is_suspended, (void *)i);
        sem_wait(&there);
        if (!misses) {
            pthread_kill(id, SIGUSR1);
            SAY("blocked: %d", handled);
            sem_post(&go);
            join(id);
            SAY("handled: %d", handled);
            start(&id, is_suspended, (void *)i);
            sem_wait(&there);
        }
        send_until_over(id, false, misses);
        block(SIG_BLOCK, SIGUSR1);
        start(&id, is_suspended, (void *)i);
        sem_wait(&there);
        send_until_over(id, true, misses);
        SAY("handled: %d", misses ? handled >= 2 : handled);
        handled = 0;
    }
}

/* What one of them waits for is nothing to the others; and masks that are set meanwhile stay. */
static void *suspended_until_go(void *unused)
{
    sigset_t open = set_of(SIGUSR1);

    block(SIG_BLOCK, SIGUSR1);
    block(SIG_BLOCK, SIGUSR2);
    sem_post(&there);
    sigsuspend(&open); /* until SIGUSR2 */
    SAY("suspended: %d %d", blocks(SIGUSR1), blocks(SIGUSR2));
    return unused;
}

static void mask_beside(void)
{
    pthread_t ids[2];
    int i;

    handle(SIGUSR1, on_signal, 0);
    handle(SIGUSR2, on_signal, 0);
    for (i = 0; i < 2; i++)
        start(&ids[i], suspended_until_go, NULL);
    for (i = 0; i < 2; i++)
        sem_wait(&there);
    pause_ms(10);
    block(SIG_BLOCK, SIGTERM);
    pthread_kill(ids[0], SIGUSR1);
    pthread_kill(ids[0], SIGUSR2);
    join(ids[0]);
    block(SIG_BLOCK, SIGUSR1);
    SAY("main's: %d %d %d", blocks(SIGTERM), blocks(SIGUSR1), blocks(SIGUSR2));
    pthread_kill(ids[1], SIGUSR2);
    join(ids[1]);
    SAY("main's: %d %d %d, handled: %d", blocks(SIGTERM), blocks(SIGUSR1), blocks(SIGUSR2), handled);
    raise(SIGTERM);
    raise(SIGUSR1);
    SAY("handled: %d", handled);
    raise(SIGUSR2);
    SAY("handled: %d", handled);
}

/* ---- handlers at any moment ---- */

static pthread_t sleeper;

static void send_more(int signo)
{
    int saved = errno;

    (void)signo;
    raise(SIGUSR1);
    pthread_kill(sleeper, SIGUSR2);
    pthread_kill(pthread_self(), SIGUSR2);
    errno = saved;
}

static void *sleeps(void *unused)
{
    block(SIG_BLOCK, SIGUSR2);
    sem_post(&there);
    sem_wait(&go);
    return unused;
}

/* Whatever they interrupt, handlers may send signals. */
static void sends_in_handlers(void)
{
    const struct itimerval often = {.it_interval.tv_usec = 50, .it_value.tv_usec = 50}, never = {0};
    int i, joined = 0;
    pthread_t id;
    void *result;

    handle(SIGUSR1, on_signal, SA_RESTART);
    handle(SIGUSR2, on_signal, SA_RESTART);
    start(&sleeper, sleeps, NULL);
    sem_wait(&there);
    handle(SIGALRM, send_more, SA_RESTART);
    setitimer(ITIMER_REAL, &often, NULL);
    for (i = 0; i < 5000; i++)
        if (pthread_create(&id, NULL, return_at_once, "x") == 0 && pthread_join(id, &result) == 0 && result)
            joined++;
    setitimer(ITIMER_REAL, &never, NULL);
    SAY("%d joined, handled: %d, masks: %d %d %d", joined, handled > 0, blocks(SIGALRM), blocks(SIGUSR1),
        blocks(SIGUSR2));
    while (sem_post(&go) != 0)
        ;
    join(sleeper);
}

const struct scene scenes_of_signals[] = {
    {"masks", masks},
    {"signal_thread", signal_thread},
    {"killed_in_calls", killed_in_calls},
    {"handler_writes", handler_writes},
    {"values", values},
    {"kept", kept},
    {"suspends", suspends},
    {"mask_beside", mask_beside},
    {"sends_in_handlers", sends_in_handlers},
    {NULL, NULL},
};
