/* SPDX-License-Identifier: MIT */
#include "environment.h"

#include <stdlib.h>

#include "capture.h"
#include "harness.h"

/* Every variable, in alphabetical order, with a value of each kind that it can have; NULL: it is a number. */
static const struct {
    const char *name, *words[4];
} variables[] = {
    {"CEDE_AUDIT", {"0", "1"}},
    {"CEDE_AUDIT_MS", {NULL}},
    {"CEDE_DEBUG", {"dump", "dump,dump"}},
    {"CEDE_FILE", {"ring", "pool"}},
    {"CEDE_GUARD", {"madvise", "protect"}},
    {"CEDE_PIDFD", {"on", "off"}},
    {"CEDE_POLLER", {"auto", "epoll", "io_uring"}},
    {"CEDE_POSIX", {"patch", "symbols"}},
    {"CEDE_POSIX_CHECK", {"on", "off"}},
    {"CEDE_RUN", {"main", "main,threads", "children,threads,main"}},
    {"CEDE_SPIN", {NULL}},
};

enum { VARIABLES = sizeof variables / sizeof *variables };

static void unset_all(void)
{
    size_t i;

    for (i = 0; i < VARIABLES; i++)
        unsetenv(variables[i].name);
}

/* The only problem; NULL: none. */
static void problem_is(const char *expected)
{
    char text[160] = "";
    size_t index = 0;

    ck_assert_int_eq(cede__environment_problem(&index, text, sizeof text), expected != NULL);
    if (!expected)
        return;
    ck_assert_str_eq(text, expected);
    ck_assert_int_eq(cede__environment_problem(&index, text, sizeof text), 0);
}

static void assert_is_default(const char *name)
{
    const char *value = "unchanged";
    long number = 4711;

    errno = 7;
    ck_assert_int_eq(cede__environment_get(name, &value), 0);
    ck_assert_ptr_null(value);
    ck_assert_int_eq(cede__environment_number(name, &number), 0);
    ck_assert_int_eq(number, 4711);
    ck_assert(!cede__environment_has(name, ""));
    ck_assert_int_eq(errno, 7);
}

START_TEST(what_is_unset_or_empty_is_no_problem)
{
    size_t i;

    unset_all();
    problem_is(NULL);
    for (i = 0; i < VARIABLES; i++) {
        assert_is_default(variables[i].name);
        setenv(variables[i].name, "", 1);
        assert_is_default(variables[i].name);
    }
    problem_is(NULL);
}
END_TEST

START_TEST(words_that_can_be)
{
    const char *value;
    size_t i, k;

    unset_all();
    for (i = 0; i < VARIABLES; i++)
        for (k = 0; variables[i].words[k]; k++) {
            setenv(variables[i].name, variables[i].words[k], 1);
            errno = 7;
            ck_assert_int_eq(cede__environment_get(variables[i].name, &value), 0);
            ck_assert_str_eq(value, variables[i].words[k]);
            ck_assert_int_eq(errno, 7);
            problem_is(NULL);
        }
}
END_TEST

START_TEST(a_word_is_looked_for)
{
    unset_all();
    setenv("CEDE_RUN", "main,children", 1);
    ck_assert(cede__environment_has("CEDE_RUN", "main"));
    ck_assert(cede__environment_has("CEDE_RUN", "children"));
    ck_assert(!cede__environment_has("CEDE_RUN", "threads"));
    ck_assert(!cede__environment_has("CEDE_RUN", "main,children"));
    ck_assert(!cede__environment_has("CEDE_RUN", "child"));
    ck_assert(!cede__environment_has("CEDE_RUN", ""));
    setenv("CEDE_POSIX", "symbols", 1);
    ck_assert(cede__environment_has("CEDE_POSIX", "symbols"));
    ck_assert(!cede__environment_has("CEDE_POSIX", "patch"));
    /* What is wrong has none of its words. */
    setenv("CEDE_RUN", "main,children,others", 1);
    errno = 7;
    ck_assert(!cede__environment_has("CEDE_RUN", "main"));
    ck_assert_int_eq(errno, 7);
}
END_TEST

static const struct {
    const char *name;
    long least, most;
} numbers[] = {{"CEDE_AUDIT_MS", 1, 1000000}, {"CEDE_SPIN", 0, 1000}};

