/* SPDX-License-Identifier: MIT */
/*
 * What every benchmark shares.
 *
 * A question family is a program of its own: bench/<family>.c has main() and the table of its cases; each file
 * bench/<family>_<subject>.c adds one subject that can answer them, with BENCH_SUBJECT(). A peer is added by adding
 * its file: CMake finds it by name, and names the library it needs in one line (bench/CMakeLists.txt).
 *
 * bench_main() goes through the cases; in each round of a case every subject measures once, so that a machine that
 * changes its speed changes it for all of them. A measurement is a fresh process: nobody inherits another's heap, and
 * a subject that crashes costs its own figure only. It runs on one CPU, and reports with bench_report(). Where a round
 * would be too long for the machine to stay as it is, the subjects take turns within it: bench_turn().
 */
#ifndef CEDE_BENCH_HARNESS_H
#define CEDE_BENCH_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How much is asked: --tiny (does it still work?), --quick, the default, --full (all that takes long). */
enum bench_size {
    BENCH_TINY_ONLY = -1, /* for a case: in a tiny run, and in no other */
    BENCH_TINY, BENCH_QUICK, BENCH_NORMAL, BENCH_FULL,
};

struct bench_case {
    const char *question; /* as printed */
    long n;               /* tasks, contexts or connections */
    int shape;            /* which question of its family: for the subject */
    enum bench_size from; /* the smallest size of run that asks it */
};

struct bench_subject {
    const char *name;
    /* Measures once, in a process of its own. exit(1) with a message if that fails. */
    void (*measure)(const struct bench_case *which);
    long max_n; /* cases with more are not for it */
    struct bench_subject *next;
    const char *program; /* of a subject in another language: the file to execute; NULL: it is linked in */
};

void bench_subject_add(struct bench_subject *subject);

#define BENCH_SUBJECT(subject_name, function, largest_n)                                                       \
    static struct bench_subject this_subject = {(subject_name), (function), (largest_n), NULL, NULL}; \
    __attribute__((constructor)) static void add_this_subject(void)                                            \
    {                                                                                                          \
        bench_subject_add(&this_subject);                                                                      \
    }

/*
 * Subjects in other languages are programs: one for each language holds all its families, and is made known to each
 * family that it has a file for (CMake, bench/CMakeLists.txt). Without this, such a program is run once for each
 * measurement, as
 *
 *     PROGRAM FAMILY QUESTION N SIZE
 *
 * SIZE is the number of enum bench_size; it prints what bench_report() would take, "aspect TAB unit TAB value", a line
 * for each figure, and nothing if the question is not for it. A family in which the program is a part only (a server)
 * names a function of its own, before bench_main().
 */
void bench_programs_measure(void (*measure)(const struct bench_case *which));

/* In a measurement of a subject that is a program: its file. */
const char *bench_program(void);

/* main() of a family. Returns the exit status: 0, 1 if a measurement failed, 2 for wrong options. */
int bench_main(int argc, char **argv, const struct bench_case *cases, size_t count);

/*
 * In a measurement: one figure. aspect tells apart several figures of one case ("p50"), NULL: there is only one.
 * Lower is better unless the unit ends in "/s". A case that nobody reports on prints nothing.
 */
void bench_report(const char *aspect, const char *unit, double value);

/*
 * For a family whose measurements take turns, which says so before bench_main(): the processes of a round are all there
 * at once, each prepares itself, and then one after the other measures for a short time, again and again. A measurement
 * does what is to be measured in `while (bench_turn())`, reports in each turn, and is idle between them: bench_turn()
 * waits for the next one, and returns false when there are no more.
 */
void bench_take_turns(void);
bool bench_turn(void);

/* How many operations to do where a normal run does `normal`: fewer in a small run, but at least 1. */
long bench_count(long normal);

enum bench_size bench_size(void);

/* Nanoseconds of CLOCK_MONOTONIC. */
int64_t bench_now(void);

/* The CPU that subjects run on, and one for whoever puts the load on them (the same, if there is only one). */
int bench_cpu(void);
int bench_other_cpu(void);

/* Binds the calling process to a CPU; -1: does nothing. */
void bench_pin(int cpu);

/* A seeded pseudo-random sequence, the same for all. *state must not be 0. */
uint32_t bench_random(uint32_t *state);

/* Ends the measurement: prints "what: strerror(errno)". */
__attribute__((noreturn)) void bench_fail(const char *what);

#ifdef __cplusplus
}
#endif

#endif
