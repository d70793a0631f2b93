/* SPDX-License-Identifier: MIT */
/* From spawn to join: every way to make a task, to wait for it, and to get that wrong. */
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "early.h"
#include "harness.h"
#include "sched.h"

static int returns_its_argument(void *arg)
{
    return (int)(intptr_t)arg;
}

static int fails_with_its_argument(void *arg)
{
    errno = (int)(intptr_t)arg;
    return -7;
}

static int parks(void *unused)
{
    (void)unused;
    return cede_park();
}

static int shows_errno_at_start(void *unused)
{
    (void)unused;
    return errno;
}

/* ---- results ---- */

TASK_TEST(join_returns_the_result)
{
    int result = 0;

    ck_assert_int_eq(cede_join(cede_spawn(returns_its_argument, (void *)7), &result), 0);
    ck_assert_int_eq(result, 7);
    ck_assert_int_eq(cede_join(cede_spawn(returns_its_argument, (void *)7), NULL), 0);
    ck_assert_int_eq(cede_await(cede_spawn(returns_its_argument, (void *)INT32_MAX)), INT32_MAX);
}

TASK_TEST(a_failure_brings_its_errno)
{
    int result = 0;

    errno = 0;
    ck_assert_int_eq(cede_join(cede_spawn(fails_with_its_argument, (void *)(intptr_t)EXDEV), &result), 0);
    ck_assert_int_eq(result, -7);
    ck_assert_int_eq(errno, EXDEV);
    errno = 0;
    ck_assert_int_eq(cede_await(cede_spawn(fails_with_its_argument, (void *)(intptr_t)EDOM)), -7);
    ck_assert_int_eq(errno, EDOM);
}

TASK_TEST(a_failure_brings_its_errno_when_it_has_ended_before)
{
    struct cede_task *task = cede_spawn(fails_with_its_argument, (void *)(intptr_t)EXDEV);

    cede_yield();
    errno = 0;
    ck_assert_int_eq(cede_await(task), -7);
    ck_assert_int_eq(errno, EXDEV);
}

TASK_TEST(a_task_starts_with_errno_0)
{
    errno = EBADF;
    ck_assert_int_eq(cede_await(cede_spawn(shows_errno_at_start, NULL)), 0);
}

/* ---- spawn ---- */

TASK_TEST(spawn_refuses_what_it_cannot_run)
{
    struct cede_task_attr attr = {.stack_size = CEDE_STACK_MIN - 1};

    errno = 0;
    ck_assert_ptr_null(cede_spawn(NULL, NULL));
    ck_assert_int_eq(errno, EINVAL);
    errno = 0;
    ck_assert_ptr_null(cede_spawn_attr(&attr, returns_its_argument, NULL));
    ck_assert_int_eq(errno, EINVAL);
    attr.stack_size = CEDE_STACK_MAX + 1;
    ck_assert_ptr_null(cede_spawn_attr(&attr, returns_its_argument, NULL));
    attr.stack_size = SIZE_MAX;
    errno = 0;
    ck_assert_ptr_null(cede_spawn_attr(&attr, returns_its_argument, NULL));
    ck_assert_int_eq(errno, EINVAL);
}

/* Uses most of the stack that it was promised. */
static int uses_stack(void *arg)
{
    volatile char room[(size_t)12 << 10];
    size_t i;

    (void)arg;
    for (i = 0; i < sizeof room; i += 512)
        room[i] = 1;
    cede_yield();
    return room[512];
}

TASK_TEST(stacks_of_all_sizes)
{
    static const size_t sizes[] = {0, CEDE_STACK_MIN, CEDE_STACK_MIN + 1, (size_t)64 << 10, CEDE_STACK_DEFAULT,
                                   (size_t)8 << 20, CEDE_STACK_MAX};
    struct cede_task *tasks[sizeof sizes / sizeof *sizes];
    unsigned round, i;

    for (round = 0; round < 3; round++) {
        for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            tasks[i] = cede_spawn_attr(&(struct cede_task_attr){.stack_size = sizes[i]}, uses_stack, NULL);
            ck_assert_ptr_nonnull(tasks[i]);
        }
        for (i = 0; i < sizeof sizes / sizeof *sizes; i++)
            ck_assert_int_eq(cede_await(tasks[i]), 1);
    }
}

struct idle { int unused; };
static int idle(struct idle *a)
{
    return a->unused;
}

