/* SPDX-License-Identifier: MIT */
/*
 * What needs a task says so where there is none: EPERM, and nothing happens. What merely waits, waits all the same, by
 * blocking the thread. And a thread runs one runtime at a time.
 */
#include <cede.h>
#include <errno.h>
#include <stdio.h>

static int work(void *unused)
{
    (void)unused;
    printf("working\n");
    return 0;
}

static int app(void *unused)
{
    (void)unused;
    if (cede_run(work, NULL) != 0 && errno == EBUSY)
        printf("a second runtime: refused\n");
    return cede_await(cede_spawn(work, NULL));
}

int main(void)
{
    if (!cede_spawn(work, NULL) && errno == EPERM)
        printf("a task outside a runtime: refused\n");
    if (!cede_self())
        printf("there is no current task\n");
    if (cede_run(app, NULL) != 0)
        return 1;
    printf("the runtime has ended\n");
    return cede_sleep(CEDE_MILLISECOND) == 0 ? 0 : 1; /* a plain sleep */
}
