/* SPDX-License-Identifier: MIT */
/* runtime/mask.c: the mask of a thread while tasks wait for signals, with all that is done to it meanwhile. The waits
 * themselves: test_child.c (sigsuspend), test_signal.c. */
#include <cede/signal.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "../runtime/mask.h"
#include "handled.h"
#include "harness.h"

static const int signals[] = {SIGUSR1, SIGUSR2, SIGHUP, SIGALRM};

enum { SIGNALS = sizeof signals / sizeof *signals, WAITS = 8, STEPS = 25 };

static uint64_t bits(const sigset_t *set)
{
    uint64_t mask;

    memcpy(&mask, set, sizeof mask);
    return mask;
}

/* What the program's mask is said to be. */
static uint64_t told(void)
{
    sigset_t mask;

    ck_assert_int_eq(cede_sigprocmask(SIG_BLOCK, NULL, &mask), 0);
    return bits(&mask);
}

static int suspends(void *mask)
{
    return cede_sigsuspend(mask);
}

static int waits(void *set)
{
    return cede_signal_wait(set, NULL);
}

static void cancel(struct cede_task *task)
{
    ck_assert_int_eq(cede_cancel(task), 0);
    ck_assert_fails(cede_await(task), ECANCELED);
}

/* ---- a storm ---- */

static struct wait {
    struct cede_task *task; /* NULL: none */
    bool suspended;
    sigset_t set;
} all[WAITS];

static sigset_t some(unsigned *seed, bool at_least_one)
{
    sigset_t set;
    int i;

    sigemptyset(&set);
    for (i = 0; i < SIGNALS; i++)
        if (harness_random(seed) % 2)
            sigaddset(&set, signals[i]);
    if (at_least_one)
        sigaddset(&set, SIGUSR1);
    return set;
}

static void begin(struct wait *wait, unsigned *seed)
{
    wait->suspended = harness_random(seed) % 2;
    wait->set = some(seed, !wait->suspended);
    wait->task = cede_spawn(wait->suspended ? suspends : waits, &wait->set);
    ck_assert_ptr_nonnull(wait->task);
    cede_yield();
}

static void end(struct wait *wait)
{
    cancel(wait->task);
    wait->task = NULL;
}

/* Returns what the program's mask is afterwards. */
static uint64_t change(uint64_t before, unsigned *seed)
{
    static const int hows[] = {SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK};
    int how = hows[harness_random(seed) % 3];
    sigset_t set = some(seed, false), old;

    ck_assert_int_eq(cede_sigprocmask(how, &set, &old), 0);
    ck_assert_uint_eq(bits(&old), before);
    return how == SIG_BLOCK ? before | bits(&set) : how == SIG_UNBLOCK ? before & ~bits(&set) : bits(&set);
}

static void check(uint64_t mask)
{
    uint64_t os = cede__mask_os(), let_through = 0;
    int i, count = 0;

    for (i = 0; i < WAITS; i++) {
        count += all[i].task != NULL;
        if (all[i].task && !all[i].suspended)
            let_through |= bits(&all[i].set);
    }
    ck_assert_uint_eq(told(), mask);
    ck_assert_uint_eq(os & let_through, 0);
    ck_assert_uint_eq(mask & ~let_through & ~os, 0);
    if (count == 0)
        ck_assert_uint_eq(os, mask);
}

/* Whatever tasks wait and whatever the program changes: it is told its own mask, what is waited for comes through, and
 * when nobody waits the mask is the program's. */
TASK_TEST(storm)
{
    unsigned seed = 1;
    uint64_t mask = told();
    int round, step, i;

    for (i = 0; i < SIGNALS; i++)
        handle(signals[i]);
    for (round = 0; round < HARNESS_ROUNDS(1000); round++) {
        for (step = 0; step < STEPS; step++) {
            i = (int)(harness_random(&seed) % WAITS);
            if (harness_random(&seed) % 4 == 0)
                mask = change(mask, &seed);
            else if (!all[i].task)
                begin(&all[i], &seed);
            else if (harness_random(&seed) % 2)
                end(&all[i]);
            check(mask);
        }
        for (i = 0; i < WAITS; i++)
            if (all[i].task)
                end(&all[i]);
        check(mask);
    }
}

/* ---- one by one ---- */

/* Who comes to wait in sigsuspend(2) does not block what another has let through. */
TASK_TEST(a_second_sigsuspend_beside_a_wait)
{
    struct cede_task *first, *wait, *second;
    sigset_t none, usr1;

    sigemptyset(&none);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    handle(SIGUSR1);
    first = cede_spawn(suspends, &none);
    cede_yield();
    wait = cede_spawn(waits, &usr1);
    cede_yield();
    second = cede_spawn(suspends, &none);
    cede_yield();
    ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
    ck_assert_int_eq(cede_await(wait), SIGUSR1);
    ck_assert_int_eq(handled, 0);
    cancel(second);
    cancel(first);
}

/* A fault whose signal is blocked is the end of the process. */
TASK_TEST(faults_beside_a_sigsuspend_are_handled)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
    struct cede_task *suspended;
    sigset_t none;
    size_t i;

    sigemptyset(&none);
    for (i = 0; i < sizeof faults / sizeof *faults; i++)
        handle(faults[i]);
    suspended = cede_spawn(suspends, &none);
    cede_yield();
    for (i = 0; i < sizeof faults / sizeof *faults; i++) {
        ck_assert_int_eq(raise(faults[i]), 0);
        ck_assert_int_eq(handled, faults[i]);
    }
    cancel(suspended);
}

Suite *suite(void)
{
    Suite *mask = suite_create("mask");
    TCase *cases = tcase_create("mask");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, storm);
    tcase_add_test(cases, a_second_sigsuspend_beside_a_wait);
    tcase_add_test(cases, faults_beside_a_sigsuspend_are_handled);
    suite_add_tcase(mask, cases);
    return mask;
}
