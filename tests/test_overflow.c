/* SPDX-License-Identifier: MIT */
/* Stack overflow: the report, and the crash that follows. Each in a child process, with either kind of guard. */
#include "overflow.h"

#include <alloca.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "capture.h"
#include "harness.h"
#include "overflow_probed.h"
#include "sched.h"

static struct capture seen;

static size_t room(void)
{
    return (size_t)((char *)__builtin_frame_address(0) - cede__worker->current->run.stack->bottom);
}

/* Touches only the lowest byte of a frame that ends so many bytes below the stack. */
static __attribute__((noinline)) void overflow_by(size_t bytes)
{
    volatile char *frame = alloca(room() + bytes);

    frame[0] = 1;
}

static int overflow_one_page(void *unused)
{
    (void)unused;
    overflow_by(4096);
    return 0;
}

static int overflow_ten_pages(void *unused)
{
    (void)unused;
    overflow_by(10 * 4096);
    return 0;
}

static int overflow_big_frame(void *unused)
{
    (void)unused;
    overflow_probed(64 << 20);
    return 0;
}

static volatile unsigned recursion_stop;

static __attribute__((noinline)) unsigned overflow_recursion(unsigned depth)
{
    volatile char frame[100];

    frame[0] = (char)depth;
    if (depth == recursion_stop)
        return 0;
    return overflow_recursion(depth + 1) + (unsigned)frame[0];
}

/* Each level looks up a number, which takes more stack than anything else: libc overflows, and not this function. */
static __attribute__((noinline)) unsigned overflow_lookup(unsigned depth)
{
    struct addrinfo *found = NULL;

    if (depth == recursion_stop || cede_getaddrinfo("127.0.0.1", "80", NULL, &found) != 0)
        return 0;
    freeaddrinfo(found);
    return overflow_lookup(depth + 1) + 1;
}

static int overflow_in_libc(void *unused)
{
    (void)unused;
    return overflow_lookup(1) == 12345;
}

static int overflow_by_recursion(void *unused)
{
    (void)unused;
    return overflow_recursion(1) == 12345;
}

static int sleep_on(void *unused)
{
    (void)unused;
    return cede_sleep(CEDE_FOREVER);
}

/* Runs a function in a task that is not the first, with others around. */
static int spawn_victim(void *victim)
{
    static const struct cede_task_attr named = {.name = "victim"}, other = {.name = "other"};
    struct cede_task *bystander = cede_spawn_attr(&other, sleep_on, NULL);

    cede_yield();
    cede_await(cede_spawn_attr(&named, *(cede_task_fn **)victim, NULL));
    cede_cancel(bystander);
    return 0;
}

static void run_victim(void *victim)
{
    cede_run(spawn_victim, victim);
}

static const struct {
    const char *guard;
    cede_task_fn *fn;
    const char *frame;
} cases[] = {
    {"madvise", overflow_one_page, " overflow_by"},      {"protect", overflow_one_page, " overflow_by"},
    {"madvise", overflow_ten_pages, " overflow_by"},     {"protect", overflow_ten_pages, " overflow_by"},
    {"madvise", overflow_big_frame, " overflow_probed"}, {"protect", overflow_big_frame, " overflow_probed"},
    {"madvise", overflow_by_recursion, " overflow_recursion"},
    {"protect", overflow_by_recursion, " overflow_recursion"},
    {"madvise", overflow_in_libc, " overflow_lookup"},
};

START_TEST(an_overflow_names_its_task_and_crashes)
{
    cede_task_fn *victim = cases[_i].fn;

    setenv("CEDE_GUARD", cases[_i].guard, 1);
    capture_child(&seen, run_victim, &victim);
    ck_assert_says(&seen, "cede: stack overflow in task ");
    ck_assert_says(&seen, "\"victim\": all of its 256 KiB are used; give it more with stack_size\n");
    ck_assert_says(&seen, cases[_i].frame);
    ck_assert_says(&seen, " cede__entry+0x");
    capture_assert_killed(&seen, SIGSEGV);
    /* A long backtrace is cut in the middle. */
    if (victim == overflow_by_recursion || victim == overflow_in_libc)
        ck_assert_says(&seen, " more ...\n");
    else
        ck_assert_silent_on(&seen, " more ...\n");
}
END_TEST

static void *run_victim_there(void *victim)
{
    run_victim(victim);
    return NULL;
}

static void run_on_thread(void *victim)
{
    pthread_t thread;

    pthread_create(&thread, NULL, run_victim_there, victim);
    pthread_join(thread, NULL);
}

START_TEST(every_thread_reports)
{
    cede_task_fn *victim = overflow_by_recursion;

    capture_child(&seen, run_on_thread, &victim);
    ck_assert_says(&seen, "\"victim\": all of its 256 KiB are used");
    capture_assert_killed(&seen, SIGSEGV);
}
END_TEST

static void *volatile somewhere;

static int touch_neighbour(void *unused)
{
    (void)unused;
    *(volatile char *)somewhere = 1;
    return 0;
}

static int note_guard(void *unused)
{
    (void)unused;
    somewhere = cede__worker->current->run.stack->bottom - 1;
    return cede_sleep(CEDE_FOREVER);
}

static int spawn_neighbours(void *unused)
{
    static const struct cede_task_attr victim = {.name = "victim"}, culprit = {.name = "culprit"};

    (void)unused;
    cede_spawn_attr(&victim, note_guard, NULL);
    cede_spawn_attr(&culprit, touch_neighbour, NULL);
    return cede_sleep(CEDE_SECOND);
}

