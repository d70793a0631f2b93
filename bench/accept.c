/* SPDX-License-Identifier: MIT */
/*
 * What does a short connection cost the server: accepted and closed at once; with one message there and back?
 *
 * The load, on another CPU, keeps n connections open, and makes a new one for each that the server has closed. It
 * closes them with a reset, so that nothing is left of them and ports do not run out. To make a connection takes it
 * about as much as to accept it takes the server: look at the CPU time.
 */
#include "accept.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { AT_ONCE, ONE_MESSAGE, EVENTS = 512 };

static const struct bench_case cases[] = {
    {"accepted and closed", 1, AT_ONCE, BENCH_TINY},
    {"accepted and closed", 50, AT_ONCE, BENCH_QUICK},
    {"accepted and closed", 1000, AT_ONCE, BENCH_NORMAL},
    {"accepted, one message", 2, ONE_MESSAGE, BENCH_TINY_ONLY},
    {"accepted, one message", 50, ONE_MESSAGE, BENCH_QUICK},
    {"accepted, one message", 1000, ONE_MESSAGE, BENCH_NORMAL},
};

static struct sockaddr_in address;
static bool sends; /* a message on each connection */
static int loop;
static long closed; /* connections that have ended since the last reset */

static void connect_one(void)
{
    static const struct linger reset = {.l_onoff = 1};
    static const char message[ACCEPT_BYTES];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        bench_fail("load: connect");
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    /* That the server is through with it already is no error. */
    if (sends && send(fd, message, sizeof message, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
        bench_fail("load: send");
    if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event) != 0)
        bench_fail("load: epoll_ctl");
}

static void hear(int fd)
{
    char bytes[2 * ACCEPT_BYTES];

    if (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        return; /* the end is still to come */
    close(fd);
    closed++;
    connect_one();
}

static void run(int64_t duration_ns)
{
    struct epoll_event events[EVENTS];
    int64_t end_ns = bench_now() + duration_ns;
    int count, i;

    while (bench_now() < end_ns) {
        count = epoll_wait(loop, events, EVENTS, 100);
        for (i = 0; i < count; i++)
            hear(events[i].data.fd);
    }
}

void accept_measure(const struct bench_case *which, server_serve *serve)
{
    static const double seconds[] = {[BENCH_TINY] = 0.05, [BENCH_QUICK] = 0.3, [BENCH_NORMAL] = 2, [BENCH_FULL] = 3};
    int64_t duration_ns = (int64_t)(seconds[bench_size()] * 1e9);
    struct server server;
    long i;

    sends = which->shape == ONE_MESSAGE;
    server_start(&server, serve, sends ? 1 : 0);
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)server.port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    loop = epoll_create1(EPOLL_CLOEXEC);
    for (i = 0; i < which->n; i++)
        connect_one();
    run(duration_ns / 4);
    server_mark(&server);
    closed = 0;
    do /* once, unless the server had no turn on a busy machine */
        run(duration_ns);
    while (closed == 0);
    server_report(&server, (double)closed);
    server_end(&server, true);
}

static void measure_program(const struct bench_case *which)
{
    accept_measure(which, server_by_program);
}

int main(int argc, char **argv)
{
    bench_programs_measure(measure_program);
    return bench_main(argc, argv, cases, sizeof cases / sizeof *cases);
}
