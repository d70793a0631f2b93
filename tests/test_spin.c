/* SPDX-License-Identifier: MIT */
/* The spin before a thread sleeps: when it is done, and that it changes nothing but time. */
#include "spin.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fault.h"
#include "harness.h"
#include "sched.h"

/* ---- the choice ---- */

static void choose(struct cede__spin *spin)
{
    ck_assert_int_eq(cede__spin_choose(spin, 50 * CEDE_MICROSECOND), 0);
    if (!spin->limit_ns)
        spin->limit_ns = 50 * CEDE_MICROSECOND; /* on one CPU it is never chosen, but works all the same */
}

START_TEST(a_wish_or_the_environment_chooses)
{
    struct cede__spin spin;

    unsetenv("CEDE_SPIN");
    ck_assert(cede__spin_choose(&spin, 0) == 0 && spin.limit_ns == 0);
    setenv("CEDE_SPIN", "30", 1);
    ck_assert_int_eq(cede__spin_choose(&spin, 0), 0);
    ck_assert(spin.limit_ns == 30 * CEDE_MICROSECOND || spin.limit_ns == 0);
    ck_assert(cede__spin_choose(&spin, -1) == 0 && spin.limit_ns == 0);
    ck_assert_fails(cede__spin_choose(&spin, CEDE_MILLISECOND + 1), EINVAL);
    setenv("CEDE_SPIN", "1001", 1);
    ck_assert_fails(cede__spin_choose(&spin, 0), EINVAL);
    setenv("CEDE_SPIN", "-5", 1);
    ck_assert_fails(cede__spin_choose(&spin, 0), EINVAL);
    setenv("CEDE_SPIN", "5us", 1);
    ck_assert_fails(cede__spin_choose(&spin, 0), EINVAL);
    ck_assert_int_eq(cede__spin_choose(&spin, -1), 0);
}
END_TEST

/* So many waits of this length, each of which spins in vain if it spins. How many did. */
static int waits(struct cede__spin *spin, int count, int64_t duration_ns)
{
    int spun = 0;

    for (int i = 0; i < count; i++) {
        bool pays = cede__spin_pays(spin, 1);

        spun += pays;
        cede__spin_waited(spin, duration_ns, pays ? CEDE__SPUN_VAIN : CEDE__SPUN_NOT);
    }
    return spun;
}

static void earn(struct cede__spin *spin)
{
    for (int i = 0; i < 100; i++)
        cede__spin_waited(spin, 20 * CEDE_MICROSECOND, CEDE__SPUN_WELL);
}

START_TEST(it_is_earned_by_short_waits_and_lost_by_long_ones)
{
    struct cede__spin spin;

    choose(&spin);
    ck_assert_int_eq(waits(&spin, CEDE__SPIN_TRUSTED, 20 * CEDE_MICROSECOND), 0);
    ck_assert(cede__spin_pays(&spin, 1));
    earn(&spin);
    ck_assert_int_eq(waits(&spin, 100, CEDE_MILLISECOND), 3); /* as the manual says */
}
END_TEST

/* As where who is to answer waits for this CPU: it answers at once when it is had. */
START_TEST(in_vain_it_gets_rarer)
{
    struct cede__spin spin;
    int spun;

    choose(&spin);
    earn(&spin);
    spun = waits(&spin, 100000, 60 * CEDE_MICROSECOND);
    ck_assert_int_ge(spun, 100);
    ck_assert_int_le(spun, 150);
    /* One that is not, and it is as before. */
    while (!cede__spin_pays(&spin, 1))
        cede__spin_waited(&spin, 60 * CEDE_MICROSECOND, CEDE__SPUN_NOT);
    earn(&spin);
    ck_assert_int_eq(waits(&spin, 100, CEDE_MILLISECOND), 3);
}
END_TEST

START_TEST(late_looks_alone_do_not_stop_it)
{
    struct cede__spin spin;

    choose(&spin);
    earn(&spin);
    ck_assert(cede__spin_disturbed(&spin, 30 * CEDE_MICROSECOND, 7, 1)); /* some before the first spin */
    earn(&spin);
    for (int i = 0; i < 1000; i++) {
        ck_assert(!cede__spin_disturbed(&spin, i * 100 * CEDE_MICROSECOND, 7, CEDE_SECOND + i));
        ck_assert(cede__spin_pays(&spin, CEDE_SECOND + i));
    }
}
END_TEST

