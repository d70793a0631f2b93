/* SPDX-License-Identifier: MIT */
/* From cede_run() to its return: results, wrong use, tasks that are left, no descriptors, many threads. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "sched.h"

static int returns_its_argument(void *arg)
{
    return (int)(intptr_t)arg;
}

static int fails(void *unused)
{
    (void)unused;
    errno = EXDEV;
    return -5;
}

START_TEST(it_returns_what_the_first_task_returned)
{
    ck_assert_int_eq(cede_run(returns_its_argument, (void *)7), 7);
    errno = 0;
    ck_assert_int_eq(cede_run(fails, NULL), -5);
    ck_assert_int_eq(errno, EXDEV);
    ck_assert_int_eq(cede_run_attr(NULL, returns_its_argument, (void *)3), 3);
    ck_assert_ptr_null(cede_self());
}
END_TEST

START_TEST(wrong_use_is_EINVAL)
{
    struct cede_run_attr attr = {.stack_size = 1};

    ck_assert_fails(cede_run(NULL, NULL), EINVAL);
    ck_assert_fails(cede_run_attr(&attr, returns_its_argument, NULL), EINVAL);
    attr.stack_size = CEDE_STACK_MAX + 1;
    ck_assert_fails(cede_run_attr(&attr, returns_its_argument, NULL), EINVAL);
}
END_TEST

TASK_TEST(inside_a_task_it_is_EBUSY)
{
    ck_assert_fails(cede_run(returns_its_argument, NULL), EBUSY);
    ck_assert_int_eq(cede_yield(), 0);
}

static int checks_attr(void *expected)
{
    /* Not the address of a local variable: ASan may keep those elsewhere. */
    char *frame = __builtin_frame_address(0);

    ck_assert_str_eq(cede_name(), expected);
    return frame > cede__worker->current->run.stack->bottom && cede__worker->stack_size == (size_t)64 << 10;
}

START_TEST(options_hold_for_the_first_task)
{
    struct cede_run_attr attr = {.name = "first", .stack_size = (size_t)64 << 10};

    ck_assert_int_eq(cede_run_attr(&attr, checks_attr, (void *)"first"), 1);
}
END_TEST

/* ---- tasks that are left ---- */

static int cleaned, started;

static int sleeps_for_ever(void *unused)
{
    (void)unused;
    started++;
    ck_assert_fails(cede_sleep(CEDE_FOREVER), ECANCELED);
    ck_assert_fails(cede_park(), ECANCELED);
    cede_shield
        ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
    cleaned++;
    return 0;
}

static int leaves_tasks(void *unused)
{
    const struct cede_task_attr detached = {.detached = 1};
    int i;

    (void)unused;
    for (i = 0; i < 10; i++) {
        ck_assert_ptr_nonnull(cede_spawn(sleeps_for_ever, NULL));
        ck_assert_ptr_nonnull(cede_spawn_attr(&detached, sleeps_for_ever, NULL));
        ck_assert_ptr_nonnull(cede_spawn(returns_its_argument, NULL)); /* never joined */
    }
    cede_yield();
    for (i = 0; i < 10; i++) /* these have not even started */
        ck_assert_ptr_nonnull(cede_spawn(sleeps_for_ever, NULL));
    errno = EXDEV;
    return -5;
}

static int sleep_for_long(void *unused)
{
    (void)unused;
    return cede_sleep(1000 * CEDE_SECOND);
}

static int spawn_when_cancelled(void *unused)
{
    (void)unused;
    cede_sleep(1000 * CEDE_SECOND);
    return cede_spawn(sleep_for_long, NULL) ? 0 : -1;
}

static int leave_one_that_spawns(void *unused)
{
    (void)unused;
    cede_spawn(spawn_when_cancelled, NULL);
    return cede_yield() == 0 ? 4 : -1;
}

START_TEST(what_is_spawned_at_the_end_is_cancelled_too)
{
    ck_assert_int_eq(cede_run(leave_one_that_spawns, NULL), 4);
}
END_TEST

START_TEST(what_is_left_is_cancelled_and_awaited)
{
    int round;

    for (round = 1; round <= 3; round++) {
        errno = 0;
        ck_assert_int_eq(cede_run(leaves_tasks, NULL), -5);
        ck_assert_int_eq(errno, EXDEV);
        ck_assert_int_eq(started, 30 * round);
        ck_assert_int_eq(cleaned, 30 * round);
    }
}
END_TEST

/* ---- the first task belongs to cede_run() ---- */

