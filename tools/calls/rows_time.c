/* SPDX-License-Identifier: MIT */
/* Waiting for a time to come, or for a signal; see row.h. */
#include <signal.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#include "ends.h"
#include "raw.h"
#include "row.h"

static int by_sleep(struct state *s)
{
    (void)s;
    errno = 0;
    return sleep(1) == 0 ? 0 : -1;
}

static int by_usleep(struct state *s)
{
    return usleep((useconds_t)(delay(s)->tv_nsec / 1000));
}

static int by_nanosleep(struct state *s)
{
    return nanosleep(delay(s), NULL);
}

static int by_clock_nanosleep(struct state *s)
{
#ifdef RAW
    return (int)clock_nanosleep(CLOCK_MONOTONIC, 0, delay(s), NULL);
#else
    return expect_no_error(clock_nanosleep(CLOCK_MONOTONIC, 0, delay(s), NULL));
#endif
}

static int by_thrd_sleep(struct state *s)
{
    errno = 0;
    return thrd_sleep(delay(s), NULL) == 0 ? 0 : -1;
}

static void on_signal(int signo)
{
    (void)signo;
}

static int make_handler(struct state *s)
{
    const struct sigaction action = {.sa_handler = on_signal};

    (void)s;
    return sigaction(SIGUSR1, &action, NULL);
}

static int interrupted(int result)
{
    return result == -1 && errno == EINTR ? 0 : -1;
}

static int by_pause(struct state *s)
{
    (void)s;
    return interrupted((int)pause());
}

static int by_sigsuspend(struct state *s)
{
    sigset_t none;

    (void)s;
    sigemptyset(&none);
    return interrupted((int)sigsuspend(&none));
}

static int make_blocked_signal(struct state *s)
{
    sigset_t set;

    (void)s;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    return sigprocmask(SIG_BLOCK, &set, NULL);
}

static const sigset_t *the_signal(void)
{
    static sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    return &set;
}

static int by_sigwait(struct state *s)
{
    int signo;

    (void)s;
    return expect_no_error(sigwait(the_signal(), &signo));
}

static int by_sigwaitinfo(struct state *s)
{
    siginfo_t info;

    (void)s;
    return expect(sigwaitinfo(the_signal(), &info), SIGUSR1);
}

static int by_sigtimedwait(struct state *s)
{
    static const struct timespec long_time = {.tv_sec = 10};
    siginfo_t info;

    (void)s;
    return expect(sigtimedwait(the_signal(), &info, &long_time), SIGUSR1);
}

extern const struct row ROWS(time)[];
const struct row ROWS(time)[] = {
    {"sleep", .call_it = by_sleep},
    {"usleep", .call_it = by_usleep},
    {"nanosleep", RAW_TOO, .call_it = by_nanosleep},
    {"clock_nanosleep", RAW_TOO, .call_it = by_clock_nanosleep},
    {"clock_nanosleep", INSIDE, .call_it = by_thrd_sleep},
    {"thrd_sleep", .call_it = by_thrd_sleep},
    {"pause", .prepare = make_handler, .call_it = by_pause, .end_it = put_signal},
    {"sigsuspend", .prepare = make_handler, .call_it = by_sigsuspend, .end_it = put_signal},
    {"sigwait", .prepare = make_blocked_signal, .call_it = by_sigwait, .end_it = put_signal},
    {"sigwaitinfo", .prepare = make_blocked_signal, .call_it = by_sigwaitinfo, .end_it = put_signal},
    {"sigtimedwait", .prepare = make_blocked_signal, .call_it = by_sigtimedwait, .end_it = put_signal},
    {0},
};
