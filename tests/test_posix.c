/* SPDX-License-Identifier: MIT */
/*
 * libc's names, in a program that is linked with libcede-posix: in a task they let others run, elsewhere they are what
 * they always were. Nothing in here calls cede's own input and output.
 */
#include <cede/posix.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "posix_ticks.h"
#include "test_posix_calls.h"

#define LONG_NS (3 * CEDE_SECOND) /* for what must not wait at all; shorter than libcheck's patience */

static int pair[2];

static int late_write(void *unused)
{
    (void)unused;
    usleep(DELAY_US);
    return write(pair[1], "x", 1) == 1 ? 0 : -1;
}

static int late_write_value(void *unused)
{
    static const uint64_t value = 1;

    (void)unused;
    usleep(DELAY_US);
    return write(pair[1], &value, sizeof value) == sizeof value ? 0 : -1;
}

static void assert_readers_yield(const struct posix_call *calls)
{
    const struct posix_call *call;
    struct cede_task *ticker, *writer;

    for (call = calls; call->name; call++) {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        ticker = start_ticks();
        writer = cede_spawn(late_write, NULL);
        ck_assert_msg(call->wait(pair[0], POSIX_CALL_BUFFER) == 1, "%s: %s", call->name, strerror(errno));
        assert_ticked(ticker, call->name);
        ck_assert_int_eq(cede_await(writer), 0);
        ck_assert_int_eq(close(pair[0]), 0);
        ck_assert_int_eq(close(pair[1]), 0);
    }
}

TASK_TEST(readers_yield)
{
    assert_readers_yield(posix_calls_plain);
}

TASK_TEST(fortified_readers_yield)
{
    assert_readers_yield(posix_calls_fortified);
}

TASK_TEST(readers_end_by_deadline)
{
    const struct posix_call *call;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    for (call = posix_calls_fortified; call->name; call++)
        cede_timeout (CEDE_MILLISECOND)
            ck_assert_fails(call->wait(pair[0], POSIX_CALL_BUFFER), ETIMEDOUT);
}

static int read_pair(void *unused)
{
    (void)unused;
    return posix_calls_plain[0].wait(pair[0], POSIX_CALL_BUFFER);
}

TASK_TEST(readers_end_by_cancel)
{
    struct cede_task *reader;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    reader = cede_spawn(read_pair, NULL);
    usleep(TICK_US);
    ck_assert_int_eq(cede_cancel(reader), 0);
    ck_assert_fails(cede_await(reader), ECANCELED);
}

TASK_TEST(close_ends_a_wait)
{
    struct cede_task *reader;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    reader = cede_spawn(read_pair, NULL);
    usleep(TICK_US);
    ck_assert_int_eq(close(pair[0]), 0);
    ck_assert_fails(cede_await(reader), EBADF);
}

/* Overflows abort, as with glibc's own. One child each: libcheck's loop number says which call. */
START_TEST(fortified_calls_check_the_size)
{
    /* readv, recvmsg and select have no buffer whose size the compiler could compare. */
    static const int checked[] = {0, 2, 3, 5, 6};
    volatile size_t too_much = POSIX_CALL_BUFFER + 1;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ck_assert_int_eq(write(pair[1], "x", 1), 1);
    posix_calls_fortified[checked[_i]].wait(pair[0], too_much);
}
END_TEST

/* ---- writers, connections ---- */

static int late_drain(void *unused)
{
    static char sink[1 << 16];

    (void)unused;
    usleep(DELAY_US);
    while (recv(pair[0], sink, sizeof sink, MSG_DONTWAIT) > 0)
        ;
    return 0;
}

static ssize_t by_write(void)
{
    return write(pair[1], "x", 1);
}

static ssize_t by_writev(void)
{
    struct iovec iov = {(char[]){"x"}, 1};

    return writev(pair[1], &iov, 1);
}

static ssize_t by_send(void)
{
    return send(pair[1], "x", 1, 0);
}

static ssize_t by_sendto(void)
{
    return sendto(pair[1], "x", 1, 0, NULL, 0);
}

