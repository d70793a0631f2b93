/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connection.h"
#include "crowd.h"

enum { MANY = 200 };

static void make_pair(int fds[2])
{
    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
}

static void close_pair(const int fds[2])
{
    ck_assert_int_eq(cede_close(fds[0]), 0);
    ck_assert_int_eq(cede_close(fds[1]), 0);
}

/* Other tasks, that do something to a descriptor after the caller has parked. */
struct poke { int fd; };
static int poke(struct poke *a)
{
    ck_assert_int_eq(cede_write(a->fd, "x", 1), 1);
    return 0;
}

struct later_poke { int fd; };
static int later_poke(struct later_poke *a)
{
    ck_assert_int_eq(cede_sleep(5 * CEDE_MILLISECOND), 0);
    ck_assert_int_eq(cede_write(a->fd, "x", 1), 1);
    return 0;
}

struct closer { int fd; };
static int closer(struct closer *a)
{
    return cede_close(a->fd);
}

struct canceller { struct cede_task *task; };
static int canceller(struct canceller *a)
{
    return cede_cancel(a->task);
}

static void join(struct cede_task *task)
{
    ck_assert_int_eq(cede_await(task), 0);
}

/* ---- poll ---- */

TASK_TEST(what_is_ready_is_reported_at_once)
{
    int fds[2];
    struct pollfd poll;

    make_pair(fds);
    poll = (struct pollfd){.fd = fds[0], .events = POLLIN | POLLOUT};
    ck_assert_int_eq(cede_poll(&poll, 1, -1), 1);
    ck_assert_int_eq(poll.revents, POLLOUT);
    ck_assert_int_eq(cede_write(fds[1], "x", 1), 1);
    ck_assert_int_eq(cede_poll(&poll, 1, 0), 1);
    ck_assert_int_eq(poll.revents, POLLIN | POLLOUT);
    close_pair(fds);
}

TASK_TEST(one_descriptor_becomes_readable)
{
    int fds[2], round;
    struct pollfd poll;
    char byte;

    make_pair(fds);
    for (round = 0; round < 100; round++) { /* also from the second time on, with nothing registered anew */
        struct cede_task *task = cede_go(poke, .fd = fds[1]);

        poll = (struct pollfd){.fd = fds[0], .events = POLLIN};
        ck_assert_int_eq(cede_poll(&poll, 1, -1), 1);
        ck_assert_int_eq(poll.revents, POLLIN);
        ck_assert_int_eq(cede_read(fds[0], &byte, 1), 1);
        join(task);
    }
    close_pair(fds);
}

/* A short read tells the runtime that a TCP socket is empty; poll must neither trust that too long nor spoil it. */
TASK_TEST(poll_and_recv_take_turns_on_tcp)
{
    int fds[2], client, server, round;
    char buffer[64];
    struct pollfd poll;

    connect_both(fds);
    server = fds[0];
    client = fds[1];
    for (round = 0; round < 100; round++) {
        struct cede_task *task = round % 3 ? cede_go(poke, .fd = client) : NULL;

        if (!task)
            ck_assert_int_eq(cede_write(client, "x", 1), 1);
        poll = (struct pollfd){.fd = server, .events = POLLIN};
        ck_assert_int_eq(cede_poll(&poll, 1, round % 2 ? -1 : 10000), 1);
        ck_assert_int_eq(poll.revents, POLLIN);
        ck_assert_int_eq(cede_recv(server, buffer, sizeof buffer, 0), 1);
        ck_assert_int_eq(cede_poll(&poll, 1, 0), 0);
        if (task)
            join(task);
    }
    ck_assert_int_eq(cede_close(client), 0);
    ck_assert_int_eq(cede_poll(&poll, 1, -1), 1);
    ck_assert_int_eq(poll.revents, POLLIN);
    ck_assert_int_eq(cede_recv(server, buffer, sizeof buffer, 0), 0);
    ck_assert_int_eq(cede_close(server), 0);
}

