/* SPDX-License-Identifier: MIT */
/* State Threads: st_thread_create() and st_thread_join(). */
#include <st.h>

#include "skynet.h"

static void *node(void *arg)
{
    struct skynet_node *me = arg, children[SKYNET_CHILDREN];
    st_thread_t threads[SKYNET_CHILDREN];
    int64_t leaves = me->leaves / SKYNET_CHILDREN;

    me->sum = me->first;
    if (me->leaves == 1)
        return NULL;
    for (int i = 0; i < SKYNET_CHILDREN; i++) {
        children[i] = (struct skynet_node){me->first + i * leaves, leaves, 0};
        if (!(threads[i] = st_thread_create(node, &children[i], 1, 16 << 10)))
            bench_fail("st_thread_create");
    }
    me->sum = 0;
    for (int i = 0; i < SKYNET_CHILDREN; i++) {
        st_thread_join(threads[i], NULL);
        me->sum += children[i].sum;
    }
    return NULL;
}

static void measure(const struct bench_case *which)
{
    struct skynet_node root = {0, which->n, 0};
    int64_t start_ns = bench_now();

    if (st_set_eventsys(ST_EVENTSYS_ALT) != 0 || st_init() != 0)
        bench_fail("st_init");
    node(&root);
    skynet_report(start_ns, which->n, root.sum);
}

BENCH_SUBJECT("st", measure, 1000000)
