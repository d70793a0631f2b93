/* SPDX-License-Identifier: MIT */
/*
 * Under libcede-posix every call means in a task what it means in a thread. Each scene below is played twice: by plain
 * threads, outside any runtime, where libc's own calls answer; and by tasks. Each call's result and errno go into a
 * protocol, and the two protocols must be the same to the letter.
 *
 * What differs on purpose has its tests elsewhere: closing a descriptor ends the waits on it (test_posix.c).
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

/* ---- the protocol ---- */

static char protocol[1 << 14];

static void tell(const char *what, long result, int error)
{
    size_t have = strlen(protocol);

    ck_assert_uint_lt(have + 300, sizeof protocol);
    if (result < 0)
        snprintf(protocol + have, 300, "%s = %ld %s\n", what, result, strerrorname_np(error));
    else
        snprintf(protocol + have, 300, "%s = %ld\n", what, result);
}

/* The call, its result, and errno if that is negative. */
#define TELL(call)                       \
    do {                                 \
        long result_;                    \
        errno = 0;                       \
        result_ = (long)(call);          \
        tell(#call, result_, errno);     \
    } while (0)

/* ---- who plays it ---- */

static bool in_tasks;

struct beside {
    int (*fn)(void *arg);
    void *arg;
    pthread_t thread;
    struct cede_task *task;
};

static void *run_thread(void *arg)
{
    struct beside *beside = arg;

    beside->fn(beside->arg);
    return NULL;
}

static void start(struct beside *beside, int (*fn)(void *arg), void *arg)
{
    *beside = (struct beside){.fn = fn, .arg = arg};
    if (in_tasks)
        ck_assert_ptr_nonnull(beside->task = cede_spawn(fn, arg));
    else
        ck_assert_int_eq(pthread_create(&beside->thread, NULL, run_thread, beside), 0);
}

static void finish(struct beside *beside)
{
    if (in_tasks)
        cede_await(beside->task);
    else
        ck_assert_int_eq(pthread_join(beside->thread, NULL), 0);
}

enum { SHORT_US = 20 * 1000 };

struct action { /* what is done beside, after a short while */
    int fd;
    const char *text;
    int parts; /* so often, with a pause between; 0: once */
};

static int write_later(void *arg)
{
    struct action *action = arg;
    int i = 0;

    do {
        usleep(SHORT_US);
        ck_assert_int_eq(write(action->fd, action->text, strlen(action->text)), (ssize_t)strlen(action->text));
    } while (++i < action->parts);
    return 0;
}

static int close_later(void *arg)
{
    struct action *action = arg;

    usleep(SHORT_US);
    return close(action->fd);
}

static int drain_later(void *arg)
{
    struct action *action = arg;
    char buffer[4096];

    usleep(SHORT_US);
    while (read(action->fd, buffer, sizeof buffer) > 0)
        usleep(100);
    return 0;
}

static void pair(int type, int fds[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, type, 0, fds), 0);
}

static void close_both(int fds[2])
{
    close(fds[0]);
    close(fds[1]);
}

static int listener(struct sockaddr_in *address)
{
    socklen_t length = sizeof *address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(bind(fd, (struct sockaddr *)address, sizeof *address), 0);
    ck_assert_int_eq(listen(fd, 8), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)address, &length), 0);
    return fd;
}

static void tcp(int fds[2])
{
    struct sockaddr_in address;
    int server = listener(&address);

    fds[0] = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fds[0], (struct sockaddr *)&address, sizeof address), 0);
    fds[1] = accept(server, NULL, NULL);
    ck_assert_int_ge(fds[1], 0);
    close(server);
}

static void set_timeout(int fd, int name, int ms)
{
    struct timeval timeout = {.tv_usec = ms * 1000};

    TELL(setsockopt(fd, SOL_SOCKET, name, &timeout, sizeof timeout));
}

/* ---- scenes ---- */

