/* SPDX-License-Identifier: MIT */
/* Calls that end with EINTR because a handler has run; what libcede-posix makes of it is in test_posix_semantics.c. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"

static int restart;

static void handler(int signo)
{
    (void)signo;
    cede_signal_handled(restart);
}

static void catch_signal(int with_restart)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

    restart = with_restart;
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
}

static int raise_later(void *unused)
{
    (void)unused;
    cede_sleep(5 * CEDE_MILLISECOND);
    return raise(SIGUSR1);
}

static int poke_later(void *fd)
{
    cede_sleep(20 * CEDE_MILLISECOND);
    return write(*(int *)fd, "x", 1) == 1 ? 0 : -1;
}

static int read_one(void *fd)
{
    char byte;

    return (int)cede_read(*(int *)fd, &byte, 1);
}

TASK_TEST(a_handler_ends_a_read)
{
    struct cede_task *raiser;
    char byte;
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    catch_signal(0);
    raiser = cede_spawn(raise_later, NULL);
    ck_assert_fails(cede_read(fds[0], &byte, 1), EINTR);
    ck_assert_int_eq(cede_await(raiser), 0);
}

TASK_TEST(one_that_restarts_ends_only_what_is_never_restarted)
{
    struct cede_task *raiser, *poker;
    struct pollfd ready;
    char byte;
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    catch_signal(1);
    raiser = cede_spawn(raise_later, NULL);
    poker = cede_spawn(poke_later, &fds[1]);
    ck_assert_int_eq(cede_read(fds[0], &byte, 1), 1);
    ck_assert_int_eq(cede_await(raiser), 0);
    ck_assert_int_eq(cede_await(poker), 0);
    raiser = cede_spawn(raise_later, NULL);
    ready = (struct pollfd){.fd = fds[0], .events = POLLIN};
    ck_assert_fails(cede_poll(&ready, 1, -1), EINTR);
    ck_assert_int_eq(cede_await(raiser), 0);
    raiser = cede_spawn(raise_later, NULL);
    ck_assert_fails(cede_usleep(900 * 1000), EINTR);
    ck_assert_int_eq(cede_await(raiser), 0);
}

TASK_TEST(what_posix_does_not_know_goes_on)
{
    struct cede_task *raiser;

    catch_signal(0);
    raiser = cede_spawn(raise_later, NULL);
    ck_assert_int_eq(cede_await(raiser), 0); /* a join is not ended */
    raiser = cede_spawn(raise_later, NULL);
    ck_assert_int_eq(cede_sleep(20 * CEDE_MILLISECOND), 0);
    ck_assert_int_eq(cede_await(raiser), 0);
}

TASK_TEST(one_task_is_chosen)
{
    struct cede_task *longest, *other, *raiser;
    char byte;
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    catch_signal(0);
    longest = cede_spawn(read_one, &fds[0]);
    cede_sleep(2 * CEDE_MILLISECOND);
    other = cede_spawn(read_one, &fds[0]);
    /* The first task comes first ... */
    raiser = cede_spawn(raise_later, NULL);
    ck_assert_fails(cede_read(fds[0], &byte, 1), EINTR);
    ck_assert_int_eq(cede_await(raiser), 0);
    /* ... if it waits in such a call; then who has waited for the longest time. */
    raise(SIGUSR1);
    ck_assert_fails(cede_await(longest), EINTR);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    ck_assert_int_eq(cede_await(other), 1);
}

TASK_TEST(a_wait_that_begins_later_is_not_ended)
{
    struct cede_task *poker;
    char byte;
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    catch_signal(0);
    poker = cede_spawn(poke_later, &fds[1]);
    raise(SIGUSR1);
    ck_assert_int_eq(cede_read(fds[0], &byte, 1), 1);
    ck_assert_int_eq(cede_await(poker), 0);
}

START_TEST(outside_a_runtime_nothing_happens)
{
    errno = 77;
    cede_signal_handled(0);
    ck_assert_int_eq(errno, 77);
}
END_TEST

