/* SPDX-License-Identifier: MIT */
/* cede_dump(), asked for by a call and by a signal. */
#include <alloca.h>
#include <cede/dump.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture.h"
#include "harness.h"
#include "wait.h"

static struct capture seen;

static struct cede_task *spawn_named(const char *name, cede_task_fn *fn, void *arg)
{
    const struct cede_task_attr attr = {.name = name};

    return cede_spawn_attr(&attr, fn, arg);
}

/* ---- what a dump says ---- */

static __attribute__((noinline)) int park_below_named_function(void)
{
    int result = cede_park();

    return result == 0 ? 42 : -1;
}

static int parker(void *unused)
{
    (void)unused;
    return park_below_named_function();
}

static int sleeper(void *unused)
{
    (void)unused;
    cede_timeout (CEDE_MINUTE)
        return cede_sleep(CEDE_HOUR);
    return 0;
}

static int on_object(void *object)
{
    struct cede__waiter waiter = {.what = "mutex", .subject = (intptr_t)object, .external = true};

    return cede__wait_errno(cede__wait(&waiter, INT64_MAX));
}

static int on_descriptor(void *unused)
{
    struct cede__waiter waiter = {.what = "recv", .subject = 7, .external = true};

    (void)unused;
    return cede__wait_errno(cede__wait(&waiter, INT64_MAX));
}

static int failing(void *unused)
{
    (void)unused;
    errno = ENOENT;
    return -1;
}

static int stubborn(void *unused)
{
    (void)unused;
    cede_shield
        return cede_park();
    return 0;
}

static int yielder(void *unused)
{
    (void)unused;
    return cede_yield();
}

static int joiner(void *task)
{
    return cede_await(task);
}

static char object;

static int dump_all(void *unused)
{
    struct cede_task *tasks[9];
    int i;

    (void)unused;
    tasks[0] = spawn_named("parker", parker, NULL);
    tasks[1] = spawn_named("sleeper", sleeper, NULL);
    tasks[2] = spawn_named("object", on_object, &object);
    tasks[3] = spawn_named("descriptor", on_descriptor, NULL);
    tasks[4] = spawn_named("failing", failing, NULL);
    tasks[5] = spawn_named("stubborn", stubborn, NULL);
    tasks[6] = spawn_named("joiner", joiner, tasks[0]);
    cede_cancel(tasks[5]);
    ck_assert_int_eq(cede_sleep(20 * CEDE_MILLISECOND), 0);
    tasks[7] = spawn_named("yielder", yielder, NULL);
    cede_yield();
    tasks[8] = spawn_named("new\n", parker, NULL);

    ck_assert_int_eq(cede_dump(STDERR_FILENO), 10);

    /* They go on as if nothing had happened. */
    for (i = 1; i < 4; i++) {
        ck_assert_int_eq(cede_cancel(tasks[i]), 0);
        ck_assert_fails(cede_await(tasks[i]), ECANCELED);
    }
    ck_assert_fails(cede_await(tasks[4]), ENOENT);
    ck_assert_int_eq(cede_wake(tasks[5]), 0);
    ck_assert_int_eq(cede_await(tasks[5]), 0);
    ck_assert_int_eq(cede_wake(tasks[0]), 0);
    ck_assert_int_eq(cede_await(tasks[6]), 42);
    ck_assert_int_eq(cede_await(tasks[7]), 0);
    ck_assert_int_eq(cede_wake(tasks[8]), 0);
    ck_assert_int_eq(cede_await(tasks[8]), 42);
    return 0;
}

static void run(void *fn)
{
    ck_assert_int_eq(cede_run(*(cede_task_fn **)fn, NULL), 0);
}

