/* SPDX-License-Identifier: MIT */
/* `cede bench switch`: what a switch, a yield, a wake-up and a task cost on this machine. */
#include "../../arch/arch.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench.h"
#include "command.h"

enum { OPERATIONS = 1000000, QUICK_OPERATIONS = 1000, ROUNDS = 11, MOST_ROUNDS = 1000 };

static const char help[] =
    "usage: cede bench switch [--rounds N] [--quick]\n"
    "\n"
    "Measures what a context switch costs on this machine, with and without the floating-point control words that\n"
    "belong to a task, and what is built on it: yield, wake and park, spawn and join; in nanoseconds and cycles,\n"
    "with one page about what it means. For whoever ports cede to a CPU, or wonders. Runs on one CPU for about two\n"
    "seconds.\n"
    "\n"
    "  --rounds N   measures everything N times, by turns (default 11): shown are the median and the least\n"
    "  --quick      few operations, one round: does it work here? The figures mean nothing\n"
    "\n"
    "How cede compares with others: bench/run in the sources.\n";

enum row_id {
    CALL, SWITCH, SWITCH_NO_CONTROL, SWITCH_MANY, SWITCH_MANY_NO_CONTROL, YIELD, YIELD_MANY, WAKE, SPAWN, THREAD, ROWS
};

static const struct {
    const char *what;
    struct bench_cost (*measure)(long operations);
} rows[ROWS] = {
    [CALL] = {"indirect call and return, to compare", bench_call},
    [SWITCH] = {"switch, 2 contexts", bench_switch_two},
    [SWITCH_NO_CONTROL] = {"  without control words", bench_switch_two_no_control},
    [SWITCH_MANY] = {"switch, 1,000 contexts in a ring", bench_switch_many},
    [SWITCH_MANY_NO_CONTROL] = {"  without control words", bench_switch_many_no_control},
    [YIELD] = {"yield, 2 tasks", bench_yield_two},
    [YIELD_MANY] = {"yield, 1,000 tasks", bench_yield_many},
    [WAKE] = {"wake and park, 2 tasks", bench_wake_park},
    [SPAWN] = {"spawn and join a task", bench_spawn_join},
    [THREAD] = {"create and join a thread, to compare", bench_thread},
};

struct figure {
    struct bench_cost median;
    double least_ns;
};

struct options {
    long operations;
    int rounds;
};

static bool parse(int argc, char **argv, struct options *options)
{
    char *end;

    if (argc < 2 || strcmp(argv[1], "switch") != 0) {
        command_usage(&command_bench, argc < 2 ? "what? There is: switch" : "there is no '%s'",
                      argc < 2 ? "" : argv[1]);
        return false;
    }
    *options = (struct options){OPERATIONS, ROUNDS};
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            *options = (struct options){QUICK_OPERATIONS, 1};
        } else if (strcmp(argv[i], "--rounds") == 0) {
            const char *number = i + 1 < argc ? argv[++i] : "";
            long rounds = strtol(number, &end, 10);

            if (*end || rounds < 1 || rounds > MOST_ROUNDS) {
                command_usage(&command_bench, "--rounds takes a number from 1 to %d", MOST_ROUNDS);
                return false;
            }
            options->rounds = (int)rounds;
        } else {
            command_usage(&command_bench, "unknown option '%s'", argv[i]);
            return false;
        }
    }
    return true;
}

/* To the last CPU that we may use; returns its number, -1 if that is not allowed. */
static int pin(void)
{
    cpu_set_t set;
    int cpu, last = -1;

    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return -1;
    for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &set))
            last = cpu;
    CPU_ZERO(&set);
    CPU_SET(last, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0 ? last : -1;
}

static int by_ns(const void *a, const void *b)
{
    double x = ((const struct bench_cost *)a)->ns, y = ((const struct bench_cost *)b)->ns;

    return (x > y) - (x < y);
}

