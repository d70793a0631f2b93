/* SPDX-License-Identifier: MIT */
/* A C++ program of threads for `cede run --threads`: must say the same both ways, as run_threads.h has it. */
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <future>
#include <mutex>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

void pause_ms(int ms)
{
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

/* Each thread handles an exception of its own while the others do. */
void exceptions()
{
    std::vector<std::thread> threads;
    std::atomic<int> right{0};

    for (int i = 0; i < 50; i++)
        threads.emplace_back([i, &right] {
            try {
                throw std::runtime_error(std::to_string(i));
            } catch (const std::exception &) {
                pause_ms(1 + i % 7);
                try {
                    throw;
                } catch (const std::exception &again) {
                    pause_ms(1 + i % 3);
                    right += again.what() == std::to_string(i) && std::uncaught_exceptions() == 0;
                }
            }
        });
    for (auto &thread : threads)
        thread.join();
    std::printf("%d right\n", right.load());
}

struct Says {
    const char *what;
    ~Says() { std::printf("destructor: %s\n", what), std::fflush(stdout); }
};

void say(void *what)
{
    std::printf("clean-up: %s\n", static_cast<char *>(what));
}

void *waits(void *)
{
    Says outer{"outer"};

    pthread_cleanup_push(say, const_cast<char *>("pushed"));
    try {
        Says inner{"inner"};

        for (;;)
            pause();
    } catch (...) {
        std::printf("caught\n");
        throw; /* as must be */
    }
    pthread_cleanup_pop(0);
    return nullptr;
}

void cancelled()
{
    pthread_t id;
    void *result;

    pthread_create(&id, nullptr, waits, nullptr);
    pause_ms(5);
    pthread_cancel(id);
    pthread_join(id, &result);
    std::printf("%d\n", result == PTHREAD_CANCELED);
}

void futures()
{
    std::promise<int> promise;
    std::promise<void> go;
    std::future<int> future = promise.get_future();
    std::thread thread([&promise, &go] {
        go.get_future().wait();
        pause_ms(5);
        promise.set_value(7);
    });

    std::printf("ready: %d\n", future.wait_for(std::chrono::milliseconds(1)) == std::future_status::ready);
    go.set_value();
    std::printf("%d\n", future.get());
    thread.join();
    std::printf("%d\n", std::async(std::launch::async, [] { return 8; }).get());
    std::future<void> failed = std::async(std::launch::async, [] { throw std::runtime_error("as asked"); });
    try {
        failed.get();
    } catch (const std::exception &error) {
        std::printf("%s\n", error.what());
    }
}

void conditions()
{
    std::mutex mutex;
    std::condition_variable condition;
    std::once_flag once;
    int turn = 0, calls = 0;
    std::vector<std::thread> threads;

    for (int i = 0; i < 10; i++)
        threads.emplace_back([&, i] {
            std::call_once(once, [&] {
                pause_ms(2);
                calls++;
            });
            std::unique_lock<std::mutex> lock(mutex);
            condition.wait(lock, [&] { return turn == i; });
            turn++;
            condition.notify_all();
        });
    for (auto &thread : threads)
        thread.join();
    std::printf("%d turns, %d call\n", turn, calls);
}

const struct {
    const char *name;
    void (*play)();
} scenes[] = {
    {"exceptions", exceptions},
    {"cancelled", cancelled},
    {"futures", futures},
    {"conditions", conditions},
};

} // namespace

int main(int argc, char **argv)
{
    for (auto &scene : scenes)
        if (argc < 2)
            std::printf("%s\n", scene.name);
        else if (std::strcmp(argv[1], scene.name) == 0)
            scene.play();
    return 3;
}
