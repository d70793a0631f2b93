/* SPDX-License-Identifier: MIT */
/* Tasks that other threads spawn: results, stale handles, and that each future gets its outcome, however all ends. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness.h"

static struct cede_runtime *here;
static struct cede_future outcome;

static int doubles(void *number)
{
    ck_assert_ptr_nonnull(cede_self());
    ck_assert_ptr_eq(cede_runtime(), here);
    return *(int *)number * 2;
}

static int fails(void *unused)
{
    (void)unused;
    errno = ENOLINK;
    return -1;
}

static int fails_silently(void *unused)
{
    (void)unused;
    errno = 0;
    return -4;
}

static int exits(void *unused)
{
    (void)unused;
    cede_exit(6);
}

/* From a plain thread. */
static void *asks(void *unused)
{
    static const struct { cede_task_fn *fn; intptr_t value; int error; } cases[] = {
        {doubles, 42, 0}, {fails, 0, ENOLINK}, {fails_silently, -4, 0}, {exits, 6, 0}};
    static int number = 21; /* the last task outlives this call */
    struct cede_future future;
    size_t i;

    for (i = 0; i < sizeof cases / sizeof *cases; i++) {
        intptr_t value = 0;

        future = (struct cede_future){0};
        ck_assert_int_eq(cede_spawn_on(here, cases[i].fn, &number, &future), 0);
        if (cases[i].error)
            ck_assert_fails(cede_future_wait(&future, &value), cases[i].error);
        else
            ck_assert_int_eq(cede_future_wait(&future, &value), 0);
        ck_assert_int_eq(value, cases[i].value);
    }
    ck_assert_int_eq(cede_spawn_on(here, fails, NULL, NULL), 0); /* nobody hears of it */
    ck_assert_int_eq(cede_spawn_on(here, doubles, &number, &outcome), 0);
    return unused;
}

TASK_TEST(a_thread_spawns_on_a_runtime)
{
    pthread_t thread;
    intptr_t value;

    here = cede_runtime();
    ck_assert_int_eq(pthread_create(&thread, NULL, asks, NULL), 0);
    ck_assert_int_eq(cede_future_wait(&outcome, &value), 0);
    ck_assert_int_eq(value, 42);
    pthread_join(thread, NULL);
}

static int asks_another(void *unused)
{
    asks(unused);
    ck_assert_ptr_ne(cede_runtime(), here);
    return 0;
}

static void *other_runtime(void *unused)
{
    ck_assert_int_eq(cede_run(asks_another, NULL), 0);
    return unused;
}

TASK_TEST(a_runtime_spawns_on_another)
{
    pthread_t thread;

    here = cede_runtime();
    ck_assert_int_eq(pthread_create(&thread, NULL, other_runtime, NULL), 0);
    ck_assert_int_eq(cede_future_wait(&outcome, NULL), 0);
    pthread_join(thread, NULL);
}

TASK_TEST(a_task_spawns_on_its_own_runtime)
{
    here = cede_runtime();
    asks(NULL);
    ck_assert_int_eq(cede_future_wait(&outcome, NULL), 0);
}

static int has_no_deadline(void *unused)
{
    (void)unused;
    ck_assert_int_eq(cede_time_left(), CEDE_FOREVER);
    return 0;
}

TASK_TEST(nothing_is_inherited)
{
    here = cede_runtime();
    cede_timeout (CEDE_SECOND * 60) {
        ck_assert_int_eq(cede_spawn_on(here, has_no_deadline, NULL, &outcome), 0);
        ck_assert_int_eq(cede_future_wait(&outcome, NULL), 0);
    }
}

static int gives_handle(void *unused)
{
    (void)unused;
    here = cede_runtime();
    ck_assert_ptr_nonnull(here);
    ck_assert_fails(cede_spawn_on(here, NULL, NULL, &outcome), EINVAL);
    return 0;
}

static int is_refused(void *unused)
{
    ck_assert_ptr_ne(cede_runtime(), here);
    ck_assert_fails(cede_spawn_on(here, fails, unused, &outcome), ESRCH);
    return 0;
}

START_TEST(stale_handles_are_refused)
{
    int number = 1;

    ck_assert_ptr_null(cede_runtime());
    ck_assert_fails(cede_spawn_on(NULL, doubles, &number, &outcome), ESRCH);
    ck_assert_int_eq(cede_run(gives_handle, NULL), 0);
    ck_assert_fails(cede_spawn_on(here, doubles, &number, &outcome), ESRCH);
    ck_assert_int_eq(cede_future_done(&outcome), 0);
    ck_assert_int_eq(cede_run(is_refused, NULL), 0); /* a new runtime on the same worker is not it */
}
END_TEST

static struct cede_future begun, late;

static int sleeps(void *unused)
{
    (void)unused;
    ck_assert_fails(cede_sleep(CEDE_FOREVER), ECANCELED);
    ck_assert_int_eq(cede_spawn_on(here, fails, NULL, &late), 0); /* too late */
    errno = ECANCELED;
    return -1;
}

