/* SPDX-License-Identifier: MIT */
/* Operations of cede whose instructions are counted. */
#include "instructions.h"

/* ---- operations: each is done 2 * count times by two tasks, or count times by one ---- */

static int yields(void *unused)
{
    (void)unused;
    for (long i = 0; i < count; i++) {
        cede_yield();
        step();
    }
    return 0;
}

static struct cede_task *players[2];

static int parks_and_wakes(void *other)
{
    for (long i = 0; i < count; i++) {
        need(cede_park() == 0, "cede_park");
        cede_wake(players[(intptr_t)other]); /* who may have ended, at the last one */
        step();
    }
    return 0;
}

static struct cede_chan *channels[2];

static int sends_and_receives(void *first)
{
    int element = 0;

    for (long i = 0; i < count; i++) {
        if (first)
            need(cede_chan_send(channels[0], &element) == 0, "cede_chan_send");
        need(cede_chan_recv(channels[first ? 1 : 0], &element) == 1, "cede_chan_recv");
        if (!first)
            need(cede_chan_send(channels[1], &element) == 0, "cede_chan_send");
        step();
    }
    return 0;
}

static struct cede_mutex mutex;
static struct cede_cond changed[2];
static intptr_t turn_of;

static int takes_turns(void *me)
{
    intptr_t other = !(intptr_t)me;

    need(cede_mutex_lock(&mutex) == 0, "cede_mutex_lock");
    for (long i = 0; i < count; i++) {
        while (turn_of == other)
            need(cede_cond_wait(&changed[!other], &mutex) == 0, "cede_cond_wait");
        turn_of = other;
        cede_cond_signal(&changed[other]);
        step();
    }
    return cede_mutex_unlock(&mutex);
}

static int locks_and_yields(void *unused)
{
    (void)unused;
    for (long i = 0; i < count; i++) {
        need(cede_mutex_lock(&mutex) == 0, "cede_mutex_lock");
        cede_yield();
        cede_mutex_unlock(&mutex);
        step();
    }
    return 0;
}

static int sockets[2];

static int reads_and_writes(void *end)
{
    char byte = 0;

    for (long i = 0; i < count; i++) {
        need(cede_read(sockets[(intptr_t)end], &byte, 1) == 1, "cede_read");
        need(cede_write(sockets[(intptr_t)end], &byte, 1) == 1, "cede_write");
        step();
    }
    return 0;
}

static int nothing(void *unused)
{
    (void)unused;
    return 0;
}

/* ---- all of them, by name ---- */

static int two_of(cede_task_fn *fn, void *first, void *second)
{
    struct cede_task *other = cede_spawn(fn, first);

    return cede_await(cede_spawn(fn, second)) + cede_await(other);
}

static int yield(void *unused)
{
    (void)unused;
    return two_of(yields, NULL, NULL);
}

static int park(void *unused)
{
    (void)unused;
    players[0] = cede_spawn(parks_and_wakes, (void *)1);
    players[1] = cede_spawn(parks_and_wakes, (void *)0);
    cede_wake(players[0]);
    return cede_await(players[0]) + cede_await(players[1]);
}

static int spawn(void *unused)
{
    (void)unused;
    for (long i = 0; i < 2 * count; i++) {
        need(cede_join(cede_spawn(nothing, NULL), NULL) == 0, "cede_join");
        step();
    }
    return 0;
}

static int channel(void *unused)
{
    (void)unused;
    channels[0] = cede_chan_open(sizeof(int), 0);
    channels[1] = cede_chan_open(sizeof(int), 0);
    need(two_of(sends_and_receives, NULL, channels) == 0, "channel");
    return cede_chan_free(channels[0]) + cede_chan_free(channels[1]);
}

static int condition(void *unused)
{
    (void)unused;
    return two_of(takes_turns, (void *)1, (void *)0);
}

static int lock(void *unused)
{
    (void)unused;
    return two_of(locks_and_yields, NULL, NULL);
}

static int timer(void *unused)
{
    (void)unused;
    for (long i = 0; i < 2 * count; i++) {
        cede_timeout (CEDE_HOUR)
            step();
    }
    return 0;
}

static int read_parked(void *unused)
{
    struct cede_task *a, *b;
    char byte = 0;

    (void)unused;
    need(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0, "cede_socketpair");
    a = cede_spawn(reads_and_writes, (void *)0);
    b = cede_spawn(reads_and_writes, (void *)1);
    need(cede_write(sockets[0], &byte, 1) == 1, "cede_write");
    return cede_await(a) + cede_await(b);
}

/* A server's way: a TCP socket that each read leaves empty, so that the next one waits. */
static int answers(void *end)
{
    char text[64];

    for (long i = 0; i < count; i++) {
        need(cede_recv(sockets[(intptr_t)end], text, sizeof text, 0) == 1, "cede_recv");
        need(cede_send(sockets[(intptr_t)end], text, 1, 0) == 1, "cede_send");
        step();
    }
    return 0;
}

/* The same into a buffer that is borrowed. */
static int borrows(void *end)
{
    void *data;

    for (long i = 0; i < count; i++) {
        need(cede_buffer_recv(sockets[(intptr_t)end], &data) == 1, "cede_buffer_recv");
        need(cede_send(sockets[(intptr_t)end], data, 1, 0) == 1, "cede_send");
        cede_buffer_return(data);
        step();
    }
    return 0;
}

static int over_tcp(cede_task_fn *answer)
{
    int listener = cede_listen("127.0.0.1:0");
    struct cede_task *a, *b;
    char address[32];

    snprintf(address, sizeof address, "127.0.0.1:%d", cede_port(listener));
    sockets[0] = cede_dial(address);
    sockets[1] = cede_accept(listener, NULL, NULL);
    need(sockets[0] >= 0 && sockets[1] >= 0, "a connection");
    a = cede_spawn(answer, (void *)0);
    b = cede_spawn(answer, (void *)1);
    need(cede_send(sockets[0], "", 1, 0) == 1, "cede_send");
    return cede_await(a) + cede_await(b);
}

static int receive_parked(void *unused)
{
    (void)unused;
    return over_tcp(answers);
}

static int borrow_parked(void *unused)
{
    (void)unused;
    return over_tcp(borrows);
}

const struct operation operations[] = {
    {"yield", yield},     {"park+wake", park}, {"spawn+join", spawn}, {"send+receive", channel},
    {"condition", condition}, {"mutex", lock}, {"timeout", timer}, {"read", read_parked},
    {"receive", receive_parked}, {"borrow", borrow_parked},
    {NULL, NULL},
};