static void nonblocking_stays_nonblocking(void)
{
    struct sockaddr_in address;
    struct pollfd ready;
    struct iovec part;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    int fds[2], server, client, on = 1, off = 0, error = -1;
    socklen_t length = sizeof error;
    char byte = 'x';

    part = (struct iovec){&byte, 1};
    TELL(pipe2(fds, O_NONBLOCK));
    TELL(read(fds[0], &byte, 1));
    TELL(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
    TELL(fcntl(fds[0], F_SETFL, 0));
    TELL(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
    while (write(fds[1], protocol, 4096) > 0)
        ;
    TELL(write(fds[1], &byte, 1));
    close_both(fds);

    pair(SOCK_STREAM, fds);
    TELL(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
    TELL(ioctl(fds[0], FIONBIO, &on));
    TELL(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
    TELL(recv(fds[0], &byte, 1, 0));
    TELL(recvmsg(fds[0], &message, 0));
    TELL(readv(fds[0], &part, 1));
    TELL(ioctl(fds[0], FIONBIO, &off));
    TELL(recv(fds[0], &byte, 1, MSG_DONTWAIT));
    TELL(send(fds[1], "a", 1, 0));
    TELL(recv(fds[0], &byte, 1, 0));
    close_both(fds);

    server = listener(&address);
    TELL(fcntl(server, F_SETFL, O_NONBLOCK));
    TELL(accept(server, NULL, NULL));
    TELL(accept4(server, NULL, NULL, SOCK_NONBLOCK));
    client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    TELL(connect(client, (struct sockaddr *)&address, sizeof address));
    ready = (struct pollfd){.fd = client, .events = POLLOUT};
    TELL(poll(&ready, 1, -1));
    TELL(getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &length));
    TELL(error);
    TELL(connect(client, (struct sockaddr *)&address, sizeof address));
    fds[0] = accept4(server, NULL, NULL, SOCK_NONBLOCK);
    TELL(fcntl(fds[0], F_GETFL) & O_NONBLOCK);
    TELL(recv(fds[0], &byte, 1, 0));
    close(fds[0]);
    close(client);
    close(server);
}

static void timeouts_of_sockets(void)
{
    struct iovec part;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    struct action action;
    struct beside beside;
    int fds[2];
    char byte;

    part = (struct iovec){&byte, 1};
    pair(SOCK_STREAM, fds);
    set_timeout(fds[0], SO_RCVTIMEO, 30);
    TELL(recv(fds[0], &byte, 1, 0));
    TELL(read(fds[0], &byte, 1));
    TELL(recvmsg(fds[0], &message, 0));
    action = (struct action){.fd = fds[1], .text = "in time"};
    set_timeout(fds[0], SO_RCVTIMEO, 900);
    start(&beside, write_later, &action);
    TELL(recv(fds[0], &byte, 1, 0));
    finish(&beside);
    set_timeout(fds[0], SO_RCVTIMEO, 0); /* for ever */
    TELL(recv(fds[0], &byte, 1, 0));
    set_timeout(fds[1], SO_SNDTIMEO, 30);
    while (send(fds[1], protocol, 4096, MSG_DONTWAIT) > 0)
        ;
    TELL(send(fds[1], protocol, 4096, 0));
    TELL(write(fds[1], protocol, 4096));
    close_both(fds);
}

static void flags_of_messages(void)
{
    struct action action;
    struct beside beside;
    char buffer[32];
    int fds[2];

    tcp(fds);
    action = (struct action){.fd = fds[1], .text = "abc", .parts = 3};
    start(&beside, write_later, &action);
    TELL(recv(fds[0], buffer, 9, MSG_WAITALL));
    TELL(memcmp(buffer, "abcabcabc", 9));
    finish(&beside);
    TELL(recv(fds[0], buffer, 1, MSG_DONTWAIT));
    TELL(recv(fds[0], buffer, 1, MSG_DONTWAIT | MSG_PEEK));
    action = (struct action){.fd = fds[1], .text = "peek"};
    start(&beside, write_later, &action);
    TELL(recv(fds[0], buffer, 4, MSG_PEEK));
    finish(&beside);
    TELL(recv(fds[0], buffer, 32, MSG_PEEK));
    TELL(recv(fds[0], buffer, 2, 0));
    TELL(recv(fds[0], buffer, 32, 0));
    TELL(send(fds[1], "end", 3, 0));
    start(&beside, close_later, &(struct action){.fd = fds[1]});
    TELL(recv(fds[0], buffer, 9, MSG_WAITALL)); /* ended by the end of the stream */
    TELL(recv(fds[0], buffer, 9, MSG_WAITALL));
    finish(&beside);
    close(fds[0]);

    pair(SOCK_DGRAM, fds);
    TELL(send(fds[1], "datagram", 8, 0));
    TELL(send(fds[1], "", 0, 0));
    TELL(recv(fds[0], buffer, 4, MSG_TRUNC));
    TELL(recv(fds[0], buffer, 4, 0));
    TELL(recv(fds[0], buffer, 4, MSG_DONTWAIT));
    close_both(fds);
}

#ifndef HARNESS_TSAN /* it handles signals itself, and late */
static pid_t interrupted_thread;
static volatile sig_atomic_t handled;

static void handler(int signo)
{
    (void)signo;
    handled++;
}

static int signal_later(void *arg)
{
    usleep(SHORT_US / 2);
    return (int)syscall(SYS_tgkill, getpid(), interrupted_thread, *(int *)arg);
}

/* A signal comes in the midst of the call. */
#define INTERRUPTED(call)                            \
    do {                                             \
        struct beside beside_;                       \
        int signo_ = SIGUSR1;                        \
        start(&beside_, signal_later, &signo_);      \
        TELL(call);                                  \
        finish(&beside_);                            \
        TELL(handled);                               \
    } while (0)

/* The same, and then the event. */
#define INTERRUPTED_THEN(call, fd_)                                  \
    do {                                                             \
        struct beside event_;                                        \
        struct action byte_ = {.fd = (fd_), .text = "?", .parts = 4}; \
        start(&event_, write_later, &byte_);                         \
        INTERRUPTED(call);                                           \
        finish(&event_);                                             \
    } while (0)

static void signals_end_calls(void)
{
    struct sigaction action = {.sa_handler = handler}, old;
    struct timespec second = {.tv_sec = 1}, left = {0};
    struct sockaddr_in address;
    struct pollfd ready;
    int fds[2], server = listener(&address);
    fd_set set;
    char buffer[64];

    interrupted_thread = gettid();
    handled = 0;
    pair(SOCK_STREAM, fds);
    ready = (struct pollfd){.fd = fds[0], .events = POLLIN};
    FD_ZERO(&set);
    FD_SET(fds[0], &set);

    TELL(sigaction(SIGUSR1, &action, NULL));
    INTERRUPTED(read(fds[0], buffer, 1));
    INTERRUPTED(recv(fds[0], buffer, 1, 0));
    INTERRUPTED(recv(fds[0], buffer, 4, MSG_WAITALL));
    INTERRUPTED(accept(server, NULL, NULL));
    INTERRUPTED(poll(&ready, 1, -1));
    INTERRUPTED(select(fds[0] + 1, &set, NULL, NULL, NULL));
    INTERRUPTED(usleep(900 * 1000));
    INTERRUPTED(nanosleep(&second, &left));
    TELL(left.tv_sec == 0 && left.tv_nsec > 0);
    INTERRUPTED(clock_nanosleep(CLOCK_MONOTONIC, 0, &second, NULL));
    INTERRUPTED(sleep(2));

    action.sa_flags = SA_RESTART;
    TELL(sigaction(SIGUSR1, &action, &old));
    TELL(old.sa_handler == handler);
    TELL(old.sa_flags & (SA_RESTART | SA_SIGINFO));
    INTERRUPTED_THEN(read(fds[0], buffer, 4) > 0, fds[1]);
    TELL(recv(fds[0], buffer, sizeof buffer, MSG_DONTWAIT) >= 0);
    INTERRUPTED_THEN(recv(fds[0], buffer, 4, MSG_WAITALL), fds[1]);
    INTERRUPTED(poll(&ready, 1, -1));
    INTERRUPTED(usleep(900 * 1000));
    set_timeout(fds[0], SO_RCVTIMEO, 900);
    INTERRUPTED(recv(fds[0], buffer, 1, 0));
    set_timeout(fds[0], SO_RCVTIMEO, 0);

    TELL(signal(SIGUSR1, handler) == handler);
    INTERRUPTED_THEN(read(fds[0], buffer, 1), fds[1]);
    TELL(recv(fds[0], buffer, sizeof buffer, MSG_DONTWAIT) >= 0);
    TELL(siginterrupt(SIGUSR1, 1));
    INTERRUPTED(read(fds[0], buffer, 1));
    TELL(sigaction(SIGUSR1, NULL, &old));
    TELL(old.sa_handler == handler);
    TELL(siginterrupt(SIGUSR1, 0));
    TELL(signal(SIGUSR1, SIG_DFL) == handler);
    TELL(signal(SIGUSR1, SIG_IGN) == SIG_DFL);
    TELL(sigaction(SIGKILL, &action, NULL));
    TELL(sigaction(0, &action, NULL));
    TELL(sigaction(1000, &action, NULL));
    TELL(signal(1000, handler) == SIG_ERR);
    close_both(fds);
    close(server);
}

static void a_signal_ends_a_write_in_the_middle(void)
{
    enum { BIG = 1 << 20 };
    struct sigaction action = {.sa_handler = handler};
    char *big = calloc(1, BIG);
    int fds[2], size;

    interrupted_thread = gettid();
    handled = 0;
    TELL(sigaction(SIGUSR1, &action, NULL));
    TELL(pipe(fds));
    size = fcntl(fds[1], F_GETPIPE_SZ);
    INTERRUPTED(write(fds[1], big, BIG) - size);
    INTERRUPTED(write(fds[1], big, 1));
    close_both(fds);
    signal(SIGUSR1, SIG_DFL);
    free(big);
}

#endif

static void writes_are_whole_or_fail(void)
{
    enum { BIG = 1 << 20 };
    char *big = calloc(1, BIG), byte = 'x';
    struct iovec parts[2] = {{big, BIG / 2}, {big, BIG / 2}};
    struct beside beside;
    int fds[2], type;

    signal(SIGPIPE, SIG_IGN);
    for (type = 0; type < 3; type++) {
        if (type == 0)
            TELL(pipe(fds));
        else if (type == 1)
            pair(SOCK_STREAM, fds);
        else
            tcp(fds);
        start(&beside, drain_later, &(struct action){.fd = fds[0]});
        TELL(write(fds[1], big, BIG));
        TELL(writev(fds[1], parts, 2));
        close(fds[1]);
        finish(&beside);
        close(fds[0]);
    }
    TELL(pipe(fds));
    start(&beside, close_later, &(struct action){.fd = fds[0]});
    TELL(write(fds[1], big, BIG) > 0); /* a part: then the reader was gone */
    TELL(write(fds[1], &byte, 1));
    finish(&beside);
    close(fds[1]);
    pair(SOCK_STREAM, fds);
    close(fds[0]);
    TELL(send(fds[1], &byte, 1, 0));
    TELL(send(fds[1], &byte, 1, MSG_NOSIGNAL));
    TELL(read(fds[1], &byte, 1));
    close(fds[1]);
    signal(SIGPIPE, SIG_DFL);
    free(big);
}

static void half_close(void)
{
    struct beside beside;
    char buffer[8];
    int fds[2];

    tcp(fds);
    TELL(shutdown(fds[1], SHUT_WR));
    TELL(read(fds[0], buffer, sizeof buffer));
    TELL(read(fds[0], buffer, sizeof buffer));
    start(&beside, write_later, &(struct action){.fd = fds[0], .text = "back"});
    TELL(read(fds[1], buffer, sizeof buffer));
    finish(&beside);
    TELL(send(fds[1], "x", 1, MSG_NOSIGNAL));
    TELL(shutdown(fds[1], SHUT_RD));
    TELL(read(fds[1], buffer, sizeof buffer));
    TELL(shutdown(fds[0], 77));
    close_both(fds);
    pair(SOCK_STREAM, fds);
    TELL(shutdown(fds[0], SHUT_RDWR));
    TELL(read(fds[0], buffer, 1));
    TELL(read(fds[1], buffer, 1));
    TELL(shutdown(fds[1], SHUT_RDWR));
    close_both(fds);
}

static void poll_and_select(void)
{
    enum { MORE_THAN_THE_LIMIT = 2 << 20 };
    struct pollfd *many = calloc(MORE_THAN_THE_LIMIT, sizeof *many);
    struct timeval none = {0}, soon = {.tv_usec = 20000};
    struct pollfd polls[5];
    struct beside beside;
    int fds[2], i;
    fd_set set;

    TELL(pipe(fds));
    polls[0] = (struct pollfd){.fd = -1, .events = POLLIN, .revents = 77};
    polls[1] = (struct pollfd){.fd = fds[0], .events = POLLIN};
    polls[2] = (struct pollfd){.fd = fds[0], .events = POLLIN | POLLOUT};
    polls[3] = (struct pollfd){.fd = fds[1], .events = POLLIN};
    polls[4] = (struct pollfd){.fd = -77, .events = POLLOUT};
    TELL(poll(polls, 5, 0));
    TELL(poll(polls, 5, 20));
    start(&beside, write_later, &(struct action){.fd = fds[1], .text = "x"});
    TELL(poll(polls, 5, -1));
    finish(&beside);
    for (i = 0; i < 5; i++)
        TELL(polls[i].revents);
    polls[3].events = POLLOUT;
    TELL(poll(polls, 5, -1));
    polls[4].fd = 900;
    TELL(poll(polls, 5, -1));
    TELL(polls[4].revents);
    close(fds[0]);
    polls[3].events = 0;
    TELL(poll(polls + 3, 1, -1)); /* POLLERR, unasked */
    TELL(polls[3].revents);
    close(fds[1]);
    TELL(poll(NULL, 0, 5));
    if (!harness_emulated("poll(2) of more than its own stack can hold"))
        TELL(poll(many, MORE_THAN_THE_LIMIT, 5));
    free(many);

    TELL(pipe(fds));
    FD_ZERO(&set);
    FD_SET(fds[0], &set);
    TELL(select(fds[0] + 1, &set, NULL, NULL, &none));
    FD_SET(fds[0], &set);
    TELL(select(fds[0] + 1, &set, NULL, NULL, &soon));
    TELL(FD_ISSET(fds[0], &set) != 0);
    FD_SET(fds[0], &set);
    start(&beside, close_later, &(struct action){.fd = fds[1]});
    TELL(select(fds[0] + 1, &set, NULL, NULL, NULL));
    TELL(FD_ISSET(fds[0], &set) != 0);
    finish(&beside);
    close(fds[0]);
    TELL(select(fds[0] + 1, &set, NULL, NULL, NULL));
    TELL(select(-1, &set, NULL, NULL, NULL));
    soon.tv_usec = -1;
    TELL(select(0, NULL, NULL, NULL, &soon));
}

static int receive_descriptor(int fd)
{
    char byte, control[CMSG_SPACE(sizeof(int))];
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = sizeof control};
    int received = -1;

    TELL(recvmsg(fd, &message, 0));
    if (CMSG_FIRSTHDR(&message))
        memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof received);
    return received;
}

static int send_descriptor_later(void *arg)
{
    struct action *action = arg;
    char byte = 'd', control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
                             .msg_controllen = sizeof control};
    int sent = atoi(action->text);

    usleep(SHORT_US);
    *CMSG_FIRSTHDR(&message) = (struct cmsghdr){CMSG_LEN(sizeof sent), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &sent, sizeof sent);
    return (int)sendmsg(action->fd, &message, 0);
}

