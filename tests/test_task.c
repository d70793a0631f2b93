/* SPDX-License-Identifier: MIT */
/* Descriptors and handles: what is stale, or was never a handle, is found out. */
#include "task.h"

#include <pthread.h>
#include <stdlib.h>

#include "harness.h"
#include "sched.h"

enum { CHUNK = 1024, THREADS = 4 };

static struct cede__worker worker, other;

static void check_stale(struct cede_task *handle)
{
    errno = 0;
    ck_assert_ptr_null(cede__task_find(handle));
    ck_assert_int_eq(errno, ESRCH);
}

START_TEST(a_handle_finds_its_task_until_it_is_freed)
{
    struct cede__task *task = cede__task_new(&worker);
    struct cede_task *handle = cede__task_handle(task);

    ck_assert_ptr_nonnull(handle);
    ck_assert_ptr_eq(cede__task_find(handle), task);
    ck_assert_ptr_eq(task->worker, &worker);
    task->state = CEDE__TASK_NEW;
    cede__task_free(task);
    check_stale(handle);
    ck_assert_ptr_eq(cede__task_new(&worker), task); /* the hot one comes first */
    ck_assert_ptr_ne(cede__task_handle(task), handle);
    check_stale(handle);
}
END_TEST

START_TEST(a_used_descriptor_comes_back_empty)
{
    struct cede__task *task = cede__task_new(&worker);
    struct cede__waiter joiner;
    struct cede__owner owner;

    task->state = CEDE__TASK_NEW;
    task->interrupt = CEDE__INTERRUPT_CANCEL;
    task->cancelled = task->detached = task->woken = true;
    task->joiner = &joiner;
    task->owner = &owner;
    task->locals = (void *)&owner;
    task->sibling.next = task->sibling.prev = &owner.children;
    cede__task_free(task);
    task = cede__task_new(&worker);
    ck_assert(!task->interrupt && !task->cancelled && !task->detached && !task->woken);
    ck_assert(!task->joiner && !task->owner && !task->locals && !cede__list_linked(&task->sibling));
}
END_TEST

/* Also not those of descriptors that exist but have no task, or had their serial guessed. */
START_TEST(what_was_never_a_handle_is_ESRCH)
{
    struct cede__task *task = cede__task_new(&worker);
    uintptr_t handle = (uintptr_t)cede__task_handle(task), serial = (uintptr_t)1 << CEDE__TASK_INDEX_BITS, index;
    int local;

    task->state = CEDE__TASK_NEW;
    check_stale(NULL);
    check_stale((struct cede_task *)(uintptr_t)1);
    check_stale((struct cede_task *)UINTPTR_MAX);
    check_stale((struct cede_task *)(uintptr_t)INTPTR_MAX);
    check_stale((struct cede_task *)&local);
    check_stale((struct cede_task *)task);
    check_stale((struct cede_task *)(handle + serial));
    check_stale((struct cede_task *)(handle - serial));
    check_stale((struct cede_task *)(handle | (uintptr_t)1 << 63));
    check_stale((struct cede_task *)(handle | (uintptr_t)1 << 62));
    for (index = 0; index < (uintptr_t)2 * CHUNK; index++)
        if ((serial | index) != handle)
            check_stale((struct cede_task *)(serial | index));
    cede__task_free(task);
    check_stale((struct cede_task *)(handle + serial));
}
END_TEST

START_TEST(serials_start_again_after_the_last)
{
    struct cede__task *task = cede__task_new(&worker);
    uint64_t index = atomic_load(&task->handle) & ((1 << CEDE__TASK_INDEX_BITS) - 1);
    uint64_t last = ((uint64_t)1 << (64 - CEDE__REQUEST_BITS - CEDE__TASK_INDEX_BITS)) - 1;

    task->state = CEDE__TASK_NEW;
    atomic_store(&task->handle, last << CEDE__TASK_INDEX_BITS | index);
    /* A handle must survive the shift in `requests`. */
    ck_assert_uint_eq(atomic_load(&task->handle) >> (64 - CEDE__REQUEST_BITS), 0);
    ck_assert_ptr_eq(cede__task_find(cede__task_handle(task)), task);
    cede__task_free(task);
    task = cede__task_new(&worker);
    ck_assert_uint_eq(atomic_load(&task->handle), (uint64_t)1 << CEDE__TASK_INDEX_BITS | index);
    ck_assert_ptr_eq(cede__task_find(cede__task_handle(task)), task);
}
END_TEST