TASK_TEST(one_descriptor_becomes_writable)
{
    static char block[4096];
    int fds[2];
    struct pollfd poll;
    ssize_t n;

    make_pair(fds);
    while (cede_send(fds[0], block, sizeof block, MSG_DONTWAIT) > 0)
        ;
    ck_assert_int_eq(errno, EAGAIN);
    poll = (struct pollfd){.fd = fds[0], .events = POLLOUT};
    ck_assert_int_eq(cede_poll(&poll, 1, 5), 0);
    ck_assert_int_eq(poll.revents, 0);
    while ((n = cede_recv(fds[1], block, sizeof block, MSG_DONTWAIT)) > 0)
        ;
    ck_assert_int_eq(cede_poll(&poll, 1, -1), 1);
    ck_assert_int_eq(poll.revents, POLLOUT);
    close_pair(fds);
}

TASK_TEST(the_one_of_three_that_is_ready_is_named)
{
    int pairs[3][2], i, round;
    char byte;

    for (i = 0; i < 3; i++)
        make_pair(pairs[i]);
    for (round = 0; round < 9; round++) {
        struct pollfd polls[3];
        struct cede_task *task = cede_go(poke, .fd = pairs[round % 3][1]);

        for (i = 0; i < 3; i++)
            polls[i] = (struct pollfd){.fd = pairs[i][0], .events = POLLIN};
        ck_assert_int_eq(cede_poll(polls, 3, -1), 1);
        for (i = 0; i < 3; i++)
            ck_assert_int_eq(polls[i].revents, i == round % 3 ? POLLIN : 0);
        ck_assert_int_eq(cede_read(pairs[round % 3][0], &byte, 1), 1);
        join(task);
    }
    for (i = 0; i < 3; i++)
        close_pair(pairs[i]);
}

TASK_TEST(two_hundred_descriptors)
{
    static int pairs[MANY][2];
    static struct pollfd polls[MANY];
    unsigned seed = 7;
    int i, round;
    char byte;

    for (i = 0; i < MANY; i++)
        make_pair(pairs[i]);
    for (round = 0; round < 50; round++) {
        unsigned chosen = harness_random(&seed) % MANY;
        struct cede_task *task = cede_go(poke, .fd = pairs[chosen][1]);

        for (i = 0; i < MANY; i++)
            polls[i] = (struct pollfd){.fd = pairs[i][0], .events = POLLIN};
        ck_assert_int_eq(cede_poll(polls, MANY, -1), 1);
        ck_assert_int_eq(polls[chosen].revents, POLLIN);
        ck_assert_int_eq(cede_read(pairs[chosen][0], &byte, 1), 1);
        join(task);
    }
    ck_assert_int_eq(cede_poll(polls, MANY, 1), 0);
    for (i = 0; i < MANY; i++)
        close_pair(pairs[i]);
}

TASK_TEST(duplicates_and_negatives)
{
    int fds[2];
    struct pollfd polls[4];
    struct cede_task *task;

    make_pair(fds);
    task = cede_go(poke, .fd = fds[1]);
    polls[0] = (struct pollfd){.fd = -1, .events = POLLIN, .revents = POLLIN};
    polls[1] = (struct pollfd){.fd = fds[0], .events = POLLIN};
    polls[2] = (struct pollfd){.fd = fds[0], .events = POLLIN};
    polls[3] = (struct pollfd){.fd = fds[0], .events = POLLPRI};
    ck_assert_int_eq(cede_poll(polls, 4, -1), 2);
    ck_assert_int_eq(polls[0].revents, 0);
    ck_assert_int_eq(polls[1].revents, POLLIN);
    ck_assert_int_eq(polls[2].revents, POLLIN);
    ck_assert_int_eq(polls[3].revents, 0);
    join(task);
    close_pair(fds);
}

TASK_TEST(hang_up_is_reported_unasked)
{
    int fds[2];
    struct pollfd poll;
    struct cede_task *task;

    make_pair(fds);
    poll = (struct pollfd){.fd = fds[0], .events = 0};
    task = cede_go(closer, .fd = fds[1]);
    ck_assert_int_eq(cede_poll(&poll, 1, -1), 1);
    ck_assert_int_eq(poll.revents, POLLHUP);
    join(task);
    ck_assert_int_eq(cede_close(fds[0]), 0);
}

TASK_TEST(urgent_data_is_reported)
{
    struct pollfd poll;
    int fds[2];

    connect_both(fds);
    poll = (struct pollfd){.fd = fds[0], .events = POLLPRI};
    ck_assert_int_eq(cede_poll(&poll, 1, 1), 0);
    ck_assert_int_eq(cede_send(fds[1], "!", 1, MSG_OOB), 1);
    ck_assert_int_eq(cede_poll(&poll, 1, -1), 1);
    ck_assert_int_eq(poll.revents, POLLPRI);
    close_pair(fds);
}

