/* SPDX-License-Identifier: MIT */
/* Waiting at an address: order, interruptions, plain threads, signal handlers, fork. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crowd.h"
#include "deadlock.h"
#include "handler_posts.h"

static char here, there;
static int order[8], ended;

struct waits {
    int number;
    const void *address;
    int64_t deadline_ns;
};

static int waits(struct waits *self)
{
    struct cede_lot_waiter waiter;

    cede_lot_enter(&waiter, self->address, "test", 0);
    if (cede_lot_park(&waiter, self->deadline_ns ? self->deadline_ns : INT64_MAX) != 0)
        return -1;
    order[ended++] = self->number;
    return 0;
}

TASK_TEST(the_longest_wait_ends_first)
{
    struct cede_task *tasks[4];
    int i;

    for (i = 0; i < 4; i++)
        tasks[i] = cede_go(waits, .number = i, .address = i == 1 ? &there : &here);
    ck_assert_int_eq(cede_lot_waited(&here), 0);
    cede_yield();
    ck_assert_int_eq(cede_lot_waited(&here), 1);
    ck_assert_int_eq(cede_lot_waited(&there), 1);
    ck_assert_int_eq(cede_lot_wake(&here, 2), 2);
    ck_assert_int_eq(cede_lot_wake(&there, 7), 1);
    ck_assert_int_eq(cede_lot_wake(&there, 7), 0);
    ck_assert_int_eq(cede_lot_wake(&here, 1), 1);
    for (i = 0; i < 4; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
    ck_assert_int_eq(order[0], 0);
    ck_assert_int_eq(order[1], 2);
    ck_assert_int_eq(cede_lot_waited(&here), 0);
}

TASK_TEST(leaving_tells_whether_a_wake_came)
{
    struct cede_lot_waiter waiter;

    cede_lot_enter(&waiter, &here, "test", 0);
    ck_assert_int_eq(cede_lot_leave(&waiter), 0);
    ck_assert_int_eq(cede_lot_wake(&here, 1), 0);
    cede_lot_enter(&waiter, &here, "test", 0);
    ck_assert_int_eq(cede_lot_wake(&here, 1), 1);
    ck_assert_int_eq(cede_lot_leave(&waiter), 1);
    cede_lot_enter(&waiter, &here, "test", 0);
    ck_assert_int_eq(cede_lot_wake(&here, 1), 1);
    ck_assert_int_eq(cede_lot_park(&waiter, INT64_MAX), 0); /* it had come before */
}

static int is_able;

static void on_destroy(void *unused)
{
    (void)unused;
    is_able = cede_lot_able();
}

static const struct cede_local local = CEDE_LOCAL_INIT(on_destroy);

static int sets(void *unused)
{
    (void)unused;
    return cede_local_set(&local, &here);
}

TASK_TEST(only_a_task_can_park)
{
    ck_assert_int_eq(cede_lot_able(), 1);
    is_able = -1;
    ck_assert_int_eq(cede_await(cede_spawn(sets, NULL)), 0);
    ck_assert_int_ge(is_able, 0); /* and did no harm */
}

START_TEST(a_thread_cannot_park)
{
    struct cede_lot_waiter waiter;

    ck_assert_int_eq(cede_lot_able(), 0);
    cede_lot_enter(&waiter, &here, "test", 0);
    ck_assert_fails(cede_lot_park(&waiter, cede_now() + CEDE_MILLISECOND), ETIMEDOUT);
    cede_lot_enter(&waiter, &here, "test", 0);
    ck_assert_int_eq(cede_lot_leave(&waiter), 0);
}
END_TEST

TASK_TEST(every_interruption_ends_it)
{
    struct waits self = {.address = &here};
    struct cede_task *task = cede_go(waits, .address = &here);

    cede_yield();
    cede_cancel(task);
    ck_assert_fails(cede_await(task), ECANCELED);
    cede_timeout (CEDE_MILLISECOND)
        ck_assert_fails(waits(&self), ETIMEDOUT);
    self.deadline_ns = cede_now() + CEDE_MILLISECOND;
    ck_assert_fails(waits(&self), ETIMEDOUT);
    ck_assert_int_eq(cede_lot_waited(&here), 0);
}

