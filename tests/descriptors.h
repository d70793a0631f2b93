/* SPDX-License-Identifier: MIT */
/* How many descriptors the process has open: for suites that show that none is lost. To be compared with an earlier
 * count, for it has one more itself. */
#ifndef CEDE_TESTS_DESCRIPTORS_H
#define CEDE_TESTS_DESCRIPTORS_H

#include <dirent.h>

#include "harness.h"

static inline int count_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;

    ck_assert_ptr_nonnull(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

#endif
