/* SPDX-License-Identifier: MIT */
/* Cancellation: sticky, from anywhere, and never of the wrong task. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "harness.h"

#define LONG (600 * CEDE_SECOND)

static int always_fails(void *unused)
{
    int i;

    (void)unused;
    for (i = 0; i < 3; i++) {
        ck_assert_fails(cede_sleep(LONG), ECANCELED);
        ck_assert_fails(cede_sleep(CEDE_FOREVER), ECANCELED);
        ck_assert_fails(cede_park(), ECANCELED);
        ck_assert_fails(cede_yield(), ECANCELED);
        ck_assert_fails(cede_sleep(0), ECANCELED);
        ck_assert_fails(cede_check(), ECANCELED);
    }
    errno = ECANCELED;
    return -1;
}

TASK_TEST(it_ends_the_wait_and_every_further_one)
{
    struct cede_task *task = cede_spawn(always_fails, NULL);

    cede_yield();
    ck_assert_int_eq(cede_cancel(task), 0);
    ck_assert_int_eq(cede_cancel(task), 0);
    ck_assert_fails(cede_await(task), ECANCELED);
    ck_assert_fails(cede_cancel(task), ESRCH);
    ck_assert_int_eq(cede_check(), 0); /* the one who waited for it is not cancelled */
}

TASK_TEST(one_that_has_not_started_does_start)
{
    struct cede_task *task = cede_spawn(always_fails, NULL);

    ck_assert_int_eq(cede_cancel(task), 0);
    ck_assert_fails(cede_await(task), ECANCELED);
}

static int cancels_itself(void *arg)
{
    ck_assert_int_eq(cede_cancel(cede_self()), 0);
    return always_fails(arg);
}

static int cancels_itself_and_checks(void *unused)
{
    (void)unused;
    ck_assert_int_eq(cede_cancel(cede_self()), 0);
    ck_assert_fails(cede_check(), ECANCELED);
    return 0;
}

static int cancels_itself_and_yields(void *unused)
{
    (void)unused;
    ck_assert_int_eq(cede_cancel(cede_self()), 0);
    ck_assert_fails(cede_yield(), ECANCELED);
    return 0;
}

TASK_TEST(a_task_may_cancel_itself)
{
    ck_assert_fails(cede_await(cede_spawn(cancels_itself, NULL)), ECANCELED);
    ck_assert_int_eq(cede_await(cede_spawn(cancels_itself_and_checks, NULL)), 0);
    ck_assert_int_eq(cede_await(cede_spawn(cancels_itself_and_yields, NULL)), 0);
}

static int returns_3(void *unused)
{
    (void)unused;
    return 3;
}

TASK_TEST(one_that_has_ended_keeps_its_result)
{
    struct cede_task *task = cede_spawn(returns_3, NULL);

    cede_yield();
    ck_assert_int_eq(cede_cancel(task), 0);
    cede_yield();
    ck_assert_int_eq(cede_await(task), 3);
    /* The request is still on its way when the descriptor goes to the next task. */
    task = cede_spawn(returns_3, NULL);
    cede_yield();
    ck_assert_int_eq(cede_cancel(task), 0);
    ck_assert_int_eq(cede_await(task), 3);
    ck_assert_int_eq(cede_await(cede_spawn(returns_3, NULL)), 3);
}

static int sleeps_a_little(void *unused)
{
    (void)unused;
    return cede_sleep(CEDE_MILLISECOND);
}

TASK_TEST(a_late_request_does_not_hit_the_next_task)
{
    struct cede_task *old, *new;
    int i;

    for (i = 0; i < 100; i++) {
        old = cede_spawn(returns_3, NULL);
        cede_yield();
        cede_cancel(old);                 /* posted ... */
        ck_assert_int_eq(cede_await(old), 3);
        new = cede_spawn(sleeps_a_little, NULL); /* ... the same descriptor ... */
        ck_assert_ptr_ne(new, old);
        if (i % 2)
            cede_wake(new);               /* ... with a request of its own */
        ck_assert_int_eq(cede_await(new), 0);
    }
}

