// SPDX-License-Identifier: MIT
// Boost.Fiber: unbuffered_channel, mutex, condition_variable, promise and future. It has no select.
#include <boost/fiber/all.hpp>
#include <climits>
#include <vector>

#include "sync.h"

namespace fibers = boost::fibers;
using fibers::channel_op_status;

namespace {

long turns;
fibers::unbuffered_channel<long> there, back;
fibers::mutex mutex;
fibers::condition_variable changed[2];
std::vector<fibers::promise<long>> promises; // two for each turn
int turn_of;

void pass(int me)
{
    auto &in = me == 0 ? back : there, &out = me == 0 ? there : back;
    long ball = 0;

    if (me == 0 && out.push(ball) != channel_op_status::success)
        bench_fail("push");
    for (long turn = 0; turn < turns; turn++) {
        if (in.pop(ball) != channel_op_status::success)
            bench_fail("pop");
        if ((me != 0 || turn + 1 < turns) && out.push(ball) != channel_op_status::success)
            bench_fail("push");
    }
}

void lock(int)
{
    for (long turn = 0; turn < turns; turn++) {
        std::lock_guard<fibers::mutex> held(mutex);

        boost::this_fiber::yield();
    }
}

void take_turns(int me)
{
    std::unique_lock<fibers::mutex> held(mutex);

    for (long turn = 0; turn < turns; turn++) {
        while (turn_of != me)
            changed[me].wait(held);
        turn_of = !me;
        changed[!me].notify_one();
    }
}

void exchange(int me)
{
    long value = 0;

    for (long turn = 0; turn < turns; turn++) {
        if (me == 1)
            value = promises[static_cast<size_t>(2 * turn)].get_future().get();
        promises[static_cast<size_t>(2 * turn + me)].set_value(value + 1);
        if (me == 0)
            value = promises[static_cast<size_t>(2 * turn + 1)].get_future().get();
    }
}

double both(void (*first)(int), void (*second)(int), long how_many)
{
    turns = how_many;
    turn_of = 0;
    promises.clear();
    const int64_t start = bench_now();
    if (first == exchange) // making them is part of it
        promises.resize(static_cast<size_t>(2 * turns));
    fibers::fiber a(first, 0), b(second, 1);
    a.join();
    b.join();
    return static_cast<double>(bench_now() - start) / static_cast<double>(2 * turns);
}

void measure(const bench_case *which)
{
    void (*const tasks[][2])(int) = {
        {pass, pass}, {nullptr, nullptr}, {lock, lock}, {take_turns, take_turns}, {exchange, exchange},
    };
    void (*const *pair)(int) = tasks[which->shape];

    if (!pair[0])
        return;
    both(pair[0], pair[1], bench_count(20000));
    bench_report(nullptr, "ns", both(pair[0], pair[1], bench_count(200000)));
    promises.clear(); // after main() would be too late for Boost.Fiber
}

} // namespace

BENCH_SUBJECT("boost-fiber", measure, LONG_MAX)
