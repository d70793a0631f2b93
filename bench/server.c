/* SPDX-License-Identifier: MIT */
/*
 * Starting, watching and ending a server. System calls are counted by the kernel (the tracepoint
 * raw_syscalls:sys_enter, which needs tracefs and the right to use it): no tracer slows the server down, which would
 * make its batches bigger.
 */
#include "server.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int port_pipe[2]; /* the server tells its port: a line of text */

void server_ready(int port)
{
    if (dprintf(port_pipe[1], "%d\n", port) < 0)
        bench_fail("server_ready");
    close(port_pipe[1]);
}

int server_listen(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

    if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0
        || bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, 4096) != 0
        || getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        bench_fail("server_listen");
    *port = ntohs(address.sin_port);
    return fd;
}

void server_by_program(long connections)
{
    char n[32];

    snprintf(n, sizeof n, "%ld", connections);
    if (dup2(port_pipe[1], STDOUT_FILENO) < 0)
        bench_fail("dup2");
    close(port_pipe[1]);
    execl(bench_program(), bench_program(), BENCH_FAMILY, "serve", n, "0", (char *)NULL);
    bench_fail(bench_program());
}

static void raise_limit(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* What tells the kernel's events of system calls, or -1. */
static long long syscall_event(void)
{
    FILE *in = fopen("/sys/kernel/tracing/events/raw_syscalls/sys_enter/id", "r");
    long long id = -1;

    if (!in)
        return -1;
    if (fscanf(in, "%lld", &id) != 1)
        id = -1;
    fclose(in);
    return id;
}

/* Counts the system calls of all threads that there are, and of those that they start. None, if one cannot be counted:
 * go's calls come from other threads than its first. */
static void open_counters(struct server *server)
{
    struct perf_event_attr attr = {.type = PERF_TYPE_TRACEPOINT, .size = sizeof attr, .inherit = 1};
    long long event = syscall_event();
    struct dirent *entry;
    char path[64];
    DIR *threads;
    int counter;

    server->counter_count = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)server->process);
    threads = event < 0 ? NULL : opendir(path);
    if (!threads)
        return;
    attr.config = (uint64_t)event;
    while ((entry = readdir(threads)) != NULL) {
        if (*entry->d_name == '.')
            continue;
        counter = server->counter_count == SERVER_COUNTERS
            ? -1 : (int)syscall(SYS_perf_event_open, &attr, atoi(entry->d_name), -1, -1, PERF_FLAG_FD_CLOEXEC);
        if (counter < 0) {
            server->counter_count = 0;
            break;
        }
        server->counters[server->counter_count++] = counter;
    }
    closedir(threads);
}

static uint64_t count_calls(const struct server *server)
{
    uint64_t sum = 0, count;
    int i;

    for (i = 0; i < server->counter_count; i++) {
        if (read(server->counters[i], &count, sizeof count) != sizeof count)
            bench_fail("system call counter");
        sum += count;
    }
    return sum;
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

void server_start(struct server *server, server_serve *serve, long connections)
{
    FILE *from_server;

    raise_limit();
    if (pipe(port_pipe) != 0 || (server->process = fork()) < 0)
        bench_fail("server");
    if (server->process == 0) {
        close(port_pipe[0]);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(connections);
        exit(0);
    }
    close(port_pipe[1]);
    from_server = fdopen(port_pipe[0], "r");
    if (!from_server || fscanf(from_server, "%d", &server->port) != 1) {
        fputs("bench: the server did not start\n", stderr);
        exit(1);
    }
    fclose(from_server);
    open_counters(server);
    errno = clock_getcpuclockid(server->process, &server->clock);
    if (errno)
        bench_fail("clock_getcpuclockid");
    bench_pin(bench_other_cpu());
}

void server_mark(struct server *server)
{
    server->start_ns = bench_now();
    server->used_ns = cpu_ns(server->clock);
    server->calls = count_calls(server);
}

void server_report(struct server *server, double requests)
{
    int64_t used_ns = cpu_ns(server->clock) - server->used_ns, duration_ns = bench_now() - server->start_ns;
    uint64_t calls = count_calls(server) - server->calls;

    if (requests <= 0) {
        fputs("bench: no answer came back\n", stderr);
        exit(1);
    }
    bench_report(NULL, "requests/s", requests / (double)duration_ns * 1e9);
    bench_report("CPU per request", "us", (double)used_ns / requests / 1e3);
    if (server->counter_count > 0)
        bench_report("system calls per request", "calls", (double)calls / requests);
    bench_report("server's RSS", "MiB", resident(server->process));
}

void server_end(struct server *server, bool kill_it)
{
    int status;

    if (kill_it)
        kill(server->process, SIGKILL);
    if (waitpid(server->process, &status, 0) != server->process || (!kill_it && status != 0)) {
        fputs("bench: the server did not end as it should\n", stderr);
        exit(1);
    }
}