static int meddles_with_the_root(void *root)
{
    ck_assert_fails(cede_join(root, NULL), EINVAL);
    ck_assert_fails(cede_detach(root), EINVAL);
    return 0;
}

static int is_meddled_with(void *unused)
{
    struct cede_task *task = cede_spawn(meddles_with_the_root, cede_self());

    (void)unused;
    cede_yield();
    ck_assert_int_eq(cede_await(task), 0);
    ck_assert_fails(cede_detach(cede_self()), EINVAL);
    ck_assert_fails(cede_join(cede_self(), NULL), EDEADLK);
    return 42;
}

START_TEST(the_first_task_cannot_be_joined_or_detached)
{
    ck_assert_int_eq(cede_run(is_meddled_with, NULL), 42);
}
END_TEST

static int cancels_itself(void *unused)
{
    (void)unused;
    cede_cancel(cede_self());
    return cede_sleep(1);
}

START_TEST(the_first_task_can_be_cancelled)
{
    ck_assert_fails(cede_run(cancels_itself, NULL), ECANCELED);
}
END_TEST

static struct cede_task *kept;

static int keeps_handles(void *unused)
{
    (void)unused;
    kept = cede_spawn(sleeps_for_ever, NULL);
    return 0;
}

static int finds_stale(void *unused)
{
    (void)unused;
    ck_assert_fails(cede_join(kept, NULL), ESRCH);
    return 0;
}

START_TEST(handles_do_not_outlive_a_run)
{
    ck_assert_int_eq(cede_run(keeps_handles, NULL), 0);
    ck_assert_fails(cede_cancel(kept), ESRCH);
    ck_assert_fails(cede_wake(kept), ESRCH);
    ck_assert_int_eq(cede_run(finds_stale, NULL), 0);
}
END_TEST

/* ---- no resources ---- */

static void allow_descriptors(rlim_t count)
{
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = count;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static rlim_t lowest_free(void)
{
    int fd = dup(1);

    close(fd);
    return (rlim_t)fd;
}

/* With none at all, and with one or two too few, before and after a run that had enough. */
START_TEST(no_descriptors_is_EMFILE_and_not_for_ever)
{
    rlim_t more;
    int round, enough = 0;

    for (round = 0; round < 3; round++) {
        for (more = 0; more < 64; more++) { /* some may be taken above the lowest free one */
            allow_descriptors(lowest_free() + more);
            errno = 0;
            if (cede_run(returns_its_argument, (void *)1) == 1)
                break;
            ck_assert_int_eq(errno, EMFILE);
            enough++;
        }
        ck_assert_uint_lt(more, 64);
        allow_descriptors(256);
        ck_assert_int_eq(cede_run(returns_its_argument, (void *)9), 9);
    }
    ck_assert_int_gt(enough, 1);
}
END_TEST

static int finds_standard_ones_closed(void *unused)
{
    struct stat status;
    int fd;
    char byte;

    (void)unused;
    ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
    ck_assert_int_eq(cede_stat("/", &status), 0); /* whatever the runtime opens late is open now */
    for (fd = 0; fd <= STDERR_FILENO; fd++)
        ck_assert_fails(read(fd, &byte, 1), EBADF);
    return 0;
}

/* A program that was started without a standard input must not read from the runtime. */
START_TEST(closed_standard_descriptors_stay_closed)
{
    int before[STDERR_FILENO + 1], fd, result;

    for (fd = 0; fd <= STDERR_FILENO; fd++) {
        before[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
        close(fd);
    }
    result = cede_run(finds_standard_ones_closed, NULL);
    for (fd = 0; fd <= STDERR_FILENO; fd++) {
        dup2(before[fd], fd);
        close(before[fd]);
    }
    ck_assert_int_eq(result, 0);
}
END_TEST

START_TEST(runs_do_not_leak_descriptors)
{
    rlim_t before;
    int i;

    ck_assert_int_eq(cede_run(returns_its_argument, NULL), 0);
    before = lowest_free();
    for (i = 0; i < 50; i++)
        ck_assert_int_eq(cede_run(returns_its_argument, NULL), 0);
    ck_assert_uint_eq(lowest_free(), before);
}
END_TEST

START_TEST(a_spin_out_of_bounds_is_EINVAL)
{
    struct cede_run_attr attr = {.spin_ns = CEDE_MILLISECOND + 1};

    ck_assert_fails(cede_run_attr(&attr, returns_its_argument, NULL), EINVAL);
    attr.spin_ns = -1;
    ck_assert_int_eq(cede_run_attr(&attr, returns_its_argument, (void *)4), 4);
}
END_TEST

#ifndef HARNESS_SANITIZED
START_TEST(no_memory_is_ENOMEM)
{
    struct rlimit limit, none;
    struct cede_run_attr attr = {.stack_size = CEDE_STACK_MAX};

    if (harness_emulated("limit on memory"))
        return;
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &limit), 0);
    none = limit;
    none.rlim_cur = (rlim_t)700 << 20;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
    ck_assert_fails(cede_run_attr(&attr, returns_its_argument, NULL), ENOMEM);
    ck_assert_int_eq(cede_run(returns_its_argument, (void *)2), 2);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
}
END_TEST
#endif

