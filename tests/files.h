/* SPDX-License-Identifier: MIT */
/* What the suites about files share: a directory of their own, and each test once for each engine. */
#ifndef CEDE_TESTS_FILES_H
#define CEDE_TESTS_FILES_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

static const char *const files_engines[] = {"ring", "pool"};
enum { FILES_ENGINES = 2 };

/* Which one the test has: not "ring" where the kernel has none. */
static const char *files_engine;

/* TASK_TEST, for tcase_add_loop_test(tcase, name, 0, FILES_ENGINES). */
#define FILES_TEST(name)                                                              \
    static void name##_body(void);                                                    \
    static int name##_task(void *unused)                                              \
    {                                                                                 \
        (void)unused;                                                                 \
        files_engine = cede_file_engine();                                            \
        name##_body();                                                                \
        return 0;                                                                     \
    }                                                                                 \
    START_TEST(name)                                                                  \
    {                                                                                 \
        const struct cede_run_attr attr = {.files = files_engines[_i]};               \
                                                                                      \
        ck_assert_int_eq(cede_run_attr(&attr, name##_task, NULL), 0);                 \
    }                                                                                 \
    END_TEST                                                                          \
    static void name##_body(void)

/* A fresh directory on a disk, where the test's process goes. Fixtures, also for the tests that fail. */
static char files_directory[] = "/var/tmp/cede-test-file-XXXXXX";

static void files_setup(void)
{
    if (!mkdtemp(files_directory) || chdir(files_directory) != 0)
        abort();
}

static void files_teardown(void)
{
    char command[100];

    snprintf(command, sizeof command, "rm -rf %s", files_directory);
    if (chdir("/") != 0 || system(command) != 0)
        abort();
    strcpy(strrchr(files_directory, '-'), "-XXXXXX");
}

/* A file with `size` bytes, of which byte i is files_byte(i), and which are not in the page cache. Opened. */
static inline char files_byte(size_t i)
{
    return (char)(i * 7 + i / 4096);
}

static inline bool files_is_cached(int fd)
{
    struct stat status;
    unsigned char *resident;
    size_t pages, i;
    void *mapped;

    ck_assert_int_eq(fstat(fd, &status), 0);
    if (status.st_size == 0)
        return false;
    pages = ((size_t)status.st_size + 4095) / 4096;
    resident = malloc(pages);
    mapped = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
    ck_assert(resident && mapped != MAP_FAILED);
    ck_assert_int_eq(mincore(mapped, (size_t)status.st_size, resident), 0);
    for (i = 0; i < pages && !(resident[i] & 1); i++)
        ;
    munmap(mapped, (size_t)status.st_size);
    free(resident);
    return i < pages;
}

/* Again and again, because a page that is just being read ahead is kept. */
static inline void files_forget_cache(int fd)
{
    int i;

    ck_assert_int_eq(fsync(fd), 0);
    for (i = 0; i < 100; i++) {
        ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
        if (!files_is_cached(fd))
            break;
        usleep(100);
    }
}

static inline int files_make(const char *name, size_t size)
{
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    char *bytes = malloc(size);
    size_t i;

    ck_assert_int_ge(fd, 0);
    for (i = 0; i < size; i++)
        bytes[i] = files_byte(i);
    ck_assert_int_eq(pwrite(fd, bytes, size, 0), size);
    free(bytes);
    files_forget_cache(fd);
    return fd;
}

static inline void files_check(const char *bytes, size_t from, size_t size)
{
    size_t i;

    for (i = 0; i < size; i++)
        if (bytes[i] != files_byte(from + i))
            ck_abort_msg("byte %zu is wrong", from + i);
}

#endif
