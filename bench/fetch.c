/* SPDX-License-Identifier: MIT */
/*
 * What if a program makes many downloads at a time with libcurl's plain blocking calls?
 *
 * Each download is a connection of its own to a server that answers after 100 ms, so one after the other they would
 * take n times that.
 */
#include "fetch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BODY_BYTES = 1000, DELAY_MS = 100, EVENTS = 512 };

static const struct bench_case cases[] = {
    {"libcurl downloads of 100 ms", 10, 0, BENCH_TINY_ONLY},
    {"libcurl downloads of 100 ms", 1000, 0, BENCH_QUICK},
};

static pid_t server;
static char url[64];
static int64_t start_ns, start_cpu_ns;
static atomic_long received;

/* ---- the server: its own process, its own system calls ---- */

/* Requests in the order in which their answers are due. */
struct due {
    int64_t at_ns;
    int fd;
};

static void answer(int fd)
{
    static char text[BODY_BYTES + 128];
    static int size;

    if (!size)
        size = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%0*d",
                        BODY_BYTES, BODY_BYTES, 0);
    if (send(fd, text, (size_t)size, MSG_NOSIGNAL) != size)
        bench_fail("server: send");
    shutdown(fd, SHUT_WR);
}

static void take(int loop, int listener, int fd, struct due *due, long *asked)
{
    struct epoll_event event = {.events = EPOLLIN};
    char request[4096];

    if (fd != listener) {
        if (recv(fd, request, sizeof request, MSG_DONTWAIT) > 0)
            due[(*asked)++] = (struct due){bench_now() + DELAY_MS * 1000000LL, fd};
        else
            close(fd);
        return;
    }
    event.data.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (event.data.fd < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, event.data.fd, &event) != 0)
        bench_fail("server: accept");
}

static _Noreturn void serve(int listener, long most)
{
    struct due *due = malloc((size_t)most * sizeof *due);
    struct epoll_event events[EVENTS], event = {.events = EPOLLIN, .data.fd = listener};
    int loop = epoll_create1(EPOLL_CLOEXEC), count, i, wait_ms;
    long asked = 0, answered = 0;

    if (!due || loop < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, listener, &event) != 0)
        bench_fail("server");
    for (;;) {
        for (; answered < asked && due[answered].at_ns <= bench_now(); answered++)
            answer(due[answered].fd);
        wait_ms = answered < asked ? (int)((due[answered].at_ns - bench_now()) / 1000000) + 1 : -1;
        count = epoll_wait(loop, events, EVENTS, wait_ms < -1 ? 0 : wait_ms);
        for (i = 0; i < count; i++)
            take(loop, listener, events[i].data.fd, due, &asked);
    }
}

static void start_server(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 4096) != 0
        || getsockname(listener, (struct sockaddr *)&address, &length) != 0 || (server = fork()) < 0)
        bench_fail("server");
    if (server == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        bench_pin(bench_other_cpu());
        serve(listener, 100000);
    }
    close(listener);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
}

/* ---- the measurement ---- */

static int64_t cpu_ns(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

void fetch_start(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    start_server();
    if (curl_global_init(CURL_GLOBAL_ALL) != 0)
        bench_fail("curl_global_init");
    start_ns = bench_now();
    start_cpu_ns = cpu_ns();
}

static size_t count_bytes(char *bytes, size_t size, size_t count, void *unused)
{
    (void)bytes;
    (void)unused;
    atomic_fetch_add_explicit(&received, (long)(size * count), memory_order_relaxed);
    return size * count;
}

CURL *fetch_new(void)
{
    CURL *curl = curl_easy_init();

    if (!curl)
        bench_fail("curl_easy_init");
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, count_bytes);
    return curl;
}

void fetch_done(CURL *curl, CURLcode code)
{
    if (code != CURLE_OK) {
        fprintf(stderr, "bench: libcurl: %s\n", curl_easy_strerror(code));
        exit(1);
    }
    curl_easy_cleanup(curl);
}

void fetch_report(const struct bench_case *which)
{
    int64_t wall_ns = bench_now() - start_ns, used_ns = cpu_ns() - start_cpu_ns;

    if (received != which->n * BODY_BYTES) {
        fputs("bench: not everything came\n", stderr);
        exit(1);
    }
    bench_report("wall", "s", (double)wall_ns / 1e9);
    bench_report("CPU", "s", (double)used_ns / 1e9);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}

int main(int argc, char **argv)
{
    return bench_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
