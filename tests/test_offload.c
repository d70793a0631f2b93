/* SPDX-License-Identifier: MIT */
#include "offload.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

/* A job that waits until `go` is set, then counts. */
struct work {
    struct cede__job job;
    pthread_t thread;
    bool signals_blocked, in_task;
    bool slow; /* it waits until `slow_may_end`, too */
    bool naps; /* it takes a millisecond */
    int value;
};

static atomic_int running, most_running, done, released;
static atomic_bool go, slow_may_end;

static void nap(void)
{
    const struct timespec ms = {.tv_nsec = 1000000};

    nanosleep(&ms, NULL);
}

static void run(struct cede__job *job)
{
    struct work *work = CEDE__CONTAINER(job, struct work, job);
    int now = atomic_fetch_add(&running, 1) + 1, most = atomic_load(&most_running), signo;
    sigset_t blocked;

    while (now > most && !atomic_compare_exchange_weak(&most_running, &most, now))
        ;
    while (!atomic_load(&go) || (work->slow && !atomic_load(&slow_may_end)))
        nap();
    if (work->naps)
        nap();
    work->thread = pthread_self();
    work->in_task = cede_self();
    work->signals_blocked = true;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    for (signo = 1; signo < SIGSYS; signo++)
        if (signo != SIGKILL && signo != SIGSTOP && sigismember(&blocked, signo) == 0)
            work->signals_blocked = false;
    work->value *= 2;
    atomic_fetch_sub(&running, 1);
    atomic_fetch_add(&done, 1);
}

static void release(struct cede__job *job)
{
    atomic_fetch_add(&released, 1);
    free(CEDE__CONTAINER(job, struct work, job));
}

static struct work *work_new(int value)
{
    struct work *work = malloc(sizeof *work);

    *work = (struct work){.job = {.what = "work", .run = run, .release = release}, .value = value};
    return work;
}

/* A task that has one job done. */
struct offloader { int value; bool slow, naps; };
static int offloader(struct offloader *a)
{
    struct work *work = work_new(a->value);
    int value;

    work->slow = a->slow;
    work->naps = a->naps;
    if (cede__offload(&work->job) != 0)
        return -1;
    value = work->value;
    free(work);
    return value;
}

static void reset(bool may_go)
{
    atomic_store(&go, may_go);
    atomic_store(&done, 0);
    atomic_store(&released, 0);
    atomic_store(&most_running, 0);
}

/* Waits, in a task or not, until a counter that a helper advances has this value. */
static void until(atomic_int *counter, int value)
{
    int64_t deadline_ns = cede_now() + 30 * CEDE_SECOND;

    while (atomic_load(counter) != value) {
        ck_assert_int_lt(cede_now(), deadline_ns);
        nap();
        cede_yield();
    }
}

TASK_TEST(a_job_runs_on_another_thread_without_signals)
{
    struct work *work = work_new(21);

    reset(true);
    ck_assert_int_eq(cede__offload(&work->job), 0);
    ck_assert_int_eq(work->value, 42);
    ck_assert(!pthread_equal(work->thread, pthread_self()));
    ck_assert(work->signals_blocked);
    ck_assert(!work->in_task);
    free(work);
    ck_assert_int_eq(released, 0);
    ck_assert_int_eq(cede__worker->jobs, 0);
}

START_TEST(outside_a_task_a_job_runs_in_place)
{
    struct work *work = work_new(21);

    reset(true);
    ck_assert_int_eq(cede__offload(&work->job), 0);
    ck_assert_int_eq(work->value, 42);
    ck_assert(pthread_equal(work->thread, pthread_self()));
    free(work);
}
END_TEST

/* Also: more jobs than there may be helpers, which are bounded; others run meanwhile; nothing is a deadlock. */
TASK_TEST(jobs_wait_for_their_turn)
{
    struct cede_task *tasks[100];
    int i, rounds = 0;

    reset(false);
    for (i = 0; i < 100; i++)
        tasks[i] = cede_go(offloader, .value = i);
    while (atomic_load(&running) < 16 || cede__worker->jobs < 100) {
        ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
        ck_assert_int_lt(rounds++, 20000);
    }
    ck_assert_int_eq(cede_sleep(20 * CEDE_MILLISECOND), 0);
    atomic_store(&go, true);
    for (i = 0; i < 100; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 2 * i);
    ck_assert_int_eq(done, 100);
    ck_assert_int_eq(most_running, 16);
    ck_assert_int_eq(cede__worker->jobs, 0);
}

