/* SPDX-License-Identifier: MIT */
/* To helper threads with what would block all tasks, and from other threads into the runtime. */
#include <cede.h>
#include <pthread.h>
#include <stdio.h>

struct sum_up {
    long to;
    long *sum;
};

/* Computes for long, and never waits: on a helper thread it keeps nobody from running. */
static int sum_up(struct sum_up *arg)
{
    long i;

    for (i = 1; i <= arg->to; i++)
        *arg->sum += i;
    return 0;
}

static int ticks;

static int tick(void *unused)
{
    (void)unused;
    while (cede_sleep(CEDE_MILLISECOND) == 0)
        ticks++;
    return 0;
}

static int greet(void *name)
{
    cede_sleep(CEDE_MILLISECOND); /* a task like any other */
    printf("hello from the runtime, %s\n", (const char *)name);
    return 7;
}

static void *plain_thread(void *runtime)
{
    static char name[] = "thread";
    struct cede_future answer = {0};
    intptr_t value;

    if (cede_spawn_on(runtime, greet, name, &answer) == 0 && cede_future_wait(&answer, &value) == 0)
        printf("the thread was told %d\n", (int)value);
    return NULL;
}

static int join(void *thread)
{
    return pthread_join(*(pthread_t *)thread, NULL) == 0 ? 0 : -1;
}

static int app(void *unused)
{
    struct cede_task *ticker = cede_spawn(tick, NULL);
    static long sum;         /* what helpers use outlives the call, whatever ends it */
    static pthread_t thread;
    int result;

    (void)unused;
    if (cede_offload_go(sum_up, &result, .to = 100 * 1000 * 1000, .sum = &sum) == 0)
        printf("sum %ld, and meanwhile %s\n", sum, ticks > 0 ? "others ran" : "nobody ran");
    cede_cancel(ticker);
    cede_await(ticker);

    pthread_create(&thread, NULL, plain_thread, cede_runtime());
    return cede_offload(join, &thread, NULL); /* in place it would keep greet() from running */
}

int main(void)
{
    return cede_run(app, NULL);
}