/* By turns, so that a machine that changes its speed changes it for all of them. */
static int measure(const struct options *options, struct figure figures[ROWS])
{
    size_t rounds = (size_t)options->rounds, round, row;
    struct bench_cost *costs = malloc(ROWS * rounds * sizeof *costs), *those;

    if (!costs) {
        command_error(&command_bench, "out of memory");
        return -1;
    }
    for (round = 0; round < rounds; round++)
        for (row = 0; row < ROWS; row++)
            costs[row * rounds + round] = rows[row].measure(options->operations);
    for (row = 0; row < ROWS; row++) {
        those = costs + row * rounds;
        qsort(those, rounds, sizeof *those, by_ns);
        figures[row] = (struct figure){those[rounds / 2], those[0].ns};
    }
    free(costs);
    return 0;
}

static void print_machine(int cpu)
{
    char line[256], model[256] = "";
    FILE *in = fopen("/proc/cpuinfo", "r");
    struct utsname system;

    while (in && !*model && fgets(line, sizeof line, in))
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':'))
            snprintf(model, sizeof model, "%.*s, ", (int)strcspn(strchr(line, ':') + 2, "\n"), strchr(line, ':') + 2);
    if (in)
        fclose(in);
    uname(&system);
    printf("CPU       %s%s, %ld online", model, system.machine, sysconf(_SC_NPROCESSORS_ONLN));
    printf(cpu >= 0 ? ", on number %d\n" : ", not bound to any\n", cpu);
    printf("kernel    %s %s\n", system.sysname, system.release);
    printf("cede      %s, port " CEDE__FRAME_CPU ", control words %s\n", CEDE_VERSION,
#ifdef CEDE_NO_FP_CONTROL
           "are not saved (CEDE_FP_CONTROL=OFF)"
#else
           "are saved"
#endif
    );
    printf("compiler  "
#ifdef __clang__
           "%s\n",
#else
           "gcc %s\n",
#endif
           __VERSION__);
    printf("cycles    %s\n", bench_clock_how());
}

static void print_figures(const struct figure figures[ROWS])
{
    printf("\n%-40s %10s %10s %10s\n", "", "ns", "least", "cycles");
    for (int row = 0; row < ROWS; row++)
        printf("%-40s %10.1f %10.1f %10.0f\n", rows[row].what, figures[row].median.ns, figures[row].least_ns,
               figures[row].median.cycles);
}

/* By the least of each: that is what the machine can do when nobody disturbs. */
static void print_meaning(const struct figure figures[ROWS])
{
    double control = figures[SWITCH].least_ns - figures[SWITCH_NO_CONTROL].least_ns;
    double spread = figures[SWITCH].median.ns / figures[SWITCH].least_ns;

    printf("\n"
           "At its best a switch costs as much as %.1f indirect calls. Floating-point control words (rounding, masked\n"
           "exceptions) belong to the ABI's saved state and to each task: %.1f ns of it. Build with\n"
           "CEDE_FP_CONTROL=OFF if no task changes them.\n",
           figures[SWITCH].least_ns / figures[CALL].least_ns, control > 0 ? control : 0);
    printf("A yield is a switch and %.1f ns of run queue; with 1,000 tasks memory adds what it adds to the bare\n"
           "switch. To wake a task and to park costs %.1f yields; a task that does nothing, from spawn to join, %.1f;\n"
           "a thread that does nothing costs %.0f tasks.\n",
           figures[YIELD].least_ns - figures[SWITCH].least_ns, figures[WAKE].least_ns / figures[YIELD].least_ns,
           figures[SPAWN].least_ns / figures[YIELD].least_ns, figures[THREAD].least_ns / figures[SPAWN].least_ns);
    if (spread > 1.15)
        printf("\nThe machine was busy: half of the rounds took %.0f %% longer than the best, or more.\n",
               100 * (spread - 1));
}

static int run(int argc, char **argv)
{
    struct figure figures[ROWS];
    struct options options;
    int cpu;

    if (!parse(argc, argv, &options))
        return COMMAND_USAGE;
    cpu = pin();
    bench_clock_start();
    if (measure(&options, figures) != 0)
        return COMMAND_FAILED;
    print_machine(cpu);
    print_figures(figures);
    print_meaning(figures);
    return 0;
}

const struct command command_bench = {
    .name = "bench", .line = "measure what a context switch and a task cost here", .help = help, .run = run};
