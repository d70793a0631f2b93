/* SPDX-License-Identifier: MIT */
/* The read-write lock: who may be in together, in which order, and what a cancellation or a deadline leaves behind. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "crowd.h"
#include "deadlock.h"

static struct cede_rwlock lock;
static char said[64];

/* What a task does with the lock: read or write, then say its letter before and after a yield. */
static int uses(const char *how)
{
    if ((how[0] == 'r' ? cede_rwlock_rdlock(&lock) : cede_rwlock_wrlock(&lock)) != 0)
        return errno;
    strncat(said, how + 1, 1);
    cede_shield
        cede_yield();
    strncat(said, how + 1, 1);
    ck_assert_int_eq(cede_rwlock_unlock(&lock), 0);
    return 0;
}

static int uses_it(void *how)
{
    return uses(how);
}

static int is_free(void)
{
    return cede_rwlock_trywrlock(&lock) == 0 && cede_rwlock_unlock(&lock) == 0;
}

TASK_TEST(readers_are_in_together)
{
    struct cede_task *a = cede_spawn(uses_it, (void *)"ra"), *b = cede_spawn(uses_it, (void *)"rb");

    ck_assert(cede_await(a) == 0 && cede_await(b) == 0);
    ck_assert_str_eq(said, "abab");
    ck_assert(is_free());
}

TASK_TEST(a_writer_is_in_alone)
{
    struct cede_task *a = cede_spawn(uses_it, (void *)"wa"), *b = cede_spawn(uses_it, (void *)"rb");
    struct cede_task *c = cede_spawn(uses_it, (void *)"wc");

    ck_assert(cede_await(a) == 0 && cede_await(b) == 0 && cede_await(c) == 0);
    ck_assert_str_eq(said, "aabbcc");
    ck_assert(is_free());
}

