/* SPDX-License-Identifier: MIT */
/*
 * What is deferred runs when its block is left, in whatever way: here by return, in a task that has done its work and
 * in one that was cancelled in the midst of it. (It also runs on break, goto and cede_exit.)
 */
#include <cede.h>
#include <stdio.h>

static void close_log(FILE *file)
{
    printf("closing the file after %ld bytes\n", ftell(file));
    fclose(file);
}

struct logger {
    int lines;
};

static int logger(struct logger *arg)
{
    FILE *file = tmpfile();
    int i;

    if (!file)
        return -1;
    cede_defer(close_log, file);
    for (i = 0; i < arg->lines; i++) {
        fprintf(file, "tick\n");
        if (cede_sleep(10 * CEDE_MILLISECOND) != 0)
            return -1;
    }
    printf("done\n");
    return 0;
}

static int app(void *unused)
{
    struct cede_task *task;

    (void)unused;
    cede_await(cede_go(logger, .lines = 3));
    task = cede_go(logger, .lines = 1000);
    cede_yield(); /* it opens its file and begins */
    cede_cancel(task);
    if (cede_await(task) != 0)
        printf("cancelled\n");
    return 0;
}

int main(void)
{
    return cede_run(app, NULL);
}