START_TEST(others_come_first_for_twenty_times_their_turn)
{
    static const struct {
        int64_t gap_ns, pause_ns;
    } turns[] = {
        {30 * CEDE_MICROSECOND, 600 * CEDE_MICROSECOND},
        {4 * CEDE_MILLISECOND, 80 * CEDE_MILLISECOND},
        {50 * CEDE_MILLISECOND, CEDE_SECOND},
        {CEDE_SECOND, CEDE_SECOND},
        {INT64_MAX / 2, CEDE_SECOND},
    };
    struct cede__spin spin;
    int64_t now_ns = 1;

    choose(&spin);
    for (unsigned i = 0; i < sizeof turns / sizeof *turns; i++) {
        earn(&spin);
        ck_assert(cede__spin_pays(&spin, now_ns));
        ck_assert(cede__spin_disturbed(&spin, turns[i].gap_ns, i + 1, now_ns));
        earn(&spin);
        now_ns += turns[i].pause_ns;
        ck_assert(!cede__spin_pays(&spin, now_ns - 1));
        ck_assert(cede__spin_pays(&spin, now_ns));
    }
    /* Where the kernel does not tell, it may have been somebody, each time. */
    ck_assert(cede__spin_disturbed(&spin, 30 * CEDE_MICROSECOND, -1, now_ns));
    ck_assert(cede__spin_disturbed(&spin, 30 * CEDE_MICROSECOND, -1, now_ns));
}
END_TEST

START_TEST(a_kernel_may_not_tell)
{
    if (!fault_inject(SYS_getrusage, 0)) /* it succeeds, and says nothing */
        return;
    ck_assert_int_eq(cede__spin_switches(), -1);
    ck_assert(fault_inject(SYS_getrusage, ENOSYS));
    errno = EBADF;
    ck_assert_int_eq(cede__spin_switches(), -1);
    ck_assert_int_eq(errno, EBADF);
}
END_TEST

/* ---- runtimes that spin ---- */

static const struct cede_run_attr spinning = {.spin_ns = CEDE_MILLISECOND};

/* Where there is one CPU only as well. */
static struct cede__spin *spin_anyway(void)
{
    cede__worker->spin.limit_ns = CEDE_MILLISECOND;
    return &cede__worker->spin;
}

/* It pays in the next wait. */
static void trust(struct cede__spin *spin)
{
    spin->score = 2 * CEDE__SPIN_TRUSTED;
    spin->vain = 0;
    spin->resume_ns = 0;
}

enum { ROUNDS = HARNESS_SCALE(20000) };

/* So many rounds, or fewer where others have the CPUs. */
static bool goes_on(int round, int64_t begin_ns)
{
    return round < ROUNDS && cede_now() - begin_ns < 20 * CEDE_SECOND;
}

static pthread_t partner;
static int fds[2];

/* Has another thread at the other end. */
static void connect_to(void *(*other)(void *))
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    ck_assert_int_eq(pthread_create(&partner, NULL, other, NULL), 0);
}

static void disconnect(void)
{
    ck_assert_int_eq(cede_close(fds[0]), 0);
    ck_assert_int_eq(pthread_join(partner, NULL), 0);
    ck_assert_int_eq(close(fds[1]), 0);
}

static void ask(void)
{
    char byte = 0;

    ck_assert_int_eq(cede_write(fds[0], &byte, 1), 1);
    ck_assert_int_eq(cede_read(fds[0], &byte, 1), 1);
}

static void *answers(void *unused)
{
    char byte;

    while (read(fds[1], &byte, 1) == 1)
        if (write(fds[1], &byte, 1) != 1)
            break;
    return unused;
}

ATTR_TEST(every_answer_arrives, &spinning)
{
    int64_t begin_ns = cede_now();

    spin_anyway();
    connect_to(answers);
    for (int i = 0; goes_on(i, begin_ns); i++) {
        if (i % 7 == 0)
            cede_timeout (CEDE_SECOND * 60)
                ask();
        else
            ask();
        if (i % 100 == 0)
            ck_assert_int_eq(cede_sleep(1 + i % 50 * CEDE_MICROSECOND), 0);
    }
    disconnect();
}

static struct cede_task *_Atomic sleeper;
static atomic_bool over;

static void *wakes(void *unused)
{
    while (!over)
        if (sleeper)
            cede_wake(sleeper);
    return unused;
}

ATTR_TEST(every_wake_arrives, &spinning)
{
    int64_t begin_ns = cede_now();

    spin_anyway();
    ck_assert_int_eq(pthread_create(&partner, NULL, wakes, NULL), 0);
    sleeper = cede_self();
    for (int i = 0; goes_on(i, begin_ns); i++)
        ck_assert_int_eq(cede_park(), 0);
    over = true;
    ck_assert_int_eq(pthread_join(partner, NULL), 0);
}

