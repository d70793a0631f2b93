/* SPDX-License-Identifier: MIT */
/* CEDE_AUDIT: that it names what blocks a thread, while it blocks and afterwards, and is quiet about all else. */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "harness.h"

enum { MS = 120 };

static int sleeps_raw(void *unused)
{
    const struct timespec time = {.tv_nsec = MS * 1000000L};

    (void)unused;
    syscall(SYS_nanosleep, &time, NULL);
    /* The signal for the backtrace ends it: again, so that the end is seen. */
    syscall(SYS_nanosleep, &time, NULL);
    cede_sleep(50 * CEDE_MILLISECOND);
    return 0;
}

static char path[] = "/tmp/cede-audit-XXXXXX";

static void *unlocks_later(void *fd)
{
    usleep(MS * 1000);
    syscall(SYS_flock, (int)(intptr_t)fd, LOCK_UN);
    return NULL;
}

static int locks_a_file(void *unused)
{
    int held = mkstemp(path), wanted = open(path, O_RDWR);
    pthread_t thread;

    (void)unused;
    syscall(SYS_flock, held, LOCK_EX);
    pthread_create(&thread, NULL, unlocks_later, (void *)(intptr_t)held);
    syscall(SYS_flock, wanted, LOCK_EX);
    cede_sleep(50 * CEDE_MILLISECOND);
    unlink(path);
    return pthread_join(thread, NULL);
}

static int computes(void *unused)
{
    int64_t until_ns = cede_now() + MS * CEDE_MILLISECOND;
    volatile unsigned count = 0;

    (void)unused;
    while (cede_now() < until_ns)
        count++;
    cede_sleep(50 * CEDE_MILLISECOND);
    return 0;
}

static int parks(void *unused)
{
    int i;

    (void)unused;
    for (i = 0; i < 4; i++)
        cede_sleep(50 * CEDE_MILLISECOND);
    return 0;
}

static void run(void *fn)
{
    ck_assert_int_eq(cede_run(*(cede_task_fn **)fn, NULL), 0);
}

static void audit(cede_task_fn *fn, struct capture *seen)
{
    setenv("CEDE_AUDIT", "1", 1);
    setenv("CEDE_AUDIT_MS", "30", 1);
    capture_child(seen, run, &fn);
    capture_assert_exited(seen);
}

START_TEST(a_raw_system_call_is_told)
{
    struct capture seen;

    if (harness_emulated("real-time signal for the audit to ask a busy thread with"))
        return;
    audit(sleeps_raw, &seen);
    ck_assert_says(&seen, "cede: audit: \"main\" of thread ");
    ck_assert_says(&seen, "has been blocking it for ");
    ck_assert_says(&seen, "sleeps_raw");
    ck_assert_says(&seen, "goes on: it was blocked for ");
}
END_TEST

START_TEST(a_lock_of_a_file_is_told)
{
    struct capture seen;

    if (harness_emulated("real-time signal for the audit to ask a busy thread with"))
        return;
    audit(locks_a_file, &seen);
    ck_assert_says(&seen, "has been blocking it for ");
    ck_assert_says(&seen, "locks_a_file");
    ck_assert_says(&seen, "goes on: it was blocked for ");
}
END_TEST

START_TEST(computing_is_told_as_such)
{
    struct capture seen;

    if (harness_emulated("real-time signal for the audit to ask a busy thread with"))
        return;
    audit(computes, &seen);
    ck_assert_says(&seen, "has been running without a wait for ");
    ck_assert_says(&seen, "computes");
    ck_assert_says(&seen, "goes on: the task ran for ");
}
END_TEST

START_TEST(parked_tasks_block_nothing)
{
    struct capture seen;

    audit(parks, &seen);
    ck_assert_msg(!strstr(seen.text, "audit"), "%s", seen.text);
}
END_TEST

START_TEST(it_is_off_unless_asked_for)
{
    cede_task_fn *fn = sleeps_raw;
    struct capture seen;

    unsetenv("CEDE_AUDIT");
    capture_child(&seen, run, &fn);
    capture_assert_exited(&seen);
    ck_assert_msg(!strstr(seen.text, "audit"), "%s", seen.text);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("audit");
    TCase *tcase = tcase_create("audit");

    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, a_raw_system_call_is_told);
    tcase_add_test(tcase, a_lock_of_a_file_is_told);
    tcase_add_test(tcase, computing_is_told_as_such);
    tcase_add_test(tcase, parked_tasks_block_nothing);
    tcase_add_test(tcase, it_is_off_unless_asked_for);
    suite_add_tcase(suite, tcase);
    return suite;
}
