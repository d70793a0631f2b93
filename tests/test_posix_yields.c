/* SPDX-License-Identifier: MIT */
/*
 * A small program that knows nothing of libcede-posix: says whether usleep(3) in one task lets another run, and, if it
 * can ask, what the self-check thinks. It is run in several ways: with libcede-posix preloaded, without, and linked in
 * the wrong order.
 */
#include <cede.h>
#include <cede/posix.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* NULL where the library is neither linked nor preloaded. */
#pragma weak cede_posix_check
#pragma weak cede_posix_problem

/* See cover.h; NULL where that is not linked with it. */
__attribute__((weak)) void cover_passed(void);

static int other_ran;

static int other(void *unused)
{
    (void)unused;
    return other_ran = 1;
}

static int app(void *unused)
{
    struct cede_task *task = cede_spawn(other, NULL);

    (void)unused;
    usleep(10 * 1000);
    printf("usleep %s\n", other_ran ? "yields" : "blocks");
    return cede_await(task);
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    if (!cede_posix_check)
        printf("not loaded: ");
    else if (cede_posix_check() == 0)
        printf("in effect: ");
    else
        printf("not in effect (%s%s): ", errno == ENOSYS ? "ENOSYS" : strerror(errno),
               cede_posix_problem() ? "" : ", without a problem");
    if (cede_run(app, NULL) != 1)
        return 1;
    if (cover_passed)
        cover_passed();
    return 0;
}
