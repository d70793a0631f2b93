/* SPDX-License-Identifier: MIT */
/*
 * A function fails by returning a negative value, with errno set; cede_fail() adds a message for people. Both reach
 * whoever awaits the task, and go on from there if that one fails as well. In a group the first failure cancels the
 * others, and is what the group reports.
 */
#include <cede.h>
#include <errno.h>
#include <stdio.h>

struct divide {
    int number, by;
};

static int divide(struct divide *arg)
{
    if (cede_sleep(10 * CEDE_MILLISECOND) != 0) /* a long calculation */
        return -1;
    if (arg->by == 0)
        return cede_fail(EDOM, "%d / 0 has no result", arg->number);
    return arg->number / arg->by;
}

static int halve_and_divide(void *unused)
{
    int half = cede_await(cede_go(divide, .number = 84, .by = 2));

    (void)unused;
    printf("84 / 2 = %d\n", half);
    return cede_await(cede_go(divide, .number = half, .by = 0)); /* its failure is ours */
}

static int bystander(void *unused)
{
    (void)unused;
    if (cede_sleep(CEDE_HOUR) != 0 && errno == ECANCELED)
        printf("bystander: cancelled\n");
    errno = ECANCELED;
    return -1;
}

static int app(void *unused)
{
    (void)unused;
    if (cede_await(cede_spawn(halve_and_divide, NULL)) < 0)
        printf("%s%s\n", errno == EDOM ? "EDOM: " : "", cede_error());

    cede_group (g) {
        cede_group_spawn(g, NULL, bystander, NULL);
        cede_group_go(g, divide, .number = 7, .by = 0);
        if (cede_group_wait(g) < 0)
            printf("group: %s\n", cede_error());
    }
    return 0;
}

int main(void)
{
    return cede_run(app, NULL);
}
