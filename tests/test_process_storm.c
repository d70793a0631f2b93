/* SPDX-License-Identifier: MIT */
/*
 * Thousands of processes, each of which has a few random things done to it at random moments: waited for, by several
 * tasks, under deadlines, killed, stopped, written to and read from, its pipes closed under a reader; by tasks that are
 * cancelled and replaced. What a process was told must show in its status; none may be left, nor a descriptor. Seeds
 * are fixed.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cover.h"
#include "descriptors.h"
#include "harness.h"

enum { OWNERS = 24, INPUT_BYTES = 10 };

/* Most end at once, so that rounds are cheap. */
static const struct program {
    char *argv[4];
    int exit_status;
} programs[] = {
    {{"true"}, 0},          {{"true"}, 0}, {{"false"}, 1},
    {{"cat"}, 0},           {{"cat"}, 0},  {{"sleep", "100"}, -1},
    {{"sh", "-c", "trap '' TERM; exec sleep 100"}, -1},
};

enum { PROGRAMS = sizeof programs / sizeof *programs };

/* A process and who has it. */
struct owner {
    unsigned random;
    const struct program *program;
    struct cede_process process;
    bool signalled; /* it may end by a signal */
};

static unsigned rounds, done; /* processes there shall be, and have been */

static unsigned below(struct owner *owner, unsigned limit)
{
    return harness_random(&owner->random) % limit;
}

static void check_status(const struct owner *owner, int status)
{
    if (WIFSIGNALED(status))
        ck_assert_msg(owner->signalled, "%s: signal %d", owner->program->argv[0], WTERMSIG(status));
    else
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == owner->program->exit_status, "%s: status %#x",
                      owner->program->argv[0], (unsigned)status);
}

/* ---- what is done to a process ---- */

static void wait_for(struct owner *owner)
{
    int status = -1;

    if (cede_process_wait(&owner->process, &status) == 0) {
        check_status(owner, status);
        ck_assert_fails(cede_process_kill(&owner->process, SIGTERM), ESRCH);
        return;
    }
    ck_assert_msg(errno == ECANCELED || errno == ETIMEDOUT, "errno %d", errno);
    if (errno == ECANCELED) {
        owner->signalled = true;
        check_status(owner, owner->process.status);
        ck_assert_int_eq(cede_process_wait(&owner->process, NULL), 0); /* it has been stopped */
    }
}

static void waits(struct owner *owner)
{
    cede_timeout (below(owner, 3000) * CEDE_MICROSECOND)
        wait_for(owner);
}

static void kills(struct owner *owner)
{
    static const int signals[] = {SIGTERM, SIGKILL, SIGSTOP, SIGCONT};

    owner->signalled = true;
    if (cede_process_kill(&owner->process, signals[below(owner, 4)]) != 0)
        ck_assert_int_eq(errno, ESRCH);
}

static void kills_and_waits(struct owner *owner)
{
    owner->signalled = true;
    if (cede_process_kill(&owner->process, SIGKILL) != 0)
        ck_assert_int_eq(errno, ESRCH);
    wait_for(owner);
}

static void sleeps(struct owner *owner)
{
    cede_sleep(below(owner, 1000) * CEDE_MICROSECOND);
}

static void writes(struct owner *owner)
{
    if (owner->process.in >= 0 && cede_write(owner->process.in, "some input", below(owner, INPUT_BYTES)) < 0)
        ck_assert_msg(errno == EPIPE || errno == ECANCELED, "errno %d", errno);
}

static void reads(struct owner *owner)
{
    char bytes[INPUT_BYTES];

    if (owner->process.out >= 0)
        cede_timeout (below(owner, 2000) * CEDE_MICROSECOND)
            if (cede_read(owner->process.out, bytes, sizeof bytes) < 0)
                ck_assert_msg(errno == ETIMEDOUT || errno == ECANCELED, "errno %d", errno);
}

static void ends_input(struct owner *owner)
{
    if (owner->process.in >= 0)
        ck_assert_int_eq(cede_close(owner->process.in), 0);
    owner->process.in = -1;
}

static int reads_all(void *out)
{
    char bytes[INPUT_BYTES];
    ssize_t n;

    while ((n = cede_read(*(const int *)out, bytes, sizeof bytes)) > 0)
        ;
    return n == 0 || errno == EBADF || errno == ECANCELED ? 0 : -1;
}

static void closes_under_a_reader(struct owner *owner)
{
    int out = owner->process.out;

    if (out < 0)
        return;
    cede_group (group) {
        cede_group_spawn(group, NULL, reads_all, &out);
        cede_sleep(below(owner, 300) * CEDE_MICROSECOND);
        ck_assert_int_eq(cede_close(out), 0);
        owner->process.out = -1;
        cede_group_cancel(group); /* a reader that has not begun yet must not have another's number */
    }
}

