/* SPDX-License-Identifier: MIT */
/*
 * The load on an echo server: every connection has `in_flight` messages under way, and sends the next as soon as one
 * has come back, until it is to rest. Latency is from a message's send(2) to the recv(2) that completes it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "echo.h"

enum { READ_BYTES = 256 << 10, EVENTS = 512 };

struct load_connection {
    int fd;
    size_t received; /* of the message that comes */
    size_t unsent;   /* of what should be under way already; EPOLLOUT is asked for while there is any */
    unsigned oldest; /* in sent_ns: a ring of in_flight times */
    int64_t *sent_ns;
};

/* Buckets of a logarithmic scale with LOAD_FINE linear steps to each power of two. */
static unsigned bucket_of(uint64_t ns)
{
    unsigned power = ns < LOAD_FINE ? 0 : 63 - (unsigned)__builtin_clzll(ns) - 5;

    return power * LOAD_FINE + (unsigned)(ns >> power);
}

static double bucket_middle(unsigned bucket)
{
    unsigned power = bucket < 2 * LOAD_FINE ? 0 : bucket / LOAD_FINE - 1;

    return ((double)(bucket - power * LOAD_FINE) + 0.5) * (double)((uint64_t)1 << power);
}

double load_percentile(const struct load *load, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)load->messages), seen = 0;
    unsigned bucket;

    for (bucket = 0; bucket < LOAD_BUCKETS - 1; bucket++)
        if ((seen += load->histogram[bucket]) > wanted)
            break;
    return bucket_middle(bucket);
}

void load_reset(struct load *load)
{
    load->messages = 0;
    memset(load->histogram, 0, sizeof load->histogram);
}

static void watch(struct load *load, struct load_connection *connection, int operation, unsigned events)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};

    if (epoll_ctl(load->epoll, operation, connection->fd, &event) != 0)
        bench_fail("load: epoll_ctl");
}

static void push_out(struct load *load, struct load_connection *connection, size_t bytes)
{
    bool was_blocked = connection->unsent != 0;
    size_t piece;
    ssize_t sent;

    connection->unsent += bytes;
    while (connection->unsent) {
        piece = connection->unsent < READ_BYTES ? connection->unsent : READ_BYTES;
        sent = send(connection->fd, load->buffer, piece, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN)
            break;
        if (sent < 0)
            bench_fail("load: send");
        connection->unsent -= (size_t)sent;
    }
    if (was_blocked != (connection->unsent != 0))
        watch(load, connection, EPOLL_CTL_MOD, EPOLLIN | (connection->unsent ? EPOLLOUT : 0));
}

static void take_in(struct load *load, struct load_connection *connection)
{
    ssize_t got = recv(connection->fd, load->buffer, READ_BYTES, MSG_DONTWAIT);
    int64_t now_ns = bench_now();
    size_t complete, i;

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0)
        bench_fail("load: recv");
    connection->received += (size_t)got;
    complete = connection->received / load->shape.bytes;
    connection->received %= load->shape.bytes;
    for (i = 0; i < complete; i++) {
        load->histogram[bucket_of((uint64_t)(now_ns - connection->sent_ns[connection->oldest]))]++;
        connection->sent_ns[connection->oldest] = now_ns; /* its place is that of the message sent now */
        connection->oldest = (connection->oldest + 1) % (unsigned)load->shape.in_flight;
    }
    load->messages += complete;
    if (complete > load->under_way) {
        fputs("bench: more came back than was sent\n", stderr);
        exit(1);
    }
    if (load->rests)
        load->under_way -= complete;
    else if (complete)
        push_out(load, connection, complete * load->shape.bytes);
}

static void connect_one(struct load *load, struct load_connection *connection, bool busy, int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;

    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 || connect(connection->fd, (struct sockaddr *)&address, sizeof address) != 0)
        bench_fail("load: connect");
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!busy)
        return;
    connection->sent_ns = malloc((size_t)load->shape.in_flight * sizeof *connection->sent_ns);
    if (!connection->sent_ns)
        bench_fail("load: malloc");
    watch(load, connection, EPOLL_CTL_ADD, EPOLLIN);
}

void load_open(struct load *load, const struct load_shape *shape, int port)
{
    long i;

    load->shape = *shape;
    load->under_way = 0;
    load->connections = calloc((size_t)shape->connections, sizeof *load->connections);
    load->buffer = calloc(1, READ_BYTES);
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!load->connections || !load->buffer || load->epoll < 0)
        bench_fail("load");
    for (i = 0; i < shape->connections; i++)
        connect_one(load, &load->connections[i], !shape->busy || i < shape->busy, port);
    load_reset(load);
}

void load_begin(struct load *load)
{
    struct load_connection *connection;
    long i;
    int at;

    load->rests = false;
    for (i = 0; i < load->shape.connections; i++) {
        connection = &load->connections[i];
        if (!connection->sent_ns)
            continue; /* an idle one */
        for (at = 0; at < load->shape.in_flight; at++)
            connection->sent_ns[at] = bench_now();
        load->under_way += (uint64_t)load->shape.in_flight;
        push_out(load, connection, load->shape.bytes * (size_t)load->shape.in_flight);
    }
}

/* Takes in what is there, or waits for it. */
static void look(struct load *load)
{
    struct epoll_event events[EVENTS];
    struct load_connection *connection;
    int count, i;

    count = epoll_wait(load->epoll, events, EVENTS, load->shape.spins ? 0 : 100);
    for (i = 0; i < count; i++) {
        connection = events[i].data.ptr;
        if (events[i].events & EPOLLOUT)
            push_out(load, connection, 0);
        if (events[i].events & ~(unsigned)EPOLLOUT)
            take_in(load, connection);
    }
}

void load_run(struct load *load, int64_t duration_ns)
{
    int64_t end_ns = bench_now() + duration_ns;

    while (bench_now() < end_ns)
        look(load);
}

void load_rest(struct load *load)
{
    load->rests = true;
    while (load->under_way)
        look(load);
}

void load_close(struct load *load)
{
    long i;

    for (i = 0; i < load->shape.connections; i++) {
        close(load->connections[i].fd);
        free(load->connections[i].sent_ns);
    }
    close(load->epoll);
    free(load->connections);
    free(load->buffer);
}