/* Neither readers nor writers starve: nobody overtakes, but readers in a row are in together. */
TASK_TEST(it_is_handed_over_in_the_order_of_coming)
{
    static char *const hows[] = {"ra", "wb", "rc", "rd", "we", "rf"};
    struct cede_task *tasks[6];
    int i;

    for (i = 0; i < 6; i++)
        tasks[i] = cede_spawn(uses_it, hows[i]);
    for (i = 0; i < 6; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
    ck_assert_str_eq(said, "aabbcdcdeeff");
    ck_assert(is_free());
}

static int tries(void *unused)
{
    (void)unused;
    return (cede_rwlock_tryrdlock(&lock) == 0 && cede_rwlock_unlock(&lock) == 0)
           + 2 * (cede_rwlock_trywrlock(&lock) == 0 && cede_rwlock_unlock(&lock) == 0);
}

TASK_TEST(the_try_variants_never_wait)
{
    struct cede_task *writer;

    ck_assert_int_eq(cede_rwlock_tryrdlock(&lock), 0);
    ck_assert_int_eq(cede_rwlock_tryrdlock(&lock), 0);
    ck_assert_fails(cede_rwlock_trywrlock(&lock), EBUSY);
    ck_assert_int_eq(cede_rwlock_unlock(&lock), 0);
    ck_assert_int_eq(cede_await(cede_spawn(tries, NULL)), 1);
    writer = cede_spawn(uses_it, (void *)"w-");
    cede_yield();
    ck_assert_fails(cede_rwlock_tryrdlock(&lock), EBUSY); /* it would overtake */
    ck_assert_int_eq(cede_rwlock_unlock(&lock), 0);
    ck_assert_int_eq(cede_await(writer), 0);
    ck_assert_int_eq(cede_rwlock_trywrlock(&lock), 0);
    ck_assert_fails(cede_rwlock_tryrdlock(&lock), EBUSY);
    ck_assert_fails(cede_rwlock_trywrlock(&lock), EBUSY);
    ck_assert_int_eq(cede_await(cede_spawn(tries, NULL)), 0);
    ck_assert_int_eq(cede_rwlock_unlock(&lock), 0);
    ck_assert_int_eq(cede_await(cede_spawn(tries, NULL)), 3);
}

TASK_TEST(waiting_for_oneself_is_a_deadlock)
{
    struct cede_task *writer;

    ck_assert_int_eq(cede_rwlock_wrlock(&lock), 0);
    ck_assert_fails(cede_rwlock_wrlock(&lock), EDEADLK);
    ck_assert_fails(cede_rwlock_rdlock(&lock), EDEADLK);
    ck_assert_int_eq(cede_rwlock_unlock(&lock), 0);
    ck_assert_int_eq(cede_rwlock_rdlock(&lock), 0);
    ck_assert_fails(cede_rwlock_wrlock(&lock), EDEADLK);
    writer = cede_spawn(uses_it, (void *)"w-");
    cede_yield();
    ck_assert_fails(cede_rwlock_rdlock(&lock), EDEADLK); /* behind the writer, who waits for us */
    ck_assert_int_eq(cede_rwlock_unlock(&lock), 0);
    ck_assert_int_eq(cede_await(writer), 0);
    /* Nothing of this is remembered once it is unlocked. */
    ck_assert_int_eq(cede_rwlock_wrlock(&lock), 0);
    ck_assert_int_eq(cede_rwlock_unlock(&lock), 0);
    ck_assert(is_free());
}

static int unlocks(void *unused)
{
    (void)unused;
    return cede_rwlock_unlock(&lock) == 0 ? 0 : errno;
}

TASK_TEST(only_its_holder_unlocks_it)
{
    ck_assert_fails(cede_rwlock_unlock(&lock), EPERM);
    ck_assert_int_eq(cede_rwlock_wrlock(&lock), 0);
    ck_assert_int_eq(cede_await(cede_spawn(unlocks, NULL)), EPERM);
    ck_assert_int_eq(cede_rwlock_unlock(&lock), 0);
    ck_assert_int_eq(cede_rwlock_rdlock(&lock), 0);
    ck_assert_int_eq(cede_rwlock_unlock(&lock), 0);
    ck_assert_fails(cede_rwlock_unlock(&lock), EPERM);
}

TASK_TEST(a_cancelled_writer_lets_the_readers_behind_it_in)
{
    struct cede_task *writer, *reader;

    ck_assert_int_eq(cede_rwlock_rdlock(&lock), 0);
    writer = cede_spawn(uses_it, (void *)"wa");
    reader = cede_spawn(uses_it, (void *)"rb");
    cede_yield();
    cede_cancel(writer);
    ck_assert_int_eq(cede_await(writer), ECANCELED);
    ck_assert_int_eq(cede_await(reader), 0); /* while we are still reading */
    ck_assert_str_eq(said, "bb");
    ck_assert_int_eq(cede_rwlock_unlock(&lock), 0);
    ck_assert(is_free());
}

TASK_TEST(a_cancelled_reader_leaves_no_trace)
{
    struct cede_task *reader, *writer;

    ck_assert_int_eq(cede_rwlock_wrlock(&lock), 0);
    reader = cede_spawn(uses_it, (void *)"ra");
    writer = cede_spawn(uses_it, (void *)"wb");
    cede_yield();
    cede_cancel(reader);
    ck_assert_int_eq(cede_await(reader), ECANCELED);
    ck_assert_int_eq(cede_rwlock_unlock(&lock), 0);
    ck_assert_int_eq(cede_await(writer), 0);
    ck_assert_str_eq(said, "bb");
    ck_assert(is_free());
}

TASK_TEST(what_was_handed_over_is_kept_beside_a_cancellation)
{
    struct cede_task *task;
    int order;

    for (order = 0; order < 6; order++) {
        ck_assert_int_eq(cede_rwlock_wrlock(&lock), 0);
        task = cede_spawn(uses_it, order % 2 ? (void *)"w-" : (void *)"r-");
        cede_yield();
        if (order / 2 > 0)
            cede_cancel(task);
        if (order / 2 > 1)
            cede_check(); /* now the task has been woken by it, but did not run yet */
        ck_assert_int_eq(cede_rwlock_unlock(&lock), 0);
        if (order / 2 == 0)
            cede_cancel(task);
        ck_assert_int_eq(cede_await(task), 0);
        ck_assert(is_free());
    }
}

TASK_TEST(a_deadline_ends_the_wait)
{
    struct cede_task *reader = NULL, *writer = NULL;

    ck_assert_int_eq(cede_rwlock_wrlock(&lock), 0);
    cede_timeout (CEDE_MILLISECOND) {
        reader = cede_spawn(uses_it, (void *)"r-");
        writer = cede_spawn(uses_it, (void *)"w-");
    }
    ck_assert_int_eq(cede_await(reader), ETIMEDOUT);
    ck_assert_int_eq(cede_await(writer), ETIMEDOUT);
    ck_assert_int_eq(cede_rwlock_unlock(&lock), 0);
    ck_assert(is_free());
}

/* ---- deadlock ---- */

/* Of a reader that was not the first it is not noticed at once that it waits for itself. */
static int upgrades(void *unused)
{
    struct cede_task *first = cede_spawn(uses_it, (void *)"ra");

    (void)unused;
    cede_yield();
    ck_assert_int_eq(cede_rwlock_rdlock(&lock), 0);
    ck_assert_int_eq(cede_await(first), 0);
    ck_assert_fails(cede_rwlock_wrlock(&lock), EDEADLK);
    return cede_rwlock_unlock(&lock);
}

START_TEST(a_late_one_is_reported)
{
    deadlock_assert_reported_alone(upgrades, " in rwlock to write 0x");
}
END_TEST

/* ---- other threads ---- */

START_TEST(a_plain_thread_may_use_it)
{
    ck_assert_int_eq(cede_rwlock_rdlock(&lock), 0);
    ck_assert_int_eq(cede_rwlock_rdlock(&lock), 0);
    ck_assert_fails(cede_rwlock_wrlock(&lock), EDEADLK);
    ck_assert_int_eq(cede_rwlock_unlock(&lock), 0);
    ck_assert_int_eq(cede_rwlock_unlock(&lock), 0);
    ck_assert(is_free());
}
END_TEST

static void *uses_it_in_a_thread(void *how)
{
    ck_assert_int_eq(uses(how), 0);
    return NULL;
}

TASK_TEST(threads_and_tasks_wait_for_each_other)
{
    struct cede_task *task;
    pthread_t thread;

    ck_assert_int_eq(cede_rwlock_rdlock(&lock), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, uses_it_in_a_thread, (void *)"wt"), 0);
    ck_assert_int_eq(cede_sleep(20 * CEDE_MILLISECOND), 0);
    task = cede_spawn(uses_it, (void *)"ra"); /* behind the thread */
    cede_yield();
    ck_assert_str_eq(said, "");
    ck_assert_int_eq(cede_rwlock_unlock(&lock), 0);
    ck_assert_int_eq(cede_await(task), 0);
    pthread_join(thread, NULL);
    ck_assert_str_eq(said, "ttaa");
}