/* The poller wakes readers of any kind; who asked for something else goes on waiting. */
TASK_TEST(an_event_that_was_not_asked_for_ends_nothing)
{
    int fds[2];
    struct pollfd poll;
    int64_t before = cede_now();

    make_pair(fds);
    cede_detach(cede_go(later_poke, .fd = fds[1]));
    poll = (struct pollfd){.fd = fds[0], .events = POLLPRI};
    ck_assert_int_eq(cede_poll(&poll, 1, 30), 0);
    ck_assert_int_ge(cede_now() - before, 30 * CEDE_MILLISECOND);
    close_pair(fds);
}

TASK_TEST(what_is_not_open_is_invalid)
{
    struct pollfd poll = {.fd = 1000, .events = POLLIN};

    ck_assert_int_eq(cede_poll(&poll, 1, -1), 1);
    ck_assert_int_eq(poll.revents, POLLNVAL);
}

TASK_TEST(regular_files_are_always_ready)
{
    FILE *file = tmpfile();
    struct pollfd poll = {.fd = fileno(file), .events = POLLIN | POLLOUT};

    ck_assert_int_eq(cede_poll(&poll, 1, -1), 1);
    ck_assert_int_eq(poll.revents, POLLIN | POLLOUT);
    poll.events = POLLPRI;
    ck_assert_int_eq(cede_poll(&poll, 1, 2), 0);
    fclose(file);
}

TASK_TEST(a_descriptor_closed_meanwhile_is_invalid)
{
    int fds[2], pipe_fds[2];
    struct pollfd poll;
    struct cede_task *task;

    make_pair(fds);
    poll = (struct pollfd){.fd = fds[0], .events = POLLIN};
    task = cede_go(closer, .fd = fds[0]);
    ck_assert_int_eq(cede_poll(&poll, 1, -1), 1);
    ck_assert_int_eq(poll.revents, POLLNVAL);
    join(task);
    ck_assert_int_eq(cede_pipe2(pipe_fds, 0), 0); /* takes the number */
    ck_assert_int_eq(cede_close(fds[1]), 0);
    close_pair(pipe_fds);
}

struct replacer { int fd; };
static int replacer(struct replacer *a)
{
    int fds[2];

    ck_assert_int_eq(cede_close(a->fd), 0);
    make_pair(fds);
    ck_assert(fds[0] == a->fd || fds[1] == a->fd);
    return 0;
}

TASK_TEST(a_number_used_again_is_not_mistaken)
{
    int fds[2];
    struct pollfd poll;
    struct cede_task *task;

    make_pair(fds);
    poll = (struct pollfd){.fd = fds[0], .events = POLLIN};
    task = cede_go(replacer, .fd = fds[0]);
    ck_assert_int_eq(cede_poll(&poll, 1, 1000), 1);
    ck_assert_int_eq(poll.revents, POLLNVAL);
    join(task);
}

ATTR_TEST(a_time_that_passes_leaves_errno, &(struct cede_run_attr){.poller = _i ? "io_uring" : "epoll"})
{
    struct pollfd poll = {.events = POLLIN};
    int fds[2];

    make_pair(fds);
    poll.fd = fds[0];
    errno = 77;
    ck_assert_int_eq(cede_poll(NULL, 0, 1), 0);
    ck_assert_int_eq(errno, 77);
    ck_assert_int_eq(cede_poll(&poll, 1, 1), 0);
    ck_assert_int_eq(errno, 77);
    close_pair(fds);
}

TASK_TEST(timeouts)
{
    int fds[2];
    struct pollfd poll;
    struct timespec tiny = {.tv_nsec = 2000000}, bad = {.tv_nsec = 1000000000}, negative = {.tv_sec = -1};
    int64_t before = cede_now();

    make_pair(fds);
    poll = (struct pollfd){.fd = fds[0], .events = POLLIN, .revents = -1};
    ck_assert_int_eq(cede_poll(&poll, 1, 20), 0);
    ck_assert_int_eq(poll.revents, 0);
    ck_assert_int_ge(cede_now() - before, 20 * CEDE_MILLISECOND);
    before = cede_now();
    ck_assert_int_eq(cede_ppoll(&poll, 1, &tiny, NULL), 0);
    ck_assert_int_ge(cede_now() - before, 2 * CEDE_MILLISECOND);
    ck_assert_int_eq(tiny.tv_nsec, 2000000);
    before = cede_now();
    ck_assert_int_eq(cede_poll(NULL, 0, 10), 0);
    ck_assert_int_ge(cede_now() - before, 10 * CEDE_MILLISECOND);
    ck_assert_fails(cede_ppoll(&poll, 1, &bad, NULL), EINVAL);
    ck_assert_fails(cede_ppoll(&poll, 1, &negative, NULL), EINVAL);
    close_pair(fds);
}