static int leaves_some(void *unused)
{
    (void)unused;
    here = cede_runtime();
    ck_assert_int_eq(cede_spawn_on(here, sleeps, NULL, &begun), 0);
    cede_yield();
    cede_yield();
    return cede_spawn_on(here, sleeps, NULL, &outcome); /* not begun when the first task ends */
}

START_TEST(what_the_end_overtakes_is_cancelled)
{
    ck_assert_int_eq(cede_run(leaves_some, NULL), 0);
    ck_assert_int_eq(cede_future_cancelled(&begun), 1);
    ck_assert_int_eq(cede_future_cancelled(&outcome), 1);
    ck_assert_int_eq(cede_future_cancelled(&late), 1);
}
END_TEST

/* ---- deadlock ---- */

static int sends(void *chan)
{
    int number = 4;

    return cede_chan_send(chan, &number);
}

static void *spawns_sender(void *chan)
{
    cede_sleep(20 * CEDE_MILLISECOND);
    ck_assert_int_eq(cede_spawn_on(here, sends, chan, NULL), 0);
    return NULL;
}

TASK_TEST(a_wait_that_such_a_task_may_end_is_no_deadlock)
{
    struct cede_chan *chan = cede_chan_open(sizeof(int), 0);
    pthread_t thread;
    int number = 0;

    here = cede_runtime();
    ck_assert_int_eq(pthread_create(&thread, NULL, spawns_sender, chan), 0);
    ck_assert_int_gt(cede_chan_recv(chan, &number), 0);
    ck_assert_int_eq(number, 4);
    pthread_join(thread, NULL);
    cede_chan_free(chan);
}

/* ---- storm: runtimes come and go while threads spawn on them ---- */

enum { RUNTIMES = 2, SPAWNERS = 3 };

static _Atomic(struct cede_runtime *) runtimes[RUNTIMES];
static atomic_int ran, spawned, refused, finished;
static atomic_bool over;

/* The argument is a number that says how to end. */
static int ends(void *how)
{
    atomic_fetch_add(&ran, 1);
    switch ((uintptr_t)how % 5) {
    case 0:
        cede_exit(1);
    case 1:
        return cede_sleep((int64_t)((uintptr_t)how % 50000)) == 0 ? 1 : -1;
    case 2:
        return cede_yield() == 0 ? 1 : -1;
    default:
        return 1;
    }
}

static int lives_shortly(void *arg)
{
    unsigned seed = (unsigned)((uintptr_t)arg >> 8);
    int i;

    atomic_store(&runtimes[(uintptr_t)arg & 0xff], cede_runtime());
    for (i = 0; i < 4; i++)
        cede_sleep(harness_random(&seed) % 100000);
    return 0;
}

static void *begins_runtimes(void *number)
{
    uintptr_t round;

    for (round = 1; round <= (uintptr_t)HARNESS_ROUNDS(1000); round++)
        ck_assert_int_eq(cede_run(lives_shortly, (void *)(round << 8 | (uintptr_t)number)), 0);
    return NULL;
}

static void has_finished(void *arg, intptr_t value, int error)
{
    ck_assert(error == ECANCELED || (error == 0 && value == 1));
    atomic_fetch_add(&finished, 1);
    free(arg);
}

struct request {
    struct cede_future_callback callback;
    struct cede_future future;
};

static void *spawns(void *number)
{
    unsigned seed = (unsigned)(uintptr_t)number + 81;
    struct request *request;

    while (!atomic_load(&over)) {
        struct cede_runtime *runtime = atomic_load(&runtimes[harness_random(&seed) % RUNTIMES]);
        struct cede_future waited = {0};
        bool waits = harness_random(&seed) % 4 == 0;
        void *how = (void *)(uintptr_t)harness_random(&seed);

        request = calloc(1, sizeof *request);
        request->callback.fn = has_finished;
        request->callback.arg = request;
        ck_assert_int_eq(cede_future_callback_add(waits ? &waited : &request->future, &request->callback), 0);
        if (cede_spawn_on(runtime, ends, how, waits ? &waited : &request->future) != 0) {
            ck_assert_int_eq(errno, ESRCH);
            atomic_fetch_add(&refused, 1);
            free(request);
            cede_sleep(20000);
            continue;
        }
        atomic_fetch_add(&spawned, 1);
        if (waits)
            ck_assert(cede_future_wait(&waited, NULL) == 0 || errno == ECANCELED);
    }
    return NULL;
}