TASK_TEST(a_cancelled_waiter_leaves_an_orphan)
{
    struct cede_task *task = cede_go(offloader, .value = 1);

    reset(false);
    until(&running, 1);
    ck_assert_int_eq(cede_cancel(task), 0);
    ck_assert_fails(cede_await(task), ECANCELED);
    ck_assert_int_eq(cede__worker->jobs, 0);
    ck_assert_int_eq(released, 0);
    atomic_store(&go, true);
    until(&released, 1); /* by the helper itself */
    ck_assert_int_eq(done, 1);
}

TASK_TEST(a_deadline_ends_the_wait)
{
    int unbegun;

    reset(false);
    cede_timeout (5 * CEDE_MILLISECOND) {
        struct work *work = work_new(1);

        ck_assert_fails(cede__offload(&work->job), ETIMEDOUT);
        work = work_new(1);
        ck_assert_fails(cede__offload(&work->job), ETIMEDOUT);
    }
    unbegun = released; /* the second one; and the first, if the helper took so long to start */
    ck_assert_int_ge(unbegun, 1);
    atomic_store(&go, true);
    until(&released, 2);
    ck_assert_int_eq(done, 2 - unbegun);
}

TASK_TEST(an_orphan_that_nobody_began_is_not_done)
{
    struct cede_task *tasks[16], *queued;
    int i;

    reset(false);
    for (i = 0; i < 16; i++)
        tasks[i] = cede_go(offloader, .value = i);
    until(&running, 16);
    queued = cede_go(offloader, .value = 1);
    cede_yield();
    ck_assert_int_eq(cede_cancel(queued), 0);
    ck_assert_fails(cede_await(queued), ECANCELED);
    ck_assert_int_eq(released, 1);
    atomic_store(&go, true);
    for (i = 0; i < 16; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 2 * i);
    ck_assert_int_eq(done, 16);
}

/* The cancel arrives before the result, but both before the task runs again: nothing is lost, whichever wins. */
TASK_TEST(what_is_done_keeps_its_result)
{
    struct cede_task *task = cede_go(offloader, .value = 4);

    reset(false);
    until(&running, 1);
    ck_assert_int_eq(cede_cancel(task), 0);
    atomic_store(&go, true);
    while (!atomic_load(&cede__worker->inbox)->next) /* without a scheduling point, until both are posted */
        nap();
    ck_assert_int_eq(cede_await(task), 8);
    ck_assert_int_eq(released, 0);
}

/* The job is done, but the task gives up before it hears of that: the worker frees the job. */
TASK_TEST(what_is_done_but_not_delivered_is_freed)
{
    struct cede_task *task = cede_go(offloader, .value = 4);
    struct cede__remote *late;

    reset(false);
    until(&running, 1);
    ck_assert_int_eq(cede_cancel(task), 0);
    cede__sched_drain(cede__worker);
    atomic_store(&go, true);
    while (!(late = atomic_exchange(&cede__worker->inbox, NULL)))
        nap();
    ck_assert_fails(cede_await(task), ECANCELED);
    ck_assert_int_eq(released, 0);
    cede__sched_post(cede__worker, late);
    until(&released, 1);
    ck_assert_int_eq(done, 1);
}

/* One idle helper does not do for two jobs. */
TASK_TEST(jobs_do_not_wait_for_each_other)
{
    struct cede_task *tasks[2];

    reset(true);
    ck_assert_int_eq(cede_await(cede_go(offloader, .value = 1)), 2);
    ck_assert_int_eq(cede_sleep(20 * CEDE_MILLISECOND), 0);
    reset(false);
    tasks[0] = cede_go(offloader, .value = 1);
    tasks[1] = cede_go(offloader, .value = 2);
    until(&running, 2);
    atomic_store(&go, true);
    ck_assert_int_eq(cede_await(tasks[0]), 2);
    ck_assert_int_eq(cede_await(tasks[1]), 4);
}

/* A job that takes long (it waits for `go`) among others that take none: they are done, whoever began it. */
static void one_takes_long(int helpers, int which)
{
    struct cede_task *slow = NULL, *tasks[200];
    int i;

    reset(true);
    atomic_store(&slow_may_end, false);
    for (i = 0; i < helpers; i++) /* so many of them idle */
        tasks[i] = cede_go(offloader, .value = i);
    for (i = 0; i < helpers; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 2 * i);
    for (i = 0; i < 200; i++)
        if (i == which)
            tasks[i] = slow = cede_go(offloader, .value = -1, .slow = true);
        else
            tasks[i] = cede_go(offloader, .value = i);
    for (i = 0; i < 200; i++)
        if (tasks[i] != slow)
            ck_assert_int_eq(cede_await(tasks[i]), 2 * i);
    ck_assert_int_eq(cede__worker->jobs, 1);
    atomic_store(&slow_may_end, true);
    ck_assert_int_eq(cede_await(slow), -2);
}

TASK_TEST(a_long_job_holds_nobody_up)
{
    one_takes_long(0, 0);
    one_takes_long(1, 0);
    one_takes_long(1, 1);
    one_takes_long(2, 100);
    one_takes_long(5, 199);
}

