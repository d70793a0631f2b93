/* SPDX-License-Identifier: MIT */
/* Groups: tasks that end before their block does. */
#include <stdlib.h>

#include "deadlock.h"
#include "harness.h"
#include "sched.h"

struct child { int64_t sleep_ns; int result; int *ended; };

static int child(struct child *a)
{
    int slept = cede_sleep(a->sleep_ns);

    if (a->ended)
        ++*a->ended;
    if (slept != 0)
        return -1;
    errno = EIO;
    return a->result;
}

#define MS CEDE_MILLISECOND

TASK_TEST(it_waits_for_all)
{
    int ended = 0;

    cede_group (g) {
        ck_assert_ptr_nonnull(cede_group_go(g, child, .sleep_ns = 2 * MS, .ended = &ended));
        ck_assert_ptr_nonnull(cede_group_go(g, child, .sleep_ns = MS, .ended = &ended));
        ck_assert_int_eq(cede_group_wait(g), 0);
        ck_assert_int_eq(ended, 2);
        ck_assert_ptr_nonnull(cede_group_go(g, child, .ended = &ended));
    }
    ck_assert_int_eq(ended, 3);
}

static int finds_parked(void *owner)
{
    return cede__task_find(owner)->state == CEDE__TASK_PARKED ? 0 : -1;
}

/* Who waits for all is woken once. */
TASK_TEST(it_waits_for_all_without_looking_at_each)
{
    cede_group (g) {
        for (int i = 0; i < 3; i++)
            ck_assert_ptr_nonnull(cede_group_spawn(g, NULL, finds_parked, cede_self()));
        ck_assert_int_eq(cede_group_wait(g), 0);
    }
}

TASK_TEST(the_first_failure_cancels_the_rest_and_the_block)
{
    int ended = 0;

    cede_group (g) {
        cede_group_go(g, child, .sleep_ns = MS, .result = -1, .ended = &ended);
        cede_group_go(g, child, .sleep_ns = 1000 * CEDE_SECOND, .ended = &ended);
        ck_assert_fails(cede_sleep(1000 * CEDE_SECOND), ECANCELED);
        ck_assert_ptr_null(cede_group_go(g, child, .ended = &ended));
        ck_assert_int_eq(errno, ECANCELED);
        ck_assert_fails(cede_group_wait(g), EIO);
    }
    ck_assert_int_eq(ended, 2);
    ck_assert_int_eq(cede_check(), 0);
}

static int leave_early(int *ended)
{
    cede_group (g) {
        cede_group_go(g, child, .sleep_ns = 1000 * CEDE_SECOND, .ended = ended);
        cede_yield();
        return 7;
    }
    return 0;
}

TASK_TEST(leaving_early_cancels_and_waits)
{
    int ended = 0;

    ck_assert_int_eq(leave_early(&ended), 7);
    ck_assert_int_eq(ended, 1);
}

TASK_TEST(a_deadline_ends_it)
{
    int ended = 0;

    cede_timeout (2 * MS)
        cede_group (g) {
            cede_group_go(g, child, .sleep_ns = 1000 * CEDE_SECOND, .ended = &ended);
            ck_assert_fails(cede_group_wait(g), ETIMEDOUT);
        }
    ck_assert_int_eq(ended, 1);
}

static int waits_for_a_group(void *ended)
{
    int result = 0;

    cede_group (g) {
        cede_group_go(g, child, .sleep_ns = 1000 * CEDE_SECOND, .ended = ended);
        result = cede_group_wait(g);
        if (result != 0)
            result = -errno;
    }
    return result == -ECANCELED ? 0 : -1;
}

TASK_TEST(cancelling_its_owner_ends_it)
{
    int ended = 0;
    struct cede_task *owner = cede_spawn(waits_for_a_group, &ended);

    cede_yield();
    cede_yield();
    ck_assert_int_eq(cede_cancel(owner), 0);
    ck_assert_int_eq(cede_await(owner), 0);
    ck_assert_int_eq(ended, 1);
}

