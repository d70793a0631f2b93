/* SPDX-License-Identifier: MIT */
/* What the suites share whose tests run over each poller: POLLER_TEST, for
 * tcase_add_loop_test(tcase, name, 0, POLLERS), and a signal that ends a call. */
#ifndef CEDE_TESTS_POLLERS_H
#define CEDE_TESTS_POLLERS_H

#include <signal.h>

#include "harness.h"

static const char *const pollers[] = {"epoll", "io_uring"};
enum { POLLERS = 2 };

#define POLLER_TEST(name) ATTR_TEST(name, &(struct cede_run_attr){.poller = pollers[_i % POLLERS]})

static inline int raise_later(void *unused)
{
    (void)unused;
    cede_sleep(2 * CEDE_MILLISECOND);
    return raise(SIGUSR1);
}

static inline void handled(int signo)
{
    (void)signo;
    cede_signal_handled(0);
}

#endif
