/* SPDX-License-Identifier: MIT */
/*
 * What does a server on one CPU make of many connections that each wait for an answer before they go on?
 *
 * The load comes from another CPU. Where it is the load that is busy all the time, requests per second say little and
 * the server's CPU time per request says all. System calls are counted by the kernel (the tracepoint
 * raw_syscalls:sys_enter, which needs tracefs and the right to use it) while the load runs: no tracer slows the server
 * down, which would make its batches bigger.
 */
#include "echo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SMALL, SMALL_PIPELINED, BIG, MOSTLY_IDLE };

static const struct {
    size_t bytes;
    int in_flight;
    long busy; /* connections that have messages; 0: all */
} shapes[] = {
    [SMALL] = {64, 1, 0},
    [SMALL_PIPELINED] = {64, 16, 0},
    [BIG] = {16 << 10, 1, 0},
    [MOSTLY_IDLE] = {64, 1, 50},
};

static const struct bench_case cases[] = {
    {"echo 64 B", 1, SMALL, BENCH_TINY},
    {"echo 64 B", 50, SMALL, BENCH_QUICK},
    {"echo 64 B", 1000, SMALL, BENCH_QUICK},
    {"echo 64 B", 10000, SMALL, BENCH_NORMAL},
    {"echo 64 B, 16 in flight", 10, SMALL_PIPELINED, BENCH_TINY},
    {"echo 16 KiB", 1, BIG, BENCH_TINY},
    {"echo 16 KiB", 50, BIG, BENCH_NORMAL},
    {"echo 16 KiB", 1000, BIG, BENCH_NORMAL},
    {"echo 16 KiB", 10000, BIG, BENCH_FULL},
    {"echo 64 B, 50 busy, the others idle", 100, MOSTLY_IDLE, BENCH_TINY},
    {"echo 64 B, 50 busy, the others idle", 10050, MOSTLY_IDLE, BENCH_NORMAL},
};

static int port_pipe[2]; /* the server tells its port: a line of text */

void echo_ready(int port)
{
    if (dprintf(port_pipe[1], "%d\n", port) < 0)
        bench_fail("echo_ready");
    close(port_pipe[1]);
}

int echo_listen(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

    if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0
        || bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, 4096) != 0
        || getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        bench_fail("echo_listen");
    *port = ntohs(address.sin_port);
    return fd;
}

static void raise_limit(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static pid_t start_server(long connections, echo_serve *serve, int *port)
{
    FILE *from_server;
    pid_t server;

    if (pipe(port_pipe) != 0 || (server = fork()) < 0)
        bench_fail("start_server");
    if (server == 0) {
        close(port_pipe[0]);
        alarm(300);
        serve(connections);
        exit(0);
    }
    close(port_pipe[1]);
    from_server = fdopen(port_pipe[0], "r");
    if (!from_server || fscanf(from_server, "%d", port) != 1) {
        fputs("echo: the server did not start\n", stderr);
        exit(1);
    }
    fclose(from_server);
    return server;
}

/* A counter of the process's system calls, or -1. */
static int open_syscall_counter(pid_t process)
{
    struct perf_event_attr attr = {.type = PERF_TYPE_TRACEPOINT, .size = sizeof attr, .inherit = 1};
    FILE *in = fopen("/sys/kernel/tracing/events/raw_syscalls/sys_enter/id", "r");
    long long id;
    int found;

    if (!in)
        return -1;
    found = fscanf(in, "%lld", &id);
    fclose(in);
    if (found != 1)
        return -1;
    attr.config = (uint64_t)id;
    return (int)syscall(SYS_perf_event_open, &attr, process, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static uint64_t count_of(int counter)
{
    uint64_t count = 0;

    if (counter >= 0 && read(counter, &count, sizeof count) != sizeof count)
        bench_fail("system call counter");
    return count;
}

/* What the server occupies, in MiB, with what it shares. */
static double resident(pid_t process)
{
    char path[64];
    long pages = 0;
    FILE *in;

    snprintf(path, sizeof path, "/proc/%d/statm", (int)process);
    if (!(in = fopen(path, "r")) || fscanf(in, "%*d %ld", &pages) != 1)
        bench_fail(path);
    fclose(in);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

static int64_t cpu_ns(clockid_t clock)
{
    struct timespec used;

    if (clock_gettime(clock, &used) != 0)
        bench_fail("the server's CPU clock");
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

/* Loads the server for a while and reports on the second, longer part of it. */
static void measure_load(struct load *load, pid_t server)
{
    static const double seconds[] = {[BENCH_TINY] = 0.05, [BENCH_QUICK] = 0.7, [BENCH_NORMAL] = 2, [BENCH_FULL] = 3};
    int64_t duration_ns = (int64_t)(seconds[bench_size()] * 1e9), start_ns, used_ns;
    int counter = open_syscall_counter(server);
    uint64_t calls;
    clockid_t clock;
    double messages;

    errno = clock_getcpuclockid(server, &clock);
    if (errno)
        bench_fail("clock_getcpuclockid");
    load_run(load, duration_ns / 4);
    load_reset(load);
    start_ns = bench_now();
    used_ns = cpu_ns(clock);
    calls = count_of(counter);
    load_run(load, duration_ns);
    calls = count_of(counter) - calls;
    used_ns = cpu_ns(clock) - used_ns;
    duration_ns = bench_now() - start_ns;
    messages = (double)load->messages;
    if (messages == 0)
        bench_fail("no message came back");
    bench_report(NULL, "requests/s", messages / (double)duration_ns * 1e9);
    bench_report("CPU per request", "us", (double)used_ns / messages / 1e3);
    if (counter >= 0)
        bench_report("system calls per message", "calls", (double)calls / messages);
    bench_report("server's RSS", "MiB", resident(server));
    bench_report("p50", "us", load_percentile(load, 0.5) / 1e3);
    bench_report("p99", "us", load_percentile(load, 0.99) / 1e3);
    bench_report("p99.9", "us", load_percentile(load, 0.999) / 1e3);
}

void echo_measure(const struct bench_case *which, echo_serve *serve)
{
    struct load_shape shape = {which->n, shapes[which->shape].busy, shapes[which->shape].bytes,
                               shapes[which->shape].in_flight};
    static struct load load;
    int port, status;
    pid_t server;

    raise_limit();
    server = start_server(which->n, serve, &port);
    bench_pin(bench_other_cpu());
    load_open(&load, &shape, port);
    measure_load(&load, server);
    load_close(&load);
    if (waitpid(server, &status, 0) != server || status != 0) {
        fputs("echo: the server did not end as it should\n", stderr);
        exit(1);
    }
}

/* A server in another language (harness.h): it prints its port. */
static void serve_by_program(long connections)
{
    char n[32];

    snprintf(n, sizeof n, "%ld", connections);
    if (dup2(port_pipe[1], STDOUT_FILENO) < 0)
        bench_fail("dup2");
    close(port_pipe[1]);
    execl(bench_program(), bench_program(), BENCH_FAMILY, "serve", n, "0", (char *)NULL);
    bench_fail(bench_program());
}

static void measure_program(const struct bench_case *which)
{
    echo_measure(which, serve_by_program);
}

int main(int argc, char **argv)
{
    bench_programs_measure(measure_program);
    return bench_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