static int counts_down(void *arg)
{
    return --*(int *)arg;
}

/* Cancelled and woken in one turn: the word of requests holds both. */
static int parks_twice(void *unused)
{
    (void)unused;
    ck_assert_fails(cede_park(), ECANCELED);
    ck_assert_int_eq(cede_park(), 0); /* the wake was kept */
    ck_assert_fails(cede_park(), ECANCELED);
    return 0;
}

TASK_TEST(a_wake_is_kept_beside_a_cancel)
{
    struct cede_task *task = cede_spawn(parks_twice, NULL);

    cede_yield();
    cede_cancel(task);
    cede_wake(task);
    ck_assert_int_eq(cede_await(task), 0);
}

/* ---- from other threads ---- */

static void *cancels(void *task)
{
    ck_assert_int_eq(cede_cancel(task), 0);
    return NULL;
}

static void *cancels_later(void *task)
{
    cede_sleep(2 * CEDE_MILLISECOND);
    return cancels(task);
}

TASK_TEST(another_thread_may_cancel)
{
    struct cede_task *task;
    pthread_t thread;
    int i;

    for (i = 0; i < 20; i++) {
        task = cede_spawn(always_fails, NULL);
        if (i % 2)
            cede_yield();
        ck_assert_int_eq(pthread_create(&thread, NULL, i % 4 < 2 ? cancels_later : cancels, task), 0);
        ck_assert_fails(cede_await(task), ECANCELED);
        pthread_join(thread, NULL);
    }
}

static int spins_until_cancelled(void *unused)
{
    (void)unused;
    while (cede_check() == 0)
        ;
    return errno == ECANCELED ? 0 : -1;
}

TASK_TEST(check_sees_the_cancel_of_another_thread)
{
    struct cede_task *task = cede_spawn(spins_until_cancelled, NULL);
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, cancels_later, task), 0);
    ck_assert_int_eq(cede_await(task), 0);
    pthread_join(thread, NULL);
}

static int yields_until_cancelled(void *unused)
{
    (void)unused;
    while (cede_yield() == 0)
        ;
    return errno == ECANCELED ? 0 : -1;
}

TASK_TEST(yield_sees_the_cancel_of_another_thread)
{
    struct cede_task *task = cede_spawn(yields_until_cancelled, NULL);
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, cancels_later, task), 0);
    ck_assert_int_eq(cede_await(task), 0);
    pthread_join(thread, NULL);
}

/* ---- from signal handlers ---- */

static _Atomic(struct cede_task *) target;
static volatile sig_atomic_t handled;

/* ThreadSanitizer 14 leaves every signal blocked if one arrives just as it is about to run the handler of an earlier
 * one: there they come seldom, and those of several threads one by one. It may also keep one back until the next comes,
 * so another is sent when an answer stays away. */
#ifdef HARNESS_TSAN
enum { SIGNAL_EVERY_NS = 2000000 };
static const bool one_by_one = true;
#else
enum { SIGNAL_EVERY_NS = 50000 };
static const bool one_by_one = false;
#endif
static _Atomic int64_t sent_ns; /* 0: what was sent has been handled */

static void cancel_target(int signo)
{
    int saved = errno;

    (void)signo;
    cede_cancel(target);
    atomic_store(&sent_ns, 0);
    handled++;
    errno = saved;
}

static void wake_target(int signo)
{
    int saved = errno;

    (void)signo;
    cede_wake(target);
    handled++;
    errno = saved;
}

static void on_signal(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};

    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
}

static void start_storm(timer_t *timer)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    struct itimerspec times = {{0, SIGNAL_EVERY_NS}, {0, SIGNAL_EVERY_NS}};

    ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, &event, timer), 0);
    ck_assert_int_eq(timer_settime(*timer, 0, &times, NULL), 0);
}

static int raises(void *unused)
{
    (void)unused;
    raise(SIGUSR1);
    ck_assert_fails(cede_sleep(LONG), ECANCELED);
    return 0;
}