TASK_TEST(next_returns_them_as_they_end_and_a_limit_holds)
{
    const int64_t sleeps[] = {30 * MS, 10 * MS, 1 * MS};
    int seen[3], i;

    cede_group (g) {
        ck_assert_int_eq(cede_group_limit(g, 2), 0);
        for (i = 0; i < 3; i++) /* the third waits until the second has ended */
            cede_group_go(g, child, .sleep_ns = sleeps[i], .result = i);
        for (i = 0; i < 3; i++)
            seen[i] = cede_await(cede_group_next(g));
        ck_assert_ptr_null(cede_group_next(g));
        ck_assert_int_eq(errno, ECHILD);
    }
    ck_assert_int_eq(seen[0], 1);
}

TASK_TEST(keep_going_lets_all_end)
{
    int ended = 0;

    cede_group (g) {
        cede_group_keep_going(g, 1);
        cede_group_go(g, child, .result = -1, .ended = &ended);
        cede_group_go(g, child, .sleep_ns = 2 * MS, .ended = &ended);
        ck_assert_fails(cede_group_wait(g), EIO);
    }
    ck_assert_int_eq(ended, 2);
}

/* ---- detaching and joining children ---- */

TASK_TEST(a_child_may_be_detached_while_it_runs)
{
    int ended = 0;

    cede_group (g) {
        ck_assert_int_eq(cede_detach(cede_group_go(g, child, .sleep_ns = MS, .ended = &ended)), 0);
        cede_yield();
        ck_assert_ptr_null(cede_group_next(g)); /* nobody waits for it */
        ck_assert_int_eq(errno, ECHILD);
        ck_assert_int_eq(cede_group_wait(g), 0);
    }
    ck_assert_int_eq(ended, 1);
}

TASK_TEST(a_child_may_be_detached_once_it_has_ended)
{
    struct cede_task *task;
    int ended = 0, i;

    cede_group (g) {
        for (i = 0; i < 10; i++) {
            task = cede_group_go(g, child, .ended = &ended);
            while (ended <= i)
                cede_yield();
            ck_assert_int_eq(cede_detach(task), 0);
            ck_assert_fails(cede_join(task, NULL), ESRCH);
        }
        ck_assert_ptr_null(cede_group_next(g));
        ck_assert_int_eq(errno, ECHILD);
    }
    ck_assert_int_eq(ended, 10);
}

static int joins(void *task)
{
    return cede_await(task);
}

TASK_TEST(next_leaves_out_what_another_task_joins)
{
    struct cede_task *task, *joiner;

    cede_group (g) {
        task = cede_group_go(g, child, .sleep_ns = MS, .result = 5);
        joiner = cede_spawn(joins, task);
        cede_yield();
        ck_assert_ptr_null(cede_group_next(g));
        ck_assert_int_eq(errno, ECHILD);
        ck_assert_int_eq(cede_await(joiner), 5);
        ck_assert_fails(cede_join(task, NULL), ESRCH);
    }
}

TASK_TEST(a_child_that_another_task_joins_outlives_the_group_as_a_result)
{
    struct cede_task *task, *joiner = NULL;

    cede_group (g) {
        task = cede_group_go(g, child, .sleep_ns = MS, .result = 5);
        joiner = cede_spawn(joins, task);
        cede_yield();
    }
    ck_assert_int_eq(cede_await(joiner), 5);
}

TASK_TEST(who_joins_a_child_hears_of_its_failure_before_it_cancels_the_block)
{
    cede_group (g) {
        ck_assert_fails(cede_await(cede_group_go(g, child, .sleep_ns = MS, .result = -1)), EIO);
        ck_assert_fails(cede_check(), ECANCELED);
        ck_assert_fails(cede_group_wait(g), EIO);
    }
}

/* ---- the limit ---- */

struct crowded { int *running, *most; };

static int crowded(struct crowded *a)
{
    if (++*a->running > *a->most)
        *a->most = *a->running;
    cede_sleep(MS);
    --*a->running;
    return 0;
}

