/* SPDX-License-Identifier: MIT */
/*
 * A generator hands out one item after another. Its body is a function that may wait, and lives as long as the loop
 * that consumes it: leaving the loop early makes its cede_gen_put() fail, and it cleans up and returns.
 */
#include <cede.h>
#include <stdio.h>

struct ticker {
    int to;
};

static void say(const char *text)
{
    printf("%s\n", text);
}

static int ticker(struct ticker *arg, int *item)
{
    int i;

    cede_defer(say, "ticker: cleaned up");
    for (i = 0; i < arg->to; i++) {
        if (cede_sleep(10 * CEDE_MILLISECOND) != 0 || cede_gen_put(item, i) != 0)
            return -1;
    }
    return 0;
}

static int app(void *unused)
{
    (void)unused;
    cede_for (int, i, ticker, .to = 3)
        printf("tick %d\n", i);

    cede_for (int, i, ticker, .to = 1000) {
        printf("tick %d\n", i);
        if (i == 1)
            break;
    }
    printf("done\n");
    return 0;
}

int main(void)
{
    return cede_run(app, NULL);
}
