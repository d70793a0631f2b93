/* SPDX-License-Identifier: MIT */
/* Failures with a message: the message goes where its errno goes. */
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture.h"
#include "harness.h"
#include "error.h"

static int fails(void *name)
{
    return cede_fail(EPROTO, "%s: no greeting", (const char *)name);
}

static int fails_in_silence(void *unused)
{
    (void)unused;
    errno = EPROTO;
    return -1;
}

static int succeeds(void *unused)
{
    (void)unused;
    return 0;
}

TASK_TEST(it_sets_errno_and_returns_minus_one)
{
    ck_assert_fails(cede_fail(EIO, "disk %d", 3), EIO);
    errno = EIO;
    ck_assert_str_eq(cede_error(), "disk 3");
    ck_assert_int_eq(errno, EIO);
    ck_assert_fails(cede_fail(0, "zero"), EINVAL);
    ck_assert_fails(cede_fail(-EIO, "negative"), EINVAL);
    ck_assert_str_eq(cede_error(), "negative");
}

TASK_TEST(other_errnos_are_told_by_strerror)
{
    cede_fail(EIO, "disk");
    errno = ENOENT;
    ck_assert_str_eq(cede_error(), strerror(ENOENT));
    errno = EIO;
    ck_assert_str_eq(cede_error(), "disk");
    cede_fail(EIO, "%s", "");
    ck_assert_str_eq(cede_error(), strerror(EIO));
}

TASK_TEST(it_reaches_the_joiner)
{
    struct cede_task *task = cede_spawn(fails, "host");
    int result;

    ck_assert_int_eq(cede_join(task, &result), 0);
    ck_assert_int_eq(result, -1);
    ck_assert_int_eq(errno, EPROTO);
    ck_assert_str_eq(cede_error(), "host: no greeting");
    ck_assert_fails(cede_await(cede_spawn(fails, "other")), EPROTO);
    errno = EPROTO;
    ck_assert_str_eq(cede_error(), "other: no greeting");
}

TASK_TEST(a_failure_without_a_message_takes_it_away_and_success_does_not)
{
    ck_assert_int_eq(cede_await(cede_spawn(fails, "host")), -1);
    ck_assert_int_eq(cede_await(cede_spawn(succeeds, NULL)), 0);
    errno = EPROTO;
    ck_assert_str_eq(cede_error(), "host: no greeting");
    ck_assert_int_eq(cede_await(cede_spawn(fails_in_silence, NULL)), -1);
    errno = EPROTO;
    ck_assert_str_eq(cede_error(), strerror(EPROTO));
}

static int passes_on(void *name)
{
    return cede_await(cede_spawn(fails, name));
}

static int adds(void *name)
{
    return cede_await(cede_spawn(fails, name)) < 0 ? cede_fail(errno, "first %s, %s", cede_error(), cede_error()) : 0;
}

static int fails_with_another_errno(void *name)
{
    cede_await(cede_spawn(fails, name));
    errno = EIO;
    return -1;
}

static int exits(void *name)
{
    cede_await(cede_spawn(fails, name));
    cede_exit(-1);
}

TASK_TEST(it_is_passed_on)
{
    ck_assert_int_eq(cede_await(cede_spawn(passes_on, "host")), -1);
    ck_assert_str_eq(cede_error(), "host: no greeting");
    ck_assert_int_eq(cede_await(cede_spawn(adds, "host")), -1);
    ck_assert_str_eq(cede_error(), "first host: no greeting, host: no greeting");
    ck_assert_int_eq(cede_await(cede_spawn(exits, "end")), -1);
    ck_assert_str_eq(cede_error(), "end: no greeting");
    ck_assert_int_eq(cede_await(cede_spawn(fails_with_another_errno, "host")), -1);
    ck_assert_str_eq(cede_error(), strerror(EIO));
}

/* The stack on which a message was left serves the next task: it must not be taken for that one's. */
static int fails_and_recovers(void *unused)
{
    (void)unused;
    cede_fail(EPROTO, "recovered");
    return 0;
}

TASK_TEST(it_is_never_another_tasks)
{
    ck_assert_int_eq(cede_await(cede_spawn(fails_and_recovers, NULL)), 0);
    ck_assert_int_eq(cede_await(cede_spawn(fails_in_silence, NULL)), -1);
    ck_assert_str_eq(cede_error(), strerror(EPROTO));
}

TASK_TEST(long_ones_are_cut)
{
    char text[2 * CEDE_ERROR_BYTES];

    memset(text, 'x', sizeof text);
    text[CEDE_ERROR_BYTES - 1] = '\0';
    cede_fail(EIO, "%s", text);
    ck_assert_str_eq(cede_error(), text);
    text[CEDE_ERROR_BYTES - 1] = 'x';
    text[CEDE_ERROR_BYTES] = '\0';
    cede_fail(EIO, "%s", text);
    ck_assert_uint_eq(strlen(cede_error()), CEDE_ERROR_BYTES - 1);
    ck_assert_str_eq(cede_error() + CEDE_ERROR_BYTES - 5, "x...");
}

