// SPDX-License-Identifier: MIT
// boost::fibers::fiber and join(), stacks from a pool.
#include <boost/fiber/all.hpp>

#include "skynet.h"

static boost::fibers::pooled_fixedsize_stack pool(16 << 10);

static void node(skynet_node *me)
{
    skynet_node children[SKYNET_CHILDREN];
    boost::fibers::fiber fibers[SKYNET_CHILDREN];
    const int64_t leaves = me->leaves / SKYNET_CHILDREN;

    me->sum = me->first;
    if (me->leaves == 1)
        return;
    for (int i = 0; i < SKYNET_CHILDREN; i++) {
        children[i] = {me->first + i * leaves, leaves, 0};
        fibers[i] = boost::fibers::fiber(std::allocator_arg, pool, node, &children[i]);
    }
    me->sum = 0;
    for (int i = 0; i < SKYNET_CHILDREN; i++) {
        fibers[i].join();
        me->sum += children[i].sum;
    }
}

static void measure(const struct bench_case *which)
{
    skynet_node root = {0, which->n, 0};
    const int64_t start_ns = bench_now();

    node(&root);
    skynet_report(start_ns, which->n, root.sum);
}

BENCH_SUBJECT("boost-fiber", measure, 100000)
