/* SPDX-License-Identifier: MIT */
/*
 * A crowd for storms: tasks of two runtimes and plain threads, all of which do the same random things to one object.
 * Tasks do some of them under a deadline, and some tasks are cancelled at random. Seeds are fixed.
 */
#ifndef CEDE_TESTS_CROWD_H
#define CEDE_TESTS_CROWD_H

#include <pthread.h>

#include "harness.h"

struct crowd {
    void (*act)(void *object, unsigned *seed); /* one thing; its waits may fail with ECANCELED or ETIMEDOUT */
    void *object;
    unsigned seed;
    int rounds;                                /* so often, each */
    int tasks;                                 /* of each runtime; at most CROWD_TASKS */
    int threads;                               /* plain ones; at most CROWD_THREADS */
};

enum { CROWD_TASKS = 32, CROWD_THREADS = 4, CROWD_RUNTIMES = 2 };

struct crowd_member {
    const struct crowd *crowd;
    unsigned seed;
};

/* A wait succeeded or was ended early. */
static inline int crowd_check(int result)
{
    ck_assert_msg(result >= 0 || errno == ECANCELED || errno == ETIMEDOUT, "errno %d", errno);
    return result;
}

static inline int crowd_task(void *arg)
{
    struct crowd_member *self = arg;
    const struct crowd *crowd = self->crowd;
    int i;

    for (i = 0; i < crowd->rounds && cede_check() == 0; i++)
        if (harness_random(&self->seed) % 2)
            crowd->act(crowd->object, &self->seed);
        else
            cede_timeout (harness_random(&self->seed) % 200000)
                crowd->act(crowd->object, &self->seed);
    return 0;
}

static inline void *crowd_thread(void *arg)
{
    struct crowd_member *self = arg;
    int i;

    for (i = 0; i < self->crowd->rounds; i++)
        self->crowd->act(self->crowd->object, &self->seed);
    return NULL;
}

/* The first task: spawns the others, cancels every second of them sooner or later, and awaits them all. */
static inline int crowd_first(void *arg)
{
    struct crowd_member *self = arg, members[CROWD_TASKS];
    struct cede_task *tasks[CROWD_TASKS];
    int i, count = self->crowd->tasks;

    for (i = 0; i < count; i++) {
        members[i] = (struct crowd_member){self->crowd, self->seed + 1 + (unsigned)i};
        tasks[i] = cede_spawn(crowd_task, &members[i]);
        ck_assert_ptr_nonnull(tasks[i]);
    }
    for (i = 0; i < count / 2; i++) {
        cede_sleep(harness_random(&self->seed) % 500000);
        cede_cancel(tasks[2 * i]);
    }
    for (i = 0; i < count; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
    return 0;
}

static inline void *crowd_runtime(void *member)
{
    ck_assert_int_eq(cede_run(crowd_first, member), 0);
    return NULL;
}

/* In a task, which is the first of the crowd. */
static inline void crowd_run_here(const struct crowd *crowd)
{
    cover_stop(); /* a storm proves little of any single call */
    crowd_first(&(struct crowd_member){crowd, crowd->seed});
}

/* One runtime, in the calling thread. */
static inline void crowd_run_alone(const struct crowd *crowd)
{
    struct crowd_member first = {crowd, crowd->seed};

    cover_stop();
    crowd_runtime(&first);
}

/* Both runtimes and all plain threads. */
static inline void crowd_run(const struct crowd *crowd)
{
    struct crowd_member members[CROWD_RUNTIMES + CROWD_THREADS];
    pthread_t threads[CROWD_RUNTIMES + CROWD_THREADS];
    int i, count = CROWD_RUNTIMES + crowd->threads;

    cover_stop();
    for (i = 0; i < count; i++) {
        members[i] = (struct crowd_member){crowd, crowd->seed + 1000 * (unsigned)i};
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, i < CROWD_RUNTIMES ? crowd_runtime : crowd_thread, &members[i]), 0);
    }
    for (i = 0; i < count; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

#endif
