/* SPDX-License-Identifier: MIT */
/*
 * Cancelling a task ends the wait that it is in with ECANCELED, and every further one. Nothing is torn down behind its
 * back: it returns from its calls in the usual way and cleans up after itself.
 */
#include <cede.h>
#include <errno.h>
#include <stdio.h>

static int cancel_me(void *unused)
{
    (void)unused;
    printf("cancel_me(): before sleep\n");
    if (cede_sleep(CEDE_HOUR) == 0)
        return 0;
    if (errno == ECANCELED)
        printf("cancel_me(): cancel sleep\n");

    /* Cancelled stays cancelled, so that no loop can miss it; clean-up that has to wait does so in a shield, and gives
     * itself a deadline. */
    cede_shield cede_timeout (CEDE_SECOND)
        if (cede_sleep(10 * CEDE_MILLISECOND) == 0)
            printf("cancel_me(): after sleep\n");
    errno = ECANCELED;
    return -1;
}

static int app(void *unused)
{
    struct cede_task *task = cede_spawn(cancel_me, NULL);

    (void)unused;
    cede_sleep(100 * CEDE_MILLISECOND);
    cede_cancel(task);
    if (cede_await(task) < 0 && errno == ECANCELED)
        printf("main(): cancel_me is cancelled now\n");
    return 0;
}

int main(void)
{
    return cede_run(app, NULL);
}
