/* SPDX-License-Identifier: MIT */
/*
 * Two tasks sleep for 200 ms each, and the program takes 200 ms, not 400: while one sleeps, the other one runs.
 * Both run on the same OS thread, so they can share `log_line` without a lock.
 */
#include <cede.h>
#include <stdio.h>

static int log_line;

/* The arguments of a task are a structure of the function's name; cede_go() fills it by name and copies it. */
struct sleeper {
    const char *name;
};

static int sleeper(struct sleeper *arg)
{
    printf("%d: %s falls asleep\n", ++log_line, arg->name);
    cede_sleep(200 * CEDE_MILLISECOND);
    printf("%d: %s wakes up\n", ++log_line, arg->name);
    return 0;
}

static int app(void *unused)
{
    int64_t began = cede_now();
    struct cede_task *a = cede_go(sleeper, .name = "Ann");
    struct cede_task *b = cede_go(sleeper, .name = "Bob");

    (void)unused;
    cede_await(a);
    cede_await(b);
    printf("it took %s than 400 ms\n", cede_now() - began < 400 * CEDE_MILLISECOND ? "less" : "more");
    return 0;
}

int main(void)
{
    return cede_run(app, NULL);
}