/* ---- storm ---- */

enum { ROUNDS = HARNESS_ROUNDS(4000), READERS = 8 };

static int storm_fds[2];
static int interrupted, received;

static int storm_reader(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)arg;
    char byte;

    while (received < ROUNDS && cede_check() == 0)
        cede_timeout (harness_random(&seed) % 3000000) {
            if (cede_read(storm_fds[0], &byte, 1) == 1)
                received++;
            else if (errno == EINTR)
                interrupted++;
            else
                ck_assert(errno == ETIMEDOUT || errno == ECANCELED);
        }
    return 0;
}

TASK_TEST(storm)
{
    struct cede_task *readers[READERS];
    unsigned seed = 77;
    int i, sent = 0;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, storm_fds), 0);
    catch_signal(0);
    for (i = 0; i < READERS; i++)
        readers[i] = cede_spawn(storm_reader, (void *)(uintptr_t)(i + 1));
    for (; sent < ROUNDS; sent++) {
        if (harness_random(&seed) % 2)
            raise(SIGUSR1);
        if (harness_random(&seed) % 500 == 0) {
            i = (int)(harness_random(&seed) % READERS);
            cede_cancel(readers[i]);
            ck_assert_int_eq(cede_await(readers[i]), 0);
            readers[i] = cede_spawn(storm_reader, (void *)(uintptr_t)(sent + 1));
        }
        if (harness_random(&seed) % 4 == 0)
            cede_yield();
        ck_assert_int_eq(cede_write(storm_fds[1], "x", 1), 1);
    }
    while (received < ROUNDS) /* nothing is lost by an interrupt, a deadline or a cancel */
        ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
    for (i = 0; i < READERS; i++)
        ck_assert_int_eq(cede_await(readers[i]), 0);
    ck_assert_int_eq(received, ROUNDS);
    ck_assert_int_gt(interrupted, 0);
}

/* ---- one task ---- */

TASK_TEST(a_signal_for_one_task_ends_its_call)
{
    struct cede_task *first, *second, *sleeper;
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    first = cede_spawn(read_one, &fds[0]);
    second = cede_spawn(read_one, &fds[0]);
    sleeper = cede_spawn(raise_later, NULL); /* in cede_sleep(), which goes on */
    catch_signal(1);
    ck_assert_int_eq(cede_signal_interrupt(second, 0), 0); /* it has not begun */
    ck_assert_int_eq(cede_yield(), 0);
    ck_assert_int_eq(cede_signal_interrupt(second, 1), 0); /* restarted */
    ck_assert_int_eq(cede_signal_interrupt(cede_self(), 0), 0);
    ck_assert_int_eq(cede_signal_interrupt(sleeper, 0), 0);
    ck_assert_int_eq(cede_yield(), 0);
    ck_assert_fails(cede_tryjoin(second, NULL), EBUSY);
    ck_assert_int_eq(cede_signal_interrupt(second, 0), 0);
    ck_assert_fails(cede_await(second), EINTR);
    ck_assert_fails(cede_tryjoin(first, NULL), EBUSY);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    ck_assert_int_eq(cede_await(first), 1);
    ck_assert_int_eq(cede_await(sleeper), 0);
    ck_assert_fails(cede_signal_interrupt(second, 0), ESRCH);
    ck_assert_fails(cede_signal_interrupt(NULL, 0), ESRCH);
}

static void *interrupt_from_outside(void *task)
{
    ck_assert_fails(cede_signal_interrupt(task, 0), EPERM);
    return NULL;
}

TASK_TEST(it_comes_from_a_task_of_the_same_runtime)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, interrupt_from_outside, cede_self()), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

/* ---- from a handler, or another thread ---- */

enum { MOST_MEANT = 15 };

static struct cede_task *meant;
static int how;
static atomic_int failed; /* libcheck is nothing for handlers */

static void post_in_handler(int signo)
{
    (void)signo;
    if (cede_signal_post(meant, how) != 0)
        atomic_fetch_add(&failed, 1);
}