static void copies_of_descriptors(void)
{
    struct beside beside;
    char buffer[8], number[16];
    int fds[2], way[2], copy, received;

    TELL(pipe(fds));
    copy = dup(fds[0]);
    TELL(close(fds[0]));
    start(&beside, write_later, &(struct action){.fd = fds[1], .text = "dup"});
    TELL(read(copy, buffer, sizeof buffer));
    finish(&beside);
    TELL(fcntl(copy, F_SETFL, O_NONBLOCK));
    fds[0] = fcntl(copy, F_DUPFD_CLOEXEC, 100);
    TELL(fds[0]);
    TELL(fcntl(fds[0], F_GETFL) & O_NONBLOCK); /* of the open file, which they share */
    TELL(fcntl(fds[0], F_GETFD));
    TELL(read(fds[0], buffer, 1));
    TELL(fcntl(fds[0], F_SETFL, 0));
    TELL(fcntl(copy, F_GETFL) & O_NONBLOCK);
    TELL(dup2(fds[0], copy) == copy);
    start(&beside, write_later, &(struct action){.fd = fds[1], .text = "dup2"});
    TELL(read(copy, buffer, sizeof buffer));
    finish(&beside);
    TELL(dup3(copy, copy, 0));
    TELL(dup2(900, copy));
    TELL(dup3(fds[0], 200, O_CLOEXEC));
    TELL(fcntl(200, F_GETFD));
    TELL(close_range(100, 300, 0));
    TELL(fcntl(200, F_GETFD));
    TELL(read(100, buffer, 1));
    TELL(fcntl(copy, F_DUPFD, 400));
    closefrom(400);
    TELL(fcntl(400, F_GETFD));
    start(&beside, write_later, &(struct action){.fd = fds[1], .text = "still"});
    TELL(read(copy, buffer, sizeof buffer));
    finish(&beside);

    pair(SOCK_STREAM, way);
    snprintf(number, sizeof number, "%d", copy);
    start(&beside, send_descriptor_later, &(struct action){.fd = way[1], .text = number});
    received = receive_descriptor(way[0]);
    finish(&beside);
    TELL(close(copy));
    start(&beside, write_later, &(struct action){.fd = fds[1], .text = "passed"});
    TELL(read(received, buffer, sizeof buffer));
    finish(&beside);
    close(received);
    close_both(way);
    close(fds[1]);
}