static void run_neighbours(void *unused)
{
    cede_run(spawn_neighbours, unused);
}

START_TEST(touching_the_guard_of_another_names_both)
{
    capture_child(&seen, run_neighbours, NULL);
    ck_assert_says(&seen, "\"culprit\" touched 0x");
    ck_assert_says(&seen, "in the guard below the stack of task 1 \"victim\"\n");
    ck_assert_says(&seen, " touch_neighbour+0x");
    capture_assert_killed(&seen, SIGSEGV);
}
END_TEST

/* ---- faults that are none of ours ---- */

static volatile char *volatile wild = (volatile char *)16;

static int null_write(void *unused)
{
    (void)unused;
    *wild = 1;
    return 0;
}

static int kill_self(void *unused)
{
    (void)unused;
    return kill(getpid(), SIGSEGV);
}

START_TEST(other_faults_are_not_reported)
{
    cede_task_fn *const others[] = {null_write, kill_self};
    cede_task_fn *victim = others[_i];

    capture_child(&seen, run_victim, &victim);
    ck_assert_silent_on(&seen, "cede:");
    capture_assert_killed(&seen, SIGSEGV);
}
END_TEST

static void say_and_exit(int signo, siginfo_t *info, void *context)
{
    (void)context;
    fprintf(stderr, "previous handler: signal %d at %p\n", signo, info->si_addr);
    _exit(0);
}

static void run_with_handler(void *victim)
{
    struct sigaction action = {.sa_sigaction = say_and_exit, .sa_flags = SA_SIGINFO | SA_ONSTACK};

    sigaction(SIGSEGV, &action, NULL);
    run_victim(victim);
}

START_TEST(the_previous_handler_gets_other_faults)
{
    cede_task_fn *victim = null_write;

    capture_child(&seen, run_with_handler, &victim);
    ck_assert_says(&seen, "previous handler: signal 11 at 0x10\n");
    ck_assert_silent_on(&seen, "cede:");
    capture_assert_exited(&seen);
}
END_TEST

START_TEST(the_previous_handler_gets_the_overflow_after_the_report)
{
    cede_task_fn *victim = overflow_by_recursion;

    capture_child(&seen, run_with_handler, &victim);
    ck_assert_says(&seen, "\"victim\": all of its 256 KiB are used");
    ck_assert_says(&seen, "previous handler: signal 11 at 0x");
    capture_assert_exited(&seen);
}
END_TEST

/* ---- the alternate stack ---- */

static int alternate_stack_is_there(void *size)
{
    stack_t now;

    return sigaltstack(NULL, &now) == 0 && !(now.ss_flags & SS_DISABLE) && now.ss_size >= (size_t)size ? 0 : -1;
}

START_TEST(the_alternate_stack_comes_and_goes)
{
    stack_t none = {.ss_flags = SS_DISABLE}, now;

    ck_assert_int_eq(sigaltstack(&none, NULL), 0);
    ck_assert_int_eq(cede_run(alternate_stack_is_there, (void *)32768), 0);
    ck_assert_int_eq(sigaltstack(NULL, &now), 0);
    ck_assert(now.ss_flags & SS_DISABLE);
}
END_TEST

START_TEST(a_big_alternate_stack_of_the_user_stays)
{
    static char bytes[128 << 10];
    stack_t own = {.ss_sp = bytes, .ss_size = sizeof bytes}, now;

    ck_assert_int_eq(sigaltstack(&own, NULL), 0);
    ck_assert_int_eq(cede_run(alternate_stack_is_there, (void *)sizeof bytes), 0);
    ck_assert_int_eq(sigaltstack(NULL, &now), 0);
    ck_assert_ptr_eq(now.ss_sp, bytes);
}
END_TEST

START_TEST(a_small_alternate_stack_of_the_user_is_put_back)
{
    static char bytes[16 << 10];
    stack_t own = {.ss_sp = bytes, .ss_size = sizeof bytes}, now;

    ck_assert_int_eq(sigaltstack(&own, NULL), 0);
    ck_assert_int_eq(cede_run(alternate_stack_is_there, (void *)32768), 0);
    ck_assert_int_eq(sigaltstack(NULL, &now), 0);
    ck_assert_ptr_eq(now.ss_sp, bytes);
}
END_TEST

Suite *suite(void)
{
    Suite *overflow = suite_create("overflow");
    TCase *cases_of = tcase_create("overflow");

    tcase_set_timeout(cases_of, 60);
    tcase_add_loop_test(cases_of, an_overflow_names_its_task_and_crashes, 0, sizeof cases / sizeof *cases);
    tcase_add_test(cases_of, every_thread_reports);
    tcase_add_test(cases_of, touching_the_guard_of_another_names_both);
    tcase_add_loop_test(cases_of, other_faults_are_not_reported, 0, 2);
    tcase_add_test(cases_of, the_previous_handler_gets_other_faults);
    tcase_add_test(cases_of, the_previous_handler_gets_the_overflow_after_the_report);
    tcase_add_test(cases_of, the_alternate_stack_comes_and_goes);
    tcase_add_test(cases_of, a_big_alternate_stack_of_the_user_stays);
    tcase_add_test(cases_of, a_small_alternate_stack_of_the_user_is_put_back);
    suite_add_tcase(overflow, cases_of);
    return overflow;
}