static ssize_t by_sendmsg(void)
{
    struct iovec iov = {(char[]){"x"}, 1};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

    return sendmsg(pair[1], &msg, 0);
}

TASK_TEST(writers_yield)
{
    static ssize_t (*const writers[])(void) = {by_write, by_writev, by_send, by_sendto, by_sendmsg};
    static char filling[1 << 16];
    struct cede_task *ticker, *drain;
    size_t i;

    for (i = 0; i < sizeof writers / sizeof writers[0]; i++) {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        while (send(pair[1], filling, sizeof filling, MSG_DONTWAIT) > 0)
            ;
        while (send(pair[1], filling, 1, MSG_DONTWAIT) > 0)
            ;
        ticker = start_ticks();
        drain = cede_spawn(late_drain, NULL);
        ck_assert_int_eq(writers[i](), 1);
        assert_ticked(ticker, "a writer");
        ck_assert_int_eq(cede_await(drain), 0);
        close(pair[0]);
        close(pair[1]);
    }
}

static struct sockaddr_in address;

static int listen_somewhere(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t length = sizeof address;

    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    return fd;
}

static int late_connect(void *unused)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), result;

    (void)unused;
    usleep(DELAY_US);
    result = connect(fd, (struct sockaddr *)&address, sizeof address);
    close(fd);
    return result;
}

TASK_TEST(accept_and_connect_yield)
{
    int listener = listen_somewhere(), form, fd;
    struct cede_task *ticker, *client;

    for (form = 0; form < 2; form++) {
        ticker = start_ticks();
        client = cede_spawn(late_connect, NULL);
        fd = form == 0 ? accept(listener, NULL, NULL) : accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        assert_ticked(ticker, "accept");
        ck_assert_int_eq(cede_await(client), 0);
        ck_assert_int_eq(fcntl(fd, F_GETFD), form == 0 ? 0 : FD_CLOEXEC);
        close(fd);
    }
    ck_assert_int_eq(close(listener), 0);
    ck_assert_fails(late_connect(NULL), ECONNREFUSED);
}

TASK_TEST(getaddrinfo_answers)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;

    ck_assert_int_eq(getaddrinfo("127.0.0.1", "80", &hints, &found), 0);
    ck_assert_int_eq(ntohs(((struct sockaddr_in *)(void *)found->ai_addr)->sin_port), 80);
    freeaddrinfo(found);
    ck_assert_int_eq(getaddrinfo("localhost", NULL, &hints, &found), 0); /* on a helper thread, which comes back here */
    freeaddrinfo(found);
}

/* ---- sleeping ---- */

TASK_TEST(sleepers_yield)
{
    const struct timespec delay = {.tv_nsec = DELAY_US * 1000};
    struct cede_task *ticker;

    ticker = start_ticks();
    ck_assert_int_eq(usleep(DELAY_US), 0);
    assert_ticked(ticker, "usleep");
    ticker = start_ticks();
    ck_assert_int_eq(nanosleep(&delay, NULL), 0);
    assert_ticked(ticker, "nanosleep");
    ticker = start_ticks();
    ck_assert_int_eq(clock_nanosleep(CLOCK_MONOTONIC, 0, &delay, NULL), 0);
    assert_ticked(ticker, "clock_nanosleep");
    ticker = start_ticks();
    ck_assert_int_eq(sleep(1), 0);
    assert_ticked(ticker, "sleep");
    ticker = start_ticks();
    ck_assert_int_eq(poll(NULL, 0, DELAY_US / 1000), 0);
    assert_ticked(ticker, "poll without descriptors");
}

TASK_TEST(sleep_returns_what_is_left)
{
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_uint_eq(sleep(1), 1); /* not a whole second, but not nothing */
    cede_timeout (CEDE_MILLISECOND) {
        ck_assert_uint_eq(sleep(100), 100);
        ck_assert_int_eq(errno, ETIMEDOUT);
    }
}

/* ---- descriptors ---- */

