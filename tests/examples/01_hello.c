/* SPDX-License-Identifier: MIT */
/*
 * The smallest program: cede_run() makes a runtime on this thread, runs a function as its first task, and returns what
 * that function returns.
 */
#include <cede.h>
#include <stdio.h>

static int app(void *arg)
{
    printf("hello, %s\n", (const char *)arg);
    return 0;
}

int main(void)
{
    return cede_run(app, "world");
}