TASK_TEST(no_more_than_the_limit_run)
{
    int running = 0, most = 0, i;

    cede_group (g) {
        ck_assert_int_eq(cede_group_limit(g, 3), 0);
        for (i = 0; i < 20; i++)
            ck_assert_ptr_nonnull(cede_group_go(g, crowded, .running = &running, .most = &most));
        ck_assert_int_eq(cede_group_wait(g), 0);
        ck_assert_int_eq(most, 3);
        ck_assert_int_eq(cede_group_limit(g, 0), 0);
        for (i = 0; i < 20; i++)
            ck_assert_ptr_nonnull(cede_group_go(g, crowded, .running = &running, .most = &most));
    }
    ck_assert_int_eq(most, 20);
    ck_assert_int_eq(running, 0);
}

struct adds_sibling { struct cede_group *group; int *ended, error; };

static int adds_sibling(struct adds_sibling *a)
{
    struct cede_task *sibling = cede_group_go(a->group, child, .ended = a->ended);

    if (a->error) {
        ck_assert_ptr_null(sibling);
        ck_assert_int_eq(errno, a->error);
    } else {
        ck_assert_ptr_nonnull(sibling);
    }
    return 0;
}

TASK_TEST(a_higher_limit_lets_those_go_on_who_wait)
{
    int ended = 0, i;

    cede_group (g) {
        cede_group_limit(g, 4);
        for (i = 0; i < 4; i++)
            cede_group_go(g, adds_sibling, .group = g, .ended = &ended);
        cede_yield();
        ck_assert_int_eq(ended, 0); /* all four wait for each other */
        cede_group_limit(g, 5); /* one goes on, and lets the next go on */
        ck_assert_int_eq(cede_group_wait(g), 0);
    }
    ck_assert_int_eq(ended, 4);
}

TASK_TEST(cancelling_ends_the_wait_at_the_limit)
{
    int ended = 0;

    cede_group (g) {
        cede_group_limit(g, 1);
        cede_group_go(g, adds_sibling, .group = g, .ended = &ended, .error = ECANCELED);
        cede_yield();
        ck_assert_int_eq(cede_group_cancel(g), 0);
        ck_assert_fails(cede_group_wait(g), ECANCELED);
    }
    ck_assert_int_eq(ended, 0);
}

TASK_TEST(a_deadline_ends_the_wait_at_the_limit)
{
    struct cede_task *task;

    cede_group (g) {
        cede_group_limit(g, 1);
        task = cede_group_go(g, child, .sleep_ns = 1000 * CEDE_SECOND);
        cede_timeout (MS) {
            ck_assert_ptr_null(cede_group_go(g, child, .result = 0));
            ck_assert_int_eq(errno, ETIMEDOUT);
        }
        cede_cancel(task); /* not by the group: it counts as a failure */
        ck_assert_fails(cede_group_wait(g), ECANCELED);
    }
}

/* One who waits at the limit and then has no memory, or too big a stack, must not take the others' place away. */
static int adds_a_bad_sibling(void *group)
{
    struct cede_task_attr bad = {.stack_size = 1};

    ck_assert_ptr_null(cede_group_spawn(group, &bad, joins, NULL));
    ck_assert_int_eq(errno, EINVAL);
    return 0;
}

TASK_TEST(a_spawn_that_fails_at_the_limit_passes_its_place_on)
{
    int ended = 0;

    cede_group (g) {
        cede_group_limit(g, 3);
        cede_group_spawn(g, NULL, adds_a_bad_sibling, g);
        cede_group_go(g, adds_sibling, .group = g, .ended = &ended);
        cede_group_go(g, child, .sleep_ns = 2 * MS);
        ck_assert_int_eq(cede_group_wait(g), 0);
    }
    ck_assert_int_eq(ended, 1);
}

/* ---- rarer errnos ---- */

static int uses_a_foreign_group(void *group)
{
    ck_assert_ptr_null(cede_group_spawn(group, NULL, joins, NULL));
    ck_assert_int_eq(errno, EPERM);
    ck_assert_fails(cede_group_wait(group), EPERM);
    ck_assert_fails(cede_group_close(group), EPERM);
    ck_assert_fails(cede_group_cancel(group), EPERM);
    ck_assert_fails(cede_group_limit(group, 1), EPERM);
    ck_assert_fails(cede_group_keep_going(group, 1), EPERM);
    ck_assert_ptr_null(cede_group_next(group));
    ck_assert_int_eq(errno, EPERM);
    return 0;
}

