/* SPDX-License-Identifier: MIT */
/*
 * What is every task doing? cede_dump() tells: what each waits for and since when, how much of its stack it has used,
 * and its backtrace. (Here only the first line of each task is printed.) CEDE_DEBUG=dump in the environment, and
 * Ctrl-\, do the same for any program.
 */
#include <cede.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int fetch(void *fd)
{
    char c;

    return (int)cede_read(*(int *)fd, &c, 1);
}

static int parse(void *unused)
{
    (void)unused;
    return cede_fail(EPROTO, "line 3: no colon");
}

static void print_tasks(FILE *report)
{
    char line[256];

    rewind(report);
    while (fgets(line, sizeof line, report))
        if (strncmp(line, "task", 4) == 0)
            printf("%s", line);
}

static int app(void *unused)
{
    struct cede_task_attr attr = {.name = "fetch"};
    FILE *report = tmpfile();
    struct cede_task *task, *ended;
    int fds[2];

    (void)unused;
    if (!report || cede_pipe2(fds, 0) != 0)
        return -1;
    cede_defer(fclose, report);
    task = cede_spawn_attr(&attr, fetch, &fds[0]);
    ended = cede_spawn(parse, NULL);
    cede_sleep(20 * CEDE_MILLISECOND);
    if (cede_dump(fileno(report)) < 0)
        return -1;
    print_tasks(report);
    cede_await(ended);
    cede_cancel(task);
    cede_await(task);
    cede_close(fds[0]);
    return cede_close(fds[1]);
}

int main(void)
{
    return cede_run(app, NULL);
}