TASK_TEST(more_than_the_limit_of_descriptors_is_invalid)
{
    static struct pollfd polls[MANY];
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = MANY - 1;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    memset(polls, -1, sizeof polls);
    ck_assert_fails(cede_poll(polls, MANY, 0), EINVAL);
    ck_assert_fails(cede_poll(polls, MANY, -1), EINVAL);
    ck_assert_fails(cede_poll(polls, (nfds_t)1 << 40, 1), EINVAL);
}

TASK_TEST(cancel_ends_a_poll)
{
    int fds[2];
    struct pollfd poll;

    make_pair(fds);
    cede_detach(cede_go(canceller, .task = cede_self()));
    poll = (struct pollfd){.fd = fds[0], .events = POLLIN | POLLOUT};
    ck_assert_int_eq(cede_poll(&poll, 1, -1), 1); /* need not wait */
    poll.events = POLLIN;
    ck_assert_fails(cede_poll(&poll, 1, -1), ECANCELED);
    ck_assert_fails(cede_poll(&poll, 1, 1000), ECANCELED); /* sticky */
    ck_assert_int_eq(cede_poll(&poll, 1, 0), 0);
    ck_assert_fails(cede_poll(NULL, 0, -1), ECANCELED);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    ck_assert_int_eq(cede_poll(&poll, 1, -1), 1);
    close_pair(fds);
}

TASK_TEST(a_scope_ends_a_poll)
{
    int fds[2];
    struct pollfd polls[2];

    make_pair(fds);
    polls[0] = (struct pollfd){.fd = fds[0], .events = POLLIN};
    polls[1] = (struct pollfd){.fd = fds[1], .events = POLLIN};
    cede_timeout (5 * CEDE_MILLISECOND) {
        ck_assert_fails(cede_poll(polls, 2, -1), ETIMEDOUT);
        ck_assert_fails(cede_poll(polls, 2, 1000), ETIMEDOUT);
        ck_assert_int_eq(cede_poll(polls, 2, 0), 0);
    }
    cede_timeout (CEDE_SECOND)
        ck_assert_int_eq(cede_poll(polls, 2, 1), 0); /* the nearer one is poll's own */
    close_pair(fds);
}

struct polling { int fd; int *woken; };
static int polling(struct polling *a)
{
    struct pollfd poll = {.fd = a->fd, .events = POLLIN};

    ck_assert_int_eq(cede_poll(&poll, 1, -1), 1);
    ck_assert_int_eq(poll.revents, POLLIN);
    ++*a->woken;
    return 0;
}

TASK_TEST(all_who_poll_a_descriptor_are_told)
{
    int fds[2], woken = 0, i;
    struct cede_task *tasks[10];

    make_pair(fds);
    for (i = 0; i < 10; i++)
        tasks[i] = cede_go(polling, .fd = fds[0], .woken = &woken);
    cede_yield();
    ck_assert_int_eq(woken, 0);
    ck_assert_int_eq(cede_write(fds[1], "x", 1), 1);
    for (i = 0; i < 10; i++)
        join(tasks[i]);
    ck_assert_int_eq(woken, 10);
    close_pair(fds);
}

/* A task that polls in a loop without waiting must let others run. */
TASK_TEST(a_busy_poll_does_not_starve_others)
{
    int fds[2], rounds = 0;
    struct pollfd poll;
    struct cede_task *task;

    make_pair(fds);
    task = cede_go(later_poke, .fd = fds[1]);
    poll = (struct pollfd){.fd = fds[0], .events = POLLIN};
    while (cede_poll(&poll, 1, 0) == 0)
        ck_assert_int_lt(rounds++, 100000000);
    join(task);
    close_pair(fds);
}