/* As if all the others were other runtimes'. */
TASK_TEST(there_are_two_to_the_24_tasks_at_most)
{
    const unsigned count = atomic_exchange(&cede__task_chunk_count, CEDE__TASK_CHUNKS);

    errno = 0;
    while (cede_spawn(returns_its_argument, NULL))
        ;
    ck_assert_int_eq(errno, EAGAIN);
    errno = 0;
    ck_assert_ptr_null(cede_spawn_attr(NULL, returns_its_argument, NULL));
    ck_assert_int_eq(errno, EAGAIN);
    errno = 0;
    ck_assert_ptr_null(cede_go(idle, .unused = 0));
    ck_assert_int_eq(errno, EAGAIN);
    cede_group (g) {
        errno = 0;
        ck_assert_ptr_null(cede_group_spawn(g, NULL, returns_its_argument, NULL));
        ck_assert_int_eq(errno, EAGAIN);
    }
    atomic_store(&cede__task_chunk_count, count);
    ck_assert_int_eq(cede_await(cede_spawn(returns_its_argument, (void *)3)), 3);
}

START_TEST(outside_a_runtime_it_is_EPERM)
{
    errno = 0;
    ck_assert_ptr_null(cede_spawn(returns_its_argument, NULL));
    ck_assert_int_eq(errno, EPERM);
    errno = 0;
    ck_assert_ptr_null(cede_spawn_attr(NULL, returns_its_argument, NULL));
    ck_assert_int_eq(errno, EPERM);
    errno = 0;
    ck_assert_ptr_null(cede_go(idle, .unused = 0));
    ck_assert_int_eq(errno, EPERM);
    ck_assert_ptr_null(cede_self());
    ck_assert_ptr_null(cede_name());
    ck_assert_fails(cede_join(NULL, NULL), ESRCH);
    ck_assert_fails(cede_detach(NULL), ESRCH);
    ck_assert_fails(cede_name_set("x"), EPERM);
    ck_assert_fails(cede_name_set(NULL), EINVAL);
}
END_TEST

static void *from_outside(void *task)
{
    ck_assert_fails(cede_join(task, NULL), EPERM);
    ck_assert_fails(cede_await(task), EPERM);
    ck_assert_fails(cede_detach(task), EPERM);
    return NULL;
}

static int from_another_runtime(void *task)
{
    from_outside(task);
    return 0;
}

static void *run_another(void *task)
{
    ck_assert_int_eq(cede_run(from_another_runtime, task), 0);
    return NULL;
}

TASK_TEST(only_its_own_runtime_joins_a_task)
{
    struct cede_task *task = cede_spawn(returns_its_argument, (void *)3);
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, from_outside, task), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(pthread_create(&thread, NULL, run_another, task), 0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(cede_await(task), 3);
}

#ifndef HARNESS_SANITIZED
/* Without memory for its stack a task ends before it has begun, and what it was given is not lost. */
struct never_runs { char large[1024]; };
static int never_runs(struct never_runs *unused)
{
    (void)unused;
    ck_abort_msg("it has run");
    return 0;
}

TASK_TEST(no_memory_for_a_stack_is_the_result)
{
    struct rlimit limit, none;
    struct cede_task_attr attr = {.stack_size = CEDE_STACK_MAX};
    struct never_runs args = {{0}};
    size_t before = 0;
    int i, warm = 20;

    ck_assert_int_eq(getrlimit(RLIMIT_AS, &limit), 0);
    none = limit;
    none.rlim_cur = (rlim_t)512 << 20;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
    if (mmap(NULL, none.rlim_cur, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) != MAP_FAILED) {
        printf("no_memory_for_a_stack_is_the_result: skipped, RLIMIT_AS has no effect here (qemu-user)\n");
        return;
    }
    for (i = 0; i < 2000; i++) {
        if (i == warm)
            before = mallinfo2().uordblks;
        errno = 0;
        ck_assert_int_eq(cede_await(cede__task_go("never_runs", (cede_task_fn *)(void (*)(void))never_runs, &args,
                                                  sizeof args, &attr)), -1);
        ck_assert_int_eq(errno, ENOMEM);
    }
    ck_assert_uint_lt(mallinfo2().uordblks, before + sizeof args * 100);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    ck_assert_int_eq(cede_await(cede_spawn(returns_its_argument, (void *)1)), 1);
}
#endif

/* ---- go ---- */

struct named { const char *text; size_t *length; int *zero; };
static int named(struct named *a)
{
    *a->length = strlen(a->text);
    return a->zero == NULL && strcmp(cede_name(), "named") == 0;
}

TASK_TEST(go_passes_arguments_by_name)
{
    size_t length = 0;

    ck_assert_int_eq(cede_await(cede_go(named, .text = "four", .length = &length)), 1);
    ck_assert_uint_eq(length, 4);
}

