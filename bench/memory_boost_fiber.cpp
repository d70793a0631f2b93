// SPDX-License-Identifier: MIT
// Fibers that wait for a condition; their stacks from malloc(3), without guards, which is Boost.Fiber's default.
#include <boost/fiber/all.hpp>
#include <vector>

#include "memory.h"

static boost::fibers::mutex lock;
static boost::fibers::condition_variable end;
static bool ended;
static long parked;

static void park()
{
    std::unique_lock<boost::fibers::mutex> held(lock);

    parked++;
    end.wait(held, [] { return ended; });
}

static void measure(const struct bench_case *which)
{
    std::vector<boost::fibers::fiber> fibers;
    struct memory_mark before = memory_mark();

    fibers.reserve(static_cast<size_t>(which->n));
    before = memory_mark(); /* reading it has brought the C library's own memory */
    for (long i = 0; i < which->n; i++)
        fibers.emplace_back(std::allocator_arg, boost::fibers::fixedsize_stack(MEMORY_STACK_BYTES), park);
    while (parked < which->n)
        boost::this_fiber::yield();
    memory_report(&before, which);
    ended = true;
    end.notify_all();
    for (auto &fiber : fibers)
        fiber.join();
}

BENCH_SUBJECT("boost-fiber", measure, 100000)