TASK_TEST(an_epoll_descriptor_can_be_polled)
{
    int fds[2], set = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    struct pollfd poll = {.fd = set, .events = POLLIN};
    struct cede_task *task;

    make_pair(fds);
    ck_assert_int_eq(epoll_ctl(set, EPOLL_CTL_ADD, fds[0], &event), 0);
    task = cede_go(poke, .fd = fds[1]);
    ck_assert_int_eq(cede_poll(&poll, 1, -1), 1);
    join(task);
    cede_close(set);
    close_pair(fds);
}

/* ---- signals ---- */

static volatile sig_atomic_t handled;

static void handler(int signo)
{
    handled = signo;
}

struct killer { int signo; };
static int killer(struct killer *a)
{
    return kill(getpid(), a->signo);
}

TASK_TEST(ppoll_lets_a_blocked_signal_through)
{
    struct sigaction action = {.sa_handler = handler};
    int fds[2];
    struct pollfd poll;
    sigset_t blocked, none;
    struct cede_task *task;

    make_pair(fds);
    poll = (struct pollfd){.fd = fds[0], .events = POLLIN};
    sigemptyset(&none);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR1);
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, &blocked, NULL), 0);
    raise(SIGUSR1);
    ck_assert_int_eq(handled, 0);
    ck_assert_fails(cede_ppoll(&poll, 1, NULL, &none), EINTR); /* pending before */
    ck_assert_int_eq(handled, SIGUSR1);
    handled = 0;
    task = cede_go(killer, .signo = SIGUSR1);
    ck_assert_fails(cede_ppoll(&poll, 1, NULL, &none), EINTR); /* comes while it waits */
    ck_assert_int_eq(handled, SIGUSR1);
    join(task);
    task = cede_go(poke, .fd = fds[1]);
    ck_assert_int_eq(cede_ppoll(&poll, 1, NULL, &none), 1);
    join(task);
    handled = 0;
    task = cede_go(killer, .signo = SIGUSR1);
    ck_assert_int_eq(cede_poll(&poll, 1, -1), 1);
    join(task);
    ck_assert_int_eq(handled, 0);
    close_pair(fds);
}

TASK_TEST(a_handler_does_not_end_a_poll)
{
    struct sigaction action = {.sa_handler = handler};
    int fds[2];
    struct pollfd poll;
    struct cede_task *kill_task, *poke_task;

    make_pair(fds);
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    kill_task = cede_go(killer, .signo = SIGUSR1);
    poke_task = cede_go(later_poke, .fd = fds[1]);
    poll = (struct pollfd){.fd = fds[0], .events = POLLIN};
    ck_assert_int_eq(cede_poll(&poll, 1, -1), 1);
    ck_assert_int_eq(handled, SIGUSR1);
    join(kill_task);
    join(poke_task);
    close_pair(fds);
}

/* ---- storms ---- */

enum { STORM_PAIRS = 40, STORM_POLLERS = 20, STORM_BYTES = 2000 };

static int storm[STORM_PAIRS][2], storm_read, storm_written;

static int storm_reader(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;
    struct pollfd polls[STORM_PAIRS];
    char byte;
    int i, count, ready;

    while (storm_read < STORM_BYTES) {
        count = 1 + (int)(harness_random(&seed) % STORM_PAIRS);
        for (i = 0; i < count; i++)
            polls[i] = (struct pollfd){.fd = storm[harness_random(&seed) % STORM_PAIRS][0], .events = POLLIN};
        ready = cede_poll(polls, (nfds_t)count, (int)(harness_random(&seed) % 4));
        ck_assert_int_ge(ready, 0);
        for (i = 0; i < count; i++) {
            ck_assert_int_eq(polls[i].revents & ~POLLIN, 0);
            ready -= polls[i].revents != 0;
            if (polls[i].revents && recv(polls[i].fd, &byte, 1, MSG_DONTWAIT) == 1)
                storm_read++;
        }
        ck_assert_int_eq(ready, 0);
    }
    return 0;
}

static int storm_writer(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;

    while (storm_written < STORM_BYTES) {
        if (send(storm[harness_random(&seed) % STORM_PAIRS][1], "x", 1, MSG_DONTWAIT) == 1)
            storm_written++;
        if (harness_random(&seed) % 8 == 0)
            ck_assert_int_eq(cede_yield(), 0);
    }
    return 0;
}

