/* SPDX-License-Identifier: MIT */
/*
 * The same as two tasks: while one sleeps, the other one runs, so they take as long as the slower of the two. Both run
 * on the same OS thread, and share `lines` without a lock.
 *
 * Every task is awaited once; that returns what its function returned.
 */
#include <cede.h>
#include <stdio.h>
#include <string.h>

static int lines;

/* The arguments of a task are a structure of the function's name; cede_go() fills it by name and copies it. */
struct say_after {
    int64_t delay_ns;
    const char *what;
};

static int say_after(struct say_after *arg)
{
    if (cede_sleep(arg->delay_ns) != 0)
        return -1;
    printf("%d: %s\n", ++lines, arg->what);
    return (int)strlen(arg->what);
}

static int app(void *unused)
{
    int64_t began = cede_now();
    struct cede_task *slow = cede_go(say_after, .delay_ns = 400 * CEDE_MILLISECOND, .what = "world");
    struct cede_task *fast = cede_go(say_after, .delay_ns = 200 * CEDE_MILLISECOND, .what = "hello,");
    int letters;

    (void)unused;
    printf("started\n");
    letters = cede_await(slow);
    letters += cede_await(fast);
    printf("%d letters\n", letters);
    printf("it took %s than 600 ms\n", cede_now() - began < 600 * CEDE_MILLISECOND ? "less" : "more");
    return 0;
}

int main(void)
{
    return cede_run(app, NULL);
}
