/* SPDX-License-Identifier: MIT */
/* The smallest program that needs all of an installation: headers, the library, and what the library needs. */
#include <cede.h>
#include <stdio.h>

struct child { int result; };

static int child(struct child *a)
{
    return cede_sleep(CEDE_MILLISECOND) == 0 ? a->result : -1;
}

static int app(void *unused)
{
    (void)unused;
    printf("%d from a task\n", cede_await(cede_go(child, .result = 7)));
    return 0;
}

int main(void)
{
    return cede_run(app, NULL) == 0 ? 0 : 1;
}