TASK_TEST(poll_storm)
{
    struct cede_task *tasks[STORM_POLLERS];
    int i;

    for (i = 0; i < STORM_PAIRS; i++)
        make_pair(storm[i]);
    for (i = 0; i < STORM_POLLERS; i++)
        tasks[i] = cede_spawn(i % 4 ? storm_reader : storm_writer, (void *)(uintptr_t)(i + 1));
    for (i = 0; i < STORM_POLLERS; i++)
        join(tasks[i]);
    ck_assert_int_eq(storm_read, storm_written);
    for (i = 0; i < STORM_PAIRS; i++)
        close_pair(storm[i]);
}

/* ---- select ---- */

static void only(fd_set *set, int fd)
{
    FD_ZERO(set);
    FD_SET(fd, set);
}

TASK_TEST(select_tells_who_is_ready)
{
    int fds[2];
    fd_set reads, writes, excepts;
    struct timeval timeout = {.tv_sec = 10};
    struct cede_task *task;

    make_pair(fds);
    only(&reads, fds[0]);
    only(&excepts, fds[0]);
    task = cede_go(later_poke, .fd = fds[1]);
    ck_assert_int_eq(cede_select(fds[0] + 1, &reads, NULL, &excepts, &timeout), 1);
    ck_assert(FD_ISSET(fds[0], &reads));
    ck_assert(!FD_ISSET(fds[0], &excepts));
    ck_assert_int_lt(timeout.tv_sec, 10); /* what is left */
    only(&writes, fds[0]);
    FD_SET(fds[1], &writes);
    only(&reads, fds[0]);
    FD_SET(fds[1], &reads);
    ck_assert_int_eq(cede_select((fds[0] > fds[1] ? fds[0] : fds[1]) + 1, &reads, &writes, NULL, NULL), 3);
    ck_assert(!FD_ISSET(fds[1], &reads));
    ck_assert(FD_ISSET(fds[0], &reads) && FD_ISSET(fds[0], &writes) && FD_ISSET(fds[1], &writes));
    join(task);
    close_pair(fds);
}

TASK_TEST(select_times_out)
{
    int fds[2];
    fd_set reads;
    struct timeval timeout = {.tv_usec = 5000};
    int64_t before = cede_now();

    make_pair(fds);
    only(&reads, fds[0]);
    ck_assert_int_eq(cede_select(fds[0] + 1, &reads, NULL, NULL, &timeout), 0);
    ck_assert_int_ge(cede_now() - before, 5 * CEDE_MILLISECOND);
    ck_assert(!FD_ISSET(fds[0], &reads));
    ck_assert(timeout.tv_sec == 0 && timeout.tv_usec == 0);
    ck_assert_int_eq(cede_select(0, NULL, NULL, NULL, &timeout), 0);
    close_pair(fds);
}

TASK_TEST(select_takes_many)
{
    static int pairs[MANY][2];
    fd_set reads;
    int i, chosen = 133;
    struct cede_task *task;

    FD_ZERO(&reads);
    for (i = 0; i < MANY; i++) {
        make_pair(pairs[i]);
        FD_SET(pairs[i][0], &reads);
    }
    task = cede_go(poke, .fd = pairs[chosen][1]);
    ck_assert_int_eq(cede_select(FD_SETSIZE, &reads, NULL, NULL, NULL), 1);
    for (i = 0; i < MANY; i++)
        ck_assert_int_eq(!FD_ISSET(pairs[i][0], &reads), i != chosen);
    join(task);
    for (i = 0; i < MANY; i++)
        close_pair(pairs[i]);
}

TASK_TEST(select_errors)
{
    int fds[2];
    fd_set reads;
    struct timeval negative = {.tv_sec = -1}, long_usec = {.tv_usec = 1500000};

    make_pair(fds);
    only(&reads, fds[0]);
    ck_assert_fails(cede_select(-1, NULL, NULL, NULL, NULL), EINVAL);
    ck_assert_fails(cede_select(fds[0] + 1, &reads, NULL, NULL, &negative), EINVAL);
    ck_assert(FD_ISSET(fds[0], &reads));
    ck_assert_int_eq(cede_write(fds[1], "x", 1), 1);
    ck_assert_int_eq(cede_select(fds[0] + 1, &reads, NULL, NULL, &long_usec), 1);
    only(&reads, 900);
    ck_assert_fails(cede_select(901, &reads, NULL, NULL, NULL), EBADF);
    only(&reads, fds[1]);
    cede_timeout (2 * CEDE_MILLISECOND)
        ck_assert_fails(cede_select(fds[1] + 1, &reads, NULL, NULL, NULL), ETIMEDOUT);
    ck_assert(FD_ISSET(fds[1], &reads));
    cede_detach(cede_go(closer, .fd = fds[1]));
    ck_assert_fails(cede_select(fds[1] + 1, &reads, NULL, NULL, NULL), EBADF);
    cede_detach(cede_go(canceller, .task = cede_self()));
    ck_assert_fails(cede_select(0, NULL, NULL, NULL, NULL), ECANCELED);
    cede_close(fds[0]);
}