struct a_child_may_only_add { struct cede_group *group; };

static int a_child_may_only_add(struct a_child_may_only_add *a)
{
    ck_assert_fails(cede_group_wait(a->group), EPERM);
    ck_assert_fails(cede_group_cancel(a->group), EPERM);
    ck_assert_ptr_nonnull(cede_group_go(a->group, child, .result = 0));
    return 0;
}

TASK_TEST(only_the_owner_may_use_it)
{
    cede_group (g) {
        ck_assert_int_eq(cede_await(cede_spawn(uses_a_foreign_group, g)), 0);
        cede_group_go(g, a_child_may_only_add, .group = g);
        ck_assert_int_eq(cede_group_wait(g), 0);
    }
}

/* What is spawned into a group that has ended would outlive it, and the memory of both. */
TASK_TEST(once_closed_it_takes_no_more)
{
    struct cede_group *group = malloc(sizeof(*group)); /* where a sanitizer sees what comes too late */
    int ended = 0;

    ck_assert_int_eq(cede_group_open(group), 0);
    ck_assert_ptr_nonnull(cede_group_go(group, child, .ended = &ended));
    ck_assert_int_eq(cede_group_close(group), 0);
    ck_assert_ptr_null(cede_group_spawn(group, NULL, joins, NULL));
    ck_assert_int_eq(errno, EPERM);
    ck_assert_fails(cede_group_wait(group), EPERM);
    ck_assert_fails(cede_group_cancel(group), EPERM);
    ck_assert_fails(cede_group_limit(group, 1), EPERM);
    ck_assert_fails(cede_group_keep_going(group, 1), EPERM);
    ck_assert_ptr_null(cede_group_next(group));
    ck_assert_int_eq(errno, EPERM);
    ck_assert_fails(cede_group_close(group), EPERM);
    free(group);
    ck_assert_int_eq(cede_sleep(MS), 0);
    ck_assert_int_eq(ended, 1);
}

TASK_TEST(what_spawn_fails_with)
{
    struct cede_task_attr bad = {.stack_size = 1};

    cede_group (g) {
        ck_assert_ptr_null(cede_group_spawn(g, NULL, NULL, NULL));
        ck_assert_int_eq(errno, EINVAL);
        ck_assert_ptr_null(cede_group_spawn(g, &bad, joins, NULL));
        ck_assert_int_eq(errno, EINVAL);
        ck_assert_int_eq(cede_group_wait(g), 0);
        cede_group_cancel(g);
        ck_assert_ptr_null(cede_group_spawn(g, NULL, joins, NULL));
        ck_assert_int_eq(errno, ECANCELED);
    }
}

TASK_TEST(next_is_ended_like_any_wait)
{
    cede_group (g) {
        cede_group_go(g, child, .sleep_ns = 20 * MS, .result = 3);
        cede_timeout (MS) {
            ck_assert_ptr_null(cede_group_next(g));
            ck_assert_int_eq(errno, ETIMEDOUT);
        }
        ck_assert_int_eq(cede_await(cede_group_next(g)), 3); /* nothing was cancelled */
    }
}

static int nexts(void *ended)
{
    struct cede_task *next;

    cede_group (g) {
        cede_group_go(g, child, .sleep_ns = 1000 * CEDE_SECOND, .ended = ended);
        next = cede_group_next(g);
        ck_assert_ptr_null(next);
        ck_assert_int_eq(errno, ECANCELED);
    }
    return 0;
}

TASK_TEST(next_is_ended_by_cancelling)
{
    int ended = 0;
    struct cede_task *task = cede_spawn(nexts, &ended);

    cede_yield();
    cede_yield();
    cede_cancel(task);
    ck_assert_int_eq(cede_await(task), 0);
    ck_assert_int_eq(ended, 1);
}

struct closes { int *ended, error; };