static int read_one(void *arg)
{
    struct action *action = arg;
    char byte;

    action->parts = (int)read(action->fd, &byte, 1);
    return 0;
}

static void many_on_one_descriptor(void)
{
    enum { MANY = 10 };
    struct action actions[MANY], byte;
    struct beside readers[MANY], writers[MANY];
    int fds[2], i, sum = 0;

    tcp(fds);
    byte = (struct action){.fd = fds[1], .text = "x"};
    for (i = 0; i < MANY; i++) {
        actions[i] = (struct action){.fd = fds[0]};
        start(&readers[i], read_one, &actions[i]);
    }
    for (i = 0; i < MANY; i++)
        start(&writers[i], write_later, &byte);
    for (i = 0; i < MANY; i++) {
        finish(&writers[i]);
        finish(&readers[i]);
        sum += actions[i].parts;
    }
    TELL(sum);
    close_both(fds);
}

static void numbers_are_used_again(void)
{
    struct beside beside;
    char buffer[16];
    int fds[2], again[2], i;

    for (i = 0; i < 4; i++) {
        pair(i % 2 ? SOCK_STREAM : SOCK_DGRAM, fds);
        start(&beside, write_later, &(struct action){.fd = fds[1], .text = "socket"});
        TELL(read(fds[0], buffer, sizeof buffer));
        finish(&beside);
        close_both(fds);
        TELL(pipe(again));
        TELL(again[0] == fds[0] && again[1] == fds[1]);
        start(&beside, write_later, &(struct action){.fd = again[1], .text = "pipe"});
        TELL(read(again[0], buffer, sizeof buffer));
        finish(&beside);
        TELL(recv(again[0], buffer, 1, 0));
        close_both(again);
    }
}

