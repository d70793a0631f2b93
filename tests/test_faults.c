/* SPDX-License-Identifier: MIT */
/* What the system refuses, seldom or to others than the superuser, reaches the caller with its errno. */
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "fault.h"

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

/* ---- a runtime ---- */

static const int no_descriptor[] = {EMFILE, ENFILE};

START_TEST(no_descriptor_for_a_runtime)
{
    if (!fault_inject(SYS_epoll_create1, no_descriptor[_i]))
        return;
    ck_assert_fails(cede_run(nothing, NULL), no_descriptor[_i]);
    ck_assert_fails(cede_run_attr(NULL, nothing, NULL), no_descriptor[_i]);
}
END_TEST

TASK_TEST(a_runtime_in_a_runtime)
{
    ck_assert_fails(cede_run_attr(NULL, nothing, NULL), EBUSY);
}

/* ---- threads ---- */

struct call { int unused; };
static int call(struct call *a)
{
    return a->unused;
}

TASK_TEST(no_helper_thread)
{
    struct addrinfo *result;

    if (!fault_inject(SYS_clone3, EAGAIN) || !fault_inject(SYS_clone, EAGAIN))
        return;
    ck_assert_fails(cede_offload(nothing, NULL, NULL), EAGAIN);
    ck_assert_fails(cede_offload_go(call, NULL, .unused = 0), EAGAIN);
    errno = 0;
    ck_assert_int_eq(cede_getaddrinfo("name.test", NULL, NULL, &result), EAI_SYSTEM);
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_fails(cede_dial("name.test:80"), EAGAIN);
}

static int offloads(void *unused)
{
    return cede_offload(nothing, unused, NULL);
}

/* Those there are do the work. */
TASK_TEST(no_further_helper_thread)
{
    struct cede_task *tasks[20];
    int i;

    ck_assert_int_eq(cede_offload(nothing, NULL, NULL), 0);
    if (!fault_inject(SYS_clone3, EAGAIN) || !fault_inject(SYS_clone, EAGAIN))
        return;
    for (i = 0; i < 20; i++)
        ck_assert_ptr_nonnull(tasks[i] = cede_spawn(offloads, NULL));
    for (i = 0; i < 20; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
}

/* ---- processes ---- */

static const int spawn_errors[] = {EAGAIN, ENOMEM};

static char *const sleeper[] = {"sleep", "100", NULL};

TASK_TEST(no_pipe_for_a_process)
{
    const struct cede_process_attr attr = {.out = CEDE_PROCESS_PIPE};
    struct cede_process process;

    if (!fault_inject(SYS_pipe2, ENFILE))
        return;
    ck_assert_fails(cede_process_spawn(&process, sleeper, &attr), ENFILE);
    ck_assert_int_eq(process.pid, 0);
}

START_TEST(no_process)
{
    struct cede_process process;

    /* posix_spawn(3) uses the newer call if there is one. */
    if (!fault_inject(SYS_clone3, spawn_errors[_i]) || !fault_inject(SYS_clone, spawn_errors[_i]))
        return;
#ifdef SYS_vfork
    fault_inject(SYS_vfork, spawn_errors[_i]);
#endif
    ck_assert_fails(cede_process_spawn(&process, sleeper, NULL), spawn_errors[_i]);
    ck_assert_int_eq(process.pid, 0);
}
END_TEST

TASK_TEST(what_cannot_be_executed)
{
    char name[] = "/tmp/cede-test-XXXXXX", *argv[] = {name, NULL}, *huge = malloc((size_t)4 << 20);
    struct cede_process process;
    int fd = mkstemp(name);

    if (harness_emulated("memory shared by vfork"))
        return;
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "\1\2\3\4", 4), 4);
    ck_assert_int_eq(fchmod(fd, 0700), 0);
    close(fd);
    ck_assert_fails(cede_process_spawn(&process, argv, NULL), ENOEXEC);
    unlink(name);
    memset(huge, 'a', ((size_t)4 << 20) - 1);
    huge[((size_t)4 << 20) - 1] = '\0';
    ck_assert_fails(cede_process_spawn(&process, (char *[]){"true", huge, NULL}, NULL), E2BIG);
    free(huge);
}