static int closes(struct closes *a)
{
    struct cede_group group;

    ck_assert_int_eq(cede_group_open(&group), 0);
    ck_assert_ptr_nonnull(cede_group_go(&group, child, .sleep_ns = 1000 * CEDE_SECOND, .ended = a->ended));
    ck_assert_fails(cede_group_close(&group), a->error);
    return 0;
}

TASK_TEST(close_is_ended_like_any_wait_once_all_have_ended)
{
    int ended = 0;
    struct cede_task *task = cede_go(closes, .ended = &ended, .error = ECANCELED);

    cede_yield();
    cede_cancel(task);
    ck_assert_int_eq(cede_await(task), 0);
    ck_assert_int_eq(ended, 1);
    cede_timeout (MS)
        ck_assert_int_eq(closes(&(struct closes){&ended, ETIMEDOUT}), 0);
    ck_assert_int_eq(ended, 2);
}

/* ---- nothing can end it ---- */

static int waits_for_ever(void *mutex)
{
    int result = cede_mutex_lock(mutex);

    return result;
}

static int group_of_the_locked(void *unused)
{
    struct cede_mutex mutex = {0};

    (void)unused;
    cede_mutex_lock(&mutex);
    cede_group (g) {
        cede_group_spawn(g, NULL, waits_for_ever, &mutex);
        ck_assert_fails(cede_group_wait(g), EDEADLK);
    }
    return cede_mutex_unlock(&mutex);
}

static int next_of_the_locked(void *unused)
{
    struct cede_mutex mutex = {0};

    (void)unused;
    cede_mutex_lock(&mutex);
    cede_group (g) {
        cede_group_spawn(g, NULL, waits_for_ever, &mutex);
        ck_assert_ptr_null(cede_group_next(g));
        ck_assert_int_eq(errno, EDEADLK);
    }
    return cede_mutex_unlock(&mutex);
}

static int close_of_the_locked(void *unused)
{
    struct cede_mutex mutex = {0};
    struct cede_group group;

    (void)unused;
    cede_mutex_lock(&mutex);
    ck_assert_int_eq(cede_group_open(&group), 0);
    cede_group_spawn(&group, NULL, waits_for_ever, &mutex);
    ck_assert_fails(cede_group_close(&group), EDEADLK);
    return cede_mutex_unlock(&mutex);
}

static int waits_shielded(void *mutex)
{
    cede_shield
        ck_assert_fails(cede_mutex_lock(mutex), EDEADLK);
    return 0;
}

static int group_of_the_shielded(void *unused)
{
    struct cede_mutex mutex = {0};

    (void)unused;
    cede_mutex_lock(&mutex);
    cede_group (g) {
        cede_group_spawn(g, NULL, waits_shielded, &mutex);
        ck_assert_fails(cede_group_wait(g), EDEADLK);
    }
    return cede_mutex_unlock(&mutex);
}

START_TEST(a_deadlock_ends_it)
{
    deadlock_assert_reported(group_of_the_locked, "group");
    deadlock_assert_reported(next_of_the_locked, "group");
    deadlock_assert_reported(close_of_the_locked, "group");
    deadlock_assert_reported(group_of_the_shielded, "group");
}
END_TEST

START_TEST(outside_a_task_it_is_EPERM)
{
    struct cede_group group;

    ck_assert_fails(cede_group_open(&group), EPERM);
    ck_assert_fails(cede_group_close(&group), EPERM);
    cede_group (g) {
        ck_assert_ptr_null(cede_group_go(g, child, .result = 0));
        ck_assert_int_eq(errno, EPERM);
        ck_assert_fails(cede_group_wait(g), EPERM);
        ck_assert_fails(cede_group_cancel(g), EPERM);
        ck_assert_fails(cede_group_limit(g, 1), EPERM);
        ck_assert_fails(cede_group_keep_going(g, 1), EPERM);
        ck_assert_ptr_null(cede_group_next(g));
        ck_assert_int_eq(errno, EPERM);
    }
}
END_TEST

/* ---- storm: groups in groups; their tasks are spawned, cancelled, time out, fail and are joined at random ---- */