START_TEST(numbers_that_can_be)
{
    char text[32];
    size_t i;
    long wanted, number;
    int k;

    unset_all();
    for (i = 0; i < sizeof numbers / sizeof *numbers; i++)
        for (k = 0; k < 3; k++) {
            wanted = k == 0 ? numbers[i].least : k == 1 ? numbers[i].most : 30;
            snprintf(text, sizeof text, "%ld", wanted);
            setenv(numbers[i].name, text, 1);
            errno = 7;
            ck_assert_int_eq(cede__environment_number(numbers[i].name, &number), 0);
            ck_assert_int_eq(number, wanted);
            ck_assert_int_eq(errno, 7);
            problem_is(NULL);
        }
}
END_TEST

START_TEST(values_that_cannot_be)
{
    static const struct {
        const char *name, *value, *problem;
    } wrong[] = {
        {"CEDE_AUDIT", "yes", "CEDE_AUDIT=yes: it can be one of 0 1"},
        {"CEDE_AUDIT", "0 1", "CEDE_AUDIT=0 1: it can be one of 0 1"},
        {"CEDE_AUDIT_MS", "30x", "CEDE_AUDIT_MS=30x: it can be a number from 1 to 1000000"},
        {"CEDE_AUDIT_MS", "0", "CEDE_AUDIT_MS=0: it can be a number from 1 to 1000000"},
        {"CEDE_DEBUG", "dump,dumpling", "CEDE_DEBUG=dump,dumpling: it can be a list of dump"},
        {"CEDE_DEBUG", "dump,", "CEDE_DEBUG=dump,: it can be a list of dump"},
        {"CEDE_FILE", "rin", "CEDE_FILE=rin: it can be one of ring pool"},
        {"CEDE_GUARD", "p", "CEDE_GUARD=p: it can be one of madvise protect"},
        {"CEDE_PIDFD", "offside", "CEDE_PIDFD=offside: it can be one of on off"},
        {"CEDE_POLLER", "poll", "CEDE_POLLER=poll: it can be one of auto epoll io_uring"},
        {"CEDE_POSIX", "no", "CEDE_POSIX=no: it can be one of patch symbols"},
        {"CEDE_POSIX_CHECK", "o", "CEDE_POSIX_CHECK=o: it can be one of on off"},
        {"CEDE_RUN", "threads main", "CEDE_RUN=threads main: it can be a list of main threads children"},
        {"CEDE_SPIN", "99999999999999999999", "CEDE_SPIN=99999999999999999999: it can be a number from 0 to 1000"},
        {"CEDE_SPIN", "-1", "CEDE_SPIN=-1: it can be a number from 0 to 1000"},
    };
    const char *value = "unchanged";
    long number = 4711;
    size_t i;

    for (i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        unset_all();
        setenv(wrong[i].name, wrong[i].value, 1);
        ck_assert_fails(cede__environment_get(wrong[i].name, &value), EINVAL);
        ck_assert_fails(cede__environment_number(wrong[i].name, &number), EINVAL);
        errno = 7;
        ck_assert(!cede__environment_has(wrong[i].name, wrong[i].value));
        ck_assert_int_eq(errno, 7);
        problem_is(wrong[i].problem);
    }
    ck_assert_fails(cede__environment_get("CEDE_NO_SUCH", &value), EINVAL);
    ck_assert_str_eq(value, "unchanged");
    ck_assert_int_eq(number, 4711);
}
END_TEST

static int nothing(void *unused)
{
    (void)unused;
    return 0;
}

static void run_twice(void *unused)
{
    (void)unused;
    setenv("CEDE_AUDIT", "maybe", 1);
    setenv("CEDE_POSIX", "no", 1);
    ck_assert_int_eq(cede_run(nothing, NULL), 0);
    ck_assert_int_eq(cede_run(nothing, NULL), 0);
}

START_TEST(the_first_run_complains)
{
    static struct capture seen;

    unset_all();
    capture_child(&seen, run_twice, NULL);
    capture_assert_exited(&seen);
    ck_assert_str_eq(seen.text, "cede: CEDE_AUDIT=maybe: it can be one of 0 1\n"
                                "cede: CEDE_POSIX=no: it can be one of patch symbols\n");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("environment");
    TCase *t = tcase_create("environment");

    tcase_add_test(t, what_is_unset_or_empty_is_no_problem);
    tcase_add_test(t, words_that_can_be);
    tcase_add_test(t, a_word_is_looked_for);
    tcase_add_test(t, numbers_that_can_be);
    tcase_add_test(t, values_that_cannot_be);
    tcase_add_test(t, the_first_run_complains);
    suite_add_tcase(s, t);
    return s;
}