/* ---- threads ---- */

enum { THREADS = 8, CHILDREN = 100 };

static int counts_children(void *arg)
{
    struct cede_task *children[CHILDREN];
    int i, sum = 0;

    (void)arg;
    for (i = 0; i < CHILDREN; i++)
        children[i] = cede_spawn(returns_its_argument, (void *)(intptr_t)i);
    cede_sleep(CEDE_MILLISECOND);
    for (i = 0; i < CHILDREN; i++)
        sum += cede_await(children[i]);
    return sum;
}

static void *runs_several_times(void *unused)
{
    int i;

    for (i = 0; i < 20; i++)
        ck_assert_int_eq(cede_run(counts_children, NULL), CHILDREN * (CHILDREN - 1) / 2);
    return unused;
}

START_TEST(each_thread_has_its_own)
{
    pthread_t threads[THREADS];
    int i;

    for (i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, runs_several_times, NULL), 0);
    for (i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

/* Other threads cancel and wake tasks of a runtime that is just ending, again and again. */
static _Atomic uintptr_t victim;
static atomic_bool enough_of_it;

static void *bothers(void *unused)
{
    while (!atomic_load(&enough_of_it)) {
        cede_wake((struct cede_task *)atomic_load(&victim));
        cede_cancel((struct cede_task *)atomic_load(&victim));
    }
    return unused;
}

static int parks_until_cancelled(void *unused)
{
    (void)unused;
    while (cede_park() == 0)
        ;
    return 0;
}

static int ends_soon(void *arg)
{
    struct cede_task *child = cede_spawn(parks_until_cancelled, NULL);

    atomic_store(&victim, (uintptr_t)((intptr_t)arg % 2 ? child : cede_self()));
    if ((intptr_t)arg % 2 == 0)
        cede_park();
    else if ((intptr_t)arg % 3 == 0)
        ck_assert_int_eq(cede_await(child), 0);
    return (int)(intptr_t)arg;
}

START_TEST(others_may_come_too_late)
{
    pthread_t threads[3];
    int i;

    for (i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, bothers, NULL), 0);
    for (i = 0; i < 300; i++)
        ck_assert_int_eq(cede_run(ends_soon, (void *)(intptr_t)i), i);
    atomic_store(&enough_of_it, true);
    for (i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
}
END_TEST

Suite *suite(void)
{
    Suite *run = suite_create("run");
    TCase *cases = tcase_create("run");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, it_returns_what_the_first_task_returned);
    tcase_add_test(cases, wrong_use_is_EINVAL);
    tcase_add_test(cases, a_spin_out_of_bounds_is_EINVAL);
    tcase_add_test(cases, inside_a_task_it_is_EBUSY);
    tcase_add_test(cases, options_hold_for_the_first_task);
    tcase_add_test(cases, what_is_left_is_cancelled_and_awaited);
    tcase_add_test(cases, what_is_spawned_at_the_end_is_cancelled_too);
    tcase_add_test(cases, the_first_task_cannot_be_joined_or_detached);
    tcase_add_test(cases, the_first_task_can_be_cancelled);
    tcase_add_test(cases, handles_do_not_outlive_a_run);
    tcase_add_test(cases, no_descriptors_is_EMFILE_and_not_for_ever);
    tcase_add_test(cases, closed_standard_descriptors_stay_closed);
    tcase_add_test(cases, runs_do_not_leak_descriptors);
#ifndef HARNESS_SANITIZED
    tcase_add_test(cases, no_memory_is_ENOMEM);
#endif
    tcase_add_test(cases, each_thread_has_its_own);
    tcase_add_test(cases, others_may_come_too_late);
    suite_add_tcase(run, cases);
    return run;
}
