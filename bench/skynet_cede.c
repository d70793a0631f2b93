/* SPDX-License-Identifier: MIT */
/*
 * cede_spawn() and cede_join(), in small stacks. Tasks start depth first, which is what Go's scheduler does of itself
 * for the goroutine made last (its slot `runnext`).
 */
#include "skynet_cede.h"

#include <cede.h>

static struct cede_task_attr small = {.stack_size = CEDE_STACK_MIN};

static int node(void *arg)
{
    struct skynet_node *me = arg, children[SKYNET_CHILDREN];
    struct cede_task *tasks[SKYNET_CHILDREN];
    int64_t leaves = me->leaves / SKYNET_CHILDREN;

    if (me->leaves == 1) {
        me->sum = me->first;
        return 0;
    }
    for (int i = 0; i < SKYNET_CHILDREN; i++) {
        children[i] = (struct skynet_node){me->first + i * leaves, leaves, 0};
        if (!(tasks[i] = cede_spawn_attr(&small, node, &children[i])))
            bench_fail("cede_spawn");
    }
    me->sum = 0;
    for (int i = 0; i < SKYNET_CHILDREN; i++) {
        if (cede_join(tasks[i], NULL) != 0)
            bench_fail("cede_join");
        me->sum += children[i].sum;
    }
    return 0;
}

void skynet_cede_measure(const struct bench_case *which, int depth_first)
{
    struct skynet_node root = {0, which->n, 0};
    int64_t start_ns = bench_now();

    small.depth_first = depth_first;
    if (cede_run(node, &root) != 0)
        bench_fail("cede_run");
    skynet_report(start_ns, which->n, root.sum);
}

static void measure(const struct bench_case *which)
{
    skynet_cede_measure(which, 1);
}

BENCH_SUBJECT("cede", measure, 1000000)