/* poll reports a hang-up always, select to readers only: it must wait on, without spinning. */
TASK_TEST(select_for_exceptions_ignores_a_hang_up)
{
    int fds[2];
    fd_set excepts;
    struct timeval timeout = {.tv_usec = 5000};

    make_pair(fds);
    ck_assert_int_eq(cede_close(fds[1]), 0);
    only(&excepts, fds[0]);
    ck_assert_int_eq(cede_select(fds[0] + 1, NULL, NULL, &excepts, &timeout), 0);
    ck_assert(!FD_ISSET(fds[0], &excepts));
    only(&excepts, fds[0]);
    ck_assert_int_eq(cede_select(fds[0] + 1, &excepts, NULL, NULL, NULL), 1);
    cede_close(fds[0]);
}

/* ---- outside a task ---- */

START_TEST(outside_a_task_they_block)
{
    int fds[2];
    struct pollfd poll;
    struct timespec tiny = {.tv_nsec = 1000}, bad = {.tv_nsec = -1};
    struct timeval timeout = {.tv_usec = 2000};
    fd_set reads;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    poll = (struct pollfd){.fd = fds[0], .events = POLLIN};
    ck_assert_int_eq(cede_poll(&poll, 1, 2), 0);
    ck_assert_int_eq(cede_ppoll(&poll, 1, &tiny, NULL), 0);
    ck_assert_int_eq(tiny.tv_nsec, 1000);
    ck_assert_fails(cede_ppoll(&poll, 1, &bad, NULL), EINVAL);
    only(&reads, fds[0]);
    ck_assert_int_eq(cede_select(fds[0] + 1, &reads, NULL, NULL, &timeout), 0);
    ck_assert(timeout.tv_sec == 0 && timeout.tv_usec == 0);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    only(&reads, fds[0]);
    ck_assert_int_eq(cede_select(fds[0] + 1, &reads, NULL, NULL, NULL), 1);
    ck_assert_int_eq(cede_poll(&poll, 1, -1), 1);
    ck_assert_fails(cede_select(-1, NULL, NULL, NULL, NULL), EINVAL);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

TASK_TEST(no_array_is_a_fault)
{
    ck_assert_fails(cede_poll(NULL, 1, 10), EFAULT);
    ck_assert_fails(cede_ppoll(NULL, 2, NULL, NULL), EFAULT);
}

/* A common way to say "all": more than the sets can hold, where the process may have many descriptors. They lie before
 * memory that must not be touched. */
TASK_TEST(select_looks_at_no_more_than_there_can_be)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fd_set *set = (fd_set *)(memory + page - sizeof *set);
    struct timeval timeout = {0, 10000};
    int fds[2];

    ck_assert_ptr_ne(memory, MAP_FAILED);
    ck_assert_int_eq(mprotect(memory + page, page, PROT_NONE), 0);
    ck_assert_int_eq(cede_pipe2(fds, 0), 0);
    FD_SET(fds[0], set);
    ck_assert_int_eq(cede_select(1 << 20, set, NULL, NULL, &timeout), 0);
    FD_SET(fds[0], set);
    ck_assert_int_eq(cede_write(fds[1], "x", 1), 1);
    ck_assert_int_eq(cede_select(1 << 20, set, NULL, NULL, NULL), 1);
    ck_assert(FD_ISSET(fds[0], set));
    cede_close(fds[0]);
    cede_close(fds[1]);
    munmap(memory, 2 * page);
}

/* ---- a storm of cancellations and deadlines ---- */

