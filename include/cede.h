/* SPDX-License-Identifier: MIT */
/*
 * cede: blocking-style C as thousands of tasks on one OS thread.
 *
 * This header includes all of the public interface; each part can be included alone:
 *
 *   cede/time.h    units, clock, sleep
 *   cede/task.h    run, spawn, go, join, cancel, yield, park and wake
 *   cede/error.h   failures with a message, which reaches who joins the task
 *   cede/scope.h   deadlines for a block of code
 *   cede/defer.h   clean-up for a block of code, and the end of a task from any depth
 *   cede/group.h   tasks that end before a block of code does
 *   cede/tasks.h   several tasks at once: gather, wait for the first or for all
 *   cede/gen.h     generators: functions that hand out one item after another
 *   cede/local.h   values of a task, inherited by its children
 *   cede/sync.h    mutex, rwlock, condition, event, semaphore, barrier, once, wait group
 *   cede/lot.h     waiting at an address, for locks of one's own
 *   cede/future.h  results that are brought once, from any thread
 *   cede/offload.h functions that run on a helper thread
 *   cede/runtime.h tasks that are spawned from other threads and from signal handlers
 *   cede/chan.h    channels, select
 *   cede/queue.h   queues: first in first out, last in first out, by priority; join
 *   cede/io.h      read, write, recv, send, poll ... that park the task instead of blocking the thread
 *   cede/buffer.h  buffers that are borrowed only while there are data in them
 *   cede/net.h     dial, listen, serve
 *   cede/stream.h  buffered reading and writing: lines, records, flush; dial and serve with it
 *   cede/file.h    open, stat, fsync, rename ...; directories
 *   cede/lookup.h  names of hosts, users and groups
 *   cede/ipc.h     System V and POSIX message queues, System V semaphores
 *   cede/process.h child processes and pipes to them
 *   cede/signal.h  signals as events, the orderly end of a program
 *   cede/dump.h    every task: state, what it waits for, backtrace
 *
 * One error rule everywhere: success is >= 0 or non-NULL; failure is -1 or NULL with errno. In every call that may
 * park, ECANCELED means that the calling task was cancelled, ETIMEDOUT that a deadline passed, and EDEADLK that
 * nothing in the program could ever end the wait.
 */
#ifndef CEDE_H
#define CEDE_H

#include <cede/buffer.h>
#include <cede/chan.h>
#include <cede/defer.h>
#include <cede/dump.h>
#include <cede/error.h>
#include <cede/file.h>
#include <cede/future.h>
#include <cede/gen.h>
#include <cede/group.h>
#include <cede/io.h>
#include <cede/ipc.h>
#include <cede/local.h>
#include <cede/lookup.h>
#include <cede/lot.h>
#include <cede/net.h>
#include <cede/offload.h>
#include <cede/process.h>
#include <cede/queue.h>
#include <cede/runtime.h>
#include <cede/scope.h>
#include <cede/signal.h>
#include <cede/stream.h>
#include <cede/sync.h>
#include <cede/task.h>
#include <cede/tasks.h>
#include <cede/time.h>

#endif