START_TEST(a_dump_tells_what_every_task_does)
{
    cede_task_fn *fn = dump_all;
    char line[64];

    capture_child(&seen, run, &fn);
    capture_assert_exited(&seen);
    ck_assert_says(&seen, ": 10 tasks (1 running, 1 ready, 6 parked, 1 not started, 1 ended), poller ");
    ck_assert_says(&seen, "task 0 \"main\" running, stack ");
    ck_assert_says(&seen, " dump_all+0x");
    ck_assert_says(&seen, "task 1 \"parker\" parked ");
    ck_assert_says(&seen, " ms in park, stack ");
    ck_assert_says(&seen, " park_below_named_function+0x");
    ck_assert_says(&seen, "task 2 \"sleeper\" parked ");
    ck_assert_says(&seen, " in sleep, deadline in 59 s, stack ");
    ck_assert_says(&seen, " in recv fd 7, stack ");
    ck_assert_says(&seen, "task 5 has ended with -1, errno 2, and has not been joined\n");
    ck_assert_says(&seen, " in park, cancelled, stack ");
    ck_assert_says(&seen, " in join task 1 \"parker\", stack ");
    ck_assert_says(&seen, "task 8 \"yielder\" ready, stack ");
    ck_assert_says(&seen, " yielder+0x");
    ck_assert_says(&seen, "task 9 \"new?\" has not started\n");
    ck_assert_says(&seen, " of 256 KiB\n");
    ck_assert_says(&seen, " cede__entry+0x");
    snprintf(line, sizeof line, " in mutex 0x%zx, stack ", (size_t)(uintptr_t)&object);
    ck_assert_says(&seen, line);
}
END_TEST

static int dump_twice_used(void *unused)
{
    (void)unused;
    ck_assert_fails(cede_await(cede_spawn(failing, NULL)), ENOENT);
    cede_spawn(sleeper, NULL);
    ck_assert_int_eq(cede_dump(STDERR_FILENO), 2);
    return 0;
}

START_TEST(a_descriptor_that_is_used_again_has_another_number)
{
    cede_task_fn *fn = dump_twice_used;

    capture_child(&seen, run, &fn);
    capture_assert_exited(&seen);
    ck_assert_says(&seen, "task 1.2 \"task\" has not started\n");
}
END_TEST

/* Parks with so much of its stack in use. */
static __attribute__((noinline)) int park_deep(size_t left)
{
    volatile char *frame;
    size_t here = (size_t)((char *)__builtin_frame_address(0) - cede__worker->current->run.stack->bottom);

    frame = alloca(here - left);
    frame[0] = 1;
    return cede_park() + (int)frame[0];
}

static int deep(void *left)
{
    return park_deep((size_t)left);
}

static int dump_deep(void *unused)
{
    struct cede_task *task = cede_spawn(deep, (void *)(size_t)8000);

    (void)unused;
    cede_yield();
    ck_assert_int_eq(cede_dump(STDERR_FILENO), 2);
    cede_wake(task);
    ck_assert_int_eq(cede_await(task), 1);
    return 0;
}

START_TEST(a_nearly_full_stack_is_left_alone)
{
    cede_task_fn *fn = dump_deep;

    capture_child(&seen, run, &fn);
    capture_assert_exited(&seen);
    ck_assert_says(&seen, "    (too little stack is left for more)\n");
    ck_assert_silent_on(&seen, " park_deep+0x");
}
END_TEST

static __attribute__((noinline)) int dump_with_little_left(void)
{
    volatile char *frame;
    size_t here = (size_t)((char *)__builtin_frame_address(0) - cede__worker->current->run.stack->bottom);

    frame = alloca(here - 8000);
    frame[0] = 1;
    return cede_dump(STDERR_FILENO) - (int)frame[0];
}

static int dump_from_deep(void *unused)
{
    (void)unused;
    return dump_with_little_left();
}

START_TEST(a_nearly_full_stack_can_ask_for_a_dump)
{
    cede_task_fn *fn = dump_from_deep;

    capture_child(&seen, run, &fn);
    capture_assert_exited(&seen);
    ck_assert_says(&seen, "task 0 \"main\" running, stack ");
    ck_assert_says(&seen, "    (too little stack is left for a backtrace)\n");
}
END_TEST

START_TEST(a_dump_needs_a_runtime)
{
    ck_assert_fails(cede_dump(STDERR_FILENO), EPERM);
}
END_TEST

TASK_TEST(a_dump_fails_as_write_does)
{
    ck_assert_fails(cede_dump(-1), EBADF);
}

/* It is not for ever that the thread stands still. */
TASK_TEST(a_dump_to_where_nobody_reads_is_given_up)
{
    int fds[2];

    ck_assert_int_eq(cede_pipe2(fds, O_NONBLOCK), 0);
    while (write(fds[1], "x", 1) == 1)
        ;
    ck_assert_fails(cede_dump(fds[1]), EAGAIN);
    cede_close(fds[0]);
    cede_close(fds[1]);
}

/* ---- by a signal ---- */

static void send_signal_and_return(int signo)
{
    ck_assert_int_eq(kill(getpid(), signo), 0);
}