/* ---- storm ---- */

struct book {
    struct cede_rwlock lock;
    atomic_int readers, writers;
    int written; /* not atomic: the lock guards it */
    atomic_int writes, most_readers;
};

static void reads(struct book *book, unsigned *seed)
{
    int readers;

    if (harness_random(seed) % 4 == 0) {
        if (cede_rwlock_tryrdlock(&book->lock) != 0)
            return;
    } else if (crowd_check(cede_rwlock_rdlock(&book->lock)) != 0) {
        return;
    }
    readers = atomic_fetch_add(&book->readers, 1) + 1;
    if (readers > atomic_load(&book->most_readers))
        atomic_store(&book->most_readers, readers);
    ck_assert_int_eq(atomic_load(&book->writers), 0);
    if (harness_random(seed) % 4 == 0)
        cede_yield();
    ck_assert_int_eq(atomic_load(&book->writers), 0);
    atomic_fetch_sub(&book->readers, 1);
    ck_assert_int_eq(cede_rwlock_unlock(&book->lock), 0);
}

static void writes(struct book *book, unsigned *seed)
{
    if (harness_random(seed) % 4 == 0) {
        if (cede_rwlock_trywrlock(&book->lock) != 0)
            return;
    } else if (crowd_check(cede_rwlock_wrlock(&book->lock)) != 0) {
        return;
    }
    ck_assert_int_eq(atomic_fetch_add(&book->writers, 1), 0);
    ck_assert_int_eq(atomic_load(&book->readers), 0);
    if (harness_random(seed) % 4 == 0)
        cede_yield();
    book->written++;
    atomic_fetch_add(&book->writes, 1);
    atomic_fetch_sub(&book->writers, 1);
    ck_assert_int_eq(cede_rwlock_unlock(&book->lock), 0);
}

static void reads_or_writes(void *book, unsigned *seed)
{
    if (harness_random(seed) % 3)
        reads(book, seed);
    else
        writes(book, seed);
}

START_TEST(storm)
{
    struct book book = {.written = 0};
    struct crowd crowd = {.act = reads_or_writes, .object = &book, .seed = 21 + (unsigned)_i, .tasks = 16, .threads = 3,
                          .rounds = HARNESS_ROUNDS(4000)};

    if (_i == 0)
        crowd_run_alone(&crowd);
    else
        crowd_run(&crowd);
    ck_assert_int_gt(book.written, 0);
    ck_assert_int_eq(book.written, atomic_load(&book.writes));
    ck_assert_int_gt(atomic_load(&book.most_readers), 1);
    ck_assert_int_eq(cede_rwlock_trywrlock(&book.lock), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *self = suite_create("rwlock");
    TCase *cases = tcase_create("rwlock");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, readers_are_in_together);
    tcase_add_test(cases, a_writer_is_in_alone);
    tcase_add_test(cases, it_is_handed_over_in_the_order_of_coming);
    tcase_add_test(cases, the_try_variants_never_wait);
    tcase_add_test(cases, waiting_for_oneself_is_a_deadlock);
    tcase_add_test(cases, only_its_holder_unlocks_it);
    tcase_add_test(cases, a_cancelled_writer_lets_the_readers_behind_it_in);
    tcase_add_test(cases, a_cancelled_reader_leaves_no_trace);
    tcase_add_test(cases, what_was_handed_over_is_kept_beside_a_cancellation);
    tcase_add_test(cases, a_deadline_ends_the_wait);
    tcase_add_test(cases, a_late_one_is_reported);
    tcase_add_test(cases, a_plain_thread_may_use_it);
    tcase_add_test(cases, threads_and_tasks_wait_for_each_other);
    tcase_add_loop_test(cases, storm, 0, 4);
    suite_add_tcase(self, cases);
    return self;
}
