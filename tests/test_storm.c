/* SPDX-License-Identifier: MIT */
/*
 * Everything at once: tasks that spawn, cancel, time out, join, detach, yield, sleep, park and wake at random, while
 * other threads cancel and wake them too. Nothing may hang, be lost, or be touched after its end; for the tools
 * (AddressSanitizer, ThreadSanitizer, Valgrind) above all. Seeds are fixed; a run that fails names its own.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "harness.h"
#include "sched.h"

enum { HANDLES = 64, TASKS_MAX = 200, ACTIONS = 40, DEPTH_MAX = 6, THREADS = 2,
#ifdef HARNESS_SANITIZED
       ROUNDS = 80 /* of thousands of actions each */
#else
       ROUNDS = 400
#endif
};

/* Of one runtime. */
struct storm {
    unsigned seed;
    int alive, begun, ended;               /* tasks, but the first */
    _Atomic uintptr_t handles[HANDLES];    /* of tasks that are or were: anybody cancels or wakes them */
    atomic_bool calm;                      /* the storm is over: other threads stop */
};

struct member {
    struct storm *storm;
    int depth;
    char more[100]; /* too much for a recycled block in half of the tasks */
};

static struct cede_task *any(struct storm *storm)
{
    return (struct cede_task *)atomic_load(&storm->handles[harness_random(&storm->seed) % HANDLES]);
}

/* Joins, detaches or leaves behind. */
static void be_rid_of(struct storm *storm, struct cede_task *task)
{
    int result;

    switch (harness_random(&storm->seed) % 8) {
    case 0:
        if (cede_detach(task) != 0) /* others join and detach it, too */
            ck_assert_msg(errno == EINVAL || errno == ESRCH, "errno %d", errno);
        break;
    case 1:
        break; /* for cede_run() */
    case 2:
        cede_cancel(task);
        /* fall through */
    default:
        if (cede_join(task, &result) != 0)
            ck_assert_msg(errno == ECANCELED || errno == ETIMEDOUT || errno == EINVAL || errno == ESRCH
                              || errno == EDEADLK, "errno %d", errno);
    }
}

static void wait_somehow(struct storm *storm)
{
    int result;

    errno = 0;
    switch (harness_random(&storm->seed) % 4) {
    case 0:
        result = cede_sleep(harness_random(&storm->seed) % 50000);
        break;
    case 1:
        cede_timeout ((int64_t)(harness_random(&storm->seed) % 50000))
            result = cede_park();
        break;
    case 2:
        cede_shield cede_timeout (harness_random(&storm->seed) % 50000)
            result = cede_sleep(harness_random(&storm->seed) % 50000);
        break;
    default:
        result = cede_yield();
    }
    ck_assert_msg(result == 0 || errno == ECANCELED || errno == ETIMEDOUT, "errno %d", errno);
}

static struct cede_task *spawn(struct storm *storm, int depth);

static void act(struct storm *storm, int depth)
{
    struct cede_task *task;

    switch (harness_random(&storm->seed) % 16) {
    case 0: case 1: case 2: case 3:
        task = spawn(storm, depth + 1);
        if (task && harness_random(&storm->seed) % 2)
            cede_yield();
        if (task)
            be_rid_of(storm, task);
        break;
    case 4:
        cede_cancel(any(storm));
        break;
    case 5: case 6: case 7: case 9:
        cede_wake(any(storm));
        break;
    case 8:
        be_rid_of(storm, any(storm));
        break;
    case 10:
        ck_assert(cede_check() == 0 || errno == ECANCELED || errno == ETIMEDOUT);
        break;
    default:
        wait_somehow(storm);
    }
}

static int storms(void *arg)
{
    struct member *self = arg;
    struct storm *storm = self->storm;
    unsigned actions = harness_random(&storm->seed) % ACTIONS, i;

    storm->begun++;
    if (harness_random(&storm->seed) % 16 == 0)
        cede_name_set("stormy");
    for (i = 0; i < actions; i++)
        if (harness_random(&storm->seed) % 4)
            act(storm, self->depth);
        else
            cede_timeout (harness_random(&storm->seed) % 100000)
                act(storm, self->depth);
    storm->alive--;
    storm->ended++;
    return 0;
}

