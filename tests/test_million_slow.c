/* SPDX-License-Identifier: MIT */
/* A million tasks parked at once, each on its own stack, each with its guard. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness.h"
#include "sched.h"

enum { TASKS = 1000000 };

static struct cede_task *tasks[TASKS];
static unsigned finished;
static int zero_fd;

static int parks(void *unused)
{
    (void)unused;
    if (cede_park() != 0)
        return -1;
    finished++;
    return 0;
}

/* A system call cannot write below the stack. */
static void check_guard(struct cede_task *handle)
{
    char *bottom = cede__task_find(handle)->run.stack->bottom;

    ck_assert(read(zero_fd, bottom - 1, 1) == -1 && errno == EFAULT);
    ck_assert(read(zero_fd, bottom - cede__task_find(handle)->run.stack->pool->guard, 1) == -1 && errno == EFAULT);
}

TASK_TEST(a_million_tasks_park_and_every_stack_is_guarded)
{
    const struct cede_task_attr attr = {.stack_size = (size_t)64 << 10};
    int i;

    zero_fd = open("/dev/zero", O_RDONLY);
    for (i = 0; i < TASKS; i++)
        ck_assert_ptr_nonnull(tasks[i] = cede_spawn_attr(&attr, parks, NULL));
    ck_assert_int_eq(cede_yield(), 0);
    for (i = 0; i < TASKS; i++)
        check_guard(tasks[i]);
    for (i = 0; i < TASKS; i++)
        ck_assert_int_eq(cede_wake(tasks[i]), 0);
    for (i = 0; i < TASKS; i++)
        ck_assert_int_eq(cede_await(tasks[i]), 0);
    ck_assert_uint_eq(finished, TASKS);
}

static long available_mib(void)
{
    FILE *file = fopen("/proc/meminfo", "r");
    char line[128];
    long kib = 0;

    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %ld kB", &kib) == 1)
            break;
    if (file)
        fclose(file);
    return kib / 1024;
}

static void skip(const char *why)
{
    printf("skipped: %s\n", why);
    exit(77);
}

Suite *suite(void)
{
    Suite *million = suite_create("million");
    TCase *cases = tcase_create("million");

#ifdef HARNESS_SANITIZED
    skip("a million stacks are too many for a sanitizer");
#endif
    if (available_mib() < 8 * 1024)
        skip("less than 8 GiB of memory are available");
    if (cede__stack_guard_kind()[1] == 'p')
        skip("guards by mprotect take two million mappings");
    tcase_set_timeout(cases, 280);
    tcase_add_test(cases, a_million_tasks_park_and_every_stack_is_guarded);
    suite_add_tcase(million, cases);
    return million;
}
