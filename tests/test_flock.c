/* SPDX-License-Identifier: MIT */
/* runtime/flock.c; and sendfile, splice, tee, copy_file_range of runtime/splice.c, which work on files too. */
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "busy.h"
#include "ends_early.h"
#include "fault.h"

static char path[] = "/tmp/cede-test-flock-XXXXXX";
static int fd, other, pair[2];

static void open_file(void)
{
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    other = open(path, O_RDWR);
    unlink(path);
    ck_assert_int_eq(write(fd, "12345678", 8), 8);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
}

/* ---- locks ---- */

static int by_flock(void *unused)
{
    (void)unused;
    return cede_flock(fd, LOCK_EX);
}

static int unlock_other(void *unused)
{
    (void)unused;
    return flock(other, LOCK_UN);
}

static int by_open_file(void *unused)
{
    struct flock whole = {.l_type = F_WRLCK};

    (void)unused;
    return cede_fcntl_lock(fd, F_OFD_SETLKW, &whole);
}

static int unlock_other_file(void *unused)
{
    struct flock whole = {.l_type = F_UNLCK};

    (void)unused;
    return fcntl(other, F_OFD_SETLK, &whole);
}

static int by_lockf(void *unused)
{
    (void)unused;
    return cede_lockf(fd, F_LOCK, 0);
}