/* What the kernel says, whatever anybody wants us to believe. */
static long true_flags(int fd)
{
    return syscall(SYS_fcntl, fd, F_GETFL, 0);
}

TASK_TEST(flags_of_descriptors_stay)
{
    struct cede_task *writer;
    long flags;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    flags = true_flags(pair[0]);
    writer = cede_spawn(late_write, NULL);
    ck_assert_int_eq(posix_calls_plain[0].wait(pair[0], POSIX_CALL_BUFFER), 1);
    ck_assert_int_eq(cede_await(writer), 0);
    ck_assert_int_eq(true_flags(pair[0]), flags);
    ck_assert_int_eq(true_flags(pair[1]), flags);
    ck_assert_int_eq(fcntl(pair[0], F_GETFL), flags);
    /* The user's own wish is heeded, and can be taken back. */
    ck_assert_int_eq(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
    ck_assert_fails(posix_calls_plain[0].wait(pair[0], POSIX_CALL_BUFFER), EAGAIN);
    ck_assert_int_eq(fcntl(pair[0], F_SETFL, 0), 0);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(posix_calls_plain[0].wait(pair[0], POSIX_CALL_BUFFER), ETIMEDOUT);
}

static void assert_read_waits(int fd)
{
    char byte;

    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(read(fd, &byte, 1), ETIMEDOUT);
}

TASK_TEST(fionbio_is_heeded_after_a_wait)
{
    int on = 1, off = 0, waiting = -1;
    char byte;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_read_waits(pair[0]);
    ck_assert_int_eq(ioctl(pair[0], FIONBIO, &on), 0);
    ck_assert_int_eq(true_flags(pair[0]) & O_NONBLOCK, O_NONBLOCK);
    cede_timeout (LONG_NS)
        ck_assert_fails(read(pair[0], &byte, 1), EAGAIN);
    ck_assert_int_eq(ioctl(pair[0], FIONBIO, &off), 0);
    ck_assert_int_eq(true_flags(pair[0]) & O_NONBLOCK, 0);
    assert_read_waits(pair[0]);
    /* Other requests are the kernel's. */
    ck_assert_int_eq(write(pair[1], "abc", 3), 3);
    ck_assert_int_eq(ioctl(pair[0], FIONREAD, &waiting), 0);
    ck_assert_int_eq(waiting, 3);
    ck_assert_fails(ioctl(999, FIONBIO, &on), EBADF);
    ck_assert_fails(ioctl(pair[0], FIONBIO, NULL), EFAULT);
}

TASK_TEST(socket_timeouts_are_heeded_after_a_wait)
{
    static const struct timeval soon = {.tv_usec = 1000}, never = {0};
    static char filling[1 << 16];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_read_waits(pair[0]);
    ck_assert_int_eq(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon), 0);
    cede_timeout (LONG_NS)
        ck_assert_fails(posix_calls_plain[0].wait(pair[0], POSIX_CALL_BUFFER), EAGAIN);
    ck_assert_int_eq(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &never, sizeof never), 0);
    assert_read_waits(pair[0]);
    while (send(pair[1], filling, sizeof filling, MSG_DONTWAIT) > 0)
        ;
    while (send(pair[1], filling, 1, MSG_DONTWAIT) > 0)
        ;
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(write(pair[1], "x", 1), ETIMEDOUT);
    ck_assert_int_eq(setsockopt(pair[1], SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon), 0);
    cede_timeout (LONG_NS)
        ck_assert_fails(write(pair[1], "x", 1), EAGAIN);
    ck_assert_fails(setsockopt(pair[0], SOL_SOCKET, -1, &soon, sizeof soon), ENOPROTOOPT);
}

TASK_TEST(fclose_ends_a_wait)
{
    struct cede_task *reader;
    FILE *stream;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    reader = cede_spawn(read_pair, NULL);
    usleep(TICK_US);
    stream = fdopen(pair[0], "r");
    ck_assert_ptr_nonnull(stream);
    ck_assert_int_eq(fclose(stream), 0);
    cede_timeout (LONG_NS)
        ck_assert_fails(cede_await(reader), EBADF);
}

