/* SPDX-License-Identifier: MIT */
/* All helper threads are busy: what needs one waits for as long as a test likes. */
#ifndef CEDE_TESTS_BUSY_H
#define CEDE_TESTS_BUSY_H

#include <cede/offload.h>
#include <semaphore.h>

#include "harness.h"

enum { BUSY_HELPERS = 16 }; /* as many as there can be */

static struct {
    sem_t begun, end;
    struct cede_task *tasks[BUSY_HELPERS];
} busy;

static int busy_helper(void *unused)
{
    (void)unused;
    sem_post(&busy.begun);
    while (sem_wait(&busy.end) != 0)
        ;
    return 0;
}

static int busy_task(void *unused)
{
    (void)unused;
    return cede_offload(busy_helper, NULL, NULL);
}

/* In a task. */
static inline void busy_begin(void)
{
    int i;

    ck_assert_int_eq(sem_init(&busy.begun, 0, 0), 0);
    ck_assert_int_eq(sem_init(&busy.end, 0, 0), 0);
    for (i = 0; i < BUSY_HELPERS; i++)
        ck_assert_ptr_nonnull(busy.tasks[i] = cede_spawn(busy_task, NULL));
    for (i = 0; i < BUSY_HELPERS; i++)
        while (sem_trywait(&busy.begun) != 0)
            cede_sleep(CEDE_MILLISECOND);
}

static inline void busy_end(void)
{
    int i;

    for (i = 0; i < BUSY_HELPERS; i++)
        sem_post(&busy.end);
    for (i = 0; i < BUSY_HELPERS; i++)
        ck_assert_int_eq(cede_await(busy.tasks[i]), 0);
}

#endif
