/* SPDX-License-Identifier: MIT */
/*
 * A future is a result that somebody will bring, once: another task here, or any OS thread. Whoever waits for it parks
 * until it comes. It needs no initialization and no clean-up, but must stay where it is until then.
 */
#include <cede.h>
#include <errno.h>
#include <stdio.h>

struct set_after {
    struct cede_future *future;
    int64_t delay_ns;
    const char *text;
};

static int set_after(struct set_after *arg)
{
    if (cede_sleep(arg->delay_ns) != 0)
        return -1;
    return cede_future_set(arg->future, (intptr_t)arg->text);
}

static int app(void *unused)
{
    struct cede_future future = {0};
    struct cede_task *task = cede_go(set_after, .future = &future, .delay_ns = 100 * CEDE_MILLISECOND, .text = "world");
    intptr_t text;

    (void)unused;
    printf("hello ...\n");
    if (cede_future_wait(&future, &text) == 0)
        printf("... %s\n", (const char *)text);
    if (cede_future_set(&future, 0) != 0 && errno == EALREADY)
        printf("it is set for good\n");
    return cede_await(task);
}

int main(void)
{
    return cede_run(app, NULL);
}
