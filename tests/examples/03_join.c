/* SPDX-License-Identifier: MIT */
/*
 * Every task is joined once, and joining hands over what its function returned. As everywhere in C, a negative result
 * means that errno tells why: that errno comes over too.
 */
#include <cede.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct divide {
    int by;
};

static int divide(struct divide *arg)
{
    cede_sleep(10 * CEDE_MILLISECOND); /* a long calculation */
    if (arg->by == 0) {
        errno = EDOM;
        return -1;
    }
    return 84 / arg->by;
}

static int app(void *unused)
{
    struct cede_task *good = cede_go(divide, .by = 2);
    struct cede_task *bad = cede_go(divide, .by = 0);
    int result;

    (void)unused;
    if (cede_join(good, &result) == 0)
        printf("84 / 2 = %d\n", result);

    /* cede_await() is the short form: it returns the task's result itself. */
    if (cede_await(bad) < 0)
        printf("84 / 0: %s\n", strerror(errno));

    /* A task that was joined is gone. Its handle is safe to use, and says so. */
    if (cede_join(good, &result) < 0)
        printf("joining twice: %s\n", strerror(errno));
    return 0;
}

int main(void)
{
    return cede_run(app, NULL);
}
