/* SPDX-License-Identifier: MIT */
/*
 * Three workers at once, and their results in the order in which they were started. The group sees to it that none of
 * them is left when its block is: if one failed, the others would be cancelled.
 */
#include <cede.h>
#include <stdio.h>

#define STEP (CEDE_SECOND / 3)

struct factorial {
    char name;
    int number;
};

static int factorial(struct factorial *arg)
{
    int product = 1, i;

    for (i = 2; i <= arg->number; i++) {
        printf("Task %c: Compute factorial(%d), currently i=%d...\n", arg->name, arg->number, i);
        if (cede_sleep(STEP) != 0)
            return -1;
        product *= i;
    }
    printf("Task %c: factorial(%d) = %d\n", arg->name, arg->number, product);
    return product;
}

static int app(void *unused)
{
    int64_t began = cede_now();
    struct cede_task *tasks[3];
    int results[3];

    (void)unused;
    cede_group (g) {
        tasks[0] = cede_group_go(g, factorial, .name = 'A', .number = 2);
        tasks[1] = cede_group_go(g, factorial, .name = 'B', .number = 3);
        tasks[2] = cede_group_go(g, factorial, .name = 'C', .number = 4);
        if (cede_tasks_gather(tasks, 3, results) != 0)
            return -1;
    }
    printf("[%d, %d, %d]\n", results[0], results[1], results[2]);
    printf("about %d s\n", (int)((cede_now() - began + CEDE_SECOND / 2) / CEDE_SECOND));
    return 0;
}

int main(void)
{
    return cede_run(app, NULL);
}
