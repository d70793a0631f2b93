// SPDX-License-Identifier: MIT
// boost::this_fiber::yield(), with the scheduler that Boost.Fiber has by default (round robin, one thread).
#include <boost/fiber/all.hpp>
#include <vector>

#include "yield.h"

namespace {

struct plan {
    long n, warm_up, laps;
};

long yields; // of all

void yield_times(long laps)
{
    while (laps--) {
        boost::this_fiber::yield();
        yields++;
    }
}

// The first keeps the time, as in yield_cede.c.
void timekeeper(const plan *plan)
{
    yield_times(plan->warm_up);
    const long before = yields;
    const int64_t start = bench_now();
    yield_times(plan->laps);
    bench_report(nullptr, "ns", static_cast<double>(bench_now() - start) / static_cast<double>(yields - before));
}

void yielder(const plan *plan)
{
    yield_times(plan->warm_up + plan->laps + 1);
}

void measure(const bench_case *which)
{
    plan plan = {which->n, 0, bench_count(3000000) / which->n + 1};
    std::vector<boost::fibers::fiber> fibers;

    if (which->shape != YIELD_ONE_PLACE)
        return;
    plan.warm_up = plan.laps / 10 + 1;
    for (long i = 0; i < plan.n; i++)
        fibers.emplace_back(std::allocator_arg, boost::fibers::fixedsize_stack(64 << 10), i ? yielder : timekeeper,
                            &plan);
    for (auto &fiber : fibers)
        fiber.join();
}

} // namespace

BENCH_SUBJECT("boost-fiber", measure, 100000)