struct changed { int value; int *address[2]; };
static int changed(struct changed *a)
{
    cede_yield();
    return a->value++;
}

TASK_TEST(go_copies_its_arguments_at_once)
{
    struct changed args = {.value = 1};
    struct cede_task *a = cede__task_go("a", (cede_task_fn *)(void (*)(void))changed, &args, sizeof args, NULL), *b;

    args.value = 2;
    b = cede__task_go("b", (cede_task_fn *)(void (*)(void))changed, &args, sizeof args, NULL);
    args.value = 3;
    ck_assert_int_eq(cede_await(a), 1);
    ck_assert_int_eq(cede_await(b), 2);
    ck_assert_int_eq(args.value, 3);
}

enum { SIZED_MAX = 4096 };
static size_t sized_bytes;
static unsigned char sized_pattern[SIZED_MAX];

static int sized(void *arg)
{
    unsigned char *bytes = arg;
    int wrong = (uintptr_t)arg % 16 != 0;

    wrong += memcmp(bytes, sized_pattern, sized_bytes) != 0;
    cede_yield();
    wrong += memcmp(bytes, sized_pattern, sized_bytes) != 0;
    memset(bytes, 0xff, sized_bytes);
    return wrong;
}

TASK_TEST(go_takes_arguments_of_any_size)
{
    unsigned seed = 99, i;

    for (i = 0; i < SIZED_MAX; i++)
        sized_pattern[i] = (unsigned char)harness_random(&seed);
    for (sized_bytes = 1; sized_bytes <= SIZED_MAX; sized_bytes += sized_bytes < 200 ? 1 : 97) {
        struct cede_task *a = cede__task_go("sized", sized, sized_pattern, sized_bytes, NULL);
        struct cede_task *b = cede__task_go("sized", sized, sized_pattern, sized_bytes, NULL);

        ck_assert_int_eq(cede_await(a), 0);
        ck_assert_int_eq(cede_await(b), 0);
    }
    sized_bytes = SIZED_MAX;
    ck_assert_int_eq(cede_await(cede__task_go("sized", sized, sized_pattern, SIZED_MAX,
                                              &(struct cede_task_attr){.stack_size = CEDE_STACK_MIN})), 0);
    errno = 0;
    ck_assert_ptr_null(cede__task_go("sized", sized, sized_pattern, CEDE_STACK_MIN,
                                     &(struct cede_task_attr){.stack_size = CEDE_STACK_MIN}));
    ck_assert_int_eq(errno, EINVAL);
}

/* ---- join ---- */

TASK_TEST(a_task_is_joined_once)
{
    struct cede_task *task = cede_spawn(returns_its_argument, NULL);

    ck_assert_int_eq(cede_await(task), 0);
    ck_assert_fails(cede_join(task, NULL), ESRCH);
    ck_assert_fails(cede_await(task), ESRCH);
    ck_assert_fails(cede_detach(task), ESRCH);
    ck_assert_fails(cede_cancel(task), ESRCH);
    ck_assert_fails(cede_wake(task), ESRCH);
    ck_assert_fails(cede_join(NULL, NULL), ESRCH);
    ck_assert_fails(cede_join((struct cede_task *)&task, NULL), ESRCH);
}

static int joins(void *task)
{
    return cede_join(task, NULL);
}

TASK_TEST(a_second_joiner_is_EINVAL)
{
    struct cede_task *task = cede_spawn(parks, NULL), *joiner = cede_spawn(joins, task);

    cede_yield();
    ck_assert_fails(cede_join(task, NULL), EINVAL);
    ck_assert_fails(cede_detach(task), EINVAL);
    cede_wake(task);
    ck_assert_int_eq(cede_await(joiner), 0);
    ck_assert_fails(cede_join(task, NULL), ESRCH);
}

TASK_TEST(a_detached_task_is_EINVAL_then_gone)
{
    struct cede_task *task = cede_spawn(parks, NULL);
    struct cede_task *other = cede_spawn_attr(&(struct cede_task_attr){.detached = 1}, parks, NULL);

    ck_assert_int_eq(cede_detach(task), 0);
    ck_assert_fails(cede_detach(task), EINVAL);
    ck_assert_fails(cede_join(task, NULL), EINVAL);
    ck_assert_fails(cede_join(other, NULL), EINVAL);
    ck_assert_fails(cede_detach(other), EINVAL);
    cede_yield();
    cede_wake(task);
    cede_wake(other);
    cede_sleep(CEDE_MILLISECOND);
    ck_assert_fails(cede_join(task, NULL), ESRCH);
    ck_assert_fails(cede_cancel(other), ESRCH);
}