static void *post_from_outside(void *unused)
{
    ck_assert_int_eq(cede_signal_post(meant, how), 0);
    return unused;
}

static void post_outside(struct cede_task *task, int flags)
{
    pthread_t thread;

    meant = task;
    how = flags;
    ck_assert_int_eq(pthread_create(&thread, NULL, post_from_outside, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

TASK_TEST(a_post_ends_a_call)
{
    struct cede_task *first, *second;
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    first = cede_spawn(read_one, &fds[0]);
    second = cede_spawn(read_one, &fds[0]);
    signal(SIGUSR1, post_in_handler);
    meant = second;
    raise(SIGUSR1); /* it has not begun */
    ck_assert_int_eq(cede_yield(), 0);
    ck_assert_int_eq(cede_yield(), 0);
    post_outside(second, CEDE_SIGNAL_RESTART);
    ck_assert_int_eq(cede_yield(), 0);
    ck_assert_int_eq(cede_yield(), 0);
    ck_assert_fails(cede_tryjoin(second, NULL), EBUSY);
    how = 0;
    raise(SIGUSR1);
    ck_assert_fails(cede_await(second), EINTR);
    post_outside(first, CEDE_SIGNAL_RESTART | CEDE_SIGNAL_NEXT);
    ck_assert_fails(cede_await(first), EINTR);
    ck_assert_fails(cede_signal_post(first, 0), ESRCH);
    ck_assert_int_eq(failed, 0);
}

TASK_TEST(a_post_ends_the_next_call_or_is_forgotten)
{
    struct cede_task *many[MOST_MEANT];
    int fds[2], i;

    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(cede_signal_post(cede_self(), 0), 0); /* as a handler that has interrupted this very task */
    ck_assert_int_eq(cede_usleep(1000), 0);
    ck_assert_int_eq(cede_signal_post(cede_self(), CEDE_SIGNAL_NEXT), 0);
    ck_assert_int_eq(cede_yield(), 0);
    ck_assert_fails(read_one(&fds[0]), EINTR);
    ck_assert_int_eq(cede_signal_post(cede_self(), CEDE_SIGNAL_NEXT), 0);
    ck_assert_int_eq(cede_signal_post(cede_self(), CEDE_SIGNAL_NONE), 0);
    ck_assert_int_eq(cede_usleep(1000), 0);
    for (i = 0; i < MOST_MEANT; i++) {
        many[i] = cede_spawn(read_one, &fds[0]);
        ck_assert_int_eq(cede_signal_post(many[i], CEDE_SIGNAL_NEXT), 0);
    }
    ck_assert_fails(cede_signal_post(cede_self(), CEDE_SIGNAL_NEXT), EAGAIN);
    for (i = 0; i < MOST_MEANT; i++)
        ck_assert_fails(cede_await(many[i]), EINTR);
    ck_assert_int_eq(cede_signal_post(cede_self(), CEDE_SIGNAL_NEXT), 0);
    ck_assert_fails(read_one(&fds[0]), EINTR);
}

static int await_and_read(void *fd)
{
    static struct cede_event never;

    cede_timeout (5 * CEDE_MILLISECOND)
        ck_assert_fails(cede_event_wait(&never), ETIMEDOUT);
    return read_one(fd);
}

TASK_TEST(a_post_for_the_next_call_outlives_a_wait_that_it_cannot_end)
{
    struct cede_task *task;
    int fds[2];

    ck_assert_int_eq(pipe(fds), 0);
    task = cede_spawn(await_and_read, &fds[0]);
    ck_assert_int_eq(cede_yield(), 0); /* it waits for the event now */
    ck_assert_int_eq(cede_signal_post(task, CEDE_SIGNAL_NEXT), 0);
    cede_timeout (10 * CEDE_SECOND)
        ck_assert_fails(cede_await(task), EINTR);
    task = cede_spawn(await_and_read, &fds[0]);
    ck_assert_int_eq(cede_yield(), 0);
    ck_assert_int_eq(cede_signal_post(task, CEDE_SIGNAL_NEXT), 0);
    ck_assert_int_eq(cede_yield(), 0);
    ck_assert_int_eq(cede_signal_post(task, CEDE_SIGNAL_NONE), 0);
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    ck_assert_int_eq(cede_await(task), 1);
}

enum { POSTS = 2000 };

static atomic_int asked; /* for posts */

static void *post_when_asked(void *unused)
{
    unsigned state = 13;
    int done;

    for (done = 0; done < POSTS; done++) {
        while (atomic_load(&asked) == done)
            usleep(10);
        usleep(harness_random(&state) % 50);
        if (cede_signal_post(meant, how) != 0)
            atomic_fetch_add(&failed, 1);
    }
    return unused;
}

/* Posts come at any moment, from another thread and, by turns, from a handler: each ends one call. */
TASK_TEST(a_storm_of_posts)
{
    int fds[2], round, ended = 0;
    unsigned state = 11;
    pthread_t thread;
    char byte;

    ck_assert_int_eq(pipe(fds), 0);
    meant = cede_self();
    how = CEDE_SIGNAL_NEXT;
    signal(SIGALRM, post_in_handler);
    ck_assert_int_eq(pthread_create(&thread, NULL, post_when_asked, NULL), 0);
    for (round = 0; round < POSTS; round++) {
        atomic_fetch_add(&asked, 1);
        ck_assert_fails(cede_read(fds[0], &byte, 1), EINTR);
        ended++;
#ifndef HARNESS_TSAN /* which calls handlers when it sees fit */
        ualarm(1 + harness_random(&state) % 100, 0);
        ck_assert_fails(cede_read(fds[0], &byte, 1), EINTR);
        ended++;
#endif
    }
    (void)state;
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_ge(ended, POSTS);
    ck_assert_int_eq(failed, 0);
}

static struct cede_task *self_in_handler = (struct cede_task *)-1;
static const char *name_in_handler = "";

static void ask_in_handler(int signo)
{
    (void)signo;
    self_in_handler = cede_self();
    name_in_handler = cede_name();
}

static int end_at_once(void *unused)
{
    (void)unused;
    return 0;
}

/* The thread sleeps on the stack of a task that has ended. */
TASK_TEST(a_handler_between_two_tasks_is_in_none)
{
    struct cede_task *ends = cede_spawn(end_at_once, NULL);

    signal(SIGALRM, ask_in_handler);
    ualarm(20 * 1000, 0);
    ck_assert_int_eq(cede_sleep(60 * CEDE_MILLISECOND), 0);
    ck_assert_ptr_null(self_in_handler);
    ck_assert_ptr_null(name_in_handler);
    ck_assert_int_eq(cede_await(ends), 0);
}

Suite *suite(void)
{
    Suite *interrupt = suite_create("interrupt");
    TCase *cases = tcase_create("interrupt");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_handler_ends_a_read);
    tcase_add_test(cases, one_that_restarts_ends_only_what_is_never_restarted);
    tcase_add_test(cases, what_posix_does_not_know_goes_on);
    tcase_add_test(cases, one_task_is_chosen);
    tcase_add_test(cases, a_wait_that_begins_later_is_not_ended);
    tcase_add_test(cases, a_signal_for_one_task_ends_its_call);
    tcase_add_test(cases, it_comes_from_a_task_of_the_same_runtime);
    tcase_add_test(cases, a_post_ends_a_call);
    tcase_add_test(cases, a_post_ends_the_next_call_or_is_forgotten);
    tcase_add_test(cases, a_post_for_the_next_call_outlives_a_wait_that_it_cannot_end);
    tcase_add_test(cases, a_storm_of_posts);
    tcase_add_test(cases, a_handler_between_two_tasks_is_in_none);
    tcase_add_test(cases, outside_a_runtime_nothing_happens);
    tcase_add_test(cases, storm);
    suite_add_tcase(interrupt, cases);
    return interrupt;
}
