/* SPDX-License-Identifier: MIT */
/* libc's calls that make descriptors, close them and change their flags, and the same by syscall(2). */
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <pthread.h>
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
#include <unistd.h>

#include "posix_pair.h"

static int late_write_value(void *unused)
{
    static const uint64_t value = 1;

    (void)unused;
    usleep(DELAY_US);
    return write(pair[1], &value, sizeof value) == sizeof value ? 0 : -1;
}

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
    first = open("/dev/null", O_RDONLY); /* below are libcheck's; and now there is a ring, if there can be one */
    ck_assert_int_ge(count = find_own(own), 2);
    for (i = 0; i < count; i++) {
        ck_assert_fails(syscall(SYS_close, own[i]), EBADF);
        ck_assert_int_eq(pthread_create(&thread, NULL, close_outside, &own[i]), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
    }
    assert_runtime_works();
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

Suite *suite(void)
{
    Suite *s = suite_create("posix_descriptor");
    TCase *calls = tcase_create("calls");

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
    suite_add_tcase(s, calls);
    return s;
}