static int waits_too(void *owner)
{
    waits(owner);
    return 0;
}

/* Who is cancelled while waiting stops the process for all. */
static void several_wait(struct owner *owner)
{
    struct cede_task *others[3];
    int i;

    owner->signalled = true;
    for (i = 0; i < 3; i++)
        ck_assert_ptr_nonnull(others[i] = cede_spawn(waits_too, owner));
    waits(owner);
    cede_cancel(others[below(owner, 3)]);
    for (i = 0; i < 3; i++)
        cede_shield
            cede_await(others[i]);
}

static void communicates(struct owner *owner)
{
    struct cede_process_exchange exchange = {.input = "some input", .input_size = INPUT_BYTES};
    bool whole = owner->process.in >= 0 && owner->process.out >= 0 && strcmp(owner->program->argv[0], "cat") == 0;
    int result = -1;

    if (owner->process.in < 0)
        exchange.input_size = 0;
    cede_timeout (below(owner, 5000) * CEDE_MICROSECOND) {
        result = cede_process_communicate(&owner->process, &exchange);
        if (result != 0) {
            ck_assert_msg(errno == ETIMEDOUT || errno == ECANCELED, "errno %d", errno);
            owner->signalled = true;
        }
    }
    if (result != 0)
        return;
    check_status(owner, exchange.status);
    if (whole && !owner->signalled) {
        ck_assert_uint_ge(exchange.output_size, INPUT_BYTES);
        ck_assert_str_eq(exchange.output + exchange.output_size - INPUT_BYTES, "some input");
    }
    free(exchange.output);
    free(exchange.error);
}

static void (*const actions[])(struct owner *) = {
    waits, waits, kills, kills_and_waits, sleeps, writes, reads, ends_input, ends_input, closes_under_a_reader,
    several_wait, communicates, communicates};

/* ---- rounds ---- */

static void one_process(struct owner *owner)
{
    const int ends[] = {CEDE_PROCESS_PIPE, CEDE_PROCESS_PIPE, CEDE_PROCESS_NULL};
    struct cede_process_attr attr = {.in = ends[below(owner, 3)], .out = ends[below(owner, 3)],
                                     .err = ends[below(owner, 3)], .group = (int)below(owner, 2),
                                     .grace_ns = CEDE_MILLISECOND};
    unsigned count = below(owner, 4);

    owner->program = &programs[below(owner, PROGRAMS)];
    owner->signalled = false;
    attr.stop_signal = below(owner, 2) ? SIGTERM : 0;
    ck_assert_int_eq(cede_process_spawn(&owner->process, owner->program->argv, &attr), 0);
    cede_defer(cede_process_close, &owner->process);
    while (count-- > 0)
        actions[below(owner, sizeof actions / sizeof *actions)](owner);
    if (below(owner, 16) == 0)
        cede_exit(1); /* what was deferred ends it */
}

static int own(void *arg)
{
    while (done < rounds && cede_check() == 0) {
        done++;
        one_process(arg);
    }
    return 0;
}

static int storm(void *unused)
{
    static struct owner owners[OWNERS];
    struct cede_task *tasks[OWNERS];
    unsigned seed = 4711;
    int i, running = OWNERS, before;

    (void)unused;
    cede_sleep(1); /* the poller has its descriptors */
    before = count_descriptors();
    for (i = 0; i < OWNERS; i++) {
        owners[i].random = harness_random(&seed) | 1;
        ck_assert_ptr_nonnull(tasks[i] = cede_spawn(own, &owners[i]));
    }
    while (running > 0) {
        ck_assert_int_eq(cede_sleep(harness_random(&seed) % 3 * CEDE_MILLISECOND), 0);
        i = (int)(harness_random(&seed) % OWNERS);
        if (!tasks[i])
            continue;
        cede_cancel(tasks[i]);
        cede_await(tasks[i]);
        tasks[i] = done < rounds ? cede_spawn(own, &owners[i]) : NULL;
        running -= !tasks[i];
    }
    ck_assert_uint_ge(done, rounds);
    ck_assert_fails(waitpid(-1, NULL, WNOHANG), ECHILD);
    ck_assert_int_eq(count_descriptors(), before);
    return 0;
}

/* With pidfds and without. */
START_TEST(everything_at_once)
{
    rounds = harness_emulated("speed") ? 100 : 2000;
    if (_i == 1)
        setenv("CEDE_PIDFD", "off", 1);
    signal(SIGPIPE, SIG_IGN);
    cover_stop();
    ck_assert_int_eq(cede_run(storm, NULL), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *process = suite_create("process_storm");
    TCase *cases = tcase_create("process_storm");

    tcase_set_timeout(cases, 100);
    tcase_add_loop_test(cases, everything_at_once, 0, 2);
    suite_add_tcase(process, cases);
    return process;
}