static void children(void)
{
    char buffer[16] = "";
    int fds[2], status;
    FILE *stream;
    pid_t child;

    TELL(pipe(fds));
    child = fork();
    if (child == 0) {
        usleep(SHORT_US);
        _exit(write(fds[1], "child", 5) == 5 ? 7 : 1);
    }
    close(fds[1]);
    TELL(read(fds[0], buffer, sizeof buffer));
    TELL(waitpid(child, &status, 0) == child);
    TELL(WEXITSTATUS(status));
    TELL(waitpid(child, &status, 0));
    close(fds[0]);

    TELL(pipe(fds));
    child = fork();
    if (child == 0) {
        dup2(fds[1], 1);
        execl("/bin/echo", "echo", "executed", (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    TELL(read(fds[0], buffer, sizeof buffer));
    TELL(waitpid(child, &status, 0) == child);
    TELL(status);
    close(fds[0]);
    TELL(WEXITSTATUS(system("exit 3")));
    stream = popen("sleep 0.05; echo from popen", "r");
    TELL(fgets(buffer, sizeof buffer, stream) == buffer);
    TELL(strcmp(buffer, "from popen\n"));
    TELL(pclose(stream));
}

static void mistakes(void)
{
    struct sockaddr_in address;
    struct iovec parts[2] = {{NULL, 0}, {NULL, 0}};
    char buffer[8];
    int fds[2], server = listener(&address), client = socket(AF_INET, SOCK_STREAM, 0), file, directory;

    signal(SIGPIPE, SIG_IGN);
    TELL(read(900, buffer, 1));
    TELL(write(-1, buffer, 1));
    TELL(recv(900, buffer, 1, 0));
    TELL(close(900));
    TELL(poll(NULL, 1, 0));
    TELL(pipe(fds));
    TELL(read(fds[1], buffer, 1));
    TELL(write(fds[0], buffer, 1));
    TELL(recv(fds[0], buffer, 1, 0));
    TELL(send(fds[1], buffer, 1, 0));
    TELL(pread(fds[0], buffer, 1, 0));
    TELL(lseek(fds[0], 0, SEEK_SET));
    TELL(read(fds[0], buffer, 0));
    TELL(write(fds[1], buffer, 0));
    TELL(readv(fds[0], parts, -1));
    TELL(readv(fds[0], parts, 2000));
    TELL(write(fds[1], NULL, 1));
    TELL(accept(fds[0], NULL, NULL));
    close_both(fds);
    TELL(accept(client, NULL, NULL));
    TELL(recv(client, buffer, 1, 0));
    TELL(send(client, buffer, 1, 0));
    TELL(connect(client, (struct sockaddr *)&address, 3));
    TELL(connect(client, (struct sockaddr *)&address, sizeof address));
    TELL(connect(client, (struct sockaddr *)&address, sizeof address));
    TELL(accept4(server, NULL, NULL, 0x7fffffff));
    close(client);
    close(server);
    client = socket(AF_INET, SOCK_STREAM, 0);
    TELL(connect(client, (struct sockaddr *)&address, sizeof address));
    close(client);
    directory = open("/", O_RDONLY);
    TELL(read(directory, buffer, 1));
    close(directory);
    file = open("/proc/self/exe", O_RDONLY);
    TELL(write(file, buffer, 1));
    TELL(pread(file, buffer, 4, 0));
    TELL(pread(file, buffer, 4, -1));
    TELL(pread(file, buffer, 4, (off_t)1 << 50));
    TELL(open("/nowhere/file", O_RDONLY));
    TELL(usleep(0));
    TELL(nanosleep(&(struct timespec){.tv_nsec = 2000000000}, NULL));
    close(file);
    signal(SIGPIPE, SIG_DFL);
}

static void counters_and_clocks(void)
{
    struct itimerspec soon = {.it_value.tv_nsec = SHORT_US * 1000};
    int counter = eventfd(0, 0), semaphore = eventfd(2, EFD_SEMAPHORE), clock = timerfd_create(CLOCK_MONOTONIC, 0);
    struct beside beside;
    uint64_t value;

    start(&beside, write_later, &(struct action){.fd = counter, .text = "\1\2\3\4\5\6\7\1"});
    TELL(read(counter, &value, sizeof value));
    finish(&beside);
    TELL(read(semaphore, &value, sizeof value));
    TELL(read(semaphore, &value, sizeof value));
    TELL(fcntl(semaphore, F_SETFL, O_NONBLOCK));
    TELL(read(semaphore, &value, sizeof value));
    TELL(timerfd_settime(clock, 0, &soon, NULL));
    TELL(read(clock, &value, sizeof value));
    TELL(value);
    close(counter);
    close(semaphore);
    close(clock);
}

/* ---- twice ---- */

static const struct scene {
    const char *name;
    void (*play)(void);
} scenes[] = {
    {"nonblocking stays nonblocking", nonblocking_stays_nonblocking},
    {"timeouts of sockets", timeouts_of_sockets},
    {"flags of messages", flags_of_messages},
#ifndef HARNESS_TSAN
    {"signals end calls", signals_end_calls},
    {"a signal ends a write in the middle", a_signal_ends_a_write_in_the_middle},
#endif
    {"writes are whole or fail", writes_are_whole_or_fail},
    {"half close", half_close},
    {"poll and select", poll_and_select},
    {"copies of descriptors", copies_of_descriptors},
    {"many on one descriptor", many_on_one_descriptor},
    {"numbers are used again", numbers_are_used_again},
    {"children", children},
    {"mistakes", mistakes},
    {"counters and clocks", counters_and_clocks},
};

static int play_in_task(void *play)
{
    (*(void (**)(void))play)();
    return 0;
}

/* The first line in which the second protocol departs from the first. */
static void compare(const char *scene, const char *threads, const char *tasks)
{
    size_t at = 0, line = 0;

    for (; threads[at] && threads[at] == tasks[at]; at++)
        if (threads[at] == '\n')
            line = at + 1;
    if (threads[at] == tasks[at])
        return;
    ck_abort_msg("%s: in threads: %.*s; in tasks: %.*s", scene, (int)strcspn(threads + line, "\n"), threads + line,
                 (int)strcspn(tasks + line, "\n"), tasks + line);
}

START_TEST(tasks_do_what_threads_do)
{
    void (*play)(void) = scenes[_i].play;
    static char threads[sizeof protocol];

    play();
    strcpy(threads, protocol);
    protocol[0] = '\0';
    in_tasks = true;
    ck_assert_int_eq(cede_run(play_in_task, &play), 0);
    ck_assert_msg(*protocol, "%s: an empty protocol", scenes[_i].name);
    if (getenv("CEDE_TEST_PROTOCOL"))
        printf("---- %s\n%s", scenes[_i].name, threads);
    compare(scenes[_i].name, threads, protocol);
}
END_TEST

Suite *suite(void)
{
    Suite *semantics = suite_create("posix_semantics");
    TCase *cases = tcase_create("scenes");

    tcase_set_timeout(cases, 30);
    tcase_add_loop_test(cases, tasks_do_what_threads_do, 0, (int)(sizeof scenes / sizeof *scenes));
    suite_add_tcase(semantics, cases);
    return semantics;
}