TASK_TEST(detaching_what_has_ended_forgets_it)
{
    struct cede_task *task = cede_spawn(returns_its_argument, NULL);

    cede_yield();
    ck_assert_int_eq(cede_detach(task), 0);
    ck_assert_fails(cede_detach(task), ESRCH);
}

static int detaches_itself(void *unused)
{
    (void)unused;
    return cede_detach(cede_self());
}

TASK_TEST(a_task_may_detach_itself)
{
    struct cede_task *task = cede_spawn(detaches_itself, NULL);

    cede_yield();
    ck_assert_fails(cede_join(task, NULL), ESRCH);
}

/* ---- deadlocks ---- */

static struct cede_task *ring[3];

static int joins_itself(void *unused)
{
    (void)unused;
    ck_assert_fails(cede_join(cede_self(), NULL), EDEADLK);
    return 0;
}

TASK_TEST(joining_oneself_is_EDEADLK)
{
    joins_itself(NULL);
    ck_assert_int_eq(cede_await(cede_spawn(joins_itself, NULL)), 0);
}

static int joins_next_of_ring(void *arg)
{
    errno = 0;
    return cede_join(ring[(intptr_t)arg], NULL) == 0 ? 0 : errno;
}

TASK_TEST(two_that_join_each_other_are_EDEADLK)
{
    int result;

    ring[0] = cede_spawn(joins_next_of_ring, (void *)1);
    ring[1] = cede_spawn(joins_next_of_ring, (void *)0);
    ck_assert_int_eq(cede_await(ring[0]), 0);
    ck_assert_fails(cede_join(ring[1], &result), ESRCH); /* joined by ring[0], with EDEADLK as its result */
}

TASK_TEST(a_ring_of_three_is_EDEADLK)
{
    int i;

    for (i = 0; i < 3; i++)
        ring[i] = cede_spawn(joins_next_of_ring, (void *)(intptr_t)((i + 1) % 3));
    cede_yield();
    ck_assert_int_eq(cede_await(ring[0]), 0);
}

static int joins_the_root(void *root)
{
    ck_assert_fails(cede_join(root, NULL), EDEADLK); /* which joins this one */
    return 0;
}

TASK_TEST(joining_a_joiner_is_EDEADLK)
{
    ck_assert_int_eq(cede_await(cede_spawn(joins_the_root, cede_self())), 0);
}

/* ---- join and cancel ---- */

TASK_TEST(a_timed_out_join_leaves_the_task)
{
    struct cede_task *task = cede_spawn(parks, NULL);

    cede_timeout (2 * CEDE_MILLISECOND)
        ck_assert_fails(cede_join(task, NULL), ETIMEDOUT);
    cede_timeout (0)
        ck_assert_fails(cede_join(task, NULL), ETIMEDOUT);
    ck_assert_int_eq(cede_wake(task), 0);
    ck_assert_int_eq(cede_await(task), 0);
}

static int awaits(void *task)
{
    return cede_await(task);
}

TASK_TEST(an_await_fails_as_a_join)
{
    struct cede_task *task = cede_spawn(parks, NULL);

    early_assert_ends(awaits, task);
    ck_assert_fails(cede_await(cede_self()), EDEADLK);
    ck_assert_int_eq(cede_wake(task), 0);
    ck_assert_int_eq(cede_await(task), 0);
    ck_assert_fails(cede_await(task), ESRCH);
}

TASK_TEST(a_cancelled_join_leaves_the_task)
{
    struct cede_task *task = cede_spawn(parks, NULL), *joiner = cede_spawn(joins, task);

    cede_yield();
    ck_assert_int_eq(cede_cancel(joiner), 0);
    ck_assert_fails(cede_await(joiner), ECANCELED);
    ck_assert_int_eq(cede_wake(task), 0);
    ck_assert_int_eq(cede_await(task), 0);
}

static int joins_ended(void *task)
{
    cede_cancel(cede_self());
    ck_assert_fails(cede_sleep(1), ECANCELED);
    return cede_await(task);
}

TASK_TEST(what_has_ended_is_joined_even_if_cancelled)
{
    struct cede_task *task = cede_spawn(returns_its_argument, (void *)5);

    cede_yield();
    ck_assert_int_eq(cede_await(cede_spawn(joins_ended, task)), 5);
}

