/* SPDX-License-Identifier: MIT */
/*
 * What the tests have seen the public functions return: recorded as the tests run, for check_covered.sh.
 *
 * covered.awk makes a header from the public ones that is included before each suite's own text. In it each function
 * is a macro that calls the function and records the outcome. So calls that a suite itself makes count, in whatever
 * helper; what the runtime calls inside does not.
 *
 * Why recorded and not looked for in the text of the tests: they call through helpers, in loops over errnos and in
 * child processes, which no script sees; and whether a task was cancelled while it waited, or before, no text tells.
 *
 * The record is a file, named by CEDE_COVER in the environment, that is mapped before the first test begins: forked
 * tests share it, recording is a store of one byte, and takes neither descriptors nor system calls that a test may be
 * counting. Without CEDE_COVER nothing is recorded. One row of COVER_ROW bytes for each function, in the order of the
 * headers; a byte is 1 once that has been seen: COVER_OK, an errno, or COVER_..._WAITING. One more row, whose first
 * byte is 1 once the whole suite has passed.
 */
#ifndef CEDE_TESTS_COVER_H
#define CEDE_TESTS_COVER_H

#include <errno.h>
#include <stdbool.h>

/* Bytes of a row; no errno is as big as the last two. */
enum {
    COVER_OK = 0,                   /* it succeeded */
    COVER_CANCELED_WAITING = 254,   /* ECANCELED, of a task that was not cancelled when it made the call */
    COVER_TIMEDOUT_WAITING = 255,   /* ETIMEDOUT, of a task whose deadlines had not passed when it made the call */
    COVER_ROW = 256,
};

/* A call that is under way. */
struct cover_call {
    int function;
    bool free; /* nothing had interrupted the task, or is about to, when the call began */
};

struct cover_call cover_begin(int function);

/* error: 0: it succeeded; negative: it failed in a way that has no errno. Keeps errno. */
void cover_end(const struct cover_call *call, int error);

/* A call without a result. */
void cover_called(int function);

/* The suite has passed: what is missing in its record is not missing because a test ended early. */
void cover_passed(void);

/*
 * From now on this process, and those that it forks, record nothing: storms see all there is, and prove little of it.
 */
void cover_stop(void);

#endif