TASK_TEST(a_signal_handler_may_cancel)
{
    timer_t timer;

    on_signal(cancel_target);
    target = cede_spawn(raises, NULL);
    ck_assert_int_eq(cede_await(target), 0);
    target = cede_spawn(always_fails, NULL);
    start_storm(&timer); /* comes while this thread waits in the poller */
    ck_assert_fails(cede_await(target), ECANCELED);
    timer_delete(timer);
}

/* A handler interrupts the scheduler at any instruction: nothing is lost, nobody else is hit. */
TASK_TEST(a_storm_of_signals_breaks_nothing)
{
    struct cede_task *busy[8];
    timer_t timer;
    int64_t until = cede_now() + CEDE_SECOND;
    int i, left;

    on_signal(wake_target);
    target = cede_self();
    start_storm(&timer);
    while (cede_now() < until) {
        for (i = 0; i < 8; i++) {
            left = 2;
            busy[i] = i % 2 ? cede_spawn(sleeps_a_little, NULL) : cede_spawn(counts_down, &left);
            cede_yield();
        }
        for (i = 0; i < 8; i++)
            ck_assert_int_ge(cede_await(busy[i]), 0);
        ck_assert_int_eq(cede_park(), 0); /* the next signal comes */
    }
    timer_delete(timer);
    ck_assert_int_gt(handled, 10);
}

/* Two threads shoot signals at the runtime's thread. */
static pthread_t runtime;
static atomic_bool stop;

static void *shoots(void *unused)
{
    struct timespec pause = {0, 20000};
    int64_t last;

    while (!atomic_load(&stop)) {
        last = atomic_load(&sent_ns);
        if (!one_by_one || (cede_now() - last > 10 * CEDE_MILLISECOND
                            && atomic_compare_exchange_strong(&sent_ns, &last, cede_now())))
            pthread_kill(runtime, SIGUSR1);
        nanosleep(&pause, NULL);
    }
    return unused;
}

