/* SPDX-License-Identifier: MIT */
/* Which poller a runtime gets: as asked, by measurement, where io_uring is refused. */
#include "poller_choose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fault.h"
#include "private.h"
#include "syscalls.h"

static struct {
    long slow;    /* a system call that takes two milliseconds more; 0: none */
    long refused; /* one that fails with `error`; 0: none */
    int error;
} plan;

static int follow_plan(long number)
{
    const struct timespec pause = {.tv_nsec = 2000000};

    if (plan.slow && number == plan.slow)
        nanosleep(&pause, NULL);
    return plan.refused && number == plan.refused ? plan.error : 0;
}

static const struct syscall_hooks syscall_hooks = {.before = follow_plan};

static int is_uring(void *unused)
{
    (void)unused;
    return strcmp(cede_runtime_poller(), "io_uring") == 0;
}

static bool has_uring(void)
{
    static struct cede__ring ring;

    if (cede__ring_open(&ring, 8, -1) != 0)
        return false;
    cede__ring_close(&ring);
    return true;
}

/* What cede_runtime_poller() and cede_runtime_poller_why() say in a runtime whose poller is to be that. */
static char told[128];

static int tell(void *unused)
{
    (void)unused;
    return snprintf(told, sizeof told, "%s, %s", cede_runtime_poller(), cede_runtime_poller_why()) < 0;
}