static int waits_without_a_watch(void *error)
{
    struct cede_process process;
    pid_t pid;

    ck_assert_int_eq(cede_process_spawn(&process, sleeper, NULL), 0);
    pid = process.pid;
    if (process.cede__pidfd >= 0 && fault_inject(SYS_epoll_ctl, *(const int *)error))
        ck_assert_fails(cede_process_wait(&process, NULL), *(const int *)error);
    cede_process_close(&process);
    ck_assert_fails(kill(pid, 0), ESRCH);
    return 0;
}

START_TEST(no_watch_for_a_process)
{
    int errors[] = {ENOMEM, ENOSPC};

    ck_assert_int_eq(cede_run(waits_without_a_watch, &errors[_i]), 0);
}
END_TEST

TASK_TEST(a_process_of_somebody_else)
{
    struct cede_process process;

    ck_assert_int_eq(cede_process_spawn(&process, sleeper, NULL), 0);
    if (process.cede__pidfd >= 0 && fault_inject(424 /* pidfd_send_signal */, EPERM))
        ck_assert_fails(cede_process_kill(&process, SIGTERM), EPERM);
    kill(process.pid, SIGKILL);
    ck_assert_int_eq(cede_process_wait(&process, NULL), 0);
    cede_process_close(&process);
}

static void handler(int signo)
{
    (void)signo;
}

START_TEST(a_signal_ends_a_wait_outside_a_task)
{
    const struct sigaction action = {.sa_handler = handler};
    const struct itimerval soon = {.it_value = {.tv_usec = 20000}, .it_interval = {.tv_usec = 20000}};
    const struct itimerval never = {.it_value = {0}};
    struct cede_process process;

    ck_assert_int_eq(cede_process_spawn(&process, sleeper, NULL), 0);
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
    ck_assert_fails(cede_process_wait(&process, NULL), EINTR);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
    cede_process_close(&process);
}
END_TEST

/* ---- descriptors ---- */

TASK_TEST(no_descriptor_to_copy_to)
{
    const struct rlimit few = {.rlim_cur = 20, .rlim_max = 20};

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    ck_assert_fails(cede_dup3(0, 20, 0), EBADF); /* as dup3(2) of a number that is out of bounds */
    if (fault_inject(SYS_dup3, EMFILE))
        ck_assert_fails(cede_dup3(0, 19, 0), EMFILE);
}

TASK_TEST(the_end_of_a_stream_that_fails)
{
    int fds[2];
    struct cede_stream *stream;

    ck_assert_int_eq(cede_socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    stream = cede_stream_open(fds[0], NULL);
    ck_assert_ptr_nonnull(stream);
    if (fault_inject(SYS_shutdown, EIO))
        ck_assert_fails(cede_stream_write_eof(stream), EIO);
    ck_assert_int_eq(cede_stream_close(stream), 0);
    cede_close(fds[1]);
}

Suite *suite(void)
{
    Suite *self = suite_create("faults");
    TCase *cases = tcase_create("faults");

    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, no_descriptor_for_a_runtime, 0, 2);
    tcase_add_test(cases, a_runtime_in_a_runtime);
    tcase_add_test(cases, no_helper_thread);
    tcase_add_test(cases, no_further_helper_thread);
    tcase_add_test(cases, no_pipe_for_a_process);
    tcase_add_loop_test(cases, no_process, 0, 2);
    tcase_add_test(cases, what_cannot_be_executed);
    tcase_add_loop_test(cases, no_watch_for_a_process, 0, 2);
    tcase_add_test(cases, a_process_of_somebody_else);
    tcase_add_test(cases, a_signal_ends_a_wait_outside_a_task);
    tcase_add_test(cases, no_descriptor_to_copy_to);
    tcase_add_test(cases, the_end_of_a_stream_that_fails);
    suite_add_tcase(self, cases);
    return self;
}
