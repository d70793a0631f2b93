/* SPDX-License-Identifier: MIT */
/*
 * What does a server on one CPU make of many connections that each wait for an answer before they go on?
 *
 * The load comes from another CPU. Where it is the load that is busy all the time, requests per second say little and
 * the server's CPU time per request says all.
 */
#include "echo.h"

enum { ATTEMPTS = 100 };

enum { SMALL, SMALL_PIPELINED, BIG, MOSTLY_IDLE, AT_ONCE };

static const struct {
    size_t bytes;
    int in_flight;
    long busy; /* connections that have messages; 0: all */
    bool spins; /* see struct load_shape */
} shapes[] = {
    [SMALL] = {64, 1, 0},
    [SMALL_PIPELINED] = {64, 16, 0},
    [BIG] = {16 << 10, 1, 0},
    [MOSTLY_IDLE] = {64, 1, 50},
    [AT_ONCE] = {64, 1, 0, true},
};

static const struct bench_case cases[] = {
    {"echo 64 B", 1, SMALL, BENCH_TINY},
    {"echo 64 B, a client that does not sleep", 1, AT_ONCE, BENCH_TINY},
    {"echo 64 B", 50, SMALL, BENCH_QUICK},
    {"echo 64 B", 1000, SMALL, BENCH_QUICK},
    {"echo 64 B", 10000, SMALL, BENCH_NORMAL},
    {"echo 64 B, 16 in flight", 2, SMALL_PIPELINED, BENCH_TINY_ONLY},
    {"echo 64 B, 16 in flight", 50, SMALL_PIPELINED, BENCH_NORMAL},
    {"echo 16 KiB", 2, BIG, BENCH_TINY_ONLY},
    {"echo 16 KiB", 1, BIG, BENCH_NORMAL},
    {"echo 16 KiB", 50, BIG, BENCH_QUICK},
    {"echo 16 KiB", 1000, BIG, BENCH_NORMAL},
    {"echo 16 KiB", 10000, BIG, BENCH_FULL},
    {"echo 64 B, 50 busy, the others idle", 100, MOSTLY_IDLE, BENCH_TINY_ONLY},
    {"echo 64 B, 50 busy, the others idle", 10050, MOSTLY_IDLE, BENCH_NORMAL},
};

/* One turn: loads the server for a while and reports on the second, longer part of it. */
static void measure_turn(struct load *load, struct server *server, int64_t duration_ns)
{
    int attempts = 0;

    load_begin(load);
    load_run(load, duration_ns / 4);
    load_reset(load);
    server_mark(server);
    do /* once; again only if the server had no turn on its CPU, as happens in short rounds on a busy machine */
        load_run(load, duration_ns);
    while (load->messages == 0 && ++attempts < ATTEMPTS);
    server_report(server, (double)load->messages);
    bench_report("p50", "us", load_percentile(load, 0.5) / 1e3);
    bench_report("p99", "us", load_percentile(load, 0.99) / 1e3);
    bench_report("p99.9", "us", load_percentile(load, 0.999) / 1e3);
    load_rest(load);
}

void echo_measure(const struct bench_case *which, server_serve *serve)
{
    static const int milliseconds[] = {[BENCH_TINY] = 20, [BENCH_QUICK] = 50, [BENCH_NORMAL] = 250, [BENCH_FULL] = 400};
    const struct load_shape shape = {which->n, shapes[which->shape].busy, shapes[which->shape].bytes,
                                     shapes[which->shape].in_flight, shapes[which->shape].spins};
    static struct load load;
    struct server server;

    server_start(&server, serve, which->n);
    load_open(&load, &shape, server.port);
    while (bench_turn())
        measure_turn(&load, &server, milliseconds[bench_size()] * INT64_C(1000000));
    load_close(&load);
    server_end(&server, false);
}

static void measure_program(const struct bench_case *which)
{
    echo_measure(which, server_by_program);
}

int main(int argc, char **argv)
{
    bench_programs_measure(measure_program);
    bench_take_turns();
    return bench_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
