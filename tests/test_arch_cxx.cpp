// SPDX-License-Identifier: MIT
//
// C++ exceptions on top of a port, arch/<cpu>/: they pass through the frames of a context, however often it was
// parked, run the destructors on their way, and stop in cede__entry. Links the port and nothing else of cede.
//
// One thing is left out because it is no matter of a port: the C++ library keeps the exceptions being handled in one
// list per OS thread, so a context that parks inside a catch block must be resumed before another leaves one.
#include <check.h>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern "C" {
#include "arch.h"
}

namespace {

constexpr std::size_t stack_bytes = 256 * 1024;

// A context with its own stack. resume() runs it until it calls park() or its body has returned.
class Context {
public:
    explicit Context(void (*body)(Context &)) : body_(body), self_(nullptr)
    {
        stack_ = mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (stack_ == MAP_FAILED)
            std::abort();
    }
    ~Context() { munmap(stack_, stack_bytes); }
    Context(const Context &) = delete;
    Context &operator=(const Context &) = delete;

    void resume()
    {
        if (self_)
            cede__switch(&resumer_, self_);
        else
            cede__start(&resumer_, static_cast<char *>(stack_) + stack_bytes, enter, this);
    }
    void park() { cede__switch(&self_, resumer_); }

    // What happened on the context's stack, to be asserted on the main stack.
    std::string log;

private:
    static void *enter(void *context)
    {
        auto *self = static_cast<Context *>(context);
        self->body_(*self);
        self->log += " end";
        return self->resumer_;
    }

    void (*body_)(Context &);
    void *stack_;
    void *self_; // null: not begun
    void *resumer_ = nullptr;
};

struct Noted {
    Context &context;
    const char *name;
    ~Noted() { context.log += std::string(" ~") + name; }
};

// Parks at each depth on the way down, and throws at the bottom.
[[gnu::noinline]] void throw_deep(Context &c, int depth)
{
    Noted noted{c, depth % 2 ? "odd" : "even"};
    c.park();
    if (depth == 0)
        throw std::runtime_error("bottom");
    throw_deep(c, depth - 1);
}

void catch_deep(Context &c)
{
    try {
        throw_deep(c, 3);
    } catch (const std::runtime_error &e) {
        c.log += std::string(" ") + e.what();
    }
}

const char *const deep_log = " ~even ~odd ~even ~odd bottom end";

START_TEST(test_catch_in_context)
{
    Context c(catch_deep);
    for (int i = 0; i < 5; i++)
        c.resume();
    ck_assert_str_eq(c.log.c_str(), deep_log);
}
END_TEST

// The main stack throws and catches while each of the contexts is parked in the middle of its frames.
START_TEST(test_interleaved)
{
    Context a(catch_deep), b(catch_deep);
    int caught = 0;
    for (int i = 0; i < 5; i++) {
        try {
            a.resume();
            b.resume();
            throw i;
        } catch (int thrown) {
            caught += thrown == i;
        }
    }
    ck_assert_int_eq(caught, 5);
    ck_assert_str_eq(a.log.c_str(), deep_log);
    ck_assert_str_eq(b.log.c_str(), deep_log);
}
END_TEST

void rethrow(Context &c)
{
    try {
        try {
            throw_deep(c, 1);
        } catch (...) {
            c.log += " again";
            c.park();
            throw;
        }
    } catch (const std::exception &e) {
        c.log += std::string(" ") + e.what();
    }
}

START_TEST(test_park_while_handling)
{
    Context c(rethrow);
    for (int i = 0; i < 4; i++)
        c.resume();
    ck_assert_str_eq(c.log.c_str(), " ~even ~odd again bottom end");
}
END_TEST

// An exception is carried over: caught in the context, thrown again on the main stack.
std::exception_ptr carried;

void carry(Context &c)
{
    try {
        throw_deep(c, 0);
    } catch (...) {
        carried = std::current_exception();
    }
}

START_TEST(test_carried_over)
{
    std::string what;
    Context c(carry);
    c.resume();
    c.resume();
    try {
        std::rethrow_exception(carried);
    } catch (const std::runtime_error &e) {
        what = e.what();
    }
    ck_assert_str_eq(what.c_str(), "bottom");
}
END_TEST

// Nobody catches: the unwinder finds the end of the stack in cede__entry, and std::terminate is called in place.
void throw_uncaught(Context &c)
{
    throw_deep(c, 0);
}

START_TEST(test_uncaught_terminates)
{
    int status = 0;
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        Context c(throw_uncaught);
        std::set_terminate([] { _exit(42); });
        c.resume();
        c.resume();
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 42, "no std::terminate: wait status %#x",
                  static_cast<unsigned>(status));
}
END_TEST

} // namespace

int main()
{
    Suite *suite = suite_create("arch/" CEDE__FRAME_CPU ", C++");
    setenv("CK_DEFAULT_TIMEOUT", "30", 0); // seconds per test; libcheck's 4 are short for an emulator
    TCase *port = tcase_create("exceptions");
    tcase_add_test(port, test_catch_in_context);
    tcase_add_test(port, test_interleaved);
    tcase_add_test(port, test_park_while_handling);
    tcase_add_test(port, test_carried_over);
    tcase_add_test(port, test_uncaught_terminates);
    suite_add_tcase(suite, port);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
