/* SPDX-License-Identifier: MIT */
/* A value that a task and all its children see, without being passed from function to function. */
#include <cede.h>
#include <stdio.h>

static const struct cede_local request; /* its address is the key */

static void log_line(const char *text)
{
    const char *id = cede_local_get(&request);

    printf("[%s] %s\n", id ? id : "-", text);
}

static int query(void *unused)
{
    (void)unused;
    cede_sleep(CEDE_MILLISECOND);
    log_line("query");
    return 0;
}

struct handle {
    const char *id;
};

static int handle(struct handle *arg)
{
    cede_local_set(&request, (void *)arg->id);
    return cede_await(cede_spawn(query, NULL)); /* the child inherits the value */
}

static int app(void *unused)
{
    (void)unused;
    cede_group (g) {
        cede_group_go(g, handle, .id = "first");
        cede_group_go(g, handle, .id = "second");
    }
    log_line("done");
    return 0;
}

int main(void)
{
    return cede_run(app, NULL);
}
