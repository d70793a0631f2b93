/* SPDX-License-Identifier: MIT */
/* Child processes: one is given input and read to its end, one runs out of time and is ended. */
#include <cede.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static int sort(void *unused)
{
    struct cede_process_attr attr = {.in = CEDE_PROCESS_PIPE, .out = CEDE_PROCESS_PIPE};
    struct cede_process_exchange exchange = {.input = "pear\napple\nfig\n", .input_size = 15};
    struct cede_process process;

    (void)unused;
    if (cede_process_spawn(&process, (char *[]){"sort", NULL}, &attr) != 0)
        return -1;
    cede_defer(cede_process_close, &process);
    if (cede_process_communicate(&process, &exchange) != 0)
        return -1;
    printf("%s", exchange.output);
    free(exchange.output);
    return WEXITSTATUS(exchange.status);
}

static int sleep_for_long(void *unused)
{
    struct cede_process process;

    (void)unused;
    if (cede_process_spawn(&process, (char *[]){"sleep", "60", NULL}, NULL) != 0)
        return -1;
    cede_defer(cede_process_close, &process); /* ends it, if it has not ended by then */
    cede_timeout (50 * CEDE_MILLISECOND)
        if (cede_process_wait(&process, NULL) != 0)
            printf("sleep 60: %s\n", strerror(errno));
    return 0;
}

static int app(void *unused)
{
    (void)unused;
    cede_group (g) {
        cede_group_spawn(g, NULL, sort, NULL);
        cede_group_spawn(g, NULL, sleep_for_long, NULL);
    }
    return 0;
}

int main(void)
{
    return cede_run(app, NULL);
}
