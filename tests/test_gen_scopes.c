/* SPDX-License-Identifier: MIT */
/* A generator's body is a part of the task that consumes its items, but neither's scopes reach the other. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "counter.h"

/* ---- each has its own scopes ---- */

struct bounded { int count; int64_t ns; };

static int bounded(struct bounded *a, int *item)
{
    cede_timeout (a->ns)
        for (int i = 0; i < a->count; i++) {
            if (cede_gen_put(item, i) != 0)
                return -1;
            if (cede_check() != 0)
                return -1;
        }
    return 0;
}

TASK_TEST(a_deadline_in_the_body_does_not_reach_the_consumer)
{
    int turns = 0;

    ck_assert_int_eq(cede_time_left(), CEDE_FOREVER);
    cede_for (int, i, bounded, .count = 10, .ns = 2 * CEDE_MILLISECOND) {
        ck_assert_int_eq(cede_time_left(), CEDE_FOREVER);
        ck_assert_int_eq(cede_sleep(5 * CEDE_MILLISECOND), 0);
        ck_assert_int_eq(cede_check(), 0);
        turns++;
    }
    ck_assert_int_eq(errno, ETIMEDOUT); /* the body's own, for it went on meanwhile */
    ck_assert_int_eq(turns, 1);
    ck_assert_int_eq(cede_check(), 0);
}

TASK_TEST(a_deadline_of_the_consumer_holds_in_the_body_while_it_runs)
{
    struct cede_gen gen;
    int item;

    ck_assert_int_eq(cede_gen_open(&gen, &item, bounded, .count = 10, .ns = LONG), 0);
    cede_timeout (0)
        ck_assert_int_eq(cede_gen_next(&gen), 1);
    ck_assert_int_eq(cede_gen_next(&gen), 1);
    cede_timeout (0)
        ck_assert_fails(cede_gen_next(&gen), ETIMEDOUT);
    ck_assert_fails(cede_gen_close(&gen), ETIMEDOUT);
}

struct shielded { int unused; };

static int shielded(struct shielded *a, int *item)
{
    (void)a;
    cede_shield {
        while (cede_gen_put(item, 1) == 0)
            ck_assert_int_eq(cede_sleep(1), 0);
        return 0;
    }
    return -1;
}

static int consumes_shielded(void *unused)
{
    (void)unused;
    cede_for (int, i, shielded, .unused = 0)
        if (cede_sleep(CEDE_MILLISECOND) != 0)
            break;
    ck_assert_int_eq(errno, ECANCELED);
    return 0;
}

TASK_TEST(a_shield_in_the_body_does_not_shield_the_consumer)
{
    struct cede_task *task = cede_spawn(consumes_shielded, NULL);

    cede_sleep(3 * CEDE_MILLISECOND);
    cede_cancel(task);
    ck_assert_int_eq(cede_await(task), 0);
}

static int destroyed;

static void destroy(void *value)
{
    destroyed++;
    free(value);
}

static const struct cede_local key = CEDE_LOCAL_INIT(destroy);

static char *text(const char *string)
{
    return strcpy(malloc(strlen(string) + 1), string);
}

struct local { int unused; };

static int local(struct local *a, const char **item)
{
    (void)a;
    if (cede_gen_put(item, cede_local_get(&key)) != 0)
        return -1;
    cede_local_with (&key, text("inner"))
        if (cede_gen_put(item, cede_local_get(&key)) != 0)
            return -1;
    if (cede_gen_put(item, cede_local_get(&key)) != 0)
        return -1;
    cede_local_set(&key, text("last"));
    return cede_gen_put(item, cede_local_get(&key));
}

TASK_TEST(task_locals_are_inherited_and_then_its_own)
{
    static const char *const expected[] = {"outer", "inner", "outer", "last"};
    int i = 0, last;

    cede_local_set(&key, text("outer"));
    cede_for (const char *, value, local, .unused = 0) {
        ck_assert_str_eq(value, expected[i]);
        ck_assert_str_eq(cede_local_get(&key), i == 0 ? "outer" : "changed");
        cede_local_set(&key, text("changed"));
        i++;
    }
    ck_assert_int_eq(i, 4);
    ck_assert_int_eq(destroyed, 6);
    for (last = 0; last < 4; last++) {
        i = 0;
        cede_for (const char *, value, local, .unused = 0)
            if (i++ == last)
                break;
        ck_assert_str_eq(cede_local_get(&key), "changed");
    }
    cede_local_set(&key, NULL);
    ck_assert_int_eq(destroyed, 7 + 1 + 1 + 2);
}

/* ---- the rest of the runtime sees one task ---- */

struct names { int unused; };

static int names(struct names *a, int *item)
{
    (void)a;
    ck_assert_int_eq(cede_name_set("from the body"), 0);
    return cede_gen_put(item, 1);
}

static int names_in_a_body(void *unused)
{
    (void)unused;
    cede_for (int, i, names, .unused = 0)
        ck_assert_str_eq(cede_name(), "from the body");
    ck_assert_str_eq(cede_name(), "from the body");
    return 0;
}

struct self { int unused; };

static int self(struct self *a, struct cede_task **item)
{
    (void)a;
    return cede_gen_put(item, cede_self());
}

TASK_TEST(the_body_is_the_consumer)
{
    cede_for (struct cede_task *, task, self, .unused = 0)
        ck_assert_ptr_eq(task, cede_self());
    ck_assert_int_eq(cede_await(cede_spawn(names_in_a_body, NULL)), 0);
}

struct dumps { int fd; };

static int dumps(struct dumps *a, int *item)
{
    return cede_dump(a->fd) > 0 ? cede_gen_put(item, 1) : -1;
}

static __attribute__((noinline)) int consumes_a_dump(int fd)
{
    int turns = 0;

    cede_for (int, i, dumps, .fd = fd)
        turns++;
    return turns;
}

TASK_TEST(a_dump_shows_the_body_and_its_consumer)
{
    char name[] = "/tmp/cede_test_gen_XXXXXX", report[20000];
    int fd = mkstemp(name);
    ssize_t length;
    char *found;

    ck_assert_int_ge(fd, 0);
    unlink(name);
    ck_assert_int_eq(consumes_a_dump(fd), 1);
    length = pread(fd, report, sizeof report - 1, 0);
    ck_assert_int_gt(length, 0);
    report[length] = '\0';
    found = strstr(report, "a generator, consumed by\n");
    ck_assert_ptr_nonnull(found);
    ck_assert_ptr_nonnull(strstr(found, "consumes_a_dump"));
    close(fd);
}

Suite *suite(void)
{
    Suite *self = suite_create("gen_scopes");
    TCase *cases = tcase_create("gen_scopes");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_deadline_in_the_body_does_not_reach_the_consumer);
    tcase_add_test(cases, a_deadline_of_the_consumer_holds_in_the_body_while_it_runs);
    tcase_add_test(cases, a_shield_in_the_body_does_not_shield_the_consumer);
    tcase_add_test(cases, task_locals_are_inherited_and_then_its_own);
    tcase_add_test(cases, the_body_is_the_consumer);
    tcase_add_test(cases, a_dump_shows_the_body_and_its_consumer);
    suite_add_tcase(self, cases);
    return self;
}