TASK_TEST(dumps_name_it)
{
    char text[4096] = {0};
    int ends[2];

    cede__worker->spin.limit_ns = 50 * CEDE_MICROSECOND;
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_ge(cede_dump(ends[1]), 0);
    ck_assert_int_gt(read(ends[0], text, sizeof text - 1), 0);
    ck_assert_ptr_nonnull(strstr(text, ", spin 50 us\n"));
}

static int64_t thread_cpu_ns(void)
{
    struct timespec used;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return used.tv_sec * CEDE_SECOND + used.tv_nsec;
}

/* 300 ms, of which 3 may be spent in vain. */
ATTR_TEST(long_waits_cost_no_cpu_time, &spinning)
{
    int64_t before_ns = thread_cpu_ns();

    trust(spin_anyway());
    for (int i = 0; i < 30; i++)
        ck_assert_int_eq(cede_sleep(10 * CEDE_MILLISECOND), 0);
    ck_assert_int_lt(thread_cpu_ns() - before_ns, 100 * CEDE_MILLISECOND);
}

static const struct cede__backend *real;
static int64_t slept_ns; /* the last time that it was not for looking only */

static int waits_recorded(struct cede__poller *poller, int64_t timeout_ns, struct cede__event *events, int max)
{
    if (timeout_ns)
        slept_ns = timeout_ns;
    return real->wait(poller, timeout_ns, events, max);
}

/* The spin is part of the sleep. */
ATTR_TEST(sleeps_take_no_longer, &spinning)
{
    struct cede__backend recording = *cede__worker->poller.backend;
    struct cede__spin *spin = spin_anyway();
    int64_t begin_ns;
    int spun = 0;

    real = cede__worker->poller.backend;
    recording.wait = waits_recorded;
    cede__worker->poller.backend = &recording;
    for (int i = 0; i < 500 && spun < 20; i++) {
        trust(spin);
        slept_ns = 0;
        begin_ns = cede_now();
        ck_assert_int_eq(cede_sleep(1500 * CEDE_MICROSECOND), 0);
        ck_assert_int_ge(cede_now() - begin_ns, 1500 * CEDE_MICROSECOND);
        if (spin->vain) {
            spun++;
            ck_assert_int_lt(slept_ns, CEDE_MILLISECOND);
        }
    }
    cede__worker->poller.backend = real;
    if (!spun)
        printf("skipped in part: other work had a turn in each sleep\n");
}

/* ---- others on the same CPU ---- */

/* The calling thread, and who it makes, may use the nth of the CPUs that it may use now. False: there are not so
 * many. */
static bool pin(int nth)
{
    cpu_set_t allowed, one;

    CPU_ZERO(&one);
    ck_assert_int_eq(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &allowed) && nth-- == 0)
            CPU_SET(cpu, &one);
    return sched_setaffinity(0, sizeof one, &one) == 0;
}

static int64_t rival_ns;

static void *wants_the_cpu(void *unused)
{
    while (!over)
        cede__relax();
    rival_ns = thread_cpu_ns();
    return unused;
}

/* Which would have as much as the spinning thread, half of the CPU, if the spin went on. */
ATTR_TEST(a_rival_gets_the_cpu, &spinning)
{
    struct cede__spin *spin = spin_anyway();
    int64_t spinner_ns, end_ns;

    if (harness_valgrind()) {
        printf("skipped: Valgrind lets one thread run at a time, by a lock\n");
        return;
    }
    ck_assert(pin(0));
    ck_assert_int_eq(pthread_create(&partner, NULL, wants_the_cpu, NULL), 0);
    spinner_ns = thread_cpu_ns();
    end_ns = cede_now() + 2 * CEDE_SECOND;
    while (cede_now() < end_ns) {
        spin->score = 2 * CEDE__SPIN_TRUSTED;
        ck_assert_int_eq(cede_sleep(300 * CEDE_MICROSECOND), 0);
    }
    spinner_ns = thread_cpu_ns() - spinner_ns;
    over = true;
    ck_assert_int_eq(pthread_join(partner, NULL), 0);
    ck_assert_msg(rival_ns > 3 * spinner_ns, "rival %lld us, spinner %lld", (long long)rival_ns / 1000,
                  (long long)spinner_ns / 1000);
}

