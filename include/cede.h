/* SPDX-License-Identifier: MIT */
/*
 * cede: blocking-style C as thousands of tasks on one OS thread.
 *
 * This header includes all of the public interface; each part can be included alone:
 *
 *   cede/time.h    units, clock, sleep
 *   cede/task.h    run, spawn, go, join, cancel, yield, park and wake
 *   cede/scope.h   deadlines for a block of code
 *   cede/io.h      read, write, recv, send, poll ... that park the task instead of blocking the thread
 *   cede/net.h     dial, listen, serve
 *   cede/dump.h    every task: state, what it waits for, backtrace
 *
 * One error rule everywhere: success is >= 0 or non-NULL; failure is -1 or NULL with errno. In every call that may
 * park, ECANCELED means that the calling task was cancelled, ETIMEDOUT that a deadline passed, and EDEADLK that
 * nothing in the program could ever end the wait.
 */
#ifndef CEDE_H
#define CEDE_H

#include <cede/dump.h>
#include <cede/io.h>
#include <cede/net.h>
#include <cede/scope.h>
#include <cede/task.h>
#include <cede/time.h>

#endif