/* ---- the same by number ---- */

enum { MOST_OWN = 8 };

/* The runtime's own descriptors; how many. */
static int find_own(int own[MOST_OWN])
{
    char path[32], name[32];
    int fd, count = 0;
    ssize_t length;

    for (fd = 3; fd < 2048; fd++) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        length = readlink(path, name, sizeof name - 1);
        name[length > 0 ? length : 0] = '\0';
        if (strcmp(name, "anon_inode:[eventpoll]") != 0 && strcmp(name, "anon_inode:[eventfd]") != 0
            && strcmp(name, "anon_inode:[io_uring]") != 0)
            continue;
        ck_assert_int_lt(count, MOST_OWN);
        own[count++] = fd;
    }
    return count;
}

/* Events and times: what these are for. */
static void assert_runtime_works(void)
{
    struct cede_task *writer;
    char byte;

    ck_assert_int_eq(pipe(pair), 0);
    writer = cede_spawn(late_write, NULL);
    ck_assert_int_eq(read(pair[0], &byte, 1), 1);
    ck_assert_int_eq(cede_await(writer), 0);
    ck_assert_int_eq(close(pair[0]) | close(pair[1]), 0);
}

static long raw_dup2(int fd, int newfd)
{
#ifdef SYS_dup2
    return syscall(SYS_dup2, fd, newfd);
#else
    return syscall(SYS_dup3, fd, newfd, 0);
#endif
}

static void *close_outside(void *fd)
{
    ck_assert_fails(syscall(SYS_close, *(int *)fd), EBADF);
    return NULL;
}