static int waits_for_nobody(void *unused)
{
    struct waits self = {.address = &here};

    (void)unused;
    return waits(&self) == -1 && errno == EDEADLK ? 0 : 1;
}

START_TEST(a_wait_for_nobody_is_a_deadlock)
{
    deadlock_assert_reported_alone(waits_for_nobody, "in test");
}
END_TEST

/* ---- signal handlers ---- */

static atomic_int posted;

static void post(int signo)
{
    (void)signo;
    atomic_fetch_add(&posted, 1);
    cede_lot_post(&here);
}

/* Takes what a handler has put there, however often it interrupts the lot itself. */
static int takes(void *unused)
{
    struct cede_lot_waiter waiter;
    int seen;

    (void)unused;
    for (;;) {
        seen = atomic_load(&posted);
        if (seen > 0 && atomic_compare_exchange_strong(&posted, &seen, seen - 1))
            return 0;
        cede_lot_enter(&waiter, &here, "test", CEDE_LOT_POSTED);
        if (atomic_load(&posted) > 0)
            cede_lot_leave(&waiter);
        else if (cede_lot_park(&waiter, INT64_MAX) != 0)
            return -1;
    }
}

TASK_TEST(handlers_may_post)
{
    handler_posts(post, 100, takes);
}

/* ---- fork ---- */

TASK_TEST(nobody_waits_in_a_child)
{
    struct cede_task *task = cede_go(waits, .address = &here);
    int status;
    pid_t child;

    cede_yield();
    child = fork();
    if (child == 0)
        _exit(cede_lot_waited(&here) == 0 && cede_lot_wake(&here, 1) == 0 ? 0 : 1);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(cede_lot_wake(&here, 1), 1);
    ck_assert_int_eq(cede_await(task), 0);
}

/* ---- a lock made of it, as the header shows ---- */

static atomic_int lock;
static int inside;

static void act(void *unused, unsigned *seed)
{
    struct cede_lot_waiter waiter;

    (void)unused;
    while (atomic_exchange(&lock, 1)) {
        cede_lot_enter(&waiter, &lock, "my lock", 0);
        if (!atomic_exchange(&lock, 1)) {
            if (cede_lot_leave(&waiter))
                cede_lot_wake(&lock, 1);
            break;
        }
        if (crowd_check(cede_lot_park(&waiter, INT64_MAX)) != 0)
            return;
    }
    ck_assert_int_eq(inside++, 0);
    if (harness_random(seed) % 8 == 0)
        cede_sleep(harness_random(seed) % 50000);
    inside--;
    atomic_store(&lock, 0);
    cede_lot_wake(&lock, 1);
}

START_TEST(a_lock_made_of_it_excludes)
{
    struct crowd crowd = {.act = act, .seed = 5, .rounds = HARNESS_SCALE(2000), .tasks = 24, .threads = 3};

    crowd_run(&crowd);
    ck_assert_int_eq(cede_lot_waited(&lock), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("lot");
    TCase *tcase = tcase_create("waiting at an address");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, the_longest_wait_ends_first);
    tcase_add_test(tcase, leaving_tells_whether_a_wake_came);
    tcase_add_test(tcase, only_a_task_can_park);
    tcase_add_test(tcase, a_thread_cannot_park);
    tcase_add_test(tcase, every_interruption_ends_it);
    tcase_add_test(tcase, a_wait_for_nobody_is_a_deadlock);
    tcase_add_test(tcase, handlers_may_post);
    tcase_add_test(tcase, nobody_waits_in_a_child);
    tcase_add_test(tcase, a_lock_made_of_it_excludes);
    suite_add_tcase(suite, tcase);
    return suite;
}
