/* SPDX-License-Identifier: MIT */
/* Channels carry values from task to task; select waits for the first of several. */
#include <cede.h>
#include <stdio.h>

typedef cede_chan_of(int) int_chan; /* another type of element would not compile */

struct count {
    int_chan to;
    int from;
    int step_ms;
};

static int count(struct count *arg)
{
    int i;

    for (i = 0; i < 3; i++) {
        cede_sleep(arg->step_ms * CEDE_MILLISECOND);
        if (cede_chan_put(arg->to, &(int){arg->from + i}) < 0)
            return -1;
    }
    return cede_chan_close(arg->to.chan);
}

static int app(void *unused)
{
    int_chan numbers, ones, hundreds;
    struct cede_chan_case cases[2];
    int value, sum = 0, open = 2, which;

    (void)unused;
    cede_chan_make(numbers, 0); /* unbuffered: the sender waits for the receiver */
    cede_defer(cede_chan_free, numbers.chan);
    cede_chan_make(ones, 4);
    cede_defer(cede_chan_free, ones.chan);
    cede_chan_make(hundreds, 4);
    cede_defer(cede_chan_free, hundreds.chan);
    cede_group (g) {
        cede_group_go(g, count, .to = numbers, .from = 1);
        cede_chan_each (n, numbers) /* until it is closed */
            printf("%d\n", n);

        cede_group_go(g, count, .to = ones, .from = 1, .step_ms = 2);
        cede_group_go(g, count, .to = hundreds, .from = 100, .step_ms = 3);
        cases[0] = cede_case_get(ones, &value);
        cases[1] = cede_case_get(hundreds, &value);
        while (open > 0 && (which = cede_chan_select(cases, 2, 5 * CEDE_SECOND)) >= 0) {
            if (cases[which].result > 0) {
                sum += value;
            } else { /* closed: a case without a channel is never ready */
                cases[which].chan = NULL;
                open--;
            }
        }
    }
    printf("sum %d\n", sum);
    return 0;
}

int main(void)
{
    return cede_run(app, NULL);
}