TASK_TEST(system_calls_do_not_reach_the_runtimes_descriptors)
{
    int own[MOST_OWN], count, i, fd, first;
    pthread_t thread;

    assert_runtime_works();
    ck_assert_int_ge(count = find_own(own), 2);
    for (i = 0; i < count; i++) {
        ck_assert_fails(syscall(SYS_close, own[i]), EBADF);
        ck_assert_int_eq(pthread_create(&thread, NULL, close_outside, &own[i]), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
    }
    assert_runtime_works();
    first = open("/dev/null", O_RDONLY); /* below are libcheck's */
    ck_assert_int_eq(syscall(SYS_close_range, first, UINT_MAX, 0), 0);
    assert_runtime_works();
    fd = open("/dev/null", O_RDONLY);
    for (i = 0; i < count; i++) { /* they make room */
        ck_assert_int_eq(i % 2 ? syscall(SYS_dup3, fd, own[i], O_CLOEXEC) : raw_dup2(fd, own[i]), own[i]);
        assert_runtime_works();
        ck_assert_int_eq(syscall(SYS_close, own[i]), 0);
    }
    assert_runtime_works();
    ck_assert_int_eq(find_own(own), count);
    ck_assert_fails(raw_dup2(999, fd), EBADF);
    ck_assert_fails(syscall(SYS_close_range, 2, 1, 0), EINVAL);
    close(fd);
}

static long close_by(int way, int fd)
{
    switch (way) {
    case 0:
        return syscall(SYS_close, fd);
    case 1:
        return syscall(SYS_close_range, fd, fd, 0);
    case 2:
        return raw_dup2(STDERR_FILENO, fd);
    default:
        return syscall(SYS_dup3, STDERR_FILENO, fd, 0);
    }
}

TASK_TEST(system_calls_end_the_waits_that_close_ends)
{
    struct cede_task *reader;
    int way;

    for (way = 0; way < 4; way++) {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        reader = cede_spawn(read_pair, NULL);
        usleep(TICK_US);
        ck_assert_int_eq(close_by(way, pair[0]), way < 2 ? 0 : pair[0]);
        cede_timeout (LONG_NS)
            ck_assert_fails(cede_await(reader), EBADF);
        close(pair[0]);
        close(pair[1]);
    }
}

TASK_TEST(flags_that_a_system_call_sets_are_heeded)
{
    char byte;
    long copy;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_read_waits(pair[0]);
    ck_assert_int_eq(syscall(SYS_fcntl, pair[0], F_SETFL, O_NONBLOCK), 0);
    cede_timeout (LONG_NS)
        ck_assert_fails(read(pair[0], &byte, 1), EAGAIN);
    copy = syscall(SYS_dup, pair[0]);
    cede_timeout (LONG_NS)
        ck_assert_fails(read((int)copy, &byte, 1), EAGAIN);
    ck_assert_int_eq(syscall(SYS_fcntl, pair[0], F_SETFL, 0), 0);
    assert_read_waits(pair[0]);
    assert_read_waits((int)copy);
    ck_assert_int_eq(close((int)copy) | close(pair[0]) | close(pair[1]), 0);
}

/* ---- numbers that are used again ---- */

/* Makes a descriptor, waits on it, and closes it by stdio or behind everybody's back: a queue is a descriptor, so libc
 * closes whatever it is. Returns its number. */
static int lose_a_number(bool by_stdio)
{
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    assert_read_waits(fds[0]);
    ck_assert_int_eq(by_stdio ? fclose(fdopen(fds[0], "r")) : mq_close(fds[0]), 0);
    ck_assert_int_eq(close(fds[1]), 0);
    return fds[0];
}

/* Both ends in one: what is written can be read. */
enum { BY_FIFO, BY_EVENTFD, BY_FIFO_AT };

static int make_both_ends(int way, const char *path)
{
    return way == BY_FIFO      ? open(path, O_RDWR)
           : way == BY_EVENTFD ? eventfd(0, 0)
                               : openat(AT_FDCWD, path, O_RDWR);
}

TASK_TEST(a_number_used_again_is_noticed)
{
    char directory[] = "/tmp/cede-test-posix-XXXXXX", path[64];
    struct cede_task *writer;
    uint64_t value;
    int round, lost;

    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/fifo", directory);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    close(open(path, O_RDWR)); /* the first may take descriptors for good */
    for (round = 0; round < 6; round++) {
        lost = lose_a_number(round < 3);
        pair[1] = make_both_ends(round % 3, path);
        ck_assert_int_eq(pair[1], lost);
        writer = cede_spawn(late_write_value, NULL);
        cede_timeout (LONG_NS)
            ck_assert_int_eq(read(pair[1], &value, sizeof value), sizeof value);
        ck_assert_int_eq(cede_await(writer), 0);
        ck_assert_int_eq(close(pair[1]), 0);
    }
    unlink(path);
    rmdir(directory);
}

/* In each of the ways in which a program may have been compiled to open it. */
#ifdef __GLIBC__
int __open_2(const char *path, int flags);
int __openat_2(int directory, const char *path, int flags);
#endif

static int open_writer(int way, const char *path)
{
    switch (way) {
    case 0:
        return open(path, O_WRONLY);
    case 1:
        return openat(AT_FDCWD, path, O_WRONLY);
#ifdef __GLIBC__
    case 2:
        return __open_2(path, O_WRONLY);
    case 3:
        return __openat_2(AT_FDCWD, path, O_WRONLY);
#endif
    case 4:
        return (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY, 0);
#ifdef SYS_open
    case 5:
        return (int)syscall(SYS_open, path, O_WRONLY, 0);
    case 6:
        return (int)syscall(SYS_creat, path, 0600);
#endif
    default:
        return creat(path, 0600);
    }
}

static int open_late(void *path)
{
    int fd;

    usleep(DELAY_US);
    fd = open(path, O_RDONLY);
    return fd < 0 ? -1 : close(fd);
}

TASK_TEST(opening_a_fifo_waits_for_its_other_end)
{
    char directory[] = "/tmp/cede-test-posix-XXXXXX", path[64];
    struct cede_task *reader, *ticker;
    int way, fd;

    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/fifo", directory);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    for (way = 0; way < 8; way++) {
        ticker = start_ticks();
        reader = cede_spawn(open_late, path);
        ck_assert_int_ge(fd = open_writer(way, path), 0);
        assert_ticked(ticker, "opening a FIFO");
        ck_assert_int_eq(cede_await(reader), 0);
        ck_assert_int_eq(close(fd), 0);
    }
    unlink(path);
    rmdir(directory);
}