TASK_TEST(flock_waits)
{
    open_file();
    ck_assert_int_eq(flock(other, LOCK_EX), 0);
    ck_assert_fails(cede_flock(fd, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    assert_ends_early(by_flock, NULL);
    ck_assert_int_eq(beside(by_flock, NULL, unlock_other, NULL), 0);
    ck_assert_int_eq(cede_flock(fd, LOCK_UN), 0);
    ck_assert_fails(cede_flock(-1, LOCK_EX), EBADF);
    ck_assert_fails(cede_flock(fd, 77), EINVAL);
}

TASK_TEST(record_locks_wait)
{
    struct flock whole = {.l_type = F_WRLCK};

    open_file();
    ck_assert_int_eq(fcntl(other, F_OFD_SETLK, &whole), 0);
    assert_ends_early(by_open_file, NULL);
    ck_assert_int_eq(beside(by_open_file, NULL, unlock_other_file, NULL), 0);
    ck_assert_fails(cede_fcntl_lock(other, F_OFD_SETLK, &whole), EAGAIN);
    whole.l_type = 77;
    ck_assert_fails(cede_fcntl_lock(fd, F_SETLKW, &whole), EINVAL);
    whole.l_type = F_WRLCK;
    ck_assert_fails(cede_fcntl_lock(-1, F_SETLKW, &whole), EBADF);
    ck_assert_int_eq(cede_fcntl_lock(fd, F_GETLK, &whole), 0);
}

/* Such locks belong to processes: another one has to hold it. */
TASK_TEST(lockf_waits)
{
    int ready[2];
    char byte;
    pid_t child;

    open_file();
    ck_assert_int_eq(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        ck_assert_int_eq(lockf(fd, F_LOCK, 0), 0);
        ck_assert_int_eq(write(ready[1], "x", 1), 1);
        for (;;)
            pause();
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_assert_fails(cede_lockf(fd, F_TLOCK, 0), EAGAIN);
    ck_assert_fails(cede_lockf(fd, F_TEST, 0), EACCES);
    ck_assert_fails(cede_lockf(-1, F_LOCK, 0), EBADF);
    assert_ends_early(by_lockf, NULL);
    kill(child, SIGKILL);
    ck_assert_int_eq(by_lockf(NULL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_fails(cede_lockf(fd, 77, 0), EINVAL);
}

START_TEST(outside_tasks)
{
    struct flock whole = {.l_type = F_WRLCK};

    open_file();
    ck_assert_int_eq(cede_flock(fd, LOCK_EX), 0);
    ck_assert_fails(cede_flock(other, LOCK_EX | LOCK_NB), EWOULDBLOCK);
    ck_assert_int_eq(cede_fcntl_lock(fd, F_SETLKW, &whole), 0);
    ck_assert_int_eq(cede_lockf(fd, F_LOCK, 0), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ck_assert_int_eq(cede_sendfile(pair[1], fd, NULL, 8), 8);
}
END_TEST

/* ---- from descriptor to descriptor ---- */

static void fill_pair(void)
{
    static const char filling[4096];

    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    while (send(pair[1], filling, sizeof filling, MSG_DONTWAIT) > 0)
        ;
    while (send(pair[1], filling, 1, MSG_DONTWAIT) > 0)
        ;
}

static int drain(void *unused)
{
    static char sink[65536];

    (void)unused;
    while (recv(pair[0], sink, sizeof sink, MSG_DONTWAIT) > 0)
        ;
    return 0;
}

static int by_sendfile(void *unused)
{
    off_t offset = 2;
    ssize_t n = cede_sendfile(pair[1], fd, &offset, 6);

    (void)unused;
    ck_assert(n < 0 || offset == 8);
    return (int)n;
}

TASK_TEST(sendfile_waits_for_room)
{
    char text[8];
    int flags;

    open_file();
    fill_pair();
    flags = fcntl(pair[1], F_GETFL);
    assert_ends_early(by_sendfile, NULL);
    ck_assert_int_eq(beside(by_sendfile, NULL, drain, NULL), 6);
    ck_assert_int_eq(recv(pair[0], text, sizeof text, 0), 6);
    ck_assert_mem_eq(text, "345678", 6);
    ck_assert_int_eq(fcntl(pair[1], F_GETFL), flags);
    ck_assert_fails(cede_sendfile(-1, fd, NULL, 8), EBADF);
    ck_assert_fails(cede_sendfile(fd, pair[0], NULL, 8), EINVAL);
    fcntl(pair[1], F_SETFL, O_NONBLOCK);
    fill_pair();
    fcntl(pair[1], F_SETFL, O_NONBLOCK);
    ck_assert_fails(cede_sendfile(pair[1], fd, NULL, 8), EAGAIN);
}

static int from[2], to[2];

static int by_splice(void *unused)
{
    (void)unused;
    return (int)cede_splice(from[0], NULL, to[1], NULL, 8, 0);
}

static int by_tee(void *unused)
{
    (void)unused;
    return (int)cede_tee(from[0], to[1], 8, 0);
}

static int put(void *unused)
{
    (void)unused;
    return write(from[1], "12345678", 8) == 8 ? 0 : -1;
}

TASK_TEST(splice_and_tee_wait_for_either_end)
{
    static const char filling[4096];
    char text[8];

    ck_assert_int_eq(cede_pipe2(from, 0), 0);
    ck_assert_int_eq(cede_pipe2(to, 0), 0);
    assert_ends_early(by_splice, NULL);
    assert_ends_early(by_tee, NULL);
    ck_assert_int_eq(beside(by_tee, NULL, put, NULL), 8);
    ck_assert_int_eq(by_splice(NULL), 8);
    ck_assert_int_eq(read(to[0], text, 8), 8);
    ck_assert_int_eq(read(to[0], text, 8), 8);
    ck_assert_mem_eq(text, "12345678", 8);
    ck_assert_fails(cede_splice(from[0], NULL, to[1], NULL, 8, SPLICE_F_NONBLOCK), EAGAIN);
    ck_assert_fails(cede_tee(from[0], to[1], 8, SPLICE_F_NONBLOCK), EAGAIN);
    ck_assert_fails(cede_tee(from[0], from[1], 8, 0), EINVAL);
    open_file();
    ck_assert_fails(cede_splice(fd, NULL, fd, NULL, 8, 0), EINVAL);
    /* Now the other end. */
    fcntl(to[1], F_SETFL, O_NONBLOCK);
    while (write(to[1], filling, sizeof filling) > 0)
        ;
    fcntl(to[1], F_SETFL, 0);
    ck_assert_int_eq(put(NULL), 0);
    assert_ends_early(by_splice, NULL);
    ck_assert_fails(cede_splice(-1, NULL, to[1], NULL, 8, 0), EBADF);
    ck_assert_fails(cede_tee(fd, -1, 8, 0), EBADF);
}

TASK_TEST(files_are_copied)
{
    char copy[] = "/tmp/cede-test-flock-XXXXXX", text[8];
    int target = mkstemp(copy);
    int64_t in = 2, out = 4;

    unlink(copy);
    open_file();
    ck_assert_int_eq(cede_copy_file_range(fd, &in, target, &out, 6, 0), 6);
    ck_assert_int_eq(in, 8);
    ck_assert_int_eq(out, 10);
    ck_assert_int_eq(pread(target, text, 6, 4), 6);
    ck_assert_mem_eq(text, "345678", 6);
    ck_assert_fails(cede_copy_file_range(-1, NULL, target, NULL, 6, 0), EBADF);
    ck_assert_fails(cede_copy_file_range(fd, NULL, target, NULL, 6, 1), EINVAL);
}

static int by_copy(void *unused)
{
    int64_t in = 0, out = 16;

    (void)unused;
    return (int)cede_copy_file_range(fd, &in, fd, &out, 8, 0);
}

static int cancelled_copy(void *unused)
{
    cede_cancel(cede_self());
    return by_copy(unused);
}

TASK_TEST(copies_end_early)
{
    open_file();
    busy_begin();
    assert_ends_early(by_copy, NULL);
    busy_end();
    ck_assert_fails(cede_await(cede_spawn(cancelled_copy, NULL)), ECANCELED);
    ck_assert_int_eq(lseek(fd, 0, SEEK_END), 8);
    ck_assert_int_eq(by_copy(NULL), 8);
}

TASK_TEST(copies_without_memory)
{
    struct fault_memory memory;
    int result, error;

    open_file();
    if (!fault_memory_begin(&memory))
        return;
    errno = 0;
    result = by_copy(NULL);
    error = errno;
    fault_memory_end(&memory);
    ck_assert_int_eq(result, -1);
    ck_assert_int_eq(error, ENOMEM);
}

TASK_TEST(copies_without_a_helper)
{
    open_file();
    if (!fault_inject(SYS_clone3, EAGAIN) || !fault_inject(SYS_clone, EAGAIN))
        return;
    ck_assert_fails(by_copy(NULL), EAGAIN);
}

Suite *suite(void)
{
    Suite *locks = suite_create("flock");
    TCase *cases = tcase_create("flock");

    tcase_add_test(cases, flock_waits);
    tcase_add_test(cases, record_locks_wait);
    tcase_add_test(cases, lockf_waits);
    tcase_add_test(cases, outside_tasks);
    tcase_add_test(cases, sendfile_waits_for_room);
    tcase_add_test(cases, splice_and_tee_wait_for_either_end);
    tcase_add_test(cases, files_are_copied);
    tcase_add_test(cases, copies_end_early);
    tcase_add_test(cases, copies_without_memory);
    tcase_add_test(cases, copies_without_a_helper);
    suite_add_tcase(locks, cases);
    return locks;
}