/* Writes a byte, or polls some of the pairs in one of three ways and reads what there is. */
static void polls_or_pokes(void *unused, unsigned *seed)
{
    struct timespec time = {.tv_nsec = harness_random(seed) % 300000};
    struct timeval timeval = {.tv_usec = harness_random(seed) % 300};
    int fd = storm[harness_random(seed) % STORM_PAIRS][0], ready;
    struct pollfd polls[2] = {{.fd = fd, .events = POLLIN},
                              {.fd = storm[harness_random(seed) % STORM_PAIRS][0], .events = POLLIN}};
    fd_set set;
    char byte;

    (void)unused;
    switch (harness_random(seed) % 4) {
    case 0:
        storm_written += send(storm[harness_random(seed) % STORM_PAIRS][1], "x", 1, MSG_DONTWAIT) == 1;
        return;
    case 1:
        ready = cede_poll(polls, 2, (int)(harness_random(seed) % 2));
        break;
    case 2:
        ready = cede_ppoll(polls, 2, &time, NULL);
        break;
    default:
        FD_ZERO(&set);
        FD_SET(fd, &set);
        ready = cede_select(fd + 1, &set, NULL, NULL, &timeval);
    }
    if (crowd_check(ready) > 0)
        storm_read += recv(fd, &byte, 1, MSG_DONTWAIT) == 1;
}

TASK_TEST(a_storm_of_ends)
{
    struct crowd crowd = {.act = polls_or_pokes, .seed = 71, .tasks = 32, .rounds = HARNESS_ROUNDS(4000)};
    char bytes[STORM_BYTES];
    ssize_t n;
    int i;

    for (i = 0; i < STORM_PAIRS; i++)
        make_pair(storm[i]);
    crowd_run_here(&crowd);
    for (i = 0; i < STORM_PAIRS; i++)
        while ((n = recv(storm[i][0], bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
            storm_read += (int)n;
    ck_assert_int_gt(storm_read, 0);
    ck_assert_int_eq(storm_read, storm_written);
    for (i = 0; i < STORM_PAIRS; i++)
        close_pair(storm[i]);
}

Suite *suite(void)
{
    Suite *poll = suite_create("poll");
    TCase *cases = tcase_create("poll");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, what_is_ready_is_reported_at_once);
    tcase_add_test(cases, one_descriptor_becomes_readable);
    tcase_add_test(cases, poll_and_recv_take_turns_on_tcp);
    tcase_add_test(cases, one_descriptor_becomes_writable);
    tcase_add_test(cases, the_one_of_three_that_is_ready_is_named);
    tcase_add_test(cases, two_hundred_descriptors);
    tcase_add_test(cases, duplicates_and_negatives);
    tcase_add_test(cases, hang_up_is_reported_unasked);
    tcase_add_test(cases, urgent_data_is_reported);
    tcase_add_test(cases, an_event_that_was_not_asked_for_ends_nothing);
    tcase_add_test(cases, what_is_not_open_is_invalid);
    tcase_add_test(cases, regular_files_are_always_ready);
    tcase_add_test(cases, a_descriptor_closed_meanwhile_is_invalid);
    tcase_add_test(cases, a_number_used_again_is_not_mistaken);
    tcase_add_loop_test(cases, a_time_that_passes_leaves_errno, 0, 2);
    tcase_add_test(cases, timeouts);
    tcase_add_test(cases, more_than_the_limit_of_descriptors_is_invalid);
    tcase_add_test(cases, cancel_ends_a_poll);
    tcase_add_test(cases, a_scope_ends_a_poll);
    tcase_add_test(cases, all_who_poll_a_descriptor_are_told);
    tcase_add_test(cases, a_busy_poll_does_not_starve_others);
    tcase_add_test(cases, an_epoll_descriptor_can_be_polled);
    tcase_add_test(cases, ppoll_lets_a_blocked_signal_through);
    tcase_add_test(cases, a_handler_does_not_end_a_poll);
    tcase_add_test(cases, poll_storm);
    tcase_add_test(cases, select_tells_who_is_ready);
    tcase_add_test(cases, select_times_out);
    tcase_add_test(cases, select_takes_many);
    tcase_add_test(cases, select_errors);
    tcase_add_test(cases, select_for_exceptions_ignores_a_hang_up);
    tcase_add_test(cases, outside_a_task_they_block);
    tcase_add_test(cases, no_array_is_a_fault);
    tcase_add_test(cases, select_looks_at_no_more_than_there_can_be);
    tcase_add_test(cases, a_storm_of_ends);
    suite_add_tcase(poll, cases);
    return poll;
}
