/* SPDX-License-Identifier: MIT */
/*
 * A lock around a wait, an event for everybody, a semaphore for some. Between two waits nothing else runs, so plain
 * code needs none of them.
 */
#include <cede.h>
#include <stdio.h>

static struct cede_mutex account;
static int balance = 100;
static struct cede_event open_for_all;
static struct cede_sem places;
static int inside, most_inside;

struct withdraw {
    int amount;
};

static int withdraw(struct withdraw *arg)
{
    cede_locked (&account) {
        int before = balance;

        cede_sleep(5 * CEDE_MILLISECOND); /* asks the bank; without the lock, others would withdraw meanwhile */
        balance = before - arg->amount;
        printf("%d withdrawn, %d left\n", arg->amount, balance);
    }
    return 0;
}

static int visit(void *unused)
{
    (void)unused;
    cede_event_wait(&open_for_all);
    cede_sem_wait(&places);
    if (++inside > most_inside)
        most_inside = inside;
    cede_sleep(5 * CEDE_MILLISECOND);
    inside--;
    return cede_sem_post(&places);
}

static int app(void *unused)
{
    int i;

    (void)unused;
    cede_group (g)
        for (i = 1; i <= 3; i++)
            cede_group_go(g, withdraw, .amount = 10 * i);
    cede_sem_init(&places, 2);
    cede_group (g) {
        for (i = 0; i < 6; i++)
            cede_group_spawn(g, NULL, visit, NULL);
        cede_sleep(5 * CEDE_MILLISECOND);
        printf("before it opens: %d inside\n", most_inside);
        cede_event_set(&open_for_all);
    }
    printf("six visitors, at most %d at a time\n", most_inside);
    return 0;
}

int main(void)
{
    return cede_run(app, NULL);
}