static void be_busy(int64_t duration_ns)
{
    int64_t end_ns = cede_now() + duration_ns;

    while (cede_now() < end_ns)
        ;
}

static void takes_its_time(int signal)
{
    (void)signal;
    be_busy(100 * CEDE_MICROSECOND);
}

static pthread_t interrupted; /* by each question */

/* Each answer takes a while. */
static void *answers_slowly(void *unused)
{
    char byte;

    pin(1); /* if there is another */
    while (read(fds[1], &byte, 1) == 1) {
        be_busy(100 * CEDE_MICROSECOND);
        ck_assert_int_eq(pthread_kill(interrupted, SIGUSR1), 0);
        be_busy(200 * CEDE_MICROSECOND);
        if (write(fds[1], &byte, 1) != 1)
            break;
    }
    return unused;
}

ATTR_TEST(interrupts_are_no_rivals, &spinning)
{
    struct sigaction action = {.sa_handler = takes_its_time, .sa_flags = SA_RESTART};
    struct cede__spin *spin = spin_anyway();
    int64_t before;
    int undisturbed = 0;

    interrupted = pthread_self();
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    connect_to(answers_slowly);
    ck_assert(pin(0));
    for (int i = 0; i < 500 && undisturbed < 50; i++) {
        trust(spin);
        before = spin->switches = cede__spin_switches();
        ask();
        if (before < 0 || cede__spin_switches() != before)
            continue; /* this machine has other work: there may have been a rival */
        undisturbed++;
        ck_assert_int_eq(spin->resume_ns, 0);
    }
    if (!undisturbed)
        printf("skipped in part: other work had a turn in each wait\n");
    disconnect();
}

static bool late_once;

/* The event comes while this look takes its time. */
static int waits_late_once(struct cede__poller *poller, int64_t timeout_ns, struct cede__event *events, int max)
{
    if (timeout_ns == 0 && late_once) {
        late_once = false;
        be_busy(5 * CEDE__SPIN_LATE_NS);
        ck_assert_int_eq(write(fds[1], "", 1), 1);
    }
    return real->wait(poller, timeout_ns, events, max);
}

/* It is the other thread's turn that brought the event, not the spin. */
ATTR_TEST(a_late_look_that_finds_an_event_is_judged, &spinning)
{
    struct cede__backend late = *cede__worker->poller.backend;
    struct cede__spin *spin = spin_anyway();
    char byte;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    real = cede__worker->poller.backend;
    late.wait = waits_late_once;
    cede__worker->poller.backend = &late;
    for (int i = 0; i < 5; i++) {
        trust(spin);
        spin->switches = -2; /* the kernel's count has changed since */
        late_once = true;
        ck_assert_int_eq(cede_read(fds[0], &byte, 1), 1);
        ck_assert(!late_once);
        ck_assert_int_ne(spin->resume_ns, 0);
        ck_assert_int_le(spin->score, 1); /* this wait's own */
        ck_assert_int_eq(spin->vain, 0);
    }
    cede__worker->poller.backend = real;
    ck_assert_int_eq(cede_close(fds[0]), 0);
    ck_assert_int_eq(close(fds[1]), 0);
}

/* With a real-time policy, of two threads that compute on one CPU the second would never have it. Where this is
 * refused, there is none. */
static void be_ordinary(void)
{
    (void)sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){0});
}

Suite *suite(void)
{
    Suite *spin = suite_create("spin");
    TCase *cases = tcase_create("spin");

    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, be_ordinary, NULL);
    tcase_add_test(cases, a_wish_or_the_environment_chooses);
    tcase_add_test(cases, it_is_earned_by_short_waits_and_lost_by_long_ones);
    tcase_add_test(cases, in_vain_it_gets_rarer);
    tcase_add_test(cases, late_looks_alone_do_not_stop_it);
    tcase_add_test(cases, others_come_first_for_twenty_times_their_turn);
    tcase_add_test(cases, a_kernel_may_not_tell);
    tcase_add_test(cases, every_answer_arrives);
    tcase_add_test(cases, every_wake_arrives);
    tcase_add_test(cases, dumps_name_it);
    tcase_add_test(cases, long_waits_cost_no_cpu_time);
    tcase_add_test(cases, sleeps_take_no_longer);
    tcase_add_test(cases, a_rival_gets_the_cpu);
    tcase_add_test(cases, interrupts_are_no_rivals);
    tcase_add_test(cases, a_late_look_that_finds_an_event_is_judged);
    suite_add_tcase(spin, cases);
    return spin;
}