START_TEST(storm)
{
    pthread_t begin[RUNTIMES], spawn[SPAWNERS];
    uintptr_t i;

    for (i = 0; i < RUNTIMES; i++)
        ck_assert_int_eq(pthread_create(&begin[i], NULL, begins_runtimes, (void *)i), 0);
    for (i = 0; i < SPAWNERS; i++)
        ck_assert_int_eq(pthread_create(&spawn[i], NULL, spawns, (void *)(i + 10 * (uintptr_t)_i)), 0);
    for (i = 0; i < RUNTIMES; i++)
        pthread_join(begin[i], NULL);
    atomic_store(&over, true);
    for (i = 0; i < SPAWNERS; i++)
        pthread_join(spawn[i], NULL);
    ck_assert_int_eq(atomic_load(&finished), atomic_load(&spawned)); /* all runtimes have ended: nothing is left */
    ck_assert_int_le(atomic_load(&ran), atomic_load(&spawned));
    ck_assert_int_gt(atomic_load(&ran), 0);
}
END_TEST

/* ---- signal handlers, in the midst of whatever they interrupt ---- */

enum { SIGNALS = 3000 };

static struct cede_runtime *receiver;
static atomic_int handled, told, over_threads;

static int tells(void *unused)
{
    (void)unused;
    atomic_fetch_add(&told, 1);
    return 0;
}

static void on_signal(int signo)
{
    (void)signo;
    if (cede_spawn_on(receiver, tells, NULL, NULL) != 0)
        abort();
    atomic_fetch_add(&handled, 1);
}

/* Interrupted in malloc(3), in the call itself, and anywhere. */
static void *allocates_and_spawns(void *unused)
{
    while (!atomic_load(&over_threads)) {
        free(malloc(100));
        ck_assert_int_eq(cede_spawn_on(receiver, tells, NULL, NULL), 0);
        atomic_fetch_add(&handled, 1);
        usleep(10);
    }
    return unused;
}

static pthread_t receiving, interrupted;

static void *sends_signals(void *unused)
{
    unsigned seed = 5;
    int i;

    for (i = 0; i < SIGNALS; i++) {
        ck_assert_int_eq(pthread_kill(harness_random(&seed) % 2 ? receiving : interrupted, SIGUSR1), 0);
        usleep(harness_random(&seed) % 100);
    }
    atomic_store(&over_threads, 1);
    return unused;
}

static int receives(void *unused)
{
    pthread_t sender;

    (void)unused;
    receiver = cede_runtime();
    receiving = pthread_self();
    ck_assert_int_eq(pthread_create(&interrupted, NULL, allocates_and_spawns, NULL), 0);
    ck_assert_int_eq(pthread_create(&sender, NULL, sends_signals, NULL), 0);
    while (!atomic_load(&over_threads)) {
        free(malloc(100));
        ck_assert_int_eq(cede_sleep(50 * CEDE_MICROSECOND), 0);
    }
    pthread_join(sender, NULL);
    pthread_join(interrupted, NULL);
    while (atomic_load(&told) < atomic_load(&handled))
        ck_assert_int_eq(cede_sleep(CEDE_MILLISECOND), 0);
    return 0;
}

START_TEST(signal_handlers_spawn)
{
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    ck_assert_int_eq(cede_run(receives, NULL), 0);
    ck_assert_int_ge(atomic_load(&handled), 100);
    ck_assert_int_eq(atomic_load(&told), atomic_load(&handled));
}
END_TEST

/* A child of fork(2) does not inherit what another thread was doing. */
static int spawns_on_itself(void *unused)
{
    struct cede_future future = {0};
    intptr_t value;

    (void)unused;
    return cede_spawn_on(cede_runtime(), tells, NULL, &future) == 0 && cede_future_wait(&future, &value) == 0 ? 0 : -1;
}

static int forks_beside_threads(void *unused)
{
    pthread_t thread;
    int i, status;
    pid_t pid;

    (void)unused;
    receiver = cede_runtime();
    ck_assert_int_eq(pthread_create(&thread, NULL, allocates_and_spawns, NULL), 0);
    for (i = 0; i < 50; i++) {
        pid = fork();
        if (pid == 0)
            _exit(spawns_on_itself(NULL) == 0 ? 0 : 1);
        ck_assert_int_gt(pid, 0);
        ck_assert_int_eq(cede_waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
    }
    atomic_store(&over_threads, 1);
    pthread_join(thread, NULL);
    return 0;
}

START_TEST(a_forked_child_spawns)
{
    ck_assert_int_eq(cede_run(forks_beside_threads, NULL), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *self = suite_create("runtime");
    TCase *cases = tcase_create("runtime");

    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, a_thread_spawns_on_a_runtime);
    tcase_add_test(cases, a_runtime_spawns_on_another);
    tcase_add_test(cases, a_task_spawns_on_its_own_runtime);
    tcase_add_test(cases, nothing_is_inherited);
    tcase_add_test(cases, stale_handles_are_refused);
    tcase_add_test(cases, what_the_end_overtakes_is_cancelled);
    tcase_add_test(cases, a_wait_that_such_a_task_may_end_is_no_deadlock);
    tcase_add_loop_test(cases, storm, 0, 4);
    tcase_add_test(cases, signal_handlers_spawn);
    tcase_add_test(cases, a_forked_child_spawns);
    suite_add_tcase(self, cases);
    return self;
}