static struct cede_task *spawn(struct storm *storm, int depth)
{
    static const size_t stacks[] = {0, 0, (size_t)64 << 10, (size_t)128 << 10};
    struct member member = {.storm = storm, .depth = depth};
    struct cede_task_attr attr = {.stack_size = stacks[harness_random(&storm->seed) % 4]};
    size_t size = harness_random(&storm->seed) % 2 ? sizeof member : offsetof(struct member, more);
    struct cede_task *task;

    if (depth >= DEPTH_MAX || storm->alive >= TASKS_MAX)
        return NULL;
    attr.detached = harness_random(&storm->seed) % 16 == 0;
    attr.depth_first = harness_random(&storm->seed) % 3 == 0;
    task = cede__task_go("storm", storms, &member, size, &attr);
    ck_assert_ptr_nonnull(task);
    storm->alive++;
    atomic_store(&storm->handles[harness_random(&storm->seed) % HANDLES], (uintptr_t)task);
    return attr.detached ? NULL : task;
}

static int one_round(void *arg)
{
    struct storm *storm = arg;
    struct cede_task *tasks[8];
    int i;

    for (i = 0; i < 8; i++)
        tasks[i] = spawn(storm, 0);
    for (i = 0; i < 4; i++)
        if (tasks[i])
            be_rid_of(storm, tasks[i]);
    ck_assert_uint_eq(cede__worker->live, (unsigned)storm->alive + 1);
    return 0; /* the rest is cancelled */
}

static void run_rounds(struct storm *storm, unsigned seed, unsigned rounds)
{
    unsigned round;

    for (round = 0; round < rounds; round++) {
        storm->seed = seed + round * 7919;
        storm->begun = storm->ended = 0;
        ck_assert_msg(cede_run(one_round, storm) == 0, "seed %u, round %u: errno %d", seed, round, errno);
        ck_assert_msg(storm->alive == 0, "seed %u, round %u: %d tasks left", seed, round, storm->alive);
        ck_assert_int_eq(storm->begun, storm->ended);
    }
}

START_TEST(alone)
{
    static struct storm storm;

    run_rounds(&storm, 1000u + (unsigned)_i, ROUNDS / 4);
}
END_TEST

/* ---- other threads ---- */

struct wind {
    struct storm *storm;
    unsigned seed;
};

static void *blows(void *arg)
{
    struct wind *wind = arg;
    unsigned *seed = &wind->seed;

    while (!atomic_load(&wind->storm->calm)) {
        struct cede_task *task = (struct cede_task *)atomic_load(&wind->storm->handles[harness_random(seed) % HANDLES]);

        if (harness_random(seed) % 64 == 0)
            cede_cancel(task);
        else
            cede_wake(task);
        if (harness_random(seed) % 128 == 0)
            cede_sleep(harness_random(seed) % 100000);
    }
    return NULL;
}

START_TEST(with_other_threads)
{
    static struct storm storm;
    struct wind winds[THREADS];
    pthread_t threads[THREADS];
    unsigned i;

    for (i = 0; i < THREADS; i++) {
        winds[i] = (struct wind){&storm, 77 + i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, blows, &winds[i]), 0);
    }
    run_rounds(&storm, 2000u + (unsigned)_i, ROUNDS / 8);
    atomic_store(&storm.calm, true);
    for (i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}
END_TEST

/* Two runtimes, whose tasks cancel and wake those of the other. */
static struct storm both[2];

static void *runs_one(void *arg)
{
    unsigned self = (unsigned)(uintptr_t)arg;

    run_rounds(&both[self], 3000 + self, ROUNDS / 8);
    return NULL;
}

START_TEST(two_runtimes)
{
    struct wind winds[2];
    pthread_t runtimes[2], threads[2];
    uintptr_t i;

    for (i = 0; i < 2; i++) {
        winds[i] = (struct wind){&both[i], 99 + (unsigned)i};
        ck_assert_int_eq(pthread_create(&runtimes[i], NULL, runs_one, (void *)i), 0);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, blows, &winds[i]), 0);
    }
    for (i = 0; i < 2; i++) {
        pthread_join(runtimes[i], NULL);
        atomic_store(&both[i].calm, true);
        pthread_join(threads[i], NULL);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *storm = suite_create("storm");
    TCase *cases = tcase_create("storm");

    tcase_set_timeout(cases, 240);
    tcase_add_loop_test(cases, alone, 0, 4);
    tcase_add_loop_test(cases, with_other_threads, 0, 2);
    tcase_add_test(cases, two_runtimes);
    suite_add_tcase(storm, cases);
    return storm;
}