TASK_TEST(signals_from_other_threads_break_nothing)
{
    pthread_t threads[2];
    int i;

    on_signal(cancel_target);
    runtime = pthread_self();
    target = NULL;
    for (i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, shoots, NULL);
    for (i = 0; i < 500; i++) {
        struct cede_task *task = cede_spawn(always_fails, NULL), *bystander = cede_spawn(sleeps_a_little, NULL);

        target = task;
        ck_assert_fails(cede_await(task), ECANCELED);
        ck_assert_int_eq(cede_await(bystander), 0);
    }
    atomic_store(&stop, true);
    for (i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

static int try_again_and_again(void *flag)
{
    while (!*(volatile int *)flag)
        cede_sleep(CEDE_MILLISECOND);
    return 0;
}

static int set_flag(void *flag)
{
    *(volatile int *)flag = 1;
    return 0;
}

TASK_TEST(one_that_waits_again_and_again_does_not_stop_the_others)
{
    int flag = 0;
    struct cede_task *stubborn = cede_spawn(try_again_and_again, &flag), *other;

    ck_assert_int_eq(cede_cancel(stubborn), 0);
    cede_yield();
    other = cede_spawn(set_flag, &flag);
    ck_assert_int_eq(cede_await(stubborn), 0);
    ck_assert_int_eq(cede_await(other), 0);
}

/* ---- what went wrong in others: CPython's issues, by number ---- */

struct awaits_then_sleeps { int *inner; };

/* wait_for(inner(), timeout), then something else that waits. */
static int awaits_then_sleeps(struct awaits_then_sleeps *a)
{
    struct cede_task *inner = cede_spawn(returns_3, NULL);
    int result = 0;

    cede_timeout (LONG)
        if (cede_join(inner, &result) != 0) { /* cancelled before it ended, or else ... */
            ck_assert_int_eq(errno, ECANCELED);
            cede_shield
                ck_assert_int_eq(cede_join(inner, &result), 0);
        }
    *a->inner = result;
    ck_assert_fails(cede_sleep(LONG), ECANCELED); /* ... now: it is not lost */
    ck_assert_fails(cede_check(), ECANCELED);
    return 0;
}

/* At whatever moment the cancel comes: before, as, or after the inner task ends. */
TASK_TEST(cpython_86296_wait_for_loses_no_cancel)
{
    struct cede_task *task;
    int turns, i, inner;

    for (turns = 0; turns < 5; turns++) {
        inner = 0;
        task = cede_go(awaits_then_sleeps, .inner = &inner);
        for (i = 0; i < turns; i++)
            cede_yield();
        cede_cancel(task);
        ck_assert_int_eq(cede_await(task), 0);
        ck_assert_int_eq(inner, 3);
    }
}

static int sets_and_returns(void *event)
{
    cede_event_set(event);
    return 3;
}

static int waits_for_event(void *event)
{
    int result = cede_await(cede_spawn(sets_and_returns, event));

    ck_assert_int_eq(result, 3);
    ck_assert_fails(cede_check(), ECANCELED);
    return 0;
}

/* The same, exactly: the cancel is posted between the inner task's end and the moment the other one runs again. */
TASK_TEST(cpython_86296_a_completed_wait_keeps_its_result)
{
    struct cede_event event = {0};
    struct cede_task *task = cede_spawn(waits_for_event, &event);

    ck_assert_int_eq(cede_event_wait(&event), 0); /* woken before the joiner */
    cede_cancel(task);
    ck_assert_int_eq(cede_await(task), 0);
}

static int fails_at_once(void *unused)
{
    (void)unused;
    return cede_fail(EDOM, "at once");
}

/* A child that fails before its owner waits: the group reports it, and nothing of its cancellation is left. */
TASK_TEST(cpython_128588_no_cancellation_leaks_out_of_a_group)
{
    cede_group (g) {
        cede_group_spawn(g, NULL, fails_at_once, NULL);
        ck_assert_fails(cede_group_wait(g), EDOM);
    }
    ck_assert_int_eq(cede_check(), 0);
    ck_assert_int_eq(cede_sleep(0), 0);
    cede_group (g)
        cede_group_spawn(g, NULL, fails_at_once, NULL); /* only the end of the block waits */
    ck_assert_int_eq(cede_check(), 0);
    cede_group (g) {
        cede_group_spawn(g, NULL, fails_at_once, NULL);
        ck_assert_fails(cede_sleep(LONG), ECANCELED); /* swallowed: it was none of ours */
    }
    ck_assert_int_eq(cede_check(), 0);
    ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
}

/* Does not end before it is told, whatever happens. */
static int winds_up(void *event)
{
    cede_sleep(LONG);
    cede_shield
        ck_assert_int_eq(cede_event_wait(event), 0);
    return 0;
}

struct cancels_its_group { struct cede_event *wound_up; int error; };

static int cancels_its_group(struct cancels_its_group *a)
{
    cede_group (g) {
        cede_group_spawn(g, NULL, winds_up, a->wound_up);
        cede_yield();
        cede_group_cancel(g);
        ck_assert_fails(cede_group_wait(g), a->error);
    }
    ck_assert_fails(cede_check(), a->error);
    return 0;
}

static int opens_later(void *event)
{
    cede_sleep(5 * CEDE_MILLISECOND);
    return cede_event_set(event);
}

/* After a group was cancelled by its own block, while its children wind up: what comes from outside is not
 * swallowed. */
TASK_TEST(cpython_155433_a_cancelled_group_swallows_no_timeout)
{
    struct cede_event event = {0};
    struct cede_task *later = cede_spawn(opens_later, &event), *task = NULL;

    cede_timeout (2 * CEDE_MILLISECOND)
        task = cede_go(cancels_its_group, .wound_up = &event, .error = ETIMEDOUT);
    ck_assert_int_eq(cede_await(task), 0);
    ck_assert_int_eq(cede_await(later), 0);
}

TASK_TEST(cpython_155433_a_cancelled_group_swallows_no_cancel)
{
    struct cede_event event = {0};
    struct cede_task *task = cede_go(cancels_its_group, .wound_up = &event, .error = ECANCELED);

    cede_yield();
    cede_yield();
    cede_cancel(task);
    cede_yield();
    cede_event_set(&event);
    ck_assert_int_eq(cede_await(task), 0);
}

static int fails_when_cancelled(void *unused)
{
    (void)unused;
    cede_sleep(LONG);
    return cede_fail(EIO, "inner");
}

/* A group in a task of another group, both with failures: each reports its own, and the outer cancellation holds. */
static int has_a_group(void *unused)
{
    (void)unused;
    cede_group (inner) {
        cede_group_spawn(inner, NULL, fails_when_cancelled, NULL);
        ck_assert_fails(cede_group_wait(inner), ECANCELED); /* came first, and was what made the child fail */
    }
    ck_assert_fails(cede_sleep(LONG), ECANCELED);
    errno = ECANCELED;
    return -1;
}

TASK_TEST(cpython_116720_an_inner_group_swallows_no_cancel_of_an_outer_one)
{
    cede_group (outer) {
        cede_group_spawn(outer, NULL, has_a_group, NULL);
        cede_yield();
        cede_yield();
        cede_group_spawn(outer, NULL, fails_at_once, NULL);
        ck_assert_fails(cede_group_wait(outer), EDOM);
    }
    ck_assert_int_eq(cede_check(), 0);
}

static int times_out_at_once(void *unused)
{
    (void)unused;
    cede_cancel(cede_self());
    cede_timeout (0)
        ck_assert_fails(cede_sleep(LONG), ECANCELED);
    ck_assert_fails(cede_sleep(LONG), ECANCELED);
    return 0;
}

TASK_TEST(cpython_134471_a_timeout_of_0_swallows_no_cancel)
{
    ck_assert_int_eq(cede_await(cede_spawn(times_out_at_once, NULL)), 0);
}

/* A deadline after a group has failed inside it is a deadline. */
TASK_TEST(cpython_133747_a_timeout_after_a_failed_group_is_ETIMEDOUT)
{
    cede_timeout (3 * CEDE_MILLISECOND) {
        cede_group (g)
            cede_group_spawn(g, NULL, fails_at_once, NULL);
        ck_assert_fails(cede_sleep(LONG), ETIMEDOUT);
    }
    ck_assert_int_eq(cede_check(), 0);
}

Suite *suite(void)
{
    Suite *cancel = suite_create("cancel");
    TCase *cases = tcase_create("cancel");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, it_ends_the_wait_and_every_further_one);
    tcase_add_test(cases, one_that_has_not_started_does_start);
    tcase_add_test(cases, a_task_may_cancel_itself);
    tcase_add_test(cases, one_that_has_ended_keeps_its_result);
    tcase_add_test(cases, a_late_request_does_not_hit_the_next_task);
    tcase_add_test(cases, a_wake_is_kept_beside_a_cancel);
    tcase_add_test(cases, another_thread_may_cancel);
    tcase_add_test(cases, check_sees_the_cancel_of_another_thread);
    tcase_add_test(cases, yield_sees_the_cancel_of_another_thread);
    tcase_add_test(cases, a_signal_handler_may_cancel);
    tcase_add_test(cases, a_storm_of_signals_breaks_nothing);
    tcase_add_test(cases, signals_from_other_threads_break_nothing);
    tcase_add_test(cases, one_that_waits_again_and_again_does_not_stop_the_others);
    tcase_add_test(cases, cpython_86296_wait_for_loses_no_cancel);
    tcase_add_test(cases, cpython_86296_a_completed_wait_keeps_its_result);
    tcase_add_test(cases, cpython_128588_no_cancellation_leaks_out_of_a_group);
    tcase_add_test(cases, cpython_155433_a_cancelled_group_swallows_no_timeout);
    tcase_add_test(cases, cpython_155433_a_cancelled_group_swallows_no_cancel);
    tcase_add_test(cases, cpython_116720_an_inner_group_swallows_no_cancel_of_an_outer_one);
    tcase_add_test(cases, cpython_134471_a_timeout_of_0_swallows_no_cancel);
    tcase_add_test(cases, cpython_133747_a_timeout_after_a_failed_group_is_ETIMEDOUT);
    suite_add_tcase(cancel, cases);
    return cancel;
}
