/* SPDX-License-Identifier: MIT */
/*
 * Sleeping parks the task: the thread is free for other tasks. There are none here, so the two waits simply follow each
 * other. A function that waits is called like any other, and nothing in its type tells.
 */
#include <cede.h>
#include <stdio.h>

static int say_after(int64_t delay_ns, const char *what)
{
    if (cede_sleep(delay_ns) != 0)
        return -1;
    printf("%s\n", what);
    return 0;
}

static int app(void *unused)
{
    int64_t began = cede_now();

    (void)unused;
    printf("started\n");
    say_after(100 * CEDE_MILLISECOND, "hello");
    say_after(200 * CEDE_MILLISECOND, "world");
    printf("it took %s than 300 ms\n", cede_now() - began < 300 * CEDE_MILLISECOND ? "less" : "more");
    return 0;
}

int main(void)
{
    return cede_run(app, NULL);
}
