/* SPDX-License-Identifier: MIT */
/* A TCP connection, both ends of which are the test's. In a task. */
#ifndef CEDE_TESTS_CONNECTION_H
#define CEDE_TESTS_CONNECTION_H

#include <stdio.h>

#include "harness.h"

/* fds[0] is what cede_accept() has made, fds[1] what has connected to it. */
static inline void connect_both(int fds[2])
{
    int listener = cede_listen("127.0.0.1:0");
    char address[32];

    ck_assert_int_ge(listener, 0);
    snprintf(address, sizeof address, "127.0.0.1:%d", cede_port(listener));
    ck_assert_int_ge(fds[1] = cede_dial(address), 0);
    ck_assert_int_ge(fds[0] = cede_accept(listener, NULL, NULL), 0);
    ck_assert_int_eq(cede_close(listener), 0);
}

#endif