static void *kill_later(void *signo)
{
    usleep(100000);
    kill(getpid(), (int)(intptr_t)signo);
    return NULL;
}

static int dump_while_asleep(void *unused)
{
    pthread_t thread;
    sigset_t set;

    (void)unused;
    ck_assert_int_eq(cede_dump_on_signal(SIGQUIT), 0);
    pthread_create(&thread, NULL, kill_later, (void *)SIGQUIT);
    /* Another thread gets it: this one has to be woken. */
    sigemptyset(&set);
    sigaddset(&set, SIGQUIT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    ck_assert_int_eq(cede_sleep(300 * CEDE_MILLISECOND), 0);
    pthread_join(thread, NULL);
    return 0;
}

static int dump_while_asleep_here(void *unused)
{
    pthread_t thread;
    sigset_t set, none;

    (void)unused;
    ck_assert_int_eq(cede_dump_on_signal(SIGQUIT), 0);
    sigemptyset(&set);
    sigaddset(&set, SIGQUIT);
    pthread_sigmask(SIG_BLOCK, &set, &none);
    pthread_create(&thread, NULL, kill_later, (void *)SIGQUIT);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    ck_assert_int_eq(cede_sleep(300 * CEDE_MILLISECOND), 0);
    pthread_join(thread, NULL);
    return 0;
}

static cede_task_fn *const asleep[] = {dump_while_asleep, dump_while_asleep_here};

START_TEST(a_signal_dumps_a_runtime_that_sleeps)
{
    cede_task_fn *fn = asleep[_i];

    capture_child(&seen, run, &fn);
    capture_assert_exited(&seen);
    ck_assert_says(&seen, "task 0 \"main\" parked ");
    ck_assert_says(&seen, " in sleep, stack ");
    ck_assert_says(&seen, _i == 0 ? " dump_while_asleep+0x" : " dump_while_asleep_here+0x");
    ck_assert_silent_on(&seen, "signal");
}
END_TEST

static int yield_for_long(void *unused)
{
    int i;

    (void)unused;
    for (i = 0; i < 1000; i++)
        cede_yield();
    return 0;
}

static int dump_while_busy(void *unused)
{
    struct cede_task *other = spawn_named("other", yield_for_long, NULL);

    (void)unused;
    ck_assert_int_eq(cede_dump_on_signal(SIGUSR1), 0);
    cede_yield();
    send_signal_and_return(SIGUSR1);
    return cede_await(other);
}

START_TEST(a_signal_dumps_a_runtime_that_switches)
{
    cede_task_fn *fn = dump_while_busy;

    capture_child(&seen, run, &fn);
    capture_assert_exited(&seen);
    ck_assert_says(&seen, "task 0 \"main\" ");
    ck_assert_says(&seen, "task 1 \"other\" ");
    ck_assert_says(&seen, " yield_for_long+0x");
    ck_assert_silent_on(&seen, "signal");
}
END_TEST

static atomic_int computing, may_end;

/* Has no scheduling point, until it has been dumped. */
static int computer(void *unused)
{
    (void)unused;
    atomic_store(&computing, 1);
    while (!atomic_load(&may_end))
        ;
    return 0;
}

static int dump_while_computing(void *unused)
{
    struct cede_task *task = spawn_named("parker", parker, NULL);

    (void)unused;
    ck_assert_int_eq(cede_dump_on_signal(SIGQUIT), 0);
    cede_yield();
    send_signal_and_return(SIGQUIT);
    send_signal_and_return(SIGQUIT);
    cede_wake(task);
    ck_assert_int_eq(cede_await(task), 42);
    return 0;
}

START_TEST(a_second_signal_does_not_wait_for_a_scheduling_point)
{
    cede_task_fn *fn = dump_while_computing;

    capture_child(&seen, run, &fn);
    capture_assert_exited(&seen);
    ck_assert_says(&seen, "cede: no scheduling point since the last signal");
    ck_assert_says(&seen, "\"main\" running");
    ck_assert_says(&seen, " dump_while_computing+0x");
    ck_assert_says(&seen, " park_below_named_function+0x");
    ck_assert_silent_on(&seen, " on_signal+0x");
}
END_TEST

/* A runtime on another thread, whose task computes: the second signal, which this thread gets, is sent on. */
static void *run_computer(void *unused)
{
    cede_run(computer, NULL);
    return unused;
}

static void dump_other_thread(void *unused)
{
    const union sigval nothing = {0};
    pthread_t thread;
    int i;

    (void)unused;
    ck_assert_int_eq(cede_dump_on_signal(SIGQUIT), 0);
    pthread_create(&thread, NULL, run_computer, NULL);
    while (!atomic_load(&computing))
        usleep(1000);
    for (i = 0; i < 2; i++) {
        pthread_sigqueue(pthread_self(), SIGQUIT, nothing);
        usleep(300000);
    }
    atomic_store(&may_end, 1);
    pthread_join(thread, NULL);
}

START_TEST(a_second_signal_reaches_the_thread_that_computes)
{
    capture_child(&seen, dump_other_thread, NULL);
    capture_assert_exited(&seen);
    ck_assert_says(&seen, "cede: no scheduling point since the last signal");
    ck_assert_says(&seen, "\"main\" running");
    ck_assert_says(&seen, " computer+0x");
}
END_TEST

static int answer_sigquit(void *unused)
{
    (void)unused;
    send_signal_and_return(SIGQUIT);
    return cede_sleep(CEDE_MILLISECOND);
}

static void run_with_environment(void *unused)
{
    (void)unused;
    setenv("CEDE_DEBUG", "dump,dump", 1);
    ck_assert_int_eq(cede_run(answer_sigquit, NULL), 0);
}

START_TEST(the_environment_asks_for_sigquit)
{
    capture_child(&seen, run_with_environment, NULL);
    capture_assert_exited(&seen);
    ck_assert_says(&seen, "task 0 \"main\" ");
    ck_assert_says(&seen, " answer_sigquit+0x");
}
END_TEST

static void run_with_other_environment(void *unused)
{
    (void)unused;
    setenv("CEDE_DEBUG", "dumpling", 1);
    cede_run(answer_sigquit, NULL);
}

START_TEST(without_it_sigquit_ends_the_process)
{
    capture_child(&seen, run_with_other_environment, NULL);
    ck_assert(WIFSIGNALED(seen.status));
    ck_assert_int_eq(WTERMSIG(seen.status), SIGQUIT);
}
END_TEST

static volatile sig_atomic_t calls;

static void count_call(int signo)
{
    (void)signo;
    calls++;
}

static int ask_twice(void *unused)
{
    (void)unused;
    signal(SIGUSR2, count_call);
    ck_assert_int_eq(cede_dump_on_signal(SIGUSR2), 0);
    ck_assert_int_eq(cede_dump_on_signal(SIGUSR2), 0);
    send_signal_and_return(SIGUSR2);
    ck_assert_int_eq(calls, 1);
    return cede_sleep(CEDE_MILLISECOND);
}

START_TEST(the_previous_handler_is_called_too)
{
    cede_task_fn *fn = ask_twice;

    capture_child(&seen, run, &fn);
    capture_assert_exited(&seen);
    ck_assert_says(&seen, " ask_twice+0x");
}
END_TEST

START_TEST(not_every_signal_will_do)
{
    static const int bad[] = {-1, 0, SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGILL, SIGFPE, 1000};
    unsigned i;

    for (i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_fails(cede_dump_on_signal(bad[i]), EINVAL);
}
END_TEST

Suite *suite(void)
{
    Suite *dump = suite_create("dump");
    TCase *cases = tcase_create("dump");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_dump_tells_what_every_task_does);
    tcase_add_test(cases, a_descriptor_that_is_used_again_has_another_number);
    tcase_add_test(cases, a_nearly_full_stack_is_left_alone);
    tcase_add_test(cases, a_nearly_full_stack_can_ask_for_a_dump);
    tcase_add_test(cases, a_dump_needs_a_runtime);
    tcase_add_test(cases, a_dump_fails_as_write_does);
    tcase_add_loop_test(cases, a_signal_dumps_a_runtime_that_sleeps, 0, 2);
    tcase_add_test(cases, a_signal_dumps_a_runtime_that_switches);
    tcase_add_test(cases, a_second_signal_does_not_wait_for_a_scheduling_point);
    tcase_add_test(cases, a_second_signal_reaches_the_thread_that_computes);
    tcase_add_test(cases, the_environment_asks_for_sigquit);
    tcase_add_test(cases, without_it_sigquit_ends_the_process);
    tcase_add_test(cases, the_previous_handler_is_called_too);
    tcase_add_test(cases, not_every_signal_will_do);
    tcase_add_test(cases, a_dump_to_where_nobody_reads_is_given_up);
    suite_add_tcase(dump, cases);
    return dump;
}