TASK_TEST(files_can_be_made)
{
    char directory[] = "/tmp/cede-test-posix-XXXXXX", path[64];
    volatile int flags = O_RDONLY; /* not known to the compiler: what it calls when it fortifies */
    struct stat status;
    FILE *stream;
    char *text;
    size_t size;
    int fd;

    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/file", directory);
    fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0640);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &status), 0);
    ck_assert_int_eq(status.st_mode & 07737, 0600); /* but for what a umask may take */
    close(fd);
    ck_assert_fails(open(path, O_CREAT | O_EXCL | O_WRONLY, 0640), EEXIST);
    ck_assert_fails(openat(AT_FDCWD, "/nonexistent/file", flags), ENOENT);
    fd = creat(path, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
    unlink(path);
    rmdir(directory);
    stream = open_memstream(&text, &size); /* has no descriptor */
    ck_assert_int_ge(fputs("cede", stream), 0);
    ck_assert_int_eq(fclose(stream), 0);
    ck_assert_str_eq(text, "cede");
    free(text);
}

TASK_TEST(descriptors_can_be_copied)
{
    int fds[2], copy;
    char byte;

    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(dup2(fds[0], fds[0]), fds[0]);
    ck_assert_fails(dup2(999, 999), EBADF);
    ck_assert_fails(dup3(fds[0], fds[0], 0), EINVAL);
    copy = fcntl(fds[0], F_DUPFD_CLOEXEC, 100);
    ck_assert_int_ge(copy, 100);
    ck_assert_int_eq(fcntl(copy, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(dup2(fds[0], copy), copy);
    ck_assert_int_eq(fcntl(copy, F_GETFD), 0);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    ck_assert_int_eq(read(copy, &byte, 1), 1);
    ck_assert_int_eq(close(copy), 0);
    ck_assert_fails(close(copy), EBADF);
    ck_assert_fails(read(copy, &byte, 1), EBADF);
}

TASK_TEST(files_at_an_offset)
{
    char path[] = "/tmp/cede-test-posix-XXXXXX", buf[4] = "";
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    unlink(path);
    ck_assert_int_eq(pwrite(fd, "cede", 4, 10), 4);
    ck_assert_int_eq(pread(fd, buf, 4, 10), 4);
    ck_assert_mem_eq(buf, "cede", 4);
    ck_assert_int_eq(pread64(fd, buf, 4, 14), 0);
    close(fd);
}

/* ---- where there is no task ---- */

START_TEST(outside_tasks_calls_block)
{
    struct timespec before, after;
    char byte;

    ck_assert_int_eq(pipe(pair), 0);
    ck_assert_int_eq(write(pair[1], "x", 1), 1);
    ck_assert_int_eq(read(pair[0], &byte, 1), 1);
    clock_gettime(CLOCK_MONOTONIC, &before);
    ck_assert_int_eq(usleep(DELAY_US), 0);
    ck_assert_int_eq(poll(&(struct pollfd){.fd = pair[0], .events = POLLIN}, 1, 1), 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    ck_assert_int_ge((after.tv_sec - before.tv_sec) * 1000000 + (after.tv_nsec - before.tv_nsec) / 1000, DELAY_US);
}
END_TEST

static void *read_in_thread(void *unused)
{
    char byte;

    (void)unused;
    ck_assert_ptr_null(cede_self());
    return read(pair[0], &byte, 1) == 1 ? pair : NULL;
}

TASK_TEST(other_threads_block_by_themselves)
{
    pthread_t thread;
    void *result;

    ck_assert_int_eq(pipe(pair), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, read_in_thread, NULL), 0);
    usleep(DELAY_US);
    ck_assert_int_eq(write(pair[1], "x", 1), 1);
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert_ptr_eq(result, pair);
}

START_TEST(reads_of_threads_stay_cancellation_points)
{
    pthread_t thread;
    void *result;

    ck_assert_int_eq(pipe(pair), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, read_in_thread, NULL), 0);
    usleep(DELAY_US);
    ck_assert_int_eq(pthread_cancel(thread), 0);
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert_ptr_eq(result, PTHREAD_CANCELED);
}
END_TEST

/* The child has the task that forked alone, and what it does before exec must not disturb the parent's waits. */
TASK_TEST(a_forked_child_leaves_the_parent_alone)
{
    struct cede_task *reader, *ticker;
    int status;
    pid_t child;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    reader = cede_spawn(read_pair, NULL);
    ticker = start_ticks();
    usleep(TICK_US); /* they wait */
    ticks = 0;
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        usleep(DELAY_US);
        if (ticks > 0) /* the parent's tasks run here too */
            _exit(1);
        dup2(pair[1], 200);
        close(pair[0]);
        close(pair[1]);
        execl("/bin/sh", "sh", "-c", "exit 7", (char *)NULL);
        _exit(1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WEXITSTATUS(status), 7);
    usleep(DELAY_US);
    assert_ticked(ticker, "fork");
    ck_assert_int_eq(write(pair[1], "x", 1), 1);
    ck_assert_int_eq(cede_await(reader), 1);
}

/* ---- the self-check ---- */

START_TEST(check_is_content)
{
    ck_assert_int_eq(cede_posix_check(), 0);
    ck_assert_ptr_null(cede_posix_problem());
}
END_TEST

START_TEST(the_table_names_calls_of_libc)
{
    const char *name;
    size_t count = 0;

    for (; (name = cede_posix_name(count)); count++)
        ck_assert_msg(dlsym(RTLD_DEFAULT, name) != NULL, "%s", name);
    ck_assert_uint_gt(count, 50);
    ck_assert_ptr_null(cede_posix_name((size_t)-1));
}
END_TEST

Suite *suite(void)
{
    Suite *posix = suite_create("posix");
    TCase *calls = tcase_create("calls"), *others = tcase_create("others");

    tcase_add_test(calls, readers_yield);
    tcase_add_test(calls, fortified_readers_yield);
    tcase_add_test(calls, readers_end_by_deadline);
    tcase_add_test(calls, readers_end_by_cancel);
    tcase_add_test(calls, close_ends_a_wait);
    tcase_add_loop_test_raise_signal(calls, fortified_calls_check_the_size, SIGABRT, 0, 5);
    tcase_add_test(calls, writers_yield);
    tcase_add_test(calls, accept_and_connect_yield);
    tcase_add_test(calls, getaddrinfo_answers);
    tcase_add_test(calls, sleepers_yield);
    tcase_add_test(calls, sleep_returns_what_is_left);
    tcase_add_test(calls, flags_of_descriptors_stay);
    tcase_add_test(calls, fionbio_is_heeded_after_a_wait);
    tcase_add_test(calls, socket_timeouts_are_heeded_after_a_wait);
    tcase_add_test(calls, fclose_ends_a_wait);
    tcase_add_test(calls, system_calls_do_not_reach_the_runtimes_descriptors);
    tcase_add_test(calls, system_calls_end_the_waits_that_close_ends);
    tcase_add_test(calls, flags_that_a_system_call_sets_are_heeded);
    tcase_add_test(calls, a_number_used_again_is_noticed);
    tcase_add_test(calls, opening_a_fifo_waits_for_its_other_end);
    tcase_add_test(calls, files_can_be_made);
    tcase_add_test(calls, descriptors_can_be_copied);
    tcase_add_test(calls, files_at_an_offset);
    suite_add_tcase(posix, calls);
    tcase_add_test(others, outside_tasks_calls_block);
    tcase_add_test(others, other_threads_block_by_themselves);
    tcase_add_test(others, reads_of_threads_stay_cancellation_points);
    tcase_add_test(others, a_forked_child_leaves_the_parent_alone);
    tcase_add_test(others, check_is_content);
    tcase_add_test(others, the_table_names_calls_of_libc);
    suite_add_tcase(posix, others);
    return posix;
}
