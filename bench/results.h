/* SPDX-License-Identifier: MIT */
/* What was measured: the values of each figure, of each round and turn, and what is told of them. */
#ifndef CEDE_BENCH_RESULTS_H
#define CEDE_BENCH_RESULTS_H

#include <stdbool.h>

enum { RESULTS_TURNS = 8 }; /* in a round, at most */

/* Before any other: how many rounds there may be, and how many turns there are in each. */
void results_begin(int rounds, int turns);

/* One value, of a round and turn counted from 0. The text of subject must stay where it is. */
void results_add(const char *question, const char *subject, long n, const char *unit, int round, int turn,
                 double value);

bool results_are_there(void);

/*
 * The table, on standard output: median, least and greatest of the rounds; then the median of the quotients by cede's,
 * formed within each turn, and between which bounds it would lie, 19 times of 20, if one measured for ever.
 */
void results_print(void);

/* The same without the bounds, as an array of objects (README.md). Ends the program if it cannot be written. */
void results_write_json(const char *file);

#endif
