/* SPDX-License-Identifier: MIT */
/*
 * cede_timeout sets a deadline for everything that its block calls, however deep: the wait that it hits fails with
 * ETIMEDOUT. Functions in between need no timeout parameter.
 */
#include <cede.h>
#include <errno.h>
#include <stdio.h>

/* Two steps of 50 ms; knows nothing of deadlines. */
static int slow_work(void)
{
    if (cede_sleep(50 * CEDE_MILLISECOND) != 0)
        return -1;
    return cede_sleep(50 * CEDE_MILLISECOND);
}

static const char *try_it(void)
{
    return slow_work() == 0 ? "done in time" : errno == ETIMEDOUT ? "timed out" : "failed";
}

static int app(void *unused)
{
    (void)unused;
    cede_timeout (10 * CEDE_SECOND)
        printf("10 s: %s\n", try_it());

    cede_timeout (70 * CEDE_MILLISECOND)
        printf("70 ms: %s\n", try_it());

    /* Scopes nest, and the nearest deadline counts: an inner scope cannot have more time than the outer one. */
    cede_timeout (20 * CEDE_MILLISECOND)
        cede_timeout (10 * CEDE_SECOND)
            printf("10 s within 20 ms: %s\n", try_it());

    printf("afterwards: %s\n", try_it());
    return 0;
}

int main(void)
{
    return cede_run(app, NULL);
}
