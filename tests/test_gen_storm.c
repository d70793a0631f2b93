/* SPDX-License-Identifier: MIT */
/* Many generators in generators that end in every way. */
#include "counter.h"

struct storm { unsigned seed; int depth; };

static int open_bodies;

static void count_down(int *counter)
{
    --*counter;
}

static int some_errno(unsigned choice)
{
    errno = choice % 2 ? EDOM : ERANGE;
    return -1;
}

static int storm(struct storm *a, unsigned *item)
{
    unsigned choice, next = 0, sum;

    open_bodies++;
    cede_defer(count_down, &open_bodies);
    for (;;) {
        choice = harness_random(&a->seed) % 32;
        if (choice == 0)
            return 0;
        if (choice == 1)
            return some_errno(a->seed);
        if (choice == 2 && a->depth == 0)
            cede_exit(5);
        if (choice < 6) {
            cede_yield();
        } else if (choice < 8) {
            cede_timeout ((int64_t)(harness_random(&a->seed) % 4) * 10 * CEDE_MICROSECOND) {
                if (cede_gen_put(item, next++) != 0)
                    return -1;
                cede_sleep(20 * CEDE_MICROSECOND);
            }
        } else if (choice < 10 && a->depth > 0) {
            sum = 0;
            cede_for (unsigned, i, storm, .seed = harness_random(&a->seed), .depth = a->depth - 1) {
                ck_assert_uint_eq(i, sum);
                sum++;
                if (harness_random(&a->seed) % 8 == 0)
                    break;
                if (cede_gen_put(item, next++) != 0)
                    return -1;
            }
        } else if (choice == 10) {
            cede_group (g) {
                cede_group_spawn(g, NULL, parks, NULL);
                if (cede_gen_put(item, next++) != 0)
                    break;
                cede_yield();
                cede_group_cancel(g);
            }
        } else if (choice == 11) {
            cede_shield
                if (cede_gen_put(item, next++) != 0)
                    break;
        } else if (cede_gen_put(item, next++) != 0 && harness_random(&a->seed) % 2) {
            return -1;
        }
    }
}

static int storms(void *arg)
{
    unsigned seed = *(unsigned *)arg, expected = 0;

    cede_timeout (harness_random(&seed) % 2 ? CEDE_FOREVER : harness_random(&seed) % 200 * CEDE_MICROSECOND)
        cede_for (unsigned, i, storm, .seed = seed, .depth = 3) {
            ck_assert_uint_eq(i, expected);
            expected++;
            if (harness_random(&seed) % 50 == 0)
                break;
            if (harness_random(&seed) % 10 == 0)
                cede_yield();
        }
    return 0;
}

TASK_TEST(a_storm_of_generators)
{
    enum { TASKS = 8 };
    struct cede_task *tasks[TASKS];
    unsigned seeds[TASKS], seed = 23;
    int round, i;

    for (round = 0; round < HARNESS_ROUNDS(6000); round++) {
        for (i = 0; i < TASKS; i++) {
            seeds[i] = harness_random(&seed);
            ck_assert_ptr_nonnull(tasks[i] = cede_spawn(storms, &seeds[i]));
        }
        for (i = harness_random(&seed) % 4; i > 0; i--)
            cede_yield();
        cede_cancel(tasks[harness_random(&seed) % TASKS]);
        for (i = 0; i < TASKS; i++)
            ck_assert_int_ge(cede_await(tasks[i]), 0);
        ck_assert_int_eq(open_bodies, 0);
    }
    ck_assert_int_eq(cede_check(), 0);
}

Suite *suite(void)
{
    Suite *self = suite_create("gen_storm");
    TCase *cases = tcase_create("gen_storm");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_storm_of_generators);
    suite_add_tcase(self, cases);
    return self;
}
