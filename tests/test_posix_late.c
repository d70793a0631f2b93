/* SPDX-License-Identifier: MIT */
/* libcede-posix loaded by dlopen in a program with one thread: libc's entries lead to it, so it has to stay. */
#include <dlfcn.h>
#include <unistd.h>

#include "harness.h"

START_TEST(a_library_that_was_closed_stays)
{
    void *library = dlopen(POSIX_LIBRARY, RTLD_NOW);
    int ends[2];
    char got = 0;

    ck_assert_msg(library, "%s", dlerror());
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dlclose(library), 0);
    ck_assert_ptr_nonnull(dlopen(POSIX_LIBRARY, RTLD_NOW | RTLD_NOLOAD));
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
    ck_assert_int_eq(read(ends[0], &got, 1), 1);
    ck_assert_int_eq(got, 'x');
    ck_assert_int_eq(usleep(1000), 0);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

Suite *suite(void)
{
    Suite *late = suite_create("posix_late");
    TCase *cases = tcase_create("late");

    tcase_add_test(cases, a_library_that_was_closed_stays);
    suite_add_tcase(late, cases);
    return late;
}
