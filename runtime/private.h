/* SPDX-License-Identifier: MIT */
/*
 * Private descriptors: those that the runtime has for itself (an epoll, an eventfd, a ring, the pidfd of a process
 * ...), in a table that is not its own. Programs close "all" descriptors (daemons at their start, closefrom(3), what
 * runs between fork and exec), or put one at a number that they chose (dup2). They mean their own: so the calls about
 * numbers in descriptor.c treat a private one as a number that is not open (EBADF), go round it, or move it away.
 *
 * Here is the set of their numbers. Any thread, any signal handler; no locks. Numbers that only a raised fs.nr_open
 * makes possible are not in it. A child of vfork(2) has descriptors of its own, and must not ask.
 */
#ifndef CEDE_RUNTIME_PRIVATE_H
#define CEDE_RUNTIME_PRIVATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    CEDE__PRIVATE_NUMBERS = 1 << 20, /* the kernel's bound by default */
    CEDE__PRIVATE_WORDS = CEDE__PRIVATE_NUMBERS / 64,
};

/* One bit for each. Only its first few hundred bytes are ever touched. */
extern _Atomic uint64_t cede__private_set[CEDE__PRIVATE_WORDS] __attribute__((visibility("hidden")));

static inline bool cede__private_has(int fd)
{
    unsigned number = (unsigned)fd;

    return number < CEDE__PRIVATE_NUMBERS
           && atomic_load_explicit(&cede__private_set[number / 64], memory_order_relaxed) >> (number % 64) & 1;
}

/* Makes fd, which may be -1, private: gives it a number far above those that programs choose, if possible. The number,
 * or -1 with errno, and fd closed. */
int cede__private_take(int fd);

/* One more number, private as well, for what fd is. -1 with errno EMFILE. */
int cede__private_copy(int fd);

/* Closes it. */
void cede__private_close(int fd);

/* The number is no longer ours, whatever it is. */
void cede__private_forget(int fd);

/* The lowest that is not below `from`; -1: there is none. */
int cede__private_next(int from);

#endif
