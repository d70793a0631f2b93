/* SPDX-License-Identifier: MIT */
/*
 * Cancelling a task ends the wait that it is in with ECANCELED, and every further one. Nothing is torn down behind its
 * back: it returns from its calls in the usual way and cleans up after itself.
 */
#include <cede.h>
#include <errno.h>
#include <stdio.h>

static int wait_for_ever(void *unused)
{
    (void)unused;
    printf("task: waiting\n");
    if (cede_sleep(CEDE_FOREVER) != 0 && errno == ECANCELED)
        printf("task: I was cancelled\n");

    /* Cancelled stays cancelled, so that no loop can miss it ... */
    if (cede_sleep(CEDE_SECOND) != 0 && errno == ECANCELED)
        printf("task: and cannot wait any more\n");

    /* ... except where clean-up has to wait: inside a shield. */
    cede_shield {
        if (cede_sleep(10 * CEDE_MILLISECOND) == 0)
            printf("task: but could clean up\n");
    }
    errno = ECANCELED;
    return -1;
}

static int app(void *unused)
{
    struct cede_task *task = cede_spawn(wait_for_ever, NULL);

    (void)unused;
    cede_sleep(10 * CEDE_MILLISECOND);
    printf("main: cancelling it\n");
    cede_cancel(task);
    if (cede_await(task) < 0 && errno == ECANCELED)
        printf("main: it was cancelled\n");
    return 0;
}

int main(void)
{
    return cede_run(app, NULL);
}