static void count(struct cede__task *task, void *arg)
{
    (void)task;
    ++*(unsigned *)arg;
}

static void free_it(struct cede__task *task, void *arg)
{
    (void)arg;
    cede__task_free(task);
}

START_TEST(chunks_are_added_and_each_sees_all_of_its_worker)
{
    enum { TASKS = 5 * CHUNK + 3 };
    static struct cede__task *tasks[TASKS], *foreign;
    static struct cede_task *handles[TASKS];
    unsigned i, seen = 0;

    for (i = 0; i < TASKS; i++) {
        if (i == CHUNK + 5)
            foreign = cede__task_new(&other);
        tasks[i] = cede__task_new(&worker);
        ck_assert_ptr_nonnull(tasks[i]);
        tasks[i]->state = CEDE__TASK_NEW;
        handles[i] = cede__task_handle(tasks[i]);
    }
    foreign->state = CEDE__TASK_NEW;
    for (i = 0; i < TASKS; i++)
        ck_assert_ptr_eq(cede__task_find(handles[i]), tasks[i]);
    ck_assert_ptr_eq(cede__task_find(cede__task_handle(foreign))->worker, &other);
    cede__task_each(&worker, count, &seen);
    ck_assert_uint_eq(seen, TASKS);
    cede__task_each(&worker, free_it, NULL);
    for (seen = 0, i = 0; i < TASKS; i++)
        check_stale(handles[i]);
    cede__task_each(&worker, count, &seen);
    ck_assert_uint_eq(seen, 0);
    ck_assert_ptr_eq(cede__task_find(cede__task_handle(foreign)), foreign);
}
END_TEST

/* Chunks are added by several threads at once, each for its own worker; all look at everyone's handles. */
static _Atomic uintptr_t published[THREADS];
static struct cede__worker workers[THREADS];

static void *add_chunks(void *arg)
{
    unsigned self = (unsigned)(uintptr_t)arg, i, looked;
    struct cede__worker *own = &workers[self];

    for (i = 0; i < 4 * CHUNK; i++) {
        struct cede__task *task = cede__task_new(own), *found;
        struct cede_task *handle;

        ck_assert_ptr_nonnull(task);
        task->state = CEDE__TASK_NEW;
        atomic_store(&published[self], (uintptr_t)cede__task_handle(task));
        for (looked = 0; looked < THREADS; looked++) {
            handle = (struct cede_task *)atomic_load(&published[looked]);
            found = cede__task_find(handle);
            if (looked == self)
                ck_assert_ptr_eq(found, task);
        }
        if (i % 3 == 0)
            cede__task_free(task);
    }
    return own;
}

START_TEST(several_threads_add_chunks_at_once)
{
    pthread_t threads[THREADS];
    void *own;
    uintptr_t i;

    for (i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, add_chunks, (void *)i), 0);
    for (i = 0; i < THREADS; i++) {
        unsigned seen = 0;

        ck_assert_int_eq(pthread_join(threads[i], &own), 0);
        cede__task_each(own, count, &seen);
        ck_assert_uint_eq(seen, 4 * CHUNK - (4 * CHUNK + 2) / 3);
    }
}
END_TEST

START_TEST(more_than_2_to_the_24_is_EAGAIN)
{
    unsigned long made;

    for (made = 0; cede__task_new(&worker); made++)
        ck_assert_uint_le(made, 1ul << CEDE__TASK_INDEX_BITS);
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_uint_eq(made, 1ul << CEDE__TASK_INDEX_BITS);
    ck_assert_ptr_null(cede__task_new(&other));
    ck_assert_int_eq(errno, EAGAIN);
}
END_TEST

Suite *suite(void)
{
    Suite *task = suite_create("task");
    TCase *cases = tcase_create("task");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_handle_finds_its_task_until_it_is_freed);
    tcase_add_test(cases, a_used_descriptor_comes_back_empty);
    tcase_add_test(cases, what_was_never_a_handle_is_ESRCH);
    tcase_add_test(cases, serials_start_again_after_the_last);
    tcase_add_test(cases, chunks_are_added_and_each_sees_all_of_its_worker);
    tcase_add_test(cases, several_threads_add_chunks_at_once);
    if (getenv("CEDE_TEST_SLOW")) /* 2 GB of descriptors */
        tcase_add_test(cases, more_than_2_to_the_24_is_EAGAIN);
    suite_add_tcase(task, cases);
    return task;
}