static int fails_with_list(int error, const char *format, ...)
{
    va_list args;
    int result;

    va_start(args, format);
    result = cede_vfail(error, format, args);
    va_end(args);
    return result;
}

TASK_TEST(it_takes_a_va_list)
{
    ck_assert_fails(fails_with_list(EIO, "%d and %s", 1, "two"), EIO);
    errno = EIO;
    ck_assert_str_eq(cede_error(), "1 and two");
}

struct item { const char *name; };
static int item(struct item *a, int *out)
{
    if (cede_gen_put(out, 1) != 0)
        return -1;
    return cede_fail(EPROTO, "item %s", a->name);
}

TASK_TEST(a_generator_fails_as_its_consumer)
{
    cede_for (int, i, item, .name = "two")
        ck_assert_int_eq(i, 1);
    ck_assert_int_eq(errno, EPROTO);
    ck_assert_str_eq(cede_error(), "item two");
}

/* ---- groups ---- */

TASK_TEST(a_group_reports_the_first)
{
    struct cede_task *task;

    cede_group (g) {
        task = cede_group_spawn(g, NULL, fails, "first");
        cede_group_spawn(g, NULL, fails, "second");
        ck_assert_fails(cede_group_wait(g), EPROTO);
        errno = EPROTO;
        ck_assert_str_eq(cede_error(), "first: no greeting");
        /* The task still has it, too. */
        cede_fail(EPROTO, "mine");
        ck_assert_int_eq(cede_await(task), -1);
        ck_assert_str_eq(cede_error(), "first: no greeting");
        cede_fail(EPROTO, "mine");
    }
    errno = EPROTO;
    ck_assert_str_eq(cede_error(), "mine"); /* nobody asked at the end */
}

TASK_TEST(a_group_reports_a_detached_task)
{
    struct cede_task_attr detached = {.detached = 1};
    struct cede_group group;

    ck_assert_int_eq(cede_group_open(&group), 0);
    cede_group_spawn(&group, &detached, fails, "detached");
    ck_assert_fails(cede_group_close(&group), EPROTO);
    errno = EPROTO;
    ck_assert_str_eq(cede_error(), "detached: no greeting");
}

TASK_TEST(a_cancelled_group_has_no_message)
{
    cede_fail(ECANCELED, "mine");
    cede_group (g) {
        cede_group_cancel(g);
        ck_assert_fails(cede_group_wait(g), ECANCELED);
        errno = ECANCELED;
        ck_assert_str_eq(cede_error(), strerror(ECANCELED));
    }
}

/* ---- outside tasks ---- */

START_TEST(it_comes_out_of_the_run)
{
    ck_assert_fails(cede_run(fails, "host"), EPROTO);
    errno = EPROTO;
    ck_assert_str_eq(cede_error(), "host: no greeting");
    ck_assert_fails(cede_run(fails_in_silence, NULL), EPROTO);
    errno = EPROTO;
    ck_assert_str_eq(cede_error(), strerror(EPROTO));
    ck_assert_fails(cede_fail(EIO, "plain %d", 1), EIO);
    errno = EIO;
    ck_assert_str_eq(cede_error(), "plain 1");
    ck_assert_int_eq(cede_run(succeeds, NULL), 0);
}
END_TEST

static void *of_another_thread(void *unused)
{
    errno = EIO;
    ck_assert_str_eq(cede_error(), strerror(EIO));
    cede_fail(EIO, "another thread's");
    return unused;
}

START_TEST(each_thread_has_its_own)
{
    pthread_t thread;

    cede_fail(EIO, "mine");
    ck_assert_int_eq(pthread_create(&thread, NULL, of_another_thread, NULL), 0);
    pthread_join(thread, NULL);
    errno = EIO;
    ck_assert_str_eq(cede_error(), "mine");
}
END_TEST

static int offloaded_in_silence(void *unused)
{
    (void)unused;
    errno = EPROTO;
    return -1;
}

TASK_TEST(it_comes_from_a_helper_thread)
{
    int result, i;

    for (i = 0; i < 3; i++) {
        ck_assert_int_eq(cede_offload(fails, "helper", &result), 0);
        ck_assert_int_eq(result, -1);
        ck_assert_int_eq(errno, EPROTO);
        ck_assert_str_eq(cede_error(), "helper: no greeting");
        ck_assert_int_eq(cede_offload(offloaded_in_silence, NULL, &result), 0);
        ck_assert_int_eq(errno, EPROTO);
        ck_assert_str_eq(cede_error(), strerror(EPROTO));
    }
}