enum { STORM_ROUNDS = 3000 }; /* of each seed, of which there are three */

struct storm { unsigned seed; int begun, ended, groups; };
struct stormy { struct storm *storm; struct cede_group *group; int *inside, depth; };

static int stormy(struct stormy *a);

static unsigned any(struct storm *storm, unsigned below)
{
    return harness_random(&storm->seed) % below;
}

/* What waits in a storm may end in these ways. */
static void check_errno(void)
{
    ck_assert_msg(errno == ECANCELED || errno == ETIMEDOUT || errno == EIO || errno == EPIPE, "errno %d", errno);
}

static void wait_a_little(struct storm *storm)
{
    if ((any(storm, 3) ? cede_sleep(any(storm, 30000)) : cede_yield()) != 0)
        check_errno();
}

static struct cede_task *spawn_one(struct stormy *a, struct cede_group *group, int *inside, int depth)
{
    struct stormy args = {a->storm, group, inside, depth};
    struct cede_task_attr detached = {.name = "detached", .detached = 1};
    struct cede_task *task;

    if (any(a->storm, 6) == 0) {
        task = cede_group_spawn(group, &detached, (cede_task_fn *)NULL, NULL);
        ck_assert_ptr_null(task);
        ck_assert(errno == EINVAL || errno == ECANCELED || errno == ETIMEDOUT);
    }
    ++*inside;
    task = cede__group_go(group, "stormy", (cede_task_fn *)(void (*)(void))stormy, &args, sizeof args);
    if (!task) {
        --*inside;
        check_errno();
    }
    return task;
}

/* One thing with a group of ours and one of its tasks. */
static void act(struct stormy *a, struct cede_group *group, int *inside, struct cede_task **tasks, int count)
{
    struct storm *storm = a->storm;
    struct cede_task *task = tasks[any(storm, (unsigned)count)];
    int results[8], result;

    switch (any(storm, 12)) {
    case 0: case 1: case 2:
        tasks[any(storm, (unsigned)count)] = spawn_one(a, group, inside, a->depth + 1);
        break;
    case 3:
        cede_cancel(task);
        break;
    case 4:
        if (cede_detach(task) != 0)
            ck_assert(errno == ESRCH || errno == EINVAL);
        break;
    case 5:
        if (cede_join(task, &result) != 0)
            ck_assert(errno == ESRCH || errno == EINVAL || errno == ECANCELED || errno == ETIMEDOUT);
        break;
    case 6:
        task = cede_group_next(group);
        if (task)
            ck_assert_int_eq(cede_join(task, &result), 0);
        else if (errno != ECHILD)
            check_errno();
        break;
    case 7:
        if (cede_tasks_gather(tasks, (size_t)count, results) != 0 && errno != ESRCH && errno != EINVAL)
            check_errno();
        break;
    case 8:
        if (any(storm, 8) == 0)
            cede_group_cancel(group);
        break;
    case 9:
        cede_group_limit(group, any(storm, 4));
        break;
    default:
        wait_a_little(storm);
    }
}

/* A group: ended in one of the ways there are, it leaves nobody behind. */
static void have_a_group(struct stormy *a, int *inside)
{
    struct storm *storm = a->storm;
    struct cede_task *tasks[8] = {0};
    int actions = (int)any(storm, 8);

    storm->groups++;
    cede_group (g) {
        cede_group_limit(g, any(storm, 3) ? 0 : 1 + any(storm, 3));
        cede_group_keep_going(g, any(storm, 4) == 0);
        while (actions-- > 0)
            act(a, g, inside, tasks, 8);
        switch (any(storm, 8)) {
        case 0:
            goto out;
        case 1:
            break;
        case 2:
            cede_timeout (any(storm, 20000))
                if (cede_group_wait(g) != 0)
                    check_errno();
            break;
        default:
            if (cede_group_wait(g) != 0)
                check_errno();
        }
    }
out:
    ck_assert_int_eq(*inside, 0);
}

static void one_less(int *inside)
{
    --*inside;
}

static void has_ended(struct storm *storm)
{
    storm->ended++;
}