/* The end and the cancel come between the same two turns of the joiner, in both orders. */
TASK_TEST(the_first_of_end_and_cancel_counts)
{
    struct cede_task *task = cede_spawn(parks, NULL), *joiner = cede_spawn(joins, task);

    cede_yield();
    cede_wake(task);
    cede_cancel(joiner);
    cede_yield();
    ck_assert_fails(cede_await(joiner), ECANCELED);
    ck_assert_int_eq(cede_await(task), 0);

    task = cede_spawn(parks, NULL), joiner = cede_spawn(joins, task);
    cede_yield();
    cede_wake(task);
    cede_yield();
    cede_cancel(joiner);
    ck_assert_int_eq(cede_await(joiner), 0);
}

/* ---- names ---- */

static int names(void *unused)
{
    (void)unused;
    ck_assert_str_eq(cede_name(), "given");
    ck_assert_int_eq(cede_name_set("changed"), 0);
    ck_assert_str_eq(cede_name(), "changed");
    ck_assert_int_eq(cede_name_set("0123456789012345678901234567890123456789"), 0);
    ck_assert_str_eq(cede_name(), "0123456789012345678901234567890");
    ck_assert_int_eq(cede_name_set(""), 0);
    ck_assert_str_eq(cede_name(), "");
    ck_assert_fails(cede_name_set(NULL), EINVAL);
    return 0;
}

static int default_name(void *unused)
{
    (void)unused;
    ck_assert_str_eq(cede_name(), "task");
    return 0;
}

static void check_given_name(struct cede__task *task, void *arg)
{
    if (task == cede__task_find(arg))
        ck_assert_str_eq(task->name, "task");
}

static int named_mine(void *unused)
{
    (void)unused;
    return cede_name_set("mine");
}

static int named_else(void *unused)
{
    (void)unused;
    return cede_name_set("somebody else");
}

TASK_TEST(tasks_have_names)
{
    struct cede_task *task;

    ck_assert_str_eq(cede_name(), "main");
    ck_assert_int_eq(cede_await(cede_spawn_attr(&(struct cede_task_attr){.name = "given"}, names, NULL)), 0);
    ck_assert_int_eq(cede_await(cede_spawn(default_name, NULL)), 0);
    ck_assert_str_eq(cede_name(), "main");
    /* One that has ended has the name it was given again: its stack, where its own name was, has gone to the next. */
    task = cede_spawn(named_mine, NULL);
    cede_yield();
    ck_assert_int_eq(cede_await(cede_spawn(named_else, NULL)), 0);
    cede__task_each(cede__worker, check_given_name, task);
    ck_assert_int_eq(cede_await(task), 0);
}

Suite *suite(void)
{
    Suite *spawn = suite_create("spawn");
    TCase *cases = tcase_create("spawn");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, join_returns_the_result);
    tcase_add_test(cases, a_failure_brings_its_errno);
    tcase_add_test(cases, a_failure_brings_its_errno_when_it_has_ended_before);
    tcase_add_test(cases, a_task_starts_with_errno_0);
    tcase_add_test(cases, spawn_refuses_what_it_cannot_run);
    tcase_add_test(cases, stacks_of_all_sizes);
    tcase_add_test(cases, outside_a_runtime_it_is_EPERM);
    tcase_add_test(cases, only_its_own_runtime_joins_a_task);
#ifndef HARNESS_SANITIZED
    tcase_add_test(cases, no_memory_for_a_stack_is_the_result);
#endif
    tcase_add_test(cases, go_passes_arguments_by_name);
    tcase_add_test(cases, go_copies_its_arguments_at_once);
    tcase_add_test(cases, go_takes_arguments_of_any_size);
    tcase_add_test(cases, a_task_is_joined_once);
    tcase_add_test(cases, a_second_joiner_is_EINVAL);
    tcase_add_test(cases, a_detached_task_is_EINVAL_then_gone);
    tcase_add_test(cases, detaching_what_has_ended_forgets_it);
    tcase_add_test(cases, a_task_may_detach_itself);
    tcase_add_test(cases, joining_oneself_is_EDEADLK);
    tcase_add_test(cases, two_that_join_each_other_are_EDEADLK);
    tcase_add_test(cases, a_ring_of_three_is_EDEADLK);
    tcase_add_test(cases, joining_a_joiner_is_EDEADLK);
    tcase_add_test(cases, a_timed_out_join_leaves_the_task);
    tcase_add_test(cases, a_cancelled_join_leaves_the_task);
    tcase_add_test(cases, what_has_ended_is_joined_even_if_cancelled);
    tcase_add_test(cases, the_first_of_end_and_cancel_counts);
    tcase_add_test(cases, tasks_have_names);
    tcase_add_test(cases, an_await_fails_as_a_join);
    tcase_add_test(cases, there_are_two_to_the_24_tasks_at_most);
    suite_add_tcase(spawn, cases);
    return spawn;
}