static int leave_an_orphan(void *unused)
{
    (void)unused;
    cede_detach(cede_go(offloader, .value = 1));
    until(&running, 1);
    return 0;
}

START_TEST(the_runtime_may_end_before_the_job)
{
    reset(false);
    ck_assert_int_eq(cede_run(leave_an_orphan, NULL), 0);
    atomic_store(&go, true);
    until(&released, 1);
    /* The worker is used again, and hears nothing of it. */
    ck_assert_int_eq(cede_run(a_job_runs_on_another_thread_without_signals_task, NULL), 0);
}
END_TEST

/* Cancels at random moments, from several runtimes at once; now and then a job that takes its time. */
static int storm(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;
    struct cede_task *tasks[20];
    int round, i, result;

    for (round = 0; round < HARNESS_ROUNDS(1000); round++) {
        for (i = 0; i < 20; i++)
            tasks[i] = cede_go(offloader, .value = i, .naps = harness_random(&seed) % 50 == 0);
        for (i = 0; i < 20; i++) {
            if (harness_random(&seed) % 4 == 0)
                cede_yield();
            if (harness_random(&seed) % 3 == 0)
                ck_assert_int_eq(cede_cancel(tasks[i]), 0);
        }
        for (i = 0; i < 20; i++) {
            result = cede_await(tasks[i]);
            ck_assert(result == 2 * i || (result == -1 && errno == ECANCELED));
        }
    }
    return 0;
}

static void *run_storm(void *arg)
{
    ck_assert_int_eq(cede_run(storm, arg), 0);
    return NULL;
}

START_TEST(storm_of_cancels)
{
    pthread_t threads[3];
    uintptr_t i;

    reset(true);
    for (i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run_storm, (void *)(i + 1)), 0);
    for (i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}
END_TEST

#ifndef CEDE__TSAN /* which allows no threads in a child of a process that has several */
START_TEST(a_child_process_has_helpers_of_its_own)
{
    pid_t child;
    int status, i;

    reset(true);
    ck_assert_int_eq(cede_run(a_job_runs_on_another_thread_without_signals_task, NULL), 0);
    for (i = 0; i < 20; i++) /* until its helper is idle */
        nap();
    child = fork();
    if (child == 0)
        _exit(cede_run(a_job_runs_on_another_thread_without_signals_task, NULL) == 0 ? 0 : 1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_int_eq(cede_run(a_job_runs_on_another_thread_without_signals_task, NULL), 0);
}
END_TEST

static void *uses_all_helpers(void *unused)
{
    atomic_store(&running, 0);
    _exit(cede_run(jobs_wait_for_their_turn_task, NULL));
    return unused;
}

/* Returns in the child as well, where the helper goes on with the jobs of another thread. */
static void forks(struct cede__job *job)
{
    struct work *work = CEDE__CONTAINER(job, struct work, job);
    pthread_t thread;

    work->value = fork();
    if (work->value == 0 && pthread_create(&thread, NULL, uses_all_helpers, NULL) != 0)
        _exit(2);
}

TASK_TEST(a_helper_that_forks_is_one_in_the_child)
{
    struct work *work = work_new(0);
    int status;

    work->job.run = forks;
    ck_assert_int_eq(cede__offload(&work->job), 0);
    ck_assert_int_gt(work->value, 0);
    ck_assert_int_eq(cede_waitpid(work->value, &status, 0), work->value);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    free(work);
}
#endif

Suite *suite(void)
{
    Suite *offload = suite_create("offload");
    TCase *cases = tcase_create("offload");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, a_job_runs_on_another_thread_without_signals);
    tcase_add_test(cases, outside_a_task_a_job_runs_in_place);
    tcase_add_test(cases, jobs_wait_for_their_turn);
    tcase_add_test(cases, a_cancelled_waiter_leaves_an_orphan);
    tcase_add_test(cases, a_deadline_ends_the_wait);
    tcase_add_test(cases, an_orphan_that_nobody_began_is_not_done);
    tcase_add_test(cases, what_is_done_keeps_its_result);
    tcase_add_test(cases, what_is_done_but_not_delivered_is_freed);
    tcase_add_test(cases, jobs_do_not_wait_for_each_other);
    tcase_add_test(cases, a_long_job_holds_nobody_up);
    tcase_add_test(cases, the_runtime_may_end_before_the_job);
    tcase_add_test(cases, storm_of_cancels);
#ifndef CEDE__TSAN
    tcase_add_test(cases, a_child_process_has_helpers_of_its_own);
    tcase_add_test(cases, a_helper_that_forks_is_one_in_the_child);
#endif
    suite_add_tcase(offload, cases);
    return offload;
}
