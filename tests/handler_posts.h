/* SPDX-License-Identifier: MIT */
/* A storm: a signal handler gives what tasks take, however often it interrupts the runtime in its midst. */
#ifndef CEDE_TESTS_HANDLER_POSTS_H
#define CEDE_TESTS_HANDLER_POSTS_H

#include <signal.h>
#include <time.h>

#include "harness.h"

/* post() is called every period_us; each round, two tasks take one each: 0, or takes() has failed. */
static inline void handler_posts(void (*post)(int signo), long period_us, cede_task_fn *takes)
{
    struct sigaction action = {.sa_handler = post, .sa_flags = SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec often = {.it_interval.tv_nsec = period_us * 1000, .it_value.tv_nsec = period_us * 1000},
                      never = {0};
    int i, rounds = HARNESS_SCALE(1000);
    struct cede_task *task;
    timer_t timer;

    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    ck_assert_int_eq(timer_settime(timer, 0, &often, NULL), 0);
    for (i = 0; i < rounds; i++) {
        task = cede_spawn(takes, NULL);
        ck_assert_int_eq(takes(NULL), 0);
        ck_assert_int_eq(cede_await(task), 0);
    }
    ck_assert_int_eq(timer_settime(timer, 0, &never, NULL), 0);
    timer_delete(timer);
}

#endif