static const char *choose(const char *poller)
{
    const struct cede_run_attr attr = {.poller = poller};

    ck_assert_int_eq(cede_run_attr(&attr, tell, NULL), 0);
    return told;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* ---- as asked ---- */

START_TEST(the_poller_is_chosen)
{
    static const struct cede_run_attr wrong = {.poller = "poll"}, epoll = {.poller = "epoll"},
                                      uring = {.poller = "io_uring"};

    ck_assert_str_eq(cede_runtime_poller(), "plain");
    ck_assert_fails(cede_run_attr(&wrong, is_uring, NULL), EINVAL);
    ck_assert_int_eq(cede_run_attr(&epoll, is_uring, NULL), 0);
    ck_assert_int_eq(cede_run_attr(&uring, is_uring, NULL), has_uring());
    setenv("CEDE_POLLER", "io_uring", 1);
    ck_assert_int_eq(cede_run(is_uring, NULL), has_uring());
    ck_assert_int_eq(cede_run_attr(&epoll, is_uring, NULL), 0);
    setenv("CEDE_POLLER", "poll", 1);
    ck_assert_fails(cede_run(is_uring, NULL), EINVAL);
}
END_TEST

START_TEST(why_it_is_that_one)
{
    ck_assert_str_eq(cede_runtime_poller_why(), "no runtime");
    ck_assert_str_eq(choose(NULL), "epoll, by default");
    ck_assert_str_eq(choose("epoll"), "epoll, as asked");
    if (has_uring())
        ck_assert_str_eq(choose("io_uring"), "io_uring, as asked");
    else
        ck_assert(begins(choose("io_uring"), "epoll, no io_uring: errno "));
}
END_TEST

/* As Docker's default profile has it. */
START_TEST(where_it_is_forbidden_it_is_epoll)
{
    if (!fault_inject(SYS_io_uring_setup, EPERM))
        return;
    ck_assert_str_eq(choose("io_uring"), "epoll, no io_uring: errno 1");
    ck_assert_str_eq(choose("auto"), "epoll, no io_uring: errno 1");
    ck_assert_str_eq(choose(NULL), "epoll, by default");
}
END_TEST

/* ---- by measurement ---- */

START_TEST(what_takes_less_time_is_chosen)
{
    bool uring_is_slow = _i;
    char first[sizeof told];

    if (!has_uring()) {
        ck_assert(begins(choose("auto"), "epoll, no io_uring: errno "));
        return;
    }
    plan.slow = uring_is_slow ? SYS_io_uring_enter : SYS_epoll_pwait;
    strcpy(first, choose("auto"));
    ck_assert_msg(begins(first, uring_is_slow ? "epoll, measured: io_uring takes "
                                              : "io_uring, measured: io_uring takes "),
                  "%s", first);
    ck_assert_ptr_nonnull(strstr(first, " % of epoll's time"));
    /* Measured once in the process: what comes later changes nothing. */
    plan.slow = uring_is_slow ? SYS_epoll_pwait : SYS_io_uring_enter;
    setenv("CEDE_POLLER", "auto", 1);
    ck_assert_str_eq(choose(NULL), first);
}
END_TEST

/* Opens a poller as that measurement has it. */
static const char *decide(int percent)
{
    static struct cede__poller poller;

    poller = (struct cede__poller){0};
    ck_assert_int_eq(cede__poller_init(&poller), 0);
    ck_assert_int_eq(cede__poller_choose_measured(&poller, percent), 0);
    snprintf(told, sizeof told, "%s, %s", poller.backend->name, poller.why);
    cede__poller_close(&poller);
    cede__private_close(poller.wake_fd);
    return told;
}

START_TEST(io_uring_has_to_be_five_percent_ahead)
{
    ck_assert_str_eq(decide(96), "epoll, measured: io_uring takes 96 % of epoll's time");
    ck_assert_str_eq(decide(1000), "epoll, measured: io_uring takes 1000 % of epoll's time");
    ck_assert_str_eq(decide(CEDE__POLLER_UNMEASURED), "epoll, could not be measured");
    ck_assert_str_eq(decide(-ENOSYS), "epoll, no io_uring: errno 38");
    if (!has_uring())
        return;
    ck_assert_str_eq(decide(95), "io_uring, measured: io_uring takes 95 % of epoll's time");
    ck_assert_str_eq(decide(1), "io_uring, measured: io_uring takes 1 % of epoll's time");
    plan.refused = SYS_io_uring_setup; /* it was there when it was measured */
    plan.error = EMFILE;
    ck_assert_str_eq(decide(95), "epoll, no io_uring: errno 24");
}
END_TEST

/* Each leaves the measurement without what it needs. */
static const struct {
    long refused;
    int error;
    const char *told;
} obstacles[] = {
    {SYS_io_uring_setup, ENOMEM, "epoll, no io_uring: errno 12"},
    {SYS_socketpair, EMFILE, "epoll, could not be measured"},
    {SYS_epoll_ctl, ENOSPC, "epoll, could not be measured"},
    {SYS_io_uring_enter, EAGAIN, "epoll, could not be measured"},
    {SYS_recvfrom, EAGAIN, "epoll, could not be measured"},
};

START_TEST(what_cannot_be_measured_is_epoll)
{
    static struct cede__poller poller;
    int before = dup(0), after;

    close(before);
    if (!has_uring())
        return;
    plan.refused = obstacles[_i].refused;
    plan.error = obstacles[_i].error;
    /* Not in a runtime, which would need the same. */
    ck_assert_int_eq(cede__poller_init(&poller), 0);
    if (cede__poller_choose(&poller, "auto") != 0)
        ck_assert_int_eq(errno, obstacles[_i].error); /* nor was epoll to be had, for the same want */
    else
        ck_assert_str_eq(poller.backend->name, "epoll");
    ck_assert_str_eq(poller.why, strstr(obstacles[_i].told, ", ") + 2);
    cede__poller_close(&poller);
    cede__private_close(poller.wake_fd);
    after = dup(0);
    close(after);
    ck_assert_int_eq(before, after);
}
END_TEST

/* Nothing stays behind: not a descriptor, and it is no ordeal. */
START_TEST(to_measure_takes_little)
{
    int before = dup(0), after;
    int64_t begin_ns = cede_now();

    close(before);
    choose("auto");
    ck_assert_int_lt(cede_now() - begin_ns, CEDE_SECOND);
    after = dup(0);
    close(after);
    ck_assert_int_eq(before, after);
}
END_TEST

static void forget_environment(void)
{
    unsetenv("CEDE_POLLER");
}

Suite *suite(void)
{
    Suite *all = suite_create("poller_choose");
    TCase *asked = tcase_create("asked"), *measured = tcase_create("measured");

    tcase_add_checked_fixture(asked, forget_environment, NULL);
    tcase_add_test(asked, the_poller_is_chosen);
    tcase_add_test(asked, why_it_is_that_one);
    tcase_add_test(asked, where_it_is_forbidden_it_is_epoll);
    suite_add_tcase(all, asked);
    tcase_add_checked_fixture(measured, forget_environment, NULL);
    tcase_add_loop_test(measured, what_takes_less_time_is_chosen, 0, 2);
    tcase_add_test(measured, io_uring_has_to_be_five_percent_ahead);
    tcase_add_loop_test(measured, what_cannot_be_measured_is_epoll, 0,
                        (int)(sizeof obstacles / sizeof *obstacles));
    tcase_add_test(measured, to_measure_takes_little);
    suite_add_tcase(all, measured);
    return all;
}
