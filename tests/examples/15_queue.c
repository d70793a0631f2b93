/* SPDX-License-Identifier: MIT */
/* Three workers share the work of a queue; whoever filled it waits until all of it is done. */
#include <cede.h>
#include <stdio.h>

enum { WORKERS = 3, JOBS = 9 };

struct job {
    int urgency, number;
};

static int more_urgent(const void *a, const void *b)
{
    return ((const struct job *)b)->urgency - ((const struct job *)a)->urgency;
}

static int done;

static int worker(void *queue)
{
    struct job job;

    while (cede_queue_get(queue, &job) > 0) { /* until the queue is shut down */
        if (done++ < 3)
            printf("job %d, urgency %d\n", job.number, job.urgency);
        cede_sleep(CEDE_MILLISECOND);
        cede_queue_task_done(queue);
    }
    return 0;
}

static int app(void *unused)
{
    struct cede_queue *queue = cede_queue_open_priority(sizeof(struct job), 0, more_urgent);
    int i;

    (void)unused;
    cede_defer(cede_queue_free, queue);
    for (i = 1; i <= JOBS; i++)
        cede_queue_put(queue, &(struct job){.urgency = i * i, .number = i});
    cede_group (g) {
        for (i = 0; i < WORKERS; i++)
            cede_group_spawn(g, NULL, worker, queue);
        cede_queue_join(queue);
        printf("%d jobs done\n", done);
        cede_queue_shutdown(queue, 0);
    }
    return 0;
}

int main(void)
{
    return cede_run(app, NULL);
}
