// SPDX-License-Identifier: MIT
// boost::fibers::fiber, its stacks from a pool: the fastest that Boost.Fiber has for fibers that come and go.
#include <boost/fiber/all.hpp>
#include <vector>

#include "spawn.h"

namespace {

using stacks = boost::fibers::pooled_fixedsize_stack;

void nothing()
{
}

double per_task(int64_t start, long count)
{
    return static_cast<double>(bench_now() - start) / static_cast<double>(count);
}

double one_by_one(stacks &pool, long count)
{
    const int64_t start = bench_now();

    for (long i = 0; i < count; i++)
        boost::fibers::fiber(std::allocator_arg, pool, nothing).join();
    return per_task(start, count);
}

double at_once(stacks &pool, std::vector<boost::fibers::fiber> &fibers, long count)
{
    const int64_t start = bench_now();

    fibers.clear();
    for (long i = 0; i < count; i++)
        fibers.emplace_back(std::allocator_arg, pool, nothing);
    for (auto &fiber : fibers)
        fiber.join();
    return per_task(start, count);
}

void measure(const bench_case *which)
{
    stacks pool(64 << 10);
    std::vector<boost::fibers::fiber> fibers;

    switch (which->shape) {
    case SPAWN_ONE_BY_ONE:
        one_by_one(pool, bench_count(50000));
        bench_report(nullptr, "ns", one_by_one(pool, bench_count(500000)));
        break;
    case SPAWN_AT_ONCE:
        fibers.reserve(static_cast<size_t>(which->n));
        bench_report("first", "ns", at_once(pool, fibers, which->n));
        bench_report("again", "ns", at_once(pool, fibers, which->n));
        break;
    }
}

} // namespace

BENCH_SUBJECT("boost-fiber", measure, 100000)