static int stormy(struct stormy *a)
{
    struct storm *storm = a->storm;
    int inside = 0, i;

    storm->begun++;
    cede_defer(one_less, a->inside);
    cede_defer(has_ended, storm);
    for (i = (int)any(storm, 3); i > 0; i--) {
        if (a->depth < 4 && any(storm, 2))
            have_a_group(a, &inside);
        else if (a->group && a->depth < 6 && any(storm, 4) == 0)
            cede_timeout (any(storm, 20000)) /* at the limit, they would wait for each other */
                spawn_one(a, a->group, a->inside, a->depth + 2);
        else if (any(storm, 2))
            wait_a_little(storm);
        else
            cede_timeout (any(storm, 50000))
                have_a_group(&(struct stormy){storm, NULL, NULL, 6}, &inside);
    }
    switch (any(storm, 12)) {
    case 0:
        return cede_fail(EIO, "stormy");
    case 1:
        errno = EPIPE;
        cede_exit(-1);
    case 2:
        return cede_check(); /* as it is */
    default:
        return 0;
    }
}

static int one_round(void *arg)
{
    struct stormy first = {arg, NULL, NULL, 0};
    int inside = 0, i;

    for (i = 0; i < 4; i++)
        have_a_group(&first, &inside);
    ck_assert_uint_eq(cede__worker->live, 1);
    return 0;
}

START_TEST(a_storm_leaves_nobody_behind)
{
    struct storm storm = {0};
    int round;

    for (round = 0; round < STORM_ROUNDS; round++) {
        storm.seed = 1 + (unsigned)_i * 100000 + (unsigned)round * 7919;
        ck_assert_msg(cede_run(one_round, &storm) == 0, "round %d", round);
        ck_assert_int_eq(storm.begun, storm.ended);
    }
    ck_assert_int_gt(storm.groups, 4 * STORM_ROUNDS); /* some were nested */
}
END_TEST

Suite *suite(void)
{
    Suite *group = suite_create("group");
    TCase *cases = tcase_create("group");

    tcase_add_test(cases, it_waits_for_all);
    tcase_add_test(cases, it_waits_for_all_without_looking_at_each);
    tcase_add_test(cases, the_first_failure_cancels_the_rest_and_the_block);
    tcase_add_test(cases, leaving_early_cancels_and_waits);
    tcase_add_test(cases, a_deadline_ends_it);
    tcase_add_test(cases, cancelling_its_owner_ends_it);
    tcase_add_test(cases, next_returns_them_as_they_end_and_a_limit_holds);
    tcase_add_test(cases, keep_going_lets_all_end);
    tcase_add_test(cases, a_child_may_be_detached_while_it_runs);
    tcase_add_test(cases, a_child_may_be_detached_once_it_has_ended);
    tcase_add_test(cases, next_leaves_out_what_another_task_joins);
    tcase_add_test(cases, a_child_that_another_task_joins_outlives_the_group_as_a_result);
    tcase_add_test(cases, who_joins_a_child_hears_of_its_failure_before_it_cancels_the_block);
    tcase_add_test(cases, no_more_than_the_limit_run);
    tcase_add_test(cases, a_higher_limit_lets_those_go_on_who_wait);
    tcase_add_test(cases, cancelling_ends_the_wait_at_the_limit);
    tcase_add_test(cases, a_deadline_ends_the_wait_at_the_limit);
    tcase_add_test(cases, a_spawn_that_fails_at_the_limit_passes_its_place_on);
    tcase_add_test(cases, only_the_owner_may_use_it);
    tcase_add_test(cases, once_closed_it_takes_no_more);
    tcase_add_test(cases, what_spawn_fails_with);
    tcase_add_test(cases, next_is_ended_like_any_wait);
    tcase_add_test(cases, next_is_ended_by_cancelling);
    tcase_add_test(cases, close_is_ended_like_any_wait_once_all_have_ended);
    tcase_add_test(cases, a_deadlock_ends_it);
    tcase_add_test(cases, outside_a_task_it_is_EPERM);
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, a_storm_leaves_nobody_behind, 0, 3);
    suite_add_tcase(group, cases);
    return group;
}
