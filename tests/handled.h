/* SPDX-License-Identifier: MIT */
/* A signal handler that only tells that it ran: for tests of masks. */
#ifndef CEDE_TESTS_HANDLED_H
#define CEDE_TESTS_HANDLED_H

#include <check.h>
#include <signal.h>

static volatile sig_atomic_t handled; /* the signal that was handled last; 0: none */

static inline void on_signal(int signo)
{
    handled = signo;
}

static inline void handle(int signo)
{
    const struct sigaction action = {.sa_handler = on_signal};

    ck_assert_int_eq(sigaction(signo, &action, NULL), 0);
}

#endif