TASK_TEST(a_child_of_fork_has_it_too)
{
    int status;
    pid_t child;

    cede_fail(EIO, "before");
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        errno = EIO;
        _exit(strcmp(cede_error(), "before") == 0 && cede_await(cede_spawn(fails, "child")) == -1
              && strcmp(cede_error(), "child: no greeting") == 0 ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}

/* ---- dumps ---- */

static int dumps_an_ended_task(void *unused)
{
    struct cede_task *task = cede_spawn(fails, "host");

    (void)unused;
    cede_yield();
    if (cede_dump(STDERR_FILENO) != 2)
        return -1;
    return cede_await(task) == -1 ? 0 : -1;
}

static void run_dump(void *unused)
{
    (void)unused;
    ck_assert_int_eq(cede_run(dumps_an_ended_task, NULL), 0);
}

START_TEST(dumps_show_it)
{
    struct capture seen;
    char words[100];

    capture_child(&seen, run_dump, NULL);
    capture_assert_exited(&seen);
    snprintf(words, sizeof words, "has ended with -1, errno %d \"host: no greeting\", and has not been joined", EPROTO);
    ck_assert_says(&seen, words);
}
END_TEST

/* ---- many ---- */

static size_t made(void)
{
    const struct cede__error *message;
    size_t count = 0;

    for (message = cede__worker->errors; message; message = message->next_made)
        count++;
    return count;
}

TASK_TEST(memory_is_bounded)
{
    enum { TASKS = 100 };
    struct cede_task *tasks[TASKS];
    char words[TASKS][64], *word;
    int round, i;

    for (round = 0; round < 20; round++) {
        for (i = 0; i < TASKS; i++) {
            snprintf(words[i], sizeof words[i], "%d.%d", round, i);
            tasks[i] = cede_spawn(fails, words[i]);
        }
        cede_yield();
        for (i = 0; i < TASKS; i++) {
            if (i % 3 == 0) {
                ck_assert_int_eq(cede_detach(tasks[i]), 0); /* it has ended: its message goes with it */
                continue;
            }
            ck_assert_int_eq(cede_await(tasks[i]), -1);
            word = strcat(words[i], ": no greeting");
            ck_assert_str_eq(cede_error(), word);
        }
        ck_assert_uint_le(made(), TASKS + 2);
    }
    for (i = 0; i < TASKS; i++)
        cede_spawn(fails, "left"); /* for cede_run() to forget */
}

TASK_TEST(a_storm_of_failures_never_mixes_them_up)
{
    unsigned seed = 4711;
    char name[32], expected[64];
    int i;

    for (i = 0; i < HARNESS_ROUNDS(20000); i++) {
        unsigned kind = harness_random(&seed) % 6;

        snprintf(name, sizeof name, "%u", harness_random(&seed));
        snprintf(expected, sizeof expected, "%s: no greeting", name);
        if (kind < 2) {
            ck_assert_int_eq(cede_await(cede_spawn(kind ? passes_on : fails, name)), -1);
            ck_assert_str_eq(cede_error(), expected);
        } else if (kind == 2) {
            ck_assert_int_eq(cede_await(cede_spawn(fails_in_silence, NULL)), -1);
            ck_assert_str_eq(cede_error(), strerror(EPROTO));
        } else if (kind == 3) {
            ck_assert_int_eq(cede_await(cede_spawn(fails_and_recovers, NULL)), 0);
        } else if (kind == 4) {
            cede_group (g) {
                cede_group_spawn(g, NULL, passes_on, name);
                cede_group_spawn(g, NULL, fails_and_recovers, NULL);
                ck_assert_fails(cede_group_wait(g), EPROTO);
                errno = EPROTO;
                ck_assert_str_eq(cede_error(), expected);
            }
        } else {
            cede_detach(cede_spawn(fails, name));
        }
    }
}

Suite *suite(void)
{
    Suite *error = suite_create("error");
    TCase *cases = tcase_create("error");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, it_sets_errno_and_returns_minus_one);
    tcase_add_test(cases, other_errnos_are_told_by_strerror);
    tcase_add_test(cases, it_reaches_the_joiner);
    tcase_add_test(cases, a_failure_without_a_message_takes_it_away_and_success_does_not);
    tcase_add_test(cases, it_is_passed_on);
    tcase_add_test(cases, it_is_never_another_tasks);
    tcase_add_test(cases, long_ones_are_cut);
    tcase_add_test(cases, it_takes_a_va_list);
    tcase_add_test(cases, a_generator_fails_as_its_consumer);
    tcase_add_test(cases, a_group_reports_the_first);
    tcase_add_test(cases, a_group_reports_a_detached_task);
    tcase_add_test(cases, a_cancelled_group_has_no_message);
    tcase_add_test(cases, it_comes_out_of_the_run);
    tcase_add_test(cases, each_thread_has_its_own);
    tcase_add_test(cases, it_comes_from_a_helper_thread);
    tcase_add_test(cases, a_child_of_fork_has_it_too);
    tcase_add_test(cases, dumps_show_it);
    tcase_add_test(cases, memory_is_bounded);
    tcase_add_test(cases, a_storm_of_failures_never_mixes_them_up);
    suite_add_tcase(error, cases);
    return error;
}
