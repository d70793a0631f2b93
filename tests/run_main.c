/* SPDX-License-Identifier: MIT */
/* A program that `cede run` runs: says whether its main is a task, and what came with it. */
#include <cede/task.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* NULL where the library is not preloaded. */
#pragma weak cede_name

/* Whether main's variables lie where they should. */
static bool on_stack(void *variable)
{
    pthread_attr_t attr;
    void *bottom;
    size_t size;

    if (pthread_getattr_np(pthread_self(), &attr) != 0 || pthread_attr_getstack(&attr, &bottom, &size) != 0)
        return false;
    pthread_attr_destroy(&attr);
    return (char *)variable >= (char *)bottom && (char *)variable < (char *)bottom + size;
}

static void goodbye(void)
{
    printf("goodbye\n");
}

int main(int argc, char **argv, char **envp)
{
    const char *preload = getenv("LD_PRELOAD");

    if (argc > 1 && strcmp(argv[1], "exec") == 0) {
        execv(argv[0], (char *[]){argv[0], "executed", NULL});
        return 1;
    }
    atexit(goodbye);
    if (!on_stack(&preload))
        printf("another stack, ");
    printf("%s, %d arguments, %s, LD_PRELOAD %s\n", cede_name ? cede_name() : "no task", argc,
           envp == environ ? "environment" : "another environment", preload ? preload : "unset");
    return argc > 1 ? 7 : 0;
}
