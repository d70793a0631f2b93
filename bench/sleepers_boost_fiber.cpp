// SPDX-License-Identifier: MIT
// boost::this_fiber::sleep_for().
#include <boost/fiber/all.hpp>
#include <vector>

#include "sleepers.h"

static void sleeper()
{
    const int64_t duration_ns = sleepers_duration_ns(), due_ns = bench_now() + duration_ns;

    boost::this_fiber::sleep_for(std::chrono::nanoseconds(duration_ns));
    sleepers_woke(due_ns);
}

static void measure(const struct bench_case *which)
{
    std::vector<boost::fibers::fiber> fibers;

    fibers.reserve(static_cast<size_t>(which->n));
    sleepers_start();
    for (long i = 0; i < which->n; i++)
        fibers.emplace_back(std::allocator_arg, boost::fibers::fixedsize_stack(64 << 10), sleeper);
    for (auto &fiber : fibers)
        fiber.join();
    sleepers_report(which);
}

BENCH_SUBJECT("boost-fiber", measure, 100000)
