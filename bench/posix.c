/* SPDX-License-Identifier: MIT */
/*
 * What does it cost that libc's own names reach cede? A call that need not wait, by the three ways to make it: cede's
 * name (cede), libc's name with libcede-posix behind it (cede-posix), and the bare system call (raw-syscall), which is
 * what both make in the end.
 */
#include "posix.h"

#include <cede.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_PIPE, RECV_SOCKET, POLL_PIPE, BATCH = 256 };

static const struct bench_case cases[] = {
    {"read a byte that is there, pipe", 1, READ_PIPE, BENCH_TINY},
    {"receive a byte that is there, socket", 1, RECV_SOCKET, BENCH_TINY},
    {"poll a pipe that is readable", 1, POLL_PIPE, BENCH_TINY},
};

struct question {
    const struct bench_case *which;
    const struct posix_calls *calls, *baseline; /* baseline: NULL, or what the calls are compared with */
};

/* BATCH calls, which find a byte each. Returns nanoseconds for one. */
static double batch(int shape, const struct posix_calls *calls, int fd)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    int64_t start_ns = bench_now();
    char byte;
    int i;

    switch (shape) {
    case READ_PIPE:
        for (i = 0; i < BATCH; i++)
            if (calls->read(fd, &byte, 1) != 1)
                bench_fail("read");
        break;
    case RECV_SOCKET:
        for (i = 0; i < BATCH; i++)
            if (calls->recv(fd, &byte, 1, 0) != 1)
                bench_fail("recv");
        break;
    case POLL_PIPE:
        for (i = 0; i < BATCH; i++)
            if (calls->poll(&polled, 1, -1) != 1)
                bench_fail("poll");
        break;
    }
    return (double)(bench_now() - start_ns) / BATCH;
}

/* The same after putting there what it finds, which is not measured: byte by byte into a socket, as messages come. */
static double fill_and_batch(int shape, const struct posix_calls *calls, const int ends[2])
{
    static const char bytes[BATCH];
    char rest[BATCH];
    double each;
    int i;

    for (i = 0; shape == RECV_SOCKET && i < BATCH; i++)
        if (cede_send(ends[1], bytes, 1, 0) != 1)
            bench_fail("send");
    if (shape != RECV_SOCKET && cede_write(ends[1], bytes, BATCH) != BATCH)
        bench_fail("write");
    each = batch(shape, calls, ends[0]);
    if (shape == POLL_PIPE && cede_read(ends[0], rest, BATCH) != BATCH)
        bench_fail("read");
    return each;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return values[count / 2];
}

/* Both by turns, in one process: a difference of some nanoseconds would drown in that of two processes. */
static int measure(void *arg)
{
    const struct question *question = arg;
    size_t batches = (size_t)bench_count(4000), i;
    double *times = malloc(batches * sizeof *times), *baseline = malloc(batches * sizeof *baseline), each;
    int shape = question->which->shape, ends[2];

    if (!times || !baseline)
        bench_fail("malloc");
    if (shape == RECV_SOCKET ? cede_socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : cede_pipe2(ends, 0))
        bench_fail("descriptors");
    fill_and_batch(shape, question->calls, ends);
    for (i = 0; i < batches; i++) {
        times[i] = fill_and_batch(shape, question->calls, ends);
        if (question->baseline)
            baseline[i] = fill_and_batch(shape, question->baseline, ends);
    }
    cede_close(ends[0]);
    cede_close(ends[1]);
    each = median(times, batches);
    bench_report(NULL, "ns", each);
    if (question->baseline)
        bench_report("added to cede's own call", "ns", each - median(baseline, batches));
    free(times);
    free(baseline);
    return 0;
}

void posix_measure_in_task(const struct bench_case *which, const struct posix_calls *calls,
                           const struct posix_calls *baseline)
{
    struct question question = {which, calls, baseline};

    if (cede_run(measure, &question) != 0)
        bench_fail("cede_run");
}

void posix_measure_outside(const struct bench_case *which, const struct posix_calls *calls)
{
    measure(&(struct question){which, calls, NULL});
}

int main(int argc, char **argv)
{
    return bench_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
