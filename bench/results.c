/* SPDX-License-Identifier: MIT */
/* Medians, quotients, tables; see results.h. */
#include "results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

enum { SURE_ROUNDS = 6 }; /* of five the median of all lies beyond the least or the greatest 1 time of 16 */

/* All values of one figure of one subject in one case. */
struct result {
    char *question, *unit;
    const char *subject;
    long n;
    double *values; /* for each round one of each turn, NAN where it has none; sorted, for what is told, in a copy */
};

static struct result *results;
static size_t result_count;
static int rounds, turns;

void results_begin(int rounds_at_most, int turns_of_each)
{
    rounds = rounds_at_most;
    turns = turns_of_each;
}

bool results_are_there(void)
{
    return result_count != 0;
}

static struct result *find_result(const char *question, const char *subject, long n)
{
    size_t at;

    for (at = 0; at < result_count; at++)
        if (results[at].n == n && strcmp(results[at].question, question) == 0
            && strcmp(results[at].subject, subject) == 0)
            return &results[at];
    return NULL;
}

static struct result *add_result(const char *question, const char *subject, long n, const char *unit)
{
    struct result *result;
    int count = rounds * turns, at;

    results = realloc(results, (result_count + 1) * sizeof *results);
    if (!results)
        bench_fail("realloc");
    result = &results[result_count++];
    *result = (struct result){.question = strdup(question), .unit = strdup(unit), .subject = subject, .n = n,
                              .values = calloc((size_t)count, sizeof(double))};
    if (!result->question || !result->unit || !result->values)
        bench_fail("calloc");
    for (at = 0; at < count; at++)
        result->values[at] = NAN;
    return result;
}

void results_add(const char *question, const char *subject, long n, const char *unit, int round, int turn,
                 double value)
{
    struct result *result = find_result(question, subject, n);

    if (!result)
        result = add_result(question, subject, n, unit);
    result->values[round * turns + turn] = value;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* What there is of one value for each round (or turn). */
struct summary {
    double median, min, max;
    double low, high; /* between these the median of all rounds that one might measure lies, 19 times of 20; only of
                       * SURE_ROUNDS and more */
    int count;
};

/* How many of `count` sorted values may be left out on either side, so that the median of all there could be still lies
 * between the rest 19 times of 20: it has 0, 1, 2 ... values below it as often as a coin shows heads. */
static int left_out(int count)
{
    double share = 1, sum;
    int out, i;

    for (i = 0; i < count; i++)
        share /= 2;
    for (out = 0, sum = share; out < count / 2; out++) {
        share *= (double)(count - out) / (out + 1);
        sum += share;
        if (sum > 0.025)
            break;
    }
    return out;
}

/* Sorts the values. */
static struct summary summarise(double *values, int count)
{
    struct summary summary = {.median = NAN};
    int at, half, out;

    for (at = 0; at < count; at++)
        if (!isnan(values[at]))
            values[summary.count++] = values[at];
    if (summary.count == 0)
        return summary;
    qsort(values, (size_t)summary.count, sizeof *values, compare);
    half = summary.count / 2;
    summary.median = summary.count % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
    summary.min = values[0];
    summary.max = values[summary.count - 1];
    out = left_out(summary.count);
    summary.low = values[out];
    summary.high = values[summary.count - 1 - out];
    return summary;
}

/*
 * Of one result; or, for each turn, of its quotient by another: what the machine does meanwhile is in both. A round has
 * one value, the median of its turns: they share their processes, and with them the pages that these happened to get.
 */
static struct summary summary_of(const struct result *result, const struct result *by)
{
    double *of_rounds = calloc((size_t)rounds, sizeof *of_rounds), of_turns[RESULTS_TURNS];
    struct summary summary;
    int round, turn, at;

    if (!of_rounds)
        bench_fail("calloc");
    for (round = 0; round < rounds; round++) {
        for (turn = 0; turn < turns; turn++) {
            at = round * turns + turn;
            of_turns[turn] = by ? by->values[at] != 0 ? result->values[at] / by->values[at] : NAN : result->values[at];
        }
        of_rounds[round] = summarise(of_turns, turns).median;
    }
    summary = summarise(of_rounds, rounds);
    free(of_rounds);
    return summary;
}

/* Figures of one question together, in the order in which they first came. */
static void print_question(size_t first)
{
    const struct result *result, *cede;
    struct summary own, ratio;

    for (result = &results[first]; result != results + result_count; result++) {
        if (result->n != results[first].n || strcmp(result->question, results[first].question) != 0)
            continue;
        cede = find_result(result->question, "cede", result->n);
        own = summary_of(result, NULL);
        printf("%-50s %9ld  %-12s %12.5g %12.5g %12.5g  %-11s", result->question, result->n, result->subject,
               own.median, own.min, own.max, result->unit);
        ratio = cede ? summary_of(result, cede) : (struct summary){0};
        if (ratio.count > 0)
            printf(" %6.2f", ratio.median);
        if (ratio.count >= SURE_ROUNDS && result != cede)
            printf("  %.3f to %.3f", ratio.low, ratio.high);
        putchar('\n');
    }
}

void results_print(void)
{
    size_t at, before;

    printf("%-50s %9s  %-12s %12s %12s %12s  %-11s %6s  %s\n", "question", "n", "subject", "median", "min", "max",
           "unit", "/cede", "19 times of 20");
    for (at = 0; at < result_count; at++) {
        for (before = 0; before < at; before++)
            if (results[before].n == results[at].n && strcmp(results[before].question, results[at].question) == 0)
                break;
        if (before == at)
            print_question(at);
    }
}

void results_write_json(const char *file)
{
    FILE *out = fopen(file, "w");
    const struct result *cede;
    struct summary summary, ratio;
    size_t at;

    if (!out)
        bench_fail(file);
    fputs("[\n", out);
    for (at = 0; at < result_count; at++) {
        cede = find_result(results[at].question, "cede", results[at].n);
        summary = summary_of(&results[at], NULL);
        ratio = cede ? summary_of(&results[at], cede) : (struct summary){0};
        fprintf(out,
                "{\"question\": \"%s\", \"subject\": \"%s\", \"n\": %ld, \"unit\": \"%s\", \"median\": %.9g, "
                "\"min\": %.9g, \"max\": %.9g",
                results[at].question, results[at].subject, results[at].n, results[at].unit, summary.median,
                summary.min, summary.max);
        if (ratio.count > 0)
            fprintf(out, ", \"quotient\": %.9g", ratio.median);
        fputs(at + 1 < result_count ? "},\n" : "}\n", out);
    }
    fputs("]\n", out);
    if (fclose(out) != 0)
        bench_fail(file);
}
